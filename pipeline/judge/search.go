package judge

import (
	"slices"

	"github.com/apache/arrow/go/v15/arrow"

	"lethe/connectors"
	"lethe/pipeline/registry/keystore"
)

// Known is a reference by which a registry may know a row. Shared says that rows of other people have it too.
type Known struct {
	Ref    keystore.Ref
	Shared bool
}

// References appends all by which the registry may know a row of the silo: its identifiers, here and in other tables,
// the collection that it carries, and the record itself.
func (g *Judge) References(dst []Known, rows arrow.Record, row int) []Known {
	g.refsOf = g.identify(g.refsOf[:0], rows, row)
	for i, ref := range g.refsOf {
		dst = append(dst, Known{ref, g.Via != nil && i < len(g.others.Shared) && g.others.Shared[i]})
	}
	if id := g.Text(rows, row, g.collection); id != "" {
		dst = append(dst, Known{Ref: *g.collectionRef(id)})
	}
	if len(g.Key) == 0 || !g.State.Standings.Linked() {
		return dst
	}
	if key, ok := connectors.KeyOf(rows, g.Key, row); ok {
		record := g.RecordOf(key)
		subject := keystore.Ref{}
		if len(g.refsOf) > 0 {
			subject = g.refsOf[0]
		}
		if !g.reused(record, subject) {
			dst = append(dst, Known{Ref: record})
		}
	}
	return dst
}

// Identifies reports whether a column of the table says whose a row is.
func (b *Binding) Identifies(column int) bool {
	return slices.ContainsFunc(b.subjects, func(s naming) bool { return s.column == column })
}
