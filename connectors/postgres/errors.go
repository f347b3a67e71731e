package postgres

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"lethe/connectors"
	"lethe/connectors/wire"
)

// rights is where the GRANT statements stand.
const rights = "jobs/docs/operator.md lists the GRANT statements, under Rights on the server"

// serverErrors gives the server's error codes (SQLSTATE) words, a hint and a sentinel. A code of two letters is a class.
// The server's own text is never used: it quotes values.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
var serverErrors = []struct {
	sentinel   error
	what, hint string
	codes      []string
}{
	{connectors.ErrDenied, "user or password", "check user, password, and the server's pg_hba.conf", []string{"28"}},
	{connectors.ErrDenied, "missing right, or rows that a policy of row level security hides", rights +
		"; tables with policies are read by a user with BYPASSRLS", []string{"42501"}},
	{connectors.ErrConfig, "unknown database", "check the database's name in the DSN", []string{"3D000"}},
	{connectors.ErrConfig, "the server is read-only", "apply_dsn must name the primary", []string{"25006"}},
	{connectors.ErrConfig, "a setting that the server does not know, or that the user may not change",
		"name the server itself and not a pooler of transactions", []string{"22023", "42704", "55P02", "08P01"}},
	{connectors.ErrConfig, "a name is too long, or there is one already", "", []string{"42622", "42710", "42P07", "42701"}},
	{connectors.ErrConfig, "a limit of the server", "", []string{"54"}},
	{connectors.ErrSchemaChanged, "unknown schema, table, field, type or function, or one of another kind", "",
		[]string{"42P01", "42703", "3F000", "42883", "42804", "42809", "42P10", "0A000"}},
	{connectors.ErrLocked, "lock timeout", "pg_stat_activity and pg_blocking_pids say which session holds it: end it, or let " +
		"the next night try again", []string{"55P03", "55006"}},
	{connectors.ErrTransient, "deadlock", "", []string{"40P01"}},
	{connectors.ErrTransient, "the server could not serialize the transaction", "", []string{"40"}},
	{connectors.ErrTransient, "too many connections", "", []string{"53300"}},
	{connectors.ErrTransient, "the server lacks memory, disk or other resources", "", []string{"53", "58"}},
	{connectors.ErrTransient, "the server's time limit for statements or for idle transactions, or somebody cancelled it", "",
		[]string{"57014", "25P03", "25P04", "57P05"}},
	{connectors.ErrTransient, "the server ended the connection, or is starting or stopping", "", []string{"57P", "08"}},
	{connectors.ErrRefused, "foreign key", "", []string{"23503", "23001"}},
	{connectors.ErrRefused, "unique constraint", "", []string{"23505", "23P01"}},
	{connectors.ErrRefused, "check constraint", "", []string{"23514"}},
	{connectors.ErrRefused, "not null", "", []string{"23502"}},
	{connectors.ErrRefused, "trigger", "", []string{"P0", "27000", "09000", "21", "2F", "38", "39"}},
	{connectors.ErrRefused, "view check option", "", []string{"44000"}},
	{connectors.ErrRefused, "field that the server computes", "", []string{"428C9"}},
	{connectors.ErrRefused, "the value does not fit the field, or is not of its type", "", []string{"22"}},
	{connectors.ErrRefused, "constraint", "", []string{"23"}},
}

// refusals maps what refused a change to its class.
var refusals = map[string]connectors.RefusedClass{
	"foreign key": connectors.RefusedForeignKey, "unique constraint": connectors.RefusedUnique,
	"check constraint": connectors.RefusedCheck, "not null": connectors.RefusedNotNull,
	"trigger": connectors.RefusedTrigger,
}

// classify finds the sentinel for an error of the driver, and words that hold no value.
func classify(err error) (hint string, cause error) {
	var (
		server  *pgconn.PgError
		dial    *net.OpError
		lookup  *net.DNSError
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		cert    *tls.CertificateVerificationError
		placed  *connectors.Error
		silence *wire.Silence
		connect *pgconn.ConnectError
		parse   *pgconn.ParseConfigError
	)
	switch {
	case errors.As(err, &silence):
		return silence.Next("the source"), fmt.Errorf("%w: %w", silence, connectors.ErrUnreachable)
	case errors.As(err, &placed):
		return placed.Hint, placed.Err
	case errors.Is(err, context.Canceled):
		return "", context.Canceled
	case errors.Is(err, context.DeadlineExceeded) && !errors.As(err, &dial):
		return "", context.DeadlineExceeded
	case errors.As(err, &server):
		return classifyServer(server)
	case errors.As(err, &cert), errors.As(err, &unknown), errors.As(err, &name):
		return "add sslrootcert=FILE to the DSN, or sslmode=require to do without",
			fmt.Errorf("the server's certificate cannot be trusted: %w", connectors.ErrConfig)
	case errors.As(err, &dial) && dial.Op == "dial":
		return "check host, port and firewall", fmt.Errorf("no connection to %s: %w", address(dial), connectors.ErrUnreachable)
	case errors.As(err, &lookup):
		return "check the host's name in the DSN", fmt.Errorf("there is no such host: %w", connectors.ErrUnreachable)
	case errors.As(err, &parse):
		return "", fmt.Errorf("%w: %w", errDSN, connectors.ErrConfig)
	case errors.As(err, &connect) && strings.Contains(err.Error(), "server refused TLS connection"):
		return "turn TLS on at the server, or waive it for this source by name",
			fmt.Errorf("the server offers no TLS: %w", connectors.ErrPlaintext)
	case lost(err):
		return "", fmt.Errorf("lost connection: %w", connectors.ErrTransient)
	case errors.As(err, &connect): // its text holds user and host
		return "check host, port, user and password", fmt.Errorf("no connection: %w", connectors.ErrUnreachable)
	}
	return "", err
}

// lost reports whether an error is that of a connection that ended.
func lost(err error) bool {
	var network *net.OpError
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.As(err, &network) && network.Op != "dial" || err != nil && strings.Contains(err.Error(), "conn closed")
}

func address(e *net.OpError) string {
	if e.Addr != nil {
		return e.Addr.String()
	}
	return "the host"
}

// inRoutine reports whether what failed stands in a function: that of a trigger, as the statements of this connector
// call no other.
func inRoutine(e *pgconn.PgError) bool {
	return strings.Contains(e.Where, "function") || strings.Contains(e.Where, "PL/")
}

func classifyServer(e *pgconn.PgError) (hint string, cause error) {
	at := -1
	for i, known := range serverErrors {
		exact := slices.Contains(known.codes, e.Code)
		class := slices.ContainsFunc(known.codes, func(c string) bool { return strings.HasPrefix(e.Code, c) })
		if exact || class && at < 0 {
			at = i
		}
		if exact {
			break
		}
	}
	if at < 0 {
		return "", fmt.Errorf("the server answers with error %s", e.Code)
	}
	known := serverErrors[at]
	switch {
	case errors.Is(known.sentinel, connectors.ErrRefused):
		return known.hint, refusal(known.what, e)
	case errors.Is(known.sentinel, connectors.ErrLocked):
		return known.hint, fmt.Errorf("%w: %w: %s (error %s)", connectors.ErrTransient, known.sentinel, known.what, e.Code)
	}
	return known.hint, fmt.Errorf("%w: %s (error %s)", known.sentinel, known.what, e.Code)
}

// refusal says what refused a change, by the name of the constraint or the field, which the server gives apart from its
// text.
func refusal(what string, e *pgconn.PgError) error {
	refused := &connectors.RefusedError{Class: connectors.RefusedOther}
	class, ok := refusals[what]
	if !ok {
		return fmt.Errorf("%w: %s (error %s)", refused, what, e.Code)
	}
	refused.Class, refused.By = class, cmp.Or(e.ConstraintName, e.ColumnName)
	return fmt.Errorf("%w (error %s)", refused, e.Code)
}

// ofTrigger takes the error of a statement for that of a trigger of the table where it arose in a function, whatever the
// code: a trigger may raise any.
func ofTrigger(err error, table string) error {
	var server *pgconn.PgError
	if !errors.As(err, &server) || !inRoutine(server) {
		return err
	}
	switch server.Code[:2] {
	case "23", "40", "53", "55", "57", "58", "08", "25":
		return err // a constraint of what it writes to, or the server's own
	}
	return fmt.Errorf("%w (error %s)", &connectors.RefusedError{Class: connectors.RefusedTrigger, By: table}, server.Code)
}

// fail gives an error its place and takes what the server says out of it.
func (s *source) fail(op, table string, err error) error {
	if silence := s.dialer.Silence(); silence != nil && lost(err) { // the driver only knows that it is lost
		err = silence
	}
	hint, cause := classify(err)
	return &connectors.Error{Op: op, Source: s.name, Table: table, Err: cause, Hint: hint}
}
