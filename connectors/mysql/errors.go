package mysql

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"

	"lethe/connectors"
	"lethe/connectors/wire"
)

// serverErrors gives the server's error numbers words, a hint and a sentinel. The server's own text is
// never used: it quotes values. Numbers below 4000 are common to MySQL and MariaDB or belong to MySQL;
// MariaDB's own are 1900 to 1999 and above 4000.
var serverErrors = []struct {
	sentinel   error
	what, hint string
	numbers    []uint16
}{
	{connectors.ErrDenied, "user or password", "check user, password and the host the user may come from",
		[]uint16{1045, 1698, 1251, 4151, 3118}},
	{connectors.ErrDenied, "missing right", "jobs/docs/operator.md lists the GRANT statements, under Rights on the server",
		[]uint16{1044, 1142, 1143, 1227, 1370}},
	{connectors.ErrDenied, "password expired", "", []uint16{1820, 1862}},
	{connectors.ErrConfig, "unknown database", "check the database's name in the DSN", []uint16{1049}},
	{connectors.ErrConfig, "the DSN sets a variable that the server does not accept", "", []uint16{1193, 1231}},
	{connectors.ErrConfig, "the server is read-only", "apply_dsn must name the primary", []uint16{1290, 1836}},
	{connectors.ErrConfig, "the server's binary log is in statement format", "set binlog_format to ROW or MIXED",
		[]uint16{1665}},
	{connectors.ErrConfig, "a value is larger than max_allowed_packet", "raise max_allowed_packet on the server",
		[]uint16{1153, 1301}},
	{connectors.ErrPlaintext, "the server insists on TLS", "", []uint16{3159}},
	{connectors.ErrConfig, "the server cannot create the table",
		"its name may be too long for the server's file system", []uint16{1005}},
	{connectors.ErrConfig, "a name is too long, or holds what the server allows in no name", "",
		[]uint16{1059, 1103, 1166}},
	{connectors.ErrConfig, "a field or a key is longer than the storage engine allows", "", []uint16{1071, 1074, 1118}},
	{connectors.ErrSchemaChanged, "unknown table or field", "", []uint16{1146, 1054, 1072, 1412, 1051}},
	{connectors.ErrLocked, "lock timeout", "information_schema.innodb_trx says which session is open for long: end it, or " +
		"let the next night try again", []uint16{1205}},
	{connectors.ErrTransient, "deadlock", "", []uint16{1213, 3058, 1020}},
	{connectors.ErrTransient, "too many connections", "", []uint16{1040, 1203, 1226}},
	{connectors.ErrTransient, "the server ended the connection or the statement", "",
		[]uint16{1053, 1080, 1077, 1079, 1152, 1158, 1159, 1160, 1161, 1184, 1317, 1927, 4031}},
	{connectors.ErrTransient, "the server's time limit for statements", "", []uint16{1969, 3024}},
	{connectors.ErrRefused, "foreign key", "", []uint16{1451, 1452, 1216, 1217, 1761, 1762, 1834, 3008}},
	{connectors.ErrRefused, "unique constraint", "", []uint16{1062, 1169, 1586, 1859}},
	{connectors.ErrRefused, "check constraint", "", []uint16{4025, 3819, 4171}},
	{connectors.ErrRefused, "not null", "", []uint16{1048, 1263, 1364, 1566, 3673}},
	{connectors.ErrRefused, "the value does not fit the field", "", []uint16{1406, 1264, 1265, 1690}},
	{connectors.ErrRefused, "the value is not of the field's type", "", []uint16{1292, 1366, 1300, 1411, 1416, 1525,
		3140, 3141, 3144}},
	{connectors.ErrRefused, "generated field", "", []uint16{1906, 3105}},
	{connectors.ErrRefused, "trigger", "", []uint16{1644, 1442}},
	{connectors.ErrRefused, "view check option", "", []uint16{1369}},
}

// classify finds the sentinel for an error of the driver, and words that hold no value.
func classify(err error) (hint string, cause error) {
	var (
		server  *mysql.MySQLError
		dial    *net.OpError
		unknown x509.UnknownAuthorityError
		cert    *tls.CertificateVerificationError
		placed  *connectors.Error
		silence *wire.Silence
	)
	switch {
	case errors.As(err, &silence):
		return silence.Next("the source"), fmt.Errorf("%w: %w", silence, connectors.ErrUnreachable)
	case errors.As(err, &placed):
		return placed.Hint, placed.Err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded) && !errors.As(err, &dial):
		return "", err
	case errors.As(err, &server):
		return classifyServer(server)
	case errors.Is(err, mysql.ErrNoTLS):
		return "turn TLS on at the server, or waive it for this source by name",
			fmt.Errorf("the server offers no TLS: %w", connectors.ErrPlaintext)
	case errors.As(err, &cert), errors.As(err, &unknown):
		return "add ssl-ca=FILE to the DSN, or tls=skip-verify to do without",
			fmt.Errorf("the server's certificate cannot be trusted: %w", connectors.ErrConfig)
	case errors.As(err, &dial) && dial.Op == "dial":
		return "check host, port and firewall", fmt.Errorf("no connection to %s: %w", address(dial),
			connectors.ErrUnreachable)
	case errors.Is(err, mysql.ErrCleartextPassword), errors.Is(err, mysql.ErrNativePassword),
		errors.Is(err, mysql.ErrOldPassword), errors.Is(err, mysql.ErrUnknownPlugin):
		return "", fmt.Errorf("the server asks for another way to authenticate: %w", connectors.ErrDenied)
	case errors.Is(err, mysql.ErrPktTooLarge):
		return "raise max_allowed_packet on the server", fmt.Errorf("a value is larger than max_allowed_packet: %w",
			connectors.ErrConfig)
	case lost(err):
		return "", fmt.Errorf("lost connection: %w", connectors.ErrTransient)
	}
	return "", err
}

// lost reports whether an error is that of a connection that ended.
func lost(err error) bool {
	var network *net.OpError
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, mysql.ErrInvalidConn) || errors.Is(err, io.EOF) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network) && network.Op != "dial"
}

func address(e *net.OpError) string {
	if e.Addr != nil {
		return e.Addr.String()
	}
	return "the host"
}

func classifyServer(e *mysql.MySQLError) (hint string, cause error) {
	for _, known := range serverErrors {
		if slices.Contains(known.numbers, e.Number) {
			if known.sentinel == connectors.ErrRefused {
				return known.hint, refusal(known.what, e)
			}
			if known.sentinel == connectors.ErrLocked {
				return known.hint, fmt.Errorf("%w: %w: %s (error %d)", connectors.ErrTransient, known.sentinel, known.what,
					e.Number)
			}
			return known.hint, fmt.Errorf("%w: %s (error %d)", known.sentinel, known.what, e.Number)
		}
	}
	state := string(e.SQLState[:])
	switch {
	case strings.HasPrefix(state, "45"):
		return "", refusal("trigger", e)
	case strings.HasPrefix(state, "22"), strings.HasPrefix(state, "23"):
		return "", refusal("constraint", e)
	}
	return "", fmt.Errorf("the server answers with error %d", e.Number)
}

// refusals maps what refused a change to its class.
var refusals = map[string]connectors.RefusedClass{
	"foreign key": connectors.RefusedForeignKey, "unique constraint": connectors.RefusedUnique,
	"check constraint": connectors.RefusedCheck, "not null": connectors.RefusedNotNull,
	"trigger": connectors.RefusedTrigger,
}

// constraintName finds the name of a constraint in the messages of errors 1451, 1452 and 4025, which quote no
// value.
var constraintName = regexp.MustCompile("(?i)\\bCONSTRAINT `((?:[^`]|``)+)`")

// refusal says what refused a change. Of the message it takes the constraint's name alone.
func refusal(what string, e *mysql.MySQLError) error {
	refused := &connectors.RefusedError{Class: connectors.RefusedOther}
	class, ok := refusals[what]
	if !ok {
		return fmt.Errorf("%w: %s (error %d)", refused, what, e.Number)
	}
	refused.Class = class
	if slices.Contains([]uint16{1451, 1452, 4025}, e.Number) {
		if m := constraintName.FindStringSubmatch(e.Message); m != nil {
			refused.By = strings.ReplaceAll(m[1], "``", "`")
		}
	}
	return fmt.Errorf("%w (error %d)", refused, e.Number)
}

// fail gives an error its place and takes what the server says out of it.
func (s *source) fail(op, table string, err error) error {
	if silence := s.dialer.Silence(); silence != nil && lost(err) { // the driver only knows that it is lost
		err = silence
	}
	hint, cause := classify(err)
	return &connectors.Error{Op: op, Source: s.name, Table: table, Err: cause, Hint: hint}
}
