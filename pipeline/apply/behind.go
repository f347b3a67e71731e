package apply

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"

	"lethe/connectors"
	"lethe/pipeline/change"
	"lethe/pipeline/execute"
	"lethe/pipeline/journal"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/setup"
)

// held is the class by which the journal knows a row that the live store left for what refers to it by now.
const held = "HELD"

// done reports whether every row of the set has its outcome.
func (a *application) done() bool {
	return a.x != nil && !slices.Contains(a.x.Outcomes(0, len(a.set.Rows)), 0)
}

// place names a row of a system.
type place struct {
	table string
	key   connectors.Key
}

// kept finds what the live store of a backup keeps of the rows of the set, by what the journal has of this plan and of
// what the store refused since the plan was made: a plan that was made later knows it.
func (a *application) kept(ctx context.Context) (execute.Kept, error) {
	kept := execute.Kept{Refused: map[int]execute.Refusal{}, Held: map[int]bool{}}
	rows, holds := map[place]execute.Refusal{}, map[place]bool{}
	if a.source != nil {
		list, err := a.Journal.Refusals(ctx, a.plan.PlanID)
		if err != nil {
			return kept, err
		}
		for _, r := range list {
			if r.Group != a.source.position || r.Row < 0 || r.Row >= int64(len(a.source.set.Rows)) {
				continue
			}
			c := &a.source.set.Rows[r.Row]
			if at := (place{c.Table, c.Key}); r.Class == held {
				holds[at] = true
			} else {
				rows[at] = execute.Refusal{Class: r.Class, By: r.By}
			}
		}
	}
	aside, err := a.aside(ctx)
	if err != nil {
		return kept, err
	}
	for i := range a.set.Rows {
		c := &a.set.Rows[i]
		at := place{c.Table, c.Key}
		why, refused := rows[at]
		if !refused && c.Kind == change.Root {
			why, refused = aside[journal.Aside{Table: c.Table, Record: hex.EncodeToString(c.Record[:]),
				Destroys: !c.Op.Reversible()}]
		}
		if refused {
			kept.Refused[i] = why
		}
		if holds[at] {
			kept.Held[i] = true
		}
	}
	return kept, nil
}

// aside are the rows that the live store refused since the plan was made, by table, record and kind of change.
func (a *application) aside(ctx context.Context) (map[journal.Aside]execute.Refusal, error) {
	found, made := map[journal.Aside]execute.Refusal{}, calendar.DateOf(a.plan.AsOf, a.Setup.Zone).Start(a.Setup.Zone)
	for _, policy := range []string{a.plan.PolicyDigest, a.Setup.PolicyDigest} {
		list, err := a.Journal.SetAside(ctx, a.Tonight.AsOf, policy)
		if err != nil {
			return nil, err
		}
		for _, r := range list {
			if r.Aside.Source == a.store.Of && !r.At.Before(made) {
				found[journal.Aside{Table: r.Aside.Table, Record: r.Aside.Record, Destroys: r.Aside.Destroys}] =
					execute.Refusal{Class: r.Class, By: r.By}
			}
		}
	}
	return found, nil
}

// saidKept makes what a backup keeps, as its live store does, somebody's business.
func (a *application) saidKept() {
	refused := map[execute.Refusal]int{}
	for _, why := range a.x.Refused(0, len(a.set.Rows)) {
		refused[why]++
	}
	for why, rows := range refused {
		a.Notes.Problem(fmt.Errorf("%w: source %s: %d rows of plan %s are as they were, as the database of "+
			"%s, which it is a backup of, refused them (%s): they are tried again with those of %[5]s",
			setup.ErrSource, a.store.Name, rows, a.plan.PlanID, a.store.Of, why))
	}
}
