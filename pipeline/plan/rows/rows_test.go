package rows

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"

	"filippo.io/age"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/change"
	"lethe/pipeline/judge"
	"lethe/pipeline/plan"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/setup"
)

// shownRows are the rows of a set as they are yielded, each in one line.
func shownRows(t require.TestingT, p *plan.Sealed, id age.Identity, table string, portion int) (lines []string) {
	for r, err := range Of(p, p.Sets[0], Reader{Identity: id}, table, portion) {
		require.NoError(t, err)
		line := fmt.Sprintf("%s %q %s %s %v", r.Table, r.Key, r.Op, r.Reason, r.Along)
		for _, by := range r.By {
			line += fmt.Sprintf(" %s>%s %q %v", by.Edge.Child, by.Edge.Parent, by.Key, by.Owns)
		}
		lines = append(lines, line)
	}
	return lines
}

// changeOf is a row of a set as it is sealed.
func changeOf(r change.Row) change.Change {
	return change.Change{Unit: r.Unit, Level: r.Level, Kind: r.Kind, Silo: r.Silo, Mapping: r.Mapping, Table: r.Table,
		Key: r.Key, Op: r.Op, Fields: r.Fields, Detach: r.Detach, Guard: r.Guard, Subject: r.Subject, Record: r.Record,
		Refs: r.Refs}
}

// write seals a set named 000 into a new folder.
func write(t require.TestingT, folder string, to age.Recipient, set *change.Set) *plan.Sealed {
	w, err := plan.NewWriter(folder, "000", plan.Set{Source: "crm", Edges: set.Edges}, to, nil)
	require.NoError(t, err)
	for i, c := range set.Rows {
		require.NoError(t, w.Add(changeOf(c), audit.Action{Reason: string(rune('a' + i%26))}, plan.Why{}))
	}
	s, err := w.Close()
	require.NoError(t, err)
	return &plan.Sealed{Folder: folder, Document: plan.Document{Sets: []plan.Set{s}}}
}

func TestRowsAreTheSameHoweverFewAreHeld(t *testing.T) {
	id, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		set := &change.Set{Edges: []change.Edge{{Child: "orders", Parent: "people"}}}
		for unit := range rapid.IntRange(0, 5).Draw(t, "units") {
			first, n := len(set.Rows), rapid.IntRange(1, 4).Draw(t, "rows")
			for range n {
				set.Add(change.Change{Unit: int64(unit), Op: judge.Delete,
					Kind:  rapid.SampledFrom([]change.Kind{change.Root, change.Dependent, change.Owned}).Draw(t, "kind"),
					Table: rapid.SampledFrom([]string{"people", "orders"}).Draw(t, "table"),
					Key:   connectors.MakeKey(fmt.Append(nil, rapid.IntRange(-20, 20).Draw(t, "number"))),
					Refs: []change.Ref{{Row: first + rapid.IntRange(0, n-1).Draw(t, "to"),
						Does: rapid.SampledFrom([]change.Does{change.Follows, change.Holds}).Draw(t, "does"),
						Owns: rapid.Bool().Draw(t, "owns")}}})
			}
		}
		folder, err := os.MkdirTemp(dir, "")
		require.NoError(t, err)
		p := write(t, folder, id.Recipient(), set)
		for _, table := range []string{"", "people"} {
			whole := shownRows(t, p, id, table, len(set.Rows)+1)
			want := 0
			for _, c := range set.Rows {
				if table == "" || c.Table == table {
					want++
				}
			}
			require.Len(t, whole, want)
			require.Equal(t, whole, shownRows(t, p, id, table, rapid.IntRange(1, 4).Draw(t, "portion")))
		}
	})
}

func TestRowsSayWhatTheyAreReachedBy(t *testing.T) {
	id, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	key := func(n int) connectors.Key { return connectors.MakeKey([]byte(strconv.Itoa(n))) }
	edges := []change.Edge{{Child: "orders", Fields: []string{"person"}, Parent: "people", RefFields: []string{"id"}},
		{Child: "people", Fields: []string{"home"}, Parent: "homes", RefFields: []string{"id"}}}
	set := change.SetOf(edges, []change.Change{
		{Unit: 4, Level: 2, Kind: change.Dependent, Table: "orders", Key: key(100), Op: judge.Delete,
			Refs: []change.Ref{{Row: 2, Does: change.Follows}}},
		{Unit: 4, Level: 2, Kind: change.Dependent, Table: "orders", Key: key(20), Op: judge.SetNull,
			Refs: []change.Ref{{Row: 2, Does: change.Forgets}}},
		{Unit: 4, Level: 1, Kind: change.Root, Table: "people", Key: key(7), Op: judge.Delete,
			Refs: []change.Ref{{Row: 3, Edge: 1, Does: change.Holds, Owns: true}}},
		{Unit: 4, Kind: change.Owned, Table: "homes", Key: key(9), Op: judge.Delete},
		{Unit: 5, Kind: change.Root, Table: "people", Key: key(-1), Op: judge.Delete},
	}...)
	p := write(t, t.TempDir(), id.Recipient(), set)
	require.Equal(t, []string{
		`homes "\x019" delete d [{orders 2} {people 1}] people>homes "\x017" true`,
		`orders "\x0220" set_null b [{homes 1} {orders 1} {people 1}] orders>people "\x017" false`,
		`orders "\x03100" delete a [{homes 1} {orders 1} {people 1}] orders>people "\x017" false`,
		`people "\x02-1" delete e []`,
		`people "\x017" delete c [{homes 1} {orders 2}]`,
	}, shownRows(t, p, id, "", 2))
}

func TestKeysAreOrderedAsPeopleCount(t *testing.T) {
	key := func(values ...string) connectors.Key {
		var raw [][]byte
		for _, v := range values {
			raw = append(raw, []byte(v))
		}
		return connectors.MakeKey(raw...)
	}
	sorted := []connectors.Key{key(), key("-10"), key("-9"), key("0"), key("9"), key("9", "1"), key("9", "10"), key("9", "a"),
		key("10"), key("12345678901234567890123"), key(""), key("-0"), key("007"), key("1.5"), key("a"), key("a", ""),
		key("ab")}
	rapid.Check(t, func(t *rapid.T) {
		mixed := rapid.Permutation(sorted).Draw(t, "mixed")
		slices.SortFunc(mixed, orderOfKeys)
		require.Equal(t, sorted, mixed)
	})
}

func TestRowsSayUntilWhen(t *testing.T) {
	id, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	why := plan.Why{Rule: "club/consent", Ended: calendar.Date(800_000), Due: calendar.Date(800_031)}
	folder := t.TempDir()
	w, err := plan.NewWriter(folder, "000", plan.Set{Source: "crm"}, id.Recipient(), nil)
	require.NoError(t, err)
	require.NoError(t, w.Add(change.Change{Table: "people", Key: connectors.MakeKey([]byte("1"))}, audit.Action{}, why))
	s, err := w.Close()
	require.NoError(t, err)
	for r, err := range Of(&plan.Sealed{Folder: folder}, s, Reader{Identity: id}, "", 5) {
		require.NoError(t, err)
		require.Equal(t, why, r.Why)
	}
	for _, rows := range []int64{0, 2} {
		s.Rows = rows
		var last error
		for _, last = range Of(&plan.Sealed{Folder: folder}, s, Reader{Identity: id}, "", 5) {
		}
		require.ErrorIs(t, last, setup.ErrChanged)
	}
}

func TestShownKeyHidesWhatSaysSomethingOfPeople(t *testing.T) {
	s := plan.Set{Keys: map[string][]plan.KeyField{"people": {{Name: "email", Personal: true}, {Name: "n"}}}}
	gated := func(text string) bool { return text == "ada@lago.it" }
	for _, c := range []struct {
		table  string
		values []string
		want   []string
		hidden bool
	}{
		{"people", []string{"x", "7"}, []string{"*", "7"}, true},
		{"people", []string{"x", "ada@lago.it"}, []string{"*", "*"}, true},
		{"people", []string{"7"}, []string{"*"}, true}, // not the key that it had
		{"orders", []string{"7"}, []string{"*"}, true}, // of an earlier version: nothing is known of it
		{"people", []string{"x", "\xff\x00"}, []string{"*", "0xff00"}, true},
	} {
		var raw [][]byte
		for _, v := range c.values {
			raw = append(raw, []byte(v))
		}
		got, hidden := Key(s, c.table, connectors.MakeKey(raw...), gated)
		require.Equal(t, c.want, got)
		require.Equal(t, c.hidden, hidden)
	}
	got, hidden := Key(plan.Set{Keys: map[string][]plan.KeyField{"t": {{Name: "id"}}}}, "t", connectors.MakeKey([]byte("7")), gated)
	require.Equal(t, []string{"7"}, got)
	require.False(t, hidden)
	got, hidden = Key(s, "people", "\x7f", gated)
	require.Equal(t, []string{"*"}, got)
	require.True(t, hidden)
}
