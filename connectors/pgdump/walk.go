package pgdump

import (
	"bytes"
	"errors"
	"io"
	"slices"

	"golang.org/x/text/encoding"

	"lethe/connectors"
	"lethe/connectors/internal/dumpfile"
	"lethe/connectors/internal/textfile"
)

// rowBytes is the most that a row or a statement may hold: what is longer is damage, not data.
const rowBytes = 1 << 30

// schema is what the statements so far have defined.
type schema struct {
	database string
	path     string            // the schema of unqualified names
	charset  encoding.Encoding // of the file, as far as it has been read; nil: UTF-8
	tables   map[dumpfile.TableID]*table
	order    []*table
	domains  map[dumpfile.TableID]typeInfo
	enums    map[dumpfile.TableID][]string
	unlike   map[dumpfile.TableID]bool // collations that are not deterministic
	others   map[dumpfile.TableID]bool // views, temporary tables
	absent   []*table                  // of the views, those that keep rows
	// statistics of the planner stand in the file, with values of rows
	statistics bool
}

// walker reads the statements of a dump one after another. With targets it hands their rows to onRow.
type walker struct {
	dumpfile.Window
	*schema
	dialect   dialect
	unchecked bool // a statement that cannot be followed is passed over
	targets   map[dumpfile.TableID]*target
	complete  bool   // the last thing read is the trailer
	last      insert // the header before, for dumps with one row a statement
	lastText  []byte
	spans     []span
	onRow     func(g *target, r row) error
	flush     func() error // ends the batch at hand: called before anything but a row of the same table
	editor    *editor      // nil while only reading
	taken     bool         // the statement at hand was a row, which onRow got
}

// row is a row as it stands in the file.
type row struct {
	text   []byte // a tuple, or a line of COPY without its end
	values []span
	end    []byte // of the line
}

// span is where a value stands in a row.
type span struct{ start, end int }

// pass consumes n bytes that are no row, and copies them where the file is written anew.
func (w *walker) pass(n int) error {
	b := w.Rest()[:n]
	w.Drop(n)
	if w.editor == nil || n == 0 {
		return nil
	}
	return w.editor.Text(b)
}

// part consumes n bytes of an INSERT.
func (w *walker) part(part dumpfile.Part, n int) {
	if w.editor != nil {
		w.editor.Part(part, w.Rest()[:n])
	}
	w.Drop(n)
}

func newWalker(w *textfile.Window) *walker {
	return &walker{
		Window: dumpfile.Window{Window: w}, dialect: dialect{conform: true}, flush: func() error { return nil },
		schema: &schema{path: "public", tables: map[dumpfile.TableID]*table{}, domains: map[dumpfile.TableID]typeInfo{},
			enums:  map[dumpfile.TableID][]string{},
			unlike: map[dumpfile.TableID]bool{}, others: map[dumpfile.TableID]bool{}},
	}
}

// place adds the line to an error of a row; what the reader of the rows made of it stays as it is.
func (w *walker) place(n int, err error) error {
	if errors.Is(err, connectors.ErrDamaged) {
		return w.At(n, "%w", err)
	}
	return err
}

// run reads to the end of the file.
func (w *walker) run() error {
	const mark = "\xef\xbb\xbf"
	for len(w.Rest()) < len(mark) {
		if err := w.More(); err == io.EOF {
			break
		} else if err != nil {
			return err
		}
	}
	if bytes.HasPrefix(w.Rest(), []byte(mark)) {
		if err := w.pass(len(mark)); err != nil {
			return err
		}
	}
	for {
		more, err := w.blank()
		if err != nil {
			return err
		}
		if !more {
			return w.flush()
		}
		if err := w.statement(); err != nil {
			return err
		}
	}
}

// extend reads more for what is not whole, within bounds.
func (w *walker) extend() error {
	if !w.EOF() && len(w.Rest()) > rowBytes {
		return w.At(0, "what begins here is longer than %d MB, a quote may be missing: %w", rowBytes>>20,
			connectors.ErrDamaged)
	}
	return w.Extend()
}

var trailers = [][]byte{[]byte("-- PostgreSQL database dump complete"),
	[]byte("-- PostgreSQL database cluster dump complete")}

// blank passes white space and comments, and reports whether anything follows.
func (w *walker) blank() (bool, error) {
	for {
		b := w.Rest()
		i := 0
		for i < len(b) && (isBlank(b[i]) || b[i] == 0 || b[i] == ';') {
			i++
		}
		if err := w.pass(i); err != nil {
			return false, err
		}
		if b = w.Rest(); len(b) > 0 {
			switch end := comment(b, 0, w.EOF()); {
			case end == 0:
				return true, nil
			case end > 0:
				if slices.ContainsFunc(trailers, func(t []byte) bool { return bytes.HasPrefix(b, t) }) {
					w.complete = true
				}
				if err := w.pass(end); err != nil {
					return false, err
				}
				continue
			case w.EOF():
				return false, w.At(0, "the file ends within a comment: %w", connectors.ErrDamaged)
			}
		}
		if more, err := w.Follows(); !more {
			return false, err
		}
	}
}

// statement reads one statement; Rest begins with its first byte.
func (w *walker) statement() error {
	if w.Rest()[0] == '\\' {
		return w.command()
	}
	w.complete = false
	if w.lastText != nil && bytes.HasPrefix(w.Rest(), w.lastText) {
		return w.rows(w.last, len(w.lastText))
	}
	for {
		l := lexer{b: w.Rest(), conform: w.dialect.conform, eof: w.EOF()}
		t := l.next()
		if t.kind == endOfText && !w.EOF() {
			if err := w.extend(); err != nil {
				return err
			}
			continue
		}
		if t.is("INSERT") {
			return w.insert()
		}
		return w.other()
	}
}

// insert is the header of an INSERT or COPY.
type insert struct {
	id      dumpfile.TableID
	columns []string // nil: all of the table, in its order
	rows    bool     // rows follow in a form that can be read
}

// insert parses the header of an INSERT, then its rows.
func (w *walker) insert() error {
	for {
		p := parser{schema: w.schema, l: lexer{b: w.Rest(), conform: w.dialect.conform, eof: w.EOF()}}
		h := p.insert()
		if p.l.short && !w.EOF() {
			if err := w.extend(); err != nil {
				return err
			}
			continue
		}
		if p.err != nil {
			return w.At(0, "an INSERT: %w", p.err)
		}
		if !h.rows {
			return w.other()
		}
		w.last, w.lastText = h, append(w.lastText[:0], w.Rest()[:p.t.start]...)
		w.note(h)
		return w.rows(h, p.t.start)
	}
}

// insert stops at the parenthesis of the first row.
func (p *parser) insert() (h insert) {
	p.advance()
	p.accept("INSERT", "INTO")
	h.id = p.id()
	if p.t.kind == '(' {
		if h.columns = p.names(); h.columns == nil {
			return h
		}
	}
	_ = p.accept("OVERRIDING", "SYSTEM", "VALUE") || p.accept("OVERRIDING", "USER", "VALUE")
	h.rows = p.accept("VALUES") && p.t.kind == '('
	return h
}

// note adds a table that the file fills without creating it.
func (w *walker) note(h insert) *table {
	t := w.tables[h.id]
	if t == nil {
		t = &table{Entry: dumpfile.Entry{ID: h.id}}
		w.add(t)
	}
	if len(t.Fields) == 0 && !t.Created {
		for _, name := range h.columns {
			t.Fields = append(t.Fields, connectors.Field{Name: name, Type: "text", Kind: connectors.Text,
				Nullable: true})
			t.info = append(t.info, typeInfo{kind: connectors.Text})
		}
	}
	return t
}

func (w *walker) add(t *table) {
	w.tables[t.ID] = t
	w.order = append(w.order, t)
}

func (w *walker) notUnderstood(id dumpfile.TableID) error {
	return w.At(0, "a statement changes table %s in a way that cannot be followed: %w", id.Name, connectors.ErrDamaged)
}

// untold says that a statement changes a table in a way that is not followed. While the file is surveyed, that goes to
// the table, whose rows are then refused and no others.
func (w *walker) untold(id dumpfile.TableID) error {
	if w.unchecked {
		return nil
	}
	if w.targets != nil {
		if g := w.targets[w.root(id)]; g != nil {
			return &connectors.Error{Table: g.Name, Err: w.notUnderstood(id)}
		}
		return nil
	}
	if t := w.tables[id]; t != nil && t.Unread == nil {
		t.Unread = w.At(0, "a statement changes table %s in a way that cannot be followed: %w", id.Name,
			errors.ErrUnsupported)
	}
	return nil
}

// begin prepares for the rows of a table, whose target it returns; nil if nobody asks for them.
func (w *walker) begin(h insert, copying bool) (*target, error) {
	h = w.rooted(h)
	g := w.targets[h.id]
	if g == nil || g.Changes(h.columns) || w.dialect.copying != copying {
		if err := w.flush(); err != nil {
			return nil, err
		}
	}
	w.dialect.copying = copying
	if g == nil {
		return nil, nil
	}
	if err := g.statement(h); err != nil {
		return nil, w.At(0, "%w", err)
	}
	return g, nil
}

// rows reads the rows of an INSERT whose header is n bytes long.
func (w *walker) rows(h insert, n int) error {
	g, err := w.begin(h, false)
	if err != nil {
		return err
	}
	if g == nil {
		if err := w.pass(n); err != nil {
			return err
		}
	} else {
		w.part(dumpfile.Header, n)
	}
	t := w.tables[h.id]
	for {
		size, err := w.row(t, g)
		if err != nil {
			return err
		}
		t.Seen++
		if g == nil {
			err = w.pass(size)
		} else {
			err = w.onRow(g, row{text: w.Rest()[:size], values: w.spans})
			w.Drop(size)
		}
		if err != nil {
			return w.place(0, err)
		}
		last, err := w.separator(h, g)
		if err != nil || last {
			return err
		}
	}
}

// row makes the tuple at hand whole and finds its values.
func (w *walker) row(t *table, g *target) (size int, err error) {
	for {
		values, n := w.dialect.tuple(w.Rest(), w.spans, w.EOF())
		w.spans = values
		switch {
		case n == 0:
			return 0, w.At(0, "a row of table %s cannot be read: %w", t.ID.Name, connectors.ErrDamaged)
		case n < 0:
			if err := w.extend(); err != nil {
				return 0, err
			}
			continue
		// without a list of fields the last ones may be left out
		case g != nil && len(values) != g.Arity && (g.Named != nil || len(values) > g.Arity):
			return 0, w.At(0, "a row of table %s has %d values instead of %d: %w", t.ID.Name, len(values), g.Arity,
				connectors.ErrDamaged)
		}
		t.arity = max(t.arity, len(values))
		return n, nil
	}
}

// between consumes n bytes of an INSERT behind a row.
func (w *walker) between(g *target, part dumpfile.Part, n int) error {
	if g == nil {
		return w.pass(n)
	}
	w.part(part, n)
	return nil
}

// separator reads what stands behind a row: the comma before the next, or the end of the statement.
func (w *walker) separator(h insert, g *target) (last bool, err error) {
	for {
		b := w.Rest()
		i := blank(b, 0, w.EOF())
		if i >= 0 && i < len(b) && b[i] == ';' {
			return true, w.between(g, dumpfile.End, i+1)
		}
		if i >= 0 && i < len(b) && b[i] == ',' {
			if i = blank(b, i+1, w.EOF()); i >= 0 && i < len(b) && b[i] == '(' {
				return false, w.between(g, dumpfile.Separator, i)
			}
		}
		if i < 0 || i == len(b) {
			if err := w.extend(); err != nil {
				return false, err
			}
			continue
		}
		end := statementEnd(b, w.dialect.conform, w.EOF())
		if end < 0 {
			if err := w.extend(); err != nil {
				return false, err
			}
			continue
		}
		p := parser{l: lexer{b: b[:end], eof: true}}
		p.advance()
		if !p.accept("ON", "CONFLICT", "DO", "NOTHING") && !w.unchecked {
			return false, w.notUnderstood(h.id)
		}
		return true, w.between(g, dumpfile.End, end)
	}
}
