package restore

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
)

func TestFoldersOfProcessesThatAreGoneAreRemoved(t *testing.T) {
	parent, err := os.MkdirTemp("/tmp", "lethe-parent-") // where the user nobody can come
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(parent)) })
	require.NoError(t, os.Chmod(parent, 0o755))
	first, err := NewFolder(parent)
	require.NoError(t, err)
	room, err := first.room()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(room, "data"), []byte("x"), 0o600))
	second, err := NewFolder(parent)
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(room, "data"), "another process has it")
	require.NoError(t, first.lock.Close(), "as the end of its process does")
	third, err := NewFolder(parent)
	require.NoError(t, err)
	require.NoDirExists(t, first.Path)
	require.DirExists(t, second.Path)
	require.NoError(t, errors.Join(second.Close(), third.Close()))
	left, err := os.ReadDir(parent)
	require.NoError(t, err)
	require.Empty(t, left)
}

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
