package pipeline_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/sqlite"
	"lethe/pipeline"
	"lethe/pipeline/setup"
)

// What the database refused is asked about again on a day of its own, or when somebody says so or the policy is
// another one; until then nights are in order and say that it is there.
func TestARefusedRowIsSetAside(t *testing.T) {
	for _, c := range []struct {
		name   string
		days   int
		policy string
		retry  bool
		asks   bool
	}{
		{"the next night", 1, "p", false, false},
		{"the last night before its day", 6, "p", false, false},
		{"its day", 7, "p", false, true},
		{"another policy", 1, "q", false, true},
		{"somebody mended the cause", 1, "p", true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, news(nil))
			file := filepath.Join(t.TempDir(), "crm.db")
			db, err := sqlite3.Open(file)
			require.NoError(t, err)
			require.NoError(t, db.Exec(`CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT, name TEXT, status TEXT,
				created TEXT); INSERT INTO people VALUES (1, 'ada@lago.it', 'Ada', 'active', '2026-01-01'),
				(2, 'bob@lago.it', 'Bob', 'active', '2026-01-01'), (3, 'eve@lago.it', 'Eve', 'active', '2023-01-01');
				CREATE TRIGGER keep BEFORE DELETE ON people WHEN OLD.id = 2 BEGIN SELECT RAISE(ABORT, 'no'); END`))
			require.NoError(t, db.Close())
			w.Setup.Sources[0].Open = func(ctx context.Context) (connectors.Source, error) {
				return sqlite.Open(ctx, connectors.Options{Name: "crm", DSN: file, ApplyDSN: file})
			}
			w.UsualEvents()
			_, err = w.night()
			require.ErrorIs(t, err, setup.ErrUnapproved, "nobody was told of the trigger")
			w.approve()
			w.Now = w.Now.Add(time.Hour)
			r, err := w.night()
			require.ErrorIs(t, err, setup.ErrSource)
			require.ErrorContains(t, err, "the database refused 1 rows")
			require.Equal(t, map[string]int64{"people delete done": 1, "people delete refused": 1}, settled(r))

			w.Now, w.Setup.PolicyDigest = w.Now.AddDate(0, 0, c.days), c.policy
			r, err = pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "nightly", Apply: true, Retry: c.retry})
			if err != nil { // what a new policy asks
				require.ErrorIs(t, err, setup.ErrUnapproved)
			}
			require.Equal(t, c.asks, len(r.Waiting) == 1)
			require.Equal(t, c.asks, len(r.HeldBack) == 0)
		})
	}
}
