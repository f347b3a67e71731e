// Package tables is how a registry's tables are laid out, and the order in which whole silos are read from
// them: the Schema, AllFacts by collection, AllEvents by position.
package tables

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/registry/internal/database"
)

// schemaVersion is stored with the registry; another version is refused.
const schemaVersion = 6

// Schema creates the tables. Facts only: rules are the policy file's. Everything hangs on a silo's number,
// so no key, index or foreign key can lead from one silo into another. Times are microseconds since 1970 in
// UTC, 0 for none. References and hashes are raw bytes.
//
// An event's prev_hash is not stored, it is the hash of the row before; a
// collection's own id is an alias of kind "collection", so one index serves every way to find a collection;
// the age bucket stands in the event that said it. An event's payload names the references that became
// aliases by it, so the aliases of a collection are found through its events and need no index of their
// own, and the chain commits to whose they are. Evidence is part of the payload, because both are severed
// together: its salted commitment and the salt. A collection is a number that payloads, aliases and links
// carry; there is no row of its own, and the version of the key stands with each alias. Collections are
// numbered within their silo, so what names one by silo and number cannot name another silo's; a foreign
// key to the collection would have each purge of one search all aliases.
//
// What would tell, without the keys, who in one silo is who in another is stored veiled, and the chain hashes it as it
// is stored: when an event happened, took effect, ended and was recorded, what recognises it, and of its payload the
// collection, the details, the references, what its content was and the salt of its proof; but not of events of the
// whole silo, block 0, which are nobody's. Beside the chain the collection of aliases and links, since when a flag
// stands, when a tombstone began and ends, and all numbers of holds and requests but 0; of a link nobody says since
// when.
//
// A row's seal is the tag of package seal over what a decision reads of it; that of a silo the box with the sums
// of its tables, NULL where the silo has no key any more.
//
// Written in SQLite's words; an engine replaces those it has others for. NUMBERED is a key that the
// database counts, LONGTEXT and LONGBLOB are of any length; other texts have at most 255 bytes, blobs 32.
// The engine's guards come after it.
var Schema = []string{
	`CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID`,

	`CREATE TABLE silo (
		silo        NUMBERED,
		name        TEXT    NOT NULL UNIQUE,
		head_seq    INTEGER NOT NULL,
		head_hash   BLOB    NOT NULL,
		collections INTEGER NOT NULL,
		recorded_at INTEGER NOT NULL,
		heard_at    INTEGER NOT NULL,
		seal        LONGBLOB)`,

	// active is 1 or NULL, so that the key of the table allows one active version a silo on every engine.
	`CREATE TABLE silo_key (
		silo         INTEGER NOT NULL,
		key_version  INTEGER NOT NULL CHECK (key_version > 0),
		state        TEXT    NOT NULL CHECK (state IN ('active', 'retiring', 'destroyed')),
		active       INTEGER CHECK (active = 1),
		created_at   INTEGER NOT NULL,
		destroyed_at INTEGER NOT NULL,
		evidence     BLOB,
		seal       BLOB    NOT NULL DEFAULT '',
		PRIMARY KEY (silo, key_version),
		UNIQUE (silo, active),
		CHECK ((state = 'active') = (active IS NOT NULL)),
		CHECK ((state = 'destroyed') = (destroyed_at > 0)),
		CHECK ((state = 'destroyed') = (evidence IS NOT NULL)),
		FOREIGN KEY (silo) REFERENCES silo (silo) DEFERRABLE INITIALLY DEFERRED) WITHOUT ROWID`,

	`CREATE TABLE subject_alias (
		silo       INTEGER NOT NULL,
		alias_ref  BLOB    NOT NULL CHECK (length(alias_ref) = 32),
		collection INTEGER NOT NULL,
		kind       TEXT    NOT NULL,
		key_version INTEGER NOT NULL,
		seal       BLOB    NOT NULL DEFAULT '',
		PRIMARY KEY (silo, alias_ref, collection),
		FOREIGN KEY (silo) REFERENCES silo (silo) DEFERRABLE INITIALLY DEFERRED) WITHOUT ROWID`,

	`CREATE TABLE event (
		silo            INTEGER NOT NULL,
		seq             INTEGER NOT NULL CHECK (seq > 0),
		type            TEXT    NOT NULL,
		purpose         TEXT    NOT NULL,
		purpose_version TEXT    NOT NULL,
		basis           TEXT    NOT NULL,
		occurred_at     INTEGER NOT NULL,
		zone            TEXT    NOT NULL,
		effective_from  INTEGER NOT NULL,
		effective_until INTEGER NOT NULL,
		recorded_at     INTEGER NOT NULL,
		method          TEXT    NOT NULL,
		source          TEXT    NOT NULL,
		idem            BLOB    NOT NULL,
		notice          TEXT    NOT NULL,
		commitment      BLOB    NOT NULL,
		hash            BLOB    NOT NULL,
		PRIMARY KEY (silo, seq),
		CHECK (type NOT IN ('given', 'renewed') OR (purpose <> '' AND notice <> ''))) WITHOUT ROWID`,
	`CREATE UNIQUE INDEX event_idem ON event (silo, idem)`,

	`CREATE TABLE event_payload (
		silo       INTEGER NOT NULL,
		seq        INTEGER NOT NULL,
		collection INTEGER NOT NULL,
		flags      INTEGER NOT NULL,
		details    LONGTEXT NOT NULL,
		refs       LONGBLOB,
		content    BLOB    NOT NULL,
		salt       BLOB    NOT NULL,
		evidence   BLOB,
		evidence_salt BLOB,
		seal       BLOB    NOT NULL DEFAULT '',
		block      INTEGER NOT NULL DEFAULT 0,
		PRIMARY KEY (silo, seq),
		CHECK ((evidence IS NULL) = (evidence_salt IS NULL))) WITHOUT ROWID`,
	payloadIndex,

	`CREATE TABLE record_link (
		silo       INTEGER NOT NULL,
		record_ref BLOB    NOT NULL,
		collection INTEGER NOT NULL,
		"system"     TEXT    NOT NULL,
		object     TEXT    NOT NULL,
		linked_at  INTEGER NOT NULL,
		seal       BLOB    NOT NULL DEFAULT '',
		PRIMARY KEY (silo, record_ref, collection),
		FOREIGN KEY (silo) REFERENCES silo (silo) DEFERRABLE INITIALLY DEFERRED) WITHOUT ROWID`,

	`CREATE TABLE legal_hold (
		silo        INTEGER NOT NULL,
		hold        TEXT    NOT NULL,
		case_ref    TEXT    NOT NULL,
		placed_by   TEXT    NOT NULL,
		placed_at   INTEGER NOT NULL,
		approved_by TEXT    NOT NULL CHECK (approved_by <> placed_by),
		review_by   INTEGER NOT NULL,
		released_by TEXT    NOT NULL,
		release_approved_by TEXT NOT NULL CHECK (release_approved_by = '' OR release_approved_by <> released_by),
		released_at INTEGER NOT NULL,
		seal       BLOB    NOT NULL DEFAULT '',
		PRIMARY KEY (silo, hold),
		FOREIGN KEY (silo) REFERENCES silo (silo) DEFERRABLE INITIALLY DEFERRED) WITHOUT ROWID`,

	`CREATE TABLE request (
		silo      INTEGER NOT NULL,
		request   TEXT    NOT NULL,
		kind      TEXT    NOT NULL,
		received_at INTEGER NOT NULL,
		due_at    INTEGER NOT NULL,
		extended_to INTEGER NOT NULL,
		extended_on INTEGER NOT NULL,
		because   TEXT    NOT NULL,
		paused_at INTEGER NOT NULL,
		paused    INTEGER NOT NULL,
		closed_at INTEGER NOT NULL,
		outcome   TEXT    NOT NULL,
		exception TEXT    NOT NULL,
		seal       BLOB    NOT NULL DEFAULT '',
		CHECK ((extended_to = 0) = (because = '')),
		PRIMARY KEY (silo, request),
		FOREIGN KEY (silo) REFERENCES silo (silo) DEFERRABLE INITIALLY DEFERRED) WITHOUT ROWID`,

	`CREATE TABLE tombstone (
		silo        INTEGER NOT NULL,
		record_ref  BLOB    NOT NULL,
		subject_ref BLOB    NOT NULL,
		"system"      TEXT    NOT NULL,
		object      TEXT    NOT NULL,
		action      TEXT    NOT NULL,
		plan_digest TEXT    NOT NULL,
		erased_at   INTEGER NOT NULL,
		drop_after  INTEGER NOT NULL,
		seal       BLOB    NOT NULL DEFAULT '',
		PRIMARY KEY (silo, record_ref, subject_ref)) WITHOUT ROWID`,

	`CREATE TABLE flag (
		silo       INTEGER NOT NULL,
		record_ref BLOB    NOT NULL,
		reason     TEXT    NOT NULL,
		since      INTEGER NOT NULL,
		seal       BLOB    NOT NULL DEFAULT '',
		PRIMARY KEY (silo, record_ref, reason)) WITHOUT ROWID`,

	`CREATE TABLE sync_delivery (
		silo       INTEGER NOT NULL,
		target     TEXT    NOT NULL,
		object     TEXT    NOT NULL,
		sent_seq   INTEGER NOT NULL,
		acked_seq  INTEGER NOT NULL,
		copy_rows  INTEGER NOT NULL,
		digest     BLOB    NOT NULL,
		attempts   INTEGER NOT NULL,
		error_code TEXT    NOT NULL,
		sent_at    INTEGER NOT NULL,
		acked_at   INTEGER NOT NULL,
		seal       BLOB    NOT NULL DEFAULT '',
		PRIMARY KEY (silo, target, object)) WITHOUT ROWID`,

	`CREATE TABLE expiry_pass (
		silo          INTEGER NOT NULL,
		purpose       TEXT    NOT NULL,
		since_through INTEGER NOT NULL,
		seal       BLOB    NOT NULL DEFAULT '',
		PRIMARY KEY (silo, purpose)) WITHOUT ROWID`,
}

// Create makes an empty registry.
func Create(ctx context.Context, c database.Config) error {
	return database.Create(ctx, c, Schema, strconv.Itoa(schemaVersion),
		map[string]string{identifiers: strconv.Itoa(identifier.Version)})
}

// identifiers is the name under which meta has the oldest version of canonical forms (package identifier) of which the
// registry may hold references. A registry that says nothing was begun in version 1.
const identifiers = "identifiers"

// Identifiers is the oldest version of canonical forms of which the registry may hold references. They stay: of an
// identifier it has nothing but its reference, and so they are not made anew, but looked up beside.
func Identifiers(ctx context.Context, h database.Handle) (int, error) {
	var text string
	if err := h.Row(ctx, `SELECT COALESCE(MAX(value), '1') FROM meta WHERE name = ?`, identifiers).Scan(
		&text); err != nil {
		return 0, err
	}
	switch version, err := strconv.Atoi(text); {
	case err != nil || version < 1:
		return 0, fmt.Errorf("%w: it does not say the version of its identifiers: restore it from a copy",
			database.ErrSchema)
	case version > identifier.Version:
		return 0, fmt.Errorf("%w: its identifiers are of version %d, and this Lethe knows %d: use the Lethe that "+
			"made it, or a later one", database.ErrSchema, version, identifier.Version)
	default:
		return version, nil
	}
}

// Open opens a registry that exists: ErrSchema when it is something else, or one of another version.
func Open(ctx context.Context, c database.Config) (*database.DB, error) {
	db, err := database.Open(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := checkVersion(ctx, db); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// The versions of before that are taken over: without seals, without veils, and with the instants of holds and requests
// in the clear. The others were left by an upgrade that was cut off when all but the guards was done: by the Lethe
// before, and by this one.
const (
	unsealed       = "3"
	unveiled       = "4"
	dated          = "5"
	datedUnguarded = "4, veiled"
	unguarded      = "6, unguarded"
)

// Before is in which way a registry is one of before.
type Before int

// A registry is of this version, is one of before with or without seals, with all but holds and requests veiled, or was
// left when all but the guards was done.
const (
	Current Before = iota
	Sealed
	Unsealed
	Dated
	Unguarded
)

// OpenBefore opens a registry of a version before, to be upgraded, or one of this version.
func OpenBefore(ctx context.Context, c database.Config) (db *database.DB, is Before, err error) {
	if db, err = database.Open(ctx, c); err != nil {
		return nil, Current, err
	}
	if version, err := Meta(ctx, db.Handle, "schema"); err == nil {
		switch version {
		case unsealed:
			var n int // it may say so, and have them
			if err := db.Row(ctx, `SELECT COUNT(*) FROM silo WHERE seal IS NOT NULL`).Scan(&n); err == nil && n > 0 {
				return db, Sealed, nil
			}
			return db, Unsealed, nil
		case unveiled:
			return db, Sealed, nil
		case datedUnguarded:
			if err := finish(ctx, db, dated); err != nil {
				return nil, Current, errors.Join(err, db.Close())
			}
			return db, Dated, nil
		case dated:
			return db, Dated, nil
		case unguarded:
			return db, Unguarded, nil
		}
	}
	if err := checkVersion(ctx, db); err != nil {
		db.Close()
		return nil, Current, err
	}
	return db, Current, nil
}

// sealed are the tables whose rows have a seal, and that of silos.
var sealed = []string{"silo_key", "subject_alias", "event_payload", "record_link", "legal_hold", "request",
	"tombstone", "flag", "sync_delivery", "expiry_pass"}

// payloadIndex leads to the events of a block of collections.
const payloadIndex = `CREATE INDEX event_payload_block ON event_payload (silo, block, seq)`

// Prepare adds to the tables of a registry of a version before what this one has, and takes away its guards and the
// indexes by which it found what is veiled now. Cut off, it is done again.
func Prepare(ctx context.Context, db *database.DB) error {
	for _, table := range sealed {
		if err := db.AddColumn(ctx, table, "seal", "BLOB NOT NULL DEFAULT ''"); err != nil {
			return err
		}
	}
	if err := db.AddColumn(ctx, "silo", "seal", "LONGBLOB"); err != nil {
		return err
	}
	if err := db.AddColumn(ctx, "event_payload", "block", "INTEGER NOT NULL DEFAULT 0"); err != nil {
		return err
	}
	for _, index := range []string{"event_until ON event", "event_consent ON event",
		"event_payload_collection ON event_payload", "tombstone_drop ON tombstone"} {
		if err := once(ctx, db, "DROP INDEX "+index); err != nil {
			return err
		}
	}
	return db.Guard(ctx, false)
}

// once makes an index, or drops one, where that is not done yet.
func once(ctx context.Context, db *database.DB, statement string) error {
	words := strings.Fields(statement) // CREATE INDEX name ON table, or DROP INDEX name ON table
	create := words[0] == "CREATE"
	switch {
	case db.Name == "mysql":
		var n int
		if err := db.Row(ctx, `SELECT COUNT(*) FROM information_schema.statistics WHERE table_schema = DATABASE()
			AND index_name = ?`, words[2]).Scan(&n); err != nil || (n > 0) == create {
			return err
		}
	case create:
		statement = strings.Replace(statement, "CREATE INDEX", "CREATE INDEX IF NOT EXISTS", 1)
	default:
		statement = "DROP INDEX IF EXISTS " + words[2]
	}
	_, err := db.Exec(ctx, statement)
	return err
}

// Veiled says that the events of a registry, and its rows beside them, are as this version has them.
func Veiled(ctx context.Context, tx *database.Txn) error {
	return setVersion(ctx, tx.Handle, unguarded)
}

// Undated is Veiled of a registry that was Dated: it lacks no guard.
func Undated(ctx context.Context, tx *database.Txn) error {
	return setVersion(ctx, tx.Handle, strconv.Itoa(schemaVersion))
}

// Finish makes what a registry lacks that is Unguarded. Cut off, it is done again.
func Finish(ctx context.Context, db *database.DB) error {
	return finish(ctx, db, strconv.Itoa(schemaVersion))
}

func finish(ctx context.Context, db *database.DB, version string) error {
	if err := once(ctx, db, payloadIndex); err != nil {
		return err
	}
	if err := db.Guard(ctx, true); err != nil {
		return err
	}
	return setVersion(ctx, db.Handle, version)
}

func setVersion(ctx context.Context, h database.Handle, version string) error {
	_, err := h.Exec(ctx, `UPDATE meta SET value = ? WHERE name = 'schema'`, version)
	return err
}

func checkVersion(ctx context.Context, db *database.DB) error {
	version, err := Meta(ctx, db.Handle, "schema")
	number, _ := strconv.Atoi(version) // 0 of one that is none
	switch {
	case err == nil && number == schemaVersion:
		return nil
	case err == nil && slices.Contains([]string{unsealed, unveiled, datedUnguarded, dated, unguarded}, version):
		return fmt.Errorf("%w: it is of version %s, and this Lethe wants %d: `lethe registry upgrade` moves it over",
			database.ErrSchema, version, schemaVersion)
	case err == nil && number > schemaVersion:
		return fmt.Errorf("%w: it is of version %s, which a later Lethe made, and this one knows %d: use that Lethe, "+
			"or a copy of the registry from before it was moved over", database.ErrSchema, version, schemaVersion)
	case err == nil:
		return fmt.Errorf("%w: it is of version %s, and this Lethe wants %d; registry.dsn must name one made by its "+
			"`lethe registry init`",
			database.ErrSchema, version, schemaVersion)
	case errors.Is(err, database.ErrBusy):
		return database.ErrLocked
	case errors.Is(err, database.ErrUnreachable), errors.Is(err, database.ErrMissing), errors.Is(err, context.Canceled):
		return err
	}
	return fmt.Errorf("%w; registry.dsn must name one made by `lethe registry init`", database.ErrSchema)
}

// Meta is what the registry says of itself under a name; the error is sql.ErrNoRows when it says nothing.
func Meta(ctx context.Context, h database.Handle, name string) (string, error) {
	var value string
	err := h.Row(ctx, `SELECT value FROM meta WHERE name = ?`, name).Scan(&value)
	return value, err
}
