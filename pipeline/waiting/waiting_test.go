package waiting_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/connectors"
	"lethe/pipeline/waiting"
)

// Rows remember what a map does.
func TestRows(t *testing.T) {
	word := rapid.SampledFrom([]string{"a", "b", "ab", ""})
	rapid.Check(t, func(t *rapid.T) {
		var rows waiting.Rows
		want := map[waiting.Place]bool{}
		place := func() waiting.Place {
			return waiting.Place{Source: word.Draw(t, "source"), Table: word.Draw(t, "table"),
				Key: connectors.Key(word.Draw(t, "key"))}
		}
		for range rapid.IntRange(0, 40).Draw(t, "rows") {
			p, anonymizes := place(), rapid.Bool().Draw(t, "anonymizes")
			rows.Add(p, anonymizes)
			want[p] = anonymizes
		}
		for range 30 {
			p := place()
			anonymizes, is := want[p]
			require.Equal(t, is, rows.Has(p))
			require.Equal(t, anonymizes, rows.Anonymizes(p))
		}
		got := map[waiting.Place]bool{}
		for p, anonymizes := range rows.All() {
			got[p] = anonymizes
		}
		require.Equal(t, want, got)
		require.Equal(t, len(want), rows.Len())
		for range rows.All() {
			break
		}
	})
	var none *waiting.Rows
	require.False(t, none.Has(waiting.Place{}))
	require.False(t, none.Anonymizes(waiting.Place{}))
	require.Zero(t, none.Len())
}
