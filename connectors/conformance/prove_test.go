package conformance_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/conformance"
	"lethe/connectors/mem"
)

// harness keeps the suite's tables in memory. spoil is asked about each row that is stored; false leaves it out.
func harness(spoil func(table string, row int) bool) conformance.Harness {
	return conformance.Harness{New: func(_ conformance.T, tables []conformance.Table) conformance.Store {
		var made []mem.Table
		for _, t := range tables {
			m := mem.Table{Def: t.Def}
			for i, row := range t.Rows {
				if spoil == nil || spoil(t.Def.Name, i) {
					m.Rows = append(m.Rows, mem.Row(row))
				}
			}
			made = append(made, m)
		}
		store := mem.New("mem", made...)
		return conformance.Store{
			Open: func(conformance.T) connectors.Source { return store },
			View: func(t conformance.T, name string) ([]string, [][]any) {
				fields, rows, ok := store.View(name)
				if !ok {
					t.Errorf("no view %s", name)
					t.FailNow()
				}
				out := make([][]any, len(rows))
				for i, row := range rows {
					out[i] = row
				}
				return fields, out
			},
		}
	}}
}

func prove(t *testing.T, h conformance.Harness) (held, fails []conformance.Result) {
	g := &conformance.Ground{Ways: []conformance.Way{{Name: "bytes", Harness: h}}}
	require.NoError(t, g.Prove(t.Context(), func(r conformance.Result) {
		if r.Fault == "" {
			held = append(held, r)
		} else {
			fails = append(fails, r)
		}
	}))
	return held, fails
}

func TestTheSuiteRunsWithoutTests(t *testing.T) {
	held, fails := prove(t, harness(nil))
	require.Empty(t, fails)
	require.Greater(t, len(held), 60)
	require.Len(t, conformance.Suite(), 16)
}

func TestWhatDoesNotHoldIsSaid(t *testing.T) {
	held, fails := prove(t, harness(func(table string, row int) bool { return table != "staff" || row != 2 }))
	require.NotEmpty(t, held, "each case by itself")
	require.NotEmpty(t, fails)
	for _, f := range fails {
		require.Equal(t, "bytes", f.Way)
		require.NotContains(t, f.Fault, "\n")
	}
}

// A case that breaks, fails in the middle or in a goroutine of its own is one that does not hold; what it made goes, the
// last first.
func TestACaseThatBreaks(t *testing.T) {
	var done []string
	h := harness(nil)
	fresh := h.New
	h.New = func(t conformance.T, tables []conformance.Table) conformance.Store {
		t.Cleanup(func() { done = append(done, "first made") })
		t.Cleanup(func() { done = append(done, "last made"); panic("so does this") })
		if len(done) > 2 {
			panic("it breaks")
		}
		return fresh(t, tables)
	}
	held, fails := prove(t, h)
	require.Empty(t, held)
	require.Contains(t, fails[0].Fault, "so does this")
	require.Equal(t, []string{"last made", "first made"}, done[:2])
}

func TestASuiteThatIsStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	removed, made := 0, 0
	h := harness(nil)
	fresh := h.New
	h.New = func(t conformance.T, tables []conformance.Table) conformance.Store {
		made++
		t.Cleanup(func() {
			after, stop := conformance.After(t)
			defer stop()
			if after.Err() == nil {
				removed++
			}
		})
		if made == 4 {
			cancel()
		}
		return fresh(t, tables)
	}
	told := 0
	g := &conformance.Ground{Ways: []conformance.Way{{Name: "bytes", Harness: h}}}
	err := g.Prove(ctx, func(conformance.Result) { told++ })
	require.True(t, errors.Is(err, context.Canceled))
	require.Equal(t, 4, made)
	require.Equal(t, made, removed, "with a context that has not ended")
	require.Equal(t, 2, told, "what was stopped is no result")
}
