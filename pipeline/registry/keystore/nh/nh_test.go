package nh

import (
	"bytes"
	"crypto/aes"
	"encoding/binary"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func key(t require.TestingT, seed byte) Key {
	block, err := aes.NewCipher(bytes.Repeat([]byte{seed}, 16))
	require.NoError(t, err)
	return New(block)
}

// TestOf compares with the definition, in large numbers.
func TestOf(t *testing.T) {
	two64, two128 := new(big.Int).Lsh(big.NewInt(1), 64), new(big.Int).Lsh(big.NewInt(1), 128)
	rapid.Check(t, func(t *rapid.T) {
		k := key(t, rapid.Byte().Draw(t, "key"))
		text := rapid.SliceOfN(rapid.Byte(), 0, Longest).Draw(t, "text")
		filled := append(bytes.Clone(text), make([]byte, (16-len(text)%16)%16)...)
		want := big.NewInt(int64(len(text)))
		word := func(i int) *big.Int {
			w := new(big.Int).SetUint64(binary.LittleEndian.Uint64(filled[8*i:]))
			return w.Add(w, new(big.Int).SetUint64(k[i])).Mod(w, two64)
		}
		for i := 0; i < len(filled)/8; i += 2 {
			want.Add(want, new(big.Int).Mul(word(i), word(i+1)))
		}
		want.Mod(want, two128)
		high, low := k.Of(text)
		got := new(big.Int).SetUint64(high)
		require.Equal(t, want, got.Add(got.Lsh(got, 64), new(big.Int).SetUint64(low)))
	})
}

// TestOfTellsTextsApart changes one bit, cuts, and lengthens by zeros, which is what fills a text up.
func TestOfTellsTextsApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := key(t, 7)
		text := rapid.SliceOfN(rapid.Byte(), 1, Longest-16).Draw(t, "text")
		high, low := k.Of(text)
		other := bytes.Clone(text)
		switch rapid.IntRange(0, 2).Draw(t, "how") {
		case 0:
			other[rapid.IntRange(0, len(text)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		case 1:
			other = other[:len(other)-1]
		default:
			other = append(other, make([]byte, rapid.IntRange(1, 16).Draw(t, "zeros"))...)
		}
		h, l := k.Of(other)
		require.NotEqual(t, [2]uint64{high, low}, [2]uint64{h, l})
	})
}

// TestOfText puts texts together from pieces: each has the hash of its bytes, whatever stood in its place before.
func TestOfText(t *testing.T) {
	var text Text
	rapid.Check(t, func(t *rapid.T) {
		k := key(t, rapid.Byte().Draw(t, "key"))
		first := rapid.Byte().Draw(t, "first")
		numbers := rapid.SliceOfN(rapid.Int64(), 0, 8).Draw(t, "numbers")
		text.Begin(first, numbers...)
		want := []byte{first}
		for _, n := range numbers {
			want = binary.BigEndian.AppendUint64(want, uint64(n))
		}
		for range rapid.IntRange(0, 6).Draw(t, "pieces") {
			switch rapid.IntRange(0, 3).Draw(t, "piece") {
			case 0:
				n := rapid.Int64().Draw(t, "number")
				text.Number(n)
				want = binary.BigEndian.AppendUint64(want, uint64(n))
			case 1:
				n := rapid.IntRange(0, 1<<16-1).Draw(t, "length")
				text.Length(n, 2)
				want = binary.BigEndian.AppendUint16(want, uint16(n))
			case 2:
				n := rapid.IntRange(0, 1<<31).Draw(t, "length")
				text.Length(n, 4)
				want = binary.BigEndian.AppendUint32(want, uint32(n))
			default:
				b := rapid.SliceOfN(rapid.Byte(), 0, 30).Draw(t, "bytes")
				text.Bytes(b)
				want = append(want, b...)
			}
		}
		if missing := Longest - len(want); missing >= 0 && rapid.Bool().Draw(t, "to the end") {
			b := bytes.Repeat([]byte{first}, missing)
			text.Bytes(b)
			want = append(want, b...)
		}
		high, low := k.OfText(&text)
		h, l := k.Of(want)
		require.Equal(t, [2]uint64{h, l}, [2]uint64{high, low})
	})
}
