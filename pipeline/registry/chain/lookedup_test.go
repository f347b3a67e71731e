package chain

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/registry/keystore"
)

func TestLookedUpAt(t *testing.T) {
	ada, bob := keystore.Ref{1}, keystore.Ref{2}
	known := func(head byte) *lookedUp {
		return &lookedUp{head: [32]byte{head}, aliases: map[keystore.Ref][]int64{ada: {1}, bob: nil}}
	}
	last := &lookedUp{before: [32]byte{3}, head: [32]byte{4}, aliases: map[keystore.Ref][]int64{bob: {2}}}
	tests := []struct {
		name  string
		known *lookedUp
		last  *lookedUp
		ok    bool
		bob   []int64
	}{
		{"nothing was looked up", nil, last, false, nil},
		{"after the last portion", known(4), last, true, nil},
		{"before the last portion", known(3), last, true, []int64{2}},
		{"before the last but one", known(2), last, false, nil},
		{"the first portion", known(4), nil, true, nil},
		{"the first portion, and somebody else wrote", known(3), nil, false, nil},
		{"somebody else wrote after the last portion", known(3), &lookedUp{before: [32]byte{3}, head: [32]byte{5},
			aliases: last.aliases}, false, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			aliases, ok := test.known.at([32]byte{4}, test.last)
			require.Equal(t, test.ok, ok)
			if ok {
				require.Equal(t, map[keystore.Ref][]int64{ada: {1}, bob: test.bob}, aliases)
			}
		})
	}
}
