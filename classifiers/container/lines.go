package container

import (
	"bytes"
	"strings"
)

const (
	probeBytes = 600 // of a value that are looked at before it is called a document of lines
	probeLines = 12
)

// pair splits a line of a name and a value: "name: value", ":name: value", "- name: value", "name = value". The sign is
// ':' or '='; 0 where the line is none.
func pair(line []byte) (name, value []byte, sign byte) {
	rest := bytes.TrimLeft(line, " \t")
	rest = bytes.TrimPrefix(rest, []byte("- "))
	rest = bytes.TrimPrefix(rest, []byte(":")) // a symbol of Ruby
	words, i := 0, 0
	if len(rest) == 0 || !isLetter(rest[0]) && rest[0] != '_' && rest[0] != '"' && rest[0] != '\'' && rest[0] < 0x80 {
		return nil, nil, 0
	}
	for ; i < len(rest) && i <= 40; i++ {
		switch c := rest[i]; {
		case c == ':' && (i+1 == len(rest) || rest[i+1] == ' ' || rest[i+1] == '\t'),
			c == '=' && (i+1 == len(rest) || rest[i+1] != '='):
			name = bytes.Trim(rest[:i], " \t\"'")
			if len(name) == 0 {
				return nil, nil, 0
			}
			return name, bytes.Trim(rest[i+1:], " \t"), c
		case c == ' ':
			if words++; words > 3 {
				return nil, nil, 0
			}
		case !isNameByte(c) && c < 0x80 && c != '/' && c != '"' && c != '\'' && c != '\t':
			return nil, nil, 0
		}
	}
	return nil, nil, 0
}

// lineFormat recognizes documents of lines: at least two are pairs, and no line is anything else, but for what follows
// headers.
func lineFormat(v []byte) Format {
	if bytes.IndexByte(v[:min(len(v), probeBytes)], '\n') < 0 {
		return ""
	}
	marked := bytes.HasPrefix(v, []byte("---\n")) || bytes.HasPrefix(v, []byte("---\r\n")) ||
		bytes.HasPrefix(v, []byte("--- "))
	var colons, equals, headers int
	section := false
	rest := v[:min(len(v), probeBytes)]
	for n := 0; n < probeLines && len(rest) > 0; n++ {
		line, after, more := bytes.Cut(rest, []byte("\n"))
		if rest = after; !more && len(v) > probeBytes {
			break // the line goes on
		}
		line = bytes.TrimRight(line, "\r")
		if len(bytes.TrimSpace(line)) == 0 {
			if headers > 1 {
				break // the text of the mail follows
			}
			continue
		}
		name, _, sign := pair(line)
		switch {
		case sign == ':':
			colons++
			if isHeader(name) {
				headers++
			}
		case sign == '=':
			equals++
		case line[0] == '[' && bytes.IndexByte(line, ']') > 1:
			section = true
		case !isNeutral(line) && !marked:
			return ""
		}
	}
	switch {
	case headers > 1 && headers*2 >= colons:
		return Headers
	case marked && colons > 0:
		return YAML
	case colons+equals < 2 && (!section || equals == 0):
		return ""
	case equals >= colons:
		return Settings
	}
	return YAML
}

// isNeutral reports whether a line may stand between pairs: a comment, an element of a list, what goes on from before.
func isNeutral(line []byte) bool {
	switch line[0] {
	case '#', ';', ' ', '\t', '-', '.':
		return true
	}
	return false
}

// isHeader reports whether a name is one of the headers that nearly every mail or request has.
func isHeader(name []byte) bool {
	switch strings.ToLower(string(name)) {
	case "from", "to", "cc", "bcc", "subject", "date", "received", "return-path", "reply-to", "message-id", "sender",
		"mime-version", "content-type", "content-transfer-encoding", "delivered-to", "in-reply-to", "references",
		"host", "user-agent", "accept", "cookie", "referer", "connection", "content-length", "authorization":
		return true
	}
	return len(name) > 4 && (bytes.HasPrefix(name, []byte("X-")) || bytes.HasPrefix(name, []byte("x-")) ||
		bytes.HasPrefix(name, []byte("List-")))
}

// lines reads pairs, one a line. Under a name without a value, what stands further in belongs to it; a line that begins
// with a blank goes on from the one before in headers. Behind the headers comes the body.
func (w *Walker) lines(doc []byte, f Format) bool {
	r := lineReader{w: w, base: len(w.stack), f: f}
	before := len(w.list)
	for len(doc) > 0 {
		line, rest, _ := bytes.Cut(doc, []byte("\n"))
		line = bytes.TrimRight(line, "\r")
		if f == Headers && len(line) == 0 && r.name != nil {
			r.flush()
			w.under("body", func() { w.add(bytes.TrimSpace(rest)) })
			break
		}
		r.line(line)
		doc = rest
	}
	r.flush()
	w.stack = w.stack[:r.base]
	return len(w.list) > before
}

// lineReader reads lines.
type lineReader struct {
	w       *Walker
	base    int
	f       Format
	indents []int // of the names on the stack
	name    []byte
	value   []byte
}

func (r *lineReader) line(line []byte) {
	text := bytes.TrimLeft(line, " \t")
	indent := len(line) - len(text)
	if len(text) == 0 || text[0] == '#' || r.f == Settings && text[0] == ';' {
		return
	}
	name, value, sign := pair(line)
	switch {
	case r.f == Headers && indent > 0 && r.name != nil:
		r.value = append(append(r.value, ' '), text...)
	case r.f == Settings && text[0] == '[':
		r.flush()
		r.w.stack = r.w.stack[:r.base]
		if end := bytes.IndexByte(text, ']'); end > 1 {
			r.w.stack = append(r.w.stack, r.w.Name(string(text[1:end])))
		}
	case sign == 0:
		r.more(text)
	default:
		r.flush()
		r.leave(indent)
		r.name, r.value = name, append(r.value[:0], value...)
		if r.f == YAML && len(value) == 0 && len(r.w.stack)-r.base < maxDepth {
			r.w.stack, r.indents = append(r.w.stack, r.w.Name(string(name))), append(r.indents, indent)
			r.name = nil
		}
	}
}

// more takes a line that is no pair: an element of a list, or more of the value before.
func (r *lineReader) more(text []byte) {
	if r.name != nil {
		r.value = append(append(r.value, '\n'), text...)
		return
	}
	if len(r.w.stack) > r.base {
		r.w.add(unquoted(bytes.TrimPrefix(text, []byte("- "))))
	}
}

// leave goes back to the names that stand less far in.
func (r *lineReader) leave(indent int) {
	for n := len(r.indents); n > 0 && r.indents[n-1] >= indent; n-- {
		r.indents, r.w.stack = r.indents[:n-1], r.w.stack[:len(r.w.stack)-1]
	}
}

// flush adds the pair that was read.
func (r *lineReader) flush() {
	if r.name == nil {
		return
	}
	name, value := string(r.name), unquoted(bytes.TrimSpace(r.value))
	r.name = nil
	if len(value) > 0 {
		r.w.under(name, func() { r.w.add(value) })
	}
}

// unquoted takes the quotes off a value that has some.
func unquoted(v []byte) []byte {
	if n := len(v); n > 1 && (v[0] == '"' || v[0] == '\'') && v[n-1] == v[0] {
		return v[1 : n-1]
	}
	return v
}

// card reads the properties of a vCard or a calendar: NAME;PARAMETER=VALUE:VALUE, long ones folded.
func (w *Walker) card(doc []byte) bool {
	before, quoted := len(w.list), false
	var line []byte
	flush := func() {
		w.property(line)
		line = line[:0]
	}
	for len(doc) > 0 {
		next, rest, _ := bytes.Cut(doc, []byte("\n"))
		next = bytes.TrimRight(next, "\r")
		switch {
		case quoted && len(line) > 0 && line[len(line)-1] == '=':
			line = append(line[:len(line)-1], next...)
		case len(next) > 0 && (next[0] == ' ' || next[0] == '\t'):
			line = append(line, next[1:]...)
		default:
			flush()
			line = append(line, next...)
			quoted = bytes.Contains(next[:min(len(next), 120)], []byte("QUOTED-PRINTABLE"))
		}
		doc = rest
	}
	flush()
	return len(w.list) > before
}

// property reads one property.
func (w *Walker) property(line []byte) {
	colon := bytes.IndexByte(line, ':')
	if colon < 1 {
		return
	}
	head, value := line[:colon], line[colon+1:]
	name, parameters, _ := bytes.Cut(head, []byte(";"))
	if dot := bytes.LastIndexByte(name, '.'); dot >= 0 { // a group
		name = name[dot+1:]
	}
	if bytes.EqualFold(name, []byte("BEGIN")) || bytes.EqualFold(name, []byte("END")) || len(value) == 0 {
		return
	}
	if bytes.Contains(bytes.ToUpper(parameters), []byte("QUOTED-PRINTABLE")) {
		value = quotedPrintable(nil, value)
	}
	value = bytes.ReplaceAll(bytes.Trim(value, ";"), []byte(";"), []byte(" "))
	w.under(strings.ToLower(string(name)), func() {
		w.add(value)
		for p := range bytes.SplitSeq(parameters, []byte(";")) {
			if k, v, ok := bytes.Cut(p, []byte("=")); ok && bytes.EqualFold(k, []byte("CN")) {
				w.under("cn", func() { w.add(unquoted(v)) })
			}
		}
	})
}
