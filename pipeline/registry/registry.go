// Package registry is the consent registry: per silo an append-only, hash-chained log of what people agreed
// to, with the keyed references that find a row's person in it. It knows no names and no addresses: a
// person is a keyed reference of one silo (package keystore), and two silos share no stored value.
//
// A night uses it in this order: Open, Verify against yesterday's heads, ExpireDue (only when applying),
// Standings once for each silo, Standings.Match and At for each row, and under the lock of a changed chunk
// Head, with Refresh when it moved. Import and Append bring events in.
//
// A Registry is made of parts, each a package with nouns of its own: what happened (event) and to whom
// (identifier), how sources deliver it (delivery), the log of each silo (chain), what it says at an instant
// (standings), holds and requests (cases), what ends and is forgotten (retention), the record that a
// person is given (receipt), and what is done to all of it at once (whole). What is left here: opening it, a Person
// with their collections and past events, and the rows that nights leave beside the log: Flag, Tombstone and Delivery.
//
// It lives in SQLite (embedded, the default), PostgreSQL, MySQL or MariaDB. UPDATE and DELETE of an event
// are refused by the database; what a superuser does all the same is found by Verify. Every row that a decision
// reads is sealed with the silo's key (package seal): Standings, Flags, Tombstones, Holds and all others return
// ErrTampered for what somebody else wrote, and nothing is written upon it. Upgrade seals and veils a registry of
// before. On a server the service account needs, in a database of the registry's own, CREATE, ALTER, INDEX, REFERENCES
// and TRIGGER once, for `lethe registry init`; then SELECT on all tables, INSERT on all, UPDATE and DELETE on all but
// event.
package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"lethe/pipeline/numbered"
	"lethe/pipeline/registry/cases"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/delivery"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/internal/tables"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/retention"
	"lethe/pipeline/registry/seal"
	"lethe/pipeline/registry/standings"
	"lethe/pipeline/registry/whole"
)

// Config says where the registry is and how it is opened.
type Config struct {
	Driver     string // sqlite (the default), postgres, or mysql, which is MariaDB as well
	DSN        string // for sqlite the path of the file; else a secret, which no error holds
	Plaintext  bool   // allow a connection without TLS
	ReadOnly   bool   // refuse every writing call; a run without --apply opens so
	AllowEmpty bool   // do not return ErrEmpty: for those who fill it, or decide without it
	// by which references are made and rows are sealed: a registry whose references are under another version of a
	// silo's key is refused (ErrKeyVersion), but for who carries them over
	Keys       *keystore.Keystore
	AnyVersion bool
	Now        func() time.Time // the clock of recorded_at; nil: time.Now. A simulated night gives its as_of
	Shuffle    delivery.Shuffle // of the events of a delivery; nil: at random, so that their order says nothing
	// of a server: how long it may answer nothing, and how long a statement may be at work without a row while it
	// answers others; 0 is the default of package wire
	AnswerWithin, StatementWithin time.Duration
	Room                          *numbered.Room // where standings lie; nil: in memory
	// Wrote gets to know where the chains end when a registry that was written to is closed, so that an older copy is
	// found; anew: two people said that this is how they stand. nil: nobody does.
	Wrote func(ctx context.Context, heads []chain.Head, anew bool) error
}

// What a caller can tell apart with errors.Is.
var (
	// the configuration names no registry that can be opened as it stands; the error says which part of it
	ErrConfig      = database.ErrConfig
	ErrEmpty       = errors.New("registry is empty") // the registry has no event of any silo
	ErrMissing     = database.ErrMissing             // there is no registry at the DSN; it is never created silently
	ErrUnreachable = database.ErrUnreachable         // the server of the DSN does not answer, or refuses the account
	ErrLocked      = database.ErrLocked              // another writer holds the registry
	ErrSchema      = database.ErrSchema              // the file is no registry, or one of another version
	ErrReadOnly    = chain.ErrReadOnly               // a writing call on a registry that was opened to read
	// a chain is broken, a head that was seen before is not in it, or a row beside it is not as it was written: a
	// *chain.TamperedError
	ErrTampered    = chain.ErrTampered
	ErrKeyVersion  = chain.ErrKeyVersion  // the references of a silo are under another version of its key
	ErrUnknownSilo = chain.ErrUnknownSilo // the registry has never heard of the silo
	// an event, hold or request cannot be recorded as it is: mostly an *event.RefusedError
	ErrRefused  = event.ErrRefused
	ErrDelivery = delivery.ErrUnreadable // the delivery as a whole is not one that can be read
)

func (c Config) database() database.Config {
	return database.Config{Driver: c.Driver, DSN: c.DSN, Plaintext: c.Plaintext, ReadOnly: c.ReadOnly,
		AnswerWithin: c.AnswerWithin, StatementWithin: c.StatementWithin}
}

// String keeps the DSN out of logs.
func (c Config) String() string { return c.database().String() }

// OnServer reports whether the registry is on a server, and no file.
func (c Config) OnServer() bool { return c.Driver != "" && c.Driver != "sqlite" }

// Same reports whether a source's DSN, or path, names the database of the registry, however both are spelled.
func (c Config) Same(dsn string) bool { return c.database().Same(dsn) }

// Registry is an open registry. It is safe for concurrent use; there is one writer at a time. What it can
// do beside its own methods is that of its parts.
type Registry struct {
	*chain.Log           // Append, Import, Heads, Verify, KeyVersions
	*cases.Cases         // legal holds and requests
	*retention.Retention // ExpireDue, ForgetEnded, Retire
	*whole.Whole         // VerifyRows, VerifyCases
	store                *chain.Store
	room                 *numbered.Room
	wrote                func(context.Context, []chain.Head, bool) error
}

// What is done to a registry as a whole: see package whole.
type (
	Upgraded = whole.Upgraded
	Resealed = whole.Resealed
)

func (c Config) whole() whole.Config {
	return whole.Config{Config: c.database(), Keys: c.Keys, Now: c.Now, Shuffle: c.Shuffle}
}

// Upgrade moves a registry of a version before over to this one (`lethe registry upgrade`): see whole.Upgrade.
func Upgrade(ctx context.Context, c Config, seen map[string]chain.Head) (Upgraded, error) {
	return whole.Upgrade(ctx, c.whole(), seen)
}

// Reseal is the way out of a registry of which rows do not hold (`lethe registry reseal`): see whole.Reseal.
func Reseal(ctx context.Context, c Config, seen map[string]chain.Head, agreed func([]Resealed) error) ([]Resealed,
	error) {
	done, err := whole.Reseal(ctx, c.whole(), seen, agreed)
	if err != nil || len(done) == 0 || c.Wrote == nil {
		return done, err
	}
	r, err := Open(ctx, c)
	if err != nil {
		return done, err
	}
	heads, err := r.Heads(ctx)
	if err == nil {
		err = c.Wrote(ctx, heads, true)
	}
	return done, errors.Join(err, r.Close())
}

// Create makes an empty registry (`lethe registry init`): a new file, or the tables in a database of a
// server, which must exist and be empty, because the registry has a database of its own.
func Create(ctx context.Context, c Config) error {
	if err := tables.Create(ctx, c.database()); err != nil {
		return fmt.Errorf("create %s: %w", c, err)
	}
	return nil
}

// Open opens an existing registry: ErrMissing when it is not there, ErrUnreachable when its server does not
// answer, ErrSchema when it is something else, ErrEmpty when no event is in it. Soon after the context ends so does
// every wait for a server: it is that of the program.
func Open(ctx context.Context, c Config) (*Registry, error) {
	r, err := open(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", c, err)
	}
	return r, nil
}

func open(ctx context.Context, c Config) (*Registry, error) {
	db, err := tables.Open(ctx, c.database())
	if err != nil {
		return nil, err
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Shuffle == nil {
		c.Shuffle = rand.Shuffle
	}
	if !c.AllowEmpty {
		err = filled(ctx, db)
	}
	var store *chain.Store
	if err == nil {
		store, err = chain.NewStore(ctx, db, c.ReadOnly, c.Keys, c.Now, c.Shuffle)
	}
	if err == nil {
		err = seal.Undisturbed(ctx, db.Handle)
	}
	if err == nil && !c.AnyVersion {
		err = chain.NewLog(store).CheckKeys(ctx)
	}
	if err != nil {
		db.Close()
		return nil, err
	}
	return &Registry{chain.NewLog(store), cases.New(store), retention.New(store), whole.New(store), store, c.Room,
		c.Wrote}, nil
}

func filled(ctx context.Context, db *database.DB) error {
	var n int
	if err := db.Row(ctx, `SELECT COUNT(*) FROM silo WHERE head_seq > 0`).Scan(&n); err != nil {
		return err
	}
	if n == 0 {
		return fmt.Errorf("%w; import consents with `lethe consent import`", ErrEmpty)
	}
	return nil
}

// notedWithin is for how long a registry that is closed waits until it is noted where its chains end.
const notedWithin = 30 * time.Second

// Close closes the database, after it has said what was written.
func (r *Registry) Close() error {
	var err error
	if r.wrote != nil && r.store.Saved.Load() {
		ctx, cancel := context.WithTimeout(context.Background(), notedWithin)
		defer cancel()
		var heads []chain.Head
		if heads, err = r.Heads(ctx); err == nil {
			err = r.wrote(ctx, heads, false)
		}
	}
	return errors.Join(err, r.store.Close())
}

// MarkSimulated records that nights with a simulated clock write to this registry: what they recorded lies
// ahead of the real time. It cannot be taken back.
func (r *Registry) MarkSimulated(ctx context.Context) error {
	return r.store.Write(ctx, "mark registry simulated", func(tx *database.Txn) error {
		_, err := tx.Exec(ctx, `INSERT INTO meta (name, value) VALUES ('clock', 'simulated')`+tx.Ignoring("name"))
		return err
	})
}

// Simulated says whether MarkSimulated was ever called.
func (r *Registry) Simulated(ctx context.Context) (bool, error) {
	value, err := tables.Meta(ctx, r.store.Handle, "clock")
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read registry: %w", err)
	}
	return value == "simulated", nil
}

// Standings loads a silo as it stands at asOf, at the chain's present head: see Load.
func (r *Registry) Standings(ctx context.Context, silo string, asOf time.Time,
	purposes map[string]event.Type) (*standings.Standings, error) {
	return standings.Load(ctx, r.store, silo, asOf, purposes, r.room)
}

// Refresh brings standings to the chain's present head and returns the collections that were touched, none
// when nothing moved.
func (r *Registry) Refresh(ctx context.Context, s *standings.Standings) ([]int32, error) {
	return s.Refresh(ctx, r.store)
}
