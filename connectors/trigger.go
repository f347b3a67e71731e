package connectors

import (
	"cmp"
	"slices"
	"strings"
)

// Trigger is what the engine runs by itself when a row of a table changes. No engine says what one does; it is known
// that it is there, and which tables its text names.
type Trigger struct {
	Name   string
	Event  string    // upper case as in SQL: INSERT, UPDATE or DELETE
	Writes []Written // what its text says that it changes, or may, as far as that is simple to see, sorted
	Calls  []string  // procedures and functions that its text calls: what those change is not known
	Digest string    // of its text, and of what else decides what it does
}

// Written is a change of a table.
type Written struct {
	Table string // by its name in the catalog where it is there
	Event string // INSERT, UPDATE or DELETE
}

// Run is a trigger of a table that a change runs.
type Run struct {
	Table string
	Trigger
}

// Runs returns the triggers that changes run, at once and by what those triggers write, sorted by table and name.
func (ts Tables) Runs(changes ...Written) []Run {
	var runs []Run
	seen := map[Written]bool{}
	for len(changes) > 0 {
		change := changes[0]
		changes = changes[1:]
		if seen[change] {
			continue
		}
		seen[change] = true
		t, _ := ts.Find(change.Table)
		for _, trigger := range t.Triggers {
			if trigger.Event == change.Event {
				runs = append(runs, Run{t.Name, trigger})
				changes = append(changes, trigger.Writes...)
			}
		}
	}
	slices.SortFunc(runs, func(a, b Run) int {
		return cmp.Or(strings.Compare(a.Table, b.Table), strings.Compare(a.Name, b.Name), strings.Compare(a.Event, b.Event))
	})
	return runs
}

// Tables names the tables that a trigger writes to, each once.
func (t Trigger) Tables() (names []string) {
	for _, w := range t.Writes {
		if !slices.Contains(names, w.Table) {
			names = append(names, w.Table)
		}
	}
	return names
}

// SortWrites puts what a trigger writes in order, each once.
func SortWrites(list []Written) []Written {
	slices.SortFunc(list, func(a, b Written) int {
		return cmp.Or(strings.Compare(a.Table, b.Table), strings.Compare(a.Event, b.Event))
	})
	return slices.Compact(list)
}

// Said says a run in one sentence.
func (r Run) Said() string {
	does := "names no table that it writes to"
	if names := r.Tables(); len(names) > 0 {
		does = "writes to " + strings.Join(names, ", ")
	}
	if len(r.Calls) > 0 {
		does += "; calls " + strings.Join(r.Calls, ", ")
	}
	return "trigger " + r.Name + " on table " + r.Table + " runs at " + r.Event + " (" + does + ")"
}
