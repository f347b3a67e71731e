package registry

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/policy"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/delivery"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/identifier"
)

// TestImportLooksAhead holds that a portion which is looked up while another one is written goes where it
// would have gone without.
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
				report, err := f.r.Import(t.Context(),
					delivery.Import{Keys: f.key(silo), Reader: strings.NewReader(text), Format: delivery.CSV,
						Source: "crm", BatchRows: rows})
				require.NoError(t, err)
				require.Equal(t, delivery.Report{Lines: 18, Events: 18}, report)
				s, err := f.r.Standings(t.Context(), silo, noon, nil)
				require.NoError(t, err)
				require.Equal(t, 2, s.Len(), "portions of %d", rows)
				require.NoError(t, f.r.Verify(t.Context(), silo, chain.Head{}))
			}
		})
		t.Run("somebody else writes between two portions", func(t *testing.T) {
			f := newFixture(t)
			f.importCSV("forms", "email,type,purpose,occurred_at,notice\nfirst@b.it,given,news,2026-01-01,n\n")
			others := 0
			report, err := f.r.Import(t.Context(), delivery.Import{Keys: f.key("forms"), Format: delivery.CSV,
				Source: "crm", BatchRows: 1,
				Reader: strings.NewReader("email,type,purpose,occurred_at\nada@b.it,withdrawn,news,2026-02-01\n" +
					"bob@b.it,withdrawn,news,2026-02-01\n"),
				Recorded: func(*event.Event) { // the next portion is looked up by now
					if others++; others == 1 {
						_, err := f.r.Append(t.Context(), f.key("forms"),
							event.Event{Type: event.Given, Purpose: "news", Notice: "n",
								OccurredAt: day("2026-01-01"), EffectiveFrom: day("2026-01-01"),
								Subjects: []event.Subject{{Kind: identifier.Email, Value: "bob@b.it"}}})
						require.NoError(t, err)
					}
				}})
			require.NoError(t, err)
			require.Equal(t, delivery.Report{Lines: 2, Events: 2}, report)
			bob := f.standing("forms", "bob@b.it", noon)
			require.Equal(t, policy.Withdrawn, bob.Purposes[0].State)
			require.Equal(t, []int64{3, 4}, []int64{bob.FirstSeq, bob.LastSeq})
			require.NoError(t, f.r.Verify(t.Context(), "forms", chain.Head{}))
		})
	})
}
