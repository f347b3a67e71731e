package restore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"lethe/connectors"
	"lethe/connectors/mysql"
	"lethe/connectors/postgres"
)

// silent is how long a server may give a program that reads a dump of it nothing.
const silent = 10 * time.Minute

// TakeMariaDB writes a dump of a database of MySQL or MariaDB to a file that is not there yet, by the program
// mariadb-dump: tables, views, triggers, routines and events, as InnoDB shows them at one moment. It is packed as the
// file's name says: .gz, .zst, or not at all.
func TakeMariaDB(ctx context.Context, o connectors.Options, path string) error {
	dump, err := program("mariadb-dump")
	if err != nil {
		return Absent{"mariadb-dump"}
	}
	login, err := mysql.LoginOf(o)
	if err != nil {
		return err
	}
	if err := answers(ctx, mysql.Connector, o); err != nil {
		return err
	}
	said := path + ".login"
	if err := writeOptions(said, login); err != nil {
		return err
	}
	defer func() { _ = os.Remove(said) }() // its folder goes
	return take(ctx, path, exec.Command(dump, "--defaults-file="+said, "--single-transaction", "--skip-lock-tables", "--quick",
		"--hex-blob", "--routines", "--triggers", "--events", "--no-tablespaces", "--max-allowed-packet=1G",
		"--default-character-set=utf8mb4", login.Database))
}

// writeOptions writes a file of options that only its owner reads.
func writeOptions(path string, l mysql.Login) error {
	return os.WriteFile(path, []byte(optionsOf(l)), 0o600)
}

// optionsOf is a file of options by which the programs of MariaDB reach a database, so that no password stands in a
// list of processes.
func optionsOf(l mysql.Login) string {
	var b strings.Builder
	b.WriteString("[client]\n")
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`)
	say := func(name, value string) { fmt.Fprintf(&b, "%s=\"%s\"\n", name, escape.Replace(value)) }
	say("user", l.User)
	say("password", l.Password)
	b.WriteString("loose-connect-timeout=30\n") // which mariadb-dump does not know
	if l.Socket != "" {
		say("socket", l.Socket)
		return b.String()
	}
	say("host", l.Host)
	say("port", l.Port)
	b.WriteString("protocol=tcp\n")
	switch {
	case l.Verify:
		b.WriteString("ssl\nssl-verify-server-cert\n")
		say("ssl-ca", cmp.Or(l.Authorities, authorities()))
	case l.Encrypt:
		b.WriteString("ssl\nskip-ssl-verify-server-cert\n")
	default: // as the server likes
		b.WriteString("skip-ssl-verify-server-cert\n")
	}
	return b.String()
}

// authorities is the file of the authorities that this system trusts, where the systems that we know have it.
func authorities() string {
	for _, path := range []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
		"/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"} {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return ""
}

// TakePostgres writes a dump of a database of PostgreSQL to a file that is not there yet, by the program pg_dump, in one
// snapshot: an archive where the file is named .dump, else a script, packed as the name says: .gz, .zst, or not at all.
// Owners and rights, which another server does not have, are left out.
func TakePostgres(ctx context.Context, o connectors.Options, path string) error {
	dump, err := program("pg_dump", homes()...)
	if err != nil {
		return Absent{"pg_dump"}
	}
	dsn, env, err := loginOf(o)
	if err != nil {
		return err
	}
	if err := answers(ctx, postgres.Connector, o); err != nil {
		return err
	}
	form := "--format=plain"
	if strings.HasSuffix(path, ".dump") {
		form = "--format=custom"
	}
	c := exec.Command(dump, form, "--no-owner", "--no-privileges", "--lock-wait-timeout=60s", "--encoding=UTF8",
		"--dbname="+dsn)
	c.Env = env
	return take(ctx, path, c)
}

// loginOf is how a program of PostgreSQL reaches a database: its URL, and its password in the environment, which only its
// owner sees. What is not said of TLS is the strictest, as it is for a Source.
func loginOf(o connectors.Options) (dsn string, env []string, err error) {
	u, err := urlOf(o.DSN)
	if err != nil {
		return "", nil, err
	}
	q := u.Query()
	password, given := u.User.Password()
	if given {
		u.User = url.User(u.User.Username())
	}
	if p := q.Get("password"); p != "" {
		password, given = p, true
		q.Del("password")
	}
	socket := strings.HasPrefix(q.Get("host"), "/") || strings.HasPrefix(u.Host, "%2F")
	switch mode := q.Get("sslmode"); {
	case mode == "" && o.Plaintext:
		q.Set("sslmode", "prefer")
	case mode == "" && !socket:
		q.Set("sslmode", "verify-full")
	}
	if strings.HasPrefix(q.Get("sslmode"), "verify-") && q.Get("sslrootcert") == "" {
		if path := authorities(); path != "" {
			q.Set("sslrootcert", path)
		}
	}
	u.RawQuery = q.Encode()
	env = []string{"LC_ALL=C", "PATH=/usr/bin:/bin", "PGCONNECT_TIMEOUT=30", "PGAPPNAME=lethe"}
	if given {
		env = append(env, "PGPASSWORD="+password)
	}
	return u.String(), env, nil
}

// urlOf is the URL of a DSN of either form of libpq.
func urlOf(dsn string) (*url.URL, error) {
	if u, err := url.Parse(dsn); err == nil && (u.Scheme == "postgres" || u.Scheme == "postgresql") {
		return u, nil
	}
	said, err := pgconn.ParseConfig(dsn)
	if err != nil { // it may quote the password
		return nil, fmt.Errorf("%w: the DSN is neither a URL nor KEY=VALUE pairs of libpq", connectors.ErrConfig)
	}
	q := url.Values{"host": {said.Host}, "port": {strconv.Itoa(int(said.Port))}}
	for _, m := range tlsWords.FindAllStringSubmatch(dsn, -1) {
		q.Set(m[1], strings.Trim(m[2], "'"))
	}
	return &url.URL{Scheme: "postgres", User: url.UserPassword(said.User, said.Password), Path: "/" + said.Database,
		RawQuery: q.Encode()}, nil
}

// tlsWords are what a DSN of pairs says of TLS. A value in quotes has no quote in it: it is a path.
var tlsWords = regexp.MustCompile(`(?:^|\s)(sslmode|sslrootcert|sslcert|sslkey)\s*=\s*('[^']*'|\S+)`)

// answers asks whether the server is there, which a Source says soon and a program perhaps never.
func answers(ctx context.Context, k connectors.Connector, o connectors.Options) error {
	src, err := k.Open(ctx, o)
	if err != nil {
		return err
	}
	return src.Close()
}

// take lets a program write a dump, and ends it where the server gives nothing for too long.
func take(ctx context.Context, path string, c *exec.Cmd) (err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	out, err := packing(file, path)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	awake := time.AfterFunc(silent, func() {
		cancel(fmt.Errorf("%s got nothing of the server for %s: %w", filepath.Base(c.Path), silent, connectors.ErrUnreachable))
	})
	defer awake.Stop()
	moved := writerFunc(func(p []byte) (int, error) {
		awake.Reset(silent)
		return out.Write(p)
	})
	if c.Env == nil {
		c.Env = []string{"LC_ALL=C", "PATH=/usr/bin:/bin"}
	}
	said := &tail{}
	run := exec.CommandContext(ctx, c.Path, c.Args[1:]...)
	run.Env, run.Dir, run.WaitDelay, run.Stdout, run.Stderr = c.Env, filepath.Dir(path), ended, moved, said
	run.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	outlives(run.SysProcAttr)
	err = run.Run()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return fmt.Errorf("%s: %w: %s", filepath.Base(c.Path), kindOf(said.String()), said)
	}
	return errors.Join(out.Close(), file.Sync())
}

// kindOf is what kind of error a program met, by what it says.
func kindOf(said string) error {
	if said = strings.ToLower(said); strings.Contains(said, " denied") {
		return connectors.ErrDenied
	}
	return connectors.ErrRefused
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// packing packs what is written to a file as its name says.
func packing(file io.Writer, path string) (io.WriteCloser, error) {
	switch filepath.Ext(path) {
	case ".gz":
		return gzip.NewWriter(file), nil
	case ".zst":
		return zstd.NewWriter(file)
	}
	return plain{file}, nil
}

type plain struct{ io.Writer }

func (plain) Close() error { return nil }
