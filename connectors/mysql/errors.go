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
	"strings"

	"github.com/go-sql-driver/mysql"

	"lethe/connectors"
)

// serverError gives the server's error numbers words, a hint and a sentinel; nil where it knows none. The server's own text is never used: it quotes values. Numbers below 4000 are common to
// MySQL and MariaDB or belong to MySQL; MariaDB's own are 1900 to 1999 and above 4000.
func serverError(number uint16) (what, hint string, sentinel error) {
	switch number {
	case 1045, 1698, 1251, 4151, 3118:
		return "user or password", "check user, password and the host the user may come from", connectors.ErrDenied
	case 1044, 1142, 1143, 1227, 1370:
		return "missing right", "README.md lists the GRANT statements, under For the operator", connectors.ErrDenied
	case 1820, 1862:
		return "password expired", "", connectors.ErrDenied
	case 1049:
		return "unknown database", "check the database's name in the DSN", connectors.ErrConfig
	case 1193, 1231:
		return "the DSN sets a variable that the server does not accept", "", connectors.ErrConfig
	case 1290, 1836:
		return "the server is read-only", "apply_dsn must name the primary", connectors.ErrConfig
	case 1665:
		return "the server's binary log is in statement format", "set binlog_format to ROW or MIXED", connectors.ErrConfig
	case 1153, 1301:
		return "a value is larger than max_allowed_packet", "raise max_allowed_packet on the server", connectors.ErrConfig
	case 3159:
		return "the server insists on TLS", "", connectors.ErrPlaintext
	case 1005:
		return "the server cannot create the table", "its name may be too long for the server's file system", connectors.ErrConfig
	case 1059, 1103, 1166:
		return "a name is too long, or holds what the server allows in no name", "", connectors.ErrConfig
	case 1071, 1074, 1118:
		return "a field or a key is longer than the storage engine allows", "", connectors.ErrConfig
	case 1146, 1054, 1072, 1412, 1051:
		return "unknown table or field", "", connectors.ErrSchemaChanged
	case 1205:
		return "lock timeout", "", connectors.ErrTransient
	case 1213, 3058, 1020:
		return "deadlock", "", connectors.ErrTransient
	case 1040, 1203, 1226:
		return "too many connections", "", connectors.ErrTransient
	case 1053, 1080, 1077, 1079, 1152, 1158, 1159, 1160, 1161, 1184, 1317, 1927, 4031:
		return "the server ended the connection or the statement", "", connectors.ErrTransient
	case 1969, 3024:
		return "the server's time limit for statements", "", connectors.ErrTransient
	case 1451, 1452, 1216, 1217, 1761, 1762, 1834, 3008:
		return "foreign key", "", connectors.ErrRefused
	case 1062, 1169, 1586, 1859:
		return "unique constraint", "", connectors.ErrRefused
	case 4025, 3819, 4171:
		return "check constraint", "", connectors.ErrRefused
	case 1048, 1263, 1364, 1566, 3673:
		return "not null", "", connectors.ErrRefused
	case 1406, 1264, 1265, 1690:
		return "the value does not fit the field", "", connectors.ErrRefused
	case 1292, 1366, 1300, 1411, 1416, 1525, 3140, 3141, 3144:
		return "the value is not of the field's type", "", connectors.ErrRefused
	case 1906, 3105:
		return "generated field", "", connectors.ErrRefused
	case 1644, 1442:
		return "trigger", "", connectors.ErrRefused
	case 1369:
		return "view check option", "", connectors.ErrRefused
	}
	return "", "", nil
}

// classify finds the sentinel for an error of the driver, and words that hold no value.
func classify(err error) (hint string, cause error) {
	var (
		server  *mysql.MySQLError
		dial    *net.OpError
		unknown x509.UnknownAuthorityError
		cert    *tls.CertificateVerificationError
		placed  *connectors.Error
	)
	switch {
	case errors.As(err, &placed):
		return placed.Hint, placed.Err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded) && !errors.As(err, &dial):
		return "", err
	case errors.As(err, &server):
		return classifyServer(server)
	case errors.Is(err, mysql.ErrNoTLS):
		return "turn TLS on at the server, or waive it for this source by name", fmt.Errorf("the server offers no TLS: %w", connectors.ErrPlaintext)
	case errors.As(err, &cert), errors.As(err, &unknown):
		return "add ssl-ca=FILE to the DSN, or tls=skip-verify to do without", fmt.Errorf("the server's certificate cannot be trusted: %w", connectors.ErrConfig)
	case errors.As(err, &dial) && dial.Op == "dial":
		return "check host, port and firewall", fmt.Errorf("no connection to %s: %w", address(dial), connectors.ErrUnreachable)
	case errors.Is(err, mysql.ErrCleartextPassword), errors.Is(err, mysql.ErrNativePassword), errors.Is(err, mysql.ErrOldPassword), errors.Is(err, mysql.ErrUnknownPlugin):
		return "", fmt.Errorf("the server asks for another way to authenticate: %w", connectors.ErrDenied)
	case errors.Is(err, mysql.ErrPktTooLarge):
		return "raise max_allowed_packet on the server", fmt.Errorf("a value is larger than max_allowed_packet: %w", connectors.ErrConfig)
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, mysql.ErrInvalidConn), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &dial):
		return "", fmt.Errorf("lost connection: %w", connectors.ErrTransient)
	}
	return "", err
}

func address(e *net.OpError) string {
	if e.Addr != nil {
		return e.Addr.String()
	}
	return "the host"
}

func classifyServer(e *mysql.MySQLError) (hint string, cause error) {
	if what, hint, sentinel := serverError(e.Number); sentinel != nil {
		return hint, fmt.Errorf("%w: %s (error %d)", sentinel, what, e.Number)
	}
	state := string(e.SQLState[:])
	switch {
	case strings.HasPrefix(state, "45"):
		return "", fmt.Errorf("%w: trigger (error %d)", connectors.ErrRefused, e.Number)
	case strings.HasPrefix(state, "22"), strings.HasPrefix(state, "23"):
		return "", fmt.Errorf("%w: constraint (error %d)", connectors.ErrRefused, e.Number)
	}
	return "", fmt.Errorf("the server answers with error %d", e.Number)
}

// fail gives an error its place and takes what the server says out of it.
func (s *source) fail(op, table string, err error) error {
	hint, cause := classify(err)
	return &connectors.Error{Op: op, Source: s.name, Table: table, Err: cause, Hint: hint}
}
