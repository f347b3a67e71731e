package pipeline

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"lethe/pipeline/audit"
	"lethe/pipeline/journal"
	"lethe/pipeline/policy/reason"
)

// divide parts what the night is to destroy into what standing orders let go and what people are asked about (root.asks). An order of which more is due
// than it allows covers nothing tonight. A row waits with a row that has to go before it, and a backup, which is rewritten once, with whatever in it waits.
func (n *night) divide() {
	type share struct {
		order         int
		source, table string
	}
	due := map[int]int64{}
	shares := map[share]int64{}
	n.doomed(func(s *store, g *group, r *root) {
		i := n.orderFor(g.silo.Silo.Name, r.code)
		if r.asks = i < 0; !r.asks && !s.backup() {
			due[i]++
			shares[share{i, s.Name, g.table.Name}]++
		}
	})
	passed := map[int]bool{}
	for i, rows := range due {
		passed[i] = rows > n.Orders[i].MaxRows
	}
	for of, rows := range shares {
		total := n.rowsOf(of.source, of.table)
		if limit := n.Orders[of.order].MaxPercent; limit > 0 && total >= stopRows && percent(rows, total) > limit {
			passed[of.order] = true
		}
	}
	n.doomed(func(_ *store, g *group, r *root) {
		r.asks = r.asks || passed[n.orderFor(g.silo.Silo.Name, r.code)]
	})
	for _, s := range n.stores {
		if s.erasure != nil {
			s.erasure.waitTogether()
		}
	}
	for _, s := range n.stores {
		asked := func(g *group) bool { return slices.ContainsFunc(g.roots, func(r root) bool { return r.asks }) }
		if s.backup() && slices.ContainsFunc(s.groups, asked) {
			s.askAll()
		}
	}
}

// askAll asks people about every row of a source.
func (s *store) askAll() {
	for _, g := range s.groups {
		for i := range g.roots {
			g.roots[i].asks = true
		}
	}
}

// doomed visits the rows that tonight's plans destroy.
func (n *night) doomed(visit func(*store, *group, *root)) {
	for _, s := range n.stores {
		if s.err != nil || s.backup() && !s.due {
			continue
		}
		for _, g := range s.groups {
			for i := range g.roots {
				if r := &g.roots[i]; r.change != noChange && !r.change.reversible() && !r.ramped {
					visit(s, g, r)
				}
			}
		}
	}
}

// orderFor is the first order that names a silo and a reason and is still in force; -1 if there is none.
func (n *night) orderFor(silo string, reason reason.Code) int {
	return slices.IndexFunc(n.Orders, func(o Order) bool {
		return o.Silo == silo && slices.Contains(o.Reasons, reason) && n.today <= o.Until
	})
}

// ordered reports whether standing orders cover a destructive plan wholly: every count of every silo, and no question that only people may answer. An
// order's own limits take the place of the rows and percent of the breakers; what it allows a night counts over all the plans it lets go that night. In a
// night that applies, the orders' answer is reported.
func (n *night) ordered(p *plan) bool {
	for _, q := range p.Questions {
		if q != askRows && q != askPercent {
			return false
		}
	}
	used := map[int]int64{}
	for _, c := range p.Counts {
		if change(c.Change).reversible() {
			continue
		}
		i := n.orderFor(c.Silo, reason.Code(c.Reason))
		if i < 0 {
			return false
		}
		o := n.Orders[i]
		if n.isBackup(c.Source) || c.Change == string(setNull) {
			continue
		}
		if limit := o.MaxPercent; limit > 0 && c.Percent > limit && n.rowsOf(c.Source, c.Table) >= stopRows || limit == 0 && slices.Contains(p.Questions, askPercent) {
			return false
		}
		if n.governs(c) { // dependents follow their record and are not counted against the order
			used[i] += c.Rows
		}
	}
	for i, rows := range used {
		for plan, of := range n.orderUse {
			if plan != p.PlanID {
				rows += of[i]
			}
		}
		if rows > n.Orders[i].MaxRows {
			return false
		}
	}
	if !n.opts.Apply {
		return true
	}
	n.orderUse[p.PlanID] = used
	for _, i := range slices.Sorted(maps.Keys(used)) {
		o := n.Orders[i]
		a := audit.Approval{PlanID: p.PlanID, Actor: strings.Join(o.SignedBy, ";"), Role: "order", Decision: "approve",
			SignedAt: n.asOf, StandingOrder: fmt.Sprintf("%s until %s, at most %d rows", o.Silo, o.Until, o.MaxRows)}
		said := func(b audit.Approval) bool { return b.PlanID == a.PlanID && b.StandingOrder == a.StandingOrder }
		if !slices.ContainsFunc(n.facts.Approvals, said) { // asked when the plan is sealed, and again before it is applied
			n.facts.Approvals = append(n.facts.Approvals, a)
		}
	}
	return true
}

// askAgain lets standing orders answer the plans that wait and that nobody has answered: those that a run without --apply sealed, which would otherwise keep
// their rows from the nights until they lapse. A plan of another policy is the people's.
func (n *night) askAgain(ctx context.Context) error {
	if !n.opts.Apply {
		return nil
	}
	waiting, err := n.journal.Plans(ctx, journal.Waiting)
	if err != nil {
		return err
	}
	for _, entry := range waiting {
		p, err := openPlan(filepath.Join(n.State, "plans", entry.ID), entry.Digest)
		if err != nil {
			return err
		}
		answered, err := n.journal.Approvals(ctx, entry.ID)
		if err != nil {
			return err
		}
		if len(answered) > 0 || p.PolicyDigest != n.PolicyDigest || !n.ordered(p) {
			continue
		}
		if err := n.journal.SetPlanState(ctx, entry.ID, journal.Approved, ""); err != nil {
			return err
		}
	}
	return nil
}

func (n *night) governs(c PlanCount) bool {
	for _, s := range n.stores {
		if s.Name == c.Source {
			for _, g := range s.governed[c.Table] {
				if g.silo.Silo.Name == c.Silo {
					return true
				}
			}
		}
	}
	return false
}
