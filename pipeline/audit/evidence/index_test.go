package evidence

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/audit/audittest"
	"lethe/pipeline/audit/page/index"
)

// TestTheListOfNights has each night once, the newest month on top, and an edited or an old one is named.
func TestTheListOfNights(t *testing.T) {
	root := t.TempDir()
	s, key := newSigner(t)
	previous := ""
	var lists []string
	for run := 1; run <= 3; run++ {
		f := audittest.Facts(run, previous)
		f.Run.Phases = "night"
		previous = publishFacts(t, root, run, f, 40, s).ManifestSHA256
		body, err := os.ReadFile(filepath.Join(root, index.Name))
		require.NoError(t, err)
		lists = append(lists, string(body))
	}
	require.Len(t, index.Runs([]byte(lists[2])), 3)
	require.Contains(t, lists[2], `href="manifests/date=2026-11-23/run=`+runID(3)+`/report.html"`)
	require.Less(t, strings.Index(lists[2], runID(3)), strings.Index(lists[2], runID(1)), "the newest first")
	require.Contains(t, lists[2], "Amber: a person is needed")
	_, err := Verify(t.Context(), root, key)
	require.NoError(t, err)

	verify := func() string {
		report, _ := Verify(t.Context(), root, key)
		return strings.Join(report.Lines(), "\n")
	}
	put := func(text string) {
		require.NoError(t, os.WriteFile(filepath.Join(root, index.Name), []byte(text), 0o600))
	}
	put(strings.Replace(lists[2], "Amber: a person is needed", "Green: nothing needs you", 1))
	require.Contains(t, verify(), "index.html, a list of nights, is not what was signed: its signature is not of the given key")
	put(lists[2][:strings.Index(lists[2], "<!-- signed")])
	require.Contains(t, verify(), "it has no signature")
	put(lists[1])
	require.Contains(t, verify(), "note     the list of nights lacks the newest, run "+runID(3))
	require.NoError(t, os.MkdirAll(filepath.Join(root, index.Folder), 0o700))
	put(lists[2])
	require.NoError(t, os.WriteFile(filepath.Join(root, index.Folder, "2026-11.html"), []byte(lists[0]), 0o600))
	require.Contains(t, verify(), "run "+runID(1)+" stands twice in the list of nights")
	require.NoError(t, os.Remove(filepath.Join(root, index.Folder, "2026-11.html")))
	_, err = Verify(t.Context(), root, key)
	require.NoError(t, err)

	// one that lacks more than the newest is an old one; none at all is said, and none of the newest beside older ones is wrong
	put(lists[0])
	require.Contains(t, verify(), "BROKEN   the list of nights lacks run "+runID(2)+", and 1 more")
	require.NoError(t, os.Remove(filepath.Join(root, index.Name)))
	require.Contains(t, verify(), "note     there is no list of nights, index.html")
	require.NoError(t, os.WriteFile(filepath.Join(root, index.Folder, "2026-11.html"), []byte(lists[2]), 0o600))
	require.Contains(t, verify(), "BROKEN   index.html, the list of the newest nights, is missing")
	require.NoError(t, os.Remove(filepath.Join(root, index.Folder, "2026-11.html")))
	put(lists[2])

	// a night that is taken away stands in the list
	require.NoError(t, os.RemoveAll(filepath.Join(root, "manifests", "date=2026-11-22")))
	require.Contains(t, verify(), "the list of nights has run "+runID(2)+", which is not here")
}
