package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/setup"
)

// sourceOptions reads a configuration of one source with options, and checks its sources.
func sourceOptions(t *testing.T, connector, options string) error {
	path := filepath.Join(t.TempDir(), "lethe.yaml")
	text := "sources:\n  crm:\n" +
		"    {application: crm, environment: production, connector: " + connector + ", dsn: crm.db,\n" +
		"      options: " + options + "}\n"
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	c, err := Load(path)
	if err != nil {
		return err
	}
	return c.buildSources(t.Context(), &setup.Setup{})
}

func TestSourceOptions(t *testing.T) {
	require.NoError(t, sourceOptions(t, "sqlite", "{busy_timeout: 10s}"))
	require.NoError(t, sourceOptions(t, "csvdir", `{header: none, delimiter: tab, encoding: windows-1252}`))
	require.NoError(t, sourceOptions(t, "csvdir", `{delimiter: "1"}`))
	for _, c := range []struct{ connector, options, want string }{
		{"sqlite", "{busy: 10s}", `source crm: options [4:17]: unknown option "busy"; the options are busy_timeout`},
		{"sqlite", "{busy_timeout: soon}", `source crm: options [4:17]: option busy_timeout: "soon"`},
		{"csvdir", "{header: first, delimiter: ab}", `options [4:32]: option delimiter: "ab"`},
		{"csvdir", "{header: &no maybe}", "it takes none or first"},
		{"mysql", "{header: none}", `unknown option "header"; this connector has none`},
		{"csvdir", "{header: [none]}", "wants a text"},
	} {
		require.ErrorContains(t, sourceOptions(t, c.connector, c.options), c.want)
	}
}

// A dump of several databases is a backup of the one that its live source reads, also on a night on which that
// does not answer; where it cannot be told, nothing of the dump is taken for the live source's.
func TestBackupOfOneDatabase(t *testing.T) {
	for name, tc := range map[string]struct{ live, options, want string }{
		"a server's":       {"connector: mysql, dsn: 'u:p@tcp(127.0.0.1:1)/crm?tls=true'", "", "people shop.people"},
		"another":          {"connector: mysql, dsn: 'u:p@tcp(127.0.0.1:1)/hr?tls=true'", "", "and not database hr"},
		"no server's":      {"connector: sqlite, dsn: crm.db", "", "cannot be told"},
		"said by a person": {"connector: sqlite, dsn: crm.db", ", options: {database: shop}", "crm.people people"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			path := filepath.Join(folder, "lethe.yaml")
			text := "sources:\n  crm: {application: crm, environment: production, " + tc.live + "}\n" +
				"  dumps: {application: crm, environment: backup, connector: mysqldump, path: all.sql, of: crm, " +
				"keep: P90D" + tc.options + "}\n"
			require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
			dump := ""
			for _, database := range []string{"crm", "shop"} {
				dump += "USE `" + database + "`;\nCREATE TABLE people (id int PRIMARY KEY);\n"
			}
			require.NoError(t, os.WriteFile(filepath.Join(folder, "all.sql"), []byte(dump+"-- Dump completed\n"), 0o600))
			c, err := Load(path)
			require.NoError(t, err)
			p := &setup.Setup{}
			require.NoError(t, c.buildSources(t.Context(), p))
			src, err := p.Sources[1].Open(t.Context())
			require.NoError(t, err)
			defer src.Close()
			tables, err := src.Tables(t.Context())
			var names []string
			for _, table := range tables {
				names = append(names, table.Name)
			}
			if err != nil {
				names = append(names, err.Error())
			}
			require.Contains(t, strings.Join(names, " "), tc.want)
		})
	}
}

// What a policy's digest was before there were options it is without them.
func TestDigestWithoutOptions(t *testing.T) {
	digest := func(options map[string]string) string {
		d, err := (&Config{Sources: map[string]Source{"crm": {Connector: "sqlite", Options: options}}}).policy()
		require.NoError(t, err)
		return string(d)
	}
	require.Equal(t, digest(nil), digest(map[string]string{}))
	require.NotEqual(t, digest(nil), digest(map[string]string{"busy_timeout": "9s"}), "options say how rows are read")
}
