package findings

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"time"

	"lethe/pipeline/audit"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/tried"
)

// InspectTrials says of each backup when it was put back for trial, and finds those that cannot be, and sets of which
// none was for longer than their verify_every.
func (in *Inspector) InspectTrials() error {
	trials, err := tried.Read(in.Setup)
	if err != nil {
		return err
	}
	for i := range in.Notes.Facts.Backups {
		b := &in.Notes.Facts.Backups[i]
		t, ok := tried.Of(trials, b.Source)
		if !ok {
			continue
		}
		b.TriedAt, b.Tried = t.TriedAt, "ok"
		if !t.Holds() {
			b.Tried = "failed"
			in.Notes.Find(audit.Finding{Kind: "F_BACKUP_UNFIT", Severity: "high", Source: b.Source,
				Object: path.Base(b.Path), Count: 1, Article: "Art. 32(1)(c), (d)",
				Words: fmt.Sprintf("When it was tried on %s, this backup could not be put back as it is: nobody "+
					"should rely on it. Look with `lethe backup verify %s`, and take another.",
					t.TriedAt.In(in.Setup.Zone).Format(time.DateOnly), b.Source)})
		}
	}
	var asked []string
	for _, s := range in.Setup.Sources {
		set := cmp.Or(s.Set, s.Name)
		if s.VerifyEvery.IsZero() || slices.Contains(asked, set) {
			continue
		}
		asked = append(asked, set)
		last := tried.Newest(trials, set)
		since := "none of them was ever"
		if !last.IsZero() {
			day := calendar.DateOf(last, in.Setup.Zone)
			if in.Tonight.Today <= calendar.EndOf(day, s.VerifyEvery) {
				continue
			}
			since = "the last was on " + day.String()
		}
		in.Notes.Find(audit.Finding{Kind: "F_BACKUP_UNTRIED", Severity: "medium", Source: set, Count: 1,
			Article: "Art. 32(1)(d)", Words: fmt.Sprintf("One of these backups is to be put back for trial every %s, "+
				"and %s. `lethe backup verify %s` does it.", s.VerifyEvery, since, set)})
	}
	return nil
}
