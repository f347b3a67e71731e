package numbered_test

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/numbered"
)

// TestARoomLeavesNothing in its folder, neither while it is used nor afterwards.
func TestARoomLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	r := numbered.NewRoom(dir, 1000)
	small := numbered.Slice[byte](r, 1000)
	require.Zero(t, r.InFile(), "it lies in memory")
	large := numbered.Slice[uint64](r, 3<<20)
	require.GreaterOrEqual(t, r.InFile(), int64(24<<20))
	for i := range large {
		require.Zero(t, large[i])
		large[i] = uint64(i)
	}
	small[999] = 1
	for i := range large {
		if large[i] != uint64(i) {
			require.Equal(t, uint64(i), large[i])
		}
	}
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, files, "its file has no name")
	require.NoError(t, r.Close())
	require.NoError(t, r.Close())
	require.Len(t, numbered.Slice[int32](r, 5), 5, "in memory from now on")
	require.Zero(t, r.InFile())
}

// heldMB is how many megabytes of files are in memory.
func heldMB(t *testing.T) int {
	text, err := os.ReadFile("/proc/self/statm")
	require.NoError(t, err)
	pages, err := strconv.Atoi(strings.Fields(string(text))[2])
	require.NoError(t, err)
	return pages * os.Getpagesize() >> 20
}

// TestARoomIsKeptSmall where there is much in it: little stays in memory.
func TestARoomIsKeptSmall(t *testing.T) {
	before := heldMB(t)
	r := numbered.NewRoom(t.TempDir(), 0)
	defer func() { require.NoError(t, r.Close()) }()
	for _, c := range []struct{ megabytes, least, most int }{{32, 30, 60}, {160, 0, 60}} {
		for i, list := 0, numbered.Slice[uint64](r, c.megabytes<<17); i < len(list); i++ {
			list[i] = 1
		}
		r.Trim()
		now := heldMB(t) - before
		require.GreaterOrEqual(t, now, c.least)
		require.LessOrEqual(t, now, c.most)
	}
}

// TestWhatIsApartStays in memory beside what is kept small.
func TestWhatIsApartStays(t *testing.T) {
	r := numbered.NewRoom(t.TempDir(), 0)
	defer func() { require.NoError(t, r.Close()) }()
	const megabytes = 100
	index := numbered.Apart[uint64](r, megabytes<<17)
	fill := func(list []uint64) {
		for i := range list {
			list[i] = 1
		}
		r.Trim()
	}
	before := heldMB(t)
	fill(index)
	require.GreaterOrEqual(t, heldMB(t)-before, megabytes-8)
	fill(numbered.Slice[uint64](r, 80<<17))
	require.LessOrEqual(t, heldMB(t)-before, megabytes+60)
}

// TestAppendInARoom keeps what was there before.
func TestAppendInARoom(t *testing.T) {
	for name, room := range rooms(t) {
		t.Run(name, func(t *testing.T) {
			var list []int32
			for i := range int32(100_000) {
				list = numbered.Append(room, list, i)
			}
			require.Len(t, list, 100_000)
			for i, v := range list {
				require.EqualValues(t, i, v)
			}
		})
	}
}

// TestNoPointersInAFile, which nobody would follow there.
func TestNoPointersInAFile(t *testing.T) {
	r := numbered.NewRoom(t.TempDir(), 0)
	defer func() { require.NoError(t, r.Close()) }()
	type inner struct{ Names [2]string }
	require.Panics(t, func() { numbered.Slice[string](r, 1) })
	require.Panics(t, func() { numbered.Slice[*int](r, 1) })
	require.Panics(t, func() { numbered.Slice[[]byte](r, 1) })
	require.Panics(t, func() { numbered.Slice[inner](r, 1) })
	require.Panics(t, func() { numbered.Slice[uintptr](r, 1) })
	require.Len(t, numbered.Slice[struct {
		a [3]float64
		b bool
	}](r, 2), 2)
}

// TestKeysAreNotReadable in the file: neither the texts nor, of like texts, that they are alike.
func TestKeysAreNotReadable(t *testing.T) {
	dir := t.TempDir()
	r := numbered.NewRoom(dir, 0)
	defer func() { require.NoError(t, r.Close()) }()
	names := numbered.Names{}
	names.In(r)
	const rows = 4096
	for i := range int32(rows) {
		names.Number(i, "giulia.rossi@posta.example")
	}
	open, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	var text []byte
	for _, fd := range open {
		if path, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil && strings.HasPrefix(path, dir) {
			text, err = os.ReadFile("/proc/self/fd/" + fd.Name())
			require.NoError(t, err)
		}
	}
	require.Greater(t, len(text), rows*len("giulia.rossi@posta.example")/2)
	require.NotContains(t, string(text), "rossi")
	seen := map[string]bool{}
	for at := 0; at+16 <= len(text); at += 16 {
		part := string(text[at : at+16])
		if strings.Trim(part, "\x00") != "" && strings.Count(part, "\x00") < 8 {
			require.False(t, seen[part])
			seen[part] = true
		}
	}
	require.Greater(t, len(seen), rows/2)
	for i := range int32(rows) {
		require.Equal(t, "giulia.rossi@posta.example", names.Key(i))
	}
}
