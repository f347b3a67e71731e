package pipeline_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline"
	"lethe/pipeline/ask"
	"lethe/pipeline/journal"
	"lethe/pipeline/plan"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/setup"
)

// TestDeliveriesBetweenNightsAreNoNights: what hourly deliveries leave does not push the nights out of what
// is remembered and shown.
func TestDeliveriesBetweenNightsAreNoNights(t *testing.T) {
	w := granted(t, nil)
	w.Set("people", "3", "email", "no address") // an exception, from the first night on
	_, err := w.night()
	require.NoError(t, err)
	page, err := os.ReadFile(filepath.Join(w.Setup.Reports, "report.html"))
	require.NoError(t, err)
	first := w.Now
	for range 3 {
		w.synced()
	}
	after, err := os.ReadFile(filepath.Join(w.Setup.Reports, "report.html"))
	require.NoError(t, err)
	require.Equal(t, page, after, "the page is that of the night")
	s, err := ask.StatusOf(t.Context(), w.Setup)
	require.NoError(t, err)
	require.Equal(t, first, s.LastSuccess.In(rome))

	w.Setup.PolicyDigest = "another"
	w.synced()
	w.Now = first.AddDate(0, 0, 2)
	_, err = w.night()
	require.NoError(t, err)
	docs, err := plan.List(t.Context(), w.Setup, journal.Waiting)
	require.NoError(t, err)
	require.Len(t, docs, 1)
	for _, e := range w.facts().Exceptions {
		require.Equal(t, "2026-11-20", e.FirstSeen, e.Code)
	}
	for _, i := range w.facts().Inventory {
		if i.Object == "people" {
			require.Equal(t, "same", i.Change)
		}
	}
}

// TestChangedPolicyIsAskedAfterADelivery: a delivery, or an apply, that already ran under a changed policy
// does not answer the question that it raises.
func TestChangedPolicyIsAskedAfterADelivery(t *testing.T) {
	w := granted(t, nil)
	w.Setup.Breakers.NewSourceRuns = 0
	w.Set("people", "2", "email", "ada@lago.it")
	w.Set("people", "3", "email", "ada@lago.it")
	_, err := w.night()
	require.NoError(t, err)
	w.Setup.PolicyDigest = "another"
	w.Now = w.Now.AddDate(0, 0, 1)
	w.synced()
	_, err = pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "nightly", Phases: setup.ApplyOnly, Apply: true})
	require.NoError(t, err)
	w.Event(event.Withdrawn, "ada@lago.it", "news", w.Now)
	w.Now = w.Now.AddDate(0, 0, 1)
	_, err = w.night()
	require.ErrorIs(t, err, setup.ErrUnapproved)
	require.ErrorContains(t, err, "B_POLICY_CHANGED")
}
