package duties

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/audit"
	"lethe/pipeline/registry/cases"
	"lethe/pipeline/setup"
)

// TestSteps puts into a request's line what was noted last of each kind.
func TestSteps(t *testing.T) {
	at := func(day int) time.Time { return time.Date(2026, 11, day, 9, 0, 0, 0, time.UTC) }
	a := &cases.Asked{Steps: []cases.Step{
		{Name: cases.StepTold, How: "acknowledgement it sha256:00", At: at(1)},
		{Name: cases.StepVerified, How: "account", At: at(2)},
		{Name: cases.StepExported, How: "access sha256:01 rows:4", At: at(3)},
		{Name: cases.StepExported, How: "incomplete access sha256:01 rows:11", At: at(4)},
		{Name: cases.StepFulfilled, How: "run plan", At: at(5)},
		{Name: cases.StepLooked, How: "found:9 copies:1", At: at(5)},
		{Name: cases.StepLooked, How: "found:3 copies:4 kept:K_CONTRACT=2", At: at(6)},
		{Name: cases.StepTold, How: "partial_refusal it sha256:02", At: at(7)},
		{Name: cases.StepManual, How: "paper", At: at(8)},
	}}
	ow := &Book{Setup: &setup.Setup{Zone: time.UTC}}
	on := func(day int) time.Time { return time.Date(2026, 11, day, 0, 0, 0, 0, time.UTC) }
	var r audit.Request
	ow.steps(&r, a)
	require.Equal(t, audit.Request{VerifiedAt: on(2), HandedAt: on(4), HandedRows: 11, FulfilledAt: on(5), LookedAt: on(6),
		FoundRows: 3, Kept: "K_CONTRACT=2", CopyRows: 4, Letter: "partial_refusal", LetterAt: on(7)}, r, "days, not instants")
	var none audit.Request
	ow.steps(&none, &cases.Asked{})
	require.Zero(t, none)
	ow.steps(&r, &cases.Asked{Steps: []cases.Step{{Name: cases.StepExported, How: "access", At: at(9)}}})
	require.Zero(t, r.HandedRows, "not those of the files before")
}
