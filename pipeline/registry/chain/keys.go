package chain

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/seal"
)

// KeyState says what a version of a silo's key is good for.
type KeyState string

// The states.
const (
	KeyActive    KeyState = "active"    // references are made with it
	KeyRetiring  KeyState = "retiring"  // references made with it earlier are still found
	KeyDestroyed KeyState = "destroyed" // whoever brings the file back from a copy is refused
)

// KeyVersion is what the registry knows of one version of a silo's key. The key itself is in the keystore;
// that it was destroyed stands here as well, because a folder of files can be put back from a copy, and a
// registry that ends before its head of yesterday is noticed.
type KeyVersion struct {
	Silo        string
	Version     int
	State       KeyState
	CreatedAt   time.Time // when the silo first used it
	DestroyedAt time.Time
	Evidence    [sha256.Size]byte // of its destruction: keystore.Evidence.Digest
}

// KeyVersions lists the keys of all silos that the registry knows, by silo and version.
func (l *Log) KeyVersions(ctx context.Context) ([]KeyVersion, error) {
	heads, err := l.Heads(ctx)
	if err != nil {
		return nil, fmt.Errorf("read states of keys: %w", err)
	}
	var versions []KeyVersion
	for _, h := range heads {
		err := l.store.Each(ctx, h.Silo, seal.Key, func(row database.Row) error {
			k := KeyVersion{Silo: h.Silo, Version: int(row.ColumnInt64(0)), State: KeyState(row.ColumnRawText(1)),
				CreatedAt: event.Instant(row.ColumnInt64(2)), DestroyedAt: event.Instant(row.ColumnInt64(3))}
			copy(k.Evidence[:], row.ColumnRawBlob(4))
			versions = append(versions, k)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read states of keys: %w", err)
		}
	}
	return versions, nil
}

// DestroyedKey records that a version of a silo's key was destroyed. Said twice, the first holds.
func (l *Log) DestroyedKey(ctx context.Context, silo string, version int, at time.Time,
	evidence [sha256.Size]byte) error {
	return l.store.Write(ctx, fmt.Sprintf("record destruction of the key of silo %q", silo),
		func(tx *database.Txn) error {
			s, err := l.store.FindSilo(ctx, tx.Handle, silo)
			if errors.Is(err, ErrUnknownSilo) {
				return nil // nothing was ever referred to by it
			}
			if err != nil {
				return err
			}
			record := func() error {
				_, err := tx.Exec(ctx, `UPDATE silo_key SET state = ?, active = NULL, destroyed_at = ?, evidence = ?
					WHERE silo = ? AND key_version = ? AND destroyed_at = 0`,
					string(KeyDestroyed), event.Micros(at), evidence[:], s.ID, version)
				return err
			}
			if !s.Book.Sealed() { // it was the last, and nothing of the silo can be sealed any more
				return record()
			}
			if err := s.Book.Change(ctx, tx, seal.Key, nil, nil, record); err != nil {
				return err
			}
			return l.store.Save(ctx, tx, &s)
		})
}

// keyed makes sure that a silo has a key in use, and records which version a silo that is new begins with.
func (w *Writer) keyed(ctx context.Context) error {
	if w.Version = w.Silo.version; w.Version > 0 {
		return nil
	}
	w.Version = cmp.Or(w.store.current(w.Silo.Silo), 1)
	return w.Silo.Book.Change(ctx, w.Tx, seal.Key, nil, nil, func() error { return w.useKey(ctx) })
}

// NewKey retires the key in use and puts the next one in its place, to which every reference was carried over. All
// rows of the silo are sealed anew.
func (w *Writer) NewKey(ctx context.Context, keys *keystore.SiloKey) error {
	if _, err := w.Tx.Exec(ctx, `UPDATE silo_key SET state = ?, active = NULL WHERE silo = ? AND active = 1`,
		string(KeyRetiring), w.Silo.ID); err != nil {
		return err
	}
	w.Version = keys.Version()
	if err := w.useKey(ctx); err != nil {
		return err
	}
	sealer, err := keys.Sealer()
	if err != nil {
		return err
	}
	if err := w.Silo.Book.Renew(ctx, w.Tx, sealer); err != nil {
		return err
	}
	return w.Own(ctx, event.Rekeyed, event.Instant(w.Now), event.Details{Key: w.Version}, nil)
}

func (w *Writer) useKey(ctx context.Context) error {
	_, err := w.Tx.Exec(ctx, `INSERT INTO silo_key (silo, key_version, state, active, created_at, destroyed_at,
		evidence) VALUES (?, ?, ?, 1, ?, 0, NULL)`,
		w.Silo.ID, w.Version, string(KeyActive), w.Now)
	return err
}

// Under refuses references of another version of the key than the silo's.
func (w *Writer) Under(keys *keystore.SiloKey) error {
	return fits(w.Silo.Silo, w.Version, keys.Version())
}

func fits(silo string, registry, keystore int) error {
	switch {
	case registry < keystore:
		return fmt.Errorf("%w: silo %q: the key has version %d and the references version %d: `lethe keys rotate "+
			"--silo %s` carries them over", ErrKeyVersion, silo, keystore, registry, silo)
	case registry > keystore:
		return fmt.Errorf("%w: silo %q: the keystore lacks version %d of the key: restore it from a copy",
			ErrKeyVersion, silo, registry)
	}
	return nil
}

// current is the version in use of a silo's key; 0 it has none.
func (s *Store) current(silo string) int {
	if s.keys == nil {
		return 0
	}
	return s.keys.Current()[silo]
}

// CheckKeys compares the versions of keys in use with those that the keystore has in use.
func (l *Log) CheckKeys(ctx context.Context) error {
	if l.store.keys == nil {
		return nil
	}
	keys := l.store.keys.Current()
	rows, err := l.store.Query(ctx, `SELECT s.name, k.key_version FROM silo_key k JOIN silo s ON s.silo = k.silo
		WHERE k.active = 1 ORDER BY s.name`)
	if err != nil {
		return fmt.Errorf("read states of keys: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var silo string
		var version int
		if err := rows.Scan(&silo, &version); err != nil {
			return fmt.Errorf("read states of keys: %w", err)
		}
		if has, ok := keys[silo]; ok {
			if err := fits(silo, version, has); err != nil {
				return err
			}
		}
	}
	return rows.Err()
}
