// Package duties says what people owe and in what they are late: answers to requests, approvals and
// reviews of legal holds.
//
//   - Duty is one thing that is late; Late lists them at an instant, LateNow as of now for somebody who asks.
//   - HoldSigned lets people sign what they do with a hold, before it is done.
//   - Book puts what is late, and the requests and holds as they stand, into a night's report.
package duties

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry"
	"lethe/pipeline/setup"
)

// Duty is something that people owe and that is late: the answer to a request, the approval or the review
// of a legal hold.
type Duty struct {
	// Kind is F_REQUEST_OVERDUE, F_REQUEST_PAUSED, F_HOLD_UNAPPROVED or F_HOLD_REVIEW, as in the report's
	// findings.
	Kind string    `json:"kind"`
	Silo string    `json:"silo"`
	ID   string    `json:"id"`  // of the request or hold
	Due  time.Time `json:"due"` // the first instant at which it was late
	Days int64     `json:"days"`
}

// dutyWords says what is late, and what to do about it.
var dutyWords = map[string]struct{ severity, article, words string }{
	"F_REQUEST_OVERDUE": {"high", "Art. 12(3)",
		"requests of people were not answered in time: answer them, and close them with lethe request close"},
	"F_REQUEST_PAUSED": {"medium", "Art. 12(2), 12(6)",
		"requests of people are paused for a month or more: ask again who they are, or refuse with " +
			"lethe request close --exception '12(2)'"},
	"F_HOLD_UNAPPROVED": {"medium", "Art. 17(3)(e)",
		"legal holds were placed and a second person did not approve them: look at them with lethe hold list"},
	"F_HOLD_REVIEW": {"medium", "Art. 17(3)(e)",
		"legal holds are past the day of their review: release them, or say until when they are needed"},
}

// Late lists what is late at an instant in the silos of the configuration, the latest first.
func Late(ctx context.Context, p *setup.Setup, r *registry.Registry, at time.Time) ([]Duty, error) {
	var late []Duty
	today := calendar.DateOf(at, p.Zone)
	add := func(kind, silo, id string, due time.Time) {
		if due.IsZero() || due.After(at) {
			return
		}
		days := int64(today - calendar.DateOf(due, p.Zone) + 1)
		late = append(late, Duty{Kind: kind, Silo: silo, ID: id, Due: due, Days: days})
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
				month := calendar.EndOf(calendar.DateOf(q.PausedAt, p.Zone), calendar.Period{Months: 1})
				add("F_REQUEST_PAUSED", name, q.ID, (month + 1).Start(p.Zone))
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
	slices.SortStableFunc(late, func(a, b Duty) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), a.Due.Compare(b.Due))
	})
	return late, nil
}

// LateNow asks the registry what is late. One that is not there yet, or does not answer, has
// nothing to say; the second says so.
func LateNow(ctx context.Context, p *setup.Setup) (late []Duty, problem string) {
	config := p.Registry
	config.ReadOnly, config.AllowEmpty = true, true
	r, err := registry.Open(ctx, config)
	if err == nil {
		late, err = Late(ctx, p, r, p.Now())
		err = errors.Join(err, r.Close())
	}
	if err != nil && !errors.Is(err, registry.ErrMissing) {
		return nil, err.Error()
	}
	return late, ""
}
