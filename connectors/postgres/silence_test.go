package postgres_test

import (
	"context"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/postgres"
	"lethe/fixtures/servers"
)

// Whatever a port says before it falls silent, opening a source ends within its limit, once, in words of its own.
func TestOpeningEndsAtAMuteServer(t *testing.T) {
	for _, c := range []struct {
		name, says, query string
	}{
		{"nothing", "", ""},
		{"a yes to TLS and no end of it", "S", ""},
		{"nothing to a password", "R\x00\x00\x00\x08\x00\x00\x00\x03", "?sslmode=disable"},
		{"half a message", "R\x00\x00", "?sslmode=disable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			address, met := servers.Mute(t, c.says)
			o := connectors.Options{Name: "crm", DSN: "postgres://reader:swordfish@" + address + "/shop" + c.query,
				Plaintext: c.query != "", AnswerWithin: 100 * time.Millisecond}
			_, err := postgres.Connector.Open(t.Context(), o)
			require.ErrorIs(t, err, connectors.ErrUnreachable)
			require.NotErrorIs(t, err, connectors.ErrTransient, "else it is tried again and again")
			require.ErrorContains(t, err, "open crm: no answer from the server for ")
			require.ErrorContains(t, err, "answer_within of the source")
			require.NotContains(t, err.Error(), "swordfish")
			require.LessOrEqual(t, met(), 3, "one attempt, and those that ask beside it")

			ctx, cancel := context.WithCancel(t.Context())
			o.AnswerWithin = time.Hour
			time.AfterFunc(50*time.Millisecond, cancel)
			_, err = postgres.Connector.Open(ctx, o)
			require.ErrorIs(t, err, context.Canceled, "somebody stops the program")
		})
	}
}

func TestOpeningEndsWhereNobodyAnswers(t *testing.T) {
	address := servers.Full(t)
	for _, c := range []struct {
		query  string
		within time.Duration
	}{{"", 200 * time.Millisecond}, {"?connect_timeout=1", 0}} {
		_, err := postgres.Connector.Open(t.Context(), connectors.Options{Name: "crm", AnswerWithin: c.within,
			DSN: "postgres://reader:swordfish@" + address + "/shop" + c.query})
		require.ErrorIs(t, err, connectors.ErrUnreachable)
		require.ErrorContains(t, err, "no connection to "+address+" within ")
		require.ErrorContains(t, err, "answer_within of the source")
	}
}

// gated opens a database through a gate. Its limit is one that a server which answers keeps.
func gated(t *testing.T, db *servers.Database, within time.Duration) (*servers.Gate, connectors.Source) {
	t.Helper()
	gate := servers.NewGate(t, db.Server.Address)
	dsn := "postgres://" + url.UserPassword("postgres", db.Server.Password).String() + "@" + gate.Address + "/" + db.Name +
		"?sslmode=disable"
	src, err := postgres.Connector.Open(t.Context(), connectors.Options{Name: "crm", DSN: dsn, ApplyDSN: dsn,
		Plaintext: true, AnswerWithin: within})
	require.NoError(t, err)
	t.Cleanup(func() { _ = src.Close() })
	return gate, src
}

func change(t *testing.T, src connectors.Source) error {
	t.Helper()
	_, err := mutate(t, src, connectors.Query{Table: "p", Keys: keys("id", "1", "2")}, deleteAll)
	return err
}

// A server that stops in the middle of anything ends that, and not the test.
func TestEverythingEndsWhereAServerStops(t *testing.T) {
	for _, c := range []struct {
		name, at string
		after    bool // the server heard it, and does not answer
		do       func(t *testing.T, src connectors.Source) error
		says     string
	}{
		{"the catalog", "pg_catalog.pg_attribute", true, func(t *testing.T, src connectors.Source) error {
			_, err := src.Tables(t.Context())
			return err
		}, "catalog crm: "},
		{"a scan", `FROM ONLY "public"."p"`, false, func(t *testing.T, src connectors.Source) error {
			return scanError(t, src, connectors.Query{Table: "p"})
		}, "scan crm table p: "},
		{"the middle of a scan", "FETCH FORWARD 4000 ", false, func(t *testing.T, src connectors.Source) error {
			var last error
			rows := int64(0)
			for b, err := range src.Scan(t.Context(), connectors.Query{Table: "p"}) {
				if last = err; err == nil {
					rows += b.Rows.NumRows()
				}
			}
			require.Positive(t, rows)
			return last
		}, "scan crm table p: "},
		{"locking", "FOR UPDATE", true, change, "mutate crm table p: "},
		{"a change", "DELETE FROM", false, change, "mutate crm table p: "},
		{"the end of a transaction", "COMMIT\x00", false, change, "mutate crm: "},
		{"the answer to its end", "COMMIT\x00", true, change, "mutate crm: "},
		{"the clock", "clock_timestamp", false, func(t *testing.T, src connectors.Source) error {
			_, err := src.(connectors.Clocked).Clock(t.Context())
			return err
		}, "clock crm: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			db := database(t, "CREATE TABLE p (id int PRIMARY KEY, name varchar(20))",
				"INSERT INTO p SELECT i, 'a' FROM generate_series(1, 600) i")
			gate, src := gated(t, db, 2*time.Second)
			gate.When(c.at, c.after, gate.Shut)
			err := c.do(t, src)
			require.ErrorIs(t, err, connectors.ErrUnreachable)
			require.ErrorContains(t, err, c.says+"no answer from the server for ")
			require.ErrorContains(t, err, "answer_within of the source")

			gate.Open()
			require.NoError(t, c.do(t, src), "once the server answers again")
		})
	}
}

// A statement that takes longer than the server may be silent is waited for as long as the server answers others.
func TestLongStatementIsWaitedFor(t *testing.T) {
	t.Parallel()
	db := database(t, "CREATE TABLE p (id int PRIMARY KEY, name varchar(20))", "INSERT INTO p VALUES (1, 'a')",
		"CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep(4); RETURN OLD; END$$",
		"CREATE TRIGGER slow BEFORE DELETE ON p FOR EACH ROW EXECUTE FUNCTION slow()")
	src, err := postgres.Connector.Open(t.Context(), connectors.Options{Name: "crm", DSN: db.DSN(), ApplyDSN: db.DSN(),
		AnswerWithin: 3 * time.Second})
	require.NoError(t, err)
	defer func() { require.NoError(t, src.Close()) }()
	require.NoError(t, change(t, src))
	require.Empty(t, db.Query(t, "SELECT * FROM p"))

	// but not without an end
	db.Exec(t, "INSERT INTO p VALUES (1, 'a')")
	src, err = postgres.Connector.Open(t.Context(), connectors.Options{Name: "crm", DSN: db.DSN(), ApplyDSN: db.DSN(),
		AnswerWithin: 3 * time.Second, StatementWithin: time.Second})
	require.NoError(t, err)
	defer func() { require.NoError(t, src.Close()) }()
	err = change(t, src)
	require.ErrorIs(t, err, connectors.ErrUnreachable)
	require.ErrorContains(t, err, "no row and no end of a statement for ")
	require.ErrorContains(t, err, "statement_within of the source")
	db.Query(t, terminate)
}

// terminate ends the connector's sessions on the server.
const terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND " +
	"application_name = 'lethe'"

// A connection that the server ends, at any moment, changes nothing or all, and says that it is worth another try.
func TestServerEndsTheConnection(t *testing.T) {
	for _, c := range []struct {
		name, at string
		after    bool
	}{
		{"before it locks", "FOR UPDATE", false}, {"before it deletes", "DELETE FROM", false},
		{"while it deletes", "DELETE FROM", true}, {"before what is deferred", "SET CONSTRAINTS", false}, {"before it commits", "COMMIT\x00", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			db := database(t, "CREATE TABLE p (id int PRIMARY KEY, name varchar(20))", "INSERT INTO p VALUES (1, 'a'), (2, 'b'), (3, 'c')")
			gate, src := gated(t, db, 20*time.Second)
			gate.When(c.at, c.after, func() { db.Query(t, terminate) })
			err := change(t, src)
			if err != nil {
				require.ErrorIs(t, err, connectors.ErrTransient)
				require.Equal(t, "3", db.Query(t, "SELECT count(*) FROM p"))
				require.NoError(t, change(t, src))
			}
			require.Equal(t, "3\tc", db.Query(t, "SELECT * FROM p"))
		})
	}
}

// What the server allows idle transactions and statements is borne: a scan has none open while its reader works, and a
// transaction that the server ended changed nothing and is worth another try.
func TestServersTimeLimits(t *testing.T) {
	t.Parallel()
	db := database(t, "CREATE TABLE p (id int PRIMARY KEY, name varchar(20))", "INSERT INTO p VALUES (1, 'a'), (2, 'b'), (3, 'c')")
	name := `ALTER DATABASE "` + db.Name + `" SET `
	db.Exec(t, name+"idle_in_transaction_session_timeout = '300ms'; "+name+"statement_timeout = '1ms';")
	src := opened(t, db)
	rows := 0
	for b, err := range src.Scan(t.Context(), connectors.Query{Table: "p", MaxRows: 1}) {
		require.NoError(t, err)
		rows += int(b.Rows.NumRows())
		time.Sleep(500 * time.Millisecond)
	}
	require.Equal(t, 3, rows)
	query := []connectors.Query{{Table: "p", Keys: keys("id", "1")}}
	_, err := src.(connectors.Mutator).Mutate(t.Context(), query, deleteAll, func() error {
		time.Sleep(800 * time.Millisecond)
		return nil
	})
	require.ErrorIs(t, err, connectors.ErrTransient)
	require.ErrorContains(t, err, "mutate crm: ")
	db.Exec(t, "SET statement_timeout = 0; "+name+"statement_timeout = 0")
	require.Equal(t, "3", db.Query(t, "SELECT count(*) FROM p"))
	_, err = src.(connectors.Mutator).Mutate(t.Context(), query, deleteAll, confirmed)
	require.NoError(t, err)
}
