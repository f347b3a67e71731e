package state

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/pipeline/journal"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/setup"
)

func newSetup(t *testing.T) *setup.Setup {
	now := time.Date(2026, 11, 20, 1, 15, 0, 0, time.UTC)
	return &setup.Setup{State: t.TempDir(), Host: "host", Zone: time.UTC, Now: func() time.Time { return now }}
}

// TestHeadsReadBack writes heads and reads them: names may hold colons.
func TestHeadsReadBack(t *testing.T) {
	heads := rapid.SliceOfNDistinct(rapid.Custom(func(r *rapid.T) chain.Head {
		h := chain.Head{
			Silo: rapid.StringMatching(`[a-z:_-]{1,12}`).Draw(r, "silo"),
			Seq:  rapid.Int64Range(0, 1<<40).Draw(r, "seq"),
		}
		h.Count = h.Seq
		copy(h.Hash[:], rapid.SliceOfN(rapid.Byte(), len(h.Hash), len(h.Hash)).Draw(r, "hash"))
		return h
	}), 0, 4, func(h chain.Head) string { return h.Silo })
	rapid.Check(t, func(r *rapid.T) {
		want := map[string]chain.Head{}
		list := heads.Draw(r, "heads")
		for _, h := range list {
			want[h.Silo] = h
		}
		got, err := parseHeads(FormatHeads(list))
		require.NoError(r, err)
		require.Equal(r, want, got)
	})
}

// TestHeadsThatCannotBeRead are refused, never taken for others.
func TestHeadsThatCannotBeRead(t *testing.T) {
	hash := "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	_, err := parseHeads("crm:5:" + hash)
	require.NoError(t, err)
	for _, text := range []string{
		"crm", "crm:5", "crm:five:" + hash, "crm:5:" + hash[2:], "crm:5:x" + hash[1:], "crm:5:",
	} {
		_, err := parseHeads("crm:5:" + hash + ";" + text)
		require.ErrorIs(t, err, journal.ErrCorrupt, text)
	}
}

// TestLastHeads are those of the newest run that ended and looked at them.
func TestLastHeads(t *testing.T) {
	hash := "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	run := func(ended bool, facts string) journal.Run {
		r := journal.Run{ID: "run", Facts: []byte(facts)}
		if ended {
			r.EndedAt = time.Date(2026, 11, 20, 2, 0, 0, 0, time.UTC)
		}
		return r
	}
	looked := func(seq string) string { return `{"Run":{"RegistryHeads":"crm:` + seq + `:` + hash + `"}}` }
	for _, test := range []struct {
		name string
		runs []journal.Run
		seq  int64
	}{
		{"none", nil, 0},
		{"the newest", []journal.Run{run(true, looked("7")), run(true, looked("5"))}, 7},
		{"one that did not end", []journal.Run{run(false, looked("7")), run(true, looked("5"))}, 5},
		{"one that did not look", []journal.Run{run(true, `{}`), run(true, looked("5"))}, 5},
		{"one that left nothing", []journal.Run{run(true, ""), run(true, looked("5"))}, 5},
	} {
		t.Run(test.name, func(t *testing.T) {
			heads, err := LastHeads(test.runs)
			require.NoError(t, err)
			require.Equal(t, test.seq, heads["crm"].Seq)
		})
	}
	_, err := LastHeads([]journal.Run{run(true, "{")})
	require.ErrorIs(t, err, journal.ErrCorrupt)
}

// TestOneProcessHoldsTheState refuses a second one and says who the first is.
func TestOneProcessHoldsTheState(t *testing.T) {
	p := newSetup(t)
	require.Empty(t, LockHolder(p), "nobody ever held it")
	lock, err := TakeLock(p, "run 7")
	require.NoError(t, err)
	require.Regexp(t, `^pid \d+ on host since 2026-11-20T01:15:00Z: run 7$`, LockHolder(p))
	_, err = TakeLock(p, "run 7")
	require.ErrorIs(t, err, setup.ErrHeld)
	require.ErrorContains(t, err, "on host since")

	require.NoError(t, lock.Close())
	require.Empty(t, LockHolder(p))
	lock, err = TakeLock(p, "run 7")
	require.NoError(t, err)
	require.NoError(t, lock.Close())
}

// TestMayWrite asks for the stop file, and for the end of the window.
func TestMayWrite(t *testing.T) {
	p := newSetup(t)
	now := p.Now()
	for _, test := range []struct {
		until time.Time
		may   bool
	}{{time.Time{}, true}, {now.Add(time.Second), true}, {now, false}, {now.Add(-time.Second), false}} {
		err := MayWrite(p, test.until)
		require.Equal(t, test.may, err == nil, test.until)
		require.Equal(t, !test.may, errors.Is(err, setup.ErrStopped))
	}
	require.NoError(t, os.WriteFile(filepath.Join(p.State, "stop"), nil, 0o600))
	require.ErrorIs(t, MayWrite(p, time.Time{}), setup.ErrStopped)
	require.NoError(t, os.Remove(filepath.Join(p.State, "stop")))
	require.NoError(t, MayWrite(p, time.Time{}))
}

// TestWriteFileReplacesInWhole leaves the old content or the new one, and nothing beside it.
func TestWriteFileReplacesInWhole(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "plan.json")
	for _, content := range []string{"a longer content", "short"} {
		require.NoError(t, WriteFile(path, []byte(content)))
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, content, string(got))
	}
	require.NoError(t, os.Mkdir(filepath.Join(dir, "folder"), 0o700))
	require.Error(t, WriteFile(filepath.Join(dir, "folder"), []byte("a folder is in its place")))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 2)
	require.True(t, FileExists(path))
	require.False(t, FileExists(filepath.Join(dir, "other")))
}
