package requests

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline/pipelinetest"
	"lethe/pipeline/policy"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/cases"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/setup"
)

// town is a company with many people, some of whom ask.
type town struct {
	*pipelinetest.World
	people, ask int
}

func emailOf(person int) string { return fmt.Sprintf("person.%d@lago.it", person) }

// spelt are ways in which one address is written.
var spelt = []func(string) string{
	func(s string) string { return s },
	strings.ToUpper,
	func(s string) string { return "  " + s + "\t" },
	func(s string) string { return strings.Replace(s, "@lago.it", "@LAGO.it", 1) },
}

// newTown is a town of people: each has two rows, the second of some in another spelling; orders, of which the policy
// says that they go with them; and a backup that holds the first half of them.
func newTown(t testing.TB, people, ask int) *town {
	var rows, orders, notes [][]any
	for p := range people {
		for i := range 2 {
			id := fmt.Sprint(2*p + i + 1)
			rows = append(rows, []any{id, spelt[(p+i)%len(spelt)](emailOf(p)), "Somebody", "active", "2026-01-01"})
			for o := range (p + i) % 3 {
				orders = append(orders, []any{fmt.Sprintf("%s%d", id, o), id})
			}
		}
		if p%5 == 0 {
			notes = append(notes, []any{fmt.Sprint(p + 1), "call <" + emailOf(p) + ">, or write"})
		}
	}
	head := pipelinetest.People().Def.Fields
	tables := func(half int) []mem.Table {
		return []mem.Table{pipelinetest.Table("people", head, nil, rows[:len(rows)/half]...),
			pipelinetest.Table("orders", []connectors.Field{pipelinetest.ID,
				pipelinetest.Field("person", connectors.Integer, false)},
				[]connectors.ForeignKey{pipelinetest.FK("people", "person")}, orders[:len(orders)/half]...),
			pipelinetest.Table("notes", []connectors.Field{pipelinetest.ID,
				pipelinetest.Field("body", connectors.Text, true)}, nil, notes...)}
	}
	silo := pipelinetest.News(pipelinetest.Depends(policy.Dependent{Table: "orders", FK: []string{"person"}, Do: "delete"}))
	silo.LinkScope = "silo"
	w := &town{World: pipelinetest.New(t, silo, tables(1)...), people: people, ask: ask}
	backup := mem.New("old", tables(2)...)
	w.Setup.Sources = append(w.Setup.Sources, setup.Source{Name: "old", Environment: "backup", Of: "crm",
		Open: func(context.Context) (connectors.Source, error) { return backup, nil }})
	w.register(t)
	return w
}

// register records everybody's consent, and the requests of those who ask.
func (w *town) register(t testing.TB) {
	config := w.Setup.Registry
	config.AllowEmpty = true
	r, err := registry.Open(t.Context(), config)
	require.NoError(t, err)
	key, err := w.Setup.Keys.SiloKey("news")
	require.NoError(t, err)
	at := time.Date(2026, 1, 1, 9, 0, 0, 0, pipelinetest.Rome())
	for p := range w.people {
		e := event.Event{Type: event.Given, Subjects: []event.Subject{{Kind: "email", Value: emailOf(p)}}, Purpose: "news",
			OccurredAt: at, Source: "test", ID: fmt.Sprint(p), Notice: "v1", Method: "form", Evidence: "form-1"}
		_, err = r.Append(t.Context(), key, e)
		require.NoError(t, err)
	}
	for p := range w.ask {
		q := cases.Request{ID: fmt.Sprintf("r%d", p), Kind: cases.RequestAccess, Received: w.Now.Add(-time.Hour),
			Due: w.Now.AddDate(0, 1, 0)}
		theirs, err := r.CollectionsOf(t.Context(), key, event.Subject{Kind: "email", Value: emailOf(p)}, "IT")
		require.NoError(t, err)
		require.NoError(t, r.OpenRequest(t.Context(), "news", q, theirs...))
		require.NoError(t, r.NoteRequest(t.Context(), "news", q.ID,
			cases.Step{Name: cases.StepVerified, How: "account"}))
	}
	require.NoError(t, r.Close())
}

// TestFindMissesNobody finds 200 people in a live source and its backup, with what goes with their rows and what names
// them, and nobody else's row.
func TestFindMissesNobody(t *testing.T) {
	w := newTown(t, 300, 200)
	asks, err := Read(t.Context(), w.Setup, Which{}, false)
	require.NoError(t, err)
	require.Len(t, asks, 200)
	sections, err := Find(t.Context(), w.Setup, asks)
	require.NoError(t, err)
	for _, s := range sections {
		person := 0
		_, err := fmt.Sscanf(s.Request, "r%d", &person)
		require.NoError(t, err)
		require.Empty(t, s.Missing)
		found := map[string]int{}
		for _, h := range s.Hits {
			found[fmt.Sprint(h.Source, " ", h.Table, " ", h.Key, " ", h.How)]++
		}
		want := map[string]int{}
		for _, source := range []string{"crm", "old"} {
			for i := range 2 {
				id := 2*person + i + 1
				if source == "old" && person >= w.people/2 {
					continue
				}
				want[fmt.Sprintf("%s people [%d] own", source, id)]++
				for o := range (person + i) % 3 {
					want[fmt.Sprintf("%s orders [%d%d] dependent", source, id, o)]++
				}
			}
			if person%5 == 0 {
				want[fmt.Sprintf("%s notes [%d] names", source, person+1)]++
			}
		}
		require.Equal(t, want, found, s.Request)
	}
}

// TestWhich refuses what may not be searched for.
func TestWhich(t *testing.T) {
	asked := func(id string, verified, closed bool) Ask {
		a := Ask{Silo: "news", Asked: cases.Asked{Request: cases.Request{ID: id}}}
		if verified {
			a.Asked.Steps = []cases.Step{{Name: cases.StepVerified}}
		}
		if closed {
			a.Asked.Closed = time.Unix(1, 0)
		}
		return a
	}
	for _, c := range []struct {
		ids    []string
		asks   []Ask
		closed bool
		want   string
	}{
		{[]string{"a"}, []Ask{asked("a", true, false)}, false, ""},
		{[]string{"a"}, []Ask{asked("a", true, true)}, true, ""},
		{[]string{"a"}, []Ask{asked("a", true, true)}, false, "request a of silo news is closed"},
		{[]string{"a"}, []Ask{asked("a", false, false)}, false, "nobody noted that the person of request a"},
		{[]string{"a", "b"}, []Ask{asked("a", true, false)}, false, "there is no request b"},
		{nil, nil, false, ""},
	} {
		err := cmp.Or(Which{IDs: c.ids}.unknown(c.asks), refuse(c.asks, c.closed))
		if c.want == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorIs(t, err, setup.ErrConfig)
		require.ErrorContains(t, err, c.want)
	}
	verified := asked("a", true, false).Asked
	require.True(t, Which{}.means(verified))
	require.False(t, Which{}.means(asked("a", false, false).Asked))
	require.False(t, Which{}.means(asked("a", true, true).Asked))
	require.True(t, Which{IDs: []string{"a"}}.means(asked("a", false, true).Asked))
	require.False(t, Which{IDs: []string{"b"}}.means(verified))
}

// TestPlaces counts what was found alike.
func TestPlaces(t *testing.T) {
	s := &Section{Hits: []*Hit{{Source: "a", Table: "x", How: Own}, {Source: "a", Table: "y", How: Names},
		{Source: "a", Table: "x", How: Own}, {Source: "a", Table: "x", How: Own, Change: "delete"}}}
	rows := []int{}
	for _, p := range s.Places() {
		rows = append(rows, p.Rows)
	}
	require.Equal(t, []int{2, 1, 1}, rows)
	require.Len(t, s.Certain(), 3)
	require.Len(t, s.Possible(), 1)
}

// BenchmarkFind compares one request with five hundred: `go test -bench Find -benchtime 3x`.
func BenchmarkFind(b *testing.B) {
	w := newTown(b, 20_000, 500)
	all, err := Read(b.Context(), w.Setup, Which{}, false)
	require.NoError(b, err)
	for _, n := range []int{1, 500} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				_, err := Find(b.Context(), w.Setup, slices.Clone(all[:n]))
				require.NoError(b, err)
			}
		})
	}
}

// TestSame notices a row of the person that is not as it was found: changed, or gone; not one of somebody else.
func TestSame(t *testing.T) {
	w := newTown(t, 4, 2)
	asks, err := Read(t.Context(), w.Setup, Which{IDs: []string{"r1"}}, false)
	require.NoError(t, err)
	sections, err := Find(t.Context(), w.Setup, asks)
	require.NoError(t, err)
	same := func() bool {
		same, err := sections[0].Same(t.Context(), w.Setup)
		require.NoError(t, err)
		return same
	}
	require.True(t, same())
	w.Set("people", "1", "name", "Zoe") // of r0
	require.True(t, same())
	w.Set("people", "4", "name", "Zoe")
	require.False(t, same())
}

// TestFindTellsPeopleApart leaves a row for somebody to look at in which another's identifier stands too, finds what goes
// along with what goes along, and names a source that does not answer.
func TestFindTellsPeopleApart(t *testing.T) {
	phone := pipelinetest.Field("phone", connectors.Text, true)
	people := pipelinetest.People(phone)
	people.Rows = []mem.Row{{"1", "ada@lago.it", "Ada", "active", "2026-01-01", nil},
		{"2", "ada@lago.it", "Both", "active", "2026-01-01", "+39 011 555 0199"}}
	child := func(name, of string, rows ...[]any) mem.Table {
		return pipelinetest.Table(name, []connectors.Field{pipelinetest.ID,
			pipelinetest.Field("of", connectors.Integer, false)},
			[]connectors.ForeignKey{pipelinetest.FK(of, "of")}, rows...)
	}
	silo := pipelinetest.News(pipelinetest.Depends(policy.Dependent{Table: "orders", FK: []string{"of"}, Do: "delete"},
		policy.Dependent{Table: "lines", FK: []string{"of"}, Do: "delete", References: "orders"}))
	silo.Records[0].Subject["phone"] = "phone"
	w := pipelinetest.New(t, silo, people, child("orders", "people", []any{"10", "1"}, []any{"20", "2"}),
		child("lines", "orders", []any{"100", "10"}, []any{"200", "20"}))
	w.Event(event.Given, "ada@lago.it", "news", w.Now.AddDate(0, -1, 0))
	config := w.Setup.Registry
	r, err := registry.Open(t.Context(), config)
	require.NoError(t, err)
	key, err := w.Setup.Keys.SiloKey("news")
	require.NoError(t, err)
	_, err = r.Append(t.Context(), key, event.Event{Type: event.Given, Purpose: "news", OccurredAt: w.Now.AddDate(0, -1, 0),
		Subjects: []event.Subject{{Kind: "phone", Value: "+39 011 5550199"}}, Source: "test", ID: "p", Notice: "v1",
		Method: "form", Evidence: "form-2"})
	require.NoError(t, err)
	theirs, err := r.CollectionsOf(t.Context(), key, event.Subject{Kind: "email", Value: "ada@lago.it"}, "IT")
	require.NoError(t, err)
	require.NoError(t, r.Close())
	w.Setup.Sources = append(w.Setup.Sources, setup.Source{Name: "down", Environment: "backup", Of: "crm",
		Open: func(context.Context) (connectors.Source, error) { return nil, connectors.ErrUnreachable }})

	sections, err := Find(t.Context(), w.Setup, []Ask{{Silo: "news",
		Asked: cases.Asked{Request: cases.Request{ID: "r1"}, Collections: theirs}}})
	require.NoError(t, err)
	var found []string
	for _, h := range sections[0].Hits {
		found = append(found, fmt.Sprint(h.Table, h.Key, h.How))
	}
	require.Equal(t, []string{"people[1]own", "people[2]shared", "orders[10]dependent", "lines[100]dependent"}, found)
	require.Equal(t, "down: unreachable", sections[0].Missing[0].String())

	same, err := sections[0].Same(t.Context(), w.Setup)
	require.NoError(t, err)
	require.True(t, same)
	gone := connectors.Query{Table: "lines", Keys: &connectors.Keys{Fields: []string{"id"},
		Tuples: []connectors.Key{connectors.MakeKey([]byte("100"))}}}
	_, err = w.Live.Mutate(t.Context(), []connectors.Query{gone}, func(connectors.Batch) (connectors.Edit, error) {
		return connectors.Edit{Ops: []connectors.Op{connectors.Delete}}, nil
	}, func() error { return nil })
	require.NoError(t, err)
	same, err = sections[0].Same(t.Context(), w.Setup)
	require.NoError(t, err)
	require.False(t, same, "a row that is gone")
}
