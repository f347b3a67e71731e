package duties

import (
	"lethe/pipeline/notes"
	"lethe/pipeline/setup"
)

// Book reports what people owe.
type Book struct {
	Setup   *setup.Setup
	Tonight setup.Tonight
	Notes   *notes.Notes
}

// keptYears is for how long a request that was closed, or a hold that was released, stands in the reports.
const keptYears = 1
