package pgdump

import (
	"lethe/connectors/internal/dumpfile"
)

type editor = dumpfile.Editor[*target]

// writing writes rows with other values, in the dialect of the walker at hand. Generated fields are the server's to
// compute: the file has no value for them.
type writing struct {
	dialect *dialect
	spans   []span
}

func (w *writing) Cut(_ *target, row []byte) int {
	if w.dialect.copying {
		w.spans = cells(row, w.spans[:0])
	} else {
		w.spans, _ = w.dialect.tuple(row, w.spans, true)
	}
	return len(w.spans)
}

func (w *writing) At(place int) (start, end int) { return w.spans[place].start, w.spans[place].end }

func (w *writing) Value(g *target, field int, row []byte) (v []byte, null bool, err error) {
	return g.value(*w.dialect, field, row, w.spans)
}

func (w *writing) Literal(dst []byte, g *target, field int, v []byte, null bool, raw []byte) ([]byte, error) {
	return w.dialect.write(dst, &g.Fields[field], &g.info[field], v, null, raw)
}

func (w *writing) Computed(*target, [][]byte) error { return nil }
