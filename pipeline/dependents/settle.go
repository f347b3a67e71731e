package dependents

import "slices"

// settle finds the greatest set of nodes in which every need is met: a node that cannot go holds the
// rows it refers to. Each round lets go all that may still go, and blocks those of which a need is not
// met.
func (gr *Graph) settle() {
	gr.rank()
	for again := true; again; {
		gr.revive()
		again = false
		for _, nd := range gr.needs {
			if n := &gr.nodes[nd.node]; n.live && !gr.goes(nd.row) {
				n.blocked, again = true, true
			}
		}
	}
	for i := range gr.nodes {
		if r := gr.nodes[i].root; r != nil && !gr.nodes[i].live {
			r.Kept = true
		}
	}
}

// revive lets every root go that is not blocked, and with it what follows.
func (gr *Graph) revive() {
	for i := range gr.nodes {
		n := &gr.nodes[i]
		n.live = n.root != nil && !n.blocked
	}
	for changed := true; changed; {
		changed = false
		for i := range gr.nodes {
			n := &gr.nodes[i]
			if n.live || n.blocked || n.root != nil {
				continue
			}
			if slices.ContainsFunc(n.follows, func(p int) bool { return gr.nodes[p].live }) {
				n.live, changed = true, true
			}
		}
	}
}

// goes reports whether a row is deleted, not only made to forget.
func (gr *Graph) goes(id RowID) bool {
	i, known := gr.index[id]
	return known && gr.nodes[i].live
}

// rank numbers the nodes so that a row comes after every row it refers to. Rows that refer to each other
// in a circle have no such order: they stay.
func (gr *Graph) rank() {
	children := make([][]int, len(gr.nodes))
	waits := make([]int, len(gr.nodes))
	for i, n := range gr.nodes {
		for _, p := range n.parents {
			children[p] = append(children[p], i)
			waits[i]++
		}
	}
	var ready []int
	for i := range gr.nodes {
		if waits[i] == 0 {
			ready = append(ready, i)
		}
	}
	for len(ready) > 0 {
		var next []int
		for _, i := range ready {
			for _, c := range children[i] {
				gr.nodes[c].rank = max(gr.nodes[c].rank, gr.nodes[i].rank+1)
				if waits[c]--; waits[c] == 0 {
					next = append(next, c)
				}
			}
		}
		ready = next
	}
	for i := range gr.nodes {
		if waits[i] > 0 {
			gr.nodes[i].blocked = true
		}
	}
}

// WaitTogether lets people be asked about each root that may go only after one they are asked about.
func (gr *Graph) WaitTogether() {
	asks := make([]bool, len(gr.nodes))
	for i, n := range gr.nodes {
		asks[i] = n.root != nil && n.root.Asks
	}
	for again := true; again; {
		again = false
		for _, nd := range gr.needs {
			if j, known := gr.index[nd.row]; known && asks[j] && !asks[nd.node] {
				asks[nd.node], again = true, true
			}
		}
	}
	for i, n := range gr.nodes {
		if n.root != nil {
			n.root.Asks = asks[i]
		}
	}
}
