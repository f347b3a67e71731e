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
	"time"

	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/internal/tables"
)

// What a caller can tell apart with errors.Is.
var (
	// ErrReadOnly: a writing call on a registry that was opened to read.
	ErrReadOnly = errors.New("registry is open read-only")
	// ErrTampered: a chain is broken, or a head that was seen before is no longer in it. The error is a
	// *TamperedError.
	ErrTampered = errors.New("registry was tampered with")
	// ErrKeyVersion: the references of a silo are under another version of its key than the keystore's.
	ErrKeyVersion = errors.New("version of the key does not fit")
	// ErrUnknownSilo: the registry has never heard of the silo.
	ErrUnknownSilo = errors.New("silo is not in the registry")
)

// Store is the database in which the chains are, with what it takes to append to them. There is one writer
// at a time.
type Store struct {
	*database.DB
	readOnly bool
	now      func() time.Time
	keys     map[string]int
	former   bool // references of the version of canonical forms before may be in it
}

// NewStore is a store in an open database. keys are the version in use of the key of each silo, as the
// keystore has it: another one is refused (ErrKeyVersion). now is the clock of recorded_at.
func NewStore(ctx context.Context, db *database.DB, readOnly bool, keys map[string]int, now func() time.Time) (*Store,
	error) {
	s := &Store{DB: db, readOnly: readOnly, now: now, keys: keys}
	var err error
	if s.former, err = tables.Former(ctx, db.Handle); err != nil {
		return nil, err
	}
	return s, s.checkKeys(ctx, keys)
}

// Former reports whether the registry may hold references of identifiers as the version before wrote them
// (identifier.Former).
func (s *Store) Former() bool { return s.former }

// Now is the time by the store's clock.
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
			err = tx.Commit()
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
}

// Heads lists the heads of all silos, sorted by name.
func (l *Log) Heads(ctx context.Context) ([]Head, error) {
	rows, err := l.store.Query(ctx, `SELECT silo, name, head_seq, head_hash, recorded_at, heard_at FROM silo
		ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("read registry heads: %w", err)
	}
	defer rows.Close()
	var heads []Head
	for rows.Next() {
		s, err := scanSilo(rows)
		if err != nil {
			return nil, fmt.Errorf("read registry heads: %w", err)
		}
		heads = append(heads, s.Head)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read registry heads: %w", err)
	}
	return heads, nil
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

// Silo is a silo as stored: its number within this registry and its head.
type Silo struct {
	ID int64
	Head
}

const selectSilo = `SELECT silo, name, head_seq, head_hash, recorded_at, heard_at FROM silo WHERE name = ?`

func scanSilo(row interface{ Scan(...any) error }) (Silo, error) {
	var s Silo
	var hash []byte
	var recorded, heard int64
	if err := row.Scan(&s.ID, &s.Silo, &s.Seq, &hash, &recorded, &heard); err != nil {
		return Silo{}, err
	}
	copy(s.Hash[:], hash)
	s.Count, s.RecordedAt, s.HeardAt = s.Seq, event.Instant(recorded), event.Instant(heard)
	return s, nil
}

// FindSilo finds a silo: ErrUnknownSilo when no event ever came for it.
func FindSilo(ctx context.Context, h database.Handle, name string) (Silo, error) {
	s, err := scanSilo(h.Row(ctx, selectSilo, name))
	if errors.Is(err, sql.ErrNoRows) {
		return Silo{}, fmt.Errorf("silo %q: %w; import its consents with `lethe consent import --silo %s`", name,
			ErrUnknownSilo, name)
	}
	return s, err
}

// EachOf runs a query over one silo's rows; a silo that the registry does not know has none.
func (s *Store) EachOf(ctx context.Context, silo, query string, each func(*sql.Rows) error) error {
	row, err := FindSilo(ctx, s.Handle, silo)
	if errors.Is(err, ErrUnknownSilo) {
		return nil
	}
	if err != nil {
		return err
	}
	rows, err := s.Query(ctx, query, row.ID)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
