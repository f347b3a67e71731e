// Package processing writes the record of processing activities of GDPR Art. 30(1): a Record with an Activity for each
// silo and purpose, from the policy in force and what the newest night found in the stores. What the article asks for
// and nobody said is a Gap, with what to write. It opens nothing and holds no value of a record.
package processing

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/audit"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/words"
	"lethe/pipeline/setup"
)

// Record is the record of a controller's processing activities.
type Record struct {
	Controller Controller `json:"controller"`
	AsOf       string     `json:"as_of"`     // the civil day on which its rules are in force
	Inventory  string     `json:"inventory"` // when the stores were last read; "" no night has read them
	Activities []Activity `json:"activities"`
	Measures   []string   `json:"measures"` // technical and organisational, Art. 30(1)(g)
	Gaps       []Gap      `json:"gaps"`
}

// Controller is Art. 30(1)(a): who it is, and how it and its data protection officer are reached.
type Controller struct {
	Name         string   `json:"name"`
	Address      string   `json:"address"`
	Contact      string   `json:"contact"`
	DPO          string   `json:"data_protection_officer"`
	Jurisdiction string   `json:"jurisdiction"`
	Recipients   []string `json:"recipients"` // of all activities; nil: nobody said
	Measures     []string `json:"-"`
}

// Activity is one silo's processing for one purpose.
type Activity struct {
	Silo       string   `json:"silo"`
	Purpose    string   `json:"purpose"`       // (b)
	Subjects   []string `json:"data_subjects"` // (c)
	Data       []string `json:"categories"`    // (c): of personal data, as they were found
	Special    []string `json:"special"`       // those of them of Art. 9 and 10
	Basis      []string `json:"bases"`
	Recipients []string `json:"recipients"` // (d)
	Transfers  []string `json:"transfers"`  // (e)
	Kept       []string `json:"kept"`       // (f): how long, then what
	Stores     []string `json:"stores"`     // source: tables, where
	Owners     []string `json:"owners"`
	ReviewBy   string   `json:"review_by"` // the earliest day
}

// Gap is something that the record should say.
type Gap struct {
	Article string `json:"article"`
	What    string `json:"what"`
	Write   string `json:"write"` // where, in the configuration
}

// Of writes the record as of an instant. The inventory is the newest night's, read at an instant; none is a gap.
func Of(p *setup.Setup, c Controller, inventory []audit.Inventory, read, asOf time.Time) *Record {
	w := &writer{p: p, inventory: inventory, r: &Record{Controller: c, AsOf: asOf.In(p.Zone).Format(time.DateOnly),
		Measures: append(measures(p), c.Measures...)}}
	if len(inventory) > 0 {
		w.r.Inventory = read.In(p.Zone).Format(time.DateOnly)
	}
	w.controller()
	for _, s := range p.Silos {
		w.silo(s, asOf)
	}
	w.suppression()
	w.sources()
	return w.r
}

type writer struct {
	p         *setup.Setup
	inventory []audit.Inventory
	r         *Record
}

func (w *writer) gap(article, write, what string, args ...any) {
	g := Gap{Article: article, What: fmt.Sprintf(what, args...), Write: write}
	if !slices.Contains(w.r.Gaps, g) {
		w.r.Gaps = append(w.r.Gaps, g)
	}
}

func (w *writer) controller() {
	c := w.r.Controller
	for _, g := range []struct {
		missing           bool
		article, key, say string
	}{
		{c.Address == "", "30(1)(a)", "address under controller", "the controller's address"},
		{c.Contact == "", "30(1)(a)", "contact under controller", "how the controller is reached"},
		{c.DPO == "", "30(1)(a)", "dpo under controller, if the company has one",
			"how the data protection officer is reached"},
		{c.Recipients == nil, "30(1)(d)", "recipients under controller: [] where there is none",
			"to whom data are disclosed"},
		{len(w.inventory) == 0, "30(1)(c)", "nothing: run `lethe discover`, or a night", "which data the stores hold"},
	} {
		if g.missing {
			w.gap(g.article, g.key, "%s", g.say)
		}
	}
}

// silo adds the activities of a silo: one for each purpose of a rule in force.
func (w *writer) silo(s *policy.Compiled, asOf time.Time) {
	activities := map[string]*Activity{}
	for _, l := range words.Notice(s, asOf) {
		a := activities[l.Purpose]
		if a == nil {
			a = &Activity{Silo: s.Silo.Name, Purpose: l.Purpose, Subjects: s.Silo.DataSubjects}
			activities[l.Purpose] = a
		}
		a.rule(l)
	}
	if len(activities) > 0 && len(s.Silo.DataSubjects) == 0 {
		w.gap("30(1)(c)", "data_subjects under silos."+s.Silo.Name, "whose data the silo %s holds", s.Silo.Name)
	}
	for _, purpose := range slices.Sorted(maps.Keys(activities)) {
		a := activities[purpose]
		w.stores(a, s)
		w.recipients(a)
		for _, list := range []*[]string{&a.Data, &a.Special, &a.Basis, &a.Recipients, &a.Transfers, &a.Kept, &a.Stores,
			&a.Owners} {
			*list = unique(*list)
		}
		w.r.Activities = append(w.r.Activities, *a)
	}
	if len(activities) > 0 {
		w.proofs(s)
	}
}

// proofs adds that the registry keeps who agreed to what.
func (w *writer) proofs(s *policy.Compiled) {
	kept := "without end"
	if term := s.Silo.ProofRetention; term.IsZero() {
		w.gap("30(1)(f)", "proof_retention under silos."+s.Silo.Name,
			"how long after its end the registry keeps what people of %s agreed to", s.Silo.Name)
	} else {
		kept = words.Spell(term) + " after its end, then deleted"
	}
	w.r.Activities = append(w.r.Activities, Activity{Silo: s.Silo.Name, Purpose: "proof of what people agreed to",
		Subjects: s.Silo.DataSubjects, Data: []string{"consents, objections and requests, under keyed references"},
		Basis: []string{"a legal obligation (Art. 5(2), 7(1))"}, Kept: []string{kept},
		Stores: []string{"the consent registry"}})
}

// suppression adds the list of those who said no.
func (w *writer) suppression() {
	if w.p.Suppression.Name == "" {
		return
	}
	a := Activity{Silo: w.p.Suppression.Name, Purpose: "not to write again to who objected",
		Data: []string{"keyed references of those who objected"}, Basis: []string{"a legal obligation (Art. 21(3))"},
		Kept: []string{"for as long as the objection stands"}, Stores: []string{"the consent registry"}}
	for _, r := range w.p.Suppression.Rules {
		a.Owners, a.ReviewBy = append(a.Owners, r.Owner), r.ReviewBy
	}
	w.r.Activities = append(w.r.Activities, a)
}

// rule adds what a rule says. Its fields are looked at where the stores are.
func (a *Activity) rule(l words.NoticeLine) {
	a.Basis = append(a.Basis, l.Basis)
	a.Kept = append(a.Kept, l.Data+": "+l.Term+", then "+l.Then)
	a.Owners = append(a.Owners, l.Owner)
	if a.ReviewBy == "" || l.ReviewBy < a.ReviewBy {
		a.ReviewBy = l.ReviewBy
	}
}

// stores adds where the silo's rows lie, live and in backups, and what is in them.
func (w *writer) stores(a *Activity, s *policy.Compiled) {
	live := map[string][]string{} // source: tables
	for _, r := range s.Silo.Records {
		live[r.Source] = append(live[r.Source], r.Table)
		for _, d := range r.Dependents {
			live[r.Source] = append(live[r.Source], d.Table)
		}
		for _, o := range r.Owns {
			live[r.Source] = append(live[r.Source], o.Table)
		}
	}
	for _, src := range w.p.Sources {
		switch {
		case live[src.Name] != nil:
			tables := unique(live[src.Name])
			a.Stores = append(a.Stores, src.Name+" ("+src.Application+"): "+strings.Join(tables, ", ")+where(src))
			w.found(a, src.Name, tables, purposeFields(s, a.Purpose))
		case src.Of != "" && live[src.Of] != nil:
			a.Stores = append(a.Stores, cmp.Or(src.Set, src.Name)+": backups of "+src.Of+where(src))
		default:
			continue
		}
		if src.Processor != "" {
			a.Recipients = append(a.Recipients, "processor "+src.Processor)
		}
		if abroad(src) {
			a.Transfers = append(a.Transfers, strings.ToUpper(src.Location)+": "+cmp.Or(src.Transfer, "not stated"))
		}
	}
}

// purposeFields are the fields that a purpose's rules cover, as they are written; nil: every one.
func purposeFields(s *policy.Compiled, purpose string) (fields []string) {
	for _, r := range s.Silo.Rules {
		switch {
		case r.Purpose != purpose:
		case len(r.Fields) == 0:
			return nil
		default:
			fields = append(fields, r.Fields...)
		}
	}
	return fields
}

// found adds the categories of personal data that the newest night found in the tables, in the fields ones that the
// purpose covers, and in all fields of what goes with its rows.
func (w *writer) found(a *Activity, source string, tables, fields []string) {
	for _, i := range w.inventory {
		if i.Source != source || i.Column == "" || !slices.Contains(tables, i.Object) {
			continue
		}
		if !i.Personal() || i.Silo != "" && fields != nil && !slices.Contains(fields, i.Column) {
			continue
		}
		for _, c := range append([]string{i.Category}, strings.Split(i.Also, ";")...) {
			if c != "" && c != "none" {
				a.Data = append(a.Data, words.Spaced(c))
			}
		}
		if i.Class == "special" || i.Class == "criminal" {
			a.Special = append(a.Special, words.Spaced(i.Category))
		}
	}
}

// recipients adds the controller's, and the applications that are told of the purpose's rows.
func (w *writer) recipients(a *Activity) {
	a.Recipients = append(a.Recipients, w.r.Controller.Recipients...)
	for _, g := range w.p.Grants {
		if slices.Contains(g.Grants[a.Silo], a.Purpose) {
			a.Recipients = append(a.Recipients, "application "+g.Target)
		}
	}
}

// sources names what is not said of the stores.
func (w *writer) sources() {
	for _, src := range w.p.Sources {
		name := cmp.Or(src.Set, src.Name)
		key := " under sources." + name
		if src.Location == "" {
			w.gap("30(1)(e)", "location"+key, "in which country %s lies", name)
		}
		if src.Processor != "" && src.Agreement == "" {
			w.gap("28(3)", "agreement"+key, "where the contract with %s, who holds %s, is filed", src.Processor, name)
		}
		if src.Encrypted == "" {
			w.gap("32(1)(a)", "encrypted"+key, "whether %s is encrypted at rest", name)
		}
		if src.AuditLog == "" {
			w.gap("32(1)(b)", "audit_log"+key, "whether %s keeps who read and changed what", name)
		}
		if abroad(src) && src.Transfer == "" {
			w.gap("30(1)(e)", "transfer"+key, "what the transfer of %s to %s rests on (Art. 45 to 49)", name,
				strings.ToUpper(src.Location))
		}
	}
}

func where(src setup.Source) string {
	var parts []string
	if src.Location != "" {
		parts = append(parts, "in "+strings.ToUpper(src.Location))
	}
	if src.Processor != "" {
		parts = append(parts, "at "+src.Processor)
	}
	switch src.Encrypted {
	case "yes":
		parts = append(parts, "encrypted at rest")
	case "no":
		parts = append(parts, "not encrypted at rest")
	}
	switch src.AuditLog {
	case "yes":
		parts = append(parts, "with a log of who read and changed what")
	case "no":
		parts = append(parts, "without a log of who read and changed what")
	}
	if !src.Keep.IsZero() {
		parts = append(parts, "kept for "+words.Spell(src.Keep))
	}
	if parts == nil {
		return ""
	}
	return ", " + strings.Join(parts, ", ")
}

// eea are the countries to which data go freely: the members of the Union, Iceland, Liechtenstein and Norway.
const eea = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK"

// abroad reports whether a store is said to lie outside the EEA.
func abroad(src setup.Source) bool {
	return src.Location != "" && !slices.Contains(strings.Fields(eea), strings.ToUpper(src.Location))
}

// measures are those that Lethe itself takes, and knows.
func measures(p *setup.Setup) []string {
	var plain []string
	for _, s := range p.Sources {
		if s.Plaintext {
			plain = append(plain, s.Name)
		}
	}
	tls := "Database servers are reached over TLS with a verified certificate"
	if plain != nil {
		tls += ", except " + strings.Join(unique(plain), ", ")
	}
	people := "two people"
	if p.Approvals == 1 {
		people = "one person"
	}
	return []string{tls + ".",
		"The consent registry and the evidence name people by keyed references only (HMAC-SHA256), with a key of " +
			"their own for each silo; the keys are kept encrypted.",
		"Stores and backups are compared with what people agreed to in every run; what is out of term is erased, in " +
			"backups too.",
		"Erasure is approved by " + people + " with signatures over what is erased, or by a standing order with " +
			"limits; answers are chained and kept twice.",
		"What was done is published as signed evidence, each night's naming the one before."}
}

// unique sorts, and leaves out what is twice.
func unique(list []string) []string {
	out := slices.Clone(list)
	slices.Sort(out)
	return slices.Compact(out)
}
