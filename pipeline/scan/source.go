package scan

import (
	"slices"

	"lethe/connectors"
	"lethe/pipeline/stores"
)

// Source is a source as the night read it.
type Source struct {
	*stores.Store
	Readings    []*Reading
	Surveyed    bool // every table was read, or is known not to be
	Views       []connectors.View
	ViewsErr    error                        // why the views could not be read
	rows        int64                        // that were read
	fingerprint string                       // backups: of the file and the rules it was read by
	carriers    []string                     // tables that say whose the rows of others are
	carried     map[string]connectors.Cursor // how far each of them was read
}

// Reading is what was read of a table, nil where the source has none of that name.
func (s *Source) Reading(table string) *Reading {
	i := slices.IndexFunc(s.Readings, func(r *Reading) bool { return r.Table.Name == table })
	if i < 0 {
		return nil
	}
	return s.Readings[i]
}

// carries reports whether a table says whose the rows of others are.
func (s *Source) carries(table string) bool { return slices.Contains(s.carriers, table) }

// wanted reports whether the rows of a table are to be read for themselves. A table of an unchanged file is read
// again only where its rows are decided, or searched for people who should be gone.
func (s *Source) wanted(r *Reading) bool {
	return r.State == "scanned" && !r.Sampled && !r.whole &&
		(r.kept == nil || len(s.Governed[r.Table.Name]) > 0 || r.search != nil)
}

// later reports whether a table is not read for itself in the first pass: other tables say whose its rows are, or
// it only says whose others are.
func (s *Source) later(r *Reading) bool {
	return s.Waits(r.Table.Name) || !s.wanted(r) && s.carries(r.Table.Name)
}

// queries asks for what has not been read yet, but for rows that can be decided only when others were read.
func (s *Source) queries() []connectors.Query {
	var queries []connectors.Query
	for _, r := range s.Readings {
		switch {
		case s.carries(r.Table.Name):
			queries = append(queries, connectors.Query{Table: r.Table.Name, After: s.carried[r.Table.Name]})
		case s.wanted(r) && !s.later(r):
			queries = append(queries, r.query())
		}
	}
	return queries
}

// waiting asks for the rows that can be decided now that others were read.
func (s *Source) waiting() []connectors.Query {
	var queries []connectors.Query
	for _, r := range s.Readings {
		if s.wanted(r) && s.Waits(r.Table.Name) {
			queries = append(queries, r.query())
		}
	}
	return queries
}

// query asks for the rows of a table that have not been read yet.
func (r *Reading) query() connectors.Query {
	q := connectors.Query{Table: r.Table.Name, After: r.next}
	if r.next == "" {
		q.Sample = r.sample
	}
	return q
}

// Untaken is the number of rows of a governed table that no silo takes; a row has one silo at most.
func (s *Source) Untaken(r *Reading) int64 {
	groups := s.Governed[r.Table.Name]
	if len(groups) == 0 {
		return 0
	}
	left := r.Rows
	for _, g := range groups {
		left -= g.Rows
	}
	return left
}

// span returns the civil dates of the oldest and newest row of a governed table.
func (s *Source) span(table string) (oldest, newest string) {
	for _, g := range s.Governed[table] {
		if o := g.Oldest.String(); o != "" && (oldest == "" || o < oldest) {
			oldest = o
		}
		newest = max(newest, g.Newest.String())
	}
	return oldest, newest
}
