// Package rows shows the rows of a sealed plan to who has to answer it, by table and key, however many they are: a Row,
// how it is Reached from another, and what goes Along with it.
package rows

import (
	"container/heap"
	"fmt"
	"iter"
	"slices"
	"strings"

	"filippo.io/age"

	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/change"
	"lethe/pipeline/plan"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
)

// Row is a row of a plan, for who has to answer it.
type Row struct {
	Source string
	plan.Entry
	Record audit.Ref // by which the report names it
	Reason string
	By     []Reached // of a row that goes along: from which
	Along  []Along   // what else is changed with it or not at all
	at     int       // its place in the set
}

// Reached is how a row that goes along is reached from another one: it refers to that by an edge, or, where that owns
// it, is referred to.
type Reached struct {
	Edge change.Edge
	Key  connectors.Key // of the other row: of Edge.Parent, and where that owns it of Edge.Child
	Owns bool           // the other row owns it, and is the first that does
}

// Along is rows of a table that are in the same unit.
type Along struct {
	Table string
	Rows  int64
}

// Portion is how many rows are held at once while a plan is shown. It is read twice for each so many of them.
const Portion = 100_000

// Reader is what the two files of a set are read with: the plan's identity, and the keystore.
type Reader struct {
	Identity age.Identity
	Keys     *keystore.Keystore
}

// Of yields the rows of a set by table and key, only those of one table where it is named, without holding more
// than a portion of them. What is yielded is the next call's to overwrite. After an error there is no more.
func Of(p *plan.Sealed, s plan.Set, by Reader, table string, portion int) iter.Seq2[*Row, error] {
	r := reader{p, s, by}
	return func(yield func(*Row, error) bool) {
		var last *Row
		for {
			rows, err := r.portion(table, last, portion)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
				last = row
			}
			if len(rows) < portion {
				return
			}
		}
	}
}

// reader reads a set of a plan.
type reader struct {
	plan *plan.Sealed
	set  plan.Set
	Reader
}

// portion returns the rows that come next after the last one, nil for the first ones, in order.
func (r reader) portion(table string, last *Row, size int) ([]*Row, error) {
	next := &latest{}
	for row, err := range r.each() {
		if err != nil {
			return nil, err
		}
		switch {
		case table != "" && row.Table != table, last != nil && order(row, last) <= 0:
			continue
		case next.Len() == size && order(row, (*next)[0]) >= 0:
			continue
		case next.Len() == size:
			(*next)[0] = row
			heap.Fix(next, 0)
		default:
			heap.Push(next, row)
		}
	}
	rows := []*Row(*next)
	slices.SortFunc(rows, order)
	return rows, r.join(rows)
}

// part is the rows of a table that are in one unit.
type part struct {
	unit  int64
	table string
}

// around is what the rows at hand are shown with.
type around struct {
	units  map[int64]bool
	parts  map[part]int64
	keys   map[int]connectors.Key // of the rows that they refer to, by place in the set
	owners map[int]*Reached       // of those of them that are owned
}

// join looks up, in a second reading, which rows the ones at hand follow, and what goes along with them.
func (r reader) join(rows []*Row) error {
	near := around{map[int64]bool{}, map[part]int64{}, map[int]connectors.Key{}, map[int]*Reached{}}
	for _, row := range rows {
		near.units[row.Unit] = true
		switch row.Kind {
		case change.Dependent:
			for _, ref := range row.Refs {
				near.keys[ref.Row] = ""
			}
		case change.Owned:
			near.owners[row.at] = nil
		}
	}
	at := 0
	for entry, err := range r.plan.Entries(r.set, r.Identity) {
		if err != nil {
			return err
		}
		near.meet(at, &entry.Change, r.set.Edges)
		at++
	}
	for _, row := range rows {
		if err := r.reached(row, near); err != nil {
			return err
		}
		row.Along = near.along(row, r.set.Tables)
	}
	return nil
}

// meet takes in what a row at a place of the set is to those at hand.
func (a around) meet(at int, c *change.Change, edges []change.Edge) {
	if _, wanted := a.keys[at]; wanted {
		a.keys[at] = c.Key
	}
	if a.units[c.Unit] {
		a.parts[part{c.Unit, c.Table}]++
	}
	for _, ref := range c.Refs {
		if first, wanted := a.owners[ref.Row]; ref.Owns && wanted && first == nil && ref.Edge < len(edges) {
			a.owners[ref.Row] = &Reached{Edge: edges[ref.Edge], Key: c.Key, Owns: true}
		}
	}
}

// reached says how a row is reached.
func (r reader) reached(row *Row, near around) error {
	if owner := near.owners[row.at]; owner != nil {
		row.By = append(row.By, *owner)
	}
	for _, ref := range row.Refs {
		if row.Kind != change.Dependent || ref.Does == change.Holds {
			continue
		}
		if ref.Edge >= len(r.set.Edges) || near.keys[ref.Row] == "" {
			return fmt.Errorf("read set %s: a row refers to none: %w", r.set.Changes, setup.ErrChanged)
		}
		row.By = append(row.By, Reached{Edge: r.set.Edges[ref.Edge], Key: near.keys[ref.Row]})
	}
	return nil
}

// along is what else is in the unit of a row.
func (a around) along(row *Row, tables []string) (list []Along) {
	for _, t := range slices.Sorted(slices.Values(tables)) {
		n := a.parts[part{row.Unit, t}]
		if t == row.Table {
			n--
		}
		if n > 0 {
			list = append(list, Along{t, n})
		}
	}
	return list
}

// each yields the rows of a set in its order, each with what the report will say of it.
func (r reader) each() iter.Seq2[*Row, error] {
	s := r.set
	return func(yield func(*Row, error) bool) {
		batches, stop := iter.Pull2(r.plan.Actions(s, r.Keys))
		defer stop()
		var actions []audit.Action
		words := map[string]string{}
		at := 0
		for row, err := range r.plan.Entries(s, r.Identity) {
			if err == nil && len(actions) == 0 {
				actions, err, _ = batches()
				if err == nil && len(actions) == 0 {
					err = fmt.Errorf("read set %s: fewer rows than %s: %w", s.Actions, s.Changes, setup.ErrChanged)
				}
			}
			if err != nil {
				yield(nil, err)
				return
			}
			a := actions[0]
			actions = actions[1:]
			if words[a.Reason] == "" { // its own copy, which holds no batch in memory
				words[a.Reason] = strings.Clone(a.Reason)
			}
			if !yield(&Row{Source: s.Source, Entry: row, Record: a.Record, Reason: words[a.Reason], at: at}, nil) {
				return
			}
			at++
		}
		if int64(at) != s.Rows {
			yield(nil, fmt.Errorf("read set %s: %d rows where the plan has %d: %w", s.Changes, at, s.Rows,
				setup.ErrChanged))
		}
	}
}

// latest is a heap with the row on top that comes last.
type latest []*Row

func (l latest) Len() int           { return len(l) }
func (l latest) Less(i, j int) bool { return order(l[i], l[j]) > 0 }
func (l latest) Swap(i, j int)      { l[i], l[j] = l[j], l[i] }
func (l *latest) Push(r any)        { *l = append(*l, r.(*Row)) }
func (l *latest) Pop() any {
	last := (*l)[len(*l)-1]
	*l = (*l)[:len(*l)-1]
	return last
}
