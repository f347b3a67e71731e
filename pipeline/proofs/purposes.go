package proofs

import (
	"maps"
	"slices"
	"strings"
)

// purposes says in the inventory for which purposes each table of a silo is kept, and for which each field: one that
// holds personal data and that no rule covers is kept for none. A rule that names no field covers all.
func (b *Book) purposes() {
	tables, fields := map[string]map[string]bool{}, map[string]map[string]bool{}
	add := func(to map[string]map[string]bool, key, purpose string) {
		if to[key] == nil {
			to[key] = map[string]bool{}
		}
		to[key][purpose] = true
	}
	for _, s := range b.Setup.Silos {
		for _, r := range s.Silo.Records {
			for _, rule := range s.Silo.Rules {
				add(tables, r.Source+"\x1f"+r.Table, rule.Purpose)
				if len(rule.Fields) == 0 {
					add(fields, r.Source+"\x1f"+r.Table, rule.Purpose)
				}
				for _, field := range rule.Fields {
					add(fields, r.Source+"\x1f"+r.Table+"\x1f"+field, rule.Purpose)
				}
			}
		}
	}
	inventory := b.Notes.Facts.Inventory
	for i := range inventory {
		row := &inventory[i]
		place := row.Source + "\x1f" + row.Object
		of := slices.Collect(maps.Keys(tables[place]))
		if row.Column != "" {
			of = slices.AppendSeq(slices.Collect(maps.Keys(fields[place])), maps.Keys(fields[place+"\x1f"+row.Column]))
		}
		slices.Sort(of)
		row.Rules = strings.Join(slices.Compact(of), ";")
	}
}
