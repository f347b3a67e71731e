package pgdump

import (
	"bytes"
	"context"

	"lethe/connectors"
	"lethe/connectors/internal/anew"
	"lethe/connectors/internal/dumpfile"
	"lethe/connectors/internal/textfile"
)

// Stream reads a text twice, as Tables and Scan do, through windows that begin with so many bytes, and
// hands all rows to out.
func Stream(ctx context.Context, text []byte, window int,
	out func(connectors.Batch) error) ([]connectors.Table, error) {
	f := format{opening: textfile.Options{Name: "x.sql"}, unchecked: true}
	found, err := f.survey(textfile.NewWindow(ctx, bytes.NewReader(text), window))
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
	return tables, f.gather(textfile.NewWindow(ctx, bytes.NewReader(text), window), targets, &dumpfile.Batches{Out: out})
}

// Rewritten reads a text twice and writes it anew, through windows that begin with so many bytes, and returns what is
// written.
func Rewritten(ctx context.Context, text []byte, window int,
	edit connectors.EditFunc) (tables []connectors.Table, out []byte, err error) {
	f := format{opening: textfile.Options{Name: "x.sql"}, unchecked: true}
	found, err := f.survey(textfile.NewWindow(ctx, bytes.NewReader(text), window))
	if err != nil {
		return nil, nil, err
	}
	targets := map[dumpfile.TableID]*target{}
	for _, t := range found {
		tables = append(tables, t.Table)
		if t.Unread != nil || t.Absent != "" {
			continue
		}
		if targets[t.ID], err = f.Target(t, connectors.Query{Table: t.Name, MaxRows: 3}); err != nil {
			return nil, nil, err
		}
	}
	e := dumpfile.NewEditor[*target](edit)
	e.Out = func(b []byte) error {
		out = append(out, b...)
		return nil
	}
	err = f.run(f.walk(textfile.NewWindow(ctx, bytes.NewReader(text), window), targets, e))
	return tables, out, err
}

// Interrupt asks hook at each point of a rewrite.
func Interrupt(src connectors.Source, hook func(anew.Point) error) { src.(*rewriter).hook = hook }
