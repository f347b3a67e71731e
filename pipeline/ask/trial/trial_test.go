package trial_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline/ask/trial"
	"lethe/pipeline/pipelinetest"
	"lethe/pipeline/setup"
	"lethe/pipeline/tried"
)

// world is one whose backup holds some tables, and gives back others, in databases of these names.
func world(t *testing.T, file []mem.Table, back map[string][]mem.Table, cannot error) (*pipelinetest.World, setup.Source) {
	w := pipelinetest.New(t, pipelinetest.News(nil), pipelinetest.People())
	path := filepath.Join(w.Dir, "dump")
	require.NoError(t, os.WriteFile(path, []byte("x"), 0o600))
	s := setup.Source{Name: "dumps/dump", Set: "dumps", Application: "crm", Environment: "backup", Of: "crm", Path: path,
		Open: func(context.Context) (connectors.Source, error) { return mem.New("dump", file...), nil },
		Restore: func(context.Context, connectors.Source, string) (*connectors.Restored, error) {
			if cannot != nil {
				return nil, cannot
			}
			r := &connectors.Restored{Engine: "mem 1"}
			for name, tables := range back {
				r.Databases = append(r.Databases, connectors.Database{Name: name, Source: mem.New("back", tables...)})
			}
			return r, nil
		}}
	w.Setup.Sources = append(w.Setup.Sources, s)
	return w, s
}

func row(values ...any) []any { return values }

func TestWhatIsPutBackIsComparedWithTheFile(t *testing.T) {
	table := func(name string, rows ...[]any) mem.Table {
		return pipelinetest.Table(name, []connectors.Field{pipelinetest.ID, pipelinetest.Name}, nil, rows...)
	}
	float := connectors.Field{Name: "f", Type: "float", Kind: connectors.Float, Nullable: true}
	floats := func(f string) mem.Table {
		return pipelinetest.Table("a", []connectors.Field{pipelinetest.ID, float}, nil, row("1", f))
	}
	two := []mem.Table{table("a", row("1", "x"), row("2", nil)), table("b")}
	for name, c := range map[string]struct {
		file   []mem.Table
		back   map[string][]mem.Table
		faults []string
		rows   int64
	}{
		"the same":         {two, map[string][]mem.Table{"": two}, nil, 2},
		"in another order": {two, map[string][]mem.Table{"": {table("b"), table("a", row("2", nil), row("1", "x"))}}, nil, 2},
		"a row is missing": {two, map[string][]mem.Table{"": {table("b"), table("a", row("1", "x"))}},
			[]string{"table a: the file holds 2 rows, and 1 stand where it was put back"}, 1},
		"a row more": {two, map[string][]mem.Table{"": {table("b", row("1", "y")), two[0]}},
			[]string{"table b: the file holds 0 rows, and 1 stand where it was put back"}, 3},
		"another value": {two, map[string][]mem.Table{"": {table("b"), table("a", row("1", "X"), row("2", nil))}},
			[]string{"table a: of its 2 rows some stand there with other values than the file says"}, 2},
		"an empty text for none": {two, map[string][]mem.Table{"": {table("b"), table("a", row("1", "x"), row("2", ""))}},
			[]string{"table a: of its 2 rows some stand there with other values than the file says"}, 2},
		"values change places": {two, map[string][]mem.Table{"": {table("b"), table("a", row("2", "x"), row("1", nil))}},
			[]string{"table a: of its 2 rows some stand there with other values than the file says"}, 2},
		"a table is missing": {two, map[string][]mem.Table{"": {two[0]}},
			[]string{"table b of the file does not stand where it was put back"}, 2},
		"in databases": {[]mem.Table{table("a", row("1", "x")), table("log.a", row("1", "y"))},
			map[string][]mem.Table{"shop": {table("a", row("1", "x"))}, "log": {table("a", row("1", "y"))}}, nil, 2},
		"in a database that is missing": {[]mem.Table{table("a"), table("log.a")}, map[string][]mem.Table{"shop": {table("a")}},
			[]string{"table log.a of the file does not stand where it was put back"}, 0},
		"floating-point fields": {[]mem.Table{floats("0.1")}, map[string][]mem.Table{"": {floats("0.100000001")}}, nil, 1},
		"nothing came of it":    {two, nil, []string{"table a of the file does not stand where it was put back", "table b of the file does not stand where it was put back"}, 0},
	} {
		w, s := world(t, c.file, c.back, nil)
		got, err := trial.Try(t.Context(), w.Setup, s, "")
		require.NoError(t, err, name)
		require.Equal(t, c.faults, got.Faults, name)
		require.Equal(t, c.rows, got.Rows, name)
		require.Equal(t, "mem 1", got.Engine, name)
		require.True(t, got.TriedAt.Equal(w.Now), name)
	}
}

func TestWhatCannotBePutBack(t *testing.T) {
	w, s := world(t, nil, nil, fmt.Errorf("line 3: %w", connectors.ErrDamaged))
	got, err := trial.Try(t.Context(), w.Setup, s, "")
	require.NoError(t, err)
	require.Equal(t, []string{"line 3: damaged or incomplete"}, got.Faults)
	for _, cannot := range []error{errors.ErrUnsupported, connectors.ErrUnreachable} {
		w, s = world(t, nil, nil, cannot)
		_, err = trial.Try(t.Context(), w.Setup, s, "")
		require.ErrorIs(t, err, cannot)
	}
	s.Restore = func(context.Context, connectors.Source, string) (*connectors.Restored, error) {
		require.NoError(t, os.WriteFile(s.Path, []byte("another"), 0o600))
		return &connectors.Restored{}, nil
	}
	_, err = trial.Try(t.Context(), w.Setup, s, "")
	require.ErrorContains(t, err, "changed while it was tried")
}

// TestTrials: only what this keystore's runner signed counts, under the name of its backup, and not of a time to come.
func TestTrials(t *testing.T) {
	w, s := world(t, nil, nil, nil)
	held := tried.Trial{Source: s.Name, TriedAt: w.Now, Rows: 7}
	require.NoError(t, tried.Leave(w.Setup, held))
	list, err := tried.Read(w.Setup)
	require.NoError(t, err)
	got, ok := tried.Of(list, s.Name)
	require.True(t, ok)
	require.EqualValues(t, 7, got.Rows)
	require.True(t, tried.Newest(list, "dumps").Equal(w.Now))
	require.Zero(t, tried.Newest(list, "dump"))

	files, err := filepath.Glob(filepath.Join(w.Setup.State, "trials", "*.json"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	body, err := os.ReadFile(files[0])
	require.NoError(t, err)
	for name, change := range map[string]func(){
		"edited":       func() { require.NoError(t, os.WriteFile(files[0], append([]byte{}, flip(body, "7")...), 0o600)) },
		"cut":          func() { require.NoError(t, os.WriteFile(files[0], body[:40], 0o600)) },
		"of another":   func() { require.NoError(t, os.Rename(files[0], filepath.Join(filepath.Dir(files[0]), "0.json"))) },
		"days to come": func() { w.Now = w.Now.AddDate(0, 0, -2) },
	} {
		was := w.Now
		change()
		list, err = tried.Read(w.Setup)
		require.NoError(t, err, name)
		require.Empty(t, list, name)
		w.Now = was
		require.NoError(t, os.WriteFile(files[0], body, 0o600))
	}
	require.NoError(t, os.Remove(filepath.Join(filepath.Dir(files[0]), "0.json")))

	// What did not hold does not count as tried; what is long gone goes.
	w.Now = w.Now.AddDate(1, 2, 0)
	w.Setup.Sources = nil
	require.NoError(t, tried.Leave(w.Setup, tried.Trial{Source: "dumps/other", TriedAt: w.Now, Faults: []string{"x"}}))
	list, err = tried.Read(w.Setup)
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Zero(t, tried.Newest(list, "dumps"))
}

// flip changes the first place of a text.
func flip(body []byte, text string) []byte {
	for i := range body {
		if string(body[i:i+len(text)]) == text {
			out := append([]byte{}, body...)
			out[i]++
			return out
		}
	}
	return nil
}
