package requests

import (
	"slices"

	"github.com/apache/arrow/go/v15/arrow"

	"lethe/connectors"
	"lethe/pipeline/judge"
	"lethe/pipeline/registry/cases"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
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

// Theirs says of the rows of a silo which are those of one person, whose collections these are, and nobody else's.
func Theirs(p *setup.Setup, set *silos.Set, name string, collections []int32) (
	func(g *judge.Judge, rows arrow.Record, row int) bool, error) {
	s, err := newSilo(p, set, name, 1)
	if err != nil {
		return nil, err
	}
	if err := s.wants(0, Ask{Silo: name, Asked: cases.Asked{Collections: collections}}); err != nil {
		return nil, err
	}
	s.gather()
	var refs []known
	return func(g *judge.Judge, rows arrow.Record, row int) bool {
		if g.Silo.Silo.Name != name {
			return false
		}
		refs = references(refs[:0], g, rows, row)
		return len(s.whose(refs)) > 0 && s.judge(0, refs) == Own
	}, nil
}
