package balance

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/figures"
	"lethe/pipeline/notes"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/setup"
)

// TestWhatIsOverdueIsWhatThePageSays: whatever holds rows back that are due, `lethe status`, which lists these findings,
// counts those that the page counts past their end, silo by silo together; and says that they are in use where the page
// does.
func TestWhatIsOverdueIsWhatThePageSays(t *testing.T) {
	held := "The person withdrew consent." + figures.HeldWords
	lines := []audit.Summary{
		{Action: "delete", Change: "delete", Reason: "D_CONSENT_WITHDRAWN", Use: "blocked", Words: "w"},
		{Action: "anonymize", Change: "anonymize", Reason: "D_RETENTION_ELAPSED", Use: "blocked", Words: "w"},
		{Action: "delete", Reason: "D_CONSENT_EXPIRED", Use: "blocked", Words: "a limit stopped the table"},
		{Action: "keep", Reason: "D_CONSENT_WITHDRAWN", Use: "blocked", Words: held},
		{Action: "delete", Change: "delete", Reason: "D_OBJECTION_MARKETING", Use: "allowed", Words: "w"},
		{Action: "keep", Reason: "K_CONSENT", Use: "allowed", Words: "w"},
		{Action: "keep", Reason: "K_LEGAL_HOLD", Use: "blocked", Words: "w"},
		{Action: "expire", Reason: "D_CONSENT_EXPIRED", Use: "blocked", Words: "grace"},
		{Action: "keep", Reason: "X_NO_MATCH", Use: "blocked", Words: "w"},
		{Action: "keep", Reason: "E_ID_CONFLICT", Use: "allowed", Words: "w"},
	}
	rapid.Check(t, func(t *rapid.T) {
		f := audit.Facts{Run: audit.Run{Zone: "UTC", AsOf: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)},
			Backups: []audit.Backup{{Source: "dump"}}, Early: []string{"before"}}
		totals := figures.Totals{}
		for i, line := range lines {
			if !rapid.Bool().Draw(t, "there") {
				continue
			}
			s := line
			s.Silo = rapid.SampledFrom([]string{"news", "club"}).Draw(t, "silo")
			s.Source = rapid.SampledFrom([]string{"crm", "shop", "dump"}).Draw(t, "source")
			s.Object = string(rune('a' + i))
			s.Rows = rapid.Int64Range(1, 9).Draw(t, "rows")
			s.InUse = rapid.Int64Range(0, s.Rows).Draw(t, "in use")
			s.OldestDue = rapid.SampledFrom([]string{"", "2026-11-01", "2026-11-20"}).Draw(t, "due")
			f.Summary = append(f.Summary, s)
			if done := rapid.Int64Range(0, s.Rows).Draw(t, "done"); s.Change != "" && done > 0 {
				plan := rapid.SampledFrom([]string{"tonight", "before"}).Draw(t, "plan")
				at := figures.Outcome{Plan: plan, Silo: s.Silo, Source: s.Source, Object: s.Object, Change: s.Change, Reason: s.Reason,
					Status: rapid.SampledFrom([]string{"done", "recovered", "refused"}).Draw(t, "status")}
				totals[at] = figures.Count{Rows: done}
			}
		}
		b := Book{Notes: &notes.Notes{Facts: f}, Tonight: setup.Tonight{Today: calendar.DateOf(f.Run.AsOf, time.UTC)}}
		b.Notes.Tonight = b.Tonight
		b.Overdue(totals)
		found, used := int64(0), false
		for _, x := range b.Notes.Facts.Findings {
			if x.Source == "dump" {
				continue
			}
			found += x.Count
			used = used || strings.Contains(x.Words, "Nothing keeps its application from using")
		}
		past, inUse := int64(0), int64(0)
		for _, s := range figures.Silos(f, totals, nil) {
			past, inUse = past+s.Waiting, inUse+s.InUse
		}
		require.Equal(t, past, found)
		require.Equal(t, inUse > 0, used)
	})
}
