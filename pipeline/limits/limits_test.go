package limits

import (
	"cmp"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/classifiers"
	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline/audit"
	"lethe/pipeline/census"
	"lethe/pipeline/dependents"
	"lethe/pipeline/judge"
	"lethe/pipeline/notes"
	"lethe/pipeline/plan"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/scan"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
	"lethe/pipeline/stores"
)

// company is a live source of 200 people, whom the silo news governs, and of 200 orders that follow them, and a backup
// of it, as a night has read them.
type company struct {
	setup   setup.Setup
	tonight setup.Tonight
	scanner *scan.Scanner
	sources []*stores.Store
}

func newCompany(t *testing.T) company {
	t.Helper()
	catalogue, err := classifiers.New()
	require.NoError(t, err)
	today := calendar.DateOf(time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), time.UTC)
	c := company{
		setup: setup.Setup{
			Zone: time.UTC, Catalogue: catalogue, PolicyDigest: "p",
			Log: slog.New(slog.DiscardHandler), Progress: func(string, string, int64, int64) {},
		},
		tonight: setup.Tonight{RunID: "run-1", AsOf: today.Start(time.UTC), Today: today},
	}
	c.scanner = &scan.Scanner{Setup: &c.setup, Tonight: c.tonight, Notes: &notes.Notes{}}
	var tables []mem.Table
	for _, name := range []string{"people", "orders"} {
		table := mem.Table{Def: connectors.Table{Name: name, Key: []string{"id"},
			Fields: []connectors.Field{{Name: "id", Type: "int", Kind: connectors.Integer}}}}
		for i := range 200 {
			table.Rows = append(table.Rows, mem.Row{fmt.Sprint(i)})
		}
		tables = append(tables, table)
	}
	for _, source := range []setup.Source{
		{Name: "crm", Environment: "production"}, {Name: "dump", Of: "crm", Environment: "backup"},
	} {
		s := stores.NewStore(source)
		s.Conn = mem.New(source.Name, tables...)
		s.Tables, err = s.Conn.Tables(t.Context())
		require.NoError(t, err)
		require.NoError(t, c.scanner.Survey(t.Context(), s))
		c.sources = append(c.sources, s)
	}
	return c
}

// limits are those of another night, before anything is judged.
func (c company) limits(breakers setup.Breakers, orders ...setup.Order) *Limits {
	p, n := c.setup, &notes.Notes{Tonight: c.tonight}
	p.Breakers, p.Orders = breakers, orders
	l := &Limits{
		Setup: &p, Tonight: c.tonight, Notes: n, Scanner: c.scanner, Silos: silos.New(&p, c.tonight, nil),
		OrderUse: map[string]map[int]int64{},
	}
	l.Stores = stores.New(&p, c.tonight, n, l.Silos)
	for _, of := range c.sources {
		s := stores.NewStore(of.Source)
		s.Conn, s.Tables = of.Conn, of.Tables
		people, _ := s.Tables.Find("people")
		g := judge.NewJudge(&judge.Binding{
			Source: of.Source, Table: people, Silo: &policy.Compiled{Silo: policy.Silo{Name: "news"}},
		})
		s.Judges, s.Governed["people"] = []*judge.Judge{g}, []*judge.Judge{g}
		l.Stores.List = append(l.Stores.List, s)
	}
	return l
}

// drafts are those of a night's sources, the backup's to be rewritten or not.
func (l *Limits) drafts(due bool) []*plan.Draft {
	var drafts []*plan.Draft
	for _, s := range l.Stores.List {
		drafts = append(drafts, &plan.Draft{Store: s, Graph: dependents.New(s, "run", nil, nil), Due: due && s.Backup()})
	}
	return drafts
}

// root is a row to be changed.
func root(g *judge.Judge, id string, change judge.Change, code reason.Code, due calendar.Date) *judge.Root {
	return g.NewRoot(connectors.MakeKey([]byte(id)),
		judge.Ruling{Change: change, Decision: policy.Decision{Reason: code, Due: due}})
}

// TestStops leaves tables alone of which too many rows are unknown, or unreadable.
func TestStops(t *testing.T) {
	c := newCompany(t)
	for _, test := range []struct {
		name                         string
		rows, unmatched, unparseable int64
		anonymized                   int64
		stop                         []string
	}{
		{name: "none", rows: 100},
		{name: "as many as allowed", rows: 100, unmatched: 20, unparseable: 10},
		{name: "too many unknown", rows: 100, unmatched: 21, stop: []string{notes.StopNoMatch}},
		{name: "too many unreadable", rows: 100, unparseable: 11, stop: []string{notes.StopUnparseable}},
		{name: "both", rows: 100, unmatched: 60, unparseable: 40,
			stop: []string{notes.StopNoMatch, notes.StopUnparseable}},
		{name: "of a small table", rows: 49, unmatched: 49},
		{name: "of the smallest that counts", rows: 50, unmatched: 50, stop: []string{notes.StopNoMatch}},
		{name: "anonymized rows are nobody's", rows: 100, unmatched: 20, anonymized: 70},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := c.limits(setup.Breakers{NoMatchPercent: 20, UnparseablePercent: 10})
			g := l.Stores.List[0].Judges[0]
			g.Rows = test.rows
			g.Summary[census.Key{}] = &audit.Summary{Unmatched: test.unmatched, Unparseable: test.unparseable}
			g.Summary[census.Key{Reason: reason.KAnonymized}] = &audit.Summary{
				Reason: string(reason.KAnonymized), Unmatched: test.anonymized, Unparseable: test.anonymized,
			}
			require.NoError(t, l.Stops())
			require.Equal(t, test.stop != nil, g.Stopped)
			var found []string
			for i, f := range l.Notes.Facts.Findings {
				found = append(found, f.Kind)
				require.ErrorIs(t, l.Notes.Problems[i], setup.ErrUnapproved)
			}
			require.Equal(t, test.stop, found)
			require.False(t, l.Stores.List[1].Judges[0].Stopped)
		})
	}
}

// TestARegistryThatShrankStopsTheNight compares the heads with those of the last night.
func TestARegistryThatShrankStopsTheNight(t *testing.T) {
	c := newCompany(t)
	l := c.limits(setup.Breakers{})
	l.Silos.Seen = map[string]chain.Head{"news": {Seq: 5}, "gone": {Seq: 9}}
	l.Silos.Heads["news"] = chain.Head{Seq: 5}
	require.NoError(t, l.Stops())
	l.Silos.Heads["news"] = chain.Head{Seq: 4}
	require.ErrorIs(t, l.Stops(), setup.ErrTampered)
}

// TestQuestions looks at each limit from both sides.
func TestQuestions(t *testing.T) {
	c := newCompany(t)
	breakers := setup.Breakers{MaxRows: 60, MaxPercent: 40, EmptyPercent: 90, Spike: 3, NewSourceRuns: 2}
	people := func(rows int64) plan.Count {
		return plan.Count{Silo: "news", Source: "crm", Table: "people", Change: "delete", Reason: "D", Rows: rows}
	}
	in := func(c plan.Count, edit func(*plan.Count)) plan.Count { edit(&c); return c }
	backup := func(c *plan.Count) { c.Source = "dump" }
	forgets := func(c *plan.Count) { c.Change = "set_null" }
	orders := func(c *plan.Count) { c.Table = "orders" }
	unknown := func(c *plan.Count) { c.Table = "tiny" }
	for _, test := range []struct {
		name   string
		counts []plan.Count
		part   plan.Part
		digest string
		usual  int64
		runs   int
		size   int64  // of the people, where it is not 200
		was    string // where the last night read the source, which stands here
		want   []string
	}{
		{name: "few", counts: []plan.Count{people(10)}, want: []string{}},
		{name: "as many as allowed", counts: []plan.Count{people(60)}, want: []string{}},
		{name: "more", counts: []plan.Count{people(61)}, want: []string{notes.AskRows}},
		{name: "in two lines", counts: []plan.Count{people(40), in(people(40), func(c *plan.Count) { c.Reason = "E" })},
			want: []string{notes.AskRows}},
		{name: "in two tables", counts: []plan.Count{people(40), in(people(40), orders)}, want: []string{}},
		{name: "a large part", counts: []plan.Count{people(81)}, want: []string{notes.AskPercent, notes.AskRows}},
		{name: "nearly all", counts: []plan.Count{people(181)},
			want: []string{notes.AskEmpty, notes.AskPercent, notes.AskRows}},
		{name: "all of a small table", counts: []plan.Count{people(49)}, size: 49, want: []string{}},
		{name: "all of the smallest that counts", counts: []plan.Count{people(50)}, size: 50,
			want: []string{notes.AskEmpty, notes.AskPercent}},
		{name: "of a table of no size", counts: []plan.Count{in(people(50), unknown)}, want: []string{}},
		{name: "of a backup", counts: []plan.Count{in(people(181), backup)}, want: []string{}},
		{name: "that only forget", counts: []plan.Count{in(people(181), forgets)}, want: []string{}},
		{name: "reversibly", counts: []plan.Count{people(181)}, part: plan.Reversible, digest: "q", want: []string{}},
		{name: "three times the usual", counts: []plan.Count{people(30)}, usual: 10, want: []string{}},
		{name: "a spike", counts: []plan.Count{people(31)}, usual: 10, want: []string{notes.AskSpike}},
		{name: "a spike of followers", counts: []plan.Count{in(people(50), orders)}, usual: 10, want: []string{}},
		{name: "a larger one", counts: []plan.Count{in(people(51), orders)}, usual: 10, want: []string{notes.AskSpike}},
		{name: "a new source", counts: []plan.Count{people(1)}, runs: 1, want: []string{notes.AskNewSource}},
		{name: "a source that moved", counts: []plan.Count{people(1)}, was: "there", want: []string{notes.AskNewSource}},
		{name: "a source that did not", counts: []plan.Count{people(1)}, was: "here", want: []string{}},
		{name: "another policy", counts: []plan.Count{people(1)}, digest: "q", want: []string{notes.AskPolicy}},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := c.limits(breakers)
			c.scanner.Of("crm").Reading("people").Rows = cmp.Or(test.size, 200)
			for range cmp.Or(test.runs, 2) {
				f := audit.Facts{Inventory: []audit.Inventory{{Source: "crm", State: "scanned"}}}
				for _, table := range []string{"people", "orders"} {
					if test.usual > 0 {
						f.Plans = append(f.Plans, audit.Plan{
							Silo: "news", Source: "crm", Object: table, Change: "delete", Reason: "D", Rows: test.usual,
						})
					}
				}
				l.Notes.History = append(l.Notes.History, f)
			}
			if test.was != "" {
				at := *l.Setup
				at.Sources = []setup.Source{{Name: "crm", Place: "here"}}
				l.Setup = &at
				l.Notes.History[0].Places = map[string]string{"crm": test.was}
			}
			failed := audit.Facts{Inventory: []audit.Inventory{{Source: "crm", State: "failed"}}}
			l.Notes.History = append(l.Notes.History, failed)
			l.Notes.Last = &audit.Facts{}
			l.Notes.Last.Run.PolicyDigest = "p" + test.digest
			p := &plan.Sealed{Document: plan.Document{Part: test.part, Counts: test.counts}}
			require.Equal(t, test.want, l.Questions(p))
		})
	}
}

// TestRamp leaves the youngest of too many rows for later nights.
func TestRamp(t *testing.T) {
	c := newCompany(t)
	for _, test := range []struct {
		limit  int64
		ramped string
	}{{0, ""}, {4, ""}, {3, "d"}, {1, "acd"}} {
		l := c.limits(setup.Breakers{MaxRowsANight: test.limit})
		live, backup := l.Stores.List[0].Judges[0], l.Stores.List[1].Judges[0]
		live.Roots = []*judge.Root{
			root(live, "a", judge.Delete, "D", 20), root(live, "b", judge.Clear, "D", 10),
			root(live, "c", judge.Anonymize, "D", 30), root(live, "d", judge.Delete, "D", 40),
			root(live, "e", judge.Block, "D", 50), root(live, "f", judge.None, "D", 60),
		}
		backup.Roots = []*judge.Root{root(backup, "g", judge.Delete, "D", 5)}
		l.Ramp(l.drafts(true))
		ramped := ""
		for _, g := range []*judge.Judge{live, backup} {
			for _, r := range g.Roots {
				if values, _ := g.KeyOf(r).Values(); r.Ramped {
					ramped += string(values[0])
				}
			}
		}
		require.Equal(t, test.ramped, ramped, test.limit)
		require.Equal(t, len(test.ramped) > 0, len(l.Notes.Facts.Findings) == 1)
		if len(test.ramped) > 0 {
			require.EqualValues(t, len(test.ramped), l.Notes.Facts.Findings[0].Count)
		}
	}
}
