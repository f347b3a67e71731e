package connectors

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestKeyIndex(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drawn := rapid.SliceOf(rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 'a'}), 0, 3)).Draw(t, "keys")
		var keys []Key
		for _, k := range drawn {
			keys = append(keys, Key(k))
		}
		x := IndexKeys(keys)
		for _, k := range append(drawn, []byte("none"), nil) {
			require.Equal(t, slices.Index(keys, Key(k)), x.Find(k))
		}
	})
}

func TestKeyIndexOfMany(t *testing.T) {
	var keys []Key
	for i := range 50_000 {
		keys = append(keys, MakeKey(fmt.Append(nil, i)))
	}
	x := IndexKeys(keys)
	for i := range 2 * len(keys) {
		want := i
		if i >= len(keys) {
			want = -1
		}
		require.Equal(t, want, x.Find([]byte(MakeKey(fmt.Append(nil, i)))))
	}
	key := []byte(keys[7])
	require.Zero(t, testing.AllocsPerRun(100, func() { x.Find(key) }))
}

func TestSortedKeys(t *testing.T) {
	require.Equal(t, []Key{"a", "b", "c"}, SortedKeys([]Key{"c", "a", "b", "a", "c"}))
	require.Empty(t, SortedKeys(nil))
}
