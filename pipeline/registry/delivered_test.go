package registry

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/registry/delivery"
	"lethe/pipeline/registry/event"
)

// TestDelivered tells the events of signed deliveries from the others of the same source, and takes one that comes again
// with a signature for what it was.
func TestDelivered(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		take := func(signed bool, lines string) delivery.Report {
			report, err := f.r.Import(t.Context(), delivery.Import{Keys: f.key("crm"), Format: delivery.CSV, Source: "shop",
				Reader: strings.NewReader(header1 + lines), Signed: signed})
			require.NoError(t, err)
			return report
		}
		given := func(who string) string { return who + "@example.org,given,news,2026-01-10,,n,p\n" }
		require.Equal(t, 2, take(true, given("a")+given("b")).Events)
		require.Equal(t, 1, take(false, given("c")).Events)
		require.Equal(t, 2, take(true, given("c")+"d@example.org,withdrawn,news,2026-01-11,,,\n").Lines)
		require.Equal(t, 1, take(false, given("a")).Duplicates)
		list, err := f.r.Delivered(t.Context(), "crm", 0, 99)
		require.NoError(t, err)
		require.Equal(t, []Delivered{{"shop", event.Given, false, 1}, {"shop", event.Given, true, 2},
			{"shop", event.Withdrawn, true, 1}}, list)
		list, err = f.r.Delivered(t.Context(), "crm", 2, 3)
		require.NoError(t, err)
		require.Equal(t, []Delivered{{"shop", event.Given, false, 1}}, list)
		_, err = f.r.Retire(t.Context(), "crm", noon)
		require.NoError(t, err)
		list, err = f.r.Delivered(t.Context(), "crm", 0, 4)
		require.NoError(t, err)
		require.Equal(t, []Delivered{{"shop", event.Given, true, 3}, {"shop", event.Withdrawn, true, 1}}, list)
	})
}
