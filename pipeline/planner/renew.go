package planner

import (
	"context"
	"slices"

	"lethe/pipeline/dependents"
	"lethe/pipeline/journal"
	"lethe/pipeline/judge"
	"lethe/pipeline/plan"
	"lethe/pipeline/waiting"
)

// older is a plan that nobody has answered yet. Whoever answers should have one plan before them with all that is due,
// rather than one of each night: as soon as there is more to ask than is in it, a newer plan takes its place.
type older struct {
	plan *plan.Sealed
	rows *waiting.Rows // that it decides
}

// renewable reports whether tonight may put a newer plan into the place of one. A night that changes nothing does not,
// nor does one whose own plans end at once.
func (pl *Planner) renewable(ctx context.Context, entry journal.Plan, p *plan.Sealed) (bool, error) {
	if !pl.Tonight.Apply || entry.State != journal.Waiting || p.Part != plan.Destructive ||
		pl.Tonight.AsOf.After(pl.Setup.Now()) && !pl.Setup.Simulated {
		return false, nil
	}
	said, err := plan.SaidOf(ctx, pl.Setup, pl.Journal, p)
	return !said.Answered(), err
}

// left is what tonight leaves to the older plans.
type left struct {
	roots []leftRoot
	due   []*plan.Draft // backups of which they hold all that is due
}

// leftRoot is a row that is left, and where it stands.
type leftRoot struct {
	*judge.Root
	of   *plan.Draft
	from *judge.Judge
}

func (r leftRoot) place() waiting.Place {
	return waiting.Place{Source: r.of.Name, Table: r.from.Table.Name, Key: r.from.KeyOf(r.Root)}
}

// foreign reports whether an older plan is of another policy than tonight's, which people adopted: what it asks is
// nobody's question any more, and its rows are decided as if it were not there. It ends where newer plans take its
// place.
func (pl *Planner) foreign(o *older) bool {
	return pl.Setup.Adopted != "" && pl.Setup.InForce() && o.plan.PolicyDigest != pl.Setup.PolicyDigest
}

// leave keeps the rows of the older plans out of tonight's. A backup in which nothing else is due is not rewritten.
func (pl *Planner) leave(drafts []*plan.Draft) left {
	l, seen := left{}, pl.seen(drafts)
	for _, d := range drafts {
		more := false
		for _, g := range d.Judges {
			for _, r := range g.Roots {
				at := leftRoot{r, d, g}
				holds := slices.ContainsFunc(pl.older, func(o *older) bool {
					return o.rows.Has(at.place()) && !(seen && pl.foreign(o))
				})
				if !r.Ramped && holds && !r.Change().Reversible() {
					r.Ramped = true
					l.roots = append(l.roots, at)
				}
				more = more || !r.Ramped && !r.Change().Reversible()
			}
		}
		if d.Due && !more {
			d.Due = false
			l.due = append(l.due, d)
		}
	}
	return l
}

// renew takes back what was left to the older plans where a newer one is to take their place: people are asked about
// all of it at once. What it returns withdraws them, once that is sealed.
func (pl *Planner) renew(ctx context.Context, drafts []*plan.Draft, l left) (withdraw func() error, err error) {
	if err := pl.stillWaiting(ctx); err != nil {
		return nil, err
	}
	anew, err := pl.anew(ctx, drafts, l)
	if err != nil || !anew {
		return func() error { return nil }, err
	}
	for _, r := range l.roots {
		if !pl.Session.Pending.Has(r.place()) {
			r.Ramped, r.Asks = false, true
		}
	}
	for _, d := range l.due {
		d.Due = true
	}
	return func() error {
		for _, o := range pl.older {
			if _, err := plan.Withdraw(ctx, pl.Setup, pl.Journal, o.plan.PlanID, pl.Tonight.RunID); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// stillWaiting takes those out of the older plans that standing orders have let go by now.
func (pl *Planner) stillWaiting(ctx context.Context) error {
	waiting, err := pl.Journal.Plans(ctx, journal.Waiting)
	pl.older = slices.DeleteFunc(pl.older, func(o *older) bool {
		if slices.ContainsFunc(waiting, func(e journal.Plan) bool { return e.ID == o.plan.PlanID }) {
			return false
		}
		for place := range o.rows.All() {
			pl.Session.Pending.Add(place, false)
		}
		return true
	})
	return err
}

// anew reports whether the older plans are to be renewed: there is something to ask that they do not, one is of another
// policy, a backup is another file by now, or a row is in two plans. All that is in them has to have been seen tonight.
func (pl *Planner) anew(ctx context.Context, drafts []*plan.Draft, l left) (bool, error) {
	if len(pl.older) == 0 || !pl.seen(drafts) {
		return false, nil
	}
	if slices.ContainsFunc(pl.older, pl.foreign) {
		return true, nil
	}
	var known waiting.Rows
	for _, o := range pl.older {
		for place := range o.rows.All() {
			if pl.Session.Pending.Has(place) || known.Has(place) {
				return true, nil
			}
			known.Add(place, false)
		}
		for _, d := range drafts {
			if !d.Due && !slices.Contains(l.due, d) {
				continue
			}
			if moved, err := pl.moved(ctx, o.plan, d); err != nil || moved {
				return moved, err
			}
		}
	}
	return slices.ContainsFunc(drafts, asks), nil
}

// seen reports whether every source of the older plans, but for a backup's file that is gone, was judged tonight as a
// whole.
func (pl *Planner) seen(drafts []*plan.Draft) bool {
	for _, o := range pl.older {
		for _, s := range o.plan.Sets {
			of := func(d *plan.Draft) bool { return d.Name == s.Source }
			if i := slices.IndexFunc(drafts, of); i >= 0 && slices.ContainsFunc(drafts[i].Judges, stopped) {
				return false
			} else if i < 0 && (pl.Stores.Find(s.Source) != nil || o.plan.Files[s.Source] == "") {
				return false
			}
		}
	}
	return true
}

func stopped(g *judge.Judge) bool { return g.Stopped }

// moved reports whether a plan could not be applied to a backup any more, since that is another file by now: neither
// as it was planned, nor as Lethe left it.
func (pl *Planner) moved(ctx context.Context, p *plan.Sealed, d *plan.Draft) (bool, error) {
	if was := p.Files[d.Name]; was == "" || was == d.Digest {
		return false, nil
	}
	_, ours, err := pl.Journal.LastRewrite(ctx, d.Path)
	return d.Digest != ours, err
}

// asks reports whether people are asked about a row of a source.
func asks(d *plan.Draft) bool {
	if d.Backup() && !d.Due {
		return false
	}
	chosen := func(r *judge.Root) bool {
		c := destroyed(true)(d, r)
		return c == judge.Delete || c == judge.Anonymize
	}
	ends := false
	_ = d.Graph.Select(chosen, func(s dependents.Selection) error { ends = s.Len() > 0; return nil })
	return ends || slices.ContainsFunc(d.Judges, func(g *judge.Judge) bool {
		return slices.ContainsFunc(g.Roots, func(r *judge.Root) bool { return destroyed(true)(d, r) == judge.Clear })
	})
}
