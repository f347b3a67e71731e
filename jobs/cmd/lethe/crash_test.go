package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"
	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"lethe/fixtures/servers"
)

// chunks is a number of customers of whom enough die for several chunks of changes: the first takes 200.
const chunks = 1200

// ready is a company whose first plan is approved and not yet applied.
type ready struct {
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
	out, err := lethe(dir, nil, "plan", "list", "--json")
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

// prepare lets the first plan of a company be approved, and watches one undisturbed night, which undo takes back.
func prepare(t testing.TB, dir string, look func(testing.TB, string) *outcome, undo func()) *ready {
	t.Helper()
	r := &ready{dir: dir}
	out, err := lethe(dir, nil, "plan")
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 5 { // a trigger is asked about
		require.NoError(t, err, out)
	}
	approve(t, dir)
	undisturbed, trace := filepath.Join(t.TempDir(), "undisturbed"), filepath.Join(t.TempDir(), "trace")
	require.NoError(t, copyFolder(dir, undisturbed))
	out, err = lethe(undisturbed, []string{traceVariable + "=" + trace}, "run", "--apply")
	require.NoError(t, err, out)
	passed, err := os.ReadFile(trace)
	require.NoError(t, err)
	r.points = strings.Fields(string(passed))
	r.want = look(t, undisturbed)
	undo()
	return r
}

// withBackup is a company of a SQLite database and a dump.
func withBackup(t testing.TB) *ready {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "company")
	company(t, dir, chunks)
	grant(t, dir)
	return prepare(t, dir, look, func() {})
}

// grant gives the CRM a copy of its customers' consents, as a table and as files.
func grant(t testing.TB, dir string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, "lethe.yaml"), os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	_, err = f.WriteString("sync: {crm: {source: crm, grants: {customers: [club]}, table: true, files: var/copies}}\n")
	require.NoError(t, errors.Join(err, f.Close()))
}

// look reads what a night left.
func look(t testing.TB, dir string) *outcome {
	t.Helper()
	o := &outcome{store: map[string][]string{}}
	c, err := sqlite3.Open(filepath.Join(dir, "crm.db"))
	require.NoError(t, err)
	for _, table := range []string{"addresses", "customers", "orders", "staff", "lethe_crm_customers"} {
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
		table, err := pqarrow.ReadTable(context.Background(), f,
			parquet.NewReaderProperties(memory.DefaultAllocator), pqarrow.ArrowReadProperties{},
			memory.DefaultAllocator)
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

// killed runs a night that is killed at the nth passing of a point.
func killed(t testing.TB, dir, point string, n int) {
	t.Helper()
	out, err := lethe(dir, []string{fmt.Sprintf("%s=%s:%d", crashVariable, point, n)}, "run", "--apply")
	var exit *exec.ExitError
	require.True(t, errors.As(err, &exit), out)
	status, ok := exit.Sys().(syscall.WaitStatus)
	require.True(t, ok && status.Signaled() && status.Signal() == syscall.SIGKILL, out)
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

// finish starts a killed night again, and once more, and checks that its evidence holds.
func finish(t testing.TB, dir string) {
	t.Helper()
	out, err := lethe(dir, nil, "run", "--apply")
	require.NoError(t, err, out)
	out, err = lethe(dir, nil, "audit", "verify")
	require.NoError(t, err, out)
	out, err = lethe(dir, nil, "run", "--apply")
	require.NoError(t, err, out)
	require.Contains(t, out, "already done")
	nothingUnknown(t, dir)
}

// TestKilledAnywhere kills a night over a SQLite database and a dump at every point that it passes, each time
// it passes, and lets the next start finish.
func TestKilledAnywhere(t *testing.T) {
	t.Parallel()
	r := withBackup(t)
	passings := map[string]int{}
	for _, point := range r.points {
		passings[point]++
		n := passings[point]
		if n > 3 && slices.Contains([]string{"intent", "changed"}, point) ||
			n > 1 && slices.Contains([]string{"traced", "outcome"}, point) {
			continue // how many chunks there are, and how many are recorded together, hangs on how long they took
		}
		t.Run(fmt.Sprintf("%s %d", point, n), func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "company")
			require.NoError(t, copyFolder(r.dir, dir))
			killed(t, dir, point, n)
			finish(t, dir)
			look(t, dir).check(t, r.want)
		})
	}
	for _, point := range []string{"intent", "changed", "traced", "outcome", "applied", "settled", "ended",
		"rewrite_intent", "rewrite_read_back", "rewritten", "rewrite_settled",
		"copy_begun", "copy_page", "copy_written", "snapshot_written", "copy_acknowledged"} {
		require.Contains(t, r.points, point)
	}
	require.Greater(t, passings["intent"], 2, "several chunks")
}

// fillAgain makes a server's database as it was before the night.
func fillAgain(t testing.TB, db *servers.Database) {
	t.Helper()
	const drop = "DROP TABLE IF EXISTS lethe_crm_customers, orders, customers, addresses, staff"
	if isPostgres(db) {
		db.Exec(t, drop+" CASCADE;"+postgresSQL(customers(chunks)))
		return
	}
	db.Exec(t, drop+";"+mysqlSQL(customers(chunks)))
}

// lookAt reads what a night left on a server.
func lookAt(db *servers.Database) func(testing.TB, string) *outcome {
	return func(t testing.TB, dir string) *outcome {
		t.Helper()
		o := &outcome{store: map[string][]string{}}
		for _, table := range []string{"addresses", "customers", "orders", "staff", "lethe_crm_customers"} {
			o.store[table] = strings.Split(db.Query(t, "SELECT * FROM "+table+" ORDER BY id"), "\n")
		}
		o.actions, o.done = audited(t, dir)
		return o
	}
}

// TestKilledOnMariaDB does so at some points on a server, whose transactions end when the connection does.
func TestKilledOnMariaDB(t *testing.T) { killedOn(t, servers.MariaDB(t)) }

func TestKilledOnPostgres(t *testing.T) { killedOn(t, servers.Postgres(t)) }

func killedOn(t *testing.T, server *servers.Server) {
	t.Parallel()
	db := server.Database(t)
	fill := func() { fillAgain(t, db) }
	fill()
	dir := onServer(t, db, chunks)
	look := lookAt(db)
	r := prepare(t, dir, look, fill)
	require.Less(t, len(r.want.store["customers"]), chunks, "the undisturbed night erased")
	for _, c := range []struct {
		point string
		n     int
	}{
		{"copy_begun", 1}, {"copy_page", 1}, {"copy_written", 1}, {"copy_acknowledged", 1},
		{"intent", 1}, {"changed", 1}, {"traced", 1}, {"outcome", 1}, {"intent", 3}, {"changed", 3}, // of three chunks
		{"settled", 1}, {"ended", 1},
	} {
		t.Run(fmt.Sprintf("%s %d", c.point, c.n), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "company")
			require.NoError(t, copyFolder(r.dir, dir))
			fill()
			killed(t, dir, c.point, c.n)
			finish(t, dir)
			look(t, dir).check(t, r.want)
		})
	}
}

// TestKilledBetweenRecordings kills a night between the first and the second time that it records what became of several
// chunks: some of them are recorded then, some only done, one only meant.
func TestKilledBetweenRecordings(t *testing.T) {
	t.Parallel()
	db := servers.Postgres(t).Database(t)
	fill := func() {
		fillAgain(t, db)
		db.Exec(t, `CREATE OR REPLACE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
			$$ BEGIN PERFORM pg_sleep(0.025); RETURN OLD; END $$;
			CREATE TRIGGER slow BEFORE DELETE ON customers FOR EACH ROW EXECUTE FUNCTION slow()`)
	}
	fill()
	look := lookAt(db)
	r := prepare(t, onServer(t, db, chunks), look, fill)
	type passing struct {
		point string
		n     int
	}
	var between []passing
	passed := map[string]int{}
	for _, point := range r.points {
		passed[point]++
		if passed["outcome"] == 1 && point != "outcome" {
			between = append(between, passing{point, passed[point]})
		}
	}
	require.Greater(t, passed["outcome"], 1, "it records more than once: %v", r.points)
	require.Greater(t, len(between), 3, "chunks are done between")
	for _, at := range append(between[:3:3], between[len(between)-1]) { // how many there are hangs on how long they take
		t.Run(fmt.Sprintf("%s %d", at.point, at.n), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "company")
			require.NoError(t, copyFolder(r.dir, dir))
			fill()
			killed(t, dir, at.point, at.n)
			finish(t, dir)
			look(t, dir).check(t, r.want)
		})
	}
}

var kills = flag.Int("kills", 2, "how often TestKilledAnytime and TestServerKilled kill, each")

// TestKilledAnytime kills a night after any time, wherever it then is.
func TestKilledAnytime(t *testing.T) {
	t.Parallel()
	t.Run("sqlite and a dump", func(t *testing.T) { killedAnytime(t, withBackup(t), look, func() {}) })
	t.Run("postgres", func(t *testing.T) {
		db := servers.Postgres(t).Database(t)
		fill := func() { fillAgain(t, db) }
		fill()
		killedAnytime(t, prepare(t, onServer(t, db, chunks), lookAt(db), fill), lookAt(db), fill)
	})
}

func killedAnytime(t *testing.T, r *ready, look func(testing.TB, string) *outcome, fill func()) {
	for range *kills {
		after := rand.N(1500 * time.Millisecond)
		t.Run(after.String(), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "company")
			require.NoError(t, copyFolder(r.dir, dir))
			fill()
			ctx, cancel := context.WithTimeout(t.Context(), after)
			defer cancel()
			// The context's end kills it with SIGKILL.
			out, err := command(ctx, dir, nil, "run", "--apply").CombinedOutput()
			var exit *exec.ExitError
			require.True(t, err == nil || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &exit) &&
				exit.ExitCode() < 0, "%s", out)
			finish(t, dir)
			look(t, dir).check(t, r.want)
		})
	}
}

// TestServerKilled kills the database server of a night after any time, and starts it again. The night says that
// its source failed, if it was not done with it; the next one finishes.
func TestServerKilled(t *testing.T) {
	t.Parallel()
	t.Run("mariadb", func(t *testing.T) {
		own := servers.OwnMariaDB(t)
		serverKilled(t, own.Database, own.Kill, own.Start)
	})
	t.Run("postgres", func(t *testing.T) {
		own := servers.OwnPostgres(t)
		serverKilled(t, own.Database, own.Kill, own.Start)
	})
}

func serverKilled(t *testing.T, db *servers.Database, kill, start func(testing.TB)) {
	fill := func() { fillAgain(t, db) }
	fill()
	r := prepare(t, onServer(t, db, chunks), lookAt(db), fill)
	for range *kills {
		after := rand.N(1500 * time.Millisecond)
		t.Run(after.String(), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "company")
			require.NoError(t, copyFolder(r.dir, dir))
			fillAgain(t, db)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := command(ctx, dir, nil, "run", "--apply")
			require.NoError(t, cmd.Start())
			time.Sleep(after)
			kill(t)
			err := cmd.Wait()
			start(t)
			if err != nil {
				var exit *exec.ExitError
				require.ErrorAs(t, err, &exit)
				require.Equal(t, 3, exit.ExitCode())
			}
			finish(t, dir)
			lookAt(db)(t, dir).check(t, r.want)
		})
	}
}
