package details

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"lethe/pipeline/audit"
)

// planLevels are how the states of plans look; amber where none is said.
var planLevels = map[string]string{"applied": "green", "withdrawn": "green"}

// plans lists the plans, those that wait for people first.
func (p *page) plans() {
	var order []string
	byID := map[string][]audit.Plan{}
	for _, row := range p.facts.Plans {
		if byID[row.PlanID] == nil {
			order = append(order, row.PlanID)
		}
		byID[row.PlanID] = append(byID[row.PlanID], row)
	}
	for _, id := range order {
		p.Plans = append(p.Plans, p.plan(id, byID[id]))
	}
	for _, a := range p.facts.Approvals {
		if a.Seq > 0 {
			p.Answers = append(p.Answers, answerView{Seq: p.number(a.Seq), Who: a.Actor,
				Said: p.said("details.act.", a.Decision), About: a.About, When: p.instant(a.SignedAt),
				Comment: a.Comment})
		}
	}
	slices.SortStableFunc(p.Plans, func(a, b planView) int { return cmp.Compare(len(b.Waits), len(a.Waits)) })
}

func (p *page) plan(id string, rows []audit.Plan) planView {
	state := rows[0].State
	v := planView{PlanID: id, State: p.said("details.state.", state), Level: cmp.Or(planLevels[state], "amber")}
	total := int64(0)
	for _, r := range rows {
		total += r.Rows
		v.Counts = append(v.Counts, p.planned(r))
		p.starts(&v, r)
		for q := range strings.SplitSeq(r.Breakers, ";") {
			if words := p.said("ask.", q); q != "" && !slices.Contains(v.Questions, words) {
				v.Questions = append(v.Questions, words)
			}
		}
		if !r.ValidUntil.IsZero() && (r.State == "waiting" || r.State == "approved") {
			v.ValidUntil = p.say("details.plans.valid", p.instant(r.ValidUntil))
		}
	}
	part := "details.part." + rows[0].Part
	if !p.words.Has(part) {
		part = "details.part.other"
	}
	v.Title = p.say(part, total)
	roles := ""
	for _, a := range p.facts.Approvals {
		if a.PlanID != id {
			continue
		}
		roles += ";" + a.Role
		v.Answers = append(v.Answers, p.answer(a))
	}
	if rows[0].State == "waiting" && rows[0].Part != "reversible" {
		v.Waits = p.say("details.waits." + waits(roles, p.Run.SingleApproval))
	}
	return v
}

// planned is a line of a plan.
func (p *page) planned(r audit.Plan) string {
	at, change := place(r.Source, r.Object, ""), p.said("details.change.", r.Change)
	if p.small(r.Silo, r.Rows) {
		return p.say("details.plan.few", at, change)
	}
	line := p.say("details.plan.rows", r.Rows, at, change)
	if r.PercentOfObject > 0 {
		line += " " + p.say("details.plan.share", p.words.Percent(int64(math.Round(r.PercentOfObject*1000)), 100_000))
	}
	return line
}

// starts says of a table, once, from which days its terms count, where a plan destroys rows of it.
func (p *page) starts(v *planView, r audit.Plan) {
	for _, s := range p.facts.Starts {
		if r.Part == "reversible" || s.Silo != r.Silo || s.Source != r.Source || s.Object != r.Object {
			continue
		}
		said := p.start(s)
		if !slices.Contains(v.Starts, said) {
			v.Starts = append(v.Starts, said)
		}
	}
}

// start says what the days look like from which terms count.
func (p *page) start(s audit.Start) string {
	said := []string{p.say("details.starts", place(s.Source, s.Object, s.Column), s.Rule)}
	more := func(rows int64, key string, args ...any) {
		if rows > 0 && !p.sensitive[s.Silo] {
			said = append(said, p.say("details.starts."+key, append([]any{rows}, args...)...))
		}
	}
	switch {
	case s.Oldest == "":
		said = append(said, p.say("details.starts.none"))
	case p.sensitive[s.Silo]:
		said = append(said, p.say("details.starts.span", p.civil(s.Oldest), p.civil(s.Newest)))
	default:
		more(s.Rows, "days", p.civil(s.Oldest), p.civil(s.Newest))
	}
	if s.MostRows > 1 {
		more(s.MostRows, "most", p.civil(s.Most))
	}
	more(s.Open, "open")
	more(s.Unknown, "unknown")
	if s.Nothing != "" {
		said = append(said, p.say("details.starts.nothing", list(s.Nothing)))
	}
	more(s.BeforeSince, "before")
	return strings.Join(said, " ")
}

func (p *page) answer(a audit.Approval) string {
	if a.StandingOrder != "" {
		return p.say("details.said.order", a.StandingOrder, list(a.Actor))
	}
	key := "details.said." + a.Decision
	if !p.words.Has(key) {
		return fmt.Sprintf("%s: %s (%s), %s", a.Decision, a.Actor, list(a.Role), p.instant(a.SignedAt))
	}
	return p.say(key, a.Actor, list(a.Role), p.instant(a.SignedAt))
}

// waits says whose approval a plan lacks, from the roles that have approved.
func waits(roles string, single bool) string {
	owner, custodian := strings.Contains(roles, "owner"), strings.Contains(roles, "custodian")
	switch {
	case single:
		return "single"
	case owner && custodian:
		return "second"
	case owner:
		return "custodian"
	case custodian:
		return "owner"
	}
	return "both"
}
