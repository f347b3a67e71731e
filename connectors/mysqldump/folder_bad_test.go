package mysqldump_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/connectortest"
	"lethe/connectors/internal/anew"
	"lethe/connectors/mysqldump"
)

// smallFolder makes a folder of a table t of two rows, a and b, and one of u.
func smallFolder(t testing.TB, form string) string {
	path := filepath.Join(t.TempDir(), "dump")
	require.NoError(t, os.Mkdir(path, 0o700))
	create := func(name string) string {
		return "CREATE TABLE `" + name + "` (`id` int NOT NULL, `v` varchar(100), PRIMARY KEY (`id`));\n"
	}
	files := map[string]string{}
	switch form {
	case "tab":
		for name, rows := range map[string]string{"t": "1\ta\n2\tb\n", "u": "1\tc\n"} {
			files[name+".sql"], files[name+".txt"] = header+create(name)+"-- Dump completed\n", rows
		}
	case "mydumper":
		files = map[string]string{
			"crm-schema-create.sql": "CREATE DATABASE `crm`;\n", "crm.t-schema.sql": mydumperHeader + create("t"),
			"crm.u-schema.sql": mydumperHeader + create("u"), "crm.t.00000.sql": mydumperHeader +
				"INSERT INTO `t` VALUES\n(1,\"a\");\n", "crm.t.00001.sql": mydumperHeader +
				"INSERT INTO `t` VALUES\n(2,\"b\");\n", "crm.u.sql": mydumperHeader + "INSERT INTO `u` VALUES\n(1,\"c\");\n",
			"metadata": "# Started dump at: 2026-01-01 00:00:00\n\n[`crm`.`t`]\nreal_table_name=t\nrows = 2\n" +
				"data_checksum = 77\n\n[`crm`.`u`]\nreal_table_name=u\nrows = 1\ndata_checksum = 78\n" +
				"# Finished dump at: 2026-01-01 00:00:01\n"}
	case "mydumper load":
		loads := mydumperHeader + "LOAD DATA LOCAL INFILE 'crm.t.00000.dat' INTO TABLE `t` CHARACTER SET binary FIELDS " +
			"TERMINATED BY ',' ENCLOSED BY '\"' ESCAPED BY '\\\\' LINES TERMINATED BY '\\n' (`id`,@v) SET `v`=UNHEX(@v);\n"
		files = map[string]string{"crm-schema-create.sql": "CREATE DATABASE `crm`;\n",
			"crm.t-schema.sql": mydumperHeader + create("t"), "crm.u-schema.sql": mydumperHeader + create("u"),
			"crm.s-schema.sql": "CREATE TABLE `s` (`next_not_cached_value` bigint(21) NOT NULL) ENGINE=InnoDB SEQUENCE=1;\n",
			"crm.s.00000.dat":  "1\n", "crm.s.00000.sql": "LOAD DATA LOCAL INFILE 'crm.s.00000.dat' INTO TABLE `s`;\n",
			"crm.t.00000.sql": loads, "crm.t.00000.dat": "1,61\n2,62\n", "crm.t-metadata": "2", "crm.t-checksum": "77",
			"crm.u-checksum": "78", "crm.u.sql": mydumperHeader + "INSERT INTO `u` VALUES\n(1,\"c\");\n",
			"metadata": "Started dump at: 2026-01-01 00:00:00\nFinished dump at: 2026-01-01 00:00:01\n"}
	}
	for name, content := range files {
		require.NoError(t, os.WriteFile(filepath.Join(path, name), []byte(content), 0o600))
	}
	return path
}

var forms = []string{"tab", "mydumper", "mydumper load"}

// deleteA deletes the row 1 of t.
func deleteA(t testing.TB, src connectors.Source) error {
	_, err := src.(connectors.Rewriter).Rewrite(t.Context(), []connectors.Query{{Table: "t", Fields: []string{"id", "v"}}},
		change{"1": "-"}.edit, func(written connectors.Source) error {
			rows, err := connectortest.Read(t, written, connectors.Query{Table: "t", Fields: []string{"v"}})
			require.Equal(t, []string{"b"}, rows)
			return err
		})
	return err
}

// TestFolderKeepsStatementsTrue holds what mydumper says of its tables.
func TestFolderKeepsStatementsTrue(t *testing.T) {
	path := smallFolder(t, "mydumper")
	require.NoError(t, deleteA(t, open(t, path, connectors.Options{Rewrite: true})))
	now := hashes(t, path)
	require.Equal(t, "# Started dump at: 2026-01-01 00:00:00\n\n[`crm`.`t`]\nreal_table_name=t\nrows = 1\n\n"+
		"[`crm`.`u`]\nreal_table_name=u\nrows = 1\ndata_checksum = 78\n# Finished dump at: 2026-01-01 00:00:01\n",
		now["metadata"])
	require.Equal(t, mydumperHeader, now["crm.t.00000.sql"], "a statement without rows goes")
	require.Contains(t, now["crm.t.00001.sql"], `(2,"b")`)

	path = smallFolder(t, "mydumper load")
	require.NoError(t, deleteA(t, open(t, path, connectors.Options{Rewrite: true})))
	now = hashes(t, path)
	require.Equal(t, "1", now["crm.t-metadata"])
	require.NotContains(t, now, "crm.t-checksum")
	require.Equal(t, "78", now["crm.u-checksum"])
	src := open(t, path, connectors.Options{})
	_, err := src.Tables(t.Context())
	require.NoError(t, err)
	require.Equal(t, connectors.Made{At: time.Date(2026, 1, 1, 0, 0, 1, 0, time.UTC), Civil: true}, src.(connectors.Dated).Made())
	require.Equal(t, "2,62\n", now["crm.t.00000.dat"])
}

// Where mydumper says no numbers of rows, a file that is left out between others is named, as nobody knows what was in it.
func TestFolderNamesGaps(t *testing.T) {
	path := smallFolder(t, "mydumper")
	require.NoError(t, os.Rename(filepath.Join(path, "crm.t.00001.sql"), filepath.Join(path, "crm.t.00003.sql")))
	_, err := open(t, path, connectors.Options{}).Tables(t.Context())
	require.NoError(t, err, "the rows are said, and there")
	unread := func(src connectors.Source) []connectors.Unread {
		list, err := src.(connectors.Partial).Unread(t.Context())
		require.NoError(t, err)
		return list
	}
	require.Empty(t, unread(open(t, path, connectors.Options{})))
	require.NoError(t, os.WriteFile(filepath.Join(path, "metadata"),
		[]byte("Started dump at: 2026-01-01 00:00:00\nFinished dump at: 2026-01-01 00:00:01\n"), 0o600))
	src := open(t, path, connectors.Options{Rewrite: true})
	want := []connectors.Unread{{Name: "crm.t.00001.sql", Unknown: true, Reason: "no file of crm.t is of the numbers 1 to 2: " +
		"they are of rows that are not there, or were lost, which mydumper does not say before 0.10.7"}}
	require.Equal(t, want, unread(src))
	tables, err := src.Tables(t.Context())
	require.NoError(t, err)
	require.Len(t, tables, 2)
	require.NoError(t, deleteA(t, src))
	require.Equal(t, want, unread(open(t, path, connectors.Options{})))
}

// TestFolderRefuses spoils folders: each is refused, with words, and left as it is.
func TestFolderRefuses(t *testing.T) {
	write := func(name, content string) func(path string) error {
		return func(path string) error { return os.WriteFile(filepath.Join(path, name), []byte(content), 0o600) }
	}
	remove := func(name string) func(path string) error {
		return func(path string) error { return os.Remove(filepath.Join(path, name)) }
	}
	link := func(path string) error {
		outside := path + "-outside"
		return errors.Join(os.Rename(filepath.Join(path, "metadata"), outside), os.Symlink(outside, filepath.Join(path, "metadata")))
	}
	for _, tc := range []struct {
		form, name string
		spoil      func(path string) error
		says       string
		is         error
		unchecked  bool // it is read where nobody asks for its end
	}{
		{"tab", "cut within a row", write("t.txt", "1\ta\n2\tb"), "ends within a row", connectors.ErrDamaged, false},
		{"tab", "cut behind a field", write("t.txt", "1\ta\n2\n"), "1 values instead of 2", connectors.ErrDamaged, false},
		{"tab", "other signs", write("t.txt", "1,a\n2,b\n"), "fields_terminated_by", connectors.ErrDamaged, false},
		{"tab", "a schema cut", write("t.sql", header+"CREATE TABLE t (id int"), "t.sql", connectors.ErrDamaged, false},
		{"tab", "no end", write("t.sql", header+"CREATE TABLE t (id int, v text);\n"), "Dump completed", connectors.ErrDamaged, true},
		{"tab", "of another database", write("x.sql", strings.Replace(header, "suite", "other", 1)), "another host or database",
			connectors.ErrDamaged, false},
		{"tab", "not of mysqldump", write("x.sql", "CREATE TABLE x (a int);\n"), "mysqldump did not write it",
			connectors.ErrDamaged, false},
		{"tab", "rows of no table", write("x.txt", "1\n"), "x.txt is no file of this dump", connectors.ErrDamaged, false},
		{"tab", "a stranger", write("notes.doc", "1\n"), "notes.doc is no file of this dump", connectors.ErrDamaged, false},
		{"mydumper", "a missing chunk", remove("crm.t.00000.sql"), "has 2 rows, and its files hold 1", connectors.ErrDamaged, false},
		{"mydumper", "cut within a row", write("crm.t.00001.sql", mydumperHeader+"INSERT INTO `t` VALUES\n(2,\"b"), "ends within",
			connectors.ErrDamaged, false},
		{"mydumper", "cut behind a statement", write("crm.t.00001.sql", mydumperHeader), "a file is missing, or cut off",
			connectors.ErrDamaged, false},
		{"mydumper", "one chunk twice", write("crm.t.00002.sql", mydumperHeader+"INSERT INTO `t` VALUES\n(2,\"b\");\n"),
			"has 2 rows, and its files hold 3", connectors.ErrDamaged, false},
		{"mydumper", "not finished", write("metadata", "# Started dump at: 2026-01-01 00:00:00\n"), "did not finish",
			connectors.ErrDamaged, true},
		{"mydumper", "still at work", write("metadata.partial", "x"), "did not finish", connectors.ErrDamaged, true},
		{"mydumper", "a file of another", write("shop.t.00000.sql", mydumperHeader), "shop.t.00000.sql is no file of this dump",
			connectors.ErrDamaged, false},
		{"mydumper", "a file of --tab", write("t.txt", "1\ta\n"), "no statement loads it", connectors.ErrDamaged, false},
		{"mydumper", "a stranger", write("notes.doc", "1\n"), "notes.doc is no file of this dump", connectors.ErrDamaged, false},
		{"mydumper", "packed wrongly", write("crm.t.00003.sql.gz", "INSERT"), "not gzip", connectors.ErrDamaged, false},
		{"mydumper", "a pipe", func(path string) error { return syscall.Mkfifo(filepath.Join(path, "crm.t.00009.sql"), 0o600) },
			"not a regular file but a pipe", connectors.ErrConfig, false},
		{"mydumper", "a link out of it", link, "not a regular file but a symbolic link", connectors.ErrConfig, false},
		{"mydumper load", "no rows", remove("crm.t.00000.dat"), "is not in the folder", connectors.ErrDamaged, false},
		{"mydumper load", "nothing loads them", remove("crm.t.00000.sql"), "no statement loads it", connectors.ErrDamaged, false},
		{"mydumper load", "no octets", write("crm.t.00000.dat", "1,61\n2,6\n"), "cannot be read", connectors.ErrDamaged, false},
		{"mydumper load", "no number", write("crm.t.00000.dat", "1,61\nx,62\n"), "no number", connectors.ErrDamaged, false},
		{"mydumper load", "too few", write("crm.t.00000.dat", "1,61\n"), "crm.t-metadata says", connectors.ErrDamaged, false},
		{"mydumper load", "computed", write("crm.t.00000.sql", "LOAD DATA LOCAL INFILE 'crm.t.00000.dat' INTO TABLE t (id, @v) SET "+
			"v = REVERSE(@v);\n"), "not followed", errors.ErrUnsupported, false},
	} {
		t.Run(tc.form+"/"+tc.name, func(t *testing.T) {
			path := smallFolder(t, tc.form)
			require.NoError(t, tc.spoil(path))
			before, err := os.ReadDir(path)
			require.NoError(t, err)
			require.True(t, mysqldump.Connector.Fits(path), "it is known")
			read := func(unchecked bool) error {
				src, err := mysqldump.Open(t.Context(), connectors.Options{DSN: path, Rewrite: true, Unchecked: unchecked})
				if err != nil {
					return err
				}
				return deleteA(t, src)
			}
			err = read(false)
			require.ErrorIs(t, err, tc.is)
			require.ErrorContains(t, err, tc.says)
			require.NotContains(t, err.Error(), "\"b")
			after, err := os.ReadDir(path)
			require.NoError(t, err)
			require.Equal(t, fmt.Sprint(before), fmt.Sprint(after))
			left, err := filepath.Glob(connectors.TemporaryPattern(filepath.Dir(path)))
			require.NoError(t, err)
			require.Empty(t, left)
			if tc.unchecked {
				require.NoError(t, read(true))
			}
		})
	}
}

// TestFolderCut cuts each file of each form at every byte: a shorter file of rows is never read as the whole one.
func TestFolderCut(t *testing.T) {
	for _, form := range forms {
		path := smallFolder(t, form)
		whole := readAll(t, path)
		for name, content := range hashes(t, path) {
			if name == "metadata" || strings.HasSuffix(name, "-checksum") || strings.HasSuffix(name, "-metadata") {
				continue
			}
			for n := range len(content) {
				require.NoError(t, os.WriteFile(filepath.Join(path, name), []byte(content[:n]), 0o600))
				src, err := mysqldump.Open(t.Context(), connectors.Options{DSN: path})
				if err != nil {
					continue
				}
				tables, err := src.Tables(t.Context())
				if err != nil {
					continue
				}
				// What ends behind a whole row, or statement, and nothing counts, cannot be told from a smaller table.
				if counted := form == "mydumper" || strings.HasPrefix(name, "crm.t."); counted {
					require.Equal(t, whole, readTables(t, src, tables), "%s %s cut at %d", form, name, n)
				}
			}
			require.NoError(t, os.WriteFile(filepath.Join(path, name), []byte(content), 0o600))
		}
	}
}

func readAll(t testing.TB, path string) map[string][]string {
	src := open(t, path, connectors.Options{})
	tables, err := src.Tables(t.Context())
	require.NoError(t, err)
	return readTables(t, src, tables)
}

func readTables(t testing.TB, src connectors.Source, tables []connectors.Table) map[string][]string {
	found := map[string][]string{}
	for _, table := range tables {
		rows, err := connectortest.Read(t, src, connectors.Query{Table: table.Name, Fields: []string{table.Fields[len(table.Fields)-1].Name}})
		require.NoError(t, err)
		found[table.Name] = rows
	}
	return found
}

// TestFolderInterrupt ends the rewrite of a folder at each of its points, with an error and by SIGKILL.
func TestFolderInterrupt(t *testing.T) {
	for _, form := range forms {
		for i, point := range anew.Points {
			t.Run(form+"/"+string(point), func(t *testing.T) {
				path := smallFolder(t, form)
				before := hashes(t, path)
				cmd := exec.Command(os.Args[0], "-test.run=^TestHelper$")
				cmd.Env = append(os.Environ(), "LETHE_TEST_HELPER="+path, "LETHE_TEST_POINT="+string(point))
				out, err := cmd.CombinedOutput()
				var exit *exec.ExitError
				require.ErrorAs(t, err, &exit, "%s", out)
				require.Equal(t, syscall.SIGKILL, exit.Sys().(syscall.WaitStatus).Signal())
				if i < len(anew.Points)-1 {
					require.Equal(t, before, hashes(t, path))
				} else {
					require.Equal(t, []string{"b"}, readAll(t, path)["t"])
				}
				require.NoError(t, deleteA(t, open(t, path, connectors.Options{Rewrite: true})))
				require.Equal(t, []string{"b"}, readAll(t, path)["t"])
				entries, err := os.ReadDir(filepath.Dir(path))
				require.NoError(t, err)
				require.Len(t, entries, 1, "nothing is left beside it")
			})
		}
	}
}

// TestFolderChanges changes a folder while it is read.
func TestFolderChanges(t *testing.T) {
	for _, form := range forms {
		path := smallFolder(t, form)
		src := open(t, path, connectors.Options{})
		_, err := src.Tables(t.Context())
		require.NoError(t, err)
		var last error
		for _, err := range src.Scan(t.Context(), connectors.Query{Table: "t"}, connectors.Query{Table: "u"}) {
			last = err
			require.NoError(t, os.WriteFile(filepath.Join(path, "more.sql"), nil, 0o600))
		}
		require.ErrorIs(t, last, connectors.ErrTransient)
		require.ErrorContains(t, last, "changed while it was being read")
	}
	path := smallFolder(t, "tab")
	src := open(t, path, connectors.Options{Rewrite: true})
	_, err := src.(connectors.Rewriter).Rewrite(t.Context(), []connectors.Query{{Table: "t", Fields: []string{"id"}}},
		change{"1": "-"}.edit, func(connectors.Source) error {
			return os.WriteFile(filepath.Join(path, "t.txt"), []byte("1\ta\n2\tc\n"), 0o600)
		})
	require.ErrorIs(t, err, connectors.ErrTransient)
	require.Equal(t, "1\ta\n2\tc\n", hashes(t, path)["t.txt"])
}

// TestFolderDatabases tells databases apart by the names of files, and leaves those of the system.
func TestFolderDatabases(t *testing.T) {
	path := smallFolder(t, "mydumper")
	for name, content := range map[string]string{
		"mydumper_0-schema-create.sql": "CREATE DATABASE /*!32312 IF NOT EXISTS*/ `my.shop`;\n",
		"mydumper_0.t-schema.sql":      "CREATE TABLE `t` (id int PRIMARY KEY, v text);\n",
		"mydumper_0.t.00000.sql":       "INSERT INTO `t` VALUES (7,\"d\");\n",
		"mysql-schema-create.sql":      "CREATE DATABASE `mysql`;\n",
		"mysql.user-schema.sql":        "CREATE TABLE `user` (id int PRIMARY KEY, v text);\n",
		"mysql.user.00000.sql":         "INSERT INTO `user` VALUES (7,\"root\");\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(path, name), []byte(content), 0o600))
	}
	want := map[string][]string{"t": {"a", "b"}, "u": {"c"}, "my.shop.t": {"d"}}
	src := open(t, path, connectors.Options{Of: "live", Database: "crm", Rewrite: true})
	tables, err := src.Tables(t.Context())
	require.NoError(t, err)
	require.Equal(t, want, readTables(t, src, tables))
	before := hashes(t, path)
	require.NoError(t, deleteA(t, src))
	after := hashes(t, path)
	for name := range before {
		require.Equal(t, !slices.Contains([]string{"crm.t.00000.sql", "metadata"}, name), before[name] == after[name], name)
	}
	_, err = open(t, path, connectors.Options{Of: "live", Database: "old"}).Tables(t.Context())
	require.ErrorContains(t, err, "options: {database: NAME}")

	require.NoError(t, os.WriteFile(filepath.Join(path, "crm.t-schema-create.sql"), []byte("CREATE DATABASE `crm.t`;\n"), 0o600))
	_, err = mysqldump.Open(t.Context(), connectors.Options{DSN: path})
	require.ErrorContains(t, err, "may be of the database crm, or of crm.t")
}

// A file that names databases of others is read by the database that it is about, whoever asks.
func TestFolderQualified(t *testing.T) {
	path := smallFolder(t, "mydumper")
	for name, content := range map[string]string{
		"shop-schema-create.sql": "CREATE DATABASE `shop`;\n", "shop.t-schema.sql": "CREATE TABLE `t` (id int PRIMARY KEY, v text);\n",
		"crm.t.00001.sql": "INSERT INTO `shop`.`t` VALUES (7,\"d\");\nINSERT INTO `t` VALUES (2,\"b\");\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(path, name), []byte(content), 0o600))
	}
	src := open(t, path, connectors.Options{})
	tables, err := src.Tables(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string][]string{"crm.t": {"a", "b"}, "crm.u": {"c"}, "shop.t": {"d"}}, readTables(t, src, tables))
}

// A text in another set than the file's is known only where its bytes tell.
func TestTabCharset(t *testing.T) {
	path := smallFolder(t, "tab")
	create := header + "CREATE TABLE t (id int PRIMARY KEY, v varchar(100) CHARACTER SET latin1, w varchar(100)) DEFAULT CHARSET=" +
		"utf8mb4;\n-- Dump completed\n"
	require.NoError(t, os.WriteFile(filepath.Join(path, "t.sql"), []byte(create), 0o600))
	for name, tc := range map[string]struct{ raw, v, w string }{
		"of the field": {"1\tM\xfcller\tMüller\n", "Müller", "Müller"}, "of the file": {"1\tMüller\tMüller\n", "Müller", "Müller"},
	} {
		require.NoError(t, os.WriteFile(filepath.Join(path, "t.txt"), []byte(tc.raw), 0o600))
		src := open(t, path, connectors.Options{Rewrite: true})
		rows, err := connectortest.Read(t, src, connectors.Query{Table: "t", Fields: []string{"v", "w"}})
		require.NoError(t, err)
		require.Equal(t, []string{tc.v + "|" + tc.w}, rows, name)
		_, err = src.(connectors.Rewriter).Rewrite(t.Context(), []connectors.Query{{Table: "t", Fields: []string{"id"}}},
			change{"1": "v=Ü"}.edit, func(connectors.Source) error { return nil })
		require.ErrorIs(t, err, connectors.ErrRefused)
		require.ErrorContains(t, err, "cannot be told")
		_, err = src.(connectors.Rewriter).Rewrite(t.Context(), []connectors.Query{{Table: "t", Fields: []string{"id"}}},
			change{"1": "w=Ü"}.edit, func(connectors.Source) error { return nil })
		require.NoError(t, err)
		require.True(t, bytes.HasSuffix([]byte(hashes(t, path)["t.txt"]), []byte("\tÜ\n")))
	}
}
