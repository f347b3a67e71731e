package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/connectortest"
)

// makeFile makes a database file by SQL and returns its path.
func makeFile(t *testing.T, statements ...string) string {
	path := filepath.Join(t.TempDir(), "crm.db")
	execIn(t, path, statements...)
	return path
}

func execIn(t *testing.T, path string, statements ...string) {
	c, err := sqlite3.Open(path)
	require.NoError(t, err)
	require.NoError(t, c.Exec("PRAGMA synchronous=OFF"))
	for _, sql := range statements {
		require.NoError(t, c.Exec(sql))
	}
	require.NoError(t, c.Close())
}

// readView reads a view as an application does.
func readView(t *testing.T, path, name string) (fields []string, values [][]any) {
	c, err := sqlite3.Open(path)
	require.NoError(t, err)
	stmt, _, err := c.Prepare("SELECT * FROM " + sqlite3.QuoteIdentifier(name))
	require.NoError(t, err)
	for i := range stmt.ColumnCount() {
		fields = append(fields, stmt.ColumnName(i))
	}
	for stmt.Step() {
		row := make([]any, len(fields))
		for i := range row {
			if stmt.ColumnType(i) != sqlite3.NULL {
				row[i] = stmt.ColumnText(i)
			}
		}
		values = append(values, row)
	}
	require.NoError(t, finish(stmt))
	require.NoError(t, c.Close())
	return fields, values
}

func openFile(t *testing.T, path string, writable bool) connectors.Source {
	o := connectors.Options{Name: "crm", DSN: path}
	if writable {
		o.ApplyDSN = path
	}
	src, err := Open(t.Context(), o)
	require.NoError(t, err)
	return src
}

// engine is a way to set up the suite's databases.
type engine struct {
	writable  bool
	backup    bool
	packed    string // how a backup is packed: the ending of its name; "" it is not
	setup     string // run first
	options   string // behind each CREATE TABLE of a table with a key
	collation string // of text fields
}

func (e engine) harness() connectortest.Harness {
	h := connectortest.Harness{
		New: func(t *testing.T, tables []connectortest.Table) connectortest.Store {
			d := connectortest.Dialect{Quote: '"'}
			statements := []string{"PRAGMA foreign_keys=OFF", e.setup, "BEGIN"}
			for _, table := range tables {
				table.Def.Fields = slices.Clone(table.Def.Fields)
				for i, f := range table.Def.Fields {
					if f.Kind == connectors.Text && e.collation != "" {
						table.Def.Fields[i].Type += " COLLATE " + e.collation
					}
				}
				create := d.Create(table)
				if len(table.Def.Key) > 0 && !table.Def.Alternate {
					create += e.options
				}
				statements = append(statements, create)
				statements = append(statements, d.Inserts(table, 100)...)
			}
			path := makeFile(t, append(statements, "COMMIT")...)
			if e.packed != "" {
				return packedStore(t, path, e.packed)
			}
			if e.backup {
				return connectortest.Store{Open: func(t *testing.T) connectors.Source { return openBackup(t, path) },
					Path: path, Bytes: func(t *testing.T) []byte { return contents(t, path) }}
			}
			return connectortest.Store{
				Open: func(t *testing.T) connectors.Source { return openFile(t, path, e.writable) },
				View: func(t *testing.T, name string) ([]string, [][]any) { return readView(t, path, name) },
			}
		},
		Lacks: []connectortest.Feature{connectortest.Bit, connectortest.AutoUpdate},
	}
	switch e.collation {
	case "NOCASE":
		h.SameKey = func(a, b string) bool { return asciiFold(a) == asciiFold(b) }
	case "RTRIM":
		h.SameKey = func(a, b string) bool { return strings.TrimRight(a, " ") == strings.TrimRight(b, " ") }
	}
	return h
}

func TestSQLite(t *testing.T) {
	for name, e := range map[string]engine{
		"rowid":                 {writable: true},
		"without rowid":         {writable: true, options: " WITHOUT ROWID"},
		"wal, utf-16":           {writable: true, setup: "PRAGMA encoding='UTF-16'; PRAGMA journal_mode=WAL"},
		"nocase":                {writable: true, collation: "NOCASE"},
		"rtrim":                 {writable: true, collation: "RTRIM", options: " WITHOUT ROWID"},
		"read only":             {},
		"backup":                {backup: true},
		"backup, without rowid": {backup: true, options: " WITHOUT ROWID"},
		"backup, wal, utf-16":   {backup: true, setup: "PRAGMA encoding='UTF-16'; PRAGMA journal_mode=WAL"},
		"backup, gzip":          {backup: true, packed: ".gz"},
		"backup, zstd":          {backup: true, packed: ".zst", options: " WITHOUT ROWID"},
	} {
		t.Run(name, func(t *testing.T) {
			if e.writable {
				require.Implements(t, (*connectors.CopyKeeper)(nil), &mutator{})
				require.Implements(t, (*connectors.Deferrer)(nil), &mutator{})
				require.Implements(t, (*connectors.Foreseer)(nil), &mutator{})
			}
			require.Implements(t, (*connectors.Rewriter)(nil), &rewriter{})
			connectortest.Run(t, e.harness())
		})
	}
}

// asciiFold is how NOCASE compares.
func asciiFold(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// read returns the rows of one table as text; NULL is "NULL", a mark is shown.
func read(t *testing.T, src connectors.Source, q connectors.Query) [][]string {
	var out [][]string
	for b, err := range src.Scan(t.Context(), q) {
		require.NoError(t, err)
		for r := range int(b.Rows.NumRows()) {
			var row []string
			for c := range int(b.Rows.NumCols()) {
				col := b.Rows.Column(c).(*array.Binary)
				if col.IsNull(r) {
					row = append(row, "NULL")
				} else {
					row = append(row, strings.ReplaceAll(string(col.Value(r)), "\x00", "^"))
				}
			}
			out = append(out, row)
		}
		require.Less(t, len(out), 100000)
	}
	return out
}

func allRows(op connectors.Op) connectors.EditFunc {
	return func(b connectors.Batch) (connectors.Edit, error) {
		return connectors.Edit{Ops: slices.Repeat([]connectors.Op{op}, int(b.Rows.NumRows()))}, nil
	}
}

func confirmed() error { return nil }

// SQLite tells 1 from '1' from x'31'; a key read from one row must lead back to that row alone.
func TestKeysCarryTheirStorageClass(t *testing.T) {
	for name, create := range map[string]string{
		"no type":  "CREATE TABLE t (k PRIMARY KEY, v) WITHOUT ROWID",
		"any":      "CREATE TABLE t (k ANY PRIMARY KEY, v ANY) STRICT",
		"text":     "CREATE TABLE t (k VARCHAR(20) PRIMARY KEY, v)",
		"blob":     "CREATE TABLE t (k BLOB PRIMARY KEY, v) WITHOUT ROWID",
		"integer":  "CREATE TABLE t (k BIGINT PRIMARY KEY, v)",
		"numeric":  "CREATE TABLE t (k DECIMAL(10,2) PRIMARY KEY, v)",
		"real":     "CREATE TABLE t (k DOUBLE PRIMARY KEY, v)",
		"date":     "CREATE TABLE t (k DATETIME PRIMARY KEY, v) WITHOUT ROWID",
		"unknown":  "CREATE TABLE t (k VARBINARY(20) PRIMARY KEY, v)",
		"collated": "CREATE TABLE t (k TEXT COLLATE NOCASE PRIMARY KEY, v)",
	} {
		t.Run(name, func(t *testing.T) {
			values := []string{"1", "'1'", "x'31'", "1.5", "'1.5'", "x'312e35'", "'a'", "x'61'", "''", "x''", "1e300",
				"9e999", "-9e999", "9007199254740993", "'9007199254740993'",
				"9007199254740993.0", "char(0)||'i1'", "x'006931'", "' 1'", "'01'", "'2024-01-31'", "0.1", "'Inf'",
				"-0.0", "'1e3'", "123456789012345678901234567890"}
			statements := []string{create}
			for i, v := range values {
				statements = append(statements, fmt.Sprintf("INSERT OR IGNORE INTO t VALUES (%s, %d)", v, i))
			}
			path := makeFile(t, statements...)
			src := openFile(t, path, true)
			defer src.Close()

			all := read(t, src, connectors.Query{Table: "t", MaxRows: 3})
			require.Greater(t, len(all), 5)
			var keys []connectors.Key
			for b, err := range src.Scan(t.Context(), connectors.Query{Table: "t", Fields: []string{"k"}, MaxRows: 1}) {
				require.NoError(t, err)
				key, ok := connectors.KeyOf(b.Rows, []int{0}, 0)
				require.True(t, ok)
				require.Equal(t, key, connectors.Key(b.Next))
				keys = append(keys, key)
				require.LessOrEqual(t, len(keys), len(all))
			}
			require.Len(t, keys, len(all))
			for i, key := range keys {
				q := connectors.Query{Table: "t", Keys: &connectors.Keys{Fields: []string{"k"},
					Tuples: []connectors.Key{key}}}
				require.Equal(t, all[i:i+1], read(t, src, q))
			}
			for i, key := range keys {
				q := connectors.Query{Table: "t", Keys: &connectors.Keys{Fields: []string{"k"},
					Tuples: []connectors.Key{key}}}
				got, err := src.(connectors.Mutator).Mutate(t.Context(), []connectors.Query{q},
					allRows(connectors.Delete), confirmed)
				require.NoError(t, err)
				require.Equal(t, []connectors.Outcome{{Table: "t", Key: key, Status: connectors.Done}}, got)
				require.Equal(t, append([][]string(nil), all[i+1:]...), read(t, src, connectors.Query{Table: "t"}))
			}
		})
	}
}

func TestCatalog(t *testing.T) {
	path := makeFile(t,
		`CREATE TABLE Parent (a TEXT, b INTEGER, PRIMARY KEY (b, a))`,
		`CREATE TABLE child (id INTEGER PRIMARY KEY, x INT, y VARCHAR(30), n NUMERIC(8,2) GENERATED ALWAYS AS (x * `+
			`2), m AS (x) STORED, FOREIGN KEY (X, Y) REFERENCES parent ON DELETE CASCADE ON UPDATE SET DEFAULT, UNIQUE (y, x))`,
		`CREATE INDEX expression ON child (lower(y))`, `CREATE UNIQUE INDEX part ON child (x) WHERE x > 3`,
		`CREATE UNIQUE INDEX whole ON child (x)`,
		`CREATE TABLE nullkey (k TEXT PRIMARY KEY, v)`, `INSERT INTO nullkey VALUES (NULL, 1), (NULL, 2), ('a', 3)`,
		`CREATE TABLE shadowed (rowid, oid, _rowid_)`, `INSERT INTO shadowed VALUES (1, 2, 3)`,
		`CREATE VIEW view AS SELECT * FROM child`, `CREATE TABLE Words_content (id INTEGER PRIMARY KEY, c0)`,
		`PRAGMA writable_schema=ON; INSERT INTO sqlite_schema VALUES ('table', 'words', 'words', 0, 'CREATE VIRTUAL `+
			`TABLE words USING fts5(body)'); PRAGMA writable_schema=OFF`,
		`CREATE TABLE auto (id INTEGER PRIMARY KEY AUTOINCREMENT)`,
		`INSERT INTO auto VALUES (1), (2), (3)`, `ANALYZE`)
	src := openFile(t, path, false)
	defer src.Close()
	tables, err := src.Tables(t.Context())
	require.NoError(t, err)
	var names []string
	for _, table := range tables {
		names = append(names, table.Name)
		require.Equal(t, "crm", table.Database)
	}
	require.Equal(t, []string{"Parent", "auto", "child", "nullkey", "shadowed"}, names)
	require.Equal(t, []string{"b", "a"}, tables[0].Key)
	require.EqualValues(t, 3, tables[1].Rows)
	child := tables[2]
	require.Equal(t, []connectors.ForeignKey{{Name: "fk0", Fields: []string{"x", "y"}, RefTable: "Parent",
		RefFields: []string{"b", "a"}, OnDelete: "CASCADE", OnUpdate: "SET DEFAULT"}}, child.ForeignKeys)
	require.ElementsMatch(t, [][]string{{"y", "x"}, {"x"}}, child.Unique)
	require.Equal(t, []connectors.Field{
		{Name: "id", Type: "INTEGER", Kind: connectors.Integer}, {Name: "x", Type: "INT", Kind: connectors.Integer,
			Nullable: true}, {Name: "y", Type: "VARCHAR(30)", Kind: connectors.Text, Nullable: true, Length: 30},
		{Name: "n", Type: "NUMERIC(8,2)", Kind: connectors.Decimal, Nullable: true, Generated: true},
		{Name: "m", Kind: connectors.Text, Nullable: true, Generated: true},
	}, child.Fields)
	require.Empty(t, tables[3].Key, "a primary key that holds NULL names no rows")
	require.Equal(t, [][]string{{"NULL", "1"}, {"NULL", "2"}, {"a", "3"}},
		read(t, src, connectors.Query{Table: "nullkey", MaxRows: 1}))

	for _, err := range src.Scan(t.Context(), connectors.Query{Table: "shadowed"}) {
		require.ErrorIs(t, err, errors.ErrUnsupported)
	}
}

// TestDefaults takes over the constant days that a schema fills in.
func TestDefaults(t *testing.T) {
	src := openFile(t, makeFile(t, "CREATE TABLE t (id INTEGER PRIMARY KEY, a DATE NOT NULL DEFAULT '1970-01-01', "+
		"b TEXT DEFAULT ('0001-01-01'), c DATETIME DEFAULT CURRENT_TIMESTAMP, d INT DEFAULT 0, e DATE DEFAULT NULL)"), false)
	defer src.Close()
	tables, err := src.Tables(t.Context())
	require.NoError(t, err)
	for name, want := range map[string]string{"a": "1970-01-01", "b": "0001-01-01", "c": "", "d": "", "e": ""} {
		f, _ := tables[0].Field(name)
		require.Equal(t, want, f.Default, name)
		require.False(t, f.Zoned)
	}
}

func TestKindOf(t *testing.T) {
	for declared, want := range map[string]connectors.Kind{
		"NVARCHAR(160)": connectors.Text, "": connectors.Text, "clob": connectors.Text, "UUID": connectors.Text,
		"INTEGER": connectors.Integer, "UNSIGNED BIG INT": connectors.Integer,
		"DATETIME": connectors.Timestamp, "timestamp": connectors.Timestamp, "DATE": connectors.Date,
		"TIME": connectors.Time, "NUMERIC(10,2)": connectors.Decimal, "DECIMAL": connectors.Decimal,
		"DOUBLE PRECISION": connectors.Float, "float": connectors.Float, "BLOB": connectors.Binary,
		"VARBINARY(20)": connectors.Binary, "BOOLEAN": connectors.Bool, "JSON": connectors.JSON,
	} {
		require.Equal(t, want, kindOf(declared), declared)
	}
}

func TestNumbersOf(t *testing.T) {
	for declared, want := range map[string][]int{
		"NUMERIC(10,2)": {10, 2}, "DECIMAL ( 8 , 0 )": {8, 0}, "VARCHAR(40)": {40}, "VARCHAR(40) BINARY": {40},
		"TEXT": nil, "": nil, "NUMERIC()": nil, "NUMERIC(a,2)": nil, "DECIMAL(5,-2)": nil, "VARCHAR(40": {40},
	} {
		require.Equal(t, want, numbersOf(declared), declared)
	}
}

func TestValuesAreTheStoredOnes(t *testing.T) {
	path := makeFile(t, "CREATE TABLE t (id INTEGER PRIMARY KEY, price NUMERIC(10,2), ratio REAL, txt TEXT, day "+
		"DATETIME)",
		"INSERT INTO t VALUES (1, 0.99, 3, CAST(x'c328' AS TEXT), 1700000000), (2, 5, 1e-7, x'ff00', '2009-01-01 "+
			"00:00:00'), (3, 1.005, 1e20, 'a' || char(0) || 'b', 2455000.5), (4, 'free', -0.5, 12, NULL)")
	src := openFile(t, path, false)
	defer src.Close()
	require.Equal(t, [][]string{
		{"1", "0.99", "3", "\xc3\x28", "1700000000"},
		{"2", "5.00", "1e-07", "\xff^", "2009-01-01 00:00:00"},
		{"3", "1.005", "1e+20", "a^b", "2455000.5"},
		{"4", "free", "-0.5", "12", "NULL"},
	}, read(t, src, connectors.Query{Table: "t"}))
}

func TestOpenRefuses(t *testing.T) {
	good := makeFile(t, "CREATE TABLE t (id INTEGER PRIMARY KEY)")
	other := makeFile(t, "CREATE TABLE t (id INTEGER PRIMARY KEY)")
	folder := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	missing := filepath.Join(folder, "missing.db")
	for name, c := range map[string]struct {
		options connectors.Options
		want    error
	}{
		"missing":       {connectors.Options{DSN: missing}, connectors.ErrUnreachable},
		"missing URI":   {connectors.Options{DSN: "file:" + missing + "?mode=rwc"}, connectors.ErrUnreachable},
		"missing apply": {connectors.Options{DSN: good, ApplyDSN: missing}, connectors.ErrConfig},
		"folder":        {connectors.Options{DSN: folder}, connectors.ErrDamaged},
		"empty":         {connectors.Options{DSN: write("empty.db", "")}, connectors.ErrDamaged},
		"not a database": {connectors.Options{DSN: write("text.db", strings.Repeat("id,name\n", 1000))},
			connectors.ErrDamaged},
		"another file": {connectors.Options{DSN: good, ApplyDSN: other}, connectors.ErrConfig},
		"not writable": {connectors.Options{DSN: good, ApplyDSN: "file:" + good + "?mode=ro"}, connectors.ErrDenied},
	} {
		_, err := Open(t.Context(), c.options)
		require.ErrorIs(t, err, c.want, name)
	}
	require.NoFileExists(t, missing)
	for _, dsn := range []string{good, "file:" + good, "sqlite:" + good, "sqlite://" + good, "file://" + good +
		"?cache=private"} {
		src, err := Open(t.Context(), connectors.Options{DSN: dsn})
		require.NoError(t, err, dsn)
		require.NotImplements(t, (*connectors.Mutator)(nil), src, "read only without apply_dsn")
		require.NotImplements(t, (*connectors.CopyKeeper)(nil), src)
		require.NoError(t, src.Close())
	}
}

func TestDamagedPage(t *testing.T) {
	statements := []string{"CREATE TABLE t (id INTEGER PRIMARY KEY, x)",
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO t SELECT i, " +
			"hex(randomblob(20)) FROM n"}
	path := makeFile(t, statements...)
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	for i := 3 * 4096; i < 5*4096; i++ {
		content[i] = 0xAA
	}
	require.NoError(t, os.WriteFile(path, content, 0o600))
	src := openFile(t, path, false)
	defer src.Close()
	var last error
	for _, last = range src.Scan(t.Context(), connectors.Query{Table: "t"}) {
		continue
	}
	require.ErrorIs(t, last, connectors.ErrDamaged)
}

// Between the pages of a scan no lock is held, so other programs can write whatever the journal's mode.
func TestWritersGoOnDuringAScan(t *testing.T) {
	for _, mode := range []string{"DELETE", "WAL"} {
		path := makeFile(t, "PRAGMA journal_mode="+mode, "CREATE TABLE t (id INTEGER PRIMARY KEY)",
			"INSERT INTO t VALUES (1), (2), (3), (4), (5), (6), (7)")
		src := openFile(t, path, false)
		pages := 0
		for b, err := range src.Scan(t.Context(), connectors.Query{Table: "t", MaxRows: 3}) {
			require.NoError(t, err)
			if pages++; pages == 1 {
				execIn(t, path, "DELETE FROM t WHERE id IN (3, 5)", "INSERT INTO t VALUES (100)")
			} else {
				require.Contains(t, []int64{3, 1}, b.Rows.NumRows())
			}
		}
		require.Equal(t, 3, pages, "1 2 3, 4 6 7, 100")
		require.NoError(t, src.Close())
	}
}

func TestOptions(t *testing.T) {
	o := connectors.Options{DSN: makeFile(t, "CREATE TABLE t (id INTEGER PRIMARY KEY)")}
	connectortest.RunOptions(t, Connector, o, connectortest.Packed(t, map[string]connectortest.OptionValues{
		"busy_timeout": {Good: []string{"0s", "1ms", "5s"}, Bad: []string{"", "5", "-1s", "soon"}},
	}))
}

func TestBusyIsTransient(t *testing.T) {
	path := makeFile(t, "CREATE TABLE t (id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (1)")
	src, err := Open(t.Context(), connectors.Options{DSN: path, ApplyDSN: path,
		Extra: map[string]string{"busy_timeout": "1ms"}})
	require.NoError(t, err)
	defer src.Close()
	q := connectors.Query{Table: "t", Keys: &connectors.Keys{Fields: []string{"id"},
		Tuples: []connectors.Key{connectors.MakeKey([]byte("1"))}}}

	other, err := sqlite3.Open(path)
	require.NoError(t, err)
	defer other.Close()
	require.NoError(t, other.Exec("BEGIN EXCLUSIVE"))
	_, err = src.(connectors.Mutator).Mutate(t.Context(), []connectors.Query{q}, allRows(connectors.Delete), confirmed)
	require.ErrorIs(t, err, connectors.ErrTransient)
	for _, err := range src.Scan(t.Context(), q) {
		require.ErrorIs(t, err, connectors.ErrTransient)
	}
	require.NoError(t, other.Exec("ROLLBACK"))

	require.NoError(t, other.Exec("BEGIN; SELECT * FROM t")) // a reader that keeps the writer from committing
	_, err = src.(connectors.Mutator).Mutate(t.Context(), []connectors.Query{q}, allRows(connectors.Delete), confirmed)
	require.ErrorIs(t, err, connectors.ErrTransient)
	require.NoError(t, other.Exec("ROLLBACK"))
	require.Len(t, read(t, src, q), 1)
	_, err = src.(connectors.Mutator).Mutate(t.Context(), []connectors.Query{q}, allRows(connectors.Delete), confirmed)
	require.NoError(t, err)
	require.Empty(t, read(t, src, q))
}

// What was deleted or overwritten stands nowhere in the files once the source is closed, though the
// application has them open.
func TestNoResidue(t *testing.T) {
	const secret = "PLANTED-SECRET"
	for _, mode := range []string{"DELETE", "WAL"} {
		path := makeFile(t, "PRAGMA secure_delete=ON", "PRAGMA journal_mode="+mode,
			"CREATE TABLE t (id INTEGER PRIMARY KEY, short TEXT, long TEXT)", "CREATE INDEX i ON t (short)",
			"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40) INSERT INTO t SELECT i, '"+
				secret+"' || i, replace(hex(zeroblob(1000)), '00', '"+secret+"') FROM n")
		application, err := sqlite3.Open(path)
		require.NoError(t, err)
		require.NoError(t, application.Exec("SELECT count(*) FROM t"))
		src := openFile(t, path, true)
		keys := &connectors.Keys{Fields: []string{"id"}}
		for i := 1; i <= 40; i++ {
			keys.Tuples = append(keys.Tuples, connectors.MakeKey([]byte(strconv.Itoa(i))))
		}
		_, err = src.(connectors.Mutator).Mutate(t.Context(),
			[]connectors.Query{{Table: "t", Fields: []string{"id"}, Keys: keys}},
			func(b connectors.Batch) (connectors.Edit, error) {
				n := int(b.Rows.NumRows())
				ops := slices.Repeat([]connectors.Op{connectors.Delete}, n)
				var col connectors.Column
				update := make([]bool, n)
				for i := range n {
					col.AppendNull()
					if i%2 == 0 {
						ops[i], update[i] = connectors.Update, true
					}
				}
				return connectors.Edit{Ops: ops,
					Set: []connectors.Assignment{{Field: "short", Rows: update, Values: col.Array()},
						{Field: "long", Rows: update, Values: col.Array()}}}, nil
			}, confirmed)
		require.NoError(t, err)
		require.Len(t, read(t, src, connectors.Query{Table: "t"}), 20)
		require.NoError(t, src.Close())
		files, err := filepath.Glob(path + "*")
		require.NoError(t, err)
		for _, file := range files {
			content, err := os.ReadFile(file)
			require.NoError(t, err)
			require.False(t, bytes.Contains(content, []byte(secret)), "%s in mode %s", filepath.Base(file), mode)
		}
		require.NoError(t, application.Close())
	}
}

func TestTriggers(t *testing.T) {
	path := makeFile(t, "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)",
		"INSERT INTO t VALUES (1, 'Ann'), (2, 'Bea')",
		"CREATE TRIGGER raise BEFORE DELETE ON t WHEN OLD.id = 1 BEGIN SELECT RAISE(ABORT, 'may not delete Ann'); END",
		"CREATE TRIGGER ignore BEFORE DELETE ON t WHEN OLD.id = 2 BEGIN SELECT RAISE(IGNORE); END")
	src := openFile(t, path, true)
	defer src.Close()
	for _, id := range []string{"1", "2"} {
		q := connectors.Query{Table: "t", Keys: &connectors.Keys{Fields: []string{"id"},
			Tuples: []connectors.Key{connectors.MakeKey([]byte(id))}}}
		_, err := src.(connectors.Mutator).Mutate(t.Context(), []connectors.Query{q}, allRows(connectors.Delete),
			confirmed)
		require.ErrorIs(t, err, connectors.ErrRefused)
		require.NotContains(t, err.Error(), "Ann")
	}
	require.Len(t, read(t, src, connectors.Query{Table: "t"}), 2)
}

// A trigger may keep an index of another module in step.
func TestIndexKeptByTrigger(t *testing.T) {
	path := filepath.Join(t.TempDir(), "crm.db")
	c, err := sqlite3.Open("file:" + path)
	require.NoError(t, err)
	for _, register := range modules {
		require.NoError(t, register(c))
	}
	require.NoError(t, c.Exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, x REAL);
		INSERT INTO t VALUES (1, 'Ann likes tea', 1), (2, 'Bea likes coffee', 2);
		CREATE VIRTUAL TABLE words USING fts5(name, content='t', content_rowid='id');
		INSERT INTO words (words) VALUES ('rebuild');
		CREATE VIRTUAL TABLE places USING rtree(id, low, high); INSERT INTO places SELECT id, x, x FROM t;
		CREATE TRIGGER gone AFTER DELETE ON t BEGIN
			INSERT INTO words (words, rowid, name) VALUES ('delete', OLD.id, OLD.name);
			DELETE FROM places WHERE id = OLD.id;
		END`))
	src := openFile(t, path, true)
	tables, err := src.Tables(t.Context())
	require.NoError(t, err)
	require.Len(t, tables, 1, "what is behind an index is no table of the application")
	q := connectors.Query{Table: "t", Keys: &connectors.Keys{Fields: []string{"id"},
		Tuples: []connectors.Key{connectors.MakeKey([]byte("1"))}}}
	_, err = src.(connectors.Mutator).Mutate(t.Context(), []connectors.Query{q}, allRows(connectors.Delete), confirmed)
	require.NoError(t, err)
	require.NoError(t, src.Close())
	for sql, want := range map[string]int{"SELECT 1 FROM words WHERE words MATCH 'tea'": 0,
		"SELECT 1 FROM words WHERE words MATCH 'coffee'": 1, "SELECT 1 FROM places": 1} {
		found := 0
		require.NoError(t, rows(c, sql, func(*sqlite3.Stmt) { found++ }))
		require.Equal(t, want, found, sql)
	}
	require.NoError(t, c.Close())
}

// Where the key's index is finer than the column's own comparison, a delete by key would take two rows: it
// takes none.
func TestKeyFinerThanItsColumn(t *testing.T) {
	path := makeFile(t, "CREATE TABLE t (k TEXT COLLATE NOCASE, PRIMARY KEY (k COLLATE BINARY)) WITHOUT ROWID",
		"INSERT INTO t VALUES ('a'), ('A')")
	src := openFile(t, path, true)
	defer src.Close()
	q := connectors.Query{Table: "t", Keys: &connectors.Keys{Fields: []string{"k"},
		Tuples: []connectors.Key{connectors.MakeKey([]byte("a"))}}}
	_, err := src.(connectors.Mutator).Mutate(t.Context(), []connectors.Query{q},
		func(b connectors.Batch) (connectors.Edit, error) {
			ops := make([]connectors.Op, b.Rows.NumRows())
			ops[0] = connectors.Delete
			return connectors.Edit{Ops: ops}, nil
		}, confirmed)
	require.ErrorIs(t, err, connectors.ErrRefused)
	require.Len(t, read(t, src, connectors.Query{Table: "t", MaxRows: 10}), 2)
}

func TestPanicInEditRollsBack(t *testing.T) {
	path := makeFile(t, "CREATE TABLE t (id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (1)")
	src := openFile(t, path, true)
	defer src.Close()
	q := connectors.Query{Table: "t", Keys: &connectors.Keys{Fields: []string{"id"},
		Tuples: []connectors.Key{connectors.MakeKey([]byte("1"))}}}
	require.Panics(t, func() {
		_, _ = src.(connectors.Mutator).Mutate(t.Context(), []connectors.Query{q},
			func(connectors.Batch) (connectors.Edit, error) { panic("edit") }, confirmed)
	})
	execIn(t, path, "INSERT INTO t VALUES (2)")
	_, err := src.(connectors.Mutator).Mutate(t.Context(), []connectors.Query{q}, allRows(connectors.Delete), confirmed)
	require.NoError(t, err)
}

func TestViews(t *testing.T) {
	path := makeFile(t, `CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT)`,
		`CREATE TABLE "or""ders" (id INTEGER PRIMARY KEY, person INT, note TEXT)`,
		`CREATE VIEW both_of_them AS SELECT p.name AS people, o.note FROM People p JOIN "or""ders" o ON o.person = `+
			`p.id WHERE o.note <> '\'`,
		`CREATE VIEW nested AS SELECT * FROM both_of_them WHERE people LIKE '%from people%'`,
		`CREATE VIEW one AS SELECT id FROM main.people`)
	src := openFile(t, path, true)
	views, err := src.(connectors.Viewer).Views(t.Context())
	require.NoError(t, err)
	require.Equal(t, []connectors.View{{Name: "both_of_them", Tables: []string{`or"ders`, "people"}},
		{Name: "nested", Tables: []string{`or"ders`, "people"}}, {Name: "one", Tables: []string{"people"}}}, views)
	require.NoError(t, src.Close())
}

func TestAFileHasOnePlaceByWhateverNameItIsOpened(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "crm.db")
	db, err := sqlite3.Open(path)
	require.NoError(t, err)
	require.NoError(t, db.Exec("CREATE TABLE t (id INTEGER PRIMARY KEY)"))
	require.NoError(t, db.Close())
	link, hard, other := path+".link", path+".hard", path+".other"
	require.NoError(t, os.Symlink(path, link))
	require.NoError(t, os.Link(path, hard))
	body, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(other, body, 0o600))
	place := func(dsn string) string {
		s, err := Open(t.Context(), connectors.Options{Name: "crm", DSN: dsn})
		require.NoError(t, err)
		defer func() { require.NoError(t, s.Close()) }()
		found, err := s.(connectors.Placed).Place(t.Context())
		require.NoError(t, err)
		return found
	}
	want := place(path)
	for _, dsn := range []string{link, hard, "sqlite:" + link, "file:" + hard + "?mode=ro", "sqlite://" + path} {
		require.Equal(t, want, place(dsn), dsn)
	}
	require.NotEqual(t, want, place(other), "a copy is another")
}
