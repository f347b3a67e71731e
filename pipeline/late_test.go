package pipeline_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline"
	"lethe/pipeline/policy"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/setup"
)

// What goes with a person who is anonymized is looked for under the lock too: what came after the plan would
// stay for ever, since nothing is left to be done for who is anonymized.
func TestNobodyIsAnonymizedWhileSomethingThatCameLateStays(t *testing.T) {
	refers := []connectors.ForeignKey{fk("people", "person")}
	fields := []connectors.Field{id, field("person", connectors.Integer, false)}
	notes := table("notes", fields, refers, []any{"1", "2"})
	phones := func(rows ...[]any) mem.Table { return table("phones", fields, refers, rows...) }
	for name, after := range map[string]mem.Table{
		"a new row":                   phones([]any{"1", "2"}, []any{"2", "1"}, []any{"3", "2"}),
		"one of somebody who is kept": phones([]any{"1", "2"}, []any{"2", "2"}),
	} {
		t.Run(name, func(t *testing.T) {
			null := "null"
			w := newWorld(t, news(func(s *policy.Silo) {
				depends(policy.Dependent{Table: "phones", FK: []string{"person"}, Do: "delete"})(s)
				s.Rules[0].Else, s.Anonymize = policy.Anonymize, map[string]*string{"email": &null, "name": &null}
			}), people(), notes, phones([]any{"1", "2"}, []any{"2", "1"}))
			w.UsualEvents()
			w.planned()
			w.Live = mem.New("crm", people(), notes, after)
			require.Equal(t, int64(1), w.applied()["people anonymize skipped_drift"])
			require.Contains(t, w.Rows("people"), "2 bob@lago.it Bob active 2026-01-01")
			require.Len(t, w.Rows("phones"), len(after.Rows))
			w.Now = w.Now.AddDate(0, 0, 1)
			w.planned()
			require.Equal(t, int64(1), w.applied()["people anonymize done"])
			require.NotContains(t, strings.Join(w.Rows("phones"), "\n"), " 2")
		})
	}
}

// A unit that is too large for one transaction is begun only if all of it can go, as far as can be seen.
func TestALargeUnitIsNotBegunThatCannotBeEnded(t *testing.T) {
	refers := []connectors.ForeignKey{fk("people", "person")}
	fields := []connectors.Field{id, field("person", connectors.Integer, false)}
	const bob = "2 bob@lago.it Bob active 2026-01-01"
	var rows [][]any
	for i := range 6000 {
		rows = append(rows, []any{strconv.Itoa(i + 1), "2"})
	}
	for name, c := range map[string]struct {
		come     func(w *world)
		point    string // at which it does; "": before anything is begun
		orders   int
		customer string
	}{
		"nothing comes": {func(*world) {}, "", 0, "done"},
		"what holds the root comes before": {func(w *world) { w.Set("claims", "1", "person", "2") }, "", 6000,
			"skipped_drift"},
		"what holds a later row comes before": {func(w *world) { w.Set("notes", "1", "ord", "1") }, "", 6000,
			"skipped_drift"},
		"the root moves before": {func(w *world) { w.Event(event.Given, "bob@lago.it", "news", w.Now) }, "", 6000,
			"skipped_drift"},
		"what holds the root comes in between": {func(w *world) { w.Set("claims", "1", "person", "2") }, "changed", 1000,
			"skipped_drift HALF_DONE"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, news(depends(policy.Dependent{Table: "orders", FK: []string{"person"}, Do: "delete"})),
				people(), table("orders", fields, refers, rows...),
				table("claims", fields, refers, []any{"1", "1"}),
				table("notes", []connectors.Field{id, field("ord", connectors.Integer, true)},
					[]connectors.ForeignKey{fk("orders", "ord")}, []any{"1", nil}))
			w.Setup.Breakers.MaxRows = 0
			w.UsualEvents()
			w.planned()
			if c.point == "" {
				c.come(w)
			}
			w.Setup.Crash = func(point string) {
				if point == c.point {
					c.come(w)
				}
			}
			r, err := pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "nightly", Phases: setup.ApplyOnly, Apply: true})
			require.Len(t, w.Rows("orders"), c.orders)
			customer, _, half := strings.Cut(c.customer, " ")
			require.Positive(t, settled(r)["people delete "+customer])
			require.Equal(t, customer == "done", !slices.Contains(w.Rows("people"), bob), "%v", w.Rows("people"))
			if half {
				require.ErrorContains(t, err, "is gone in part")
				return
			}
			require.NoError(t, err)
		})
	}
}
