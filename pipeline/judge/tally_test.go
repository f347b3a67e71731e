package judge

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/waiting"
)

// TestRecountingIsCountingAnew moves rows between lines: the summary is the same as if each had been counted there.
func TestRecountingIsCountingAnew(t *testing.T) {
	c := newCourt(t)
	rulings := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) Ruling {
		return Ruling{
			Decision: policy.Decision{
				Action: rapid.SampledFrom([]policy.Action{policy.Keep, policy.Delete}).Draw(r, "action"),
				Reason: rapid.SampledFrom([]reason.Code{reason.KConsent, reason.DNoConsent}).Draw(r, "reason"),
				Use:    rapid.SampledFrom([]policy.Use{policy.Allowed, policy.Blocked}).Draw(r, "use"),
			},
			Change:   rapid.SampledFrom([]Change{None, Delete, Anonymize}).Draw(r, "change"),
			identity: policy.Identity(rapid.IntRange(0, 3).Draw(r, "identity")),
			proven:   rapid.Bool().Draw(r, "proven"),
			used:     rapid.Int64Range(0, 1).Draw(r, "used"),
		}
	}), 1, 8)
	binding := c.judge().Binding
	rapid.Check(t, func(r *rapid.T) {
		moved, anew := NewJudge(binding), NewJudge(binding)
		before := rulings.Draw(r, "before")
		for _, b := range before {
			moved.count(b)
		}
		for _, b := range before {
			to := rulings.Draw(r, "to")[0]
			moved.Recount(b, to)
			anew.count(to)
		}
		require.Equal(r, anew.Summary.List(), moved.Summary.List())
	})
}

// TestSummaryOfABatch counts rows by what was decided, with whom the registry knows and the oldest that is due.
func TestSummaryOfABatch(t *testing.T) {
	c := registered(t)
	c.said(event.Given, "ann@example.com", "2026-01-10")
	g, js := c.judge(), c.night()
	require.NoError(t, js.Judge(g, batch(t,
		ann(func(p *person) { p.id, p.phone = "0", nil }),
		ann(func(p *person) { p.id, p.email, p.since, p.ended = "1", "bob@example.com", "2025-02-01", "2025-08-01" }),
		ann(func(p *person) { p.id, p.email, p.since, p.ended = "2", "bob@example.com", "2025-02-01", "2025-05-05" }),
		ann(func(p *person) { p.id, p.email, p.since = "3", "zoe@example.com", "2025-01-01" }),
		ann(func(p *person) { p.id, p.email = "4", "nonsense" }),
		ann(func(p *person) { p.id, p.kind = "5", "firm" }),
	)))
	require.EqualValues(t, 5, g.Rows, "the firm is no row of the silo")

	byReason := map[string]audit.Summary{}
	for _, s := range g.Summary.List() {
		byReason[s.Reason] = s
	}
	require.Len(t, byReason, 3)
	require.Equal(t, audit.Summary{
		Silo: "crm", Source: "crm", Object: "people",
		Reason: "D_CONSENT_WITHDRAWN", Words: "The person withdrew consent.", Article: "Art. 7(3), 17(1)(b)",
		Action: "delete", Use: "blocked", Change: "delete",
		Rows: 2, InUse: 2, OldestDue: byReason["D_CONSENT_WITHDRAWN"].OldestDue,
	}, byReason["D_CONSENT_WITHDRAWN"])
	require.Equal(t, "2026-05-06", byReason["D_CONSENT_WITHDRAWN"].OldestDue)
	require.EqualValues(t, 1, byReason["E_ID_UNPARSEABLE"].Unparseable)
	require.EqualValues(t, 2, byReason["K_CONTRACT"].Rows)
	require.EqualValues(t, 1, byReason["K_CONTRACT"].Unmatched)
	require.EqualValues(t, 1, byReason["K_CONTRACT"].WithProof)
	require.Equal(t, "2025-01-01", g.Oldest.String())
	require.Equal(t, "2026-02-01", g.Newest.String())
}

// TestRowsInUse counts of those whose use has ended the rows that nothing keeps their application from using.
func TestRowsInUse(t *testing.T) {
	c := registered(t)
	noBlock := func(s *policy.Silo) { s.Records[0].Block = nil }
	for name, test := range map[string]struct {
		apply, readOnly bool
		policy          []func(*policy.Silo)
		want            int64
	}{
		"a night":                        {apply: true, want: 0},
		"a dry run":                      {want: 1},
		"a source that can only be read": {apply: true, readOnly: true, want: 1},
		"no block":                       {apply: true, policy: edits(noBlock), want: 2},
	} {
		t.Run(name, func(t *testing.T) {
			g, js := c.judge(test.policy...), c.night()
			js.Tonight.Apply, g.Source.ReadOnly = test.apply, test.readOnly
			bob := func(p *person) { p.email, p.since, p.ended = "bob@example.com", "2025-02-01", "2025-08-01" }
			require.NoError(t, js.Judge(g, batch(t, ann(bob, func(p *person) { p.id = "1" }),
				ann(bob, func(p *person) { p.id, p.active = "2", "0" }), ann(func(p *person) { p.id = "3" }))))
			inUse := int64(0)
			for _, s := range g.Summary.List() {
				inUse += s.InUse
			}
			require.Equal(t, test.want, inUse)
		})
	}
}

// TestWhatASessionRemembers looks at the roots, decisions and exceptions that a batch leaves.
func TestWhatASessionRemembers(t *testing.T) {
	c := registered(t)
	c.said(event.Given, "ann@example.com", "2026-01-10")
	g, js := c.judge(owning), c.night()
	for _, id := range []string{"3", "4", "7"} {
		js.Pending.Add(place(id), false)
	}
	bob := func(id string, edits ...func(*person)) person {
		return ann(append(list(func(p *person) { p.id, p.email = id, "bob@example.com" }), edits...)...)
	}
	over := func(p *person) { p.ended, p.since = "2024-05-05", "2023-02-01" }
	require.NoError(t, js.Judge(g, batch(t,
		ann(func(p *person) { p.id = "1" }), // a plain keep
		bob("2", over),                      // to be deleted, and blocked until then
		bob("3", over),                      // waits in a plan, so it is only blocked
		bob("4", over, func(p *person) { p.active = "0" }), // waits in a plan, and is blocked
		bob("5"), // to be cleared
		ann(func(p *person) { p.id, p.email = "6", "nonsense" }),        // nobody's
		ann(func(p *person) { p.id, p.email = "7", "eve@example.com" }), // to be blocked, whatever waits
	)))

	type root struct {
		change Change
		block  bool
		clear  []string
		owns   []connectors.Key
	}
	roots := map[connectors.Key]root{}
	for _, r := range g.Roots {
		roots[g.KeyOf(r)] = root{r.Change(), r.Block, g.ShapeOf(r).Clear, g.Owns[r]}
		require.Equal(t, r.Change() == Delete, r.Open)
	}
	require.Equal(t, map[connectors.Key]root{
		key("2"): {change: Delete, block: true, owns: []connectors.Key{key("7")}},
		key("3"): {change: Block},
		key("5"): {change: Clear, clear: []string{"phone"}},
		key("7"): {change: Block},
	}, roots)

	var changes []string
	for _, d := range c.decided(js) {
		changes = append(changes, d.Change+" "+d.Cleared+" "+d.Notes)
	}
	twice := "delete  I_DUPLICATE"
	require.Equal(t, []string{twice, twice, "clear phone I_DUPLICATE", "  ", "block  "}, changes,
		"the deleting of a row that no plan holds is not decided before its dependents are known")
	require.Len(t, js.Notes.Facts.Exceptions, 1)
	require.Equal(t, "E_ID_UNPARSEABLE", js.Notes.Facts.Exceptions[0].Code)
}

// TestTheGuardsOfARoot are those of its change, of blocking it, and of anonymizing it instead.
func TestTheGuardsOfARoot(t *testing.T) {
	c := registered(t)
	bob := func(p *person) { p.email = "bob@example.com" }
	over := func(p *person) { p.ended, p.since = "2024-05-05", "2023-02-01" }
	gone := func(p *person) { p.name, p.phone, p.note = "gone", nil, nil }
	for _, test := range []struct {
		name       string
		policy     []func(*policy.Silo)
		row        []func(*person)
		change     Change
		clears     []string
		anonymized bool
	}{
		{name: "clear", row: list(bob), change: Clear, clears: []string{"phone"}},
		{name: "delete", policy: edits(anonymizing, orElse), row: list(bob, over), change: Delete},
		{name: "delete what is anonymized", policy: edits(anonymizing, orElse), row: list(bob, over, gone),
			change:     Delete,
			anonymized: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			g, js, b := c.judge(test.policy...), c.night(), batch(t, ann(test.row...))
			require.NoError(t, js.Judge(g, b))
			require.Len(t, g.Roots, 1)
			r := g.Roots[0]
			require.Equal(t, g.guard("run-1", b.Rows, 0, test.change, test.clears), r.Guard)
			require.Equal(t, g.guard("run-1", b.Rows, 0, Block, nil), r.BlockGuard)
			require.Equal(t, test.anonymized, r.Anonymized)
			instead := Guard{}
			if test.change == Delete {
				instead = g.guard("run-1", b.Rows, 0, Anonymize, nil)
				require.NotEqual(t, r.Guard, instead)
			}
			require.Equal(t, instead, r.ElseGuard)
		})
	}
}

// key is that of the person with an id, and place where the row stands.
func key(id string) connectors.Key { return connectors.MakeKey([]byte(id)) }

func place(id string) waiting.Place {
	return waiting.Place{Source: "crm", Table: "people", Key: key(id)}
}

func owning(s *policy.Silo) {
	s.Records[0].Owns = []policy.Owned{{Table: "addresses", FK: []string{"address"}}}
}

// TestAPlanThatAnonymizesIsReported says of a row to be deleted what the plan that it waits in does.
func TestAPlanThatAnonymizesIsReported(t *testing.T) {
	for _, test := range []struct {
		name    string
		pending map[waiting.Place]bool
		action  string
	}{
		{"no plan", nil, "delete"},
		{"a plan that deletes", map[waiting.Place]bool{place("1"): false}, "delete"},
		{"a plan that anonymizes", map[waiting.Place]bool{place("1"): true}, "anonymize"},
		{"another's", map[waiting.Place]bool{place("2"): true}, "delete"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := registered(t)
			g, js := c.judge(anonymizing, orElse), c.night()
			for p, anonymizes := range test.pending {
				js.Pending.Add(p, anonymizes)
			}
			row := ann(func(p *person) { p.email, p.ended, p.since = "bob@example.com", "2024-05-05", "2023-02-01" })
			require.NoError(t, js.Judge(g, batch(t, row)))
			require.Equal(t, test.action, g.Summary.List()[0].Action)
			require.Equal(t, test.action, g.Summary.List()[0].Change)
		})
	}
}
