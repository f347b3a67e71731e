package restore

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/fixtures/servers"
)

// dumped is the text of a dump.
type dumped string

func (d dumped) Text(context.Context) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(string(d))), nil
}

// TestABackupOfBadWill: whoever may write a backup has nothing done on the machine that tries it.
func TestABackupOfBadWill(t *testing.T) {
	servers.MariaDB(t) // has the programs installed
	servers.Postgres(t)
	dir, err := os.MkdirTemp("/tmp", "lethe-bad-will-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o777)) // for whoever would obey
	out := filepath.Join(dir, "done")
	secret := filepath.Join(dir, "secret")
	require.NoError(t, os.WriteFile(secret, []byte("secret\n"), 0o644))
	mine := "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(80)); INSERT INTO t VALUES (1, 'a');\n"
	restores := map[string]func(context.Context, *Folder, connectors.Options, connectors.Restorable) (*connectors.Restored, error){
		"mariadb": MariaDB, "postgres": Postgres}
	for _, c := range []struct{ engine, name, text string }{
		{"mariadb", "a command", "\\! touch " + out + "\n"},
		{"mariadb", "a command in words", "system touch " + out + "\n"},
		{"mariadb", "a file written", "SELECT 'x' INTO OUTFILE '" + out + "';\n"},
		{"mariadb", "a log turned on", "SET GLOBAL general_log_file = '" + out + "';\nSET GLOBAL general_log = 1;\n"},
		{"mariadb", "a library", "INSTALL SONAME 'ha_archive';\n"},
		{"mariadb", "the client's file", "LOAD DATA LOCAL INFILE '" + secret + "' INTO TABLE t (v);\n"},
		{"postgres", "a command", "\\! touch " + out + "\n"},
		{"postgres", "a command in rows that nothing takes", "COPY nothere FROM stdin;\n\\! touch " + out + "\n\\.\n"},
		{"postgres", "a program", "COPY t TO PROGRAM 'touch " + out + "';\n"},
		{"postgres", "a file written", "COPY t TO '" + out + "';\n"},
		{"postgres", "a file read", "COPY t (v) FROM '" + secret + "';\n"},
		{"postgres", "a setting", "ALTER SYSTEM SET log_directory = '" + dir + "';\n"},
		{"postgres", "another server", "\\connect \"host=127.0.0.1 dbname=postgres\"\n"},
	} {
		f, err := NewFolder("")
		require.NoError(t, err)
		r, err := restores[c.engine](t.Context(), f, connectors.Options{Name: "bad"}, dumped(mine+c.text))
		if err == nil { // what it asked for is left out, as what only a superuser may
			require.NotEmpty(t, r.Left, "%s, %s", c.engine, c.name)
			for _, d := range r.Databases {
				for b, err := range d.Source.Scan(t.Context(), connectors.Query{Table: "t"}) {
					require.NoError(t, err)
					require.EqualValues(t, 1, b.Rows.NumRows(), "%s, %s", c.engine, c.name)
				}
			}
			require.NoError(t, r.Close())
		}
		require.NoError(t, f.Close())
		require.NoFileExists(t, out, "%s, %s: %v", c.engine, c.name, err)
		left, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Len(t, left, 1, "%s, %s", c.engine, c.name)
	}
}
