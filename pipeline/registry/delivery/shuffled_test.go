package delivery

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/pipeline/registry/event"
)

// TestShuffled reads every line once, keeps the order of those of one person, and ends with what the delivery ends with.
func TestShuffled(t *testing.T) {
	broken := errors.New("broken")
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(0, 60).Draw(rt, "lines")
		end := rapid.SampledFrom([]error{io.EOF, broken}).Draw(rt, "end")
		people := make([]int, n)
		for i := range people {
			people[i] = rapid.IntRange(0, 20).Draw(rt, "person")
		}
		at := 0
		reader, err := NewReader(Import{Source: "crm", Next: func(e *event.Event) error {
			if at++; at > n {
				return end
			}
			if people[at-1] == 0 {
				return event.Refuse(event.BadLine, "")
			}
			e.Subjects = append(e.Subjects, event.Subject{Kind: "email",
				Value: fmt.Sprintf("%sp%d@example.org", []string{"", " "}[at%2], people[at-1])})
			return nil
		}})
		require.NoError(rt, err)
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		s := reader.Shuffled(rng.Shuffle)
		seen, last := map[int]bool{}, map[int]int{}
		for {
			var e event.Event
			line, err := s.Next(&e)
			if err != nil && !IsRefused(err) {
				require.Equal(rt, end == broken, errors.Is(err, broken))
				require.Equal(rt, end == io.EOF, errors.Is(err, io.EOF))
				break
			}
			require.False(rt, seen[line])
			seen[line] = true
			person := people[line-1]
			require.Equal(rt, person == 0, err != nil)
			if person != 0 {
				require.Greater(rt, line, last[person], "of one person, in the order in which they came")
				last[person] = line
			}
		}
		require.Len(rt, seen, n)
	})
}
