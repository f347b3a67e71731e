package stores

import (
	"context"
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"

	"lethe/connectors"
	"lethe/pipeline/judge"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/via"
)

// Carriers are the tables that only say whose the rows of others are, sorted.
func (s *Store) Carriers() (tables []string) {
	for _, g := range s.Judges {
		tables = append(tables, g.Via.Reads()...)
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
			for _, t := range g.State.Tombstones.Find(Place(g)) {
				g.Carried.Remember(t.Subject)
			}
			if s.live != nil {
				g.Carried.Beside(s.live.carriedOf(g.Silo.Silo.Name, g.Table.Name, s.Mapping(g)))
			}
		}
	}
}

// carriedOf is what was read of whose the rows of a silo's records are, nil where it was not.
func (s *Store) carriedOf(silo, table string, mapping int) *via.Index {
	if g := s.Judge(silo, table, mapping); g != nil && s.Err == nil {
		return g.Carried
	}
	return nil
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

// Place names, in tombstones, the rows of a judge's table, among which identifiers may be several people's.
func Place(g *judge.Judge) keystore.Ref {
	return registry.Place(g.Match, g.Source.System(), g.Table.Name)
}

// NameShared reads them once more, where several people have an identifier, so that it can be remembered when one of
// these is erased from a file. Its errors are the source's.
func (s *Store) NameShared(ctx context.Context) error {
	var queries []connectors.Query
	for _, table := range s.Carriers() {
		if slices.ContainsFunc(s.Judges, func(g *judge.Judge) bool {
			return slices.Contains(g.Via.Tables(), table) && g.Carried.Shares()
		}) {
			queries = append(queries, connectors.Query{Table: table})
		}
	}
	if len(queries) == 0 {
		return nil
	}
	for b, err := range s.Conn.Scan(ctx, queries...) {
		if err != nil {
			return err
		}
		for _, g := range s.Judges {
			if g.Via != nil {
				g.Carried.NameShared(b)
			}
		}
	}
	return nil
}

// ReadCarried reads the tables that say whose the rows of others are, and nothing else; of a backup first those of the
// source that it is a backup of, if that was not done. Its errors are the source's.
func (s *Store) ReadCarried(ctx context.Context, texts bool) error {
	if l := s.live; l != nil && l.Conn != nil && l.Err == nil && slices.ContainsFunc(l.Judges,
		func(g *judge.Judge) bool { return g.Via != nil && g.Carried == nil }) {
		if err := l.ReadCarried(ctx, false); err != nil {
			return fmt.Errorf("source %s, which %s is a backup of: %w", l.Name, s.Name, err)
		}
	}
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

// Identified are the judges who know of the rows of a table by identifiers in other tables. One that does not decide a
// row still knows who has what the row has.
func (s *Store) Identified(table string) []*judge.Judge {
	return slices.DeleteFunc(slices.Clone(s.Governed[table]), func(g *judge.Judge) bool { return g.Via == nil })
}

// Share is an identifier of a row that others have too.
type Share struct {
	Judge *judge.Judge // for whose rows it is
	Ref   keystore.Ref
}

// Apart are the identifiers of a row of a table that others have too.
func (s *Store) Apart(table string, rows arrow.Record, row int) (list []Share) {
	for _, g := range s.Identified(table) {
		for _, ref := range g.Apart(rows, row) {
			list = append(list, Share{g, ref})
		}
	}
	return list
}
