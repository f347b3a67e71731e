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

// onServer is a company whose CRM is a MariaDB database, and which has no backup.
func onServer(t testing.TB, db *servers.Database, n int) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "company")
	company(t, dir, n)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "crm.dsn"), []byte(db.DSN()), 0o600))
	config, err := os.ReadFile(filepath.Join(dir, "lethe.yaml"))
	require.NoError(t, err)
	lines := slices.DeleteFunc(strings.Split(string(config), "\n"), func(l string) bool { return strings.Contains(l, "crm-dumps:") })
	text := strings.Replace(strings.Join(lines, "\n"), "connector: sqlite, dsn: crm.db, apply_dsn: crm.db", `connector: mysql, dsn: "file:crm.dsn", apply_dsn: "file:crm.dsn"`, 1)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "lethe.yaml"), []byte(text), 0o600))
	grant(t, dir)
	return dir
}

// TestTargetDiesDuringDelivery ends every connection of the application's server in the middle of a delivery. The night says that the
// application was not reached; the next delivery leaves what an undisturbed one leaves.
func TestTargetDiesDuringDelivery(t *testing.T) {
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

	for attempt := 1; ; attempt++ { // until it was struck while it wrote
		require.LessOrEqual(t, attempt, 5, "the delivery is always over too soon")
		db.Exec(t, "DROP TABLE lethe_crm_customers")
		dir := filepath.Join(t.TempDir(), fmt.Sprint("company", attempt))
		require.NoError(t, copyFolder(fresh, dir))
		over, killed := make(chan struct{}), make(chan int, 1)
		code, said := deliver(dir, func(point string) {
			if point == "copy_begun" {
				go func() { killed <- killWriters(t, db, over) }()
			}
		})
		close(over)
		struck := <-killed > 0
		if struck {
			require.Equal(t, 3, code, said)
			require.Contains(t, said, "E_", said)
		}
		code, said = deliver(dir, func(string) {})
		require.Zero(t, code, said)
		require.Contains(t, said, "up to date")
		require.Equal(t, want, copied())
		if struck {
			return
		}
	}
}

// killWriters ends the connections whose transaction has changed rows, as soon as there are such, and returns how many they were.
func killWriters(t testing.TB, db *servers.Database, over <-chan struct{}) (killed int) {
	for {
		select {
		case <-over:
			return 0
		default:
		}
		for id := range strings.FieldsSeq(db.Query(t, "SELECT trx_mysql_thread_id FROM information_schema.innodb_trx t JOIN information_schema.processlist p ON p.id = trx_mysql_thread_id"+
			" WHERE trx_rows_modified > 0 AND p.db = '"+db.Name+"'")) {
			db.Exec(t, "KILL HARD "+id)
			killed++
		}
		if killed > 0 {
			return killed
		}
	}
}
