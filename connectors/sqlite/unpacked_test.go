package sqlite

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/connectortest"
	"lethe/connectors/internal/anew"
	"lethe/connectors/shelf/s3"
	"lethe/fixtures/servers"
)

// plain unpacks a file to another.
func plain(t *testing.T, packed []byte, ending string) string {
	var r io.Reader
	var err error
	if r, err = gzip.NewReader(bytes.NewReader(packed)); ending == ".zst" {
		r, err = zstd.NewReader(bytes.NewReader(packed))
	}
	require.NoError(t, err)
	content, err := io.ReadAll(r)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "plain.sqlite")
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}

// packedStore packs a database of the suite, in a folder where nothing else is.
func packedStore(t *testing.T, path, ending string) connectortest.Store {
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	packed := filepath.Join(t.TempDir(), "crm.sqlite"+ending)
	require.NoError(t, os.WriteFile(packed, connectortest.Pack(t, ending, content), 0o600))
	return connectortest.Store{
		Open: func(t *testing.T) connectors.Source { return openBackup(t, packed) },
		Path: packed,
		Bytes: func(t *testing.T) []byte {
			now, err := os.ReadFile(packed)
			require.NoError(t, err)
			return contents(t, plain(t, now, ending))
		},
	}
}

const twoPeople = "CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT); INSERT INTO people VALUES (1, 'ada@lago.it'), (2, 'bob@lago.it')"

// TestNothingOfWhatWasUnpackedStays: not where a source is closed, nor where it cannot be opened; what a killed process left
// the next one removes.
func TestNothingOfWhatWasUnpackedStays(t *testing.T) {
	room := t.TempDir()
	t.Setenv("TMPDIR", room)
	left := func() int {
		entries, err := os.ReadDir(room)
		require.NoError(t, err)
		return len(entries)
	}
	dir, err := os.MkdirTemp(filepath.Dir(room), "packed")
	require.NoError(t, err)
	content, err := os.ReadFile(makeFile(t, twoPeople))
	require.NoError(t, err)
	before := left()
	path := filepath.Join(dir, "a.db.gz")
	packed := connectortest.Pack(t, ".gz", content)
	require.NoError(t, os.WriteFile(path, packed, 0o600))
	killed, err := os.MkdirTemp(room, "lethe-sqlite-")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(killed, "in-use"), nil, 0o600))
	src, err := Open(t.Context(), connectors.Options{Name: "a", DSN: "sqlite://" + path})
	require.NoError(t, err)
	require.Equal(t, [][]string{{"1", "ada@lago.it"}, {"2", "bob@lago.it"}}, read(t, src, connectors.Query{Table: "people"}))
	tables, err := src.Tables(t.Context())
	require.NoError(t, err)
	require.Equal(t, "a", tables[0].Database)
	require.Equal(t, before+1, left(), "its own; that of a killed one is gone")
	require.NoError(t, src.Close())
	require.Equal(t, before, left())
	for name, content := range map[string][]byte{"cut": packed[:len(packed)-9], "no database": connectortest.Pack(t, ".gz", []byte("a,b\n1,2\n")),
		"a broken one": connectortest.Pack(t, ".gz", append([]byte(magic), content[50:3000]...)), "empty": connectortest.Pack(t, ".gz", nil)} {
		require.NoError(t, os.WriteFile(path, content, 0o600))
		_, err = Open(t.Context(), connectors.Options{Name: "a", DSN: path})
		require.ErrorIs(t, err, connectors.ErrDamaged, name)
		require.NotContains(t, err.Error(), "lethe-sqlite-", name)
		require.Equal(t, before, left(), name)
	}
}

// TestAPipeIsNotWaitedFor: what is no file is refused at once.
func TestAPipeIsNotWaitedFor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db.gz")
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	for _, rewrite := range []bool{false, true} {
		_, err := Open(t.Context(), connectors.Options{Name: "a", DSN: path, Rewrite: rewrite})
		require.ErrorIs(t, err, connectors.ErrDamaged)
	}
}

// TestAPackedFileThatChanged is left alone, and so is one of which a rewrite is cut off.
func TestAPackedFileThatChanged(t *testing.T) {
	content, err := os.ReadFile(makeFile(t, twoPeople))
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "a.db.zst")
	packed := connectortest.Pack(t, ".zst", content)
	other := connectortest.Pack(t, ".zst", append(bytes.Clone(content), 0))
	for _, at := range []anew.Point{anew.Written, anew.Verified, anew.Ready} {
		require.NoError(t, os.WriteFile(path, packed, 0o600))
		src := openBackup(t, path)
		src.(*repacker).again = func(p anew.Point) error {
			if p == at {
				return errors.New("cut off")
			}
			return nil
		}
		_, err = src.(connectors.Rewriter).Rewrite(t.Context(), []connectors.Query{{Table: "people"}}, gone("2"), func(connectors.Source) error { return nil })
		require.ErrorContains(t, err, "cut off")
		now, err := os.ReadFile(path)
		require.NoError(t, err)
		require.True(t, bytes.Equal(packed, now))
		src.(*repacker).again = func(p anew.Point) error {
			if p == anew.Written {
				return os.WriteFile(path, other, 0o600)
			}
			return nil
		}
		_, err = src.(connectors.Rewriter).Rewrite(t.Context(), []connectors.Query{{Table: "people"}}, gone("2"), func(connectors.Source) error { return nil })
		require.Error(t, err)
		now, err = os.ReadFile(path)
		require.NoError(t, err)
		require.True(t, bytes.Equal(other, now), "somebody's new file")
		require.NoError(t, src.Close())
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

// TestDatabaseInBucket: a database in a bucket is written anew there, packed or not, and nothing of it stays on this machine.
func TestDatabaseInBucket(t *testing.T) {
	store := servers.S3(t)
	store.Bucket(t, "lite", false, false)
	on, err := s3.Open(t.Context(), connectors.ShelfOptions{URL: "s3://lite/", Credentials: store.Credentials(),
		Query: map[string]string{"endpoint": store.Endpoint}, Plaintext: true, AnswerWithin: 10 * time.Second})
	require.NoError(t, err)
	content, err := os.ReadFile(makeFile(t, twoPeople))
	require.NoError(t, err)
	room := t.TempDir()
	t.Setenv("TMPDIR", room)
	for key, object := range map[string][]byte{"a.db": content, "b.db.gz": connectortest.Pack(t, ".gz", content), "c.db.zst": connectortest.Pack(t, ".zst", content)} {
		store.Put(t, "lite", key, object)
		src, err := Open(t.Context(), connectors.Options{Name: "lite/" + key, DSN: "s3://lite/" + key, Rewrite: true, Shelf: on})
		require.NoError(t, err)
		report, err := src.(connectors.Rewriter).Rewrite(t.Context(), []connectors.Query{{Table: "people"}}, gone("2"), func(connectors.Source) error { return nil })
		require.NoError(t, err)
		require.Equal(t, [][]string{{"1", "ada@lago.it"}}, read(t, src, connectors.Query{Table: "people"}))
		require.NoError(t, src.Close())
		now := store.Get(t, "lite", key, "")
		require.NotEqual(t, report.Before.SHA256, report.After.SHA256)
		require.EqualValues(t, len(now), report.After.Size)
		if ending := filepath.Ext(key); ending != ".db" {
			now, err = os.ReadFile(plain(t, now, ending))
			require.NoError(t, err)
		}
		require.False(t, strings.Contains(string(now), "bob@lago.it"), key)
		require.True(t, strings.Contains(string(now), "ada@lago.it"), key)
		again, err := Open(t.Context(), connectors.Options{Name: "lite/" + key, DSN: "s3://lite/" + key, Shelf: on})
		require.NoError(t, err)
		require.Equal(t, [][]string{{"1", "ada@lago.it"}}, read(t, again, connectors.Query{Table: "people"}))
		require.NoError(t, again.Close())
	}
	left, err := filepath.Glob(filepath.Join(room, "lethe-*"))
	require.NoError(t, err)
	require.Empty(t, left)
	require.Len(t, store.Keys(t, "lite"), 3)
}
