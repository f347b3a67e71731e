package tilelog

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"lethe/pipeline/audit/audittest"
	"lethe/pipeline/registry/keystore"
)

func entry(i int) Entry {
	return Entry{Kind: Night, Run: fmt.Sprintf("run-%05d", i), Date: time.Date(2026, 1, 1+i, 0, 0, 0, 0, time.UTC).
		Format(time.DateOnly), Manifest: fmt.Sprintf("%064x", i)}
}

func entriesOf(n int) []Entry {
	list := make([]Entry, n)
	for i := range list {
		list[i] = entry(i)
	}
	return list
}

func nothing(string) {}

// rootOf is RFC 6962 section 2.1 written down once more, without the library.
func rootOf(list []Entry) [32]byte {
	if len(list) == 1 {
		return sha256.Sum256(append([]byte{0}, list[0].Bytes()...))
	}
	k := 1
	for k*2 < len(list) {
		k *= 2
	}
	left, right := rootOf(list[:k]), rootOf(list[k:])
	return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
}

func TestRootsAreThoseOfTheStandard(t *testing.T) {
	l, err := New(entriesOf(600))
	require.NoError(t, err)
	for _, n := range []int{1, 2, 3, 7, 8, 255, 256, 257, 511, 512, 513, 600} {
		root, err := l.Root(int64(n))
		require.NoError(t, err)
		require.Equal(t, rootOf(entriesOf(n)), [32]byte(root), n)
	}
	_, err = l.Root(601)
	require.ErrorIs(t, err, ErrCut)
}

// TestAnyHistoryGoesOnFromItsBeginnings grows a log in steps of any length: what was signed before agrees with each later
// one, and not with one of which an entry before it is another.
func TestAnyHistoryGoesOnFromItsBeginnings(t *testing.T) {
	s := audittest.Signer(t)
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 700).Draw(rt, "entries")
		at := rapid.IntRange(1, n).Draw(rt, "kept")
		list := entriesOf(n)
		early, err := New(list[:at])
		require.NoError(rt, err)
		signed, err := early.Sign(s)
		require.NoError(rt, err)
		kept, err := Open(signed, s.PublicKey())
		require.NoError(rt, err)
		require.Equal(rt, int64(at), kept.Size)

		whole, err := New(list)
		require.NoError(rt, err)
		require.NoError(rt, whole.Agrees(kept))
		short, ok := ParseShort("checkpoint  " + kept.String() + "\n")
		require.True(rt, ok)
		require.NoError(rt, whole.Agrees(short))

		root, err := whole.Root(whole.Size())
		require.NoError(rt, err)
		proof, err := tlog.ProveTree(whole.Size(), kept.Size, whole) // also as others prove it
		require.NoError(rt, err)
		require.NoError(rt, tlog.CheckTree(proof, whole.Size(), root, kept.Size, kept.Root))

		other := slices.Clone(list)
		changed := rapid.IntRange(0, at-1).Draw(rt, "changed")
		other[changed].Manifest = strings.Repeat("f", 64)
		forked, err := New(other)
		require.NoError(rt, err)
		require.ErrorIs(rt, forked.Agrees(kept), ErrForked)
		cut, err := New(list[:at-1])
		require.NoError(rt, err)
		require.ErrorIs(rt, cut.Agrees(kept), ErrCut)
	})
}

// TestALogIsWrittenAsItGrows writes a log in steps, over the borders of tiles, and checks it after each.
func TestALogIsWrittenAsItGrows(t *testing.T) {
	root, s := t.TempDir(), audittest.Signer(t)
	for _, n := range []int{1, 2, 3, 254, 255, 256, 257, 258, 511, 512, 513} {
		c, err := Write(root, entriesOf(n), s, nothing)
		require.NoError(t, err)
		require.Equal(t, int64(n), c.Size)
		before := files(t, root)
		again, err := Write(root, entriesOf(n), s, nothing)
		require.NoError(t, err)
		require.Equal(t, c, again)
		require.Equal(t, before, files(t, root), "the same once more is the same")
		checked(t, root, s, nil)
	}
	names := slices.Sorted(maps.Keys(files(t, root)))
	require.Contains(t, names, "log/tile/0/000")
	require.Contains(t, names, "log/tile/0/001")
	require.Contains(t, names, "log/tile/0/002.p/1")
	require.Contains(t, names, "log/tile/1/000.p/2")
	require.Contains(t, names, "log/tile/entries/002.p/1")
	require.NotContains(t, strings.Join(names, " "), "000.p/255", "what outgrew its place is gone")
	require.Equal(t, "tile/0/x001/x234/067", tileName(0, 1234067, tileWidth), "as C2SP writes large ones")
	require.Equal(t, "tile/entries/x001/000.p/7", tileName(-1, 1000, 7))
}

func files(t testing.TB, root string) map[string]string {
	t.Helper()
	names, err := Files(root)
	require.NoError(t, err)
	out := map[string]string{}
	for _, name := range names {
		body, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
		out[name] = string(body)
	}
	return out
}

// checked requires that a log holds.
func checked(t testing.TB, root string, s *keystore.Signer, since *Checkpoint) Found {
	t.Helper()
	names, err := Files(root)
	require.NoError(t, err)
	found, err := Check(root, names, s.PublicKey(), nil, since)
	require.NoError(t, err)
	require.Empty(t, found.Problems)
	for _, name := range names {
		require.Contains(t, found.Claimed, name)
	}
	return found
}

// TestKilledWhileItIsWritten ends the writing at each of its points, with the checkpoints that stood before: the log can
// be checked as it is then, and the next writing makes it whole, with the same bytes as if nothing had been.
func TestKilledWhileItIsWritten(t *testing.T) {
	errKilled := errors.New("killed")
	for _, n := range []int{1, 2, 5, 256, 257} {
		whole := t.TempDir()
		s := audittest.Signer(t)
		for i := 1; i <= n; i++ {
			if i < n-1 && i > 1 {
				continue
			}
			_, err := Write(whole, entriesOf(i), s, nothing)
			require.NoError(t, err)
		}
		for stop := 1; stop <= 3; stop++ {
			root := t.TempDir()
			for i := 1; i < n; i++ {
				if i < n-1 && i > 1 {
					continue
				}
				_, err := Write(root, entriesOf(i), s, nothing)
				require.NoError(t, err)
			}
			passed := 0
			func() {
				defer func() { require.Equal(t, errKilled, recover()) }()
				_, _ = Write(root, entriesOf(n), s, func(string) {
					if passed++; passed == stop {
						panic(errKilled)
					}
				})
			}()
			require.NoError(t, os.WriteFile(filepath.Join(root, "log", ".tmp-1"), nil, 0o600))
			if n > 1 {
				checked(t, root, s, nil)
			}
			_, err := Write(root, entriesOf(n), s, nothing)
			require.NoError(t, err)
			require.Equal(t, files(t, whole), files(t, root))
			require.NoFileExists(t, filepath.Join(root, "log", ".tmp-1"))
		}
	}
}

func TestNoSizeGetsTwoRoots(t *testing.T) {
	root, s := t.TempDir(), audittest.Signer(t)
	_, err := Write(root, entriesOf(5), s, nothing)
	require.NoError(t, err)
	before := files(t, root)
	other := entriesOf(5)
	other[2].Manifest = "another"
	_, err = Write(root, other, s, nothing)
	require.ErrorIs(t, err, ErrForked)
	_, err = Write(root, append(other, entry(5)), s, nothing)
	require.ErrorIs(t, err, ErrForked)
	_, err = Write(root, entriesOf(4), s, nothing)
	require.ErrorIs(t, err, ErrCut)
	_, err = Write(root, entriesOf(6), audittest.Signer(t), nothing)
	require.ErrorIs(t, err, ErrOther)
	require.Equal(t, before, files(t, root), "nothing was written")

	// what the key did not sign does not count, and is written anew
	require.NoError(t, os.WriteFile(filepath.Join(root, "log", "checkpoints", "000005"), []byte("x\n"), 0o600))
	_, err = Write(root, other, s, nothing)
	require.NoError(t, err, "the checkpoints before it are not there in this test")
	_, err = Write(root, entriesOf(5), s, nothing)
	require.ErrorIs(t, err, ErrForked)
}

// TestEveryByteOfTheLogCounts changes one byte of any file of a log, or its length, or takes it away.
func TestEveryByteOfTheLogCounts(t *testing.T) {
	root, s, dora := t.TempDir(), audittest.Signer(t), audittest.Signer(t)
	_, err := Write(root, entriesOf(257), s, nothing)
	require.NoError(t, err)
	cosign(t, root, s, dora, "dora", time.Unix(1_800_000_000, 0))
	all := files(t, root)
	names := slices.Sorted(maps.Keys(all))
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.SampledFrom(names).Draw(rt, "file")
		path := filepath.Join(root, name)
		require.NoError(rt, os.WriteFile(path, audittest.Spoiled(rt, all[name]), 0o600))
		defer func() { require.NoError(rt, os.WriteFile(path, []byte(all[name]), 0o600)) }()
		found, err := Check(root, names, s.PublicKey(), []keystore.PublicKey{dora.PublicKey()}, nil)
		require.NoError(rt, err)
		require.NotEmpty(rt, found.Problems, name)
	})
}

func cosign(t testing.TB, root string, log, by *keystore.Signer, name string, at time.Time) Cosignature {
	t.Helper()
	signed, _, err := Newest(root, log.PublicKey())
	require.NoError(t, err)
	cosigned, err := Cosign(signed, log.PublicKey(), name, by, at)
	require.NoError(t, err)
	list, err := Cosignatures(cosigned, log.PublicKey(), []keystore.PublicKey{by.PublicKey()})
	require.NoError(t, err)
	require.Len(t, list, 1)
	_, err = AddCosignature(root, cosigned, list[0])
	require.NoError(t, err)
	return list[0]
}

// TestCosignaturesAreThoseOfTheStandard takes one apart without the library: C2SP tlog-cosignature.
func TestCosignaturesAreThoseOfTheStandard(t *testing.T) {
	root, s, dora, eve := t.TempDir(), audittest.Signer(t), audittest.Signer(t), audittest.Signer(t)
	_, err := Write(root, entriesOf(3), s, nothing)
	require.NoError(t, err)
	at := time.Unix(1_800_000_000, 0)
	c := cosign(t, root, s, dora, "dora rossi+", at)
	require.Equal(t, "dora-rossi-", c.Name)
	require.Equal(t, at.UTC(), c.At)
	body, err := os.ReadFile(filepath.Join(root, CosignatureFile(c)))
	require.NoError(t, err)
	text, signatures, _ := strings.Cut(string(body), "\n\n")
	text += "\n"
	lines := strings.Split(strings.TrimSpace(signatures), "\n")
	require.Len(t, lines, 2)
	for i, by := range []*keystore.Signer{s, dora} {
		f := strings.Fields(lines[i])
		require.Equal(t, "—", f[0])
		raw, err := base64.StdEncoding.DecodeString(f[2])
		require.NoError(t, err)
		kind := []byte{1, 4}[i]
		id := sha256.Sum256(append(append([]byte(f[1]+"\n"), kind), by.PublicKey().Bytes()...))
		require.Equal(t, id[:4], raw[:4])
		signed, sig := text, raw[4:]
		if i == 1 {
			stamp := binary.BigEndian.Uint64(sig)
			require.Equal(t, uint64(1_800_000_000), stamp)
			signed, sig = fmt.Sprintf("cosignature/v1\ntime %d\n%s", stamp, text), sig[8:]
		}
		require.True(t, ed25519.Verify(by.PublicKey().Bytes(), []byte(signed), sig))
	}
	require.Equal(t, Origin(s.PublicKey())+"\n3\n", text[:strings.LastIndex(strings.TrimSuffix(text, "\n"), "\n")+1])

	unknown, err := Cosignatures(body, s.PublicKey(), []keystore.PublicKey{eve.PublicKey()})
	require.NoError(t, err)
	require.Len(t, unknown, 1)
	require.False(t, unknown[0].Known)
	_, err = Cosignatures(body, eve.PublicKey(), nil)
	require.ErrorIs(t, err, ErrOther)
	l, err := New(entriesOf(3))
	require.NoError(t, err)
	list, err := Cosigned(root, s.PublicKey(), []keystore.PublicKey{dora.PublicKey(), eve.PublicKey()})
	require.NoError(t, err)
	require.Equal(t, int64(3), Last(l, list, dora.PublicKey()).Checkpoint.Size)
	require.Zero(t, Last(l, list, eve.PublicKey()).Checkpoint.Size)
}

func TestASignatureServesOnePurpose(t *testing.T) {
	s := audittest.Signer(t)
	_, err := s.SignNote([]byte("lethe-sig-v1|anything"))
	require.Error(t, err)
	text := []byte("a checkpoint\n")
	sig, err := s.SignNote(text)
	require.NoError(t, err)
	require.NoError(t, s.PublicKey().VerifyNote(text, sig))
	require.Error(t, s.PublicKey().Verify("manifest", text, sig))
	require.Error(t, s.PublicKey().VerifyNote(text, s.Sign("manifest", text)))
}

func TestCheckpointsThatAreNone(t *testing.T) {
	s := audittest.Signer(t)
	l, err := New(entriesOf(3))
	require.NoError(t, err)
	signed, err := l.Sign(s)
	require.NoError(t, err)
	for name, body := range map[string][]byte{
		"empty": {}, "text": []byte("hello\n"), "no signature": signed[:bytes.Index(signed, []byte("\n\n"))+1],
		"long": bytes.Repeat([]byte("x"), maxCheckpoint+1), "a size": bytes.Replace(signed, []byte("\n3\n"), []byte("\n4\n"), 1),
		"zeros": bytes.Replace(signed, []byte("\n3\n"), []byte("\n03\n"), 1),
	} {
		_, err := Open(body, s.PublicKey())
		require.ErrorIs(t, err, ErrForged, name)
	}
	for _, text := range []string{"", "3", "3:", "3:" + strings.Repeat("g", 64), "x:" + strings.Repeat("a", 64),
		"-3:" + strings.Repeat("a", 64), "3:" + strings.Repeat("a", 63)} {
		_, ok := ParseShort(text)
		require.False(t, ok, text)
	}
}

func TestEntriesAreWrittenInOneWay(t *testing.T) {
	e := entry(1)
	back, err := ParseEntry(e.Bytes())
	require.NoError(t, err)
	require.Equal(t, e, back)
	for _, body := range []string{"", "{}", string(e.Bytes()) + " ", strings.Replace(string(e.Bytes()), `"kind"`, `"Kind"`, 1),
		strings.Replace(string(e.Bytes()), "{", `{"more":1,`, 1)} {
		_, err := ParseEntry([]byte(body))
		require.Error(t, err, body)
	}
}

// TestAProofProvesOneEntry proves any entry of any log, and changes any byte of the proof: it proves the same, or nothing.
func TestAProofProvesOneEntry(t *testing.T) {
	s, dora := audittest.Signer(t), audittest.Signer(t)
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 300).Draw(rt, "entries")
		place := rapid.IntRange(0, n-1).Draw(rt, "place")
		size := rapid.IntRange(place+1, n).Draw(rt, "size")
		l, err := New(entriesOf(n))
		require.NoError(rt, err)
		early, err := New(entriesOf(size))
		require.NoError(rt, err)
		signed, err := early.Sign(s)
		require.NoError(rt, err)
		signed, err = Cosign(signed, s.PublicKey(), "dora", dora, time.Unix(1_800_000_000, 0))
		require.NoError(rt, err)
		proof, err := l.Prove(int64(place), signed, s.PublicKey())
		require.NoError(rt, err)
		witnesses := []keystore.PublicKey{dora.PublicKey()}
		p, err := CheckProof(proof, s.PublicKey(), witnesses)
		require.NoError(rt, err)
		require.Equal(rt, entry(place), p.Entry)
		require.Equal(rt, int64(size), p.Checkpoint.Size)
		require.True(rt, p.Cosignatures[0].Known)

		at := rapid.IntRange(0, len(proof)-1).Draw(rt, "at")
		changed := slices.Clone(proof)
		if rapid.Bool().Draw(rt, "cut") {
			changed = changed[:at]
		} else {
			changed[at] ^= byte(1 << rapid.IntRange(0, 7).Draw(rt, "bit"))
		}
		if other, err := CheckProof(changed, s.PublicKey(), witnesses); err == nil {
			require.Equal(rt, p.Entry, other.Entry)
			require.Equal(rt, p.Checkpoint, other.Checkpoint)
		}
		_, err = CheckProof(proof, dora.PublicKey(), nil)
		require.ErrorIs(rt, err, ErrOther)
	})
}
