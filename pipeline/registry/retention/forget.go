package retention

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"lethe/pipeline/policy"
	"lethe/pipeline/registry/cases"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/internal/tables"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/seal"
	"lethe/pipeline/registry/standings"
)

// The registry forgets as well: what shows who agreed to what is deleted when its own term is over. The
// chain keeps the headers, which hold no personal data, and the salted commitments, which without their
// salt commit to nothing that anybody could guess; so it still verifies.

// Forget says what of a silo may go.
type Forget struct {
	// Until is the end of proof_retention: until when the proof of what ended at an instant is kept.
	Until func(ended time.Time) time.Time
	// InUse says that rows of a source still belong to a collection; such a one stays. nil: none is in use.
	InUse func(collection int32) bool
	// Purposes are those of the silo's rules, as for Standings.
	Purposes map[string]event.Type
	// Standings are the silo's as the caller holds them, brought to the present head before they are read;
	// nobody else may use them meanwhile. nil: they are loaded.
	Standings *standings.Standings
}

// Forgotten says what a purge removed.
type Forgotten struct {
	Collections int
	Events      int // whose payloads are gone; their headers stay
}

// forgetBatch is how many collections one payload_purged event is about.
const forgetBatch = 500

// ForgetEnded purges the collections of a silo whose last ground ended, and whose proof_retention after
// that is over, at asOf: payloads, aliases, evidence, record links. A payload_purged event names their
// positions. What is held, restricted, part of an open request, objected to without an answer, alive, not
// yet effective or in use stays, whatever its age.
func (t *Retention) ForgetEnded(ctx context.Context, silo string, asOf time.Time, f Forget) (Forgotten, error) {
	return t.forget(ctx, fmt.Sprintf("purge ended consents of silo %q", silo), silo, asOf,
		func(w *chain.Writer) ([]int64, error) {
			s, err := f.standings(ctx, w, asOf)
			if err != nil {
				return nil, err
			}
			open, err := asked(ctx, w)
			if err != nil {
				return nil, err
			}
			var over []int64
			var standing policy.Standing
			for collection := int32(1); int(collection) <= s.Len(); collection++ {
				if !s.At(collection, &standing) || open[collection] || f.InUse != nil && f.InUse(collection) {
					continue
				}
				if at, ok := ended(&standing); ok && !f.Until(at).After(asOf) {
					over = append(over, int64(collection))
				}
			}
			return over, nil
		})
}

// standings are those to be read, at the head of the writer's silo.
func (f Forget) standings(ctx context.Context, w *chain.Writer, asOf time.Time) (*standings.Standings, error) {
	if f.Standings == nil || f.Standings.AsOf().Before(asOf) {
		return standings.LoadIn(ctx, w.Tx, w.Silo, asOf, f.Purposes, nil)
	}
	_, err := f.Standings.RefreshIn(ctx, w.Tx, w.Silo)
	return f.Standings, err
}

// asked are the collections of requests that nobody closed, however long ago they were due.
func asked(ctx context.Context, w *chain.Writer) (map[int32]bool, error) {
	open := map[string]bool{}
	err := cases.EachRequest(ctx, w.Tx, w.Silo.Book, func(q cases.Request) error {
		if q.Closed.IsZero() {
			open[q.ID] = true
		}
		return nil
	})
	if err != nil || len(open) == 0 {
		return nil, err
	}
	collections, err := w.Concerned(ctx, event.RequestOpened, func(d event.Details) bool { return open[d.Request] })
	asked := map[int32]bool{}
	for _, collection := range collections {
		asked[collection] = true
	}
	return asked, err
}

// Retire purges all collections of a silo, with its flags and tombstones, so that its key can be destroyed;
// a key destroyed before would leave references that nobody can ever match and so never purge. It is
// refused while a hold is in force, a request is open, or a tombstone may still be needed to erase again
// what a backup brings back.
func (t *Retention) Retire(ctx context.Context, silo string, asOf time.Time) (Forgotten, error) {
	return t.forget(ctx, fmt.Sprintf("retire silo %q", silo), silo, asOf, func(w *chain.Writer) ([]int64, error) {
		if err := unneeded(ctx, w, asOf); err != nil {
			return nil, err
		}
		for t, table := range map[seal.Table]string{seal.Flag: "flag", seal.Tombstone: "tombstone",
			seal.Alias: "subject_alias"} {
			if _, err := w.Tx.Exec(ctx, `DELETE FROM `+table+` WHERE silo = ?`, w.Silo.ID); err != nil {
				return nil, err
			}
			w.Silo.Book.Clear(t)
		}
		all := map[int64]bool{}
		err := w.Silo.Book.EachSaid(ctx, w.Tx, func(e seal.Said) error {
			if e.Collection > 0 {
				all[e.Collection] = true
			}
			return nil
		})
		return slices.Sorted(maps.Keys(all)), err
	})
}

// unneeded refuses while something still needs the key of the silo.
func unneeded(ctx context.Context, w *chain.Writer, asOf time.Time) error {
	refuse := func(hint string) error { return fmt.Errorf("%w: %s", event.ErrRefused, hint) }
	if err := cases.EachHold(ctx, w.Tx, w.Silo.Book, func(h cases.Hold) error {
		if h.ReleasedAt.IsZero() {
			return refuse("a legal hold is in force: release it first")
		}
		return nil
	}); err != nil {
		return err
	}
	if err := cases.EachRequest(ctx, w.Tx, w.Silo.Book, func(q cases.Request) error {
		if q.Closed.IsZero() {
			return refuse("a request is open: close it first")
		}
		return nil
	}); err != nil {
		return err
	}
	return w.Silo.Book.Each(ctx, w.Tx, seal.Tombstone, func(row database.Row) error {
		if row.ColumnInt64(seal.TombstoneDropAfter) >= asOf.UnixMicro() {
			return refuse("a backup may still hold what its tombstones erase: wait until the last one is gone")
		}
		return nil
	})
}

// forget purges the collections that find returns, in one transaction.
func (t *Retention) forget(ctx context.Context, what, silo string, asOf time.Time,
	find func(*chain.Writer) ([]int64, error)) (Forgotten, error) {
	var gone Forgotten
	err := t.store.Write(ctx, what, func(tx *database.Txn) error {
		if _, err := t.store.FindSilo(ctx, tx.Handle, silo); errors.Is(err, chain.ErrUnknownSilo) {
			return nil
		}
		w, err := t.store.Writer(ctx, tx, silo)
		if err != nil {
			return err
		}
		w.Now = max(w.Now, asOf.UnixMicro()) // a simulated night is later than the clock
		collections, err := find(w)
		if err != nil {
			return err
		}
		p, err := newPurge(ctx, w, collections)
		if err != nil {
			return err
		}
		for portion := range slices.Chunk(collections, forgetBatch) {
			n, err := p.purge(ctx, portion)
			if err != nil {
				return err
			}
			gone.Collections += len(portion)
			gone.Events += n
		}
		return w.Finish(ctx, false)
	})
	if err != nil {
		return Forgotten{}, err
	}
	if gone.Collections > 0 && t.store.Scrub != "" {
		if _, err := t.store.Exec(ctx, t.store.Scrub); err != nil {
			return gone, fmt.Errorf("%s: %w", what, err)
		}
	}
	return gone, nil
}

// purge removes what is known of collections. Whose a row is stands veiled, so what leads from a collection to its rows
// is read once.
type purge struct {
	w       *chain.Writer
	carried map[int64][][]byte // references that the events name under an earlier version of the key
	links   map[int64][][]byte // of records
}

// newPurge reads all links of the silo, and after a rotation all aliases: events name those under earlier versions of
// the key, from which only the key leads to those of today.
func newPurge(ctx context.Context, w *chain.Writer, collections []int64) (*purge, error) {
	p := &purge{w: w, carried: map[int64][][]byte{}, links: map[int64][][]byte{}}
	if len(collections) == 0 {
		return p, nil
	}
	wanted := make(map[int64]bool, len(collections))
	for _, c := range collections {
		wanted[c] = true
	}
	collect := func(t seal.Table, into map[int64][][]byte) error {
		return w.Silo.Book.Each(ctx, w.Tx, t, func(row database.Row) error {
			if c := row.ColumnInt64(1); wanted[c] {
				into[c] = append(into[c], bytes.Clone(row.ColumnRawBlob(0)))
			}
			return nil
		})
	}
	if err := collect(seal.Link, p.links); err != nil || w.Version == 1 {
		return p, err
	}
	return p, collect(seal.Alias, p.carried)
}

// purge deletes what is known of some collections and says so in the chain.
func (p *purge) purge(ctx context.Context, collections []int64) (int, error) {
	w := p.w
	wanted, blocks := map[int64]bool{}, map[int64]bool{}
	for _, c := range collections {
		wanted[c], blocks[tables.Block(c)] = true, true
	}
	var seqs []int64
	check := w.Silo.Book.Check(seal.Payload)
	aliases, links := [][2]any{}, [][2]any{}
	pair := func(t seal.Table, ref []byte, c int64) [2]any { return [2]any{ref, w.Silo.Book.Pairs(t, ref, c)} }
	for block := range blocks {
		if err := w.Tx.Each(ctx, tables.SaidQuery+`WHERE p.silo = ? AND p.block = ?`, func(row database.Row) error {
			e := check.SaidOf(row)
			if !wanted[e.Collection] {
				return nil
			}
			seqs = append(seqs, e.Seq)
			for ref := range slices.Chunk(e.Refs, len(keystore.Ref{})) {
				aliases = append(aliases, pair(seal.Alias, bytes.Clone(ref), e.Collection))
			}
			return nil
		}, w.Silo.ID, block); err != nil {
			return 0, err
		}
	}
	for _, c := range collections {
		for _, ref := range p.carried[c] {
			aliases = append(aliases, pair(seal.Alias, ref, c))
		}
		for _, ref := range p.links[c] {
			links = append(links, pair(seal.Link, ref, c))
		}
	}
	slices.Sort(seqs)
	if err := removePairs(ctx, w, seal.Alias, "alias_ref", aliases); err != nil {
		return 0, err
	}
	if err := removePairs(ctx, w, seal.Link, "record_ref", links); err != nil {
		return 0, err
	}
	words := make([]string, 0, len(seqs))
	for portion := range slices.Chunk(seqs, database.LookUpRows) {
		args := make([]any, len(portion))
		for i, seq := range portion {
			args[i], words = seq, append(words, strconv.FormatInt(seq, 10))
		}
		if err := w.Silo.Book.Remove(ctx, w.Tx, seal.Payload, ` AND seq IN (`+database.Placeholders(len(portion))+`)`,
			args...); err != nil {
			return 0, err
		}
	}
	return len(seqs), w.Own(ctx, event.PayloadPurged, event.Instant(w.Now),
		event.Details{Seqs: strings.Join(words, ",")}, nil)
}

// removePairs removes rows by both parts of their keys. A collection as it is stored beside one reference stands beside
// no other.
func removePairs(ctx context.Context, w *chain.Writer, t seal.Table, column string, pairs [][2]any) error {
	for portion := range slices.Chunk(pairs, database.LookUpRows) {
		in := ` IN (` + database.Placeholders(len(portion)) + `)`
		args := make([]any, 2*len(portion))
		for i, p := range portion {
			args[i], args[len(portion)+i] = p[0], p[1]
		}
		// + 0, or SQLite would look up each reference once for each collection
		if err := w.Silo.Book.Remove(ctx, w.Tx, t, ` AND `+column+in+` AND collection + 0`+in, args...); err != nil {
			return err
		}
	}
	return nil
}

// ended says when the last ground of a collection ended, and false for one that must stay.
func ended(s *policy.Standing) (time.Time, bool) {
	if s.Hold || s.Restricted || s.PendingAccess || !s.Erasure.IsZero() {
		return time.Time{}, false
	}
	last := s.Collected
	for i := range s.Purposes {
		p := &s.Purposes[i]
		open := !p.Started.IsZero() && p.Ended.IsZero()
		if p.Future || p.State == policy.Given || p.State == policy.Renewed || open ||
			p.Objection == policy.ObjectionPending && !p.Marketing {
			return time.Time{}, false
		}
		for _, t := range []time.Time{p.Since, p.Ended, p.ObjectedAt} {
			if t.After(last) {
				last = t
			}
		}
	}
	return last, !last.IsZero()
}
