package witness

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/audittest"
	"lethe/pipeline/audit/evidence"
	"lethe/pipeline/audit/publish"
	"lethe/pipeline/audit/tilelog"
	"lethe/pipeline/registry/keystore"
)

// published is a folder of so many nights; words make it another history.
func published(t testing.TB, s *keystore.Signer, nights int, words string) string {
	t.Helper()
	root := t.TempDir()
	var entries []tilelog.Entry
	previous := ""
	for night := 1; night <= nights; night++ {
		f := audittest.Facts(night, previous)
		f.Findings[0].Words = words
		l, err := tilelog.New(entries)
		require.NoError(t, err)
		hash, err := l.Root(l.Size())
		require.NoError(t, err)
		f.Log = []audit.LogLine{{Size: l.Size(), Root: hex.EncodeToString(hash[:]), Signer: audit.LogSigner}}
		date := fmt.Sprintf("2026-11-%d", 20+night)
		p, err := publish.Publish(t.Context(), publish.Publication{Facts: f, Root: root, Date: date, Signer: s,
			Gate: &audittest.Gate{}})
		require.NoError(t, err)
		previous = p.ManifestSHA256
		entries = append(entries, tilelog.Entry{Kind: tilelog.Night, Run: f.Run.RunID, Date: date, Manifest: previous})
		_, err = tilelog.Write(root, entries, s, func(string) {})
		require.NoError(t, err)
	}
	return root
}

// TestAWitnessSignsOneHistory shows a witness folders one after the other: they sign what goes on from what they signed,
// again what they signed, and nothing else; what they hold is what they signed last.
func TestAWitnessSignsOneHistory(t *testing.T) {
	s, dora := audittest.Signer(t), audittest.Signer(t)
	runner := s.PublicKey()
	home := filepath.Join(t.TempDir(), "home")
	two, three := published(t, s, 2, "as it was"), published(t, s, 3, "as it was")
	forked, longer := published(t, s, 3, "as it never was"), published(t, s, 5, "as it never was")
	stranger := published(t, audittest.Signer(t), 3, "as it was")
	at := time.Unix(1_800_000_000, 0)
	sign := func(folder string, runner *keystore.PublicKey) (tilelog.Cosignature, error) {
		h, err := Open(home, folder, runner)
		if err != nil {
			return tilelog.Cosignature{}, err
		}
		at = at.Add(time.Hour)
		_, c, _, err := h.Cosign(t.Context(), folder, "dora", dora, at)
		return c, err
	}
	_, err := sign(two, nil)
	require.ErrorIs(t, err, ErrUnknown)
	for i, step := range []struct {
		folder string
		size   int64 // 0: nothing is signed
	}{{two, 2}, {two, 2}, {forked, 0}, {three, 3}, {two, 0}, {longer, 0}, {three, 3}} {
		given := &runner
		if i > 0 {
			given = nil // it is remembered
		}
		c, err := sign(step.folder, given)
		if step.size == 0 {
			require.ErrorIs(t, err, evidence.ErrEdited, i)
		} else {
			require.NoError(t, err, i)
			require.Equal(t, step.size, c.Checkpoint.Size, i)
			require.Equal(t, at.UTC(), c.At)
		}
		h, err := Open(home, three, nil)
		require.NoError(t, err)
		require.NotNil(t, h.Last)
		require.Equal(t, []int64{2, 2, 2, 3, 3, 3, 3}[i], h.Last.Size, i)
	}
	_, err = sign(stranger, nil)
	require.ErrorIs(t, err, ErrUnknown)
	require.ErrorContains(t, err, "knows 1 other logs, and not this one")
	_, err = sign(stranger, &runner)
	require.ErrorIs(t, err, evidence.ErrEdited, "the key is not that of the folder")
	_, err = sign(t.TempDir(), nil)
	require.ErrorContains(t, err, "has no log")

	held, err := filepath.Glob(filepath.Join(home, "*", lastFile))
	require.NoError(t, err)
	require.Len(t, held, 1)
	require.NoError(t, os.WriteFile(held[0], []byte("x\n"), 0o600))
	_, err = sign(three, nil)
	require.ErrorIs(t, err, evidence.ErrEdited)
	require.ErrorContains(t, err, "put it back from a copy of your own")
}

// TestOnlyACosignatureOfTheLogIsAdded gives the reports what is none of theirs.
func TestOnlyACosignatureOfTheLogIsAdded(t *testing.T) {
	s, dora, eve := audittest.Signer(t), audittest.Signer(t), audittest.Signer(t)
	root, forked := published(t, s, 2, "as it was"), published(t, s, 2, "as it never was")
	cosign := func(folder string, by *keystore.Signer) []byte {
		signed, _, err := tilelog.Newest(folder, s.PublicKey())
		require.NoError(t, err)
		body, err := tilelog.Cosign(signed, s.PublicKey(), "dora", by, time.Now())
		require.NoError(t, err)
		return body
	}
	witnesses := []keystore.PublicKey{dora.PublicKey()}
	_, err := Add(root, cosign(root, eve), s.PublicKey(), witnesses)
	require.ErrorIs(t, err, ErrUnknown)
	_, err = Add(root, cosign(forked, dora), s.PublicKey(), witnesses)
	require.ErrorIs(t, err, evidence.ErrEdited)
	require.ErrorIs(t, err, tilelog.ErrForked)
	_, err = Add(root, []byte("x"), s.PublicKey(), witnesses)
	require.ErrorIs(t, err, evidence.ErrEdited)
	added, err := Add(root, cosign(root, dora), s.PublicKey(), witnesses)
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(root, tilelog.CosignatureFile(added)))
	_, err = evidence.VerifyAgainst(t.Context(), root, s.PublicKey(), evidence.Against{Witnesses: witnesses})
	require.NoError(t, err)
}
