package setup

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/policy/calendar"
)

// TestDeletePath is how what has to go from a source goes.
func TestDeletePath(t *testing.T) {
	for want, sources := range map[string][]Source{
		"rows":    {{Environment: "production"}, {Environment: "test"}},
		"none":    {{Environment: "production", ReadOnly: true}, {Environment: "backup", Of: "crm", ReadOnly: true}},
		"rewrite": {{Environment: "backup", Of: "crm", Rewrite: &RewriteTerms{}, Keep: calendar.Period{Days: 90}}},
		"expires": {{Environment: "backup", Of: "crm", ReadOnly: true, Keep: calendar.Period{Days: 90}}},
	} {
		for _, s := range sources {
			require.Equal(t, want, s.DeletePath(), "%+v", s)
		}
	}
}
