package mysqldump

import (
	"bytes"
	"slices"
	"strings"

	"lethe/connectors"
	"lethe/connectors/internal/dumpfile"
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
	default:
		if !slices.Contains(harmless, keyword) && !w.onlyKeys(keyword, l) {
			err = w.mentions(l)
		}
	}
	if err != nil {
		return err
	}
	return w.pass(len(text))
}

// harmless statements change no row of a table that stands in the file.
var harmless = []string{"DROP", "LOCK", "UNLOCK", "COMMIT", "START", "BEGIN", "FLUSH", "ANALYZE", "OPTIMIZE", "CHECK",
	"GRANT", "REVOKE", "CHANGE",
	"DO", "SELECT", "SHOW", "INSTALL", "STOP", "RESET"}

// onlyKeys reports whether an ALTER TABLE does no more than switch the keys off or on, as dumps do around
// their rows.
func (w *walker) onlyKeys(keyword string, l lexer) bool {
	if keyword != "ALTER" {
		return false
	}
	t := l.next()
	if !t.is("TABLE") {
		return true
	}
	for t = l.asName(l.next()); t.name() || t.kind == '.'; t = l.asName(l.next()) {
		if t.is("DISABLE") || t.is("ENABLE") {
			return l.next().is("KEYS") && l.next().kind == endOfText
		}
	}
	return false
}

// mentions refuses a statement that names a table whose rows are asked for.
func (w *walker) mentions(l lexer) error {
	if len(w.targets) == 0 {
		return nil
	}
	l.i, l.executable, l.short = 0, false, false
	for t := l.asName(l.next()); t.kind != endOfText; t = l.asName(l.next()) {
		if !t.name() {
			continue
		}
		for id := range w.targets {
			if strings.EqualFold(id.Name, t.text) {
				return w.notUnderstood(id)
			}
		}
	}
	return nil
}

// gather makes the statement at hand whole and returns it with its delimiter; nil if it is too long.
func (w *walker) gather() ([]byte, error) {
	for {
		b := w.Rest()
		if n := w.statementEnd(b); n >= 0 {
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

// statementEnd returns the index behind the delimiter, -1 if b ends before.
func (w *walker) statementEnd(b []byte) int {
	m := w.dialect.mode
	for i := 0; i < len(b); {
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
			j := comment(b, i, w.EOF())
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

// create notes the tables of CREATE TABLE and the databases of CREATE DATABASE; l stands behind CREATE.
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
		created, err := createTable(l, w.database)
		if err != nil {
			return w.At(0, "%w", err)
		}
		if created == nil {
			return w.mentions(l)
		}
		if placeholder || temporary {
			w.others[created.ID] = true
			return nil
		}
		return w.created(created)
	case t.is("SEQUENCE"), t.is("VIEW"):
		for t = l.next(); t.is("IF") || t.is("NOT") || t.is("EXISTS"); {
			t = l.next()
		}
		if t = l.asName(t); t.name() {
			w.others[dumpfile.TableID{Database: w.database, Name: t.text}] = true
		}
	}
	return nil
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

// set follows SQL_MODE and NAMES through the SET statements; l stands behind SET. A character set that is
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
	case name == "SQL_MODE" && t.kind == literal:
		w.dialect.mode = parseMode(l.unquoted(t))
	case name == "SQL_MODE" && strings.HasPrefix(value, "@"):
		w.dialect.mode = w.variables[value]
	case strings.HasPrefix(name, "@") && value == "@@SQL_MODE":
		w.variables[name] = w.dialect.mode
	}
}

// unquoted is the text of a token, without its quotes.
func (l *lexer) unquoted(t token) string {
	if t.kind != literal {
		return t.text
	}
	return strings.Trim(string(l.b[t.start:t.end]), `'"`)
}
