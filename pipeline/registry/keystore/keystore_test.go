package keystore

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/stretchr/testify/require"
)

func create(t *testing.T) (path, identity string) {
	t.Helper()
	dir := t.TempDir()
	path, identity = filepath.Join(dir, "keys"), filepath.Join(dir, "id", "lethe.age")
	require.NoError(t, Create(path, identity))
	return path, identity
}

func open(t *testing.T, path, identity string) *Keystore {
	t.Helper()
	k, err := Open(t.Context(), path, identity)
	require.NoError(t, err)
	return k
}

func TestKeysSurviveReopening(t *testing.T) {
	path, identity := create(t)
	k := open(t, path, identity)
	require.NoError(t, k.EnsureSilo("newsletter"))
	require.NoError(t, k.EnsureAudit("newsletter", "2026"))
	require.NoError(t, k.EnsureRunner())
	recipient, err := k.NewPlan("p1")
	require.NoError(t, err)
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, recipient)
	require.NoError(t, err)
	_, err = io.WriteString(w, "row keys")
	require.NoError(t, err)
	require.NoError(t, w.Close())

	refs := func(k *Keystore) [3]Ref {
		silo, err := k.SiloKey("newsletter")
		require.NoError(t, err)
		audit, err := k.AuditKey("newsletter", "2026")
		require.NoError(t, err)
		return [3]Ref{silo.Match("email", []byte("a@b.it")), silo.Record("crm", "people", []byte("1")),
			audit.Ref("record", []byte("1"))}
	}
	before := refs(k)
	require.NoError(t, k.EnsureSilo("newsletter"), "ensuring twice changes nothing")
	again := open(t, path, identity)
	require.Equal(t, before, refs(again))
	plan, err := again.PlanIdentity("p1")
	require.NoError(t, err)
	r, err := age.Decrypt(&sealed, plan)
	require.NoError(t, err)
	text, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, "row keys", string(text))
	_, err = again.NewPlan("p1")
	require.ErrorContains(t, err, "has one already")
	one, err := k.Runner()
	require.NoError(t, err)
	two, err := again.Runner()
	require.NoError(t, err)
	require.Equal(t, one.Public(), two.Public())
	require.Equal(t, []string{"silo/newsletter"}, again.Names("silo/"))
}

func TestNothingInTheFolderIsPlain(t *testing.T) {
	path, identity := create(t)
	k := open(t, path, identity)
	require.NoError(t, k.EnsureSilo("newsletter"))
	_, err := k.NewPlan("p1")
	require.NoError(t, err)
	require.NoError(t, filepath.WalkDir(path, func(file string, d os.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := d.Info()
		require.NoError(t, err)
		require.Zero(t, info.Mode().Perm()&0o077, file)
		if !d.IsDir() {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			require.NotContains(t, string(data), "AGE-SECRET-KEY")
			require.NotContains(t, string(data), header)
		}
		return nil
	}))
}

func TestMissingKeysNameTheSiloAndTheCommand(t *testing.T) {
	path, identity := create(t)
	k := open(t, path, identity)
	_, err := k.SiloKey("newsletter")
	require.ErrorIs(t, err, ErrMissing)
	require.ErrorContains(t, err, "create it with `lethe keys create`")
	_, err = k.AuditKey("newsletter", "2026")
	require.ErrorIs(t, err, ErrMissing)
	_, err = k.Runner()
	require.ErrorIs(t, err, ErrMissing)
	_, err = k.PlanIdentity("p9")
	require.ErrorIs(t, err, ErrMissing)
	_, err = k.Destroy("silo/newsletter", time.Now())
	require.ErrorIs(t, err, ErrMissing)
	require.Error(t, k.EnsureSilo("../newsletter"))
	require.Error(t, k.EnsureSilo(""))
	_, err = Open(t.Context(), filepath.Join(path, "none"), identity)
	require.ErrorIs(t, err, ErrMissing)
	_, err = Open(t.Context(), path, identity+".none")
	require.ErrorIs(t, err, ErrMissing)
}

func TestDestroy(t *testing.T) {
	path, identity := create(t)
	k := open(t, path, identity)
	require.NoError(t, k.EnsureSilo("newsletter"))
	id, err := k.KeyID("silo/newsletter")
	require.NoError(t, err)
	at := time.Date(2026, 11, 21, 1, 2, 3, 0, time.UTC)
	evidence, err := k.Destroy("silo/newsletter", at, "anna", "bo")
	require.NoError(t, err)
	require.Equal(t, Evidence{Name: "silo/newsletter", KeyID: id, DestroyedAt: at, Witnesses: []string{"anna", "bo"}},
		evidence)
	require.NoFileExists(t, filepath.Join(path, "silo", "newsletter.age"))
	for _, k := range []*Keystore{k, open(t, path, identity)} {
		_, err = k.SiloKey("newsletter")
		require.ErrorIs(t, err, ErrDestroyed)
		require.ErrorIs(t, k.EnsureSilo("newsletter"), ErrDestroyed)
		again, err := k.Destroy("silo/newsletter", at.Add(time.Hour))
		require.NoError(t, err)
		require.Equal(t, evidence, again)
	}
}

// TestInterruptedDestruction finds the evidence written and the key still there.
func TestInterruptedDestruction(t *testing.T) {
	path, identity := create(t)
	k := open(t, path, identity)
	require.NoError(t, k.EnsureSilo("newsletter"))
	file := filepath.Join(path, "silo", "newsletter.age")
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	first, err := k.Destroy("silo/newsletter", time.Now())
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, data, 0o600))
	k = open(t, path, identity)
	_, err = k.SiloKey("newsletter")
	require.ErrorIs(t, err, ErrDestroyed, "what was to be destroyed is not used any more")
	again, err := k.Destroy("silo/newsletter", time.Now())
	require.NoError(t, err)
	require.Equal(t, first.KeyID, again.KeyID)
	require.NoFileExists(t, file)
}

func TestRefusesWhatOthersCanRead(t *testing.T) {
	path, identity := create(t)
	require.NoError(t, open(t, path, identity).EnsureSilo("newsletter"))
	file := filepath.Join(path, "silo", "newsletter.age")
	for _, secret := range []string{identity, file} {
		require.NoError(t, os.Chmod(secret, 0o640))
		_, err := Open(t.Context(), path, identity)
		require.ErrorIs(t, err, ErrReadable)
		require.ErrorContains(t, err, "chmod 600 "+secret)
		require.NoError(t, os.Chmod(secret, 0o600))
	}
	open(t, path, identity)
}

func TestRefusesDamage(t *testing.T) {
	path, identity := create(t)
	k := open(t, path, identity)
	require.NoError(t, k.EnsureSilo("a"))
	require.NoError(t, k.EnsureSilo("b"))
	a, b := filepath.Join(path, "silo", "a.age"), filepath.Join(path, "silo", "b.age")
	good, err := os.ReadFile(b)
	require.NoError(t, err)
	t.Run("one key under another's name", func(t *testing.T) {
		data, err := os.ReadFile(a)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(b, data, 0o600))
		_, err = Open(t.Context(), path, identity)
		require.ErrorIs(t, err, ErrDamaged)
	})
	t.Run("a truncated file", func(t *testing.T) {
		require.NoError(t, os.WriteFile(b, good[:len(good)-1], 0o600))
		_, err := Open(t.Context(), path, identity)
		require.ErrorIs(t, err, ErrDamaged)
	})
	t.Run("another identity", func(t *testing.T) {
		require.NoError(t, os.WriteFile(b, good, 0o600))
		_, other := create(t)
		_, err := Open(t.Context(), path, other)
		require.ErrorIs(t, err, ErrDamaged)
	})
	t.Run("an identity file that is none", func(t *testing.T) {
		other := filepath.Join(t.TempDir(), "id")
		require.NoError(t, os.WriteFile(other, []byte("hello\n"), 0o600))
		_, err := Open(t.Context(), path, other)
		require.ErrorIs(t, err, ErrDamaged)
	})
	t.Run("the key of a plan loses that plan and nothing else", func(t *testing.T) {
		k := open(t, path, identity)
		for _, id := range []string{"lost", "sound"} {
			_, err := k.NewPlan(id)
			require.NoError(t, err)
		}
		file := filepath.Join(path, "plan", "lost.age")
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		data[len(data)/2] ^= 1
		require.NoError(t, os.WriteFile(file, data, 0o600))
		k = open(t, path, identity)
		_, err = k.PlanIdentity("sound")
		require.NoError(t, err)
		_, err = k.PlanIdentity("lost")
		require.ErrorIs(t, err, ErrDamaged)
		_, err = k.NewPlan("lost")
		require.Error(t, err, "its file is not written over")
		require.ElementsMatch(t, []string{"plan/lost", "plan/sound"}, k.Names("plan/"))
		e, err := k.Destroy("plan/lost", time.Date(2026, 11, 20, 1, 15, 0, 0, time.UTC))
		require.NoError(t, err)
		require.Empty(t, e.KeyID, "what it was nobody can say")
		require.NoFileExists(t, file)
		k = open(t, path, identity)
		_, err = k.PlanIdentity("lost")
		require.ErrorIs(t, err, ErrDestroyed)
	})
	t.Run("what is left of a destroyed key loses that key and nothing else", func(t *testing.T) {
		path, identity := create(t)
		k := open(t, path, identity)
		require.NoError(t, k.EnsureSilo("ended"))
		require.NoError(t, k.EnsureSilo("sound"))
		at := time.Date(2026, 11, 20, 1, 15, 0, 0, time.UTC)
		_, err := k.NewPlan("begun")
		require.NoError(t, err)
		_, err = k.NewPlan("ended")
		require.NoError(t, err)
		for _, name := range []string{"plan/ended", "silo/ended"} {
			_, err = k.Destroy(name, at)
			require.NoError(t, err)
		}
		names := []string{"plan/begun", "plan/ended", "silo/ended"}
		for _, name := range names {
			file := filepath.Join(path, "destroyed", filepath.FromSlash(name)+".json")
			require.NoError(t, os.WriteFile(file, []byte("{#"), 0o600))
		}
		k = open(t, path, identity)
		require.Equal(t, names, k.Unread())
		_, err = k.SiloKey("sound")
		require.NoError(t, err)
		_, err = k.SiloKey("ended")
		require.ErrorIs(t, err, ErrDamaged)
		require.ErrorIs(t, k.EnsureSilo("ended"), ErrDestroyed, "it does not come back")
		require.NotContains(t, k.Current(), "ended")
		_, err = k.DestroySilo("ended", 1, at, "asked again")
		require.ErrorIs(t, err, ErrDamaged, "its witnesses are what the registry has to record")
		for _, id := range []string{"begun", "ended"} {
			_, err = k.PlanIdentity(id)
			require.ErrorIs(t, err, ErrDamaged)
			_, err = k.NewPlan(id)
			require.Error(t, err)
			_, err = k.Destroy("plan/"+id, at)
			require.NoError(t, err, "a plan can be discarded")
		}
		require.NoFileExists(t, filepath.Join(path, "plan", "begun.age"))
	})
	t.Run("the leavings of an interrupted creation do not matter", func(t *testing.T) {
		require.NoError(t, os.WriteFile(filepath.Join(path, "silo", ".new-1"), []byte("half"), 0o600))
		open(t, path, identity)
	})
	require.ErrorContains(t, Create(path, identity), "not empty")
}

func TestTwoProcessesCreateOneKey(t *testing.T) {
	path, identity := create(t)
	one, two := open(t, path, identity), open(t, path, identity)
	require.NoError(t, one.EnsureSilo("newsletter"))
	require.NoError(t, two.EnsureSilo("newsletter"))
	a, err := one.SiloKey("newsletter")
	require.NoError(t, err)
	b, err := two.SiloKey("newsletter")
	require.NoError(t, err)
	require.Equal(t, a.Match("email", []byte("x@y.it")), b.Match("email", []byte("x@y.it")))
}

func TestReferencesAreSeparated(t *testing.T) {
	key := func(silo string, fill byte) *SiloKey {
		k, err := newSiloKey(silo, 1, bytes.Repeat([]byte{fill}, 32))
		require.NoError(t, err)
		return k
	}
	k := key("a", 1)
	refs := map[Ref]string{}
	for name, ref := range map[string]Ref{
		"match":            k.Match("email", []byte("x")),
		"another kind":     k.Match("phone", []byte("x")),
		"another value":    k.Match("email", []byte("y")),
		"another silo":     key("b", 2).Match("email", []byte("x")),
		"record":           k.Record("crm", "people", []byte("1")),
		"names shifted":    k.Record("crmp", "eople", []byte("1")),
		"key shifted":      k.Record("crm", "peopl", []byte("e1")),
		"dedup":            k.Dedup("crm", []byte("x")),
		"audit":            (&AuditKey{newMAC(bytes.Repeat([]byte{1}, 32))}).Ref("record", []byte("1")),
		"audit, collected": (&AuditKey{newMAC(bytes.Repeat([]byte{1}, 32))}).Ref("collection", []byte("1")),
	} {
		require.Empty(t, refs[ref], name)
		refs[ref] = name
	}
	require.Equal(t, k.Match("email", []byte("x")), k.Clone().Match("email", []byte("x")))
}

// TestKnownReference holds the derivation still: HKDF-SHA256 (RFC 5869) and HMAC-SHA256, recomputed with
// Python's hmac module.
func TestKnownReference(t *testing.T) {
	k, err := newSiloKey("a", 1, bytes.Repeat([]byte{7}, 32))
	require.NoError(t, err)
	ref := k.Match("email", []byte("ada@example.org"))
	require.Equal(t, "da0bf1d5f86462f1283604107397430a447dcb2f17b5379a879b45211e857e9d", hex.EncodeToString(ref[:]))
}

func TestMatchDoesNotAllocate(t *testing.T) {
	k, err := newSiloKey("a", 1, bytes.Repeat([]byte{7}, 32))
	require.NoError(t, err)
	value := []byte("ada@example.org")
	require.Zero(t, testing.AllocsPerRun(100, func() { k.Match("email", value); k.Record("crm", "people", value) }))
}

func TestPerson(t *testing.T) {
	file := filepath.Join(t.TempDir(), "anna.key")
	public, err := NewPerson(file)
	require.NoError(t, err)
	_, err = NewPerson(file)
	require.ErrorContains(t, err, "exists already")
	anna, err := LoadPerson(file)
	require.NoError(t, err)
	require.Equal(t, public, anna.Public())
	key, err := ParsePublic(public)
	require.NoError(t, err)
	require.Equal(t, public, key.String())

	message := []byte("plan digest and counts")
	signature := anna.Sign("plan", message)
	require.Len(t, signature, ed25519.SignatureSize)
	require.NoError(t, key.Verify("plan", message, signature))
	require.ErrorIs(t, key.Verify("manifest", message, signature), ErrSignature)
	require.ErrorIs(t, key.Verify("plan", append(message, '!'), signature), ErrSignature)
	require.ErrorIs(t, key.Verify("plan", message, signature[1:]), ErrSignature)
	require.ErrorIs(t, PublicKey{}.Verify("plan", message, signature), ErrSignature)
	require.Equal(t, "***", anna.String())

	require.NoError(t, os.Chmod(file, 0o644))
	_, err = LoadPerson(file)
	require.ErrorIs(t, err, ErrReadable)
	_, err = LoadPerson(file + ".none")
	require.ErrorIs(t, err, ErrMissing)
	empty := filepath.Join(t.TempDir(), "empty")
	require.NoError(t, os.WriteFile(empty, []byte("lethe-ed25519-secret:AAAA\n"), 0o600))
	_, err = LoadPerson(empty)
	require.ErrorIs(t, err, ErrDamaged)
	for _, text := range []string{"", "lethe-ed25519:", "lethe-ed25519:AAAA", "ed25519:" + public, public + "A"} {
		_, err := ParsePublic(text)
		require.Error(t, err, text)
	}
}

func TestVersionsOfASilo(t *testing.T) {
	path, identity := create(t)
	k := open(t, path, identity)
	require.Error(t, k.EnsureSilo("newsletter@2"), "the mark of a version is no part of a name")
	require.NoError(t, k.EnsureSilo("newsletter"))
	require.NoError(t, k.EnsureSilo("customers"))
	first, err := k.SiloKey("newsletter")
	require.NoError(t, err)
	email := []byte("a@b.it")
	old := first.Match("email", email)
	require.Equal(t, old, first.First("email", email))

	version, err := k.RotateSilo("newsletter")
	require.NoError(t, err)
	require.Equal(t, 2, version)
	require.NoError(t, k.EnsureSilo("newsletter"), "it has a key")
	require.Equal(t, map[string]int{"newsletter": 2, "customers": 1}, k.Current())
	second, err := open(t, path, identity).SiloKey("newsletter")
	require.NoError(t, err)
	require.Equal(t, 2, second.Version())
	require.NotEqual(t, old, second.Match("email", email))
	require.Equal(t, second.Match("email", email), second.Carry(old, false, 1))
	require.Equal(t, second.Record("crm", "people", email), second.Carry(first.Record("crm", "people", email), true, 1))
	require.Equal(t, second.Match("email", email), second.Clone().Match("email", email))
	require.Equal(t, old, second.First("email", email))
	require.Equal(t, first.Dedup("crm", email), second.Dedup("crm", email))

	at := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	_, err = k.DestroySilo("newsletter", 1, at, "replaced")
	require.NoError(t, err)
	third, err := k.RotateSilo("newsletter")
	require.NoError(t, err)
	require.Equal(t, 3, third)
	key, err := k.SiloKey("newsletter")
	require.NoError(t, err)
	require.Equal(t, key.Match("email", email), key.Carry(old, false, 1), "the first version is not needed to go on")
	require.Equal(t, key.Match("email", email), key.Carry(second.Match("email", email), false, 2))
	var versions []int
	for _, v := range open(t, path, identity).SiloVersions() {
		if v.Silo == "newsletter" {
			versions = append(versions, v.Version)
			require.Equal(t, v.Version == 1, v.Destroyed != nil)
		}
	}
	require.Equal(t, []int{1, 2, 3}, versions)
	for version := range 3 {
		_, err = k.DestroySilo("newsletter", version+1, at, "over")
		require.NoError(t, err)
	}
	_, err = k.SiloKey("newsletter")
	require.ErrorIs(t, err, ErrDestroyed)
	require.ErrorContains(t, err, "out of the configuration")
	require.ErrorIs(t, k.EnsureSilo("newsletter"), ErrDestroyed)
	_, err = newSiloKey("newsletter", 2, make([]byte, 4*keyLen))
	require.ErrorIs(t, err, ErrDamaged)
}

func TestWitnesses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "anna.key")
	_, err := NewPerson(file)
	require.NoError(t, err)
	anna, err := LoadPerson(file)
	require.NoError(t, err)
	e := Evidence{Name: "silo/a", KeyID: "ab12", Because: "the fair is over"}
	e.Witnesses = []string{anna.Witness("Anna Rossi", e.KeyID, e.Because)}
	names, err := e.WitnessedBy()
	require.NoError(t, err)
	require.Equal(t, []string{"Anna Rossi"}, names)
	digest := e.Digest()
	for what, change := range map[string]func(*Evidence){
		"reason": func(e *Evidence) { e.Because = "another" },
		"key":    func(e *Evidence) { e.KeyID = "ab13" },
		"name":   func(e *Evidence) { e.Witnesses = []string{"Bo" + e.Witnesses[0][4:]} },
		"text":   func(e *Evidence) { e.Witnesses = []string{"anna"} },
	} {
		changed := e
		change(&changed)
		_, err := changed.WitnessedBy()
		require.ErrorIs(t, err, ErrSignature, what)
		if what != "reason" {
			require.NotEqual(t, digest, changed.Digest(), what)
		}
	}
}
