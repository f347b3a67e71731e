package stores

import (
	"context"
	"slices"

	"lethe/connectors"
	"lethe/pipeline/judge"
	"lethe/pipeline/via"
)

// Carriers are the tables that only say whose the rows of others are, sorted.
func (s *Store) Carriers() (tables []string) {
	for _, g := range s.Judges {
		tables = append(tables, g.Via.Tables()...)
	}
	slices.Sort(tables)
	return slices.Compact(tables)
}

// Waits reports whether the rows of a table can be decided only when others were read, that say whose they are.
func (s *Store) Waits(table string) bool {
	return slices.ContainsFunc(s.Governed[table], func(g *judge.Judge) bool { return g.Via != nil })
}

// Carry begins to read the tables that say whose the rows of others are. texts says that the identifiers
// themselves are kept.
func (s *Store) Carry(texts bool) {
	for _, g := range s.Judges {
		if g.Via != nil {
			g.Carried = via.NewIndex(g.Via, g.Match, g.State.Standings, g.Silo.Jurisdiction.Code, texts)
		}
	}
}

// Carrying takes up a batch with all fields of a table, if it says whose the rows of others are.
func (s *Store) Carrying(b connectors.Batch) {
	for _, g := range s.Judges {
		if g.Via != nil {
			g.Carried.Observe(b)
		}
	}
}

// Carried ends the reading: from now on rows can be decided.
func (s *Store) Carried() {
	for _, g := range s.Judges {
		if g.Via != nil {
			g.Carried.Close()
		}
	}
}

// ReadCarried reads the tables that say whose the rows of others are, and nothing else. Its errors are the source's.
func (s *Store) ReadCarried(ctx context.Context, texts bool) error {
	s.Carry(texts)
	var queries []connectors.Query
	for _, table := range s.Carriers() {
		queries = append(queries, connectors.Query{Table: table})
	}
	if len(queries) > 0 {
		for b, err := range s.Conn.Scan(ctx, queries...) {
			if err != nil {
				return err
			}
			s.Carrying(b)
		}
	}
	s.Carried()
	return nil
}
