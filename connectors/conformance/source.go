package conformance

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v15/arrow/array"
	"golang.org/x/sync/errgroup"

	"lethe/connectors"
	"lethe/connectors/conformance/require"
)

func (h Harness) sourceTests() []subtest {
	tests := []subtest{
		{"Tables returns the catalog sorted by name", testCatalog},
		{"what is not in the catalog is named with a reason", testUnread},
		{"every row that a query asks for is in exactly one batch", testEveryRow},
		{"the columns of the batch are the fields asked for in this order", testFields},
		{"a scan resumes behind the last row of any batch", testResume},
		{"a cursor survives a restart", testResumeReopened},
		{"a scan resumes with one cursor a table", testResumeSeveral},
		{"keys name rows by the primary key", testKeysPrimary},
		{"keys name rows by the fields of a foreign key", testKeysForeign},
		{"there may be very many keys", testManyKeys},
		{"field values are compared as the source itself compares them", testCollation},
		{"each row of a query with keys says which of them it answers", testTuples},
		{"batches end at about 8 MB of values", testBigCells},
		{"a query for a table or field that does not exist ends with ErrSchemaChanged", testUnknown},
		{"a sample is blocks of rows spread over the range of the keys", testSample},
		{"a sample of a table of no more rows than asked for is the whole", testSampleWhole},
		{"a scan ends when its context is cancelled", testCancel},
		{"a scan may be left early", testBreak},
		{"a source may be used by several goroutines", testGoroutines},
	}
	if !h.Stream {
		tests = append(tests,
			subtest{"a live store answers the queries one after another in key order", testOrder},
			subtest{"keys may be values of the fields that are referred to", testReferred})
	}
	return tests
}

func testCatalog(t T, h Harness) {
	tables := h.tables()
	src, _ := openNew(t, h, tables)
	got, err := src.Tables(t.Context())
	require.NoError(t, err)

	var names []string
	for _, g := range got {
		names = append(names, g.Name)
	}
	require.Len(t, names, len(tables))
	require.IsIncreasing(t, names)
	for _, want := range tables {
		g := got[slices.Index(names, want.Def.Name)]
		require.NotEmpty(t, g.Database)
		require.Equal(t, append([]string{}, want.Def.Key...), append([]string{}, g.Key...), "key of %s", g.Name)
		require.Equal(t, want.Def.Alternate, g.Alternate, "the key of %s is a unique constraint", g.Name)
		require.ElementsMatch(t, want.Def.Unique, g.Unique, "unique constraints of %s", g.Name)
		require.ElementsMatch(t, comparable(want.Def.ForeignKeys), comparable(g.ForeignKeys), "foreign keys of %s",
			g.Name)
		require.GreaterOrEqual(t, g.Rows, int64(-1))
		require.Len(t, g.Fields, len(want.Def.Fields), g.Name)
		for i, f := range g.Fields {
			require.NotEmpty(t, f.Type)
			f.Type, f.Length = want.Def.Fields[i].Type, 0
			require.Equal(t, want.Def.Fields[i], f, "field of %s", g.Name)
		}
	}
}

// testUnread asks a Partial, and what it says fits the catalog. That it names what there is, its own tests show.
func testUnread(t T, h Harness) {
	src, _ := openNew(t, h, h.tables())
	partial, ok := src.(connectors.Partial)
	if !ok {
		return
	}
	tables, err := src.Tables(t.Context())
	require.NoError(t, err)
	list, err := partial.Unread(t.Context())
	require.NoError(t, err)
	var names []string
	for _, u := range list {
		names = append(names, u.Name)
		require.NotEmpty(t, u.Reason)
		_, there := connectors.Tables(tables).Find(u.Name)
		require.Equal(t, u.Read, there, "%s in the catalog", u.Name)
		_, of := connectors.Tables(tables).Find(u.Of)
		require.True(t, of || u.Of == "", "%s is a copy of %s", u.Name, u.Of)
		require.True(t, u.Of != "" || !u.Stays, "%s keeps rows of nothing", u.Name)
	}
	require.IsNonDecreasing(t, append([]string{""}, names...))
}

// comparable drops what engines are free to choose: names, and the words for 'not while a row refers to it', which
// none is too.
func comparable(fks []connectors.ForeignKey) []connectors.ForeignKey {
	fks = slices.Clone(fks)
	for i := range fks {
		fks[i].Name = ""
		for _, action := range []*string{&fks[i].OnDelete, &fks[i].OnUpdate} {
			if *action == "NO ACTION" || *action == "" {
				*action = "RESTRICT"
			}
		}
	}
	return fks
}

func testEveryRow(t T, h Harness) {
	tables := h.tables()
	src, _ := openNew(t, h, tables)
	requireSource(t, src, tables)
	for _, table := range tables { // also one by one, so that every key is once the last of a page
		one := scan(t, src, tables, connectors.Query{Table: table.Def.Name, MaxRows: 1})
		requireRows(t, table.Rows, rowsOf(one, table.Def.Name), "table %s, a row a page", table.Def.Name)
		pages := scan(t, src, tables, connectors.Query{Table: table.Def.Name, MaxRows: pageRows})
		for _, p := range pages {
			require.Equal(t, table.Def.Name, p.table)
			require.NotEmpty(t, p.rows, "a scan makes no empty batches")
			require.LessOrEqual(t, len(p.rows), pageRows)
		}
		requireRows(t, table.Rows, rowsOf(pages, table.Def.Name), "table %s", table.Def.Name)
	}
	pages := scan(t, src, tables, queriesFor(tables, pageRows)...)
	for _, table := range tables {
		requireRows(t, table.Rows, rowsOf(pages, table.Def.Name), "table %s, all tables in one call", table.Def.Name)
	}
	require.Empty(t, scan(t, src, tables), "no query, no batch")
}

func testOrder(t T, h Harness) {
	tables := h.tables()
	slices.Reverse(tables)
	src, _ := openNew(t, h, h.tables())
	pages := scan(t, src, tables, queriesFor(tables, pageRows)...)
	var want, got []string
	for _, table := range tables {
		if len(table.Rows) > 0 {
			want = append(want, table.Def.Name)
		}
		if key := table.Def.Key; len(key) == 1 && table.Def.Fields[0].Kind == connectors.Integer {
			require.Equal(t, table.Rows, rowsOf(pages, table.Def.Name), "key order of %s", table.Def.Name)
		}
	}
	for _, p := range pages {
		got = append(got, p.table)
	}
	require.Equal(t, want, slices.Compact(got))
}

func testFields(t T, h Harness) {
	tables := h.tables()
	src, _ := openNew(t, h, tables)
	for _, table := range tables {
		all := table.fieldNames()
		reversed := slices.Clone(all)
		slices.Reverse(reversed)
		for _, fields := range [][]string{nil, all, reversed, all[len(all)-1:], all[:1]} {
			want := fields
			if fields == nil {
				want = all
			}
			var got [][]any
			for b, err := range src.Scan(t.Context(), connectors.Query{Table: table.Def.Name, Fields: fields,
				MaxRows: pageRows}) {
				require.NoError(t, err)
				builder, err := connectors.NewBuilder(table.Def, fields)
				require.NoError(t, err)
				require.True(t, builder.Batch("").Rows.Schema().Equal(b.Rows.Schema()),
					"the schema is that of Builder: %s", b.Rows.Schema())
				require.Equal(t, builder.Batch("").Rows.Schema().Field(0).Metadata, b.Rows.Schema().Field(0).Metadata)
				got = append(got, copyBatch(t, b).rows...)
				require.LessOrEqual(t, len(got), 2*len(table.Rows))
			}
			var expected [][]any
			for _, row := range table.Rows {
				var short []any
				for _, f := range want {
					short = append(short, row[table.column(f)])
				}
				expected = append(expected, short)
			}
			requireRows(t, expected, got, "table %s fields %v", table.Def.Name, fields)
		}
	}
}

// requireResumes scans a table in small pages and then again from every cursor, with a source that again makes.
func requireResumes(t T, src connectors.Source, again func() connectors.Source, tables []Table, table Table,
	fields []string) {
	name := table.Def.Name
	pages := scan(t, src, tables, connectors.Query{Table: name, Fields: fields, MaxRows: pageRows})
	for i, p := range pages {
		rest := scan(t, again(), tables, connectors.Query{Table: name, Fields: fields, MaxRows: pageRows,
			After: p.next})
		require.Equal(t, rowsOf(pages[i+1:], name), rowsOf(rest, name), "table %s after page %d", name, i+1)
	}
}

func testResume(t T, h Harness) {
	tables := h.tables()
	src, _ := openNew(t, h, tables)
	for _, table := range tables {
		if len(table.Def.Key) > 0 {
			requireResumes(t, src, func() connectors.Source { return src }, tables, table, nil)
			requireResumes(t, src, func() connectors.Source { return src }, tables, table,
				table.fieldNames()[len(table.Def.Fields)-1:])
		}
	}
}

func testResumeReopened(t T, h Harness) {
	tables := h.tables("country", "collated", "customer")
	src, store := openNew(t, h, tables)
	for _, table := range tables {
		requireResumes(t, src, func() connectors.Source { return open(t, store) }, tables, table, nil)
	}
}

func testResumeSeveral(t T, h Harness) {
	tables := h.tables("customer", "order", "line item", "country")
	src, _ := openNew(t, h, tables)
	first := map[string]page{}
	for _, p := range scan(t, src, tables, queriesFor(tables, pageRows)...) {
		if _, seen := first[p.table]; !seen && p.table != "order" {
			first[p.table] = p
		}
	}
	queries := queriesFor(tables, pageRows)
	for i := range queries {
		queries[i].After = first[queries[i].Table].next
	}
	rest := scan(t, src, tables, queries...)
	for _, table := range tables {
		name := table.Def.Name
		requireRows(t, table.Rows, append(slices.Clone(first[name].rows), rowsOf(rest, name)...), "table %s", name)
	}
}

// requireKeys asks for the rows with certain values of some fields, in one batch and in small pages.
func requireKeys(t T, src connectors.Source, tables []Table, name string, keys *connectors.Keys) {
	t.Helper()
	table := tableNamed(t, tables, name)
	asked := map[connectors.Key]bool{}
	for _, key := range keys.Tuples {
		asked[key] = true
	}
	var want [][]any
	for _, row := range table.Rows {
		if key, ok := table.key(row, keys.Fields); ok && asked[key] {
			want = append(want, row)
		}
	}
	for _, maxRows := range []int{0, pageRows} {
		got := rowsOf(scan(t, src, tables, connectors.Query{Table: name, Keys: keys, MaxRows: maxRows}), name)
		requireRows(t, want, got, "table %s by %v, at most %d rows a batch", name, keys.Fields, maxRows)
	}
}

func testKeysPrimary(t T, h Harness) {
	tables := h.tables()
	src, _ := openNew(t, h, tables)
	for _, table := range tables {
		if len(table.Def.Key) == 0 {
			continue
		}
		all := &connectors.Keys{Fields: table.Def.Key}
		half := &connectors.Keys{Fields: table.Def.Key}
		absent := connectors.MakeKey(slices.Repeat([][]byte{[]byte("77")}, len(table.Def.Key))...)
		half.Tuples = append(half.Tuples, absent)
		for i, row := range table.Rows {
			key, _ := table.key(row, table.Def.Key)
			all.Tuples = append(all.Tuples, key)
			if i%2 == 0 {
				half.Tuples = append(half.Tuples, key)
			}
		}
		slices.Reverse(half.Tuples)
		half.Tuples = append(half.Tuples, half.Tuples...) // a key named twice
		requireKeys(t, src, tables, table.Def.Name, all)
		requireKeys(t, src, tables, table.Def.Name, half)
		requireKeys(t, src, tables, table.Def.Name,
			&connectors.Keys{Fields: table.Def.Key, Tuples: []connectors.Key{absent}})
		requireKeys(t, src, tables, table.Def.Name, &connectors.Keys{Fields: table.Def.Key})
	}
	queries := []connectors.Query{{Table: "country", Keys: keysOf("code", "9", "nowhere")}, {Table: "staff"},
		{Table: "customer", Keys: keysOf("id", "3", "2")}}
	pages := scan(t, src, tables, queries...)
	requireRows(t, [][]any{{"9", "nine"}}, rowsOf(pages, "country"), "several queries in one call")
	requireRows(t, tableNamed(t, tables, "staff").Rows, rowsOf(pages, "staff"))
	require.Len(t, rowsOf(pages, "customer"), 2)
}

func testKeysForeign(t T, h Harness) {
	tables := h.tables()
	src, _ := openNew(t, h, tables)
	requireKeys(t, src, tables, "order", keysOf("customer_id", "1", "9223372036854775807", "4"))
	requireKeys(t, src, tables, "line item", keysOf("order_id", "100", "103"))
	requireKeys(t, src, tables, "staff", keysOf("boss_id", "1", "2"))
	key := func(order, pos string) connectors.Key { return connectors.MakeKey([]byte(order), []byte(pos)) }
	composite := &connectors.Keys{Fields: []string{"order_id", "pos"}, Tuples: []connectors.Key{key("100", "1"),
		key("102", "10"), key("102", "1"), key("10", "01")}}
	requireKeys(t, src, tables, "shipment", composite)
}

func testManyKeys(t T, h Harness) {
	tables := []Table{manyTable(2000)}
	src, _ := openNew(t, h, tables)
	keys := &connectors.Keys{Fields: []string{"id"}}
	for i := range 10000 {
		keys.Tuples = append(keys.Tuples, connectors.MakeKey(strconv.AppendInt(nil, int64(10000-i), 10)))
	}
	requireKeys(t, src, tables, "many", keys)
	requireKeys(t, src, tables, "many", keysOf("grp", "3", "6", "8"))
}

func testCollation(t T, h Harness) {
	tables := h.tables("collated")
	src, _ := openNew(t, h, tables)
	words := []string{"a", "A", "a ", "á", "b", "B", "E", "É", "e", "é", "straße", "strasse", "STRASSE", "Strasse"}
	for _, word := range words {
		var want [][]any
		exact := true
		for _, row := range tables[0].Rows {
			if stored := row[0].(string); h.sameKey(stored, word) {
				want = append(want, row)
				exact = exact && stored == word
			}
		}
		pages, err := tryScan(t, t.Context(), src, tables,
			connectors.Query{Table: "collated", Keys: keysOf("word", word), MaxRows: pageRows})
		if h.Stream && !exact {
			// A stream compares bytes; where the engine would find a row by another spelling, it refuses
			// rather than guess.
			require.Error(t, err, "asked for %q", word)
			continue
		}
		require.NoError(t, err)
		requireRows(t, want, rowsOf(pages, "collated"), "asked for %q", word)
	}
	if h.Stream {
		return
	}
	var want [][]any
	for _, row := range tables[0].Rows {
		if slices.ContainsFunc(words, func(word string) bool { return h.sameKey(row[0].(string), word) }) {
			want = append(want, row)
		}
	}
	pages := scan(t, src, tables, connectors.Query{Table: "collated", Keys: keysOf("word", words...), MaxRows: 1})
	requireRows(t, want, rowsOf(pages, "collated"), "asked for all words at once, some of which may be the same key")
}

func testBigCells(t T, h Harness) {
	tables := []Table{bigTable()}
	src, _ := openNew(t, h, tables)
	seen, batches := 0, 0
	for b, err := range src.Scan(t.Context(), connectors.Query{Table: "big"}) {
		require.NoError(t, err)
		size := 0
		for _, row := range copyBatch(t, b).rows {
			require.Less(t, seen, len(tables[0].Rows))
			require.True(t, tables[0].Rows[seen][1] == row[1], "row %d differs", seen)
			size += len(row[1].(string))
			seen++
		}
		batches++
		require.LessOrEqual(t, size, connectors.BatchBytes+3<<20, "a batch ends once it holds 8 MB")
	}
	require.Equal(t, len(tables[0].Rows), seen)
	require.Greater(t, batches, 1)
}

func testUnknown(t T, h Harness) {
	tables := h.tables("country", "empty")
	src, _ := openNew(t, h, tables)
	for _, q := range []connectors.Query{
		{Table: "nowhere"},
		{Table: "country", Fields: []string{"code", "nothing"}},
		{Table: "empty", Fields: []string{"nothing"}},
		{Table: "country", Keys: keysOf("nothing", "1")},
	} {
		_, err := tryScan(t, t.Context(), src, tables, q)
		require.ErrorIs(t, err, connectors.ErrSchemaChanged, "%v", q)
		_, err = tryScan(t, t.Context(), src, tables, connectors.Query{Table: "country"}, q)
		require.ErrorIs(t, err, connectors.ErrSchemaChanged, "%v, after another query", q)
	}
	requireSource(t, src, tables)
}

func testCancel(t T, h Harness) {
	tables := []Table{manyTable(2000)}
	src, _ := openNew(t, h, tables)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	pages, err := tryScan(t, ctx, src, tables, connectors.Query{Table: "many"})
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, pages)

	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	rows := 0
	for b, e := range src.Scan(ctx, connectors.Query{Table: "many", MaxRows: pageRows}) {
		if err = e; e == nil {
			rows += int(b.Rows.NumRows())
			cancel()
		}
		require.Less(t, rows, 2000)
	}
	require.ErrorIs(t, err, context.Canceled)
	requireSource(t, src, tables)
}

func testBreak(t T, h Harness) {
	tables := []Table{manyTable(100)}
	src, _ := openNew(t, h, tables)
	for range 50 {
		pages := 0
		for _, err := range src.Scan(t.Context(), connectors.Query{Table: "many", MaxRows: pageRows}) {
			require.NoError(t, err)
			if pages++; pages == 2 {
				break
			}
		}
		require.Equal(t, 2, pages)
	}
	requireSource(t, src, tables)
}

func testGoroutines(t T, h Harness) {
	tables := []Table{manyTable(300)}
	src, _ := openNew(t, h, tables)
	var g errgroup.Group
	for range 4 {
		g.Go(func() error {
			var ids []string
			for b, err := range src.Scan(t.Context(), connectors.Query{Table: "many", MaxRows: pageRows}) {
				if err != nil {
					return err
				}
				for r := range int(b.Rows.NumRows()) {
					ids = append(ids, string(b.Rows.Column(0).(*array.Binary).Value(r)))
				}
				if len(ids) > 600 {
					return fmt.Errorf("the scan does not end")
				}
			}
			if n := len(slices.Compact(ids)); n != 300 {
				return fmt.Errorf("%d rows of 300: %s", n, strings.Join(ids[:min(5, len(ids))], " "))
			}
			return nil
		})
	}
	require.NoError(t, g.Wait())

	inner := 0
	for _, err := range src.Scan(t.Context(), connectors.Query{Table: "many", MaxRows: 100}) {
		require.NoError(t, err)
		inner += len(rowsOf(scan(t, src, tables, connectors.Query{Table: "many", Keys: keysOf("grp", "1")}), "many"))
		require.LessOrEqual(t, inner, 300)
	}
	require.Equal(t, 3*43, inner, "a scan within the loop of another")
}
