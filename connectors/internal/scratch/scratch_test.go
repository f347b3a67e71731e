package scratch

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
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

// TestManyAtOnce: who clears up takes no folder from who is just making one.
func TestManyAtOnce(t *testing.T) {
	parent := t.TempDir()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				f, err := New(parent, "mark-")
				if !assert.NoError(t, err) {
					return
				}
				assert.NoError(t, os.WriteFile(filepath.Join(f.Path, "data"), []byte("x"), 0o600))
				assert.NoError(t, f.Close())
			}
		})
	}
	all.Wait()
}
