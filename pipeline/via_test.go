package pipeline_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/subject"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/event"
)

// mailedPeople are ada, bob, eve and fay, whose addresses stand in other tables.
func mailedPeople() mem.Table {
	return table("people", []connectors.Field{id, name, status, created}, nil,
		[]any{"1", "Ada", "active", "2026-01-01"}, []any{"2", "Bob", "active", "2026-01-01"},
		[]any{"3", "Eve", "active", "2023-01-01"}, []any{"4", "Fay", "active", "2026-01-01"})
}

// mails are the addresses of contacts; two belong to nobody yet.
func mails() mem.Table {
	return table("mails", []connectors.Field{id, field("person", connectors.Integer, true), email,
		field("old", connectors.Integer, true), field("note", connectors.Text, true)},
		[]connectors.ForeignKey{fk("people", "person")},
		[]any{"11", "1", "ada@lago.it", "0", nil}, []any{"21", "2", "bob@lago.it", "0", nil},
		[]any{"22", "2", "bob@casa.it", "0", nil}, []any{"31", "3", "eve@lago.it", "0", nil},
		[]any{"41", "4", "fay@lago.it", "1", nil}, []any{"91", nil, "zoe@lago.it", "0", nil},
		[]any{"92", nil, "bob@lago.it", "0", nil})
}

// mailed is the silo of contacts by their mails.
func mailed(change func(*policy.Silo)) policy.Silo {
	return news(func(s *policy.Silo) {
		r := &s.Records[0]
		r.Subject, r.Via = nil, []subject.Via{{Fields: map[string]string{"email": "email"},
			Path: []subject.Hop{{Table: "mails", Field: "person", Where: map[string]string{"old": "0"}}}}}
		r.Dependents = []policy.Dependent{{Table: "mails", FK: []string{"person"}, Do: "delete"}}
		if change != nil {
			change(s)
		}
	})
}

func TestWhoseARowIsIsReadAgainUnderTheLock(t *testing.T) {
	drifts := map[string]int64{"people delete skipped_drift": 1, "mails delete skipped_drift": 2,
		"people delete done": 1, "mails delete done": 1}
	for _, c := range []struct {
		name string
		move func(w *world)
		want map[string]int64
	}{
		{"nothing moves", func(*world) {}, map[string]int64{"people delete done": 2, "mails delete done": 3}},
		{"an address changes where it does not matter", func(w *world) { w.Set("mails", "22", "note", "x") },
			map[string]int64{"people delete done": 2, "mails delete done": 3}},
		{"another's addresses move", func(w *world) { w.Set("mails", "91", "person", "4") },
			map[string]int64{"people delete done": 2, "mails delete done": 3}},
		{"an address becomes another's", func(w *world) { w.Set("mails", "22", "person", "4") },
			map[string]int64{"people delete skipped_drift": 1, "mails delete skipped_drift": 2,
				"people delete done": 1, "mails delete done": 1}},
		{"an address is written anew", func(w *world) { w.Set("mails", "22", "email", "bert@casa.it") }, drifts},
		{"an address comes", func(w *world) { w.Set("mails", "91", "person", "2") }, drifts},
		{"an address does not count any more", func(w *world) { w.Set("mails", "22", "old", "1") }, drifts},
		{"an address is somebody else's too", func(w *world) { w.Set("mails", "92", "person", "4") }, drifts},
		{"the person agrees under another address", func(w *world) {
			w.Event(event.Given, "bob@casa.it", "news", w.Now.Add(-time.Minute))
		}, drifts},
	} {
		for _, begun := range []bool{false, true} {
			t.Run(fmt.Sprint(c.name, ", begun ", begun), func(t *testing.T) {
				w := newWorld(t, mailed(nil), mailedPeople(), mails())
				w.UsualEvents()
				w.planned()
				if begun { // what was to be read once for all rows was read
					w.Setup.Crash = func(point string) {
						if point == "intent" {
							c.move(w)
						}
					}
				} else {
					c.move(w)
				}
				require.Equal(t, c.want, w.applied())
			})
		}
	}
}

// An address behind a join table, which is governed by itself: it stays as long as somebody's row that it names.
func TestWhatNamesARowThatStaysStays(t *testing.T) {
	places := table("places", []connectors.Field{id, email}, nil,
		[]any{"1", "ada@lago.it"}, []any{"2", "bob@lago.it"}, []any{"3", "eve@lago.it"}, []any{"4", "was@lago.it"})
	links := table("links", []connectors.Field{id, field("person", connectors.Integer, true),
		field("place", connectors.Integer, true)}, nil,
		[]any{"1", "1", "1"}, []any{"2", "2", "2"}, []any{"3", "3", "3"}, []any{"4", "1", "4"}, []any{"5", nil, nil})
	silo := mailed(func(s *policy.Silo) {
		r := &s.Records[0]
		r.Via = []subject.Via{{Fields: map[string]string{"email": "email"}, Path: []subject.Hop{
			{Table: "links", Field: "person"}, {From: "place", Table: "places", Field: "id"}}}}
		r.Dependents = []policy.Dependent{{Table: "links", FK: []string{"person"}, Do: "delete"}}
		s.Records = append(s.Records, policy.Records{Source: "crm", Table: "places",
			Subject: map[string]string{"email": "email"}})
	})
	for _, c := range []struct {
		name          string
		move          func(w *world)
		people, place []string
	}{
		{"nothing moves", func(*world) {}, []string{"1 Ada active 2026-01-01", "4 Fay active 2026-01-01"},
			[]string{"1 ada@lago.it", "4 was@lago.it"}},
		{"an address leads to another row", func(w *world) { w.Set("links", "2", "place", "4") },
			[]string{"1 Ada active 2026-01-01", "2 Bob active 2026-01-01", "4 Fay active 2026-01-01"},
			[]string{"1 ada@lago.it", "4 was@lago.it"}},
		{"a link comes", func(w *world) { w.Set("links", "5", "person", "2"); w.Set("links", "5", "place", "1") },
			[]string{"1 Ada active 2026-01-01", "2 Bob active 2026-01-01", "4 Fay active 2026-01-01"},
			[]string{"1 ada@lago.it", "2 bob@lago.it", "4 was@lago.it"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, silo, mailedPeople(), links, places)
			w.UsualEvents()
			w.Event(event.Withdrawn, "was@lago.it", "news", w.Now.AddDate(-2, 0, 0))
			w.Event(event.Given, "was@lago.it", "news", w.Now.AddDate(-1, 0, 0))
			w.planned()
			c.move(w)
			w.applied()
			require.Equal(t, c.people, w.Rows("people"))
			require.Equal(t, c.place, w.Rows("places"))
		})
	}
}

// Somebody anonymized has no address any more, and is nobody's exception.
func TestAnonymizedWithTheAddressesOfAnotherTable(t *testing.T) {
	constant := "constant"
	w := newWorld(t, mailed(func(s *policy.Silo) {
		s.Rules[0].End, s.Anonymize = policy.Anonymize, map[string]*string{"name": &constant}
	}), mailedPeople(), mails())
	w.UsualEvents()
	w.planned()
	require.Equal(t, map[string]int64{"people anonymize done": 2, "mails delete done": 3}, w.applied())
	w.Now = w.Now.AddDate(0, 0, 1)
	r, err := w.night()
	require.NoError(t, err)
	require.Empty(t, r.Waiting)
	reasons := map[string]int64{}
	for _, s := range w.facts().Summary {
		reasons[s.Reason] += s.Rows
	}
	require.Equal(t, map[string]int64{"K_ANONYMIZED": 2, "K_CONSENT": 1, "E_ID_UNPARSEABLE": 1}, reasons)
}

// What several had is remembered as long as somebody has it, and until no backup can hold it any more.
func TestWhatSeveralHadIsForgottenAtLast(t *testing.T) {
	w := newWorld(t, mailed(nil), mailedPeople(), table("mails", []connectors.Field{id,
		field("person", connectors.Integer, true), email, field("old", connectors.Integer, true)},
		[]connectors.ForeignKey{fk("people", "person")},
		[]any{"11", "1", "ada@lago.it", "0"}, []any{"21", "2", "bob@lago.it", "0"}, []any{"22", "2", "both@lago.it", "0"},
		[]any{"31", "3", "eve@lago.it", "0"}, []any{"41", "4", "both@lago.it", "0"}))
	w.UsualEvents()
	w.planned()
	require.Equal(t, map[string]int64{"people delete done": 2, "mails delete done": 3}, w.applied())
	w.Event(event.Withdrawn, "both@lago.it", "news", w.Now)
	remembered := func() (n int) {
		r, err := registry.Open(t.Context(), w.Setup.Registry)
		require.NoError(t, err)
		defer r.Close()
		traces, err := r.Tombstones(t.Context(), w.Setup.Silos[0].Silo.Name)
		require.NoError(t, err)
		for one := range traces.All() {
			if one.Action == registry.Shared {
				n++
			}
		}
		return n
	}
	night := func(days int) {
		w.Now = w.Now.AddDate(0, 0, days)
		r, err := w.night()
		require.NoError(t, err)
		require.Empty(t, r.Waiting)
		require.Len(t, w.Rows("people"), 2)
	}
	night(1)
	require.Equal(t, 1, remembered())
	night(200)
	require.Equal(t, 1, remembered(), "somebody has it")
	w.Set("mails", "41", "email", "fay@lago.it")
	night(1)
	require.Zero(t, remembered())
}

// A no is heard in a list of addresses; where one of them cannot be read, nobody knows whether it stands there.
func TestANoInAListOfAddresses(t *testing.T) {
	for list, want := range map[string]string{
		"ada@casa.it, ada@altro.it": "D_CONSENT_WITHDRAWN", "ada@casa.it": "K_CONSENT", "unknown": "K_CONSENT",
		"ada@casa.it, ada@@altro.it": "E_ID_UNPARSEABLE", "ada@altro.it (old)": "D_CONSENT_WITHDRAWN",
	} {
		t.Run(list, func(t *testing.T) {
			w := newWorld(t, mailed(nil), table("people", []connectors.Field{id, name, status, created}, nil,
				[]any{"1", "Ada", "active", "2026-01-01"}), table("mails", []connectors.Field{id,
				field("person", connectors.Integer, true), email, field("old", connectors.Integer, true)},
				[]connectors.ForeignKey{fk("people", "person")}, []any{"1", "1", "ada@lago.it", "0"}, []any{"2", "1", list, "0"}))
			w.UsualEvents()
			w.Event(event.Withdrawn, "ada@altro.it", "news", w.Now.Add(-time.Hour))
			_, err := w.night()
			require.NoError(t, err)
			require.Len(t, w.facts().Summary, 1)
			require.Equal(t, want, w.facts().Summary[0].Reason)
		})
	}
}
