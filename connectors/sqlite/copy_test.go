package sqlite

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
)

// copyOf says what the copies of these tests hold.
func copyOf(of connectors.Table, views ...connectors.CopyView) connectors.Copy {
	return connectors.Copy{Name: "lethe_crm_" + of.Name, Of: of, Key: []string{"purpose"}, Views: views,
		Fields: []connectors.Field{
			{Name: "purpose", Kind: connectors.Text, Length: 64}, {Name: "until", Kind: connectors.Timestamp,
				Nullable: true}}}
}

// permit writes a row of such a copy for each key, for a purpose and until an instant; "" is for ever.
func permit(t *testing.T, src connectors.Source, table connectors.Table, until string, keys ...connectors.Key) error {
	b, err := connectors.NewBuilder(table, nil)
	require.NoError(t, err)
	for _, key := range keys {
		values, err := key.Values()
		require.NoError(t, err)
		for i, v := range append(values, []byte("mail")) {
			b.Append(i, v)
		}
		if until == "" {
			b.AppendNull(len(values) + 1)
		} else {
			b.Append(len(values)+1, []byte(until))
		}
		b.EndRow()
	}
	return src.(connectors.CopyKeeper).WriteCopy(t.Context(), table, b.Batch("").Rows, nil)
}

func catalog(t *testing.T, src connectors.Source) map[string]connectors.Table {
	tables, err := src.Tables(t.Context())
	require.NoError(t, err)
	byName := map[string]connectors.Table{}
	for _, table := range tables {
		byName[table.Name] = table
	}
	return byName
}

func ensure(t *testing.T, src connectors.Source, c connectors.Copy) connectors.Table {
	t.Helper()
	table, err := src.(connectors.CopyKeeper).EnsureCopy(t.Context(), c)
	require.NoError(t, err)
	return table
}

// A key of any declared type leads from a row to that row of the copy and no other, whatever the storage
// class of its value, and the view joins them.
func TestCopyOfEveryTypeOfKey(t *testing.T) {
	for name, create := range map[string]string{
		"no type":       "CREATE TABLE t (k PRIMARY KEY, v) WITHOUT ROWID",
		"any":           "CREATE TABLE t (k ANY PRIMARY KEY, v ANY) STRICT",
		"text":          "CREATE TABLE t (k VARCHAR(20) PRIMARY KEY, v)",
		"blob":          "CREATE TABLE t (k BLOB PRIMARY KEY, v) WITHOUT ROWID",
		"rowid":         "CREATE TABLE t (k INTEGER PRIMARY KEY AUTOINCREMENT, v)",
		"numeric":       "CREATE TABLE t (k DECIMAL(10,2) PRIMARY KEY, v)",
		"real":          "CREATE TABLE t (k DOUBLE PRIMARY KEY, v)",
		"odd type":      "CREATE TABLE t (k \"it's) \"\"odd\" PRIMARY KEY, v)",
		"nocase":        "CREATE TABLE t (k TEXT COLLATE NOCASE PRIMARY KEY, v)",
		"finer key":     "CREATE TABLE t (k TEXT COLLATE NOCASE, v, PRIMARY KEY (k COLLATE BINARY)) WITHOUT ROWID",
		"default, null": "CREATE TABLE t (k TEXT DEFAULT 'x' PRIMARY KEY, v)",
	} {
		t.Run(name, func(t *testing.T) {
			statements := []string{create}
			for i, v := range []string{"1", "'1'", "x'31'", "1.5", "'1.5'", "'a'", "'A'", "x'61'", "''", "x''",
				"9007199254740993", "char(0)||'i1'", "x'006931'", "'2024-01-31'", "0.1"} {
				if name != "rowid" || !strings.ContainsAny(v, "'.") {
					statements = append(statements, fmt.Sprintf("INSERT OR IGNORE INTO t VALUES (%s, 'row %d')", v, i))
				}
			}
			if name == "any" || name == "odd type" {
				// the text of a float as ANY holds it is no key
				statements = append(statements, "DELETE FROM t WHERE typeof(k) = 'real'")
			}
			path := makeFile(t, statements...)
			src := openFile(t, path, true)
			defer src.Close()
			of := catalog(t, src)["t"]
			c := copyOf(of, connectors.CopyView{Name: "lethe_crm_t_v", Fields: []string{"v"}, Until: "until"})
			made := ensure(t, src, c)
			var keys []connectors.Key
			values := read(t, src, connectors.Query{Table: "t", Fields: []string{"v"}})
			for b, err := range src.Scan(t.Context(), connectors.Query{Table: "t", Fields: []string{"k"}}) {
				require.NoError(t, err)
				for r := range int(b.Rows.NumRows()) {
					key, ok := connectors.KeyOf(b.Rows, []int{0}, r)
					require.True(t, ok)
					keys = append(keys, key)
				}
			}
			require.Greater(t, len(keys), 1)
			for i, key := range keys {
				require.NoError(t, permit(t, src, made, "", key))
				require.NoError(t, permit(t, src, made, "9999-12-31 23:59:59", key), "the same row")
				_, shown := readView(t, path, "lethe_crm_t_v")
				require.Equal(t, [][]any{{values[i][0]}}, shown)
				require.Len(t,
					read(t, src, connectors.Query{Table: made.Name, Keys: &connectors.Keys{Fields: []string{"k"},
						Tuples: keys[i : i+1]}}), 1)
				require.NoError(t, src.(connectors.CopyKeeper).WriteCopy(t.Context(), made, nil,
					[]connectors.Key{key + connectors.MakeKey([]byte("mail"))}))
				require.Empty(t, read(t, src, connectors.Query{Table: made.Name}))
			}
			require.Equal(t, made, ensure(t, src, c))
		})
	}
}

func TestCopyLeavesWhatOthersMade(t *testing.T) {
	path := makeFile(t, "CREATE TABLE p (id INTEGER PRIMARY KEY, name TEXT)", "INSERT INTO p VALUES (1, 'a')",
		"CREATE VIEW lethe_crm_p_own AS SELECT id FROM p", "CREATE TABLE `it's */ odd` (id INTEGER PRIMARY KEY)",
		"CREATE TABLE lethe_crm_q (id INTEGER NOT NULL, purpose VARCHAR(64) NOT NULL, until DATE, PRIMARY KEY (id, "+
			"purpose)) WITHOUT ROWID", "CREATE TABLE q (id INTEGER PRIMARY KEY)",
		"CREATE TABLE r (id INTEGER PRIMARY KEY, x)", "CREATE INDEX lethe_crm_r ON r (x)")
	src := openFile(t, path, true)
	defer src.Close()
	tables := catalog(t, src)
	c := copyOf(tables["p"], connectors.CopyView{Name: "lethe_crm_p_v", Fields: []string{"id", "name"}})
	made := ensure(t, src, c)
	require.NoError(t, permit(t, src, made, "", connectors.MakeKey([]byte("1"))))
	execIn(t, path, "CREATE VIEW lethe_crm_p_mine AS SELECT id FROM lethe_crm_p")
	odd := copyOf(tables["it's */ odd"], connectors.CopyView{Name: "lethe_crm_it's */ odd_v", Fields: []string{"id"}})
	ensure(t, src, odd)
	ensure(t, src, odd)
	require.NoError(t, src.(connectors.CopyKeeper).DropCopy(t.Context(), odd.Name))

	// which SQLite does in the view as well, where it keeps the old name for what it shows
	execIn(t, path, "ALTER TABLE p RENAME COLUMN name TO label")
	c.Of = catalog(t, src)["p"]
	c.Views[0].Fields = []string{"id", "label"}
	require.Equal(t, made, ensure(t, src, c))
	fields, shown := readView(t, path, "lethe_crm_p_v")
	require.Equal(t, []string{"id", "label"}, fields)
	require.Equal(t, [][]any{{"1", "a"}}, shown)

	c.Views = nil
	ensure(t, src, c)
	views, err := src.(connectors.Viewer).Views(t.Context())
	require.NoError(t, err)
	require.Len(t, views, 2)
	c.Views = []connectors.CopyView{{Name: "Lethe_crm_p_own", Fields: []string{"id"}}}
	c.Name = "Lethe_crm_p"
	for _, taken := range []connectors.Copy{c, copyOf(tables["q"]), copyOf(tables["r"])} {
		_, err := src.(connectors.CopyKeeper).EnsureCopy(t.Context(), taken)
		require.ErrorIs(t, err, connectors.ErrRefused, taken.Name)
	}
}

func TestCopyHoldsDatesToBeDates(t *testing.T) {
	for kind, cases := range map[connectors.Kind]map[string]bool{
		connectors.Date: {"2024-02-29": true, "2023-02-29": false, "2024": false, "soon": false,
			"2024-02-29 10:00": false},
		connectors.Timestamp: {"2024-02-29 10:00:01": true, "2023-02-29 10:00:01": false, "2024-02-29": false,
			"2024-02-29T10:00:01": false},
	} {
		path := makeFile(t, "CREATE TABLE p (id INTEGER PRIMARY KEY)")
		src := openFile(t, path, true)
		c := copyOf(catalog(t, src)["p"])
		c.Fields[1].Kind = kind
		made := ensure(t, src, c)
		require.Equal(t, kind, made.Fields[2].Kind)
		for until, is := range cases {
			err := permit(t, src, made, until, connectors.MakeKey([]byte("1")))
			if is {
				require.NoError(t, err, until)
				require.Equal(t, [][]string{{"1", "mail", until}}, read(t, src, connectors.Query{Table: made.Name}))
			} else {
				require.ErrorIs(t, err, connectors.ErrRefused, until)
			}
		}
		require.NoError(t, src.Close())
	}
}

func TestCopyOfABusyApplication(t *testing.T) {
	path := makeFile(t, "CREATE TABLE p (id INTEGER PRIMARY KEY)")
	src, err := Open(t.Context(), connectors.Options{DSN: path, ApplyDSN: path,
		Extra: map[string]string{"busy_timeout": "1ms"}})
	require.NoError(t, err)
	defer src.Close()
	c := copyOf(catalog(t, src)["p"])
	application, err := sqlite3.Open(path)
	require.NoError(t, err)
	defer application.Close()
	require.NoError(t, application.Exec("BEGIN IMMEDIATE"))
	_, err = src.(connectors.CopyKeeper).EnsureCopy(t.Context(), c)
	require.ErrorIs(t, err, connectors.ErrTransient)
	require.NoError(t, application.Exec("ROLLBACK"))
	made := ensure(t, src, c)
	require.NoError(t, application.Exec("BEGIN IMMEDIATE"))
	require.ErrorIs(t, permit(t, src, made, "", connectors.MakeKey([]byte("1"))), connectors.ErrTransient)
	require.ErrorIs(t, src.(connectors.CopyKeeper).DropCopy(t.Context(), c.Name), connectors.ErrTransient)
	require.NoError(t, application.Exec("ROLLBACK"))
	require.NoError(t, permit(t, src, made, "", connectors.MakeKey([]byte("1"))))
}
