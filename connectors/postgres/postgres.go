// Package postgres reads and changes PostgreSQL databases. One source is one database of a server: the one its DSN
// names, with all of its schemas. It is tested with PostgreSQL 15 and asks for nothing that PostgreSQL 12 lacks.
//
// A DSN is that of libpq, a URL or key=value pairs: postgres://user:password@host:5432/database. A socket is
// postgres:///database?host=/run/postgresql&user=lethe. Without sslmode the connection is encrypted and the server's
// certificate verified (verify-full), against the system's authorities or those in the file that sslrootcert names.
// sslmode=require is taken at its word: encrypted, and not verified.
//
// The rights it needs. For reading (dsn), in each schema:
//
//	GRANT USAGE ON SCHEMA public TO lethe;
//	GRANT SELECT ON ALL TABLES IN SCHEMA public TO lethe;
//	ALTER DEFAULT PRIVILEGES FOR ROLE app IN SCHEMA public GRANT SELECT ON TABLES TO lethe;
//
// For changing (apply_dsn), which neither creates nor inserts anything unless it keeps copies:
//
//	GRANT USAGE ON SCHEMA public TO lethe_apply;
//	GRANT SELECT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO lethe_apply;
//
// Triggers run with the rights of the user who changes, unless their function is SECURITY DEFINER: what they write to
// has to be granted, too. For copies (apply_dsn), besides those:
//
//	GRANT CREATE ON SCHEMA public TO lethe_apply;
//
// Row level security is never taken for the whole: sessions say row_security = off, so that the server refuses a query
// of which a policy would hide rows. Such a table is read by its owner, or by a user with BYPASSRLS.
//
// Tables of the schema public go by their names, those of others as SCHEMA.TABLE, as in pg_dump's files. A partitioned
// table is one table, read and changed by its root. A table that inherits from others (INHERITS) is one of its own, and
// so is each that it inherits from: ONLY its own rows are its. A table without a primary key is read and never changed:
// a row's place (ctid) is another's as soon as it is gone, and a row that is named by all its values may be there twice.
//
// The pages of a scan of a table are read from one cursor, and so in one snapshot. It is ended, and the next page read in a
// new one from the key that was reached, where the caller works for more than five seconds, or for
// half of what the server bears (idle_in_transaction_session_timeout, transaction_timeout), where somebody waits for a lock
// on the table, and where the server ended it. Rows that were written between are then as they are by then; one that was
// given another key between may be read twice, or not at all. Rows of a table without a key are streamed by one statement.
//
// Behind a pooler that hands out transactions (PgBouncer's pool_mode = transaction) sessions do not keep what they say:
// name the server itself, or a pool of sessions.
package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"lethe/connectors"
	"lethe/connectors/wire"
)

// Connector opens databases of PostgreSQL servers.
var Connector = connectors.Connector{
	Name:    "postgres",
	About:   "a database of a PostgreSQL server",
	Schemes: []string{"postgres", "postgresql"},
	Database: func(dsn string) string {
		cfg, err := parseDSN(dsn, true)
		if err != nil {
			return ""
		}
		return cfg.Database
	},
	Options: options,
	Open:    open,
}

// options are those of this connector alone.
var options = []connectors.OptionSpec{{
	Name: "vacuum",
	About: "never, which is the default, or after; whether tables of which rows were changed are vacuumed at the end " +
		"of a night, so that the places of deleted values may be used again at once",
	Check: func(value string) error {
		if value != "never" && value != "after" {
			return errors.New("neither never nor after")
		}
		return nil
	},
}}

// source is a database that is only read.
type source struct {
	name     string // of the source in the configuration
	database string
	db       *sql.DB
	dialer   *wire.Dialer
	looks    time.Duration // how often a scan asks who waits for its table

	mu      sync.Mutex
	catalog *catalog
	limits  limits
}

// mutable is a source that can also be changed, over connections of its own.
type mutable struct {
	*source
	apply *source

	vacuum  bool
	changed map[string]string // tables of which rows were changed, with their names in statements; mu is source's
}

func open(ctx context.Context, o connectors.Options) (connectors.Source, error) {
	if err := connectors.CheckOptions(options, o.Extra); err != nil {
		return nil, &connectors.Error{Op: "open", Source: o.Name, Err: err}
	}
	s, err := connect(ctx, o, o.DSN, readSession)
	if err != nil {
		return nil, err
	}
	if o.ApplyDSN == "" {
		return s, nil
	}
	a, err := connect(ctx, o, o.ApplyDSN, applySession)
	if err == nil {
		err = same(ctx, s, a)
	}
	if err != nil {
		if a != nil {
			_ = a.db.Close()
		}
		_ = s.db.Close()
		return nil, err
	}
	return &mutable{source: s, apply: a, vacuum: o.Extra["vacuum"] == "after", changed: map[string]string{}}, nil
}

// same refuses two ways that lead to two databases, as far as the server tells.
func same(ctx context.Context, s, a *source) error {
	here, sure, err := s.place(ctx)
	if err != nil {
		return err
	}
	there, sureToo, err := a.place(ctx)
	if err == nil && (s.database != a.database || sure && sureToo && here != there) {
		err = &connectors.Error{Op: "open", Source: s.name,
			Err: fmt.Errorf("dsn and apply_dsn name different databases: %w", connectors.ErrConfig)}
	}
	return err
}

// The sessions. They are alike whatever the server, the database or the role says: values come as pg_dump writes them,
// in UTC, names are whole (no search path), a policy that would hide rows is an error, and the rows of a table come in
// the same order twice.
const commonSession = "SET statement_timeout = 0; SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; " +
	"SET extra_float_digits = 3; SET bytea_output = 'hex'; SET standard_conforming_strings = on; " +
	"SET search_path = ''; SET row_security = off; SET array_nulls = on; SET transform_null_equals = off; " +
	"SET synchronize_seqscans = off; SET max_parallel_workers_per_gather = 0; SET client_min_messages = error; " +
	"SET default_transaction_isolation = 'read committed'; SET default_transaction_deferrable = off; " +
	"SET xmloption = 'content'; " +
	// cursors give their first rows soon, by an index and not by sorting all
	"SET cursor_tuple_fraction = 0.0001; SET jit = off; " +
	// rows are named by keys, some thousand at a time: a step down an index each, and not the whole table once
	"SET random_page_cost = 1; SET cpu_index_tuple_cost = 0.001; SET effective_cache_size = '64GB'; "

const (
	readSession  = commonSession + "SET lock_timeout = '60s'; SET default_transaction_read_only = on"
	applySession = commonSession + "SET lock_timeout = '5s'; SET default_transaction_read_only = off; " +
		"SET synchronous_commit = on"
)

// Close closes the connections. One that the server has ended cannot be closed once more, which is no error.
func (s *source) Close() error {
	_ = s.db.Close()
	return nil
}

// Close vacuums what was changed, where that is asked for, and closes the connections.
func (m *mutable) Close() error {
	return errors.Join(m.vacuumChanged(), m.source.Close(), m.apply.Close())
}

// vacuumChanged has the server take dead rows out of the tables of which rows were changed. What others can still see, as
// their transactions are older, stays for autovacuum. A table that the user does not own the server passes over: Foresee
// says so.
func (m *mutable) vacuumChanged() (err error) {
	if !m.vacuum || len(m.changed) == 0 {
		return nil
	}
	conn, err := m.apply.db.Conn(context.Background())
	if err != nil {
		return m.apply.fail("vacuum", "", err)
	}
	defer func() { _ = conn.Close() }()
	for _, name := range slices.Sorted(maps.Keys(m.changed)) {
		if _, _, vacuumed := exec(context.Background(), conn, "VACUUM "+m.changed[name], nil); vacuumed != nil {
			err = errors.Join(err, m.apply.fail("vacuum", name, vacuumed))
		}
	}
	return err
}

// ask returns the one row of a query.
func (s *source) ask(ctx context.Context, op, query string) (row []string, err error) {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return nil, s.fail(op, "", err)
	}
	defer func() { _ = conn.Close() }()
	err = collect(ctx, conn, query, nil, func(r []string) error {
		row = append(row, r...)
		return nil
	})
	if err != nil {
		return nil, s.fail(op, "", err)
	}
	return row, nil
}

// Clock returns the server's time.
func (s *source) Clock(ctx context.Context) (time.Time, error) {
	row, err := s.ask(ctx, "clock", "SELECT pg_catalog.clock_timestamp() AT TIME ZONE 'UTC'")
	if err != nil {
		return time.Time{}, err
	}
	t, err := time.Parse("2006-01-02 15:04:05.999999", row[0])
	if err != nil {
		return time.Time{}, s.fail("clock", "", err)
	}
	return t, nil
}

// Zone returns the zone of sessions that say no other.
func (s *source) Zone(ctx context.Context) (string, error) {
	row, err := s.ask(ctx, "zone", "SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'TimeZone'")
	if err != nil {
		return "", err
	}
	switch strings.ToUpper(strings.TrimPrefix(row[0], "Etc/")) {
	case "UTC", "GMT", "ZULU", "UNIVERSAL", "UCT":
		return "UTC", nil
	}
	return row[0], nil
}

// Place is the number that initdb gave the cluster, which no two have alike, and that of the database in it. A standby
// is the same place as its primary. Where an administrator keeps that number from users, it is the instant at which the
// server was started.
func (s *source) Place(ctx context.Context) (string, error) {
	place, _, err := s.place(ctx)
	return place, err
}

func (s *source) place(ctx context.Context) (place string, sure bool, err error) {
	const database = " || '/' || (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())"
	row, err := s.ask(ctx, "open", "SELECT (SELECT system_identifier FROM pg_catalog.pg_control_system())::text"+database)
	if sure = err == nil; errors.Is(err, connectors.ErrDenied) {
		row, err = s.ask(ctx, "open", "SELECT pg_catalog.pg_postmaster_start_time()::text"+database)
	}
	if err != nil {
		return "", false, err
	}
	return "postgres/" + row[0], sure, nil
}
