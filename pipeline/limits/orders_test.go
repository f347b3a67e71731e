package limits

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/judge"
	"lethe/pipeline/notes"
	"lethe/pipeline/plan"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/setup"
)

// order lets so many rows of the silo news go, for one reason.
func order(rows int64, percent float64, until int) setup.Order {
	return setup.Order{
		Silo: "news", Reasons: []reason.Code{reason.DConsentWithdrawn}, MaxRows: rows, MaxPercent: percent,
		Until: calendar.Date(until), SignedBy: []string{"anna", "bo"},
	}
}

// never is a day after all others of these tests.
const never = 1 << 20

// TestDivide looks at what standing orders let go, and what people are asked about.
func TestDivide(t *testing.T) {
	c := newCompany(t)
	covered, other := reason.DConsentWithdrawn, reason.DConsentExpired
	for _, test := range []struct {
		name         string
		order        setup.Order
		live, backup []reason.Code // of rows to be deleted
		due          bool          // the backup is rewritten tonight
		asks         []bool        // of the live rows, then of the backup's
	}{
		{name: "covered", order: order(2, 0, never), live: codes(covered, covered), asks: []bool{false, false}},
		{name: "another reason", order: order(2, 0, never), live: codes(covered, other), asks: []bool{false, true}},
		{name: "more than the order allows", order: order(1, 0, never), live: codes(covered, covered),
			asks: []bool{true, true}},
		{name: "a larger part", order: order(9, 0.9, never), live: codes(covered, covered), asks: []bool{true, true}},
		{name: "as large as allowed", order: order(9, 1, never), live: codes(covered, covered),
			asks: []bool{false, false}},
		{name: "out of force", order: order(9, 0, 1), live: codes(covered), asks: []bool{true}},
		{name: "a backup repeats", order: order(1, 0, never), live: codes(covered), backup: codes(covered, covered),
			due: true, asks: []bool{false, false, false}},
		{name: "a backup waits in whole", order: order(1, 0, never), live: codes(covered),
			backup: codes(covered, other),
			due:    true, asks: []bool{false, true, true}},
		{name: "one that is not rewritten", order: order(1, 0, never), live: codes(covered),
			backup: codes(covered, other),
			asks:   []bool{false, false, false}},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := c.limits(setup.Breakers{}, test.order)
			for i, list := range [][]reason.Code{test.live, test.backup} {
				g := l.Stores.List[i].Judges[0]
				for k, code := range list {
					g.Roots = append(g.Roots, root(g, string(rune('a'+k)), judge.Delete, code, 1))
				}
			}
			l.Divide(l.drafts(test.due))
			var asks []bool
			for _, s := range l.Stores.List {
				for _, r := range s.Judges[0].Roots {
					asks = append(asks, r.Asks)
				}
			}
			require.Equal(t, test.asks, asks)
		})
	}
}

func codes(list ...reason.Code) []reason.Code { return list }

// TestCovers looks at which plans standing orders answer.
func TestCovers(t *testing.T) {
	c := newCompany(t)
	line := func(edits ...func(*plan.Count)) plan.Count {
		n := plan.Count{Silo: "news", Source: "crm", Table: "people", Change: "delete", Rows: 5, Percent: 2.5,
			Reason: string(reason.DConsentWithdrawn)}
		for _, edit := range edits {
			edit(&n)
		}
		return n
	}
	rows := func(n int64) func(*plan.Count) { return func(c *plan.Count) { c.Rows = n } }
	table := func(name string) func(*plan.Count) { return func(c *plan.Count) { c.Table = name } }
	change := func(name judge.Change) func(*plan.Count) { return func(c *plan.Count) { c.Change = string(name) } }
	expired := func(c *plan.Count) { c.Reason = string(reason.DConsentExpired) }
	backup := func(c *plan.Count) { c.Source = "dump" }
	for _, test := range []struct {
		name      string
		order     setup.Order
		counts    []plan.Count
		questions []string
		used      int64 // by another plan of the night
		want      bool
	}{
		{name: "nothing", order: order(5, 0, never), want: true},
		{name: "as many as it allows", order: order(5, 0, never), counts: []plan.Count{line()}, want: true},
		{name: "more", order: order(4, 0, never), counts: []plan.Count{line()}},
		{name: "more in two lines", order: order(9, 0, never), counts: []plan.Count{line(), line(change(judge.Clear))}},
		{name: "more with another plan", order: order(5, 0, never), counts: []plan.Count{line()}, used: 1},
		{name: "out of force", order: order(5, 0, 1), counts: []plan.Count{line()}},
		{name: "another reason", order: order(5, 0, never), counts: []plan.Count{line(), line(expired)}},
		{name: "which only blocks", order: order(5, 0, never),
			counts: []plan.Count{line(expired, change(judge.Block))}, want: true},
		{name: "with what follows", order: order(5, 0, never),
			counts: []plan.Count{line(), line(table("orders"), rows(99))}, want: true},
		{name: "in a backup", order: order(5, 0, never), counts: []plan.Count{line(), line(backup, rows(99))},
			want: true},
		{name: "that only forget", order: order(5, 0, never),
			counts: []plan.Count{line(), line(change(judge.SetNull), rows(99))}, want: true},
		{name: "a question of rows", order: order(5, 0, never), counts: []plan.Count{line()},
			questions: []string{notes.AskRows}, want: true},
		{name: "of percent", order: order(5, 0, never), counts: []plan.Count{line()},
			questions: []string{notes.AskPercent}},
		{name: "which the order answers", order: order(5, 2.5, never), counts: []plan.Count{line()},
			questions: []string{notes.AskPercent}, want: true},
		{name: "or does not", order: order(5, 2.4, never), counts: []plan.Count{line()},
			questions: []string{notes.AskPercent}},
		{name: "of a table of no size", order: order(5, 2.4, never), counts: []plan.Count{line(table("tiny"))},
			want: true},
		{name: "of people only", order: order(5, 0, never), counts: []plan.Count{line()},
			questions: []string{notes.AskSpike}},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := c.limits(setup.Breakers{}, test.order)
			l.OrderUse["other"] = map[int]int64{0: test.used}
			p := &plan.Sealed{Document: plan.Document{PlanID: "plan", Counts: test.counts, Questions: test.questions}}
			require.Equal(t, test.want, l.Covers(p))
			require.Empty(t, l.Notes.Facts.Approvals, "it was only asked")
		})
	}
}

// TestNoteBooksAPlanOnce lets an order that was used cover less, and stand once among the approvals.
func TestNoteBooksAPlanOnce(t *testing.T) {
	c := newCompany(t)
	l := c.limits(setup.Breakers{}, order(8, 0, never))
	sealed := func(id string, rows int64) *plan.Sealed {
		return &plan.Sealed{Document: plan.Document{PlanID: id, Counts: []plan.Count{{Silo: "news", Source: "crm",
			Table: "people", Change: "delete", Rows: rows, Reason: string(reason.DConsentWithdrawn)}}}}
	}
	first := sealed("one", 5)
	for range 2 {
		require.True(t, l.Covers(first), "its own use does not count against it")
		l.Note(first)
	}
	require.Len(t, l.Notes.Facts.Approvals, 1)
	require.Equal(t, "anna;bo", l.Notes.Facts.Approvals[0].Actor)
	require.True(t, l.Covers(sealed("two", 3)))
	require.False(t, l.Covers(sealed("two", 4)))
}
