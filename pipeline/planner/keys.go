package planner

import (
	"slices"

	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/plan"
	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/scan"
	"lethe/pipeline/stores"
)

// keys are the fields of the keys of tables of a plan, with what may be shown of their values to who has to answer it.
// A backup may hold too few rows to tell: what its live store hides is hidden there.
func (pl *Planner) keys(s *stores.Store, tables []string) map[string][]plan.KeyField {
	look, of := pl.look(s), (*keyLook)(nil)
	if live := pl.Stores.Find(s.Of); live != nil && live.Err == nil {
		of = pl.look(live)
	}
	keys := map[string][]plan.KeyField{}
	for _, name := range tables {
		t, _ := s.Tables.Find(name)
		for _, field := range t.Key {
			personal := look.personal(t, field)
			if of != nil && len(of.inventory) > 0 {
				if live, ok := of.store.Tables.Find(name); ok {
					personal = personal || of.personal(live, field)
				}
			}
			keys[name] = append(keys[name], plan.KeyField{Name: field, Personal: personal})
		}
	}
	return keys
}

func (pl *Planner) look(s *stores.Store) *keyLook {
	k := &keyLook{store: s, seen: map[[2]string]bool{}}
	if read := pl.Scanner.Of(s.Name); read != nil && read.Surveyed {
		k.inventory = pl.Scanner.Inventory(read)
	}
	return k
}

// keyLook looks which fields of keys may be shown.
type keyLook struct {
	store     *stores.Store
	inventory []audit.Inventory
	seen      map[[2]string]bool // tables and fields that are being looked at
}

// personal reports whether the values of a field say something of people: the classifiers or a person found it, the
// policy knows people by it, or it repeats such a field of another table. A field that nobody looked at may.
func (k *keyLook) personal(t connectors.Table, field string) bool {
	place := [2]string{t.Name, field}
	if k.seen[place] {
		return false
	}
	k.seen[place] = true
	defer delete(k.seen, place)

	i := slices.IndexFunc(k.inventory, func(i audit.Inventory) bool { return i.Object == t.Name && i.Column == field })
	if i < 0 || k.inventory[i].State != "scanned" || scan.Personal(k.inventory[i]) {
		return true
	}
	for _, g := range k.store.Governed[t.Name] {
		for kind, of := range g.Records.Subject {
			if of == field && kind != identifier.Customer {
				return true
			}
		}
	}
	for _, fk := range t.ForeignKeys {
		at := slices.Index(fk.Fields, field)
		parent, ok := k.store.Tables.Find(fk.RefTable)
		if at >= 0 && at < len(fk.RefFields) && ok && k.personal(parent, fk.RefFields[at]) {
			return true
		}
	}
	return false
}
