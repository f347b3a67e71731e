package expiry

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/audit"
	"lethe/pipeline/registry/keystore"
)

func newSigner(t *testing.T) *keystore.Signer {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, keystore.Create(filepath.Join(dir, "keys"), filepath.Join(dir, "id")))
	keys, err := keystore.Open(t.Context(), filepath.Join(dir, "keys"), filepath.Join(dir, "id"))
	require.NoError(t, err)
	require.NoError(t, keys.EnsureRunner())
	signer, err := keys.Runner()
	require.NoError(t, err)
	return signer
}

// put writes a file into a folder of reports and returns it as something that is over its term.
func put(t *testing.T, root, name, content string) Gone {
	t.Helper()
	path := filepath.Join(root, filepath.FromSlash(name))
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	sum := sha256.Sum256([]byte(content))
	return Gone{File: File{Path: name, Bytes: int64(len(content)), SHA256: hex.EncodeToString(sum[:])}, RunID: "a",
		Date: "2026-11-20", Term: RowLevel}
}

const decisions = "table=decisions/date=2026-11-20/run=a/silo=news.parquet"

func write(t *testing.T, root string, signer *keystore.Signer, gone ...Gone) (Purge, error) {
	t.Helper()
	made := filepath.Join(root, ".tmp-purge-b")
	require.NoError(t, os.MkdirAll(made, 0o750))
	return Write(root, made, Purge{RunID: "b", Date: "2028-01-01", RowLevel: "P1Y", Keep: "P1Y", Gone: gone}, signer)
}

// forged is a purge that who holds the runner's key wrote by hand.
func forged(t *testing.T, root string, signer *keystore.Signer, gone ...Gone) {
	t.Helper()
	body, err := json.Marshal(Purge{Format: format, RunID: "f", Date: "2028-01-01", Keep: "P1Y", Gone: gone,
		Key: signer.Public()})
	require.NoError(t, err)
	folder := filepath.Join(root, Folder, "run=f")
	require.NoError(t, os.RemoveAll(folder))
	require.NoError(t, WriteDurably(filepath.Join(folder, documentName), body))
	require.NoError(t, WriteDurably(filepath.Join(folder, signatureName), SignLine(signer, signContext, body)))
}

// TestWhatIsNotOverItsTermIsNotSigned: nothing is written, so that nothing can be removed.
func TestWhatIsNotOverItsTermIsNotSigned(t *testing.T) {
	root, signer := t.TempDir(), newSigner(t)
	young := put(t, root, decisions, "one")
	young.Date = "2027-01-01"
	_, err := write(t, root, signer, young)
	require.ErrorIs(t, err, ErrEarly)
	require.NoDirExists(t, filepath.Join(root, Folder))
}

func TestAPurgeRemovesWhatItNamesAndNothingElse(t *testing.T) {
	root, signer := t.TempDir(), newSigner(t)
	one := put(t, root, decisions, "one")
	other := put(t, root, "table=decisions/date=2026-11-21/run=c/silo=news.parquet", "other")
	other.RunID, other.Date = "c", "2026-11-21"
	beside := put(t, root, "table=decisions/date=2026-11-21/run=c/silo=shop.parquet", "beside")
	p, err := write(t, root, signer, other, one)
	require.NoError(t, err)
	require.Equal(t, []Gone{one, other}, p.Gone)
	require.NoError(t, os.WriteFile(filepath.Join(root, other.Path), []byte("edited"), 0o600))

	for range 2 {
		removed, edited, err := Remove(root, p)
		require.NoError(t, err)
		require.Equal(t, []string{other.Path}, edited, "what is not as it was published stays")
		require.LessOrEqual(t, removed, 1)
		require.NoFileExists(t, filepath.Join(root, one.Path))
		require.NoDirExists(t, filepath.Join(root, "table=decisions/date=2026-11-20"))
		require.FileExists(t, filepath.Join(root, beside.Path))
	}
	back, err := Read(root, "b", signer.PublicKey())
	require.NoError(t, err)
	require.Equal(t, p, back)
}

func TestOnlyWhatATermEndsCanBeNamed(t *testing.T) {
	for name, ok := range map[string]bool{
		decisions: true,
		"manifests/date=2026-11-20/run=a/report.html":                           true,
		"purges/run=a/table=row_rollup/date=2026-11-20/run=a/silo=news.parquet": true,
		"manifests/date=2026-11-20/run=a/manifest.json":                         false,
		"manifests/date=2026-11-20/run=a/manifest.sig":                          false,
		"purges/run=a/purge.json":                                               false,
		"log/checkpoint":                                                        false,
		"answers/000001.json":                                                   false,
		"report.html":                                                           false,
		"../" + decisions:                                                       false,
		"/" + decisions:                                                         false,
		"table=decisions/../table=decisions/date=2026-11-20/run=a/x.parquet":      false,
		"table=decisions/date=2026-11-20/run=a/silo=news.parquet/../../x.parquet": false,
	} {
		root, signer := t.TempDir(), newSigner(t)
		gone := Gone{File: File{Path: name}, RunID: "a", Date: "2026-11-20", Term: Keep}
		_, err := write(t, root, signer, gone)
		require.Equal(t, ok, err == nil, name)
		if !ok {
			require.ErrorIs(t, err, ErrEarly)
			forged(t, root, signer, gone)
			_, err = Read(root, "f", signer.PublicKey())
			require.ErrorIs(t, err, ErrForged, name)
		}
	}
}

func TestAPurgeOfAnotherKeyIsNone(t *testing.T) {
	root, signer := t.TempDir(), newSigner(t)
	_, err := write(t, root, signer, put(t, root, decisions, "one"))
	require.NoError(t, err)
	c := Look(root, newSigner(t).PublicKey())
	require.Len(t, c.Problems, 1)
	require.False(t, c.Published(File{Path: decisions}, true), "it counts as missing")
}

func TestWhatIsRemovedBeforeItsTermIsSaid(t *testing.T) {
	for name, c := range map[string]struct {
		change func(p *Purge, g *Gone)
		want   string
	}{
		"over":                {func(*Purge, *Gone) {}, ""},
		"on its last day":     {func(p *Purge, _ *Gone) { p.Date = "2027-11-20" }, "before its term (P1Y) was over on 2027-11-20"},
		"on the day after":    {func(p *Purge, _ *Gone) { p.Date = "2027-11-21" }, ""},
		"without that term":   {func(_ *Purge, g *Gone) { g.Term = Keep }, "by a term that there is not"},
		"of no known term":    {func(_ *Purge, g *Gone) { g.Term = "soon" }, "by a term that there is not"},
		"dated otherwise":     {func(_ *Purge, g *Gone) { g.Date = "2020-11-20" }, "as of another night"},
		"of another run":      {func(_ *Purge, g *Gone) { g.RunID = "z" }, "as of another night"},
		"counts by row_level": {func(_ *Purge, g *Gone) { g.Path = "table=summary/date=2026-11-20/run=a/silo=_.parquet" }, "no line for each"},
	} {
		t.Run(name, func(t *testing.T) {
			p := Purge{Date: "2028-01-01", RowLevel: "P1Y", Keep: "P0D"}
			g := Gone{File: File{Path: decisions}, RunID: "a", Date: "2026-11-20", Term: RowLevel}
			c.change(&p, &g)
			if got := early(p, g); c.want == "" {
				require.Empty(t, got)
			} else {
				require.Contains(t, got, c.want)
			}
		})
	}
}

// TestEveryTableThatNamesRecordsIsAtRowLevel holds the list against the tables there are.
func TestEveryTableThatNamesRecordsIsAtRowLevel(t *testing.T) {
	var names []string
	for _, table := range audit.Tables() {
		for i := range table.Row.NumField() {
			if table.Row.Field(i).Type == reflect.TypeFor[audit.Ref]() && !slices.Contains(names, table.Name) {
				names = append(names, table.Name)
			}
		}
	}
	require.ElementsMatch(t, RowTables(), names)
}
