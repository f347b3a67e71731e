package connectortest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"lethe/connectors"
)

func mutatorTests() []subtest {
	return []subtest{
		{"the result has one outcome for each key of a query by primary key in the order of its keys", testMutateMix},
		{"the rows of each query go to edit once as one batch in the order of the queries", testMutateBatches},
		{"the fields of the query need not hold the key", testMutateFields},
		{"a query by other fields has one outcome for each row read", testMutateForeign},
		{"the arrays of an edit are valid until the next call", testMutateReuse},
		{"asking twice does no harm", testMutateTwice},
		{"a row may be read by several queries and changed by one", testMutateReadTwice},
		{"edit sees the rows as they are now and leaves what is stale", testMutateStale},
		{"edits are applied in the reverse order of the queries", testMutateFamily},
		{"a row that refers to its own table goes before the row it refers to", testMutateSelf},
		{"if the engine refuses a change nothing is changed", testMutateRefused},
		{"an error from edit rolls everything back and is returned as it is", testMutateEditError},
		{"an error from confirm rolls everything back and is returned as it is", testMutateConfirmError},
		{"a cancelled context rolls everything back", testMutateCancel},
		{"values of every kind are written as they are read", testMutateKinds},
		{"rows of any key are changed and no other", testMutateEveryKey},
		{"keys are compared as the source itself compares them", testMutateCollation},
		{"there may be very many keys", testMutateMany},
		{"a source may be used by several goroutines", testMutateGoroutines},
		{"fields that the engine would update by itself keep their values", testMutateAutoUpdate},
		{"generated fields are never written", testMutateGenerated},
		{"a table without a key is unsupported", testMutateKeyless},
		{"a query for a table or field that does not exist is ErrSchemaChanged", testMutateUnknown},
	}
}

func confirmed() error { return nil }

// mutate runs a mutation that must succeed, asking decide about each row of each query.
func mutate(t *testing.T, src connectors.Source, queries []connectors.Query, decide func(table string, row map[string]any) change) []connectors.Outcome {
	t.Helper()
	outcomes, err := tryMutate(t, src, queries, decide)
	require.NoError(t, err)
	return outcomes
}

func tryMutate(t *testing.T, src connectors.Source, queries []connectors.Query, decide func(table string, row map[string]any) change) ([]connectors.Outcome, error) {
	confirms := 0
	outcomes, err := src.(connectors.Mutator).Mutate(t.Context(), queries, func(b connectors.Batch) (connectors.Edit, error) {
		return editRows(t, b, func(row map[string]any) change { return decide(b.Table, row) }), nil
	}, func() error {
		confirms++
		return nil
	})
	if err == nil {
		require.Equal(t, 1, confirms, "confirm is called once")
	}
	return outcomes, err
}

func outcome(table string, status connectors.Status, key ...string) connectors.Outcome {
	var values [][]byte
	for _, k := range key {
		values = append(values, []byte(k))
	}
	return connectors.Outcome{Table: table, Key: connectors.MakeKey(values...), Status: status}
}

func testMutateMix(t *testing.T, h Harness) {
	tables := h.tables()
	src, store := openNew(t, h, tables)
	decide := func(_ string, row map[string]any) change {
		switch row["id"] {
		case "3", "-9223372036854775808":
			return change{}
		case "1":
			return change{"email": nil, "note": ""}
		case "9007199254740993":
			return change{"note": "it's \\ \"new\" 😀"}
		}
		return nil
	}
	keys := keysOf("id", "11", "777", "3", "9007199254740993", "1", "-9223372036854775808", "2", "-777", "3")
	got := mutate(t, src, []connectors.Query{{Table: "customer", Keys: keys, After: "ignored", MaxRows: pageRows}}, decide)
	require.Equal(t, []connectors.Outcome{
		outcome("customer", connectors.Left, "11"), outcome("customer", connectors.Gone, "777"), outcome("customer", connectors.Done, "3"),
		outcome("customer", connectors.Done, "9007199254740993"), outcome("customer", connectors.Done, "1"),
		outcome("customer", connectors.Done, "-9223372036854775808"), outcome("customer", connectors.Left, "2"), outcome("customer", connectors.Gone, "-777"),
		outcome("customer", connectors.Done, "3"), // named twice
	}, got)
	want := with(tables, "customer", func(row []any) []any {
		switch row[0] {
		case "3", "-9223372036854775808":
			return nil
		case "1":
			row[2], row[3] = nil, ""
		case "9007199254740993":
			row[3] = "it's \\ \"new\" 😀"
		}
		return row
	})
	requireStore(t, store, want)
	requireSource(t, src, want)
}

func testMutateBatches(t *testing.T, h Harness) {
	tables := h.tables()
	src, store := openNew(t, h, tables)
	var order []string
	queries := []connectors.Query{
		{Table: "customer", Keys: keysOf("id", "1", "2", "3", "10", "11"), MaxRows: pageRows},
		{Table: "staff", Keys: keysOf("id", "99")},
		{Table: "order", Keys: keysOf("customer_id", "1", "2", "10"), MaxRows: pageRows},
		{Table: "order", Keys: keysOf("customer_id", "3")},
	}
	outcomes, err := src.(connectors.Mutator).Mutate(t.Context(), queries, func(b connectors.Batch) (connectors.Edit, error) {
		order = append(order, b.Table)
		want := map[int]int{1: 5, 2: 0, 3: 4, 4: 0}[len(order)]
		require.EqualValues(t, want, b.Rows.NumRows(), "query %d", len(order))
		require.EqualValues(t, len(tableNamed(t, tables, b.Table).Def.Fields), b.Rows.NumCols(), "an empty batch has its columns too")
		return connectors.Edit{}, nil
	}, func() error {
		order = append(order, "confirm")
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, []string{"customer", "staff", "order", "order", "confirm"}, order)
	require.Len(t, outcomes, 5+1+4)
	for i, o := range outcomes {
		want := connectors.Left
		if i == 5 {
			want = connectors.Gone
		}
		require.Equal(t, want, o.Status)
	}
	requireStore(t, store, tables)
}

func testMutateFields(t *testing.T, h Harness) {
	tables := h.tables("customer", "order", "line item")
	src, store := openNew(t, h, tables)
	key := connectors.MakeKey([]byte("103"), []byte("1"))
	queries := []connectors.Query{{Table: "line item", Fields: []string{"sku"}, Keys: &connectors.Keys{Fields: []string{"order_id", "pos"}, Tuples: []connectors.Key{key}}}}
	got := mutate(t, src, queries, func(_ string, row map[string]any) change {
		require.Equal(t, map[string]any{"sku": nil}, row)
		return change{"sku": "set"}
	})
	require.Equal(t, []connectors.Outcome{outcome("line item", connectors.Done, "103", "1")}, got)
	requireStore(t, store, with(tables, "line item", func(row []any) []any {
		if row[1] == "103" && row[2] == "1" {
			row[0] = "set"
		}
		return row
	}))
}

func testMutateForeign(t *testing.T, h Harness) {
	tables := h.tables("customer", "order", "line item", "shipment")
	src, store := openNew(t, h, tables)
	key := func(order, pos string) connectors.Key { return connectors.MakeKey([]byte(order), []byte(pos)) }
	queries := []connectors.Query{{
		Table: "shipment", Fields: []string{"pos", "id"},
		Keys: &connectors.Keys{Fields: []string{"order_id", "pos"}, Tuples: []connectors.Key{key("102", "1"), key("100", "1"), key("100", "77")}},
	}}
	var read []string
	got := mutate(t, src, queries, func(_ string, row map[string]any) change {
		read = append(read, row["id"].(string))
		if row["id"] == "7" {
			return change{}
		}
		if row["id"] == "1" {
			return change{"order_id": nil, "pos": nil}
		}
		return nil
	})
	require.ElementsMatch(t, []string{"1", "3", "7"}, read)
	status := map[string]connectors.Status{"1": connectors.Done, "3": connectors.Left, "7": connectors.Done}
	var want []connectors.Outcome
	for _, id := range read {
		want = append(want, outcome("shipment", status[id], id))
	}
	require.Equal(t, want, got)
	requireStore(t, store, with(tables, "shipment", func(row []any) []any {
		switch row[0] {
		case "7":
			return nil
		case "1":
			row[1], row[2] = nil, nil
		}
		return row
	}))
}

func testMutateReuse(t *testing.T, h Harness) {
	tables := h.tables("country")
	src, store := openNew(t, h, tables)
	var queries []connectors.Query
	for _, row := range tables[0].Rows {
		queries = append(queries, connectors.Query{Table: "country", Keys: keysOf("code", row[0].(string))})
	}
	_, err := src.(connectors.Mutator).Mutate(t.Context(), queries, renamer(t, "name"), confirmed)
	require.NoError(t, err)
	requireStore(t, store, renamed(tables, "name"))
}

func testMutateTwice(t *testing.T, h Harness) {
	tables := h.tables("customer")
	src, store := openNew(t, h, tables)
	queries := []connectors.Query{{Table: "customer", Keys: keysOf("id", "1", "2", "3")}}
	decide := func(_ string, row map[string]any) change {
		if row["id"] == "2" {
			return change{}
		}
		return change{"name": "anonymous", "email": nil}
	}
	want := with(tables, "customer", func(row []any) []any {
		switch row[0] {
		case "2":
			return nil
		case "1", "3":
			row[1], row[2] = "anonymous", nil
		}
		return row
	})
	require.Equal(t, []connectors.Outcome{outcome("customer", connectors.Done, "1"), outcome("customer", connectors.Done, "2"), outcome("customer", connectors.Done, "3")}, mutate(t, src, queries, decide))
	requireStore(t, store, want)
	require.Equal(t, []connectors.Outcome{outcome("customer", connectors.Done, "1"), outcome("customer", connectors.Gone, "2"), outcome("customer", connectors.Done, "3")}, mutate(t, src, queries, decide))
	requireStore(t, store, want)
}

func testMutateReadTwice(t *testing.T, h Harness) {
	tables := h.tables("customer")
	src, store := openNew(t, h, tables)
	read := connectors.Query{Table: "customer", Keys: keysOf("id", "1", "2")}
	for _, changing := range []int{0, 2} { // the first of the queries, then the last
		n := 0
		_, err := src.(connectors.Mutator).Mutate(t.Context(), []connectors.Query{read, read, read}, func(b connectors.Batch) (connectors.Edit, error) {
			n++
			if n-1 != changing {
				return connectors.Edit{}, nil
			}
			return editRows(t, b, func(row map[string]any) change {
				if row["id"] == "2" {
					return change{}
				}
				return change{"name": "query " + strconv.Itoa(changing)}
			}), nil
		}, confirmed)
		require.NoError(t, err)
		requireStore(t, store, with(tables, "customer", func(row []any) []any {
			switch row[0] {
			case "1":
				row[1] = "query " + strconv.Itoa(changing)
			case "2":
				return nil
			}
			return row
		}))
	}
}

func testMutateStale(t *testing.T, h Harness) {
	tables := h.tables("customer")
	src, store := openNew(t, h, tables)
	planned := map[any]any{}
	for _, row := range rowsOf(scan(t, src, tables, connectors.Query{Table: "customer"}), "customer") {
		planned[row[0]] = row[3]
	}
	other := open(t, store)
	mutate(t, other, []connectors.Query{{Table: "customer", Keys: keysOf("id", "2")}}, func(string, map[string]any) change { return change{"note": "moved"} })
	got := mutate(t, src, []connectors.Query{{Table: "customer", Keys: keysOf("id", "3", "2")}}, func(_ string, row map[string]any) change {
		if row["note"] != planned[row["id"]] {
			return nil
		}
		return change{}
	})
	require.Equal(t, []connectors.Outcome{outcome("customer", connectors.Done, "3"), outcome("customer", connectors.Left, "2")}, got)
	requireStore(t, store, with(tables, "customer", func(row []any) []any {
		switch row[0] {
		case "3":
			return nil
		case "2":
			row[3] = "moved"
		}
		return row
	}))
}

// family names customer 1, its orders and their line items; parents first.
func family() []connectors.Query {
	return []connectors.Query{
		{Table: "customer", Keys: keysOf("id", "1")},
		{Table: "order", Keys: keysOf("customer_id", "1")},
		{Table: "line item", Keys: keysOf("order_id", "100", "101")},
		{Table: "shipment", Keys: keysOf("order_id", "100", "101")},
	}
}

func testMutateFamily(t *testing.T, h Harness) {
	tables := h.tables("customer", "order", "line item", "shipment", "country")
	src, store := openNew(t, h, tables)
	remove := func(table string, _ map[string]any) change {
		if table == "shipment" {
			return change{"order_id": nil}
		}
		return change{}
	}

	backwards := family()
	slices.Reverse(backwards)
	_, err := tryMutate(t, src, backwards, remove)
	require.ErrorIs(t, err, connectors.ErrRefused, "children named first are applied last")
	requireStore(t, store, tables)

	got := mutate(t, src, family(), remove)
	require.Len(t, got, 1+2+4+4)
	for _, o := range got {
		require.Equal(t, connectors.Done, o.Status)
	}
	want := with(tables, "customer", func(row []any) []any { return without(row, row[0] == "1") })
	want = with(want, "order", func(row []any) []any { return without(row, row[1] == "1") })
	want = with(want, "line item", func(row []any) []any { return without(row, row[1] == "100" || row[1] == "101") })
	want = with(want, "shipment", func(row []any) []any {
		if row[1] == "100" {
			row[1] = nil
		}
		return row
	})
	requireStore(t, store, want)
}

func without(row []any, gone bool) []any {
	if gone {
		return nil
	}
	return row
}

func testMutateSelf(t *testing.T, h Harness) {
	tables := h.tables("staff")
	src, store := openNew(t, h, tables)
	mutate(t, src, []connectors.Query{{Table: "staff", Keys: keysOf("id", "2")}, {Table: "staff", Keys: keysOf("boss_id", "2")}}, func(string, map[string]any) change { return change{} })
	requireStore(t, store, with(tables, "staff", func(row []any) []any { return without(row, row[0] == "2" || row[0] == "4") }))
}

func testMutateRefused(t *testing.T, h Harness) {
	tables := h.tables("customer", "order", "line item", "shipment", "staff")
	src, store := openNew(t, h, tables)
	for name, decide := range map[string]func(string, map[string]any) change{
		"a parent with children": func(_ string, row map[string]any) change {
			if row["id"] == "3" {
				return change{"name": "changed before the refusal"}
			}
			return change{}
		},
		"a unique value twice": func(_ string, row map[string]any) change { return change{"email": "same@example.com"} },
	} {
		_, err := tryMutate(t, src, []connectors.Query{{Table: "customer", Keys: keysOf("id", "3", "1")}, {Table: "staff", Keys: keysOf("id", "4")}}, func(table string, row map[string]any) change {
			if table == "staff" {
				return change{}
			}
			return decide(table, row)
		})
		require.ErrorIs(t, err, connectors.ErrRefused, name)
		require.NotErrorIs(t, err, connectors.ErrTransient, name)
		require.NotContains(t, err.Error(), "example.com", "an error holds no value of a record")
		requireStore(t, store, tables)
	}
	_, err := tryMutate(t, src, []connectors.Query{{Table: "order", Keys: keysOf("id", "100")}}, func(string, map[string]any) change { return change{"customer_id": "555"} })
	require.ErrorIs(t, err, connectors.ErrRefused, "a child without a parent")
	_, err = tryMutate(t, src, []connectors.Query{{Table: "line item", Keys: keysOf("order_id", "100")}}, func(string, map[string]any) change { return change{} })
	require.ErrorIs(t, err, connectors.ErrRefused, "a parent by a composite key")
	_, err = tryMutate(t, src, []connectors.Query{{Table: "customer", Keys: keysOf("id", "3")}}, func(string, map[string]any) change { return change{"name": nil} })
	require.ErrorIs(t, err, connectors.ErrRefused, "NULL where none may be")
	requireStore(t, store, tables)

	mutate(t, src, []connectors.Query{{Table: "customer", Keys: keysOf("id", "3")}}, func(string, map[string]any) change { return change{} })
	requireStore(t, store, with(tables, "customer", func(row []any) []any { return without(row, row[0] == "3") }))
}

func testMutateEditError(t *testing.T, h Harness) {
	tables := h.tables("customer", "staff")
	src, store := openNew(t, h, tables)
	mine := errors.New("edit says no")
	calls := 0
	queries := []connectors.Query{{Table: "customer", Keys: keysOf("id", "3")}, {Table: "staff", Keys: keysOf("id", "4")}}
	_, err := src.(connectors.Mutator).Mutate(t.Context(), queries, func(b connectors.Batch) (connectors.Edit, error) {
		if calls++; calls == 2 {
			return connectors.Edit{}, mine
		}
		return editRows(t, b, func(map[string]any) change { return change{} }), nil
	}, func() error {
		t.Error("confirm called after an error from edit")
		return nil
	})
	require.Same(t, mine, err)
	requireStore(t, store, tables)
	mutate(t, src, queries, func(string, map[string]any) change { return change{} })
}

func testMutateConfirmError(t *testing.T, h Harness) {
	tables := h.tables("customer", "staff")
	src, store := openNew(t, h, tables)
	mine := errors.New("the registry moved")
	queries := []connectors.Query{{Table: "customer", Keys: keysOf("id", "3", "2")}, {Table: "staff", Keys: keysOf("id", "4")}}
	_, err := src.(connectors.Mutator).Mutate(t.Context(), queries, func(b connectors.Batch) (connectors.Edit, error) {
		return editRows(t, b, func(row map[string]any) change {
			if row["id"] == "2" {
				return change{"note": "changed"}
			}
			return change{}
		}), nil
	}, func() error { return mine })
	require.Same(t, mine, err)
	requireStore(t, store, tables)
	mutate(t, src, queries, func(string, map[string]any) change { return change{} })
}

func testMutateCancel(t *testing.T, h Harness) {
	tables := h.tables("customer")
	src, store := openNew(t, h, tables)
	queries := []connectors.Query{{Table: "customer", Keys: keysOf("id", "3")}}
	ctx, cancel := context.WithCancel(t.Context())
	edit := func(b connectors.Batch) (connectors.Edit, error) {
		cancel()
		return editRows(t, b, func(map[string]any) change { return change{} }), nil
	}
	for range 2 { // cancelled while it runs, cancelled before
		_, err := src.(connectors.Mutator).Mutate(ctx, queries, edit, confirmed)
		require.ErrorIs(t, err, context.Canceled)
		requireStore(t, store, tables)
	}
	mutate(t, src, queries, func(string, map[string]any) change { return change{} })
}

func testMutateKinds(t *testing.T, h Harness) {
	tables := h.tables("kinds", "country")
	src, store := openNew(t, h, tables)
	kinds := tables[slices.IndexFunc(tables, func(t Table) bool { return t.Def.Name == "kinds" })]
	// Each row takes over the values of the one before it; the first those of the last.
	next := map[any][]any{}
	for i, row := range kinds.Rows {
		next[row[0]] = kinds.Rows[(i+len(kinds.Rows)-1)%len(kinds.Rows)]
	}
	mutate(t, src, []connectors.Query{{Table: "kinds", Keys: keysOf("id", "1", "2", "3", "4", "5")}}, func(_ string, row map[string]any) change {
		c := change{}
		for i, f := range kinds.Def.Fields[1:] {
			c[f.Name] = next[row["id"]][i+1]
		}
		return c
	})
	requireStore(t, store, with(tables, "kinds", func(row []any) []any { return append(row[:1], next[row[0]][1:]...) }))
}

// testMutateEveryKey deletes the first row of each table and changes the last, one table at a time.
func testMutateEveryKey(t *testing.T, h Harness) {
	tables := h.tables("country", "collated", oddName, "shipment", "line item", "order", "customer")
	slices.Reverse(tables)
	src, store := openNew(t, h, h.tables("country", "collated", oddName, "shipment", "line item", "order", "customer"))
	last := map[string]string{"country": "name", "collated": "n", oddName: "with space", "shipment": "pos"}
	for _, table := range tables {
		fieldName, ok := last[table.Def.Name]
		if !ok {
			continue // a parent
		}
		for _, row := range table.Rows {
			key, _ := table.key(row, table.Def.Key)
			kept := with(tables, table.Def.Name, func(r []any) []any {
				if k, _ := table.key(r, table.Def.Key); k == key {
					r[table.column(fieldName)] = "1"
				}
				return r
			})
			query := []connectors.Query{{Table: table.Def.Name, Keys: &connectors.Keys{Fields: table.Def.Key, Tuples: []connectors.Key{key}}}}
			got := mutate(t, src, query, func(string, map[string]any) change { return change{fieldName: "1"} })
			require.Equal(t, []connectors.Outcome{{Table: table.Def.Name, Key: key, Status: connectors.Done}}, got)
			requireSource(t, src, kept)
			tables = kept
		}
		first, _ := table.key(table.Rows[0], table.Def.Key)
		tables = with(tables, table.Def.Name, func(r []any) []any {
			k, _ := table.key(r, table.Def.Key)
			return without(r, k == first)
		})
		query := []connectors.Query{{Table: table.Def.Name, Keys: &connectors.Keys{Fields: table.Def.Key, Tuples: []connectors.Key{first}}}}
		mutate(t, src, query, func(string, map[string]any) change { return change{} })
		requireStore(t, store, tables)
	}
}

func testMutateCollation(t *testing.T, h Harness) {
	for _, word := range []string{"A", "a ", "B", "É", "STRASSE", "nowhere"} {
		tables := h.tables("collated")
		src, store := openNew(t, h, tables)
		want, status := with(tables, "collated", func(row []any) []any { return without(row, h.sameKey(row[0].(string), word)) }), connectors.Done
		if len(want[0].Rows) == len(tables[0].Rows) {
			status = connectors.Gone
		}
		got := mutate(t, src, []connectors.Query{{Table: "collated", Keys: keysOf("word", word)}}, func(string, map[string]any) change { return change{} })
		require.Len(t, got, 1, "%q", word)
		require.Equal(t, status, got[0].Status, "%q", word)
		requireStore(t, store, want)
	}
}

func testMutateMany(t *testing.T, h Harness) {
	tables := []Table{manyTable(2000)}
	src, store := openNew(t, h, tables)
	keys := &connectors.Keys{Fields: []string{"id"}}
	for _, row := range tables[0].Rows {
		key, _ := tables[0].key(row, keys.Fields)
		keys.Tuples = append(keys.Tuples, key)
	}
	for i := range 2000 {
		keys.Tuples = append(keys.Tuples, connectors.MakeKey([]byte{'-', byte('1' + i%9)}))
	}
	got := mutate(t, src, []connectors.Query{{Table: "many", Keys: keys}}, func(_ string, row map[string]any) change {
		switch row["grp"] {
		case "0", "4":
			return change{}
		case "1":
			return change{"grp": "11"}
		}
		return nil
	})
	require.Len(t, got, 4000)
	for i, o := range got {
		want := connectors.Gone
		if i < 2000 {
			want = []connectors.Status{connectors.Done, connectors.Done, connectors.Left, connectors.Left, connectors.Done, connectors.Left, connectors.Left}[i%7]
		}
		require.Equal(t, connectors.Outcome{Table: "many", Key: keys.Tuples[i], Status: want}, o)
	}
	requireStore(t, store, with(tables, "many", func(row []any) []any {
		if row[1] == "1" {
			row[1] = "11"
		}
		return without(row, row[1] == "0" || row[1] == "4")
	}))
}

func testMutateGoroutines(t *testing.T, h Harness) {
	tables := []Table{manyTable(200)}
	src, store := openNew(t, h, tables)
	var g errgroup.Group
	for part := range 4 {
		g.Go(func() error {
			for i := part; i < 40; i += 4 {
				query := connectors.Query{Table: "many", Keys: keysOf("id", strconv.Itoa(i*3))}
				_, err := src.(connectors.Mutator).Mutate(t.Context(), []connectors.Query{query}, func(b connectors.Batch) (connectors.Edit, error) {
					if n := b.Rows.NumRows(); n != 1 {
						return connectors.Edit{}, fmt.Errorf("%d rows of one", n)
					}
					return connectors.Edit{Ops: []connectors.Op{connectors.Delete}}, nil
				}, confirmed)
				if err != nil {
					return err
				}
			}
			return nil
		})
		g.Go(func() error {
			rows := int64(0)
			for b, err := range src.Scan(t.Context(), connectors.Query{Table: "many", MaxRows: pageRows}) {
				if err != nil {
					return err
				}
				if rows += b.Rows.NumRows(); rows > 200 {
					break
				}
			}
			if rows < 160 || rows > 200 {
				return fmt.Errorf("%d rows read while 40 of 200 were deleted", rows)
			}
			return nil
		})
	}
	require.NoError(t, g.Wait())
	requireStore(t, store, with(tables, "many", func(row []any) []any {
		id, err := strconv.Atoi(row[0].(string))
		require.NoError(t, err)
		return without(row, id < 120)
	}))
}

func testMutateAutoUpdate(t *testing.T, h Harness) {
	tables := h.tables("stamped")
	src, store := openNew(t, h, tables)
	mutate(t, src, []connectors.Query{{Table: "stamped", Keys: keysOf("id", "1", "2")}}, func(string, map[string]any) change { return change{"note": "new"} })
	mutate(t, src, []connectors.Query{{Table: "stamped", Fields: []string{"note"}, Keys: keysOf("id", "3")}}, func(string, map[string]any) change { return change{"note": "new"} })
	requireStore(t, store, with(tables, "stamped", func(row []any) []any {
		row[1] = "new"
		return row
	}))
}

func testMutateGenerated(t *testing.T, h Harness) {
	tables := h.tables("computed")
	src, store := openNew(t, h, tables)
	queries := []connectors.Query{{Table: "computed", Keys: keysOf("id", "1", "3")}}
	mutate(t, src, queries, func(string, map[string]any) change { return change{"note": "new"} })
	want := with(tables, "computed", func(row []any) []any {
		if row[0] != "2" {
			row[len(row)-1] = "new"
		}
		return row
	})
	requireStore(t, store, want)
	if tables[0].column("twice") == -1 {
		return
	}
	_, err := tryMutate(t, src, queries, func(string, map[string]any) change { return change{"note": "newer", "twice": "7"} })
	require.Error(t, err)
	requireStore(t, store, want)
}

func testMutateKeyless(t *testing.T, h Harness) {
	tables := h.tables("keyless")
	src, store := openNew(t, h, tables)
	_, err := tryMutate(t, src, []connectors.Query{{Table: "keyless", Keys: keysOf("a", "other")}}, func(string, map[string]any) change { return change{} })
	require.ErrorIs(t, err, errors.ErrUnsupported)
	requireStore(t, store, tables)
}

func testMutateUnknown(t *testing.T, h Harness) {
	tables := h.tables("country", "staff")
	src, store := openNew(t, h, tables)
	for name, q := range map[string]connectors.Query{
		"table":     {Table: "nowhere", Keys: keysOf("id", "1")},
		"field":     {Table: "country", Fields: []string{"nothing"}, Keys: keysOf("code", "9")},
		"key field": {Table: "country", Keys: keysOf("nothing", "9")},
	} {
		_, err := tryMutate(t, src, []connectors.Query{{Table: "staff", Keys: keysOf("id", "4")}, q}, func(string, map[string]any) change { return change{} })
		require.ErrorIs(t, err, connectors.ErrSchemaChanged, name)
	}
	_, err := tryMutate(t, src, []connectors.Query{{Table: "country", Keys: keysOf("code", "9")}}, func(string, map[string]any) change { return change{"nothing": "x"} })
	require.ErrorIs(t, err, connectors.ErrSchemaChanged, "a field that edit sets")
	_, err = tryMutate(t, src, []connectors.Query{{Table: "country"}}, func(string, map[string]any) change { return change{} })
	require.Error(t, err, "a query without keys")
	requireStore(t, store, tables)
}
