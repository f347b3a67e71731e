package report

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/spool"
	"lethe/pipeline/journal"
	"lethe/pipeline/plan"
	"lethe/pipeline/setup"
)

var settledAt = time.Date(2026, 11, 20, 1, 15, 0, 0, time.UTC)

// ledger is a plan of which it is known what should be reported of each row.
type ledger struct {
	doc     *plan.Sealed
	chunks  []journal.Chunk
	refused []journal.Refusal
	want    map[string]audit.Action // of the rows that the run settled, by their object
}

// outcomes are all that a row can have, and one that nobody knows.
var outcomes = map[byte]audit.Action{
	plan.Done:       {Status: "done", Absent: true},
	plan.Unverified: {Status: "failed", ErrorCode: "UNVERIFIED"},
	plan.Recovered:  {Status: "recovered", Absent: true},
	plan.Drift:      {Status: "skipped_drift"},
	plan.Locked:     {Status: "skipped_drift", ErrorCode: "LOCKED"},
	plan.Half:       {Status: "skipped_drift", ErrorCode: "HALF_DONE"},
	plan.Gone:       {Status: "skipped_drift", ErrorCode: "GONE", Absent: true},
	plan.Refused:    {Status: "refused", ErrorCode: "DATABASE"},
	plan.Unknown:    {Status: "failed", ErrorCode: "UNKNOWN"},
}

// draw makes a plan of random sets, spools its rows into the folder, cuts them into chunks of two runs of
// which some have no outcome yet, and writes down what is to be reported of run "ours".
func draw(t *rapid.T, folder string) *ledger {
	l := &ledger{doc: &plan.Sealed{Folder: folder, Digest: "digest"}, want: map[string]audit.Action{}}
	l.doc.PlanID = "p"
	for set := range rapid.IntRange(1, 3).Draw(t, "sets") {
		l.set(t, set)
	}
	return l
}

func (l *ledger) set(t *rapid.T, set int) {
	name := fmt.Sprint(set)
	kept, err := spool.New[audit.Action](filepath.Join(l.doc.Folder, name), nil)
	require.NoError(t, err)
	rows := rapid.Int64Range(1, 30).Draw(t, "rows")
	for i := range rows {
		require.NoError(t, kept.Append(audit.Action{Object: rowName(set, i)}))
	}
	require.NoError(t, kept.Close())
	l.doc.Sets = append(l.doc.Sets, plan.Set{Rows: rows, Actions: name})

	for first := int64(0); first < rows; {
		n := rapid.Int64Range(1, rows-first).Draw(t, "chunk")
		l.chunk(t, set, first, n)
		first += n
	}
}

func rowName(set int, at int64) string { return fmt.Sprintf("%d row %d", set, at) }

// chunk settles some rows of a set, or leaves them open.
func (l *ledger) chunk(t *rapid.T, set int, first, rows int64) {
	c := journal.Chunk{ID: int64(100 + len(l.chunks)), Group: set, First: first, Rows: rows, SettledAt: settledAt}
	c.RunID = rapid.SampledFrom([]string{"ours", "theirs"}).Draw(t, "run")
	if rapid.IntRange(0, 4).Draw(t, "settled") > 0 {
		for at := first; at < first+rows; at++ {
			o := rapid.SampledFrom([]byte{plan.Done, plan.Unverified, plan.Recovered, plan.Drift, plan.Gone,
				plan.Half, plan.Locked, plan.Refused, plan.Unknown}).Draw(t, "outcome")
			c.Outcome = append(c.Outcome, o)
			if c.RunID == "ours" {
				a := outcomes[o]
				a.Object, a.Batch, a.At, a.Digest = rowName(set, at), c.ID, settledAt, "digest"
				if o == plan.Refused && rapid.Bool().Draw(t, "said why") {
					a.ErrorCode, a.RefusedBy = "TRIGGER", rowName(set, at)
					l.refused = append(l.refused, journal.Refusal{Group: set, Row: at, Class: "TRIGGER", By: a.RefusedBy})
				}
				l.want[a.Object] = a
			}
		}
	}
	l.chunks = append(l.chunks, c)
}

// project collects what is reported, and where it ends in an error.
func (l *ledger) project() (got map[string]audit.Action, err error) {
	got = map[string]audit.Action{}
	for rows, err := range settledRows(l.doc, nil, l.chunks, l.refused, "ours") {
		if err != nil {
			return got, err
		}
		for _, a := range rows {
			if _, twice := got[a.Object]; twice {
				return got, fmt.Errorf("%s is reported twice", a.Object)
			}
			got[a.Object] = audit.Action{Object: a.Object, Batch: a.Batch, At: a.At.UTC(), Digest: a.Digest,
				Status: a.Status, ErrorCode: a.ErrorCode, Absent: a.Absent,
				RefusedBy: a.RefusedBy}
		}
	}
	return got, nil
}

func TestEveryOutcomeReachesItsRow(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		folder, err := os.MkdirTemp(dir, "")
		require.NoError(t, err)
		l := draw(t, folder)
		got, err := l.project()
		require.NoError(t, err)
		require.Equal(t, l.want, got)

		if l.harm(t) {
			_, err = l.project()
			require.ErrorIs(t, err, journal.ErrCorrupt)
		}
	})
}

// harm makes the outcome of a chunk longer or shorter than it may be.
func (l *ledger) harm(t *rapid.T) bool {
	var settled []int
	for i, c := range l.chunks {
		if c.Outcome != nil {
			settled = append(settled, i)
		}
	}
	if len(settled) == 0 {
		return false
	}
	c := &l.chunks[rapid.SampledFrom(settled).Draw(t, "harmed")]
	if rapid.Bool().Draw(t, "longer") {
		c.Outcome = append(c.Outcome, plan.Done)
	} else {
		c.Outcome = c.Outcome[:rapid.IntRange(0, len(c.Outcome)-1).Draw(t, "length")]
	}
	return true
}

// evening is a state folder with three plans of one row each, which were settled by runs ours, theirs and
// ours; the outcome of the first is given.
func evening(t *testing.T, first []byte) (*setup.Setup, *journal.Journal) {
	t.Helper()
	p := &setup.Setup{State: t.TempDir()}
	j, err := p.Journal(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, j.Close()) })
	for i, id := range []string{"p1", "p2", "p3"} {
		doc := &plan.Sealed{Folder: filepath.Join(p.State, "plans", id), Document: plan.Document{PlanID: id}}
		require.NoError(t, os.MkdirAll(doc.Folder, 0o700))
		rows := filepath.Join(doc.Folder, "rows")
		kept, err := spool.New[audit.Action](rows, nil)
		require.NoError(t, err)
		require.NoError(t, kept.Append(audit.Action{PlanID: id}))
		require.NoError(t, kept.Close())
		digest, err := audit.FileDigest(rows)
		require.NoError(t, err)
		doc.Sets = []plan.Set{{Rows: 1, Actions: "rows", ActionsDigest: digest, Changes: "rows", ChangesDigest: digest}}
		require.NoError(t, doc.Write())

		require.NoError(t, j.PutPlan(t.Context(), journal.Plan{ID: id, Digest: doc.Digest, CreatedAt: settledAt,
			State: journal.Approved}))
		c, err := j.Intend(t.Context(), journal.Chunk{PlanID: id, RunID: "r", Rows: 1, IntentAt: settledAt})
		require.NoError(t, err)
		by, outcome := []string{"ours", "theirs", "ours"}[i], [][]byte{first, {plan.Done}, {plan.Done}}[i]
		require.NoError(t, j.Settle(t.Context(), by, settledAt, journal.Outcomes{Chunk: c.ID, Of: outcome}))
	}
	return p, j
}

func actions(t *testing.T, p *setup.Setup, j *journal.Journal) (plans []string, errs []error) {
	t.Helper()
	for rows, err := range Actions(t.Context(), p, j, "ours") {
		for _, a := range rows {
			plans = append(plans, a.PlanID)
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	return plans, errs
}

func TestActionsAreThoseOfOneRun(t *testing.T) {
	p, j := evening(t, []byte{plan.Done})
	plans, errs := actions(t, p, j)
	require.Empty(t, errs)
	require.Equal(t, []string{"p1", "p3"}, plans)
}

func TestNothingFollowsAnError(t *testing.T) {
	t.Run("an edited plan", func(t *testing.T) {
		p, j := evening(t, []byte{plan.Done})
		require.NoError(t, os.WriteFile(filepath.Join(p.State, "plans", "p1", "plan.json"), nil, 0o600))
		plans, errs := actions(t, p, j)
		require.Empty(t, plans)
		require.Len(t, errs, 1)
		require.ErrorIs(t, errs[0], setup.ErrChanged)
	})
	t.Run("an edited plan that has ended", func(t *testing.T) {
		for _, file := range []string{"plan.json", "rows"} {
			p, j := evening(t, []byte{plan.Refused})
			require.NoError(t, os.WriteFile(filepath.Join(p.State, "plans", "p1", file), nil, 0o600))
			require.NoError(t, j.SetPlanState(t.Context(), "p1", journal.Settled, "ours"))
			plans, errs := actions(t, p, j)
			require.Empty(t, errs, "nobody could make the report otherwise")
			require.Equal(t, []string{"p1", "p3"}, plans)
			for rows, err := range Actions(t.Context(), p, j, "ours") {
				require.NoError(t, err)
				require.Len(t, rows, 1)
				require.NotEmpty(t, rows[0].Digest)
				require.Equal(t, settledAt, rows[0].At)
				require.Equal(t, map[string][2]string{"p1": {"refused", "PLAN_LOST"}, "p3": {"done", ""}}[rows[0].PlanID],
					[2]string{rows[0].Status, rows[0].ErrorCode}, "the outcomes are the journal's")
			}
		}
	})
	t.Run("an outcome too many", func(t *testing.T) {
		p, j := evening(t, []byte{plan.Done, plan.Done})
		plans, errs := actions(t, p, j)
		require.Empty(t, plans)
		require.Len(t, errs, 1)
		require.ErrorIs(t, errs[0], journal.ErrCorrupt)
	})
}
