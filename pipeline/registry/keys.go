package registry

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"time"

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

// KeyVersion is what the registry knows of one version of a silo's key. The key itself is in the keystore; that it was destroyed stands here as
// well, because a folder of files can be put back from a copy, and a registry that ends before its head of yesterday is noticed.
type KeyVersion struct {
	Silo        string
	Version     int
	State       KeyState
	CreatedAt   time.Time // when the silo first used it
	DestroyedAt time.Time
	Evidence    [sha256.Size]byte // of its destruction: keystore.Evidence.Digest
}

// KeyVersions lists the keys of all silos that the registry knows, by silo and version.
func (r *Registry) KeyVersions(ctx context.Context) ([]KeyVersion, error) {
	rows, err := r.query(ctx, `SELECT s.name, k.key_version, k.state, k.created_at, k.destroyed_at, k.evidence FROM silo_key k JOIN silo s ON s.silo = k.silo
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
		k.CreatedAt, k.DestroyedAt = instant(created), instant(destroyed)
		copy(k.Evidence[:], evidence)
		versions = append(versions, k)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read states of keys: %w", err)
	}
	return versions, nil
}

// DestroyedKey records that a version of a silo's key was destroyed. Said twice, the first holds.
func (r *Registry) DestroyedKey(ctx context.Context, silo string, version int, at time.Time, evidence [sha256.Size]byte) error {
	return r.write(ctx, fmt.Sprintf("record destruction of the key of silo %q", silo), func(tx *txn) error {
		s, err := siloOf(ctx, tx.handle, silo)
		if errors.Is(err, ErrUnknownSilo) {
			return nil // nothing was ever referred to by it
		}
		if err != nil {
			return err
		}
		_, err = tx.exec(ctx, `UPDATE silo_key SET state = ?, active = NULL, destroyed_at = ?, evidence = ? WHERE silo = ? AND key_version = ? AND destroyed_at = 0`,
			string(KeyDestroyed), micros(at), evidence[:], s.id, version)
		return err
	})
}

// keyed makes sure that a silo has an active key, and records the first version of a silo that is new.
func (w *writer) keyed(ctx context.Context) error {
	var version int
	err := w.tx.row(ctx, `SELECT key_version FROM silo_key WHERE silo = ? AND active = 1`, w.silo.id).Scan(&version)
	if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	var known int
	if err := w.tx.row(ctx, `SELECT COUNT(*) FROM silo_key WHERE silo = ?`, w.silo.id).Scan(&known); err != nil {
		return err
	}
	if known > 0 {
		return fmt.Errorf("%w; the registry says so, whatever the keystore holds: give the silo another name", keystore.ErrDestroyed)
	}
	_, err = w.tx.exec(ctx, `INSERT INTO silo_key (silo, key_version, state, active, created_at, destroyed_at, evidence) VALUES (?, ?, ?, 1, ?, 0, NULL)`,
		w.silo.id, keyVersion, string(KeyActive), w.now)
	return err
}
