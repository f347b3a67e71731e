package main_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	"github.com/goccy/go-yaml"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/ncruces/go-sqlite3/driver"
	"github.com/rogpeppe/go-internal/testscript"

	"lethe/fixtures/servers"
	"lethe/jobs"
	"lethe/jobs/config"
	"lethe/pipeline/ask"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry/keystore"
)

// TestConflicts runs what two wishes, rules or facts about one row can come to (how rows and people are matched,
// each line of the decision table, its edge cases) as a person would meet it, with the registry on each engine
// that it can live in. A script under testdata/script/conflicts is a company:
//
//	company.sql  its database crm.db: tables whose rows are named by the case they stand for,
//	             and have e-mail addresses of that name
//	policy.yaml  its silos
//	*.csv        what people said, to be imported
//
// It begins with an empty registry. `at` sets the clock, in the controller's zone; `cases crm.TABLE` prints
// for each row what became of it and why.
func TestConflicts(t *testing.T) {
	t.Parallel()
	for _, e := range registryEngines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			testscript.Run(t, testscript.Params{
				Dir:                filepath.Join("testdata", "script", "conflicts"),
				RequireUniqueNames: true,
				Setup:              func(env *testscript.Env) error { return e.setup(t, env) },
				Condition:          func(name string) (bool, error) { return name == e.name, nil },
				Cmds: map[string]func(*testscript.TestScript, bool, []string){
					"at": at, "cases": cases, "database": database, "superuser": superuser, "occupy": occupy,
					"unjoined": unjoined, "relay": relay, "exitcode": exitcode, "events": unveiled,
				},
			})
		})
	}
}

// registryEngine is a kind of database that the registry can live in.
type registryEngine struct {
	name   string
	driver string
	server func(testing.TB) *servers.Server // nil: a file
	tables string                           // query for the names of all tables
	occupy []string                         // by which a writer keeps others out
	// by which the database's superuser gets what protects the log out of the way
	disarm []string
}

func registryEngines() []registryEngine {
	const lock = `SELECT value FROM meta WHERE name = 'schema' FOR UPDATE`
	triggers := []string{`DROP TRIGGER IF EXISTS event_no_update`, `DROP TRIGGER IF EXISTS event_no_delete`,
		`DROP TRIGGER IF EXISTS event_payload_no_update`}
	return []registryEngine{{
		name: "sqlite", driver: "sqlite3",
		tables: `SELECT name FROM sqlite_schema WHERE type = 'table'`,
		occupy: []string{`BEGIN IMMEDIATE`},
		disarm: append([]string{`PRAGMA foreign_keys = off`}, triggers...),
	}, {
		name: "postgres", driver: "pgx", server: servers.Postgres,
		tables: `SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()`,
		occupy: []string{`BEGIN`, lock},
		disarm: []string{`SET session_replication_role = replica`},
	}, {
		name: "mysql", driver: "mysql", server: servers.MariaDB,
		tables: `SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()`,
		occupy: []string{`BEGIN`, lock},
		disarm: append([]string{`SET foreign_key_checks = 0`}, triggers...),
	}}
}

// registryDB is the database of one script's registry, as its superuser sees it.
type registryDB struct {
	*registryEngine
	dsn   string
	leave func() // ends occupy

	served *servers.Database // nil: a file
}

// rome is the controller's zone.
var rome = func() *time.Location {
	zone, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		panic(err)
	}
	return zone
}()

// setup makes a script's company.
func (e *registryEngine) setup(t *testing.T, env *testscript.Env) error {
	path := func(name string) string { return filepath.Join(env.WorkDir, name) }
	db := &registryDB{registryEngine: e, dsn: "file:" + path("var/registry.db")}
	line := "{dsn: var/registry.db}"
	if e.server != nil {
		on := e.server(t).Database(t)
		db.served = on
		if db.dsn = on.DSN(); e.name == "mysql" { // the driver's own form; a socket needs no TLS
			db.dsn = fmt.Sprintf("%s:%s@unix(%s)/%s", on.Server.User, on.Server.Password, on.Server.Socket, on.Name)
		}
		if err := os.WriteFile(path("registry.dsn"), []byte(on.DSN()), 0o600); err != nil {
			return err
		}
		line = fmt.Sprintf("{driver: %s, dsn: %q}", e.name, "file:registry.dsn")
	}
	env.Values["registry"], env.Values["printed"] = db, map[string]string{}
	anna, err := keystore.NewPerson(path("anna.key"))
	if err != nil {
		return err
	}
	bo, err := keystore.NewPerson(path("bo.key"))
	if err != nil {
		return err
	}
	own, err := os.ReadFile(path("policy.yaml"))
	if err != nil {
		return err
	}
	common, err := os.ReadFile(filepath.Join("testdata", "conflicts.yaml"))
	if err != nil {
		return err
	}
	orders, err := ordersFor(own)
	if err != nil {
		return err
	}
	config := strings.NewReplacer("REGISTRY", line, "ANNA", anna, "BO", bo).Replace(string(common)) + orders +
		string(own)
	if err := os.WriteFile(path("lethe.yaml"), []byte(config), 0o600); err != nil {
		return err
	}
	tables, err := os.ReadFile(path("company.sql"))
	if err != nil {
		return err
	}
	for _, file := range []string{"crm.db", "first.db"} { // as it was before Lethe
		if err := execute(path(file), string(tables)); err != nil {
			return fmt.Errorf("company.sql: %w", err)
		}
	}
	env.Setenv(clockVariable, time.Date(2026, 11, 19, 17, 0, 0, 0, rome).Format(time.RFC3339))
	for _, args := range [][]string{{"keys", "create"}, {"registry", "init"}} {
		if out, code := inProcess(env.WorkDir, env.Getenv(clockVariable), args...); code != 0 {
			return fmt.Errorf("lethe %s: %s", args, out)
		}
	}
	if out, code := inProcess(env.WorkDir, "2020-01-01T00:00:00Z", "policy", "adopt", "--as", "anna", "--key",
		path("anna.key")); code != 0 { // before any script begins
		return fmt.Errorf("adopt the policy: %s", out)
	}
	return nil
}

// untilRE is the last day of an order.
var untilRE = regexp.MustCompile(`until: (20\d\d-\d\d-\d\d)\}`)

// renewOrders lets the orders of a company go on from an instant, where they would not do so for long. Each script sets
// the clock first.
func renewOrders(dir, clock string) error {
	now, err := time.Parse(time.RFC3339, clock)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, "lethe.yaml")
	config, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	until := untilRE.FindSubmatch(config)
	if until == nil || string(until[1]) > now.AddDate(0, 1, 0).Format(time.DateOnly) {
		return nil
	}
	config = untilRE.ReplaceAll(config, []byte("until: "+now.AddDate(0, 5, 0).Format(time.DateOnly)+"}"))
	if err := os.WriteFile(path, config, 0o600); err != nil {
		return err
	}
	out, code := inProcess(dir, clock, "order", "sign", "--all", "--as", "anna", "--key", filepath.Join(dir, "anna.key"))
	if code != 0 {
		return fmt.Errorf("sign orders: %s", out)
	}
	return nil
}

// ordersFor gives every silo of a policy a standing order for every reason.
func ordersFor(text []byte) (string, error) {
	var own struct {
		Silos map[string]any `yaml:"silos"`
	}
	if err := yaml.Unmarshal(text, &own); err != nil {
		return "", fmt.Errorf("policy.yaml: %w", err)
	}
	var reasons []string
	for _, code := range reason.Codes() {
		if strings.HasPrefix(string(code), "D_") || strings.HasPrefix(string(code), "K_") {
			reasons = append(reasons, string(code))
		}
	}
	var b strings.Builder
	b.WriteString("orders:\n")
	for _, silo := range slices.Sorted(maps.Keys(own.Silos)) {
		fmt.Fprintf(&b, "  - {silo: %s, reasons: [%s], max_rows: 100, until: 2020-01-01}\n", silo,
			strings.Join(reasons, ", "))
	}
	return b.String(), nil
}

// inProcess runs a command of Lethe in this process, which costs less than one of its own.
func inProcess(dir, clock string, args ...string) (output string, code int) {
	now, err := time.Parse(time.RFC3339, clock)
	if err != nil {
		return err.Error(), 1
	}
	var out bytes.Buffer
	c := &jobs.Command{Out: &out, Err: &out, Now: func() time.Time { return now }, Crash: func(string) {}}
	code = c.Run(append([]string{"--config", filepath.Join(dir, "lethe.yaml")}, args...))
	return out.String(), code
}

// at sets the clock in the controller's zone: at 2026-11-20T01:15. Where a clock shows a time twice, the
// offset says which one is meant.
func at(ts *testscript.TestScript, _ bool, args []string) {
	now, err := time.ParseInLocation("2006-01-02T15:04", args[0], rome)
	if err != nil {
		now, err = time.Parse("2006-01-02T15:04Z07:00", args[0])
	}
	ts.Check(err)
	ts.Setenv(clockVariable, now.Format(time.RFC3339))
	ts.Check(renewOrders(ts.MkAbs("."), now.Format(time.RFC3339)))
}

// cases prints, for each row that a table of crm.db has or had, its name, whether it is in use, blocked, or
// gone, and what `lethe explain` says: the row of the decision table and the reason, or why it went, and what
// of importance follows. cases -changed leaves out what has not changed since the last time.
func cases(ts *testscript.TestScript, _ bool, args []string) {
	changed := args[0] == "-changed"
	if changed {
		args = args[1:]
	}
	printed := ts.Value("printed").(map[string]string)
	same := true
	source, table, _ := strings.Cut(args[0], ".")
	rows, now := rowsOf(ts, "first.db", table), rowsOf(ts, "crm.db", table)
	maps.Copy(rows, now)
	config, err := config.Load(ts.MkAbs("lethe.yaml"))
	ts.Check(err)
	p, err := config.Build(context.Background(), slog.New(slog.DiscardHandler))
	ts.Check(err)
	clock, err := time.Parse(time.RFC3339, ts.Getenv(clockVariable))
	ts.Check(err)
	p.Now = func() time.Time { return clock }
	ids := slices.Sorted(maps.Keys(rows))
	keys := make([][]string, len(ids))
	for i, id := range ids {
		keys[i] = []string{strconv.Itoa(id)}
	}
	answers, err := ask.Explain(context.Background(), p, source, table, keys...)
	ts.Check(err)
	for i, id := range ids {
		place := fmt.Sprint(table, id)
		row, there := now[id]
		if changed && !there && strings.Contains(printed[place], " gone ") {
			continue
		}
		state := "gone"
		if there {
			if state = "in use"; row.blocked {
				state = "blocked"
			}
		}
		line := fmt.Sprintf("%-44s %-8s %s", rows[id].name, state, explained(strings.Join(answers[i], "\n")))
		if !changed || printed[place] != line {
			fmt.Fprintln(ts.Stdout(), line)
			same = false
		}
		printed[place] = line
	}
	if same {
		fmt.Fprintln(ts.Stdout(), "nothing changed")
	}
}

var (
	nowRE  = regexp.MustCompile(`(?m)^now: silo \S+ decides (\w+), use (\w+): .*\((\w+), row (\w+) of`)
	noteRE = regexp.MustCompile(`(?m)^     ([EI]_\w+): `)
	dateRE = regexp.MustCompile(`(?m)^     (?:(until) |ended \S+, (erasure due) )(\S+)$`)
	pastRE = regexp.MustCompile(`(?m)^\S+: run \S+ decided (?:delete|anonymize) in [^,]+, use \w+: (\w+)$`)
)

// explained makes one line of what `lethe explain` prints.
func explained(text string) string {
	var words []string
	if m := nowRE.FindStringSubmatch(text); m != nil {
		words = append(words, m[4], m[3])
		if m[2] == string(policy.Limited) {
			words = append(words, "(limited)")
		}
		now, _, _ := strings.Cut(text, ": run ") // what nights decided has notes of its own
		for _, note := range noteRE.FindAllStringSubmatch(now, -1) {
			words = append(words, "+"+note[1])
		}
		for _, date := range dateRE.FindAllStringSubmatch(text, -1) {
			words = append(words, strings.ReplaceAll(date[1]+date[2], "erasure due", "due"), date[3])
		}
	} else if all := pastRE.FindAllStringSubmatch(text, -1); all != nil {
		words = append(words, all[len(all)-1][1])
	} else {
		words = append(words, strings.TrimSpace(text))
	}
	return strings.Join(words, " ")
}

type namedRow struct {
	name    string
	blocked bool
}

// rowsOf reads the names of a table's rows by id.
func rowsOf(ts *testscript.TestScript, file, table string) map[int]namedRow {
	db, err := sql.Open("sqlite3", "file:"+ts.MkAbs(file))
	ts.Check(err)
	defer db.Close()
	rows, err := db.Query(`SELECT id, name, blocked FROM "` + table + `"`)
	ts.Check(err)
	defer rows.Close()
	all := map[int]namedRow{}
	for rows.Next() {
		var id int
		var row namedRow
		var name sql.NullString
		ts.Check(rows.Scan(&id, &name, &row.blocked))
		row.name = name.String
		all[id] = row
	}
	ts.Check(rows.Err())
	return all
}

// connect gives one connection past all that Lethe would check, and what ends it. What was begun on it and
// not finished is rolled back.
func (r *registryDB) connect(ts *testscript.TestScript) (conn *sql.Conn, end func()) {
	db, err := sql.Open(r.driver, r.dsn)
	ts.Check(err)
	conn, err = db.Conn(context.Background())
	ts.Check(err)
	return conn, func() { ts.Check(errors.Join(conn.Close(), db.Close())) }
}

// database runs statements on the registry's database and prints the rows they select: database 'SELECT type
// FROM event WHERE seq = 3'. With ! it fails unless the database refuses.
func database(ts *testscript.TestScript, neg bool, args []string) {
	conn, end := ts.Value("registry").(*registryDB).connect(ts)
	defer end()
	err := statements(ts.Stdout(), conn, args...)
	if neg && err == nil {
		ts.Fatalf("the database did not refuse")
	}
	if !neg {
		ts.Check(err)
	}
}

// superuser is database without the guards.
func superuser(ts *testscript.TestScript, _ bool, args []string) {
	r := ts.Value("registry").(*registryDB)
	conn, end := r.connect(ts)
	defer end()
	ts.Check(statements(ts.Stdout(), conn, append(slices.Clone(r.disarm), args...)...))
}

// occupy begins to write to the registry, like another process of Lethe, and does not finish before occupy done.
func occupy(ts *testscript.TestScript, _ bool, args []string) {
	r := ts.Value("registry").(*registryDB)
	if len(args) > 0 {
		r.leave()
		return
	}
	var conn *sql.Conn
	conn, r.leave = r.connect(ts)
	ts.Check(statements(io.Discard, conn, r.occupy...))
}

func statements(out io.Writer, conn *sql.Conn, list ...string) error {
	for _, s := range list {
		run := execStatement
		if strings.HasPrefix(s, "SELECT") {
			run = printRows
		}
		if err := run(out, conn, s); err != nil {
			return err
		}
	}
	return nil
}

func execStatement(_ io.Writer, conn *sql.Conn, statement string) error {
	_, err := conn.ExecContext(context.Background(), statement)
	return err
}

func printRows(out io.Writer, conn *sql.Conn, query string) error {
	return eachRow(conn, query, func(_ []string, values [][]byte) {
		fmt.Fprintf(out, "%s\n", bytes.Join(values, []byte("|")))
	})
}

// relay puts itself between Lethe and the registry's server, and cuts Lethe off when a night passes a point:
// relay changed. Without an argument Lethe asks the server again.
func relay(ts *testscript.TestScript, _ bool, args []string) {
	r := ts.Value("registry").(*registryDB)
	dsn := ts.MkAbs("registry.dsn")
	if len(args) == 0 {
		ts.Setenv(severVariable, "")
		ts.Check(os.WriteFile(dsn, []byte(r.served.DSN()), 0o600))
		return
	}
	through, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	control, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv(severVariable, args[0]+"@"+control.Addr().String())
	ts.Check(os.WriteFile(dsn, []byte(strings.Replace(r.served.DSN(), r.served.Server.Address,
		through.Addr().String(), 1)), 0o600))
	var work sync.WaitGroup
	cut, end := context.WithCancel(context.Background())
	context.AfterFunc(cut, func() { _ = through.Close() }) // ends Accept
	work.Go(func() {
		for {
			near, err := through.Accept()
			if err != nil {
				return
			}
			work.Go(func() { pipe(cut, near, r.served.Server.Address) })
		}
	})
	work.Go(func() {
		asked, err := control.Accept()
		end()
		if err == nil {
			_ = asked.Close() // Lethe waits for this
		}
	})
	ts.Defer(func() {
		ts.Check(control.Close())
		work.Wait()
	})
}

// pipe passes bytes both ways until one end closes, or it is cut.
func pipe(cut context.Context, near net.Conn, address string) {
	far, err := net.Dial("tcp", address)
	if err != nil {
		_ = near.Close()
		return
	}
	stop := context.AfterFunc(cut, func() { _, _ = near.Close(), far.Close() })
	defer stop()
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(near, far)
		_ = near.Close()
	})
	_, _ = io.Copy(far, near)
	_ = far.Close()
	back.Wait()
}
