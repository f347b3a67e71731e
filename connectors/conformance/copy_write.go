package conformance

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"lethe/connectors"
	"lethe/connectors/conformance/require"
)

func testCopyWrite(t T, h Harness) {
	k, src, store, of := keeper(t, h, h.tables("customer"))
	made := ensure(t, k, copyOf(of))
	write(t, k, made, nil)
	write(t, k, made, nil, copyKey("1", "mail"))
	requireCopy(t, src, made, nil)
	write(t, k, made, [][]any{{"1", "mail", "yes", nil}, {"1", "phone", "no", past}, {"2", "mail", "yes", future},
		{"-9223372036854775808", "mail", "a\\'b", nil}})
	write(t, k, made, [][]any{{"1", "mail", "no", past}, {"2", "mail", "", nil}, {"3", "Mail", "new", future},
		{"3", "mail", "other", nil}, {"3", "Mail", "newer", nil}},
		copyKey("1", "phone"), copyKey("77", "mail"), copyKey("2", "phone"))
	want := [][]any{{"1", "mail", "no", past}, {"2", "mail", "", nil}, {"-9223372036854775808", "mail", "a\\'b", nil},
		{"3", "Mail", "newer", nil}, {"3", "mail", "other", nil}}
	requireCopy(t, src, made, want)
	write(t, k, made, [][]any{{"3", "mail", "yes", nil}, {"4", "mail", "yes", nil}}, copyKey("4", "mail"),
		copyKey("1", "mail"), copyKey("1", "mail"))
	want = [][]any{{"2", "mail", "", nil}, {"-9223372036854775808", "mail", "a\\'b", nil}, {"3", "Mail", "newer", nil},
		{"3", "mail", "yes", nil}}
	requireCopy(t, open(t, store), made, want)
	requireSource(t, src, h.tables("customer"))

	err := k.WriteCopy(t.Context(), made, record(t, of, [][]any{{"1", "a", "b", "c"}}), nil)
	require.ErrorIs(t, err, connectors.ErrSchemaChanged, "columns that are not the copy's")
	require.NoError(t, k.DropCopy(t.Context(), made.Name))
	require.ErrorIs(t, k.WriteCopy(t.Context(), made, nil, []connectors.Key{copyKey("1", "mail")}),
		connectors.ErrSchemaChanged)
}

func testCopyRefused(t T, h Harness) {
	k, src, _, of := keeper(t, h, h.tables("customer"))
	made := ensure(t, k, copyOf(of))
	want := [][]any{{"1", "mail", "yes", nil}, {"2", "mail", "ünïcödé8", nil}}
	write(t, k, made, want)
	good := make([][]any, 1500) // more than an engine should put into one statement
	for i := range good {
		good[i] = []any{strconv.Itoa(i), "mail", "new", nil}
	}
	for name, bad := range map[string][]any{
		"a text that is too long": {"9", "mail", "nine char", nil},
		"a key that is too long":  {"9", strings.Repeat("m", 11), "yes", nil},
		"NULL":                    {"9", "mail", nil, nil},
		"NULL in the key":         {nil, "mail", "yes", nil},
	} {
		rows := slices.Concat(good, [][]any{bad})
		err := k.WriteCopy(t.Context(), made, record(t, made, rows), []connectors.Key{copyKey("2", "mail")})
		require.ErrorIs(t, err, connectors.ErrRefused, name)
		require.NotContains(t, err.Error(), "nine", "no value stands in an error")
		requireCopy(t, src, made, want)
	}
}

// keyTables have keys of types that the suite's other tables lack.
func (h Harness) keyTables() []Table {
	key := func(name, typ string, kind connectors.Kind, values ...string) Table {
		t := Table{Def: connectors.Table{Name: name, Key: []string{"k"},
			Fields: []connectors.Field{nullable("note", "varchar(20)", connectors.Text), field("k", typ, kind)}}}
		for i, v := range values {
			t.Rows = append(t.Rows, []any{strconv.Itoa(i), v})
		}
		return t
	}
	return []Table{
		key("by_binary", "varbinary(16)", connectors.Binary, "\x01", "\x01\x00", "\x01\x00\x00", "A", "a", "a ",
			"\xff\xfe'\\"),
		key("by_unsigned", "bigint unsigned", connectors.Integer, "0", "9", "10", "9223372036854775807"),
		key("by_decimal", "decimal(20,4)", connectors.Decimal, "-1.5000", "0.0000", "1.0000", "123456789.1234"),
		key("by_date", "date", connectors.Date, "1999-12-31", "2024-02-29"),
		key("by_moment", "datetime", connectors.Timestamp, "1999-12-31 23:59:59", "2024-02-29 00:00:00"),
	}
}

func testCopyKeys(t T, h Harness) {
	tables := append(h.tables(), h.keyTables()...)
	src, _ := openNew(t, h, tables)
	k := src.(connectors.CopyKeeper)
	catalog := catalogued(t, src)
	for _, table := range tables {
		of := catalog[table.Def.Name]
		if len(of.Key) == 0 || len(table.Rows) == 0 {
			continue
		}
		made := ensure(t, k, copyOf(of))
		var rows [][]any
		var gone []connectors.Key
		keys := &connectors.Keys{Fields: of.Key}
		for i, row := range table.Rows {
			var values []any
			for _, f := range of.Key {
				values = append(values, row[table.column(f)])
			}
			for _, purpose := range []string{"mail", "phone"} {
				rows = append(rows, append(slices.Clone(values), purpose, fmt.Sprint(i), nil))
			}
			key, _ := table.key(row, of.Key)
			keys.Tuples = append(keys.Tuples, key)
			gone = append(gone, key+copyKey("phone"))
		}
		write(t, k, made, rows)
		requireCopy(t, src, made, rows)
		write(t, k, made, rows, gone...)
		var left [][]any
		for i, row := range rows {
			if i%2 == 0 {
				left = append(left, row)
			}
		}
		requireCopy(t, src, made, left)
		half := *keys
		half.Tuples = half.Tuples[:(len(keys.Tuples)+1)/2]
		got := rowsOf(scan(t, src, tables, connectors.Query{Table: made.Name, Keys: &half}), made.Name)
		requireRows(t, left[:len(half.Tuples)], got, "copy of %s by the keys of its table", of.Name)
	}
	requireSource(t, src, tables)
}

func testCopyCollation(t T, h Harness) {
	tables := h.tables("collated")
	k, src, store, of := keeper(t, h, tables)
	c := copyOf(of)
	c.Views = []connectors.CopyView{{Name: c.Name + "_v", Fields: of.Key}}
	made := ensure(t, k, c)
	for _, word := range []string{"a", "A", "a ", "á", "b", "straße", "STRASSE"} {
		write(t, k, made, [][]any{{"a", "mail", "old", nil}, {word, "mail", "new", nil}})
		want := [][]any{{word, "mail", "new", nil}}
		if !h.sameKey(word, "a") {
			want = append(want, []any{"a", "mail", "old", nil})
		}
		requireCopy(t, src, made, want)
		var shown [][]any
		for _, row := range tables[0].Rows {
			if stored := row[0].(string); h.sameKey(stored, word) || h.sameKey(stored, "a") {
				shown = append(shown, row[:1])
			}
		}
		requireView(t, store, c.Name+"_v", of.Key, shown)
		write(t, k, made, nil, copyKey("A", "mail"))
		if h.sameKey("a", "A") {
			want = slices.DeleteFunc(want, func(row []any) bool { return h.sameKey(row[0].(string), "a") })
		} else {
			want = slices.DeleteFunc(want, func(row []any) bool { return row[0] == "A" })
		}
		requireCopy(t, src, made, want)
		write(t, k, made, nil, copyKey("a", "mail"), copyKey(word, "mail"))
		requireCopy(t, src, made, nil)
	}
}

func testCopyScan(t T, h Harness) {
	tables := h.tables("customer", "order", "line item")
	k, src, store, _ := keeper(t, h, tables)
	made := ensure(t, k, copyOf(catalogued(t, src)["line item"]))
	var rows [][]any
	for _, row := range tableNamed(t, tables, "line item").Rows {
		for _, purpose := range []string{"mail", "phone", "post"} {
			rows = append(rows, []any{row[1], row[2], purpose, "yes", nil})
		}
	}
	write(t, k, made, rows)
	stored := Table{Def: made, Rows: rows}
	pages := scan(t, src, []Table{stored}, connectors.Query{Table: made.Name, MaxRows: pageRows})
	require.Greater(t, len(pages), 5)
	requireRows(t, rows, rowsOf(pages, made.Name))
	for i, p := range pages {
		rest := scan(t, open(t, store), []Table{stored}, connectors.Query{Table: made.Name, MaxRows: pageRows,
			After: p.next})
		require.Equal(t, rowsOf(pages[i+1:], made.Name), rowsOf(rest, made.Name), "after page %d", i+1)
	}
	requireKeys(t, src, []Table{stored}, made.Name,
		&connectors.Keys{Fields: made.Key, Tuples: []connectors.Key{copyKey("100", "1", "mail"),
			copyKey("104", "1", "post"), copyKey("104", "2", "post")}})
}

func testCopyTogether(t T, h Harness) {
	k, src, store, of := keeper(t, h, h.tables("customer"))
	made := ensure(t, k, copyOf(of))
	rows := make([][]any, 400)
	for i := range rows {
		rows[i] = []any{strconv.Itoa(i), "mail", "", nil}
	}
	var g errgroup.Group
	for writer := range 3 {
		other := open(t, store).(connectors.CopyKeeper)
		mine := make([][]any, len(rows))
		for i, row := range rows {
			mine[i] = append(slices.Clone(row[:2]), strconv.Itoa(writer), nil)
		}
		if writer == 1 {
			slices.Reverse(mine)
		}
		batch := record(t, made, mine)
		gone := []connectors.Key{copyKey("7", "mail"), copyKey("300", "mail")}
		g.Go(func() error {
			if _, err := other.EnsureCopy(t.Context(), copyOf(of)); err != nil {
				return err
			}
			for range 5 {
				for tries := 1; ; tries++ {
					err := other.WriteCopy(t.Context(), made, batch, gone)
					if err == nil {
						break
					}
					if !errors.Is(err, connectors.ErrTransient) || tries == 50 {
						return err
					}
				}
			}
			return nil
		})
	}
	require.NoError(t, g.Wait())
	found := rowsOf(scan(t, src, []Table{{Rows: rows}}, connectors.Query{Table: made.Name}), made.Name)
	seen := map[any]bool{}
	for _, row := range found {
		require.False(t, seen[row[0]], "one row a key")
		seen[row[0]] = true
		require.Equal(t, found[0][2], row[2], "a transaction is whole")
	}
	require.Len(t, found, len(rows)-2)
}
