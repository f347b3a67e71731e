// Package pipelinetest has what the tests of the pipeline share.
//
//   - [World] is a company in memory, small enough to be seen whole: one governed source, a registry of real
//     events, real keys and real people.
//   - [People], [News] and their events are what most tests begin with; [Table], [Field] and [FK] make tables.
package pipelinetest

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/stretchr/testify/require"

	"lethe/classifiers"
	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline/policy"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
)

// World is a company in memory: one live source, perhaps a backup, a registry of real events, real keys and
// real people.
type World struct {
	T       testing.TB
	Setup   *setup.Setup
	Live    *mem.Store
	Signers map[string]*keystore.Signer // of the people, by name
	Now     time.Time                   // of every clock
	Dir     string
	events  int
}

// Rome is the zone in which the world counts its days.
func Rome() *time.Location {
	z, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		panic(err)
	}
	return z
}

// New makes a world that one silo governs. Its live source, crm, has these tables; anna owns the silo, bo
// is a custodian, dora the data protection officer.
func New(t testing.TB, silo policy.Silo, tables ...mem.Table) *World {
	t.Helper()
	w := &World{T: t, Now: time.Date(2026, 11, 20, 1, 15, 0, 0, Rome()), Dir: t.TempDir(),
		Signers: map[string]*keystore.Signer{}}
	ctx := t.Context()
	keys, identity := filepath.Join(w.Dir, "keys"), filepath.Join(w.Dir, "id.age")
	require.NoError(t, keystore.Create(keys, identity))
	store, err := keystore.Open(ctx, keys, identity)
	require.NoError(t, err)
	require.NoError(t, store.EnsureRunner())
	require.NoError(t, store.EnsureSilo(silo.Name))
	compiled, err := policy.Compile(silo, Rome(), "IT")
	require.NoError(t, err)
	catalogue, err := classifiers.New()
	require.NoError(t, err)
	rc := registry.Config{DSN: filepath.Join(w.Dir, "registry.db"), Keys: store,
		Now: func() time.Time { return w.Now }}
	require.NoError(t, registry.Create(ctx, rc))
	w.Live = mem.New("crm", tables...)
	w.Setup = &setup.Setup{
		Controller:   "Test",
		Zone:         Rome(),
		Silos:        []*policy.Compiled{compiled},
		Catalogue:    catalogue,
		Registry:     rc,
		Keys:         store,
		Approvals:    2,
		People:       map[string]setup.Person{},
		State:        filepath.Join(w.Dir, "state"),
		Reports:      filepath.Join(w.Dir, "reports"),
		PolicyDigest: "p",
		Version:      "test",
		Host:         "test",
		Breakers: setup.Breakers{MaxRows: 1000, MaxPercent: 100, NoMatchPercent: 100, UnparseablePercent: 100,
			EmptyPercent: 100, Spike: 1000},
		Now:      func() time.Time { return w.Now },
		Log:      slog.New(slog.DiscardHandler),
		Progress: func(string, string, int64, int64) {},
		Crash:    func(string) {},
		Sources: []setup.Source{{Name: "crm", Application: "crm", Environment: "production", Connector: "mem",
			Encrypted: "yes", AuditLog: "yes",
			Open: func(context.Context) (connectors.Source, error) { return w.Live, nil }}},
	}
	for name, roles := range map[string][]string{"anna": {"owner:" + silo.Name}, "bo": {"custodian"}, "dora": {"dpo"}} {
		file := filepath.Join(w.Dir, name+".key")
		public, err := keystore.NewPerson(file)
		require.NoError(t, err)
		key, err := keystore.ParsePublic(public)
		require.NoError(t, err)
		w.Setup.People[name] = setup.Person{Key: key, Roles: roles}
		w.Signers[name], err = keystore.LoadPerson(file)
		require.NoError(t, err)
	}
	return w
}

// Event records one event of a person's in the registry.
func (w *World) Event(typ event.Type, email, purpose string, at time.Time) {
	w.T.Helper()
	config := w.Setup.Registry
	config.AllowEmpty = true
	r, err := registry.Open(w.T.Context(), config)
	require.NoError(w.T, err)
	silo := w.Setup.Silos[0].Silo.Name
	key, err := w.Setup.Keys.SiloKey(silo)
	require.NoError(w.T, err)
	w.events++
	e := event.Event{Type: typ, Subjects: []event.Subject{{Kind: "email", Value: email}}, Purpose: purpose,
		OccurredAt: at, Source: "test", ID: fmt.Sprint(w.events)}
	if typ == event.Given || typ == event.Renewed {
		e.Notice, e.Method, e.Evidence = "v1", "form", "form-1"
	}
	_, err = r.Append(w.T.Context(), key, e)
	require.NoError(w.T, err)
	require.NoError(w.T, r.Close())
}

// Rows returns a table's rows as text, fields separated by a space, NULL as -.
func (w *World) Rows(table string) []string {
	w.T.Helper()
	out := []string{}
	for b, err := range w.Live.Scan(w.T.Context(), connectors.Query{Table: table}) {
		require.NoError(w.T, err)
		for row := range int(b.Rows.NumRows()) {
			var cells []string
			for c := range int(b.Rows.NumCols()) {
				if col := b.Rows.Column(c).(*array.Binary); col.IsNull(row) {
					cells = append(cells, "-")
				} else {
					cells = append(cells, string(col.Value(row)))
				}
			}
			out = append(out, strings.Join(cells, " "))
		}
	}
	slices.Sort(out)
	return out
}

// Set changes one field of the rows with a key, as the company itself would.
func (w *World) Set(table, key, field, value string) {
	w.T.Helper()
	q := connectors.Query{Table: table, Keys: &connectors.Keys{Fields: []string{"id"},
		Tuples: []connectors.Key{connectors.MakeKey([]byte(key))}}}
	_, err := w.Live.Mutate(w.T.Context(), []connectors.Query{q}, func(b connectors.Batch) (connectors.Edit, error) {
		col := new(connectors.Column)
		col.Append([]byte(value))
		set := []connectors.Assignment{{Field: field, Rows: []bool{true}, Values: col.Array()}}
		return connectors.Edit{Ops: []connectors.Op{connectors.Update}, Set: set}, nil
	}, func() error { return nil })
	require.NoError(w.T, err)
}

// UsualEvents records those of [People]: ada's consent holds, bob's was withdrawn, eve's ran out.
func (w *World) UsualEvents() {
	w.T.Helper()
	w.Event(event.Given, "ada@lago.it", "news", time.Date(2026, 1, 1, 9, 0, 0, 0, Rome()))
	w.Event(event.Given, "bob@lago.it", "news", time.Date(2026, 1, 1, 9, 0, 0, 0, Rome()))
	w.Event(event.Withdrawn, "bob@lago.it", "news", time.Date(2026, 10, 1, 9, 0, 0, 0, Rome()))
	w.Event(event.Given, "eve@lago.it", "news", time.Date(2023, 1, 1, 9, 0, 0, 0, Rome()))
}
