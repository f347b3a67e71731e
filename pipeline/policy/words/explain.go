// Package words puts a policy into words for people: an Explanation of a silo with the dates that follow
// from it, the NoticeLine of each rule for the privacy notice, and the Differences between two policies.
package words

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/decide"
	"lethe/pipeline/policy/law"
	"lethe/pipeline/policy/subject"
)

// Explanation is a silo's policy in words, with the dates that follow from it as of a day. The dates come
// from the code that decides.
type Explanation struct {
	Silo         string           `json:"silo"`
	AsOf         string           `json:"as_of"`
	Zone         string           `json:"zone"`
	Jurisdiction law.Jurisdiction `json:"jurisdiction"`
	National     []string         `json:"national"` // what the jurisdiction adds, a sentence each
	Matching     []string         `json:"matching"` // how a row finds its person, and what becomes of one that does not
	Rules        []ExplainedRule  `json:"rules"`
	Together     []string         `json:"together"` // what holds for all rules
	Classes      []DeletionClass  `json:"deletion_classes"`
	Fields       []ExplainedField `json:"fields"`
	Tables       []ExplainedTable `json:"tables"`
	Suggestions  []string         `json:"suggestions"` // of the jurisdiction, never applied
}

// ExplainedRule is one rule.
type ExplainedRule struct {
	ID       string   `json:"id"`
	InForce  bool     `json:"in_force"`
	Words    []string `json:"words"`
	Examples []string `json:"examples"`
	Because  string   `json:"because"`
	Article  string   `json:"article,omitempty"` // the law or clause that sets the term
	Owner    string   `json:"owner"`
	ReviewBy string   `json:"review_by"`
	fields   []string
}

// DeletionClass is a class of ISO/IEC 27555: a starting point and a period, with the rules in it.
type DeletionClass struct {
	Start  string   `json:"start"`
	Period string   `json:"period"`
	Rules  []string `json:"rules"`
}

// ExplainedField says which rules cover a field, and what becomes of it.
type ExplainedField struct {
	Field   string   `json:"field"`
	Rules   []string `json:"rules"`
	Cleared string   `json:"cleared"`
}

// ExplainedTable is one table that the silo claims rows of.
type ExplainedTable struct {
	Source string   `json:"source"`
	Table  string   `json:"table"`
	Words  []string `json:"words"`
}

// Backup is a set of backups of a source, as far as erasing from them goes.
type Backup struct {
	Name        string
	Keep        calendar.Period // how long a file lives; zero: nobody says
	Rewritten   bool            // files may be rewritten
	After       calendar.Period // when the oldest pending erasure is older
	AtMostEvery calendar.Period
}

// basisWords, startWords and openWords say in words what the policy's names mean; the article is of the GDPR.
var (
	basisWords = map[policy.Basis]string{
		policy.Consent: "consent (Art. 6(1)(a))", policy.Contract: "a contract with the person (Art. 6(1)(b))",
		policy.LegalObligation:    "a legal obligation (Art. 6(1)(c))",
		policy.VitalInterest:      "somebody's vital interest (Art. 6(1)(d))",
		policy.PublicTask:         "a task in the public interest (Art. 6(1)(e))",
		policy.LegitimateInterest: "a legitimate interest (Art. 6(1)(f))",
	}
	startWords = map[policy.Start]string{
		policy.Collected: "collecting", policy.ActivityEnded: "the end of the activity",
		policy.RelationEnded: "the end of the relation", policy.Inactivated: "the day on which the row went out of use",
		policy.AtEvent: "the event", policy.FixedDate: "a fixed date", policy.BirthPlusAge: "a birthday",
	}
	// openWords: while the starting point has not come, these rules keep.
	openWords = map[policy.Start]string{policy.ActivityEnded: "for as long as the activity lasts",
		policy.RelationEnded: "for as long as the relation lasts",
		policy.Inactivated:   "for as long as the row is in use", policy.AtEvent: "until the event comes"}
)

// Explain puts the silo's policy into words as of a day. backups are those of each source, by the source's
// name.
func Explain(c *policy.Compiled, asOf time.Time, backups map[string][]Backup) Explanation {
	today := calendar.DateOf(asOf, c.Zone())
	e := Explanation{Silo: c.Silo.Name, AsOf: today.String(), Zone: c.Zone().String(), Jurisdiction: c.Jurisdiction,
		National: nationalWords(c), Matching: matchingWords(c),
		Together: togetherWords(c, asOf, today), Classes: classes(c, today), Fields: fieldWords(c, today)}
	for i := range c.Rules() {
		ru := &c.Rules()[i]
		e.Rules = append(e.Rules, ExplainedRule{ID: ru.Name, InForce: ru.InForce(today),
			Words: ruleWords(c, ru, today), Examples: examples(c, ru, asOf, today),
			Because: ru.Because, Article: ru.Article, Owner: ru.Owner, ReviewBy: ru.ReviewBy, fields: ru.Fields})
	}
	for _, r := range c.Silo.Records {
		e.Tables = append(e.Tables, ExplainedTable{Source: r.Source, Table: r.Table,
			Words: tableWords(c, r, today, backups[r.Source])})
	}
	for _, l := range c.Jurisdiction.Laws {
		if l.Topic != law.ChildAge && l.Topic != law.BlockingRegime {
			e.Suggestions = append(e.Suggestions, l.Sentence())
		}
	}
	for _, l := range law.European() {
		if l.Topic == law.ConsentAge {
			e.Suggestions = append(e.Suggestions, l.Sentence())
		}
	}
	return e
}

func nationalWords(c *policy.Compiled) []string {
	j := c.Jurisdiction
	out := []string{fmt.Sprintf("The law of %s applies; the supervisory authority is %s.", j.Name,
		cmp.Or(j.Authority, "not in our table"))}
	for _, l := range j.About(law.ChildAge) {
		out = append(out, fmt.Sprintf("A person below %d years consents with a holder of parental responsibility. %s",
			j.ChildConsentAge, l.Sentence()))
	}
	regime := j.About(law.BlockingRegime)
	switch {
	case !j.Blocking.IsZero():
		out = append(out, fmt.Sprintf("Whatever is due for deletion is first kept blocked for %s, for courts and "+
			"authorities only, and deleted after that.", Spell(j.Blocking)))
	case len(regime) > 0:
		out = append(out, "Nothing is kept blocked before deletion by itself; where the law asks for it, record a "+
			"restriction.")
	default:
		out = append(out, "The law asks for no blocking before deletion.")
	}
	for _, l := range regime {
		out = append(out, l.Sentence())
	}
	return append(out, "These entries are a starting point: have them confirmed by a lawyer before you rely on them.")
}

func matchingWords(c *policy.Compiled) []string {
	if c.Silo.Alone() {
		return append(aloneWords(c), intakeWords(c)...)
	}
	scope := "Each act of collecting stands by itself: a row that could belong to several collections of one person " +
		"is kept, and shown to somebody."
	if c.Silo.LinkScope == "silo" {
		scope = "A row belongs to the person's most recent collection in this silo that is not later than the row."
	}
	unknown := "after that it is kept and reported"
	if c.Silo.NoMatch == string(policy.Expire) {
		unknown = "after that its use is blocked, and it is reported"
	}
	out := []string{scope, fmt.Sprintf("A row that the registry does not know is left alone for %s, for the "+
		"registry may be late; %s. It is never deleted by itself.", Spell(c.OrphanGrace()), unknown)}
	return append(out, intakeWords(c)...)
}

// aloneWords says how rows are decided that need no registry.
func aloneWords(c *policy.Compiled) []string {
	out := []string{"The rows decide alone: each ends by its own dates, whether the registry knows its person or not."}
	if slices.ContainsFunc(c.Silo.Records, func(r policy.Records) bool { return len(r.Subject)+len(r.Via) > 0 }) {
		return append(out, "Whom the registry knows it protects all the same: a legal hold, a restriction, a request "+
			"or an objection counts.")
	}
	return append(out, "Nothing in them says whose they are, so no legal hold or request of a person reaches them.")
}

// intakeWords says what else the registry hears.
func intakeWords(c *policy.Compiled) (out []string) {
	for i := range c.Silo.Consents {
		m := &c.Silo.Consents[i]
		out = append(out, fmt.Sprintf("What people said about %q is also read from the application's table %s.%s; "+
			"its word is graded as %s.", m.Purpose, m.Source, m.Table, m.Trust))
	}
	if c.Silo.Suppression {
		out = append(out, "The silo is the list of those who said no to marketing: whatever is brought in elsewhere "+
			"is held against it.")
	}
	return out
}

// ruleWords is a rule as sentences.
func ruleWords(c *policy.Compiled, ru *policy.CompiledRule, today calendar.Date) []string {
	var out []string
	what := "The whole row is"
	if len(ru.Fields) > 0 {
		what = "The " + plural("field", len(ru.Fields)) + " " + list(ru.Fields, "and") + " " + isAre(len(ru.Fields))
	}
	start := fmt.Sprintf("%s kept for %q on %s", what, ru.Purpose, basisWords[ru.Basis])
	switch ru.Basis {
	case policy.Consent:
		out = append(out, fmt.Sprintf("%s for at most %s from the day it was given, or for as long as the consent "+
			"itself says if that is shorter.", start, Spell(ru.MaxAge)),
			fmt.Sprintf("It ends earlier when the person withdraws, when it is found invalid, and when nobody can "+
				"prove it; %s.", endWords(c, ru)))
	default:
		out = append(out, start+" "+termWords(c, ru)+".")
		if ru.Basis == policy.LegitimateInterest || ru.Basis == policy.PublicTask {
			out = append(out, "An objection, or a request for erasure, blocks the row until somebody has weighed it "+
				"(Art. 18(1)(d), 21(1)); upheld, it ends the rule.")
		}
		out = append(out, upper("when the rule has ended, "+endWords(c, ru))+".")
	}
	out = append(out, datesWords(ru)...)
	if ru.Touched != "" {
		out = append(out, fmt.Sprintf("Any update of a row may set %s, as the owner knows: the term then starts anew.",
			ru.At))
	}
	if ru.Marketing {
		out = append(out, "It is direct marketing: an objection ends it at once, and nobody weighs it (Art. 21(2), "+
			"(3)); it ends every marketing rule of the silo. Only a consent given later counts again.")
	}
	if ru.Else == policy.Anonymize {
		out = append(out, "Where another record that stays refers to the row, it is anonymized instead of deleted.")
	} else if ru.End == policy.Delete {
		out = append(out, "Where another record that stays refers to the row, it is kept, blocked, and shown to "+
			"somebody.")
	}
	if ru.Special != "" {
		out = append(out, fmt.Sprintf("Special categories among them rest on Art. %s.", ru.Special))
	}
	switch {
	case today < ru.Begins:
		out = append(out, fmt.Sprintf("The rule is not in force before %s.", ru.Begins))
	case today >= ru.Ends:
		out = append(out, fmt.Sprintf("The rule is no longer in force since %s.", ru.Ends))
	case ru.Ends <= calendar.MaxDate:
		out = append(out, fmt.Sprintf("The rule is in force until the day before %s.", ru.Ends))
	}
	return out
}

// datesWords says what days in the field of a rule mean.
func datesWords(ru *policy.CompiledRule) (out []string) {
	means := map[string]string{"open": "it has not ended", "unknown": "nobody knows the day", "real": "that very day"}
	for _, day := range slices.Sorted(maps.Keys(ru.Dates)) {
		out = append(out, fmt.Sprintf("%s in that field means: %s.", day, means[ru.Dates[day]]))
	}
	return out
}

// termWords says how long a rule that is no consent keeps: '10 years from the end of the relation, as
// closed_on has it'.
func termWords(c *policy.Compiled, ru *policy.CompiledRule) string {
	switch ru.Start {
	case policy.FixedDate:
		if ru.Period.IsZero() {
			return "until " + ru.Fixed.String()
		}
		return fmt.Sprintf("until %s after %s", Spell(ru.Period), ru.Fixed)
	case policy.BirthPlusAge:
		after := ""
		if !ru.Period.IsZero() {
			after = Spell(ru.Period) + " after "
		}
		return fmt.Sprintf("until %sthe person is %d, by the field %s", after, ru.Age, ru.At)
	}
	where := ", as the field " + ru.At + " has it"
	switch {
	case ru.At != "":
	case ru.Start == policy.Collected:
		where = ""
	case ru.Start == policy.AtEvent:
		where = ", as the registry's event " + cmp.Or(ru.Event, "basis_ended") + " has it"
	default:
		where = ", as the registry has it"
	}
	if open := openWords[ru.Start]; open != "" && ru.Basis != policy.VitalInterest {
		return fmt.Sprintf("%s, and for %s after that%s", open, Spell(ru.Period), where)
	}
	return fmt.Sprintf("for %s from %s%s", Spell(ru.Period), startWords[ru.Start], where)
}

// endWords says what happens when a rule has ended.
func endWords(c *policy.Compiled, ru *policy.CompiledRule) string {
	verb := "deleted"
	if ru.End == policy.Anonymize {
		verb = "anonymized"
	}
	when := verb + " at once"
	if b := c.Jurisdiction.Blocking; ru.End == policy.Delete && b.Longest() > ru.Grace.Longest() {
		when = fmt.Sprintf("%s %s later, as the law of %s wants", verb, Spell(b), c.Jurisdiction.Name)
	} else if !ru.Grace.IsZero() {
		when = fmt.Sprintf("%s %s later", verb, Spell(ru.Grace))
	}
	return "use is blocked the same day and the row is " + when + ", unless another rule still needs it"
}

// examples are dates that follow from a rule today.
func examples(c *policy.Compiled, ru *policy.CompiledRule, asOf time.Time, today calendar.Date) []string {
	if ru.Basis != policy.Consent {
		return termExamples(c, ru, today)
	}
	out := []string{ends(c, "A consent given today, "+today.String()+",", ru, decide.ConsentLasts(c, ru, asOf))}
	return append(out, fmt.Sprintf("One that is withdrawn today ends today, and the row is %s.",
		gone(ru, decide.DueWithdrawn(c, ru, asOf), today)))
}

func termExamples(c *policy.Compiled, ru *policy.CompiledRule, today calendar.Date) []string {
	start, subject := today, "What is collected today"
	switch ru.Start {
	case policy.FixedDate:
		return []string{ends(c, "The term", ru, calendar.EndOf(ru.Fixed, ru.Period))}
	case policy.BirthPlusAge:
		start, subject = calendar.EndOf(today, calendar.Period{Years: ru.Age}), "For somebody born today, the term"
	case policy.ActivityEnded, policy.RelationEnded:
		subject = "If it ends today, the term"
	case policy.Inactivated:
		subject = "For a row that goes out of use today, the term"
	case policy.AtEvent:
		subject = "If the event is today, the term"
	}
	return []string{ends(c, subject, ru, calendar.EndOf(start, ru.Period))}
}

// ends says of a ground that lives through a last day when it ends and when the row goes.
func ends(c *policy.Compiled, subject string, ru *policy.CompiledRule, last calendar.Date) string {
	if last >= calendar.MaxDate {
		return subject + " never ends: the calendar does before."
	}
	from := last + 1
	return fmt.Sprintf("%s lasts through %s and ends at %s (%s); the row is %s.", subject, last,
		from.Start(c.Zone()).Format("15:04 on 2006-01-02"), c.Zone(), gone(ru, decide.DueAfter(c, ru, last), from))
}

// gone says when a dead ground lets the row go. The first day from which it may is the night's that begins it.
func gone(ru *policy.CompiledRule, due, ended calendar.Date) string {
	verb := "deleted"
	if ru.End == policy.Anonymize {
		verb = "anonymized"
	}
	if due <= ended {
		return verb + " in the next night"
	}
	return fmt.Sprintf("blocked until then and %s in the night of %s", verb, due)
}

func togetherWords(c *policy.Compiled, asOf time.Time, today calendar.Date) []string {
	erasure := "A request for erasure ends every consent given before it and knows no grace: what no other rule " +
		"needs is deleted in the next night."
	if b := c.Jurisdiction.Blocking; !b.IsZero() {
		erasure = fmt.Sprintf("A request for erasure ends every consent given before it and knows no grace: what no "+
			"other rule needs is blocked at once, and deleted on %s if it is asked today.",
			calendar.EndOf(calendar.DateOf(asOf, c.Zone()), b)+1)
	}
	out := []string{
		"Days are counted in " + c.Zone().String() + ". The day on which a term starts is not counted; it ends with " +
			"the day of the same date, or the month's last where there is none (Regulation 1182/71, art. 3).",
		erasure,
		"A legal hold, a restriction (Art. 18) and an open request for access or portability keep the row, whatever " +
			"has ended.",
	}
	proof := "The proof of what ended is kept for ever: nobody set how long."
	if p := c.Silo.ProofRetention; !p.IsZero() {
		proof = fmt.Sprintf("The registry keeps the proof of a ground for %s after its end, "+
			"and then forgets whose it was.",
			Spell(p))
	}
	out = append(out, proof)
	ends := map[string]string{policy.ClearRemnant: "the field is emptied",
		policy.ReplaceRemnant: "what names them is replaced", policy.DeleteRemnant: "the row is deleted"}
	for _, r := range c.Silo.Remnants {
		out = append(out, fmt.Sprintf("Of people who are gone from the silo, and whom no other may hold, %s in "+
			"%s.%s.%s, by plans that people sign or orders let go.", ends[r.Do], r.Source, r.Table, r.Field))
	}
	inForce := 0
	for i := range c.Rules() {
		if c.Rules()[i].InForce(today) {
			inForce++
		}
	}
	switch {
	case inForce == 0:
		out = append(out, "No rule is in force today: nothing is decided, and every row is reported.")
	case inForce > 1:
		out = append(out, "As long as one rule lives the row stays, and the fields that no living rule needs are "+
			"cleared. When all have ended, the latest of them says when the row goes; deleting wins over anonymizing.")
	}
	return out
}

// classes are the deletion classes of the rules in force, by start, then by length.
func classes(c *policy.Compiled, today calendar.Date) []DeletionClass {
	type key struct {
		start  string
		period calendar.Period
	}
	by := map[key][]string{}
	for i := range c.Rules() {
		ru := &c.Rules()[i]
		if !ru.InForce(today) {
			continue
		}
		k := key{cmp.Or(startWords[ru.Start], "consent given"), ru.Term()}
		by[k] = append(by[k], ru.Name)
	}
	keys := slices.SortedFunc(maps.Keys(by), func(a, b key) int {
		return cmp.Or(strings.Compare(a.start, b.start), a.period.Longest()-b.period.Longest(),
			strings.Compare(a.period.String(), b.period.String()))
	})
	var out []DeletionClass
	for _, k := range keys {
		period := "no period"
		if !k.period.IsZero() {
			period = Spell(k.period)
		}
		out = append(out, DeletionClass{Start: k.start, Period: period, Rules: by[k]})
	}
	return out
}

func fieldWords(c *policy.Compiled, today calendar.Date) []ExplainedField {
	var out []ExplainedField
	for _, f := range c.Governed() {
		e := ExplainedField{Field: f}
		everywhere := true
		for i := range c.Rules() {
			ru := &c.Rules()[i]
			if !ru.InForce(today) {
				continue
			}
			if len(ru.Fields) == 0 || slices.Contains(ru.Fields, f) {
				e.Rules = append(e.Rules, ru.Name)
			} else {
				everywhere = false
			}
		}
		switch {
		case everywhere && len(e.Rules) > 0:
			e.Cleared = "never by itself: it goes with the row"
		case len(e.Rules) == 0:
			e.Cleared = "as soon as the row is looked at: no rule needs it"
		case len(e.Rules) == 1:
			e.Cleared = "when " + e.Rules[0] + " has ended and its grace is over, though the row stays"
		default:
			e.Cleared = "when " + list(e.Rules, "and") + " have ended and their graces are over, though the row stays"
		}
		if technique, named := c.Silo.Anonymize[f]; named && technique != nil {
			e.Cleared += "; anonymizing and clearing use " + *technique
		} else if named {
			e.Cleared += "; anonymizing and clearing empty it"
		}
		out = append(out, e)
	}
	return out
}

// viaWords are the identifiers that stand in another table, each with the way there.
func viaWords(v subject.Via) (ids []string) {
	var way []string
	for _, h := range v.Path {
		step := h.Table + "." + h.Field
		if h.From != "" {
			step += " = " + h.From
		}
		for _, f := range slices.Sorted(maps.Keys(h.Where)) {
			step += fmt.Sprintf(" with %s %q", f, h.Where[f])
		}
		way = append(way, step)
	}
	for _, kind := range slices.Sorted(maps.Keys(v.Fields)) {
		ids = append(ids, fmt.Sprintf("every %s.%s (%s) of %s", v.Last().Table, v.Fields[kind], kind, list(way, "and")))
	}
	return ids
}

func tableWords(c *policy.Compiled, r policy.Records, today calendar.Date, backups []Backup) []string {
	var out []string
	rows := "All its rows belong to the silo."
	if len(r.Where) > 0 {
		var conditions []string
		for _, f := range slices.Sorted(maps.Keys(r.Where)) {
			conditions = append(conditions, fmt.Sprintf("%s is %q", f, r.Where[f]))
		}
		rows = "The rows belong to the silo in which " + list(conditions, "and") + "."
	}
	out = append(out, rows)
	var ids []string
	for _, kind := range slices.Sorted(maps.Keys(r.Subject)) {
		ids = append(ids, fmt.Sprintf("%s (%s)", r.Subject[kind], kind))
	}
	for _, v := range r.Via {
		ids = append(ids, viaWords(v)...)
	}
	known := "The person is known by " + list(ids, "and")
	if len(ids) == 0 {
		known = "Nothing in a row says whose it is"
	}
	if r.Collection != "" {
		known += ", the collection by " + r.Collection
	}
	if r.Collected != "" {
		known += "; " + r.Collected + " says when the row was collected"
	}
	out = append(out, known+".")
	if r.Block == nil {
		out = append(out, "The table cannot mark a row as blocked: one whose use has ended "+
			"stays usable until it is erased.")
	} else {
		var sets []string
		for _, f := range slices.Sorted(maps.Keys(r.Block.Set)) {
			sets = append(sets, fmt.Sprintf("%s = %q (again free: %q)", f, r.Block.Set[f], r.Block.Unset[f]))
		}
		out = append(out, "A blocked row is marked by "+list(sets, "and")+".")
	}
	for _, d := range r.Dependents {
		to := cmp.Or(d.References, r.Table)
		if d.Do == "set_null" {
			out = append(out, fmt.Sprintf("Before a row of %s is deleted, the reference %s of %s is emptied; those "+
				"rows stay.", to, strings.Join(d.FK, ", "), d.Table))
		} else {
			out = append(out, fmt.Sprintf("With a row of %s go the rows of %s that refer to it by %s.", to, d.Table,
				strings.Join(d.FK, ", ")))
		}
	}
	for _, o := range r.Owns {
		out = append(out, fmt.Sprintf("A row of %s goes with the last row that refers to it (here by %s).", o.Table,
			strings.Join(o.FK, ", ")))
	}
	for _, b := range backups {
		out = append(out, backupWords(b, today))
	}
	if len(backups) == 0 {
		out = append(out, "No backup of "+r.Source+" is configured.")
	}
	return out
}

// backupWords says when an erasure of today is true of a set of backups too.
func backupWords(b Backup, today calendar.Date) string {
	gone := "nothing says how long its files are kept"
	if !b.Keep.IsZero() {
		gone = fmt.Sprintf("its files live for %s, so that what is erased today is gone from the last of them by %s "+
			"at the latest", Spell(b.Keep), calendar.EndOf(today, b.Keep)+1)
	}
	how := "its files are not rewritten"
	if b.Rewritten {
		switch {
		case b.After.IsZero() && b.AtMostEvery.IsZero():
			how = "its files are rewritten in the night of the erasure"
		case b.AtMostEvery.IsZero():
			how = "its files are rewritten when an erasure has waited for " + Spell(b.After)
		default:
			how = fmt.Sprintf("its files are rewritten when an erasure has waited for %s, each at most once in %s",
				Spell(b.After), Spell(b.AtMostEvery))
		}
	}
	return fmt.Sprintf("In the backups %s an erased row counts as beyond use, "+
		"and is erased again after a restore; %s; %s.",
		b.Name, how, gone)
}

// About is the part of an explanation that concerns one field: the rules that cover it, and what becomes of it.
func (e Explanation) About(field string) Explanation {
	e.Fields = slices.DeleteFunc(slices.Clone(e.Fields), func(f ExplainedField) bool { return f.Field != field })
	e.Rules = slices.DeleteFunc(slices.Clone(e.Rules), func(r ExplainedRule) bool {
		return len(r.fields) > 0 &&
			!slices.Contains(r.fields, field)
	})
	e.Classes = slices.Clone(e.Classes)
	for i := range e.Classes {
		e.Classes[i].Rules = slices.DeleteFunc(slices.Clone(e.Classes[i].Rules), func(id string) bool {
			return !slices.ContainsFunc(e.Rules, func(r ExplainedRule) bool { return r.ID == id })
		})
	}
	e.Classes = slices.DeleteFunc(e.Classes, func(d DeletionClass) bool { return len(d.Rules) == 0 })
	e.Matching, e.Tables, e.Suggestions = nil, nil, nil
	return e
}
