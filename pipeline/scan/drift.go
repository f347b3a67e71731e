package scan

import (
	"cmp"
	"sort"
	"strings"

	"lethe/pipeline/audit"
	"lethe/pipeline/notes"
	"lethe/pipeline/stores"
)

// places is what was known of the places of tables: by table, then by field; "" is the table itself.
type places map[notes.Object]map[string]audit.Inventory

// Drift marks what is new, changed or gone since it was last read, and keeps the date at which each place
// was first seen. Nothing is gone because it could not be read tonight.
func (sc *Scanner) Drift(sources []*stores.Store) {
	earlier := places{}
	for table, rows := range sc.before() {
		earlier[table] = map[string]audit.Inventory{}
		for _, i := range rows {
			earlier[table][i.Column] = i
		}
	}

	for i := range sc.Notes.Facts.Inventory {
		earlier.mark(&sc.Notes.Facts.Inventory[i])
	}
	sc.addGone(earlier, sources)
	inOrder(sc.Notes.Facts.Inventory)
}

// mark says of one place how it differs from what was known of it, and takes it from what is not met yet.
func (p places) mark(now *audit.Inventory) {
	table := notes.Object{Source: now.Source, Table: now.Object}
	if now.Column == "" && now.State != "scanned" {
		old := p[table][""]
		p[table] = map[string]audit.Inventory{} // its fields are not gone: nobody looked
		if old.FirstSeen != "" {
			p[table][""] = old
		}
	}

	old, known := p[table][now.Column]
	delete(p[table], now.Column)
	switch {
	case !known:
		now.Change = "new"
	case old.Category != now.Category || old.Also != now.Also || old.Type != now.Type ||
		old.State != now.State || old.Silo != now.Silo:
		now.Change, now.FirstSeen = "changed", old.FirstSeen
	default:
		now.Change, now.FirstSeen = "same", old.FirstSeen
	}
}

// addGone reports what nobody met tonight as gone, where its source was read to its end, or is configured no
// more. A night that read no source says nothing of those that left the configuration.
func (sc *Scanner) addGone(unmet places, sources []*stores.Store) {
	read, configured := map[string]bool{}, map[string]bool{}
	for _, s := range sources {
		configured[s.Name] = true
	}
	for _, s := range sc.Whole() {
		read[s.Name] = true
	}

	for table, rows := range unmet {
		if !read[table.Source] && (configured[table.Source] || len(read) == 0) {
			continue
		}
		for _, old := range rows {
			old.Change, old.State = "gone", "gone"
			sc.Notes.Facts.Inventory = append(sc.Notes.Facts.Inventory, old)
		}
	}
}

// inOrder sorts by source and table; the fields stand in the order of their table, those that are gone last.
func inOrder(inventory []audit.Inventory) {
	place := map[notes.Object]map[string]int{}
	for i, row := range inventory {
		table := notes.Object{Source: row.Source, Table: row.Object}
		if place[table] == nil {
			place[table] = map[string]int{}
		}
		if row.Change != "gone" {
			place[table][row.Column] = i
		}
	}

	sort.SliceStable(inventory, func(i, j int) bool {
		a, b := &inventory[i], &inventory[j]
		if c := cmp.Or(strings.Compare(a.Source, b.Source), strings.Compare(a.Object, b.Object)); c != 0 {
			return c < 0
		}
		at, there := place[notes.Object{Source: a.Source, Table: a.Object}][a.Column]
		bt, too := place[notes.Object{Source: b.Source, Table: b.Object}][b.Column]
		switch {
		case there != too:
			return there
		case there:
			return at < bt
		}
		return a.Column < b.Column
	})
}
