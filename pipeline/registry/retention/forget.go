package retention

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"lethe/pipeline/policy"
	"lethe/pipeline/registry/cases"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/internal/database"
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
		var all []int64
		err := w.Tx.Each(ctx, `SELECT DISTINCT collection FROM event_payload WHERE silo = ? AND collection > 0
			ORDER BY collection`, func(row database.Row) error {
			all = append(all, row.ColumnInt64(0))
			return nil
		}, w.Silo.ID)
		return all, err
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
		carried, err := carriedOver(ctx, w, collections)
		if err != nil {
			return err
		}
		for portion := range slices.Chunk(collections, forgetBatch) {
			n, err := purge(ctx, w, portion, carried)
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

// carriedOver finds the references to some collections after a rotation: their events name those under
// earlier versions of the key, from which only the key leads to those of today. It reads all aliases of the
// silo once.
func carriedOver(ctx context.Context, w *chain.Writer, collections []int64) (map[int64][][]byte, error) {
	carried := make(map[int64][][]byte, len(collections))
	if w.Version == 1 || len(collections) == 0 {
		return carried, nil
	}
	for _, c := range collections {
		carried[c] = nil
	}
	err := w.Tx.Each(ctx, `SELECT alias_ref, collection FROM subject_alias
		WHERE silo = ?`, func(row database.Row) error {
		if refs, ok := carried[row.ColumnInt64(1)]; ok {
			carried[row.ColumnInt64(1)] = append(refs, bytes.Clone(row.ColumnRawBlob(0)))
		}
		return nil
	}, w.Silo.ID)
	return carried, err
}

// purge deletes what is known of some collections and says so in the chain.
func purge(ctx context.Context, w *chain.Writer, collections []int64, carried map[int64][][]byte) (int, error) {
	in, args := " IN ("+database.Placeholders(len(collections))+")", []any{w.Silo.ID}
	for _, c := range collections {
		args = append(args, c)
	}
	var seqs []string
	refs := [][]byte{}
	err := w.Tx.Scanned(ctx, `SELECT seq, refs FROM event_payload WHERE silo = ? AND collection`+in+` ORDER BY seq`,
		func(row database.Row) error {
			seqs = append(seqs, strconv.FormatInt(row.ColumnInt64(0), 10))
			refs = slices.AppendSeq(refs, slices.Chunk(bytes.Clone(row.ColumnRawBlob(1)), len(keystore.Ref{})))
			return nil
		}, args...)
	if err != nil {
		return 0, err
	}
	for _, c := range collections {
		refs = append(refs, carried[c]...)
	}
	remove := func(t seal.Table, table, condition string, args []any) error {
		if err := w.Silo.Book.Removed(ctx, w.Tx, t, condition, args[1:]...); err != nil {
			return err
		}
		_, err := w.Tx.Exec(ctx, `DELETE FROM `+table+` WHERE silo = ?`+condition, args...)
		return err
	}
	for portion := range slices.Chunk(refs, database.LookUpRows) {
		given := slices.Clone(args)
		for _, ref := range portion {
			given = append(given, ref)
		}
		// + 0, or SQLite would look up each reference once for each collection
		if err := remove(seal.Alias, "subject_alias", ` AND collection + 0`+in+` AND alias_ref IN (`+
			database.Placeholders(len(portion))+`)`, given); err != nil {
			return 0, err
		}
	}
	if err := remove(seal.Payload, "event_payload", ` AND collection`+in, args); err != nil {
		return 0, err
	}
	if err := remove(seal.Link, "record_link", ` AND collection`+in, args); err != nil {
		return 0, err
	}
	return len(seqs), w.Own(ctx, event.PayloadPurged, event.Instant(w.Now),
		event.Details{Seqs: strings.Join(seqs, ",")}, nil)
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
