package connectors

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRuns(t *testing.T) {
	tables := Tables{
		{Name: "a", Triggers: []Trigger{{Name: "ad", Event: "DELETE", Writes: []Written{{"b", "INSERT"}, {"b", "DELETE"}}},
			{Name: "au", Event: "UPDATE", Writes: []Written{{"a", "UPDATE"}}, Calls: []string{"p"}}}},
		{Name: "b", Triggers: []Trigger{{Name: "bi", Event: "INSERT", Writes: []Written{{"c", "UPDATE"}}},
			{Name: "bu", Event: "UPDATE"}}},
		{Name: "c", Triggers: []Trigger{{Name: "cu", Event: "UPDATE", Writes: []Written{{"a", "DELETE"}, {"gone", "UPDATE"}}}}},
	}
	said := func(changes ...Written) (lines []string) {
		for _, r := range tables.Runs(changes...) {
			lines = append(lines, r.Said())
		}
		return lines
	}
	ad, bi := "trigger ad on table a runs at DELETE (writes to b)", "trigger bi on table b runs at INSERT (writes to c)"
	cu := "trigger cu on table c runs at UPDATE (writes to a, gone)"
	require.Equal(t, []string{ad, bi, cu}, said(Written{"a", "DELETE"}), "and what they run in turn, in a circle")
	require.Equal(t, []string{"trigger au on table a runs at UPDATE (writes to a; calls p)"}, said(Written{"a", "UPDATE"}))
	require.Equal(t, []string{"trigger bu on table b runs at UPDATE (names no table that it writes to)"},
		said(Written{"b", "UPDATE"}, Written{"b", "UPDATE"}))
	require.Empty(t, said(Written{"b", "DELETE"}, Written{"gone", "DELETE"}))
}
