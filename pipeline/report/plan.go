package report

import (
	"strings"

	"lethe/pipeline/audit"
	"lethe/pipeline/journal"
	"lethe/pipeline/notes"
	"lethe/pipeline/plan"
)

// Unopened adds a plan that cannot be read to a run's facts: one line, of what the journal knows.
func Unopened(n *notes.Notes, entry journal.Plan, state string) {
	n.Facts.Plans = append(n.Facts.Plans, audit.Plan{PlanID: entry.ID, Part: entry.Part, Digest: entry.Digest,
		ValidUntil: entry.ValidUntil, State: state})
}

// Plan adds a sealed plan to a run's facts, a line for each of its counts; state is the one that the report
// says it is in.
func Plan(n *notes.Notes, p *plan.Sealed, state string) {
	for _, c := range p.Counts {
		n.Facts.Plans = append(n.Facts.Plans, audit.Plan{
			PlanID:           p.PlanID,
			Part:             string(p.Part),
			Digest:           p.Digest,
			Silo:             c.Silo,
			Source:           c.Source,
			Object:           c.Table,
			Change:           c.Change,
			Reason:           c.Reason,
			Rows:             c.Rows,
			People:           c.People,
			PlanPeople:       p.People[c.Silo],
			PercentOfObject:  c.Percent,
			Usual:            plan.Usual(n.History, c),
			Breakers:         strings.Join(p.Questions, ";"),
			RequiresApproval: p.Part == plan.Destructive && state == journal.Waiting,
			ValidUntil:       p.ValidUntil,
			State:            state,
		})
	}
}
