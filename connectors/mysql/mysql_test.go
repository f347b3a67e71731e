package mysql_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/connectors"
	"lethe/connectors/conformance"
	"lethe/connectors/connectortest"
	"lethe/connectors/mysql"
	"lethe/fixtures/servers"
)

// setup makes the client's session of a test like that of the connector, so that values go in as they are
// meant.
const setup = "SET time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO', " +
	"foreign_key_checks = 0;\n"

func TestConformance(t *testing.T) {
	connectortest.RunGround(t, "mysql", func(t *testing.T) *conformance.Ground {
		g, err := mysql.Ground(t.Context(), connectors.Options{Name: "crm", DSN: database(t, "ALTER DATABASE COLLATE utf8mb4_unicode_ci").DSN()})
		require.NoError(t, err)
		require.Empty(t, g.Left)
		return g
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
	db.Exec(t, fmt.Sprintf("CREATE USER '%s'@'%%' IDENTIFIED BY 'secret' REQUIRE SSL; GRANT %s ON `%s`.* TO '%s'@'%%';",
		name, rights, db.Name, name))
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

// read scans and returns the rows, values joined by '|' and NULL as '-', with the cursor of each batch. It
// fails on a scan that does not end.
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

func mutate(t *testing.T, src connectors.Source, q connectors.Query,
	edit connectors.EditFunc) ([]connectors.Outcome, error) {
	return src.(connectors.Mutator).Mutate(t.Context(), []connectors.Query{q}, edit, confirmed)
}

func TestCatalogForAUserWithSelectAlone(t *testing.T) {
	db := database(t,
		"CREATE TABLE parent (a int, b varchar(10), code varchar(20) NOT NULL, PRIMARY KEY (b, a), UNIQUE `by "+
			"code` (code))",
		"CREATE TABLE child (id bigint unsigned PRIMARY KEY, pa int, pb varchar(10), code1 varchar(20), code2 "+
			"varchar(20), boss bigint unsigned,"+
			" CONSTRAINT `both ``parts` FOREIGN KEY (pb, pa) REFERENCES parent (b, a) ON DELETE CASCADE ON "+
			"UPDATE CASCADE,"+
			" CONSTRAINT one FOREIGN KEY (code1) REFERENCES parent (code) ON DELETE SET NULL,"+
			" CONSTRAINT two FOREIGN KEY (code2) REFERENCES parent (code) ON DELETE NO ACTION ON UPDATE CASCADE,"+
			" CONSTRAINT up FOREIGN KEY (boss) REFERENCES child (id) ON UPDATE SET NULL)",
		"CREATE TABLE kinds (id int PRIMARY KEY, flag tinyint(1) NOT NULL, y year, d decimal(7,2), f float, g "+
			"double, b bit(5), e enum('x','y''z'), s set('p','q'), j json, u uuid, i inet6,"+
			" t text, c char(3) CHARACTER SET latin1, bi binary(4), vb varbinary(9), bl blob, ge geometry, lt "+
			"longtext,"+
			" v int AS (id + 1) VIRTUAL, p int AS (id + 2) PERSISTENT, ts timestamp NULL DEFAULT current_timestamp() "+
			"ON UPDATE current_timestamp(), dt datetime(3), da date DEFAULT '1970-01-01', ti time,"+
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
	zone, err := src.(connectors.Zoner).Zone(t.Context())
	require.NoError(t, err)
	require.NotContains(t, []string{"", "SYSTEM"}, zone, "the server's own, whatever this session's")

	tables := catalog(t, src)
	require.Len(t, tables, 6)
	require.Equal(t, []string{"b", "a"}, tables["parent"].Key)
	require.Equal(t, [][]string{{"code"}}, tables["parent"].Unique)
	require.Equal(t, db.Name, tables["parent"].Database)
	require.ElementsMatch(t, []connectors.ForeignKey{
		{Name: "both `parts", Fields: []string{"pb", "pa"}, RefTable: "parent", RefFields: []string{"b", "a"},
			OnDelete: "CASCADE", OnUpdate: "CASCADE"},
		{Name: "one", Fields: []string{"code1"}, RefTable: "parent", RefFields: []string{"code"}, OnDelete: "SET NULL",
			OnUpdate: "RESTRICT"},
		{Name: "two", Fields: []string{"code2"}, RefTable: "parent", RefFields: []string{"code"},
			OnDelete: "NO ACTION", OnUpdate: "CASCADE"},
		{Name: "up", Fields: []string{"boss"}, RefTable: "child", RefFields: []string{"id"}, OnDelete: "RESTRICT",
			OnUpdate: "SET NULL"},
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
		{Name: "ts", Type: "timestamp", Kind: connectors.Timestamp, Nullable: true, AutoUpdate: true, Zoned: true},
		{Name: "dt", Type: "datetime(3)", Kind: connectors.Timestamp, Nullable: true},
		{Name: "da", Type: "date", Kind: connectors.Date, Nullable: true, Default: "1970-01-01"},
		{Name: "ti", Type: "time", Kind: connectors.Time, Nullable: true},
	}
	require.Equal(t, want, tables["kinds"].Fields)
}

// Values of every kind, also those that only this server has, are written as they are read.
func TestValuesComeBack(t *testing.T) {
	db := database(t,
		"CREATE TABLE t (id int PRIMARY KEY, l1 varchar(20) CHARACTER SET latin1, u uuid, i inet6, e "+
			"enum('x','it''s'), s set('p','q'), y year, b bit(64), f float, g double, ge geometry, j json, ts "+
			"timestamp(2) NULL, z int(6) zerofill)",
		"INSERT INTO t VALUES (1, 'né', '123e4567-e89b-12d3-a456-426655440000', 'fe80::1', 'it''s', 'p,q', 2024, "+
			"b'1000000000000000000000000000000000000000000000000000000000000001', 1.1, 1e-300, "+
			"ST_GeomFromText('POINT(1 2)'), '{\"a\": \"\\\\u00e9\"}', '2024-03-31 01:30:00.25', 42),"+
			" (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), (3, NULL, NULL, "+
			"NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)")
	src := opened(t, db)
	rows, _ := read(t, src, connectors.Query{Table: "t", Keys: keys("id", "1")})
	require.Equal(t,
		[]string{"1|né|123e4567-e89b-12d3-a456-426655440000|fe80::1|it's|p," +
			"q|2024|1000000000000000000000000000000000000000000000000000000000000001|1.1|1e-300|" +
			"\x00\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\xf0\x3f\x00\x00\x00\x00\x00\x00\x00\x40|" +
			"{\"a\": \"\\u00e9\"}|2024-03-31 01:30:00.25|42"}, rows)

	values := strings.Split(rows[0], "|")
	table := catalog(t, src)["t"]
	_, err := mutate(t, src, connectors.Query{Table: "t", Keys: keys("id", "2", "3")},
		func(connectors.Batch) (connectors.Edit, error) {
			edit := connectors.Edit{Ops: []connectors.Op{connectors.Update, connectors.Update}}
			for c, f := range table.Fields[1:] {
				var col connectors.Column
				col.Append([]byte(values[c+1]))
				col.AppendNull() // so that the two rows differ and share a statement
				edit.Set = append(edit.Set, connectors.Assignment{Field: f.Name, Rows: []bool{true, true},
					Values: col.Array()})
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
	db := database(t, "CREATE TABLE t (id int PRIMARY KEY, s text, b blob, n int)",
		"INSERT INTO t VALUES (1, NULL, NULL, 1), (2, NULL, NULL, 2), (3, 'other', 'other', 3)")
	src := opened(t, db)
	rapid.Check(t, func(rt *rapid.T) {
		text, raw := rapid.String().Draw(rt, "text"), rapid.SliceOf(rapid.Byte()).Draw(rt, "bytes")
		_, err := mutate(t, src, connectors.Query{Table: "t", Keys: keys("id", "1", "2")},
			func(connectors.Batch) (connectors.Edit, error) {
				var s, b connectors.Column
				s.Append([]byte(text))
				s.Append([]byte("other"))
				b.Append(raw)
				b.Append(raw)
				return connectors.Edit{Ops: []connectors.Op{connectors.Update, connectors.Update},
					Set: []connectors.Assignment{
						{Field: "s", Rows: []bool{true, true}, Values: s.Array()},
						{Field: "b", Rows: []bool{true, true}, Values: b.Array()},
					}}, nil
			})
		require.NoError(rt, err)
		got, _ := read(t, src, connectors.Query{Table: "t"})
		require.Equal(rt, []string{"1|" + text + "|" + string(raw) + "|1", "2|other|" + string(raw) + "|2",
			"3|other|other|3"}, got)
	})
}

func TestClock(t *testing.T) {
	src, err := mysql.Connector.Open(t.Context(),
		connectors.Options{Name: "clock", DSN: servers.MariaDB(t).Database(t).DSN()})
	require.NoError(t, err)
	defer src.Close()
	at, err := src.(connectors.Clocked).Clock(t.Context())
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), at, time.Minute)
}

func TestViews(t *testing.T) {
	db := database(t, "CREATE TABLE people (id INT PRIMARY KEY, name TEXT)",
		"CREATE TABLE `or``ders` (id INT PRIMARY KEY, person INT, note TEXT)",
		"CREATE VIEW both_of_them AS SELECT p.name AS `people`, o.note FROM people p JOIN `or``ders` o ON o.person = "+
			"p.id WHERE o.note <> 'it\\'s FROM x'",
		"CREATE VIEW nested AS SELECT * FROM both_of_them WHERE people LIKE '%from people%'",
		"CREATE VIEW one AS SELECT id FROM people")
	want := []connectors.View{{Name: "both_of_them", Tables: []string{"or`ders", "people"}},
		{Name: "nested", Tables: []string{"or`ders", "people"}}, {Name: "one", Tables: []string{"people"}}}
	views, err := opened(t, db).(connectors.Viewer).Views(t.Context())
	require.NoError(t, err)
	require.Equal(t, want, views)

	reader := open(t, user(t, db, "SELECT"), "")
	defer func() { require.NoError(t, reader.Close()) }()
	views, err = reader.(connectors.Viewer).Views(t.Context())
	require.NoError(t, err)
	require.Equal(t, []connectors.View{{Name: "both_of_them"}, {Name: "nested"}, {Name: "one"}}, views,
		"without SHOW VIEW the names, and no tables")
}
