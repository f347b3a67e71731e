package container

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
)

// json reads one value. Elements of an array have the path of the array.
func (w *Walker) json(doc []byte, cut bool) bool {
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	before := len(w.list)
	err := w.jsonValue(d, 0)
	if err == nil {
		return !d.More()
	}
	return (cut || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) && len(w.list) > before
}

func (w *Walker) jsonValue(d *json.Decoder, depth int) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	switch t := t.(type) {
	case json.Delim:
		return w.jsonInside(d, depth, t == '{')
	case string:
		w.add([]byte(t))
	case json.Number:
		w.add([]byte(t.String()))
	case bool:
		w.add([]byte(map[bool]string{false: "false", true: "true"}[t]))
	}
	return nil
}

// jsonInside reads an object or an array up to its end.
func (w *Walker) jsonInside(d *json.Decoder, depth int, object bool) error {
	if depth > maxDepth || len(w.stack) > maxDepth {
		return io.ErrShortBuffer
	}
	for d.More() {
		if !object {
			if err := w.jsonValue(d, depth+1); err != nil {
				return err
			}
			continue
		}
		k, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := k.(string)
		w.stack = append(w.stack, w.Name(name))
		if err := w.jsonValue(d, depth+1); err != nil {
			return err
		}
		w.stack = w.stack[:len(w.stack)-1]
	}
	_, err := d.Token()
	return err
}

// markup tells HTML from XML by the first element.
func markup(v []byte) Format {
	if len(v) > 14 && bytes.EqualFold(v[:14], []byte("<!DOCTYPE html")) {
		return HTML
	}
	end := 1
	for end < len(v) && end < 12 && (isLetter(v[end]) || isDigit(v[end])) {
		end++
	}
	switch string(bytes.ToLower(v[1:end])) {
	case "html", "head", "body", "p", "div", "span", "br", "a", "b", "i", "em", "strong", "ul", "ol", "li", "table",
		"tr", "td", "h1", "h2", "h3", "h4", "img", "font", "center", "section", "article":
		return HTML
	}
	return XML
}

// xml reads a document: attributes and the text of elements are leaves.
func (w *Walker) xml(doc []byte, cut bool, f Format) bool {
	d := xml.NewDecoder(bytes.NewReader(doc))
	d.Strict = false
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	if f == HTML {
		d.Entity = xml.HTMLEntity
	}
	base, before, elements, closed := len(w.stack), len(w.list), 0, 0
	for {
		t, err := d.RawToken()
		if err != nil {
			whole := errors.Is(err, io.EOF) && elements > 0 && len(w.stack) == base
			return whole || (cut || f == HTML || closed > 0 && isCut(err)) && len(w.list) > before
		}
		switch t := t.(type) {
		case xml.StartElement:
			if len(w.stack) > maxDepth {
				if f == HTML { // in which much is never closed
					continue
				}
				return cut && len(w.list) > before
			}
			elements++
			w.stack = append(w.stack, w.Name(t.Name.Local))
			for _, a := range t.Attr {
				w.under(a.Name.Local, func() { w.add([]byte(a.Value)) })
			}
			if f == HTML && isVoid(t.Name.Local) {
				w.stack = w.stack[:len(w.stack)-1]
			}
		case xml.EndElement:
			closed++
			w.close(base, w.Name(t.Name.Local))
		case xml.CharData:
			if text := bytes.TrimSpace(t); len(text) > 0 && len(w.stack) > base {
				w.add(text)
			}
		}
	}
}

// isCut reports whether a document ended before its end.
func isCut(err error) bool {
	var syntax *xml.SyntaxError
	return errors.Is(err, io.EOF) || errors.As(err, &syntax) && syntax.Msg == "unexpected EOF"
}

// close leaves the innermost element of that name, and what was not closed in it; one that was never opened is passed.
func (w *Walker) close(base int, name string) {
	for i := len(w.stack) - 1; i >= base; i-- {
		if w.stack[i] == name {
			w.stack = w.stack[:i]
			return
		}
	}
}

// isVoid reports whether an element of HTML has no end.
func isVoid(name string) bool {
	switch name {
	case "br", "img", "hr", "input", "meta", "link", "BR", "IMG", "HR", "INPUT", "META", "LINK":
		return true
	}
	return false
}
