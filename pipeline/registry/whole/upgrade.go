package whole

import (
	"context"
	"errors"
	"fmt"

	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/internal/tables"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/seal"
)

// Upgraded says what Upgrade did.
type Upgraded struct {
	Current bool     // the registry was of this version already, and nothing was done
	Silos   []string // whose rows were sealed and veiled
}

// Upgrade moves a registry of a version before over to this one (`lethe registry upgrade`): every row that stands
// beside a chain is sealed, and what would tell two silos' people to be the same is veiled, in the chains too, which
// are hashed anew. It first recomputes every chain, compares it with the heads that the last night saw, the rows
// beside it with their seals, and the identifiers, holds and requests with what the events say of them: one that does
// not hold is refused, with a *TamperedError, and stays as it is. Where a registry has no seals yet, flags,
// tombstones, record links, deliveries and the marks of expiry have nothing that can prove them; they are taken as
// they stand. Cut off anywhere, it is finished by asking again.
func Upgrade(ctx context.Context, c Config, seen map[string]chain.Head) (done Upgraded, err error) {
	what := fmt.Sprintf("upgrade %s", c.Config)
	db, is, err := tables.OpenBefore(ctx, c.Config)
	if err != nil {
		return done, fmt.Errorf("%s: %w", what, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	switch is {
	case tables.Current:
		return Upgraded{Current: true}, nil
	case tables.Unguarded:
		return done, tables.Finish(ctx, db)
	}
	store, err := c.store(ctx, db)
	if err != nil {
		return done, fmt.Errorf("%s: %w", what, err)
	}
	store.Before = is
	look, err := store.Begin(ctx, true)
	if err == nil {
		_, err = sound(ctx, store, look, c.Keys, seen)
		look.End()
	}
	if err == nil && is != tables.Dated {
		err = tables.Prepare(ctx, db)
	}
	if err != nil {
		return done, fmt.Errorf("%s: %w", what, err)
	}
	err = store.Write(ctx, what, func(tx *database.Txn) error {
		silos, err := sound(ctx, store, tx, c.Keys, seen) // once more: others may have written
		if err != nil {
			return err
		}
		store.Before = tables.Current // from here on rows are written as they are now
		done.Silos, err = moved(ctx, store, tx, is, silos, seen)
		return err
	})
	if err == nil && is != tables.Dated {
		err = tables.Finish(ctx, db)
	}
	if err == nil && db.Scrub != "" {
		_, err = db.Exec(ctx, db.Scrub)
	}
	if err != nil {
		return Upgraded{}, err
	}
	return done, nil
}

// moved moves silos over, and returns their names.
func moved(ctx context.Context, store *chain.Store, tx *database.Txn, is tables.Before, silos []chain.Silo,
	seen map[string]chain.Head) (names []string, err error) {
	for _, s := range silos {
		move := veil
		switch {
		case s.Keyless != nil:
			move = blank
		case is == tables.Dated:
			move = undate
		}
		if err := move(ctx, store, tx, s, seen[s.Silo]); err != nil {
			return nil, err
		}
		names = append(names, s.Silo)
	}
	if is == tables.Dated {
		return names, tables.Undated(ctx, tx)
	}
	if _, err := tx.Exec(ctx, `UPDATE record_link SET linked_at = 0`); err != nil {
		return nil, err
	}
	return names, tables.Veiled(ctx, tx)
}

// sound reads the silos of a registry of before, and refuses one whose chain does not hold, or that has rows beside it
// that are not as they were sealed, or that its events do not bear out.
func sound(ctx context.Context, store *chain.Store, tx *database.Txn, keys *keystore.Keystore,
	seen map[string]chain.Head) ([]chain.Silo, error) {
	silos, err := asTheyStand(ctx, store, tx)
	if err != nil {
		return nil, err
	}
	there := map[string]bool{}
	for _, s := range silos {
		there[s.Silo] = true
		if err := store.Walk(ctx, tx, s, seen[s.Silo], false); err != nil {
			return nil, err
		}
		if store.Before != tables.Unsealed && s.Keyless == nil {
			whole, err := store.FindSilo(ctx, tx.Handle, s.Silo)
			if err == nil {
				err = whole.Book.Whole(ctx, tx)
			}
			if err != nil {
				return nil, err
			}
		}
		key, err := keys.SiloKey(s.Silo)
		if err != nil && !errors.Is(err, keystore.ErrDestroyed) {
			return nil, err
		}
		if err := said(ctx, tx, s, key); err != nil {
			return nil, err
		}
	}
	for silo, head := range seen {
		if !there[silo] && head.Seq > 0 {
			return nil, &seal.TamperedError{Silo: silo, Seq: 1, What: "the silo is gone, which had events when an " +
				"earlier run saw it"}
		}
	}
	return silos, nil
}
