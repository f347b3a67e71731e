package figures

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/audit"
)

// TestAnUnreadSourceKeepsWhatItsNightDecided, also where people applied since: less what was ended in between.
func TestAnUnreadSourceKeepsWhatItsNightDecided(t *testing.T) {
	line := func(change string, rows int64) audit.Summary {
		return audit.Summary{Silo: "club", Source: "shop", Object: "people", Reason: "D_CONSENT_EXPIRED", Change: change, Rows: rows}
	}
	ended := func(rows int64) []audit.Ended {
		return []audit.Ended{{Silo: "club", Source: "shop", Object: "people", Reason: "D_CONSENT_EXPIRED", Change: "delete", Rows: rows}}
	}
	scanned := audit.Inventory{Source: "shop", Object: "people", State: "scanned"}
	at := time.Date(2026, 11, 20, 1, 0, 0, 0, time.UTC)
	night := audit.Facts{Run: audit.Run{RunID: "night", AsOf: at, Zone: "UTC"}, Summary: []audit.Summary{line("delete", 10)},
		Inventory: []audit.Inventory{scanned}, Ended: ended(1)}
	applied := func(id string, rows int64) audit.Facts { // as later runs have it: without what is the night's
		return audit.Facts{Run: audit.Run{RunID: id, Night: "night", AsOf: at.AddDate(0, 0, 1), Zone: "UTC"}, Ended: ended(rows)}
	}
	for name, before := range map[string][]audit.Facts{
		"after the night":       {night},
		"after apply":           {applied("a", 2), night},
		"after apply, twice":    {applied("b", 3), applied("a", 2), night},
		"after another's apply": {applied("b", 3), {Run: audit.Run{RunID: "x", Night: "other"}, Ended: ended(5)}, night},
	} {
		t.Run(name, func(t *testing.T) {
			f := audit.Facts{Inventory: []audit.Inventory{{Source: "shop", State: "failed"}},
				Summary: []audit.Summary{{Source: "copy", Rows: 1}}}
			Conclude(&f, before, nil, "2026-11-22")
			require.Len(t, f.Kept, 1)
			want := map[string]int64{"after the night": 9, "after apply": 7, "after apply, twice": 4, "after another's apply": 6}[name]
			require.Equal(t, []audit.Summary{line("delete", want)}, f.Kept[0].Summary)
			require.Equal(t, []audit.Inventory{scanned}, f.Kept[0].Inventory)
			require.Equal(t, "2026-11-20", f.Kept[0].Day)
		})
	}
}
