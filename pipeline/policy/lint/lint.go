// Package lint says what somebody should look at in a policy that nothing forbids: each Remark has a code,
// a place and a next step. Lint looks at a silo, Categories at what the classifiers found in its tables,
// Together at all silos.
package lint

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/law"
	"lethe/pipeline/policy/names"
	"lethe/pipeline/policy/subject"
	"lethe/pipeline/policy/words"
)

// Remark is something about a policy that somebody should look at. It is no error: a night runs all the
// same, unless Refused says otherwise.
type Remark struct {
	Code    string `json:"code"`
	Silo    string `json:"silo,omitempty"`
	Place   string `json:"place"` // silo customers, rule 1 (club/consent)
	Words   string `json:"words"` // what is wrong, and the next step
	Law     string `json:"law,omitempty"`
	Refused bool   `json:"refused,omitempty"` // a night would refuse to begin
}

// The codes of remarks. F_ codes are those of findings in the night's report.
const (
	LReviewDue        = "L_REVIEW_DUE"
	LReviewSoon       = "L_REVIEW_SOON"
	LNoBlock          = "L_NO_BLOCK"
	LBlockDecides     = "L_BLOCK_DECIDES"
	LSubjectLost      = "L_SUBJECT_LOST"
	LIdentifierStays  = "L_IDENTIFIER_STAYS"
	LIdentifierGoes   = "L_IDENTIFIER_GOES"
	LConsentLong      = "L_CONSENT_LONG"
	LGraceLong        = "L_GRACE_LONG"
	LMarketing        = "L_MARKETING"
	LSameGround       = "L_SAME_GROUND"
	LSpecialBasis     = "L_SPECIAL_BASIS"
	LNoElse           = "L_NO_ELSE"
	LNoKey            = "L_NO_KEY"
	LRowsOfTwo        = "L_ROWS_OF_TWO"
	LLastModified     = "L_LAST_MODIFIED"
	LStarts           = "L_STARTS" // days from which terms count that are none, stand for none, or lie too early
	LUnknownName      = "L_UNKNOWN_NAME"
	LNoTechnique      = "L_NO_TECHNIQUE"
	LNoCollected      = "L_NO_COLLECTED"
	LProofForEver     = "L_PROOF_FOR_EVER"
	LAnonWeak         = "L_ANON_WEAK"
	FUniformRetention = "F_UNIFORM_RETENTION"
	FNoticeMismatch   = "F_NOTICE_MISMATCH"
	FSurplusField     = "F_SURPLUS_FIELD"
	reviewSoonDays    = 30
	// from where on the EDPB's advice to refresh consents is recalled when no national authority names a
	// term
	oldConsentMonths   = 36
	longestTermedGrace = 31 // days: 'without undue delay', one month as outer limit
)

// String is the remark as a line.
func (r Remark) String() string {
	s := r.Words
	if r.Place != "" {
		s = r.Place + ": " + s
	}
	if r.Law != "" {
		s += " (" + r.Law + ")"
	}
	return s
}

// remarks collects them.
type remarks struct {
	silo  string
	place string
	list  *[]Remark
}

func (r remarks) under(format string, args ...any) remarks {
	r.place += ", " + fmt.Sprintf(format, args...)
	return r
}

func (r remarks) add(code, law, format string, args ...any) {
	*r.list = append(*r.list, Remark{Code: code, Silo: r.silo, Place: r.place, Law: law,
		Words: fmt.Sprintf(format, args...)})
}

// Lint returns what can be remarked on the silo without a look at its tables, as of an instant: reviews
// that are due, terms that regulators or the notice contradict, marketing that an objection would not end,
// tables without a block, block fields that also decide, identifiers that clearing could take.
func Lint(c *policy.Compiled, asOf time.Time) []Remark {
	var list []Remark
	r := remarks{silo: c.Silo.Name, place: "silo " + c.Silo.Name, list: &list}
	today := calendar.DateOf(asOf, c.Zone())
	for i := range c.Rules() {
		ru := &c.Rules()[i]
		if today >= ru.Ends {
			continue
		}
		lintRule(c, r.under("rule %d (%s)", i+1, ru.Name), ru, today)
		for j, other := range c.Rules()[:i] {
			if other.Purpose == ru.Purpose && other.Basis == ru.Basis && ru.Begins < other.Ends &&
				other.Begins < ru.Ends {
				r.under("rule %d (%s)", i+1, ru.Name).add(LSameGround, "", "rule %d has the same purpose and basis "+
					"and is in force at the same time, and the registry knows one state for both, so the longer one "+
					"keeps: give it a purpose of its own, or make one rule of the two", j+1)
			}
		}
	}
	if c.Silo.ProofRetention.IsZero() && !c.Silo.Alone() {
		r.add(LProofForEver, "Art. 5(1)(e), 7(1)", "no proof_retention: the registry keeps the proof of what ended "+
			"for ever, set it to the limitation period of claims, for example P5Y")
	}
	lintRecords(c, r, asOf)
	return list
}

func lintRule(c *policy.Compiled, r remarks, ru *policy.CompiledRule, today calendar.Date) {
	if due, err := calendar.ParseDate(ru.ReviewBy); err == nil {
		switch {
		case due < today:
			r.add(LReviewDue, "Art. 24(1)", "the review was due on %s: %s looks at it and sets a new review_by",
				ru.ReviewBy, ru.Owner)
		case due <= today+reviewSoonDays:
			r.add(LReviewSoon, "Art. 24(1)", "the review is due on %s: %s looks at it and sets a new review_by",
				ru.ReviewBy, ru.Owner)
		}
	}
	if ru.Basis == policy.Consent {
		if law, ok := shorterConsent(c, ru); ok {
			r.add(LConsentLong, law.Cite(), "max_age %s: %s; because should say why consents are relied on for "+
				"longer, or shorten it", ru.MaxAge, law.Says)
		}
	} else if ru.Grace.Longest() > longestTermedGrace {
		r.add(LGraceLong, "Art. 17(1), 12(3)", "grace %s: when the last ground has ended the data go without undue "+
			"delay, a month at the outside: add to period what the law allows, and shorten the grace", ru.Grace)
	}
	if names.Marketing(ru.Purpose) && !ru.Marketing &&
		(ru.Basis == policy.Consent || ru.Basis == policy.LegitimateInterest) {
		r.add(LMarketing, "Art. 21(2), (3)", "purpose %s looks like direct marketing, but the rule does not say "+
			"marketing: true, so an objection would be weighed instead of ending it at once: "+
			"add it, or rename the purpose",
			ru.Purpose)
	}
	if ru.Basis == policy.LegitimateInterest && (ru.Marketing || names.Marketing(ru.Purpose)) {
		r.add(LMarketing, "Directive 2002/58/EC, art. 13", "marketing on a legitimate interest: by mail, message or "+
			"automated call it needs consent, but for one's own similar products to customers who can refuse each "+
			"time: because should say which of them this is")
	}
	if term := ru.Term(); !ru.Notice.IsZero() && !sameLength(ru.Notice, term) {
		r.add(FNoticeMismatch, "Art. 13(2)(a), 5(1)(a)",
			"the notice says %s, the rule %s: correct whichever is wrong", ru.Notice, term)
	}
}

// sameLength reports whether two periods end on the same day from every start: P2Y and P24M do.
func sameLength(a, b calendar.Period) bool {
	return a.Years*12+a.Months == b.Years*12+b.Months && a.Weeks*7+a.Days == b.Weeks*7+b.Days
}

// shorterConsent finds what an authority says about consents as old as the rule allows: the longest term
// that the jurisdiction's authorities name, and only if the rule goes beyond it.
func shorterConsent(c *policy.Compiled, ru *policy.CompiledRule) (law.Law, bool) {
	var longest law.Law
	for _, l := range append(c.Jurisdiction.About(law.ConsentAge), c.Jurisdiction.About(law.Prospects)...) {
		if l.Period.Longest() > longest.Period.Longest() {
			longest = l
		}
	}
	if longest.Period.IsZero() {
		longest = law.European()[0]
		return longest, ru.MaxAge.Longest() > calendar.Period{Months: oldConsentMonths}.Longest()
	}
	return longest, ru.MaxAge.Longest() > longest.Period.Longest()
}

// SubjectLost names a rule that has not ended and leaves no identifier of the records' subject when it is
// the last one alive: the next night could not tell whose such a row is.
func SubjectLost(c *policy.Compiled, rec policy.Records, asOf time.Time) (rule string, lost bool) {
	today := calendar.DateOf(asOf, c.Zone())
	for i := range c.Rules() {
		ru := &c.Rules()[i]
		gone := c.Uncovered(i)
		lost = today < ru.Ends && len(rec.Subject) > 0 && len(rec.Via) == 0
		for _, field := range rec.Subject {
			lost = lost && slices.Contains(gone, field)
		}
		if lost {
			return ru.Name, true
		}
	}
	return "", false
}

// LostWords says what is wrong with a rule that SubjectLost names, and the next step.
func LostWords(rule string) string {
	return "rule " + rule + " covers no identifier of the subject, so when no other rule is alive all of them " +
		"would be cleared and nobody could look the row up again: add one to the fields of the rule"
}

func lintRecords(c *policy.Compiled, r remarks, asOf time.Time) {
	uncovered := map[string]bool{}
	for i := range c.Rules() {
		for _, f := range c.Uncovered(i) {
			uncovered[f] = true
		}
	}
	for i, rec := range c.Silo.Records {
		rp := r.under("records %d (%s.%s)", i+1, rec.Source, rec.Table)
		if rec.Block == nil {
			rp.add(LNoBlock, "Art. 18, 5(1)(b)", "no block: a row whose use has ended stays usable until it is "+
				"erased, add block if the table can mark it")
		} else {
			for _, f := range slices.Sorted(maps.Keys(rec.Block.Set)) {
				if decides(c, rec, f) || slices.Contains(c.Governed(), f) {
					rp.add(LBlockDecides, "", "block sets %s, which the decision reads or a rule covers: blocking "+
						"would change the next decision, use another field", f)
				}
			}
		}
		if rec.Collected == "" && !c.Silo.Alone() {
			rp.add(LNoCollected, "", "no collected: the age of a row is not known, so one that the registry does "+
				"not know is never young enough to wait for, and none is seen to be older than its consent: name "+
				"the field with the day of collecting")
		}
		lintVia(rp, rec)
		lost := len(rec.Subject) > 0 && len(rec.Via) == 0
		for _, f := range rec.Subject {
			lost = lost && uncovered[f]
		}
		if rule, always := SubjectLost(c, rec, asOf); always {
			rp.add(LSubjectLost, "", "%s", LostWords(rule))
			(*rp.list)[len(*rp.list)-1].Refused = true
		} else if lost {
			rp.add(LSubjectLost, "", "every identifier of the subject is a field that some rule does not cover: "+
				"clearing it would leave a row that nobody can look up, add one to the fields of each rule")
		}
	}
}

// lintVia remarks on rows of other tables that say whose the records are: those that would stay when the records go,
// and those that would go with others.
func lintVia(rp remarks, rec policy.Records) {
	for _, v := range rec.Via {
		if h := v.Path[0]; h.Identifies(h.Table) {
			lintCarrier(rp, rec, h)
		}
	}
}

// lintCarrier remarks on a table whose rows refer to the records.
func lintCarrier(rp remarks, rec policy.Records, h subject.Hop) {
	is := func(d policy.Dependent) bool { return d.Table == h.Table }
	counts := func(d policy.Dependent) bool { return h.Filters(d.Table, d.FK) }
	switch {
	case slices.ContainsFunc(rec.Dependents, counts):
		rp.add(LIdentifierGoes, "Art. 5(1)(d)", "rows of %s go with the row whether or not they count (where): leave "+
			"them out of the dependents unless all are this table's, by a foreign key or by keys like UUIDs", h.Table)
	case slices.ContainsFunc(rec.Dependents, is):
	case len(h.Where) > 0:
		rp.add(LIdentifierStays, "Art. 17(1)", "rows of %s say whose a row is, and stay when it goes: only some of "+
			"them are this table's (where), which a dependent cannot tell: let the application remove them, or "+
			"declare them where a foreign key or keys like UUIDs say that all are this table's", h.Table)
	default:
		rp.add(LIdentifierStays, "Art. 17(1)", "rows of %s say whose a row is, and would stay when it goes: "+
			"declare them under dependents, as {table: %[1]s, fk: [%s], do: delete}", h.Table, h.Field)
	}
}

// decides reports whether the decision about rows of rec reads the field.
func decides(c *policy.Compiled, rec policy.Records, field string) bool {
	if field == rec.Collected || field == rec.Collection {
		return true
	}
	for _, f := range rec.Subject {
		if f == field {
			return true
		}
	}
	if slices.ContainsFunc(rec.Via, func(v subject.Via) bool { return v.Path[0].From == field }) {
		return true
	}
	if _, ok := rec.Where[field]; ok {
		return true
	}
	return slices.ContainsFunc(c.Rules(), func(ru policy.CompiledRule) bool { return ru.At == field })
}

// Category is a field of a governed table in which the last night's classifiers found personal data.
type Category struct{ Source, Table, Field, Category, Class string }

// special is the class of GDPR Art. 9, as the classifiers name it; unlike are classes so unlike that one
// period for both needs a reason.
const special = "special"

// unlike puts the classifiers' classes into kinds of data that hardly ever share a retention period.
var unlike = map[string]string{
	"direct_identifier": "identity and contact", "quasi_identifier": "identity and contact",
	"child":   "identity and contact",
	"special": "special categories", "criminal": "criminal records", "credential": "credentials",
	"financial": "financial",
}

// Categories returns what can be remarked once the personal data of the silo's tables are known: fields
// that no rule covers, special categories on a basis that does not carry them, and one period for unlike
// data.
func Categories(c *policy.Compiled, asOf time.Time, fields []Category) []Remark {
	var list []Remark
	r := remarks{silo: c.Silo.Name, place: "silo " + c.Silo.Name, list: &list}
	today := calendar.DateOf(asOf, c.Zone())
	kinds := map[string]bool{}
	for _, f := range fields {
		if !slices.ContainsFunc(c.Silo.Records, func(rec policy.Records) bool {
			return rec.Source == f.Source &&
				rec.Table == f.Table
		}) {
			continue
		}
		if kind := unlike[f.Class]; kind != "" {
			kinds[kind] = true
		}
		fp := r.under("%s.%s.%s", f.Source, f.Table, f.Field)
		covered := false
		for i := range c.Rules() {
			ru := &c.Rules()[i]
			if !ru.InForce(today) || len(ru.Fields) > 0 && !slices.Contains(ru.Fields, f.Field) {
				continue
			}
			covered = true
			if f.Class == special && ru.Basis != policy.Consent && ru.Special == "" {
				fp.add(LSpecialBasis, "Art. 9(1), (2)", "the field holds %s, a special category, and rule %s keeps "+
					"it on %s: name the exception of Art. 9(2) in special_basis, or take the field out of the rule",
					words.Spaced(f.Category), ru.Name, words.Spaced(string(ru.Basis)))
			}
		}
		lintAnonymized(c, fp, f, today)
		if !covered {
			fp.add(FSurplusField, "Art. 5(1)(c)", "the field holds personal data (%s) that no rule needs: name it "+
				"under fields of the rule that does, or remove it", words.Spaced(f.Category))
		}
	}
	if one, uniform := uniform(c, today); uniform && len(kinds) > 1 {
		r.add(FUniformRetention, "Art. 5(1)(e)", "one period (%s) for unlike data (%s): give each kind a rule of "+
			"its own with its fields and the period that it needs", words.Class(one),
			strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
	}
	return list
}

// lintAnonymized remarks on a personal field that anonymizing leaves as it is, or from which it leaves
// something that still tells people apart (the EDPB's coordinated action of 2025 found controllers who
// anonymize weakly where they should delete).
func lintAnonymized(c *policy.Compiled, r remarks, f Category, today calendar.Date) {
	anonymizes := slices.ContainsFunc(c.Rules(), func(ru policy.CompiledRule) bool {
		return ru.InForce(today) && (ru.End == policy.Anonymize || ru.Else == policy.Anonymize)
	})
	technique, named := c.Silo.Anonymize[f.Field]
	if !anonymizes {
		return
	}
	switch {
	case !named:
		r.add(LAnonWeak, "Recital 26", "the field holds personal data (%s) and stays as it is when the row is "+
			"anonymized: name it under anonymize, or delete such rows", words.Spaced(f.Category))
	case technique != nil && f.Class == "direct_identifier":
		name, _, _ := strings.Cut(*technique, ":")
		if why := telling[name]; why != "" {
			r.add(LAnonWeak, "Recital 26",
				"anonymizing the field by %s %s: use null or constant, or delete such rows", *technique, why)
		}
	}
}

// telling are the techniques that leave something of a direct identifier.
var telling = map[string]string{
	"hash":     "leaves a pseudonym, by which rows of one person can still be put together",
	"truncate": "leaves a part of what identifies the person",
	"mask":     "leaves the length, and perhaps a part, of what identifies the person",
}

// uniform reports whether every rule in force is of the same deletion class, and returns one of them.
func uniform(c *policy.Compiled, today calendar.Date) (one *policy.CompiledRule, same bool) {
	for i := range c.Rules() {
		ru := &c.Rules()[i]
		if !ru.InForce(today) {
			continue
		}
		if one != nil && !sameClass(one, ru) {
			return nil, false
		}
		one = ru
	}
	return one, one != nil
}

// Together returns what can only be remarked on all silos together: the same period and start in every
// one of them.
func Together(silos []*policy.Compiled, asOf time.Time) []Remark {
	if len(silos) < 2 {
		return nil
	}
	var first *policy.CompiledRule
	for _, c := range silos {
		one, same := uniform(c, calendar.DateOf(asOf, c.Zone()))
		if !same || first != nil && !sameClass(first, one) {
			return nil
		}
		first = one
	}
	return []Remark{{Code: FUniformRetention, Place: "all silos", Law: "Art. 5(1)(e)",
		Words: fmt.Sprintf("every silo has the same period and start (%s): a regulator will ask whether the period "+
			"follows from each purpose, or was set once for all", words.Class(first))}}
}

// sameClass reports whether two rules are of one deletion class (ISO/IEC 27555): the same starting point
// and the same period.
func sameClass(ru, o *policy.CompiledRule) bool {
	return ru.Start == o.Start && sameLength(ru.Term(), o.Term())
}
