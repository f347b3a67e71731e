package retention

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestLatestEnded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		days := rapid.IntRange(1, 4000).Draw(t, "days")
		end := func(since time.Time) time.Time { return since.AddDate(0, 0, days) }
		asOf := time.Date(2026, 11, 21, 12, 0, 0, 0,
			time.UTC).Add(time.Duration(rapid.Int64Range(0, 1e9).Draw(t, "s")) * time.Second)
		got := latestEnded(end, asOf)
		require.False(t, end(got.Truncate(time.Second)).After(asOf))
		require.True(t, end(got.Add(time.Second)).After(asOf))
	})
}
