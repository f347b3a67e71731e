// Package execute carries out a set of changes in the source that it was planned for. Its nouns: an Executor
// executes one set; what may happen to a row now is its verdict, in a package of its own. Every row is looked at
// again under its lock, and every edit is computed from that row's own change: nothing is carried along by position.
// A live source is changed in transactions of whole units (Live), a backup in one rewrite (Backup); what happens to
// a row is decided by the same code.
package execute

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
	"lethe/pipeline/change"
	"lethe/pipeline/execute/verdict"
	"lethe/pipeline/judge"
	"lethe/pipeline/plan"
	"lethe/pipeline/stores"
	"lethe/pipeline/via"
)

// Options are what executing a set takes besides the set and its source.
type Options struct {
	RunID  string                                                // of the run that planned
	Now    func() time.Time                                      // as of which rows are decided anew
	Head   func(ctx context.Context, silo string) (int64, error) // of the registry, now
	Reload func(ctx context.Context, silo string) error          // brings a silo's standings to that head

	// Share makes durable that some identifiers are several people's, before the rows of one of them are gone.
	Share func(ctx context.Context, list []stores.Share) error
}

// Executor executes the changes of one set in one source.
type Executor struct {
	store    *stores.Store
	set      *change.Set
	o        Options
	outcomes []byte // of each row; 0: not known yet
	refused  map[int]Refusal
	waited   []string     // the tables of units that somebody else had locked
	ends     error        // too many are locked
	held     map[int]bool // rows that stay for what refers to them by now
	tables   map[string]*table
	into     map[string][]int      // edges of the set, by the table referred to
	named    map[int][]verdict.Ref // by row: what refers to it by other values than its key

	// whose the rows of a unit are that is executed in several transactions, as the first of them found it
	identified map[*judge.Judge]*via.Index
	beside     time.Duration          // for which transactions read who else has what their rows have
	shares     map[int][]stores.Share // of the rows that agreed, when they were looked at
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
	// A row may have become a silo's, or people may be ended in any field of it.
	if len(x.store.Governed[t.Name]) > 0 || len(x.store.Endings[t.Name]) > 0 {
		return &table{Table: t, whole: whole, brief: whole}
	}
	return &table{Table: t, whole: whole, brief: x.layout(t, brief)}
}

// New makes the executor of a set that fits its source and the policy. outcomes are those that an earlier run settled.
func New(store *stores.Store, set *change.Set, outcomes []byte, o Options) *Executor {
	x := &Executor{store: store, set: set, o: o, outcomes: outcomes, refused: map[int]Refusal{}, held: map[int]bool{},
		tables: map[string]*table{}, into: map[string][]int{}, named: map[int][]verdict.Ref{},
		identified: map[*judge.Judge]*via.Index{}, shares: map[int][]stores.Share{}}
	for i := range set.Rows {
		for k, r := range set.Rows[i].Refs {
			if r.To != (judge.Guard{}) {
				x.named[r.Row] = append(x.named[r.Row], verdict.Ref{Row: i, K: k})
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

// Outcomes are those of the rows from one position up to another.
func (x *Executor) Outcomes(from, to int) []byte { return x.outcomes[from:to] }

// Beside is for how long its transactions read who else has what their rows have: where the source has to look through
// a table for it, this takes as long for few rows as for many.
func (x *Executor) Beside() time.Duration { return x.beside }

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

// Held reports whether a row was left for what refers to it by now.
func (x *Executor) Held(i int) bool { return x.held[i] }

// errMoved says that the registry got new events while a transaction was at work.
var errMoved = errors.New("the registry has moved on")

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
func (x *Executor) judgeOf(c *change.Row) *judge.Judge {
	if c.Kind == change.Root {
		return x.store.Judge(c.Silo, c.Table, c.Mapping)
	}
	i := slices.IndexFunc(x.store.Judges, func(j *judge.Judge) bool { return j.Silo.Silo.Name == c.Silo })
	return x.store.Judges[i]
}

// look says how one row of a batch stands beside its change.
func (x *Executor) look(b connectors.Batch, l layout, row int, i int, v *verdict.View) {
	c := &x.set.Rows[i]
	v.Refs[i-v.From] = nil
	for k, r := range c.Refs {
		e := x.set.Edges[r.Edge]
		at := l.edges[r.Edge]
		values, ok := connectors.KeyOf(b.Rows, at, row)
		switch {
		case !ok && slices.ContainsFunc(at,
			func(col int) bool { return b.Rows.Column(col).(*array.Binary).IsNull(row) }):
			v.SetRef(i, k, verdict.Emptied)
		case change.GuardOf(x.judgeOf(c).Match, x.o.RunID, e, values) != r.Guard:
			v.SetRef(i, k, verdict.Moved)
		}
	}
	for _, in := range x.named[i] {
		other := &x.set.Rows[in.Row]
		r := other.Refs[in.K]
		values, ok := connectors.KeyOf(b.Rows, l.into[r.Edge], row)
		if !ok || change.GuardOf(x.judgeOf(other).Match, x.o.RunID, x.set.Edges[r.Edge], values) != r.To {
			v.Apart[in] = true
		}
	}
	v.Rows[i-v.From] = verdict.Agrees
	if c.Kind != change.Root {
		if c.Op == judge.Delete && slices.ContainsFunc(x.store.Governed[c.Table],
			func(j *judge.Judge) bool { return j.Mine(b.Rows, row) }) {
			v.Rows[i-v.From] = verdict.Drifted // a silo decides it by now
		}
		return
	}
	switch x.judgeOf(c).Still(b.Rows, row, c.Planned(), x.o.RunID, x.o.Now()) {
	case judge.Already:
		v.Rows[i-v.From] = verdict.Already
	case judge.Drifted:
		v.Rows[i-v.From] = verdict.Drifted
	default:
		x.apart(b, row, i)
	}
}

// settled says how a row stands that an earlier transaction dealt with.
func settled(outcome byte) verdict.Status {
	switch outcome {
	case plan.Done, plan.Unverified, plan.Recovered:
		return verdict.Ended
	case plan.Gone:
		return verdict.Gone
	}
	return verdict.Drifted
}
