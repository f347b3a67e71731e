package jobs

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/policy"
)

func TestAnswerBy(t *testing.T) {
	for received, want := range map[string]string{
		"2026-10-31": "2026-11-30", // there is no 31 November
		"2026-11-05": "2026-12-07", // 5 December is a Saturday
		"2026-11-06": "2026-12-07", // the 6th a Sunday
		"2026-11-07": "2026-12-07",
		"2026-01-31": "2026-03-02", // 28 February is a Saturday
		"2028-01-31": "2028-02-29",
		"2026-12-15": "2027-01-15",
	} {
		day, err := policy.ParseDate(received)
		require.NoError(t, err)
		require.Equal(t, want, answerBy(day).String(), received)
	}
}

func TestReceivedAt(t *testing.T) {
	rome, err := time.LoadLocation("Europe/Rome")
	require.NoError(t, err)
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"":                     now,
		"2026-11-20":           now, // today: not later than now
		"2026-11-19":           time.Date(2026, 11, 19, 22, 59, 59, 0, time.UTC),
		"2026-11-19T10:00:00Z": time.Date(2026, 11, 19, 10, 0, 0, 0, time.UTC),
	} {
		at, err := receivedAt(text, now, rome)
		require.NoError(t, err, text)
		require.True(t, want.Equal(at), "%s: %s", text, at)
	}
	for text, hint := range map[string]string{"2026-11-21": "lies in the future", "2026-11-20T09:00:01Z": "lies in the future", "yesterday": "write a day as 2006-01-02", "2026-11-31": "write a day"} {
		_, err := receivedAt(text, now, rome)
		require.ErrorIs(t, err, errUsage)
		require.ErrorContains(t, err, hint, text)
	}
}
