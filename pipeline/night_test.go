package pipeline_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/stretchr/testify/require"

	"lethe/classifiers"
	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline"
	"lethe/pipeline/audit"
	"lethe/pipeline/journal"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/keystore"
)

// world is a company in memory: one live source, perhaps a backup, a registry of real events, real keys and real people.
type world struct {
	t       *testing.T
	p       *pipeline.Pipeline
	live    *mem.Store
	people  map[string]*keystore.Signer
	now     time.Time
	dir     string
	consent int
}

var rome = func() *time.Location {
	z, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		panic(err)
	}
	return z
}()

func newWorld(t *testing.T, silo policy.Silo, tables ...mem.Table) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 11, 20, 1, 15, 0, 0, rome), dir: t.TempDir(), people: map[string]*keystore.Signer{}}
	ctx := t.Context()
	keys, identity := filepath.Join(w.dir, "keys"), filepath.Join(w.dir, "id.age")
	require.NoError(t, keystore.Create(keys, identity))
	store, err := keystore.Open(ctx, keys, identity)
	require.NoError(t, err)
	require.NoError(t, store.EnsureRunner())
	require.NoError(t, store.EnsureSilo(silo.Name))
	compiled, err := policy.Compile(silo, rome, "IT")
	require.NoError(t, err)
	catalogue, err := classifiers.New()
	require.NoError(t, err)
	rc := registry.Config{DSN: filepath.Join(w.dir, "registry.db"), Now: func() time.Time { return w.now }}
	require.NoError(t, registry.Create(ctx, rc))
	w.live = mem.New("crm", tables...)
	w.p = &pipeline.Pipeline{Controller: "Test", Zone: rome, Silos: []*policy.Compiled{compiled}, Catalogue: catalogue, Registry: rc, Keys: store, Approvals: 2,
		People: map[string]pipeline.Person{}, State: filepath.Join(w.dir, "state"), Reports: filepath.Join(w.dir, "reports"), PolicyDigest: "p", Version: "test", Host: "test",
		Breakers: pipeline.Breakers{MaxRows: 1000, MaxPercent: 100, NoMatchPercent: 100, UnparseablePercent: 100, EmptyPercent: 100, Spike: 1000},
		Now:      func() time.Time { return w.now }, Log: slog.New(slog.DiscardHandler), Progress: func(string, string, int64, int64) {}, Crash: func(string) {},
		Sources: []pipeline.Source{{Name: "crm", Application: "crm", Environment: "production", Connector: "mem", Open: func(context.Context) (connectors.Source, error) { return w.live, nil }}}}
	for name, roles := range map[string][]string{"anna": {"owner:" + silo.Name}, "bo": {"custodian"}, "dora": {"dpo"}} {
		file := filepath.Join(w.dir, name+".key")
		public, err := keystore.NewPerson(file)
		require.NoError(t, err)
		key, err := keystore.ParsePublic(public)
		require.NoError(t, err)
		w.p.People[name] = pipeline.Person{Key: key, Roles: roles}
		w.people[name], err = keystore.LoadPerson(file)
		require.NoError(t, err)
	}
	return w
}

// event records one event of a person's in the registry.
func (w *world) event(typ event.Type, email, purpose string, at time.Time) {
	w.t.Helper()
	config := w.p.Registry
	config.AllowEmpty = true
	r, err := registry.Open(w.t.Context(), config)
	require.NoError(w.t, err)
	silo := w.p.Silos[0].Silo.Name
	key, err := w.p.Keys.SiloKey(silo)
	require.NoError(w.t, err)
	w.consent++
	e := event.Event{Type: typ, Subjects: []event.Subject{{Kind: "email", Value: email}}, Purpose: purpose, OccurredAt: at, Source: "test", ID: fmt.Sprint(w.consent)}
	if typ == event.Given || typ == event.Renewed {
		e.Notice, e.Method, e.Evidence = "v1", "form", "form-1"
	}
	_, err = r.Append(w.t.Context(), key, e)
	require.NoError(w.t, err)
	require.NoError(w.t, r.Close())
}

// night runs one night that applies.
func (w *world) night() (pipeline.Result, error) {
	w.t.Helper()
	return w.p.Run(w.t.Context(), pipeline.Options{Job: "nightly", Apply: true})
}

// approve lets both people approve every waiting plan.
func (w *world) approve() {
	w.t.Helper()
	docs, _, err := w.p.Plans(w.t.Context(), journal.Waiting)
	require.NoError(w.t, err)
	require.NotEmpty(w.t, docs, "no plan waits")
	for _, d := range docs {
		for _, name := range []string{"anna", "bo"} {
			_, err := w.p.Approve(w.t.Context(), d.PlanID, name, "approve", "", w.people[name])
			require.NoError(w.t, err)
		}
	}
}

// planned runs a night whose plan waits, approves it and moves on one hour.
func (w *world) planned() {
	w.t.Helper()
	r, err := w.night()
	require.NoError(w.t, err)
	require.NotEmpty(w.t, r.Waiting)
	w.approve()
	w.now = w.now.Add(time.Hour)
}

// applied applies what is approved and returns how many rows had which outcome, by table and change.
func (w *world) applied() map[string]int64 {
	w.t.Helper()
	r, err := w.p.Run(w.t.Context(), pipeline.Options{Job: "nightly", Phases: pipeline.ApplyOnly, Apply: true})
	require.NoError(w.t, err)
	return settled(r)
}

func settled(r pipeline.Result) map[string]int64 {
	out := map[string]int64{}
	for _, l := range r.Settled {
		out[l.Object+" "+l.Change+" "+l.Status] += l.Rows
	}
	return out
}

// rows returns a table's rows as text, fields separated by a space, NULL as -.
func (w *world) rows(table string) []string {
	w.t.Helper()
	out := []string{}
	for b, err := range w.live.Scan(w.t.Context(), connectors.Query{Table: table}) {
		require.NoError(w.t, err)
		for row := range int(b.Rows.NumRows()) {
			var cells []string
			for c := range int(b.Rows.NumCols()) {
				if col := b.Rows.Column(c).(*array.Binary); col.IsNull(row) {
					cells = append(cells, "-")
				} else {
					cells = append(cells, string(col.Value(row)))
				}
			}
			out = append(out, strings.Join(cells, " "))
		}
	}
	slices.Sort(out)
	return out
}

// set changes one field of the rows with a key, as the company itself would.
func (w *world) set(table, key, field, value string) {
	w.t.Helper()
	q := connectors.Query{Table: table, Keys: &connectors.Keys{Fields: []string{"id"}, Tuples: []connectors.Key{connectors.MakeKey([]byte(key))}}}
	_, err := w.live.Mutate(w.t.Context(), []connectors.Query{q}, func(b connectors.Batch) (connectors.Edit, error) {
		col := new(connectors.Column)
		col.Append([]byte(value))
		return connectors.Edit{Ops: []connectors.Op{connectors.Update}, Set: []connectors.Assignment{{Field: field, Rows: []bool{true}, Values: col.Array()}}}, nil
	}, func() error { return nil })
	require.NoError(w.t, err)
}

func field(name string, kind connectors.Kind, nullable bool) connectors.Field {
	return connectors.Field{Name: name, Type: string(kind), Kind: kind, Nullable: nullable}
}

func table(name string, fields []connectors.Field, fks []connectors.ForeignKey, rows ...[]any) mem.Table {
	t := mem.Table{Def: connectors.Table{Name: name, Fields: fields, Key: []string{"id"}, ForeignKeys: fks}}
	for _, r := range rows {
		t.Rows = append(t.Rows, mem.Row(r))
	}
	return t
}

func fk(parent string, fields ...string) connectors.ForeignKey {
	return connectors.ForeignKey{Name: "fk_" + parent + "_" + strings.Join(fields, "_"), Fields: fields, RefTable: parent, RefFields: []string{"id"}, OnDelete: "RESTRICT"}
}

var (
	id      = field("id", connectors.Integer, false)
	email   = field("email", connectors.Text, true)
	name    = field("name", connectors.Text, true)
	status  = field("status", connectors.Text, true)
	created = field("created", connectors.Date, true)
)

// people is the governed table of most tests: ada's consent holds, bob's was withdrawn, eve's ran out.
func people(extra ...connectors.Field) mem.Table {
	return table("people", append([]connectors.Field{id, email, name, status, created}, extra...), nil,
		append([]any{"1", "ada@lago.it", "Ada", "active", "2026-01-01"}, blanks(extra)...),
		append([]any{"2", "bob@lago.it", "Bob", "active", "2026-01-01"}, blanks(extra)...),
		append([]any{"3", "eve@lago.it", "Eve", "active", "2023-01-01"}, blanks(extra)...))
}

func blanks(fields []connectors.Field) []any { return make([]any, len(fields)) }

func (w *world) usualEvents() {
	w.t.Helper()
	w.event(event.Given, "ada@lago.it", "news", time.Date(2026, 1, 1, 9, 0, 0, 0, rome))
	w.event(event.Given, "bob@lago.it", "news", time.Date(2026, 1, 1, 9, 0, 0, 0, rome))
	w.event(event.Withdrawn, "bob@lago.it", "news", time.Date(2026, 10, 1, 9, 0, 0, 0, rome))
	w.event(event.Given, "eve@lago.it", "news", time.Date(2023, 1, 1, 9, 0, 0, 0, rome))
}

func news(change func(*policy.Silo)) policy.Silo {
	s := policy.Silo{Name: "news",
		Records: []policy.Records{{Source: "crm", Table: "people", Subject: map[string]string{"email": "email"}, Collected: "created"}},
		Rules:   []policy.Rule{{Purpose: "news", Basis: policy.Consent, MaxAge: calendar.Period{Months: 24}, End: policy.Delete, Because: "form", Owner: "anna", ReviewBy: "2027-01-01"}}}
	if change != nil {
		change(&s)
	}
	return s
}

func depends(deps ...policy.Dependent) func(*policy.Silo) {
	return func(s *policy.Silo) { s.Records[0].Dependents = deps }
}

func TestDryRunChangesNothing(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.usualEvents()
	before, err := heads(w)
	require.NoError(t, err)
	r, err := w.p.Run(t.Context(), pipeline.Options{Job: "nightly"})
	require.NoError(t, err)
	require.Len(t, r.Waiting, 1)
	require.Empty(t, r.Settled)
	require.Len(t, w.rows("people"), 3)
	after, err := heads(w)
	require.NoError(t, err)
	require.Equal(t, before, after, "a run without --apply wrote to the registry")
}

func heads(w *world) ([]chain.Head, error) {
	r, err := registry.Open(w.t.Context(), w.p.Registry)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return r.Heads(w.t.Context())
}

func TestDeletesAlongThreeLevels(t *testing.T) {
	w := newWorld(t, news(depends(policy.Dependent{Table: "orders", FK: []string{"person"}, Do: "delete"}, policy.Dependent{Table: "lines", FK: []string{"ord"}, References: "orders", Do: "delete"})), people(),
		table("orders", []connectors.Field{id, field("person", connectors.Integer, false)}, []connectors.ForeignKey{fk("people", "person")}, []any{"10", "1"}, []any{"20", "2"}, []any{"21", "2"}),
		table("lines", []connectors.Field{id, field("ord", connectors.Integer, false)}, []connectors.ForeignKey{fk("orders", "ord")}, []any{"100", "10"}, []any{"200", "20"}, []any{"201", "21"}))
	w.usualEvents()
	w.planned()
	require.Equal(t, map[string]int64{"people delete done": 2, "orders delete done": 2, "lines delete done": 2}, w.applied())
	require.Equal(t, []string{"1 ada@lago.it Ada active 2026-01-01"}, w.rows("people"))
	require.Equal(t, []string{"10 1"}, w.rows("orders"))
	require.Equal(t, []string{"100 10"}, w.rows("lines"))
	r, err := w.p.Run(t.Context(), pipeline.Options{Job: "nightly", Apply: true, Again: true})
	require.NoError(t, err)
	require.Empty(t, r.Settled, "the night after does nothing")
	require.Empty(t, r.Waiting)
}

func TestUndeclaredReferenceKeepsTheRow(t *testing.T) {
	notes := table("notes", []connectors.Field{id, field("person", connectors.Integer, false)}, []connectors.ForeignKey{fk("people", "person")}, []any{"1", "2"})
	t.Run("without else it is kept", func(t *testing.T) {
		w := newWorld(t, news(nil), people(), notes)
		w.usualEvents()
		w.planned()
		require.Equal(t, map[string]int64{"people delete done": 1}, w.applied())
		require.Len(t, w.rows("people"), 2)
	})
	t.Run("with else it is anonymized, once", func(t *testing.T) {
		null, constant := "null", "constant"
		w := newWorld(t, news(func(s *policy.Silo) {
			s.Rules[0].Else = policy.Anonymize
			s.Anonymize = map[string]*string{"email": &null, "name": &constant}
		}), people(), notes)
		w.usualEvents()
		w.planned()
		require.Equal(t, map[string]int64{"people delete done": 1, "people anonymize done": 1}, w.applied())
		require.Equal(t, []string{"1 ada@lago.it Ada active 2026-01-01", "2 - anonymized active 2026-01-01"}, w.rows("people"))
		r, err := w.p.Run(t.Context(), pipeline.Options{Job: "nightly", Apply: true, Again: true})
		require.NoError(t, err)
		require.Empty(t, r.Settled)
		require.Empty(t, r.Waiting)
		require.True(t, slices.ContainsFunc(r.Summary, func(l pipeline.SummaryLine) bool { return l.Reason == "K_ANONYMIZED" && l.Rows == 1 }), "%+v", r.Summary)
	})
}

func TestReferenceDeclaredSetNullIsForgotten(t *testing.T) {
	w := newWorld(t, news(depends(policy.Dependent{Table: "tickets", FK: []string{"person"}, Do: "set_null"})), people(),
		table("tickets", []connectors.Field{id, field("person", connectors.Integer, true), status}, []connectors.ForeignKey{fk("people", "person")}, []any{"1", "2", "open"}, []any{"2", "1", "open"}))
	w.usualEvents()
	w.planned()
	require.Equal(t, map[string]int64{"people delete done": 2, "tickets set_null done": 1}, w.applied())
	require.Equal(t, []string{"1 - open", "2 1 open"}, w.rows("tickets"))
}

func TestTreeOfRowsGoesLeavesFirst(t *testing.T) {
	boss := field("boss", connectors.Integer, true)
	w := newWorld(t, news(depends(policy.Dependent{Table: "people", FK: []string{"boss"}, Do: "delete"})), mem.Table{
		Def:  connectors.Table{Name: "people", Fields: []connectors.Field{id, email, name, status, created, boss}, Key: []string{"id"}, ForeignKeys: []connectors.ForeignKey{fk("people", "boss")}},
		Rows: []mem.Row{{"1", "ada@lago.it", "Ada", "active", "2026-01-01", nil}, {"2", "bob@lago.it", "Bob", "active", "2026-01-01", nil}, {"3", nil, "Kim", "active", nil, "2"}, {"4", nil, "Lee", "active", nil, "3"}}})
	w.usualEvents()
	w.planned()
	require.Equal(t, map[string]int64{"people delete done": 3}, w.applied())
	require.Equal(t, []string{"1 ada@lago.it Ada active 2026-01-01 -"}, w.rows("people"))
}

func TestRowsThatReferToEachOtherInACircleStay(t *testing.T) {
	boss := field("boss", connectors.Integer, true)
	w := newWorld(t, news(depends(policy.Dependent{Table: "people", FK: []string{"boss"}, Do: "delete"})), mem.Table{
		Def:  connectors.Table{Name: "people", Fields: []connectors.Field{id, email, name, status, created, boss}, Key: []string{"id"}, ForeignKeys: []connectors.ForeignKey{fk("people", "boss")}},
		Rows: []mem.Row{{"2", "bob@lago.it", "Bob", "active", "2026-01-01", "3"}, {"3", nil, "Kim", "active", nil, "2"}}})
	w.usualEvents()
	r, err := w.night()
	require.NoError(t, err)
	require.Empty(t, r.Waiting)
	require.Len(t, w.rows("people"), 2)
}

func TestOwnedParentGoesWithItsLastReference(t *testing.T) {
	address := field("address", connectors.Integer, true)
	w := newWorld(t, news(func(s *policy.Silo) {
		s.Records[0].Owns = []policy.Owned{{Table: "addresses", FK: []string{"address"}}}
	}),
		mem.Table{Def: connectors.Table{Name: "people", Fields: []connectors.Field{id, email, name, status, created, address}, Key: []string{"id"}, ForeignKeys: []connectors.ForeignKey{fk("addresses", "address")}},
			Rows: []mem.Row{{"1", "ada@lago.it", "Ada", "active", "2026-01-01", "8"}, {"2", "bob@lago.it", "Bob", "active", "2026-01-01", "8"}, {"3", "eve@lago.it", "Eve", "active", "2023-01-01", "9"}}},
		table("addresses", []connectors.Field{id, field("street", connectors.Text, true)}, nil, []any{"7", "a"}, []any{"8", "b"}, []any{"9", "c"}))
	w.usualEvents()
	w.planned()
	require.Equal(t, map[string]int64{"people delete done": 2, "addresses delete done": 1}, w.applied())
	require.Equal(t, []string{"7 a", "8 b"}, w.rows("addresses"), "8 is Ada's too, 7 was nobody's before")
}

func TestWhatMovedSinceThePlanIsSkipped(t *testing.T) {
	orders := table("orders", []connectors.Field{id, field("person", connectors.Integer, false)}, []connectors.ForeignKey{fk("people", "person")}, []any{"20", "2"})
	deps := depends(policy.Dependent{Table: "orders", FK: []string{"person"}, Do: "delete"})
	for _, c := range []struct {
		name string
		move func(w *world)
		want map[string]int64
	}{
		{"the person consents again", func(w *world) { w.event(event.Given, "bob@lago.it", "news", w.now.Add(-time.Minute)) },
			map[string]int64{"people delete skipped_drift": 1, "orders delete skipped_drift": 1, "people delete done": 1}},
		{"use is restricted", func(w *world) { w.event(event.Restricted, "bob@lago.it", "", w.now.Add(-time.Minute)) },
			map[string]int64{"people delete skipped_drift": 1, "orders delete skipped_drift": 1, "people delete done": 1}},
		{"the row gets another address", func(w *world) { w.set("people", "2", "email", "zoe@lago.it") },
			map[string]int64{"people delete skipped_drift": 1, "orders delete skipped_drift": 1, "people delete done": 1}},
		{"the row changes where it does not matter", func(w *world) { w.set("people", "2", "status", "vip") },
			map[string]int64{"people delete done": 2, "orders delete done": 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, news(deps), people(), orders)
			w.usualEvents()
			w.planned()
			c.move(w)
			require.Equal(t, c.want, w.applied())
			if c.want["people delete skipped_drift"] > 0 {
				require.Equal(t, []string{"20 2"}, w.rows("orders"), "a kept row keeps its dependents")
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
			w := newWorld(t, news(depends(policy.Dependent{Table: "orders", FK: []string{"person"}, Do: "delete"})), people(),
				table("orders", []connectors.Field{id, field("person", connectors.Integer, true)}, fks, []any{"20", "2"}, []any{"21", nil}))
			w.usualEvents()
			w.planned()
			w.set("orders", "21", "person", "2")
			got := w.applied()
			require.Equal(t, int64(1), got["people delete done"], "%v", got)
			require.Equal(t, []string{"20 2", "21 2"}, w.rows("orders"))
			require.Len(t, w.rows("people"), 2)
		})
	}
}

func TestBlockingIsImmediateAndUndoneOnlyWhereItWasOurs(t *testing.T) {
	block := func(s *policy.Silo) {
		s.Records[0].Block = &policy.Block{Set: map[string]string{"status": "blocked"}, Unset: map[string]string{"status": "active"}}
		s.Rules[0].Grace = calendar.Period{Days: 30}
		s.Rules[0].MaxAge = calendar.Period{Months: 48}
	}
	w := newWorld(t, news(block), people())
	w.usualEvents()
	w.event(event.Withdrawn, "bob@lago.it", "news", w.now.Add(-time.Hour))
	w.set("people", "1", "status", "blocked") // by the company itself
	r, err := w.night()
	require.NoError(t, err)
	require.Contains(t, settled(r), "people block done")
	require.Contains(t, w.rows("people"), "2 bob@lago.it Bob blocked 2026-01-01")
	w.now = w.now.AddDate(0, 0, 1)
	w.event(event.Given, "bob@lago.it", "news", w.now.Add(-time.Hour))
	r, err = w.night()
	require.NoError(t, err)
	require.Equal(t, int64(1), settled(r)["people unblock done"])
	require.Contains(t, w.rows("people"), "2 bob@lago.it Bob active 2026-01-01")
	require.Contains(t, w.rows("people"), "1 ada@lago.it Ada blocked 2026-01-01", "what the company blocked stays blocked")
}

func TestApprovals(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.usualEvents()
	r, err := w.night()
	require.NoError(t, err)
	plan := r.Waiting[0]
	_, err = w.p.Approve(t.Context(), plan, "anna", "approve", "", w.people["bo"])
	require.ErrorIs(t, err, pipeline.ErrConfig, "another's key")
	_, err = w.p.Approve(t.Context(), plan, "dora", "approve", "", w.people["dora"])
	require.ErrorIs(t, err, pipeline.ErrConfig, "the data protection officer does not approve")
	state, err := w.p.Approve(t.Context(), plan, "anna", "approve", "", w.people["anna"])
	require.NoError(t, err)
	require.Equal(t, journal.Waiting, state)
	_, err = w.p.Approve(t.Context(), plan, "anna", "approve", "", w.people["anna"])
	require.ErrorIs(t, err, pipeline.ErrConfig, "twice by one person")
	require.Empty(t, w.applied(), "one approval is not enough")
	_, err = w.p.Approve(t.Context(), plan, "dora", "object", "not yet", w.people["dora"])
	require.NoError(t, err)
	_, err = w.p.Approve(t.Context(), plan, "bo", "approve", "", w.people["bo"])
	require.NoError(t, err)
	require.Empty(t, w.applied(), "an objection holds the plan")
	require.Len(t, w.rows("people"), 3)
}

func TestWaitingPlanIsNotPlannedAgain(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.usualEvents()
	_, err := w.night()
	require.NoError(t, err)
	w.now = w.now.AddDate(0, 0, 1)
	r, err := w.night()
	require.NoError(t, err)
	require.Len(t, r.Waiting, 1, "the second night must not seal the same rows again")
	w.now = w.now.AddDate(0, 0, 7)
	r, err = w.night()
	require.NoError(t, err)
	require.Len(t, r.Waiting, 1, "the first plan has expired, a new one waits")
}

func TestStandingOrder(t *testing.T) {
	order := pipeline.Order{Silo: "news", Reasons: []reason.Code{reason.DConsentWithdrawn, reason.DConsentExpired}, MaxRows: 2, Until: mustDate("2027-01-01")}
	for _, c := range []struct {
		name  string
		alter func(w *world, o *pipeline.Order)
		done  int64
		code  int
	}{
		{"covers", func(*world, *pipeline.Order) {}, 2, 0},
		{"too few rows", func(_ *world, o *pipeline.Order) { o.MaxRows = 1 }, 0, 0},
		{"another reason", func(_ *world, o *pipeline.Order) { o.Reasons = o.Reasons[:1] }, 1, 0},
		{"ran out", func(_ *world, o *pipeline.Order) { o.Until = mustDate("2026-11-01") }, 0, 0},
		{"a question only people may answer", func(w *world, _ *pipeline.Order) { w.p.Breakers.NewSourceRuns = 1 }, 0, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, news(nil), people())
			w.usualEvents()
			o := order
			o.Reasons = slices.Clone(order.Reasons)
			c.alter(w, &o)
			w.p.Orders = []pipeline.Order{o}
			r, err := w.night()
			require.Equal(t, c.code, pipeline.ExitCode(err), "%v", err)
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
	w.event(event.Given, "p1@lago.it", "news", time.Date(2023, 1, 1, 9, 0, 0, 0, rome))
	w.p.Breakers.NoMatchPercent = 2
	r, err := w.night()
	require.Equal(t, 5, pipeline.ExitCode(err))
	require.ErrorContains(t, err, "unknown to the registry")
	require.Empty(t, r.Waiting)
	require.Len(t, w.rows("people"), 100)
}

func TestRampTakesTheOldestFirst(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.usualEvents()
	w.p.Breakers.MaxRowsANight = 1
	w.planned()
	require.Equal(t, map[string]int64{"people delete done": 1}, w.applied())
	require.NotContains(t, strings.Join(w.rows("people"), "\n"), "eve@", "eve was due since 2025, bob since October")
}

func TestTheLockAndTheFinishedNight(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.usualEvents()
	var inner error
	w.p.Progress = func(phase, _ string, _, _ int64) {
		if phase == "scan" && inner == nil {
			q := *w.p
			q.Progress = func(string, string, int64, int64) {}
			_, inner = q.Run(t.Context(), pipeline.Options{Job: "nightly", Apply: true})
		}
	}
	_, err := w.night()
	require.NoError(t, err)
	require.ErrorIs(t, inner, pipeline.ErrHeld)
	require.Equal(t, 11, pipeline.ExitCode(inner))
	r, err := w.night()
	require.NoError(t, err)
	require.True(t, r.AlreadyDone)
}

func TestFutureAsOfNeedsASimulatedClock(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.usualEvents()
	_, err := w.p.Run(t.Context(), pipeline.Options{Job: "nightly", Apply: true, AsOf: w.now.AddDate(1, 0, 0)})
	require.Equal(t, 2, pipeline.ExitCode(err))
	r, err := w.p.Run(t.Context(), pipeline.Options{Job: "nightly", AsOf: w.now.AddDate(3, 0, 0)})
	require.NoError(t, err)
	require.Empty(t, r.Waiting, "a look into the future is no plan that could be applied today")
	require.True(t, slices.ContainsFunc(r.Summary, func(l pipeline.SummaryLine) bool { return l.Reason == "D_CONSENT_EXPIRED" && l.Rows == 2 }), "%+v", r.Summary)
}

// late is a store whose engine's clock is wrong.
type late struct{ *mem.Store }

func (late) Clock(context.Context) (time.Time, error) { return time.Now().Add(-time.Hour), nil }

func TestClocksApartStopTheNight(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.usualEvents()
	w.p.Sources[0].Open = func(context.Context) (connectors.Source, error) { return late{w.live}, nil }
	_, err := w.night()
	require.Equal(t, 13, pipeline.ExitCode(err), "%v", err)
	require.Len(t, w.rows("people"), 3)
}

func TestPolicyThatDoesNotFitIsRefusedBeforeAnythingIsRead(t *testing.T) {
	null := "null"
	for _, c := range []struct {
		name   string
		change func(*policy.Silo)
		says   string
	}{
		{"table", func(s *policy.Silo) { s.Records[0].Table = "persons" }, "no table persons"},
		{"subject", func(s *policy.Silo) { s.Records[0].Subject = map[string]string{"email": "mail"} }, "no field mail"},
		{"anonymize", func(s *policy.Silo) { s.Anonymize = map[string]*string{"nmae": &null} }, "names field nmae"},
		{"rule", func(s *policy.Silo) { s.Rules[0].Fields = []string{"emial"} }, "names field emial"},
		{"technique", func(s *policy.Silo) { s.Anonymize = map[string]*string{"id": &null} }, "part of the key"},
		{"dependent", depends(policy.Dependent{Table: "orders", FK: []string{"person"}, Do: "delete"}), "orders is not in source"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, news(c.change), people())
			w.usualEvents()
			read := false
			w.p.Progress = func(string, string, int64, int64) { read = true }
			_, err := w.night()
			require.Equal(t, 2, pipeline.ExitCode(err), "%v", err)
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
			w.usualEvents()
			r, err := w.night()
			require.NoError(t, err)
			require.NoError(t, harm(audit.ManifestPath(w.p.Reports, "2026-11-20", r.RunID)))
			w.now = w.now.AddDate(0, 0, 1)
			_, err = w.night()
			require.Equal(t, 12, pipeline.ExitCode(err), "%v", err)
			require.NoError(t, os.RemoveAll(audit.ManifestPath(w.p.Reports, "2026-11-20", r.RunID)))
			again, err := w.p.Republish(t.Context(), r.RunID)
			require.NoError(t, err)
			require.Equal(t, r.Manifest, again.Manifest, "the same journal gives the same bytes")
			_, err = w.night()
			require.NoError(t, err)
		})
	}
}

func TestEditedPlanIsNotApplied(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.usualEvents()
	w.planned()
	docs, _, err := w.p.Plans(t.Context(), journal.Approved)
	require.NoError(t, err)
	path := filepath.Join(w.p.State, "plans", docs[0].PlanID, "plan.json")
	body, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(body), "2026", "2027", 1)), 0o600))
	_, err = w.p.Run(t.Context(), pipeline.Options{Job: "nightly", Phases: pipeline.ApplyOnly, Apply: true})
	require.Equal(t, 12, pipeline.ExitCode(err), "%v", err)
	require.Len(t, w.rows("people"), 3)
}

func TestConsentGivenAgainFreesARowWhoseErasureWaits(t *testing.T) {
	w := newWorld(t, news(func(s *policy.Silo) {
		s.Records[0].Block = &policy.Block{Set: map[string]string{"status": "blocked"}, Unset: map[string]string{"status": "active"}}
	}), people())
	w.usualEvents()
	r, err := w.night()
	require.NoError(t, err)
	require.Len(t, r.Waiting, 1)
	require.Equal(t, int64(2), settled(r)["people block done"], "use ends at once, erasure waits")
	w.now = w.now.AddDate(0, 0, 1)
	w.event(event.Given, "bob@lago.it", "news", w.now.Add(-time.Hour))
	r, err = w.night()
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"people unblock done": 1}, settled(r))
	w.approve()
	require.Equal(t, map[string]int64{"people delete skipped_drift": 1, "people delete done": 1}, w.applied())
	require.Contains(t, w.rows("people"), "2 bob@lago.it Bob active 2026-01-01")
}

func TestARunKnowsWhatItHasJustAnonymized(t *testing.T) {
	null := "null"
	w := newWorld(t, news(func(s *policy.Silo) {
		s.Rules[0].End = policy.Anonymize
		s.Anonymize = map[string]*string{"email": &null, "name": &null}
	}), people())
	w.usualEvents()
	w.planned()
	r, err := w.p.Run(t.Context(), pipeline.Options{Job: "nightly", Apply: true, Again: true})
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"people anonymize done": 2}, settled(r))
	require.True(t, slices.ContainsFunc(r.Summary, func(l pipeline.SummaryLine) bool { return l.Reason == "K_ANONYMIZED" && l.Rows == 2 }), "%+v", r.Summary)
}

func TestRowsThatNeedAPersonAreExceptions(t *testing.T) {
	w := newWorld(t, news(nil), table("people", []connectors.Field{id, email, name, status, created}, nil,
		[]any{"1", "ada@lago.it", "Ada", "active", "2026-01-01"}, []any{"2", "not an address", "Bob", "active", "2026-01-01"}, []any{"3", "zoe@lago.it", "Zoe", "active", "2020-01-01"}))
	w.event(event.Given, "ada@lago.it", "news", time.Date(2026, 1, 1, 9, 0, 0, 0, rome))
	_, err := w.night()
	require.NoError(t, err)
	runner, err := w.p.Keys.Runner()
	require.NoError(t, err)
	key, err := keystore.ParsePublic(runner.Public())
	require.NoError(t, err)
	report, err := audit.Verify(t.Context(), w.p.Reports, key)
	require.NoError(t, err)
	require.Equal(t, int64(2), report.Nights[0].Tables["exceptions"], "an unreadable identifier and a person the registry does not know")
}

func TestOverdueIsWhatTheNightLeft(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.usualEvents()
	_, err := w.night()
	require.NoError(t, err)
	s, err := w.p.Status(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, s.Overdue, "the erasure waits")
	w.p.Orders = []pipeline.Order{{Silo: "news", Reasons: []reason.Code{reason.DConsentWithdrawn, reason.DConsentExpired}, MaxRows: 9, Until: mustDate("2027-01-01")}}
	w.now = w.now.AddDate(0, 0, 8) // the waiting plan has lapsed; tonight the order lets the rows go
	_, err = w.night()
	require.NoError(t, err)
	require.Len(t, w.rows("people"), 1)
	s, err = w.p.Status(t.Context())
	require.NoError(t, err)
	require.Empty(t, s.Overdue)
}

// Rows of one collection are decided alike and never merged; what is written about the later ones says that there are others.
func TestSeveralRowsOfOneCollection(t *testing.T) {
	twice := people()
	twice.Rows = append(twice.Rows, []any{"4", "bob@lago.it", "Bob", "active", "2026-01-02"}, []any{"5", "ada@lago.it", "Ada", "active", "2026-01-02"}, []any{"6", "bob@lago.it", "Bobby", "active", "2026-01-03"})
	w := newWorld(t, news(nil), twice)
	w.usualEvents()
	r, err := w.p.Run(t.Context(), pipeline.Options{Job: "nightly"})
	require.NoError(t, err)
	notes := map[string]int{}
	for rows, err := range audit.ReadSpool[audit.Decision](filepath.Join(w.p.State, "runs", r.RunID, "decisions.arrow")) {
		require.NoError(t, err)
		for _, d := range rows {
			notes[d.Reason+" "+d.Notes]++
		}
	}
	require.Equal(t, map[string]int{"D_CONSENT_WITHDRAWN ": 1, "D_CONSENT_WITHDRAWN I_DUPLICATE": 2, "D_CONSENT_EXPIRED ": 1}, notes)
}
