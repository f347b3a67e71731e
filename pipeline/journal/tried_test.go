package journal_test

import (
	"sync"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"lethe/pipeline/journal"
	"lethe/pipeline/registry/keystore"
)

// Five wrong passphrases in a row lock a key for an hour from the last one; the right one ends the row.
func TestWrongPassphrasesLockAKey(t *testing.T) {
	j := openSealed(t, t.TempDir(), sealer(t))
	defer j.Close()
	at := now
	try := func(key string, fits bool) {
		t.Helper()
		id, err := j.Try(t.Context(), key, at)
		require.NoError(t, err)
		if fits {
			require.NoError(t, j.Fits(t.Context(), id))
		}
		at = at.Add(time.Minute)
	}
	for range journal.LockAfter - 1 {
		try("anna", false)
	}
	try("anna", true)
	for range journal.LockAfter {
		require.NoError(t, j.Unlocked(t.Context(), "anna", at))
		try("anna", false)
	}
	last := at.Add(-time.Minute)
	_, err := j.Try(t.Context(), "anna", at)
	require.ErrorIs(t, err, journal.ErrLocked)
	require.ErrorContains(t, err, "5 wrong passphrases in a row were given for it, the last at "+
		last.UTC().Format(time.RFC3339))
	require.ErrorIs(t, j.Unlocked(t.Context(), "anna", last.Add(journal.LockFor-1)), journal.ErrLocked)
	require.ErrorIs(t, j.Unlocked(t.Context(), "anna", now.AddDate(0, 0, -1)), journal.ErrLocked, "the clock was set back")
	try("bo", false)
	at = last.Add(journal.LockFor)
	require.NoError(t, j.Unlocked(t.Context(), "anna", at))
	try("anna", false)
	_, err = j.Try(t.Context(), "anna", at)
	require.ErrorIs(t, err, journal.ErrLocked, "another wrong one locks it again")

	wrong, err := j.Wrong(t.Context(), last)
	require.NoError(t, err)
	require.Equal(t, 2, wrong["anna"].Wrong)
	require.Equal(t, 1, wrong["bo"].Wrong)
	at = now.AddDate(0, 0, 100)
	try("bo", false)
	wrong, err = j.Wrong(t.Context(), time.Time{})
	require.NoError(t, err)
	require.Equal(t, map[string]journal.Tries{"bo": {Wrong: 1, Last: now.AddDate(0, 0, 100)}}, wrong)
	require.NoError(t, j.Whole(t.Context(), 0))
}

// Who tries many at once has no more tries than one after the other.
func TestPassphrasesThatAreTriedAtOnce(t *testing.T) {
	state, s := t.TempDir(), sealer(t)
	require.NoError(t, openSealed(t, state, s).Close())
	var all sync.WaitGroup
	var mu sync.Mutex
	tried := 0
	for range 12 {
		all.Go(func() {
			j := openSealed(t, state, s)
			defer j.Close()
			if _, err := j.Try(t.Context(), "anna", now); err == nil {
				mu.Lock()
				tried++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	require.LessOrEqual(t, tried, journal.LockAfter)
	require.Positive(t, tried)
}

// A journal of a build that had fewer tables is whole, and is sealed as it is now with the first change.
func TestABoxOfFewerTables(t *testing.T) {
	state, s := t.TempDir(), sealer(t)
	j := openSealed(t, state, s)
	require.NoError(t, j.Rewritten(t.Context(), "f", now, "x"))
	writes, err := j.Writes(t.Context())
	require.NoError(t, err)
	require.NoError(t, j.Close())

	c, err := sqlite3.Open(state + "/journal.db")
	require.NoError(t, err)
	st, _, err := c.Prepare(`SELECT box FROM seals`)
	require.NoError(t, err)
	require.True(t, st.Step())
	sums := make([]keystore.Sum, 11) // ten tables, and how often anything was written
	require.NoError(t, s.Open(st.ColumnRawBlob(0), sums, nil))
	require.NoError(t, st.Close())
	st, _, err = c.Prepare(`UPDATE seals SET box = ?`)
	require.NoError(t, err)
	require.NoError(t, st.BindBlob(1, s.Box(append(sums[:8:8], sums[10]), nil)))
	require.NoError(t, st.Exec())
	require.NoError(t, st.Close())
	require.NoError(t, c.Exec(`DROP TABLE tried; DROP TABLE head`))
	require.NoError(t, c.Close())

	j = openSealed(t, state, s)
	defer j.Close()
	require.NoError(t, j.Whole(t.Context(), writes))
	require.ErrorIs(t, j.Whole(t.Context(), writes+1), journal.ErrAltered)
	_, err = j.Try(t.Context(), "anna", now)
	require.NoError(t, err)
	require.NoError(t, j.Whole(t.Context(), writes+1))
	again, err := j.Writes(t.Context())
	require.NoError(t, err)
	require.Greater(t, again, writes)
}
