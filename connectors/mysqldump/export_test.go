package mysqldump

import (
	"bytes"
	"context"

	"lethe/connectors"
	"lethe/connectors/internal/textfile"
)

// Points are the places at which a rewrite can be interrupted.
var Points = []string{pointWritten, pointVerified, pointReady, pointRenamed}

// Interrupt calls hook at each point of a rewrite of src.
func Interrupt(src connectors.Source, hook func(point string) error) {
	src.(*rewriter).hook = hook
}

// Stream reads a text twice, as Tables and Rewrite do, asking edit about all rows, through a window of that many bytes, and returns the
// new text.
func Stream(ctx context.Context, text []byte, window int, edit connectors.EditFunc) (tables []connectors.Table, out []byte, err error) {
	j := &job{source: &source{file: "x.sql", unchecked: true}, edit: edit}
	w := newWalker(textfile.NewWindow(ctx, bytes.NewReader(text), window))
	if err := w.run(); err != nil {
		return nil, nil, err
	}
	c, err := j.finish(w)
	if err != nil {
		return nil, nil, err
	}
	targets := map[tableID]*target{}
	for _, t := range c.tables {
		tables = append(tables, t.Table)
		if targets[t.id], err = newTarget(t, connectors.Query{Table: t.Name, MaxRows: 3}); err != nil {
			return nil, nil, err
		}
	}
	var b bytes.Buffer
	behind, err := writeBehind(&b, textfile.Packing{})
	if err != nil {
		return nil, nil, err
	}
	w = j.walk(textfile.NewWindow(ctx, bytes.NewReader(text), window), targets, &editor{out: behind, edit: edit, counts: map[*target]*connectors.RewriteCount{}})
	err = w.run()
	if e := behind.close(); err == nil {
		err = e
	}
	return tables, b.Bytes(), err
}
