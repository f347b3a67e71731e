package database

import (
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
)

// Same reports whether a source's DSN, or path, names the database of the registry, however both are
// spelled: the same file by another path or link, or the same database of the same server with other
// parameters or another user. A server that is reached by two names is not recognised.
func (c Config) Same(dsn string) bool {
	switch c.Driver {
	case "", "sqlite":
		return sameFile(c.path(), filePath(dsn))
	case "mysql":
		a, err := mysqlConfig(c.DSN)
		b, other := mysqlConfig(dsn)
		return err == nil && other == nil && a.DBName == b.DBName && mysqlServer(a) == mysqlServer(b)
	case "postgres":
		a, err := pgx.ParseConfig(c.DSN)
		b, other := pgx.ParseConfig(dsn)
		return err == nil && other == nil && a.Database == b.Database && a.Port == b.Port &&
			host(a.Host) == host(b.Host)
	}
	return false
}

// filePath is the path in a DSN of SQLite.
func filePath(dsn string) string {
	for _, prefix := range []string{"sqlite:", "file:", "//"} {
		dsn = strings.TrimPrefix(dsn, prefix)
	}
	path, _, _ := strings.Cut(dsn, "?")
	return path
}

func sameFile(a, b string) bool {
	if a == "" || b == "" {
		return false
	}
	first, err := os.Stat(a)
	second, other := os.Stat(b)
	if err == nil && other == nil {
		return os.SameFile(first, second)
	}
	return realPath(a) == realPath(b)
}

// realPath resolves the links of the folder of a file that need not be there yet.
func realPath(path string) string {
	if folder, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		path = filepath.Join(folder, filepath.Base(path))
	}
	if whole, err := filepath.Abs(path); err == nil {
		path = whole
	}
	return path
}

func mysqlServer(c *mysql.Config) string {
	if c.Net != "tcp" {
		return c.Net + " " + c.Addr
	}
	name, port, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return c.Addr
	}
	return net.JoinHostPort(host(name), port)
}

// host is a server's name in lower case; the names of this host are one.
func host(name string) string {
	switch name = strings.ToLower(strings.TrimSuffix(name, ".")); name {
	case "", "localhost", "::1":
		return "127.0.0.1"
	}
	return name
}
