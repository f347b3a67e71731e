package judge

import (
	"crypto/sha256"

	"github.com/apache/arrow/go/v15/arrow"

	"lethe/connectors"
)

// guard digests what the decision saw of a row, and what the change would overwrite, under the silo's
// key and the planning run.
func (g *Judge) guard(runID string, rows arrow.Record, row int, c Change, fields []string) Guard {
	h := sha256.New()
	for _, c := range g.guarded {
		connectors.DigestCell(h, rows, c, row)
	}
	g.Carried.Digest(h, rows, row) // whose the row is, as other tables say it
	for _, t := range g.Targets {
		if (Planned{Change: c, Fields: fields}).touches(t) {
			connectors.DigestCell(h, rows, t.Column, row)
		}
	}
	for _, t := range g.Targets { // who should be gone of those in it
		h.Write(t.Technique.Digest([]byte(g.Text(rows, row, t.Column))))
	}
	keyed := g.Match.Record("guard", runID, h.Sum(nil))
	return Guard(keyed[:len(Guard{})])
}
