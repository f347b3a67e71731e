package mssqldump

import (
	"bytes"
	"strings"
)

// token is a piece of T-SQL. Of what is neither a word, a name in brackets or double quotes, a literal nor a number, each
// byte is a token of its own kind.
type token struct {
	kind       byte
	text       string // of a word or a name, without what is around it
	start, end int
	first      bool // nothing but white space stands before it on its line
}

const (
	endOfText byte = 0
	word      byte = 'w'
	quoted    byte = '['
	literal   byte = '\'' // '...' or N'...'
	number    byte = '0'
	octets    byte = 'x' // 0x...
	variable  byte = '@'
)

// is reports whether the token is that key word, in any case and not in brackets.
func (t token) is(keyword string) bool { return t.kind == word && strings.EqualFold(t.text, keyword) }

// isOne reports whether the token is one of some key words.
func (t token) isOne(keywords ...string) bool {
	for _, k := range keywords {
		if t.is(k) {
			return true
		}
	}
	return false
}

func (t token) name() bool { return t.kind == word || t.kind == quoted }

// lexer cuts T-SQL into tokens.
type lexer struct {
	b       []byte
	i       int
	eof     bool // nothing follows b
	strings bool // SET QUOTED_IDENTIFIER OFF: "..." is a literal
	short   bool // b ended before a token did
	fresh   bool // the token to come is the first of its line
}

func isBlank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' || c == 0x1a }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// isLetter reports whether a name may begin with the byte.
func isLetter(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c == '#' || c >= 0x80
}

func inName(c byte) bool { return isLetter(c) || isDigit(c) || c == '$' || c == '@' }

// comment returns the index behind the comment at b[i:], i if there is none and -1 if b ends before it does. Comments
// between /* and */ nest.
func comment(b []byte, i int, eof bool) int {
	if i+1 == len(b) && !eof && (b[i] == '-' || b[i] == '/') {
		return -1
	}
	switch {
	case i+1 >= len(b):
		return i
	case b[i] == '-' && b[i+1] == '-':
		if j := bytes.IndexByte(b[i:], '\n'); j >= 0 {
			return i + j
		}
		if eof {
			return len(b)
		}
		return -1
	case b[i] == '/' && b[i+1] == '*':
		depth := 1
		for j := i + 2; j+1 < len(b); j++ {
			switch {
			case b[j] == '*' && b[j+1] == '/':
				depth--
				j++
			case b[j] == '/' && b[j+1] == '*':
				depth++
				j++
			}
			if depth == 0 {
				return j + 1
			}
		}
		return -1
	}
	return i
}

// next returns the next token; endOfText, and short, where b ends within it or may go on.
func (l *lexer) next() token {
	for l.i < len(l.b) {
		c := l.b[l.i]
		if isBlank(c) {
			l.fresh = l.fresh || c == '\n'
			l.i++
			continue
		}
		end := comment(l.b, l.i, l.eof)
		if end < 0 {
			return l.ends()
		}
		if end == l.i {
			break
		}
		l.i = end
	}
	if l.i >= len(l.b) {
		return l.ends()
	}
	t := token{start: l.i, first: l.fresh}
	l.fresh = false
	b, i := l.b, l.i
	switch c := b[i]; {
	case c == '\'', (c == 'N' || c == 'n') && i+1 < len(b) && b[i+1] == '\'', c == '"' && l.strings:
		if c != '\'' && c != '"' {
			i++
		}
		t.kind, t.end = literal, closing(b, i+1, b[i])
	case c == '$' && sqlcmdVariable(b[i:]) > 0:
		t.kind, t.end = word, i+sqlcmdVariable(b[i:])
	case c == '[':
		t.kind, t.end = quoted, closing(b, i+1, ']')
	case c == '"':
		t.kind, t.end = quoted, closing(b, i+1, '"')
	case c == '0' && i+1 < len(b) && b[i+1]|0x20 == 'x':
		t.kind = octets
		for t.end = i + 2; t.end < len(b) && isHex(b[t.end]); t.end++ {
		}
	case isDigit(c), c == '.' && i+1 < len(b) && isDigit(b[i+1]):
		t.kind, t.end = number, numberEnd(b, i)
	case isLetter(c), c == '@':
		t.kind = word
		if c == '@' {
			t.kind = variable
		}
		for t.end = i + 1; t.end < len(b) && inName(b[t.end]); t.end++ {
		}
	default:
		t.kind, t.end = c, i+1
	}
	if t.end < 0 || t.end == len(b) && !l.eof && t.kind != t.byteKind(b) {
		return l.ends()
	}
	switch t.kind {
	case word:
		t.text = string(b[t.start:t.end])
	case quoted:
		q := b[t.end-1]
		t.text = strings.ReplaceAll(string(b[t.start+1:t.end-1]), string([]byte{q, q}), string(q))
	}
	l.i = t.end
	return t
}

// sqlcmdVariable is how long the variable of sqlcmd is that b begins with, $(Name), for which that puts in a text; 0: none.
func sqlcmdVariable(b []byte) int {
	if len(b) < 4 || b[1] != '(' || !isLetter(b[2]) {
		return 0
	}
	for i := 3; i < len(b); i++ {
		if b[i] == ')' {
			return i + 1
		}
		if !inName(b[i]) {
			return 0
		}
	}
	return 0
}

// byteKind is the kind of a token that is one byte.
func (t token) byteKind(b []byte) byte {
	if t.end == t.start+1 && t.kind == b[t.start] && !isDigit(t.kind) {
		return t.kind
	}
	return endOfText
}

func (l *lexer) ends() token {
	l.short = !l.eof || l.i < len(l.b)
	return token{kind: endOfText, start: len(l.b), end: len(l.b)}
}

// closing returns the index behind the quote that ends what stands at b[i:], -1 if b ends before. A quote is doubled
// where it belongs to what it is around.
func closing(b []byte, i int, q byte) int {
	for {
		j := bytes.IndexByte(b[i:], q)
		if j < 0 {
			return -1
		}
		if i += j + 1; i == len(b) || b[i] != q {
			return i
		}
		i++
	}
}

func isHex(c byte) bool { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }

// numberEnd returns the index behind the number at b[i:].
func numberEnd(b []byte, i int) int {
	for i < len(b) && (isDigit(b[i]) || b[i] == '.') {
		i++
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		j := i + 1
		if j < len(b) && (b[j] == '+' || b[j] == '-') {
			j++
		}
		if j < len(b) && isDigit(b[j]) {
			for i = j; i < len(b) && isDigit(b[i]); i++ {
			}
		}
	}
	return i
}

// goLine returns the index behind the line that GO stands on alone, which is no T-SQL: it ends what is sent to the server
// at once. -1: b ends before; 0: it is no such line. A number may follow, by which the batch is repeated.
func goLine(b []byte, eof bool) int {
	if len(b) < 3 && !eof {
		return -1
	}
	if len(b) < 2 || b[0]|0x20 != 'g' || b[1]|0x20 != 'o' || len(b) > 2 && inName(b[2]) {
		return 0
	}
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		if !eof {
			return -1
		}
		end = len(b)
	}
	rest := bytes.TrimSpace(b[2:end])
	if i := bytes.Index(rest, []byte("--")); i >= 0 {
		rest = bytes.TrimSpace(rest[:i])
	}
	rest = bytes.Trim(rest, "0123456789;\x1a ")
	if len(rest) > 0 {
		return 0
	}
	return end
}

// tuple finds the values of the row in parentheses at b[0], as spans without the white space around them. It returns how
// long the row is: -1 if b ends before, -2 if it is no row.
func (l lexer) tuple(b []byte, spans []span) ([]span, int) {
	l.b, l.i, l.short = b, 0, false
	spans = spans[:0]
	if t := l.next(); t.kind != '(' {
		return spans, -2
	}
	depth, start, end := 0, -1, -1
	for {
		t := l.next()
		switch t.kind {
		case endOfText:
			return spans, -1
		case '(':
			depth++
		case ')':
			if depth--; depth < 0 {
				if start < 0 {
					return spans, -2
				}
				return append(spans, span{start, end}), t.end
			}
		case ',':
			if depth == 0 {
				if start < 0 {
					return spans, -2
				}
				spans, start = append(spans, span{start, end}), -1
				continue
			}
		}
		if start < 0 {
			start = t.start
		}
		end = t.end
	}
}
