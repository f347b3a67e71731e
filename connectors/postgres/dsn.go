package postgres

import (
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/stdlib"

	"lethe/connectors"
	"lethe/connectors/wire"
)

var errDSN = errors.New("not a DSN: want postgres://user:password@host:5432/database, with special characters " +
	"percent-encoded, or \"host=HOST user=USER password=PASSWORD dbname=DATABASE\"")

// parseDSN reads both forms of libpq. Its errors hold nothing of the DSN but the names of parameters. What the
// environment says of a password or a service (PGPASSWORD, .pgpass, PGSERVICE) is taken, as libpq does; what it says of
// TLS is not.
func parseDSN(dsn string, plaintext bool) (*pgx.ConnConfig, error) {
	dsn, err := verified(dsn, plaintext)
	if err != nil {
		return nil, err
	}
	cfg, err := pgx.ParseConfig(dsn)
	var path *os.PathError
	switch {
	case errors.As(err, &path): // without its path, which is part of the DSN
		return nil, fmt.Errorf("read the file of sslrootcert, sslcert or sslkey: %w", path.Err)
	case err != nil && strings.Contains(err.Error(), "PEM"):
		return nil, errors.New("the file of sslrootcert, sslcert or sslkey holds no certificate or key")
	case err != nil:
		return nil, errDSN
	case cfg.Database == "":
		return nil, errors.New("the DSN names no database")
	case plain(cfg) && !plaintext:
		return nil, fmt.Errorf("the DSN allows a connection without TLS: %w", connectors.ErrPlaintext)
	}
	for name := range cfg.RuntimeParams { // sessions are alike, and the pooler of some clouds refuses what it does not know
		if name != "options" && name != "application_name" {
			delete(cfg.RuntimeParams, name)
		}
	}
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "lethe"
	}
	cfg.OnNotice = func(*pgconn.PgConn, *pgconn.Notice) {} // they may quote values
	cfg.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler { return &watcher{conn: c} }
	return cfg, nil
}

// watcher ends what a connection is at when its context ends: the server is asked to cancel a statement, and one that has
// not let anybody in yet is left.
type watcher struct {
	conn    *pgconn.PgConn
	handler ctxwatch.Handler
}

func (w *watcher) HandleCancel(ctx context.Context) {
	if w.conn.PID() != 0 {
		w.handler = &pgconn.CancelRequestContextWatcherHandler{Conn: w.conn, DeadlineDelay: 3 * time.Second}
	} else {
		w.handler = &pgconn.DeadlineContextWatcherHandler{Conn: w.conn.Conn()}
	}
	w.handler.HandleCancel(ctx)
}

func (w *watcher) HandleUnwatchAfterCancel() { w.handler.HandleUnwatchAfterCancel() }

// verified adds the strictest sslmode to a DSN that has none, or only the one of libpq where a waiver allows that.
func verified(dsn string, plaintext bool) (string, error) {
	mode := "verify-full"
	if plaintext {
		mode = "prefer"
	}
	if !strings.Contains(dsn, "://") {
		if !strings.Contains(dsn, "=") {
			return "", errDSN
		}
		if strings.Contains(dsn, "sslmode") {
			return dsn, nil
		}
		return dsn + " sslmode=" + mode, nil
	}
	u, err := url.Parse(dsn)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return "", errDSN
	}
	q := u.Query()
	if q.Get("sslmode") == "" {
		q.Set("sslmode", mode)
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// plain reports whether a connection over a network may be without TLS: a host that is a path is a socket.
func plain(cfg *pgx.ConnConfig) bool {
	bare := func(host string, c *tls.Config) bool { return c == nil && !strings.HasPrefix(host, "/") }
	if bare(cfg.Host, cfg.TLSConfig) {
		return true
	}
	for _, f := range cfg.Fallbacks {
		if bare(f.Host, f.TLSConfig) {
			return true
		}
	}
	return false
}

// connect opens a database and makes sure that it answers.
func connect(ctx context.Context, o connectors.Options, dsn, session string) (*source, error) {
	s := &source{name: o.Name, looks: lookEvery}
	cfg, err := parseDSN(dsn, o.Plaintext)
	if err != nil {
		hint := ""
		if errors.Is(err, connectors.ErrPlaintext) {
			hint = "say sslmode=verify-full, or waive TLS for this source by name"
		} else {
			err = fmt.Errorf("%w: %w", connectors.ErrConfig, err)
		}
		return nil, &connectors.Error{Op: "open", Source: o.Name, Err: err, Hint: hint}
	}
	limits := wire.Limits{Answer: o.AnswerWithin, Statement: o.StatementWithin}
	if limits.Answer == 0 {
		limits.Answer = cfg.ConnectTimeout
	}
	cfg.ConnectTimeout = 0
	s.dialer = wire.NewDialer(context.Background(), limits)
	asker := cfg.Copy()
	asker.DialFunc, cfg.DialFunc = s.dialer.Aside().Dial, s.dialer.Dial
	s.dialer.Ask = wire.Asking(stdlib.GetConnector(*asker), func(err error) bool {
		var server *pgconn.PgError
		return errors.As(err, &server)
	})
	s.db = sql.OpenDB(wire.Connector{Dialer: s.dialer, Connector: stdlib.GetConnector(*cfg,
		stdlib.OptionAfterConnect(func(ctx context.Context, c *pgx.Conn) error { return setUp(ctx, c.PgConn(), session) }))})
	s.db.SetMaxIdleConns(4)
	row, err := s.ask(ctx, "open", "SELECT pg_catalog.current_database(), pg_catalog.current_setting('session_replication_role')")
	if err == nil && row[1] != "origin" {
		err = s.fail("open", "", fmt.Errorf("the role's session_replication_role is %s, so that the server would check no "+
			"foreign key: %w", row[1], connectors.ErrConfig))
	}
	if err != nil {
		_ = s.db.Close()
		return nil, err
	}
	s.database = row[0]
	return s, nil
}

// answersWithin is how long a server may take to let somebody in, unless its DSN says otherwise (connect_timeout).
const answersWithin = 30 * time.Second

// Connect opens a connection as a Source would, for who gives the server statements. The caller closes it.
func Connect(ctx context.Context, o connectors.Options) (*pgconn.PgConn, error) {
	cfg, err := parseDSN(o.DSN, o.Plaintext)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", connectors.ErrConfig, err)
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = answersWithin
	}
	return pgconn.ConnectConfig(ctx, &cfg.Config)
}

// setUp makes a session what it is to be. In a database without a character set (SQL_ASCII) bytes go as they are.
func setUp(ctx context.Context, c *pgconn.PgConn, session string) error {
	charset := "UTF8"
	if c.ParameterStatus("server_encoding") == "SQL_ASCII" {
		charset = "SQL_ASCII"
	}
	_, err := c.Exec(ctx, session+"; SET client_encoding = '"+charset+"'").ReadAll()
	return err
}
