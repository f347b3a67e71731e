package pipeline

import (
	"lethe/pipeline/audit"
	"lethe/pipeline/balance"
	"lethe/pipeline/review"
)

// Result is how a run ended.
type Result struct {
	RunID       string
	AlreadyDone bool
	Report      string        // path of report.html; "" when none was published
	Manifest    string        // sha256 of the manifest, hex
	Checkpoint  string        // of the log of nights, with this one, as `lethe audit verify --since` takes it
	Unstamped   string        // why the checkpoint has no time stamp, though an authority is configured
	Waiting     []string      // plans that wait for approval
	Summary     []SummaryLine // what was decided
	Settled     []SettledLine // what was changed, or refused
	HeldBack    []HeldLine    // what keeps rows that are due
	Copies      []*audit.ConsentSync
	Review      []review.Item `json:",omitempty"` // of a run that only read the sources: what a person should look at
}

// SettledLine counts planned rows by what became of them.
type SettledLine = balance.Settled

// HeldLine says why rows that are due stay: the database refused to change them, or others refer to them.
type HeldLine struct {
	Source, Object, Column, Words string // Column: by which the rows of the table refer to them
	Rows                          int64  // that stay
}

// SummaryLine is one line of what a run prints at its end.
type SummaryLine struct {
	Silo, Source, Object, Reason, Words, Action, Change string
	Rows                                                int64
}
