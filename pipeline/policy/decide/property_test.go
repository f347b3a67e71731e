package decide

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
)

var purposes = []string{"newsletter", "contract", "tax", "fraud"}

// drawSilo makes a valid silo of one to five rules, some of which are in force for a time only if they have
// versions.
func drawSilo(rt *rapid.T, versions bool) policy.Silo {
	s := silo()
	s.OrphanGrace = calendar.Period{Days: rapid.IntRange(0, 40).Draw(rt, "orphan grace")}
	s.NoMatch = rapid.SampledFrom([]string{"", "keep", "expire"}).Draw(rt, "no_match")
	s.Jurisdiction = rapid.SampledFrom([]string{"IT", "ES"}).Draw(rt, "jurisdiction")
	days := rapid.IntRange(0, 40)
	for i := range rapid.IntRange(1, 5).Draw(rt, "rules") {
		purpose := rapid.SampledFrom(purposes).Draw(rt, "purpose")
		name := func(r *policy.Rule) {
			r.ID = fmt.Sprintf("rule-%d", i)
			r.Fields = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"name", "email", "phone"}), 0, 3,
				rapid.ID).Draw(rt, "fields")
			if r.End = rapid.SampledFrom([]policy.Action{policy.Delete, policy.Anonymize}).Draw(rt,
				"end"); r.End == policy.Delete {
				r.Else = rapid.SampledFrom([]policy.Action{"", "none", policy.Anonymize}).Draw(rt, "else")
			}
			if versions {
				days := rapid.IntRange(-60, 90)
				if from := days.Draw(rt, "from"); from%3 == 0 {
					r.From = (at0date + calendar.Date(from)).String()
				}
				if until := days.Draw(rt, "until"); until%3 == 0 && until > -60 {
					r.Until = (at0date + calendar.Date(until)).String()
				}
				if r.From != "" && r.Until != "" && r.Until <= r.From {
					r.From = ""
				}
			}
		}
		if rapid.Bool().Draw(rt, "consent") {
			s.Rules = append(s.Rules, consentRule(name, func(r *policy.Rule) {
				r.Purpose, r.Marketing = purpose, rapid.Bool().Draw(rt, "marketing")
				r.Grace, r.MaxAge = calendar.Period{Days: min(days.Draw(rt, "grace"), 31)},
					calendar.Period{Days: 1 + days.Draw(rt, "max_age")}
			}))
			continue
		}
		basis := rapid.SampledFrom([]policy.Basis{policy.Contract, policy.LegalObligation, policy.VitalInterest,
			policy.PublicTask,
			policy.LegitimateInterest}).Draw(rt, "basis")
		s.Rules = append(s.Rules, termRule(basis, purpose, name, func(r *policy.Rule) {
			r.Grace, r.Period = calendar.Period{Days: days.Draw(rt, "grace")},
				calendar.Period{Days: 1 + days.Draw(rt, "period")}
			r.Marketing = basis == policy.LegitimateInterest && rapid.Bool().Draw(rt, "marketing")
			r.Start = rapid.SampledFrom([]policy.Start{policy.Collected, policy.ActivityEnded, policy.RelationEnded,
				policy.Inactivated, policy.AtEvent,
				policy.FixedDate, policy.BirthPlusAge}).Draw(rt, "start")
			switch {
			case r.Start == policy.FixedDate:
				r.At, r.Date = "", (at0date + calendar.Date(rapid.IntRange(-60, 60).Draw(rt, "date"))).String()
			case r.Start == policy.BirthPlusAge:
				r.Age = 1
			case basis == policy.VitalInterest: // wants a field with its end
				r.Start = policy.RelationEnded
			case r.Start == policy.AtEvent || r.Start != policy.Inactivated &&
				rapid.Bool().Draw(rt, "the row does not say"):
				r.At = ""
			}
		}))
	}
	return s
}

// at0date is the day around which all is drawn.
var at0date, _ = calendar.Civil(2026, time.March, 15)

func drawTime(rt *rapid.T, label string) time.Time {
	hours := rapid.IntRange(-24*60, 24*60).Draw(rt, label)
	if hours == 0 {
		return time.Time{}
	}
	return time.Date(2026, 3, 15, 12, 0, 0, 0, time.UTC).Add(time.Duration(hours) * time.Hour)
}

func drawRecord(rt *rapid.T, s policy.Silo) policy.Record {
	r := policy.Record{Collected: drawTime(rt, "collected"), Flagged: drawTime(rt, "flagged")}
	for range s.Rules {
		start := calendar.DateOf(drawTime(rt, "start"), time.UTC)
		if rapid.IntRange(0, 9).Draw(rt, "unreadable") == 0 {
			start = calendar.Unreadable
		}
		r.Starts = append(r.Starts, start)
	}
	seldom := func(label string) bool { return rapid.IntRange(0, 9).Draw(rt, label) == 0 }
	st := &policy.Standing{Collected: drawTime(rt, "first collected"), Minor: seldom("minor"),
		Parental: rapid.Bool().Draw(rt, "parental"), PendingAccess: seldom("access"),
		Hold: seldom("hold"), Restricted: seldom("restricted")}
	if seldom("erasure") {
		st.Erasure = drawTime(rt, "erasure at")
	}
	if st.Minor && rapid.Bool().Draw(rt, "came of age") {
		st.Aged = drawTime(rt, "came of age on")
	}
	for _, p := range purposes {
		if !rapid.Bool().Draw(rt, "known "+p) {
			continue
		}
		ps := policy.PurposeStanding{Purpose: p,
			State: rapid.SampledFrom([]policy.ConsentState{policy.NoConsent, policy.Given, policy.Renewed,
				policy.Refused, policy.Withdrawn, policy.Expired,
				policy.Invalidated}).Draw(rt, "state"),
			Since: drawTime(rt, "since"), Until: drawTime(rt, "until"), Proven: !seldom("unproven"),
			Future: seldom("future"), ImpossibleClock: seldom("clock"),
			Marketing: rapid.Bool().Draw(rt, "21(2)"), ObjectedAt: drawTime(rt, "objected"), Ended: drawTime(rt,
				"ended"), Started: drawTime(rt, "started"),
			Parental: seldom("parental here")}
		if seldom("objects") {
			ps.Objection = policy.Objection(rapid.IntRange(1, 3).Draw(rt, "objection"))
		}
		st.Purposes = append(st.Purposes, ps)
	}
	r.Standing = st
	return r
}

// harm ranks what cannot be taken back.
func harm(d policy.Decision) int {
	switch d.Action {
	case policy.Delete:
		return 2
	case policy.Anonymize:
		return 1
	}
	return 0
}

func cleared(d policy.Decision) []string {
	if harm(d) > 0 {
		return []string{"email", "name", "phone"}
	}
	return d.Clear
}

func requireNoMoreHarm(rt *rapid.T, doubt, sound policy.Decision, why string) {
	require.LessOrEqual(rt, harm(doubt), harm(sound), why)
	require.Subset(rt, cleared(sound), cleared(doubt), why)
}

func drawCase(rt *rapid.T) (*policy.Compiled, policy.Record, time.Time) { return drawCaseOf(rt, true) }

func drawCaseOf(rt *rapid.T, versions bool) (*policy.Compiled, policy.Record, time.Time) {
	s := drawSilo(rt, versions)
	c, err := policy.Compile(s, time.UTC, "IT")
	require.NoError(rt, err)
	asOf := time.Date(2026, 3, 15, 12, 0, 0, 0,
		time.UTC).Add(time.Duration(rapid.IntRange(-24*40, 24*90).Draw(rt, "as of")) * time.Hour)
	return c, drawRecord(rt, s), asOf
}

func TestMoreDoubtNeverDestroysMore(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c, r, asOf := drawCase(rt)
		sound := Decide(c, r, asOf)
		for _, doubt := range []func(*policy.Record){
			func(r *policy.Record) { r.Trust = policy.Tampered },
			func(r *policy.Record) { r.Trust = policy.Stale },
			func(r *policy.Record) { r.Identity = policy.Unmatched },
			func(r *policy.Record) { r.Identity = policy.Unparseable },
			func(r *policy.Record) { r.Identity = policy.Conflicting },
			func(r *policy.Record) { r.Identity, r.Standing = policy.Matched, nil },
		} {
			worse := Decide(c, with(r, doubt), asOf)
			require.Zero(rt, harm(worse))
			if worse.Row[0] == 'A' {
				require.Empty(rt, worse.Clear)
			}
		}
		unreadable := with(r, func(r *policy.Record) {
			r.Starts = slices.Repeat([]calendar.Date{calendar.Unreadable},
				len(r.Starts))
		})
		requireNoMoreHarm(rt, Decide(c, unreadable, asOf), sound, "dates nobody can read")
	})
}

// Finding something tonight for the first time, not knowing how old a row is, an objection that nobody
// weighed, a consent that is yet to come: none destroys more.
func TestWhatIsUndecidedNeverDestroysMore(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c, r, asOf := drawCase(rt)
		untilNow(&r, asOf)
		sound := Decide(c, r, asOf)
		doubts := map[string]func(*policy.Record, *policy.Standing){
			"the first night": func(r *policy.Record, _ *policy.Standing) { r.Flagged = time.Time{} },
			"a row of unknown age": func(r *policy.Record, s *policy.Standing) {
				r.Collected, s.Collected = time.Time{},
					time.Time{}
			},
			"an objection that waits": func(_ *policy.Record, s *policy.Standing) {
				doubtAll(s, func(p *policy.PurposeStanding) {
					if p.Objection == policy.NoObjection {
						p.Objection, p.Marketing = policy.ObjectionPending, false
					}
				})
			},
			"a consent yet to come": func(_ *policy.Record, s *policy.Standing) {
				doubtAll(s, func(p *policy.PurposeStanding) { p.Future = true })
			},
		}
		for why, doubt := range doubts {
			if why == "an objection that waits" &&
				slices.ContainsFunc(c.Silo.Rules, func(r policy.Rule) bool { return r.Marketing }) {
				continue // against marketing it is no doubt: it ends it
			}
			worse, st := r, *r.Standing
			st.Purposes = slices.Clone(st.Purposes)
			worse.Standing = &st
			doubt(&worse, &st)
			requireNoMoreHarm(rt, Decide(c, worse, asOf), sound, why)
		}
	})
}

func doubtAll(s *policy.Standing, doubt func(*policy.PurposeStanding)) {
	for i := range s.Purposes {
		doubt(&s.Purposes[i])
	}
}

// untilNow takes back to an instant what a record says happens after it: an event that lies ahead is new
// when its day comes. The first night has been recorded.
func untilNow(r *policy.Record, asOf time.Time) {
	past := func(at *time.Time) {
		if at.After(asOf) {
			*at = asOf
		}
	}
	for i := range r.Standing.Purposes {
		ps := &r.Standing.Purposes[i]
		past(&ps.Since)
		past(&ps.ObjectedAt)
		past(&ps.Ended)
		past(&ps.Started)
	}
	past(&r.Standing.Aged)
	if past(&r.Flagged); r.Flagged.IsZero() {
		r.Flagged = asOf
	}
}

func TestHoldsAndRestrictionsNeverDestroy(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c, r, asOf := drawCase(rt)
		for _, keep := range []func(*policy.Standing){
			func(s *policy.Standing) { s.Hold = true },
			func(s *policy.Standing) { s.Restricted = true },
			func(s *policy.Standing) { s.PendingAccess = true },
		} {
			st := with(*r.Standing, keep)
			d := Decide(c, with(r, func(r *policy.Record) { r.Standing = &st }), asOf)
			require.Equal(rt, policy.Keep, d.Action)
			require.Empty(rt, d.Clear)
			require.NotEqual(rt, policy.Allowed, d.Use)
		}
	})
}

// The properties are as good as what is drawn: every field on which a decision can hang takes several values.
func TestEveryFieldIsDrawn(t *testing.T) {
	drawn := map[string]map[string]bool{}
	var look func(name string, v reflect.Value)
	look = func(name string, v reflect.Value) {
		switch {
		case v.Kind() == reflect.Pointer:
			if !v.IsNil() {
				look(name, v.Elem())
			}
		case v.Kind() == reflect.Slice:
			for i := range v.Len() {
				look(name, v.Index(i))
			}
		case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]() &&
			v.Type() != reflect.TypeFor[calendar.Period]():
			for i := range v.NumField() {
				look(v.Type().Name()+"."+v.Type().Field(i).Name, v.Field(i))
			}
		default:
			if drawn[name] == nil {
				drawn[name] = map[string]bool{}
			}
			drawn[name][fmt.Sprint(v.Interface())] = true
		}
	}
	for seed := range 300 {
		rapid.Custom(func(rt *rapid.T) int {
			c, r, _ := drawCase(rt)
			look("", reflect.ValueOf(c.Silo))
			look("", reflect.ValueOf(r))
			return 0
		}).Example(seed)
	}
	elsewhere := map[string]bool{ // by a property of its own, or not what a decision of Decide hangs on
		"Record.Trust": true, "Record.Identity": true, "Record.Anonymized": true, "Record.Weak": true, "Standing.FirstSeq": true,
		"Standing.LastSeq": true,
		"Silo.Name":        true, "Silo.LinkScope": true, "Silo.Anonymize": true, "Silo.Suppression": true,
		"Silo.ProofRetention": true, "Silo.Remnants": true,
		"Rule.Event":   true, // which event ended it is for the registry to see
		"Rule.Article": true, "Rule.Touched": true,
		"Rule.Special": true, "Rule.Notice": true, "Rule.Because": true, "Rule.Owner": true,
		"Rule.ReviewBy": true, "Rule.Dates": true, // what days mean is known when they are read
	}
	for name, values := range drawn {
		if !elsewhere[name] && !strings.HasPrefix(name, "Records.") {
			require.Greater(t, len(values), 1, name)
		}
	}
	require.Contains(t, drawn, "PurposeStanding.Parental")
}

// Without new events time only takes away: what was dead stays dead, what was due stays due, what was
// cleared stays cleared.
func TestTimeNeverRevives(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c, r, asOf := drawCaseOf(rt, false) // a rule that comes into force is news too
		untilNow(&r, asOf)
		before := Decide(c, r, asOf)
		for _, days := range []int{0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377} {
			after := Decide(c, r, asOf.AddDate(0, 0,
				days).Add(time.Duration(rapid.IntRange(0, 23).Draw(rt, "hour"))*time.Hour))
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
			before = after
		}
	})
}

func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c, r, asOf := drawCase(rt)
		want := Decide(c, r, asOf)
		s := c.Silo
		order := rapid.Permutation(seq(len(s.Rules))).Draw(rt, "order")
		rules, starts := make([]policy.Rule, len(order)), make([]calendar.Date, len(order))
		for i, j := range order {
			rules[i], starts[i] = s.Rules[j], r.Starts[j]
		}
		s.Rules = rules
		st := *r.Standing
		st.Purposes = rapid.Permutation(st.Purposes).Draw(rt, "purposes")
		shuffled, err := policy.Compile(s, time.UTC, "IT")
		require.NoError(rt, err)
		got := Decide(shuffled, with(r, func(r *policy.Record) { r.Starts, r.Standing = starts, &st }), asOf)
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
		c2, err := policy.Compile(c.Silo, far, "IT")
		require.NoError(rt, err)
		r2 := with(r, func(r *policy.Record) { r.Collected, r.Flagged = move(r.Collected), move(r.Flagged) })
		st := *r.Standing
		st.Collected, st.Erasure, st.Aged = move(st.Collected), move(st.Erasure), move(st.Aged)
		st.Purposes = slices.Clone(st.Purposes)
		for i := range st.Purposes {
			ps := &st.Purposes[i]
			ps.Since, ps.Until, ps.ObjectedAt, ps.Ended, ps.Started = move(ps.Since), move(ps.Until),
				move(ps.ObjectedAt), move(ps.Ended), move(ps.Started)
		}
		r2.Standing = &st
		require.Equal(rt, Decide(c, r, asOf), Decide(c2, r2, move(asOf)))
	})
}

// walked is a policy that the walk below follows, with a calendar that counts on the standard library's
// where that can.
type walked struct {
	name   string
	rules  []policy.Rule
	change func(*policy.Compiled)                      // of the compiled silo; nil nothing
	record func(started time.Time) policy.Record       // of a row whose term began at an instant
	due    func(started time.Time) (day time.Time)     // 00:00 of the day of erasure
	clear  func(started time.Time) (day time.Time)     // of the day on which a field goes before; nil never
	last   func(started time.Time) (lastDay time.Time) // the last day on which it may be used
	wants  policy.Action                               // delete by default
}

// Night after night for more than a year, over a leap day and two changes of the clock: every row goes
// exactly once, on the day the regulation says, as the standard library's calendar computes it where it
// can; on every basis, from several grounds, after a grace, and after the blocking that a jurisdiction
// wants.
func TestAWalkOfFourHundredNights(t *testing.T) {
	rome := zone(t, "Europe/Rome")
	midnight := func(g time.Time, days int) time.Time {
		return time.Date(g.Year(), g.Month(), g.Day()+days, 0, 0, 0, 0, rome)
	}
	month := func(g time.Time) time.Time { // the last day of a month that began on g's day
		end := time.Date(g.Year(), g.Month()+1, g.Day(), 0, 0, 0, 0, rome)
		if end.Day() != g.Day() {
			end = time.Date(g.Year(), g.Month()+2, 0, 0, 0, 0, 0, rome)
		}
		return end
	}
	days := func(n int) func(time.Time) time.Time {
		return func(g time.Time) time.Time { return midnight(g, n) }
	}
	given := func(state policy.ConsentState) func(time.Time) policy.Record {
		return func(g time.Time) policy.Record {
			return matched(standing(policy.PurposeStanding{Purpose: "newsletter", State: state, Since: g,
				Proven: true}))
		}
	}
	closed := func(g time.Time) policy.Record {
		return policy.Record{Standing: standing(), Starts: slices.Repeat([]calendar.Date{calendar.DateOf(g, rome)}, 3)}
	}
	p1m, week := calendar.Period{Months: 1}, calendar.Period{Weeks: 1}
	term := func(basis policy.Basis, change ...func(*policy.Rule)) policy.Rule {
		return termRule(basis, string(basis), append([]func(*policy.Rule){func(r *policy.Rule) { r.Period = p1m }},
			change...)...)
	}
	after := func(day func(time.Time) time.Time, n int) func(time.Time) time.Time {
		return func(g time.Time) time.Time { return midnight(day(g), n) }
	}
	both := func(g time.Time) policy.Record {
		r := given(policy.Given)(g)
		r.Starts = []calendar.Date{0, calendar.DateOf(g, rome)}
		return r
	}
	cases := []walked{
		{name: "consent of a month", rules: []policy.Rule{consentRule(func(r *policy.Rule) { r.MaxAge = p1m })},
			record: given(policy.Given), last: month, due: after(month, 1)},
		{name: "consent of thirty days and a grace of a week",
			rules: []policy.Rule{consentRule(func(r *policy.Rule) {
				r.MaxAge, r.Grace = calendar.Period{Days: 30},
					week
			})},
			record: given(policy.Renewed), last: days(30), due: days(30 + 7 + 1)},
		{name: "consent that ends by its own date", rules: []policy.Rule{consentRule()}, last: days(19), due: days(20),
			record: func(g time.Time) policy.Record {
				return matched(standing(policy.PurposeStanding{Purpose: "newsletter", State: policy.Given, Since: g,
					Until: midnight(g, 20), Proven: true}))
			}},
		{name: "withdrawn, with a grace", rules: []policy.Rule{consentRule(grace(week))},
			record: given(policy.Withdrawn),
			due:    days(8)},
		{name: "withdrawn, where a country wants blocking", rules: []policy.Rule{consentRule(grace(week))},
			record: given(policy.Withdrawn), due: days(11),
			change: func(c *policy.Compiled) { c.Jurisdiction.Blocking = calendar.Period{Days: 10} }},
		{name: "consent of a month, where a country wants less blocking than the grace",
			rules:  []policy.Rule{consentRule(grace(week), func(r *policy.Rule) { r.MaxAge = p1m })},
			record: given(policy.Given),
			last:   month,
			due:    after(month, 8),
			change: func(c *policy.Compiled) { c.Jurisdiction.Blocking = calendar.Period{Days: 3} }},
		{name: "erasure asked, where a country wants blocking", rules: []policy.Rule{consentRule(grace(week))},
			due: days(11), change: func(c *policy.Compiled) { c.Jurisdiction.Blocking = calendar.Period{Days: 10} },
			record: func(g time.Time) policy.Record {
				return matched(&policy.Standing{Erasure: g,
					Purposes: []policy.PurposeStanding{{Purpose: "newsletter", State: policy.Given,
						Since:  g.Add(-time.Hour),
						Proven: true}}})
			}},
		{name: "two grounds: the later end counts, and a field goes before",
			rules: []policy.Rule{consentRule(fields("email"),
				func(r *policy.Rule) { r.MaxAge = calendar.Period{Days: 10} }),
				term(policy.Contract, fields("name"), grace(week))},
			record: both, last: month, due: after(month, 8), clear: days(11)},
		{name: "two grounds: the earlier end with the longer grace counts",
			rules: []policy.Rule{consentRule(fields("email"), grace(calendar.Period{Days: 30}),
				func(r *policy.Rule) { r.MaxAge = calendar.Period{Days: 10} }),
				term(policy.Contract, fields("name"), func(r *policy.Rule) { r.Period = calendar.Period{Days: 20} })},
			record: both,
			last:   days(20), due: days(41)},
		{name: "two grounds, where a country wants blocking before deletion, not before anonymizing",
			rules: []policy.Rule{consentRule(anonymizes, func(r *policy.Rule) { r.MaxAge = calendar.Period{Days: 10} }),
				term(policy.Contract, anonymizes)}, record: both, last: month, due: after(month, 1),
			wants:  policy.Anonymize,
			change: func(c *policy.Compiled) { c.Jurisdiction.Blocking = calendar.Period{Days: 10} }},
	}
	for _, basis := range []policy.Basis{policy.Contract, policy.LegalObligation, policy.VitalInterest,
		policy.PublicTask, policy.LegitimateInterest} {
		cases = append(cases, walked{name: string(basis), rules: []policy.Rule{term(basis)}, record: closed,
			last: month,
			due:  after(month, 1)},
			walked{name: string(basis) + " with a grace", rules: []policy.Rule{term(basis, grace(week))},
				record: closed,
				last:   month, due: after(month, 8)},
			walked{name: string(basis) + " where a country wants blocking", rules: []policy.Rule{term(basis)},
				record: closed, last: month, due: after(month, 11),
				change: func(c *policy.Compiled) { c.Jurisdiction.Blocking = calendar.Period{Days: 10} }})
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			built := compiled(t, silo(c.rules...))
			if c.change != nil {
				c.change(built)
			}
			wants := cmp.Or(c.wants, policy.Delete)
			type row struct {
				started, cleared, used, gone time.Time
				record                       policy.Record
			}
			var rows []row
			for i := range 340 {
				started := time.Date(2023, 9, 1+i, i%24, 30*(i%2), 0, 0, rome)
				rows = append(rows, row{started: started, record: c.record(started)})
			}
			for night := range 400 {
				asOf := time.Date(2023, 9, 1+night, 2, 30, 0, 0, rome)
				for i := range rows {
					r := &rows[i]
					if r.started.After(asOf) {
						continue
					}
					d := Decide(built, r.record, asOf)
					switch {
					case !r.gone.IsZero():
						require.Equal(t, wants, d.Action, "started %s: gone on %s, and there again on %s", r.started,
							r.gone, asOf)
					case d.Action == wants:
						r.gone = asOf
					case d.Row == "D1":
						r.used = asOf
						if len(d.Clear) > 0 && r.cleared.IsZero() {
							r.cleared = asOf
						}
					default:
						require.Equal(t, policy.Blocked, d.Use)
					}
				}
			}
			day := func(at time.Time) string { return at.Format(time.DateOnly) }
			for _, r := range rows {
				require.False(t, r.gone.IsZero(), "started %s, never gone", r.started)
				require.Equal(t, day(c.due(r.started)), day(r.gone), "started %s: gone", r.started)
				if c.last != nil {
					require.Equal(t, day(c.last(r.started)), day(r.used), "started %s: last in use", r.started)
				} else {
					require.True(t, r.used.IsZero(), "started %s: in use", r.started)
				}
				if c.clear != nil {
					require.Equal(t, day(c.clear(r.started)), day(r.cleared), "started %s: a field cleared", r.started)
				}
			}
		})
	}
}
