package main_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"lethe/pipeline/registry/keystore"
)

// inside is a company's folder, and what somebody can do there who is root: everything, but sign as somebody else.
type inside struct {
	testing.TB
	dir    string
	at     string   // what the clock of the machine says
	with   []string // what stands behind the night's command, as somebody edits a crontab
	env    []string // of the night
	served bool     // the registry is on a server
	last   string   // what the last command printed
}

func (w *inside) path(name string) string { return filepath.Join(w.dir, name) }

// lethe runs a command and returns its exit code.
func (w *inside) lethe(args ...string) int { return w.letheWith(nil, args...) }

func (w *inside) letheWith(env []string, args ...string) int {
	w.Helper()
	out, err := lethe(w.dir, append([]string{clockVariable + "=" + w.at}, env...), args...)
	w.last = out
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return exit.ExitCode()
	}
	require.NoError(w, err)
	return 0
}

// must runs a command that has to end with a code.
func (w *inside) must(code int, args ...string) {
	w.Helper()
	require.Equal(w, code, w.lethe(args...), "%v: %s", args, w.last)
}

// sql changes a SQLite file; a change that touches nothing tests nothing.
func (w *inside) sql(file, sql string) {
	w.Helper()
	c, err := sqlite3.Open(w.path(file))
	require.NoError(w, err)
	err = c.Exec(sql)
	changes := c.TotalChanges()
	require.NoError(w, errors.Join(err, c.Close()))
	require.True(w, changes > 0 || strings.Contains(sql, "CREATE") || strings.Contains(sql, "ALTER"), sql)
}

// ask reads one cell.
func (w *inside) ask(file, sql string) string {
	w.Helper()
	rows := w.list(file, sql)
	require.NotEmpty(w, rows, sql)
	return rows[0]
}

// list reads rows, their cells parted by bars.
func (w *inside) list(file, sql string) (rows []string) {
	w.Helper()
	c, err := sqlite3.Open(w.path(file))
	require.NoError(w, err)
	stmt, _, err := c.Prepare(sql)
	require.NoError(w, err)
	for stmt.Step() {
		cells := make([]string, stmt.ColumnCount())
		for i := range cells {
			cells[i] = stmt.ColumnText(i)
		}
		rows = append(rows, strings.Join(cells, "|"))
	}
	require.NoError(w, errors.Join(stmt.Err(), stmt.Close(), c.Close()))
	return rows
}

// journal and store change what stands there.
func (w *inside) journal(sql string) { w.Helper(); w.sql("var/state/journal.db", sql) }
func (w *inside) store(sql string)   { w.Helper(); w.sql("crm.db", sql) }

// registry changes the registry, of whose tables some have triggers that keep them as they are.
func (w *inside) registry(sql string) {
	w.Helper()
	var drop, again string
	for _, row := range w.list("var/registry.db", "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'") {
		name, text, _ := strings.Cut(row, "|")
		drop, again = drop+"DROP TRIGGER "+name+";", again+text+";"
	}
	w.sql("var/registry.db", drop+sql+";"+again)
}

// sealer is what a silo's rows are veiled with.
func (w *inside) sealer(silo string) *keystore.Sealer {
	w.Helper()
	keys, err := keystore.Open(w.Context(), w.path("var/keys"), w.path("var/lethe.age"))
	require.NoError(w, err)
	key, err := keys.SiloKey(silo)
	require.NoError(w, err)
	sealer, err := key.Sealer()
	require.NoError(w, err)
	return sealer
}

// aliasOf is the condition of the references of a collection.
func (w *inside) aliasOf(silo string, collection int64) string {
	w.Helper()
	sealer, found := w.sealer(silo), []string{}
	for _, row := range w.list("var/registry.db", "SELECT hex(alias_ref), collection, hex(seal) FROM subject_alias WHERE silo = "+
		of(silo)) {
		cells := strings.Split(row, "|")
		stored, err := strconv.ParseInt(cells[1], 10, 64)
		require.NoError(w, err)
		tag, err := hex.DecodeString(cells[2])
		require.NoError(w, err)
		if stored^sealer.Beside(keystore.Tag(tag))[0] == collection {
			found = append(found, "x'"+cells[0]+"'")
		}
	}
	require.NotEmpty(w, found)
	return "silo = " + of(silo) + " AND alias_ref IN (" + strings.Join(found, ", ") + ")"
}

// eventsOf are the positions of a collection's events.
func (w *inside) eventsOf(silo string, collection int64) string {
	w.Helper()
	sealer, found := w.sealer(silo), []string{}
	for _, row := range w.list("var/registry.db", "SELECT seq, collection FROM event_payload WHERE silo = "+of(silo)) {
		seq, stored, _ := strings.Cut(row, "|")
		n, err := strconv.ParseInt(seq, 10, 64)
		require.NoError(w, err)
		if strconv.FormatInt(sealer.Whose(n, collection), 10) == stored {
			found = append(found, seq)
		}
	}
	require.NotEmpty(w, found)
	return strings.Join(found, ", ")
}

// stored is a collection as it is stored with an event.
func (w *inside) stored(silo, seq string, collection int64) string {
	w.Helper()
	n, err := strconv.ParseInt(seq, 10, 64)
	require.NoError(w, err)
	return strconv.FormatInt(w.sealer(silo).Whose(n, collection), 10)
}

func (w *inside) read(name string) string {
	w.Helper()
	data, err := os.ReadFile(w.path(name))
	require.NoError(w, err)
	return string(data)
}

func (w *inside) write(name, text string) {
	w.Helper()
	require.NoError(w, os.MkdirAll(filepath.Dir(w.path(name)), 0o700))
	require.NoError(w, os.WriteFile(w.path(name), []byte(text), 0o600))
}

// edit replaces what stands in a file.
func (w *inside) edit(name, old, new string) {
	w.Helper()
	text := w.read(name)
	require.Contains(w, text, old)
	w.write(name, strings.Replace(text, old, new, 1))
}

func (w *inside) remove(names ...string) {
	w.Helper()
	for _, name := range names {
		require.NoError(w, os.RemoveAll(w.one(name)))
	}
}

// one is the only file or folder of a pattern.
func (w *inside) one(pattern string) string {
	w.Helper()
	found, err := filepath.Glob(w.path(pattern))
	require.NoError(w, err)
	require.Len(w, found, 1, pattern)
	return found[0]
}

// plan is the id of a plan by what it holds.
func (w *inside) plan(name string) string {
	w.Helper()
	return strings.TrimSpace(w.read("plan-" + name))
}

// answers names the answers to a plan in the journal.
func (w *inside) answers(plan, act string) string {
	return "answer WHERE about = 'plan:" + w.plan(plan) + `' AND CAST(body AS TEXT) LIKE '%"act":"` + act + `"%'`
}

// measured is when the night after an insider's change runs.
const measured = "2026-12-22T00:15:00Z"

// killed runs a night that is killed between an intent and what it is meant for.
func (w *inside) killed() {
	w.Helper()
	_, err := lethe(w.dir, []string{clockVariable + "=" + w.at, crashVariable + "=intent:1"}, "run", "--apply")
	require.Error(w, err)
}

// keep copies the registry and the journal, as a backup of the machine would.
func (w *inside) keep(name string) {
	w.Helper()
	w.write("old/"+name+"/registry.db", w.read("var/registry.db"))
	w.write("old/"+name+"/journal.db", w.read("var/state/journal.db"))
}

// restore puts files back from an older copy.
func (w *inside) restore(name string, files ...string) {
	w.Helper()
	for _, f := range files {
		to := map[string]string{"registry.db": "var/", "journal.db": "var/state/"}[f] + f
		require.NotEqual(w, w.read(to), w.read("old/"+name+"/"+f))
		for _, side := range []string{"-wal", "-shm"} {
			require.NoError(w, os.RemoveAll(w.path(to+side)))
		}
		w.write(to, w.read("old/"+name+"/"+f))
	}
}

// insiderTables are the company's database, and rows of it what stands in it at first. Members 14 and above, and the
// like of other tables, are there so that no limit is near.
const insiderTables = `
CREATE TABLE members (id INTEGER PRIMARY KEY, name VARCHAR(80), email VARCHAR(120), blocked INTEGER NOT NULL DEFAULT 0,
  created_at DATETIME NOT NULL);
CREATE TABLE orders (id INTEGER PRIMARY KEY, member_id INTEGER NOT NULL REFERENCES members(id), total INTEGER NOT NULL);
CREATE TABLE leads (id INTEGER PRIMARY KEY, email VARCHAR(120), created_at DATETIME NOT NULL);
CREATE TABLE signups (id INTEGER PRIMARY KEY, email VARCHAR(120), created_at DATETIME NOT NULL);
CREATE TABLE shoppers (id INTEGER PRIMARY KEY, email VARCHAR(120), opt_in INTEGER, opt_in_at DATETIME,
  proof VARCHAR(20), created_at DATETIME NOT NULL);
CREATE TABLE staff (id INTEGER PRIMARY KEY, name VARCHAR(80), email VARCHAR(120));
`

func insiderRows() string {
	var b strings.Builder
	for id := 1; id <= 40; id++ {
		fmt.Fprintf(&b, "INSERT INTO members VALUES (%d, 'Ada Rossi', 'm%[1]d@example.org', 0, '2023-05-01 09:00:00');\n", id)
		fmt.Fprintf(&b, "INSERT INTO orders VALUES (%d, %[1]d, 12);\n", id)
	}
	for id := 1; id <= 12; id++ {
		fmt.Fprintf(&b, "INSERT INTO leads VALUES (%d, 'l%[1]d@example.org', '2026-05-01 09:00:00');\n", id)
		fmt.Fprintf(&b, "INSERT INTO signups VALUES (%d, 'n%[1]d@example.org', '2025-05-01 09:00:00');\n", id)
		fmt.Fprintf(&b, "INSERT INTO shoppers VALUES (%d, 's%[1]d@example.org', 1, '2026-05-01 09:00:00', 'p%[1]d', "+
			"'2025-05-01 09:00:00');\n", id)
	}
	b.WriteString("INSERT INTO staff VALUES (1, 'Ivo Neri', 'ivo@example.com');\n" +
		"INSERT INTO staff VALUES (2, 'Lia Costa', 'lia@example.com');\n")
	return b.String()
}

// leadsDump is a backup of one table, which holds nothing that waits for people.
func leadsDump() string {
	var rows []string
	for id := 1; id <= 12; id++ {
		rows = append(rows, fmt.Sprintf("(%d,'l%[1]d@example.org','2026-05-01 09:00:00')", id))
	}
	return "-- MySQL dump 10.13  Distrib 8.0.40, for Linux (x86_64)\n--\n-- Host: localhost    Database: crm\n" +
		"-- ------------------------------------------------------\n/*!40101 SET NAMES utf8mb4 */;\n" +
		"CREATE TABLE `leads` (\n  `id` int NOT NULL,\n  `email` varchar(120) DEFAULT NULL,\n" +
		"  `created_at` datetime NOT NULL,\n  PRIMARY KEY (`id`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;\n" +
		"INSERT INTO `leads` VALUES " + strings.Join(rows, ",") + ";\n-- Dump completed on 2026-11-19  3:00:00\n"
}

// tell imports events of a silo: "given m1 2026-01-10" and so on, of its one purpose.
func (w *inside) tell(silo, purpose string, events ...string) {
	w.Helper()
	var b bytes.Buffer
	b.WriteString("email,purpose,type,occurred_at,notice,method,evidence,id\n")
	for _, e := range events {
		f := strings.Fields(e)
		proof := "form-" + f[1]
		if f[0] == "unproven" {
			f[0], proof = "given", ""
		}
		fmt.Fprintf(&b, "%s@example.org,%s,%s,%sT10:00:00Z,v3,form,%s,%s-%s-%s\n", f[1], purpose, f[0], f[2], proof, silo,
			f[0], f[1])
	}
	w.write("told.csv", b.String())
	w.must(0, "consent", "import", "--silo", silo, "--source", "crm", "told.csv")
}

// approve lets people approve a plan.
func (w *inside) approve(plan string, people ...string) {
	w.Helper()
	for _, name := range people {
		w.must(0, "approve", plan, "--as", name, "--key", name+".key")
	}
}

// waiting is the newest plan that waits, under a name.
func (w *inside) waiting(name string) string {
	w.Helper()
	id := w.ask("var/state/journal.db", "SELECT plan_id FROM plan WHERE state = 'waiting' ORDER BY created_at DESC")
	w.write("plan-"+name, id)
	return id
}

// firstNight makes the company, and plays a night whose plan waits for people.
func firstNight(t testing.TB, dir string) *inside {
	w := &inside{TB: t, dir: dir}
	config, err := os.ReadFile("testdata/insiders/lethe.yaml")
	require.NoError(t, err)
	var keys []string
	for _, name := range []string{"anna", "bo", "dora"} {
		public, err := keystore.NewPerson(w.path(name + ".key"))
		require.NoError(t, err)
		keys = append(keys, `"`+strings.ToUpper(name)+`"`, `"`+public+`"`)
	}
	w.write("lethe.yaml", strings.NewReplacer(keys...).Replace(string(config)))
	w.write("backups/leads.sql", leadsDump())
	require.NoError(t, execute(w.path("crm.db"), insiderTables+insiderRows()))

	w.at = "2026-11-20T09:00:00Z"
	w.must(0, "keys", "create")
	w.must(0, "registry", "init")
	for _, name := range []string{"anna", "bo"} {
		w.must(0, "order", "sign", "--all", "--as", name, "--key", name+".key")
	}
	var members, leads, news, shop []string
	for id := 1; id <= 40; id++ {
		switch id {
		case 6:
			members = append(members, "given m6 2024-12-18")
		case 11:
			members = append(members, "given m11 2024-12-21")
		case 13:
		case 32:
			members = append(members, "given m32 2024-01-10")
		default:
			members = append(members, fmt.Sprintf("given m%d 2026-01-10", id))
		}
	}
	for id := 1; id <= 12; id++ {
		switch {
		case id <= 2:
			leads = append(leads, fmt.Sprintf("unproven l%d 2026-05-01", id))
		case id == 12:
			leads = append(leads, "given l12 2025-05-01")
		case id > 3:
			leads = append(leads, fmt.Sprintf("given l%d 2026-05-01", id))
		}
		news = append(news, fmt.Sprintf("given n%d 2026-05-01", id))
		shop = append(shop, fmt.Sprintf("given s%d 2026-05-01", id))
	}
	w.tell("members", "club", append(members, "withdrawn m31 2026-11-01")...)
	w.tell("leads", "offers", leads...)
	w.tell("shop", "catalogue", append(shop, "given s20 2024-01-10")...)
	w.tell("news", "newsletter", append(news, "objected n2 2026-10-01", "given s20 2026-02-01", "objected s20 2026-03-01")...)
	w.write("staff.csv", "email,purpose,type,occurred_at,notice,method,evidence,id\n"+
		"ivo@example.com,employment,basis_ended,2010-01-01T00:00:00Z,,,,s1\n"+
		"lia@example.com,employment,basis_started,2020-01-01T00:00:00Z,,,,s2\n")
	w.must(0, "consent", "import", "--silo", "staff", "--source", "hr", "staff.csv")

	// The first night: a row of standing orders, and what people approve.
	w.at = "2026-11-21T00:15:00Z"
	w.must(0, "run", "--apply")
	return w
}

// insiderWorld plays a month of nights. At its end, in the evening of 2026-12-21, there are: an approved plan that no
// night has begun (member 8), one that the data protection officer objected to (6), one that one person approved (7),
// holds, requests, a refused row (5) that is to be tried again, flags, tombstones, a list of those who said no, and rows
// that the next night erases under standing orders: members 5, 9 and 10, leads 1 and 2, shopper 20.
func insiderWorld(t testing.TB, dir string) {
	w := firstNight(t, dir)
	w.approve(w.waiting("first"), "anna", "bo")
	w.must(0, "apply")

	// A row that its database refuses.
	w.keep("first")
	w.at = "2026-12-13T09:00:00Z"
	w.tell("members", "club", "withdrawn m5 2026-12-13", "withdrawn m3 2026-12-13", "withdrawn m4 2026-12-13")
	w.must(0, "hold", "place", "--silo", "members", "--subject", "email=m3@example.org", "--case", "3/2026", "--as",
		"anna", "--key", "anna.key", "--id", "case3")
	w.must(0, "hold", "approve", "case3", "--silo", "members", "--as", "bo", "--key",
		"bo.key")
	w.must(0, "hold", "place", "--silo", "members", "--subject", "email=m10@example.org", "--case", "10/2026", "--as",
		"anna", "--key", "anna.key", "--id", "case10")
	w.must(0, "hold", "approve", "case10", "--silo", "members", "--as", "bo", "--key",
		"bo.key")
	w.must(0, "request", "open", "--silo", "members", "--kind", "access", "--subject", "email=m4@example.org", "--id", "r4")
	w.must(0, "request", "open", "--silo", "members", "--kind", "restriction", "--subject", "email=m12@example.org",
		"--id", "r12")
	require.NoError(t, execute(w.path("crm.db"),
		"CREATE TRIGGER keep BEFORE DELETE ON members BEGIN SELECT RAISE(ABORT, 'no'); END"))
	w.at = "2026-12-15T09:00:00Z"
	w.must(5, "run", "--apply")
	w.approve(w.waiting("refused"), "anna", "bo")
	w.must(3, "apply")
	require.NoError(t, execute(w.path("crm.db"), "DROP TRIGGER keep"))

	// A plan that somebody objected to.
	w.at = "2026-12-20T00:15:00Z"
	w.tell("leads", "offers", "unproven l3 2026-12-01")
	w.must(0, "run", "--apply")
	objected := w.waiting("objected")
	w.approve(objected, "anna", "bo")
	w.must(0, "approve", objected, "--as", "dora", "--key", "dora.key", "--object", "--comment", "a claim is pending")

	// One that one person approved.
	w.at = "2026-12-20T10:00:00Z"
	w.must(0, "request", "open", "--silo", "members", "--kind", "erasure", "--subject", "email=m7@example.org", "--id", "r7")
	w.must(0, "run", "--apply", "--again")
	w.approve(w.waiting("half"), "anna")

	// One that is approved.
	w.at = "2026-12-20T20:00:00Z"
	w.must(0, "request", "open", "--silo", "members", "--kind", "erasure", "--subject", "email=m8@example.org", "--id", "r8")
	w.at = "2026-12-21T00:15:00Z"
	w.must(0, "run", "--apply")
	approved := w.waiting("approved")
	w.keep("asked")
	w.approve(approved, "anna", "bo")

	// What the next night finds.
	w.at = "2026-12-21T18:00:00Z"
	w.tell("members", "club", "withdrawn m9 2026-12-21", "withdrawn m10 2026-12-21")
	w.must(0, "hold", "release", "case10", "--silo", "members", "--as", "anna", "--key", "anna.key", "--as", "bo", "--key",
		"bo.key")
	w.store("INSERT INTO shoppers VALUES (20, 's20@example.org', 1, '2026-12-21 09:00:00', NULL, '2025-05-01 09:00:00')")
}
