package judge

import (
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"

	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry/keystore"
)

// Root is a governed row that a plan may hold. There are very many of them: what many have alike is their shape.
type Root struct {
	*Shape
	Key     connectors.Key
	Guard   Guard
	Subject keystore.Ref // the identifier that met the registry; zero if none did
	Change  Change
	End     calendar.Date // the day on which the last ground ended, zero for none with a day; Due is of the erasure
	Due     calendar.Date
	until   calendar.Date
	Block   bool // also to be blocked now, for the change may wait
	Kept    bool // a referencing row stays, so it cannot be deleted
	Held    bool // nor can it be anonymized, as what was declared to go with it stays
	Waits   bool // what refers to it stands in a plan that waits
	Ramped  bool // left for a later night by the ramp, or left in a plan that waits
	Asks    bool // no standing order covers it: people are asked

	Open       bool  // it is to be ended, and not known yet whether what refers to it lets it go
	Anonymized bool  // holds already what anonymizing yields
	BlockGuard Guard // covers the decision's own fields only
	ElseGuard  Guard // of the anonymizing that takes the place of deleting
}

// Shape is what a ruling says besides its days and its row.
type Shape struct {
	Code   reason.Code
	Rule   string // that gave the reason; "" none did
	Clear  []string
	ruling Ruling
}

// Ruling is that of a row.
func (r *Root) Ruling() Ruling {
	ruling := r.ruling
	ruling.End, ruling.Due, ruling.Until = r.End, r.Due, r.until
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
	identity       policy.Identity
}

// ShapeOf is the shape of a ruling, one for all that are alike.
func (g *Judge) ShapeOf(r Ruling) *Shape {
	lists := ""
	if len(r.Notes)+len(r.Decision.Clear)+len(r.Grounds)+len(r.Cleared) > 0 {
		lists = fmt.Sprintf("%q", []any{r.Notes, r.Decision.Clear, r.Grounds, r.Cleared})
	}
	key := alike{r.Action, r.Else, r.Use, r.Reason, r.Change, r.Row, r.Rule, lists, r.flagged.UnixNano(),
		[4]bool{r.Flag, r.Block, r.Relied, r.proven}, r.identity}
	s := g.shapes[key]
	if s == nil {
		r.subject, r.record, r.known = keystore.Ref{}, keystore.Ref{}, false
		s = &Shape{Code: r.Reason, Rule: r.Rule, Clear: r.Cleared, ruling: r}
		g.shapes[key] = s
	}
	return s
}

// open reports whether what refers to a row has a say in its ruling.
func (g *Judge) open(r Ruling) bool {
	return r.Change == Delete || r.Change == Anonymize && len(g.Records.Dependents) > 0
}

// RefOf is how the evidence names the row with a key.
func (g *Judge) RefOf(key connectors.Key) audit.Ref {
	return audit.Ref(g.Refs.Ref(g.Source.System()+"\x1f"+g.Table.Name, []byte(key)))
}

// RecordOf is how the registry names it.
func (g *Judge) RecordOf(key connectors.Key) keystore.Ref {
	return g.Match.Record(g.Source.System(), g.Table.Name, []byte(key))
}

// root is what a plan of a run needs of a row that has to change.
func (g *Judge) root(runID string, r Ruling, rows arrow.Record, row int, key connectors.Key) *Root {
	rt := &Root{
		Shape: g.ShapeOf(r), Key: key, Subject: r.subject,
		Change: r.Change, Block: r.Block, End: r.End, Due: r.Due, until: r.Until, Open: g.open(r),
		Guard:      g.guard(runID, rows, row, r.Change, r.Cleared),
		BlockGuard: g.guard(runID, rows, row, Block, nil),
	}
	if r.Change == Delete {
		rt.Anonymized = g.anonymized(rows, row)
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
