package policy

import (
	"maps"
	"slices"
	"strings"
)

// Intake maps a table in which an application keeps what people agreed to: its rows become events of the
// registry. A row says one thing for each state whose conditions it fulfils. One that disappears says
// nothing.
type Intake struct {
	Source     string             `yaml:"source"`
	Table      string             `yaml:"table"`
	Where      map[string]*string `yaml:"where,omitempty"` // only rows whose fields hold these values; null is NULL
	Subject    map[string]string  `yaml:"subject"`         // identifier kind: field
	Purpose    string             `yaml:"purpose"`
	Collection string             `yaml:"collection,omitempty"` // field that holds the id of the act of collecting
	Created    string             `yaml:"created,omitempty"`    // field with the instant at which the row came to be: an opt-in of that instant, without a method, is a default
	Given      *RowState          `yaml:"given,omitempty"`
	Withdrawn  *RowState          `yaml:"withdrawn,omitempty"`
	Refused    *RowState          `yaml:"refused,omitempty"`
	Objected   *RowState          `yaml:"objected,omitempty"`
	Method     *Cell              `yaml:"method,omitempty"`   // how people agreed
	Notice     *Cell              `yaml:"notice,omitempty"`   // what they were shown
	Evidence   *Cell              `yaml:"evidence,omitempty"` // the proof of it; always a field
	Trust      Trusted            `yaml:"trust"`
}

// RowState says which rows say that something happened, and when.
type RowState struct {
	When map[string]*string `yaml:"when,omitempty"` // fields and their values, null is NULL; none: rows whose At is filled
	At   string             `yaml:"at,omitempty"`   // field with the instant
}

// Trusted says how much an application's word is worth.
type Trusted string

// The grades. Only the first is evidence (Art. 7(1)); the others are recorded, do not count, and are reported.
const (
	ProvenByRow  Trusted = "proven"  // the row holds a proof
	StatedByRow  Trusted = "stated"  // it says when and how, and nothing proves it
	SetByDefault Trusted = "default" // the system set it, no person did
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
func (m *Intake) States() []NamedState {
	var list []NamedState
	for _, s := range []NamedState{{"given", m.Given}, {"refused", m.Refused}, {"withdrawn", m.Withdrawn}, {"objected", m.Objected}} {
		if s.RowState != nil {
			list = append(list, s)
		}
	}
	return list
}

// NamedState is a state with the type of its event.
type NamedState struct {
	Type string
	*RowState
}

// Fields returns the names of the fields that the mapping reads, sorted. The table's key is not among them.
func (m *Intake) Fields() []string {
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

// IsMarketing reports whether a rule of the silo uses the purpose for direct marketing.
func (s *Silo) IsMarketing(purpose string) bool {
	return slices.ContainsFunc(s.Rules, func(r Rule) bool { return r.Purpose == purpose && r.Marketing })
}

// checkIntake checks the mappings of a silo's consents.
func checkIntake(p *problems, s *Silo) {
	for i := range s.Consents {
		m := &s.Consents[i]
		m.check(p.under("consents %d (%s.%s)", i+1, m.Source, m.Table), s)
	}
}

func (m *Intake) check(p *problems, s *Silo) {
	if m.Source == "" || m.Table == "" {
		p.add("source or table is missing: name both")
	}
	if len(m.Subject) == 0 {
		p.add("subject is missing: say which field identifies the person, for example subject: {email: email}")
	}
	for kind, field := range m.Subject {
		if kind == "" || field == "" {
			p.add("subject has an entry without kind or field: write it as {email: email}")
		}
	}
	byConsent := func(r Rule) bool { return r.Purpose == m.Purpose && r.Basis == Consent }
	switch {
	case m.Purpose == "":
		p.add("purpose is missing: say what people agree to, in the word of the silo's rules")
	case !slices.ContainsFunc(s.Rules, func(r Rule) bool { return r.Purpose == m.Purpose }):
		p.add("purpose %q is in no rule of the silo: name one of theirs", m.Purpose)
	case m.Given != nil && !slices.ContainsFunc(s.Rules, byConsent):
		p.add("purpose %q does not rest on consent, so none can be given for it: remove given, or name a purpose whose basis is consent", m.Purpose)
	}
	if len(m.States()) == 0 {
		p.add("no state: say at least which rows mean given, or withdrawn, as given: {when: {opt_in: \"1\"}, at: opt_in_at}")
	}
	for _, state := range m.States() {
		if state.At == "" && len(state.When) == 0 {
			p.add("%s names neither when nor at: every row would say it, name a field that tells", state.Type)
		}
	}
	if m.Given != nil && lastModified(m.Given.At) {
		p.add("given: at: %s looks like a last-modified field, by which any mass update would renew every consent: name the field with the instant of the opt-in, or leave at out", m.Given.At)
	}
	if lastModified(m.Created) {
		p.add("created: %s looks like a last-modified field: name the field with the instant at which the row came to be", m.Created)
	}
	for name, c := range map[string]*Cell{"method": m.Method, "notice": m.Notice, "evidence": m.Evidence} {
		if c != nil && c.Text == "" && c.Field == "" {
			p.add("%s is empty: write a text, or {field: NAME}", name)
		}
	}
	if m.Given != nil && m.Notice == nil {
		p.add("notice is missing: a consent needs the notice that was shown, write its version, or {field: NAME}")
	}
	p.oneOf("trust", string(m.Trust), string(ProvenByRow), string(StatedByRow), string(SetByDefault))
	switch {
	case m.Evidence == nil && m.Trust == ProvenByRow && m.Given != nil:
		p.add("trust is proven, but no evidence is named: name the field that holds the proof, or say stated")
	case m.Evidence != nil && m.Evidence.Field == "":
		p.add("evidence: %s is the same for every row, which proves nothing: name a field, as evidence: {field: NAME}", m.Evidence.Text)
	case m.Evidence != nil && m.Trust != ProvenByRow:
		p.add("evidence is named, but trust is %s: say proven, or remove evidence", m.Trust)
	}
}

// CheckSuppression checks a silo that is a suppression list, which is not compiled: it has no data but
// references, and one rule that says why.
func CheckSuppression(s Silo) error {
	p := &problems{place: "silo " + s.Name}
	if len(s.Records) > 0 || len(s.Consents) > 0 || len(s.Anonymize) > 0 {
		p.add("suppression: true is for a list of references: remove records, consents and anonymize")
	}
	if len(s.Rules) != 1 {
		p.add("suppression: true needs one rule that says why the list is kept: purpose, basis (legal_obligation or legitimate_interest), because, owner and review_by")
		return p.join()
	}
	r := s.Rules[0]
	rp := p.under("rule 1 (%s)", r.Purpose)
	if r.Purpose == "" {
		rp.add("purpose is missing: write suppression")
	}
	rp.oneOf("basis", string(r.Basis), string(LegalObligation), string(LegitimateInterest))
	for _, text := range []struct{ key, value string }{{"because", r.Because}, {"owner", r.Owner}, {"review_by", r.ReviewBy}} {
		if strings.TrimSpace(text.value) == "" {
			rp.add("%s is missing", text.key)
		}
	}
	rp.date("review_by", r.ReviewBy, 0)
	if r.Start != "" || !r.Period.IsZero() || !r.MaxAge.IsZero() || r.End != "" || len(r.Fields) > 0 {
		rp.add("a no to marketing has no end of its own: remove start, period, max_age, end and fields")
	}
	return p.join()
}
