package postgres

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/conformance"
	"lethe/fixtures/servers"
)

func TestEnginesAreToldApart(t *testing.T) {
	for _, c := range []struct{ said, number, settings, want string }{
		{"PostgreSQL 15.18 (Debian 15.18-0+deb12u1) on x86_64-pc-linux-gnu", "150018", "", "PostgreSQL 15"},
		{"PostgreSQL 9.6.24 on x86_64-pc-linux-gnu", "90624", "", "PostgreSQL 9"},
		{"PostgreSQL 17.2 on aarch64-unknown-linux-gnu", "170002", "plpgsql rds", "PostgreSQL (Amazon RDS) 17"},
		{"PostgreSQL 16.4 on aarch64-unknown-linux-gnu", "160004", "apg aurora rds", "PostgreSQL (Amazon Aurora) 16"},
		{"PostgreSQL 16.4 on x86_64-pc-linux-gnu", "160004", "azure", "PostgreSQL (Azure Database) 16"},
		{"PostgreSQL 16.4 on x86_64-pc-linux-gnu", "160004", "cloudsql", "PostgreSQL (Google Cloud SQL) 16"},
		{"PostgreSQL 17.5 on x86_64-pc-linux-gnu", "170005", "neon", "PostgreSQL (Neon) 17"},
		{"PostgreSQL 11.2-YB-2.19.0.0-b0 on x86_64", "110002", "", "YugabyteDB 11"},
		{"PostgreSQL 9.4.26 (Greenplum Database 6.25.3)", "90426", "", "Greenplum 9"},
		{"PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC, Redshift 1.0.54239", "80002", "", "Amazon Redshift 8"},
		{"CockroachDB CCL v23.1.11 (x86_64-pc-linux-gnu)", "130000", "", "CockroachDB 13"},
		{"Strange 7", "150000", "", "Strange 15"},
		{"PostgreSQL 15", "", "", "PostgreSQL "},
	} {
		require.Equal(t, c.want, engineOf(c.said, "", c.number, c.settings, "").String(), c.said)
	}
}

func TestADSNLeadsToAnotherDatabase(t *testing.T) {
	for dsn, want := range map[string]string{
		"postgres://u:p%2F@h:1/crm?sslmode=require": "postgres://u:p%2F@h:1/scratch?sslmode=require",
		"postgres:///crm?host=%2Frun&dbname=other":  "postgres:///scratch?host=%2Frun",
		"host=h dbname=crm user=u":                  "host=h dbname=crm user=u dbname=scratch",
	} {
		got := inDatabase(dsn, "scratch")
		require.Equal(t, want, got)
		cfg, err := parseDSN(got, true)
		require.NoError(t, err)
		require.Equal(t, "scratch", cfg.Database)
	}
}

// The right of the guide is enough, and a run that is stopped leaves nothing behind.
func TestAGroundIsLeftAsItWasFound(t *testing.T) {
	db := servers.Postgres(t).Database(t)
	user, poor := db.Name+"_p", db.Name+"_n"
	db.Exec(t, "CREATE ROLE "+user+" LOGIN PASSWORD 'secret' CREATEDB; CREATE ROLE "+poor+" LOGIN PASSWORD 'secret';")
	t.Cleanup(func() { db.Exec(t, "DROP ROLE "+user+"; DROP ROLE "+poor+";") })
	ground := func(user string) *conformance.Ground {
		g, err := Ground(t.Context(), connectors.Options{Name: "crm", DSN: db.DSNAs(user, "secret")})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, g.Close()) })
		return g
	}
	g := ground(user)
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
	left := ground(user).Left // other tests may be at work, too
	for _, name := range made {
		require.NotContains(t, left, name)
	}
	err = ground(poor).Prove(t.Context(), func(r conformance.Result) {
		require.Contains(t, r.Fault, "CREATEDB")
		require.NotContains(t, r.Fault, "secret")
	})
	require.NoError(t, err)
}
