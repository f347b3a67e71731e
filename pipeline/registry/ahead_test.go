package registry

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/policy"
	"lethe/pipeline/registry/keystore"
)

// TestImportLooksAhead holds that a portion which is looked up while another one is written goes where it would have gone without.
func TestImportLooksAhead(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		t.Run("the same people in one portion after the other", func(t *testing.T) {
			f := newFixture(t)
			text := "email,phone,type,purpose,occurred_at,notice\n"
			for _, day := range []string{"01", "02", "03", "04", "05", "06"} {
				text += "ada@b.it,,given,news,2026-01-" + day + ",n\n" +
					"bob@b.it,+393331234567,given,news,2026-01-" + day + ",n\n" +
					",+393331234567,given,news,2026-02-" + day + ",n\n"
			}
			for _, rows := range []int{1, 2, 5} {
				silo := fmt.Sprint("forms", rows)
				report, err := f.r.Import(t.Context(), Import{Keys: f.key(silo), Reader: strings.NewReader(text), Format: CSV, Source: "crm", BatchRows: rows})
				require.NoError(t, err)
				require.Equal(t, ImportReport{Lines: 18, Events: 18}, report)
				s, err := f.r.Standings(t.Context(), silo, noon, nil)
				require.NoError(t, err)
				require.Equal(t, 2, s.Len(), "portions of %d", rows)
				require.NoError(t, f.r.Verify(t.Context(), silo, Head{}))
			}
		})
		t.Run("somebody else writes between two portions", func(t *testing.T) {
			f := newFixture(t)
			f.importCSV("forms", "email,type,purpose,occurred_at,notice\nfirst@b.it,given,news,2026-01-01,n\n")
			others := 0
			report, err := f.r.Import(t.Context(), Import{Keys: f.key("forms"), Format: CSV, Source: "crm", BatchRows: 1,
				Reader: strings.NewReader("email,type,purpose,occurred_at\nada@b.it,withdrawn,news,2026-02-01\nbob@b.it,withdrawn,news,2026-02-01\n"),
				Recorded: func(*Event) { // the next portion is looked up by now
					if others++; others == 1 {
						_, err := f.r.Append(t.Context(), f.key("forms"), Event{Type: Given, Purpose: "news", Notice: "n", OccurredAt: day("2026-01-01"), EffectiveFrom: day("2026-01-01"),
							Subjects: []Subject{{Kind: KindEmail, Value: "bob@b.it"}}})
						require.NoError(t, err)
					}
				}})
			require.NoError(t, err)
			require.Equal(t, ImportReport{Lines: 2, Events: 2}, report)
			bob := f.standing("forms", "bob@b.it", noon)
			require.Equal(t, policy.Withdrawn, bob.Purposes[0].State)
			require.Equal(t, []int64{3, 4}, []int64{bob.FirstSeq, bob.LastSeq})
			require.NoError(t, f.r.Verify(t.Context(), "forms", Head{}))
		})
	})
}

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
		{"somebody else wrote after the last portion", known(3), &lookedUp{before: [32]byte{3}, head: [32]byte{5}, aliases: last.aliases}, false, nil},
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
