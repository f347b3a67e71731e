package main_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/fixtures/servers"
	"lethe/jobs"
)

// isPostgres says which server's a database is.
func isPostgres(db *servers.Database) bool { return strings.HasPrefix(db.DSN(), "postgres:") }

// onServer is a company whose CRM is a database of a server, and which has no backup.
func onServer(t testing.TB, db *servers.Database, n int) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "company")
	company(t, dir, n)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "crm.dsn"), []byte(db.DSN()), 0o600))
	config, err := os.ReadFile(filepath.Join(dir, "lethe.yaml"))
	require.NoError(t, err)
	lines := slices.DeleteFunc(strings.Split(string(config), "\n"), func(l string) bool {
		return strings.Contains(l, "crm-dumps:")
	})
	connector := "mysql"
	if isPostgres(db) {
		connector = "postgres"
	}
	text := strings.Replace(strings.Join(lines, "\n"), "connector: sqlite, dsn: crm.db, apply_dsn: crm.db",
		"connector: "+connector+`, dsn: "file:crm.dsn", apply_dsn: "file:crm.dsn"`, 1)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "lethe.yaml"), []byte(text), 0o600))
	grant(t, dir)
	return dir
}

// TestTargetDiesDuringDelivery ends every connection of the application's server in the middle of a delivery.
// It is tried again, and leaves what an undisturbed one leaves.
func TestTargetDiesDuringDelivery(t *testing.T) {
	t.Parallel()
	db := servers.MariaDB(t).Database(t)
	const people = 12_000 // two pages
	db.Exec(t, mysqlSQL(customers(people)))
	fresh := onServer(t, db, people)
	deliver := func(dir string, crash func(point string)) (code int, said string) {
		var out bytes.Buffer
		c := &jobs.Command{Out: &out, Err: &out, Now: func() time.Time { return night }, Crash: crash}
		code = c.Run([]string{"consent", "sync", "--apply", "--config", filepath.Join(dir, "lethe.yaml")})
		return code, out.String()
	}
	copied := func() string { return db.Query(t, "SELECT * FROM lethe_crm_customers ORDER BY id") }

	dir := filepath.Join(t.TempDir(), "undisturbed")
	require.NoError(t, copyFolder(fresh, dir))
	code, said := deliver(dir, func(string) {})
	require.Zero(t, code, said)
	want := copied()
	require.Equal(t, people, strings.Count(want, "\n")+1)

	// A row that somebody else is about to add makes the delivery wait in the middle of its first page; there
	// its connection is cut off.
	db.Exec(t, "DELETE FROM lethe_crm_customers")
	dir = filepath.Join(t.TempDir(), "company")
	require.NoError(t, copyFolder(fresh, dir))
	holder, killer := make(chan string, 1), make(chan string, 1)
	code, said = deliver(dir, func(point string) {
		if point != "copy_begun" {
			return
		}
		go func() {
			holder <- db.Query(t, "BEGIN; INSERT INTO lethe_crm_customers VALUES (5000, 'customers', 'club', "+
				"'allowed', NULL, '2026-01-01', ''); DO SLEEP(6); ROLLBACK")
		}()
		writer(t, db, 1)
		go func() {
			id := writer(t, db, 500)
			db.Exec(t, "KILL HARD "+id)
			killer <- id
		}()
	})
	require.Zero(t, code, said)
	require.Contains(t, said, "up to date", "tried again")
	require.NotEmpty(t, <-killer)
	<-holder
	require.Equal(t, want, copied())
}

// writer waits for a connection whose transaction has changed so many rows, and returns its number.
func writer(t testing.TB, db *servers.Database, rows int) string {
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		if id := db.Query(t, fmt.Sprintf("SELECT trx_mysql_thread_id FROM information_schema.innodb_trx JOIN "+
			"information_schema.processlist ON id = trx_mysql_thread_id"+
			" WHERE trx_rows_modified >= %d AND db = '%s'", rows, db.Name)); id != "" {
			return id
		}
		// the server answers from a copy that it renews only when nobody asked for 100 ms
		time.Sleep(150 * time.Millisecond)
	}
	t.Error("nobody writes")
	return "0"
}
