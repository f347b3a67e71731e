package audit

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWritableLeavesOutWhatJSONCannotSay(t *testing.T) {
	late := time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)
	f := Facts{
		Run: Run{RunID: "r1", EndedAt: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)},
		Inventory: []Inventory{
			{Source: "crm", Object: "people", Column: "age", Confidence: math.NaN(), MissedBelow: 0.5},
			{Source: "crm", Object: "people", Column: "stra\xdfe", Confidence: 0.9},
		},
		Plans:       []Plan{{PlanID: "p1", Usual: math.Inf(1), PercentOfObject: 3}},
		Approvals:   []Approval{{Signature: []byte{0xff}}},
		Backups:     []Backup{{Source: "dump", ExpiresAt: late}},
		ConsentSync: []*ConsentSync{{Target: "shop", LastCompare: late}, nil},
	}
	_, err := json.Marshal(f)
	require.Error(t, err)
	require.Equal(t, []string{"Inventory.Confidence of crm people age", "Inventory.Column of crm people stra\uFFFDe",
		"Plan.Usual of p1", "Backup.ExpiresAt of dump", "ConsentSync.LastCompare of shop"}, Writable(&f))
	text, err := json.Marshal(f)
	require.NoError(t, err)
	var back Facts
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, f, back)
	require.Equal(t, Inventory{Source: "crm", Object: "people", Column: "age", MissedBelow: 0.5}, f.Inventory[0])
	require.Equal(t, "stra\uFFFDe", f.Inventory[1].Column)
	require.Equal(t, Plan{PlanID: "p1", PercentOfObject: 3}, f.Plans[0])
	require.True(t, f.Backups[0].ExpiresAt.IsZero())
	require.Empty(t, Writable(&f))
}
