package matters_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/audittest"
	"lethe/pipeline/audit/page/lang"
	"lethe/pipeline/audit/page/matters"
	"lethe/pipeline/audit/page/tonight"
)

func of(t *testing.T, f audit.Facts, language string) (said []string) {
	t.Helper()
	w, err := lang.In(language)
	require.NoError(t, err)
	for _, m := range matters.Of(tonight.New(f, nil, "2026-11-21", w)) {
		said = append(said, lang.Plain(m.What))
	}
	return said
}

// TestANumberIsOfThePlaceThatIsNamed: of several places alike the one with most rows is named with its own, and the others
// are counted.
func TestANumberIsOfThePlaceThatIsNamed(t *testing.T) {
	f := audittest.Quiet()
	for object, rows := range map[string]int64{"actor": 200, "address": 90, "store": 2} {
		f.Findings = append(f.Findings, audit.Finding{Kind: "F_UNMAPPED", Severity: "medium", Source: "crm", Object: object, Count: rows})
	}
	require.Equal(t, []string{"No rule covers table crm.actor, 200 rows. Nothing in it is decided. 2 more places like it."}, of(t, f, "en"))
}

// TestWhatStopsAPlanIsSaidWhateverElseItDoes: who objected and why, and who has signed, have room before the silos and
// reasons of a large plan.
func TestWhatStopsAPlanIsSaidWhateverElseItDoes(t *testing.T) {
	f := audittest.Quiet()
	for i, change := range []string{"delete", "anonymize"} {
		f.Plans = append(f.Plans, audit.Plan{PlanID: "p", Part: "destructive", State: "waiting", Change: change, Source: "crm",
			Silo: []string{"contact-requests-of-the-portal", "deliveries-of-the-shop"}[i%2], Object: change, Rows: 12345,
			Reason: "D_CONSENT_EXPIRED", Breakers: "B_NEW_SOURCE"})
	}
	for _, code := range lang.Languages() {
		said := of(t, f, code)
		require.Len(t, said, 1)
		w, err := lang.In(code)
		require.NoError(t, err)
		require.Contains(t, said[0], lang.Plain(w.Say("need.plan.none")), code)
		require.NotContains(t, said[0], "  ")
		require.LessOrEqual(t, len([]rune(said[0])), matters.Longest)
	}
	f.Approvals = []audit.Approval{{PlanID: "p", Actor: "dora", Decision: "object", Comment: "a claim is pending",
		SignedAt: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)}}
	for _, code := range lang.Languages() {
		require.Contains(t, of(t, f, code)[0], "(a claim is pending)", code)
	}
}
