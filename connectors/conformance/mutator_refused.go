package conformance

import (
	"context"
	"errors"

	"lethe/connectors"
	"lethe/connectors/conformance/require"
)

func testMutateStale(t T, h Harness) {
	tables := h.tables("customer")
	src, store := openNew(t, h, tables)
	planned := map[any]any{}
	for _, row := range rowsOf(scan(t, src, tables, connectors.Query{Table: "customer"}), "customer") {
		planned[row[0]] = row[3]
	}
	other := open(t, store)
	mutate(t, other, []connectors.Query{{Table: "customer", Keys: keysOf("id", "2")}},
		func(string, map[string]any) change { return change{"note": "moved"} })
	got := mutate(t, src, []connectors.Query{{Table: "customer", Keys: keysOf("id", "3", "2")}},
		func(_ string, row map[string]any) change {
			if row["note"] != planned[row["id"]] {
				return nil
			}
			return change{}
		})
	require.Equal(t, []connectors.Outcome{outcome("customer", connectors.Done, "3"),
		outcome("customer", connectors.Left, "2")}, got)
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

func testMutateRefused(t T, h Harness) {
	tables := h.tables("customer", "order", "line item", "shipment", "staff")
	src, store := openNew(t, h, tables)
	for name, decide := range map[string]func(string, map[string]any) change{
		"a parent with children": func(_ string, row map[string]any) change {
			if row["id"] == "3" {
				return change{"name": "changed before the refusal"}
			}
			return change{}
		},
		"a unique value twice": func(_ string, row map[string]any) change {
			return change{"email": "same@example.com"}
		},
	} {
		_, err := tryMutate(t, src, []connectors.Query{{Table: "customer", Keys: keysOf("id", "3", "1")},
			{Table: "staff", Keys: keysOf("id", "4")}}, func(table string, row map[string]any) change {
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
	_, err := tryMutate(t, src, []connectors.Query{{Table: "order", Keys: keysOf("id", "100")}},
		func(string, map[string]any) change { return change{"customer_id": "555"} })
	require.ErrorIs(t, err, connectors.ErrRefused, "a child without a parent")
	_, err = tryMutate(t, src, []connectors.Query{{Table: "line item", Keys: keysOf("order_id", "100")}},
		func(string, map[string]any) change { return change{} })
	require.ErrorIs(t, err, connectors.ErrRefused, "a parent by a composite key")
	_, err = tryMutate(t, src, []connectors.Query{{Table: "customer", Keys: keysOf("id", "3")}},
		func(string, map[string]any) change { return change{"name": nil} })
	require.ErrorIs(t, err, connectors.ErrRefused, "NULL where none may be")
	requireStore(t, store, tables)

	mutate(t, src, []connectors.Query{{Table: "customer", Keys: keysOf("id", "3")}},
		func(string, map[string]any) change { return change{} })
	requireStore(t, store, with(tables, "customer", func(row []any) []any { return without(row, row[0] == "3") }))
}

func testMutateEditError(t T, h Harness) {
	tables := h.tables("customer", "staff")
	src, store := openNew(t, h, tables)
	mine := errors.New("edit says no")
	calls := 0
	queries := []connectors.Query{{Table: "customer", Keys: keysOf("id", "3")},
		{Table: "staff", Keys: keysOf("id", "4")}}
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

func testMutateConfirmError(t T, h Harness) {
	tables := h.tables("customer", "staff")
	src, store := openNew(t, h, tables)
	mine := errors.New("the registry moved")
	queries := []connectors.Query{{Table: "customer", Keys: keysOf("id", "3", "2")},
		{Table: "staff", Keys: keysOf("id", "4")}}
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

func testMutateCancel(t T, h Harness) {
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

func testMutateKeyless(t T, h Harness) {
	tables := h.tables("keyless")
	src, store := openNew(t, h, tables)
	_, err := tryMutate(t, src, []connectors.Query{{Table: "keyless", Keys: keysOf("a", "other")}},
		func(string, map[string]any) change { return change{} })
	require.ErrorIs(t, err, errors.ErrUnsupported)
	requireStore(t, store, tables)
}

func testMutateUnknown(t T, h Harness) {
	tables := h.tables("country", "staff")
	src, store := openNew(t, h, tables)
	for name, q := range map[string]connectors.Query{
		"table":     {Table: "nowhere", Keys: keysOf("id", "1")},
		"field":     {Table: "country", Fields: []string{"nothing"}, Keys: keysOf("code", "9")},
		"key field": {Table: "country", Keys: keysOf("nothing", "9")},
	} {
		_, err := tryMutate(t, src, []connectors.Query{{Table: "staff", Keys: keysOf("id", "4")}, q},
			func(string, map[string]any) change { return change{} })
		require.ErrorIs(t, err, connectors.ErrSchemaChanged, name)
	}
	_, err := tryMutate(t, src, []connectors.Query{{Table: "country", Keys: keysOf("code", "9")}},
		func(string, map[string]any) change { return change{"nothing": "x"} })
	require.ErrorIs(t, err, connectors.ErrSchemaChanged, "a field that edit sets")
	_, err = tryMutate(t, src, []connectors.Query{{Table: "country"}}, func(string, map[string]any) change {
		return change{}
	})
	require.Error(t, err, "a query without keys")
	requireStore(t, store, tables)
}
