package pipeline_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline/ask"
	"lethe/pipeline/audit"
	"lethe/pipeline/plan"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/setup"
)

// readOnly is a source that nothing can be changed in, as a folder of CSV.
type readOnly struct{ connectors.Source }

// withList is a company that has a second source, a list of the same people which can only be read.
func withList(t *testing.T) (w *world, list *mem.Store) {
	w = newWorld(t, news(func(s *policy.Silo) {
		s.Records = append(s.Records, policy.Records{Source: "list", Table: "people",
			Subject: map[string]string{"email": "email"}, Collected: "created"})
	}), people())
	w.UsualEvents()
	list = mem.New("list", people())
	w.Setup.Sources = append(w.Setup.Sources, setup.Source{Name: "list", Application: "list", Environment: "production",
		Connector: "csv", ReadOnly: true,
		Open: func(context.Context) (connectors.Source, error) { return readOnly{list}, nil }})
	return w, list
}

// A source that can only be read is read: what would have to change in it is named, and the others are done.
func TestSourceThatCanOnlyBeReadStopsNoOther(t *testing.T) {
	w, list := withList(t)
	w.planned()
	docs, err := plan.List(t.Context(), w.Setup)
	require.NoError(t, err)
	for _, d := range docs {
		for _, c := range d.Counts {
			require.Equal(t, "crm", c.Source, "nobody is asked to approve what cannot be done")
		}
	}
	w.applied()
	require.Len(t, w.Rows("people"), 1)
	w.Now = w.Now.AddDate(0, 0, 1)
	_, err = w.night()
	require.NoError(t, err)
	var left []audit.Exception
	for _, e := range w.facts().Exceptions {
		if e.Code == "E_READ_ONLY" {
			left = append(left, e)
		}
	}
	require.Len(t, left, 1)
	require.Equal(t, "list people news 2",
		left[0].Source+" "+left[0].Object+" "+left[0].Silo+" "+string(rune('0'+left[0].Count)))
	require.Contains(t, left[0].Words, "give the source an apply_dsn")
	rows := 0
	for b, err := range list.Scan(t.Context(), connectors.Query{Table: "people"}) {
		require.NoError(t, err)
		rows += int(b.Rows.NumRows())
	}
	require.Equal(t, 3, rows)
}

// A plan whose source lost its right to be changed waits, and the other sources are done.
func TestSourceThatLostItsRightStopsNoOther(t *testing.T) {
	w, list := withList(t)
	w.Setup.Sources[1].ReadOnly = false
	w.Setup.Sources[1].Open = func(context.Context) (connectors.Source, error) { return list, nil }
	w.planned()
	w.Setup.Sources[1].ReadOnly = true
	w.Setup.Sources[1].Open = func(context.Context) (connectors.Source, error) { return readOnly{list}, nil }
	_, err := w.night()
	require.ErrorIs(t, err, setup.ErrSource)
	require.ErrorContains(t, err, "changes rows of source list, which can only be read now")
	require.Equal(t, 3, setup.ExitCode(err))
	require.Len(t, w.Rows("people"), 1)
}

// A rule that clears the only identifier of a person is refused before a night clears it, as the night after
// could not tell whose the row is.
func TestRuleThatClearsTheIdentifierIsRefused(t *testing.T) {
	w := newWorld(t, news(func(s *policy.Silo) {
		s.Rules[0].Fields = []string{"email"}
		s.Rules = append(s.Rules, policy.Rule{Purpose: "contract", Basis: policy.Contract,
			Start: policy.RelationEnded, Period: calendar.Period{Years: 10}, Fields: []string{"name"},
			End: policy.Delete, Because: "claims", Owner: "anna", ReviewBy: "2027-01-01"})
	}), people())
	w.UsualEvents()
	for name, begin := range map[string]func() error{
		"check": func() error { _, err := ask.Check(t.Context(), w.Setup); return err },
		"night": func() error { _, err := w.night(); return err },
	} {
		err := begin()
		require.ErrorContains(t, err, "L_SUBJECT_LOST", name)
		require.Equal(t, 2, setup.ExitCode(err), name)
	}
	require.Len(t, w.Rows("people"), 3)
}

// A standing order lets no row of a source go that can only be read.
func TestAnOrderLetsNothingGoThatCanOnlyBeRead(t *testing.T) {
	w, _ := withList(t)
	w.Setup.Orders = onlyWithdrawn()
	w.Setup.Orders[0].Reasons = append(w.Setup.Orders[0].Reasons, reason.DConsentExpired)
	_, err := w.night()
	require.NoError(t, err)
	require.Len(t, w.Rows("people"), 1)
	docs, err := plan.List(t.Context(), w.Setup)
	require.NoError(t, err)
	require.NotEmpty(t, docs)
	for _, d := range docs {
		for _, c := range d.Counts {
			require.Equal(t, "crm", c.Source, d.PlanID)
		}
	}
}
