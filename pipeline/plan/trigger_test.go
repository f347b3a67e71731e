package plan

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
)

func TestCircular(t *testing.T) {
	table := func(name string, refs ...string) connectors.Table {
		of := connectors.Table{Name: name}
		for _, r := range refs {
			of.ForeignKeys = append(of.ForeignKeys, connectors.ForeignKey{RefTable: r})
		}
		return of
	}
	tables := connectors.Tables{table("a", "b"), table("b", "c"), table("c", "a"), table("self", "self"), table("leaf", "a")}
	in := func(name string, gone ...string) bool {
		of, _ := tables.Find(name)
		return circular(tables, of, func(table string) bool { return slices.Contains(gone, table) })
	}
	require.True(t, in("a", "a", "b", "c"))
	require.False(t, in("a", "a", "b"), "what stays is not emptied")
	require.True(t, in("self", "self"))
	require.False(t, in("leaf", "leaf", "a", "b", "c"))
}

func TestEmptiedByTheEngine(t *testing.T) {
	of := func(action string) connectors.Table {
		return connectors.Table{Name: "a", ForeignKeys: []connectors.ForeignKey{{RefTable: "b", OnDelete: action}}}
	}
	goes := func(table string) bool { return table == "b" }
	require.True(t, emptied(of("SET NULL"), goes))
	require.True(t, emptied(of("SET DEFAULT"), goes))
	require.False(t, emptied(of("CASCADE"), goes), "its rows go, and that is named anyway")
	require.False(t, emptied(of("NO ACTION"), goes))
	require.False(t, emptied(of("SET NULL"), func(string) bool { return false }))
}
