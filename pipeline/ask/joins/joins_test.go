package joins_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline/ask/joins"
)

func table(name, key string, kind connectors.Kind, fields ...string) mem.Table {
	t := mem.Table{Def: connectors.Table{Name: name, Fields: []connectors.Field{{Name: key, Kind: kind}}, Key: []string{key}}}
	for _, f := range fields {
		t.Def.Fields = append(t.Def.Fields, connectors.Field{Name: f, Kind: kind, Nullable: true})
	}
	return t
}

// filled gives a table n rows, of which each value says by its number what stands in a field.
func filled(t mem.Table, n int, value func(field string, row int) any) mem.Table {
	for i := 1; i <= n; i++ {
		row := mem.Row{}
		for _, f := range t.Def.Fields {
			if v := value(f.Name, i); v != nil {
				row = append(row, fmt.Sprint(v))
			} else {
				row = append(row, nil)
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func find(t *testing.T, to string, declared func(table, field string) bool, tables ...mem.Table) (list []string) {
	src := mem.New("crm", tables...)
	catalog, err := src.Tables(t.Context())
	require.NoError(t, err)
	if declared == nil {
		declared = func(string, string) bool { return false }
	}
	found, err := joins.Find(t.Context(), src, catalog, []string{to}, declared)
	require.NoError(t, err)
	for _, r := range found {
		list = append(list, fmt.Sprintf("%s.%s %d/%d", r.Table, r.Field, r.Fit, r.Looked))
	}
	return list
}

// By the name of the field: as applications write it, in whichever language, and nothing that another table is meant by.
func TestNames(t *testing.T) {
	number := func(_ string, i int) any { return i }
	for _, k := range []struct {
		to    string
		field string
		other string // a table besides
		found bool
	}{
		{"customers", "customer_id", "", true}, {"customers", "CustomerID", "", true}, {"customer", "id_customer", "", true},
		{"customers", "customerid", "", true}, {"Customers", "fkCustomer", "", true}, {"clienti", "id_cliente", "", true},
		{"Kunden", "kunde_id", "", true}, {"societe", "fk_soc", "", true}, {"users", "created_by", "", true},
		{"users", "fk_user_author", "", true}, {"karyawan", "id_karyawan", "", true}, {"companies", "company_ref", "", true},
		{"customer_entity", "customer_id", "", true}, {"contacts", "billing_contact_id", "", true},
		{"customers", "quantity", "", false}, {"customers", "id_order", "", false}, {"customers", "custom_value", "", false},
		{"customers", "created_by", "", false}, {"users", "user_role_id", "", false}, {"customers", "customer_type_id", "", false},
		{"customer", "customer_type_id", "customer_type", false}, {"field", "display_field_id", "display_field", false},
		{"customer_address", "customer_id", "customer", false}, {"orders", "order_by_no", "", false},
	} {
		tables := []mem.Table{filled(table(k.to, "id", connectors.Integer), 50, number),
			filled(table("things", "id", connectors.Integer, k.field), 40, number)}
		if k.other != "" {
			tables = append(tables, filled(table(k.other, "id", connectors.Integer), 50, number))
		}
		require.Equal(t, k.found, find(t, k.to, nil, tables...) != nil, "%s in things, to %s", k.field, k.to)
	}
}

// By values: those of which too few are keys are none, whatever the name; NULL and 0 are nobody.
func TestValues(t *testing.T) {
	people := filled(table("people", "id", connectors.Integer, "person_no"), 100, func(_ string, i int) any { return i })
	orders := func(value func(i int) any) mem.Table {
		return filled(table("orders", "id", connectors.Integer, "person_id"), 60, func(f string, i int) any {
			if f == "id" {
				return 5000 + i
			}
			return value(i)
		})
	}
	require.Equal(t, []string{"orders.person_id 60/60"}, find(t, "people", nil, people, orders(func(i int) any { return i })))
	require.Equal(t, []string{"orders.person_id 40/60"}, find(t, "people", nil, people,
		orders(func(i int) any { return 60 + i })), "some refer to rows that are gone already")
	require.Empty(t, find(t, "people", nil, people, orders(func(i int) any { return 90 + i })))
	require.Equal(t, []string{"orders.person_id 20/20"}, find(t, "people", nil, people, orders(func(i int) any {
		switch i % 3 {
		case 0:
			return nil
		case 1:
			return 0
		}
		return i
	})))
	require.Empty(t, find(t, "people", nil, people, orders(func(int) any { return nil })))
	declared := func(table, field string) bool { return table == "orders" && field == "person_id" }
	require.Empty(t, find(t, "people", declared, people, orders(func(i int) any { return i })))
	own := orders(func(i int) any { return i })
	own.Def.ForeignKeys = []connectors.ForeignKey{{Fields: []string{"person_id"}, RefTable: "people", RefFields: []string{"id"}}}
	require.Empty(t, find(t, "people", nil, people, own))
}

// Long keys tell by themselves, whatever the field is called; short codes and numbers do not.
func TestLongKeys(t *testing.T) {
	id := func(i int) any { return fmt.Sprintf("%08x-0000-4000-8000-%012x", i*7919, i) }
	people := filled(table("people", "id", connectors.Text), 100, func(_ string, i int) any { return id(i) })
	linked := func(n int, value func(i int) any) mem.Table {
		return filled(table("links", "id", connectors.Text, "bean"), n, func(f string, i int) any {
			if f == "id" {
				return fmt.Sprint("l", i)
			}
			return value(i)
		})
	}
	require.Equal(t, []string{"links.bean 80/80"}, find(t, "people", nil, people, linked(80, id)))
	require.Empty(t, find(t, "people", nil, people, linked(9, id)), "too few to tell")
	require.Empty(t, find(t, "people", nil, people, linked(80, func(i int) any { return id(i + 30) })))
	codes := filled(table("people", "id", connectors.Text), 100, func(_ string, i int) any { return fmt.Sprint("c", i) })
	require.Empty(t, find(t, "people", nil, codes, linked(80, func(i int) any { return fmt.Sprint("c", i) })))
}

// The words that all tables of an application begin with say nothing.
func TestPrefixes(t *testing.T) {
	number := func(_ string, i int) any { return i }
	var tables []mem.Table
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		tables = append(tables, filled(table("shop_"+name, "id", connectors.Integer), 9, number))
	}
	tables = append(tables, filled(table("shop_customer", "id", connectors.Integer), 50, number),
		filled(table("shop_order", "id", connectors.Integer, "id_customer", "id_shop"), 40, number))
	require.Equal(t, []string{"shop_order.id_customer 40/40"}, find(t, "shop_customer", nil, tables...))
}
