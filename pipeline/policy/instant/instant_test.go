package instant

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/pipeline/policy/calendar"
)

func TestFixedZone(t *testing.T) {
	for text, want := range map[string]string{"+02:00": "+02:00", "-05:30": "-05:30", "Z": "UTC", "+00:00": "UTC",
		"+15:00": "", "02:00": "", "+2": "", "Rome": "", "": "", "+02:00x": "", "+02:75": ""} {
		zone, ok := FixedZone(text)
		require.Equal(t, want != "", ok, text)
		if ok {
			require.Equal(t, want, zone.String())
		}
	}
}

// TestEnd is the end of the day where a text says no time of it, also on the days on which the clocks change.
func TestEnd(t *testing.T) {
	rome := zoneOf(t, "Europe/Rome")
	for text, want := range map[string]string{
		"2026-03-01":                "2026-03-01T22:59:59.999999Z",
		"2026-03-01 00:00:00":       "2026-03-01T22:59:59.999999Z",
		"2026-03-01T00:00:00.000":   "2026-03-01T22:59:59.999999Z",
		"2026-03-01 12:00 AM":       "2026-03-01T22:59:59.999999Z",
		"2026-03-29 00:00":          "2026-03-29T21:59:59.999999Z",
		"2026-10-25":                "2026-10-25T22:59:59.999999Z",
		"2026-03-01 00:00:00.5":     "2026-02-28T23:00:00.5Z",
		"2026-03-01 00:00:01":       "2026-02-28T23:00:01Z",
		"2026-02-28 24:00":          "2026-02-28T23:00:00Z",
		"2026-03-01 10:00":          "2026-03-01T09:00:00Z",
		"2026-10-25 02:30":          "2026-10-25T01:30:00Z", // the later of two
		"2026-03-01T00:00:00Z":      "2026-03-01T00:00:00Z",
		"2026-03-01 00:00:00+01:00": "2026-02-28T23:00:00Z",
		"1772319600":                "2026-02-28T23:00:00Z",
	} {
		r, err := Writing{Zone: rome}.Read([]byte(text))
		require.NoError(t, err, text)
		require.Equal(t, want, r.End().UTC().Format(time.RFC3339Nano), text)
	}
}

func zoneOf(t require.TestingT, name string) *time.Location {
	z, err := time.LoadLocation(name)
	require.NoError(t, err)
	return z
}

// TestRead holds every form to the instant it means, in Rome where the text does not say.
func TestRead(t *testing.T) {
	rome := zoneOf(t, "Europe/Rome")
	for _, c := range []struct {
		text, want, zone string
	}{
		{"2026-03-01", "2026-02-28T23:00:00Z", "Europe/Rome"},
		{" 2026-03-01\t", "2026-02-28T23:00:00Z", "Europe/Rome"},
		{"2026/03/01", "2026-02-28T23:00:00Z", "Europe/Rome"},
		{"2026.3.1", "2026-02-28T23:00:00Z", "Europe/Rome"},
		{"20260301", "2026-02-28T23:00:00Z", "Europe/Rome"},
		{"1 March 2026", "2026-02-28T23:00:00Z", "Europe/Rome"},
		{"01-MAR-2026", "2026-02-28T23:00:00Z", "Europe/Rome"},
		{"01MAR2026", "2026-02-28T23:00:00Z", "Europe/Rome"},
		{"Mar. 1st, 2026", "2026-02-28T23:00:00Z", "Europe/Rome"},
		{"March 1, 2026", "2026-02-28T23:00:00Z", "Europe/Rome"},
		{"2026 Mar 1", "2026-02-28T23:00:00Z", "Europe/Rome"},
		{"2026-Mar-01", "2026-02-28T23:00:00Z", "Europe/Rome"},

		{"2026-03-01 10:00", "2026-03-01T09:00:00Z", "Europe/Rome"},
		{"2026-03-01T10:00:00", "2026-03-01T09:00:00Z", "Europe/Rome"},
		{"2026-03-01, 10:00:00", "2026-03-01T09:00:00Z", "Europe/Rome"},
		{"2026-03-01  9:30", "2026-03-01T08:30:00Z", "Europe/Rome"},
		{"2026-03-01 10.30.15", "2026-03-01T09:30:15Z", "Europe/Rome"},
		{"2026-03-01 10:00:00.5", "2026-03-01T09:00:00.5Z", "Europe/Rome"},
		{"2026-03-01 10:00:00,123456", "2026-03-01T09:00:00.123456Z", "Europe/Rome"},
		{"2026-03-01 10:00:00.123456789", "2026-03-01T09:00:00.123456Z", "Europe/Rome"},
		{"20260301T100000", "2026-03-01T09:00:00Z", "Europe/Rome"},
		{"20260301T1000Z", "2026-03-01T10:00:00Z", "Z"},
		{"20260301 100000", "2026-03-01T09:00:00Z", "Europe/Rome"},
		{"20260301100000", "2026-03-01T09:00:00Z", "Europe/Rome"},
		{"2026-03-01 24:00", "2026-03-01T23:00:00Z", "Europe/Rome"},
		{"2026-12-31T23:59:60Z", "2026-12-31T23:59:59Z", "Z"},

		{"2026-03-01 12:00 AM", "2026-02-28T23:00:00Z", "Europe/Rome"},
		{"2026-03-01 12:30 p.m.", "2026-03-01T11:30:00Z", "Europe/Rome"},
		{"2026-03-01 03:04:05PM", "2026-03-01T14:04:05Z", "Europe/Rome"},
		{"March 1, 2026 at 3:04 PM", "2026-03-01T14:04:00Z", "Europe/Rome"},
		{"2026-03-01, 3:04\u202fPM", "2026-03-01T14:04:00Z", "Europe/Rome"},
		{"3/1/2026, 3:04:05 PM UTC", "", ""},

		{"2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z", "Z"},
		{"2026-03-01t10:00:00z", "2026-03-01T10:00:00Z", "Z"},
		{"2026-03-01T10:00:00.000+0000", "2026-03-01T10:00:00Z", "Z"},
		{"2026-03-01 10:00:00 +0100", "2026-03-01T09:00:00Z", "+01:00"},
		{"2026-03-01 10:00:00+00", "2026-03-01T10:00:00Z", "Z"},
		{"2026-03-01 10:00:00.123456+00", "2026-03-01T10:00:00.123456Z", "Z"},
		{"2026-03-01T10:00+01:00", "2026-03-01T09:00:00Z", "+01:00"},
		{"2026-03-01 10:00:00-03:30", "2026-03-01T13:30:00Z", "-03:30"},
		{"2026-03-01 10:00:00 \u22120100", "2026-03-01T11:00:00Z", "-01:00"},
		{"1890-01-01 00:00:00+00:49:56", "1889-12-31T23:10:04Z", "+00:49"},
		{"2026-03-01 10:00:00 UTC", "2026-03-01T10:00:00Z", "Z"},
		{"2026-03-01 10:00:00 GMT", "2026-03-01T10:00:00Z", "Z"},
		{"2026-03-01 10:00:00 UTC+1", "2026-03-01T09:00:00Z", "+01:00"},
		{"2026-03-01 10:00:00 CET", "2026-03-01T09:00:00Z", "Europe/Rome"},
		{"2026-10-25 02:30:00 CEST", "2026-10-25T00:30:00Z", "Europe/Rome"},
		{"2026-10-25 02:30:00 CET", "2026-10-25T01:30:00Z", "Europe/Rome"},
		{"2026-03-01 10:00:00 +0100 CET", "2026-03-01T09:00:00Z", "+01:00"},
		{"2026-03-01T10:00:00+01:00[Europe/Rome]", "2026-03-01T09:00:00Z", "+01:00"},
		{"Sun, 01 Mar 2026 10:00:00 GMT", "2026-03-01T10:00:00Z", "Z"},
		{"Sun, 1 Mar 2026 10:00:00 +0100", "2026-03-01T09:00:00Z", "+01:00"},
		{"1 Mar 2026 10:00 +0100 (CET)", "2026-03-01T09:00:00Z", "+01:00"},
		{"Sun Mar  1 10:00:00 2026", "2026-03-01T09:00:00Z", "Europe/Rome"},
		{"Sun Mar  1 10:00:00 UTC 2026", "2026-03-01T10:00:00Z", "Z"},
		{"Sun Mar  1 10:00:00 CET 2026", "2026-03-01T09:00:00Z", "Europe/Rome"},
		{"Sun Mar 01 2026 10:00:00 GMT+0100 (Central European Standard Time)", "2026-03-01T09:00:00Z", "+01:00"},
		{"Sunday, 01-Mar-2026 10:00:00 UTC", "2026-03-01T10:00:00Z", "Z"},

		{"999999999", "2001-09-09T01:46:39Z", "Z"},
		{"1772359200", "2026-03-01T10:00:00Z", "Z"},
		{"1772359200.25", "2026-03-01T10:00:00.25Z", "Z"},
		{"1772359200123", "2026-03-01T10:00:00.123Z", "Z"},
		{"1772359200123456", "2026-03-01T10:00:00.123456Z", "Z"},
		{"1772359200123456789", "2026-03-01T10:00:00.123456Z", "Z"},
	} {
		r, err := Writing{Zone: rome}.Read([]byte(c.text))
		if c.want == "" {
			require.Error(t, err, c.text)
			continue
		}
		require.NoError(t, err, c.text)
		require.Equal(t, c.want, r.First.UTC().Format(time.RFC3339Nano), c.text)
		require.True(t, r.First.Equal(r.Last), c.text)
		require.Equal(t, c.zone, r.Zone, c.text)
	}
}

// TestRefused says of each text why it is not read.
func TestRefused(t *testing.T) {
	w := Writing{Zone: zoneOf(t, "Europe/Rome")}
	for text, want := range map[string]Fault{
		"": NoInstant, "soon": NoInstant, "2026": NoInstant, "2026-03": NoInstant, "March 2026": NoInstant,
		"infinity": NoInstant, "-1": NoInstant, "0": NoInstant, "2026-03-01 10": NoInstant, "10:00": NoInstant,
		"2026-03-01x10:00": NoInstant, "2026-03-01 10:00:": NoInstant, "2026-03-01 10:00:00.": NoInstant,
		"2026-03-01 10:00:00 +1": NoInstant, "2026-03-01 10:00:00+1600": NoInstant, "2026-03-01 2026": NoInstant,
		"2026-03-01Z": NoInstant, "２０２６-03-01": NoInstant, "0000000000": NoInstant, "9999999999999999999": NoInstant,
		"2026-03-01 2026-03-01": NoInstant, "01 03 2026": NoInstant, "2026-03/01": NoInstant, "1/3-2026": NoInstant,

		"2026-02-30": NoSuchDay, "2026-13-01": NoSuchDay, "20261301": NoSuchDay, "0000-00-00": NoSuchDay,
		"0000-00-00 00:00:00": NoSuchDay, "1980-00-00": NoSuchDay, "00000000": NoSuchDay,
		"2026-03-01 25:00": NoSuchDay, "2026-03-01 24:01": NoSuchDay, "2026-03-01 13:00 PM": NoSuchDay,
		"2026-03-01 0:30 AM": NoSuchDay, "2026-03-01 10:10:61": NoSuchDay, "2026-03-01 10:10:60": NoSuchDay,
		"20260301T2460": NoSuchDay, "31 Apr 2026": NoSuchDay, "00/00/0000": NoSuchDay,

		"01/03/26": ShortYear, "26-03-01": ShortYear, "1 Mar 26": ShortYear, "Mar 1, 26": ShortYear,
		"Sunday, 01-Mar-26 10:00:00 UTC": ShortYear,
		"01/03/2026":                     Undecided, "31.12.2026 10:00": Undecided, "3/1/2026, 3:04 PM": Undecided,
		"Mon, 01 Mar 2026 10:00:00 GMT": WrongDay,
		"2026-W09-7":                    WeekOrDay, "2026W097": WeekOrDay, "2026-060": WeekOrDay, "2026060": WeekOrDay,
		"46082": Serial, "46082.41667": Serial, "1.77236E+12": Rounded, "1,77E9": Rounded,
		"202603011000":            TwelveDigits,
		"2026-03-01 10:00:00 IST": UnknownZone, "2026-03-01 10:00:00 CST": UnknownZone,
		"2026-07-01 10:00:00 CET": UnknownZone, "2026-03-01 10:00:00 EST": UnknownZone,
		"2026-03-01 10:00:00 +0100 UTC": Contradiction,
	} {
		_, err := w.Read([]byte(text))
		require.Equal(t, want, err, "%q", text)
	}
	w.Order = MonthFirst
	_, err := w.Read([]byte("31/12/2026"))
	require.Equal(t, OtherOrder, err)
	_, err = w.Read([]byte("13/13/2026"))
	require.Equal(t, NoSuchDay, err)
}

// TestOrder reads days as they are written in a country, and those that begin with the year as ever.
func TestOrder(t *testing.T) {
	for text, want := range map[string][2]string{
		"01/02/2026": {"2026-02-01", "2026-01-02"}, "1.2.2026": {"2026-02-01", "2026-01-02"},
		"1. 2. 2026": {"2026-02-01", "2026-01-02"}, "01-02-2026 10:00:00": {"2026-02-01", "2026-01-02"},
		"01/02/2026 3:04 PM": {"2026-02-01", "2026-01-02"}, "01/02/2026, 10.30": {"2026-02-01", "2026-01-02"},
		"2026-02-01": {"2026-02-01", "2026-02-01"}, "1 Feb 2026": {"2026-02-01", "2026-02-01"},
	} {
		for i, order := range []Order{DayFirst, MonthFirst} {
			r, err := Writing{Order: order}.Read([]byte(text))
			require.NoError(t, err, text)
			require.Equal(t, want[i], r.Date.String(), text)
		}
	}
}

// TestClocksThatChange reads the hour that is skipped, and the one that comes twice, as both instants.
func TestClocksThatChange(t *testing.T) {
	for _, c := range []struct{ zone, text, first, last string }{
		{"Europe/Rome", "2026-03-29 01:59:59", "2026-03-29T00:59:59Z", "2026-03-29T00:59:59Z"},
		{"Europe/Rome", "2026-03-29 02:30:00", "2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z"},
		{"Europe/Rome", "2026-03-29 03:00:00", "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z"},
		{"Europe/Rome", "2026-10-25 01:59:59", "2026-10-24T23:59:59Z", "2026-10-24T23:59:59Z"},
		{"Europe/Rome", "2026-10-25 02:30:00", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"},
		{"Europe/Rome", "2026-10-25 03:00:00", "2026-10-25T02:00:00Z", "2026-10-25T02:00:00Z"},
		{"America/Havana", "2026-03-08 00:30:00", "2026-03-08T04:30:00Z", "2026-03-08T05:30:00Z"},
		{"Australia/Lord_Howe", "2026-04-05 01:45:00", "2026-04-04T14:45:00Z", "2026-04-04T15:15:00Z"},
		{"Pacific/Apia", "2011-12-30 12:00:00", "2011-12-29T22:00:00Z", "2011-12-30T22:00:00Z"},
		{"Asia/Kolkata", "2026-03-01 10:00:00 IST", "2026-03-01T04:30:00Z", "2026-03-01T04:30:00Z"},
	} {
		r, err := Writing{Zone: zoneOf(t, c.zone)}.Read([]byte(c.text))
		require.NoError(t, err, c.text)
		require.Equal(t, c.first, r.First.UTC().Format(time.RFC3339), c.text)
		require.Equal(t, c.last, r.Last.UTC().Format(time.RFC3339), c.text)
	}
}

// forms are those in which an instant can be written whole, by the layout of Go that writes them.
var forms = []string{
	time.RFC3339Nano, time.RFC3339, "2006-01-02 15:04:05.999999Z07:00", "2006-01-02 15:04:05 -0700",
	"2006-01-02T15:04:05.000-0700", "2006-01-02 15:04:05-07", "2006/01/02 15:04:05 -07:00", "20060102T150405Z0700",
	time.RFC1123Z, "Mon Jan 02 2006 15:04:05 GMT-0700", "2 January 2006 15:04:05 -0700",
	"Jan 2, 2006 3:04:05 PM -0700", "02-Jan-2006 15:04:05 -0700", "2006-01-02 15:04:05 -0700 MST",
	"2006-01-02T15:04:05,000000-07:00",
}

// drawn is an instant at which a text may stand, in one of the zones.
func drawn(r *rapid.T) (time.Time, *time.Location) {
	zone := zoneOf(r, rapid.SampledFrom([]string{"UTC", "Europe/Rome", "America/New_York", "America/Santiago",
		"Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "America/Havana"}).Draw(r, "zone"))
	at := time.Unix(rapid.Int64Range(-2e9, 4e9).Draw(r, "second"), 0)
	return at, zone
}

// TestWhatIsWrittenIsRead writes instants in every form, and reads them back whatever the zone of the Writing.
func TestWhatIsWrittenIsRead(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		at, zone := drawn(r)
		local := at.In(zone)
		if _, offset := local.Zone(); offset%3600 != 0 && (offset%60 != 0) {
			local = at.UTC()
		}
		_, in := drawn(r)
		for _, form := range forms {
			text := local.Format(form)
			if _, offset := local.Zone(); strings.HasSuffix(form, "-07") && offset%3600 != 0 {
				continue
			}
			got, err := Writing{Zone: in}.Read([]byte(text))
			require.NoError(r, err, text)
			require.Equal(r, at.Unix(), got.First.Unix(), text)
			require.Equal(r, got.First, got.Last, text)
		}
		// Without an offset it is one of the two, if they differ, and the clocks show what was written.
		text := local.Format(time.DateTime)
		got, err := Writing{Zone: local.Location()}.Read([]byte(text))
		require.NoError(r, err, text)
		require.Contains(r, []int64{got.First.Unix(), got.Last.Unix()}, at.Unix(), text)
		require.Equal(r, text, got.First.In(local.Location()).Format(time.DateTime))
		require.Equal(r, text, got.Last.In(local.Location()).Format(time.DateTime))
	})
}

// TestOneTextIsOneInstant: with an offset, or as a count, a text means the same for all zones and orders; and
// what an order reads, the other refuses or reads with day and month changed.
func TestOneTextIsOneInstant(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		text := rapid.StringMatching(`[0-9]{1,4}[-/. ]?([0-9]{1,2}|Mar|W0)[-/. ]?[0-9]{1,4}`+
			`([T ,]{0,2}[0-9]{1,2}[:.]?[0-9]{2}([:.][0-9]{2}([.,][0-9]{1,9})?)?)?( ?(Z|UTC|\+01|-0330|\+05:30|AM|PM))?`).
			Draw(r, "text")
		rome, err := Writing{Zone: zoneOf(r, "Europe/Rome")}.Read([]byte(text))
		if err != nil {
			return
		}
		other, err := Writing{Zone: zoneOf(r, "America/New_York"), Order: MonthFirst}.Read([]byte(text))
		require.NoError(r, err, text)
		require.Equal(r, rome.Date, other.Date, text)
		if rome.Zone != "Europe/Rome" {
			require.Equal(r, rome.First, other.First, text)
		}
		spaced, err := Writing{Zone: zoneOf(r, "Europe/Rome")}.Read([]byte("\u00a0" + text + "\u200e "))
		require.NoError(r, err, text)
		require.Equal(r, rome, spaced)
	})
}

func TestReadDoesNotAllocate(t *testing.T) {
	w := Writing{Zone: zoneOf(t, "Europe/Rome")}
	for _, text := range []string{"2024-11-19 23:10:00.123456", "2024-11-19", "1772359200"} {
		b := []byte(text)
		require.Zero(t, testing.AllocsPerRun(100, func() {
			if _, err := w.Read(b); err != nil {
				panic(err)
			}
		}), text)
	}
}

func TestNone(t *testing.T) {
	for text, want := range map[string]bool{
		"1970-01-01": true, "1970-01-01 00:00:01": true, "1969-12-31 19:00:00-05": true, "1970-01-01T01:00:00+01:00": true,
		"1900-01-01": true, "0001-01-01": true, "1753-01-01": true, "1899-12-30": true, "1899-12-31": true,
		"1000-01-01": true, "1601-01-01": true, "9999-12-31": true, "9999-12-31 23:59:59": true, "9999-01-01": true,
		"2038-01-19 03:14:07": true, "2038-01-18 22:14:07-05:00": true, "2038-01-19": true,
		"1901-12-13 20:45:52": true, "2106-02-07 06:28:15": true, "1904-01-01": true, "1901-01-01": true,
		"1970-01-02": false, "2038-01-20": false, "1902-01-01": false, "2026-03-01": false, "1984-01-01": false,
	} {
		r, err := Writing{}.Read([]byte(text))
		require.NoError(t, err, text)
		require.Equal(t, want, r.None(), text)
	}
	require.True(t, NoDay(calendar.Unreadable))
}

func FuzzRead(f *testing.F) {
	for _, text := range append(forms, "46082.5", "1772359200123", "Sun Mar  1 10:00:00 CET 2026", "01/03/2026 3:04 PM",
		"2026-03-01T10:00:00+01:00[Europe/Rome]", "2026-W09-7", "Sept 1st, 2026") {
		f.Add([]byte(text))
	}
	writings := []Writing{{}, {Zone: zoneOf(f, "America/Santiago"), Order: DayFirst},
		{Zone: zoneOf(f, "Europe/Rome"), Order: MonthFirst}}
	f.Fuzz(func(t *testing.T, text []byte) {
		before := string(text)
		for _, w := range writings {
			r, err := w.Read(text)
			require.Equal(t, before, string(text), "the text is left as it is")
			if err != nil {
				_, is := err.(Fault)
				require.True(t, is)
				require.Zero(t, r)
				continue
			}
			require.True(t, r.Date.Known())
			require.False(t, r.Last.Before(r.First))
			require.LessOrEqual(t, r.Last.Sub(r.First), 25*time.Hour)
			again, err := w.Read([]byte(r.First.UTC().Format(time.RFC3339Nano)))
			if r.First.UTC().Year() >= 1 && r.First.UTC().Year() <= 9999 {
				require.NoError(t, err)
				require.True(t, again.First.Equal(r.First))
			}
		}
	})
}
