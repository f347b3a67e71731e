package conformance

import (
	"errors"

	"lethe/connectors"
	"lethe/connectors/conformance/require"
)

func foreseerTests() []subtest {
	return []subtest{
		{"nothing stands in the way of what can be done and everything is left as it is", testForeseeNothing},
		{"what cannot be done is an obstacle with the sentinel that doing it would meet", testForeseeObstacles},
	}
}

// foresee asks for obstacles; that the engine does not show triggers to this user is none.
func foresee(t T, src connectors.Source, uses ...connectors.Use) []connectors.Obstacle {
	found, err := src.(connectors.Foreseer).Foresee(t.Context(), uses)
	require.NoError(t, err)
	for _, o := range found {
		require.NotEmpty(t, o.DSN)
		require.NotEmpty(t, o.What)
		require.Error(t, o.Kind)
		require.Contains(t, o.String(), o.What)
	}
	return found
}

// wholeUse is a use of all that can be done to a table.
func wholeUse(src connectors.Source, table connectors.Table) connectors.Use {
	use := connectors.Use{Table: table.Name}
	if _, ok := src.(connectors.Mutator); !ok || len(table.Key) == 0 {
		return use
	}
	use.Lock, use.Delete = true, true
	for _, f := range table.Fields {
		if !f.Generated {
			use.Update = append(use.Update, f.Name)
		}
	}
	return use
}

func testForeseeNothing(t T, h Harness) {
	tables := h.tables()
	src, store := openNew(t, h, tables)
	var uses []connectors.Use
	for _, table := range tables {
		uses = append(uses, wholeUse(src, table.Def))
	}
	require.Empty(t, foresee(t, src))
	require.Empty(t, foresee(t, src, uses...))
	requireStore(t, store, tables)
}

func testForeseeObstacles(t T, h Harness) {
	tables := h.tables()
	src, store := openNew(t, h, tables)
	kinds := func(use connectors.Use, want error) {
		t.Helper()
		found := foresee(t, src, use, connectors.Use{Table: "customer"})
		require.NotEmpty(t, found)
		for _, o := range found {
			require.Equal(t, use.Table, o.Table)
			require.ErrorIs(t, o.Kind, want)
			require.False(t, o.Doubt)
		}
	}
	kinds(connectors.Use{Table: "nowhere"}, connectors.ErrSchemaChanged)
	kinds(connectors.Use{Table: "order", Fields: []string{"id", "nothing"}}, connectors.ErrSchemaChanged)
	if _, ok := src.(connectors.Mutator); ok {
		kinds(connectors.Use{Table: "order", Update: []string{"nothing"}}, connectors.ErrSchemaChanged)
		for _, table := range tables {
			if len(table.Def.Key) == 0 {
				kinds(connectors.Use{Table: table.Def.Name, Delete: true}, errors.ErrUnsupported)
				continue
			}
			for _, f := range table.Def.Fields {
				if f.Generated {
					kinds(connectors.Use{Table: table.Def.Name, Update: []string{f.Name}}, connectors.ErrConfig)
				}
			}
		}
	}
	requireStore(t, store, tables)
}
