package mysql

import (
	"fmt"
	"net"

	"lethe/connectors"
)

// Login is what a program of the engine has to be told to reach a database as a Source does.
type Login struct {
	Socket, Host, Port       string // a socket, or a host and a port
	User, Password, Database string
	Encrypt                  bool   // TLS, or nothing
	Verify                   bool   // the server's certificate, which is of Host
	Authorities              string // the file of those that may have signed it; "" the system's
}

// LoginOf reads it from a DSN.
func LoginOf(o connectors.Options) (Login, error) {
	cfg, err := parseDSN(o.DSN, o.Plaintext)
	if err != nil {
		return Login{}, fmt.Errorf("%w: %w", connectors.ErrConfig, err)
	}
	l := Login{User: cfg.User, Password: cfg.Passwd, Database: cfg.DBName}
	if cfg.Net == "unix" {
		l.Socket = cfg.Addr
		return l, nil
	}
	if l.Host, l.Port, err = net.SplitHostPort(cfg.Addr); err != nil {
		return Login{}, fmt.Errorf("%w: %w", connectors.ErrConfig, errDSN)
	}
	l.Verify = cfg.TLSConfig == "true" || cfg.TLS != nil && !cfg.TLS.InsecureSkipVerify
	l.Encrypt = l.Verify || cfg.TLSConfig == "skip-verify"
	said, err := readDSN(o.DSN) // as it was before it was obeyed
	if err != nil {
		return Login{}, fmt.Errorf("%w: %w", connectors.ErrConfig, err)
	}
	l.Authorities = said.Params["ssl-ca"]
	return l, nil
}
