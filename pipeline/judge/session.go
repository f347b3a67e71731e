package judge

import (
	"lethe/pipeline/audit"
	"lethe/pipeline/notes"
	"lethe/pipeline/setup"
)

// Session is what the judges of one run share.
type Session struct {
	Tonight   setup.Tonight
	Notes     *notes.Notes
	Decisions *audit.Spool[audit.Decision]
	Pending   map[Place]bool // rows of plans that wait; true: the plan anonymizes the row
}
