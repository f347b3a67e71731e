package parquet

import (
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/audittest"
)

// TestEveryCellOfTheFirstRowsIsCompared lets the other reader find one cell of a row otherwise than it was to be written,
// in files that are decoded whole and in those of which only the first rows are.
func TestEveryCellOfTheFirstRowsIsCompared(t *testing.T) {
	everyCell(t, "decisions", audittest.Decisions(sampleRows+100))
	everyCell(t, "inventory", []audit.Inventory{{Source: "crm", Rules: "a;b", Rows: 3, Confidence: 0.875, OldestRow: "2026-11-20"}, {}})
	everyCell(t, "runs", []audit.Run{audittest.Facts(1, "").Run})
	everyCell(t, "consent_sync", []audit.ConsentSync{{Target: "shop", CopyDigest: []byte{1, 2}, LastCompare: time.Unix(1, 0)}, {}})
	everyCell(t, "actions", audittest.Actions(300))
	everyCell(t, "requests", []audit.Request{{RequestID: "r", PausedHours: 1.25}, {}})
}

func everyCell[T any](t *testing.T, table string, rows []T) {
	root := t.TempDir()
	w, err := NewTable[T](table, root, "2026-11-21", audittest.Facts(1, "").Run, &audittest.Gate{})
	require.NoError(t, err)
	defer w.Release()
	require.NoError(t, w.Add("", rows))
	files, _, err := w.Close(t.Context())
	require.NoError(t, err)
	path := filepath.Join(root, filepath.FromSlash(files[0].Path))
	first := w.parts[0].first
	require.Len(t, first, min(len(rows), sampleRows))
	for _, decode := range []int64{0, 1 << 20} {
		_, err := readBack(t.Context(), path, decode, w.sampler(first))
		require.NoError(t, err)
		for _, c := range w.columns {
			for _, row := range []int{0, len(first) - 1} {
				altered := slices.Clone(first)
				alter(t, c, reflect.ValueOf(&altered[row]).Elem().Field(c.Field))
				_, err := readBack(t.Context(), path, decode, w.sampler(altered))
				require.ErrorIs(t, err, errCell, "%s of %s in row %d", c.Name, table, row)
				require.ErrorContains(t, err, "column "+c.Name)
			}
		}
	}
}

// alter makes the value of a field another one of its kind.
func alter(t *testing.T, c *column, f reflect.Value) {
	switch {
	case c.Kind == audit.Instant:
		f.Set(reflect.ValueOf(f.Interface().(time.Time).Add(time.Microsecond)))
	case c.Kind == audit.Reference:
		f.Index(15).SetUint(f.Index(15).Uint() ^ 1)
	case c.Kind == audit.Bytes:
		f.SetBytes(append(slices.Clone(f.Bytes()), 1))
	case c.Kind == audit.Day:
		f.SetString(map[bool]string{true: "2026-11-21", false: "2026-11-22"}[f.String() != "2026-11-21"])
	case c.Kind == audit.List:
		f.SetString(f.String() + ";more")
	case f.Kind() == reflect.String:
		f.SetString(f.String() + "x")
	case f.Kind() == reflect.Bool:
		f.SetBool(!f.Bool())
	case f.Kind() == reflect.Float64:
		f.SetFloat(f.Float() + 1)
	default:
		f.SetInt(f.Int() + 1)
	}
}
