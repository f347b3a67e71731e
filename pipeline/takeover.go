package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"lethe/pipeline/audit"
	"lethe/pipeline/journal"
)

// publishLate writes the evidence that earlier runs owe: they ended, and were cut off, or failed, before their report was published. One
// that cannot be made now either is this run's failure too; it goes on all the same.
func (n *night) publishLate(ctx context.Context) error {
	runs, err := n.journal.Runs(ctx, 60)
	if err != nil {
		return err
	}
	for i := len(runs) - 1; i >= 0; i-- { // oldest first: each manifest names the one before it
		r := runs[i]
		if r.EndedAt.IsZero() || r.Manifest != "" || len(r.Facts) == 0 {
			continue
		}
		var f audit.Facts
		if err := json.Unmarshal(r.Facts, &f); err != nil {
			return fmt.Errorf("run %s: %w: %w", r.ID, journal.ErrCorrupt, err)
		}
		if _, err := n.publish(ctx, n.journal, r.ID, f); err != nil {
			n.problem(fmt.Errorf("%w: the report of run %s is not published yet: %w", ErrTampered, r.ID, err))
		}
	}
	return nil
}

// takeOver makes this run answer for what runs that were cut off had settled: their chunks, the plans they ended, the approvals these had, and the
// keys they could not destroy any more.
func (n *night) takeOver(ctx context.Context) error {
	if err := n.journal.TakeOver(ctx, n.run.ID); err != nil {
		return err
	}
	plans, err := n.journal.Plans(ctx, journal.Settled, journal.Lapsed, journal.Rejected)
	if err != nil {
		return err
	}
	held := map[string]bool{}
	for _, name := range n.Keys.Names("plan/") {
		held[strings.TrimPrefix(name, "plan/")] = true
	}
	for _, entry := range plans {
		if held[entry.ID] {
			if _, err := n.Keys.Destroy("plan/"+entry.ID, n.Now()); err != nil {
				return err
			}
		}
		if entry.SettledIn != n.run.ID || entry.Part == "reversible" {
			continue
		}
		p, err := openPlan(filepath.Join(n.State, "plans", entry.ID), entry.Digest)
		if err != nil {
			return err
		}
		answers, err := n.answers(ctx, n.journal, p)
		if err != nil {
			return err
		}
		n.facts.Approvals = append(n.facts.Approvals, n.auditApprovals(p, answers)...)
	}
	return nil
}
