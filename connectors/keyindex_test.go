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

// Numbers are found whether they lie close together or far apart, and nothing else is taken for one of them.
func TestKeyIndexOfNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.SampledFrom([]uint64{0, 1, 9, 1 << 40, 999_999_999_999_999_990, 1<<64 - 30}).Draw(t, "from")
		gap := rapid.Uint64Range(1, 12).Draw(t, "gap")
		texts := rapid.OneOf(rapid.Map(rapid.Uint64Range(0, 20), func(n uint64) string { return fmt.Sprint(from + n*gap) }),
			rapid.SampledFrom([]string{"", "0", "00", "01", "-1", "1.0", " 1", "10", "1e1", "x"}))
		var keys []Key
		for _, text := range rapid.SliceOfN(texts, 0, 40).Draw(t, "keys") {
			keys = append(keys, MakeKey([]byte(text)))
		}
		if rapid.Bool().Draw(t, "two values") {
			keys = append(keys, MakeKey([]byte("1"), []byte("2")))
		}
		x := IndexKeys(keys)
		for n := range uint64(300) {
			text := fmt.Appendf(nil, "%d", from+n)
			for _, k := range []Key{MakeKey(text), MakeKey(append([]byte("0"), text...)), Key(text), MakeKey(text, nil), ""} {
				require.Equal(t, slices.Index(keys, k), x.Find([]byte(k)), "%q", k)
			}
		}
		for i, k := range keys {
			require.Equal(t, slices.Index(keys, k), x.Find([]byte(k)), i)
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
	for _, list := range [][]Key{keys, append(keys, "text")} {
		x, key := IndexKeys(list), []byte(list[7])
		require.Zero(t, testing.AllocsPerRun(100, func() { x.Find(key) }))
	}
}

func TestSortedKeys(t *testing.T) {
	require.Equal(t, []Key{"a", "b", "c"}, SortedKeys([]Key{"c", "a", "b", "a", "c"}))
	require.Empty(t, SortedKeys(nil))
}
