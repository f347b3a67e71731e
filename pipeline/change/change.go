// Package change is what a plan changes, row by row, and why. Its nouns: a Change is what is planned for one
// row; an Edge is how rows of one table refer to rows of another; a Ref is one such reference between two
// rows of a Set; Does says what follows for the row that refers when the other one goes; a Unit is rows that
// are changed together or not at all; a Set is the changes of one source, unit by unit. Nothing here reads or
// writes.
package change

import (
	"slices"
	"strings"

	"lethe/connectors"
	"lethe/pipeline/judge"
	"lethe/pipeline/registry/keystore"
)

// Change is one planned change of one row, with all that executing it takes: nothing is taken from a neighbour.
type Change struct {
	Unit  int64 // the rows of a unit are changed together or not at all
	Level int   // within the unit: rows of a greater level go first
	Kind  Kind
	Silo  string // under which it is decided, or that of the row it goes with
	// Mapping is which of the silo's records of the Table decided a Root.
	Mapping int
	Table   string
	Key     connectors.Key
	Op      judge.Change
	// Fields are those that a Clear clears.
	Fields []string
	// Detach are fields that a Delete sets NULL before, because rows refer to each other in a circle.
	Detach []string
	Guard  judge.Guard // of a Root: what its decision saw
	// Subject is the identifier that met the registry, Record the keyed reference of a Root.
	Subject, Record [32]byte
	Refs            []Ref // to rows of the same unit
}

// Kind says why a row is in a set.
type Kind string

// The kinds of changes.
const (
	Root      Kind = "root"      // a silo decided it
	Dependent Kind = "dependent" // it refers to a row that goes, and goes with it or forgets it
	Owned     Kind = "owned"     // only rows that go referred to it
)

// Edge is a way in which rows of Child refer to rows of Parent: a foreign key of the catalog, one that only a
// policy declares, or an owned parent.
type Edge struct {
	Child     string   `json:"child"`
	Fields    []string `json:"fields"`
	Parent    string   `json:"parent"`
	RefFields []string `json:"ref_fields"`
	OnDelete  string   `json:"on_delete,omitempty"` // the engine's action; "" where the engine does not know the edge
}

// Ref is a reference of a changed row to another one of its set.
type Ref struct {
	Row   int // position in the set
	Edge  int // position among the set's edges
	Does  Does
	Owns  bool        // an Owned row goes when the last that owns it does
	Guard judge.Guard // of the values by which it refers
	To    judge.Guard // of those by which the other is referred to, where they are not its key; else zero
}

// GuardOf is a keyed digest of the values by which a row refers to another, or by which the other is referred to, as
// the planning run saw them: as long as both are the same, it still does.
func GuardOf(key *keystore.SiloKey, runID string, e Edge, values connectors.Key) judge.Guard {
	keyed := key.Record("reference", runID, []byte(e.Child+"\x1f"+strings.Join(e.Fields, "\x1f")+"\x1f"+e.Parent+
		"\x1f"+string(values)))
	return judge.Guard(keyed[:len(judge.Guard{})])
}

// Does is what happens to a row when the one that it refers to goes.
type Does uint8

// What a row does when the one that it refers to goes.
const (
	Holds   Does = iota // nothing by itself: if it stays, so does the other
	Follows             // it goes too
	Forgets             // its reference becomes NULL
	Loses               // what anonymizes it empties the reference too
)

// Shares reports whether rows of a child use a field for both of two of its edges, so that emptying one may empty the
// other. What only a policy declares of the same fields is another way to read the same reference.
func Shares(e, other Edge) bool {
	same := slices.Equal(e.Fields, other.Fields) && (other.OnDelete == "" || other.Parent == e.Parent)
	if e.Child != other.Child || same {
		return false
	}
	return slices.ContainsFunc(e.Fields, func(f string) bool { return slices.Contains(other.Fields, f) })
}

// Own are the fields of an edge that none of the others uses: by emptying them a row forgets along it and along no
// other.
func Own(e Edge, others []Edge) (own []string) {
	for _, f := range e.Fields {
		if !slices.ContainsFunc(others, func(o Edge) bool { return Shares(e, o) && slices.Contains(o.Fields, f) }) {
			own = append(own, f)
		}
	}
	return own
}
