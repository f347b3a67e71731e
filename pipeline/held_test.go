package pipeline_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline/policy"
)

// What holds a row back that is due is named where somebody can do something about it, and only then.
func TestWhatHoldsARowBackIsNamed(t *testing.T) {
	person, maybe := field("person", connectors.Integer, false), field("person", connectors.Integer, true)
	refers := func(name string, f connectors.Field, rows ...[]any) mem.Table {
		return table(name, []connectors.Field{id, f}, []connectors.ForeignKey{fk("people", "person")}, rows...)
	}
	keyless := refers("notes", person, []any{"1", "2"})
	keyless.Def.Key = nil
	boss := field("boss", connectors.Integer, true)
	staff := table("people", []connectors.Field{id, email, name, status, created, boss},
		[]connectors.ForeignKey{fk("people", "boss")},
		[]any{"1", "ada@lago.it", "Ada", "active", "2026-01-01", "2"},
		[]any{"2", "bob@lago.it", "Bob", "active", "2026-01-01", nil},
		[]any{"3", "eve@lago.it", "Eve", "active", "2023-01-01", nil})
	lines := table("lines", []connectors.Field{id, field("note", connectors.Integer, false)},
		[]connectors.ForeignKey{fk("notes", "note")}, []any{"1", "1"})
	deletes := depends(policy.Dependent{Table: "notes", FK: []string{"person"}, Do: "delete"})
	computed := maybe
	computed.Generated = true
	null := "null"
	for _, c := range []struct {
		name   string
		silo   func(*policy.Silo)
		tables []mem.Table
		want   string // place and a word of why
	}{
		{"a table that no policy lists", nil, []mem.Table{people(), refers("notes", person, []any{"1", "2"})},
			"notes person: Rows of people that are due cannot go, for these refer to them, and no policy"},
		{"one behind a table that is listed", deletes,
			[]mem.Table{people(), refers("notes", person, []any{"1", "2"}), lines}, "lines note: no policy"},
		{"a table that is listed", deletes, []mem.Table{people(), refers("notes", person, []any{"1", "2"})}, ""},
		{"one of which no row refers to what is due", nil, []mem.Table{people(), refers("notes", person, []any{"1", "1"})},
			""},
		{"a table without a key", deletes, []mem.Table{people(), keyless}, "notes person: no primary key"},
		{"a table whose rows forget", depends(policy.Dependent{Table: "notes", FK: []string{"person"}, Do: "set_null"}),
			[]mem.Table{people(), refers("notes", maybe, []any{"1", "2"})}, ""},
		{"a field that the engine computes", depends(policy.Dependent{Table: "notes", FK: []string{"person"}, Do: "set_null"}),
			[]mem.Table{people(), refers("notes", computed, []any{"1", "2"})},
			"notes person: the database computes the field"},
		{"a field that is of another reference, which stays", depends(policy.Dependent{Table: "notes",
			FK: []string{"person"}, Do: "set_null"}), []mem.Table{people(), table("others", []connectors.Field{id}, nil,
			[]any{"2"}), table("notes", []connectors.Field{id, maybe}, []connectors.ForeignKey{fk("people", "person"),
			fk("others", "person")}, []any{"1", "2"})}, "notes person: a field by which they do is of another"},
		{"a row that a silo keeps", depends(policy.Dependent{Table: "people", FK: []string{"boss"}, Do: "delete"}),
			[]mem.Table{staff}, "people boss: a silo decides them and keeps them"},
		{"what is anonymized instead", func(s *policy.Silo) {
			s.Rules[0].Else, s.Anonymize = policy.Anonymize, map[string]*string{"email": &null, "name": &null}
		}, []mem.Table{people(), refers("notes", person, []any{"1", "2"})}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, news(c.silo), c.tables...)
			w.UsualEvents()
			r, err := w.night()
			require.NoError(t, err)
			require.Equal(t, c.want == "", len(r.HeldBack) == 0, "it is printed, too")
			var got []string
			for _, f := range w.facts().Findings {
				if f.Kind == "F_HELD_BACK" {
					require.Equal(t, int64(1), f.Count)
					got = append(got, f.Object+" "+f.Column+": "+f.Words)
				}
			}
			if c.want == "" {
				require.Empty(t, got)
				return
			}
			require.Len(t, got, 1)
			place, why, _ := strings.Cut(c.want, ": ")
			require.Contains(t, got[0], place+": ")
			require.Contains(t, got[0], why)
		})
	}
}
