package evidence

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/audittest"
	"lethe/pipeline/audit/manifest"
	"lethe/pipeline/audit/publish"
	"lethe/pipeline/registry/keystore"
)

// threeNights publishes three nights that follow each other.
func threeNights(t testing.TB) (string, keystore.PublicKey, []publish.Published) {
	t.Helper()
	root := t.TempDir()
	s, pub := newSigner(t)
	var nights []publish.Published
	previous := ""
	for run := 1; run <= 3; run++ {
		p := publishNight(t, root, run, previous, s)
		previous = p.ManifestSHA256
		nights = append(nights, p)
	}
	return root, pub, nights
}

func TestPublishedNightsVerifyAlsoAsACopy(t *testing.T) {
	root, pub, nights := threeNights(t)
	copied := filepath.Join(t.TempDir(), "from the company")
	require.NoError(t, os.CopyFS(copied, os.DirFS(root)))
	for _, folder := range []string{root, copied} {
		report, err := Verify(t.Context(), folder, pub)
		require.NoError(t, err, strings.Join(report.Lines(), "\n"))
		require.True(t, report.OK())
		require.Empty(t, report.Notes)
		require.Len(t, report.Nights, 3)
		for i, n := range report.Nights {
			require.Equal(t, nights[i].ManifestSHA256, n.Manifest)
			require.Equal(t, int64(1200), n.Tables["decisions"])
			require.Equal(t, int64(30), n.Tables["actions"])
			require.Equal(t, int64(2), n.Tables["summary"])
			require.Contains(t, n.Tables, "backups")
			require.Equal(t, int64(1200+30+2+4+1), n.Rows)
		}
		lines := strings.Join(report.Lines(), "\n")
		require.Contains(t, lines, "newest manifest "+nights[2].ManifestSHA256)
		require.Contains(t, lines, "detects change after signing")
	}
}

// TestAnyChangedByteIsFound changes one byte, or the length, of any file of the folder.
func TestAnyChangedByteIsFound(t *testing.T) {
	root := t.TempDir()
	s, pub := newSigner(t)
	publishNight(t, root, 1, "", s)
	files := tree(t, root)
	names := slices.Sorted(maps.Keys(files))
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.SampledFrom(names).Draw(rt, "file")
		path := filepath.Join(root, name)
		require.NoError(rt, os.WriteFile(path, audittest.Spoiled(rt, files[name]), 0o600))
		defer func() { require.NoError(rt, os.WriteFile(path, []byte(files[name]), 0o600)) }()
		report, err := Verify(t.Context(), root, pub)
		require.ErrorIs(rt, err, ErrEdited, "%s", name)
		require.False(rt, report.OK())
		require.Contains(rt, report.Lines()[len(report.Lines())-1], "NOT what was signed")
	})
}

func TestEveryByteOfManifestSignatureAndKeyCounts(t *testing.T) {
	root, pub, nights := threeNights(t)
	folder := filepath.Dir(nights[1].ReportPath)
	for _, name := range []string{manifest.Name, manifest.SignatureName, manifest.KeyName} {
		path := filepath.Join(folder, name)
		body, err := os.ReadFile(path)
		require.NoError(t, err)
		parts := map[string][]byte{}
		for _, part := range []string{manifest.Name, manifest.SignatureName, manifest.KeyName} {
			parts[part], err = os.ReadFile(filepath.Join(folder, part))
			require.NoError(t, err)
		}
		for i := range body {
			parts[name] = slices.Clone(body)
			parts[name][i] ^= 0x20
			_, err := manifest.Open(parts[manifest.Name], parts[manifest.SignatureName], pub)
			require.True(t, err != nil || string(parts[manifest.KeyName]) != pub.String()+"\n", "%s byte %d", name, i)
		}
	}
	_, err := Verify(t.Context(), root, pub)
	require.NoError(t, err)
}

func TestWhatIsMissingMovedOrAddedIsNamed(t *testing.T) {
	second := audittest.Facts(2, "").Run.RunID
	nightFolders := func(root string, run string) []string {
		found, err := filepath.Glob(filepath.Join(root, "*", "date=*", "run="+run))
		require.NoError(t, err)
		require.Len(t, found, 1+len(audit.Tables()))
		return found
	}
	published, pub, _ := threeNights(t)
	for name, c := range map[string]struct {
		change func(root string)
		want   string
	}{
		"a table's file is removed": {func(root string) {
			require.NoError(t, os.Remove(filepath.Join(root,
				"table=decisions/date=2026-11-22/run="+second+"/silo=customers.parquet")))
		}, "silo=customers.parquet is missing"},
		"the signature is removed": {func(root string) {
			require.NoError(t, os.Remove(filepath.Join(root,
				"manifests/date=2026-11-22/run="+second+"/manifest.sig")))
		}, "manifest.sig cannot be read: is missing"},
		"the manifest is removed": {func(root string) {
			require.NoError(t, os.Remove(filepath.Join(root,
				"manifests/date=2026-11-22/run="+second+"/manifest.json")))
		}, "manifest.json cannot be read: is missing"},
		"a night's manifest folder is removed": {func(root string) {
			require.NoError(t, os.RemoveAll(filepath.Join(root, "manifests/date=2026-11-22")))
		}, "is named by no signed manifest"},
		"a whole night is removed": {func(root string) {
			for _, folder := range nightFolders(root, second) {
				require.NoError(t, os.RemoveAll(folder))
			}
		}, "the night before it is missing or was changed"},
		"the first night is removed": {func(root string) {
			for _, folder := range nightFolders(root, audittest.Facts(1, "").Run.RunID) {
				require.NoError(t, os.RemoveAll(folder))
			}
		}, "the night before it is missing or was changed"},
		"the newest night is removed, its page is not": {func(root string) {
			for _, folder := range nightFolders(root, audittest.Facts(3, "").Run.RunID) {
				require.NoError(t, os.RemoveAll(folder))
			}
		}, "report.html is not the page of the newest night"},
		"all manifests are removed": {func(root string) {
			require.NoError(t, os.RemoveAll(filepath.Join(root,
				"manifests")))
		}, "holds no manifest"},
		"the top page is removed": {func(root string) {
			require.NoError(t, os.Remove(filepath.Join(root,
				"report.html")))
		}, "the copy of the newest page, is missing"},
		"a file is added": {func(root string) {
			require.NoError(t, os.WriteFile(filepath.Join(root,
				"table=decisions/date=2026-11-22/run="+second+"/silo=zz.parquet"), []byte("x"), 0o600))
		}, "silo=zz.parquet is named by no signed manifest"},
		"a hidden file is added": {func(root string) {
			require.NoError(t, os.WriteFile(filepath.Join(root, ".x"),
				[]byte("x"), 0o600))
		}, ".x is named by no signed manifest"},
		"a file became a link": {func(root string) {
			path := filepath.Join(root, "table=runs/date=2026-11-22/run="+second+"/silo=_.parquet")
			require.NoError(t, os.Rename(path, root+".away"))
			require.NoError(t, os.Symlink("/dev/null", path))
		}, "is not a plain file"},
		"a night is dated anew": {func(root string) {
			require.NoError(t, os.Rename(filepath.Join(root, "manifests/date=2026-11-22"), filepath.Join(root,
				"manifests/date=2026-11-25")))
		}, "which is not of this night"},
		"a night's manifest is put in place of another's": {func(root string) {
			require.NoError(t, os.RemoveAll(filepath.Join(root, "manifests/date=2026-11-22/run="+second)))
			require.NoError(t, os.CopyFS(filepath.Join(root, "manifests/date=2026-11-22/run="+second),
				os.DirFS(filepath.Join(root, "manifests/date=2026-11-21/run="+audittest.Facts(1, "").Run.RunID))))
		}, "it was moved"},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			require.NoError(t, os.CopyFS(root, os.DirFS(published)))
			c.change(root)
			report, err := Verify(t.Context(), root, pub)
			require.ErrorIs(t, err, ErrEdited)
			require.Contains(t, strings.Join(report.Lines(), "\n"), c.want)
		})
	}
}

func TestAnotherKeyVerifiesNothing(t *testing.T) {
	root, _, _ := threeNights(t)
	_, other := newSigner(t)
	report, err := Verify(t.Context(), root, other)
	require.ErrorIs(t, err, ErrEdited)
	for _, n := range report.Nights {
		require.Contains(t, strings.Join(n.Problems, "\n"), "not of the given key")
	}
}

func TestAnInterruptedPublicationIsMadeAnew(t *testing.T) {
	root := t.TempDir()
	s, pub := newSigner(t)
	first := publishNight(t, root, 1, "", s)
	whole := publishNight(t, root, 2, first.ManifestSHA256, s)
	require.NoError(t, os.RemoveAll(filepath.Dir(whole.ReportPath))) // as if killed before the last rename
	require.NoError(t, os.MkdirAll(filepath.Join(root, ".tmp-"+audittest.Facts(2, "").Run.RunID, "manifests"), 0o700))
	_, err := Verify(t.Context(), root, pub)
	require.ErrorIs(t, err, ErrEdited)
	require.Equal(t, whole, publishNight(t, root, 2, first.ManifestSHA256, s))
	_, err = Verify(t.Context(), root, pub)
	require.NoError(t, err)
}

func TestWhatAKilledTrialLeftIsNoTampering(t *testing.T) {
	root, pub, _ := threeNights(t)
	require.NoError(t, os.MkdirAll(filepath.Join(root, "manifests", ".tmp-trial-1"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(root, "manifests", ".tmp-trial-1", "trial"), nil, 0o600))
	report, err := Verify(t.Context(), root, pub)
	require.NoError(t, err, strings.Join(report.Lines(), "\n"))
	require.Contains(t, strings.Join(report.Notes, "\n"), "manifests/.tmp-trial-1 was never published")
}

func TestAFolderThatIsNotThere(t *testing.T) {
	_, pub := newSigner(t)
	_, err := Verify(t.Context(), filepath.Join(t.TempDir(), "none"), pub)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NotErrorIs(t, err, ErrEdited)
}
