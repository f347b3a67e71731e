package registry

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/numbered"
	"lethe/pipeline/policy"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/delivery"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/standings"
)

func TestFlags(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		key := f.key("crm")
		k1, k2 := FlagKey{key.Record("crm", "people", []byte("1")), "D_NO_CONSENT"},
			FlagKey{key.Record("crm", "people", []byte("2")), "X_NO_MATCH"}
		require.NoError(t, f.r.SetFlags(t.Context(), "crm", []Flag{{k1, day("2026-01-01")}, {k2, day("2026-01-02")}}))
		require.NoError(t, f.r.SetFlags(t.Context(), "crm", []Flag{{k1, day("2026-03-01")}}))
		require.NoError(t, f.r.DropFlags(t.Context(), "crm", []FlagKey{k2}))
		flags, err := f.r.Flags(t.Context(), "crm")
		require.NoError(t, err)
		require.Equal(t, map[FlagKey]time.Time{k1: day("2026-01-01")}, flags)
		flags, err = f.r.Flags(t.Context(), "unheard")
		require.NoError(t, err)
		require.Empty(t, flags)
	})
}

// TestTombstonesAreFound has few and many of them, some of them of one record.
func TestTombstonesAreFound(t *testing.T) {
	f := newSQLite(t)
	f.r.room = numbered.NewRoom(t.TempDir(), 0)
	t.Cleanup(func() { require.NoError(t, f.r.room.Close()) })
	key := f.key("crm")
	for n := range []int{0, 1, 2, 3} {
		n = 7 * n * n * n // 0, 7, 56, 189
		var put []Tombstone
		for i := range n {
			for twice := range 1 + i%3 {
				put = append(put, Tombstone{Record: key.Record("crm", "people", fmt.Append(nil, i)),
					Subject: key.Match(identifier.Email, fmt.Append(nil, twice)), System: fmt.Sprint("crm", i%2), Object: "people",
					Action: []string{"delete", "anonymize"}[i%2], PlanDigest: fmt.Sprint(i % 5),
					ErasedAt: noon.Add(time.Duration(i) * time.Hour), DropAfter: noon.AddDate(0, i, 0)})
			}
		}
		require.NoError(t, f.r.PutTombstones(t.Context(), "crm", put))
		all, err := f.r.Tombstones(t.Context(), "crm")
		require.NoError(t, err)
		require.Equal(t, len(put), all.Len())
		for i := range 2*n + 3 {
			want := 0
			if i < n {
				want = 1 + i%3
			}
			found := all.Find(key.Record("crm", "people", fmt.Append(nil, i)))
			require.Len(t, found, want)
			for _, stone := range found {
				require.Contains(t, put, stone)
			}
		}
	}
	list := &Tombstones{}
	require.Empty(t, list.Find(key.Record("crm", "people", nil)))
}

func TestTombstones(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		key := f.key("crm")
		row1, row2 := key.Record("crm", "people", []byte("1")), key.Record("crm", "people", []byte("2"))
		ann, ben := key.Match(identifier.Email, []byte("ann@example.org")), key.Match(identifier.Email,
			[]byte("ben@example.org"))
		stone := Tombstone{Record: row1, Subject: ann, System: "crm", Object: "people", Action: "delete",
			PlanDigest: "abc", ErasedAt: noon, DropAfter: day("2027-02-01")}
		second := stone
		second.Subject, second.DropAfter = ben, day("2027-03-01")
		require.NoError(t, f.r.PutTombstones(t.Context(), "crm", []Tombstone{stone, second}))
		shorter := stone
		shorter.DropAfter = day("2027-01-01")
		require.NoError(t, f.r.PutTombstones(t.Context(), "crm", []Tombstone{shorter, stone, shorter}),
			"one of them twice in one call")
		require.NoError(t, f.r.PutTombstones(t.Context(), "crm", []Tombstone{shorter}))
		all, err := f.r.Tombstones(t.Context(), "crm")
		require.NoError(t, err)
		require.ElementsMatch(t, []Tombstone{stone, second}, all.Find(row1))
		require.Empty(t, all.Find(row2))
		require.NoError(t, f.r.DropTombstones(t.Context(), "crm", []Tombstone{stone}, []Tombstone{second}))
		all, err = f.r.Tombstones(t.Context(), "crm")
		require.NoError(t, err)
		nobodys := second
		nobodys.Subject = keystore.Ref{}
		require.Equal(t, []Tombstone{nobodys}, slices.Collect(all.All()),
			"the record was anonymized, and is nobody's any more")
	})
}

func TestRecordLink(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		f.importCSV("crm", "email,collection,type,purpose,occurred_at,notice\n"+
			"a@example.org,c1,given,news,2026-01-10,n\na@example.org,c2,given,news,2026-02-10,n\n")
		key := f.key("crm")
		row := key.Record("crm", "people", []byte("1"))
		f.link("crm", row, 2)
		s, err := f.r.Standings(t.Context(), "crm", noon, nil)
		require.NoError(t, err)
		alias := []keystore.Ref{f.ref("crm", identifier.Email, "a@example.org")}
		require.Equal(t, standings.Match{Identity: policy.Conflicting}, s.Match(standings.Row{Identifiers: alias}))
		require.Equal(t, standings.Match{Collection: 2}, s.Match(standings.Row{Identifiers: alias, Record: &row}))
		require.Equal(t, standings.Match{Collection: 2}, s.Match(standings.Row{Record: &row}),
			"a row that names nobody")
		require.Equal(t, standings.Match{Collection: 2},
			s.Match(standings.Row{Identifiers: []keystore.Ref{f.ref("crm", identifier.Email, "new@example.org")},
				Record: &row}), "an address that nobody told of")

		f.importCSV("crm", "email,collection,type,purpose,occurred_at,notice\n"+
			"b@example.org,c3,given,news,2026-01-10,n\n")
		s, err = f.r.Standings(t.Context(), "crm", noon, nil)
		require.NoError(t, err)
		other := f.ref("crm", identifier.Email, "b@example.org")
		require.Equal(t, standings.Match{Identity: policy.Conflicting},
			s.Match(standings.Row{Identifiers: []keystore.Ref{other}, Record: &row}), "the address is somebody else's")
		require.Equal(t, standings.Match{Collection: 2},
			s.Match(standings.Row{Identifiers: append([]keystore.Ref{other}, alias...), Record: &row}),
			"one of two bears it out")

		stone := Tombstone{Record: row, Subject: alias[0], System: "crm", Object: "people", Action: "delete",
			ErasedAt: noon, DropAfter: noon}
		require.NoError(t, f.r.PutTombstones(t.Context(), "crm", []Tombstone{stone}))
		require.NoError(t, f.r.DropTombstones(t.Context(), "crm", []Tombstone{stone}, nil))
		s, err = f.r.Standings(t.Context(), "crm", noon, nil)
		require.NoError(t, err)
		require.Equal(t, standings.Match{Identity: policy.Conflicting},
			s.Match(standings.Row{Identifiers: alias, Record: &row}), "the link goes with the last trace of the row")
	})
}

func TestEventsLinkRows(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		key := f.key("crm")
		text := "email,collection,type,purpose,occurred_at,notice,record\n" +
			"a@example.org,c1,given,news,2026-01-10,n,1\na@example.org,c2,given,news,2026-02-10,n,2\n" +
			"a@example.org,,withdrawn,news,2026-03-10,n,1\n"
		in := func(text string, admit func(*event.Event) error) delivery.Report {
			report, err := f.r.Import(t.Context(), delivery.Import{Keys: key, Reader: strings.NewReader(text),
				Format: delivery.CSV, Source: "test", Admit: admit})
			require.NoError(t, err)
			return report
		}
		link := func(e *event.Event) error {
			e.Link = event.Link{Record: key.Record("crm", "people", []byte(e.Record)), System: "crm", Object: "people"}
			return nil
		}
		require.Equal(t, 3, in(text, nil).Events)
		matched := func(row string) standings.Match {
			s, err := f.r.Standings(t.Context(), "crm", noon, nil)
			require.NoError(t, err)
			record := key.Record("crm", "people", []byte(row))
			return s.Match(standings.Row{Identifiers: []keystore.Ref{f.ref("crm", identifier.Email, "a@example.org")},
				Record: &record})
		}
		s, err := f.r.Standings(t.Context(), "crm", noon, nil)
		require.NoError(t, err)
		require.False(t, s.Linked())
		require.Equal(t, policy.Conflicting, matched("1").Identity)

		require.Equal(t, 3, in(text, link).Duplicates, "what was recorded before is linked when it comes again")
		require.Equal(t, standings.Match{Collection: 1}, matched("1"))
		require.Equal(t, standings.Match{Collection: 2}, matched("2"))
		require.Equal(t, policy.Conflicting, matched("3").Identity)
		require.Equal(t, 1, in("email,collection,type,purpose,occurred_at,notice,record\n"+
			"a@example.org,c2,renewed,news,2026-04-10,n,2\n", link).Events, "a link that is there stays")
		require.Equal(t, standings.Match{Collection: 2}, matched("2"))
		require.NoError(t, f.r.Verify(t.Context(), "crm", chain.Head{}))
	})
}

func TestSimulated(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		is, err := f.r.Simulated(t.Context())
		require.NoError(t, err)
		require.False(t, is)
		require.NoError(t, f.r.MarkSimulated(t.Context()))
		require.NoError(t, f.r.MarkSimulated(t.Context()))
		is, err = f.r.Simulated(t.Context())
		require.NoError(t, err)
		require.True(t, is)
	})
}
