package findings

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/classifiers"
	"lethe/pipeline/audit"
	"lethe/pipeline/notes"
	"lethe/pipeline/setup"
)

// TestHowSourcesAreKept is found of those with personal data: what was said, or that nobody said it; once a set.
func TestHowSourcesAreKept(t *testing.T) {
	field := func(source string, class classifiers.Class, rows int64) audit.Inventory {
		return audit.Inventory{Source: source, Object: "people", Column: "code", State: "scanned", Rows: rows,
			NonEmpty: rows, Category: string(classifiers.Email), Class: string(class)}
	}
	for name, c := range map[string]struct {
		sources   []setup.Source
		inventory []audit.Inventory
		want      []string
	}{
		"both": {[]setup.Source{{Name: "crm", Encrypted: "yes", AuditLog: "yes"}},
			[]audit.Inventory{field("crm", "personal", 7)}, nil},
		"neither": {[]setup.Source{{Name: "crm", Encrypted: "no", AuditLog: "no"}},
			[]audit.Inventory{field("crm", "personal", 7)}, []string{"F_UNENCRYPTED medium crm 7", "F_NO_AUDIT_LOG medium crm 7"}},
		"of health": {[]setup.Source{{Name: "crm", Encrypted: "no", AuditLog: "yes"}},
			[]audit.Inventory{field("crm", classifiers.Special, 7)}, []string{"F_UNENCRYPTED high crm 7"}},
		"nobody said": {[]setup.Source{{Name: "crm"}}, []audit.Inventory{field("crm", "personal", 7), field("crm", "personal", 7)},
			[]string{"F_UNENCRYPTED low crm 7", "F_NO_AUDIT_LOG low crm 7"}},
		"nothing personal": {[]setup.Source{{Name: "crm", Encrypted: "no"}},
			[]audit.Inventory{{Source: "crm", Object: "words", Column: "w", State: "scanned", Category: "none"}}, nil},
		"not read": {[]setup.Source{{Name: "crm", Encrypted: "no"}}, nil, nil},
		"files of one set": {[]setup.Source{{Name: "dumps/1", Set: "dumps", Encrypted: "no", AuditLog: "yes"},
			{Name: "dumps/2", Set: "dumps", Encrypted: "no", AuditLog: "yes"}},
			[]audit.Inventory{field("dumps/1", "personal", 7), field("dumps/2", "personal", 8)}, []string{"F_UNENCRYPTED medium dumps 15"}},
	} {
		t.Run(name, func(t *testing.T) {
			in := &Inspector{Setup: &setup.Setup{Sources: c.sources}, Notes: &notes.Notes{}}
			in.InspectKeeping(c.inventory)
			var found []string
			for _, f := range in.Notes.Facts.Findings {
				found = append(found, fmt.Sprintf("%s %s %s %d", f.Kind, f.Severity, f.Source, f.Count))
			}
			require.Equal(t, c.want, found)
		})
	}
}
