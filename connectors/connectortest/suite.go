// Package connectortest is the suite that every connector passes: the comments of package connectors,
// executable. A connector's test says how its engine stores the suite's tables and calls Run.
//
//	func TestMem(t *testing.T) {
//		connectortest.Run(t, connectortest.Harness{
//			New: func(t *testing.T, tables []connectortest.Table) connectortest.Store { ... },
//		})
//	}
//
// The suite asks the opened source whether it is a Mutator, a Rewriter, a CopyKeeper, a Foreseer or Placed and runs what
// belongs to it, so a source that only reads passes too. A connector that promises to change rows asserts
// that in its own test, lest it lose the capability unseen.
package connectortest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
)

// Harness makes stores for the suite and says what their engine is like.
type Harness struct {
	// New makes a fresh store that holds exactly the tables, which stand parents before children unless they
	// refer to each other, and removes it when the test ends.
	New func(t *testing.T, tables []Table) Store
	// Stream is set where one pass answers all queries, in the order of the store and not of the keys.
	Stream bool
	// Lacks names what the engine does not have; the suite's tables then come without it.
	Lacks []Feature
	// SameKey says whether the engine holds two different values of a text key to be the same (by case,
	// accents, trailing spaces). Nil: never.
	SameKey func(a, b string) bool
}

// Feature is something that not every engine has.
type Feature string

// The features that an engine may lack.
const (
	Bit        Feature = "bit fields"
	JSON       Feature = "json fields"
	Generated  Feature = "generated fields"
	AutoUpdate Feature = "fields set by the engine at every update"
	ZeroDate   Feature = "days that no calendar has, and times of more than a day"
)

// Store is a place where a source lives, apart from the source itself.
type Store struct {
	// Open opens the store, anew at each call, with every capability that the connector has. The suite
	// closes the source.
	Open func(t *testing.T) connectors.Source
	// Path is the file of a Rewriter, "" where there is none. The suite looks for left-over files in its
	// folder.
	Path string
	// Bytes returns the present content of that file, decompressed; nil where there is no file.
	Bytes func(t *testing.T) []byte
	// View reads a view as its readers do, for a CopyKeeper: the names of its fields, and its rows with
	// values in canonical form.
	View func(t *testing.T, name string) (fields []string, rows [][]any)
}

// Table is a table of the suite with its rows.
type Table struct {
	// Def is what the catalog should say. Field.Type is plain SQL that MySQL and SQLite both read; a
	// harness may translate it. Of the foreign keys, which are all RESTRICT, the name is not compared.
	Def connectors.Table
	// Rows stand in key order. A value is nil for NULL or a string in the canonical form of the field's kind.
	Rows [][]any
	// Computed holds the SQL expressions of the generated fields.
	Computed map[string]string
}

type subtest struct {
	name string
	run  func(t *testing.T, h Harness)
}

// Run holds the connector of the harness to the comments of package connectors.
func Run(t *testing.T, h Harness) {
	src := h.New(t, h.tables("empty")).Open(t)
	_, mutates := src.(connectors.Mutator)
	_, rewrites := src.(connectors.Rewriter)
	_, keeps := src.(connectors.CopyKeeper)
	_, foresees := src.(connectors.Foreseer)
	_, placed := src.(connectors.Placed)
	require.NoError(t, src.Close())

	run := func(group string, tests []subtest) {
		t.Run(group, func(t *testing.T) {
			for _, st := range tests {
				t.Run(st.name, func(t *testing.T) { st.run(t, h) })
			}
		})
	}
	run("source", h.sourceTests())
	if mutates {
		run("mutator", mutatorTests())
	}
	if rewrites {
		run("rewriter", rewriterTests())
	}
	if keeps {
		run("copy", copyTests())
	}
	if foresees {
		run("foreseer", foreseerTests())
	}
	if placed {
		run("placed", placedTests())
	}
}
