package registry

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"
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

	// Of an objection or a withdrawal that is opened: the purpose it is about, "" for all, and whether it is direct marketing (Art. 21(2)).
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
var requestEvents = map[string][]EventType{
	RequestAccess: nil, RequestRectification: nil, RequestPortability: nil,
	RequestErasure:     {ErasureRequested},
	RequestRestriction: {Restricted},
	RequestObjection:   {Objected},
	RequestWithdrawal:  {Withdrawn},
}

// closingEvents are the events by which the outcome of a request takes effect, beside request_closed. A request for erasure is consumed when it closes;
// that it was a withdrawal of every earlier consent stays true, so the withdrawal is recorded in its place, as of the day it was received. A
// restriction is lifted by an event of its own, after the person was told (Art. 18(3)).
var closingEvents = map[[2]string]EventType{
	{RequestErasure, OutcomeCompleted}:       Withdrawn,
	{RequestErasure, OutcomePartlyRefused}:   Withdrawn,
	{RequestErasure, OutcomeRefused}:         ErasureRefused,
	{RequestObjection, OutcomeCompleted}:     ObjectionUpheld,
	{RequestObjection, OutcomeRefused}:       ObjectionOverridden,
	{RequestRectification, OutcomeCompleted}: Rectified,
}

// OpenRequest records a request about the collections of one person.
func (c *Cases) OpenRequest(ctx context.Context, silo string, q Request, collections ...int32) error {
	what := fmt.Sprintf("open request %s in silo %q", q.ID, silo)
	effects, known := requestEvents[q.Kind]
	if !known || q.ID == "" || q.Received.IsZero() || len(collections) == 0 {
		return fmt.Errorf("%s: give it a name, a kind (access, rectification, erasure, restriction, portability, objection, withdrawal), when it was received and whose it is: %w", what, ErrRefused)
	}
	return c.store.write(ctx, what, func(tx *txn) error {
		w, err := c.store.writer(ctx, tx, silo)
		if err != nil {
			return err
		}
		result, err := tx.exec(ctx, `INSERT INTO request (silo, request, kind, received_at, due_at, extended_to, extended_on, because, paused_at, paused, closed_at, outcome, exception)
			VALUES (?, ?, ?, ?, ?, 0, 0, '', 0, 0, 0, '', '')`+
			tx.ignoring("silo, request"), w.silo.id, q.ID, q.Kind, micros(q.Received), micros(q.Due))
		if err := one(result, err, "a request of this name was opened before; choose another name"); err != nil {
			return err
		}
		d := details{Request: q.ID, Kind: q.Kind, Due: micros(q.Due)}
		if err := w.system(ctx, RequestOpened, q.Received, d, collections); err != nil {
			return err
		}
		for _, typ := range effects {
			e := Event{Type: typ, OccurredAt: q.Received, EffectiveFrom: q.Received, details: d}
			if typ.kind().purpose != noPurpose {
				e.Purpose, e.Marketing = q.Purpose, q.Marketing
			}
			if err := w.systemEvent(ctx, e, collections); err != nil {
				return err
			}
		}
		return nil
	})
}

// CloseRequest closes a request with one of the outcomes, and the exception invoked where it was refused or partly refused. What that means for the
// person's data is recorded with it. An erasure cannot be completed while a legal hold keeps the data.
func (c *Cases) CloseRequest(ctx context.Context, silo, request, outcome, exception string) error {
	what := fmt.Sprintf("close request %s in silo %q", request, silo)
	switch {
	case outcome != OutcomeCompleted && outcome != OutcomePartlyRefused && outcome != OutcomeRefused:
		return fmt.Errorf("%s: the outcome is completed, partly_refused or refused: %w", what, ErrRefused)
	case (outcome == OutcomeCompleted) != (exception == ""):
		return fmt.Errorf("%s: name the exception that allows to refuse, such as 17(3)(e), and only then: %w", what, ErrRefused)
	}
	return c.store.write(ctx, what, func(tx *txn) error {
		w, err := c.store.writer(ctx, tx, silo)
		if err != nil {
			return err
		}
		result, err := tx.exec(ctx, `UPDATE request SET closed_at = ?, outcome = ?, exception = ? WHERE silo = ? AND request = ? AND closed_at = 0`,
			w.now, outcome, exception, w.silo.id, request)
		if err := one(result, err, "there is no such open request"); err != nil {
			return err
		}
		var kind string
		var received int64
		if err := tx.row(ctx, `SELECT kind, received_at FROM request WHERE silo = ? AND request = ?`, w.silo.id, request).Scan(&kind, &received); err != nil {
			return err
		}
		collections, err := w.concerned(ctx, RequestOpened, func(d details) bool { return d.Request == request })
		if err != nil {
			return err
		}
		if kind == RequestErasure && outcome == OutcomeCompleted {
			if held, err := w.held(ctx, collections); err != nil || held {
				return cmp.Or(err, fmt.Errorf("%w: a legal hold keeps the data: close it as partly_refused, with the exception 17(3)(e), and tell the person", ErrRefused))
			}
		}
		d := details{Request: request, Kind: kind}
		if typ, ok := closingEvents[[2]string{kind, outcome}]; ok {
			at := instant(w.now)
			if typ == Withdrawn {
				at = instant(received)
			}
			e := Event{Type: typ, OccurredAt: at, EffectiveFrom: at, details: d}
			if typ.kind().purpose != noPurpose && kind == RequestObjection {
				if e.Purpose, err = w.objectedTo(ctx, request); err != nil {
					return err
				}
			}
			if err := w.systemEvent(ctx, e, collections); err != nil {
				return err
			}
		}
		return w.system(ctx, RequestClosed, instant(w.now), d, collections)
	})
}

// objectedTo is the purpose of the objection that a request brought, "" for all.
func (w *writer) objectedTo(ctx context.Context, request string) (purpose string, err error) {
	err = w.tx.scanned(ctx, `SELECT e.purpose, p.details FROM event e JOIN event_payload p ON p.silo = e.silo AND p.seq = e.seq WHERE e.silo = ? AND e.type = ?`, func(row row) error {
		d, err := decodeDetails(row.ColumnRawText(1))
		if d.Request == request {
			purpose = string(row.ColumnRawText(0))
		}
		return err
	}, w.silo.id, string(Objected))
	return purpose, err
}

// held says whether a legal hold in force reaches one of the collections.
func (w *writer) held(ctx context.Context, collections []int32) (bool, error) {
	inForce := map[string]bool{}
	err := w.tx.each(ctx, `SELECT hold FROM legal_hold WHERE silo = ? AND released_at = 0`, func(row row) error {
		inForce[string(row.ColumnRawText(0))] = true
		return nil
	}, w.silo.id)
	if err != nil || len(inForce) == 0 {
		return false, err
	}
	held, err := w.concerned(ctx, HoldPlaced, func(d details) bool { return inForce[d.Hold] })
	return slices.ContainsFunc(held, func(c int32) bool { return c == 0 || slices.Contains(collections, c) }), err
}

// Requests lists a silo's requests by name.
func (c *Cases) Requests(ctx context.Context, silo string) ([]Request, error) {
	var requests []Request
	err := c.store.eachOf(ctx, silo, `SELECT `+requestColumns+` FROM request WHERE silo = ? ORDER BY request`, func(rows *sql.Rows) error {
		q, err := scanRequest(rows)
		requests = append(requests, q)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read requests of silo %q: %w", silo, err)
	}
	return requests, nil
}

// one turns a statement that changed nothing into a refusal with a hint.
func one(result sql.Result, err error, hint string) error {
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err == nil && n == 0 {
		err = fmt.Errorf("%w: %s", ErrRefused, hint)
	}
	return err
}

// heldBy lists the collections that a hold was placed on.
func (w *writer) heldBy(ctx context.Context, hold string) ([]int32, error) {
	return w.concerned(ctx, HoldPlaced, func(d details) bool { return d.Hold == hold })
}

// concerned lists the collections of the events of one type whose details fit; [0] for the whole silo.
func (w *writer) concerned(ctx context.Context, typ EventType, fits func(details) bool) ([]int32, error) {
	rows, err := w.tx.query(ctx, `SELECT p.collection, p.details FROM event e JOIN event_payload p ON p.silo = e.silo AND p.seq = e.seq
		WHERE e.silo = ? AND e.type = ? ORDER BY e.seq`, w.silo.id, string(typ))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []int32
	for rows.Next() {
		var collection int32
		var text sql.RawBytes
		if err := rows.Scan(&collection, &text); err != nil {
			return nil, err
		}
		d, err := decodeDetails(text)
		if err != nil {
			return nil, err
		}
		if fits(d) {
			list = append(list, collection)
		}
	}
	return list, rows.Err()
}

// system appends an event of Lethe's own to each of the collections, to the whole silo (collection 0) when there are none, and stores the
// head.
func (w *writer) system(ctx context.Context, typ EventType, at time.Time, d details, collections []int32) error {
	return w.systemEvent(ctx, Event{Type: typ, OccurredAt: at, EffectiveFrom: at, details: d}, collections)
}

// systemEvent is system for an event that says more.
func (w *writer) systemEvent(ctx context.Context, e Event, collections []int32) error {
	e.Source = ownSource
	if len(collections) == 0 {
		collections = []int32{0}
	}
	batch := make([]*pending, 0, len(collections))
	for _, collection := range collections {
		if collection < 0 || int64(collection) > w.collections {
			return fmt.Errorf("%w: the silo has no such collection", ErrRefused)
		}
		p := &pending{Event: e, collections: []int64{int64(collection)}}
		p.own(w.silo.Silo)
		batch = append(batch, p)
	}
	if err := w.append(ctx, batch); err != nil {
		return err
	}
	return w.finish(ctx, false)
}
