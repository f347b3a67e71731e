package reason

import (
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCodesHaveWordsAndArticles(t *testing.T) {
	all := Codes()
	require.True(t, slices.IsSorted(all))
	require.Len(t, slices.Compact(all), len(codes))
	for _, c := range all {
		require.Regexp(t, regexp.MustCompile(`^[A-Z][^.]*\.$`), c.Words(), c)
		require.Regexp(t, regexp.MustCompile(`^(Art\.|Recital) \d`), c.Article(), c)
	}
	require.Empty(t, Code("X").Words())
	require.Empty(t, Code("X").Article())
}
