package judge

import (
	"github.com/apache/arrow/go/v15/arrow"

	"lethe/connectors"
	"lethe/pipeline/anonymize"
	"lethe/pipeline/judge/targets"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/reason"
)

// NewEnding makes a judge that decides no row of its table, but ends people in some fields who should be gone: those
// that techniques know, in the field (Clear), or, where goes says so, with the row (Delete).
func NewEnding(b *Binding, fields []anonymize.Named, goes map[string]bool) *Judge {
	b.collected, b.collection = -1, -1
	for _, f := range fields {
		t := targets.Target{Field: b.Table.Fields[f.Column].Name, Column: f.Column, Technique: f.Technique}
		b.guarded, b.Targets = append(b.guarded, f.Column), append(b.Targets, t)
	}
	b.ending = goes
	return NewJudge(b)
}

// Ends reports whether the judge ends people in a field.
func (b *Binding) Ends(field string) bool { _, ends := b.ending[field]; return ends }

// Ending is what a plan of a run needs of a row in which somebody stands who should be gone; nil where nobody does who
// can be taken out, or the row has no key.
func (g *Judge) Ending(runID string, rows arrow.Record, row int) *Root {
	key, ok := connectors.KeyOf(rows, g.Key, row)
	r := g.ends(rows, row)
	if !ok || len(g.Key) == 0 || r.Change == None {
		return nil
	}
	g.name(&r, key)
	rt := g.root(runID, r, rows, row, key)
	rt.Open = false // nothing is decided of the row
	return rt
}

// ends is what the people who should be gone ask for in a row.
func (g *Judge) ends(rows arrow.Record, row int) (r Ruling) {
	r.Decision = policy.Decision{Reason: reason.DRemnant, Rule: "remnants"}
	for _, t := range g.Targets {
		goes := g.ending[t.Field]
		if t.Technique.Ends([]byte(g.Text(rows, row, t.Column)), goes) {
			if r.Cleared = append(r.Cleared, t.Field); r.Change != Delete {
				r.Change = map[bool]Change{true: Delete, false: Clear}[goes]
			}
		}
	}
	return r
}
