package seal

import (
	"context"
	"slices"

	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/internal/tables"
	"lethe/pipeline/registry/keystore"
)

// Holds and requests are few, and are changed: when they were is veiled by their place, which stays the same.

// placed are the tables whose numbers are veiled by their place.
var placed = []Table{Hold, Request}

// Placed are the columns of Hold or Request that are veiled by their place, by where Each has them.
func Placed(t Table) map[int]string {
	list := map[int]string{}
	for i, c := range defs[t].columns {
		if c.kind == 'p' {
			list[i] = c.name
		}
	}
	return list
}

// Place is where the numbers of a row of Hold or Request stand.
type Place struct {
	def    *def
	sealer *keystore.Sealer
	of     keystore.Tag
}

// Place is that of a row with a name.
func (b *Book) Place(t Table, name string) Place {
	p := Place{def: &defs[t], sealer: b.sealer}
	p.of, b.buf = placeOf(b.sealer, t, name, b.buf)
	return p
}

// placeOf is the tag of a name: no row has it, for a row has more columns.
func placeOf[T string | []byte](s *keystore.Sealer, t Table, name T, buf []byte) (keystore.Tag, []byte) {
	buf = Bytes(append(buf[:0], byte(t)), name)
	return s.Row(buf), buf
}

// Veil is a number as it is stored in a column.
func (p Place) Veil(name string, n int64) int64 {
	i := slices.IndexFunc(p.def.columns, func(c column) bool { return c.name == name })
	return veilAt(p.sealer, p.of, i, n)
}

// veilAt is a number of a column as it is stored. That there is none is said by other columns too, and stays none, so
// that the database can be asked for what is open.
func veilAt(s *keystore.Sealer, place keystore.Tag, column int, n int64) int64 {
	if n == 0 {
		return 0
	}
	return s.Placed(place, byte(column), n, false)
}

// Before says that the silo's rows are those of a registry of before: sealed as it did, and not veiled, or all but when
// holds and requests were.
func (b *Book) Before(is tables.Before) {
	switch is {
	case tables.Current:
	case tables.Dated:
		b.dated = true
	default:
		b.plain = true
		if b.sealer != nil {
			b.sealer = b.sealer.Former()
		}
	}
}

// Undate veils what is not veiled yet of a registry of before. The rows and their seals say what they said.
func (b *Book) Undate(ctx context.Context, tx *database.Txn) error {
	b.dated = false
	for _, t := range placed {
		sum, err := b.seal(ctx, tx, t, nil, nil, true)
		if err == nil && sum != b.sums[t] {
			err = b.Broken(defs[t].name, "rows of it are not as they were written")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Put writes one number of a row of Hold or Request, and does not seal the row.
func (b *Book) Put(ctx context.Context, tx *database.Txn, t Table, name, column string, n int64) error {
	d := &defs[t]
	_, err := tx.Exec(ctx, `UPDATE `+d.name+` SET `+column+` = ? WHERE silo = ? AND `+d.columns[0].name+` = ?`,
		b.Place(t, name).Veil(column, n), b.id, name)
	return err
}

// Blank leaves of the numbers of a column of Hold or Request that they are not 0.
func (b *Book) Blank(ctx context.Context, tx *database.Txn, t Table, column string) error {
	_, err := tx.Exec(ctx, `UPDATE `+defs[t].name+` SET `+column+` = 1 WHERE silo = ? AND `+column+` <> 0`, b.id)
	return err
}
