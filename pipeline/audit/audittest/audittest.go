// Package audittest has what the tests of the audit packages share: a Gate that remembers, made-up Facts,
// Decisions and Actions, and rows drawn at random.
package audittest

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/pipeline/audit"
	"lethe/pipeline/registry/keystore"
)

// Keys opens a keystore of the test's own.
func Keys(t testing.TB) *keystore.Keystore {
	t.Helper()
	path, identity := filepath.Join(t.TempDir(), "keys"), filepath.Join(t.TempDir(), "id.age")
	require.NoError(t, keystore.Create(path, identity))
	keys, err := keystore.Open(t.Context(), path, identity)
	require.NoError(t, err)
	return keys
}

// Signer is somebody with a key of their own.
func Signer(t testing.TB) *keystore.Signer {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	_, err := keystore.NewPerson(path)
	require.NoError(t, err)
	s, err := keystore.LoadPerson(path)
	require.NoError(t, err)
	return s
}

// Spoiled is what a file holds, but for one bit, its end, or a line end too many.
func Spoiled(t *rapid.T, file string) []byte {
	body := []byte(file)
	at := rapid.IntRange(0, len(body)-1).Draw(t, "at")
	switch rapid.IntRange(0, 4).Draw(t, "kind") {
	case 0:
		body = body[:at]
	case 1:
		body = append(body, '\n')
	default:
		body[at] ^= byte(1 << rapid.IntRange(0, 7).Draw(t, "bit"))
	}
	return body
}

// Gate keeps what it was shown and objects to one string.
type Gate struct {
	mu     sync.Mutex
	Shown  map[string]map[string]bool
	Object string // what it objects to
}

// Check objects to what holds Object.
func (g *Gate) Check(table, column string, values []string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	place := table + "." + column
	if g.Shown == nil {
		g.Shown = map[string]map[string]bool{}
	}
	if g.Shown[place] == nil {
		g.Shown[place] = map[string]bool{}
	}
	for _, v := range values {
		g.Shown[place][v] = true
		if g.Object != "" && strings.Contains(v, g.Object) {
			return fmt.Errorf("table %s column %s looks like a name", table, column)
		}
	}
	return nil
}

func ref(n int) audit.Ref {
	return audit.RefOf(sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n))))
}

// Decisions are so many rows, of four silos.
func Decisions(n int) []audit.Decision { return DecisionsFrom(0, n) }

// DecisionsFrom are so many of those rows, from one on.
func DecisionsFrom(first, n int) []audit.Decision {
	reasons := []string{"D_CONSENT_WITHDRAWN", "K_CONTRACT", "D_RETENTION_ELAPSED", "X_NO_MATCH"}
	silos := []string{"newsletter", "customers", "hr", ""}
	rows := make([]audit.Decision, n)
	for at := range rows {
		i := first + at
		r := i / 100 % len(reasons)
		rows[at] = audit.Decision{Silo: silos[i/1000%len(silos)], System: "crm", Source: "crm", Object: "contacts",
			Record: ref(i), Action: "delete", Use: "blocked", Reason: reasons[r], Article: "Art. 17(1)", Row: "D3",
			Rule: "rule-1", Grounds: "consent;contract", Cleared: "phone;email", Until: "2026-11-20",
			Due:       fmt.Sprintf("2026-%02d-%02d", i%12+1, i%28+1),
			FlaggedAt: time.Date(2026, 1, 1+i%300, 2, 3, 4, i%1e9, time.UTC),
			Change:    "delete"}
	}
	return rows
}

// Actions are so many rows of one plan.
func Actions(n int) []audit.Action {
	rows := make([]audit.Action, n)
	for i := range rows {
		rows[i] = audit.Action{PlanID: "plan-1", Digest: "d1", Batch: int64(i / 100), Silo: "newsletter",
			System: "crm", Source: "crm", Object: "contacts", Record: ref(i), Root: ref(i), Change: "delete",
			Method: "sql_delete", Reason: "D_CONSENT_WITHDRAWN", Status: "done",
			At: time.Date(2026, 11, 21, 2, 0, i%60, 999_999_999, time.UTC), Absent: true}
	}
	return rows
}

// Facts are of a small night, the run of this number.
func Facts(run int, previous string) audit.Facts {
	return audit.Facts{
		Run: audit.Run{RunID: fmt.Sprintf("0193a000-0000-7000-8000-%012d", run), Job: "nightly", Mode: "apply",
			Zone: "Europe/Rome", Controller: "Example S.p.A.", ToolVersion: "v0.1.0",
			AsOf:      time.Date(2026, 11, 20+run, 2, 0, 0, 123_456_789, time.FixedZone("", 3600)),
			StartedAt: time.Date(2026, 11, 20+run, 1, 0, 0, 0, time.UTC), PreviousManifest: previous,
			RegistryHeads: "hr:12:abcd;newsletter:7:ef01", StopReason: "done", SourcesOK: 1, RowsScanned: 4},
		Summary: []audit.Summary{
			{Silo: "newsletter", Source: "crm", Object: "contacts", Reason: "D_CONSENT_WITHDRAWN",
				Words: "The person withdrew consent.", Action: "delete", Change: "delete", Rows: 3},
			{Silo: "hr", Source: "crm", Object: "staff", Reason: "K_CONTRACT",
				Words: "A contract still needs these data.", Action: "keep", Rows: 5},
		},
		Plans: []audit.Plan{
			{PlanID: "plan-1", Part: "destructive", Digest: "d1", Silo: "newsletter", Rows: 3, PercentOfObject: 1.5,
				State: "applied", ValidUntil: time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)},
		},
		Approvals: []audit.Approval{
			{PlanID: "plan-1", Digest: "d1", Actor: "anna", Role: "owner", Decision: "approve",
				SignedAt: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC), Signature: []byte{0, 255, 1}},
		},
		Findings: []audit.Finding{
			{FindingID: "f1", Kind: "F_UNMAPPED", Words: "A table with personal data has no rule.",
				Severity: "high", Source: "crm", Object: "old_contacts", Count: 10},
		},
	}
}

// Draw fills a row with random values: instants from before and after 1970 in other zones, with
// nanoseconds, strings long and strange.
func Draw[T any](t *rapid.T) T {
	var row T
	v := reflect.ValueOf(&row).Elem()
	for _, c := range audit.Columns(v.Type()) {
		f := v.Field(c.Field)
		switch {
		case c.Kind == audit.Day:
			if rapid.Bool().Draw(t, "known") {
				days := rapid.Int64Range(-719162, 2932896).Draw(t, "day") // of the years 1 to 9999
				f.SetString(time.Unix(days*24*60*60, 0).UTC().Format(time.DateOnly))
			}
		case c.Kind == audit.Long && f.Kind() == reflect.String:
			if rapid.Bool().Draw(t, "known") {
				f.SetString(strconv.FormatInt(rapid.Int64().Draw(t, "number"), 10))
			}
		case f.Type() == reflect.TypeFor[time.Time]():
			if rapid.Bool().Draw(t, "known") {
				at := time.Unix(rapid.Int64Range(-1e9, 4e9).Draw(t, "sec"),
					rapid.Int64Range(0, 999_999_999).Draw(t, "nano"))
				f.Set(reflect.ValueOf(at.In(time.FixedZone("x", rapid.IntRange(-12*3600, 14*3600).Draw(t, "zone")))))
			}
		case f.Kind() == reflect.Array:
			reflect.Copy(f, reflect.ValueOf(rapid.SliceOfN(rapid.Byte(), f.Len(), f.Len()).Draw(t, "ref")))
		case f.Kind() == reflect.Slice:
			f.SetBytes(rapid.SliceOfN(rapid.Byte(), 0, 70).Draw(t, "bytes"))
		case f.Kind() == reflect.String:
			f.SetString(
				rapid.OneOf(rapid.SampledFrom([]string{"", "delete", "Art. 17(1)", "a;b", "é😀\u2028"}),
					rapid.String()).
					Draw(t, "string"),
			)
		case f.Kind() == reflect.Bool:
			f.SetBool(rapid.Bool().Draw(t, "bool"))
		case f.Kind() == reflect.Int32:
			f.SetInt(int64(rapid.Int32().Draw(t, "int32")))
		case f.Kind() == reflect.Float64:
			f.SetFloat(rapid.Float64Range(-1e9, 1e9).Draw(t, "float"))
		default:
			f.SetInt(rapid.Int64().Draw(t, "int"))
		}
	}
	return row
}

// Rounded is a row as it comes back: instants in UTC to the microsecond, decimals to their last digit, no difference
// between an absent and an empty byte string.
func Rounded[T any](rows []T) []T {
	out := make([]T, len(rows))
	copy(out, rows)
	columns := audit.Columns(reflect.TypeFor[T]())
	for i := range out {
		v := reflect.ValueOf(&out[i]).Elem()
		for c := range v.NumField() {
			if columns[c].Kind == audit.Decimal {
				p := math.Pow10(columns[c].Scale)
				v.Field(c).SetFloat(math.Round(v.Field(c).Float()*p) / p)
			}
			if at, ok := v.Field(c).Interface().(time.Time); ok && !at.IsZero() {
				v.Field(c).Set(reflect.ValueOf(time.UnixMicro(at.UnixMicro()).UTC()))
			}
			if b, ok := v.Field(c).Interface().([]byte); ok && len(b) == 0 {
				v.Field(c).SetZero()
			}
		}
	}
	return out
}

// EachTable runs a test for the row type of every table.
func EachTable(t *testing.T, run map[string]func(*testing.T)) {
	t.Helper()
	require.ElementsMatch(t, audit.TableNames(), slices.Collect(maps.Keys(run)))
	for name, test := range run {
		t.Run(name, test)
	}
}
