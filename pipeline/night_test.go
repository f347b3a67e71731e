package pipeline_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline"
	"lethe/pipeline/ask"
	"lethe/pipeline/audit"
	"lethe/pipeline/audit/evidence"
	"lethe/pipeline/audit/manifest"
	"lethe/pipeline/audit/spool"
	"lethe/pipeline/journal"
	"lethe/pipeline/plan"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
)

func TestDryRunChangesNothing(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	before, err := heads(w)
	require.NoError(t, err)
	r, err := pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "nightly"})
	require.NoError(t, err)
	require.Len(t, r.Waiting, 1)
	require.Empty(t, r.Settled)
	require.Len(t, w.Rows("people"), 3)
	after, err := heads(w)
	require.NoError(t, err)
	require.Equal(t, before, after, "a run without --apply wrote to the registry")
}

func heads(w *world) ([]chain.Head, error) {
	r, err := registry.Open(w.T.Context(), w.Setup.Registry)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return r.Heads(w.T.Context())
}

func TestDeletesAlongThreeLevels(t *testing.T) {
	w := newWorld(t, news(depends(policy.Dependent{Table: "orders", FK: []string{"person"}, Do: "delete"},
		policy.Dependent{Table: "lines", FK: []string{"ord"}, References: "orders", Do: "delete"})), people(),
		table("orders", []connectors.Field{id, field("person", connectors.Integer, false)},
			[]connectors.ForeignKey{fk("people", "person")}, []any{"10", "1"}, []any{"20", "2"}, []any{"21", "2"}),
		table("lines", []connectors.Field{id, field("ord", connectors.Integer, false)},
			[]connectors.ForeignKey{fk("orders", "ord")}, []any{"100", "10"}, []any{"200", "20"}, []any{"201", "21"}))
	w.UsualEvents()
	w.planned()
	require.Equal(t, map[string]int64{"people delete done": 2, "orders delete done": 2, "lines delete done": 2},
		w.applied())
	require.Equal(t, []string{"1 ada@lago.it Ada active 2026-01-01"}, w.Rows("people"))
	require.Equal(t, []string{"10 1"}, w.Rows("orders"))
	require.Equal(t, []string{"100 10"}, w.Rows("lines"))
	r, err := pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "nightly", Apply: true, Again: true})
	require.NoError(t, err)
	require.Empty(t, r.Settled, "the night after does nothing")
	require.Empty(t, r.Waiting)
}

func TestUndeclaredReferenceKeepsTheRow(t *testing.T) {
	notes := table("notes", []connectors.Field{id, field("person", connectors.Integer, false)},
		[]connectors.ForeignKey{fk("people", "person")}, []any{"1", "2"})
	t.Run("without else it is kept", func(t *testing.T) {
		w := newWorld(t, news(nil), people(), notes)
		w.UsualEvents()
		w.planned()
		require.Equal(t, map[string]int64{"people delete done": 1}, w.applied())
		require.Len(t, w.Rows("people"), 2)
	})
	t.Run("with else it is anonymized, once", func(t *testing.T) {
		null, constant := "null", "constant"
		w := newWorld(t, news(func(s *policy.Silo) {
			s.Rules[0].Else = policy.Anonymize
			s.Anonymize = map[string]*string{"email": &null, "name": &constant}
		}), people(), notes)
		w.UsualEvents()
		for _, night := range []string{"that seals the plan", "through which it waits"} {
			r, err := w.night()
			require.NoError(t, err)
			require.Len(t, r.Waiting, 1)
			said := map[string]int64{}
			for _, l := range r.Summary {
				said[l.Action+" "+l.Change] += l.Rows
			}
			require.Equal(t, map[string]int64{"keep ": 1, "delete delete": 1, "anonymize anonymize": 1}, said,
				"the night "+night)
			w.Now = w.Now.AddDate(0, 0, 1)
		}
		w.approve()
		require.Equal(t, map[string]int64{"people delete done": 1, "people anonymize done": 1}, w.applied())
		require.Equal(t, []string{"1 ada@lago.it Ada active 2026-01-01", "2 - anonymized active 2026-01-01"},
			w.Rows("people"))
		r, err := pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "nightly", Apply: true, Again: true})
		require.NoError(t, err)
		require.Empty(t, r.Settled)
		require.Empty(t, r.Waiting)
		require.True(t, slices.ContainsFunc(r.Summary,
			func(l pipeline.SummaryLine) bool { return l.Reason == "K_ANONYMIZED" && l.Rows == 1 }), "%+v", r.Summary)
	})
}

func TestReferenceDeclaredSetNullIsForgotten(t *testing.T) {
	w := newWorld(t, news(depends(policy.Dependent{Table: "tickets", FK: []string{"person"}, Do: "set_null"})),
		people(),
		table("tickets", []connectors.Field{id, field("person", connectors.Integer, true), status},
			[]connectors.ForeignKey{fk("people", "person")}, []any{"1", "2", "open"}, []any{"2", "1", "open"}))
	w.UsualEvents()
	w.planned()
	require.Equal(t, map[string]int64{"people delete done": 2, "tickets set_null done": 1}, w.applied())
	require.Equal(t, []string{"1 - open", "2 1 open"}, w.Rows("tickets"))
}

func TestTreeOfRowsGoesLeavesFirst(t *testing.T) {
	boss := field("boss", connectors.Integer, true)
	w := newWorld(t, news(depends(policy.Dependent{Table: "people", FK: []string{"boss"}, Do: "delete"})), mem.Table{
		Def: connectors.Table{Name: "people", Fields: []connectors.Field{id, email, name, status, created, boss},
			Key: []string{"id"}, ForeignKeys: []connectors.ForeignKey{fk("people", "boss")}},
		Rows: []mem.Row{{"1", "ada@lago.it", "Ada", "active", "2026-01-01", nil},
			{"2", "bob@lago.it", "Bob", "active", "2026-01-01", nil},
			{"3", "kim@lago.it", "Kim", "active", "2023-01-01", "2"},
			{"4", "lee@lago.it", "Lee", "active", "2023-01-01", "3"}}})
	w.UsualEvents()
	for _, who := range []string{"kim@lago.it", "lee@lago.it"} {
		w.Event(event.Given, who, "news", time.Date(2023, 1, 1, 9, 0, 0, 0, rome))
	}
	w.planned()
	require.Equal(t, map[string]int64{"people delete done": 3}, w.applied())
	require.Equal(t, []string{"1 ada@lago.it Ada active 2026-01-01 -"}, w.Rows("people"))
}

// A row that a silo governs goes by its own decision only: who is to be kept, or is not known, holds the one
// that they refer to.
func TestARowOfASiloIsNeverOnlyADependent(t *testing.T) {
	boss := field("boss", connectors.Integer, true)
	w := newWorld(t, news(depends(policy.Dependent{Table: "people", FK: []string{"boss"}, Do: "delete"})), mem.Table{
		Def: connectors.Table{Name: "people", Fields: []connectors.Field{id, email, name, status, created, boss},
			Key: []string{"id"}, ForeignKeys: []connectors.ForeignKey{fk("people", "boss")}},
		Rows: []mem.Row{{"1", "ada@lago.it", "Ada", "active", "2026-01-01", "2"},
			{"2", "bob@lago.it", "Bob", "active", "2026-01-01", nil}, {"3", nil, "Kim", "active", nil, "2"}}})
	w.UsualEvents()
	before := w.Rows("people")
	r, err := w.night()
	require.NoError(t, err)
	require.Empty(t, r.Waiting)
	require.Equal(t, before, w.Rows("people"))
}

func TestRowsThatReferToEachOtherInACircleStay(t *testing.T) {
	boss := field("boss", connectors.Integer, true)
	w := newWorld(t, news(depends(policy.Dependent{Table: "people", FK: []string{"boss"}, Do: "delete"})), mem.Table{
		Def: connectors.Table{Name: "people", Fields: []connectors.Field{id, email, name, status, created, boss},
			Key: []string{"id"}, ForeignKeys: []connectors.ForeignKey{fk("people", "boss")}},
		Rows: []mem.Row{{"2", "bob@lago.it", "Bob", "active", "2026-01-01", "3"},
			{"3", nil, "Kim", "active", nil, "2"}}})
	w.UsualEvents()
	r, err := w.night()
	require.NoError(t, err)
	require.Empty(t, r.Waiting)
	require.Len(t, w.Rows("people"), 2)
}

func TestOwnedParentGoesWithItsLastReference(t *testing.T) {
	address := field("address", connectors.Integer, true)
	w := newWorld(t, news(func(s *policy.Silo) {
		s.Records[0].Owns = []policy.Owned{{Table: "addresses", FK: []string{"address"}}}
	}),
		mem.Table{Def: connectors.Table{Name: "people",
			Fields: []connectors.Field{id, email, name, status, created, address}, Key: []string{"id"},
			ForeignKeys: []connectors.ForeignKey{fk("addresses", "address")}},
			Rows: []mem.Row{{"1", "ada@lago.it", "Ada", "active", "2026-01-01", "8"},
				{"2", "bob@lago.it", "Bob", "active", "2026-01-01", "8"},
				{"3", "eve@lago.it", "Eve", "active", "2023-01-01", "9"}}},
		table("addresses", []connectors.Field{id, field("street", connectors.Text, true)}, nil, []any{"7", "a"},
			[]any{"8", "b"}, []any{"9", "c"}))
	w.UsualEvents()
	w.planned()
	require.Equal(t, map[string]int64{"people delete done": 2, "addresses delete done": 1}, w.applied())
	require.Equal(t, []string{"7 a", "8 b"}, w.Rows("addresses"), "8 is Ada's too, 7 was nobody's before")
}

func TestWhatMovedSinceThePlanIsSkipped(t *testing.T) {
	orders := table("orders", []connectors.Field{id, field("person", connectors.Integer, false)},
		[]connectors.ForeignKey{fk("people", "person")}, []any{"20", "2"})
	deps := depends(policy.Dependent{Table: "orders", FK: []string{"person"}, Do: "delete"})
	for _, c := range []struct {
		name string
		move func(w *world)
		want map[string]int64
	}{
		{"the person consents again", func(w *world) {
			w.Event(event.Given, "bob@lago.it", "news",
				w.Now.Add(-time.Minute))
		},
			map[string]int64{"people delete skipped_drift": 1, "orders delete skipped_drift": 1,
				"people delete done": 1}},
		{"use is restricted", func(w *world) {
			w.Event(event.Restricted, "bob@lago.it", "",
				w.Now.Add(-time.Minute))
		},
			map[string]int64{"people delete skipped_drift": 1, "orders delete skipped_drift": 1,
				"people delete done": 1}},
		{"the row gets another address", func(w *world) { w.Set("people", "2", "email", "zoe@lago.it") },
			map[string]int64{"people delete skipped_drift": 1, "orders delete skipped_drift": 1,
				"people delete done": 1}},
		{"the row changes where it does not matter", func(w *world) { w.Set("people", "2", "status", "vip") },
			map[string]int64{"people delete done": 2, "orders delete done": 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, news(deps), people(), orders)
			w.UsualEvents()
			w.planned()
			c.move(w)
			require.Equal(t, c.want, w.applied())
			if c.want["people delete skipped_drift"] > 0 {
				require.Equal(t, []string{"20 2"}, w.Rows("orders"), "a kept row keeps its dependents")
			}
		})
	}
}

func TestNewChildAfterThePlan(t *testing.T) {
	for _, declared := range []bool{true, false} { // by a foreign key that the engine holds, or by the policy alone
		t.Run(fmt.Sprintf("foreign key %v", declared), func(t *testing.T) {
			var fks []connectors.ForeignKey
			if declared {
				fks = []connectors.ForeignKey{fk("people", "person")}
			}
			w := newWorld(t, news(depends(policy.Dependent{Table: "orders", FK: []string{"person"}, Do: "delete"})),
				people(),
				table("orders", []connectors.Field{id, field("person", connectors.Integer, true)}, fks,
					[]any{"20", "2"}, []any{"21", nil}))
			w.UsualEvents()
			w.planned()
			w.Set("orders", "21", "person", "2")
			got := w.applied()
			require.Equal(t, int64(1), got["people delete done"], "%v", got)
			require.Equal(t, []string{"20 2", "21 2"}, w.Rows("orders"))
			require.Len(t, w.Rows("people"), 2)
		})
	}
}

func TestBlockingIsImmediateAndUndoneOnlyWhereItWasOurs(t *testing.T) {
	block := func(s *policy.Silo) {
		s.Records[0].Block = &policy.Block{Set: map[string]string{"status": "blocked"},
			Unset: map[string]string{"status": "active"}}
		s.Rules[0].Grace = calendar.Period{Days: 30}
		s.Rules[0].MaxAge = calendar.Period{Months: 48}
	}
	w := newWorld(t, news(block), people())
	w.UsualEvents()
	w.Event(event.Withdrawn, "bob@lago.it", "news", w.Now.Add(-time.Hour))
	w.Set("people", "1", "status", "blocked") // by the company itself
	r, err := w.night()
	require.NoError(t, err)
	require.Contains(t, settled(r), "people block done")
	require.Contains(t, w.Rows("people"), "2 bob@lago.it Bob blocked 2026-01-01")
	w.Now = w.Now.AddDate(0, 0, 1)
	w.Event(event.Given, "bob@lago.it", "news", w.Now.Add(-time.Hour))
	r, err = w.night()
	require.NoError(t, err)
	require.Equal(t, int64(1), settled(r)["people unblock done"])
	require.Contains(t, w.Rows("people"), "2 bob@lago.it Bob active 2026-01-01")
	require.Contains(t, w.Rows("people"), "1 ada@lago.it Ada blocked 2026-01-01",
		"what the company blocked stays blocked")
}

func TestApprovals(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	r, err := w.night()
	require.NoError(t, err)
	waits := r.Waiting[0]
	_, _, err = plan.Approve(t.Context(), w.Setup, waits, "anna", "approve", "", w.Signers["bo"])
	require.ErrorIs(t, err, setup.ErrConfig, "another's key")
	_, _, err = plan.Approve(t.Context(), w.Setup, waits, "dora", "approve", "", w.Signers["dora"])
	require.ErrorIs(t, err, setup.ErrConfig, "the data protection officer does not approve")
	state, _, err := plan.Approve(t.Context(), w.Setup, waits, "anna", "approve", "", w.Signers["anna"])
	require.NoError(t, err)
	require.Equal(t, journal.Waiting, state)
	_, _, err = plan.Approve(t.Context(), w.Setup, waits, "anna", "approve", "", w.Signers["anna"])
	require.ErrorIs(t, err, setup.ErrConfig, "twice by one person")
	require.Empty(t, w.applied(), "one approval is not enough")
	_, _, err = plan.Approve(t.Context(), w.Setup, waits, "dora", "object", "not yet", w.Signers["dora"])
	require.NoError(t, err)
	_, _, err = plan.Approve(t.Context(), w.Setup, waits, "bo", "approve", "", w.Signers["bo"])
	require.ErrorContains(t, err, "dora objected to it")
	require.Empty(t, w.applied(), "an objection holds the plan")
	require.Len(t, w.Rows("people"), 3)
}

func TestWaitingPlanIsNotPlannedAgain(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	_, err := w.night()
	require.NoError(t, err)
	w.Now = w.Now.AddDate(0, 0, 1)
	r, err := w.night()
	require.NoError(t, err)
	require.Len(t, r.Waiting, 1, "the second night must not seal the same rows again")
	w.Now = w.Now.AddDate(0, 0, 7)
	r, err = w.night()
	require.NoError(t, err)
	require.Len(t, r.Waiting, 1, "the first plan has expired, a new one waits")
}

// Who has to answer has one plan before them with all that is due; one that somebody has answered stays as it is.
func TestANewerPlanTakesThePlaceOfOneThatNobodyHasAnswered(t *testing.T) {
	for _, answered := range []bool{false, true} {
		w := newWorld(t, news(nil), people())
		w.UsualEvents()
		r, err := w.night()
		require.NoError(t, err)
		require.Len(t, r.Waiting, 1)
		first := r.Waiting[0]
		if answered {
			_, _, err = plan.Approve(t.Context(), w.Setup, first, "anna", "approve", "", w.Signers["anna"])
			require.NoError(t, err)
		}
		w.Now = w.Now.AddDate(0, 0, 1)
		w.Event(event.Withdrawn, "ada@lago.it", "news", w.Now.Add(-time.Hour))
		r, err = w.night()
		require.NoError(t, err)
		if answered {
			require.Len(t, r.Waiting, 2, "nobody chases a digest that moves")
			require.Contains(t, r.Waiting, first)
			continue
		}
		require.Len(t, r.Waiting, 1)
		require.NotEqual(t, first, r.Waiting[0])
		listed, err := plan.List(t.Context(), w.Setup, journal.Withdrawn)
		require.NoError(t, err)
		require.Len(t, listed, 1)
		require.Equal(t, first, listed[0].PlanID)
		require.NotContains(t, w.Setup.Keys.Names("plan/"), "plan/"+first, "the keys of its rows are gone")
		_, _, err = plan.Approve(t.Context(), w.Setup, first, "anna", "approve", "", w.Signers["anna"])
		require.ErrorIs(t, err, setup.ErrConfig)
		states := map[string]int64{}
		for _, p := range w.facts().Plans {
			if p.Part == string(plan.Destructive) {
				states[p.State] += p.Rows
			}
		}
		require.Equal(t, map[string]int64{"withdrawn": 2, "waiting": 3}, states)
		w.approve()
		require.Equal(t, map[string]int64{"people delete done": 3}, w.applied())
	}
}

// withDump adds a backup of the people, and returns its file and what is to be true of it: broken, it cannot be opened.
func withDump(t *testing.T, w *world) (file string, broken *bool) {
	dump := mem.New("dump", people())
	file, broken = filepath.Join(w.Dir, "crm.sql"), new(bool)
	require.NoError(t, os.WriteFile(file, []byte("a dump"), 0o600))
	w.Setup.Sources = append(w.Setup.Sources, setup.Source{Name: "dump", Application: "crm", Environment: "backup",
		Of: "crm", Path: file, Connector: "mem", Rewrite: &setup.RewriteTerms{}, TakenAt: w.Now.AddDate(0, 0, -1),
		Open: func(context.Context) (connectors.Source, error) {
			if *broken {
				return nil, connectors.ErrTransient
			}
			return dump, nil
		}})
	return file, broken
}

// What cannot be looked at tonight is in no newer plan: the older one stands, and what is new has one of its own.
func TestAPlanIsNotWithdrawnWhileASourceOfItFails(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	_, broken := withDump(t, w)
	r, err := w.night()
	require.NoError(t, err)
	first := r.Waiting[0]
	w.Now = w.Now.AddDate(0, 0, 1)
	w.Event(event.Withdrawn, "ada@lago.it", "news", w.Now.Add(-time.Hour))
	*broken = true
	r, err = w.night()
	require.ErrorIs(t, err, setup.ErrSource)
	require.Len(t, r.Waiting, 2)
	require.Contains(t, r.Waiting, first)
	*broken = false
	w.Now = w.Now.AddDate(0, 0, 1)
	r, err = w.night()
	require.NoError(t, err)
	require.Len(t, r.Waiting, 1, "the copy of what is new is due too, and one plan holds it all")
	w.approve()
	require.Equal(t, map[string]int64{"people delete done": 6}, w.applied())
}

// A backup's file is one unit: a plan of what it was cannot be applied to what stands in its place.
func TestAPlanOfABackupThatIsAnotherFileIsWithdrawn(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	file, _ := withDump(t, w)
	r, err := w.night()
	require.NoError(t, err)
	first := r.Waiting
	w.Now = w.Now.AddDate(0, 0, 1)
	r, err = w.night()
	require.NoError(t, err)
	require.Equal(t, first, r.Waiting, "nothing is new")
	require.NoError(t, os.WriteFile(file, []byte("tonight's dump"), 0o600))
	w.Now = w.Now.AddDate(0, 0, 1)
	r, err = w.night()
	require.NoError(t, err)
	require.Len(t, r.Waiting, 1)
	require.NotEqual(t, first, r.Waiting)
	w.approve()
	require.Equal(t, map[string]int64{"people delete done": 4}, w.applied())
}

func TestStandingOrder(t *testing.T) {
	order := setup.Order{Silo: "news", Reasons: []reason.Code{reason.DConsentWithdrawn, reason.DConsentExpired},
		MaxRows: 2, Until: mustDate("2027-01-01")}
	for _, c := range []struct {
		name  string
		alter func(w *world, o *setup.Order)
		done  int64
		code  int
	}{
		{"covers", func(*world, *setup.Order) {}, 2, 0},
		{"too few rows", func(_ *world, o *setup.Order) { o.MaxRows = 1 }, 0, 0},
		{"another reason", func(_ *world, o *setup.Order) { o.Reasons = o.Reasons[:1] }, 1, 0},
		{"ran out", func(_ *world, o *setup.Order) { o.Until = mustDate("2026-11-01") }, 0, 0},
		{"a question only people may answer", func(w *world, _ *setup.Order) { w.Setup.Breakers.NewSourceRuns = 1 },
			0, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, news(nil), people())
			w.UsualEvents()
			o := order
			o.Reasons = slices.Clone(order.Reasons)
			c.alter(w, &o)
			w.Setup.Orders = []setup.Order{o}
			r, err := w.night()
			require.Equal(t, c.code, setup.ExitCode(err), "%v", err)
			require.Equal(t, c.done, settled(r)["people delete done"])
		})
	}
}

func mustDate(s string) calendar.Date {
	d, err := calendar.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

func TestStopsLeaveTheTableAlone(t *testing.T) {
	rows := [][]any{}
	for i := range 100 {
		rows = append(rows, []any{fmt.Sprint(i), fmt.Sprintf("p%d@lago.it", i), "x", "active", "2023-01-01"})
	}
	w := newWorld(t, news(nil), table("people", []connectors.Field{id, email, name, status, created}, nil, rows...))
	w.Event(event.Given, "p1@lago.it", "news", time.Date(2023, 1, 1, 9, 0, 0, 0, rome))
	w.Setup.Breakers.NoMatchPercent = 2
	r, err := w.night()
	require.Equal(t, 5, setup.ExitCode(err))
	require.ErrorContains(t, err, "unknown to the registry")
	require.Empty(t, r.Waiting)
	require.Len(t, w.Rows("people"), 100)
}

func TestRampTakesTheOldestFirst(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	w.Setup.Breakers.MaxRowsANight = 1
	w.planned()
	require.Equal(t, map[string]int64{"people delete done": 1}, w.applied())
	require.NotContains(t, strings.Join(w.Rows("people"), "\n"), "eve@", "eve was due since 2025, bob since October")
}

func TestTheLockAndTheFinishedNight(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	var inner error
	w.Setup.Progress = func(phase, _ string, _, _ int64) {
		if phase == "scan" && inner == nil {
			q := *w.Setup
			q.Progress = func(string, string, int64, int64) {}
			_, inner = pipeline.Run(t.Context(), &q, setup.Options{Job: "nightly", Apply: true})
		}
	}
	_, err := w.night()
	require.NoError(t, err)
	require.ErrorIs(t, inner, setup.ErrHeld)
	require.Equal(t, 11, setup.ExitCode(inner))
	r, err := w.night()
	require.NoError(t, err)
	require.True(t, r.AlreadyDone)
}

func TestFutureAsOfNeedsASimulatedClock(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	_, err := pipeline.Run(t.Context(), w.Setup,
		setup.Options{Job: "nightly", Apply: true, AsOf: w.Now.AddDate(1, 0, 0)})
	require.Equal(t, 2, setup.ExitCode(err))
	r, err := pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "nightly", AsOf: w.Now.AddDate(3, 0, 0)})
	require.NoError(t, err)
	require.Empty(t, r.Waiting, "a look into the future is no plan that could be applied today")
	require.True(t, slices.ContainsFunc(r.Summary,
		func(l pipeline.SummaryLine) bool { return l.Reason == "D_CONSENT_EXPIRED" && l.Rows == 2 }), "%+v",
		r.Summary)
}

// late is a store whose engine's clock is wrong.
type late struct{ *mem.Store }

func (late) Clock(context.Context) (time.Time, error) { return time.Now().Add(-time.Hour), nil }

func TestClocksApartStopTheNight(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	w.Setup.Sources[0].Open = func(context.Context) (connectors.Source, error) { return late{w.Live}, nil }
	_, err := w.night()
	require.Equal(t, 13, setup.ExitCode(err), "%v", err)
	require.Len(t, w.Rows("people"), 3)
}

func TestPolicyThatDoesNotFitIsRefusedBeforeAnythingIsRead(t *testing.T) {
	null := "null"
	for _, c := range []struct {
		name   string
		change func(*policy.Silo)
		says   string
	}{
		{"table", func(s *policy.Silo) { s.Records[0].Table = "persons" }, "no table persons"},
		{"subject", func(s *policy.Silo) { s.Records[0].Subject = map[string]string{"email": "mail"} },
			"no field mail"},
		{"anonymize", func(s *policy.Silo) { s.Anonymize = map[string]*string{"nmae": &null} }, "names field nmae"},
		{"rule", func(s *policy.Silo) { s.Rules[0].Fields = []string{"emial"} }, "names field emial"},
		{"technique", func(s *policy.Silo) { s.Anonymize = map[string]*string{"id": &null} }, "part of the key"},
		{"dependent", depends(policy.Dependent{Table: "orders", FK: []string{"person"}, Do: "delete"}),
			"orders is not in source"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, news(c.change), people())
			w.UsualEvents()
			read := false
			w.Setup.Progress = func(string, string, int64, int64) { read = true }
			_, err := w.night()
			require.Equal(t, 2, setup.ExitCode(err), "%v", err)
			require.ErrorContains(t, err, c.says)
			require.False(t, read, "rows were read")
		})
	}
}

func TestEditedManifestOfTheLastNightIsFound(t *testing.T) {
	for name, harm := range map[string]func(path string) error{
		"edited":  func(path string) error { return os.WriteFile(path, []byte("{}"), 0o600) },
		"removed": os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, news(nil), people())
			w.UsualEvents()
			r, err := w.night()
			require.NoError(t, err)
			require.NoError(t, harm(manifest.Path(w.Setup.Reports, "2026-11-20", r.RunID)))
			w.Now = w.Now.AddDate(0, 0, 1)
			_, err = w.night()
			require.Equal(t, 12, setup.ExitCode(err), "%v", err)
			require.NoError(t, os.RemoveAll(manifest.Path(w.Setup.Reports, "2026-11-20", r.RunID)))
			again, err := pipeline.Republish(t.Context(), w.Setup, r.RunID)
			require.NoError(t, err)
			require.Equal(t, r.Manifest, again.Manifest, "the same journal gives the same bytes")
			_, err = w.night()
			require.NoError(t, err)
		})
	}
}

func TestEditedPlanIsNotApplied(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	w.planned()
	docs, err := plan.List(t.Context(), w.Setup, journal.Approved)
	require.NoError(t, err)
	path := filepath.Join(w.Setup.State, "plans", docs[0].PlanID, "plan.json")
	body, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(body), "2026", "2027", 1)), 0o600))
	_, err = pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "nightly", Phases: setup.ApplyOnly, Apply: true})
	require.Equal(t, 12, setup.ExitCode(err), "%v", err)
	require.Len(t, w.Rows("people"), 3)
}

func TestConsentGivenAgainFreesARowWhoseErasureWaits(t *testing.T) {
	w := newWorld(t, news(func(s *policy.Silo) {
		s.Records[0].Block = &policy.Block{Set: map[string]string{"status": "blocked"},
			Unset: map[string]string{"status": "active"}}
	}), people())
	w.UsualEvents()
	r, err := w.night()
	require.NoError(t, err)
	require.Len(t, r.Waiting, 1)
	require.Equal(t, int64(2), settled(r)["people block done"], "use ends at once, erasure waits")
	w.Now = w.Now.AddDate(0, 0, 1)
	w.Event(event.Given, "bob@lago.it", "news", w.Now.Add(-time.Hour))
	r, err = w.night()
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"people unblock done": 1}, settled(r))
	w.approve()
	require.Equal(t, map[string]int64{"people delete skipped_drift": 1, "people delete done": 1}, w.applied())
	require.Contains(t, w.Rows("people"), "2 bob@lago.it Bob active 2026-01-01")
}

func TestARunKnowsWhatItHasJustAnonymized(t *testing.T) {
	null := "null"
	w := newWorld(t, news(func(s *policy.Silo) {
		s.Rules[0].End = policy.Anonymize
		s.Anonymize = map[string]*string{"email": &null, "name": &null}
	}), people())
	w.UsualEvents()
	w.planned()
	r, err := pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "nightly", Apply: true, Again: true})
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"people anonymize done": 2}, settled(r))
	require.True(t, slices.ContainsFunc(r.Summary,
		func(l pipeline.SummaryLine) bool { return l.Reason == "K_ANONYMIZED" && l.Rows == 2 }), "%+v", r.Summary)
}

func TestRowsThatNeedAPersonAreExceptions(t *testing.T) {
	w := newWorld(t, news(nil), table("people", []connectors.Field{id, email, name, status, created}, nil,
		[]any{"1", "ada@lago.it", "Ada", "active", "2026-01-01"},
		[]any{"2", "not an address", "Bob", "active", "2026-01-01"},
		[]any{"3", "zoe@lago.it", "Zoe", "active", "2020-01-01"}))
	w.Event(event.Given, "ada@lago.it", "news", time.Date(2026, 1, 1, 9, 0, 0, 0, rome))
	_, err := w.night()
	require.NoError(t, err)
	runner, err := w.Setup.Keys.Runner()
	require.NoError(t, err)
	key, err := keystore.ParsePublic(runner.Public())
	require.NoError(t, err)
	report, err := evidence.Verify(t.Context(), w.Setup.Reports, key)
	require.NoError(t, err)
	require.Equal(t, int64(2), report.Nights[0].Tables["exceptions"],
		"an unreadable identifier and a person the registry does not know")
}

func TestOverdueIsWhatTheNightLeft(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	_, err := w.night()
	require.NoError(t, err)
	s, err := ask.StatusOf(t.Context(), w.Setup)
	require.NoError(t, err)
	require.NotEmpty(t, s.Overdue, "the erasure waits")
	w.Setup.Orders = []setup.Order{{Silo: "news",
		Reasons: []reason.Code{reason.DConsentWithdrawn, reason.DConsentExpired}, MaxRows: 9,
		Until: mustDate("2027-01-01")}}
	w.Now = w.Now.AddDate(0, 0, 8) // the waiting plan has lapsed; tonight the order lets the rows go
	_, err = w.night()
	require.NoError(t, err)
	require.Len(t, w.Rows("people"), 1)
	s, err = ask.StatusOf(t.Context(), w.Setup)
	require.NoError(t, err)
	require.Empty(t, s.Overdue)
}

// Rows of one collection are decided alike and never merged; what is written about the later ones says that
// there are others.
func TestSeveralRowsOfOneCollection(t *testing.T) {
	twice := people()
	twice.Rows = append(twice.Rows, []any{"4", "bob@lago.it", "Bob", "active", "2026-01-02"},
		[]any{"5", "ada@lago.it", "Ada", "active", "2026-01-02"},
		[]any{"6", "bob@lago.it", "Bobby", "active", "2026-01-03"})
	w := newWorld(t, news(nil), twice)
	w.UsualEvents()
	r, err := pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "nightly"})
	require.NoError(t, err)
	notes := map[string]int{}
	for rows, err := range spool.Read[audit.Decision](filepath.Join(w.Setup.State, "runs", r.RunID,
		"decisions.arrow"), w.Setup.Keys) {
		require.NoError(t, err)
		for _, d := range rows {
			notes[d.Reason+" "+d.Notes]++
		}
	}
	require.Equal(t, map[string]int{"D_CONSENT_WITHDRAWN ": 1, "D_CONSENT_WITHDRAWN I_DUPLICATE": 2,
		"D_CONSENT_EXPIRED ": 1}, notes)
}
