package apply

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"lethe/pipeline/change"
	"lethe/pipeline/dependents/edges"
	"lethe/pipeline/judge"
	"lethe/pipeline/setup"
)

// sameMeaning refuses a set whose tables are gone, or that the policy or the catalog, as they are now, would give other
// reasons for: a row's silo governs it no longer, something else refers to its tables, or what follows from a row that
// goes is something else. The error wraps setup.ErrExpired.
func (a *application) sameMeaning() error {
	var last *change.Alike
	for i := range a.set.Rows {
		c := &a.set.Rows[i]
		if c.Alike == last { // it says all that is looked at
			continue
		}
		last = c.Alike
		if _, ok := a.store.Tables.Find(c.Table); !ok {
			return fmt.Errorf("%w: the schema of source %s changed since the plan was made: table %s is gone",
				setup.ErrExpired, a.store.Name, c.Table)
		}
		if c.Kind == change.Root && a.store.Judge(c.Silo, c.Table, c.Mapping) == nil {
			return fmt.Errorf("%w: silo %s no longer governs table %s of source %s", setup.ErrExpired, c.Silo,
				c.Table, a.store.Name)
		}
	}
	now := edges.Of(a.store)
	return errors.Join(a.sameEdges(now), a.sameReasons(now))
}

// sameEdges refuses a set whose tables are referred to in a way that it does not know: a release came between, and
// what the engine would take along by the new foreign key, or what the policy names by now, was never looked at.
func (a *application) sameEdges(now *edges.Set) error {
	touched, last := map[string]bool{}, (*change.Alike)(nil)
	for i := range a.set.Rows {
		if c := a.set.Rows[i].Alike; c != last {
			touched[c.Table], last = true, c
		}
	}
	for _, e := range now.Edges() {
		_, inCatalog := a.store.Tables.Find(e.Child)
		if !touched[e.Parent] || !inCatalog || slices.ContainsFunc(a.set.Edges, func(was change.Edge) bool {
			return was.Child == e.Child && was.Parent == e.Parent && was.OnDelete == e.OnDelete &&
				slices.Equal(was.Fields, e.Fields) && slices.Equal(was.RefFields, e.RefFields)
		}) {
			continue
		}
		if e.OnDelete == "" {
			return fmt.Errorf("%w: by the policy of today table %s of source %s refers to %s by %s, which the plan "+
				"does not know", setup.ErrExpired, e.Child, a.store.Name, e.Parent, strings.Join(e.Fields, ", "))
		}
		return fmt.Errorf("%w: the schema of source %s changed since the plan was made: table %s refers to %s by %s "+
			"(on delete %s)", setup.ErrExpired, a.store.Name, e.Child, e.Parent, strings.Join(e.Fields, ", "),
			strings.ToLower(e.OnDelete))
	}
	return nil
}

// sameReasons refuses a set of which a row goes with another one, forgets it or is owned by it, where the policy of
// today says something else.
func (a *application) sameReasons(now *edges.Set) error {
	known := now.Known(a.set.Edges)
	var via [][]*judge.Judge // of the unit at hand
	for from := 0; from < len(a.set.Rows); {
		to := a.set.UnitEnd(from)
		via = a.reached(known, from, to, via)
		for i := from; i < to; i++ {
			for _, r := range a.set.Rows[i].Refs {
				e := a.set.Edges[r.Edge]
				says := known[r.Edge].Says(via[r.Row-from]...)
				if r.Does == change.Follows && !says.Goes || r.Does == change.Forgets && !says.Forgets ||
					r.Does == change.Loses && !slices.ContainsFunc(via[i-from], func(j *judge.Judge) bool {
						return slices.ContainsFunc(e.Fields, j.Empties)
					}) || r.Owns && !known[r.Edge].Says(via[i-from]...).Owns {
					return fmt.Errorf("%w: by the policy of today rows of table %s of source %s do not become what "+
						"the plan says when those of %s go that they refer to by %s", setup.ErrExpired, e.Child,
						a.store.Name, e.Parent, strings.Join(e.Fields, ", "))
				}
			}
		}
		from = to
	}
	return nil
}

// reached are the records, by row of a unit, by whose word it goes: of a root its own, of what follows those from which
// it is reached. They take the place of those of another unit.
func (a *application) reached(known []*edges.Edge, from, to int, via [][]*judge.Judge) [][]*judge.Judge {
	via = slices.Grow(via[:0], to-from)[:to-from]
	for i := from; i < to; i++ {
		via[i-from] = via[i-from][:0]
		if c := &a.set.Rows[i]; c.Kind == change.Root {
			via[i-from] = append(via[i-from], a.store.Judge(c.Silo, c.Table, c.Mapping))
		}
	}
	for found := true; found; {
		found = false
		for i := to - 1; i >= from; i-- { // what refers stands before what it refers to
			for _, r := range a.set.Rows[i].Refs {
				if r.Does != change.Follows {
					continue
				}
				for _, j := range via[r.Row-from] {
					if known[r.Edge].Says(j).Goes && !slices.Contains(via[i-from], j) {
						via[i-from], found = append(via[i-from], j), true
					}
				}
			}
		}
	}
	return via
}
