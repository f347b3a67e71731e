package registry

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/registry/chain"
)

// TestReseal edits as a superuser, and lets two people go on: what the events bear out, or what nothing else says,
// holds afterwards; what they say otherwise is refused, and stays as it is.
func TestReseal(t *testing.T) {
	sealed := 0
	for name, c := range beside {
		refused := name == "a request removed" || strings.HasPrefix(name, "an event") || strings.HasPrefix(name, "a payload") || name == "a purpose changed" ||
			name == "the sums of the other silo" || name == "a hold released" || name == "a hold removed"
		of := strings.Contains(c.edit, " request ") || strings.Contains(c.edit, "legal_hold")
		if !refused {
			sealed++
		}
		t.Run(name, func(t *testing.T) {
			embedded(t, slices.Contains(onServers, name), func(t *testing.T, newFixture newFixture) {
				f := furnished(t, newFixture)
				heads, err := f.r.Heads(t.Context())
				require.NoError(t, err)
				seen := map[string]chain.Head{}
				for _, h := range heads {
					seen[h.Silo] = h
				}
				config := f.config
				config.Keys = f.keys
				none, err := Reseal(t.Context(), config, seen, func([]Resealed) error { return errors.New("asked") })
				require.NoError(t, err)
				require.Empty(t, none, "every row holds")

				state := f.state("crm")
				f.superuser(c.edit)
				no := errors.New("nobody agrees")
				_, err = Reseal(t.Context(), config, seen, func([]Resealed) error { return no })
				require.Error(t, err)
				f.r = f.open(Config{})
				require.Error(t, f.whole("crm"), "nothing was changed")
				var asked []Resealed
				done, err := Reseal(t.Context(), config, seen, func(r []Resealed) error { asked = r; return nil })
				f.r = f.open(Config{})
				if refused {
					require.ErrorIs(t, err, chain.ErrTampered)
					require.Error(t, f.whole("crm"))
					return
				}
				require.NoError(t, err)
				require.Equal(t, asked, done)
				require.Equal(t, "crm", done[0].Silo)
				require.ErrorIs(t, done[0].What, chain.ErrTampered)
				require.Equal(t, strings.Contains(c.edit, "subject_alias"), done[0].Put+done[0].TakenOut > 0)
				for _, silo := range []string{"crm", "shop"} {
					require.NoError(t, f.whole(silo))
					require.NoError(t, f.read(silo))
				}
				if of {
					require.Equal(t, state, f.state("crm"), "what is not as it was written is as the events say")
				}
				f.importCSV("crm", header1+"d@example.org,given,news,2026-03-10,,n,p\n")
				require.NoError(t, f.whole("crm"))
				_, err = Reseal(t.Context(), config, map[string]chain.Head{"crm": {Silo: "crm", Seq: 999}},
					func([]Resealed) error { return nil })
				require.NoError(t, err, "every row holds: which events a night saw is not asked")
			})
		})
	}
	require.Greater(t, sealed, 12)
}
