package balance

import (
	"slices"
	"strings"

	"lethe/pipeline/audit"
	"lethe/pipeline/setup"
)

// anew are the findings that a run which only applies makes itself; those that only reading the sources can make are
// the night's.
var anew = []string{"F_OVERDUE", "F_UNSETTLED", "F_NOT_WRITTEN", "F_REQUEST_", "F_HOLD_", "F_PLAN_", "F_ANSWERS_",
	"F_POLICY_", "F_ORDERS_", "F_JOURNAL_", "F_STATE_", "F_KEY_", "F_SYNC_", "F_CLOCK_", "F_REGISTRY_", "F_LEFT_OVER"}

// CarryPlans lets a run that only applies begin with the plans of the night on which it goes on, so that none of
// them is dropped; their states are brought up to date afterwards.
func (b *Book) CarryPlans() {
	if b.goesOn() {
		b.Notes.Facts.Plans = add(b.Notes.Facts.Plans, b.Notes.Newest.Plans,
			func(a, b audit.Plan) bool { return a.PlanID == b.PlanID })
	}
}

// Carry lets a run that only applies go on from the night that decided: what it did not look at again stands as it
// stood then.
func (b *Book) Carry() {
	if !b.goesOn() {
		return
	}
	f, last := &b.Notes.Facts, b.Notes.Newest
	f.Run.Night = last.Run.Night
	if f.Run.Night == "" {
		f.Run.Night = last.Run.RunID
	}
	if b.Tonight.Phases != setup.ApplyOnly {
		ofFew(f, last)
	}
	f.Inventory = add(f.Inventory, last.Inventory, func(a, b audit.Inventory) bool {
		return a.Source == b.Source && a.Object == b.Object && a.Column == b.Column
	})
	theirs := slices.DeleteFunc(slices.Clone(last.Findings), func(x audit.Finding) bool {
		return slices.ContainsFunc(anew, func(kind string) bool { return strings.HasPrefix(x.Kind, kind) })
	})
	f.Findings = add(f.Findings, theirs, func(a, b audit.Finding) bool { return a.FindingID == b.FindingID })
	f.Summary, f.Starts = slices.Clone(last.Summary), slices.Clone(last.Starts)
	f.Exceptions = add(f.Exceptions, last.Exceptions, func(a, b audit.Exception) bool {
		return a.Silo == b.Silo && a.Source == b.Source && a.Object == b.Object && a.Code == b.Code
	})
	f.Approvals = add(f.Approvals, last.Approvals, func(a, b audit.Approval) bool {
		return a.Seq == b.Seq && a.PlanID == b.PlanID && a.StandingOrder == b.StandingOrder
	})
	if len(f.Remnants) == 0 {
		f.Remnants = slices.Clone(last.Remnants)
	}
	for _, was := range last.Backups {
		i := slices.IndexFunc(f.Backups, func(r audit.Backup) bool { return r.Source == was.Source })
		switch {
		case i < 0:
			f.Backups = append(f.Backups, was)
		case f.Backups[i].Status != "rewritten":
			status := f.Backups[i].Status
			f.Backups[i] = was
			f.Backups[i].Status = status
		default:
			f.Backups[i].Strategy, f.Backups[i].Why = was.Strategy, was.Why
		}
	}
	slices.SortStableFunc(f.Backups, func(a, b audit.Backup) int { return strings.Compare(a.Source, b.Source) })
}

// ofFew lets a run that looked at a few rows alone, those of one person or those that a copy brought back, say no less
// of a table than the night said that looked at all of it.
func ofFew(f, last *audit.Facts) {
	for i := range f.Exceptions {
		e := &f.Exceptions[i]
		for _, was := range last.Exceptions {
			if e.Silo == was.Silo && e.Source == was.Source && e.Object == was.Object && e.Code == was.Code {
				e.Count, e.People = max(e.Count, was.Count), max(e.People, was.People)
			}
		}
	}
	for i := range f.Findings {
		for _, was := range last.Findings {
			if f.Findings[i].FindingID == was.FindingID {
				f.Findings[i].Count = max(f.Findings[i].Count, was.Count)
			}
		}
	}
}

// goesOn reports whether the run only applies what a night decided.
func (b *Book) goesOn() bool {
	phases := b.Tonight.Phases
	goesOn := phases == setup.ApplyOnly || phases == setup.ReapplyOnly || phases == setup.FulfilOnly
	return goesOn && b.Notes.Newest != nil
}

// add appends the rows of a night that the run has not.
func add[T any](ours, theirs []T, same func(a, b T) bool) []T {
	own := ours[:len(ours):len(ours)] // several rows of the night may be alike: all of them are added
	for _, t := range theirs {
		if !slices.ContainsFunc(own, func(o T) bool { return same(o, t) }) {
			ours = append(ours, t)
		}
	}
	return ours
}
