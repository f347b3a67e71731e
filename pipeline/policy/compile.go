package policy

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/law"
	"lethe/pipeline/policy/names"
	"lethe/pipeline/policy/subject"
)

// Compiled is a silo whose rules were checked and made ready to decide. It does not change and may be used
// by several goroutines.
type Compiled struct {
	Silo         Silo             // as it was compiled; not to be changed
	Jurisdiction law.Jurisdiction // the silo's, or the controller's
	zone         *time.Location
	rules        []CompiledRule
	governed     []string // fields that Clear may name, sorted
	orphanGrace  calendar.Period
	anonymizes   bool
	sets         []set // one for each set of rules while there are few rules, so that Decide need not allocate
}

// CompiledRule is a Rule with its texts read.
type CompiledRule struct {
	*Rule
	Name         string
	Begins, Ends calendar.Date
	Fixed        calendar.Date
	Means        map[calendar.Date]string // Dates, read
	Strength     int                      // of the basis, when alive: an index of aliveBases
}

// set is what follows from the set of rules whose bits are set in its index.
type set struct{ ids, uncovered []string }

const (
	maxRules      = 64 // the sets of rules are bits of a uint64
	maxTableRules = 8  // up to here every set is worked out beforehand
)

// aliveBases are the bases in the order in which a live ground gives the reason for keeping.
var aliveBases = [...]Basis{LegalObligation, Contract, PublicTask, VitalInterest, LegitimateInterest, Consent}

var (
	defaultOrphanGrace = calendar.Period{Days: 30}
	// maxConsentGrace is the outer limit of 'without undue delay' (Art. 12(3), 17(1)): one month.
	maxConsentGrace = calendar.Period{Months: 1}
)

// Compile checks everything about a silo that needs no database, and joins all that is wrong into one
// error. Terms are counted in zone, the controller's; jurisdiction is the controller's (ISO 3166-1
// alpha-2), used where the silo names none.
func Compile(s Silo, zone *time.Location, jurisdiction string) (*Compiled, error) {
	c := &Compiled{Silo: s, zone: zone, orphanGrace: s.OrphanGrace, anonymizes: len(s.Anonymize) > 0}
	if c.orphanGrace.IsZero() {
		c.orphanGrace = defaultOrphanGrace
	}
	p := &problems{place: "silo " + s.Name}
	if zone == nil {
		p.add("the controller has no timezone: set controller.timezone, for example Europe/Rome")
	}
	if s.Jurisdiction != "" {
		jurisdiction = s.Jurisdiction
	}
	if len(jurisdiction) != 2 || strings.Trim(jurisdiction, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		p.add("jurisdiction %q is no country code: use two capital letters of ISO 3166-1, for example IT", jurisdiction)
	}
	c.Jurisdiction, _ = law.Of(jurisdiction)
	p.oneOf("link_scope", s.LinkScope, "", "collection", "silo")
	p.oneOf("no_match", s.NoMatch, "", string(Keep), string(Expire), DecideAlone)
	if s.Records == nil {
		p.add("no records: map the silo to at least one source and table under records, or write records: [] for a " +
			"silo that only answers who may be used")
	}
	for i, r := range s.Records {
		rp := p.under("records %d (%s.%s)", i+1, r.Source, r.Table)
		checkRecords(rp, r, s.Alone())
		checkCarriers(rp, s.Records, r)
		for j := range i {
			if !disjoint(s.Records[j], r) {
				p.add("records %d and %d both take rows of %s.%s: tell them apart with where", j+1, i+1,
					r.Source, r.Table)
			}
		}
	}
	for field := range s.Anonymize {
		if field == "" {
			p.add("anonymize has an entry without a field name: name the field")
		}
	}
	c.compileRules(p)
	checkAlone(p, &c.Silo)
	checkIntake(p, &c.Silo)
	checkRemnants(p, &c.Silo)
	if err := p.join(); err != nil {
		return nil, err
	}
	c.prepareSets()
	return c, nil
}

// Zone is where the silo's days are counted.
func (c *Compiled) Zone() *time.Location { return c.zone }

// Rules are the silo's rules in order; they are not to be changed.
func (c *Compiled) Rules() []CompiledRule { return c.rules }

// Governed are the fields that a decision may clear, sorted.
func (c *Compiled) Governed() []string { return c.governed }

// OrphanGrace is how long a row waits for the registry to know its person.
func (c *Compiled) OrphanGrace() calendar.Period { return c.orphanGrace }

// IDs are the names of the rules whose bits are set; shared, not to be changed.
func (c *Compiled) IDs(rules uint64) []string { return c.set(rules).ids }

// UncoveredBy are the fields that none of the rules whose bits are set covers, sorted; shared, not to be
// changed.
func (c *Compiled) UncoveredBy(rules uint64) []string { return c.set(rules).uncovered }

// Uncovered are the fields that would be cleared if the rule at i were the only ground left.
func (c *Compiled) Uncovered(i int) []string { return c.makeSet(1 << i).uncovered }

// InForce yields the rules that are in force at an instant, by their ids, in the order of the policy.
func (c *Compiled) InForce(asOf time.Time) iter.Seq2[string, *Rule] {
	today := calendar.DateOf(asOf, c.zone)
	return func(yield func(string, *Rule) bool) {
		for i := range c.rules {
			if ru := &c.rules[i]; ru.InForce(today) && !yield(ru.Name, ru.Rule) {
				return
			}
		}
	}
}

// InForce reports whether the rule holds on a day.
func (ru *CompiledRule) InForce(today calendar.Date) bool {
	return today >= ru.Begins && today < ru.Ends
}

// Term is how long the rule keeps what it covers.
func (ru *CompiledRule) Term() calendar.Period {
	if ru.Basis == Consent {
		return ru.MaxAge
	}
	return ru.Period
}

// CheckTables refuses two silos that claim rows of the same table without where fields that tell them
// apart: a row has one silo.
func CheckTables(silos []*Compiled) error {
	p := &problems{}
	for i, a := range silos {
		for _, b := range silos[i+1:] {
			for _, ra := range a.Silo.Records {
				for _, rb := range b.Silo.Records {
					if !disjoint(ra, rb) {
						p.add("silos %s and %s both take rows of %s.%s: a row has one silo, tell them apart with where",
							a.Silo.Name, b.Silo.Name, ra.Source, ra.Table)
					}
				}
			}
		}
	}
	return p.join()
}

// disjoint reports whether no row can belong to both: other tables, or a where field with two values.
func disjoint(a, b Records) bool {
	if a.Source != b.Source || a.Table != b.Table {
		return true
	}
	for field, value := range a.Where {
		if other, ok := b.Where[field]; ok && !subject.Together(other, value) {
			return true
		}
	}
	return false
}

func checkRecords(p *problems, r Records, alone bool) {
	if r.Source == "" || r.Table == "" {
		p.add("source or table is missing: name both")
	}
	subject.Check(r.Written, r.Via, r.Table, p.add)
	if len(r.Subject)+len(r.Via) == 0 && !r.Written.Amiss() && !alone {
		p.add("subject is missing: say which field identifies the person, for example subject: {email: email}; a " +
			"silo whose rows end by their own dates needs none (no_match: decide)")
	}
	for _, kind := range slices.Sorted(maps.Keys(r.Subject)) {
		if field := r.Subject[kind]; kind == "" || field == "" {
			p.add("subject has an entry without kind or field: write it as {email: email}")
		}
	}
	for field := range r.Where {
		if field == "" {
			p.add("where has an entry without a field name: name the field")
		}
	}
	if names.LastModified(r.Collected) {
		p.add("collected: %s looks like a last-modified field, which any mass update resets: name the field with "+
			"the day of collecting", r.Collected)
	}
	if r.Block != nil {
		checkBlock(p, r.Block)
	}
	for _, d := range r.Dependents {
		if d.Table == "" || len(d.FK) == 0 {
			p.add("a dependent lacks table or fk: name the table and the fields of its foreign key")
		}
		p.under("dependent %s", d.Table).oneOf("do", d.Do, "delete", "set_null")
	}
	for _, o := range r.Owns {
		if o.Table == "" || len(o.FK) == 0 {
			p.add("an entry of owns lacks table or fk: name the parent table and the record's fields that refer to it")
		}
	}
}

// checkBlock checks that what blocks a row is given back.
func checkBlock(p *problems, b *Block) {
	if len(b.Set) == 0 {
		p.add("block sets no field: say under set which field blocks the row's use, and under unset how to undo it")
	}
	for _, field := range slices.Sorted(maps.Keys(b.Set)) {
		free, ok := b.Unset[field]
		switch {
		case !ok:
			p.add("block sets %s but unset does not give it back: "+
				"blocking must be reversible, add the field to unset",
				field)
		case free == b.Set[field]:
			p.add("block sets and unsets %s to the same value: a blocked row could not be told from a free one",
				field)
		}
	}
	for _, field := range slices.Sorted(maps.Keys(b.Unset)) {
		if _, ok := b.Set[field]; !ok {
			p.add("block unsets %s but does not set it: name it in both, or in neither", field)
		}
	}
}

func (c *Compiled) compileRules(p *problems) {
	s := &c.Silo
	if len(s.Rules) == 0 {
		p.add("no rules: a silo without a ground cannot be decided, add at least one under rules")
	}
	if len(s.Rules) > maxRules {
		p.add("%d rules: at most %d, split the silo by purpose", len(s.Rules), maxRules)
	}
	c.rules = make([]CompiledRule, len(s.Rules))
	governed := map[string]bool{}
	for i := range s.Rules {
		r := CompiledRule{Rule: &s.Rules[i], Name: s.Rules[i].ID,
			Strength: slices.Index(aliveBases[:], s.Rules[i].Basis)}
		if r.Name == "" {
			r.Name = r.Purpose + "/" + string(r.Basis)
		}
		rp := p.under("rule %d (%s)", i+1, r.Name)
		r.Begins = rp.date("valid_from", r.From, 0)
		r.Ends = rp.date("valid_until", r.Until, calendar.MaxDate+1)
		r.Fixed = rp.date("date", r.Date, 0)
		r.Means = meanings(rp, r.Start, r.Dates)
		c.checkRule(rp, &r)
		for j, other := range c.rules[:i] {
			if other.Name == r.Name && r.Begins < other.Ends && other.Begins < r.Ends {
				rp.add("rule %d has the same id and is in force at the same time: give one of them an id, or end "+
					"one with valid_until before the other's valid_from", j+1)
			}
		}
		for j, other := range c.rules[:i] {
			if mine, theirs := r.endingEvent(), other.endingEvent(); other.Purpose == r.Purpose && mine != "" &&
				theirs != "" && mine != theirs {
				rp.add("rule %d of the same purpose ends with %s, this one with %s: a purpose has one end, give one "+
					"of them a purpose of its own", j+1, theirs, mine)
			}
		}
		for _, f := range r.Fields {
			governed[f] = true
		}
		c.rules[i] = r
	}
	for f := range s.Anonymize {
		governed[f] = true
	}
	c.governed = slices.Sorted(maps.Keys(governed))
}

// meanings reads what days mean.
func meanings(p *problems, start Start, dates map[string]string) map[calendar.Date]string {
	means := make(map[calendar.Date]string, len(dates))
	for _, day := range slices.Sorted(maps.Keys(dates)) {
		means[p.date("dates", day, 0)] = dates[day]
		p.oneOf("dates: what "+day+" means", dates[day], "open", "unknown", "real")
		if dates[day] == "open" && (start == Collected || start == BirthPlusAge) {
			p.add("dates: %s cannot mean open where start is %s, which is no end: write unknown or real", day, start)
		}
	}
	return means
}

func (c *Compiled) checkRule(p *problems, r *CompiledRule) {
	if r.Purpose == "" {
		p.add("purpose is missing: say what the data are for, in a word that the registry uses too")
	}
	if r.Strength < 0 {
		p.add("basis %q is none of Art. 6(1): use consent, contract, legal_obligation, vital_interest, public_task "+
			"or legitimate_interest", r.Basis)
	}
	if strings.TrimSpace(r.Because) == "" {
		p.add("because is missing: justify the rule in a sentence that an auditor can check")
	}
	if r.Owner == "" {
		p.add("owner is missing: name the person who answers for the rule")
	}
	if r.ReviewBy == "" {
		p.add("review_by is missing: set the date by which the rule is looked at again, as 2006-01-02")
	}
	p.date("review_by", r.ReviewBy, 0)
	if r.Begins >= r.Ends {
		p.add("valid_until %s is not after valid_from %s: the rule is never in force", r.Until, r.From)
	}
	p.oneOf("end", string(r.End), string(Delete), string(Anonymize))
	p.oneOf("else", string(r.Else), "", string(Anonymize), "none")
	p.oneOf("touched_by_updates", r.Touched, "", "known")
	if (r.End == Anonymize || r.Else == Anonymize) && !c.anonymizes {
		p.add("the rule anonymizes but the silo has no anonymize: list the fields and their techniques there")
	}
	if r.End == Anonymize && r.Else != "" {
		p.add("else is for rules that delete: remove it")
	}
	if r.Marketing && r.Basis != Consent && r.Basis != LegitimateInterest {
		p.add("marketing needs consent or legitimate_interest as its basis (Art. 21(2)): change basis, or remove " +
			"marketing")
	}
	for i, f := range r.Fields {
		if f == "" || slices.Contains(r.Fields[:i], f) {
			p.add("fields names %q twice or leaves it empty: list each field once", f)
		}
	}
	if r.Basis == Consent {
		checkConsent(p, r)
	} else if r.Strength >= 0 {
		checkTerm(p, r)
	}
}

func checkConsent(p *problems, r *CompiledRule) {
	if len(r.Dates) > 0 {
		p.add("dates says what days in the field `at` mean, and consent has none: remove it")
	}
	if r.MaxAge.IsZero() {
		p.add("max_age is missing: a consent has to end, set its longest life, for example P24M")
	}
	if r.Start != "" || r.At != "" || !r.Period.IsZero() || r.Date != "" || r.Age != 0 || r.Event != "" {
		p.add("start, at, period, date, age and event are not for consent, whose term runs from the day it was " +
			"given: remove them, max_age says how long it lasts")
	}
	if r.Grace.Longest() > maxConsentGrace.Longest() {
		p.add("grace %s is longer than a month, the outer limit for erasure after a withdrawal (Art. 12(3)): "+
			"shorten it to P1M or less", r.Grace)
	}
}

// endingEvent is the type of the registry's event that a rule takes for the end from which its period
// counts; "" of a rule that waits for none.
func (ru *CompiledRule) endingEvent() string {
	switch ru.Start {
	case ActivityEnded, RelationEnded, Inactivated, AtEvent:
		return cmp.Or(ru.Event, "basis_ended")
	}
	return ""
}

// startNeeds says which settings each starting point takes beside start.
var startNeeds = map[Start]struct {
	at, needsAt     bool
	date, age       bool
	event           bool
	periodMandatory bool
}{
	Collected:     {at: true, periodMandatory: true},
	ActivityEnded: {at: true, periodMandatory: true},
	RelationEnded: {at: true, periodMandatory: true},
	Inactivated:   {at: true, needsAt: true, periodMandatory: true},
	AtEvent:       {event: true, periodMandatory: true},
	FixedDate:     {date: true},
	BirthPlusAge:  {at: true, needsAt: true, age: true},
}

// checkAt checks the field at which a term starts: whether there may be one, and whether there must.
func checkAt(p *problems, r *CompiledRule, may, must bool) {
	switch {
	case !may && (r.At != "" || len(r.Dates) > 0):
		p.add("at does not go with start: %s, nor do dates: remove it", r.Start)
	case r.At == "" && must:
		p.add("at is missing: start: %s needs the field that holds the date", r.Start)
	case names.LastModified(r.At) && r.Touched == "":
		p.add("at: %s looks like a last-modified field, which any mass update resets: retention starts from "+
			"collecting or from an end, name such a field; if this one is such, write touched_by_updates: known", r.At)
	}
}

func checkTerm(p *problems, r *CompiledRule) {
	if !r.MaxAge.IsZero() {
		p.add("max_age is for consent: use start and period")
	}
	need, ok := startNeeds[r.Start]
	if !ok {
		p.add("start %q is no starting point: use collected, activity_ended, relation_ended, inactivated, event, "+
			"fixed_date or birth_plus_age", r.Start)
		return
	}
	if need.periodMandatory && r.Period.IsZero() {
		p.add("period is missing: say how long the data are kept after %s, for example P10Y", r.Start)
	}
	checkAt(p, r, need.at, need.needsAt)
	if (r.Date != "") != need.date {
		p.add("date goes with start: fixed_date and is needed there: write it as 2006-01-02, or remove it")
	}
	if (r.Age > 0) != need.age || r.Age < 0 || r.Age > 150 {
		p.add("age goes with start: birth_plus_age and is needed there, in years from 1 to 150")
	}
	if r.Event != "" && !need.event {
		p.add("event goes with start: event only: change start, or remove it")
	}
	if r.Basis == VitalInterest && r.At == "" && r.Start != FixedDate {
		p.add("vital_interest needs an explicit end: use start: fixed_date with date, or at with the field that " +
			"holds it")
	}
}

// prepareSets works out, for each set of rules, their ids and the governed fields that none of them covers.
func (c *Compiled) prepareSets() {
	if len(c.rules) > maxTableRules {
		return
	}
	sets := make([]set, 1<<len(c.rules))
	for mask := range sets {
		sets[mask] = c.makeSet(uint64(mask))
	}
	c.sets = sets
}

func (c *Compiled) set(mask uint64) set {
	if c.sets != nil {
		return c.sets[mask]
	}
	return c.makeSet(mask)
}

func (c *Compiled) makeSet(mask uint64) set {
	var s set
	covered := map[string]bool{}
	all := false
	for i, r := range c.rules {
		if mask&(1<<i) == 0 {
			continue
		}
		s.ids = append(s.ids, r.Name)
		all = all || len(r.Fields) == 0
		for _, f := range r.Fields {
			covered[f] = true
		}
	}
	if !all {
		for _, f := range c.governed {
			if !covered[f] {
				s.uncovered = append(s.uncovered, f)
			}
		}
	}
	s.ids, s.uncovered = slices.Clip(s.ids), slices.Clip(s.uncovered)
	return s
}

// Fields returns the names of the fields of a table that deciding and changing its rows need, sorted:
// identifiers, discriminators, collection, dates, block fields, what the rules cover, what is anonymized,
// and references to owned parents. The keys are not among them. Rules and anonymize are the silo's, so
// where it has several tables a name may stand only in some of them: the caller keeps those that the
// catalog has, and refuses a name that no table of the silo has.
func (c *Compiled) Fields(r Records) []string {
	names := map[string]bool{r.Collection: true, r.Collected: true}
	for _, f := range r.Subject {
		names[f] = true
	}
	for f := range r.Where {
		names[f] = true
	}
	if r.Block != nil {
		for f := range r.Block.Set {
			names[f] = true
		}
	}
	for _, o := range r.Owns {
		for _, f := range o.FK {
			names[f] = true
		}
	}
	for _, ru := range c.rules {
		names[ru.At] = true
	}
	for _, f := range c.governed {
		names[f] = true
	}
	delete(names, "")
	return slices.Sorted(maps.Keys(names))
}

// Clearable are the fields that a rule covers and another one does not, each with no technique: what every rule
// covers is never cleared, whichever of them is alive.
func (c *Compiled) Clearable() map[string]*string {
	spec := map[string]*string{}
	for _, r := range c.rules {
		for _, f := range r.Fields {
			without := func(o CompiledRule) bool { return len(o.Fields) > 0 && !slices.Contains(o.Fields, f) }
			if slices.ContainsFunc(c.rules, without) {
				spec[f] = nil
			}
		}
	}
	return spec
}

// Covers returns the fields that the rules of a purpose in force at asOf cover, sorted; all is true where
// one of them covers every field.
func (c *Compiled) Covers(purpose string, asOf time.Time) (fields []string, all bool) {
	for _, r := range c.InForce(asOf) {
		if r.Purpose != purpose {
			continue
		}
		all = all || len(r.Fields) == 0
		fields = append(fields, r.Fields...)
	}
	slices.Sort(fields)
	return slices.Compact(fields), all
}
