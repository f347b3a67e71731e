package mysqldump

import (
	"bytes"
	"context"

	"lethe/connectors"
	"lethe/connectors/internal/anew"
	"lethe/connectors/internal/dumpfile"
	"lethe/connectors/internal/textfile"
)

// Interrupt calls hook at each point of a rewrite of src.
func Interrupt(src connectors.Source, hook func(anew.Point) error) {
	switch r := src.(type) {
	case *rewriter:
		r.hook = hook
	case *folderRewriter:
		r.hook = hook
	}
}

// Stream reads a text twice, as Tables and Rewrite do, asking edit about all rows, through a window of that
// many bytes, and returns the new text.
func Stream(ctx context.Context, text []byte, window int,
	edit connectors.EditFunc) (tables []connectors.Table, out []byte, err error) {
	f := format{opening: textfile.Options{Name: "x.sql"}, unchecked: true}
	found, err := f.survey(textfile.NewWindow(ctx, bytes.NewReader(text), window))
	if err != nil {
		return nil, nil, err
	}
	targets := map[dumpfile.TableID]*target{}
	for _, t := range found {
		tables = append(tables, t.Table)
		if targets[t.ID], err = f.Target(t, connectors.Query{Table: t.Name, MaxRows: 3}); err != nil {
			return nil, nil, err
		}
	}
	var b bytes.Buffer
	behind, err := anew.NewWriter(&b, nil)
	if err != nil {
		return nil, nil, err
	}
	editor := dumpfile.NewEditor[*target](edit)
	editor.Out = behind.Put
	w := rewriting(textfile.NewWindow(ctx, bytes.NewReader(text), window), targets, editor)
	err = w.run()
	if e := behind.Close(); err == nil {
		err = e
	}
	return tables, b.Bytes(), err
}
