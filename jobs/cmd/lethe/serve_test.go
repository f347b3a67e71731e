package main_test

import (
	"bufio"
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestServeMakesUpForAMissedNight serves on the day after a night that nobody fired: it is made up for once,
// and SIGTERM ends the serving.
func TestServeMakesUpForAMissedNight(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	company(t, dir, 20)
	f, err := os.OpenFile(filepath.Join(dir, "lethe.yaml"), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString("schedule: [{name: nightly, cron: \"15 1 * * *\", apply: true}]\n")
	require.NoError(t, err)
	require.NoError(t, f.Close())
	out, err := lethe(dir, nil, "run", "--apply", "--job", "nightly")
	require.NoError(t, err, out)

	for _, missed := range []bool{true, false} { // the second time the night is done
		later := night.AddDate(0, 0, 1).Add(9 * time.Hour)
		cmd := command(context.Background(), dir, []string{clockVariable + "=" + later.Format(time.RFC3339)},
			"schedule")
		stderr, err := cmd.StderrPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		var log []string
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			log = append(log, lines.Text())
			if strings.Contains(lines.Text(), `"scheduled"`) {
				require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
			}
		}
		require.NoError(t, cmd.Wait(), strings.Join(log, "\n"))
		require.Equal(t, missed, strings.Contains(strings.Join(log, "\n"), "a start was missed"),
			strings.Join(log, "\n"))
		require.Equal(t, missed, strings.Contains(strings.Join(log, "\n"), `"night ended"`))
	}
	out, err = lethe(dir, []string{clockVariable + "=" + night.AddDate(0, 0,
		1).Add(10*time.Hour).Format(time.RFC3339)}, "run", "--apply", "--job", "nightly")
	require.NoError(t, err, out)
	require.Contains(t, out, "already done")
}
