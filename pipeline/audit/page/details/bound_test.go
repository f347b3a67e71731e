package details

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/figures"
)

// TestThePageIsBounded draws a night of a large company: 200 silos, 29 dumps, and more of everything than anybody
// reads.
func TestThePageIsBounded(t *testing.T) {
	f := audit.Facts{Run: audit.Run{RunID: "r", Controller: "Big", Zone: "UTC", AsOf: time.Unix(1.8e9, 0)}}
	words := "A sentence of the length that findings have, which says what was found and what a person may do about it, " +
		"and where the guide says more of it."
	for i := range 200 {
		silo := fmt.Sprintf("silo-%03d-of-a-department", i)
		f.Silos = append(f.Silos, audit.Silo{Silo: silo, Rows: 10_000_000})
		for k := range 6 {
			f.Summary = append(f.Summary, audit.Summary{Silo: silo, Source: "crm", Object: "people",
				Reason: fmt.Sprint("D_REASON_", i*k), Words: words, Article: "Art. 17(1)(b)", Action: "delete",
				Change: "delete", Rows: 10_000_000})
			f.Plans = append(f.Plans, audit.Plan{PlanID: fmt.Sprint("plan-", i), Silo: silo, Source: "crm",
				Object: fmt.Sprint("people", k), Change: "delete", Rows: 5, State: "waiting"})
		}
		f.Requests = append(f.Requests, audit.Request{Silo: silo, RequestID: fmt.Sprint(i), Kind: "access", Status: "open"})
		f.Holds = append(f.Holds, audit.Hold{Silo: silo, HoldID: fmt.Sprint(i), Status: "in_force"})
		f.Remnants = append(f.Remnants, audit.Remnant{Silo: silo, Source: "crm", Object: "log", Column: "text"})
	}
	for dump := range 30 {
		source, environment := fmt.Sprintf("dumps/crm-2026-11-%02d.sql.gz", dump), "backup"
		if dump == 0 {
			source, environment = "crm", "production"
		}
		f.Backups = append(f.Backups, audit.Backup{Source: source, Path: "/backups/" + source})
		for table := range 40 {
			row := audit.Inventory{Source: source, Environment: environment, Object: fmt.Sprint("table_of_people_", table),
				Rows: 1e6, State: "scanned", Change: "new", Silo: "silo-001-of-a-department"}
			f.Inventory = append(f.Inventory, row)
			for k := range 12 {
				row.Column, row.Category, row.Class = fmt.Sprint("field_", k), "email", "direct_identifier"
				f.Inventory = append(f.Inventory, row)
			}
			f.Findings = append(f.Findings, audit.Finding{Kind: "F_UNMAPPED", Severity: "high", Source: source,
				Object: row.Object, Words: words, Count: 1e6})
			f.Exceptions = append(f.Exceptions, audit.Exception{Source: source, Object: row.Object, Code: "E_NO_POLICY",
				Words: words, Count: 1e6})
		}
	}
	body, err := Render(f, figures.Totals{}, "2026-11-21", "")
	require.NoError(t, err)
	require.Less(t, len(body), 300_000)
	for _, said := range []string{"What there is no room for", "1,090 more findings: the table findings has them.",
		"160 more silos: the table summary has them."} {
		require.Contains(t, string(body), said)
	}
	require.Contains(t, string(body), ">table_of_people_39<", "those of the live source are all there")
}

// TestASmallNightIsShownWhole leaves nothing out, and says so by not saying it.
func TestASmallNightIsShownWhole(t *testing.T) {
	f := audit.Facts{Run: audit.Run{RunID: "r", Zone: "UTC"}}
	for i := range mostFound {
		f.Findings = append(f.Findings, audit.Finding{Kind: "F", Severity: "low", Object: fmt.Sprint("o", i), Words: "w"})
	}
	body, err := Render(f, figures.Totals{}, "2026-11-21", "")
	require.NoError(t, err)
	require.NotContains(t, string(body), "What there is no room for")
}
