package numbered_test

import (
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/pipeline/numbered"
)

// rooms are those in which things may lie: memory, a file, memory at first, and a folder that is not there.
func rooms(t *testing.T) map[string]*numbered.Room {
	rooms := map[string]*numbered.Room{"memory": nil, "a file": numbered.NewRoom(t.TempDir(), 0),
		"both": numbered.NewRoom(t.TempDir(), 40_000), "no folder": numbered.NewRoom(filepath.Join(t.TempDir(), "none"), 0)}
	for _, r := range rooms {
		t.Cleanup(func() { require.NoError(t, r.Close()) })
	}
	return rooms
}

func TestColumnKeepsWhatStandsInIt(t *testing.T) {
	for name, room := range rooms(t) {
		t.Run(name, func(t *testing.T) { columnKeeps(t, room) })
	}
}

func columnKeeps(t *testing.T, room *numbered.Room) {
	c := numbered.Column[int]{Room: room}
	var where []*int
	for i := range 5000 {
		require.Equal(t, i, c.Add(i*i))
		where = append(where, c.At(i))
	}
	require.Equal(t, 5000, c.Len())
	for i, at := range where {
		require.Equal(t, i*i, *at)
		require.Same(t, at, c.At(i), "it is not moved")
	}
	c.Reset(10)
	require.Equal(t, 10, c.Len())
	require.Same(t, where[9], c.At(9))
	c.Reset(9000)
	*c.At(8999) = 1
}

// Names give each table and key one number, in the order in which they come.
func TestNamesAreNumbered(t *testing.T) {
	for name, room := range rooms(t) {
		t.Run(name, func(t *testing.T) { namesAreNumbered(t, room) })
	}
}

func namesAreNumbered(t *testing.T, room *numbered.Room) {
	rapid.Check(t, func(t *rapid.T) {
		type name struct {
			table int32
			key   string
		}
		var names numbered.Names
		names.In(room)
		known := map[name]int32{}
		var order []name
		keys := rapid.OneOf(rapid.StringN(0, 3, -1), rapid.StringMatching("[ab]{0,12}"))
		for range rapid.IntRange(0, 3000).Draw(t, "rows") {
			n := name{rapid.Int32Range(0, 2).Draw(t, "table"), keys.Draw(t, "key")}
			was, is := known[n]
			at, found := names.Find(n.table, n.key)
			require.Equal(t, is, found)
			if is {
				require.Equal(t, was, at)
			}
			at, fresh := names.Number(n.table, n.key)
			require.Equal(t, is, !fresh)
			if fresh {
				require.EqualValues(t, len(order), at)
				known[n], order = at, append(order, n)
			}
			require.Equal(t, known[n], at)
		}
		require.Equal(t, len(order), names.Len())
		var rows []int32
		for at, n := range order {
			require.Equal(t, n, name{names.Table(int32(at)), names.Key(int32(at))})
			require.True(t, names.Is(int32(at), n.key))
			require.Equal(t, "<"+n.key, string(names.AppendKey([]byte("<"), int32(at))))
			rows = append(rows, int32(at))
		}
		for i, key := range numbered.Keys[string](&names, rows) {
			require.Equal(t, order[i].key, key)
		}
	})
}

// References to a row, and those from it, come in the order in which they were added.
func TestRefsOfARow(t *testing.T) {
	room := rooms(t)["a file"]
	rapid.Check(t, func(t *rapid.T) {
		type ref struct{ at, child, parent, by int32 }
		count := rapid.Int32Range(1, 5).Draw(t, "rows")
		row := rapid.Int32Range(0, count-1)
		var refs numbered.Refs
		refs.In(room)
		for range count {
			refs.Row()
		}
		to, from := map[int32][]ref{}, map[int32][]ref{}
		for range rapid.IntRange(0, 20).Draw(t, "refs") {
			r := ref{0, row.Draw(t, "child"), row.Draw(t, "parent"), rapid.Int32Range(0, 3).Draw(t, "by")}
			r.at = refs.Add(r.child, r.parent, r.by)
			to[r.parent], from[r.child] = append(to[r.parent], r), append(from[r.child], r)
		}
		for n := range count {
			var in, out, next []ref
			for at, r := range refs.To(n) {
				in = append(in, ref{at, r.Child, r.Parent, r.By})
			}
			for at, r := range refs.From(n) {
				out = append(out, ref{at, r.Child, r.Parent, r.By})
			}
			for at := refs.Next(n, -1); at >= 0; at = refs.Next(n, at) {
				next = append(next, ref{at, refs.At(at).Child, refs.At(at).Parent, refs.At(at).By})
			}
			require.Equal(t, to[n], in)
			require.Equal(t, from[n], out)
			require.Equal(t, from[n], next)
			by := func(want int32) func(*numbered.Ref) bool {
				return func(r *numbered.Ref) bool { return r.By == want }
			}
			require.Equal(t, slices.ContainsFunc(in, func(r ref) bool { return r.by == 2 }), numbered.Any(refs.To(n), by(2)))
			for range refs.To(n) {
				break
			}
		}
	})
}

// Sets with the same members have the same number, however they came to be.
func TestSetsAreNumbered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var sets numbered.Sets
		require.Empty(t, sets.Of(0))
		byMembers := map[string]uint32{"[]": 0}
		for range rapid.IntRange(1, 20).Draw(t, "sets") {
			set, want := uint32(0), []int32{}
			for _, m := range rapid.SliceOfN(rapid.Int32Range(0, 400), 0, 5).Draw(t, "members") {
				set = sets.With(set, m)
				if !slices.Contains(want, m) {
					want = append(want, m)
				}
				require.True(t, sets.Has(set, m))
				require.False(t, sets.Has(set, 500))
			}
			slices.Sort(want)
			require.Equal(t, want, append([]int32{}, sets.Of(set)...))
			name := ""
			for _, m := range want {
				name += string(rune('a' + m))
			}
			if known, ok := byMembers[name]; ok {
				require.Equal(t, known, set)
			}
			byMembers[name] = set
		}
	})
}

func TestMarks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var marks numbered.Marks
		want := map[int32]bool{}
		for range rapid.IntRange(0, 30).Draw(t, "steps") {
			n := rapid.Int32Range(0, 300).Draw(t, "number")
			switch rapid.IntRange(0, 6).Draw(t, "what") {
			case 0:
				marks.Unset(n)
				delete(want, n)
			case 1:
				marks.Clear()
				clear(want)
			default:
				marks.Set(n)
				want[n] = true
			}
		}
		for n := range int32(400) {
			require.Equal(t, want[n], marks.Has(n))
		}
	})
}

// TestNamesOfOneHash are two rows, be it that they differ by their keys or by their tables: of so many, some two dozen
// pairs have the same.
func TestNamesOfOneHash(t *testing.T) {
	const many = 450_000
	for differ, name := range map[string]func(i int32) (int32, string){
		"keys":   func(i int32) (int32, string) { return 7, strconv.Itoa(int(i)) },
		"tables": func(i int32) (int32, string) { return i, "7" },
	} {
		var n numbered.Names
		for i := range int32(many) {
			if row, fresh := n.Number(name(i)); !fresh || row != i {
				t.Fatalf("%s: row %d is taken for row %d", differ, i, row)
			}
		}
	}
}
