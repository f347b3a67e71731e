package restore

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mysql"
)

// A program reaches a database as a Source does: no password stands among its arguments, and TLS is verified unless the
// DSN itself, or a waiver, says otherwise.
func TestLoginOfPostgres(t *testing.T) {
	system := authorities()
	require.NotEmpty(t, system)
	for _, c := range []struct {
		dsn       string
		plaintext bool
		want      []string // the query
		password  string
	}{
		{"postgres://u:p%40@h:1/crm", false, []string{"sslmode=verify-full", "sslrootcert=" + system}, "p@"},
		{"postgres://u@h/crm?sslmode=require", false, []string{"sslmode=require"}, ""},
		{"postgres://u:x@h/crm", true, []string{"sslmode=prefer"}, "x"},
		{"postgres://u@h/crm?sslrootcert=/ca.pem", false, []string{"sslmode=verify-full", "sslrootcert=/ca.pem"}, ""},
		{"postgres:///crm?host=/run/postgresql&user=u&password=secret", false, []string{"host=/run/postgresql", "user=u"}, "secret"},
		{"host=h port=5433 user=u password='s e' dbname=crm sslmode=require", false, []string{"host=h", "port=5433", "sslmode=require"}, "s e"},
		{"host=/run/postgresql user=u dbname=crm", false, []string{"host=/run/postgresql", "port=5432"}, ""},
	} {
		dsn, env, err := loginOf(connectors.Options{DSN: c.dsn, Plaintext: c.plaintext})
		require.NoError(t, err, c.dsn)
		u, err := urlOf(dsn)
		require.NoError(t, err)
		require.Equal(t, "/crm", u.Path)
		var got []string
		for name, values := range u.Query() {
			got = append(got, name+"="+values[0])
		}
		require.ElementsMatch(t, c.want, got, c.dsn)
		require.NotContains(t, dsn, "secret")
		if c.password != "" {
			require.Contains(t, env, "PGPASSWORD="+c.password)
			_, given := u.User.Password()
			require.False(t, given && c.password != "", c.dsn)
		}
	}
	_, _, err := loginOf(connectors.Options{DSN: "password=secret host='"})
	require.ErrorIs(t, err, connectors.ErrConfig)
	require.NotContains(t, err.Error(), "secret")
}

func TestOptionsOfMariaDB(t *testing.T) {
	for _, c := range []struct {
		dsn       string
		plaintext bool
		has, not  []string
	}{
		{"mysql://u:p%22%5C@h:1/crm", false, []string{"user=\"u\"", `password="p\"\\"`, "ssl-verify-server-cert\n", "ssl-ca=\"" + authorities() + "\""}, []string{"skip-ssl"}},
		{"u:p@tcp(h:1)/crm?tls=skip-verify", false, []string{"ssl\n", "skip-ssl-verify-server-cert"}, []string{"ssl-ca"}},
		{"u:p@tcp(h:1)/crm", true, []string{"skip-ssl-verify-server-cert"}, []string{"ssl\n", "ssl-ca"}},
		{"u@unix(/run/s.sock)/crm", false, []string{"socket=\"/run/s.sock\""}, []string{"host", "ssl"}},
	} {
		l, err := mysql.LoginOf(connectors.Options{DSN: c.dsn, Plaintext: c.plaintext})
		require.NoError(t, err, c.dsn)
		text := optionsOf(l)
		for _, has := range c.has {
			require.Contains(t, "\n"+text, "\n"+has, c.dsn)
		}
		for _, not := range c.not {
			require.NotContains(t, text, "\n"+not, c.dsn)
		}
	}
}

// What a program writes is packed as the file is named; one that fails says so in its words.
func TestTake(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, take(t.Context(), dir+"/a.sql", exec.Command("sh", "-c", "echo text")))
	require.Error(t, take(t.Context(), dir+"/a.sql", exec.Command("sh", "-c", "echo text")), "it is there")
	err := take(t.Context(), dir+"/b.sql.gz", exec.Command("sh", "-c", "echo half; echo 'Access denied for user' >&2; exit 2"))
	require.ErrorIs(t, err, connectors.ErrDenied)
	require.ErrorContains(t, err, "Access denied")
	err = take(t.Context(), dir+"/c.sql.zst", exec.Command("sh", "-c", "echo 'no such table' >&2; exit 2"))
	require.ErrorIs(t, err, connectors.ErrRefused)
}
