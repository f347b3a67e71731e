package dumpfile

import (
	"bytes"
	"context"
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/connectortest"
	"lethe/connectors/internal/keyset"
	"lethe/connectors/internal/textfile"
)

// lines is a dump with a row of one field a line: the table's name, a space, the value.
type lines struct{ surveys *int }

var errBroken = errors.New("broken")

type lineTable struct{ Entry }

type lineTarget struct {
	*lineTable
	Target
}

func (l lines) Survey(ctx context.Context, path string) (tables []*lineTable, err error) {
	text, err := l.Open(path)
	if err != nil {
		return nil, err
	}
	err = Pass(ctx, text, func(w *textfile.Window) error {
		tables, err = l.survey(w)
		return err
	})
	return tables, err
}

func (l lines) survey(w *textfile.Window) ([]*lineTable, error) {
	*l.surveys++
	var tables []*lineTable
	found := map[TableID]*lineTable{}
	err := each(w, func(id TableID, _ []byte) error {
		if found[id] == nil {
			found[id] = &lineTable{Entry{ID: id}}
			found[id].Fields = []connectors.Field{{Name: "v", Kind: connectors.Text}}
			found[id].Report(func(id TableID) string { return id.Name }, "/backups/crm.sql.gz")
			tables = append(tables, found[id])
		}
		found[id].Seen++
		return nil
	})
	Sort(tables, nil)
	return tables, err
}

func (lines) Target(t *lineTable, q connectors.Query) (*lineTarget, error) {
	g, err := NewTarget(&t.Entry, q, func([]int) keyset.Fold { return nil })
	return &lineTarget{lineTable: t, Target: g}, err
}

func (l lines) Walk(ctx context.Context, path string, targets map[TableID]*lineTarget, batches *Batches) error {
	text, err := l.Open(path)
	if err != nil {
		return err
	}
	return Pass(ctx, text, func(w *textfile.Window) error { return l.walk(w, targets, batches) })
}

func (lines) walk(w *textfile.Window, targets map[TableID]*lineTarget, batches *Batches) error {
	err := each(w, func(id TableID, value []byte) error {
		g := targets[id]
		if g == nil {
			return batches.Flush()
		}
		if err := batches.Begin(&g.Target); err != nil || !g.Reached() {
			return err
		}
		for range g.Keyed {
			g.AddKey(value)
		}
		if found, err := g.Found(); !found {
			return err
		}
		for col := range g.Wanted {
			g.Builder.Append(col, value)
		}
		g.Builder.EndRow()
		return batches.End()
	})
	if err != nil {
		return err
	}
	return batches.Flush()
}

func (lines) Open(path string) (*textfile.Text, error) { return textfile.Open(path) }

func (lines) Hint(err error) string {
	if errors.Is(err, errBroken) {
		return "mend it"
	}
	return ""
}

// each reads a window whose text is small.
func each(w *textfile.Window, row func(id TableID, value []byte) error) error {
	for !w.EOF() {
		if err := w.More(); err != nil && !w.EOF() {
			return err
		}
	}
	for line := range bytes.Lines(w.Rest()) {
		name, value, ok := bytes.Cut(bytes.TrimSpace(line), []byte(" "))
		if !ok {
			return errBroken
		}
		if err := row(TableID{Name: string(name)}, value); err != nil {
			return err
		}
	}
	return nil
}

func dump(t *testing.T, text string) (s *Source[*lineTable, *lineTarget], surveys *int) {
	surveys = new(int)
	path := connectortest.WriteFile(t, "x.sql", []byte(text))
	return &Source[*lineTable, *lineTarget]{Name: "crm", Path: path, Format: lines{surveys}}, surveys
}

// scan returns the rows of each batch.
func scan(t *testing.T, s connectors.Source, q ...connectors.Query) (batches [][]string, err error) {
	for b, err := range s.Scan(t.Context(), q...) {
		if err != nil {
			return batches, err
		}
		batches = append(batches, append([]string{b.Table, string(b.Next)}, connectortest.Texts(b)...))
	}
	return batches, nil
}

// The catalog is sorted, counts the rows, and is read anew when the file has changed or is opened again.
func TestTables(t *testing.T) {
	s, surveys := dump(t, "b 1\na 2\nb 3\n")
	for range 2 {
		tables, err := s.Tables(t.Context())
		require.NoError(t, err)
		require.Len(t, tables, 2)
		require.Equal(t, "a", tables[0].Name)
		require.Equal(t, "crm", tables[0].Database, "a file that names no database stands for one")
		require.EqualValues(t, 2, tables[1].Rows)
	}
	require.Equal(t, 1, *surveys)
	require.NoError(t, s.Close())
	require.NoError(t, os.WriteFile(s.Path, nil, 0o600))
	for range 2 {
		tables, err := s.Tables(t.Context())
		require.NoError(t, err)
		require.Empty(t, tables)
	}
	require.Equal(t, 2, *surveys, "what is known may be nothing")
}

func TestScan(t *testing.T) {
	s, _ := dump(t, "a 1\na 2\na 3\nb x\na 4\nc y\n")
	a := connectors.Query{Table: "a"}
	for name, tc := range map[string]struct {
		q    []connectors.Query
		want [][]string
	}{
		"a batch ends where another table begins": {[]connectors.Query{a, {Table: "b"}},
			[][]string{{"a", "3", "1", "2", "3"}, {"b", "1", "x"}, {"a", "4", "4"}}},
		"and where nobody asks": {[]connectors.Query{a}, [][]string{{"a", "3", "1", "2", "3"}, {"a", "4", "4"}}},
		"or is full": {[]connectors.Query{{Table: "a", MaxRows: 2}},
			[][]string{{"a", "2", "1", "2"}, {"a", "3", "3"}, {"a", "4", "4"}}},
		"behind a cursor": {[]connectors.Query{{Table: "a", After: "2"}}, [][]string{{"a", "3", "3"}, {"a", "4", "4"}}},
		"by keys": {[]connectors.Query{{Table: "a", Keys: &connectors.Keys{Fields: []string{"v"},
			Tuples: []connectors.Key{connectors.MakeKey([]byte("4"))}}}}, [][]string{{"a", "4", "4"}}},
		"nothing": {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := scan(t, s, tc.q...)
			require.NoError(t, err)
			require.Equal(t, tc.want, got)
		})
	}
	for range s.Scan(t.Context(), a) {
		break // ends without a further pair
	}
}

func TestScanRefuses(t *testing.T) {
	s, _ := dump(t, "a 1\n")
	for name, tc := range map[string]struct {
		q  []connectors.Query
		is error
	}{
		"a table that is not there": {[]connectors.Query{{Table: "z"}}, connectors.ErrSchemaChanged},
		"a field that is not there": {[]connectors.Query{{Table: "a", Fields: []string{"z"}}},
			connectors.ErrSchemaChanged},
		"a key of another field": {[]connectors.Query{{Table: "a", Keys: &connectors.Keys{Fields: []string{"z"}}}},
			connectors.ErrSchemaChanged},
		"a table twice":              {[]connectors.Query{{Table: "a"}, {Table: "a"}}, connectors.ErrConfig},
		"the cursor of another kind": {[]connectors.Query{{Table: "a", After: "x"}}, connectors.ErrConfig},
	} {
		_, err := scan(t, s, tc.q...)
		require.ErrorIs(t, err, tc.is, name)
		require.ErrorContains(t, err, "scan crm table ", name)
	}
}

// An error has its place and the hint of the format once.
func TestFail(t *testing.T) {
	s, _ := dump(t, "broken\n")
	_, err := s.Tables(t.Context())
	require.ErrorIs(t, err, errBroken)
	require.EqualError(t, err, "catalog crm: broken (mend it)")
	require.Equal(t, err, s.Fail("scan", "t", err, "another"))
	require.ErrorContains(t, s.Fail("catalog", "", ErrNoFields, ""), "`schema:`")
}

// The places of the fields are those of the statement at hand.
func TestLearn(t *testing.T) {
	e := &Entry{Table: connectors.Table{Name: "t", Fields: []connectors.Field{{Name: "a"}, {Name: "b"}, {Name: "c"}}}}
	g, err := NewTarget(e, connectors.Query{Table: "t", Fields: []string{"c"}}, nil)
	require.NoError(t, err)
	require.False(t, g.Knows(nil), "not before the first statement")
	require.False(t, g.Changes([]string{"a"}))
	require.NoError(t, g.Learn(3, []string{"c", "a"}, e.Index))
	require.Equal(t, []int{1, -1, 0}, g.Place)
	require.Equal(t, 2, g.Arity)
	require.True(t, g.Knows([]string{"c", "a"}))
	require.True(t, g.Changes(nil))
	require.ErrorIs(t, g.Learn(3, []string{"d"}, e.Index), connectors.ErrDamaged)
}
