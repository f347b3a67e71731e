package config

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/fixtures/servers"
	"lethe/pipeline/setup"
)

// loaded reads a configuration.
func loaded(t *testing.T, folder, text string) *Config {
	t.Helper()
	path := filepath.Join(folder, "lethe.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	c, err := Load(path)
	require.NoError(t, err)
	return c
}

func TestWaits(t *testing.T) {
	const source = "sources:\n  crm: {application: crm, environment: production, connector: %s, dsn: 'u:p@tcp(db)/x', %s}\n"
	for _, c := range []struct{ connector, keys, says string }{
		{"mysql", "answer_within: 45s, statement_within: 2h", ""},
		{"mysql", "answer_within: 1ms, statement_within: 24h", ""},
		{"mysql", "answer_within: 45", `source crm: answer_within: "45": write a time as 30s, 5m or 1h, at most 24h`},
		{"mysql", "answer_within: 0s", `answer_within: "0s"`},
		{"mysql", "statement_within: -1h", `statement_within: "-1h"`},
		{"mysql", "statement_within: 25h", `statement_within: "25h"`},
		{"mysql", "answer_within: for ever", `answer_within: "for ever"`},
		{"sqlite", "answer_within: 45s", "source crm: answer_within: it is no server"},
		{"csvdir", "statement_within: 45s", "source crm: statement_within: it is no server"},
	} {
		config := loaded(t, t.TempDir(), fmt.Sprintf(source, c.connector, c.keys))
		if err := config.buildSources(t.Context(), &setup.Setup{}); c.says == "" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, c.says)
		}
	}
	for _, c := range []struct{ registry, says string }{
		{"driver: postgres, dsn: 'postgres://u:p@db/x', answer_within: 45s, statement_within: 2h", ""},
		{"driver: mysql, dsn: 'u:p@tcp(db)/x', answer_within: soon", `registry: answer_within: "soon"`},
		{"dsn: registry.db, answer_within: 45s", "registry: answer_within: it is no server"},
	} {
		config := loaded(t, t.TempDir(), "registry: {"+c.registry+"}\n")
		p := &setup.Setup{}
		if err := config.buildRegistry(p); c.says == "" {
			require.NoError(t, err)
			require.Equal(t, 45*time.Second, p.Registry.AnswerWithin)
			require.Equal(t, 2*time.Hour, p.Registry.StatementWithin)
		} else {
			require.ErrorContains(t, err, c.says)
		}
	}
}

// How long is waited decides nothing about anybody, so nobody is asked for it again.
func TestWaitsAreNoPolicy(t *testing.T) {
	digest := func(w Waits) string {
		d, err := (&Config{Sources: map[string]Source{"crm": {Connector: "mysql", Waits: w}}}).policy()
		require.NoError(t, err)
		return string(d)
	}
	require.Equal(t, digest(Waits{}), digest(Waits{AnswerWithin: "5m", StatementWithin: "6h"}))
}

// A server that does not answer is waited for once, however many backups of it are read beside it.
func TestMuteServerIsWaitedForOnce(t *testing.T) {
	address, met := servers.Mute(t, "")
	folder := t.TempDir()
	const dumps = 20
	for i := range dumps {
		require.NoError(t, os.WriteFile(filepath.Join(folder, fmt.Sprintf("shop-%02d.sql", i)),
			[]byte("CREATE TABLE people (id int PRIMARY KEY);\n-- Dump completed\n"), 0o600))
	}
	c := loaded(t, folder, "sources:\n"+
		"  crm: {application: crm, environment: production, connector: mysql, dsn: 'u:p@tcp("+address+")/shop', "+
		"answer_within: 1100ms}\n"+
		"  dumps: {application: crm, environment: backup, connector: mysqldump, path: 'shop-*.sql', of: crm, keep: P90D}\n")
	p := &setup.Setup{}
	require.NoError(t, c.buildSources(t.Context(), p))
	require.Len(t, p.Sources, 1+dumps)
	_, err := p.Sources[0].Open(t.Context())
	require.ErrorIs(t, err, connectors.ErrUnreachable)
	waited := met()
	for _, s := range p.Sources[1:] {
		src, err := s.Open(t.Context())
		require.NoError(t, err)
		tables, err := src.Tables(t.Context())
		require.NoError(t, err)
		require.Len(t, tables, 1)
		require.NoError(t, src.Close())
	}
	require.Equal(t, waited, met(), "nobody asked it again")
}
