package requests

import (
	"slices"

	"github.com/apache/arrow/go/v15/arrow"

	"lethe/connectors"
	"lethe/pipeline/judge"
	"lethe/pipeline/registry/keystore"
)

// known is a reference by which a registry may know a row. Shared says that rows of other people have it too.
type known struct {
	ref    keystore.Ref
	shared bool
}

// references appends all by which the registry may know a row of a silo: its identifiers, here and in other tables, the
// collection that it carries, and the record itself.
func references(dst []known, g *judge.Judge, rows arrow.Record, row int) []known {
	refs := g.Identify(nil, rows, row)
	shared := g.Others().Shared
	for i, ref := range refs {
		dst = append(dst, known{ref, g.Via != nil && i < len(shared) && shared[i]})
	}
	if name := g.Records.Collection; name != "" {
		column := slices.IndexFunc(g.Table.Fields, func(f connectors.Field) bool { return f.Name == name })
		if id := g.Text(rows, row, column); id != "" {
			dst = append(dst, known{ref: *g.CollectionRef(id)})
		}
	}
	if len(g.Key) == 0 || !g.State.Standings.Linked() {
		return dst
	}
	if key, ok := connectors.KeyOf(rows, g.Key, row); ok {
		record, subject := g.RecordOf(key), keystore.Ref{}
		if len(refs) > 0 {
			subject = refs[0]
		}
		if !g.Reused(record, subject) {
			dst = append(dst, known{ref: record})
		}
	}
	return dst
}

// identifies reports whether a field of the table says whose a row is.
func identifies(g *judge.Judge, field string) bool {
	for _, name := range g.Records.Subject {
		if name == field {
			return true
		}
	}
	return false
}
