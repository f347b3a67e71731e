package audit_test

import (
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
	_, err = audit.FileDigest(path + ".none")
	require.ErrorIs(t, err, os.ErrNotExist)
}
