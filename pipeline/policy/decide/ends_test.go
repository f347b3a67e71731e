package decide

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/reason"
)

// The reasons for which consent dies, each by itself and under the stronger ones.
func TestDeadReasons(t *testing.T) {
	given := newsletter(t, policy.Given, "2026-01-01 10:00")
	consent := silo(consentRule())
	for _, c := range []struct {
		name     string
		silo     policy.Silo
		standing policy.Standing
		want     reason.Code
		end      string
		flag     bool
	}{
		{"refused", consent, policy.Standing{Purposes: []policy.PurposeStanding{newsletter(t, policy.Refused,
			"2026-01-01")}},
			reason.DConsentRefused, "2026-01-01", false},
		{"withdrawn", consent, policy.Standing{Purposes: []policy.PurposeStanding{newsletter(t, policy.Withdrawn,
			"2026-01-01")}},
			reason.DConsentWithdrawn, "2026-01-01", false},
		{"invalidated", consent, policy.Standing{Purposes: []policy.PurposeStanding{newsletter(t, policy.Invalidated,
			"2026-01-01")}},
			reason.DConsentInvalid, "2026-01-01", false},
		{"expired by an event at midnight", consent,
			policy.Standing{Purposes: []policy.PurposeStanding{newsletter(t, policy.Expired, "2026-01-01")}},
			reason.DConsentExpired,
			"2025-12-31", false},
		{"expired at noon", consent, policy.Standing{Purposes: []policy.PurposeStanding{newsletter(t, policy.Expired,
			"2026-03-01 12:00")}}, reason.DConsentExpired, "2026-03-01", false},
		{"expired, nobody knows when", consent,
			policy.Standing{Purposes: []policy.PurposeStanding{newsletter(t, policy.Expired, "")}},
			reason.DConsentExpired, "2026-11-21", true},
		{"expired, and nobody can prove that it ever was", consent,
			policy.Standing{Purposes: []policy.PurposeStanding{with(newsletter(t, policy.Expired, "2020-01-01"),
				func(p *policy.PurposeStanding) { p.Proven = false })}}, reason.DConsentUnproven, "2026-11-21", true},
		{"older than max_age, and unproven", consent,
			policy.Standing{Purposes: []policy.PurposeStanding{with(newsletter(t, policy.Given, "2020-01-01"),
				func(p *policy.PurposeStanding) { p.Proven = false })}}, reason.DConsentUnproven, "2026-11-21", true},
		{"objected to marketing, and the rule does not say that it is", consent,
			policy.Standing{Purposes: []policy.PurposeStanding{with(given, func(p *policy.PurposeStanding) {
				p.Objection, p.Marketing, p.ObjectedAt = policy.ObjectionPending, true, at(t, "2026-02-01")
			})}}, reason.DObjectionMarketing, "2026-02-01", false},
		{"a child authorised for another purpose", consent,
			policy.Standing{Minor: true, Purposes: []policy.PurposeStanding{given,
				{Purpose: "profiling", Parental: true}}},
			reason.DChildNoParental, "2026-01-01", false},
		{"older than max_age", consent, policy.Standing{Purposes: []policy.PurposeStanding{newsletter(t, policy.Given,
			"2024-11-20 00:10")}}, reason.DConsentExpired, "2026-11-20", false},
		{"past effective_until", consent,
			policy.Standing{Purposes: []policy.PurposeStanding{with(given,
				func(p *policy.PurposeStanding) { p.Until = at(t, "2026-11-21") })}}, reason.DConsentExpired,
			"2026-11-20", false},
		{"unproven", consent, policy.Standing{Purposes: []policy.PurposeStanding{with(given,
			func(p *policy.PurposeStanding) { p.Proven = false })}}, reason.DConsentUnproven, "2026-11-21", true},
		{"a child alone", consent, policy.Standing{Minor: true,
			Purposes: []policy.PurposeStanding{with(given, func(p *policy.PurposeStanding) { p.Proven = false })}},
			reason.DChildNoParental, "2026-01-01", false},
		{"never asked", consent, policy.Standing{}, reason.DNoConsent, "2026-11-21", true},
		{"consent for something else", consent,
			policy.Standing{Purposes: []policy.PurposeStanding{with(given,
				func(p *policy.PurposeStanding) { p.Purpose = "profiling" })}},
			reason.DNoConsent, "2026-11-21", true},
		{"marketing objection to the purpose", silo(consentRule(marketing)),
			policy.Standing{Purposes: []policy.PurposeStanding{with(given,
				func(p *policy.PurposeStanding) {
					p.Objection, p.ObjectedAt = policy.ObjectionPending, at(t, "2026-02-01")
				})}},
			reason.DObjectionMarketing, "2026-02-01", false},
		{"marketing objection to another purpose", silo(consentRule(marketing)),
			policy.Standing{Purposes: []policy.PurposeStanding{given,
				{Purpose: "post", Marketing: true, Objection: policy.ObjectionOverridden,
					ObjectedAt: at(t, "2026-02-01")}}},
			reason.DObjectionMarketing, "2026-02-01", false},
		{"marketing objection, undated", silo(consentRule(marketing)),
			policy.Standing{Purposes: []policy.PurposeStanding{with(given,
				func(p *policy.PurposeStanding) { p.State, p.Objection = policy.Withdrawn, policy.ObjectionUpheld })}},
			reason.DObjectionMarketing, "2026-11-21", true},
		{"objection upheld", silo(termRule(policy.LegitimateInterest, "newsletter")),
			policy.Standing{Purposes: []policy.PurposeStanding{{Purpose: "newsletter",
				Objection:  policy.ObjectionUpheld,
				ObjectedAt: at(t, "2026-02-01")}}}, reason.DObjectionUpheld, "2026-02-01", false},
		{"the strongest is named, the latest end counts",
			silo(consentRule(), termRule(policy.PublicTask, "newsletter")),
			policy.Standing{Purposes: []policy.PurposeStanding{with(newsletter(t, policy.Withdrawn, "2026-03-01"),
				func(p *policy.PurposeStanding) {
					p.Objection, p.ObjectedAt = policy.ObjectionUpheld, at(t, "2026-02-01")
				})}},
			reason.DObjectionUpheld, "2026-03-01", false},
		{"a purpose never consented to does not start the term anew",
			silo(consentRule(), consentRule(func(r *policy.Rule) { r.Purpose = "profiling" })),
			policy.Standing{Purposes: []policy.PurposeStanding{newsletter(t, policy.Withdrawn, "2026-03-01")}},
			reason.DConsentWithdrawn,
			"2026-03-01", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := Decide(compiled(t, c.silo), matched(&c.standing), at(t, now))
			require.Equal(t, c.want, d.Reason)
			require.Equal(t, c.end, d.End.String())
			require.Equal(t, c.flag, d.Flag)
			require.Equal(t, policy.Blocked, d.Use)
			require.Equal(t, policy.Delete, d.Action)
		})
	}
}

func TestEdgeCases(t *testing.T) {
	one := compiled(t, silo(consentRule()))
	contract := compiled(t, silo(termRule(policy.Contract, "contract")))
	market := compiled(t, silo(consentRule(marketing)))
	decide := func(c *policy.Compiled, night string, s policy.Standing) policy.Decision {
		return Decide(c, matched(&s), at(t, night))
	}
	state := func(p policy.PurposeStanding) policy.Standing {
		return policy.Standing{Purposes: []policy.PurposeStanding{p}}
	}

	t.Run("a consent of two years lives through its last day", func(t *testing.T) {
		s := state(newsletter(t, policy.Given, "2024-11-20 00:10"))
		require.Equal(t, reason.KConsent, decide(one, "2026-11-20 23:59", s).Reason)
		require.Equal(t, reason.DConsentExpired, decide(one, "2026-11-21 00:00", s).Reason)
	})
	t.Run("an instant of effective_until is exclusive", func(t *testing.T) {
		s := state(with(newsletter(t, policy.Given, "2026-01-01"),
			func(p *policy.PurposeStanding) { p.Until = at(t, "2026-11-20 12:00") }))
		require.Equal(t, reason.KConsent, decide(one, "2026-11-20 11:59", s).Reason)
		require.Equal(t, "D8", decide(one, "2026-11-20 12:00", s).Row, "blocked at once, erased when the day is over")
		require.Equal(t, "D9", decide(one, "2026-11-21 00:00", s).Row)
	})
	t.Run("erasure asked without withdrawing kills earlier consents", func(t *testing.T) {
		s := state(newsletter(t, policy.Given, "2026-11-01 10:00"))
		s.Erasure = at(t, "2026-11-10 10:00")
		require.Equal(t, "D4", decide(one, now, s).Row)
		s.Purposes[0].Since = s.Erasure
		require.Equal(t, "D4", decide(one, now, s).Row, "the same instant: the request wins")
	})
	t.Run("a consent given after the request counts again", func(t *testing.T) {
		s := state(newsletter(t, policy.Given, "2026-11-11 10:00"))
		s.Erasure = at(t, "2026-11-10 10:00")
		require.Equal(t, reason.KConsent, decide(one, now, s).Reason)
	})
	t.Run("erasure leaves a contract its own fields", func(t *testing.T) {
		c := compiled(t, silo(termRule(policy.Contract, "contract", fields("name", "email")),
			consentRule(fields("email", "birth_date"), grace(calendar.Period{Days: 30}))))
		s := state(newsletter(t, policy.Given, "2026-11-01"))
		s.Erasure = at(t, "2026-11-20")
		d := decide(c, now, s)
		require.Equal(t, []string{"birth_date"}, d.Clear)
		require.Equal(t, []string{"contract/contract"}, d.Grounds)
	})
	t.Run("renewed after withdrawal lives again", func(t *testing.T) {
		require.Equal(t, reason.KConsent, decide(one, now, state(newsletter(t, policy.Renewed, "2026-11-20"))).Reason)
	})
	t.Run("a consent given after a marketing objection counts", func(t *testing.T) {
		s := state(with(newsletter(t, policy.Given, "2026-11-10"),
			func(p *policy.PurposeStanding) {
				p.Objection, p.ObjectedAt = policy.ObjectionUpheld, at(t, "2026-11-09")
			}))
		require.Equal(t, reason.KConsent, decide(market, now, s).Reason)
		s.Purposes[0].ObjectedAt = s.Purposes[0].Since
		require.Equal(t, reason.DObjectionMarketing, decide(market, now, s).Reason,
			"the same instant: the objection wins")
	})
	t.Run("an overridden objection lets a legitimate interest live", func(t *testing.T) {
		c := compiled(t, silo(termRule(policy.LegitimateInterest, "fraud")))
		s := policy.Standing{Erasure: at(t, "2026-11-20"),
			Purposes: []policy.PurposeStanding{{Purpose: "fraud", Objection: policy.ObjectionOverridden,
				ObjectedAt: at(t, "2026-01-01")}}}
		require.Equal(t, reason.KLegitimateInterest, decide(c, now, s).Reason)
	})
	t.Run("a pending objection keeps past the end of the period", func(t *testing.T) {
		c := compiled(t, silo(termRule(policy.LegitimateInterest, "fraud")))
		s := policy.Standing{Purposes: []policy.PurposeStanding{{Purpose: "fraud", Objection: policy.ObjectionPending,
			ObjectedAt: at(t, "2026-01-01")}}}
		require.Equal(t, "D2", Decide(c, policy.Record{Standing: &s, Starts: []calendar.Date{day(t, "2001-01-01")}},
			at(t, now)).Row)
	})
	t.Run("erasure needs no weighing when the interest's period is over", func(t *testing.T) {
		c := compiled(t, silo(termRule(policy.LegitimateInterest, "fraud")))
		s := policy.Standing{Erasure: at(t, "2026-11-20")}
		require.Equal(t, "D4", Decide(c, policy.Record{Standing: &s, Starts: []calendar.Date{day(t, "2001-01-01")}},
			at(t, now)).Row)
	})
	t.Run("a pending objection keeps whatever the basis it is raised against", func(t *testing.T) {
		s := state(with(newsletter(t, policy.Withdrawn, "2026-01-01"),
			func(p *policy.PurposeStanding) { p.Objection = policy.ObjectionPending }))
		require.Equal(t, "D2", decide(one, now, s).Row)
	})
	t.Run("an objection that waits comes before a start that nobody knows, and before an erasure", func(t *testing.T) {
		c := compiled(t, silo(termRule(policy.LegitimateInterest, "fraud"), termRule(policy.PublicTask, "task")))
		s := policy.Standing{Erasure: at(t, "2026-11-10"),
			Purposes: []policy.PurposeStanding{{Purpose: "fraud", Objection: policy.ObjectionPending,
				ObjectedAt: at(t, "2026-11-01")}}}
		require.Equal(t, "D2", Decide(c, policy.Record{Standing: &s, Starts: []calendar.Date{day(t, "2001-01-01"),
			calendar.Unreadable}}, at(t, now)).Row)
		s.Purposes[0].Objection = policy.ObjectionUpheld
		require.Equal(t, "D3", Decide(c, policy.Record{Standing: &s, Starts: []calendar.Date{day(t, "2001-01-01"),
			calendar.Unreadable}}, at(t, now)).Row, "a start that nobody knows comes before an erasure")
		require.Equal(t, "D4", Decide(c, policy.Record{Standing: &s, Starts: []calendar.Date{day(t, "2001-01-01"),
			day(t, "2001-01-01")}}, at(t, now)).Row)
	})
	t.Run("an erasure comes before a consent that is not effective yet", func(t *testing.T) {
		s := policy.Standing{Erasure: at(t, "2026-11-10"),
			Purposes: []policy.PurposeStanding{{Purpose: "newsletter", Future: true}}}
		require.Equal(t, "D4", decide(one, now, s).Row)
	})
	t.Run("an objection to marketing is none to other purposes", func(t *testing.T) {
		s := state(newsletter(t, policy.Given, "2026-01-01"))
		s.Purposes = append(s.Purposes, policy.PurposeStanding{Purpose: "post", Marketing: true,
			Objection:  policy.ObjectionPending,
			ObjectedAt: at(t, "2026-02-01")})
		require.Equal(t, reason.KConsent, decide(one, now, s).Reason)
	})
	t.Run("an open ground leaves the end open, and among equals the first rule is named", func(t *testing.T) {
		c := compiled(t, silo(termRule(policy.Contract, "order", func(r *policy.Rule) { r.ID = "first" }),
			termRule(policy.Contract, "order", func(r *policy.Rule) { r.ID = "second" })))
		d := Decide(c, policy.Record{Standing: &policy.Standing{}, Starts: []calendar.Date{day(t, "2020-01-01"), 0}},
			at(t, now))
		require.Zero(t, d.Until)
		require.Equal(t, "first", d.Rule)
		require.Equal(t, []string{"first", "second"}, d.Grounds)
	})
	t.Run("a dateless ground without fields asks for no first night while the row lives", func(t *testing.T) {
		c := compiled(t, silo(termRule(policy.Contract, "contract"), consentRule(grace(calendar.Period{Days: 30}))))
		require.False(t, decide(c, now, policy.Standing{}).Flag)
	})
	t.Run("a child with parental authorisation", func(t *testing.T) {
		s := state(newsletter(t, policy.Given, "2026-01-01"))
		s.Minor, s.Parental = true, true
		require.Equal(t, reason.KConsent, decide(one, now, s).Reason)
		s.Parental, s.Purposes[0].Parental = false, true
		require.Equal(t, reason.KConsent, decide(one, now, s).Reason, "for this purpose")
	})
	t.Run("a child that has come of age", func(t *testing.T) {
		s := state(newsletter(t, policy.Given, "2026-01-01"))
		s.Minor, s.Parental, s.Aged = true, true, at(t, "2026-05-01")
		d := decide(one, now, s)
		require.Equal(t, reason.KConsent, d.Reason)
		require.Equal(t, []reason.Code{reason.IAgeReached}, d.Notes)
		s.Parental = false
		require.Equal(t, reason.DChildNoParental, decide(one, now, s).Reason, "it was a child's all the same")
		s.Purposes[0].Since = at(t, "2026-05-01")
		d = decide(one, now, s)
		require.Equal(t, reason.KConsent, d.Reason, "given when of age")
		require.Empty(t, d.Notes)
	})
	t.Run("a scheduled withdrawal is not effective before its date", func(t *testing.T) {
		require.Equal(t, "D7", decide(one, now, state(newsletter(t, policy.Withdrawn, "2026-12-24"))).Row)
	})
	t.Run("given without a date keeps", func(t *testing.T) {
		require.Equal(t, "D3", decide(one, now, state(newsletter(t, policy.Given, ""))).Row)
	})
	t.Run("a record older than its consent is remarked", func(t *testing.T) {
		s := state(with(newsletter(t, policy.Given, "2026-01-02 10:00"),
			func(p *policy.PurposeStanding) { p.ImpossibleClock = true }))
		d := Decide(one, policy.Record{Standing: &s, Collected: at(t, "2026-01-01 23:00")}, at(t, now))
		require.Equal(t, []reason.Code{reason.EDataBeforeConsent, reason.EEventClock}, d.Notes)
		s.Purposes[0].ImpossibleClock = false
		require.Equal(t, []reason.Code{reason.EDataBeforeConsent},
			Decide(one, policy.Record{Standing: &s, Collected: at(t, "2026-01-01 23:00")}, at(t, now)).Notes)
		require.Empty(t, Decide(one, policy.Record{Standing: &s, Collected: at(t, "2026-01-02 09:00")},
			at(t, now)).Notes,
			"the same day is no finding")
		both := compiled(t, silo(termRule(policy.Contract, "contract"), consentRule()))
		require.Empty(t, Decide(both, policy.Record{Standing: &s, Collected: at(t, "2026-01-01 23:00"),
			Starts: make([]calendar.Date, 2)}, at(t, now)).Notes,
			"a customer who consents later was not collected on consent")
	})
	t.Run("the first night of a dateless reason anchors the grace", func(t *testing.T) {
		c := compiled(t, silo(consentRule(grace(calendar.Period{Days: 30}))))
		r := matched(&policy.Standing{})
		d := Decide(c, r, at(t, now))
		require.Equal(t, "D8", d.Row)
		require.True(t, d.Flag)
		require.Equal(t, "2026-12-22", d.Due.String())
		r.Flagged = at(t, now)
		require.Equal(t, d, Decide(c, r, at(t, "2026-12-21 23:59")))
		require.Equal(t, "D9", Decide(c, r, at(t, "2026-12-22 00:00")).Row)
	})
	t.Run("the registry's end of the relation counts, the later of two", func(t *testing.T) {
		s := policy.Standing{Purposes: []policy.PurposeStanding{{Purpose: "contract", Started: at(t, "2010-01-01"),
			Ended: at(t, "2016-06-01")}}}
		require.Equal(t, "2026-06-01", Decide(contract, matched(&s), at(t, now)).End.String())
		require.Equal(t, "2026-07-01", Decide(contract, policy.Record{Standing: &s,
			Starts: []calendar.Date{day(t, "2016-07-01")}}, at(t, now)).End.String())
		s.Purposes[0].Started = s.Purposes[0].Ended
		require.Equal(t, "2026-06-01", Decide(contract, matched(&s), at(t, now)).End.String(),
			"begun and ended at once")
		s.Purposes[0].Started = at(t, "2017-01-01")
		require.Equal(t, "D1", Decide(contract, matched(&s), at(t, now)).Row, "begun again after its end")
	})
	t.Run("an end before the beginning that the registry knows is no end", func(t *testing.T) {
		begun := policy.Standing{Purposes: []policy.PurposeStanding{{Purpose: "contract",
			Started: at(t, "2024-03-01 10:00")}}}
		over := func(end string) policy.Decision {
			return Decide(contract, policy.Record{Standing: &begun, Starts: []calendar.Date{day(t, end)}}, at(t, now))
		}
		require.Equal(t, "D3", over("2010-01-01").Row)
		require.Equal(t, reason.EStartUnknown, over("2024-02-29").Reason)
		require.Equal(t, policy.Keep, over("2024-02-29").Action)
		require.False(t, over("2010-01-01").WritesBlock())
		require.Equal(t, "D1", over("2024-03-01").Row, "it may end on the day on which it began")
		begun.Purposes[0].Ended = at(t, "2025-01-01")
		require.Equal(t, "2035-01-01", over("2010-01-01").Until.String(), "the registry knows the end")
		begun.Purposes[0].Started = at(t, "2026-01-01")
		require.Equal(t, "D3", over("2010-01-01").Row, "of what began again, no end is known")
	})
	t.Run("no date field and no word from the registry is no open relation", func(t *testing.T) {
		c := compiled(t, silo(termRule(policy.Contract, "contract", func(r *policy.Rule) { r.At = "" })))
		require.Equal(t, "D3", decide(c, now, policy.Standing{}).Row)
		require.Equal(t, "D6", Decide(c, policy.Record{Identity: policy.Unmatched, Collected: at(t, "2000-01-01")},
			at(t, now)).Row)
		require.Equal(t, "D1", decide(c, now,
			policy.Standing{Purposes: []policy.PurposeStanding{{Purpose: "contract",
				Started: at(t, "2010-01-01")}}}).Row)
	})
	t.Run("collected falls back to the registry, not from an unreadable field", func(t *testing.T) {
		c := compiled(t, silo(termRule(policy.Contract, "contract",
			func(r *policy.Rule) { r.Start, r.At = policy.Collected, "" })))
		require.Equal(t, "2030-05-06", decide(c, now, policy.Standing{Collected: at(t, "2020-05-06")}).Until.String())
		require.Equal(t, "D3", decide(c, now, policy.Standing{}).Row)
		require.Equal(t, "D3", Decide(c, policy.Record{Standing: &policy.Standing{Collected: at(t, "2000-05-06")},
			Starts: []calendar.Date{calendar.Unreadable}}, at(t, now)).Row, "something stands there that is no date")
		own := compiled(t, silo(termRule(policy.Contract, "contract",
			func(r *policy.Rule) { r.Start = policy.Collected })))
		require.Equal(t, "D3", Decide(own, policy.Record{Standing: &policy.Standing{Collected: at(t, "2000-05-06")},
			Starts: []calendar.Date{calendar.Unreadable}}, at(t, now)).Row)
	})
	t.Run("birth plus age", func(t *testing.T) {
		c := compiled(t, silo(termRule(policy.LegalObligation, "minors",
			func(r *policy.Rule) {
				r.Start, r.At, r.Age, r.Period = policy.BirthPlusAge, "birth", 18, calendar.Period{}
			})))
		r := policy.Record{Standing: &policy.Standing{}, Starts: []calendar.Date{day(t, "2008-02-29")}}
		require.Equal(t, "2026-02-28", Decide(c, r, at(t, now)).End.String())
		r.Starts[0] = 0
		require.Equal(t, "D3", Decide(c, r, at(t, now)).Row)
	})
	t.Run("a fixed date", func(t *testing.T) {
		c := compiled(t, silo(termRule(policy.VitalInterest, "trial",
			func(r *policy.Rule) {
				r.Start, r.At, r.Date, r.Period = policy.FixedDate, "", "2026-11-20", calendar.Period{}
			})))
		require.Equal(t, reason.KVitalInterest, decide(c, "2026-11-20 23:59", policy.Standing{}).Reason)
		require.Equal(t, reason.DRetentionElapsed, decide(c, "2026-11-21 00:00", policy.Standing{}).Reason)
	})
	t.Run("a vital interest without its end is not open", func(t *testing.T) {
		c := compiled(t, silo(termRule(policy.VitalInterest, "trial")))
		require.Equal(t, "D3", decide(c, now, policy.Standing{}).Row)
	})
	t.Run("rules are read in the version of the day", func(t *testing.T) {
		c := compiled(t, silo(consentRule(func(r *policy.Rule) { r.Until = "2026-11-21" }),
			consentRule(func(r *policy.Rule) { r.From, r.MaxAge = "2026-11-21", calendar.Period{Months: 6} })))
		s := state(newsletter(t, policy.Given, "2026-01-01"))
		require.Equal(t, "D1", decide(c, "2026-11-20 23:59", s).Row)
		require.Equal(t, reason.DConsentExpired, decide(c, "2026-11-21 00:00", s).Reason)
	})
	t.Run("no instant decides nothing", func(t *testing.T) {
		require.Equal(t, policy.Keep, Decide(one,
			matched(&policy.Standing{Purposes: []policy.PurposeStanding{newsletter(t, policy.Given,
				"2001-01-01")}}), time.Time{}).Action)
	})
	t.Run("unknown doubts are doubts", func(t *testing.T) {
		require.Equal(t, "A2", Decide(one, policy.Record{Trust: 9}, at(t, now)).Row)
		require.Equal(t, "A5", Decide(one, policy.Record{Identity: 9}, at(t, now)).Row)
		require.Equal(t, "D6", Decide(one, policy.Record{Identity: policy.Matched}, at(t, now)).Row,
			"matched without a standing is no match")
	})
}

// The night that writes the registry's expired event moves nothing: a consent that ran out and one that is
// known to have expired are decided alike.
func TestAnExpiredEventChangesNothing(t *testing.T) {
	rome := zone(t, "Europe/Rome")
	c := compiled(t, silo(consentRule(grace(calendar.Period{Days: 30}))))
	for _, since := range []string{"2024-10-02 00:10", "2024-10-27 02:30", "2024-11-20 23:59"} {
		ranOut := newsletter(t, policy.Given, since)
		expired := newsletter(t, policy.Expired, "")
		expired.Since = (calendar.EndOf(calendar.DateOf(ranOut.Since, rome), calendar.Period{Years: 2}) + 1).Start(rome)
		until := newsletter(t, policy.Given, "2026-10-01 00:00")
		until.Until = expired.Since
		for d := expired.Since; d.Before(expired.Since.AddDate(0, 0, 40)); d = d.Add(7 * time.Hour) {
			want := Decide(c, matched(standing(ranOut)), d)
			require.Equal(t, reason.DConsentExpired, want.Reason)
			require.Equal(t, want, Decide(c, matched(standing(expired)), d))
			require.Equal(t, want, Decide(c, matched(standing(until)), d))
		}
	}
}

// An objection to direct marketing as such ends what is marketing, and nothing else.
func TestObjectionToAllMarketing(t *testing.T) {
	all := policy.PurposeStanding{Objection: policy.ObjectionPending, ObjectedAt: at(t, "2026-10-01"), Marketing: true}
	given := newsletter(t, policy.Given, "2026-01-01")
	for _, c := range []struct {
		name string
		rule policy.Rule
		want reason.Code
	}{
		{"marketing by consent", consentRule(marketing), reason.DObjectionMarketing},
		{"consent for something else", consentRule(), reason.KConsent},
		{"marketing by legitimate interest", termRule(policy.LegitimateInterest, "newsletter", marketing),
			reason.DObjectionMarketing},
		{"another legitimate interest", termRule(policy.LegitimateInterest, "newsletter"), reason.KLegitimateInterest},
	} {
		require.Equal(t, c.want, Decide(compiled(t, silo(c.rule)), matched(standing(all, given)), at(t, now)).Reason,
			c.name)
	}
}

func TestDeadReasonsNameTheirArticle(t *testing.T) {
	all := reason.Codes()
	for i, c := range deadReasons {
		require.Contains(t, all, c)
		require.True(t, c == reason.DErasureRequest ||
			regexp.MustCompile(`17\(1\)\([a-f]\)`).MatchString(c.Article()), "%s says by which point of Art. 17(1) "+
			"the data have to go", c)
		require.True(t, strings.HasPrefix(string(c), "D_"))
		require.Equal(t, i, slices.Index(deadReasons[:], c))
	}
	require.Equal(t, reason.DErasureRequest, deadReasons[erasureRequest])
	require.Equal(t, reason.DConsentWithdrawn, deadReasons[consentWithdrawn])
	require.Equal(t, reason.DConsentUnproven, deadReasons[consentUnproven])
	require.Equal(t, reason.DNoConsent, deadReasons[noConsent])
}
