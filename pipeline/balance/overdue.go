package balance

import (
	"fmt"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/figures"
	"lethe/pipeline/policy"
)

// Overdue finds rows that are due and that the night did not end: approval, a limit, a refusal, a row that refers
// to them and stays, or a run without --apply held them back. Of live sources they are the rows that the page says
// are past their end. Of a backup they are those whose end was to be written into it by now.
// totals are what the run settled.
func (b *Book) Overdue(totals figures.Totals) {
	copies := figures.Copies(b.Notes.Facts)
	totals = totals.OfWhatWasRead(b.Notes.Facts)
	for _, s := range b.Notes.Facts.Summary {
		left := s.Rows - figures.Ended(s, totals)
		if left <= 0 || copies[s.Source] && !b.late(s) || !copies[s.Source] && figures.KindOf(s) != figures.Waiting {
			continue
		}
		words := "When the night ended, rows were still kept past their term: " + s.Words
		if s.OldestDue != "" {
			words += fmt.Sprintf(" The oldest was due on %s.", s.OldestDue)
		}
		if used := figures.InUsePast(s, left); used > 0 && !copies[s.Source] {
			words += fmt.Sprintf(" Nothing keeps its application from using %d of them.", used)
		}
		b.Notes.Find(audit.Finding{Kind: "F_OVERDUE", Severity: "medium", Source: s.Source, Object: s.Object,
			Count: left, Article: "Art. 5(1)(e)", Words: words})
	}
}

// late reports whether rows of a backup were to be gone from it before today.
func (b *Book) late(s audit.Summary) bool {
	ends := s.Change != "" && (s.Action == string(policy.Delete) || s.Action == string(policy.Anonymize))
	return ends && s.OldestDue != "" && s.OldestDue < b.Tonight.Today.String()
}
