package cases

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/seal"
)

// The term of a request: it rests while the controller checks who asks, and may be extended once (GDPR Art.
// 12(3), (6)). Each step is an event of the silo's chain, with the day by which the answer is due from then
// on.

// ExtensionReasons are why the term of a request may be extended by two months: Art. 12(3) knows no others.
var ExtensionReasons = []string{"complexity", "number"}

// Deadline is the first instant after the last day for the answer; zero while the term rests.
func (q Request) Deadline() time.Time {
	switch {
	case !q.PausedAt.IsZero():
		return time.Time{}
	case !q.ExtendedTo.IsZero():
		return q.ExtendedTo
	}
	return q.Due
}

// Rested is for how long the term of a request has rested at an instant, and until it was closed at most.
func (q Request) Rested(at time.Time) time.Duration {
	if !q.Closed.IsZero() && q.Closed.Before(at) {
		at = q.Closed
	}
	if q.PausedAt.IsZero() || !q.PausedAt.Before(at) {
		return q.Paused
	}
	return q.Paused + at.Sub(q.PausedAt)
}

// scanRequest is a row of the table request.
func scanRequest(row database.Row) Request {
	at := func(column int) time.Time { return event.Instant(row.ColumnInt64(column)) }
	text := func(column int) string { return string(row.ColumnRawText(column)) }
	return Request{ID: text(0), Kind: text(1), Received: at(2), Due: at(3), ExtendedTo: at(4), ExtendedOn: at(5),
		Because: text(6), PausedAt: at(7), Paused: time.Duration(row.ColumnInt64(8)) * time.Microsecond, Closed: at(9),
		Outcome: text(10), Exception: text(11)}
}

// PauseRequest lets the term of an open request rest from now on, because the person was asked to show who
// they are (Art. 12(6)). A term that is over cannot rest any more. Until ResumeRequest a request for access
// protects the data however long it takes.
func (c *Cases) PauseRequest(ctx context.Context, silo, request string) error {
	return c.changeTerm(ctx, "pause", silo, request, func(q *Request, now time.Time) (event.Event, error) {
		switch {
		case !q.PausedAt.IsZero():
			return event.Event{}, errors.New("its term rests already")
		case !q.Deadline().After(now):
			return event.Event{}, errors.New("its term is over, and what is late stays late: answer it")
		}
		q.PausedAt = now
		return event.Event{Type: event.RequestPaused, OccurredAt: now}, nil
	})
}

// ResumeRequest lets the term of a request run again from the instant at which the person had shown who
// they are. ends says when a term ends that rested for as long as the request it is given; months is 1, or
// 3 of one that was extended.
func (c *Cases) ResumeRequest(ctx context.Context, silo, request string, at time.Time,
	ends func(q Request, months int) time.Time) error {
	return c.changeTerm(ctx, "resume", silo, request, func(q *Request, now time.Time) (event.Event, error) {
		switch {
		case q.PausedAt.IsZero():
			return event.Event{}, errors.New("its term does not rest")
		case at.Before(q.PausedAt) || at.After(now):
			return event.Event{}, errors.New("its term can go on no earlier than it was paused, and no later than now")
		}
		q.Paused, q.PausedAt = q.Paused+at.Sub(q.PausedAt), time.Time{}
		q.Due = ends(*q, 1)
		if !q.ExtendedTo.IsZero() {
			q.ExtendedTo = ends(*q, 3)
		}
		return event.Event{Type: event.RequestResumed, OccurredAt: at,
			Details: event.Details{Due: event.Micros(q.Deadline())}}, nil
	})
}

// ExtendRequest extends the term of an open request to three months, once (Art. 12(3)): told is when the
// person was told so, with the reasons, which has to be within the first month; because is one of
// ExtensionReasons. ends is that of ResumeRequest.
func (c *Cases) ExtendRequest(ctx context.Context, silo, request, because string, told time.Time,
	ends func(q Request, months int) time.Time) error {
	return c.changeTerm(ctx, "extend", silo, request, func(q *Request, now time.Time) (event.Event, error) {
		switch {
		case !slices.Contains(ExtensionReasons, because):
			return event.Event{}, fmt.Errorf("say why: %s (Art. 12(3))", strings.Join(ExtensionReasons, " or "))
		case !q.ExtendedTo.IsZero():
			return event.Event{}, errors.New("its term was extended before, which can be done once (Art. 12(3))")
		case told.Before(q.Received) || told.After(now):
			return event.Event{}, errors.New("the person was told no earlier than the request came, and no later " +
				"than now")
		case q.PausedAt.IsZero() && !told.Before(q.Due):
			return event.Event{}, errors.New("the person has to be told within the first month, with the reasons " +
				"(Art. 12(3)): it is over, so answer it")
		}
		q.ExtendedTo, q.ExtendedOn, q.Because = ends(*q, 3), told, because
		return event.Event{Type: event.RequestExtended, OccurredAt: told,
			Details: event.Details{Due: event.Micros(q.Deadline()), Because: because}}, nil
	})
}

// changeTerm changes an open request and appends the event that says so. The error of change is what the
// person who asked for it did wrong.
func (c *Cases) changeTerm(ctx context.Context, verb, silo, request string,
	change func(q *Request, now time.Time) (event.Event, error)) error {
	return c.store.Write(ctx, fmt.Sprintf("%s request %s in silo %q", verb, request, silo),
		func(tx *database.Txn) error {
			w, err := c.store.Writer(ctx, tx, silo)
			if err != nil {
				return err
			}
			q, err := requestOf(ctx, w, request)
			if err != nil {
				return err
			}
			if q.ID == "" || !q.Closed.IsZero() {
				return fmt.Errorf("%w: there is no such open request", event.ErrRefused)
			}
			e, err := change(&q, event.Instant(w.Now))
			if err != nil {
				return fmt.Errorf("%w: %w", event.ErrRefused, err)
			}
			at := w.Silo.Book.Place(seal.Request, request)
			if err := changeRow(ctx, w, seal.Request, "there is no such open request",
				`UPDATE request SET due_at = ?, extended_to = ?, extended_on = ?, because = ?,
				paused_at = ?, paused = ? WHERE silo = ? AND request = ?`,
				at.Veil("due_at", event.Micros(q.Due)), at.Veil("extended_to", event.Micros(q.ExtendedTo)),
				at.Veil("extended_on", event.Micros(q.ExtendedOn)), q.Because,
				at.Veil("paused_at", event.Micros(q.PausedAt)), at.Veil("paused", q.Paused.Microseconds()),
				w.Silo.ID, request); err != nil {
				return err
			}
			collections, err := w.Concerned(ctx, event.RequestOpened,
				func(d event.Details) bool { return d.Request == request })
			if err != nil {
				return err
			}
			e.EffectiveFrom, e.Details.Request, e.Details.Kind = e.OccurredAt, q.ID, q.Kind
			return w.OwnEvent(ctx, e, collections)
		})
}
