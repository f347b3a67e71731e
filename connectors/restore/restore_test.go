package restore

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
)

func TestAFolderThatNobodyCanComeTo(t *testing.T) {
	if _, ok := nobody(); !ok {
		t.Log("only root has servers run as another user") // the rest holds for everybody
	}
	closed := filepath.Join(t.TempDir(), "closed")
	require.NoError(t, os.Mkdir(closed, 0o700))
	_, root := nobody()
	_, err := NewFolder(closed)
	if !root {
		require.NoError(t, err)
		return
	}
	require.ErrorIs(t, err, connectors.ErrConfig)
	require.ErrorContains(t, err, "--dir")
}
