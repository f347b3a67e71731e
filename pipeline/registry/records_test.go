package registry

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/policy"
	"lethe/pipeline/policy/instant"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/delivery"
	"lethe/pipeline/registry/event"
)

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("delivery/testdata/" + name)
	require.NoError(t, err)
	return data
}

func TestImportKantara(t *testing.T) {
	f := newSQLite(t)
	rome, err := time.LoadLocation("Europe/Rome")
	require.NoError(t, err)
	in := func() delivery.Import {
		return delivery.Import{Keys: f.key("news"), Reader: bytes.NewReader(testdata(t, "kantara-1.1.json")),
			Format: delivery.Kantara, Source: "cmp", Zone: rome, Purposes: []string{"newsletter"},
			PurposeNames: map[string]string{"To market services": "newsletter",
				"To provide contracted services": "newsletter", "To personalize service experience": "newsletter"}}
	}
	report, err := f.r.Import(t.Context(), in())
	require.NoError(t, err)
	require.Equal(t, delivery.Report{Lines: 6, Events: 2, Refused: 4, Rejects: []delivery.Reject{
		{Line: 2, Reason: event.BadTermination, Column: "services[0].purposes[0].termination"},
		{Line: 2, Reason: event.ImpliedConsent, Column: "services[0].purposes[2].consentType"},
		{Line: 71, Reason: event.ImpliedConsent, Column: "method"},
		{Line: 80, Reason: event.BadLine, Column: "version"},
	}}, report)
	ada := f.standing("news", "ada@lago-blu.example", noon).Purposes[0]
	require.Equal(t, policy.Given, ada.State)
	require.True(t, ada.Proven)
	require.Equal(t, time.Date(2028, 1, 1, 23, 0, 0, 0, time.UTC), ada.Until, "24 months in Rome: alive through the "+
		"last day")
	require.Zero(t, f.standing("news", "bob@lago-blu.example", noon).Purposes[0].Until)
	again, err := f.r.Import(t.Context(), in())
	require.NoError(t, err)
	require.Equal(t, 2, again.Duplicates)
	require.NoError(t, f.r.Verify(t.Context(), "news", chain.Head{}))
}

func TestImportISO27560(t *testing.T) {
	f := newSQLite(t)
	report, err := f.r.Import(t.Context(),
		delivery.Import{Keys: f.key("news"), Reader: bytes.NewReader(testdata(t, "iso27560.json")),
			Format: delivery.ISO27560, Source: "cmp"})
	require.NoError(t, err)
	require.Equal(t, delivery.Report{Lines: 7, Events: 3, Refused: 4, Rejects: []delivery.Reject{
		{Line: 28, Reason: event.BadType, Column: "events[0].event_state"},
		{Line: 28, Reason: event.ImpliedConsent, Column: "events[1].event_type"},
		{Line: 28, Reason: event.BadTermination, Column: "events[2].validity_duration"},
		{Line: 28, Reason: event.BadTime, Column: "events[3].event_time", Why: instant.NoInstant.Error()},
	}}, report)
	purposes := f.standing("news", "ada@lago-blu.example", noon).Purposes
	require.Equal(t, policy.Given, purposes[0].State)
	require.Equal(t, day("2028-01-11"), purposes[0].Until)
	require.Equal(t, policy.Withdrawn, purposes[1].State)
}

func TestRecordsThatAreNone(t *testing.T) {
	f := newSQLite(t)
	key := f.key("news")
	const good = `{"version":"KI-CR-v1.1.0","consentTimestamp":1767261600,"consentReceiptID":"r",` +
		`"piiPrincipalId":"a@b.it","policyUrl":"p","services":[{"purposes":[{"purpose":"n","termination":"P1Y"}]}]}`
	tests := []struct {
		name, text, want string
		lines, events    int
	}{
		{"nothing", " \n", "", 0, 0},
		{"an empty list", "[]", "", 0, 0},
		{"a number", "17", "", 1, 0},
		{"no purposes", `{"version":"KI-CR-v1.1.0","consentTimestamp":1,"consentReceiptID":"r","services":[]}`, "", 1,
			0},
		{"a time that is none", `{"version":"KI-CR-v1.1.0","consentTimestamp":-5,"consentReceiptID":"r"}`, "", 1, 0},
		{"cut off", good + "\n" + good[:40], "no JSON at or after line 1", 1, 1},
		{"a list cut off", "[" + good + ",", "no JSON", 1, 0},
		{"no JSON", "email,type\n", "no JSON at or after line 1", 0, 0},
		{"a record without end", `{"version":"` + strings.Repeat("x", 4<<20+1<<18), "longer than 4 MiB", 0, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			report, err := f.r.Import(t.Context(), delivery.Import{Keys: key, Reader: strings.NewReader(test.text),
				Format: delivery.Kantara, Source: "cmp", BatchRows: 1})
			require.Equal(t, test.lines, report.Lines)
			require.LessOrEqual(t, test.events, report.Events+report.Duplicates)
			if test.want == "" {
				require.NoError(t, err)
				require.Equal(t, report.Lines, report.Refused)
				return
			}
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), "a@b.it")
		})
	}
}
