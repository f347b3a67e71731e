package report

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestATrialLeavesNothingAlsoOfOneThatWasKilled(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(folder, ".tmp-trial-killed"), 0o700))
	require.NoError(t, trial(folder, 10))
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Empty(t, left)
}
