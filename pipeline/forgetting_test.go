package pipeline_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/pipeline/policy"
)

// TestEachRowForgetsItsOwn deletes two people of whom notes speak in different fields: each note forgets those that
// go, and no more; one that is to go with another goes.
func TestEachRowForgetsItsOwn(t *testing.T) {
	fields := []connectors.Field{
		id, field("about", connectors.Integer, true), field("by", connectors.Integer, true),
		field("of", connectors.Integer, true),
	}
	w := newWorld(t, news(depends(
		policy.Dependent{Table: "notes", FK: []string{"about"}, Do: "set_null"},
		policy.Dependent{Table: "notes", FK: []string{"by"}, Do: "set_null"},
		policy.Dependent{Table: "notes", FK: []string{"of"}, Do: "delete"},
	)), people(), table("notes", fields,
		[]connectors.ForeignKey{fk("people", "about"), fk("people", "by"), fk("people", "of")},
		[]any{"0", nil, nil, "2"}, []any{"1", "2", "1", nil}, []any{"2", "1", "2", nil}, []any{"3", "2", "3", nil},
		[]any{"4", "1", "1", "1"}))
	w.UsualEvents()
	w.planned()
	require.Equal(t, map[string]int64{"people delete done": 2, "notes set_null done": 3, "notes delete done": 1},
		w.applied())
	require.Equal(t, []string{"1 - 1 -", "2 1 - -", "3 - - -", "4 1 1 1"}, w.Rows("notes"))
}
