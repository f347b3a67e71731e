// Package policy is what a company says about its data, and what follows from it: a Silo has Records, which
// are tables, and Rules; Compile checks all of it and makes it ready, as Compiled rules. A Record is what
// is known of one row, with the Standing that the registry has of its person, and a Decision what becomes
// of it; package decide goes from one to the other. All of it is pure: no I/O, no clock.
package policy

import (
	"slices"
	"time"

	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/intake"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/policy/subject"
)

// Silo is one kind of collecting: a form, a contract, an HR file. Purposes, legal bases, terms and keys
// hang on it. The yaml names are those of the configuration's `silos:`.
type Silo struct {
	Name string `yaml:"-"`
	// collection (default) or silo: which of several collections of one person a row belongs to
	LinkScope    string             `yaml:"link_scope,omitempty"`
	Jurisdiction string             `yaml:"jurisdiction,omitempty"` // ISO 3166-1 alpha-2; default the controller's
	Records      []Records          `yaml:"records"`
	Rules        []Rule             `yaml:"rules"`
	Anonymize    map[string]*string `yaml:"anonymize,omitempty"`    // field: technique; null sets NULL
	OrphanGrace  calendar.Period    `yaml:"orphan_grace,omitempty"` // default P30D
	// what becomes of a row whose person the registry does not know: keep (default), expire, or decide by the row alone
	NoMatch string `yaml:"no_match,omitempty"`
	// tables in which applications keep consents themselves
	Consents []intake.Mapping `yaml:"consents,omitempty"`
	// how people who should be gone end in fields that no silo governs
	Remnants []Remnant `yaml:"remnants,omitempty" json:",omitempty"`
	// the silo is the list of those who said no to marketing
	Suppression bool `yaml:"suppression,omitempty"`

	// DataSubjects are the categories of people in it, for the record of processing (Art. 30). They decide nothing.
	DataSubjects []string `yaml:"data_subjects,omitempty" json:"-"`

	// Readers are for whom the evidence of single rows of the silo is encrypted: recipients of age. None: it is not.
	Readers []string `yaml:"readers,omitempty" json:",omitempty"`

	// ProofRetention is how long the registry keeps the proof of a consent, contract or other ground after
	// its end, usually the limitation period of claims; then it forgets whose it was. None: the proof is
	// kept for ever.
	ProofRetention calendar.Period `yaml:"proof_retention,omitempty"`
}

// Records maps a silo to the rows of one table.
type Records struct {
	Source string `yaml:"source"`
	Table  string `yaml:"table"`
	// discriminator: only rows whose fields hold these values
	Where map[string]string `yaml:"where,omitempty"`
	// whom a row is about, as the configuration has it: identifiers of the row itself, and of other tables
	Written    *subject.Written  `yaml:"subject" json:"-"`
	Subject    map[string]string `yaml:"-"`                    // identifier kind: field
	Via        []subject.Via     `yaml:"-" json:",omitempty"`  // identifiers that stand in other tables
	Collection string            `yaml:"collection,omitempty"` // field that holds the registry's collection id
	Collected  string            `yaml:"collected,omitempty"`  // field with the instant of collecting
	Block      *Block            `yaml:"block,omitempty"`
	Dependents []Dependent       `yaml:"dependents,omitempty"`
	Owns       []Owned           `yaml:"owns,omitempty"`
}

// UnmarshalYAML reads the records, and whom they are about.
func (r *Records) UnmarshalYAML(unmarshal func(any) error) error {
	type plain Records
	err := unmarshal((*plain)(r))
	if err == nil && r.Written != nil {
		r.Subject, r.Via = r.Written.Fields, r.Written.Via
	}
	return err
}

// Remnant says how people who are gone from the silo, and whom no other may hold, end in a field that no silo governs.
type Remnant struct {
	Source string `yaml:"source"`
	Table  string `yaml:"table"`
	Field  string `yaml:"field"`
	Do     string `yaml:"do"` // clear, replace or delete
}

// What becomes of a field in which somebody stands who should be gone.
const (
	ClearRemnant   = "clear"   // it becomes NULL
	ReplaceRemnant = "replace" // what names the person becomes as many x
	DeleteRemnant  = "delete"  // the row goes
)

// Block says how a row's use is blocked in the source, reversibly.
type Block struct {
	Set   map[string]string `yaml:"set"`
	Unset map[string]string `yaml:"unset"`
}

// Dependent is a foreign-key edge whose rows follow the record: FK of Table refers to the record's table,
// or to References.
type Dependent struct {
	Table string   `yaml:"table"`
	FK    []string `yaml:"fk"`
	// default: the catalog's foreign key on FK, else the record's table
	References string `yaml:"references,omitempty"`
	Do         string `yaml:"do"` // delete or set_null
}

// Owned is a parent that only the record uses: it goes when no row of any table refers to it any more. FK
// is the record's.
type Owned struct {
	Table string   `yaml:"table"`
	FK    []string `yaml:"fk"`
}

// Rule is one ground: one legal basis for one purpose, with its term (a deletion rule of ISO/IEC 27555).
type Rule struct {
	ID      string `yaml:"id,omitempty"` // default purpose/basis
	Purpose string `yaml:"purpose"`
	Basis   Basis  `yaml:"basis"`
	// direct marketing: an Art. 21(2) objection ends it for good
	Marketing bool   `yaml:"marketing,omitempty"`
	Start     Start  `yaml:"start,omitempty"` // where the period starts; not for consent
	At        string `yaml:"at,omitempty"`    // the field that holds the starting date
	// days that stand in that field: what they mean, open (not ended), unknown, or real
	Dates map[string]string `yaml:"dates,omitempty" json:",omitempty"`
	Date  string            `yaml:"date,omitempty"` // fixed_date: 2006-01-02
	Age   int               `yaml:"age,omitempty"`  // birth_plus_age: years
	// event: the registry's event type, basis_ended by default
	Event  string          `yaml:"event,omitempty"`
	Period calendar.Period `yaml:"period,omitempty"`  // not for consent
	MaxAge calendar.Period `yaml:"max_age,omitempty"` // consent: mandatory, the longest life of one consent
	Grace  calendar.Period `yaml:"grace,omitempty"`   // from the end to erasure; default P0D
	End    Action          `yaml:"end"`               // delete or anonymize
	Else   Action          `yaml:"else,omitempty"`    // when a referencing row stays: anonymize, or none
	Fields []string        `yaml:"fields,omitempty"`  // what the ground covers; none: every field
	// the exception of Art. 9(2) for special categories that are not kept on consent: 9(2)(b)
	Special string `yaml:"special_basis,omitempty"`
	// how long the privacy notice says the data are kept; compared with max_age or period
	Notice calendar.Period `yaml:"notice_term,omitempty"`
	// the law, or the clause of a contract, that sets the term: mandatory where the rows decide alone
	Article string `yaml:"article,omitempty" json:",omitempty"`
	// known: the field `at` looks like one that any update of the row sets, and the owner has said that it is none, or
	// that the term is meant to start anew then
	Touched  string `yaml:"touched_by_updates,omitempty" json:",omitempty"`
	Because  string `yaml:"because"`
	Owner    string `yaml:"owner"`
	ReviewBy string `yaml:"review_by"`             // 2006-01-02
	From     string `yaml:"valid_from,omitempty"`  // rule in force from this date
	Until    string `yaml:"valid_until,omitempty"` // and until the day before this one
}

// Basis is a legal basis of GDPR Art. 6(1).
type Basis string

// The six bases.
const (
	Consent            Basis = "consent"
	Contract           Basis = "contract"
	LegalObligation    Basis = "legal_obligation"
	VitalInterest      Basis = "vital_interest"
	PublicTask         Basis = "public_task"
	LegitimateInterest Basis = "legitimate_interest"
)

// Start is the starting point of a period (ISO/IEC 27555). A last-modified column is none.
type Start string

// The starting points.
const (
	Collected     Start = "collected"
	ActivityEnded Start = "activity_ended"
	RelationEnded Start = "relation_ended"
	Inactivated   Start = "inactivated"
	AtEvent       Start = "event"
	FixedDate     Start = "fixed_date"
	BirthPlusAge  Start = "birth_plus_age"
)

// Ends reports whether the point is an end of something, or comes after it began: it cannot lie before that.
func (s Start) Ends() bool {
	return s == ActivityEnded || s == RelationEnded || s == Inactivated || s == AtEvent
}

// Action is what a decision does to a record.
type Action string

// The actions.
const (
	Keep      Action = "keep"
	Expire    Action = "expire"
	Anonymize Action = "anonymize"
	Delete    Action = "delete"
)

// Use says whether a record may be used.
type Use string

// The uses.
const (
	Allowed   Use = "allowed"
	Limited   Use = "limited" // for a legal obligation only
	Blocked   Use = "blocked"
	Unchanged Use = "unchanged"
)

// Identity says how a record's identifiers met the registry.
type Identity uint8

// The identities.
const (
	Matched     Identity = iota // Record.Standing is set
	Unmatched                   // identifiers are fine, the registry knows none of them
	Unparseable                 // missing, or not an identifier of its kind
	Conflicting                 // they lead to different collections
	Shared                      // those that are known are other people's too
)

// Trust says whether the registry may be relied on.
type Trust uint8

// The trusts.
const (
	Sound    Trust = iota
	Tampered       // chain broken, or yesterday's head is missing
	Stale          // older than registry.max_age
)

// Record is all that Decide knows of one row.
type Record struct {
	Trust    Trust
	Identity Identity
	// a tombstone (anonymize) exists and every target field already holds what the technique yields
	Anonymized bool
	// Weak says of an anonymized record that a pseudonym, or a part of what was there, is left: it is still personal.
	Weak      bool
	Collected time.Time // zero: unknown
	// one for each of the silo's rules, in order, read by ParseStart from the rule's At, or the field of
	// collecting; zero: the row does not say (no At, or NULL)
	Starts   []calendar.Date
	Standing *Standing // when Matched
	Flagged  time.Time // when a night first found the dateless reason that holds now; zero: this is the first
}

// Standing is what the registry says of one collection of one person at an instant.
type Standing struct {
	Collected time.Time
	Minor     bool // below the age of consent when collected
	Parental  bool // authorised by a holder of parental responsibility, for every purpose
	// since when a minor is one no more (age_reached): what was given before stays a child's; zero: not
	// known
	Aged              time.Time
	Hold              bool              // a legal hold is in scope
	Restricted        bool              // Art. 18
	PendingAccess     bool              // an access or portability request is open
	Erasure           time.Time         // an erasure request, not refused and not closed; zero: none
	Purposes          []PurposeStanding // at most one entry for each purpose
	FirstSeq, LastSeq int64             // the registry positions relied on
}

// PurposeStanding is the state of one purpose of a collection.
type PurposeStanding struct {
	Purpose string // "" of an objection to all direct marketing
	State   ConsentState
	// when the state began: given, renewed, withdrawn, ...; expired: the instant from which the consent no
	// longer held
	Since           time.Time
	Until           time.Time // effective_until of the consent; zero: none
	Proven          bool      // evidence and a notice are on file (Art. 7(1)); expired: of the consent that ended
	Future          bool      // only events that are not yet effective, or whose clock is impossible
	ImpossibleClock bool
	Objection       Objection
	ObjectedAt      time.Time
	Marketing       bool // the objection is to direct marketing (Art. 21(2)): absolute
	// basis_ended (or the event a rule names): the starting date of relation_ended, activity_ended, event;
	// zero: open
	Ended    time.Time
	Started  time.Time // basis_started
	Parental bool      // authorised for this purpose by a holder of parental responsibility
}

// ConsentState is the state of consent for a purpose.
type ConsentState string

// The states.
const (
	NoConsent   ConsentState = ""
	Given       ConsentState = "given"
	Renewed     ConsentState = "renewed"
	Refused     ConsentState = "refused"
	Withdrawn   ConsentState = "withdrawn"
	Expired     ConsentState = "expired"
	Invalidated ConsentState = "invalidated"
)

// Objection is the state of an Art. 21 objection.
type Objection uint8

// The objections.
const (
	NoObjection Objection = iota
	ObjectionPending
	ObjectionUpheld
	ObjectionOverridden
)

// Decision is the answer.
type Decision struct {
	Action  Action
	Use     Use
	Reason  reason.Code
	Row     string        // the row of the decision table that answered: "A0" ... "D10"
	Notes   []reason.Code // exceptions and remarks beside the reason; shared, not to be changed
	Clear   []string      // D1: fields no live ground covers, sorted; shared, not to be changed
	Grounds []string      // D1: live rules' ids, in rule order; shared, not to be changed
	Rule    string        // the rule that gave the reason; "" where none did
	Until   calendar.Date // D1: the last day of the last live ground; zero: open
	End     calendar.Date // dead: the day on which the last ground ended
	Due     calendar.Date // dead: the first day on which erasure is due (end + grace)
	Else    Action        // what D10 does instead of delete: Anonymize or Keep
	Flag    bool          // the reason has no date of its own: its first night is to be recorded
}

// DecideAlone is what no_match says where rows of people whom the registry does not know are decided all the same.
const DecideAlone = "decide"

// Alone reports whether the silo's rows decide by themselves: no rule needs the registry, which may still protect
// whom it knows.
func (s *Silo) Alone() bool { return s.NoMatch == DecideAlone }

// Wheres are what rows of a table hold that are the silo's, one for each of its records there.
func (s *Silo) Wheres(source, table string) (wheres []map[string]string) {
	for _, r := range s.Records {
		if r.Source == source && r.Table == table {
			wheres = append(wheres, r.Where)
		}
	}
	return wheres
}

// IsMarketing reports whether a rule of the silo uses the purpose for direct marketing.
func (s *Silo) IsMarketing(purpose string) bool {
	return slices.ContainsFunc(s.Rules, func(r Rule) bool { return r.Purpose == purpose && r.Marketing })
}

// WritesBlock reports whether the decision's use=blocked is written to the source: in groups B and D, but
// not for what only our own missing knowledge is the reason (group A, D3, D5, and D6 unless the silo opted
// for no_match: expire). A block that is not written is reported.
func (d Decision) WritesBlock() bool {
	if d.Use != Blocked {
		return false
	}
	switch d.Row {
	case "A4", "A5", "A6", "D3", "D5":
		return false
	case "D6":
		return d.Action == Expire
	}
	return true
}

// WritesUnblock reports whether a row that is blocked in the source is to be freed: its use is allowed, in
// full or in part.
func (d Decision) WritesUnblock() bool { return d.Use == Allowed || d.Use == Limited }
