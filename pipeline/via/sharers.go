package via

import (
	"context"
	"maps"
	"slices"

	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
	"lethe/pipeline/registry/standings"
)

// sharers reads who else has what some rows have, as the source itself compares values: in its spelling, and in the
// canonical form.
type sharers struct {
	index  *Index // of who has it; these rows are among them
	whole  *Index // what several people have by this is not asked about
	source connectors.Source
	values []map[connectors.Key]bool // by kind
}

// own asks for what rows with these keys hold themselves.
func (o *sharers) own(ctx context.Context, table connectors.Table, keys []connectors.Key) error {
	if len(o.index.paths.own) == 0 {
		return nil
	}
	return o.ask(ctx, connectors.Query{Table: table.Name, Keys: &connectors.Keys{Fields: table.Key, Tuples: keys}},
		o.index.paths.own)
}

// ask asks for what the rows of a query hold. What the registry does not know decides nothing.
func (o *sharers) ask(ctx context.Context, q connectors.Query, ids []id) error {
	x := o.index
	if o.values == nil {
		o.values = make([]map[connectors.Key]bool, len(x.paths.Kinds))
		for kind := range o.values {
			o.values[kind] = map[connectors.Key]bool{}
		}
	}
	for b, err := range o.source.Scan(ctx, q) {
		if err != nil {
			return err
		}
		for _, id := range ids {
			col := b.Rows.Column(id.column).(*array.Binary)
			for row := range col.Len() {
				x.read(x.paths.Kinds[id.kind], col.Value(row), func(name standings.Name, text []byte) {
					unknown := x.known != nil && len(x.known.Lookup(name.Known)) == 0
					if unknown || o.whole != nil && o.whole.Shared(name.Known) {
						return
					}
					o.values[id.kind][connectors.MakeKey(col.Value(row))] = true
					o.values[id.kind][connectors.MakeKey(text)] = true
					o.values[id.kind][connectors.MakeKey(x.buf)] = true
				})
			}
		}
	}
	return nil
}

// find reads who has what was asked for.
func (o *sharers) find(ctx context.Context) error {
	x := o.index
	if len(x.paths.among) > 0 {
		x.people = []uint64{}
	}
	for _, id := range x.paths.own {
		err := o.each(ctx, x.paths.table, id.field, o.asked(id), func(b connectors.Batch) {
			x.meet(b.Rows)
			x.hold(b.Rows)
		})
		if err != nil {
			return err
		}
	}
	for p := range x.paths.list {
		for _, id := range x.paths.list[p].ids {
			if err := o.back(ctx, p, id); err != nil {
				return err
			}
		}
	}
	people := x.people
	x.Close()
	x.people = people // whom a lock takes beside them is none of them
	return nil
}

func (o *sharers) asked(id id) []connectors.Key {
	if o.values == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(o.values[id.kind]))
}

// back goes a path back, from those who have an identifier to the rows they belong to.
func (o *sharers) back(ctx context.Context, p int, id id) error {
	hops := o.index.paths.list[p].hops
	field, values := id.field, o.asked(id)
	for h := len(hops) - 1; h >= 0; h-- {
		var before []connectors.Key
		err := o.each(ctx, hops[h].Table, field, values, func(b connectors.Batch) {
			o.index.take(p, h, b.Rows, nil)
			for row := range int(b.Rows.NumRows()) {
				if v, ok := connectors.KeyOf(b.Rows, []int{hops[h].in}, row); ok {
					before = append(before, v)
				}
			}
		})
		if err != nil {
			return err
		}
		slices.Sort(before)
		field, values = hops[h].start, slices.Compact(before)
	}
	if len(o.index.paths.among) == 0 {
		return nil
	}
	return o.each(ctx, o.index.paths.table, field, values, func(b connectors.Batch) { o.index.meet(b.Rows) })
}

// each reads the rows of a table whose field has one of some values.
func (o *sharers) each(ctx context.Context, table, field string, values []connectors.Key,
	do func(connectors.Batch)) error {
	if len(values) == 0 {
		return nil
	}
	for b, err := range o.source.Scan(ctx, connectors.Query{Table: table,
		Keys: &connectors.Keys{Fields: []string{field}, Tuples: values}}) {
		if err != nil {
			return err
		}
		do(b)
	}
	return nil
}
