package judge

import (
	"slices"
	"strings"

	"lethe/pipeline/audit"
)

// Decision is the row of the report for a ruling.
func (g *Judge) Decision(r Ruling, ref audit.Ref) audit.Decision {
	notes := make([]string, len(r.Notes))
	for i, c := range r.Notes {
		notes[i] = string(c)
	}
	d := audit.Decision{
		Silo: g.Silo.Silo.Name, System: g.Source.System(), Source: g.Source.Name, Object: g.Table.Name, Record: ref,
		Action: string(r.Action), Use: string(r.Use), Change: string(r.Change),
		Reason: string(r.Reason), Article: r.Reason.Article(), Row: r.Row, Rule: r.Rule,
		Grounds: strings.Join(r.Grounds, ";"), Cleared: strings.Join(r.Cleared, ";"), Notes: strings.Join(notes, ";"),
		Until: r.Until.String(), Due: r.Due.String(),
	}
	if r.Flag {
		d.FlaggedAt = r.flagged
	}
	return d
}

// Method names how a change is carried out.
func (g *Judge) Method(c Change) string {
	var methods []string
	switch c {
	case Delete:
		methods = []string{"sql_delete"}
	case Block, Unblock:
		methods = []string{"block_flag"}
	case SetNull:
		methods = []string{"null_fields"}
	}
	for _, t := range g.Targets {
		m := t.technique.Method()
		if (c == Clear || c == Anonymize && t.anonymize) && !slices.Contains(methods, m) {
			methods = append(methods, m)
		}
	}
	if g.Source.Backup() {
		methods = append([]string{"rewrite"}, methods...)
	}
	return strings.Join(methods, ";")
}
