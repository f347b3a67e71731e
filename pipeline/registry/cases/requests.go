package cases

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"time"

	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/seal"
)

// Request is a person's request in one silo.
type Request struct {
	ID        string
	Kind      string // one of the Request kinds
	Received  time.Time
	Due       time.Time // the end of the first month, later by what it was paused
	Closed    time.Time // zero: open
	Outcome   string
	Exception string // the exception invoked, such as 17(3)(e)

	ExtendedTo time.Time     // the end of the extended term (Art. 12(3)); zero: it was not extended
	ExtendedOn time.Time     // when the person was told of it
	Because    string        // and why: one of ExtensionReasons
	PausedAt   time.Time     // since when the term rests; zero: it runs, or ran when the request was closed
	Paused     time.Duration // for how long it rested before

	// Of an objection or a withdrawal that is opened: the purpose it is about, "" for all, and whether it
	// is direct marketing (Art. 21(2)).
	Purpose   string
	Marketing bool
}

// The kinds of request.
const (
	RequestAccess        = "access"
	RequestRectification = "rectification"
	RequestErasure       = "erasure"
	RequestRestriction   = "restriction"
	RequestPortability   = "portability"
	RequestObjection     = "objection"
	RequestWithdrawal    = "withdrawal"
)

// The outcomes of a request. What was refused needs the exception that allows it.
const (
	OutcomeCompleted     = "completed"
	OutcomePartlyRefused = "partly_refused"
	OutcomeRefused       = "refused"
)

// requestEvents are the events by which an opened request takes effect at once, beside request_opened.
var requestEvents = map[string][]event.Type{
	RequestAccess: nil, RequestRectification: nil, RequestPortability: nil,
	RequestErasure:     {event.ErasureRequested},
	RequestRestriction: {event.Restricted},
	RequestObjection:   {event.Objected},
	RequestWithdrawal:  {event.Withdrawn},
}

// closingEvents are the events by which the outcome of a request takes effect, beside request_closed. A
// request for erasure is consumed when it closes; that it was a withdrawal of every earlier consent stays
// true, so the withdrawal is recorded in its place, as of the day it was received. A restriction is lifted
// by an event of its own, after the person was told (Art. 18(3)).
var closingEvents = map[[2]string]event.Type{
	{RequestErasure, OutcomeCompleted}:       event.Withdrawn,
	{RequestErasure, OutcomePartlyRefused}:   event.Withdrawn,
	{RequestErasure, OutcomeRefused}:         event.ErasureRefused,
	{RequestObjection, OutcomeCompleted}:     event.ObjectionUpheld,
	{RequestObjection, OutcomeRefused}:       event.ObjectionOverridden,
	{RequestRectification, OutcomeCompleted}: event.Rectified,
}

// OpenRequest records a request about the collections of one person.
func (c *Cases) OpenRequest(ctx context.Context, silo string, q Request, collections ...int32) error {
	what := fmt.Sprintf("open request %s in silo %q", q.ID, silo)
	effects, known := requestEvents[q.Kind]
	if !known || q.ID == "" || q.Received.IsZero() || len(collections) == 0 {
		return fmt.Errorf("%s: give it a name, a kind (access, rectification, erasure, restriction, portability, "+
			"objection, withdrawal), when it was received and whose it is: %w", what, event.ErrRefused)
	}
	return c.store.Write(ctx, what, func(tx *database.Txn) error {
		w, err := c.store.Writer(ctx, tx, silo)
		if err != nil {
			return err
		}
		veil := w.Silo.Book.Place(seal.Request, q.ID).Veil
		if err := changeRow(ctx, w, seal.Request, "a request of this name was opened before; choose another name",
			`INSERT INTO request (silo, request, kind, received_at, due_at, extended_to,
			extended_on, because, paused_at, paused, closed_at, outcome, exception)
			VALUES (?, ?, ?, ?, ?, 0, 0, '', 0, 0, 0, '', '')`+
				tx.Ignoring("silo, request"), w.Silo.ID, q.ID, q.Kind,
			veil("received_at", event.Micros(q.Received)), veil("due_at", event.Micros(q.Due))); err != nil {
			return err
		}
		d := event.Details{Request: q.ID, Kind: q.Kind, Due: event.Micros(q.Due)}
		if err := w.Own(ctx, event.RequestOpened, q.Received, d, collections); err != nil {
			return err
		}
		for _, typ := range effects {
			e := event.Event{Type: typ, OccurredAt: q.Received, EffectiveFrom: q.Received, Details: d}
			if typ.Kind().Purpose != event.WithoutPurpose {
				e.Purpose, e.Marketing = q.Purpose, q.Marketing
			}
			if err := w.OwnEvent(ctx, e, collections); err != nil {
				return err
			}
		}
		return nil
	})
}

// CheckOutcome refuses an outcome that is none, and one that goes with no such exception.
func CheckOutcome(outcome, exception string) error {
	switch {
	case outcome != OutcomeCompleted && outcome != OutcomePartlyRefused && outcome != OutcomeRefused:
		return fmt.Errorf("the outcome is completed, partly_refused or refused: %w", event.ErrRefused)
	case (outcome == OutcomeCompleted) != (exception == ""):
		return fmt.Errorf("name the exception that allows to refuse, such as 17(3)(e), and only then: %w",
			event.ErrRefused)
	}
	return nil
}

// CloseRequest closes a request with one of the outcomes, and the exception invoked where it was refused or
// partly refused. What that means for the person's data is recorded with it. An erasure cannot be completed
// while a legal hold keeps the data.
func (c *Cases) CloseRequest(ctx context.Context, silo, request, outcome, exception string) error {
	what := fmt.Sprintf("close request %s in silo %q", request, silo)
	if err := CheckOutcome(outcome, exception); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return c.store.Write(ctx, what, func(tx *database.Txn) error {
		w, err := c.store.Writer(ctx, tx, silo)
		if err != nil {
			return err
		}
		if err := changeRow(ctx, w, seal.Request, "there is no such open request",
			`UPDATE request SET closed_at = ?, outcome = ?, exception = ? WHERE silo = ?
			AND request = ? AND closed_at = 0`, w.Silo.Book.Place(seal.Request, request).Veil("closed_at", w.Now),
			outcome, exception, w.Silo.ID, request); err != nil {
			return err
		}
		closed, err := requestOf(ctx, w, request)
		if err != nil {
			return err
		}
		kind, received := closed.Kind, closed.Received
		collections, err := w.Concerned(ctx, event.RequestOpened,
			func(d event.Details) bool { return d.Request == request })
		if err != nil {
			return err
		}
		if kind == RequestErasure && outcome == OutcomeCompleted {
			if kept, err := held(ctx, w, collections); err != nil || kept {
				return cmp.Or(err, fmt.Errorf("%w: a legal hold keeps the data: close it as partly_refused, with "+
					"the exception 17(3)(e), and tell the person", event.ErrRefused))
			}
		}
		d := event.Details{Request: request, Kind: kind}
		if typ, ok := closingEvents[[2]string{kind, outcome}]; ok {
			at := event.Instant(w.Now)
			if typ == event.Withdrawn {
				at = received
			}
			e := event.Event{Type: typ, OccurredAt: at, EffectiveFrom: at, Details: d}
			if typ.Kind().Purpose != event.WithoutPurpose && kind == RequestObjection {
				if e.Purpose, err = objectedTo(ctx, w, request); err != nil {
					return err
				}
			}
			if err := w.OwnEvent(ctx, e, collections); err != nil {
				return err
			}
		}
		return w.Own(ctx, event.RequestClosed, event.Instant(w.Now), d, collections)
	})
}

// objectedTo is the purpose of the objection that a request brought, "" for all.
func objectedTo(ctx context.Context, w *chain.Writer, request string) (purpose string, err error) {
	err = w.Facts(ctx, event.Objected, func(f *seal.Fact, d event.Details) {
		if d.Request == request {
			purpose = string(f.Purpose)
		}
	})
	return purpose, err
}

// Requests lists a silo's requests by name.
func (c *Cases) Requests(ctx context.Context, silo string) ([]Request, error) {
	var requests []Request
	err := c.store.Each(ctx, silo, seal.Request, func(row database.Row) error {
		requests = append(requests, scanRequest(row))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read requests of silo %q: %w", silo, err)
	}
	return requests, nil
}

// EachRequest calls do with a silo's requests within a transaction, by name.
func EachRequest(ctx context.Context, tx *database.Txn, book *seal.Book, do func(Request) error) error {
	return book.Each(ctx, tx, seal.Request, func(row database.Row) error { return do(scanRequest(row)) })
}

// requestOf finds a request of the writer's silo; its ID is "" where there is none.
func requestOf(ctx context.Context, w *chain.Writer, id string) (found Request, err error) {
	err = EachRequest(ctx, w.Tx, w.Silo.Book, func(q Request) error {
		if q.ID == id {
			found = q
		}
		return nil
	})
	return found, err
}

// one turns a statement that changed nothing into a refusal with a hint.
func one(result sql.Result, err error, hint string) error {
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err == nil && n == 0 {
		err = fmt.Errorf("%w: %s", event.ErrRefused, hint)
	}
	return err
}
