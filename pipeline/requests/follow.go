package requests

import (
	"context"
	"slices"
	"strings"

	"lethe/connectors"
	"lethe/pipeline/change"
	"lethe/pipeline/dependents/edges"
	"lethe/pipeline/judge"
	"lethe/pipeline/stores"
)

// deepest is how far references are followed from an own row: rows of orders, their lines, what those have.
const deepest = 16

// lead is a hit from which references are followed.
type lead struct {
	section int
	hit     *Hit
}

// way is one reference that is followed from rows that were found to others, in the silos for which it is one.
type way struct {
	change.Edge
	up  bool           // from the row that refers to the one that it owns
	how map[string]How // by silo
}

// follow finds the rows that go with those found in the source, level by level.
func (f *finder) follow(ctx context.Context, s *stores.Store) error {
	var leads []lead
	for i, section := range f.sections {
		for _, h := range section.Hits {
			if h.Source == s.Name && (h.How == Own || h.How == Given) {
				leads = append(leads, lead{i, h})
			}
		}
	}
	ways := f.waysOf(s)
	for range deepest {
		if len(leads) == 0 {
			return nil
		}
		next, err := f.step(ctx, s, ways, leads)
		if err != nil {
			return err
		}
		leads = next
	}
	return nil
}

// waysOf are the references of a source that lead from rows of people to others of theirs.
func (f *finder) waysOf(s *stores.Store) (ways []way) {
	es := edges.Of(s)
	for _, e := range es.List {
		if e.Outside.Table != "" {
			continue
		}
		w := way{Edge: e.Edge, how: map[string]How{}}
		for j := range e.Do {
			w.how[j.Silo.Silo.Name] = Dependent
		}
		for _, a := range f.asked {
			if _, declared := w.how[a.name]; declared {
				continue
			}
			if len(s.Governed[e.Child]) == 0 && !f.others(s, e.Child, a.name) {
				w.how[a.name] = Refers // what a silo governs is found by whose it is, not by who serves them
			}
		}
		ways = append(ways, w)
	}
	for _, g := range s.Judges {
		ways = append(ways, f.owned(s, g)...)
		ways = append(ways, f.carriers(s, g)...)
	}
	return ways
}

// owned are the rows that go with the last of a silo's rows which refers to them.
func (f *finder) owned(s *stores.Store, g *judge.Judge) (ways []way) {
	for _, o := range g.Records.Owns {
		t, _ := s.Tables.Find(o.Table)
		ways = append(ways, way{Edge: change.Edge{Child: g.Table.Name, Fields: o.FK, Parent: o.Table, RefFields: t.Key},
			up: true, how: map[string]How{g.Silo.Silo.Name: Owned}})
	}
	return ways
}

// carriers are the rows of other tables that say whose a silo's rows are.
func (f *finder) carriers(s *stores.Store, g *judge.Judge) (ways []way) {
	for i := range g.Via.Len() {
		for _, h := range g.Via.Hops(i) {
			if slices.ContainsFunc(s.Governed[h.Table], func(o *judge.Judge) bool { return o != g }) {
				continue
			}
			ways = append(ways, way{Edge: change.Edge{Child: h.Table, Fields: []string{h.Field}, Parent: h.Refers.Table,
				RefFields: h.Refers.Fields}, how: map[string]How{g.Silo.Silo.Name: Dependent}})
		}
	}
	return ways
}

// step follows the ways from some rows, and returns those rows that lead on.
func (f *finder) step(ctx context.Context, s *stores.Store, ways []way, leads []lead) (next []lead, err error) {
	for i := range ways {
		w := &ways[i]
		from, fields, to, by := w.Parent, w.RefFields, w.Child, w.Fields
		if w.up {
			from, fields, to, by = w.Child, w.Fields, w.Parent, w.RefFields
		}
		of := map[connectors.Key][]lead{}
		for _, l := range leads {
			_, leads := w.how[f.sections[l.section].Silo]
			if key, ok := l.hit.keyBy(fields); ok && leads && l.hit.Table == from {
				of[key] = append(of[key], l)
			}
		}
		t, ok := s.Tables.Find(to)
		if _, left := s.Skip[to]; len(of) == 0 || !ok || left {
			continue
		}
		found, err := f.referring(ctx, s, w, t, by, connectors.Referred{Table: from, Fields: fields}, of)
		if err != nil {
			return nil, err
		}
		next = append(next, found...)
	}
	return next, nil
}

// keyBy is the value of some fields of a row; false where one is NULL, which refers to nothing.
func (h *Hit) keyBy(fields []string) (connectors.Key, bool) {
	values := make([][]byte, len(fields))
	for i, name := range fields {
		if values[i] = h.cell(name); values[i] == nil {
			return "", false
		}
	}
	return connectors.MakeKey(values...), len(fields) > 0
}

// referring reads the rows at the end of a way.
func (f *finder) referring(ctx context.Context, s *stores.Store, w *way, t connectors.Table, by []string,
	to connectors.Referred, of map[connectors.Key][]lead) (next []lead, err error) {
	q := connectors.Query{Table: t.Name, Keys: &connectors.Keys{Fields: by, Of: &to}}
	for key := range of {
		q.Keys.Tuples = append(q.Keys.Tuples, key)
	}
	slices.Sort(q.Keys.Tuples)
	var columns []int
	for _, name := range by {
		columns = append(columns, s.Column(t.Name, name))
	}
	if slices.Contains(columns, -1) {
		return nil, nil // a backup of another schema, which says so
	}
	for b, err := range s.Conn.Scan(ctx, q) {
		if err != nil {
			return nil, err
		}
		for row := range int(b.Rows.NumRows()) {
			var tuple connectors.Key
			if b.Tuples != nil {
				tuple = q.Keys.Tuples[b.Tuples[row]]
			} else if tuple, _ = connectors.KeyOf(b.Rows, columns, row); len(of[tuple]) == 0 {
				continue
			}
			for _, l := range of[tuple] {
				how := w.how[f.sections[l.section].Silo]
				key, place := keyOf(t, b.Rows, row)
				was := f.found[l.section][place]
				if was != nil && !surer(how, was.How) {
					continue
				}
				h := f.add(l.section, t, b.Rows, row, how, key, place)
				h.By = w.Child + "." + strings.Join(w.Fields, ", ")
				if how == Dependent {
					next = append(next, lead{l.section, h})
				}
			}
		}
	}
	return next, nil
}
