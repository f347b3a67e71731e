package dependents

import (
	"fmt"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/connectors"
	"lethe/pipeline/change"
	"lethe/pipeline/dependents/edges"
	"lethe/pipeline/judge"
	"lethe/pipeline/judge/targets"
	"lethe/pipeline/numbered"
	"lethe/pipeline/policy"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/stores"
)

// deferring is a store whose engine looks at references when all is done.
type deferring struct{ connectors.Source }

func (deferring) DefersForeignKeys() bool { return true }

// judges are some of one silo, which empties the field f0 of the rows that it anonymizes.
func judges(t *testing.T) (list []*judge.Judge) {
	dir := t.TempDir()
	identity := filepath.Join(dir, "identity")
	require.NoError(t, keystore.Create(filepath.Join(dir, "keys"), identity))
	keys, err := keystore.Open(t.Context(), filepath.Join(dir, "keys"), identity)
	require.NoError(t, err)
	require.NoError(t, keys.EnsureSilo("silo"))
	key, err := keys.SiloKey("silo")
	require.NoError(t, err)
	silo := &policy.Compiled{Silo: policy.Silo{Name: "silo", Anonymize: map[string]*string{"f0": nil}}}
	for i := range 4 {
		table := connectors.Table{Name: "t" + strconv.Itoa(i%3), Key: []string{"id"}, Fields: []connectors.Field{{Name: "id"},
			{Name: "f0", Kind: connectors.Text, Type: "text", Nullable: true}}}
		b := &judge.Binding{Silo: silo, Table: table, Match: key}
		var wrong []error
		b.Targets, wrong = targets.Of(silo, table)
		require.Empty(t, wrong)
		list = append(list, judge.NewJudge(b))
		require.True(t, list[i].Empties("f0"))
	}
	return list
}

// drawn is one graph, twice.
type drawn struct {
	*rapid.T
	g     *Graph
	plain *plainGraph
	rows  []int32
}

// inFile is room of which all lies in a file, for all graphs that a test draws.
func inFile(t *testing.T) *numbered.Room {
	r := numbered.NewRoom(t.TempDir(), 0)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return r
}

func (d *drawn) some(name string) bool { return rapid.IntRange(0, 3).Draw(d.T, name) == 0 }

func draw(t *rapid.T, judges []*judge.Judge, in *numbered.Room) *drawn {
	d := &drawn{T: t, plain: &plainGraph{runID: "run", defers: rapid.Bool().Draw(t, "defers")}}
	store := &stores.Store{Judges: judges}
	if d.plain.defers {
		store.Conn = deferring{}
	}
	d.g = New(store, "run", nil, in)
	d.g.tableOf("t3")
	d.g.tables[0].barred = rapid.Bool().Draw(t, "barred")
	for range rapid.IntRange(1, 7).Draw(t, "edges") {
		d.edge(judges)
	}
	for _, e := range d.g.List {
		for _, o := range d.g.List {
			if e != o && change.Shares(e.Edge, o.Edge) {
				e.Shares = append(e.Shares, o)
			}
		}
	}
	d.plain.edges = d.g.List
	for range rapid.IntRange(1, 12).Draw(t, "rows") {
		d.row(judges)
	}
	for range rapid.IntRange(0, 25).Draw(t, "refs") {
		d.ref()
	}
	return d
}

func (d *drawn) edge(judges []*judge.Judge) {
	table := rapid.SampledFrom([]string{"t0", "t1", "t2", "t3"})
	fields := rapid.SampledFrom([][]string{{"f0"}, {"f1"}, {"f2"}, {"f1", "f2"}}).Draw(d.T, "fields")
	e := &edges.Edge{At: len(d.g.List), Do: map[*judge.Judge]string{}, Owned: map[*judge.Judge]bool{},
		Edge: change.Edge{Child: table.Draw(d.T, "child"), Parent: table.Draw(d.T, "parent"), Fields: fields,
			OnDelete: rapid.SampledFrom([]string{"", "CASCADE", "RESTRICT", "NO ACTION", "SET NULL"}).Draw(d.T, "does")}}
	e.Nullable = fields[:rapid.IntRange(0, len(fields)).Draw(d.T, "nullable")]
	for _, j := range judges {
		e.Do[j] = rapid.SampledFrom([]string{"", "delete", "delete", "set_null"}).Draw(d.T, "do")
		e.Owned[j] = j.Table.Name == e.Child && rapid.Bool().Draw(d.T, "owns")
	}
	d.g.List, d.g.used = append(d.g.List, e), append(d.g.used, false)
}

// row draws a row, which may be one that its own decision ends.
func (d *drawn) row(judges []*judge.Judge) {
	table := rapid.SampledFrom([]string{"t0", "t1", "t2", "t3"}).Draw(d.T, "table")
	p := &plainNode{table: table, key: connectors.Key(rapid.StringMatching("[ab]{0,2}").Draw(d.T, "prefix") +
		strconv.Itoa(len(d.rows))), seq: len(d.rows), named: map[*edges.Edge]connectors.Key{}}
	n := d.g.number(table, p.key)
	of := d.g.at(n)
	p.barred = d.g.table(n).barred
	p.held = rapid.IntRange(0, 15).Draw(d.T, "held") == 0
	p.waits, p.expanded, p.governed = d.some("waits"), d.some("expanded"), d.some("governed")
	for i, j := range judges {
		if j.Table.Name == table && rapid.Bool().Draw(d.T, "root") {
			p.judge, p.governed = j, true
			p.root = j.NewRoot(p.key, judge.Ruling{Change: judge.Delete})
			p.root.Anonymized, p.root.Guard, p.root.ElseGuard = d.some("anonymized"), judge.Guard{byte(i)}, judge.Guard{9}
			p.root.Subject = keystore.Ref{byte(n)}
			p.ends = goes
			if d.some("ends") {
				p.ends = emptied
				p.root.Let(judge.Anonymize)
			}
			p.root.Open = rapid.Bool().Draw(d.T, "open")
			j.Shape(p.root, judge.Ruling{Decision: policy.Decision{
				Else: rapid.SampledFrom([]policy.Action{policy.Anonymize, policy.Anonymize, policy.Keep}).Draw(d.T, "else")}})
			of.root = int32(d.g.roots.Add(place{int32(i), p.root.At()}) + 1)
		}
	}
	of.held, of.waits, of.expanded, of.governed, of.ends = p.held, p.waits, p.expanded, p.governed, p.ends
	for _, e := range d.g.List {
		if e.Parent == table && d.some("unnamed") && d.some("unnamed") && d.some("unnamed") {
			p.unnamed = append(p.unnamed, e)
			d.g.cannotName(n, e)
		}
		if e.Parent == table && d.some("named") {
			p.named[e] = connectors.Key("named " + p.key)
			d.g.named[edgeTo{n, int32(e.At)}] = p.named[e]
		}
	}
	d.rows, d.plain.nodes = append(d.rows, n), append(d.plain.nodes, p)
}

// ref lets a row refer to another, by values that are those of the other, or are not.
func (d *drawn) ref() {
	e := rapid.SampledFrom(d.g.List).Draw(d.T, "edge")
	of := func(table, name string) *plainNode {
		var some []*plainNode
		for _, n := range d.plain.nodes {
			if n.table == table {
				some = append(some, n)
			}
		}
		if len(some) == 0 {
			return nil
		}
		return rapid.SampledFrom(some).Draw(d.T, name)
	}
	child, parent := of(e.Child, "child"), of(e.Parent, "parent")
	if child == nil || parent == nil {
		return
	}
	values := rapid.SampledFrom([]connectors.Key{parent.key, parent.named[e], "other"}).Draw(d.T, "values")
	r := plainRef{child: child, parent: parent, edge: e, values: values}
	child.out, parent.in = append(child.out, r), append(parent.in, r)
	d.g.refer(int32(child.seq), int32(parent.seq), e, values)
}

// same compares what is known of each row.
func (d *drawn) same(when string) {
	for i, n := range d.rows {
		p, of := d.plain.nodes[i], d.g.at(n)
		via := map[*judge.Judge]bool{}
		for _, j := range d.g.sets.Of(of.via) {
			via[d.g.Store.Judges[j]] = true
		}
		for _, j := range p.via {
			require.True(d, via[j], when)
		}
		require.Len(d, p.via, len(via), when)
		require.Equal(d, []any{p.live, p.held, p.waits, p.ends, p.owner != nil, p.level, p.sealed != ""},
			[]any{of.live, of.held, of.waits, of.ends, of.owned, int(of.level), of.sealed != nowhere},
			"%s: row %d of %s", when, i, p.table)
		for _, with := range []*plainNode{p.origin, p.owner} {
			require.True(d, with == nil || int32(with.seq) == of.with, when)
		}
		require.Equal(d, append([]string{}, p.detach...), append([]string{}, d.g.detach[n]...), when)
	}
}

// choose compares a selection.
func (d *drawn) choose(name string) {
	chosen := map[*judge.Root]bool{}
	for _, n := range d.plain.nodes {
		chosen[n.root] = n.root != nil && !d.some(name)
	}
	want := d.plain.choose(func(r *judge.Root) bool { return chosen[r] })
	got := []Selected{}
	require.NoError(d, d.g.Select(func(r *judge.Root) bool { return chosen[r] }, func(s Selection) error {
		for c := range s.Rows() {
			got = append(got, c)
		}
		require.Len(d, got, s.Len())
		return nil
	}))
	require.Equal(d, fmt.Sprintf("%+v", want), fmt.Sprintf("%+v", got))
	require.Equal(d, want, got, name)
	if rapid.Bool().Draw(d.T, "sealed") {
		d.plain.seal(want)
		d.g.Seal()
	}
}

// A graph by numbers finds what one finds that has an object for each row.
func TestAGraphFindsWhatAPlainOneDoes(t *testing.T) {
	judges, in := judges(t), inFile(t)
	for _, j := range judges {
		j.In(in)
	}
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t, judges, in)
		d.g.settle(true)
		d.plain.settle(true)
		d.same("settled")
		for _, name := range []string{"first", "second", "third"} {
			d.choose(name)
			d.same(name)
		}
	})
}
