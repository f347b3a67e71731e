package balance

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/audit"
	"lethe/pipeline/notes"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/setup"
	"lethe/pipeline/stores"
)

// TestWhatShouldBeGoneGoes on the day that the file may be rewritten: when it is due for long enough, and not sooner after
// the last time than the policy lets it; at its end, where that comes first; and where people have to let it go, at its
// end whatever the policy lets.
func TestWhatShouldBeGoneGoes(t *testing.T) {
	day := func(month time.Month, day int) time.Time { return time.Date(2026, month, day, 3, 0, 0, 0, time.UTC) }
	for name, c := range map[string]struct {
		last  time.Time
		waits bool
		want  string
	}{
		"when it is due for long enough": {want: "2026-12-07"},
		"rewritten long ago":             {last: day(10, 1), want: "2026-12-07"},
		"not sooner than every thirty":   {last: day(12, 3), want: "2027-01-02"},
		"people have to let it go":       {waits: true, want: "2027-02-28"},
		"at its end, before it may be":   {last: time.Date(2027, 2, 10, 0, 0, 0, 0, time.UTC), want: "2027-02-28"},
	} {
		t.Run(name, func(t *testing.T) {
			n := &notes.Notes{Facts: audit.Facts{Backups: []audit.Backup{{Source: "dump", Strategy: "rewrite", Pending: 3,
				Oldest: "2026-11-30", LastRewrite: c.last, ExpiresAt: time.Date(2027, 2, 28, 0, 0, 0, 0, time.UTC)}}}}
			if c.waits {
				n.Facts.Plans = []audit.Plan{{Source: "dump", State: "waiting"}}
			}
			b := Book{Notes: n, Setup: &setup.Setup{Zone: time.UTC},
				Tonight: setup.Tonight{Today: calendar.DateOf(day(12, 4), time.UTC)},
				Stores: &stores.Set{List: []*stores.Store{{Source: setup.Source{Name: "dump",
					Rewrite: &setup.RewriteTerms{After: calendar.Period{Days: 7}, AtMostEvery: calendar.Period{Days: 30}}}}}}}
			b.backups()
			require.Equal(t, c.want, n.Facts.Backups[0].GoesOn)
		})
	}
}
