package mem

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/connectortest"
)

func store(tables []connectortest.Table) *Store {
	var all []Table
	for _, table := range tables {
		t := Table{Def: table.Def}
		for _, row := range table.Rows {
			t.Rows = append(t.Rows, row)
		}
		all = append(all, t)
	}
	return New("mem", all...)
}

func TestMem(t *testing.T) {
	require.Implements(t, (*connectors.Mutator)(nil), store(nil))
	require.Implements(t, (*connectors.Rewriter)(nil), store(nil))
	require.Implements(t, (*connectors.CopyKeeper)(nil), store(nil))
	require.Implements(t, (*connectors.Deferrer)(nil), store(nil))
	require.Implements(t, (*connectors.Foreseer)(nil), store(nil))
	connectortest.Run(t, connectortest.Harness{
		New: func(t *testing.T, tables []connectortest.Table) connectortest.Store {
			s := store(tables)
			return connectortest.Store{Open: func(*testing.T) connectors.Source { return s },
				View: func(t *testing.T, name string) (fields []string, rows [][]any) {
					fields, shown, ok := s.View(name)
					require.True(t, ok)
					for _, row := range shown {
						rows = append(rows, row)
					}
					return fields, rows
				}}
		},
	})
}

// A source that only reads passes too.
func TestReadOnly(t *testing.T) {
	connectortest.Run(t, connectortest.Harness{
		New: func(t *testing.T, tables []connectortest.Table) connectortest.Store {
			return connectortest.Store{Open: func(*testing.T) connectors.Source {
				return struct{ connectors.Source }{store(tables)}
			}}
		},
	})
}
