package conformance

import (
	"slices"

	"lethe/connectors"
	"lethe/connectors/conformance/require"
)

func testMutateKinds(t T, h Harness) {
	tables := h.tables("kinds", "country")
	src, store := openNew(t, h, tables)
	kinds := tables[slices.IndexFunc(tables, func(t Table) bool { return t.Def.Name == "kinds" })]
	// Each row takes over the values of the one before it; the first those of the last.
	next := map[any][]any{}
	for i, row := range kinds.Rows {
		next[row[0]] = kinds.Rows[(i+len(kinds.Rows)-1)%len(kinds.Rows)]
	}
	mutate(t, src, []connectors.Query{{Table: "kinds", Keys: keysOf("id", "1", "2", "3", "4", "5")}},
		func(_ string, row map[string]any) change {
			c := change{}
			for i, f := range kinds.Def.Fields[1:] {
				c[f.Name] = next[row["id"]][i+1]
			}
			return c
		})
	requireStore(t, store, with(tables, "kinds", func(row []any) []any { return append(row[:1], next[row[0]][1:]...) }))
}

// testMutateEveryKey deletes the first row of each table and changes the last, one table at a time.
func testMutateEveryKey(t T, h Harness) {
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
			query := []connectors.Query{{Table: table.Def.Name, Keys: &connectors.Keys{Fields: table.Def.Key,
				Tuples: []connectors.Key{key}}}}
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
		query := []connectors.Query{{Table: table.Def.Name, Keys: &connectors.Keys{Fields: table.Def.Key,
			Tuples: []connectors.Key{first}}}}
		mutate(t, src, query, func(string, map[string]any) change { return change{} })
		requireStore(t, store, tables)
	}
}

func testMutateCollation(t T, h Harness) {
	for _, word := range []string{"A", "a ", "B", "É", "STRASSE", "nowhere"} {
		tables := h.tables("collated")
		src, store := openNew(t, h, tables)
		want, status := with(tables, "collated", func(row []any) []any {
			return without(row, h.sameKey(row[0].(string), word))
		}), connectors.Done
		if len(want[0].Rows) == len(tables[0].Rows) {
			status = connectors.Gone
		}
		got := mutate(t, src, []connectors.Query{{Table: "collated", Keys: keysOf("word", word)}},
			func(string, map[string]any) change { return change{} })
		require.Len(t, got, 1, "%q", word)
		require.Equal(t, status, got[0].Status, "%q", word)
		requireStore(t, store, want)
	}
}

func testMutateMany(t T, h Harness) {
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
			want = []connectors.Status{connectors.Done, connectors.Done, connectors.Left, connectors.Left,
				connectors.Done, connectors.Left, connectors.Left}[i%7]
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
