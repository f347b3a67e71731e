package textfile

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/connectors"
	"lethe/connectors/connectortest"
)

// Texts that use what others left are read as if each were the first, whatever became of those before.
func TestReusedReadsAsFresh(tb *testing.T) {
	dir := tb.TempDir()
	whole := make([]byte, 3*chunkBytes)
	for i := range whole {
		whole[i] = byte(i * i >> 7)
	}
	rapid.Check(tb, func(t *rapid.T) {
		reused := new(Reused)
		for range rapid.IntRange(1, 6).Draw(t, "texts") {
			name := rapid.SampledFrom([]string{"a.sql", "a.sql.gz", "a.sql.zst"}).Draw(t, "name")
			text := whole[:rapid.SampledFrom([]int{0, 1, 1000, chunkBytes, 2*chunkBytes + 1}).Draw(t, "length")]
			packed := connectortest.Pack(tb, name, text)
			damaged := name != "a.sql" && len(packed) > 20 && rapid.Bool().Draw(t, "damaged")
			if damaged {
				packed = packed[:len(packed)-rapid.IntRange(1, 9).Draw(t, "cut")]
			}
			path := filepath.Join(dir, name)
			require.NoError(t, os.WriteFile(path, packed, 0o600))
			in, err := OpenWith(path, Options{Reused: reused})
			require.NoError(t, err)
			switch read, err := io.ReadAll(io.LimitReader(in, rapid.SampledFrom([]int64{10, 1 << 40}).Draw(t, "most"))); {
			case damaged && err != nil:
				require.ErrorIs(t, err, connectors.ErrDamaged)
			default:
				require.NoError(t, err)
				require.Equal(t, string(text[:min(len(text), len(read))]), string(read))
			}
			in.Close()
			in.Close()
		}
		for _, b := range reused.chunks {
			require.Len(t, b, chunkBytes, fmt.Sprint(len(reused.chunks)))
		}
		require.LessOrEqual(t, len(reused.chunks), chunks+1)
		require.LessOrEqual(t, len(reused.zstds), 1)
	})
}
