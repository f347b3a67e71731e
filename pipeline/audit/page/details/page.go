// Package details makes the page beside a night's page, with what there is no room for there: each plan with its
// counts and answers, every finding and exception, backups, copies, holds, and the inventory with its pictures. Its
// lists are bounded, and it says what it leaves out. It is in English, as the tables are, but for the requests of
// people.
package details

import (
	"cmp"
	_ "embed" // the page's template
	"reflect"
	"strings"
	"time"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/figures"
	"lethe/pipeline/audit/page/fill"
	"lethe/pipeline/audit/page/lang"
	"lethe/pipeline/audit/picture"
)

//go:embed details.html
var source string

// page is what the template shows. All of it is text that is ready to read; the template escapes it.
type page struct {
	Run        audit.Run
	Controller string
	Day        string
	Mode       string
	Unread     string // why the run looked at no source; "" it did
	Undecided  string // why it decided on no record; "" it did, or there was none
	AsOf       string
	AsOfUTC    string
	Started    string
	Ended      string
	Reason     string
	Scanned    string
	Plaintext  string
	Forgotten  []string // what the registry forgot, by silo
	First      bool
	Heads      []string
	Silos      []siloView
	Done       []doneView
	Reasons    []reasonGroup
	Plans      []planView
	Answers    []answerView
	Findings   []findingView
	Exceptions []exceptionView
	Backups    []backupView
	Copies     []copyView
	Requests   asked
	Holds      []holdView
	Remnants   []remnantView
	Reviews    []reviewView
	News       []newsView
	Left       []string // what there is no room for
	Sources    []sourceView
	facts      audit.Facts
	totals     figures.Totals
	zone       *time.Location
	words      *lang.Words     // of what is said of requests
	sensitive  map[string]bool // silos whose small counts are not shown
}

type (
	siloView struct {
		Name, Total, Aria, Note string
		Segments                []segment
	}
	segment struct {
		Class, Label, Rows, Share string
		X, Width                  int // of 1000
	}
	doneView    struct{ Silo, Change, Done, Verified, Left, Failed string }
	reasonGroup struct {
		Title string
		Rows  []reasonView
	}
	reasonView struct{ Words, Code, Article, Silos, Rows string }
	planView   struct {
		Title, PlanID, State, Level, ValidUntil, Waits string
		Counts, Starts, Questions, Answers             []string
	}
	answerView    struct{ Seq, Who, Said, About, When, Comment string }
	findingView   struct{ Severity, Level, Words, Place, Article, Count, Since string }
	exceptionView struct{ Words, Code, Place, Silo, Count, Days, Owner string }
	backupView    struct{ Name, Path, Taken, Expires, Pending, Oldest, State, Level, Words string }
	copyView      struct{ Target, Silo, Place, Rows, Changed, Drift, State, Level, Words string }
	requestView   struct{ Silo, ID, Kind, Received, Due, State, Level, Words string }
	holdView      struct{ Silo, ID, Placed, Approved, Review, State, Level string }
	remnantView   struct{ Place, Silo, Kinds, People, Erased, Rows, Since, Found, Example, Words string }
	reviewView    struct{ Place, Machine, Now, By, Until, Because string }
	newsView      struct{ Change, Place, Now string }
	sourceView    struct {
		Name, Words string
		Tables      []tableView
		Map         *picture.Picture
		backup      bool
	}
	tableView struct {
		Name, Silo, Rows, State, Span string
		Part                          string // what reading it in part can have missed
		Fields                        []fieldView
	}
	fieldView struct {
		Name, Category string
		Special        bool
	}
)

// Render makes the page. What is said of the requests of people is in a language of the pages; "" is English.
func Render(f audit.Facts, totals figures.Totals, date, language string) ([]byte, error) {
	words, err := lang.In(language)
	if err != nil {
		return nil, err
	}
	t, err := fill.Parse(source)
	if err != nil {
		return nil, err
	}
	p := newPage(f, totals, date, words)
	harmless(reflect.ValueOf(p).Elem())
	return t.Execute(p, nil)
}

// harmless takes from all texts of a page what moves others about, such as what turns the direction of writing.
func harmless(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				harmless(v.Field(i))
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			harmless(v.Index(i))
		}
	case reflect.String:
		if v.Type() == reflect.TypeFor[string]() && v.CanSet() {
			v.SetString(lang.Safe(v.String()))
		}
	}
}

func newPage(f audit.Facts, totals figures.Totals, date string, words *lang.Words) *page {
	run := f.Run
	p := &page{facts: f, totals: totals.OfDay(f, date), Run: run, words: words, sensitive: map[string]bool{}}
	var err error
	if p.zone, err = time.LoadLocation(run.Zone); err != nil {
		p.zone = time.UTC
	}
	p.Controller, p.Day = cmp.Or(run.Controller, "Retention of personal data"), longDate(date)
	p.First = run.PreviousManifest == ""
	p.Scanned, p.Plaintext = number(run.RowsScanned), list(run.PlaintextWaived)
	p.Reason = cmp.Or(stopWords[run.StopReason], run.StopReason)
	p.AsOf = p.instant(run.AsOf) + " (" + p.zone.String() + ")"
	p.AsOfUTC = run.AsOf.UTC().Format("2006-01-02 15:04:05") + " UTC"
	p.Started, p.Ended = p.instant(run.StartedAt), p.instant(run.EndedAt)
	p.Mode = "A dry run: nothing was to be changed."
	if run.Mode == "apply" {
		p.Mode = "A night with --apply: what was approved, or needs no approval, was to be changed."
	}
	p.parts()
	p.Forgotten, p.Heads = entries(run.Forgotten), entries(run.RegistryHeads)
	for _, i := range f.Inventory {
		if i.Class == "special" || i.Class == "criminal" || i.Class == "child" {
			for silo := range strings.SplitSeq(i.Silo, ";") {
				p.sensitive[silo] = silo != ""
			}
		}
	}
	p.silos()
	p.done()
	p.reasons()
	p.plans()
	p.findings()
	p.remnants()
	p.exceptions()
	p.backups()
	p.copies()
	p.requests()
	p.holds()
	p.reviews()
	p.news()
	p.inventory()
	p.bound()
	return p
}

// runParts say what a run did that was a part of a night, and what it did not.
var runParts = map[string]struct{ did, unread, undecided string }{
	"discover": {"Read the sources, and decided nothing.", "", "This run only read the sources."},
	"plan":     {"Planned, and carried nothing out.", "", ""},
	"apply": {"Carried out what was approved before, and looked at nothing else.",
		"This run only carried out what was approved before: it did not look. The report of the last whole night " +
			"has it.",
		"This run only carried out what was approved before."},
	"sync": {"Brought the applications' copies of their consents up to date, and looked at nothing else.",
		"This run only brought the applications' copies up to date: it did not look. The report of the last whole " +
			"night has it.",
		"This run only brought the applications' copies up to date."},
}

// parts says what a run did not do, since it was a part of a night or ended before.
func (p *page) parts() {
	part := runParts[p.Run.Phases]
	p.Unread, p.Undecided = part.unread, part.undecided
	if part.did != "" {
		p.Mode = part.did
		if p.Run.Mode != "apply" {
			p.Mode += " Without --apply: nothing was to be changed."
		}
	}
	if p.Unread == "" && p.Run.ExitCode != 0 && len(p.facts.Inventory) == 0 {
		p.Unread = "This run ended before it read a source: it did not look."
	}
}

// stopWords say why a run ended.
var stopWords = map[string]string{
	"done":          "ended as planned",
	"already_done":  "this night had been done already",
	"waiting":       "ended as planned, with plans that wait for people",
	"window_end":    "stopped at the end of its window or by the stop file",
	"stop_file":     "stopped by the stop file",
	"breaker":       "stopped: a safety limit asks for people",
	"source_failed": "a source could not be read to the end",
	"error":         "ended with an error",
}
