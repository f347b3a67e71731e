package audit

import "time"

// Verified is one thing that a run checked of the evidence, before it did anything. To check all of it is `lethe audit
// verify`.
type Verified struct {
	What      string    // manifests, files, log, answers, journal, purges, registry
	Silo      string    // of the registry, as the policy names it; NULL what is of no one silo
	Checked   int64     // manifests, files, entries, answers, writes, documents or events
	Missing   int64     // of them, those that should be there and are not, or are not as they were
	Result    string    // holds, restored: what was lost was put back from another copy, broken, unchecked
	CheckedAt time.Time // by the clock of the host
}

// Answered is an answer that somebody signed in the last twelve months, and whether it counted when the run ended.
type Answered struct {
	Seq      int64     // place in the chain
	Hash     string    // of the answer as it is kept, hex: what the next one names
	Act      string    // approve, reject, object, override, withdraw, discard, adopt, order, revoke, assess, ...
	About    string    // plan:ID, policy, order:SILO, hold:SILO/ID, key:PUBLIC, incident:ID, answers
	Digest   string    // of what it is about, hex
	Actor    string    // a name from people:
	Roles    string    `col:",list"` // the actor's roles when the run ended, joined by ';'
	KeyID    string    // sha256 of the public key, first 16 hex digits
	SignedAt time.Time // by the clock of who signed
	Counts   bool      // the name is among people, with that key, which has not ended and was not revoked
	Because  string    // why it does not count; "" it does
}

// PolicyChange is one thing in which a policy that people adopted since the night before differs from the one before
// it. The effect is that of the whole adoption on the rows of the silo, or on all rows for what is the controller's or
// a source's, as the last who adopted it was told: changes of one adoption and silo have it together.
type PolicyChange struct {
	ChangedAt  time.Time // when the last signature that it took was made
	FromDigest string    // of the policy before, hex; "" it is the first
	ToDigest   string    // of the policy that is in force since
	Silo       string    // which it concerns, as the policy names it; NULL none, or all
	Place      string    // path in the text of the policy
	Before     string    // what stood there: a number, a term, a code; of other texts a digest; "" nothing
	After      string    // what stands there
	Effect     string    // keeps more, people, may destroy more, the first
	EffectRows string    `col:",number"` // live rows that are decided otherwise; "" not counted, or about no row
	AdoptedBy  string    `col:",list"`   // names from people:, joined by ';'
}

// Restore is a live source that was put back from a backup: rows stand in it again that nights had ended; or it looks
// so: its newest row is older than the night before saw it.
type Restore struct {
	RestoreID    string    // hash of source and day, hex
	Source       string    // as the configuration names it
	DetectedAt   time.Time // when the run began that found it
	NewestBefore string    `col:",date"`            // civil date of the newest row, as the night before read it
	NewestNow    string    `col:",date"`            // as this run read it
	Reapplied    string    `col:"reapplied_run_id"` // the run that decided its rows anew with --apply; "" none yet
	RowsBack     int64     // that earlier nights had ended and that stand in it again; 0 it looks old by its days alone
	RowsReerased int64     // that run deleted or anonymized in it
	GapMinutes   int64     // at most, between the restore and that run: since the night before ended
}

// Attestation is something that no program sees and that somebody says again and again was done, such as training, or
// the destruction of paper; or a review of a rule or of a verdict on a field, or a proof of a
// database server, that is due, or in thirty days will be.
type Attestation struct {
	Name   string // as the configuration names it; of a review, what is to be looked at
	Kind   string // training, paper, access, other; rule review, field review; engine proof
	Owner  string // who answers for it: a name from people:
	Every  string // for how long one holds, an ISO 8601 period; NULL of a review
	LastOn string `col:",date"` // civil date on which somebody last said so; "" nobody did
	SaidBy string // who did
	DueOn  string `col:",date"` // civil date, the last on which it holds; "" nobody said so yet
	Status string // in_force, due (within thirty days), overdue, never; dropped: it is asked for no more
}

// Hint is a sign that something may have happened that has to be notified (Art. 33), until somebody assessed it and it
// is gone. It is no breach before a person says so.
type Hint struct {
	HintID      string    // hash of kind and place, hex
	Kind        string    // restored_without_reapply, unexplained_disappearance, mass_change, non_prod_pii, ...
	Source      string    // as the configuration names it; "" none
	Object      string    // the table, or what else it is about
	Rows        int64     // that are concerned, as far as it can be told
	Sensitivity string    // of what the table holds: the gravest class of its fields; "" not known
	NoticedAt   time.Time // when the first run that noticed it began
	ClockUntil  time.Time `col:"clock_72h_until"` // 72 hours later (Art. 33(1)), if it is a breach and was known then
	Words       string    // what was seen
	AssessedBy  string    // a name from people:; "" nobody yet
	Assessment  string    // what they said
	ClosedAt    time.Time // when they said it
}
