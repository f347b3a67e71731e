package main_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"
)

// nothingUnknown checks that the state folder and the keystore hold no plan that the journal does not know, and no
// key of one that has ended.
func nothingUnknown(t testing.TB, dir string) {
	t.Helper()
	known, open := map[string]bool{}, map[string]bool{}
	c, err := sqlite3.Open(filepath.Join(dir, "var/state/journal.db"))
	require.NoError(t, err)
	stmt, _, err := c.Prepare("SELECT plan_id, state FROM plan")
	require.NoError(t, err)
	for stmt.Step() {
		known[stmt.ColumnText(0)] = true
		if state := stmt.ColumnText(1); state == "waiting" || state == "approved" {
			open[stmt.ColumnText(0)+".age"] = true
		}
	}
	require.NoError(t, errors.Join(stmt.Close(), c.Close()))
	require.NotEmpty(t, known)
	for folder, want := range map[string]map[string]bool{"var/state/plans": known, "var/keys/plan": open} {
		entries, err := os.ReadDir(filepath.Join(dir, folder))
		require.NoError(t, err)
		for _, e := range entries {
			require.True(t, want[e.Name()], "nobody knows %s in %s", e.Name(), folder)
		}
	}
}

// TestKilledWhileSealing kills a night wherever it seals a plan, before and after the journal knows it, and the one
// after it while it clears what was left.
func TestKilledWhileSealing(t *testing.T) {
	t.Parallel()
	ready := filepath.Join(t.TempDir(), "ready")
	company(t, ready, 60)
	undisturbed, trace := filepath.Join(t.TempDir(), "undisturbed"), filepath.Join(t.TempDir(), "trace")
	require.NoError(t, copyFolder(ready, undisturbed))
	out, err := lethe(undisturbed, []string{traceVariable + "=" + trace}, "run", "--apply")
	require.NoError(t, err, out)
	passed, err := os.ReadFile(trace)
	require.NoError(t, err)
	passings := map[string]int{}
	for _, point := range strings.Fields(string(passed)) {
		passings[point]++
	}
	for point, cleared := range map[string]bool{"plan_folder": true, "plan_key": true, "plan_dropped": true,
		"plan_rows": true, "plan_sealed": true, "plan_recorded": false} {
		require.Positive(t, passings[point], point)
		for n := range passings[point] {
			t.Run(fmt.Sprintf("%s %d", point, n+1), func(t *testing.T) {
				t.Parallel()
				dir := filepath.Join(t.TempDir(), "company")
				require.NoError(t, copyFolder(ready, dir))
				killed(t, dir, point, n+1)
				if cleared {
					killed(t, dir, "left_key_destroyed", 1)
				}
				finish(t, dir)
				page, err := os.ReadFile(filepath.Join(dir, "var/reports/report.html"))
				require.NoError(t, err)
				require.Equal(t, cleared, strings.Contains(string(page), "was cut off while it sealed this plan"),
					"it is said")
			})
		}
	}
}
