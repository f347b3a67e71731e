package dependents

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/pipeline/change"
	"lethe/pipeline/dependents/edges"
	"lethe/pipeline/judge"
	"lethe/pipeline/setup"
	"lethe/pipeline/stores"
)

// graph is one of rows that go, in an engine that minds at once, and of references between them.
type graph struct{ *Graph }

func newGraph() graph { return graph{New(&stores.Store{}, "run", nil, nil)} }

// goes adds a row that goes.
func (g graph) goes(table string) int32 {
	n := g.number(table, "1")
	g.at(n).live = true
	return n
}

// refer lets a row refer to another by a field; nullable are those of the edge's fields that can be NULL.
func (g graph) refer(child, parent int32, field string, nullable ...string) {
	e := &edges.Edge{At: len(g.List), Nullable: nullable, Edge: change.Edge{Child: g.table(child).name,
		Fields: []string{field}, Parent: g.table(parent).name, OnDelete: "RESTRICT"}, Do: map[*judge.Judge]string{}}
	g.List, g.used = append(g.List, e), append(g.used, false)
	g.Graph.refer(child, parent, e, "")
}

func (g graph) orders() bool {
	g.findCircular()
	return g.order(false)
}

// circle is a customer and an order that refer to each other. nullable are the fields of the customer's reference
// that can be NULL.
func circle(nullable ...string) (g graph, customer, order int32) {
	g = newGraph()
	customer, order = g.goes("customers"), g.goes("orders")
	g.refer(customer, order, "last_order", nullable...)
	g.refer(order, customer, "customer")
	return g, customer, order
}

func TestACircleGoesWhereAReferenceOfItCanBeEmptied(t *testing.T) {
	g, customer, order := circle("last_order")
	require.True(t, g.orders())
	require.Equal(t, []string{"last_order"}, g.detach[customer])
	require.Empty(t, g.detach[order])
	require.Greater(t, g.at(order).level, g.at(customer).level, "the order, which still refers, goes first")

	g = newGraph()
	customer = g.goes("customers")
	g.refer(customer, customer, "referred_by", "referred_by")
	require.True(t, g.orders())
	require.Equal(t, []string{"referred_by"}, g.detach[customer], "it is a circle of its own")

	g, customer, order = circle()
	require.False(t, g.orders())
	require.True(t, g.at(customer).held && g.at(order).held)
}

// TestABackupIsAskedForMoreRowsAtOnce: each time that it is asked, all of it is read.
func TestABackupIsAskedForMoreRowsAtOnce(t *testing.T) {
	asked := func(s setup.Source) (times int) {
		g := New(&stores.Store{Source: s}, "run", nil, inFile(t))
		for i := range 3 * portion {
			g.at(g.number("t", connectors.Key(strconv.Itoa(i)))).contexts = 1
		}
		rows := 0
		for byTable := g.next(); len(byTable) > 0; byTable = g.next() {
			times, rows = times+1, rows+len(byTable["t"])
		}
		require.Equal(t, 3*portion, rows)
		return times
	}
	require.Equal(t, 3, asked(setup.Source{Name: "crm"}))
	require.Equal(t, 1, asked(setup.Source{Name: "dumps", Of: "crm"}))
}
