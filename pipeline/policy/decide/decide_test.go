package decide

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/policytest"
	"lethe/pipeline/policy/reason"
)

// now is the night on which the cases below are decided.
const now = policytest.Now

// The small policies and standings that the cases below change.
var (
	at            = policytest.At
	consentRule   = policytest.ConsentRule
	termRule      = policytest.TermRule
	fields        = policytest.Fields
	grace         = policytest.Grace
	marketing     = policytest.Marketing
	anonymizes    = policytest.Anonymizes
	elseAnonymize = policytest.ElseAnonymize
	silo          = policytest.Silo
	compiled      = policytest.Compiled
	standing      = policytest.Standing
	newsletter    = policytest.Newsletter
)

func zone(t require.TestingT, name string) *time.Location {
	z, err := time.LoadLocation(name)
	require.NoError(t, err)
	return z
}

func day(t require.TestingT, s string) calendar.Date {
	if s == "" {
		return 0
	}
	d, err := calendar.ParseDate(s)
	require.NoError(t, err)
	return d
}

// with copies what it changes, so that a case cannot reach into another.
func with[T any](v T, change func(*T)) T {
	change(&v)
	return v
}

func matched(s *policy.Standing) policy.Record {
	return policy.Record{Identity: policy.Matched, Standing: s}
}

func TestDecideFollowsTheTable(t *testing.T) {
	given := newsletter(t, policy.Given, "2025-11-21 10:00")
	withdrawn := newsletter(t, policy.Withdrawn, "2026-11-01 10:00")
	held := func(change func(*policy.Standing)) policy.Record {
		return matched(with(standing(given), func(s **policy.Standing) { change(*s) }))
	}
	one := silo(consentRule())
	contract := silo(termRule(policy.Contract, "contract"))
	interest := silo(termRule(policy.LegitimateInterest, "fraud",
		func(r *policy.Rule) { r.Start, r.At = policy.Collected, "" }))
	fraud := policy.PurposeStanding{Purpose: "fraud"}
	closed := func(d string) []calendar.Date { return []calendar.Date{day(t, d)} }

	for _, c := range []struct {
		name   string
		silo   policy.Silo
		record policy.Record
		want   policy.Decision
	}{
		{"A0 anonymized before", one, policy.Record{Anonymized: true, Trust: policy.Tampered},
			policy.Decision{Row: "A0", Action: policy.Keep, Use: policy.Unchanged, Reason: reason.KAnonymized}},
		{"A7 anonymized before, and a pseudonym is left", one, policy.Record{Anonymized: true, Weak: true},
			policy.Decision{Row: "A7", Action: policy.Keep, Use: policy.Unchanged, Reason: reason.EAnonWeak}},
		{"A1 no rule in force", silo(consentRule(func(r *policy.Rule) { r.From = "2027-01-01" })),
			matched(standing(withdrawn)),
			policy.Decision{Row: "A1", Action: policy.Keep, Use: policy.Unchanged, Reason: reason.ENoPolicy}},
		{"A1 the last rule has ended today", silo(consentRule(func(r *policy.Rule) { r.Until = "2026-11-21" })),
			matched(standing(withdrawn)),
			policy.Decision{Row: "A1", Action: policy.Keep, Use: policy.Unchanged, Reason: reason.ENoPolicy}},
		{"A2 registry tampered", one, with(matched(standing(withdrawn)),
			func(r *policy.Record) { r.Trust = policy.Tampered }),
			policy.Decision{Row: "A2", Action: policy.Keep, Use: policy.Unchanged, Reason: reason.ERegistryTampered}},
		{"A3 registry stale", one, with(matched(standing(withdrawn)),
			func(r *policy.Record) { r.Trust = policy.Stale }),
			policy.Decision{Row: "A3", Action: policy.Keep, Use: policy.Unchanged, Reason: reason.ERegistryStale}},
		{"A4 unparseable", one, policy.Record{Identity: policy.Unparseable},
			policy.Decision{Row: "A4", Action: policy.Keep, Use: policy.Blocked, Reason: reason.EIDUnparseable}},
		{"A5 conflicting", one, policy.Record{Identity: policy.Conflicting},
			policy.Decision{Row: "A5", Action: policy.Keep, Use: policy.Blocked, Reason: reason.EIDConflict}},
		{"B1 legal hold", one, held(func(s *policy.Standing) { s.Hold, s.Restricted = true, true }),
			policy.Decision{Row: "B1", Action: policy.Keep, Use: policy.Blocked, Reason: reason.KLegalHold}},
		{"B1 erasure asked under a hold", one,
			held(func(s *policy.Standing) { s.Hold, s.Erasure = true, at(t, "2026-11-20") }),
			policy.Decision{Row: "B1", Action: policy.Keep, Use: policy.Blocked, Reason: reason.KLegalHold,
				Notes: []reason.Code{reason.EErasureWhileHeld}}},
		{"B2 restriction", one, held(func(s *policy.Standing) { s.Restricted, s.PendingAccess = true, true }),
			policy.Decision{Row: "B2", Action: policy.Keep, Use: policy.Blocked, Reason: reason.KRestricted}},
		{"B2 erasure asked while restricted", one,
			held(func(s *policy.Standing) { s.Restricted, s.Erasure = true, at(t, "2026-11-20") }),
			policy.Decision{Row: "B2", Action: policy.Keep, Use: policy.Blocked, Reason: reason.KRestricted,
				Notes: []reason.Code{reason.EErasureWhileRestricted}}},
		{"B3 access request", one, held(func(s *policy.Standing) {
			s.PendingAccess, s.Erasure = true,
				at(t, "2026-11-20")
		}),
			policy.Decision{Row: "B3", Action: policy.Keep, Use: policy.Unchanged, Reason: reason.KPendingAccess}},
		{"D1 consent", one, matched(standing(given)),
			policy.Decision{Row: "D1", Action: policy.Keep, Use: policy.Allowed, Reason: reason.KConsent,
				Rule:    "newsletter/consent",
				Grounds: []string{"newsletter/consent"}, Until: day(t, "2027-11-21")}},
		{"D1 contract still open", contract, matched(standing(policy.PurposeStanding{Purpose: "contract"})),
			policy.Decision{Row: "D1", Action: policy.Keep, Use: policy.Allowed, Reason: reason.KContract,
				Rule:    "contract/contract",
				Grounds: []string{"contract/contract"}}},
		{"D1 contract, no registry match", contract, policy.Record{Identity: policy.Unmatched,
			Starts: closed("2020-05-01")},
			policy.Decision{Row: "D1", Action: policy.Keep, Use: policy.Allowed, Reason: reason.KContract,
				Rule:    "contract/contract",
				Grounds: []string{"contract/contract"}, Until: day(t, "2030-05-01")}},
		{"D1 limited when only the law asks", silo(termRule(policy.LegalObligation, "tax", fields("name")),
			consentRule(fields("name", "email"))), matched(standing(withdrawn)),
			policy.Decision{Row: "D1", Action: policy.Keep, Use: policy.Limited, Reason: reason.KLegalObligation,
				Rule: "tax/legal_obligation", Grounds: []string{"tax/legal_obligation"}, Clear: []string{"email"}}},
		{"D1 the law before the contract", silo(termRule(policy.Contract, "contract"),
			termRule(policy.LegalObligation, "tax")),
			matched(standing()),
			policy.Decision{Row: "D1", Action: policy.Keep, Use: policy.Allowed, Reason: reason.KLegalObligation,
				Rule: "tax/legal_obligation", Grounds: []string{"contract/contract", "tax/legal_obligation"}}},
		{"D2 objection undecided", interest,
			with(matched(standing(with(fraud,
				func(p *policy.PurposeStanding) { p.Objection = policy.ObjectionPending }))),
				func(r *policy.Record) { r.Collected = at(t, "2020-01-01") }),
			policy.Decision{Row: "D2", Action: policy.Keep, Use: policy.Blocked, Reason: reason.KObjectionPending,
				Else: policy.Keep}},
		{"D2 erasure asked against a legitimate interest", interest,
			with(matched(&policy.Standing{Erasure: at(t, "2026-11-20"), Purposes: []policy.PurposeStanding{fraud}}),
				func(r *policy.Record) { r.Collected = at(t, "2020-01-01") }),
			policy.Decision{Row: "D2", Action: policy.Keep, Use: policy.Blocked, Reason: reason.KObjectionPending,
				Else: policy.Keep}},
		{"D3 start unknown", contract, with(matched(standing()),
			func(r *policy.Record) { r.Starts = []calendar.Date{calendar.Unreadable} }),
			policy.Decision{Row: "D3", Action: policy.Keep, Use: policy.Blocked, Reason: reason.EStartUnknown,
				Else: policy.Keep}},
		{"D4 erasure", one, held(func(s *policy.Standing) { s.Erasure = at(t, "2026-11-20 09:00") }),
			policy.Decision{Row: "D4", Action: policy.Delete, Use: policy.Blocked, Reason: reason.DErasureRequest,
				Rule: "newsletter/consent", End: day(t, "2026-11-20"), Due: day(t, "2026-11-20"), Else: policy.Keep}},
		{"D4 knows no grace", silo(consentRule(grace(calendar.Period{Days: 30}), anonymizes)),
			held(func(s *policy.Standing) { s.Erasure = at(t, "2026-11-20 09:00") }),
			policy.Decision{Row: "D4", Action: policy.Delete, Use: policy.Blocked, Reason: reason.DErasureRequest,
				Rule: "newsletter/consent", End: day(t, "2026-11-20"), Due: day(t, "2026-11-20"), Else: policy.Keep}},
		{"D5 no match, recent", one, policy.Record{Identity: policy.Unmatched, Collected: at(t, "2026-10-22 23:00")},
			policy.Decision{Row: "D5", Action: policy.Keep, Use: policy.Blocked, Reason: reason.XNoMatchGrace,
				Else: policy.Keep}},
		{"D6 no match, older", one, policy.Record{Identity: policy.Unmatched, Collected: at(t, "2026-10-21 23:00")},
			policy.Decision{Row: "D6", Action: policy.Keep, Use: policy.Blocked, Reason: reason.XNoMatch, Flag: true,
				Else: policy.Keep}},
		{"D6 no match, age unknown", with(one, func(s *policy.Silo) { s.NoMatch = "expire" }),
			policy.Record{Identity: policy.Unmatched},
			policy.Decision{Row: "D6", Action: policy.Keep, Use: policy.Blocked, Reason: reason.XNoMatch, Flag: true,
				Notes: []reason.Code{reason.EStartUnknown}, Else: policy.Keep}},
		{"D6 no match expires by choice", with(one, func(s *policy.Silo) { s.NoMatch = "expire" }),
			policy.Record{Identity: policy.Unmatched, Collected: at(t, "2020-01-01")},
			policy.Decision{Row: "D6", Action: policy.Expire, Use: policy.Blocked, Reason: reason.XNoMatch,
				Flag: true, Else: policy.Keep}},
		{"D6 also when the contract's term is over", contract,
			policy.Record{Identity: policy.Unmatched, Collected: at(t, "2000-01-01"), Starts: closed("2001-01-01")},
			policy.Decision{Row: "D6", Action: policy.Keep, Use: policy.Blocked, Reason: reason.XNoMatch, Flag: true,
				Else: policy.Keep}},
		{"D7 future consent", one, matched(standing(policy.PurposeStanding{Purpose: "newsletter", Future: true})),
			policy.Decision{Row: "D7", Action: policy.Keep, Use: policy.Blocked, Reason: reason.XNotYetEffective,
				Else: policy.Keep}},
		{"D7 impossible clock", one, matched(standing(policy.PurposeStanding{Purpose: "newsletter", Future: true,
			ImpossibleClock: true})),
			policy.Decision{Row: "D7", Action: policy.Keep, Use: policy.Blocked, Reason: reason.XNotYetEffective,
				Notes: []reason.Code{reason.EEventClock}, Else: policy.Keep}},
		{"D8 within the grace", silo(consentRule(grace(calendar.Period{Days: 30}))), matched(standing(withdrawn)),
			policy.Decision{Row: "D8", Action: policy.Expire, Use: policy.Blocked, Reason: reason.DConsentWithdrawn,
				Rule: "newsletter/consent", End: day(t, "2026-11-01"), Due: day(t, "2026-12-02"), Else: policy.Keep}},
		{"D9 grace over", silo(consentRule(grace(calendar.Period{Days: 19}))), matched(standing(withdrawn)),
			policy.Decision{Row: "D9", Action: policy.Delete, Use: policy.Blocked, Reason: reason.DConsentWithdrawn,
				Rule: "newsletter/consent", End: day(t, "2026-11-01"), Due: day(t, "2026-11-21"), Else: policy.Keep}},
		{"D9 anonymize", silo(consentRule(anonymizes)), matched(standing(withdrawn)),
			policy.Decision{Row: "D9", Action: policy.Anonymize, Use: policy.Blocked, Reason: reason.DConsentWithdrawn,
				Rule: "newsletter/consent", End: day(t, "2026-11-01"), Due: day(t, "2026-11-01"), Else: policy.Keep}},
		{"D9 delete wins over anonymize",
			silo(consentRule(anonymizes), termRule(policy.Contract, "contract", elseAnonymize)),
			with(matched(standing(withdrawn)),
				func(r *policy.Record) { r.Starts = []calendar.Date{0, day(t, "2010-01-01")} }),
			policy.Decision{Row: "D9", Action: policy.Delete, Use: policy.Blocked, Reason: reason.DConsentWithdrawn,
				Rule: "newsletter/consent", End: day(t, "2026-11-01"), Due: day(t, "2026-11-01"),
				Else: policy.Anonymize}},
		{"D9 term over", contract, with(matched(standing()),
			func(r *policy.Record) { r.Starts = closed("2016-11-20") }),
			policy.Decision{Row: "D9", Action: policy.Delete, Use: policy.Blocked, Reason: reason.DRetentionElapsed,
				Rule: "contract/contract", End: day(t, "2026-11-20"), Due: day(t, "2026-11-21"), Else: policy.Keep}},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, Decide(compiled(t, c.silo), c.record, at(t, now)))
		})
	}
}

func TestDependentsThatStay(t *testing.T) {
	del := policy.Decision{Row: "D9", Action: policy.Delete, Use: policy.Blocked, Reason: reason.DConsentWithdrawn,
		Else: policy.Anonymize}
	got := WithDependent(del)
	require.Equal(t, policy.Decision{Row: "D10", Action: policy.Anonymize, Use: policy.Blocked,
		Reason: reason.DConsentWithdrawn,
		Else:   policy.Anonymize}, got)
	del.Else, del.Notes = policy.Keep, noteClock
	got = WithDependent(del)
	require.Equal(t, policy.Decision{Row: "D10", Action: policy.Keep, Use: policy.Blocked,
		Reason: reason.DConsentWithdrawn, Else: policy.Keep,
		Notes: []reason.Code{reason.EEventClock, reason.EDependentKept}}, got)
	require.Equal(t, []reason.Code{reason.EEventClock}, noteClock, "the shared note is not written to")
	require.True(t, got.WritesBlock())
	for _, a := range []policy.Action{policy.Keep, policy.Expire, policy.Anonymize} {
		d := policy.Decision{Row: "D8", Action: a}
		require.Equal(t, d, WithDependent(d))
	}
}

func TestBlocksThatAreWritten(t *testing.T) {
	for _, c := range []struct {
		d               policy.Decision
		block, unblocks bool
	}{
		{policy.Decision{Row: "A0", Use: policy.Unchanged}, false, false},
		{policy.Decision{Row: "A4", Use: policy.Blocked}, false, false},
		{policy.Decision{Row: "A5", Use: policy.Blocked}, false, false},
		{policy.Decision{Row: "B1", Use: policy.Blocked}, true, false},
		{policy.Decision{Row: "B2", Use: policy.Blocked}, true, false},
		{policy.Decision{Row: "B3", Use: policy.Unchanged}, false, false},
		{policy.Decision{Row: "D1", Use: policy.Allowed}, false, true},
		{policy.Decision{Row: "D1", Use: policy.Limited}, false, true},
		{policy.Decision{Row: "D2", Use: policy.Blocked}, true, false},
		{policy.Decision{Row: "D3", Use: policy.Blocked}, false, false}, // missing knowledge never blocks
		{policy.Decision{Row: "D4", Use: policy.Blocked, Action: policy.Delete}, true, false},
		{policy.Decision{Row: "D5", Use: policy.Blocked}, false, false},
		{policy.Decision{Row: "D6", Use: policy.Blocked, Action: policy.Keep}, false, false},
		{policy.Decision{Row: "D6", Use: policy.Blocked, Action: policy.Expire}, true, false},
		{policy.Decision{Row: "D8", Use: policy.Blocked, Action: policy.Expire}, true, false},
	} {
		require.Equal(t, c.block, c.d.WritesBlock(), c.d.Row)
		require.Equal(t, c.unblocks, c.d.WritesUnblock(), c.d.Row)
	}
}

func TestClear(t *testing.T) {
	constant := "constant"
	rules := []policy.Rule{termRule(policy.Contract, "contract", fields("name")), consentRule(fields("email", "name"))}
	base := silo(rules...)
	base.Anonymize = map[string]*string{"name": nil, "birth_date": &constant}
	withdrawn := matched(standing(newsletter(t, policy.Withdrawn, "2026-11-01")))

	t.Run("what no live ground covers, in order", func(t *testing.T) {
		require.Equal(t, []string{"birth_date", "email"}, Decide(compiled(t, base), withdrawn, at(t, now)).Clear)
	})
	t.Run("a live ground without fields covers all", func(t *testing.T) {
		s := base
		s.Rules = []policy.Rule{termRule(policy.Contract, "contract"), rules[1]}
		require.Empty(t, Decide(compiled(t, s), withdrawn, at(t, now)).Clear)
	})
	t.Run("a dead ground covers until its grace is over", func(t *testing.T) {
		s := base
		s.Rules = []policy.Rule{rules[0], consentRule(fields("email"), grace(calendar.Period{Days: 20}))}
		c := compiled(t, s)
		require.Equal(t, []string{"birth_date"}, Decide(c, withdrawn, at(t, "2026-11-21 23:59")).Clear)
		require.Equal(t, []string{"birth_date", "email"}, Decide(c, withdrawn, at(t, "2026-11-22 00:00")).Clear)
	})
	t.Run("a dateless dead ground asks for its first night", func(t *testing.T) {
		s := base
		s.Rules = []policy.Rule{rules[0], consentRule(fields("email"), grace(calendar.Period{Days: 20}))}
		r := matched(&policy.Standing{})
		d := Decide(compiled(t, s), r, at(t, now))
		require.Equal(t, []string{"birth_date"}, d.Clear)
		require.True(t, d.Flag)
		r.Flagged = at(t, "2026-10-01")
		d = Decide(compiled(t, s), r, at(t, now))
		require.Equal(t, []string{"birth_date", "email"}, d.Clear)
		require.False(t, d.Flag)
	})
	t.Run("doubt about a ground keeps its fields", func(t *testing.T) {
		for name, second := range map[string]policy.Rule{
			"unknown start": termRule(policy.PublicTask, "task", fields("email"), func(r *policy.Rule) {
				r.Start, r.At = policy.Collected,
					"made_on"
			}),
			"objection": termRule(policy.PublicTask, "pending", fields("email")),
			"not yet":   consentRule(fields("email"), func(r *policy.Rule) { r.Purpose = "future" }),
		} {
			s := base
			s.Rules = []policy.Rule{rules[0], second}
			r := matched(standing(policy.PurposeStanding{Purpose: "pending", Objection: policy.ObjectionPending},
				policy.PurposeStanding{Purpose: "future", Future: true}))
			require.Equal(t, []string{"birth_date"}, Decide(compiled(t, s), r, at(t, now)).Clear, name)
		}
	})
	t.Run("no match: what only the registry knows is not cleared", func(t *testing.T) {
		require.Equal(t, []string{"birth_date"}, Decide(compiled(t, base), policy.Record{Identity: policy.Unmatched},
			at(t, now)).Clear)
	})
	t.Run("more rules than the table of sets holds", func(t *testing.T) {
		s := base
		for i := range 8 {
			s.Rules = append(s.Rules, consentRule(fields("email"),
				func(r *policy.Rule) { r.Purpose = string(rune('a' + i)) }))
		}
		require.Equal(t, []string{"birth_date", "email"}, Decide(compiled(t, s), withdrawn, at(t, now)).Clear)
	})
}

func TestSpainBlocksBeforeDeleting(t *testing.T) {
	s := silo(consentRule(grace(calendar.Period{Days: 30})))
	s.Jurisdiction = "ES"
	c := compiled(t, s)
	withdrawn := matched(standing(newsletter(t, policy.Withdrawn, "2023-11-21 10:00")))
	d := Decide(c, withdrawn, at(t, "2026-11-21 12:00"))
	require.Equal(t, policy.Expire, d.Action)
	require.Equal(t, "2026-11-22", d.Due.String())
	require.Equal(t, policy.Delete, Decide(c, withdrawn, at(t, "2026-11-22 00:00")).Action)

	asked := matched(&policy.Standing{Erasure: at(t, "2023-11-21 10:00")})
	d = Decide(c, asked, at(t, "2026-11-21 12:00"))
	require.Equal(t, policy.Expire, d.Action)
	require.Equal(t, reason.DErasureRequest, d.Reason)
	require.True(t, d.WritesBlock())
	require.Equal(t, policy.Delete, Decide(c, asked, at(t, "2026-11-22 00:00")).Action)

	s.Rules = []policy.Rule{consentRule(anonymizes)}
	require.Equal(t, policy.Anonymize, Decide(compiled(t, s), withdrawn, at(t, "2026-01-01 12:00")).Action,
		"anonymizing is no deletion")
}
