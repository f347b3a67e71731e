package audittest

import (
	"strings"
	"time"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/figures"
)

// Night is a made-up night of a company with five silos, two databases and three backups.
func Night() (audit.Facts, figures.Totals) {
	day := func(d, h int) time.Time { return time.Date(2026, 11, d, h, 0, 0, 0, time.UTC) }
	digest := func(c string) string { return strings.Repeat(c, 16) }
	f := audit.Facts{
		Run: audit.Run{
			RunID:        "0193a000-4c1e-7000-8f00-00000000002a",
			RunKey:       "nightly apply 2026-11-21",
			Job:          "nightly",
			Mode:         "apply",
			AsOf:         day(21, 2),
			Zone:         "Europe/Rome",
			Controller:   "Example Società Cooperativa",
			StartedAt:    day(21, 2),
			EndedAt:      day(21, 2).Add(11*time.Minute + 24*time.Second),
			ToolVersion:  "v0.1.0",
			PolicyDigest: digest("a4c1"),
			RulesDigest:  digest("07be"),
			RegistryHeads: "customers:18211:" + digest("9d3f") + ";hr:77:" + digest("52aa") +
				";newsletter:9120:" + digest("e001"),
			PreviousManifest: digest("31f7"),
			StopReason:       "waiting",
			SourcesOK:        5,
			RowsScanned:      1284310,
			PlaintextWaived:  "shop",
		},
	}
	sum := func(silo, source, object, reason, words, article, action, use, change string, rows int64, due string) {
		f.Summary = append(f.Summary, audit.Summary{Silo: silo, Source: source, Object: object, Reason: reason,
			Words: words, Article: article, Action: action, Use: use, Change: change, Rows: rows, OldestDue: due})
	}
	consent, contract, law := "The person's consent is valid and on file.",
		"A contract, or claims from it, still needs these data.",
		"A law obliges the company to keep these data until the date shown."
	withdrawn, over := "The person withdrew consent.", "The retention period is over."
	sum("newsletter", "crm", "subscriptions", "K_CONSENT", consent, "Art. 6(1)(a)", "keep", "allowed", "", 31877, "")
	sum("newsletter", "crm", "subscriptions", "D_CONSENT_WITHDRAWN", withdrawn, "Art. 7(3), 17(1)(b)", "delete",
		"blocked", "delete", 412, "2026-11-14")
	sum("newsletter", "crm", "subscriptions", "D_CONSENT_EXPIRED", "Consent has run out and was not renewed.",
		"Art. 5(1)(e)", "expire", "blocked", "block", 1903, "")
	sum("newsletter", "crm", "subscriptions", "X_NO_MATCH_GRACE",
		"The registry does not know this person yet; the record is recent, so the registry may still catch up.",
		"Art. 5(2)", "keep", "blocked", "", 128, "")
	sum("newsletter", "crm", "subscriptions", "E_ID_UNPARSEABLE",
		"The record has no readable identifier, so the person's choices cannot be looked up.", "Art. 5(1)(d)",
		"keep", "blocked", "", 14, "")
	sum("customers", "crm", "customers", "K_CONTRACT", contract, "Art. 6(1)(b)", "keep", "allowed", "", 18240, "")
	sum("customers", "crm", "invoices", "K_LEGAL_OBLIGATION", law, "Art. 6(1)(c), 17(3)(b)", "keep", "limited", "",
		40112, "")
	sum("customers", "crm", "customers", "D_RETENTION_ELAPSED", over, "Art. 5(1)(e), 17(1)(a)", "anonymize",
		"blocked", "anonymize", 1204, "2026-08-31")
	sum("customers", "shop-dump", "orders", "D_ERASURE_REQUEST",
		"The person asked for erasure and no ground is left to keep the record.", "Art. 17(1)", "delete", "blocked",
		"delete", 3, "2026-11-20")
	sum("contact requests", "crm", "contacts", "D_RETENTION_ELAPSED", over, "Art. 5(1)(e), 17(1)(a)", "delete",
		"blocked", "delete", 96, "2026-11-18")
	sum("contact requests", "crm", "contacts", "K_LEGITIMATE_INTEREST",
		"A legitimate interest covers these data, and no objection stands against it.", "Art. 6(1)(f)", "keep",
		"allowed", "", 2210, "")
	sum("hr", "payroll", "staff", "K_CONTRACT", contract, "Art. 6(1)(b)", "keep", "allowed", "", 184, "")
	sum("hr", "payroll", "sick_notes", "D_RETENTION_ELAPSED", over, "Art. 5(1)(e), 17(1)(a)", "expire", "blocked",
		"block", 3, "")
	sum("inactive customers", "shop", "accounts", "K_LEGAL_HOLD",
		"A legal hold keeps the record as evidence; it may be used for that case only.", "Art. 17(3)(e)", "keep",
		"blocked", "", 7, "")
	sum("inactive customers", "shop", "accounts", "K_CONSENT", consent, "Art. 6(1)(a)", "keep", "allowed", "", 5120,
		"")
	f.Plans = []audit.Plan{
		{PlanID: "0193a000-4c1e-r", Part: "reversible", Digest: digest("11aa"), Silo: "newsletter", Source: "crm",
			Object: "subscriptions", Change: "block", Rows: 1903, PercentOfObject: 5.5, State: "applied"},
		{PlanID: "0193a000-4c1e-d", Part: "destructive", Digest: digest("22bb"), Silo: "customers", Source: "crm",
			Object: "customers", Change: "anonymize", Rows: 1204, PercentOfObject: 6.2,
			Breakers: "B_MAX_PCT;B_MAX_ROWS", RequiresApproval: true, ValidUntil: day(28, 2), State: "waiting"},
		{PlanID: "0193a000-4c1e-d", Part: "destructive", Digest: digest("22bb"), Silo: "customers", Source: "crm",
			Object: "addresses", Change: "delete", Rows: 1188, PercentOfObject: 6.1,
			Breakers: "B_MAX_PCT;B_MAX_ROWS", RequiresApproval: true, ValidUntil: day(28, 2), State: "waiting"},
		{PlanID: "01939b00-11c0-d", Part: "destructive", Digest: digest("33cc"), Silo: "newsletter", Source: "crm",
			Object: "subscriptions", Change: "delete", Rows: 412, PercentOfObject: 1.2, State: "applied"},
	}
	f.Approvals = []audit.Approval{
		{PlanID: "0193a000-4c1e-d", Actor: "a.rossi", Role: "owner", Decision: "approve", SignedAt: day(21, 8),
			Signature: []byte{1}},
		{PlanID: "01939b00-11c0-d", Actor: "a.rossi;m.bianchi", Role: "order", Decision: "approve",
			SignedAt: day(21, 2), StandingOrder: "newsletter until 2027-03-31, at most 500 rows"},
	}
	f.Findings = []audit.Finding{
		{Kind: "F_UNMAPPED", Severity: "high",
			Words: "The table holds personal data and no silo governs it, " +
				"so nothing in it is ever checked against consent.",
			Source: "crm", Object: "tmp_export_2019", Count: 20417, Article: "Art. 5(1)(b)",
			FirstSeen: "2026-11-19"},
		{Kind: "F_OVERDUE", Severity: "medium",
			Words: "When the night ended, rows were still kept past their term: The retention period is over. " +
				"The oldest was due on 2026-08-31.",
			Source: "crm", Object: "customers", Count: 1204, Article: "Art. 5(1)(e)", FirstSeen: "2026-11-19"},
	}
	f.Exceptions = []audit.Exception{
		{Silo: "newsletter", Source: "crm", Object: "subscriptions", Code: "E_ID_UNPARSEABLE",
			Words: "The record has no readable identifier, so the person's choices cannot be looked up.", Count: 14,
			FirstSeen: "2026-11-19", AgeDays: 2, Owner: "marketing"},
		{Source: "crm", Object: "tmp_export_2019", Code: "E_NO_POLICY",
			Words: "No rule in force covers this record; write one before anything can be decided.", Count: 20417,
			FirstSeen: "2026-11-19", AgeDays: 2},
	}
	f.ConsentSync = []*audit.ConsentSync{
		{Target: "crm", Silo: "newsletter", Source: "crm", Object: "subscriptions", HeadSeq: 41022, AckedSeq: 41022,
			MaxLagSeconds: 86400, Changed: 412, LocalRows: 33922, ExpectedRows: 33922, DriftMissing: 1,
			DriftDifferent: 2},
		{Target: "shop", Silo: "inactive customers", Source: "shop", Object: "accounts", HeadSeq: 920,
			AckedSeq: 900, MaxLagSeconds: 86400, LagSeconds: 80000, Attempts: 3, Error: "E_UNREACHABLE",
			LocalRows: 5120, ExpectedRows: 5120},
	}
	f.Backups = []audit.Backup{
		{Source: "shop-dump", Application: "shop", Path: "/backup/shop-2026-11-16.sql.gz", Engine: "mysqldump",
			Size: 81 << 20, TakenAt: day(16, 1), ExpiresAt: day(30, 23), Strategy: "rewrite",
			Why: "the oldest erasure is due since 2026-11-20; the file is rewritten P7D later", Pending: 3,
			Oldest: "2026-11-20", Status: "waiting"},
		{Source: "shop-dump-old", Application: "shop", Path: "/backup/shop-2026-11-02.sql.gz", Engine: "mysqldump",
			TakenAt: day(2, 1), ExpiresAt: day(23, 23), Strategy: "rewrite", Why: "nothing in it is due",
			Status: "rewritten", Before: digest("0a0a"), After: digest("0b0b")},
		{Source: "archive-2019", Path: "/backup/archive-2019.sql", Engine: "mysqldump", Status: "unreadable",
			Why: "cut off before its end"},
	}
	table := func(source, env, object, silo, change string, rows int64, oldest string, fields ...string) {
		f.Inventory = append(f.Inventory, audit.Inventory{Source: source,
			Application: strings.TrimSuffix(source, "-dump"), Environment: env, Location: "IT", Object: object,
			Silo: silo, Rows: rows, OldestRow: oldest, NewestRow: "2026-11-20", Category: "personal",
			Class: "personal", State: "scanned", Change: change})
		for _, field := range fields {
			name, category, _ := strings.Cut(field, ":")
			class := "direct_identifier"
			if category == "health" {
				class = "special"
			}
			if category == "none" {
				class = "none"
			}
			f.Inventory = append(f.Inventory, audit.Inventory{Source: source, Object: object, Column: name,
				Silo: silo, Rows: rows, Category: category, Class: class, State: "scanned", Change: change})
		}
	}
	table("crm", "production", "subscriptions", "newsletter", "same", 34334, "2019-02-11", "email:email",
		"first_name:given_name", "source_page:none", "ip:ip_address")
	table("crm", "production", "customers", "customers", "same", 19444, "2014-06-01", "full_name:person_name",
		"email:email", "phone:phone", "vat_code:national_id", "born:birth_date")
	table("crm", "production", "contacts", "contact requests", "same", 2306, "2024-11-02", "mail:email",
		"message:free_text")
	table("crm", "production", "tmp_export_2019", "", "new", 20417, "", "col1:email", "col2:person_name")
	table("crm", "production", "settings", "", "same", 12, "", "key:none", "value:none")
	table("payroll", "production", "staff", "hr", "same", 184, "2001-09-01", "surname:family_name", "iban:iban",
		"fiscal_code:national_id")
	table("payroll", "production", "sick_notes", "hr", "changed", 96, "2021-01-11", "diagnosis:health",
		"note:free_text")
	f.Inventory = append(
		f.Inventory,
		audit.Inventory{Source: "payroll", Object: "audit_trail", Category: "none", State: "skipped",
			Reason: "by configuration", Change: "same"},
		audit.Inventory{Source: "archive-2019", Application: "shop", Environment: "backup", Category: "none",
			State: "failed", Reason: "the file is damaged", Change: "same"},
		audit.Inventory{Source: "crm", Object: "leads_old", Category: "personal", State: "gone", Change: "gone"},
	)
	f.Inventory = append(
		f.Inventory,
		audit.Inventory{Source: "crm", Object: "page_views", Rows: 900000, Sampled: 10000, MissedBelow: 0.0002995,
			Category: "none", State: "scanned", Change: "same"},
		audit.Inventory{Source: "crm", Object: "settings", Column: "owner_mail", Category: "none", Machine: "email",
			ReviewedBy: "dora", ReviewedUntil: "2027-06-30", Because: "mailboxes of machines", State: "scanned",
			Change: "same"},
	)
	f.Requests = []audit.Request{
		{Silo: "customers", RequestID: "request-0001", Kind: "access", ReceivedAt: day(2, 10), DueOn: "2026-12-14",
			ExtendedTo: "2027-02-12", ToldAt: day(18, 9), Because: "number", PausedHours: 240, Status: "open",
			VerifiedAt: day(12, 9), HandedAt: day(19, 9), HandedRows: 1, FulfilledAt: day(19, 10),
			LookedAt: day(19, 10), FoundRows: 3, Kept: "K_CONTRACT=1;K_LEGAL_HOLD=2", CopyRows: 9,
			Letter: "partial_refusal", LetterAt: day(20, 9)},
		{Silo: "customers", RequestID: "request-0002", Kind: "erasure", ReceivedAt: day(10, 10),
			DueOn: "2026-12-10", PausedHours: 24, Status: "paused"},
		{Silo: "newsletter", RequestID: "request-0003", Kind: "objection", ReceivedAt: day(1, 10).AddDate(0, -1, 0),
			DueOn: "2026-11-02", Status: "overdue", OverdueDays: 19},
		{Silo: "newsletter", RequestID: "request-0004", Kind: "objection", ReceivedAt: day(1, 10),
			DueOn: "2026-12-01", Status: "closed", ClosedAt: day(3, 10), Outcome: "completed"},
	}
	f.Holds = []audit.Hold{
		{Silo: "customers", HoldID: "hold-0001", PlacedBy: "a.rossi", PlacedAt: day(3, 10), ReviewBy: "2027-11-03",
			Status: "unapproved"},
		{Silo: "customers", HoldID: "hold-0002", PlacedBy: "a.rossi", PlacedAt: day(3, 10), ApprovedBy: "m.bianchi",
			ReviewBy: "2027-11-03", Status: "in_force"},
		{Silo: "customers", HoldID: "hold-0003", PlacedBy: "a.rossi", PlacedAt: day(3, 10), ApprovedBy: "m.bianchi",
			ReviewBy: "2027-11-03", Status: "released", ReleasedAt: day(20, 10), ReleasedBy: "a.rossi;m.bianchi"},
	}
	f.Run.SourcesFailed = 1
	totals := figures.Totals{
		{Silo: "newsletter", Change: "block", Status: "done"}:           {Rows: 1903, Verified: 1903},
		{Silo: "newsletter", Change: "delete", Status: "done"}:          {Rows: 409, Verified: 409},
		{Silo: "newsletter", Change: "delete", Status: "skipped_drift"}: {Rows: 3, Verified: 0},
		{Silo: "hr", Change: "block", Status: "done"}:                   {Rows: 3, Verified: 3},
	}
	return f, totals
}
