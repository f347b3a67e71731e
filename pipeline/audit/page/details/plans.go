package details

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"lethe/pipeline/audit"
)

var planStates = map[string]struct{ words, level string }{
	"waiting":        {"waits for approval", "amber"},
	"approved":       {"approved, not yet carried out", "amber"},
	"applied":        {"carried out", "green"},
	"partly_applied": {"carried out in part", "amber"},
	"expired":        {"lapsed", "amber"},
	"rejected":       {"rejected", "amber"},
	"withdrawn":      {"withdrawn: a newer plan stands for what is still due of it", "green"},
}

var partWords = map[string]string{
	"reversible":  "Changes that can be taken back",
	"destructive": "Changes that cannot be taken back",
	"again":       "What had been ended before, and a copy brought back",
}

// questionWords say why a plan asks people (the breakers of the configuration).
var questionWords = map[string]string{
	"B_MAX_ROWS":       "more rows of one table would change than a night may change unasked",
	"B_MAX_PCT":        "a larger share of one table would change than a night may change unasked",
	"B_SPIKE":          "many more rows would change than usual",
	"B_NEW_SOURCE":     "a source is new",
	"B_POLICY_CHANGED": "the policy is not the one that people adopted",
	"B_EMPTY_TABLE":    "a table would be nearly emptied",
	"B_STATE_REBUILT":  "nights before were forgotten, and nobody has approved a plan since",
	"B_CLOCK_AHEAD":    "the clock leapt between two runs, and nobody has approved a plan since, or signed for it",
	"B_TRIGGER":        "triggers of the database would run that no plan before showed as they are now",
}

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
			p.Answers = append(p.Answers, answerView{Seq: number(a.Seq), Who: a.Actor, Said: a.Decision, About: a.About,
				When: p.instant(a.SignedAt), Comment: a.Comment})
		}
	}
	slices.SortStableFunc(p.Plans, func(a, b planView) int { return cmp.Compare(len(b.Waits), len(a.Waits)) })
}

func (p *page) plan(id string, rows []audit.Plan) planView {
	state := planStates[rows[0].State]
	v := planView{PlanID: id, State: cmp.Or(state.words, rows[0].State), Level: cmp.Or(state.level, "amber")}
	total := int64(0)
	for _, r := range rows {
		total += r.Rows
		line := fmt.Sprintf("%s %s in %s: %s", p.count(r.Silo, r.Rows), plural(r.Rows, "row", "rows"),
			place(r.Source, r.Object, ""), word(changeWords, r.Change))
		if r.PercentOfObject > 0 && !p.small(r.Silo, r.Rows) {
			line += fmt.Sprintf(" (%.1f %% of the table)", r.PercentOfObject)
		}
		v.Counts = append(v.Counts, line)
		p.starts(&v, r)
		for q := range strings.SplitSeq(r.Breakers, ";") {
			if words := word(questionWords, q); q != "" && !slices.Contains(v.Questions, words) {
				v.Questions = append(v.Questions, words)
			}
		}
		if !r.ValidUntil.IsZero() && (r.State == "waiting" || r.State == "approved") {
			v.ValidUntil = p.instant(r.ValidUntil)
		}
	}
	v.Title = cmp.Or(partWords[rows[0].Part], "Changes") + ": " + number(total) + " " + plural(total, "row", "rows")
	roles := ""
	for _, a := range p.facts.Approvals {
		if a.PlanID != id {
			continue
		}
		roles += ";" + a.Role
		v.Answers = append(v.Answers, p.answer(a))
	}
	if rows[0].State == "waiting" && rows[0].Part != "reversible" {
		v.Waits = waits(roles, p.Run.SingleApproval)
	}
	return v
}

// starts says of a table, once, from which days its terms count, where a plan destroys rows of it.
func (p *page) starts(v *planView, r audit.Plan) {
	for _, s := range p.facts.Starts {
		if r.Part == "reversible" || s.Silo != r.Silo || s.Source != r.Source || s.Object != r.Object {
			continue
		}
		said := fmt.Sprintf("%s: %s", s.Source, s.Said())
		if p.sensitive[s.Silo] {
			said = fmt.Sprintf("%s: terms of %s count from %s.%s, from %s to %s", s.Source, s.Rule, s.Object, s.Column,
				cmp.Or(s.Oldest, "no day"), cmp.Or(s.Newest, "no day"))
		}
		if !slices.Contains(v.Starts, said) {
			v.Starts = append(v.Starts, said)
		}
	}
}

func (p *page) answer(a audit.Approval) string {
	verb := map[string]string{"approve": "Approved", "reject": "Rejected", "discard": "Discarded",
		"object": "Objected to", "override": "Approved in spite of the objection",
		"withdraw": "An answer was taken back"}[a.Decision]
	if a.StandingOrder != "" {
		return fmt.Sprintf("%s by standing order (%s), in the name of %s.", cmp.Or(verb, a.Decision),
			a.StandingOrder, list(a.Actor))
	}
	return fmt.Sprintf("%s by %s (%s) on %s.", cmp.Or(verb, a.Decision), a.Actor, list(a.Role), p.instant(a.SignedAt))
}

// waits says whose approval a plan lacks, from the roles that have approved.
func waits(roles string, single bool) string {
	owner, custodian := strings.Contains(roles, "owner"), strings.Contains(roles, "custodian")
	switch {
	case single:
		return "Waits for one approval:"
	case owner && custodian:
		return "Waits for an approval by a second person:"
	case owner:
		return "Waits for the custodian's approval:"
	case custodian:
		return "Waits for the silo owner's approval:"
	}
	return "Waits for the silo owner's and the custodian's approval:"
}
