package pipeline

import (
	"lethe/pipeline/audit"
)

// Result is how a run ended.
type Result struct {
	RunID       string
	AlreadyDone bool
	Report      string        // path of report.html; "" when none was published
	Manifest    string        // sha256 of the manifest, hex
	Waiting     []string      // plans that wait for approval
	Summary     []SummaryLine // what was decided
	Settled     []SettledLine // what was changed, or refused
	Copies      []*audit.ConsentSync
}

// SettledLine counts planned rows by what became of them.
type SettledLine struct {
	Silo, Source, Object, Change, Reason, Status string
	Rows                                         int64
}

// SummaryLine is one line of what a run prints at its end.
type SummaryLine struct {
	Silo, Source, Object, Reason, Words, Action, Change string
	Rows                                                int64
}
