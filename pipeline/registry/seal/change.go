package seal

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"strings"

	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/internal/tables"
	"lethe/pipeline/registry/keystore"
)

// Change lets do change rows of a table, those of the references in the first column of its key only, or of all the
// silo when refs is nil; and seals them as they stand afterwards. Rows that do not hold as they are found are
// neither changed nor sealed.
func (b *Book) Change(ctx context.Context, tx *database.Txn, t Table, refs [][]byte, do func() error) error {
	c := b.Check(t)
	if err := b.rows(ctx, tx, t, refs, c.Row); err != nil {
		return err
	}
	if refs == nil {
		if err := c.End(); err != nil {
			return err
		}
	}
	if err := do(); err != nil {
		return err
	}
	after, err := b.seal(ctx, tx, t, refs)
	if err != nil {
		return err
	}
	b.sums[t], b.left = b.sums[t].Less(c.sum).Plus(after), after.Rows
	return nil
}

// Empty reports whether a table has no row of the silo, by its sums: nobody without the key can make it say so.
func (b *Book) Empty(t Table) bool { return b.sealer != nil && b.sums[t].Rows == 0 }

// Least is an error where the last Change left fewer rows, of those it was about: a trigger of somebody else takes away
// what is written.
func (b *Book) Least(t Table, rows int) error {
	if b.left >= int64(rows) {
		return nil
	}
	return b.Broken(defs[t].name, "rows that were written just now are not there: look for a trigger that is not "+
		"Lethe's")
}

// rows calls do with the rows of a table: those of references, or all.
func (b *Book) rows(ctx context.Context, tx *database.Txn, t Table, refs [][]byte,
	do func(database.Row) error) error {
	d := &defs[t]
	if refs == nil {
		return tx.Each(ctx, d.query(), do, b.id)
	}
	return tx.LookUp(ctx, b.id, d.query()+` AND `+d.columns[0].name+` `, distinct(refs), do)
}

func distinct(refs [][]byte) [][]byte {
	refs = slices.Clone(refs)
	slices.SortFunc(refs, bytes.Compare)
	return slices.CompactFunc(refs, bytes.Equal)
}

// unsealed is a row whose tag has to be written.
type unsealed struct {
	tag keystore.Tag
	key []any
}

// seal gives those rows their tags that have others, and returns the sum of all.
func (b *Book) seal(ctx context.Context, tx *database.Txn, t Table, refs [][]byte) (sum keystore.Sum, err error) {
	d := &defs[t]
	var todo []unsealed
	err = b.rows(ctx, tx, t, refs, func(row database.Row) error {
		b.buf = d.text(b.buf[:0], t, row)
		tag := b.sealer.Row(b.buf)
		b.sealer.Add(&sum, tag)
		if bytes.Equal(tag[:], row.ColumnRawBlob(len(d.columns))) {
			return nil
		}
		u := unsealed{tag: tag}
		for i, c := range d.columns {
			switch {
			case !c.key:
			case c.kind == 'n':
				u.key = append(u.key, row.ColumnInt64(i))
			case c.kind == 't':
				u.key = append(u.key, string(row.ColumnRawText(i)))
			default:
				u.key = append(u.key, bytes.Clone(row.ColumnRawBlob(i)))
			}
		}
		todo = append(todo, u)
		return nil
	})
	if err != nil || len(todo) == 0 {
		return sum, err
	}
	st, err := tx.Prepared(ctx, `UPDATE `+d.name+` SET seal = ? WHERE silo = ? AND `+
		strings.Join(d.names(true), " = ? AND ")+` = ?`)
	if err != nil {
		return sum, err
	}
	defer st.Close()
	for _, u := range todo {
		if _, err := st.ExecContext(ctx, slices.Concat([]any{u.tag[:], b.id}, u.key)...); err != nil {
			return sum, tx.Failed(err)
		}
	}
	return sum, nil
}

// Whole reads every table and says whether all rows are as they were written, and no others.
func (b *Book) Whole(ctx context.Context, tx *database.Txn) error {
	for t := range count {
		if t == Payload {
			continue
		}
		if err := b.Each(ctx, tx, t, func(database.Row) error { return nil }); err != nil {
			return err
		}
	}
	c := b.Check(Payload)
	if err := tables.AllFacts(ctx, tx, b.id, func(row database.Row) error {
		f, tag := FactOf(row)
		return c.Fact(&f, tag)
	}); err != nil {
		return err
	}
	return c.End()
}

// page is how many rows are sealed anew at a time.
const page = 5000

// Renew seals every row anew, with another key. It looks at none of the seals that were there: Whole does, before.
func (b *Book) Renew(ctx context.Context, tx *database.Txn, sealer *keystore.Sealer) error {
	b.sealer = sealer
	for t := range count {
		var err error
		switch t {
		case Payload:
			err = b.renewPayload(ctx, tx)
		case Alias, Link, Tombstone, Flag:
			err = b.renewPages(ctx, tx, t)
		default:
			b.sums[t], err = b.seal(ctx, tx, t, nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// renewPages seals a large table whose keys begin with a reference.
func (b *Book) renewPages(ctx context.Context, tx *database.Txn, t Table) error {
	d := &defs[t]
	b.sums[t] = keystore.Sum{}
	key := d.columns[0].name
	for last := []byte{}; ; {
		var refs [][]byte
		err := tx.Scanned(ctx, `SELECT DISTINCT `+key+` FROM `+d.name+` WHERE silo = ? AND `+key+` > ? ORDER BY `+key+
			` LIMIT `+strconv.Itoa(page), func(row database.Row) error {
			refs = append(refs, bytes.Clone(row.ColumnRawBlob(0)))
			return nil
		}, b.id, last)
		if err != nil || len(refs) == 0 {
			return err
		}
		last = refs[len(refs)-1]
		sum, err := b.seal(ctx, tx, t, refs)
		if err != nil {
			return err
		}
		b.sums[t] = b.sums[t].Plus(sum)
	}
}

func (b *Book) renewPayload(ctx context.Context, tx *database.Txn) error {
	b.sums[Payload] = keystore.Sum{}
	st, err := tx.Prepared(ctx, `UPDATE event_payload SET seal = ? WHERE silo = ? AND seq = ?`)
	if err != nil {
		return err
	}
	defer st.Close()
	tags, seqs := make([]keystore.Tag, 0, page), make([]int64, 0, page)
	for last := int64(0); ; last = seqs[len(seqs)-1] {
		tags, seqs = tags[:0], seqs[:0]
		err := tx.Each(ctx, tables.FactQuery+`WHERE p.silo = ? AND p.seq > ? ORDER BY p.seq LIMIT `+
			strconv.Itoa(page), func(row database.Row) error {
			f, _ := FactOf(row)
			b.buf = f.text(b.buf[:0])
			tags, seqs = append(tags, b.add(Payload)), append(seqs, f.Seq)
			return nil
		}, b.id, last)
		if err != nil || len(seqs) == 0 {
			return err
		}
		for i := range seqs {
			if _, err := st.ExecContext(ctx, tags[i][:], b.id, seqs[i]); err != nil {
				return tx.Failed(err)
			}
		}
	}
}

// Clear says that a table was emptied.
func (b *Book) Clear(t Table) { b.sums[t] = keystore.Sum{} }

// Removed takes rows out of the sums that are about to be removed: condition and args are those of the statement
// that will do so, after the silo.
func (b *Book) Removed(ctx context.Context, tx *database.Txn, t Table, condition string, args ...any) error {
	return tx.Scanned(ctx, `SELECT seal FROM `+defs[t].name+` WHERE silo = ?`+condition, func(row database.Row) error {
		return b.Gone(t, row.ColumnRawBlob(0))
	}, append([]any{b.id}, args...)...)
}
