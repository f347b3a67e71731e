package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/postgres"
	"lethe/fixtures/servers"
)

// scanning reads a table two rows at a time, and has do called behind each page.
func scanning(t *testing.T, src connectors.Source, do func(page int)) (rows []string) {
	page := 0
	for b, err := range src.Scan(t.Context(), connectors.Query{Table: "t", MaxRows: 2}) {
		require.NoError(t, err)
		rows = append(rows, texts(b)...)
		page++
		do(page)
	}
	return rows
}

const six = "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 6) i;"

// transactions counts those that the connector has open.
func transactions(t *testing.T, db *servers.Database) string {
	return db.Query(t, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'lethe' "+
		"AND xact_start IS NOT NULL")
}

// All pages of a table show it at one instant, whatever becomes of its rows and keys meanwhile.
func TestOneSnapshot(t *testing.T) {
	t.Parallel()
	db := database(t, six)
	src := opened(t, db)
	rows := scanning(t, src, func(page int) {
		if page == 1 {
			db.Exec(t, "DELETE FROM t WHERE id = 4; UPDATE t SET id = 0 WHERE id = 5; UPDATE t SET v = 'new' WHERE id = 6; "+
				"INSERT INTO t VALUES (7, 'late')")
		}
	})
	require.Equal(t, []string{"1|v1", "2|v2", "3|v3", "4|v4", "5|v5", "6|v6"}, rows)
	require.Equal(t, "0", transactions(t, db), "nothing is open behind it")
	rows = scanning(t, src, func(int) {})
	require.Equal(t, []string{"0|v5", "1|v1", "2|v2", "3|v3", "6|new", "7|late"}, rows)
}

// A caller who works for longer than the server bears has no transaction open, and gets what follows of another instant.
func TestSnapshotLapses(t *testing.T) {
	t.Parallel()
	db := database(t, six)
	db.Exec(t, `ALTER DATABASE "`+db.Name+`" SET idle_in_transaction_session_timeout = '600ms'`)
	src := opened(t, db)
	rows := scanning(t, src, func(page int) {
		if page == 1 {
			require.Eventually(t, func() bool { return transactions(t, db) == "0" }, 10*time.Second, 20*time.Millisecond)
			db.Exec(t, "UPDATE t SET v = 'new' WHERE id IN (1, 4); DELETE FROM t WHERE id = 3")
			time.Sleep(700 * time.Millisecond)
		}
	})
	require.Equal(t, []string{"1|v1", "2|v2", "4|new", "5|v5", "6|v6"}, rows)
}

// Where the server bears all, Lethe itself ends what its caller keeps waiting.
func TestSnapshotIsLeft(t *testing.T) {
	t.Parallel()
	db := database(t, six)
	src := opened(t, db)
	postgres.BearsIdle(src, 50*time.Millisecond)
	rows := scanning(t, src, func(page int) {
		if page == 1 {
			require.Eventually(t, func() bool { return transactions(t, db) == "0" }, 10*time.Second, 20*time.Millisecond)
			db.Exec(t, "UPDATE t SET v = 'new' WHERE id = 4")
		}
	})
	require.Equal(t, []string{"1|v1", "2|v2", "3|v3", "4|new", "5|v5", "6|v6"}, rows)
}

// A session that the server ends while the caller works is taken up again where it was.
func TestSnapshotIsEnded(t *testing.T) {
	t.Parallel()
	db := database(t, six)
	src := opened(t, db)
	rows := scanning(t, src, func(page int) {
		if page == 2 {
			require.Equal(t, "1", transactions(t, db))
			db.Query(t, terminate)
			require.Eventually(t, func() bool { return transactions(t, db) == "0" }, 10*time.Second, 20*time.Millisecond)
			db.Exec(t, "UPDATE t SET v = 'new' WHERE id = 5")
		}
	})
	require.Equal(t, []string{"1|v1", "2|v2", "3|v3", "4|v4", "5|new", "6|v6"}, rows)
}

// Who waits for the table, to change its definition, is let in between two pages.
func TestSnapshotLetsOthersIn(t *testing.T) {
	t.Parallel()
	db := database(t, six)
	src := opened(t, db)
	postgres.LookEvery(src, 0)
	conn, err := pgconn.Connect(t.Context(), db.DSN())
	require.NoError(t, err)
	done := make(chan error, 1)
	rows := scanning(t, src, func(page int) {
		if page != 1 {
			return
		}
		go func() {
			_, err := conn.Exec(t.Context(), "ALTER TABLE t ALTER COLUMN v TYPE varchar(40); UPDATE t SET v = 'new' WHERE id = 6").ReadAll()
			done <- err
		}()
		require.Eventually(t, func() bool {
			return db.Query(t, "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 't'::regclass") == "1"
		}, 10*time.Second, 20*time.Millisecond)
	})
	require.Equal(t, []string{"1|v1", "2|v2", "3|v3", "4|v4", "5|v5", "6|new"}, rows)
	require.NoError(t, <-done)
	require.NoError(t, conn.Close(t.Context()))
}

// However often and whenever sessions end, each row is read once.
func TestSnapshotManyEnds(t *testing.T) {
	t.Parallel()
	db := database(t, "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 60) i")
	src := opened(t, db)
	rows := scanning(t, src, func(page int) {
		if page%3 == 0 {
			db.Query(t, terminate)
		}
	})
	require.Len(t, rows, 60)
	for i, row := range rows {
		require.Equal(t, fmt.Sprintf("%d|v%d", i+1, i+1), row)
	}
}
