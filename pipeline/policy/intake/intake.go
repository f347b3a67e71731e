// Package intake is how a table in which an application keeps consents becomes events of the registry: a
// Mapping of its fields, with the State that a row says and the Trust that its word deserves; a Cell is a
// text that stands in a field or is the same for all rows.
package intake

import (
	"maps"
	"slices"

	"lethe/pipeline/policy/names"
	"lethe/pipeline/policy/subject"
)

// Mapping maps a table in which an application keeps what people agreed to: its rows become events of the
// registry. A row says one thing for each state whose conditions it fulfils. One that disappears says
// nothing.
type Mapping struct {
	Source string             `yaml:"source"`
	Table  string             `yaml:"table"`
	Where  map[string]*string `yaml:"where,omitempty"` // only rows whose fields hold these values; null is NULL
	// who said it, as the configuration has it: identifiers of the row itself, and of other tables
	Written    *subject.Written  `yaml:"subject" json:"-"`
	Subject    map[string]string `yaml:"-"`                   // identifier kind: field
	Via        []subject.Via     `yaml:"-" json:",omitempty"` // identifiers that stand in other tables
	Purpose    string            `yaml:"purpose"`
	Collection string            `yaml:"collection,omitempty"` // field that holds the id of the act of collecting
	// field with the instant at which the row came to be: an opt-in of that instant, without a method, is a
	// default
	Created   string `yaml:"created,omitempty"`
	Given     *State `yaml:"given,omitempty"`
	Withdrawn *State `yaml:"withdrawn,omitempty"`
	Refused   *State `yaml:"refused,omitempty"`
	Objected  *State `yaml:"objected,omitempty"`
	Method    *Cell  `yaml:"method,omitempty"`   // how people agreed
	Notice    *Cell  `yaml:"notice,omitempty"`   // what they were shown
	Evidence  *Cell  `yaml:"evidence,omitempty"` // the proof of it; always a field
	Trust     Trust  `yaml:"trust"`
}

// UnmarshalYAML reads the mapping, and who its rows speak for.
func (m *Mapping) UnmarshalYAML(unmarshal func(any) error) error {
	type plain Mapping
	err := unmarshal((*plain)(m))
	if err == nil && m.Written != nil {
		m.Subject, m.Via = m.Written.Fields, m.Written.Via
	}
	return err
}

// State says which rows say that something happened, and when.
type State struct {
	// fields and their values, null is NULL; none: rows whose At is filled
	When map[string]*string `yaml:"when,omitempty"`
	At   string             `yaml:"at,omitempty"` // field with the instant
}

// Trust says how much an application's word is worth.
type Trust string

// The grades. Only the first is evidence (Art. 7(1)); the others are recorded, do not count, and are reported.
const (
	ProvenByRow  Trust = "proven"  // the row holds a proof
	StatedByRow  Trust = "stated"  // it says when and how, and nothing proves it
	SetByDefault Trust = "default" // the system set it, no person did
)

// Cell is a text that stands in a field of the row, or is the same for all rows: `method: {field:
// opt_in_source}`, `method: web`.
type Cell struct {
	Text  string
	Field string
	Words map[string]string // what the application writes: what it means; others keep their name
}

// UnmarshalYAML reads a text, or a mapping with field and words.
func (c *Cell) UnmarshalYAML(unmarshal func(any) error) error {
	if err := unmarshal(&c.Text); err == nil {
		return nil
	}
	var m struct {
		Field string            `yaml:"field"`
		Words map[string]string `yaml:"words,omitempty"`
	}
	err := unmarshal(&m)
	c.Text, c.Field, c.Words = "", m.Field, m.Words
	return err
}

// States returns the states that the mapping names, by the type of their event, in the order in which doubt
// is resolved.
func (m *Mapping) States() []NamedState {
	var list []NamedState
	for _, s := range []NamedState{{"given", m.Given}, {"refused", m.Refused}, {"withdrawn", m.Withdrawn},
		{"objected", m.Objected}} {
		if s.State != nil {
			list = append(list, s)
		}
	}
	return list
}

// NamedState is a state with the type of its event.
type NamedState struct {
	Type string
	*State
}

// Fields returns the names of the fields that the mapping reads, sorted. The table's key is not among them.
func (m *Mapping) Fields() []string {
	names := map[string]bool{m.Collection: true, m.Created: true}
	for _, f := range m.Subject {
		names[f] = true
	}
	for f := range m.Where {
		names[f] = true
	}
	for _, s := range m.States() {
		names[s.At] = true
		for f := range s.When {
			names[f] = true
		}
	}
	for _, c := range []*Cell{m.Method, m.Notice, m.Evidence} {
		if c != nil {
			names[c.Field] = true
		}
	}
	delete(names, "")
	return slices.Sorted(maps.Keys(names))
}

// Check reports what is wrong with the mapping by itself; whether its purpose is one of the silo's, the
// silo knows.
func (m *Mapping) Check(report func(format string, args ...any)) {
	if m.Source == "" || m.Table == "" {
		report("source or table is missing: name both")
	}
	subject.Check(m.Written, m.Via, m.Table, report)
	if len(m.Subject)+len(m.Via) == 0 && !m.Written.Amiss() {
		report("subject is missing: say which field identifies the person, for example subject: {email: email}")
	}
	for kind, field := range m.Subject {
		if kind == "" || field == "" {
			report("subject has an entry without kind or field: write it as {email: email}")
		}
	}
	m.checkStates(report)
	for name, c := range map[string]*Cell{"method": m.Method, "notice": m.Notice, "evidence": m.Evidence} {
		if c != nil && c.Text == "" && c.Field == "" {
			report("%s is empty: write a text, or {field: NAME}", name)
		}
	}
	m.checkProof(report)
}

// checkStates reports what is wrong with the states and their instants.
func (m *Mapping) checkStates(report func(format string, args ...any)) {
	if len(m.States()) == 0 {
		report("no state: say at least which rows mean given, or withdrawn, as given: {when: {opt_in: \"1\"}, at: " +
			"opt_in_at}")
	}
	for _, state := range m.States() {
		if state.At == "" && len(state.When) == 0 {
			report("%s names neither when nor at: every row would say it, name a field that tells", state.Type)
		}
	}
	if m.Given != nil && names.LastModified(m.Given.At) {
		report("given: at: %s looks like a last-modified field, by which any mass update would renew every consent: "+
			"name the field with the instant of the opt-in, or leave at out", m.Given.At)
	}
	if names.LastModified(m.Created) {
		report("created: %s looks like a last-modified field: "+
			"name the field with the instant at which the row came to be",
			m.Created)
	}
}

// checkProof reports what is wrong with the notice, the trust and the evidence.
func (m *Mapping) checkProof(report func(format string, args ...any)) {
	if m.Given != nil && m.Notice == nil {
		report("notice is missing: a consent needs the notice that was shown, write its version, or {field: NAME}")
	}
	if !slices.Contains([]Trust{ProvenByRow, StatedByRow, SetByDefault}, m.Trust) {
		report("trust is %q: use %s or %s or %s", m.Trust, ProvenByRow, StatedByRow, SetByDefault)
	}
	switch {
	case m.Evidence == nil && m.Trust == ProvenByRow && m.Given != nil:
		report("trust is proven, but no evidence is named: name the field that holds the proof, or say stated")
	case m.Evidence != nil && m.Evidence.Field == "":
		report("evidence: %s is the same for every row, which proves nothing: name a field, as evidence: {field: NAME}",
			m.Evidence.Text)
	case m.Evidence != nil && m.Trust != ProvenByRow:
		report("evidence is named, but trust is %s: say proven, or remove evidence", m.Trust)
	}
}
