package dependents

import (
	"cmp"
	"slices"
	"strings"

	"lethe/connectors"
	"lethe/pipeline/change"
	"lethe/pipeline/dependents/circles"
	"lethe/pipeline/dependents/edges"
	"lethe/pipeline/judge"
	"lethe/pipeline/policy"
)

// plainGraph is a graph as one would write it down without minding how many rows there are: an object a row, a map
// wherever something is looked up. What Graph does by numbers has to be what this does.
type plainGraph struct {
	runID  string
	edges  []*edges.Edge
	defers bool // its engine looks at references when all is done
	nodes  []*plainNode
}

type plainNode struct {
	table    string
	key      connectors.Key
	seq      int
	judge    *judge.Judge
	root     *judge.Root
	governed bool
	in       []plainRef
	out      []plainRef
	expanded bool
	barred   bool
	held     bool
	named    map[*edges.Edge]connectors.Key
	unnamed  []*edges.Edge
	waits    bool
	ends     ending
	sealed   judge.Change

	live   bool
	via    []*judge.Judge
	origin *plainNode
	owner  *plainNode
	detach []string
	level  int
}

type plainRef struct {
	child, parent *plainNode
	edge          *edges.Edge
	values        connectors.Key
}

func (g *plainGraph) settle(otherwise bool) {
	for {
		g.mark()
		if g.hold(otherwise) {
			continue
		}
		g.own()
		if g.order(otherwise) {
			return
		}
	}
}

func (g *plainGraph) mark() {
	var queue []*plainNode
	for _, n := range g.nodes {
		n.live, n.via, n.origin, n.owner = false, n.via[:0], nil, nil
		if n.root != nil && n.ends != stays && !n.held {
			n.live, n.origin, n.via = true, n, append(n.via, n.judge)
			queue = append(queue, n)
		}
	}
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		for _, r := range p.in {
			c := r.child
			if c.governed && !c.live || c.held || c == p {
				continue
			}
			news := false
			for _, j := range p.via {
				if r.edge.Do[j] == string(judge.Delete) && !slices.Contains(c.via, j) {
					c.via, news = append(c.via, j), true
				}
			}
			if !news {
				continue
			}
			if c.live = true; c.origin == nil {
				c.origin = p.origin
			}
			queue = append(queue, c)
		}
	}
}

func (g *plainGraph) own() {
	var owned []*plainNode
	for _, n := range g.nodes {
		if n.owner = n.freeing(); n.owner != nil {
			owned = append(owned, n)
		}
	}
	for found := true; found; {
		found = false
		for _, n := range owned {
			if n.owner != nil && slices.ContainsFunc(n.in, func(r plainRef) bool { return !r.child.leaves() && !r.lets() }) {
				n.owner, found = nil, true
			}
		}
	}
}

func (n *plainNode) freeing() (owner *plainNode) {
	if n.governed || !n.expanded || n.live || n.held || n.sealed != judge.None || len(n.unnamed) > 0 {
		return nil
	}
	for _, r := range n.in {
		if c := r.child; c.root != nil && c.live && (c.leaves() || r.lets()) && r.edge.Owned[c.judge] &&
			(owner == nil || c.seq < owner.seq) {
			owner = c
		}
	}
	return owner
}

func (n *plainNode) leaves() bool { return n.going() || n.sealed == judge.Delete }

func (n *plainNode) going() bool {
	return n.live && (n.root == nil || n.ends == goes) || n.owner != nil
}

func (r plainRef) canForget() bool {
	if r.child.barred || len(r.edge.Nullable) != len(r.edge.Fields) {
		return false
	}
	var stay []change.Edge
	for _, e := range r.edge.Shares {
		if !slices.ContainsFunc(r.child.out, func(o plainRef) bool { return o.edge == e && o.parent.leaves() }) {
			stay = append(stay, e.Edge)
		}
	}
	return len(change.Own(r.edge.Edge, stay)) > 0
}

func (r plainRef) forgets() bool {
	return r.canForget() &&
		slices.ContainsFunc(r.parent.via, func(j *judge.Judge) bool { return r.edge.Do[j] == string(judge.SetNull) })
}

func (r plainRef) lets() bool {
	c := r.child
	return c.live && c.root != nil && c.ends == emptied && slices.ContainsFunc(r.edge.Fields, c.judge.Empties)
}

func (g *plainGraph) hold(otherwise bool) (found bool) {
	for _, p := range g.nodes {
		if !p.live {
			continue
		}
		held, waits := p.heldBack()
		if !held {
			continue
		}
		found = true
		switch {
		case p.root == nil:
			p.held, p.waits = true, p.waits || waits
		case waits:
			p.ends, p.waits = stays, true
		default:
			p.stay(otherwise)
		}
	}
	return found
}

func (n *plainNode) heldBack() (held, waits bool) {
	if n.root != nil && n.ends == emptied {
		return n.leavesBehind()
	}
	held = len(n.unnamed) > 0
	for _, r := range n.in {
		if r.child == n || r.child.leaves() || r.lets() || r.forgets() {
			continue
		}
		held, waits = true, waits || r.child.waits
	}
	return held, waits
}

func (n *plainNode) leavesBehind() (found, waits bool) {
	seen := map[*plainNode]bool{n: true}
	for queue := []*plainNode{n}; len(queue) > 0; queue = queue[1:] {
		p := queue[0]
		found = found || slices.ContainsFunc(p.unnamed,
			func(e *edges.Edge) bool { return e.Do[n.judge] == string(judge.Delete) })
		for _, r := range p.in {
			if seen[r.child] || r.edge.Do[n.judge] != string(judge.Delete) || r.lets() {
				continue
			}
			if seen[r.child] = true; r.child.leaves() {
				queue = append(queue, r.child)
				continue
			}
			found, waits = true, waits || r.child.waits
		}
	}
	return found, waits
}

func (n *plainNode) elseEmptied() bool {
	return n.root.Open && n.judge.RulingOf(n.root).Else == policy.Anonymize && len(n.judge.Targets) > 0 &&
		!n.root.Anonymized
}

func (g *plainGraph) order(otherwise bool) bool {
	ordered := true
	var leaving []*plainNode
	for _, n := range g.nodes {
		n.detach, n.level = nil, 0
		if n.going() {
			leaving = append(leaving, n)
		}
	}
	for _, n := range leaving {
		for _, r := range n.out {
			if r.parent != n || !g.minds(r) {
				continue
			}
			if n.detach = append(n.detach, plainMissing(n.detach, r.edge.Nullable)...); len(r.edge.Nullable) == 0 {
				n.stay(otherwise)
				ordered = false
				break
			}
		}
	}
	for _, circle := range plainCircles(leaving, g.knows) {
		for _, r := range plainWithin(circle, g.knows) {
			r.child.detach = append(r.child.detach, plainMissing(r.child.detach, r.edge.Nullable)...)
		}
	}
	left := func(r plainRef) bool { return g.knows(r) && !plainDetached(r) }
	for _, circle := range plainCircles(leaving, left) {
		if len(plainWithin(circle, func(r plainRef) bool { return g.minds(r) && left(r) })) == 0 {
			continue
		}
		for _, n := range circle {
			ordered = false
			n.stay(otherwise)
		}
	}
	if !ordered {
		return false
	}
	plainLevels(leaving, func(r plainRef) bool { return g.knows(r) || r.edge.OnDelete == "CASCADE" })
	return true
}

func plainWithin(circle []*plainNode, such func(plainRef) bool) (refs []plainRef) {
	in := make(map[*plainNode]bool, len(circle))
	for _, n := range circle {
		in[n] = true
	}
	for _, n := range circle {
		for _, r := range n.out {
			if in[r.parent] && such(r) {
				refs = append(refs, r)
			}
		}
	}
	return refs
}

func (g *plainGraph) knows(r plainRef) bool { return r.edge.OnDelete != "" && !g.defers }

func (n *plainNode) stay(otherwise bool) {
	switch {
	case n.root == nil:
		n.held = true
	case otherwise && n.ends == goes && n.root.Change() == judge.Delete && n.elseEmptied():
		n.ends = emptied
	default:
		n.ends = stays
	}
}

func (g *plainGraph) minds(r plainRef) bool {
	switch r.edge.OnDelete {
	case "", "CASCADE", "SET NULL", "SET DEFAULT":
		return false
	}
	return !g.defers
}

func plainDetached(r plainRef) bool {
	return slices.ContainsFunc(r.edge.Nullable, func(f string) bool { return slices.Contains(r.child.detach, f) })
}

type plainLeveling struct {
	knows   func(plainRef) bool
	circle  map[*plainNode]int
	first   map[*plainNode]*plainNode
	members map[*plainNode][]*plainNode
}

func plainLevels(nodes []*plainNode, knows func(plainRef) bool) {
	l := &plainLeveling{knows, map[*plainNode]int{}, map[*plainNode]*plainNode{}, map[*plainNode][]*plainNode{}}
	for i, c := range plainCircles(nodes, plainBetween) {
		for _, n := range c {
			l.circle[n] = i + 1
		}
	}
	for _, n := range nodes {
		l.first[n] = n
	}
	for _, c := range plainCircles(nodes, func(r plainRef) bool { return plainBetween(r) && knows(r) }) {
		for _, n := range c {
			l.first[n] = c[0]
		}
	}
	for _, n := range nodes {
		l.members[l.first[n]] = append(l.members[l.first[n]], n)
	}
	l.number(nodes)
}

func plainBetween(r plainRef) bool { return r.child != r.parent && !plainDetached(r) }

func (l *plainLeveling) counts(r plainRef) bool {
	if !plainBetween(r) || !r.child.going() || !r.parent.going() || l.first[r.child] == l.first[r.parent] {
		return false
	}
	return l.circle[r.child] == 0 || l.circle[r.child] != l.circle[r.parent] || l.knows(r)
}

func (l *plainLeveling) number(nodes []*plainNode) {
	waits := map[*plainNode]int{}
	for _, n := range nodes {
		for _, r := range n.out {
			if l.counts(r) {
				waits[l.first[n]]++
			}
		}
	}
	ready := slices.DeleteFunc(slices.Clone(nodes), func(n *plainNode) bool { return l.first[n] != n || waits[n] > 0 })
	for len(ready) > 0 {
		p := ready[0]
		ready = ready[1:]
		for _, m := range l.members[p] {
			m.level = p.level
			for _, r := range m.in {
				if !l.counts(r) {
					continue
				}
				c := l.first[r.child]
				c.level = max(c.level, p.level+1)
				if waits[c]--; waits[c] == 0 {
					ready = append(ready, c)
				}
			}
		}
	}
}

// plainCircles are the rows that reach each other, found by walking from each.
func plainCircles(nodes []*plainNode, minds func(plainRef) bool) (found [][]*plainNode) {
	reaches := map[*plainNode]map[*plainNode]bool{}
	for _, n := range nodes {
		reaches[n] = map[*plainNode]bool{}
		for queue := []*plainNode{n}; len(queue) > 0; queue = queue[1:] {
			for _, r := range queue[0].out {
				if r.parent.going() && minds(r) && !reaches[n][r.parent] {
					reaches[n][r.parent] = true
					queue = append(queue, r.parent)
				}
			}
		}
	}
	in := map[*plainNode]bool{}
	for i, n := range nodes {
		circle := []*plainNode{n}
		for _, other := range nodes[i+1:] {
			if reaches[n][other] && reaches[other][n] {
				circle = append(circle, other)
			}
		}
		if len(circle) > 1 && !in[n] {
			found = append(found, circle)
		}
		for _, c := range circle {
			in[c] = true
		}
	}
	return found
}

func plainMissing(a, b []string) []string {
	var out []string
	for _, f := range b {
		if !slices.Contains(a, f) {
			out = append(out, f)
		}
	}
	return out
}

func (g *plainGraph) choose(chosen func(*judge.Root) bool) []Selected {
	type state struct {
		ends ending
		held bool
	}
	was := make([]state, len(g.nodes))
	for i, n := range g.nodes {
		was[i] = state{n.ends, n.held}
		if n.root != nil && (n.sealed != judge.None || !chosen(n.root)) {
			n.ends = stays
		}
	}
	g.settle(false)
	rows := g.selected()
	for i, n := range g.nodes {
		n.ends, n.held = was[i].ends, was[i].held
	}
	return rows
}

func (g *plainGraph) seal(rows []Selected) {
	for i := range rows {
		for _, n := range g.nodes {
			if n.table == rows[i].Table && n.key == rows[i].Key && rows[i].Op != judge.SetNull {
				n.sealed = rows[i].Op
			}
		}
	}
}

type plainItem struct {
	*plainNode
	from  *plainNode
	kind  change.Kind
	op    judge.Change
	unit  int
	level int
}

func (g *plainGraph) selected() []Selected {
	items := map[*plainNode]*plainItem{}
	var order []*plainItem
	add := func(n, from *plainNode, kind change.Kind, op judge.Change, level int) *plainItem {
		it := &plainItem{plainNode: n, from: from, kind: kind, op: op, level: level, unit: len(order)}
		order = append(order, it)
		return it
	}
	for _, n := range g.nodes {
		switch {
		case n.owner != nil:
			items[n] = add(n, n.owner, change.Owned, judge.Delete, n.level)
		case !n.live || n.sealed == judge.Delete:
		case n.root == nil:
			items[n] = add(n, n.origin, change.Dependent, judge.Delete, n.level)
		case n.ends == goes:
			items[n] = add(n, n, change.Root, judge.Delete, n.level)
		default:
			items[n] = add(n, n, change.Root, judge.Anonymize, 0)
		}
	}
	for _, n := range g.nodes {
		if n.leaves() {
			continue
		}
		var forgets *plainItem
		for _, r := range n.out {
			p := items[r.parent]
			if p == nil || !r.parent.leaves() {
				continue
			}
			if r.lets() {
				items[n].level = max(items[n].level, p.level+1)
			} else if r.forgets() {
				if forgets == nil {
					forgets = add(n, p.from, change.Dependent, judge.SetNull, 0)
				}
				forgets.level = max(forgets.level, p.level+1)
			}
		}
		if items[n] == nil && forgets != nil {
			items[n] = forgets
		}
	}
	plainUnits(items, order)
	slices.SortFunc(order, func(a, b *plainItem) int {
		return cmp.Or(cmp.Compare(a.unit, b.unit), cmp.Compare(b.level, a.level), strings.Compare(a.table, b.table),
			strings.Compare(string(a.key), string(b.key)), strings.Compare(string(a.op), string(b.op)))
	})
	at := make(map[*plainNode]int, len(order))
	for i, it := range order {
		if items[it.plainNode] == it {
			at[it.plainNode] = i
		}
	}
	rows := make([]Selected, len(order))
	for i, it := range order {
		rows[i] = g.selectedRow(it, items, at)
	}
	return rows
}

func (it *plainItem) minds(r plainRef, other *plainItem) bool {
	switch other.op {
	case judge.Delete:
		return true
	case judge.Anonymize:
		return it.op == judge.Delete && (other.root.Change() == judge.Delete || it.does(r) == change.Follows)
	}
	return false
}

func plainUnits(items map[*plainNode]*plainItem, order []*plainItem) {
	var joined circles.Joined
	for _, it := range order {
		for _, r := range it.out {
			if other := items[r.parent]; other != nil && it.minds(r, other) {
				joined.Join(it.unit, other.unit)
			}
		}
	}
	for _, it := range order {
		it.unit = joined.First(it.unit)
	}
}

func (g *plainGraph) selectedRow(it *plainItem, items map[*plainNode]*plainItem, at map[*plainNode]int) Selected {
	s := Selected{Of: it.from.root, Judge: it.from.judge}
	s.Change = change.Change{Unit: int64(it.unit), Level: it.level, Kind: it.kind, Silo: s.Judge.Silo.Silo.Name,
		Table: it.table, Key: it.key, Op: it.op}
	if it.op == judge.Delete {
		s.Detach = it.detach
	}
	if r := it.root; it.kind == change.Root {
		s.Mapping = 0
		s.Guard, s.Subject, s.Record = r.Guard, r.Subject, it.judge.RecordOf(it.judge.KeyOf(r))
		if it.op == judge.Anonymize && r.Change() == judge.Delete {
			s.Guard = r.ElseGuard
		}
	}
	seen := map[int]bool{}
	for _, r := range it.out {
		row, ok := at[r.parent]
		if !ok || r.parent == it.plainNode || !it.minds(r, items[r.parent]) || seen[row*len(g.edges)+r.edge.At] {
			continue
		}
		seen[row*len(g.edges)+r.edge.At] = true
		does := it.does(r)
		if it.op == judge.SetNull && it.root != nil && does != change.Forgets {
			continue
		}
		to := change.Ref{Row: row, Edge: r.edge.At, Does: does,
			Owns:  it.root != nil && r.edge.Owned[it.judge] && r.parent.owner != nil,
			Guard: change.GuardOf(s.Judge.Match, g.runID, r.edge.Edge, r.values)}
		if named, ok := r.parent.named[r.edge]; ok {
			to.To = change.GuardOf(s.Judge.Match, g.runID, r.edge.Edge, named)
		}
		s.Refs = append(s.Refs, to)
	}
	return s
}

func (it *plainItem) does(r plainRef) change.Does {
	switch {
	case r.lets():
		return change.Loses
	case it.op == judge.Anonymize && r.parent.leaves() && r.forgets():
		return change.Forgets
	case it.kind == change.Owned:
		return change.Holds
	case it.op == judge.SetNull:
		if r.parent.leaves() && r.forgets() {
			return change.Forgets
		}
		return change.Holds
	case slices.ContainsFunc(r.parent.via, func(j *judge.Judge) bool { return r.edge.Do[j] == string(judge.Delete) }):
		return change.Follows
	}
	return change.Holds
}
