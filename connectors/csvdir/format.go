package csvdir

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"lethe/connectors"
	"lethe/connectors/delimited"
	"lethe/connectors/internal/textfile"
)

// rowBytes is the most that a row may hold: what is longer is a quote that is not closed.
const rowBytes = 256 << 20

var (
	errFields = errors.New("not as many fields as in the first row")
	errQuote  = errors.New("a quote is not closed, or something stands behind the one that closes a field")
)

// reader is an open file behind its header.
type reader struct {
	*textfile.Window
	text *textfile.Text
	settings
	layout  delimited.Layout
	table   connectors.Table
	cells   []delimited.Cell
	sure    bool              // the layout is known
	assumed map[string]string // of the layout, what is not usual and nobody said
	hint    string
	pass    *pass // of what is written anew; nil: it is only read
}

// Drop consumes n bytes that are no row.
func (r *reader) Drop(n int) {
	if r.pass != nil {
		r.pass.text(r.Rest()[:n])
	}
	r.Window.Drop(n)
}

// begin opens the text, finds out how it is laid out, and passes what stands before the header.
func (r *reader) begin(ctx context.Context) error {
	var in io.Reader = r.text
	if r.pass != nil {
		in = io.TeeReader(in, &r.pass.was)
	}
	raw := bufio.NewReader(in)
	head, _ := raw.Peek(512)
	if r.encoding == "" {
		if r.encoding = delimited.Unmarked(head); r.encoding != "" && !r.sure {
			r.assumed["encoding"] = r.encoding
		}
	}
	coding, err := delimited.CodingOf(head, r.encoding)
	if err != nil {
		return err
	}
	if r.pass != nil {
		r.pass.coding = coding
		r.pass.is.WriteString(coding.Mark)
	}
	r.Window = textfile.NewWindow(ctx, delimited.Lines(coding.Decode(raw)), textfile.WindowBytes)
	if err := r.More(); err != nil && err != io.EOF {
		return err
	}
	if err := legible(r.Rest()); err != nil {
		return err
	}
	if err := r.layOut(); err != nil {
		return err
	}
	if !r.sure {
		r.note()
	}
	return nil
}

// layOut finds out how the text is laid out, and passes what stands before the header.
func (r *reader) layOut() (err error) {
	if named, length, ok := delimited.SeparatorLine(r.Rest()); ok {
		if r.said.Delimiter == nil {
			said := string(named)
			r.said.Delimiter = &said
		}
		if r.headerLine < 2 {
			r.Drop(length)
		}
	}
	if err := r.passLines(r.headerLine - 1); err != nil {
		return err
	}
	if !r.sure {
		if r.layout, err = delimited.Sniff(r.Rest(), r.EOF(), r.said); err != nil {
			return fmt.Errorf("%w: %w", err, connectors.ErrDamaged)
		}
	}
	before := r.Line(0)
	if err := r.passLines(r.layout.Skip); err != nil {
		return err
	}
	if line := r.Line(0); line > before && !r.sure {
		r.assumed["header_line"] = strconv.FormatInt(line, 10)
	}
	return nil
}

// passLines drops lines.
func (r *reader) passLines(lines int) error {
	for ; lines > 0; lines-- {
		for bytes.IndexByte(r.Rest(), '\n') < 0 && !r.EOF() {
			if err := r.More(); err != nil && err != io.EOF {
				return err
			}
		}
		end := bytes.IndexByte(r.Rest(), '\n')
		if end < 0 {
			return fmt.Errorf("it ends before line %d: %w", r.Line(0)+int64(lines), connectors.ErrDamaged)
		}
		r.Drop(end + 1)
	}
	return nil
}

// others are what a file may be instead, by its first bytes.
var others = []textfile.Foreign{
	{Magic: "<?xml", What: "it is XML"}, {Magic: "<!DOCTYPE", What: "it is a page of HTML"},
	{Magic: "<!doctype", What: "it is a page of HTML"}, {Magic: "<html", What: "it is a page of HTML"},
	{Magic: "<table", What: "it is a table of HTML"}, {Magic: "{\"", What: "it is JSON"}, {Magic: "[{", What: "it is JSON"},
	{Magic: "PAR1", What: "it is Parquet"}, {Magic: "Obj\x01", What: "it is Avro"},
	{Magic: "ARROW1", What: "it is Arrow"}, {Magic: "%PDF", What: "it is PDF"}, {Magic: "{\\rtf", What: "it is RTF"},
}

// legible refuses what is no text of rows.
func legible(head []byte) error {
	if err := textfile.Check(bytes.TrimLeft(head, " \t\r\n"), others...); err != nil {
		return err
	}
	if line, _, _ := bytes.Cut(head, []byte{'\n'}); bytes.IndexByte(line[:min(len(line), 4096)], 0) >= 0 {
		return fmt.Errorf("it holds zero bytes, and is no text; if it is one of UTF-16, say so by `encoding`: %w",
			connectors.ErrDamaged)
	}
	return nil
}

// note keeps what was found of the layout and is not the usual.
func (r *reader) note() {
	l := r.layout
	if r.said.Delimiter == nil && l.Delimiter != "" && l.Delimiter != "," {
		r.assumed["delimiter"] = spelled(l.Delimiter)
	}
	if r.said.Quote == nil && l.Quote != '"' {
		r.assumed["quote"] = spelled(quoteOf(l.Quote))
	}
	if r.said.Escape == "" && l.Escape != delimited.Doubled {
		r.assumed["escape"] = string(l.Escape)
	}
	if r.said.Header == "" && l.Headless {
		r.assumed["header"] = "none"
	}
	if r.said.Null == nil && l.Null != "" {
		r.assumed["null"] = l.Null
	}
	head := r.Rest()
	if cut := len(head) - utf8.UTFMax; cut > 0 && !r.EOF() {
		head = head[:cut]
		for len(head) > 0 && head[len(head)-1] >= utf8.RuneSelf {
			head = head[:len(head)-1]
		}
	}
	switch {
	case r.encoding != "" || utf8.Valid(head):
	case r.guess:
		r.assumed["encoding"] = "windows-1252"
	default:
		r.hint = "it is not UTF-8: say by `encoding` what it is, for example windows-1252"
	}
}

// names reads the header.
func (r *reader) names() ([]string, error) {
	row, n, err := r.next()
	if err != nil || n == 0 {
		return nil, err // an empty file has neither fields nor rows
	}
	names, used := make([]string, len(r.cells)), map[string]int{}
	for i, c := range r.cells {
		name := ""
		if !r.layout.Headless {
			name = strings.TrimSpace(string(r.layout.Text(nil, row, c)))
		}
		if name == "" {
			name = "c" + strconv.Itoa(i+1)
		}
		unique := name
		for used[unique] > 0 {
			used[name]++
			unique = name + "_" + strconv.Itoa(used[name])
		}
		used[unique] = 1
		names[i] = unique
	}
	if !r.layout.Headless {
		r.Drop(n)
	}
	return names, nil
}

// next makes the next row whole and finds its fields; n is 0 at the end. The row is valid until the next
// call, and Drop(n) consumes it.
func (r *reader) next() (row []byte, n int, err error) {
	fields := len(r.table.Fields)
	for {
		b := r.Rest()
		if len(b) > 0 {
			r.cells, n = r.layout.Row(b, r.cells, fields, r.EOF())
			switch {
			case n > 0 && fields != 1 && len(r.cells) == 1 && delimited.Blank(b[:n]):
				r.Drop(n)
				continue
			case n > 0 && (fields == 0 || len(r.cells) == fields):
				return b[:n], n, nil
			case n >= 0:
				if ended, err := r.ended(fields); ended || err != nil {
					return nil, 0, err
				}
				if !r.short || n == 0 || len(r.cells) > fields {
					return nil, 0, r.damaged(n, fields)
				}
				b = r.Rest() // looking for the end may have moved it
				for len(r.cells) < fields {
					r.cells = append(r.cells, delimited.Cell{Start: n, End: n})
				}
				return b[:n], n, nil
			case len(b) > rowBytes:
				return nil, 0, fmt.Errorf("the row that begins in line %d is longer than %d MB: %w: %w", r.Line(0),
					rowBytes>>20, errQuote, connectors.ErrDamaged)
			}
		}
		if err := r.More(); err == io.EOF && len(r.Rest()) == 0 {
			return nil, 0, nil
		} else if err != nil && err != io.EOF {
			return nil, 0, err
		}
	}
}

// ended reports whether nothing is left but lines that are no row.
func (r *reader) ended(fields int) (bool, error) {
	const most = 2000 // bytes that such lines may have
	for !r.EOF() && len(r.Rest()) <= most {
		if err := r.More(); err != nil && err != io.EOF {
			return false, err
		}
	}
	rest := r.Rest()
	if fields < 2 || len(rest) > most || rest[len(rest)-1] != '\n' && !bytes.HasPrefix(rest, []byte("(")) {
		return false, nil // what ends without a line end may be cut off
	}
	for line := range bytes.Lines(rest) {
		if !delimited.Blank(line) && (!delimited.Footer(line) ||
			r.layout.Delimiter != "" && bytes.Contains(line, []byte(r.layout.Delimiter))) {
			return false, nil
		}
	}
	r.Drop(len(rest))
	return true, nil
}

// damaged says what is wrong with the row at hand, and in which line it begins.
func (r *reader) damaged(n, fields int) error {
	err := errQuote
	if n > 0 {
		err = fmt.Errorf("%d instead of %d: %w", len(r.cells), fields, errFields)
	}
	return fmt.Errorf("the row that begins in line %d: %w: %w", r.Line(0), err, connectors.ErrDamaged)
}
