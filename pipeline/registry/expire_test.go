package registry

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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
		n, err := f.r.ExpireDue(t.Context(), "newsletter", noon, ends)
		require.NoError(t, err)
		require.Equal(t, 2, n)
		n, err = f.r.ExpireDue(t.Context(), "newsletter", noon, ends)
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
			n, err := f.r.ExpireDue(t.Context(), "newsletter", noon, ends)
			require.NoError(t, err)
			require.Equal(t, 1, n)
			require.True(t, f.standing("newsletter", "old@example.org", noon).Purposes[0].Proven)
			bare := f.standing("newsletter", "bare@example.org", noon).Purposes[0]
			require.Equal(t, policy.Expired, bare.State)
			require.False(t, bare.Proven)
		})
		t.Run("what is recorded late is seen by the next pass", func(t *testing.T) {
			f.importCSV("newsletter", header1+"late@example.org,given,newsletter,2023-05-05,,n3,p\n")
			n, err := f.r.ExpireDue(t.Context(), "newsletter", noon, ends)
			require.NoError(t, err)
			require.Equal(t, 1, n)
		})
		t.Run("a renewal recorded late outlives the expiry of what it renewed", func(t *testing.T) {
			f.importCSV("newsletter", header1+"old@example.org,renewed,newsletter,2025-06-01,,n3,p\n")
			n, err := f.r.ExpireDue(t.Context(), "newsletter", noon, ends)
			require.NoError(t, err)
			require.Zero(t, n)
			require.Equal(t, policy.Renewed, f.standing("newsletter", "old@example.org", noon).Purposes[0].State)
		})
		t.Run("the live one ends on its day", func(t *testing.T) {
			n, err := f.r.ExpireDue(t.Context(), "newsletter", day("2028-01-10").Add(-time.Microsecond), ends)
			require.NoError(t, err)
			require.Equal(t, 1, n) // the renewal of 2025-06-01
			n, err = f.r.ExpireDue(t.Context(), "newsletter", day("2028-01-10"), ends)
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
