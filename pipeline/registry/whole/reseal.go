package whole

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"lethe/pipeline/registry/cases"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/internal/tables"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/seal"
)

// Resealed says of a silo what did not hold, and what was done to its references.
type Resealed struct {
	Silo          string
	What          error // the first row that was not as it was written
	Put, TakenOut int   // references that were put back, or taken out, as the events say
}

// Reseal is the way out of a registry of which rows beside the chains are not as they were written, and no copy is left
// (`lethe registry reseal`). Every chain is recomputed, and compared with the heads that the last night saw: one that
// does not hold is refused, and so are holds and requests that the events say otherwise. References of people, and
// instants of holds and requests that cannot be read, are made to be what the events say. Flags, tombstones, record
// links, deliveries, marks of expiry, and when a silo was heard of, are taken as they stand. Before anything is written
// agreed is asked; it may be asked again, of the same. None is returned where every row holds.
func Reseal(ctx context.Context, c Config, seen map[string]chain.Head, agreed func([]Resealed) error) (done []Resealed,
	err error) {
	what := fmt.Sprintf("reseal %s", c.Config)
	db, err := tables.Open(ctx, c.Config)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	store, err := c.store(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	err = store.Write(ctx, what, func(tx *database.Txn) error {
		done = nil
		silos, err := asTheyStand(ctx, store, tx)
		if err != nil {
			return err
		}
		var broken []chain.Silo
		for _, s := range silos {
			r, err := mend(ctx, store, tx, s, c.Keys, seen[s.Silo])
			if err != nil {
				return err
			}
			if r.What != nil {
				done, broken = append(done, r), append(broken, s)
			}
		}
		if len(broken) == 0 {
			return nil
		}
		if err := agreed(done); err != nil {
			return err
		}
		for _, s := range broken {
			if err := store.Seal(ctx, tx, s); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return done, nil
}

// mend looks whether the rows of a silo hold, and makes its references what the events say where they do not.
func mend(ctx context.Context, store *chain.Store, tx *database.Txn, s chain.Silo, keys *keystore.Keystore,
	seen chain.Head) (r Resealed, err error) {
	r.Silo = s.Silo
	key, err := keys.SiloKey(s.Silo)
	if errors.Is(err, keystore.ErrDestroyed) {
		return r, nil // nothing of it can be sealed, or read
	}
	if err != nil {
		return r, err
	}
	whole, err := store.FindSilo(ctx, tx.Handle, s.Silo)
	if err == nil {
		err = whole.Book.Whole(ctx, tx)
	}
	if err == nil {
		return r, nil
	}
	if !errors.Is(err, chain.ErrTampered) {
		return r, err
	}
	r.What = err
	if err := store.Walk(ctx, tx, s, seen, false); err != nil {
		return r, err
	}
	if err := blocks(ctx, tx, &s); err != nil {
		return r, err
	}
	if r.Put, r.TakenOut, err = references(ctx, tx, s, key); err != nil {
		return r, err
	}
	if err := unreadable(ctx, tx, &s); err != nil {
		return r, err
	}
	if err := undated(ctx, tx, &s); err != nil {
		return r, err
	}
	return r, said(ctx, tx, s, key)
}

// blocks puts events into the blocks of their collections, of which the chain says nothing.
func blocks(ctx context.Context, tx *database.Txn, s *chain.Silo) error {
	wrong := map[int64]int64{} // the right block, by position
	veil := s.Book.Veil()
	const all = `SELECT seq, collection, block FROM event_payload WHERE silo = ?`
	if err := tx.Each(ctx, all, func(row database.Row) error {
		seq, collection, block := row.ColumnInt64(0), row.ColumnInt64(1), int64(0)
		if collection != 0 {
			if collection = veil.Whose(seq, collection); !s.Has(collection) {
				return nil
			}
			block = tables.Block(collection)
		}
		if block != row.ColumnInt64(2) {
			wrong[seq] = block
		}
		return nil
	}, s.ID); err != nil {
		return err
	}
	for seq, block := range wrong {
		if _, err := tx.Exec(ctx, `UPDATE event_payload SET block = ? WHERE silo = ? AND seq = ?`, block, s.ID,
			seq); err != nil {
			return err
		}
	}
	return nil
}

// thinkable are the instants that a row can mean. What is veiled by a tag that was changed, or was changed itself, is
// any number.
func thinkable(at int64) bool {
	return at >= 0 && at < time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
}

// unreadable takes out what cannot be taken as it stands, because its veil is not its own any more. A link that is
// gone leaves a row to its identifiers, and a flag that is gone begins its grace anew; a tombstone is kept for as long
// as it can be.
func unreadable(ctx context.Context, tx *database.Txn, s *chain.Silo) error {
	for _, of := range []struct {
		t           seal.Table
		remove      string
		column, key int // of the number, and of the second part of the key, 0 for none
		readable    func(int64) bool
	}{
		{seal.Link, `DELETE FROM record_link WHERE silo = ? AND record_ref = ?`, 1, 0, s.Has},
		{seal.Flag, `DELETE FROM flag WHERE silo = ? AND record_ref = ? AND reason = ?`, 2, 1, thinkable},
		{seal.Tombstone, `UPDATE tombstone SET erased_at = 0, drop_after = ` + forever + `, seal = '' WHERE silo = ?
			AND record_ref = ? AND subject_ref = ?`, 7, 1, thinkable},
	} {
		var keys [][]any
		if err := s.Book.Each(ctx, tx, of.t, func(row database.Row) error {
			if of.readable(row.ColumnInt64(of.column)) {
				return nil
			}
			key := []any{s.ID, bytes.Clone(row.ColumnRawBlob(0))}
			switch of.t {
			case seal.Flag:
				key = append(key, string(row.ColumnRawText(of.key)))
			case seal.Tombstone:
				key = append(key, bytes.Clone(row.ColumnRawBlob(of.key)))
			}
			keys = append(keys, key)
			return nil
		}); err != nil {
			return err
		}
		for _, key := range keys {
			if _, err := tx.Exec(ctx, of.remove, key...); err != nil {
				return err
			}
		}
	}
	return nil
}

// undated makes when holds and requests were what their events say, where it cannot be read any more: a number that was
// changed as it is stored means any other. When a hold is to be looked at again no event says: then that is at once. Of
// what the chain says nothing any more, because its people were forgotten, stays that it is over.
func undated(ctx context.Context, tx *database.Txn, s *chain.Silo) error {
	chained := chain.Writer{Tx: tx, Silo: *s} // which writes nothing
	said := map[string]map[string]int64{}     // by column, and by the name of the hold or request
	for _, e := range []struct {
		typ     event.Type
		columns []string
	}{{event.HoldPlaced, []string{"placed_at", "review_by"}}, {event.HoldReleased, []string{"released_at"}},
		{event.RequestOpened, []string{"received_at"}}, {event.RequestExtended, []string{"extended_on"}},
		{event.RequestPaused, []string{"paused_at"}}, {event.RequestClosed, []string{"closed_at"}}} {
		for _, column := range e.columns {
			said[column] = map[string]int64{}
			if err := chained.Facts(ctx, e.typ, func(f *seal.Fact, d event.Details) {
				said[column][cmp.Or(d.Hold, d.Request)] = f.Occurred
			}); err != nil {
				return err
			}
		}
	}
	due := chainSays{silo: s.Silo, requests: map[string]event.Details{}, holds: map[string]cases.Hold{},
		released: map[string]bool{}, closed: map[string]bool{}}
	if err := s.Book.EachSaid(ctx, tx, due.read); err != nil {
		return err
	}
	for _, t := range []seal.Table{seal.Hold, seal.Request} {
		columns := seal.Placed(t)
		var wrong [][2]string // names, and columns
		if err := s.Book.Each(ctx, tx, t, func(row database.Row) error {
			for i, column := range columns {
				if !thinkable(row.ColumnInt64(i)) {
					wrong = append(wrong, [2]string{string(row.ColumnRawText(0)), column})
				}
			}
			return nil
		}); err != nil {
			return err
		}
		for _, w := range wrong {
			at := cmp.Or(said[w[1]][w[0]], 1)
			if q, ok := due.requests[w[0]]; ok && (w[1] == "due_at" || w[1] == "extended_to") {
				at = q.Due
			}
			if err := s.Book.Put(ctx, tx, t, w[0], w[1], at); err != nil {
				return err
			}
		}
	}
	return nil
}

// pair is a reference of somebody.
type pair struct {
	ref        keystore.Ref
	collection int64
}

// forever is the last instant that is thinkable, in microseconds.
const forever = `10413791999000000`

// references makes the table of references what the events say. The kind of one that was taken away is not known any
// more; nothing is decided by it.
func references(ctx context.Context, tx *database.Txn, s chain.Silo, key *keystore.SiloKey) (put, out int, err error) {
	version := 1
	if err := tx.Row(ctx, `SELECT COALESCE(MIN(key_version), 1) FROM silo_key WHERE silo = ?`, s.ID).Scan(
		&version); err != nil {
		return 0, 0, err
	}
	said := map[pair]bool{} // whether it stands
	err = s.Book.EachSaid(ctx, tx, func(e seal.Said) error {
		for ref := range slices.Chunk(e.Refs, len(keystore.Ref{})) {
			if len(ref) == len(keystore.Ref{}) {
				said[pair{key.Carry(keystore.Ref(ref), false, version), e.Collection}] = false
			}
		}
		if event.Type(e.Type) == event.Rekeyed {
			d, err := event.DecodeDetails(e.Details)
			version = d.Key
			return err
		}
		return nil
	})
	if err != nil {
		return 0, 0, err
	}
	type stray struct {
		ref        []byte
		collection int64 // as it stands
	}
	var strays []stray
	const all = `SELECT alias_ref, collection, seal FROM subject_alias WHERE silo = ?`
	if err := tx.Each(ctx, all, func(row database.Row) error {
		ref, collection := bytes.Clone(row.ColumnRawBlob(0)), row.ColumnInt64(1)
		if tag := row.ColumnRawBlob(2); len(ref) == len(keystore.Ref{}) && len(tag) == len(keystore.Tag{}) {
			p := pair{keystore.Ref(ref), collection ^ s.Book.Veil().Beside(keystore.Tag(tag))[0]}
			if stands, ok := said[p]; ok && !stands {
				said[p] = true
				return nil
			}
		}
		strays = append(strays, stray{ref, collection})
		return nil
	}, s.ID); err != nil {
		return 0, 0, err
	}
	for _, x := range strays {
		if _, err := tx.Exec(ctx, `DELETE FROM subject_alias WHERE silo = ? AND alias_ref = ? AND collection = ?`, s.ID,
			x.ref, x.collection); err != nil {
			return 0, 0, err
		}
	}
	for p, stands := range said {
		if stands {
			continue
		}
		if _, err := tx.Exec(ctx, `INSERT INTO subject_alias (silo, alias_ref, collection, kind, key_version, seal)
			VALUES (?, ?, ?, ?, ?, ?)`, s.ID, p.ref[:], p.collection, "", key.Version(), []byte{0}); err != nil {
			return 0, 0, err
		}
		put++
	}
	return put, len(strays), nil
}
