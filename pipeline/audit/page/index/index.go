// Package index is the list of all nights: one page for each month, the newest as index.html. Its nouns: a Night (a
// line of it, as its signed manifest has it) and a Page. Runs that only keep copies of consents up to date are none.
package index

import (
	"cmp"
	_ "embed" // the page's template
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/audit/page/chart"
	"lethe/pipeline/audit/page/fill"
	"lethe/pipeline/audit/page/lang"
	"lethe/pipeline/audit/page/night"
)

// The names of the pages in a folder of reports.
const (
	Name   = "index.html" // of the newest month
	Folder = "index"      // with those of earlier ones: YYYY-MM.html
)

//go:embed index.html
var source string

// Night is a line of the list.
type Night struct {
	Run     string // its id: they sort by time
	Date    string // civil date
	Phases  string // as table runs has it
	Verdict string // red, amber, green; "" its manifest does not say
	Needs   int64  // matters for a person
}

// Input is what the list is made of.
type Input struct {
	Company, Language string
	Nights            []Night
	Report            string // the name of a night's page
}

// Page is one of the pages.
type Page struct {
	Name string // from the folder of reports, with slashes
	Body []byte
}

// ours is what names of folders and files may have.
var ours = regexp.MustCompile(`^[0-9A-Za-z-]+$`)

// Listed says whether a run is a line of the list.
func Listed(phases string) bool { return phases != "sync" }

// Pages makes the pages, the newest month's first.
func Pages(in Input) ([]Page, error) {
	words, err := lang.In(in.Language)
	if err != nil {
		return nil, err
	}
	t, err := fill.Parse(source)
	if err != nil {
		return nil, err
	}
	months := map[string][]Night{}
	var names []string
	for _, n := range in.Nights {
		day, err := time.Parse(time.DateOnly, n.Date)
		if err != nil || !ours.MatchString(n.Run) || !Listed(n.Phases) {
			continue
		}
		month := day.Format("2006-01")
		if months[month] == nil {
			names = append(names, month)
		}
		months[month] = append(months[month], n)
	}
	slices.Sort(names)
	slices.Reverse(names)
	var pages []Page
	for i, month := range names {
		p, place := newPage(words, in, months[month], month), ""
		name := Name
		if i > 0 {
			name, place = Folder+"/"+month+".html", "../"
		} else {
			for _, earlier := range names[1:] {
				p.Months = append(p.Months, sum(words, earlier, months[earlier]))
			}
		}
		for j := range p.Nights {
			p.Nights[j].Link = place + p.Nights[j].Link
		}
		body, err := t.Execute(p, words.Say)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		pages = append(pages, Page{name, body})
	}
	return pages, nil
}

// page is what the template shows.
type page struct {
	Lang, Title, Head, Company, Month string
	Style, Marks                      chart.Drawing
	Nights                            []line
	Months                            []month
}

type line struct{ Run, Link, Day, Kind, Mark, Verdict, Needs string }

type month struct{ Link, Name, Nights, Red, Amber, Green string }

func newPage(w *lang.Words, in Input, nights []Night, of string) page {
	style, marks := night.Style()
	p := page{Lang: w.Code, Head: w.Say("index.head"), Company: lang.Short(in.Company, 60), Month: w.Month(first(of)),
		Style: chart.Drawing("<style>" + style + "</style>"), Marks: chart.Drawing(marks)}
	p.Title = lang.Plain(p.Company + ": " + p.Head)
	nights = slices.Clone(nights)
	slices.SortFunc(nights, func(a, b Night) int { // the newest first
		return cmp.Or(strings.Compare(b.Date, a.Date), strings.Compare(b.Run, a.Run))
	})
	for _, n := range nights {
		l := line{Run: n.Run, Link: "manifests/date=" + n.Date + "/run=" + n.Run + "/" + in.Report,
			Needs:   w.Number(n.Needs),
			Verdict: w.Say("index.unknown")}
		day, _ := time.Parse(time.DateOnly, n.Date) // looked at before
		l.Day = w.LongDay(day)
		if key := "index.kind." + n.Phases; w.Has(key) {
			l.Kind = w.Say(key)
		}
		if slices.Contains([]string{"red", "amber", "green"}, n.Verdict) {
			l.Mark, l.Verdict = n.Verdict, w.Say("verdict."+n.Verdict)
		} else {
			l.Needs = "–"
		}
		p.Nights = append(p.Nights, l)
	}
	return p
}

func first(month string) time.Time {
	t, _ := time.Parse("2006-01", month) // made from a day
	return t
}

// sum is a month that has a page of its own.
func sum(w *lang.Words, of string, nights []Night) month {
	count := map[string]int64{}
	for _, n := range nights {
		count[n.Verdict]++
	}
	return month{Folder + "/" + of + ".html", w.Month(first(of)), w.Number(int64(len(nights))), w.Number(count["red"]),
		w.Number(count["amber"]), w.Number(count["green"])}
}

var listed = regexp.MustCompile(`<tr role="row" id="([0-9A-Za-z-]+)">`)

// Runs are those that a page lists.
func Runs(body []byte) (runs []string) {
	for _, m := range listed.FindAllSubmatch(body, -1) {
		runs = append(runs, string(m[1]))
	}
	return runs
}
