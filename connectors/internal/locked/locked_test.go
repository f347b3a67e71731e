package locked

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/connectors"
)

var people = connectors.Table{Name: "people", Key: []string{"id"},
	Fields: []connectors.Field{{Name: "id", Kind: connectors.Integer}, {Name: "boss", Kind: connectors.Integer},
		{Name: "name", Kind: connectors.Text}, {Name: "low", Kind: connectors.Text, Generated: true}},
	ForeignKeys: []connectors.ForeignKey{{Fields: []string{"boss"}, RefTable: "people", RefFields: []string{"id"}},
		{Fields: []string{"boss"}, RefTable: "others", RefFields: []string{"id"}}}}

func key(n int) connectors.Key { return connectors.MakeKey([]byte(fmt.Sprint(n))) }

// read makes the rows 0 to n-1, each with the number of its boss; -1 none.
func read(t require.TestingT, bosses []int) *Rows {
	q := connectors.Query{Table: "people", Keys: &connectors.Keys{Fields: []string{"id"}}}
	for n := range bosses {
		q.Keys.Tuples = append(q.Keys.Tuples, key(n))
	}
	r, err := New(q, people, func(fields []string) []int {
		return []int{slices.IndexFunc(people.Fields, func(f connectors.Field) bool { return f.Name == fields[0] })}
	})
	require.NoError(t, err)
	for n, boss := range bosses {
		require.NoError(t, r.Add(10, func(places []int) (connectors.Key, error) {
			switch {
			case places[0] == 0:
				return key(n), nil
			case boss < 0:
				return "", nil
			}
			return key(boss), nil
		}))
	}
	return r
}

func TestWhatIsReferredToIsDeletedLast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 12).Draw(t, "rows")
		bosses := rapid.SliceOfN(rapid.IntRange(-1, max(n-1, 0)), n, n).Draw(t, "bosses")
		ops := rapid.SliceOfN(rapid.SampledFrom([]connectors.Op{connectors.Leave, connectors.Update, connectors.Delete}), n, n).
			Draw(t, "operations")
		most, ring := rapid.IntRange(1, 4).Draw(t, "most"), rapid.IntRange(0, 4).Draw(t, "ring")
		statements := read(t, bosses).Deletes(ops, most, ring)

		at := map[int]int{}
		for i, rows := range statements {
			require.LessOrEqual(t, len(rows), max(most, ring, n*(1-min(ring, 1))))
			for _, row := range rows {
				require.NotContains(t, at, row, "a row goes twice")
				require.Equal(t, connectors.Delete, ops[row])
				at[row] = i
			}
		}
		for row, op := range ops {
			require.Equal(t, op == connectors.Delete, slices.ContainsFunc(statements, func(rows []int) bool {
				return slices.Contains(rows, row)
			}))
			boss := bosses[row]
			if op == connectors.Delete && boss >= 0 && boss != row && ops[boss] == connectors.Delete && !ringed(bosses, ops, row) {
				require.Less(t, at[row], at[boss], "row %d goes after its boss", row)
			}
			if ring == 0 && op == connectors.Delete && ringed(bosses, ops, row) {
				require.Equal(t, at[row], at[bosses[row]], "a ring is torn apart")
			}
		}
	})
}

// ringed says whether a row is above itself, by other rows that go too.
func ringed(bosses []int, ops []connectors.Op, row int) bool {
	at := row
	for range len(bosses) {
		next := bosses[at]
		if next < 0 || ops[next] != connectors.Delete || ops[at] != connectors.Delete {
			return false
		}
		if next == row {
			return at != row
		}
		at = next
	}
	return false
}

func texts(values ...string) *array.Binary {
	b := array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary)
	for _, v := range values {
		if v == "NULL" {
			b.AppendNull()
		} else {
			b.Append([]byte(v))
		}
	}
	return b.NewBinaryArray()
}

func anything(string) (func([]byte) error, error) { return func([]byte) error { return nil }, nil }

func TestRowsThatSetTheSameFieldsShareAGroup(t *testing.T) {
	r := read(t, []int{-1, -1, -1, -1})
	edit := connectors.Edit{Ops: []connectors.Op{connectors.Update, connectors.Update, connectors.Delete, connectors.Update},
		Set: []connectors.Assignment{
			{Field: "name", Rows: []bool{true, false, false, true}, Values: texts("a", "", "", "NULL")},
			{Field: "boss", Rows: []bool{true, false, false, true}, Values: texts("1", "", "", "2")}}}
	require.NoError(t, r.Check(&edit))
	groups, err := r.Groups(edit, anything)
	require.NoError(t, err)
	require.Len(t, groups, 1) // a row that sets nothing has no statement
	require.Equal(t, []int{0, 3}, groups[0].Rows)
	require.Len(t, groups[0].Set, 2)
	require.Equal(t, [][]int{{0, 3}}, groups[0].Cut(10, 1000))
	require.Equal(t, [][]int{{0}, {3}}, groups[0].Cut(1, 1000))
	require.Equal(t, [][]int{{0}, {3}}, groups[0].Cut(10, 1), "a statement ends when its values are long")
}

func TestAStatementThatSetsTheKeyHasOneRow(t *testing.T) {
	r := read(t, []int{-1, -1})
	groups, err := r.Groups(connectors.Edit{Ops: []connectors.Op{connectors.Update, connectors.Update},
		Set: []connectors.Assignment{{Field: "id", Rows: []bool{true, true}, Values: texts("1", "0")}}}, anything)
	require.NoError(t, err)
	require.Equal(t, [][]int{{0}, {1}}, groups[0].Cut(100, 1000))
}

func TestAnEditThatDoesNotFitIsRefused(t *testing.T) {
	fixed := func(field string) (func([]byte) error, error) {
		if field == "boss" {
			return nil, fmt.Errorf("numbered: %w", connectors.ErrConfig)
		}
		return func(v []byte) error {
			if string(v) == "bad" {
				return errors.New("not a name")
			}
			return nil
		}, nil
	}
	update := []connectors.Op{connectors.Update}
	set := func(field, value string) []connectors.Assignment {
		return []connectors.Assignment{{Field: field, Rows: []bool{true}, Values: texts(value)}}
	}
	for said, edit := range map[string]connectors.Edit{
		"edit answers with 2 operations for 1 rows": {Ops: make([]connectors.Op, 2)},
		"no field x: ": {Ops: update, Set: set("x", "a")},
		"field low is computed and cannot be set: ":                     {Ops: update, Set: set("low", "a")},
		"field boss cannot be set: numbered: ":                          {Ops: update, Set: set("boss", "1")},
		"new value of field name: not a name":                           {Ops: update, Set: set("name", "bad")},
		"edit sets field name in a row that it does not update":         {Set: set("name", "a")},
		"edit sets field name in 1 rows to 2 values, but there are 1 r": {Ops: update, Set: []connectors.Assignment{{Field: "name", Rows: []bool{true}, Values: texts("a", "b")}}},
	} {
		r := read(t, []int{-1})
		err := r.Check(&edit)
		if err == nil {
			_, err = r.Groups(edit, fixed)
		}
		require.ErrorContains(t, err, said)
	}
}

func TestOutcomes(t *testing.T) {
	r := read(t, []int{-1, -1})
	r.Query.Keys.Tuples = []connectors.Key{key(1), key(7), key(1000), key(0)}
	outcomes, err := r.Outcomes([]int{3, 0}, []connectors.Op{connectors.Delete, connectors.Leave}, func(k connectors.Key) (connectors.Key, error) {
		t.Fatal("nothing to ask the server")
		return "", nil
	})
	require.NoError(t, err)
	status := func() (s []connectors.Status) {
		for _, o := range outcomes {
			s = append(s, o.Status)
		}
		return s
	}
	require.Equal(t, []connectors.Status{connectors.Left, connectors.Gone, connectors.Gone, connectors.Done}, status())

	r.Keys[1] = key(5) // a row read by the key 1, which the server holds equal
	r.Query.Keys.Tuples = []connectors.Key{key(1), key(8), key(0)}
	ask := func(asked connectors.Key) (connectors.Key, error) {
		if asked == key(8) {
			return key(5), nil
		}
		return "", nil
	}
	outcomes, err = r.Outcomes([]int{2, 0}, []connectors.Op{connectors.Delete, connectors.Delete}, ask)
	require.NoError(t, err)
	require.Equal(t, []connectors.Status{connectors.Done, connectors.Done, connectors.Done}, status())
}

func TestAStatementNeverMeetsMoreThanItNames(t *testing.T) {
	r := read(t, []int{-1})
	missed, err := r.Met(3, 1)
	require.NoError(t, err)
	require.Equal(t, 2, missed)
	for _, met := range []int64{4, -1} {
		_, err = r.Met(3, met)
		require.ErrorIs(t, err, connectors.ErrRefused)
	}
	require.ErrorIs(t, r.Missed(2), connectors.ErrRefused)
}

func TestRowsOfOneTransactionAreBounded(t *testing.T) {
	r := read(t, []int{-1})
	none := func([]int) (connectors.Key, error) { return key(0), nil }
	require.NoError(t, r.Add(mostBytes-10, none))
	require.ErrorContains(t, r.Add(1, none), "name fewer keys")
}

func TestRowsThatCannotBeNamed(t *testing.T) {
	_, err := New(connectors.Query{}, people, nil)
	require.ErrorIs(t, err, connectors.ErrConfig)
	_, err = New(connectors.Query{Keys: &connectors.Keys{}}, connectors.Table{Name: "log"}, nil)
	require.ErrorIs(t, err, errors.ErrUnsupported)
}
