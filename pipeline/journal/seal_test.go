package journal_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/pipeline/journal"
	"lethe/pipeline/registry/keystore"
)

// sealer is that of a keystore of its own.
func sealer(t testing.TB) *keystore.Sealer {
	t.Helper()
	dir := t.TempDir()
	path, identity := filepath.Join(dir, "keys"), filepath.Join(dir, "id.age")
	require.NoError(t, keystore.Create(path, identity))
	k, err := keystore.Open(t.Context(), path, identity)
	require.NoError(t, err)
	require.NoError(t, k.EnsureRunner())
	s, err := k.Journal()
	require.NoError(t, err)
	return s
}

func openSealed(t testing.TB, state string, s *keystore.Sealer) *journal.Journal {
	t.Helper()
	j, err := journal.Open(t.Context(), state, s)
	require.NoError(t, err)
	return j
}

// live fills every table that is sealed, by every way of writing.
func live(t *testing.T, j *journal.Journal) {
	t.Helper()
	_, err := j.ID(t.Context())
	require.NoError(t, err)
	for i := range 3 {
		r := journal.Run{ID: fmt.Sprint("r", i), Key: "k", Apply: i > 0, AsOf: now, StartedAt: now.Add(time.Duration(i))}
		require.NoError(t, j.Begin(t.Context(), r))
		r.EndedAt, r.Facts = now, []byte(`{}`)
		require.NoError(t, j.End(t.Context(), r))
		require.NoError(t, j.Publish(t.Context(), r.ID, "m"))
		refuse(t, j, fmt.Sprint("p", i), now)
		require.NoError(t, j.Rewritten(t.Context(), fmt.Sprint("f", i), now, "x"))
		require.NoError(t, j.PutMade(t.Context(), journal.Made{Target: fmt.Sprint("t", i)}))
	}
	// a row again, many rows at once, rows that go
	require.NoError(t, j.Rewritten(t.Context(), "f1", now.Add(time.Hour), "y"))
	require.NoError(t, j.EndAside(t.Context()))
	require.NoError(t, j.DropFacts(t.Context(), 1))
	require.NoError(t, j.DropMade(t.Context(), journal.Made{Target: "t1"}))
	require.NoError(t, j.Begin(t.Context(), journal.Run{ID: "cut", Key: "k", AsOf: now, StartedAt: now}))
	_, err = j.Intend(t.Context(), journal.Chunk{RunID: "cut", PlanID: "p0", First: 9, Rows: 1, IntentAt: now})
	require.NoError(t, err)
	require.NoError(t, j.PutAnswer(t.Context(), 1, "plan:p1", []byte("yes"), nil))
	require.NoError(t, j.RestoreAnswer(t.Context(), 2, "plan:p1", []byte("no")))
	id, err := j.Try(t.Context(), "k", now)
	require.NoError(t, err)
	require.NoError(t, j.Fits(t.Context(), id))
	_, err = j.Try(t.Context(), "k", now)
	require.NoError(t, err)
	require.NoError(t, j.NoteHeads(t.Context(), []journal.Head{{Silo: "crm", Seq: 1, Hash: "aa", Writes: 2}}, false))
	require.NoError(t, j.NoteHeads(t.Context(), []journal.Head{{Silo: "crm", Seq: 2, Hash: "bb", Writes: 3}}, false))
	require.NoError(t, j.PutLeaves(t.Context(), 0, [][]byte{[]byte("night 1"), []byte("night 2")}))
	require.NoError(t, j.SignLeaves(t.Context(), 1))
	require.NoError(t, j.TakeOver(t.Context(), "r2"))
	require.NoError(t, j.Recall(t.Context(), []journal.Run{{ID: "old", AsOf: now, StartedAt: now, EndedAt: now}}, 100))
}

// forge writes to a journal as somebody else does.
func forge(t testing.TB, state string, statements ...string) {
	t.Helper()
	c, err := sqlite3.Open(filepath.Join(state, "journal.db"))
	require.NoError(t, err)
	for _, s := range statements {
		require.NoError(t, c.Exec(s), s)
	}
	require.NoError(t, c.Close())
}

func TestWhatLetheWroteIsWhole(t *testing.T) {
	state, s := t.TempDir(), sealer(t)
	j := openSealed(t, state, s)
	require.NoError(t, j.Whole(t.Context(), 1), "a new one")
	live(t, j)
	writes, err := j.Writes(t.Context())
	require.NoError(t, err)
	require.GreaterOrEqual(t, writes, int64(100))
	require.NoError(t, j.Whole(t.Context(), writes))
	require.ErrorIs(t, j.Whole(t.Context(), writes+1), journal.ErrAltered, "a report knows of a later one")
	require.NoError(t, j.Close())
	j = openSealed(t, state, s)
	require.NoError(t, j.Whole(t.Context(), writes), "opened again")
	require.NoError(t, j.Close())
	j = openSealed(t, state, sealer(t))
	require.ErrorIs(t, j.Whole(t.Context(), 0), journal.ErrAltered, "another runner's key")
	require.Error(t, j.Rewritten(t.Context(), "f", now, ""), "and nothing is written with it")
	require.NoError(t, j.Close())
}

// TestEveryForgedRowIsSeen changes each column of a row, removes one, and removes all, of each table.
func TestEveryForgedRowIsSeen(t *testing.T) {
	state, s := t.TempDir(), sealer(t)
	j := openSealed(t, state, s)
	live(t, j)
	columns := map[string][]string{}
	c, err := sqlite3.Open(filepath.Join(state, "journal.db"))
	require.NoError(t, err)
	st, _, err := c.Prepare(`SELECT m.name, i.name FROM sqlite_schema m, pragma_table_info(m.name) i WHERE m.type = 'table'`)
	require.NoError(t, err)
	for st.Step() {
		columns[st.ColumnText(0)] = append(columns[st.ColumnText(0)], st.ColumnText(1))
	}
	require.NoError(t, errors.Join(st.Err(), st.Close(), c.Close()))
	delete(columns, "answer") // a chain of its own
	delete(columns, "leaf")   // signed
	require.Len(t, columns, 11)
	forged := 0
	for table, names := range columns {
		statements := []string{`DELETE FROM ` + table + ` WHERE rowid = (SELECT max(rowid) FROM ` + table + `)`,
			`DELETE FROM ` + table}
		for _, name := range names {
			if name == "id" && table != "self" || name == "place" { // numbers
				statements = append(statements, "UPDATE "+table+" SET "+name+" = 77 WHERE rowid = 1")
				continue
			}
			statements = append(statements, fmt.Sprintf("UPDATE %s SET %s = 'other' WHERE rowid = 1", table, name),
				fmt.Sprintf("UPDATE %s SET %s = x'00' WHERE rowid = 1", table, name))
		}
		for _, statement := range statements {
			if strings.HasPrefix(statement, "UPDATE seals SET id") {
				continue // it has one row, whatever its number
			}
			forge(t, state, "PRAGMA foreign_keys = off", "CREATE TABLE keep AS SELECT rowid AS place, * FROM "+table, statement)
			require.ErrorIs(t, j.Whole(t.Context(), 1), journal.ErrAltered, statement)
			forge(t, state, "PRAGMA foreign_keys = off", "DELETE FROM "+table, "INSERT INTO "+table+" (rowid, "+
				strings.Join(names, ", ")+") SELECT place, "+strings.Join(names, ", ")+" FROM keep", "DROP TABLE keep")
			require.NoError(t, j.Whole(t.Context(), 1), "put back: %s", statement)
			forged++
		}
	}
	require.Greater(t, forged, 80)
	require.NoError(t, j.Close())
}

// TestRowsThatWereThereBeforeAreSeen puts a table back as it was, with the tags of its rows, then with the box too.
func TestRowsThatWereThereBeforeAreSeen(t *testing.T) {
	s := sealer(t)
	rapid.Check(t, func(rt *rapid.T) {
		state := t.TempDir()
		j := openSealed(t, state, s)
		put := func(when string) {
			for i := range rapid.IntRange(0, 3).Draw(rt, when) {
				require.NoError(rt, j.Rewritten(t.Context(), fmt.Sprint(rapid.IntRange(0, 3).Draw(rt, "file")),
					now.Add(time.Duration(i)), "x"))
			}
		}
		put("before")
		forge(t, state, `CREATE TABLE keep AS SELECT * FROM rewrite`, `CREATE TABLE keep_seals AS SELECT * FROM seals`)
		require.NoError(rt, j.Rewritten(t.Context(), "9", now, "y"))
		put("after")
		writes, err := j.Writes(t.Context())
		require.NoError(rt, err)
		forge(t, state, `DELETE FROM rewrite`, `INSERT INTO rewrite SELECT * FROM keep`)
		require.ErrorIs(rt, j.Whole(t.Context(), 0), journal.ErrAltered)
		forge(t, state, `DELETE FROM seals`, `INSERT INTO seals SELECT * FROM keep_seals`)
		require.NoError(rt, j.Whole(t.Context(), 0), "all of it is an older copy,")
		require.ErrorIs(rt, j.Whole(t.Context(), writes), journal.ErrAltered, "which a report is newer than")
		require.NoError(rt, j.Close())
	})
}

func TestAJournalThatActsByItselfIsSeen(t *testing.T) {
	state, s := t.TempDir(), sealer(t)
	j := openSealed(t, state, s)
	live(t, j)
	forge(t, state, `CREATE TRIGGER forget AFTER INSERT ON rewrite BEGIN DELETE FROM refusal; END`)
	require.ErrorContains(t, j.Whole(t.Context(), 0), "forget")
	require.NoError(t, j.Close())
}

func TestAJournalOfAnEarlierBuildIsSealedAsItStands(t *testing.T) {
	state, s := t.TempDir(), sealer(t)
	j := open(t, state) // without a key nothing is sealed
	live(t, j)
	require.NoError(t, j.Close())
	j = openSealed(t, state, s)
	require.ErrorIs(t, j.Whole(t.Context(), 7), journal.ErrAltered, "a report says that it was sealed")
	require.NoError(t, j.Rewritten(t.Context(), "f9", now, "x"), "a command may come before the night")
	require.NoError(t, j.Whole(t.Context(), 0))
	require.NoError(t, j.Seal(t.Context()))
	writes, err := j.Writes(t.Context())
	require.NoError(t, err)
	require.Positive(t, writes)
	require.NoError(t, j.Whole(t.Context(), writes))
	require.NoError(t, j.Rewritten(t.Context(), "f9", now, "y"))
	require.NoError(t, j.Whole(t.Context(), writes+1))
	forge(t, state, `UPDATE run SET apply = 0`)
	require.ErrorIs(t, j.Whole(t.Context(), 0), journal.ErrAltered)
	require.NoError(t, j.Close())
	j = open(t, state)
	require.Error(t, j.Rewritten(t.Context(), "f9", now, "z"), "without the key it is only read")
}

// TestAReferenceOfARefusedRowIsVeiled stands veiled in the journal, is read as it is, and is looked for also where an
// earlier build recorded it in the clear.
func TestAReferenceOfARefusedRowIsVeiled(t *testing.T) {
	state, s := t.TempDir(), sealer(t)
	j := openSealed(t, state, s)
	ref := strings.Repeat("0123456789abcdef", 4)
	refused := func(id string) {
		t.Helper()
		plan(t, j, id, journal.Approved)
		c, err := j.Intend(t.Context(), journal.Chunk{RunID: "a", PlanID: id, Rows: 1, IntentAt: now})
		require.NoError(t, err)
		require.NoError(t, j.Settle(t.Context(), "a", now, journal.Outcomes{Chunk: c.ID, Of: []byte("r"),
			Refused: []journal.Refusal{{PlanID: id, Class: "TRIGGER", At: now, Aside: &journal.Aside{Source: "crm",
				Table: "people", Record: ref, Destroys: true, Policy: "p"}}}}))
	}
	stored := func() (list []string) {
		t.Helper()
		c, err := sqlite3.Open(filepath.Join(state, "journal.db"))
		require.NoError(t, err)
		st, _, err := c.Prepare(`SELECT record FROM refusal ORDER BY plan_id`)
		require.NoError(t, err)
		for st.Step() {
			list = append(list, st.ColumnText(0))
		}
		require.NoError(t, errors.Join(st.Err(), st.Close(), c.Close()))
		return list
	}
	refused("p1")
	refused("p2")
	veiled := stored()
	require.Equal(t, veiled[0], veiled[1])
	require.NotContains(t, veiled[0], ref[:32])
	require.Len(t, veiled[0], len(ref)+1)
	list, err := j.SetAside(t.Context(), now, "p")
	require.NoError(t, err)
	require.Equal(t, ref, list[0].Aside.Record)
	require.Equal(t, now.Add(14*24*time.Hour), list[1].NextTry)
	require.NoError(t, j.Close())

	forge(t, state, `UPDATE refusal SET record = '`+ref+`', seal = NULL`, `DELETE FROM seals`) // as of an earlier build
	j = openSealed(t, state, s)
	require.NoError(t, j.Seal(t.Context()))
	refused("p3")
	list, err = j.SetAside(t.Context(), now, "p")
	require.NoError(t, err)
	require.Len(t, list, 3)
	for _, r := range list {
		require.Equal(t, ref, r.Aside.Record)
	}
	require.Equal(t, now.Add(28*24*time.Hour), list[2].NextTry)
	require.NoError(t, j.Close())
}
