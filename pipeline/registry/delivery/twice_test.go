package delivery

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/registry/event"
)

// Of a key that stands twice nobody can say which one was meant, and a number that is no integer may have been rounded.
func TestJSONThatCanBeReadInTwoWays(t *testing.T) {
	const rest = `"occurred_at":"2026-04-02","type":"withdrawn","purpose":"newsletter"}`
	lines := []struct {
		text string
		want event.Reason // "": taken
	}{
		{`{"email":"bob@x.example","email":"zed@x.example",` + rest, event.BadLine},
		{`{"email":"bob@x.example","e\u006dail":"zed@x.example",` + rest, event.BadLine},
		{`{"email":"bob@x.example","email":"bob@x.example",` + rest, event.BadLine},
		{`{"email":"bob@x.example"," email":"zed@x.example",` + rest, event.BadLine},
		{`{"email":"bob@x.example","E-Mail":"zed@x.example",` + rest, event.BadLine},
		{`{"email":"bob@x.example","extra":[{"a":1},{"a":{"b":1,"B":2}}],` + rest, event.BadLine},
		{`{"email":"bob@x.example","extra":[{"a":1},{"a":{"b":"a"}}],` + rest, ""},
		{`{"customer-number":42.0,` + rest, ""}, // as in CSV
		{`{"customer-number":42.00,` + rest, event.AmbiguousIdentifier},
		{`{"customer-number":42.5,` + rest, event.AmbiguousIdentifier},
		{`{"customer-number":-42.0,` + rest, event.AmbiguousIdentifier},
		{`{"customer-number":1234567890123456789.0,` + rest, event.AmbiguousIdentifier},
		{`{"username":42.0,` + rest, event.AmbiguousIdentifier},
		{`{"customer-number":1e8,` + rest, event.AmbiguousIdentifier},
		{`{"customer-number":1E21,` + rest, event.AmbiguousIdentifier},
		{`{"phone":393331234567.0,` + rest, ""},
		{`{"customer-number":12345678901234567890,` + rest, ""},
	}
	for i, line := range lines {
		var got []string
		report, err := Read(Import{Reader: strings.NewReader("\n" + line.text), Format: JSONL, Source: "crm", Country: "IT",
			Columns: map[string]string{"E-Mail": "email", "extra": ""}}, func(e *event.Event) error {
			got = append(got, e.Subjects[0].Value)
			return nil
		})
		require.NoError(t, err, line.text)
		if line.want == "" {
			require.Empty(t, report.Rejects, line.text)
			require.Len(t, got, 1)
			continue
		}
		require.Empty(t, got, "line %d", i)
		require.Equal(t, line.want, report.Rejects[0].Reason, line.text)
		require.Equal(t, 2, report.Rejects[0].Line)
	}
}
