package evidence

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/answers"
	"lethe/pipeline/audit"
	"lethe/pipeline/audit/audittest"
	"lethe/pipeline/audit/page"
	"lethe/pipeline/audit/tilelog"
	"lethe/pipeline/registry/keystore"
)

// company is a folder of reports of five nights, with answers of people before the first two. The data protection
// officer cosigned it after the third and kept the checkpoint of the fourth.
type company struct {
	root         string
	signer, dora *keystore.Signer
	answers      answers.Chain
	kept         string // a file
	previous     string
}

// runID is the run of a night.
func runID(night int) string { return audittest.Facts(night, "").Run.RunID }

func (c *company) night(t testing.TB, night int, change func(*audit.Facts)) {
	t.Helper()
	f := audittest.Facts(night, c.previous)
	f.Run.EndedAt = f.Run.StartedAt.Add(time.Hour)
	f.Run.RegistryHeads = fmt.Sprintf("hr:%d:%064x;newsletter:7:%064x", 10+night, 10+night, 7)
	head := c.answers.Head()
	f.Run.Answers, f.Run.AnswersHead = head.Length, head.Hash
	if change != nil {
		change(&f)
	}
	c.previous = publishFacts(t, c.root, night, f, 40, c.signer).ManifestSHA256
}

// say records an answer before a night.
func (c *company) say(t testing.TB, night int, act answers.Act, by *keystore.Signer, name string) {
	t.Helper()
	at := audittest.Facts(night, "").Run.StartedAt.Add(-time.Hour)
	s, err := c.answers.Next(answers.Answer{Act: act, About: "plan:p", Digest: "d1", Rows: 3, Actor: name}, by, at)
	require.NoError(t, err)
	folder := filepath.Join(c.root, answers.Folder)
	require.NoError(t, os.MkdirAll(folder, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(folder, answers.FileName(s.Answer.Seq)), s.Bytes(), 0o600))
	copied, err := answers.ReadFolder(c.root)
	require.NoError(t, err)
	c.answers, _, err = answers.Merge(copied)
	require.NoError(t, err)
}

func newCompany(t testing.TB, nights int) *company {
	t.Helper()
	signer, _ := newSigner(t)
	dora, _ := newSigner(t)
	anna, _ := newSigner(t)
	c := &company{root: t.TempDir(), signer: signer, dora: dora, kept: filepath.Join(t.TempDir(), "kept")}
	for night := 1; night <= nights; night++ {
		switch night {
		case 1:
			c.say(t, night, answers.Approve, anna, "anna")
		case 2:
			c.say(t, night, answers.Object, dora, "dora")
		}
		c.night(t, night, nil)
		signed, _, err := tilelog.Newest(c.root, signer.PublicKey())
		require.NoError(t, err)
		switch night {
		case 3:
			cosigned, err := tilelog.Cosign(signed, signer.PublicKey(), "dora", dora, time.Unix(1_795_000_000, 0))
			require.NoError(t, err)
			list, err := tilelog.Cosignatures(cosigned, signer.PublicKey(), []keystore.PublicKey{dora.PublicKey()})
			require.NoError(t, err)
			_, err = tilelog.AddCosignature(c.root, cosigned, list[0])
			require.NoError(t, err)
		case 4:
			require.NoError(t, os.WriteFile(c.kept, signed, 0o600))
		}
	}
	return c
}

// verify checks a folder as the data protection officer does, with the checkpoint that they keep, or without.
func (c *company) verify(t testing.TB, folder string, kept bool) (VerifyReport, error) {
	t.Helper()
	against := Against{Witnesses: []keystore.PublicKey{c.dora.PublicKey()}}
	if kept {
		since, err := ReadCheckpoint(c.kept, os.ReadFile, c.signer.PublicKey())
		require.NoError(t, err)
		against.Since, against.Cosigned = &since, against.Witnesses
	}
	return VerifyAgainst(t.Context(), folder, c.signer.PublicKey(), against)
}

// without removes a night whole: what it published, and, where the log is asked for too, its entries by those before.
func (c *company) without(t testing.TB, root string, night int) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(root, "*", "date=*", "run="+runID(night)))
	require.NoError(t, err)
	require.NotEmpty(t, found)
	for _, folder := range found {
		require.NoError(t, os.RemoveAll(folder))
	}
}

// cutBack makes a folder what it was after a night: the newest are gone, also in the log, and the page on top is the
// one of then.
func (c *company) cutBack(t testing.TB, root string, night int) {
	t.Helper()
	for gone := night + 1; gone <= 5; gone++ {
		c.without(t, root, gone)
	}
	entries, err := tilelog.Entries(root, 5)
	require.NoError(t, err)
	for _, name := range []string{"tile", "checkpoint", "checkpoints"} {
		require.NoError(t, os.RemoveAll(filepath.Join(root, "log", name)))
	}
	_, err = tilelog.Write(root, entries[:night], c.signer, func(string) {})
	require.NoError(t, err)
	for _, name := range page.Names() {
		page, err := os.ReadFile(filepath.Join(root, "manifests", fmt.Sprintf("date=2026-11-%d", 20+night),
			"run="+runID(night), name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(root, name), page, 0o600))
	}
}

// TestEachTamperingOfACopyIsNamed tampers with a copy of a folder, in the ways of who has the folder, and of who has
// the runner's key too: each is named with its place and the next step. What only shows against what somebody kept is
// said so.
func TestEachTamperingOfACopyIsNamed(t *testing.T) {
	c := newCompany(t, 5)
	report, err := c.verify(t, c.root, true)
	require.NoError(t, err, report.Lines())
	require.Contains(t, strings.Join(report.Lines(), "\n"), "cosigned by dora")
	require.Contains(t, strings.Join(report.Lines(), "\n"), "over 3 of 5 entries")

	other := newCompany(t, 2)    // of other people
	lastYear := newCompany(t, 1) // whose key is another one, as if it had been made anew
	eve, _ := newSigner(t)
	third := filepath.Join("date=2026-11-23", "run="+runID(3))
	remove := func(t *testing.T, parts ...string) { require.NoError(t, os.RemoveAll(filepath.Join(parts...))) }
	copyIn := func(t *testing.T, from, to string) {
		require.NoError(t, os.RemoveAll(to))
		require.NoError(t, os.MkdirAll(filepath.Dir(to), 0o700))
		require.NoError(t, os.CopyFS(to, os.DirFS(from)))
	}
	edit := func(t *testing.T, path string) {
		body, err := os.ReadFile(path)
		require.NoError(t, err)
		body[len(body)/2] ^= 1
		require.NoError(t, os.WriteFile(path, body, 0o600))
	}
	forge := func(t *testing.T, root string, night int, change func(*audit.Facts)) { // with the runner's key
		forged := *c
		forged.root = t.TempDir()
		forged.previous, forged.answers = "", answers.Chain{}
		anna, _ := newSigner(t)
		for n := 1; n <= night; n++ {
			if n == 1 {
				forged.say(t, n, answers.Approve, anna, "anna")
			}
			forged.night(t, n, func(f *audit.Facts) {
				if n == night {
					change(f)
				}
			})
		}
		for _, kind := range []string{"manifests", "table=runs", "table=summary", "table=plan"} {
			from := filepath.Join(forged.root, kind, fmt.Sprintf("date=2026-11-%d", 20+night), "run="+runID(night))
			copyIn(t, from, filepath.Join(root, kind, fmt.Sprintf("date=2026-11-%d", 20+night), "run="+runID(night)))
		}
	}

	for name, tc := range map[string]struct {
		tamper func(t *testing.T, root string)
		kept   bool // shows only against what was kept
		want   []string
	}{
		"a cell is edited": {func(t *testing.T, root string) {
			found, err := filepath.Glob(filepath.Join(root, "table=decisions", third, "silo=*.parquet"))
			require.NoError(t, err)
			edit(t, found[0])
		}, false, []string{"table=decisions/" + third + "/silo=", ".parquet was changed"}},
		"a file is missing": {func(t *testing.T, root string) {
			remove(t, root, "table=actions", third, "silo=newsletter.parquet")
		}, false, []string{"table=actions/" + third + "/silo=newsletter.parquet is missing", "copy the folder"}},
		"a night is missing": {func(t *testing.T, root string) { c.without(t, root, 2) }, false,
			[]string{"the night of 2026-11-22 is missing: run " + runID(2) + ", entry 1 of the log"}},
		"the newest night is missing, the log is not": {func(t *testing.T, root string) { c.without(t, root, 5) }, false,
			[]string{"the night of 2026-11-25 is missing"}},
		"the newest nights are missing with their log, the list of nights stands": {func(t *testing.T, root string) {
			c.cutBack(t, root, 3)
		}, false, []string{"the list of nights has run " + runID(5) + ", which is not here"}},
		"the list of nights is edited": {func(t *testing.T, root string) {
			body, err := os.ReadFile(filepath.Join(root, "index.html"))
			require.NoError(t, err)
			body = []byte(strings.Replace(string(body), "Amber", "Green", 1))
			require.NoError(t, os.WriteFile(filepath.Join(root, "index.html"), body, 0o600))
		}, false, []string{"index.html, a list of nights, is not what was signed"}},
		"a cosignature is taken away": {func(t *testing.T, root string) {
			remove(t, root, "log", "cosignatures")
		}, true, []string{"log/cosignatures holds no cosignature of " + c.dora.PublicKey().String()}},
		"the page of the newest nights is taken from the list": {func(t *testing.T, root string) {
			require.NoError(t, os.MkdirAll(filepath.Join(root, "index"), 0o700))
			require.NoError(t, os.Rename(filepath.Join(root, "index.html"), filepath.Join(root, "index", "2026-11.html")))
		}, false, []string{"index.html, the list of the newest nights, is missing"}},
		"the newest nights are missing with their log": {func(t *testing.T, root string) {
			c.cutBack(t, root, 3)
			remove(t, root, "index.html")
		}, true,
			[]string{"nights are missing at the end: the log ends with night 3, and the checkpoint that you keep was signed over 4"}},
		"more than was cosigned is missing": {func(t *testing.T, root string) { c.cutBack(t, root, 2) }, false,
			[]string{"nights are missing at the end", "log/cosignatures/000003-"}},
		"a night is replaced with the runner's key": {func(t *testing.T, root string) {
			forge(t, root, 3, func(f *audit.Facts) { f.Summary[0].Rows = 1 })
		}, false, []string{"its manifest is not the one of the log (entry 2:", "replaced or edited"}},
		"a night is put in with the runner's key": {func(t *testing.T, root string) {
			forge(t, root, 6, func(f *audit.Facts) {})
		}, false, []string{"it is in no entry of the log"}},
		"the registry is cut": {func(t *testing.T, root string) {
			cut := *c
			cut.root = root
			cut.night(t, 6, func(f *audit.Facts) { f.Run.RegistryHeads = fmt.Sprintf("hr:9:%064x;newsletter:7:%064x", 9, 7) })
		}, false, []string{"the registry was cut or replaced since the night of 2026-11-25: silo hr has 9 events, and had 15"}},
		"the registry is replaced": {func(t *testing.T, root string) {
			cut := *c
			cut.root = root
			cut.night(t, 6, func(f *audit.Facts) { f.Run.RegistryHeads = fmt.Sprintf("hr:20:%064x;newsletter:7:%064x", 20, 8) })
		}, false, []string{"event 7 of silo newsletter is another one"}},
		"a silo of the registry is gone": {func(t *testing.T, root string) {
			cut := *c
			cut.root = root
			cut.night(t, 6, func(f *audit.Facts) { f.Run.RegistryHeads = fmt.Sprintf("hr:20:%064x", 20) })
		}, false, []string{"silo newsletter, of which there were 7 events, is not in it"}},
		"an answer is missing": {func(t *testing.T, root string) { remove(t, root, "answers", answers.FileName(1)) }, false,
			[]string{"answer 1 is missing"}},
		"the newest answer is missing": {func(t *testing.T, root string) { remove(t, root, "answers", answers.FileName(2)) },
			false, []string{"its answers: ", "1 answers are there of 2 that were seen"}},
		"a foreign answer stands for one": {func(t *testing.T, root string) {
			body, err := os.ReadFile(filepath.Join(other.root, "answers", answers.FileName(2)))
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(root, "answers", answers.FileName(2)), body, 0o600))
		}, false, []string{"answer 2 does not follow the one before it"}},
		"a foreign answer is added": {func(t *testing.T, root string) {
			body, err := os.ReadFile(filepath.Join(other.root, "answers", answers.FileName(2)))
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(root, "answers", answers.FileName(3)), body, 0o600))
		}, false, []string{"answer 3 does not follow the one before it"}},
		"the history is another one, signed with the runner's key": {func(t *testing.T, root string) {
			again := &company{root: t.TempDir(), signer: c.signer, dora: c.dora}
			for night := 1; night <= 5; night++ {
				again.night(t, night, func(f *audit.Facts) { f.Summary[0].Rows = 1 })
			}
			copyIn(t, again.root, root)
		}, true, []string{"forked history: the checkpoint that you keep says otherwise what the first 4 nights are"}},
		"the history is another one, the cosignature stands": {func(t *testing.T, root string) {
			again := &company{root: t.TempDir(), signer: c.signer, dora: c.dora}
			for night := 1; night <= 5; night++ {
				again.night(t, night, func(f *audit.Facts) { f.Summary[0].Rows = 1 })
			}
			cosigned := filepath.Join(t.TempDir(), "cosignatures")
			copyIn(t, filepath.Join(root, "log", "cosignatures"), cosigned)
			copyIn(t, again.root, root)
			copyIn(t, cosigned, filepath.Join(root, "log", "cosignatures"))
		}, false, []string{"forked history: log/cosignatures/000003-"}},
		"the log is missing": {func(t *testing.T, root string) { remove(t, root, "log") }, false,
			[]string{"the folder log is missing, and the manifests say that there was one"}},
		"an entry of the log is edited": {func(t *testing.T, root string) {
			path := filepath.Join(root, "log", "tile", "entries", "000.p", "5")
			body, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(body), "2026-11-22", "2026-11-29", 1)), 0o600))
		}, false, []string{"the entries of the log are not those that its checkpoint of 5 nights was signed for"}},
		"the checkpoint is of another log": {func(t *testing.T, root string) {
			copyIn(t, filepath.Join(other.root, "log"), filepath.Join(root, "log"))
		}, false, []string{"log/checkpoint: it is of another log"}},
		"the cosignature is somebody else's": {func(t *testing.T, root string) {
			names, err := filepath.Glob(filepath.Join(root, "log", "cosignatures", "*"))
			require.NoError(t, err)
			require.Len(t, names, 1)
			signed, _, err := tilelog.Newest(root, c.signer.PublicKey())
			require.NoError(t, err)
			forged, err := tilelog.Cosign(signed, c.signer.PublicKey(), "dora", eve, time.Now())
			require.NoError(t, err)
			body, err := os.ReadFile(names[0])
			require.NoError(t, err)
			// eve's signature under dora's name and the id of her key
			own := strings.Fields(string(body[strings.LastIndex(string(body), "—"):]))[2]
			foreign := strings.Fields(string(forged[strings.LastIndex(string(forged), "—"):]))[2]
			require.NoError(t, os.WriteFile(names[0], []byte(strings.Replace(string(body), own, own[:6]+foreign[6:], 1)), 0o600))
		}, false, []string{"log/cosignatures/000003-", "the cosignature of \"dora\" does not verify"}},
		"a file of last year is put in": {func(t *testing.T, root string) {
			copyIn(t, filepath.Join(c.root, "table=summary", third), filepath.Join(root, "table=summary", "date=2025-11-23",
				"run="+runID(3)))
		}, false, []string{"table=summary/date=2025-11-23/run=" + runID(3) + "/silo=hr.parquet is named by no signed manifest"}},
		"a file of last year stands for one of this": {func(t *testing.T, root string) {
			copyIn(t, filepath.Join(root, "table=summary", "date=2026-11-21", "run="+runID(1)), filepath.Join(root, "table=summary",
				third))
		}, false, []string{"table=summary/" + third + "/silo=hr.parquet was changed"}},
		"a night of another company is put in": {func(t *testing.T, root string) {
			for _, kind := range []string{"manifests", "table=runs", "table=summary"} {
				copyIn(t, filepath.Join(lastYear.root, kind, "date=2026-11-21", "run="+runID(1)), filepath.Join(root, kind,
					"date=2025-11-21", "run=0193a000-0000-7000-8000-000000000999"))
			}
		}, false, []string{"runner.pub does not hold the given public key: it is the night of another company"}},
		"a folder of two companies": {func(t *testing.T, root string) {
			require.NoError(t, os.RemoveAll(filepath.Join(root, "log")))
			require.NoError(t, os.RemoveAll(filepath.Join(root, "answers")))
			copyIn(t, root, root+".ours")
			copyIn(t, other.root, root)
			for _, kind := range []string{"manifests", "table=runs"} {
				copyIn(t, filepath.Join(root+".ours", kind, third), filepath.Join(root, kind, third))
			}
		}, false, []string{"log/checkpoint: it is of another log", "it is the night of another company"}},
		"copied in part: only the manifests and the log": {func(t *testing.T, root string) {
			found, err := filepath.Glob(filepath.Join(root, "table=*"))
			require.NoError(t, err)
			for _, folder := range found {
				require.NoError(t, os.RemoveAll(folder))
			}
		}, false, []string{"is missing, and", "copy the folder of reports again, whole"}},
		"copied in part: one night of five": {func(t *testing.T, root string) {
			for _, night := range []int{1, 2, 4, 5} {
				c.without(t, root, night)
			}
		}, false, []string{"the night of 2026-11-21 is missing", "the night of 2026-11-25 is missing"}},
		"a folder inside it": {func(t *testing.T, root string) {
			copyIn(t, filepath.Join(c.root, "manifests"), filepath.Join(root, "manifests.old"))
		}, false, []string{"is named by no signed manifest"}},
		"an empty folder": {func(t *testing.T, root string) {
			entries, err := os.ReadDir(root)
			require.NoError(t, err)
			for _, e := range entries {
				require.NoError(t, os.RemoveAll(filepath.Join(root, e.Name())))
			}
		}, false, []string{"the folder holds no manifest: give the reports folder itself"}},
	} {
		t.Run(name, func(t *testing.T) {
			root := filepath.Join(t.TempDir(), "a folder of another name")
			require.NoError(t, os.CopyFS(root, os.DirFS(c.root)))
			tc.tamper(t, root)
			report, err := c.verify(t, root, false)
			if tc.kept {
				require.NoError(t, err, "without a checkpoint nobody can see it: %s", strings.Join(report.Lines(), "\n"))
			} else {
				require.ErrorIs(t, err, ErrEdited)
			}
			report, err = c.verify(t, root, true)
			require.ErrorIs(t, err, ErrEdited)
			lines := strings.Join(report.Lines(), "\n")
			for _, want := range tc.want {
				require.Contains(t, lines, want)
			}
			require.Less(t, len(report.Lines()), 60, lines)
		})
	}
}

// TestACheckpointOfAnotherLogIsRefused gives what is no checkpoint of this log.
func TestACheckpointOfAnotherLogIsRefused(t *testing.T) {
	ours, theirs := newCompany(t, 4), newCompany(t, 4)
	_, err := ReadCheckpoint(theirs.kept, os.ReadFile, ours.signer.PublicKey())
	require.ErrorIs(t, err, ErrEdited)
	require.ErrorContains(t, err, "it is of another log")
	_, err = ReadCheckpoint(filepath.Join(ours.root, "none"), os.ReadFile, ours.signer.PublicKey())
	require.ErrorContains(t, err, "there is no such file")
	c, err := ReadCheckpoint(ours.kept, os.ReadFile, ours.signer.PublicKey())
	require.NoError(t, err)
	short, err := ReadCheckpoint(c.String(), os.ReadFile, ours.signer.PublicKey())
	require.NoError(t, err)
	require.Equal(t, c, short)
	require.NoError(t, os.WriteFile(ours.kept, []byte("checkpoint  "+c.String()+"\n"), 0o600))
	written, err := ReadCheckpoint(ours.kept, os.ReadFile, ours.signer.PublicKey())
	require.NoError(t, err)
	require.Equal(t, c, written)
}
