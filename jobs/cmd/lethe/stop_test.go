package main_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"
)

// patience is after how long a test says that a command hangs.
const patience = time.Minute

// started runs a command in a company's folder, which ends when the test is out of patience.
func started(t *testing.T, dir string, env []string, args ...string) (cmd *exec.Cmd, out *bytes.Buffer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	cmd, out = command(ctx, dir, env, args...), &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = out, out
	return cmd, out
}

// ended waits for a command.
func ended(t *testing.T, cmd *exec.Cmd, out *bytes.Buffer) *os.ProcessState {
	t.Helper()
	began := time.Now()
	_ = cmd.Wait() // the state says it
	require.Less(t, time.Since(began), patience, "it hangs: %s", out)
	return cmd.ProcessState
}

// writeEnd makes a pipe in the file system and starts a command that reads it: it returns when that waits for what
// stands in the pipe.
func writeEnd(t *testing.T, path string, cmd *exec.Cmd) *os.File {
	t.Helper()
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	require.NoError(t, cmd.Start())
	for {
		f, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
		if !errors.Is(err, syscall.ENXIO) { // nobody reads yet
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, f.Close()) })
			return f
		}
		require.NoError(t, t.Context().Err())
		time.Sleep(10 * time.Millisecond)
	}
}

// TestSignalsEndEveryWait stops commands that wait for what nobody says.
func TestSignalsEndEveryWait(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "company")
	company(t, dir, 20)
	pipes := t.TempDir()

	t.Run("an import from a pipe", func(t *testing.T) {
		cmd, out := started(t, dir, nil, "consent", "import", "--silo", "customers", "--source", "crm", filepath.Join(pipes, "pipe.csv"))
		writeEnd(t, filepath.Join(pipes, "pipe.csv"), cmd)
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		require.Equal(t, 130, ended(t, cmd, out).ExitCode(), out.String())
		require.Contains(t, out.String(), "interrupted: ")
	})
	t.Run("an import of which a part came", func(t *testing.T) {
		cmd, out := started(t, dir, nil, "consent", "import", "--silo", "customers", "--source", "crm", filepath.Join(pipes, "part.csv"))
		f := writeEnd(t, filepath.Join(pipes, "part.csv"), cmd)
		_, err := f.WriteString("email,purpose,type,occurred_at,notice,method,evidence,id\n")
		require.NoError(t, err)
		require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
		require.Equal(t, 130, ended(t, cmd, out).ExitCode(), out.String())
	})
	t.Run("the standard input", func(t *testing.T) {
		cmd, out := started(t, dir, nil, "classifiers", "test")
		in, err := cmd.StdinPipe()
		require.NoError(t, err)
		cmd.Stdout = nil
		says, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		_, err = in.Write([]byte("ada@example.org\n"))
		require.NoError(t, err)
		_, err = bufio.NewReader(says).ReadString('\n')
		require.NoError(t, err)
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		require.Equal(t, 130, ended(t, cmd, out).ExitCode(), out.String())
	})
	t.Run("what no signal reaches", func(t *testing.T) {
		cmd, out := started(t, dir, []string{graceVariable + "=100ms"}, "status", "--config", filepath.Join(pipes, "grace.yaml"))
		writeEnd(t, filepath.Join(pipes, "grace.yaml"), cmd)
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		require.Equal(t, 130, ended(t, cmd, out).ExitCode(), out.String())
		require.Contains(t, out.String(), "what was waited for did not end within 100ms")
		require.Contains(t, out.String(), "interrupted: ")
	})
	t.Run("a second signal", func(t *testing.T) {
		cmd, out := started(t, dir, []string{graceVariable + "=1h"}, "status", "--config", filepath.Join(pipes, "second.yaml"))
		writeEnd(t, filepath.Join(pipes, "second.yaml"), cmd)
		over := make(chan struct{})
		go func() {
			for { // the first is heard by the command, which then no longer hears any
				_ = cmd.Process.Signal(syscall.SIGTERM)
				select {
				case <-over:
					return
				case <-time.After(50 * time.Millisecond):
				}
			}
		}()
		status, ok := ended(t, cmd, out).Sys().(syscall.WaitStatus)
		close(over)
		require.True(t, ok && status.Signaled() && status.Signal() == syscall.SIGTERM, "%v: %s", status, out)
	})
	t.Run("a database that somebody holds", func(t *testing.T) {
		held := filepath.Join(t.TempDir(), "company")
		require.NoError(t, copyFolder(dir, held))
		rewrite(t, held, "dsn: crm.db, apply_dsn: crm.db", "dsn: crm.db, apply_dsn: crm.db, options: {busy_timeout: 1h}")
		c, err := sqlite3.Open(filepath.Join(held, "crm.db"))
		require.NoError(t, err)
		require.NoError(t, c.Exec("BEGIN EXCLUSIVE"))
		cmd, out := started(t, held, nil, "run", "--apply")
		require.NoError(t, cmd.Start())
		require.Eventually(t, func() bool { // it has begun
			runs, err := filepath.Glob(filepath.Join(held, "var/state/runs/*"))
			return err == nil && len(runs) > 0
		}, patience, 10*time.Millisecond)
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		require.Equal(t, 130, ended(t, cmd, out).ExitCode(), out.String())
		require.NoError(t, c.Close())
	})
}

// Pipes that lie where a source's files are looked for are no files of it, and nobody waits for them.
func TestPipesAreNoSources(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "company")
	company(t, dir, 20)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "exports"), 0o700))
	for _, name := range []string{"backups/other.sql.gz", "loose.sql", "loose.sql.gz", "loose.sqlite", "exports/a.csv"} {
		require.NoError(t, syscall.Mkfifo(filepath.Join(dir, name), 0o600))
	}
	for _, name := range []string{"loose.sql", "loose.sql.gz", "loose.sqlite"} {
		code, out := run(t, dir, "discover", name)
		require.NotZero(t, code, out)
		require.Regexp(t, "not a regular file|no file", out)
	}
	_, out := run(t, dir, "discover", "exports")
	require.NotContains(t, out, "interrupted")
	body, err := os.ReadFile(filepath.Join(dir, "crm.db"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "log.db"), body, 0o600))
	rewrite(t, dir, "silos:", "  log: {application: log, environment: production, connector: sqlite, dsn: log.db}\nsilos:")
	code, out := run(t, dir, "run", "--apply")
	require.Equal(t, 3, code, out)
	require.Contains(t, out, "other.sql.gz")
}
