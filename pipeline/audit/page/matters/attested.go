package matters

import (
	"cmp"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/page/tonight"
)

// attestNeeds are what people have to attest again, and the reviews of rules and of verdicts on fields, that are due or
// soon: one matter for each attestation, and one for the reviews of a kind.
func (n night) attestNeeds() (list []Matter) {
	reviews := map[string][]audit.Attestation{}
	var kinds []string
	for _, a := range n.Facts.Attestations {
		if a.Status != "due" && a.Status != "overdue" && a.Status != "never" {
			continue
		}
		if a.Every == "" { // a review
			if reviews[a.Kind] == nil {
				kinds = append(kinds, a.Kind)
			}
			reviews[a.Kind] = append(reviews[a.Kind], a)
			continue
		}
		m := Matter{kind: dueSoon, Clause: "clause.attest", Queries: []string{"q35"}, By: tonight.Day(a.DueOn)}
		m.What = n.Say("need.attest", name(a.Name), n.DayYear(tonight.Day(a.LastOn)))
		if a.Status == "never" {
			m.kind, m.What = question, n.Say("need.attest.never", name(a.Name))
		}
		m.short = n.Say("short.attest", name(a.Name))
		n.who(&m, a.Owner, "role.owner")
		list = append(list, m)
	}
	for _, kind := range kinds {
		due, owners := reviews[kind], ""
		for _, a := range due {
			owners += a.Owner + ";"
		}
		key := map[string]string{"rule review": "need.review.rules", "engine proof": "need.review.engines"}[kind]
		key = cmp.Or(key, "need.review.fields")
		m := Matter{kind: dueSoon, Clause: "clause.attest", Queries: []string{"q35"}, By: tonight.Day(due[0].DueOn),
			weight: int64(len(due)), What: n.Say(key, int64(len(due)), name(due[0].Name))}
		m.short = n.Say("short.reviews", int64(len(due)))
		role := "role.owner"
		if kind == "engine proof" {
			role = "role.operator"
		}
		n.who(&m, owners, role)
		list = append(list, m)
	}
	return list
}
