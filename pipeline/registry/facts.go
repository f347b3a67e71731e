package registry

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"lethe/pipeline/registry/keystore"
)

// The rows beside the log: flags, tombstones, record links.

// Flag is the first night that found a record dead for a reason that has no date of its own (decisions.md, 14).
type Flag struct {
	FlagKey
	Since time.Time // the as_of of that night
}

// FlagKey names a flag within its silo.
type FlagKey struct {
	Record Ref // SiloKey.Record of the row
	Reason string
}

// Flags loads a silo's flags.
func (r *Registry) Flags(ctx context.Context, silo string) (map[FlagKey]time.Time, error) {
	flags := map[FlagKey]time.Time{}
	err := r.eachOf(ctx, silo, `SELECT record_ref, reason, since FROM flag WHERE silo = ?`, func(rows *sql.Rows) error {
		var ref sql.RawBytes
		var key FlagKey
		var since int64
		if err := rows.Scan(&ref, &key.Reason, &since); err != nil {
			return err
		}
		copy(key.Record[:], ref)
		flags[key] = instant(since)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read flags of silo %q: %w", silo, err)
	}
	return flags, nil
}

// SetFlags records flags. One that is there already keeps its first night.
func (r *Registry) SetFlags(ctx context.Context, silo string, flags []Flag) error {
	return r.bulkWrite(ctx, silo, "set flags", "flag", "silo, record_ref, reason, since", r.ignoring("silo, record_ref, reason"), len(flags),
		func(silo cell, i int) []cell {
			return []cell{silo, blob(flags[i].Record[:]), text(flags[i].Reason), number(micros(flags[i].Since))}
		})
}

// DropFlags removes the flags whose reason is gone.
func (r *Registry) DropFlags(ctx context.Context, silo string, keys []FlagKey) error {
	return r.eachWrite(ctx, silo, "drop flags", `DELETE FROM flag WHERE silo = ? AND record_ref = ? AND reason = ?`, len(keys),
		func(silo int64, i int) []any { return []any{silo, keys[i].Record[:], keys[i].Reason} })
}

// Tombstone is the keyed trace of an erased or anonymized record, by which a restored backup is erased again. Record binds source, object
// and key; Subject the person, because keys are recycled (decisions.md, 27).
type Tombstone struct {
	Record, Subject Ref
	System, Object  string // the live source and its table
	Action          string // delete, anonymize or clear
	PlanDigest      string
	ErasedAt        time.Time
	DropAfter       time.Time // when the last backup that could hold the record is gone
}

// PutTombstones records tombstones. One of the same record and person is replaced and keeps the later DropAfter.
func (r *Registry) PutTombstones(ctx context.Context, silo string, tombstones []Tombstone) error {
	rows := oneEach(tombstones)
	return r.bulkWrite(ctx, silo, "put tombstones", "tombstone", `silo, record_ref, subject_ref, "system", object, action, plan_digest, erased_at, drop_after`,
		r.replacing("tombstone", "silo, record_ref, subject_ref", "drop_after", "action", "plan_digest", "erased_at"), len(rows),
		func(silo cell, i int) []cell {
			t := &rows[i]
			return []cell{silo, blob(t.Record[:]), blob(t.Subject[:]), text(t.System), text(t.Object), text(t.Action), text(t.PlanDigest), number(micros(t.ErasedAt)), number(micros(t.DropAfter))}
		})
}

// oneEach sorts tombstones and leaves one of each record and person, as if they were put one after the other: one statement may not put two.
func oneEach(tombstones []Tombstone) []Tombstone {
	rows := slices.Clone(tombstones)
	slices.SortStableFunc(rows, func(a, b Tombstone) int {
		return cmp.Or(bytes.Compare(a.Record[:], b.Record[:]), bytes.Compare(a.Subject[:], b.Subject[:]))
	})
	one := rows[:0]
	for _, t := range rows {
		if last := len(one) - 1; last >= 0 && one[last].Record == t.Record && one[last].Subject == t.Subject {
			if one[last].DropAfter.After(t.DropAfter) {
				t.DropAfter = one[last].DropAfter
			}
			one[last] = t
			continue
		}
		one = append(one, t)
	}
	return one
}

// DropTombstones removes those of over, and what linked their records, whose keys are free. Of those of severed it removes the person: what stays says that the record was anonymized, and no
// longer whose it was.
func (r *Registry) DropTombstones(ctx context.Context, silo string, over, severed []Tombstone) error {
	nobodys := slices.Clone(severed)
	for i := range nobodys {
		nobodys[i].Subject = Ref{}
	}
	if err := r.PutTombstones(ctx, silo, nobodys); err != nil {
		return err
	}
	if err := r.eachWrite(ctx, silo, "unlink", `DELETE FROM record_link WHERE silo = ? AND record_ref = ?`, len(over),
		func(silo int64, i int) []any { return []any{silo, over[i].Record[:]} }); err != nil {
		return err
	}
	gone := slices.Concat(over, severed)
	return r.eachWrite(ctx, silo, "drop tombstones", `DELETE FROM tombstone WHERE silo = ? AND record_ref = ? AND subject_ref = ?`, len(gone),
		func(silo int64, i int) []any { return []any{silo, gone[i].Record[:], gone[i].Subject[:]} })
}

// Tombstones are a silo's tombstones, sorted by record and subject.
type Tombstones struct {
	list []Tombstone
}

// Tombstones loads a silo's tombstones.
func (r *Registry) Tombstones(ctx context.Context, silo string) (*Tombstones, error) {
	t := &Tombstones{}
	err := r.eachOf(ctx, silo, `SELECT record_ref, subject_ref, "system", object, action, plan_digest, erased_at, drop_after FROM tombstone
		WHERE silo = ? ORDER BY record_ref, subject_ref`, func(rows *sql.Rows) error {
		var record, subject sql.RawBytes
		var one Tombstone
		var erased, drop int64
		if err := rows.Scan(&record, &subject, &one.System, &one.Object, &one.Action, &one.PlanDigest, &erased, &drop); err != nil {
			return err
		}
		copy(one.Record[:], record)
		copy(one.Subject[:], subject)
		one.ErasedAt, one.DropAfter = instant(erased), instant(drop)
		t.list = append(t.list, one)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read tombstones of silo %q: %w", silo, err)
	}
	return t, nil
}

// Len is their number.
func (t *Tombstones) Len() int { return len(t.list) }

// All returns them, sorted by record and subject. The caller must not change the slice.
func (t *Tombstones) All() []Tombstone { return t.list }

// Find returns the tombstones of a record, one for each person who ever had its key. To erase again, the subject must agree as well; an
// anonymized row (A0) has no identifier left to compare.
func (t *Tombstones) Find(record Ref) []Tombstone {
	from, found := slices.BinarySearchFunc(t.list, record, func(t Tombstone, ref Ref) int { return bytes.Compare(t.Record[:], ref[:]) })
	if !found {
		return nil
	}
	to := from
	for to < len(t.list) && t.list[to].Record == record {
		to++
	}
	return t.list[from:to:to]
}

// Link names a row of a source that a collection is to be tied to.
type Link struct {
	Record         Ref // SiloKey.Record of the row
	System, Object string
}

const linkColumns, linkKey = `silo, record_ref, collection, "system", object, linked_at`, "silo, record_ref, collection"

// eachOf runs a query over one silo's rows; a silo that the registry does not know has none.
func (r *Registry) eachOf(ctx context.Context, silo, query string, each func(*sql.Rows) error) error {
	s, err := siloOf(ctx, r.handle, silo)
	if errors.Is(err, ErrUnknownSilo) {
		return nil
	}
	if err != nil {
		return err
	}
	rows, err := r.query(ctx, query, s.id)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// bulkWrite inserts n rows in one transaction; clash says what becomes of a row whose key is there.
func (r *Registry) bulkWrite(ctx context.Context, silo, what, table, columns, clash string, n int, row func(silo cell, i int) []cell) error {
	if n == 0 {
		return nil
	}
	return r.write(ctx, fmt.Sprintf("%s of silo %q", what, silo), func(tx *txn) error {
		w, err := r.writer(ctx, tx, silo) // a silo may get flags before its first event
		if err != nil {
			return err
		}
		rows := newBulk(tx, table, columns)
		rows.clash = clash
		for i := range n {
			rows.add(row(number(w.silo.id), i)...)
			if i%flushRows == flushRows-1 {
				if err := rows.flush(ctx); err != nil {
					return err
				}
			}
		}
		return rows.flush(ctx)
	})
}

// eachWrite runs one statement n times in one transaction.
func (r *Registry) eachWrite(ctx context.Context, silo, what, statement string, n int, args func(silo int64, i int) []any) error {
	if n == 0 {
		return nil
	}
	return r.write(ctx, fmt.Sprintf("%s of silo %q", what, silo), func(tx *txn) error {
		w, err := r.writer(ctx, tx, silo) // a silo may get flags before its first event
		if err != nil {
			return err
		}
		st, err := tx.prepared(ctx, statement)
		if err != nil {
			return err
		}
		defer st.Close()
		for i := range n {
			if _, err := st.ExecContext(ctx, args(w.silo.id, i)...); err != nil {
				return err
			}
		}
		return nil
	})
}

// Hold is a legal hold. It is in force from the moment it is placed, because doubt keeps; who approves it is another person.
type Hold struct {
	ID         string
	CaseRef    string
	PlacedBy   string
	PlacedAt   time.Time
	ApprovedBy string // "" until ApproveHold
	ReviewBy   time.Time
	ReleasedAt time.Time // zero: in force
	ReleasedBy string

	ReleaseApprovedBy string // the second who released it
}

// PlaceHold places a legal hold on a silo's collections, on all of it when none are named.
func (r *Registry) PlaceHold(ctx context.Context, silo string, h Hold, collections ...int32) error {
	what := fmt.Sprintf("place hold %s on silo %q", h.ID, silo)
	if h.ID == "" || h.PlacedBy == "" || h.CaseRef == "" {
		return fmt.Errorf("%s: name the hold, the case and who places it: %w", what, ErrRefused)
	}
	at := cmp.Or(micros(h.PlacedAt), r.now().UnixMicro())
	return r.write(ctx, what, func(tx *txn) error {
		w, err := r.writer(ctx, tx, silo)
		if err != nil {
			return err
		}
		result, err := tx.exec(ctx, `INSERT INTO legal_hold (silo, hold, case_ref, placed_by, placed_at, approved_by, review_by, released_by,
			release_approved_by, released_at) VALUES (?, ?, ?, ?, ?, '', ?, '', '', 0)`+tx.ignoring("silo, hold"), w.silo.id, h.ID, h.CaseRef, h.PlacedBy, at, micros(h.ReviewBy))
		if err := one(result, err, "a hold of this name was placed before; choose another name"); err != nil {
			return err
		}
		return w.system(ctx, HoldPlaced, instant(at), details{Hold: h.ID, By: h.PlacedBy}, collections)
	})
}

// ApproveHold confirms a hold; by must not be who placed it.
func (r *Registry) ApproveHold(ctx context.Context, silo, hold, by string) error {
	return r.write(ctx, fmt.Sprintf("approve hold %s on silo %q", hold, silo), func(tx *txn) error {
		w, err := r.writer(ctx, tx, silo)
		if err != nil {
			return err
		}
		result, err := tx.exec(ctx, `UPDATE legal_hold SET approved_by = ? WHERE silo = ? AND hold = ? AND approved_by = '' AND placed_by <> ? AND ? <> ''`,
			by, w.silo.id, hold, by, by)
		if err := one(result, err, "there is no such hold to approve, or it was placed by the same person; another one must approve"); err != nil {
			return err
		}
		collections, err := w.heldBy(ctx, hold)
		if err != nil {
			return err
		}
		return w.system(ctx, HoldApproved, instant(w.now), details{Hold: hold, By: by}, collections)
	})
}

// ReleaseHold ends a hold. Two people are needed, because what it protected may be erased the night after.
func (r *Registry) ReleaseHold(ctx context.Context, silo, hold, by, approvedBy string) error {
	what := fmt.Sprintf("release hold %s on silo %q", hold, silo)
	if by == "" || approvedBy == "" || by == approvedBy {
		return fmt.Errorf("%s: two different people must release it: %w", what, ErrRefused)
	}
	return r.write(ctx, what, func(tx *txn) error {
		w, err := r.writer(ctx, tx, silo)
		if err != nil {
			return err
		}
		result, err := tx.exec(ctx, `UPDATE legal_hold SET released_by = ?, release_approved_by = ?, released_at = ? WHERE silo = ? AND hold = ? AND released_at = 0`,
			by, approvedBy, w.now, w.silo.id, hold)
		if err := one(result, err, "there is no such hold in force"); err != nil {
			return err
		}
		collections, err := w.heldBy(ctx, hold)
		if err != nil {
			return err
		}
		return w.system(ctx, HoldReleased, instant(w.now), details{Hold: hold, By: by + ";" + approvedBy}, collections)
	})
}

// Holds lists a silo's holds, the released ones too, by name.
func (r *Registry) Holds(ctx context.Context, silo string) ([]Hold, error) {
	var holds []Hold
	err := r.eachOf(ctx, silo, `SELECT hold, case_ref, placed_by, placed_at, approved_by, review_by, released_by, release_approved_by, released_at FROM legal_hold
		WHERE silo = ? ORDER BY hold`, func(rows *sql.Rows) error {
		var h Hold
		var placed, review, released int64
		if err := rows.Scan(&h.ID, &h.CaseRef, &h.PlacedBy, &placed, &h.ApprovedBy, &review, &h.ReleasedBy, &h.ReleaseApprovedBy, &released); err != nil {
			return err
		}
		h.PlacedAt, h.ReviewBy, h.ReleasedAt = instant(placed), instant(review), instant(released)
		holds = append(holds, h)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read holds of silo %q: %w", silo, err)
	}
	return holds, nil
}

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
func (r *Registry) OpenRequest(ctx context.Context, silo string, q Request, collections ...int32) error {
	what := fmt.Sprintf("open request %s in silo %q", q.ID, silo)
	effects, known := requestEvents[q.Kind]
	if !known || q.ID == "" || q.Received.IsZero() || len(collections) == 0 {
		return fmt.Errorf("%s: give it a name, a kind (access, rectification, erasure, restriction, portability, objection, withdrawal), when it was received and whose it is: %w", what, ErrRefused)
	}
	return r.write(ctx, what, func(tx *txn) error {
		w, err := r.writer(ctx, tx, silo)
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
func (r *Registry) CloseRequest(ctx context.Context, silo, request, outcome, exception string) error {
	what := fmt.Sprintf("close request %s in silo %q", request, silo)
	switch {
	case outcome != OutcomeCompleted && outcome != OutcomePartlyRefused && outcome != OutcomeRefused:
		return fmt.Errorf("%s: the outcome is completed, partly_refused or refused: %w", what, ErrRefused)
	case (outcome == OutcomeCompleted) != (exception == ""):
		return fmt.Errorf("%s: name the exception that allows to refuse, such as 17(3)(e), and only then: %w", what, ErrRefused)
	}
	return r.write(ctx, what, func(tx *txn) error {
		w, err := r.writer(ctx, tx, silo)
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

// CollectionsOf are the collections that a person's identifier leads to in the silo of the key, in order; none where the silo does not know the person.
// country is that of phone numbers without a prefix.
func (r *Registry) CollectionsOf(ctx context.Context, keys *keystore.SiloKey, who Subject, country string) ([]int32, error) {
	what := fmt.Sprintf("look for a person in silo %q", keys.Silo())
	tx, err := r.begin(ctx, true)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	defer tx.end()
	silo, err := siloOf(ctx, tx.handle, keys.Silo())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	found, err := tx.collectionsOf(ctx, silo, keys, who, country)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	collections := make([]int32, len(found))
	for i, c := range found {
		collections[i] = int32(c)
	}
	return collections, nil
}

func (t *txn) collectionsOf(ctx context.Context, silo siloRow, keys *keystore.SiloKey, who Subject, country string) ([]int64, error) {
	value, ok := Normalise(who.Kind, []byte(who.Value), country, nil)
	if !ok {
		return nil, refuse(BadIdentifier, who.Kind)
	}
	return collectionsOf(ctx, t, silo, keys.Match(who.Kind, value))
}

// Requests lists a silo's requests by name.
func (r *Registry) Requests(ctx context.Context, silo string) ([]Request, error) {
	var requests []Request
	err := r.eachOf(ctx, silo, `SELECT `+requestColumns+` FROM request WHERE silo = ? ORDER BY request`, func(rows *sql.Rows) error {
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
