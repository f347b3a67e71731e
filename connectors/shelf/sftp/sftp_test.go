package sftp_test

import (
	"bytes"
	"crypto/sha256"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/shelf/sftp"
	"lethe/fixtures/servers"
)

func open(t *testing.T, s *servers.Vault, set func(*connectors.ShelfOptions)) connectors.Shelf {
	t.Helper()
	o := connectors.ShelfOptions{Name: "dumps", URL: "sftp://lethe@" + s.Address + "/", Credentials: s.Key,
		Query: map[string]string{"known_hosts": s.Known}, AnswerWithin: 2 * time.Second}
	if set != nil {
		set(&o)
	}
	on, err := sftp.Open(t.Context(), o)
	require.NoError(t, err)
	return on
}

func TestServer(t *testing.T) {
	s, dir := servers.SFTP(t), t.TempDir()
	day := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	for name, body := range map[string]string{"a.sql": "one", "b.sql": "two", "note.txt": "n"} {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(body), 0o640))
		require.NoError(t, os.Chmod(path, 0o640)) // whatever the umask
		require.NoError(t, os.Chtimes(path, day, day))
	}
	require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(dir, "c.sql")))
	on := open(t, s, nil)
	at := "sftp://lethe@" + s.Address + dir + "/"
	l, err := on.List(at + "*.sql")
	require.NoError(t, err)
	require.Len(t, l.Matching, 2, "a link may lead anywhere")
	require.Len(t, l.Others, 1)
	was := l.Matching[0]
	require.Equal(t, day, was.Time)
	sum, err := on.Sum(was)
	require.NoError(t, err)
	require.Equal(t, sha256.Sum256([]byte("one")), sum)

	long := bytes.Repeat([]byte("0123456789abcdef"), 100_000)
	write := func(body []byte) connectors.Stored {
		w, err := on.Create(was)
		require.NoError(t, err)
		defer w.Close()
		_, err = w.Write(body)
		require.NoError(t, err)
		made, err := w.Finish()
		require.NoError(t, err)
		return made
	}
	made := write(long)
	left, err := on.Left(was.Path)
	require.NoError(t, err)
	require.Equal(t, []string{made.Path}, left)
	require.ErrorIs(t, on.Replace(made, was, sha256.Sum256([]byte("two"))), connectors.ErrTransient, "other bytes were read")
	require.NoError(t, on.Replace(made, was, sum))
	body, err := os.ReadFile(filepath.Join(dir, "a.sql"))
	require.NoError(t, err)
	require.Equal(t, long, body)
	info, err := os.Stat(filepath.Join(dir, "a.sql"))
	require.NoError(t, err)
	require.Equal(t, day, info.ModTime().UTC(), "it ends on the same day")
	require.Equal(t, os.FileMode(0o640), info.Mode().Perm())

	now, err := on.Stat(was.Path)
	require.NoError(t, err)
	f, err := on.Open(now)
	require.NoError(t, err)
	read, err := io.ReadAll(f)
	require.NoError(t, err)
	require.Equal(t, long, read)
	end := make([]byte, 20)
	n, err := f.ReadAt(end, now.Size-16)
	require.Equal(t, 16, n)
	require.ErrorIs(t, err, io.EOF)
	require.NoError(t, f.Close())
	_, err = on.Open(was)
	require.ErrorIs(t, err, connectors.ErrTransient, "another stands there")

	late := write([]byte("late"))
	require.ErrorIs(t, on.Replace(late, was, sum), connectors.ErrTransient)
	require.NoError(t, on.Remove(late))
	require.NoError(t, on.Remove(late), "one that is not there is none")
	require.Error(t, on.Remove(now), "a backup is never removed")
	_, err = on.Stat(at + "none.sql")
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = on.Stat(at + "../" + filepath.Base(dir) + "/a.sql")
	require.ErrorIs(t, err, connectors.ErrConfig)
	_, err = on.Stat(at + "c.sql")
	require.ErrorIs(t, err, connectors.ErrConfig)
	require.Empty(t, on.Foresee(now.Path))
}

// A server that breaks, hangs, or is another one ends each wait, with words of our own.
func TestServerOfBadWill(t *testing.T) {
	s, dir := servers.SFTP(t), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.sql"), []byte("one"), 0o600))
	path := "sftp://lethe@" + s.Address + dir + "/a.sql"
	_, err := open(t, s, func(o *connectors.ShelfOptions) { o.Credentials = "a password" }).Stat(path)
	require.ErrorIs(t, err, connectors.ErrDenied)
	require.NotContains(t, err.Error(), "a password")
	other := servers.SFTP(t)
	_, err = open(t, s, func(o *connectors.ShelfOptions) { o.Query["known_hosts"] = other.Known }).Stat(path)
	require.ErrorIs(t, err, connectors.ErrDenied, "nobody knows who it is")

	on := open(t, s, nil)
	was, err := on.Stat(path)
	require.NoError(t, err)
	s.Cut()
	_, err = on.Stat(path)
	require.ErrorIs(t, err, connectors.ErrUnreachable)
	_, err = on.Stat(path)
	require.NoError(t, err, "the next who asks has a new connection")

	hung := servers.SFTP(t)
	hung.Hang = make(chan struct{})
	slow := open(t, hung, nil)
	at := "sftp://lethe@" + hung.Address + dir + "/a.sql"
	now, err := slow.Stat(at)
	require.NoError(t, err)
	f, err := slow.Open(now)
	require.NoError(t, err)
	defer f.Close()
	close(hung.Hang)
	began := time.Now()
	_, err = io.ReadAll(f)
	require.ErrorIs(t, err, connectors.ErrUnreachable)
	require.Less(t, time.Since(began), 10*time.Second)
	require.Equal(t, was.Size, now.Size)
}
