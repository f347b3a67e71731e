package pipeline_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline/audit"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/setup"
)

// siloOf is what the newest run left of the silo news; its rows add up.
func siloOf(w *world) audit.Silo {
	w.T.Helper()
	silos := w.facts().Silos
	require.Len(w.T, silos, 1)
	s := silos[0]
	require.Equal(w.T, s.Rows, s.WithGround+s.KeptBlocked+s.InDoubt+s.InGrace+s.Waiting+s.NotDone+s.Unknown)
	return s
}

// TestWhatANightLeaves counts people, rows and copies, each for itself, before and after people approve.
func TestWhatANightLeaves(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	dump := mem.New("dump", people())
	w.Setup.Sources = append(w.Setup.Sources, setup.Source{Name: "dump", Application: "crm", Environment: "backup",
		Of: "crm", Connector: "mem", TakenAt: w.Now.AddDate(0, 0, -1), Keep: calendar.Period{Days: 30},
		Open: func(context.Context) (connectors.Source, error) { return dump, nil }})
	w.planned()
	require.Equal(t, audit.Silo{Silo: "news", People: 3, PeopleWithoutGround: 2, Rows: 3, WithGround: 1, Waiting: 2,
		Copies: 3, ReadOn: "2026-11-20", Owner: "anna"}, siloOf(w))
	night := w.facts()
	require.Equal(t, []audit.Rollup{{RunID: night.Run.RunID, Phases: "night", Silos: 1, People: 3, PeopleWithoutGround: 2,
		Rows: 3, Waiting: 2, Copies: 3}}, night.Rollup)

	require.Equal(t, map[string]int64{"people delete done": 2}, w.applied())
	require.Equal(t, audit.Silo{Silo: "news", People: 1, Rows: 1, WithGround: 1, RowsEnded: 2, Copies: 3,
		ErasedPeople: 2, LastCopyOn: "2026-12-19", ReadOn: "2026-11-20", Owner: "anna"}, siloOf(w))
	after := w.facts()
	require.Equal(t, night.Run.RunID, after.Run.Night)
	require.Equal(t, night.Summary, after.Summary)
	require.Equal(t, night.Inventory, after.Inventory)
	aged := func(f audit.Facts) (rows int64) {
		for _, a := range f.Ages {
			rows += a.Rows
		}
		return rows
	}
	require.EqualValues(t, 3, aged(night))
	require.EqualValues(t, 1, aged(after), "who is gone has no age")
	require.Len(t, after.Backups, len(night.Backups))
	require.Len(t, after.Plans, len(night.Plans))
	require.EqualValues(t, 2, after.Backups[0].LastCopies)
	require.Equal(t, "applied", after.Plans[0].State)
	require.NotEmpty(t, after.Plans[0].People)
	overdue := func(f audit.Facts) (sources []string) {
		for _, x := range f.Findings {
			if x.Kind == "F_OVERDUE" {
				sources = append(sources, x.Source)
			}
		}
		return sources
	}
	require.Contains(t, overdue(night), "crm")
	require.NotContains(t, overdue(after), "crm", "nothing is left there that is due")
	require.Contains(t, overdue(after), "dump")

	w.Now = w.Now.AddDate(0, 0, 1)
	_, err := w.night()
	require.NoError(t, err)
	require.Equal(t, audit.Silo{Silo: "news", People: 1, Rows: 1, WithGround: 1, Copies: 3, ErasedPeople: 2,
		LastCopyOn: "2026-12-19", ReadOn: "2026-11-21", Owner: "anna"}, siloOf(w), "the next night counts the same anew")
	require.Empty(t, w.facts().Run.Night)
}

// TestWhatWasNotReadKeepsItsFigures with the day that they are of; it never becomes 0.
func TestWhatWasNotReadKeepsItsFigures(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	_, err := w.night()
	require.NoError(t, err)
	first := siloOf(w)
	require.Equal(t, "scanned", w.facts().Sources[0].State)

	w.Now = w.Now.AddDate(0, 0, 1)
	open := w.Setup.Sources[0].Open
	w.Setup.Sources[0].Open = func(context.Context) (connectors.Source, error) {
		return nil, errors.Join(connectors.ErrUnreachable, errors.New("down"))
	}
	_, err = w.night()
	require.ErrorIs(t, err, setup.ErrSource)
	require.Equal(t, first, siloOf(w))
	require.Equal(t, "2026-11-20", siloOf(w).ReadOn)
	source := w.facts().Sources[0]
	require.Equal(t, []string{"failed", "UNREACHABLE", "2026-11-20"},
		[]string{source.State, source.ErrorCode, source.LastRead})
	require.NotEmpty(t, w.facts().Ages)
	require.Equal(t, "2026-11-20", w.facts().Ages[0].ReadOn)

	w.Now = w.Now.AddDate(0, 0, 1)
	w.Setup.Sources[0].Open = open
	_, err = w.night()
	require.NoError(t, err)
	require.Equal(t, "2026-11-22", siloOf(w).ReadOn)
}
