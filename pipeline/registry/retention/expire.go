package retention

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"

	"lethe/pipeline/policy"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/internal/tables"
	"lethe/pipeline/registry/seal"
	"lethe/pipeline/registry/standings"
)

// ExpiryEnds gives for each purpose the instant at which a consent that began at since ends by the policy's
// max_age. It must not go backwards when since goes forwards. A purpose without one ends with its
// effective_until only.
type ExpiryEnds map[string]func(since time.Time) time.Time

// expiryBatch is how many expired events one transaction writes.
const expiryBatch = 5000

// ExpireDue writes an expired event for each consent of the silo that ended by asOf, effective at the
// instant it ended, and returns how many were new. It is idempotent. It reads indexes, not the table: the
// consents whose effective_until has passed since the last pass, those that reached their max_age since
// then, and those that were recorded since then.
func (t *Retention) ExpireDue(ctx context.Context, silo string, asOf time.Time, ends ExpiryEnds) (int, error) {
	written := 0
	what := fmt.Sprintf("expire consents of silo %q", silo)
	err := t.store.Write(ctx, what, func(tx *database.Txn) error {
		s, err := t.store.FindSilo(ctx, tx.Handle, silo)
		if errors.Is(err, chain.ErrUnknownSilo) {
			return nil
		}
		if err != nil {
			return err
		}
		w, err := t.store.Writer(ctx, tx, silo)
		if err != nil {
			return err
		}
		w.Now = max(w.Now, asOf.UnixMicro()) // a simulated night is later than the clock
		e := expiry{w: w, asOf: asOf, ends: ends, head: s.Seq, marks: map[string]int64{},
			reader: standings.FactReader{Check: w.Silo.Book.Check(seal.Payload)}}
		if err := w.Silo.Book.Each(ctx, tx, seal.Pass, func(row database.Row) error {
			e.marks[string(row.ColumnRawText(0))] = row.ColumnInt64(1)
			return nil
		}); err != nil {
			return err
		}
		due, err := e.candidates(ctx)
		if err != nil {
			return err
		}
		var batch []*chain.Pending
		for _, collection := range due {
			more, err := e.expired(ctx, collection)
			if err != nil {
				return err
			}
			batch = append(batch, more...)
		}
		for part := range slices.Chunk(batch, expiryBatch) {
			if err := w.Append(ctx, part); err != nil {
				return err
			}
		}
		written = int(w.Silo.Seq - s.Seq)
		if err := e.remember(ctx); err != nil {
			return err
		}
		return w.Finish(ctx, false)
	})
	if err != nil {
		return 0, err
	}
	return written, nil
}

type expiry struct {
	w      *chain.Writer
	asOf   time.Time
	ends   ExpiryEnds
	head   int64
	marks  map[string]int64 // of the last pass
	reader standings.FactReader
}

// The marks of the last pass are rows of expiry_pass: for each purpose up to which beginning its consents
// were looked at, and two of the whole silo.
const (
	markUntil = "|until" // effective_until was looked at up to here; the bar keeps them apart from purposes
	markHead  = "|head"  // events were looked at up to this position
)

func (e *expiry) mark(name string) int64 {
	if through, ok := e.marks[name]; ok {
		return through
	}
	return event.Micros(e.asOf.AddDate(-maxAgeYears, 0, 0))
}

// candidates are the collections that may hold a consent that ended, sorted.
func (e *expiry) candidates(ctx context.Context) ([]int64, error) {
	until := e.mark(markUntil)
	var found []int64
	add := func(condition string, args ...any) error {
		rows, err := e.w.Tx.Query(ctx, `SELECT p.collection FROM event e JOIN event_payload p ON p.silo = e.silo
			AND p.seq = e.seq WHERE e.silo = ? AND `+condition,
			append([]any{e.w.Silo.ID}, args...)...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var collection int64
			if err := rows.Scan(&collection); err != nil {
				return err
			}
			found = append(found, collection)
		}
		return rows.Err()
	}
	if err := add(`e.effective_until > 0 AND e.effective_until > ? AND e.effective_until <= ?`, until,
		event.Micros(e.asOf)); err != nil {
		return nil, err
	}
	head := e.mark(markHead)
	// late news of a consent that ended before the last pass
	const recordedSince = `e.seq > ? AND e.type IN ('given', 'renewed') AND `
	if err := add(recordedSince+`e.effective_until > 0
		AND e.effective_until <= ?`, max(head, 0), event.Micros(e.asOf)); err != nil {
		return nil, err
	}
	for purpose, end := range e.ends {
		since := e.mark(purpose)
		ended := event.Micros(latestEnded(end, e.asOf))
		if err := add(`e.purpose = ? AND e.type IN ('given', 'renewed') AND e.effective_from > ?
			AND e.effective_from <= ?`, purpose, since, ended); err != nil {
			return nil, err
		}
		if err := add(recordedSince+`e.purpose = ? AND e.effective_from <= ?`, max(head, 0), purpose,
			ended); err != nil {
			return nil, err
		}
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

// expired returns the events that end what ended in one collection.
func (e *expiry) expired(ctx context.Context, collection int64) ([]*chain.Pending, error) {
	var facts []standings.Fact
	err := e.w.Tx.Each(ctx, tables.FactQuery+tables.OfCollection, func(row database.Row) error {
		_, f, err := e.reader.Read(row)
		facts = append(facts, f)
		return err
	}, e.w.Silo.ID, e.w.Silo.ID, collection)
	if err != nil {
		return nil, err
	}
	var standing policy.Standing
	standings.FoldAt(facts, e.asOf, nil, &standing)
	var list []*chain.Pending
	for i := range standing.Purposes {
		p := &standing.Purposes[i]
		if p.State != policy.Given && p.State != policy.Renewed {
			continue
		}
		at := p.Until
		if end := e.ends[p.Purpose]; end != nil {
			if aged := end(p.Since); at.IsZero() || aged.Before(at) {
				at = aged
			}
		}
		if at.IsZero() || at.After(e.asOf) {
			continue
		}
		list = append(list, e.w.NewOwn(event.Event{Type: event.Expired, Purpose: p.Purpose, OccurredAt: at,
			EffectiveFrom: at,
			Details:       event.Details{Since: event.Micros(p.Since)}}, collection))
	}
	return list, nil
}

// remember moves the marks; none ever goes back. When a max_age grows, what ended under the shorter one has
// its event already.
func (e *expiry) remember(ctx context.Context) error {
	marks := map[string]int64{markUntil: event.Micros(e.asOf), markHead: e.head}
	for purpose, end := range e.ends {
		marks[purpose] = event.Micros(latestEnded(end, e.asOf))
	}
	return e.w.Silo.Book.Change(ctx, e.w.Tx, seal.Pass, nil, func() error { return e.put(ctx, marks) })
}

func (e *expiry) put(ctx context.Context, marks map[string]int64) error {
	for name, through := range marks {
		if _, err := e.w.Tx.Exec(ctx, `INSERT INTO expiry_pass (silo, purpose, since_through) VALUES (?, ?, ?)`+
			e.w.Tx.Replacing("expiry_pass", "silo, purpose", "since_through"), e.w.Silo.ID, name, through); err != nil {
			return err
		}
	}
	return nil
}

// maxAgeYears is the longest max_age that an expiry pass looks for.
const maxAgeYears = 200

// latestEnded is the latest beginning of a consent that ended by asOf, to the second; the start of the
// search when there is none.
func latestEnded(end func(time.Time) time.Time, asOf time.Time) time.Time {
	start := asOf.AddDate(-maxAgeYears, 0, 0).Truncate(time.Second)
	n := sort.Search(int(asOf.Sub(start)/time.Second)+1, func(i int) bool {
		return end(start.Add(time.Duration(i+1) * time.Second)).After(asOf)
	})
	return start.Add(time.Duration(n)*time.Second + time.Second - time.Microsecond)
}
