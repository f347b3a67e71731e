package findings

import (
	"cmp"
	"fmt"
	"slices"

	"lethe/pipeline/audit"
	"lethe/pipeline/notes"
)

// severities, the weightiest first.
var severities = []string{"high", "medium", "low"}

// Together makes one finding of those that several backup files of a source have alike: a person looks at a table once,
// not at each copy of it. It counts the rows of the copy that has the most, is as old as the oldest, and is of the
// configured source.
func (in *Inspector) Together() {
	type place struct{ set, kind, object, column, words string }
	sets := map[string]string{}
	for _, s := range in.Setup.Sources {
		if s.Backup() && s.Set != "" && s.Set != s.Name {
			sets[s.Name] = s.Set
		}
	}
	at, files := map[place]int{}, map[place]int{}
	var kept []audit.Finding
	for _, f := range in.Notes.Facts.Findings {
		set, ok := sets[f.Source]
		if !ok || f.Object == "" {
			kept = append(kept, f)
			continue
		}
		p := place{set, f.Kind, f.Object, f.Column, f.Words}
		if files[p]++; files[p] == 1 {
			at[p] = len(kept)
			kept = append(kept, f)
			continue
		}
		one := &kept[at[p]]
		one.Count = max(one.Count, f.Count)
		one.FirstSeen = min(one.FirstSeen, f.FirstSeen)
		if slices.Index(severities, f.Severity) < slices.Index(severities, one.Severity) {
			one.Severity, one.Article = f.Severity, f.Article
		}
	}
	for p, n := range files {
		if n == 1 {
			continue
		}
		one := &kept[at[p]]
		one.Source = p.set
		one.Words += fmt.Sprintf(" So it is in %d backup files of the source.", n)
		one.FindingID = notes.FindingID(*one)
		one.FirstSeen = cmp.Or(in.seen(*one), one.FirstSeen)
	}
	in.Notes.Facts.Findings = kept
}

// seen is when the last nights found something first; "" they did not.
func (in *Inspector) seen(f audit.Finding) string {
	for _, night := range in.Notes.History {
		for _, old := range night.Findings {
			if old.FindingID == f.FindingID {
				return old.FirstSeen
			}
		}
	}
	return ""
}
