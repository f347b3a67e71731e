package mysql_test

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mysql"
	"lethe/fixtures/servers"
)

// greeting is the first packet of MySQL's protocol; capabilities are its flags.
// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_handshake_v10.html
func greeting(capabilities uint16) string {
	packet := "\x0a8.0.1\x00" + "\x01\x00\x00\x00" + "12345678\x00" +
		string([]byte{byte(capabilities), byte(capabilities >> 8)}) + "\x2d\x02\x00" + string([]byte{0x08, 0}) + "\x15" +
		strings.Repeat("\x00", 10) + "123456789012\x00" + "mysql_native_password\x00"
	return string([]byte{byte(len(packet)), 0, 0, 0}) + packet
}

const protocol41, offersTLS = 0x0200, 0x0800

// Whatever a port says before it falls silent, opening a source ends within its limit, once, in words of its own.
func TestOpeningEndsAtAMuteServer(t *testing.T) {
	for _, c := range []struct {
		name, says, query string
	}{
		{"nothing", "", ""},
		{"half a greeting", greeting(protocol41)[:9], ""},
		{"a greeting and no end of TLS", greeting(protocol41 | offersTLS), ""},
		{"a greeting and no answer to the password", greeting(protocol41), "?tls=false"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			address, met := servers.Mute(t, c.says)
			o := connectors.Options{Name: "crm", DSN: "mysql://reader:swordfish@" + address + "/shop" + c.query,
				Plaintext: true, AnswerWithin: 100 * time.Millisecond}
			if c.query == "" {
				o.Plaintext = false
			}
			_, err := mysql.Connector.Open(t.Context(), o)
			require.ErrorIs(t, err, connectors.ErrUnreachable)
			require.NotErrorIs(t, err, connectors.ErrTransient, "else it is tried again and again")
			require.ErrorContains(t, err, "open crm: no answer from the server for ")
			require.ErrorContains(t, err, "answer_within of the source")
			require.NotContains(t, err.Error(), "swordfish")
			require.LessOrEqual(t, met(), 2, "one attempt, and one that asks beside it")

			ctx, cancel := context.WithCancel(t.Context())
			o.AnswerWithin = time.Hour
			time.AfterFunc(50*time.Millisecond, cancel)
			_, err = mysql.Connector.Open(ctx, o)
			require.ErrorIs(t, err, context.Canceled, "somebody stops the program")
		})
	}
}

func TestOpeningEndsWhereNobodyAnswers(t *testing.T) {
	address := servers.Full(t)
	_, err := mysql.Connector.Open(t.Context(), connectors.Options{Name: "crm", AnswerWithin: 200 * time.Millisecond,
		DSN: "mysql://reader:swordfish@" + address + "/shop"})
	require.ErrorIs(t, err, connectors.ErrUnreachable)
	require.ErrorContains(t, err, "no connection to "+address+" within ")
	require.ErrorContains(t, err, "answer_within of the source")
	_, err = mysql.Connector.Open(t.Context(), connectors.Options{Name: "crm",
		DSN: "mysql://reader:swordfish@" + address + "/shop?timeout=200ms"})
	require.ErrorContains(t, err, "no connection to "+address+" within ", "the DSN may say less")
}

// gated opens a database through a gate. Its limit is one that a server which answers keeps.
func gated(t *testing.T, db *servers.Database, within time.Duration) (*servers.Gate, connectors.Source) {
	t.Helper()
	gate := servers.NewGate(t, db.Server.Address)
	dsn := "mysql://" + url.UserPassword("root", db.Server.Password).String() + "@" + gate.Address + "/" + db.Name +
		"?tls=false"
	src, err := mysql.Connector.Open(t.Context(), connectors.Options{Name: "crm", DSN: dsn, ApplyDSN: dsn,
		Plaintext: true, AnswerWithin: within})
	require.NoError(t, err)
	t.Cleanup(func() { _ = src.Close() })
	return gate, src
}

// A server that stops in the middle of anything ends that, and not the test.
func TestEverythingEndsWhereAServerStops(t *testing.T) {
	for _, c := range []struct {
		name, at string
		after    bool // the server heard it, and does not answer
		do       func(t *testing.T, src connectors.Source) error
		says     string
	}{
		{"the catalog", "information_schema.COLUMNS", true, func(t *testing.T, src connectors.Source) error {
			_, err := src.Tables(t.Context())
			return err
		}, "catalog crm: "},
		{"a scan", "FROM `p`", false, func(t *testing.T, src connectors.Source) error {
			return scanError(t, src, connectors.Query{Table: "p"})
		}, "scan crm table p: "},
		{"the middle of a scan", "FROM `p` FORCE INDEX (`PRIMARY`) WHERE", false, func(t *testing.T, src connectors.Source) error {
			var last error
			rows := int64(0)
			for b, err := range src.Scan(t.Context(), connectors.Query{Table: "p", MaxRows: 2}) {
				if last = err; err == nil {
					rows += b.Rows.NumRows()
				}
			}
			require.Positive(t, rows)
			return last
		}, "scan crm table p: "},
		{"locking", "FOR UPDATE", true, change, "mutate crm table p: "},
		{"a change", "DELETE FROM", false, change, "mutate crm table p: "},
		{"the end of a transaction", "\x03COMMIT", false, change, "mutate crm: "},
		{"the answer to its end", "\x03COMMIT", true, change, "mutate crm: "},
		{"the clock", "UTC_TIMESTAMP", false, func(t *testing.T, src connectors.Source) error {
			_, err := src.(connectors.Clocked).Clock(t.Context())
			return err
		}, "clock crm: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			db := database(t, "CREATE TABLE p (id int PRIMARY KEY, name varchar(20))",
				"INSERT INTO p VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd')")
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

func change(t *testing.T, src connectors.Source) error {
	t.Helper()
	_, err := mutate(t, src, connectors.Query{Table: "p", Keys: keys("id", "1", "2")}, deleteAll)
	return err
}

// A statement that takes longer than the server may be silent is waited for as long as the server answers others,
// and so is one whose connection is full.
func TestLongStatementIsWaitedFor(t *testing.T) {
	t.Parallel()
	db := database(t, "CREATE TABLE p (id int PRIMARY KEY, name varchar(20))", "INSERT INTO p VALUES (1, 'a')",
		"CREATE TRIGGER slow BEFORE DELETE ON p FOR EACH ROW DO SLEEP(4)")
	src, err := mysql.Connector.Open(t.Context(), connectors.Options{Name: "crm", DSN: db.DSN(), ApplyDSN: db.DSN(),
		AnswerWithin: 3 * time.Second})
	require.NoError(t, err)
	defer func() { require.NoError(t, src.Close()) }()
	require.NoError(t, change(t, src))
	require.Empty(t, db.Query(t, "SELECT * FROM p"))

	// but not without an end
	db.Exec(t, "INSERT INTO p VALUES (1, 'a')")
	src, err = mysql.Connector.Open(t.Context(), connectors.Options{Name: "crm", DSN: db.DSN(), ApplyDSN: db.DSN(),
		AnswerWithin: 3 * time.Second, StatementWithin: time.Second})
	require.NoError(t, err)
	defer func() { require.NoError(t, src.Close()) }()
	err = change(t, src)
	require.ErrorIs(t, err, connectors.ErrUnreachable)
	require.ErrorContains(t, err, "no row and no end of a statement for ")
	require.ErrorContains(t, err, "statement_within of the source")
}
