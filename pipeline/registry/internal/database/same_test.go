package database

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSame(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "registry.db")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "crm.db"), nil, 0o600))
	require.NoError(t, os.Symlink(file, filepath.Join(dir, "link.db")))
	require.NoError(t, os.Link(file, filepath.Join(dir, "hard.db")))
	require.NoError(t, os.Symlink(dir, filepath.Join(dir, "folder")))
	missing := filepath.Join(dir, "missing.db")
	tests := []struct {
		name, driver, registry, source string
		same                           bool
	}{
		{"the same path", "", file, file, true},
		{"a longer path", "sqlite", file, dir + "/./../" + filepath.Base(dir) + "/registry.db", true},
		{"a link", "", file, filepath.Join(dir, "link.db"), true},
		{"a second name", "", file, filepath.Join(dir, "hard.db"), true},
		{"through a linked folder", "", file, filepath.Join(dir, "folder", "registry.db"), true},
		{"a URI with parameters", "", file, "file:" + file + "?immutable=1", true},
		{"a URL", "", file, "sqlite://" + file, true},
		{"a file that is not there yet", "", missing, filepath.Join(dir, "folder", "missing.db"), true},
		{"another file", "", file, filepath.Join(dir, "crm.db"), false},
		{"no file", "", file, "", false},
		{"a server", "", file, "mysql://u:p@db/lethe", false},
		{"other credentials and parameters", "mysql", "mysql://lethe:a@DB.example.com:3306/lethe?tls=true",
			"reader:b@tcp(db.example.com)/lethe?timeout=5s", true},
		{"this host by three names", "mysql", "mysql://lethe@localhost/lethe", "lethe@tcp(127.0.0.1:3306)/lethe", true},
		{"a socket", "mysql", "mysql://lethe@localhost/lethe?socket=/run/mysqld.sock",
			"u:p@unix(/run/mysqld.sock)/lethe", true},
		{"another database", "mysql", "mysql://lethe@db/lethe", "mysql://lethe@db/crm", false},
		{"another port", "mysql", "mysql://lethe@db:3307/lethe", "mysql://lethe@db/lethe", false},
		{"a file beside a server", "mysql", "mysql://lethe@db/lethe", file, false},
		{"PostgreSQL in both forms", "postgres", "postgres://lethe@db/lethe?sslmode=disable",
			"host=db dbname=lethe user=reader", true},
		{"another database of PostgreSQL", "postgres", "postgres://lethe@db/lethe", "postgres://lethe@db/crm", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			require.Equal(t, test.same, Config{Driver: test.driver, DSN: test.registry}.Same(test.source))
		})
	}
}
