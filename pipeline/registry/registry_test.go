package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/fixtures/servers"
	"lethe/pipeline/policy"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/delivery"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/seal"
	"lethe/pipeline/registry/standings"
)

// fixture is a registry and a keystore in a throwaway folder, with a clock that stands.
type fixture struct {
	t      testing.TB
	config Config
	path   string // of the file; "" on a server
	r      *Registry
	folder string // of the keystore
	keys   *keystore.Keystore
	now    time.Time
}

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// newFixture makes a fixture on one engine.
type newFixture func(testing.TB) *fixture

// onEngines runs a test on every engine, on the servers of fixtures/servers for those that need one.
func onEngines(t *testing.T, test func(*testing.T, newFixture)) {
	t.Helper()
	for _, e := range []struct {
		name   string
		server func(testing.TB) *servers.Server
	}{{"sqlite", nil}, {"postgres", servers.Postgres}, {"mysql", servers.MariaDB}} {
		t.Run(e.name, func(t *testing.T) {
			test(t, func(t testing.TB) *fixture {
				if e.server == nil {
					return newSQLite(t)
				}
				return newOn(t, Config{Driver: e.name, DSN: e.server(t).Database(t).DSN()})
			})
		})
	}
}

// asTheyCome leaves the events of a delivery in their order.
func asTheyCome(int, func(i, j int)) {}

// embedded runs a test on the embedded engine, and on the servers too where that is asked: most of what is edited as a
// superuser reads alike on each.
func embedded(t *testing.T, serversToo bool, test func(*testing.T, newFixture)) {
	t.Helper()
	if serversToo {
		onEngines(t, test)
		return
	}
	test(t, newSQLite)
}

// newSQLite is a fixture on the embedded engine.
func newSQLite(t testing.TB) *fixture {
	t.Helper()
	return newOn(t, Config{DSN: filepath.Join(t.TempDir(), "registry.db")})
}

func newOn(t testing.TB, c Config) *fixture {
	t.Helper()
	dir := t.TempDir()
	f := &fixture{t: t, config: c, folder: dir, now: noon}
	if c.Driver == "" {
		f.path = c.DSN
	}
	require.NoError(t, keystore.Create(filepath.Join(dir, "keys"), filepath.Join(dir, "lethe.age")))
	var err error
	f.keys, err = keystore.Open(t.Context(), filepath.Join(dir, "keys"), filepath.Join(dir, "lethe.age"))
	require.NoError(t, err)
	require.NoError(t, Create(t.Context(), c))
	f.r = f.open(Config{AllowEmpty: true})
	return f
}

// open opens the fixture's registry once more.
func (f *fixture) open(c Config) *Registry {
	f.t.Helper()
	c.Driver, c.DSN, c.Keys = f.config.Driver, f.config.DSN, f.keys
	c.Now = func() time.Time { return f.now }
	if c.Shuffle == nil {
		c.Shuffle = asTheyCome
	}
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

func (f *fixture) importCSV(silo, text string) delivery.Report {
	f.t.Helper()
	report, err := f.r.Import(f.t.Context(), delivery.Import{Keys: f.key(silo), Reader: strings.NewReader(text),
		Format: delivery.CSV, Source: "crm"})
	require.NoError(f.t, err)
	return report
}

// link ties a row to a collection, as an event that names the row does.
func (f *fixture) link(silo string, record keystore.Ref, collection int64) {
	f.t.Helper()
	require.NoError(f.t, f.r.change(f.t.Context(), silo, "link", seal.Link, [][]byte{record[:]}, 1,
		func(w *chain.Writer) error {
			_, err := w.Tx.Exec(f.t.Context(),
				`INSERT INTO record_link (silo, record_ref, collection, "system", object, linked_at)
				VALUES (?, ?, ?, 'crm', 'people', ?)`, w.Silo.ID, record[:], collection, event.Micros(noon))
			return err
		}))
}

// ref is the reference of an identifier in a silo.
func (f *fixture) ref(silo, kind, value string) keystore.Ref {
	f.t.Helper()
	normalised, err := identifier.Normalise(kind, []byte(value), "IT", nil)
	require.NoError(f.t, err)
	return f.key(silo).Match(kind, normalised)
}

// standing is what the registry says at an instant of the one collection that an e-mail address leads to.
func (f *fixture) standing(silo, email string, asOf time.Time, purposes ...string) *policy.Standing {
	f.t.Helper()
	ends := map[string]event.Type{}
	for _, p := range purposes {
		ends[p] = ""
	}
	s, err := f.r.Standings(f.t.Context(), silo, asOf, ends)
	require.NoError(f.t, err)
	m := s.Match(standings.Row{Identifiers: []keystore.Ref{f.ref(silo, identifier.Email, email)}})
	require.Equal(f.t, policy.Matched, m.Identity)
	var standing policy.Standing
	require.True(f.t, s.At(m.Collection, &standing))
	return &standing
}

// raw opens the database without any of our rules, as a superuser would.
func (f *fixture) raw() *sql.DB {
	f.t.Helper()
	db, err := database.Open(f.t.Context(), f.config.database())
	require.NoError(f.t, err)
	f.t.Cleanup(func() { db.Close() })
	return db.Pool
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
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		report := f.importCSV("newsletter", header1+
			"Ada@Example.org,given,newsletter,2026-01-10T10:00:00+01:00,,n3,form 17\n"+
			"bob@example.org,given,newsletter,2026-01-11,,n3,form 18\n"+
			"bob@example.org,withdrawn,newsletter,2026-02-01,,,\n"+
			"cleo@example.org,given,newsletter,2025-01-11,2026-01-11,n3,form 19\n"+
			"dan@example.org,given,newsletter,2026-01-11,,n3,\n")
		require.Equal(t, delivery.Report{Lines: 5, Events: 5}, report)

		ada := f.standing("newsletter", "ada@example.org", noon).Purposes[0]
		require.Equal(t, policy.PurposeStanding{Purpose: "newsletter", State: policy.Given,
			Since: time.Date(2026, 1, 10, 9, 0, 0, 0, time.UTC), Proven: true}, ada)
		bob := f.standing("newsletter", "bob@example.org", noon)
		require.Equal(t, policy.Withdrawn, bob.Purposes[0].State)
		require.Equal(t, day("2026-02-02").Add(-time.Microsecond), bob.Purposes[0].Since, "a day alone, at its end")
		require.Equal(t, day("2026-01-11"), bob.Collected)
		require.Equal(t, []int64{2, 3}, []int64{bob.FirstSeq, bob.LastSeq})
		require.Equal(t, policy.Given, f.standing("newsletter", "bob@example.org", day("2026-01-20")).Purposes[0].State)
		cleo := f.standing("newsletter", "cleo@example.org", noon).Purposes[0]
		require.Equal(t, policy.Expired, cleo.State)
		require.Equal(t, day("2026-01-11"), cleo.Since)
		require.False(t, f.standing("newsletter", "dan@example.org", noon).Purposes[0].Proven)

		require.NoError(t, f.r.Verify(t.Context(), "newsletter", chain.Head{}))
		head, err := f.r.Head(t.Context(), "newsletter")
		require.NoError(t, err)
		require.EqualValues(t, 5, head)
	})
}

// BenchmarkImport records a delivery of new consents, each with an id and evidence. Its yardsticks are the
// hashes that an event takes, and a table of rows as long with one random key of 16 bytes, written by the
// same engine and flushed as often.
func BenchmarkImport(b *testing.B) {
	f := newSQLite(b)
	key := f.key("newsletter")
	var text strings.Builder
	text.WriteString("email,type,purpose,occurred_at,notice,evidence,id\n")
	for i := range b.N {
		fmt.Fprintf(&text, "person%d@example.org,given,newsletter,2026-01-10T10:00:00Z,n3,form %d,e%d\n", i, i, i)
	}
	b.ResetTimer()
	began := spent()
	report, err := f.r.Import(b.Context(), delivery.Import{Keys: key, Reader: strings.NewReader(text.String()),
		Format: delivery.CSV, Source: "crm"})
	b.StopTimer()
	require.NoError(b, err)
	require.Equal(b, b.N, report.Events)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(b.N)/(spent()-began), "events/cpu-s")

	began = spent()
	line := make([]byte, 180)
	for range b.N {
		for range 3 { // payload, evidence, header
			sum := sha256.Sum256(line)
			copy(line, sum[:])
		}
		for range 3 { // person, delivery, content
			sum := key.Dedup("crm", line[:60])
			copy(line, sum[:])
		}
	}
	b.ReportMetric(float64(b.N)/(spent()-began), "hashes-alone/cpu-s")

	tx, err := f.r.store.Begin(b.Context(), false)
	require.NoError(b, err)
	_, err = tx.Exec(b.Context(), `CREATE TABLE yardstick (seq INTEGER PRIMARY KEY,
		id BLOB NOT NULL UNIQUE, line BLOB NOT NULL)`)
	require.NoError(b, err)
	require.NoError(b, tx.Commit())
	tx.End()
	line = make([]byte, 400)
	began = spent()
	for from := 0; from < b.N; from += 20_000 {
		require.NoError(b, f.r.store.Write(b.Context(), "yardstick", func(tx *database.Txn) error {
			rows := database.NewBulk(tx, "yardstick", "seq, id, line")
			for i := from; i < min(from+20_000, b.N); i++ {
				id := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i)))
				rows.Add(database.Number(int64(i+1)), database.Blob(bytes.Clone(id[:16])), database.Blob(line))
			}
			return rows.Flush(b.Context())
		}))
	}
	b.ReportMetric(float64(b.N)/(spent()-began), "rows-alone/cpu-s")
}

func BenchmarkStandings(b *testing.B) {
	f := newSQLite(b)
	const n = 200_000
	f.fill("newsletter", n)
	var s *standings.Standings
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
		refs := make([]keystore.Ref, 1)
		for i := 0; b.Loop(); i++ {
			email = fmt.Appendf(email[:0], "person%d@example.org", i%n)
			value, err := identifier.Normalise(identifier.Email, email, "", scratch[:0])
			if err != nil {
				b.Fatal("not an address")
			}
			refs[0] = key.Match(identifier.Email, value)
			if m := s.Match(standings.Row{Identifiers: refs}); m.Identity != policy.Matched ||
				!s.At(m.Collection, &standing) {
				b.Fatal("not matched")
			}
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
	b.Run("verify", func(b *testing.B) {
		for b.Loop() {
			require.NoError(b, f.r.Verify(context.Background(), "newsletter", chain.Head{}))
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
	require.ErrorIs(t, err, database.ErrMissing)
	require.ErrorContains(t, err, "lethe registry init")
	require.NoFileExists(t, missing)

	other := filepath.Join(dir, "other.db")
	require.NoError(t, os.WriteFile(other, []byte("this is not a database, but long enough to look at"), 0o600))
	_, err = Open(t.Context(), Config{DSN: other})
	require.ErrorIs(t, err, database.ErrSchema)

	f := newSQLite(t)
	old := newSQLite(t)
	_, err = old.raw().Exec(`UPDATE meta SET value = '1' WHERE name = 'schema'`)
	require.NoError(t, err)
	_, err = Open(t.Context(), Config{DSN: old.path})
	require.ErrorIs(t, err, database.ErrSchema)
	require.ErrorContains(t, err, "it is of version 1, and this Lethe wants ")
	_, err = Open(t.Context(), Config{DSN: f.path})
	require.ErrorIs(t, err, ErrEmpty)
	require.ErrorContains(t, Create(t.Context(), Config{DSN: f.path}), "exists already")
	_, err = Open(t.Context(), Config{Driver: "oracle", DSN: f.path})
	require.ErrorContains(t, err, "oracle")
	require.ErrorIs(t, err, ErrConfig)
	f.fill("newsletter", 1)
	ro := f.open(Config{ReadOnly: true})
	_, err = ro.Append(t.Context(), f.key("newsletter"), event.Event{Type: event.Restricted, OccurredAt: noon,
		Subjects: []event.Subject{{Kind: identifier.Email, Value: "a@b.it"}}})
	require.ErrorIs(t, err, chain.ErrReadOnly)
}

func TestOpenOnServers(t *testing.T) {
	for _, e := range []struct {
		driver, off, malformed string
		server                 func(testing.TB) *servers.Server
	}{
		{"postgres", "sslmode=disable", "postgres://u:s3cret@host:port/db", servers.Postgres},
		{"mysql", "tls=false", "u:s3cret@tcp(host/db", servers.MariaDB},
	} {
		t.Run(e.driver, func(t *testing.T) {
			s := e.server(t)
			db := s.Database(t)
			config := Config{Driver: e.driver, DSN: db.DSN()}
			_, err := Open(t.Context(), config)
			require.ErrorIs(t, err, database.ErrMissing)
			require.ErrorContains(t, err, "lethe registry init")
			require.NotContains(t, fmt.Sprintf("%v %+v %s", config, config, config), s.Password)
			require.NoError(t, Create(t.Context(), config))
			require.ErrorContains(t, Create(t.Context(), config), "tables already")
			_, err = Open(t.Context(), config)
			require.ErrorIs(t, err, ErrEmpty)

			plain := config
			plain.DSN, _, _ = strings.Cut(plain.DSN, "?")
			verified := plain
			plain.DSN += "?" + e.off
			_, err = Open(t.Context(), plain)
			require.ErrorContains(t, err, "without TLS")
			require.ErrorIs(t, err, ErrConfig)
			plain.Plaintext, plain.AllowEmpty = true, true
			r, err := Open(t.Context(), plain)
			require.NoError(t, err, "the waiver allows it")
			require.NoError(t, r.Close())
			_, err = Open(t.Context(), verified)
			require.ErrorIs(t, err, database.ErrUnreachable, "the test server's certificate is not signed by "+
				"anybody the system knows")
			require.ErrorContains(t, err, "the server's certificate cannot be trusted; add ")

			for _, c := range []struct {
				dsn  string
				want error
			}{
				{s.DSN("no_such_database"), database.ErrMissing},
				{db.DSNAs("nobody", "s3cret"), database.ErrUnreachable},
				{strings.Replace(config.DSN, s.Address, "127.0.0.1:1", 1), database.ErrUnreachable},
			} {
				_, err := Open(t.Context(), Config{Driver: e.driver, DSN: c.dsn})
				require.ErrorIs(t, err, c.want)
				for _, secret := range []string{c.dsn, s.Password, "s3cret", db.Name} {
					require.NotContains(t, err.Error(), secret)
				}
			}
			_, err = Open(t.Context(), Config{Driver: e.driver, DSN: e.malformed})
			require.ErrorContains(t, err, "registry.dsn is not one of")
			require.NotContains(t, err.Error(), "s3cret")
		})
	}
}

func TestRightsAreNamed(t *testing.T) {
	db := servers.MariaDB(t).Database(t)
	db.Exec(t, "CREATE USER '"+db.Name+"'@'%' IDENTIFIED BY 'pw'; GRANT SELECT, CREATE, INDEX ON "+db.Name+".* TO '"+
		db.Name+"'@'%'")
	defer db.Exec(t, "DROP USER '"+db.Name+"'@'%'")
	err := Create(t.Context(), Config{Driver: "mysql", DSN: db.DSNAs(db.Name, "pw")})
	require.ErrorContains(t, err, "may not TRIGGER here: GRANT it")
	require.NotContains(t, err.Error(), db.Name, "neither the user nor the database")
}

// spent is the CPU of the process in seconds.
func spent() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
