package mysqldump

import (
	"bytes"
	"strings"

	"lethe/connectors/internal/dumpfile"
)

// mode is the part of SQL_MODE that changes how a text is to be read.
type mode struct {
	plainBackslash bool // NO_BACKSLASH_ESCAPES
	ansiQuotes     bool // ANSI_QUOTES: "x" is an identifier
	dashes         bool // -- begins a comment whatever follows, as in other databases' scripts
}

func parseMode(s string) mode {
	var m mode
	for word := range strings.SplitSeq(strings.ToUpper(s), ",") {
		switch strings.TrimSpace(word) {
		case "NO_BACKSLASH_ESCAPES":
			m.plainBackslash = true
		case "ANSI_QUOTES", "ANSI", "DB2", "MAXDB", "MSSQL", "ORACLE", "POSTGRESQL":
			m.ansiQuotes = true
		}
	}
	return m
}

// The classes of a byte outside quotes.
const (
	plain byte = iota
	quote
	open
	closing
	comma
	other // may begin a comment or the delimiter
)

var classes = func() (c [256]byte) {
	c['\''], c['"'], c['`'] = quote, quote, quote
	c['('], c[')'], c[','] = open, closing, comma
	c['-'], c['#'], c['/'], c[';'] = other, other, other, other
	return c
}()

// closeQuote returns the index behind the quote that closes the string or identifier whose text starts at
// b[i], or -1 if b ends before. A doubled quote counts as a close followed by an opening.
func (m mode) closeQuote(b []byte, i int, q byte) int {
	start := i
	for {
		j := bytes.IndexByte(b[i:], q)
		if j < 0 {
			return -1
		}
		j += i
		if j > start && b[j-1] == '\\' && q != '`' && !m.plainBackslash && dumpfile.Backslashes(b[start:j])%2 == 1 {
			i = j + 1
			continue
		}
		return j + 1
	}
}

// marker returns the length of the opening of an executable comment (/*!40101, /*M!100100) at the start of
// b; 0 if b does not start with one. The client's sandbox line, /*M!999999\- ... */, is no such comment.
func marker(b []byte) int {
	n := 3
	switch {
	case bytes.HasPrefix(b, []byte("/*!")):
	case bytes.HasPrefix(b, []byte("/*M!")):
		n = 4
	default:
		return 0
	}
	for n < len(b) && b[n] >= '0' && b[n] <= '9' {
		n++
	}
	if n < len(b) && b[n] == '\\' {
		return 0
	}
	return n
}

// markerBytes is more than the longest marker, with the byte that follows.
const markerBytes = 16

// isBlank reports whether the client takes c for white space.
func isBlank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// comment returns the index behind the comment that starts at b[i]; i if none does; -1 if b ends before
// this can be told, or before the comment ends.
func (m mode) comment(b []byte, i int, eof bool) int {
	short := func() int {
		if eof {
			return i
		}
		return -1
	}
	switch b[i] {
	case '#':
		return lineEnd(b, i, eof)
	case '-':
		if i+2 >= len(b) {
			if eof && i+2 == len(b) && b[i+1] == '-' {
				return i + 2
			}
			return short()
		}
		if b[i+1] == '-' && (m.dashes || b[i+2] <= ' ' || b[i+2] == 0x7f) {
			return lineEnd(b, i, eof)
		}
	case '/':
		if len(b)-i < markerBytes && !eof {
			return -1
		}
		if i+1 < len(b) && b[i+1] == '*' && marker(b[i:]) == 0 {
			j := bytes.Index(b[i+2:], []byte("*/"))
			if j < 0 {
				return -1
			}
			return i + 2 + j + 2
		}
	}
	return i
}

func lineEnd(b []byte, i int, eof bool) int {
	j := bytes.IndexByte(b[i:], '\n')
	if j >= 0 {
		return i + j + 1
	}
	if eof {
		return len(b)
	}
	return -1
}

// The kinds of a token; punctuation is its own kind.
const (
	endOfText  byte = 0
	word       byte = 'w' // a bare identifier, keyword, number or variable
	identifier byte = 'i' // quoted
	literal    byte = 's' // a string in quotes
)

type token struct {
	kind       byte
	start, end int
	text       string // of a word as it stands, of an identifier without its quotes; "" otherwise
}

// is reports whether the token is the bare keyword, given in upper case.
func (t token) is(keyword string) bool {
	return t.kind == word && strings.EqualFold(t.text, keyword)
}

// name reports whether the token can be a name.
func (t token) name() bool { return t.kind == word || t.kind == identifier }

// lexer splits a statement into tokens. Comments are skipped, the openings and ends of executable comments
// are too.
type lexer struct {
	b          []byte
	i          int
	mode       mode
	eof        bool // nothing follows b
	short      bool // b ended within a token, or where another could follow
	executable bool // the last token stands within an executable comment
}

func (l *lexer) next() token {
	for l.i < len(l.b) {
		c := l.b[l.i]
		if isBlank(c) {
			l.i++
			continue
		}
		if c == '*' && l.executable && l.i+1 < len(l.b) && l.b[l.i+1] == '/' {
			l.i += 2
			l.executable = false
			continue
		}
		if c == '-' || c == '#' || c == '/' {
			j := l.mode.comment(l.b, l.i, l.eof)
			if j < 0 {
				return l.cut()
			}
			if j > l.i {
				l.i = j
				continue
			}
			if n := marker(l.b[l.i:]); n > 0 {
				l.i += n
				l.executable = true
				continue
			}
		}
		return l.token(c)
	}
	return l.cut()
}

func (l *lexer) cut() token {
	l.short = true
	return token{kind: endOfText, start: l.i, end: l.i}
}

func (l *lexer) token(c byte) token {
	start := l.i
	switch {
	case classes[c] == quote:
		end := start + 1
		for {
			end = l.mode.closeQuote(l.b, end, c)
			if end < 0 || end == len(l.b) && !l.eof {
				return l.cut()
			}
			if end == len(l.b) || l.b[end] != c {
				break
			}
			end++
		}
		l.i = end
		t := token{kind: literal, start: start, end: end}
		if c == '`' || c == '"' && l.mode.ansiQuotes {
			t.kind = identifier
			t.text = strings.ReplaceAll(string(l.b[start+1:end-1]), string([]byte{c, c}), string(c))
		}
		return t
	case isWord(c):
		end := start + 1
		for end < len(l.b) && isWord(l.b[end]) {
			end++
		}
		if end == len(l.b) && !l.eof {
			return l.cut()
		}
		l.i = end
		return token{kind: word, start: start, end: end, text: string(l.b[start:end])}
	}
	l.i++
	return token{kind: c, start: start, end: l.i}
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '$' || c == '@' ||
		c >= 0x80
}

// asName makes a token a name where the grammar wants one: a string in double quotes is then an identifier
// whatever the mode.
func (l *lexer) asName(t token) token {
	if t.kind == literal && l.b[t.start] == '"' {
		t.kind = identifier
		t.text = strings.ReplaceAll(string(l.b[t.start+1:t.end-1]), `""`, `"`)
	}
	return t
}

// span is the place of one value in a tuple.
type span struct{ start, end int }

// tuple finds the values of the tuple that starts, with its parenthesis, at b[0]; n is its length, or -1 if
// b ends before. ok is false where a comment or a delimiter stands in the tuple, which no dump has.
func (m mode) tuple(b []byte, into []span, eof bool) (values []span, n int, ok bool) {
	values = into[:0]
	i, depth, start := 1, 0, 1
	for {
		for i < len(b) && classes[b[i]] == plain {
			i++
		}
		if i >= len(b) {
			return values, -1, true
		}
		switch c := b[i]; classes[c] {
		case quote:
			i = m.closeQuote(b, i+1, c)
			if i < 0 {
				return values, -1, true
			}
		case open:
			depth++
			i++
		case comma:
			if depth == 0 {
				values = append(values, trim(b, start, i))
				start = i + 1
			}
			i++
		case closing:
			if depth == 0 {
				return append(values, trim(b, start, i)), i + 1, true
			}
			depth--
			i++
		case other:
			if c == ';' {
				return values, i, false
			}
			j := m.comment(b, i, eof)
			if j < 0 {
				return values, -1, true
			}
			if j > i || marker(b[i:]) > 0 {
				return values, i, false
			}
			i++
		}
	}
}

func trim(b []byte, start, end int) span {
	for start < end && isBlank(b[start]) {
		start++
	}
	for end > start && isBlank(b[end-1]) {
		end--
	}
	return span{start, end}
}
