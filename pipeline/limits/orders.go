package limits

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"lethe/pipeline/audit"
	"lethe/pipeline/judge"
	"lethe/pipeline/notes"
	"lethe/pipeline/plan"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/setup"
)

// Divide parts what the night is to destroy into what standing orders let go and what people are asked
// about (Root.Asks). An order of which more is due than it allows covers nothing tonight. A row waits
// with a row that has to go before it, and a backup, which is rewritten once, with whatever in it waits.
func (l *Limits) Divide(drafts []*plan.Draft) {
	type share struct {
		order         int
		source, table string
	}
	due := map[int]int64{}
	shares := map[share]int64{}
	doomed(drafts, func(d *plan.Draft, g *judge.Judge, r *judge.Root) {
		i := l.orderFor(g.Silo.Silo.Name, g.ShapeOf(r).Code)
		if r.Asks = i < 0; !r.Asks && !d.Backup() {
			due[i]++
			shares[share{i, d.Name, g.Table.Name}]++
		}
	})
	passed := map[int]bool{}
	for i, rows := range due {
		passed[i] = rows > l.Setup.Orders[i].MaxRows
	}
	for of, rows := range shares {
		total := l.Scanner.RowsOf(of.source, of.table)
		limit := l.Setup.Orders[of.order].MaxPercent
		if limit > 0 && total >= StopRows && Percent(rows, total) > limit {
			passed[of.order] = true
		}
	}
	doomed(drafts, func(_ *plan.Draft, g *judge.Judge, r *judge.Root) {
		r.Asks = r.Asks || passed[l.orderFor(g.Silo.Silo.Name, g.ShapeOf(r).Code)]
	})
	for _, d := range drafts {
		d.Graph.WaitTogether()
	}
	for _, d := range drafts {
		asked := func(g *judge.Judge) bool {
			return slices.ContainsFunc(g.Roots, func(r *judge.Root) bool { return r.Asks })
		}
		if d.Backup() && slices.ContainsFunc(d.Judges, asked) {
			d.AskAll()
		}
	}
}

// doomed visits the rows that tonight's plans destroy.
func doomed(drafts []*plan.Draft, visit func(*plan.Draft, *judge.Judge, *judge.Root)) {
	for _, d := range drafts {
		if d.Backup() && !d.Due {
			continue
		}
		for _, g := range d.Judges {
			for _, r := range g.Roots {
				if destroys(r) && !r.Ramped {
					visit(d, g, r)
				}
			}
		}
	}
}

// Asks are the questions that stand whatever a plan holds: a policy that people have not adopted, a clock or a memory
// of nights that they have to look at. Until they answer, nothing is destroyed without them.
func (l *Limits) Asks() (questions []string) {
	if !l.Setup.InForce() {
		questions = append(questions, notes.AskPolicy)
	}
	return append(questions, l.Anew...)
}

// orderFor is the first order that names a silo and a reason and is still in force; -1 if there is none.
func (l *Limits) orderFor(silo string, reason reason.Code) int {
	if !l.Setup.InForce() {
		return -1
	}
	return slices.IndexFunc(l.Setup.Orders, func(o setup.Order) bool {
		return o.Why == "" && o.Silo == silo && slices.Contains(o.Reasons, reason) && l.Tonight.Today <= o.Until
	})
}

// Covers reports whether standing orders cover a destructive plan wholly: every count of every silo, and
// no question that only people may answer; none while people have to look first.
// An order's own limits take the place of the rows and percent of the breakers; what it allows a night
// counts over all the plans it lets go that night.
func (l *Limits) Covers(p *plan.Sealed) bool {
	if len(l.Anew) > 0 {
		return false
	}
	for _, q := range p.Questions {
		if q != notes.AskRows && q != notes.AskPercent {
			return false
		}
	}
	for _, c := range p.Counts {
		if !l.covered(p, c) {
			return false
		}
	}
	for i, rows := range l.use(p) {
		for id, of := range l.OrderUse {
			if id != p.PlanID {
				rows += of[i]
			}
		}
		if rows > l.Setup.Orders[i].MaxRows {
			return false
		}
	}
	return true
}

// covered reports whether an order in force names one count of a plan, and its percent allow it.
func (l *Limits) covered(p *plan.Sealed, c plan.Count) bool {
	if judge.Change(c.Change).Reversible() {
		return true
	}
	i := l.orderFor(c.Silo, reason.Code(c.Reason))
	if i < 0 {
		return false
	}
	if !l.counts(c) {
		return true
	}
	if limit := l.Setup.Orders[i].MaxPercent; limit > 0 {
		return c.Percent <= limit || l.Scanner.RowsOf(c.Source, c.Table) < StopRows
	}
	return !slices.Contains(p.Questions, notes.AskPercent)
}

// counts reports whether a count of a plan is held against an order's limits. A backup repeats what its
// live source held, and a row that only forgets another one stays.
func (l *Limits) counts(c plan.Count) bool {
	change := judge.Change(c.Change)
	return !change.Reversible() && change != judge.SetNull && !l.Stores.IsBackup(c.Source)
}

// use is how many rows of a plan each order lets go. Dependents follow their record and are not counted.
func (l *Limits) use(p *plan.Sealed) map[int]int64 {
	used := map[int]int64{}
	for _, c := range p.Counts {
		i := l.orderFor(c.Silo, reason.Code(c.Reason))
		if i >= 0 && l.counts(c) && l.Stores.Governs(c.Silo, c.Source, c.Table) {
			used[i] += c.Rows
		}
	}
	return used
}

// Note books a plan that standing orders let go: what they allow tonight is less by it, and the report
// names them as its approvals, once.
func (l *Limits) Note(p *plan.Sealed) {
	used := l.use(p)
	l.OrderUse[p.PlanID] = used
	for _, i := range slices.Sorted(maps.Keys(used)) {
		o := l.Setup.Orders[i]
		a := audit.Approval{
			PlanID: p.PlanID, Actor: strings.Join(o.SignedBy, ";"), Role: "order", Decision: "approve",
			SignedAt:      l.Tonight.AsOf,
			StandingOrder: fmt.Sprintf("%s until %s, at most %d rows", o.Silo, o.Until, o.MaxRows), Digest: o.Digest,
		}
		// An order is asked when the plan is sealed, and again before it is applied.
		said := func(b audit.Approval) bool { return b.PlanID == a.PlanID && b.StandingOrder == a.StandingOrder }
		if !slices.ContainsFunc(l.Notes.Facts.Approvals, said) {
			l.Notes.Facts.Approvals = append(l.Notes.Facts.Approvals, a)
		}
	}
}
