package jobs

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/jobs/config"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/setup"
)

func TestAnswerBy(t *testing.T) {
	var christmas, second, easterMonday config.Holiday
	for h, text := range map[*config.Holiday]string{&christmas: "12-25", &second: "12-26",
		&easterMonday: "2027-03-29"} {
		require.NoError(t, h.UnmarshalText([]byte(text)))
	}
	for _, c := range []struct {
		received       string
		months, rested int
		want           string
	}{
		{"2026-10-31", 1, 0, "2026-11-30"}, // there is no 31 November
		{"2026-11-05", 1, 0, "2026-12-07"}, // 5 December is a Saturday
		{"2026-11-06", 1, 0, "2026-12-07"}, // the 6th a Sunday
		{"2026-11-07", 1, 0, "2026-12-07"},
		{"2026-01-31", 1, 0, "2026-03-02"}, // 28 February is a Saturday
		{"2028-01-31", 1, 0, "2028-02-29"},
		{"2026-12-15", 1, 0, "2027-01-15"},
		{"2026-11-25", 1, 0, "2026-12-28"}, // a holiday on a Friday, the second on a Saturday, a Sunday
		{"2027-02-28", 1, 0, "2027-03-30"}, // a Sunday, and Easter Monday
		{"2026-11-05", 1, 3, "2026-12-08"}, // the days it rested are added before the end moves
		{"2026-11-04", 1, 10, "2026-12-14"},
		{"2026-11-30", 3, 0, "2027-03-01"}, // there is no 30 February, and the 28th is a Sunday
		{"2026-11-05", 3, 2, "2027-02-08"}, // 7 February is a Sunday
	} {
		day, err := calendar.ParseDate(c.received)
		require.NoError(t, err)
		require.Equal(t, c.want, answerBy(day, c.months, c.rested, []config.Holiday{christmas, second,
			easterMonday}).String(), "%+v", c)
	}
}

// TestAnswerByEndsWithoutWorkingDays gives no time where a list leaves no working day.
func TestAnswerByEndsWithoutWorkingDays(t *testing.T) {
	day, err := calendar.ParseDate("2026-11-05")
	require.NoError(t, err)
	var all []config.Holiday
	for at, end := day, day+400; at < end; at++ {
		var h config.Holiday
		require.NoError(t, h.UnmarshalText([]byte(at.String())))
		all = append(all, h)
	}
	require.Equal(t, "2026-12-05", answerBy(day, 1, 0, all).String())
}

func TestPastInstant(t *testing.T) {
	rome, err := time.LoadLocation("Europe/Rome")
	require.NoError(t, err)
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"":                     now,
		"2026-11-20":           now, // today: not later than now
		"2026-11-19":           time.Date(2026, 11, 19, 22, 59, 59, 0, time.UTC),
		"2026-11-19T10:00:00Z": time.Date(2026, 11, 19, 10, 0, 0, 0, time.UTC),
	} {
		at, err := pastInstant("--received", text, now, rome)
		require.NoError(t, err, text)
		require.True(t, want.Equal(at), "%s: %s", text, at)
	}
	for text, hint := range map[string]string{"2026-11-21": "lies in the future", "2026-11-20T09:00:01Z": "lies in " +
		"the future", "yesterday": "write a day as 2006-01-02", "2026-11-31": "write a day"} {
		_, err := pastInstant("--received", text, now, rome)
		require.ErrorIs(t, err, setup.ErrUsage)
		require.ErrorContains(t, err, hint, text)
	}
}
