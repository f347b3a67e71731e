package queries

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/audit"
)

// TestEveryQueryCanBeAsked of tables that there are, in one statement, under a code that no other has.
func TestEveryQueryCanBeAsked(t *testing.T) {
	last := 0
	for _, q := range All() {
		t.Run(q.Code, func(t *testing.T) {
			n, err := strconv.Atoi(strings.TrimPrefix(q.Code, "q"))
			require.NoError(t, err)
			require.Greater(t, n, last)
			last = n
			require.NotEmpty(t, q.Title)
			require.False(t, strings.HasSuffix(q.Title, "."))
			require.True(t, strings.HasPrefix(q.SQL, "SELECT "), q.SQL)
			require.Equal(t, len(q.SQL)-1, strings.Index(q.SQL, ";"), "one statement")
			require.NotEmpty(t, q.Tables())
			require.Subset(t, audit.TableNames(), q.Tables())
			found, ok := Find(q.Code)
			require.True(t, ok)
			require.Equal(t, q, found)
		})
	}
	require.NotZero(t, last)
	_, ok := Find("q")
	require.False(t, ok)
}

// TestAFolderIsQuoted whatever its name is.
func TestAFolderIsQuoted(t *testing.T) {
	q, _ := Find("q30")
	require.Contains(t, q.Prelude("o'neil/reports", "2026-11-23"),
		"read_parquet('o''neil/reports/table=runs/**/*.parquet'")
}
