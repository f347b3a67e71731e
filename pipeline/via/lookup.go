package via

import (
	"context"
	"slices"

	"lethe/connectors"
)

// Lookup reads anew what an index holds of some rows, under the lock of a transaction: Take takes up what the query
// at its place returns. Which rows of a table between lead on is read before, for the queries of a transaction are
// known when it begins, and held against the locked ones.
type Lookup struct {
	Queries []connectors.Query
	Take    []func(connectors.Batch)

	// Others reads, beside the transaction and when all of that was taken up, who else has what the rows have. It is
	// asked before the index is closed; its errors are the source's.
	Others func(context.Context) error
}

// Lookup fills an empty index with what is known of the rows of a table that have these keys. Its errors are the
// source's.
func (x *Index) Lookup(ctx context.Context, source connectors.Source, table connectors.Table,
	keys []connectors.Key) (l Lookup, err error) {
	o := &sharers{index: NewIndex(x.paths, x.key, x.known, x.country, false), source: source, whole: x.whole}
	o.index.seed, x.also = x.seed, o.index
	if err := o.own(ctx, table, keys); err != nil {
		return l, err
	}
	for p, way := range x.paths.list {
		values := slices.Sorted(slices.Values(keys))
		if start := table.Fields[way.from].Name; !slices.Equal(table.Key, []string{start}) {
			values, err = valuesOf(ctx, source, connectors.Query{Table: table.Name,
				Keys: &connectors.Keys{Fields: table.Key, Tuples: keys}}, way.from)
			if err != nil {
				return l, err
			}
		}
		for h := range way.hops {
			if len(values) == 0 {
				break
			}
			hop := &way.hops[h]
			q := connectors.Query{Table: hop.Table, Keys: &connectors.Keys{Fields: []string{hop.Field}, Tuples: values,
				Of: &hop.Refers}}
			if values = nil; hop.out >= 0 {
				values, err = valuesOf(ctx, source, q, hop.out)
			} else {
				err = o.ask(ctx, q, way.ids)
			}
			if err != nil {
				return l, err
			}
			next := values
			l.Queries = append(l.Queries, q)
			l.Take = append(l.Take, func(b connectors.Batch) {
				x.take(p, h, b.Rows, tupleOf(q, b))
				x.suspect = x.suspect || hop.out >= 0 && strays(b, hop.out, next)
			})
		}
	}
	l.Others = o.find
	return l, nil
}

// tupleOf says which of the values asked for the rows of a batch answer, as the source compares them; nil: their own.
func tupleOf(q connectors.Query, b connectors.Batch) func(row int) []byte {
	if b.Tuples == nil {
		return nil
	}
	return func(row int) []byte {
		values, _ := q.Keys.Tuples[b.Tuples[row]].Values()
		return values[0]
	}
}

// strays reports whether rows lead on to other values than those that were asked for.
func strays(b connectors.Batch, column int, asked []connectors.Key) bool {
	for row := range int(b.Rows.NumRows()) {
		if v, ok := connectors.KeyOf(b.Rows, []int{column}, row); ok {
			if _, known := slices.BinarySearch(asked, v); !known {
				return true
			}
		}
	}
	return false
}

// valuesOf are those of a column in the rows that a query asks for, sorted.
func valuesOf(ctx context.Context, source connectors.Source, q connectors.Query, column int) (values []connectors.Key,
	err error) {
	for b, err := range source.Scan(ctx, q) {
		if err != nil {
			return nil, err
		}
		for row := range int(b.Rows.NumRows()) {
			if v, ok := connectors.KeyOf(b.Rows, []int{column}, row); ok {
				values = append(values, v)
			}
		}
	}
	slices.Sort(values)
	return slices.Compact(values), nil
}
