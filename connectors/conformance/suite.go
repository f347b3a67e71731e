// Package conformance is the suite that every connector passes: the comments of package connectors, executable.
//
// It is part of the program. Tests run it by package connectortest; `lethe connectors prove` runs it on a server of the
// operator's: a Ground is such a server, with a Way for each manner in which it compares texts. A Harness makes stores that
// hold the suite's tables, a Case is one promise, a T is told what does not hold.
//
// The suite asks the opened source whether it is a Mutator, a Rewriter, a CopyKeeper, a Foreseer or Placed and runs what
// belongs to it, so a source that only reads passes too. A connector that promises to change rows asserts
// that in its own test, lest it lose the capability unseen.
package conformance

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"lethe/connectors"
	"lethe/connectors/conformance/require"
)

// T is a test that is told what does not hold. One of package testing is a T.
type T interface {
	require.T
	Context() context.Context
	Cleanup(f func())
	Error(args ...any)
}

// Harness makes stores for the suite and says what their engine is like.
type Harness struct {
	// New makes a fresh store that holds exactly the tables, which stand parents before children unless they
	// refer to each other, and removes it when the test ends.
	New func(t T, tables []Table) Store
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
	Open func(t T) connectors.Source
	// Path is the file of a Rewriter, "" where there is none. The suite looks for left-over files in its
	// folder.
	Path string
	// Bytes returns the present content of that file, decompressed; nil where there is no file.
	Bytes func(t T) []byte
	// View reads a view as its readers do, for a CopyKeeper: the names of its fields, and its rows with
	// values in canonical form.
	View func(t T, name string) (fields []string, rows [][]any)
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
	run  func(t T, h Harness)
}

// Case is one promise of package connectors, and how a connector is held to it.
type Case struct {
	Group, Name string
	Run         func(t T)
}

// Cases are the promises that the source of a harness gave: by its methods those of a Mutator, a Rewriter, a CopyKeeper, a
// Foreseer, and of who is Placed.
func Cases(t T, h Harness) (cases []Case) {
	src := h.New(t, h.tables("empty")).Open(t)
	_, mutates := src.(connectors.Mutator)
	_, rewrites := src.(connectors.Rewriter)
	_, keeps := src.(connectors.CopyKeeper)
	_, foresees := src.(connectors.Foreseer)
	_, placed := src.(connectors.Placed)
	require.NoError(t, src.Close())

	add := func(given bool, group string, tests []subtest) {
		for _, st := range tests {
			if given {
				cases = append(cases, Case{Group: group, Name: st.name, Run: func(t T) { st.run(t, h) }})
			}
		}
	}
	add(true, "source", h.sourceTests())
	add(mutates, "mutator", mutatorTests())
	add(rewrites, "rewriter", rewriterTests())
	add(keeps, "copy", copyTests())
	add(foresees, "foreseer", foreseerTests())
	add(placed, "placed", placedTests())
	return cases
}

// Suite names the promises that a source of all capabilities of a server is held to: another digest is another suite.
func Suite() string {
	sum := sha256.New()
	for _, list := range [][]subtest{Harness{}.sourceTests(), mutatorTests(), copyTests(), foreseerTests(), placedTests()} {
		for _, st := range list {
			fmt.Fprintf(sum, "%s\n", st.name)
		}
	}
	return hex.EncodeToString(sum.Sum(nil))[:16]
}
