package anew_test

import (
	"crypto/md5"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/internal/anew"
)

var day = time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)

// folder makes a folder of three files, of which sums has a list.
func folder(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "dump")
	require.NoError(t, os.Mkdir(path, 0o700))
	require.NoError(t, os.Chmod(path, 0o750))
	for name, content := range files() {
		require.NoError(t, os.WriteFile(filepath.Join(path, name), []byte(content), 0o600))
		require.NoError(t, os.Chmod(filepath.Join(path, name), 0o640)) // whatever the mask
		require.NoError(t, os.Chtimes(filepath.Join(path, name), day, day))
	}
	require.NoError(t, os.Chtimes(path, day, day))
	return path
}

func files() map[string]string {
	sha := func(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }
	return map[string]string{"a": "old a", "b": "b", "c": "old c",
		"SHA256SUMS": sha("old a") + "  a\n" + sha("b") + " *./b\n" + sha("old c") + "  c\n",
		"c.md5":      "MD5 (c) = " + strings.ToUpper(fmt.Sprintf("%x", md5.Sum([]byte("old c")))) + "\n"}
}

func contents(t *testing.T, path string) map[string]string {
	entries, err := os.ReadDir(path)
	require.NoError(t, err)
	found := map[string]string{}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(path, e.Name()))
		require.NoError(t, err)
		found[e.Name()] = string(b)
	}
	return found
}

// rewrite puts new files into a folder.
func rewrite(t *testing.T, path string, hook func(anew.Point) error, fresh map[string]string) (*anew.Folder, error) {
	f, err := anew.BeginFolder(path, hook)
	if err != nil {
		return nil, err
	}
	defer f.Discard()
	for name, content := range fresh {
		file, err := f.Create(name)
		if err != nil {
			return nil, err
		}
		_, err = file.WriteString(content)
		require.NoError(t, err)
		require.NoError(t, file.Close())
	}
	if err := f.Wrote(); err != nil {
		return nil, err
	}
	return f, f.Finish(func(temp string) error {
		require.Equal(t, "new a", contents(t, temp)["a"])
		return nil
	})
}

func requireAlone(t *testing.T, path string) {
	beside, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, beside, 1, "no temporary folder is left")
}

func TestFolder(t *testing.T) {
	path := folder(t)
	kept, err := os.Stat(filepath.Join(path, "b"))
	require.NoError(t, err)
	f, err := rewrite(t, path, nil, map[string]string{"a": "new a", "c": "c, new"})
	require.NoError(t, err)
	requireAlone(t, path)
	want := files()
	want["a"], want["c"] = "new a", "c, new"
	want["SHA256SUMS"] = fmt.Sprintf("%x  a\n%x *./b\n%x  c\n", sha256.Sum256([]byte("new a")), sha256.Sum256([]byte("b")),
		sha256.Sum256([]byte("c, new")))
	want["c.md5"] = fmt.Sprintf("MD5 (c) = %X\n", md5.Sum([]byte("c, new")))
	require.Equal(t, want, contents(t, path))
	require.NotEqual(t, f.Before.SHA256, f.After.SHA256)
	require.Equal(t, f.Before.Size+1, f.After.Size)
	for _, name := range []string{"a", "b", "SHA256SUMS", "."} {
		info, err := os.Stat(filepath.Join(path, name))
		require.NoError(t, err)
		require.Equal(t, day, info.ModTime().UTC(), name)
		require.Contains(t, []os.FileMode{0o640, 0o750}, info.Mode().Perm(), name)
		if name != "." {
			require.EqualValues(t, 1, info.Sys().(*syscall.Stat_t).Nlink, name)
		}
	}
	now, err := os.Stat(filepath.Join(path, "b"))
	require.NoError(t, err)
	require.True(t, os.SameFile(kept, now), "a file that stays is not copied")
	lines, err := exec.Command("sh", "-c", "cd "+path+" && LC_ALL=C sha256sum * | sha256sum").Output()
	require.NoError(t, err)
	require.Equal(t, fmt.Sprintf("%x", f.After.SHA256), strings.Fields(string(lines))[0])
}

// A file that is left out is in no list of checksums.
func TestFolderOmits(t *testing.T) {
	path := folder(t)
	f, err := anew.BeginFolder(path, nil)
	require.NoError(t, err)
	defer f.Discard()
	require.NoError(t, f.Omit("c"))
	require.Error(t, f.Omit("d"))
	require.NoError(t, f.Wrote())
	require.NoError(t, f.Finish(func(string) error { return nil }))
	want := files()
	want["SHA256SUMS"] = strings.Join(strings.SplitAfter(want["SHA256SUMS"], "\n")[:2], "")
	delete(want, "c")
	delete(want, "c.md5")
	require.Equal(t, want, contents(t, path))
}

// A folder is the whole old one or the whole new one after an error at any point, and what a killed run left is cleared.
func TestFolderIsOldOrNew(t *testing.T) {
	stop := errors.New("stop")
	for _, point := range anew.Points {
		path := folder(t)
		_, err := rewrite(t, path, func(p anew.Point) error {
			if p == point {
				return stop
			}
			return nil
		}, map[string]string{"a": "new a"})
		require.ErrorIs(t, err, stop)
		requireAlone(t, path)
		want := "old a"
		if point == anew.Renamed {
			want = "new a"
		}
		found := contents(t, path)
		require.Equal(t, want, found["a"], point)
		require.Contains(t, found["SHA256SUMS"], fmt.Sprintf("%x", sha256.Sum256([]byte(want))))
	}
	path := folder(t)
	left := filepath.Join(filepath.Dir(path), connectors.TemporaryPrefix(path)+"1")
	require.NoError(t, os.Mkdir(left, 0o700))
	require.NoError(t, os.Link(filepath.Join(path, "a"), filepath.Join(left, "a")))
	require.Empty(t, anew.ForeseeFolder(path), "what a killed run left is no second name")
	_, err := rewrite(t, path, nil, map[string]string{"a": "new a"})
	require.NoError(t, err)
	requireAlone(t, path)
}

func TestFolderRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		spoil func(t *testing.T, path string)
		late  bool // while the new files are being written
		is    error
		says  string
	}{
		"a symbolic link": {spoil: func(t *testing.T, path string) {
			require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(path, "d")))
		}, is: connectors.ErrConfig, says: "d in the folder is not a regular file but a symbolic link"},
		"a folder": {spoil: func(t *testing.T, path string) {
			require.NoError(t, os.Mkdir(filepath.Join(path, "d"), 0o700))
		}, is: connectors.ErrConfig, says: "d in the folder is not a regular file but a folder"},
		"a second name": {spoil: func(t *testing.T, path string) {
			require.NoError(t, os.Link(filepath.Join(path, "a"), path+"-a"))
			require.Len(t, anew.ForeseeFolder(path), 1)
		}, is: connectors.ErrConfig, says: "second name"},
		"a wrong sum": {spoil: func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(filepath.Join(path, "SHA256SUMS"), []byte(strings.Repeat("0", 64)+"  a\n"), 0o600))
		}, is: connectors.ErrDamaged, says: "SHA256SUMS"},
		"sums outside": {spoil: func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path+".sha256", nil, 0o600))
		}, is: connectors.ErrConfig, says: "dump.sha256"},
		"a signature": {spoil: func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(filepath.Join(path, "a.asc"), nil, 0o600))
		}, is: connectors.ErrConfig, says: "a.asc would not be true"},
		"changed": {late: true, spoil: func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(filepath.Join(path, "b"), []byte("x"), 0o600))
		}, is: connectors.ErrTransient, says: "changed by someone else"},
		"one more": {late: true, spoil: func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(filepath.Join(path, "d"), []byte("x"), 0o600))
		}, is: connectors.ErrTransient, says: "changed by someone else"},
		"same size and time": {late: true, spoil: func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(filepath.Join(path, "a"), []byte("odl a"), 0o600))
			require.NoError(t, os.Chtimes(filepath.Join(path, "a"), day, day))
		}, is: connectors.ErrTransient, says: "changed by someone else"},
	} {
		t.Run(name, func(t *testing.T) {
			path := folder(t)
			if !tc.late {
				tc.spoil(t, path)
			}
			was := map[string]string{}
			if name != "a symbolic link" && name != "a folder" && !tc.late {
				was = contents(t, path)
			}
			_, err := rewrite(t, path, func(p anew.Point) error {
				if tc.late && p == anew.Verified {
					tc.spoil(t, path)
				}
				return nil
			}, map[string]string{"a": "new a"})
			require.ErrorIs(t, err, tc.is)
			require.ErrorContains(t, err, tc.says)
			left, err := filepath.Glob(connectors.TemporaryPattern(filepath.Dir(path)))
			require.NoError(t, err)
			require.Empty(t, left)
			if len(was) > 0 {
				require.Equal(t, was, contents(t, path))
			}
		})
	}
}
