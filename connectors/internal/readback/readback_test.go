package readback

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
)

var people = connectors.Table{Name: "people", Key: []string{"id"}, Fields: []connectors.Field{
	{Name: "id", Kind: connectors.Integer}, {Name: "email", Kind: connectors.Text, Nullable: true}}}

func key(v string) connectors.Key { return connectors.MakeKey([]byte(v)) }

func column(values ...any) *connectors.Column {
	col := new(connectors.Column)
	for _, v := range values {
		if v == nil {
			col.AppendNull()
		} else {
			col.Append([]byte(v.(string)))
		}
	}
	return col
}

// written are three rows: the first is emptied, the second deleted, the third left.
func written(t *testing.T) Query {
	var rows Rows
	rows.Add(people, []connectors.Key{key("1"), key("2"), key("3")}, connectors.Edit{
		Ops: []connectors.Op{connectors.Update, connectors.Delete, connectors.Leave},
		Set: []connectors.Assignment{{Field: "email", Rows: []bool{true, false, false},
			Values: column(nil, nil, nil).Array()}}})
	rows.Add(people, []connectors.Key{key("1")}, connectors.Edit{Ops: []connectors.Op{connectors.Update},
		Set: []connectors.Assignment{{Field: "email", Rows: []bool{true}, Values: column("overwritten").Array()}}})
	queries := rows.Queries(false)
	require.Len(t, queries, 1)
	require.Equal(t, []connectors.Key{key("1"), key("2")}, queries[0].Keys.Tuples)
	require.Equal(t, []string{"id", "email"}, queries[0].Fields)
	return queries[0]
}

func TestRowsAreHeldAgainstWhatWasWritten(t *testing.T) {
	for name, c := range map[string]struct {
		id     string
		email  any
		tuple  int
		reason string
	}{
		"as written":  {"1", nil, 0, ""},
		"put back":    {"1", "ada@example.org", 0, "field email does not hold what was written"},
		"emptied":     {"1", "", 0, "field email does not hold what was written"},
		"still there": {"2", nil, 1, "a row to delete is still there"},
	} {
		t.Run(name, func(t *testing.T) {
			q := written(t)
			builder, err := connectors.NewBuilder(people, q.Fields)
			require.NoError(t, err)
			builder.Append(0, []byte(c.id))
			if c.email == nil {
				builder.AppendNull(1)
			} else {
				builder.Append(1, []byte(c.email.(string)))
			}
			builder.EndRow()
			b := builder.Batch("")
			b.Tuples = []int{c.tuple}
			err = q.Check(b)
			if c.reason == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.reason)
			var refused *connectors.RefusedError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, connectors.RefusedError{Class: connectors.RefusedTrigger, By: "people"}, *refused)
			require.NotContains(t, err.Error(), "example.org")
		})
	}
}

func TestARowIsFollowedToItsNewKey(t *testing.T) {
	var rows Rows
	rows.Add(people, []connectors.Key{key("1")}, connectors.Edit{Ops: []connectors.Op{connectors.Update},
		Set: []connectors.Assignment{{Field: "id", Rows: []bool{true}, Values: column("9").Array()}}})
	require.Equal(t, []connectors.Key{key("9")}, rows.Queries(false)[0].Keys.Tuples)
}

func TestWhatAnEngineMakesOfAValueIsAlike(t *testing.T) {
	for _, c := range []struct {
		kind      connectors.Kind
		want, got string
		alike     bool
	}{
		{connectors.Text, "201**", "201**", true},
		{connectors.Text, "x", "x  ", true},
		{connectors.Text, "ada", "Ada", false},
		{connectors.Text, "", "ada", false},
		{connectors.Integer, "07", "7", true},
		{connectors.Integer, "7", "8", false},
		{connectors.Decimal, "5", "5.00", true},
		{connectors.Decimal, "5", "5.01", false},
		{connectors.Float, "3.14159265", "3.14159", true},
		{connectors.Float, "3.14", "3.15", false},
		{connectors.Date, "2026-01-01", "2026-01-01 00:00:00", true},
		{connectors.Timestamp, "2026-01-01", "2026-01-01 00:00:00", true},
		{connectors.Timestamp, "2026-01-01 00:00:00", "2026-05-07 12:00:00", false},
		{connectors.JSON, `{"a":1}`, `{"a": 1}`, true},
		{connectors.JSON, `{"a":1}`, `{"a": 2}`, false},
		{connectors.Bit, "1", "0001", true},
		{connectors.Bit, "0", "1", false},
	} {
		require.Equal(t, c.alike, alike(c.kind, c.want, []byte(c.got)), "%s %s %s", c.kind, c.want, c.got)
	}
}
