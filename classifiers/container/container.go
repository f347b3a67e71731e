// Package container reads the documents that stand inside the values of a field: JSON, XML and HTML, PHP's
// serialization, forms, cards, YAML, headers of mail, settings, and text that is encoded.
//
//   - A Format is what a document is written in.
//   - A Leaf is a scalar of a document and where it stands.
//   - A Walker collects the leaves of a document, and those of documents inside it.
//   - Decode takes the encodings off a text that hide an address: percent, entities, escapes, encoded words.
//
// A document is read as far as it goes: databases cut off what is too long for its column, and what a program
// wrote need not be right. The work is linear in the text, whoever wrote it.
package container

import (
	"bytes"
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// Format is what a document is written in.
type Format string

// The formats. Lines are pairs of a name and a value, one a line, as in YAML and in forms sent by mail; Settings those
// of INI files; Headers those of mail (RFC 5322) and HTTP; a Card is a vCard (RFC 6350) or a calendar (RFC 5545).
const (
	JSON     Format = "json"
	XML      Format = "xml"
	HTML     Format = "html"
	PHP      Format = "php"
	Form     Format = "form"
	Card     Format = "vcard"
	YAML     Format = "yaml"
	Headers  Format = "headers"
	Settings Format = "ini"
	Base64   Format = "base64"
)

// Named reports whether the names in documents of a format are always a program's: those of the others may be anybody's
// words, even a person's name.
func (f Format) Named() bool {
	return f == JSON || f == XML || f == HTML || f == PHP || f == Card || f == Base64
}

// Leaf is a scalar of a document.
type Leaf struct {
	Path  string // names joined by points; elements of a list have the path of the list
	In    string // the formats that it stands in, the innermost first: "json in php"
	Own   Format // the innermost
	Value []byte
}

const (
	maxDepth = 12      // names in the path of a document
	maxNest  = 4       // documents inside documents
	maxBytes = 1 << 16 // read of a value with all that stands inside it
)

// Walker collects the leaves of one document after another.
type Walker struct {
	Name func(key string) string // what a key is called in a path
	Most int                     // leaves of a document

	stack []string
	in    []string
	list  []Leaf
	left  int // bytes that may still be read
	own   Format
}

// Walk returns the format of a document and its leaves; "" where it is none. cut says that it goes on behind its end.
// The leaves are valid until the next call.
func (w *Walker) Walk(doc []byte, cut bool) (Format, []Leaf) {
	w.stack, w.in, w.list, w.left = w.stack[:0], w.in[:0], w.list[:0], maxBytes
	f := w.document(doc, cut)
	return f, w.list
}

// document reads a document, or one inside another, and returns its format; "" where it is none: then no leaf of it is
// left.
func (w *Walker) document(doc []byte, cut bool) Format {
	f := Detect(doc)
	if f == "" || len(w.in) >= maxNest || len(w.stack) > maxDepth || len(doc) > w.left {
		return ""
	}
	w.left -= len(doc)
	doc = trim(doc)
	kept, depth, outer := len(w.list), len(w.stack), w.own
	in := string(f)
	if n := len(w.in); n > 0 {
		in += " in " + w.in[n-1]
	}
	w.in, w.own = append(w.in, in), f
	ok := false
	switch f {
	case JSON:
		ok = w.json(doc, cut)
	case XML, HTML:
		ok = w.xml(doc, cut, f)
	case PHP:
		ok = w.php(doc)
	case Form:
		ok = w.form(doc)
	case Card:
		ok = w.card(doc)
	case Base64:
		ok = w.base64(doc, cut)
	default:
		ok = w.lines(doc, f)
	}
	w.in, w.own, w.stack = w.in[:len(w.in)-1], outer, w.stack[:depth]
	if !ok {
		w.list = w.list[:kept]
		return ""
	}
	return f
}

// add takes a scalar, or the leaves of the document that it is.
func (w *Walker) add(value []byte) {
	if len(w.list) >= w.Most || w.document(value, false) != "" {
		return
	}
	path := strings.Join(w.stack, ".")
	if path == "" {
		return
	}
	if Encoded(value) {
		if text, sure := Decode(nil, value); sure {
			value = text
		}
	}
	w.list = append(w.list, Leaf{path, w.in[len(w.in)-1], w.own, bytes.Clone(value)})
}

// under takes what stands under a key.
func (w *Walker) under(key string, read func()) {
	if len(w.stack) >= maxDepth {
		return
	}
	w.stack = append(w.stack, w.Name(key))
	read()
	w.stack = w.stack[:len(w.stack)-1]
}

func trim(v []byte) []byte { return bytes.TrimLeft(v, " \t\r\n\ufeff") }

// Opens reports whether a value begins like a document. It is cheap: whether it is one only Walk knows.
func Opens(v []byte) bool { return Detect(v) != "" }

// Detect says what a value begins like; "" where it is no document.
func Detect(v []byte) Format {
	v = trim(v)
	if len(v) < 7 {
		return ""
	}
	switch v[0] {
	case '{':
		if strings.IndexByte("\" \n\r\t", v[1]) >= 0 {
			return JSON
		}
	case '[':
		if strings.IndexByte("{[\" \n\r\t", v[1]) >= 0 {
			return JSON
		}
	case '<':
		if isLetter(v[1]) || v[1] == '?' || v[1] == '!' {
			return markup(v)
		}
	}
	switch {
	case opensPHP(v):
		return PHP
	case len(v) > 8 && bytes.EqualFold(v[:7], []byte("BEGIN:V")):
		return Card
	case isForm(v):
		return Form
	}
	if f := lineFormat(v); f != "" {
		return f
	}
	if isBase64(v) {
		return Base64
	}
	return ""
}

// isBase64 reports whether a value is one block of base64 (RFC 4648) that may be text: capitals and small letters, and
// no byte but those of the alphabet.
func isBase64(v []byte) bool {
	v = bytes.TrimRight(v, " \r\n")
	n := len(bytes.TrimRight(v, "="))
	if len(v) < 16 || len(v)%4 != 0 || len(v)-n > 2 {
		return false
	}
	upper, lower := false, false
	for _, c := range v[:n] {
		switch {
		case c >= 'A' && c <= 'Z':
			upper = true
		case c >= 'a' && c <= 'z':
			lower = true
		case !isDigit(c) && c != '+' && c != '/':
			return false
		}
	}
	return upper && lower
}

// base64 reads the text in a block of base64.
func (w *Walker) base64(doc []byte, cut bool) bool {
	doc = bytes.TrimRight(doc, " \r\n")
	text := make([]byte, base64.StdEncoding.DecodedLen(len(doc)))
	n, err := base64.StdEncoding.Decode(text, doc)
	if err != nil && !cut || n < 6 || !isText(text[:n]) {
		return false
	}
	text = text[:n]
	if w.document(text, cut) == "" {
		w.under("base64", func() { w.add(text) })
	}
	return true
}

// isText reports whether bytes are UTF-8 without signs of control.
func isText(v []byte) bool {
	if !utf8.Valid(v) {
		return false
	}
	for _, c := range v {
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0x7f {
			return false
		}
	}
	return true
}

func isDigit(b byte) bool  { return b-'0' < 10 }
func isLetter(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' }

// isNameByte reports whether a byte stands in names of forms, settings and sessions.
func isNameByte(b byte) bool { return isLetter(b) || isDigit(b) || b == '_' || b == '-' || b == '.' }
