package mysqldump_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/connectortest"
	"lethe/connectors/mysqldump"
)

// export is one of the files in testdata, which have the shapes of what the tools write.
func export(t *testing.T, file string) string {
	text, err := os.ReadFile(filepath.Join("testdata", "exports", file))
	require.NoError(t, err)
	return string(text)
}

// TestExports reads and rewrites the exports of other tools than mysqldump.
func TestExports(t *testing.T) {
	for name, tc := range map[string]struct {
		file    string
		tables  []string
		row     string // the first, as it stands in the file, with what separates it from the next
		ends    string // where the proof begins that the file is whole
		missing string // what the refusal of a cut file says
	}{
		"phpMyAdmin": {"phpmyadmin.sql", []string{"members", "orders"}, "(1, 'ada@example.org', '2024-01-02 03:04:05', " +
			"NULL),\n", "COMMIT;", "export of phpMyAdmin"},
		"HeidiSQL": {"heidisql.sql", []string{"members"}, "(1, 'ada@example.org'),\n\t", "/*!40101 SET SQL_MODE=IFNULL",
			"export of HeidiSQL"},
		"Navicat": {"navicat.sql", []string{"members"}, "INSERT INTO `members` VALUES (1, 'ada@example.org');\n",
			"SET FOREIGN_KEY_CHECKS = 1", "export of Navicat"},
		"Sequel Ace": {"sequelace.sql", []string{"members"}, "(1,'ada@example.org'),\n\t", "/*!40111 SET SQL_NOTES=@OLD",
			"export of Sequel Pro"},
		"SQLyog":  {"sqlyog.sql", []string{"members"}, "(1,'ada@example.org'),\n", "/*!40101 SET SQL_MODE=@OLD", "export of SQLyog"},
		"Adminer": {"adminer.sql", []string{"members"}, "(1,\t'ada@example.org'),\n", "-- 2022-06-20", "export of Adminer"},
	} {
		t.Run(name, func(t *testing.T) {
			whole := export(t, tc.file)
			path := connectortest.WriteFile(t, "x.sql", []byte(whole))
			tables, err := open(t, path, connectors.Options{}).Tables(t.Context())
			require.NoError(t, err)
			var names []string
			for _, table := range tables {
				names = append(names, table.Name)
			}
			require.Equal(t, tc.tables, names)
			require.Equal(t, []string{"id"}, tables[0].Key)
			require.EqualValues(t, 2, tables[0].Rows)
			q := connectors.Query{Table: "members", Fields: []string{"id", "email"}}
			rows, err := connectortest.Read(t, open(t, path, connectors.Options{}), q)
			require.NoError(t, err)
			require.Equal(t, []string{"1|ada@example.org", "2|it's 'b', (x)@example.org"}, rows)

			_, err = rewrite(t, path, connectors.Options{}, change{"1": "-", "2": "email=b@example.org"},
				connectors.Query{Table: "members"})
			require.NoError(t, err)
			text := strings.Replace(whole, tc.row, "", 1)
			for _, old := range []string{`'it''s \'b\', (x)@example.org'`, `'it\'s \'b\', (x)@example.org'`} {
				text = strings.Replace(text, old, "'b@example.org'", 1)
			}
			requireOnly(t, path, text)
			_, err = rewrite(t, path, connectors.Options{}, change{"2": "-"}, connectors.Query{Table: "members"})
			require.NoError(t, err)
			rows, err = connectortest.Read(t, open(t, path, connectors.Options{}), q)
			require.NoError(t, err)
			require.Empty(t, rows)

			cut := strings.Index(whole, tc.ends)
			require.NoError(t, os.WriteFile(path, []byte(whole[:cut]), 0o600))
			_, err = open(t, path, connectors.Options{}).Tables(t.Context())
			require.ErrorIs(t, err, connectors.ErrDamaged)
			require.ErrorContains(t, err, tc.missing)
			require.ErrorContains(t, err, "complete: unchecked")
			connectortest.RequireCut(t, mysqldump.Connector, "x.sql", []byte(whole), tc.ends)
		})
	}
}

// TestAddedKeys finds in a table what ALTER TABLE says of it behind its rows.
func TestAddedKeys(t *testing.T) {
	tables, err := open(t, connectortest.WriteFile(t, "x.sql", []byte(export(t, "phpmyadmin.sql"))), connectors.Options{}).
		Tables(t.Context())
	require.NoError(t, err)
	members, orders := tables[0], tables[1]
	require.Equal(t, [][]string{{"email"}}, members.Unique)
	require.Equal(t, connectors.Field{Name: "id", Type: "int(11)", Kind: connectors.Integer}, members.Fields[0])
	require.Equal(t, connectors.JSON, members.Fields[3].Kind)
	require.Equal(t, []string{"no"}, orders.Key)
	require.Equal(t, []connectors.ForeignKey{{Name: "orders_ibfk_1", Fields: []string{"member"}, RefTable: "members",
		RefFields: []string{"id"}, OnDelete: "CASCADE", OnUpdate: "NO ACTION"}}, orders.ForeignKeys)
}

// TestOneTable refuses a table of which the file says what is not followed, names it, and reads the others.
func TestOneTable(t *testing.T) {
	const other = "CREATE TABLE u (id int PRIMARY KEY);\nINSERT INTO u VALUES (3);\n"
	for name, tc := range map[string]struct{ text, want string }{
		"update":                      {createT + "UPDATE t SET v=1;", "line 6: UPDATE"},
		"delete from several":         {createT + "DELETE a FROM x.`t` AS a;", "line 6: DELETE"},
		"truncate":                    {createT + "INSERT INTO t VALUES (1,'a');\nTRUNCATE t;", "line 7: TRUNCATE"},
		"delete with a condition":     {createT + "DELETE FROM t WHERE id=1;", "line 6: DELETE"},
		"insert select":               {createT + "INSERT INTO t SELECT 1, 2;", "line 6: INSERT without VALUES"},
		"insert set":                  {createT + "INSERT INTO t SET id=1;", "line 6: INSERT"},
		"load data":                   {createT + "LOAD DATA LOCAL INFILE 'x' INTO TABLE `t`;", "line 6: LOAD"},
		"insert in a special comment": {createT + "/*!50000 INSERT INTO t VALUES (1,'a') */;", "line 6: INSERT"},
		"insert in a delimiter block": {createT + "DELIMITER $$\nINSERT INTO t VALUES (1,'a')$$\nDELIMITER ;\n",
			"line 7: INSERT"},
		"a column more":      {createT + "ALTER TABLE t ADD COLUMN x int;", "line 6: ALTER"},
		"a column elsewhere": {createT + "ALTER TABLE t MODIFY v varchar(50) FIRST;", "line 6: ALTER"},
		"another type":       {createT + "ALTER TABLE t MODIFY v blob;", "line 6: ALTER"},
		"a column less":      {createT + "ALTER TABLE t ADD KEY (v), DROP COLUMN v;", "line 6: ALTER"},
		"rename":             {createT + "RENAME TABLE t TO x;", "line 6: RENAME"},
		"a broken CREATE":    {"CREATE TABLE t (a int,);", "line 1: create table t: a name expected"},
		"a CREATE cut short": {"CREATE TABLE t (a int;", "line 1: create table t: a closing parenthesis"},
		"no such period": {"CREATE TABLE t (a int, UNIQUE KEY (a, p WITHOUT OVERLAPS));",
			"line 1: create table t: a period"},
	} {
		t.Run(name, func(t *testing.T) {
			path := connectortest.WriteFile(t, "x.sql", []byte(tc.text+"\n"+other+trailer))
			src := open(t, path, connectors.Options{Name: "old"})
			tables, err := src.Tables(t.Context())
			require.NoError(t, err)
			require.Len(t, tables, 2)
			_, err = connectortest.Read(t, src, connectors.Query{Table: "t"})
			require.ErrorIs(t, err, errors.ErrUnsupported)
			require.NotErrorIs(t, err, connectors.ErrDamaged)
			require.ErrorContains(t, err, "scan old table t: "+tc.want[:7])
			require.ErrorContains(t, err, tc.want)
			require.ErrorContains(t, err, "`skip:`")
			rows, err := connectortest.Read(t, src, connectors.Query{Table: "u"})
			require.NoError(t, err)
			require.Equal(t, []string{"3"}, rows)
			_, err = rewrite(t, path, connectors.Options{}, change{"3": "-"}, connectors.Query{Table: "u"})
			require.NoError(t, err)
		})
	}
}
