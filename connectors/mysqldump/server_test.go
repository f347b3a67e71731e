package mysqldump_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mysql"
	"lethe/connectors/mysqldump"
	"lethe/fixtures/servers"
)

// types holds what readers of dumps are known to trip over, as SQL for the server: escapes, NULL beside
// texts that look like it, generated fields, bits, binary bytes, quoted names.
const typesSQL = "SET sql_mode = ''; CREATE TABLE `types` (" + `
  id int unsigned NOT NULL AUTO_INCREMENT,
  tiny tinyint(1) NOT NULL DEFAULT 1,
  big bigint unsigned DEFAULT NULL,
  filled int(6) unsigned zerofill DEFAULT NULL,
  price decimal(12,3) DEFAULT NULL,
  ratio double DEFAULT NULL,
  single float DEFAULT NULL,
  y year DEFAULT NULL,
  d date DEFAULT '1970-01-01',
  t time(3) DEFAULT NULL,
  dt datetime(6) DEFAULT NULL,
  ts timestamp NULL DEFAULT NULL ON UPDATE current_timestamp(),
  c char(20) CHARACTER SET latin1 DEFAULT NULL,
  v varchar(200) DEFAULT 'it''s; (a) "default"' COMMENT 'quotes '' " and (parens), ` + "`ticks`" + `; -- too',
  long_text longtext DEFAULT NULL,
  e enum('a','b,c','it''s (x)') DEFAULT NULL,
  s set('one','two','three') DEFAULT NULL,
  bits bit(9) DEFAULT NULL,
  flag bit(1) DEFAULT NULL,
  fixed binary(4) DEFAULT NULL,
  bytes varbinary(300) DEFAULT NULL,
  picture blob DEFAULT NULL,
  doc longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL CHECK (json_valid(doc)),
  u uuid DEFAULT NULL,
  ip inet6 DEFAULT NULL,
  place point DEFAULT NULL,
  ref varchar(20) DEFAULT (concat('x', 1)),
  doubled bigint GENERATED ALWAYS AS (tiny * 2) STORED,
  shout varchar(250) GENERATED ALWAYS AS (upper(v)) VIRTUAL,
  ` + "`odd ``name``. \"x\"`" + ` varchar(20) DEFAULT NULL,
  PRIMARY KEY (id), UNIQUE KEY u1 (u), UNIQUE KEY u2 (y, d), KEY k (v(10)), CONSTRAINT ck CHECK (tiny >= 0)
) DEFAULT CHARSET=utf8mb4;
INSERT INTO types (tiny, big, filled, price, ratio, single, y, d, t, dt, ts, c, v, long_text, e, s, bits, flag,
  fixed, bytes, picture, doc, u, ip, place, ` + "`odd ``name``. \"x\"`" + `) VALUES
 (1, 18446744073709551615, 42, -12.5, 1e300, 1.5, 2024, '2024-02-29', '-27:15:00.125', '2024-10-27 02:30:00.123456',
   '2024-03-31 00:30:00', 'Müller', 'it''s; (x),(y) -- "q" \\ \n\r\t\Z\0 \\% \\_ 😀', 'INSERT INTO types VALUES (1);',
  'it''s (x)', 'one,three', b'101010101', b'1', 'ab', x'00ff27225c0a0d1a', x'c3280022', '{"a": "it''s \\"b\\""}',
    '123e4567-e89b-12d3-a456-426614174000', '::1', POINT(1.5, -2), 'a ` + "`b`" + `'),
 (0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
   NULL, NULL, NULL, NULL, NULL, NULL, NULL),
 (0, 0, 0, 0, 0, 0, 0, '0000-00-00', '00:00:00', '0000-00-00 00:00:00', '1970-01-01 00:00:01', '', '', '', 'a', '',
   b'0', b'0', '', '', '', '[]', NULL, '2001:db8::ff', NULL, ''),
 (127, 1, 999999, 99999.999, -0.25, 3.14159, 1999, '9999-12-31', '838:59:59', '9999-12-31 23:59:59', NULL, 'x ',
   ' lead and trail ', '\\', 'b,c', 'two', b'111111111', b'1', x'00000000', x'', 'text', 'null',
   '00000000-0000-0000-0000-000000000000', '1.2.3.4', NULL, '\\N');
CREATE TABLE ` + "`odd ``tab.le`" + ` (` + "`key`" + ` varchar(20) NOT NULL, ` + "`select`" + ` int, PRIMARY KEY (` +
	"`key`" + `));
INSERT INTO ` + "`odd ``tab.le`" + ` VALUES ('a', 1), ('b', NULL);
CREATE TABLE keyless (a int, b varchar(10));
INSERT INTO keyless VALUES (1,'x'),(1,'x'),(NULL,NULL);
CREATE TABLE empty_one (a int PRIMARY KEY);
CREATE TABLE child (id int PRIMARY KEY, type_id int unsigned, parent int, code varchar(20),
  CONSTRAINT f1 FOREIGN KEY (type_id) REFERENCES types (id) ON DELETE CASCADE ON UPDATE CASCADE,
  CONSTRAINT f2 FOREIGN KEY (parent) REFERENCES child (id) ON DELETE SET NULL,
  CONSTRAINT f3 FOREIGN KEY (code) REFERENCES ` + "`odd ``tab.le` (`key`)" + `);
INSERT INTO child VALUES (1, 1, NULL, 'a'), (2, 1, 1, NULL), (3, NULL, 2, 'b');
CREATE TABLE many (id int PRIMARY KEY, txt varchar(100));
INSERT INTO many SELECT seq, concat('row ', seq, ' it''s ''quoted'' \\\\', repeat('x', seq % 50)) FROM seq_1_to_3000;
CREATE VIEW looks AS SELECT id, v FROM types;
CREATE SEQUENCE counter;
CREATE TRIGGER watch BEFORE DELETE ON many FOR EACH ROW INSERT INTO keyless VALUES (2, 'it''s; gone');
DELIMITER ;;
CREATE PROCEDURE tidy() BEGIN -- don't; stop
  DELETE FROM many WHERE id < 0; /* nor ' here */
  INSERT INTO keyless VALUES (3, 'DELIMITER ;');
END;;
CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01' DO BEGIN DELETE FROM keyless WHERE a = 99; END;;
DELIMITER ;
`

// contents is the text of every row of every table of a source, sorted within the table.
func contents(t *testing.T, src connectors.Source, tables []connectors.Table) map[string][]string {
	var queries []connectors.Query
	found := map[string][]string{}
	for _, table := range tables {
		queries = append(queries, connectors.Query{Table: table.Name})
		found[table.Name] = nil
	}
	for b, err := range src.Scan(t.Context(), queries...) {
		require.NoError(t, err)
		for r := range int(b.Rows.NumRows()) {
			var row strings.Builder
			for c := range int(b.Rows.NumCols()) {
				col := b.Rows.Column(c).(*array.Binary)
				if col.IsNull(r) {
					fmt.Fprintf(&row, "%s=NULL ", b.Rows.ColumnName(c))
				} else {
					fmt.Fprintf(&row, "%s=%q ", b.Rows.ColumnName(c), col.Value(r))
				}
			}
			found[b.Table] = append(found[b.Table], row.String())
		}
	}
	for _, rows := range found {
		slices.Sort(rows)
	}
	return found
}

func live(t *testing.T, db *servers.Database) (connectors.Source, []connectors.Table) {
	src, err := mysql.Connector.Open(t.Context(), connectors.Options{Name: "live", DSN: db.DSN()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, src.Close()) })
	tables, err := src.Tables(t.Context())
	require.NoError(t, err)
	return src, tables
}

func TestServerDumps(t *testing.T) {
	db := servers.MariaDB(t).Database(t)
	db.Exec(t, typesSQL)
	source, catalog := live(t, db)
	want := contents(t, source, catalog)

	for _, tc := range []struct {
		args      string
		unchecked bool // made without a trailer
		noTables  bool // made without CREATE TABLE
		plainer   bool // CREATE TABLE without what only MySQL knows
	}{
		{args: ""},
		{args: "--skip-extended-insert"},
		{args: "--complete-insert"},
		{args: "--hex-blob"},
		{args: "--replace"},
		{args: "--insert-ignore"},
		{args: "--no-create-info", noTables: true},
		{args: "--no-create-info --complete-insert --hex-blob --skip-extended-insert", noTables: true},
		{args: "--compact", unchecked: true},
		{args: "--compact --no-create-info", unchecked: true, noTables: true},
		{args: "--skip-comments", unchecked: true},
		{args: "--skip-opt", plainer: true},
		{args: "--skip-quote-names --ignore-table=" + db.Name + ".odd`tab --tables types keyless empty_one many"},
		{args: "--order-by-primary --single-transaction --routines --events --triggers"},
		{args: "--default-character-set=latin1 --tables many keyless"},
		{args: "--databases"},
		{args: "--add-drop-table --add-locks --no-autocommit --dump-date --tz-utc --hex-blob --flush-privileges"},
	} {
		t.Run(tc.args, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "dump.sql")
			require.NoError(t, os.WriteFile(path, db.Dump(t, strings.Fields(tc.args)...), 0o600))
			o := connectors.Options{Name: "dump", DSN: path, Unchecked: tc.unchecked, Rewrite: true}
			if tc.noTables {
				src, err := mysqldump.Open(t.Context(), o)
				require.NoError(t, err)
				_, err = src.Tables(t.Context())
				require.ErrorIs(t, err, connectors.ErrConfig)
				require.ErrorContains(t, err, "`schema:`")
				require.ErrorContains(t, err, "`of:`")
				o.Catalog = catalog
			}
			if tc.unchecked {
				unchecked := o
				unchecked.Unchecked = false
				src, err := mysqldump.Open(t.Context(), unchecked)
				require.NoError(t, err)
				_, err = src.Tables(t.Context())
				if !tc.noTables {
					require.ErrorIs(t, err, connectors.ErrDamaged)
				}
			}
			src, err := mysqldump.Open(t.Context(), o)
			require.NoError(t, err)
			tables, err := src.Tables(t.Context())
			require.NoError(t, err)
			require.NotEmpty(t, tables)
			if strings.Contains(tc.args, "--compact") { // which leaves out what says that the session is in UTC
				for i := range tables {
					for f := range tables[i].Fields {
						tables[i].Fields[f].Zoned = catalog[i].Fields[f].Zoned
					}
				}
			}
			if tc.plainer {
				for i := range tables {
					for f := range tables[i].Fields {
						tables[i].Fields[f].AutoUpdate = catalog[i].Fields[f].AutoUpdate
					}
				}
			}
			requireSameCatalog(t, catalog, tables, !strings.Contains(tc.args, "--tables") && !tc.noTables)
			got := contents(t, src, tables)
			for _, table := range tables {
				require.Equal(t, want[table.Name], got[table.Name], table.Name)
			}
		})
	}
}

// requireSameCatalog compares what a live source and its dump say of the tables.
func requireSameCatalog(t *testing.T, want, got []connectors.Table, all bool) {
	names := func(tables []connectors.Table) (list []string) {
		for _, table := range tables {
			list = append(list, table.Name)
		}
		return list
	}
	if all {
		require.Equal(t, names(want), names(got))
	}
	for _, g := range got {
		i := slices.Index(names(want), g.Name)
		require.NotEqual(t, -1, i, g.Name)
		w := want[i]
		require.Equal(t, w.Fields, g.Fields, g.Name)
		require.Equal(t, w.Key, g.Key)
		require.ElementsMatch(t, w.Unique, g.Unique)
		require.ElementsMatch(t, w.ForeignKeys, g.ForeignKeys)
	}
}

// TestRestore changes a dump, loads it and finds what the dump said.
func TestRestore(t *testing.T) {
	server := servers.MariaDB(t)
	db := server.Database(t)
	db.Exec(t, typesSQL)
	for _, args := range []string{"", "--skip-extended-insert", "--complete-insert", "--hex-blob",
		"--routines --events"} {
		t.Run(args, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "dump.sql")
			require.NoError(t, os.WriteFile(path, db.Dump(t, strings.Fields(args)...), 0o600))
			src, err := mysqldump.Open(t.Context(), connectors.Options{Name: "dump", DSN: path, Rewrite: true})
			require.NoError(t, err)
			tables, err := src.Tables(t.Context())
			require.NoError(t, err)
			before := contents(t, src, tables)
			queries := []connectors.Query{{Table: "types", Fields: []string{"id", "v", "bytes", "bits", "long_text",
				"price", "u"}, MaxRows: 2}, {Table: "many", Fields: []string{"id"}},
				{Table: "keyless", Fields: []string{"a"}}}
			report, err := src.(connectors.Rewriter).Rewrite(t.Context(), queries,
				func(b connectors.Batch) (connectors.Edit, error) {
					n := int(b.Rows.NumRows())
					edit := connectors.Edit{Ops: make([]connectors.Op, n)}
					if b.Table == "keyless" {
						for i := range n {
							edit.Ops[i] = connectors.Delete
						}
						return edit, nil
					}
					if b.Table == "many" {
						for i := range n {
							if i%3 != 0 {
								edit.Ops[i] = connectors.Delete
							}
						}
						return edit, nil
					}
					for i := range n {
						edit.Ops[i] = connectors.Update
					}
					rows := slices.Repeat([]bool{true}, n)
					for field, value := range map[string]string{"v": "new 'v' \\ \"x\" \n\x00😀",
						"bytes": "\x00\xff'\\\"", "bits": "000000011", "long_text": "", "price": "-1.250"} {
						var c connectors.Column
						for range n {
							c.Append([]byte(value))
						}
						edit.Set = append(edit.Set, connectors.Assignment{Field: field, Rows: rows, Values: c.Array()})
					}
					var u connectors.Column
					for range n {
						u.AppendNull()
					}
					edit.Set = append(edit.Set, connectors.Assignment{Field: "u", Rows: rows, Values: u.Array()})
					return edit, nil
				}, func(connectors.Source) error { return nil })
			require.NoError(t, err)
			require.Equal(t, []connectors.RewriteCount{{Table: "keyless", Read: 3, Deleted: 3},
				{Table: "many", Read: 3000, Left: 1000, Deleted: 2000}, {Table: "types", Read: 4, Updated: 4}},
				report.Tables)
			after := contents(t, src, tables)
			require.Empty(t, after["keyless"])
			require.Len(t, after["many"], 1000)

			restored := server.Database(t)
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			restored.Exec(t, string(text))
			source, catalog := live(t, restored)
			found := contents(t, source, catalog)
			for _, name := range []string{"child", "empty_one", "odd `tab.le"} {
				require.Equal(t, before[name], found[name], name)
			}
			require.Equal(t, after["many"], found["many"])
			for _, row := range found["types"] {
				require.Contains(t, row, `v="new 'v' \\ \"x\" \n\x00😀"`)
				require.Contains(t, row, `shout="NEW 'V' \\ \"X\" \n\x00😀"`, "a generated field follows its base")
				require.Contains(t, row, `bytes="\x00\xff'\\\""`)
				require.Contains(t, row, `bits="000000011"`)
				require.Contains(t, row, `price="-1.250"`)
				require.Contains(t, row, `u=NULL`)
			}
		})
	}
}
