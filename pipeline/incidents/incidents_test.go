package incidents

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/answers"
	"lethe/pipeline/audit"
	"lethe/pipeline/notes"
	"lethe/pipeline/setup"
)

var began = time.Date(2026, 11, 21, 2, 0, 0, 0, time.UTC)

// table is a live table as a night read it.
func table(rows int64, newest string) audit.Inventory {
	return audit.Inventory{Source: "crm", Object: "people", Environment: "production", State: "scanned", Rows: rows,
		NewestRow: newest}
}

func field(nonEmpty int64) audit.Inventory {
	i := table(1000, "")
	i.Column, i.NonEmpty, i.Category, i.Class = "iban", nonEmpty, "iban", "financial"
	return i
}

func dump(file string, rows int64) audit.Source {
	return audit.Source{Source: "dumps/" + file, SourceSet: "dumps", BackupOf: "crm", State: "scanned", RowsRead: rows}
}

func ended(rows int64) []audit.Ended {
	return []audit.Ended{{Source: "crm", Object: "people", Rows: rows}}
}

func TestWhatIsAHint(t *testing.T) {
	for name, c := range map[string]struct {
		last, now audit.Facts
		tampered  bool
		want      []string
	}{
		"nothing": {},
		"the same": {last: audit.Facts{Inventory: []audit.Inventory{table(1000, "2026-11-20")}},
			now: audit.Facts{Inventory: []audit.Inventory{table(1000, "2026-11-20")}}},
		"half of the rows are there": {last: audit.Facts{Inventory: []audit.Inventory{table(1000, "")}},
			now: audit.Facts{Inventory: []audit.Inventory{table(500, "")}}},
		"more than half are gone": {last: audit.Facts{Inventory: []audit.Inventory{table(1000, "")}},
			now:  audit.Facts{Inventory: []audit.Inventory{table(499, "")}},
			want: []string{"unexplained_disappearance crm people 501"}},
		"Lethe ended them": {last: audit.Facts{Inventory: []audit.Inventory{table(1000, "")}},
			now: audit.Facts{Inventory: []audit.Inventory{table(499, "")}, Ended: ended(501)}},
		"Lethe ended them when it read them before": {
			last: audit.Facts{Inventory: []audit.Inventory{table(1000, "")}, Ended: ended(501)},
			now:  audit.Facts{Inventory: []audit.Inventory{table(499, "")}}},
		"Lethe ended a few": {last: audit.Facts{Inventory: []audit.Inventory{table(1000, "")}},
			now:  audit.Facts{Inventory: []audit.Inventory{table(300, "")}, Ended: ended(100)},
			want: []string{"unexplained_disappearance crm people 600"}},
		"few rows": {last: audit.Facts{Inventory: []audit.Inventory{table(99, "")}},
			now: audit.Facts{Inventory: []audit.Inventory{table(0, "")}}},
		"the values of a field are gone": {last: audit.Facts{Inventory: []audit.Inventory{table(1000, ""), field(900)}},
			now:  audit.Facts{Inventory: []audit.Inventory{table(1000, ""), field(100)}},
			want: []string{"mass_change crm people 800"}},
		"with the rows": {last: audit.Facts{Inventory: []audit.Inventory{table(1000, ""), field(900)}},
			now:  audit.Facts{Inventory: []audit.Inventory{table(10, ""), field(10)}},
			want: []string{"unexplained_disappearance crm people 990"}},
		"the newest row is older": {last: audit.Facts{Inventory: []audit.Inventory{table(1000, "2026-11-20")}},
			now:  audit.Facts{Inventory: []audit.Inventory{table(990, "2026-11-01")}},
			want: []string{"restored_without_reapply crm  0"}},
		"Lethe ended the newest": {last: audit.Facts{Inventory: []audit.Inventory{table(1000, "2026-11-20")}},
			now: audit.Facts{Inventory: []audit.Inventory{table(999, "2026-11-01")}, Ended: ended(1)}},
		"people in test data": {now: audit.Facts{Findings: []audit.Finding{{Kind: "F_PII_IN_TEST", Severity: "high",
			Source: "test", Object: "people", Count: 7}, {Kind: "F_PII_IN_TEST", Severity: "medium", Source: "dev"}}},
			want: []string{"non_prod_pii test people 7"}},
		"evidence that does not hold": {tampered: true, want: []string{"evidence_altered  evidence 0"}},
		"and is found": {tampered: true, now: audit.Facts{Findings: []audit.Finding{{Kind: "F_LOG_RESTORED",
			Severity: "high", Object: "log", Count: 1}}}, want: []string{"evidence_altered  log 1"}},
		"a backup that is larger than any before": {last: audit.Facts{Sources: []audit.Source{dump("1", 400), dump("2", 500)}},
			now:  audit.Facts{Sources: []audit.Source{dump("2", 1500), dump("3", 1001), dump("4", 1000)}},
			want: []string{"export_larger dumps/3  1001"}},
		"the first backup": {now: audit.Facts{Sources: []audit.Source{dump("1", 100000)}}},
		"small backups":    {last: audit.Facts{Sources: []audit.Source{dump("1", 99)}}, now: audit.Facts{Sources: []audit.Source{dump("2", 999)}}},
		"a file of exports that is larger than before": {last: audit.Facts{Inventory: []audit.Inventory{table(400, "")}},
			now: audit.Facts{Inventory: []audit.Inventory{table(801, "")}, Sources: []audit.Source{{Source: "crm", SourceSet: "crm",
				Engine: "csvdir", State: "scanned"}}}, want: []string{"export_larger crm people 801"}},
		"a table that grew": {last: audit.Facts{Inventory: []audit.Inventory{table(400, "")}},
			now: audit.Facts{Inventory: []audit.Inventory{table(801, "")}, Sources: []audit.Source{{Source: "crm", SourceSet: "crm",
				Engine: "mysql", State: "scanned"}}}},
		"a run that only applied reads nothing": {last: audit.Facts{Inventory: []audit.Inventory{table(1000, "2026-11-20")}},
			now: audit.Facts{Run: audit.Run{Night: "n"}, Inventory: []audit.Inventory{table(1, "2026-11-01")}}},
	} {
		t.Run(name, func(t *testing.T) {
			w := watch(c.last)
			w.Notes.Facts = c.now
			w.Look(answers.Chain{}, began, c.tampered)
			var got []string
			for _, h := range w.Notes.Facts.Hints {
				got = append(got, h.Kind+" "+h.Source+" "+h.Object+" "+fmt.Sprint(h.Rows))
				require.Equal(t, began.Add(72*time.Hour), h.ClockUntil)
				require.NotEmpty(t, h.HintID)
			}
			require.Equal(t, c.want, got)
		})
	}
}

func watch(history ...audit.Facts) *Watch {
	p := &setup.Setup{Now: func() time.Time { return began.Add(time.Hour) }}
	return &Watch{Setup: p, Notes: &notes.Notes{History: history}}
}

// TestAHintStaysUntilSomebodyAssessedIt: its clock runs from when it was noticed first.
func TestAHintStaysUntilSomebodyAssessedIt(t *testing.T) {
	w := watch(audit.Facts{Inventory: []audit.Inventory{table(1000, "")}})
	w.Notes.Facts = audit.Facts{Inventory: []audit.Inventory{table(1, "")}}
	w.Look(answers.Chain{}, began, false)
	first := w.Notes.Facts
	require.Len(t, first.Hints, 1)

	w = watch(first, audit.Facts{})
	w.Notes.Facts = audit.Facts{Inventory: []audit.Inventory{table(1, "")}}
	w.Look(answers.Chain{}, began.AddDate(0, 0, 1), false)
	require.Equal(t, first.Hints, w.Notes.Facts.Hints)

	closed := w.Notes.Facts
	closed.Hints[0].ClosedAt = began
	w = watch(closed)
	w.Look(answers.Chain{}, began.AddDate(0, 0, 2), false)
	require.Empty(t, w.Notes.Facts.Hints)
}

func TestARestoreSaysWhatWasErasedAgain(t *testing.T) {
	w := watch(audit.Facts{Run: audit.Run{EndedAt: began.Add(-90 * time.Minute)},
		Inventory: []audit.Inventory{table(1000, "2026-11-20")}})
	w.Tonight = setup.Tonight{RunID: "r", Options: setup.Options{Apply: true}}
	w.Notes.Facts = audit.Facts{Inventory: []audit.Inventory{table(1200, "2026-11-01")},
		Ended: []audit.Ended{{Source: "crm", Object: "orders", Rows: 5}, {Source: "shop", Object: "people", Rows: 7}}}
	w.Look(answers.Chain{}, began, false)
	require.Len(t, w.Notes.Facts.Restores, 1)
	r := w.Notes.Facts.Restores[0]
	require.Equal(t, []any{"crm", "2026-11-20", "2026-11-01", "r", int64(5), int64(90)},
		[]any{r.Source, r.NewestBefore, r.NewestNow, r.Reapplied, r.RowsReerased, r.GapMinutes})
}
