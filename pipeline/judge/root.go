package judge

import (
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"

	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/judge/roots"
	"lethe/pipeline/judge/targets"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry/keystore"
)

// Shape is what a ruling says besides its days and its row.
type Shape struct {
	Code   reason.Code
	Rule   string // that gave the reason; "" none did
	Clear  []string
	ruling Ruling
}

// What a root is made of, under the names that judges use.
type (
	Root   = roots.Root
	Guard  = roots.Guard
	Change = roots.Change
)

// The changes.
const (
	None, Block, Unblock, Clear = roots.None, roots.Block, roots.Unblock, roots.Clear
	Anonymize, Delete, SetNull  = roots.Anonymize, roots.Delete, roots.SetNull
)

// ShapeOf is the shape of a root.
func (g *Judge) ShapeOf(r *Root) *Shape { return g.shaped[r.Shape] }

// RulingOf is the ruling on a root's row.
func (g *Judge) RulingOf(r *Root) Ruling {
	ruling := g.ShapeOf(r).ruling
	ruling.End, ruling.Due, ruling.Until = r.End, r.Due, r.Until
	return ruling
}

// alike are the words of rulings that have one shape.
type alike struct {
	action, or     policy.Action
	use            policy.Use
	reason         reason.Code
	change         Change
	row, rule, any string // any: its lists
	flagged        int64
	is             [4]bool
	used           int64
	identity       policy.Identity
}

// Shape gives a root the shape of a ruling, one for all that are alike.
func (g *Judge) Shape(root *Root, r Ruling) {
	lists := ""
	if len(r.Notes)+len(r.Decision.Clear)+len(r.Grounds)+len(r.Cleared) > 0 {
		lists = fmt.Sprintf("%q", []any{r.Notes, r.Decision.Clear, r.Grounds, r.Cleared})
	}
	key := alike{r.Action, r.Else, r.Use, r.Reason, r.Change, r.Row, r.Rule, lists, r.flagged.UnixNano(),
		[4]bool{r.Flag, r.Block, r.Relied, r.proven}, r.used, r.identity}
	at, ok := g.shapes[key]
	if !ok {
		r.subject, r.record, r.known = keystore.Ref{}, keystore.Ref{}, false
		at = int32(len(g.shaped))
		g.shapes[key] = at
		g.shaped = append(g.shaped, &Shape{Code: r.Reason, Rule: r.Rule, Clear: r.Cleared, ruling: r})
	}
	root.Shape = at
}

// NewRoot is a root for a row that was ruled on.
func (g *Judge) NewRoot(key connectors.Key, r Ruling) *Root {
	rt := g.Add(key, Root{Subject: r.subject, Block: r.Block, End: r.End, Due: r.Due, Until: r.Until, Open: g.open(r)})
	rt.Let(r.Change)
	g.Shape(rt, r)
	return rt
}

// open reports whether what refers to a row has a say in its ruling.
func (g *Judge) open(r Ruling) bool {
	return r.Change == Delete || r.Change == Anonymize && len(g.Records.Dependents) > 0
}

// RefOf is how the evidence names the row with a key.
func (g *Judge) RefOf(key connectors.Key) audit.Ref {
	return audit.RefOf(g.Refs.Ref(g.Source.System()+"\x1f"+g.Table.Name, []byte(key)))
}

// RecordOf is how the registry names it.
func (g *Judge) RecordOf(key connectors.Key) keystore.Ref {
	return g.Match.Record(g.Source.System(), g.Table.Name, []byte(key))
}

// root is what a plan of a run needs of a row that has to change.
func (g *Judge) root(runID string, r Ruling, rows arrow.Record, row int, key connectors.Key) *Root {
	rt := g.NewRoot(key, r)
	rt.Guard = g.guard(runID, rows, row, r.Change, r.Cleared)
	rt.BlockGuard = g.guard(runID, rows, row, Block, nil)
	if r.Change == Delete {
		rt.Anonymized = targets.Anonymized(g.Targets, rows, row)
		rt.ElseGuard = g.guard(runID, rows, row, Anonymize, nil)
	}
	if r.Change == Delete || r.Change == Anonymize {
		for _, e := range g.Owned {
			k, _ := connectors.KeyOf(rows, e.columns, row)
			g.Owns[rt] = append(g.Owns[rt], k)
		}
	}
	return rt
}
