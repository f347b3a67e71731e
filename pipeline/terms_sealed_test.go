package pipeline_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline"
	"lethe/pipeline/audit/evidence"
	"lethe/pipeline/audit/expiry"
	"lethe/pipeline/audit/parquet"
	"lethe/pipeline/audit/sealed"
)

// theReader is for whom the rows of the tests' silo are encrypted.
const theReader = "age10zhya7gzxruzd3zdmh5tp6mgl7nm95qjrmhjnvexn2clyujvrelqeawnx4"

func counts(t *testing.T, w *world) (rows map[string]int) {
	t.Helper()
	rows = map[string]int{}
	beside, err := filepath.Glob(filepath.Join(w.Setup.Reports, "table=row_rollup", "*", "*", "*.parquet"))
	require.NoError(t, err)
	require.NotEmpty(t, beside)
	for _, file := range beside {
		require.NoError(t, parquet.Texts(t.Context(), file, []string{"of_table", "object", "change", "status", "rows"},
			func(row []string) { rows[strings.Join(row, " ")]++ }))
	}
	return rows
}

// TestRowsOfReadersEndToo: encrypted rows go at their term, unread; the counts that were published beside them stay in
// their place, until all of the night goes.
func TestRowsOfReadersEndToo(t *testing.T) {
	w := aged(t, "P1M", "P1Y", true, theReader)
	before := w.reported()
	counted := counts(t, w)
	require.Contains(t, counted, "actions people delete done 1")
	r, err := w.night()
	require.NoError(t, err)
	gone := missing(before, w.reported())
	require.NotEmpty(t, gone)
	for _, name := range gone {
		require.True(t, strings.HasSuffix(name, sealed.Ends) || strings.HasSuffix(name, "/silo=_.parquet"), name)
	}
	signer, err := w.Setup.Keys.Runner()
	require.NoError(t, err)
	p, err := expiry.Read(w.Setup.Reports, r.RunID, signer.PublicKey())
	require.NoError(t, err)
	require.Len(t, p.Gone, len(gone))
	require.Empty(t, p.Made, "what was counted when it was published is not counted again")
	require.Subset(t, counts(t, w), counted)
	lines, err := w.verify()
	require.NoError(t, err, strings.Join(lines, "\n"))
	require.Contains(t, strings.Join(lines, "\n"), "files are expired per retention")

	t.Run("made again from the journal it is as it was", func(t *testing.T) {
		after := w.reported()
		_, err := pipeline.Republish(t.Context(), w.Setup, "")
		require.NoError(t, err)
		require.Equal(t, after, w.reported())
		lines, err := w.verify()
		require.NoError(t, err, strings.Join(lines, "\n"))
	})
	t.Run("without its counts the folder does not hold", func(t *testing.T) {
		published := w.Setup.Reports
		defer func() { w.Setup.Reports = published }()
		w.Setup.Reports = filepath.Join(t.TempDir(), "copy")
		require.NoError(t, os.CopyFS(w.Setup.Reports, os.DirFS(published)))
		beside, err := filepath.Glob(filepath.Join(w.Setup.Reports, "table=row_rollup", "*", "*", "*.parquet"))
		require.NoError(t, err)
		require.NoError(t, os.Remove(beside[0]))
		lines, err := w.verify()
		require.ErrorIs(t, err, evidence.ErrEdited)
		require.Contains(t, strings.Join(lines, "\n"), "row_rollup")
	})

	w.Now = w.Now.AddDate(1, 0, 0)
	w.Setup.Breakers.PauseDays = 0
	w.nights(7)
	after := w.reported()
	for _, name := range before {
		if strings.HasPrefix(name, "table=row_rollup/") {
			require.NotContains(t, after, name, "counts go with all of their night")
		}
	}
	lines, err = w.verify()
	require.NoError(t, err, strings.Join(lines, "\n"))
}

// TestRowsOfReadersWithoutTheirCountsStay: nothing is in their place, so that they are nobody's to remove, and it is said.
func TestRowsOfReadersWithoutTheirCountsStay(t *testing.T) {
	w := aged(t, "P1M", "P1Y", true, theReader)
	beside, err := filepath.Glob(filepath.Join(w.Setup.Reports, "table=row_rollup", "*", "*", "*.parquet"))
	require.NoError(t, err)
	lost := beside[0]
	require.NoError(t, os.Remove(lost))
	before := w.reported()
	_, err = w.night()
	require.NoError(t, err)
	require.Len(t, w.found("F_EVIDENCE_LOST"), 1)
	gone := missing(before, w.reported())
	sealedFile := strings.Replace(lost, "table=row_rollup", "table=actions", 1) + sealed.Ends
	rows, err := filepath.Rel(w.Setup.Reports, sealedFile)
	require.NoError(t, err)
	require.NotContains(t, gone, filepath.ToSlash(rows))
	require.NotEmpty(t, gone, "the others go all the same")
}
