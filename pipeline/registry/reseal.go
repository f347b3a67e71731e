package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/internal/tables"
	"lethe/pipeline/registry/keystore"
)

// Resealed says of a silo what did not hold, and what was done to its references.
type Resealed struct {
	Silo          string
	What          error // the first row that was not as it was written
	Put, TakenOut int   // references that were put back, or taken out, as the events say
}

// Reseal is the way out of a registry of which rows beside the chains are not as they were written, and no copy is left
// (`lethe registry reseal`). Every chain is recomputed, and compared with the heads that the last night saw: one that
// does not hold is refused, and so are holds and requests that the events say otherwise. References of people are made
// to be what the events say. Flags, tombstones, record links, deliveries, marks of expiry, and when a silo was heard
// of, are taken as they stand. Before anything is written agreed is asked; it may be asked again, of the same. None is
// returned where every row holds.
func Reseal(ctx context.Context, c Config, seen map[string]chain.Head, agreed func([]Resealed) error) (done []Resealed,
	err error) {
	what := fmt.Sprintf("reseal %s", c)
	db, err := tables.Open(ctx, c.database())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	store, err := chain.NewStore(ctx, db, c.ReadOnly, c.Keys, time.Now, c.Shuffle)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	err = store.Write(ctx, what, func(tx *database.Txn) error {
		done = nil
		silos, err := store.Unsealed(ctx, tx)
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
	if !errors.Is(err, ErrTampered) {
		return r, err
	}
	r.What = err
	if err := store.Walk(ctx, tx, s, seen, false); err != nil {
		return r, err
	}
	if r.Put, r.TakenOut, err = references(ctx, tx, s, key); err != nil {
		return r, err
	}
	return r, said(ctx, tx, s, key)
}

// pair is a reference of somebody.
type pair struct {
	ref        keystore.Ref
	collection int64
}

// references makes the table of references what the events say. The kind of one that was taken away is not known any
// more; nothing is decided by it.
func references(ctx context.Context, tx *database.Txn, s chain.Silo, key *keystore.SiloKey) (put, out int, err error) {
	version := 1
	if err := tx.Row(ctx, `SELECT COALESCE(MIN(key_version), 1) FROM silo_key WHERE silo = ?`, s.ID).Scan(
		&version); err != nil {
		return 0, 0, err
	}
	said := map[pair]bool{} // whether it stands
	err = tx.Each(ctx, `SELECT e.type, p.collection, p.details, p.refs FROM event e
		JOIN event_payload p ON p.silo = e.silo AND p.seq = e.seq WHERE e.silo = ? ORDER BY e.seq`,
		func(row database.Row) error {
			refs := bytes.Clone(row.ColumnRawBlob(3))
			for ; len(refs) >= len(keystore.Ref{}); refs = refs[len(keystore.Ref{}):] {
				ref := keystore.Ref(refs[:len(keystore.Ref{})])
				said[pair{key.Carry(ref, false, version), row.ColumnInt64(1)}] = false
			}
			if event.Type(row.ColumnRawText(0)) == event.Rekeyed {
				d, err := event.DecodeDetails(row.ColumnRawText(2))
				version = d.Key
				return err
			}
			return nil
		}, s.ID)
	if err != nil {
		return 0, 0, err
	}
	type stray struct {
		ref        []byte
		collection int64
	}
	var strays []stray
	const all = `SELECT alias_ref, collection FROM subject_alias WHERE silo = ?`
	if err := tx.Each(ctx, all, func(row database.Row) error {
		ref, collection := bytes.Clone(row.ColumnRawBlob(0)), row.ColumnInt64(1)
		if len(ref) == len(keystore.Ref{}) {
			if p := (pair{keystore.Ref(ref), collection}); !said[p] {
				if _, ok := said[p]; ok {
					said[p] = true
					return nil
				}
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
