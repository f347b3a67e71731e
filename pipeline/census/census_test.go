package census

import (
	"encoding/gob"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/audittest"
	"lethe/pipeline/audit/figures"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/reason"
)

// told is a row as the test remembers it.
type told struct {
	Row
	ended bool
}

var someone = rapid.Map(rapid.IntRange(0, 9), func(n int) Person {
	if n > 5 {
		return Person(n)<<40 | unknown
	}
	return Person(n * 40)
})

// naive counts the people of rows one by one.
func naive(rows []told) (c Counts) {
	people, without, inUse, stranger := map[Person]bool{}, map[Person]bool{}, map[Person]bool{}, map[Person]bool{}
	for _, r := range rows {
		p := r.Person
		if p == 0 || r.Anonymous {
			continue
		}
		if r.Ground == Unknown || r.Ground == Due && p&unknown != 0 { // also of a row that is gone since
			stranger[p] = true
		}
		if r.Ground >= InGrace && !r.Blocked {
			inUse[p] = true
		}
		if r.ended {
			continue
		}
		people[p] = true
		if r.Ground >= InGrace {
			without[p] = true
		}
	}
	c.People, c.WithoutGround = int64(len(people)), int64(len(without))
	for p := range without {
		c.Blocked += one(!inUse[p])
		c.Unknown += one(stranger[p])
	}
	return c
}

// TestPeopleAreCountedOnce whatever rows they have and whichever of those are ended, by the night that met them or by
// runs that go on from what it kept.
func TestPeopleAreCountedOnce(t *testing.T) {
	file, keys := filepath.Join(t.TempDir(), "census"), audittest.Keys(t)
	rapid.Check(t, func(r *rapid.T) {
		n := New(20000)
		var rows []told
		for range rapid.IntRange(0, 20).Draw(r, "rows") {
			row := told{Row: Row{Person: someone.Draw(r, "person"), Ground: Ground(rapid.IntRange(0, 5).Draw(r, "ground")),
				Blocked: rapid.Bool().Draw(r, "blocked"), Anonymous: rapid.IntRange(0, 9).Draw(r, "anonymous") == 0}}
			row.Anonymous = row.Anonymous && row.Ground == Grounded
			rows = append(rows, row)
			n.Table("s", rapid.SampledFrom([]string{"crm", "shop"}).Draw(r, "source"), "t", false).Add(row.Row)
		}
		base, known := n.Of("s")
		require.Equal(r, len(rows) > 0, known)
		require.Equal(r, naive(rows), base)

		end := func(n *Night) {
			for i := range rows {
				if rows[i].Ground == Due && !rows[i].ended && rapid.Bool().Draw(r, "end") {
					rows[i].ended = true
					n.Ended("s", "crm", rows[i].Person, How(rapid.IntRange(0, 1).Draw(r, "how")))
				}
			}
		}
		n.silo("s").live["crm"] = true
		end(n)
		tonight, _ := n.Of("s")
		require.Equal(r, naive(rows), tonight)

		require.NoError(r, n.Save(file, keys))
		later := New(20001)
		require.NoError(r, later.Load(file, keys))
		none, _ := later.Of("s")
		require.Equal(r, Counts{}, none)
		end(later)
		less, _ := later.Of("s")
		require.Equal(r, naive(rows), Counts{People: tonight.People + less.People,
			WithoutGround: tonight.WithoutGround + less.WithoutGround, Blocked: tonight.Blocked + less.Blocked,
			Unknown: tonight.Unknown + less.Unknown})
	})
}

// TestWhoIsStillInBackups counts the erased who have copies, and in which file each is longest.
func TestWhoIsStillInBackups(t *testing.T) {
	n := New(20000)
	live := n.Table("s", "shop", "customers", false)
	one, two, three := Person(1), Person(2), Person(3)
	live.Add(Row{Person: one, Ground: Due})
	live.Add(Row{Person: two, Ground: Due})
	old, young := n.Table("s", "old", "customers", true), n.Table("s", "young", "customers", true)
	for _, p := range []Person{one, two, three} {
		old.Add(Row{Person: p, Ground: Due, Erased: p == three})
	}
	young.Add(Row{Person: one, Ground: Due})
	young.Add(Row{Person: one, Ground: Grounded})
	goes := func(source string) calendar.Date {
		return map[string]calendar.Date{"old": 20010, "young": 20020}[source]
	}
	require.EqualValues(t, 1, n.CopiesOf("s", goes).People, "whom an earlier night erased")
	require.Equal(t, calendar.Date(20010), n.CopiesOf("s", goes).LastCopy)

	n.Ended("s", "shop", one, Deleted)
	c := n.CopiesOf("s", goes)
	require.Equal(t, Copies{People: 2, LastCopy: 20020, Last: map[string]int64{"old": 1, "young": 1},
		InFile: map[string]int64{"old": 2, "young": 1}}, c)
	require.False(t, n.CopiesOf("s", func(source string) calendar.Date {
		return map[string]calendar.Date{"old": 20010}[source]
	}).LastCopy.Known(), "the end of one file is not known")

	n.Ended("s", "young", one, Deleted)
	n.Ended("s", "old", three, Deleted)
	c = n.CopiesOf("s", goes)
	require.EqualValues(t, 1, c.People)
	require.Equal(t, map[string]int64{"old": 1}, c.Last)
	require.Equal(t, Ended{Deleted: 1, Copies: 2}, n.EndedOf("s"))
}

// TestAgeAgainstItsTerm tells how many tenths of a row's term are over.
func TestAgeAgainstItsTerm(t *testing.T) {
	const today = 20000
	for _, test := range []struct {
		name       string
		start, end calendar.Date
		tenth      int8
		past       int64
	}{
		{"no term", 0, 0, -1, 0},
		{"open", today - 5, 0, -1, 0},
		{"begins today", today, today + 99, 0, 0},
		{"nine days of a hundred", today - 9, today + 90, 0, 0},
		{"ten days of a hundred", today - 10, today + 89, 1, 0},
		{"its last day", today - 99, today, 9, 0},
		{"a term of one day", today, today, 0, 0},
		{"over since yesterday", today - 100, today - 1, 10, 1},
		{"over, with no known start", 0, today - 30, 10, 30},
		{"begins tomorrow", today + 1, today + 9, -1, 0},
		{"ends before it begins", today + 2, today + 1, -1, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := New(today)
			n.Table("s", "crm", "people", false).Add(Row{Start: test.start, End: test.end})
			require.Equal(t, []Age{{Silo: "s", Source: "crm", Object: "people", Tenth: test.tenth, Rows: 1,
				DaysPast: test.past}}, n.Ages())
		})
	}
}

// TestEveryDecisionHasItsGround goes through what the decision table can answer.
func TestEveryDecisionHasItsGround(t *testing.T) {
	for _, test := range []struct {
		code   reason.Code
		action policy.Action
		use    policy.Use
		held   bool
		want   Ground
	}{
		{reason.KAnonymized, policy.Keep, policy.Unchanged, false, Grounded},
		{reason.KConsent, policy.Keep, policy.Allowed, false, Grounded},
		{reason.KLegalObligation, policy.Keep, policy.Limited, false, Grounded},
		{reason.KPendingAccess, policy.Keep, policy.Unchanged, false, Grounded},
		{reason.KLegalHold, policy.Keep, policy.Blocked, false, Kept},
		{reason.KRestricted, policy.Keep, policy.Blocked, false, Kept},
		{reason.KObjectionPending, policy.Keep, policy.Blocked, false, Kept},
		{reason.ENoPolicy, policy.Keep, policy.Unchanged, false, Doubtful},
		{reason.EIDConflict, policy.Keep, policy.Blocked, false, Doubtful},
		{reason.XNotYetEffective, policy.Keep, policy.Blocked, false, Doubtful},
		{reason.XNoMatchGrace, policy.Keep, policy.Blocked, false, Unknown},
		{reason.XNoMatch, policy.Keep, policy.Blocked, false, Unknown},
		{reason.XNoMatch, policy.Delete, policy.Blocked, false, Due},
		{reason.DConsentExpired, policy.Expire, policy.Blocked, false, InGrace},
		{reason.DConsentExpired, policy.Delete, policy.Blocked, false, Due},
		{reason.DRetentionElapsed, policy.Anonymize, policy.Blocked, false, Due},
		{reason.DRetentionElapsed, policy.Keep, policy.Blocked, true, Due},
	} {
		require.Equal(t, test.want, GroundOf(test.code, test.action, test.use, test.held), test)
		lines := Lines{}
		line := lines.Of(Key{Reason: test.code, Action: test.action, Use: test.use}, "s", "crm", "people", test.held)
		require.Equal(t, test.want, GroundOfLine(*line), test)
		require.Equal(t, map[Ground]figures.Kind{Grounded: figures.Ground, Kept: figures.Blocked, Doubtful: figures.Doubt,
			InGrace: figures.Grace, Due: figures.Waiting, Unknown: figures.Unknown}[test.want], figures.KindOf(*line),
			"the page says of %v what the table silos says", test)
		require.Equal(t, []audit.Summary{*line}, lines.List())
	}
}

// TestASetOfPeople holds each once, also when there are many whom the registry does not know.
func TestASetOfPeople(t *testing.T) {
	var s People
	var want []Person
	for i := range 3 * tidyOthers {
		p := Person(i%tidyOthers*7919) | unknown
		s.Add(p)
		want = append(want, p)
	}
	s.Add(5)
	s.Add(5)
	slices.Sort(want)
	require.EqualValues(t, len(slices.Compact(want))+1, s.Len())
	require.True(t, s.has(5))
	require.False(t, s.has(6))
	require.True(t, s.has(7919|unknown))
	require.False(t, s.has(1|unknown))
}

// TestATallyCounts rows of those whom the registry knows, of those whom it does not, and of who has very many.
func TestATallyCounts(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var counted tally
		want := map[Person]uint32{}
		for range rapid.IntRange(0, 5).Draw(r, "people") {
			p, rows := someone.Draw(r, "person"), rapid.SampledFrom([]uint32{1, 2, 254, 255, 256, 700}).Draw(r, "rows")
			for range rows {
				counted.add(p)
			}
			want[p] += rows
		}
		got := map[Person]uint32{}
		for p, rows := range counted.all() {
			require.NotContains(r, got, p)
			got[p] = rows
			require.Equal(r, rows, counted.of(p))
		}
		require.Equal(r, want, got)
		require.Zero(r, counted.of(1<<20))
	})
}

// TestWhatAnEarlierBuildKept is taken back as what this one keeps.
func TestWhatAnEarlierBuildKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "census")
	f, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, gob.NewEncoder(f).Encode([]kept{{Silo: "s", Live: []string{"crm"}, Books: books{
		Debts: map[Person]debt{9: {Due: 1, Without: 1}, 3: {Due: 2, Without: 2}, 5: {Due: 1, Without: 1, Stays: true}}}}}))
	require.NoError(t, f.Close())
	n := New(20001)
	require.NoError(t, n.Load(path, audittest.Keys(t)))
	for _, p := range []Person{3, 5, 7, 9} {
		n.Ended("s", "crm", p, Deleted)
	}
	less, known := n.Of("s")
	require.True(t, known)
	require.EqualValues(t, -1, less.People, "one has another row that is due, one a row that stays")
	require.EqualValues(t, -2, less.WithoutGround)
	n.Ended("s", "crm", 3, Deleted)
	less, _ = n.Of("s")
	require.EqualValues(t, -2, less.People)
}
