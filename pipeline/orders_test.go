package pipeline_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline"
	"lethe/pipeline/journal"
	"lethe/pipeline/plan"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/setup"
)

// onlyWithdrawn is an order for those who said no: bob may go, and eve's consent that ran out is for people
// to look at.
func onlyWithdrawn() []setup.Order {
	return []setup.Order{{Silo: "news", Reasons: []reason.Code{reason.DConsentWithdrawn}, MaxRows: 9,
		Until: mustDate("2027-01-01")}}
}

func TestOrdersLetGoWhatTheyCoverAndPeopleAreAskedAboutTheRest(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	w.Setup.Orders = onlyWithdrawn()
	r, err := w.night()
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"people delete done": 1}, settled(r))
	require.Len(t, r.Waiting, 1)
	require.Equal(t, []string{"1 ada@lago.it Ada active 2026-01-01", "3 eve@lago.it Eve active 2023-01-01"},
		w.Rows("people"))
	facts := w.facts()
	require.Len(t, facts.Approvals, 1)
	require.Equal(t, "order", facts.Approvals[0].Role)
	w.approve()
	require.Equal(t, map[string]int64{"people delete done": 1}, w.applied())
	require.Equal(t, []string{"1 ada@lago.it Ada active 2026-01-01"}, w.Rows("people"))
}

// One order that allows too little must not make another one's rows wait.
func TestAnOrderThatIsPassedHoldsOnlyItsOwnRows(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	w.Setup.Orders = append(onlyWithdrawn(),
		setup.Order{Silo: "news", Reasons: []reason.Code{reason.DConsentExpired}, MaxRows: 0,
			Until: mustDate("2027-01-01")})
	r, err := w.night()
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"people delete done": 1}, settled(r))
	require.Len(t, r.Waiting, 1)
}

func TestARowWaitsWithTheRowThatHasToGoFirst(t *testing.T) {
	boss := field("boss", connectors.Integer, true)
	of := func(bob, eve any) mem.Table {
		return mem.Table{Def: connectors.Table{Name: "people",
			Fields: []connectors.Field{id, email, name, status, created, boss}, Key: []string{"id"},
			ForeignKeys: []connectors.ForeignKey{fk("people", "boss")}},
			Rows: []mem.Row{{"1", "ada@lago.it", "Ada", "active", "2026-01-01", nil},
				{"2", "bob@lago.it", "Bob", "active", "2026-01-01", bob},
				{"3", "eve@lago.it", "Eve", "active", "2023-01-01", eve}}}
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
			w.UsualEvents()
			w.Setup.Orders = onlyWithdrawn()
			r, err := w.night()
			require.NoError(t, err)
			require.Equal(t, c.done, settled(r)["people delete done"])
			require.Zero(t, settled(r)["people delete refused"])
			w.approve()
			w.applied()
			require.Equal(t, []string{"1 ada@lago.it Ada active 2026-01-01 -"}, w.Rows("people"))
		})
	}
}

// A row that stays because something undeclared refers to it must not shift which of the others wait.
func TestARowWaitsThoughAnotherRowIsHeldBack(t *testing.T) {
	boss, person := field("boss", connectors.Integer, true), field("person", connectors.Integer, false)
	w := newWorld(t, news(nil),
		table("people", []connectors.Field{id, email, name, status, created, boss},
			[]connectors.ForeignKey{fk("people", "boss")},
			[]any{"1", "zoe@lago.it", "Zoe", "active", "2026-01-01", nil},
			[]any{"2", "bob@lago.it", "Bob", "active", "2026-01-01", nil},
			[]any{"3", "eve@lago.it", "Eve", "active", "2023-01-01", "2"}),
		table("orders", []connectors.Field{id, person}, []connectors.ForeignKey{fk("people", "person")},
			[]any{"10", "1"}))
	w.UsualEvents()
	w.Event(event.Given, "zoe@lago.it", "news", time.Date(2026, 1, 1, 9, 0, 0, 0, rome))
	w.Event(event.Withdrawn, "zoe@lago.it", "news", time.Date(2026, 10, 1, 9, 0, 0, 0, rome))
	w.Setup.Orders = onlyWithdrawn()
	r, err := w.night()
	require.NoError(t, err)
	require.Empty(t, settled(r), "bob waits for eve, whom people are asked about")
	w.approve()
	require.Equal(t, map[string]int64{"people delete done": 2}, w.applied())
	require.Equal(t, []string{"1 zoe@lago.it Zoe active 2026-01-01 -"}, w.Rows("people"))
}

func TestABackupIsRewrittenOnce(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	dump := mem.New("dump", people())
	file := filepath.Join(w.Dir, "crm.sql")
	require.NoError(t, os.WriteFile(file, []byte("a dump"), 0o600))
	w.Setup.Sources = append(w.Setup.Sources,
		setup.Source{Name: "dump", Application: "crm", Environment: "backup", Of: "crm", Path: file,
			Connector: "mem", Rewrite: &setup.RewriteTerms{},
			TakenAt: w.Now.AddDate(0, 0, -1),
			Open:    func(context.Context) (connectors.Source, error) { return dump, nil }})
	w.Setup.Orders = onlyWithdrawn()
	r, err := w.night()
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"people delete done": 1}, settled(r), "bob goes where the company works with him")
	docs, err := plan.List(t.Context(), w.Setup, journal.Waiting)
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

// A run without --apply seals a plan that people may approve. It must not keep its rows from the night that
// comes, which has an order for them.
func TestADryRunDoesNotKeepTheNextNightFromItsOrders(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	w.Setup.Orders = onlyWithdrawn()
	dry, err := pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "nightly"})
	require.NoError(t, err)
	require.Len(t, dry.Waiting, 2, "what orders let go, and what people are asked about")
	require.Empty(t, w.facts().Approvals, "nobody has approved anything yet")
	w.Setup.Orders[0].Until = mustDate("2026-11-19")
	r, err := w.night()
	require.NoError(t, err)
	require.Empty(t, settled(r), "the order has run out")
	w.Setup.Orders[0].Until = mustDate("2027-01-01")
	w.Now = w.Now.AddDate(0, 0, 1)
	r, err = w.night()
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"people delete done": 1}, settled(r))
	require.Len(t, r.Waiting, 1)
}

func TestOrdersDoNotOverrulePeople(t *testing.T) {
	for name, alter := range map[string]func(w *world, waits string){
		"an objection": func(w *world, waits string) {
			_, _, err := plan.Approve(w.T.Context(), w.Setup, waits, "dora", "object", "not yet", w.Signers["dora"])
			require.NoError(w.T, err)
		},
		"a policy changed since": func(w *world, _ string) { w.Setup.PolicyDigest = "another" },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, news(nil), people())
			w.UsualEvents()
			w.Setup.Orders = onlyWithdrawn()
			dry, err := pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "nightly"})
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
	w.UsualEvents()
	w.Setup.Orders = onlyWithdrawn()
	w.Setup.Orders[0].MaxRows = 1
	_, err := pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "nightly"})
	require.NoError(t, err)
	w.Event("withdrawn", "ada@lago.it", "news", w.Now)
	w.Now = w.Now.AddDate(0, 0, 1)
	r, err := w.night()
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"people delete done": 1}, settled(r))
	require.Len(t, w.Rows("people"), 2)
}

// What an order lets go is looked at by people when it is many times the usual, however few rows that is.
func TestASpikeAsksHoweverSmallTheTable(t *testing.T) {
	day := func(month int) time.Time { return time.Date(2026, time.Month(month), 1, 9, 0, 0, 0, rome) }
	for _, c := range []struct {
		name  string
		leave int
		done  int64
	}{{"three times the usual", 3, 3}, {"four times the usual", 4, 0}, {"sixteen times the usual", 16, 0}} {
		t.Run(c.name, func(t *testing.T) {
			var rows [][]any
			for i := range 17 {
				rows = append(rows, []any{fmt.Sprint(i), fmt.Sprintf("p%d@lago.it", i), "P", "active", "2026-01-01"})
			}
			w := newWorld(t, news(nil), table("people", []connectors.Field{id, email, name, status, created}, nil,
				rows...))
			for i := range rows {
				w.Event(event.Given, fmt.Sprintf("p%d@lago.it", i), "news", day(1))
			}
			w.Setup.Breakers.Spike = 3
			w.Setup.Orders = onlyWithdrawn()
			w.Setup.Orders[0].MaxRows = 99
			w.Event(event.Withdrawn, "p16@lago.it", "news", day(10))
			r, err := w.night()
			require.NoError(t, err)
			require.Equal(t, map[string]int64{"people delete done": 1}, settled(r))
			for i := range c.leave {
				w.Event(event.Withdrawn, fmt.Sprintf("p%d@lago.it", i), "news", day(11))
			}
			w.Now = w.Now.AddDate(0, 0, 1)
			r, err = w.night()
			require.Equal(t, c.done, settled(r)["people delete done"])
			if c.done > 0 {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, setup.ErrUnapproved)
			require.ErrorContains(t, err, "B_SPIKE")
		})
	}
}

// One person may have many orders: rows that only follow are asked about as a spike from 51 on.
func TestDependentsAreASpikeOnlyInNumbers(t *testing.T) {
	for orders, done := range map[int]int64{50: 1, 51: 0} {
		t.Run(fmt.Sprint(orders), func(t *testing.T) {
			rows := [][]any{{"1", "2"}}
			for i := range orders {
				rows = append(rows, []any{fmt.Sprint(i + 10), "1"})
			}
			person := field("person", connectors.Integer, false)
			w := newWorld(t, news(depends(policy.Dependent{Table: "orders", FK: []string{"person"}, Do: "delete"})),
				people(),
				table("orders", []connectors.Field{id, person}, []connectors.ForeignKey{fk("people", "person")},
					rows...))
			w.UsualEvents()
			w.Setup.Breakers.Spike = 3
			w.Setup.Orders = onlyWithdrawn()
			r, err := w.night()
			require.NoError(t, err)
			require.EqualValues(t, 1, settled(r)["orders delete done"])
			w.Event(event.Withdrawn, "ada@lago.it", "news", w.Now)
			w.Now = w.Now.AddDate(0, 0, 1)
			r, _ = w.night()
			require.Equal(t, done, settled(r)["people delete done"])
		})
	}
}

// forgetful is a file whose new content is not what was asked for.
type forgetful struct{ *mem.Store }

func (f forgetful) Rewrite(ctx context.Context, q []connectors.Query, edit connectors.EditFunc,
	verify func(connectors.Source) error) (connectors.RewriteReport, error) {
	for b, err := range f.Scan(ctx, q...) {
		if err != nil {
			return connectors.RewriteReport{}, err
		}
		if _, err := edit(b); err != nil {
			return connectors.RewriteReport{}, err
		}
	}
	return connectors.RewriteReport{}, verify(f.Store)
}

func TestARewrittenBackupIsVerified(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	file := filepath.Join(w.Dir, "crm.sql")
	require.NoError(t, os.WriteFile(file, []byte("a dump"), 0o600))
	w.Setup.Sources = append(w.Setup.Sources,
		setup.Source{Name: "dump", Application: "crm", Environment: "backup", Of: "crm", Path: file, Connector: "mem",
			Rewrite: &setup.RewriteTerms{}, TakenAt: w.Now.AddDate(0, 0, -1),
			Open: func(context.Context) (connectors.Source, error) {
				return forgetful{mem.New("dump", people())}, nil
			}})
	w.planned()
	r, err := pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "nightly", Phases: setup.ApplyOnly, Apply: true})
	require.ErrorContains(t, err, "a row that was to be erased is still there")
	require.Equal(t, map[string]int64{"people delete done": 2}, settled(r), "those of the live source only")
}
