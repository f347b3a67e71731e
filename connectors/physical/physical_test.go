package physical_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/connectortest"
	"lethe/connectors/physical"
)

func TestWhatIsKeptWhole(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	for name, c := range map[string]struct {
		o     connectors.Options
		whole string // what it says that it is
		err   error
		hint  string
	}{
		"a disk image":     {o: connectors.Options{DSN: write("a", "vhdxfile")}, whole: "disk image (VHDX)"},
		"encrypted":        {o: connectors.Options{DSN: write("b", "age-encryption.org/v1\n")}, whole: "something encrypted with age"},
		"nothing known":    {o: connectors.Options{DSN: write("c", "\x01\x02")}, whole: "nothing that is known"},
		"a dump with xz":   {o: connectors.Options{DSN: write("d", "\xfd7zXZ\x00")}, whole: "something, packed with xz"},
		"a folder":         {o: connectors.Options{DSN: dir}, whole: "a folder of nothing that is known"},
		"a dump":           {o: connectors.Options{DSN: write("e", "-- MySQL dump 10.13\n")}, err: connectors.ErrConfig, hint: "connector: mysqldump"},
		"an archive":       {o: connectors.Options{DSN: write("f", "PGDMP\x01")}, err: connectors.ErrConfig, hint: "connector: pgdump"},
		"a database":       {o: connectors.Options{DSN: write("g", "SQLite format 3\x00")}, err: connectors.ErrConfig, hint: "connector: sqlite"},
		"no path":          {err: connectors.ErrConfig, hint: "path"},
		"not there":        {o: connectors.Options{DSN: filepath.Join(dir, "nothing")}, err: connectors.ErrUnreachable, hint: "path"},
		"to be rewritten":  {o: connectors.Options{DSN: dir, Rewrite: true}, err: connectors.ErrConfig, hint: "leave out"},
		"with an option":   {o: connectors.Options{DSN: dir, Extra: map[string]string{"x": "y"}}, err: connectors.ErrConfig},
		"to be changed in": {o: connectors.Options{DSN: dir, ApplyDSN: dir}, err: connectors.ErrConfig, hint: "leave out"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := physical.Connector.Open(t.Context(), c.o)
			if c.err != nil {
				require.ErrorIs(t, err, c.err)
				require.ErrorContains(t, err, c.hint)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.whole, s.(connectors.Whole).Whole())
			tables, err := s.Tables(t.Context())
			require.NoError(t, err)
			require.Empty(t, tables)
			for range s.Scan(t.Context()) {
				t.Fatal("no query asks for nothing")
			}
			for _, err := range s.Scan(t.Context(), connectors.Query{Table: "people"}) {
				require.ErrorIs(t, err, connectors.ErrSchemaChanged)
			}
			_, mutates := s.(connectors.Mutator)
			_, rewrites := s.(connectors.Rewriter)
			require.False(t, mutates || rewrites)
			require.NoError(t, s.Close())
		})
	}
}

func TestOptions(t *testing.T) {
	connectortest.RunOptions(t, physical.Connector, connectors.Options{DSN: t.TempDir()}, nil)
}

func TestWhenACopyWasMade(t *testing.T) {
	at := time.Date(2026, 11, 29, 23, 59, 23, 0, time.UTC)
	for file, c := range map[string]struct {
		text string
		made connectors.Made
	}{
		"backup_label":        {"LABEL: x\nSTART TIME: 2026-11-29 23:59:23 UTC\n", connectors.Made{At: at}},
		"xtrabackup_info":     {"uuid = 1\nstart_time = 2026-11-29 23:59:23\nend_time = 2026-11-30 01:00:00\n", connectors.Made{At: at, Civil: true}},
		"mariadb_backup_info": {"start_time = 2026-11-29 23:59:23\n", connectors.Made{At: at, Civil: true}},
		"ibdata1":             {"start_time = 2026-11-29 23:59:23\n", connectors.Made{}},
	} {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(c.text), 0o600))
		s, err := physical.Open(t.Context(), connectors.Options{DSN: dir})
		require.NoError(t, err)
		require.Equal(t, c.made, s.(connectors.Dated).Made(), file)
	}
	rome, err := time.LoadLocation("Europe/Rome")
	require.NoError(t, err)
	require.Equal(t, at.Add(-time.Hour), connectors.Made{At: at, Civil: true}.In(rome).UTC())
	require.Equal(t, at, connectors.Made{At: at}.In(rome))
	require.True(t, connectors.Made{Civil: true}.In(rome).IsZero())
}
