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

	"lethe/connectors"
	"lethe/pipeline/audit"
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
	d := &desk{signers: map[string]*keystore.Signer{}, p: &setup.Setup{State: filepath.Join(dir, "state"), Keys: store,
		Zone: time.UTC, Approvals: 2, People: map[string]setup.Person{}, Now: func() time.Time { return noon }}}
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

	d.j, err = journal.Open(t.Context(), d.p.State)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.j.Close()) })
	d.plan, d.entry = d.seal(t, "run1-destructive")
	return d
}

// seal writes a plan of one group with one row, and enters it as waiting.
func (d *desk) seal(t *testing.T, id string) (*Sealed, journal.Plan) {
	t.Helper()
	p := &Sealed{Folder: filepath.Join(d.p.State, "plans", id), Document: Document{PlanID: id, RunID: "run1",
		Part: Destructive, AsOf: noon, ValidUntil: noon.AddDate(0, 0, 7), Questions: []string{},
		Counts: []Count{{Silo: "news", Source: "crm", Table: "people", Change: "delete", Rows: 1},
			{Silo: "shop", Source: "crm", Table: "orders", Change: "delete", Rows: 0}}}}
	require.NoError(t, os.MkdirAll(p.Folder, 0o700))
	to, err := d.p.Keys.NewPlan(id)
	require.NoError(t, err)
	w, err := NewSegment(p.Folder, "000-00", Segment{Table: "people", Kind: Root}, to)
	require.NoError(t, err)
	require.NoError(t, w.Add(judge.Planned{Key: "k", Change: judge.Delete}, audit.Action{PlanID: id}))
	segment, err := w.Close()
	require.NoError(t, err)
	p.Groups = []Group{{Silo: "news", Source: "crm", Table: "people", Segments: []Segment{segment}}}
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
	const actions, keys = "000-00.actions.arrow", "000-00.keys.arrow.age"
	for _, c := range []struct {
		name string
		harm func(t *testing.T, d *desk)
		says string
	}{
		{"a byte of the document", edit("plan.json", flip), "plan.json was edited"},
		{"a longer document", edit("plan.json", longer), "plan.json was edited"},
		{"a byte of the actions", edit(actions, flip), actions + " was edited"},
		{"longer actions", edit(actions, longer), actions + " was edited"},
		{"a byte of the keys", edit(keys, flip), keys + " was edited"},
		{"shorter keys", edit(keys, shorter), keys + " was edited"},
		{"another plan's document", func(t *testing.T, d *desk) {
			other, _ := d.seal(t, "run2-destructive")
			theirs, ours := filepath.Join(other.Folder, "plan.json"), filepath.Join(d.plan.Folder, "plan.json")
			require.NoError(t, os.Rename(theirs, ours))
		}, "plan.json was edited"},
		{"another plan's keys", func(t *testing.T, d *desk) {
			other, _ := d.seal(t, "run2-destructive")
			require.NoError(t, os.Rename(filepath.Join(other.Folder, keys), filepath.Join(d.plan.Folder, keys)))
		}, keys + " was edited"},
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
	for _, file := range []string{"plan.json", actions, keys} {
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

// planned draws a row as the sealer may write it.
func planned() *rapid.Generator[judge.Planned] {
	changes := []judge.Change{judge.Block, judge.Delete, judge.Clear, judge.SetNull}
	return rapid.Custom(func(t *rapid.T) judge.Planned {
		p := judge.Planned{
			Root:   rapid.Int64().Draw(t, "root"),
			Key:    connectors.Key(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "key")),
			Change: rapid.SampledFrom(changes).Draw(t, "change"),
			Fields: rapid.SliceOfN(rapid.StringMatching(`[a-zà-ü_]{1,8}`), 0, 3).Draw(t, "fields"),
		}
		if len(p.Fields) == 0 {
			p.Fields = nil
		}
		copy(p.Guard[:], rapid.SliceOfN(rapid.Byte(), len(p.Guard), len(p.Guard)).Draw(t, "guard"))
		copy(p.Subject[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "subject"))
		copy(p.Record[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "record"))
		return p
	})
}

// write seals rows into a segment named 000-00 of a new folder.
func write(t require.TestingT, folder string, to age.Recipient, rows []judge.Planned) Segment {
	w, err := NewSegment(folder, "000-00", Segment{Table: "people", Kind: Dependent, Rank: 3}, to)
	require.NoError(t, err)
	for i, r := range rows {
		a := audit.Action{Batch: r.Root, Object: "people", Change: string(r.Change), Reason: string(rune('a' + i%26))}
		require.NoError(t, w.Add(r, a))
	}
	s, err := w.Close()
	require.NoError(t, err)
	return s
}

func TestSegmentReadsBackWhatWasWritten(t *testing.T) {
	id, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	dir := t.TempDir()
	check := func(t require.TestingT, rows []judge.Planned) {
		folder, err := os.MkdirTemp(dir, "")
		require.NoError(t, err)
		s := write(t, folder, id.Recipient(), rows)
		require.Equal(t, Segment{Table: "people", Kind: Dependent, Rank: 3, Rows: int64(len(rows)),
			Actions: "000-00.actions.arrow", Keys: "000-00.keys.arrow.age",
			ActionsDigest: s.ActionsDigest, KeysDigest: s.KeysDigest}, s)
		back, err := ReadRows(folder, s, id)
		require.NoError(t, err)
		require.Equal(t, rows, back)

		at := 0
		for actions, err := range audit.ReadSpool[audit.Action](filepath.Join(folder, s.Actions)) {
			require.NoError(t, err)
			for _, a := range actions {
				require.Equal(t, []any{rows[at].Root, string(rows[at].Change), string(rune('a' + at%26))},
					[]any{a.Batch, a.Change, a.Reason}, "the two files hold the rows alike")
				at++
			}
		}
		require.Equal(t, len(rows), at)
	}
	rapid.Check(t, func(t *rapid.T) { check(t, rapid.SliceOfN(planned(), 0, 30).Draw(t, "rows")) })

	many := make([]judge.Planned, audit.SpoolRows+1) // more than one batch
	for i := range many {
		key := connectors.MakeKey([]byte{byte(i), byte(i >> 8)})
		many[i] = judge.Planned{Root: int64(i), Key: key, Change: judge.Delete}
	}
	check(t, many)
}

func TestReadRowsRefusesAnotherKeyAndAnotherCount(t *testing.T) {
	id, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	other, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	folder := t.TempDir()
	s := write(t, folder, id.Recipient(), []judge.Planned{{Key: "secret key of a row"}, {Key: "b"}})

	_, err = ReadRows(folder, s, other)
	require.ErrorContains(t, err, s.Keys)
	body, err := os.ReadFile(filepath.Join(folder, s.Keys))
	require.NoError(t, err)
	require.NotContains(t, string(body), "secret key of a row")
	for _, rows := range []int64{1, 3} {
		s.Rows = rows
		_, err = ReadRows(folder, s, id)
		require.ErrorIs(t, err, setup.ErrChanged)
	}
	_, err = NewSegment(folder, "000-00", Segment{}, id.Recipient())
	require.ErrorIs(t, err, os.ErrExist, "nothing is sealed over a segment")
}

func TestLapseEndsThePlanAndItsKey(t *testing.T) {
	d := newDesk(t)
	_, err := d.p.Keys.PlanIdentity(d.plan.PlanID)
	require.NoError(t, err)
	require.NoError(t, Lapse(t.Context(), d.p, d.j, d.plan, "run2"))
	entry, err := find(t.Context(), d.j, d.plan.PlanID)
	require.NoError(t, err)
	require.Equal(t, journal.Lapsed, entry.State)
	require.Equal(t, "run2", entry.SettledIn)
	_, err = d.p.Keys.PlanIdentity(d.plan.PlanID)
	require.ErrorIs(t, err, keystore.ErrDestroyed)
}

func TestFindTakesOneNameOrNone(t *testing.T) {
	d := newDesk(t)
	_, err := find(t.Context(), d.j, "")
	require.ErrorIs(t, err, setup.ErrConfig, "no name is none, though there is only one plan")
	_, other := d.seal(t, "run2-destructive")
	_, longer := d.seal(t, "run2-destructive-again")
	for name, want := range map[string]string{
		"run1":                   d.entry.ID,
		"run2-destructive":       other.ID, // the whole name, though another begins so
		"run2-destructive-":      longer.ID,
		other.Digest[:12]:        other.ID,
		"run":                    "",
		"":                       "",
		"run2-destructive-never": "",
	} {
		got, err := find(t.Context(), d.j, name)
		require.Equal(t, want, got.ID, name)
		if want == "" {
			require.ErrorIs(t, err, setup.ErrConfig, name)
		}
	}
}

func TestUsualIsTheMedianOfTheSameLine(t *testing.T) {
	line := Count{Silo: "news", Source: "crm", Table: "people", Change: "delete", Reason: "D_X"}
	night := func(rows ...int64) (f audit.Facts) {
		for _, n := range rows {
			f.Plans = append(f.Plans, audit.Plan{Silo: "news", Source: "crm", Object: "people", Change: "delete",
				Reason: "D_X", Rows: n})
		}
		return f
	}
	others := audit.Facts{Plans: []audit.Plan{
		{Silo: "shop", Source: "crm", Object: "people", Change: "delete", Reason: "D_X", Rows: 900},
		{Silo: "news", Source: "erp", Object: "people", Change: "delete", Reason: "D_X", Rows: 900},
		{Silo: "news", Source: "crm", Object: "orders", Change: "delete", Reason: "D_X", Rows: 900},
		{Silo: "news", Source: "crm", Object: "people", Change: "clear", Reason: "D_X", Rows: 900},
		{Silo: "news", Source: "crm", Object: "people", Change: "delete", Reason: "D_Y", Rows: 900}}}
	for _, c := range []struct {
		history []audit.Facts
		want    float64
	}{
		{nil, 0},
		{[]audit.Facts{others}, 0},
		{[]audit.Facts{night(7), others}, 7},
		{[]audit.Facts{night(9), night(1), night(2)}, 2},
		{[]audit.Facts{night(9), night(1), night(2), night(5)}, 3.5},
		{[]audit.Facts{night(9, 1), night(2, 5)}, 3.5},
	} {
		require.Equal(t, c.want, Usual(c.history, line), "%+v", c.history)
	}
}
