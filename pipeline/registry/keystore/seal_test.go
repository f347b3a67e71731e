package keystore

import (
	"bytes"
	"math/bits"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/pipeline/registry/keystore/nh"
)

// TestSumsOfRows holds that a sum says which rows there are, in whatever order they came and went.
func TestSumsOfRows(t *testing.T) {
	s, err := newSealer("crm", bytes.Repeat([]byte{7}, keyLen))
	require.NoError(t, err)
	rapid.Check(t, func(r *rapid.T) {
		rows := rapid.SliceOfDistinct(rapid.SliceOfN(rapid.Byte(), 0, 40), func(b []byte) string { return string(b) }).
			Draw(r, "rows")
		var there, other Sum
		for _, row := range rows {
			s.Add(&there, s.Row(row))
		}
		for _, row := range rapid.Permutation(rows).Draw(r, "other order") {
			s.Add(&other, s.Row(row))
		}
		require.Equal(r, there, other)
		if len(rows) == 0 {
			return
		}
		s.Take(&other, s.Row(rows[0]))
		require.NotEqual(r, there, other)
		s.Add(&other, s.Row(append([]byte("another "), rows[0]...)))
		require.Equal(r, there.Rows, other.Rows)
		require.NotEqual(r, there, other)
	})
}

// TestPlaced holds that a number is found again where it stands, that it stands otherwise in another row, another column
// and under another key, and that one bit of it tells nothing of the others.
func TestPlaced(t *testing.T) {
	s, err := newSealer("crm", bytes.Repeat([]byte{7}, keyLen))
	require.NoError(t, err)
	other, err := newSealer("crm", bytes.Repeat([]byte{8}, keyLen))
	require.NoError(t, err)
	rapid.Check(t, func(r *rapid.T) {
		n, column := rapid.Int64().Draw(r, "n"), rapid.ByteMax(20).Draw(r, "column")
		place := s.Row([]byte(rapid.String().Draw(r, "row")))
		veiled := s.Placed(place, column, n, false)
		require.Equal(r, n, s.Placed(place, column, veiled, true))
		require.NotEqual(r, veiled, s.Placed(place, column+1, n, false))
		require.NotEqual(r, veiled, s.Placed(s.Row([]byte("\x00another")), column, n, false))
		require.NotEqual(r, veiled, other.Placed(place, column, n, false))
		for bit := range 64 {
			near := s.Placed(place, column, n^1<<bit, false)
			changed := bits.OnesCount32(uint32(uint64(near^veiled)>>32)) * bits.OnesCount32(uint32(near^veiled))
			require.Greater(r, changed, 1, "both halves change")
		}
	})
}

// TestBox opens what was closed, by the same key and with the same text beside it only.
func TestBox(t *testing.T) {
	s, err := newSealer("crm", bytes.Repeat([]byte{7}, keyLen))
	require.NoError(t, err)
	sums := []Sum{{1, 2, 3}, {4, 5, 6}}
	box := s.Box(sums, []byte("beside"))
	require.NotEqual(t, box, s.Box(sums, []byte("beside")), "two of the same cannot be told to be")
	opened := make([]Sum, 2)
	require.NoError(t, s.Open(box, opened, []byte("beside")))
	require.Equal(t, sums, opened)
	require.ErrorIs(t, s.Open(box, opened, []byte("besides")), ErrUnsealed)
	require.ErrorIs(t, s.Open(box, opened[:1], []byte("beside")), ErrUnsealed)
	require.ErrorIs(t, s.Open(nil, opened, []byte("beside")), ErrUnsealed)
	for i := range box {
		changed := bytes.Clone(box)
		changed[i] ^= 1
		require.ErrorIs(t, s.Open(changed, opened, []byte("beside")), ErrUnsealed)
	}
	other, err := newSealer("shop", bytes.Repeat([]byte{8}, keyLen))
	require.NoError(t, err)
	require.ErrorIs(t, other.Open(box, opened, []byte("beside")), ErrUnsealed)
	require.NotEqual(t, s.Row([]byte("row")), other.Row([]byte("row")))
}

// BenchmarkSealRow seals a row as long as that of an identifier.
func BenchmarkSealRow(b *testing.B) {
	s, err := newSealer("crm", bytes.Repeat([]byte{7}, keyLen))
	require.NoError(b, err)
	row := make([]byte, 45)
	var sum Sum
	b.ReportAllocs()
	for b.Loop() {
		s.Add(&sum, s.Row(row))
	}
}

// TestSealsOfEarlierVersions checks, with the key of a later version, what an earlier one sealed; not where a build
// that knew no seals made the later one.
func TestSealsOfEarlierVersions(t *testing.T) {
	k, err := newSiloKey("crm", 1, bytes.Repeat([]byte{7}, keyLen))
	require.NoError(t, err)
	tags := []Tag{}
	for version := 1; version <= 4; version++ {
		s, err := k.Sealer()
		require.NoError(t, err)
		tags = append(tags, s.Row([]byte("row")))
		require.NotContains(t, tags[:version-1], tags[version-1])
		for before := 1; before <= version; before++ {
			s, err := k.SealerOf(before)
			require.NoError(t, err)
			require.Equal(t, tags[before-1], s.Row([]byte("row")))
		}
		_, err = k.SealerOf(version + 1)
		require.ErrorIs(t, err, ErrMissing)
		secret, err := k.rotated()
		require.NoError(t, err)
		k, err = newSiloKey("crm", version+1, secret)
		require.NoError(t, err)
		plain, err := newSiloKey("crm", version+1, secret[:(5+2*(version-1))*keyLen])
		require.NoError(t, err)
		require.Equal(t, k.Match("email", []byte("a")), plain.Match("email", []byte("a")))
		_, err = plain.SealerOf(version)
		require.ErrorIs(t, err, ErrMissing)
		_, err = plain.Sealer()
		require.NoError(t, err)
		secret, err = plain.rotated()
		require.NoError(t, err)
		plain, err = newSiloKey("crm", version+2, secret)
		require.NoError(t, err)
		_, err = plain.SealerOf(version)
		require.ErrorIs(t, err, ErrMissing)
		_, err = plain.SealerOf(version + 1)
		require.NoError(t, err)
	}
}

// TestHolds holds that a row which is looked at quickly is the one that Row seals, is counted as Add counts it, and not
// at all under another tag.
func TestHolds(t *testing.T) {
	s, err := newSealer("crm", bytes.Repeat([]byte{7}, keyLen))
	require.NoError(t, err)
	require.NoError(t, s.hashing("crm", bytes.Repeat([]byte{7}, keyLen)))
	require.True(t, s.Fits(nh.Longest))
	require.False(t, s.Fits(nh.Longest+1))
	require.False(t, s.Former().Fits(1), "a registry of before hashes nothing so")
	rapid.Check(t, func(r *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 1, nh.Longest).Draw(r, "text")
		var text nh.Text
		text.Begin(b[0])
		text.Bytes(b[1:])
		var want, got Sum
		tag := s.Row(b)
		s.Add(&want, tag)
		require.True(r, s.Holds(&got, &text, tag[:]))
		require.Equal(r, want, got)
		other := tag
		other[rapid.IntRange(0, len(tag)-1).Draw(r, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(r, "bit")
		for _, wrong := range [][]byte{other[:], tag[:15], nil, append(tag[:], 0)} {
			require.False(r, s.Holds(&got, &text, wrong))
			require.Equal(r, want, got)
		}
	})
}
