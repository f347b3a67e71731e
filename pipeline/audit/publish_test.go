package audit

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xitongsys/parquet-go-source/local"
	"github.com/xitongsys/parquet-go/reader"
	"pgregory.net/rapid"

	"lethe/pipeline/registry/keystore"
)

// gate keeps what it was shown and objects to one string.
type gate struct {
	mu     sync.Mutex
	shown  map[string]map[string]bool
	object string
}

func (g *gate) Check(table, column string, values []string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	place := table + "." + column
	if g.shown == nil {
		g.shown = map[string]map[string]bool{}
	}
	if g.shown[place] == nil {
		g.shown[place] = map[string]bool{}
	}
	for _, v := range values {
		g.shown[place][v] = true
		if g.object != "" && strings.Contains(v, g.object) {
			return fmt.Errorf("table %s column %s looks like a name", table, column)
		}
	}
	return nil
}

func newSigner(t testing.TB) (*keystore.Signer, keystore.PublicKey) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	_, err := keystore.NewPerson(path)
	require.NoError(t, err)
	s, err := keystore.LoadPerson(path)
	require.NoError(t, err)
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

func ref(n int) Ref {
	return sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n)))
}

func someDecisions(n int) []Decision {
	reasons := []string{"D_CONSENT_WITHDRAWN", "K_CONTRACT", "D_RETENTION_ELAPSED", "X_NO_MATCH"}
	silos := []string{"newsletter", "customers", "hr", ""}
	rows := make([]Decision, n)
	for i := range rows {
		r := i / 100 % len(reasons)
		rows[i] = Decision{Silo: silos[i/1000%len(silos)], System: "crm", Source: "crm", Object: "contacts", Record: ref(i), Action: "delete", Use: "blocked", Reason: reasons[r],
			Article: "Art. 17(1)", Row: "D3", Rule: "rule-1", Grounds: "consent;contract", Cleared: "phone;email", Until: "2026-11-20", Due: fmt.Sprintf("2026-%02d-%02d", i%12+1, i%28+1),
			FlaggedAt: time.Date(2026, 1, 1+i%300, 2, 3, 4, i%1e9, time.UTC), SeqFrom: int64(i), SeqTo: int64(i + 1), Change: "delete"}
	}
	return rows
}

func someActions(n int) []Action {
	rows := make([]Action, n)
	for i := range rows {
		rows[i] = Action{PlanID: "plan-1", Digest: "d1", Batch: int64(i / 100), Silo: "newsletter", System: "crm", Source: "crm", Object: "contacts", Record: ref(i), Root: ref(i), Change: "delete",
			Method: "sql_delete", Reason: "D_CONSENT_WITHDRAWN", Status: "done", At: time.Date(2026, 11, 21, 2, 0, i%60, 999_999_999, time.UTC), Absent: true}
	}
	return rows
}

func someFacts(run int, previous string) Facts {
	return Facts{Run: Run{RunID: fmt.Sprintf("0193a000-0000-7000-8000-%012d", run), Job: "nightly", Mode: "apply", Zone: "Europe/Rome", Controller: "Example S.p.A.", ToolVersion: "v0.1.0",
		AsOf: time.Date(2026, 11, 20+run, 2, 0, 0, 123_456_789, time.FixedZone("", 3600)), StartedAt: time.Date(2026, 11, 20+run, 1, 0, 0, 0, time.UTC), PreviousManifest: previous,
		RegistryHeads: "hr:12:abcd;newsletter:7:ef01", StopReason: "done", SourcesOK: 1, RowsScanned: 4},
		Summary: []Summary{{Silo: "newsletter", Source: "crm", Object: "contacts", Reason: "D_CONSENT_WITHDRAWN", Words: "The person withdrew consent.", Action: "delete", Change: "delete", Rows: 3},
			{Silo: "hr", Source: "crm", Object: "staff", Reason: "K_CONTRACT", Words: "A contract still needs these data.", Action: "keep", Rows: 5}},
		Plans:     []Plan{{PlanID: "plan-1", Part: "destructive", Digest: "d1", Silo: "newsletter", Rows: 3, PercentOfObject: 1.5, State: "applied", ValidUntil: time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)}},
		Approvals: []Approval{{PlanID: "plan-1", Digest: "d1", Actor: "anna", Role: "owner", Decision: "approve", SignedAt: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC), Signature: []byte{0, 255, 1}}},
		Findings:  []Finding{{FindingID: "f1", Kind: "F_UNMAPPED", Words: "A table with personal data has no rule.", Severity: "high", Source: "crm", Object: "old_contacts", Count: 10}},
	}
}

// publishNight publishes one small night and returns its manifest's digest.
func publishNight(t testing.TB, root string, run int, previous string, s *keystore.Signer) Published {
	t.Helper()
	p, err := Publish(t.Context(), Publication{Facts: someFacts(run, previous), Decisions: batches(7, someDecisions(1200)), Actions: batches(5, someActions(30)), Root: root,
		Date: fmt.Sprintf("2026-11-%02d", 20+run), Signer: s, Gate: &gate{}})
	require.NoError(t, err)
	return p
}

// readTable reads a Parquet file into rows of T with xitongsys, by column names.
func readTable[T any](t testing.TB, path string) []T {
	t.Helper()
	f, err := local.NewLocalFileReader(path)
	require.NoError(t, err)
	defer f.Close()
	r, err := reader.NewParquetColumnReader(f, 1)
	require.NoError(t, err)
	defer r.ReadStop()
	rows := make([]T, r.GetNumRows())
	typ := reflect.TypeFor[T]()
	require.Len(t, r.SchemaHandler.ValueColumns, typ.NumField())
	for c, col := range r.SchemaHandler.ValueColumns {
		require.Equal(t, snake(typ.Field(c).Name), r.SchemaHandler.Infos[r.SchemaHandler.MapIndex[col]].ExName)
		values, _, _, err := r.ReadColumnByIndex(int64(c), int64(len(rows)))
		require.NoError(t, err)
		if len(rows) > 0 {
			require.Len(t, values, len(rows), col)
		}
		for i := range rows {
			field := reflect.ValueOf(&rows[i]).Elem().Field(c)
			switch v := values[i].(type) {
			case nil:
				require.Equal(t, timeType, field.Type())
			case string:
				switch field.Kind() {
				case reflect.String:
					field.SetString(v)
				case reflect.Slice:
					field.SetBytes([]byte(v))
				default:
					reflect.Copy(field, reflect.ValueOf([]byte(v)))
				}
			case int64:
				if field.Type() == timeType {
					field.Set(reflect.ValueOf(time.UnixMicro(v).UTC()))
				} else {
					field.SetInt(v)
				}
			case int32:
				field.SetInt(int64(v))
			case float64:
				field.SetFloat(v)
			case bool:
				field.SetBool(v)
			default:
				t.Fatalf("column %s holds %T", col, v)
			}
		}
	}
	return rows
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

func TestTablesReadBackByAnotherReader(t *testing.T) {
	eachTable(t, map[string]func(*testing.T){"runs": tableRoundTrip[Run], "inventory": tableRoundTrip[Inventory], "findings": tableRoundTrip[Finding], "summary": tableRoundTrip[Summary],
		"plan": tableRoundTrip[Plan], "approvals": tableRoundTrip[Approval], "exceptions": tableRoundTrip[Exception], "backups": tableRoundTrip[Backup],
		"consent_sync": tableRoundTrip[ConsentSync], "requests": tableRoundTrip[Request], "holds": tableRoundTrip[Hold], "decisions": tableRoundTrip[Decision], "actions": tableRoundTrip[Action]})
}

func tableRoundTrip[T any](t *testing.T) {
	folder := t.TempDir()
	run := someFacts(1, "").Run
	for seed := range 12 {
		rows := rapid.SliceOfN(rapid.Custom(draw[T]), min(seed, 1), 8).Example(seed)
		if seed == 0 {
			rows = nil
		}
		s, err := newSheet[T]("some", filepath.Join(folder, fmt.Sprint(seed)), "2026-11-21", run, &gate{})
		require.NoError(t, err)
		defer s.release()
		require.NoError(t, s.add("hr", nil))
		for chunk := range slices.Chunk(rows, 1+seed%3) {
			require.NoError(t, s.add("hr", chunk))
		}
		files, hits, err := s.close(t.Context())
		require.NoError(t, errors.Join(err, hits))
		require.Len(t, files, 1)
		require.Equal(t, "table=some/date=2026-11-21/run="+run.RunID+"/silo=hr.parquet", files[0].Path)
		require.Equal(t, rounded(append([]T{}, rows...)), rounded(readTable[T](t, filepath.Join(folder, fmt.Sprint(seed), files[0].Path))))
	}
}

// TestManyRowsKeepTheirValues crosses what random rows do not reach: full chunks, several row groups in each of several silos, dictionaries that
// overflow, and strings of megabytes.
func TestManyRowsKeepTheirValues(t *testing.T) {
	rows := someDecisions(5*chunkRows + 17)
	for i := range rows {
		rows[i].Notes = fmt.Sprintf("note %d", i) // more than a dictionary holds
		rows[i].Silo = []string{"b", "a", "", "_", "../x y"}[i%5]
	}
	rows[777].Rule = strings.Repeat("long ", 1<<20)
	rows[20_001].Cleared = strings.Repeat("x", dictBytes+1)
	folder := t.TempDir()
	g := &gate{}
	s, err := newSheet[Decision]("decisions", folder, "2026-11-21", someFacts(1, "").Run, g)
	require.NoError(t, err)
	defer s.release()
	s.limit = 2 * chunkRows
	want := map[string][]Decision{}
	for _, silo := range []string{"b", "a", "", "_", "../x y"} { // in runs, so that full chunks of one silo come
		for i := range rows {
			if rows[i].Silo == silo {
				want[silo] = append(want[silo], rows[i])
			}
		}
	}
	require.NoError(t, s.addBySilo(rows, func(d *Decision) string { return d.Silo }))
	for range 2 {
		require.NoError(t, s.addBySilo(want["a"], func(d *Decision) string { return d.Silo }))
	}
	want["a"] = slices.Concat(want["a"], want["a"], want["a"])
	files, hits, err := s.close(t.Context())
	require.NoError(t, errors.Join(err, hits))
	var names []string
	for i, silo := range []string{"", "../x y", "_", "a", "b"} {
		names = append(names, filepath.Base(files[i].Path))
		require.Equal(t, int64(len(want[silo])), files[i].Rows)
		require.True(t, slices.Equal(rounded(want[silo]), readTable[Decision](t, filepath.Join(folder, files[i].Path))), "rows of silo %q", silo)
	}
	require.Equal(t, []string{"silo=_.parquet", "silo=%2E%2E%2Fx%20y.parquet", "silo=%5F.parquet", "silo=a.parquet", "silo=b.parquet"}, names)
	require.Len(t, g.shown["decisions.notes"], len(rows), "the gate sees every string")
	require.True(t, g.shown["decisions.rule"][rows[777].Rule])
	require.True(t, g.shown["decisions.cleared"][rows[20_001].Cleared])

	f, err := local.NewLocalFileReader(filepath.Join(folder, files[3].Path))
	require.NoError(t, err)
	defer f.Close()
	r, err := reader.NewParquetColumnReader(f, 1)
	require.NoError(t, err)
	require.Greater(t, len(r.Footer.RowGroups), 1)
	keys := map[string]string{}
	for _, kv := range r.Footer.KeyValueMetadata {
		keys[kv.Key] = *kv.Value
	}
	require.Equal(t, map[string]string{"audit.schema": "1", "audit.table": "decisions", "audit.run_id": someFacts(1, "").Run.RunID, "audit.as_of": "2026-11-21T01:00:00.123456789Z", "audit.tool_version": "v0.1.0"}, keys)
}

// TestReadingDamageIsAnError reads files with one byte or one end changed: never a panic, and where the reader finds nothing wrong, the count is right.
// (Verify compares digests first; this is the second line.)
func TestReadingDamageIsAnError(t *testing.T) {
	root := t.TempDir()
	s, _ := newSigner(t)
	publishNight(t, root, 1, "", s)
	path := filepath.Join(root, "table=decisions/date=2026-11-21/run="+someFacts(1, "").Run.RunID+"/silo=newsletter.parquet")
	body, err := os.ReadFile(path)
	require.NoError(t, err)
	whole, err := readBack(t.Context(), path, 1<<20)
	require.NoError(t, err)
	require.Equal(t, int64(1000), whole.rows)
	paged, err := readBack(t.Context(), path, 0)
	require.NoError(t, err)
	require.Equal(t, whole, paged)
	damaged := filepath.Join(root, "damaged.parquet")
	try := func(body []byte) bool {
		require.NoError(t, os.WriteFile(damaged, body, 0o600))
		found := false
		for _, decode := range []int64{0, 1 << 20} {
			_, err := readBack(t.Context(), damaged, decode)
			found = found || err != nil
		}
		return found
	}
	for _, cut := range []int{0, 3, 4, 11, 12, len(body) / 2, len(body) - 9, len(body) - 1} {
		require.True(t, try(body[:cut]), "cut at %d", cut)
	}
	found := 0
	for i := range 60 {
		at := len(body) * i / 60
		changed := slices.Clone(body)
		changed[at] ^= 0x10
		if try(changed) {
			found++
		}
	}
	require.Greater(t, found, 5)
}

func TestSameFactsGiveTheSameBytes(t *testing.T) {
	s, _ := newSigner(t)
	facts := someFacts(1, "")
	body, err := json.Marshal(facts)
	require.NoError(t, err)
	var read Facts // as the journal gives them back: other zones, no monotonic clock
	require.NoError(t, json.Unmarshal(body, &read))
	read.Run.StartedAt = read.Run.StartedAt.In(time.FixedZone("far", -9*3600))
	decisions := someDecisions(2500)
	var trees []map[string]string
	for i, f := range []Facts{facts, read, read} {
		root := t.TempDir()
		p := Publication{Facts: f, Decisions: batches(1+i*700, decisions), Actions: batches(3+i, someActions(40)), Root: root, Date: "2026-11-21", Signer: s, Gate: &gate{}}
		first, err := Publish(t.Context(), p)
		require.NoError(t, err)
		p.Decisions = batches(11, decisions)
		again, err := Publish(t.Context(), p)
		require.NoError(t, err, "the same once more is harmless")
		require.Equal(t, first, again)
		trees = append(trees, tree(t, root))
	}
	require.Equal(t, trees[0], trees[1])
	require.Equal(t, trees[1], trees[2])
	night := "manifests/date=2026-11-21/run=" + facts.Run.RunID + "/"
	require.Equal(t, trees[0][night+"report.html"], trees[0]["report.html"])
	require.Contains(t, trees[0][night+"manifest.json"], `{"approvals":[{"actor":"anna","comment":"","decision":"approve","digest":"d1","key_id":"","plan_id":"plan-1"`)
	require.Contains(t, trees[0][night+"manifest.json"], `"as_of":"2026-11-21T01:00:00.123456Z"`)
	require.Contains(t, trees[0][night+"manifest.json"], `"plans":[{"digest":"d1","plan_id":"plan-1","state":"applied"}]`)
	require.Contains(t, trees[0][night+"manifest.json"], `"registry_heads":["hr:12:abcd","newsletter:7:ef01"]`)
}

func TestANightThatStandsIsNotReplaced(t *testing.T) {
	root := t.TempDir()
	s, pub := newSigner(t)
	publishNight(t, root, 1, "", s)
	before := tree(t, root)
	_, err := Publish(t.Context(), Publication{Facts: someFacts(1, ""), Root: root, Date: "2026-11-21", Signer: s, Gate: &gate{}})
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
	for name, planted := range map[string]func(*Publication){
		"decision": func(p *Publication) {
			rows := someDecisions(3)
			rows[2].Notes = "Maria Rossi"
			p.Decisions = batches(2, rows)
		},
		"action": func(p *Publication) {
			rows := someActions(9)
			rows[8].ErrorCode = "for Maria Rossi"
			p.Actions = batches(2, rows)
		},
		"page": func(p *Publication) { p.Facts.Findings[0].Words = "Maria Rossi is <b>everywhere</b>" },
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			s, pub := newSigner(t)
			publishNight(t, root, 1, "", s)
			before := tree(t, root)
			p := Publication{Facts: someFacts(2, ""), Root: root, Date: "2026-11-22", Signer: s, Gate: &gate{object: "Maria Rossi"}}
			planted(&p)
			_, err := Publish(t.Context(), p)
			require.ErrorIs(t, err, ErrGate)
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

			p.Gate = &gate{} // the rule was corrected
			_, err = Publish(t.Context(), p)
			require.NoError(t, err)
		})
	}
}

func TestTheGateSeesEveryStringThatIsPublished(t *testing.T) {
	s, _ := newSigner(t)
	g := &gate{}
	facts := someFacts(1, "")
	_, err := Publish(t.Context(), Publication{Facts: facts, Decisions: batches(100, someDecisions(300)), Actions: batches(7, someActions(12)), Root: t.TempDir(), Date: "2026-11-21", Signer: s, Gate: g})
	require.NoError(t, err)
	for place, value := range map[string]string{"runs.controller": "Example S.p.A.", "summary.words": "The person withdrew consent.", "plan.plan_id": "plan-1", "approvals.actor": "anna", "findings.object": "old_contacts",
		"decisions.reason": "D_RETENTION_ELAPSED", "decisions.grounds": "consent;contract", "actions.method": "sql_delete", "page.text": "A table with personal data has no rule."} {
		require.True(t, g.shown[place][value], place)
	}
}

func TestAFailedPublicationLeavesNothing(t *testing.T) {
	broken := errors.New("the spool is cut off")
	s, _ := newSigner(t)
	for name, c := range map[string]struct {
		change func(*Publication)
		want   string
	}{
		"decisions": {func(p *Publication) {
			p.Decisions = func(yield func([]Decision, error) bool) { _ = yield(someDecisions(10), nil) && yield(nil, broken) }
		}, broken.Error()},
		"actions": {func(p *Publication) {
			p.Actions = func(yield func([]Action, error) bool) { yield(nil, broken) }
		}, broken.Error()},
		"run id": {func(p *Publication) { p.Facts.Run.RunID = "../x" }, "is no run id"},
		"date":   {func(p *Publication) { p.Date = "21.11.2026" }, "is no date"},
		"gate":   {func(p *Publication) { p.Gate = nil }, "a gate"},
		"signer": {func(p *Publication) { p.Signer = nil }, "a signer"},
	} {
		t.Run(name, func(t *testing.T) {
			p := Publication{Facts: someFacts(1, ""), Root: t.TempDir(), Date: "2026-11-21", Signer: s, Gate: &gate{}}
			c.change(&p)
			_, err := Publish(t.Context(), p)
			require.ErrorContains(t, err, c.want)
			require.Empty(t, tree(t, p.Root))
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	root := t.TempDir()
	_, err := Publish(ctx, Publication{Facts: someFacts(1, ""), Root: root, Date: "2026-11-21", Signer: s, Gate: &gate{}})
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, tree(t, root))
}

func BenchmarkPublishDecisions(b *testing.B) {
	const n = 1_000_000
	rows := someDecisions(n)
	s, _ := newSigner(b)
	for b.Loop() {
		_, err := Publish(b.Context(), Publication{Facts: someFacts(1, ""), Decisions: batches(SpoolRows, rows), Root: b.TempDir(), Date: "2026-11-21", Signer: s, Gate: &gate{}})
		require.NoError(b, err)
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
