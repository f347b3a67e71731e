package pipeline_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline"
	"lethe/pipeline/setup"
)

// A night that changed something says so, whatever else of it cannot be written: here the year 12026, of a
// backup whose clock was wrong, and a name that is not UTF-8.
func TestWhatCannotBeWrittenKeepsNothingElseOutOfTheReport(t *testing.T) {
	w := newWorld(t, news(nil), people(), table("stra\xdfen", []connectors.Field{id, status}, nil, []any{"1", "open"}))
	w.UsualEvents()
	w.Setup.Orders = onlyWithdrawn()
	dump := mem.New("dump", people())
	file := filepath.Join(w.Dir, "crm.sql")
	require.NoError(t, os.WriteFile(file, []byte("a dump"), 0o600))
	w.Setup.Sources = append(w.Setup.Sources,
		setup.Source{Name: "dump", Application: "crm", Environment: "backup", Of: "crm", Path: file, Connector: "mem",
			TakenAt: w.Now.AddDate(10000, 0, 0),
			Open:    func(context.Context) (connectors.Source, error) { return dump, nil }})
	r, err := w.night()
	require.ErrorIs(t, err, setup.ErrSource)
	require.Equal(t, 3, setup.ExitCode(err))
	require.ErrorContains(t, err, "Inventory.Object of crm stra\uFFFDen, Inventory.Object of crm stra\uFFFDen id, "+
		"Inventory.Object of crm stra\uFFFDen status, Backup.TakenAt of dump")
	require.Equal(t, map[string]int64{"people delete done": 1}, settled(r))
	require.FileExists(t, r.Report)
	f := w.facts()
	require.EqualValues(t, 3, f.Run.ExitCode)
	require.Contains(t, kinds(f), "F_NOT_WRITTEN medium ")
	require.Len(t, f.Backups, 1)
	require.True(t, f.Backups[0].TakenAt.IsZero())
	again, err := pipeline.Republish(t.Context(), w.Setup, r.RunID)
	require.NoError(t, err)
	require.Equal(t, r.Manifest, again.Manifest, "the journal holds what was published")
}
