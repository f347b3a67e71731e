package verdict

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/change"
	"lethe/pipeline/judge"
	"lethe/pipeline/plan"
)

// unit is a line that refers to an order, which refers to a person, who owns an address.
func unit(order, person change.Ref) *change.Set {
	return change.SetOf([]change.Edge{{Child: "line", Fields: []string{"order"}},
		{Child: "order", Fields: []string{"person"}}, {Child: "person", Fields: []string{"address"}}},
		[]change.Change{
			{Kind: change.Dependent, Table: "line", Op: judge.Delete, Refs: []change.Ref{order}},
			{Kind: change.Dependent, Table: "order", Op: judge.Delete, Refs: []change.Ref{person}},
			{Kind: change.Root, Table: "person", Op: judge.Delete, Refs: []change.Ref{{Row: 3, Edge: 2, Owns: true}}},
			{Kind: change.Owned, Table: "address", Op: judge.Delete},
		}...)
}

func TestOf(t *testing.T) {
	follows := func(row, edge int) change.Ref { return change.Ref{Row: row, Edge: edge, Does: change.Follows} }
	const done, drift, gone, recovered = plan.Done, plan.Drift, plan.Gone, plan.Recovered
	for name, c := range map[string]struct {
		seen       func(*View)
		recovering bool
		want       []byte // of line, order, person, address
	}{
		"all as planned":            {func(*View) {}, false, []byte{done, done, done, done}},
		"the person changed":        {func(v *View) { v.Rows[2] = Drifted }, false, []byte{drift, drift, drift, drift}},
		"the person is gone":        {func(v *View) { v.Rows[2] = Gone }, false, []byte{drift, drift, gone, drift}},
		"an earlier run erased it":  {func(v *View) { v.Rows[2] = Gone }, true, []byte{drift, drift, recovered, drift}},
		"this plan erased it":       {func(v *View) { v.Rows[2] = Ended }, false, []byte{done, done, gone, done}},
		"the order is gone":         {func(v *View) { v.Rows[1] = Gone }, false, []byte{drift, gone, done, done}},
		"the line moved":            {func(v *View) { v.Refs[0] = []Hold{Moved} }, false, []byte{drift, done, done, done}},
		"the order's number is new": {func(v *View) { v.Apart[Ref{0, 0}] = true }, false, []byte{drift, done, done, done}},
		"another line came":         {func(v *View) { v.Late[1] = true }, false, []byte{drift, drift, drift, drift}},
		"the address is another's":  {func(v *View) { v.Late[3] = true }, false, []byte{done, done, done, drift}},
		"the address is not its":    {func(v *View) { v.Refs[2] = []Hold{Moved} }, false, []byte{done, done, done, drift}},
		"a line refers to it by now": {func(v *View) { v.Rows[0], v.Others[2] = Drifted, []int{0} }, false,
			[]byte{drift, drift, drift, drift}},
	} {
		t.Run(name, func(t *testing.T) {
			v := NewView(0, 4)
			c.seen(v)
			var got []byte
			for i, now := range Of(unit(follows(1, 0), follows(2, 1)), v, c.recovering) {
				got = append(got, now.Outcome)
				require.Equal(t, now.Outcome == done, now.Op == judge.Delete, "%d", i)
			}
			require.Equal(t, string(c.want), string(got))
		})
	}
}

func TestOfForgets(t *testing.T) {
	forgets := change.Ref{Row: 1, Does: change.Forgets}
	for name, c := range map[string]struct {
		row  Status
		ref  Hold
		want byte
	}{
		"it goes": {Agrees, Refers, plan.Done}, "it is gone": {Gone, Refers, plan.Drift}, "it stays": {Drifted, Refers, plan.Drift},
		"it refers to another": {Agrees, Moved, plan.Drift}, "it is empty": {Agrees, Emptied, plan.Done},
	} {
		set := change.SetOf([]change.Edge{{Child: "order", Fields: []string{"seller"}}}, []change.Change{
			{Kind: change.Dependent, Table: "order", Op: judge.SetNull, Refs: []change.Ref{forgets}},
			{Kind: change.Root, Table: "person", Op: judge.Delete}}...)
		v := NewView(0, 2)
		v.Rows[1], v.Refs[0] = c.row, []Hold{c.ref}
		now := Of(set, v, false)[0]
		require.Equal(t, string(c.want), string(now.Outcome), name)
		require.Equal(t, c.want == plan.Done && c.ref == Refers, len(now.Nulls) == 1, name)
	}
}
