package pipeline_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline"
	"lethe/pipeline/journal"
	"lethe/pipeline/policy/reason"
)

// onlyWithdrawn is an order for those who said no: bob may go, and eve's consent that ran out is for people to look at.
func onlyWithdrawn() []pipeline.Order {
	return []pipeline.Order{{Silo: "news", Reasons: []reason.Code{reason.DConsentWithdrawn}, MaxRows: 9, Until: mustDate("2027-01-01")}}
}

func TestOrdersLetGoWhatTheyCoverAndPeopleAreAskedAboutTheRest(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.usualEvents()
	w.p.Orders = onlyWithdrawn()
	r, err := w.night()
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"people delete done": 1}, settled(r))
	require.Len(t, r.Waiting, 1)
	require.Equal(t, []string{"1 ada@lago.it Ada active 2026-01-01", "3 eve@lago.it Eve active 2023-01-01"}, w.rows("people"))
	facts := w.facts()
	require.Len(t, facts.Approvals, 1)
	require.Equal(t, "order", facts.Approvals[0].Role)
	w.approve()
	require.Equal(t, map[string]int64{"people delete done": 1}, w.applied())
	require.Equal(t, []string{"1 ada@lago.it Ada active 2026-01-01"}, w.rows("people"))
}

// One order that allows too little must not make another one's rows wait.
func TestAnOrderThatIsPassedHoldsOnlyItsOwnRows(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.usualEvents()
	w.p.Orders = append(onlyWithdrawn(), pipeline.Order{Silo: "news", Reasons: []reason.Code{reason.DConsentExpired}, MaxRows: 0, Until: mustDate("2027-01-01")})
	r, err := w.night()
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"people delete done": 1}, settled(r))
	require.Len(t, r.Waiting, 1)
}

func TestARowWaitsWithTheRowThatHasToGoFirst(t *testing.T) {
	boss := field("boss", connectors.Integer, true)
	of := func(bob, eve any) mem.Table {
		return mem.Table{Def: connectors.Table{Name: "people", Fields: []connectors.Field{id, email, name, status, created, boss}, Key: []string{"id"}, ForeignKeys: []connectors.ForeignKey{fk("people", "boss")}},
			Rows: []mem.Row{{"1", "ada@lago.it", "Ada", "active", "2026-01-01", nil}, {"2", "bob@lago.it", "Bob", "active", "2026-01-01", bob}, {"3", "eve@lago.it", "Eve", "active", "2023-01-01", eve}}}
	}
	for _, c := range []struct {
		name     string
		bob, eve any
		done     int64
	}{
		{"eve refers to bob, who waits for her", nil, "2", 0},
		{"bob refers to eve, and goes alone", "3", nil, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, news(nil), of(c.bob, c.eve))
			w.usualEvents()
			w.p.Orders = onlyWithdrawn()
			r, err := w.night()
			require.NoError(t, err)
			require.Equal(t, c.done, settled(r)["people delete done"])
			require.Zero(t, settled(r)["people delete refused"])
			w.approve()
			w.applied()
			require.Equal(t, []string{"1 ada@lago.it Ada active 2026-01-01 -"}, w.rows("people"))
		})
	}
}

func TestABackupIsRewrittenOnce(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.usualEvents()
	dump := mem.New("dump", people())
	file := filepath.Join(w.dir, "crm.sql")
	require.NoError(t, os.WriteFile(file, []byte("a dump"), 0o600))
	w.p.Sources = append(w.p.Sources, pipeline.Source{Name: "dump", Application: "crm", Environment: "backup", Of: "crm", Path: file, Connector: "mem", Rewrite: &pipeline.RewriteTerms{},
		TakenAt: w.now.AddDate(0, 0, -1), Open: func(context.Context) (connectors.Source, error) { return dump, nil }})
	w.p.Orders = onlyWithdrawn()
	r, err := w.night()
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"people delete done": 1}, settled(r), "bob goes where the company works with him")
	docs, _, err := w.p.Plans(t.Context(), journal.Waiting)
	require.NoError(t, err)
	require.Len(t, docs, 1)
	rows := map[string]int64{}
	for _, c := range docs[0].Counts {
		rows[c.Source] += c.Rows
	}
	require.Equal(t, map[string]int64{"crm": 1, "dump": 2}, rows, "the file waits for both")
	w.approve()
	require.Equal(t, map[string]int64{"people delete done": 3}, w.applied())
}

// A run without --apply seals a plan that people may approve. It must not keep its rows from the night that comes, which has an order for them.
func TestADryRunDoesNotKeepTheNextNightFromItsOrders(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.usualEvents()
	w.p.Orders = onlyWithdrawn()
	dry, err := w.p.Run(t.Context(), pipeline.Options{Job: "nightly"})
	require.NoError(t, err)
	require.Len(t, dry.Waiting, 2, "what orders let go, and what people are asked about")
	require.Empty(t, w.facts().Approvals, "nobody has approved anything yet")
	w.p.Orders[0].Until = mustDate("2026-11-19")
	r, err := w.night()
	require.NoError(t, err)
	require.Empty(t, settled(r), "the order has run out")
	w.p.Orders[0].Until = mustDate("2027-01-01")
	w.now = w.now.AddDate(0, 0, 1)
	r, err = w.night()
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"people delete done": 1}, settled(r))
	require.Len(t, r.Waiting, 1)
}

func TestOrdersDoNotOverrulePeople(t *testing.T) {
	for name, alter := range map[string]func(w *world, plan string){
		"an objection": func(w *world, plan string) {
			_, err := w.p.Approve(w.t.Context(), plan, "dora", "object", "not yet", w.people["dora"])
			require.NoError(w.t, err)
		},
		"a policy changed since": func(w *world, _ string) { w.p.PolicyDigest = "another" },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, news(nil), people())
			w.usualEvents()
			w.p.Orders = onlyWithdrawn()
			dry, err := w.p.Run(t.Context(), pipeline.Options{Job: "nightly"})
			require.NoError(t, err)
			for _, plan := range dry.Waiting {
				alter(w, plan)
			}
			r, err := w.night()
			require.NoError(t, err)
			require.Empty(t, settled(r))
			require.Len(t, r.Waiting, 2)
		})
	}
}

// What an order allows a night holds for all the plans that it lets go that night.
func TestAnOrderCountsOverThePlansOfANight(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.usualEvents()
	w.p.Orders = onlyWithdrawn()
	w.p.Orders[0].MaxRows = 1
	_, err := w.p.Run(t.Context(), pipeline.Options{Job: "nightly"})
	require.NoError(t, err)
	w.event("withdrawn", "ada@lago.it", "news", w.now)
	w.now = w.now.AddDate(0, 0, 1)
	r, err := w.night()
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"people delete done": 1}, settled(r))
	require.Len(t, w.rows("people"), 2)
}
