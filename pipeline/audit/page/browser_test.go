package page_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/fixtures/servers/browser"
	"lethe/pipeline/audit"
	"lethe/pipeline/audit/audittest"
	"lethe/pipeline/audit/page"
	"lethe/pipeline/audit/page/index"
	"lethe/pipeline/audit/page/lang"
	"lethe/pipeline/audit/page/month"
	"lethe/pipeline/audit/page/night"
)

// mostBytes is how large a page may be, whatever it is of.
const mostBytes = 300_000

// TestPagesInABrowser: on every kind of night, and in every language, nobody is kept from reading the page: axe-core has
// nothing against it, a telephone shows it without scrolling to the side, and it prints to two sheets of A4.
// LETHE_PAGE=FOLDER keeps pages, pictures and prints to be looked at.
func TestPagesInABrowser(t *testing.T) {
	b := browser.Start(t)
	keep := os.Getenv("LETHE_PAGE")
	for i, state := range audittest.States() {
		for _, code := range languages(i) {
			t.Run(state.Name+" in "+code, func(t *testing.T) {
				t.Parallel()
				pages, err := page.Render(night.Input{Facts: state.Facts, Totals: state.Totals, Date: audittest.Date, Language: code})
				require.NoError(t, err)
				for _, made := range pages {
					if made.Name == page.Details && i > 0 && code != languages(i)[0] {
						continue // each language was looked at with the first
					}
					sheets := 2
					if made.Name == page.Details {
						sheets = 0
					}
					look(t, b, made, sheets, keep, strings.ReplaceAll(state.Name, " ", "-")+"."+code)
				}
			})
		}
	}
}

// languages are those in which a state is looked at: the first two, which have most to say, in each, the others in two,
// so that each language gets its turn. LETHE_PAGE has all.
func languages(state int) []string {
	all := lang.Languages()
	if state < 2 || os.Getenv("LETHE_PAGE") != "" {
		return all
	}
	return []string{all[state%len(all)], all[(state+3)%len(all)]}
}

// TestListAndMonthInABrowser: the list of all nights, of which there are many, and the report of a month.
func TestListAndMonthInABrowser(t *testing.T) {
	b := browser.Start(t)
	keep := os.Getenv("LETHE_PAGE")
	in := index.Input{Company: "Example Società Cooperativa", Report: page.Report}
	for i := range 500 {
		day := time.Date(2025, 7, 10, 0, 0, 0, 0, time.UTC).AddDate(0, 0, i)
		in.Nights = append(in.Nights, index.Night{Run: fmt.Sprintf("0193a000-0000-7000-8000-%012d", i), Date: day.Format(time.DateOnly),
			Phases:  []string{"night", "plan", "discover", "apply", "night", "sync"}[i%6],
			Verdict: []string{"green", "amber", "red", ""}[i%4], Needs: int64(i % 11)})
	}
	f, _ := audittest.Full()
	for _, code := range lang.Languages() {
		in.Language = code
		pages, err := index.Pages(in)
		require.NoError(t, err)
		require.Len(t, pages, 17)
		body, err := month.Render(month.Input{Month: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Language: code, Newest: f,
			Runs: []audit.Facts{f}})
		require.NoError(t, err)
		t.Run("in "+code, func(t *testing.T) {
			t.Parallel()
			look(t, b, page.Page{Name: "month.html", Body: body}, 2, keep, code)
			for _, p := range pages[:2] {
				require.Equal(t, 1, strings.Count(string(p.Body), "<h1>"))
				look(t, b, page.Page{Name: strings.ReplaceAll(p.Name, "/", "-"), Body: p.Body}, 0, keep, code)
			}
		})
	}
}

// look opens a page and holds it to what every page is held to; sheets is on how many it prints, 0 as many as it likes.
func look(t *testing.T, b *browser.Browser, made page.Page, sheets int, keep, name string) {
	t.Helper()
	require.Less(t, len(made.Body), mostBytes, made.Name)
	path := filepath.Join(t.TempDir(), made.Name)
	require.NoError(t, os.WriteFile(path, made.Body, 0o600))
	p := b.Open(t, path, browser.Phone)
	require.Empty(t, p.Beyond(t), "%s on a telephone", made.Name)
	if made.Name == page.Details {
		keep = "" // it may be longer than a picture
	}
	kept := func(ends string, body []byte) {
		if keep != "" {
			require.NoError(t, os.WriteFile(filepath.Join(keep, name+"."+made.Name+ends), body, 0o600))
		}
	}
	kept("", made.Body)
	if keep != "" {
		kept(".phone.png", p.Picture(t))
		p.Paper(t, true)
		kept(".paper.png", p.Picture(t))
		p.Paper(t, false)
	}
	p.Resize(t, browser.Desk)
	require.Empty(t, p.Beyond(t), "%s on a desk", made.Name)
	if keep != "" {
		kept(".desk.png", p.Picture(t))
	}
	if sheets > 0 {
		pdf := p.PDF(t)
		kept(".pdf", pdf)
		var over []string
		p.Paper(t, true)
		p.Eval(t, `[...document.querySelectorAll('.page:not(.screen)')].filter(e => e.scrollHeight > e.clientHeight).map(e =>
			e.scrollHeight + ' of ' + e.clientHeight)`, &over)
		p.Paper(t, false)
		p.Resize(t, browser.Desk)
		require.Empty(t, over, "what is printed reaches below its sheet")
		require.Equal(t, sheets, browser.Sheets(pdf), "sheets of %s", made.Name)
	}
	for _, f := range p.Faults(t) {
		t.Errorf("%s: %s: %s\n%s", made.Name, f.Rule, f.Help, strings.Join(f.At, "\n"))
	}
	require.Empty(t, p.Beyond(t), "%s with all its parts open", made.Name)
}

// TestPagesByKeyboard: whoever has no mouse gets to every link and every closed part, sees where they are, and opens it.
func TestPagesByKeyboard(t *testing.T) {
	b := browser.Start(t)
	f, totals := audittest.Full()
	pages, err := page.Render(night.Input{Facts: f, Totals: totals, Date: audittest.Date})
	require.NoError(t, err)
	for _, made := range pages {
		t.Run(made.Name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), made.Name)
			require.NoError(t, os.WriteFile(path, made.Body, 0o600))
			p := b.Open(t, path, browser.Desk)
			var want int
			p.Eval(t, `window.reached = new Set(), window.unseen = [],
				document.querySelectorAll('a[href], summary').length`, &want)
			require.Positive(t, want)
			for range want * 3 {
				p.Key(t, "Tab", browser.Tab)
				var done bool
				p.Eval(t, `(() => {
					const e = document.activeElement, s = getComputedStyle(e)
					if (e === document.body) return window.reached.size > 0
					if (e.matches('a[href], summary')) window.reached.add(e)
					if (s.outlineStyle === 'none' || parseFloat(s.outlineWidth) < 2) window.unseen.push(e.outerHTML.slice(0, 100))
					return false
				})()`, &done)
				if done {
					break
				}
			}
			var reached int
			var unseen []string
			p.Eval(t, `window.reached.size`, &reached)
			p.Eval(t, `window.unseen`, &unseen)
			require.Equal(t, want, reached, "links and closed parts that the tab key gets to")
			require.Empty(t, unseen, "nobody sees that the focus is there")
			var open bool
			p.Eval(t, `document.querySelector('summary').focus()`, nil)
			p.Key(t, "Enter", browser.Enter)
			p.Eval(t, `document.querySelector('summary').parentNode.open`, &open)
			require.True(t, open, "Enter opens what is closed")
		})
	}
}

// TestTheBrowserFindsFaults: a page that keeps people out does not get through.
func TestTheBrowserFindsFaults(t *testing.T) {
	b := browser.Start(t)
	path := filepath.Join(t.TempDir(), "bad.html")
	wide := fmt.Sprintf(`<html><body><p style="color:#aaa">pale</p><img src="x.png"><p>%s</p>%s</body></html>`,
		strings.Repeat("w", 200), strings.Repeat("<p style='break-after: page'>sheet</p>", 3))
	require.NoError(t, os.WriteFile(path, []byte(wide), 0o600))
	p := b.Open(t, path, browser.Phone)
	require.NotEmpty(t, p.Beyond(t))
	require.Greater(t, browser.Sheets(p.PDF(t)), 2)
	var rules []string
	for _, f := range p.Faults(t) {
		rules = append(rules, f.Rule)
	}
	require.Subset(t, rules, []string{"color-contrast", "image-alt", "html-has-lang", "document-title"})
}
