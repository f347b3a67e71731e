package details

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/picture"
)

// news lists what is new, changed or gone since the last night.
func (p *page) news() {
	for _, i := range p.facts.Inventory {
		if i.Change == "" || !p.words.Has("details.news."+i.Change) {
			continue
		}
		now := ""
		switch {
		case i.Change == "gone":
			now = p.say("details.news.away")
		case i.State == "skipped" || i.State == "failed":
			now = p.say("details.notread", i.Reason)
		case i.Column == "":
			now = p.say("details.news.rows", i.Rows, cmp.Or(p.siloWords(i.Silo), p.say("details.news.nosilo")))
		case i.Personal():
			now = categoryWords(i)
		default:
			now = p.say("details.news.impersonal")
		}
		p.News = append(p.News,
			newsView{Change: p.say("details.news." + i.Change), Place: place(i.Source, i.Object, i.Column), Now: now})
	}
}

func categoryWords(i audit.Inventory) string {
	words := strings.ReplaceAll(i.Category, "_", " ")
	if i.Also != "" {
		words += ", " + strings.ReplaceAll(list(i.Also), "_", " ")
	}
	return words
}

func (p *page) siloWords(silos string) string {
	if silos == "" {
		return ""
	}
	return p.say("details.silo", list(silos))
}

// sourceTables gathers the tables of a source.
type sourceTables struct {
	first  audit.Inventory
	tables []*tableView
	byName map[string]*tableView
	failed string
}

// inventory lists the tables that hold personal data, and those that were not read; of the others it
// gives the number.
func (p *page) inventory() {
	sources, rows := map[string]*sourceTables{}, map[string][]audit.Inventory{}
	for _, i := range p.facts.Inventory {
		if i.Change == "gone" {
			continue
		}
		if sources[i.Source] == nil {
			sources[i.Source] = &sourceTables{first: i, byName: map[string]*tableView{}}
		}
		sources[i.Source].add(p, i)
		rows[i.Source] = append(rows[i.Source], i)
	}
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		view := sources[name].view(p, name)
		view.Map = picture.Of(name, rows[name])
		p.Sources = append(p.Sources, view)
	}
}

func (s *sourceTables) add(p *page, i audit.Inventory) {
	t := s.byName[i.Object]
	switch {
	case i.Object == "" && i.State == "failed":
		s.failed = i.Reason
	case i.Column == "":
		t = &tableView{Name: i.Object, Silo: cmp.Or(list(i.Silo), p.say("details.inventory.nosilo")),
			Rows: p.number(i.Rows), Span: p.span(i.OldestRow, i.NewestRow)}
		if i.State == "skipped" || i.State == "failed" {
			t.State = upperFirst(p.say("details.notread", i.Reason))
		} else if i.MissedBelow > 0 {
			t.Part = p.missed(i)
		}
		s.byName[i.Object] = t
		s.tables = append(s.tables, t)
	case i.Personal() && t != nil:
		special := slices.Contains([]string{"special", "criminal", "child", "credential"}, i.Class)
		t.Fields = append(t.Fields, fieldView{Name: i.Column, Category: categoryWords(i), Special: special})
	}
}

func (s *sourceTables) view(p *page, name string) sourceView {
	v := sourceView{Name: name, backup: s.first.Environment == "backup"}
	other := int64(0)
	for _, t := range s.tables {
		if len(t.Fields) == 0 && t.State == "" && t.Part == "" {
			other++
			continue
		}
		v.Tables = append(v.Tables, *t)
	}
	places := []string{s.first.Application, s.first.Environment, s.first.Location}
	places = slices.DeleteFunc(places, func(w string) bool { return w == "" })
	if v.Words = upperFirst(strings.Join(places, ", ")); v.Words != "" {
		v.Words += ". "
	}
	switch {
	case s.failed != "":
		v.Words += p.say("details.inventory.failed", s.failed)
	case len(v.Tables) == 0:
		v.Words += p.say("details.inventory.clean", other)
	case other > 0:
		v.Words += p.say("details.inventory.other", other)
	}
	return v
}

// missed says what reading a table in part can have missed.
func (p *page) missed(i audit.Inventory) string {
	return p.say("details.inventory.missed", p.number(i.Sampled), fmt.Sprintf("%.2g", 100*i.MissedBelow))
}
