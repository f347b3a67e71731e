package main_test

import (
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

// dumpCommands are those of scripts whose backups are pg_dump's own.
func dumpCommands(t *testing.T) map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		// pgdump makes the company's database in PostgreSQL and has pg_dump write it: pgdump backups/crm.sql.gz -Z6.
		"pgdump": func(ts *testscript.TestScript, _ bool, args []string) {
			db := servers.Postgres(t).Database(t)
			db.Exec(t, postgresSQL(customers(60)))
			db.Tool(t, "pg_dump", append([]string{"--dbname=DSN", "--file=" + ts.MkAbs(args[0])}, args[1:]...)...)
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
				db.Tool(t, "pg_restore", "--dbname=DSN", "--exit-on-error", "--jobs=4", path)
			}
			ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(db.Query(t, args[2])+"\n"), 0o600))
		},
	}
}
