package snapshot

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
)

// write makes a file of rows and returns its path.
func write(t require.TestingT, folder string, rows []Row) string {
	file, err := createRows(folder)
	require.NoError(t, err)
	for _, r := range rows {
		require.NoError(t, file.add(r))
	}
	_, err = file.close()
	require.NoError(t, err)
	return file.path
}

// place is what a row is about.
func place(r Row) string {
	text, err := json.Marshal([]any{r.Object, r.Key, r.Silo, r.Purpose})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// apply applies a file of rows to a copy, as a target would.
func apply(t require.TestingT, copied map[string]Row, path string) {
	require.NoError(t, eachRow(path, func(r Row) error {
		if copied[place(r)] = r; r.Status == "gone" {
			delete(copied, place(r))
		}
		return nil
	}))
}

// A delta makes the old snapshot the new one, and says nothing but what changed.
func TestDeltaMakesTheOldTheNew(t *testing.T) {
	folder := t.TempDir()
	row := rapid.Custom(func(t *rapid.T) Row {
		return Row{
			Object: rapid.SampledFrom([]string{"crm.people", "crm.p"}).Draw(t, "object"),
			Key:    rapid.SliceOfN(rapid.SampledFrom([]string{"", "1", "11", "é"}), 1, 2).Draw(t, "key"),
			Silo:   "news", Purpose: rapid.SampledFrom([]string{"letters", "polls"}).Draw(t, "purpose"),
			Status: rapid.SampledFrom([]string{"allowed", "blocked", "unknown"}).Draw(t, "status"),
			Until:  rapid.SampledFrom([]string{"", "2026-12-24T18:00:00Z"}).Draw(t, "until"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfNDistinct(row, 0, 30, place)
		was, is := rows.Draw(t, "was"), rows.Draw(t, "is")
		old, fresh := write(t, folder, was), write(t, folder, is)
		delta, err := createRows(folder)
		require.NoError(t, err)
		// So many rows that they are compared in several buckets.
		size := rapid.SampledFrom([]int64{0, 3 * bucketRows}).Draw(t, "size")
		require.NoError(t, difference(delta, old, fresh, size))
		_, err = delta.close()
		require.NoError(t, err)

		copied, want := map[string]Row{}, map[string]Row{}
		apply(t, copied, old)
		changed := 0
		for _, r := range is {
			want[place(r)] = r
			if was, there := copied[place(r)]; !there || was.Status != r.Status || was.Until != r.Until {
				changed++
			}
		}
		for id := range copied {
			if _, stays := want[id]; !stays {
				changed++
			}
		}
		apply(t, copied, delta.path)
		require.Equal(t, want, copied)
		require.EqualValues(t, changed, delta.rows)

		for _, path := range []string{old, fresh, delta.path} {
			require.NoError(t, os.Remove(path))
		}
	})
}

// signer is somebody who signs, and the key by which that is proven.
func signer(t *testing.T) (*keystore.Signer, keystore.PublicKey) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key")
	public, err := keystore.NewPerson(file)
	require.NoError(t, err)
	s, err := keystore.LoadPerson(file)
	require.NoError(t, err)
	key, err := keystore.ParsePublic(public)
	require.NoError(t, err)
	return s, key
}

// published is a folder with a snapshot of one row for a target.
func published(t *testing.T, folder, target string, night int, s *keystore.Signer, status string) (damaged error) {
	t.Helper()
	snapshot, err := New(folder)
	require.NoError(t, err)
	require.NoError(t, snapshot.Add(Row{Object: "crm.people", Key: []string{"1"}, Silo: "news", Purpose: "letters",
		Status: status}))
	damaged, err = snapshot.Publish(Manifest{Target: target, AsOf: time.Date(2026, 5, night, 0, 0, 0, 0, time.UTC)},
		s, func(string) {})
	require.NoError(t, err)
	return damaged
}

// edit changes the text of a file.
func edit(t *testing.T, file, old, new string) {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(text), old)
	require.NoError(t, os.WriteFile(file, []byte(strings.ReplaceAll(string(text), old, new)), 0o600))
}

func TestFilesAreTheSigners(t *testing.T) {
	mine, key := signer(t)
	other, _ := signer(t)
	manifest := func(folder string) string { return filepath.Join(folder, snapshotManifest) }
	tests := map[string]struct {
		given func(t *testing.T, folder string)
		files int
		err   string
	}{
		"no folder": {given: func(t *testing.T, folder string) { require.NoError(t, os.Remove(folder)) }},
		"nothing of Lethe's": {given: func(t *testing.T, folder string) {
			require.NoError(t, os.WriteFile(filepath.Join(folder, "notes.txt"), nil, 0o600))
		}},
		"one snapshot": {given: func(t *testing.T, folder string) {
			published(t, folder, "shop", 1, mine, "allowed")
		}, files: 3},
		"beside other files": {given: func(t *testing.T, folder string) {
			published(t, folder, "shop", 1, mine, "allowed")
			require.NoError(t, os.WriteFile(filepath.Join(folder, "notes.txt"), nil, 0o600))
		}, files: 3},
		"of another target": {given: func(t *testing.T, folder string) {
			published(t, folder, "crm", 1, mine, "allowed")
		}, err: "another target"},
		"signed by another": {given: func(t *testing.T, folder string) {
			published(t, folder, "shop", 1, other, "allowed")
		}, err: "signature"},
		"changed afterwards": {given: func(t *testing.T, folder string) {
			published(t, folder, "shop", 1, mine, "allowed")
			edit(t, manifest(folder), `"rows":1`, `"rows":2`)
		}, err: "signature"},
		"without a manifest": {given: func(t *testing.T, folder string) {
			published(t, folder, "shop", 1, mine, "allowed")
			require.NoError(t, os.Remove(manifest(folder)))
		}, err: snapshotManifest},
		"a manifest no more": {given: func(t *testing.T, folder string) {
			published(t, folder, "shop", 1, mine, "allowed")
			require.NoError(t, os.WriteFile(manifest(folder), []byte("{"), 0o600))
		}, err: "not JSON"},
		"of an unknown format": {given: func(t *testing.T, folder string) {
			m := Manifest{Format: "lethe-copy-9", Target: "shop"}
			require.NoError(t, m.write(folder, mine))
		}, err: "another format"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "copy")
			require.NoError(t, os.Mkdir(folder, 0o700))
			tt.given(t, folder)

			names, err := Files(folder, "shop", key)

			if tt.err != "" {
				require.ErrorContains(t, err, tt.err)
				require.Empty(t, names, "what is not proven may not be removed")
				return
			}
			require.NoError(t, err)
			require.Len(t, names, tt.files)
			if tt.files > 0 {
				require.Equal(t, snapshotManifest, names[tt.files-1], "the proof goes last")
			}
		})
	}
}

func TestRemoveLeavesWhatIsOthers(t *testing.T) {
	s, key := signer(t)
	folder := filepath.Join(t.TempDir(), "copy")
	published(t, folder, "shop", 1, s, "allowed")
	notes := filepath.Join(folder, "notes.txt")
	require.NoError(t, os.WriteFile(notes, nil, 0o600))
	names, err := Files(folder, "shop", key)
	require.NoError(t, err)

	require.NoError(t, Remove(folder, names))
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, left, 1)

	require.NoError(t, os.Remove(notes))
	require.NoError(t, Remove(folder, names)) // again, and with nothing there
	require.NoDirExists(t, folder)
	require.NoError(t, Remove(folder, names))
}

func TestVerifyRefusesWhatWasChanged(t *testing.T) {
	s, key := signer(t)
	folder := t.TempDir()
	require.NoError(t, published(t, folder, "shop", 1, s, "allowed"))
	require.NoError(t, published(t, folder, "shop", 2, s, "blocked"))
	m, err := Verify(folder, key)
	require.NoError(t, err)
	require.EqualValues(t, 1, m.Delta.Rows)
	require.NotEmpty(t, m.Since)

	edit(t, filepath.Join(folder, m.Snapshot.Name), "blocked", "allowed")
	_, err = Verify(folder, key)
	require.ErrorIs(t, err, setup.ErrTampered)

	// Nobody can apply a delta to what is not known: the next one is whole.
	require.ErrorIs(t, published(t, folder, "shop", 3, s, "blocked"), setup.ErrTampered)
	m, err = Verify(folder, key)
	require.NoError(t, err)
	require.Empty(t, m.Since)
	require.EqualValues(t, 1, m.Delta.Rows)
}

func TestPruneKeepsTheNewest(t *testing.T) {
	s, _ := signer(t)
	folder := t.TempDir()
	for night := 1; night <= 5; night++ {
		published(t, folder, "shop", night, s, []string{"allowed", "blocked"}[night%2])
	}
	snapshots, err := filepath.Glob(filepath.Join(folder, "snapshot-*"))
	require.NoError(t, err)
	slices.Sort(snapshots)
	require.Len(t, snapshots, keepSnapshots)
	require.Contains(t, snapshots[0], "20260504")
	require.Contains(t, snapshots[1], "20260505")
}
