package anew

import (
	"bytes"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/connectors/internal/packed"
)

// Writers that use what others left write what the first would.
func TestReusedWritesAsFresh(t *testing.T) {
	packings := []packed.Packing{nil, {{Kind: packed.Zstd, Checksum: true}}, {{Kind: packed.Zstd, Window: 256 << 10}},
		{{Kind: packed.Zstd, Window: 4 << 20, Checksum: true}}, {{Kind: packed.Bzip2, Level: 1}},
		{{Kind: packed.Gzip, Header: gzip.Header{Name: "crm.sql"}}}, {{Kind: packed.Gzip, Best: true}}}
	text := bytes.Repeat([]byte("INSERT INTO people VALUES (1,'Giulia');\n"), 20_000)
	for i := range text {
		text[i] ^= byte(i >> 9 & 3)
	}
	rapid.Check(t, func(t *rapid.T) {
		reused := new(Reused)
		for range rapid.IntRange(1, 6).Draw(t, "writers") {
			p := rapid.SampledFrom(packings).Draw(t, "packing")
			part := text[:rapid.IntRange(0, len(text)).Draw(t, "length")]
			var got, want bytes.Buffer
			w, err := reused.NewWriter(&got, p)
			require.NoError(t, err)
			fresh, err := NewWriter(&want, p)
			require.NoError(t, err)
			for _, w := range []*Writer{w, fresh} {
				require.NoError(t, w.Put(part))
				require.NoError(t, w.Close())
				require.NoError(t, w.Close())
			}
			require.True(t, bytes.Equal(want.Bytes(), got.Bytes()))
		}
	})
}
