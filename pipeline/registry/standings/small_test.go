package standings

import (
	"crypto/sha256"
	"encoding/binary"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/numbered"
	"lethe/pipeline/policy"
	"lethe/pipeline/registry/keystore"
)

// generated are the standings of n people with one reference and one consent each, made without a database.
// Reference i is generatedRef(i); in order of the references the collections are 1, 2, 3, ...
func generated(tb testing.TB, n int) *Standings {
	in := numbered.NewRoom(tb.TempDir(), 1<<10)
	tb.Cleanup(func() { require.NoError(tb, in.Close()) })
	s := &Standings{room: in, numbers: map[string]int{}, blocks: [][]byte{{0}}, offsets: make([]uint32, n)}
	refs := make([]shortRef, n)
	for i := range refs {
		ref := generatedRef(i)
		refs[i] = shortRef(ref[:16])
	}
	slices.SortFunc(refs, func(a, b shortRef) int { return slices.Compare(a[:], b[:]) })
	s.index.grow(in, n)
	standing := policy.Standing{Purposes: make([]policy.PurposeStanding, 1)}
	for i, ref := range refs {
		s.index.add(ref, int32(i+1))
		at := noon.Add(-time.Duration(i%100_000) * time.Minute)
		standing.Collected, standing.FirstSeq, standing.LastSeq = at, int64(i+1), int64(i+1)
		standing.Purposes[0] = policy.PurposeStanding{Purpose: "newsletter", State: policy.Given, Since: at,
			Proven: true}
		require.NoError(tb, s.put(int64(i+1), &standing))
	}
	s.index.finish(in)
	return s
}

func generatedRef(i int) keystore.Ref {
	return sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i)))
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestStandingsAreSmall holds the memory of a subject, so that ten million are well under 1 GiB.
func TestStandingsAreSmall(t *testing.T) {
	const n = 200_000
	before := heap()
	s := generated(t, n)
	each := float64(heap()-before) / n
	require.Less(t, each, 64.0)
	require.Equal(t, n, s.Len())
	runtime.KeepAlive(s)
}
