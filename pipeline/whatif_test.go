package pipeline_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/connectors/mem"
	"lethe/pipeline"
	"lethe/pipeline/ask/whatif"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/setup"
)

// with is the world's pipeline under another policy.
func (w *world) with(silos ...policy.Silo) *setup.Setup {
	w.T.Helper()
	p := *w.Setup
	p.Silos = nil
	for _, s := range silos {
		c, err := policy.Compile(s, rome, "IT")
		require.NoError(w.T, err)
		p.Silos = append(p.Silos, c)
	}
	return &p
}

// everybody is people, with rows that the registry does not know, that cannot be read, and that gave and
// took consents of many ages.
func everybody() mem.Table {
	t := people()
	t.Rows = append(t.Rows, mem.Row{"4", "nobody@lago.it", "Ida", "active", "2020-01-01"},
		mem.Row{"5", "unreadable", "Ugo", "active", "2020-01-01"},
		mem.Row{"6", "zoe@lago.it", "Zoe", "active", "2025-06-01"},
		mem.Row{"7", "leo@lago.it", "Leo", "blocked", "2025-06-01"})
	return t
}

func TestComparingAPolicyWithItselfFindsNothing(t *testing.T) {
	w := newWorld(t, news(nil), everybody())
	w.UsualEvents()
	before, err := heads(w)
	require.NoError(t, err)
	c, err := whatif.Compare(t.Context(), w.Setup, w.Setup, time.Time{})
	require.NoError(t, err)
	require.Empty(t, c.Changes)
	require.Empty(t, c.Lines)
	require.Empty(t, c.Notes)
	require.Equal(t, []whatif.ComparedTable{{Source: "crm", Table: "people", Rows: 7, Same: 7, Goes: 2}}, c.Tables)
	after, err := heads(w)
	require.NoError(t, err)
	require.Equal(t, before, after, "the registry was written to")
	_, err = os.Stat(w.Setup.State)
	require.ErrorIs(t, err, os.ErrNotExist, "a journal was made")
}

// What is said that a policy would decide is what a night under it decides.
func TestTheComparisonIsWhatTheNightDecides(t *testing.T) {
	w := newWorld(t, news(nil), everybody())
	w.UsualEvents()
	w.Event(event.Given, "zoe@lago.it", "news", time.Date(2025, 6, 1, 9, 0, 0, 0, rome))
	w.Event(event.Given, "leo@lago.it", "news", time.Date(2025, 6, 1, 9, 0, 0, 0, rome))
	w.Event(event.Restricted, "leo@lago.it", "", time.Date(2026, 6, 1, 9, 0, 0, 0, rome))
	rule := func(change func(*policy.Rule)) policy.Silo {
		return news(func(s *policy.Silo) { change(&s.Rules[0]) })
	}
	for name, next := range map[string]policy.Silo{
		"a shorter term": rule(func(r *policy.Rule) { r.MaxAge = calendar.Period{Months: 12} }),
		"a longer term":  rule(func(r *policy.Rule) { r.MaxAge = calendar.Period{Months: 60} }),
		"a grace":        rule(func(r *policy.Rule) { r.Grace = calendar.Period{Days: 30} }),
		"blocking":       news(func(s *policy.Silo) { s.Jurisdiction = "ES" }),
		"another ground": news(func(s *policy.Silo) {
			s.Rules[0].Fields = []string{"email", "name"}
			s.Rules = append(s.Rules, policy.Rule{Purpose: "fraud", Basis: policy.LegitimateInterest,
				Start: policy.Collected, Period: calendar.Period{Years: 2}, End: policy.Delete,
				Fields:  []string{"email"},
				Because: "fraud", Owner: "anna", ReviewBy: "2027-01-01"})
		}),
		"no rule in force": rule(func(r *policy.Rule) { r.From = "2027-01-01" }),
		"rows told apart":  news(func(s *policy.Silo) { s.Records[0].Where = map[string]string{"status": "active"} }),
	} {
		t.Run(name, func(t *testing.T) {
			after := w.with(next)
			c, err := whatif.Compare(t.Context(), w.Setup, after, time.Time{})
			require.NoError(t, err)
			require.NotEmpty(t, c.Changes)
			said := map[string]int64{}
			for _, l := range c.Lines {
				if l.New.Silo != "" {
					said[string(l.New.Reason)+" "+string(l.New.Action)] += l.Rows
				}
				if l.Old.Silo != "" {
					said[string(l.Old.Reason)+" "+string(l.Old.Action)] -= l.Rows
				}
			}
			decided := map[string]int64{}
			for p, sign := range map[*setup.Setup]int64{w.Setup: -1, after: 1} {
				again := *p
				again.State, again.Reports = t.TempDir(), t.TempDir()
				r, err := pipeline.Run(t.Context(), &again, setup.Options{Job: "nightly"})
				require.NoError(t, err)
				for _, l := range r.Summary {
					decided[l.Reason+" "+l.Action] += sign * l.Rows
				}
			}
			for k, n := range decided {
				require.Equal(t, n, said[k], k)
			}
			require.Equal(t, int64(7), c.Tables[0].Rows)
			var otherwise int64
			for _, l := range c.Lines {
				otherwise += l.Rows
			}
			require.Equal(t, c.Tables[0].Rows, c.Tables[0].Same+otherwise)
			require.Equal(t, otherwise, *c.Effect.Rows)
			require.Equal(t, map[string]int64{"news": otherwise}, c.Effect.Silos)
		})
	}
}

func TestTheComparisonSaysWhatItCannot(t *testing.T) {
	w := newWorld(t, news(nil), everybody())
	w.UsualEvents()
	other := news(nil)
	other.Name = "letters"
	c, err := whatif.Compare(t.Context(), w.Setup, w.with(other), time.Time{})
	require.NoError(t, err)
	require.Equal(t, 7, c.Totals["no longer decided"])
	require.Nil(t, c.Effect.Rows, "what the other decides is not known")
	require.Equal(t, map[string]int64{"news": 7}, c.Effect.Silos)
	require.Len(t, c.Notes, 1)
	require.Contains(t, c.Notes[0], "silo letters has no key or is not in the registry")

	longer := news(func(s *policy.Silo) { s.Rules[0].MaxAge = calendar.Period{Years: 3} })
	c, err = whatif.Compare(t.Context(), w.Setup, w.with(longer), time.Time{})
	require.NoError(t, err)
	require.Contains(t, c.Notes[0],
		"consents would last P3Y, before P24M; those that a night has already ended stay ended")

	shorter := w.with(news(func(s *policy.Silo) { s.Rules[0].MaxAge = calendar.Period{Months: 1} }))
	shorter.Breakers.MaxRows = 2
	c, err = whatif.Compare(t.Context(), w.Setup, shorter, time.Time{})
	require.NoError(t, err)
	require.Equal(t, []string{"3 of 7 rows of crm.people would go, " +
		"more than breakers.max_rows 2 allows without a question: somebody has to approve the plan"}, c.Notes)
	require.Equal(t, 1, c.Totals["now deleted"])

	wrong := news(func(s *policy.Silo) { s.Records[0].Collected = "born" })
	_, err = whatif.Compare(t.Context(), w.Setup, w.with(wrong), time.Time{})
	require.ErrorIs(t, err, setup.ErrConfig)
	require.ErrorContains(t, err, "new policy: ")
	_, err = whatif.Compare(t.Context(), w.with(wrong), w.Setup, time.Time{})
	require.ErrorContains(t, err, "old policy: ")
}
