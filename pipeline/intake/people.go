package intake

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"lethe/connectors"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
	"lethe/pipeline/via"
)

// readCarried reads the identifiers of the rows that stand in other tables.
func (r *rowReader) readCarried(ctx context.Context, source connectors.Source, tables connectors.Tables) error {
	m := r.mapping
	table, _ := tables.Find(m.Table)
	paths, err := via.Resolve(tables, table, m.Via, slices.Collect(maps.Keys(m.Subject)))
	if err != nil || paths == nil {
		return err
	}
	if err := r.loadStandings(); err != nil {
		return err
	}
	r.via = via.NewIndex(paths, r.key, r.standings, r.silo.Jurisdiction.Code, true)
	var queries []connectors.Query
	for _, t := range paths.Tables() {
		queries = append(queries, connectors.Query{Table: t})
	}
	for b, err := range source.Scan(ctx, queries...) {
		if err != nil {
			return fmt.Errorf("%w: %w", setup.ErrSource, err)
		}
		r.via.Observe(b)
	}
	r.via.Close()
	return nil
}

// sayings is what a row says in a state, and of whom. A yes is one person's, and binds the identifiers together; one
// that others have too is none. A no is said of every identifier: of those that the registry has in different
// collections one by one, and of one that others have too by itself.
func (r *rowReader) sayings(state string) []saying {
	var own []event.Subject
	for _, kind := range slices.Sorted(maps.Keys(r.mapping.Subject)) {
		if value, ok := r.cell(r.mapping.Subject[kind]); ok && !identifier.Blank(value) {
			own = append(own, event.Subject{Kind: kind, Value: value})
		}
	}
	if r.via == nil {
		return []saying{{state, own}}
	}
	people := append(own, r.via.People(r.batch.Rows, r.row, false)...)
	if event.Type(state) == event.Given {
		return []saying{{state, people}}
	}
	var list []saying
	for _, group := range r.apart(people) {
		list = append(list, saying{state, group})
	}
	for _, s := range r.via.People(r.batch.Rows, r.row, true) {
		if !slices.Contains(people, s) {
			list = append(list, saying{state, []event.Subject{s}})
		}
	}
	if len(list) == 0 {
		list = []saying{{state, nil}} // of nobody, which is refused
	}
	return list
}

// shared reports whether the row has identifiers that others have too.
func (r *rowReader) shared() bool { return len(r.via.People(r.batch.Rows, r.row, true)) > 0 }

// apart tells identifiers apart by the collections that the registry has of them; what it does not know goes with
// the first.
func (r *rowReader) apart(people []event.Subject) (groups [][]event.Subject) {
	if len(people) == 0 {
		return nil
	}
	if len(people) == 1 || r.loadStandings() != nil { // what fails here fails again where it is said
		return [][]event.Subject{people}
	}
	var unknown []event.Subject
	var of [][]int32
	for _, s := range people {
		var found []int32
		name, err := r.standings.Name(r.key, s.Kind, []byte(s.Value), r.silo.Jurisdiction.Code, &r.buf)
		if err == nil {
			found = r.standings.Lookup(name.Known)
		}
		if len(found) == 0 {
			unknown = append(unknown, s)
			continue
		}
		i := slices.IndexFunc(of, func(o []int32) bool { return slices.Equal(o, found) })
		if i < 0 {
			i = len(of)
			of, groups = append(of, found), append(groups, nil)
		}
		groups[i] = append(groups[i], s)
	}
	if len(groups) == 0 {
		return [][]event.Subject{unknown}
	}
	groups[0] = append(groups[0], unknown...)
	return groups
}

// loadStandings loads what the registry says, once it is needed.
func (r *rowReader) loadStandings() (err error) {
	if r.standings == nil {
		r.standings, err = r.in.registry.Standings(r.ctx, r.silo.Silo.Name, r.in.now, silos.Endings(r.silo))
	}
	return err
}
