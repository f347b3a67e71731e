package edges

import (
	"context"
	"maps"
	"slices"

	"lethe/connectors"
	"lethe/pipeline/judge"
	"lethe/pipeline/stores"
)

// Foresee asks the source, once, what stands in the way of what nights can do with it. From then on the rows of tables
// that cannot be changed stay.
func (es *Set) Foresee(ctx context.Context) ([]connectors.Obstacle, error) {
	f, ok := es.Store.Conn.(connectors.Foreseer)
	if ok && !es.Store.Foreseen {
		found, err := f.Foresee(ctx, es.Uses())
		if err != nil {
			return nil, err
		}
		es.Store.Obstacles, es.Store.Foreseen = found, true
	}
	return es.Store.Obstacles, nil
}

// Uses are what nights can do with the tables of the source: they read all but those that are left out; and where
// it can be changed they block, clear and anonymize the rows that silos govern, delete them with what goes with
// them, and look, under lock, at all that refers to these.
func (es *Set) Uses() []connectors.Use {
	u := &uses{Set: es, byTable: map[string]*connectors.Use{}}
	for _, t := range es.Store.Tables {
		if _, left := es.Store.Skip[t.Name]; !left && !stores.IsCopy(t) {
			u.of(t.Name).Fields = slices.DeleteFunc(fieldNames(t), func(f string) bool {
				_, left := es.Store.Skip[t.Name+"."+f]
				return left
			})
		}
	}
	if _, ok := es.Store.Conn.(connectors.Mutator); ok {
		for _, j := range es.Store.Judges {
			u.governed(j)
		}
		u.detached()
	}
	var all []connectors.Use
	for _, table := range slices.Sorted(maps.Keys(u.byTable)) {
		all = append(all, *u.byTable[table])
	}
	return all
}

func fieldNames(t connectors.Table) (names []string) {
	for _, f := range t.Fields {
		names = append(names, f.Name)
	}
	return names
}

// uses collects what is done with each table.
type uses struct {
	*Set
	byTable map[string]*connectors.Use
}

func (u *uses) of(table string) *connectors.Use {
	if u.byTable[table] == nil {
		u.byTable[table] = &connectors.Use{Table: table}
	}
	return u.byTable[table]
}

// lock adds that rows of a table are locked; those that no silo governs, and that cannot be addressed, never are.
func (u *uses) lock(t connectors.Table, fields ...string) *connectors.Use {
	use := u.of(t.Name)
	if len(t.Key) == 0 {
		return use
	}
	use.Lock = true
	use.Fields, _, _ = Union(use.Fields, slices.Concat(t.Key, fields))
	return use
}

// governed adds what becomes of a silo's rows of a table. Rows that cannot be addressed are left: that they would go
// is what stands in the way.
func (u *uses) governed(j *judge.Judge) {
	if len(j.Table.Key) == 0 {
		u.of(j.Table.Name).Delete = true
		return
	}
	use := u.lock(j.Table, fieldNames(j.Table)...)
	use.Update, _, _ = Union(use.Update, j.Writes())
	u.deleted(j, j.Table, map[string]bool{})
	for _, o := range j.Records.Owns {
		owned, _ := u.Store.Tables.Find(o.Table)
		u.lock(owned).Delete = true
		u.referring(owned)
	}
}

// deleted adds what follows where rows of a table go by what the records of a silo declare.
func (u *uses) deleted(j *judge.Judge, t connectors.Table, seen map[string]bool) {
	if seen[t.Name] || len(t.Key) == 0 {
		return
	}
	seen[t.Name] = true
	u.lock(t).Delete = true
	u.referring(t)
	for _, e := range u.To[t.Name] {
		switch e.Do[j] {
		case string(judge.SetNull):
			if len(e.Nullable) != len(e.Fields) {
				continue // Cannot says so
			}
			use := u.lock(e.From, e.Fields...)
			use.Update, _, _ = Union(use.Update, e.Fields)
		case string(judge.Delete):
			if wholly := slices.ContainsFunc(u.Store.Governed[e.Child],
				func(j *judge.Judge) bool { return len(j.Records.Where) == 0 }); !wholly {
				u.deleted(j, e.From, seen)
			}
		}
	}
}

// referring adds that rows are looked at which refer to those of a table.
func (u *uses) referring(t connectors.Table) {
	for _, e := range u.To[t.Name] {
		if e.Outside.Table == "" {
			u.lock(e.From, e.Fields...)
		}
	}
}

// detached adds that references which can be NULL are emptied where rows refer to each other in a circle, and the
// engine minds.
func (u *uses) detached() {
	if u.Store.Defers() {
		return
	}
	goes := func(table string) bool { return u.byTable[table] != nil && u.byTable[table].Delete }
	for _, e := range u.List {
		known := e.OnDelete != "" && goes(e.Child) && goes(e.Parent)
		if known && len(e.Nullable) > 0 && u.leads(e.Parent, e.Child, goes) {
			use := u.lock(e.From, e.Fields...)
			use.Update, _, _ = Union(use.Update, e.Nullable)
		}
	}
}

// leads reports whether rows of one table refer to those of another, by way of tables of which rows go.
func (u *uses) leads(from, to string, goes func(string) bool) bool {
	reached := []string{from}
	for i := 0; i < len(reached); i++ {
		for _, e := range u.List {
			if e.Child == reached[i] && e.OnDelete != "" && goes(e.Parent) && !slices.Contains(reached, e.Parent) {
				reached = append(reached, e.Parent)
			}
		}
	}
	return slices.Contains(reached, to)
}
