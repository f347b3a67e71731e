package main_test

import (
	"errors"
	"fmt"
	"net"
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
				page, err := os.ReadFile(filepath.Join(dir, "var/reports/details.html"))
				require.NoError(t, err)
				require.Equal(t, cleared, strings.Contains(string(page), "was cut off while it sealed this plan"),
					"it is said")
			})
		}
	}
}

// TestStatusOfANightThatIsAtWork asks while a night stands at a point, and after it was killed there.
func TestStatusOfANightThatIsAtWork(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "company")
	company(t, dir, 60)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	night := command(t.Context(), dir, []string{severVariable + "=plan_sealed@" + l.Addr().String()}, "run", "--apply")
	require.NoError(t, night.Start())
	conn, err := l.Accept() // it stands there until this is closed
	require.NoError(t, err)
	out, err := lethe(dir, nil, "status")
	require.NoError(t, err, out)
	require.Regexp(t, `running +since 2026-11-20 01:15:00`, out)
	require.Regexp(t, fmt.Sprintf(`lock +pid %d on .*: run [0-9a-f-]{36}`, night.Process.Pid), out)
	require.Regexp(t, `last run +never`, out)
	require.NotContains(t, out, "interrupted")
	require.NotContains(t, out, "cut off")
	out, err = lethe(dir, nil, "status", "--json")
	require.NoError(t, err, out)
	require.Contains(t, out, `"since": "2026-11-20T00:15:00Z"`)
	require.Contains(t, out, `"interrupted": false`)

	require.NoError(t, night.Process.Kill())
	require.Error(t, night.Wait())
	require.NoError(t, errors.Join(conn.Close(), l.Close()))
	out, err = lethe(dir, nil, "status")
	require.NoError(t, err, out)
	require.Regexp(t, `last run +2026-11-20 01:15:00, cut off; the next one settles what it left`, out)
	require.NotContains(t, out, "running")
	require.NotContains(t, out, "exit -1")
}
