package execute

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline/change"
	"lethe/pipeline/execute/verdict"
	"lethe/pipeline/judge"
	"lethe/pipeline/plan"
	"lethe/pipeline/setup"
	"lethe/pipeline/stores"
)

func key(v string) connectors.Key { return connectors.MakeKey([]byte(v)) }

// begun is a transaction over the rows from a position on of two tables, customers and orders, each with the rows 1
// and 2.
func begun(t *testing.T, from int, outcomes string, rows ...change.Change) *transaction {
	field := func(name string, null bool) connectors.Field {
		return connectors.Field{Name: name, Kind: connectors.Integer, Nullable: null}
	}
	def := func(name, refers string) mem.Table {
		fields := []connectors.Field{field("id", false), field(refers, true)}
		return mem.Table{Def: connectors.Table{Name: name, Key: []string{"id"}, Fields: fields},
			Rows: []mem.Row{{"1", "2"}, {"2", "1"}}}
	}
	s := stores.NewStore(setup.Source{Name: "crm"})
	conn := mem.New("crm", def("customers", "last_order"), def("orders", "customer"))
	s.Conn = conn
	tables, err := conn.Tables(t.Context())
	require.NoError(t, err)
	s.Tables = tables
	x := New(s, change.SetOf(nil, rows...), []byte(outcomes), Options{})
	return &transaction{Executor: x, mutator: conn, from: from, to: len(rows), last: len(rows)}
}

func TestStepsNameWhatIsReferredToFirst(t *testing.T) {
	x := begun(t, 0, "", change.Change{Table: "customers", Level: 1, Key: key("1")},
		change.Change{Table: "orders", Key: key("1")}, change.Change{Table: "orders", Level: 2, Key: key("2")})
	var levels []int
	for _, s := range x.steps() {
		levels = append(levels, s.level)
	}
	require.Equal(t, []int{0, 1, 2}, levels, "edits are applied the other way round")
}

func TestReferencesInACircleAreEmptiedFirst(t *testing.T) {
	customer := func(k string) change.Change {
		return change.Change{Table: "customers", Key: key(k), Op: judge.Delete, Detach: []string{"last_order"}}
	}
	x := begun(t, 0, "", customer("1"), customer("2"))
	x.given = []verdict.Verdict{{Op: judge.Delete, Outcome: plan.Done}, {Outcome: plan.Drift}}
	x.seen = x.fresh()
	steps := x.steps()
	last := steps[len(steps)-1]
	require.True(t, last.detach, "what is named last is done first")
	for b, err := range x.store.Conn.Scan(t.Context(), x.query(last)) {
		require.NoError(t, err)
		e, err := x.edit(last, b, x.fresh())
		require.NoError(t, err)
		require.Equal(t, []connectors.Op{connectors.Update, connectors.Leave}, e.Ops, "what stays keeps its reference")
		require.Len(t, e.Set, 1)
		require.Equal(t, "last_order", e.Set[0].Field)
		require.Equal(t, []bool{true, false}, e.Set[0].Rows)
		require.True(t, e.Set[0].Values.IsNull(0))
	}
}

func TestWhatAnEarlierTransactionDidIsKnown(t *testing.T) {
	rows := make([]change.Change, 7)
	for i := range rows {
		rows[i] = change.Change{Table: "orders", Key: key("9")}
	}
	require.Equal(t, []verdict.Status{verdict.Ended, verdict.Ended, verdict.Ended, verdict.Gone, verdict.Drifted, verdict.Drifted, verdict.Agrees},
		begun(t, 6, "durgsf", rows...).fresh().Rows)
}

func TestDeletedRowsAreReadAgain(t *testing.T) {
	gone := func(k string) change.Change { return change.Change{Table: "orders", Key: key(k), Op: judge.Delete} }
	x := begun(t, 0, "drds", gone("1"), gone("2"), gone("3"), gone("1"))
	require.NoError(t, x.verify(t.Context()))
	require.Equal(t, "uuds", string(x.outcomes))
}

// lockedStore is a store in which another session holds rows.
type lockedStore struct {
	connectors.Mutator
	held []connectors.Key
	did  []connectors.Key
}

func (l *lockedStore) Mutate(_ context.Context, queries []connectors.Query, _ connectors.EditFunc,
	_ func() error) ([]connectors.Outcome, error) {
	for _, q := range queries {
		if slices.ContainsFunc(q.Keys.Tuples, func(k connectors.Key) bool { return slices.Contains(l.held, k) }) {
			return nil, &connectors.Error{Op: "mutate", Table: q.Table,
				Err: fmt.Errorf("%w: %w", connectors.ErrTransient, connectors.ErrLocked)}
		}
		l.did = append(l.did, q.Keys.Tuples...)
	}
	return nil, nil
}

func TestWhatAnotherSessionHoldsStaysAlone(t *testing.T) {
	var rows []change.Change
	for i := range 40 {
		rows = append(rows, change.Change{Table: "orders", Key: key(fmt.Sprint(i)), Unit: int64(i), Op: judge.Clear})
	}
	outcomes := func(held ...connectors.Key) (*lockedStore, *transaction, error) {
		x := begun(t, 0, strings.Repeat("\x00", len(rows)), rows...)
		l := &lockedStore{held: held}
		return l, x, x.Live(t.Context(), l, 0, len(rows), false)
	}
	l, x, err := outcomes(key("2"), key("30"))
	require.NoError(t, err)
	require.Len(t, l.did, 38, "all others go")
	for i, o := range x.outcomes {
		require.Equal(t, i == 2 || i == 30, o == plan.Locked, i)
	}
	waited, ends := x.Waited()
	require.Equal(t, []string{"orders", "orders"}, waited)
	require.NoError(t, ends)

	var all []connectors.Key
	for _, c := range rows {
		all = append(all, c.Key)
	}
	l, x, err = outcomes(all...)
	require.NoError(t, err, "the outcome of the chunk is known")
	require.Empty(t, l.did)
	waited, ends = x.Waited()
	require.Len(t, waited, maxLocked, "nobody waits for each of them")
	require.ErrorIs(t, ends, connectors.ErrLocked)
	require.Equal(t, strings.Repeat("l", len(rows)), string(x.outcomes))

	x = begun(t, 0, strings.Repeat("\x00", len(rows)), rows...)
	require.ErrorIs(t, x.Live(t.Context(), &lockedStore{held: all}, 0, len(rows), true), connectors.ErrLocked,
		"what an earlier run may have changed is not said to be as it was")
}
