package connectors

import (
	"bytes"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func drawTuple(t *rapid.T, label string) [][]byte {
	return rapid.SliceOfN(rapid.SliceOf(rapid.Byte()), 0, 4).Draw(t, label)
}

func equalTuples(a, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }

func TestKeyGivesItsValuesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := drawTuple(t, "values")
		got, err := MakeKey(values...).Values()
		require.NoError(t, err)
		require.True(t, equalTuples(values, got))
	})
	long := bytes.Repeat([]byte{0xff}, 1<<20)
	got, err := MakeKey(long, nil, []byte("x")).Values()
	require.NoError(t, err)
	require.True(t, equalTuples([][]byte{long, {}, []byte("x")}, got))
}

func TestKeysAreEqualOnlyIfTheirValuesAre(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawTuple(t, "a"), drawTuple(t, "b")
		require.Equal(t, equalTuples(a, b), MakeKey(a...) == MakeKey(b...))
	})
	require.NotEqual(t, MakeKey([]byte("ab"), []byte("c")), MakeKey([]byte("a"), []byte("bc")))
	require.NotEqual(t, MakeKey(), MakeKey(nil))
	require.NotEqual(t, MakeKey(nil), MakeKey(nil, nil))
}

func TestValuesAreCopies(t *testing.T) {
	key := MakeKey([]byte("a"), []byte("b"))
	values, err := key.Values()
	require.NoError(t, err)
	values[0][0] = 'x'
	_ = append(values[0], "overrun"...)
	again, err := key.Values()
	require.NoError(t, err)
	require.Equal(t, [][]byte{[]byte("a"), []byte("b")}, again)
	require.Equal(t, []byte("b"), values[1])
}

func TestKeyOf(t *testing.T) {
	b, err := NewBuilder(Table{Name: "t", Fields: []Field{{Name: "a"}, {Name: "b"}, {Name: "c"}}}, nil)
	require.NoError(t, err)
	for _, row := range [][]any{{"1", "x", "y"}, {"2", nil, "z"}, {"3", "", string(bytes.Repeat([]byte{'l'}, 200))}} {
		for i, v := range row {
			if v == nil {
				b.AppendNull(i)
			} else {
				b.Append(i, []byte(v.(string)))
			}
		}
		b.EndRow()
	}
	rows := b.Batch("").Rows
	key, ok := KeyOf(rows, []int{2, 0}, 0)
	require.True(t, ok)
	require.Equal(t, MakeKey([]byte("y"), []byte("1")), key)
	_, ok = KeyOf(rows, []int{0, 1}, 1)
	require.False(t, ok, "NULL is no key")
	key, ok = KeyOf(rows, []int{1, 2}, 2)
	require.True(t, ok, "an empty value is one")
	require.Equal(t, MakeKey(nil, bytes.Repeat([]byte{'l'}, 200)), key)
}

func FuzzKeyValues(f *testing.F) {
	f.Add("")
	f.Add(string(MakeKey([]byte("a"), nil)))
	f.Add("\x05ab")
	f.Add("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")
	f.Add("\x80")
	f.Fuzz(func(t *testing.T, s string) {
		values, err := Key(s).Values()
		if err != nil {
			require.ErrorIs(t, err, errKey)
			return
		}
		again, err := MakeKey(values...).Values()
		require.NoError(t, err)
		require.True(t, equalTuples(values, again))
	})
}
