package seal

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/pipeline/registry/internal/tables"
	"lethe/pipeline/registry/keystore"
)

// row is one of a table, by its columns.
type row []any

func (r row) ColumnInt64(i int) int64    { n, _ := r[i].(int64); return n }
func (r row) ColumnRawText(i int) []byte { return r.ColumnRawBlob(i) }
func (r row) ColumnRawBlob(i int) []byte { b, _ := r[i].([]byte); return b }
func (r row) Null(i int) bool            { return r[i] == nil }

func book(t *testing.T) *Book {
	dir := t.TempDir()
	path, identity := filepath.Join(dir, "keys"), filepath.Join(dir, "lethe.age")
	require.NoError(t, keystore.Create(path, identity))
	keys, err := keystore.Open(t.Context(), path, identity)
	require.NoError(t, err)
	require.NoError(t, keys.EnsureSilo("crm"))
	key, err := keys.SiloKey("crm")
	require.NoError(t, err)
	sealer, err := key.Sealer()
	require.NoError(t, err)
	return New("crm", 1, sealer)
}

// TestEachPartOfAFactIsSealed changes one part of a payload after it was sealed, whatever is hashed quickly and what is
// too long for it.
func TestEachPartOfAFactIsSealed(t *testing.T) {
	b := book(t)
	rapid.Check(t, func(r *rapid.T) {
		number := rapid.Int64()
		text := func(name string) []byte {
			return rapid.SliceOfN(rapid.Byte(), 0, rapid.SampledFrom([]int{3, 12, 100, 300}).Draw(r, "up to")).Draw(r, name)
		}
		collection := rapid.Int64Range(1, 1<<31).Draw(r, "collection")
		f := Fact{Seq: number.Draw(r, "seq"), Collection: collection, Block: tables.Block(collection),
			Occurred: number.Draw(r, "occurred"), From: number.Draw(r, "from"), Until: number.Draw(r, "until"),
			Recorded: number.Draw(r, "recorded"), Notice: rapid.Bool().Draw(r, "notice"),
			Evidence: rapid.Bool().Draw(r, "evidence"), Flags: number.Draw(r, "flags"), Type: text("type"),
			Purpose: text("purpose"), Details: text("details")}
		b.sums = [len(b.sums)]keystore.Sum{}
		tag := b.Fact(f, string(f.Type), string(f.Purpose), string(f.Details))
		check := b.Check(Payload)
		require.NoError(r, check.Fact(&f, tag[:]))
		require.NoError(r, check.End())
		changed := f
		changes := map[string]func(){
			"seq":        func() { changed.Seq++ },
			"collection": func() { changed.Collection ^= 1 }, // the block may stay
			"block":      func() { changed.Block++ },
			"occurred":   func() { changed.Occurred-- },
			"from":       func() { changed.From = ^f.From },
			"until":      func() { changed.Until++ },
			"recorded":   func() { changed.Recorded ^= 1 << 56 },
			"notice":     func() { changed.Notice = !f.Notice },
			"evidence":   func() { changed.Evidence = !f.Evidence },
			"flags":      func() { changed.Flags ^= 1 },
			"type":       func() { changed.Type = append(bytes.Clone(f.Type), 0) },
			"purpose":    func() { changed.Purpose = append(bytes.Clone(f.Purpose), 0) },
			"details":    func() { changed.Details = append(bytes.Clone(f.Details), 0) },
			"moved": func() { // from one text into the next
				changed.Type, changed.Purpose = append(bytes.Clone(f.Type), 'x'), append([]byte("y"), f.Purpose...)
			},
		}
		for what, change := range changes {
			changed = f
			change()
			check := b.Check(Payload)
			require.ErrorIs(r, check.Fact(&changed, tag[:]), ErrTampered, what)
			require.Zero(r, check.sum, what)
		}
	})
}

// TestEachPartOfAPairIsSealed changes one part of a reference's row, or takes it for one of the other table.
func TestEachPartOfAPairIsSealed(t *testing.T) {
	b := book(t)
	rapid.Check(t, func(r *rapid.T) {
		table := rapid.SampledFrom([]Table{Alias, Link}).Draw(r, "table")
		ref := rapid.SliceOfN(rapid.Byte(), 0, rapid.SampledFrom([]int{32, 300}).Draw(r, "up to")).Draw(r, "ref")
		collection := rapid.Int64().Draw(r, "collection")
		b.sums = [len(b.sums)]keystore.Sum{}
		tag, veiled := b.Pair(table, ref, collection)
		require.Equal(r, veiled, b.Pairs(table, ref, collection))
		check := b.Check(table)
		known, of, err := check.Pair(row{ref, veiled, tag[:]})
		require.NoError(r, err)
		require.True(r, bytes.Equal(ref, known))
		require.Equal(r, collection, of)
		require.NoError(r, check.End())
		same, err := b.Check(table).Row(row{ref, veiled, tag[:]})
		require.NoError(r, err)
		require.Equal(r, collection, same.ColumnInt64(1))

		for what, changed := range map[string]row{"reference": {append(bytes.Clone(ref), 1), veiled, tag[:]},
			"collection": {ref, veiled ^ 1, tag[:]}, "no seal": {ref, veiled, nil}, "short": {ref, veiled, tag[:8]}} {
			check := b.Check(table)
			_, _, err := check.Pair(changed)
			require.ErrorIs(r, err, ErrTampered, what)
			require.True(r, strings.Contains(err.Error(), "is not as it was written"))
			require.Zero(r, check.sum, what)
		}
		_, _, err = b.Check(Alias + Link - table).Pair(row{ref, veiled, tag[:]})
		require.ErrorIs(r, err, ErrTampered, "of the other table")

		// two rows of which each has the other's collection
		other, otherVeiled := b.Pair(table, append([]byte("other"), ref...), collection+1)
		_, _, err = b.Check(table).Pair(row{ref, otherVeiled, tag[:]})
		require.ErrorIs(r, err, ErrTampered)
		_, _, err = b.Check(table).Pair(row{ref, otherVeiled, other[:]})
		require.ErrorIs(r, err, ErrTampered, "with its seal, too")
	})
}

// TestPairsOfASiloWithoutAKey are read as they stand, and those of one that is sealed anew without their veil.
func TestPairsOfASiloWithoutAKey(t *testing.T) {
	ref := bytes.Repeat([]byte{7}, 32)
	_, of, err := New("crm", 1, nil).Check(Alias).Pair(row{ref, int64(5), nil})
	require.NoError(t, err)
	require.Equal(t, int64(5), of)
	b := book(t)
	tag, veiled := b.Pair(Alias, ref, 5)
	_, of, err = Blind("crm", 1, b.Veil()).Check(Alias).Pair(row{ref, veiled, tag[:]})
	require.NoError(t, err)
	require.Equal(t, int64(5), of)
	plain := book(t)
	plain.Before(tables.Sealed)
	tag, _ = plain.Pair(Alias, ref, 5)
	_, of, err = plain.Check(Alias).Pair(row{ref, int64(5), tag[:]})
	require.NoError(t, err)
	require.Equal(t, int64(5), of)
}
