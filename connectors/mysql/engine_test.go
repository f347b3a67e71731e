package mysql

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/conformance"
	"lethe/fixtures/servers"
)

func TestEnginesAreToldApart(t *testing.T) {
	for _, c := range []struct {
		said map[string]string
		want string
	}{
		{map[string]string{"version": "10.11.14-MariaDB-0+deb12u2", "version_comment": "Debian 12"}, "MariaDB 10.11"},
		{map[string]string{"version": "11.4.2-log", "version_comment": "MariaDB Server"}, "MariaDB 11.4"},
		{map[string]string{"version": "8.4.3", "version_comment": "MySQL Community Server - GPL", "wsrep_on": "OFF",
			"basedir": "/usr/"}, "MySQL 8.4"},
		{map[string]string{"version": "9.1.0"}, "MySQL 9.1"},
		{map[string]string{"version": "8.0.28", "aurora_version": "3.04.0", "basedir": "/rdsdbbin/oscar-8.0/"},
			"MySQL (Amazon Aurora) 8.0"},
		{map[string]string{"version": "10.11.6-MariaDB-log", "basedir": "/rdsdbbin/mariadb-10.11.6.R1/"},
			"MariaDB (Amazon RDS) 10.11"},
		{map[string]string{"version": "8.0.31-google"}, "MySQL (Google Cloud SQL) 8.0"},
		{map[string]string{"version": "8.0.36-azure"}, "MySQL (Azure Database) 8.0"},
		{map[string]string{"version": "8.0.11-TiDB-v7.5.0"}, "MySQL (TiDB) 8.0"},
		{map[string]string{"version": "8.0.36-28", "version_comment": "Percona Server (GPL), Release 28"},
			"MySQL (Percona Server) 8.0"},
		{map[string]string{"version": "10.6.16-MariaDB", "wsrep_on": "ON"}, "MariaDB (Galera) 10.6"},
		{map[string]string{"version": "unknown"}, "MySQL "},
	} {
		require.Equal(t, c.want, engineOf(c.said, "").String(), "%v", c.said)
	}
}

func TestADSNLeadsToAnotherDatabase(t *testing.T) {
	for dsn, want := range map[string]string{
		"u:p@tcp(h:1)/crm":                   "u:p@tcp(h:1)/scratch",
		"u:p/w@unix(/run/s.sock)/crm?tls=a":  "u:p/w@unix(/run/s.sock)/scratch?tls=a",
		"mysql://u:p%2F@h:1/crm?ssl-ca=%2Fx": "mysql://u:p%2F@h:1/scratch?ssl-ca=%2Fx",
	} {
		require.Equal(t, want, inDatabase(dsn, "scratch"))
	}
}

// The rights of the guide are enough, and a run that is stopped leaves nothing behind; what it did not make is not touched.
func TestAGroundIsLeftAsItWasFound(t *testing.T) {
	db := servers.MariaDB(t).Database(t)
	user, poor := db.Name+"_p", db.Name+"_n"
	db.Exec(t, "CREATE USER '"+user+"'@'%' IDENTIFIED BY 'secret', '"+poor+"'@'%' IDENTIFIED BY 'secret';"+
		"GRANT SELECT ON `"+db.Name+"`.* TO '"+user+"'@'%', '"+poor+"'@'%'; GRANT PROCESS ON *.* TO '"+user+"'@'%';"+
		`GRANT ALL ON `+"`lethe\\_prove\\_%`"+`.* TO '`+user+`'@'%';`)
	t.Cleanup(func() {
		db.Exec(t, "DROP USER '"+user+"'@'%', '"+poor+"'@'%'; DROP DATABASE IF EXISTS lethe_prove_mine;")
	})
	o := connectors.Options{Name: "crm", DSN: db.DSNAs(user, "secret")}
	ground := func(o connectors.Options) *conformance.Ground {
		g, err := Ground(t.Context(), o)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, g.Close()) })
		return g
	}
	db.Exec(t, "CREATE DATABASE lethe_prove_mine; CREATE TABLE lethe_prove_mine.t (id int);")
	g := ground(o)
	require.Contains(t, g.Left, "lethe_prove_mine")
	var made []string
	fresh := g.Ways[0].Harness.New
	g.Ways[0].Harness.New = func(t conformance.T, tables []conformance.Table) conformance.Store {
		store := fresh(t, tables)
		src := store.Open(t).(*mutable)
		made = append(made, src.database)
		require.NoError(t.(require.TestingT), src.Close())
		return store
	}
	ctx, cancel := context.WithCancel(t.Context())
	told := 0
	err := g.Prove(ctx, func(r conformance.Result) {
		require.Empty(t, r.Fault)
		if told++; told == 3 {
			cancel()
		}
	})
	require.ErrorIs(t, err, context.Canceled)
	require.GreaterOrEqual(t, len(made), 4)
	left := ground(o).Left // other tests may be at work, too
	require.Contains(t, left, "lethe_prove_mine")
	for _, name := range made {
		require.NotContains(t, left, name)
	}

	o.DSN = db.DSNAs(poor, "secret")
	err = ground(o).Prove(t.Context(), func(r conformance.Result) {
		require.Contains(t, r.Fault, "missing right")
		require.Contains(t, r.Fault, "GRANT ALL ON `lethe\\_prove\\_%`.*")
		require.NotContains(t, r.Fault, "secret")
	})
	require.NoError(t, err)
}
