package pipeline_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline"
	"lethe/pipeline/journal"
	"lethe/pipeline/setup"
	folder "lethe/pipeline/state"
)

// last is a store at whose closing something happens, when all is done but the evidence.
type last struct {
	*mem.Store
	happens func()
}

func (l last) Close() error { l.happens(); return l.Store.Close() }

// TestANightThatCannotWriteItsReportSaysWhatItDid lets the evidence fail in several ways when rows were deleted: the
// night says how many all the same, and the journal has each, from which the report is made when that is possible.
func TestANightThatCannotWriteItsReportSaysWhatItDid(t *testing.T) {
	exec := func(t *testing.T, w *world, sql string) {
		db, err := sqlite3.Open(filepath.Join(w.Setup.State, "journal.db"))
		require.NoError(t, err)
		defer db.Close()
		require.NoError(t, db.BusyTimeout(5*time.Second))
		require.NoError(t, db.Exec(sql))
	}
	for name, tc := range map[string]struct {
		fails, mends func(t *testing.T, w *world)
		late         bool // when the end of the night is on record
		says         string
	}{
		"where reports stand is no folder any more": {
			fails: func(t *testing.T, w *world) { noFolder(t, w, "") },
			mends: func(t *testing.T, w *world) { aFolderAgain(t, w, "") },
			late:  true, says: "lethe report --from-journal",
		},
		"something else stands where the manifest goes": {
			fails: func(t *testing.T, w *world) { noFolder(t, w, "manifests") },
			mends: func(t *testing.T, w *world) { aFolderAgain(t, w, "manifests") },
			late:  true, says: "lethe report --from-journal",
		},
		"the log of nights is no folder any more": {
			fails: func(t *testing.T, w *world) { noFolder(t, w, "log") },
			mends: func(t *testing.T, w *world) { aFolderAgain(t, w, "log") },
			late:  true, says: "lethe report --from-journal",
		},
		"its entry of the log cannot be recorded": {
			fails: func(t *testing.T, w *world) {
				exec(t, w, "CREATE TRIGGER full BEFORE INSERT ON leaf BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END")
			},
			mends: func(t *testing.T, w *world) { exec(t, w, "DROP TRIGGER full") },
			late:  true, says: "lethe report --from-journal",
		},
		"that the log is signed cannot be recorded": {
			fails: func(t *testing.T, w *world) {
				exec(t, w, "CREATE TRIGGER full BEFORE UPDATE ON leaf BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END")
			},
			mends: func(t *testing.T, w *world) { exec(t, w, "DROP TRIGGER full") },
			late:  true, says: "lethe report --from-journal",
		},
		"the journal takes no more": {
			fails: func(t *testing.T, w *world) {
				exec(t, w, "CREATE TRIGGER full BEFORE UPDATE OF facts ON run BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END")
			},
			mends: func(t *testing.T, w *world) { exec(t, w, "DROP TRIGGER full") },
			says:  "the end of the night is not on record",
		},
		"its report cannot be recorded": {
			fails: func(t *testing.T, w *world) {
				exec(t, w, "CREATE TRIGGER full BEFORE UPDATE OF manifest ON run BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END")
			},
			mends: func(t *testing.T, w *world) { exec(t, w, "DROP TRIGGER full") },
			late:  true, says: "lethe report --from-journal",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, news(nil), people())
			w.UsualEvents()
			w.planned()
			failed := false
			fail := func() {
				if !failed {
					failed = true
					tc.fails(t, w)
				}
			}
			if tc.late {
				w.Setup.Crash = func(point string) {
					if point == "ended" {
						fail()
					}
				}
			} else {
				w.Setup.Sources[0].Open = func(context.Context) (connectors.Source, error) { return last{w.Live, fail}, nil }
			}
			r, err := pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "nightly", Phases: setup.ApplyOnly, Apply: true})
			require.True(t, failed)
			require.ErrorContains(t, err, tc.says)
			require.NotZero(t, setup.ExitCode(err))
			require.Equal(t, map[string]int64{"people delete done": 2}, settled(r), "what was done is said")
			require.Len(t, w.Rows("people"), 1)
			require.Empty(t, r.Report)

			tc.mends(t, w)
			w.Setup.Crash = func(string) {}
			w.Setup.Sources[0].Open = func(context.Context) (connectors.Source, error) { return w.Live, nil }
			if tc.late {
				made, err := pipeline.Republish(t.Context(), w.Setup, r.RunID)
				require.NoError(t, err)
				require.FileExists(t, made.Report)
			}
			j, err := w.Setup.Journal(t.Context())
			require.NoError(t, err)
			plans, err := j.Plans(t.Context())
			require.NoError(t, err)
			require.NoError(t, j.Close())
			require.NotEmpty(t, plans)
			w.Now = w.Now.AddDate(0, 0, 1)
			_, err = w.night()
			require.NoError(t, err, "the next night goes on")
		})
	}
}

// TestAReportThatIsOwedIsNoIncident: the night after one whose report found no room ends with 12 as long as there is none,
// and has no hint of an incident, whose 72 hours would run: nobody wrote to the evidence.
func TestAReportThatIsOwedIsNoIncident(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	w.planned()
	runs := func() []journal.Run {
		j, err := w.Setup.Journal(t.Context())
		require.NoError(t, err)
		defer j.Close()
		list, err := j.Runs(t.Context(), 10)
		require.NoError(t, err)
		return list
	}
	w.Now = w.Now.AddDate(0, 0, 1)
	there := filepath.Join(w.Setup.Reports, "table=silos", "date="+w.Now.Format(time.DateOnly))
	w.Setup.Crash = func(point string) {
		if point == "ended" { // something else stands where its report goes
			require.NoError(t, os.WriteFile(there, nil, 0o600))
		}
	}
	_, err := w.night()
	require.Equal(t, 1, setup.ExitCode(err), "%v", err)
	w.Setup.Crash = func(string) {}
	w.Now = w.Now.AddDate(0, 0, 1)
	_, err = w.night()
	require.Equal(t, 12, setup.ExitCode(err), "%v", err)
	require.ErrorContains(t, err, "is not published yet")
	require.NoError(t, os.Remove(there))
	w.Now = w.Now.AddDate(0, 0, 1)
	_, err = w.night()
	require.NoError(t, err)
	require.Len(t, runs(), 4)
	for _, r := range runs() {
		f, err := folder.FactsOf(r)
		require.NoError(t, err)
		require.Empty(t, f.Hints)
	}
}

// noFolder puts a file where a folder of the reports stands ("" they themselves), which goes aside.
func noFolder(t *testing.T, w *world, name string) {
	require.NoError(t, os.Rename(filepath.Join(w.Setup.Reports, name), w.Setup.Reports+".away"))
	require.NoError(t, os.WriteFile(filepath.Join(w.Setup.Reports, name), nil, 0o600))
}

func aFolderAgain(t *testing.T, w *world, name string) {
	require.NoError(t, os.Remove(filepath.Join(w.Setup.Reports, name)))
	require.NoError(t, os.Rename(w.Setup.Reports+".away", filepath.Join(w.Setup.Reports, name)))
}
