package classifiers

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"slices"
	"strings"
)

// Documents inside a field are walked from its sample: the values are bounded in number and length, and so
// is what is made of them.
const (
	documentBytes = 4096 // bytes kept of a value that starts like a document
	maxPaths      = 64   // paths of a field that are judged; those seen in most documents
	maxDepth      = 12
)

// opensDocument reports whether a value starts like JSON or XML.
func opensDocument(v []byte) bool {
	v = bytes.TrimLeft(v, " \t\r\n\ufeff")
	if len(v) < 7 {
		return false
	}
	switch v[0] {
	case '{':
		return v[1] == '"' || v[1] == ' ' || v[1] == '\n' || v[1] == '\r' || v[1] == '\t'
	case '[':
		return v[1] == '{' || v[1] == '"' || v[1] == ' ' || v[1] == '\n'
	case '<':
		return isLetter(v[1]) || v[1] == '?' || v[1] == '!'
	}
	return false
}

// leaf is a scalar of a document and where it stands.
type leaf struct {
	path  string
	value []byte
}

// walker collects the leaves of one document.
type walker struct {
	stack []string
	list  []leaf
}

func (w *walker) add(value string) {
	if path := strings.Join(w.stack, "."); path != "" && len(w.list) < 4*maxPaths {
		w.list = append(w.list, leaf{path, []byte(value)})
	}
}

// walk reads a document as far as it goes. ok is false where it is none: what is cut off at the end of the
// sample is one as far as it goes.
func (w *walker) walk(doc []byte, cut bool) (ok bool) {
	w.stack, w.list = w.stack[:0], w.list[:0]
	doc = bytes.TrimLeft(doc, " \t\r\n\ufeff")
	if len(doc) == 0 {
		return false
	}
	var err error
	if doc[0] == '<' {
		err = w.xml(xml.NewDecoder(bytes.NewReader(doc)))
	} else {
		d := json.NewDecoder(bytes.NewReader(doc))
		d.UseNumber()
		err = w.json(d, 0)
		if err == nil && d.More() {
			return false
		}
	}
	return err == nil || cut && len(w.list) > 0
}

// json reads one value. Elements of an array have the path of the array, keys that count things up stand as "*".
func (w *walker) json(d *json.Decoder, depth int) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	switch t := t.(type) {
	case json.Delim:
		if depth > maxDepth {
			return io.ErrShortBuffer
		}
		for d.More() {
			if t == '{' {
				k, err := d.Token()
				if err != nil {
					return err
				}
				name, _ := k.(string)
				w.stack = append(w.stack, pathName(name))
			}
			if err := w.json(d, depth+1); err != nil {
				return err
			}
			if t == '{' {
				w.stack = w.stack[:len(w.stack)-1]
			}
		}
		_, err := d.Token()
		return err
	case string:
		w.add(t)
	case json.Number:
		w.add(t.String())
	case bool:
		w.add(map[bool]string{false: "false", true: "true"}[t])
	}
	return nil
}

// xml reads a document: attributes and the text of elements are leaves.
func (w *walker) xml(d *xml.Decoder) error {
	d.Strict = false
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	elements := 0
	for {
		t, err := d.Token()
		if err == io.EOF && elements > 0 && len(w.stack) == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if len(w.stack) > maxDepth {
				return io.ErrShortBuffer
			}
			elements++
			w.stack = append(w.stack, pathName(t.Name.Local))
			for _, a := range t.Attr {
				w.stack = append(w.stack, pathName(a.Name.Local))
				w.add(a.Value)
				w.stack = w.stack[:len(w.stack)-1]
			}
		case xml.EndElement:
			if len(w.stack) > 0 {
				w.stack = w.stack[:len(w.stack)-1]
			}
		case xml.CharData:
			if text := bytes.TrimSpace(t); len(text) > 0 && len(w.stack) > 0 {
				w.add(string(text))
			}
		}
	}
}

// pathName keeps a key out of the report where it is a value itself: a number, an identifier, an address.
// Names of fields are short and plain.
func pathName(key string) string {
	b := []byte(key)
	c := take(b)
	if len(b) == 0 || len(b) > 40 || c.digits*3 > len(b) || c.ats > 0 || c.spaces > 2 || isUUID(b) ||
		strings.Contains(key, ".") {
		return "*"
	}
	return key
}

// documents walks the sampled values of a field and returns a field for each path, sorted by name, and the
// share of values that are documents.
func (c *Catalogue) documents(f *fieldState) ([]*fieldState, float64) {
	if !hidesNeedles(f.field.Kind) ||
		!slices.ContainsFunc(f.column.sample.entries, func(e entry) bool { return opensDocument(e.value) }) {
		return nil, 0
	}
	columns := map[string]*column{}
	seenIn := map[string]int{}
	var w walker
	docs := 0
	for _, e := range f.column.sample.entries {
		if !opensDocument(e.value) || !w.walk(e.value, int(e.size) > len(e.value)) {
			continue
		}
		docs++
		last := map[string]bool{}
		for _, l := range w.list {
			col := columns[l.path]
			if col == nil {
				if len(columns) >= 16*maxPaths {
					continue
				}
				col = &column{sample: newSample()}
				columns[l.path] = col
			}
			if !last[l.path] {
				last[l.path] = true
				seenIn[l.path]++
			}
			col.rows++
			if len(l.value) > 0 {
				col.nonEmpty++
				col.sample.add(hashBytes(l.value), l.value)
			}
		}
	}
	names := make([]string, 0, len(columns))
	for name := range columns {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if seenIn[a] != seenIn[b] {
			return seenIn[b] - seenIn[a]
		}
		return strings.Compare(a, b)
	})
	names = names[:min(len(names), maxPaths)]
	slices.Sort(names)
	inside := &tableState{table: f.table.table, rows: int64(docs), roles: f.table.roles}
	for _, name := range names {
		inside.fields = append(inside.fields, c.newPath(f, inside, name, columns[name]))
	}
	inside.observe()
	return inside.fields, float64(docs) / float64(len(f.column.sample.entries))
}

// newPath makes the field of a path. Its last two names are its header: email in customer.email, name in product.name.
func (c *Catalogue) newPath(f *fieldState, inside *tableState, path string, col *column) *fieldState {
	names := strings.Split(f.field.Name+"."+path, ".")
	head := strings.Join(names[max(0, len(names)-2):], "_")
	if h := c.lexicon.read(names[len(names)-1], 0); len(h.concepts) > 0 && !h.weak() {
		head = names[len(names)-1]
	}
	field := Field{Name: f.field.Name + "." + path, Kind: "text"}
	if kindOf := scalarKind(col); kindOf != "" {
		field.Kind = kindOf
	}
	p := &fieldState{field: field, column: col, table: inside, tokens: c.lexicon.tokens(head),
		header: c.lexicon.read(head, 0)}
	p.profile = c.newProfile(col, field)
	return p
}

// scalarKind is the kind of a path whose values are all truth values; numbers stay text, which any number may be.
func scalarKind(col *column) string {
	for _, e := range col.sample.entries {
		if s := string(e.value); s != "true" && s != "false" {
			return ""
		}
	}
	return "bool"
}

// judgeDocuments judges the paths of a field's documents, and the field by what they hold. The paths'
// verdicts are in the order of their names.
func (c *Catalogue) judgeDocuments(f *fieldState) []Verdict {
	paths, share := c.documents(f)
	if len(paths) == 0 {
		return nil
	}
	var verdicts []Verdict
	var holds []Category
	best := 0.0
	for _, p := range paths {
		c.judge(p, nil)
		v := p.verdict
		v.Path, v.SubjectKind = true, ""
		verdicts = append(verdicts, v)
		if v.Personal() {
			best = max(best, v.Confidence)
			for _, cat := range append([]Category{v.Primary}, v.Also...) {
				if !slices.Contains(holds, cat) {
					holds = append(holds, cat)
				}
			}
		}
	}
	f.settleDocuments(holds, best, share)
	return verdicts
}

// settleDocuments gives a field of documents its verdict: free text with all that the paths hold. What was
// found for the field otherwise stays where documents are the lesser part of it, and where its header alone
// says what they are; where the paths hold nothing, a field of documents holds nothing.
func (f *fieldState) settleDocuments(holds []Category, confidence, share float64) {
	v := &f.verdict
	switch {
	case len(holds) == 0:
		if share > 0.8 && len(f.header.concepts) == 0 && f.column.needles.total() == 0 {
			*v = Verdict{Field: v.Field, Primary: None, Class: NoClass, Confidence: 0.9, Rows: v.Rows,
				NonEmpty: v.NonEmpty, Distinct: v.Distinct,
				Terms: []Term{{Name: "documents", Detail: of(int(share*float64(f.profile.n)), f.profile.n) +
					" are documents, and no path holds anything", LogOdds: -2}}}
		}
		return
	case v.Personal() && len(f.header.concepts) > 0 || v.Personal() && share < 0.5:
		v.Also = union(v.Also, holds, v.Primary)
		return
	}
	v.Also = union(nil, holds, FreeText)
	v.Primary, v.Sub, v.Class, v.Company, v.Confidence, v.SubjectKind = FreeText, "", FreeText.Class(), false,
		confidence, ""
	v.Terms = []Term{{Name: "documents", Detail: of(int(share*float64(f.profile.n)), f.profile.n) +
		" are documents with personal paths", LogOdds: 5}}
}

// union appends the categories of more that list does not have, and that are not the primary one.
func union(list, more []Category, primary Category) []Category {
	for _, c := range more {
		if c != primary && !slices.Contains(list, c) {
			list = append(list, c)
		}
	}
	return list
}
