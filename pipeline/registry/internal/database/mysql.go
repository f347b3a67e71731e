package database

import (
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"lethe/connectors/wire"
)

// mysqlEngine is MySQL 8.0.16 or later, or MariaDB 10.4 or later. The DSN has the driver's form or that of
// a URL, as for sources. Texts are stored as bytes, so that no collation takes two of them for one.
// TRUNCATE fires no trigger there; the foreign key of event_payload refuses it.
var mysqlEngine = engine{
	Name:   "mysql",
	open:   openMySQL,
	place:  func(Config) string { return "on MySQL" },
	tables: `SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE()`,
	words: strings.NewReplacer("NUMBERED", "BIGINT AUTO_INCREMENT PRIMARY KEY", "INTEGER", "BIGINT", "LONGTEXT",
		"MEDIUMBLOB", "LONGBLOB", "MEDIUMBLOB", "TEXT", "VARBINARY(255)",
		"BLOB", "VARBINARY(32)", " DEFERRABLE INITIALLY DEFERRED", "", " WITHOUT ROWID", " ENGINE=InnoDB"),
	Guards: []string{
		`CREATE TRIGGER event_no_update BEFORE UPDATE ON event FOR EACH ROW SIGNAL SQLSTATE '45000'
			SET MESSAGE_TEXT = 'event is append-only'`,
		`CREATE TRIGGER event_no_delete BEFORE DELETE ON event FOR EACH ROW SIGNAL SQLSTATE '45000'
			SET MESSAGE_TEXT = 'event is append-only'`,
		`CREATE TRIGGER event_payload_no_update BEFORE UPDATE ON event_payload FOR EACH ROW
			IF NOT (` + sameRow(sealedPayload) + `) THEN SIGNAL SQLSTATE '45000'
			SET MESSAGE_TEXT = 'event_payload is never updated'; END IF`,
		`ALTER TABLE event_payload ADD CONSTRAINT event_payload_event FOREIGN KEY (silo, seq) REFERENCES event (silo,
			seq)`,
	},
	unguard: []string{`DROP TRIGGER IF EXISTS event_no_update`, `DROP TRIGGER IF EXISTS event_no_delete`,
		`DROP TRIGGER IF EXISTS event_payload_no_update`},
	onKey:   true,
	lock:    `SELECT value FROM meta WHERE name = 'schema' FOR UPDATE`,
	insert:  "INSERT INTO ",
	latest:  "GREATEST",
	reader:  sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead},
	failure: mysqlFailure,
	made: func(err error) bool {
		var server *mysql.MySQLError
		if !errors.As(err, &server) {
			return false
		}
		switch server.Number {
		case 1050, 1061, 1359, 1826: // a table, an index, a trigger, a foreign key
			return true
		}
		// a foreign key, in MariaDB's words
		return server.Number == 1005 && strings.Contains(server.Message, "errno: 121")
	},
}

// sameRow is the condition that a row's columns stay as they are.
func sameRow(columns string) string {
	var same []string
	for c := range strings.SplitSeq(columns, ", ") {
		same = append(same, "OLD."+c+" <=> NEW."+c)
	}
	return strings.Join(same, " AND ")
}

var errMySQLDSN = wrong("registry.dsn is not one of MySQL: write user:password@tcp(host:3306)/database or " +
	"mysql://user:password@host:3306/database, the latter with special characters percent-encoded")

// errPlaintext: the DSN allows a connection that others can read.
var errPlaintext = wrong("registry.dsn allows a connection without TLS: leave TLS on, or waive it by name")

func openMySQL(c Config, d *wire.Dialer) (*sql.DB, error) {
	config, err := mysqlConfig(c.DSN)
	if err != nil {
		return nil, err
	}
	if config.DBName == "" {
		return nil, wrong("registry.dsn names no database")
	}
	if err := mysqlTLS(config, c.Plaintext); err != nil {
		return nil, err
	}
	config.Logger = &mysql.NopLogger{}
	config.ParseTime, config.MultiStatements, config.AllowAllFiles, config.ClientFoundRows, config.Collation = false,
		false, false, false, ""
	config.InterpolateParams = true
	config.MaxAllowedPacket = 0                    // ask the server
	config.ReadTimeout, config.WriteTimeout = 0, 0 // the dialer's are
	if config.Params == nil {
		config.Params = map[string]string{}
	}
	config.Params["sql_mode"] = "'STRICT_ALL_TABLES,ANSI_QUOTES,NO_ENGINE_SUBSTITUTION'"
	config.Params["innodb_lock_wait_timeout"] = strconv.Itoa(int(busyTimeout / time.Second))
	if err := config.Apply(mysql.Charset("utf8mb4", "")); err != nil {
		return nil, errMySQLDSN
	}
	asker := config.Clone()
	asker.DialFunc, config.DialFunc = d.Aside().Dial, d.Dial
	asking, err := mysql.NewConnector(asker)
	if err != nil {
		return nil, errMySQLDSN
	}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, errMySQLDSN
	}
	d.Ask = wire.Asking(asking, func(err error) bool {
		var server *mysql.MySQLError
		return errors.As(err, &server)
	})
	return sql.OpenDB(wire.Connector{Connector: connector, Dialer: d}), nil
}

// mysqlConfig reads both forms of a DSN. Its errors hold nothing of it.
func mysqlConfig(dsn string) (*mysql.Config, error) {
	var user *url.Userinfo
	if strings.Contains(dsn, "://") {
		u, err := url.Parse(dsn)
		if err != nil || u.Scheme != "mysql" && u.Scheme != "mariadb" {
			return nil, errMySQLDSN
		}
		params := u.Query()
		host, port := u.Hostname(), u.Port()
		if host == "" {
			host = "127.0.0.1"
		}
		if port == "" {
			port = "3306"
		}
		address := "tcp(" + net.JoinHostPort(host, port) + ")"
		if socket := params.Get("socket"); socket != "" {
			address = "unix(" + socket + ")"
			params.Del("socket")
		}
		if user = u.User; user == nil {
			user = url.User("")
		}
		dsn = address + "/" + url.PathEscape(strings.TrimPrefix(u.Path, "/")) + "?" + params.Encode()
	}
	if _, params, ok := strings.Cut(dsn[strings.LastIndexByte(dsn, '/')+1:], "?"); ok {
		for p := range strings.SplitSeq(params, "&") {
			if name, _, _ := strings.Cut(p, "="); name == "strict" { // the driver panics
				return nil, errMySQLDSN
			}
		}
	}
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, errMySQLDSN
	}
	if user != nil {
		config.User = user.Username()
		config.Passwd, _ = user.Password()
	}
	return config, nil
}

// mysqlTLS decides on TLS: a socket needs none; everything else has it, verified unless the DSN itself says
// tls=skip-verify; only a waiver allows plaintext. ssl-ca names a file of the authority that signed the
// server's certificate.
func mysqlTLS(config *mysql.Config, plaintext bool) error {
	ca, given := config.Params["ssl-ca"]
	delete(config.Params, "ssl-ca")
	switch {
	case config.Net == "unix":
	case config.AllowFallbackToPlaintext && !plaintext, config.TLSConfig == "false" && !plaintext:
		return errPlaintext
	case given && (config.TLSConfig == "" || config.TLSConfig == "true"):
		pem, err := os.ReadFile(ca)
		pool := x509.NewCertPool()
		if err != nil || !pool.AppendCertsFromPEM(pem) {
			return wrong("the file that ssl-ca in registry.dsn names cannot be read, or holds no certificate")
		}
		host, _, err := net.SplitHostPort(config.Addr)
		if err != nil {
			return errMySQLDSN
		}
		config.TLSConfig, config.TLS = "", &tls.Config{RootCAs: pool, ServerName: host, MinVersion: tls.VersionTLS12}
	case given:
		return wrong("ssl-ca and tls in registry.dsn contradict each other")
	case config.TLSConfig == "" && plaintext:
		config.TLSConfig = "preferred"
	case config.TLSConfig == "":
		config.TLSConfig = "true"
	}
	return nil
}

func mysqlFailure(err error) error {
	var server *mysql.MySQLError
	var network net.Error
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &server):
		switch server.Number {
		case 1205, 1213, 3572:
			return fmt.Errorf("%w (error %d)", ErrBusy, server.Number)
		case 1062:
			return fmt.Errorf("%w (error %d)", ErrRecorded, server.Number)
		case 1049, 1146:
			return fmt.Errorf("%w in this database; create it with `lethe registry init`, or correct registry.dsn "+
				"(error %d)", ErrMissing, server.Number)
		case 1044, 1045, 1698:
			return fmt.Errorf("%w: the server refuses user or password (error %d)", ErrUnreachable, server.Number)
		case 1142:
			right, _, _ := strings.Cut(server.Message, " command denied") // then user and table
			return fmt.Errorf("the user of registry.dsn may not %s here: GRANT it, and do the same again (error %d)",
				right, server.Number)
		case 1143, 1227, 1419:
			return fmt.Errorf("the user of registry.dsn may not do this: GRANT it, and do the same again (error %d)",
				server.Number)
		case 1644, 1701:
			return fmt.Errorf("the database refuses it: the log is append-only (error %d)", server.Number)
		case 1406:
			return fmt.Errorf("%w (error %d)", ErrTooLong, server.Number)
		}
		return fmt.Errorf("the server answers with error %d", server.Number)
	case errors.Is(err, mysql.ErrNoTLS):
		return fmt.Errorf("%w: the server offers no TLS; turn it on, or waive it by name", ErrUnreachable)
	case errors.As(err, &certificate):
		return fmt.Errorf("%w: the server's certificate cannot be trusted; add ssl-ca=FILE to registry.dsn",
			ErrUnreachable)
	case errors.As(err, &network), errors.Is(err, driver.ErrBadConn), errors.Is(err, mysql.ErrInvalidConn):
		return fmt.Errorf("%w: no connection to the server of registry.dsn; check host, port, certificate and "+
			"firewall", ErrUnreachable)
	}
	return err
}
