package pgdump

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"

	"lethe/connectors"
	"lethe/connectors/internal/dumpfile"
	"lethe/connectors/internal/textfile"
)

// rowBytes is the most that a row or a statement may hold: what is longer is damage, not data.
const rowBytes = 1 << 30

// schema is what the statements so far have defined.
type schema struct {
	database string
	path     string // the schema of unqualified names
	tables   map[dumpfile.TableID]*table
	order    []*table
	domains  map[dumpfile.TableID]typeInfo
	unlike   map[dumpfile.TableID]bool // collations that are not deterministic
	others   map[dumpfile.TableID]bool // views, temporary tables
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
	onRow     func(t *target, row []byte, values []span) error
	flush     func() error // ends the batch at hand: called before anything but a row of the same table
}

// span is where a value stands in a row.
type span struct{ start, end int }

func newWalker(w *textfile.Window) *walker {
	return &walker{
		Window: dumpfile.Window{Window: w}, dialect: dialect{conform: true}, flush: func() error { return nil },
		schema: &schema{path: "public", tables: map[dumpfile.TableID]*table{}, domains: map[dumpfile.TableID]typeInfo{}, unlike: map[dumpfile.TableID]bool{}, others: map[dumpfile.TableID]bool{}},
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
		w.Drop(len(mark))
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
		return w.At(0, "what begins here is longer than %d MB, a quote may be missing: %w", rowBytes>>20, connectors.ErrDamaged)
	}
	return w.Extend()
}

var trailers = [][]byte{[]byte("-- PostgreSQL database dump complete"), []byte("-- PostgreSQL database cluster dump complete")}

// blank passes white space and comments, and reports whether anything follows.
func (w *walker) blank() (bool, error) {
	for {
		b := w.Rest()
		i := 0
		for i < len(b) && (isBlank(b[i]) || b[i] == 0 || b[i] == ';') {
			i++
		}
		w.Drop(i)
		if b = w.Rest(); len(b) > 0 {
			switch end := comment(b, 0, w.EOF()); {
			case end == 0:
				return true, nil
			case end > 0:
				if slices.ContainsFunc(trailers, func(t []byte) bool { return bytes.HasPrefix(b, t) }) {
					w.complete = true
				}
				w.Drop(end)
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

// command reads a line for psql: \connect, \restrict and so on.
func (w *walker) command() error {
	end := bytes.IndexByte(w.Rest(), '\n')
	for ; end < 0 && !w.EOF(); end = bytes.IndexByte(w.Rest(), '\n') {
		if err := w.extend(); err != nil {
			return err
		}
	}
	if end < 0 {
		end = len(w.Rest())
	}
	line := strings.TrimSpace(string(w.Rest()[:end]))
	name, args, _ := strings.Cut(line, " ")
	switch name {
	case `\unrestrict`: // may follow the trailer
	case `\connect`, `\c`:
		if err := w.flush(); err != nil {
			return err
		}
		w.complete = false
		if to := connectTo(args); to != "" {
			w.database = to
		}
		w.path, w.dialect.conform, w.lastText = "public", true, nil
	case `\encoding`:
		if err := w.encoding(strings.TrimSpace(args)); err != nil {
			return err
		}
	case `\i`, `\ir`, `\include`, `\include_relative`, `\copy`:
		if !w.unchecked {
			return w.At(0, "the file reads another, which cannot be followed: %w", connectors.ErrDamaged)
		}
	}
	w.Drop(end)
	return nil
}

// connectTo returns the database that \connect names: shop, "my shop" or -reuse-previous=on "dbname='my shop'".
func connectTo(args string) string {
	args = strings.Trim(args, " \t;")
	if rest, ok := strings.CutPrefix(args, "-reuse-previous=on "); ok {
		args = strings.TrimSpace(rest)
	}
	if strings.HasPrefix(args, `"`) {
		args = strings.ReplaceAll(strings.Trim(args, `"`), `""`, `"`)
	} else if i := strings.IndexByte(args, ' '); i >= 0 {
		args = args[:i]
	}
	if name, ok := strings.CutPrefix(args, "dbname='"); ok {
		args = strings.NewReplacer(`\'`, `'`, `\\`, `\`).Replace(strings.TrimSuffix(name, "'"))
	}
	if args == "-" {
		return ""
	}
	return args
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
			t.Fields = append(t.Fields, connectors.Field{Name: name, Type: "text", Kind: connectors.Text, Nullable: true})
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

// begin prepares for the rows of a table, whose target it returns; nil if nobody asks for them.
func (w *walker) begin(h insert) (*target, error) {
	g := w.targets[h.id]
	if g == nil || g.Changes(h.columns) {
		if err := w.flush(); err != nil {
			return nil, err
		}
	}
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
	g, err := w.begin(h)
	if err != nil {
		return err
	}
	w.dialect.copying = false
	w.Drop(n)
	t := w.tables[h.id]
	for {
		size, err := w.row(t, g)
		if err != nil {
			return err
		}
		t.Seen++
		if g != nil {
			if err := w.onRow(g, w.Rest()[:size], w.spans); err != nil {
				return w.place(0, err)
			}
		}
		w.Drop(size)
		last, err := w.separator(h)
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
		case g != nil && len(values) != g.Arity && (g.Named != nil || len(values) > g.Arity): // without a list of fields the last ones may be left out
			return 0, w.At(0, "a row of table %s has %d values instead of %d: %w", t.ID.Name, len(values), g.Arity, connectors.ErrDamaged)
		}
		t.arity = max(t.arity, len(values))
		return n, nil
	}
}

// separator reads what stands behind a row: the comma before the next, or the end of the statement.
func (w *walker) separator(h insert) (last bool, err error) {
	for {
		b := w.Rest()
		i := blank(b, 0, w.EOF())
		if i >= 0 && i < len(b) && b[i] == ';' {
			w.Drop(i + 1)
			return true, nil
		}
		if i >= 0 && i < len(b) && b[i] == ',' {
			if i = blank(b, i+1, w.EOF()); i >= 0 && i < len(b) && b[i] == '(' {
				w.Drop(i)
				return false, nil
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
		w.Drop(end)
		return true, nil
	}
}

// copyRows reads the rows of a COPY; Rest begins with the first.
func (w *walker) copyRows(h insert) error {
	g, err := w.begin(h)
	if err != nil {
		return err
	}
	w.dialect.copying = true
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
				w.Drop(i + n + 1)
				return nil
			}
			w.spans = w.spans[:0]
			if len(line) > 0 || g.Arity > 0 {
				w.spans = cells(line, w.spans)
			}
			if len(w.spans) != g.Arity {
				return w.At(i, "a row of table %s has %d values instead of %d: %w", t.ID.Name, len(w.spans), g.Arity, connectors.ErrDamaged)
			}
			t.Seen++
			if err := w.onRow(g, line, w.spans); err != nil {
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

// skipCopy passes the rows of a COPY and counts them. A line that begins with \. ends them: in a value, the backslash would be doubled.
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
				w.Drop(end + n + 1)
				return nil
			}
			if i := bytes.Index(b[end+n:], []byte("\n\\.")); i >= 0 {
				end += n + i + 1
			} else {
				end = bytes.LastIndexByte(b, '\n') + 1
			}
			t.Seen += int64(bytes.Count(b[:end], []byte("\n")))
			w.Drop(end)
			b, end = b[end:], 0
		}
		if err := w.extend(); err != nil {
			return err
		}
	}
}

// gather makes the statement at hand whole and returns it.
func (w *walker) gather() ([]byte, error) {
	for {
		if n := statementEnd(w.Rest(), w.dialect.conform, w.EOF()); n >= 0 {
			return w.Rest()[:n], nil
		}
		if err := w.extend(); err != nil {
			return nil, err
		}
	}
}

// other reads a statement that is no INSERT with rows.
func (w *walker) other() error {
	text, err := w.gather()
	if err != nil {
		return err
	}
	w.lastText = nil
	p := parser{schema: w.schema, l: lexer{b: text[:len(text)-1], conform: w.dialect.conform, eof: true}}
	p.advance()
	keyword := strings.ToUpper(p.t.text)
	if keyword == "COPY" {
		return w.copy(&p, len(text))
	}
	if err := w.flush(); err != nil {
		return err
	}
	if err = w.define(&p, keyword); err == nil && p.err != nil {
		err = w.At(0, "%w", p.err)
	}
	w.Drop(len(text))
	return err
}

// define follows a statement for what it defines or sets.
func (w *walker) define(p *parser, keyword string) error {
	p.advance()
	switch keyword {
	case "CREATE":
		return w.create(p)
	case "ALTER":
		if p.accept("TABLE") {
			if changed := p.alterTable(); changed != nil && w.targets[changed.ID] != nil && !w.unchecked {
				return w.notUnderstood(changed.ID)
			}
		}
	case "SET":
		return w.set(p)
	case "SELECT":
		if p.accept("pg_catalog"); p.t.kind == '.' {
			p.advance()
		}
		if p.accept("set_config") && p.t.kind == '(' {
			p.advance()
			if p.string() == "search_path" {
				p.advance()
				p.advance()
				w.setPath(p.string())
			}
		}
	case "INSERT":
		p.accept("INTO")
		if t := w.tables[p.id()]; t != nil && len(t.Fields) == 0 && t.Created && p.accept("DEFAULT", "VALUES") {
			t.Seen++ // all that a table without fields can hold
			if g := w.targets[t.ID]; g != nil {
				return w.onRow(g, nil, nil)
			}
			return nil
		}
		if p.err == nil {
			p.l.i = 0
			p.advance()
		}
		return w.mentions(p)
	case "UPDATE", "DELETE", "TRUNCATE", "MERGE", "WITH":
		return w.mentions(p)
	}
	return nil
}

// string is the text of the token, without its quotes where it has some.
func (p *parser) string() string {
	if p.t.kind != literal {
		return p.t.text
	}
	return strings.Trim(string(p.l.b[p.t.start:p.t.end]), "eE'")
}

// mentions refuses a statement that names a table whose rows are asked for.
func (w *walker) mentions(p *parser) error {
	for ; len(w.targets) > 0 && !w.unchecked && p.t.kind != endOfText; p.advance() {
		name, ok := p.t.name()
		if !ok {
			continue
		}
		for id := range w.targets {
			if id.Name == name {
				return w.notUnderstood(id)
			}
		}
	}
	return nil
}

// create reads what follows CREATE.
func (w *walker) create(p *parser) error {
	p.accept("OR", "REPLACE")
	_ = p.accept("GLOBAL") || p.accept("LOCAL")
	temporary := p.accept("TEMPORARY") || p.accept("TEMP")
	_ = p.accept("UNLOGGED") || p.accept("FOREIGN")
	switch {
	case p.accept("TABLE"):
		p.createTable()
		t := p.out
		if p.err != nil || !t.Created {
			return nil
		}
		if temporary {
			w.others[t.ID] = true
		}
		if known := w.tables[t.ID]; known == nil {
			w.add(t)
		} else if !slices.Equal(known.Fields, t.Fields) && !w.unchecked {
			return w.At(0, "table %s is created a second time, with other fields: %w", t.ID.Name, connectors.ErrDamaged)
		}
	case p.accept("UNIQUE", "INDEX"):
		p.createUniqueIndex()
	case p.accept("DOMAIN"):
		p.createDomain()
	case p.accept("DATABASE"):
		w.database = p.name()
	case p.accept("COLLATION"):
		id := p.id()
		for p.err == nil && p.t.kind != endOfText {
			if p.accept("deterministic") {
				p.advance()
				w.unlike[id] = strings.EqualFold(p.string(), "false")
			}
			p.advance()
		}
	case p.t.is("VIEW"), p.t.is("MATERIALIZED"):
		p.accept("MATERIALIZED")
		p.advance()
		p.accept("IF", "NOT", "EXISTS")
		w.others[p.id()] = true
	case p.t.is("RULE"): // a table with the rule _RETURN is a view
		p.advance()
		if p.name() == "_RETURN" && p.accept("AS", "ON", "SELECT", "TO") {
			w.others[p.id()] = true
		}
	}
	return nil
}

// set follows the settings that change how the rest is to be read.
func (w *walker) set(p *parser) error {
	_ = p.accept("SESSION") || p.accept("LOCAL")
	name := strings.ToLower(p.t.text)
	if p.advance(); p.t.kind != '=' && !p.t.is("TO") {
		if name == "names" {
			return w.encoding(p.string())
		}
		return nil
	}
	p.advance()
	switch name {
	case "standard_conforming_strings":
		w.dialect.conform = slices.Contains([]string{"on", "true", "yes", "1"}, strings.ToLower(p.string()))
	case "client_encoding":
		return w.encoding(p.string())
	case "search_path":
		w.setPath(p.string())
	}
	return nil
}

func (w *walker) setPath(first string) {
	first, _, _ = strings.Cut(first, ",")
	w.path = "public"
	if first = strings.Trim(strings.TrimSpace(first), `"`); first != "" && first != "pg_catalog" && first != "$user" {
		w.path = first
	}
}

func (w *walker) encoding(name string) error {
	set, ok := charsetNamed(name)
	if !ok {
		return w.At(0, "%w: %w", errCharset, connectors.ErrDamaged)
	}
	w.dialect.charset = set
	return nil
}

// copy reads a COPY statement of n bytes and the rows behind it; p stands at COPY.
func (w *walker) copy(p *parser, n int) error {
	p.advance()
	if p.t.kind == '(' { // COPY (SELECT ..) TO
		w.Drop(n)
		return nil
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
		w.Drop(n)
		return nil
	}
	h.rows = p.accept("FROM") && p.accept("STDIN") && p.t.kind == endOfText
	if !h.rows {
		return w.notUnderstood(h.id)
	}
	w.note(h)
	w.Drop(n)
	for {
		b := w.Rest()
		i := 0
		for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\r') {
			i++
		}
		if i < len(b) && b[i] == '\n' {
			w.Drop(i + 1)
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
