// Package judge decides the rows of one silo in one table: from a batch to rulings, and, of a row that
// is locked to be changed, whether it still agrees with what was planned.
//
// A Binding holds the names of a silo's records resolved against a source's catalog: its Targets are the
// fields that a change would write, its OwnedEdges lead to parents that go with the last row. A Judge
// decides the rows of one binding and keeps a Tally of them; what all judges of a run share is its
// Session. A Ruling is what became of one row, a Root one that a plan may hold, a Planned one that a
// plan does hold. A Guard is a digest of what the decision saw, an Agreement what a locked row says to
// its plan. A Change is what is done to a row in its source.
package judge

import (
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
	"lethe/pipeline/census"
	"lethe/pipeline/judge/cells"
	"lethe/pipeline/judge/crowd"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/starts"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/standings"
	"lethe/pipeline/via"
)

// Judge decides the rows of one silo in one table of one source. It is used by one goroutine.
type Judge struct {
	*Binding
	Tally

	// Carried is what was read along the paths of Via, before a row is ruled on; nil where there are none.
	Carried *via.Index
	Left    crowd.Left // of rows that were anonymized

	// Of the row at hand.
	row      standings.Row
	refsOf   []keystore.Ref    // its references, or those of the rows ahead
	ahead    []int             // where the references of each row ahead end
	asked    []bool            // of each row ahead: it is judged
	found    []standings.Found // of refsOf in the standings
	standing policy.Standing
	Record   policy.Record
	dayOnly  bool // it was collected on a day, at no time that it knows
	buf      []byte
	others   via.Found                                       // its identifiers in other tables
	only     func(g *Judge, rows arrow.Record, row int) bool // of the session
}

// NewJudge makes a judge of a binding.
func NewJudge(b *Binding) *Judge {
	g := &Judge{Binding: b}
	g.Summary, g.Owns, g.shapes = census.Lines{}, map[*Root][]connectors.Key{}, map[alike]int32{}
	g.Record.Starts = make([]calendar.Date, len(b.Starts))
	g.Spreads = make([]starts.Spread, len(b.Starts))
	return g
}

// Mine reports whether a row belongs to the silo.
func (g *Judge) Mine(rows arrow.Record, row int) bool { return cells.Held(rows, row, g.where) }

// Text is the text of a cell; "" for NULL, and for column -1, which is none.
func (g *Judge) Text(rows arrow.Record, row, column int) string {
	if column < 0 {
		return ""
	}
	return string(cells.Value(rows.Column(column).(*array.Binary), row))
}
