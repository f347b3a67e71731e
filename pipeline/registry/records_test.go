package registry

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/policy"
)

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return data
}

func TestImportKantara(t *testing.T) {
	f := newSQLite(t)
	rome, err := time.LoadLocation("Europe/Rome")
	require.NoError(t, err)
	in := func() Import {
		return Import{Keys: f.key("news"), Reader: bytes.NewReader(testdata(t, "kantara-1.1.json")), Format: Kantara, Source: "cmp", Zone: rome, Purposes: []string{"newsletter"},
			PurposeNames: map[string]string{"To market services": "newsletter", "To provide contracted services": "newsletter", "To personalize service experience": "newsletter"}}
	}
	report, err := f.r.Import(t.Context(), in())
	require.NoError(t, err)
	require.Equal(t, ImportReport{Lines: 6, Events: 2, Refused: 4, Rejects: []Reject{
		{2, BadTermination, "services[0].purposes[0].termination"},
		{2, ImpliedConsent, "services[0].purposes[2].consentType"},
		{71, ImpliedConsent, "method"},
		{80, BadLine, "version"},
	}}, report)
	ada := f.standing("news", "ada@lago-blu.example", noon).Purposes[0]
	require.Equal(t, policy.Given, ada.State)
	require.True(t, ada.Proven)
	require.Equal(t, time.Date(2028, 1, 1, 23, 0, 0, 0, time.UTC), ada.Until, "24 months in Rome: alive through the last day")
	require.Zero(t, f.standing("news", "bob@lago-blu.example", noon).Purposes[0].Until)
	again, err := f.r.Import(t.Context(), in())
	require.NoError(t, err)
	require.Equal(t, 2, again.Duplicates)
	require.NoError(t, f.r.Verify(t.Context(), "news", Head{}))
}

func TestImportISO27560(t *testing.T) {
	f := newSQLite(t)
	report, err := f.r.Import(t.Context(), Import{Keys: f.key("news"), Reader: bytes.NewReader(testdata(t, "iso27560.json")), Format: ISO27560, Source: "cmp"})
	require.NoError(t, err)
	require.Equal(t, ImportReport{Lines: 7, Events: 3, Refused: 4, Rejects: []Reject{
		{28, BadType, "events[0].event_state"},
		{28, ImpliedConsent, "events[1].event_type"},
		{28, BadTermination, "events[2].validity_duration"},
		{28, BadTime, "events[3].event_time"},
	}}, report)
	purposes := f.standing("news", "ada@lago-blu.example", noon).Purposes
	require.Equal(t, policy.Given, purposes[0].State)
	require.Equal(t, day("2028-01-11"), purposes[0].Until)
	require.Equal(t, policy.Withdrawn, purposes[1].State)
}

func TestRecordsThatAreNone(t *testing.T) {
	f := newSQLite(t)
	key := f.key("news")
	const good = `{"version":"KI-CR-v1.1.0","consentTimestamp":1767261600,"consentReceiptID":"r","piiPrincipalId":"a@b.it","policyUrl":"p","services":[{"purposes":[{"purpose":"n","termination":"P1Y"}]}]}`
	tests := []struct {
		name, text, want string
		lines, events    int
	}{
		{"nothing", " \n", "", 0, 0},
		{"an empty list", "[]", "", 0, 0},
		{"a number", "17", "", 1, 0},
		{"no purposes", `{"version":"KI-CR-v1.1.0","consentTimestamp":1,"consentReceiptID":"r","services":[]}`, "", 1, 0},
		{"a time that is none", `{"version":"KI-CR-v1.1.0","consentTimestamp":-5,"consentReceiptID":"r"}`, "", 1, 0},
		{"cut off", good + "\n" + good[:40], "no JSON at or after line 1", 1, 1},
		{"a list cut off", "[" + good + ",", "no JSON", 1, 0},
		{"no JSON", "email,type\n", "no JSON at or after line 1", 0, 0},
		{"a record without end", `{"version":"` + strings.Repeat("x", maxRecord+1<<18), "longer than 4 MiB", 0, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			report, err := f.r.Import(t.Context(), Import{Keys: key, Reader: strings.NewReader(test.text), Format: Kantara, Source: "cmp", BatchRows: 1})
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

func TestTermination(t *testing.T) {
	in := &Import{Zone: time.UTC}
	at := time.Date(2026, 1, 31, 15, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{"P1M": "2026-03-01", "1 month": "2026-03-01", "2 Weeks": "2026-02-15", "2027-06-01": "2027-06-01", "2027-06-01T00:00:00Z": "2027-06-01"} {
		got, err := in.termination(at, text, "c")
		require.NoError(t, err, text)
		require.Equal(t, day(want), got.UTC(), text)
	}
	for _, text := range []string{"", "Endless", "until withdrawn", "dpv:EndlessDuration"} {
		got, err := in.termination(at, text, "c")
		require.NoError(t, err, text)
		require.Zero(t, got, text)
	}
	for _, text := range []string{"Subscription end date + 1 year", "https://example.org/policy", "1 fortnight", "P", "soon", "P0D"} {
		_, err := in.termination(at, text, "c")
		require.ErrorIs(t, err, ErrRefused, text)
	}
}

func FuzzRecords(f *testing.F) {
	f.Add(testdata(f, "kantara-1.1.json"), true)
	f.Add(testdata(f, "iso27560.json"), false)
	f.Add([]byte("[{},\n{}]"), true)
	f.Fuzz(func(t *testing.T, data []byte, kantara bool) {
		in := Import{Reader: bytes.NewReader(data), Format: ISO27560, Source: "cmp"}
		if kantara {
			in.Format = Kantara
		}
		reader, err := NewReader(in)
		require.NoError(t, err)
		last := 1
		var e Event
		for n := 0; ; n++ {
			require.LessOrEqual(t, n, len(data), "every event takes some bytes")
			line, err := reader.Next(&e)
			if err != nil && !IsRefused(err) {
				return
			}
			require.GreaterOrEqual(t, line, last)
			require.LessOrEqual(t, line, 1+bytes.Count(data, []byte("\n")))
			last = line
			if err == nil {
				require.NotZero(t, e.OccurredAt)
				require.NotEmpty(t, e.ID)
			}
		}
	})
}
