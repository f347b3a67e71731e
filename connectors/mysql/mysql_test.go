package mysql_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"lethe/connectors"
	"lethe/connectors/connectortest"
	"lethe/connectors/mysql"
	"lethe/fixtures/servers"
)

// setup makes the client's session of a test like that of the connector, so that values go in as they are meant.
const setup = "SET time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO', foreign_key_checks = 0;\n"

func TestConformance(t *testing.T) {
	dialect := connectortest.Dialect{Quote: '`', Backslash: true}
	connectortest.Run(t, connectortest.Harness{
		SameKey: sameKey,
		New: func(t *testing.T, tables []connectortest.Table) connectortest.Store {
			var b strings.Builder
			b.WriteString("ALTER DATABASE COLLATE utf8mb4_unicode_ci;\n")
			for _, table := range tables {
				b.WriteString(dialect.Create(table) + ";\n")
				for _, statement := range dialect.Inserts(table, 500) {
					b.WriteString(statement + ";\n")
				}
			}
			db := database(t, b.String())
			return connectortest.Store{
				Open: func(t *testing.T) connectors.Source { return open(t, db.DSN(), db.DSN()) },
				View: func(t *testing.T, name string) ([]string, [][]any) {
					return readView(t, socket(db, "time_zone=%27%2B13:00%27"), name)
				},
			}
		},
	})
}

// readView reads a view as an application does.
func readView(t *testing.T, dsn, name string) (fields []string, values [][]any) {
	db, err := sql.Open("mysql", dsn)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	rows, err := db.QueryContext(t.Context(), "SELECT * FROM `"+strings.ReplaceAll(name, "`", "``")+"`")
	require.NoError(t, err)
	fields, err = rows.Columns()
	require.NoError(t, err)
	for rows.Next() {
		raw, into := make([]sql.NullString, len(fields)), make([]any, len(fields))
		for i := range raw {
			into[i] = &raw[i]
		}
		require.NoError(t, rows.Scan(into...))
		row := make([]any, len(fields))
		for i, v := range raw {
			if v.Valid {
				row[i] = v.String
			}
		}
		values = append(values, row)
	}
	require.NoError(t, rows.Err())
	return fields, values
}

// sameKey folds as utf8mb4_unicode_ci does for the suite's words.
func sameKey(a, b string) bool {
	fold := func(s string) string {
		var out []rune
		for _, r := range norm.NFD.String(cases.Fold().String(s)) {
			if r < 0x300 || r > 0x36f {
				out = append(out, r)
			}
		}
		return strings.TrimRight(string(out), " ")
	}
	return fold(a) == fold(b)
}

// database makes a database and runs statements in it.
func database(t *testing.T, statements ...string) *servers.Database {
	db := servers.MariaDB(t).Database(t)
	db.Exec(t, setup+strings.Join(statements, ";\n")+";")
	return db
}

func open(t *testing.T, dsn, applyDSN string) connectors.Source {
	src, err := mysql.Connector.Open(t.Context(), connectors.Options{Name: "crm", DSN: dsn, ApplyDSN: applyDSN})
	require.NoError(t, err)
	return src
}

// opened is open, with both rights, for the length of the test.
func opened(t *testing.T, db *servers.Database) connectors.Source {
	src := open(t, db.DSN(), db.DSN())
	t.Cleanup(func() { require.NoError(t, src.Close()) })
	return src
}

// user makes a user with some rights on the database and returns its DSN.
func user(t *testing.T, db *servers.Database, rights string) string {
	name := db.Name + "_" + strings.ToLower(rights[:1])
	db.Exec(t, fmt.Sprintf("CREATE USER '%s'@'%%' IDENTIFIED BY 'secret' REQUIRE SSL; GRANT %s ON `%s`.* TO '%s'@'%%';", name, rights, db.Name, name))
	t.Cleanup(func() { db.Exec(t, fmt.Sprintf("DROP USER '%s'@'%%';", name)) })
	return db.DSNAs(name, "secret")
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

// read scans and returns the rows, values joined by '|' and NULL as '-', with the cursor of each batch. It fails on a scan that does not end.
func read(t *testing.T, src connectors.Source, q connectors.Query) (rows []string, cursors []connectors.Cursor) {
	for b, err := range src.Scan(t.Context(), q) {
		require.NoError(t, err)
		rows = append(rows, texts(b)...)
		cursors = append(cursors, b.Next)
		require.Less(t, len(cursors), 10_000)
	}
	return rows, cursors
}

func texts(b connectors.Batch) []string {
	var rows []string
	for r := range int(b.Rows.NumRows()) {
		var values []string
		for c := range int(b.Rows.NumCols()) {
			if col := b.Rows.Column(c).(*array.Binary); col.IsNull(r) {
				values = append(values, "-")
			} else {
				values = append(values, string(col.Value(r)))
			}
		}
		rows = append(rows, strings.Join(values, "|"))
	}
	return rows
}

func scanError(t *testing.T, src connectors.Source, q connectors.Query) error {
	for _, err := range src.Scan(t.Context(), q) {
		if err != nil {
			return err
		}
	}
	return nil
}

func keys(field string, values ...string) *connectors.Keys {
	k := &connectors.Keys{Fields: []string{field}}
	for _, v := range values {
		k.Tuples = append(k.Tuples, connectors.MakeKey([]byte(v)))
	}
	return k
}

func deleteAll(b connectors.Batch) (connectors.Edit, error) {
	return connectors.Edit{Ops: slices.Repeat([]connectors.Op{connectors.Delete}, int(b.Rows.NumRows()))}, nil
}

// setAll sets one field of all rows to a value.
func setAll(field, value string) connectors.EditFunc {
	return func(b connectors.Batch) (connectors.Edit, error) {
		n := int(b.Rows.NumRows())
		var col connectors.Column
		for range n {
			col.Append([]byte(value))
		}
		return connectors.Edit{
			Ops: slices.Repeat([]connectors.Op{connectors.Update}, n),
			Set: []connectors.Assignment{{Field: field, Rows: slices.Repeat([]bool{true}, n), Values: col.Array()}},
		}, nil
	}
}

func confirmed() error { return nil }

func mutate(t *testing.T, src connectors.Source, q connectors.Query, edit connectors.EditFunc) ([]connectors.Outcome, error) {
	return src.(connectors.Mutator).Mutate(t.Context(), []connectors.Query{q}, edit, confirmed)
}

func TestCatalogForAUserWithSelectAlone(t *testing.T) {
	db := database(t,
		"CREATE TABLE parent (a int, b varchar(10), code varchar(20) NOT NULL, PRIMARY KEY (b, a), UNIQUE `by code` (code))",
		"CREATE TABLE child (id bigint unsigned PRIMARY KEY, pa int, pb varchar(10), code1 varchar(20), code2 varchar(20), boss bigint unsigned,"+
			" CONSTRAINT `both ``parts` FOREIGN KEY (pb, pa) REFERENCES parent (b, a) ON DELETE CASCADE ON UPDATE CASCADE,"+
			" CONSTRAINT one FOREIGN KEY (code1) REFERENCES parent (code) ON DELETE SET NULL,"+
			" CONSTRAINT two FOREIGN KEY (code2) REFERENCES parent (code) ON DELETE NO ACTION ON UPDATE CASCADE,"+
			" CONSTRAINT up FOREIGN KEY (boss) REFERENCES child (id))",
		"CREATE TABLE kinds (id int PRIMARY KEY, flag tinyint(1) NOT NULL, y year, d decimal(7,2), f float, g double, b bit(5), e enum('x','y''z'), s set('p','q'), j json, u uuid, i inet6,"+
			" t text, c char(3) CHARACTER SET latin1, bi binary(4), vb varbinary(9), bl blob, ge geometry, lt longtext,"+
			" v int AS (id + 1) VIRTUAL, p int AS (id + 2) PERSISTENT, ts timestamp NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(), dt datetime(3), da date, ti time,"+
			" CHECK (json_valid(lt) OR lt IS NULL), CHECK (id > 0), UNIQUE (y, d), KEY (f))",
		"CREATE TABLE floating (f float PRIMARY KEY)",
		"CREATE VIEW v AS SELECT 1 AS one",
		"CREATE SEQUENCE seq",
		"CREATE TABLE `UPPER` (id int)",
		"CREATE TABLE `upper` (id int PRIMARY KEY)",
	)
	src := open(t, user(t, db, "SELECT"), "")
	defer func() { require.NoError(t, src.Close()) }()
	_, mutates := src.(connectors.Mutator)
	require.False(t, mutates, "without apply_dsn nothing can be changed")
	require.NotImplements(t, (*connectors.CopyKeeper)(nil), src)

	tables := catalog(t, src)
	require.Len(t, tables, 6)
	require.Equal(t, []string{"b", "a"}, tables["parent"].Key)
	require.Equal(t, [][]string{{"code"}}, tables["parent"].Unique)
	require.Equal(t, db.Name, tables["parent"].Database)
	require.ElementsMatch(t, []connectors.ForeignKey{
		{Name: "both `parts", Fields: []string{"pb", "pa"}, RefTable: "parent", RefFields: []string{"b", "a"}, OnDelete: "CASCADE"},
		{Name: "one", Fields: []string{"code1"}, RefTable: "parent", RefFields: []string{"code"}, OnDelete: "SET NULL"},
		{Name: "two", Fields: []string{"code2"}, RefTable: "parent", RefFields: []string{"code"}, OnDelete: "NO ACTION"},
		{Name: "up", Fields: []string{"boss"}, RefTable: "child", RefFields: []string{"id"}, OnDelete: "RESTRICT"},
	}, tables["child"].ForeignKeys)
	require.Empty(t, tables["floating"].Key, "the text of a float is no key")
	require.Empty(t, tables["UPPER"].Key)
	require.Equal(t, []string{"id"}, tables["upper"].Key)
	require.Equal(t, [][]string{{"y", "d"}}, tables["kinds"].Unique)

	want := []connectors.Field{
		{Name: "id", Type: "int(11)", Kind: connectors.Integer},
		{Name: "flag", Type: "tinyint(1)", Kind: connectors.Integer},
		{Name: "y", Type: "year(4)", Kind: connectors.Integer, Nullable: true},
		{Name: "d", Type: "decimal(7,2)", Kind: connectors.Decimal, Nullable: true},
		{Name: "f", Type: "float", Kind: connectors.Float, Nullable: true},
		{Name: "g", Type: "double", Kind: connectors.Float, Nullable: true},
		{Name: "b", Type: "bit(5)", Kind: connectors.Bit, Nullable: true},
		{Name: "e", Type: "enum('x','y''z')", Kind: connectors.Text, Nullable: true},
		{Name: "s", Type: "set('p','q')", Kind: connectors.Text, Nullable: true},
		{Name: "j", Type: "longtext", Kind: connectors.JSON, Nullable: true},
		{Name: "u", Type: "uuid", Kind: connectors.Text, Nullable: true},
		{Name: "i", Type: "inet6", Kind: connectors.Text, Nullable: true},
		{Name: "t", Type: "text", Kind: connectors.Text, Nullable: true, Length: 65535},
		{Name: "c", Type: "char(3)", Kind: connectors.Text, Nullable: true, Length: 3},
		{Name: "bi", Type: "binary(4)", Kind: connectors.Binary, Nullable: true, Length: 4},
		{Name: "vb", Type: "varbinary(9)", Kind: connectors.Binary, Nullable: true, Length: 9},
		{Name: "bl", Type: "blob", Kind: connectors.Binary, Nullable: true, Length: 65535},
		{Name: "ge", Type: "geometry", Kind: connectors.Binary, Nullable: true},
		{Name: "lt", Type: "longtext", Kind: connectors.Text, Nullable: true},
		{Name: "v", Type: "int(11)", Kind: connectors.Integer, Nullable: true, Generated: true},
		{Name: "p", Type: "int(11)", Kind: connectors.Integer, Nullable: true, Generated: true},
		{Name: "ts", Type: "timestamp", Kind: connectors.Timestamp, Nullable: true, AutoUpdate: true},
		{Name: "dt", Type: "datetime(3)", Kind: connectors.Timestamp, Nullable: true},
		{Name: "da", Type: "date", Kind: connectors.Date, Nullable: true},
		{Name: "ti", Type: "time", Kind: connectors.Time, Nullable: true},
	}
	require.Equal(t, want, tables["kinds"].Fields)
}

func TestUserWithDocumentedRightsCanApply(t *testing.T) {
	db := database(t, "CREATE TABLE p (id int PRIMARY KEY, name varchar(20))", "INSERT INTO p VALUES (1, 'a'), (2, 'b')")
	src := open(t, user(t, db, "SELECT"), user(t, db, "UPDATE, SELECT, DELETE"))
	defer func() { require.NoError(t, src.Close()) }()
	_, err := mutate(t, src, connectors.Query{Table: "p", Keys: keys("id", "1")}, deleteAll)
	require.NoError(t, err)
	_, err = mutate(t, src, connectors.Query{Table: "p", Keys: keys("id", "2")}, setAll("name", "c"))
	require.NoError(t, err)
	require.Equal(t, "2\tc", db.Query(t, "SELECT * FROM p"))
}

func TestUserWithoutRightsIsDenied(t *testing.T) {
	db := database(t, "CREATE TABLE p (id int PRIMARY KEY)", "INSERT INTO p VALUES (1)")
	read := user(t, db, "SELECT")
	src := open(t, read, read)
	defer func() { require.NoError(t, src.Close()) }()
	_, err := mutate(t, src, connectors.Query{Table: "p", Keys: keys("id", "1")}, deleteAll)
	require.ErrorIs(t, err, connectors.ErrDenied)
	require.Contains(t, err.Error(), "mutate crm table p")
}

// Keys of every type that can be one, as the server orders them.
var keyTypes = []struct {
	name, declared string
	values         []string // as SQL, in key order
	read           []string // as read; nil: the same
}{
	{"bigint unsigned", "bigint unsigned", []string{"0", "9", "10", "9223372036854775808", "18446744073709551615"}, nil},
	{"tinyint", "tinyint", []string{"-128", "-1", "0", "5", "127"}, nil},
	{"zerofill", "int(5) zerofill", []string{"1", "20", "300"}, nil},
	{"year", "year", []string{"0000", "1999", "2024"}, []string{"0", "1999", "2024"}},
	{"decimal", "decimal(30,10)", []string{"-5.5", "0", "10000000000000000000.0000000001", "10000000000000000000.0000000002"},
		[]string{"-5.5000000000", "0.0000000000", "10000000000000000000.0000000001", "10000000000000000000.0000000002"}},
	{"bit", "bit(12)", []string{"b'0'", "b'1'", "b'100000000'", "b'100000000001'"}, []string{"000000000000", "000000000001", "000100000000", "100000000001"}},
	{"enum", "enum('zebra','apple','mango')", []string{"'zebra'", "'apple'", "'mango'"}, []string{"zebra", "apple", "mango"}},
	{"set", "set('z','a','m')", []string{"''", "'z'", "'a'", "'z,a'", "'m'"}, []string{"", "z", "a", "z,a", "m"}},
	{"date", "date", []string{"'0000-00-00'", "'1000-01-01'", "'2024-02-29'"}, []string{"0000-00-00", "1000-01-01", "2024-02-29"}},
	{"time", "time", []string{"'-100:00:00'", "'-00:00:01'", "'00:00:00'", "'09:00:00'", "'100:00:00'"}, []string{"-100:00:00", "-00:00:01", "00:00:00", "09:00:00", "100:00:00"}},
	{"datetime", "datetime(6)", []string{"'0000-00-00'", "'2024-03-31 02:30:00.000001'", "'2024-03-31 02:30:00.000002'"},
		[]string{"0000-00-00 00:00:00.000000", "2024-03-31 02:30:00.000001", "2024-03-31 02:30:00.000002"}},
	{"timestamp", "timestamp", []string{"'2024-03-31 01:30:00'", "'2024-10-27 00:30:00'", "'2024-10-27 01:30:00'"}, []string{"2024-03-31 01:30:00", "2024-10-27 00:30:00", "2024-10-27 01:30:00"}},
	{"latin1", "varchar(20) CHARACTER SET latin1", []string{"'a'", "'é'", "'it''s'", "'ÿ'"}, []string{"a", "é", "it's", "ÿ"}},
	{"latin1 bin", "varchar(20) CHARACTER SET latin1 COLLATE latin1_bin", []string{"'A'", "'a'", "'é'"}, []string{"A", "a", "é"}},
	{"utf8mb4 bin", "varchar(20) COLLATE utf8mb4_bin", []string{"'A'", "'a'", "'ß'", "'😀'"}, []string{"A", "a", "ß", "😀"}},
	{"nopad", "varchar(20) COLLATE utf8mb4_nopad_bin", []string{"'a'", "'a '", "'a  '"}, []string{"a", "a ", "a  "}},
	{"swedish", "varchar(20) CHARACTER SET utf8mb3 COLLATE utf8mb3_swedish_ci", []string{"'z'", "'å'", "'ä'", "'ö'"}, []string{"z", "å", "ä", "ö"}},
	{"ucs2", "varchar(20) CHARACTER SET ucs2", []string{"'a'", "'ж'", "'漢'"}, []string{"a", "ж", "漢"}},
	{"char", "char(5)", []string{"''", "'a'", "'b'"}, []string{"", "a", "b"}},
	{"binary", "binary(3)", []string{"x'000000'", "x'610000'", "x'fffe27'"}, []string{"\x00\x00\x00", "a\x00\x00", "\xff\xfe'"}},
	{"varbinary", "varbinary(9)", []string{"x''", "x'00'", "x'0000'", "x'5c'", "x'ff'"}, []string{"", "\x00", "\x00\x00", "\\", "\xff"}},
	{"uuid", "uuid", []string{"'00000000-0000-0000-0000-000000000001'", "'123e4567-e89b-12d3-a456-426655440000'"}, []string{"00000000-0000-0000-0000-000000000001", "123e4567-e89b-12d3-a456-426655440000"}},
	{"inet6", "inet6", []string{"'::'", "'10::1'", "'fe80::1'"}, []string{"::", "10::1", "fe80::1"}},
	{"text prefix", "text", []string{"'a'", "'b'", "'bb'"}, []string{"a", "b", "bb"}},
}

func TestEveryTypeOfKey(t *testing.T) {
	for _, composite := range []bool{false, true} {
		for _, c := range keyTypes {
			t.Run(fmt.Sprintf("%s composite=%t", c.name, composite), func(t *testing.T) {
				part := ""
				if c.declared == "text" {
					part = "(5)"
				}
				create := fmt.Sprintf("CREATE TABLE t (k %s NOT NULL, n int NOT NULL, PRIMARY KEY (k%s))", c.declared, part)
				values := c.values
				want := c.read
				if want == nil {
					want = c.values
				}
				rows := make([]string, len(values))
				for i := range values {
					rows[i] = fmt.Sprintf("(%s, 1)", values[i])
				}
				fields := []string{"k"}
				if composite {
					create = fmt.Sprintf("CREATE TABLE t (k %s NOT NULL, n int NOT NULL, PRIMARY KEY (n, k%s))", c.declared, part)
					fields = []string{"n", "k"}
					for i := range values {
						rows = append(rows, fmt.Sprintf("(%s, 2)", values[i]))
					}
					want = slices.Concat(want, want)
				}
				db := database(t, create, "INSERT INTO t VALUES "+strings.Join(rows, ", "))
				src := opened(t, db)

				for _, maxRows := range []int{0, 1, 2} {
					got, cursors := read(t, src, connectors.Query{Table: "t", Fields: []string{"k"}, MaxRows: maxRows})
					require.Equal(t, want, got, "pages of %d", maxRows)
					if maxRows == 1 {
						for i, cursor := range cursors {
							rest, _ := read(t, src, connectors.Query{Table: "t", Fields: []string{"k"}, After: cursor, MaxRows: 2})
							require.Equal(t, append([]string(nil), want[i+1:]...), rest)
						}
					}
				}
				tuple := func(i int) connectors.Key {
					if !composite {
						return connectors.MakeKey([]byte(want[i]))
					}
					return connectors.MakeKey([]byte{"12"[i/len(c.values)]}, []byte(want[i]))
				}
				all := &connectors.Keys{Fields: fields}
				for i := range want {
					all.Tuples = append(all.Tuples, tuple(i))
				}
				got, _ := read(t, src, connectors.Query{Table: "t", Fields: []string{"k"}, Keys: all})
				require.Equal(t, want, got, "all keys at once")
				for i := range want {
					q := connectors.Query{Table: "t", Fields: []string{"k"}, Keys: &connectors.Keys{Fields: fields, Tuples: []connectors.Key{tuple(i)}}}
					got, _ := read(t, src, q)
					require.Equal(t, want[i:i+1], got)
					changed := q
					if composite { // the change is one of the key
						changed.Keys = &connectors.Keys{Fields: fields, Tuples: []connectors.Key{connectors.MakeKey(fmt.Append(nil, i+10), []byte(want[i]))}}
					}
					for _, step := range []struct {
						query connectors.Query
						edit  connectors.EditFunc
					}{{q, setAll("n", fmt.Sprint(i+10))}, {changed, deleteAll}} {
						outcomes, err := mutate(t, src, step.query, step.edit)
						require.NoError(t, err)
						require.Equal(t, []connectors.Outcome{{Table: "t", Key: step.query.Keys.Tuples[0], Status: connectors.Done}}, outcomes)
					}
					rest, _ := read(t, src, connectors.Query{Table: "t", Fields: []string{"k"}})
					require.Equal(t, append([]string(nil), want[i+1:]...), rest, "one row goes at a time")
				}
			})
		}
	}
}

// Values of every kind, also those that only this server has, are written as they are read.
func TestValuesComeBack(t *testing.T) {
	db := database(t,
		"CREATE TABLE t (id int PRIMARY KEY, l1 varchar(20) CHARACTER SET latin1, u uuid, i inet6, e enum('x','it''s'), s set('p','q'), y year, b bit(64), f float, g double, ge geometry, j json, ts timestamp(2) NULL, z int(6) zerofill)",
		"INSERT INTO t VALUES (1, 'né', '123e4567-e89b-12d3-a456-426655440000', 'fe80::1', 'it''s', 'p,q', 2024, b'1000000000000000000000000000000000000000000000000000000000000001', 1.1, 1e-300, ST_GeomFromText('POINT(1 2)'), '{\"a\": \"\\\\u00e9\"}', '2024-03-31 01:30:00.25', 42),"+
			" (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)")
	src := opened(t, db)
	rows, _ := read(t, src, connectors.Query{Table: "t", Keys: keys("id", "1")})
	require.Equal(t, []string{"1|né|123e4567-e89b-12d3-a456-426655440000|fe80::1|it's|p,q|2024|1000000000000000000000000000000000000000000000000000000000000001|1.1|1e-300|" +
		"\x00\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\xf0\x3f\x00\x00\x00\x00\x00\x00\x00\x40|{\"a\": \"\\u00e9\"}|2024-03-31 01:30:00.25|42"}, rows)

	values := strings.Split(rows[0], "|")
	table := catalog(t, src)["t"]
	_, err := mutate(t, src, connectors.Query{Table: "t", Keys: keys("id", "2", "3")}, func(connectors.Batch) (connectors.Edit, error) {
		edit := connectors.Edit{Ops: []connectors.Op{connectors.Update, connectors.Update}}
		for c, f := range table.Fields[1:] {
			var col connectors.Column
			col.Append([]byte(values[c+1]))
			col.AppendNull() // so that the two rows differ and share a statement
			edit.Set = append(edit.Set, connectors.Assignment{Field: f.Name, Rows: []bool{true, true}, Values: col.Array()})
		}
		return edit, nil
	})
	require.NoError(t, err)
	got, _ := read(t, src, connectors.Query{Table: "t", Keys: keys("id", "2")})
	require.Equal(t, "2|"+strings.Join(values[1:], "|"), got[0])
	got, _ = read(t, src, connectors.Query{Table: "t", Keys: keys("id", "3")})
	require.Equal(t, "3"+strings.Repeat("|-", len(values)-1), got[0])
}

func TestAnyTextComesBack(t *testing.T) {
	db := database(t, "CREATE TABLE t (id int PRIMARY KEY, s text, b blob, n int)", "INSERT INTO t VALUES (1, NULL, NULL, 1), (2, NULL, NULL, 2), (3, 'other', 'other', 3)")
	src := opened(t, db)
	rapid.Check(t, func(rt *rapid.T) {
		text, raw := rapid.String().Draw(rt, "text"), rapid.SliceOf(rapid.Byte()).Draw(rt, "bytes")
		_, err := mutate(t, src, connectors.Query{Table: "t", Keys: keys("id", "1", "2")}, func(connectors.Batch) (connectors.Edit, error) {
			var s, b connectors.Column
			s.Append([]byte(text))
			s.Append([]byte("other"))
			b.Append(raw)
			b.Append(raw)
			return connectors.Edit{Ops: []connectors.Op{connectors.Update, connectors.Update}, Set: []connectors.Assignment{
				{Field: "s", Rows: []bool{true, true}, Values: s.Array()}, {Field: "b", Rows: []bool{true, true}, Values: b.Array()},
			}}, nil
		})
		require.NoError(rt, err)
		got, _ := read(t, src, connectors.Query{Table: "t"})
		require.Equal(rt, []string{"1|" + text + "|" + string(raw) + "|1", "2|other|" + string(raw) + "|2", "3|other|other|3"}, got)
	})
}

// Two keys that the server holds equal may fall in different statements; the rows they both name must come once.
func TestRowsOfEqualKeysComeOnce(t *testing.T) {
	db := database(t,
		"CREATE TABLE word (w varchar(20) PRIMARY KEY)", "INSERT INTO word VALUES ('a'), ('b')",
		"CREATE TABLE used (id int PRIMARY KEY, w varchar(20) NOT NULL, FOREIGN KEY (w) REFERENCES word (w))",
		"INSERT INTO used VALUES (1, 'a'), (2, 'A'), (3, 'á'), (4, 'b')")
	src := opened(t, db)
	k := keys("w", "A", "a")
	for i := range 3000 {
		k.Tuples = append(k.Tuples, connectors.MakeKey(fmt.Appendf(nil, "N%d", i))) // between A and a
	}
	got, _ := read(t, src, connectors.Query{Table: "used", Fields: []string{"id"}, Keys: k, MaxRows: 1})
	require.ElementsMatch(t, []string{"1", "2", "3"}, got)
	outcomes, err := mutate(t, src, connectors.Query{Table: "used", Keys: k}, deleteAll)
	require.NoError(t, err)
	require.Len(t, outcomes, 3)
	require.Equal(t, "4\tb", db.Query(t, "SELECT * FROM used"))
	got, _ = read(t, src, connectors.Query{Table: "word", Keys: k, MaxRows: 1})
	require.Equal(t, []string{"a"}, got)
}

func TestRefusals(t *testing.T) {
	const planted = "Zephyrine.Quux@example.com"
	db := database(t,
		"CREATE TABLE a (id int PRIMARY KEY, b_id int NOT NULL)", "CREATE TABLE b (id int PRIMARY KEY, a_id int NOT NULL, FOREIGN KEY (a_id) REFERENCES a (id))",
		"ALTER TABLE a ADD FOREIGN KEY (b_id) REFERENCES b (id)", "INSERT INTO a VALUES (1, 1)", "INSERT INTO b VALUES (1, 1)",
		"CREATE TABLE p (id int PRIMARY KEY, email varchar(40) NOT NULL UNIQUE, age int CHECK (age < 200), kind enum('x'), short varchar(3), j json, d date, a_id int, FOREIGN KEY (a_id) REFERENCES a (id))",
		"INSERT INTO p VALUES (1, '"+planted+"', 1, 'x', 'abc', '{}', '2024-01-01', 1), (2, 'two', 2, 'x', 'abc', '{}', '2024-01-01', 1)",
		"CREATE TABLE guarded (id int PRIMARY KEY, email varchar(40))", "INSERT INTO guarded VALUES (1, '"+planted+"')",
		"CREATE TRIGGER g BEFORE DELETE ON guarded FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '"+planted+" must stay'",
		"CREATE TRIGGER h BEFORE UPDATE ON guarded FOR EACH ROW SIGNAL SQLSTATE '45123' SET MYSQL_ERRNO = 31999, MESSAGE_TEXT = '"+planted+" must stay'")
	src := opened(t, db)
	null := func(field string) connectors.EditFunc {
		return func(b connectors.Batch) (connectors.Edit, error) {
			var col connectors.Column
			col.AppendNull()
			return connectors.Edit{Ops: []connectors.Op{connectors.Update}, Set: []connectors.Assignment{{Field: field, Rows: []bool{true}, Values: col.Array()}}}, nil
		}
	}
	for _, c := range []struct {
		name, table, id string
		edit            connectors.EditFunc
		says            string
	}{
		{"foreign key cycle", "a", "1", deleteAll, "foreign key"},
		{"missing parent", "p", "2", setAll("a_id", "77"), "foreign key"},
		{"duplicate", "p", "2", setAll("email", planted), "unique constraint"},
		{"check", "p", "2", setAll("age", "500"), "check constraint"},
		{"json check", "p", "2", setAll("j", "{"), "check constraint"},
		{"not null", "p", "2", null("email"), "not null"},
		{"too long", "p", "2", setAll("short", planted), "does not fit"},
		{"out of range", "p", "2", setAll("age", "99999999999"), "does not fit"},
		{"not in enum", "p", "2", setAll("kind", "y"), "does not fit"},
		{"no date", "p", "2", setAll("d", planted), "not of the field's type"},
		{"trigger", "guarded", "1", deleteAll, "trigger"},
		{"trigger with an error number of its own", "guarded", "1", setAll("email", "x"), "trigger"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := db.Query(t, "SELECT * FROM a; SELECT * FROM b; SELECT * FROM p; SELECT * FROM guarded")
			_, err := mutate(t, src, connectors.Query{Table: c.table, Keys: keys("id", c.id)}, c.edit)
			require.ErrorIs(t, err, connectors.ErrRefused)
			require.NotErrorIs(t, err, connectors.ErrTransient)
			require.Contains(t, err.Error(), "mutate crm table "+c.table)
			require.Contains(t, err.Error(), c.says)
			require.NotContains(t, err.Error(), planted)
			require.Equal(t, before, db.Query(t, "SELECT * FROM a; SELECT * FROM b; SELECT * FROM p; SELECT * FROM guarded"))
		})
	}
	_, err := mutate(t, src, connectors.Query{Table: "p", Keys: keys("id", "2")}, setAll("age", planted))
	require.ErrorIs(t, err, connectors.ErrConfig)
	require.NotContains(t, err.Error(), planted)
}

// Two mutations lock two rows in opposite order: the server ends one of them.
func TestDeadlockIsTransient(t *testing.T) {
	db := database(t, "CREATE TABLE p (id int PRIMARY KEY, n int)", "INSERT INTO p VALUES (1, 0), (2, 0)")
	src := opened(t, db)
	var meet [2]chan struct{}
	meet[0], meet[1] = make(chan struct{}), make(chan struct{})
	errs := make(chan error, 2)
	for me, order := range [][2]string{{"1", "2"}, {"2", "1"}} {
		go func() {
			locked := false
			_, err := src.(connectors.Mutator).Mutate(t.Context(), []connectors.Query{{Table: "p", Keys: keys("id", order[0])}, {Table: "p", Keys: keys("id", order[1])}},
				func(b connectors.Batch) (connectors.Edit, error) {
					if !locked {
						locked = true
						close(meet[me])
						<-meet[1-me]
					}
					return setAll("n", fmt.Sprint(me+1))(b)
				}, confirmed)
			errs <- err
		}()
	}
	first, second := <-errs, <-errs
	if first == nil {
		first, second = second, first
	}
	require.ErrorIs(t, first, connectors.ErrTransient)
	require.NoError(t, second)
	n := db.Query(t, "SELECT DISTINCT n FROM p")
	require.True(t, n == "1" || n == "2", "one transaction did all, the other nothing")
}

func TestLockTimeoutIsTransient(t *testing.T) {
	t.Parallel()
	db := database(t, "CREATE TABLE p (id int PRIMARY KEY, n int)", "INSERT INTO p VALUES (1, 0)")
	src := opened(t, db)
	_, err := mutate(t, src, connectors.Query{Table: "p", Keys: keys("id", "1")}, func(b connectors.Batch) (connectors.Edit, error) {
		_, inner := mutate(t, src, connectors.Query{Table: "p", Keys: keys("id", "1")}, deleteAll)
		require.ErrorIs(t, inner, connectors.ErrTransient)
		require.Contains(t, inner.Error(), "lock timeout")
		return deleteAll(b)
	})
	require.NoError(t, err)
	require.Empty(t, db.Query(t, "SELECT * FROM p"))
}

func TestKilledConnectionIsTransient(t *testing.T) {
	db := database(t, "CREATE TABLE p (id int PRIMARY KEY)", "INSERT INTO p VALUES (1)")
	src := opened(t, db)
	_, err := mutate(t, src, connectors.Query{Table: "p", Keys: keys("id", "1")}, func(b connectors.Batch) (connectors.Edit, error) {
		for _, id := range strings.Fields(db.Query(t, "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> connection_id()")) {
			db.Exec(t, "KILL "+id)
		}
		return deleteAll(b)
	})
	require.ErrorIs(t, err, connectors.ErrTransient)
	require.Equal(t, "1", db.Query(t, "SELECT * FROM p"))
	_, err = mutate(t, src, connectors.Query{Table: "p", Keys: keys("id", "1")}, deleteAll)
	require.NoError(t, err)
}

func TestPanicInEditRollsBack(t *testing.T) {
	db := database(t, "CREATE TABLE p (id int PRIMARY KEY)", "INSERT INTO p VALUES (1)")
	src := opened(t, db)
	require.Panics(t, func() {
		_, _ = mutate(t, src, connectors.Query{Table: "p", Keys: keys("id", "1")}, func(connectors.Batch) (connectors.Edit, error) { panic("edit") })
	})
	_, err := mutate(t, src, connectors.Query{Table: "p", Keys: keys("id", "1")}, deleteAll)
	require.NoError(t, err, "the row is not locked any more")
}

func TestTablesThatCannotBeRolledBackAreUnsupported(t *testing.T) {
	db := database(t, "CREATE TABLE m (id int PRIMARY KEY) ENGINE = MyISAM", "CREATE TABLE v (id int PRIMARY KEY) WITH SYSTEM VERSIONING", "INSERT INTO m VALUES (1)", "INSERT INTO v VALUES (1)")
	src := opened(t, db)
	for _, table := range []string{"m", "v"} {
		require.Equal(t, []string{"id"}, catalog(t, src)[table].Key)
		rows, _ := read(t, src, connectors.Query{Table: table})
		require.Equal(t, []string{"1"}, rows)
		_, err := mutate(t, src, connectors.Query{Table: table, Keys: keys("id", "1")}, deleteAll)
		require.ErrorIs(t, err, errors.ErrUnsupported)
		rows, _ = read(t, src, connectors.Query{Table: table})
		require.Equal(t, []string{"1"}, rows)
	}
}

func TestCascadeAmongNamedRows(t *testing.T) {
	db := database(t, "CREATE TABLE tree (id int PRIMARY KEY, up int, FOREIGN KEY (up) REFERENCES tree (id) ON DELETE CASCADE)", "INSERT INTO tree VALUES (1, NULL), (2, 1), (3, 2), (4, 4), (5, NULL)")
	src := opened(t, db)
	outcomes, err := mutate(t, src, connectors.Query{Table: "tree", Keys: keys("id", "1", "2", "3", "4")}, deleteAll)
	require.NoError(t, err)
	for _, o := range outcomes {
		require.Equal(t, connectors.Done, o.Status)
	}
	require.Equal(t, "5", db.Query(t, "SELECT id FROM tree"))
}

func TestKeyFieldsCanBeSet(t *testing.T) {
	db := database(t, "CREATE TABLE p (a int, b varchar(20), n int, PRIMARY KEY (a, b))", "INSERT INTO p VALUES (1, 'x', 0), (1, 'y', 0), (2, 'x', 0)")
	src := opened(t, db)
	k := &connectors.Keys{Fields: []string{"a", "b"}, Tuples: []connectors.Key{connectors.MakeKey([]byte("1"), []byte("x")), connectors.MakeKey([]byte("1"), []byte("y"))}}
	_, err := mutate(t, src, connectors.Query{Table: "p", Keys: k}, func(connectors.Batch) (connectors.Edit, error) {
		var a, b, n connectors.Column
		for i := range 2 {
			a.Append(fmt.Appendf(nil, "%d", 10+i))
			b.Append(fmt.Appendf(nil, "new%d", i))
			n.Append(fmt.Appendf(nil, "%d", i))
		}
		both := []bool{true, true}
		return connectors.Edit{Ops: []connectors.Op{connectors.Update, connectors.Update}, Set: []connectors.Assignment{
			{Field: "a", Rows: both, Values: a.Array()}, {Field: "b", Rows: both, Values: b.Array()}, {Field: "n", Rows: both, Values: n.Array()},
		}}, nil
	})
	require.NoError(t, err)
	require.Equal(t, "2\tx\t0\n10\tnew0\t0\n11\tnew1\t1", db.Query(t, "SELECT * FROM p ORDER BY a"))
}

// The catalog that a source knows may be older than the table.
func TestTableChangedMeanwhile(t *testing.T) {
	db := database(t, "CREATE TABLE p (id int PRIMARY KEY, n int)", "INSERT INTO p VALUES (1, 0)")
	src := opened(t, db)
	catalog(t, src)
	db.Exec(t, "ALTER TABLE p DROP n")
	require.ErrorIs(t, scanError(t, src, connectors.Query{Table: "p"}), connectors.ErrSchemaChanged)
	db.Exec(t, "DROP TABLE p")
	require.ErrorIs(t, scanError(t, src, connectors.Query{Table: "p", Fields: []string{"id"}}), connectors.ErrSchemaChanged)
	db.Exec(t, "CREATE TABLE q (id int PRIMARY KEY)")
	require.NoError(t, scanError(t, src, connectors.Query{Table: "q"}), "a table made after the catalog was read")
}

func TestDamagedCursors(t *testing.T) {
	db := database(t, "CREATE TABLE p (id int PRIMARY KEY)", "INSERT INTO p VALUES (1), (2)")
	src := opened(t, db)
	for _, parts := range [][]string{{"0"}, {"x", "0", "1"}, {"0", "x", "1"}, {"0", "0", "1", "2"}, {"0", "0", "1 OR 1=1"}, {"0", "0", ""}} {
		var values [][]byte
		for _, p := range parts {
			values = append(values, []byte(p))
		}
		require.Error(t, scanError(t, src, connectors.Query{Table: "p", After: connectors.Cursor(connectors.MakeKey(values...))}), "%q", parts)
	}
	require.Error(t, scanError(t, src, connectors.Query{Table: "p", After: "\xff\xff"}))
	require.ErrorIs(t, scanError(t, src, connectors.Query{Table: "p", Keys: keys("id", "1) OR (1=1")}), connectors.ErrConfig)
	require.Error(t, scanError(t, src, connectors.Query{Table: "p", Keys: &connectors.Keys{Fields: []string{"id"}, Tuples: []connectors.Key{connectors.MakeKey([]byte("1"), []byte("2"))}}}))
}

func TestOpenErrors(t *testing.T) {
	db := database(t)
	s := db.Server
	const password = "pAss%w0rd/@:?#"
	inURL := url.UserPassword("root", password).String()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	closed := free.Addr().String()
	require.NoError(t, free.Close())
	ca := "ssl-ca=" + url.QueryEscape(s.CA)
	for _, c := range []struct {
		name, dsn string
		want      error
		hint      string
	}{
		{"wrong password", "mysql://" + inURL + "@" + s.Address + "/" + db.Name + "?" + ca, connectors.ErrDenied, "password"},
		{"wrong password in the driver's form", "root:" + password + "@tcp(" + s.Address + ")/" + db.Name + "?" + ca, connectors.ErrDenied, "password"},
		{"unknown database", strings.Replace(db.DSN(), db.Name, "nowhere", 1), connectors.ErrConfig, "database"},
		{"no database", "mysql://" + inURL + "@" + s.Address + "/", connectors.ErrConfig, "no database"},
		{"nobody listens", "mysql://" + inURL + "@" + closed + "/x?" + ca, connectors.ErrUnreachable, closed},
		{"unknown host", "mysql://" + inURL + "@nowhere.invalid/x", connectors.ErrUnreachable, "check host"},
		{"untrusted certificate", "mysql://" + inURL + "@" + s.Address + "/x", connectors.ErrConfig, "ssl-ca"},
		{"plaintext", "mysql://" + inURL + "@" + s.Address + "/x?tls=false", connectors.ErrPlaintext, "waive"},
		{"preferred", "mysql://" + inURL + "@" + s.Address + "/x?tls=preferred", connectors.ErrPlaintext, "waive"},
		{"fallback", "mysql://" + inURL + "@" + s.Address + "/x?allowFallbackToPlaintext=true", connectors.ErrPlaintext, "waive"},
		{"unknown tls", "mysql://" + inURL + "@" + s.Address + "/x?tls=maybe", connectors.ErrConfig, "want user"},
		{"ca and no verification", "mysql://" + inURL + "@" + s.Address + "/x?tls=skip-verify&" + ca, connectors.ErrConfig, "contradict"},
		{"no such ca", "mysql://" + inURL + "@" + s.Address + "/x?ssl-ca=/nowhere", connectors.ErrConfig, "ssl-ca"},
		{"ca without certificate", "mysql://" + inURL + "@" + s.Address + "/x?ssl-ca=mysql_test.go", connectors.ErrConfig, "no certificate"},
		{"other scheme", "postgres://" + inURL + "@" + s.Address + "/x", connectors.ErrConfig, "want user"},
		{"no URL", "mysql://root:" + password + "@[:/x", connectors.ErrConfig, "want user"},
		{"no slash", "root:" + "pw@tcp(" + s.Address + ")", connectors.ErrConfig, "want user"},
		{"strict", "mysql://" + inURL + "@" + s.Address + "/x?strict=true", connectors.ErrConfig, "strict"},
		{"unknown variable", db.DSN() + "&nonsense=1", connectors.ErrConfig, "variable"},
		{"empty", "", connectors.ErrConfig, "no database"},
	} {
		t.Run(c.name, func(t *testing.T) {
			src, err := mysql.Connector.Open(t.Context(), connectors.Options{Name: "crm", DSN: c.dsn})
			require.ErrorIs(t, err, c.want)
			require.Nil(t, src)
			require.Contains(t, err.Error(), "open crm: ")
			require.Contains(t, err.Error(), c.hint)
			for _, secret := range []string{password, inURL, url.QueryEscape(password), "pAss", "w0rd", s.Password} {
				require.NotContains(t, err.Error(), secret)
			}
		})
	}
	connectortest.RunOptions(t, mysql.Connector, connectors.Options{Name: "crm", DSN: db.DSN()}, nil)
	_, err = mysql.Connector.Open(t.Context(), connectors.Options{Name: "crm", DSN: db.DSN(), ApplyDSN: s.DSN("mysql")})
	require.ErrorIs(t, err, connectors.ErrConfig)
	require.Contains(t, err.Error(), "different databases")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = mysql.Connector.Open(ctx, connectors.Options{Name: "crm", DSN: db.DSN()})
	require.ErrorIs(t, err, context.Canceled)
}

// A server without TLS is imitated by the first packet of the protocol: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_handshake_v10.html
func TestServerWithoutTLS(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	served := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			const protocol41, pluginAuth = 0x0200, 0x0008 // no 0x0800, which is TLS
			packet := "\x0a5.7.0\x00" + "\x01\x00\x00\x00" + "12345678\x00" + string([]byte{0, protocol41 >> 8}) + "\x2d\x02\x00" + string([]byte{pluginAuth, 0}) + "\x15" +
				strings.Repeat("\x00", 10) + "123456789012\x00" + "mysql_native_password\x00"
			_, err = conn.Write(append([]byte{byte(len(packet)), 0, 0, 0}, packet...))
			err = errors.Join(err, conn.Close())
		}
		served <- err
	}()
	_, err = mysql.Connector.Open(t.Context(), connectors.Options{Name: "crm", DSN: "mysql://u:secret@" + l.Addr().String() + "/x"})
	require.ErrorIs(t, err, connectors.ErrPlaintext)
	require.Contains(t, err.Error(), "turn TLS on")
	require.NotContains(t, err.Error(), "secret")
	require.NoError(t, <-served)
}

func TestWaysToConnect(t *testing.T) {
	db := database(t, "CREATE TABLE p (id int PRIMARY KEY)", "INSERT INTO p VALUES (1)")
	s := db.Server
	for _, c := range []struct {
		name, dsn string
		plaintext bool
	}{
		{"url", db.DSN(), false},
		{"mariadb url", strings.Replace(db.DSN(), "mysql://", "mariadb://", 1), false},
		{"driver's form", "root:" + s.Password + "@tcp(" + s.Address + ")/" + db.Name + "?ssl-ca=" + url.QueryEscape(s.CA) + "&parseTime=true&loc=Local", false},
		{"without verification, by name", "root:" + s.Password + "@tcp(" + s.Address + ")/" + db.Name + "?tls=skip-verify", false},
		{"socket", "root:" + s.Password + "@unix(" + s.Socket + ")/" + db.Name, false},
		{"socket url", "mysql://root:" + s.Password + "@localhost/" + db.Name + "?socket=" + url.QueryEscape(s.Socket), false},
		{"waiver", "root:" + s.Password + "@tcp(" + s.Address + ")/" + db.Name, true},
		{"waiver and no TLS", "root:" + s.Password + "@tcp(" + s.Address + ")/" + db.Name + "?tls=false", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			src, err := mysql.Connector.Open(t.Context(), connectors.Options{Name: "crm", DSN: c.dsn, Plaintext: c.plaintext})
			require.NoError(t, err)
			rows, _ := read(t, src, connectors.Query{Table: "p"})
			require.Equal(t, []string{"1"}, rows)
			require.NoError(t, src.Close())
		})
	}
}

func TestClock(t *testing.T) {
	src, err := mysql.Connector.Open(t.Context(), connectors.Options{Name: "clock", DSN: servers.MariaDB(t).Database(t).DSN()})
	require.NoError(t, err)
	defer src.Close()
	at, err := src.(connectors.Clocked).Clock(t.Context())
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), at, time.Minute)
}

func TestViews(t *testing.T) {
	db := database(t, "CREATE TABLE people (id INT PRIMARY KEY, name TEXT)", "CREATE TABLE `or``ders` (id INT PRIMARY KEY, person INT, note TEXT)",
		"CREATE VIEW both_of_them AS SELECT p.name AS `people`, o.note FROM people p JOIN `or``ders` o ON o.person = p.id WHERE o.note <> 'it\\'s FROM x'",
		"CREATE VIEW nested AS SELECT * FROM both_of_them WHERE people LIKE '%from people%'", "CREATE VIEW one AS SELECT id FROM people")
	want := []connectors.View{{Name: "both_of_them", Tables: []string{"or`ders", "people"}}, {Name: "nested", Tables: []string{"or`ders", "people"}}, {Name: "one", Tables: []string{"people"}}}
	views, err := opened(t, db).(connectors.Viewer).Views(t.Context())
	require.NoError(t, err)
	require.Equal(t, want, views)

	reader := open(t, user(t, db, "SELECT"), "")
	defer func() { require.NoError(t, reader.Close()) }()
	views, err = reader.(connectors.Viewer).Views(t.Context())
	require.NoError(t, err)
	require.Equal(t, []connectors.View{{Name: "both_of_them"}, {Name: "nested"}, {Name: "one"}}, views, "without SHOW VIEW the names, and no tables")
}
