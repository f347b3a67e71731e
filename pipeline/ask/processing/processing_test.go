package processing

import (
	"encoding/csv"
	"html"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/audit"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/policytest"
	"lethe/pipeline/setup"
)

var asOf = time.Date(2026, 11, 21, 1, 0, 0, 0, time.UTC)

// company is one of which everything is said.
func company(t *testing.T) (*setup.Setup, Controller, []audit.Inventory) {
	s := policytest.Silo(policytest.ConsentRule(policytest.Fields("email")),
		policytest.TermRule(policy.Contract, "contract"))
	s.DataSubjects, s.ProofRetention = []string{"subscribers"}, calendar.Period{Years: 5}
	s.Records[0].Dependents = []policy.Dependent{{Table: "visits", FK: []string{"person"}, Do: "delete"}}
	p := &setup.Setup{Zone: time.UTC, Silos: []*policy.Compiled{policytest.Compiled(t, s)}, Approvals: 2,
		Suppression: policy.Silo{Name: "no", Rules: []policy.Rule{{Owner: "anna", ReviewBy: "2027-01-01"}}},
		Sources: []setup.Source{
			{Name: "crm", Application: "sales", Location: "it"},
			{Name: "crm-dumps/1.sql", Set: "crm-dumps", Of: "crm", Location: "US", Transfer: "clauses of 2021",
				Processor: "Cold Store Inc", Agreement: "2025/17", Keep: calendar.Period{Days: 90}},
			{Name: "crm-dumps/2.sql", Set: "crm-dumps", Of: "crm", Location: "US", Transfer: "clauses of 2021",
				Processor: "Cold Store Inc", Agreement: "2025/17", Keep: calendar.Period{Days: 90}},
			{Name: "other", Location: "DE", Processor: "Somebody Else", Agreement: "x"},
		},
		Grants: []setup.Grant{{Target: "mailer", Source: "crm", Grants: map[string][]string{"s": {"newsletter"}}}}}
	for i := range p.Sources {
		p.Sources[i].Encrypted, p.Sources[i].AuditLog = "yes", "no"
	}
	inventory := []audit.Inventory{
		{Source: "crm", Object: "people", Column: "email", Silo: "s", Category: "email", Class: "direct_identifier"},
		{Source: "crm", Object: "people", Column: "iban", Silo: "s", Category: "iban", Class: "financial"},
		{Source: "crm", Object: "people", Column: "firm", Silo: "s", Category: "person_name", Company: true},
		{Source: "crm", Object: "visits", Column: "note", Category: "health", Class: "special", Also: "free_text"},
		{Source: "crm", Object: "visits", Column: "n", Category: "none"},
		{Source: "crm", Object: "elsewhere", Column: "x", Category: "gender"},
		{Source: "other", Object: "people", Column: "x", Category: "religion", Class: "special"},
	}
	return p, Controller{Name: "Lago <Blu>", Address: "Via 1", Contact: "a@b.example", DPO: "dpo@b.example",
		Recipients: []string{"=the tax agency"}, Measures: []string{"training"}}, inventory
}

func TestRecord(t *testing.T) {
	p, c, inventory := company(t)
	r := Of(p, c, inventory, asOf, asOf)
	require.Empty(t, r.Gaps)
	require.Equal(t, "2026-11-21", r.Inventory)
	purposes := map[string]Activity{}
	for _, a := range r.Activities {
		purposes[a.Purpose] = a
	}
	require.Len(t, purposes, 4)
	newsletter := purposes["newsletter"]
	require.Equal(t, Activity{Silo: "s", Purpose: "newsletter", Subjects: []string{"subscribers"},
		Data:  []string{"email", "free text", "health"}, // what the purpose covers, and what goes with its rows
		Basis: []string{"consent (Art. 6(1)(a))"}, Special: []string{"health"},
		Recipients: []string{"=the tax agency", "application mailer", "processor Cold Store Inc"},
		Transfers:  []string{"US: clauses of 2021"}, Kept: newsletter.Kept,
		Stores: []string{"crm (sales): people, visits, in IT, encrypted at rest, without a log of who read and changed what",
			"crm-dumps: backups of crm, in US, at Cold Store Inc, encrypted at rest, without a log of who read and " +
				"changed what, kept for 90 days"},
		Owners: newsletter.Owners, ReviewBy: newsletter.ReviewBy}, newsletter)
	require.Contains(t, newsletter.Kept[0], "email: until consent is withdrawn, at most")
	require.Equal(t, []string{"email", "free text", "health", "iban"}, purposes["contract"].Data)
	require.NotContains(t, purposes["contract"].Recipients, "application mailer")
	require.Equal(t, []string{"5 years after its end, then deleted"}, purposes["proof of what people agreed to"].Kept)
	require.Equal(t, []string{"anna"}, purposes["not to write again to who objected"].Owners)
}

// What is taken away is a gap that says where to write it; nothing else becomes one.
func TestGaps(t *testing.T) {
	for key, away := range map[string]func(*setup.Setup, *Controller, *[]audit.Inventory){
		"address under controller":             func(_ *setup.Setup, c *Controller, _ *[]audit.Inventory) { c.Address = "" },
		"contact under controller":             func(_ *setup.Setup, c *Controller, _ *[]audit.Inventory) { c.Contact = "" },
		"dpo under controller, if the company": func(_ *setup.Setup, c *Controller, _ *[]audit.Inventory) { c.DPO = "" },
		"recipients under controller: []":      func(_ *setup.Setup, c *Controller, _ *[]audit.Inventory) { c.Recipients = nil },
		"nothing: run `lethe discover`":        func(_ *setup.Setup, _ *Controller, i *[]audit.Inventory) { *i = nil },
		"location under sources.crm":           func(p *setup.Setup, _ *Controller, _ *[]audit.Inventory) { p.Sources[0].Location = "" },
		"transfer under sources.crm":           func(p *setup.Setup, _ *Controller, _ *[]audit.Inventory) { p.Sources[0].Location = "CH" },
		"transfer under sources.crm-dumps":     func(p *setup.Setup, _ *Controller, _ *[]audit.Inventory) { p.Sources[2].Transfer = "" },
		"encrypted under sources.crm":          func(p *setup.Setup, _ *Controller, _ *[]audit.Inventory) { p.Sources[0].Encrypted = "" },
		"audit_log under sources.other":        func(p *setup.Setup, _ *Controller, _ *[]audit.Inventory) { p.Sources[3].AuditLog = "" },
		"agreement under sources.other":        func(p *setup.Setup, _ *Controller, _ *[]audit.Inventory) { p.Sources[3].Agreement = "" },
		"data_subjects under silos.s":          func(p *setup.Setup, _ *Controller, _ *[]audit.Inventory) { p.Silos[0].Silo.DataSubjects = nil },
		"proof_retention under silos.s": func(p *setup.Setup, _ *Controller, _ *[]audit.Inventory) {
			p.Silos[0].Silo.ProofRetention = calendar.Period{}
		},
	} {
		p, c, inventory := company(t)
		away(p, &c, &inventory)
		gaps := Of(p, c, inventory, asOf, asOf).Gaps
		require.Len(t, gaps, 1, key)
		require.True(t, strings.HasPrefix(gaps[0].Write, key), "%s: %+v", key, gaps[0])
	}
}

// Every form says everything that the record says, and none of it as markup or as a formula.
func TestForms(t *testing.T) {
	p, c, inventory := company(t)
	p.Sources[3].Agreement = ""
	r := Of(p, c, inventory, asOf, asOf)
	var text, page, table strings.Builder
	require.NoError(t, r.WriteText(&text))
	require.NoError(t, r.WriteHTML(&page))
	require.NoError(t, r.WriteCSV(&table))
	require.NotContains(t, page.String(), "<Blu>")
	said := append([]string{r.Controller.Name, "Via 1", "dpo@b.example", "training"}, r.Measures...)
	for _, a := range r.Activities {
		for _, e := range a.entries() {
			said = append(said, e.list...)
		}
	}
	for _, s := range said {
		require.Contains(t, text.String(), s)
		require.Contains(t, html.UnescapeString(page.String()), s)
		require.Contains(t, strings.ReplaceAll(table.String(), `""`, `"`), s)
	}
	require.Contains(t, page.String(), r.Gaps[0].Write)
	require.Contains(t, text.String(), r.Gaps[0].Write)
	lines, err := csv.NewReader(strings.NewReader(table.String())).ReadAll()
	require.NoError(t, err)
	require.Len(t, lines, 1+len(r.Activities))
	for _, line := range lines {
		for _, cell := range line {
			require.False(t, strings.HasPrefix(cell, "="), cell)
		}
	}
}
