package spool

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/audit"
)

// TestSorted orders what fits into memory and what does not, and leaves no file.
func TestSorted(t *testing.T) {
	order := Order[audit.Decision]{ // two of a kind share the number
		First: func(d *audit.Decision) uint64 { return binary.BigEndian.Uint64(d.Record[:]) / 2 },
		Compare: func(a, b *audit.Decision) int {
			return cmp.Or(bytes.Compare(a.Record[:], b.Record[:]), cmp.Compare(a.Source, b.Source))
		}}
	for _, c := range []struct{ n, most int }{{0, 3000}, {1, 3000}, {100, 3000}, {3000, 3000}, {3001, 3000},
		{5*3000 + 17, 3000}, {2*mostParts*20 + 7, 20}, {(mostParts + 1) * 20, 20}} {
		n, most := c.n, c.most
		dir := t.TempDir()
		shuffled := rand.New(rand.NewPCG(1, 2)).Perm(n)
		given := func(yield func([]audit.Decision, error) bool) {
			batch := make([]audit.Decision, 0, 1000)
			for i, v := range shuffled {
				d := audit.Decision{Source: "crm"}
				binary.BigEndian.PutUint64(d.Record[:], uint64(v))
				batch = append(batch, d)
				if len(batch) == 1000 || i == n-1 {
					if !yield(batch, nil) {
						return
					}
					batch = batch[:0] // used again, as readers do
				}
			}
		}
		at := uint64(0)
		for rows, err := range sorted(dir, given, order, most) {
			require.NoError(t, err)
			for i := range rows {
				if at != binary.BigEndian.Uint64(rows[i].Record[:]) {
					t.Fatal("not in order")
				}
				at++
			}
		}
		require.EqualValues(t, n, at)
		left, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Empty(t, left)
	}
	broken := errors.New("broken")
	for _, err := range Sorted(t.TempDir(), func(yield func([]audit.Decision, error) bool) {
		_ = yield(make([]audit.Decision, 5), nil) && yield(nil, broken)
	}, order) {
		require.ErrorIs(t, err, broken)
	}
}
