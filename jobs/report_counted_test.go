package jobs

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/parquet"
	"lethe/pipeline/audit/queries"
)

// anything passes the gate.
type anything struct{}

func (anything) Check(string, string, []string) error { return nil }

// TestAnAnswerSaysWhatItLacks: rows of the night of which there are but counts, by the tables that the query reads.
func TestAnAnswerSaysWhatItLacks(t *testing.T) {
	reports := t.TempDir()
	write := func(folder, date string, rows ...audit.RowRollup) {
		run := audit.Run{RunID: "r", AsOf: time.Date(2027, 11, 20, 0, 15, 0, 0, time.UTC)}
		table, err := parquet.NewTable[audit.RowRollup](audit.RowRollupTable, folder, date, run, anything{})
		require.NoError(t, err)
		defer table.Release()
		require.NoError(t, table.Add("hr", rows))
		_, hits, err := table.Close(t.Context())
		require.NoError(t, err)
		require.NoError(t, hits)
	}
	row := func(date, of string, n int64) audit.RowRollup {
		return audit.RowRollup{OfRun: "n", OfDate: date, OfTable: of, Silo: "hr", Source: "crm", Object: "staff",
			Change: "delete", Reason: "D_RETENTION_ELAPSED", Status: "done", Rows: n}
	}
	write(filepath.Join(reports, "purges", "run=r"), "2027-11-20", row("2026-11-20", "actions", 3),
		row("2026-11-20", "actions", 4), row("2026-11-21", "actions", 50), row("2026-11-20", "decisions", 90))
	write(reports, "2026-11-20", row("2026-11-20", "actions", 8))

	said := func(code, night, identity string) string {
		q, ok := queries.Find(code)
		require.True(t, ok)
		text, err := countedOnly(t.Context(), asked{reports: reports, identity: identity}, night, q)
		require.NoError(t, err)
		for line := range strings.Lines(text) {
			require.True(t, strings.HasPrefix(line, "-- "), "a comment of SQL")
		}
		return text
	}
	all := said("q13", "2026-11-20", "")
	require.Contains(t, all, "-- Not in the answer: 7 rows of table actions of 2026-11-20, which stand as counts alone")
	require.Contains(t, all, "-- Not in the answer: 8 rows of table actions of 2026-11-20, which are encrypted")
	require.Contains(t, all, "/purges/run=*/table=row_rollup/*/*/*.parquet")
	require.NotContains(t, said("q13", "2026-11-20", "reader.key"), "encrypted")
	require.Contains(t, said("q36", "2026-11-20", ""), "90 rows of table decisions")
	require.Empty(t, said("q18", "2026-11-20", ""), "it reads neither")
	require.Empty(t, said("q13", "2026-11-22", ""))
}
