package details

import (
	"bytes"
	htmltemplate "html/template"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"pgregory.net/rapid"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/audittest"
	"lethe/pipeline/audit/figures"
	"lethe/pipeline/audit/page/fill"
	"lethe/pipeline/audit/page/lang"
)

// elements parses a page and walks it.
func elements(t *testing.T, body string, visit func(*html.Node)) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(body))
	require.NoError(t, err)
	for n := range root.Descendants() {
		visit(n)
	}
}

func words(t require.TestingT, code string) *lang.Words {
	w, err := lang.In(code)
	require.NoError(t, err)
	return w
}

// TestThePageIsInTheLanguageOfTheNight: every message of it, and it says what is in English all the same.
func TestThePageIsInTheLanguageOfTheNight(t *testing.T) {
	f, totals := audittest.Night()
	english := strings.Join(texts(t, f, totals, "en"), "\n")
	for code, want := range map[string][]string{
		"it": {"Richieste di persone", "Approvato da a.rossi (owner) il 21 novembre 2026, 09:00.", "1.204 righe in crm.customers: anonimizzate (6,2\u00a0% della tabella)", "Prorogata di due mesi il 18 nov 2026 (numero di richieste).", "Consegnato il 19 nov 2026: 1 riga.",
			"Il 19 nov 2026 3 righe della persona erano in fonti vive e 9 nei backup.", "In ritardo di 19 giorni.", "cancellazione", "12 feb 2027",
			"Nessuna regola copre la tabella crm.tmp_export_2019, 20.417 righe. Nulla vi è deciso."},
		"pl": {"Żądania osób", "Wydano 19 lis 2026: 1 wiersz.", "19 lis 2026 w źródłach były 3 wiersze osoby, a w kopiach zapasowych 9.",
			"Spóźnione o 19 dni.", "wstrzymany"},
		"sv": {"Begäranden från personer", "Försenad 19 dagar.", "Detaljer om natten till 21 november 2026"}, "nl": {"Verzoeken van personen", "19 dagen te laat."},
		"es": {"Solicitudes de personas", "Retraso de 19 días."},
	} {
		body, err := Render(f, totals, "2026-11-21", code)
		require.NoError(t, err)
		require.Contains(t, string(body), `<html lang="`+code+`">`)
		all := strings.Join(texts(t, f, totals, code), "\n")
		for _, w := range want {
			require.Contains(t, all, w)
			require.NotContains(t, english, w)
		}
		for _, left := range []string{"Nobody has noted", "Handed over", "Answer by", "Late by", "Approved by", "waits for",
			"Kept, in use", "rows in", "exit code", "November", "No personal data", "Not read"} {
			require.NotContains(t, all, left)
		}
		own, en := words(t, code), words(t, "en")
		keys := regexp.MustCompile(`say "([^"]+)"`).FindAllStringSubmatch(source, -1)
		require.Greater(t, len(keys), 100)
		theirs := map[string]bool{}
		for _, m := range keys {
			theirs[lang.Plain(own.Say(m[1]))] = true
		}
		for _, m := range keys {
			if text := lang.Plain(en.Say(m[1])); !theirs[text] { // some words are those of both
				require.NotContains(t, strings.Split(all, "\n"), text, "%s in %s", m[1], code)
			}
		}
	}
	_, err := Render(f, totals, "2026-11-21", "xx")
	require.Error(t, err)
}

func texts(t *testing.T, f audit.Facts, totals figures.Totals, code string) []string {
	body, err := Render(f, totals, "2026-11-21", code)
	require.NoError(t, err)
	list, err := fill.Texts(body)
	require.NoError(t, err)
	return list
}

func render(t *testing.T, f audit.Facts, totals figures.Totals) string {
	t.Helper()
	body, err := Render(f, totals, "2026-11-21", "")
	require.NoError(t, err)
	return string(body)
}

// TestPageStandsAlone checks that the page needs nothing from elsewhere, runs nothing, and says its
// language. With LETHE_DETAILS set it is also written there, to be looked at in a browser.
func TestPageStandsAlone(t *testing.T) {
	f, totals := audittest.Night()
	body := render(t, f, totals)
	if path := os.Getenv("LETHE_DETAILS"); path != "" {
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
	f, totals := audittest.Night()
	texts, err := fill.Texts([]byte(render(t, f, totals)))
	require.NoError(t, err)
	all := strings.Join(texts, "\n")
	for _, want := range []string{"Details of the night to 21 November 2026", "Waits for the custodian's approval:",
		"lethe plan show 0193a000-4c1e-d",
		"Approved by a.rossi (owner) on 21 November 2026, 09:00.",
		"Approved by standing order (newsletter until 2027-03-31, at most 500 rows), " +
			"in the name of a.rossi, m.bianchi.",
		"Art. 7(3), 17(1)(b)", "The person withdrew consent.",
		"A larger share of a table than a night may change.", "crm.tmp_export_2019",
		"no longer there", "cannot be read", "1 Dec 2026", "Not read: by configuration",
		"lethe audit verify FOLDER --key PUBLIC-KEY",
		"21 November 2026, 03:00 (Europe/Rome), that is 2026-11-21 02:00:00 UTC",
		"1 further table without personal data.", f.Run.PreviousManifest, f.Run.PolicyDigest, f.Run.RunID} {
		require.Contains(t, all, want)
	}
	for _, want := range []string{"request-0001", "12 Feb 2027",
		"Extended by two months on 18 Nov 2026 (number of requests).", "The term rested for 10 days so far",
		"Handed over on 19 Nov 2026: 1 row.", "On 19 Nov 2026, 3 rows of the person stood in live " +
			"sources and 9 in backups.", "They are kept by K_CONTRACT (1), K_LEGAL_HOLD (2).",
		"The letter “Our answer to your request: part of it has to be refused” was written on 20 Nov 2026.",
		"Nobody has noted yet that the person has shown who they are.", "rests", "Late by 19 days.", "hold-0001", "nobody yet", "m.bianchi",
		"10,000 of its rows were read: what stands in fewer than 0.03 % of them " +
			"can have been missed (95 % confidence).",
		"crm.settings.owner_mail", "dora", "30 Jun 2027", "mailboxes of machines"} {
		require.Contains(t, all, want)
	}
	require.NotContains(t, all, "request-0004", "an answered request is in its table")
	require.NotContains(t, all, "hold-0003")
}

func TestPageHidesSmallCountsOfSensitiveSilos(t *testing.T) {
	f, totals := audittest.Night()
	p := newPage(f, totals, "2026-11-21", words(t, "en"))
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
	f, totals := audittest.Night()
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
	require.Greater(t, seen, 12, "all of it is there as text")
}

// TestThePageIsWhatHTMLTemplateMakesOfIt holds pages against html/template, which knows where in a page
// a value stands, and escapes it for there.
func TestThePageIsWhatHTMLTemplateMakesOfIt(t *testing.T) {
	en := words(t, "en")
	marks := strings.NewReplacer(string(lang.BoldOn), "<b>", string(lang.BoldOff), "</b>", string(lang.CodeOn), "<code>",
		string(lang.CodeOff), "</code>")
	standard, err := htmltemplate.New("page").Funcs(htmltemplate.FuncMap{"say": func(key string) htmltemplate.HTML {
		return htmltemplate.HTML(marks.Replace(htmltemplate.HTMLEscapeString(en.Say(key))))
	}}).Parse(source)
	require.NoError(t, err)
	ours, err := fill.Parse(source)
	require.NoError(t, err)
	same := func(t require.TestingT, f audit.Facts, totals figures.Totals) {
		p := newPage(f, totals, "2026-11-21", en)
		harmless(reflect.ValueOf(p).Elem())
		var want bytes.Buffer
		require.NoError(t, standard.Execute(&want, p))
		got, err := ours.Execute(p, en.Say)
		require.NoError(t, err)
		require.Equal(t, want.String(), string(got))
	}
	same(t, audit.Facts{}, nil)
	rapid.Check(t, func(rt *rapid.T) {
		f, totals := audittest.Night()
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
		"No table or field appeared", "This is the first night: everything"}
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
		body, err := Render(f, figures.Totals{}, "2026-11-21", "")
		require.NoError(t, err)
		list, err := fill.Texts(body)
		require.NoError(t, err)
		return strings.Join(list, "\n")
	}
	said := "In crm.customers.closed_on the terms of contract/contract begin. 71 rows have a day, from 3 Feb 2001 to " +
		"6 May 2024. The most, 42, have 1 Jan 2010. Of 17 it is not known."
	require.Equal(t, 1, strings.Count(texts(func(*audit.Facts) {}), said))
	require.NotContains(t, texts(func(f *audit.Facts) { f.Plans[0].Part, f.Plans[1].Part = "reversible", "reversible" }),
		"the terms of")
	require.NotContains(t, texts(func(f *audit.Facts) { f.Starts[0].Object = "orders" }), "the terms of")
	sensitive := texts(func(f *audit.Facts) {
		f.Inventory = []audit.Inventory{{Silo: "customers", Class: "special", Category: "health"}}
	})
	require.Contains(t, sensitive, "begin. The days reach from 3 Feb 2001 to 6 May 2024.")
	require.NotContains(t, sensitive, "71 rows")
}

// Each live source with personal data is drawn, and said in words for who does not see the drawing.
func TestSourcesAreDrawnAndSaidInWords(t *testing.T) {
	f, totals := audittest.Night()
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
