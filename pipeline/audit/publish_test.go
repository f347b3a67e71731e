package audit

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
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

func TestPublishedNightsVerify(t *testing.T) {
	root, s, pub := t.TempDir(), (*keystore.Signer)(nil), keystore.PublicKey{}
	s, pub = newSigner(t)
	first := publishNight(t, root, 1, "", s)
	second := publishNight(t, root, 2, first.ManifestSHA256, s)
	report, err := Verify(context.Background(), root, pub)
	require.NoError(t, err, strings.Join(report.Lines(), "\n"))
	require.True(t, report.OK())
	require.Len(t, report.Nights, 2)
	require.Equal(t, second.ManifestSHA256, report.Nights[1].Manifest)
	require.Equal(t, int64(1200), report.Nights[0].Tables["decisions"])
	require.Equal(t, int64(0), report.Nights[0].Tables["backups"])
	require.False(t, errors.Is(err, ErrEdited))
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
