package page

import (
	"bytes"
	htmltemplate "html/template"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"pgregory.net/rapid"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/audittest"
)

// aNight is a made-up night of a company with five silos, two databases and three backups.
func aNight() (audit.Facts, Totals) {
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
			ExtendedTo: "2027-02-12", ToldAt: day(18, 9), Because: "number", PausedHours: 240, Status: "open"},
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
	totals := Totals{
		{"newsletter", "block", "done"}:           {1903, 1903},
		{"newsletter", "delete", "done"}:          {409, 409},
		{"newsletter", "delete", "skipped_drift"}: {3, 0},
		{"hr", "block", "done"}:                   {3, 3},
	}
	return f, totals
}

// elements parses a page and walks it.
func elements(t *testing.T, body string, visit func(*html.Node)) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(body))
	require.NoError(t, err)
	for n := range root.Descendants() {
		visit(n)
	}
}

func render(t *testing.T, f audit.Facts, totals Totals) string {
	t.Helper()
	body, err := Render(f, totals, "2026-11-21")
	require.NoError(t, err)
	return string(body)
}

// TestPageStandsAlone checks that the page needs nothing from elsewhere, runs nothing, and says its
// language. With LETHE_PAGE set it is also written there, to be looked at in a browser.
func TestPageStandsAlone(t *testing.T) {
	f, totals := aNight()
	body := render(t, f, totals)
	if path := os.Getenv("LETHE_PAGE"); path != "" {
		require.NoError(t, os.WriteFile(path, []byte(body), 0o600))
	}
	bars, tables := 0, 0
	elements(t, body, func(n *html.Node) {
		require.NotContains(
			t,
			[]atom.Atom{atom.Script, atom.Link, atom.Img, atom.Iframe, atom.Object, atom.Embed, atom.Form,
				atom.Base, atom.A},
			n.DataAtom,
			n.Data,
		)
		for _, a := range n.Attr {
			require.False(t,
				strings.HasPrefix(a.Key, "on") || a.Key == "src" || a.Key == "href" || a.Key == "style", a.Key)
			require.NotContains(t, a.Val, "://")
			if a.Key == "class" && a.Val == "bar" {
				bars++
				next := n.NextSibling
				for next.Type != html.ElementNode {
					next = next.NextSibling
				}
				require.Equal(t, atom.Table, next.DataAtom, "a table follows each bar")
			}
		}
		switch n.DataAtom {
		case atom.Html:
			require.Equal(t, []html.Attribute{{Key: "lang", Val: "en"}}, n.Attr)
		case atom.Style:
			require.NotRegexp(t, `url\(|@import|expression`, n.FirstChild.Data)
			require.Contains(t, n.FirstChild.Data, "@media print")
			require.Contains(t, n.FirstChild.Data, "size: A4")
			require.Contains(t, n.FirstChild.Data, "prefers-color-scheme: dark")
		case atom.Table:
			tables++
		}
	})
	require.Equal(t, 5, bars)
	require.Greater(t, tables, 10)
	require.NotContains(t, body, "ZgotmplZ")
	require.Equal(t, body, render(t, f, totals), "the same facts give the same page")
}

func TestPageSaysWhatHappened(t *testing.T) {
	f, totals := aNight()
	texts, err := Texts([]byte(render(t, f, totals)))
	require.NoError(t, err)
	all := strings.Join(texts, "\n")
	for _, want := range []string{"Retention report, 21 November 2026", "Amber: people are needed",
		"1 plan with 2,392 rows waits for approval.", "101,513", "Waits for the custodian's approval:",
		"lethe plan show 0193a000-4c1e-d",
		"Approved by a.rossi (owner) on 21 November 2026, 09:00.",
		"Approved by standing order (newsletter until 2027-03-31, at most 500 rows), " +
			"in the name of a.rossi, m.bianchi.",
		"Art. 7(3), 17(1)(b)", "The person withdrew consent.",
		"a larger share of one table would change than a night may change unasked", "crm.tmp_export_2019",
		"no longer there", "cannot be read", "1 Dec 2026", "Not read: by configuration",
		"lethe audit verify FOLDER --key PUBLIC-KEY",
		"21 November 2026, 03:00 (Europe/Rome), that is 2026-11-21 02:00:00 UTC",
		"1 further table without personal data.", f.Run.PreviousManifest, f.Run.PolicyDigest, f.Run.RunID} {
		require.Contains(t, all, want)
	}
	for _, want := range []string{"request-0001", "12 Feb 2027",
		"Extended by two months on 18 Nov 2026 (number of requests).", "The term rested for 10 days so far",
		"rests", "Late by 19 days.", "hold-0001", "nobody yet", "m.bianchi",
		"10,000 of its rows were read: what stands in fewer than 0.03 % of them " +
			"can have been missed (95 % confidence).",
		"crm.settings.owner_mail", "dora", "30 Jun 2027", "mailboxes of machines"} {
		require.Contains(t, all, want)
	}
	require.NotContains(t, all, "request-0004", "an answered request is in its table")
	require.NotContains(t, all, "hold-0003")
}

func TestPageHidesSmallCountsOfSensitiveSilos(t *testing.T) {
	f, totals := aNight()
	p := newPage(f, totals, "2026-11-21")
	for _, s := range p.Silos {
		if s.Name == "hr" {
			require.Equal(t, "<5", s.Segments[1].Rows)
			require.Empty(t, s.Total+s.Segments[0].Share+s.Segments[1].Share,
				"what the count could be worked out from")
			require.NotEmpty(t, s.Note)
		} else {
			require.NotEmpty(t, s.Total+s.Segments[0].Share)
		}
	}
	require.Equal(t,
		doneView{Silo: "hr", Change: "blocked (no longer used)", Done: "<5", Verified: "<5", Left: "0", Failed: "0"},
		p.Done[0])
}

func TestPageEscapesEverything(t *testing.T) {
	f, totals := aNight()
	nasty := `"><script>alert(1)</script><img src=x onerror=y>{{.}}`
	f.Run.Controller, f.Run.Job, f.Run.RegistryHeads, f.Run.StopReason, f.Run.PlaintextWaived = nasty, nasty, nasty,
		nasty, nasty
	f.Summary[0].Silo, f.Summary[0].Words, f.Summary[0].Article, f.Summary[0].Reason = nasty, nasty, nasty, nasty
	f.Plans[0].PlanID, f.Plans[0].State, f.Plans[0].Object, f.Plans[0].Breakers, f.Plans[0].Change = nasty, nasty,
		nasty, nasty, nasty
	f.Findings[0].Words, f.Findings[0].Object = nasty, nasty
	f.Exceptions[0].Words, f.Exceptions[0].Owner = nasty, nasty
	f.Backups[0].Path, f.Backups[0].Why, f.Backups[0].Status = nasty, nasty, nasty
	for i := range f.Inventory {
		f.Inventory[i].Object, f.Inventory[i].Category, f.Inventory[i].Reason = nasty, nasty, nasty
	}
	seen := 0
	elements(t, render(t, f, totals), func(n *html.Node) {
		require.NotContains(t, []atom.Atom{atom.Script, atom.Img}, n.DataAtom)
		if n.Type == html.TextNode && strings.Contains(n.Data, nasty) {
			seen++
		}
	})
	require.Greater(t, seen, 15, "all of it is there as text")
}

// TestThePageIsWhatHTMLTemplateMakesOfIt holds pages against html/template, which knows where in a page
// a value stands, and escapes it for there.
func TestThePageIsWhatHTMLTemplateMakesOfIt(t *testing.T) {
	standard, err := htmltemplate.New("page").Parse(source)
	require.NoError(t, err)
	ours, err := parseTemplate(source)
	require.NoError(t, err)
	same := func(t require.TestingT, f audit.Facts, totals Totals) {
		p := newPage(f, totals, "2026-11-21")
		var want bytes.Buffer
		require.NoError(t, standard.Execute(&want, p))
		got, err := ours.execute(p)
		require.NoError(t, err)
		require.Equal(t, want.String(), string(got))
	}
	same(t, audit.Facts{}, nil)
	rapid.Check(t, func(rt *rapid.T) {
		f, totals := aNight()
		f.Run = audittest.Draw[audit.Run](rt)
		f.Summary = append(f.Summary, audittest.Draw[audit.Summary](rt))
		f.Plans = append(f.Plans, audittest.Draw[audit.Plan](rt))
		f.Approvals = append(f.Approvals, audittest.Draw[audit.Approval](rt))
		f.Findings[0].Words = rapid.String().Draw(rt, "words")
		f.Exceptions = append(f.Exceptions, audittest.Draw[audit.Exception](rt))
		f.Backups = append(f.Backups, audittest.Draw[audit.Backup](rt))
		f.Inventory = append(f.Inventory, audittest.Draw[audit.Inventory](rt))
		f.Requests = append(f.Requests, audittest.Draw[audit.Request](rt))
		same(rt, f, totals)
	})
}

func TestTheTemplateSaysWhatItCannotDo(t *testing.T) {
	for source, want := range map[string]string{
		"{{len .Day}}":                     `function "len" not defined`,
		"{{if}}{{end}}":                    "missing value for if",
		"{{.Day | .Mode}}":                 ".Day | .Mode is not in its language",
		"{{range .Tiles}}{{.None}}{{end}}": "a page.tile has no field None",
		"{{.Tiles}}":                       "a []page.tile is no text",
		"{{template \"x\"}}":               `{{template "x"}} is not in its language`,
	} {
		parsed, err := parseTemplate(source)
		if err == nil {
			_, err = parsed.execute(&page{Tiles: make([]tile, 1)})
		}
		require.ErrorContains(t, err, want)
	}
}

func TestVerdict(t *testing.T) {
	quiet := audit.Facts{Run: audit.Run{Mode: "apply", StopReason: "done"},
		Summary: []audit.Summary{{Silo: "a", Reason: "K_CONSENT", Action: "keep", Use: "allowed", Rows: 4}}}
	for name, c := range map[string]struct {
		change   func(*audit.Facts)
		totals   Totals
		level    string
		sentence string
	}{
		"quiet": {func(*audit.Facts) {}, Totals{{"a", "delete", "done"}: {3, 3}, {"a", "delete",
			"skipped_drift"}: {1, 0}}, "green", "nothing waits for people"},
		"waiting": {func(f *audit.Facts) {
			f.Plans = []audit.Plan{{PlanID: "p", Part: "destructive", State: "waiting", Rows: 1}}
		}, nil, "amber", "1 plan with 1 row waits for approval."},
		"exception": {func(f *audit.Facts) { f.Exceptions = []audit.Exception{{Count: 9}} }, nil, "amber",
			"1 exception needs a person."},
		"source failed": {func(f *audit.Facts) { f.Run.SourcesFailed = 2 }, nil, "amber",
			"2 sources could not be read, so nothing is known of them tonight."},
		"window": {func(f *audit.Facts) { f.Run.ExitCode, f.Run.StopReason = 3, "window_end" }, nil, "amber",
			"did not do all of its work: stopped at the end of its window"},
		"copy lags": {func(f *audit.Facts) {
			f.ConsentSync = []*audit.ConsentSync{{Target: "shop", Error: "E_UNREACHABLE", LagSeconds: 90000,
				MaxLagSeconds: 86400}}
		}, nil, "red", "shop works with consents that are out of date"},
		"copy altered": {func(f *audit.Facts) {
			f.Run.Mode = "apply"
			f.ConsentSync = []*audit.ConsentSync{{Target: "shop", DriftExtra: 1}}
		}, nil, "amber", "at shop was altered by somebody"},
		"backup": {func(f *audit.Facts) { f.Backups = []audit.Backup{{Source: "old", Status: "unreadable"}} },
			nil, "amber", "Backup old: cannot be read."},
		"high": {func(f *audit.Facts) { f.Findings = []audit.Finding{{Severity: "high"}} }, nil, "amber",
			"1 finding of high weight is open."},
		"low": {func(f *audit.Facts) { f.Findings = []audit.Finding{{Severity: "low"}} }, nil, "green",
			"nothing waits"},
		"refused": {func(*audit.Facts) {}, Totals{{"a", "delete", "refused"}: {2, 0}}, "red",
			"2 planned rows could not be changed."},
		"registry": {func(f *audit.Facts) { f.Run.ExitCode = 10 }, nil, "red", "registry is missing"},
		"tampered": {func(f *audit.Facts) { f.Run.ExitCode = 12 }, nil, "red", "may have altered it"},
		"error":    {func(f *audit.Facts) { f.Run.ExitCode = 1 }, nil, "red", "exit code 1"},
	} {
		t.Run(name, func(t *testing.T) {
			f := quiet
			c.change(&f)
			v := newPage(f, c.totals, "2026-11-21").Verdict
			require.Equal(t, c.level, v.Level)
			require.Contains(t, v.Sentence, c.sentence)
		})
	}
}

func TestAnEmptyNightHasAPage(t *testing.T) {
	body := render(t, audit.Facts{}, nil)
	for _, want := range []string{"No record was decided on.", "Nothing was changed.", "No plan was sealed tonight",
		"No backup is configured", "This is the first night", "No source was read."} {
		require.Contains(t, body, want)
	}
}

// TestAPartOfANightSaysWhatItDidNotLookAt renders runs that read no source: nothing is said of what they did not see.
func TestAPartOfANightSaysWhatItDidNotLookAt(t *testing.T) {
	unseen := []string{"No backup is configured", "no backup is configured", "0 read, 0 failed",
		"No table or field appeared", "This is the first night: everything", "Every record of every silo"}
	for phases, does := range map[string]string{"apply": "Carried out what was approved before",
		"sync": "Brought the applications", "night": "This run ended before it read a source"} {
		run := audit.Run{Phases: phases, Mode: "apply"}
		if phases == "night" {
			run.ExitCode = 10
		}
		body := render(t, audit.Facts{Run: run}, nil)
		require.Contains(t, body, does, phases)
		require.Contains(t, body, "it did not look", phases)
		for _, words := range unseen {
			require.NotContains(t, body, words, phases)
		}
	}
	body := render(t, audit.Facts{Run: audit.Run{Phases: "apply"}, Backups: []audit.Backup{{Source: "dump",
		Status: "rewritten"}}}, nil)
	require.Contains(t, body, "rewritten tonight", "what it did is told")
	body = render(t, audit.Facts{Run: audit.Run{Phases: "night", Mode: "apply", SourcesOK: 1}}, nil)
	require.Contains(t, body, "No backup is configured", "a night that looked says what it found")
	require.NotContains(t, body, "did not look")
}

func TestNumbersAreGrouped(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 1204: "1,204",
		101513: "101,513", 1284310: "1,284,310", -5: "-5", -1234: "-1,234", -123: "-123"} {
		require.Equal(t, want, number(n))
	}
}

// TestPlansSayFromWhichDaysTermsCount shows the days of the tables that a plan destroys rows of, without counts where
// the silo is sensitive.
func TestPlansSayFromWhichDaysTermsCount(t *testing.T) {
	start := audit.Start{Silo: "customers", Source: "crm", Object: "customers", Column: "closed_on",
		Rule: "contract/contract", Rows: 71, Oldest: "2001-02-03", Newest: "2024-05-06", Most: "2010-01-01", MostRows: 42,
		Unknown: 17}
	plan := audit.Plan{PlanID: "p", Part: "destructive", State: "waiting", Silo: "customers", Source: "crm",
		Object: "customers", Change: "delete", Rows: 12}
	texts := func(edit func(*audit.Facts)) string {
		f := audit.Facts{Starts: []audit.Start{start}, Plans: []audit.Plan{plan, plan}}
		edit(&f)
		body, err := Render(f, Totals{}, "2026-11-21")
		require.NoError(t, err)
		list, err := Texts(body)
		require.NoError(t, err)
		return strings.Join(list, "\n")
	}
	said := "crm: terms of contract/contract count from customers.closed_on: 71 rows have a day, from 2001-02-03 to " +
		"2024-05-06, most of them (42) 2010-01-01; of 17 it is not known (E_START_UNKNOWN)"
	require.Equal(t, 1, strings.Count(texts(func(*audit.Facts) {}), said))
	require.NotContains(t, texts(func(f *audit.Facts) { f.Plans[0].Part, f.Plans[1].Part = "reversible", "reversible" }),
		"terms of")
	require.NotContains(t, texts(func(f *audit.Facts) { f.Starts[0].Object = "orders" }), "terms of")
	sensitive := texts(func(f *audit.Facts) {
		f.Inventory = []audit.Inventory{{Silo: "customers", Class: "special", Category: "health"}}
	})
	require.Contains(t, sensitive, "count from customers.closed_on, from 2001-02-03 to 2024-05-06")
	require.NotContains(t, sensitive, "71 rows")
}

// Each live source with personal data is drawn, and said in words for who does not see the drawing.
func TestSourcesAreDrawnAndSaidInWords(t *testing.T) {
	f, totals := aNight()
	f.Inventory = append(f.Inventory, audit.Inventory{Source: "crm", Object: "contacts", Column: "customer",
		Category: "none", RefersTo: "customers.id", State: "scanned", Change: "same"})
	var labels []string
	boxes, words := 0, 0
	elements(t, render(t, f, totals), func(n *html.Node) {
		switch {
		case n.DataAtom == atom.Svg && n.Parent.DataAtom == atom.Figure:
			for _, a := range n.Attr {
				if a.Key == "aria-label" {
					labels = append(labels, a.Val)
				}
			}
		case n.Data == "g":
			boxes++
		case n.DataAtom == atom.Li && n.Parent.Parent.DataAtom == atom.Details:
			words++
			if strings.HasPrefix(n.FirstChild.Data, "contacts,") {
				require.Contains(t, n.FirstChild.Data, "Its customer refers to customers.")
			}
		}
	})
	require.Equal(t, []string{"Tables of crm with personal data, by their foreign keys. No key leads to people: 4 tables.",
		"Tables of payroll with personal data, by their foreign keys. No key leads to people: 2 tables."}, labels)
	require.Equal(t, 6, boxes)
	require.Equal(t, boxes, words)
}
