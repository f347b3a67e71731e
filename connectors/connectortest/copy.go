package connectortest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"lethe/connectors"
)

func copyTests() []subtest {
	return []subtest{
		{"a copy has the key of the application's table as it is declared there then its own fields", testCopyFields},
		{"what is only checked is not made", testCopyChecked},
		{"what is as it should be is not touched", testCopyTwice},
		{"a table that is no copy is left alone", testCopyTaken},
		{"a copy of another table or with other fields is left alone", testCopyOther},
		{"a copy that cannot be made is ErrConfig", testCopyImpossible},
		{"rows takes the place of those with the same key or is added then gone is removed", testCopyWrite},
		{"if the engine refuses a row nothing is changed", testCopyRefused},
		{"keys of every kind are written as they are read", testCopyKeys},
		{"keys are compared as the application's table compares them", testCopyCollation},
		{"a copy is scanned like any table", testCopyScan},
		{"two sources that write the same rows end with one row a key", testCopyTogether},
		{"a view shows the rows whose copy fulfils its conditions and is not past", testCopyView},
		{"a view shows a row once however many of the copy fulfil its conditions", testCopyViewOnce},
		{"views are among the views and not among the tables", testCopyViewer},
		{"views that are no longer named are dropped and changed ones replaced", testCopyViewsChange},
		{"a view that does not belong to the copy is left alone", testCopyViewTaken},
		{"dropping a copy removes its table and views and asking twice does no harm", testCopyDrop},
	}
}

const (
	past   = "2001-02-03 04:05:06"
	future = "9999-12-31 23:59:59"
)

// copyOf says what the suite's copies hold: for each row of a table and each purpose how it stands and until when.
func copyOf(of connectors.Table, views ...connectors.CopyView) connectors.Copy {
	return connectors.Copy{Name: "lethe_app_" + of.Name, Of: of, Key: []string{"purpose"}, Views: views, Fields: []connectors.Field{
		{Name: "purpose", Kind: connectors.Text, Length: 10}, {Name: "status", Kind: connectors.Text, Length: 8}, {Name: "ends", Kind: connectors.Timestamp, Nullable: true}}}
}

// keeper opens a store with some of the suite's tables and returns the catalog's entry of the first.
func keeper(t *testing.T, h Harness, tables []Table) (connectors.CopyKeeper, connectors.Source, Store, connectors.Table) {
	src, store := openNew(t, h, tables)
	k, ok := src.(connectors.CopyKeeper)
	require.True(t, ok)
	of, ok := catalogued(t, src)[tables[0].Def.Name]
	require.True(t, ok)
	return k, src, store, of
}

func catalogued(t *testing.T, src connectors.Source) map[string]connectors.Table {
	tables, err := src.Tables(t.Context())
	require.NoError(t, err)
	byName := map[string]connectors.Table{}
	for _, table := range tables {
		table.Rows = 0 // an estimate
		byName[table.Name] = table
	}
	return byName
}

// ensure makes a copy that was said to be possible.
func ensure(t *testing.T, k connectors.CopyKeeper, c connectors.Copy) connectors.Table {
	t.Helper()
	require.NoError(t, k.CheckCopy(t.Context(), c))
	table, err := k.EnsureCopy(t.Context(), c)
	require.NoError(t, err)
	table.Rows = 0
	return table
}

// refusal is why a copy is not made, which is known beforehand.
func refusal(t *testing.T, k connectors.CopyKeeper, c connectors.Copy) error {
	t.Helper()
	_, err := k.EnsureCopy(t.Context(), c)
	require.Error(t, err)
	require.EqualError(t, k.CheckCopy(t.Context(), c), err.Error())
	return err
}

// record makes the rows of a copy; nil is NULL.
func record(t *testing.T, table connectors.Table, rows [][]any) arrow.Record {
	if len(rows) == 0 {
		return nil
	}
	b, err := connectors.NewBuilder(table, nil)
	require.NoError(t, err)
	for _, row := range rows {
		require.Len(t, row, len(table.Fields))
		for i, v := range row {
			if s, ok := v.(string); ok {
				b.Append(i, []byte(s))
			} else {
				b.AppendNull(i)
			}
		}
		b.EndRow()
	}
	return b.Batch("").Rows
}

func write(t *testing.T, k connectors.CopyKeeper, table connectors.Table, rows [][]any, gone ...connectors.Key) {
	t.Helper()
	require.NoError(t, k.WriteCopy(t.Context(), table, record(t, table, rows), gone))
}

func copyKey(values ...string) connectors.Key {
	var parts [][]byte
	for _, v := range values {
		parts = append(parts, []byte(v))
	}
	return connectors.MakeKey(parts...)
}

// requireCopy checks that a copy holds the rows and nothing else.
func requireCopy(t *testing.T, src connectors.Source, table connectors.Table, want [][]any) {
	t.Helper()
	requireRows(t, want, rowsOf(scan(t, src, []Table{{Rows: want}}, connectors.Query{Table: table.Name}), table.Name), "copy %s", table.Name)
}

func requireRefused(t *testing.T, err error) {
	t.Helper()
	require.ErrorIs(t, err, connectors.ErrRefused)
	var placed *connectors.Error
	require.ErrorAs(t, err, &placed)
	require.NotEmpty(t, placed.Source)
	require.NotEmpty(t, placed.Hint)
	require.NotEmpty(t, placed.Table)
}

func testCopyFields(t *testing.T, h Harness) {
	tables := append(h.tables(), h.keyTables()...)
	src, _ := openNew(t, h, tables)
	before := catalogued(t, src)
	for _, table := range tables {
		of := before[table.Def.Name]
		c := copyOf(of)
		if len(of.Key) == 0 {
			_, err := src.(connectors.CopyKeeper).EnsureCopy(t.Context(), c)
			require.ErrorIs(t, err, errors.ErrUnsupported)
			continue
		}
		made := ensure(t, src.(connectors.CopyKeeper), c)
		require.Equal(t, c.Name, made.Name)
		require.Equal(t, of.Database, made.Database)
		require.Equal(t, slices.Concat(of.Key, c.Key), made.Key)
		require.Empty(t, made.Unique)
		require.Empty(t, made.ForeignKeys)
		require.Len(t, made.Fields, len(of.Key)+len(c.Fields))
		for i, name := range of.Key {
			want, _ := of.Field(name)
			want.AutoUpdate = false
			require.Equal(t, want, made.Fields[i], "copy of %s", of.Name)
		}
		for i, want := range c.Fields {
			got := made.Fields[len(of.Key)+i]
			require.NotEmpty(t, got.Type)
			got.Type = ""
			require.Equal(t, want, got, "copy of %s", of.Name)
		}
		after := catalogued(t, src)
		require.Equal(t, made, after[c.Name], "the table is that of the catalog")
		delete(after, c.Name)
		require.Equal(t, before, after, "no other table is touched")
		require.NoError(t, src.(connectors.CopyKeeper).DropCopy(t.Context(), c.Name))
	}
	requireSource(t, src, tables)
}

// testCopyChecked looks whether a copy can be made, and finds nothing made.
func testCopyChecked(t *testing.T, h Harness) {
	tables := h.tables("customer")
	k, src, _, of := keeper(t, h, tables)
	c := copyOf(of)
	c.Views = []connectors.CopyView{{Name: c.Name + "_mail", Fields: []string{"id"}, Where: map[string]string{"purpose": "mail"}}}
	require.NoError(t, k.CheckCopy(t.Context(), c))
	require.Len(t, catalogued(t, src), 1)
	require.Empty(t, viewNames(t, src))
	requireSource(t, src, tables)
	made := ensure(t, k, c)
	write(t, k, made, [][]any{{"1", "mail", "yes", nil}})
	c.Views = append(c.Views, connectors.CopyView{Name: c.Name + "_all", Fields: []string{"id"}})
	require.NoError(t, k.CheckCopy(t.Context(), c))
	require.Equal(t, []string{c.Name + "_mail"}, viewNames(t, src))
	requireCopy(t, src, made, [][]any{{"1", "mail", "yes", nil}})
}

func testCopyTwice(t *testing.T, h Harness) {
	k, src, store, of := keeper(t, h, h.tables("customer"))
	c := copyOf(of)
	c.Views = []connectors.CopyView{{Name: c.Name + "_all", Fields: []string{"id"}, Until: "ends"}}
	first := ensure(t, k, c)
	write(t, k, first, [][]any{{"1", "mail", "yes", nil}})
	require.Equal(t, first, ensure(t, k, c))
	again := open(t, store)
	require.Equal(t, first, ensure(t, again.(connectors.CopyKeeper), c), "another session")
	requireCopy(t, src, first, [][]any{{"1", "mail", "yes", nil}})
	requireView(t, store, c.Name+"_all", []string{"id"}, [][]any{{"1"}})
}

func testCopyTaken(t *testing.T, h Harness) {
	tables := h.tables("customer", "empty")
	k, src, _, of := keeper(t, h, tables)
	c := copyOf(of)
	for _, name := range []string{"empty", "customer"} {
		c.Name = name
		err := refusal(t, k, c)
		requireRefused(t, err)
		requireRefused(t, k.DropCopy(t.Context(), name))
		table := catalogued(t, src)[name]
		row := []any{"1"}
		for range table.Fields[1:] {
			row = append(row, nil)
		}
		requireRefused(t, k.WriteCopy(t.Context(), table, record(t, table, [][]any{row}), []connectors.Key{copyKey("2")}))
	}
	require.Len(t, catalogued(t, src), 2)
	requireSource(t, src, tables)
}

func testCopyOther(t *testing.T, h Harness) {
	k, src, _, of := keeper(t, h, h.tables("customer", "staff"))
	c := copyOf(of)
	made := ensure(t, k, c)
	write(t, k, made, [][]any{{"1", "mail", "yes", nil}})
	for name, change := range map[string]func(*connectors.Copy){
		"another length":      func(c *connectors.Copy) { c.Fields[1].Length = 9 },
		"another nullability": func(c *connectors.Copy) { c.Fields[1].Nullable = true },
		"another kind":        func(c *connectors.Copy) { c.Fields[1].Kind, c.Fields[1].Length = connectors.Date, 0 },
		"another name":        func(c *connectors.Copy) { c.Fields[1].Name = "state" },
		"a field more":        func(c *connectors.Copy) { c.Fields = append(c.Fields, c.Fields[1]); c.Fields[3].Name = "more" },
		"a field less":        func(c *connectors.Copy) { c.Fields = c.Fields[:2] },
		"another order":       func(c *connectors.Copy) { c.Fields[1], c.Fields[2] = c.Fields[2], c.Fields[1] },
		"another key":         func(c *connectors.Copy) { c.Key = []string{"purpose", "status"} },
		"another table":       func(c *connectors.Copy) { c.Of = catalogued(t, src)["staff"] },
	} {
		other := c
		other.Fields = slices.Clone(c.Fields)
		change(&other)
		err := refusal(t, k, other)
		require.Error(t, err, name)
		requireRefused(t, err)
		if name == "another table" {
			require.NotErrorIs(t, err, connectors.ErrOutdated, name)
		} else {
			require.ErrorIs(t, err, connectors.ErrOutdated, name)
		}
	}
	require.Equal(t, made, ensure(t, k, c))
	requireCopy(t, src, made, [][]any{{"1", "mail", "yes", nil}})
	c.Key = []string{"purpose", "status"}
	require.NoError(t, k.DropCopy(t.Context(), c.Name))
	require.Equal(t, append(slices.Clone(of.Key), "purpose", "status"), ensure(t, k, c).Key)
}

func testCopyImpossible(t *testing.T, h Harness) {
	tables := h.tables("customer")
	k, src, _, of := keeper(t, h, tables)
	for name, change := range map[string]func(*connectors.Copy){
		"no name":             func(c *connectors.Copy) { c.Name, c.Views = "", nil },
		"a name with NUL":     func(c *connectors.Copy) { c.Name, c.Views = "lethe_\x00", nil },
		"a number":            func(c *connectors.Copy) { c.Fields[1].Kind = connectors.Integer },
		"a text of no length": func(c *connectors.Copy) { c.Fields[1].Length = 0 },
		"a field twice":       func(c *connectors.Copy) { c.Fields[1].Name = "PURPOSE" },
		"a field of the key":  func(c *connectors.Copy) { c.Fields[1].Name = "ID" },
		"a key that is none":  func(c *connectors.Copy) { c.Key = []string{"intent"} },
		"a key with NULL":     func(c *connectors.Copy) { c.Key = []string{"ends"} },
		"a view's name":       func(c *connectors.Copy) { c.Views[0].Name = "customers" },
		"a view without one":  func(c *connectors.Copy) { c.Views[0].Name = c.Name + "_" },
		"a view twice":        func(c *connectors.Copy) { c.Views = append(c.Views, c.Views[0]) },
		"a view of nothing":   func(c *connectors.Copy) { c.Views[0].Fields = nil },
		"a field shown twice": func(c *connectors.Copy) { c.Views[0].Fields = []string{"id", "id"} },
		"an unknown field":    func(c *connectors.Copy) { c.Views[0].Where = map[string]string{"email": "x"} },
		"an unknown end":      func(c *connectors.Copy) { c.Views[0].Until = "status" },
	} {
		c := copyOf(of, connectors.CopyView{Fields: []string{"id"}, Until: "ends"})
		c.Views[0].Name = c.Name + "_v"
		change(&c)
		err := refusal(t, k, c)
		require.ErrorIs(t, err, connectors.ErrConfig, name)
	}
	c := copyOf(of, connectors.CopyView{Name: "lethe_app_customer_v", Fields: []string{"nothing"}})
	err := refusal(t, k, c)
	require.ErrorIs(t, err, connectors.ErrSchemaChanged)
	c = copyOf(of)
	c.Of.Name = "nowhere"
	err = refusal(t, k, c)
	require.ErrorIs(t, err, connectors.ErrSchemaChanged)
	require.Len(t, catalogued(t, src), 1, "nothing is made")
	requireSource(t, src, tables)
}

func testCopyWrite(t *testing.T, h Harness) {
	k, src, store, of := keeper(t, h, h.tables("customer"))
	made := ensure(t, k, copyOf(of))
	write(t, k, made, nil)
	write(t, k, made, nil, copyKey("1", "mail"))
	requireCopy(t, src, made, nil)
	write(t, k, made, [][]any{{"1", "mail", "yes", nil}, {"1", "phone", "no", past}, {"2", "mail", "yes", future}, {"-9223372036854775808", "mail", "a\\'b", nil}})
	write(t, k, made, [][]any{{"1", "mail", "no", past}, {"2", "mail", "", nil}, {"3", "Mail", "new", future}, {"3", "mail", "other", nil}, {"3", "Mail", "newer", nil}},
		copyKey("1", "phone"), copyKey("77", "mail"), copyKey("2", "phone"))
	want := [][]any{{"1", "mail", "no", past}, {"2", "mail", "", nil}, {"-9223372036854775808", "mail", "a\\'b", nil}, {"3", "Mail", "newer", nil}, {"3", "mail", "other", nil}}
	requireCopy(t, src, made, want)
	write(t, k, made, [][]any{{"3", "mail", "yes", nil}, {"4", "mail", "yes", nil}}, copyKey("4", "mail"), copyKey("1", "mail"), copyKey("1", "mail"))
	want = [][]any{{"2", "mail", "", nil}, {"-9223372036854775808", "mail", "a\\'b", nil}, {"3", "Mail", "newer", nil}, {"3", "mail", "yes", nil}}
	requireCopy(t, open(t, store), made, want)
	requireSource(t, src, h.tables("customer"))

	err := k.WriteCopy(t.Context(), made, record(t, of, [][]any{{"1", "a", "b", "c"}}), nil)
	require.ErrorIs(t, err, connectors.ErrSchemaChanged, "columns that are not the copy's")
	require.NoError(t, k.DropCopy(t.Context(), made.Name))
	require.ErrorIs(t, k.WriteCopy(t.Context(), made, nil, []connectors.Key{copyKey("1", "mail")}), connectors.ErrSchemaChanged)
}

func testCopyRefused(t *testing.T, h Harness) {
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
		t := Table{Def: connectors.Table{Name: name, Key: []string{"k"}, Fields: []connectors.Field{nullable("note", "varchar(20)", connectors.Text), field("k", typ, kind)}}}
		for i, v := range values {
			t.Rows = append(t.Rows, []any{strconv.Itoa(i), v})
		}
		return t
	}
	return []Table{
		key("by_binary", "varbinary(16)", connectors.Binary, "\x01", "\x01\x00", "\x01\x00\x00", "A", "a", "a ", "\xff\xfe'\\"),
		key("by_unsigned", "bigint unsigned", connectors.Integer, "0", "9", "10", "9223372036854775807"),
		key("by_decimal", "decimal(20,4)", connectors.Decimal, "-1.5000", "0.0000", "1.0000", "123456789.1234"),
		key("by_date", "date", connectors.Date, "1999-12-31", "2024-02-29"),
		key("by_moment", "datetime", connectors.Timestamp, "1999-12-31 23:59:59", "2024-02-29 00:00:00"),
	}
}

func testCopyKeys(t *testing.T, h Harness) {
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

func testCopyCollation(t *testing.T, h Harness) {
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

func testCopyScan(t *testing.T, h Harness) {
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
		rest := scan(t, open(t, store), []Table{stored}, connectors.Query{Table: made.Name, MaxRows: pageRows, After: p.next})
		require.Equal(t, rowsOf(pages[i+1:], made.Name), rowsOf(rest, made.Name), "after page %d", i+1)
	}
	requireKeys(t, src, []Table{stored}, made.Name, &connectors.Keys{Fields: made.Key, Tuples: []connectors.Key{copyKey("100", "1", "mail"), copyKey("104", "1", "post"), copyKey("104", "2", "post")}})
}

func testCopyTogether(t *testing.T, h Harness) {
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

// requireView checks what a view shows: its fields in order, and its rows.
func requireView(t *testing.T, store Store, name string, fields []string, want [][]any) {
	t.Helper()
	gotFields, got := store.View(t, name)
	require.Equal(t, fields, gotFields, "fields of view %s", name)
	requireRows(t, want, got, "view %s", name)
}

func testCopyView(t *testing.T, h Harness) {
	tables := append(h.tables("customer"), h.tables(oddName)...)
	k, src, store, of := keeper(t, h, tables)
	now := time.Now().UTC()
	justNow, soon := now.Add(-time.Minute).Format(time.DateTime), now.Add(30*time.Minute).Format(time.DateTime)
	c := copyOf(of)
	where := map[string]string{"purpose": "it's \\ \"", "status": "yes"}
	c.Views = []connectors.CopyView{
		{Name: c.Name + "_until", Fields: []string{"note", "id"}, Where: where, Until: "ends"},
		{Name: c.Name + "_ever", Fields: []string{"id"}, Where: where},
		{Name: c.Name + "_any", Fields: []string{"email", "id", "name"}},
	}
	made := ensure(t, k, c)
	purpose := where["purpose"]
	write(t, k, made, [][]any{
		{"0", purpose, "yes", nil}, {"1", purpose, "yes", justNow}, {"2", purpose, "yes", soon}, {"3", purpose, "yes", future}, {"10", purpose, "no", nil},
		{"11", "mail", "yes", nil}, {"12", purpose, "YES", nil}, {"12345", purpose, "yes", nil}, {"9223372036854775807", purpose, "yes", future},
	})
	rowsByID := map[any][]any{}
	for _, row := range tables[0].Rows {
		rowsByID[row[0]] = row
	}
	show := func(ids []string, columns ...int) (rows [][]any) {
		for _, id := range ids {
			var row []any
			for _, c := range columns {
				row = append(row, rowsByID[id][c])
			}
			rows = append(rows, row)
		}
		return rows
	}
	until, ever := []string{"0", "2", "3", "9223372036854775807"}, []string{"0", "1", "2", "3", "9223372036854775807"}
	fields := tables[0].fieldNames()
	require.Equal(t, []string{"id", "name", "email", "note"}, fields)
	every := []string{"0", "1", "2", "3", "10", "11", "12", "9223372036854775807"}
	requireView(t, store, c.Name+"_until", []string{"note", "id"}, show(until, 3, 0))
	requireView(t, store, c.Name+"_ever", []string{"id"}, show(ever, 0))
	requireView(t, store, c.Name+"_any", []string{"email", "id", "name"}, show(every, 2, 0, 1))

	odd := copyOf(catalogued(t, src)[oddName])
	odd.Fields[0].Name, odd.Key = "sel`e'c\"t", []string{"sel`e'c\"t"}
	odd.Views = []connectors.CopyView{{Name: odd.Name + "_o`d'd\"", Fields: []string{"with space", "select", "k`e\"y"}, Where: map[string]string{"sel`e'c\"t": "group"}, Until: "ends"}}
	write(t, k, ensure(t, k, odd), [][]any{{"1", "group", "yes", nil}, {"2", "group", "no", past}, {"3", "order", "no", nil}, {"4", "group", "no", future}})
	requireView(t, store, odd.Views[0].Name, odd.Views[0].Fields, [][]any{{"eins", "one", "1"}, {"vier", "four", "4"}})
	write(t, k, ensure(t, k, odd), nil, copyKey("1", "group"))
	requireView(t, store, odd.Views[0].Name, odd.Views[0].Fields, [][]any{{"vier", "four", "4"}})
}

func testCopyViewOnce(t *testing.T, h Harness) {
	k, _, store, of := keeper(t, h, h.tables("staff"))
	c := copyOf(of)
	c.Views = []connectors.CopyView{{Name: c.Name + "_v", Fields: []string{"id"}, Where: map[string]string{"status": "yes"}, Until: "ends"}}
	write(t, k, ensure(t, k, c), [][]any{{"1", "mail", "yes", nil}, {"1", "phone", "yes", future}, {"2", "mail", "no", nil}, {"2", "phone", "yes", past}, {"3", "mail", "no", nil}, {"3", "phone", "yes", nil}})
	requireView(t, store, c.Name+"_v", []string{"id"}, [][]any{{"1"}, {"3"}})
}

func viewNames(t *testing.T, src connectors.Source) []string {
	views, err := src.(connectors.Viewer).Views(t.Context())
	require.NoError(t, err)
	var names []string
	for _, v := range views {
		names = append(names, v.Name)
	}
	return names
}

func testCopyViewer(t *testing.T, h Harness) {
	k, src, _, of := keeper(t, h, h.tables("customer"))
	require.Implements(t, (*connectors.Viewer)(nil), src)
	c := copyOf(of)
	c.Views = []connectors.CopyView{{Name: c.Name + "_b", Fields: []string{"id"}}, {Name: c.Name + "_a", Fields: []string{"id"}}}
	ensure(t, k, c)
	views, err := src.(connectors.Viewer).Views(t.Context())
	require.NoError(t, err)
	both := []string{"customer", c.Name}
	require.Equal(t, []connectors.View{{Name: c.Name + "_a", Tables: both}, {Name: c.Name + "_b", Tables: both}}, views)
	require.Len(t, catalogued(t, src), 2)
}

func testCopyViewsChange(t *testing.T, h Harness) {
	k, src, store, of := keeper(t, h, h.tables("customer"))
	c := copyOf(of)
	longer := copyOf(of) // its name begins as one of a view of c would
	longer.Name = c.Name + "_more"
	longer.Views = []connectors.CopyView{{Name: longer.Name + "_v", Fields: []string{"id"}}}
	write(t, k, ensure(t, k, longer), [][]any{{"3", "mail", "yes", nil}})
	view := func(suffix, status string, fields ...string) connectors.CopyView {
		return connectors.CopyView{Name: c.Name + suffix, Fields: fields, Where: map[string]string{"status": status}}
	}
	c.Views = []connectors.CopyView{view("_a", "yes", "id"), view("_b", "no", "id")}
	made := ensure(t, k, c)
	write(t, k, made, [][]any{{"1", "mail", "yes", nil}, {"2", "mail", "no", past}})
	requireView(t, store, c.Name+"_a", []string{"id"}, [][]any{{"1"}})
	requireView(t, store, c.Name+"_b", []string{"id"}, [][]any{{"2"}})
	require.Equal(t, []string{c.Name + "_a", c.Name + "_b", longer.Name + "_v"}, viewNames(t, src))

	c.Views = []connectors.CopyView{view("_b", "yes", "name", "id"), view("_c", "no", "id")}
	c.Views[1].Until = "ends"
	require.Equal(t, made, ensure(t, open(t, store).(connectors.CopyKeeper), c))
	requireView(t, store, c.Name+"_b", []string{"name", "id"}, [][]any{{"Ann", "1"}})
	requireView(t, store, c.Name+"_c", []string{"id"}, nil)
	require.Equal(t, []string{c.Name + "_b", c.Name + "_c", longer.Name + "_v"}, viewNames(t, src))

	c.Views = nil
	ensure(t, k, c)
	require.Equal(t, []string{longer.Name + "_v"}, viewNames(t, src))
	require.NoError(t, k.DropCopy(t.Context(), c.Name))
	requireView(t, store, longer.Name+"_v", []string{"id"}, [][]any{{"3"}})
}

func testCopyViewTaken(t *testing.T, h Harness) {
	k, src, store, of := keeper(t, h, h.tables("customer"))
	c := copyOf(of)
	longer := copyOf(of)
	longer.Name = c.Name + "_more"
	longer.Views = []connectors.CopyView{{Name: longer.Name + "_v", Fields: []string{"id"}}}
	write(t, k, ensure(t, k, longer), [][]any{{"3", "mail", "yes", nil}})
	for _, taken := range []string{longer.Name, longer.Name + "_v"} {
		c.Views = []connectors.CopyView{{Name: taken, Fields: []string{"name"}}}
		err := refusal(t, k, c)
		requireRefused(t, err)
	}
	c.Views, c.Name = nil, longer.Name+"_v"
	err := refusal(t, k, c)
	requireRefused(t, err)
	requireView(t, store, longer.Name+"_v", []string{"id"}, [][]any{{"3"}})
	require.Len(t, viewNames(t, src), 1)
	require.Len(t, catalogued(t, src), 2, "nothing is made where a view cannot be")
}

func testCopyDrop(t *testing.T, h Harness) {
	tables := h.tables("customer")
	k, src, _, of := keeper(t, h, tables)
	c := copyOf(of)
	c.Views = []connectors.CopyView{{Name: c.Name + "_v", Fields: []string{"id"}}}
	require.NoError(t, k.DropCopy(t.Context(), c.Name), "one that is not there")
	made := ensure(t, k, c)
	write(t, k, made, [][]any{{"1", "mail", "yes", nil}})
	require.NoError(t, k.DropCopy(t.Context(), c.Name))
	require.Len(t, catalogued(t, src), 1)
	require.Empty(t, viewNames(t, src))
	require.NoError(t, k.DropCopy(t.Context(), c.Name))
	c.Fields[1].Length = 20
	other := ensure(t, k, c)
	require.Equal(t, 20, other.Fields[2].Length)
	requireCopy(t, src, other, nil)
	requireSource(t, src, tables)
}
