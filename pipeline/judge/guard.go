package judge

import (
	"crypto/sha256"
	"hash"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// Guard is a keyed digest of what a decision saw of a row.
type Guard [16]byte

// guard digests what the decision saw of a row, and what the change would overwrite, under the silo's
// key and the planning run.
func (g *Judge) guard(runID string, rows arrow.Record, row int, c Change, fields []string) Guard {
	h := sha256.New()
	for _, c := range g.guarded {
		digestCell(h, rows, c, row)
	}
	g.Carried.Digest(h, rows, row) // whose the row is, as other tables say it
	for _, t := range g.Targets {
		if t.in(Planned{Change: c, Fields: fields}) {
			digestCell(h, rows, t.column, row)
		}
	}
	keyed := g.Match.Record("guard", runID, h.Sum(nil))
	return Guard(keyed[:len(Guard{})])
}

// digestCell adds a cell, its length before it, so that no text can stand for another's; NULL is no text.
func digestCell(m hash.Hash, rows arrow.Record, column, row int) {
	col := rows.Column(column).(*array.Binary)
	if col.IsNull(row) {
		m.Write([]byte{0})
		return
	}
	v := col.Value(row)
	var head [9]byte
	head[0] = 1
	for i, l := 1, len(v); i < len(head); i, l = i+1, l>>8 {
		head[i] = byte(l)
	}
	m.Write(head[:])
	m.Write(v)
}
