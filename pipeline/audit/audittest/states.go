package audittest

import (
	"fmt"
	"strings"
	"time"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/figures"
)

// Date is the civil date of made-up nights.
const Date = "2026-11-21"

// Quiet is a night that needs nobody.
func Quiet() audit.Facts {
	return audit.Facts{Run: audit.Run{Mode: "apply", Phases: "night", StopReason: "done", Zone: "Europe/Rome"},
		Summary: []audit.Summary{{Silo: "a", Source: "crm", Reason: "K_CONSENT", Action: "keep", Use: "allowed",
			Rows: 4}},
		Inventory: []audit.Inventory{{Source: "crm", Object: "t", State: "scanned", Rows: 4}}}
}

// Many is a night of so many silos, plans, findings, requests, backups and decisions.
func Many(n int) (audit.Facts, figures.Totals) {
	f, totals := Night()
	for i := range n {
		silo := fmt.Sprintf("silo-%03d-with-a-rather-long-name", i)
		for _, reason := range []string{"K_CONTRACT", "D_RETENTION_ELAPSED", "X_NO_MATCH", fmt.Sprintf("D_%d", i)} {
			f.Summary = append(f.Summary, audit.Summary{Silo: silo, Source: "crm", Object: "t", Reason: reason,
				Action: map[bool]string{true: "keep", false: "delete"}[reason == "K_CONTRACT"], Use: "blocked",
				Change: "delete",
				Rows:   10_000_000 / int64(n), OldestDue: "2026-01-01"})
		}
		f.Plans = append(f.Plans, audit.Plan{PlanID: fmt.Sprint("plan-", i), Part: "destructive", State: "waiting",
			Silo: silo, Reason: "D_RETENTION_ELAPSED", Change: "delete", Rows: 12345, ValidUntil: f.Run.AsOf.AddDate(0,
				0, i%9)})
		f.Requests = append(f.Requests, audit.Request{Silo: silo, RequestID: fmt.Sprintf("request-%04d", i),
			Kind:       "erasure",
			ReceivedAt: f.Run.AsOf.AddDate(0, 0, -i%40), DueOn: "2026-12-01", Status: "open"})
		f.Exceptions = append(f.Exceptions, audit.Exception{Silo: silo, Code: "X_NO_MATCH", Count: 7, Owner: silo})
		f.Findings = append(f.Findings, audit.Finding{Kind: fmt.Sprintf("F_%d", i), Severity: "high", Object: silo,
			Words: strings.Repeat("words of a finding that has a lot to say ", 9)})
		f.Backups = append(f.Backups, audit.Backup{Source: fmt.Sprint("dump-", i), Path: fmt.Sprint("dump-", i),
			Pending:   9,
			ExpiresAt: f.Run.AsOf.AddDate(0, 0, i), Strategy: "age_out"})
		f.Inventory = append(f.Inventory, audit.Inventory{Source: fmt.Sprint("source-", i), State: "failed",
			Reason: "unreachable"})
	}
	return f, totals
}

// Full is a night with as much as the page has room for: eight matters of three lines, seven silos, 30 nights.
func Full() (audit.Facts, figures.Totals) {
	f, totals := Night()
	f.Exceptions = append(f.Exceptions, audit.Exception{Silo: "customers", Source: "crm", Code: "X_NO_MATCH",
		Count:     1030,
		FirstSeen: "2026-11-01", Owner: "a.rossi"}, audit.Exception{Silo: "newsletter", Source: "crm",
		Code:  "X_NO_MATCH",
		Count: 2020, FirstSeen: "2026-11-02", Owner: "m.bianchi"})
	f.Approvals = append(f.Approvals, audit.Approval{PlanID: "0193a000-4c1e-d", Actor: "dora", Role: "dpo",
		Decision: "object",
		SignedAt: f.Run.AsOf, Comment: "art. 17(3)(e): a claim is pending, and the file is needed until it is settled"})
	f.Requests = append(f.Requests, audit.Request{Silo: "hr", RequestID: "request-0009", Kind: "portability",
		ReceivedAt: f.Run.AsOf.AddDate(0, 0, -27), DueOn: "2026-11-25", Status: "open"})
	for i, silo := range []string{"inactive customers", "candidates", "suppliers"} {
		f.Summary = append(f.Summary, audit.Summary{Silo: silo, Source: "crm", Object: "t", Reason: "K_CONTRACT",
			Action: "keep", Use: "allowed", Rows: int64(31000 * (i + 1))}, audit.Summary{Silo: silo,
			Source: "shop-dump",
			Object: "t", Reason: "K_CONTRACT", Action: "keep", Use: "allowed", Rows: int64(310000 * (i + 1))})
	}
	for i := range 8 {
		f.Requests = append(f.Requests, audit.Request{Silo: "newsletter", RequestID: fmt.Sprintf("request-%04d", 20+i),
			Kind: "rectification", ReceivedAt: f.Run.AsOf.AddDate(0, 0, -i), Status: "open",
			DueOn: f.Run.AsOf.AddDate(0, 1, -i).Format(time.DateOnly)})
	}
	for i := range 6 {
		f.Backups = append(f.Backups, audit.Backup{Source: fmt.Sprint("dump-", i), Path: fmt.Sprint("dump-", i),
			Pending: int64(200 + 30*i), ExpiresAt: f.Run.AsOf.AddDate(0, 0, 9*i+2), Strategy: "age_out",
			Status: "waiting"})
	}
	var before audit.Facts
	for i := range 29 {
		before.Nights = figures.Follow(before.Nights, audit.Figures{Day: f.Run.AsOf.AddDate(0, 0,
			i-29).Format(time.DateOnly),
			Nights: 1, People: -1, PeopleUnground: -1, ErasedPeople: -1, Rows: 80000, Grace: int64(1500 + 10*i),
			Waiting: int64(i % 7 * 90), Unknown: int64(i * 9), Pending: int64(3000 - 60*i), Planned: 300,
			Deleted: int64(200 + i%5*30), Open: 12, OpenInTerm: int64(12 - i%2)})
	}
	figures.Conclude(&f, []audit.Facts{before}, totals, Date)
	return f, totals
}

// State is a night that a page may be of.
type State struct {
	Name   string
	Facts  audit.Facts
	Totals figures.Totals
}

// States are the nights that pages must be right on: those that one hopes for, and those that one does not.
func States() []State {
	full, fullTotals := Full()
	many, manyTotals := Many(200)
	odd, oddTotals := Odd()
	states := []State{{"full", full, fullTotals}, {"200 silos", many, manyTotals}, {"odd names", odd, oddTotals},
		{"quiet", Quiet(), nil}, {"nothing", audit.Facts{}, nil}}
	add := func(name string, change func(*audit.Facts) figures.Totals) {
		f := Quiet()
		totals := change(&f)
		states = append(states, State{name, f, totals})
	}
	add("killed", func(f *audit.Facts) figures.Totals {
		f.Run.ExitCode, f.Run.StopReason = 130, "error"
		f.Inventory = append(f.Inventory, audit.Inventory{Source: "hr", Object: "", State: "failed",
			Reason: "the night was stopped"})
		return figures.Totals{{Silo: "a", Source: "crm", Object: "t", Change: "delete", Status: "done"}: {Rows: 2000,
			Verified: 2000}}
	})
	add("a source failed", func(f *audit.Facts) figures.Totals {
		before := Quiet()
		before.Summary = append(before.Summary, audit.Summary{Silo: "staff", Source: "hr",
			Reason: "D_RETENTION_ELAPSED",
			Action: "delete", Change: "delete", Use: "blocked", Rows: 3264, OldestDue: "2026-11-20"})
		figures.Conclude(&before, nil, nil, "2026-11-20")
		f.Inventory = append(f.Inventory, audit.Inventory{Source: "hr", State: "failed", Reason: "access denied"})
		f.Run.ExitCode, f.Run.SourcesFailed = 3, 1
		figures.Conclude(f, []audit.Facts{before}, nil, Date)
		return nil
	})
	add("evidence was altered", func(f *audit.Facts) figures.Totals {
		f.Run.ExitCode = 12
		f.Hints = []audit.Hint{{HintID: "8f14e45fceea167a", Kind: "evidence_altered", Source: "crm", NoticedAt: day(19),
			ClockUntil: day(22)}}
		return nil
	})
	add("plans wait, requests are late", func(f *audit.Facts) figures.Totals {
		f.Plans = []audit.Plan{{PlanID: "0193a000-4c1e-d", Part: "destructive", State: "waiting", Silo: "a",
			Source: "crm",
			Object: "t", Change: "delete", Reason: "D_RETENTION_ELAPSED", Rows: 12, ValidUntil: day(23)}}
		f.Approvals = []audit.Approval{{PlanID: "0193a000-4c1e-d", Actor: "dora", Role: "dpo", Decision: "object",
			SignedAt: day(20)}}
		f.Requests = []audit.Request{{Silo: "a", RequestID: "request-0007", Kind: "erasure",
			ReceivedAt: day(1).AddDate(0, -1, 0),
			DueOn:      "2026-11-17", Status: "overdue", OverdueDays: 4}}
		return nil
	})
	add("something is to be attested", func(f *audit.Facts) figures.Totals {
		f.Attestations = []audit.Attestation{
			{Name: "staff-training", Kind: "training", Owner: "anna", Every: "P1Y", LastOn: "2025-11-02",
				SaidBy: "anna",
				DueOn:  "2026-11-02", Status: "overdue"},
			{Name: "paper-archive", Kind: "paper", Owner: "bo", Every: "P6M", Status: "never"},
			{Name: "access", Kind: "access", Owner: "bo", Every: "P6M", LastOn: "2026-11-01", SaidBy: "bo",
				DueOn: "2027-05-01", Status: "in_force"},
			{Name: "a: newsletter", Kind: "rule review", Owner: "anna", DueOn: "2026-12-01", Status: "due"},
			{Name: "b: contract", Kind: "rule review", Owner: "bo", DueOn: "2026-12-09", Status: "due"},
			{Name: "crm.customers.ref", Kind: "field review", Owner: "anna", DueOn: "2026-11-20", Status: "overdue"},
			{Name: "MySQL 8.4", Kind: "engine proof", DueOn: "2026-12-03", Status: "due"}}
		return nil
	})
	return append(states, applied())
}

func day(d int) time.Time { return time.Date(2026, 11, d, 2, 0, 0, 0, time.UTC) }

// applied is what `lethe apply` leaves after a night of which a plan waited.
func applied() State {
	plan := audit.Plan{PlanID: "0193a000-4c1e-7000-8f00-00000000002a-destructive", Part: "destructive",
		State: "waiting",
		Silo:  "a", Source: "crm", Object: "t", Change: "delete", Reason: "D_RETENTION_ELAPSED", Rows: 12}
	night := Quiet()
	night.Run.AsOf = day(21)
	night.Summary = append(night.Summary, audit.Summary{Silo: "a", Source: "crm", Object: "t",
		Reason: "D_RETENTION_ELAPSED",
		Action: "delete", Change: "delete", Use: "blocked", Rows: 12, OldestDue: "2026-11-01"})
	night.Backups = []audit.Backup{{Source: "dump", Path: "dump", Pending: 5, ExpiresAt: day(30)}}
	night.Plans = []audit.Plan{plan}
	figures.Conclude(&night, nil, nil, Date)
	f := audit.Facts{Run: audit.Run{Mode: "apply", Phases: "apply", AsOf: day(21).Add(9 * time.Hour), Night: "n",
		EndedAt: day(21).Add(9 * time.Hour), Zone: "Europe/Rome"}}
	plan.State = "applied"
	f.Plans = []audit.Plan{plan}
	f.Approvals = []audit.Approval{{PlanID: plan.PlanID, Actor: "anna", Role: "owner:a", Decision: "approve"}}
	totals := figures.Totals{{Plan: plan.PlanID, Silo: "a", Source: "crm", Object: "t", Change: "delete",
		Reason: "D_RETENTION_ELAPSED", Status: "done"}: {Rows: 9, Verified: 9}}
	figures.Conclude(&f, []audit.Facts{night}, totals, Date)
	return State{"after apply", f, totals}
}

// Odd is a night of a company whose names hold markup, characters that are not printed, and no place to break a line.
func Odd() (audit.Facts, figures.Totals) {
	odd := "\"><script>alert(1)</script><img src=x onerror=y>{{.}}*b*`c`{1}\x1b[2J\u202e" + strings.Repeat("Ünbroken",
		20)
	f, totals := Full()
	f.Run.Controller, f.Run.Job = odd, odd
	for i := range f.Summary {
		f.Summary[i].Silo, f.Summary[i].Source, f.Summary[i].Object = fmt.Sprint(i%3, odd), odd, odd
	}
	for i := range f.Findings {
		f.Findings[i].Words, f.Findings[i].Object, f.Findings[i].Source = odd, odd, odd
	}
	for i := range f.Plans {
		f.Plans[i].Silo, f.Plans[i].Object, f.Plans[i].PlanID = odd, odd, fmt.Sprint(odd, i)
	}
	for i := range f.Requests {
		f.Requests[i].RequestID = odd
	}
	for i := range f.Backups {
		f.Backups[i].Path, f.Backups[i].Source = odd, odd
	}
	for i := range f.Inventory {
		f.Inventory[i].Source, f.Inventory[i].Object = odd, odd
	}
	for i := range f.Exceptions {
		f.Exceptions[i].Silo, f.Exceptions[i].Owner, f.Exceptions[i].Words = odd, odd, odd
	}
	return f, totals
}
