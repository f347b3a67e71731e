package intake

import (
	"lethe/pipeline/notes"
	"lethe/pipeline/setup"
)

// Feed takes in the consents that applications keep in tables of their own.
type Feed struct {
	Setup   *setup.Setup
	Tonight setup.Tonight
	Notes   *notes.Notes
	intake  *Intake
}
