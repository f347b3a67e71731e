package registry

import (
	"bytes"
	"context"
	"fmt"
	"strconv"

	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/keystore"
)

// rotatePage is how many references are carried over at a time.
const rotatePage = 5000

// Rotate carries every reference of a silo, to people and to records, over to a new version of its key, in
// one transaction; the version before retires. What is in the chain stays as it was written: a rekeyed
// event says up to where references are of older versions. Where the registry is at that version already
// nothing is done. It returns how many references were carried over.
func (r *Registry) Rotate(ctx context.Context, keys *keystore.SiloKey) (carried int, err error) {
	err = r.store.Write(ctx, fmt.Sprintf("rotate the key of silo %q", keys.Silo()), func(tx *database.Txn) error {
		s, err := r.store.FindSilo(ctx, tx.Handle, keys.Silo())
		if err != nil {
			return err
		}
		w, err := r.store.Writer(ctx, tx, s.Silo)
		if err != nil || w.Version == keys.Version() {
			return err
		}
		if w.Version > keys.Version() {
			return w.Under(keys)
		}
		if err := w.Silo.Book.Whole(ctx, tx); err != nil { // nothing is sealed anew that did not hold
			return err
		}
		// which version a reference is said to be under is not sealed: all that hold are under the silo's
		if _, err := tx.Exec(ctx, `UPDATE subject_alias SET key_version = ? WHERE silo = ? AND key_version <> ?`,
			w.Version, w.Silo.ID, w.Version); err != nil {
			return err
		}
		if carried, err = carryAliases(ctx, w, keys); err != nil {
			return err
		}
		for _, of := range []struct {
			table, column string
			record        bool
		}{{"record_link", "record_ref", true}, {"flag", "record_ref", true}, {"tombstone", "record_ref", true},
			{"tombstone", "subject_ref", false}} {
			n, err := carry(ctx, w, keys, of.table, of.column, of.record)
			if err != nil {
				return err
			}
			carried += n
		}
		return w.NewKey(ctx, keys)
	})
	return carried, err
}

// carryAliases carries the references to people over, a page at a time, because there are many.
func carryAliases(ctx context.Context, w *chain.Writer, keys *keystore.SiloKey) (int, error) {
	update, err := w.Tx.Prepared(ctx, `UPDATE subject_alias SET alias_ref = ?, key_version = ? WHERE silo = ?
		AND alias_ref = ?`)
	if err != nil {
		return 0, err
	}
	defer update.Close()
	last := []byte{}
	for n := 0; ; {
		var page [][]byte
		err := w.Tx.Scanned(ctx, `SELECT DISTINCT alias_ref FROM subject_alias WHERE silo = ? AND key_version < ?
			AND alias_ref > ? ORDER BY alias_ref LIMIT `+strconv.Itoa(rotatePage),
			func(row database.Row) error {
				page = append(page, bytes.Clone(row.ColumnRawBlob(0)))
				return nil
			}, w.Silo.ID, keys.Version(), last)
		if err != nil || len(page) == 0 {
			return n, err
		}
		for _, old := range page {
			ref := keys.Carry(keystore.Ref(old), false, w.Version)
			if _, err := update.ExecContext(ctx, ref[:], keys.Version(), w.Silo.ID, old); err != nil {
				return n, w.Tx.Failed(err)
			}
		}
		n, last = n+len(page), page[len(page)-1]
	}
}

// carry carries the references over that nights left in a table: they fit into memory, as in a night.
func carry(ctx context.Context, w *chain.Writer, keys *keystore.SiloKey, table, column string,
	record bool) (int, error) {
	var refs []keystore.Ref
	err := w.Tx.Scanned(ctx, `SELECT DISTINCT `+column+` FROM `+table+` WHERE silo = ?`, func(row database.Row) error {
		if ref := keystore.Ref(row.ColumnRawBlob(0)); ref != (keystore.Ref{}) { // a tombstone that is nobody's any more
			refs = append(refs, ref)
		}
		return nil
	}, w.Silo.ID)
	if err != nil {
		return 0, err
	}
	for _, old := range refs {
		ref := keys.Carry(old, record, w.Version)
		if _, err := w.Tx.Exec(ctx, `UPDATE `+table+` SET `+column+` = ? WHERE silo = ? AND `+column+` = ?`, ref[:],
			w.Silo.ID, old[:]); err != nil {
			return 0, err
		}
	}
	return len(refs), nil
}
