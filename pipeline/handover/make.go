package handover

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"lethe/classifiers"
	"lethe/pipeline/audit"
	"lethe/pipeline/audit/page/lang"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/requests"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
	"lethe/pipeline/state"
)

// ErrMissing says that not all was looked at.
var ErrMissing = errors.New("not all was looked at")

// Make makes the document of one request from what was found. It reads the registry, for consents, and what the last
// night said of fields.
func Make(ctx context.Context, p *setup.Setup, ask requests.Ask, found *requests.Section,
	o Options) (*Document, error) {
	if len(found.Missing) > 0 && !o.Incomplete {
		return nil, fmt.Errorf("%w: %s: put it right and export again, or hand over what there is with "+
			"--incomplete: the answer names what is missing, and the request stays open", ErrMissing, found.Missing[0])
	}
	words, err := lang.In(o.Language)
	if err != nil {
		return nil, fmt.Errorf("%w: --language: %w", setup.ErrUsage, err)
	}
	i := slices.IndexFunc(p.Silos, func(c *policy.Compiled) bool { return c.Silo.Name == ask.Silo })
	m := &maker{setup: p, silo: p.Silos[i], found: found, options: o, say: words}
	if m.fields, err = categories(ctx, p); err != nil {
		return nil, err
	}
	m.doc = &Document{Schema: SchemaID(o.As), As: o.As, Language: words.Code, Controller: o.Company, Silo: ask.Silo,
		Request: found.Request, Received: day(found.Received, p.Zone), MadeOn: day(found.AsOf, p.Zone),
		Purposes: []Purpose{}, Records: []Record{}, Consents: []Consent{}, Holders: []Holder{}, Copies: []Copy{},
		Withheld: []Withheld{}, Missing: []string{}, Rights: []Right{}}
	if err := m.records(); err != nil {
		return nil, err
	}
	if o.As == Portability {
		return m.doc, nil
	}
	m.purposes()
	m.copies()
	m.rights()
	for _, l := range found.Missing {
		m.doc.Missing = append(m.doc.Missing, l.Source)
	}
	return m.doc, m.consents(ctx, ask)
}

// maker makes one document.
type maker struct {
	setup   *setup.Setup
	silo    *policy.Compiled
	found   *requests.Section
	options Options
	say     *lang.Words
	fields  map[string]string // the category of source.table.field
	doc     *Document
}

// categories are what the newest night that looked says of the fields of live sources.
func categories(ctx context.Context, p *setup.Setup) (found map[string]string, err error) {
	found = map[string]string{}
	j, _, err := state.Book(ctx, p)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	runs, err := j.Runs(ctx, 60)
	if err != nil {
		return nil, err
	}
	f, err := state.Newest(runs, func(f *audit.Facts) bool { return len(f.Inventory) > 0 })
	if err != nil || f == nil {
		return found, err
	}
	for _, row := range f.Inventory {
		if row.Column != "" && row.Category != string(classifiers.None) {
			found[row.Source+"."+row.Object+"."+row.Column] = row.Category
		}
	}
	return found, nil
}

// source is the configured source of a hit.
func (m *maker) source(name string) setup.Source {
	i := slices.IndexFunc(m.setup.Sources, func(s setup.Source) bool { return s.Name == name })
	return m.setup.Sources[i]
}

// records takes up the rows that are the person's: those of live sources, and of backups those that are not so there.
func (m *maker) records() error {
	included := map[string]bool{}
	live := map[string]bool{}
	for _, h := range m.found.Hits {
		name := h.Source + "." + h.Table + ":" + strings.Join(h.Key, ",")
		confirmed := !h.How.Certain() && slices.Contains(m.options.Include, name)
		included[name] = included[name] || confirmed
		if !h.How.Certain() && !confirmed {
			continue
		}
		s := m.source(h.Source)
		same := s.System() + "\x1f" + h.Table + "\x1f" + contents(h)
		if !h.Backup {
			live[same] = true
		} else if live[same] {
			continue
		}
		r := m.record(h, s)
		if confirmed {
			r.How = "confirmed"
		}
		if m.options.As == Portability && !m.provided(h, &r) {
			if !h.Backup {
				m.doc.Beside++
			}
			continue
		}
		m.doc.Records = append(m.doc.Records, r)
		m.holder(s)
	}
	for _, name := range m.options.Include {
		if !included[name] {
			return fmt.Errorf("%w: --include %s: no row of that name may be the person's: `lethe request find --rows` "+
				"names those, as source.table:key", setup.ErrUsage, name)
		}
	}
	return nil
}

// contents is all that stands in a row.
func contents(h *requests.Hit) string {
	var b strings.Builder
	h.Cells(func(field string, value []byte) { fmt.Fprintf(&b, "%s=%t%q;", field, value == nil, value) })
	return b.String()
}

// record is a row in words and values.
func (m *maker) record(h *requests.Hit, s setup.Source) Record {
	r := Record{Application: s.Application, Source: s.System(), Table: h.Table, How: string(h.How), Copy: h.Backup,
		Fields: []Field{}}
	if d := h.Decision; d != nil {
		r.Reason = string(d.Reason)
		for id, rule := range m.silo.InForce(m.found.AsOf) {
			if slices.Contains(d.Grounds, id) && !slices.Contains(r.Grounds, rule.Purpose) {
				r.Grounds = append(r.Grounds, rule.Purpose)
			}
		}
		if d.Until.Known() {
			r.Until = d.Until.String()
		}
	}
	h.Cells(func(name string, value []byte) { r.Fields = append(r.Fields, m.field(s, h.Table, name, value)) })
	return r
}

// field is one field of a row; a password is nobody's to read.
func (m *maker) field(s setup.Source, table, name string, value []byte) Field {
	at := s.System() + "." + table + "." + name
	f := Field{Name: name, Category: m.fields[at], Withheld: m.options.Withheld[at]}
	if f.Category == string(classifiers.Secret) {
		f.Withheld = cmp.Or(f.Withheld, Security)
	}
	if f.Category != "" {
		f.Words = m.say.Say("cat." + f.Category)
	}
	switch {
	case f.Withheld != "":
		w := Withheld{Source: s.System(), Table: table, Field: name, Code: f.Withheld,
			Words: m.say.Say("withheld." + string(f.Withheld))}
		if f.Shown = w.Words; !slices.Contains(m.doc.Withheld, w) {
			m.doc.Withheld = append(m.doc.Withheld, w)
		}
	case value == nil:
		f.Shown = m.say.Say("answer.empty")
	case utf8.Valid(value):
		text := string(value)
		f.Value, f.Shown = &text, lang.Name(text)
	default:
		text := base64.StdEncoding.EncodeToString(value)
		f.Value, f.Encoding, f.Shown = &text, "base64", m.say.Say("answer.bytes", int64(len(value)))
	}
	return f
}

// provided leaves of a row what the person gave, where consent or a contract keeps it (Art. 20(1)); false where that is
// nothing. Of a row that goes with another the person's own row decides, which is nobody else's: it is left out.
func (m *maker) provided(h *requests.Hit, r *Record) bool {
	if h.Decision == nil || h.Backup {
		return false
	}
	covered, all := []string{}, false
	for id, rule := range m.silo.InForce(m.found.AsOf) {
		if slices.Contains(h.Decision.Grounds, id) && (rule.Basis == policy.Consent || rule.Basis == policy.Contract) {
			covered, all = append(covered, rule.Fields...), all || len(rule.Fields) == 0
		}
	}
	r.Fields = slices.DeleteFunc(r.Fields, func(f Field) bool {
		return f.Category == "" || f.Withheld != "" || f.Value == nil || !all && !slices.Contains(covered, f.Name)
	})
	return len(r.Fields) > 0
}

// holder notes who holds the rows of a source.
func (m *maker) holder(s setup.Source) {
	h := Holder{Application: s.Application, Location: s.Location, Processor: s.Processor, Transfer: s.Transfer}
	if !slices.Contains(m.doc.Holders, h) {
		m.doc.Holders = append(m.doc.Holders, h)
	}
}

// articles of the bases.
var articles = map[policy.Basis]string{policy.Consent: "6(1)(a)", policy.Contract: "6(1)(b)",
	policy.LegalObligation: "6(1)(c)", policy.VitalInterest: "6(1)(d)", policy.PublicTask: "6(1)(e)",
	policy.LegitimateInterest: "6(1)(f)"}

// purposes are the grounds in force, each with its term.
func (m *maker) purposes() {
	for _, r := range m.silo.InForce(m.found.AsOf) {
		p := Purpose{Purpose: r.Purpose, Basis: string(r.Basis), Article: articles[r.Basis], Because: r.Because,
			Fields: append([]string{}, r.Fields...), Words: m.say.Say("basis." + string(r.Basis))}
		term := r.Period
		if p.Starts = string(r.Start); r.Basis == policy.Consent {
			term, p.Starts = r.MaxAge, "consent_given"
		}
		p.Term, p.Date, p.Age = term.String(), r.Date, r.Age
		p.Kept = m.kept(*r, p.Starts, term)
		m.doc.Purposes = append(m.doc.Purposes, p)
	}
}

// kept says for how long a ground lets data be kept: for a term from its start on, or until the start itself, which
// then is a day or an age.
func (m *maker) kept(r policy.Rule, starts string, term calendar.Period) string {
	start := "start." + starts
	switch {
	case r.Start == policy.FixedDate && term.IsZero():
		return m.say.Say("answer.kept.until", onDay(m.say, r.Date))
	case r.Start == policy.FixedDate:
		return m.say.Say("answer.kept", m.span(term), onDay(m.say, r.Date))
	case r.Start == policy.BirthPlusAge && term.IsZero():
		return m.say.Say("answer.kept.age", int64(r.Age))
	case r.Start == policy.BirthPlusAge:
		return m.say.Say("answer.kept", m.span(term), m.say.Say(start, int64(r.Age)))
	}
	return m.say.Say("answer.kept", m.span(term), m.say.Say(start))
}

// span says a period.
func (m *maker) span(p calendar.Period) string {
	var parts []string
	for _, unit := range []struct {
		key string
		n   int
	}{{"span.years", p.Years}, {"span.months", p.Months}, {"span.weeks", p.Weeks}, {"span.days", p.Days}} {
		if unit.n > 0 {
			parts = append(parts, m.say.Say(unit.key, int64(unit.n)))
		}
	}
	if len(parts) == 0 {
		return m.say.Say("span.days", int64(0))
	}
	return m.say.And(parts)
}

// copies are the backups in which rows lie, each with the day on which it is gone.
func (m *maker) copies() {
	rows := map[string]int{}
	var names []string
	for _, h := range m.found.Hits {
		if !h.Backup || !h.How.Certain() {
			continue
		}
		if rows[h.Source] == 0 {
			names = append(names, h.Source)
		}
		rows[h.Source]++
	}
	for _, name := range names {
		s := m.source(name)
		c := Copy{Of: s.System(), TakenOn: day(s.TakenAt, m.setup.Zone), Rows: rows[name]}
		c.Until, _ = requests.Ends(m.setup, name)
		c.Words = m.say.Say("answer.copy.open")
		if c.Until != "" {
			c.Words = m.say.Say("answer.copy", onDay(m.say, c.Until))
		}
		m.doc.Copies = append(m.doc.Copies, c)
	}
}

// onDay says a civil day in a language; what is none stays as it is.
func onDay(say *lang.Words, civil string) string {
	t, err := time.Parse(time.DateOnly, civil)
	if err != nil {
		return civil
	}
	return say.DayYear(t)
}

// rights are those that remain, by the grounds of the silo.
func (m *maker) rights() {
	has := func(bases ...policy.Basis) bool {
		for _, r := range m.silo.InForce(m.found.AsOf) {
			if slices.Contains(bases, r.Basis) {
				return true
			}
		}
		return false
	}
	for _, r := range []struct {
		key, article string
		holds        bool
	}{
		{"rectification", "16", true},
		{"erasure", "17", true},
		{"restriction", "18", true},
		{"portability", "20", has(policy.Consent, policy.Contract)},
		{"objection", "21", has(policy.LegitimateInterest, policy.PublicTask)},
		{"withdrawal", "7(3)", has(policy.Consent)},
		{"complaint", "77", true},
	} {
		if r.holds {
			m.doc.Rights = append(m.doc.Rights, Right{Article: r.article, Words: m.say.Say("right." + r.key)})
		}
	}
}

// shown are the types of events that a person is told: what they said, and what came of it.
var shown = []event.Type{event.Given, event.Refused, event.Renewed, event.Withdrawn, event.Expired, event.Invalidated,
	event.Objected, event.ObjectionUpheld, event.ObjectionOverridden, event.BasisStarted, event.BasisEnded,
	event.Restricted, event.RestrictionLifted, event.ErasureRequested, event.ErasureRefused, event.ParentalAuthorised}

// consents are what the registry has of what the person said, oldest first.
func (m *maker) consents(ctx context.Context, ask requests.Ask) (err error) {
	config := m.setup.Registry
	config.ReadOnly = true
	r, err := registry.Open(ctx, config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for i, collection := range ask.Asked.Collections {
		events, err := r.History(ctx, ask.Silo, collection, m.found.AsOf, silos.Endings(m.silo))
		if err != nil {
			return err
		}
		for _, e := range events {
			if !slices.Contains(shown, e.Type) {
				continue
			}
			c := Consent{Collection: i + 1, Type: string(e.Type), Purpose: e.Purpose, Notice: e.Notice,
				Method: e.Method, At: e.OccurredAt.UTC().Format(time.RFC3339), From: e.Source, Proof: e.Proof,
				Words: m.say.Say("event." + string(e.Type)), On: m.say.DayYear(e.OccurredAt.In(m.setup.Zone))}
			if !e.Until.IsZero() {
				c.Until = e.Until.UTC().Format(time.RFC3339)
			}
			m.doc.Consents = append(m.doc.Consents, c)
		}
	}
	return nil
}
