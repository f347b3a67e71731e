package mysqldump

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"lethe/connectors"
	"lethe/connectors/internal/dumpfile"
	"lethe/connectors/internal/textfile"
)

// walker reads the statements of a dump one after another. With targets it hands their rows to onRow.
type walker struct {
	dumpfile.Window
	out       func([]byte) error // gets what pass consumes; nil while only reading
	dialect   dialect
	utc       bool            // the session's zone
	variables map[string]mode // @name holding an SQL_MODE
	delimiter []byte
	database  string
	databases []string // named by USE or CREATE DATABASE, in order, without the system's
	tool      *tool    // whose export it is; nil for mysqldump's and unknown ones
	tables    map[dumpfile.TableID]*table
	order     []*table
	others    map[dumpfile.TableID]bool // views, sequences, temporary tables
	targets   map[dumpfile.TableID]*target
	part      part    // of a folder: the file at hand
	from      *load   // how its rows are written
	trailers  int     // how many files of it were seen to their ends
	loads     []load  // what its statements read from other files
	editor    *editor // nil while only reading
	complete  bool    // the last thing read is the trailer
	ended     string  // when the dump was completed, as the trailer says
	last      insert  // the header before, for dumps with one row a statement
	lastText  []byte
	spans     []span
	onRow     func(t *target, tuple []byte, values []span) error
	flush     func() error // ends the batch at hand: called before anything but a row of the same table
}

// reading is a walker that only reads. Where nobody checks the file, it may be a script of another database.
func (f format) reading(in *textfile.Window) *walker {
	w := newWalker(in)
	w.dialect.dashes = f.unchecked
	return w
}

func newWalker(w *textfile.Window) *walker {
	return &walker{Window: dumpfile.Window{Window: w}, variables: map[string]mode{}, delimiter: []byte{';'},
		tables: map[dumpfile.TableID]*table{}, others: map[dumpfile.TableID]bool{}}
}

// pass consumes n bytes and hands them to out.
func (w *walker) pass(n int) error {
	b := w.Rest()[:n]
	w.Drop(n)
	if w.out == nil || n == 0 {
		return nil
	}
	return w.out(b)
}

// run reads to the end of the file.
func (w *walker) run() error {
	for {
		more, err := w.blank()
		if err != nil {
			return err
		}
		if !more {
			return w.flushed()
		}
		if err := w.statement(); err != nil {
			return err
		}
	}
}

func (w *walker) flushed() error {
	if w.flush == nil {
		return nil
	}
	return w.flush()
}

var trailer = []byte("-- Dump completed")

// blank passes white space and comments, and reports whether anything follows.
func (w *walker) blank() (bool, error) {
	for {
		b := w.Rest()
		i := 0
		for i < len(b) && (isBlank(b[i]) || b[i] == 0) {
			i++
		}
		if err := w.pass(i); err != nil {
			return false, err
		}
		if b = w.Rest(); len(b) > 0 {
			end := w.dialect.mode.comment(b, 0, w.EOF())
			if end == 0 {
				return true, nil
			}
			if end > 0 {
				w.comment(b[:end])
				if err := w.pass(end); err != nil {
					return false, err
				}
				continue
			}
			if w.EOF() {
				return false, w.At(0, "the file ends within a comment: %w", connectors.ErrDamaged)
			}
		}
		if more, err := w.Follows(); !more {
			return false, err
		}
	}
}

// comment notes what a comment says of the file: whose export it is, and that it ends.
func (w *walker) comment(b []byte) {
	switch {
	case bytes.HasPrefix(b, trailer):
		w.complete = true
		w.trailers++
		w.ended = strings.Join(strings.Fields(strings.TrimPrefix(string(b[len(trailer):]), " on")), " ")
	case w.tool != nil && w.tool.comment != nil && w.tool.comment.Match(b):
		w.complete = true
	case w.tool == nil && len(w.order) == 0:
		w.tool = toolOf(b)
	}
}

// statement reads one statement; rest begins with its first byte.
func (w *walker) statement() error {
	w.complete = false
	standard := len(w.delimiter) == 1 && w.delimiter[0] == ';'
	if standard && w.lastText != nil {
		if row, ok := bytes.CutPrefix(w.Rest(), w.lastText); ok && len(row) > 0 && row[0] == '(' {
			return w.rows(w.last, len(w.lastText))
		}
	}
	for {
		l := lexer{b: w.Rest(), mode: w.dialect.mode, eof: w.EOF()}
		t := l.next()
		if t.kind == endOfText && l.short && !w.EOF() {
			if err := w.Extend(); err != nil {
				return err
			}
			continue
		}
		switch {
		case t.is("DELIMITER"):
			return w.setDelimiter()
		case standard && !l.executable && (t.is("INSERT") || t.is("REPLACE")):
			return w.insert()
		}
		return w.other(t, l)
	}
}

// insert is the header of an INSERT or REPLACE statement.
type insert struct {
	id      dumpfile.TableID
	columns []string // nil: all of the table, in its order
	rows    bool     // VALUES and a parenthesis follow: the form whose rows can be read
}

// insert parses the header of an INSERT or REPLACE, then its rows.
func (w *walker) insert() error {
	for {
		l := lexer{b: w.Rest(), mode: w.dialect.mode, eof: w.EOF()}
		h := parseInsert(&l, w.database)
		if l.short && !w.EOF() {
			if err := w.Extend(); err != nil {
				return err
			}
			continue
		}
		if h.id.Name == "" {
			return w.At(0, "INSERT without a table: %w", connectors.ErrDamaged)
		}
		if !h.rows {
			if err := w.flushed(); err != nil {
				return err
			}
			if err := w.untold("INSERT without VALUES", h.id); err != nil {
				return err
			}
			_, err := w.skip(0)
			return err
		}
		w.last, w.lastText = h, append(w.lastText[:0], w.Rest()[:l.i]...)
		w.addTable(h)
		return w.rows(h, l.i)
	}
}

// parseInsert leaves the lexer at the parenthesis of the first row.
func parseInsert(l *lexer, database string) (h insert) {
	t := l.next()
	for t = l.next(); t.kind == word && slices.Contains(insertWords, strings.ToUpper(t.text)); {
		t = l.next()
	}
	t = l.asName(t)
	if !t.name() {
		return h
	}
	h.id = dumpfile.TableID{Database: database, Name: t.text}
	if t = l.next(); t.kind == '.' {
		if t = l.asName(l.next()); !t.name() {
			return h
		}
		h.id = dumpfile.TableID{Database: h.id.Name, Name: t.text}
		t = l.next()
	}
	if t.kind == '(' {
		for {
			t = l.asName(l.next())
			if t.kind == ')' && h.columns == nil {
				break
			}
			if !t.name() {
				return h
			}
			h.columns = append(h.columns, t.text)
			if t = l.next(); t.kind != ',' {
				break
			}
		}
		if t.kind != ')' {
			return h
		}
		t = l.next()
	}
	if !t.is("VALUES") && !t.is("VALUE") {
		return h
	}
	t = l.next()
	h.rows = t.kind == '(' && !l.executable
	l.i = t.start
	return h
}

var insertWords = []string{"LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY", "IGNORE", "INTO"}

// addTable notes a table that the file fills without creating it, and one whose history it has.
func (w *walker) addTable(h insert) {
	if w.tables[h.id] == nil && !w.others[h.id] {
		w.add(&table{Entry: dumpfile.Entry{ID: h.id}})
	}
	if t := w.tables[h.id]; t != nil && w.part.name != "" {
		t.standsIn(w.part, w.from)
	}
	if t := w.tables[h.id]; t != nil && !t.Created {
		t.name(h.columns)
	}
	if t := w.tables[h.id]; t != nil && (t.versioned || !t.Created) && slices.Contains(h.columns, rowEnd) {
		t.history = true
	}
}

func (w *walker) add(t *table) {
	w.tables[t.ID] = t
	w.order = append(w.order, t)
	w.addDatabase(t.ID.Database)
}

func (w *walker) addDatabase(name string) {
	if name != "" && !slices.Contains(systemDatabases, name) && !slices.Contains(w.databases, name) {
		w.databases = append(w.databases, name)
	}
}

// untold says that a statement changes a table in a way that is not followed. While the file is surveyed, that
// goes to the table, whose rows are then refused and no others.
func (w *walker) untold(statement string, id dumpfile.TableID) error {
	t, asked := w.targets[id]
	if known := w.tables[id]; w.targets == nil && known != nil && known.Unread == nil {
		known.Unread = w.notFollowed(statement)
	}
	if !asked {
		return nil
	}
	return &connectors.Error{Table: t.Name, Err: w.notFollowed(statement)}
}

func (w *walker) notFollowed(statement string) error {
	return w.At(0, "%s changes the table in a way that cannot be followed: %w", statement, errors.ErrUnsupported)
}

// rows reads the rows of an INSERT whose header is n bytes long.
func (w *walker) rows(h insert, n int) error {
	t := w.targets[h.id]
	if t == nil {
		if err := w.flushed(); err != nil {
			return err
		}
		rows, err := w.skip(n)
		if tab := w.tables[h.id]; tab != nil {
			tab.Seen += rows
		}
		return err
	}
	if t.Changes(h.columns) {
		if err := w.flushed(); err != nil {
			return err
		}
	}
	if err := t.statement(h); err != nil {
		return w.At(0, "%w", err)
	}
	if w.editor != nil {
		w.editor.Part(dumpfile.Header, w.Rest()[:n])
	}
	w.Drop(n)
	tab := w.tables[h.id]
	for {
		size, err := w.row(t)
		if err != nil {
			return err
		}
		tab.Seen++
		if err := w.onRow(t, w.Rest()[:size], w.spans); err != nil {
			return err
		}
		w.Drop(size)
		last, err := w.separator(h)
		if err != nil || last {
			return err
		}
	}
}

// row makes the tuple at hand whole and finds its values.
func (w *walker) row(t *target) (size int, err error) {
	for {
		values, n, ok := w.dialect.tuple(w.Rest(), w.spans, w.EOF())
		w.spans = values
		if !ok {
			return 0, w.At(0, "a row of table %s cannot be read: %w", t.ID.Name, connectors.ErrDamaged)
		}
		if n < 0 {
			if err := w.Extend(); err != nil {
				return 0, err
			}
			continue
		}
		if len(values) != t.Arity {
			return 0, w.At(0, "a row of table %s has %d values instead of %d: %w", t.ID.Name, len(values), t.Arity,
				connectors.ErrDamaged)
		}
		return n, nil
	}
}

// separator reads what stands behind a row: the comma before the next, or the end of the statement.
func (w *walker) separator(h insert) (last bool, err error) {
	for {
		b := w.Rest()
		if len(b) > 1 && b[0] == ',' && b[1] == '(' {
			w.separated(1)
			return false, nil
		}
		i := skipBlank(b, 0)
		if i < len(b) && b[i] == ';' {
			if w.editor != nil {
				w.editor.Part(dumpfile.End, b[:i+1])
			}
			w.Drop(i + 1)
			return true, nil
		}
		if i < len(b) && b[i] == ',' {
			i = skipBlank(b, i+1)
		}
		switch {
		case i == len(b):
			if err := w.Extend(); err != nil {
				return false, err
			}
		case b[i] == '(' && i > 0:
			w.separated(i)
			return false, nil
		default:
			return true, w.tail(h, skipBlank(b, 0))
		}
	}
}

// tail reads what stands behind the last row of an INSERT, from byte i on, if it is what exports write there.
func (w *walker) tail(h insert, i int) error {
	for {
		b := w.Rest()
		end := w.statementEnd(b, i)
		if end < 0 && !w.EOF() && len(b) < statementBytes {
			if err := w.Extend(); err != nil {
				return err
			}
			continue
		}
		if end < 0 || !repeats(lexer{b: b[:end-len(w.delimiter)], i: i, mode: w.dialect.mode, eof: true}) {
			return w.At(0, "what stands behind a row of table %s cannot be read: %w", h.id.Name, connectors.ErrDamaged)
		}
		if w.editor != nil {
			w.editor.Part(dumpfile.End, b[:end])
		}
		w.Drop(end)
		return nil
	}
}

// repeats reports whether a text is ON DUPLICATE KEY UPDATE with the values of the row itself: the row is then
// what stands in the file, whatever was there before it.
func repeats(l lexer) bool {
	for _, keyword := range []string{"ON", "DUPLICATE", "KEY", "UPDATE"} {
		if !l.next().is(keyword) {
			return false
		}
	}
	for {
		field := l.asName(l.next())
		if !field.name() || l.next().kind != '=' || !l.next().is("VALUES") || l.next().kind != '(' ||
			!strings.EqualFold(l.asName(l.next()).text, field.text) || l.next().kind != ')' {
			return false
		}
		if t := l.next(); t.kind != ',' {
			return t.kind == endOfText
		}
	}
}

func (w *walker) separated(n int) {
	if w.editor != nil {
		w.editor.Part(dumpfile.Separator, w.Rest()[:n])
	}
	w.Drop(n)
}

func skipBlank(b []byte, i int) int {
	for i < len(b) && isBlank(b[i]) {
		i++
	}
	return i
}

// skip passes the rest of a statement with its delimiter, in pieces, from byte n on, and returns how many
// parentheses stand in it at the outermost level, one after another: the rows of an INSERT, and not what an
// ON DUPLICATE KEY UPDATE has behind them.
func (w *walker) skip(n int) (rows int64, err error) {
	var (
		inside byte // the quote, or '\n' or '*' for the comment, that is open
		before byte // what b begins behind, white space aside
		depth  int
		i      = n
		m      = w.dialect.mode
	)
	for {
		b := w.Rest()
		for i < len(b) {
			if inside != 0 {
				i, inside = m.leave(b, i, inside)
				if inside != 0 {
					break
				}
				continue
			}
			for i < len(b) && classes[b[i]] == plain && b[i] != w.delimiter[0] {
				i++
			}
			if i == len(b) {
				break
			}
			c := b[i]
			if c == w.delimiter[0] && bytes.HasPrefix(b[i:], w.delimiter) {
				return rows, w.pass(i + len(w.delimiter))
			}
			if len(b)-i < markerBytes && w.opens(c) {
				break
			}
			switch classes[c] {
			case quote:
				inside = c
			case open:
				if begins(depth, rows, b[:i], before) {
					rows++
				}
				depth++
			case closing:
				depth--
			case other:
				var more int
				inside, more = m.opensComment(b[i:])
				i += more
			}
			i++
		}
		before = solid(b[:i], before)
		if err := w.pass(i); err != nil {
			return rows, err
		}
		i = 0
		if err := w.Extend(); err != nil {
			return rows, err
		}
	}
}

// begins reports whether the parenthesis behind b begins a row: the first of a statement, or one behind a comma.
func begins(depth int, rows int64, b []byte, before byte) bool {
	return depth == 0 && (rows == 0 || solid(b, before) == ',')
}

// solid is the last byte of b that is no white space, or else what stood before b.
func solid(b []byte, before byte) byte {
	for i := len(b) - 1; i >= 0; i-- {
		if !isBlank(b[i]) {
			return b[i]
		}
	}
	return before
}

// opens reports whether c may begin a comment, a marker or the delimiter, of which more is to be read.
func (w *walker) opens(c byte) bool { return !w.EOF() && (classes[c] == other || c == w.delimiter[0]) }

// opensComment returns '\n' or '*' if b starts with a comment that ends with the line or with */, and how
// much of its opening stands behind the first byte and must not be taken for its end.
func (m mode) opensComment(b []byte) (inside byte, more int) {
	switch {
	case b[0] == '#':
		return '\n', 0
	case b[0] == '-' && len(b) > 1 && b[1] == '-' && (m.dashes || len(b) == 2 || b[2] <= ' ' || b[2] == 0x7f):
		return '\n', 0
	case b[0] == '/' && len(b) > 1 && b[1] == '*' && marker(b) == 0:
		return '*', 1
	}
	return 0, 0
}

// leave looks for the end of the quote or comment that is open at b[i]. It returns the index behind it and
// 0; or how much of b can be consumed without knowing more, and what is still open.
func (m mode) leave(b []byte, i int, inside byte) (int, byte) {
	switch inside {
	case '\n':
		if j := bytes.IndexByte(b[i:], '\n'); j >= 0 {
			return i + j + 1, 0
		}
		return len(b), inside
	case '*':
		if j := bytes.Index(b[i:], []byte("*/")); j >= 0 {
			return i + j + 2, 0
		}
		return max(i, len(b)-1), inside
	}
	if j := m.closeQuote(b, i, inside); j >= 0 {
		return j, 0
	}
	if !m.plainBackslash && inside != '`' {
		return len(b) - dumpfile.Backslashes(b[i:])%2, inside
	}
	return len(b), inside
}
