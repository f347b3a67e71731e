package details

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"

	"lethe/pipeline/audit"
)

// decisionKinds are the parts of a silo's bar, from what stays to what goes.
var decisionKinds = []string{"keep", "limited", "blocked", "grace", "anonymize", "delete", "person"}

func decisionKind(s audit.Summary) string {
	switch {
	case strings.HasPrefix(s.Reason, "E_"):
		return "person"
	case s.Action == "expire":
		return "grace"
	case s.Action == "anonymize", s.Action == "delete":
		return s.Action
	case s.Use == "blocked", s.Use == "limited":
		return s.Use
	}
	return "keep"
}

// silos draws a bar for each silo.
func (p *page) silos() {
	rows := map[string]map[string]int64{}
	for _, s := range p.facts.Summary {
		if rows[s.Silo] == nil {
			rows[s.Silo] = map[string]int64{}
		}
		rows[s.Silo][decisionKind(s)] += s.Rows
	}
	for _, silo := range slices.Sorted(maps.Keys(rows)) {
		total := int64(0)
		for _, n := range rows[silo] {
			total += n
		}
		v := siloView{
			Name:  cmp.Or(silo, p.say("no.silo")),
			Total: p.say("details.records", total),
		}
		if p.small(silo, total) {
			v.Total = p.say("details.records.few")
		}
		x, sum, hidden := 0, int64(0), false
		var said []string
		for _, kind := range decisionKinds {
			n := rows[silo][kind]
			if n == 0 {
				continue
			}
			sum += n
			end := int(math.Round(1000 * float64(sum) / float64(total)))
			hidden = hidden || p.small(silo, n)
			v.Segments = append(v.Segments, segment{
				Class: kind,
				Label: p.say("details.kind." + kind),
				Rows:  p.count(silo, n),
				Share: p.words.Percent(n, total),
				X:     x,
				Width: max(end-x, 3),
			})
			said = append(said, p.say("details.kind."+kind)+": "+p.count(silo, n))
			x = end
		}
		v.Aria = strings.Join(said, "; ")
		if hidden {
			v.Note = p.say("details.decided.small")
			v.Total = ""
			for i := range v.Segments {
				v.Segments[i].Share = ""
			}
		}
		p.Silos = append(p.Silos, v)
	}
}

// small reports whether a count could single out a person of a sensitive silo.
func (p *page) small(silo string, n int64) bool { return p.sensitive[silo] && n > 0 && n < 5 }

func (p *page) count(silo string, n int64) string {
	if p.small(silo, n) {
		return "<5"
	}
	return p.number(n)
}

// done says what was changed, by silo and change.
func (p *page) done() {
	type place struct{ silo, change string }
	done, verified, left, failed := map[place]int64{}, map[place]int64{}, map[place]int64{}, map[place]int64{}
	var places []place
	for at, n := range p.totals {
		k := place{at.Silo, at.Change}
		places = append(places, k)
		verified[k] += n.Verified
		switch at.Status {
		case "done", "recovered":
			done[k] += n.Rows
		case "skipped_drift":
			left[k] += n.Rows
		default:
			failed[k] += n.Rows
		}
	}
	slices.SortFunc(places, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.silo, b.silo), cmp.Compare(a.change, b.change))
	})
	for _, k := range slices.Compact(places) {
		p.Done = append(p.Done, doneView{
			Silo:     cmp.Or(k.silo, p.say("no.silo")),
			Change:   p.said("details.change.", k.change),
			Done:     p.count(k.silo, done[k]),
			Verified: p.count(k.silo, min(verified[k], done[k])),
			Left:     p.count(k.silo, left[k]),
			Failed:   p.count(k.silo, failed[k]),
		})
	}
}

// reasons counts the decisions by reason.
func (p *page) reasons() {
	type line struct {
		reasonView
		rows  int64
		silos []string
	}
	lines := map[string]map[string]*line{}
	for _, s := range p.facts.Summary {
		kind := decisionKind(s)
		if lines[kind] == nil {
			lines[kind] = map[string]*line{}
		}
		l := lines[kind][s.Reason]
		if l == nil {
			l = &line{reasonView: reasonView{Words: p.reason(s.Reason, s.Words), Code: s.Reason, Article: s.Article}}
			lines[kind][s.Reason] = l
		}
		l.rows += s.Rows
		l.silos = append(l.silos, s.Silo)
	}
	for _, kind := range slices.Backward(decisionKinds) {
		var sorted []*line
		for _, code := range slices.Sorted(maps.Keys(lines[kind])) {
			sorted = append(sorted, lines[kind][code])
		}
		slices.SortStableFunc(sorted, func(a, b *line) int { return cmp.Compare(b.rows, a.rows) })
		group := reasonGroup{Title: p.say("details.kind." + kind)}
		for _, l := range sorted {
			slices.Sort(l.silos)
			l.silos = slices.Compact(l.silos)
			l.Silos, l.Rows = strings.Join(l.silos, ", "), p.number(l.rows)
			if slices.ContainsFunc(l.silos, func(silo string) bool { return p.small(silo, l.rows) }) {
				l.Rows = "<5"
			}
			group.Rows = append(group.Rows, l.reasonView)
		}
		if len(group.Rows) > 0 {
			p.Reasons = append(p.Reasons, group)
		}
	}
}
