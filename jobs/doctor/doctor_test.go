package doctor_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/jobs/doctor"
	"lethe/pipeline/ask"
	"lethe/pipeline/ask/backups"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/setup"
)

var (
	now   = time.Date(2026, 11, 20, 6, 0, 0, 0, time.UTC)
	today = calendar.DateOf(now, time.UTC)
)

// says makes one text of findings: their states and words.
func says(list []doctor.Finding) string {
	var b strings.Builder
	for _, f := range list {
		b.WriteString(string(f.State) + " " + f.Words + "\n")
	}
	return b.String()
}

// TestWhoCanReadAndWrite finds what others can write or read, and does not mind what lies in a folder of one's own.
func TestWhoCanReadAndWrite(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.Chmod(filepath.Dir(path), 0o755)) // whatever the umask
		require.NoError(t, os.WriteFile(path, []byte("x"), 0o600))
		require.NoError(t, os.Chmod(path, mode))
		return path
	}
	config := write("lethe.yaml", 0o644)
	state := filepath.Dir(write("state/journal.db", 0o600))
	missing := filepath.Join(dir, "nothing")
	require.Equal(t, "ok nobody else can write the configuration or read what nights keep\n",
		says(doctor.Files(config, state, missing)))

	require.NoError(t, os.Chmod(config, 0o664))
	require.NoError(t, os.Chmod(filepath.Join(state, "journal.db"), 0o640))
	found := doctor.Files(config, state)
	require.Contains(t, says(found), "wrong "+config+" can be written by others (mode 0664)")
	require.Contains(t, says(found), "wrong "+filepath.Join(state, "journal.db")+" can be read or written by others")
	require.Equal(t, "chmod -R go-rwx "+state, found[1].Fix)
	require.NoError(t, os.Chmod(config, 0o600))
	require.NoError(t, os.Chmod(state, 0o700))
	require.Equal(t, doctor.Good, doctor.Worst(doctor.Files(config, state)), "nobody else comes into the folder")
}

// TestRoom tells little room from too little, and asks of backups for as much as the largest is.
func TestRoom(t *testing.T) {
	dir := t.TempDir()
	dump := filepath.Join(dir, "dump.sql")
	require.NoError(t, os.WriteFile(dump, nil, 0o600))
	require.NoError(t, os.Truncate(dump, 5<<30))
	p := &setup.Setup{State: filepath.Join(dir, "not", "yet"), Reports: filepath.Join(dir, "reports"),
		Sources: []setup.Source{{Name: "dump.sql", Path: dump, Rewrite: &setup.RewriteTerms{}}}}
	for room, want := range map[uint64][]string{
		100 << 20: {"wrong " + dir + " has 0.1 GB left, and dump.sql cannot be written anew", "wrong " + p.State + " has 0.10 GB"},
		1 << 30:   {"wrong " + dir + " has 1.0 GB left, and dump.sql", "look " + p.State + " has 1.0 GB left"},
		9 << 30:   {"ok " + dir + " has 9 GB left", "ok " + p.Reports + " has 9 GB left"},
	} {
		got := says(doctor.Disk(p, func(folder string) (uint64, error) {
			require.DirExists(t, folder)
			return room, nil
		}))
		for _, w := range want {
			require.Contains(t, got, w)
		}
	}
	got := doctor.Disk(p, func(string) (uint64, error) { return 0, errors.New("no answer") })
	require.Equal(t, doctor.Look, doctor.Worst(got))
}

// TestWhoseKeyEnds names whose key is over, and whose ends within a month.
func TestWhoseKeyEnds(t *testing.T) {
	got := says(doctor.Keys(map[string]string{"anna": "2026-11-19", "bo": "2026-12-19", "cy": "2026-12-20", "di": ""}, today))
	require.Equal(t, "wrong the key of anna ended on 2026-11-19: what they sign counts no more\n"+
		"look the key of bo ends on 2026-12-19\n", got)
	require.Equal(t, doctor.Good, doctor.Worst(doctor.Keys(map[string]string{"di": "2027-06-01"}, today)))
}

// TestHowNightsStand goes through what a status can say.
func TestHowNightsStand(t *testing.T) {
	well := ask.Status{LastRun: now, LastSuccess: now.Add(-5 * time.Hour)}
	for want, s := range map[string]ask.Status{
		"look there was none yet":                             {},
		"look none with --apply has ended well yet":           {LastRun: now, LastExit: 5},
		"wrong none has ended well for 3 days":                {LastRun: now, LastSuccess: now.Add(-80 * time.Hour)},
		"ok the last one ended well 5 hours ago":              well,
		"look the stop file is there":                         {LastRun: now, LastSuccess: now, StopFile: true},
		"look the last run was cut off":                       {LastRun: now, LastSuccess: now, Interrupted: true},
		"look a plan of 7 rows waits for a custodian until 2": {Waiting: []ask.WaitingPlan{{Rows: 7, For: []string{"a custodian"}, ValidUntil: now}}},
	} {
		require.Contains(t, says(doctor.Nights(s, now)), want)
	}
	require.Equal(t, doctor.Good, doctor.Worst(doctor.Nights(well, now)))
}

// TestHowBackupsStand finds those past their day, old, gone and nobody's.
func TestHowBackupsStand(t *testing.T) {
	taken := func(days int) time.Time { return now.AddDate(0, 0, -days) }
	fine := backups.Backup{Source: "b", Of: "crm", TakenAt: taken(1), KeptUntil: "2026-12-01", Status: "ok"}
	require.Equal(t, "ok 1, each somebody's and none past its day\n", says(doctor.Backups([]backups.Backup{fine}, nil, nil, today,
		time.UTC)))
	got := says(doctor.Backups([]backups.Backup{fine,
		{Source: "old", Of: "crm", TakenAt: taken(99), KeptUntil: "2026-11-19", Status: "ok"},
		{Source: "away", Of: "crm", Status: "gone"}, {Path: "x.sql", Status: "stray"},
		{Source: "tomorrow", Of: "shop", TakenAt: taken(-1), Status: "ok"}, {Source: "cut", Of: "web", TakenAt: taken(0), Status: "unreadable"},
		{Source: "shop", Of: "shop", TakenAt: taken(3), Status: "ok"}, {Source: "till", Of: "till", TakenAt: taken(3), Status: "ok"}},
		[]string{"hr"}, map[string]calendar.Period{"crm": {Days: 1}, "till": {Days: 2}, "web": {Days: 2}}, today, time.UTC))
	require.Equal(t, "wrong old should have gone on 2026-11-19 and lies there still\nwrong away is not there, or not to be read\n"+
		"look x.sql lies beside backups and is no source's\nwrong tomorrow is dated in the future\n"+
		"wrong cut is not there, or not to be read\nwrong there is none of web that can be read\nlook the newest of shop was taken on 2026-11-17\n"+
		"wrong the newest of till was taken on 2026-11-17, longer ago than P2D\n"+
		"look none is configured of hr\n", got)
}

// TestTheGravestComesFirst sorts, and keeps the order of the rest.
func TestTheGravestComesFirst(t *testing.T) {
	list := doctor.Sorted([]doctor.Finding{doctor.Checked("registry: 2 silos, chains hold"), doctor.Checked("order 1 ended"),
		{State: doctor.Wrong, Words: "w"}, doctor.Checked("source crm: 3 tables, 1 governed, read only")})
	require.Equal(t, "wrong w\nlook order 1 ended\nok registry: 2 silos, chains hold\n"+
		"ok source crm: 3 tables, 1 governed, read only\n", says(list))
	require.Equal(t, doctor.Wrong, doctor.Worst(list))
	require.Equal(t, doctor.Look, doctor.Worst(list[1:]))
}
