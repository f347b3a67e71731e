package chain

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/internal/tables"
	"lethe/pipeline/registry/keystore"
)

// Written fills the registry in a file with n people who consented once, every fourth with evidence. The
// rows are those of an import, hashes and all, but each tree is filled in the order of its keys and indexes
// are made at the end, which takes a third of the time of an import. Of the consents, the first due ended
// by a max_age of two years at noon.
func Written(t testing.TB, c database.Config, keys *keystore.Keystore, key *keystore.SiloKey, noon time.Time,
	n, due int) {
	t.Helper()
	ctx := t.Context()
	db, err := tables.Open(ctx, c)
	require.NoError(t, err)
	defer db.Close()
	db.Pool.SetMaxOpenConns(1)
	_, err = db.Pool.Exec("PRAGMA journal_mode=off; PRAGMA synchronous=off")
	require.NoError(t, err)
	store, err := NewStore(ctx, db, false, keys, func() time.Time { return noon }, nil)
	require.NoError(t, err)
	type alias struct {
		ref        keystore.Ref
		collection database.Cell // veiled
		tag        keystore.Tag
	}
	aliases := make([]alias, 0, n)
	none := map[keystore.Ref][]int64{}
	email := make([]byte, 0, 64)
	require.NoError(t, store.Write(ctx, "fill", func(tx *database.Txn) error {
		for _, index := range []string{"event_idem", "event_payload_block"} {
			if _, err := tx.Exec(ctx, "DROP INDEX "+index); err != nil {
				return err
			}
		}
		w, err := store.Writer(ctx, tx, key.Silo())
		if err != nil {
			return err
		}
		aliasRow := slices.Clone(w.inserts[intoAlias].Cells)
		flush := func() error {
			return cmp.Or(w.inserts[intoEvent].Flush(ctx), w.inserts[intoPayload].Flush(ctx))
		}
		p := &Pending{identifiers: make([]reference, 1)}
		for i := range n {
			since := noon.AddDate(-1, 0, 0).Add(time.Duration(i%300_000) * time.Minute)
			if i < due {
				since = noon.AddDate(-2, 0, 0).Add(-time.Duration(i) * time.Second)
			}
			p.Event = event.Event{Type: event.Given, Purpose: "newsletter", Notice: "n3", Method: "form",
				Source: "crm", OccurredAt: since, EffectiveFrom: since}
			if i%4 == 0 {
				p.Evidence = "form"
			}
			email = AppendPerson(email[:0], i)
			p.identifiers[0] = reference{kind: identifier.Email, ref: key.Match(identifier.Email, email)}
			binary.BigEndian.PutUint64(p.content[:], uint64(i))
			w.Silo.collections++
			if err := w.event(p, w.Silo.collections, p.content, none); err != nil {
				return err
			}
			clear(none)
			aliasRow = append(aliasRow[:0], w.inserts[intoAlias].Cells...)
			aliases = append(aliases, alias{p.identifiers[0].ref, aliasRow[2],
				keystore.Tag(aliasRow[5].Bytes())})
			w.inserts[intoAlias].Cells = w.inserts[intoAlias].Cells[:0]
			if i%database.FlushRows == database.FlushRows-1 {
				if err := flush(); err != nil {
					return err
				}
			}
		}
		if err := flush(); err != nil {
			return err
		}
		slices.SortFunc(aliases, func(a, b alias) int { return bytes.Compare(a.ref[:], b.ref[:]) })
		for i := range aliases {
			aliasRow[1], aliasRow[2] = database.Blob(aliases[i].ref[:]), aliases[i].collection
			aliasRow[5] = database.Blob(aliases[i].tag[:])
			w.inserts[intoAlias].Add(aliasRow...)
			if i%database.FlushRows == database.FlushRows-1 {
				if err := w.inserts[intoAlias].Flush(ctx); err != nil {
					return err
				}
			}
		}
		if err := w.inserts[intoAlias].Flush(ctx); err != nil {
			return err
		}
		for _, statement := range tables.Schema {
			if strings.Contains(statement, "INDEX event_") {
				if _, err := tx.Exec(ctx, statement); err != nil {
					return err
				}
			}
		}
		return w.Finish(ctx, true)
	}))
}

// AppendPerson appends the address of a person, normalised.
func AppendPerson(dst []byte, i int) []byte {
	return append(strconv.AppendInt(append(dst, "person"...), int64(i), 10), "@example.org"...)
}
