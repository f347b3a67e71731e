package mysql

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/go-sql-driver/mysql"

	"lethe/connectors"
)

var errDSN = errors.New("not a DSN: want user:password@tcp(host:3306)/database or " +
	"mysql://user:password@host:3306/database, the latter with special characters percent-encoded")

// parseDSN reads the driver's form and the URL form. Its errors hold nothing of the DSN but the names of
// parameters.
func parseDSN(dsn string, plaintext bool) (*mysql.Config, error) {
	cfg, err := readDSN(dsn)
	if err != nil {
		return nil, err
	}
	if err := secure(cfg, plaintext); err != nil {
		return nil, err
	}
	cfg.Logger = &mysql.NopLogger{}
	cfg.ParseTime, cfg.InterpolateParams, cfg.MultiStatements, cfg.ColumnsWithAlias, cfg.AllowAllFiles = false, false,
		false, false, false
	cfg.ClientFoundRows = true
	cfg.MaxAllowedPacket = 0 // ask the server
	cfg.Collation = ""
	if err := cfg.Apply(mysql.Charset("utf8mb4", "")); err != nil {
		return nil, errDSN
	}
	return cfg, nil
}

// readDSN reads what a DSN says, without what follows from it.
func readDSN(dsn string) (*mysql.Config, error) {
	var user *url.Userinfo
	if strings.Contains(dsn, "://") {
		var err error
		if dsn, user, err = fromURL(dsn); err != nil {
			return nil, err
		}
	}
	if _, params, ok := strings.Cut(dsn[strings.LastIndexByte(dsn, '/')+1:], "?"); ok {
		for p := range strings.SplitSeq(params, "&") {
			if name, _, _ := strings.Cut(p, "="); name == "strict" { // the driver panics
				return nil, errors.New("the parameter strict does not exist")
			}
		}
	}
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, errDSN
	}
	if user != nil {
		cfg.User = user.Username()
		cfg.Passwd, _ = user.Password()
	}
	if cfg.DBName == "" {
		return nil, errors.New("the DSN names no database")
	}
	return cfg, nil
}

// fromURL turns mysql://user:password@host:port/database?params into the driver's form without user and
// password.
func fromURL(s string) (dsn string, user *url.Userinfo, err error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "mysql" && u.Scheme != "mariadb" {
		return "", nil, errDSN
	}
	params := u.Query()
	address := "tcp(" + net.JoinHostPort(or(u.Hostname(), "127.0.0.1"), or(u.Port(), "3306")) + ")"
	if socket := params.Get("socket"); socket != "" {
		address = "unix(" + socket + ")"
		params.Del("socket")
	}
	user = u.User
	if user == nil {
		user = url.User("")
	}
	return address + "/" + url.PathEscape(strings.TrimPrefix(u.Path, "/")) + "?" + params.Encode(), user, nil
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// secure decides on TLS: a socket needs none; everything else has it, verified unless the DSN itself says
// tls=skip-verify; only a waiver allows plaintext.
func secure(cfg *mysql.Config, plaintext bool) error {
	ca, given := cfg.Params["ssl-ca"]
	delete(cfg.Params, "ssl-ca")
	switch {
	case cfg.Net == "unix":
		return nil
	case cfg.AllowFallbackToPlaintext && !plaintext:
		return fmt.Errorf("the DSN allows the connection to fall back to plaintext: %w", connectors.ErrPlaintext)
	case given && (cfg.TLSConfig == "" || cfg.TLSConfig == "true"):
		pem, err := os.ReadFile(ca)
		if err != nil {
			// without its path, which is part of the DSN
			return fmt.Errorf("read the file of ssl-ca: %w", errors.Unwrap(err))
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return errors.New("the file of ssl-ca holds no certificate")
		}
		host, _, err := net.SplitHostPort(cfg.Addr)
		if err != nil {
			return errDSN
		}
		cfg.TLSConfig, cfg.TLS = "", &tls.Config{RootCAs: pool, ServerName: host, MinVersion: tls.VersionTLS12}
	case given:
		return errors.New("ssl-ca and tls=" + cfg.TLSConfig + " contradict each other")
	case cfg.TLSConfig == "" && plaintext:
		cfg.TLSConfig = "preferred"
	case cfg.TLSConfig == "":
		cfg.TLSConfig = "true"
	case cfg.TLSConfig == "false" && !plaintext:
		return fmt.Errorf("the DSN says tls=%s: %w", cfg.TLSConfig, connectors.ErrPlaintext)
	}
	return nil
}
