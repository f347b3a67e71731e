package judge

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/policy"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/event"
)

// TestWhatADecisionChanges looks at each change that a decision can make, given what the row holds already.
func TestWhatADecisionChanges(t *testing.T) {
	c := newCourt(t)
	c.said(event.Given, "ann@example.com", "2026-01-10")
	c.said(event.Given, "bob@example.com", "2026-01-10")
	c.said(event.Withdrawn, "bob@example.com", "2026-03-01")
	c.said(event.Given, "eve@example.com", "2026-01-10")
	c.said(event.Restricted, "eve@example.com", "2026-05-01")
	bob := func(p *person) { p.email = "bob@example.com" }
	eve := func(p *person) { p.email = "eve@example.com" }
	zoe := func(p *person) { p.email = "zoe@example.com" }
	over := func(p *person) { p.ended, p.since = "2024-01-01", nil }
	blocked := func(p *person) { p.active = "0" }
	noPhone := func(p *person) { p.phone = nil }
	noNote := func(p *person) { p.note = nil }
	gone := func(p *person) { p.name, p.phone, p.note = "gone", nil, nil }
	noEnd := func(s *policy.Silo) { s.Rules = s.Rules[:1]; s.Rules[0].Fields = nil }
	for _, test := range []struct {
		name    string
		policy  []func(*policy.Silo)
		row     []func(*person)
		reason  reason.Code
		change  Change
		block   bool
		cleared []string
		quiet   bool
	}{
		{name: "both grounds are alive", reason: reason.KContract, quiet: true},
		{name: "only the contract is", row: list(bob), reason: reason.KContract, change: Clear,
			cleared: []string{"phone"}},
		{name: "and the phone is cleared", row: list(bob, noPhone), reason: reason.KContract, quiet: true},
		{name: "only the consent is", row: list(over), reason: reason.KConsent, change: Clear,
			cleared: []string{"note"}},
		{name: "and the note is cleared", row: list(over, noNote), reason: reason.KConsent, quiet: true},
		{name: "none is", row: list(bob, over), reason: reason.DConsentWithdrawn, change: Delete, block: true},
		{name: "none is, and it is blocked", row: list(bob, over, blocked), reason: reason.DConsentWithdrawn,
			change: Delete},
		{name: "restricted", row: list(eve), reason: reason.KRestricted, change: Block},
		{name: "restricted and blocked", row: list(eve, blocked), reason: reason.KRestricted},
		{name: "unknown to the registry", policy: edits(noEnd), row: list(zoe), reason: reason.XNoMatch},
		{name: "no identifier", row: list(func(p *person) { p.email = "nonsense" }), reason: reason.EIDUnparseable},
		{name: "ended before it was collected",
			row:    list(bob, func(p *person) { p.since, p.ended = "2024-01-02", "2024-01-01" }),
			reason: reason.EStartUnknown},
		{name: "ended on the day of collecting",
			row:    list(bob, func(p *person) { p.since, p.ended = "2024-01-01", "2024-01-01" }),
			reason: reason.DConsentWithdrawn, change: Delete, block: true},
		{name: "blocked by another", row: list(blocked), reason: reason.KContract, quiet: true},

		{name: "anonymized, none is alive", policy: edits(anonymizing), row: list(bob, over),
			reason: reason.DConsentWithdrawn, change: Anonymize, block: true},
		{name: "it is, and blocked", policy: edits(anonymizing), row: list(bob, over, gone, blocked),
			reason: reason.DConsentWithdrawn},
		{name: "all but one field is", policy: edits(anonymizing),
			row:    list(bob, over, gone, blocked, func(p *person) { p.note = "vip" }),
			reason: reason.DConsentWithdrawn, change: Anonymize},
		{name: "all that anonymizing changes is", policy: edits(func(s *policy.Silo) {
			consent, contract := s.Rules[0].Fields, s.Rules[1].Fields
			anonymizing(s)
			s.Rules[0].Fields, s.Rules[1].Fields = consent, contract
			delete(s.Anonymize, "phone")
		}), row: list(bob, over, blocked, func(p *person) { p.name, p.note = "gone", nil }),
			reason: reason.DConsentWithdrawn},
		{name: "no grounds left to clear by", policy: edits(anonymizing), row: list(bob), reason: reason.KContract,
			quiet: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := c.judge(test.policy...).Rule(batch(t, ann(test.row...)).Rows, 0, c.asOf)
			require.Equal(t, test.reason, r.Reason)
			require.Equal(t, test.change, r.Change)
			require.Equal(t, test.block, r.Block)
			require.Equal(t, test.cleared, r.Cleared)
			require.Equal(t, test.quiet, r.quiet())
		})
	}
}

func list(edits ...func(*person)) []func(*person) { return edits }

func edits(edits ...func(*policy.Silo)) []func(*policy.Silo) { return edits }

// TestATombstoneSaysThatARowIsDone recognises a record that a night anonymized, as long as it still is, and as it is
// the same person's.
func TestATombstoneSaysThatARowIsDone(t *testing.T) {
	c := registered(t)
	over := func(p *person) {
		p.email, p.since, p.ended, p.active = "bob@example.com", "2023-02-01", "2024-01-01", "0"
	}
	gone := func(p *person) { p.name, p.phone, p.note = "gone", nil, nil }
	for _, test := range []struct {
		name    string
		row     []func(*person)
		other   bool // the tombstone is another person's
		action  policy.Action
		reason  reason.Code
		change  Change
		renewed bool
	}{
		{name: "it still is", row: list(over, gone), action: policy.Anonymize, reason: reason.KAnonymized,
			renewed: true},
		{name: "it holds data again", row: list(over), action: policy.Anonymize, reason: reason.DConsentWithdrawn,
			change: Anonymize, renewed: true},
		{name: "the key is another's now", row: list(over, gone), other: true, action: policy.Anonymize,
			reason: reason.DConsentWithdrawn},
		{name: "it was deleted", row: list(over, gone), action: policy.Delete, reason: reason.DConsentWithdrawn},
	} {
		t.Run(test.name, func(t *testing.T) {
			g, row := c.judge(anonymizing), batch(t, ann(test.row...)).Rows
			r := g.Rule(row, 0, c.asOf)
			subject := r.subject
			if test.other {
				subject[0]++
			}
			stones := []registry.Tombstone{
				{Record: r.record, Subject: subject, Action: string(test.action), ErasedAt: c.asOf},
			}
			require.NoError(t, c.registry.PutTombstones(t.Context(), "crm", stones))
			var err error
			g.State.Tombstones, err = c.registry.Tombstones(t.Context(), "crm")
			require.NoError(t, err)
			require.NoError(t, c.registry.DropTombstones(t.Context(), "crm", stones, nil))

			r = g.Rule(row, 0, c.asOf)
			require.Equal(t, test.reason, r.Reason)
			require.Equal(t, test.change, r.Change)
			require.Equal(t, test.renewed, g.State.Anonymized[r.record])
		})
	}
}

// TestOnlyLethesOwnBlocksAreLifted unblocks a row only where a night noted that it blocked it.
func TestOnlyLethesOwnBlocksAreLifted(t *testing.T) {
	c := newCourt(t)
	c.said(event.Given, "ann@example.com", "2026-01-10")
	g := c.judge()
	row := batch(t, ann(func(p *person) { p.active = "0" })).Rows
	r := g.Rule(row, 0, c.asOf)
	require.Equal(t, None, r.Change)
	require.True(t, r.known)

	g.State.Flags[registry.FlagKey{Record: r.record, Reason: FlagBlocked}] = c.asOf
	require.Equal(t, Unblock, g.Rule(row, 0, c.asOf).Change)
	require.Equal(t, None, g.Rule(batch(t, ann()).Rows, 0, c.asOf).Change, "it is not blocked")
}

// TestTheFirstNightOfAFlagIsKept dates a reason that has no date by the night that first found it.
func TestTheFirstNightOfAFlagIsKept(t *testing.T) {
	c := newCourt(t)
	g := c.judge(func(s *policy.Silo) { s.Rules = s.Rules[:1]; s.Rules[0].Fields = nil })
	row := batch(t, ann(func(p *person) { p.email = "zoe@example.com" })).Rows
	r := g.Rule(row, 0, c.asOf)
	require.True(t, r.Flag)
	require.Equal(t, c.asOf, r.flagged)

	first := c.asOf.AddDate(0, 0, -9)
	g.State.Flags[registry.FlagKey{Record: r.record, Reason: string(r.Reason)}] = first
	require.Equal(t, first, g.Rule(row, 0, c.asOf).flagged)
	g.State.Flags = map[registry.FlagKey]time.Time{{Record: r.record, Reason: "D_OTHER"}: first}
	require.Equal(t, c.asOf, g.Rule(row, 0, c.asOf).flagged, "a flag of another reason")
}
