package main_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"lethe/fixtures/servers"
)

// postgresSQL is the company as SQL for PostgreSQL.
func postgresSQL(people []customer) string {
	return strings.NewReplacer("`", `"`, " datetime", " timestamp").Replace(sqliteSQL(people))
}

// dumpedFrom is the database that a DSN in a file of a script names.
func dumpedFrom(t *testing.T, ts *testscript.TestScript, file string) *servers.Database {
	u, err := url.Parse(strings.TrimSpace(ts.ReadFile(file)))
	ts.Check(err)
	return &servers.Database{Server: servers.Postgres(t), Name: strings.TrimPrefix(u.Path, "/")}
}

// dumpCommands are those of scripts whose backups are pg_dump's own.
func dumpCommands(t *testing.T) map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		// pgdump makes the company's database in PostgreSQL and has pg_dump write it: pgdump backups/crm.sql.gz -Z6.
		"pgdump": func(ts *testscript.TestScript, _ bool, args []string) {
			db := servers.Postgres(t).Database(t)
			db.Exec(t, postgresSQL(customers(60)))
			db.Tool(t, "pg_dump", append([]string{"--dbname=DSN", "--file=" + ts.MkAbs(args[0])}, args[1:]...)...)
		},
		// pgdumpof has pg_dump write the database that a DSN in a file names: pgdumpof shop.dsn backups/shop.dump -Fc.
		"pgdumpof": func(ts *testscript.TestScript, _ bool, args []string) {
			dumpedFrom(t, ts, args[0]).Tool(t, "pg_dump",
				append([]string{"--dbname=DSN", "--file=" + ts.MkAbs(args[1])}, args[2:]...)...)
		},
		// pgquery writes what a query finds in such a database to a file: pgquery shop.dsn found.txt 'SELECT 1'.
		"pgquery": func(ts *testscript.TestScript, _ bool, args []string) {
			found := dumpedFrom(t, ts, args[0]).Query(t, args[2])
			ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(found+"\n"), 0o600))
		},
		// pgrestore restores what pg_dump wrote into an empty database and writes what a query finds there to a file:
		// pgrestore backups/crm.dump found.txt 'SELECT id FROM customers'.
		"pgrestore": func(ts *testscript.TestScript, _ bool, args []string) {
			db := servers.Postgres(t).Database(t)
			if path := ts.MkAbs(args[0]); strings.Contains(filepath.Base(path), ".sql") {
				text := ts.ReadFile(args[0])
				if filepath.Ext(path) == ".gz" {
					text = decompress(ts, args[0])
				}
				db.Exec(t, text)
			} else {
				db.Tool(t, "pg_restore", append([]string{"--dbname=DSN", "--exit-on-error", path}, jobsOf(path)...)...)
			}
			ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(db.Query(t, args[2])+"\n"), 0o600))
		},
	}
}

// jobsOf has pg_restore work on several entries at a time, which it cannot of a tar archive.
func jobsOf(path string) []string {
	if strings.HasSuffix(path, ".tar") {
		return nil
	}
	return []string{"--jobs=4"}
}
