package restore

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"lethe/connectors"
)

// script splits what pg_dump writes for psql into statements, as psql does: at a semicolon outside of strings, names,
// comments, parentheses and bodies (BEGIN ATOMIC ... END). Of the commands to psql itself it knows the few that pg_dump
// writes; any other ends it, and none is ever carried out.
type script struct {
	in     *bufio.Reader
	line   int64 // of the byte that is read next
	text   []byte
	state  byte // 0, or what is open: ' " $ - *
	escape bool // a backslash escapes in the string at hand
	tag    []byte
	depth  int // of comments within comments
	parens int
	bodies int
	word   []byte // at hand
	words  []string
}

func newScript(r io.Reader) *script { return &script{in: bufio.NewReaderSize(r, 1<<18), line: 1} }

// statement is one, with the line on which it ends.
type statement struct {
	Text    string
	Connect string // the database to go on in; Text is "" then
	Rows    bool   // of a COPY follow
	Line    int64
}

// longestStatement is how long a statement may be: PostgreSQL takes none of a gigabyte.
const longestStatement = 1 << 30

// next returns the next statement, or io.EOF.
func (s *script) next() (statement, error) {
	s.text, s.words, s.word, s.parens, s.bodies = s.text[:0], s.words[:0], s.word[:0], 0, 0
	for {
		b, err := s.in.ReadByte()
		if errors.Is(err, io.EOF) {
			if s.text = bytes.TrimSpace(s.text); len(s.text) == 0 || s.state == '-' {
				return statement{}, io.EOF
			}
			return s.ended(), nil // psql sends what has no semicolon
		}
		if err != nil {
			return statement{}, err
		}
		if b == '\n' {
			s.line++
		}
		if s.state == 0 && b == '\\' {
			if connect, err := s.command(); connect != "" || err != nil {
				return statement{Connect: connect, Line: s.line}, err
			}
			continue
		}
		if s.text = append(s.text, b); len(s.text) > longestStatement {
			return statement{}, fmt.Errorf("line %d: a statement of a gigabyte: %w", s.line, connectors.ErrDamaged)
		}
		if s.state != 0 {
			s.within(b)
			continue
		}
		if s.outside(b) {
			return s.ended(), nil
		}
	}
}

func (s *script) ended() statement {
	st := statement{Text: string(s.text), Line: s.line}
	at := len(s.words) - 1
	for i := 1; i < len(s.words); i++ {
		if s.words[0] == "COPY" && s.words[i-1] == "FROM" && s.words[i] == "STDIN" && i <= at {
			st.Rows = true
		}
	}
	return st
}

// outside looks at a byte outside of strings, names and comments; true: it ends the statement.
func (s *script) outside(b byte) bool {
	if isWord(b) {
		s.word = append(s.word, b)
		return false
	}
	before := byte(0)
	if n := len(s.word); n > 0 {
		before = s.word[n-1]
	}
	prefix := len(s.word) == 1
	s.endWord()
	switch b {
	case '\'':
		s.state, s.escape = '\'', prefix && (before == 'E' || before == 'e')
	case '"':
		s.state = '"'
	case '-':
		if s.follows('-') {
			s.state = '-'
		}
	case '/':
		if s.follows('*') {
			s.state, s.depth = '*', 1
		}
	case '$':
		if before == 0 {
			s.dollar()
		}
	case '(':
		s.parens++
	case ')':
		s.parens--
	case ';':
		return s.parens <= 0 && s.bodies == 0
	}
	return false
}

// endWord takes up the word at hand. In CREATE FUNCTION and CREATE PROCEDURE, BEGIN and CASE open what END closes.
func (s *script) endWord() {
	if len(s.word) == 0 {
		return
	}
	w := strings.ToUpper(string(s.word))
	s.word = s.word[:0]
	if len(s.words) < 1<<10 {
		s.words = append(s.words, w)
	}
	if s.words[0] != "CREATE" || s.parens > 0 {
		return
	}
	made := s.words[min(1, len(s.words)-1)]
	if made == "OR" && len(s.words) > 3 {
		made = s.words[3]
	}
	if made != "FUNCTION" && made != "PROCEDURE" {
		return
	}
	switch {
	case w == "BEGIN", w == "CASE" && s.bodies > 0:
		s.bodies++
	case w == "END" && s.bodies > 0:
		s.bodies--
	}
}

// follows takes the next byte if it is that one.
func (s *script) follows(b byte) bool {
	if next, err := s.in.Peek(1); err != nil || next[0] != b {
		return false
	}
	_, _ = s.in.ReadByte() // it was just looked at
	s.text = append(s.text, b)
	return true
}

// dollar opens a string in dollars where one begins: $$ or $name$.
func (s *script) dollar() {
	for n := 1; ; n++ {
		next, err := s.in.Peek(n)
		if err != nil {
			return
		}
		b := next[n-1]
		if b == '$' {
			s.tag = append(append(s.tag[:0], '$'), next...)
			s.text = append(s.text, next...)
			_, _ = s.in.Discard(n) // it was just looked at
			s.state = '$'
			return
		}
		if !isWord(b) || n == 1 && b >= '0' && b <= '9' {
			return
		}
	}
}

// within looks at a byte of what is open.
func (s *script) within(b byte) {
	switch s.state {
	case '\'':
		switch {
		case b == '\\' && s.escape:
			if next, err := s.in.ReadByte(); err == nil { // else the text ends
				if next == '\n' {
					s.line++
				}
				s.text = append(s.text, next)
			}
		case b == '\'': // a doubled one opens again; E goes on across it
			if !s.follows('\'') {
				s.state = 0
			}
		}
	case '"':
		if b == '"' {
			s.state = 0
		}
	case '-':
		if b == '\n' {
			s.state = 0
		}
	case '*':
		switch {
		case b == '/' && s.follows('*'):
			s.depth++
		case b == '*' && s.follows('/'):
			if s.depth--; s.depth == 0 {
				s.state = 0
			}
		}
	case '$':
		if b == '$' && bytes.HasSuffix(s.text, s.tag) {
			s.state = 0
		}
	}
}

func isWord(b byte) bool {
	return b == '_' || b >= 0x80 || b >= '0' && b <= '9' || b|0x20 >= 'a' && b|0x20 <= 'z'
}

// connecting is how pg_dump and pg_dumpall write that they go on in another database.
var connecting = regexp.MustCompile(`^(?:-reuse-previous=on )?(?:"dbname='([^'\\]+)'"|"([^"\\=]+)"|([A-Za-z0-9_.-]+))$`)

// command reads a command to psql.
func (s *script) command() (connect string, err error) {
	line, err := s.in.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	at := s.line
	s.line++
	name, args, _ := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
	switch name {
	case "restrict", "unrestrict": // keeps psql from what is not carried out here anyway
		return "", nil
	case "connect", "c":
		if m := connecting.FindStringSubmatch(strings.TrimSpace(args)); m != nil {
			return m[1] + m[2] + m[3], nil
		}
	}
	return "", fmt.Errorf("line %d: it orders psql to do something that pg_dump does not write: %w", at, connectors.ErrDamaged)
}

// rows are those of a COPY, up to the line that ends them. They begin on the line behind the statement.
func (s *script) rows() (io.Reader, error) {
	rest, err := s.in.ReadString('\n')
	if strings.TrimSpace(rest) != "" {
		return nil, fmt.Errorf("line %d: something stands behind a COPY: %w", s.line, connectors.ErrDamaged)
	}
	s.line++
	return &rowReader{of: s}, err
}

// rowReader reads the rows of a COPY.
type rowReader struct {
	of   *script
	left []byte
	mid  bool // of a line
	err  error
}

func (r *rowReader) Read(p []byte) (int, error) {
	if len(r.left) == 0 && r.err == nil {
		var line []byte
		line, r.err = r.of.in.ReadSlice('\n')
		switch {
		case errors.Is(r.err, bufio.ErrBufferFull):
			r.left, r.mid, r.err = line, true, nil
		case r.err != nil:
			r.err = fmt.Errorf("line %d: rows of a COPY end without \\.: %w", r.of.line, errors.Join(connectors.ErrDamaged, r.err))
		case !r.mid && string(bytes.TrimRight(line, "\r\n")) == `\.`:
			r.of.line++
			r.err = io.EOF
		default:
			r.of.line++
			r.left, r.mid = line, false
		}
	}
	n := copy(p, r.left)
	r.left = r.left[n:]
	if n == 0 {
		return 0, r.err
	}
	return n, nil
}
