// Package details makes the page beside a night's page, with what there is no room for there: each plan with its
// counts and answers, every finding and exception, backups, copies, holds, and the inventory with its pictures. Its
// lists are bounded, and it says what it leaves out. It is in the language of the night's page; what the tables
// themselves say, such as the sentences of findings, stays in English.
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
	Lang       string // of the page
	English    string // says what is in English all the same; "" all is
	Title      string
	Head       string // of what run it is
	Signed     string // how many answers of people there are
	Evidence   evidenceView
	Controller string
	Mode       string
	Unread     string   // why the run looked at no source; "" it did
	Undecided  string   // why it decided on no record; "" it did, or there was none
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
	words      *lang.Words
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
	evidenceView struct{ AsOf, Simulated, Times, Result, Sources, Plaintext string }
	doneView     struct{ Silo, Change, Done, Verified, Left, Failed string }
	reasonGroup  struct {
		Title string
		Rows  []reasonView
	}
	reasonView struct{ Words, Code, Article, Silos, Rows string }
	planView   struct {
		Title, PlanID, State, Level, ValidUntil, Waits string
		Counts, Starts, Questions, Answers             []string
	}
	answerView    struct{ Seq, Who, Said, About, When, Comment string }
	findingView   struct{ Severity, Level, Words, Note, Place, Article, Count, Since string }
	exceptionView struct{ Words, Code, Place, Silo, Count, Days, Owner string }
	backupView    struct{ Name, Path, Taken, Expires, Pending, Oldest, State, Level, Words, Note string }
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

// Render makes the page in a language of the pages; "" is English.
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
	p.Signed = words.Say("details.answers.note", f.Run.Answers)
	return t.Execute(p, words.Say)
}

// harmless takes from all texts of a page what moves others about, such as what turns the direction of writing, and the
// marks of messages.
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
			v.SetString(lang.Name(v.String()))
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
	p.Controller, p.Title = cmp.Or(run.Controller, p.say("details.company")), p.say("details.title", p.longDay(date))
	if p.Lang = words.Code; p.Lang != lang.English {
		p.English = p.say("details.english")
	}
	p.First = run.PreviousManifest == ""
	asOf := p.instant(run.AsOf) + " (" + p.zone.String() + ")"
	p.Head = p.say("details.run", run.Job, asOf)
	p.Mode = p.say("details.mode.dry")
	if run.Mode == "apply" {
		p.Mode = p.say("details.mode.apply")
	}
	p.parts()
	p.evidence(asOf)
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

// parts says what a run did not do, since it was a part of a night or ended before.
func (p *page) parts() {
	if p.words.Has("details.unread." + p.Run.Phases) {
		p.Unread = p.say("details.unread." + p.Run.Phases)
	}
	if p.words.Has("details.undecided." + p.Run.Phases) {
		p.Undecided = p.say("details.undecided." + p.Run.Phases)
	}
	if p.words.Has("details.did." + p.Run.Phases) {
		p.Mode = p.say("details.did." + p.Run.Phases)
		if p.Run.Mode != "apply" {
			p.Mode += " " + p.say("details.mode.unapplied")
		}
	}
	if p.Unread == "" && p.Run.ExitCode != 0 && len(p.facts.Inventory) == 0 {
		p.Unread = p.say("details.unread.ended")
	}
}

// evidence is what the run says of itself.
func (p *page) evidence(asOf string) {
	run := p.Run
	utc := run.AsOf.UTC().Format(time.DateTime) + " UTC"
	e := evidenceView{AsOf: p.say("details.evidence.asof.utc", asOf, utc),
		Times:   p.instant(run.StartedAt) + ", " + p.instant(run.EndedAt),
		Result:  p.say("details.evidence.exit", int64(run.ExitCode), p.said("details.stop.", run.StopReason)),
		Sources: p.Unread}
	if run.Simulated {
		e.Simulated = p.say("details.evidence.simulated")
	}
	if p.Unread == "" {
		e.Sources = p.say("details.evidence.read", int64(run.SourcesOK), int64(run.SourcesFailed), run.RowsScanned)
	}
	if waived := list(run.PlaintextWaived); waived != "" {
		e.Plaintext = p.say("details.evidence.waived", waived)
	}
	p.Evidence = e
}
