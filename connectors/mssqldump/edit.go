package mssqldump

import (
	"lethe/connectors/internal/dumpfile"
)

type editor = dumpfile.Editor[*target]

// writing writes rows with other values, in the dialect of the walker at hand and in characters that the script has.
type writing struct {
	dialect *dialect
	codec   codec
	spans   []span
}

func (w *writing) Cut(_ *target, row []byte) int {
	w.spans, _ = lexer{eof: true, strings: w.dialect.strings}.tuple(row, w.spans)
	return len(w.spans)
}

func (w *writing) At(place int) (start, end int) { return w.spans[place].start, w.spans[place].end }

func (w *writing) Value(g *target, field int, row []byte) (v []byte, null bool, err error) {
	return g.value(*w.dialect, field, row, w.spans)
}

func (w *writing) Literal(dst []byte, g *target, field int, v []byte, null bool, raw []byte) ([]byte, error) {
	start := len(dst)
	dst, err := w.dialect.write(dst, &g.Fields[field], &g.info[field], v, null, raw)
	if err == nil && w.codec.single != nil {
		_, err = w.codec.encode(nil, dst[start:])
	}
	return dst, err
}

func (w *writing) Computed(*target, [][]byte) error { return nil }
