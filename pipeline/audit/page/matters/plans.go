package matters

import (
	"lethe/pipeline/audit/page/tonight"

	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/page/lang"
)

// plan is a sealed plan: its lines, and what people said of it.
type plan struct {
	id    string
	lines []audit.Plan
	said  []audit.Approval
}

func (n night) plans() (list []plan) {
	at := map[string]int{}
	for _, line := range n.Facts.Plans {
		i, ok := at[line.PlanID]
		if !ok {
			i = len(list)
			at[line.PlanID], list = i, append(list, plan{id: line.PlanID})
		}
		list[i].lines = append(list[i].lines, line)
	}
	for _, a := range n.Facts.Approvals {
		if i, ok := at[a.PlanID]; ok && a.PlanID != "" {
			list[i].said = append(list[i].said, a)
		}
	}
	return list
}

// name is a plan's short name: the end of its number, which is where two plans differ.
func (p plan) name() string {
	number, part, _ := strings.Cut(lang.Name(p.id), "-destructive")
	if i := strings.LastIndexByte(number, '-'); i > 30 { // a UUID, and what part of a night it is
		part, number = number[i:], number[:i]
	}
	if len(number) > 4 {
		number = number[len(number)-4:]
	}
	return number + part
}

func (p plan) rows() (rows int64) {
	for _, l := range p.lines {
		rows += l.Rows
	}
	return rows
}

// ways says what a plan does, by change, to copies, and of how many people: delete 1,204 rows, of 312 people. A number
// that is small in a sensitive silo is not said.
func (n night) ways(p plan) string {
	rows, small := map[string]int64{}, map[string]bool{}
	people, copies, few := map[string]int64{}, int64(0), false
	for _, l := range p.lines {
		people[l.Silo] = l.PlanPeople
		few = few || n.Count(l.Silo, l.PlanPeople) == "<5" || n.Count(l.Silo, l.Rows) == "<5"
		if n.Copies[l.Source] {
			copies += l.Rows
			continue
		}
		rows[l.Change] += l.Rows
		small[l.Change] = small[l.Change] || n.Count(l.Silo, l.Rows) == "<5"
	}
	var said []string
	for _, change := range []string{"delete", "anonymize", "clear", "set_null", "block", "unblock"} {
		switch {
		case rows[change] == 0:
		case small[change] && rows[change] < 5:
			said = append(said, n.Say("way.few."+change))
		default:
			said = append(said, n.Say("way."+change, rows[change]))
		}
	}
	ways := n.And(said)
	if copies > 0 && !few {
		ways = tonight.Joined(", ", ways, n.Say("way.copies", copies))
	}
	all := int64(0)
	for _, of := range people {
		all += of
	}
	if all > 0 && !few {
		ways = tonight.Joined(", ", ways, n.Say("way.people", all))
	}
	return ways
}

// distinct are the distinct texts that lines have, at most a few, the rest counted.
func (n night) distinct(lines []audit.Plan, most int, of func(audit.Plan) string) string {
	weight := map[string]int64{}
	for _, l := range lines {
		if text := of(l); text != "" {
			weight[text] += l.Rows
		}
	}
	list := slices.Sorted(maps.Keys(weight))
	slices.SortStableFunc(list, func(a, b string) int { return cmp.Compare(weight[b], weight[a]) })
	if len(list) > most {
		more := int64(len(list) - most)
		list = append(list[:most:most], n.Say("more.short", more))
	}
	return strings.Join(list, ", ")
}

// planNeeds are the plans that wait for somebody.
func (n night) planNeeds() (list []Matter) {
	for _, p := range n.plans() {
		first := p.lines[0]
		if first.State != "waiting" || first.Part == "reversible" {
			continue
		}
		m := Matter{kind: waits, By: n.Civil(first.ValidUntil), Clause: "clause.waits", weight: p.rows(),
			Queries: []string{"q2"}}
		about := []string{n.ways(p), n.distinct(p.lines, 2, func(l audit.Plan) string { return n.SiloName(l.Silo) }),
			n.distinct(p.lines, 1, func(l audit.Plan) string { return tonight.Lower(n.Reason(l.Reason)) })}
		m.short = n.Say("short.plan", p.name())
		owner, custodian, stop := answered(p)
		switch {
		case stop != nil:
			m.kind, m.Clause = objection, "clause.objection"
			m.What = n.Say("need.plan.objected", name(stop.Actor), n.Day(n.Civil(stop.SignedAt)))
			if stop.Comment != "" {
				m.What = strings.TrimSuffix(m.What, ".") + " (" + lang.Name(stop.Comment) + ")."
			}
			n.who(&m, "", "role.controller")
		default:
			m.What = n.asks(first)
			n.missing(&m, p, owner, custodian)
		}
		m.What = n.fitted(p, about, m.What)
		list = append(list, m)
	}
	return list
}

// fitted says of a plan what it does, to whom and why, and what of it waits for people; where that has no room
// together, first without why, then without whom.
func (n night) fitted(p plan, about []string, waits string) (text string) {
	for len(about) > 0 {
		text = n.Say("need.plan", p.name(), tonight.Joined("; ", about...)) + " " + waits
		if utf8.RuneCountInString(text) <= Longest {
			break
		}
		about = about[:len(about)-1]
	}
	return text
}

// asks says the first reason why a plan asks people.
func (n night) asks(line audit.Plan) string {
	for _, q := range []string{"B_STATE_REBUILT", "B_POLICY_CHANGED", "B_NEW_SOURCE", "B_SPIKE", "B_EMPTY_TABLE",
		"B_TRIGGER", "B_MAX_ROWS", "B_MAX_PCT"} {
		if slices.Contains(strings.Split(line.Breakers, ";"), q) {
			return n.Say("ask." + q)
		}
	}
	return ""
}

// missing says whose signature a plan lacks.
func (n night) missing(m *Matter, p plan, owner, custodian *audit.Approval) {
	owners := ""
	for _, l := range p.lines {
		owners += ";" + n.Owner(l.Silo)
	}
	switch signed := cmp.Or(owner, custodian); {
	case n.Run.SingleApproval:
		m.What = tonight.Joined(" ", m.What, n.Say("need.plan.single"))
		n.who(m, owners, "role.owner")
	case signed == nil:
		m.What = tonight.Joined(" ", m.What, n.Say("need.plan.none"))
		n.who(m, owners, "role.both")
	default:
		m.What = tonight.Joined(" ", m.What,
			n.Say("need.plan.one", name(signed.Actor), n.Day(n.Civil(signed.SignedAt))))
		if owner == nil {
			n.who(m, owners, "role.owner")
		} else {
			n.who(m, "", "role.custodian")
		}
	}
}

// answered tells who signed a plan, and who stopped it.
func answered(p plan) (owner, custodian, stop *audit.Approval) {
	for i := range p.said {
		a := &p.said[i]
		switch a.Decision {
		case "object":
			stop = a
		case "override", "approve":
			if a.Decision == "override" {
				stop = nil
			}
			if strings.Contains(a.Role, "owner") {
				owner = a
			} else if strings.Contains(a.Role, "custodian") {
				custodian = a
			}
		case "withdraw":
			if stop != nil && stop.Actor == a.Actor {
				stop = nil
			}
			if owner != nil && owner.Actor == a.Actor {
				owner = nil
			}
			if custodian != nil && custodian.Actor == a.Actor {
				custodian = nil
			}
		}
	}
	return owner, custodian, stop
}

// Acts are what `lethe apply` did since the night.
func Acts(of *tonight.Night) (list []Matter, title string) {
	n := night{of}
	if n.Run.Phases != "apply" {
		return nil, ""
	}
	for _, p := range n.plans() {
		planned, done, again, left, copies := n.settled(p.id)
		if planned+copies == 0 {
			continue
		}
		m := Matter{Kind: n.Say("act.done"), Mark: "green", When: n.When(n.Today), Left: n.Clock(n.Run.EndedAt),
			What: n.Say("act.plan", p.name(), planned, done, again, left), Queries: []string{"q24"}}
		if copies > 0 {
			m.What += " " + n.Say("done.copies", copies)
		}
		var who []string
		for _, a := range p.said {
			if a.Decision == "approve" || a.Decision == "override" {
				who = append(who, name(a.Actor))
			}
		}
		m.Who, m.Role = strings.Join(who, ", "), n.Say("act.signed")
		list = append(list, m)
	}
	if over := len(list) - 3; over > 0 {
		list = list[:3]
	}
	return list, n.Say("acts.title")
}

// settled counts a plan's live rows that this run settled, and the copies of rows in backups that it changed.
func (n night) settled(id string) (planned, done, again, left, copies int64) {
	for at, c := range n.Totals {
		if at.Plan != id {
			continue
		}
		if n.Copies[at.Source] {
			if at.Done() {
				copies += c.Rows
			}
			continue
		}
		planned += c.Rows
		if at.Done() {
			done, again = done+c.Rows, again+min(c.Verified, c.Rows)
		} else {
			left += c.Rows
		}
	}
	return planned, done, again, left, copies
}
