package conformance

import (
	"errors"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"

	"lethe/connectors"
	"lethe/connectors/conformance/require"
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

// copyOf says what the suite's copies hold: for each row of a table and each purpose how it stands and
// until when.
func copyOf(of connectors.Table, views ...connectors.CopyView) connectors.Copy {
	return connectors.Copy{Name: "lethe_app_" + of.Name, Of: of, Key: []string{"purpose"}, Views: views,
		Fields: []connectors.Field{
			{Name: "purpose", Kind: connectors.Text, Length: 10}, {Name: "status", Kind: connectors.Text, Length: 8},
			{Name: "ends", Kind: connectors.Timestamp, Nullable: true}}}
}

// keeper opens a store with some of the suite's tables and returns the catalog's entry of the first.
func keeper(t T, h Harness,
	tables []Table) (connectors.CopyKeeper, connectors.Source, Store, connectors.Table) {
	src, store := openNew(t, h, tables)
	k, ok := src.(connectors.CopyKeeper)
	require.True(t, ok)
	of, ok := catalogued(t, src)[tables[0].Def.Name]
	require.True(t, ok)
	return k, src, store, of
}

func catalogued(t T, src connectors.Source) map[string]connectors.Table {
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
func ensure(t T, k connectors.CopyKeeper, c connectors.Copy) connectors.Table {
	t.Helper()
	require.NoError(t, k.CheckCopy(t.Context(), c))
	table, err := k.EnsureCopy(t.Context(), c)
	require.NoError(t, err)
	table.Rows = 0
	return table
}

// refusal is why a copy is not made, which is known beforehand.
func refusal(t T, k connectors.CopyKeeper, c connectors.Copy) error {
	t.Helper()
	_, err := k.EnsureCopy(t.Context(), c)
	require.Error(t, err)
	require.EqualError(t, k.CheckCopy(t.Context(), c), err.Error())
	return err
}

// record makes the rows of a copy; nil is NULL.
func record(t T, table connectors.Table, rows [][]any) arrow.Record {
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

func write(t T, k connectors.CopyKeeper, table connectors.Table, rows [][]any, gone ...connectors.Key) {
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
func requireCopy(t T, src connectors.Source, table connectors.Table, want [][]any) {
	t.Helper()
	requireRows(t, want, rowsOf(scan(t, src, []Table{{Rows: want}}, connectors.Query{Table: table.Name}), table.Name),
		"copy %s", table.Name)
}

func requireRefused(t T, err error) {
	t.Helper()
	require.ErrorIs(t, err, connectors.ErrRefused)
	var placed *connectors.Error
	require.ErrorAs(t, err, &placed)
	require.NotEmpty(t, placed.Source)
	require.NotEmpty(t, placed.Hint)
	require.NotEmpty(t, placed.Table)
}

func testCopyFields(t T, h Harness) {
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
func testCopyChecked(t T, h Harness) {
	tables := h.tables("customer")
	k, src, _, of := keeper(t, h, tables)
	c := copyOf(of)
	c.Views = []connectors.CopyView{{Name: c.Name + "_mail", Fields: []string{"id"},
		Where: map[string]string{"purpose": "mail"}}}
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

func testCopyTwice(t T, h Harness) {
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

func testCopyTaken(t T, h Harness) {
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
		requireRefused(t, k.WriteCopy(t.Context(), table, record(t, table, [][]any{row}),
			[]connectors.Key{copyKey("2")}))
	}
	require.Len(t, catalogued(t, src), 2)
	requireSource(t, src, tables)
}

func testCopyOther(t T, h Harness) {
	k, src, _, of := keeper(t, h, h.tables("customer", "staff"))
	c := copyOf(of)
	made := ensure(t, k, c)
	write(t, k, made, [][]any{{"1", "mail", "yes", nil}})
	for name, change := range map[string]func(*connectors.Copy){
		"another length":      func(c *connectors.Copy) { c.Fields[1].Length = 9 },
		"another nullability": func(c *connectors.Copy) { c.Fields[1].Nullable = true },
		"another kind":        func(c *connectors.Copy) { c.Fields[1].Kind, c.Fields[1].Length = connectors.Date, 0 },
		"another name":        func(c *connectors.Copy) { c.Fields[1].Name = "state" },
		"a field more": func(c *connectors.Copy) {
			c.Fields = append(c.Fields, c.Fields[1])
			c.Fields[3].Name = "more"
		},
		"a field less":  func(c *connectors.Copy) { c.Fields = c.Fields[:2] },
		"another order": func(c *connectors.Copy) { c.Fields[1], c.Fields[2] = c.Fields[2], c.Fields[1] },
		"another key":   func(c *connectors.Copy) { c.Key = []string{"purpose", "status"} },
		"another table": func(c *connectors.Copy) { c.Of = catalogued(t, src)["staff"] },
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

func testCopyImpossible(t T, h Harness) {
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

func testCopyDrop(t T, h Harness) {
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
