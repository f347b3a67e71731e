package calendar

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func zoneOf(t require.TestingT, name string) *time.Location {
	z, err := time.LoadLocation(name)
	require.NoError(t, err)
	return z
}

func dayOf(t require.TestingT, s string) Date {
	if s == "" {
		return 0
	}
	d, err := ParseDate(s)
	require.NoError(t, err)
	return d
}

func periodOf(t require.TestingT, s string) Period {
	p, err := ParsePeriod(s)
	require.NoError(t, err)
	return p
}

func TestCivilAgreesWithTheStandardLibrary(t *testing.T) {
	for at, want := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), Date(1); at.Year() < 10000; at, want = at.AddDate(0, 0,
		1), want+1 {
		d, ok := Civil(at.Date())
		if !ok || d != want || DateOf(at, time.UTC) != want && want != 1 {
			t.Fatalf("%s is %d, not %d", at, d, want)
		}
		y, m, dd := d.YMD()
		if y != at.Year() || m != at.Month() || dd != at.Day() {
			t.Fatalf("%s reads back as %s", at, d)
		}
		if text := d.String(); text != at.Format(time.DateOnly) {
			t.Fatalf("%s is written as %s", at, text)
		}
	}
}

func TestDateOf(t *testing.T) {
	rome := zoneOf(t, "Europe/Rome")
	require.Equal(t, dayOf(t, "2024-11-20"), DateOf(time.Date(2024, 11, 19, 23, 30, 0, 0, time.UTC), rome))
	require.Equal(t, dayOf(t, "2024-11-19"), DateOf(time.Date(2024, 11, 20, 4, 30, 0, 0, time.UTC),
		zoneOf(t, "America/New_York")))
	require.Equal(t, dayOf(t, "1969-12-31"), DateOf(time.Unix(-1, 0), time.UTC))
	require.Zero(t, DateOf(time.Time{}, rome))
	require.Equal(t, Unreadable, DateOf(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), time.UTC))
	require.Equal(t, Unreadable, DateOf(time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC), time.UTC))
}

func TestDateOfAgreesWithTheStandardLibrary(t *testing.T) {
	zones := []*time.Location{time.UTC, zoneOf(t, "Europe/Rome"), zoneOf(t, "Pacific/Apia"),
		zoneOf(t, "America/Sao_Paulo"), zoneOf(t, "Asia/Kathmandu")}
	rapid.Check(t, func(rt *rapid.T) {
		at := time.Unix(rapid.Int64Range(-60_000_000_000, 250_000_000_000).Draw(rt, "at"), 0)
		z := rapid.SampledFrom(zones).Draw(rt, "zone")
		y, m, d := at.In(z).Date()
		want, _ := Civil(y, m, d)
		require.Equal(rt, want, DateOf(at, z))
	})
}

func TestStartIsTheFirstInstantOfTheDay(t *testing.T) {
	for _, z := range []string{"UTC", "Europe/Rome", "America/Sao_Paulo", "Asia/Beirut", "Pacific/Apia"} {
		loc := zoneOf(t, z)
		for d := dayOf(t, "2011-01-01"); d < dayOf(t, "2019-03-01"); d++ {
			at := d.Start(loc)
			if z == "Pacific/Apia" && d.String() == "2011-12-30" {
				continue // that day did not exist there
			}
			require.Equal(t, d, DateOf(at, loc), "%s %s", z, d)
			require.Less(t, DateOf(at.Add(-1), loc), d, "%s %s", z, d)
		}
	}
	require.True(t, Date(0).Start(time.UTC).IsZero())
}

func TestEndOf(t *testing.T) {
	for _, c := range []struct{ start, period, want string }{
		{"2024-11-20", "P2Y", "2026-11-20"},
		{"2024-01-31", "P1M", "2024-02-29"}, // time.AddDate: 2 March
		{"2023-01-31", "P1M", "2023-02-28"}, // time.AddDate: 3 March
		{"2024-02-29", "P1Y", "2025-02-28"}, // time.AddDate: 1 March
		{"2024-02-29", "P4Y", "2028-02-29"},
		{"2023-12-31", "P2M", "2024-02-29"},
		{"2024-10-31", "P13M", "2025-11-30"},
		{"2024-03-30", "P1D", "2024-03-31"}, // the spring night
		{"2024-12-31", "P1D", "2025-01-01"},
		{"2024-01-31", "P1M1D", "2024-03-01"},
		{"2024-11-20", "P2W", "2024-12-04"},
		{"2024-11-20", "P0D", "2024-11-20"},
		{"9999-12-31", "P1Y", "9999-12-31"},
		{"2024-11-20", "P1000000D", "4762-10-18"},
		{"2024-11-20", "P1000000W", "9999-12-31"},
	} {
		require.Equal(t, c.want, EndOf(dayOf(t, c.start), periodOf(t, c.period)).String(), "%s + %s", c.start, c.period)
	}
	require.Zero(t, EndOf(0, Period{Years: 1}))
	require.Equal(t, Unreadable, EndOf(Unreadable, Period{Years: 1}))
}

func TestLongerPeriodsNeverEndEarlier(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		start := Date(rapid.IntRange(700000, 800000).Draw(rt, "start"))
		p := Period{Years: rapid.IntRange(0, 30).Draw(rt, "y"), Months: rapid.IntRange(0, 30).Draw(rt, "m"),
			Weeks: rapid.IntRange(0, 9).Draw(rt, "w"), Days: rapid.IntRange(0, 99).Draw(rt, "d")}
		longer := p
		longer.Months++
		require.GreaterOrEqual(rt, EndOf(start, longer), EndOf(start, p))
		require.GreaterOrEqual(rt, EndOf(start+1, p), EndOf(start, p))
		require.LessOrEqual(rt, int(EndOf(start, p)-start), p.Longest())
	})
}

func TestPeriodText(t *testing.T) {
	for _, s := range []string{"P0D", "P2Y", "P24M", "P1Y6M", "P4W", "P30D", "P1Y2M3W4D"} {
		require.Equal(t, s, periodOf(t, s).String())
	}
	for _, s := range []string{"", "P", "2Y", "P2", "P-1D", "P1.5Y", "PT1H", "P1DT1H", "P1D1Y", "p1d", "P 1D", "P1D ",
		"P1Y1Y", "P99999999D", "PD", "P1000001D"} {
		_, err := ParsePeriod(s)
		require.Error(t, err, s)
	}
}

func TestPeriodReadsBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(0, maxUnits)
		p := Period{n.Draw(rt, "y"), n.Draw(rt, "m"), n.Draw(rt, "w"), n.Draw(rt, "d")}
		require.Equal(rt, p, periodOf(rt, p.String()))
	})
}
