package container

import (
	"bytes"
)

// isForm reports whether a value is pairs of a form (application/x-www-form-urlencoded): names, '=', values without
// blanks, '&' between them.
func isForm(v []byte) bool {
	pairs, named, length := 0, false, 0
	for i, c := range v {
		switch {
		case i > 400:
			return pairs > 0
		case c == '=' && !named:
			if length == 0 || length > 64 {
				return false
			}
			named = true
			pairs++
		case c == '&':
			if !named {
				return false
			}
			named, length = false, 0
		case c <= ' ' || c == '"' || c == '<' || c == '>' || c == ';':
			return false
		case !named:
			if !isNameByte(c) && c != '[' && c != ']' && c != '%' && c != '+' || length == 0 && !isLetter(c) && c != '_' {
				return false
			}
			length++
		}
	}
	return pairs > 1 || pairs == 1 && Encoded(v)
}

// form reads pairs. customer[email] is email in customer.
func (w *Walker) form(doc []byte) bool {
	before, depth := len(w.list), len(w.stack)
	for p := range bytes.SplitSeq(bytes.TrimSpace(doc), []byte("&")) {
		key, value, _ := bytes.Cut(p, []byte("="))
		if len(value) == 0 || len(w.list) >= w.Most {
			continue
		}
		key = percent(nil, key, true)
		for part := range bytes.FieldsFuncSeq(key, func(r rune) bool { return r == '[' || r == ']' }) {
			if len(w.stack)-depth < maxDepth && !allDigits(part) {
				w.stack = append(w.stack, w.Name(string(part)))
			}
		}
		w.add(percent(nil, value, true))
		w.stack = w.stack[:depth]
	}
	return len(w.list) > before
}

func allDigits(b []byte) bool {
	for _, c := range b {
		if !isDigit(c) {
			return false
		}
	}
	return true
}
