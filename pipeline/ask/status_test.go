package ask

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/audit"
	"lethe/pipeline/journal"
	"lethe/pipeline/notes"
)

// failed are the facts of a night that could not read a source.
func failed(t *testing.T) []byte {
	text, err := json.Marshal(audit.Facts{Run: audit.Run{SourcesOK: 1, SourcesFailed: 1}})
	require.NoError(t, err)
	return text
}

// TestWhatIsOverdueAfterANightThatWasCutOff is what the page says, which is of the night before.
func TestWhatIsOverdueAfterANightThatWasCutOff(t *testing.T) {
	text, err := json.Marshal(audit.Facts{Findings: []audit.Finding{{Kind: "F_OVERDUE", Source: "crm", Object: "people", Count: 3}},
		Kept: []audit.Kept{{Source: "shop", Day: "2026-11-18", Findings: []audit.Finding{
			{Kind: "F_OVERDUE", Source: "shop", Object: "buyers", Count: 2, Words: "Due."}}}}})
	require.NoError(t, err)
	var s Status
	s.sayNights([]journal.Run{{ID: "r2", Key: "nightly/apply/2026-11-20"}, {Key: "nightly/apply/2026-11-19", Facts: text,
		EndedAt: time.Date(2026, 11, 19, 1, 0, 0, 0, time.UTC)}})
	require.True(t, s.Interrupted)
	require.Len(t, s.Overdue, 2)
	require.EqualValues(t, 3, s.Overdue[0].Count)
	require.Equal(t, "Due. The source was last read on 2026-11-18.", s.Overdue[1].Words)
}

// TestLastSuccess is the last whole night that did all it may: waiting for people is no failure, and a table left out
// is.
func TestLastSuccess(t *testing.T) {
	at := time.Date(2026, 11, 20, 0, 15, 0, 0, time.UTC)
	facts := func(kinds ...string) []byte {
		var f audit.Facts
		for _, k := range kinds {
			f.Findings = append(f.Findings, audit.Finding{Kind: k})
		}
		text, err := json.Marshal(f)
		require.NoError(t, err)
		return text
	}
	for name, c := range map[string]struct {
		run  journal.Run
		want bool
	}{
		"done":                    {journal.Run{Key: "nightly/apply/2026-11-20", EndedAt: at, Facts: facts()}, true},
		"a plan waits":            {journal.Run{Key: "nightly/apply/2026-11-20", EndedAt: at, ExitCode: 5, Facts: facts("F_OVERDUE")}, true},
		"rows that nobody knows":  {journal.Run{Key: "nightly/apply/2026-11-20", EndedAt: at, ExitCode: 5, Facts: facts(notes.StopNoMatch)}, false},
		"rows without identifier": {journal.Run{Key: "nightly/apply/2026-11-20", EndedAt: at, ExitCode: 5, Facts: facts(notes.StopUnparseable)}, false},
		"facts that are lost":     {journal.Run{Key: "nightly/apply/2026-11-20", EndedAt: at, ExitCode: 5, Facts: []byte("{")}, false},
		"a source failed, and a plan waits": {journal.Run{Key: "nightly/apply/2026-11-20", EndedAt: at, ExitCode: 5,
			Facts: failed(t)}, false},
		"a source failed":        {journal.Run{Key: "nightly/apply/2026-11-20", EndedAt: at, ExitCode: 3, Facts: facts()}, false},
		"evidence does not hold": {journal.Run{Key: "nightly/apply/2026-11-20", EndedAt: at, ExitCode: 12, Facts: facts()}, false},
		"cut off":                {journal.Run{Key: "nightly/apply/2026-11-20", Facts: facts()}, false},
		"dry":                    {journal.Run{Key: "nightly/dry/2026-11-20", EndedAt: at, Facts: facts()}, false},
		"only what was approved": {journal.Run{Key: "apply/apply-only/2026-11-20", EndedAt: at, Facts: facts()}, false},
	} {
		t.Run(name, func(t *testing.T) {
			before := journal.Run{Key: "nightly/apply/2026-11-19", EndedAt: at.AddDate(0, 0, -1), Facts: facts()}
			var s Status
			s.sayNights([]journal.Run{c.run, before})
			want := before.EndedAt
			if c.want {
				want = at
			}
			require.Equal(t, want, s.LastSuccess)
		})
	}
}
