package report

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/spool"
	"lethe/pipeline/notes"
	"lethe/pipeline/setup"
)

// TestDecisionsThatWereCut are read as far as they are whole, once it is said that they were.
func TestDecisionsThatWereCut(t *testing.T) {
	p := &setup.Setup{State: t.TempDir()}
	path := Decisions(p, "run")
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	kept, err := spool.New[audit.Decision](path, nil)
	require.NoError(t, err)
	require.NoError(t, kept.Append(make([]audit.Decision, spool.Rows)...))
	require.NoError(t, kept.Append(make([]audit.Decision, 5)...))
	require.NoError(t, kept.Close())
	info, err := os.Stat(path)
	require.NoError(t, err)
	read := func(f audit.Facts) (n int, failed error) {
		for rows, err := range decisions(p, "run", f) {
			n, failed = n+len(rows), err
		}
		return n, failed
	}
	n, err := read(audit.Facts{})
	require.NoError(t, err)
	require.Equal(t, spool.Rows+5, n)

	require.NoError(t, os.Truncate(path, info.Size()-100))
	_, err = read(audit.Facts{})
	require.Error(t, err)
	said := &notes.Notes{}
	DecisionsCut(said)
	n, err = read(said.Facts)
	require.NoError(t, err)
	require.Equal(t, spool.Rows, n)
	require.NoError(t, os.Remove(path))
	n, err = read(said.Facts)
	require.NoError(t, err)
	require.Zero(t, n)
}
