package connectors

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTablesFind(t *testing.T) {
	tables := Tables{{Name: "a", Rows: 1}, {Name: "A", Rows: 2}}
	found, ok := tables.Find("A")
	require.True(t, ok)
	require.EqualValues(t, 2, found.Rows)
	_, ok = tables.Find("b")
	require.False(t, ok)
}
