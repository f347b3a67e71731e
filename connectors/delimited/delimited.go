// Package delimited reads what CSV is written in, wherever CSV is read: folders of CSV files, deliveries of
// consents, lists of addresses. Decode finds the encoding, Lines the ends of the lines, and Separator what stands
// between the fields. A Dialect cuts a row into its cells; Sniff finds the whole Layout of a text, of which nobody
// need say anything but what cannot be seen.
package delimited

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	utf "golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
	"golang.org/x/text/transform"
)

// headBytes is how much of a text is looked at before it is read.
const headBytes = 1 << 16

// Encoding finds an encoding by a name of the WHATWG list; nil is UTF-8.
func Encoding(name string) (encoding.Encoding, error) {
	set, err := htmlindex.Get(name)
	if err != nil {
		return nil, fmt.Errorf("encoding %q is not known: write for example windows-1252 or utf-16le", name)
	}
	if known, err := htmlindex.Name(set); err == nil && known == "utf-8" {
		return nil, nil
	}
	return set, nil
}

// Coding is how a text is written in bytes: its byte order mark, and its encoding. The zero value is UTF-8.
type Coding struct {
	Mark string
	set  encoding.Encoding // nil: UTF-8
}

// CodingOf finds how a text is written: the mark of UTF-16 or UTF-32 at its head says it, or else the name of an
// encoding; without either it is UTF-8.
func CodingOf(head []byte, name string) (Coding, error) {
	var c Coding
	if name != "" {
		var err error
		if c.set, err = Encoding(name); err != nil {
			return c, err
		}
	}
	for _, marked := range []struct {
		mark string
		set  encoding.Encoding
	}{
		{"\uFEFF", nil},
		{"\xff\xfe\x00\x00", utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM)},
		{"\x00\x00\xfe\xff", utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM)},
		{"\xff\xfe", utf.UTF16(utf.LittleEndian, utf.IgnoreBOM)},
		{"\xfe\xff", utf.UTF16(utf.BigEndian, utf.IgnoreBOM)},
	} {
		if bytes.HasPrefix(head, []byte(marked.mark)) {
			return Coding{marked.mark, marked.set}, nil
		}
	}
	return c, nil
}

// Decode reads a text as UTF-8, without a byte order mark. In what else it is written, CodingOf says.
func Decode(r io.Reader, name string) (*bufio.Reader, error) {
	buffered := bufio.NewReaderSize(r, headBytes)
	head, _ := buffered.Peek(4) // a shorter text gives what it has
	c, err := CodingOf(head, name)
	if err != nil {
		return nil, err
	}
	return c.Decode(buffered), nil
}

// Decode reads a text that is written so as UTF-8, without its mark.
func (c Coding) Decode(r *bufio.Reader) *bufio.Reader {
	r.Discard(len(c.Mark)) // CodingOf saw it
	if c.set == nil {
		return r
	}
	return bufio.NewReaderSize(transform.NewReader(r, c.set.NewDecoder()), headBytes)
}

// Plain says that the bytes behind the mark are the text as it is read.
func (c Coding) Plain() bool { return c.set == nil }

// Encode writes a part of a text as the whole is written. What the encoding cannot write is an error.
func (c Coding) Encode(text []byte) ([]byte, error) {
	if c.set == nil {
		return text, nil
	}
	return c.set.NewEncoder().Bytes(text)
}

// Unmarked is the encoding of a text of UTF-16 without a byte order mark, which is told by its zero bytes; "" for any
// other.
func Unmarked(head []byte) string {
	zero := [2]int{}
	for i, c := range head {
		if c == 0 {
			zero[i%2]++
		}
	}
	switch pairs := len(head) / 2; {
	case pairs < 2:
	case zero[1] > pairs*3/5 && zero[0]*10 < zero[1]:
		return "utf-16le"
	case zero[0] > pairs*3/5 && zero[1]*10 < zero[0]:
		return "utf-16be"
	}
	return ""
}

// Lines reads a text whose lines end in a carriage return alone, as those of old Macintosh programs do, as if they
// ended in line feeds; any other text as it is.
func Lines(r *bufio.Reader) *bufio.Reader {
	head, _ := r.Peek(headBytes)
	ends := &lineEnds{r: r}
	for i, c := range head {
		if end := ends.end(c); end == '\n' || end == '\r' && i+1 < len(head) && head[i+1] == '\n' {
			return r
		} else if end == '\r' {
			return bufio.NewReaderSize(&lineEnds{r: r}, headBytes)
		}
	}
	return r
}

// lineEnds puts line feeds in the place of the carriage returns outside quotes.
type lineEnds struct {
	r      io.Reader
	quoted bool
	last   byte
}

// end goes one character on, and returns it if it ends a line. A quote opens only where a field begins, or again
// behind one that closed.
func (l *lineEnds) end(c byte) byte {
	last := l.last
	l.last = c
	switch {
	case c == '"' && l.quoted:
		l.quoted = false
	case c == '"':
		l.quoted = last == 0 || bytes.IndexByte([]byte("\r\n,;|\t \""), last) >= 0
	case (c == '\r' || c == '\n') && !l.quoted:
		return c
	}
	return 0
}

// Read reads on.
func (l *lineEnds) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	for i, c := range p[:n] {
		if l.end(c) == '\r' {
			p[i] = '\n'
		}
	}
	return n, err
}

// SeparatorLine finds the separator that a first line `sep=;` names, as Excel writes it, and how long that line is;
// false where there is none.
func SeparatorLine(head []byte) (separator byte, length int, ok bool) {
	line := head
	if i := bytes.IndexAny(head, "\r\n"); i >= 0 {
		line = head[:i]
	}
	length = len(line)
	if n := len(line); n == 7 && line[0] == '"' && line[n-1] == '"' { // some programs quote whatever they write
		line = line[1 : n-1]
	}
	if len(line) != 5 || !strings.EqualFold(string(line[:4]), "sep=") {
		return 0, 0, false
	}
	switch rest := head[length:]; {
	case bytes.HasPrefix(rest, []byte("\r\n")):
		length += 2
	case len(rest) > 0:
		length++
	}
	return line[4], length, true
}

// Separator is what stands between the fields of a CSV file: what a first line `sep=;` says, which it passes, or
// else comma, semicolon, tab or bar, whichever the first line has most of. passed is how many lines it passed.
func Separator(r *bufio.Reader) (separator rune, passed int) {
	head, _ := r.Peek(4096) // a shorter file gives what it has
	if named, length, ok := SeparatorLine(head); ok {
		r.Discard(length)
		return rune(named), 1
	}
	line, _, _ := bytes.Cut(head, []byte("\n"))
	best := ','
	for _, sep := range []rune{';', '\t', '|'} {
		if bytes.Count(line, []byte(string(sep))) > bytes.Count(line, []byte(string(best))) {
			best = sep
		}
	}
	return best, 0
}
