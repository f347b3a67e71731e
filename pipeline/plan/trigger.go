package plan

import (
	"slices"

	"lethe/connectors"
	"lethe/pipeline/judge"
	"lethe/pipeline/stores"
)

// Trigger is a trigger that a plan's changes run in a source, at once or by way of another trigger.
type Trigger struct {
	Source string   `json:"source"`
	Table  string   `json:"table"`
	Name   string   `json:"name"`
	Event  string   `json:"event"`
	Writes []string `json:"writes,omitempty"` // tables that its text names as written to
	Calls  []string `json:"calls,omitempty"`  // procedures that its text calls
	Digest string   `json:"digest"`           // of its text, sha256, hex
}

// triggerOf is what a plan says of a trigger of a source.
func triggerOf(source string, r connectors.Run) Trigger {
	return Trigger{Source: source, Table: r.Table, Name: r.Name, Event: r.Event, Writes: r.Tables(), Calls: r.Calls,
		Digest: r.Digest}
}

// Said says it in one sentence.
func (t Trigger) Said() string {
	r := connectors.Run{Table: t.Table, Trigger: connectors.Trigger{Name: t.Name, Event: t.Event, Calls: t.Calls}}
	for _, table := range t.Writes {
		r.Writes = append(r.Writes, connectors.Written{Table: table})
	}
	return r.Said()
}

// Key is equal for triggers that are the same and do the same.
func (t Trigger) Key() [5]string { return [5]string{t.Source, t.Table, t.Name, t.Event, t.Digest} }

// Runs are the triggers that the changes of a plan run in a source, by the catalog that the source has.
func (d *Document) Runs(s *stores.Store) (list []Trigger) {
	var changes []connectors.Written
	goes := func(table string) bool {
		return slices.Contains(changes, connectors.Written{Table: table, Event: "DELETE"})
	}
	for _, c := range d.Counts {
		if c.Source != s.Name {
			continue
		}
		event := "UPDATE"
		if c.Change == string(judge.Delete) {
			event = "DELETE"
		}
		changes = append(changes, connectors.Written{Table: c.Table, Event: event})
	}
	for _, t := range s.Tables {
		if goes(t.Name) && (!s.Defers() || emptied(t, goes)) && circular(s.Tables, t, goes) { // references are emptied
			changes = append(changes, connectors.Written{Table: t.Name, Event: "UPDATE"})
		}
	}
	for _, r := range s.Tables.Runs(changes...) {
		list = append(list, triggerOf(s.Name, r))
	}
	return list
}

// emptied reports whether the engine empties references of a table to rows that go.
func emptied(t connectors.Table, goes func(string) bool) bool {
	return slices.ContainsFunc(t.ForeignKeys, func(fk connectors.ForeignKey) bool {
		return goes(fk.RefTable) && (fk.OnDelete == "SET NULL" || fk.OnDelete == "SET DEFAULT")
	})
}

// circular reports whether rows of a table refer to rows of it, by way of tables of which rows go.
func circular(tables connectors.Tables, of connectors.Table, goes func(string) bool) bool {
	reached := []string{of.Name}
	for i := 0; i < len(reached); i++ {
		t, _ := tables.Find(reached[i])
		for _, fk := range t.ForeignKeys {
			if fk.RefTable == of.Name {
				return true
			}
			if goes(fk.RefTable) && !slices.Contains(reached, fk.RefTable) {
				reached = append(reached, fk.RefTable)
			}
		}
	}
	return false
}
