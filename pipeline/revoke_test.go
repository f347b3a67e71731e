package pipeline_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/pipeline"
	"lethe/pipeline/setup"
)

func TestRevokedGrantTakesTheCopyAlong(t *testing.T) {
	w := granted(t, nil)
	w.synced()
	w.Setup.Grants = nil
	_, err := pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "sync", Apply: true, Phases: setup.SyncOnly})
	require.NoError(t, err)
	tables, err := w.Live.Tables(t.Context())
	require.NoError(t, err)
	require.Len(t, tables, 1)
	views, err := w.Live.Views(t.Context())
	require.NoError(t, err)
	require.Empty(t, views)
}

// made lists the tables of the live source, and the files of the copy's folder.
func (w *world) made() (list []string) {
	w.T.Helper()
	tables, err := w.Live.Tables(w.T.Context())
	require.NoError(w.T, err)
	for _, t := range tables {
		list = append(list, t.Name)
	}
	views, err := w.Live.Views(w.T.Context())
	require.NoError(w.T, err)
	for _, v := range views {
		list = append(list, v.Name)
	}
	files, err := os.ReadDir(filepath.Join(w.Dir, "copies"))
	if !os.IsNotExist(err) {
		require.NoError(w.T, err)
	}
	for _, f := range files {
		name, _, _ := strings.Cut(f.Name(), "-")
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// What is no longer granted is taken back: the table with its views, or the files, whichever was taken away;
// without --apply it is only named.
func TestWhatIsNoLongerGrantedIsTakenBack(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*world)
		left   []string
	}{
		"the table": {func(w *world) { w.Setup.Grants[0].Table = false }, []string{"copy.json", "delta", "people",
			"snapshot"}},
		"the files": {func(w *world) { w.Setup.Grants[0].Files = "" }, []string{copyOfPeople, "lethe_crm_people_news",
			"people"}},
		"the target": {func(w *world) { w.Setup.Grants = nil }, []string{"people"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := granted(t, nil)
			w.Setup.Grants[0].Files = filepath.Join(w.Dir, "copies")
			w.synced()
			all := w.made()
			require.Len(t, all, 6)
			c.change(w)
			_, err := pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "sync", Phases: setup.SyncOnly})
			require.NoError(t, err)
			require.Equal(t, all, w.made(), "nothing goes without --apply")
			require.Contains(t, w.findings(), "F_COPY_LEFT")
			for range 2 {
				w.Now = w.Now.Add(time.Hour)
				_, err := pipeline.Run(t.Context(), w.Setup,
					setup.Options{Job: "sync", Apply: true, Phases: setup.SyncOnly})
				require.NoError(t, err)
				kept := w.made()
				if slices.Contains(kept, "delta") { // a second delivery adds to the files
					kept = slices.Compact(kept)
				}
				require.Equal(t, c.left, kept)
				require.NotContains(t, w.findings(), "F_COPY_LEFT")
			}
		})
	}
}

// What cannot be taken back is named each night until it can.
func TestWhatCannotBeTakenBackIsNamedEachNight(t *testing.T) {
	again := func(w *world, left bool, says string) {
		w.T.Helper()
		for range 2 {
			w.Now = w.Now.Add(time.Hour)
			_, err := pipeline.Run(w.T.Context(), w.Setup,
				setup.Options{Job: "sync", Apply: true, Phases: setup.SyncOnly})
			require.Equal(w.T, left, slices.Contains(w.findings(), "F_COPY_LEFT"))
			if says == "" {
				require.NoError(w.T, err)
				continue
			}
			require.ErrorIs(w.T, err, setup.ErrSource)
			require.ErrorContains(w.T, err, says)
		}
	}
	t.Run("a source that can only be read now", func(t *testing.T) {
		w := granted(t, nil)
		w.synced()
		w.Setup.Grants = nil
		w.Setup.Sources[0].Open = func(context.Context) (connectors.Source, error) { return readOnly{w.Live}, nil }
		again(w, true, "table lethe_crm_people: source crm can only be read now")
		w.Setup.Sources[0].Open = func(context.Context) (connectors.Source, error) { return w.Live, nil }
		again(w, false, "")
		require.Equal(t, []string{"people"}, w.made())
	})
	t.Run("a source that left the configuration", func(t *testing.T) {
		w := granted(t, nil)
		w.synced()
		sources := w.Setup.Sources
		w.Setup.Grants, w.Setup.Sources = nil, nil
		again(w, true, "")
		w.Setup.Sources = sources
		again(w, false, "")
		require.Equal(t, []string{"people"}, w.made())
	})
	t.Run("files alone, of a source that fails or left the configuration", func(t *testing.T) {
		w := granted(t, nil)
		w.Setup.Grants[0].Table, w.Setup.Grants[0].Files = false, filepath.Join(w.Dir, "copies")
		w.synced()
		w.Setup.Sources[0].Open = func(context.Context) (connectors.Source, error) {
			return nil, &connectors.Error{Op: "open", Source: "crm", Err: connectors.ErrUnreachable}
		}
		again(w, false, "crm")
		w.Setup.Grants, w.Setup.Sources = nil, nil
		again(w, false, "")
		require.NoDirExists(t, filepath.Join(w.Dir, "copies"))
	})
	t.Run("a folder that somebody else writes to", func(t *testing.T) {
		w := granted(t, nil)
		w.Setup.Grants[0].Files = filepath.Join(w.Dir, "copies")
		w.synced()
		w.Setup.Grants = nil
		manifest := filepath.Join(w.Dir, "copies", "copy.json")
		require.NoError(t, os.WriteFile(manifest, []byte("{}"), 0o600))
		mine := filepath.Join(w.Dir, "copies", "mine.txt")
		require.NoError(t, os.WriteFile(mine, nil, 0o600))
		again(w, true, "is not known to be Lethe's")
		require.FileExists(t, manifest)
		names, err := filepath.Glob(filepath.Join(w.Dir, "copies", "*.jsonl"))
		require.NoError(t, err)
		for _, name := range append(names, manifest) {
			require.NoError(t, os.Remove(name))
		}
		again(w, false, "")
		require.FileExists(t, mine)
	})
}
