// Package matters lists what needs a person. Its noun: a Matter, of a kind, with who has to see to it and by when; Of
// has them all, the most urgent first.
package matters

import (
	"lethe/pipeline/audit/page/tonight"

	"cmp"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/figures"
	"lethe/pipeline/audit/page/lang"
)

// Most is how many matters the page lists.
const Most = 8

// Kinds of matters, the most urgent first.
const (
	altered = iota
	hint
	late
	stopped
	objection
	dueSoon
	waits
	notRead
	refused
	question
)

// kinds are the words and the mark of each.
var kinds = []struct{ key, mark string }{
	altered: {"kind.altered", "red"}, hint: {"kind.hint", "red"}, late: {"kind.late", "red"},
	stopped:   {"kind.stopped", "stop"},
	objection: {"kind.objection", "amber"}, dueSoon: {"kind.due", "amber"}, waits: {"kind.waits", "amber"},
	notRead: {"kind.notread", "stop"}, refused: {"kind.refused", "amber"}, question: {"kind.question", "ask"},
}

// Matter is a matter for a person.
type Matter struct {
	Kind, Mark, What string
	When, Left       string
	Late             bool
	Who, Role        string
	Queries          []string

	kind   int
	By     time.Time // the day by which; zero none
	since  time.Time // the day since which; zero not known
	weight int64     // of matters of one kind and day
	Clause string    // key of the verdict's clause
	short  string    // in the line of those without room
	Source string    // that was not read
}

// night looks for a night's matters.
type night struct{ *tonight.Night }

// Of are the matters of a night, the most urgent first.
func Of(n *tonight.Night) []Matter { return night{n}.list() }

// Red says that somebody has to act today.
func (m Matter) Red() bool { return m.kind <= late || m.kind == stopped && m.Mark == "red" }

// list gathers all matters, the most urgent first.
func (n night) list() []Matter {
	var list []Matter
	for _, some := range [][]Matter{n.alteredNeeds(), n.hintNeeds(), n.requestNeeds(), n.planNeeds(), n.sourceNeeds(),
		n.useNeeds(),
		n.copyNeeds(), n.refusedNeeds(), n.holdNeeds(), n.attestNeeds(), n.questionNeeds()} {
		list = append(list, some...)
	}
	for i := range list {
		m := &list[i]
		m.Kind, m.Mark = n.Say(kinds[m.kind].key), cmp.Or(m.Mark, kinds[m.kind].mark)
		m.What = clipped(m.What)
		n.date(m)
	}
	slices.SortStableFunc(list, func(a, b Matter) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), byDay(a, b), cmp.Compare(a.kind, b.kind),
			cmp.Compare(b.weight, a.weight), cmp.Compare(a.What, b.What))
	})
	return list
}

// rank puts what is late and what stopped before what has a day, and that before what has none.
func rank(m Matter) int {
	switch {
	case m.kind <= stopped:
		return m.kind
	case !m.By.IsZero():
		return stopped + 1
	}
	return m.kind + 1
}

func byDay(a, b Matter) int {
	if a.By.IsZero() || b.By.IsZero() {
		return 0
	}
	return a.By.Compare(b.By)
}

// Longest is how many characters a matter may have: three lines.
const Longest = 185

// clipped keeps a matter to three lines, and its marks whole.
func clipped(text string) string {
	r := []rune(text)
	if len(r) <= Longest {
		return text
	}
	cut := string(r[:Longest-1])
	if i := strings.LastIndexByte(cut, ' '); i > Longest/2 {
		cut = cut[:i]
	}
	cut = strings.TrimRight(cut, " ,;:.") + "…"
	for _, pair := range [][2]rune{{lang.BoldOn, lang.BoldOff}, {lang.CodeOn, lang.CodeOff}} {
		if strings.Count(cut, string(pair[0])) > strings.Count(cut, string(pair[1])) {
			cut += string(pair[1])
		}
	}
	return cut
}

// date says when a matter is due, or since when it stands.
func (n night) date(m *Matter) {
	if m.When != "" {
		return
	}
	switch {
	case !m.By.IsZero():
		left := int64(n.Within(m.By))
		m.When = n.When(m.By)
		switch {
		case left < 0:
			m.Left, m.Late = n.Say("days.late", -left), true
		case left == 0:
			m.Left = n.Say("days.today")
		default:
			m.Left = n.Say("days.left", left)
		}
	case !m.since.IsZero():
		ago := int64(-n.Within(m.since))
		if ago <= 0 {
			m.When, m.Left = n.Say("since.new"), n.Say("since", n.Day(m.since))
			return
		}
		m.When, m.Left = n.Say("days", ago), n.Say("since", n.Day(m.since))
	default:
		m.When = "–"
	}
}

// name is a name in a sentence.
func name(s string) string { return lang.Short(s, 48) }

// longestName is how many characters of a person's name have room beside a matter.
const longestName = 20

// who names the people of a role, or says that somebody has to be named.
func (n night) who(m *Matter, names, role string) {
	list := strings.FieldsFunc(names, func(r rune) bool { return r == ';' })
	for i := range list {
		list[i] = lang.Short(list[i], longestName)
	}
	slices.Sort(list)
	list = slices.Compact(list)
	if len(list) > 2 {
		list = append(list[:2], "…")
	}
	m.Who, m.Role = strings.Join(list, ", "), n.Say(role)
	if m.Who == "" {
		m.Who, m.Role = n.Say(role), ""
	}
}

// alteredNeeds says that the evidence does not hold, or that the night ended with an error.
func (n night) alteredNeeds() []Matter {
	m := Matter{When: n.When(n.Today), Queries: []string{"q7"}}
	switch code := n.Run.ExitCode; {
	case code == 12:
		m.kind, m.What, m.Clause = altered, n.Say("need.altered"), "clause.altered"
		m.Left, m.Late = n.Say("noticed", n.Clock(n.Run.EndedAt)), true
	case n.NoRegistry():
		m.kind, m.Mark, m.What, m.Clause = stopped, "red", n.Say("need.noregistry"), "clause.noregistry"
	case code == 13:
		m.kind, m.Mark, m.What, m.Clause = stopped, "red", n.Say("need.lapsed"), "clause.lapsed"
	case n.Run.StopReason == "window_end" || n.Run.StopReason == "stop_file":
		m.kind, m.What, m.Clause = stopped, n.Say("need.window"), "clause.window"
	case code == 130:
		m.kind, m.What, m.Clause = stopped, n.Say("need.killed"), "clause.killed"
	case code == 0 || code == 3 || code == 4 || code == 5 || code == 14:
		// plans wait, a source failed or was put back from a copy: that is said of each
		return nil
	default:
		m.kind, m.Mark, m.What, m.Clause = stopped, "red", n.Say("need.error", int64(code)), "clause.error"
	}
	m.Queries = []string{"q30"}
	if m.kind == altered {
		m.Queries = []string{"q7"}
	}
	n.who(&m, "", "role.operator")
	return []Matter{m}
}

// hintNeeds are the hints of an incident that nobody has assessed.
func (n night) hintNeeds() []Matter {
	open := n.OpenHints()
	if len(open) == 0 {
		return nil
	}
	first := open[0]
	place := strings.Trim(first.Source+"."+first.Object, ".")
	m := Matter{kind: hint, Clause: "clause.hint", Queries: []string{"q10"}, By: n.Civil(first.ClockUntil),
		weight: int64(len(open)), short: n.Say("short.hint")}
	m.What = n.Say("need.hint", int64(len(open)), lang.Code(place))
	n.who(&m, "", "role.dpo")
	return []Matter{m}
}

// requestNeeds are the requests that are late, or due within a week.
func (n night) requestNeeds() (list []Matter) {
	for _, r := range n.Facts.Requests {
		by := tonight.Day(cmp.Or(r.ExtendedTo, r.DueOn))
		if r.Status == "closed" || r.Status == "paused" && r.OverdueDays == 0 || by.IsZero() || n.Within(by) > 7 {
			continue
		}
		m := Matter{kind: dueSoon, By: by, Clause: "clause.due", Queries: []string{"q1"}}
		if n.Within(by) < 0 || r.OverdueDays > 0 {
			m.kind, m.Clause = late, "clause.late"
		}
		kind := n.RequestKind(r.Kind)
		m.What = n.Say("need.request", kind, name(r.RequestID), n.SiloName(r.Silo))
		switch {
		case r.ExtendedTo != "":
			m.What += " " + n.Say("need.request.extended")
		case m.kind == late:
			m.What += " " + n.Say("need.request.late")
		default:
			m.What += " " + n.Say("need.request.open")
		}
		m.short = n.Say("short.request", kind, name(r.RequestID))
		n.who(&m, n.Owner(r.Silo), "role.owner")
		list = append(list, m)
	}
	return list
}

// sourceNeeds are the sources that were not read.
func (n night) sourceNeeds() (list []Matter) {
	for _, i := range n.Unread() {
		m := Matter{kind: notRead, Source: i.Source, Clause: "clause.notread", Queries: []string{"q3"}, since: n.Today}
		m.What = n.Say("need.notread", name(i.Source), n.failure(i.Reason))
		for _, k := range n.Own.Kept {
			if k.Source != i.Source {
				continue
			}
			m.What += " " + n.Say("need.notread.kept", n.Weekday(tonight.Day(k.Day)))
			if m.since = tonight.Day(k.Day).AddDate(0, 0, 1); m.since.After(n.Today) { // read today, and not since
				m.since = n.Today
			}
			rows, first := fallDue(k, n.Today)
			if rows > 0 {
				m.kind, m.Mark, m.Clause = late, "stop", "clause.notread"
				m.What += " " + n.Say("need.notread.due", rows, n.When(first))
			}
		}
		if nights := int64(n.Within(n.Today) - n.Within(m.since) + 1); nights > 0 {
			m.When, m.Left = n.Say("nights", nights), n.Say("since", n.Day(m.since))
		}
		m.short = n.Say("short.notread", name(i.Source))
		n.who(&m, "", "role.custodian")
		list = append(list, m)
	}
	return list
}

// fallDue counts the rows of a source that was not read of which the end is due.
func fallDue(k audit.Kept, today time.Time) (rows int64, first time.Time) {
	for _, s := range k.Summary {
		if end := tonight.Day(s.OldestDue); figures.KindOf(s) == figures.Waiting && !end.IsZero() && !end.After(today) {
			if rows += s.Rows; first.IsZero() || end.Before(first) {
				first = end
			}
		}
	}
	return rows, first
}

// failure says why a source could not be read.
func (n night) failure(reason string) string {
	for _, known := range []string{"unreachable", "denied", "damaged", "schema", "TLS", "unsupported"} {
		if strings.Contains(reason, known) {
			return n.Say("failure." + known)
		}
	}
	return n.Say("failure.unreadable")
}

// useNeeds are rows in use past their end.
func (n night) useNeeds() (list []Matter) {
	for _, s := range n.Silos {
		if s.InUse == 0 || s.Day != "" {
			continue
		}
		m := Matter{kind: late, Clause: "clause.use", weight: s.InUse, Queries: []string{"q38"}}
		say := "need.use"
		if n.Run.Mode == "dry" {
			say = "need.use.dry"
		}
		m.What = n.Say(say, n.Told(s.Name, s.InUse), n.SiloName(s.Name))
		for _, line := range n.Facts.Summary {
			first := tonight.Day(line.OldestDue)
			if line.Silo == s.Name && figures.KindOf(line) == figures.Waiting && !first.IsZero() &&
				(m.By.IsZero() || first.Before(m.By)) {
				m.By = first
			}
		}
		m.short = n.Say("short.use", n.SiloName(s.Name))
		n.who(&m, s.Owner, "role.owner")
		list = append(list, m)
	}
	return list
}

// copyNeeds are the applications that work with consents that are out of date, or whose copy somebody altered.
func (n night) copyNeeds() (list []Matter) {
	for _, c := range n.Facts.ConsentSync {
		drift := c.DriftMissing + c.DriftExtra + c.DriftDifferent
		m := Matter{since: n.Today, Queries: []string{"q26"}}
		switch {
		case c.LagSeconds > c.MaxLagSeconds && c.LagSeconds > 0:
			m.kind, m.Clause = late, "clause.lag"
			m.What = n.Say("need.lag", name(c.Target), n.SiloName(c.Silo))
			m.When, m.Left, m.Late = n.When(n.Today), n.Say("days.late", max(c.LagSeconds/86400, 1)), true
		case drift > 0 && n.Run.Mode == "apply" && c.Error == "":
			m.kind, m.Clause = question, "clause.question"
			m.What = n.Say("need.drift", name(c.Target), n.SiloName(c.Silo), drift)
		default:
			continue
		}
		m.short = n.Say("short.copy", name(c.Target))
		n.who(&m, n.Owner(c.Silo), "role.owner")
		list = append(list, m)
	}
	return list
}

// refusedNeeds are planned rows that a database refused to change.
func (n night) refusedNeeds() (list []Matter) {
	refusals := map[string]int64{}
	for at, c := range n.OfDay {
		if at.Status == "refused" || at.Status == "failed" {
			refusals[at.Silo] += c.Rows
		}
	}
	for silo, rows := range refusals {
		m := Matter{kind: refused, since: n.Today, weight: rows, Clause: "clause.refused", Queries: []string{"q24"}}
		m.What = n.Say("need.refused", n.Told(silo, rows), n.SiloName(silo))
		m.short = n.Say("short.refused", n.SiloName(silo))
		n.who(&m, n.Owner(silo), "role.owner")
		list = append(list, m)
	}
	return list
}

// holdNeeds are holds that nobody approved, or whose review is due.
func (n night) holdNeeds() (list []Matter) {
	for _, h := range n.Facts.Holds {
		m := Matter{kind: dueSoon, Clause: "clause.hold", Queries: []string{"q6"}}
		switch h.Status {
		case "unapproved":
			m.What, m.since, m.kind = n.Say("need.hold.unapproved", name(h.HoldID), n.SiloName(h.Silo)),
				n.Civil(h.PlacedAt), question
		case "review_due":
			m.What, m.By = n.Say("need.hold.review", name(h.HoldID), n.SiloName(h.Silo)), tonight.Day(h.ReviewBy)
		default:
			continue
		}
		m.short = n.Say("short.hold", name(h.HoldID))
		n.who(&m, h.PlacedBy, "role.placed")
		list = append(list, m)
	}
	return list
}
