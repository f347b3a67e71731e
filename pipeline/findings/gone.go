package findings

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/audit"
	"lethe/pipeline/setup"
	"lethe/pipeline/stores"
)

// How long a night looks back for backups that are not there any more, and how much earlier than its keep one may go.
const (
	goneDays  = 8
	goneEarly = 48 * time.Hour
)

// InspectChanged finds what is not there any more since the nights before, is less, or is new and nobody said whose it
// is, or adopted it.
func (in *Inspector) InspectChanged() {
	in.inspectStrays()
	in.InspectGone()
	in.InspectRotation()
	in.InspectShrunk()
	in.InspectCopies()
}

// InspectGone finds backups that a night of the last days read and that are not there any more, though they should be:
// their keep is not over, or, where none is configured, no newer one came for each that went. Erasures do not reach a
// file that was moved away, or that the configuration does not look for any more.
func (in *Inspector) InspectGone() {
	there := map[string]bool{}
	for _, s := range in.Setup.Sources {
		there[s.Name] = true
	}
	gone, seen := map[string][]audit.Backup{}, map[string]bool{}
	for _, night := range in.Notes.History {
		if night.Run.AsOf.Before(in.Tonight.AsOf.AddDate(0, 0, -goneDays)) {
			continue
		}
		for _, b := range night.Backups {
			if set := setOf(b.Source); !seen[b.Source] && !there[b.Source] && !setup.IsVersion(b.Path) {
				gone[set] = append(gone[set], b)
			}
			seen[b.Source] = true
		}
	}
	for _, set := range slices.Sorted(maps.Keys(gone)) {
		if there[set] {
			continue // where they lie could not be looked at, which is said of the set
		}
		files := gone[set]
		slices.SortFunc(files, func(a, b audit.Backup) int { return strings.Compare(a.Source, b.Source) })
		in.gone(set, in.unexplained(set, files, seen))
	}
}

// InspectUnbacked finds live sources in which nothing is destroyed until there is a newer backup.
func (in *Inspector) InspectUnbacked(set *stores.Set) {
	for _, s := range set.List {
		if lacks, yes := set.Unbacked(s); yes && !s.Backup() {
			in.Notes.Find(audit.Finding{Kind: "F_BACKUP_OUTDATED", Severity: "medium", Source: s.Name, Count: 1,
				Article: "Art. 32(1)(c)", Words: "Nothing is destroyed in this source: " + lacks.String() +
					". What is due stands until then."})
		}
	}
}

// setOf is the configured source of a backup's file.
func setOf(source string) string {
	set, _, _ := strings.Cut(source, "/")
	return set
}

// unexplained leaves out of the files that went those whose time was over.
func (in *Inspector) unexplained(set string, files []audit.Backup, seen map[string]bool) []audit.Backup {
	fresh := 0 // files that no night of the last days read
	for _, s := range in.Setup.Sources {
		if s.Of != "" && setOf(s.Name) == set && !seen[s.Name] {
			fresh++
		}
	}
	rotated := 0
	for _, b := range files {
		if b.ExpiresAt.IsZero() {
			rotated++
		}
	}
	return slices.DeleteFunc(files, func(b audit.Backup) bool {
		if b.ExpiresAt.IsZero() {
			return rotated <= fresh
		}
		return b.ExpiresAt.Add(-goneEarly).Before(in.Tonight.AsOf)
	})
}

func (in *Inspector) gone(set string, files []audit.Backup) {
	if len(files) == 0 {
		return
	}
	left := 0
	for _, s := range in.Setup.Sources {
		if s.Of != "" && setOf(s.Name) == set {
			left++
		}
	}
	until := "no keep is configured, and no newer ones came"
	if !files[0].ExpiresAt.IsZero() {
		until = fmt.Sprintf("by its keep the first was to be there until %s",
			files[0].ExpiresAt.In(in.Setup.Zone).Format(time.DateOnly))
	}
	words := fmt.Sprintf("Backups that a night of the last %d days read are not there any more, %d are left of this "+
		"source; %s. What should be gone stays in a copy that was moved away, and in one that path does not find any "+
		"more. Where they were deleted, say a shorter keep.", goneDays, left, until)
	in.Notes.Find(audit.Finding{Kind: "F_BACKUP_GONE", Severity: "medium", Source: set,
		Object: path.Base(files[0].Path), Count: int64(len(files)), Article: "Art. 5(1)(e)", Words: words})
}

// InspectShrunk finds backups that hold less than half of the rows of a table that they held when a night read them
// last, though no rewrite took them out: somebody may have put another file in the place of one, and kept it.
func (in *Inspector) InspectShrunk() {
	for _, now := range in.Notes.Facts.Inventory {
		if now.Environment != "backup" || now.Column != "" || now.State != "scanned" || now.Sampled > 0 {
			continue
		}
		if was := in.lastRead(now); 2*now.Rows < was {
			words := fmt.Sprintf("This backup holds %d rows of the table, and held %d when it was read last, and "+
				"Lethe did not rewrite it: either it was made anew of less, or another file is in its place. What "+
				"should be gone stays in a copy that was moved away.", now.Rows, was)
			in.Notes.Find(audit.Finding{Kind: "F_BACKUP_SHRUNK", Severity: "medium", Source: now.Source,
				Object: now.Object, Count: was - now.Rows, Article: "Art. 5(1)(e)", Words: words})
		}
	}
}

// lastRead is how many rows of a table a backup had when a night of the last days read it, and did not rewrite it; 0
// not known.
func (in *Inspector) lastRead(now audit.Inventory) int64 {
	for _, night := range in.Notes.History {
		if night.Run.AsOf.Before(in.Tonight.AsOf.AddDate(0, 0, -goneDays)) {
			return 0
		}
		rewritten := func(b audit.Backup) bool { return b.Source == now.Source && b.After != "" }
		if slices.ContainsFunc(night.Backups, rewritten) {
			return 0
		}
		for _, was := range night.Inventory {
			if was.Source == now.Source && was.Object == now.Object && was.Column == "" && was.State == "scanned" &&
				was.Sampled == 0 {
				return was.Rows
			}
		}
	}
	return 0
}
