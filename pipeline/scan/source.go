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
	ViewsErr    error  // why the views could not be read
	rows        int64  // that were read
	fingerprint string // backups: of the file and the rules it was read by
}

// Reading is what was read of a table, nil where the source has none of that name.
func (s *Source) Reading(table string) *Reading {
	i := slices.IndexFunc(s.Readings, func(r *Reading) bool { return r.Table.Name == table })
	if i < 0 {
		return nil
	}
	return s.Readings[i]
}

// queries asks for what has not been read yet. A table of an unchanged file is read again only where its
// rows are decided.
func (s *Source) queries() []connectors.Query {
	var queries []connectors.Query
	for _, r := range s.Readings {
		if r.State != "scanned" || r.Sampled || r.kept != nil && len(s.Governed[r.Table.Name]) == 0 {
			continue
		}
		q := connectors.Query{Table: r.Table.Name, After: r.next}
		if r.next == "" {
			q.Sample = r.sample
		}
		queries = append(queries, q)
	}
	return queries
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
