package registry

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/policy"
	"lethe/pipeline/registry/keystore"
)

// fixture is a registry and a keystore in a throwaway folder, with a clock that stands.
type fixture struct {
	t    testing.TB
	path string
	r    *Registry
	keys *keystore.Keystore
	now  time.Time
}

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func newFixture(t testing.TB) *fixture {
	t.Helper()
	dir := t.TempDir()
	f := &fixture{t: t, path: filepath.Join(dir, "registry.db"), now: noon}
	require.NoError(t, keystore.Create(filepath.Join(dir, "keys"), filepath.Join(dir, "lethe.age")))
	var err error
	f.keys, err = keystore.Open(t.Context(), filepath.Join(dir, "keys"), filepath.Join(dir, "lethe.age"))
	require.NoError(t, err)
	require.NoError(t, Create(t.Context(), Config{DSN: f.path}))
	f.r = f.open(Config{AllowEmpty: true})
	return f
}

func (f *fixture) open(c Config) *Registry {
	f.t.Helper()
	c.DSN = f.path
	c.Now = func() time.Time { return f.now }
	r, err := Open(f.t.Context(), c)
	require.NoError(f.t, err)
	f.t.Cleanup(func() { r.Close() })
	return r
}

func (f *fixture) key(silo string) *keystore.SiloKey {
	f.t.Helper()
	require.NoError(f.t, f.keys.EnsureSilo(silo))
	k, err := f.keys.SiloKey(silo)
	require.NoError(f.t, err)
	return k
}

func (f *fixture) importCSV(silo, text string) ImportReport {
	f.t.Helper()
	report, err := f.r.Import(f.t.Context(), Import{Keys: f.key(silo), Reader: strings.NewReader(text), Format: CSV, Source: "crm"})
	require.NoError(f.t, err)
	return report
}

// ref is the reference of an identifier in a silo.
func (f *fixture) ref(silo, kind, value string) Ref {
	f.t.Helper()
	normalised, ok := Normalise(kind, []byte(value), "IT", nil)
	require.True(f.t, ok)
	return f.key(silo).Match(kind, normalised)
}

// standing is what the registry says at an instant of the one collection that an e-mail address leads to.
func (f *fixture) standing(silo, email string, asOf time.Time, purposes ...string) *policy.Standing {
	f.t.Helper()
	ends := map[string]EventType{}
	for _, p := range purposes {
		ends[p] = ""
	}
	s, err := f.r.Standings(f.t.Context(), silo, asOf, ends)
	require.NoError(f.t, err)
	m := s.Match(Row{Identifiers: []Ref{f.ref(silo, KindEmail, email)}})
	require.Equal(f.t, policy.Matched, m.Identity)
	var standing policy.Standing
	require.True(f.t, s.At(m.Collection, &standing))
	return &standing
}

// raw opens the database without any of our rules, as a superuser would.
func (f *fixture) raw() *sql.DB {
	f.t.Helper()
	db, err := openDB(f.path, false)
	require.NoError(f.t, err)
	f.t.Cleanup(func() { db.Close() })
	return db
}

func day(text string) time.Time {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return t
}

const header1 = "email,type,purpose,occurred_at,effective_until,notice,evidence\n"

func TestImportThenStanding(t *testing.T) {
	f := newFixture(t)
	report := f.importCSV("newsletter", header1+
		"Ada@Example.org,given,newsletter,2026-01-10T10:00:00+01:00,,n3,form 17\n"+
		"bob@example.org,given,newsletter,2026-01-11,,n3,form 18\n"+
		"bob@example.org,withdrawn,newsletter,2026-02-01,,,\n"+
		"cleo@example.org,given,newsletter,2025-01-11,2026-01-11,n3,form 19\n"+
		"dan@example.org,given,newsletter,2026-01-11,,n3,\n")
	require.Equal(t, ImportReport{Lines: 5, Events: 5}, report)

	ada := f.standing("newsletter", "ada@example.org", noon).Purposes[0]
	require.Equal(t, policy.PurposeStanding{Purpose: "newsletter", State: policy.Given, Since: time.Date(2026, 1, 10, 9, 0, 0, 0, time.UTC), Proven: true}, ada)
	bob := f.standing("newsletter", "bob@example.org", noon)
	require.Equal(t, policy.Withdrawn, bob.Purposes[0].State)
	require.Equal(t, day("2026-02-01"), bob.Purposes[0].Since)
	require.Equal(t, day("2026-01-11"), bob.Collected)
	require.Equal(t, []int64{2, 3}, []int64{bob.FirstSeq, bob.LastSeq})
	require.Equal(t, policy.Given, f.standing("newsletter", "bob@example.org", day("2026-01-20")).Purposes[0].State)
	cleo := f.standing("newsletter", "cleo@example.org", noon).Purposes[0]
	require.Equal(t, policy.Expired, cleo.State)
	require.Equal(t, day("2026-01-11"), cleo.Since)
	require.False(t, f.standing("newsletter", "dan@example.org", noon).Purposes[0].Proven)

	require.NoError(t, f.r.Verify(t.Context(), "newsletter", Head{}))
	head, err := f.r.Head(t.Context(), "newsletter")
	require.NoError(t, err)
	require.EqualValues(t, 5, head)
}

func BenchmarkImport(b *testing.B) {
	f := newFixture(b)
	key := f.key("newsletter")
	var text strings.Builder
	text.WriteString("email,type,purpose,occurred_at,notice,evidence,id\n")
	for i := range b.N {
		fmt.Fprintf(&text, "person%d@example.org,given,newsletter,2026-01-10T10:00:00Z,n3,form %d,e%d\n", i, i, i)
	}
	b.ResetTimer()
	report, err := f.r.Import(b.Context(), Import{Keys: key, Reader: strings.NewReader(text.String()), Format: CSV, Source: "crm"})
	require.NoError(b, err)
	require.Equal(b, b.N, report.Events)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkStandings(b *testing.B) {
	f := newFixture(b)
	const n = 200_000
	f.fill("newsletter", n)
	var s *Standings
	b.Run("load", func(b *testing.B) {
		for b.Loop() {
			var err error
			s, err = f.r.Standings(context.Background(), "newsletter", noon, nil)
			require.NoError(b, err)
		}
		b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "subjects/s")
	})
	b.Run("reconcile", func(b *testing.B) {
		b.ReportAllocs()
		key := f.key("newsletter")
		scratch := make([]byte, 0, 64)
		email := make([]byte, 0, 64)
		var standing policy.Standing
		refs := make([]Ref, 1)
		for i := 0; b.Loop(); i++ {
			email = fmt.Appendf(email[:0], "person%d@example.org", i%n)
			value, ok := Normalise(KindEmail, email, "", scratch[:0])
			if !ok {
				b.Fatal("not an address")
			}
			refs[0] = key.Match(KindEmail, value)
			if m := s.Match(Row{Identifiers: refs}); m.Identity != policy.Matched || !s.At(m.Collection, &standing) {
				b.Fatal("not matched")
			}
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
	b.Run("verify", func(b *testing.B) {
		for b.Loop() {
			require.NoError(b, f.r.Verify(context.Background(), "newsletter", Head{}))
		}
		b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	})
}

// fill gives n people one consent each.
func (f *fixture) fill(silo string, n int) {
	f.t.Helper()
	var text strings.Builder
	text.WriteString("email,type,purpose,occurred_at,notice,evidence\n")
	for i := range n {
		fmt.Fprintf(&text, "person%d@example.org,given,newsletter,2026-01-10T10:00:00Z,n3,form %d\n", i, i)
	}
	require.Equal(f.t, n, f.importCSV(silo, text.String()).Events)
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "none.db")
	_, err := Open(t.Context(), Config{DSN: missing})
	require.ErrorIs(t, err, ErrMissing)
	require.ErrorContains(t, err, "lethe registry init")
	require.NoFileExists(t, missing)

	other := filepath.Join(dir, "other.db")
	require.NoError(t, os.WriteFile(other, []byte("this is not a database, but long enough to look at"), 0o600))
	_, err = Open(t.Context(), Config{DSN: other})
	require.ErrorIs(t, err, ErrSchema)

	f := newFixture(t)
	_, err = Open(t.Context(), Config{DSN: f.path})
	require.ErrorIs(t, err, ErrEmpty)
	require.ErrorContains(t, Create(t.Context(), Config{DSN: f.path}), "exists already")
	_, err = Open(t.Context(), Config{Driver: "oracle", DSN: f.path})
	require.ErrorContains(t, err, "oracle")
	f.fill("newsletter", 1)
	ro := f.open(Config{ReadOnly: true})
	_, err = ro.Append(t.Context(), f.key("newsletter"), Event{Type: Restricted, OccurredAt: noon, Subjects: []Subject{{KindEmail, "a@b.it"}}})
	require.ErrorIs(t, err, ErrReadOnly)
}
