package audit

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// draw fills a row with random values: instants from before and after 1970 in other zones, with nanoseconds, strings long and strange.
func draw[T any](t *rapid.T) T {
	var row T
	v := reflect.ValueOf(&row).Elem()
	for i := range v.NumField() {
		f := v.Field(i)
		switch {
		case f.Type() == timeType:
			if rapid.Bool().Draw(t, "known") {
				at := time.Unix(rapid.Int64Range(-1e9, 4e9).Draw(t, "sec"), rapid.Int64Range(0, 999_999_999).Draw(t, "nano"))
				f.Set(reflect.ValueOf(at.In(time.FixedZone("x", rapid.IntRange(-12*3600, 14*3600).Draw(t, "zone")))))
			}
		case f.Kind() == reflect.Array:
			reflect.Copy(f, reflect.ValueOf(rapid.SliceOfN(rapid.Byte(), f.Len(), f.Len()).Draw(t, "ref")))
		case f.Kind() == reflect.Slice:
			f.SetBytes(rapid.SliceOfN(rapid.Byte(), 0, 70).Draw(t, "bytes"))
		case f.Kind() == reflect.String:
			f.SetString(rapid.OneOf(rapid.SampledFrom([]string{"", "delete", "Art. 17(1)", "a;b", "é😀\u2028"}), rapid.String()).Draw(t, "string"))
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

// rounded is a row as it comes back: instants in UTC to the microsecond, no difference between an absent and an empty byte string.
func rounded[T any](rows []T) []T {
	out := make([]T, len(rows))
	copy(out, rows)
	for i := range out {
		v := reflect.ValueOf(&out[i]).Elem()
		for c := range v.NumField() {
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

// eachTable runs a test for the row type of every table.
func eachTable(t *testing.T, run map[string]func(*testing.T)) {
	t.Helper()
	require.Len(t, run, 13)
	for name, test := range run {
		t.Run(name, test)
	}
}

func TestSpoolGivesBackWhatItGot(t *testing.T) {
	eachTable(t, map[string]func(*testing.T){"runs": spoolRoundTrip[Run], "inventory": spoolRoundTrip[Inventory], "findings": spoolRoundTrip[Finding], "summary": spoolRoundTrip[Summary],
		"plan": spoolRoundTrip[Plan], "approvals": spoolRoundTrip[Approval], "exceptions": spoolRoundTrip[Exception], "backups": spoolRoundTrip[Backup],
		"consent_sync": spoolRoundTrip[ConsentSync], "requests": spoolRoundTrip[Request], "holds": spoolRoundTrip[Hold], "decisions": spoolRoundTrip[Decision], "actions": spoolRoundTrip[Action]})
}

func spoolRoundTrip[T any](t *testing.T) {
	folder := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		path := filepath.Join(folder, "rows.arrow")
		require.NoError(rt, os.RemoveAll(path))
		rows := rapid.SliceOfN(rapid.Custom(draw[T]), 0, 6).Draw(rt, "rows")
		s, err := NewSpool[T](path)
		require.NoError(rt, err)
		for i := range rows {
			require.NoError(rt, s.Append(rows[i]))
		}
		require.Equal(rt, int64(len(rows)), s.Len())
		require.NoError(rt, s.Close())
		back := make([]T, 0, len(rows))
		for batch, err := range ReadSpool[T](path) {
			require.NoError(rt, err)
			back = append(back, batch...)
		}
		require.Equal(rt, rounded(rows), rounded(back))
	})
}

func TestSpoolKeepsWhatExists(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows.arrow")
	require.NoError(t, os.WriteFile(path, []byte("x"), 0o600))
	_, err := NewSpool[Run](path)
	require.ErrorIs(t, err, os.ErrExist)
}

func TestTruncatedSpoolYieldsWhatIsWholeThenAnError(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "rows.arrow")
	s, err := NewSpool[Action](path)
	require.NoError(t, err)
	rows := someActions(3*SpoolRows + 5)
	for i := range rows {
		rows[i].Batch = int64(i)
		require.NoError(t, s.Append(rows[i]))
	}
	require.NoError(t, s.Close())
	body, err := os.ReadFile(path)
	require.NoError(t, err)
	wholeBatches := map[int]bool{}
	for _, cut := range []int{0, 1, 7, 8, 500, len(body) / 4, len(body) / 3, len(body) / 2, len(body) - 4000, len(body) - 300, len(body) - 9, len(body) - 8, len(body) - 7, len(body) - 4, len(body) - 1} {
		require.NoError(t, os.WriteFile(path, body[:cut], 0o600))
		n, failed := int64(0), false
		for batch, err := range ReadSpool[Action](path) {
			require.False(t, failed, "nothing follows the error")
			failed = err != nil
			for _, r := range batch {
				require.Equal(t, n, r.Batch)
				n++
			}
		}
		require.True(t, failed, "cut at %d of %d", cut, len(body))
		wholeBatches[int(n)/SpoolRows] = true
	}
	require.Greater(t, len(wholeBatches), 2)
}

func TestMissingSpoolIsAnError(t *testing.T) {
	for _, err := range ReadSpool[Action](filepath.Join(t.TempDir(), "none")) {
		require.ErrorIs(t, err, os.ErrNotExist)
	}
}

func TestColumnsAreNamedInSnakeCase(t *testing.T) {
	for field, want := range map[string]string{"RunID": "run_id", "SourcesOK": "sources_ok", "SHA256": "sha256", "DPV": "dpv", "AsOf": "as_of", "PercentOfObject": "percent_of_object", "OK": "ok"} {
		require.Equal(t, want, snake(field))
	}
	require.True(t, strings.Contains(Schema[Run]().String(), "as_of: type=timestamp[us, tz=UTC]"), Schema[Run]().String())
}
