package execute

import (
	"slices"

	"lethe/pipeline/change"
	"lethe/pipeline/judge"
	"lethe/pipeline/plan"
)

// status is how a row stands beside what the plan saw of it.
type status uint8

const (
	agrees  status = iota // as the plan saw it; also what is assumed of a row before it is read
	already               // it holds what the change would write
	drifted               // it, or the registry's answer, is not what the plan saw
	gone                  // there is no such row, and nobody knows what became of whom it was about
	ended                 // an earlier transaction of the plan dealt with it
)

// hold is how a reference stands beside what the plan saw of it.
type hold uint8

const (
	refers  hold = iota // it refers to what it did; also what is assumed before it is read
	emptied             // it is NULL
	moved               // it refers to something else, or what it referred to is referred to otherwise by now
)

// view is what is known of some rows of a set: those from one position up to another.
type view struct {
	from   int
	rows   []status
	refs   [][]hold       // by row and reference; nil: all refer
	apart  map[inRef]bool // references whose other end is not referred to by the values that the plan saw
	late   map[int]bool   // rows to which one refers that no change names
	others map[int][]int  // rows to which others of the set refer that did not when the plan was made
}

func newView(from, to int) *view {
	return &view{from: from, rows: make([]status, to-from), refs: make([][]hold, to-from), apart: map[inRef]bool{},
		late: map[int]bool{}, others: map[int][]int{}}
}

func (v *view) has(i int) bool      { return i >= v.from && i < v.from+len(v.rows) }
func (v *view) status(i int) status { return v.rows[i-v.from] }
func (v *view) ref(i, k int) hold {
	refs := v.refs[i-v.from]
	switch {
	case refs != nil && refs[k] != refers:
		return refs[k]
	case v.apart[inRef{i, k}]:
		return moved
	}
	return refers
}

// verdict is what happens to a row now.
type verdict struct {
	op      judge.Change // None leaves it
	nulls   []string     // SetNull: the fields
	outcome byte
}

// decider finds what may happen to the rows of a view: the greatest set of changes in which every row that is
// deleted leaves none behind that refers to it, every dependent goes with one that ends, and nobody is
// emptied while what goes with them stays.
type decider struct {
	set  *change.Set
	view *view
	ends []bool    // the plan deletes the row or empties it, or did
	in   [][]inRef // by row: what refers to it
}

// inRef is a reference of row to another one: its k-th; -1 for one that the plan did not see.
type inRef struct{ row, k int }

func newDecider(set *change.Set, v *view) *decider {
	d := &decider{set: set, view: v, ends: make([]bool, len(v.rows)), in: make([][]inRef, len(v.rows))}
	for i := v.from; i < v.from+len(v.rows); i++ {
		for k, r := range set.Rows[i].Refs {
			if v.has(r.Row) {
				d.in[r.Row-v.from] = append(d.in[r.Row-v.from], inRef{i, k})
			}
		}
	}
	for parent, rows := range v.others {
		for _, row := range rows {
			d.in[parent-v.from] = append(d.in[parent-v.from], inRef{row, -1})
		}
	}
	return d
}

// decide says what happens to each row of the view. recovering says that an earlier run may have done it already.
func decide(set *change.Set, v *view, recovering bool) []verdict {
	d := newDecider(set, v)
	for i := range d.ends {
		d.ends[i] = v.rows[i] != drifted && v.rows[i] != gone
	}
	for d.follow() || d.hold() {
	}
	verdicts := make([]verdict, len(v.rows))
	for i := range verdicts {
		verdicts[i] = d.verdict(v.from+i, recovering)
	}
	return verdicts
}

// follow ends only dependents that follow, over others perhaps, from a root that ends; it reports whether it
// found one that does not.
func (d *decider) follow() (found bool) {
	reached := make([]bool, len(d.ends))
	var queue []int
	for i := range d.ends {
		if c := &d.set.Rows[d.view.from+i]; d.ends[i] && c.Kind == change.Root {
			reached[i] = true
			queue = append(queue, d.view.from+i)
		}
	}
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		for _, r := range d.in[p-d.view.from] {
			at := r.row - d.view.from
			if reached[at] || !d.ends[at] || r.k < 0 {
				continue
			}
			c := &d.set.Rows[r.row]
			if c.Kind == change.Dependent && c.Op == judge.Delete && c.Refs[r.k].Does == change.Follows &&
				d.view.ref(r.row, r.k) == refers {
				reached[at] = true
				queue = append(queue, r.row)
			}
		}
	}
	for i := range d.ends {
		c := &d.set.Rows[d.view.from+i]
		if d.ends[i] && c.Kind == change.Dependent && c.Op == judge.Delete && !reached[i] && d.view.rows[i] != ended {
			d.ends[i], found = false, true
		}
	}
	return found
}

// hold keeps rows that one which stays refers to; it reports whether it found one.
func (d *decider) hold() (found bool) {
	for at := range d.ends {
		i := d.view.from + at
		if !d.ends[at] || d.view.rows[at] == ended {
			continue
		}
		if c := &d.set.Rows[i]; c.Op == judge.Delete && (d.view.late[i] || d.heldBack(i) || c.Kind == change.Owned &&
			!d.freed(i)) ||
			c.Op == judge.Anonymize && (d.view.late[i] || d.leftBehind(i)) {
			d.ends[at], found = false, true
		}
	}
	return found
}

// left reports whether a row of the set is not there any more when all is done. One outside of the view is
// not known to stay.
func (d *decider) left(i int) bool {
	if !d.view.has(i) {
		return true
	}
	return d.view.status(i) == gone || d.leaves(i)
}

// leaves reports whether the plan deletes a row. One that is gone was not deleted by it: who was that, may be
// somewhere else by now.
func (d *decider) leaves(i int) bool {
	return !d.view.has(i) || d.ends[i-d.view.from] && d.set.Rows[i].Op == judge.Delete
}

// heldBack reports whether a row that refers to i stays and still does.
func (d *decider) heldBack(i int) bool {
	return slices.ContainsFunc(d.in[i-d.view.from], func(r inRef) bool {
		if d.left(r.row) {
			return false
		}
		if r.k < 0 {
			return true
		}
		return d.view.ref(r.row, r.k) == refers && !d.forgets(r)
	})
}

// forgets reports whether the row that refers stays and does so no more: since what it refers to goes, or
// since it is emptied.
func (d *decider) forgets(r inRef) bool {
	if r.k < 0 {
		return false
	}
	switch d.set.Rows[r.row].Refs[r.k].Does {
	case change.Forgets:
		return true
	case change.Loses:
		return d.ends[r.row-d.view.from]
	}
	return false
}

// leftBehind reports whether a row stays that was to go with i, over others perhaps: also one that refers to
// something else by now.
func (d *decider) leftBehind(i int) bool {
	seen := map[int]bool{i: true}
	for queue := []int{i}; len(queue) > 0; queue = queue[1:] {
		for _, r := range d.in[queue[0]-d.view.from] {
			if seen[r.row] || r.k >= 0 && d.set.Rows[r.row].Refs[r.k].Does != change.Follows {
				continue
			}
			if !d.left(r.row) {
				return true
			}
			seen[r.row] = true
			queue = append(queue, r.row)
		}
	}
	return false
}

// freed reports whether an owned row loses one that still referred to it by what it owns it by.
func (d *decider) freed(i int) bool {
	return slices.ContainsFunc(d.in[i-d.view.from], func(r inRef) bool {
		return r.k >= 0 && d.set.Rows[r.row].Refs[r.k].Owns && d.view.ref(r.row, r.k) == refers &&
			(d.leaves(r.row) || d.forgets(r))
	})
}

func (d *decider) verdict(i int, recovering bool) verdict {
	c, at := &d.set.Rows[i], i-d.view.from
	done, missing := byte(plan.Done), byte(plan.Gone)
	if recovering {
		done, missing = plan.Recovered, plan.Recovered
	}
	if d.view.rows[at] == gone || d.view.rows[at] == ended {
		return verdict{outcome: missing}
	}
	if c.Op != judge.SetNull && d.ends[at] {
		if d.view.rows[at] == already {
			return verdict{outcome: done}
		}
		return verdict{op: c.Op, outcome: plan.Done}
	}
	if c.Op != judge.SetNull {
		return verdict{outcome: plan.Drift}
	}
	return d.forget(i, done)
}

// forget empties the references of a row to those that go.
func (d *decider) forget(i int, done byte) verdict {
	c := &d.set.Rows[i]
	v := verdict{outcome: plan.Drift}
	for k, r := range c.Refs {
		if r.Does != change.Forgets || !d.left(r.Row) {
			continue
		}
		switch hold := d.view.ref(i, k); {
		case hold == refers && d.leaves(r.Row):
			for _, f := range d.set.Edges[r.Edge].Fields {
				if !slices.Contains(v.nulls, f) {
					v.nulls = append(v.nulls, f)
				}
			}
		case hold == emptied:
			v.outcome = done
		}
	}
	if len(v.nulls) == 0 {
		return v
	}
	v.op, v.outcome = judge.SetNull, plan.Done
	return v
}
