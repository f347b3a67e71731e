package mysqldump_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/fixtures/servers"
)

// tried are the options of mariadb-dump that change what it writes, each with what it is given; "" stands for nothing.
// With the word `unchecked` nothing at the end of the file says that it is whole, with `catalog` it creates no tables.
var tried = map[string]string{
	"add-drop-database": "--databases --add-drop-database", "add-drop-table": "--skip-add-drop-table",
	"add-drop-trigger": "--add-drop-trigger", "add-locks": "--skip-add-locks", "allow-keywords": "--allow-keywords",
	"all-tablespaces": "--all-tablespaces", "as-of": "", "comments": "--skip-comments unchecked", "compact": "--compact unchecked",
	"compatible": "--compatible=no_table_options,no_field_options", "complete-insert": "--complete-insert",
	"create-options": "--skip-create-options", "databases": "--databases",
	"default-character-set": "--default-character-set=binary", "delayed-insert": "--delayed-insert",
	"disable-keys": "--skip-disable-keys", "dump-date": "--skip-dump-date", "dump-history": "--dump-history",
	"events": "--events", "extended-insert": "--skip-extended-insert", "flush-privileges": "--flush-privileges",
	"force": "--force", "hex-blob": "--hex-blob", "insert-ignore": "--insert-ignore",
	"lock-tables": "--skip-lock-tables", "net-buffer-length": "--net-buffer-length=4096", "no-autocommit": "--no-autocommit",
	"no-create-db": "--databases --no-create-db", "no-create-info": "--no-create-info catalog",
	"no-data-med": "--no-data-med", "no-set-names": "--no-set-names", "no-tablespaces": "--no-tablespaces",
	"opt": "--opt", "order-by-primary": "--order-by-primary", "order-by-size": "--order-by-size", "quick": "--skip-quick",
	"quote-names": "--skip-quote-names --ignore-table=DATABASE.odd.ta~ble", "replace": "--replace", "routines": "--routines",
	"set-charset": "--skip-set-charset", "single-transaction": "--single-transaction", "skip-comments": "--skip-comments unchecked",
	"skip-opt": "--skip-opt", "triggers": "--skip-triggers", "tz-utc": "--skip-tz-utc", "where": "--where=1=1",
	"result-file": "--result-file=/dev/stdout", "max-allowed-packet": "--max-allowed-packet=1M",
	"tables": "--tables people many hist empty_one", "ignore-table": "--ignore-table=DATABASE.empty_one", "verbose": "--verbose",
	"copy-s3-tables": "--copy-s3-tables",
}

// apart says of the other options where they are tried, or why they are not.
var apart = map[string]string{
	"header": "TestTab",
	"tab":    "TestTab", "fields-terminated-by": "TestTab", "fields-enclosed-by": "TestTab",
	"fields-optionally-enclosed-by": "TestTab", "fields-escaped-by": "TestTab", "lines-terminated-by": "TestTab",
	"all-databases": "TestDatabases", "system": "TestDatabases", "ignore-database": "TestDatabases",
	"xml":     "TestOpenRefuses: refused by name",
	"no-data": "there are no rows", "ignore-table-data": "there are no rows of a table",
	"include-master-host-port": replicated, "dump-slave": replicated, "master-data": replicated, "gtid": replicated,
	"apply-slave-statements": replicated, "delete-master-logs": replicated, "flush-logs": replicated, "galera-info": replicated,
	"lock-all-tables":    "it stops the other tests",
	"character-sets-dir": program, "debug": program, "debug-check": program, "debug-info": program, "help": program,
	"log-error": program, "log-queries": program, "max-statement-time": program, "version": program,
	"compress": connection, "default-auth": connection, "host": connection, "password": connection, "plugin-dir": connection,
	"port": connection, "protocol": connection, "socket": connection, "ssl": connection, "ssl-ca": connection,
	"ssl-capath": connection, "ssl-cert": connection, "ssl-cipher": connection, "ssl-crl": connection, "ssl-crlpath": connection,
	"ssl-key": connection, "ssl-verify-server-cert": connection, "tls-version": connection, "user": connection,
}

const (
	replicated = "a statement of replication, and a server that replicates"
	program    = "of the program, not of the file"
	connection = "of the connection, not of the file"
)

// TestEveryOption reads, rewrites and restores what mariadb-dump writes with each of its options.
func TestEveryOption(t *testing.T) {
	server := servers.MariaDB(t)
	db := server.Database(t)
	db.Exec(t, "SET sql_mode = '';"+folderSQL+"CREATE PROCEDURE tidy() DELETE FROM many WHERE id < 0;\n"+
		"CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01' DO DELETE FROM many WHERE id < 0;\n"+
		"CREATE SEQUENCE counter;\n")
	source, catalog := live(t, db)
	want := contents(t, source, catalog)
	help, err := exec.Command("mariadb-dump", "--help").Output()
	require.NoError(t, err)
	seen := 0
	for _, found := range regexp.MustCompile(`(?m)^ +(?:-[a-zA-Z#?], )?--([a-z0-9-]+)`).FindAllSubmatch(help, -1) {
		option := string(found[1])
		args, try := tried[option]
		if seen++; !try {
			require.Contains(t, apart, option, "an option that nobody has tried")
			continue
		}
		t.Run(option, func(t *testing.T) { requireOption(t, server, db, strings.Fields(args), want, catalog) })
	}
	require.Greater(t, seen, 60)
}

func requireOption(t *testing.T, server *servers.Server, db *servers.Database, args []string, want map[string][]string,
	catalog []connectors.Table) {
	o := connectors.Options{Rewrite: true}
	args = slices.DeleteFunc(args, func(word string) bool {
		o.Unchecked = o.Unchecked || word == "unchecked"
		if word == "catalog" {
			o.Catalog = catalog
		}
		return word == "unchecked" || word == "catalog"
	})
	for i := range args {
		args[i] = strings.NewReplacer("DATABASE", db.Name, "~", " ").Replace(args[i])
	}
	path := filepath.Join(t.TempDir(), "dump.sql")
	require.NoError(t, os.WriteFile(path, db.Dump(t, args...), 0o600))
	if o.Unchecked {
		_, err := open(t, path, connectors.Options{}).Tables(t.Context())
		require.ErrorIs(t, err, connectors.ErrDamaged)
	}
	src := open(t, path, o)
	tables, err := src.Tables(t.Context())
	require.NoError(t, err)
	read := contents(t, src, tables)
	for name, rows := range read {
		if name != "hist" {
			require.Equal(t, want[name], rows, name)
		}
	}
	changeFolder(t, src)
	read = contents(t, src, tables)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NotContains(t, string(text), "ann@example.org")
	restored := server.Database(t)
	if o.Catalog != nil {
		restored.Exec(t, string(db.Dump(t, "--no-data", "--skip-triggers")))
	}
	restored.Exec(t, "SET sql_mode = '';"+strings.ReplaceAll(string(text), db.Name, restored.Name))
	again, known := live(t, restored)
	found := contents(t, again, known)
	generatedAside(read)
	generatedAside(found)
	for name, rows := range read {
		if name != "hist" {
			require.Equal(t, rows, found[name], name)
		}
	}
}
