package audit_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/audittest"
)

func TestFactsAreDecodedAsTheJournalKeepsThem(t *testing.T) {
	facts := audittest.Facts(1, "before")
	body, err := json.Marshal(facts)
	require.NoError(t, err)
	back, err := audit.DecodeFacts(body)
	require.NoError(t, err)
	require.Equal(t, facts.Summary, back.Summary)
	require.True(t, facts.Run.AsOf.Equal(back.Run.AsOf))
	_, err = audit.DecodeFacts(body[1:])
	require.ErrorContains(t, err, "decode facts")
}

func TestFileDigest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, []byte("abc"), 0o600))
	digest, err := audit.FileDigest(path)
	require.NoError(t, err)
	require.Equal(t, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", digest)
	require.EqualValues(t, 3, audit.FileSize(path))
	_, err = audit.FileDigest(path + ".none")
	require.ErrorIs(t, err, os.ErrNotExist)

	folder := filepath.Dir(path)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "again"), []byte("abc"), 0o600))
	digest, err = audit.FileDigest(folder)
	require.NoError(t, err)
	lines := sha256.Sum256([]byte("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  again\n" +
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  file\n"))
	require.Equal(t, hex.EncodeToString(lines[:]), digest, "as sha256sum * | sha256sum says it")
	require.EqualValues(t, 6, audit.FileSize(folder))
	require.NoError(t, os.Symlink(path, filepath.Join(folder, "link")))
	_, err = audit.FileDigest(folder)
	require.ErrorContains(t, err, "link")
}
