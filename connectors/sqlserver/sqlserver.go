// Package sqlserver reads and changes databases of Microsoft SQL Server and Azure SQL. One source is one database of a
// server: the one its DSN names. It was never tried on a server here: its statements are held by golden files, nothing is
// changed by it before `lethe connectors prove` has tried it on yours. It asks for SQL Server 2016 or later, and for a
// compatibility level of 130 or more (OPENJSON).
//
// A DSN is a URL: sqlserver://user:password@host:1433?database=crm, or sqlserver://user:password@host/INSTANCE?database=crm.
// The connection is encrypted and the server's certificate verified, against the system's authorities or those in the file
// that the parameter certificate names.
//
// The rights it needs. For reading (dsn):
//
//	CREATE USER lethe FOR LOGIN lethe;
//	ALTER ROLE db_datareader ADD MEMBER lethe;
//	GRANT VIEW DEFINITION TO lethe;
//
// For changing (apply_dsn), which neither creates nor inserts anything unless it keeps copies:
//
//	CREATE USER lethe_apply FOR LOGIN lethe_apply;
//	ALTER ROLE db_datareader ADD MEMBER lethe_apply;
//	GRANT UPDATE, DELETE, VIEW DEFINITION TO lethe_apply;
//
// For copies (apply_dsn), besides those:
//
//	GRANT CREATE TABLE, CREATE VIEW TO lethe_apply;
//	GRANT ALTER, INSERT ON SCHEMA::dbo TO lethe_apply;
//
// A page of a scan is one statement, in a snapshot where the database allows that (ALLOW_SNAPSHOT_ISOLATION or
// READ_COMMITTED_SNAPSHOT); where it does not, rows are read one committed row after another, and readers and writers wait
// for each other. Never are rows read that nobody committed.
//
// Rows are locked while they are decided anew (UPDLOCK). Where a table has a rowversion, and nothing but the statement
// itself changes its rows along (no triggers, no cascades), a change names the version that was decided on, too.
//
// Tables of the schema dbo go by their names, those of others as SCHEMA.TABLE. What cannot be changed in place is read and
// named as that: tables kept with their history (system-versioned) and their histories, memory-optimised tables, ledgers,
// nodes and edges of graphs, FileTables, external tables, and those without a primary key.
package sqlserver

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	mssql "github.com/microsoft/go-mssqldb"
	"github.com/microsoft/go-mssqldb/msdsn"

	"lethe/connectors"
	"lethe/connectors/wire"
)

// Connector opens databases of SQL Server.
var Connector = connectors.Connector{
	Name:    "sqlserver",
	About:   "a database of Microsoft SQL Server 2016 or later, or of Azure SQL",
	Schemes: []string{"sqlserver", "mssql"},
	Database: func(dsn string) string {
		cfg, err := parseDSN(dsn, true)
		if err != nil {
			return ""
		}
		return cfg.Database
	},
	Open: open,
}

// source is a database that is only read.
type source struct {
	name     string // of the source in the configuration
	database string
	db       *sql.DB
	dialer   *wire.Dialer

	mu      sync.Mutex
	catalog map[string]*table
	unread  []connectors.Unread
}

// mutable is a source that can also be changed, over connections of its own.
type mutable struct {
	*source
	apply *source
}

func open(ctx context.Context, o connectors.Options) (connectors.Source, error) {
	if err := connectors.CheckOptions(nil, o.Extra); err != nil {
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
	return &mutable{source: s, apply: a}, nil
}

// same refuses two ways that lead to two databases.
func same(ctx context.Context, s, a *source) error {
	here, err := s.Place(ctx)
	if err != nil {
		return err
	}
	there, err := a.Place(ctx)
	if err == nil && here != there {
		err = &connectors.Error{Op: "open", Source: s.name,
			Err: fmt.Errorf("dsn and apply_dsn name different databases: %w", connectors.ErrConfig)}
	}
	return err
}

// The sessions, alike whatever the server, the database or the login says.
const (
	commonSession = "SET ANSI_NULLS, ANSI_PADDING, ANSI_WARNINGS, ARITHABORT, CONCAT_NULL_YIELDS_NULL, QUOTED_IDENTIFIER, " +
		"XACT_ABORT ON; SET NUMERIC_ROUNDABORT, IMPLICIT_TRANSACTIONS, NOCOUNT OFF; SET ROWCOUNT 0; SET TEXTSIZE 2147483647; " +
		"SET LANGUAGE us_english; SET DATEFORMAT ymd; SET DATEFIRST 7; "
	readSession = commonSession + "SET LOCK_TIMEOUT 60000; IF EXISTS (SELECT 1 FROM sys.databases WHERE database_id = DB_ID() " +
		"AND snapshot_isolation_state = 1) SET TRANSACTION ISOLATION LEVEL SNAPSHOT ELSE SET TRANSACTION ISOLATION LEVEL READ " +
		"COMMITTED"
	applySession = commonSession + "SET LOCK_TIMEOUT 5000; SET TRANSACTION ISOLATION LEVEL READ COMMITTED"
)

var errDSN = errors.New("not a DSN: want sqlserver://user:password@host:1433?database=crm, with special characters " +
	"percent-encoded")

// parseDSN reads a DSN. Its errors hold nothing of it.
func parseDSN(dsn string, plaintext bool) (msdsn.Config, error) {
	scheme, rest, ok := strings.Cut(dsn, "://")
	if !ok || scheme != "sqlserver" && scheme != "mssql" {
		return msdsn.Config{}, errDSN
	}
	lower := strings.ToLower(rest)
	if !strings.Contains(lower, "encrypt=") && !plaintext {
		glue := "?"
		if strings.Contains(rest, "?") {
			glue = "&"
		}
		rest += glue + "encrypt=true&trustservercertificate=false"
	}
	cfg, err := msdsn.Parse("sqlserver://" + rest)
	switch {
	case err != nil:
		return cfg, errDSN
	case cfg.Database == "":
		return cfg, errors.New("the DSN names no database")
	case !plaintext && cfg.Encryption != msdsn.EncryptionRequired && cfg.Encryption != msdsn.EncryptionStrict:
		return cfg, fmt.Errorf("the DSN allows a connection without TLS: %w", connectors.ErrPlaintext)
	case !plaintext && (cfg.TrustServerCertificate || cfg.TLSConfig != nil && cfg.TLSConfig.InsecureSkipVerify):
		return cfg, fmt.Errorf("the DSN takes any certificate (trustservercertificate): %w", connectors.ErrPlaintext)
	}
	cfg.AppName = "lethe"
	cfg.LogFlags = 0 // which would write statements and values
	return cfg, nil
}

// dialing lets the driver dial as package wire does.
type dialing struct{ *wire.Dialer }

// connect opens a database and makes sure that it answers.
func connect(ctx context.Context, o connectors.Options, dsn, session string) (*source, error) {
	s := &source{name: o.Name}
	cfg, err := parseDSN(dsn, o.Plaintext)
	if err != nil {
		hint := ""
		if errors.Is(err, connectors.ErrPlaintext) {
			hint = "say encrypt=true without trustservercertificate, or waive TLS for this source by name"
		} else {
			err = fmt.Errorf("%w: %w", connectors.ErrConfig, err)
		}
		return nil, &connectors.Error{Op: "open", Source: o.Name, Err: err, Hint: hint}
	}
	s.dialer = wire.NewDialer(context.Background(), wire.Limits{Answer: o.AnswerWithin, Statement: o.StatementWithin})
	asking := mssql.NewConnectorConfig(cfg)
	asking.Dialer = dialing{s.dialer.Aside()}
	s.dialer.Ask = wire.Asking(asking, func(err error) bool {
		var server mssql.Error
		return errors.As(err, &server)
	})
	inner := mssql.NewConnectorConfig(cfg)
	inner.Dialer, inner.SessionInitSQL = dialing{s.dialer}, session
	return s, s.begin(ctx, wire.Connector{Connector: inner, Dialer: s.dialer})
}

// DialContext dials.
func (d dialing) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return d.Dial(ctx, network, address)
}

// begin opens the pool of connections over a driver.
func (s *source) begin(ctx context.Context, c driver.Connector) error {
	s.db = sql.OpenDB(c)
	s.db.SetMaxIdleConns(4)
	row, err := s.ask(ctx, "open", "SELECT DB_NAME(), CONVERT(int, SERVERPROPERTY('EngineEdition')), "+
		"(SELECT compatibility_level FROM sys.databases WHERE database_id = DB_ID())")
	if err == nil && len(row[2]) < 3 || err == nil && row[2] < "130" {
		err = s.fail("open", "", fmt.Errorf("the database's compatibility level is below 130: %w", connectors.ErrConfig))
	}
	if err != nil {
		_ = s.db.Close()
		return err
	}
	s.database = row[0]
	return nil
}

// Close closes the connections.
func (s *source) Close() error {
	_ = s.db.Close()
	return nil
}

// Close closes the connections of both users.
func (m *mutable) Close() error { return errors.Join(m.source.Close(), m.apply.Close()) }

// Clock returns the server's time.
func (s *source) Clock(ctx context.Context) (time.Time, error) {
	row, err := s.ask(ctx, "clock", "SELECT CONVERT(varchar(40), SYSUTCDATETIME(), 121)")
	if err != nil {
		return time.Time{}, err
	}
	t, err := time.Parse("2006-01-02 15:04:05.999999999", row[0])
	if err != nil {
		return time.Time{}, s.fail("clock", "", err)
	}
	return t, nil
}

// Zone returns the server's zone; it knows names of its own for zones, and offsets.
func (s *source) Zone(ctx context.Context) (string, error) {
	row, err := s.ask(ctx, "zone", "SELECT DATENAME(TZOFFSET, SYSDATETIMEOFFSET())")
	if err != nil {
		return "", err
	}
	if row[0] == "+00:00" {
		return "UTC", nil
	}
	return row[0], nil
}

// Place is the broker's number of the database, which no two have alike but copies, with the server that has it and its
// number there.
func (s *source) Place(ctx context.Context) (string, error) {
	row, err := s.ask(ctx, "open", "SELECT CONVERT(varchar(40), service_broker_guid), CONVERT(nvarchar(256), "+
		"SERVERPROPERTY('ServerName')), CONVERT(varchar(20), database_id), CONVERT(varchar(40), create_date, 121) FROM "+
		"sys.databases WHERE database_id = DB_ID()")
	if err != nil {
		return "", err
	}
	return strings.Join(row, "/"), nil
}

// Engine asks the server for its version and who runs it.
func (s *source) Engine(ctx context.Context) (connectors.Engine, error) {
	row, err := s.ask(ctx, "open", "SELECT CONVERT(varchar(40), SERVERPROPERTY('ProductVersion')), CONVERT(varchar(10), "+
		"SERVERPROPERTY('EngineEdition')), CONVERT(nvarchar(128), DATABASEPROPERTYEX(DB_NAME(), 'Collation'))")
	if err != nil {
		return connectors.Engine{}, err
	}
	return engineOf(row[0], row[1], row[2]), nil
}

// engineOf makes an engine of what a server says of itself. Of Azure SQL the number of the version does not change with
// what runs there.
func engineOf(version, edition, collation string) connectors.Engine {
	e := connectors.Engine{Product: "SQL Server", Version: version, Collation: collation}
	switch edition {
	case "5":
		e.Product = "Azure SQL Database"
	case "6", "11":
		e.Product = "Azure Synapse"
	case "8":
		e.Product = "Azure SQL Managed Instance"
	case "9":
		e.Product = "Azure SQL Edge"
	case "12":
		e.Product = "SQL database in Fabric"
	}
	major, _, _ := strings.Cut(version, ".")
	e.Series = major
	return e
}

// ask returns the first row of a query; NULL is "".
func (s *source) ask(ctx context.Context, op, query string, params ...any) (row []string, err error) {
	err = collect(ctx, s.db, query, params, func(values [][]byte) error {
		for _, v := range values {
			row = append(row, string(v))
		}
		return nil
	})
	if err == nil && len(row) == 0 {
		err = errors.New("the server answers with no row")
	}
	if err != nil {
		return nil, s.fail(op, "", err)
	}
	return row, nil
}

// queryer is a pool of connections, one of them, or a transaction.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// collect runs a query and hands over each row; nil is NULL, and the values are valid until row returns.
func collect(ctx context.Context, q queryer, query string, params []any, row func([][]byte) error) error {
	rows, err := q.QueryContext(ctx, query, params...)
	if err != nil {
		return because(ctx, err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		return because(ctx, err)
	}
	raw, into, values := make([]sql.RawBytes, len(columns)), make([]any, len(columns)), make([][]byte, len(columns))
	for i := range raw {
		into[i] = &raw[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return because(ctx, err)
		}
		for i, v := range raw {
			values[i] = v
		}
		if err := row(values); err != nil {
			return err
		}
	}
	return because(ctx, rows.Err())
}

// because returns the context's error for whatever the driver made of it.
func because(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// quoteName writes a name as SQL.
func quoteName(name string) string { return "[" + strings.ReplaceAll(name, "]", "]]") + "]" }
