package spool_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/audittest"
	"lethe/pipeline/audit/spool"
	"lethe/pipeline/registry/keystore"
)

func TestSpoolGivesBackWhatItGot(t *testing.T) {
	audittest.EachTable(t, map[string]func(*testing.T){
		"runs":           spoolRoundTrip[audit.Run],
		"inventory":      spoolRoundTrip[audit.Inventory],
		"findings":       spoolRoundTrip[audit.Finding],
		"silos":          spoolRoundTrip[audit.Silo],
		"ages":           spoolRoundTrip[audit.Age],
		"sources":        spoolRoundTrip[audit.Source],
		"run_rollup":     spoolRoundTrip[audit.Rollup],
		"summary":        spoolRoundTrip[audit.Summary],
		"plan":           spoolRoundTrip[audit.Plan],
		"approvals":      spoolRoundTrip[audit.Approval],
		"exceptions":     spoolRoundTrip[audit.Exception],
		"backups":        spoolRoundTrip[audit.Backup],
		"consent_sync":   spoolRoundTrip[audit.ConsentSync],
		"requests":       spoolRoundTrip[audit.Request],
		"holds":          spoolRoundTrip[audit.Hold],
		"log":            spoolRoundTrip[audit.LogLine],
		"starts":         spoolRoundTrip[audit.Start],
		"remnants":       spoolRoundTrip[audit.Remnant],
		"decisions":      spoolRoundTrip[audit.Decision],
		"verification":   spoolRoundTrip[audit.Verified],
		"answers":        spoolRoundTrip[audit.Answered],
		"policy_changes": spoolRoundTrip[audit.PolicyChange],
		"restores":       spoolRoundTrip[audit.Restore],
		"incident_hints": spoolRoundTrip[audit.Hint],
		"attestations":   spoolRoundTrip[audit.Attestation],
		"actions":        spoolRoundTrip[audit.Action],
		"row_rollup":     spoolRoundTrip[audit.RowRollup],
	})
}

func spoolRoundTrip[T any](t *testing.T) {
	folder := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		path := filepath.Join(folder, "rows.arrow")
		require.NoError(rt, os.RemoveAll(path))
		rows := rapid.SliceOfN(rapid.Custom(audittest.Draw[T]), 0, 6).Draw(rt, "rows")
		s, err := spool.New[T](path, nil)
		require.NoError(rt, err)
		for i := range rows {
			require.NoError(rt, s.Append(rows[i]))
		}
		require.Equal(rt, int64(len(rows)), s.Len())
		require.NoError(rt, s.Close())
		back := make([]T, 0, len(rows))
		for batch, err := range spool.Read[T](path, nil) {
			require.NoError(rt, err)
			back = append(back, batch...)
		}
		require.Equal(rt, audittest.Rounded(rows), audittest.Rounded(back))
	})
}

// TestTextsOfManyBatches has texts that are the same in all batches, and others in each.
func TestTextsOfManyBatches(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows.arrow")
	s, err := spool.New[audit.Decision](path, nil)
	require.NoError(t, err)
	const n = 3*spool.Rows + 5
	row := func(i int) audit.Decision {
		return audit.Decision{Silo: "shop", Object: fmt.Sprint(i / 7), Reason: []string{"", "a", "b"}[i%3]}
	}
	for i := range n {
		require.NoError(t, s.Append(row(i)))
	}
	require.NoError(t, s.Close())
	at := 0
	for rows, err := range spool.Read[audit.Decision](path, nil) {
		require.NoError(t, err)
		for i := range rows {
			if rows[i] != row(at) {
				t.Fatalf("row %d is %+v", at, rows[i])
			}
			at++
		}
	}
	require.Equal(t, n, at)
}

// TestSpoolsOfEarlierBuilds reads a spool whose texts stand there as they are, and references with all of their bytes.
func TestSpoolsOfEarlierBuilds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows.arrow")
	rows := []audit.Decision{{Silo: "shop", Object: "people", Record: audit.Ref{1, 15: 9}}, {Silo: "shop", Reason: "x"}, {Silo: "club"}}
	schema := spool.Schema[audit.Decision]()
	fields := slices.Clone(schema.Fields())
	for i := range fields {
		if fields[i].Type.ID() == arrow.DICTIONARY {
			fields[i].Type = arrow.BinaryTypes.String
		} else if fields[i].Type.ID() == arrow.FIXED_SIZE_BINARY {
			fields[i].Type = &arrow.FixedSizeBinaryType{ByteWidth: 32}
		}
	}
	schema = arrow.NewSchema(fields, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for _, row := range rows {
		v := reflect.ValueOf(row)
		for i := range fields {
			if texts, ok := b.Field(i).(*array.StringBuilder); ok {
				texts.Append(v.Field(i).String())
			} else if refs, ok := b.Field(i).(*array.FixedSizeBinaryBuilder); ok {
				refs.Append(append(bytes.Clone(row.Record[:]), make([]byte, 16)...))
			} else {
				b.Field(i).AppendEmptyValue()
			}
		}
	}
	f, err := os.Create(path)
	require.NoError(t, err)
	w := ipc.NewWriter(f, ipc.WithSchema(schema))
	require.NoError(t, w.Write(b.NewRecord()))
	require.NoError(t, w.Close())
	require.NoError(t, f.Close())
	var back []audit.Decision
	for batch, err := range spool.Read[audit.Decision](path, nil) {
		require.NoError(t, err)
		back = append(back, batch...)
	}
	require.Len(t, back, len(rows))
	for i := range back {
		back[i].FlaggedAt = time.Time{}
		require.Equal(t, rows[i], back[i])
	}
}

func TestSpoolKeepsWhatExists(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows.arrow")
	require.NoError(t, os.WriteFile(path, []byte("x"), 0o600))
	_, err := spool.New[audit.Run](path, nil)
	require.ErrorIs(t, err, os.ErrExist)
}

func TestTruncatedSpoolYieldsWhatIsWholeThenAnError(t *testing.T) {
	t.Run("in the clear", func(t *testing.T) { truncated(t, nil) })
	t.Run("encrypted", func(t *testing.T) { truncated(t, audittest.Keys(t)) })
}

// TestWhoHasNotTheKeystoreReadsNoRow of a spool that is encrypted; who has it reads also those of before.
func TestWhoHasNotTheKeystoreReadsNoRow(t *testing.T) {
	keys, path := audittest.Keys(t), filepath.Join(t.TempDir(), "rows.arrow")
	rows := audittest.Actions(30)
	s, err := spool.New[audit.Action](path, keys)
	require.NoError(t, err)
	require.NoError(t, s.Append(rows...))
	require.NoError(t, s.Close())
	for who, with := range map[string]*keystore.Keystore{"nobody": nil, "another": audittest.Keys(t)} {
		for batch, err := range spool.Read[audit.Action](path, with) {
			require.Error(t, err, who)
			require.Empty(t, batch)
		}
	}
	var back []audit.Action
	for batch, err := range spool.Read[audit.Action](path, keys) {
		require.NoError(t, err)
		back = append(back, batch...)
	}
	require.Len(t, back, len(rows))

	clear := filepath.Join(t.TempDir(), "clear.arrow")
	s, err = spool.New[audit.Action](clear, nil)
	require.NoError(t, err)
	require.NoError(t, s.Append(rows...))
	require.NoError(t, s.Close())
	n := 0
	for batch, err := range spool.Read[audit.Action](clear, keys) {
		require.NoError(t, err)
		n += len(batch)
	}
	require.Equal(t, len(rows), n)
}

func truncated(t *testing.T, keys *keystore.Keystore) {
	folder := t.TempDir()
	path := filepath.Join(folder, "rows.arrow")
	s, err := spool.New[audit.Action](path, keys)
	require.NoError(t, err)
	rows := audittest.Actions(3*spool.Rows + 5)
	for i := range rows {
		rows[i].Batch = int64(i)
		require.NoError(t, s.Append(rows[i]))
	}
	require.NoError(t, s.Close())
	body, err := os.ReadFile(path)
	require.NoError(t, err)
	wholeBatches := map[int]bool{}
	for _, cut := range []int{0, 1, 7, 8, 500, len(body) / 4, len(body) / 3, len(body) / 2, len(body) - 4000,
		len(body) - 300, len(body) - 9, len(body) - 8, len(body) - 7, len(body) - 4, len(body) - 1} {
		require.NoError(t, os.WriteFile(path, body[:cut], 0o600))
		n, failed := int64(0), false
		for batch, err := range spool.Read[audit.Action](path, keys) {
			require.False(t, failed, "nothing follows the error")
			failed = err != nil
			for _, r := range batch {
				require.Equal(t, n, r.Batch)
				n++
			}
		}
		require.True(t, failed, "cut at %d of %d", cut, len(body))
		wholeBatches[int(n)/spool.Rows] = true
	}
	require.Greater(t, len(wholeBatches), 2)
}

func TestMissingSpoolIsAnError(t *testing.T) {
	for _, err := range spool.Read[audit.Action](filepath.Join(t.TempDir(), "none"), nil) {
		require.ErrorIs(t, err, os.ErrNotExist)
	}
}

func TestColumnsAreNamedInSnakeCase(t *testing.T) {
	type row struct {
		RunID           string
		SourcesOK       int32
		SHA256          []byte
		DPV             string
		AsOf            time.Time
		PercentOfObject float64
		OK              bool
	}
	var names []string
	for _, f := range spool.Schema[row]().Fields() {
		names = append(names, f.Name)
	}
	require.Equal(t, []string{"run_id", "sources_ok", "sha256", "dpv", "as_of", "percent_of_object", "ok"}, names)
	require.Contains(t, spool.Schema[audit.Run]().String(), "as_of: type=timestamp[us, tz=UTC]")
}
