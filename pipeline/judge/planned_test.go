package judge

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/pipeline/policy"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/event"
)

// trial is a row that a plan changes, and the judge before whom it is brought again.
type trial struct {
	name    string
	policy  []func(*policy.Silo)
	row     []func(*person)
	planned Planned         // without its guard
	flagged bool            // Lethe itself blocked the row
	done    []func(*person) // makes of the row what the change would write; none: it cannot be told
	spoils  func(p *person) // somebody changes the row meanwhile
	saves   event.Type      // what the person says meanwhile, so that the change is not called for any more
}

func trials() []trial {
	bob := func(p *person) { p.email = "bob@example.com" }
	eve := func(p *person) { p.email = "eve@example.com" }
	over := func(p *person) { p.ended, p.since = "2024-01-01", "2023-02-01" }
	blocked := func(p *person) { p.active = "0" }
	noPhone := func(p *person) { p.phone = nil }
	moved := func(p *person) { p.since = "2025-05-05" }
	return []trial{
		{name: "block", row: list(eve), planned: Planned{Change: Block}, done: list(eve, blocked), spoils: moved,
			saves: event.RestrictionLifted},
		{name: "block a row to be deleted", row: list(bob, over), planned: Planned{Change: Block},
			done: list(bob, over, blocked), spoils: moved, saves: event.Given},
		{name: "unblock", row: list(bob, noPhone, blocked), flagged: true, planned: Planned{Change: Unblock},
			done: list(bob, noPhone), spoils: moved, saves: event.Restricted},
		{name: "clear", row: list(bob), planned: Planned{Change: Clear, Fields: []string{"phone"}},
			done: list(bob, noPhone), spoils: func(p *person) { p.phone = "0699999999" },
			saves: event.Given},
		{name: "anonymize", policy: edits(anonymizing), row: list(bob, over), planned: Planned{Change: Anonymize},
			done:   list(bob, over, func(p *person) { p.name, p.phone, p.note = "gone", nil, nil }),
			spoils: func(p *person) { p.note = "new" }, saves: event.Given},
		{name: "anonymize a row that another holds back", policy: edits(anonymizing, orElse), row: list(bob, over),
			planned: Planned{Change: Anonymize},
			done:    list(bob, over, func(p *person) { p.name, p.phone, p.note = "gone", nil, nil }),
			spoils:  func(p *person) { p.note = "new" }, saves: event.Given},
		{name: "delete", row: list(bob, over), planned: Planned{Change: Delete}, spoils: moved, saves: event.Given},
	}
}

// orElse lets the silo delete, and anonymize only where another row stays.
func orElse(s *policy.Silo) {
	for i := range s.Rules {
		s.Rules[i].End, s.Rules[i].Else = policy.Delete, policy.Anonymize
	}
}

// registered is a court at which bob withdrew, and eve had her data restricted.
func registered(t *testing.T) *court {
	c := newCourt(t)
	for _, email := range []string{"bob@example.com", "eve@example.com"} {
		c.said(event.Given, email, "2026-01-10")
	}
	c.said(event.Withdrawn, "bob@example.com", "2026-03-01")
	c.said(event.Restricted, "eve@example.com", "2026-03-01")
	return c
}

// bring makes the judge, the row and the guarded plan of a trial.
func (tr trial) bring(c *court) (*Judge, connectors.Batch, Planned) {
	g, b, p := c.judge(tr.policy...), batch(c.T, ann(tr.row...)), tr.planned
	tr.note(c, g)
	p.Guard = g.guard("run-1", b.Rows, 0, p.Change, p.Fields)
	return g, b, p
}

func (tr trial) note(c *court, g *Judge) {
	if tr.flagged {
		record := g.Match.Record("crm", "people", []byte(connectors.MakeKey([]byte("1"))))
		g.State.Flags[registry.FlagKey{Record: record, Reason: FlagBlocked}] = c.asOf
	}
}

// TestStillAgrees brings rows before the judge again, as they were planned and as they may have become.
func TestStillAgrees(t *testing.T) {
	for _, tr := range trials() {
		t.Run(tr.name, func(t *testing.T) {
			c := registered(t)
			g, b, p := tr.bring(c)
			require.Equal(t, agrees, g.Still(b.Rows, 0, p, "run-1", c.asOf), "as planned")
			require.Equal(t, Drifted, g.Still(b.Rows, 0, p, "run-2", c.asOf), "under a plan of another run")

			spoiled := batch(t, ann(append(tr.row, tr.spoils)...))
			require.Equal(t, Drifted, g.Still(spoiled.Rows, 0, p, "run-1", c.asOf), "changed meanwhile")
			moved := batch(t, ann(append(tr.row, func(p *person) { p.kind = "firm" })...))
			require.Equal(t, Drifted, g.Still(moved.Rows, 0, p, "run-1", c.asOf), "of no silo any more")
			if tr.done != nil {
				done := batch(t, ann(tr.done...))
				require.Equal(t, Already, g.Still(done.Rows, 0, p, "run-1", c.asOf), "done before")
			}

			for _, email := range []string{"bob@example.com", "eve@example.com"} {
				c.said(tr.saves, email, "2026-06-01")
			}
			anew := c.judge(tr.policy...)
			tr.note(c, anew)
			require.Equal(t, Drifted, anew.Still(b.Rows, 0, p, "run-1", c.asOf), "people changed their minds")
		})
	}
}

// TestStillClearsTheSameFields lets a row drift of which fewer fields are to be cleared than were planned.
func TestStillClearsTheSameFields(t *testing.T) {
	c := registered(t)
	g, row := c.judge(), batch(t, ann(func(p *person) { p.email = "bob@example.com" })).Rows
	for want, fields := range map[Agreement][]string{agrees: {"phone"}, Drifted: {"note", "phone"}} {
		p := Planned{Change: Clear, Fields: fields, Guard: g.guard("run-1", row, 0, Clear, fields)}
		require.Equal(t, want, g.Still(row, 0, p, "run-1", c.asOf), fields)
	}
}

// TestAssignWritesWhatHoldsNew applies what Assign computes: the row then holds what the change would write, and
// the values of the others, and of rows that are not updated, stay out of it.
func TestAssignWritesWhatHoldsNew(t *testing.T) {
	for _, tr := range trials() {
		if tr.done == nil {
			continue
		}
		t.Run(tr.name, func(t *testing.T) {
			g, b, p := tr.bring(registered(t))
			require.False(t, g.HoldsNew(b.Rows, 0, p))
			require.Equal(t, ann(tr.done...), assigned(t, g, p, ann(tr.row...)))
			require.True(t, g.HoldsNew(batch(t, ann(tr.done...)).Rows, 0, p))
		})
	}
}

// assigned is the second of three rows after Assign: the first is updated otherwise, the third not at all.
func assigned(t *testing.T, g *Judge, p Planned, row person) person {
	t.Helper()
	second, third := row, row
	second.id, third.id = "2", "3"
	b := batch(t, row, second, third)
	ops := []connectors.Op{connectors.Update, connectors.Update, connectors.Leave}
	set, err := g.Assign(b, ops, []Planned{{Change: SetNull}, p, p})
	require.NoError(t, err)
	for _, a := range set {
		require.Equal(t, []bool{false, true, false}, a.Rows, a.Field)
		require.Equal(t, 3, a.Values.Len(), a.Field)
		var to any
		if !a.Values.IsNull(1) {
			to = string(a.Values.Value(1))
		}
		switch a.Field {
		case "phone":
			row.phone = to
		case "name":
			row.name = to
		case "note":
			row.note = to
		case "active":
			row.active = to
		default:
			t.Fatalf("field %s is assigned", a.Field)
		}
	}
	return row
}
