package plan

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/classifiers"
	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/audit/spool"
	"lethe/pipeline/change"
	"lethe/pipeline/journal"
	"lethe/pipeline/judge"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// desk is a state folder with a plan that waits, and the people who may answer it: anna owns silo news and
// bo silo shop, carl is a custodian, cleo a custodian who owns both, dora the data protection officer, emil
// nobody in particular.
type desk struct {
	p       *setup.Setup
	j       *journal.Journal
	plan    *Sealed
	entry   journal.Plan
	signers map[string]*keystore.Signer
}

var roles = map[string][]string{
	"anna": {"owner:news"}, "bo": {"owner:shop"}, "carl": {"custodian"},
	"cleo": {"custodian", "owner:news", "owner:shop"}, "dora": {"dpo"}, "emil": {"owner:other"},
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	dir := t.TempDir()
	keys, identity := filepath.Join(dir, "keys"), filepath.Join(dir, "id.age")
	require.NoError(t, keystore.Create(keys, identity))
	store, err := keystore.Open(t.Context(), keys, identity)
	require.NoError(t, err)
	require.NoError(t, store.EnsureRunner())
	catalogue, err := classifiers.New()
	require.NoError(t, err)
	d := &desk{signers: map[string]*keystore.Signer{}, p: &setup.Setup{State: filepath.Join(dir, "state"), Keys: store,
		Reports: filepath.Join(dir, "reports"), Catalogue: catalogue,
		Zone: time.UTC, Approvals: 2, People: map[string]setup.Person{}, Now: func() time.Time { return noon },
		Sources: []setup.Source{{Name: "crm"}}}}
	for name, roles := range roles {
		file := filepath.Join(dir, name+".key")
		public, err := keystore.NewPerson(file)
		require.NoError(t, err)
		key, err := keystore.ParsePublic(public)
		require.NoError(t, err)
		d.p.People[name] = setup.Person{Key: key, Roles: roles}
		d.signers[name], err = keystore.LoadPerson(file)
		require.NoError(t, err)
	}

	d.j, err = d.p.Journal(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.j.Close()) })
	d.plan, d.entry = d.seal(t, "run1-destructive")
	return d
}

// seal writes a plan of one set with one row, and enters it as waiting.
func (d *desk) seal(t *testing.T, id string) (*Sealed, journal.Plan) {
	t.Helper()
	p := &Sealed{Folder: filepath.Join(d.p.State, "plans", id), Document: Document{PlanID: id, RunID: "run1",
		Part: Destructive, AsOf: noon, SealedAt: noon, ValidUntil: noon.AddDate(0, 0, 7), Questions: []string{},
		Counts: []Count{{Silo: "news", Source: "crm", Table: "people", Change: "delete", Rows: 1},
			{Silo: "shop", Source: "crm", Table: "orders", Change: "delete", Rows: 0}}}}
	require.NoError(t, os.MkdirAll(p.Folder, 0o700))
	to, err := d.p.Keys.NewPlan(id)
	require.NoError(t, err)
	w, err := NewWriter(p.Folder, "000", Set{Source: "crm"}, to, d.p.Keys)
	require.NoError(t, err)
	c := change.Change{Kind: change.Root, Silo: "news", Table: "people", Key: "k", Op: judge.Delete}
	require.NoError(t, w.Add(c, audit.Action{PlanID: id}, Why{}))
	set, err := w.Close()
	require.NoError(t, err)
	p.Sets = []Set{set}
	require.NoError(t, p.Write())
	entry := journal.Plan{ID: id, RunID: "run1", Part: string(p.Part), Digest: p.Digest, CreatedAt: noon,
		ValidUntil: p.ValidUntil, State: journal.Waiting}
	require.NoError(t, d.j.PutPlan(t.Context(), entry))
	return p, entry
}

func (d *desk) state(t *testing.T, id string) string {
	t.Helper()
	entry, err := find(t.Context(), d.j, id)
	require.NoError(t, err)
	return entry.State
}

func TestOpenReadsWhatWasWritten(t *testing.T) {
	d := newDesk(t)
	p, err := Open(d.p.State, d.entry)
	require.NoError(t, err)
	require.Equal(t, d.plan, p)
}

func TestOpenRefusesWhatWasEdited(t *testing.T) {
	edit := func(file string, change func([]byte) []byte) func(t *testing.T, d *desk) {
		return func(t *testing.T, d *desk) {
			path := filepath.Join(d.plan.Folder, file)
			body, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, change(body), 0o600))
		}
	}
	flip := func(body []byte) []byte { body[len(body)/2] ^= 1; return body }
	longer := func(body []byte) []byte { return append(body, '\n') }
	shorter := func(body []byte) []byte { return body[:len(body)-1] }
	const actions, changes = "000.actions.arrow", "000.changes.arrow.age"
	for _, c := range []struct {
		name string
		harm func(t *testing.T, d *desk)
		says string
	}{
		{"a byte of the document", edit("plan.json", flip), "plan.json was edited"},
		{"a longer document", edit("plan.json", longer), "plan.json was edited"},
		{"a byte of the actions", edit(actions, flip), actions + " was edited"},
		{"longer actions", edit(actions, longer), actions + " was edited"},
		{"a byte of the changes", edit(changes, flip), changes + " was edited"},
		{"shorter changes", edit(changes, shorter), changes + " was edited"},
		{"another plan's document", func(t *testing.T, d *desk) {
			other, _ := d.seal(t, "run2-destructive")
			theirs, ours := filepath.Join(other.Folder, "plan.json"), filepath.Join(d.plan.Folder, "plan.json")
			require.NoError(t, os.Rename(theirs, ours))
		}, "plan.json was edited"},
		{"another plan's changes", func(t *testing.T, d *desk) {
			other, _ := d.seal(t, "run2-destructive")
			require.NoError(t, os.Rename(filepath.Join(other.Folder, changes), filepath.Join(d.plan.Folder, changes)))
		}, changes + " was edited"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t)
			c.harm(t, d)
			p, err := Open(d.p.State, d.entry)
			require.ErrorIs(t, err, setup.ErrChanged)
			require.ErrorContains(t, err, c.says)
			require.Nil(t, p)
		})
	}
	for _, file := range []string{"plan.json", actions, changes} {
		t.Run("without "+file, func(t *testing.T) {
			d := newDesk(t)
			require.NoError(t, os.Remove(filepath.Join(d.plan.Folder, file)))
			_, err := Open(d.p.State, d.entry)
			require.ErrorIs(t, err, os.ErrNotExist)
		})
	}
}

// A newer Lethe's plan may ask for what this one does not know of.
func TestOpenRefusesWhatItDoesNotKnow(t *testing.T) {
	d := newDesk(t)
	body, err := json.Marshal(d.plan.Document)
	require.NoError(t, err)
	body = []byte(strings.Replace(string(body), "{", `{"gently": true, `, 1))
	require.NoError(t, os.WriteFile(filepath.Join(d.plan.Folder, "plan.json"), body, 0o600))
	d.entry.Digest = digestOf(body)
	_, err = Open(d.p.State, d.entry)
	require.ErrorContains(t, err, "gently")
}

// drawn is a set as the sealer may write it: its rows refer to each other within their units.
func drawn(t *rapid.T) *change.Set {
	set := &change.Set{Edges: []change.Edge{{Child: "orders", Fields: []string{"person"}, Parent: "people",
		RefFields: []string{"id"}, OnDelete: "RESTRICT"}, {Child: "people", Fields: []string{"a", "b"}, Parent: "people"}}}
	for unit := range rapid.IntRange(0, 5).Draw(t, "units") {
		first, n := len(set.Rows), rapid.IntRange(1, 5).Draw(t, "rows")
		for range n {
			set.Add(row(t, int64(unit), first, n))
		}
	}
	return set
}

func row(t *rapid.T, unit int64, first, n int) change.Change {
	names := func(what string) []string {
		drawn := rapid.SliceOfN(rapid.StringMatching(`[a-zà-ü_]{1,8}`), 0, 3).Draw(t, what)
		if len(drawn) == 0 {
			return nil
		}
		return drawn
	}
	bytes := func(what string, into []byte) {
		copy(into, rapid.SliceOfN(rapid.Byte(), len(into), len(into)).Draw(t, what))
	}
	c := change.Change{
		Unit: unit, Level: rapid.IntRange(-1, 9).Draw(t, "level"),
		Kind:    rapid.SampledFrom([]change.Kind{change.Root, change.Dependent, change.Owned}).Draw(t, "kind"),
		Silo:    rapid.SampledFrom([]string{"news", "shop"}).Draw(t, "silo"),
		Mapping: rapid.IntRange(0, 3).Draw(t, "mapping"),
		Table:   rapid.SampledFrom([]string{"people", "orders"}).Draw(t, "table"),
		Key:     connectors.Key(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "key")),
		Op: rapid.SampledFrom([]judge.Change{judge.Block, judge.Delete, judge.Clear, judge.SetNull,
			judge.Anonymize}).Draw(t, "op"),
		Fields: names("fields"), Detach: names("detach"),
	}
	bytes("guard", c.Guard[:])
	bytes("subject", c.Subject[:])
	bytes("record", c.Record[:])
	for range rapid.IntRange(0, 3).Draw(t, "refs") {
		r := change.Ref{Row: first + rapid.IntRange(0, n-1).Draw(t, "to"), Edge: rapid.IntRange(0, 1).Draw(t, "edge"),
			Does: change.Does(rapid.IntRange(0, 3).Draw(t, "does"))}
		bytes("reference", r.Guard[:])
		c.Refs = append(c.Refs, r)
	}
	return c
}

// changeOf is a row of a set as it is sealed.
func changeOf(r change.Row) change.Change {
	return change.Change{Unit: r.Unit, Level: r.Level, Kind: r.Kind, Silo: r.Silo, Mapping: r.Mapping, Table: r.Table,
		Key: r.Key, Op: r.Op, Fields: r.Fields, Detach: r.Detach, Guard: r.Guard, Subject: r.Subject, Record: r.Record,
		Refs: r.Refs}
}

// write seals a set named 000 into a new folder.
func write(t require.TestingT, folder string, to age.Recipient, set *change.Set) *Sealed {
	w, err := NewWriter(folder, "000", Set{Source: "crm", Edges: set.Edges}, to, nil)
	require.NoError(t, err)
	for i, c := range set.Rows {
		require.NoError(t, w.Add(changeOf(c), audit.Action{Object: c.Table, Change: string(c.Op), Reason: string(rune('a' + i%26))}, Why{}))
	}
	s, err := w.Close()
	require.NoError(t, err)
	require.EqualValues(t, len(set.Rows), s.Rows)
	return &Sealed{Folder: folder, Document: Document{Sets: []Set{s}}}
}

func TestSetReadsBackWhatWasWritten(t *testing.T) {
	id, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	dir := t.TempDir()
	check := func(t require.TestingT, set *change.Set) {
		folder, err := os.MkdirTemp(dir, "")
		require.NoError(t, err)
		p := write(t, folder, id.Recipient(), set)
		back, err := p.Changes(p.Sets[0], id)
		require.NoError(t, err)
		require.Equal(t, set.Edges, back.Edges)
		require.Len(t, back.Rows, len(set.Rows))
		for i := range set.Rows {
			require.Equal(t, set.Rows[i], back.Rows[i])
		}

		at := 0
		for actions, err := range spool.Read[audit.Action](filepath.Join(folder, p.Sets[0].Actions), nil) {
			require.NoError(t, err)
			for _, a := range actions {
				require.Equal(t, []string{string(set.Rows[at].Op), string(rune('a' + at%26))}, []string{a.Change, a.Reason},
					"the two files hold the rows alike")
				at++
			}
		}
		require.Equal(t, len(set.Rows), at)
	}
	rapid.Check(t, func(t *rapid.T) { check(t, drawn(t)) })

	many := &change.Set{} // more than one batch
	for i := range spool.Rows + 1 {
		many.Add(change.Change{Unit: int64(i), Kind: change.Root, Silo: "news", Table: "people",
			Key: connectors.MakeKey([]byte{byte(i), byte(i >> 8)}), Op: judge.Delete})
	}
	check(t, many)
}

func TestChangesRefusesAnotherKeyAndWhatDoesNotFit(t *testing.T) {
	id, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	other, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	set := change.SetOf([]change.Edge{{Child: "people", Parent: "people"}},
		change.Change{Key: "secret key of a row", Refs: []change.Ref{{Row: 1}}}, change.Change{Key: "b"},
		change.Change{Unit: 1, Key: "c"})
	folder := t.TempDir()
	p := write(t, folder, id.Recipient(), set)

	_, err = p.Changes(p.Sets[0], other)
	require.ErrorContains(t, err, p.Sets[0].Changes)
	body, err := os.ReadFile(filepath.Join(folder, p.Sets[0].Changes))
	require.NoError(t, err)
	require.NotContains(t, string(body), "secret key of a row")
	for _, rows := range []int64{2, 4} {
		s := p.Sets[0]
		s.Rows = rows
		_, err = p.Changes(s, id)
		require.ErrorIs(t, err, setup.ErrChanged)
	}
	_, err = NewWriter(folder, "000", Set{}, id.Recipient(), nil)
	require.ErrorIs(t, err, os.ErrExist, "nothing is sealed over a set")

	for _, ref := range []change.Ref{{Row: 2}, {Row: 3}, {Row: 1, Edge: 1}} { // of another unit, of none, by no edge
		set.Rows[0].Refs = []change.Ref{ref}
		p := write(t, t.TempDir(), id.Recipient(), set)
		_, err = p.Changes(p.Sets[0], id)
		require.ErrorIs(t, err, setup.ErrChanged)
	}
}
