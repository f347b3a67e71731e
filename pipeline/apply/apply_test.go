package apply

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline/journal"
	"lethe/pipeline/judge"
	"lethe/pipeline/plan"
	"lethe/pipeline/setup"
	"lethe/pipeline/stores"
)

// drawn makes an application of some governed rows, segments of dependents in the order of their roots, and
// owned parents.
func drawn(t *rapid.T) *application {
	a := &application{plan: &plan.Sealed{}}
	g := plan.Group{Table: "people"}
	add := func(kind plan.Kind, roots []int64) {
		table := fmt.Sprintf("t%d", len(g.Segments))
		rows := []judge.Planned{}
		for i, root := range roots {
			rows = append(rows, judge.Planned{Root: root, Key: connectors.Key(fmt.Sprint(table, " ", i))})
		}
		g.Segments = append(g.Segments, plan.Segment{Table: table, Kind: kind, Rows: int64(len(rows))})
		a.segments = append(a.segments, rows)
	}
	roots := rapid.IntRange(1, 20).Draw(t, "roots")
	var order []int64
	for i := range roots {
		order = append(order, int64(i))
	}
	add(plan.Root, order)
	for range rapid.IntRange(0, 3).Draw(t, "dependents") {
		var follow []int64
		for i := range roots {
			for range rapid.IntRange(0, 2).Draw(t, "rows") {
				follow = append(follow, int64(i))
			}
		}
		add(plan.Dependent, follow)
	}
	for range rapid.IntRange(0, 2).Draw(t, "owned") {
		add(plan.Owned, make([]int64, rapid.IntRange(1, 6).Draw(t, "parents")))
	}
	a.plan.Groups = []plan.Group{g}
	return a
}

// chunks cuts all units of an application as run does, in sizes that are drawn.
func chunks(t *rapid.T, a *application) (list []journal.Chunk) {
	for next := int64(0); next < a.units(); {
		size := rapid.Int64Range(1, 8).Draw(t, "size")
		c := journal.Chunk{First: next, Rows: min(size, a.stageEnd(next)-next)}
		require.Positive(t, c.Rows, "a chunk moves on")
		list = append(list, c)
		next += c.Rows
	}
	return list
}

// Whatever the sizes of the chunks, each planned row is in one of them, with its root and with the rows of
// its root, and owned parents come after all governed rows, alone.
func TestChunksHoldEachRowOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawn(t)
		got := make([][]judge.Planned, len(a.segments))
		for i := range got {
			got[i] = []judge.Planned{}
		}
		units := int64(0)
		for _, c := range chunks(t, a) {
			parts := a.parts(c)
			require.EqualValues(t, c.Rows, len(parts[0].rows), "a chunk counts its units")
			for _, p := range parts {
				require.Len(t, p.outcome, len(p.rows))
				require.NotContains(t, string(p.outcome), string(plan.Done))
				var at int
				_, err := fmt.Sscanf(p.table, "t%d", &at)
				require.NoError(t, err)
				require.Equal(t, a.plan.Groups[0].Segments[at].Kind, p.kind)
				got[at] = append(got[at], p.rows...)
				if p.kind == plan.Owned {
					require.Len(t, parts, 1)
					continue
				}
				for _, r := range p.rows {
					require.True(t, c.First <= r.Root && r.Root < c.First+c.Rows, "%v in %+v", r.Root, c)
				}
			}
			units += c.Rows
		}
		require.Equal(t, a.segments, got)
		require.Equal(t, a.units(), units)
	})
}

func TestStagesEndWhereASegmentOfUnitsDoes(t *testing.T) {
	a := &application{plan: &plan.Sealed{Document: plan.Document{Groups: []plan.Group{{Segments: []plan.Segment{
		{Kind: plan.Root}, {Kind: plan.Dependent}, {Kind: plan.Owned}, {Kind: plan.Owned}}}}}},
		segments: [][]judge.Planned{make([]judge.Planned, 3), make([]judge.Planned, 50),
			make([]judge.Planned, 2), make([]judge.Planned, 4)}}
	require.EqualValues(t, 9, a.units())
	for position, end := range []int64{3, 3, 3, 5, 5, 9, 9, 9, 9} {
		require.Equal(t, end, a.stageEnd(int64(position)), "from %d", position)
	}
}

// Halving again and again parts every root from the others, with its dependents, and what is written into a
// half stands in the whole.
func TestHalvesShareTheOutcomesOfTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawn(t)
		c := chunks(t, a)[0]
		whole := a.parts(c)
		mark := byte(0)
		var alone func(parts []part)
		alone = func(parts []part) {
			if len(parts[0].rows) > 1 {
				low, high := halve(parts)
				require.NotEmpty(t, low[0].rows)
				require.NotEmpty(t, high[0].rows)
				alone(low)
				alone(high)
				return
			}
			mark++
			for _, p := range parts {
				for i, r := range p.rows {
					require.Equal(t, parts[0].rows[0].Root, r.Root)
					require.Zero(t, p.outcome[i], "a row is in one half")
					p.outcome[i] = mark
				}
			}
		}
		alone(whole)
		require.EqualValues(t, c.Rows, mark)
		for _, p := range whole {
			for i, r := range p.rows {
				require.EqualValues(t, r.Root-c.First+1, p.outcome[i], "in the order of the roots")
			}
		}
	})
}

func TestChunksFollowTheTimeTheyTake(t *testing.T) {
	for _, c := range []struct {
		size int64
		took time.Duration
		next int64
	}{
		{200, chunkTime + 1, 100},
		{1, time.Hour, 1},
		{200, chunkTime, 200},
		{200, chunkTime / 3, 200},
		{200, chunkTime/3 - 1, 400},
		{4000, 0, maxRoots},
	} {
		require.Equal(t, c.next, nextSize(c.size, c.took), "%d in %s", c.size, c.took)
	}
}

func TestRetryWaitsLongerEachTimeAndGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var again retry
		for i := 1; i <= 8; i++ {
			began := time.Now()
			require.NoError(t, again.after(t.Context(), fmt.Errorf("deadlock: %w", connectors.ErrTransient)))
			require.Equal(t, time.Duration(i)*50*time.Millisecond, time.Since(began))
		}
		require.ErrorIs(t, again.after(t.Context(), connectors.ErrTransient), connectors.ErrTransient)
	})
	var again retry
	for _, err := range []error{connectors.ErrRefused, connectors.ErrSchemaChanged, context.DeadlineExceeded} {
		require.ErrorIs(t, again.after(t.Context(), err), err)
	}
}

func TestRetryEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Millisecond, cancel)
		began := time.Now()
		var again retry
		require.ErrorIs(t, again.after(ctx, connectors.ErrTransient), context.Canceled)
		require.Equal(t, 10*time.Millisecond, time.Since(began))
	})
}

// moody fails before it changes anything.
type moody struct {
	connectors.Mutator
	fail func(time int) error
	time int
}

func (m *moody) Mutate(ctx context.Context, q []connectors.Query, e connectors.EditFunc, confirm func() error) (
	[]connectors.Outcome, error,
) {
	m.time++
	if err := m.fail(m.time); err != nil {
		return nil, err
	}
	return m.Mutator.Mutate(ctx, q, e, confirm)
}

// addresses is a store of three parents, of which the second is still referred to.
func addresses(t *testing.T, fail func(time int) error) (*application, *part) {
	t.Helper()
	id := connectors.Field{Name: "id", Type: "int", Kind: connectors.Integer}
	at := connectors.Field{Name: "address", Type: "int", Kind: connectors.Integer, Nullable: true}
	store := mem.New("crm",
		mem.Table{Def: connectors.Table{Name: "people", Fields: []connectors.Field{id, at}, Key: []string{"id"},
			ForeignKeys: []connectors.ForeignKey{{Name: "fk", Fields: []string{"address"}, RefTable: "addresses",
				RefFields: []string{"id"}, OnDelete: "RESTRICT"}}}, Rows: []mem.Row{{"1", "8"}, {"2", nil}}},
		mem.Table{Def: connectors.Table{Name: "addresses", Fields: []connectors.Field{id}, Key: []string{"id"}},
			Rows: []mem.Row{{"7"}, {"8"}}})
	tables, err := store.Tables(t.Context())
	require.NoError(t, err)
	s := stores.NewStore(setup.Source{Name: "crm"})
	s.Conn, s.Tables = store, tables
	p := &part{table: "addresses", kind: plan.Owned, outcome: make([]byte, 3)}
	for _, key := range []string{"7", "8", "9"} {
		p.rows = append(p.rows, judge.Planned{Key: connectors.MakeKey([]byte(key)), Change: judge.Delete})
	}
	return &application{store: s, mutator: &moody{Mutator: store, fail: fail}}, p
}

func TestOwnedParentsGoIfNothingRefersToThem(t *testing.T) {
	deadlock := func(times int) func(int) error {
		return func(time int) error {
			if time <= times {
				return connectors.ErrTransient
			}
			return nil
		}
	}
	for _, c := range []struct {
		name       string
		fail       func(time int) error
		recovering bool
		want       string
		err        error
	}{
		{"at once", deadlock(0), false, "dsg", nil},
		{"after an interruption", deadlock(0), true, "dsr", nil},
		{"after deadlocks", deadlock(8), false, "dsg", nil},
		{"never", deadlock(9), false, "\x00\x00\x00", connectors.ErrTransient},
		{"refused", func(int) error { return connectors.ErrRefused }, false, "fff", nil},
		{"gone away", func(int) error { return connectors.ErrUnreachable }, false, "\x00\x00\x00",
			connectors.ErrUnreachable},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, p := addresses(t, c.fail)
				err := a.releaseOwned(t.Context(), p, c.recovering)
				require.True(t, errors.Is(err, c.err), "%v", err)
				require.Equal(t, c.want, string(p.outcome))
			})
		})
	}
}
