package pgdump_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/shelf/s3"
	"lethe/fixtures/servers"
)

// An archive in a bucket is written anew to the very bytes that it would be in a folder, and nothing of it stays on this machine.
func TestArchiveInBucket(t *testing.T) {
	live := servers.Postgres(t).Database(t)
	live.Exec(t, schemaSQL)
	store := servers.S3(t)
	store.Bucket(t, "dumps", false, false)
	on, err := s3.Open(t.Context(), connectors.ShelfOptions{URL: "s3://dumps/", Credentials: store.Credentials(),
		Query: map[string]string{"endpoint": store.Endpoint}, Plaintext: true, AnswerWithin: 10 * time.Second})
	require.NoError(t, err)
	room := t.TempDir()
	for _, args := range []string{"-Fc", "-Ft", "-Fp"} {
		t.Run(args, func(t *testing.T) {
			path := archive(t, live, args)
			content, err := os.ReadFile(path)
			require.NoError(t, err)
			key := filepath.Base(path) + args
			store.Put(t, "dumps", key, content)
			src := open(t, path, connectors.Options{Rewrite: true})
			_, err = src.(connectors.Rewriter).Rewrite(t.Context(), everyTable(t, src), editAll, fine)
			require.NoError(t, err)
			want, err := os.ReadFile(path)
			require.NoError(t, err)
			t.Setenv("TMPDIR", room)
			src = open(t, "s3://dumps/"+key, connectors.Options{Rewrite: true, Shelf: on})
			_, err = src.(connectors.Rewriter).Rewrite(t.Context(), everyTable(t, src), editAll, fine)
			require.NoError(t, err)
			require.True(t, bytes.Equal(want, store.Get(t, "dumps", key, "")), "the object differs")
			left, err := os.ReadDir(room)
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
	require.Len(t, store.Keys(t, "dumps"), 3)
}
