package plan

import "lethe/connectors"

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

// TriggerOf is what a plan says of a trigger of a source.
func TriggerOf(source string, r connectors.Run) Trigger {
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
