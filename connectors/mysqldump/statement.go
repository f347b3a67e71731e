package mysqldump

import (
	"bytes"
	"slices"
	"strings"

	"lethe/connectors"
)

// statementBytes is the most that a statement other than an INSERT may hold in a pass that looks for
// changes of a table.
const statementBytes = 16 << 20

func (w *walker) setDelimiter() error {
	if err := w.flushed(); err != nil {
		return err
	}
	for {
		end := lineEnd(w.Rest(), 0, w.EOF())
		if end < 0 {
			if err := w.Extend(); err != nil {
				return err
			}
			continue
		}
		d := bytes.TrimSpace(w.Rest()[len("DELIMITER"):end])
		if len(d) == 0 || len(d) > 16 {
			return w.At(0, "DELIMITER without a delimiter: %w", connectors.ErrDamaged)
		}
		w.delimiter = bytes.Clone(d)
		w.lastText = nil
		return w.pass(end)
	}
}

// other reads a statement that is no INSERT, whose first token is t; l stands behind it.
func (w *walker) other(t token, l lexer) error {
	if err := w.flushed(); err != nil {
		return err
	}
	w.lastText = nil
	text, err := w.gather()
	if err != nil {
		return err
	}
	if text == nil {
		if len(w.targets) > 0 {
			return w.At(0, "a statement that is no INSERT is longer than %d MB: %w", statementBytes>>20,
				connectors.ErrDamaged)
		}
		_, err := w.skip(0)
		return err
	}
	l.b, l.eof = text[:len(text)-len(w.delimiter)], true
	if t.kind == endOfText || l.i > len(l.b) {
		return w.pass(len(text))
	}
	switch keyword := strings.ToUpper(t.text); keyword {
	case "CREATE":
		err = w.create(l)
	case "USE":
		if name := l.asName(l.next()); name.name() {
			w.database = name.text
			w.addDatabase(name.text)
		}
	case "SET":
		err = w.set(l)
	case "LOAD":
		err = w.load(l)
	default:
		if !slices.Contains(harmless, keyword) && !w.followed(keyword, l) {
			err = w.mentions(keyword, l)
		}
	}
	if err != nil {
		return err
	}
	w.complete = w.tool != nil && w.tool.last != nil && w.tool.last.Match(text)
	return w.pass(len(text))
}

// load notes what a file of a folder has read from another; elsewhere such a statement changes a table in a way that
// cannot be followed.
func (w *walker) load(l lexer) error {
	if w.part.name == "" {
		return w.mentions("LOAD", l)
	}
	from, err := loads(l, w.database, w.dialect.charset)
	if err != nil {
		return w.At(0, "%w", err)
	}
	w.loads = append(w.loads, from)
	return nil
}

// harmless statements change no row of a table that stands in the file.
var harmless = []string{"DROP", "LOCK", "UNLOCK", "COMMIT", "START", "BEGIN", "FLUSH", "ANALYZE", "OPTIMIZE", "CHECK",
	"GRANT", "REVOKE", "CHANGE",
	"DO", "SELECT", "SHOW", "INSTALL", "STOP", "RESET"}

// mentions refuses a statement that names a table whose rows are asked for, since it may change them.
func (w *walker) mentions(keyword string, l lexer) error {
	l.i, l.executable, l.short = 0, false, false
	for t := l.asName(l.next()); t.kind != endOfText; t = l.asName(l.next()) {
		if !t.name() {
			continue
		}
		for _, known := range w.order {
			if strings.EqualFold(known.ID.Name, t.text) {
				_ = w.untold(keyword, known.ID) // of one that is asked for, below
			}
		}
		for id := range w.targets {
			if strings.EqualFold(id.Name, t.text) {
				return w.untold(keyword, id)
			}
		}
	}
	return nil
}

// gather makes the statement at hand whole and returns it with its delimiter; nil if it is too long.
func (w *walker) gather() ([]byte, error) {
	for {
		b := w.Rest()
		if n := w.statementEnd(b, 0); n >= 0 {
			return b[:n], nil
		}
		if len(b) > statementBytes {
			return nil, nil
		}
		if err := w.Extend(); err != nil {
			return nil, err
		}
	}
}

// statementEnd returns the index behind the delimiter that ends what stands at b[i], -1 if b ends before.
func (w *walker) statementEnd(b []byte, i int) int {
	m := w.dialect.mode
	for i < len(b) {
		c := b[i]
		if bytes.HasPrefix(b[i:], w.delimiter) {
			return i + len(w.delimiter)
		}
		switch classes[c] {
		case quote:
			if i = m.closeQuote(b, i+1, c); i < 0 {
				return -1
			}
		case other:
			j := w.dialect.mode.comment(b, i, w.EOF())
			if j < 0 {
				return -1
			}
			i = max(j, i+1)
		default:
			i++
		}
	}
	return -1
}

// create notes the tables of CREATE TABLE, and what is none; l stands behind CREATE.
func (w *walker) create(l lexer) error {
	placeholder := l.executable
	t := l.next()
	temporary := false
	for t.is("OR") || t.is("REPLACE") || t.is("TEMPORARY") {
		temporary = temporary || t.is("TEMPORARY")
		t = l.next()
	}
	switch {
	case t.is("TABLE"):
		return w.createTable(l, placeholder || temporary)
	case t.is("SEQUENCE"), t.is("VIEW"):
		w.notTable(l)
	case t.is("ALGORITHM"), t.is("DEFINER"), t.is("SQL"): // of a view, or of a routine, whose name a parenthesis follows
		for t.kind != endOfText && t.kind != '(' && !t.is("VIEW") && !slices.ContainsFunc(routines, t.is) {
			t = l.next()
		}
		if t.is("VIEW") {
			w.notTable(l)
		}
	}
	return nil
}

// routines may have a DEFINER as a view has.
var routines = []string{"TRIGGER", "FUNCTION", "PROCEDURE", "EVENT"}

// createTable reads a CREATE TABLE; other says that it makes no table of the application's.
func (w *walker) createTable(l lexer, other bool) error {
	created, err := createTable(l, w.database, w.utc)
	switch {
	case err != nil:
		return w.At(0, "%w", err)
	case created == nil:
		return w.mentions("CREATE TABLE", l)
	case other || created.sequence:
		w.others[created.ID] = true
		return nil
	case created.Unread != nil:
		created.Unread = w.At(0, "%w", created.Unread)
	}
	return w.created(created)
}

// notTable notes the name of a view or a sequence, behind whose keyword l stands.
func (w *walker) notTable(l lexer) {
	c := creator{l: l, out: &table{}}
	for c.advance(); c.t.is("IF") || c.t.is("NOT") || c.t.is("EXISTS"); {
		c.advance()
	}
	if id := c.tableName(w.database); c.err == nil {
		w.others[id] = true
	}
}

func (w *walker) created(t *table) error {
	known := w.tables[t.ID]
	if known == nil {
		w.add(t)
		return nil
	}
	if !slices.Equal(known.Fields, t.Fields) {
		return w.At(0, "table %s is created a second time, with other fields: %w", t.ID.Name, connectors.ErrDamaged)
	}
	return nil
}

// set follows SQL_MODE, NAMES and TIME_ZONE through the SET statements; l stands behind SET. A character set that is
// not known is refused here, since in some of them a byte of a character looks like a backslash or a quote.
func (w *walker) set(l lexer) error {
	t := l.next()
	for t.kind != endOfText {
		if t.is("NAMES") || t.is("CHARSET") {
			if w.dialect.charset = charsetNamed(l.unquoted(l.next())); w.dialect.charset == unknown {
				return w.At(0, "%w: %w", errCharset, connectors.ErrDamaged)
			}
			t = l.next()
			continue
		}
		name := strings.ToUpper(t.text)
		if t.kind != word {
			t = l.next()
			continue
		}
		t = l.next()
		if name == "@@SESSION" || name == "@@GLOBAL" {
			if t.kind != '.' {
				continue
			}
			name = strings.ToUpper(l.next().text)
			t = l.next()
		}
		if t.kind != '=' && t.kind != ':' {
			continue
		}
		if t.kind == ':' {
			l.next()
		}
		t = l.next()
		w.assign(strings.TrimPrefix(name, "@@"), t, l)
	}
	return nil
}

// assign follows `name = t`.
func (w *walker) assign(name string, t token, l lexer) {
	value := strings.ToUpper(t.text)
	switch {
	case name == "TIME_ZONE":
		zone := strings.ToUpper(l.unquoted(t))
		w.utc = zone == "+00:00" || zone == "-00:00" || zone == "UTC"
	case name == "SQL_MODE" && t.kind == literal:
		w.setMode(parseMode(l.unquoted(t)))
	case name == "SQL_MODE" && strings.HasPrefix(value, "@"):
		w.setMode(w.variables[value])
	case strings.HasPrefix(name, "@") && value == "@@SQL_MODE":
		w.variables[name] = w.dialect.mode
	}
}

// setMode takes another SQL_MODE, of which what begins a comment is no part.
func (w *walker) setMode(m mode) {
	m.dashes = w.dialect.dashes
	w.dialect.mode = m
}

// unquoted is the text of a token, without its quotes.
func (l *lexer) unquoted(t token) string {
	if t.kind != literal {
		return t.text
	}
	return strings.Trim(string(l.b[t.start:t.end]), `'"`)
}
