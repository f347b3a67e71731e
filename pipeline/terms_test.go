package pipeline_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/adopted"
	"lethe/pipeline/answers"
	"lethe/pipeline/audit/evidence"
	"lethe/pipeline/audit/expiry"
	"lethe/pipeline/audit/manifest"
	"lethe/pipeline/audit/parquet"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/cases"
	"lethe/pipeline/setup"
)

// adopts gives the world terms of evidence, which two people adopt if they are to.
func (w *world) adopts(rowLevel, keep string, signed bool, saw ...*answers.Effect) {
	w.T.Helper()
	type person struct {
		Key   string
		Roles []string
	}
	people := map[string]person{}
	for name, p := range w.Setup.People {
		people[name] = person{p.Key.String(), p.Roles}
	}
	terms := setup.EvidenceTerms{}
	for text, term := range map[string]*calendar.Period{rowLevel: &terms.RowLevel, keep: &terms.Keep} {
		parsed, err := calendar.ParsePeriod(text)
		require.NoError(w.T, err)
		*term = parsed
	}
	text, err := json.Marshal(map[string]any{"People": people, "Approvals": 2, "Evidence": terms,
		"Silos": map[string]any{w.Setup.Silos[0].Silo.Name: map[string]any{"Readers": w.Setup.Readers[w.Setup.Silos[0].Silo.Name]}}})
	require.NoError(w.T, err)
	sum := sha256.Sum256(text)
	w.Setup.Policy, w.Setup.PolicyDigest, w.Setup.Evidence = text, hex.EncodeToString(sum[:]), terms
	for _, name := range []string{"anna", "bo"} {
		if signed {
			var effect *answers.Effect
			if len(saw) > 0 {
				effect = saw[0]
			}
			_, err := adopted.Sign(w.T.Context(), w.Setup, name, "", effect, w.Signers[name])
			require.NoError(w.T, err)
		}
	}
}

// aged is a world with a night that changed rows and six more, of which the first two are over a month when it is
// 40 days later. Its rows are encrypted for readers, if there are any.
func aged(t *testing.T, rowLevel, keep string, signed bool, readers ...string) *world {
	w := newWorld(t, news(nil), people())
	if len(readers) > 0 {
		w.Setup.Readers = map[string][]string{"news": readers}
	}
	w.UsualEvents()
	w.adopts(rowLevel, keep, signed)
	w.planned()
	require.NotEmpty(t, w.applied())
	w.Now = w.Now.AddDate(0, 0, 1)
	w.nights(6)
	w.Now = w.Now.AddDate(0, 0, 40)
	return w
}

// files lists what stands in the reports below a pattern of folders, without what is in answers and the log.
func (w *world) reported() (list []string) {
	require.NoError(w.T, fs.WalkDir(os.DirFS(w.Setup.Reports), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasPrefix(name, "log/") {
			list = append(list, name)
		}
		return err
	}))
	return list
}

func (w *world) verify() ([]string, error) {
	w.T.Helper()
	signer, err := w.Setup.Keys.Runner()
	require.NoError(w.T, err)
	report, err := evidence.Verify(w.T.Context(), w.Setup.Reports, signer.PublicKey())
	return report.Lines(), err
}

// missing are the files that stood before and are gone.
func missing(before, after []string) []string {
	return slices.DeleteFunc(slices.Clone(before), func(name string) bool { return slices.Contains(after, name) })
}

func TestRowsOverTheirTermBecomeCounts(t *testing.T) {
	w := aged(t, "P1M", "P1Y", true)
	before := w.reported()
	r, err := w.night()
	require.NoError(t, err)
	gone := missing(before, w.reported())
	require.NotEmpty(t, gone)
	for _, name := range gone {
		require.True(t, strings.HasPrefix(name, "table=decisions/") || strings.HasPrefix(name, "table=actions/"), name)
	}
	require.Len(t, w.found("F_EVIDENCE_PURGED"), 1)
	lines, err := w.verify()
	require.NoError(t, err, strings.Join(lines, "\n"))
	require.Contains(t, strings.Join(lines, "\n"), "files are expired per retention")

	var counted [][]string
	made, err := filepath.Glob(filepath.Join(w.Setup.Reports, expiry.Place(r.RunID), "table=row_rollup/*/*/*.parquet"))
	require.NoError(t, err)
	require.Len(t, made, 1)
	require.NoError(t, parquet.Texts(t.Context(), made[0], []string{"of_table", "silo", "object", "change", "status"},
		func(row []string) { counted = append(counted, slices.Clone(row)) }))
	require.Contains(t, counted, []string{"actions", "news", "people", "delete", "done"})

	after := w.reported()
	w.Now = w.Now.AddDate(0, 0, 1)
	_, err = w.night()
	require.NoError(t, err)
	require.Empty(t, slices.DeleteFunc(missing(after, w.reported()), func(name string) bool {
		return strings.HasPrefix(name, "table=")
	}))
}

func TestANightOverItsTermLeavesItsManifest(t *testing.T) {
	w := aged(t, "P1M", "P1M", true)
	before := w.reported()
	_, err := w.night()
	require.NoError(t, err)
	gone := missing(before, w.reported())
	require.True(t, slices.ContainsFunc(gone, func(n string) bool { return strings.HasPrefix(n, "table=runs/") }))
	require.True(t, slices.ContainsFunc(gone, func(n string) bool { return strings.HasSuffix(n, "/report.html") }))
	require.False(t, slices.ContainsFunc(gone, func(n string) bool {
		return strings.HasSuffix(n, "/manifest.json") || strings.HasSuffix(n, ".sig") || strings.HasSuffix(n, ".pub")
	}))
	lines, err := w.verify()
	require.NoError(t, err, strings.Join(lines, "\n"))
	documents, err := filepath.Glob(filepath.Join(w.Setup.State, "plans", "*", "*"))
	require.NoError(t, err)
	require.Empty(t, documents, "what its plans were is over its term too")

	w.Now = w.Now.AddDate(0, 2, 0) // the counts are over their term themselves
	w.nights(7)
	made, err := filepath.Glob(filepath.Join(w.Setup.Reports, "purges/*/table=row_rollup/*/*/*.parquet"))
	require.NoError(t, err)
	for _, name := range made {
		require.NotContains(t, name, "date=2027-01-06")
	}
	lines, err = w.verify()
	require.NoError(t, err, strings.Join(lines, "\n"))
}

// TestEvidenceThatMayBeNeededStays lets somebody need what is over its term.
func TestEvidenceThatMayBeNeededStays(t *testing.T) {
	for name, c := range map[string]struct {
		given func(t *testing.T, w *world, r *registry.Registry)
		goes  bool
	}{
		"nobody": {func(*testing.T, *world, *registry.Registry) {}, true},
		"a legal hold": {func(t *testing.T, w *world, r *registry.Registry) {
			require.NoError(t, r.PlaceHold(t.Context(), "news", cases.Hold{ID: "h", CaseRef: "c", PlacedBy: "dora",
				PlacedAt: w.Now, ReviewBy: w.Now.AddDate(1, 0, 0)}))
		}, false},
		"a request that was open before": {func(t *testing.T, w *world, r *registry.Registry) {
			require.NoError(t, r.OpenRequest(t.Context(), "news", cases.Request{ID: "q", Kind: cases.RequestAccess,
				Received: w.Now.AddDate(0, -3, 0), Due: w.Now.AddDate(0, 1, 0)}, 1))
		}, false},
		"a request of today": {func(t *testing.T, w *world, r *registry.Registry) {
			require.NoError(t, r.OpenRequest(t.Context(), "news", cases.Request{ID: "q", Kind: cases.RequestAccess,
				Received: w.Now, Due: w.Now.AddDate(0, 1, 0)}, 1))
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := aged(t, "P1M", "P1M", true)
			r, err := registry.Open(t.Context(), w.Setup.Registry)
			require.NoError(t, err)
			c.given(t, w, r)
			require.NoError(t, r.Close())
			before := w.reported()
			_, err = w.night()
			require.NoError(t, err)
			require.Equal(t, c.goes, len(missing(before, w.reported())) > 0)
		})
	}
}

func TestTermsThatNobodyAdoptedEndNothing(t *testing.T) {
	w := aged(t, "P1Y", "P5Y", true)
	w.adopts("P1M", "P1M", false) // whoever approved the first plan adopted the other
	before := w.reported()
	_, err := w.night()
	require.NoError(t, err)
	require.Empty(t, missing(before, w.reported()))
	require.Len(t, w.found("F_EVIDENCE_TERM"), 1)
	require.Empty(t, w.found("F_EVIDENCE_PURGED"))
}

// TestAPurgeThatIsCutOffIsFinished kills the night at each of its steps. At none is a file gone that nothing explains.
func TestAPurgeThatIsCutOffIsFinished(t *testing.T) {
	for _, at := range []string{"purge_counted", "purge_signed", "log_intent", "purge_logged"} {
		t.Run(at, func(t *testing.T) {
			w := aged(t, "P1M", "P1Y", true)
			before := w.reported()
			armed := false
			w.Setup.Crash = func(point string) {
				armed = armed || point == "purge_signed" || at == "purge_counted"
				if point == at && armed {
					panic(at)
				}
			}
			require.PanicsWithValue(t, at, func() { _, _ = w.night() })
			w.Setup.Crash = func(string) {}
			removeAll(t, filepath.Join(w.Setup.State, "lock")) // the process died with it
			require.Empty(t, missing(before, w.reported()), "nothing is removed before it is signed and logged")
			w.Now = w.Now.Add(time.Hour)
			_, err := w.night()
			require.NoError(t, err)
			require.NotEmpty(t, missing(before, w.reported()))
			lines, err := w.verify()
			require.NoError(t, err, strings.Join(lines, "\n"))
		})
	}
}

// TestWhatAPurgeDoesNotNameIsMissing tampers with a folder in which files are expired.
func TestWhatAPurgeDoesNotNameIsMissing(t *testing.T) {
	w := aged(t, "P1M", "P1Y", true)
	r, err := w.night()
	require.NoError(t, err)
	published := w.Setup.Reports
	one := func(root, pattern string) string {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		require.NoError(t, err)
		require.NotEmpty(t, found, pattern)
		return found[0]
	}
	document := expiry.Place(r.RunID) + "/purge.json"
	for name, c := range map[string]struct {
		change func(root string) error
		want   string
	}{
		"another table is removed": {func(root string) error {
			return os.Remove(one(root, "table=summary/*/*/*.parquet"))
		}, "is missing"},
		"the purge is removed": {func(root string) error {
			return os.RemoveAll(filepath.Join(root, expiry.Folder))
		}, "is missing, and is entry"},
		"the purge is edited": {func(root string) error {
			path := filepath.Join(root, document)
			body, err := os.ReadFile(path)
			require.NoError(t, err)
			return os.WriteFile(path, []byte(strings.Replace(string(body), "P1M", "P9M", 1)), 0o600)
		}, "the purge is not as it was signed"},
		"the purge is put under another name": {func(root string) error {
			return os.CopyFS(filepath.Join(root, expiry.Folder, "run=00000000-0000-0000-0000-000000000000"),
				os.DirFS(filepath.Join(root, expiry.Place(r.RunID))))
		}, "it was moved"},
		"the counts are removed": {func(root string) error {
			return os.Remove(one(root, "purges/*/table=row_rollup/*/*/*.parquet"))
		}, "row_rollup"},
		"the policy is removed": {func(root string) error {
			return os.RemoveAll(filepath.Join(root, "policies"))
		}, "whether people adopted its terms cannot be seen"},
		"the answers are removed": {func(root string) error {
			return os.RemoveAll(filepath.Join(root, "answers"))
		}, "answers of people, and 0 are there"},
		"the log is removed": {func(root string) error {
			return os.RemoveAll(filepath.Join(root, "log"))
		}, "stands in no log of nights that can be believed"},
		"the text of the policy is edited": {func(root string) error {
			path := one(root, "policies/*.json")
			return errors.Join(os.Remove(path), os.WriteFile(path, []byte("{}"), 0o600))
		}, "is missing or was edited"},
		"a file is put back with other content": {func(root string) error {
			day := w.Now.AddDate(0, 0, -47).Format(time.DateOnly)
			path := one(root, "table=runs/date="+day+"/run=*/*.parquet")
			path = strings.Replace(path, "table=runs", "table=decisions", 1)
			return errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(strings.Replace(path, "silo=_", "silo=news", 1),
				[]byte("x"), 0o600))
		}, "was changed"},
	} {
		t.Run(name, func(t *testing.T) {
			w.Setup.Reports = filepath.Join(t.TempDir(), "copy")
			require.NoError(t, os.CopyFS(w.Setup.Reports, os.DirFS(published)))
			_, err := w.verify()
			require.NoError(t, err)
			require.NoError(t, c.change(w.Setup.Reports))
			lines, err := w.verify()
			require.ErrorIs(t, err, evidence.ErrEdited)
			require.Contains(t, strings.Join(lines, "\n"), c.want)
		})
	}
}

// TestNoTermIsOverWhileTheClockIsInDoubt: what would go after a leap of the clock stays until people looked.
func TestNoTermIsOverWhileTheClockIsInDoubt(t *testing.T) {
	w := aged(t, "P1M", "P1M", true)
	w.Setup.Breakers.PauseDays = 7
	before := w.reported()
	_, _ = w.night() // it asks
	require.Len(t, w.found("F_CLOCK_AHEAD"), 1)
	require.Empty(t, missing(before, w.reported()))
}

// TestAMovedNightIsNoOlder: the day by which a term is counted is the one that was signed.
func TestAMovedNightIsNoOlder(t *testing.T) {
	w := aged(t, "P1Y", "P1Y", true)
	stand, err := manifest.Stand(w.Setup.Reports)
	require.NoError(t, err)
	to := filepath.Join(w.Setup.Reports, "manifests", "date=2020-01-01", "run="+stand[0].RunID)
	require.NoError(t, os.MkdirAll(filepath.Dir(to), 0o700))
	require.NoError(t, os.Rename(filepath.Join(w.Setup.Reports, "manifests", "date="+stand[0].Date,
		"run="+stand[0].RunID), to))
	_, err = w.night()
	require.ErrorIs(t, err, setup.ErrTampered)
	require.NoDirExists(t, filepath.Join(w.Setup.Reports, expiry.Folder))
}

// TestWhatIsNotAsItWasPublishedIsNobodysToRemove: it is found, and the rest goes all the same.
func TestWhatIsNotAsItWasPublishedIsNobodysToRemove(t *testing.T) {
	w := aged(t, "P1M", "P1M", true)
	stand, err := manifest.Stand(w.Setup.Reports)
	require.NoError(t, err)
	edited := filepath.Join(w.Setup.Reports, "manifests", "date="+stand[0].Date, "run="+stand[0].RunID, "details.html")
	require.NoError(t, os.WriteFile(edited, []byte("x"), 0o600))
	r, err := w.night()
	require.NoError(t, err)
	require.Len(t, w.found("F_EVIDENCE_LOST"), 1)
	require.FileExists(t, edited)
	signer, err := w.Setup.Keys.Runner()
	require.NoError(t, err)
	p, err := expiry.Read(w.Setup.Reports, r.RunID, signer.PublicKey())
	require.NoError(t, err)
	require.NotEmpty(t, p.Gone)
	for _, g := range p.Gone {
		require.NotContains(t, edited, g.Path)
		require.NoFileExists(t, filepath.Join(w.Setup.Reports, g.Path))
	}
	lines, err := w.verify()
	require.ErrorIs(t, err, evidence.ErrEdited)
	require.Contains(t, strings.Join(lines, "\n"), "details.html was changed")
}

// TestThePlansOfWhoIsHeldStay in the state folder too.
func TestThePlansOfWhoIsHeldStay(t *testing.T) {
	w := aged(t, "P1M", "P1M", true)
	r, err := registry.Open(t.Context(), w.Setup.Registry)
	require.NoError(t, err)
	require.NoError(t, r.PlaceHold(t.Context(), "news", cases.Hold{ID: "h", CaseRef: "c", PlacedBy: "dora",
		PlacedAt: w.Now, ReviewBy: w.Now.AddDate(1, 0, 0)}))
	require.NoError(t, r.Close())
	_, err = w.night()
	require.NoError(t, err)
	documents, err := filepath.Glob(filepath.Join(w.Setup.State, "plans", "*", "plan.json"))
	require.NoError(t, err)
	require.NotEmpty(t, documents)
}

// TestTermsThatWereReplacedEndNothing: a purge that rests on an earlier policy, or on fewer answers than nights had
// seen, does not hold, although who holds the runner's key signed it.
func TestTermsThatWereReplacedEndNothing(t *testing.T) {
	w := aged(t, "P1M", "P1Y", true)
	r, err := w.night()
	require.NoError(t, err)
	signer, err := w.Setup.Keys.Runner()
	require.NoError(t, err)
	for name, c := range map[string]struct {
		change func(p *expiry.Purge)
		want   string
	}{
		"another policy":        {func(p *expiry.Purge) { p.Policy = strings.Repeat("0", 64) }, "which was not in force"},
		"before it was adopted": {func(p *expiry.Purge) { p.Answers = 0 }, "which was not in force"},
		"with fewer answers":    {func(p *expiry.Purge) { p.Answers-- }, "had seen"},
		"with answers to come":  {func(p *expiry.Purge) { p.Answers += 9 }, "are there"},
		"other terms":           {func(p *expiry.Purge) { p.RowLevel = "P2W" }, "its terms are not those of policy"},
	} {
		t.Run(name, func(t *testing.T) {
			root := filepath.Join(t.TempDir(), "copy")
			require.NoError(t, os.CopyFS(root, os.DirFS(w.Setup.Reports)))
			p, err := expiry.Read(root, r.RunID, signer.PublicKey())
			require.NoError(t, err)
			c.change(&p)
			folder := filepath.Join(root, expiry.Place(r.RunID))
			made := filepath.Join(root, ".tmp-made")
			require.NoError(t, os.Rename(folder, made))
			removeAll(t, filepath.Join(made, "purge.json"))
			removeAll(t, filepath.Join(made, "purge.sig"))
			_, err = expiry.Write(root, made, p, signer)
			require.NoError(t, err)
			report, err := evidence.Verify(t.Context(), root, signer.PublicKey())
			require.ErrorIs(t, err, evidence.ErrEdited)
			require.Contains(t, strings.Join(report.Lines(), "\n"), c.want)
		})
	}
}
