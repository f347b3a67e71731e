package judge

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline/audit"
	"lethe/pipeline/audit/spool"
	"lethe/pipeline/notes"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
	"lethe/pipeline/waiting"
)

// court is a registry of real events with real keys, before which rows of one table are brought.
type court struct {
	*testing.T
	registry *registry.Registry
	keys     *keystore.Keystore
	asOf     time.Time
	events   int
}

func newCourt(t *testing.T) *court {
	t.Helper()
	ctx, dir := t.Context(), t.TempDir()
	c := &court{T: t, asOf: time.Date(2026, 11, 20, 1, 0, 0, 0, time.UTC)}
	folder, identity := filepath.Join(dir, "keys"), filepath.Join(dir, "id.age")
	require.NoError(t, keystore.Create(folder, identity))
	var err error
	c.keys, err = keystore.Open(ctx, folder, identity)
	require.NoError(t, err)
	require.NoError(t, c.keys.EnsureSilo("crm"))
	require.NoError(t, c.keys.EnsureAudit("crm", "2026-Q4"))
	config := registry.Config{
		DSN: filepath.Join(dir, "registry.db"), Now: func() time.Time { return c.asOf }, AllowEmpty: true, Keys: c.keys,
	}
	require.NoError(t, registry.Create(ctx, config))
	c.registry, err = registry.Open(ctx, config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.registry.Close()) })
	return c
}

// said records what a person said about the newsletter.
func (c *court) said(typ event.Type, email, day string) {
	c.Helper()
	key, err := c.keys.SiloKey("crm")
	require.NoError(c, err)
	at, err := time.Parse(time.DateOnly, day)
	require.NoError(c, err)
	c.events++
	e := event.Event{
		Type: typ, Subjects: []event.Subject{{Kind: "email", Value: email}}, OccurredAt: at,
		Source: "test", ID: fmt.Sprint(c.events),
	}
	if typ != event.Restricted {
		e.Purpose = "news"
	}
	if typ == event.Given {
		e.Notice, e.Method, e.Evidence = "v1", "form", "form-1"
	}
	_, err = c.registry.Append(c.Context(), key, e)
	require.NoError(c, err)
}

// state is what the registry says now.
func (c *court) state() *silos.Silo {
	c.Helper()
	purposes := map[string]event.Type{"news": "", "service": ""}
	standings, err := c.registry.Standings(c.Context(), "crm", c.asOf, purposes)
	require.NoError(c, err)
	return &silos.Silo{
		Standings: standings, Tombstones: &registry.Tombstones{},
		Flags: map[registry.FlagKey]time.Time{}, Anonymized: map[keystore.Ref]bool{},
	}
}

// judge binds the policy, as edited, and unlocks it.
func (c *court) judge(edits ...func(*policy.Silo)) *Judge {
	c.Helper()
	b, err := Bind(source(), catalog(), compiled(c.T, edits...), records(edits...), c.state(), time.UTC)
	require.NoError(c, err)
	require.NoError(c, b.Unlock(c.keys, "2026-Q4"))
	return NewJudge(b)
}

// night is the session of a night at the court, with the file of its decisions.
type night struct {
	*Session
	path string
}

func (c *court) night() night {
	c.Helper()
	path := filepath.Join(c.TempDir(), "decisions.arrow")
	decisions, err := spool.New[audit.Decision](path, nil)
	require.NoError(c, err)
	tonight := setup.Tonight{RunID: "run-1", AsOf: c.asOf, Today: calendar.DateOf(c.asOf, time.UTC), Epoch: "2026-Q4"}
	return night{path: path, Session: &Session{
		Tonight: tonight, Notes: &notes.Notes{Tonight: tonight}, Decisions: decisions, Pending: &waiting.Rows{},
	}}
}

// decided closes a session's book of decisions and reads it.
func (c *court) decided(js night) (list []audit.Decision) {
	c.Helper()
	require.NoError(c, js.Decisions.Close())
	for rows, err := range spool.Read[audit.Decision](js.path, nil) {
		require.NoError(c, err)
		list = append(list, rows...)
	}
	return list
}

func source() setup.Source { return setup.Source{Name: "crm", Environment: "production"} }

// catalog is that of a source of people, of the addresses that they own, and of the clicks that follow them.
func catalog() connectors.Tables {
	field := func(name string, kind connectors.Kind, nullable bool) connectors.Field {
		return connectors.Field{Name: name, Type: string(kind), Kind: kind, Nullable: nullable}
	}
	stamp := field("moment", connectors.Timestamp, true)
	stamp.AutoUpdate = true
	return connectors.Tables{
		{Name: "people", Key: []string{"id"}, Fields: []connectors.Field{
			field("id", connectors.Integer, false), field("kind", connectors.Text, false),
			field("email", connectors.Text, true), field("phone", connectors.Text, true),
			field("name", connectors.Text, true), field("note", connectors.Text, true),
			field("active", connectors.Integer, false), field("since", connectors.Date, true),
			field("ended", connectors.Date, true), field("address", connectors.Integer, true), stamp,
		}},
		{Name: "addresses", Key: []string{"id"}, Fields: []connectors.Field{
			field("id", connectors.Integer, false), field("code", connectors.Text, false),
		}},
		{Name: "clicks", Key: []string{"id"}, Fields: []connectors.Field{
			field("id", connectors.Integer, false), field("person", connectors.Integer, false),
			field("at", connectors.Timestamp, true),
		}},
	}
}

// silo is a policy in which consent covers phone and name, and a contract name and note: what only the dead one of
// them covers is cleared.
func silo(edits ...func(*policy.Silo)) policy.Silo {
	s := policy.Silo{
		Name: "crm",
		Records: []policy.Records{{
			Source: "crm", Table: "people", Where: map[string]string{"kind": "person"},
			Subject: map[string]string{"email": "email"}, Collected: "since",
			Block: &policy.Block{Set: map[string]string{"active": "0"}, Unset: map[string]string{"active": "1"}},
		}},
		Rules: []policy.Rule{
			{Purpose: "news", Basis: policy.Consent, MaxAge: calendar.Period{Years: 2}, End: policy.Delete,
				Fields: []string{"phone", "name"}, Because: "b", Owner: "o", ReviewBy: "2030-01-01"},
			{Purpose: "service", Basis: policy.Contract, Start: policy.RelationEnded, At: "ended",
				Period: calendar.Period{Years: 1}, End: policy.Delete,
				Fields: []string{"name", "note"}, Because: "b", Owner: "o", ReviewBy: "2030-01-01"},
		},
	}
	for _, edit := range edits {
		edit(&s)
	}
	return s
}

func records(edits ...func(*policy.Silo)) policy.Records { return silo(edits...).Records[0] }

func compiled(t *testing.T, edits ...func(*policy.Silo)) *policy.Compiled {
	t.Helper()
	c, err := policy.Compile(silo(edits...), time.UTC, "IT")
	require.NoError(t, err)
	return c
}

// anonymizing lets the silo anonymize instead of deleting.
func anonymizing(s *policy.Silo) {
	constant := "constant:gone"
	s.Anonymize = map[string]*string{"name": &constant, "phone": nil, "note": nil}
	for i := range s.Rules {
		s.Rules[i].End, s.Rules[i].Fields = policy.Anonymize, nil
	}
}

// person is a row of people, in the order of the catalog; nil is NULL.
type person struct{ id, kind, email, phone, name, note, active, since, ended, address any }

// ann is a row of which every field is filled, and in which the contract is open.
func ann(edits ...func(*person)) person {
	p := person{"1", "person", "ann@example.com", "0612345678", "Ann", "vip", "1", "2026-02-01", nil, "7"}
	for _, edit := range edits {
		edit(&p)
	}
	return p
}

// batch reads rows of people.
func batch(t *testing.T, people ...person) connectors.Batch {
	t.Helper()
	table := mem.Table{Def: catalog()[0]}
	for _, p := range people {
		table.Rows = append(table.Rows, mem.Row{
			p.id, p.kind, p.email, p.phone, p.name, p.note, p.active, p.since, p.ended, p.address, nil,
		})
	}
	var found []connectors.Batch
	for b, err := range mem.New("crm", table).Scan(t.Context(), connectors.Query{Table: "people"}) {
		require.NoError(t, err)
		b.Rows.Retain()
		found = append(found, b)
	}
	require.Len(t, found, 1)
	return found[0]
}

// column is the number of a field of people.
func column(t *testing.T, field string) int {
	t.Helper()
	i := slices.IndexFunc(catalog()[0].Fields, func(f connectors.Field) bool { return f.Name == field })
	require.GreaterOrEqual(t, i, 0, field)
	return i
}
