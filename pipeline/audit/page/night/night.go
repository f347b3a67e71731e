// Package night is the page of a night: two sheets of A4 that are read in ten minutes. Its nouns: the night (facts,
// summed up), a need (a matter for a person), a cell of the evidence, a figure with its line, a chart with its data,
// and the rows of the silos. What it says is counted, never typed; where a list has no room for all, it says how many
// more.
package night

import (
	"cmp"
	_ "embed" // the page's template
	"slices"
	"strings"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/figures"
	"lethe/pipeline/audit/page/fill"
	"lethe/pipeline/audit/page/lang"
	"lethe/pipeline/audit/page/matters"
	"lethe/pipeline/audit/page/plots"
	"lethe/pipeline/audit/page/tonight"
	"lethe/pipeline/audit/queries"
)

//go:embed night.html
var source string

// Style are the rules of a night's page, and its marks, for pages that look alike.
func Style() (style, marks string) {
	_, rest, _ := strings.Cut(source, "<style>")
	style, rest, _ = strings.Cut(rest, "</style>")
	_, rest, _ = strings.Cut(rest, "<svg class=\"defs\"")
	marks, _, _ = strings.Cut(rest, "</svg>\n<main>")
	return style, "<svg class=\"defs\"" + marks + "</svg>"
}

// Input is what a page is made of.
type Input struct {
	Facts    audit.Facts
	Totals   figures.Totals
	Date     string // civil date of the run
	Language string
}

// Render makes the page.
func Render(in Input) ([]byte, error) {
	words, err := lang.In(in.Language)
	if err != nil {
		return nil, err
	}
	t, err := fill.Parse(source)
	if err != nil {
		return nil, err
	}
	return t.Execute(newPage(in, words), words.Say)
}

// Verdict is the night's, red, amber or green, and how many matters need a person.
func Verdict(in Input) (level string, needs int64, err error) {
	words, err := lang.In("")
	if err != nil {
		return "", 0, err
	}
	of := tonight.New(in.Facts, in.Totals, in.Date, words)
	n := night{of, matters.Of(of)}
	return n.level(), int64(len(n.matters)), nil
}

// page is what the template shows.
type page struct {
	Lang, Title, Night, Where, Again string
	Verdict                          verdict
	NeedsTitle                       string
	Needs                            []matters.Matter
	Next                             *tonight.Point
	More                             *tonight.Point
	Acts                             []matters.Matter
	ActsTitle                        string
	Evidence                         []cell
	Answers                          []answer
	Charts                           []plots.Figure
	Done, Unknown                    []tonight.Point
	Silos                            []siloRow
	Sum                              *siloRow
	SiloNotes                        []string
	Digests                          []digest
	NightDay                         string
	Columns                          []column
	SQL                              []queries.Query
}

// night writes the blocks of its page.
type night struct {
	*tonight.Night
	matters []matters.Matter
}

func newPage(in Input, words *lang.Words) *page {
	of := tonight.New(in.Facts, in.Totals, in.Date, words)
	n := night{of, matters.Of(of)}
	company := lang.Short(n.Run.Controller, 60)
	p := &page{
		Lang:     words.Code,
		Night:    n.Say("night.to", n.LongDay(n.Today)),
		NightDay: tonight.Joined(" · ", company, n.LongDay(n.Today)),
		Where:    tonight.Joined(" · ", company, n.mode()),
		Verdict:  n.verdict(),
		Evidence: n.evidence(),
		Answers:  n.answers(),
		Charts:   plots.Of(of),
		Done:     n.doneAgain(),
		Unknown:  n.unknown(),
		Digests:  n.digests(),
	}
	p.Title = lang.Plain(tonight.Joined(": ", company, p.Night))
	p.Needs, p.NeedsTitle, p.More, p.Next = matters.Shown(of, n.matters)
	p.Acts, p.ActsTitle = matters.Acts(of)
	p.Silos, p.Sum, p.SiloNotes = n.siloTable()
	p.Columns = n.columns()
	p.queries(&p.Verdict.Queries)
	for _, list := range [][]matters.Matter{p.Needs, p.Acts} {
		for i := range list {
			p.queries(&list[i].Queries)
		}
	}
	for _, list := range [][]tonight.Point{p.Done, p.Unknown} {
		for i := range list {
			p.queries(&list[i].Queries)
		}
	}
	for _, one := range []*tonight.Point{p.More, p.Next} {
		if one != nil {
			p.queries(&one.Queries)
		}
	}
	for i := range p.Evidence {
		p.queries(&p.Evidence[i].Queries)
	}
	for i := range p.Answers {
		p.queries(&p.Answers[i].Queries)
		p.queries(&p.Answers[i].NoteQueries)
	}
	for i := range p.Charts {
		p.queries(&p.Charts[i].Queries)
	}
	for i := range p.Columns {
		p.queries(&p.Columns[i].Queries)
	}
	slices.SortFunc(p.SQL, func(a, b queries.Query) int {
		return cmp.Or(cmp.Compare(len(a.Code), len(b.Code)), cmp.Compare(a.Code, b.Code))
	})
	return p
}

// queries keeps the codes that there is a query of, which stands at the end of the page.
func (p *page) queries(codes *[]string) {
	*codes = slices.DeleteFunc(slices.Clone(*codes), func(code string) bool {
		q, known := queries.Find(code)
		if known && !slices.ContainsFunc(p.SQL, func(q queries.Query) bool { return q.Code == code }) {
			p.SQL = append(p.SQL, q)
		}
		return !known
	})
}

// column is a head of the table of silos.
type column struct {
	Name    string
	First   bool // of a group
	Queries []string
}

func (n night) columns() []column {
	list := []column{{"col.people", false, []string{"q11"}}, {"col.rows", false, []string{"q22"}},
		{"col.copies", false, []string{"q23"}}, {"col.ground", true, []string{"q22"}},
		{"col.blocked", false, []string{"q22"}}, {"col.doubt", false, []string{"q22"}},
		{"col.unground", false, []string{"q22"}}, {"col.unground", true, []string{"q11"}},
		{"col.erased", false, []string{"q15"}}, {"col.ended", true, []string{"q13"}}}
	for i := range list {
		list[i].Name = n.Say(list[i].Name)
	}
	return list
}

// mode says what run it was, and when.
func (n night) mode() string {
	key := "mode.dry"
	if n.Run.Mode == "apply" {
		key = "mode.apply"
	}
	switch n.Run.Phases {
	case "discover", "plan", "sync":
		key = "mode." + n.Run.Phases
	case "apply":
		key = "mode.applied"
	}
	place := n.Zone.String()
	if i := strings.LastIndexByte(place, '/'); i >= 0 {
		place = strings.ReplaceAll(place[i+1:], "_", " ")
	}
	return n.Say(key, n.Clock(n.Run.StartedAt), n.Clock(n.Run.EndedAt), place)
}

// digest is what proves the page.
type digest struct{ Name, Value string }

func (n night) digests() []digest {
	list := []digest{
		{n.Say("digest.night"), n.Run.RunID},
		{n.Say("digest.policy"), cmp.Or(grouped(n.Run.PolicyDigest), "–")},
		{n.Say("digest.before"), cmp.Or(grouped(n.Run.PreviousManifest), n.Say("digest.first"))},
		{n.Say("digest.answers"), cmp.Or(grouped(n.Run.AnswersHead), n.Say("digest.none"))},
	}
	return list
}

// grouped shortens a digest to its ends, in fours.
func grouped(hex string) string {
	if len(hex) < 32 {
		return lang.Name(hex)
	}
	return hex[:4] + " " + hex[4:8] + " … " + hex[len(hex)-8:len(hex)-4] + " " + hex[len(hex)-4:]
}
