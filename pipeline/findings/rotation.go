package findings

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"lethe/pipeline/audit"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/setup"
)

// Of a rotation.
const (
	overstays = 2   // days by which a backup may outlive its keep: who rotates once a day is late by one
	gapFactor = 1.8 // by how much longer than the ones before it a pause between backups is a gap
	gapAfter  = 3   // pauses in a row to which one is compared
)

// InspectRotation finds backups that lie there though their keep is over, and pauses in which none was taken though one
// was each day, week or month before: the rotation is looked at, not believed. Versions that a store keeps end by its
// own rules.
func (in *Inspector) InspectRotation() {
	var sets []string
	files := map[string][]setup.Source{}
	for _, s := range in.Setup.Sources {
		if !s.Backup() || s.Path == "" || s.Version != "" || s.TakenAt.IsZero() {
			continue
		}
		set := cmp.Or(s.Set, s.Name)
		if files[set] == nil {
			sets = append(sets, set)
		}
		files[set] = append(files[set], s)
	}
	for _, set := range sets {
		slices.SortFunc(files[set], func(a, b setup.Source) int { return b.TakenAt.Compare(a.TakenAt) })
		in.kept(set, files[set])
		in.gap(set, files[set])
	}
}

// kept finds those of a set whose keep is over.
func (in *Inspector) kept(set string, files []setup.Source) {
	var first calendar.Date
	var over int64
	for _, s := range files {
		if s.Keep.IsZero() {
			continue
		}
		ends := calendar.EndOf(calendar.DateOf(s.TakenAt, in.Setup.Zone), s.Keep)
		if ends+overstays >= in.Tonight.Today {
			continue
		}
		over++
		if !first.Known() || ends < first {
			first = ends
		}
	}
	if over > 0 {
		words := fmt.Sprintf("By their keep these backups were to be gone, the first on %s, and they lie there: "+
			"whoever was erased stays in them. See what rotates them, delete them, or say a longer keep.", first)
		in.Notes.Find(audit.Finding{Kind: "F_BACKUP_KEPT", Severity: "medium", Source: set, Count: over,
			Article: "Art. 5(1)(e)", Words: words})
	}
}

// gap finds the newest pause that is longer than those before it. Where backups grow rarer as they age, each pause is
// at least as long as a newer one; so it is the older ones to which one is compared. That of a weekend is none.
func (in *Inspector) gap(set string, newestFirst []setup.Source) {
	taken := []time.Time{in.Tonight.AsOf}
	for _, s := range newestFirst {
		if s.TakenAt.Before(taken[len(taken)-1]) {
			taken = append(taken, s.TakenAt)
		}
	}
	for i := 0; i+1+gapAfter < len(taken); i++ {
		pause, usual := taken[i].Sub(taken[i+1]), time.Duration(0)
		for j := i + 1; j <= i+gapAfter; j++ {
			usual = max(usual, taken[j].Sub(taken[j+1]))
		}
		usual = max(usual, 20*time.Hour) // several a day are one
		if float64(pause) < gapFactor*float64(usual) || weekend(taken[i+1], taken[i], in.Setup.Zone) {
			continue
		}
		until := "until " + taken[i].In(in.Setup.Zone).Format(time.DateOnly)
		if i == 0 {
			until = "since"
		}
		words := fmt.Sprintf("After %s no backup of this source was taken %s, though before that one was every %s: "+
			"either none was made, or it lies where its path does not find it, with everybody who is in it.",
			taken[i+1].In(in.Setup.Zone).Format(time.DateOnly), until, days(usual))
		in.Notes.Find(audit.Finding{Kind: "F_BACKUP_GAP", Severity: "medium", Source: set, Count: 1,
			Article: "Art. 32(1)(c)", Words: words})
		return
	}
}

// weekend reports whether a pause is that of a Saturday and Sunday on which nobody takes backups.
func weekend(from, to time.Time, zone *time.Location) bool {
	if to.Sub(from) > 80*time.Hour {
		return false
	}
	first, last := calendar.DateOf(from, zone), calendar.DateOf(to, zone)
	for day := first + 1; day < last; day++ {
		if w := day.Start(zone).Weekday(); w != time.Saturday && w != time.Sunday {
			return false
		}
	}
	return last-first == 3
}

// days says a pause in whole days.
func days(d time.Duration) string {
	n := max(1, int((d+12*time.Hour)/(24*time.Hour)))
	if n == 1 {
		return "day"
	}
	return fmt.Sprintf("%d days", n)
}
