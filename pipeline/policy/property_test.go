package policy

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var purposes = []string{"newsletter", "contract", "tax", "fraud"}

// drawSilo makes a valid silo of one to five rules.
func drawSilo(rt *rapid.T) Silo {
	s := silo()
	s.NoMatch = rapid.SampledFrom([]string{"", "keep", "expire"}).Draw(rt, "no_match")
	s.Jurisdiction = rapid.SampledFrom([]string{"IT", "ES"}).Draw(rt, "jurisdiction")
	days := rapid.IntRange(0, 40)
	for i := range rapid.IntRange(1, 5).Draw(rt, "rules") {
		purpose := rapid.SampledFrom(purposes).Draw(rt, "purpose")
		name := func(r *Rule) {
			r.ID = fmt.Sprintf("rule-%d", i)
			r.Fields = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"name", "email", "phone"}), 0, 3, rapid.ID).Draw(rt, "fields")
			r.End = rapid.SampledFrom([]Action{Delete, Anonymize}).Draw(rt, "end")
		}
		if rapid.Bool().Draw(rt, "consent") {
			s.Rules = append(s.Rules, consentRule(name, func(r *Rule) {
				r.Purpose, r.Marketing = purpose, rapid.Bool().Draw(rt, "marketing")
				r.Grace, r.MaxAge = Period{Days: min(days.Draw(rt, "grace"), 31)}, Period{Days: 1 + days.Draw(rt, "max_age")}
			}))
			continue
		}
		basis := rapid.SampledFrom([]Basis{Contract, LegalObligation, PublicTask, LegitimateInterest}).Draw(rt, "basis")
		s.Rules = append(s.Rules, termRule(basis, purpose, name, func(r *Rule) {
			r.Grace, r.Period = Period{Days: days.Draw(rt, "grace")}, Period{Days: 1 + days.Draw(rt, "period")}
			if rapid.Bool().Draw(rt, "from the row's collecting") {
				r.Start, r.At = Collected, ""
			}
		}))
	}
	return s
}

func drawTime(rt *rapid.T, label string) time.Time {
	hours := rapid.IntRange(-24*60, 24*60).Draw(rt, label)
	if hours == 0 {
		return time.Time{}
	}
	return time.Date(2026, 3, 15, 12, 0, 0, 0, time.UTC).Add(time.Duration(hours) * time.Hour)
}

func drawRecord(rt *rapid.T, s Silo) Record {
	r := Record{Collected: drawTime(rt, "collected"), Flagged: drawTime(rt, "flagged")}
	for range s.Rules {
		start := DateOf(drawTime(rt, "start"), time.UTC)
		if rapid.IntRange(0, 9).Draw(rt, "unreadable") == 0 {
			start = Unreadable
		}
		r.Starts = append(r.Starts, start)
	}
	seldom := func(label string) bool { return rapid.IntRange(0, 9).Draw(rt, label) == 0 }
	st := &Standing{Collected: drawTime(rt, "first collected"), Minor: seldom("minor"), Parental: rapid.Bool().Draw(rt, "parental"), PendingAccess: seldom("access")}
	if seldom("erasure") {
		st.Erasure = drawTime(rt, "erasure at")
	}
	for _, p := range purposes {
		if !rapid.Bool().Draw(rt, "known "+p) {
			continue
		}
		ps := PurposeStanding{Purpose: p, State: rapid.SampledFrom([]ConsentState{NoConsent, Given, Renewed, Refused, Withdrawn, Expired, Invalidated}).Draw(rt, "state"),
			Since: drawTime(rt, "since"), Until: drawTime(rt, "until"), Proven: !seldom("unproven"), Future: seldom("future"), ImpossibleClock: seldom("clock"),
			Marketing: rapid.Bool().Draw(rt, "21(2)"), ObjectedAt: drawTime(rt, "objected"), Ended: drawTime(rt, "ended"), Started: drawTime(rt, "started")}
		if seldom("objects") {
			ps.Objection = Objection(rapid.IntRange(1, 3).Draw(rt, "objection"))
		}
		st.Purposes = append(st.Purposes, ps)
	}
	r.Standing = st
	return r
}

// harm ranks what cannot be taken back.
func harm(d Decision) int {
	switch d.Action {
	case Delete:
		return 2
	case Anonymize:
		return 1
	}
	return 0
}

func cleared(d Decision) []string {
	if harm(d) > 0 {
		return []string{"email", "name", "phone"}
	}
	return d.Clear
}

func requireNoMoreHarm(rt *rapid.T, doubt, sound Decision, why string) {
	require.LessOrEqual(rt, harm(doubt), harm(sound), why)
	require.Subset(rt, cleared(sound), cleared(doubt), why)
}

func drawCase(rt *rapid.T) (*Compiled, Record, time.Time) {
	s := drawSilo(rt)
	c, err := Compile(s, time.UTC, "IT")
	require.NoError(rt, err)
	asOf := time.Date(2026, 3, 15, 12, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(-24*40, 24*90).Draw(rt, "as of")) * time.Hour)
	return c, drawRecord(rt, s), asOf
}

func TestMoreDoubtNeverDestroysMore(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c, r, asOf := drawCase(rt)
		sound := c.Decide(r, asOf)
		for _, doubt := range []func(*Record){
			func(r *Record) { r.Trust = Tampered },
			func(r *Record) { r.Trust = Stale },
			func(r *Record) { r.Identity = Unmatched },
			func(r *Record) { r.Identity = Unparseable },
			func(r *Record) { r.Identity = Conflicting },
			func(r *Record) { r.Identity, r.Standing = Matched, nil },
		} {
			worse := c.Decide(with(r, doubt), asOf)
			require.Zero(rt, harm(worse))
			if worse.Row[0] == 'A' {
				require.Empty(rt, worse.Clear)
			}
		}
		unreadable := with(r, func(r *Record) { r.Starts = slices.Repeat([]Date{Unreadable}, len(r.Starts)) })
		requireNoMoreHarm(rt, c.Decide(unreadable, asOf), sound, "dates nobody can read")
	})
}

func TestHoldsAndRestrictionsNeverDestroy(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c, r, asOf := drawCase(rt)
		for _, keep := range []func(*Standing){
			func(s *Standing) { s.Hold = true },
			func(s *Standing) { s.Restricted = true },
			func(s *Standing) { s.PendingAccess = true },
		} {
			st := with(*r.Standing, keep)
			d := c.Decide(with(r, func(r *Record) { r.Standing = &st }), asOf)
			require.Equal(rt, Keep, d.Action)
			require.Empty(rt, d.Clear)
			require.NotEqual(rt, Allowed, d.Use)
		}
	})
}

// Without new events time only takes away: what was dead stays dead, what was due stays due, what was cleared stays cleared.
func TestTimeNeverRevives(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c, r, asOf := drawCase(rt)
		// An event that lies ahead is new when its day comes, so it is left out; and the first night has been recorded.
		for i := range r.Standing.Purposes {
			ps := &r.Standing.Purposes[i]
			for _, at := range []*time.Time{&ps.Since, &ps.ObjectedAt, &ps.Ended, &ps.Started} {
				if at.After(asOf) {
					*at = asOf
				}
			}
		}
		if r.Flagged.IsZero() || r.Flagged.After(asOf) {
			r.Flagged = asOf
		}
		before := c.Decide(r, asOf)
		after := c.Decide(r, asOf.Add(time.Duration(rapid.IntRange(0, 24*400).Draw(rt, "later"))*time.Hour))
		if before.Row != "D1" {
			require.NotEqual(rt, "D1", after.Row)
		}
		require.LessOrEqual(rt, harm(before), harm(after))
		if after.Row == "D1" {
			require.Subset(rt, after.Clear, before.Clear)
		}
		if before.Row == "D8" || before.Row == "D9" {
			require.Equal(rt, before.Due, after.Due, "the due date does not move")
			require.Equal(rt, before.Reason, after.Reason)
		}
	})
}

func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c, r, asOf := drawCase(rt)
		want := c.Decide(r, asOf)
		s := c.Silo
		order := rapid.Permutation(seq(len(s.Rules))).Draw(rt, "order")
		rules, starts := make([]Rule, len(order)), make([]Date, len(order))
		for i, j := range order {
			rules[i], starts[i] = s.Rules[j], r.Starts[j]
		}
		s.Rules = rules
		st := *r.Standing
		st.Purposes = rapid.Permutation(st.Purposes).Draw(rt, "purposes")
		shuffled, err := Compile(s, time.UTC, "IT")
		require.NoError(rt, err)
		got := shuffled.Decide(with(r, func(r *Record) { r.Starts, r.Standing = starts, &st }), asOf)
		slices.Sort(got.Grounds)
		want.Grounds = slices.Sorted(slices.Values(want.Grounds))
		got.Rule, want.Rule = "", "" // among rules of the same strength the first is named
		require.Equal(rt, want, got)
	})
}

func seq(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// The same civil days, told in another zone's clock, give the same decisions.
func TestZonesWithTheSameDaysDecideAlike(t *testing.T) {
	far := zone(t, "Pacific/Auckland")
	rapid.Check(t, func(rt *rapid.T) {
		c, r, asOf := drawCase(rt)
		move := func(at time.Time) time.Time {
			if at.IsZero() {
				return at
			}
			y, m, d := at.Date()
			return time.Date(y, m, d, at.Hour(), 0, 0, 0, far)
		}
		c2, err := Compile(c.Silo, far, "IT")
		require.NoError(rt, err)
		r2 := with(r, func(r *Record) { r.Collected, r.Flagged = move(r.Collected), move(r.Flagged) })
		st := *r.Standing
		st.Collected, st.Erasure = move(st.Collected), move(st.Erasure)
		st.Purposes = slices.Clone(st.Purposes)
		for i := range st.Purposes {
			ps := &st.Purposes[i]
			ps.Since, ps.Until, ps.ObjectedAt, ps.Ended, ps.Started = move(ps.Since), move(ps.Until), move(ps.ObjectedAt), move(ps.Ended), move(ps.Started)
		}
		r2.Standing = &st
		require.Equal(rt, c.Decide(r, asOf), c2.Decide(r2, move(asOf)))
	})
}

// Night after night for more than a year, over a leap day and two changes of the clock: every row goes exactly once, on the day the regulation says, as the standard
// library's calendar computes it where it can.
func TestAWalkOfFourHundredNights(t *testing.T) {
	rome := zone(t, "Europe/Rome")
	for _, c := range []struct {
		name   string
		maxAge string
		grace  string
		due    func(given time.Time) time.Time // 00:00 of the day of erasure
	}{
		{"a month", "P1M", "P0D", func(g time.Time) time.Time {
			end := time.Date(g.Year(), g.Month()+1, g.Day(), 0, 0, 0, 0, rome)
			if end.Day() != g.Day() {
				end = time.Date(g.Year(), g.Month()+2, 0, 0, 0, 0, 0, rome)
			}
			return end.AddDate(0, 0, 1)
		}},
		{"thirty days and a grace of a week", "P30D", "P1W", func(g time.Time) time.Time {
			return time.Date(g.Year(), g.Month(), g.Day()+30+7+1, 0, 0, 0, 0, rome)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			policy := compiled(t, silo(consentRule(func(r *Rule) { r.MaxAge, r.Grace = period(t, c.maxAge), period(t, c.grace) })))
			type row struct {
				given time.Time
				gone  time.Time
			}
			first := time.Date(2023, 9, 1, 0, 10, 0, 0, rome)
			var rows []row
			for i := range 340 {
				rows = append(rows, row{given: time.Date(2023, 9, 1+i, i%24, 30*(i%2), 0, 0, rome)})
			}
			for night := range 400 {
				asOf := time.Date(first.Year(), first.Month(), first.Day()+night, 2, 30, 0, 0, rome)
				for i := range rows {
					if !rows[i].gone.IsZero() || rows[i].given.After(asOf) {
						continue
					}
					d := policy.Decide(matched(standing(PurposeStanding{Purpose: "newsletter", State: Given, Since: rows[i].given, Proven: true})), asOf)
					if d.Action == Delete {
						rows[i].gone = asOf
					}
				}
			}
			for _, r := range rows {
				due := c.due(r.given)
				require.False(t, r.gone.IsZero(), "given %s, never gone", r.given)
				require.Equal(t, due.Format(time.DateOnly), r.gone.Format(time.DateOnly), "given %s", r.given)
			}
		})
	}
}

func TestDecideDoesNotAllocateWhereRowsAreMany(t *testing.T) {
	c, cases := benchmarkCases(t)
	for name, r := range cases {
		require.Zero(t, testing.AllocsPerRun(100, func() { c.Decide(r, at0) }), name)
	}
}

var at0 = time.Date(2026, 11, 21, 0, 15, 0, 0, time.UTC)

func benchmarkCases(t require.TestingT) (*Compiled, map[string]Record) {
	c := compiled(t, silo(consentRule(fields("email", "name")), termRule(Contract, "contract", fields("name", "phone")), termRule(LegalObligation, "tax", fields("name"))))
	given := newsletter(t, Given, "2026-01-01")
	closed := []Date{0, day(t, "2010-01-01"), day(t, "2010-01-01")}
	collected := at(t, "2026-01-01")
	return c, map[string]Record{
		"allowed":   {Standing: standing(given, PurposeStanding{Purpose: "contract"}), Starts: make([]Date, 3), Collected: collected},
		"withdrawn": {Standing: standing(newsletter(t, Withdrawn, "2026-01-01")), Starts: closed, Collected: collected},
		"no match":  {Identity: Unmatched, Starts: closed, Collected: collected},
	}
}

func BenchmarkDecide(b *testing.B) {
	c, cases := benchmarkCases(b)
	for _, name := range []string{"allowed", "withdrawn", "no match"} {
		b.Run(name, func(b *testing.B) {
			r := cases[name]
			b.ReportAllocs()
			for b.Loop() {
				c.Decide(r, at0)
			}
		})
	}
}
