package pgdump_test

import (
	"crypto/md5"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/connectortest"
	"lethe/connectors/internal/anew"
	"lethe/connectors/pgdump"
)

const twoTables = header + "CREATE TABLE public.t (id integer, v text);\nCREATE TABLE public.u (id integer);\n" +
	"COPY public.t (id, v) FROM stdin;\n1\ta\n2\tb\n\\.\nCOPY public.u (id) FROM stdin;\n7\n\\.\n" + trailer

// folder makes an archive that is a folder, in a folder of its own. The data of t are in 5.dat.gz, those of u in 6.dat.gz.
func folder(t testing.TB) (path string) {
	path = filepath.Join(t.TempDir(), "crm")
	put(t, path, twoTables, "d")
	return path
}

// rewriteT makes a change of the table t in the folder.
func rewriteT(t testing.TB, path string, what change) (connectors.RewriteReport, error) {
	return rewrite(t, path, connectors.Options{}, what, connectors.Query{Table: "t"})
}

// requireFolder checks that a folder stands alone with these files.
func requireFolder(t testing.TB, path string, want map[string]string) {
	t.Helper()
	require.Equal(t, want, files(t, path))
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	for _, e := range entries {
		require.True(t, strings.HasPrefix(e.Name(), filepath.Base(path)), "left over: %s", e.Name())
	}
}

// stateOf is what a report says of the files of a folder.
func stateOf(path string, files map[string]string) connectors.FileState {
	var lines []byte
	var size int64
	for _, name := range slices.Sorted(maps.Keys(files)) {
		lines = fmt.Appendf(lines, "%x  %s\n", sha256.Sum256([]byte(files[name])), name)
		size += int64(len(files[name]))
	}
	return connectors.FileState{Path: path, Size: size, SHA256: sha256.Sum256(lines)}
}

func rowsOf(t testing.TB, path string) (rows []string) {
	src := open(t, path, connectors.Options{})
	for b, err := range src.Scan(t.Context(), connectors.Query{Table: "t"}) {
		require.NoError(t, err)
		rows = append(rows, connectortest.Texts(b)...)
	}
	return rows
}

// What is not touched is the very same file, and all has owner, mode and time of before.
func TestFolder(t *testing.T) {
	path := folder(t)
	day := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	require.NoError(t, os.Chmod(filepath.Join(path, "5.dat.gz"), 0o604))
	require.NoError(t, os.Chtimes(filepath.Join(path, "5.dat.gz"), day, day))
	require.NoError(t, os.Chmod(path, 0o705))
	require.NoError(t, os.Chtimes(path, day, day))
	inode := func(name string) os.FileInfo {
		info, err := os.Stat(filepath.Join(path, name))
		require.NoError(t, err)
		return info
	}
	old, before := files(t, path), map[string]os.FileInfo{}
	for name := range old {
		before[name] = inode(name)
	}
	link := filepath.Join(t.TempDir(), "latest")
	require.NoError(t, os.Symlink(path, link))

	report, err := rewriteT(t, link, change{"1": "-"})
	require.NoError(t, err)
	now := files(t, path)
	requireFolder(t, path, now)
	for name := range old {
		require.Equal(t, name != "5.dat.gz", os.SameFile(before[name], inode(name)), name)
		require.Equal(t, before[name].Mode(), inode(name).Mode(), name)
		require.True(t, before[name].ModTime().Equal(inode(name).ModTime()), name)
	}
	require.Equal(t, os.FileMode(0o705)|os.ModeDir, inode(".").Mode())
	require.True(t, inode(".").ModTime().Equal(day), "a backup still expires on its day")
	require.Equal(t, stateOf(link, old), report.Before)
	require.Equal(t, stateOf(link, now), report.After)
	require.Equal(t, []string{"2|b"}, rowsOf(t, path))
}

// A file of the folder that has a second name keeps the folder from being written only where it is touched.
func TestFolderSecondName(t *testing.T) {
	for file, refused := range map[string]bool{"5.dat.gz": true, "6.dat.gz": false} {
		path := folder(t)
		require.NoError(t, os.Link(filepath.Join(path, file), filepath.Join(t.TempDir(), "second")))
		old := files(t, path)
		found, err := open(t, path, connectors.Options{Rewrite: true}).(connectors.Foreseer).Foresee(t.Context(),
			[]connectors.Use{{Table: "t"}})
		require.NoError(t, err)
		require.Len(t, found, 1)
		_, err = rewriteT(t, path, change{"1": "-"})
		if !refused {
			require.NoError(t, err)
			continue
		}
		require.ErrorIs(t, err, connectors.ErrConfig)
		require.ErrorContains(t, err, "5.dat.gz")
		require.ErrorContains(t, err, "hard link")
		requireFolder(t, path, old)
	}
}

// What the table of contents does not name is not left with old rows in it.
func TestFolderStrays(t *testing.T) {
	for name, add := range map[string]func(path string) error{
		"a copy": func(path string) error {
			return os.WriteFile(filepath.Join(path, "5.dat.gz.bak"), []byte("1\ta\n"), 0o600)
		},
		"the same packed in another way": func(path string) error {
			return os.WriteFile(filepath.Join(path, "5.dat.zst"), nil, 0o600)
		},
		"a folder": func(path string) error { return os.Mkdir(filepath.Join(path, "old"), 0o700) },
	} {
		t.Run(name, func(t *testing.T) {
			path := folder(t)
			require.NoError(t, add(path))
			old := files(t, path)
			require.Equal(t, []string{"1|a", "2|b"}, rowsOf(t, path), "it is read")
			found, err := open(t, path, connectors.Options{Rewrite: true}).(connectors.Foreseer).Foresee(t.Context(),
				[]connectors.Use{{Table: "t"}})
			require.NoError(t, err)
			require.Len(t, found, 1, "it is known before anything is written")
			require.False(t, found[0].Doubt)
			_, err = rewriteT(t, path, change{"1": "-"})
			require.ErrorIs(t, err, connectors.ErrConfig)
			require.ErrorContains(t, err, "move it away")
			requireFolder(t, path, old)
		})
	}
}

// Side-cars in the folder are kept true.
func TestFolderSidecars(t *testing.T) {
	path := folder(t)
	lists := func() (list, own string) {
		for _, file := range []string{"5.dat.gz", "6.dat.gz", "toc.dat"} {
			text, err := os.ReadFile(filepath.Join(path, file))
			require.NoError(t, err)
			list += fmt.Sprintf("%x  %s\n", sha256.Sum256(text), file)
			if own == "" {
				own = fmt.Sprintf("MD5 (%s) = %X\n", file, md5.Sum(text))
			}
		}
		return list, own
	}
	list, own := lists()
	require.NoError(t, os.WriteFile(filepath.Join(path, "SHA256SUMS"), []byte(list), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(path, "5.dat.gz.md5"), []byte(own), 0o600))
	_, err := rewriteT(t, path, change{"1": "-"})
	require.NoError(t, err)
	list2, own2 := lists()
	require.NotEqual(t, list, list2)
	now := files(t, path)
	require.Equal(t, list2, now["SHA256SUMS"])
	require.Equal(t, own2, now["5.dat.gz.md5"])
	requireFolder(t, path, now)

	require.NoError(t, os.WriteFile(filepath.Join(path, "SHA256SUMS"), []byte("01234567"+list2[8:]), 0o600))
	old := files(t, path)
	_, err = rewriteT(t, path, change{"2": "-"})
	require.ErrorIs(t, err, connectors.ErrDamaged)
	require.ErrorContains(t, err, "SHA256SUMS")
	requireFolder(t, path, old)
}

// A folder that somebody else changes meanwhile is not replaced.
func TestFolderMoved(t *testing.T) {
	for name, meddle := range map[string]func(path string) error{
		"a file more": func(path string) error { return os.WriteFile(filepath.Join(path, "9.dat"), nil, 0o600) },
		"a file less": func(path string) error { return os.Remove(filepath.Join(path, "6.dat.gz")) },
		"another folder": func(path string) error {
			return errors.Join(os.Rename(path, path+".old"), os.CopyFS(path, os.DirFS(path+".old")))
		},
		"a file of the same size and time": func(path string) error {
			at := filepath.Join(path, "5.dat.gz")
			info, err := os.Stat(at)
			text, err2 := os.ReadFile(at)
			text[20]++
			return errors.Join(err, err2, os.WriteFile(at, text, 0o600), os.Chtimes(at, info.ModTime(), info.ModTime()))
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := folder(t)
			src := open(t, path, connectors.Options{Rewrite: true})
			var now map[string]string
			_, err := src.(connectors.Rewriter).Rewrite(t.Context(), []connectors.Query{{Table: "t"}},
				change{"1": "-"}.edit, func(connectors.Source) error {
					err := meddle(path)
					now = files(t, path)
					return err
				})
			require.ErrorContains(t, err, "changed by someone else")
			requireFolder(t, path, now)
		})
	}
}

// TestFolderInterrupt ends the rewrite of a folder at each of its points, with an error and by SIGKILL: the old or the new
// folder stands there, whole, and the next rewrite settles the rest.
func TestFolderInterrupt(t *testing.T) {
	fresh := folder(t)
	_, err := rewriteT(t, fresh, change{"1": "-"})
	require.NoError(t, err)
	done := files(t, fresh)
	for i, point := range anew.Points {
		for _, kill := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s killed=%v", point, kill), func(t *testing.T) {
				path := folder(t)
				old := files(t, path)
				want := old
				if i == len(anew.Points)-1 {
					want = done
				}
				if kill {
					cmd := exec.Command(os.Args[0], "-test.run=^TestHelper$")
					cmd.Env = append(os.Environ(), "LETHE_TEST_HELPER="+path, "LETHE_TEST_POINT="+string(point))
					var exit *exec.ExitError
					require.ErrorAs(t, cmd.Run(), &exit)
					require.Equal(t, syscall.SIGKILL, exit.Sys().(syscall.WaitStatus).Signal())
					left, err := filepath.Glob(connectors.TemporaryPattern(filepath.Dir(path)))
					require.NoError(t, err)
					require.NotEmpty(t, left)
				} else {
					src := open(t, path, connectors.Options{Rewrite: true})
					mine := errors.New("no further")
					pgdump.Interrupt(src, func(p anew.Point) error {
						if p == point {
							return mine
						}
						return nil
					})
					_, err := src.(connectors.Rewriter).Rewrite(t.Context(), []connectors.Query{{Table: "t"}},
						change{"1": "-"}.edit, fine)
					require.ErrorIs(t, err, mine)
				}
				require.Equal(t, want, files(t, path))
				_, err = rewriteT(t, path, change{"1": "-"})
				require.NoError(t, err)
				requireFolder(t, path, done)
			})
		}
	}
}

// An archive that is cut off anywhere is left as it is, or was whole without what is missing: then it is rewritten whole.
func TestArchiveCutAnywhere(t *testing.T) {
	for _, format := range []string{"c", "d", "t"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "crm")
			put(t, path, twoTables, format)
			refused := 0
			for name, whole := range files(t, path) {
				at := path
				if format == "d" {
					at = filepath.Join(path, name)
				}
				for n := range len(whole) {
					require.NoError(t, os.WriteFile(at, []byte(whole[:n]), 0o600))
					old := files(t, path)
					src, err := pgdump.Open(t.Context(), connectors.Options{DSN: path, Rewrite: true})
					if err == nil {
						_, err = src.(connectors.Rewriter).Rewrite(t.Context(), []connectors.Query{{Table: "t"}},
							change{"1": "-"}.edit, fine)
					}
					if err != nil {
						refused++
						require.NotContains(t, err.Error(), "\ta")
						requireFolder(t, path, old)
						continue
					}
					require.Equal(t, "t", format)
					require.Equal(t, []string{"2|b"}, rowsOf(t, path))
				}
				if format == "d" {
					require.NoError(t, os.WriteFile(at, []byte(whole), 0o600))
				}
			}
			require.Greater(t, refused, 800)
			if format == "d" {
				_, err := rewriteT(t, path, change{"1": "-"})
				require.NoError(t, err, "as it was")
			}
		})
	}
}
