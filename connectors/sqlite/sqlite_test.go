package sqlite

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/connectortest"
)

// makeFile makes a database file by SQL and returns its path.
func makeFile(t *testing.T, statements ...string) string {
	path := filepath.Join(t.TempDir(), "crm.db")
	execIn(t, path, statements...)
	return path
}

func execIn(t *testing.T, path string, statements ...string) {
	c, err := sqlite3.Open(path)
	require.NoError(t, err)
	for _, sql := range statements {
		require.NoError(t, c.Exec(sql), sql)
	}
	require.NoError(t, c.Close())
}

func openFile(t *testing.T, path string, writable bool) connectors.Source {
	o := connectors.Options{Name: "crm", DSN: path}
	if writable {
		o.ApplyDSN = path
	}
	src, err := Open(t.Context(), o)
	require.NoError(t, err)
	return src
}

// engine is a way to set up the suite's databases.
type engine struct {
	writable  bool
	setup     string // run first
	options   string // behind each CREATE TABLE of a table with a key
	collation string // of text fields
}

func (e engine) harness() connectortest.Harness {
	h := connectortest.Harness{
		New: func(t *testing.T, tables []connectortest.Table) connectortest.Store {
			d := connectortest.Dialect{Quote: '"'}
			statements := []string{e.setup, "BEGIN"}
			for _, table := range tables {
				table.Def.Fields = slices.Clone(table.Def.Fields)
				for i, f := range table.Def.Fields {
					if f.Kind == connectors.Text && e.collation != "" {
						table.Def.Fields[i].Type += " COLLATE " + e.collation
					}
				}
				create := d.Create(table)
				if len(table.Def.Key) > 0 {
					create += e.options
				}
				statements = append(statements, create)
				statements = append(statements, d.Inserts(table, 100)...)
			}
			path := makeFile(t, append(statements, "COMMIT")...)
			return connectortest.Store{Open: func(t *testing.T) connectors.Source { return openFile(t, path, e.writable) }}
		},
		Lacks: []connectortest.Feature{connectortest.Bit, connectortest.AutoUpdate},
	}
	switch e.collation {
	case "NOCASE":
		h.SameKey = func(a, b string) bool { return asciiFold(a) == asciiFold(b) }
	case "RTRIM":
		h.SameKey = func(a, b string) bool { return strings.TrimRight(a, " ") == strings.TrimRight(b, " ") }
	}
	return h
}

func TestSQLite(t *testing.T) {
	for name, e := range map[string]engine{
		"rowid":         {writable: true},
		"without rowid": {writable: true, options: " WITHOUT ROWID"},
		"wal, utf-16":   {writable: true, setup: "PRAGMA encoding='UTF-16'; PRAGMA journal_mode=WAL"},
		"nocase":        {writable: true, collation: "NOCASE"},
		"rtrim":         {writable: true, collation: "RTRIM", options: " WITHOUT ROWID"},
		"read only":     {},
	} {
		t.Run(name, func(t *testing.T) { connectortest.Run(t, e.harness()) })
	}
}

// asciiFold is how NOCASE compares.
func asciiFold(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
