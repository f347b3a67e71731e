package mysqldump_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/connectortest"
	"lethe/connectors/mysqldump"
	"lethe/fixtures/servers"
)

// temporalSQL is what MariaDB alone knows: periods in keys, rows kept with their history, fields that a SELECT *
// does not show, sequences.
const temporalSQL = `
CREATE TABLE rooms (r int, s date NOT NULL, e date NOT NULL, v varchar(10), PERIOD FOR p (s, e),
  PRIMARY KEY (r, p WITHOUT OVERLAPS));
INSERT INTO rooms VALUES (1, '2020-01-01', '2020-02-01', 'a'), (1, '2020-02-01', '2020-03-01', 'b');
CREATE TABLE booked (id int PRIMARY KEY, r int, s date NOT NULL, e date NOT NULL, PERIOD FOR p (s, e),
  UNIQUE KEY u (r, p WITHOUT OVERLAPS));
INSERT INTO booked VALUES (1, 1, '2020-01-01', '2020-02-01');
CREATE TABLE plain (id int PRIMARY KEY, email varchar(40)) WITH SYSTEM VERSIONING;
INSERT INTO plain VALUES (1, 'a@example.org'), (2, 'b@example.org');
UPDATE plain SET email = 'new@example.org' WHERE id = 1;
DELETE FROM plain WHERE id = 2;
CREATE TABLE named (id int PRIMARY KEY, email varchar(40), rs timestamp(6) GENERATED ALWAYS AS ROW START,
  re timestamp(6) GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (rs, re)) WITH SYSTEM VERSIONING;
INSERT INTO named (id, email) VALUES (1, 'a@example.org');
UPDATE named SET email = 'new@example.org' WHERE id = 1;
CREATE TABLE hidden (id int PRIMARY KEY, email varchar(40), rs timestamp(6) GENERATED ALWAYS AS ROW START INVISIBLE,
  re timestamp(6) GENERATED ALWAYS AS ROW END INVISIBLE, PERIOD FOR SYSTEM_TIME (rs, re)) WITH SYSTEM VERSIONING;
INSERT INTO hidden (id, email) VALUES (1, 'a@example.org');
UPDATE hidden SET email = 'new@example.org' WHERE id = 1;
CREATE TABLE parts (id int PRIMARY KEY, email varchar(40), note varchar(10) WITHOUT SYSTEM VERSIONING)
  WITH SYSTEM VERSIONING PARTITION BY SYSTEM_TIME (PARTITION h HISTORY, PARTITION c CURRENT);
INSERT INTO parts VALUES (1, 'a@example.org', 'n');
UPDATE parts SET email = 'new@example.org' WHERE id = 1;
CREATE TABLE invisible_one (id int PRIMARY KEY, email varchar(40), h int INVISIBLE DEFAULT 3);
INSERT INTO invisible_one VALUES (1, 'x@example.org');
CREATE SEQUENCE numbers;
CREATE TABLE numbered (id int PRIMARY KEY DEFAULT nextval(numbers), email varchar(20));
INSERT INTO numbered (email) VALUES ('z@example.org');
`

// TestTemporal reads what the live source does from dumps of versioned and temporal tables.
func TestTemporal(t *testing.T) {
	db := servers.MariaDB(t).Database(t)
	db.Exec(t, temporalSQL)
	source, catalog := live(t, db)
	want := contents(t, source, catalog)
	for _, args := range []string{"", "--complete-insert", "--skip-extended-insert", "--no-create-info", "--databases"} {
		t.Run(args, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "dump.sql")
			require.NoError(t, os.WriteFile(path, db.Dump(t, strings.Fields(args)...), 0o600))
			o := connectors.Options{Name: "dump", DSN: path}
			if args == "--no-create-info" {
				o.Catalog = catalog
			}
			src, err := mysqldump.Open(t.Context(), o)
			require.NoError(t, err)
			tables, err := src.Tables(t.Context())
			require.NoError(t, err)
			requireSameCatalog(t, catalog, tables, true)
			require.Equal(t, want, contents(t, src, tables))
		})
	}
}

// TestHistory reads and rewrites a dump that has all states of each row: a state is a row of its own, and what
// becomes of one is nothing to the others.
func TestHistory(t *testing.T) {
	server := servers.MariaDB(t)
	db := server.Database(t)
	db.Exec(t, temporalSQL+"DROP TABLE numbered;") // LOCK TABLES keeps mariadb from loading its own dump of it
	_, catalog := live(t, db)
	for _, args := range []string{"--dump-history", "--dump-history --no-create-info"} {
		t.Run(args, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "dump.sql")
			require.NoError(t, os.WriteFile(path, db.Dump(t, strings.Fields(args)...), 0o600))
			o := connectors.Options{Name: "dump", DSN: path, Rewrite: true}
			if strings.Contains(args, "--no-create-info") {
				o.Catalog = catalog
			}
			for table, states := range map[string]int{"plain": 3, "named": 2, "hidden": 2, "parts": 2} {
				src, err := mysqldump.Open(t.Context(), o)
				require.NoError(t, err)
				tables, err := src.Tables(t.Context())
				require.NoError(t, err)
				i := slices.IndexFunc(tables, func(known connectors.Table) bool { return known.Name == table })
				require.Len(t, tables[i].Key, 2, "the end of a state is in the key")
				require.True(t, tables[i].Fields[len(tables[i].Fields)-1].Generated)
				before, err := connectortest.Read(t, src, connectors.Query{Table: table, Fields: []string{"email"}})
				require.NoError(t, err)
				require.Len(t, before, states)
				require.Contains(t, before, "new@example.org")

				_, err = src.(connectors.Rewriter).Rewrite(t.Context(), []connectors.Query{{Table: table,
					Fields: []string{"email"}}}, change{"a@example.org": "email=gone", "b@example.org": "-"}.edit,
					func(connectors.Source) error { return nil })
				require.NoError(t, err)
				after, err := connectortest.Read(t, src, connectors.Query{Table: table, Fields: []string{"email"}})
				require.NoError(t, err)
				require.Equal(t, []string{"gone", "new@example.org"}, after)
			}
			if o.Catalog == nil {
				restored := server.Database(t)
				text, err := os.ReadFile(path)
				require.NoError(t, err)
				restored.Exec(t, string(text))
				require.Equal(t, "new@example.org", restored.Query(t, "SELECT email FROM plain"),
					"a state of the past is not the present one")
				require.Equal(t, "gone\nnew@example.org",
					restored.Query(t, "SELECT email FROM plain FOR SYSTEM_TIME ALL ORDER BY row_start"))
			}
			everything := change{"gone": "-", "new@example.org": "-"}
			src, err := mysqldump.Open(t.Context(), o)
			require.NoError(t, err)
			q := connectors.Query{Table: "plain", Fields: []string{"email", "row_end"}}
			_, err = src.(connectors.Rewriter).Rewrite(t.Context(), []connectors.Query{q}, everything.edit,
				func(written connectors.Source) error {
					rows, err := connectortest.Read(t, written, q)
					require.Empty(t, rows)
					return err
				})
			require.NoError(t, err)
		})
	}
}

// TestPeriodInKey parses keys that end with a period.
func TestPeriodInKey(t *testing.T) {
	text := "CREATE TABLE `rooms` (\n  `r` int(11) DEFAULT NULL,\n  `s` date NOT NULL,\n  `e` date NOT NULL,\n" +
		"  PERIOD FOR `p` (`s`, `e`),\n  UNIQUE KEY `r` (`r`,`p` WITHOUT OVERLAPS)\n) ENGINE=InnoDB;\n" +
		"CREATE TABLE k (id int, s date, e date, PERIOD FOR p (s, e));\n" +
		"INSERT INTO k VALUES (1,'2020-01-01','2021-01-01');\n" +
		"ALTER TABLE k ADD PRIMARY KEY (id, p WITHOUT OVERLAPS);\n"
	tables, err := open(t, connectortest.WriteFile(t, "x.sql", []byte(text+trailer)), connectors.Options{}).
		Tables(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"id", "e", "s"}, tables[0].Key)
	require.Empty(t, tables[1].Key)
	require.Equal(t, [][]string{{"r", "e", "s"}}, tables[1].Unique)
}
