package registry

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/pipeline/policy"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/retention"
)

func twoYears(since time.Time) time.Time { return since.AddDate(2, 0, 0) }

func TestExpireDue(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		f.importCSV("newsletter", header1+
			"old@example.org,given,newsletter,2024-01-10,,n3,p\n"+ // ends by max_age
			"term@example.org,given,newsletter,2026-01-10,2026-10-01,n3,p\n"+ // ends by its own term
			"gone@example.org,given,newsletter,2024-01-10,,n3,p\n"+
			"gone@example.org,withdrawn,newsletter,2025-01-10,,,\n"+
			"live@example.org,given,newsletter,2026-01-10,,n3,p\n"+
			"other@example.org,given,profiling,2020-01-10,,n3,p\n") // no max_age given for this purpose
		ends := retention.ExpiryEnds{"newsletter": twoYears}
		known, err := f.r.Standings(t.Context(), "newsletter", noon, nil)
		require.NoError(t, err)
		n, err := f.r.ExpireDue(t.Context(), "newsletter", noon, ends, known)
		require.NoError(t, err)
		require.Equal(t, 2, n)
		n, err = f.r.ExpireDue(t.Context(), "newsletter", noon, ends, nil)
		require.NoError(t, err)
		require.Zero(t, n)
		old := f.standing("newsletter", "old@example.org", noon).Purposes[0]
		require.Equal(t, policy.Expired, old.State)
		require.Equal(t, day("2026-01-10"), old.Since)
		require.Equal(t, day("2026-10-01"), f.standing("newsletter", "term@example.org", noon).Purposes[0].Since)
		require.Equal(t, policy.Given, f.standing("newsletter", "live@example.org", noon).Purposes[0].State)
		require.Equal(t, policy.Withdrawn, f.standing("newsletter", "gone@example.org", noon).Purposes[0].State)
		require.Equal(t, policy.Given, f.standing("newsletter", "other@example.org", noon).Purposes[0].State)

		t.Run("what nobody could prove stays unproven", func(t *testing.T) {
			f.importCSV("newsletter", header1+"bare@example.org,given,newsletter,2023-05-05,,n3,\n")
			n, err := f.r.ExpireDue(t.Context(), "newsletter", noon, ends, nil)
			require.NoError(t, err)
			require.Equal(t, 1, n)
			require.True(t, f.standing("newsletter", "old@example.org", noon).Purposes[0].Proven)
			bare := f.standing("newsletter", "bare@example.org", noon).Purposes[0]
			require.Equal(t, policy.Expired, bare.State)
			require.False(t, bare.Proven)
		})
		t.Run("what is recorded late is seen by the next pass", func(t *testing.T) {
			f.importCSV("newsletter", header1+"late@example.org,given,newsletter,2023-05-05,,n3,p\n")
			n, err := f.r.ExpireDue(t.Context(), "newsletter", noon, ends, known)
			require.NoError(t, err)
			require.Equal(t, 1, n)
		})
		t.Run("a renewal recorded late outlives the expiry of what it renewed", func(t *testing.T) {
			f.importCSV("newsletter", header1+"old@example.org,renewed,newsletter,2025-06-01,,n3,p\n")
			n, err := f.r.ExpireDue(t.Context(), "newsletter", noon, ends, nil)
			require.NoError(t, err)
			require.Zero(t, n)
			require.Equal(t, policy.Renewed, f.standing("newsletter", "old@example.org", noon).Purposes[0].State)
		})
		t.Run("one that another hid ends after it", func(t *testing.T) {
			f.importCSV("newsletter", header1+"two@example.org,given,newsletter,2023-05-05,,n3,p\n"+
				"two@example.org,given,newsletter,2025-06-05,2026-06-01,n3,\n") // which nobody can prove
			for pass, want := range []int{1, 1, 0} {
				n, err := f.r.ExpireDue(t.Context(), "newsletter", noon, ends, known)
				require.NoError(t, err)
				require.Equal(t, want, n, pass)
			}
			require.Equal(t, day("2026-06-01"), f.standing("newsletter", "two@example.org", noon).Purposes[0].Since)
		})
		t.Run("the live one ends on its day, whatever is known of another", func(t *testing.T) {
			n, err := f.r.ExpireDue(t.Context(), "newsletter", day("2028-01-10").Add(-time.Microsecond), ends, known)
			require.NoError(t, err)
			require.Equal(t, 1, n) // the renewal of 2025-06-01
			n, err = f.r.ExpireDue(t.Context(), "newsletter", day("2028-01-10"), ends, nil)
			require.NoError(t, err)
			require.Equal(t, 1, n)
		})
		t.Run("expiry is no delivery", func(t *testing.T) {
			heads, err := f.r.Heads(t.Context())
			require.NoError(t, err)
			require.Equal(t, noon, heads[0].HeardAt)
			require.Equal(t, day("2028-01-10"), heads[0].RecordedAt)
		})
		require.NoError(t, f.r.Verify(t.Context(), "newsletter", chain.Head{}))
	})
}

// TestLatestEnded checks the search against the definition.

// What is known of a silo says as much of what ended as its events, whatever they are, pass after pass.
func TestExpireDueByWhatIsKnown(t *testing.T) {
	days := []string{"2021-03-01", "2022-02-28", "2023-11-21", "2024-11-20", "2024-11-21", "2024-11-22", "2026-06-01",
		"2026-11-21"}
	ends := retention.ExpiryEnds{"newsletter": twoYears}
	rapid.Check(t, func(rt *rapid.T) {
		read, told := newSQLite(t), newSQLite(t)
		asOf := noon
		for range rapid.IntRange(1, 3).Draw(rt, "passes") {
			text := header1
			for range rapid.IntRange(1, 12).Draw(rt, "events") {
				draw := func(what string, of ...string) string { return rapid.SampledFrom(of).Draw(rt, what) }
				typ, from := draw("type", "given", "given", "renewed", "withdrawn", "expired", "refused"), draw("from", days...)
				notice, until, proof := "", "", draw("proof", "", "p")
				if typ == "given" || typ == "renewed" {
					if notice, proof = "n3", "p"; draw("ends", "", "by itself") != "" {
						until = max(draw("until", days...), from)
					}
				}
				text += strings.Join([]string{draw("who", "a", "b", "c") + "@example.org", typ,
					draw("purpose", "newsletter", "profiling"), from, until, notice, proof}, ",") + "\n"
			}
			asOf = asOf.AddDate(0, rapid.IntRange(0, 9).Draw(rt, "months"), 0)
			var written [2]int
			var stand [2][]policy.Standing
			for i, f := range []*fixture{read, told} {
				f.importCSV("newsletter", text)
				known, err := f.r.Standings(t.Context(), "newsletter", asOf, nil)
				require.NoError(t, err)
				if f == read {
					known = nil
				}
				written[i], err = f.r.ExpireDue(t.Context(), "newsletter", asOf, ends, known)
				require.NoError(t, err)
				again, err := f.r.ExpireDue(t.Context(), "newsletter", asOf, ends, known)
				require.NoError(t, err)
				require.Zero(rt, again, "what ended has its event\n%s", text)
				now, err := f.r.Standings(t.Context(), "newsletter", asOf.AddDate(0, 1, 0), nil)
				require.NoError(t, err)
				stand[i] = make([]policy.Standing, now.Len())
				for c := range stand[i] {
					require.True(t, now.At(int32(c+1), &stand[i][c]))
				}
			}
			require.Equal(rt, written[0], written[1], text)
			require.Equal(rt, stand[0], stand[1], text)
		}
	})
}
