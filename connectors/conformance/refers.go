package conformance

import (
	"errors"
	"slices"
	"strconv"

	"lethe/connectors"
	"lethe/connectors/conformance/require"
)

// requireTuples checks which tuples the rows of a page answer: those that the engine holds equal to the row's
// own values.
func (h Harness) requireTuples(t T, table Table, keys *connectors.Keys, p page) {
	t.Helper()
	if p.tuples == nil {
		for _, row := range p.rows {
			own, ok := table.key(row, keys.Fields)
			require.True(t, ok)
			require.Contains(t, keys.Tuples, own, "rows that name no tuple are matched byte by byte")
		}
		return
	}
	require.Len(t, p.tuples, len(p.rows))
	for i, row := range p.rows {
		require.GreaterOrEqual(t, p.tuples[i], 0)
		require.Less(t, p.tuples[i], len(keys.Tuples))
		values, err := keys.Tuples[p.tuples[i]].Values()
		require.NoError(t, err)
		for j, f := range keys.Fields {
			own := row[table.column(f)].(string)
			if table.Def.Fields[table.column(f)].Kind == connectors.Text {
				require.True(t, h.sameKey(own, string(values[j])), "%q says that it answers %q", own, values[j])
			} else {
				require.Equal(t, own, string(values[j]))
			}
		}
	}
}

// keyed are queries with keys of all kinds: named twice, of no row, in no order, of several statements.
func (h Harness) keyed() ([]Table, []connectors.Query) {
	tables := append(h.tables(), manyTable(2000))
	many := &connectors.Keys{Fields: []string{"id"}}
	for i := range 6000 {
		many.Tuples = append(many.Tuples, connectors.MakeKey(strconv.AppendInt(nil, int64(6000-i), 10)))
	}
	key := func(order, pos string) connectors.Key { return connectors.MakeKey([]byte(order), []byte(pos)) }
	queries := []connectors.Query{
		{Table: "many", Keys: many},
		{Table: "many", Keys: keysOf("grp", "3", "77", "1", "3")},
		{Table: "country", Keys: keysOf("code", "zürich", "nowhere", "10", "zürich", "")},
		{Table: "order", Keys: keysOf("group", "x", "", "y")},
		{Table: "shipment", Keys: &connectors.Keys{Fields: []string{"order_id", "pos"},
			Tuples: []connectors.Key{key("102", "10"), key("102", "1"), key("100", "10"), key("100", "1"), key("102", "1")}}},
		{Table: "keyless", Keys: keysOf("a", "other", "same")},
	}
	for i := range queries {
		queries[i].MaxRows = pageRows
	}
	queries[0].MaxRows = 0
	return tables, queries
}

func testTuples(t T, h Harness) {
	tables, queries := h.keyed()
	src, _ := openNew(t, h, tables)
	for _, q := range queries {
		rows := 0
		for _, p := range scan(t, src, tables, q) {
			h.requireTuples(t, tableNamed(t, tables, q.Table), q.Keys, p)
			rows += len(p.rows)
		}
		require.Positive(t, rows)
	}
	if h.Stream {
		return
	}
	spelled := &connectors.Keys{Fields: []string{"word"}}
	for i := range 1500 { // so that they take several statements
		spelled.Tuples = append(spelled.Tuples, connectors.MakeKey([]byte("w"+strconv.Itoa(i))))
	}
	spelled.Tuples = append(spelled.Tuples, keysOf("word", "É", "STRASSE", "A", "B", "a ").Tuples...)
	for _, maxRows := range []int{1, 0} {
		q := connectors.Query{Table: "collated", Keys: spelled, MaxRows: maxRows}
		for _, p := range scan(t, src, tables, q) {
			h.requireTuples(t, tableNamed(t, tables, "collated"), spelled, p)
		}
	}
}

func testMutateTuples(t T, h Harness) {
	tables, queries := h.keyed()
	queries = slices.DeleteFunc(queries, func(q connectors.Query) bool { return q.Table == "keyless" })
	queries = append(queries, connectors.Query{Table: "collated", Keys: keysOf("word", "É", "STRASSE", "A", "B", "a ")})
	src, _ := openNew(t, h, tables)
	at := 0
	_, err := src.(connectors.Mutator).Mutate(t.Context(), queries, func(b connectors.Batch) (connectors.Edit, error) {
		h.requireTuples(t, tableNamed(t, tables, b.Table), queries[at].Keys, copyBatch(t, b))
		at++
		return connectors.Edit{}, nil
	}, confirmed)
	require.NoError(t, err)
	require.Equal(t, len(queries), at)
}

// testReferred asks for the rows that refer to each row, as by their own values.
func testReferred(t T, h Harness) {
	tables := h.tables()
	src, _ := openNew(t, h, tables)
	for _, table := range tables {
		for _, fk := range table.Def.ForeignKeys {
			parent := tableNamed(t, tables, fk.RefTable)
			keys := &connectors.Keys{Fields: fk.Fields,
				Of: &connectors.Referred{Table: fk.RefTable, Fields: fk.RefFields}}
			for _, row := range parent.Rows {
				key, _ := parent.key(row, fk.RefFields)
				keys.Tuples = append(keys.Tuples, key)
			}
			requireKeys(t, src, tables, table.Def.Name, keys)
			for _, p := range scan(t, src, tables, connectors.Query{Table: table.Def.Name, Keys: keys}) {
				h.requireTuples(t, table, keys, p)
			}
		}
	}
	for _, of := range []connectors.Referred{{Table: "nowhere", Fields: []string{"id"}},
		{Table: "customer", Fields: []string{"nothing"}}} {
		keys := keysOf("customer_id", "1")
		keys.Of = &of
		_, err := tryScan(t, t.Context(), src, tables, connectors.Query{Table: "order", Keys: keys})
		require.ErrorIs(t, err, connectors.ErrSchemaChanged, "%v", of)
	}
	mutator, ok := src.(connectors.Mutator)
	if !ok {
		return
	}
	keys := keysOf("customer_id", "10", "1")
	keys.Of = &connectors.Referred{Table: "customer", Fields: []string{"id"}}
	got := mutate(t, mutator.(connectors.Source), []connectors.Query{{Table: "order", Keys: keys}},
		func(string, map[string]any) change { return nil })
	require.ElementsMatch(t, []connectors.Outcome{outcome("order", connectors.Left, "100"),
		outcome("order", connectors.Left, "101"), outcome("order", connectors.Left, "103")}, got)
}

func testMutateRefusedBy(t T, h Harness) {
	tables := h.tables("customer", "order", "line item", "shipment")
	src, _ := openNew(t, h, tables)
	for _, c := range []struct {
		query connectors.Query
		change
		class connectors.RefusedClass
	}{
		{connectors.Query{Table: "customer", Keys: keysOf("id", "1")}, change{}, connectors.RefusedForeignKey},
		{connectors.Query{Table: "order", Keys: keysOf("id", "100")}, change{"customer_id": "555"},
			connectors.RefusedForeignKey},
		{connectors.Query{Table: "customer", Keys: keysOf("id", "3", "1")}, change{"email": "same@example.com"},
			connectors.RefusedUnique},
		{connectors.Query{Table: "customer", Keys: keysOf("id", "3")}, change{"id": "1"}, connectors.RefusedUnique},
		{connectors.Query{Table: "customer", Keys: keysOf("id", "3")}, change{"name": nil},
			connectors.RefusedNotNull},
	} {
		_, err := tryMutate(t, src, []connectors.Query{c.query}, func(string, map[string]any) change { return c.change })
		var refused *connectors.RefusedError
		require.ErrorIs(t, err, connectors.ErrRefused)
		require.True(t, errors.As(err, &refused), "%v", err)
		require.Equal(t, c.class, refused.Class)
		require.NotContains(t, refused.By, "example.com", "it names no value of a record")
	}
}

// edge is a foreign key of one field to the key of a table.
func edge(name, table, onDelete string) connectors.ForeignKey {
	return connectors.ForeignKey{Fields: []string{name}, RefTable: table, RefFields: []string{"id"}, OnDelete: onDelete}
}

// linked is a table with a key and references, which may be NULL.
func linked(name string, edges []connectors.ForeignKey, rows ...[]any) Table {
	table := Table{Def: connectors.Table{Name: name, Key: []string{"id"}, ForeignKeys: edges,
		Fields: []connectors.Field{field("id", "bigint", connectors.Integer)}}, Rows: rows}
	for _, e := range edges {
		table.Def.Fields = append(table.Def.Fields, nullable(e.Fields[0], "bigint", connectors.Integer))
	}
	return table
}

func testMutateCascaded(t T, h Harness) {
	tables := []Table{linked("owner", nil, []any{"1"}, []any{"2"}),
		linked("pet", []connectors.ForeignKey{edge("owner_id", "owner", "CASCADE")}, []any{"10", "1"}, []any{"11", "1"},
			[]any{"12", "2"})}
	src, store := openNew(t, h, tables)
	// The owner, named last, goes first and takes its pets along.
	got := mutate(t, src, []connectors.Query{{Table: "pet", Keys: keysOf("id", "10", "11")},
		{Table: "owner", Keys: keysOf("id", "1")}}, func(string, map[string]any) change { return change{} })
	require.Equal(t, []connectors.Outcome{outcome("pet", connectors.Done, "10"), outcome("pet", connectors.Done, "11"),
		outcome("owner", connectors.Done, "1")}, got)
	tables = with(tables, "owner", func(row []any) []any { return without(row, row[0] == "1") })
	requireStore(t, store, with(tables, "pet", func(row []any) []any { return without(row, row[1] == "1") }))
}

// defers says whether a source checks foreign keys when all is done.
func defers(src connectors.Source) bool {
	d, ok := src.(connectors.Deferrer)
	return ok && d.DefersForeignKeys()
}

func testMutateCircle(t T, h Harness) {
	for _, onDelete := range []string{"NO ACTION", "RESTRICT"} {
		tables := []Table{
			linked("team", []connectors.ForeignKey{edge("lead_id", "member", onDelete)}, []any{"1", "10"},
				[]any{"2", "20"}),
			linked("member", []connectors.ForeignKey{edge("team_id", "team", onDelete)}, []any{"10", "1"},
				[]any{"20", "2"}, []any{"21", "2"}),
		}
		src, store := openNew(t, h, tables)
		remove := func(team string, members ...string) error {
			_, err := tryMutate(t, src, []connectors.Query{{Table: "team", Keys: keysOf("id", team)},
				{Table: "member", Keys: keysOf("id", members...)}}, func(string, map[string]any) change { return change{} })
			return err
		}
		err := remove("2", "20") // member 21 stays and refers to the team
		var refused *connectors.RefusedError
		require.ErrorIs(t, err, connectors.ErrRefused)
		require.True(t, errors.As(err, &refused))
		require.Equal(t, connectors.RefusedForeignKey, refused.Class)
		requireStore(t, store, tables)

		err = remove("1", "10")
		if !defers(src) {
			require.ErrorIs(t, err, connectors.ErrRefused)
			requireStore(t, store, tables)
			continue
		}
		require.NoError(t, err)
		gone := func(row []any) []any { return without(row, row[0] == "1" || row[0] == "10") }
		requireStore(t, store, with(with(tables, "team", gone), "member", gone))
	}
}
