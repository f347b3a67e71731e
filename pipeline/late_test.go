package pipeline_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline/policy"
)

// What goes with a person who is anonymized is looked for under the lock too: what came after the plan would
// stay for ever, since nothing is left to be done for who is anonymized.
func TestNobodyIsAnonymizedWhileSomethingThatCameLateStays(t *testing.T) {
	refers := []connectors.ForeignKey{fk("people", "person")}
	fields := []connectors.Field{id, field("person", connectors.Integer, false)}
	notes := table("notes", fields, refers, []any{"1", "2"})
	phones := func(rows ...[]any) mem.Table { return table("phones", fields, refers, rows...) }
	for name, after := range map[string]mem.Table{
		"a new row":                   phones([]any{"1", "2"}, []any{"2", "1"}, []any{"3", "2"}),
		"one of somebody who is kept": phones([]any{"1", "2"}, []any{"2", "2"}),
	} {
		t.Run(name, func(t *testing.T) {
			null := "null"
			w := newWorld(t, news(func(s *policy.Silo) {
				depends(policy.Dependent{Table: "phones", FK: []string{"person"}, Do: "delete"})(s)
				s.Rules[0].Else, s.Anonymize = policy.Anonymize, map[string]*string{"email": &null, "name": &null}
			}), people(), notes, phones([]any{"1", "2"}, []any{"2", "1"}))
			w.UsualEvents()
			w.planned()
			w.Live = mem.New("crm", people(), notes, after)
			require.Equal(t, int64(1), w.applied()["people anonymize skipped_drift"])
			require.Contains(t, w.Rows("people"), "2 bob@lago.it Bob active 2026-01-01")
			require.Len(t, w.Rows("phones"), len(after.Rows))
			w.Now = w.Now.AddDate(0, 0, 1)
			w.planned()
			require.Equal(t, int64(1), w.applied()["people anonymize done"])
			require.NotContains(t, strings.Join(w.Rows("phones"), "\n"), " 2")
		})
	}
}
