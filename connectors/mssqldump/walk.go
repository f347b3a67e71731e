package mssqldump

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

// rowBytes is the most that a row may hold, statementBytes what a statement without rows may: what is longer is damage.
const (
	rowBytes       = 1 << 30
	statementBytes = 256 << 20
)

// schema is what the statements so far have defined.
type schema struct {
	database string
	tables   map[dumpfile.TableID]*table
	order    []*table
	types    map[string]typeInfo         // that the script defines, by their names in lower case
	spelling map[string]dumpfile.TableID // of each table, by its name in lower case
	bases    map[string]string           // of each database
}

// spelled is an id as the script spelled it first: servers mostly take names in any case.
func (s *schema) spelled(id dumpfile.TableID) dumpfile.TableID {
	if known, ok := s.bases[strings.ToLower(id.Database)]; ok {
		id.Database = known
	} else {
		s.bases[strings.ToLower(id.Database)] = id.Database
	}
	key := strings.ToLower(id.Database + "\x00" + id.Schema + "\x00" + id.Name)
	if known, ok := s.spelling[key]; ok {
		return known
	}
	s.spelling[key] = id
	return id
}

// walker reads the statements of a script one after another. With targets it hands their rows to onRow.
type walker struct {
	dumpfile.Window
	*schema
	dialect   dialect
	unchecked bool // a statement that cannot be followed is passed over
	targets   map[dumpfile.TableID]*target
	first     bool // what comes is the first of its line
	complete  bool // the last thing read ends a script of a whole database
	open      map[dumpfile.TableID]bool
	spans     []span
	onRow     func(g *target, r row) error
	flush     func() error // ends the batch at hand: called before anything but a row of the same table
	editor    *editor      // nil while only reading
}

// row is a row as it stands in the script.
type row struct {
	text   []byte
	values []span
}

// span is where a value stands in a row.
type span struct{ start, end int }

func newWalker(w *textfile.Window) *walker {
	return &walker{
		Window: dumpfile.Window{Window: w}, flush: func() error { return nil }, first: true,
		open: map[dumpfile.TableID]bool{},
		schema: &schema{tables: map[dumpfile.TableID]*table{}, types: map[string]typeInfo{},
			spelling: map[string]dumpfile.TableID{}, bases: map[string]string{}},
	}
}

// pass consumes n bytes that are no row, and copies them where the script is written anew.
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

// extend reads more for what is not whole, within bounds.
func (w *walker) extend() error {
	if !w.EOF() && len(w.Rest()) > rowBytes {
		return w.At(0, "what begins here is longer than %d MB, a quote may be missing: %w", rowBytes>>20,
			connectors.ErrDamaged)
	}
	return w.Extend()
}

func (w *walker) lexer() lexer {
	return lexer{b: w.Rest(), eof: w.EOF(), strings: w.dialect.strings, fresh: w.first}
}

// run reads to the end of the script.
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
			break
		}
		if err := w.statement(); err != nil {
			return err
		}
	}
	w.schema.complete()
	return w.flush()
}

// blank passes white space, comments and semicolons, and reports whether anything follows.
func (w *walker) blank() (bool, error) {
	for {
		b, i := w.Rest(), 0
		for i < len(b) && (isBlank(b[i]) || b[i] == 0 || b[i] == ';') {
			w.first = w.first || b[i] == '\n'
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
				if err := w.pass(end); err != nil {
					return false, err
				}
				continue
			case w.EOF():
				return false, w.At(0, "the script ends within a comment: %w", connectors.ErrDamaged)
			}
		}
		if more, err := w.Follows(); !more {
			return false, err
		}
	}
}

// statement reads one statement, or the line that ends a batch; Rest begins with its first byte.
func (w *walker) statement() error {
	for {
		if w.first {
			switch end := goLine(w.Rest(), w.EOF()); {
			case end > 0:
				w.first = false
				return w.pass(end)
			case end < 0:
				if err := w.extend(); err != nil {
					return err
				}
				continue
			}
		}
		l := w.lexer()
		t := l.next()
		if t.kind == endOfText {
			if err := w.extend(); err != nil {
				return err
			}
			continue
		}
		if w.complete = false; t.is("INSERT") {
			return w.insert()
		}
		return w.other()
	}
}

// starters begin a statement.
var starters = []string{"INSERT", "SET", "ALTER", "CREATE", "DROP", "EXEC", "EXECUTE", "USE", "PRINT", "UPDATE", "DELETE", "IF",
	"BEGIN", "DECLARE", "TRUNCATE", "MERGE", "GRANT", "DENY", "REVOKE", "COMMIT", "ROLLBACK", "DBCC", "RAISERROR",
	"WAITFOR", "CHECKPOINT", "BULK", "WHILE", "BACKUP", "RESTORE"}

// compound reports whether a statement is the rest of its batch: what it holds is done under a condition, or another day.
func compound(l lexer) bool {
	t, next := l.next(), l.next()
	if t.isOne("CREATE", "ALTER") && next.is("OR") {
		l.next()
		next = l.next()
	}
	switch {
	case t.isOne("CREATE", "ALTER"):
		return next.isOne("PROC", "PROCEDURE", "FUNCTION", "TRIGGER", "VIEW")
	case t.is("BEGIN"):
		return !next.isOne("TRAN", "TRANSACTION")
	}
	return t.isOne("IF", "WHILE", "ELSE", "END")
}

// statementEnd returns the index behind the statement at the start of b, -1 if b ends before.
func statementEnd(l lexer) int {
	whole := compound(l)
	depth := 0
	var before [2]token // the first of the statement, and the last
	for n := 0; ; n++ {
		t := l.next()
		switch {
		case t.kind == endOfText && l.eof && l.i >= len(l.b):
			return len(l.b)
		case t.kind == endOfText:
			return -1
		case t.first && n > 0:
			if end := goLine(l.b[t.start:], l.eof); end != 0 {
				if end < 0 {
					return -1
				}
				return t.start
			}
		}
		switch t.kind {
		case '(':
			depth++
		case ')':
			depth = max(depth-1, 0)
		case ';':
			if depth == 0 && !whole {
				return t.end
			}
		case word:
			if n > 0 && depth == 0 && !whole && begins(t, before, l) {
				return t.start
			}
		}
		if n == 0 {
			before[0] = t
		}
		before[1] = t
	}
}

// begins reports whether a word within a statement begins the next one, which nothing need separate.
func begins(t token, before [2]token, l lexer) bool {
	if t.is("INSERT") {
		return !before[0].isOne("GRANT", "DENY", "REVOKE") && !before[1].is("BULK")
	}
	if !t.first || !slices.ContainsFunc(starters, t.is) {
		return false
	}
	next := l.next()
	switch {
	case t.is("SET"):
		return next.kind == variable || !next.isOne("NULL", "DEFAULT") && !before[0].isOne("UPDATE", "ALTER", "MERGE")
	case t.isOne("ALTER", "DROP"):
		return !next.isOne("COLUMN", "CONSTRAINT", "PERIOD")
	case t.isOne("UPDATE", "DELETE"):
		return !before[1].is("ON")
	}
	return true
}

// gather makes the statement at hand whole and returns it.
func (w *walker) gather() ([]byte, error) {
	for {
		if n := statementEnd(w.lexer()); n >= 0 {
			return w.Rest()[:n], nil
		}
		if len(w.Rest()) > statementBytes {
			return nil, w.At(0, "a statement without rows is longer than %d MB: %w", statementBytes>>20,
				connectors.ErrDamaged)
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
	if err := w.flush(); err != nil {
		return err
	}
	l := lexer{b: text, eof: true, strings: w.dialect.strings, fresh: w.first}
	p := parser{schema: w.schema, l: l}
	p.advance()
	if compound(l) {
		err = w.within(&p)
	} else if err = w.define(&p); err == nil && p.err != nil {
		err = w.At(0, "%w", p.err)
	}
	if err != nil {
		return err
	}
	w.first = bytes.HasSuffix(bytes.TrimRight(text, " \t\r"), []byte("\n"))
	return w.pass(len(text))
}

// within looks at what is done under a condition: tables that are made are taken for made, and of rows that are changed
// nothing is known. What a routine does is done another day.
func (w *walker) within(p *parser) error {
	if p.t.isOne("CREATE", "ALTER") {
		return nil
	}
	for p.t.kind != endOfText {
		switch {
		case p.accept("CREATE", "TABLE"):
			if err := w.created(p.createTable()); err != nil {
				return err
			}
			if p.err != nil {
				return w.At(0, "%w", p.err)
			}
		case p.t.isOne("INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE"):
			if err := w.mentions(p, true); err != nil {
				return err
			}
		default:
			p.advance()
		}
	}
	return nil
}

// define follows a statement for what it defines or sets.
func (w *walker) define(p *parser) error {
	switch {
	case p.accept("CREATE", "TABLE"):
		return w.created(p.createTable())
	case p.accept("CREATE", "UNIQUE"):
		p.index()
		if p.accept("INDEX") {
			p.createUnique()
		}
		p.err = nil // of what only counts where it is understood
	case p.accept("CREATE", "TYPE"):
		p.createType()
		p.err = nil
	case p.accept("ALTER", "TABLE"):
		id, changed := p.alterTable()
		if changed = changed || p.err != nil; changed {
			p.err = nil
			return w.untold(id)
		}
	case p.accept("ALTER", "DATABASE"):
		p.name()
		w.complete = p.accept("SET", "READ_WRITE") || p.accept("SET", "READ_ONLY")
		p.err = nil
	case p.accept("USE"):
		if name := p.name(); p.err == nil {
			w.use(name)
		}
		p.err = nil
	case p.accept("SET"):
		return w.set(p)
	case p.t.isOne("INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "WITH", "BULK", "RESTORE"):
		return w.mentions(p, false)
	}
	return nil
}

func (w *walker) use(name string) {
	if known, ok := w.bases[strings.ToLower(name)]; ok {
		name = known
	}
	w.bases[strings.ToLower(name)] = name
	w.database = name
}

func (w *walker) created(t *table) error {
	if t == nil || strings.HasPrefix(t.ID.Name, "#") {
		return nil
	}
	known := w.tables[t.ID]
	if known == nil {
		w.tables[t.ID] = t
		w.order = append(w.order, t)
	} else if !slices.Equal(known.Fields, t.Fields) && !w.unchecked {
		return w.At(0, "table %s is created a second time, with other fields: %w", t.ID.Name, connectors.ErrDamaged)
	}
	return nil
}

// set follows the settings that change how the rest is to be read, and which tables' own numbers are given.
func (w *walker) set(p *parser) error {
	switch {
	case p.accept("IDENTITY_INSERT"):
		id := p.id()
		w.open[id] = p.t.is("ON")
	case p.t.isOne("QUOTED_IDENTIFIER", "ANSI_DEFAULTS"):
		p.advance()
		w.dialect.strings = p.t.is("OFF")
	case p.accept("DATEFORMAT"):
		w.dialect.order = strings.ToLower(strings.Trim(string(p.l.b[p.t.start:p.t.end]), "'nN"))
	}
	return nil
}

// mentions refuses the rows of tables that a statement names; where only its target counts, up to the first of them.
func (w *walker) mentions(p *parser, target bool) error {
	for p.advance(); p.t.kind != endOfText; p.advance() {
		if target && p.t.isOne("SET", "VALUES", "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE") {
			return nil
		}
		if !p.t.name() {
			continue
		}
		for id := range w.tables {
			if strings.EqualFold(id.Name, p.t.text) {
				if err := w.untold(id); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// untold says that a statement changes a table in a way that is not followed. While the script is surveyed, that goes to
// the table, whose rows are then refused and no others.
func (w *walker) untold(id dumpfile.TableID) error {
	if w.unchecked {
		return nil
	}
	if w.targets != nil {
		if g := w.targets[id]; g != nil {
			return &connectors.Error{Table: g.Name, Err: w.At(0, "%w: %w", errRows, connectors.ErrDamaged)}
		}
		return nil
	}
	if t := w.tables[id]; t != nil && t.Unread == nil {
		t.Unread = w.At(0, "%w: %w", errRows, errors.ErrUnsupported)
	}
	return nil
}

// header is what stands before the rows of an INSERT.
type header struct {
	id      dumpfile.TableID
	columns []string // nil: all of the table that can be filled
	rows    bool     // rows follow in a form that can be read
}

// insert parses the header of an INSERT, then its rows.
func (w *walker) insert() error {
	for {
		p := parser{schema: w.schema, l: w.lexer()}
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
		w.note(h)
		return w.rows(h, p.t.start)
	}
}

// insert stops at the parenthesis of the first row.
func (p *parser) insert() (h header) {
	p.advance()
	p.accept("INSERT")
	p.accept("INTO")
	h.id = p.id()
	if p.t.kind == '(' {
		h.columns = p.names()
	}
	h.rows = p.accept("VALUES") && p.t.kind == '('
	return h
}

// note adds a table that the script fills without creating it.
func (w *walker) note(h header) *table {
	t := w.tables[h.id]
	if t == nil {
		t = &table{Entry: dumpfile.Entry{ID: h.id}}
		w.tables[h.id] = t
		w.order = append(w.order, t)
	}
	if len(t.Fields) == 0 && !t.Created {
		for _, name := range h.columns {
			t.Fields = append(t.Fields, connectors.Field{Name: name, Type: "unknown", Kind: connectors.Text, Nullable: true})
			t.info = append(t.info, typeInfo{kind: connectors.Text})
		}
	}
	return t
}

// begin prepares for the rows of a table, whose target it returns; nil if nobody asks for them.
func (w *walker) begin(h header) (*target, error) {
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

// rows reads the rows of an INSERT, whose header is n bytes long.
func (w *walker) rows(h header, n int) error {
	t := w.tables[h.id]
	g, err := w.begin(h)
	if err != nil {
		return err
	}
	w.first = false
	if err := w.between(g, dumpfile.Header, n); err != nil {
		return err
	}
	for {
		n, err := w.row(t, g)
		if err != nil {
			return err
		}
		t.Seen++
		if g == nil {
			err = w.pass(n)
		} else {
			text := w.Rest()[:n]
			err = w.onRow(g, row{text: text, values: w.spans})
			if errors.Is(err, connectors.ErrDamaged) {
				err = w.At(0, "%w", err)
			}
			w.Drop(n)
		}
		if err != nil {
			return err
		}
		if last, err := w.separator(g); last || err != nil {
			return err
		}
	}
}

// row makes the row at hand whole, finds its values and returns its length.
func (w *walker) row(t *table, g *target) (int, error) {
	for {
		values, n := w.lexer().tuple(w.Rest(), w.spans)
		w.spans = values
		switch {
		case n == -2:
			return 0, w.At(0, "a row of table %s cannot be read: %w", t.ID.Name, connectors.ErrDamaged)
		case n < 0:
			if err := w.extend(); err != nil {
				return 0, err
			}
			continue
		case g != nil && len(values) != g.Arity:
			return 0, w.At(0, "a row of table %s has %d values instead of %d: %w", t.ID.Name, len(values), g.Arity,
				connectors.ErrDamaged)
		}
		t.arity = max(t.arity, len(values))
		return n, nil
	}
}

// between consumes n bytes of an INSERT that are no row.
func (w *walker) between(g *target, part dumpfile.Part, n int) error {
	if g == nil {
		return w.pass(n)
	}
	w.part(part, n)
	return nil
}

// separator reads what stands behind a row: the comma before the next, or the end of the statement.
func (w *walker) separator(g *target) (last bool, err error) {
	for {
		l := w.lexer()
		t := l.next()
		if t.kind == endOfText && l.short {
			if err := w.extend(); err != nil {
				return false, err
			}
			continue
		}
		switch t.kind {
		case ',':
			next := l.next()
			if next.kind == endOfText && l.short {
				if err := w.extend(); err != nil {
					return false, err
				}
				continue
			}
			if next.kind != '(' {
				return false, w.At(0, "a row is missing behind a comma: %w", connectors.ErrDamaged)
			}
			return false, w.between(g, dumpfile.Separator, next.start)
		case ';':
			return true, w.between(g, dumpfile.End, t.end)
		}
		return true, w.between(g, dumpfile.End, 0)
	}
}
