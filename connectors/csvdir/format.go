package csvdir

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"lethe/connectors"
	"lethe/connectors/delimited"
)

// rowBytes is the most that a row may hold: what is longer is a quote that is not closed.
const rowBytes = 256 << 20

// noDelimiter stands for the delimiter of files with one field a row.
const noDelimiter = 0x1f

// delimiters are looked for in this order.
var delimiters = []byte{',', ';', '\t', '|'}

// format says how rows are laid out.
type format struct {
	delimiter byte
	headless  bool // the first row is one of data
}

// cell is where a field stands in a row, without its quotes.
type cell struct {
	start, end int
	quoted     bool
	doubled    bool // quotes in it are doubled
}

var (
	errFields = errors.New("not as many fields as in the first row")
	errQuote  = errors.New("a quote is not closed, or something stands behind the one that closes a field")
)

// row finds the fields of the row at the start of b and the index behind it; -1 if b ends before it does, 0
// if it cannot be read.
func (f format) row(b []byte, cells []cell, eof bool) (_ []cell, n int) {
	cells = cells[:0]
	end := bytes.IndexByte(b, '\n')
	if end < 0 && !eof {
		return cells, -1
	}
	line, next := b, len(b)
	if end >= 0 {
		line, next = b[:end], end+1
	}
	if bytes.IndexByte(line, '"') < 0 {
		return f.plain(bytes.TrimSuffix(line, []byte{'\r'}), cells), next
	}
	i := 0
	for {
		var c cell
		if i < len(b) && b[i] == '"' {
			if c, i = quotedCell(b, i+1, eof); i <= 0 {
				return cells, i
			}
		} else {
			c, i = f.bareCell(b, i)
		}
		cells = append(cells, c)
		switch {
		case i == len(b) && !eof:
			return cells, -1
		case i == len(b):
			return cells, i
		case b[i] == '\n':
			return cells, i + 1
		case b[i] != f.delimiter:
			return cells, 0
		}
		i++
	}
}

// quotedCell finds the field whose text begins at b[i], behind a quote, and the index behind it: -1 if b
// ends before it does, 0 if the quote is never closed.
func quotedCell(b []byte, i int, eof bool) (c cell, next int) {
	c = cell{start: i, quoted: true}
	if c.end, c.doubled = closing(b, i, eof); c.end < 0 {
		if eof {
			return c, 0
		}
		return c, -1
	}
	i = c.end + 1
	for i < len(b) && b[i] == ' ' {
		i++
	}
	if i < len(b) && b[i] == '\r' {
		i++
	}
	return c, i
}

// bareCell finds the field without quotes at b[i] and the index behind it.
func (f format) bareCell(b []byte, i int) (c cell, next int) {
	c.start = i
	for i < len(b) && b[i] != f.delimiter && b[i] != '\n' {
		i++
	}
	c.end = i
	if i > c.start && b[i-1] == '\r' && (i == len(b) || b[i] == '\n') {
		c.end--
	}
	return c, i
}

// plain cuts a line without quotes.
func (f format) plain(line []byte, cells []cell) []cell {
	start := 0
	for {
		n := bytes.IndexByte(line[start:], f.delimiter)
		if n < 0 {
			return append(cells, cell{start: start, end: len(line)})
		}
		cells = append(cells, cell{start: start, end: start + n})
		start += n + 1
	}
}

// closing returns the index of the quote that closes the field whose text begins at b[i], -1 if b ends
// before that is known.
func closing(b []byte, i int, eof bool) (end int, doubled bool) {
	for {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return -1, doubled
		}
		i += n
		switch {
		case i+1 == len(b) && !eof:
			return -1, doubled
		case i+1 == len(b) || b[i+1] != '"':
			return i, doubled
		}
		doubled = true
		i += 2
	}
}

// undouble appends v with single quotes for its doubled ones.
func undouble(to, v []byte) []byte {
	for {
		i := bytes.IndexByte(v, '"')
		if i < 0 {
			return append(to, v...)
		}
		to = append(to, v[:i+1]...)
		v = v[min(i+2, len(v)):]
	}
}

// begin passes what stands before the header and finds the delimiter.
func (r *reader) begin() {
	if named, length, ok := delimited.SeparatorLine(r.Rest()); ok {
		if r.format.delimiter == 0 {
			r.format.delimiter = named
		}
		r.Drop(length)
	}
	if r.format.delimiter == 0 {
		r.format.delimiter = sniff(r.Rest(), r.EOF())
	}
}

// sniff finds the delimiter by which the most of the first rows have as many fields as the first one has.
func sniff(head []byte, eof bool) byte {
	const rows = 200
	best, bestScore := byte(noDelimiter), 0
	for _, d := range delimiters {
		f := format{delimiter: d}
		var cells []cell
		first, same, all := 0, 0, 0
		for b := head; len(b) > 0 && all < rows; {
			var n int
			if cells, n = f.row(b, cells, eof); n <= 0 {
				break
			}
			row := b[:n]
			b = b[n:]
			if isEmpty(row) {
				continue
			}
			if all++; all == 1 {
				first = len(cells)
			}
			if len(cells) == first {
				same++
			}
		}
		if first < 2 {
			continue
		}
		if score := same*1_000_000/all + min(first, 10_000); score > bestScore {
			best, bestScore = d, score
		}
	}
	return best
}

// isEmpty reports whether a line has nothing on it. Where rows have one field, such a line is a row.
func isEmpty(line []byte) bool { return len(bytes.TrimRight(line, " \r\n")) == 0 }

// names reads the header.
func (r *reader) names() ([]string, error) {
	row, n, err := r.next()
	if err != nil || n == 0 {
		return nil, err // an empty file has neither fields nor rows
	}
	var names []string
	for i, c := range r.cells {
		name := ""
		if !r.format.headless {
			name = strings.TrimSpace(string(undouble(nil, row[c.start:c.end])))
		}
		if name == "" {
			name = "c" + strconv.Itoa(i+1)
		}
		unique := name
		for k := 2; slices.Contains(names, unique); k++ {
			unique = name + "_" + strconv.Itoa(k)
		}
		names = append(names, unique)
	}
	if !r.format.headless {
		r.Drop(n)
	}
	return names, nil
}

// next makes the next row whole and finds its fields; n is 0 at the end. The row is valid until the next
// call, and Drop(n) consumes it.
func (r *reader) next() (row []byte, n int, err error) {
	for {
		b := r.Rest()
		if len(b) > 0 {
			r.cells, n = r.format.row(b, r.cells, r.EOF())
			fields := len(r.table.Fields)
			switch {
			case n == 0:
				return nil, 0, r.damaged(errQuote)
			case n > 0 && fields != 1 && len(r.cells) == 1 && isEmpty(b[:n]):
				r.Drop(n)
				continue
			case n > 0 && fields > 0 && len(r.cells) != fields:
				return nil, 0, r.damaged(fmt.Errorf("%d instead of %d: %w", len(r.cells), fields, errFields))
			case n > 0:
				return b[:n], n, nil
			case len(b) > rowBytes:
				return nil, 0, r.damaged(fmt.Errorf("longer than %d MB: %w", rowBytes>>20, errQuote))
			}
		}
		if err := r.More(); err == io.EOF && len(r.Rest()) == 0 {
			return nil, 0, nil
		} else if err != nil && err != io.EOF {
			return nil, 0, err
		}
	}
}

// damaged says in which line the row at hand begins.
func (r *reader) damaged(err error) error {
	return fmt.Errorf("the row that begins in line %d: %w: %w", r.Line(0), err, connectors.ErrDamaged)
}
