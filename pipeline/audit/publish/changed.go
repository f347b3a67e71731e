package publish

import (
	"bytes"
	"cmp"
	"iter"
	"path/filepath"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/spool"
)

// Over is the action of a record that the list before had, and this one has no more.
const Over = "over"

// decisions are the rows of the table decisions, in the order of their references: all, or what changed since the list
// from which this one goes on. What waits, or stays blocked, is decided alike night after night: to list all of it
// again was most of what evidence weighed.
func (w *publisher) decisions() iter.Seq2[[]audit.Decision, error] {
	all := byRecord(w.undated(w.Decisions), w.folder, decisionsInOrder())
	if w.Before == nil || all == nil {
		return all
	}
	return changed(all, byRecord(w.undated(w.Before), w.before(), decisionsInOrder()))
}

// before is where the list before is put in order.
func (w *publisher) before() string { return filepath.Join(w.folder, "before") }

// changed yields, of two lists in the same order, the rows of now that before had not, or not so, and with [Over] the
// records that now has no more.
func changed(now, before iter.Seq2[[]audit.Decision, error]) iter.Seq2[[]audit.Decision, error] {
	return func(yield func([]audit.Decision, error) bool) {
		a, b := rowsOf(now), rowsOf(before)
		defer a.stop()
		defer b.stop()
		out := make([]audit.Decision, 0, spool.Rows)
		for {
			here, there := a.more(), b.more()
			if !here && !there || a.err != nil || b.err != nil {
				break
			}
			switch order := a.against(&b); {
			case order < 0:
				out = append(out, a.take())
			case order > 0:
				out = append(out, over(b.take()))
			default:
				if row := a.take(); row != b.take() {
					out = append(out, row)
				}
			}
			if len(out) == cap(out) {
				if !yield(out, nil) {
					return
				}
				out = make([]audit.Decision, 0, spool.Rows)
			}
		}
		if err := cmp.Or(a.err, b.err); err != nil {
			yield(nil, err)
		} else if len(out) > 0 {
			yield(out, nil)
		}
	}
}

// over is what a list says of a record that it has no more.
func over(d audit.Decision) audit.Decision {
	return audit.Decision{Silo: d.Silo, System: d.System, Source: d.Source, Object: d.Object, Record: d.Record,
		Action: Over}
}

// cursor goes through a list row by row.
type cursor struct {
	next func() ([]audit.Decision, error, bool)
	stop func()
	rows []audit.Decision
	err  error
}

func rowsOf(list iter.Seq2[[]audit.Decision, error]) cursor {
	next, stop := iter.Pull2(list)
	return cursor{next: next, stop: stop}
}

// more says whether there is a row, or an error.
func (c *cursor) more() bool {
	for len(c.rows) == 0 && c.err == nil {
		var ok bool
		if c.rows, c.err, ok = c.next(); !ok {
			return false
		}
	}
	return true
}

func (c *cursor) take() audit.Decision {
	row := c.rows[0]
	c.rows = c.rows[1:]
	return row
}

// against compares the records at which two lists are: at its end, a list is after all.
func (c *cursor) against(b *cursor) int {
	switch {
	case len(c.rows) == 0:
		return 1
	case len(b.rows) == 0:
		return -1
	}
	x, y := &c.rows[0], &b.rows[0]
	return cmp.Or(bytes.Compare(x.Record[:], y.Record[:]), cmp.Compare(x.Source, y.Source),
		cmp.Compare(x.Object, y.Object))
}
