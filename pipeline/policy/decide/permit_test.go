package decide

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
)

// A permit ends at an instant: at midnight of the controller's zone when a term ran out, to the minute
// where the consent has an end of its own, and with the rule. What comes into force before it ends prolongs
// it.
func TestPermits(t *testing.T) {
	given := newsletter(t, policy.Given, "2026-01-10 10:00")
	until := func(end string) policy.PurposeStanding {
		return with(given, func(p *policy.PurposeStanding) { p.Until = at(t, end) })
	}
	version := func(from, to string, age calendar.Period) policy.Rule {
		return consentRule(func(r *policy.Rule) { r.From, r.Until, r.MaxAge = from, to, age })
	}
	open := policy.Record{Standing: standing(), Starts: make([]calendar.Date, 2)}
	for _, c := range []struct {
		name   string
		silo   policy.Silo
		record policy.Record
		want   []string // purpose and end
	}{
		{"a term ends at midnight", silo(consentRule()), matched(standing(given)),
			[]string{"newsletter 2028-01-11 00:00"}},
		{"on a day without summer time",
			silo(consentRule(func(r *policy.Rule) { r.MaxAge = calendar.Period{Months: 17} })),
			matched(standing(given)), []string{"newsletter 2027-06-11 00:00"}},
		{"an end of its own, to the minute", silo(consentRule()), matched(standing(until("2026-12-24 14:30"))),
			[]string{"newsletter 2026-12-24 14:30"}},
		{"an end of its own later than the term", silo(consentRule()), matched(standing(until("2029-12-24 14:30"))),
			[]string{"newsletter 2028-01-11 00:00"}},
		{"withdrawn", silo(consentRule()), matched(standing(newsletter(t, policy.Withdrawn, "2026-01-10"))), nil},
		{"only for another purpose", silo(consentRule(func(r *policy.Rule) { r.Purpose = "profiling" })),
			matched(standing(given)), nil},
		{"no match", silo(consentRule()), policy.Record{Identity: policy.Unmatched, Standing: standing(given)}, nil},
		{"an open contract", silo(termRule(policy.Contract, "contract")), open, []string{"contract "}},
		{"two grounds, the later end", silo(consentRule(func(r *policy.Rule) {
			r.ID, r.MaxAge = "short",
				calendar.Period{Years: 1}
		}), consentRule()), matched(standing(given)), []string{"newsletter 2028-01-11 00:00"}},
		{"two grounds, the later end first",
			silo(consentRule(), consentRule(func(r *policy.Rule) {
				r.ID, r.MaxAge = "short",
					calendar.Period{Years: 1}
			})),
			matched(standing(given)), []string{"newsletter 2028-01-11 00:00"}},
		{"two grounds, one is open", silo(consentRule(), termRule(policy.Contract, "newsletter")),
			policy.Record{Standing: standing(given), Starts: make([]calendar.Date, 2)}, []string{"newsletter "}},
		{"the rule ends", silo(version("", "2027-03-01", calendar.Period{Years: 2})), matched(standing(given)),
			[]string{"newsletter 2027-03-01 00:00"}},
		{"the rule of an open contract ends",
			silo(termRule(policy.Contract, "contract", func(r *policy.Rule) { r.Until = "2027-03-01" }),
				consentRule()), open,
			[]string{"contract 2027-03-01 00:00"}},
		{"a later version takes over", silo(version("2027-03-01", "", calendar.Period{Years: 2}),
			version("", "2027-03-01", calendar.Period{Years: 3})), matched(standing(given)),
			[]string{"newsletter 2028-01-11 00:00"}},
		{"a stricter one does", silo(version("", "2027-03-01", calendar.Period{Years: 2}),
			version("2027-03-01", "", calendar.Period{Months: 6})), matched(standing(given)),
			[]string{"newsletter 2027-03-01 00:00"}},
		{"not across a gap", silo(version("", "2027-03-01", calendar.Period{Years: 2}),
			version("2027-03-02", "", calendar.Period{Years: 2})), matched(standing(given)),
			[]string{"newsletter 2027-03-01 00:00"}},
		{"nothing is in force yet", silo(version("2027-03-01", "", calendar.Period{Years: 2})),
			matched(standing(given)), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, p := range Permits(compiled(t, c.silo), c.record, at(t, now), nil) {
				end := ""
				if !p.Ends.IsZero() {
					end = p.Ends.In(zone(t, "Europe/Rome")).Format("2006-01-02 15:04")
				}
				got = append(got, p.Purpose+" "+end)
			}
			require.Equal(t, c.want, got)
		})
	}
	t.Run("what is there stays", func(t *testing.T) {
		kept := []Permit{{Purpose: "newsletter", Ends: time.Unix(0, 0)}}
		require.Len(t, Permits(compiled(t, silo(consentRule())), matched(standing(given)), at(t, now), kept), 2)
	})
}

// A view shows what the rules of the day cover.
func TestCovers(t *testing.T) {
	c := compiled(t, silo(consentRule(fields("email", "name"), func(r *policy.Rule) { r.Until = "2026-11-21" }),
		consentRule(fields("email"), func(r *policy.Rule) { r.From = "2026-11-21" }),
		termRule(policy.Contract, "contract")))
	covered, all := c.Covers("newsletter", at(t, "2026-11-20 23:59"))
	require.Equal(t, []string{"email", "name"}, covered)
	require.False(t, all)
	covered, _ = c.Covers("newsletter", at(t, "2026-11-21"))
	require.Equal(t, []string{"email"}, covered)
	_, all = c.Covers("contract", at(t, now))
	require.True(t, all)
}

// What is permitted for a purpose is so until the permit's end, and not at it.
func TestPermitsEndWhenTheySay(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c, r, asOf := drawCase(rt)
		untilNow(&r, asOf)
		permitted := func(purpose string, at time.Time) bool {
			return slices.ContainsFunc(Permits(c, r, at, nil), func(p Permit) bool { return p.Purpose == purpose })
		}
		for _, p := range Permits(c, r, asOf, nil) {
			if p.Ends.IsZero() {
				require.True(rt, permitted(p.Purpose, asOf.AddDate(500, 0, 0)))
				continue
			}
			require.True(rt, p.Ends.After(asOf))
			require.True(rt, permitted(p.Purpose, p.Ends.Add(-time.Nanosecond)))
			require.False(rt, permitted(p.Purpose, p.Ends))
		}
	})
}
