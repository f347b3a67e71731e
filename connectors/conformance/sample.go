package conformance

import (
	"fmt"
	"strconv"

	"lethe/connectors"
	"lethe/connectors/conformance/require"
)

// sampleTables have 2,000 rows each under keys of several shapes.
func sampleTables() []Table {
	number := func(name string, key func(i int) int) Table {
		t := manyTable(0)
		t.Def.Name = name
		for i := range 2000 {
			t.Rows = append(t.Rows, []any{strconv.Itoa(key(i)), strconv.Itoa(i)})
		}
		return t
	}
	text := Table{Def: connectors.Table{Name: "words", Key: []string{"word"},
		Fields: []connectors.Field{field("word", "varchar(20)", connectors.Text),
			field("grp", "bigint", connectors.Integer)}}}
	pairs := Table{Def: connectors.Table{Name: "pairs", Key: []string{"a", "b"},
		Fields: []connectors.Field{field("a", "bigint", connectors.Integer), field("b", "bigint", connectors.Integer),
			field("grp", "bigint", connectors.Integer)}}}
	for i := range 2000 {
		text.Rows = append(text.Rows, []any{fmt.Sprintf("w%05d", i), strconv.Itoa(i)})
		pairs.Rows = append(pairs.Rows, []any{strconv.Itoa(i / 700), strconv.Itoa(i % 700), strconv.Itoa(i)})
	}
	return []Table{
		number("dense", func(i int) int { return i - 1000 }),
		number("gap", func(i int) int { // old numbers, then those of another system
			if i < 1000 {
				return i
			}
			return 1<<62 + i
		}),
		number("outliers", func(i int) int { return map[bool]int{true: i, false: i * 1 << 40}[i > 0 && i < 1999] }),
		text, pairs,
	}
}

func testSample(t T, h Harness) {
	tables := sampleTables()
	src, _ := openNew(t, h, tables)
	for _, table := range tables {
		for _, maxRows := range []int{0, pageRows} {
			pages := scan(t, src, tables, connectors.Query{Table: table.Def.Name, Sample: 200, MaxRows: maxRows})
			rows := rowsOf(pages, table.Def.Name)
			if h.Stream {
				require.Len(t, rows, len(table.Rows), "a stream is read whole")
				require.False(t, pages[0].part)
				continue
			}
			require.GreaterOrEqual(t, len(rows), 150, "table %s", table.Def.Name)
			require.LessOrEqual(t, len(rows), 200, "table %s", table.Def.Name)
			before := -1
			for _, p := range pages {
				require.True(t, p.part, "the batches say that they are a sample")
			}
			for _, row := range rows {
				at, err := strconv.Atoi(row[len(row)-1].(string))
				require.NoError(t, err)
				require.Greater(t, at, before, "table %s: each row once, in key order", table.Def.Name)
				require.Less(t, at-before, 100, "table %s: a twentieth of the rows in one stretch was left out",
					table.Def.Name)
				before = at
			}
			require.Equal(t, table.Rows[0], rows[0], "the first row of %s", table.Def.Name)
			require.Equal(t, table.Rows[len(table.Rows)-4:], rows[len(rows)-4:], "the newest rows of %s",
				table.Def.Name)
		}
	}
}

func testSampleWhole(t T, h Harness) {
	tables := h.tables()
	src, _ := openNew(t, h, tables)
	for _, table := range tables {
		pages := scan(t, src, tables, connectors.Query{Table: table.Def.Name, Sample: max(1, len(table.Rows)),
			MaxRows: pageRows})
		requireRows(t, table.Rows, rowsOf(pages, table.Def.Name), "table %s", table.Def.Name)
		for _, p := range pages {
			require.False(t, p.part, "table %s was read whole", table.Def.Name)
		}
		if len(table.Rows) < 5 || h.Stream {
			continue
		}
		var part, rest int
		for _, p := range scan(t, src, tables, connectors.Query{Table: table.Def.Name, Sample: 3}) {
			if p.part {
				part += len(p.rows)
			} else {
				rest += len(p.rows)
			}
		}
		if len(table.Def.Key) > 0 {
			require.Equal(t, 3, part, "table %s", table.Def.Name)
		}
		require.True(t, part == 3 && rest == 0 || part == 0 && rest == len(table.Rows),
			"table %s: %d rows of a sample and %d others", table.Def.Name, part, rest)
	}
}
