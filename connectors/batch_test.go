package connectors

import (
	"bytes"
	"testing"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var people = Table{Name: "people", Fields: []Field{{Name: "id", Kind: Integer}, {Name: "name", Kind: Text},
	{Name: "photo", Kind: Binary}}}

// cells copies a batch; nil is NULL.
func cells(b Batch) [][]any {
	out := make([][]any, b.Rows.NumRows())
	for r := range out {
		out[r] = make([]any, b.Rows.NumCols())
		for c := range out[r] {
			if col := b.Rows.Column(c).(*array.Binary); col.IsValid(r) {
				out[r][c] = string(col.Value(r))
			}
		}
	}
	return out
}

func TestBuilderKeepsWhatWasAppended(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, err := NewBuilder(people, []string{"photo", "id"})
		require.NoError(t, err)
		for range rapid.IntRange(1, 4).Draw(t, "batches") { // a builder is reused
			want := [][]any{}
			for range rapid.IntRange(0, 20).Draw(t, "rows") {
				row := make([]any, 2)
				for c := range row {
					if rapid.Bool().Draw(t, "null") {
						b.AppendNull(c)
						continue
					}
					v := rapid.SliceOf(rapid.Byte()).Draw(t, "value")
					b.Append(c, v)
					row[c] = string(v)
					for i := range v {
						v[i] ^= 0xff // the builder holds a copy
					}
				}
				b.EndRow()
				want = append(want, row)
				require.Equal(t, len(want), b.Rows())
			}
			batch := b.Batch("next")
			require.Equal(t, want, cells(batch))
			require.Equal(t, Cursor("next"), batch.Next)
			require.Equal(t, "people", batch.Table)
			require.Zero(t, b.Rows())
			for c, f := range batch.Rows.Schema().Fields() {
				require.Equal(t, []string{"photo", "id"}[c], f.Name)
				kind, _ := f.Metadata.GetValue("kind")
				require.Equal(t, []string{"binary", "integer"}[c], kind)
				nulls := 0
				for _, row := range want {
					if row[c] == nil {
						nulls++
					}
				}
				require.Equal(t, nulls, batch.Rows.Column(c).NullN())
			}
		}
	})
}

func TestBuilderOfAllFieldsOrUnknownOnes(t *testing.T) {
	b, err := NewBuilder(people, nil)
	require.NoError(t, err)
	batch := b.Batch("")
	require.EqualValues(t, 3, batch.Rows.NumCols())
	require.EqualValues(t, 0, batch.Rows.NumRows())
	require.Empty(t, cells(b.Batch("")), "twice in a row")
	_, err = NewBuilder(people, []string{"id", "nothing"})
	require.ErrorIs(t, err, ErrSchemaChanged)
}

func TestFull(t *testing.T) {
	b, err := NewBuilder(people, []string{"id"})
	require.NoError(t, err)
	add := func(size int) {
		b.Append(0, bytes.Repeat([]byte{'x'}, size))
		b.EndRow()
	}
	require.False(t, b.Full(2))
	add(1)
	require.False(t, b.Full(2))
	add(1)
	require.True(t, b.Full(2))
	require.False(t, b.Full(0), "no limit")
	b.Batch("")
	require.False(t, b.Full(2), "a new batch")
	add(BatchBytes - 1)
	require.False(t, b.Full(0))
	add(1)
	require.True(t, b.Full(0), "by bytes")
}

func TestColumn(t *testing.T) {
	var c Column
	require.Zero(t, c.Array().Len(), "the zero value is ready")
	for range 3 {
		c.AppendNull()
		c.Append([]byte("x"))
		c.Append(nil)
		a := c.Array()
		require.Equal(t, 3, a.Len())
		require.True(t, a.IsNull(0))
		require.Equal(t, "x", string(a.Value(1)))
		require.True(t, a.IsValid(2))
		require.Empty(t, a.Value(2))
		c.Reset()
	}
}

func TestErrorGivesThePlace(t *testing.T) {
	err := &Error{Op: "scan", Source: "crm", Table: "people", Err: ErrDenied, Hint: "grant SELECT"}
	require.EqualError(t, err, "scan crm table people: access denied (grant SELECT)")
	require.ErrorIs(t, err, ErrDenied)
	require.EqualError(t, &Error{Op: "open", Source: "crm", Err: ErrUnreachable}, "open crm: unreachable")
}
