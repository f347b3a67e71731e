package starts

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/instant"
)

func zoneOf(t testing.TB, name string) *time.Location {
	z, err := time.LoadLocation(name)
	require.NoError(t, err)
	return z
}

// TestRead counts days in Rome, of texts that are written in a zone of their own.
func TestRead(t *testing.T) {
	rome, newYork := zoneOf(t, "Europe/Rome"), zoneOf(t, "America/New_York")
	for _, c := range []struct {
		text, kind string
		in         *time.Location
		want       string
	}{
		{"2024-11-20", "date", time.UTC, "2024-11-20"},
		{"0000-00-00", "date", rome, ""},
		{"1980-00-00", "date", rome, ""},
		{"2024-11-20 00:10:00", "timestamp", time.UTC, "2024-11-20"},
		{"2024-11-19 23:10:00", "timestamp", time.UTC, "2024-11-20"},
		{"2024-11-19 22:59:59.999999", "timestamp", time.UTC, "2024-11-19"},
		{"2024-07-19 22:10", "timestamp", time.UTC, "2024-07-20"},
		{"2024-11-19 23:10:00", "timestamp", rome, "2024-11-19"},
		{"2024-11-19 18:10:00", "timestamp", newYork, "2024-11-20"},
		{"2024-11-20T00:10:00+01:00", "text", rome, "2024-11-20"},
		{"2024-11-19T23:10:00Z", "text", rome, "2024-11-20"},
		{"2024-11-19T20:10:00-05", "text", rome, "2024-11-20"},
		{"2024-11-19T20:10:00-5", "text", rome, ""},
		{"2024-11-19 24:00:00", "timestamp", rome, "2024-11-20"},
		{"20 Nov 2024", "text", rome, "2024-11-20"},
		{"20/11/2024", "text", rome, ""},
		{"", "text", rome, ""},
		{"1984", "integer", rome, "1984-12-31"},
		{"1984", "text", rome, ""},
		{"20240229", "integer", rome, "2024-02-29"},
		{"20240230", "integer", rome, ""},
		{"0", "integer", rome, ""},
		{"0000", "integer", rome, ""},
		{"1700000000", "integer", rome, "2023-11-14"},
		{"1700000000.5", "float", rome, "2023-11-14"},
		{"1700002800", "integer", rome, "2023-11-15"}, // 23:00 UTC
		{"2024-11-20", "bool", rome, ""},
		{"9999", "integer", rome, ""},
		{"1970", "integer", rome, ""},
		{"1900", "integer", rome, ""},
		{"19700101", "integer", rome, ""},
		{"2147483647", "integer", rome, ""},
		{"9999-12-31", "date", rome, ""},
		{"0001-01-01 00:00:00", "timestamp", newYork, ""},
		{"1970-01-01 00:00:00", "timestamp", time.UTC, ""},
		{"1969-12-31 19:00:00", "timestamp", newYork, ""},
		{"2038-01-19 04:14:07", "timestamp", rome, ""},
		{"2038-01-18 22:14:07", "timestamp", newYork, ""},
		{"infinity", "timestamp", time.UTC, ""},
	} {
		f := Field{Kind: c.kind, Writing: instant.Writing{Zone: c.in}, Zone: rome}
		d := f.Read([]byte(c.text))
		require.Equal(t, c.want, d.String(), "%s %q", c.kind, c.text)
		require.Equal(t, c.want == "", d == calendar.Unreadable, "%s %q", c.kind, c.text)
	}
}

// TestTheLaterOfTwoDays counts from the later of two instants where the clocks repeat a time: no term ends early.
func TestTheLaterOfTwoDays(t *testing.T) {
	f := Field{Kind: "timestamp", Writing: instant.Writing{Zone: zoneOf(t, "America/New_York")},
		Zone: zoneOf(t, "America/Costa_Rica")}
	require.Equal(t, "2025-11-02", f.Read([]byte("2025-11-02 01:30:00")).String())
	require.Equal(t, "2025-11-01", f.Read([]byte("2025-11-02 00:30:00")).String())
}

// TestWhatDaysMean lets the policy say so, and takes defaults and masses for none.
func TestWhatDaysMean(t *testing.T) {
	day := func(s string) calendar.Date {
		d, err := calendar.ParseDate(s)
		require.NoError(t, err)
		return d
	}
	f := Field{Kind: "timestamp", Writing: instant.Writing{Zone: time.UTC}, Zone: zoneOf(t, "Europe/Rome"),
		Means: map[calendar.Date]string{day("1970-01-01"): Open, day("2015-12-31"): Real, day("2001-02-03"): Unknown,
			day("9999-12-31"): Real}}
	f.Default([]byte("2000-01-01 00:00:00"))
	f.Default([]byte("CURRENT_TIMESTAMP"))
	f.Nothing = append(f.Nothing, day("2015-12-31"))
	for text, want := range map[string]calendar.Date{
		"1970-01-01": 0, "1970-01-01 00:00:00": 0, "2015-12-31": day("2015-12-31"), "2001-02-03": calendar.Unreadable,
		"9999-12-31": day("9999-12-31"), "2000-01-01 00:00:00": calendar.Unreadable, "2000-01-02": day("2000-01-02"),
		"1999-12-31 23:30:00": calendar.Unreadable, // in Rome it is the day of the default
	} {
		require.Equal(t, want, f.Read([]byte(text)), text)
	}
}

func TestReadDoesNotAllocate(t *testing.T) {
	f := Field{Kind: "timestamp", Writing: instant.Writing{Zone: time.UTC}, Zone: zoneOf(t, "Europe/Rome")}
	text := []byte("2024-11-19 23:10:00.123456")
	require.Zero(t, testing.AllocsPerRun(100, func() { f.Read(text) }))
}

// TestSpread compares what a spread says with the days themselves.
func TestSpread(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		days := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) calendar.Date {
			return rapid.SampledFrom([]calendar.Date{calendar.Unreadable, 0, 730000, 730001, 730002, 730003}).Draw(r, "day")
		}), 0, 80).Draw(r, "days")
		var s Spread
		counts := map[calendar.Date]int64{}
		for _, d := range days {
			s.Add(d)
			counts[d]++
		}
		dated := int64(len(days)) - counts[0] - counts[calendar.Unreadable]
		require.Equal(r, counts[0], s.Open)
		require.Equal(r, counts[calendar.Unreadable], s.Unknown)
		require.Equal(r, dated, s.Dated())
		require.Equal(r, counts[730000]+counts[730001], s.Before(730002))
		mass := s.Mass()
		is := func(d calendar.Date) bool {
			next := int64(0)
			for other, n := range counts {
				if other.Known() && other != d {
					next = max(next, n)
				}
			}
			n := counts[d]
			return n >= massRows && (2*n > dated || 4*n >= dated && n >= 10*next)
		}
		for d := range counts {
			if d.Known() {
				oldest, newest := s.Span()
				require.True(r, oldest <= d && d <= newest)
				require.Equal(r, is(d), d == mass, d)
			}
		}
	})
}

func TestMass(t *testing.T) {
	for _, c := range []struct {
		most   int64
		others []int64
		want   bool
	}{
		{10, nil, true}, {9, nil, false}, {10, []int64{9}, true}, {10, []int64{5, 5}, false},
		{50, []int64{5, 5, 5, 5, 5, 5, 5, 5, 5, 5}, true}, {50, []int64{6, 5, 5, 5, 5, 5, 5, 5, 5, 5}, false},
		{20, slices.Repeat([]int64{2}, 30), true}, {20, slices.Repeat([]int64{2}, 31), false},
	} {
		s := Spread{Days: map[calendar.Date]int64{700000: c.most}}
		for i, n := range c.others {
			s.Days[calendar.Date(700001+i)] = n
		}
		require.Equal(t, c.want, s.Mass() == 700000, "%d %v", c.most, c.others)
	}
}

func TestASpreadIsBounded(t *testing.T) {
	var s Spread
	for d := range calendar.Date(maxDays + 10) {
		s.Add(d + 1)
	}
	require.Len(t, s.Days, maxDays)
}
