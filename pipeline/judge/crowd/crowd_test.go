package crowd

import (
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/pipeline/audit"
)

func TestRowsAreToldApartByWhatIsLeftOfPeople(t *testing.T) {
	table := connectors.Table{Name: "people", Key: []string{"id"}, Fields: []connectors.Field{{Name: "id"}, {Name: "year"},
		{Name: "city"}, {Name: "total"}}}
	personal := func(field string) audit.Inventory {
		return audit.Inventory{Source: "crm", Object: "people", Column: field, Category: "city"}
	}
	other := personal("total")
	other.Category = "none"
	l := In(table, "crm", []audit.Inventory{personal("id"), personal("year"), personal("city"), other})
	require.Equal(t, "year, city", l.Words())
	rows := [][]string{{"1", "1970", "Rome", "9"}, {"2", "1970", "Rome", "8"}, {"3", "1971", "Rome", "9"}, {"4", "197", "0Rome", "9"},
		{"5", "", "Rome", "9"}, {"6", "-", "Rome", "9"}}
	columns := make([]arrow.Array, 4)
	for c := range columns {
		col := new(connectors.Column)
		for _, r := range rows {
			if r[c] == "-" {
				col.AppendNull()
			} else {
				col.Append([]byte(r[c]))
			}
		}
		columns[c] = col.Array()
	}
	fields := []arrow.Field{}
	for _, f := range table.Fields {
		fields = append(fields, arrow.Field{Name: f.Name, Type: arrow.BinaryTypes.Binary, Nullable: true})
	}
	record := array.NewRecord(arrow.NewSchema(fields, nil), columns, int64(len(rows)))
	group := map[uint64][]int{}
	for i := range rows {
		group[l.Of(record, i)] = append(group[l.Of(record, i)], i)
	}
	require.Len(t, group, 5)
	require.Equal(t, []int{0, 1}, group[l.Of(record, 0)], "the key and what is nobody's do not tell apart")
	require.Zero(t, In(table, "crm", nil).Of(record, 0), "nobody has looked yet")
}
