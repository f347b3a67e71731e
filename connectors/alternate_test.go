package connectors_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
)

func TestNameRows(t *testing.T) {
	fields := []connectors.Field{{Name: "a", Kind: connectors.Text}, {Name: "b", Kind: connectors.Integer},
		{Name: "c", Kind: connectors.Integer}, {Name: "null", Kind: connectors.Integer, Nullable: true},
		{Name: "computed", Kind: connectors.Integer, Generated: true},
		{Name: "stamp", Kind: connectors.Timestamp, AutoUpdate: true}, {Name: "float", Kind: connectors.Float},
		{Name: "doc", Kind: connectors.JSON}}
	for name, c := range map[string]struct {
		key    []string
		unique [][]string
		want   []string
	}{
		"the primary key stays":       {key: []string{"c"}, unique: [][]string{{"b"}}, want: []string{"c"}},
		"none":                        {},
		"one":                         {unique: [][]string{{"a"}}, want: []string{"a"}},
		"fewest fields":               {unique: [][]string{{"b", "c"}, {"a"}}, want: []string{"a"}},
		"whole numbers before text":   {unique: [][]string{{"a"}, {"c"}}, want: []string{"c"}},
		"first by place":              {unique: [][]string{{"c"}, {"b"}}, want: []string{"b"}},
		"in the order of the index":   {unique: [][]string{{"c", "b"}}, want: []string{"c", "b"}},
		"not by the order of indexes": {unique: [][]string{{"c", "b"}, {"b", "c"}}, want: []string{"b", "c"}},
		"for a key of floats":         {key: []string{"b", "float"}, unique: [][]string{{"c"}}, want: []string{"c"}},
		"a key of floats alone":       {key: []string{"float"}, unique: [][]string{{"null"}}},
		"what may be NULL":            {unique: [][]string{{"null"}, {"b", "null"}}},
		"what the engine sets":        {unique: [][]string{{"computed"}, {"b", "stamp"}}},
		"rounded numbers":             {unique: [][]string{{"float"}, {"b", "float"}}},
		"documents":                   {unique: [][]string{{"doc"}}},
		"fields that are not there":   {unique: [][]string{{"gone"}}},
		"what a connector refuses":    {unique: [][]string{{"b"}, {"a"}}, want: []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			table := connectors.Table{Fields: fields, Key: c.key, Unique: c.unique}
			table.NameRows(func(u []string) bool { return name != "what a connector refuses" || u[0] != "b" })
			require.Equal(t, c.want, table.Key)
			rest := 0
			if !slices.Equal(c.key, c.want) && c.want != nil {
				rest = 1
			}
			require.Len(t, table.Unique, len(c.unique)-rest)
			for _, u := range table.Unique {
				require.NotEqual(t, c.want, u)
				require.Contains(t, c.unique, u)
			}
		})
	}
}

// TestKeyBy says what a reference that nobody declares means: of a unique constraint only one of the same names.
func TestKeyBy(t *testing.T) {
	table := connectors.Table{Key: []string{"id"}, Unique: [][]string{{"code"}}}
	require.Equal(t, []string{"id"}, table.KeyBy([]string{"customer"}), "a primary key is meant, however it is called there")
	table.Nameless()
	require.Equal(t, []string{"id"}, table.Key, "a primary key stays")

	table = connectors.Table{Fields: []connectors.Field{{Name: "number", Kind: connectors.Integer}},
		Unique: [][]string{{"number"}}}
	table.NameRows(nil)
	require.True(t, table.Alternate)
	require.Nil(t, table.KeyBy([]string{"customer"}), "it may be of another field")
	require.Equal(t, []string{"number"}, table.KeyBy([]string{"number"}))
	table.Nameless()
	require.Equal(t, connectors.Table{Fields: table.Fields, Unique: [][]string{{"number"}}}, table)
}
