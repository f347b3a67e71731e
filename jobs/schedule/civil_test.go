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
		{"30 2 * * *", "", "2027-03-27T12:00:00Z", "2027-03-28T01:00:00Z"}, // does not exist: 03:00, directly after
		{"30 2 * * *", "", "2027-03-28T01:00:00Z", "2027-03-29T00:30:00Z"},
		{"*/20 2,3 * * *", "", "2027-03-27T12:00:00Z", "2027-03-28T01:00:00Z"}, // four that fall together are one
		{"*/20 2,3 * * *", "", "2027-03-28T01:00:00Z", "2027-03-28T01:20:00Z"},
		{"30 2 * * *", "", "2027-10-30T12:00:00Z", "2027-10-31T00:30:00Z"}, // twice: the first
		{"30 2 * * *", "", "2027-10-31T00:30:00Z", "2027-11-01T01:30:00Z"}, // and not the second
		{"30 2 * * *", "", "2027-10-31T01:00:00Z", "2027-11-01T01:30:00Z"}, // asked between the two
		{"0 * * * *", "", "2027-03-28T00:00:00Z", "2027-03-28T01:00:00Z"},
		{"15 1 * * 1", "", "2027-03-27T12:00:00Z", "2027-03-28T23:15:00Z"},
		{"15 1 1 1 *", "", "2027-03-27T12:00:00Z", "2028-01-01T00:15:00Z"},
		{"30 2 * * *", "America/New_York", "2027-03-13T12:00:00Z", "2027-03-14T07:00:00Z"},
		{"0 0 * * *", "America/Santiago", "2026-09-05T12:00:00Z", "2026-09-06T04:00:00Z"}, // no midnight: 01:00
		{"30 0 * * *", "America/Santiago", "2026-09-05T12:00:00Z", "2026-09-06T04:00:00Z"},
		{"30 0 * * *", "America/Santiago", "2026-09-06T04:00:00Z", "2026-09-07T03:30:00Z"},
		{"30 23 * * *", "America/Santiago", "2027-04-03T12:00:00Z", "2027-04-04T02:30:00Z"}, // 23:30 twice: the first
		{"30 23 * * *", "America/Santiago", "2027-04-04T02:30:00Z", "2027-04-05T03:30:00Z"},
		{"0 0 * * *", "America/Santiago", "2027-04-03T12:00:00Z", "2027-04-04T04:00:00Z"},
		{"0 0 * * 0", "America/Havana", "2026-03-07T12:00:00Z", "2026-03-08T05:00:00Z"}, // no midnight: 01:00
		{"0 0 * * *", "America/Havana", "2026-10-31T12:00:00Z", "2026-11-01T04:00:00Z"}, // midnight twice
		{"0 0 * * *", "America/Havana", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"},
		{"0 0 * * *", "America/Havana", "2026-11-01T04:30:00Z", "2026-11-02T05:00:00Z"},
		{"15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", "2026-10-03T15:30:00Z"}, // half an hour is missing
		{"45 1 * * *", "Australia/Lord_Howe", "2027-04-03T00:00:00Z", "2027-04-03T14:45:00Z"}, // and twice
		{"45 1 * * *", "Australia/Lord_Howe", "2027-04-03T14:45:00Z", "2027-04-04T15:15:00Z"},
		{"30 1 * * *", "Antarctica/Troll", "2027-03-27T12:00:00Z", "2027-03-28T01:00:00Z"}, // two hours are
		{"30 1 * * *", "Antarctica/Troll", "2027-10-30T12:00:00Z", "2027-10-30T23:30:00Z"},
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
			"America/Havana", "Australia/Lord_Howe", "Antarctica/Troll", "Africa/Cairo", "Australia/Sydney", "Asia/Kolkata", "UTC"}).Draw(t, "zone")
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

func TestWeekdays(t *testing.T) {
	for _, c := range []struct{ dow, want string }{
		{"*", "0123456"}, {"0", "0"}, {"7", "0"}, {"SUN", "0"}, {"sun", "0"}, {"Mon", "1"},
		{"5-7", "056"}, {"0-7", "0123456"}, {"1-7", "0123456"}, {"7-7", "0"}, {"6-7", "06"}, {"0,7", "0"}, {"3,7", "03"},
		{"1-5,7", "012345"}, {"*/2", "0246"}, {"*/3", "036"}, {"*/7", "0"}, {"1-7/2", "0135"}, {"5-7/2", "05"},
		{"0-7/7", "0"}, {"7/2", "0"}, {"fri-sun", "056"}, {"FRI-7", "056"}, {"mon-sun/3", "014"}, {"?", "0123456"},
		{"mon,wed-fri", "1345"}, {"1/2", "135"}, {"0-6", "0123456"},
	} {
		t.Run(c.dow, func(t *testing.T) {
			s, now, days := times(t, "15 1 * * "+c.dow, ""), at(t, "2026-11-01T12:00:00Z"), map[int]bool{}
			for now = s.Next(now); now.Before(at(t, "2026-11-15T12:00:00Z")); now = s.Next(now) {
				days[int(now.Weekday())] = true
			}
			got := ""
			for d := range 7 {
				if days[d] {
					got += fmt.Sprint(d)
				}
			}
			require.Equal(t, c.want, got)
		})
	}
}

// Where both a day of the month and one of the week are given either counts, but for a field that begins with a
// star: then both do (crontab(5)).
func TestDaysOfMonthAndWeek(t *testing.T) {
	for _, c := range []struct {
		cron string
		want []string
	}{
		{"15 1 1 * 7", []string{"01", "08", "15", "22", "29"}},
		{"15 1 2 * 7", []string{"01", "02", "08", "15", "22", "29"}},
		{"15 1 */2 * 7", []string{"01", "15", "29"}},
		{"15 1 2,8 * */7", []string{"08"}},
		{"15 1 31 * *", nil},
		{"15 1 2 * 0-7", []string{"01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "13", "14", "15", "16",
			"17", "18", "19", "20", "21", "22", "23", "24", "25", "26", "27", "28", "29", "30"}},
	} {
		t.Run(c.cron, func(t *testing.T) {
			s, now := times(t, c.cron, ""), at(t, "2026-10-31T12:00:00Z")
			var days []string
			for now = s.Next(now); now.Format("2006-01") == "2026-11"; now = s.Next(now) {
				days = append(days, now.Format("02"))
			}
			require.Equal(t, c.want, days)
		})
	}
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
		{"0 0 * * *", "America/Santiago", []string{"2027-09-05"}, nil},
		{"30 23 * * *", "America/Santiago", nil, []string{"2027-04-03"}},
		{"30 0 * * *", "America/Havana", []string{"2027-03-14"}, []string{"2027-11-07"}},
		{"15 2 * * *", "Australia/Lord_Howe", []string{"2027-10-03"}, nil},
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
