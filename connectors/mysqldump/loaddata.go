package mysqldump

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"lethe/connectors"
	"lethe/connectors/internal/dumpfile"
)

// load is a LOAD DATA statement: which file of a folder holds rows of which table, and how they are written.
type load struct {
	file    string
	id      dumpfile.TableID
	columns []string // nil: all of the table, in its order
	layout  *layout
}

// loads parses a LOAD DATA statement, as mydumper writes them, behind whose first word l stands.
func loads(l lexer, database string, names charset) (load, error) {
	p := loader{l: &l, out: load{layout: usual()}}
	p.out.layout.charset = names
	p.advance()
	p.expect("DATA")
	for p.t.is("LOCAL") || p.t.is("LOW_PRIORITY") || p.t.is("CONCURRENT") {
		p.advance()
	}
	p.expect("INFILE")
	p.out.file = string(p.text())
	for p.t.is("IGNORE") || p.t.is("REPLACE") || p.t.is("INTO") {
		p.advance()
	}
	p.expect("TABLE")
	p.out.id = dumpfile.TableID{Database: database, Name: p.name()}
	if p.t.kind == '.' {
		p.advance()
		p.out.id = dumpfile.TableID{Database: p.out.id.Name, Name: p.name()}
	}
	p.settings()
	p.columns()
	p.hexed()
	if p.err == nil && p.t.kind != endOfText {
		p.fail()
	}
	if p.err == nil {
		p.err = p.out.layout.check()
	}
	return p.out, p.err
}

// loader parses one LOAD DATA statement.
type loader struct {
	l     *lexer
	t     token
	out   load
	named map[string]int // variables in the place of fields
	err   error
}

func (p *loader) advance() { p.t = p.l.next() }

func (p *loader) fail() {
	if p.err == nil {
		p.err = fmt.Errorf("a LOAD DATA that is not followed, at byte %d of the statement: %w", p.t.start,
			errors.ErrUnsupported)
	}
	p.t = token{}
}

func (p *loader) expect(keyword string) {
	if !p.t.is(keyword) {
		p.fail()
		return
	}
	p.advance()
}

func (p *loader) name() string {
	t := p.l.asName(p.t)
	if !t.name() {
		p.fail()
		return ""
	}
	p.advance()
	return t.text
}

// text is the string at hand.
func (p *loader) text() []byte {
	if p.t.kind != literal {
		p.fail()
		return nil
	}
	text, err := unquote(nil, p.l.b[p.t.start:p.t.end], p.l.mode)
	if err != nil {
		p.fail()
	}
	p.advance()
	return text
}

func (p *loader) sign() byte {
	text := p.text()
	switch {
	case len(text) > 1:
		p.fail()
	case len(text) == 1:
		return text[0]
	}
	return 0
}

// settings parses what is said of the character set, the fields and the lines.
func (p *loader) settings() {
	lines := false
	for p.err == nil && p.t.kind == word {
		keyword := strings.ToUpper(p.t.text)
		if keyword == "SET" {
			return
		}
		p.advance()
		switch keyword {
		case "CHARACTER":
			p.expect("SET")
			p.out.layout.charset = charsetNamed(p.l.unquoted(p.t))
			if p.out.layout.charset == unknown {
				p.err = fmt.Errorf("%w: %w", errCharset, connectors.ErrDamaged)
			}
			p.advance()
		case "FIELDS", "COLUMNS", "OPTIONALLY":
		case "LINES":
			lines = true
		case "TERMINATED":
			p.expect("BY")
			if text := p.text(); lines {
				p.out.layout.lineEnd = text
			} else {
				p.out.layout.fieldEnd = text
			}
		case "STARTING":
			p.expect("BY")
			p.out.layout.lineStart = p.text()
		case "ENCLOSED":
			p.expect("BY")
			p.out.layout.quote = p.sign()
		case "ESCAPED":
			p.expect("BY")
			p.out.layout.escape = p.sign()
		case "IGNORE":
			n, err := strconv.Atoi(p.t.text)
			if err != nil || n > 1000 {
				p.fail()
			}
			p.out.layout.skip = n
			p.advance()
			if !p.t.is("LINES") && !p.t.is("ROWS") {
				p.fail()
			}
			p.advance()
		default:
			p.fail()
		}
	}
}

// columns parses the list of fields, and of variables that stand for some of them.
func (p *loader) columns() {
	if p.t.kind != '(' {
		return
	}
	p.named = map[string]int{}
	for p.err == nil {
		if p.advance(); p.t.kind == word && strings.HasPrefix(p.t.text, "@") {
			p.named[p.t.text] = len(p.out.columns)
			p.out.columns = append(p.out.columns, "")
			p.advance()
		} else {
			p.out.columns = append(p.out.columns, p.name())
		}
		if p.t.kind != ',' {
			break
		}
	}
	if p.t.kind != ')' {
		p.fail()
		return
	}
	p.advance()
	p.out.layout.hex = make([]bool, len(p.out.columns))
}

// hexed parses SET field = UNHEX(@variable) and field = CONVERT(@variable USING UTF8MB4): of each variable, what it is.
func (p *loader) hexed() {
	if !p.t.is("SET") {
		return
	}
	for p.err == nil {
		p.advance()
		field := p.name()
		if p.t.kind != '=' {
			p.fail()
		}
		p.advance()
		octets := p.t.is("UNHEX")
		if !octets && !p.t.is("CONVERT") {
			p.fail()
		}
		if p.advance(); p.t.kind != '(' {
			p.fail()
		}
		p.advance()
		place, known := p.named[p.t.text]
		if !known || p.err != nil {
			p.fail()
			return
		}
		delete(p.named, p.t.text)
		p.out.columns[place], p.out.layout.hex[place] = field, octets
		if p.advance(); !octets {
			p.expect("USING")
			p.expect("UTF8MB4")
		}
		if p.t.kind != ')' {
			p.fail()
		}
		if p.advance(); p.t.kind != ',' {
			break
		}
	}
	if len(p.named) > 0 {
		p.fail()
	}
}
