package pgdump

import (
	"bytes"
	"context"

	"lethe/connectors"
	"lethe/connectors/internal/textfile"
)

// Stream reads a text twice, as Tables and Scan do, through windows that begin with so many bytes, and hands all rows to out.
func Stream(ctx context.Context, text []byte, window int, out func(connectors.Batch) error) ([]connectors.Table, error) {
	s := &source{path: "x.sql", unchecked: true}
	w := newWalker(textfile.NewWindow(ctx, bytes.NewReader(text), window))
	w.unchecked = true
	if err := w.run(); err != nil {
		return nil, err
	}
	c, err := s.finish(w)
	if err != nil {
		return nil, err
	}
	w = newWalker(textfile.NewWindow(ctx, bytes.NewReader(text), window))
	w.unchecked, w.targets = true, map[tableID]*target{}
	var tables []connectors.Table
	for _, t := range c.tables {
		g, err := newTarget(t, connectors.Query{Table: t.Name, MaxRows: 3})
		if err != nil {
			return nil, err
		}
		g.unchecked = true
		w.targets[t.id] = g
		tables = append(tables, t.Table)
	}
	w.collect(out)
	return tables, w.run()
}
