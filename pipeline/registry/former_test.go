package registry

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/policy"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/delivery"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/standings"
)

// version1 is the registry in testdata/version1, which the program wrote when canonical forms were of version 1: from
// plain.csv, and from odd.csv, in which addresses have a zero width space before them, a typographic apostrophe, a name two
// spaces and a number the 0 of calls inside the country.
func version1(t *testing.T) *fixture {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS("testdata/version1")))
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error { // as a keystore has to be
		if err != nil || d.IsDir() {
			return err
		}
		return os.Chmod(path, 0o600)
	}))
	f := newSQLite(t)
	var err error
	f.keys, err = keystore.Open(t.Context(), filepath.Join(dir, "keys"), filepath.Join(dir, "lethe.age"))
	require.NoError(t, err)
	f.now = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC) // after it was written
	rows, err := os.ReadFile("testdata/version1/registry.sql")
	require.NoError(t, err)
	_, err = f.raw().Exec(string(rows) + "DELETE FROM meta WHERE name = 'identifiers'")
	require.NoError(t, err)
	f.formerly("3")
	done, err := Upgrade(t.Context(), Config{DSN: f.path, Keys: f.keys}, nil)
	require.NoError(t, err)
	require.Equal(t, Upgraded{Silos: []string{"newsletter"}}, done)
	f.r = f.open(Config{})
	return f
}

func (f *fixture) deliver(file string) delivery.Report {
	f.t.Helper()
	text, err := os.Open(filepath.Join("testdata/version1", file))
	require.NoError(f.t, err)
	defer text.Close()
	rome, err := time.LoadLocation("Europe/Rome")
	require.NoError(f.t, err)
	report, err := f.r.Import(f.t.Context(), delivery.Import{Keys: f.key("newsletter"), Reader: text, Format: delivery.CSV,
		Source: "t", Zone: rome, Country: "IT", Notice: "v1",
		Default: map[string]string{"purpose": "newsletter", "evidence": "e1", "method": "form"}})
	require.NoError(f.t, err)
	return report
}

// row matches a row of a source that holds an identifier, and says what the person's consent is.
func (f *fixture) row(kind, value string) (standings.Match, policy.ConsentState) {
	f.t.Helper()
	s, err := f.r.Standings(f.t.Context(), "newsletter", f.now, map[string]event.Type{"newsletter": ""})
	require.NoError(f.t, err)
	refs, err := s.Names(nil, f.key("newsletter"), kind, []byte(value), "IT", new([]byte))
	require.NoError(f.t, err)
	m := s.Match(standings.Row{Identifiers: refs, SiloScope: true})
	var is policy.Standing
	if m.Identity != policy.Matched || !s.At(m.Collection, &is) || len(is.Purposes) == 0 {
		return m, ""
	}
	return m, is.Purposes[0].State
}

func (f *fixture) verify() {
	f.t.Helper()
	require.NoError(f.t, f.r.Verify(f.t.Context(), "newsletter", chain.Head{}))
	require.NoError(f.t, f.r.VerifyRows(f.t.Context(), "newsletter", f.key("newsletter")))
}

// A registry keeps no identifier, so references of version 1 cannot be made anew. They stay found by those who spell an
// identifier as it was; who spells it otherwise is found once the delivery comes again.
func TestVersion1(t *testing.T) {
	f := version1(t)
	f.verify()
	require.Equal(t, delivery.Report{Lines: 2, Duplicates: 2}, f.deliver("plain.csv"), "nothing changed for them")

	odd := map[string]struct{ kind, written, plain string }{
		"apostrophe": {identifier.Email, "O’Neil@example.org", "o'neil@example.org"},
		"spaces":     {identifier.Username, "Max  Power", "max power"},
		"trunk 0":    {identifier.Phone, "+4402079460000", "+44 20 7946 0000"},
	}
	before := map[string]int32{}
	for name, of := range odd {
		m, state := f.row(of.kind, of.written)
		require.Equal(t, policy.Given, state, name)
		before[name] = m.Collection
		m, _ = f.row(of.kind, of.plain)
		require.Equal(t, policy.Unmatched, m.Identity, name)
		list, err := f.r.CollectionsOf(t.Context(), f.key("newsletter"), event.Subject{Kind: of.kind, Value: of.written}, "IT")
		require.NoError(t, err)
		require.Equal(t, []int32{before[name]}, list, name)
	}
	// The withdrawals that were recorded of nobody: as they were written, they contradict what the person gave.
	for _, person := range []string{"persona0@example.org", "persona1@example.org"} {
		_, state := f.row(identifier.Email, person)
		require.Equal(t, policy.Given, state)
		m, _ := f.row(identifier.Email, "\u200b"+person)
		require.Equal(t, policy.Conflicting, m.Identity, "two people are not made one")
	}

	require.Equal(t, delivery.Report{Lines: 6, Events: 6}, f.deliver("odd.csv"), "each once more, of whom it names")
	require.Equal(t, delivery.Report{Lines: 6, Duplicates: 6}, f.deliver("odd.csv"))
	require.Equal(t, delivery.Report{Lines: 2, Duplicates: 2}, f.deliver("plain.csv"))
	f.verify()
	for name, of := range odd {
		for _, value := range []string{of.written, of.plain} {
			m, state := f.row(of.kind, value)
			require.Equal(t, policy.Given, state, name)
			require.Equal(t, before[name], m.Collection, "%s: in the collection that there was", name)
		}
	}
	for _, person := range []string{"persona0@example.org", "persona1@example.org"} {
		_, state := f.row(identifier.Email, person)
		require.Equal(t, policy.Withdrawn, state)
	}
	ben := event.Subject{Kind: identifier.Email, Value: "ben@example.org"}
	list, err := f.r.CollectionsOf(t.Context(), f.key("newsletter"), ben, "IT")
	require.NoError(t, err)
	require.Len(t, list, 1, "of the collection that was written with another space")
}

func TestVersionOfIdentifiers(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		require.False(t, f.r.store.Former(), "a new registry has references of this version only")
		for value, want := range map[string]string{"3": "its identifiers are of version 3, and this Lethe knows 2",
			"x": "does not say the version of its identifiers"} {
			_, err := f.r.store.Exec(t.Context(), `UPDATE meta SET value = ? WHERE name = 'identifiers'`, value)
			require.NoError(t, err)
			_, err = Open(t.Context(), Config{Driver: f.config.Driver, DSN: f.config.DSN, AllowEmpty: true})
			require.ErrorIs(t, err, ErrSchema)
			require.ErrorContains(t, err, want)
		}
		_, err := f.r.store.Exec(t.Context(), `UPDATE meta SET value = '1' WHERE name = 'identifiers'`)
		require.NoError(t, err)
		require.True(t, f.open(Config{AllowEmpty: true}).store.Former())
	})
}
