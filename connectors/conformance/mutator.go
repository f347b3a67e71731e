package conformance

import (
	"fmt"
	"slices"
	"strconv"

	"golang.org/x/sync/errgroup"

	"lethe/connectors"
	"lethe/connectors/conformance/require"
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
		{"edits are applied in the reverse order of the queries", testMutateReverse},
		{"parents are named first and children go first", testMutateFamily},
		{"a row that refers to its own table goes before the row it refers to", testMutateSelf},
		{"if the engine refuses a change nothing is changed", testMutateRefused},
		{"an error says what of the database refused a change", testMutateRefusedBy},
		{"a row to delete that a foreign key took along is done", testMutateCascaded},
		{"rows that refer to each other in a circle go together where the engine defers", testMutateCircle},
		{"each row read says which of the keys it answers", testMutateTuples},
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
func mutate(t T, src connectors.Source, queries []connectors.Query,
	decide func(table string, row map[string]any) change) []connectors.Outcome {
	t.Helper()
	outcomes, err := tryMutate(t, src, queries, decide)
	require.NoError(t, err)
	return outcomes
}

func tryMutate(t T, src connectors.Source, queries []connectors.Query,
	decide func(table string, row map[string]any) change) ([]connectors.Outcome, error) {
	confirms := 0
	outcomes, err := src.(connectors.Mutator).Mutate(t.Context(), queries,
		func(b connectors.Batch) (connectors.Edit, error) {
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

func testMutateMix(t T, h Harness) {
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
	got := mutate(t, src, []connectors.Query{{Table: "customer", Keys: keys, After: "ignored", MaxRows: pageRows}},
		decide)
	require.Equal(t, []connectors.Outcome{
		outcome("customer", connectors.Left, "11"), outcome("customer", connectors.Gone, "777"),
		outcome("customer", connectors.Done, "3"),
		outcome("customer", connectors.Done, "9007199254740993"), outcome("customer", connectors.Done, "1"),
		outcome("customer", connectors.Done, "-9223372036854775808"), outcome("customer", connectors.Left, "2"),
		outcome("customer", connectors.Gone, "-777"),
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

func testMutateBatches(t T, h Harness) {
	tables := h.tables()
	src, store := openNew(t, h, tables)
	var order []string
	queries := []connectors.Query{
		{Table: "customer", Keys: keysOf("id", "1", "2", "3", "10", "11"), MaxRows: pageRows},
		{Table: "staff", Keys: keysOf("id", "99")},
		{Table: "order", Keys: keysOf("customer_id", "1", "2", "10"), MaxRows: pageRows},
		{Table: "order", Keys: keysOf("customer_id", "3")},
	}
	outcomes, err := src.(connectors.Mutator).Mutate(t.Context(), queries,
		func(b connectors.Batch) (connectors.Edit, error) {
			order = append(order, b.Table)
			want := map[int]int{1: 5, 2: 0, 3: 4, 4: 0}[len(order)]
			require.EqualValues(t, want, b.Rows.NumRows(), "query %d", len(order))
			require.EqualValues(t, len(tableNamed(t, tables, b.Table).Def.Fields), b.Rows.NumCols(),
				"an empty batch has its columns too")
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

func testMutateFields(t T, h Harness) {
	tables := h.tables("customer", "order", "line item")
	src, store := openNew(t, h, tables)
	key := connectors.MakeKey([]byte("103"), []byte("1"))
	queries := []connectors.Query{{Table: "line item", Fields: []string{"sku"},
		Keys: &connectors.Keys{Fields: []string{"order_id", "pos"}, Tuples: []connectors.Key{key}}}}
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

func testMutateForeign(t T, h Harness) {
	tables := h.tables("customer", "order", "line item", "shipment")
	src, store := openNew(t, h, tables)
	key := func(order, pos string) connectors.Key { return connectors.MakeKey([]byte(order), []byte(pos)) }
	queries := []connectors.Query{{
		Table: "shipment", Fields: []string{"pos", "id"},
		Keys: &connectors.Keys{Fields: []string{"order_id", "pos"}, Tuples: []connectors.Key{key("102", "1"),
			key("100", "1"), key("100", "77")}},
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

func testMutateReuse(t T, h Harness) {
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

func testMutateTwice(t T, h Harness) {
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
	require.Equal(t, []connectors.Outcome{outcome("customer", connectors.Done, "1"),
		outcome("customer", connectors.Done, "2"), outcome("customer", connectors.Done, "3")},
		mutate(t, src, queries, decide))
	requireStore(t, store, want)
	require.Equal(t, []connectors.Outcome{outcome("customer", connectors.Done, "1"),
		outcome("customer", connectors.Gone, "2"), outcome("customer", connectors.Done, "3")},
		mutate(t, src, queries, decide))
	requireStore(t, store, want)
}

func testMutateReadTwice(t T, h Harness) {
	tables := h.tables("customer")
	src, store := openNew(t, h, tables)
	read := connectors.Query{Table: "customer", Keys: keysOf("id", "1", "2")}
	for _, changing := range []int{0, 2} { // the first of the queries, then the last
		n := 0
		_, err := src.(connectors.Mutator).Mutate(t.Context(), []connectors.Query{read, read, read},
			func(b connectors.Batch) (connectors.Edit, error) {
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

// family names customer 1, its orders and their line items; parents first.
func family() []connectors.Query {
	return []connectors.Query{
		{Table: "customer", Keys: keysOf("id", "1")},
		{Table: "order", Keys: keysOf("customer_id", "1")},
		{Table: "line item", Keys: keysOf("order_id", "100", "101")},
		{Table: "shipment", Keys: keysOf("order_id", "100", "101")},
	}
}

func testMutateFamily(t T, h Harness) {
	tables := h.tables("customer", "order", "line item", "shipment", "country")
	src, store := openNew(t, h, tables)
	remove := func(table string, _ map[string]any) change {
		if table == "shipment" {
			return change{"order_id": nil}
		}
		return change{}
	}

	if !defers(src) {
		backwards := family()
		slices.Reverse(backwards)
		_, err := tryMutate(t, src, backwards, remove)
		require.ErrorIs(t, err, connectors.ErrRefused, "children named first are applied last")
		requireStore(t, store, tables)
	}

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

// testMutateReverse hands a unique value on, which must be given up before it is taken.
func testMutateReverse(t T, h Harness) {
	tables := h.tables("customer")
	src, store := openNew(t, h, tables)
	take, give := connectors.Query{Table: "customer", Keys: keysOf("id", "3")},
		connectors.Query{Table: "customer", Keys: keysOf("id", "2")}
	hand := func(_ string, row map[string]any) change {
		if row["id"] == "2" {
			return change{"email": nil}
		}
		return change{"email": "bea@example.com"}
	}
	_, err := tryMutate(t, src, []connectors.Query{give, take}, hand)
	require.ErrorIs(t, err, connectors.ErrRefused)
	requireStore(t, store, tables)
	mutate(t, src, []connectors.Query{take, give}, hand)
	requireStore(t, store, with(tables, "customer", func(row []any) []any {
		switch row[0] {
		case "2":
			row[2] = nil
		case "3":
			row[2] = "bea@example.com"
		}
		return row
	}))
}

func without(row []any, gone bool) []any {
	if gone {
		return nil
	}
	return row
}

func testMutateSelf(t T, h Harness) {
	tables := h.tables("staff")
	src, store := openNew(t, h, tables)
	mutate(t, src, []connectors.Query{{Table: "staff", Keys: keysOf("id", "2")},
		{Table: "staff", Keys: keysOf("boss_id", "2")}}, func(string, map[string]any) change { return change{} })
	requireStore(t, store,
		with(tables, "staff", func(row []any) []any { return without(row, row[0] == "2" || row[0] == "4") }))
}

func testMutateGoroutines(t T, h Harness) {
	tables := []Table{manyTable(200)}
	src, store := openNew(t, h, tables)
	var g errgroup.Group
	for part := range 4 {
		g.Go(func() error {
			for i := part; i < 40; i += 4 {
				query := connectors.Query{Table: "many", Keys: keysOf("id", strconv.Itoa(i*3))}
				_, err := src.(connectors.Mutator).Mutate(t.Context(), []connectors.Query{query},
					func(b connectors.Batch) (connectors.Edit, error) {
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

func testMutateAutoUpdate(t T, h Harness) {
	tables := h.tables("stamped")
	src, store := openNew(t, h, tables)
	mutate(t, src, []connectors.Query{{Table: "stamped", Keys: keysOf("id", "1", "2")}},
		func(string, map[string]any) change { return change{"note": "new"} })
	mutate(t, src, []connectors.Query{{Table: "stamped", Fields: []string{"note"}, Keys: keysOf("id", "3")}},
		func(string, map[string]any) change { return change{"note": "new"} })
	requireStore(t, store, with(tables, "stamped", func(row []any) []any {
		row[1] = "new"
		return row
	}))
}

func testMutateGenerated(t T, h Harness) {
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
	_, err := tryMutate(t, src, queries, func(string, map[string]any) change {
		return change{"note": "newer", "twice": "7"}
	})
	require.Error(t, err)
	requireStore(t, store, want)
}
