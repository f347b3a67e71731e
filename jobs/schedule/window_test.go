package schedule

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestWindow(t *testing.T) {
	jobs := []Job{{Name: "nightly", Cron: "15 1 * * *"}, {Name: "evening", Cron: "0 22 * * *"}, {Name: "weekly", Cron: "0 3 * * 7"},
		{Name: "havana", Cron: "0 0 * * *", Zone: "America/Havana"}}
	for _, c := range []struct{ name, job, until, now, closes, over string }{ // Rome is an hour ahead of UTC
		{"in time", "nightly", "05:00", "2026-11-20T00:15:00Z", "2026-11-20T04:00:00Z", ""},
		{"a little late", "nightly", "05:00", "2026-11-20T03:59:59Z", "2026-11-20T04:00:00Z", ""},
		{"at the end", "nightly", "05:00", "2026-11-20T04:00:00Z", "",
			"the window, of the start that was due at 2026-11-20 01:15, closed at 2026-11-20 05:00"},
		{"after the end", "nightly", "05:00", "2026-11-20T07:00:00Z", "", "closed at 2026-11-20 05:00"},
		{"in the afternoon", "nightly", "05:00", "2026-11-20T16:00:00Z", "", "closed at 2026-11-20 05:00"},
		{"late in the evening", "nightly", "05:00", "2026-11-20T22:00:00Z", "", "closed at 2026-11-20 05:00"},
		{"an hour early", "nightly", "05:00", "2026-11-20T23:15:00Z", "2026-11-21T04:00:00Z", ""},
		{"over midnight, before it", "evening", "05:00", "2026-11-20T21:00:00Z", "2026-11-21T04:00:00Z", ""},
		{"over midnight, after it", "evening", "05:00", "2026-11-20T23:30:00Z", "2026-11-21T04:00:00Z", ""},
		{"over midnight, late", "evening", "05:00", "2026-11-21T07:00:00Z", "",
			"of the start that was due at 2026-11-20 22:00, closed at 2026-11-21 05:00"},
		{"a window of nearly a day", "nightly", "01:00", "2026-11-20T16:00:00Z", "2026-11-21T00:00:00Z", ""},
		{"a window of a day", "nightly", "01:15", "2026-11-20T16:00:00Z", "2026-11-21T00:15:00Z", ""},
		{"another day of a weekly job", "weekly", "05:00", "2026-11-18T00:15:00Z", "2026-11-18T04:00:00Z", ""},
		{"the day of a weekly job", "weekly", "05:00", "2026-11-22T07:00:00Z", "", "closed at 2026-11-22 05:00"},
		{"no schedule, in time", "other", "05:00", "2026-11-20T00:15:00Z", "2026-11-20T04:00:00Z", ""},
		{"no schedule, in the evening", "other", "05:00", "2026-11-20T21:00:00Z", "2026-11-21T04:00:00Z", ""},
		{"no schedule, late", "other", "05:00", "2026-11-20T07:00:00Z", "", "the window closed at 2026-11-20 05:00"},
		{"no schedule, the whole day", "other", "23:30", "2026-11-20T00:15:00Z", "2026-11-20T22:30:00Z", ""},
		{"no schedule, to midnight", "other", "00:00", "2026-11-20T13:00:00Z", "2026-11-20T23:00:00Z", ""},
		{"a job's own zone", "havana", "01:00", "2026-03-08T05:00:00Z", "2026-03-09T05:00:00Z", ""}, // 00:00 and 01:00 are one
		{"an end that does not exist", "nightly", "02:30", "2027-03-28T00:15:00Z", "2027-03-28T01:00:00Z", ""},
		{"an end that comes twice", "nightly", "02:30", "2027-10-30T23:15:00Z", "2027-10-31T00:30:00Z", ""},
		{"no time", "nightly", "noon", "2026-11-20T00:15:00Z", "", "write a time of day as 15:04"},
	} {
		t.Run(c.name, func(t *testing.T) {
			closes, err := Window(jobs, c.job, c.until, "Europe/Rome", at(t, c.now))
			if c.over != "" {
				require.ErrorContains(t, err, c.over)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.closes, closes.UTC().Format(time.RFC3339))
		})
	}
}

// What starts at its time has a window that is ahead, and at most a day long.
func TestAStartInTimeHasItsWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom([]string{"Europe/Rome", "America/Havana", "America/Santiago", "UTC"}).Draw(t, "zone")
		job := Job{Name: "nightly", Cron: rapid.SampledFrom([]string{"15 1 * * *", "0 0 * * *", "30 2 * * 7", "0 22 * * *"}).Draw(t,
			"cron"), Zone: zone}
		until := time.Time{}.Add(time.Duration(rapid.IntRange(0, 1439).Draw(t, "until")) * time.Minute).Format("15:04")
		s, err := job.times(zone)
		require.NoError(t, err)
		start := s.Next(time.Unix(rapid.Int64Range(1_700_000_000, 1_900_000_000).Draw(t, "now"), 0))
		closes, err := Window([]Job{job}, "nightly", until, zone, start)
		require.NoError(t, err)
		require.True(t, closes.After(start))
		require.LessOrEqual(t, closes.Sub(start), 26*time.Hour)
	})
}
