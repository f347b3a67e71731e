// Package fulfil does for one person who asked what is due of their rows: by a plan of its own, through the same
// decisions, approvals and execution as a night.
package fulfil

import (
	"context"

	"lethe/pipeline/apply"
	"lethe/pipeline/judge"
	"lethe/pipeline/notes"
	"lethe/pipeline/planner"
	"lethe/pipeline/requests"
	"lethe/pipeline/scan"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
	"lethe/pipeline/stores"
)

// Fulfiller plans and changes what is due of one person's rows.
type Fulfiller struct {
	Setup   *setup.Setup
	Tonight setup.Tonight
	Notes   *notes.Notes
	Silos   *silos.Set
	Stores  *stores.Set
	Planner *planner.Planner
	Applier *apply.Applier
}

// Fulfil applies what people approved since, as every run that applies does, then reads the tables of the person's
// silo, in live sources and backups, judges the rows that are the person's and nobody else's, and plans and changes
// what is due of them, and nothing else.
func (f *Fulfiller) Fulfil(ctx context.Context) error {
	f.Applier.Census = nil // nobody has counted who there is
	if err := f.Applier.Apply(ctx); err != nil {
		return err
	}
	if err := f.Planner.SetAside(ctx); err != nil {
		return err
	}
	asked := f.Tonight.Asked
	theirs, err := requests.Theirs(f.Setup, f.Silos, asked.Silo, asked.Collections)
	if err != nil {
		return err
	}
	f.Planner.Scanner = &scan.Scanner{Setup: f.Setup, Tonight: f.Tonight, Notes: f.Notes}
	session := *f.Planner.Session
	session.Census, session.Only = nil, theirs
	f.Planner.Session = &session
	of := func(g *judge.Judge) bool { return g.Silo.Silo.Name == asked.Silo }
	for _, s := range f.Stores.List {
		if s.Err != nil {
			continue // it is a problem already
		}
		if err := f.Planner.Read(ctx, s, of); err != nil {
			f.Stores.FailedSource(s, err)
		}
	}
	if err := f.Planner.Limits.Shrunk(); err != nil {
		return err
	}
	if err := f.Planner.Person(ctx, asked.Backups); err != nil {
		return err
	}
	return f.Applier.Apply(ctx)
}
