package scan

import (
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
)

// rowsOf is a batch of one table; nil is NULL.
func rowsOf(t *testing.T, table connectors.Table, rows ...[]any) arrow.Record {
	t.Helper()
	b, err := connectors.NewBuilder(table, nil)
	require.NoError(t, err)
	for _, row := range rows {
		require.Len(t, row, len(table.Fields))
		for i, v := range row {
			if v == nil {
				b.AppendNull(i)
			} else {
				b.Append(i, []byte(v.(string)))
			}
		}
		b.EndRow()
	}
	return b.Batch("").Rows
}

func TestSoftDelete(t *testing.T) {
	field := func(name string, kind connectors.Kind) connectors.Field {
		return connectors.Field{Name: name, Kind: kind}
	}
	parent := []connectors.ForeignKey{{Fields: []string{"archive"}, RefTable: "archives", RefFields: []string{"id"}}}
	many := make([]any, 0, statuses+1)
	for i := range statuses + 1 {
		many = append(many, string(rune('a'+i))+" deleted")
	}

	tests := map[string]struct {
		field  connectors.Field
		key    []string
		fks    []connectors.ForeignKey
		values []any
		column string // "": nothing marks the rows
		rows   int64
	}{
		"a date of deletion": {field: field("deleted_at", connectors.Timestamp), values: []any{nil,
			"2025-01-02 03:04:05", "0000-00-00 00:00:00"}, column: "deleted_at", rows: 1},
		"camel case": {field: field("deletedAt", connectors.Timestamp),
			values: []any{"2025-01-02 03:04:05"}, column: "deletedAt", rows: 1},
		"a flag": {field: field("is_archived", connectors.Bool), values: []any{"1", "0", nil, "1"},
			column: "is_archived", rows: 2},
		"a flag in words": {field: field("geloescht", connectors.Text), values: []any{"nein", "ja", ""},
			column: "geloescht", rows: 1},
		"with accents": {field: field("gelöscht", connectors.Text), values: []any{"ja"},
			column: "gelöscht", rows: 1},
		"in use": {field: field("active", connectors.Integer), values: []any{"1", "0", nil},
			column: "active", rows: 1},
		"a status": {field: field("status", connectors.Text), values: []any{"open", "Deleted",
			"archiviert", "deleted by the person herself"}, column: "status", rows: 2},
		"a status that says none":   {field: field("status", connectors.Text), values: []any{"open", "closed"}},
		"too many values of status": {field: field("status", connectors.Text), values: many},
		"who deleted it":            {field: field("deleted_by", connectors.Text), values: []any{"anna"}},
		"a reference":               {field: field("archive", connectors.Integer), fks: parent, values: []any{"7"}},
		"the key": {field: field("removed", connectors.Integer), key: []string{"removed"},
			values: []any{"7"}},
		"a status that is no text": {field: field("status", connectors.Integer), values: []any{"1"}},
		"anything else":            {field: field("city", connectors.Text), values: []any{"deleted"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			table := connectors.Table{Name: "t", Fields: []connectors.Field{tt.field}, Key: tt.key, ForeignKeys: tt.fks}
			l := newLife(table, "2026-01-01")
			for _, v := range tt.values {
				l.observe(rowsOf(t, table, []any{v}))
			}
			column, rows := l.softDelete()
			require.Equal(t, tt.column, column)
			require.Equal(t, tt.rows, rows)
		})
	}
}

func TestSoftDeletePrefersADate(t *testing.T) {
	table := connectors.Table{Name: "t", Fields: []connectors.Field{
		{Name: "status", Kind: connectors.Text}, {Name: "active", Kind: connectors.Bool}, {Name: "deleted_at",
			Kind: connectors.Timestamp},
	}}
	l := newLife(table, "2026-01-01")
	l.observe(rowsOf(t, table, []any{"deleted", "0", nil}, []any{"deleted", "0", "2025-01-01 00:00:00"}))
	column, rows := l.softDelete()
	require.Equal(t, "deleted_at", column)
	require.EqualValues(t, 1, rows)
}

func TestSpan(t *testing.T) {
	tests := map[string]struct {
		fields         []string // all dates
		rows           [][]any
		oldest, newest string
	}{
		"made at": {fields: []string{"created_at"}, rows: [][]any{{"2020-05-06"}, {nil}, {"2019-01-02"},
			{"2021-01-01"}}, oldest: "2019-01-02", newest: "2021-01-01"},
		"not when it changed": {fields: []string{"updated_at", "created_at"}, rows: [][]any{{"2001-01-01",
			"2020-05-06"}}, oldest: "2020-05-06", newest: "2020-05-06"},
		"not a birthday": {fields: []string{"birth_date"}, rows: [][]any{{"2001-01-01"}}},
		"making beats ordering": {fields: []string{"order_date", "registered"}, rows: [][]any{{"2001-01-01",
			"2020-05-06"}}, oldest: "2020-05-06", newest: "2020-05-06"},
		"ordering beats a date": {fields: []string{"date", "order_date"}, rows: [][]any{{"2001-01-01", "2020-05-06"}},
			oldest: "2020-05-06", newest: "2020-05-06"},
		"a date alone": {fields: []string{"datum"}, rows: [][]any{{"2001-01-01"}}, oldest: "2001-01-01",
			newest: "2001-01-01"},
		"neither before 1900 nor after today, nor no day": {
			fields: []string{"created"}, rows: [][]any{{"1899-12-31"}, {"2026-01-02"}, {"2020-02-30"}, {"2020"},
				{"2026-01-01"}},
			oldest: "2026-01-01", newest: "2026-01-01",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			table := connectors.Table{Name: "t"}
			for _, f := range tt.fields {
				table.Fields = append(table.Fields, connectors.Field{Name: f, Kind: connectors.Date})
			}
			l := newLife(table, "2026-01-01")
			l.observe(rowsOf(t, table, tt.rows...))
			oldest, newest := l.span()
			require.Equal(t, tt.oldest, oldest)
			require.Equal(t, tt.newest, newest)
		})
	}
}
