package evidence

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/audittest"
	"lethe/pipeline/audit/publish"
	"lethe/pipeline/audit/spool"
	"lethe/pipeline/audit/tilelog"
	"lethe/pipeline/registry/keystore"
)

func newSigner(t testing.TB) (*keystore.Signer, keystore.PublicKey) {
	t.Helper()
	s := audittest.Signer(t)
	pub, err := keystore.ParsePublic(s.Public())
	require.NoError(t, err)
	return s, pub
}

func batches[T any](size int, rows []T) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		for chunk := range slices.Chunk(rows, size) {
			if !yield(chunk, nil) {
				return
			}
		}
	}
}

// publishNight publishes one small night, adds it to the log, and returns its manifest's digest.
func publishNight(t testing.TB, root string, run int, previous string, s *keystore.Signer) publish.Published {
	t.Helper()
	return publishFacts(t, root, run, audittest.Facts(run, previous), 1200, s)
}

func publishFacts(t testing.TB, root string, run int, facts audit.Facts, rows int, s *keystore.Signer) publish.Published {
	t.Helper()
	_, newest, err := tilelog.Newest(root, s.PublicKey())
	require.NoError(t, err)
	entries, err := tilelog.Entries(root, newest.Size)
	require.NoError(t, err)
	if i := slices.IndexFunc(entries, func(e tilelog.Entry) bool { return e.Run == facts.Run.RunID }); i >= 0 {
		entries = entries[:i]
	}
	before, err := tilelog.New(entries)
	require.NoError(t, err)
	hash, err := before.Root(before.Size())
	require.NoError(t, err)
	facts.Log = []audit.LogLine{{Size: before.Size(), Root: hex.EncodeToString(hash[:]), Signer: audit.LogSigner}}
	date := fmt.Sprintf("2026-11-%02d", 20+run)
	p, err := publish.Publish(t.Context(), publish.Publication{Facts: facts, Decisions: batches(7, audittest.Decisions(rows)),
		Actions: batches(5, audittest.Actions(30)), Root: root, Date: date, Signer: s, Gate: &audittest.Gate{}})
	require.NoError(t, err)
	if newest.Size == before.Size() {
		e := tilelog.Entry{Kind: tilelog.Night, Run: facts.Run.RunID, Date: date, Manifest: p.ManifestSHA256,
			Receipts: p.Receipts}
		_, err = tilelog.Write(root, append(entries, e), s, func(string) {})
		require.NoError(t, err)
	}
	return p
}

func tree(t testing.TB, root string) map[string]string {
	t.Helper()
	files := map[string]string{}
	require.NoError(t, filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(p)
		rel, _ := filepath.Rel(root, p)
		files[filepath.ToSlash(rel)] = string(body)
		return err
	}))
	return files
}

func TestSameFactsGiveTheSameBytes(t *testing.T) {
	s, _ := newSigner(t)
	facts := audittest.Facts(1, "")
	body, err := json.Marshal(facts)
	require.NoError(t, err)
	read, err := audit.DecodeFacts(body) // as the journal gives them back: other zones, no monotonic clock
	require.NoError(t, err)
	read.Run.StartedAt = read.Run.StartedAt.In(time.FixedZone("far", -9*3600))
	decisions := audittest.Decisions(2500)
	var trees []map[string]string
	for i, f := range []audit.Facts{facts, read, read} {
		root := t.TempDir()
		p := publish.Publication{Facts: f, Decisions: batches(1+i*700, decisions),
			Actions: batches(3+i, audittest.Actions(40)), Root: root, Date: "2026-11-21", Signer: s,
			Gate: &audittest.Gate{}}
		first, err := publish.Publish(t.Context(), p)
		require.NoError(t, err)
		another := slices.Clone(decisions) // they come in the order of a table, or of its backup
		rand.New(rand.NewPCG(1, uint64(i))).Shuffle(len(another), func(i, j int) {
			another[i], another[j] = another[j], another[i]
		})
		p.Decisions = batches(11, another)
		again, err := publish.Publish(t.Context(), p)
		require.NoError(t, err, "the same once more is harmless")
		require.Equal(t, first, again)
		trees = append(trees, tree(t, root))
	}
	require.Equal(t, trees[0], trees[1])
	require.Equal(t, trees[1], trees[2])
	night := "manifests/date=2026-11-21/run=" + facts.Run.RunID + "/"
	require.Equal(t, trees[0][night+"report.html"], trees[0]["report.html"])
	require.Contains(t, trees[0][night+"manifest.json"],
		`{"approvals":[{"about":"","actor":"anna","comment":"","decision":"approve","digest":"d1","key":"","key_id":"",`+
			`"plan_id":"plan-1"`)
	require.Contains(t, trees[0][night+"manifest.json"], `"as_of":"2026-11-21T01:00:00.123456Z"`)
	require.Contains(t, trees[0][night+"manifest.json"],
		`"plans":[{"digest":"d1","plan_id":"plan-1","state":"applied"}]`)
	require.Contains(t, trees[0][night+"manifest.json"], `"registry_heads":["hr:12:abcd","newsletter:7:ef01"]`)
}

func TestANightThatStandsIsNotReplaced(t *testing.T) {
	root := t.TempDir()
	s, pub := newSigner(t)
	publishNight(t, root, 1, "", s)
	before := tree(t, root)
	_, err := publish.Publish(t.Context(), publish.Publication{Facts: audittest.Facts(1, ""), Root: root, Date: "2026-11-21",
		Signer: s, Gate: &audittest.Gate{}})
	require.ErrorContains(t, err, "stands published already")
	require.Equal(t, before, tree(t, root))
	_, err = Verify(t.Context(), root, pub)
	require.NoError(t, err)
}

func TestALateNightDoesNotTakeTheTop(t *testing.T) {
	root := t.TempDir()
	s, pub := newSigner(t)
	second := publishNight(t, root, 2, "", s)
	publishNight(t, root, 1, "", s)
	top, err := os.ReadFile(filepath.Join(root, "report.html"))
	require.NoError(t, err)
	page, err := os.ReadFile(second.ReportPath)
	require.NoError(t, err)
	require.Equal(t, string(page), string(top))
	report, err := Verify(t.Context(), root, pub)
	require.NoError(t, err)
	require.Contains(t, strings.Join(report.Lines(), "\n"), "one of them was published late")
}

func TestWhatTheGateObjectsToIsSetApart(t *testing.T) {
	for name, planted := range map[string]func(*publish.Publication){
		"decision": func(p *publish.Publication) {
			rows := audittest.Decisions(3)
			rows[2].Notes = "Maria Rossi"
			p.Decisions = batches(2, rows)
		},
		"action": func(p *publish.Publication) {
			rows := audittest.Actions(9)
			rows[8].ErrorCode = "for Maria Rossi"
			p.Actions = batches(2, rows)
		},
		"page": func(p *publish.Publication) { p.Facts.Findings[0].Words = "Maria Rossi is <b>everywhere</b>" },
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			s, pub := newSigner(t)
			publishNight(t, root, 1, "", s)
			before := tree(t, root)
			p := publish.Publication{Facts: audittest.Facts(2, ""), Root: root, Date: "2026-11-22", Signer: s,
				Gate: &audittest.Gate{Object: "Maria Rossi"}}
			planted(&p)
			_, err := publish.Publish(t.Context(), p)
			require.ErrorIs(t, err, publish.ErrGate)
			require.NotContains(t, err.Error(), "Maria")
			after := tree(t, root)
			apart := 0
			for name := range after {
				if strings.HasPrefix(name, ".quarantine-"+p.Facts.Run.RunID+"/") {
					apart++
					delete(after, name)
				}
			}
			require.Greater(t, apart, 5)
			require.Equal(t, before, after, "nothing else was touched")
			report, err := Verify(t.Context(), root, pub)
			require.NoError(t, err)
			require.Len(t, report.Notes, 1)

			p.Gate = &audittest.Gate{} // the rule was corrected
			_, err = publish.Publish(t.Context(), p)
			require.NoError(t, err)
		})
	}
}

func TestTheGateSeesEveryStringThatIsPublished(t *testing.T) {
	s, _ := newSigner(t)
	g := &audittest.Gate{}
	facts := audittest.Facts(1, "")
	_, err := publish.Publish(t.Context(), publish.Publication{Facts: facts, Decisions: batches(100, audittest.Decisions(300)),
		Actions: batches(7, audittest.Actions(12)), Root: t.TempDir(), Date: "2026-11-21", Signer: s, Gate: g})
	require.NoError(t, err)
	for place, value := range map[string]string{"runs.controller": "Example S.p.A.",
		"summary.words": "The person withdrew consent.", "plan.plan_id": "plan-1", "approvals.actor": "anna",
		"findings.object":  "old_contacts",
		"decisions.reason": "D_RETENTION_ELAPSED", "decisions.grounds": "contract",
		"actions.methods": "sql_delete", "page.text": "A table with personal data has no rule."} {
		require.True(t, g.Shown[place][value], place)
	}
}

func TestAFailedPublicationLeavesNothing(t *testing.T) {
	broken := errors.New("the spool is cut off")
	s, _ := newSigner(t)
	for name, c := range map[string]struct {
		change func(*publish.Publication)
		want   string
	}{
		"decisions": {func(p *publish.Publication) {
			p.Decisions = func(yield func([]audit.Decision, error) bool) {
				_ = yield(audittest.Decisions(10), nil) && yield(nil, broken)
			}
		}, broken.Error()},
		"actions": {func(p *publish.Publication) {
			p.Actions = func(yield func([]audit.Action, error) bool) { yield(nil, broken) }
		}, broken.Error()},
		"run id": {func(p *publish.Publication) { p.Facts.Run.RunID = "../x" }, "is no run id"},
		"date":   {func(p *publish.Publication) { p.Date = "21.11.2026" }, "is no date"},
		"gate":   {func(p *publish.Publication) { p.Gate = nil }, "a gate"},
		"signer": {func(p *publish.Publication) { p.Signer = nil }, "a signer"},
	} {
		t.Run(name, func(t *testing.T) {
			p := publish.Publication{Facts: audittest.Facts(1, ""), Root: t.TempDir(), Date: "2026-11-21", Signer: s,
				Gate: &audittest.Gate{}}
			c.change(&p)
			_, err := publish.Publish(t.Context(), p)
			require.ErrorContains(t, err, c.want)
			require.Empty(t, tree(t, p.Root))
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	root := t.TempDir()
	_, err := publish.Publish(ctx, publish.Publication{Facts: audittest.Facts(1, ""), Root: root, Date: "2026-11-21", Signer: s,
		Gate: &audittest.Gate{}})
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, tree(t, root))
}

func BenchmarkPublishDecisions(b *testing.B) {
	const n = 1_000_000
	rows := audittest.Decisions(n)
	s, _ := newSigner(b)
	for b.Loop() {
		_, err := publish.Publish(b.Context(), publish.Publication{Facts: audittest.Facts(1, ""),
			Decisions: batches(spool.Rows, rows), Root: b.TempDir(), Date: "2026-11-21", Signer: s,
			Gate: &audittest.Gate{}})
		require.NoError(b, err)
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
