package parquet

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xitongsys/parquet-go-source/local"
	"github.com/xitongsys/parquet-go/parquet"
	"github.com/xitongsys/parquet-go/reader"
	"pgregory.net/rapid"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/audittest"
)

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
	columns := audit.Columns(reflect.TypeFor[T]())
	require.Len(t, r.SchemaHandler.ValueColumns, len(columns))
	require.Equal(t, parquet.FieldRepetitionType_REQUIRED, r.Footer.Schema[0].GetRepetitionType(),
		"strict readers refuse a root that is repeated")
	for i, c := range columns {
		require.Equal(t, c.Name, columnName(r, int64(i)))
		values, repeats, _, err := r.ReadColumnByIndex(int64(i), int64(len(rows)))
		require.NoError(t, err)
		at := -1
		for k, v := range values {
			if repeats[k] == 0 {
				at++
			}
			setCell(t, c, reflect.ValueOf(&rows[at]).Elem().Field(c.Field), v, repeats[k] > 0)
		}
		require.Equal(t, len(rows)-1, at, c.Name)
	}
	return rows
}

// setCell puts a value as it stands in a file into the field of a row; again: it is a further one of a list.
func setCell(t testing.TB, c audit.Column, field reflect.Value, value any, again bool) {
	t.Helper()
	switch v := value.(type) {
	case nil:
		require.True(t, c.Nullable || c.Kind == audit.List, c.Name)
	case string:
		switch {
		case again:
			field.SetString(field.String() + ";" + v)
		case field.Kind() == reflect.String:
			require.True(t, v != "" || c.Kind == audit.List, "nothing stands as NULL: %s", c.Name)
			field.SetString(v)
		case field.Kind() == reflect.Slice:
			field.SetBytes([]byte(v))
		default:
			reflect.Copy(field, reflect.ValueOf([]byte(v)))
		}
	case int64:
		switch c.Kind {
		case audit.Instant:
			field.Set(reflect.ValueOf(time.UnixMicro(v).UTC()))
		case audit.Decimal:
			field.SetFloat(float64(v) / math.Pow10(c.Scale))
		default:
			if field.Kind() == reflect.String {
				field.SetString(strconv.FormatInt(v, 10))
			} else {
				field.SetInt(v)
			}
		}
	case int32:
		if c.Kind == audit.Day {
			field.SetString(time.Unix(int64(v)*24*60*60, 0).UTC().Format(time.DateOnly))
		} else {
			field.SetInt(int64(v))
		}
	case float64:
		field.SetFloat(v)
	case bool:
		field.SetBool(v)
	default:
		t.Fatalf("column %s holds %T", c.Name, v)
	}
}

func TestTablesReadBackByAnotherReader(t *testing.T) {
	audittest.EachTable(t, map[string]func(*testing.T){
		"runs":           tableRoundTrip[audit.Run],
		"inventory":      tableRoundTrip[audit.Inventory],
		"findings":       tableRoundTrip[audit.Finding],
		"silos":          tableRoundTrip[audit.Silo],
		"ages":           tableRoundTrip[audit.Age],
		"sources":        tableRoundTrip[audit.Source],
		"run_rollup":     tableRoundTrip[audit.Rollup],
		"summary":        tableRoundTrip[audit.Summary],
		"plan":           tableRoundTrip[audit.Plan],
		"approvals":      tableRoundTrip[audit.Approval],
		"exceptions":     tableRoundTrip[audit.Exception],
		"backups":        tableRoundTrip[audit.Backup],
		"consent_sync":   tableRoundTrip[audit.ConsentSync],
		"requests":       tableRoundTrip[audit.Request],
		"holds":          tableRoundTrip[audit.Hold],
		"log":            tableRoundTrip[audit.LogLine],
		"starts":         tableRoundTrip[audit.Start],
		"remnants":       tableRoundTrip[audit.Remnant],
		"decisions":      tableRoundTrip[audit.Decision],
		"verification":   tableRoundTrip[audit.Verified],
		"answers":        tableRoundTrip[audit.Answered],
		"policy_changes": tableRoundTrip[audit.PolicyChange],
		"restores":       tableRoundTrip[audit.Restore],
		"incident_hints": tableRoundTrip[audit.Hint],
		"attestations":   tableRoundTrip[audit.Attestation],
		"actions":        tableRoundTrip[audit.Action],
		"row_rollup":     tableRoundTrip[audit.RowRollup],
	})
}

func tableRoundTrip[T any](t *testing.T) {
	folder := t.TempDir()
	run := audittest.Facts(1, "").Run
	for seed := range 12 {
		rows := rapid.SliceOfN(rapid.Custom(audittest.Draw[T]), min(seed, 1), 8).Example(seed)
		if seed == 0 {
			rows = nil
		}
		s, err := NewTable[T]("some", filepath.Join(folder, fmt.Sprint(seed)), "2026-11-21", run, &audittest.Gate{})
		require.NoError(t, err)
		defer s.Release()
		require.NoError(t, s.Add("hr", nil))
		for chunk := range slices.Chunk(rows, 1+seed%3) {
			require.NoError(t, s.Add("hr", chunk))
		}
		files, hits, err := s.Close(t.Context())
		require.NoError(t, errors.Join(err, hits))
		require.Len(t, files, 1)
		require.Equal(t, "table=some/date=2026-11-21/run="+run.RunID+"/silo=hr.parquet", files[0].Path)
		require.Equal(t, audittest.Rounded(append([]T{}, rows...)),
			audittest.Rounded(readTable[T](t, filepath.Join(folder, fmt.Sprint(seed), files[0].Path))))
	}
}

// TestManyRowsKeepTheirValues crosses what random rows do not reach: full chunks, several row groups in
// each of several silos, dictionaries that overflow, and strings of megabytes.
func TestManyRowsKeepTheirValues(t *testing.T) {
	rows := audittest.Decisions(5*chunkRows + 17)
	for i := range rows {
		rows[i].Notes = fmt.Sprintf("note %d", i) // more than a dictionary holds
		rows[i].Silo = []string{"b", "a", "", "_", "../x y"}[i%5]
	}
	rows[777].Rule = strings.Repeat("long ", 1<<20)
	rows[20_001].Cleared = strings.Repeat("x", dictBytes+1)
	folder := t.TempDir()
	g := &audittest.Gate{}
	s, err := NewTable[audit.Decision]("decisions", folder, "2026-11-21", audittest.Facts(1, "").Run, g)
	require.NoError(t, err)
	defer s.Release()
	s.limit = 2 * chunkRows
	want := map[string][]audit.Decision{}
	for _, silo := range []string{"b", "a", "", "_", "../x y"} { // in runs, so that full chunks of one silo come
		for i := range rows {
			if rows[i].Silo == silo {
				want[silo] = append(want[silo], rows[i])
			}
		}
	}
	require.NoError(t, s.AddBySilo(rows, func(d *audit.Decision) string { return d.Silo }))
	for range 2 {
		require.NoError(t, s.AddBySilo(want["a"], func(d *audit.Decision) string { return d.Silo }))
	}
	want["a"] = slices.Concat(want["a"], want["a"], want["a"])
	files, hits, err := s.Close(t.Context())
	require.NoError(t, errors.Join(err, hits))
	var names []string
	for i, silo := range []string{"", "../x y", "_", "a", "b"} {
		names = append(names, filepath.Base(files[i].Path))
		require.Equal(t, int64(len(want[silo])), files[i].Rows)
		require.True(
			t,
			slices.Equal(audittest.Rounded(want[silo]),
				readTable[audit.Decision](t, filepath.Join(folder, files[i].Path))),
			"rows of silo %q",
			silo,
		)
	}
	require.Equal(
		t,
		[]string{"silo=_.parquet", "silo=%2E%2E%2Fx%20y.parquet", "silo=%5F.parquet", "silo=a.parquet",
			"silo=b.parquet"},
		names,
	)
	require.Len(t, g.Shown["decisions.notes"], len(rows), "the gate sees every string")
	require.True(t, g.Shown["decisions.rule"][rows[777].Rule])
	require.True(t, g.Shown["decisions.cleared"][rows[20_001].Cleared])

	f, err := local.NewLocalFileReader(filepath.Join(folder, files[3].Path))
	require.NoError(t, err)
	defer f.Close()
	r, err := reader.NewParquetColumnReader(f, 1)
	require.NoError(t, err)
	require.Greater(t, len(r.Footer.RowGroups), 1)
	require.EqualValues(t, sampleRows+1, r.Footer.RowGroups[0].NumRows, "the reader decodes all of a group that it begins")
	keys := map[string]string{}
	for _, kv := range r.Footer.KeyValueMetadata {
		keys[kv.Key] = *kv.Value
	}
	require.Equal(
		t,
		map[string]string{"audit.schema": "3", "audit.table": "decisions",
			"audit.run_id": audittest.Facts(1, "").Run.RunID,
			"audit.as_of":  "2026-11-21T01:00:00.123456789Z", "audit.tool_version": "v0.1.0"},
		keys,
	)
}

// TestReadingDamageIsAnError reads files with one byte or one end changed: never a panic, and where the
// reader finds nothing wrong, the count is right. (Verify compares digests first; this is the second
// line.)
func TestReadingDamageIsAnError(t *testing.T) {
	root := t.TempDir()
	s, err := NewTable[audit.Decision]("decisions", root, "2026-11-21", audittest.Facts(1, "").Run, &audittest.Gate{})
	require.NoError(t, err)
	defer s.Release()
	require.NoError(t, s.Add("newsletter", audittest.Decisions(1000)))
	files, hits, err := s.Close(t.Context())
	require.NoError(t, errors.Join(err, hits))
	path := filepath.Join(root, files[0].Path)
	body, err := os.ReadFile(path)
	require.NoError(t, err)
	whole, err := ReadBack(t.Context(), path, 1<<20)
	require.NoError(t, err)
	require.Equal(t, int64(1000), whole.Rows)
	paged, err := ReadBack(t.Context(), path, 0)
	require.NoError(t, err)
	require.Equal(t, whole, paged)
	damaged := filepath.Join(root, "damaged.parquet")
	try := func(body []byte) bool {
		require.NoError(t, os.WriteFile(damaged, body, 0o600))
		found := false
		for _, decode := range []int64{0, 1 << 20} {
			_, err := ReadBack(t.Context(), damaged, decode)
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

// room takes so many bytes and then fails, as a full disk does.
type room struct{ left int }

func (r *room) Write(p []byte) (int, error) {
	n := min(len(p), r.left)
	if r.left -= n; n < len(p) {
		return n, syscall.ENOSPC
	}
	return n, nil
}

// TestAFullDiskIsAnError lets the disk be full at any byte of a table of several row groups: the library panics
// at some of them.
func TestAFullDiskIsAnError(t *testing.T) {
	write := func(left int) (int64, error) {
		w, err := NewTable[audit.Decision]("decisions", t.TempDir(), "2026-11-20", audit.Run{RunID: "r"},
			&audittest.Gate{})
		require.NoError(t, err)
		defer w.Release()
		w.limit = chunkRows
		p, err := w.part("")
		require.NoError(t, err)
		disk := p.sum.w
		p.sum.w = io.MultiWriter(&room{left}, disk)
		if err := w.Add("", audittest.Decisions(chunkRows+500)); err != nil {
			return 0, err
		}
		files, _, err := w.Close(t.Context())
		if err != nil {
			return 0, err
		}
		return files[0].Bytes, nil
	}
	size, err := write(1 << 30)
	require.NoError(t, err)
	require.Greater(t, size, int64(10_000))
	for left := 0; left < int(size); left += max(1, min(left, int(size)/40)) {
		_, err := write(left)
		require.ErrorIs(t, err, syscall.ENOSPC, "%d bytes of %d", left, size)
	}
	_, err = write(int(size) - 1)
	require.ErrorIs(t, err, syscall.ENOSPC)
}
