package registry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/internal/tables"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/seal"
)

// Upgraded says what Upgrade did.
type Upgraded struct {
	Current bool     // the registry was of this version already, and nothing was done
	Silos   []string // whose rows were sealed
}

// Upgrade moves a registry of the version before over to this one (`lethe registry upgrade`): every row that stands
// beside a chain is sealed. It first recomputes every chain, compares it with the heads that the last night saw, and
// the identifiers, holds and requests with what the events say of them: one that does not hold is refused, with a
// *TamperedError, and stays as it is. Flags, tombstones, record links, deliveries and the marks of expiry had nothing
// until now that could prove them; they are taken as they stand. Cut off anywhere, it is finished by asking again.
func Upgrade(ctx context.Context, c Config, seen map[string]chain.Head) (done Upgraded, err error) {
	what := fmt.Sprintf("upgrade %s", c)
	db, current, err := tables.OpenBefore(ctx, c.database())
	if err != nil {
		return done, fmt.Errorf("%s: %w", what, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if current {
		return Upgraded{Current: true}, nil
	}
	store, err := chain.NewStore(ctx, db, c.ReadOnly, c.Keys, time.Now, c.Shuffle)
	if err != nil {
		return done, fmt.Errorf("%s: %w", what, err)
	}
	look, err := store.Begin(ctx, true)
	if err == nil {
		_, err = sound(ctx, store, look, c.Keys, seen)
		look.End()
	}
	if err == nil {
		err = tables.AddSeals(ctx, db)
	}
	if err != nil {
		return done, fmt.Errorf("%s: %w", what, err)
	}
	err = store.Write(ctx, what, func(tx *database.Txn) error {
		silos, err := sound(ctx, store, tx, c.Keys, seen) // once more: others may have written
		if err != nil {
			return err
		}
		for _, s := range silos {
			if err := store.Seal(ctx, tx, s); err != nil {
				return err
			}
			done.Silos = append(done.Silos, s.Silo)
		}
		return tables.SetVersion(ctx, tx)
	})
	if err != nil {
		return Upgraded{}, err
	}
	return done, nil
}

// sound reads the silos of a registry of before there were seals, and refuses one whose chain does not hold or that
// has rows beside it which its events do not bear out.
func sound(ctx context.Context, store *chain.Store, tx *database.Txn, keys *keystore.Keystore,
	seen map[string]chain.Head) ([]chain.Silo, error) {
	silos, err := store.Unsealed(ctx, tx)
	if err != nil {
		return nil, err
	}
	there := map[string]bool{}
	for _, s := range silos {
		there[s.Silo] = true
		if err := store.Walk(ctx, tx, s, seen[s.Silo], false); err != nil {
			return nil, err
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
