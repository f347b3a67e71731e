// Package execute carries out a set of changes in the source that it was planned for. Its nouns: an Executor
// executes one set; a view is what is known of its rows, a status how a row stands beside what the plan saw
// of it; a verdict is what happens to a row now. Every row is looked at again under its lock, and every edit
// is computed from that row's own change: nothing is carried along by position. A live source is changed in
// transactions of whole units (Live), a backup in one rewrite (Backup); what happens to a row is decided by
// the same code.
package execute

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
	"lethe/pipeline/change"
	"lethe/pipeline/judge"
	"lethe/pipeline/plan"
	"lethe/pipeline/setup"
	"lethe/pipeline/stores"
	"lethe/pipeline/via"
)

// Options are what executing a set takes besides the set and its source.
type Options struct {
	RunID  string                                                // of the run that planned
	Now    func() time.Time                                      // as of which rows are decided anew
	Head   func(ctx context.Context, silo string) (int64, error) // of the registry, now
	Reload func(ctx context.Context, silo string) error          // brings a silo's standings to that head
}

// Executor executes the changes of one set in one source.
type Executor struct {
	store    *stores.Store
	set      *change.Set
	o        Options
	outcomes []byte // of each row; 0: not known yet
	refused  map[int]Refusal
	tables   map[string]*table
	into     map[string][]int // edges of the set, by the table referred to
	named    map[int][]inRef  // by row: what refers to it by other values than its key

	// whose the rows of a unit are that is executed in several transactions, as the first of them found it
	identified map[*judge.Judge]*via.Index
}

// Refusal says what kept the database from changing a row.
type Refusal struct {
	Class string // FOREIGN_KEY, TRIGGER, ...
	By    string // the constraint or table, as the engine names it; "" where it does not
}

func (r Refusal) String() string { return strings.TrimSpace(r.Class + " " + r.By) }

// table is what the executor needs of a table of the set.
type table struct {
	connectors.Table
	whole layout
	brief layout // what is looked at of a row that no silo decides
}

// layout is the fields that are read of a table, and where they stand.
type layout struct {
	fields []string
	at     map[string]int
	key    []int
	edges  map[int][]int // where the fields of an edge from the table stand
	into   map[int][]int // and those that an edge to it refers to
}

func (x *Executor) layout(t connectors.Table, fields []string) layout {
	l := layout{fields: fields, at: map[string]int{}, edges: map[int][]int{}, into: map[int][]int{}}
	for i, name := range fields {
		l.at[name] = i
	}
	l.key = l.places(t.Key)
	for i, e := range x.set.Edges {
		if e.Child == t.Name {
			l.edges[i] = l.places(e.Fields)
		}
		if e.Parent == t.Name {
			l.into[i] = l.places(e.RefFields)
		}
	}
	return l
}

func (l layout) places(fields []string) []int {
	at := make([]int, len(fields))
	for i, name := range fields {
		at[i] = l.at[name]
	}
	return at
}

// newTable finds what is read of a table.
func (x *Executor) newTable(t connectors.Table) *table {
	brief := slices.Clone(t.Key)
	add := func(fields []string) {
		for _, f := range fields {
			if !slices.Contains(brief, f) {
				brief = append(brief, f)
			}
		}
	}
	for _, e := range x.set.Edges {
		if e.Child == t.Name {
			add(e.Fields)
		}
		if e.Parent == t.Name {
			add(e.RefFields)
		}
	}
	var all []string // by name, as who changes may see more fields than who read the catalog
	for _, f := range t.Fields {
		all = append(all, f.Name)
	}
	whole := x.layout(t, all)
	if len(x.store.Governed[t.Name]) > 0 { // a row may have become a silo's
		return &table{Table: t, whole: whole, brief: whole}
	}
	return &table{Table: t, whole: whole, brief: x.layout(t, brief)}
}

// New makes the executor of a set that Fits. outcomes are those that an earlier run settled.
func New(store *stores.Store, set *change.Set, outcomes []byte, o Options) *Executor {
	x := &Executor{store: store, set: set, o: o, outcomes: outcomes, refused: map[int]Refusal{},
		tables: map[string]*table{}, into: map[string][]int{}, named: map[int][]inRef{},
		identified: map[*judge.Judge]*via.Index{}}
	for i := range set.Rows {
		for k, r := range set.Rows[i].Refs {
			if r.To != (judge.Guard{}) {
				x.named[r.Row] = append(x.named[r.Row], inRef{i, k})
			}
		}
		if name := set.Rows[i].Table; x.tables[name] == nil {
			t, _ := store.Tables.Find(name)
			x.tables[name] = x.newTable(t)
		}
	}
	for i, e := range set.Edges {
		x.into[e.Parent] = append(x.into[e.Parent], i)
	}
	return x
}

// Fits refuses a set whose tables are gone, or a row's no longer governed by its silo. The error wraps
// setup.ErrExpired.
func (x *Executor) Fits() error {
	for i := range x.set.Rows {
		c := &x.set.Rows[i]
		if x.tables[c.Table].Name == "" {
			return fmt.Errorf("%w: the schema of source %s changed since the plan was made: table %s is gone",
				setup.ErrExpired, x.store.Name, c.Table)
		}
		if c.Kind == change.Root && x.store.Judge(c.Silo, c.Table, c.Mapping) == nil {
			return fmt.Errorf("%w: silo %s no longer governs table %s of source %s", setup.ErrExpired, c.Silo,
				c.Table, x.store.Name)
		}
	}
	return x.sameEdges()
}

// sameEdges refuses a set whose tables are referred to in a way that it does not know: a release came between,
// and what the engine would take along by the new foreign key was never looked at. The error wraps
// setup.ErrExpired.
func (x *Executor) sameEdges() error {
	for _, child := range x.store.Tables {
		for _, fk := range child.ForeignKeys {
			if x.tables[fk.RefTable] != nil && !slices.ContainsFunc(x.set.Edges, func(e change.Edge) bool {
				return e.Child == child.Name && e.Parent == fk.RefTable && e.OnDelete == fk.OnDelete &&
					slices.Equal(e.Fields, fk.Fields) && slices.Equal(e.RefFields, fk.RefFields)
			}) {
				return fmt.Errorf("%w: the schema of source %s changed since the plan was made: table %s refers to %s "+
					"by %s (on delete %s)", setup.ErrExpired, x.store.Name, child.Name, fk.RefTable,
					strings.Join(fk.Fields, ", "), strings.ToLower(fk.OnDelete))
			}
		}
	}
	return nil
}

// Carried reports whether rows of a set are decided by identifiers that stand in other tables: they are to be read
// before it is executed.
func Carried(store *stores.Store, set *change.Set) bool {
	return slices.ContainsFunc(set.Rows, func(c change.Change) bool {
		if c.Kind != change.Root {
			return false
		}
		g := store.Judge(c.Silo, c.Table, c.Mapping)
		return g != nil && g.Via != nil
	})
}

// Outcomes are those of the rows from one position up to another.
func (x *Executor) Outcomes(from, to int) []byte { return x.outcomes[from:to] }

// Take notes the outcomes of the rows from a position on.
func (x *Executor) Take(from int, outcomes []byte) { copy(x.outcomes[from:], outcomes) }

// Refused are the rows from one position up to another that the database refused.
func (x *Executor) Refused(from, to int) map[int]Refusal {
	found := map[int]Refusal{}
	for i, r := range x.refused {
		if i >= from && i < to {
			found[i] = r
		}
	}
	return found
}

// errMoved says that the registry got new events while a transaction was at work.
var errMoved = errors.New("the registry moved")

// errAgain says that the rows are not as it was assumed when the first of them were decided.
var errAgain = errors.New("decided on what is not so")

// silos are those under which rows are decided.
func (x *Executor) silos(from, to int) (silos []string) {
	for i := from; i < to; i++ {
		if c := &x.set.Rows[i]; c.Kind == change.Root && !slices.Contains(silos, c.Silo) {
			silos = append(silos, c.Silo)
		}
	}
	return silos
}

// standings is the head up to which a silo's standings are loaded.
func (x *Executor) standings(silo string) int64 {
	for _, j := range x.store.Judges {
		if j.Silo.Silo.Name == silo {
			return j.State.Standings.Head()
		}
	}
	return 0
}

// still compares the registry with what rows were decided by.
func (x *Executor) still(ctx context.Context, silos []string) error {
	for _, silo := range silos {
		now, err := x.o.Head(ctx, silo)
		if err != nil {
			return err
		}
		if now != x.standings(silo) {
			return errMoved
		}
	}
	return nil
}

func (x *Executor) reload(ctx context.Context, silos []string) error {
	for _, silo := range silos {
		if err := x.o.Reload(ctx, silo); err != nil {
			return err
		}
	}
	return nil
}

// judgeOf is a judge of the silo of a change: of a root the one that decided it, of what goes with it any
// that has the silo's key.
func (x *Executor) judgeOf(c *change.Change) *judge.Judge {
	if c.Kind == change.Root {
		return x.store.Judge(c.Silo, c.Table, c.Mapping)
	}
	i := slices.IndexFunc(x.store.Judges, func(j *judge.Judge) bool { return j.Silo.Silo.Name == c.Silo })
	return x.store.Judges[i]
}

// look says how one row of a batch stands beside its change.
func (x *Executor) look(b connectors.Batch, l layout, row int, i int, v *view) {
	c := &x.set.Rows[i]
	refs := make([]hold, len(c.Refs))
	for k, r := range c.Refs {
		e := x.set.Edges[r.Edge]
		at := l.edges[r.Edge]
		values, ok := connectors.KeyOf(b.Rows, at, row)
		switch {
		case !ok && slices.ContainsFunc(at,
			func(col int) bool { return b.Rows.Column(col).(*array.Binary).IsNull(row) }):
			refs[k] = emptied
		case change.GuardOf(x.judgeOf(c).Match, x.o.RunID, e, values) != r.Guard:
			refs[k] = moved
		}
	}
	v.refs[i-v.from] = refs
	for _, in := range x.named[i] {
		other := &x.set.Rows[in.row]
		r := other.Refs[in.k]
		values, ok := connectors.KeyOf(b.Rows, l.into[r.Edge], row)
		if !ok || change.GuardOf(x.judgeOf(other).Match, x.o.RunID, x.set.Edges[r.Edge], values) != r.To {
			v.apart[in] = true
		}
	}
	v.rows[i-v.from] = agrees
	if c.Kind != change.Root {
		if c.Op == judge.Delete && slices.ContainsFunc(x.store.Governed[c.Table],
			func(j *judge.Judge) bool { return j.Mine(b.Rows, row) }) {
			v.rows[i-v.from] = drifted // a silo decides it by now
		}
		return
	}
	switch x.judgeOf(c).Still(b.Rows, row, c.Planned(), x.o.RunID, x.o.Now()) {
	case judge.Already:
		v.rows[i-v.from] = already
	case judge.Drifted:
		v.rows[i-v.from] = drifted
	}
}

// settled says how a row stands that an earlier transaction dealt with.
func settled(outcome byte) status {
	switch outcome {
	case plan.Done, plan.Unverified, plan.Recovered:
		return ended
	case plan.Gone:
		return gone
	}
	return drifted
}
