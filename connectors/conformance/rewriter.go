package conformance

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"lethe/connectors"
	"lethe/connectors/conformance/require"
)

func rewriterTests() []subtest {
	return []subtest{
		{"a file that no edit touched is not replaced", testRewriteNothing},
		{"what edit leaves is copied byte for byte", testRewriteOne},
		{"all rows of a table may go", testRewriteAllRows},
		{"the report counts the rows of each queried table", testRewriteReport},
		{"a query's keys, fields and rows a batch hold", testRewriteQuery},
		{"the arrays of an edit are valid until the next call", testRewriteReuse},
		{"values of every kind are written as they are read", testRewriteKinds},
		{"rows of a table without a key can be changed", testRewriteKeyless},
		{"very long rows are rewritten", testRewriteBig},
		{"verify reads the new file before it replaces the original", testRewriteVerify},
		{"after an error from verify the original is as it was", testRewriteVerifyError},
		{"after an error from edit the original is as it was", testRewriteEditError},
		{"after a cancelled context the original is as it was", testRewriteCancel},
		{"a query for a table or field that does not exist is ErrSchemaChanged", testRewriteUnknown},
	}
}

func verified(connectors.Source) error { return nil }

// files returns the names in the folder of the store's file.
func (s Store) files(t T) []string {
	if s.Path == "" {
		return nil
	}
	entries, err := os.ReadDir(filepath.Dir(s.Path))
	require.NoError(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func (s Store) content(t T) []byte {
	if s.Bytes == nil {
		return nil
	}
	return s.Bytes(t)
}

func (s Store) info(t T) os.FileInfo {
	if s.Path == "" {
		return nil
	}
	info, err := os.Stat(s.Path)
	require.NoError(t, err)
	return info
}

// requireState compares what a report says of the file with the file.
func (s Store) requireState(t T, state connectors.FileState) {
	if s.Path == "" {
		return
	}
	raw, err := os.ReadFile(s.Path)
	size := int64(len(raw))
	if s.info(t).IsDir() { // what sha256sum writes of its files
		raw, size = nil, 0
		entries, err := os.ReadDir(s.Path)
		require.NoError(t, err)
		for _, e := range entries {
			content, err := os.ReadFile(filepath.Join(s.Path, e.Name()))
			require.NoError(t, err)
			raw = fmt.Appendf(raw, "%x  %s\n", sha256.Sum256(content), e.Name())
			size += int64(len(content))
		}
	} else {
		require.NoError(t, err)
	}
	require.Equal(t, connectors.FileState{Path: s.Path, Size: size, SHA256: sha256.Sum256(raw)}, state)
}

// rewrite runs a rewrite that must succeed, asking decide about each row, and looks for left-over files.
func rewrite(t T, src connectors.Source, store Store, queries []connectors.Query,
	decide func(table string, row map[string]any) change) connectors.RewriteReport {
	t.Helper()
	files := store.files(t)
	report, err := src.(connectors.Rewriter).Rewrite(t.Context(), queries,
		func(b connectors.Batch) (connectors.Edit, error) {
			return editRows(t, b, func(row map[string]any) change { return decide(b.Table, row) }), nil
		}, verified)
	require.NoError(t, err)
	require.Equal(t, files, store.files(t), "files left over")
	store.requireState(t, report.After)
	return report
}

func testRewriteNothing(t T, h Harness) {
	tables := h.tables()
	src, store := openNew(t, h, tables)
	content, info := store.content(t), store.info(t)
	for name, decide := range map[string]func(connectors.Batch) (connectors.Edit, error){
		"no operations": func(connectors.Batch) (connectors.Edit, error) { return connectors.Edit{}, nil },
		"all left": func(b connectors.Batch) (connectors.Edit, error) {
			return editRows(t, b, func(map[string]any) change { return nil }), nil
		},
	} {
		report, err := src.(connectors.Rewriter).Rewrite(t.Context(), queriesFor(tables, pageRows), decide, verified)
		require.NoError(t, err)
		require.Equal(t, report.Before, report.After, name)
		store.requireState(t, report.After)
		require.Equal(t, content, store.content(t), name)
		if info != nil {
			require.True(t, os.SameFile(info, store.info(t)), name)
		}
		require.Len(t, report.Tables, len(tables))
	}
	requireStore(t, store, tables)
}

// testRewriteOne changes, then deletes, one row of each table that can, and looks at the bytes that differ.
func testRewriteOne(t T, h Harness) {
	for _, remove := range []bool{false, true} {
		tables := h.tables()
		src, store := openNew(t, h, tables)
		for name, fieldName := range map[string]string{"customer": "note", "shipment": "pos", "country": "name",
			oddName: "select", "stamped": "note"} {
			for _, nth := range []int{0, 1, len(tableNamed(t, tables, name).Rows) - 1} {
				table := tableNamed(t, tables, name)
				if nth >= len(table.Rows) {
					continue
				}
				target, _ := table.key(table.Rows[nth], table.Def.Key)
				row := slices.Clone(table.Rows[nth])
				before := store.content(t)
				want := with(tables, name, func(row []any) []any {
					if k, _ := table.key(row, table.Def.Key); k == target {
						row[table.column(fieldName)] = "changed"
						return without(row, remove)
					}
					return row
				})
				report := rewrite(t, src, store, []connectors.Query{{Table: name}},
					func(_ string, row map[string]any) change {
						if connectors.MakeKey([]byte(row[table.Def.Key[0]].(string))) != target {
							return nil
						}
						if remove {
							return change{}
						}
						return change{fieldName: "changed"}
					})
				require.NotEqual(t, report.Before.SHA256, report.After.SHA256)
				requireStore(t, store, want)
				size := 80 // what a statement of one row has around its values, besides their names
				for _, f := range table.Def.Fields {
					size += len(f.Name)
				}
				for _, v := range row {
					s, _ := v.(string)
					size += 4*len(s) + 8
				}
				requireSmallDifference(t, before, store.content(t), size)
				tables = want
				src = open(t, store)
			}
		}
	}
}

// requireSmallDifference fails if more than one stretch of at most size bytes differs.
func requireSmallDifference(t T, before, after []byte, size int) {
	t.Helper()
	prefix := 0
	for prefix < min(len(before), len(after)) && before[prefix] == after[prefix] {
		prefix++
	}
	suffix := 0
	for suffix < min(len(before), len(after))-prefix && before[len(before)-1-suffix] == after[len(after)-1-suffix] {
		suffix++
	}
	require.LessOrEqual(t, len(before)-prefix-suffix, size, "bytes of the old file that differ")
	require.LessOrEqual(t, len(after)-prefix-suffix, size, "bytes of the new file that differ")
}

func testRewriteAllRows(t T, h Harness) {
	for _, name := range []string{"customer", "keyless", oddName} {
		tables := h.tables()
		src, store := openNew(t, h, tables)
		rewrite(t, src, store, []connectors.Query{{Table: name}}, func(string, map[string]any) change {
			return change{}
		})
		requireStore(t, store, with(tables, name, func([]any) []any { return nil }))
		again := open(t, store)
		catalog, err := again.Tables(t.Context())
		require.NoError(t, err)
		require.True(t, slices.ContainsFunc(catalog, func(c connectors.Table) bool { return c.Name == name }),
			"the table itself stays")
	}
}

func testRewriteReport(t T, h Harness) {
	tables := h.tables()
	src, store := openNew(t, h, tables)
	report := rewrite(t, src, store, []connectors.Query{{Table: "shipment", MaxRows: pageRows}, {Table: "empty"},
		{Table: "customer"}}, func(table string, row map[string]any) change {
		switch {
		case table == "shipment" && row["order_id"] == "100":
			return change{}
		case table == "customer" && (row["id"] == "1" || row["id"] == "2"):
			return change{"email": nil, "note": "it's \\ \"new\" 😀"}
		case table == "customer" && row["id"] == "3":
			return change{}
		}
		return nil
	})
	require.Equal(t, []connectors.RewriteCount{{Table: "customer", Read: 11, Left: 8, Updated: 2, Deleted: 1},
		{Table: "empty"}, {Table: "shipment", Read: 7, Left: 3, Deleted: 4}}, report.Tables)
	want := with(tables, "shipment", func(row []any) []any { return without(row, row[1] == "100") })
	requireStore(t, store, with(want, "customer", func(row []any) []any {
		if row[0] == "1" || row[0] == "2" {
			row[2], row[3] = nil, "it's \\ \"new\" 😀"
		}
		return without(row, row[0] == "3")
	}))
}

func testRewriteQuery(t T, h Harness) {
	tables := h.tables("customer", "country")
	src, store := openNew(t, h, tables)
	var seen [][]any
	queries := []connectors.Query{{Table: "customer", Fields: []string{"note", "id"},
		Keys: keysOf("id", "3", "10", "11", "2", "0", "77"), MaxRows: pageRows}}
	_, err := src.(connectors.Rewriter).Rewrite(t.Context(), queries,
		func(b connectors.Batch) (connectors.Edit, error) {
			require.Equal(t, "customer", b.Table)
			require.LessOrEqual(t, b.Rows.NumRows(), int64(pageRows))
			require.LessOrEqual(t, len(seen), 22)
			seen = append(seen, copyBatch(t, b).rows...)
			return editRows(t, b, func(row map[string]any) change {
				if row["id"] == "10" {
					return change{}
				}
				return change{"email": nil}
			}), nil
		}, verified)
	require.NoError(t, err)
	asked := []any{"3", "10", "11", "2", "0"}
	var want [][]any
	for _, row := range tableNamed(t, tables, "customer").Rows {
		if slices.Contains(asked, row[0]) {
			want = append(want, []any{row[3], row[0]})
		}
	}
	requireRows(t, want, seen)
	requireStore(t, store, with(tables, "customer", func(row []any) []any {
		if slices.Contains(asked, row[0]) {
			row[2] = nil
		}
		return without(row, row[0] == "10")
	}))
}

func testRewriteReuse(t T, h Harness) {
	tables := h.tables("country")
	src, store := openNew(t, h, tables)
	_, err := src.(connectors.Rewriter).Rewrite(t.Context(), queriesFor(tables, 1), renamer(t, "name"), verified)
	require.NoError(t, err)
	requireStore(t, store, renamed(tables, "name"))
}

func testRewriteKinds(t T, h Harness) {
	tables := h.tables("kinds", "country")
	src, store := openNew(t, h, tables)
	kinds := tableNamed(t, tables, "kinds")
	next := map[any][]any{}
	for i, row := range kinds.Rows {
		next[row[0]] = kinds.Rows[(i+len(kinds.Rows)-1)%len(kinds.Rows)]
	}
	rewrite(t, src, store, []connectors.Query{{Table: "kinds", MaxRows: pageRows}},
		func(_ string, row map[string]any) change {
			c := change{}
			for i, f := range kinds.Def.Fields[1:] {
				c[f.Name] = next[row["id"]][i+1]
			}
			return c
		})
	requireStore(t, store, with(tables, "kinds", func(row []any) []any { return append(row[:1], next[row[0]][1:]...) }))
}

func testRewriteKeyless(t T, h Harness) {
	tables := h.tables("keyless", "country")
	src, store := openNew(t, h, tables)
	same := 0
	rewrite(t, src, store, []connectors.Query{{Table: "keyless", MaxRows: pageRows}},
		func(_ string, row map[string]any) change {
			switch row["a"] {
			case "same":
				if same++; same == 2 {
					return change{} // one of three equal rows
				}
			case nil:
				return change{"a": "was NULL"}
			}
			return nil
		})
	same = 0
	requireStore(t, store, with(tables, "keyless", func(row []any) []any {
		if row[0] == nil {
			row[0] = "was NULL"
		}
		if row[0] == "same" {
			same++
		}
		return without(row, row[0] == "same" && same == 2)
	}))
}

func testRewriteBig(t T, h Harness) {
	tables := []Table{bigTable()}
	src, store := openNew(t, h, tables)
	longest := 0
	_, err := src.(connectors.Rewriter).Rewrite(t.Context(), []connectors.Query{{Table: "big"}},
		func(b connectors.Batch) (connectors.Edit, error) {
			longest = max(longest, int(b.Rows.NumRows()))
			return editRows(t, b, func(row map[string]any) change {
				if row["id"] == "2" {
					return change{}
				}
				return nil
			}), nil
		}, verified)
	require.NoError(t, err)
	require.Less(t, longest, len(tables[0].Rows), "batches end at about 8 MB")
	again := open(t, store)
	var ids []any
	for b, err := range again.Scan(t.Context(), connectors.Query{Table: "big"}) {
		require.NoError(t, err)
		for _, row := range copyBatch(t, b).rows {
			ids = append(ids, row[0])
			i := slices.IndexFunc(tables[0].Rows, func(r []any) bool { return r[0] == row[0] })
			require.True(t, row[1] == tables[0].Rows[i][1], "row %v differs", row[0])
		}
		require.LessOrEqual(t, len(ids), 14)
	}
	require.Equal(t, []any{"0", "1", "3", "4", "5", "6"}, ids)
}

func removeThree(t T) connectors.EditFunc {
	return func(b connectors.Batch) (connectors.Edit, error) {
		return editRows(t, b, func(row map[string]any) change {
			if row["id"] == "3" {
				return change{}
			}
			return nil
		}), nil
	}
}

func testRewriteVerify(t T, h Harness) {
	tables := h.tables("customer", "country")
	src, store := openNew(t, h, tables)
	want := with(tables, "customer", func(row []any) []any { return without(row, row[0] == "3") })
	verifies := 0
	_, err := src.(connectors.Rewriter).Rewrite(t.Context(), queriesFor(tables[:1], 0), removeThree(t),
		func(written connectors.Source) error {
			verifies++
			requireSource(t, written, want)
			requireStore(t, store, tables)
			return nil
		})
	require.NoError(t, err)
	require.Equal(t, 1, verifies)
	requireStore(t, store, want)
}

// requireUntouched runs a rewrite that must fail and checks that it left no trace.
func requireUntouched(t T, store Store, tables []Table, fails func()) {
	content, info, files := store.content(t), store.info(t), store.files(t)
	fails()
	require.Equal(t, content, store.content(t))
	require.Equal(t, files, store.files(t), "files left over")
	if info != nil {
		require.True(t, os.SameFile(info, store.info(t)))
		require.Equal(t, info.ModTime(), store.info(t).ModTime())
	}
	requireStore(t, store, tables)
}

func testRewriteVerifyError(t T, h Harness) {
	tables := h.tables()
	src, store := openNew(t, h, tables)
	mine := errors.New("still there")
	requireUntouched(t, store, tables, func() {
		_, err := src.(connectors.Rewriter).Rewrite(t.Context(), queriesFor(h.tables("customer"), 0), removeThree(t),
			func(connectors.Source) error { return mine })
		require.ErrorIs(t, err, mine)
	})
}

func testRewriteEditError(t T, h Harness) {
	tables := h.tables()
	src, store := openNew(t, h, tables)
	mine := errors.New("edit says no")
	requireUntouched(t, store, tables, func() {
		calls := 0
		_, err := src.(connectors.Rewriter).Rewrite(t.Context(), queriesFor(h.tables("customer"), pageRows),
			func(b connectors.Batch) (connectors.Edit, error) {
				if calls++; calls == 3 {
					return connectors.Edit{}, mine
				}
				return removeThree(t)(b)
			}, func(connectors.Source) error {
				t.Error("verify called after an error from edit")
				return nil
			})
		require.ErrorIs(t, err, mine)
	})
}

func testRewriteCancel(t T, h Harness) {
	tables := h.tables()
	src, store := openNew(t, h, tables)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	requireUntouched(t, store, tables, func() {
		for range 2 { // cancelled while it runs, cancelled before
			_, err := src.(connectors.Rewriter).Rewrite(ctx, queriesFor(h.tables("customer"), pageRows),
				func(b connectors.Batch) (connectors.Edit, error) {
					cancel()
					return removeThree(t)(b)
				}, verified)
			require.ErrorIs(t, err, context.Canceled)
		}
	})
}

func testRewriteUnknown(t T, h Harness) {
	tables := h.tables("customer", "country")
	src, store := openNew(t, h, tables)
	requireUntouched(t, store, tables, func() {
		for _, q := range []connectors.Query{{Table: "nowhere"}, {Table: "country", Fields: []string{"nothing"}},
			{Table: "country", Keys: keysOf("nothing", "1")}} {
			_, err := src.(connectors.Rewriter).Rewrite(t.Context(), []connectors.Query{{Table: "customer"}, q},
				removeThree(t), verified)
			require.ErrorIs(t, err, connectors.ErrSchemaChanged, "%v", q)
		}
		_, err := src.(connectors.Rewriter).Rewrite(t.Context(), queriesFor(h.tables("customer"), 0),
			func(b connectors.Batch) (connectors.Edit, error) {
				return editRows(t, b, func(map[string]any) change { return change{"nothing": "x"} }), nil
			}, verified)
		require.ErrorIs(t, err, connectors.ErrSchemaChanged, "a field that edit sets")
	})
}
