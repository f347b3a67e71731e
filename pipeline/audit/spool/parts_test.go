package spool

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/pipeline/audit"
)

// all has a field of every kind that a row may have.
type all struct {
	Text, Other string
	Number      int64
	Small       int32
	Share       float64
	Yes         bool
	At          time.Time
	Record      audit.Ref
	Bytes       []byte
}

func drawAll(t *rapid.T) all {
	text := rapid.OneOf(rapid.SampledFrom([]string{"", "crm", "Łódź", "\x00"}), rapid.StringN(0, 20, -1))
	a := all{Text: text.Draw(t, "text"), Other: text.Draw(t, "other"), Number: rapid.Int64().Draw(t, "number"),
		Small: rapid.Int32().Draw(t, "small"), Share: rapid.Float64().Draw(t, "share"), Yes: rapid.Bool().Draw(t, "yes"),
		Bytes: rapid.SliceOfN(rapid.Byte(), 1, 9).Draw(t, "bytes")}
	if rapid.Bool().Draw(t, "dated") {
		a.At = time.UnixMicro(rapid.Int64Range(-1<<55, 1<<55).Draw(t, "at")).UTC()
	}
	copy(a.Record[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "record"))
	return a
}

func once[T any](rows []T) func(func([]T, error) bool) {
	return func(yield func([]T, error) bool) { yield(rows, nil) }
}

func partOf[T any](t require.TestingT, c *coding[T], path string) (rows []T, err error) {
	for batch, err := range c.rows(path) {
		if err != nil {
			return rows, err
		}
		rows = append(rows, batch...)
	}
	return rows, nil
}

// Parts hold rows of every kind as they were, and one that was cut is told.
func TestPartsHoldWhatWasWritten(t *testing.T) {
	dir, n := t.TempDir(), 0
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rapid.Custom(drawAll), 0, 3*frameRows/2).Draw(t, "rows")
		c, path := newCoding[all](), filepath.Join(dir, fmt.Sprint(n))
		n++
		require.NoError(t, c.write(path, once(rows)))
		back, err := partOf(t, c, path)
		require.NoError(t, err)
		require.True(t, slices.EqualFunc(rows, back, func(a, b all) bool { return fmt.Sprintf("%#v", a) == fmt.Sprintf("%#v", b) }))

		body, err := os.ReadFile(path)
		require.NoError(t, err)
		cut := rapid.IntRange(0, len(body)-1).Draw(t, "cut")
		require.NoError(t, os.WriteFile(path, body[:cut], 0o600))
		_, err = partOf(t, c, path)
		require.Error(t, err)
	})
}

// More texts than are remembered are read back too.
func TestPartsHoldManyTexts(t *testing.T) {
	var rows []all
	for i := range mostTexts + 1000 {
		rows = append(rows, all{Text: fmt.Sprint(i), Other: "same"})
	}
	c, path := newCoding[all](), filepath.Join(t.TempDir(), "part")
	require.NoError(t, c.write(path, once(rows)))
	require.Len(t, c.texts, mostTexts)
	back, err := partOf(t, c, path)
	require.NoError(t, err)
	require.Len(t, back, len(rows))
	for i := range rows {
		if rows[i].Text != back[i].Text || back[i].Other != "same" {
			t.Fatal(i)
		}
	}
}

// Rows come out in order, each as it was, whether they fit into memory or not.
func TestSortedRowsAreWhole(t *testing.T) {
	dir := t.TempDir()
	order := Order[all]{First: func(a *all) uint64 { return uint64(a.Number) >> 62 },
		Compare: func(a, b *all) int {
			return cmp.Or(cmp.Compare(uint64(a.Number), uint64(b.Number)), cmp.Compare(a.Text, b.Text))
		}}
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rapid.Custom(drawAll), 0, 60).Draw(t, "rows")
		for i := range rows {
			rows[i].Small = int32(i) // one of a kind
		}
		var got []all
		for batch, err := range sorted(dir, once(rows), order, rapid.IntRange(1, 20).Draw(t, "most")) {
			require.NoError(t, err)
			got = append(got, batch...)
		}
		require.True(t, slices.IsSortedFunc(got, func(a, b all) int { return order.Compare(&a, &b) }))
		slices.SortFunc(got, func(a, b all) int { return cmp.Compare(a.Small, b.Small) })
		require.Equal(t, fmt.Sprintf("%#v", rows), fmt.Sprintf("%#v", append([]all{}, got...)))
	})
}
