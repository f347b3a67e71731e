package main_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/fixtures/attacker"
	fixture "lethe/fixtures/company"
	"lethe/pipeline/audit/spool"
	"lethe/pipeline/registry/keystore"
)

// joinedPeople is how many people two silos have in common, told of both in the same order, at the same instants; their
// rows stand in two tables in the same order, under the same keys. So many of them withdrew, four on each day; the others
// had processing restricted.
const (
	joinedPeople = 160
	withdrew     = 120
)

// sights are what somebody who has the state folder, or the reports, and no keys sees of people, by place and column.
type sights struct {
	testing.TB
	dir    string
	people map[string]seen // by the references that stand there, hex
	traces map[string]*[2]map[int][]byte
	files  map[string]int
}

type seen struct{ silo, person int }

var sightSilos = [2]string{"guests", "hosts"}

// TestWhatNightsLeaveJoinsNobody lets nights leave their state and their reports, and plays the attacker on each column of
// both, on where rows stand in files, on how far they are from the row before, and on the sizes of files of one row. What
// is better than chance fails.
func TestWhatNightsLeaveJoinsNobody(t *testing.T) {
	t.Parallel()
	w := joinedCompany(t)
	w.must(5, "run", "--apply") // it asks whether so much of a table is meant
	first := w.sights()
	first.attack(t, "a night with a plan that waits")
	w.approve(w.waiting("all"), "anna", "bo")
	w.must(3, "apply") // of each third row the database refuses
	w.at = "2026-11-22T00:15:00Z"
	w.lethe("run", "--apply")
	w.sights().attack(t, erased)
}

// TestWhatRowsThatDecideAloneLeaveJoinsNobody is the same of silos whose rows decide alone, of people whom the registry knows
// by what they ask for only: 31 asked both silos, a minute apart, in the same order.
func TestWhatRowsThatDecideAloneLeaveJoinsNobody(t *testing.T) {
	t.Parallel()
	w := joinedCompany(t)
	config := w.read("lethe.yaml")
	config = strings.ReplaceAll(config, "link_scope: silo", "no_match: decide")
	config = strings.ReplaceAll(config, "basis: consent, max_age: P24M", "basis: legitimate_interest, start: collected, "+
		"period: P6M, article: a law")
	w.write("lethe.yaml", config)
	w.remove("var/registry.db")
	w.must(0, "registry", "init")
	start, err := time.Parse(time.RFC3339, w.at)
	require.NoError(t, err)
	asked, letters := map[string]seen{}, map[string]bool{}
	for p := withdrew + 1; p <= withdrew+31; p++ {
		for i, silo := range sightSilos {
			id, at := fmt.Sprintf("request-%08x", rand.Uint32()), start.Add(time.Duration(p-joinedPeople)*time.Minute)
			asked[id] = seen{i, p}
			out, code := inProcess(w.dir, at.Format(time.RFC3339), "request", "open", "--silo", silo, "--kind", "access",
				"--subject", fmt.Sprintf("email=p%d@example.org", p), "--id", id)
			require.Zero(t, code, out)
			if p > withdrew+2 {
				continue
			}
			out, code = inProcess(w.dir, at.Format(time.RFC3339), "request", "letter", id, "--silo", silo, "--kind",
				"acknowledgement", "--language", "en", "--to", w.path("letters/"+id))
			require.Zero(t, code, out)
			written, err := os.ReadFile(w.one("letters/" + id + "/*.txt"))
			require.NoError(t, err)
			letters[strings.ReplaceAll(string(written), id, "REQUEST")] = true
		}
	}
	require.Len(t, letters, 1, "of a person a letter has the name of the request, and no more")
	w.must(5, "run", "--apply")
	w.sights(asked).attack(t, "a night of rows that decide alone, with a plan that waits")
	w.approve(w.waiting("all"), "anna", "bo")
	w.must(3, "apply")
	w.at = "2026-11-22T00:15:00Z"
	w.lethe("run", "--apply")
	w.sights(asked).attack(t, erased)
}

// TestWhatIsEncryptedForReadersJoinsNobody is the same of silos that have readers of their own: then nobody else sees the
// days of decisions, nor a reference of anybody.
func TestWhatIsEncryptedForReadersJoinsNobody(t *testing.T) {
	t.Parallel()
	w := joinedCompany(t)
	for _, silo := range sightSilos {
		who, err := age.GenerateX25519Identity()
		require.NoError(t, err)
		w.edit("lethe.yaml", "  "+silo+":\n", fmt.Sprintf("  %s:\n    readers: [%q]\n", silo, who.Recipient()))
	}
	w.must(0, "policy", "adopt", "--as", "anna", "--key", "anna.key")
	w.must(0, "policy", "adopt", "--as", "bo", "--key", "bo.key")
	w.must(5, "run", "--apply")
	w.approve(w.waiting("all"), "anna", "bo")
	w.must(3, "apply")
	w.at = "2026-11-22T00:15:00Z"
	w.lethe("run", "--apply")
	s := w.sights()
	require.Empty(t, s.traces, "nobody stands there in a way that tells who it is, not even by a reference")
	require.Positive(t, s.files["closed"], "what nights decided is there, and encrypted")
	for _, table := range []string{"actions", "decisions"} {
		found, err := filepath.Glob(w.path("var/reports/table=" + table + "/*/*/*.age"))
		require.NoError(t, err)
		require.NotEmpty(t, found, table)
	}
}

// erased is when a night has changed rows, and a database refused some.
const erased = "nights that erased"

// joinedCompany is ready for its first night.
func joinedCompany(t *testing.T) *inside {
	w := &inside{TB: t, dir: filepath.Join(t.TempDir(), "company"), at: "2026-11-20T09:00:00Z"}
	var keys []string
	for _, name := range []string{"anna", "bo"} {
		require.NoError(t, os.MkdirAll(w.dir, 0o700))
		public, err := keystore.NewPerson(w.path(name + ".key"))
		require.NoError(t, err)
		keys = append(keys, strings.ToUpper(name), public)
	}
	w.write("lethe.yaml", strings.NewReplacer(keys...).Replace(`
controller: {name: Prova Srl, timezone: Europe/Rome, jurisdiction: IT}
state: var/state
reports: var/reports
keystore: {path: var/keys, identity: file:var/lethe.age}
registry: {dsn: var/registry.db}
people:
  anna: {key: "ANNA", roles: ["owner:guests", "owner:hosts"]}
  bo: {key: "BO", roles: [custodian]}
sources:
  crm: {application: crm, environment: production, connector: sqlite, dsn: crm.db, apply_dsn: crm.db, location: IT}
silos:
  guests:
    link_scope: silo
    records: [{source: crm, table: guests, subject: {email: email}, collected: created_at, block: {set: {blocked: "1"}, unset: {blocked: "0"}}}]
    rules: [{purpose: stays, basis: consent, max_age: P24M, end: delete, because: "desk", owner: anna, review_by: 2027-06-01}]
  hosts:
    link_scope: silo
    records: [{source: crm, table: hosts, subject: {email: email}, collected: created_at, block: {set: {blocked: "1"}, unset: {blocked: "0"}}}]
    rules: [{purpose: lets, basis: consent, max_age: P24M, end: delete, because: "desk", owner: anna, review_by: 2027-06-01}]
breakers: {max_percent: 100, no_match_percent: 100, new_source_runs: 0}
`))
	var rows, guests, hosts strings.Builder
	start := time.Date(2026, 1, 10, 10, 0, 0, 0, time.UTC)
	for _, table := range sightSilos {
		fmt.Fprintf(&rows, "CREATE TABLE %s (id INTEGER PRIMARY KEY, email TEXT, created_at DATETIME, blocked INTEGER DEFAULT 0);"+
			"CREATE TRIGGER no_%[1]s BEFORE DELETE ON %[1]s WHEN OLD.id %% 3 = 0 BEGIN SELECT RAISE(ABORT, 'no'); END;", table)
	}
	for _, b := range []*strings.Builder{&guests, &hosts} {
		b.WriteString("email,purpose,type,occurred_at,notice,method,evidence,id\n")
	}
	for p := 1; p <= joinedPeople; p++ {
		at := start.Add(time.Duration(p) * 41 * time.Minute)
		for silo, purpose := range []string{"stays", "lets"} {
			fmt.Fprintf(&rows, "INSERT INTO %s VALUES (%d, 'p%[2]d@example.org', '%s', 0);", sightSilos[silo], p, at.Format(time.DateTime))
			b := []*strings.Builder{&guests, &hosts}[silo]
			fmt.Fprintf(b, "p%d@example.org,%s,given,%s,v3,form,f%[1]d,g%[1]d\n", p, purpose, at.Format(time.RFC3339))
			if p <= withdrew {
				said := time.Date(2026, 10, 1+(p-1)/4, 9, p%60, 0, 0, time.UTC)
				fmt.Fprintf(b, "p%d@example.org,%s,withdrawn,%s,,,,w%[1]d\n", p, purpose, said.Format(time.RFC3339))
			} else {
				fmt.Fprintf(b, "p%d@example.org,,restricted,%s,,,,r%[1]d\n", p, at.AddDate(0, 6, 0).Format(time.RFC3339))
			}
		}
	}
	require.NoError(t, execute(w.path("crm.db"), rows.String()))
	w.must(0, "keys", "create")
	w.must(0, "registry", "init")
	for silo, text := range map[string]string{"guests": guests.String(), "hosts": hosts.String()} {
		w.write(silo+".csv", text)
		w.must(0, "consent", "import", "--silo", silo, "--source", "desk", silo+".csv")
	}
	w.at = "2026-11-21T00:15:00Z"
	return w
}

// sights reads all that nights left, as who has no keys; also whose requests are, by their names.
func (w *inside) sights(requests ...map[string]seen) *sights {
	w.Helper()
	s := &sights{TB: w.TB, dir: w.dir, people: map[string]seen{}, traces: map[string]*[2]map[int][]byte{}, files: map[string]int{}}
	keys, err := keystore.Open(w.Context(), w.path("var/keys"), w.path("var/lethe.age"))
	require.NoError(w, err)
	for i, silo := range sightSilos { // the judge knows whose references they are
		audit, err := keys.AuditKey(silo, "2026-Q4")
		require.NoError(w, err)
		key, err := keys.SiloKey(silo)
		require.NoError(w, err)
		for p := 1; p <= joinedPeople; p++ {
			row := []byte(connectors.MakeKey(fmt.Append(nil, p)))
			inReports, inRegistry := audit.Ref("crm\x1f"+silo, row), key.Record("crm", silo, row)
			for _, ref := range [][]byte{inReports[:], inReports[:len(inReports)/2], inRegistry[:], inRegistry[:len(inRegistry)/2]} {
				s.people[hex.EncodeToString(ref)] = seen{i, p}
			}
		}
	}
	for _, asked := range requests {
		maps.Copy(s.people, asked)
	}
	for _, folder := range []string{"var/state", "var/reports"} {
		require.NoError(w, filepath.WalkDir(w.path(folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.HasSuffix(path, "-wal") || strings.HasSuffix(path, "-shm") {
				return err
			}
			return s.file(path)
		}))
	}
	return s
}

var runRE = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}(-destructive|-reversible)?|date=[0-9-]+`)

// file reads one file, of whatever kind.
func (s *sights) file(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	name, err := filepath.Rel(s.dir, path)
	if err != nil {
		return err
	}
	switch {
	case strings.HasSuffix(path, ".parquet"):
		rows, err := fixture.ReadParquet(path)
		for at, r := range rows {
			s.row(name, at, r)
		}
		return err
	case strings.HasSuffix(path, ".arrow"):
		return s.arrow(name, data)
	case bytes.HasPrefix(data, []byte("SQLite format 3\x00")):
		return s.database(name, path)
	}
	for at, line := range strings.Split(string(data), "\n") {
		s.row(name, at, map[string]string{"line": line})
	}
	s.row(name, 0, map[string]string{"bytes": hex.EncodeToString(data)})
	return nil
}

// arrow reads rows that Lethe keeps until a report is made, if anybody can.
func (s *sights) arrow(name string, data []byte) error {
	plain, err := spool.Unpack(bytes.NewReader(data))
	if err != nil {
		return err
	}
	defer plain.Close()
	r, err := ipc.NewReader(plain)
	if err != nil {
		s.files["closed"]++
		return nil
	}
	defer r.Release()
	at := 0
	for r.Next() {
		rec := r.Record()
		for row := range int(rec.NumRows()) {
			cells := map[string]string{}
			for i := range int(rec.NumCols()) {
				switch col := rec.Column(i).(type) {
				case *array.Binary:
					cells[rec.ColumnName(i)] = hex.EncodeToString(col.Value(row))
				case *array.FixedSizeBinary:
					cells[rec.ColumnName(i)] = hex.EncodeToString(col.Value(row))
				default:
					cells[rec.ColumnName(i)] = col.ValueStr(row)
				}
			}
			s.row(name, at, cells)
			at++
		}
	}
	return nil
}

func (s *sights) database(name, path string) error {
	return eachTable(path, " ORDER BY rowid", func(table string, at int, columns []string, v [][]byte) {
		cells := map[string]string{}
		for i, c := range columns {
			if cells[c] = string(v[i]); len(v[i]) == 32 || len(v[i]) == 16 {
				cells[c] = hex.EncodeToString(v[i])
			}
		}
		s.row(name+" "+table, at, cells)
	})
}

// row takes a row that refers to somebody, by whatever column.
func (s *sights) row(place string, at int, cells map[string]string) {
	night := runRE.ReplaceAllString(place, "*")
	for _, silo := range sightSilos {
		night = strings.ReplaceAll(night, silo, "SILO")
	}
	s.files[night]++
	for _, column := range slices.Sorted(maps.Keys(cells)) {
		who, ok := s.people[cells[column]]
		if !ok {
			continue
		}
		s.put(place, night+" place in the file", who, fmt.Sprintf("%s %020d", sightSilos[who.silo], at))
		for other, v := range cells {
			if _, refers := s.people[v]; !refers && other != "silo" && other != "object" {
				s.put(place, night+" "+other, who, v)
			}
		}
		return
	}
}

// put notes what stands beside somebody; of what stands there in several nights each is a sight of its own.
func (s *sights) put(place, name string, who seen, value string) {
	name += " (" + runRE.FindString(strings.ReplaceAll(place, "date=", "")) + ")"
	if s.traces[name] == nil {
		s.traces[name] = &[2]map[int][]byte{{}, {}}
	}
	if regexp.MustCompile(`^[0-9]+$`).MatchString(value) {
		value = strings.Repeat("0", max(0, 20-len(value))) + value
	}
	s.traces[name][who.silo][who.person] = []byte(value)
}

// attack joins by everything that was seen of people who withdrew, and of those who did not.
func (s *sights) attack(t *testing.T, when string) {
	t.Helper()
	looked := 0
	for name, both := range s.traces {
		for _, alike := range []func(p int) bool{ // what became of them
			func(p int) bool { return p <= withdrew && p%3 != 0 },
			func(p int) bool { return p <= withdrew && p%3 == 0 }, // refused
			func(p int) bool { return p > withdrew },
		} {
			var trace attacker.Trace
			for p := 1; p <= joinedPeople; p++ {
				if !alike(p) {
					continue
				}
				a, there := both[0][p]
				b, too := both[1][p]
				if there && too {
					trace[0], trace[1] = append(trace[0], a), append(trace[1], b)
				}
			}
			if len(trace[0]) < 30 {
				continue
			}
			looked++
			guess := trace.Join()
			if guess.Good(len(trace[0])) {
				t.Errorf("%s: %s joins %d people of two silos: %+v", when, name, len(trace[0]), guess)
			}
		}
	}
	t.Logf("%s: %d sights of people", when, looked)
	for _, place := range []string{"var/state/journal.db refusal", "var/reports/table=actions", "var/reports/table=decisions"} {
		require.True(t, when != erased || slices.ContainsFunc(slices.Collect(maps.Keys(s.files)), func(name string) bool {
			return strings.HasPrefix(name, place)
		}), "%s: nothing was seen of %s", when, place)
	}
	require.Greater(t, looked, 20)
	require.Positive(t, s.files["closed"], "and what is encrypted is there")
}
