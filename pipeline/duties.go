package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/audit"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry"
)

// Duty is something that people owe and that is late: the answer to a request, the approval or the review of a legal hold.
type Duty struct {
	Kind string    `json:"kind"` // F_REQUEST_OVERDUE, F_REQUEST_PAUSED, F_HOLD_UNAPPROVED or F_HOLD_REVIEW, as the report's findings have it
	Silo string    `json:"silo"`
	ID   string    `json:"id"`  // of the request or hold
	Due  time.Time `json:"due"` // the first instant at which it was late
	Days int64     `json:"days"`
}

// dutyWords says what is late, and what to do about it.
var dutyWords = map[string]struct{ severity, article, words string }{
	"F_REQUEST_OVERDUE": {"high", "Art. 12(3)", "requests of people were not answered in time: answer them, and close them with lethe request close"},
	"F_REQUEST_PAUSED":  {"medium", "Art. 12(2), 12(6)", "requests of people are paused for a month or more: ask again who they are, or refuse with lethe request close --exception '12(2)'"},
	"F_HOLD_UNAPPROVED": {"medium", "Art. 17(3)(e)", "legal holds were placed and a second person did not approve them: look at them with lethe hold list"},
	"F_HOLD_REVIEW":     {"medium", "Art. 17(3)(e)", "legal holds are past the day of their review: release them, or say until when they are needed"},
}

// duties lists what is late at an instant in the silos of the configuration, the latest first.
func (p *Pipeline) duties(ctx context.Context, r *registry.Registry, at time.Time) ([]Duty, error) {
	var late []Duty
	today := calendar.DateOf(at, p.Zone)
	add := func(kind, silo, id string, due time.Time) {
		if !due.IsZero() && !due.After(at) {
			late = append(late, Duty{Kind: kind, Silo: silo, ID: id, Due: due, Days: int64(today - calendar.DateOf(due, p.Zone) + 1)})
		}
	}
	for _, s := range p.Silos {
		name := s.Silo.Name
		requests, err := r.Requests(ctx, name)
		if err != nil {
			return nil, err
		}
		for _, q := range requests {
			if q.Closed.IsZero() {
				add("F_REQUEST_OVERDUE", name, q.ID, q.Deadline())
			}
			if q.Closed.IsZero() && !q.PausedAt.IsZero() {
				add("F_REQUEST_PAUSED", name, q.ID, (calendar.EndOf(calendar.DateOf(q.PausedAt, p.Zone), calendar.Period{Months: 1}) + 1).Start(p.Zone))
			}
		}
		holds, err := r.Holds(ctx, name)
		if err != nil {
			return nil, err
		}
		for _, h := range holds {
			if !h.ReleasedAt.IsZero() {
				continue
			}
			if h.ApprovedBy == "" {
				add("F_HOLD_UNAPPROVED", name, h.ID, (calendar.DateOf(h.PlacedAt, p.Zone) + 1).Start(p.Zone))
			}
			add("F_HOLD_REVIEW", name, h.ID, h.ReviewBy)
		}
	}
	slices.SortStableFunc(late, func(a, b Duty) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), a.Due.Compare(b.Due)) })
	return late, nil
}

// owed puts what is late into the report: one finding for each kind and silo.
func (n *night) owed(ctx context.Context) error {
	if n.registry == nil {
		return nil
	}
	late, err := n.duties(ctx, n.registry, n.asOf)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRegistry, err)
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
			found = append(found, audit.Finding{Kind: d.Kind, Severity: w.severity, Source: "registry", Object: d.Silo, Article: w.article,
				Words: fmt.Sprintf("In silo %s %s. The oldest is late since %s, for %d days.", d.Silo, w.words, calendar.DateOf(d.Due, n.Zone), d.Days)})
		}
		found[i].Count++
	}
	for _, f := range found {
		n.find(f)
	}
	return n.bookRequests(ctx)
}

// keptYears is for how long a request that was closed, or a hold that was released, stands in the reports.
const keptYears = 1

// bookRequests puts the requests and the holds of the silos into the report.
func (n *night) bookRequests(ctx context.Context) error {
	since := n.asOf.AddDate(-keptYears, 0, 0)
	lastDay := func(end time.Time) string { return calendar.DateOf(end.Add(-time.Second), n.Zone).String() }
	for _, s := range n.Silos {
		name := s.Silo.Name
		requests, err := n.registry.Requests(ctx, name)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrRegistry, err)
		}
		for _, q := range requests {
			if !q.Closed.IsZero() && q.Closed.Before(since) {
				continue
			}
			r := audit.Request{Silo: name, RequestID: q.ID, Kind: q.Kind, ReceivedAt: q.Received, DueOn: lastDay(q.Due), ToldAt: q.ExtendedOn, Because: q.Because,
				PausedHours: q.Rested(n.asOf).Hours(), Status: "open", ClosedAt: q.Closed, Outcome: q.Outcome, Exception: q.Exception}
			if !q.ExtendedTo.IsZero() {
				r.ExtendedTo = lastDay(q.ExtendedTo)
			}
			until := n.asOf
			if !q.Closed.IsZero() {
				until = q.Closed
			}
			if end := q.Deadline(); !end.IsZero() && !end.After(until) {
				r.Status, r.OverdueDays = "overdue", int64(calendar.DateOf(until, n.Zone)-calendar.DateOf(end, n.Zone)+1)
			}
			switch {
			case !q.Closed.IsZero():
				r.Status = "closed"
			case !q.PausedAt.IsZero():
				r.Status = "paused"
			}
			n.facts.Requests = append(n.facts.Requests, r)
		}
		holds, err := n.registry.Holds(ctx, name)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrRegistry, err)
		}
		for _, h := range holds {
			if !h.ReleasedAt.IsZero() && h.ReleasedAt.Before(since) {
				continue
			}
			b := audit.Hold{Silo: name, HoldID: h.ID, PlacedBy: h.PlacedBy, PlacedAt: h.PlacedAt, ApprovedBy: h.ApprovedBy, ReviewBy: calendar.DateOf(h.ReviewBy, n.Zone).String(), Status: "in_force",
				ReleasedAt: h.ReleasedAt, ReleasedBy: strings.Trim(h.ReleasedBy+";"+h.ReleaseApprovedBy, ";")}
			switch {
			case !h.ReleasedAt.IsZero():
				b.Status = "released"
			case h.ApprovedBy == "":
				b.Status = "unapproved"
			case !h.ReviewBy.After(n.asOf):
				b.Status = "review_due"
			}
			n.facts.Holds = append(n.facts.Holds, b)
		}
	}
	return nil
}

// lateNow asks the registry what is late. One that is not there yet, or does not answer, has nothing to say; the second says so.
func (p *Pipeline) lateNow(ctx context.Context) (late []Duty, problem string) {
	config := p.Registry
	config.ReadOnly, config.AllowEmpty = true, true
	r, err := registry.Open(ctx, config)
	if err == nil {
		late, err = p.duties(ctx, r, p.Now())
		err = errors.Join(err, r.Close())
	}
	if err != nil && !errors.Is(err, registry.ErrMissing) {
		return nil, err.Error()
	}
	return late, ""
}
