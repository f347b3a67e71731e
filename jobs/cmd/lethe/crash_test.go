package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"
	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"
)

// chunks is a number of customers of whom enough die for several chunks of changes: the first takes 200.
const chunks = 1200

// ready is a company whose first plan is approved and not yet applied, made once.
type ready struct {
	once   sync.Once
	dir    string
	points []string // every point that an undisturbed night passes, in order
	want   *outcome // what it leaves behind
}

// outcome is what a night left: the databases, and what the reports say was done.
type outcome struct {
	store   map[string][]string // rows by table, keyed and sorted
	backup  string
	actions map[string]int // by plan, source, table, record: how often it was settled
	done    map[string]int // changed rows by source, table and change
}

// approve lets an owner and the custodian approve every plan that waits.
func approve(t testing.TB, dir string) {
	t.Helper()
	out, err := lethe(dir, nil, "plan", "show", "--json")
	require.NoError(t, err, out)
	var plans []struct {
		PlanID string `json:"plan_id"`
		Part   string `json:"part"`
	}
	require.NoError(t, json.Unmarshal([]byte(out), &plans), out)
	for _, p := range plans {
		for _, name := range []string{"anna", "bo"} {
			if p.Part == "destructive" {
				out, err := lethe(dir, nil, "approve", p.PlanID, "--as", name, "--key", name+".key")
				require.NoError(t, err, out)
			}
		}
	}
}

// prepare makes the company, lets its plan be approved, and watches one undisturbed night on a copy.
func (r *ready) prepare(t testing.TB) {
	t.Helper()
	r.once.Do(func() {
		dir, err := os.MkdirTemp("", "lethe-crash")
		require.NoError(t, err)
		r.dir = filepath.Join(dir, "company")
		company(t, r.dir, chunks)
		out, err := lethe(r.dir, nil, "plan")
		require.NoError(t, err, out)
		approve(t, r.dir)
		undisturbed := filepath.Join(dir, "undisturbed")
		require.NoError(t, copyFolder(r.dir, undisturbed))
		trace := filepath.Join(dir, "trace")
		out, err = lethe(undisturbed, []string{traceVariable + "=" + trace}, "run", "--apply")
		require.NoError(t, err, out)
		passed, err := os.ReadFile(trace)
		require.NoError(t, err)
		r.points = strings.Fields(string(passed))
		r.want = look(t, undisturbed)
		require.NoError(t, os.RemoveAll(undisturbed))
	})
	require.NotNil(t, r.want, "an earlier test could not prepare")
}

var company1200 ready

// look reads what a night left.
func look(t testing.TB, dir string) *outcome {
	t.Helper()
	o := &outcome{store: map[string][]string{}}
	c, err := sqlite3.Open(filepath.Join(dir, "crm.db"))
	require.NoError(t, err)
	for _, table := range []string{"addresses", "customers", "orders", "staff"} {
		stmt, _, err := c.Prepare("SELECT * FROM " + table + " ORDER BY id")
		require.NoError(t, err)
		o.store[table] = []string{}
		for stmt.Step() {
			values := make([]string, stmt.ColumnCount())
			for i := range values {
				values[i] = stmt.ColumnText(i)
			}
			o.store[table] = append(o.store[table], strings.Join(values, "|"))
		}
		require.NoError(t, stmt.Close())
	}
	require.NoError(t, c.Close())
	data, err := os.ReadFile(filepath.Join(dir, "backups/crm.sql.gz"))
	require.NoError(t, err)
	o.backup = expand(t, data)
	left, err := filepath.Glob(filepath.Join(dir, "backups/*"))
	require.NoError(t, err)
	require.Len(t, left, 1, "a rewrite leaves nothing beside the backup")
	o.actions, o.done = audited(t, dir)
	return o
}

// audited reads the table actions of all published nights.
func audited(t testing.TB, dir string) (settled, done map[string]int) {
	t.Helper()
	settled, done = map[string]int{}, map[string]int{}
	files, err := filepath.Glob(filepath.Join(dir, "var/reports/table=actions/*/*/*.parquet"))
	require.NoError(t, err)
	for _, file := range files {
		f, err := os.Open(file)
		require.NoError(t, err)
		table, err := pqarrow.ReadTable(context.Background(), f, parquet.NewReaderProperties(memory.DefaultAllocator), pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
		require.NoError(t, err)
		rows := array.NewTableReader(table, table.NumRows())
		for rows.Next() {
			rec := rows.Record()
			text := func(column string, row int) string {
				i := rec.Schema().FieldIndices(column)
				require.Len(t, i, 1, column)
				return rec.Column(i[0]).ValueStr(row)
			}
			for i := range int(rec.NumRows()) {
				place := text("source", i) + " " + text("object", i)
				settled[text("plan_id", i)+" "+place+" "+text("record", i)]++
				if s := text("status", i); s == "done" || s == "recovered" {
					done[place+" "+text("change", i)]++
				}
			}
		}
		rows.Release()
		table.Release()
		_ = f.Close() // the reader closed it
	}
	return settled, done
}

// killed runs a night that is killed at the nth passing of a point, and says whether it came that far.
func killed(t testing.TB, dir, point string, n int) bool {
	t.Helper()
	out, err := lethe(dir, []string{fmt.Sprintf("%s=%s:%d", crashVariable, point, n)}, "run", "--apply")
	var exit *exec.ExitError
	if err == nil {
		return false
	}
	require.True(t, errors.As(err, &exit), out)
	status, ok := exit.Sys().(syscall.WaitStatus)
	require.True(t, ok && status.Signaled() && status.Signal() == syscall.SIGKILL, out)
	return true
}

// check compares what a killed night and the one after it left with what an undisturbed one leaves.
func (o *outcome) check(t testing.TB, want *outcome) {
	t.Helper()
	require.Equal(t, want.store, o.store)
	require.True(t, want.backup == o.backup, "the backup differs")
	for row, times := range o.actions {
		require.Equal(t, 1, times, "settled more than once: %s", row)
	}
	require.Equal(t, want.done, o.done, "the audit equals what the databases show")
	require.Len(t, o.actions, len(want.actions), "every planned row is settled")
}

// TestKilledAnywhere kills a night over a SQLite database and a dump at every point that it passes, each time it passes, and lets the next start finish.
func TestKilledAnywhere(t *testing.T) {
	company1200.prepare(t)
	passings := map[string]int{}
	for _, point := range company1200.points {
		passings[point]++
		n := passings[point]
		t.Run(fmt.Sprintf("%s %d", point, n), func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "company")
			require.NoError(t, copyFolder(company1200.dir, dir))
			require.True(t, killed(t, dir, point, n))
			out, err := lethe(dir, nil, "run", "--apply")
			require.NoError(t, err, out)
			look(t, dir).check(t, company1200.want)
			out, err = lethe(dir, nil, "audit", "verify")
			require.NoError(t, err, out)
			out, err = lethe(dir, nil, "run", "--apply")
			require.NoError(t, err, out)
			require.Contains(t, out, "already done")
		})
	}
	for _, point := range []string{"intent", "changed", "traced", "outcome", "applied", "settled", "ended", "rewrite_intent", "rewrite_read_back", "rewritten", "rewrite_settled"} {
		require.Contains(t, company1200.points, point)
	}
	require.Greater(t, passings["intent"], 3, "several chunks")
}
