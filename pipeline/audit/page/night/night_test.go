package night

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/audittest"
	"lethe/pipeline/audit/figures"
	"lethe/pipeline/audit/page/fill"
	"lethe/pipeline/audit/page/lang"
	"lethe/pipeline/audit/page/matters"
)

const date = "2026-11-21"

func pageOf(t *testing.T, f audit.Facts, totals figures.Totals) *page {
	t.Helper()
	w, err := lang.In("en")
	require.NoError(t, err)
	return newPage(Input{Facts: f, Totals: totals, Date: date}, w)
}

func render(t *testing.T, in Input) string {
	t.Helper()
	if in.Date == "" {
		in.Date = date
	}
	body, err := Render(in)
	require.NoError(t, err)
	return string(body)
}

// TestVerdict is computed by the rule: red, somebody has to act today; amber, a person is needed and nothing is late;
// green, neither.
func TestVerdict(t *testing.T) {
	for name, c := range map[string]struct {
		change   func(*audit.Facts)
		totals   figures.Totals
		level    string
		sentence string
	}{
		"quiet": {func(*audit.Facts) {}, figures.Totals{{Silo: "a", Source: "crm", Change: "delete", Status: "done"}: {Rows: 3,
			Verified: 3}}, "green", "The one silo was decided, and 3 rows were ended."},
		"waits": {func(f *audit.Facts) {
			f.Plans = []audit.Plan{{PlanID: "p", Part: "destructive", State: "waiting", Rows: 1}}
		}, nil, "amber", "1 plan waits."},
		"waits after apply": {func(f *audit.Facts) {
			f.Summary, f.Inventory, f.Run.Phases = nil, nil, "apply"
			f.Plans = []audit.Plan{{PlanID: "p", Part: "destructive", State: "waiting", Rows: 1}}
		}, nil, "amber", "1 plan waits."},
		"an objection": {func(f *audit.Facts) {
			f.Plans = []audit.Plan{{PlanID: "p", Part: "destructive", State: "waiting", Rows: 1}}
			f.Approvals = []audit.Approval{{PlanID: "p", Actor: "dora", Decision: "object"}}
		}, nil, "amber", "1 plan is objected to."},
		"an objection taken back": {func(f *audit.Facts) {
			f.Plans = []audit.Plan{{PlanID: "p", Part: "destructive", State: "waiting", Rows: 1}}
			f.Approvals = []audit.Approval{{PlanID: "p", Actor: "dora", Decision: "object"},
				{PlanID: "p", Actor: "dora", Decision: "withdraw"}}
		}, nil, "amber", "1 plan waits."},
		"exception": {func(f *audit.Facts) { f.Exceptions = []audit.Exception{{Code: "X_NO_MATCH", Count: 9}} }, nil, "amber",
			"1 question is open."},
		"request late": {func(f *audit.Facts) {
			f.Requests = []audit.Request{{Kind: "erasure", DueOn: "2026-11-17", Status: "overdue", OverdueDays: 4}}
		}, nil, "red", "One request is 4 days late."},
		"request due": {func(f *audit.Facts) {
			f.Requests = []audit.Request{{Kind: "erasure", DueOn: "2026-11-28", Status: "open"}}
		}, nil, "amber", "1 request is due within a week."},
		"request far": {func(f *audit.Facts) {
			f.Requests = []audit.Request{{Kind: "erasure", DueOn: "2026-11-29", Status: "open"}}
		}, nil, "green", "The one silo was decided"},
		"request rests": {func(f *audit.Facts) {
			f.Requests = []audit.Request{{Kind: "erasure", DueOn: "2026-11-22", Status: "paused"}}
		}, nil, "green", "The one silo"},
		"answered": {func(f *audit.Facts) {
			f.Requests = []audit.Request{{Kind: "erasure", DueOn: "2026-11-22", Status: "closed"}}
		}, nil, "green", "The one silo"},
		"in use past its end": {func(f *audit.Facts) {
			f.Summary = append(f.Summary, audit.Summary{Silo: "a", Source: "crm", Reason: "D_RETENTION_ELAPSED",
				Action: "delete", Change: "delete", Use: "allowed", Rows: 2, OldestDue: "2026-11-01"})
		}, nil, "red", "Rows of 1 silo are in use past their end."},
		"blocked past its end": {func(f *audit.Facts) {
			f.Summary = append(f.Summary, audit.Summary{Silo: "a", Source: "crm", Reason: "D_RETENTION_ELAPSED",
				Action: "delete", Change: "delete", Use: "blocked", Rows: 2, OldestDue: "2026-11-01"})
		}, nil, "green", "The one silo"},
		"nothing blocks it past its end": {func(f *audit.Facts) {
			f.Summary = append(f.Summary, audit.Summary{Silo: "a", Source: "crm", Reason: "D_RETENTION_ELAPSED",
				Action: "delete", Change: "delete", Use: "blocked", InUse: 2, Rows: 2, OldestDue: "2026-11-01"})
		}, nil, "red", "Rows of 1 silo are in use past their end."},
		"a dry run blocks nothing past its end": {func(f *audit.Facts) {
			f.Run.Mode = "dry"
			f.Summary = append(f.Summary, audit.Summary{Silo: "a", Source: "crm", Reason: "D_RETENTION_ELAPSED",
				Action: "delete", Change: "delete", Use: "blocked", InUse: 1, Rows: 2, OldestDue: "2026-11-01"})
		}, nil, "red", "Rows of 1 silo are in use past their end."},
		"source failed": {func(f *audit.Facts) {
			f.Inventory = append(f.Inventory, audit.Inventory{Source: "hr", State: "failed", Reason: "unreachable"})
		}, nil, "amber", "Source hr was not read."},
		"source failed, something due": {func(f *audit.Facts) {
			f.Inventory = append(f.Inventory, audit.Inventory{Source: "hr", State: "failed", Reason: "unreachable"})
			f.Kept = []audit.Kept{{Source: "hr", Day: "2026-11-19", Summary: []audit.Summary{{Silo: "staff", Source: "hr",
				Reason: "D_RETENTION_ELAPSED", Action: "delete", Change: "delete", Rows: 12, OldestDue: "2026-11-21"}}}}
		}, nil, "red", "Source hr was not read."},
		"refused": {func(*audit.Facts) {}, figures.Totals{{Silo: "a", Status: "refused"}: {Rows: 2}}, "amber",
			"A database refused rows of 1 silo."},
		"altered": {func(f *audit.Facts) { f.Run.ExitCode = 12 }, nil, "red",
			"The evidence does not hold: rely on no figure until that is explained."},
		"no registry": {func(f *audit.Facts) { f.Run.ExitCode = 10 }, nil, "red", "The consent registry was missing"},
		"lapsed":      {func(f *audit.Facts) { f.Run.ExitCode = 13 }, nil, "red", "A plan lapsed"},
		"an error":    {func(f *audit.Facts) { f.Run.ExitCode = 1 }, nil, "red", "The night ended with an error."},
		"stopped":     {func(f *audit.Facts) { f.Run.ExitCode, f.Run.StopReason = 3, "window_end" }, nil, "amber", "The night ended"},
		"killed":      {func(f *audit.Facts) { f.Run.ExitCode = 130 }, nil, "amber", "The night was stopped from outside."},
		"old consents": {func(f *audit.Facts) {
			f.ConsentSync = []*audit.ConsentSync{{Target: "shop", LagSeconds: 90000, MaxLagSeconds: 86400}}
		}, nil, "red", "1 application works with old consents."},
		"weighty finding": {func(f *audit.Facts) {
			f.Findings = []audit.Finding{{Kind: "F_UNMAPPED", Severity: "medium", Source: "crm", Object: "x", Count: 4}}
		}, nil, "amber", "1 question is open."},
		"light finding": {func(f *audit.Facts) { f.Findings = []audit.Finding{{Kind: "F_TRIGGER", Severity: "low"}} }, nil,
			"green", "The one silo"},
		"a hold to look at": {func(f *audit.Facts) {
			f.Holds = []audit.Hold{{HoldID: "hold-1", Status: "review_due", ReviewBy: "2026-11-20"}}
		}, nil, "amber", "1 hold needs a look."},
		"the worst three": {func(f *audit.Facts) {
			f.Requests = []audit.Request{{Kind: "erasure", DueOn: "2026-11-17", Status: "overdue", OverdueDays: 4}}
			f.Inventory = append(f.Inventory, audit.Inventory{Source: "hr", State: "failed", Reason: "unreachable"})
			f.Plans = []audit.Plan{{PlanID: "p", Part: "destructive", State: "waiting", Rows: 1}}
			f.Exceptions = []audit.Exception{{Code: "X_NO_MATCH", Count: 9}}
		}, nil, "red", "One request is 4 days late, source hr was not read and 1 plan waits."},
	} {
		t.Run(name, func(t *testing.T) {
			f := audittest.Quiet()
			c.change(&f)
			p := pageOf(t, f, c.totals)
			require.Equal(t, c.level, p.Verdict.Level)
			require.Contains(t, p.Verdict.Sentence, c.sentence)
			require.Equal(t, c.level == "green", len(p.Needs) == 0, "the list has what the verdict says")
			require.Equal(t, c.level == "green", p.Next != nil, "an empty list is seen to have been looked up")
		})
	}
}

// TestWhatIsToBeAttested is a matter: each attestation that is due, overdue or was never given, and the reviews of a kind
// together.
func TestWhatIsToBeAttested(t *testing.T) {
	f := audittest.Quiet()
	f.Attestations = []audit.Attestation{{Name: "access", Kind: "access", Owner: "bo", Every: "P6M", LastOn: "2026-11-01",
		DueOn: "2027-05-01", Status: "in_force"}, {Name: "old", Kind: "other", Status: "dropped"}}
	require.Equal(t, "green", pageOf(t, f, nil).Verdict.Level)
	for _, s := range audittest.States() {
		if s.Name == "something is to be attested" {
			f = s.Facts
		}
	}
	p := pageOf(t, f, nil)
	require.Equal(t, "amber", p.Verdict.Level)
	require.Equal(t, "5 attestations or reviews are due.", p.Verdict.Sentence)
	var said []string
	for _, m := range p.Needs {
		said = append(said, lang.Plain(m.What)+"|"+m.When+"|"+m.Left+"|"+m.Who)
	}
	require.Equal(t, []string{
		"To attest again: staff-training. Last said on 2 Nov 2025; say it with lethe attest give.|2 Nov|19 days late|anna",
		"Verdicts on fields that end: 1. The first is on crm.customers.ref. Then the program decides again; look with " +
			"lethe review.|Fri 20 Nov|1 day late|anna",
		"Rules to look at again: 2. The first is that of a: newsletter. Whoever answers for it gives it a new day, or " +
			"changes it.|Tue 1 Dec|10 days left|anna, bo",
		"Proofs of database servers that end: 1. The first is that of MySQL 8.4. Prove it anew with lethe connectors prove, or " +
			"nothing is changed there any more.|Thu 3 Dec|12 days left|operator",
		"To attest: paper-archive. Nobody has said so yet; say it with lethe attest give.|–||bo"}, said)
}

// TestACosignatureGrowsOld: seven nights without one are amber, also where nothing else is.
func TestACosignatureGrowsOld(t *testing.T) {
	f := audittest.Quiet()
	f.Run.AsOf = time.Date(2026, 11, 21, 1, 0, 0, 0, time.UTC)
	require.Equal(t, []string{"Not cosigned", "No time stamp"}, []string{pageOf(t, f, nil).Evidence[1].Title,
		pageOf(t, f, nil).Evidence[2].Title})
	f.Log = []audit.LogLine{{Size: 412, Signer: "log"}, {Size: 405, Signer: "dpo", SignedAt: f.Run.AsOf.AddDate(0, 0, -6), Nights: 6},
		{Size: 400, Signer: "dpo", SignedAt: f.Run.AsOf.AddDate(0, 0, -9)},
		{Size: 411, Signer: "tsa:tsa.example", SignedAt: f.Run.AsOf}}
	p := pageOf(t, f, nil)
	require.Equal(t, "green", p.Verdict.Level)
	require.Equal(t, "Cosigned 6 nights ago", p.Evidence[1].Title)
	require.Equal(t, "Sun 15 Nov, position 405 of 412.", p.Evidence[1].Text)
	require.Equal(t, "RFC 3161, by tsa.example, Sat 21 Nov, 02:00.", p.Evidence[2].Text)
	f.Log[1].SignedAt, f.Log[1].Nights = f.Run.AsOf.AddDate(0, 0, -7), 7
	p = pageOf(t, f, nil)
	require.Equal(t, []string{"amber", "Nobody has cosigned for 7 nights."}, []string{p.Verdict.Level, p.Verdict.Sentence})
	require.Equal(t, "amber", p.Evidence[1].Mark)
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

// TestThePageStandsAlone checks that it needs nothing from elsewhere, runs nothing, says its language, and that each
// code of a query is said.
func TestThePageStandsAlone(t *testing.T) {
	f, totals := audittest.Night()
	body := render(t, Input{Facts: f, Totals: totals})
	h1, drawings := 0, 0
	elements(t, body, func(n *html.Node) {
		require.NotContains(t, []atom.Atom{atom.Script, atom.Link, atom.Img, atom.Iframe, atom.Object, atom.Embed, atom.Form,
			atom.Base}, n.DataAtom, n.Data)
		for _, a := range n.Attr {
			require.False(t, strings.HasPrefix(a.Key, "on") || a.Key == "src" || a.Key == "style", a.Key)
			require.NotContains(t, a.Val, "://")
			if a.Key == "href" {
				to, inside := strings.CutPrefix(a.Val, "#")
				require.True(t, inside && strings.Contains(body, `id="`+to+`"`) || a.Val == "details.html", a.Val)
			}
			if a.Key == "role" && a.Val == "img" {
				drawings++
			}
			if a.Key == "lang" {
				require.Equal(t, "en", a.Val)
			}
		}
		switch n.DataAtom {
		case atom.H1:
			h1++
		case atom.Style:
			require.NotRegexp(t, `@import|expression|url\(http`, n.FirstChild.Data)
			require.Contains(t, n.FirstChild.Data, "size: A4")
		}
	})
	require.Equal(t, 1, h1)
	require.Equal(t, 5, drawings)
	require.NotContains(t, body, "%!")
	require.Equal(t, body, render(t, Input{Facts: f, Totals: totals}), "the same facts give the same page")
}

func TestNamesAreText(t *testing.T) {
	nasty := "\"><script>alert(1)</script><img src=x onerror=y>{{.}} *b* `c` {1}"
	f, totals := audittest.Night()
	for i := range f.Summary {
		f.Summary[i].Silo, f.Summary[i].Reason = nasty, nasty
	}
	f.Run.Controller = nasty
	for i := range f.Findings {
		f.Findings[i].Words, f.Findings[i].Object, f.Findings[i].Kind = nasty, nasty, nasty
	}
	for i := range f.Plans {
		f.Plans[i].PlanID, f.Plans[i].Silo, f.Plans[i].Reason, f.Plans[i].State = nasty, nasty, nasty, "waiting"
	}
	for i := range f.Requests {
		f.Requests[i].RequestID, f.Requests[i].Kind = nasty, nasty
	}
	f.Exceptions[0].Words, f.Exceptions[0].Owner, f.Exceptions[0].Code = nasty, nasty, nasty
	seen := 0
	elements(t, render(t, Input{Facts: f, Totals: totals}), func(n *html.Node) {
		require.NotContains(t, []atom.Atom{atom.Script, atom.Img}, n.DataAtom)
		if n.Type == html.TextNode && strings.Contains(n.Data, "onerror=y") {
			seen++
		}
	})
	require.Greater(t, seen, 5)
	f.Run.Controller = "a\x1b[2Jb\u0000c\uE000d"
	texts, err := fill.Texts([]byte(render(t, Input{Facts: f, Totals: totals})))
	require.NoError(t, err)
	for _, text := range texts {
		require.NotContains(t, text, "\x1b")
		require.NotContains(t, text, "\uE000")
	}
}

// TestThePageIsBounded: a page of 200 silos has as many rows as one of seven, and says how many more there are.
func TestThePageIsBounded(t *testing.T) {
	f, totals := audittest.Many(200)
	p := pageOf(t, f, totals)
	require.Len(t, p.Needs, matters.Most)
	require.Regexp(t, `more`, p.More.Text)
	require.Len(t, p.Silos, mostSilos)
	require.Contains(t, p.Silos[mostSilos-1].Name, "more")
	for _, m := range p.Needs {
		require.LessOrEqual(t, len([]rune(lang.Plain(m.What))), matters.Longest)
	}
	require.LessOrEqual(t, len([]rune(p.Verdict.Sentence)), longestVerdict+20)
	body := render(t, Input{Facts: f, Totals: totals})
	require.Less(t, len(body), 300_000)
	if path := os.Getenv("LETHE_PAGE"); path != "" { // to be looked at in a browser
		require.NoError(t, os.WriteFile(filepath.Join(path, "many.html"), []byte(body), 0o600))
		for _, code := range lang.Languages() {
			f, totals := audittest.Full()
			body := render(t, Input{Facts: f, Totals: totals, Language: code})
			require.NoError(t, os.WriteFile(filepath.Join(path, "full."+code+".html"), []byte(body), 0o600))
		}
	}
}

func TestANightWithNothing(t *testing.T) {
	body := render(t, Input{})
	for _, want := range []string{"Green: nothing needs you", "there was no row to decide on", "What comes next:",
		"Nothing was decided.", "No backup is configured, so nothing is known.", "No row of any silo was decided"} {
		require.Contains(t, body, want)
	}
	require.NotContains(t, body, "All 0 silos")
	require.NotContains(t, body, "A copy is a row", "of no file")
	f := audittest.Quiet()
	f.Backups = f.Backups[:0]
	require.NotContains(t, render(t, Input{Facts: f}), "A copy is a row")
	f.Backups = append(f.Backups, audit.Backup{Source: "dump"})
	require.Contains(t, render(t, Input{Facts: f}), "A copy is a row in the one backup file.")
}

// TestAPartThatWasNotReadKeepsItsFigures: with a dagger and their day, and never 0.
func TestAPartThatWasNotReadKeepsItsFigures(t *testing.T) {
	before := audittest.Quiet()
	before.Run.AsOf = time.Date(2026, 11, 19, 2, 0, 0, 0, time.UTC)
	before.Summary = append(before.Summary, audit.Summary{Silo: "staff", Source: "hr", Reason: "K_CONTRACT", Action: "keep",
		Use: "allowed", Rows: 3264})
	figures.Conclude(&before, nil, nil, "2026-11-19")
	f := audittest.Quiet()
	f.Run.AsOf = time.Date(2026, 11, 20, 2, 0, 0, 0, time.UTC)
	f.Inventory = append(f.Inventory, audit.Inventory{Source: "hr", State: "failed", Reason: "access denied"})
	figures.Conclude(&f, []audit.Facts{before}, nil, "2026-11-20")
	next := audittest.Quiet()
	next.Run.AsOf = time.Date(2026, 11, 21, 2, 0, 0, 0, time.UTC)
	next.Inventory = append(next.Inventory, audit.Inventory{Source: "hr", State: "failed", Reason: "access denied"})
	figures.Conclude(&next, []audit.Facts{f}, nil, date)
	p := pageOf(t, next, nil)
	require.Equal(t, "staff†", p.Silos[0].Name)
	require.Equal(t, "3,264", p.Silos[0].Cells[1])
	require.Equal(t, "–", p.Silos[0].Cells[9])
	require.Equal(t, "3,268", p.Sum.Cells[1])
	require.Contains(t, strings.Join(p.SiloNotes, " "), "as of Thu 19 Nov")
	require.Contains(t, p.Needs[0].What, "access was denied. What is in it was not decided. Its figures are those of Thu 19 Nov.")
	require.Equal(t, "2 nights", p.Needs[0].When)
	require.Equal(t, "amber", p.Evidence[0].Mark)
	require.Contains(t, p.Verdict.Held, "1 of 2 silos were decided")
}

// TestAfterApplyThePageIsTheNights: nothing of the night is dropped, and what apply did stands first.
func TestAfterApplyThePageIsTheNights(t *testing.T) {
	plan := audit.Plan{PlanID: "0193a000-4c1e-7000-8f00-00000000002a-destructive", Part: "destructive", State: "waiting",
		Silo: "a", Source: "crm", Object: "t", Change: "delete", Reason: "D_RETENTION_ELAPSED", Rows: 12}
	night := audittest.Quiet()
	night.Run.AsOf = time.Date(2026, 11, 21, 1, 0, 0, 0, time.UTC)
	night.Summary = append(night.Summary, audit.Summary{Silo: "a", Source: "crm", Object: "t", Reason: "D_RETENTION_ELAPSED",
		Action: "delete", Change: "delete", Use: "blocked", Rows: 12, OldestDue: "2026-11-01"},
		audit.Summary{Silo: "a", Source: "dump", Object: "t", Reason: "K_CONTRACT", Action: "keep", Rows: 77})
	night.Backups = []audit.Backup{{Source: "dump", Path: "dump", Pending: 5}}
	night.Plans = []audit.Plan{plan}
	night.Exceptions = []audit.Exception{{Silo: "a", Source: "crm", Code: "X_NO_MATCH", Count: 9}}
	figures.Conclude(&night, nil, nil, date)

	applied := audit.Facts{Run: audit.Run{Mode: "apply", Phases: "apply", AsOf: night.Run.AsOf.Add(9 * time.Hour),
		EndedAt: night.Run.AsOf.Add(9 * time.Hour), Zone: "Europe/Rome"}}
	plan.State = "applied"
	applied.Plans = []audit.Plan{plan}
	applied.Approvals = []audit.Approval{{PlanID: plan.PlanID, Actor: "anna", Role: "owner:a", Decision: "approve"}}
	totals := figures.Totals{
		{Plan: plan.PlanID, Silo: "a", Source: "crm", Object: "t", Change: "delete", Reason: "D_RETENTION_ELAPSED",
			Status: "done"}: {Rows: 9, Verified: 9},
		{Plan: plan.PlanID, Silo: "a", Source: "crm", Object: "t", Change: "delete", Reason: "D_RETENTION_ELAPSED",
			Status: "skipped_drift"}: {Rows: 3}}
	figures.Conclude(&applied, []audit.Facts{night}, totals, date)
	p := pageOf(t, applied, totals)
	require.Equal(t, "amber", p.Verdict.Level)
	require.Contains(t, p.Verdict.Held, "Page made again on Sat 21 Nov at 11:00, after the night of Sat 21 Nov")
	require.Len(t, p.Acts, 1)
	require.Equal(t, "Plan 002a: 12 rows planned: 9 done, 9 of them read again; 3 left as they are.",
		lang.Plain(p.Acts[0].What))
	require.Equal(t, "anna", p.Acts[0].Who)
	require.Len(t, p.Needs, 1, "the night's question still stands")
	require.Equal(t, []string{"–", "7", "77", "4", "0", "0", "3", "–", "0", "9"}, p.Silos[0].Cells, "its rows and copies too")
	require.Equal(t, "a", p.Silos[0].Name, "they are the same night's")
	require.Len(t, applied.Nights, 1, "one line a day")
	require.Equal(t, int64(9), applied.Nights[0].Deleted)
	require.Equal(t, int64(3), applied.Nights[0].Waiting)
}

// TestSmallCountsOfSensitiveSilos: 1 to 4 is <5, and with it one more cell of its row and of its column goes, so that
// sums do not say it.
func TestSmallCountsOfSensitiveSilos(t *testing.T) {
	f := audittest.Quiet()
	f.Inventory = append(f.Inventory, audit.Inventory{Source: "hr", Object: "sick", Column: "diagnosis", Silo: "hr",
		Class: "special", State: "scanned"})
	line := func(silo, reason, action string, rows int64) {
		f.Summary = append(f.Summary, audit.Summary{Silo: silo, Source: "hr", Object: "sick", Reason: reason, Action: action,
			Use: "blocked", Rows: rows})
	}
	line("hr", "E_ID_CONFLICT", "keep", 3)
	line("hr", "K_LEGAL_HOLD", "keep", 40)
	line("hr", "X_NO_MATCH", "keep", 20)
	line("b", "E_ID_CONFLICT", "keep", 50)
	f.Exceptions = []audit.Exception{{Silo: "hr", Code: "E_ID_CONFLICT", Count: 3}}
	p := pageOf(t, f, nil)
	row := map[string][]string{}
	for _, r := range p.Silos {
		row[r.Name] = r.Cells
	}
	require.Equal(t, []string{"0", "…", "<5", "20"}, row["hr"][3:7])
	hiddenInColumn := 0
	for _, cells := range append([][]string{p.Sum.Cells}, row["a"], row["b"]) {
		if cells[5] == "…" {
			hiddenInColumn++
		}
	}
	require.Equal(t, 1, hiddenInColumn)
	require.Contains(t, p.SiloNotes[len(p.SiloNotes)-1], "<5")
	require.NotContains(t, lang.Plain(p.Needs[0].What), "3 rows")
	require.Contains(t, p.Needs[0].What, "hr <5")
}

// TestRowsCopiesAndPeopleAreToldApart: of a plan, of what was done, and of what went along with rows that were decided.
func TestRowsCopiesAndPeopleAreToldApart(t *testing.T) {
	f := audittest.Quiet()
	f.Backups = append(f.Backups, audit.Backup{Source: "dump", Path: "dump"})
	line := func(source, object string, rows, people int64) audit.Plan {
		return audit.Plan{PlanID: "01a22b25-e4ab-72fc-be7a-efee673a3de2-destructive", Part: "destructive", State: "waiting",
			Silo: "a", Source: source, Object: object, Change: "delete", Reason: "D_CONSENT_EXPIRED", Rows: rows,
			People: people, PlanPeople: 40}
	}
	f.Plans = []audit.Plan{line("crm", "customers", 50, 40), line("crm", "orders", 200, 0), line("dump", "customers", 30, 30)}
	p := pageOf(t, f, nil)
	require.Contains(t, lang.Plain(p.Needs[0].What), "Plan 3de2: delete 250 rows, 30 copies in backups, of 40 people; a;")

	f.Run.Phases, f.Plans[0].State = "apply", "applied"
	at := func(source string, along bool) figures.Outcome {
		return figures.Outcome{Plan: f.Plans[0].PlanID, Silo: "a", Source: source, Object: "t", Change: "delete",
			Reason: "D_CONSENT_EXPIRED", Status: "done", Along: along}
	}
	totals := figures.Totals{at("crm", false): {Rows: 50, Verified: 50}, at("crm", true): {Rows: 200, Verified: 200},
		at("dump", false): {Rows: 30, Verified: 30}}
	page := render(t, Input{Facts: f, Totals: totals})
	require.Contains(t, page, "250 rows planned")
	require.Contains(t, page, "30 copies rewritten in backups.")
	require.Contains(t, page, "50 read again and gone or anonymous: 50 deleted, 0 anonymized. "+
		"With them went 200 rows that refer or belong to them.")
	require.Contains(t, page, "All 50 rows that were ended")
}

// TestNothingEndedIsNotNothingDue: what waits for people was to end.
func TestNothingEndedIsNotNothingDue(t *testing.T) {
	f := audittest.Quiet()
	require.Contains(t, pageOf(t, f, nil).Done[0].Text, "No row was planned to end.")
	f.Nights = []audit.Figures{{Day: "2026-11-21", Nights: 1, Waiting: 7}}
	require.Contains(t, pageOf(t, f, nil).Done[0].Text, "No row was ended: what is due waits for people.")
}

// TestAMissingRegistryIsNotCalledChecked: neither sentence nor cell says that it was as it was signed.
func TestAMissingRegistryIsNotCalledChecked(t *testing.T) {
	f := audittest.Quiet()
	require.Contains(t, pageOf(t, f, nil).Verdict.Held, "The registry and the answers were as they were signed.")
	f.Run.ExitCode = 10
	p := pageOf(t, f, nil)
	require.NotContains(t, p.Verdict.Held, "registry")
	require.Equal(t, []string{"amber", "Holds, not whole"}, []string{p.Evidence[0].Mark, p.Evidence[0].Title})
}

// TestARestoreIsNoError: what was put back from a copy is said as that, and not as a night that failed.
func TestARestoreIsNoError(t *testing.T) {
	f := audittest.Quiet()
	f.Run.ExitCode = 14
	f.Findings = []audit.Finding{{Kind: "F_RESTORED", Severity: "high", Source: "crm", Object: "people", Count: 11}}
	p := pageOf(t, f, nil)
	require.Len(t, p.Needs, 1)
	require.Contains(t, lang.Plain(p.Needs[0].What), "in crm.people 11 rows were back that had been erased")
	require.NotContains(t, p.Verdict.Sentence, "error")
}

// TestAgesAfterApply: once the rows longest past their term were ended, nobody knows how long the others are.
func TestAgesAfterApply(t *testing.T) {
	f := audittest.Quiet()
	f.Ages = []audit.Age{{Silo: "newsletter", Source: "crm", Object: "a", Tenth: 10, Rows: 40, DaysPast: 324}}
	require.Contains(t, drawn(t, f), ">40 past, by 324 d<")
	f.Ages = append(f.Ages, audit.Age{Silo: "newsletter", Source: "crm", Object: "b", Tenth: 10, Rows: 2})
	require.Contains(t, drawn(t, f), ">42 past<")
}

// drawn are the drawings of a page.
func drawn(t *testing.T, f audit.Facts) (all string) {
	for _, c := range pageOf(t, f, nil).Charts {
		all += string(c.Drawing)
	}
	return all
}

// TestExceptionsTellRowsFromCopies, and one from several.
func TestExceptionsTellRowsFromCopies(t *testing.T) {
	said := func(list ...audit.Exception) string {
		f := audittest.Quiet()
		f.Backups = append(f.Backups, audit.Backup{Source: "copy"})
		f.Exceptions = list
		return lang.Plain(pageOf(t, f, nil).Needs[0].What)
	}
	of := func(source string, rows int64) audit.Exception {
		return audit.Exception{Silo: "hr", Source: source, Code: "E_DEPENDENT_KEPT", Count: rows}
	}
	require.Equal(t, "1 row that is due stays, since rows that stay refer to them (hr 1). Besides 9 copies in backups.",
		said(of("crm", 1), of("copy", 9)))
	require.Equal(t, "12 rows that are due stay, since rows that stay refer to them (hr 12).", said(of("crm", 12)))
	require.Equal(t, "3 rows that are due stay, since rows that stay refer to them (hr 3). These are copies in backups.",
		said(of("copy", 3)))
}
