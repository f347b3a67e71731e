// Package via finds the identifiers of people that stand in other tables than their rows do. Paths are the ways
// of a table's rows to such identifiers, resolved against the catalog of a source; an Index holds what was read
// along them, so small that it fits into memory; Found is what it knows of one row.
package via

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/subject"
)

// Paths are the ways from the rows of one table to identifiers in others. They do not change.
type Paths struct {
	list  []path
	from  []int
	Kinds []string // of the identifiers, sorted; those of the row itself among them
	table string   // of the rows
	own   []id     // of the identifiers that the row holds itself those of which other tables have some, too
	among [][]cell // who counts for whether several people have something: rows that hold one of these; nil: not asked
}

type path struct {
	from int // column of the row's table
	hops []Hop
	ids  []id // what identifies the person in the rows of the last hop
}

// Hop is one step of a path, over the rows of Table whose Field equals what the step before left at.
type Hop struct {
	Table  string
	Field  string
	Refers connectors.Referred // what Field equals
	in     int                 // column of Field
	out    int                 // column at which the next hop starts; -1 at the last
	start  string              // field of the table before at which it starts
	where  []cell
	mixed  bool // the one is a number, the other is not
}

type cell struct {
	column int
	value  string
}

// id is a column that identifies a person.
type id struct {
	kind   uint8
	column int
	field  string
}

// maxKinds is how many kinds of identifiers a table's rows can have, and how many paths can lead from them: as many
// as four bits tell apart, and one for other uses.
const maxKinds = 14

// Resolve finds the tables and fields of a table's paths. own are the fields of the row itself that identify its
// person, by kind. Its error joins all that the catalog does not have; ErrNoTable is among them where a table is
// missing.
func Resolve(tables connectors.Tables, table connectors.Table, vias []subject.Via,
	own map[string]string) (*Paths, error) {
	if len(vias) == 0 {
		return nil, nil
	}
	p := &Paths{Kinds: slices.Collect(maps.Keys(own)), table: table.Name}
	for _, v := range vias {
		p.Kinds = append(p.Kinds, slices.Collect(maps.Keys(v.Fields))...)
	}
	slices.Sort(p.Kinds)
	if p.Kinds = slices.Compact(p.Kinds); max(len(p.Kinds), len(vias)) > maxKinds {
		return nil, fmt.Errorf("table %s has %d kinds of identifiers, and %d ways to them: name at most %d of each",
			table.Name, len(p.Kinds), len(vias), maxKinds)
	}
	for _, kind := range slices.Sorted(maps.Keys(own)) {
		c := slices.IndexFunc(table.Fields, func(f connectors.Field) bool { return f.Name == own[kind] })
		if c >= 0 && slices.ContainsFunc(vias, func(v subject.Via) bool { return v.Fields[kind] != "" }) {
			p.own = append(p.own, id{p.kind(kind), c, own[kind]})
		}
	}
	var errs []error
	for _, v := range vias {
		resolved, err := p.resolve(tables, table, v)
		p.list, errs = append(p.list, resolved), append(errs, err)
		p.from = append(p.from, resolved.from)
	}
	slices.Sort(p.from)
	p.from = slices.Compact(p.from)
	return p, errors.Join(errs...)
}

// Among says that who stands in no row of the table is nobody, nor is one in a row of others: of the table's rows those
// count that hold all values of one of these.
func (p *Paths) Among(table connectors.Table, wheres ...map[string]string) error {
	if p == nil {
		return nil
	}
	for _, where := range wheres {
		cells := []cell{}
		for _, f := range slices.Sorted(maps.Keys(where)) {
			c := slices.IndexFunc(table.Fields, func(field connectors.Field) bool { return field.Name == f })
			if c < 0 {
				return fmt.Errorf("table %s has no field %s: name a field that it has", table.Name, f)
			}
			cells = append(cells, cell{c, where[f]})
		}
		p.among = append(p.among, cells)
	}
	return nil
}

// ErrNoTable says that a table of a path is not in the catalog.
var ErrNoTable = errors.New("no such table")

func (p *Paths) resolve(tables connectors.Tables, at connectors.Table, v subject.Via) (path, error) {
	var way path
	for i, h := range v.Path {
		from := h.From
		if from == "" {
			key := at.KeyBy([]string{h.Field})
			switch {
			case len(at.Key) != 1:
				return way, fmt.Errorf("via %s: the key of table %s has %d fields, not one: say which is meant, as "+
					"FIELD = %s.%s", v, at.Name, len(at.Key), h.Table, h.Field)
			case len(key) != 1:
				return way, fmt.Errorf("via %s: table %s has no primary key: say which field is meant, as "+
					"FIELD = %s.%s", v, at.Name, h.Table, h.Field)
			}
			from = key[0]
		}
		start, err := column(at, from, v)
		if err != nil {
			return way, err
		}
		if i == 0 {
			way.from = start
		} else {
			way.hops[i-1].out = start
		}
		next, ok := tables.Find(h.Table)
		if !ok {
			return way, fmt.Errorf("via %s: %w %s: name a table that the source has", v, ErrNoTable, h.Table)
		}
		hop := Hop{Table: h.Table, Field: h.Field, Refers: connectors.Referred{Table: at.Name, Fields: []string{from}},
			out: -1, start: from}
		if hop.in, err = column(next, h.Field, v); err != nil {
			return way, err
		}
		hop.mixed = numeric(at.Fields[start]) != numeric(next.Fields[hop.in])
		for _, f := range slices.Sorted(maps.Keys(h.Where)) {
			c, err := column(next, f, v)
			if err != nil {
				return way, err
			}
			hop.where = append(hop.where, cell{c, h.Where[f]})
		}
		way.hops, at = append(way.hops, hop), next
	}
	for _, kind := range slices.Sorted(maps.Keys(v.Fields)) {
		c, err := column(at, v.Fields[kind], v)
		if err != nil {
			return way, err
		}
		way.ids = append(way.ids, id{uint8(slices.Index(p.Kinds, kind)), c, v.Fields[kind]})
	}
	return way, nil
}

// CheckDependents refuses dependents whose declared reference is none, by number or kind of its fields. It refuses
// those of a join table of which only some rows count, where rows of other tables may have the same number: their rows
// there would go, too. A foreign key says that there are no others.
func CheckDependents(tables connectors.Tables, table connectors.Table, r policy.Records) error {
	var errs []error
	for _, d := range r.Dependents {
		child, _ := tables.Find(d.Table)
		errs = append(errs, checkReference(tables, table, child, d))
		bound := slices.ContainsFunc(child.ForeignKeys, func(k connectors.ForeignKey) bool {
			return k.RefTable == table.Name && slices.Equal(k.Fields, d.FK)
		})
		if !bound && slices.ContainsFunc(r.Via, func(v subject.Via) bool { return others(table, v.Path[0], d) }) {
			errs = append(errs, fmt.Errorf("dependent %s: via counts only some of its rows (where), and a dependent "+
				"is all of them, also those of other tables' rows with the same number: leave it out, and let the "+
				"application remove what is left", d.Table))
		}
	}
	return errors.Join(errs...)
}

// checkReference refuses a reference that no foreign key declares and whose fields no value can have in common with the
// key that it refers to: what a server then finds, or finds not, a dump would not.
func checkReference(tables connectors.Tables, table, child connectors.Table, d policy.Dependent) error {
	parent := table
	if d.References != "" {
		parent, _ = tables.Find(d.References)
	}
	declared := slices.ContainsFunc(child.ForeignKeys, func(k connectors.ForeignKey) bool {
		return slices.Equal(k.Fields, d.FK) && (d.References == "" || k.RefTable == d.References)
	})
	switch {
	case declared, len(parent.Key) == 0:
		return nil
	case len(parent.KeyBy(d.FK)) == 0:
		return fmt.Errorf("dependent %s: table %s has no primary key, and its rows are known by %s, so that nobody "+
			"can tell what fk (%s) refers to: declare the foreign key in the database, or give the table a primary "+
			"key", d.Table, parent.Name, strings.Join(parent.Key, ", "), strings.Join(d.FK, ", "))
	}
	if len(d.FK) != len(parent.Key) {
		return fmt.Errorf("dependent %s: fk has %d fields, and the key of %s has %d (%s): name as many, in that order",
			d.Table, len(d.FK), parent.Name, len(parent.Key), strings.Join(parent.Key, ", "))
	}
	for i, name := range d.FK {
		from, ok := child.Field(name)
		to, _ := parent.Field(parent.Key[i])
		if ok && !alike(from, to) {
			return fmt.Errorf("dependent %s: field %s (%s) cannot hold what %s.%s does (%s): correct fk, or say by "+
				"references which table is meant", d.Table, name, from.Type, parent.Name, to.Name, to.Type)
		}
	}
	return nil
}

// alike reports whether values of two fields are alike as text where they are alike: those of one kind, texts and
// whole numbers. Rounded numbers never are.
func alike(a, b connectors.Field) bool {
	texts := []connectors.Kind{connectors.Text, connectors.Integer, connectors.Decimal}
	if a.Kind == b.Kind {
		return a.Kind != connectors.Float
	}
	return slices.Contains(texts, a.Kind) && slices.Contains(texts, b.Kind)
}

// others reports whether rows of other tables may be among a dependent's that is a join table.
func others(table connectors.Table, h subject.Hop, d policy.Dependent) bool {
	from := h.From
	if from == "" && len(table.Key) == 1 {
		from = table.Key[0]
	}
	f, _ := table.Field(from)
	return h.Filters(d.Table, d.FK) && numeric(f)
}

func numeric(f connectors.Field) bool {
	return f.Kind == connectors.Integer || f.Kind == connectors.Decimal || f.Kind == connectors.Float
}

func column(t connectors.Table, field string, v subject.Via) (int, error) {
	i := slices.IndexFunc(t.Fields, func(f connectors.Field) bool { return f.Name == field })
	if i < 0 {
		return 0, fmt.Errorf("via %s: table %s has no field %s: name a field that it has", v, t.Name, field)
	}
	return i, nil
}

// From are the columns of the row's table at which paths start, sorted.
func (p *Paths) From() []int {
	if p == nil {
		return nil
	}
	return p.from
}

// start numbers the columns at which paths start; 0 is none of them.
func (p *Paths) start(column int) uint8 {
	for i, way := range p.list {
		if way.from == column {
			return uint8(i + 1)
		}
	}
	return 0
}

// mixed reports whether values of a column at which paths start are numbers that are compared with texts, or texts that
// are compared with numbers.
func (p *Paths) mixed(column int) bool {
	return slices.ContainsFunc(p.list, func(way path) bool { return way.from == column && way.hops[0].mixed })
}

// kind is the number of a kind of identifiers.
func (p *Paths) kind(kind string) uint8 { return uint8(slices.Index(p.Kinds, kind)) }

// Reads are the tables that have to be read before rows can be decided, sorted: those over which the paths lead, and
// that of the rows, which says who there is, and what they hold themselves.
func (p *Paths) Reads() []string {
	names := p.Tables()
	if p != nil && len(p.own)+len(p.among) > 0 {
		names = append(names, p.table)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Tables are the tables over which the paths lead, sorted.
func (p *Paths) Tables() (names []string) {
	if p == nil {
		return nil
	}
	for _, way := range p.list {
		for _, h := range way.hops {
			names = append(names, h.Table)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Len is the number of paths.
func (p *Paths) Len() int {
	if p == nil {
		return 0
	}
	return len(p.list)
}

// Hops are the steps of a path.
func (p *Paths) Hops(i int) []Hop { return p.list[i].hops }

// counts reports whether a row of the hop's table is among those that the policy wants.
func (h *Hop) counts(rows arrow.Record, row int) bool { return holds(rows, row, h.where) }

func holds(rows arrow.Record, row int, cells []cell) bool {
	for _, c := range cells {
		col := rows.Column(c.column).(*array.Binary)
		if col.IsNull(row) || !subject.Holds(c.value, col.Value(row)) {
			return false
		}
	}
	return true
}
