// Package chain is the append-only, hash-chained log of each silo: a Store is the database that the chains
// are in, the Log of it verifies them and takes events in, one by one or a delivery at a time. A Writer
// appends within a transaction; Pending is an event on its way, Head the end of a chain, Silo its row,
// KeyVersion what is known of a key. UPDATE and DELETE of an event are refused by the database; what a
// superuser does all the same Verify finds.
package chain

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"lethe/pipeline/registry/delivery"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/internal/tables"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/seal"
)

// What a caller can tell apart with errors.Is.
var (
	// ErrReadOnly: a writing call on a registry that was opened to read.
	ErrReadOnly = errors.New("registry is open read-only")
	// ErrTampered: a chain is broken, a head that was seen before is no longer in it, or a row beside it is not as
	// it was written. The error is a *TamperedError.
	ErrTampered = seal.ErrTampered
	// ErrKeyVersion: the references of a silo are under another version of its key than the keystore's.
	ErrKeyVersion = errors.New("version of the key does not fit")
	// ErrUnknownSilo: the registry has never heard of the silo.
	ErrUnknownSilo = errors.New("silo is not in the registry")
)

// TamperedError names what of a silo is not as it was written.
type TamperedError = seal.TamperedError

// Store is the database in which the chains are, with what it takes to append to them. There is one writer
// at a time.
type Store struct {
	*database.DB
	readOnly    bool
	now         func() time.Time
	keys        *keystore.Keystore
	shuffle     delivery.Shuffle
	Before      tables.Before // of a registry that is to be upgraded
	identifiers int           // the oldest version of canonical forms of which references may be in it
	mu          sync.Mutex
	sealers     map[sealerOf]*keystore.Sealer
	Saved       atomic.Bool // something of a silo was written since it was opened, or might have been
}

// sealerOf is a version of a silo's key.
type sealerOf struct {
	silo    string
	version int
}

// NewStore is a store in an open database. keys are those by which its rows are sealed; now is the clock of
// recorded_at; shuffle the order in which the events of a delivery are recorded.
func NewStore(ctx context.Context, db *database.DB, readOnly bool, keys *keystore.Keystore, now func() time.Time,
	shuffle delivery.Shuffle) (*Store, error) {
	s := &Store{DB: db, readOnly: readOnly, now: now, keys: keys, shuffle: shuffle,
		sealers: map[sealerOf]*keystore.Sealer{}}
	var err error
	s.identifiers, err = tables.Identifiers(ctx, db.Handle)
	return s, err
}

// sealer is what a silo's rows are sealed with. The error is that of the keystore where the silo has no such key.
func (s *Store) sealer(of sealerOf) (*keystore.Sealer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sealer := s.sealers[of]; sealer != nil {
		return sealer.Clone(), nil
	}
	if s.keys == nil {
		return nil, fmt.Errorf("%w: the registry was opened without keys", keystore.ErrMissing)
	}
	if of.version == 0 {
		return nil, fmt.Errorf("silo %q: %w; the registry says so, whatever the keystore holds: give the silo another "+
			"name", of.silo, keystore.ErrDestroyed)
	}
	key, err := s.keys.SiloKey(of.silo)
	if err != nil {
		return nil, err
	}
	sealer, err := key.SealerOf(of.version)
	if err != nil {
		return nil, err
	}
	s.sealers[of] = sealer
	return sealer.Clone(), nil
}

// Former reports whether the registry may hold references of identifiers as the version before wrote them
// (identifier.Former).
func (s *Store) Former() bool { return s.identifiers < identifier.Version }

// Now is the time by the clock of recorded_at.
func (s *Store) Now() time.Time { return s.now() }

// Log is the chains of all silos.
type Log struct {
	store *Store
}

// NewLog is the log that is in a store.
func NewLog(s *Store) *Log { return &Log{s} }

// Write runs f in one transaction as the only writer.
func (s *Store) Write(ctx context.Context, what string, f func(*database.Txn) error) error {
	if s.readOnly {
		return fmt.Errorf("%s: %w; open it to write (--apply)", what, ErrReadOnly)
	}
	tx, err := s.Begin(ctx, false)
	if err == nil {
		defer tx.End()
		if err = f(tx); err == nil {
			err = seal.Commit(ctx, tx, s.Before)
		}
	}
	if err != nil && ctx.Err() != nil {
		err = ctx.Err() // whatever a statement that was interrupted calls it
	}
	if errors.Is(err, database.ErrBusy) {
		return fmt.Errorf("%s: %w; wait for it, or look for the process that writes", what, database.ErrLocked)
	}
	if errors.Is(err, database.ErrTooLong) {
		err = fmt.Errorf("%w: %w", event.ErrRefused, err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// Head is the end of one silo's chain. A run's manifest keeps the heads; the next run gives them to Verify.
type Head struct {
	Silo       string
	Seq        int64 // of the last event; 0: none yet
	Hash       [sha256.Size]byte
	Count      int64     // events; equals Seq, because the positions are dense
	RecordedAt time.Time // when the last event was recorded; zero: none yet
	HeardAt    time.Time // when a source last delivered (Import, Append), even if nothing was new: the registry's age
	Writes     int64     // how often anything of the silo was written, also beside its chain; 0: nobody counted
}

// Heads lists the heads of all silos, sorted by name. The error is ErrTampered where the row of one is not as it was
// written; it is in the list all the same, as it stands.
func (l *Log) Heads(ctx context.Context) ([]Head, error) {
	rows, err := l.store.Query(ctx, SelectSilo+` ORDER BY s.name`)
	if err != nil {
		return nil, fmt.Errorf("read registry heads: %w", err)
	}
	defer rows.Close()
	var heads []Head
	var broken []error
	for rows.Next() {
		s, err := l.store.scanSilo(rows)
		if errors.Is(err, ErrTampered) {
			broken, err = append(broken, err), nil
		}
		if err != nil {
			return nil, fmt.Errorf("read registry heads: %w", err)
		}
		heads = append(heads, s.Head)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read registry heads: %w", err)
	}
	return heads, errors.Join(broken...)
}

// Head is the position of the silo's last event. It is one look-up by key, cheap enough to ask for each
// chunk. A silo that the registry does not know has position 0.
func (l *Log) Head(ctx context.Context, silo string) (int64, error) {
	var seq int64
	err := l.store.Row(ctx, `SELECT head_seq FROM silo WHERE name = ?`, silo).Scan(&seq)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("read registry head of silo %q: %w", silo, err)
	}
	return seq, nil
}

// Silo is a silo as stored: its number within this registry, its head, and the sums of its tables.
type Silo struct {
	ID int64
	Head
	Book        *seal.Book
	Former      bool // see Store.Former
	collections int64
	version     int   // of its key that is in use; 0 none
	Keyless     error // why nothing of it can be sealed or checked; nil: all can
}

// SelectSilo begins a query of silos as they are stored.
const SelectSilo = `SELECT s.silo, s.name, s.head_seq, s.head_hash, s.collections, s.recorded_at, s.heard_at, s.seal,
	COALESCE((SELECT MAX(k.key_version) FROM silo_key k WHERE k.silo = s.silo AND k.active = 1), 0) FROM silo s`

// scanSilo reads a row of SelectSilo and opens its seal. A silo whose key is gone has none that could be opened.
func (s *Store) scanSilo(row interface{ Scan(...any) error }) (Silo, error) {
	v, box, err := s.Closed(row)
	if err != nil {
		return Silo{}, err
	}
	sealer, err := s.sealer(sealerOf{v.Silo, v.version})
	if errors.Is(err, keystore.ErrDestroyed) || errors.Is(err, keystore.ErrMissing) {
		sealer, v.Keyless, err = nil, err, nil
	}
	if err != nil {
		return v, err
	}
	book, err := seal.Open(v.Silo, v.ID, sealer, box, s.beside(&v))
	if err != nil {
		return v, err
	}
	v.Writes = book.Writes()
	v.Book = book
	book.Before(s.Before)
	return v, nil
}

// Closed reads a row of SelectSilo, and the box that stands in it. Nothing of the silo can be checked.
func (s *Store) Closed(row interface{ Scan(...any) error }) (v Silo, box []byte, err error) {
	var hash []byte
	var recorded, heard int64
	v.Former = s.Former()
	if err := row.Scan(&v.ID, &v.Silo, &v.Seq, &hash, &v.collections, &recorded, &heard, &box, &v.version); err != nil {
		return Silo{}, nil, err
	}
	copy(v.Hash[:], hash)
	v.Count, v.RecordedAt, v.HeardAt = v.Seq, event.Instant(recorded), event.Instant(heard)
	v.Book = seal.New(v.Silo, v.ID, nil)
	return v, box, nil
}

// Sealer is what the rows of a silo are sealed with.
func (s *Store) Sealer(v *Silo) (*keystore.Sealer, error) {
	return s.sealer(sealerOf{v.Silo, v.version})
}

// Seal seals all rows of a silo as they stand. One whose key was destroyed stays as it is.
func (s *Store) Seal(ctx context.Context, tx *database.Txn, v Silo) error {
	sealer, err := s.sealer(sealerOf{v.Silo, v.version})
	if errors.Is(err, keystore.ErrDestroyed) {
		return nil
	}
	if err == nil {
		err = v.Book.Renew(ctx, tx, sealer)
	}
	if err != nil {
		return err
	}
	return s.Save(ctx, tx, &v)
}

// Has reports whether a silo has a collection.
func (v *Silo) Has(collection int64) bool { return collection > 0 && collection <= v.collections }

// beside is what the box of a silo's sums is closed with: what its row says, and what the registry says of its
// identifiers.
func (s *Store) beside(v *Silo) []byte {
	text := seal.Bytes(make([]byte, 0, 128), v.Silo)
	for _, n := range []int64{v.ID, v.Seq, v.collections, event.Micros(v.RecordedAt), event.Micros(v.HeardAt),
		int64(s.identifiers)} {
		text = seal.Number(text, n)
	}
	return append(text, v.Hash[:]...)
}

// Save stores a silo's row.
func (s *Store) Save(ctx context.Context, tx *database.Txn, v *Silo) error {
	_, err := tx.Exec(ctx, `UPDATE silo SET recorded_at = ?, head_seq = ?, head_hash = ?, collections = ?, heard_at = ?,
		seal = ? WHERE silo = ?`, event.Micros(v.RecordedAt), v.Seq, v.Hash[:], v.collections, event.Micros(v.HeardAt),
		v.Book.Box(s.beside(v)), v.ID)
	s.Saved.Store(true)
	return err
}

// FindSilo finds a silo: ErrUnknownSilo when no event ever came for it, ErrTampered when its row is not as it was
// written, which is then returned as it stands, with a book that can check nothing.
func (s *Store) FindSilo(ctx context.Context, h database.Handle, name string) (Silo, error) {
	v, err := s.scanSilo(h.Row(ctx, SelectSilo+` WHERE s.name = ?`, name))
	if errors.Is(err, sql.ErrNoRows) {
		return Silo{}, fmt.Errorf("silo %q: %w; import its consents with `lethe consent import --silo %s`", name,
			ErrUnknownSilo, name)
	}
	return v, err
}

// Each calls do with a silo's rows of a table, in the order of their keys: the columns that seal.Book reads. A silo
// that the registry does not know has none.
func (s *Store) Each(ctx context.Context, silo string, t seal.Table, do func(database.Row) error) error {
	tx, err := s.Begin(ctx, true)
	if err != nil {
		return err
	}
	defer tx.End()
	v, err := s.FindSilo(ctx, tx.Handle, silo)
	if errors.Is(err, ErrUnknownSilo) {
		return nil
	}
	if err != nil {
		return err
	}
	return v.Book.Each(ctx, tx, t, do)
}
