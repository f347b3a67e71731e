package notes

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/audit"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/setup"
)

// TestAnExceptionIsAsOldAsItWas: also where the last night could not read its source.
func TestAnExceptionIsAsOldAsItWas(t *testing.T) {
	today, err := calendar.ParseDate("2026-12-05")
	require.NoError(t, err)
	rows := audit.Exception{Silo: "customers", Source: "crm", Object: "people", Code: "X_NO_MATCH", Count: 15}
	before := rows
	before.FirstSeen = "2026-11-30"
	other := before
	other.Object, other.FirstSeen = "orders", "2026-01-01"
	for name, c := range map[string]struct {
		last  *audit.Facts
		since string
		days  int64
	}{
		"the first night":         {nil, "2026-12-05", 0},
		"not found before":        {&audit.Facts{Exceptions: []audit.Exception{other}}, "2026-12-05", 0},
		"found before":            {&audit.Facts{Exceptions: []audit.Exception{other, before}}, "2026-11-30", 5},
		"its source was not read": {&audit.Facts{Kept: []audit.Kept{{Source: "crm", Exceptions: []audit.Exception{before}}}}, "2026-11-30", 5},
		"another source was not":  {&audit.Facts{Kept: []audit.Kept{{Source: "hr", Exceptions: []audit.Exception{other}}}}, "2026-12-05", 0},
	} {
		t.Run(name, func(t *testing.T) {
			n := &Notes{Tonight: setup.Tonight{Today: today}, Last: c.last}
			n.Except(rows)
			n.Except(rows)
			require.Len(t, n.Facts.Exceptions, 1)
			e := n.Facts.Exceptions[0]
			require.EqualValues(t, 30, e.Count)
			require.Equal(t, c.since, e.FirstSeen)
			require.Equal(t, c.days, e.AgeDays)
		})
	}
}
