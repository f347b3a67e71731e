package retention

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"time"

	"lethe/pipeline/policy"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/internal/tables"
	"lethe/pipeline/registry/keystore"
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
// instant it ended, and returns how many were new. It is idempotent. Of what is veiled no index can be asked. Where
// known is how the silo stands at asOf, it says which consents have ended, and is brought to the silo's head before;
// where that is nil, or of another instant, the silo's events are read once, and those looked at closer whose
// effective_until has passed since the last pass, those that reached their max_age since then, and those that were
// recorded since then.
func (t *Retention) ExpireDue(ctx context.Context, silo string, asOf time.Time, ends ExpiryEnds,
	known *standings.Standings) (int, error) {
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
		candidates := e.candidates
		if known != nil && known.AsOf().Equal(asOf) {
			if _, err := known.RefreshIn(ctx, tx, s); err != nil {
				return err
			}
			candidates = func(context.Context) ([]int64, error) { return e.ended(known), nil }
		}
		batch, err := e.due(ctx, candidates)
		if err != nil {
			return err
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

// span is which beginnings, or ends, of a consent are looked at: after, up to through.
type span struct{ after, through int64 }

func (s span) has(at int64) bool { return at > s.after && at <= s.through }

// due are the events that end what ended. candidates are the collections that are looked at.
func (e *expiry) due(ctx context.Context, candidates func(context.Context) ([]int64, error)) (batch []*chain.Pending,
	err error) {
	list, err := candidates(ctx)
	if err != nil {
		return nil, err
	}
	wanted, blocks := map[int64]bool{}, map[int64]bool{}
	for _, collection := range list {
		wanted[collection], blocks[tables.Block(collection)] = true, true
	}
	var block tables.Gathered[standings.Fact]
	for _, number := range slices.Sorted(maps.Keys(blocks)) {
		err := e.w.Tx.Each(ctx, tables.FactQuery+tables.OfBlock, func(row database.Row) error {
			collection, f, err := e.reader.Read(row)
			if wanted[collection] {
				block.Take(collection, f)
			}
			return err
		}, e.w.Silo.ID, e.w.Silo.ID, number)
		if err != nil {
			return nil, err
		}
		if err := block.Each(func(collection int64, facts []standings.Fact) error {
			batch = append(batch, e.expired(collection, facts)...)
			return nil
		}); err != nil {
			return nil, err
		}
	}
	return batch, nil
}

// ended are the collections in which a consent has ended, as the silo stands at that instant. One that has its event
// may be among them.
func (e *expiry) ended(known *standings.Standings) (list []int64) {
	through := map[string]time.Time{}
	for purpose, end := range e.ends {
		through[purpose] = latestEnded(end, e.asOf)
	}
	var standing policy.Standing
	for collection := int32(1); int(collection) <= known.Len(); collection++ {
		if known.At(collection, &standing) && slices.ContainsFunc(standing.Purposes,
			func(p policy.PurposeStanding) bool { return over(&p, through) }) {
			list = append(list, int64(collection))
		}
	}
	return list
}

// over reports whether a consent has ended: by its effective_until, or because it began so early.
func over(p *policy.PurposeStanding, through map[string]time.Time) bool {
	switch p.State {
	case policy.Expired:
		return !p.Until.IsZero() // which its event, where it has one, does not say
	case policy.Given, policy.Renewed:
		latest, ages := through[p.Purpose]
		return ages && !p.Since.After(latest)
	}
	return false
}

// candidates are the collections that may hold a consent that ended.
func (e *expiry) candidates(ctx context.Context) ([]int64, error) {
	asOf, head := event.Micros(e.asOf), max(e.mark(markHead), 0)
	until := span{e.mark(markUntil), asOf}
	ends := map[string]span{}
	for purpose, end := range e.ends {
		ends[purpose] = span{e.mark(purpose), event.Micros(latestEnded(end, e.asOf))}
	}
	veil := e.w.Silo.Book.Veil()
	var found []int64
	err := e.w.Tx.Each(ctx, `SELECT seq, type, purpose, effective_from, effective_until FROM event WHERE silo = ?
		ORDER BY seq`, func(row database.Row) error {
		seq, from, end := row.ColumnInt64(0), row.ColumnInt64(3), row.ColumnInt64(4)
		veil.Terms(seq, &from, &end)
		typ := event.Type(row.ColumnRawText(1))
		grants := typ == event.Given || typ == event.Renewed
		late := grants && seq > head // news of a consent that may have ended before the last pass
		of, ages := ends[string(row.ColumnRawText(2))]
		if end > 0 && (until.has(end) || late && end <= asOf) ||
			grants && ages && (of.has(from) || late && from <= of.through) {
			found = append(found, seq)
		}
		return nil
	}, e.w.Silo.ID)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return e.collections(ctx, found, veil)
}

// collections are those of events.
func (e *expiry) collections(ctx context.Context, seqs []int64, veil *keystore.Sealer) (list []int64, err error) {
	for portion := range slices.Chunk(seqs, database.LookUpRows) {
		args := []any{e.w.Silo.ID}
		for _, seq := range portion {
			args = append(args, seq)
		}
		err := e.w.Tx.Scanned(ctx, `SELECT seq, collection, block FROM event_payload WHERE silo = ? AND seq IN (`+
			database.Placeholders(len(portion))+`)`, func(row database.Row) error {
			collection := row.ColumnInt64(1)
			if row.ColumnInt64(2) != 0 {
				collection = veil.Whose(row.ColumnInt64(0), collection)
			}
			list = append(list, collection)
			return nil
		}, args...)
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

// expired returns the events that end what ended in one collection.
func (e *expiry) expired(collection int64, facts []standings.Fact) (list []*chain.Pending) {
	var standing policy.Standing
	standings.FoldAt(facts, e.asOf, nil, &standing)
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
	return list
}

// remember moves the marks; none ever goes back. When a max_age grows, what ended under the shorter one has
// its event already.
func (e *expiry) remember(ctx context.Context) error {
	marks := map[string]int64{markUntil: event.Micros(e.asOf), markHead: e.head}
	for purpose, end := range e.ends {
		marks[purpose] = event.Micros(latestEnded(end, e.asOf))
	}
	return e.w.Silo.Book.Change(ctx, e.w.Tx, seal.Pass, nil, nil, func() error { return e.put(ctx, marks) })
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
