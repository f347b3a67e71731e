// Package verdict says what may happen to the rows of a set of changes now. Its nouns: a View is what is known of some
// of them, a Status how a row stands beside what the plan saw of it, a Hold how a reference does; a Verdict is what
// happens to a row. It reads nothing.
package verdict

import (
	"slices"

	"lethe/pipeline/change"
	"lethe/pipeline/judge"
	"lethe/pipeline/plan"
)

// Status is how a row stands beside what the plan saw of it.
type Status uint8

// How a row stands.
const (
	Agrees  Status = iota // as the plan saw it; also what is assumed of a row before it is read
	Already               // it holds what the change would write
	Drifted               // it, or the registry's answer, is not what the plan saw
	Gone                  // there is no such row, and nobody knows what became of whom it was about
	Ended                 // an earlier transaction of the plan dealt with it
)

// Hold is how a reference stands beside what the plan saw of it.
type Hold uint8

// How a reference stands.
const (
	Refers  Hold = iota // it refers to what it did; also what is assumed before it is read
	Emptied             // it is NULL
	Moved               // it refers to something else, or what it referred to is referred to otherwise by now
)

// View is what is known of some rows of a set: those from one position up to another.
type View struct {
	From   int
	Rows   []Status
	Refs   [][]Hold      // by row and reference; those behind the last refer
	Apart  map[Ref]bool  // references whose other end is not referred to by the values that the plan saw
	Late   map[int]bool  // rows to which one refers that no change names
	Others map[int][]int // rows to which others of the set refer that did not when the plan was made
}

// NewView assumes of the rows from one position up to another what the plan saw.
func NewView(from, to int) *View {
	return &View{From: from, Rows: make([]Status, to-from), Refs: make([][]Hold, to-from), Apart: map[Ref]bool{},
		Late: map[int]bool{}, Others: map[int][]int{}}
}

func (v *View) has(i int) bool { return i >= v.From && i < v.From+len(v.Rows) }

// Status is that of a row of the set.
func (v *View) Status(i int) Status { return v.Rows[i-v.From] }

// Ref is how the k-th reference of a row of the set stands, at both of its ends.
func (v *View) Ref(i, k int) Hold {
	refs := v.Refs[i-v.From]
	switch {
	case k < len(refs) && refs[k] != Refers:
		return refs[k]
	case v.Apart[Ref{i, k}]:
		return Moved
	}
	return Refers
}

// SetRef notes how the k-th reference of a row of the set stands at its own end.
func (v *View) SetRef(i, k int, h Hold) {
	at := i - v.From
	for len(v.Refs[at]) <= k {
		v.Refs[at] = append(v.Refs[at], Refers)
	}
	v.Refs[at][k] = h
}

// Verdict is what happens to a row now.
type Verdict struct {
	Op      judge.Change // None leaves it
	Nulls   []string     // SetNull: the fields
	Outcome byte         // one of those of package plan
	Held    bool         // it stays for what refers to it
}

// decider finds what may happen to the rows of a view: the greatest set of changes in which every row that is
// deleted leaves none behind that refers to it, every dependent goes with one that ends, and nobody is
// emptied while what goes with them stays.
type decider struct {
	set  *change.Set
	view *View
	ends []bool  // the plan deletes the row or empties it, or did
	held []bool  // it stays for what refers to it
	in   [][]Ref // by row: what refers to it
}

// Ref is a reference of Row to another one: its K-th; -1 for one that the plan did not see.
type Ref struct{ Row, K int }

func newDecider(set *change.Set, v *View) *decider {
	d := &decider{set: set, view: v, ends: make([]bool, len(v.Rows)), held: make([]bool, len(v.Rows)),
		in: make([][]Ref, len(v.Rows))}
	counts, all := make([]int, len(v.Rows)), 0
	each := func(do func(at int, r Ref)) {
		for i := v.From; i < v.From+len(v.Rows); i++ {
			for k, r := range set.Rows[i].Refs {
				if v.has(r.Row) {
					do(r.Row-v.From, Ref{i, k})
				}
			}
		}
		for parent, rows := range v.Others {
			for _, row := range rows {
				do(parent-v.From, Ref{row, -1})
			}
		}
	}
	each(func(at int, _ Ref) { counts[at]++; all++ })
	room := make([]Ref, all)
	for at, n := range counts {
		d.in[at], room = room[:0:n], room[n:]
	}
	each(func(at int, r Ref) { d.in[at] = append(d.in[at], r) })
	return d
}

// Of says what happens to each row of the view. recovering says that an earlier run may have done it already.
func Of(set *change.Set, v *View, recovering bool) []Verdict {
	d := newDecider(set, v)
	for i := range d.ends {
		d.ends[i] = v.Rows[i] != Drifted && v.Rows[i] != Gone
	}
	for d.follow() || d.hold() {
	}
	verdicts := make([]Verdict, len(v.Rows))
	for i := range verdicts {
		verdicts[i] = d.verdict(v.From+i, recovering)
		verdicts[i].Held = d.held[i]
	}
	return verdicts
}

// follow ends only dependents that follow, over others perhaps, from a root that ends; it reports whether it
// found one that does not.
func (d *decider) follow() (found bool) {
	reached := make([]bool, len(d.ends))
	var queue []int
	for i := range d.ends {
		if c := &d.set.Rows[d.view.From+i]; d.ends[i] && c.Kind == change.Root {
			reached[i] = true
			queue = append(queue, d.view.From+i)
		}
	}
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		for _, r := range d.in[p-d.view.From] {
			at := r.Row - d.view.From
			if reached[at] || !d.ends[at] || r.K < 0 {
				continue
			}
			c := &d.set.Rows[r.Row]
			if c.Kind == change.Dependent && c.Op == judge.Delete && c.Refs[r.K].Does == change.Follows &&
				d.view.Ref(r.Row, r.K) == Refers {
				reached[at] = true
				queue = append(queue, r.Row)
			}
		}
	}
	for i := range d.ends {
		c := &d.set.Rows[d.view.From+i]
		if d.ends[i] && c.Kind == change.Dependent && c.Op == judge.Delete && !reached[i] && d.view.Rows[i] != Ended {
			d.ends[i], found = false, true
		}
	}
	return found
}

// hold keeps rows that one which stays refers to; it reports whether it found one.
func (d *decider) hold() (found bool) {
	for at := range d.ends {
		i := d.view.From + at
		if !d.ends[at] || d.view.Rows[at] == Ended {
			continue
		}
		if c := &d.set.Rows[i]; c.Op == judge.Delete && (d.view.Late[i] || d.heldBack(i) || c.Kind == change.Owned &&
			!d.freed(i)) ||
			c.Op == judge.Anonymize && (d.view.Late[i] || d.leftBehind(i)) {
			d.ends[at], found = false, true
			d.held[at] = d.view.Late[i] || c.Op == judge.Anonymize || d.heldBack(i)
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
	return d.view.Status(i) == Gone || d.leaves(i)
}

// leaves reports whether the plan deletes a row. One that is gone was not deleted by it: who was that, may be
// somewhere else by now.
func (d *decider) leaves(i int) bool {
	return !d.view.has(i) || d.ends[i-d.view.From] && d.set.Rows[i].Op == judge.Delete
}

// heldBack reports whether a row that refers to i stays and still does.
func (d *decider) heldBack(i int) bool {
	return slices.ContainsFunc(d.in[i-d.view.From], func(r Ref) bool {
		if d.left(r.Row) {
			return false
		}
		if r.K < 0 {
			return true
		}
		return d.view.Ref(r.Row, r.K) == Refers && !d.forgets(r)
	})
}

// forgets reports whether the row that refers stays and does so no more: since what it refers to goes, or
// since it is emptied.
func (d *decider) forgets(r Ref) bool {
	if r.K < 0 {
		return false
	}
	switch d.set.Rows[r.Row].Refs[r.K].Does {
	case change.Forgets:
		return true
	case change.Loses:
		return d.ends[r.Row-d.view.From]
	}
	return false
}

// leftBehind reports whether a row stays that was to go with i, over others perhaps: also one that refers to
// something else by now.
func (d *decider) leftBehind(i int) bool {
	seen := map[int]bool{i: true}
	for queue := []int{i}; len(queue) > 0; queue = queue[1:] {
		for _, r := range d.in[queue[0]-d.view.From] {
			if seen[r.Row] || r.K >= 0 && d.set.Rows[r.Row].Refs[r.K].Does != change.Follows {
				continue
			}
			if !d.left(r.Row) {
				return true
			}
			seen[r.Row] = true
			queue = append(queue, r.Row)
		}
	}
	return false
}

// freed reports whether an owned row loses one that still referred to it by what it owns it by.
func (d *decider) freed(i int) bool {
	return slices.ContainsFunc(d.in[i-d.view.From], func(r Ref) bool {
		return r.K >= 0 && d.set.Rows[r.Row].Refs[r.K].Owns && d.view.Ref(r.Row, r.K) == Refers &&
			(d.leaves(r.Row) || d.forgets(r))
	})
}

func (d *decider) verdict(i int, recovering bool) Verdict {
	c, at := &d.set.Rows[i], i-d.view.From
	done, missing := byte(plan.Done), byte(plan.Gone)
	if recovering {
		done, missing = plan.Recovered, plan.Recovered
	}
	if d.view.Rows[at] == Gone || d.view.Rows[at] == Ended {
		return Verdict{Outcome: missing}
	}
	if c.Op != judge.SetNull && d.ends[at] {
		if d.view.Rows[at] == Already {
			return Verdict{Outcome: done}
		}
		return Verdict{Op: c.Op, Outcome: plan.Done}
	}
	if c.Op != judge.SetNull {
		return Verdict{Outcome: plan.Drift}
	}
	return d.forget(i, done)
}

// forget empties the references of a row to those that go.
func (d *decider) forget(i int, done byte) Verdict {
	c := &d.set.Rows[i]
	v := Verdict{Outcome: plan.Drift}
	for k, r := range c.Refs {
		if r.Does != change.Forgets || !d.left(r.Row) {
			continue
		}
		switch hold := d.view.Ref(i, k); {
		case hold == Refers && d.leaves(r.Row):
			for _, f := range d.set.Own(i, k, func(other int) bool {
				h := d.view.Ref(i, other)
				return h == Emptied || h == Refers && d.left(c.Refs[other].Row)
			}) {
				if !slices.Contains(v.Nulls, f) {
					v.Nulls = append(v.Nulls, f)
				}
			}
		case hold == Emptied:
			v.Outcome = done
		}
	}
	if len(v.Nulls) == 0 {
		return v
	}
	v.Op, v.Outcome = judge.SetNull, plan.Done
	return v
}
