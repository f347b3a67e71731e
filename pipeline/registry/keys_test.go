package registry

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/policy"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/standings"
)

// TestRotate carries a silo over to a second and a third version of its key: everything is found as before,
// by the new references only.
func TestRotate(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		const text = "email,collection,type,purpose,occurred_at,notice,evidence,id\n" +
			"ann@example.org,c1,given,news,2026-01-10,n,p,e1\n" +
			"ann@example.org,,withdrawn,news,2026-02-10,,,\n" +
			"ben@example.org,,given,news,2026-01-11,n,p,\n" +
			"old@example.org,,withdrawn,news,2020-01-11,,,e4\n"
		f.importCSV("crm", text)
		f.importCSV("other", text)
		first := f.key("crm")
		record := func(k *keystore.SiloKey) keystore.Ref { return k.Record("crm", "people", []byte("1")) }
		ann := f.ref("crm", identifier.Email, "ann@example.org")
		require.NoError(t, f.r.SetFlags(t.Context(), "crm", []Flag{{FlagKey{record(first), "BLOCKED"}, noon}}))
		f.link("crm", record(first), 1)
		require.NoError(t, f.r.PutTombstones(t.Context(), "crm",
			[]Tombstone{{Record: record(first), Subject: ann, DropAfter: noon},
				{Record: record(first), DropAfter: noon}}))
		fixed := first.Fixed("receipt", []byte("1"))

		for version := 2; version <= 3; version++ {
			before := f.ref("crm", identifier.Email, "ann@example.org")
			copied := f.copyKeys()
			next, err := f.keys.RotateSilo("crm")
			require.NoError(t, err)
			require.Equal(t, version, next)
			key := f.key("crm")
			require.NotEqual(t, before, f.ref("crm", identifier.Email, "ann@example.org"))
			_, err = f.r.Append(t.Context(), key, event.Event{Type: event.Withdrawn, Purpose: "news",
				OccurredAt: noon, Subjects: []event.Subject{{Kind: identifier.Email, Value: "ben@example.org"}}})
			require.ErrorIs(t, err, chain.ErrKeyVersion, "nothing is recorded under a key that the references are not")
			_, err = Open(t.Context(), Config{Driver: f.config.Driver, DSN: f.config.DSN, Keys: f.keys})
			require.ErrorContains(t, err, "`lethe keys rotate --silo crm` carries them over")

			// that a reference is under a later key is nobody's to say
			_, err = f.raw().Exec(`UPDATE subject_alias SET key_version = 7 WHERE silo = 1 AND kind = 'email'`)
			require.NoError(t, err)
			carried, err := f.r.Rotate(t.Context(), key)
			require.NoError(t, err)
			require.Equal(t, 4+4, carried, "three addresses and a collection; the same record in three tables, and "+
				"a person")
			carried, err = f.r.Rotate(t.Context(), key)
			require.NoError(t, err)
			require.Zero(t, carried, "once is enough")
			f.open(Config{})
			_, err = Open(t.Context(), Config{Driver: f.config.Driver, DSN: f.config.DSN,
				Keys: copied})
			require.ErrorContains(t, err, "the keystore lacks version")

			require.Equal(t, policy.Withdrawn, f.standing("crm", "ann@example.org", noon).Purposes[0].State)
			require.Equal(t, policy.Given, f.standing("crm", "ben@example.org", noon).Purposes[0].State)
			s, err := f.r.Standings(t.Context(), "crm", noon, nil)
			require.NoError(t, err)
			require.Empty(t, s.Lookup(before), "the old reference leads nowhere")
			collection := key.Match(identifier.Collection, []byte("c1"))
			require.Equal(t, standings.Match{Collection: 1}, s.Match(standings.Row{Collection: &collection}))
			require.Equal(t, []int32{1}, s.Lookup(record(key)))
			flags, err := f.r.Flags(t.Context(), "crm")
			require.NoError(t, err)
			require.Equal(t, map[FlagKey]time.Time{{record(key), "BLOCKED"}: noon}, flags)
			tombstones, err := f.r.Tombstones(t.Context(), "crm")
			require.NoError(t, err)
			require.Len(t, tombstones.Find(record(key)), 2)
			require.Contains(t, tombstones.Find(record(key)),
				Tombstone{Record: record(key), Subject: f.ref("crm", identifier.Email, "ann@example.org"),
					DropAfter: noon})
			require.Equal(t, fixed, key.Fixed("receipt", []byte("1")), "receipts keep their names")
			require.Equal(t, 4, f.importCSV("crm", text).Duplicates, "an old delivery is still recognised")
			require.NoError(t, f.r.Verify(t.Context(), "crm", chain.Head{}))
		}
		require.Equal(t, policy.Given, f.standing("other", "ben@example.org", noon).Purposes[0].State,
			"the other silo keeps its key")

		f.importCSV("crm", header1+"ben@example.org,withdrawn,news,2026-03-01,,,\n") // learnt before, under version 1
		require.Equal(t, policy.Withdrawn, f.standing("crm", "ben@example.org", noon).Purposes[0].State)
		gone, err := f.r.ForgetEnded(t.Context(), "crm", noon, oneYear)
		require.NoError(t, err)
		require.Equal(t, 1, gone.Collections)
		s, err := f.r.Standings(t.Context(), "crm", noon, nil)
		require.NoError(t, err)
		require.Empty(t, s.Lookup(f.ref("crm", identifier.Email, "old@example.org")))
		require.NotEmpty(t, s.Lookup(f.ref("crm", identifier.Email, "ben@example.org")))

		versions, err := f.r.KeyVersions(t.Context())
		require.NoError(t, err)
		require.Len(t, versions, 4)
		require.Equal(t, []chain.KeyState{chain.KeyRetiring, chain.KeyRetiring, chain.KeyActive},
			[]chain.KeyState{versions[0].State, versions[1].State, versions[2].State})

		_ = f.key("late")
		_, err = f.keys.RotateSilo("late")
		require.NoError(t, err)
		f.r = f.open(Config{})
		f.importCSV("late", header1+"eve@example.org,withdrawn,news,2026-03-01,,,\n")
		require.Equal(t, policy.Withdrawn, f.standing("late", "eve@example.org", noon).Purposes[0].State,
			"a silo that is new to the registry begins with the version in use")
	})
}

func TestDestroyedKeyIsNotUsedAgain(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		f.importCSV("crm", header1+"ann@example.org,withdrawn,news,2026-01-10,,,\n")
		_, err := f.r.Retire(t.Context(), "crm", noon)
		require.NoError(t, err)
		evidence := [32]byte{1}
		require.NoError(t, f.r.DestroyedKey(t.Context(), "crm", 1, noon, evidence))
		require.NoError(t, f.r.DestroyedKey(t.Context(), "crm", 1, noon.Add(time.Hour), [32]byte{2}), "the first holds")
		require.NoError(t, f.r.DestroyedKey(t.Context(), "unheard", 1, noon, evidence))
		versions, err := f.r.KeyVersions(t.Context())
		require.NoError(t, err)
		require.Equal(t, []chain.KeyVersion{{Silo: "crm", Version: 1, State: chain.KeyDestroyed, CreatedAt: noon,
			DestroyedAt: noon, Evidence: evidence}}, versions)
		_, err = f.r.Append(t.Context(), f.key("crm"), event.Event{Type: event.Withdrawn, Purpose: "news",
			OccurredAt: noon, Subjects: []event.Subject{{Kind: identifier.Email, Value: "ben@example.org"}}})
		require.ErrorIs(t, err, keystore.ErrDestroyed)
		for what, statement := range map[string]string{
			"a destroyed key has evidence": `UPDATE silo_key SET evidence = NULL`,
			"an active one was not":        `UPDATE silo_key SET state = 'active', active = 1`,
		} {
			_, err := f.raw().Exec(statement)
			require.Error(t, err, what)
		}
		require.NoError(t, f.r.Verify(t.Context(), "crm", chain.Head{}))
	})
}

// copyKeys opens a copy of the keystore as it stands.
func (f *fixture) copyKeys() *keystore.Keystore {
	f.t.Helper()
	dir := f.t.TempDir()
	require.NoError(f.t, os.CopyFS(dir, os.DirFS(f.folder)))
	for _, key := range f.keys.Names("") {
		require.NoError(f.t, os.Chmod(filepath.Join(dir, "keys", filepath.FromSlash(key)+".age"), 0o600))
	}
	require.NoError(f.t, os.Chmod(filepath.Join(dir, "lethe.age"), 0o600))
	keys, err := keystore.Open(f.t.Context(), filepath.Join(dir, "keys"), filepath.Join(dir, "lethe.age"))
	require.NoError(f.t, err)
	return keys
}
