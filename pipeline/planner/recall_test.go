package planner

import (
	"math"
	"testing"

	"filippo.io/age"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/change"
	"lethe/pipeline/judge"
	"lethe/pipeline/plan"
	"lethe/pipeline/setup"
	"lethe/pipeline/waiting"
)

// TestTheGovernedRowsOfASet finds them in a set that is as it was sealed, and none in one whose rows refer out of their
// unit or that lacks some.
func TestTheGovernedRowsOfASet(t *testing.T) {
	root := func(key string, unit int64, op judge.Change) change.Change {
		return change.Change{Unit: unit, Kind: change.Root, Silo: "s", Table: "people", Key: connectors.Key(key), Op: op}
	}
	child := func(key string, unit int64, to, edge int) change.Change {
		return change.Change{Unit: unit, Kind: change.Dependent, Silo: "s", Table: "orders", Key: connectors.Key(key),
			Op: judge.Delete, Refs: []change.Ref{{Row: to, Edge: edge}}}
	}
	for name, c := range map[string]struct {
		rows    []change.Change
		lacking int64
		sound   bool
	}{
		"nothing": {sound: true},
		"two units": {sound: true, rows: []change.Change{child("1", 0, 1, 0), root("a", 0, judge.Delete),
			root("b", 2, judge.Anonymize)}},
		"the last refers beyond": {rows: []change.Change{root("a", 0, judge.Delete), child("1", 0, 2, 0)}},
		"to a later unit":        {rows: []change.Change{child("1", 0, 1, 0), root("a", 1, judge.Delete)}},
		"to an earlier unit":     {rows: []change.Change{root("a", 0, judge.Delete), child("1", 1, 0, 0)}},
		"to the last number":     {rows: []change.Change{child("1", 0, math.MaxInt, 0)}},
		"to no row":              {rows: []change.Change{child("1", 0, -1, 0)}},
		"by no edge":             {rows: []change.Change{child("1", 0, 0, 1)}},
		"some lack":              {rows: []change.Change{root("a", 0, judge.Delete)}, lacking: 1},
	} {
		t.Run(name, func(t *testing.T) {
			identity, err := age.GenerateX25519Identity()
			require.NoError(t, err)
			folder := t.TempDir()
			w, err := plan.NewWriter(folder, "000", plan.Set{Source: "crm", Edges: make([]change.Edge, 1)},
				identity.Recipient(), nil)
			require.NoError(t, err)
			for _, row := range c.rows {
				require.NoError(t, w.Add(row, audit.Action{}, plan.Why{}))
			}
			s, err := w.Close()
			require.NoError(t, err)
			s.Rows += c.lacking
			var rows waiting.Rows
			err = governed(&plan.Sealed{Folder: folder}, s, identity, &rows)
			if !c.sound {
				require.ErrorIs(t, err, setup.ErrChanged)
				return
			}
			require.NoError(t, err)
			want := 0
			for _, row := range c.rows {
				place := waiting.Place{Source: "crm", Table: row.Table, Key: row.Key}
				require.Equal(t, row.Kind == change.Root, rows.Has(place))
				require.Equal(t, row.Op == judge.Anonymize, rows.Anonymizes(place))
				if row.Kind == change.Root {
					want++
				}
			}
			require.Equal(t, want, rows.Len())
		})
	}
}
