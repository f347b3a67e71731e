// Package tables is how a registry's tables are laid out, and the order in which whole silos are read from
// them: the Schema, AllFacts by collection, AllEvents by position.
package tables

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/registry/internal/database"
)

// schemaVersion is stored with the registry; another version is refused.
const schemaVersion = 4

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
	`CREATE INDEX event_until ON event (silo, effective_until) WHERE effective_until > 0`,
	`CREATE INDEX event_consent ON event (silo, purpose, effective_from) WHERE type IN ('given', 'renewed')`,

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
		PRIMARY KEY (silo, seq),
		CHECK ((evidence IS NULL) = (evidence_salt IS NULL))) WITHOUT ROWID`,
	`CREATE INDEX event_payload_collection ON event_payload (silo, collection, seq)`,

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
	`CREATE INDEX tombstone_drop ON tombstone (silo, drop_after)`,

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

// before is the version of the registries that Upgrade takes.
const before = schemaVersion - 1

// OpenBefore opens a registry of the version before, to be upgraded; current says that it is of this one already.
func OpenBefore(ctx context.Context, c database.Config) (db *database.DB, current bool, err error) {
	if db, err = database.Open(ctx, c); err != nil {
		return nil, false, err
	}
	if version, err := Meta(ctx, db.Handle, "schema"); err == nil && version == strconv.Itoa(before) {
		return db, false, nil
	}
	if err := checkVersion(ctx, db); err != nil {
		db.Close()
		return nil, false, err
	}
	return db, true, nil
}

// sealed are the tables whose rows have a seal, and that of silos.
var sealed = []string{"silo_key", "subject_alias", "event_payload", "record_link", "legal_hold", "request",
	"tombstone", "flag", "sync_delivery", "expiry_pass"}

// AddSeals adds to the tables of a registry of the version before what this one has. Cut off, it is done again.
func AddSeals(ctx context.Context, db *database.DB) error {
	for _, table := range sealed {
		if err := db.AddColumn(ctx, table, "seal", "BLOB NOT NULL DEFAULT ''"); err != nil {
			return err
		}
	}
	if err := db.AddColumn(ctx, "silo", "seal", "LONGBLOB"); err != nil {
		return err
	}
	return db.Reguard(ctx)
}

// SetVersion says that a registry is of this version.
func SetVersion(ctx context.Context, tx *database.Txn) error {
	_, err := tx.Exec(ctx, `UPDATE meta SET value = ? WHERE name = 'schema'`, strconv.Itoa(schemaVersion))
	return err
}

func checkVersion(ctx context.Context, db *database.DB) error {
	version, err := Meta(ctx, db.Handle, "schema")
	switch {
	case err == nil && version == strconv.Itoa(schemaVersion):
		return nil
	case err == nil && version == strconv.Itoa(before):
		return fmt.Errorf("%w: it is of version %s, and this Lethe wants %d: `lethe registry upgrade` moves it over",
			database.ErrSchema, version, schemaVersion)
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
