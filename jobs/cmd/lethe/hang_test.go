package main_test

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/fixtures/servers"
)

// stoppable is a company on a server of its own, whose process can be stopped, with a plan that is approved and not
// yet applied.
type stoppable struct {
	*ready
	db   *servers.Own
	gate *servers.Gate
	fill func()
	look func(testing.TB, string) *outcome

	// how long the stopped server is waited for: one that works answers each statement in the time in which it served a
	// whole night before, on a machine that has much else to do as well
	within string
}

func newStoppable(t *testing.T) *stoppable {
	t.Helper()
	own := servers.OwnMariaDB(t)
	server := own.Server
	s := &stoppable{db: own, gate: servers.NewGate(t, server.Address)}
	s.fill = func() {
		s.db.Exec(t, "DROP TABLE IF EXISTS lethe_crm_customers, orders, customers, addresses, staff;"+
			mysqlSQL(customers(chunks)))
	}
	s.look = func(t testing.TB, dir string) *outcome {
		t.Helper()
		o := &outcome{store: map[string][]string{}}
		for _, table := range []string{"addresses", "customers", "orders", "staff", "lethe_crm_customers"} {
			o.store[table] = strings.Split(s.db.Query(t, "SELECT * FROM "+table+" ORDER BY id"), "\n")
		}
		o.actions, o.done = audited(t, dir)
		return o
	}
	s.fill()
	dir := onServer(t, own.Database, chunks)
	dsn := "mysql://" + url.UserPassword(server.User, server.Password).String() + "@" + s.gate.Address + "/" +
		s.db.Name + "?tls=false"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "crm.dsn"), []byte(dsn), 0o600))
	rewrite(t, dir, "connector: mysql,", "connector: mysql, tls: waived,")
	rewrite(t, dir, "silos:", "  log: {application: log, environment: production, connector: sqlite, dsn: crm.db}\nsilos:")
	began := time.Now()
	s.ready = prepare(t, dir, s.look, s.fill)
	s.within = fmt.Sprintf("%ds", max(5, int(time.Since(began).Seconds())))
	require.Less(t, len(s.want.store["customers"]), chunks, "the undisturbed night erased")
	return s
}

// rewrite replaces a text in a company's configuration.
func rewrite(t *testing.T, dir, old, text string) {
	t.Helper()
	path := filepath.Join(dir, "lethe.yaml")
	config, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(config), old)
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(config), old, text, 1)), 0o600))
}

// fresh is a copy of the company, before the plan is applied, that waits for the server as long as it is told.
func (s *stoppable) fresh(t *testing.T, answerWithin string) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "company")
	require.NoError(t, copyFolder(s.dir, dir))
	s.fill()
	rewrite(t, dir, "tls: waived,", "tls: waived, answer_within: "+answerWithin+",")
	return dir
}

// patient lets a company wait for a server that works again, however slow it is.
func patient(t *testing.T, dir, answerWithin string) {
	t.Helper()
	rewrite(t, dir, "answer_within: "+answerWithin, "answer_within: 10m")
}

// came waits until the server has stopped, where a night came to.
func came(t *testing.T, stopped <-chan struct{}, within time.Duration, out string) {
	t.Helper()
	select {
	case <-stopped:
	case <-time.After(within):
		t.Fatalf("the night never came to where the server stops: %s", out)
	}
}

// hangs is after how long a command that still is at work hangs.
const hangs = 5 * time.Minute

// run starts a command; what it is at after minutes hangs.
func run(t *testing.T, dir string, args ...string) (code int, out string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), hangs)
	defer cancel()
	text, err := command(ctx, dir, nil, args...).CombinedOutput()
	require.NoError(t, ctx.Err(), "it hangs: %s", text)
	var exit *exec.ExitError
	if err != nil {
		require.ErrorAs(t, err, &exit, string(text))
		return exit.ExitCode(), string(text)
	}
	return 0, string(text)
}

// TestServerThatStops stops a server in the middle of a night, wherever it is. That night ends with 3 and has read
// the other application; the next one finishes what was begun.
func TestServerThatStops(t *testing.T) {
	t.Parallel()
	s := newStoppable(t)
	for _, c := range []struct {
		name, at, then string // it stops at a text that Lethe sends, not just prepares; the first after another; \x03 begins one
		after          bool   // it hears it
		says           string
	}{
		{"before anything", "", "", false, "open crm: no answer from the server for "},
		{"in the catalog", "information_schema.COLUMNS", "", false, "catalog crm: no answer from the server for "},
		{"in a scan", "FROM `staff` FORCE INDEX (`PRIMARY`) ORDER BY", "", false, "scan crm table staff: no answer"},
		{"while it locks", "`id` FOR UPDATE", "", false, "mutate crm table "},
		{"holding locks", "DELETE FROM `orders` WHERE", "", false, "mutate crm table "},
		{"before it commits", "DELETE FROM `orders` WHERE", "\x03COMMIT", false, "mutate crm: no answer from the server for "},
		{"having committed", "DELETE FROM `orders` WHERE", "\x03COMMIT", true, "no answer from the server for "},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := s.fresh(t, s.within)
			stopped := make(chan struct{})
			stop := func() {
				s.db.Signal(t, syscall.SIGSTOP)
				close(stopped)
			}
			switch {
			case c.at == "":
				stop()
				code, out := run(t, dir, "check")
				require.Equal(t, 3, code, out)
				require.Contains(t, out, "open crm: no answer from the server for ")
				require.Contains(t, out, "answer_within of the source")
				require.Contains(t, out, "source log: ")
			case c.then == "":
				s.gate.When(c.at, c.after, stop)
			default:
				s.gate.When(c.at, false, func() { s.gate.When(c.then, c.after, stop) })
			}
			began := time.Now()
			code, out := run(t, dir, "run", "--apply")
			t.Logf("ended after %s", time.Since(began))
			came(t, stopped, time.Second, out)
			s.db.Signal(t, syscall.SIGCONT)
			require.Equal(t, 3, code, out)
			require.Contains(t, out, c.says)
			require.Contains(t, out, "answer_within of the source")
			require.NotContains(t, out, s.db.Server.Password)

			patient(t, dir, s.within)
			finish(t, dir)
			s.look(t, dir).check(t, s.want)
		})
	}
	for signal, points := range map[syscall.Signal][]string{
		syscall.SIGTERM: {"information_schema.COLUMNS", "FROM `staff` FORCE INDEX (`PRIMARY`) ORDER BY", "\x03COMMIT"},
		syscall.SIGINT:  {"\x03COMMIT"},
	} {
		for _, at := range points {
			t.Run(signal.String()+" at "+at, func(t *testing.T) {
				dir := s.fresh(t, "1h")
				stopped := make(chan struct{})
				s.gate.When(at, true, func() {
					s.db.Signal(t, syscall.SIGSTOP)
					close(stopped)
				})
				ctx, cancel := context.WithTimeout(t.Context(), hangs)
				defer cancel()
				cmd := command(ctx, dir, nil, "run", "--apply")
				var out bytes.Buffer
				cmd.Stdout, cmd.Stderr = &out, &out
				require.NoError(t, cmd.Start())
				came(t, stopped, hangs, "it is still at work")
				began := time.Now()
				require.NoError(t, cmd.Process.Signal(signal))
				var exit *exec.ExitError
				require.ErrorAs(t, cmd.Wait(), &exit)
				t.Logf("ended %s after the signal", time.Since(began))
				s.db.Signal(t, syscall.SIGCONT)
				require.NoError(t, ctx.Err(), "it hangs: %s", out.String())
				require.Equal(t, 130, exit.ExitCode(), out.String())
				finish(t, dir)
				s.look(t, dir).check(t, s.want)
			})
		}
	}
}
