package judge

import (
	"github.com/apache/arrow/go/v15/arrow"

	"lethe/connectors"
	"lethe/pipeline/judge/traces"
	"lethe/pipeline/registry/keystore"
)

// Traced reports whether a tombstone names a row.
func (g *Judge) Traced(rows arrow.Record, row int) bool {
	key, ok := connectors.AppendKey(g.buf[:0], rows, g.Key, row)
	g.buf = key
	return ok && len(g.Key) > 0 &&
		g.State.Tombstones.Has(g.Match.Record(g.Source.System(), g.Table.Name, key))
}

// back is how far the plans of these digests had ended the row that was ruled on last, which stands there again and is
// due. Where nights had deleted it, or changed a field that says whose it is, it is counted: an application does not
// write that.
func (g *Judge) back(r Ruling, rows arrow.Record, row int, plans map[string]bool) traces.End {
	if g.Source.Backup() || r.Change.Reversible() {
		return traces.NotEnded
	}
	list := g.State.Tombstones.Find(r.record)
	if len(list) == 0 {
		return traces.NotEnded
	}
	is := traces.Row{Subject: r.subject, By: g.createdBy(), Generated: connectors.Numbered(g.Table, g.Key)}
	if r.Change == Clear {
		is.Fields = r.Cleared
	}
	end, planned := traces.Back(list, is, plans)
	if end == traces.Deleted || end == traces.Anonymized && g.unnamed() && r.subject != (keystore.Ref{}) {
		g.Back++
	}
	return planned
}
