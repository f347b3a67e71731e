package pgdump

import (
	"bytes"
	"strings"

	"lethe/connectors/internal/dumpfile"
)

// token is a piece of SQL. Of what is neither a word, a name in double quotes, a literal nor a number, each
// byte is a token of its own kind.
type token struct {
	kind       byte
	text       string // of a quoted name without its quotes
	start, end int
}

const (
	endOfText byte = 0
	word      byte = 'w'
	quoted    byte = '"'
	literal   byte = '\''
	number    byte = '0'
)

// is reports whether the token is that key word, in any case and not in quotes.
func (t token) is(keyword string) bool { return t.kind == word && strings.EqualFold(t.text, keyword) }

// name is what a name means: unquoted ones are folded to lower case.
func (t token) name() (string, bool) {
	switch t.kind {
	case word:
		return strings.ToLower(t.text), true
	case quoted:
		return t.text, true
	}
	return "", false
}

// lexer cuts SQL into tokens as psql does.
type lexer struct {
	b       []byte
	i       int
	conform bool // standard_conforming_strings: a backslash in '...' is only a backslash
	eof     bool // nothing follows b
	short   bool // b ended before a token did
}

func isBlank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// isLetter reports whether a name may begin with the byte.
func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c >= 0x80 }

func inName(c byte) bool { return isLetter(c) || isDigit(c) || c == '$' }

// blank returns the index behind the white space and the comments at b[i:], -1 if b ends within a comment.
func blank(b []byte, i int, eof bool) int {
	for i < len(b) {
		if isBlank(b[i]) {
			i++
			continue
		}
		end := comment(b, i, eof)
		if end < 0 || end == i {
			return end
		}
		i = end
	}
	return i
}

// comment returns the index behind the comment at b[i:], i if there is none and -1 if b ends before it
// does. Comments between /* and */ nest.
func comment(b []byte, i int, eof bool) int {
	if i+1 == len(b) && !eof && (b[i] == '-' || b[i] == '/') {
		return -1
	}
	switch {
	case i+1 >= len(b):
		return i
	case b[i] == '-' && b[i+1] == '-':
		if j := bytes.IndexByte(b[i:], '\n'); j >= 0 {
			return i + j + 1
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

// closeQuote returns the index behind the quote q that closes what begins at b[i], -1 if b ends before. A
// doubled quote does not close; with escapes, neither does one behind a backslash.
func closeQuote(b []byte, i int, q byte, escapes, eof bool) int {
	start := i
	for {
		j := bytes.IndexByte(b[i:], q)
		if j < 0 {
			return -1
		}
		j += i
		switch {
		case escapes && dumpfile.Backslashes(b[start:j])%2 == 1:
			i = j + 1
		case j+1 == len(b):
			if eof {
				return j + 1
			}
			return -1
		case b[j+1] == q:
			i = j + 2
		default:
			return j + 1
		}
	}
}

// dollar returns the length of the $tag$ that b begins with, 0 if it begins with none, -1 if b ends before
// that is known.
func dollar(b []byte, eof bool) int {
	for i := 1; i < len(b); i++ {
		switch c := b[i]; {
		case c == '$':
			return i + 1
		case !isLetter(c) && (i == 1 || !isDigit(c)):
			return 0
		}
	}
	if eof {
		return 0
	}
	return -1
}

// closeDollar returns the index behind the dollar-quoted text at b[i:], i if there is none and -1 if b ends
// before it does.
func closeDollar(b []byte, i int, eof bool) int {
	n := dollar(b[i:], eof)
	switch n {
	case -1:
		return -1
	case 0:
		return i
	}
	j := bytes.Index(b[i+n:], b[i:i+n])
	if j < 0 {
		return -1
	}
	return i + n + j + n
}

// next returns the next token; the kind is endOfText at the end, and when b ends within a token, which sets
// short.
func (l *lexer) next() token {
	i := blank(l.b, l.i, l.eof)
	if i < 0 {
		return l.cut()
	}
	if i == len(l.b) {
		l.short = true
		l.i = i
		return token{start: i, end: i}
	}
	c := l.b[i]
	t := token{kind: c, start: i, end: i + 1}
	switch {
	case c == '\'':
		t.kind, t.end = literal, closeQuote(l.b, i+1, c, !l.conform, l.eof)
	case c == '"':
		t.kind, t.end = quoted, closeQuote(l.b, i+1, c, false, l.eof)
	case c == '$':
		if end := closeDollar(l.b, i, l.eof); end != i {
			t.kind, t.end = literal, end
		}
	case isDigit(c):
		t.kind, t.end = number, l.run(i)
	case isLetter(c):
		t.kind, t.end = l.word(i)
	}
	if t.end < 0 || t.end == len(l.b) && !l.eof && (t.kind == word || t.kind == number) {
		return l.cut()
	}
	l.i = t.end
	switch t.kind {
	case quoted:
		t.text = strings.ReplaceAll(string(l.b[t.start+1:t.end-1]), `""`, `"`)
	case word, number:
		t.text = string(l.b[t.start:t.end])
	}
	return t
}

// word returns the kind and the end of what begins with the letter at l.b[i]: a word, or a literal such as
// E'..' and x'..'.
func (l *lexer) word(i int) (kind byte, end int) {
	c, n := l.b[i], l.run(i)
	if n == i+1 && n < len(l.b) && l.b[n] == '\'' && strings.IndexByte("eEbBxXnN", c) >= 0 {
		return literal, closeQuote(l.b, n+1, '\'', c|0x20 == 'e' || !l.conform, l.eof)
	}
	return word, n
}

func (l *lexer) cut() token {
	l.short = true
	l.i = len(l.b)
	return token{start: l.i, end: l.i}
}

// run returns the index behind the letters and digits at l.b[i:]; a number's point is a token of its own,
// which nobody asks for.
func (l *lexer) run(i int) int {
	for i < len(l.b) && inName(l.b[i]) {
		i++
	}
	return i
}

// statementEnd returns the index behind the semicolon that ends the statement at the start of b, -1 if b
// ends before. As in psql, semicolons within parentheses and within the BEGIN ATOMIC ... END of a routine
// do not end it.
func statementEnd(b []byte, conform, eof bool) int {
	l := lexer{b: b, conform: conform, eof: eof}
	parens, begins, words := 0, 0, 0
	routine := false
	for {
		t := l.next()
		switch t.kind {
		case endOfText:
			return -1
		case '(':
			parens++
		case ')':
			parens = max(parens-1, 0)
		case ';':
			if parens == 0 && begins == 0 {
				return t.end
			}
		case word:
			words++
			switch {
			case words <= 4 && (t.is("FUNCTION") || t.is("PROCEDURE")):
				routine = true
			case !routine || parens > 0:
			case t.is("BEGIN"), t.is("CASE") && begins > 0:
				begins++
			case t.is("END") && begins > 0:
				begins--
			}
		}
	}
}
