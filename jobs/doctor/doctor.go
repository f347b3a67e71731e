// Package doctor looks at everything around the nights that they themselves cannot mend: who can read and write what
// Lethe keeps, room on disks, whose key ends soon, how old backups are, whether nights are started at all. A Finding is
// one of these, with what to do; it changes nothing, and holds no value of a record.
package doctor

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/ask"
	"lethe/pipeline/ask/backups"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/setup"
)

// Finding is one thing that was looked at.
type Finding struct {
	State State  `json:"state"`
	About string `json:"about"` // files, disk, keys, backups, nights, ...
	Words string `json:"words"`
	Fix   string `json:"fix,omitempty"` // what to do, where something is to be done
}

// State says whether somebody has to do something.
type State string

// The states, the gravest first.
const (
	Wrong State = "wrong" // a night fails by it, or will, or somebody can take what is Lethe's
	Look  State = "look"  // a person should look at it
	Good  State = "ok"
)

// Sorted puts the gravest first, and leaves the order of the rest.
func Sorted(list []Finding) []Finding {
	grave := []State{Wrong, Look, Good}
	slices.SortStableFunc(list, func(a, b Finding) int {
		return cmp.Compare(slices.Index(grave, a.State), slices.Index(grave, b.State))
	})
	return list
}

// Worst is the gravest state of a list.
func Worst(list []Finding) State {
	worst := Good
	for _, f := range list {
		if f.State == Wrong || worst == Good {
			worst = f.State
		}
	}
	return worst
}

// Files looks at the modes of the configuration, which nobody else may write, and of what else is Lethe's, which nobody
// else may read: the state folder, the keystore, the registry.
func Files(configuration string, private ...string) (list []Finding) {
	const about = "files"
	if info, err := os.Stat(configuration); err == nil && info.Mode().Perm()&0o022 != 0 {
		list = append(list, Finding{Wrong, about, fmt.Sprintf("%s can be written by others (mode %04o): whoever can "+
			"write it says what is read and sent", configuration, info.Mode().Perm()), "chmod go-w " + configuration})
	}
	for _, root := range private {
		open, err := readable(root)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			list = append(list, Finding{Wrong, about, fmt.Sprintf("%s cannot be looked at: %v", root, err),
				"run as the user of the nights"})
		case open != "":
			list = append(list, Finding{Wrong, about, open + " can be read or written by others: it holds what only nights " +
				"and their keys may know", "chmod -R go-rwx " + root})
		}
	}
	if len(list) == 0 {
		list = append(list, Finding{Good, about, "nobody else can write the configuration or read what nights keep", ""})
	}
	return list
}

// readable names the first file below a root that others can read or write, whatever folders it lies in let them.
func readable(root string) (open string, err error) {
	info, err := os.Stat(root)
	if err != nil {
		return "", err
	}
	if info.IsDir() && info.Mode().Perm()&0o077 == 0 { // nobody else comes in
		return "", nil
	}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || open != "" || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
			open = path
		}
		if errors.Is(err, fs.ErrNotExist) { // it went meanwhile
			return nil
		}
		return err
	})
	return open, err
}

// How much room is little, and how much too little to begin a night.
const (
	littleRoom  = 2 << 30
	tooLittle   = 256 << 20
	gigabyte    = 1 << 30
	soon        = 30 // days in which somebody has to do something about what ends
	freshDays   = 2  // a backup is taken at least so often
	successDays = 2  // a night succeeds at least so often
)

// Disk looks at the room where nights write, and where backups are written anew, beside the file that they replace.
// Free says how many bytes a folder's disk still takes.
func Disk(p *setup.Setup, free func(folder string) (uint64, error)) (list []Finding) {
	const about = "disk"
	need := map[string]uint64{p.State: littleRoom, p.Reports: littleRoom}
	largest := map[string]string{}
	for _, s := range p.Sources {
		info, err := os.Stat(s.Path)
		if s.Rewrite == nil || err != nil || !info.Mode().IsRegular() {
			continue
		}
		if folder := filepath.Dir(s.Path); uint64(info.Size()) > need[folder] {
			need[folder], largest[folder] = uint64(info.Size()), s.Name
		}
	}
	for _, folder := range slices.Sorted(maps.Keys(need)) {
		room, err := free(nearest(folder))
		gb := float64(room) / gigabyte
		switch {
		case err != nil:
			list = append(list, Finding{Look, about, fmt.Sprintf("the room of %s is not known: %v", folder, err), ""})
		case largest[folder] != "" && room < need[folder]:
			list = append(list, Finding{Wrong, about, fmt.Sprintf("%s has %.1f GB left, and %s cannot be written anew beside "+
				"itself: it has %.1f GB", folder, gb, largest[folder], float64(need[folder])/gigabyte), "make room there"})
		case room < tooLittle:
			list = append(list, Finding{Wrong, about, fmt.Sprintf("%s has %.2f GB left", folder, gb), "make room there"})
		case largest[folder] == "" && room < littleRoom:
			list = append(list, Finding{Look, about, fmt.Sprintf("%s has %.1f GB left", folder, gb),
				"make room there, or give evidence a term (evidence:)"})
		default:
			list = append(list, Finding{Good, about, fmt.Sprintf("%s has %.0f GB left", folder, gb), ""})
		}
	}
	return list
}

// nearest is the folder, or the one above it that is there already.
func nearest(folder string) string {
	for {
		if _, err := os.Stat(folder); err == nil || filepath.Dir(folder) == folder {
			return folder
		}
		folder = filepath.Dir(folder)
	}
}

// Keys looks at whose signing key ends. until are the last days, by name.
func Keys(until map[string]string, today calendar.Date) (list []Finding) {
	const about = "keys"
	for _, name := range slices.Sorted(maps.Keys(until)) {
		last, err := calendar.ParseDate(until[name])
		fix := "lethe keys new --out " + name + ".key, put what it prints under people with a later until, and adopt that"
		switch {
		case err != nil:
		case last < today:
			list = append(list, Finding{Wrong, about, fmt.Sprintf("the key of %s ended on %s: what they sign counts no more",
				name, last), fix})
		case last < today+soon:
			list = append(list, Finding{Look, about, fmt.Sprintf("the key of %s ends on %s", name, last), fix})
		}
	}
	if len(list) == 0 {
		list = append(list, Finding{Good, about, fmt.Sprintf("nobody's key ends within %d days", soon), ""})
	}
	return list
}

// Checked is a line of `lethe check`: that something is there and holds, or a remark.
func Checked(line string) Finding {
	for _, holds := range []string{"registry: ", "evidence: "} {
		if strings.HasPrefix(line, holds) {
			return Finding{Good, "check", line, ""}
		}
	}
	if strings.HasPrefix(line, "source ") && (strings.Contains(line, " tables, ") ||
		strings.Contains(line, ", of the rows looked at: ")) {
		return Finding{Good, "check", line, ""}
	}
	return Finding{Look, "check", line, ""}
}

// Nights looks at how they stand.
func Nights(s ask.Status, now time.Time) (list []Finding) {
	const about = "nights"
	add := func(state State, fix, format string, args ...any) {
		list = append(list, Finding{state, about, fmt.Sprintf(format, args...), fix})
	}
	switch age := now.Sub(s.LastSuccess); {
	case s.LastRun.IsZero():
		add(Look, "lethe run   # says what it would do, and changes nothing", "there was none yet")
	case s.LastSuccess.IsZero():
		add(Look, "lethe run --apply, and answer what it asks", "none with --apply has ended well yet; the last run ended "+
			"with %d", s.LastExit)
	case age > successDays*24*time.Hour:
		add(Wrong, "lethe status   # says how the last one ended; the operator's guide what its exit code means",
			"none has ended well for %d days", int(age.Hours()/24))
	default:
		add(Good, "", "the last one ended well %d hours ago", int(age.Hours()))
	}
	if s.StopFile {
		add(Look, "remove it where nights shall change rows again", "the stop file is there: nothing is changed")
	}
	if s.Interrupted {
		add(Look, "start one: it settles what was left", "the last run was cut off")
	}
	for _, w := range s.Waiting {
		add(Look, "lethe plan show "+w.PlanID, "a plan of %d rows waits for %s until %s", w.Rows, strings.Join(w.For,
			" and "), w.ValidUntil.Format(time.DateOnly))
	}
	for _, o := range s.Overdue {
		add(Look, "the page says what holds them: "+s.Report, "%d rows of %s.%s are due and stand there", o.Count, o.Source, o.Object)
	}
	for _, d := range s.Late {
		add(Wrong, "lethe request list, lethe hold list", "%s in silo %s is late for %d days", d.ID, d.Silo, d.Days)
	}
	for _, o := range s.Orders {
		add(Look, "lethe order list", "order %s of silo %s %s", o.Order, o.Silo, o.Words)
	}
	if s.Policy != "" {
		add(Look, "lethe policy adopt", "policy: %s", s.Policy)
	}
	if s.Log.Late {
		add(Look, "lethe audit cosign   # by the data protection officer", "the log: %s", s.Log.Words)
	}
	return list
}

const untilThen = "take one: until then nothing is destroyed in it (max_backup_age)"

// Backups looks at whether they are taken, go when they should, and belong to somebody. without are the applications of
// which none is configured, most how old the newest of a source may be for rows of it to be destroyed.
func Backups(all []backups.Backup, without []string, most map[string]calendar.Period, today calendar.Date,
	zone *time.Location) (list []Finding) {
	const about = "backups"
	newest := map[string]time.Time{}
	for _, b := range all {
		ahead := calendar.DateOf(b.TakenAt, zone) > today
		if b.TakenAt.After(newest[b.Of]) && b.Of != "" && b.Status != "gone" && b.Status != "unreadable" && !ahead {
			newest[b.Of] = b.TakenAt
		}
		kept, err := calendar.ParseDate(b.KeptUntil)
		switch {
		case b.Status == "stray":
			list = append(list, Finding{Look, about, b.Path + " lies beside backups and is no source's",
				"add a source for it, or delete it"})
		case b.Status == "gone", b.Status == "unreadable":
			list = append(list, Finding{Wrong, about, b.Source + " is not there, or not to be read", "put it right, or take " +
				"its source out of the configuration"})
		case ahead:
			list = append(list, Finding{Wrong, about, b.Source + " is dated in the future", "give the file the time at which it " +
				"was taken, and look at the clock of who wrote it: its `keep` counts from there"})
		case err == nil && kept < today:
			list = append(list, Finding{Wrong, about, fmt.Sprintf("%s should have gone on %s and lies there still", b.Source,
				kept), "mend the rotation that should have removed it; until then erased people stay in it"})
		}
	}
	for _, of := range slices.Sorted(maps.Keys(most)) {
		if newest[of].IsZero() && !most[of].IsZero() {
			list = append(list, Finding{Wrong, about, "there is none of " + of + " that can be read", untilThen})
		}
	}
	for _, of := range slices.Sorted(maps.Keys(newest)) {
		taken := calendar.DateOf(newest[of], zone)
		if p := most[of]; !p.IsZero() && calendar.EndOf(taken, p) < today {
			list = append(list, Finding{Wrong, about, fmt.Sprintf("the newest of %s was taken on %s, longer ago than %s", of,
				taken, p), untilThen})
		} else if taken < today-freshDays {
			list = append(list, Finding{Look, about, fmt.Sprintf("the newest of %s was taken on %s", of, taken),
				"is it still made every night?"})
		}
	}
	if len(without) > 0 {
		list = append(list, Finding{Look, about, "none is configured of " + strings.Join(without, ", "),
			"add a source for each, if there is one: who is erased stays in it"})
	}
	if len(list) == 0 {
		list = append(list, Finding{Good, about, fmt.Sprintf("%d, each somebody's and none past its day", len(all)), ""})
	}
	return list
}
