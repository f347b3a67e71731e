package pipeline_test

import (
	"cmp"
	"context"
	"errors"
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
	"lethe/pipeline/pipelinetest"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/intake"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/setup"
)

var text = field("text", connectors.Text, true)

// log is a table that no silo governs, with these texts.
func log(texts ...string) mem.Table {
	t := table("log", []connectors.Field{id, text}, nil)
	for i, s := range texts {
		t.Rows = append(t.Rows, mem.Row{fmt.Sprint(i + 1), s})
	}
	return t
}

// left says who is left where: silo, place, people, how many of them erased, an example.
func (w *world) left() (lines []string) {
	w.T.Helper()
	for _, r := range w.facts().Remnants {
		lines = append(lines, fmt.Sprintf("%s %s.%s.%s %d/%d in %d, row %d", r.Silo, r.Source, r.Object, r.Column, r.People,
			r.Erased, r.Rows, r.Example))
	}
	return lines
}

// second adds a silo with a table of its own.
func (w *world) second(name string, change func(*policy.Silo)) {
	w.T.Helper()
	require.NoError(w.T, w.Setup.Keys.EnsureSilo(name))
	c, err := policy.Compile(news(func(s *policy.Silo) {
		s.Name, s.Records[0].Table = name, name
		change(s)
	}), rome, "IT")
	require.NoError(w.T, err)
	w.Setup.Silos = append(w.Setup.Silos, c)
}

// shop is the table of a second silo, of people with an address and a day on which a contract ended, or has not.
func shop(rows ...[]any) mem.Table {
	return table("shop", []connectors.Field{id, email, field("ended", connectors.Date, true)}, nil, rows...)
}

// contract lets a silo keep its rows for a year after the day on which the contract ended.
func contract(s *policy.Silo) {
	s.Records[0].Collected = ""
	s.Rules = []policy.Rule{{Purpose: "orders", Basis: policy.Contract, Start: policy.RelationEnded, At: "ended",
		Period: calendar.Period{Years: 1}, End: policy.Delete, Because: "contract", Owner: "anna", ReviewBy: "2027-01-01"}}
}

var bobs = []string{"to bob@lago.it", `{"old":{"email":"BOB@lago.it"},"new":{"email":"ada@lago.it"}}`, "nobody@lago.it"}

func TestWhoIsLeft(t *testing.T) {
	for _, tt := range []struct {
		name   string
		silo   func(*policy.Silo)
		tables []mem.Table
		world  func(*world)
		want   []string
	}{
		{name: "out of consent", tables: []mem.Table{people(), log(bobs...)},
			want: []string{"news crm.log.text 1/0 in 2, row 1"}},
		{name: "two people in one row", tables: []mem.Table{people(), log("bob@lago.it,eve@lago.it,bob@lago.it")},
			want: []string{"news crm.log.text 2/0 in 2, row 1"}},
		{name: "nobody", tables: []mem.Table{people(), log("ada@lago.it", "", "x@lago.it")}},
		{name: "without a row of their own", tables: []mem.Table{table("people", people().Def.Fields, nil), log(bobs...)},
			want: []string{"news crm.log.text 1/0 in 2, row 1"}},
		{name: "in grace", silo: func(s *policy.Silo) { s.Rules[0].Grace = calendar.Period{Months: 1} },
			tables: []mem.Table{people(), log("bob@lago.it")}, world: func(w *world) {
				w.Event(event.Given, "bob@lago.it", "news", time.Date(2026, 11, 1, 9, 0, 0, 0, rome))
				w.Event(event.Withdrawn, "bob@lago.it", "news", time.Date(2026, 11, 10, 9, 0, 0, 0, rome))
			}},
		{name: "held", tables: []mem.Table{people(), log(bobs...)},
			world: func(w *world) { w.Event(event.HoldPlaced, "bob@lago.it", "", w.Now.AddDate(0, 0, -2)) }},
		{name: "restricted", tables: []mem.Table{people(), log(bobs...)},
			world: func(w *world) { w.Event(event.Restricted, "bob@lago.it", "", w.Now.AddDate(0, 0, -2)) }},
		{name: "the rows of the silo do not count themselves", tables: []mem.Table{people(text)},
			world: func(w *world) { w.Set("people", "1", "text", "bob@lago.it") }},
		{name: "another silo keeps them by a row that the registry does not know",
			tables: []mem.Table{people(), shop([]any{"1", "bob@lago.it", nil}), log(bobs...)},
			world:  func(w *world) { w.second("shop", contract) }},
		{name: "another silo has a row that nobody knows more of",
			tables: []mem.Table{people(), shop([]any{"1", "bob@lago.it", "2024-01-01"}), log(bobs...)},
			world:  func(w *world) { w.second("shop", contract) }},
		{name: "another silo keeps one of two",
			tables: []mem.Table{people(), shop([]any{"1", "bob@lago.it", nil}), log(append(bobs, "eve@lago.it")...)},
			world:  func(w *world) { w.second("shop", contract) },
			want:   []string{"news crm.log.text 1/0 in 1, row 4"}},
		{name: "what goes with a row is not left before the row went",
			tables: []mem.Table{people(), table("log", []connectors.Field{id, text, field("person", connectors.Integer, true)},
				[]connectors.ForeignKey{fk("people", "person")}, []any{"1", "bob@lago.it", nil})}},
		{name: "rows of a governed table that no silo takes",
			silo: func(s *policy.Silo) { s.Records[0].Where = map[string]string{"status": "active"} },
			tables: []mem.Table{func() mem.Table {
				p := people()
				p.Rows = append(p.Rows, mem.Row{"9", "bob@lago.it", "Bob", "old", "2026-01-01"})
				return p
			}()}, want: []string{"news crm.people.email 1/0 in 1, row 9"}},
		{name: "proofs of consent", tables: []mem.Table{people(), log(bobs...)},
			world: func(w *world) {
				w.Setup.Silos[0].Silo.Consents = []intake.Mapping{{Source: "crm", Table: "log"}}
			}},
		{name: "left out by the configuration", tables: []mem.Table{people(), log(bobs...)},
			world: func(w *world) { w.Setup.Sources[0].Skip = map[string]string{"log.text": "known"} }},
		{name: "an address as a key is shown nowhere",
			tables: []mem.Table{people(), func() mem.Table {
				l := log(bobs[0])
				l.Def.Key = []string{"text"}
				return l
			}()}, want: []string{"news crm.log.text 1/0 in 1, row 0"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, news(tt.silo), tt.tables...)
			w.UsualEvents()
			if tt.world != nil {
				tt.world(w)
			}
			if len(w.Setup.Silos[0].Silo.Consents) > 0 { // the night would take them in
				_, err := pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "nightly"})
				require.NoError(t, err)
			} else {
				_, err := w.night()
				require.NoError(t, err)
			}
			require.Equal(t, tt.want, w.left())
			finds := slices.DeleteFunc(kinds(w.facts()), func(k string) bool { return !strings.Contains(k, "F_REMNANT") })
			require.Equal(t, len(tt.want) > 0, len(finds) > 0, finds)
			nowhere(t, w, "bob@lago")
		})
	}
}

// nowhere holds that no file that a night leaves has a text, but for the registry's own folder.
func nowhere(t *testing.T, w *world, what string) {
	t.Helper()
	looked := 0
	for _, dir := range []string{w.Setup.State, w.Setup.Reports} {
		require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NotContains(t, strings.ToLower(string(data)), what, path)
			looked++
			return nil
		}))
	}
	require.Positive(t, looked)
}

// TestErasedPeopleAreLeft follows people from their consent's end to the night that erased them and beyond: what the
// registry forgot, the traces of erased rows still tell, as long as a backup needs them.
func TestErasedPeopleAreLeft(t *testing.T) {
	w := newWorld(t, news(func(s *policy.Silo) { s.ProofRetention = calendar.Period{Months: 1} }), people(), log(bobs...))
	w.UsualEvents()
	file := filepath.Join(w.Dir, "dump")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	w.Setup.Sources = append(w.Setup.Sources, setup.Source{Name: "dump", Application: "crm", Environment: "backup",
		Of: "crm", Path: file, TakenAt: w.Now, Keep: calendar.Period{Years: 2},
		Open: func(context.Context) (connectors.Source, error) { return mem.New("crm", people(), log(bobs...)), nil }})
	w.planned()
	require.Equal(t, []string{"news crm.log.text 1/0 in 2, row 1", "news dump.log.text 1/0 in 2, row 1"}, w.left())
	first := w.facts().Remnants[0].FirstSeen
	require.Equal(t, int64(2), w.applied()["people delete done"])

	next := func(days int) {
		t.Helper()
		w.Now = w.Now.AddDate(0, 0, days)
		_, err := w.night()
		require.NoError(t, err)
	}
	next(1)
	require.Equal(t, []string{"news crm.log.text 1/1 in 2, row 1", "news dump.log.text 1/1 in 2, row 1"}, w.left())
	require.Equal(t, first, w.facts().Remnants[0].FirstSeen)
	require.Equal(t, "2026-10-01", w.facts().Remnants[0].Since, "since the day of the withdrawal, not of the erasure")

	next(60)
	require.Contains(t, w.facts().Run.Forgotten, "news: ")
	next(1)
	require.Equal(t, []string{"news crm.log.text 1/1 in 2, row 1", "news dump.log.text 1/1 in 2, row 1"}, w.left(),
		"the registry knows bob no more, the trace of his row does")
	nowhere(t, w, "bob@lago")

	w.Event(event.Given, "bob@lago.it", "news", w.Now.AddDate(0, 0, -1))
	next(1)
	require.Empty(t, w.left(), "he is back")
}

// TestNobodyIsLeftWhereNobodyKnows says nothing where a live source was not read, and that it does not.
func TestNobodyIsLeftWhereNobodyKnows(t *testing.T) {
	w := newWorld(t, news(nil), people(), log(bobs...))
	w.UsualEvents()
	w.second("shop", func(s *policy.Silo) {
		contract(s)
		s.Records[0].Source = "till"
	})
	down := true
	w.Setup.Sources = append(w.Setup.Sources, setup.Source{Name: "till", Application: "till", Environment: "production",
		Open: func(context.Context) (connectors.Source, error) {
			if down {
				return nil, &connectors.Error{Op: "open", Source: "till", Err: connectors.ErrUnreachable}
			}
			return mem.New("till", shop()), nil
		}})
	_, err := w.night()
	require.True(t, errors.Is(err, setup.ErrSource), err)
	require.Empty(t, w.left())
	require.Contains(t, kinds(w.facts()), "F_REMNANT_UNKNOWN low ")
	down = false
	w.Now = w.Now.AddDate(0, 0, 1)
	_, err = w.night()
	require.NoError(t, err)
	require.Equal(t, []string{"news crm.log.text 1/0 in 2, row 1"}, w.left())
	require.NotContains(t, kinds(w.facts()), "F_REMNANT_UNKNOWN low ")
}

// TestTwoSilosAreNotJoinedByWhoIsLeft counts who is gone from two silos in each, names no row in both, and does not say
// that they are one.
func TestTwoSilosAreNotJoinedByWhoIsLeft(t *testing.T) {
	w := newWorld(t, news(nil), people(), shop(), log(bobs...))
	w.UsualEvents()
	w.second("shop", func(s *policy.Silo) {})
	w.Setup.Silos[1].Silo.Records[0].Collected = ""
	w.Setup.Silos[0], w.Setup.Silos[1] = w.Setup.Silos[1], w.Setup.Silos[0]
	w.Event(event.Given, "bob@lago.it", "news", time.Date(2026, 1, 1, 9, 0, 0, 0, pipelinetest.Rome()))
	w.Event(event.Withdrawn, "bob@lago.it", "news", time.Date(2026, 2, 1, 9, 0, 0, 0, pipelinetest.Rome()))
	_, err := w.night()
	require.NoError(t, err)
	require.Equal(t, []string{"news crm.log.text 1/0 in 2, row 0", "shop crm.log.text 1/0 in 2, row 0"}, w.left())
}

// ends lets the silo end people in fields of the log.
func ends(do string, fields ...string) func(*policy.Silo) {
	return func(s *policy.Silo) {
		for _, f := range fields {
			s.Remnants = append(s.Remnants, policy.Remnant{Source: "crm", Table: "log", Field: f, Do: do})
		}
	}
}

// TestRemnantsEnd plans, asks about and carries out what a policy says of people who should be gone.
func TestRemnantsEnd(t *testing.T) {
	const kept = "2 nobody@lago.it"
	for _, tt := range []struct {
		name string
		do   string
		log  []string
		want []string
		left int // of the log's people afterwards
	}{
		{"replace", "replace", []string{"to bob@lago.it, ada@lago.it", "nobody@lago.it"},
			[]string{"1 to xxxxxxxxxxx, ada@lago.it", kept}, 0},
		{"replace in JSON, twice, and what is beside it", "replace",
			[]string{`{"old":"BOB@lago.it","new":"eve@lago.it","id":7,"x":"bob@lago.it"}`, "nobody@lago.it"},
			[]string{`1 {"old":"xxxxxxxxxxx","new":"xxxxxxxxxxx","id":7,"x":"xxxxxxxxxxx"}`, kept}, 0},
		{"what is behind an encoding is not replaced", "replace", []string{"u=bob%40lago.it", "nobody@lago.it"},
			[]string{"1 u=bob%40lago.it", kept}, 1},
		{"clear", "clear", []string{"u=bob%40lago.it", "nobody@lago.it"}, []string{"1 -", kept}, 0},
		{"delete", "delete", []string{"u=bob%40lago.it", "nobody@lago.it"}, []string{kept}, 0},
		{"delete, of two people", "delete", []string{"bob@lago.it, eve@lago.it", "nobody@lago.it"}, []string{kept}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, news(ends(tt.do, "text")), people(), log(tt.log...))
			w.UsualEvents()
			before := w.Rows("log")
			_, err := w.night()
			require.NoError(t, err)
			require.Equal(t, before, w.Rows("log"), "two people are asked first")
			w.approve()
			w.Now = w.Now.Add(time.Hour)
			done := w.applied()
			require.Equal(t, tt.want, w.Rows("log"))
			if tt.left == 0 {
				op := map[string]string{"replace": "clear"}[tt.do]
				require.Equal(t, int64(1), done["log "+cmp.Or(op, tt.do)+" done"], done)
			}
			w.Now = w.Now.AddDate(0, 0, 1)
			_, err = w.night()
			require.NoError(t, err)
			require.Len(t, w.left(), tt.left)
			nowhere(t, w, "bob@lago")
			nowhere(t, w, "bob%40")
		})
	}
}

// TestRemnantsEndInBackups changes the live store and its backup by one plan, two fields of a row at once.
func TestRemnantsEndInBackups(t *testing.T) {
	two := func() mem.Table {
		return table("log", []connectors.Field{id, text, field("old", connectors.Text, true)}, nil,
			[]any{"1", "now eve@lago.it", "was bob@lago.it"}, []any{"2", "ada@lago.it", nil}, []any{"3", nil, "bob@lago.it"})
	}
	w := newWorld(t, news(ends("replace", "text", "old")), people(), two())
	w.UsualEvents()
	file := filepath.Join(w.Dir, "dump")
	require.NoError(t, os.WriteFile(file, []byte("x"), 0o600))
	dump := mem.New("crm", people(), two())
	w.Setup.Sources = append(w.Setup.Sources, setup.Source{Name: "dump", Application: "crm", Environment: "backup",
		Of: "crm", Path: file, TakenAt: w.Now, Keep: calendar.Period{Years: 2}, Rewrite: &setup.RewriteTerms{},
		Open: func(context.Context) (connectors.Source, error) { return dump, nil }})
	w.planned()
	done := w.applied()
	require.Equal(t, int64(4), done["log clear done"], done)
	want := []string{"1 now xxxxxxxxxxx was xxxxxxxxxxx", "2 ada@lago.it -", "3 - xxxxxxxxxxx"}
	require.Equal(t, want, w.Rows("log"))
	w.Live = dump
	require.Equal(t, want, w.Rows("log"))
}

// TestRemnantsAreDecidedAnew leaves a row alone that is not as the plan saw it, in which somebody else stands by now, or
// of whose people one may be held again.
func TestRemnantsAreDecidedAnew(t *testing.T) {
	for name, tt := range map[string]struct {
		between func(w *world)
		want    []string
		status  string
	}{
		"nothing happened": {func(*world) {}, []string{"1 xxxxxxxxxxx xxxxxxxxxxx"}, "done"},
		"the text changed": {func(w *world) { w.Set("log", "1", "text", "bob@lago.it!") }, []string{"1 bob@lago.it!"},
			"skipped_drift"},
		"the text is gone": {func(w *world) { w.Set("log", "1", "text", "nothing") }, []string{"1 nothing"}, "done"}, // nobody stands there any more
		"one of the people came back": {func(w *world) {
			w.Event(event.Given, "bob@lago.it", "news", w.Now.Add(-time.Minute))
		}, []string{"1 bob@lago.it eve@lago.it"}, "skipped_drift"},
		"all of them came back": {func(w *world) {
			w.Event(event.Given, "bob@lago.it", "news", w.Now.Add(-time.Minute))
			w.Event(event.Given, "eve@lago.it", "news", w.Now.Add(-time.Minute))
		}, []string{"1 bob@lago.it eve@lago.it"}, "done"}, // nobody stands there who should be gone
		"one of them is held": {func(w *world) {
			w.Event(event.HoldPlaced, "bob@lago.it", "", w.Now.Add(-time.Minute))
		}, []string{"1 bob@lago.it eve@lago.it"}, "skipped_drift"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, news(ends("replace", "text")), people(), log("bob@lago.it eve@lago.it"))
			w.UsualEvents()
			w.planned()
			tt.between(w)
			w.Now = w.Now.Add(time.Minute)
			done := w.applied()
			require.Equal(t, tt.want, w.Rows("log"))
			require.Equal(t, int64(1), done["log clear "+tt.status], done)
		})
	}
}

// TestRemnantsOfPeopleWhoAreHeldStay plans nothing for a text in which somebody stands whom another silo keeps by a row
// that the registry does not know, and nothing for what only a row's own date says.
func TestRemnantsOfPeopleWhoAreHeldStay(t *testing.T) {
	w := newWorld(t, news(ends("replace", "text")), people(), shop([]any{"1", "bob@lago.it", nil}),
		log("bob@lago.it and eve@lago.it", "eve@lago.it"))
	w.UsualEvents()
	w.second("shop", contract)
	w.planned()
	w.applied()
	require.Equal(t, []string{"1 bob@lago.it and eve@lago.it", "2 xxxxxxxxxxx"}, w.Rows("log"))
}

// TestRemnantsThatCannotEndAreRefused says before anything is read what a policy asks that a table cannot serve.
func TestRemnantsThatCannotEndAreRefused(t *testing.T) {
	number := field("number", connectors.Integer, false)
	for name, tt := range map[string]struct {
		do, table, field, want string
	}{
		"no table":     {"clear", "lag", "text", "the source has no such table"},
		"no field":     {"clear", "log", "texts", "it has no field texts"},
		"not null":     {"clear", "log", "number", "NOT NULL: use replace or delete"},
		"no text":      {"replace", "log", "number", "replace is for fields of text"},
		"the key":      {"replace", "log", "id", "part of the key"},
		"governed":     {"clear", "people", "name", "records"},
		"another word": {"burn", "log", "text", "do"},
	} {
		t.Run(name, func(t *testing.T) {
			s := news(func(s *policy.Silo) {
				s.Remnants = []policy.Remnant{{Source: "crm", Table: tt.table, Field: tt.field, Do: tt.do}}
			})
			if _, err := policy.Compile(s, rome, "IT"); err != nil {
				require.ErrorContains(t, err, tt.want)
				return
			}
			w := newWorld(t, s, people(), table("log", []connectors.Field{id, text, number}, nil))
			w.UsualEvents()
			_, err := w.night()
			require.ErrorIs(t, err, setup.ErrConfig)
			require.ErrorContains(t, err, tt.want)
		})
	}
}

// TestARemnantThatOthersReferToStays deletes no row to which one refers that stays, and says what holds it.
func TestARemnantThatOthersReferToStays(t *testing.T) {
	w := newWorld(t, news(ends("delete", "text")), people(), log("bob@lago.it", "eve@lago.it"),
		table("seen", []connectors.Field{id, field("log", connectors.Integer, true)},
			[]connectors.ForeignKey{fk("log", "log")}, []any{"1", "1"}))
	w.UsualEvents()
	w.planned()
	require.Contains(t, kinds(w.facts()), "F_HELD_BACK medium seen.log")
	done := w.applied()
	require.Equal(t, int64(1), done["log delete done"], done)
	require.Equal(t, []string{"1 bob@lago.it"}, w.Rows("log"))
	w.Now = w.Now.AddDate(0, 0, 1)
	r, err := w.night()
	require.NoError(t, err)
	require.Empty(t, r.Waiting, "nobody is asked about what cannot be done")
	require.Equal(t, []string{"news crm.log.text 1/1 in 1, row 1"}, w.left())
}

// TestAKeyThatSaysWhoIsNotShown keeps the key of an example to itself where it was found to be a number of people.
func TestAKeyThatSaysWhoIsNotShown(t *testing.T) {
	l := table("log", []connectors.Field{field("tel_mobile", connectors.Integer, false), text}, nil,
		[]any{"393331234567", "bob@lago.it"})
	l.Def.Key = []string{"tel_mobile"}
	w := newWorld(t, news(nil), people(), l)
	w.UsualEvents()
	_, err := w.night()
	require.NoError(t, err)
	require.Equal(t, []string{"news crm.log.text 1/0 in 1, row 0"}, w.left())
	nowhere(t, w, "393331234567")
}
