package change

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/connectors"
	"lethe/pipeline/judge"
)

// A set has its changes as they were added, however many there are and whatever they have alike.
func TestASetHasItsChanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SampledFrom([]string{"", "a", "b"})
		words := rapid.SliceOfN(word, 0, 2)
		var changes []Change
		for range rapid.IntRange(0, 200).Draw(t, "changes") {
			c := Change{Unit: rapid.Int64().Draw(t, "unit"), Level: rapid.IntRange(0, 3).Draw(t, "level"),
				Kind: Kind(word.Draw(t, "kind")), Silo: word.Draw(t, "silo"), Mapping: rapid.IntRange(0, 1).Draw(t, "mapping"),
				Table: word.Draw(t, "table"), Op: judge.Change(word.Draw(t, "op")), Fields: words.Draw(t, "fields"),
				Detach: words.Draw(t, "detach"), Guard: judge.Guard{rapid.Byte().Draw(t, "guard")},
				Subject: [32]byte{1: rapid.Byte().Draw(t, "subject")}, Record: [32]byte{2: rapid.Byte().Draw(t, "record")},
				Key: connectors.Key(strings.Repeat(word.Draw(t, "key"), rapid.SampledFrom([]int{1, 5, 40_000, 70_000}).Draw(t, "times")))}
			for range rapid.SampledFrom([]int{0, 1, 3, 700, 1500}).Draw(t, "refs") {
				c.Refs = append(c.Refs, Ref{Row: len(changes), Edge: len(c.Refs)})
			}
			changes = append(changes, c)
		}
		s := SetOf(nil, changes...)
		require.Len(t, s.Rows, len(changes))
		for i, c := range changes {
			r := s.Rows[i]
			require.True(t, slices.Equal(c.Fields, r.Fields) && slices.Equal(c.Detach, r.Detach) && slices.Equal(c.Refs, r.Refs), i)
			c.Fields, c.Detach, c.Refs = nil, nil, nil
			require.Equal(t, c, Change{Unit: r.Unit, Level: r.Level, Kind: r.Kind, Silo: r.Silo, Mapping: r.Mapping,
				Table: r.Table, Key: r.Key, Op: r.Op, Guard: r.Guard, Subject: r.Subject, Record: r.Record})
		}
	})
}
