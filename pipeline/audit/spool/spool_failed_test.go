package spool

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/audit"
)

func TestASpoolThatFailedStaysFailed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spool")
	s, err := New[audit.Decision](path, nil)
	require.NoError(t, err)
	require.NoError(t, s.Append(make([]audit.Decision, Rows)...))
	require.NoError(t, s.Failed())
	require.NoError(t, s.file.Close()) // as a disk that goes away
	require.Error(t, s.Append(make([]audit.Decision, Rows)...))
	require.Error(t, s.Failed())
	require.Error(t, s.Append(make([]audit.Decision, Rows)...), "nothing stands behind a gap")
	require.Error(t, s.Close())
	require.NoError(t, s.Close())
	require.Error(t, s.Failed())
	whole := 0
	for rows, err := range Read[audit.Decision](path, nil) {
		whole += len(rows)
		require.True(t, err == nil || whole == Rows, "what is whole, then the error: %v", err)
	}
	require.Equal(t, Rows, whole)
}
