// Package audit says what a run leaves as evidence. Its nouns: Facts (all of a run's report but the
// bulk), the rows of its tables (Run, Inventory, Finding, Summary, Plan, Approval, Decision, Action,
// Exception, Backup, ConsentSync, Request, Hold), Ref (the name of a record), Spool (a durable file of
// rows), Schema (the columns of a table) and Gate (who judges what is published). Below it stand the
// tables' files (parquet), the page for the data protection officer (page), and publishing, signing and
// verifying (evidence). The same facts give the same bytes. No value of a record gets here; records
// are named by keyed references only.
package audit

import "time"

// Ref names a record in a report: the first 16 bytes of HMAC-SHA256 of system, object and key under the silo's audit
// key of the epoch. That is enough to tell records apart, and half of what a line of evidence weighs: random bytes
// cannot be packed.
type Ref [16]byte

// RefOf is the name that a keyed reference gives to a record.
func RefOf(whole [32]byte) Ref { return Ref(whole[:len(Ref{})]) }

// Run is the one row of table runs.
type Run struct {
	RunID            string    // UUIDv7
	RunKey           string    // job, mode and civil date of as_of: one finished apply for each
	Job              string    // name of the job
	Mode             string    // dry or apply
	Phases           string    // night, discover, plan, apply or sync: how much of a night it was
	Night            string    // of a run that only applied: the night on which it goes on; "" none
	AsOf             time.Time // the instant decisions are made for
	Zone             string    // the controller's, in which terms are counted
	Controller       string    // as the configuration names it
	StartedAt        time.Time // by the clock of the host
	EndedAt          time.Time // by the clock of the host
	Host             string    // that it ran on
	ToolVersion      string    // of Lethe
	PolicyDigest     string    // sha256 of the decision-relevant configuration, hex
	RulesDigest      string    // of the classifiers' rules
	RegistryHeads    string    `col:",list"` // silo:seq:hash;... sorted
	PreviousManifest string    // sha256 of the manifest before this one, hex; "" on the first night
	Simulated        bool      // as_of lies after the wall clock (clock: simulated)
	ExitCode         int32     // 0 all went well; the others are in the operator's guide
	StopReason       string    // done, already_done, waiting, window_end, stop_file, breaker, source_failed, error
	SourcesOK        int32     // read to their end
	SourcesFailed    int32     // not read to their end
	RowsScanned      int64     // read, of all sources
	SingleApproval   bool      // approvals: 1 is configured
	PlaintextWaived  string    `col:",list"` // sources reached without TLS by waiver, joined by ';'
	Forgotten        string    `col:",list"` // by silo with a proof_retention: what was forgotten, or why nothing
	Answers          int64     // how long the chain of people's answers was when the run ended
	AnswersHead      string    // hash of the last of them, hex; "" there was none
	DecisionsAfter   string    // run whose table decisions this one's goes on from; "" it is whole, or has none
	JournalWrites    int64     // how often anything was written to the journal until then; 0 it was not sealed
}

// Inventory is one table (Column "") or one field of a source.
type Inventory struct {
	Source      string  // as the configuration names it
	Application string  // as the configuration names it
	Environment string  // production, test, development, backup
	Location    string  // country, ISO 3166-1 alpha-2
	Database    string  // the catalog's own name
	Object      string  // table
	Column      string  `col:"field"` // "" for the table's own row
	Type        string  // as declared
	Silo        string  `col:"silos,list"` // "" where no silo governs the table
	Rows        int64   // that the table has
	NonEmpty    int64   // rows in which the field holds something
	Distinct    int64   `col:"distinct_values"` // of values: an estimate
	Category    string  // the primary label; "none"
	Also        string  `col:",list"` // the others, joined by ';'
	Class       string  // GDPR class
	DPV         string  // DPV term
	Company     bool    // data of a legal person
	Confidence  float64 `col:",decimal3"` // 0 to 1
	Detectors   string  `col:",list"`     // joined by ';'
	Terms       string  `col:",list"`     // the verdict's terms, each with why and its log-odds, joined by ';'
	OldestRow   string  `col:",date"`     // civil date, for a table with a collected or start field; "" unknown
	NewestRow   string  `col:",date"`     // the same of the newest
	SoftDelete  string  // the table's soft-delete column
	State       string  // scanned, skipped, failed
	Reason      string  // why skipped or failed
	Change      string  // new, same, changed, gone since the last night
	FirstSeen   string  `col:",date"` // civil date

	Sampled       int64   `col:",null"` // rows read of a table that was read in part; 0 all
	MissedBelow   float64 // the share of rows below which that can have missed what is there (95 %); 0 none
	Inactive      int64   // rows that the soft-delete column marks as deleted, archived or out of use
	Fictitious    int64   // distinct values, of those looked at, that an authority reserves for tests
	Machine       string  // the classifiers' category where a person decided; Category is then the person's
	ReviewedBy    string  // who decided; "" nobody
	ReviewedUntil string  `col:",date"` // civil date, the last on which the person's verdict holds
	Because       string  // why the person decided so
	Fingerprint   string  // of a backup's bytes and rules, hex: a file with an equal one is not classified again
	Candidate     string  // what came nearest where nothing personal was found; "" nothing speaks for any kind
	Shapes        string  `col:",list"` // the commonest forms of the values, joined by ';', and no value: Aa{3,9}
	RefersTo      string  // table.field, where a foreign key points; "" nowhere
	Subject       string  // of a table: whose rows these are (person, company, place, thing); "" nothing tells
	Processor     string  // who holds the source for the controller; "" the controller
	Encrypted     string  `col:"encrypted_at_rest"` // yes, no; NULL nobody said
	AuditLog      string  `col:"audit_logging"`     // who read and changed what is kept: yes, no; NULL nobody said
	DeletePath    string  // how what has to go from it goes: rows, rewrite, expires with the file; none
	Rules         string  `col:",list"` // of a live table, or of a field: the purposes of the rules that cover it
}

// Personal reports whether a field holds personal data: a kind of it, and not of legal persons only.
func (i Inventory) Personal() bool {
	return i.Category != "" && i.Category != "none" && i.Category != "company_only" && !i.Company
}

// Finding is something a person should look at. It has a stable identity from night to night.
type Finding struct {
	FindingID string // hash of kind and place, hex
	Kind      string // F_UNMAPPED, F_OVERDUE, ...
	Words     string // one sentence
	Severity  string // high, medium, low
	Source    string // as the configuration names it
	Object    string // the table, or what else it is about
	Column    string `col:"field"` // the field; NULL it is about the table
	Count     int64  // rows, files or what else it counts
	Article   string // of the GDPR
	FirstSeen string `col:",date"` // civil date
}

// Summary counts rows of a silo's table by decision.
type Summary struct {
	Silo        string // as the policy names it; NULL where none governs
	Source      string // as the configuration names it
	Object      string // the table
	Reason      string // code
	Words       string // the code in words
	Article     string // of the GDPR, or the instrument named
	Action      string // keep, expire, anonymize, delete
	Use         string `col:"usage"` // allowed, limited, blocked, unchanged
	Change      string // block, unblock, clear, anonymize, delete, "" none
	Rows        int64  // decided so
	WithProof   int64  // rows that rest on proven consent
	OldestDue   string `col:",date"` // civil date of the row longest overdue; ""
	Unmatched   int64  // of them, rows whose person the registry does not know
	Unparseable int64  // rows without a readable identifier
	Conflicting int64  // rows whose identifiers disagree, or are others' too
	InUse       int64  // rows whose usage is blocked and that are not: no `block`, a dry run, a source only read
}

// Plan is one batch of a sealed plan: rows of one table with one action and reason.
type Plan struct {
	PlanID           string    // it; its lines share it
	Part             string    // reversible, destructive; again: ended before, and brought back by a copy
	Digest           string    // sha256 of plan.json, hex
	Silo             string    // as the policy names it; NULL where none governs
	Source           string    // as the configuration names it
	Object           string    // the table
	Change           string    // block, unblock, clear, anonymize, delete, set_null
	Reason           string    // code of the decision
	Rows             int64     // of the line
	People           int64     `col:",null"`     // whose rows they are, each counted once; 0 not counted
	PlanPeople       int64     `col:",null"`     // whose rows all lines of the plan in the silo are, each counted once
	PercentOfObject  float64   `col:",decimal2"` // of the table's rows; 0 how many it has was not counted
	Usual            float64   // median of such rows over the last 30 runs
	Breakers         string    `col:",list"` // questions this plan raised, joined by ';'
	RequiresApproval bool      // people still have to answer it
	ValidUntil       time.Time // when it lapses
	State            string    // waiting, approved, applied, partly_applied, expired, rejected, withdrawn
	Early            bool      // carried out before the night read its sources, so that no row of it is in its summary
}

// Approval is a signed answer: one that was given since the night before, or to a plan that this night was about. What
// is signed is made of these columns; the file answers/SEQ.json beside the tables holds it as it was signed.
type Approval struct {
	PlanID        string    // "" what it is about is no plan
	Digest        string    // of what it is about, hex
	Actor         string    // a name from people:
	Role          string    `col:"roles,list"` // the actor's roles, joined by ';'; "order" for a standing order
	Decision      string    // approve, reject, object, override, withdraw, discard, adopt, order, revoke, ...
	Comment       string    // of who answered
	SignedAt      time.Time // by the clock of who signed
	KeyID         string    // sha256 of the public key, first 16 hex digits
	Signature     []byte    // Ed25519 over the answer
	StandingOrder string    // "" for a person's own approval
	Seq           int64     `col:",null"` // place in the chain of answers; 0 for a standing order
	Previous      string    // hash of the answer before it, hex
	About         string    // plan:ID, policy, order:SILO, hold:SILO/ID, key:PUBLIC, answers
	Rows          int64     `col:",null"` // how many rows that is, where rows are what it is about
	Key           string    // public key
}

// Decision is one record whose decision is not a plain keep.
type Decision struct {
	Silo      string    // as the policy names it; NULL where none governs
	System    string    // the live source the record belongs to
	Source    string    // where this copy of it was read
	Object    string    // the table
	Record    Ref       // reference of the row
	Action    string    // keep, expire, anonymize, delete, no_match; over: it is listed no more
	Use       string    `col:"usage"` // allowed, limited, blocked, unchanged
	Reason    string    // code of the decision
	Article   string    // of the GDPR, or the instrument named
	Row       string    `col:"decision_row"` // row of the decision table
	Rule      string    // "" where none decided
	Grounds   string    `col:",list"`             // live grounds, joined by ';'
	Cleared   string    `col:",list"`             // fields to clear, joined by ';'
	Until     string    `col:"ground_until,date"` // civil date the last live ground ends; NULL without readers
	Due       string    `col:"due_on,date"`       // civil date erasure is due; NULL without readers
	FlaggedAt time.Time // the anchor of a reason without a date; NULL none, or without readers
	Notes     string    `col:",list"` // exceptions and remarks, joined by ';'
	Change    string    // block, unblock, clear, anonymize, delete, "" none
}

// Action is one planned row as it was settled.
type Action struct {
	PlanID    string    // that it stood in
	Digest    string    // of the plan: sha256 of plan.json
	Batch     int64     // the journal's chunk
	Silo      string    // as the policy names it; NULL where none governs
	System    string    // the live source the row belongs to
	Source    string    // as the configuration names it
	Object    string    // the table
	Record    Ref       // reference of the row
	Root      Ref       // the record this dependent or owned row follows; the same as Record for a root
	Change    string    // block, unblock, clear, anonymize, delete, set_null
	Method    string    `col:"methods,list"` // sql_delete, sql_update, rewrite; techniques joined by ';' for anonymize
	Reason    string    // code of the decision
	Status    string    // done, recovered, skipped_drift, refused, failed
	ErrorCode string    // of refused: FOREIGN_KEY, TRIGGER, ...; else GONE, HALF_DONE, LOCKED, ...
	At        time.Time `col:"done_at"`         // of the chunk
	Absent    bool      `col:"verified_absent"` // verified absent (or changed) afterwards
	RefusedBy string    // the constraint, field or table that refused, as the engine names it
}

// Exception counts rows that need a person.
type Exception struct {
	Silo      string // as the policy names it; NULL where none governs
	Source    string // as the configuration names it
	Object    string // the table
	Code      string // of the exception
	Words     string // the code in words
	Count     int64  `col:"rows"`  // how many
	People    int64  `col:",null"` // of X_NO_MATCH, each counted once; 0 not counted
	FirstSeen string `col:",date"` // civil date
	AgeDays   int64  // since the first night that counted it
	Owner     string // who answers for the silo, a name from people:
}

// Silo is one silo at the end of a night: its people, rows and copies, which are three different things. What could not
// be read keeps the figures of the last night that read it, and ReadOn says of which.
type Silo struct {
	Silo                string // as the policy names it; NULL where none governs
	People              int64  // of whom it has live rows, each counted once; who cannot be told from others is not
	PeopleWithoutGround int64  // of them, those who have a live row without a ground
	PeopleBlocked       int64  // of those, those whose rows without a ground are all blocked in the source
	PeopleUnknown       int64  // of those without a ground, those whom the registry does not know
	Rows                int64  // live: the sum of the seven that follow
	WithGround          int64  // a ground lets them stand, or they are anonymous
	KeptBlocked         int64  // they stay, unused: a hold, a restriction, an objection that nobody weighed yet
	InDoubt             int64  // kept, as nobody can tell: an exception, or consent that is not in force yet
	InGrace             int64  // no ground; their grace is not over
	Waiting             int64  // no ground, due, and in a plan that waits for people
	NotDone             int64  // no ground, due, and in no such plan: a limit, a refusal or a night without --apply
	Unknown             int64  // the registry does not know whose they are
	RowsEnded           int64  // live rows that the run deleted or anonymized
	Copies              int64  // rows in backup files
	ErasedPeople        int64  // whose rows a night ended, and of whom a backup still has some; each counted once
	LastCopyOn          string `col:",date"` // civil date when the last of those copies should be gone; "" unknown
	ReadOn              string `col:",date"` // civil date of the night that read all its live sources; "" none did yet
	Owner               string // who answers for it, a name from people:
	Nameless            bool   // its rows name nobody: only rows can be counted, and people are 0
}

// Rollup is the one row of table run_rollup: a run in sums over all silos, which stays when its rows are long gone.
// Silos are never joined, so that somebody who is in two counts twice.
type Rollup struct {
	RunID               string // the run
	Phases              string // as in table runs
	Silos               int64  // that were summed
	Stale               int64  // of them, those that were not read in this run: their last figures are in the sums
	People              int64  // as in table silos, like all that follow
	PeopleWithoutGround int64  // who have a row without a ground
	Rows                int64  // live
	InGrace             int64  // no ground; their grace is not over
	Waiting             int64  // due, in a plan that waits for people
	NotDone             int64  // due, in no such plan
	Unknown             int64  // the registry does not know whose they are
	RowsEnded           int64  // deleted or anonymized
	Copies              int64  // rows in backup files
	ErasedPeople        int64  // who are still in a backup
	RequestsOpen        int64  // of people, when the run ended
	RequestsOverdue     int64  // of them, those past their term
	RequestsClosed      int64  // closed since the run before
	RequestsInTerm      int64  // of those, those that were closed within their term
}

// RowRollup counts rows of a table with a line for each record, of one night, that are alike. It stands in their place
// once the term of evidence for rows is over, and beside rows that are encrypted for the readers of their silo.
type RowRollup struct {
	OfRun   string // the run that published the rows
	OfDate  string `col:",date"` // civil date of that run
	OfTable string // the table that they stood in: decisions or actions
	Silo    string // as the policy names it; NULL where none governs
	Source  string // where the copy was read, or changed
	Object  string // the table of the source
	Action  string // of decisions: keep, expire, anonymize, delete, no_match
	Change  string // block, unblock, clear, anonymize, delete, set_null; "" none
	Reason  string // code of the decision
	Status  string // of actions: done, recovered, skipped_drift, refused, failed
	Rows    int64  // that were alike
}

// Age counts live rows of a silo's table by how much of their term is over, when the run ended.
type Age struct {
	Silo     string // as the policy names it; NULL where none governs
	Source   string // as the configuration names it
	Object   string // the table
	Tenth    int32  // of the term that is over: 0 to 9; 10 the term is over; -1 no term runs, or it is open
	Rows     int64  // so old
	Due      int64  // of those, rows that are due to be ended
	DaysPast int64  // since the end of the term, of the row longest past it; 0 none, or some were ended since
	ReadOn   string `col:",date"` // civil date of the night that read them
}

// Source is one configured source, and whether it was read.
type Source struct {
	Source      string    // its name in the configuration
	Application string    // as the configuration names it
	Environment string    // production, test, development, backup
	Location    string    // country, ISO 3166-1 alpha-2
	Engine      string    // the connector
	BackupOf    string    // the live source; "" it is one
	SourceSet   string    // of a backup: the configured source that the file belongs to; else the source itself
	State       string    // scanned, failed, unread: the run did not come to it, or does not read sources
	ErrorCode   string    // of failed: UNREACHABLE, DENIED, PLAINTEXT, SCHEMA_CHANGED, DAMAGED, UNSUPPORTED, UNREADABLE
	Tables      int64     // that it has
	RowsRead    int64     // this night
	TakenAt     time.Time // of a backup
	LastRead    string    `col:",date"` // civil date of the last night that read it to its end; "" none did
}

// Start is what the days of one table look like from which a rule's terms count, for who looks at a plan before
// anything is destroyed.
type Start struct {
	Silo        string // as the policy names it; NULL where none governs
	Source      string // as the configuration names it
	Object      string // the table
	Column      string `col:"field"` // the field with the days
	Rule        string // whose terms they are
	Start       string `col:"starts_at"` // collected, relation_ended, ...
	Rows        int64  // with a day
	Oldest      string // civil date, of births the year; "" none has one
	Newest      string // the same of the newest
	Most        string // the civil date that the most rows have
	MostRows    int64  // how many
	Open        int64  // rows that have no day: the relation has not ended
	Unknown     int64  // rows with what is no day, or stands for none (E_START_UNKNOWN)
	Nothing     string `col:",list"` // civil dates that a default, or their mass, shows to stand for none
	BeforeSince int64  // rows with a day before the company's first
}

// Backup is one backup file, or set that cannot be read.
type Backup struct {
	Source      string    // as the configuration names it
	Application string    // as the configuration names it
	Path        string    // of the file
	Engine      string    // the connector
	Size        int64     // in bytes
	TakenAt     time.Time // when the backup was made
	ExpiresAt   time.Time // keep; zero unknown
	Strategy    string    // rewrite, age_out, beyond_use
	Why         string    // of the strategy
	Pending     int64     // rows that should be gone and are not yet
	Oldest      string    `col:"oldest_due,date"` // civil date the oldest of them was due
	LastRewrite time.Time // when Lethe last rewrote it
	Before      string    `col:"sha256_before"` // sha256, hex, before this run's rewrite
	After       string    `col:"sha256_after"`  // and after it
	Status      string    // ok, rewritten, waiting, overdue, orphan, unreadable

	SourceSet    string // the configured source that the file belongs to
	GoesOn       string `col:",date"` // civil date: what should be gone goes, or the file ends; "" unknown
	ErasedPeople int64  // who are in it though a night ended their rows
	LastCopies   int64  // of them, those of whom no other backup has rows for longer

	TriedAt time.Time // when it was last put back for trial; NULL never
	Tried   string    // ok, failed; NULL never
}

// ConsentSync is where the copy stands that a target, an application, keeps of one silo's consents for
// the rows of one table. Digests combine the seals of the copy's rows in any order.
type ConsentSync struct {
	Target         string    // the application's copy, as the configuration names it
	Silo           string    // as the policy names it; NULL where none governs
	Source         string    // whose rows the copy is about
	Object         string    // whose rows the copy is about
	HeadSeq        int64     // the registry's head tonight
	AckedSeq       int64     // the head that the copy is known to be at
	LagSeconds     int64     // since it was last known to be at the head; 0 it is
	MaxLagSeconds  int64     // that are allowed
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
// months. It does not say whose it is. Its instants are the beginnings of their days, in the zone of the company.
type Request struct {
	Silo        string    // as the policy names it; NULL where none governs
	RequestID   string    // number of the request
	Kind        string    // access, rectification, erasure, restriction, portability, objection, withdrawal
	ReceivedAt  time.Time // when it came
	DueOn       string    `col:",date"` // civil date: the last day of the first month, later by what it was paused
	ExtendedTo  string    `col:",date"` // the same of the extended term (Art. 12(3)); "" it was not extended
	ToldAt      time.Time // when the person was told of the extension
	Because     string    // and why: complexity or number (of requests)
	PausedHours float64   `col:",decimal2"` // for how long the term rested while it was checked who asks (Art. 12(6))
	Status      string    // open, paused, overdue, closed
	ClosedAt    time.Time // when it was answered
	Outcome     string    // completed, partly_refused, refused
	Exception   string    // by which it was refused, such as 17(3)(e)
	OverdueDays int64     // open and late, or closed so many days late
	VerifiedAt  time.Time // when the person had shown who they are
	HandedAt    time.Time // when their data were last handed over
	HandedRows  int64     // in the files handed over then
	FulfilledAt time.Time // when what is due was last done by a plan of their own, or such a plan was made
	LookedAt    time.Time // when the person was last looked for, to fulfil the request or to close it
	FoundRows   int64     // then, of theirs without doubt, in live sources
	Kept        string    `col:",list"` // of these, by reason: CODE=rows; none that go with others
	CopyRows    int64     // then, of theirs without doubt, in backups
	Letter      string    // the kind of the letter that was written last
	LetterAt    time.Time // when
}

// Hold is a legal hold on a silo or on people in it: one in force, or one that was released in the last
// twelve months. It does not say on whom. Its instants are the beginnings of their days.
type Hold struct {
	Silo       string    // as the policy names it; NULL where none governs
	HoldID     string    // number of the hold
	PlacedBy   string    // a name from people:
	PlacedAt   time.Time // when
	ApprovedBy string    // "" nobody yet
	ReviewBy   string    `col:",date"` // civil date
	Status     string    // in_force, unapproved, review_due, released
	ReleasedAt time.Time // when
	ReleasedBy string    `col:",list"` // the two who did, joined by ';'
}

// Remnant is a field that no silo governs in which people stand who are gone from a silo: whom a night erased, or who
// are out of consent, and whom no silo may hold. It does not say who they are.
type Remnant struct {
	Silo      string // as the policy names it; NULL where none governs
	Source    string // as the configuration names it
	Object    string // the table
	Column    string `col:"field"` // the field
	Kinds     string `col:",list"` // of the identifiers that were met, joined by ';'
	People    int64  // distinct identifiers
	Erased    int64  // of those, the ones whose records a night erased; the others are out of consent
	Rows      int64  // in which each of them stands, added up
	Since     string `col:",date"` // civil date since when the first of them should be gone; "" not known
	FirstSeen string `col:",date"` // civil date of the first night that found it
	Sampled   int64  `col:",null"` // rows that were searched of a table that was read in part; 0 all
	More      bool   // there are more people than were counted
	Example   int64  `col:",null"` // primary key of a row to look at, a number that says nothing; 0 none
}
