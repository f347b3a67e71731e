// Package connectortest runs the suite that every connector passes, package conformance, as a test. A connector's test
// says how its engine stores the suite's tables and calls Run.
//
//	func TestMem(t *testing.T) {
//		connectortest.Run(t, connectortest.Harness{
//			New: func(t *testing.T, tables []connectortest.Table) connectortest.Store { ... },
//		})
//	}
//
// A connector of servers brings a conformance.Ground, as `lethe connectors prove` runs it: RunGround runs that, and holds
// what ships as proved to the servers that the tests met. Files of tests are written and read here, too.
package connectortest

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/conformance"
)

// The nouns of the suite.
type (
	// Table is a table of the suite with its rows.
	Table = conformance.Table
	// Dialect writes the suite's tables as SQL.
	Dialect = conformance.Dialect
	// Feature is something that not every engine has.
	Feature = conformance.Feature
)

// The features that an engine may lack.
const (
	Bit        = conformance.Bit
	JSON       = conformance.JSON
	Generated  = conformance.Generated
	AutoUpdate = conformance.AutoUpdate
	ZeroDate   = conformance.ZeroDate
)

// Harness makes stores for the suite and says what their engine is like, as conformance.Harness does.
type Harness struct {
	New     func(t *testing.T, tables []Table) Store
	Stream  bool
	Lacks   []Feature
	SameKey func(a, b string) bool
}

// Store is a place where a source lives, apart from the source itself, as conformance.Store is.
type Store struct {
	Open  func(t *testing.T) connectors.Source
	Path  string
	Bytes func(t *testing.T) []byte
	View  func(t *testing.T, name string) (fields []string, rows [][]any)
}

// Run holds the connector of the harness to the comments of package connectors.
func Run(t *testing.T, h Harness) {
	runCases(t, conformance.Harness{Stream: h.Stream, Lacks: h.Lacks, SameKey: h.SameKey,
		New: func(t conformance.T, tables []Table) conformance.Store {
			s := h.New(t.(*testing.T), tables)
			out := conformance.Store{Path: s.Path,
				Open: func(t conformance.T) connectors.Source { return s.Open(t.(*testing.T)) }}
			if s.Bytes != nil {
				out.Bytes = func(t conformance.T) []byte { return s.Bytes(t.(*testing.T)) }
			}
			if s.View != nil {
				out.View = func(t conformance.T, name string) ([]string, [][]any) { return s.View(t.(*testing.T), name) }
			}
			return out
		}})
}

func runCases(t *testing.T, h conformance.Harness) {
	groups, cases := []string{}, conformance.Cases(t, h)
	for _, c := range cases {
		if !slices.Contains(groups, c.Group) {
			groups = append(groups, c.Group)
		}
	}
	for _, group := range groups {
		t.Run(group, func(t *testing.T) {
			for _, c := range cases {
				if c.Group == group {
					t.Run(c.Name, func(t *testing.T) { c.Run(t) })
				}
			}
		})
	}
}

// RunGround runs the suite on a server as `lethe connectors prove` does, and holds what ships as proved of the connector
// to it: this engine and series, tried by these collations, and no other.
func RunGround(t *testing.T, connector string, ground func(t *testing.T) *conformance.Ground) {
	g := ground(t)
	t.Cleanup(func() { require.NoError(t, g.Close()) })
	require.NotEmpty(t, g.Ways)
	require.Empty(t, g.Not)
	tried := connectors.Shipped{Connector: connector, Product: g.Engine.Product, Series: g.Engine.Series}
	for _, way := range g.Ways {
		tried.Collations = append(tried.Collations, way.Name)
		t.Run(way.Name, func(t *testing.T) {
			t.Parallel()
			runCases(t, way.Harness)
		})
	}
	var ships []connectors.Shipped
	for _, s := range connectors.Proved() {
		if s.Connector == connector {
			ships = append(ships, s)
		}
	}
	require.Equal(t, []connectors.Shipped{tried}, ships, "connectors/proved.json says where the tests are run")
}
