package pgdump

import (
	"bytes"

	"lethe/connectors"
)

// copyRows reads the rows of a COPY; Rest begins with the first.
func (w *walker) copyRows(h insert) error {
	g, err := w.begin(h, true)
	if err != nil {
		return err
	}
	if g == nil {
		return w.skipCopy(w.tables[h.id])
	}
	t := w.tables[h.id]
	for {
		b := w.Rest()
		i := 0
		for {
			n := bytes.IndexByte(b[i:], '\n')
			if n < 0 {
				break
			}
			line := b[i : i+n]
			if n > 0 && line[n-1] == '\r' {
				line = line[:n-1]
			}
			if len(line) == 2 && line[0] == '\\' && line[1] == '.' {
				w.Drop(i)
				return w.pass(n + 1)
			}
			w.spans = w.spans[:0]
			if len(line) > 0 || g.Arity > 0 {
				w.spans = cells(line, w.spans)
			}
			if len(w.spans) != g.Arity {
				return w.At(i, "a row of table %s has %d values instead of %d: %w", t.ID.Name, len(w.spans), g.Arity,
					connectors.ErrDamaged)
			}
			t.Seen++
			if err := w.onRow(g, row{line, w.spans, b[i+len(line) : i+n+1]}); err != nil {
				return w.place(i, err)
			}
			i += n + 1
		}
		w.Drop(i)
		if err := w.extend(); err != nil {
			return err
		}
	}
}

// cells finds the values of a line of COPY.
func cells(line []byte, spans []span) []span {
	start := 0
	for {
		n := bytes.IndexByte(line[start:], '\t')
		if n < 0 {
			return append(spans, span{start, len(line)})
		}
		spans = append(spans, span{start, start + n})
		start += n + 1
	}
}

// skipCopy passes the rows of a COPY and counts them. A line that begins with \. ends them: in a value, the
// backslash would be doubled.
func (w *walker) skipCopy(t *table) error {
	for {
		b := w.Rest()
		end := 0
		for len(b) > end {
			n := bytes.IndexByte(b[end:], '\n')
			if n < 0 {
				break
			}
			if bytes.HasPrefix(b[end:], []byte(`\.`)) {
				return w.pass(end + n + 1)
			}
			if i := bytes.Index(b[end+n:], []byte("\n\\.")); i >= 0 {
				end += n + i + 1
			} else {
				end = bytes.LastIndexByte(b, '\n') + 1
			}
			t.Seen += int64(bytes.Count(b[:end], []byte("\n")))
			if err := w.pass(end); err != nil {
				return err
			}
			b, end = b[end:], 0
		}
		if err := w.extend(); err != nil {
			return err
		}
	}
}

// copy reads a COPY statement of n bytes and the rows behind it; p stands at COPY.
func (w *walker) copy(p *parser, n int) error {
	p.advance()
	if p.t.kind == '(' { // COPY (SELECT ..) TO
		return w.pass(n)
	}
	p.accept("ONLY")
	h := insert{id: p.id()}
	if p.t.kind == '(' {
		h.columns = p.names()
	}
	if p.err != nil {
		return w.At(0, "a COPY: %w", p.err)
	}
	if p.accept("TO") {
		return w.pass(n)
	}
	h.rows = p.accept("FROM") && p.accept("STDIN") && p.t.kind == endOfText
	if !h.rows {
		return w.notUnderstood(h.id)
	}
	w.note(h)
	if err := w.pass(n); err != nil {
		return err
	}
	for {
		b := w.Rest()
		i := 0
		for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\r') {
			i++
		}
		if i < len(b) && b[i] == '\n' {
			if err := w.pass(i + 1); err != nil {
				return err
			}
			return w.copyRows(h)
		}
		if i < len(b) {
			return w.At(0, "something stands behind a COPY on its line: %w", connectors.ErrDamaged)
		}
		if err := w.extend(); err != nil {
			return err
		}
	}
}
