package delimited

import (
	"bytes"
	"slices"
)

// Escape is how what would end a field is kept from ending it.
type Escape string

// The escapes.
const (
	Doubled   Escape = "doubled"   // RFC 4180: quotes within quotes are doubled
	Backslash Escape = "backslash" // a backslash before it, in quotes and without; \n, \t and the like are what they are in C
	PHP       Escape = "php"       // doubled, but for a quote behind a backslash, which stays as it is: fputcsv of PHP
)

// Dialect says how the rows of a text are written.
type Dialect struct {
	Delimiter string // what stands between fields; "" nothing, a row is one field
	Quote     byte   // 0: none
	Escape    Escape
}

// Cell is where a field stands in a row, without its quotes.
type Cell struct {
	Start, End int
	Quoted     bool
	escaped    bool // it is not what it stands for: Text says that
}

// Row finds the fields of the row at the start of b and the index behind it; -1 if b ends before the row does, 0 if
// it cannot be read. fields is how many the row must have, 0 where that is not known.
func (d *Dialect) Row(b []byte, cells []Cell, fields int, eof bool) (_ []Cell, n int) {
	cells = cells[:0]
	end := bytes.IndexByte(b, '\n')
	if end < 0 && !eof {
		return cells, -1
	}
	line, next := b, len(b)
	if end >= 0 {
		line, next = b[:end], end+1
	}
	if (d.Quote == 0 || bytes.IndexByte(line, d.Quote) < 0) &&
		(d.Escape != Backslash || bytes.IndexByte(line, '\\') < 0) {
		return d.plain(bytes.TrimSuffix(line, []byte{'\r'}), cells), next
	}
	if d.Escape != PHP {
		return d.marked(b, cells, false, eof)
	}
	return d.php(b, cells, fields, eof)
}

// php reads a row of PHP, which writes one that ends in a backslash as if its closing quote were one of the text. Where
// it matters, that reading counts by which the row has as many fields as it must have; both, or none, is not read.
func (d *Dialect) php(b []byte, cells []Cell, fields int, eof bool) ([]Cell, int) {
	cells, n := d.marked(b, cells, false, eof)
	if n < 0 || n > 0 && !bytes.Contains(b[:n], []byte{'\\', d.Quote}) {
		return cells, n
	}
	whole := n > 0 && (fields == 0 || len(cells) == fields)
	rest := b
	if whole && len(b) > n+phpAhead {
		rest, eof = b[:n+phpAhead], false
	} else if whole && len(b) < n+phpAhead && !eof {
		return cells, -1
	}
	ends, m := d.marked(rest, nil, true, eof)
	other := m > 0 && (fields == 0 || len(ends) == fields)
	switch {
	case m < 0 && !whole:
		return cells, -1
	case whole && other && (n != m || !slices.Equal(cells, ends)):
		return cells, 0
	case other:
		return ends, m
	}
	return cells, n
}

// phpAhead is how far behind a row its other reading may end.
const phpAhead = 1 << 16

// marked cuts a row that may hold quotes or escapes. ends says that a quote behind a backslash ends its field where a
// field may end.
func (d *Dialect) marked(b []byte, cells []Cell, ends, eof bool) (_ []Cell, n int) {
	for i := 0; ; i += len(d.Delimiter) {
		c, quoted := Cell{}, false
		if d.Quote != 0 {
			c, i, quoted = d.opened(b, i, ends, eof)
		}
		if !quoted {
			c, i = d.bare(b, i, eof)
		}
		if i <= 0 && (quoted || i < 0) {
			return cells, i
		}
		cells = append(cells, c)
		switch {
		case i == len(b) && !eof, len(d.Delimiter) > 1 && d.cutDelimiter(b[i:]) && !eof:
			return cells, -1
		case i == len(b):
			return cells, i
		case b[i] == '\n':
			return cells, i + 1
		case !d.delimits(b[i:]):
			return cells, 0
		}
	}
}

// delimits reports whether a delimiter stands at the start of b.
func (d *Dialect) delimits(b []byte) bool {
	if len(d.Delimiter) == 1 {
		return len(b) > 0 && b[0] == d.Delimiter[0]
	}
	return d.Delimiter != "" && len(b) >= len(d.Delimiter) && string(b[:len(d.Delimiter)]) == d.Delimiter
}

// cutDelimiter reports whether b ends within a delimiter.
func (d *Dialect) cutDelimiter(b []byte) bool {
	return len(b) > 0 && len(b) < len(d.Delimiter) && d.Delimiter[:len(b)] == string(b)
}

// opened reads the field at b[i] if it stands in quotes, or in blanks and quotes on one line; next is as of quoted.
func (d *Dialect) opened(b []byte, i int, ends, eof bool) (c Cell, next int, ok bool) {
	at := i
	for at < len(b) && b[at] == ' ' {
		at++
	}
	if at == len(b) || b[at] != d.Quote {
		return c, i, false
	}
	if at == i {
		c, next = d.quoted(b, at+1, ends, eof)
		return c, next, true
	}
	line := b
	if end := bytes.IndexByte(b[at:], '\n'); end >= 0 {
		line, eof = b[:at+end+1], true
	}
	c, next = d.quoted(line, at+1, ends, eof)
	if next <= 0 || next < len(line) && line[next] != '\n' && !d.delimits(line[next:]) {
		return c, i, false
	}
	return c, next, true
}

// quoted finds the field whose text begins at b[i], behind a quote, and the index behind it: -1 if b ends before it
// does, 0 if the quote is never closed.
func (d *Dialect) quoted(b []byte, i int, ends, eof bool) (c Cell, next int) {
	c = Cell{Start: i, Quoted: true}
	for {
		n := bytes.IndexByte(b[i:], d.Quote)
		if d.Escape != Doubled {
			if e := bytes.IndexByte(b[i:], '\\'); e >= 0 && (n < 0 || e < n) {
				switch at := i + e; {
				case at+1 == len(b):
					i = len(b)
				case d.Escape == PHP && ends && b[at+1] == d.Quote && d.mayEnd(b[at+2:], eof):
					return d.behind(b, c, at+1)
				case d.Escape == PHP && b[at+1] != d.Quote: // it is no escape; another may follow at once
					i = at + 1
				default:
					c.escaped = c.escaped || d.Escape == Backslash
					i = at + 2
				}
				continue
			}
		}
		switch {
		case n < 0 && eof:
			return c, 0
		case n < 0, i+n+1 == len(b) && !eof:
			return c, -1
		}
		i += n
		if i+1 == len(b) || b[i+1] != d.Quote {
			return d.behind(b, c, i)
		}
		c.escaped = true
		i += 2
	}
}

// mayEnd reports whether a field may end before b.
func (d *Dialect) mayEnd(b []byte, eof bool) bool {
	return len(b) == 0 && eof || len(b) > 0 && (b[0] == '\n' || b[0] == '\r') || d.delimits(b)
}

// behind ends a field at its closing quote, and passes the blanks behind it.
func (d *Dialect) behind(b []byte, c Cell, quote int) (Cell, int) {
	c.End = quote
	i := quote + 1
	for i < len(b) && b[i] == ' ' {
		i++
	}
	if i < len(b) && b[i] == '\r' {
		i++
	}
	return c, i
}

// bare finds the field without quotes at b[i] and the index behind it; -1 where b ends before that is known.
func (d *Dialect) bare(b []byte, i int, eof bool) (c Cell, next int) {
	c.Start = i
	if len(d.Delimiter) == 1 && d.Escape != Backslash {
		for sep := d.Delimiter[0]; i < len(b) && b[i] != '\n' && b[i] != sep; {
			i++
		}
	}
	for i < len(b) && b[i] != '\n' && !d.delimits(b[i:]) {
		if b[i] == '\\' && d.Escape == Backslash {
			c.escaped = true
			if i++; i == len(b) {
				if !eof {
					return c, -1
				}
				break
			}
		}
		i++
	}
	c.End = i
	if i > c.Start && b[i-1] == '\r' && (i == len(b) || b[i] == '\n') {
		c.End--
	}
	return c, i
}

// plain cuts a line without quotes and escapes.
func (d *Dialect) plain(line []byte, cells []Cell) []Cell {
	start := 0
	for d.Delimiter != "" {
		n := -1
		if len(d.Delimiter) == 1 {
			n = bytes.IndexByte(line[start:], d.Delimiter[0])
		} else {
			n = bytes.Index(line[start:], []byte(d.Delimiter))
		}
		if n < 0 {
			break
		}
		cells = append(cells, Cell{Start: start, End: start + n})
		start += n + len(d.Delimiter)
	}
	return append(cells, Cell{Start: start, End: len(line)})
}

// Text is what a field of a row stands for. It appends to scratch where that is not what is written.
func (d *Dialect) Text(scratch, row []byte, c Cell) []byte {
	v := row[c.Start:c.End]
	switch {
	case !c.escaped:
		return v
	case d.Escape == Backslash:
		return d.unescape(scratch, v, c.Quoted)
	case d.Escape == PHP:
		return d.undouble(scratch, v)
	}
	for {
		i := bytes.IndexByte(v, d.Quote)
		if i < 0 {
			return append(scratch, v...)
		}
		scratch = append(scratch, v[:i+1]...)
		v = v[min(i+2, len(v)):]
	}
}

// undouble appends v with single quotes for the doubled ones that stand behind no backslash.
func (d *Dialect) undouble(to, v []byte) []byte {
	for i := 0; i < len(v); i++ {
		to = append(to, v[i])
		switch {
		case v[i] == '\\' && i+1 < len(v) && v[i+1] == d.Quote:
			i++
			to = append(to, v[i])
		case v[i] == d.Quote:
			i++
		}
	}
	return to
}

// unescape appends v with what its escapes stand for. A backslash that begins none stays.
func (d *Dialect) unescape(to, v []byte, quoted bool) []byte {
	for i := 0; i < len(v); i++ {
		c := v[i]
		switch {
		case c == d.Quote && quoted && d.Quote != 0: // doubled
			i++
		case c == '\\' && i+1 < len(v):
			i++
			if e := escapes[v[i]]; e != 0 || v[i] == '0' {
				c = e
			} else if v[i] == '\\' || v[i] == '\n' || v[i] == '"' || v[i] == '\'' || v[i] == d.Quote ||
				d.Delimiter != "" && v[i] == d.Delimiter[0] {
				c = v[i]
			} else {
				i--
			}
		}
		to = append(to, c)
	}
	return to
}

// escapes are what letters stand for behind a backslash, in exports of MySQL and PostgreSQL; \0 is the zero byte.
var escapes = [256]byte{'n': '\n', 'r': '\r', 't': '\t', 'b': '\b', 'f': '\f', 'v': '\v', 'Z': 26}

// Null reports whether a field holds nothing: it is empty or \N, and stands in no quotes.
func (c Cell) Null(row []byte) bool {
	v := row[c.Start:c.End]
	return !c.Quoted && (len(v) == 0 || len(v) == 2 && v[0] == '\\' && v[1] == 'N')
}
