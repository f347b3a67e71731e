package sqlserver

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

	mssql "github.com/microsoft/go-mssqldb"

	"lethe/connectors"
	"lethe/connectors/wire"
)

// serverErrors gives the server's error numbers words, a hint and a sentinel. The server's own text is never used: it
// quotes values. https://learn.microsoft.com/sql/relational-databases/errors-events/database-engine-events-and-errors
var serverErrors = []struct {
	sentinel   error
	what, hint string
	numbers    []int32
}{
	{connectors.ErrDenied, "user or password", "check login, password, and whether the server takes SQL logins",
		[]int32{18452, 18456, 18470, 18486, 18487, 18488}},
	{connectors.ErrDenied, "missing right", "jobs/docs/operator.md lists the GRANT statements, under Rights on the server",
		[]int32{229, 230, 262, 297, 300, 15247, 916, 15151}},
	{connectors.ErrConfig, "unknown database", "check the database's name in the DSN", []int32{4060, 911}},
	{connectors.ErrConfig, "the database is read-only", "apply_dsn must name the primary", []int32{3906, 976, 978}},
	{connectors.ErrConfig, "the server does not know what was asked: it is older than 2016", "", []int32{195, 2812, 102, 156}},
	{connectors.ErrSchemaChanged, "unknown table or field", "", []int32{207, 208, 1088, 4902, 3701, 3732}},
	{connectors.ErrLocked, "lock timeout", "sys.dm_exec_requests says by blocking_session_id which session holds it: end it, " +
		"or let the next night try again", []int32{1222}},
	{connectors.ErrTransient, "deadlock", "", []int32{1205}},
	{connectors.ErrTransient, "the snapshot is gone", "", []int32{3960, 3961, 3966, 3967}},
	{connectors.ErrTransient, "the server lacks memory, disk or log, or is busy", "",
		[]int32{701, 1105, 9002, 8645, 8651, 10928, 10929, 40197, 40501, 40613, 49918, 49919, 49920}},
	{connectors.ErrTransient, "the server ended the connection or the statement", "", []int32{596, 6005, 233, 64, 10053, 10054,
		3926, 3902, 3903}},
	{connectors.ErrRefused, "foreign key", "", []int32{547}},
	{connectors.ErrRefused, "unique constraint", "", []int32{2601, 2627}},
	{connectors.ErrRefused, "not null", "", []int32{515}},
	{connectors.ErrRefused, "field that the server computes", "", []int32{271, 272, 8102, 13535, 13536, 13537}},
	{connectors.ErrRefused, "the value does not fit the field, or is not of its type", "",
		[]int32{220, 232, 235, 241, 242, 244, 245, 248, 257, 295, 2628, 8114, 8115, 8152, 8169, 9420, 13609}},
	{connectors.ErrRefused, "trigger", "", []int32{3609, 3616, 50000}},
	{errors.ErrUnsupported, "the table is kept with its history, or its rows cannot be changed in place", "",
		[]int32{13559, 13560, 12302, 41302, 41305, 41325, 37359}},
}

// refusals maps what refused a change to its class.
var refusals = map[string]connectors.RefusedClass{"foreign key": connectors.RefusedForeignKey,
	"unique constraint": connectors.RefusedUnique, "not null": connectors.RefusedNotNull, "trigger": connectors.RefusedTrigger}

// constraintNamed finds the name of a constraint in the server's text: of a key the first that stands in quotes, and of
// NOT NULL the field. Behind it values may follow, which are not taken.
var constraintNamed = regexp.MustCompile(`(?:constraint|index|column) ["']([^"']{1,128})["']`)

// ofCheck tells the constraint that error 547 is of.
var ofCheck = regexp.MustCompile(`CHECK constraint`)

// classify finds the sentinel for an error of the driver, and words that hold no value.
func classify(err error) (hint string, cause error) {
	var (
		server  mssql.Error
		dial    *net.OpError
		lookup  *net.DNSError
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		cert    *tls.CertificateVerificationError
		placed  *connectors.Error
		silence *wire.Silence
	)
	switch {
	case errors.As(err, &silence):
		return silence.Next("the source"), fmt.Errorf("%w: %w", silence, connectors.ErrUnreachable)
	case errors.As(err, &placed):
		return placed.Hint, placed.Err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "", err
	case errors.As(err, &server):
		return ofServer(server)
	case errors.As(err, &unknown), errors.As(err, &name), errors.As(err, &cert):
		return "name the file of its authority by certificate=FILE in the DSN",
			fmt.Errorf("the server's certificate is not to be trusted: %w", connectors.ErrConfig)
	case errors.As(err, &lookup):
		return "check the host's name in the DSN", fmt.Errorf("the host is not known: %w", connectors.ErrUnreachable)
	case errors.As(err, &dial):
		return "check host and port, and whether the server listens on TCP", fmt.Errorf("no connection: %w",
			connectors.ErrUnreachable)
	case lost(err):
		return "", fmt.Errorf("the connection was lost: %w", connectors.ErrTransient)
	}
	return "", err
}

// lost reports whether an error says no more than that a connection is gone.
func lost(err error) bool {
	var network net.Error
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.As(err, &network)
}

// ofServer gives an error of the server its sentinel: of several the first that is known, as the last ones only say that
// the statement ended.
func ofServer(e mssql.Error) (hint string, cause error) {
	all := e.All
	if len(all) == 0 {
		all = []mssql.Error{e}
	}
	for _, one := range all {
		for _, known := range serverErrors {
			if !slices.Contains(known.numbers, one.Number) {
				continue
			}
			if errors.Is(known.sentinel, connectors.ErrRefused) {
				return known.hint, refusal(known.what, one)
			}
			if errors.Is(known.sentinel, connectors.ErrLocked) {
				return known.hint, fmt.Errorf("%w: %w: %s (error %d)", connectors.ErrTransient, known.sentinel, known.what, one.Number)
			}
			return known.hint, fmt.Errorf("%w: %s (error %d)", known.sentinel, known.what, one.Number)
		}
	}
	if e.ProcName != "" || e.Number >= 50000 { // a trigger may raise any
		return "", fmt.Errorf("%w (error %d)", &connectors.RefusedError{Class: connectors.RefusedTrigger}, e.Number)
	}
	return "", fmt.Errorf("the server answers with error %d", e.Number)
}

// refusal says what refused a change, by the name of the constraint or the field.
func refusal(what string, e mssql.Error) error {
	refused := &connectors.RefusedError{Class: connectors.RefusedOther}
	if e.Number == 547 && ofCheck.MatchString(e.Message) {
		refused.Class = connectors.RefusedCheck
	} else if class, ok := refusals[what]; ok {
		refused.Class = class
	} else {
		return fmt.Errorf("%w: %s (error %d)", refused, what, e.Number)
	}
	if m := constraintNamed.FindStringSubmatch(e.Message); m != nil && refused.Class != connectors.RefusedTrigger {
		refused.By = m[1]
	}
	return fmt.Errorf("%w (error %d)", refused, e.Number)
}

// fail gives an error its place and takes what the server says out of it.
func (s *source) fail(op, table string, err error) error {
	if s.dialer != nil {
		if silence := s.dialer.Silence(); silence != nil && lost(err) { // the driver only knows that it is lost
			err = silence
		}
	}
	hint, cause := classify(err)
	return &connectors.Error{Op: op, Source: s.name, Table: table, Err: cause, Hint: hint}
}
