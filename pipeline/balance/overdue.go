package balance

import (
	"fmt"

	"lethe/pipeline/audit"
	"lethe/pipeline/policy"
)

// Overdue finds rows that are past their term and that the night did not erase: approval, a limit or a
// refusal held them back.
func (b *Book) Overdue(settled []Settled) {
	for _, s := range b.Notes.Facts.Summary {
		erases := s.Change != "" && (s.Action == string(policy.Delete) || s.Action == string(policy.Anonymize))
		if !erases || s.OldestDue == "" || s.OldestDue >= b.Tonight.Today.String() {
			continue
		}
		if left := s.Rows - erased(s, settled); left > 0 {
			b.Notes.Find(audit.Finding{Kind: "F_OVERDUE", Severity: "medium", Source: s.Source, Object: s.Object,
				Count: left, Article: "Art. 5(1)(e)",
				Words: fmt.Sprintf("When the night ended, rows were still kept past their term: %s "+
					"The oldest was due on %s.", s.Words, s.OldestDue)})
		}
	}
}

// erased counts the rows of a line of the summary that are done with.
func erased(s audit.Summary, settled []Settled) (rows int64) {
	for _, l := range settled {
		same := l.Silo == s.Silo && l.Source == s.Source && l.Object == s.Object &&
			l.Change == s.Change && l.Reason == s.Reason
		if same && (l.Status == "done" || l.Status == "recovered") {
			rows += l.Rows
		}
	}
	return rows
}
