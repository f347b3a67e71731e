package execute

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline/change"
	"lethe/pipeline/judge"
)

// counted is a file of which the rewrites are counted.
type counted struct {
	connectors.Rewriter
	times    int
	verified bool
	before   func(time int) connectors.Rewriter // what stands there at a rewrite; nil: the same
}

func (c *counted) Rewrite(ctx context.Context, q []connectors.Query, edit connectors.EditFunc,
	verify func(connectors.Source) error) (connectors.RewriteReport, error) {
	c.times++
	if c.before != nil {
		c.Rewriter = c.before(c.times)
	}
	return c.Rewriter.Rewrite(ctx, q, edit, func(s connectors.Source) error {
		err := verify(s)
		c.verified = c.verified || err == nil
		return err
	})
}

// TestABackupIsRewrittenAgainOnlyWhereARowIsNotAsItWas has rows that are gone, and what the live store keeps.
func TestABackupIsRewrittenAgainOnlyWhereARowIsNotAsItWas(t *testing.T) {
	gone := func(table, k string, unit int64) change.Change {
		return change.Change{Table: table, Key: key(k), Op: judge.Delete, Unit: unit}
	}
	all := []change.Change{gone("customers", "1", 1), gone("orders", "1", 1), gone("orders", "2", 2)}
	for name, c := range map[string]struct {
		rows       []change.Change
		live       Kept
		recovering bool
		outcomes   string
		times      int
		left       []int // rows of customers and orders
		verified   bool
	}{
		"all are there": {rows: all, outcomes: "ddd", times: 1, left: []int{1, 0}, verified: true},
		"a row twice in the set": {rows: append(all[:2:2], gone("orders", "1", 1)), outcomes: "ddd", times: 1,
			left: []int{1, 1}, verified: true},
		"one is gone": {rows: append(all[:2:2], gone("orders", "9", 3)), outcomes: "ddg", times: 2, left: []int{1, 1},
			verified: true},
		"all are gone": {rows: []change.Change{gone("orders", "8", 1), gone("orders", "9", 2)}, outcomes: "gg", times: 2,
			left: []int{2, 2}},
		"an earlier run may have done it": {rows: []change.Change{gone("orders", "8", 1)}, recovering: true,
			outcomes: "r", times: 2, left: []int{2, 2}},
		"the live store refused one of a unit": {rows: all, live: Kept{Refused: map[int]Refusal{1: {Class: "TRIGGER"}}},
			outcomes: "ffd", times: 1, left: []int{2, 1}, verified: true},
		"the live store keeps one": {rows: all, live: Kept{Held: map[int]bool{2: true}}, outcomes: "dds", times: 1,
			left: []int{1, 1}, verified: true},
	} {
		t.Run(name, func(t *testing.T) {
			x := begun(t, 0, string(make([]byte, len(c.rows))), c.rows...)
			file := &counted{Rewriter: x.store.Conn.(connectors.Rewriter)}
			_, err := x.Backup(t.Context(), file, c.live, c.recovering, func() {})
			require.NoError(t, err)
			require.Equal(t, c.outcomes, string(x.outcomes))
			require.Equal(t, c.times, file.times)
			require.Equal(t, c.verified, file.verified)
			require.Len(t, x.Refused(0, len(c.rows)), len(c.live.Refused)*2, "all of the unit")
			for i, table := range []string{"customers", "orders"} {
				rows := 0
				for b, err := range x.store.Conn.Scan(t.Context(), connectors.Query{Table: table}) {
					require.NoError(t, err)
					rows += int(b.Rows.NumRows())
				}
				require.Equal(t, c.left[i], rows, table)
			}
		})
	}
}

// TestABackupThatIsNeverAsItWasIsLeft ends, and says so.
func TestABackupThatIsNeverAsItWasIsLeft(t *testing.T) {
	x := begun(t, 0, "\x00", change.Change{Table: "orders", Key: key("1"), Op: judge.Delete})
	orders := func(keys ...string) connectors.Rewriter {
		var rows []mem.Row
		for _, k := range keys {
			rows = append(rows, mem.Row{k})
		}
		return mem.New("crm", mem.Table{Def: connectors.Table{Name: "orders", Key: []string{"id"},
			Fields: []connectors.Field{{Name: "id", Kind: connectors.Integer}}}, Rows: rows})
	}
	file := &counted{before: func(time int) connectors.Rewriter {
		if time%2 == 1 {
			return orders("2")
		}
		return orders("1", "2")
	}}
	_, err := x.Backup(t.Context(), file, Kept{}, false, func() {})
	require.ErrorIs(t, err, connectors.ErrTransient)
	require.Equal(t, byte(0), x.outcomes[0], "nothing is known of it")
	require.False(t, file.verified)
}
