package planner

import (
	"context"
	"fmt"
	"slices"

	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/dependents"
	"lethe/pipeline/judge"
	"lethe/pipeline/notes"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/decide"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/stores"
)

// settleRoots applies row D10 of the decision table to rows that a referencing row holds back, and writes
// the decisions that waited for it.
func (pl *Planner) settleRoots(g *judge.Judge) error {
	kept := g.Roots[:0]
	for _, r := range g.Roots {
		if r.Open {
			ruling := g.RulingOf(r)
			if r.Kept {
				ruling = pl.holdBack(g, r, ruling)
			} else if r.Waits && r.Block {
				r.Block = false
				r.Let(judge.Block)
			} else if r.Waits {
				r.Let(judge.None)
			}
			if err := pl.Session.Decisions.Append(g.Decision(ruling, g.RefOf(g.KeyOf(r)))); err != nil {
				return err
			}
			r.Open = false
		}
		if !g.Stopped && (r.Change() != judge.None || r.Block) {
			kept = append(kept, r)
		}
	}
	g.Roots = kept
	return nil
}

// leaveReadOnly keeps the rows of a source that can only be read out of the plan, and names how many would
// have to change: somebody else has to see to them.
func (pl *Planner) leaveReadOnly(s *stores.Store, g *judge.Judge) {
	if !s.ReadOnly || s.Backup() || len(g.Roots) == 0 {
		return
	}
	pl.Notes.Except(audit.Exception{Silo: g.Silo.Silo.Name, Source: s.Name, Object: g.Table.Name,
		Code: notes.CodeReadOnly, Count: int64(len(g.Roots)), Owner: g.Silo.Silo.Rules[0].Owner})
	pl.Setup.Log.Warn("rows would have to change, but the source can only be read: "+
		"give it an apply_dsn, or have its application change them", "run_id", pl.Tonight.RunID,
		"source", s.Name, "table", g.Table.Name, "rows", len(g.Roots))
	for _, r := range g.Roots { // the graph has them still
		r.Block = false
		r.Let(judge.None)
	}
	g.Roots = nil
}

// foresee asks a live source that can be changed, or a backup that may be rewritten, where rows of it have to change,
// what stands in the way: before people are asked about what cannot be done.
func (pl *Planner) foresee(ctx context.Context, s *stores.Store, g *dependents.Graph) {
	_, mutable := s.Conn.(connectors.Mutator)
	if s.Backup() {
		mutable = s.Rewrite != nil
	}
	if !mutable || !slices.ContainsFunc(s.Judges, func(j *judge.Judge) bool { return len(j.Roots) > 0 }) {
		return
	}
	found, err := g.Foresee(ctx)
	if err != nil { // applying will tell
		pl.Setup.Log.Warn("could not be asked what stands in the way of changes", "run_id", pl.Tonight.RunID,
			"source", s.Name, "error", err)
	}
	if o, barred := s.BarredFile(); barred {
		for _, j := range s.Judges {
			if len(j.Roots) > 0 {
				pl.Notes.Find(audit.Finding{Kind: CannotChange, Severity: "medium", Source: s.Name,
					Object: j.Table.Name, Count: int64(len(j.Roots)), Article: "Art. 17(1)",
					Words: "What is due cannot be done in this backup: " + pl.said(o)})
			}
		}
		return
	}
	for _, o := range found {
		if o.Referrers {
			pl.Notes.Find(audit.Finding{Kind: ReferrersUnseen, Severity: "medium", Source: s.Name, Count: 1,
				Article: "Art. 5(1)(f)", Words: pl.said(o)})
		}
	}
}

// said are the words of an obstacle, as a sentence.
func (pl *Planner) said(o connectors.Obstacle) string {
	return pl.Setup.Names.Sentence(o.String()) + "."
}

// leaveBarred keeps the rows of a table that cannot be changed as it is out of the plan, and names how many would
// have to change.
func (pl *Planner) leaveBarred(s *stores.Store, g *judge.Judge) {
	if _, barred := s.Barred(g.Table.Name); !barred || len(g.Roots) == 0 || s.Backup() {
		return
	}
	pl.Notes.Except(audit.Exception{Silo: g.Silo.Silo.Name, Source: s.Name, Object: g.Table.Name,
		Code: notes.CodeCannotChange, Count: int64(len(g.Roots)), Owner: g.Silo.Silo.Rules[0].Owner})
	pl.nameBarred(s, g.Table.Name, int64(len(g.Roots)))
	g.Roots = nil
}

// nameUnnamed says how many rows of a table would have to change that no key names. Of a source that can only be read
// that is said already.
func (pl *Planner) nameUnnamed(s *stores.Store, g *judge.Judge) {
	if len(g.Table.Key) > 0 || s.Backup() || s.ReadOnly {
		return
	}
	due := int64(0)
	for _, line := range g.Summary {
		if line.Change != "" {
			due += line.Rows
		}
	}
	if due > 0 {
		pl.Notes.Find(audit.Finding{Kind: CannotChange, Severity: "medium", Source: s.Name, Object: g.Table.Name,
			Count: due, Article: "Art. 17(1)",
			Words: "What is due cannot be done in this table: " + notes.NoKey + "."})
	}
}

// nameBarred says why a table cannot be changed, and what to do.
func (pl *Planner) nameBarred(s *stores.Store, table string, rows int64) {
	o, _ := s.Barred(table)
	pl.Notes.Find(audit.Finding{Kind: CannotChange, Severity: "medium", Source: s.Name, Object: table,
		Count: rows, Article: "Art. 17(1)", Words: "What is due cannot be done in this table: " + pl.said(o)})
}

// holdBack decides a row anew that cannot be deleted, because a row that stays refers to it.
func (pl *Planner) holdBack(g *judge.Judge, r *judge.Root, before judge.Ruling) judge.Ruling {
	ruling := before
	if r.Held {
		ruling.Decision = decide.Held(ruling.Decision)
	} else {
		ruling.Decision = decide.WithDependent(ruling.Decision)
	}
	r.Let(judge.None)
	if ruling.Action == policy.Anonymize && len(g.Targets) > 0 && !r.Anonymized {
		r.Guard = r.ElseGuard
		r.Let(judge.Anonymize)
	}
	if r.Change() == judge.None && r.Block { // the row stays, so ending its use is all that is left to do
		r.Block = false
		r.Let(judge.Block)
	}

	ruling.Change = r.Change()
	g.Shape(r, ruling)
	g.Recount(before, ruling)
	pl.Notes.Except(audit.Exception{Silo: g.Silo.Silo.Name, Source: g.Source.Name, Object: g.Table.Name,
		Code: string(reason.EDependentKept), Count: 1})
	return ruling
}

// The findings of what keeps rows from being changed that are due, and of what may be changed along.
const (
	HeldBack        = "F_HELD_BACK"
	CannotChange    = "F_CANNOT_CHANGE"
	ReferrersUnseen = "F_REFERRERS_UNSEEN"
)

// holderWords say why rows cannot go, and what would let them.
var holderWords = map[dependents.Cause]string{
	dependents.Unlisted: "no policy says what becomes of them: list the table under the silo's `dependents`",
	dependents.Barred: "the table cannot be changed as it is: the finding F_CANNOT_CHANGE of it says why, and " +
		"what to do",
	dependents.Governed: "a silo decides them and keeps them: what is due goes when they do",
	dependents.Outside: "they are of another database, where this source changes nothing: what is due goes once " +
		"they are gone, or refer to other rows",
	dependents.Hidden: "nobody may see which of them do, and the server would change them too: let the account of " +
		"`dsn` read the table (GRANT SELECT), and the rows to which none of them refers can go",
	dependents.NoKey: "none of them can be named: in their table " + notes.NoKey,
	dependents.Computed: "the database computes the field by which they do, so that they cannot forget it: say " +
		"what else becomes of them, such as `do: delete`",
	dependents.Shared: "a field by which they do is of another reference too, which would be emptied with it: say " +
		"what else becomes of them, such as `do: delete`",
	dependents.Circle: "this database takes them in no order, as they refer to each other in a circle: let a column " +
		"of it be NULL",
}

// nameHolders says what holds rows back that are due, so that somebody can do something about it. A backup
// repeats what its live source says.
func (pl *Planner) nameHolders(s *stores.Store, g *dependents.Graph) {
	if s.Backup() {
		return
	}
	holders, rows := g.Holders()
	for _, h := range holders {
		if h.Cause == dependents.Barred {
			pl.nameBarred(s, h.By, rows[h])
		}
		if h.Cause == dependents.Computed {
			pl.Notes.Find(audit.Finding{Kind: CannotChange, Severity: "medium", Source: s.Name, Object: h.By,
				Column: h.Fields, Count: rows[h], Article: "Art. 17(1)",
				Words: "What is due cannot be done in this table: " + holderWords[h.Cause] + "."})
		}
		pl.Notes.Find(audit.Finding{Kind: HeldBack, Severity: "medium", Source: s.Name, Object: h.By,
			Column: h.Fields, Count: rows[h], Article: "Art. 5(1)(e), 17(1)", Words: fmt.Sprintf("Rows of %s that are "+
				"due cannot go, for these refer to them, and %s.", h.Table, holderWords[h.Cause])})
	}
}
