package dependents

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/change"
	"lethe/pipeline/stores"
)

// circle is a customer and an order that refer to each other, in an engine that minds at once. nullable are the
// fields of the customer's reference that can be NULL.
func circle(nullable ...string) (g *Graph, customer, order *node) {
	customer = &node{id: id{table: "customers"}, live: true}
	order = &node{id: id{table: "orders"}, live: true, seq: 1}
	refer := func(child, parent *node, field string, nullable []string) {
		r := ref{child: child, parent: parent, edge: &edge{nullable: nullable,
			Edge: change.Edge{Child: child.table, Fields: []string{field}, Parent: parent.table, OnDelete: "RESTRICT"}}}
		child.out, parent.in = append(child.out, r), append(parent.in, r)
	}
	refer(customer, order, "last_order", nullable)
	refer(order, customer, "customer", nil)
	return &Graph{store: &stores.Store{}, nodes: []*node{customer, order}}, customer, order
}

func TestACircleGoesWhereAReferenceOfItCanBeEmptied(t *testing.T) {
	g, customer, order := circle("last_order")
	require.True(t, g.order(false))
	require.Equal(t, []string{"last_order"}, customer.detach)
	require.Empty(t, order.detach)
	require.Greater(t, order.level, customer.level, "the order, which still refers, goes first")

	customer = &node{id: id{table: "customers"}, live: true}
	self := ref{child: customer, parent: customer, edge: &edge{nullable: []string{"referred_by"},
		Edge: change.Edge{Child: "customers", Fields: []string{"referred_by"}, Parent: "customers", OnDelete: "RESTRICT"}}}
	customer.out, customer.in = []ref{self}, []ref{self}
	require.True(t, (&Graph{store: &stores.Store{}, nodes: []*node{customer}}).order(false))
	require.Equal(t, []string{"referred_by"}, customer.detach, "it is a circle of its own")

	g, customer, order = circle()
	require.False(t, g.order(false))
	require.True(t, customer.held && order.held)
}
