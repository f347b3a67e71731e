package details

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"lethe/pipeline/audit"
)

// decisionKinds are the parts of a silo's bar, from what stays to what goes.
var decisionKinds = []struct{ class, label string }{
	{"keep", "Kept, in use"},
	{"limited", "Kept, for a legal duty only"},
	{"blocked", "Kept, blocked"},
	{"grace", "To go, in its grace period"},
	{"anonymize", "To be anonymized"},
	{"delete", "To be erased"},
	{"person", "Needs a person"},
}

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
			Name:  cmp.Or(silo, "no silo"),
			Total: p.count(silo, total) + plural(total, " record", " records"),
		}
		x, sum, hidden := 0, int64(0), false
		var said []string
		for _, kind := range decisionKinds {
			n := rows[silo][kind.class]
			if n == 0 {
				continue
			}
			sum += n
			end := int(math.Round(1000 * float64(sum) / float64(total)))
			hidden = hidden || p.small(silo, n)
			v.Segments = append(v.Segments, segment{
				Class: kind.class,
				Label: kind.label,
				Rows:  p.count(silo, n),
				Share: share(n, total),
				X:     x,
				Width: max(end-x, 3),
			})
			said = append(said, kind.label+": "+p.count(silo, n))
			x = end
		}
		v.Aria = strings.Join(said, "; ")
		if hidden {
			v.Note = "This silo holds sensitive data: counts from 1 to 4 are shown as <5, " +
				"and what they could be worked out from is left out."
			v.Total = ""
			for i := range v.Segments {
				v.Segments[i].Share = ""
			}
		}
		p.Silos = append(p.Silos, v)
	}
}

func share(n, total int64) string {
	percent := 100 * float64(n) / float64(total)
	if percent < 0.05 {
		return "<0.1 %"
	}
	return fmt.Sprintf("%.1f %%", percent)
}

// small reports whether a count could single out a person of a sensitive silo.
func (p *page) small(silo string, n int64) bool { return p.sensitive[silo] && n > 0 && n < 5 }

func (p *page) count(silo string, n int64) string {
	if p.small(silo, n) {
		return "<5"
	}
	return number(n)
}

var changeWords = map[string]string{
	"block":     "blocked (no longer used)",
	"unblock":   "unblocked",
	"clear":     "fields emptied",
	"anonymize": "anonymized",
	"delete":    "erased",
	"set_null":  "references to erased records emptied",
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
			Silo:     cmp.Or(k.silo, "no silo"),
			Change:   word(changeWords, k.change),
			Done:     p.count(k.silo, done[k]),
			Verified: p.count(k.silo, min(verified[k], done[k])),
			Left:     p.count(k.silo, left[k]),
			Failed:   p.count(k.silo, failed[k]),
		})
	}
}

var reasonGroups = []struct{ class, title string }{
	{"person", "Needs a person"},
	{"delete", "To be erased"},
	{"anonymize", "To be anonymized"},
	{"grace", "To go, in its grace period"},
	{"blocked", "Kept, blocked"},
	{"limited", "Kept, for a legal duty only"},
	{"keep", "Kept, in use"},
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
			l = &line{reasonView: reasonView{Words: cmp.Or(s.Words, s.Reason), Code: s.Reason, Article: s.Article}}
			lines[kind][s.Reason] = l
		}
		l.rows += s.Rows
		l.silos = append(l.silos, s.Silo)
	}
	for _, g := range reasonGroups {
		var sorted []*line
		for _, code := range slices.Sorted(maps.Keys(lines[g.class])) {
			sorted = append(sorted, lines[g.class][code])
		}
		slices.SortStableFunc(sorted, func(a, b *line) int { return cmp.Compare(b.rows, a.rows) })
		group := reasonGroup{Title: g.title}
		for _, l := range sorted {
			slices.Sort(l.silos)
			l.silos = slices.Compact(l.silos)
			l.Silos, l.Rows = strings.Join(l.silos, ", "), number(l.rows)
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
