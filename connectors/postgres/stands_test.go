package postgres_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
)

const partitioned = "CREATE TABLE log (at date, id int, v text, PRIMARY KEY (at, id)) PARTITION BY RANGE (at);" +
	"CREATE TABLE log_old PARTITION OF log FOR VALUES FROM ('2020-01-01') TO ('2022-01-01') PARTITION BY RANGE (at);" +
	"CREATE TABLE log_2020 PARTITION OF log_old FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');" +
	"CREATE TABLE log_2021 PARTITION OF log_old FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');" +
	"CREATE TABLE log_2022 PARTITION OF log FOR VALUES FROM ('2022-01-01') TO ('2023-01-01');" +
	"INSERT INTO log VALUES ('2020-05-05', 1, 'a'), ('2021-05-05', 2, 'b'), ('2022-05-05', 3, 'c');"

// first deletes the first row of the table log, as the source knows it.
func first(t *testing.T, src connectors.Source) ([]connectors.Outcome, error) {
	return mutate(t, src, connectors.Query{Table: "log", Keys: &connectors.Keys{Fields: []string{"at", "id"},
		Tuples: []connectors.Key{connectors.MakeKey([]byte("2020-05-05"), []byte("1"))}}}, deleteAll)
}

// Rows that stand apart from their table since the catalog was read are not gone: nothing is changed, and where they stand
// is said. What was dropped is gone.
func TestApart(t *testing.T) {
	for name, tc := range map[string]struct {
		change string
		where  string // "" nothing stands apart
		status connectors.Status
	}{
		"nothing":                      {"SELECT 1", "", connectors.Done},
		"a partition detached":         {"ALTER TABLE log_old DETACH PARTITION log_2020", "log_2020", 0},
		"another partition detached":   {"ALTER TABLE log DETACH PARTITION log_2022", "log_2022", 0},
		"partitions with theirs":       {"ALTER TABLE log DETACH PARTITION log_old", "log_2020, log_2021", 0},
		"renamed as well":              {`ALTER TABLE log_old DETACH PARTITION log_2020; CREATE SCHEMA old; ALTER TABLE log_2020 SET SCHEMA old; ALTER TABLE old.log_2020 RENAME TO "of 2020"`, "old.of 2020", 0},
		"detached and dropped":         {"ALTER TABLE log_old DETACH PARTITION log_2020; DROP TABLE log_2020", "", connectors.Gone},
		"dropped":                      {"DROP TABLE log_2020", "", connectors.Gone},
		"attached":                     {"CREATE TABLE more PARTITION OF log DEFAULT", "", connectors.Done},
		"put elsewhere by its storage": {"VACUUM FULL log; CLUSTER log_2020 USING log_2020_pkey", "", connectors.Done},
		"another table of that name": {"ALTER TABLE log RENAME TO was; CREATE TABLE log (at date, id int, v text, PRIMARY KEY (at, id))",
			"log_2020, log_2021, log_2022", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := database(t, partitioned)
			src := opened(t, db)
			was := catalog(t, src)["log"].Stands
			require.Len(t, was, 3)
			db.Exec(t, tc.change)
			outcomes, err := first(t, src)
			found, err2 := src.(connectors.Standing).Apart(t.Context(), "log", was)
			require.NoError(t, err2)
			if tc.where == "" {
				require.NoError(t, err)
				require.Equal(t, tc.status, outcomes[0].Status)
				require.Empty(t, found)
				return
			}
			require.ErrorIs(t, err, connectors.ErrApart)
			require.ErrorIs(t, err, connectors.ErrSchemaChanged)
			require.ErrorContains(t, err, "in "+tc.where+":")
			require.ErrorContains(t, err, "attach it again")
			require.NotEmpty(t, found)
			_, err = src.Tables(t.Context()) // who looks at the catalog again knows
			require.NoError(t, err)
			_, err = first(t, src)
			require.NoError(t, err)
		})
	}
}

// A table that is no partition has a number, too, and one of that name which is another's is told from it.
func TestApartSwapped(t *testing.T) {
	db := database(t, "CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1)")
	src := opened(t, db)
	require.Len(t, catalog(t, src)["t"].Stands, 1)
	db.Exec(t, "ALTER TABLE t RENAME TO before; CREATE TABLE t (id int PRIMARY KEY)")
	_, err := mutate(t, src, connectors.Query{Table: "t", Keys: keys("id", "1")}, deleteAll)
	require.ErrorIs(t, err, connectors.ErrApart)
	require.ErrorContains(t, err, "in before:")
	require.Equal(t, "1", db.Query(t, "SELECT count(*) FROM before"))
}

// A partition whose detaching was cut off is read with no table: it is named, and its rows are not gone.
func TestDetachPending(t *testing.T) {
	db := database(t, partitioned)
	src := opened(t, db)
	was := catalog(t, src)["log"].Stands
	connect := func() *pgconn.PgConn {
		conn, err := pgconn.Connect(t.Context(), db.DSN())
		require.NoError(t, err)
		return conn
	}
	holds, detaches := connect(), connect()
	_, err := holds.Exec(t.Context(), "BEGIN; SELECT count(*) FROM log").ReadAll()
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() {
		_, err := detaches.Exec(t.Context(), "ALTER TABLE log DETACH PARTITION log_2022 CONCURRENTLY").ReadAll()
		done <- err
	}()
	require.Eventually(t, func() bool {
		return db.Query(t, "SELECT count(*) FROM pg_inherits WHERE inhdetachpending") == "1"
	}, 20*time.Second, 20*time.Millisecond)
	require.NoError(t, detaches.CancelRequest(t.Context()))
	require.Error(t, <-done)
	require.NoError(t, holds.Close(t.Context()))
	require.NoError(t, detaches.Close(t.Context()))
	_, err = first(t, src)
	require.ErrorIs(t, err, connectors.ErrApart)
	require.ErrorContains(t, err, "in log_2022:")
	now := catalog(t, src)["log"].Stands
	require.Len(t, now, 2)
	found, err := src.(connectors.Standing).Apart(t.Context(), "log", was)
	require.NoError(t, err)
	require.Equal(t, []string{"log_2022"}, found)
	unread, err := src.(connectors.Partial).Unread(t.Context())
	require.NoError(t, err)
	require.Len(t, unread, 1)
	require.Equal(t, "log_2022", unread[0].Name)
	require.Contains(t, unread[0].Reason, "FINALIZE")
}
