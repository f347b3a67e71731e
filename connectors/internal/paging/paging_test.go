package paging

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/connectors"
)

func number(n int64) connectors.Key { return connectors.MakeKey(strconv.AppendInt(nil, n, 10)) }

func fine(connectors.Key) (bool, error) { return false, nil }

func limits(tuples, bytes int) func() (int, int) { return func() (int, int) { return tuples, bytes } }

// The pieces cover each tuple once, in order, and each row has one piece that answers it.
func TestPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		numbers := rapid.SliceOfN(rapid.Int64Range(-300, 300), 0, 400).Draw(t, "numbers")
		most := rapid.IntRange(1, 50).Draw(t, "most")
		keys := &connectors.Keys{Fields: []string{"id"}}
		distinct := map[int64]bool{}
		for _, n := range numbers {
			keys.Tuples = append(keys.Tuples, number(n))
			distinct[n] = true
		}
		p, err := Cut(keys, true, fine, limits(most, 1<<20))
		require.NoError(t, err)
		var all []connectors.Key
		for piece := range p.Len() {
			require.LessOrEqual(t, len(p.Of(piece)), most)
			all = append(all, p.Of(piece)...)
		}
		require.Len(t, all, len(distinct))
		var last *big.Int
		for i, tuple := range all {
			values, err := tuple.Values()
			require.NoError(t, err)
			n, ok := new(big.Int).SetString(string(values[0]), 10)
			require.True(t, ok)
			require.True(t, i == 0 || last.Cmp(n) < 0, "numbers are in order")
			last = n
			answers := 0
			for piece := range p.Len() {
				asked, ok, err := p.Answer(piece, tuple, func() (int, error) { return 0, errors.New("need not be asked") })
				require.NoError(t, err)
				if ok {
					answers++
					require.Equal(t, tuple, keys.Tuples[asked])
				}
			}
			require.Equal(t, 1, answers)
		}
		again, err := Cut(keys, true, fine, limits(most, 1<<20))
		require.NoError(t, err)
		require.Equal(t, p, again, "a cursor names a piece")
	})
}

// A row whose key is spelled otherwise is answered once, by the piece that met it first.
func TestARowOfAnotherSpellingIsAnsweredOnce(t *testing.T) {
	keys := &connectors.Keys{Fields: []string{"code"}}
	for _, code := range []string{"B", "a", "b"} { // in order B, a, b
		keys.Tuples = append(keys.Tuples, connectors.MakeKey([]byte(code)))
	}
	p, err := Cut(keys, false, fine, limits(1, 1<<20))
	require.NoError(t, err)
	require.Equal(t, 3, p.Len())
	here := func(n int) func() (int, error) { return func() (int, error) { return n, nil } }

	own := connectors.MakeKey([]byte("B")) // found by B and by b: it is the very B
	_, ok, err := p.Answer(2, own, here(0))
	require.NoError(t, err)
	require.False(t, ok)
	asked, ok, err := p.Answer(0, own, here(0))
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, 0, asked)

	own = connectors.MakeKey([]byte("A")) // found by a alone
	asked, ok, err = p.Answer(1, own, here(0))
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, 1, asked)
	_, ok, err = p.Answer(2, own, here(0))
	require.NoError(t, err)
	require.False(t, ok, "a piece met it before")

	for _, n := range []int{-1, 1} {
		_, _, err = p.Answer(1, connectors.MakeKey([]byte("á")), here(n))
		require.ErrorContains(t, err, "not asked for")
	}
}

func TestWhatNoRowHoldsIsLeftOut(t *testing.T) {
	keys := &connectors.Keys{Fields: []string{"id"}, Tuples: []connectors.Key{number(1), number(2), number(3)}}
	bad := fmt.Errorf("not a number: %w", connectors.ErrConfig)
	check := func(k connectors.Key) (bool, error) {
		switch k {
		case number(2):
			return true, nil
		case number(3):
			return false, bad
		}
		return false, nil
	}
	_, err := Cut(keys, true, check, limits(10, 10))
	require.ErrorIs(t, err, bad)
	keys.Of = &connectors.Referred{Table: "people", Fields: []string{"code"}} // which may be of another type
	p, err := Cut(keys, true, check, limits(10, 10))
	require.NoError(t, err)
	require.Equal(t, []connectors.Key{number(1)}, p.Of(0))
}

func TestPiecesEndBySize(t *testing.T) {
	keys := &connectors.Keys{Fields: []string{"k"}}
	for i := range 200 {
		keys.Tuples = append(keys.Tuples, connectors.MakeKey(fmt.Appendf(nil, "%04d%s", i, strings.Repeat("x", 100))))
	}
	p, err := Cut(keys, false, fine, limits(1000, 1000))
	require.NoError(t, err)
	for piece := range p.Len() {
		require.LessOrEqual(t, len(p.Of(piece)), 11)
	}
	require.Equal(t, 1, (*Pieces)(nil).Len())
}

func TestACursorLeadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := Place{Piece: rapid.IntRange(0, 9).Draw(t, "piece"), Rows: rapid.IntRange(0, 9).Draw(t, "rows"),
			After: rapid.SliceOfN(rapid.SliceOf(rapid.Byte()), 0, 3).Draw(t, "after")}
		for i := range at.After {
			at.After[i] = append([]byte{}, at.After[i]...)
		}
		if len(at.After) == 0 {
			at.After = nil
		}
		back, err := ParsePlace(at.Cursor(), len(at.After), func(int, []byte) error { return nil })
		require.NoError(t, err)
		require.Equal(t, at.Cursor(), back.Cursor())
		require.Equal(t, at.Piece, back.Piece)
		require.Equal(t, at.Rows, back.Rows)

		_, err = ParsePlace(at.Cursor(), len(at.After)+1, func(int, []byte) error { return nil })
		require.ErrorIs(t, err, connectors.ErrSchemaChanged)
		if at.After != nil {
			_, err = ParsePlace(at.Cursor(), len(at.After), func(int, []byte) error { return errors.New("no such value") })
			require.ErrorContains(t, err, "damaged cursor")
		}
	})
	for _, c := range []connectors.Cursor{"x", connectors.Cursor(connectors.MakeKey([]byte("1"), []byte("x"))),
		connectors.Cursor(connectors.MakeKey([]byte("-1"), []byte("0"))), connectors.Cursor(connectors.MakeKey([]byte("0"), []byte("-1")))} {
		_, err := ParsePlace(c, 0, nil)
		require.Error(t, err)
	}
	at, err := ParsePlace("", 2, nil)
	require.NoError(t, err)
	require.Equal(t, Place{}, at)
}

func TestBeyond(t *testing.T) {
	at := func(n string) Place { return Place{After: [][]byte{[]byte(n)}} }
	require.True(t, at("10").Beyond(at("9")))
	require.False(t, at("9").Beyond(at("9")))
	require.False(t, at("-10").Beyond(at("9")))
	require.False(t, at("x").Beyond(at("9")))
	require.False(t, Place{}.Beyond(at("9")))
	require.False(t, at("9").Beyond(Place{}))
}

func TestPagesFollowTheLengthOfRows(t *testing.T) {
	p := NewPages(10_000)
	require.Equal(t, firstRows, p.Limit)
	require.False(t, p.Next(firstRows, true))
	require.Equal(t, 8*firstRows, p.Limit)
	require.False(t, p.Next(8*firstRows, true))
	require.Equal(t, 10_000, p.Limit)
	require.False(t, p.Next(10_000, false))
	require.Equal(t, 2_500, p.Limit)
	require.True(t, p.Next(2_499, true))
	small := NewPages(1)
	require.Equal(t, 1, small.Limit)
	require.False(t, small.Next(1, false))
	require.Equal(t, 1, small.Limit, "never none")
	require.True(t, (&Pages{}).Next(1_000_000, true), "without a limit there is one page")
}

// text is a column whose values come with a mark that is not part of them.
type text struct{ name string }

func (c *text) Canonical(sent, scratch []byte) (value, more []byte, err error) {
	v, ok := strings.CutPrefix(string(sent), "=")
	if !ok {
		return nil, scratch, errors.New("no mark")
	}
	scratch = append(scratch[:0], v...)
	return scratch, scratch, nil
}
func (c *text) Check([]byte) error { return nil }
func (c *text) Field() string      { return c.name }

func TestReader(t *testing.T) {
	table := connectors.Table{Name: "people", Key: []string{"id"}, Fields: []connectors.Field{{Name: "id", Kind: connectors.Text},
		{Name: "name", Kind: connectors.Text}}}
	columns := map[string]*text{"id": {"id"}, "name": {"name"}}
	r, err := NewReader(table, columns, []string{"name"})
	require.NoError(t, err)
	require.Equal(t, []int{1}, r.Order, "the key is read, and is no field of the batch")
	keys := &connectors.Keys{Fields: []string{"id"}, Tuples: []connectors.Key{connectors.MakeKey([]byte("b")), connectors.MakeKey([]byte("a"))}}
	r.Match = r.NeedAll(keys.Fields)
	r.Pieces, err = Cut(keys, false, fine, limits(10, 1000))
	require.NoError(t, err)

	var at Place
	row := func(name, id, n string) bool {
		values := [][]byte{nil, []byte(id), []byte(n)}
		if name != "" {
			values[0] = []byte(name)
		}
		added, err := r.Add(&at, values)
		require.NoError(t, err)
		return added
	}
	require.True(t, row("=Ann", "=a", "1"))
	require.False(t, row("=Ann", "=a", "2"), "a row comes once for each tuple that it answers")
	require.True(t, row("", "=b", "2"))
	require.Equal(t, [][]byte{[]byte("b")}, at.After)

	b := r.Batch(at.Cursor())
	require.Equal(t, []int{1, 0}, b.Tuples)
	names := b.Rows.Column(0).(*array.Binary)
	require.Equal(t, "Ann", string(names.Value(0)))
	require.True(t, names.IsNull(1))
	require.EqualValues(t, 1, b.Rows.NumCols())

	_, err = r.Add(&at, [][]byte{[]byte("Eve"), []byte("=c"), []byte("1")})
	require.ErrorContains(t, err, "field name: no mark")
	require.NotContains(t, err.Error(), "Eve")

	stop := r.Hand(at, func(connectors.Batch, error) bool { return false })
	require.ErrorIs(t, stop, ErrStop)
	require.NoError(t, r.HandSample(at, func(b connectors.Batch, err error) bool { return b.Sampled && err == nil }))
}

// In a table without a key a row is known by where it lies.
func TestARowWithoutAKeyComesOnce(t *testing.T) {
	table := connectors.Table{Name: "log", Fields: []connectors.Field{{Name: "who", Kind: connectors.Text}}}
	columns := map[string]*text{"who": {"who"}}
	read := func(located bool) (added []bool) {
		r, err := NewReader(table, columns, nil)
		require.NoError(t, err)
		r.Located, r.Match = located, []int{0}
		r.Pieces, err = Cut(&connectors.Keys{Fields: []string{"who"}, Tuples: []connectors.Key{connectors.MakeKey([]byte("a"))}}, false,
			fine, limits(10, 1000))
		require.NoError(t, err)
		var at Place
		for _, where := range []string{"(0,1)", "(0,1)", "(0,2)"} {
			ok, err := r.Add(&at, [][]byte{[]byte("=a"), []byte("1"), []byte(where)})
			require.NoError(t, err)
			added = append(added, ok)
		}
		require.Equal(t, 3, at.Rows)
		return added
	}
	require.Equal(t, []bool{true, false, true}, read(true))
	require.False(t, slices.Contains(read(false), false))
}
