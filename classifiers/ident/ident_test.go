package ident_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/classifiers/ident"
)

// match asks a scheme about a value as it stands in a field.
func match(s *ident.Scheme, value string) bool {
	compact, ok := ident.Compact(nil, []byte(value))
	if !ok {
		compact = nil
	}
	return ident.Match(s, ident.Number{Raw: []byte(value), Compact: compact})
}

func TestExamples(t *testing.T) {
	for _, s := range ident.All() {
		t.Run(s.ID, func(t *testing.T) {
			for i, v := range s.Valid {
				require.True(t, match(&s, v), "valid example %d", i)
			}
			for i, v := range s.Invalid {
				require.False(t, match(&s, v), "invalid example %d", i)
			}
		})
	}
}

func TestAllIsSortedAndFresh(t *testing.T) {
	all := ident.All()
	require.True(t, slices.IsSortedFunc(all, func(a, b ident.Scheme) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	}), "sorted, no ID twice")
	all[0].ID = "changed"
	require.NotEqual(t, "changed", ident.All()[0].ID)
}
