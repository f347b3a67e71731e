package planner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"filippo.io/age"

	"lethe/connectors"
	"lethe/pipeline/journal"
	"lethe/pipeline/judge"
	"lethe/pipeline/plan"
	"lethe/pipeline/report"
	"lethe/pipeline/stores"
)

// planDays is how long a plan may wait for its approval.
const planDays = 7

// seal writes one part of the night's plan: the rows for which choose names a change. It returns nil when
// there are none, and when standing orders do not answer the plan that is named for them.
func (pl *Planner) seal(ctx context.Context, drafts []*plan.Draft, part plan.Part, name string, choose choice) (
	*plan.Sealed, error,
) {
	id := pl.Tonight.RunID + "-" + name
	p := &plan.Sealed{Folder: filepath.Join(pl.Setup.State, "plans", id), Document: plan.Document{
		PlanID:       id,
		RunID:        pl.Tonight.RunID,
		Part:         part,
		AsOf:         pl.Tonight.AsOf,
		ValidUntil:   pl.Tonight.AsOf.AddDate(0, 0, planDays),
		PolicyDigest: pl.Setup.PolicyDigest,
		Heads:        pl.Silos.Words,
		Schemas:      map[string]string{},
		Files:        map[string]string{},
	}}
	if err := os.MkdirAll(p.Folder, 0o700); err != nil {
		return nil, fmt.Errorf("seal plan: %w", err)
	}
	to, err := pl.Setup.Keys.NewPlan(id)
	if err != nil {
		return nil, err
	}

	s := &sealer{plan: p, to: to, counts: map[plan.Count]*plan.Count{}}
	for _, d := range drafts {
		if d.Backup() && !d.Due {
			continue
		}
		for _, g := range d.Judges {
			if err := s.group(ctx, d, g, choose); err != nil {
				return nil, err
			}
		}
	}
	return pl.finish(ctx, s, name == "ordered")
}

// sealer writes the segments of one plan, and counts what is in them.
type sealer struct {
	plan   *plan.Sealed
	to     age.Recipient
	counts map[plan.Count]*plan.Count
}

// group writes the segments of one silo's table: its chosen rows, then their dependents rank by rank, then
// the parents they owned.
func (s *sealer) group(ctx context.Context, d *plan.Draft, g *judge.Judge, choose choice) error {
	sg := &groupSealer{sealer: s, draft: d, judge: g,
		position: map[connectors.Key]int64{}, planned: map[connectors.Key]*judge.Root{}}
	sg.Group = plan.Group{Silo: g.Silo.Silo.Name, Source: d.Name, Table: g.Table.Name}
	if err := sg.roots(choose); err != nil || len(sg.Segments) == 0 {
		return err
	}
	if s.plan.Part == plan.Destructive {
		if err := sg.dependents(); err != nil {
			return err
		}
		if err := sg.owned(ctx); err != nil {
			return err
		}
	}
	s.plan.Groups = append(s.plan.Groups, sg.Group)
	s.plan.Schemas[d.Name] = stores.Fingerprint(d.Tables, s.touched(d.Name))
	if d.Backup() {
		s.plan.Files[d.Name] = d.Digest
	}
	return nil
}

// touched is every table of a source that the plan changes so far.
func (s *sealer) touched(source string) map[string]bool {
	touched := map[string]bool{}
	for _, g := range s.plan.Groups {
		if g.Source == source {
			for _, segment := range g.Segments {
				touched[segment.Table] = true
			}
		}
	}
	return touched
}

// finish completes a plan: percentages, questions, the standing orders' answer; then plan.json and the
// journal's row. A plan that is empty, or that orders were to answer and do not, leaves no trace.
func (pl *Planner) finish(ctx context.Context, s *sealer, ordered bool) (*plan.Sealed, error) {
	p := s.plan
	p.Counts = s.lines(pl.Scanner.RowsOf)
	p.Questions = pl.Limits.Questions(p)
	if len(p.Groups) == 0 || ordered && !pl.Limits.Covers(p) {
		_, err := pl.Setup.Keys.Destroy("plan/"+p.PlanID, pl.Setup.Now())
		return nil, errors.Join(err, os.RemoveAll(p.Folder))
	}
	if ordered && pl.Tonight.Apply {
		pl.Limits.Note(p)
	}
	p.State = pl.state(p, ordered)

	if err := p.Write(); err != nil {
		return nil, err
	}
	entry := journal.Plan{ID: p.PlanID, RunID: pl.Tonight.RunID, Part: string(p.Part), Digest: p.Digest,
		CreatedAt: pl.Setup.Now(), ValidUntil: p.ValidUntil, State: p.State}
	if err := pl.Journal.PutPlan(ctx, entry); err != nil {
		return nil, err
	}
	if p.State == journal.Lapsed {
		if _, err := pl.Setup.Keys.Destroy("plan/"+p.PlanID, pl.Setup.Now()); err != nil {
			return nil, err
		}
	}
	report.Plan(pl.Notes, p, p.State)
	return p, nil
}

// state is the one in which a plan enters the journal.
func (pl *Planner) state(p *plan.Sealed, ordered bool) string {
	switch {
	case pl.Tonight.AsOf.After(pl.Setup.Now()) && !pl.Setup.Simulated,
		!pl.Tonight.Apply && p.Part == plan.Reversible:
		return journal.Lapsed // only says what would be
	case pl.Tonight.Apply && (p.Part == plan.Reversible || ordered):
		return journal.Approved
	}
	return journal.Waiting
}

// lines are the counts of a plan in a stable order, each with its part of the table's rows.
func (s *sealer) lines(rowsOf func(source, table string) int64) []plan.Count {
	var lines []plan.Count
	for _, c := range s.counts {
		if t := rowsOf(c.Source, c.Table); t > 0 {
			c.Percent = 100 * float64(c.Rows) / float64(t)
		}
		lines = append(lines, *c)
	}
	slices.SortFunc(lines, func(a, b plan.Count) int {
		return cmp.Or(strings.Compare(a.Silo, b.Silo), strings.Compare(a.Source, b.Source),
			strings.Compare(a.Table, b.Table), strings.Compare(a.Change, b.Change), strings.Compare(a.Reason, b.Reason))
	})
	return lines
}
