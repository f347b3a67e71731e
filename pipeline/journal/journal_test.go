package journal_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"lethe/pipeline/journal"
)

var now = time.Date(2026, 11, 20, 1, 15, 0, 123456789, time.UTC)

func open(t *testing.T, state string) *journal.Journal {
	t.Helper()
	j, err := journal.Open(t.Context(), state, nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func TestRunsComeBackNewestFirstAndWhole(t *testing.T) {
	state := t.TempDir()
	j := open(t, state)
	first := journal.Run{ID: "a", Key: "nightly/apply/2026-11-20", Apply: true, AsOf: now, StartedAt: now}
	require.NoError(t, j.Begin(t.Context(), first))
	require.NoError(t, j.Begin(t.Context(), journal.Run{ID: "b", Key: "k", AsOf: now, StartedAt: now.Add(time.Hour)}))
	first.EndedAt, first.ExitCode, first.Facts = now.Add(time.Minute), 3, []byte(`{}`)
	require.NoError(t, j.End(t.Context(), first))
	require.NoError(t, j.Publish(t.Context(), "a", "abc"))
	require.NoError(t, j.Close())
	runs, err := open(t, state).Runs(t.Context(), 10)
	require.NoError(t, err)
	first.Manifest = "abc"
	require.Equal(t, []journal.Run{{ID: "b", Key: "k", AsOf: now, StartedAt: now.Add(time.Hour), ExitCode: -1},
		first}, runs, "a run that was cut off has no end")
	runs, err = open(t, state).Runs(t.Context(), 1)
	require.NoError(t, err)
	require.Len(t, runs, 1)
}

// TestFactsArePackedAndTheirRoomIsGivenBack writes facts as earlier builds did, and has them packed and forgotten.
func TestFactsArePackedAndTheirRoomIsGivenBack(t *testing.T) {
	state := t.TempDir()
	j := open(t, state)
	facts := []byte(`{"words":"` + strings.Repeat("the same of the same table; ", 1<<16) + `"}`)
	for i := range 4 {
		id := string(rune('a' + i))
		require.NoError(t, j.Begin(t.Context(), journal.Run{ID: id, AsOf: now, StartedAt: now.Add(time.Duration(i))}))
		require.NoError(t, j.End(t.Context(), journal.Run{ID: id, EndedAt: now}))
		require.NoError(t, j.Publish(t.Context(), id, "m"))
	}
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(state, "journal.db"))
	require.NoError(t, err)
	defer db.Close()
	size := func() (n int64) {
		require.NoError(t, db.QueryRow(`SELECT page_count * page_size FROM pragma_page_count, pragma_page_size`).Scan(&n))
		return n
	}
	_, err = db.ExecContext(t.Context(), `UPDATE run SET facts = CAST(? AS BLOB)`, facts)
	require.NoError(t, err)
	require.Greater(t, size(), int64(7<<20))

	require.NoError(t, j.PackFacts(t.Context()))
	require.NoError(t, j.PackFacts(t.Context()), "nothing is packed twice")
	require.NoError(t, j.Shrink(t.Context()))
	require.Less(t, size(), int64(1<<18))
	runs, err := j.Runs(t.Context(), 10)
	require.NoError(t, err)
	require.Len(t, runs, 4)
	for _, r := range runs {
		require.Equal(t, facts, r.Facts)
	}

	_, err = db.ExecContext(t.Context(), `UPDATE run SET facts = substr(facts, 1, 40) WHERE run_id = 'b'`)
	require.NoError(t, err)
	_, err = j.Runs(t.Context(), 10)
	require.ErrorIs(t, err, journal.ErrCorrupt)
}

func plan(t *testing.T, j *journal.Journal, id, state string) {
	t.Helper()
	require.NoError(t, j.PutPlan(t.Context(), journal.Plan{ID: id, RunID: "a", Part: "destructive", Digest: "d",
		CreatedAt: now, ValidUntil: now.AddDate(0, 0, 7), State: state}))
}

func TestPlansByState(t *testing.T) {
	j := open(t, t.TempDir())
	plan(t, j, "p1", journal.Waiting)
	plan(t, j, "p2", journal.Approved)
	plan(t, j, "p3", journal.Lapsed)
	require.NoError(t, j.SetPlanState(t.Context(), "p2", journal.Settled, "b"))
	open, err := j.Plans(t.Context(), journal.Waiting, journal.Approved)
	require.NoError(t, err)
	require.Len(t, open, 1)
	require.Equal(t, "p1", open[0].ID)
	all, err := j.Plans(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"", "b", ""}, []string{all[0].SettledIn, all[1].SettledIn, all[2].SettledIn})
}

func TestAnAnswerAndItsMoveAreOne(t *testing.T) {
	j := open(t, t.TempDir())
	plan(t, j, "p", journal.Waiting)
	p := journal.Plan{ID: "p", State: journal.Waiting}
	require.NoError(t, j.PutAnswer(t.Context(), 1, "plan:p", []byte("1"), nil))
	require.NoError(t, j.PutAnswer(t.Context(), 1, "plan:p", []byte("1"), nil), "it stands there already")
	require.Error(t, j.PutAnswer(t.Context(), 1, "plan:p", []byte("2"), &journal.Move{Plan: p, To: journal.Approved}))
	require.ErrorIs(t, j.PutAnswer(t.Context(), 2, "plan:p", []byte("2"),
		&journal.Move{Plan: p, To: journal.Approved, Intents: 1}), journal.ErrMovedOn)
	waiting, err := j.Plans(t.Context(), journal.Waiting)
	require.NoError(t, err)
	require.Len(t, waiting, 1)
	require.NoError(t, j.PutAnswer(t.Context(), 2, "plan:p", []byte("3"), &journal.Move{Plan: p, To: journal.Approved}))
	approved, err := j.Plans(t.Context(), journal.Approved)
	require.NoError(t, err)
	require.Len(t, approved, 1)
	got, err := j.Answers(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[int64][]byte{1: []byte("1"), 2: []byte("3")}, got)
}

// TestAJournalOfBeforeTheChainIsMovedOver opens one in which people answered plans: what waits is asked anew.
func TestAJournalOfBeforeTheChainIsMovedOver(t *testing.T) {
	state := t.TempDir()
	j := open(t, state)
	for id, in := range map[string]string{"asked": journal.Waiting, "answered": journal.Waiting, "objected": journal.Waiting,
		"approved": journal.Approved, "begun": journal.Approved, "ended": journal.Settled} {
		plan(t, j, id, in)
	}
	_, err := j.Intend(t.Context(), journal.Chunk{PlanID: "begun", RunID: "r", Rows: 1, IntentAt: now})
	require.NoError(t, err)
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(state, "journal.db"))
	require.NoError(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), `CREATE TABLE approval (id INTEGER PRIMARY KEY, plan_id TEXT NOT NULL
		REFERENCES plan, actor TEXT NOT NULL, body BLOB NOT NULL, UNIQUE (plan_id, actor));
		CREATE TABLE taken_back (id INTEGER PRIMARY KEY, plan_id TEXT NOT NULL REFERENCES plan, actor TEXT NOT NULL,
		body BLOB NOT NULL);
		INSERT INTO approval (plan_id, actor, body) VALUES ('answered', 'anna', x'00'), ('approved', 'anna', x'00'),
		('begun', 'anna', x'00'), ('ended', 'anna', x'00');
		INSERT INTO taken_back (plan_id, actor, body) VALUES ('objected', 'dora', x'00')`)
	require.NoError(t, err)
	for range 2 {
		j := open(t, state)
		plans, err := j.Plans(t.Context())
		require.NoError(t, err)
		got := map[string]string{}
		for _, p := range plans {
			got[p.ID] = p.State
		}
		require.Equal(t, map[string]string{"asked": journal.Waiting, "answered": journal.Lapsed,
			"objected": journal.Lapsed, "approved": journal.Lapsed, "begun": journal.Approved, "ended": journal.Settled}, got)
	}
}

func TestAChunkIsIntendedOnceAndSettledOnce(t *testing.T) {
	state := t.TempDir()
	j := open(t, state)
	plan(t, j, "p", journal.Approved)
	c, err := j.Intend(t.Context(), journal.Chunk{RunID: "a", PlanID: "p", Group: 1, First: 200, Rows: 100,
		IntentAt: now})
	require.NoError(t, err)
	require.NoError(t, j.Close())
	j = open(t, state) // as after a crash
	again, err := j.Intend(t.Context(), journal.Chunk{RunID: "b", PlanID: "p", Group: 1, First: 200, Rows: 100,
		IntentAt: now.Add(time.Hour)})
	require.NoError(t, err)
	require.Equal(t, c.ID, again.ID)
	_, err = j.Intend(t.Context(), journal.Chunk{RunID: "b", PlanID: "p", Group: 0, First: 0, Rows: 5, IntentAt: now})
	require.NoError(t, err)
	require.NoError(t, j.Settle(t.Context(), "b", now, journal.Outcomes{Chunk: c.ID, Of: []byte("dds")}))
	require.ErrorIs(t, j.Settle(t.Context(), "b", now, journal.Outcomes{Chunk: c.ID, Of: []byte("ddd")}), journal.ErrCorrupt,
		"an outcome is never written over")
	chunks, err := j.Chunks(t.Context(), "p")
	require.NoError(t, err)
	require.Len(t, chunks, 2)
	require.Nil(t, chunks[0].Outcome, "the open chunk, in the order of the rows")
	require.Equal(t, journal.Chunk{ID: c.ID, RunID: "b", PlanID: "p", Group: 1, First: 200, Rows: 100, IntentAt: now,
		Outcome: []byte("dds"), SettledAt: now}, chunks[1])
}

func TestARunTakesOverWhatACutOffRunHadSettled(t *testing.T) {
	j := open(t, t.TempDir())
	ended := journal.Run{ID: "ended", StartedAt: now, AsOf: now, EndedAt: now}
	for _, id := range []string{"ended", "killed", "mine"} {
		require.NoError(t, j.Begin(t.Context(), journal.Run{ID: id, StartedAt: now, AsOf: now}))
	}
	require.NoError(t, j.End(t.Context(), ended))
	plan(t, j, "p", journal.Approved)
	for i, run := range []string{"ended", "killed"} {
		c, err := j.Intend(t.Context(), journal.Chunk{RunID: run, PlanID: "p", First: int64(i), Rows: 1, IntentAt: now})
		require.NoError(t, err)
		require.NoError(t, j.Settle(t.Context(), run, now, journal.Outcomes{Chunk: c.ID, Of: []byte("d")}))
	}
	require.NoError(t, j.TakeOver(t.Context(), "mine"))
	chunks, err := j.Chunks(t.Context(), "p")
	require.NoError(t, err)
	require.Equal(t, []string{"ended", "mine"}, []string{chunks[0].RunID, chunks[1].RunID})
}

func TestRewritesAreRemembered(t *testing.T) {
	j := open(t, t.TempDir())
	at, sum, err := j.LastRewrite(t.Context(), "f.sql.gz")
	require.NoError(t, err)
	require.True(t, at.IsZero())
	require.Empty(t, sum)
	require.NoError(t, j.Rewritten(t.Context(), "f.sql.gz", now, "1"))
	require.NoError(t, j.Rewritten(t.Context(), "f.sql.gz", now.Add(time.Hour), "2"))
	at, sum, err = j.LastRewrite(t.Context(), "f.sql.gz")
	require.NoError(t, err)
	require.Equal(t, now.Add(time.Hour), at)
	require.Equal(t, "2", sum)
}

func TestJournalThatCannotBeOpenedIsNotCalledDamaged(t *testing.T) {
	state := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(state, "journal.db"), 0o700))
	_, err := journal.Open(t.Context(), state, nil)
	require.ErrorIs(t, err, sqlite3.CANTOPEN)
	require.NotErrorIs(t, err, journal.ErrCorrupt)
	require.ErrorContains(t, err, "may not open it")
}

func TestDamagedJournalIsRefused(t *testing.T) {
	state := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(state, "journal.db"), []byte("this is no database, and long "+
		"enough to be looked at as one, page by page"), 0o600))
	_, err := journal.Open(t.Context(), state, nil)
	require.ErrorIs(t, err, journal.ErrCorrupt)
}

// refuse lets a plan be refused one row that a silo governs and one that follows it.
func refuse(t *testing.T, j *journal.Journal, id string, day time.Time) {
	t.Helper()
	plan(t, j, id, journal.Approved)
	c, err := j.Intend(t.Context(), journal.Chunk{RunID: "a", PlanID: id, Rows: 2, IntentAt: now})
	require.NoError(t, err)
	require.NoError(t, j.Settle(t.Context(), "a", now, journal.Outcomes{Chunk: c.ID, Of: []byte("rr"), Refused: []journal.Refusal{
		{PlanID: id, Row: 0, Class: "TRIGGER", At: day},
		{PlanID: id, Row: 1, Class: "TRIGGER", By: "keep", At: day, Aside: &journal.Aside{Source: "crm", Table: "people",
			Record: "ab", Destroys: true, Policy: "p"}},
	}}))
}

func TestARefusedRowIsSetAsideForTwiceAsLongEachTime(t *testing.T) {
	state := t.TempDir()
	j := open(t, state)
	aside := func(at time.Time, policy string) int {
		list, err := j.SetAside(t.Context(), at, policy)
		require.NoError(t, err)
		return len(list)
	}
	day := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	for i, days := range []int{7, 14, 28, 28} {
		refuse(t, j, string(rune('a'+i)), day)
		require.NoError(t, j.Close()) // it is durable with the outcome
		j = open(t, state)
		next := day.AddDate(0, 0, days)
		require.Equal(t, 1, aside(next.Add(-time.Second), "p"), "%d days", days)
		require.Zero(t, aside(next, "p"), "%d days", days)
		require.Zero(t, aside(day, "another"), "another policy may be what it takes")
		day = next
	}
	list, err := j.Refusals(t.Context(), "b")
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Nil(t, list[0].Aside, "what only follows is nobody's to try")
	require.Equal(t, "keep", list[1].By)

	require.NoError(t, j.EndAside(t.Context()))
	require.Zero(t, aside(now, "p"))
	list, err = j.Refusals(t.Context(), "b")
	require.NoError(t, err)
	require.Len(t, list, 2, "the evidence stays")
}

// Runs are outdated once their report is published and newer nights than so many are; those between the nights do
// not count, and one that was cut off has nothing to keep.
func TestWhatIsOutdated(t *testing.T) {
	j := open(t, t.TempDir())
	for i, id := range []string{"n1", "s1", "n2", "owed", "n3", "s2", "s3", "n4", "cut", "mine"} {
		key := "nightly/apply/2026-11-20"
		if id[0] == 's' {
			key = "sync/apply" + journal.SyncOnly + "/2026-11-20"
		}
		at := now.Add(time.Duration(i) * time.Hour)
		require.NoError(t, j.Begin(t.Context(), journal.Run{ID: id, Key: key, AsOf: at, StartedAt: at}))
		if id == "cut" || id == "mine" {
			continue
		}
		require.NoError(t, j.End(t.Context(), journal.Run{ID: id, EndedAt: at, Facts: []byte(`{}`)}))
		if id != "owed" {
			require.NoError(t, j.Publish(t.Context(), id, "manifest"))
		}
	}
	for nights, want := range map[int][]string{
		9: {"cut"}, 4: {"cut"}, 3: {"n1", "s1", "cut"}, 2: {"n1", "s1", "n2", "cut"},
		1: {"n1", "s1", "n2", "n3", "s2", "s3", "cut"},
	} {
		got, err := j.Outdated(t.Context(), nights, "mine")
		require.NoError(t, err)
		require.ElementsMatch(t, want, got, "%d nights", nights)
	}
	require.NoError(t, j.DropFacts(t.Context(), 2))
	for id, kept := range map[string]bool{"n1": false, "s1": false, "n2": false, "owed": true, "n3": true, "s2": true} {
		r, ok, err := j.Find(t.Context(), id)
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, kept, len(r.Facts) > 0, id)
	}
	_, ok, err := j.Find(t.Context(), "nobody")
	require.NoError(t, err)
	require.False(t, ok)
}

func TestWhatSomebodyHasAnsweredIsNotWithdrawn(t *testing.T) {
	for name, answer := range map[string]func(j *journal.Journal, p journal.Plan) error{
		"nobody": func(*journal.Journal, journal.Plan) error { return nil },
		"approved by one": func(j *journal.Journal, p journal.Plan) error {
			return j.PutAnswer(t.Context(), 1, "plan:"+p.ID, []byte("yes"), nil)
		},
		"approved": func(j *journal.Journal, p journal.Plan) error {
			return j.SetPlanState(t.Context(), p.ID, journal.Approved, "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			j, err := journal.Open(t.Context(), t.TempDir(), nil)
			require.NoError(t, err)
			defer j.Close()
			p := journal.Plan{ID: "p", RunID: "r", State: journal.Waiting}
			require.NoError(t, j.PutPlan(t.Context(), p))
			require.NoError(t, answer(j, p))
			done, err := j.Withdraw(t.Context(), "p", "plan:p", "r2")
			require.NoError(t, err)
			require.Equal(t, name == "nobody", done)
			plans, err := j.Plans(t.Context(), journal.Withdrawn)
			require.NoError(t, err)
			require.Equal(t, done, len(plans) == 1)
		})
	}
}
