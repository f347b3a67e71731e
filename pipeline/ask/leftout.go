package ask

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"lethe/connectors"
	"lethe/pipeline/dependents/edges"
	"lethe/pipeline/policy"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
	"lethe/pipeline/stores"
)

// Unwanted are the rows of a source of which no copy is made for development and test.
type Unwanted struct {
	Rows map[string]map[connectors.Key]bool // by table and primary key
	// Refers are the ways in which rows refer to each other that only the policy declares, by table; Owns those by
	// which rows own what they refer to.
	Refers, Owns map[string][]connectors.ForeignKey
}

// LeftOut finds, of a source that silos govern, the rows that may not be used now, as their person objected, asked for
// restriction, or withdrew, and those that are to be ended. It verifies and loads the silos that govern the source,
// reads the tables that they govern, and writes nothing.
func LeftOut(ctx context.Context, p *setup.Setup, source string) (u Unwanted, err error) {
	i := slices.IndexFunc(p.Sources, func(s setup.Source) bool { return s.Name == source })
	if i < 0 {
		return u, fmt.Errorf("%w: no source %q", setup.ErrConfig, source)
	}
	s := stores.NewStore(p.Sources[i])
	asked := *p
	asked.Silos = slices.DeleteFunc(slices.Clone(p.Silos), func(silo *policy.Compiled) bool {
		return !slices.ContainsFunc(silo.Silo.Records, func(r policy.Records) bool { return r.Source == s.System() })
	})
	tonight := setup.Asking(&asked, p.Now())
	set := silos.New(&asked, tonight, nil)
	defer func() { err = errors.Join(err, set.Close()) }()
	if err := set.Open(ctx, nil); err != nil {
		return u, err
	}
	if s.Conn, err = s.Open(ctx); err != nil {
		return u, err
	}
	defer func() { err = errors.Join(err, s.Conn.Close()) }()
	if err := stores.New(&asked, tonight, nil, set).Prepare(ctx, s); err != nil {
		return u, err
	}
	if err := s.ReadCarried(ctx, false); err != nil {
		return u, setup.SourceError(err)
	}
	u = Unwanted{Rows: map[string]map[connectors.Key]bool{}, Refers: map[string][]connectors.ForeignKey{},
		Owns: map[string][]connectors.ForeignKey{}}
	for _, e := range edges.Of(s).List {
		if len(e.Owned) > 0 {
			u.Owns[e.Child] = append(u.Owns[e.Child], connectors.ForeignKey{Fields: e.Fields, RefTable: e.Parent})
		}
		if e.OnDelete != "" { // the catalog knows it
			continue
		}
		fk := connectors.ForeignKey{Fields: e.Fields, RefTable: e.Parent, RefFields: e.RefFields, OnDelete: "NO ACTION"}
		for by := range e.Do {
			if e.Says(by).Forgets {
				fk.OnDelete = "SET NULL"
			}
		}
		u.Refers[e.Child] = append(u.Refers[e.Child], fk)
	}
	for name := range s.Governed {
		if err := u.judge(ctx, s, name, tonight); err != nil {
			return u, setup.SourceError(err)
		}
	}
	return u, nil
}

// judge decides the rows of a table.
func (u Unwanted) judge(ctx context.Context, s *stores.Store, name string, tonight setup.Tonight) error {
	t, _ := s.Tables.Find(name)
	if len(t.Key) == 0 {
		return fmt.Errorf("%w: table %s has no key, so that nobody can be left out of a copy: say --everybody, for "+
			"which somebody has to answer", setup.ErrConfig, name)
	}
	rows := map[connectors.Key]bool{}
	for b, err := range s.Conn.Scan(ctx, connectors.Query{Table: name}) {
		if err != nil {
			return err
		}
		var at []int
		for _, field := range t.Key {
			at = append(at, b.Rows.Schema().FieldIndices(field)...)
		}
		for row := range int(b.Rows.NumRows()) {
			for _, g := range s.Governed[name] {
				if !g.Mine(b.Rows, row) {
					continue
				}
				r := g.Rule(b.Rows, row, tonight.AsOf)
				stays := r.Action == policy.Keep && r.Use != policy.Blocked && r.Use != policy.Limited
				if key, ok := connectors.KeyOf(b.Rows, at, row); ok && !stays {
					rows[key] = true
				}
			}
		}
	}
	u.Rows[name] = rows
	return nil
}
