package container

import (
	"bytes"
	"strings"
)

// phpReader reads what serialize of PHP writes: https://www.phpinternalsbook.com/php5/classes_objects/serialization.html,
// and sessions, which are such values behind their names.
type phpReader struct {
	w *Walker
	b []byte
	i int
}

// opensPHP reports whether a value begins like an array, an object or a text of PHP, or like a session.
func opensPHP(v []byte) bool {
	if phpOpens(v) {
		return true
	}
	i := 0
	for i < len(v) && i < 40 && isNameByte(v[i]) {
		i++
	}
	return i > 0 && i+1 < len(v) && v[i] == '|' && phpOpens(v[i+1:])
}

// phpOpens reports whether a value begins like an array, an object or a text: a letter, a length, and what follows it.
func phpOpens(v []byte) bool {
	if len(v) < 5 || v[1] != ':' || !isDigit(v[2]) || strings.IndexByte("aOsCE", v[0]) < 0 {
		return false
	}
	i := 2
	for i < len(v)-1 && i < 12 && isDigit(v[i]) {
		i++
	}
	opened := byte('"')
	if v[0] == 'a' {
		opened = '{'
	}
	return v[i] == ':' && i+1 < len(v) && v[i+1] == opened
}

// php reads a value, or the named values of a session, as far as they go.
func (w *Walker) php(doc []byte) bool {
	r := phpReader{w: w, b: doc}
	before, depth := len(w.list), len(w.stack)
	if phpOpens(doc) {
		if doc[0] == 's' && len(w.stack) == 0 { // a text that stands for itself has no name
			w.under("*", func() { r.value(0) })
		} else {
			r.value(0)
		}
	} else {
		for r.i < len(r.b) {
			bar := bytes.IndexByte(r.b[r.i:], '|')
			if bar < 1 || bar > 64 {
				break
			}
			name := string(r.b[r.i : r.i+bar])
			r.i += bar + 1
			w.stack = append(w.stack, w.Name(name))
			ok := r.value(0)
			w.stack = w.stack[:depth]
			if !ok {
				break
			}
		}
	}
	w.stack = w.stack[:depth]
	return len(w.list) > before || r.i >= len(bytes.TrimRight(doc, " \r\n"))
}

// value reads one value and reports whether reading can go on behind it.
func (r *phpReader) value(depth int) bool {
	if r.i+1 >= len(r.b) || depth > maxDepth {
		return false
	}
	switch r.b[r.i] {
	case 's', 'S':
		text, ok := r.text(';')
		r.w.add(text)
		return ok
	case 'a':
		return r.inside(depth)
	case 'O', 'C', 'E':
		closed := byte(':')
		if r.b[r.i] == 'E' { // an element of an enumeration is no more than its name
			closed = ';'
		}
		_, ok := r.text(closed)
		return ok && (closed == ';' || r.inside(depth))
	case 'N':
		return r.scalar(false)
	case 'i', 'd', 'b':
		return r.scalar(true)
	case 'r', 'R':
		return r.scalar(false)
	}
	return false
}

// scalar reads up to the semicolon; what stands there is a leaf or not.
func (r *phpReader) scalar(leaf bool) bool {
	end := bytes.IndexByte(r.b[r.i:min(len(r.b), r.i+64)], ';')
	if end < 0 {
		return false
	}
	if leaf && end > 2 {
		r.w.add(r.b[r.i+2 : r.i+end])
	}
	r.i += end + 1
	return true
}

// text reads s:3:"abc"; or the name of a class, which a colon follows. Where the length is not that of the bytes, as
// after a search and replace in a dump, the text ends with the next quote that the sign follows.
func (r *phpReader) text(closed byte) (text []byte, ok bool) {
	i, n := r.i+2, 0
	for i < len(r.b) && i < r.i+12 && isDigit(r.b[i]) {
		n = n*10 + int(r.b[i]-'0')
		i++
	}
	if i+2 > len(r.b) || r.b[i] != ':' || r.b[i+1] != '"' {
		r.i = len(r.b)
		return nil, false
	}
	i += 2
	end := i + n
	if n > len(r.b)-i || end+1 >= len(r.b) || r.b[end] != '"' || r.b[end+1] != closed {
		end = len(r.b)
		if at := bytes.Index(r.b[i:], []byte{'"', closed}); at >= 0 {
			end = i + at
		}
	}
	text = r.b[i:end]
	if end+1 >= len(r.b) { // cut off
		r.i = len(r.b)
		return text, false
	}
	r.i = end + 2
	return text, true
}

// inside reads the keys and values between brackets. Numbers that count things up are no names.
func (r *phpReader) inside(depth int) bool {
	open := bytes.IndexByte(r.b[r.i:min(len(r.b), r.i+32)], '{')
	if open < 0 {
		return false
	}
	r.i += open + 1
	for r.i < len(r.b) {
		switch r.b[r.i] {
		case '}':
			r.i++
			return true
		case 'i':
			if !r.scalar(false) || !r.value(depth+1) {
				return false
			}
		case 's', 'S':
			key, ok := r.text(';')
			if !ok {
				return false
			}
			if cut := bytes.LastIndexByte(key, 0); cut >= 0 { // a private property is written behind its class
				key = key[cut+1:]
			}
			r.w.stack = append(r.w.stack, r.w.Name(string(key)))
			ok = r.value(depth + 1)
			r.w.stack = r.w.stack[:len(r.w.stack)-1]
			if !ok {
				return false
			}
		default:
			return false
		}
	}
	return false
}
