package limits

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/audit"
	"lethe/pipeline/census"
	"lethe/pipeline/judge"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/setup"
)

// TestCadence says of backups whether they are rewritten tonight, 20 November.
func TestCadence(t *testing.T) {
	c := newCompany(t)
	day := func(month time.Month, day int) time.Time { return time.Date(2026, month, day, 0, 0, 0, 0, time.UTC) }
	terms := &setup.RewriteTerms{After: calendar.Period{Days: 10}, AtMostEvery: calendar.Period{Days: 30}}
	for _, test := range []struct {
		name     string
		terms    *setup.RewriteTerms
		due      []time.Time
		last     time.Time
		expires  time.Time
		copied   int // days after it was taken
		rewrite  bool
		strategy string
		why      string
	}{
		{name: "nothing is due", terms: terms, strategy: "rewrite", why: "nothing in it is due"},
		{name: "due", terms: terms, due: []time.Time{day(11, 1)}, rewrite: true, strategy: "rewrite",
			why: "erasures are due"},
		{name: "due for as long as allowed", terms: terms, due: []time.Time{day(11, 10)}, rewrite: true,
			strategy: "rewrite"},
		{name: "not for so long", terms: terms, due: []time.Time{day(11, 11)}, strategy: "rewrite", why: "P10D later"},
		{name: "of several the oldest", terms: terms, due: []time.Time{day(11, 15), day(11, 1), day(11, 19)},
			rewrite:  true,
			strategy: "rewrite"},
		{name: "rewritten lately", terms: terms, due: []time.Time{day(11, 1)}, last: day(10, 22), strategy: "rewrite",
			why: "rewritten on 2026-10-22, at most every P30D"},
		{name: "and long ago", terms: terms, due: []time.Time{day(11, 1)}, last: day(10, 21), rewrite: true,
			strategy: "rewrite"},
		{name: "past its end", terms: terms, due: []time.Time{day(11, 1)}, expires: day(11, 19), strategy: "age_out",
			why: "past its end"},
		{name: "past its end, copied", terms: terms, due: []time.Time{day(11, 1)}, expires: day(11, 19), copied: 2,
			rewrite: true, strategy: "rewrite"}, // it may be kept by the time of its file
		{name: "at its end", terms: terms, due: []time.Time{day(11, 1)}, expires: day(11, 20), rewrite: true,
			strategy: "rewrite"},
		{name: "may not be", due: []time.Time{day(11, 1)}, expires: day(12, 1), strategy: "age_out",
			why: "not configured"},
		{name: "and has no end", due: []time.Time{day(11, 1)}, strategy: "beyond_use", why: "not configured"},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := c.limits(setup.Breakers{})
			draft := l.drafts(false)[1]
			draft.Rewrite = test.terms
			draft.Written = draft.TakenAt.AddDate(0, 0, test.copied)
			g := draft.Judges[0]
			g.Roots = append(g.Roots, root(g, "blocked", judge.Block, "D", 1))
			for _, due := range test.due {
				g.Roots = append(g.Roots, root(g, due.String(), judge.Delete, "D", calendar.DateOf(due, time.UTC)))
			}
			b := audit.Backup{LastRewrite: test.last, ExpiresAt: test.expires}
			rows, oldest := pending(draft)
			require.EqualValues(t, len(test.due), rows)
			b.Pending = rows
			require.Equal(t, test.rewrite, l.rewrites(draft, &b, rows, oldest), b.Why)
			require.Equal(t, test.strategy, b.Strategy)
			require.Contains(t, b.Why, test.why)
		})
	}
}

// TestWhatWaitsIsStillInABackup: rows that stand in a plan that waits are in no plan of tonight, and still there.
func TestWhatWaitsIsStillInABackup(t *testing.T) {
	c := newCompany(t)
	l := c.limits(setup.Breakers{})
	draft := l.drafts(false)[1]
	draft.Rewrite = &setup.RewriteTerms{}
	g := draft.Judges[0]
	decided := func(change judge.Change, rows int64, oldest string) {
		key := census.Key{Reason: "D_CONSENT_WITHDRAWN", Change: string(change)}
		line := g.Summary.Of(key, "news", draft.Name, g.Table.Name, false)
		line.Rows, line.OldestDue = rows, oldest
	}
	decided(judge.None, 70, "")
	decided(judge.Block, 3, "2026-01-01")
	rows, oldest := due(draft, 0, 0)
	require.Zero(t, rows)
	require.Empty(t, oldest)

	decided(judge.Delete, 5, "2026-10-01")
	decided(judge.Clear, 2, "2026-11-01")
	g.Roots = append(g.Roots, root(g, "2", judge.Delete, "D", calendar.DateOf(time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC), time.UTC)))
	tonight, first := pending(draft)
	rows, oldest = due(draft, tonight, first)
	require.EqualValues(t, 7, rows, "also those that are in no plan of tonight")
	require.Equal(t, "2026-10-01", oldest)

	b := audit.Backup{Pending: rows}
	require.False(t, l.rewrites(draft, &b, 0, 0), "nothing of it may be done tonight")
	require.Equal(t, "what is due in it waits for people, or for its next try", b.Why)
	require.True(t, l.rewrites(draft, &b, tonight, first))

	g.Summary = census.Lines{} // of people who should be gone nothing is summed up
	rows, _ = due(draft, tonight, first)
	require.EqualValues(t, 1, rows)
}
