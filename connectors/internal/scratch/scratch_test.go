package scratch

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFoldersOfProcessesThatAreGoneAreRemoved(t *testing.T) {
	parent := t.TempDir()
	first, err := New(parent, "mark-")
	require.NoError(t, err)
	data := filepath.Join(first.Path, "data")
	require.NoError(t, os.WriteFile(data, []byte("x"), 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(parent, "other"), 0o700))
	second, err := New(parent, "mark-")
	require.NoError(t, err)
	require.FileExists(t, data, "another process has it")
	require.NoError(t, first.lock.Close(), "as the end of its process does")
	third, err := New(parent, "mark-")
	require.NoError(t, err)
	require.NoDirExists(t, first.Path)
	require.DirExists(t, second.Path)
	require.NoError(t, errors.Join(second.Close(), third.Close()))
	left, err := os.ReadDir(parent)
	require.NoError(t, err)
	require.Len(t, left, 1, "only the other")
	info, err := os.Stat(filepath.Join(parent, "other"))
	require.NoError(t, err)
	require.True(t, info.IsDir())
}
