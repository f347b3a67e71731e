package schedule

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func times(t require.TestingT, cron, zone string) civil {
	s, err := Job{Name: "nightly", Cron: cron, Zone: zone}.times("Europe/Rome")
	require.NoError(t, err)
	return s
}

func at(t require.TestingT, s string) time.Time {
	parsed, err := time.Parse(time.RFC3339, s)
	require.NoError(t, err)
	return parsed
}

func TestNextAroundClockChanges(t *testing.T) {
	for _, c := range []struct{ cron, zone, from, want string }{
		{"15 1 * * *", "", "2027-03-27T12:00:00Z", "2027-03-28T00:15:00Z"},
		{"15 1 * * *", "", "2027-03-28T12:00:00Z", "2027-03-28T23:15:00Z"},
		{"30 2 * * *", "", "2027-03-27T12:00:00Z", "2027-03-28T01:30:00Z"}, // does not exist: 03:30 in its place
		{"30 2 * * *", "", "2027-03-28T01:30:00Z", "2027-03-29T00:30:00Z"},
		{"30 2 * * *", "", "2027-10-30T12:00:00Z", "2027-10-31T00:30:00Z"}, // twice: the first
		{"30 2 * * *", "", "2027-10-31T00:30:00Z", "2027-11-01T01:30:00Z"}, // and not the second
		{"30 2 * * *", "", "2027-10-31T01:00:00Z", "2027-11-01T01:30:00Z"}, // asked between the two
		{"0 * * * *", "", "2027-03-28T00:00:00Z", "2027-03-28T01:00:00Z"},
		{"15 1 * * 1", "", "2027-03-27T12:00:00Z", "2027-03-28T23:15:00Z"},
		{"15 1 1 1 *", "", "2027-03-27T12:00:00Z", "2028-01-01T00:15:00Z"},
		{"30 2 * * *", "America/New_York", "2027-03-13T12:00:00Z", "2027-03-14T07:30:00Z"},
		{"30 2 * * *", "UTC", "2027-03-28T01:00:00Z", "2027-03-28T02:30:00Z"},
	} {
		t.Run(c.cron+" "+c.zone+" from "+c.from, func(t *testing.T) {
			require.Equal(t, c.want, times(t, c.cron, c.zone).Next(at(t, c.from)).UTC().Format(time.RFC3339))
		})
	}
}

func TestDailyJobFiresOnceADay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom([]string{"Europe/Rome", "Europe/Lisbon", "America/New_York", "America/Santiago",
			"Australia/Sydney", "Asia/Kolkata", "UTC"}).Draw(t, "zone")
		hour, minute := rapid.IntRange(0, 23).Draw(t, "hour"), rapid.IntRange(0, 59).Draw(t, "minute")
		s := times(t, fmt.Sprintf("%d %d * * *", minute, hour), zone)
		now := time.Date(2026, 1, 1, 0, 0, 0, -1, s.zone)
		for day := range 800 {
			now = s.Next(now)
			require.Equal(t, time.Date(2026, 1, 1+day, 0, 0, 0, 0, time.UTC).Format(time.DateOnly),
				now.Format(time.DateOnly))
		}
	})
}

func TestOddDays(t *testing.T) {
	now := at(t, "2026-11-20T12:00:00Z")
	for _, c := range []struct {
		cron, zone     string
		missing, twice []string
	}{
		{"15 1 * * *", "", nil, nil},
		{"30 2 * * *", "", []string{"2027-03-28"}, []string{"2027-10-31"}},
		{"0 3 * * *", "", nil, nil},
		{"0 2 * * *", "", []string{"2027-03-28"}, []string{"2027-10-31"}},
		{"30 2 * * 0", "", []string{"2027-03-28"}, []string{"2027-10-31"}},
		{"30 2 * * 1", "", nil, nil}, // the clocks change on a Sunday
		{"30 2,4 * * *", "", nil, nil},
		{"30 1 * * *", "America/New_York", nil, []string{"2027-11-07"}},
		{"30 2 * * *", "UTC", nil, nil},
	} {
		t.Run(c.cron+" "+c.zone, func(t *testing.T) {
			missing, twice := times(t, c.cron, c.zone).odd(now)
			require.Equal(t, c.missing, missing)
			require.Equal(t, c.twice, twice)
		})
	}
}

func TestMissedStart(t *testing.T) {
	s := times(t, "15 1 * * *", "") // 00:15Z in winter
	for _, c := range []struct {
		name, until, last, now string
		missed                 bool
	}{
		{"done tonight", "", "2026-11-20T00:20:00Z", "2026-11-20T09:00:00Z", false},
		{"down over night", "", "2026-11-19T00:20:00Z", "2026-11-20T09:00:00Z", true},
		{"down for a week: one run", "", "2026-11-13T00:20:00Z", "2026-11-20T09:00:00Z", true},
		{"window still open", "05:00", "2026-11-19T00:20:00Z", "2026-11-20T02:00:00Z", true},
		{"window over", "05:00", "2026-11-19T00:20:00Z", "2026-11-20T09:00:00Z", false},
		{"window to the next day", "00:30", "2026-11-19T00:20:00Z", "2026-11-20T09:00:00Z", true},
		{"never ran", "", "", "2026-11-20T09:00:00Z", false},
		{"not yet time", "", "2026-11-19T00:20:00Z", "2026-11-20T00:14:00Z", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var last time.Time
			if c.last != "" {
				last = at(t, c.last)
			}
			_, missed := s.missed(c.until, last, at(t, c.now))
			require.Equal(t, c.missed, missed)
		})
	}
}
