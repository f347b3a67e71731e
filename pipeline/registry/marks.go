package registry

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"math/bits"
	"slices"
	"time"

	"lethe/pipeline/numbered"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/seal"
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
	err := r.store.Each(ctx, silo, seal.Flag, func(row database.Row) error {
		key := FlagKey{Record: keystore.Ref(row.ColumnRawBlob(0)), Reason: string(row.ColumnRawText(1))}
		flags[key] = event.Instant(row.ColumnInt64(2))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read flags of silo %q: %w", silo, err)
	}
	return flags, nil
}

// SetFlags records flags. One that is there already keeps its first night.
func (r *Registry) SetFlags(ctx context.Context, silo string, flags []Flag) error {
	refs := refsOf(flags, func(f *Flag) []byte { return f.Record[:] })
	return r.change(ctx, silo, "set flags", seal.Flag, refs, distinct(flags), func(w *chain.Writer) error {
		rows := database.NewBulk(w.Tx, "flag", "silo, record_ref, reason, since, seal")
		rows.Clash = w.Tx.Ignoring("silo, record_ref, reason")
		for i := range flags {
			f, since := &flags[i], event.Micros(flags[i].Since)
			tag, veil := w.Silo.Book.Tag(seal.Flag, f.Record[:], f.Reason, since)
			if err := add(ctx, rows, database.Number(w.Silo.ID), database.Blob(f.Record[:]), database.Text(f.Reason),
				database.Number(since^veil[0]), database.Blob(tag[:])); err != nil {
				return err
			}
		}
		return rows.Flush(ctx)
	})
}

// DropFlags removes the flags whose reason is gone.
func (r *Registry) DropFlags(ctx context.Context, silo string, keys []FlagKey) error {
	refs := refsOf(keys, func(k *FlagKey) []byte { return k.Record[:] })
	return r.change(ctx, silo, "drop flags", seal.Flag, refs, 0, func(w *chain.Writer) error {
		return each(ctx, w, `DELETE FROM flag WHERE silo = ? AND record_ref = ? AND reason = ?`, len(keys),
			func(i int) []any { return []any{w.Silo.ID, keys[i].Record[:], keys[i].Reason} })
	})
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

// Gone reports whether its record was ended: it is deleted, or anonymized.
func (t Tombstone) Gone() bool { return t.Action == "delete" || t.Action == "anonymize" }

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
	list := oneEach(tombstones)
	refs := refsOf(list, func(t *Tombstone) []byte { return t.Record[:] })
	there := map[[2]keystore.Ref]int64{}
	seen := func(row database.Row) error {
		there[[2]keystore.Ref{keystore.Ref(row.ColumnRawBlob(0)), keystore.Ref(row.ColumnRawBlob(1))}] =
			row.ColumnInt64(seal.TombstoneDropAfter)
		return nil
	}
	put := func(w *chain.Writer) error {
		rows := database.NewBulk(w.Tx, "tombstone", `silo, record_ref, subject_ref, "system", object, action,
			plan_digest, erased_at, drop_after, seal`)
		if err := replaced(ctx, w, list, there); err != nil {
			return err
		}
		for i := range list {
			t := &list[i]
			erased, drop := event.Micros(t.ErasedAt), event.Micros(t.DropAfter)
			tag, veil := w.Silo.Book.Tag(seal.Tombstone, t.Record[:], t.Subject[:], t.System, t.Object, t.Action,
				t.PlanDigest, erased, drop)
			if err := add(ctx, rows, database.Number(w.Silo.ID), database.Blob(t.Record[:]),
				database.Blob(t.Subject[:]), database.Text(t.System), database.Text(t.Object), database.Text(t.Action),
				database.Text(t.PlanDigest), database.Number(erased^veil[0]), database.Number(drop^veil[1]),
				database.Blob(tag[:])); err != nil {
				return err
			}
		}
		return rows.Flush(ctx)
	}
	return r.changeSeen(ctx, silo, "put tombstones", seal.Tombstone, refs, len(list), seen, put)
}

// replaced removes the tombstones that are there of the same records and people, whose later drop_after those that come
// keep: when they end is veiled, so the database cannot say which is later.
func replaced(ctx context.Context, w *chain.Writer, list []Tombstone, there map[[2]keystore.Ref]int64) error {
	var gone []*Tombstone
	for i := range list {
		t := &list[i]
		if drop, ok := there[[2]keystore.Ref{t.Record, t.Subject}]; ok {
			gone = append(gone, t)
			if was := event.Instant(drop); was.After(t.DropAfter) {
				t.DropAfter = was
			}
		}
	}
	return each(ctx, w, `DELETE FROM tombstone WHERE silo = ? AND record_ref = ? AND subject_ref = ?`, len(gone),
		func(i int) []any { return []any{w.Silo.ID, gone[i].Record[:], gone[i].Subject[:]} })
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
	records := func(t *Tombstone) []byte { return t.Record[:] }
	if err := r.change(ctx, silo, "unlink", seal.Link, refsOf(over, records), 0, func(w *chain.Writer) error {
		return each(ctx, w, `DELETE FROM record_link WHERE silo = ? AND record_ref = ?`, len(over),
			func(i int) []any { return []any{w.Silo.ID, over[i].Record[:]} })
	}); err != nil {
		return err
	}
	gone := slices.Concat(over, severed)
	drop := func(w *chain.Writer) error {
		return each(ctx, w, `DELETE FROM tombstone WHERE silo = ? AND record_ref = ? AND subject_ref = ?`, len(gone),
			func(i int) []any { return []any{w.Silo.ID, gone[i].Record[:], gone[i].Subject[:]} })
	}
	return r.change(ctx, silo, "drop tombstones", seal.Tombstone, refsOf(gone, records), 0, drop)
}

// Tombstones are a silo's tombstones, sorted by record and subject. References are as good as random, so their first
// bits tell where they stand.
type Tombstones struct {
	list  numbered.Column[stone]
	texts []string       // that they repeat
	known map[string]int // their places
	first []uint32       // of each bucket, where it begins in the list; one more than there are buckets
	shift int
}

// stone is a tombstone as it is kept, since there are as many as rows that were ended: its texts by their places.
type stone struct {
	record, subject                keystore.Ref
	erased, drop                   int64
	system, object, action, digest int32
}

// Tombstones loads a silo's tombstones.
func (r *Registry) Tombstones(ctx context.Context, silo string) (*Tombstones, error) {
	t := &Tombstones{known: map[string]int{}}
	t.list.Room = r.room
	err := r.store.Each(ctx, silo, seal.Tombstone, func(row database.Row) error {
		t.list.Add(stone{record: keystore.Ref(row.ColumnRawBlob(0)), subject: keystore.Ref(row.ColumnRawBlob(1)),
			system: t.text(row.ColumnRawText(2)), object: t.text(row.ColumnRawText(3)),
			action: t.text(row.ColumnRawText(4)), digest: t.text(row.ColumnRawText(5)),
			erased: row.ColumnInt64(6), drop: row.ColumnInt64(7)})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read tombstones of silo %q: %w", silo, err)
	}
	t.shift = 32 - min(bits.Len(uint(t.Len())), 32)
	t.first = numbered.Slice[uint32](r.room, 1<<(32-t.shift)+1)
	for i := range t.Len() {
		t.first[t.bucket(&t.list.At(i).record)+1]++
	}
	for b := range len(t.first) - 1 {
		t.first[b+1] += t.first[b]
	}
	return t, nil
}

// text is the place of a text.
func (t *Tombstones) text(text []byte) int32 {
	at, ok := t.known[string(text)]
	if !ok {
		at = len(t.texts)
		t.texts = append(t.texts, string(text))
		t.known[t.texts[at]] = at
	}
	return int32(at)
}

// Len is their number.
func (t *Tombstones) Len() int { return t.list.Len() }

// at is the one at a place.
func (t *Tombstones) at(i int) Tombstone {
	s := t.list.At(i)
	return Tombstone{Record: s.record, Subject: s.subject, System: t.texts[s.system], Object: t.texts[s.object],
		Action: t.texts[s.action], PlanDigest: t.texts[s.digest], ErasedAt: event.Instant(s.erased),
		DropAfter: event.Instant(s.drop)}
}

// All yields them, sorted by record and subject.
func (t *Tombstones) All() iter.Seq[Tombstone] {
	return func(yield func(Tombstone) bool) {
		for i := range t.Len() {
			if !yield(t.at(i)) {
				return
			}
		}
	}
}

// Find returns the tombstones of a record, one for each person who ever had its key. To erase again, the
// subject must agree as well; an anonymized row (A0) has no identifier left to compare.
func (t *Tombstones) Find(record keystore.Ref) (found []Tombstone) {
	if t.Len() == 0 {
		return nil
	}
	b := t.bucket(&record)
	from, end := int(t.first[b]), int(t.first[b+1])
	for from < end && t.list.At(from).record != record {
		from++
	}
	for ; from < end && t.list.At(from).record == record; from++ {
		found = append(found, t.at(from))
	}
	return found
}

// Has reports whether there is one of a record.
func (t *Tombstones) Has(record keystore.Ref) bool {
	if t.Len() == 0 {
		return false
	}
	b := t.bucket(&record)
	for at := int(t.first[b]); at < int(t.first[b+1]); at++ {
		if t.list.At(at).record == record {
			return true
		}
	}
	return false
}

func (t *Tombstones) bucket(ref *keystore.Ref) int {
	return int(uint64(binary.BigEndian.Uint32(ref[:])) >> t.shift)
}

// refsOf are the references by which rows are looked up; none is not nil, which would be all rows.
func refsOf[T any](rows []T, ref func(*T) []byte) [][]byte {
	refs := make([][]byte, 0, len(rows))
	for i := range rows {
		refs = append(refs, ref(&rows[i]))
	}
	return refs
}

// change changes rows of a table of a silo in one transaction, those of the references, and seals them; all when
// refs is nil, nothing when it is empty. least is how many rows there are of them afterwards, or more; 0 where they are
// removed, which takes nothing where there is none.
func (r *Registry) change(ctx context.Context, silo, what string, t seal.Table, refs [][]byte, least int,
	do func(*chain.Writer) error) error {
	return r.changeSeen(ctx, silo, what, t, refs, least, nil, do)
}

// changeSeen is change that hands the rows over as they are before.
func (r *Registry) changeSeen(ctx context.Context, silo, what string, t seal.Table, refs [][]byte, least int,
	seen func(database.Row) error, do func(*chain.Writer) error) error {
	if refs != nil && len(refs) == 0 {
		return nil
	}
	return r.store.Write(ctx, fmt.Sprintf("%s of silo %q", what, silo), func(tx *database.Txn) error {
		w, err := r.store.Writer(ctx, tx, silo) // a silo may get flags before its first event
		if err != nil {
			return err
		}
		if least == 0 && refs != nil && w.Silo.Book.Empty(t) {
			return nil
		}
		if err := w.Silo.Book.Change(ctx, tx, t, refs, seen, func() error { return do(w) }); err != nil {
			return err
		}
		if err := w.Silo.Book.Least(t, least); err != nil {
			return err
		}
		return w.Finish(ctx, false)
	})
}

// distinct is how many flags differ in their keys.
func distinct(flags []Flag) int {
	keys := make(map[FlagKey]bool, len(flags))
	for i := range flags {
		keys[flags[i].FlagKey] = true
	}
	return len(keys)
}

// add takes a row, and writes those that were taken when they are many.
func add(ctx context.Context, rows *database.Bulk, cells ...database.Cell) error {
	rows.Add(cells...)
	if rows.Rows() < database.FlushRows {
		return nil
	}
	return rows.Flush(ctx)
}

// each runs one statement n times.
func each(ctx context.Context, w *chain.Writer, statement string, n int, args func(i int) []any) error {
	st, err := w.Tx.Prepared(ctx, statement)
	if err != nil {
		return err
	}
	defer st.Close()
	for i := range n {
		if _, err := st.ExecContext(ctx, args(i)...); err != nil {
			return w.Tx.Failed(err)
		}
	}
	return nil
}
