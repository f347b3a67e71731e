package pgdump

import (
	"bytes"
	"context"

	"lethe/connectors"
	"lethe/connectors/internal/dumpfile"
	"lethe/connectors/internal/textfile"
)

// Stream reads a text twice, as Tables and Scan do, through windows that begin with so many bytes, and
// hands all rows to out.
func Stream(ctx context.Context, text []byte, window int,
	out func(connectors.Batch) error) ([]connectors.Table, error) {
	f := format{file: "x.sql", unchecked: true}
	found, err := f.Survey(textfile.NewWindow(ctx, bytes.NewReader(text), window))
	if err != nil {
		return nil, err
	}
	targets := map[dumpfile.TableID]*target{}
	var tables []connectors.Table
	for _, t := range found {
		if targets[t.ID], err = f.Target(t, connectors.Query{Table: t.Name, MaxRows: 3}); err != nil {
			return nil, err
		}
		tables = append(tables, t.Table)
	}
	return tables, f.Walk(textfile.NewWindow(ctx, bytes.NewReader(text), window), targets, &dumpfile.Batches{Out: out})
}
