package mysql

import (
	"slices"
	"strings"
)

// triggerRef is something that the text of a trigger names.
type triggerRef struct {
	database, name   string // database "" is that of the trigger
	table, procedure bool   // else a function
	events           []string
	may              string // what may be done to one of several tables of a statement
	doubt            bool   // may be a cursor, an alias, or what the trigger makes itself
}

// token is a word, a quoted name or a character of SQL. Texts and variables are tokens without words.
type token struct {
	text   string
	word   bool // may be a keyword
	name   bool // a word or a quoted name
	joined bool // a bracket follows at once
}

// references finds the tables, functions and procedures that a trigger's text names. Of what a cursor or a common
// table expression may be, only what is written to is left in, in doubt. ansi says that "x" is a name.
func references(text string, ansi bool) (refs []triggerRef) {
	p := &triggerText{tokens: tokens(text, ansi)}
	p.sure = !slices.ContainsFunc(p.tokens, func(t token) bool { return t.is("WITH", "CREATE") })
	for p.at < len(p.tokens) {
		r, ok := p.next()
		r.doubt = r.doubt || r.table && !p.sure
		if ok && (!r.doubt || len(r.events) > 0 || r.may != "") && !slices.ContainsFunc(refs, r.equal) {
			refs = append(refs, r)
		}
	}
	return refs
}

func (r triggerRef) equal(o triggerRef) bool {
	return r.database == o.database && r.name == o.name && r.table == o.table && r.may == o.may &&
		r.doubt == o.doubt && slices.Equal(r.events, o.events)
}

func (t token) is(words ...string) bool {
	return t.word && slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, t.text) })
}

// triggerText is the text of a trigger while it is read.
type triggerText struct {
	tokens  []token
	at      int
	sure    bool
	several string // what the statement at hand may do to each of its tables
	selects []bool // for each open bracket, whether it holds a SELECT
}

func (p *triggerText) peek(ahead int) token {
	if i := p.at + ahead; i >= 0 && i < len(p.tokens) {
		return p.tokens[i]
	}
	return token{}
}

// next reads on, and returns a reference where one stands.
func (p *triggerText) next() (r triggerRef, ok bool) {
	t := p.peek(0)
	p.at++
	switch {
	case t.text == ";" || t.is("SET", "WHERE", "ORDER", "LIMIT"):
		p.several = ""
	case p.several != "" && len(p.selects) == 0 && (t.text == "," || t.is("USING")) && p.peek(0).name:
		r, ok = p.table(nil)
		r.doubt = true
	case t.text == "(":
		p.selects = append(p.selects, false)
	case t.text == ")" && len(p.selects) > 0:
		p.selects = p.selects[:len(p.selects)-1]
	case t.is("DECLARE"):
		for p.at < len(p.tokens) && p.peek(0).text != ";" {
			p.at++
		}
	case t.is("SELECT") && len(p.selects) > 0:
		p.selects[len(p.selects)-1] = true
	case t.is("INSERT", "REPLACE") && p.peek(0).text != "(":
		events := []string{"INSERT"}
		if t.is("REPLACE") {
			events = append(events, "DELETE")
		} else if p.duplicates() {
			events = append(events, "UPDATE")
		}
		return p.table(events, "LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY", "IGNORE", "INTO")
	case t.is("UPDATE") && !p.peek(-2).is("KEY", "FOR"):
		r, ok = p.table([]string{"UPDATE"}, "LOW_PRIORITY", "IGNORE")
		p.several = "UPDATE"
	case t.is("DELETE"):
		for p.peek(0).is("LOW_PRIORITY", "QUICK", "IGNORE") {
			p.at++
		}
		p.several = "DELETE"
		if p.peek(0).is("FROM") {
			return p.table([]string{"DELETE"}, "FROM")
		}
		r, ok = p.table(nil)
		r.doubt = true
	case t.is("FROM") && (len(p.selects) == 0 || p.selects[len(p.selects)-1]) && !p.peek(-2).is("FETCH", "NEXT"):
		return p.table(nil)
	case t.is("JOIN", "STRAIGHT_JOIN"):
		return p.table(nil, "LATERAL")
	case t.is("CALL"):
		r, ok = p.table(nil)
		r.table, r.procedure = false, true
	case t.name:
		p.at--
		return p.call()
	}
	return r, ok
}

// duplicates says whether the statement that begins here goes on with ON DUPLICATE KEY UPDATE.
func (p *triggerText) duplicates() bool {
	for i := p.at; i < len(p.tokens) && p.tokens[i].text != ";"; i++ {
		if p.tokens[i].is("DUPLICATE") {
			return true
		}
	}
	return false
}

// table reads the name of a table, behind words that may stand before it.
func (p *triggerText) table(events []string, before ...string) (triggerRef, bool) {
	for p.peek(0).is(before...) {
		p.at++
	}
	r, ok := p.name()
	r.table, r.events = true, events
	if len(events) == 0 {
		r.may = p.several
	}
	return r, ok && r.database != "NEW" && r.database != "OLD" && !strings.EqualFold(r.name, "dual")
}

func (p *triggerText) name() (r triggerRef, ok bool) {
	t := p.peek(0)
	if !t.name {
		return r, false
	}
	p.at++
	r.name = t.text
	if p.peek(0).text == "." && p.peek(1).name {
		r.database, r.name = t.text, p.peek(1).text
		p.at += 2
	}
	return r, true
}

// call reads a name, which is a function's if a bracket follows at once. Types behind AS, and words of the grammar
// that are nowhere else refused as functions, are none.
func (p *triggerText) call() (triggerRef, bool) {
	typed, first := p.peek(-1).is("AS"), p.peek(0)
	r, ok := p.name()
	last := p.peek(-1)
	return r, ok && last.joined && !typed && !first.is("UNTIL", "AGAINST")
}

// tokens takes SQL apart, without comments.
func tokens(text string, ansi bool) (out []token) {
	for i := 0; i < len(text); {
		from := i
		switch c := text[i]; {
		case c == '#', strings.HasPrefix(text[i:], "--") && (i+2 == len(text) || text[i+2] <= ' '):
			i += length(text[i:], "\n")
		case strings.HasPrefix(text[i:], "/*"):
			i += length(text[i:], "*/")
		case c == '\'' || c == '"' && !ansi:
			i += quoted(text[i:], true)
			out = append(out, token{})
		case c == '`' || c == '"':
			i += quoted(text[i:], false)
			q := string(c)
			name := strings.ReplaceAll(strings.TrimSuffix(text[from+1:i], q), q+q, q)
			out = append(out, token{text: name, name: true, joined: strings.HasPrefix(text[i:], "(")})
		case inWord(c):
			for i < len(text) && inWord(text[i]) {
				i++
			}
			word := text[from] != '@'
			out = append(out, token{text: text[from:i], word: word, name: word, joined: strings.HasPrefix(text[i:], "(")})
		default:
			i++
			if c > ' ' {
				out = append(out, token{text: text[from:i]})
			}
		}
	}
	return out
}

func inWord(c byte) bool {
	return c == '_' || c == '$' || c == '@' || c >= 0x80 || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' ||
		c >= 'A' && c <= 'Z'
}

// length is how far it is behind an end, or to the end of all.
func length(text, end string) int {
	if i := strings.Index(text, end); i >= 0 {
		return i + len(end)
	}
	return len(text)
}

// quoted is the length of what begins with a quote; a doubled one does not end it, nor one behind a backslash
// where that escapes.
func quoted(text string, escapes bool) int {
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && escapes:
			i++
		case text[i] == text[0] && i+1 < len(text) && text[i+1] == text[0]:
			i++
		case text[i] == text[0]:
			return i + 1
		}
	}
	return len(text)
}
