package audit

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestASpoolThatFailedStaysFailed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spool")
	s, err := NewSpool[Decision](path)
	require.NoError(t, err)
	require.NoError(t, s.Append(make([]Decision, SpoolRows)...))
	require.NoError(t, s.Failed())
	require.NoError(t, s.file.Close()) // as a disk that goes away
	require.Error(t, s.Append(make([]Decision, SpoolRows)...))
	require.Error(t, s.Failed())
	require.Error(t, s.Append(make([]Decision, SpoolRows)...), "nothing stands behind a gap")
	require.Error(t, s.Close())
	require.NoError(t, s.Close())
	require.Error(t, s.Failed())
	whole := 0
	for rows, err := range ReadSpool[Decision](path) {
		whole += len(rows)
		require.True(t, err == nil || whole == SpoolRows, "what is whole, then the error: %v", err)
	}
	require.Equal(t, SpoolRows, whole)
}
