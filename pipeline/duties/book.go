package duties

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"lethe/pipeline/answers"
	"lethe/pipeline/audit"
	"lethe/pipeline/audit/receipts"
	"lethe/pipeline/notes"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/cases"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/requests"
	"lethe/pipeline/setup"
)

// Book reports what people owe.
type Book struct {
	Setup   *setup.Setup
	Tonight setup.Tonight
	Notes   *notes.Notes
	Answers *answers.Book // what people answered; nil where the night did not come so far
}

// keptYears is for how long a request that was closed, or a hold that was released, stands in the reports.
const keptYears = 1

// Owed puts what is late into the report: one finding for each kind and silo.
func (ow *Book) Owed(ctx context.Context, r *registry.Registry) error {
	if r == nil {
		return nil
	}
	late, err := Late(ctx, ow.Setup, r, ow.Tonight.AsOf)
	if err != nil {
		return fmt.Errorf("%w: %w", setup.ErrRegistry, err)
	}
	type place struct{ kind, silo string }
	at := map[place]int{}
	var found []audit.Finding
	for _, d := range late {
		k := place{d.Kind, d.Silo}
		i, known := at[k]
		if !known { // the oldest comes first
			i = len(found)
			at[k] = i
			w := dutyWords[d.Kind]
			found = append(found, audit.Finding{Kind: d.Kind, Severity: w.severity, Source: "registry",
				Object: d.Silo, Article: w.article,
				Words: fmt.Sprintf("In silo %s %s. The oldest is late since %s, for %d days.", d.Silo, w.words,
					calendar.DateOf(d.Due, ow.Setup.Zone), d.Days)})
		}
		found[i].Count++
	}
	for _, f := range found {
		ow.Notes.Find(f)
	}
	return ow.bookRequests(ctx, r)
}

// bookRequests puts the requests and the holds of the silos into the report.
func (ow *Book) bookRequests(ctx context.Context, reg *registry.Registry) error {
	since := ow.Tonight.AsOf.AddDate(-keptYears, 0, 0)
	var closed []receipts.Commitment
	over := func(end time.Time) bool { return !end.IsZero() && end.Before(since) }
	for _, s := range ow.Setup.Silos {
		name := s.Silo.Name
		list, err := Asked(ctx, reg, name)
		if err != nil {
			return fmt.Errorf("%w: %w", setup.ErrRegistry, err)
		}
		for i := range list {
			c, ok, err := ow.stated(name, &list[i])
			if err != nil {
				return err
			}
			if ok {
				closed = append(closed, c)
			}
			if !over(list[i].Closed) {
				line := ow.request(name, list[i].Request)
				ow.steps(&line, &list[i])
				ow.Notes.Facts.Requests = append(ow.Notes.Facts.Requests, line)
			}
		}

		holds, err := reg.Holds(ctx, name)
		if err != nil {
			return fmt.Errorf("%w: %w", setup.ErrRegistry, err)
		}
		ow.compareHolds(name, holds)
		for _, h := range holds {
			if !over(h.ReleasedAt) {
				ow.Notes.Facts.Holds = append(ow.Notes.Facts.Holds, ow.hold(name, h))
			}
		}
	}
	return ow.commit(closed)
}

// Asked are the requests of a silo with what was done with each; of a silo whose key is gone, that cannot be read.
func Asked(ctx context.Context, reg *registry.Registry, silo string) ([]cases.Asked, error) {
	list, err := reg.AskedOf(ctx, silo)
	if !errors.Is(err, keystore.ErrMissing) && !errors.Is(err, keystore.ErrDestroyed) {
		return list, err
	}
	bare, err := reg.Requests(ctx, silo)
	for _, q := range bare {
		list = append(list, cases.Asked{Request: q})
	}
	return list, err
}

// steps puts into the line of a request what was done with it, as it was noted last.
func (ow *Book) steps(r *audit.Request, a *cases.Asked) {
	for _, s := range a.Steps {
		on := ow.on(s.At)
		switch s.Name {
		case cases.StepVerified:
			r.VerifiedAt = on
		case cases.StepExported:
			r.HandedAt, r.HandedRows = on, cases.ParseHanded(s.How).Rows
		case cases.StepFulfilled:
			r.FulfilledAt = on
		case cases.StepLooked:
			looked := requests.ParseLooked(s.How)
			r.LookedAt, r.FoundRows, r.CopyRows, r.Kept = on, looked.Found, looked.Copies, looked.Reasons()
		case cases.StepTold:
			r.Letter, _, _ = strings.Cut(s.How, " ")
			r.LetterAt = on
		}
	}
}

// on is the beginning of the day of an instant. Who asks two silos at once, or is held in both, would be known in their
// reports by the instant; terms are counted in days.
func (ow *Book) on(at time.Time) time.Time {
	if at.IsZero() {
		return at
	}
	return calendar.DateOf(at, ow.Setup.Zone).Start(ow.Setup.Zone)
}

// request is the line of a request in the report.
func (ow *Book) request(silo string, q cases.Request) audit.Request {
	r := audit.Request{
		Silo: silo, RequestID: q.ID, Kind: q.Kind, ReceivedAt: ow.on(q.Received), DueOn: ow.lastDay(q.Due),
		ToldAt: ow.on(q.ExtendedOn), Because: q.Because, PausedHours: math.Ceil(q.Rested(ow.Tonight.AsOf).Hours()),
		Status: "open", ClosedAt: ow.on(q.Closed), Outcome: q.Outcome, Exception: q.Exception,
	}
	if !q.ExtendedTo.IsZero() {
		r.ExtendedTo = ow.lastDay(q.ExtendedTo)
	}

	until := ow.Tonight.AsOf
	if !q.Closed.IsZero() {
		until = q.Closed
	}
	if end := q.Deadline(); !end.IsZero() && !end.After(until) {
		r.Status = "overdue"
		r.OverdueDays = int64(calendar.DateOf(until, ow.Setup.Zone) - calendar.DateOf(end, ow.Setup.Zone) + 1)
	}
	switch {
	case !q.Closed.IsZero():
		r.Status = "closed"
	case !q.PausedAt.IsZero():
		r.Status = "paused"
	}
	return r
}

// hold is the line of a legal hold in the report.
func (ow *Book) hold(silo string, h cases.Hold) audit.Hold {
	line := audit.Hold{
		Silo: silo, HoldID: h.ID, PlacedBy: h.PlacedBy, PlacedAt: ow.on(h.PlacedAt), ApprovedBy: h.ApprovedBy,
		ReviewBy: calendar.DateOf(h.ReviewBy, ow.Setup.Zone).String(), Status: "in_force",
		ReleasedAt: ow.on(h.ReleasedAt), ReleasedBy: strings.Trim(h.ReleasedBy+";"+h.ReleaseApprovedBy, ";"),
	}
	switch {
	case !h.ReleasedAt.IsZero():
		line.Status = "released"
	case h.ApprovedBy == "":
		line.Status = "unapproved"
	case !h.ReviewBy.After(ow.Tonight.AsOf):
		line.Status = "review_due"
	}
	return line
}

// lastDay is the last civil day before an end.
func (ow *Book) lastDay(end time.Time) string {
	return calendar.DateOf(end.Add(-time.Second), ow.Setup.Zone).String()
}
