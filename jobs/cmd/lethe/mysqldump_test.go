package main_test

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"lethe/fixtures/servers"
)

// madeFrom is the database of MariaDB that a DSN in a file of a script names.
func madeFrom(t *testing.T, ts *testscript.TestScript, file string) *servers.Database {
	u, err := url.Parse(strings.TrimSpace(ts.ReadFile(file)))
	ts.Check(err)
	return &servers.Database{Server: servers.MariaDB(t), Name: strings.TrimPrefix(u.Path, "/")}
}

// mariadbCommands are those of scripts whose backups are MariaDB's own, or mydumper's.
func mariadbCommands(t *testing.T) map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		// mydumpof has mariadb-dump write the database that a DSN in a file names, and others beside it, to a file, or with
		// --tab to a folder: mydumpof shop.dsn dumps/shop.sql.gz --hex-blob.
		"mydumpof": func(ts *testscript.TestScript, _ bool, args []string) {
			path := ts.MkAbs(args[1])
			if args[2] == "--tab" {
				ts.Check(os.Mkdir(path, 0o700))
				madeFrom(t, ts, args[0]).Dump(t, append([]string{"--tab=" + path}, args[3:]...)...)
				return
			}
			text := madeFrom(t, ts, args[0]).Dump(t, args[2:]...)
			if filepath.Ext(path) == ".gz" {
				text = compress(string(text))
			}
			ts.Check(os.WriteFile(path, text, 0o600))
		},
		// mydumperof has mydumper write such a database to a folder: mydumperof shop.dsn dumps/shop.md -c.
		"mydumperof": func(ts *testscript.TestScript, _ bool, args []string) {
			db := madeFrom(t, ts, args[0])
			mydumper(ts, db, "mydumper", append([]string{"--database=" + db.Name, "--outputdir=" + ts.MkAbs(args[1])}, args[2:]...)...)
		},
		// myquery writes what a query finds in such a database to a file: myquery shop.dsn found.txt 'SELECT 1'.
		"myquery": func(ts *testscript.TestScript, _ bool, args []string) {
			ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(madeFrom(t, ts, args[0]).Query(t, args[2])+"\n"), 0o600))
		},
		// myrestore restores what such a database was dumped to into an empty one, and writes what a query finds there to a
		// file: myrestore shop.dsn dumps/shop.sql.gz restored.txt 'SELECT id FROM customers'.
		"myrestore": func(ts *testscript.TestScript, _ bool, args []string) {
			was, path := madeFrom(t, ts, args[0]), ts.MkAbs(args[1])
			db := was.Server.Database(t)
			switch _, err := os.Stat(filepath.Join(path, "metadata")); {
			case err == nil:
				mydumper(ts, db, "myloader", "--threads=1", "--database="+db.Name, "--directory="+path)
			case strings.Contains(filepath.Base(path), ".sql"):
				text := ts.ReadFile(args[1])
				if filepath.Ext(path) == ".gz" {
					text = decompress(ts, args[1])
				}
				db.Exec(t, strings.ReplaceAll(text, was.Name, db.Name))
			default:
				loadTab(t, ts, db, path)
			}
			ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(db.Query(t, args[3])+"\n"), 0o600))
		},
	}
}

// loadTab loads a folder of mariadb-dump --tab, as mariadb-import does.
func loadTab(t *testing.T, ts *testscript.TestScript, db *servers.Database, path string) {
	tables, err := filepath.Glob(filepath.Join(path, "*.sql"))
	ts.Check(err)
	for _, at := range tables {
		text, err := os.ReadFile(at)
		ts.Check(err)
		db.Exec(t, "SET foreign_key_checks = 0; "+strings.Split(string(text), "-- Dump completed")[0])
	}
	for _, at := range tables {
		table := strings.TrimSuffix(filepath.Base(at), ".sql")
		if _, err := os.Stat(strings.TrimSuffix(at, ".sql") + ".txt"); err == nil {
			db.Exec(t, "SET foreign_key_checks = 0; LOAD DATA INFILE '"+strings.TrimSuffix(at, ".sql")+".txt' INTO TABLE "+table+
				" CHARACTER SET utf8mb4")
		}
	}
}

// mydumper runs mydumper or myloader.
func mydumper(ts *testscript.TestScript, db *servers.Database, name string, args ...string) {
	out, err := exec.Command(name, append([]string{"--host=localhost", "--socket=" + db.Server.Socket,
		"--user=" + db.Server.User, "--password=" + db.Server.Password}, args...)...).CombinedOutput()
	if err != nil {
		ts.Fatalf("%s: %v\n%s", name, err, out)
	}
}
