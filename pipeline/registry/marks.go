package registry

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/keystore"
)

// The rows beside the log: flags, tombstones, record links.

// Flag is the first night that found a record dead for a reason that has no date of its own.
type Flag struct {
	FlagKey
	Since time.Time // the as_of of that night
}

// FlagKey names a flag within its silo.
type FlagKey struct {
	Record keystore.Ref // SiloKey.Record of the row
	Reason string
}

// Flags loads a silo's flags.
func (r *Registry) Flags(ctx context.Context, silo string) (map[FlagKey]time.Time, error) {
	flags := map[FlagKey]time.Time{}
	err := r.store.EachOf(ctx, silo, `SELECT record_ref, reason, since FROM flag
		WHERE silo = ?`, func(rows *sql.Rows) error {
		var ref sql.RawBytes
		var key FlagKey
		var since int64
		if err := rows.Scan(&ref, &key.Reason, &since); err != nil {
			return err
		}
		copy(key.Record[:], ref)
		flags[key] = event.Instant(since)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read flags of silo %q: %w", silo, err)
	}
	return flags, nil
}

// SetFlags records flags. One that is there already keeps its first night.
func (r *Registry) SetFlags(ctx context.Context, silo string, flags []Flag) error {
	return r.bulkWrite(ctx, silo, "set flags", "flag", "silo, record_ref, reason, since",
		r.store.Ignoring("silo, record_ref, reason"), len(flags),
		func(silo database.Cell, i int) []database.Cell {
			return []database.Cell{silo, database.Blob(flags[i].Record[:]), database.Text(flags[i].Reason),
				database.Number(event.Micros(flags[i].Since))}
		})
}

// DropFlags removes the flags whose reason is gone.
func (r *Registry) DropFlags(ctx context.Context, silo string, keys []FlagKey) error {
	return r.eachWrite(ctx, silo, "drop flags", `DELETE FROM flag WHERE silo = ? AND record_ref = ?
		AND reason = ?`, len(keys),
		func(silo int64, i int) []any { return []any{silo, keys[i].Record[:], keys[i].Reason} })
}

// Tombstone is the keyed trace of an erased or anonymized record, by which a restored backup is erased
// again. Record binds source, object and key; Subject the person, because a source uses the
// key of a deleted row again. One of action Shared is about an identifier that the record had and others have too:
// Record binds source and object only, Subject is the identifier.
type Tombstone struct {
	Record, Subject keystore.Ref
	System, Object  string // the live source and its table
	Action          string // delete, anonymize or clear; Shared
	PlanDigest      string
	ErasedAt        time.Time
	DropAfter       time.Time // when the last backup that could hold the record is gone
}

// Shared is the action of a tombstone that remembers of an identifier that several records had it, one of which is
// erased: it still says nothing of the others.
const Shared = "shared"

// Place is the record of such a tombstone: it names the rows of an object of a system, and their copies in backups.
func Place(keys *keystore.SiloKey, system, object string) keystore.Ref {
	return keys.Record(system, object+"\x1f"+Shared, nil)
}

// PutTombstones records tombstones. One of the same record and person is replaced and keeps the later
// DropAfter.
func (r *Registry) PutTombstones(ctx context.Context, silo string, tombstones []Tombstone) error {
	rows := oneEach(tombstones)
	return r.bulkWrite(ctx, silo, "put tombstones", "tombstone",
		`silo, record_ref, subject_ref, "system", object, action, plan_digest, erased_at, drop_after`,
		r.store.Replacing("tombstone", "silo, record_ref, subject_ref", "drop_after", "action", "plan_digest",
			"erased_at"), len(rows),
		func(silo database.Cell, i int) []database.Cell {
			t := &rows[i]
			return []database.Cell{silo, database.Blob(t.Record[:]), database.Blob(t.Subject[:]),
				database.Text(t.System), database.Text(t.Object), database.Text(t.Action),
				database.Text(t.PlanDigest), database.Number(event.Micros(t.ErasedAt)),
				database.Number(event.Micros(t.DropAfter))}
		})
}

// oneEach sorts tombstones and leaves one of each record and person, as if they were put one after the
// other: one statement may not put two.
func oneEach(tombstones []Tombstone) []Tombstone {
	rows := slices.Clone(tombstones)
	slices.SortStableFunc(rows, func(a, b Tombstone) int {
		return cmp.Or(bytes.Compare(a.Record[:], b.Record[:]), bytes.Compare(a.Subject[:], b.Subject[:]))
	})
	one := rows[:0]
	for _, t := range rows {
		if last := len(one) - 1; last >= 0 && one[last].Record == t.Record && one[last].Subject == t.Subject {
			if one[last].DropAfter.After(t.DropAfter) {
				t.DropAfter = one[last].DropAfter
			}
			one[last] = t
			continue
		}
		one = append(one, t)
	}
	return one
}

// DropTombstones removes those of over, and what linked their records, whose keys are free. Of those of
// severed it removes the person: what stays says that the record was anonymized, and no longer whose it
// was.
func (r *Registry) DropTombstones(ctx context.Context, silo string, over, severed []Tombstone) error {
	nobodys := slices.Clone(severed)
	for i := range nobodys {
		nobodys[i].Subject = keystore.Ref{}
	}
	if err := r.PutTombstones(ctx, silo, nobodys); err != nil {
		return err
	}
	if err := r.eachWrite(ctx, silo, "unlink", `DELETE FROM record_link WHERE silo = ? AND record_ref = ?`, len(over),
		func(silo int64, i int) []any { return []any{silo, over[i].Record[:]} }); err != nil {
		return err
	}
	gone := slices.Concat(over, severed)
	return r.eachWrite(ctx, silo, "drop tombstones", `DELETE FROM tombstone WHERE silo = ? AND record_ref = ?
		AND subject_ref = ?`, len(gone),
		func(silo int64, i int) []any { return []any{silo, gone[i].Record[:], gone[i].Subject[:]} })
}

// Tombstones are a silo's tombstones, sorted by record and subject.
type Tombstones struct {
	list []Tombstone
}

// Tombstones loads a silo's tombstones.
func (r *Registry) Tombstones(ctx context.Context, silo string) (*Tombstones, error) {
	t := &Tombstones{}
	err := r.store.EachOf(ctx, silo, `SELECT record_ref, subject_ref, "system", object, action, plan_digest,
		erased_at, drop_after FROM tombstone
		WHERE silo = ? ORDER BY record_ref, subject_ref`, func(rows *sql.Rows) error {
		var record, subject sql.RawBytes
		var one Tombstone
		var erased, drop int64
		if err := rows.Scan(&record, &subject, &one.System, &one.Object, &one.Action, &one.PlanDigest, &erased,
			&drop); err != nil {
			return err
		}
		copy(one.Record[:], record)
		copy(one.Subject[:], subject)
		one.ErasedAt, one.DropAfter = event.Instant(erased), event.Instant(drop)
		t.list = append(t.list, one)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read tombstones of silo %q: %w", silo, err)
	}
	return t, nil
}

// Len is their number.
func (t *Tombstones) Len() int { return len(t.list) }

// All returns them, sorted by record and subject. The caller must not change the slice.
func (t *Tombstones) All() []Tombstone { return t.list }

// Find returns the tombstones of a record, one for each person who ever had its key. To erase again, the
// subject must agree as well; an anonymized row (A0) has no identifier left to compare.
func (t *Tombstones) Find(record keystore.Ref) []Tombstone {
	from, found := slices.BinarySearchFunc(t.list, record,
		func(t Tombstone, ref keystore.Ref) int { return bytes.Compare(t.Record[:], ref[:]) })
	if !found {
		return nil
	}
	to := from
	for to < len(t.list) && t.list[to].Record == record {
		to++
	}
	return t.list[from:to:to]
}

// bulkWrite inserts n rows in one transaction; clash says what becomes of a row whose key is there.
func (r *Registry) bulkWrite(ctx context.Context, silo, what, table, columns, clash string, n int,
	row func(silo database.Cell, i int) []database.Cell) error {
	if n == 0 {
		return nil
	}
	return r.store.Write(ctx, fmt.Sprintf("%s of silo %q", what, silo), func(tx *database.Txn) error {
		w, err := r.store.Writer(ctx, tx, silo) // a silo may get flags before its first event
		if err != nil {
			return err
		}
		rows := database.NewBulk(tx, table, columns)
		rows.Clash = clash
		for i := range n {
			rows.Add(row(database.Number(w.Silo.ID), i)...)
			if i%database.FlushRows == database.FlushRows-1 {
				if err := rows.Flush(ctx); err != nil {
					return err
				}
			}
		}
		return rows.Flush(ctx)
	})
}

// eachWrite runs one statement n times in one transaction.
func (r *Registry) eachWrite(ctx context.Context, silo, what, statement string, n int,
	args func(silo int64, i int) []any) error {
	if n == 0 {
		return nil
	}
	return r.store.Write(ctx, fmt.Sprintf("%s of silo %q", what, silo), func(tx *database.Txn) error {
		w, err := r.store.Writer(ctx, tx, silo) // a silo may get flags before its first event
		if err != nil {
			return err
		}
		st, err := tx.Prepared(ctx, statement)
		if err != nil {
			return err
		}
		defer st.Close()
		for i := range n {
			if _, err := st.ExecContext(ctx, args(w.Silo.ID, i)...); err != nil {
				return err
			}
		}
		return nil
	})
}
