package conformance

import (
	"time"

	"lethe/connectors"
	"lethe/connectors/conformance/require"
)

// requireView checks what a view shows: its fields in order, and its rows.
func requireView(t T, store Store, name string, fields []string, want [][]any) {
	t.Helper()
	gotFields, got := store.View(t, name)
	require.Equal(t, fields, gotFields, "fields of view %s", name)
	requireRows(t, want, got, "view %s", name)
}

func testCopyView(t T, h Harness) {
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
		{"0", purpose, "yes", nil}, {"1", purpose, "yes", justNow}, {"2", purpose, "yes", soon},
		{"3", purpose, "yes", future}, {"10", purpose, "no", nil},
		{"11", "mail", "yes", nil}, {"12", purpose, "YES", nil}, {"12345", purpose, "yes", nil},
		{"9223372036854775807", purpose, "yes", future},
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
	odd.Views = []connectors.CopyView{{Name: odd.Name + "_o`d'd\"", Fields: []string{"with space", "select", "k`e\"y"},
		Where: map[string]string{"sel`e'c\"t": "group"}, Until: "ends"}}
	write(t, k, ensure(t, k, odd), [][]any{{"1", "group", "yes", nil}, {"2", "group", "no", past},
		{"3", "order", "no", nil}, {"4", "group", "no", future}})
	requireView(t, store, odd.Views[0].Name, odd.Views[0].Fields, [][]any{{"eins", "one", "1"}, {"vier", "four", "4"}})
	write(t, k, ensure(t, k, odd), nil, copyKey("1", "group"))
	requireView(t, store, odd.Views[0].Name, odd.Views[0].Fields, [][]any{{"vier", "four", "4"}})
}

func testCopyViewOnce(t T, h Harness) {
	k, _, store, of := keeper(t, h, h.tables("staff"))
	c := copyOf(of)
	c.Views = []connectors.CopyView{{Name: c.Name + "_v", Fields: []string{"id"},
		Where: map[string]string{"status": "yes"}, Until: "ends"}}
	write(t, k, ensure(t, k, c), [][]any{{"1", "mail", "yes", nil}, {"1", "phone", "yes", future},
		{"2", "mail", "no", nil}, {"2", "phone", "yes", past}, {"3", "mail", "no", nil}, {"3", "phone", "yes", nil}})
	requireView(t, store, c.Name+"_v", []string{"id"}, [][]any{{"1"}, {"3"}})
}

func viewNames(t T, src connectors.Source) []string {
	views, err := src.(connectors.Viewer).Views(t.Context())
	require.NoError(t, err)
	var names []string
	for _, v := range views {
		names = append(names, v.Name)
	}
	return names
}

func testCopyViewer(t T, h Harness) {
	k, src, _, of := keeper(t, h, h.tables("customer"))
	require.Implements(t, (*connectors.Viewer)(nil), src)
	c := copyOf(of)
	c.Views = []connectors.CopyView{{Name: c.Name + "_b", Fields: []string{"id"}},
		{Name: c.Name + "_a", Fields: []string{"id"}}}
	ensure(t, k, c)
	views, err := src.(connectors.Viewer).Views(t.Context())
	require.NoError(t, err)
	both := []string{"customer", c.Name}
	require.Equal(t, []connectors.View{{Name: c.Name + "_a", Tables: both}, {Name: c.Name + "_b", Tables: both}}, views)
	require.Len(t, catalogued(t, src), 2)
}

func testCopyViewsChange(t T, h Harness) {
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

func testCopyViewTaken(t T, h Harness) {
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
