package mysqldump_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/connectortest"
)

const twoDatabases = "CREATE DATABASE /*!32312 IF NOT EXISTS*/ `crm`;\nUSE `crm`;\n" + createT +
	"CREATE TABLE c (id int PRIMARY KEY, t int, FOREIGN KEY (t) REFERENCES t (id), FOREIGN KEY (id) REFERENCES " +
	"`shop`.`t` (id));\nINSERT INTO `t` VALUES (1,'a'),(2,'b');\nCREATE DATABASE `shop`;\nUSE `shop`;\n" + createT +
	"INSERT INTO `t` VALUES (1,'c');\nUSE `mysql`;\nCREATE TABLE user (a int);\n"

// TestDatabases tells the database that a dump is the backup of from others in the same file.
func TestDatabases(t *testing.T) {
	path := connectortest.WriteFile(t, "x.sql", []byte(twoDatabases+trailer))
	said := map[string]string{"database": "crm"}
	for name, tc := range map[string]struct {
		o    connectors.Options
		want []string
	}{
		"of crm":            {connectors.Options{Of: "live", Database: "crm"}, []string{"c", "shop.t", "t"}},
		"of shop":           {connectors.Options{Of: "live", Database: "shop"}, []string{"crm.c", "crm.t", "t"}},
		"said by an option": {connectors.Options{Of: "live", Extra: said}, []string{"c", "shop.t", "t"}},
		"the option is stronger": {connectors.Options{Of: "live", Database: "old", Extra: said},
			[]string{"c", "shop.t", "t"}},
		"of nobody": {connectors.Options{}, []string{"crm.c", "crm.t", "shop.t"}},
	} {
		t.Run(name, func(t *testing.T) {
			src := open(t, path, tc.o)
			tables, err := src.Tables(t.Context())
			require.NoError(t, err)
			var names []string
			for _, table := range tables {
				names = append(names, table.Name)
			}
			require.Equal(t, tc.want, names)
			if name == "of crm" {
				require.Equal(t, "crm", tables[2].Database)
				require.Equal(t, "t", tables[0].ForeignKeys[0].RefTable)
				require.Equal(t, "shop.t", tables[0].ForeignKeys[1].RefTable)
			}
		})
	}
	_, err := rewrite(t, path, connectors.Options{Of: "live", Database: "shop"}, change{"1": "-"},
		connectors.Query{Table: "t"})
	require.NoError(t, err)
	src := open(t, path, connectors.Options{})
	rows, err := connectortest.Read(t, src, connectors.Query{Table: "crm.t"})
	require.NoError(t, err)
	require.Equal(t, []string{"1|a", "2|b"}, rows, "the table of the same name in another database is as it was")
	rows, err = connectortest.Read(t, src, connectors.Query{Table: "shop.t"})
	require.NoError(t, err)
	require.Empty(t, rows)
}

func TestDatabasesRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		o    connectors.Options
		want string
	}{
		"the live source does not say": {twoDatabases, connectors.Options{Of: "live"},
			"the file holds the databases crm, shop: which of them"},
		"another": {twoDatabases, connectors.Options{Of: "live", Database: "hr"},
			"the file holds the databases crm, shop, and not database hr"},
		"one other": {"USE `shop`;\n" + createT, connectors.Options{Of: "live", Database: "crm"},
			"the file holds database shop, and not database crm"},
		"by an option": {createT + "USE `shop`;\n" + createT,
			connectors.Options{Extra: map[string]string{"database": "crm"}}, "not database crm"},
	} {
		t.Run(name, func(t *testing.T) {
			tc.o.Name = "old"
			_, err := open(t, connectortest.WriteFile(t, "x.sql", []byte(tc.text+trailer)), tc.o).Tables(t.Context())
			require.ErrorIs(t, err, connectors.ErrConfig)
			require.ErrorContains(t, err, "catalog old: ")
			require.ErrorContains(t, err, tc.want)
			require.ErrorContains(t, err, "options: {database: NAME}")
		})
	}
	_, err := open(t, connectortest.WriteFile(t, "x.sql", []byte(createT+"USE `shop`;\n"+createT+trailer)),
		connectors.Options{}).Tables(t.Context())
	require.ErrorContains(t, err, "two tables are called t")
	tables, err := open(t, connectortest.WriteFile(t, "x.sql", []byte(createT+trailer)),
		connectors.Options{Of: "live", Database: "crm"}).Tables(t.Context())
	require.NoError(t, err, "a file that names no database stands for one")
	require.Len(t, tables, 1)
}

// TestDatabasesWithoutCreate has the catalog of the live source, which knows nothing of other databases: their
// tables are named, and their rows refused.
func TestDatabasesWithoutCreate(t *testing.T) {
	catalog, err := open(t, connectortest.WriteFile(t, "schema.sql", []byte(createT+trailer)),
		connectors.Options{}).Tables(t.Context())
	require.NoError(t, err)
	path := connectortest.WriteFile(t, "x.sql", []byte("USE `crm`;\nINSERT INTO t VALUES (1,'a');\nUSE `shop`;\n"+
		"INSERT INTO t VALUES (1,'c',NULL);\nINSERT INTO v VALUES (1);\n"+trailer))
	src := open(t, path, connectors.Options{Of: "live", Database: "crm", Catalog: catalog})
	tables, err := src.Tables(t.Context())
	require.NoError(t, err)
	require.Len(t, tables, 3)
	for _, name := range []string{"shop.t", "shop.v"} {
		_, err = connectortest.Read(t, src, connectors.Query{Table: name})
		require.ErrorIs(t, err, connectors.ErrConfig)
		require.NotErrorIs(t, err, connectors.ErrDamaged)
		require.ErrorContains(t, err, "table "+name)
	}
	rows, err := connectortest.Read(t, src, connectors.Query{Table: "t"})
	require.NoError(t, err)
	require.Equal(t, []string{"1|a"}, rows)
}

// TestNoRowLeft rewrites a dump without CREATE TABLE in which nothing is left of a table: those who verify the
// new file ask for it all the same, and so does the next night.
func TestNoRowLeft(t *testing.T) {
	schema := createT + "CREATE TABLE u (id int PRIMARY KEY);\nCREATE TABLE never (id int PRIMARY KEY);\n" + trailer
	catalog, err := open(t, connectortest.WriteFile(t, "schema.sql", []byte(schema)), connectors.Options{}).
		Tables(t.Context())
	require.NoError(t, err)
	path := connectortest.WriteFile(t, "x.sql",
		[]byte("INSERT INTO `t` VALUES (1,'a');\nINSERT INTO `u` VALUES (1),(2);\n"+trailer))
	o := connectors.Options{Rewrite: true, Catalog: catalog}
	queries := []connectors.Query{{Table: "t"}, {Table: "u"}}
	_, err = open(t, path, o).(connectors.Rewriter).Rewrite(t.Context(), queries, change{"1": "-"}.edit,
		func(written connectors.Source) error {
			for _, err := range written.Scan(t.Context(), queries...) {
				require.NoError(t, err)
			}
			rows, err := connectortest.Read(t, written, queries[1])
			require.Equal(t, []string{"2"}, rows)
			return err
		})
	require.NoError(t, err)
	requireOnly(t, path, "INSERT INTO `u` VALUES (2);\n"+trailer)
	src := open(t, path, o)
	tables, err := src.Tables(t.Context())
	require.NoError(t, err)
	require.Len(t, tables, 3)
	for _, name := range []string{"t", "never"} {
		rows, err := connectortest.Read(t, src, connectors.Query{Table: name})
		require.NoError(t, err)
		require.Empty(t, rows)
	}

	path = connectortest.WriteFile(t, "y.sql",
		[]byte("CREATE TABLE k (id int PRIMARY KEY);\nINSERT INTO `t` VALUES (1,'a');\n"+trailer))
	_, err = open(t, path, o).(connectors.Rewriter).Rewrite(t.Context(), queries[:1], change{"1": "-"}.edit,
		func(written connectors.Source) error {
			rows, err := connectortest.Read(t, written, queries[0])
			require.Empty(t, rows)
			return err
		})
	require.NoError(t, err)
}
