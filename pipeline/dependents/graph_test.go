package dependents_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline/dependents"
	"lethe/pipeline/judge"
	"lethe/pipeline/policy"
	"lethe/pipeline/setup"
	"lethe/pipeline/stores"
)

// table makes a table of text fields, the first of them its key. A field "person>people" refers to the key of
// people, "code>people.code" to another field of it.
func table(name, fields string, rows ...string) mem.Table {
	t := mem.Table{Def: connectors.Table{Name: name}}
	for i, field := range strings.Fields(fields) {
		field, parent, refers := strings.Cut(field, ">")
		t.Def.Fields = append(t.Def.Fields, connectors.Field{Name: field, Kind: connectors.Text, Nullable: i > 0})
		if refers {
			parent, key, other := strings.Cut(parent, ".")
			if !other {
				key = "id"
			}
			t.Def.ForeignKeys = append(t.Def.ForeignKeys, connectors.ForeignKey{
				Fields: []string{field}, RefTable: parent, RefFields: []string{key}, OnDelete: "RESTRICT",
			})
		}
	}
	if t.Def.Fields[0].Name == "id" {
		t.Def.Key = []string{"id"}
	}
	for _, row := range rows {
		var cells mem.Row
		for _, cell := range strings.Fields(row) {
			if cell == "-" {
				cells = append(cells, nil)
			} else {
				cells = append(cells, cell)
			}
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}

// company is a source of which a judge wants people deleted.
type company struct {
	store *stores.Store
	judge *judge.Judge
}

type fataler interface {
	require.TestingT
	Helper()
}

func newCompany(t fataler, tables []mem.Table, declared []policy.Dependent, roots ...string) company {
	t.Helper()
	store := stores.NewStore(setup.Source{Name: "crm"})
	conn := mem.New("crm", tables...)
	store.Conn = conn
	for _, table := range tables {
		store.Tables = append(store.Tables, table.Def)
	}
	c := company{store: store}
	c.judge = c.judges("people", declared, roots...)
	return c
}

// judges adds a judge who wants rows of a table deleted.
func (c company) judges(table string, declared []policy.Dependent, roots ...string) *judge.Judge {
	def, _ := c.store.Tables.Find(table)
	g := judge.NewJudge(&judge.Binding{Table: def, Records: policy.Records{Table: table, Dependents: declared}})
	for _, id := range roots {
		g.Roots = append(g.Roots, &judge.Root{Key: key(id), Change: judge.Delete})
	}
	c.store.Judges = append(c.store.Judges, g)
	return g
}

func key(id string) connectors.Key { return connectors.MakeKey([]byte(id)) }

func id(k connectors.Key) string {
	values, _ := k.Values()
	return string(values[0])
}

// kept names the roots of a judge that cannot go.
func kept(g *judge.Judge) (ids []string) {
	for _, r := range g.Roots {
		if r.Kept {
			ids = append(ids, id(r.Key))
		}
	}
	return ids
}

// chosen is what Followers is told when a judge's roots are planned in their order.
func chosen(g *judge.Judge) (map[connectors.Key]int64, map[connectors.Key]*judge.Root) {
	position, planned := map[connectors.Key]int64{}, map[connectors.Key]*judge.Root{}
	for i, r := range g.Roots {
		position[r.Key], planned[r.Key] = int64(i), r
	}
	return position, planned
}

// followers says of each row that goes, or forgets, "rank table/id change fields with root".
func followers(gr *dependents.Graph, g *judge.Judge) (list []string) {
	position, planned := chosen(g)
	for at, rows := range gr.Followers(g, position, planned) {
		for _, f := range rows {
			line := fmt.Sprintf("%d %s/%s %s", at.Rank, at.Table, id(f.Key), f.Change)
			for _, field := range f.Null {
				line += " " + field
			}
			list = append(list, line+" with "+id(f.Root.Key))
		}
	}
	slices.Sort(list)
	return list
}

func deleting(table, fk string) policy.Dependent {
	return policy.Dependent{Table: table, FK: []string{fk}, Do: "delete"}
}

func forgetting(table, fk string) policy.Dependent {
	return policy.Dependent{Table: table, FK: []string{fk}, Do: "set_null"}
}

// TestWhichRowsGoWithWhich follows the references to rows that are to be deleted.
func TestWhichRowsGoWithWhich(t *testing.T) {
	people := table("people", "id boss>people code", "ann - a", "bob - b", "eve bob e", "zoe zoe z")
	orders := table("orders", "id buyer>people seller>people", "o1 ann -", "o2 ann bob", "o3 - bob")
	lines := table("lines", "id order>orders", "l1 o1", "l2 o2")
	notes := table("notes", "id about>people by>people", "n1 ann -", "n2 ann ann", "n3 bob ann")
	cards := table("cards", "id code>people.code", "c1 a", "c2 -")
	logs := table("logs", "person>people", "ann")
	shops := table("shops", "id owner", "s1 ann", "s2 bob")
	type deps = []policy.Dependent
	for _, test := range []struct {
		name     string
		tables   []mem.Table
		declared deps
		roots    string
		kept     []string
		follow   []string
	}{
		{name: "nothing refers", tables: []mem.Table{people}, roots: "ann"},
		{name: "a row that refers to itself", tables: []mem.Table{people}, roots: "zoe"},
		{name: "and is declared to go", tables: []mem.Table{people}, roots: "zoe",
			declared: deps{deleting("people", "boss")}},
		{name: "a key that is NULL", tables: []mem.Table{table("people", "id code", "ann -"), cards}, roots: "ann",
			declared: deps{deleting("cards", "code")}},
		{name: "declared to go", tables: []mem.Table{people, orders}, roots: "ann",
			declared: deps{deleting("orders", "buyer")},
			follow:   []string{"1 orders/o1 delete with ann", "1 orders/o2 delete with ann"}},
		{name: "and what refers to that", tables: []mem.Table{people, orders, lines}, roots: "ann",
			declared: deps{deleting("orders", "buyer"), deleting("lines", "order")},
			follow: []string{"1 orders/o1 delete with ann", "1 orders/o2 delete with ann",
				"2 lines/l1 delete with ann", "2 lines/l2 delete with ann"}},
		{name: "declared to forget", tables: []mem.Table{people, notes}, roots: "ann",
			declared: deps{forgetting("notes", "about"), forgetting("notes", "by")},
			follow: []string{"1 notes/n1 set_null about with ann", "1 notes/n2 set_null about by with ann",
				"1 notes/n3 set_null by with ann"}},
		{name: "to forget two, with the first of them",
			tables: []mem.Table{people, table("notes", "id about>people by>people", "n3 bob ann")},
			roots:  "eve ann bob", declared: deps{forgetting("notes", "about"), forgetting("notes", "by")},
			follow: []string{"1 notes/n3 set_null about by with ann"}},
		{name: "to forget one and to go with another", tables: []mem.Table{people, notes}, roots: "ann bob eve",
			declared: deps{forgetting("notes", "about"), deleting("notes", "by")},
			follow: []string{"1 notes/n1 set_null about with ann", "1 notes/n2 delete with ann",
				"1 notes/n3 delete with ann"}},
		{name: "to go with one and to forget another", tables: []mem.Table{people, notes}, roots: "ann bob eve",
			declared: deps{deleting("notes", "about"), forgetting("notes", "by")},
			follow: []string{"1 notes/n1 delete with ann", "1 notes/n2 delete with ann",
				"1 notes/n3 delete with bob"}},
		{name: "an undeclared reference", tables: []mem.Table{people, orders}, roots: "ann eve", kept: []string{"ann"}},
		{name: "one to a dependent", tables: []mem.Table{people, orders, lines}, roots: "ann bob",
			declared: deps{deleting("orders", "buyer"), deleting("orders", "seller")}, kept: []string{"ann", "bob"}},
		{name: "only one of two ways is declared", tables: []mem.Table{people, orders}, roots: "bob",
			declared: deps{deleting("orders", "buyer")}, kept: []string{"bob"}},
		{name: "but the row goes with another root",
			tables: []mem.Table{people, table("orders", "id buyer>people seller>people", "o2 ann bob")},
			roots:  "ann eve bob", declared: deps{deleting("orders", "buyer")},
			follow: []string{"1 orders/o2 delete with ann"}},
		{name: "of two roots the first", tables: []mem.Table{people, orders}, roots: "eve bob ann",
			declared: deps{deleting("orders", "buyer"), deleting("orders", "seller")},
			follow: []string{"1 orders/o1 delete with ann", "1 orders/o2 delete with bob",
				"1 orders/o3 delete with bob"}},
		{name: "within a table, the one referred to", tables: []mem.Table{people}, roots: "bob", kept: []string{"bob"}},
		{name: "the one that refers", tables: []mem.Table{people}, roots: "eve"},
		{name: "and both", tables: []mem.Table{people}, roots: "bob eve"},
		{name: "declared within a table", tables: []mem.Table{people}, roots: "bob",
			declared: deps{deleting("people", "boss")}, follow: []string{"1 people/eve delete with bob"}},
		{name: "a circle of declared references",
			tables: []mem.Table{table("people", "id boss>people", "ann bob", "bob ann", "eve -")},
			roots:  "ann eve", declared: deps{deleting("people", "boss")}, kept: []string{"ann"}},
		{name: "a circle of roots",
			tables: []mem.Table{table("people", "id boss>people", "ann bob", "bob ann", "eve -")},
			roots:  "ann bob"},
		{name: "a circle of which one stays",
			tables: []mem.Table{table("people", "id boss>people", "ann bob", "bob ann", "eve -")},
			roots:  "ann eve", kept: []string{"ann"}},
		{name: "by another key", tables: []mem.Table{people, cards}, roots: "ann eve bob",
			declared: deps{deleting("cards", "code")}, follow: []string{"1 cards/c1 delete with ann"}},
		{name: "rows that cannot be addressed", tables: []mem.Table{people, logs}, roots: "ann eve",
			declared: deps{deleting("logs", "person")}, kept: []string{"ann"}},
		{name: "a reference that the catalog does not have", tables: []mem.Table{people, shops}, roots: "ann eve",
			declared: deps{deleting("shops", "owner")}, follow: []string{"1 shops/s1 delete with ann"}},
		{name: "and one to a dependent",
			tables: []mem.Table{people, shops, table("stock", "id shop", "w1 s1", "w2 s2")}, roots: "ann",
			declared: deps{deleting("shops", "owner"),
				{Table: "stock", FK: []string{"shop"}, References: "shops", Do: "delete"}},
			follow: []string{"1 shops/s1 delete with ann", "2 stock/w1 delete with ann"}},
		{name: "to forget one, though it cannot go with the other", tables: []mem.Table{people, orders, lines},
			roots: "ann bob eve", declared: deps{deleting("orders", "buyer"), forgetting("orders", "seller")},
			kept:   []string{"ann"},
			follow: []string{"1 orders/o2 set_null seller with bob", "1 orders/o3 set_null seller with bob"}},
		{name: "to forget only who goes", tables: []mem.Table{people, orders, notes}, roots: "ann bob eve",
			declared: deps{forgetting("orders", "seller"), forgetting("notes", "about"), forgetting("notes", "by")},
			kept:     []string{"ann"},
			follow: []string{"1 notes/n3 set_null about with bob", "1 orders/o2 set_null seller with bob",
				"1 orders/o3 set_null seller with bob"}},
		{name: "nothing follows who stays", tables: []mem.Table{people, orders, notes}, roots: "ann",
			declared: deps{deleting("orders", "buyer"), forgetting("notes", "about")}, kept: []string{"ann"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newCompany(t, test.tables, test.declared, strings.Fields(test.roots)...)
			gr := dependents.New(c.store)
			require.NoError(t, gr.Follow(t.Context()))
			require.Equal(t, test.kept, kept(c.judge))
			require.Equal(t, test.follow, followers(gr, c.judge))
			require.Empty(t, followers(gr, c.judge), "they stand in a plan already")
			gr.Unseal()
			require.Equal(t, test.follow, followers(gr, c.judge))
		})
	}
}

// TestFollowersOfTheChosen leaves out what follows only roots that no plan has, or that are not deleted
// in it.
func TestFollowersOfTheChosen(t *testing.T) {
	c := newCompany(t, []mem.Table{
		table("people", "id", "ann", "bob", "eve"), table("orders", "id buyer>people", "o1 ann", "o2 bob", "o3 eve"),
		table("shops", "id", "eve"), table("stock", "id shop>shops", "w1 eve"),
	}, []policy.Dependent{deleting("orders", "buyer")}, "ann", "bob", "eve")
	c.judges("shops", []policy.Dependent{deleting("stock", "shop")}, "eve") // of the same key in another table
	gr := dependents.New(c.store)
	require.NoError(t, gr.Follow(t.Context()))
	position, planned := chosen(c.judge)
	delete(planned, key("ann")) // left for another night
	c.judge.Roots[1].Change = judge.Anonymize
	got := gr.Followers(c.judge, position, planned)
	require.Len(t, got, 1)
	require.Equal(t, key("o3"), got[dependents.RankedTable{Rank: 1, Table: "orders"}][0].Key)
	require.EqualValues(t, 2, got[dependents.RankedTable{Rank: 1, Table: "orders"}][0].Position)
}

// TestARowForgetsWhoGoesInThePlan plans roots one by one: a row forgets, or goes with, only those that
// are planned.
func TestARowForgetsWhoGoesInThePlan(t *testing.T) {
	tables := []mem.Table{
		table("people", "id", "ann", "bob"), table("notes", "id about>people by>people", "n1 ann bob"),
	}
	forgets := []policy.Dependent{forgetting("notes", "about"), forgetting("notes", "by")}
	follows := []policy.Dependent{deleting("notes", "about"), forgetting("notes", "by")}
	type step struct{ root, follows string }
	for _, test := range []struct {
		name     string
		backup   bool // which is rewritten once, with all that goes
		declared []policy.Dependent
		steps    []step
	}{
		{"both are forgotten", false, forgets, []step{{"ann", "set_null about"}, {"ann", ""}, {"bob", "set_null by"}}},
		{"one is followed", false, follows, []step{{"bob", "set_null by"}, {"ann", "delete "}, {"ann", ""}}},
		{"and first", false, follows, []step{{"ann", "delete "}, {"bob", ""}}},
		{"both in a backup", true, forgets, []step{{"ann", "set_null about by"}, {"bob", ""}}},
		{"one is followed in a backup", true, follows, []step{{"bob", ""}, {"ann", "delete "}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newCompany(t, tables, test.declared, "ann", "bob")
			if test.backup {
				c.store.Environment = "backup"
			}
			gr := dependents.New(c.store)
			require.NoError(t, gr.Follow(t.Context()))
			_, all := chosen(c.judge)
			for _, step := range test.steps {
				one := map[connectors.Key]*judge.Root{key(step.root): all[key(step.root)]}
				got := gr.Followers(c.judge, map[connectors.Key]int64{key(step.root): 0}, one)
				follows := ""
				for _, f := range got[dependents.RankedTable{Rank: 1, Table: "notes"}] {
					follows += string(f.Change) + " " + strings.Join(f.Null, " ")
				}
				require.Equal(t, step.follows, follows, step.root)
			}
		})
	}
}

// TestOnlyDeletedRowsAreFollowed leaves alone what refers to rows that change otherwise.
func TestOnlyDeletedRowsAreFollowed(t *testing.T) {
	tables := []mem.Table{table("people", "id", "ann"), table("orders", "id buyer>people", "o1 ann")}
	c := newCompany(t, tables, nil, "ann")
	c.judge.Roots[0].Change = judge.Anonymize
	gr := dependents.New(c.store)
	require.NoError(t, gr.Follow(t.Context()))
	require.Empty(t, kept(c.judge))
}

// TestADeclarationIsOfItsOwnTable looks at a field that refers to two tables at once: what a judge
// declares without naming the other is about its own.
func TestADeclarationIsOfItsOwnTable(t *testing.T) {
	for range 20 { // whatever the order of a map
		c := newCompany(t, []mem.Table{
			table("people", "id", "ann"), table("accounts", "id", "ann"), table("actors", "id", "ann"),
			table("cards", "id holder>accounts holder>people holder>actors", "c1 ann"),
		}, []policy.Dependent{deleting("cards", "holder")}, "ann")
		gr := dependents.New(c.store)
		require.NoError(t, gr.Follow(t.Context()))
		require.Empty(t, kept(c.judge))
		require.Equal(t, []string{"1 cards/c1 delete with ann"}, followers(gr, c.judge))
	}
}

// TestWaitTogether lets people be asked about what may go only after something they are asked about.
func TestWaitTogether(t *testing.T) {
	tables := []mem.Table{
		table("people", "id boss>people", "ann -", "bob ann", "eve bob", "zoe -"),
		table("orders", "id buyer>people", "o1 zoe"),
		table("bills", "id order>orders", "b1 o1"),
	}
	for _, test := range []struct{ name, asks, want string }{
		{"none", "", ""},
		{"the first waits for nobody", "ann", "ann"},
		{"the one that refers holds the others", "eve", "ann bob eve"},
		{"in the middle", "bob", "ann bob"},
		{"through a dependent, of another judge", "b1", "zoe b1"},
		{"not back", "zoe", "zoe"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newCompany(t, tables, []policy.Dependent{deleting("orders", "buyer")}, "ann", "bob", "eve", "zoe")
			bills := c.judges("bills", nil, "b1")
			gr := dependents.New(c.store)
			require.NoError(t, gr.Follow(t.Context()))
			roots := append(slices.Clone(c.judge.Roots), bills.Roots...)
			for _, r := range roots {
				require.False(t, r.Kept)
				r.Asks = slices.Contains(strings.Fields(test.asks), id(r.Key))
			}
			c.judge.Roots = slices.DeleteFunc(c.judge.Roots, func(r *judge.Root) bool { return id(r.Key) == "zoe" })

			gr.WaitTogether()
			var asks []string
			for _, r := range roots {
				if r.Asks {
					asks = append(asks, id(r.Key))
				}
			}
			require.Equal(t, test.want, strings.Join(asks, " "))
		})
	}
}

// TestOwnedParents go with the last rows that refer to them.
func TestOwnedParents(t *testing.T) {
	c := newCompany(t, []mem.Table{
		table("people", "id address>addresses", "ann 1", "bob 2", "eve 2", "zoe 3", "max 4", "lea 5", "tom 6", "kim -"),
		table("addresses", "id", "1", "2", "3", "4", "5", "6"),
		table("orders", "id buyer>people to>addresses", "o1 bob 2", "o2 max 4"),
		table("shops", "id at>addresses", "s1 5"),
		table("notes", "id about>people at>addresses", "n1 tom 6"),
	}, []policy.Dependent{deleting("orders", "buyer"), forgetting("notes", "about")},
		"ann", "bob", "eve", "max", "lea", "tom", "kim")
	c.judge.Owned = []judge.OwnedEdge{{Table: "addresses"}}
	for i, address := range []string{"1", "2", "2", "4", "5", "6", ""} {
		owns := connectors.Key("")
		if address != "" {
			owns = key(address)
		}
		c.judge.Roots[i].Owns = []connectors.Key{owns}
	}
	gr := dependents.New(c.store)
	require.NoError(t, gr.Follow(t.Context()))
	require.Empty(t, kept(c.judge))

	owned := func() map[string]string {
		found, err := gr.Owned(t.Context(), c.judge)
		require.NoError(t, err)
		out := map[string]string{}
		for of, roots := range found {
			for _, r := range roots {
				out[id(of.Key)] = strings.TrimSpace(out[id(of.Key)] + " " + id(r.Key))
			}
		}
		return out
	}
	require.Equal(t, map[string]string{"1": "ann", "2": "bob eve", "4": "max"}, owned(),
		"a shop is at 5, and a note that only forgets tom at 6")
	c.judge.Roots[0].Kept = true
	require.Equal(t, map[string]string{"2": "bob eve", "4": "max"}, owned(), "ann stays")
}

// columns are the fields of the tables that TestNothingIsLeftDangling draws, and parents what they refer to.
func columns() (of map[string][]string, parents map[string]string) {
	return map[string][]string{"people": {"id", "boss"}, "orders": {"id", "buyer", "seller"}, "lines": {"id", "order"}},
		map[string]string{"boss": "people", "buyer": "people", "seller": "people", "order": "orders"}
}

// TestNothingIsLeftDangling draws companies at random. Whatever goes, no row that stays refers to it,
// unless it forgets it; and where everything is declared and nothing turns in a circle, everybody who is
// to go goes.
func TestNothingIsLeftDangling(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		names := []string{"a", "b", "c", "d"}
		rows := drawRows(r, names)
		declared := drawDeclared(r)
		tables := []mem.Table{
			table("people", "id boss>people", rows["people"]...),
			table("orders", "id buyer>people seller>people", rows["orders"]...),
			table("lines", "id order>orders", rows["lines"]...),
		}
		roots := rapid.SliceOfNDistinct(rapid.SampledFrom(names), 1, 4, rapid.ID).Draw(r, "roots")
		c := newCompany(r, tables, declared, roots...)
		gr := dependents.New(c.store)
		require.NoError(r, gr.Follow(t.Context()))

		left := whatIsLeft(rows, c.judge, gr)
		of, parents := columns()
		for name, list := range left {
			for row, cells := range list {
				for i, cell := range cells[1:] {
					if field := of[name][i+1]; cell != "-" {
						require.Contains(r, left[parents[field]], cell, "%s of %s", field, row)
					}
				}
			}
		}
		if len(declared) == 4 {
			require.Empty(r, kept(c.judge))
		}
	})
}

func drawRows(r *rapid.T, names []string) map[string][]string {
	somebody := rapid.SampledFrom(append(slices.Clone(names), "-"))
	rows := map[string][]string{}
	for i, name := range names { // nobody's boss comes after them, so there are no circles
		boss := rapid.SampledFrom(append(slices.Clone(names[:i]), "-")).Draw(r, "boss")
		rows["people"] = append(rows["people"], name+" "+boss)
	}
	for i := range 3 {
		buyer, seller := somebody.Draw(r, "buyer"), somebody.Draw(r, "seller")
		rows["orders"] = append(rows["orders"], fmt.Sprintf("o%d %s %s", i, buyer, seller))
		rows["lines"] = append(rows["lines"], fmt.Sprintf("l%d o%d", i, rapid.IntRange(0, 2).Draw(r, "order")))
	}
	return rows
}

func drawDeclared(r *rapid.T) (declared []policy.Dependent) {
	of, _ := columns()
	for _, name := range slices.Sorted(maps.Keys(of)) {
		dos := []string{"", "delete", "set_null"}
		if name == "people" { // a root that stays forgets nobody: under the lock, who is to go is refused
			dos = dos[:2]
		}
		for _, field := range of[name][1:] {
			if do := rapid.SampledFrom(dos).Draw(r, name+"."+field); do != "" {
				declared = append(declared, policy.Dependent{Table: name, FK: []string{field}, Do: do})
			}
		}
	}
	return declared
}

// whatIsLeft are the cells of each row, by table and id, once the plan of a graph is executed.
func whatIsLeft(rows map[string][]string, g *judge.Judge, gr *dependents.Graph) map[string]map[string][]string {
	left := map[string]map[string][]string{}
	for name, list := range rows {
		left[name] = map[string][]string{}
		for _, row := range list {
			cells := strings.Fields(row)
			left[name][cells[0]] = cells
		}
	}
	for _, root := range g.Roots {
		if !root.Kept {
			delete(left["people"], id(root.Key))
		}
	}
	of, _ := columns()
	position, planned := chosen(g)
	for at, list := range gr.Followers(g, position, planned) {
		for _, f := range list {
			if f.Change == judge.Delete {
				delete(left[at.Table], id(f.Key))
			}
			for _, field := range f.Null {
				left[at.Table][id(f.Key)][slices.Index(of[at.Table], field)] = "-"
			}
		}
	}
	return left
}
