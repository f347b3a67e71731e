package silos

import (
	"crypto/sha256"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/registry/keystore"
)

func refOf(n int) keystore.Ref {
	return sha256.Sum256(binary.LittleEndian.AppendUint64(nil, uint64(n)))
}

// TestPeopleForgetNobody holds everybody who was added, through several parts, and hardly anybody else.
func TestPeopleForgetNobody(t *testing.T) {
	const added, asked = 60_000, 200_000
	var p People
	for i := range added {
		ref := refOf(i)
		p.Add((*[16]byte)(ref[:]))
	}
	require.Greater(t, len(p.parts), 2, "several parts are tried")
	for i := range added {
		ref := refOf(i)
		require.True(t, p.Has((*[16]byte)(ref[:])), i)
	}
	others := 0
	for i := range asked {
		if ref := refOf(added + i); p.Has((*[16]byte)(ref[:])) {
			others++
		}
	}
	require.Less(t, others, asked/2000)
}

// TestPeopleAreNobodyAtFirst knows nobody before somebody was added.
func TestPeopleAreNobodyAtFirst(t *testing.T) {
	var h Held
	require.False(t, h.Stays(refOf(1), nil))
	require.False(t, h.Stays(refOf(1), []int32{1, 2}))
}
