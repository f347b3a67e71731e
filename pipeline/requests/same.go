package requests

import (
	"context"
	"errors"
	"slices"

	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
	"lethe/pipeline/setup"
	"lethe/pipeline/stores"
)

// Same reads the rows of live sources that are the person's once more, and reports whether they are as they were found:
// an application may have changed one while others were still read. A row without a key is not looked at.
func (s *Section) Same(ctx context.Context, p *setup.Setup) (same bool, err error) {
	bySource := map[string]map[string][]*Hit{}
	for _, h := range s.Certain() {
		if h.Backup || len(h.Key) == 0 {
			continue
		}
		if bySource[h.Source] == nil {
			bySource[h.Source] = map[string][]*Hit{}
		}
		bySource[h.Source][h.Table] = append(bySource[h.Source][h.Table], h)
	}
	for name, tables := range bySource {
		i := slices.IndexFunc(p.Sources, func(o setup.Source) bool { return o.Name == name })
		if same, err := sameIn(ctx, p.Sources[i], tables); err != nil || !same {
			return false, err
		}
	}
	return true, nil
}

// sameIn is Same in one source.
func sameIn(ctx context.Context, src setup.Source, found map[string][]*Hit) (same bool, err error) {
	open, err := src.Open(ctx)
	if err != nil {
		return false, setup.SourceError(err)
	}
	defer func() { err = errors.Join(err, open.Close()) }()
	s := stores.NewStore(src)
	tables, err := open.Tables(ctx)
	if err != nil {
		return false, setup.SourceError(err)
	}
	s.Tables = tables
	for table, hits := range found {
		t, _ := s.Tables.Find(table)
		q := connectors.Query{Table: table, Keys: &connectors.Keys{Fields: t.Key}}
		want := map[string]*Hit{}
		for _, h := range hits {
			var values [][]byte
			for _, v := range h.Key {
				values = append(values, []byte(v))
			}
			key := connectors.MakeKey(values...)
			q.Keys.Tuples = append(q.Keys.Tuples, key)
			want[table+"\x1f"+string(key)] = h
		}
		slices.Sort(q.Keys.Tuples)
		seen := 0
		for b, err := range open.Scan(ctx, q) {
			if err != nil {
				return false, setup.SourceError(err)
			}
			for row := range int(b.Rows.NumRows()) {
				_, place := keyOf(t, b.Rows, row)
				h := want[place]
				if h == nil || !h.as(b, row) {
					return false, nil
				}
				seen++
			}
		}
		if seen != len(want) {
			return false, nil
		}
	}
	return true, nil
}

// as reports whether a row holds what was found.
func (h *Hit) as(b connectors.Batch, row int) bool {
	if int(b.Rows.NumCols()) != len(h.cells) {
		return false
	}
	for i, was := range h.cells {
		col := b.Rows.Column(i).(*array.Binary)
		if col.IsNull(row) != (was == nil) || was != nil && string(col.Value(row)) != string(was) {
			return false
		}
	}
	return true
}
