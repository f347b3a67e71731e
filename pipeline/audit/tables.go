// Package audit says what a run leaves as evidence. Its nouns: Facts (all of a run's report but the
// bulk), the rows of its tables (Run, Inventory, Finding, Summary, Plan, Approval, Decision, Action,
// Exception, Backup, ConsentSync, Request, Hold), Ref (the name of a record), Spool (a durable file of
// rows), Schema (the columns of a table) and Gate (who judges what is published). Below it stand the
// tables' files (parquet), the page for the data protection officer (page), and publishing, signing and
// verifying (evidence). The same facts give the same bytes. No value of a record gets here; records
// are named by keyed references only.
package audit

import "time"

// Ref names a record in a report: HMAC-SHA256 of system, object and key under the silo's audit key of
// the epoch.
type Ref [32]byte

// Run is the one row of table runs.
type Run struct {
	RunID            string    // UUIDv7
	RunKey           string    // job, mode and civil date of as_of: one finished apply for each
	Job              string    //
	Mode             string    // dry or apply
	Phases           string    // night, discover, plan, apply or sync: how much of a night it was
	AsOf             time.Time // the instant decisions are made for
	Zone             string    // the controller's, in which terms are counted
	Controller       string    //
	StartedAt        time.Time //
	EndedAt          time.Time //
	Host             string    //
	ToolVersion      string    //
	PolicyDigest     string    // sha256 of the decision-relevant configuration, hex
	RulesDigest      string    // of the classifiers' rules
	RegistryHeads    string    // silo:seq:hash;... sorted
	PreviousManifest string    // sha256 of the manifest before this one, hex; "" on the first night
	Simulated        bool      // as_of lies after the wall clock (clock: simulated)
	ExitCode         int32     //
	StopReason       string    // done, already_done, waiting, window_end, stop_file, breaker, source_failed, error
	SourcesOK        int32     //
	SourcesFailed    int32     //
	RowsScanned      int64     //
	SingleApproval   bool      // approvals: 1 is configured
	PlaintextWaived  string    // sources reached without TLS by waiver, joined by ';'
	Forgotten        string    // by silo with a proof_retention: what was forgotten, or why nothing; joined by ';'
	Answers          int64     // how long the chain of people's answers was when the run ended
	AnswersHead      string    // hash of the last of them, hex; "" there was none
}

// Inventory is one table (Column "") or one field of a source.
type Inventory struct {
	Source      string  //
	Application string  //
	Environment string  // production, test, development, backup
	Location    string  //
	Database    string  // the catalog's own name
	Object      string  // table
	Column      string  // "" for the table's own row
	Type        string  // as declared
	Silo        string  // "" where no silo governs the table
	Rows        int64   //
	NonEmpty    int64   //
	Distinct    int64   // estimate
	Category    string  // the primary label; "none"
	Also        string  // the others, joined by ';'
	Class       string  // GDPR class
	DPV         string  // DPV term
	Company     bool    // data of a legal person
	Confidence  float64 // 0 to 1
	Detectors   string  // joined by ';'
	Terms       string  // the verdict's terms, each with why and its log-odds, joined by ';'
	OldestRow   string  // civil date, for a table with a collected or start field; "" unknown
	NewestRow   string  //
	SoftDelete  string  // the table's soft-delete column
	State       string  // scanned, skipped, failed
	Reason      string  // why skipped or failed
	Change      string  // new, same, changed, gone since the last night
	FirstSeen   string  // civil date

	Sampled       int64   // rows read of a table that was read in part; 0 all
	MissedBelow   float64 // the share of rows below which that can have missed what is there (95 %); 0 none
	Inactive      int64   // rows that the soft-delete column marks as deleted, archived or out of use
	Fictitious    int64   // distinct values, of those looked at, that an authority reserves for tests
	Machine       string  // the classifiers' category where a person decided; Category is then the person's
	ReviewedBy    string  // who decided; "" nobody
	ReviewedUntil string  // civil date, the last on which the person's verdict holds
	Because       string  // why the person decided so
	Fingerprint   string  // of a backup's bytes and rules, hex: a file with an equal one is not classified again
	Candidate     string  // what came nearest where nothing personal was found; "" nothing speaks for any kind
	Shapes        string  // the commonest forms of the values, joined by ';', and no value: Aa{3,9}
	RefersTo      string  // table.field, where a foreign key points; "" nowhere
	Subject       string  // of a table: whose rows these are (person, company, place, thing); "" nothing tells
}

// Finding is something a person should look at. It has a stable identity from night to night.
type Finding struct {
	FindingID string // hash of kind and place, hex
	Kind      string // F_UNMAPPED, F_OVERDUE, ...
	Words     string // one sentence
	Severity  string // high, medium, low
	Source    string //
	Object    string //
	Column    string //
	Count     int64  //
	Article   string // of the GDPR
	FirstSeen string // civil date
}

// Summary counts rows of a silo's table by decision.
type Summary struct {
	Silo        string //
	Source      string //
	Object      string //
	Reason      string // code
	Words       string // the code in words
	Article     string //
	Action      string // keep, expire, anonymize, delete
	Use         string //
	Change      string // block, unblock, clear, anonymize, delete, "" none
	Rows        int64  //
	WithProof   int64  // rows that rest on proven consent
	OldestDue   string // civil date of the row longest overdue; ""
	Unmatched   int64  //
	Unparseable int64  //
	Conflicting int64  //
}

// Plan is one batch of a sealed plan: rows of one table with one action and reason.
type Plan struct {
	PlanID           string    //
	Part             string    // reversible or destructive
	Digest           string    // sha256 of plan.json, hex
	Silo             string    //
	Source           string    //
	Object           string    //
	Change           string    // block, unblock, clear, anonymize, delete, set_null
	Reason           string    //
	Rows             int64     //
	PercentOfObject  float64   //
	Usual            float64   // median of such rows over the last 30 runs
	Breakers         string    // questions this plan raised, joined by ';'
	RequiresApproval bool      //
	ValidUntil       time.Time //
	State            string    // waiting, approved, applied, partly_applied, expired, rejected, withdrawn
}

// Approval is a signed answer: one that was given since the night before, or to a plan that this night was about. What
// is signed is made of these columns; the file answers/SEQ.json beside the tables holds it as it was signed.
type Approval struct {
	PlanID        string    // "" what it is about is no plan
	Digest        string    // of what it is about, hex
	Actor         string    // a name from people:
	Role          string    // the actor's roles, joined by ';'; "order" for a standing order
	Decision      string    // approve, reject, object, override, withdraw, discard, adopt, order, revoke, ...
	Comment       string    //
	SignedAt      time.Time //
	KeyID         string    // sha256 of the public key, first 16 hex digits
	Signature     []byte    // Ed25519 over the answer
	StandingOrder string    // "" for a person's own approval
	Seq           int64     // place in the chain of answers; 0 for a standing order
	Previous      string    // hash of the answer before it, hex
	About         string    // plan:ID, policy, order:SILO, hold:SILO/ID, key:PUBLIC, answers
	Rows          int64     // how many rows that is, where rows are what it is about
	Key           string    // public key
}

// Decision is one record whose decision is not a plain keep.
type Decision struct {
	Silo      string    //
	System    string    // the live source the record belongs to
	Source    string    // where this copy of it was read
	Object    string    //
	Record    Ref       //
	Action    string    //
	Use       string    //
	Reason    string    //
	Article   string    //
	Row       string    // row of the decision table
	Rule      string    // "" where none decided
	Grounds   string    // live grounds, joined by ';'
	Cleared   string    // fields to clear, joined by ';'
	Until     string    // civil date the last live ground ends
	Due       string    // civil date erasure is due
	FlaggedAt time.Time // the anchor of a reason without a date; zero none
	Notes     string    // exceptions and remarks, joined by ';'
	Change    string    // block, unblock, clear, anonymize, delete, "" none
}

// Action is one planned row as it was settled.
type Action struct {
	PlanID    string    //
	Digest    string    //
	Batch     int64     // the journal's chunk
	Silo      string    //
	System    string    //
	Source    string    //
	Object    string    //
	Record    Ref       //
	Root      Ref       // the record this dependent or owned row follows; the same as Record for a root
	Change    string    //
	Method    string    // sql_delete, sql_update, rewrite; techniques joined by ';' for anonymize
	Reason    string    //
	Status    string    // done, recovered, skipped_drift, refused, failed
	ErrorCode string    // of refused: FOREIGN_KEY, TRIGGER, ...; else GONE, HALF_DONE, LOCKED, ...
	At        time.Time // of the chunk
	Absent    bool      // verified absent (or changed) afterwards
	RefusedBy string    // the constraint, field or table that refused, as the engine names it
}

// Exception counts rows that need a person.
type Exception struct {
	Silo      string //
	Source    string //
	Object    string //
	Code      string //
	Words     string //
	Count     int64  //
	FirstSeen string // civil date
	AgeDays   int64  //
	Owner     string //
}

// Start is what the days of one table look like from which a rule's terms count, for who looks at a plan before
// anything is destroyed.
type Start struct {
	Silo        string //
	Source      string //
	Object      string //
	Column      string // the field with the days
	Rule        string //
	Start       string // collected, relation_ended, ...
	Rows        int64  // with a day
	Oldest      string // civil date, of births the year; "" none has one
	Newest      string // the same of the newest
	Most        string // the civil date that the most rows have
	MostRows    int64  // how many
	Open        int64  // rows that have no day: the relation has not ended
	Unknown     int64  // rows with what is no day, or stands for none (E_START_UNKNOWN)
	Nothing     string // civil dates that the column's default, or their mass, shows to stand for none, joined by ';'
	BeforeSince int64  // rows with a day before the company's first
}

// Backup is one backup file, or set that cannot be read.
type Backup struct {
	Source      string    //
	Application string    //
	Path        string    //
	Engine      string    //
	Size        int64     //
	TakenAt     time.Time //
	ExpiresAt   time.Time // keep; zero unknown
	Strategy    string    // rewrite, age_out, beyond_use
	Why         string    // of the strategy
	Pending     int64     // rows that should be gone and are not yet
	Oldest      string    // civil date the oldest of them was due
	LastRewrite time.Time //
	Before      string    // sha256, hex, before this run's rewrite
	After       string    // and after it
	Status      string    // ok, rewritten, waiting, overdue, orphan, unreadable
}

// ConsentSync is where the copy stands that a target, an application, keeps of one silo's consents for
// the rows of one table. Digests combine the seals of the copy's rows in any order.
type ConsentSync struct {
	Target         string    //
	Silo           string    //
	Source         string    // whose rows the copy is about
	Object         string    //
	HeadSeq        int64     // the registry's head tonight
	AckedSeq       int64     // the head that the copy is known to be at
	LagSeconds     int64     // since it was last known to be at the head; 0 it is
	MaxLagSeconds  int64     //
	Changed        int64     // rows of the copy that were, or in a dry run would be, written or removed
	Attempts       int64     // deliveries begun since the last acknowledged one
	Error          string    // code of what ended tonight's; "" nothing did
	LocalRows      int64     // of the copy, as it was found
	ExpectedRows   int64     // as it should be, and is once it was brought up to date
	DriftMissing   int64     // rows somebody removed from the copy, as found before it was repaired
	DriftExtra     int64     // rows somebody added
	DriftDifferent int64     // rows somebody altered
	LastCompare    time.Time // when it was last compared in full
	CopyDigest     []byte    // of the rows found that Lethe had written
	ExpectedDigest []byte    // of those that should be there
}

// Request is a person's request in one silo: an open one, or one that was closed in the last twelve
// months. It does not say whose it is.
type Request struct {
	Silo        string    //
	RequestID   string    //
	Kind        string    // access, rectification, erasure, restriction, portability, objection, withdrawal
	ReceivedAt  time.Time //
	DueOn       string    // civil date: the last day of the first month, later by what it was paused
	ExtendedTo  string    // civil date: the last day of the extended term (Art. 12(3)); "" it was not extended
	ToldAt      time.Time // when the person was told of the extension
	Because     string    // and why: complexity or number (of requests)
	PausedHours float64   // for how long the term rested while it was checked who asks (Art. 12(6))
	Status      string    // open, paused, overdue, closed
	ClosedAt    time.Time //
	Outcome     string    // completed, partly_refused, refused
	Exception   string    // by which it was refused, such as 17(3)(e)
	OverdueDays int64     // open and late, or closed so many days late
}

// Hold is a legal hold on a silo or on people in it: one in force, or one that was released in the last
// twelve months. It does not say on whom.
type Hold struct {
	Silo       string    //
	HoldID     string    //
	PlacedBy   string    // a name from people:
	PlacedAt   time.Time //
	ApprovedBy string    // "" nobody yet
	ReviewBy   string    // civil date
	Status     string    // in_force, unapproved, review_due, released
	ReleasedAt time.Time //
	ReleasedBy string    // the two who did, joined by ';'
}

// Remnant is a field that no silo governs in which people stand who are gone from a silo: whom a night erased, or who
// are out of consent, and whom no silo may hold. It does not say who they are.
type Remnant struct {
	Silo      string //
	Source    string //
	Object    string //
	Column    string //
	Kinds     string // of the identifiers that were met, joined by ';'
	People    int64  // distinct identifiers
	Erased    int64  // of those, the ones whose records a night erased; the others are out of consent
	Rows      int64  // in which each of them stands, added up
	Since     string // civil date since when the first of them should be gone; "" not known
	FirstSeen string // civil date of the first night that found it
	Sampled   int64  // rows that were searched of a table that was read in part; 0 all
	More      bool   // there are more people than were counted
	Example   int64  // the primary key of a row to look at, where it is a number that says nothing; 0 none
}
