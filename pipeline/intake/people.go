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
	paths, err := via.Resolve(tables, table, m.Via, m.Subject)
	if err != nil || paths == nil {
		return err
	}
	where := map[string]string{}
	for f, value := range m.Where {
		if value != nil {
			where[f] = *value
		}
	}
	if err := paths.Among(table, where); err != nil {
		return err
	}
	if err := r.loadStandings(); err != nil {
		return err
	}
	r.via = via.NewIndex(paths, r.key, r.standings, r.silo.Jurisdiction.Code, true)
	var queries []connectors.Query
	for _, t := range paths.Reads() {
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

// sayings is what a row says in a state, and of whom. What the row holds itself belongs together. Of addresses in
// other tables each is spoken of by itself, for it may be another's one day, and none that others have too: such a no
// is for the suppression list alone.
func (r *rowReader) sayings(state string) (list []saying) {
	var own []event.Subject
	for _, kind := range slices.Sorted(maps.Keys(r.mapping.Subject)) {
		if value, ok := r.cell(r.mapping.Subject[kind]); ok && !identifier.Blank(value) {
			own = append(own, event.Subject{Kind: kind, Value: value})
		}
	}
	if r.via == nil {
		return []saying{{state: state, people: own}}
	}
	if len(own) > 0 {
		list = append(list, saying{state: state, people: own})
	}
	people := r.via.People(r.batch.Rows, r.row, false)
	for _, s := range people {
		list = append(list, saying{state: state, people: []event.Subject{s}})
	}
	alone := len(list) == 0
	shared := slices.DeleteFunc(r.via.People(r.batch.Rows, r.row, true), func(s event.Subject) bool {
		return slices.Contains(people, s)
	})
	switch {
	case len(shared) > 0 && (alone || event.Type(state) != event.Given):
		list = append(list, saying{state: state, people: shared, shared: true, alone: alone})
	case alone:
		list = []saying{{state: state}} // of nobody, which is refused
	}
	return list
}

// loadStandings loads what the registry says, once it is needed.
func (r *rowReader) loadStandings() (err error) {
	if r.standings == nil {
		r.standings, err = r.in.registry.Standings(r.ctx, r.silo.Silo.Name, r.in.now, silos.Endings(r.silo))
	}
	return err
}
