package chain

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/keystore"
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
	rows, err := l.store.Query(ctx, `SELECT s.name, k.key_version, k.state, k.created_at, k.destroyed_at, k.evidence
		FROM silo_key k JOIN silo s ON s.silo = k.silo
		ORDER BY s.name, k.key_version`)
	if err != nil {
		return nil, fmt.Errorf("read states of keys: %w", err)
	}
	defer rows.Close()
	var versions []KeyVersion
	for rows.Next() {
		var k KeyVersion
		var created, destroyed int64
		var evidence []byte
		if err := rows.Scan(&k.Silo, &k.Version, &k.State, &created, &destroyed, &evidence); err != nil {
			return nil, fmt.Errorf("read states of keys: %w", err)
		}
		k.CreatedAt, k.DestroyedAt = event.Instant(created), event.Instant(destroyed)
		copy(k.Evidence[:], evidence)
		versions = append(versions, k)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read states of keys: %w", err)
	}
	return versions, nil
}

// DestroyedKey records that a version of a silo's key was destroyed. Said twice, the first holds.
func (l *Log) DestroyedKey(ctx context.Context, silo string, version int, at time.Time,
	evidence [sha256.Size]byte) error {
	return l.store.Write(ctx, fmt.Sprintf("record destruction of the key of silo %q", silo),
		func(tx *database.Txn) error {
			s, err := FindSilo(ctx, tx.Handle, silo)
			if errors.Is(err, ErrUnknownSilo) {
				return nil // nothing was ever referred to by it
			}
			if err != nil {
				return err
			}
			_, err = tx.Exec(ctx, `UPDATE silo_key SET state = ?, active = NULL, destroyed_at = ?, evidence = ?
				WHERE silo = ? AND key_version = ? AND destroyed_at = 0`,
				string(KeyDestroyed), event.Micros(at), evidence[:], s.ID, version)
			return err
		})
}

// keyed makes sure that a silo has a key in use, and records which version a silo that is new begins with.
func (w *Writer) keyed(ctx context.Context, first int) error {
	err := w.Tx.Row(ctx, `SELECT key_version FROM silo_key WHERE silo = ? AND active = 1`, w.Silo.ID).Scan(&w.Version)
	if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	var known int
	if err := w.Tx.Row(ctx, `SELECT COUNT(*) FROM silo_key WHERE silo = ?`, w.Silo.ID).Scan(&known); err != nil {
		return err
	}
	if known > 0 {
		return fmt.Errorf("%w; the registry says so, whatever the keystore holds: give the silo another name",
			keystore.ErrDestroyed)
	}
	w.Version = first
	return w.useKey(ctx)
}

// NewKey retires the key in use and puts the next one in its place, to which every reference was carried over.
func (w *Writer) NewKey(ctx context.Context, keys *keystore.SiloKey) error {
	if _, err := w.Tx.Exec(ctx, `UPDATE silo_key SET state = ?, active = NULL WHERE silo = ? AND active = 1`,
		string(KeyRetiring), w.Silo.ID); err != nil {
		return err
	}
	w.Version = keys.Version()
	if err := w.useKey(ctx); err != nil {
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

// checkKeys compares the versions of keys in use.
func (s *Store) checkKeys(ctx context.Context, keys map[string]int) error {
	if len(keys) == 0 {
		return nil
	}
	versions, err := NewLog(s).KeyVersions(ctx)
	if err != nil {
		return err
	}
	for _, v := range versions {
		if has, ok := keys[v.Silo]; ok && v.State == KeyActive {
			if err := fits(v.Silo, v.Version, has); err != nil {
				return err
			}
		}
	}
	return nil
}
