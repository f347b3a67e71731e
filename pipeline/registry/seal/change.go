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
// neither changed nor sealed. seen gets those rows as they are before; nil: nobody asks.
func (b *Book) Change(ctx context.Context, tx *database.Txn, t Table, refs [][]byte, seen func(database.Row) error,
	do func() error) error {
	c := b.Check(t)
	if err := b.rows(ctx, tx, t, refs, func(row database.Row) error {
		row, err := c.Row(row)
		if err != nil || seen == nil {
			return err
		}
		return seen(row)
	}); err != nil {
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
	after, err := b.seal(ctx, tx, t, refs, b.Veil(), false)
	if err != nil {
		return err
	}
	b.sums[t], b.left = b.sums[t].Less(c.sum).Plus(after), after.Rows
	return nil
}

// Empty reports whether a table has no row of the silo, by its sums: nobody without the key can make it say so.
func (b *Book) Empty(t Table) bool { return b.sealer != nil && b.sums[t].Rows == 0 }

// Rows is how many rows the sums say that a table has.
func (b *Book) Rows(t Table) int { return int(b.sums[t].Rows) }

// Least is an error where the last Change left fewer rows, of those it was about: a trigger of somebody else takes away
// what is written.
func (b *Book) Least(t Table, rows int) error {
	if b.left >= int64(rows) {
		return nil
	}
	return b.Broken(defs[t].name, "rows that were written just now are not there: look for a trigger that is not "+
		"Lethe's")
}

// taggedByWriter are the tables of which who writes a row gives its tag along (Tag): nobody else changes it meanwhile.
var taggedByWriter = []Table{Tombstone, Flag}

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

// unsealed is a row whose tag has to be written, and its veiled columns.
type unsealed struct {
	tag    keystore.Tag
	veiled []any
	key    []any
}

// seal gives those rows their tags that have others, all of them if anew says so, and returns the sum of all. by is who
// veiled them, nil for nobody.
func (b *Book) seal(ctx context.Context, tx *database.Txn, t Table, refs [][]byte, by *keystore.Sealer,
	anew bool) (sum keystore.Sum, err error) {
	d := &defs[t]
	var todo []unsealed
	var row clear
	err = b.rows(ctx, tx, t, refs, func(stored database.Row) error {
		row.of(stored, t, by, stored.ColumnRawBlob(len(d.columns)))
		b.buf = d.text(b.buf[:0], t, &row)
		tag := b.sealer.Row(b.buf)
		b.sealer.Add(&sum, tag)
		if !anew && bytes.Equal(tag[:], stored.ColumnRawBlob(len(d.columns))) {
			return nil
		}
		if !anew && slices.Contains(taggedByWriter, t) {
			return b.Broken(d.name, d.place(stored)+" is not as it was written just now: look for a trigger that is "+
				"not Lethe's")
		}
		u, mask := unsealed{tag: tag}, b.sealer.Beside(tag)
		var place keystore.Tag
		if slices.Contains(placed, t) {
			place, b.buf = placeOf(b.sealer, t, stored.ColumnRawText(0), b.buf)
		}
		for i, c := range d.columns {
			number, veil := c.number()
			switch {
			case veil >= 0:
				u.veiled = append(u.veiled, row.ColumnInt64(i)^mask[veil])
			case c.kind == 'p':
				u.veiled = append(u.veiled, veilAt(b.sealer, place, i, row.ColumnInt64(i)))
			}
			switch {
			case !c.key:
			case number:
				u.key = append(u.key, stored.ColumnInt64(i))
			case c.kind == 't':
				u.key = append(u.key, string(stored.ColumnRawText(i)))
			default:
				u.key = append(u.key, bytes.Clone(stored.ColumnRawBlob(i)))
			}
		}
		todo = append(todo, u)
		return nil
	})
	if err != nil || len(todo) == 0 {
		return sum, err
	}
	set := `UPDATE ` + d.name + ` SET seal = ?`
	for _, c := range d.columns {
		if _, veil := c.number(); veil >= 0 || c.kind == 'p' {
			set += `, ` + c.name + ` = ?`
		}
	}
	st, err := tx.Prepared(ctx, set+` WHERE silo = ? AND `+strings.Join(d.names(true), " = ? AND ")+` = ?`)
	if err != nil {
		return sum, err
	}
	defer st.Close()
	for _, u := range todo {
		if _, err := st.ExecContext(ctx, slices.Concat([]any{u.tag[:]}, u.veiled, []any{b.id}, u.key)...); err != nil {
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
	all := tables.AllFacts
	if b.plain {
		all = tables.AllFactsBefore
	}
	if err := all(ctx, tx, b.id, func(row database.Row) error {
		f, tag := c.FactOf(row)
		return c.Fact(&f, tag)
	}); err != nil {
		return err
	}
	return c.End()
}

// page is how many rows are sealed anew at a time.
const page = 5000

// Renew seals, and veils, every row anew, with another key. It looks at none of the seals that were there: Whole does,
// before. Of a plain book the events are veiled already, and what stands beside them is not.
func (b *Book) Renew(ctx context.Context, tx *database.Txn, sealer *keystore.Sealer) error {
	by, dated := b.Veil(), b.dated
	b.sealer, b.plain, b.dated, b.blind = sealer, false, false, false
	for t := range count {
		by := by
		if dated && slices.Contains(placed, t) {
			by = nil
		}
		var err error
		switch t {
		case Payload:
			err = b.renewPayload(ctx, tx)
		case Alias, Link, Tombstone, Flag:
			err = b.renewPages(ctx, tx, t, by)
		default:
			b.sums[t], err = b.seal(ctx, tx, t, nil, by, true)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// renewPages seals a large table whose keys begin with a reference.
func (b *Book) renewPages(ctx context.Context, tx *database.Txn, t Table, by *keystore.Sealer) error {
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
		sum, err := b.seal(ctx, tx, t, refs, by, true)
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
	c := b.Check(Payload)
	tags, seqs := make([]keystore.Tag, 0, page), make([]int64, 0, page)
	for last := int64(0); ; last = seqs[len(seqs)-1] {
		tags, seqs = tags[:0], seqs[:0]
		err := tx.Each(ctx, tables.FactQuery+`WHERE p.silo = ? AND p.seq > ? ORDER BY p.seq LIMIT `+
			strconv.Itoa(page), func(row database.Row) error {
			f, _ := c.FactOf(row)
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

// Remove removes rows, and takes them out of the sums. condition goes on after that of the silo.
func (b *Book) Remove(ctx context.Context, tx *database.Txn, t Table, condition string, args ...any) error {
	args = append([]any{b.id}, args...)
	of := ` FROM ` + defs[t].name + ` WHERE silo = ?` + condition
	if err := tx.Scanned(ctx, `SELECT seal`+of, func(row database.Row) error {
		return b.Gone(t, row.ColumnRawBlob(0))
	}, args...); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE`+of, args...)
	return err
}
