package main_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"
)

// TestKilledImport kills an import in its middle and delivers again: nothing is lost, nothing is there twice.
func TestKilledImport(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	company(t, dir, 10)
	before := events(t, dir)
	const delivered, written = 250_000, 240_000
	line := func(i int) string {
		return fmt.Sprintf("member%d@example.org,club,given,2026-03-01T10:00:00Z,v3,form,form-%d,import-%d\n", i, i, i)
	}
	const header = "email,purpose,type,occurred_at,notice,method,evidence,id\n"

	// A reader that is killed behind a pipe has read all that was written but what the pipe and its buffer
	// hold (64 KiB and 1 MiB, 14,000 lines at most): so it is in its third portion of 100,000 lines, and has
	// recorded the first.
	pipe := filepath.Join(dir, "pipe.csv")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	cmd := command(context.Background(), dir, nil, "consent", "import", "--silo", "customers", "--source", "shop",
		"pipe.csv")
	require.NoError(t, cmd.Start())
	f, err := os.OpenFile(pipe, os.O_WRONLY, 0)
	require.NoError(t, err)
	w := bufio.NewWriter(f)
	_, err = w.WriteString(header)
	require.NoError(t, err)
	for i := range written {
		_, err := w.WriteString(line(i))
		require.NoError(t, err)
	}
	require.NoError(t, w.Flush())
	require.NoError(t, cmd.Process.Signal(syscall.SIGKILL))
	require.Error(t, cmd.Wait())
	require.NoError(t, f.Close())
	cut := events(t, dir) - before
	require.GreaterOrEqual(t, cut, 100_000)
	require.Less(t, cut, delivered)

	file, err := os.Create(filepath.Join(dir, "whole.csv"))
	require.NoError(t, err)
	w = bufio.NewWriter(file)
	_, err = w.WriteString(header)
	require.NoError(t, err)
	for i := range delivered {
		_, err := w.WriteString(line(i))
		require.NoError(t, err)
	}
	require.NoError(t, w.Flush())
	require.NoError(t, file.Close())
	out, err := lethe(dir, nil, "consent", "import", "--silo", "customers", "--source", "shop", "whole.csv")
	require.NoError(t, err, out)
	require.Contains(t, out, fmt.Sprintf("%d lines: %d recorded, %d were there before, 0 refused", delivered,
		delivered-cut, cut))
	require.Equal(t, before+delivered, events(t, dir))
	out, err = lethe(dir, nil, "consent", "verify")
	require.NoError(t, err, out)
}

// events counts the events of the customers' silo.
func events(t *testing.T, dir string) int {
	t.Helper()
	c, err := sqlite3.Open(filepath.Join(dir, "var", "registry.db"))
	require.NoError(t, err)
	defer c.Close()
	stmt, _, err := c.Prepare("SELECT COUNT(*) FROM event e JOIN silo s ON s.silo = e.silo WHERE s.name = 'customers'")
	require.NoError(t, err)
	defer stmt.Close()
	require.True(t, stmt.Step())
	return stmt.ColumnInt(0)
}
