// Package part chooses rows of a database, so that each row that another one refers to is among them: people with all
// that hangs on them, or a share of everything.
//
//   - [Choose] reads what rows refer to, and draws ([Less]).
//   - A [Part] drops the others from what is written anew.
package part

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"math"
	"slices"

	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
)

// Less asks for a part of the rows: of People, or a Share of all. The part is closed over the foreign keys that are
// declared: each row that another one refers to is there.
type Less struct {
	// People is how many, and Of in which table they are; "" is the one in which most people are found. All rows that
	// refer to them are there, and those that refer to such rows, and so on. Of other tables that hold personal data,
	// and to which others refer, those rows are there that are referred to; the rest is whole.
	People int
	Of     string
	Share  float64 // of the rows of each table, and what those refer to; over 0, at most 1
	Seed   string  // which: the same one gives the same part

	// Out are rows, by table and primary key, that are not to be there whatever else is asked, nor what refers to them
	// unless the database itself would empty the reference (ON DELETE SET NULL).
	Out map[string]map[connectors.Key]bool
	// Refers are ways in which rows refer to each other beside the foreign keys of the catalog, by table; Owns are
	// those by which rows own what they refer to: it is left out too where nothing else refers to it.
	Refers, Owns map[string][]connectors.ForeignKey
}

// Wanted reports whether a part is asked for.
func (l Less) Wanted() bool { return l.People > 0 || l.Share > 0 || len(l.Out) > 0 }

// Count says how many rows of a table are in the part.
type Count struct {
	Table string `json:"table"`
	Kept  int64  `json:"kept"`
	Of    int64  `json:"of"`
}

// Part is which rows of a source are chosen. A row is known by its place among those of its table, in the order in
// which they are read.
type Part struct {
	Less           // with the table of people
	Counts []Count // in the order of the tables
	Met    int64   // rows of Less.Out

	tables map[string]*table
	edges  []*edge
	seed   maphash.Seed // of digests of keys
}

// ErrTable is a table of people that is not there.
var ErrTable = errors.New("no such table")

var errMoved = errors.New("the rows are not those any more that were read first")

// Kind is what a table holds, as far as it matters for which rows are chosen.
type Kind struct {
	Personal bool     // anything that is replaced
	KnownBy  []string // by what people are known: their names, addresses, numbers
}

// table is what is known of the rows of one table.
type table struct {
	connectors.Table
	keys  []uint64 // digests of the primary keys, where there is one
	draws []uint64 // by which rows are drawn
	in    []bool
	out   []bool // as Less.Out says
	rows  int    // that were read
	at    int    // the row that is edited next

	refers, referred []*edge  // by which its rows refer to others, and others to them
	tells            []string // the fields that tell which rows go or are emptied of a reference; nil: no row does
}

// edge is a foreign key with what its rows refer to.
type edge struct {
	child, parent *table
	key           connectors.ForeignKey
	owns          bool             // the child owns the parent
	up            []int32          // the place of the row referred to; none
	exact, folded map[uint64]int32 // while rows are read: where what can be referred to stands
}

const none = -1

// Choose reads the source twice, first what can be referred to, then what refers to it, and draws rows. It holds some
// sixty bytes a row.
func Choose(ctx context.Context, src connectors.Source, tables []connectors.Table, kinds map[string]Kind,
	less Less) (*Part, error) {
	p := &Part{Less: less, tables: map[string]*table{}, seed: maphash.MakeSeed()}
	for _, t := range tables {
		p.tables[t.Name] = &table{Table: t}
	}
	for _, t := range tables {
		for _, fk := range slices.Concat(t.ForeignKeys, less.Refers[t.Name]) {
			if parent := p.tables[fk.RefTable]; parent != nil {
				owns := slices.ContainsFunc(less.Owns[t.Name], func(o connectors.ForeignKey) bool {
					return o.RefTable == fk.RefTable && slices.Equal(o.Fields, fk.Fields)
				})
				child := p.tables[t.Name]
				e := &edge{child: child, parent: parent, key: fk, owns: owns,
					exact: map[uint64]int32{}, folded: map[uint64]int32{}}
				p.edges, child.refers = append(p.edges, e), append(child.refers, e)
				parent.referred = append(parent.referred, e)
			}
		}
	}
	if err := p.read(ctx, src, tables); err != nil {
		return nil, err
	}
	p.leaveOut()
	if err := p.draw(kinds); err != nil {
		return nil, err
	}
	p.ancestors()
	for _, t := range p.tables {
		for i, out := range t.out {
			if out {
				t.in[i] = false
			}
		}
	}
	for _, t := range tables {
		c := Count{Table: t.Name, Of: int64(p.tables[t.Name].rows)}
		for _, in := range p.tables[t.Name].in {
			if in {
				c.Kept++
			}
		}
		p.Counts = append(p.Counts, c)
		p.tables[t.Name].told()
	}
	return p, nil
}

// read learns what the rows are and refer to.
func (p *Part) read(ctx context.Context, src connectors.Source, tables []connectors.Table) error {
	err := p.scan(ctx, src, tables, func(t *table, row int, value func(fields []string) [][]byte) {
		if len(t.Key) > 0 {
			t.keys = append(t.keys, p.sum(value(t.Key), false))
			out := len(p.Out) > 0 && p.Out[t.Name][connectors.MakeKey(value(t.Key)...)]
			if t.out = append(t.out, out); out {
				p.Met++
			}
			t.draws = append(t.draws, p.drawn(t.Name, value(t.Key), 0))
		} else {
			t.draws, t.out = append(t.draws, p.drawn(t.Name, nil, row)), append(t.out, false)
		}
		for _, e := range t.referred {
			if v := value(e.key.RefFields); v != nil {
				e.exact[p.sum(v, false)], e.folded[p.sum(v, true)] = int32(row), int32(row)
			}
		}
	}, func(t connectors.Table) (fields []string) {
		fields = slices.Clone(t.Key)
		for _, e := range p.tables[t.Name].referred {
			fields = append(fields, e.key.RefFields...)
		}
		return fields
	})
	if err != nil {
		return err
	}
	err = p.scan(ctx, src, tables, func(t *table, row int, value func(fields []string) [][]byte) {
		for _, e := range t.refers {
			at := int32(none)
			if v := value(e.key.Fields); v != nil {
				if found, ok := e.exact[p.sum(v, false)]; ok {
					at = found
				} else if found, ok := e.folded[p.sum(v, true)]; ok { // a collation may say that they are alike
					at = found
				}
			}
			e.up = append(e.up, at)
		}
	}, func(t connectors.Table) (fields []string) {
		for _, e := range p.tables[t.Name].refers {
			fields = append(fields, e.key.Fields...)
		}
		return fields
	})
	for _, e := range p.edges {
		e.exact, e.folded = nil, nil
	}
	return err
}

// scan hands each row over with its place in its table, and a way to its values: nil where one of them is NULL.
func (p *Part) scan(ctx context.Context, src connectors.Source, tables []connectors.Table,
	take func(t *table, row int, value func(fields []string) [][]byte), want func(connectors.Table) []string) error {
	var queries []connectors.Query
	for _, t := range tables {
		fields := slices.Compact(slices.Sorted(slices.Values(want(t))))
		if len(fields) == 0 {
			fields = []string{t.Fields[0].Name}
		}
		p.tables[t.Name].rows = 0
		queries = append(queries, connectors.Query{Table: t.Name, Fields: fields})
	}
	for b, err := range src.Scan(ctx, queries...) {
		if err != nil {
			return err
		}
		t := p.tables[b.Table]
		for i := range int(b.Rows.NumRows()) {
			take(t, t.rows, func(fields []string) [][]byte { return valuesOf(b, fields, i) })
			t.rows++
		}
		if t.rows > math.MaxInt32 {
			return fmt.Errorf("%w: table %s has more rows than a part can be chosen of", connectors.ErrConfig, t.Name)
		}
	}
	return nil
}

// valuesOf are the values of some fields of a row; nil where one is NULL.
func valuesOf(b connectors.Batch, fields []string, row int) (list [][]byte) {
	for _, f := range fields {
		col := b.Rows.Column(b.Rows.Schema().FieldIndices(f)[0]).(*array.Binary)
		if col.IsNull(row) {
			return nil
		}
		list = append(list, col.Value(row))
	}
	return list
}

// sum is a digest of values; folded where a collation may take them for alike.
func (p *Part) sum(values [][]byte, folded bool) uint64 {
	var all []byte
	for _, v := range values {
		if folded {
			v = bytes.ToLower(bytes.TrimRight(v, " "))
		}
		all = append(binary.AppendUvarint(all, uint64(len(v))), v...)
	}
	return maphash.Bytes(p.seed, all)
}

// drawn is the number by which a row is drawn: of the seed, the table and the row's key alone.
func (p *Part) drawn(table string, key [][]byte, row int) uint64 {
	mac := hmac.New(sha256.New, []byte(p.Seed))
	fmt.Fprintf(mac, "%q %d ", table, row)
	for _, v := range key {
		fmt.Fprintf(mac, "%q ", v)
	}
	return binary.BigEndian.Uint64(mac.Sum(nil))
}

// draw draws the rows to begin with, and takes what hangs on them.
func (p *Part) draw(kinds map[string]Kind) error {
	for _, t := range p.tables {
		t.in = make([]bool, t.rows)
	}
	if p.People == 0 && p.Share == 0 {
		for _, t := range p.tables {
			for i := range t.in {
				t.in[i] = true
			}
		}
		return nil
	}
	if p.Share > 0 {
		most := uint64(math.MaxUint64)
		if p.Share < 1 {
			most = uint64(p.Share * math.MaxUint64)
		}
		for _, t := range p.tables {
			for i, n := range t.draws {
				t.in[i] = n <= most
			}
		}
		return nil
	}
	if p.Of == "" {
		p.Of = p.mostPeople(kinds)
	}
	people := p.tables[p.Of]
	if people == nil {
		return fmt.Errorf("%w: %q: say in which people are, TABLE=NUMBER", ErrTable, p.Of)
	}
	var order []int
	for i, out := range people.out {
		if !out {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(people.draws[a], people.draws[b]), a-b)
	})
	for _, at := range order[:min(p.People, len(order))] {
		people.in[at] = true
	}
	p.descendants(people, kinds)
	return nil
}

// mostPeople is the table in which most people are.
func (p *Part) mostPeople(kinds map[string]Kind) (best string) {
	rank := func(name string) int {
		switch k := kinds[name]; {
		case len(k.KnownBy) > 1:
			return p.tables[name].rows + math.MaxInt32
		case len(k.KnownBy) > 0:
			return p.tables[name].rows
		}
		return -1
	}
	for _, name := range slices.Sorted(maps.Keys(p.tables)) {
		if rank(name) >= 0 && (best == "" || rank(name) > rank(best)) {
			best = name
		}
	}
	return best
}

// descendants takes all rows that refer to those that were drawn. Of tables that no way leads from to people, those
// wait for what refers to them that hold personal data; the others are whole.
func (p *Part) descendants(people *table, kinds map[string]Kind) {
	hangs := map[*table]bool{people: true}
	for grown := true; grown; {
		grown = false
		for _, e := range p.edges {
			if hangs[e.parent] && !hangs[e.child] {
				hangs[e.child], grown = true, true
			}
			for i, up := range e.up {
				if up != none && e.parent.in[up] && !e.child.in[i] {
					e.child.in[i], grown = true, true
				}
			}
		}
	}
	for _, t := range p.tables {
		ofOthers := func(e *edge) bool { return e.child != t }
		waits := kinds[t.Name].Personal && slices.ContainsFunc(t.referred, ofOthers)
		if !hangs[t] && !waits {
			for i := range t.in {
				t.in[i] = true
			}
		}
	}
}

// leaveOut spreads from the rows that are to be left out to those that refer to them.
func (p *Part) leaveOut() {
	for grown := len(p.Out) > 0; grown; {
		grown = false
		for _, e := range p.edges {
			for i, up := range e.up {
				if up != none && e.parent.out[up] && !e.child.out[i] && !e.empties() {
					e.child.out[i], grown = true, true
				}
			}
		}
		grown = p.leaveOwned() || grown
	}
}

// leaveOwned leaves out what rows own that are left out, where no other row refers to it.
func (p *Part) leaveOwned() (grown bool) {
	needed := map[*table][]bool{}
	for _, e := range p.edges {
		if needed[e.parent] == nil {
			needed[e.parent] = make([]bool, e.parent.rows)
		}
		for i, up := range e.up {
			if up != none && !e.child.out[i] {
				needed[e.parent][up] = true
			}
		}
	}
	for _, e := range p.edges {
		for i, up := range e.up {
			if e.owns && up != none && e.child.out[i] && !needed[e.parent][up] && !e.parent.out[up] {
				e.parent.out[up], grown = true, true
			}
		}
	}
	return grown
}

// empties reports whether a row stays when what it refers to goes, with nothing in the fields that refer.
func (e *edge) empties() bool {
	if e.key.OnDelete != "SET NULL" {
		return false
	}
	for _, name := range e.key.Fields {
		if f, ok := e.child.Field(name); !ok || !f.Nullable {
			return false
		}
	}
	return true
}

// ancestors takes all rows that others refer to.
func (p *Part) ancestors() {
	for grown := true; grown; {
		grown = false
		for _, e := range p.edges {
			for i, up := range e.up {
				if up != none && e.child.in[i] && !e.parent.in[up] {
					e.parent.in[up], grown = true, true
				}
			}
		}
	}
}

// Drop deletes the rows of a batch that are not in the copy, and says which fields of which other rows are to be
// emptied, as they refer to one that is left out.
func (p *Part) Drop(b connectors.Batch, ops []connectors.Op) (empty map[string][]bool, err error) {
	t := p.tables[b.Table]
	for i := range ops {
		at := t.at
		t.at++
		if at >= len(t.in) || len(t.keys) > 0 && t.keys[at] != p.sum(valuesOf(b, t.Key, i), false) {
			return nil, fmt.Errorf("table %s: %w: copy what stands still", b.Table, errMoved)
		}
		if !t.in[at] {
			ops[i] = connectors.Delete
			continue
		}
		for _, e := range t.refers {
			if e.up[at] == none || !e.parent.out[e.up[at]] {
				continue
			}
			for _, name := range e.key.Fields {
				if empty[name] == nil {
					if empty == nil {
						empty = map[string][]bool{}
					}
					empty[name] = make([]bool, len(ops))
				}
				empty[name][i] = true
			}
			ops[i] = connectors.Update
		}
	}
	return empty, nil
}

// Partial reports whether rows of a table go, or are emptied of a reference, and which fields tell that.
func (p *Part) Partial(table string) (fields []string, ok bool) {
	t := p.tables[table]
	return t.tells, t.tells != nil
}

// told finds out what Partial says.
func (t *table) told() {
	partial := slices.Contains(t.in, false)
	fields := slices.Clone(t.Key)
	for _, e := range t.refers {
		if slices.Contains(e.parent.out, true) {
			fields, partial = append(fields, e.key.Fields...), true
		}
	}
	if partial {
		t.tells = append([]string{}, fields...)
	}
}
