package main_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	fixture "lethe/fixtures/company"
)

// insider is one change by somebody who is root, and means it ill, and holds nobody's signing key but anna's, an
// owner's. It holds for each: no row is erased that the untouched night keeps, none is saved that it erases without
// being named, and the change is named, by the night (an exit code, a finding) or by `audit verify`.
type insider struct {
	name string
	does func(w *inside)
	// What of this does not hold today: "erases", "saves", "unseen". The test fails as soon as it is not so any more,
	// so that the list of them can only become shorter.
	today string
}

// TestInsiders plays every insider against a company of its own: the change, the night, `audit verify`.
// What it finds is compared with what the night makes of a company that nobody touched.
func TestInsiders(t *testing.T) {
	t.Parallel()
	ready := filepath.Join(t.TempDir(), "ready")
	insiderWorld(t, ready)
	cut := filepath.Join(t.TempDir(), "cut")
	require.NoError(t, copyFolder(ready, cut))
	(&inside{TB: t, dir: cut, at: measured}).killed()
	back := filepath.Join(t.TempDir(), "back")
	require.NoError(t, copyFolder(ready, back))
	(&inside{TB: t, dir: back}).putBack()

	aged := filepath.Join(t.TempDir(), "aged")
	require.NoError(t, copyFolder(ready, aged))
	(&inside{TB: t, dir: aged}).aged()

	for _, world := range []struct {
		name, dir string
		night     int // how the untouched night ends
		insiders  []insider
	}{{"quiet", ready, 0, insiders()}, {"cut off", cut, 0, insidersOfACutNight()},
		{"put back", back, 0, insidersOfACopy()}, {"aged", aged, 10, insidersOfWhatIsOld()}} {
		before := contents(t, world.dir)
		twin := play(t, world.dir, func(*inside) {})
		require.Equal(t, [2]int{world.night}, twin.codes, "the untouched night is in order: %v", twin.said)
		require.Equal(t, world.night == 0, len(without(before, twin.rows)) > 0)
		t.Logf("%s: erased: %v", world.name, without(before, twin.rows))
		names := map[string]bool{}
		for _, i := range world.insiders {
			require.False(t, names[i.name], "%s: named twice", i.name)
			names[i.name] = true
			t.Run(world.name+"/"+i.name, func(t *testing.T) {
				t.Parallel()
				got := play(t, world.dir, i.does)
				t.Logf("exit codes %v\nerased beside: %v\nsaved: %v\nsaid: %v", got.codes, without(twin.rows, got.rows),
					without(got.rows, twin.rows), without(got.said, twin.said))
				verdict := got.verdict(before, twin)
				if i.today == perhaps {
					require.Contains(t, []string{"", harmless}, verdict, "what does not hold of an insider who %s", i.name)
					return
				}
				require.Equal(t, i.today, verdict, "what does not hold of an insider who %s", i.name)
			})
		}
	}
}

// aftermath is what a night left and said.
type aftermath struct {
	rows  map[string]bool // of the sources, whole
	codes [2]int          // of the night and of audit verify
	said  map[string]bool // errors and findings
}

// verdict says what does not hold of a night that an insider came before; "" if nothing.
func (o aftermath) verdict(before map[string]bool, twin aftermath) string {
	var list []string
	if len(without(twin.rows, o.rows)) > 0 {
		list = append(list, "erases")
	}
	named := o.codes != twin.codes || len(without(o.said, twin.said)) > 0
	saved := func(row string) bool { return before[row] && !twin.rows[row] }
	if !named && slices.ContainsFunc(without(o.rows, twin.rows), saved) {
		list = append(list, "saves")
	}
	if !named {
		list = append(list, "unseen")
	}
	return strings.Join(list, ", ")
}

// without are the members of a set that another one lacks, sorted.
func without(a, b map[string]bool) (list []string) {
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if !b[name] {
			list = append(list, name)
		}
	}
	return list
}

// named are the tables of the evidence in which somebody looks for what was done, and their columns that say it.
var named = map[string][]string{
	"findings":       {"kind", "source", "object", "field"},
	"requests":       {"silo", "request_id", "kind", "status", "outcome"},
	"policy_changes": {"place", "before", "after", "effect", "adopted_by"},
}

// play copies a company, lets somebody change it, and runs the night.
func play(t *testing.T, company string, does func(*inside)) (o aftermath) {
	t.Helper()
	w := &inside{TB: t, dir: filepath.Join(t.TempDir(), "company"), at: measured}
	require.NoError(t, copyFolder(company, w.dir))
	does(w)
	known := w.runs()
	o.said = map[string]bool{}
	for i, args := range [][]string{{"run", "--apply"}, {"audit", "verify"}} {
		if i == 0 {
			args = append(args, w.with...)
		} else if w.served && o.codes[0] != 0 {
			break // it is named
		}
		o.codes[i] = w.letheWith(w.env, args...)
		for line := range strings.Lines(w.last) {
			if strings.HasPrefix(line, "lethe:") || strings.HasPrefix(line, "changed") {
				o.said[nameless(line)] = true
			}
		}
	}
	for _, run := range slices.Sorted(maps.Keys(w.runs())) {
		if known[run] {
			continue
		}
		for table, columns := range named {
			files, err := filepath.Glob(w.path("var/reports/table=" + table + "/date=*/run=" + run + "/*.parquet"))
			require.NoError(t, err)
			for _, f := range files {
				rows, err := fixture.ReadParquet(f)
				require.NoError(t, err)
				for _, r := range rows {
					line := []string{}
					for _, c := range columns {
						_, is := r[c]
						require.True(t, is, "%s has a column %s", table, c)
						line = append(line, r[c])
					}
					o.said[nameless(strings.Join(line, " "))] = true
				}
			}
		}
	}
	o.rows = contents(t, w.dir)
	return o
}

// runs are the nights of which reports stand.
func (w *inside) runs() map[string]bool {
	w.Helper()
	found, err := filepath.Glob(w.path("var/reports/manifests/date=*/run=*"))
	require.NoError(w, err)
	runs := map[string]bool{}
	for _, path := range found {
		_, run, _ := strings.Cut(filepath.Base(path), "=")
		runs[run] = true
	}
	return runs
}

var namelessRE = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32,}|[0-9]+`)

// nameless is a line without what differs from night to night.
func nameless(line string) string { return strings.TrimSpace(namelessRE.ReplaceAllString(line, "#")) }

// contents are the rows of a company's sources. Whether one is blocked can be taken back, and is left out.
func contents(t testing.TB, dir string) map[string]bool {
	t.Helper()
	w := &inside{TB: t, dir: dir}
	rows := map[string]bool{}
	for table, columns := range map[string]string{"members": "m.id, name, email, created_at", "orders": "m.id, member_id",
		"leads": "*", "signups": "*", "shoppers": "m.id, email", "staff": "*"} {
		as := w.ask("crm.db", "SELECT name FROM sqlite_schema WHERE name IN ('"+table+"', '"+table+"2')")
		for _, row := range w.list("crm.db", "SELECT "+columns+" FROM "+as+" m") {
			rows[table+" "+row] = true
		}
	}
	var files []string
	for _, pattern := range []string{"backups/*.*", "backups/below/*", "else/*"} { // wherever somebody put them
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		require.NoError(t, err)
		files = append(files, found...)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || !info.Mode().IsRegular() {
			continue // a pipe, a device, a folder, a link that leads nowhere
		}
		data, err := os.ReadFile(f)
		require.NoError(t, err)
		for _, row := range dumpedRE.FindAllString(string(data), -1) {
			rows["backup "+row] = true
		}
	}
	require.NotEmpty(t, rows)
	return rows
}

var dumpedRE = regexp.MustCompile(`\([0-9]+,'[^)]*\)`)
