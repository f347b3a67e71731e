package incidents

import (
	"fmt"
	"slices"
	"time"

	"lethe/pipeline/audit"
)

// Exported is the kind of the hint that an export is larger than usual.
const Exported = "export_larger"

// foldersOf are the connectors that read files which an application, or somebody, exports.
var foldersOf = []string{"csvdir"}

// exported finds what was taken out of the databases and is more than twice as large as it ever was: a backup beside
// the others of its set, and a file of a folder of exports beside itself. Somebody may have taken too much.
func (w *Watch) exported(began time.Time) {
	f := &w.Notes.Facts
	if f.Run.Night != "" {
		return // it read nothing itself
	}
	seen, most := map[string]bool{}, map[string]int64{}
	for _, night := range w.Notes.History {
		for _, s := range night.Sources {
			seen[s.Source] = true
			if s.BackupOf != "" && s.State == "scanned" {
				most[s.SourceSet] = max(most[s.SourceSet], s.RowsRead)
			}
		}
	}
	folders := map[string]bool{}
	for _, s := range f.Sources {
		folders[s.Source] = slices.Contains(foldersOf, s.Engine)
		had := most[s.SourceSet]
		if s.BackupOf == "" || s.State != "scanned" || seen[s.Source] || had < fewRows || s.RowsRead <= 2*had {
			continue
		}
		w.note(audit.Hint{Kind: Exported, Source: s.Source, Rows: s.RowsRead, Words: fmt.Sprintf("The backup holds %d "+
			"rows, and the largest of its set before held %d: look who made it, and what for.", s.RowsRead, had)},
			began)
	}
	was := w.lastRead()
	for _, now := range f.Inventory {
		before, ok := was[place(now)]
		if !ok || now.Column != "" || now.State != "scanned" || now.Sampled > 0 || !folders[now.Source] ||
			before.Rows < fewRows || now.Rows <= 2*before.Rows {
			continue
		}
		w.note(audit.Hint{Kind: Exported, Source: now.Source, Object: now.Object, Rows: now.Rows, Words: fmt.Sprintf(
			"The file has %d rows, and had %d when it was read before: look who exported them, and what for.", now.Rows,
			before.Rows)}, began)
	}
}
