package classifiers

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"lethe/classifiers/container"
)

// Documents inside a field are walked from its sample: the values are bounded in number and length, and so
// is what is made of them.
const (
	documentBytes = 4096 // bytes kept of a value that starts like a document
	maxPaths      = 64   // paths of a field that are judged; those seen in most documents
)

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

// documentSet is the documents of a field's sample: a field for each path, sorted by name.
type documentSet struct {
	paths []*fieldState
	in    map[string]string // by path, the formats that it stands in
	count int               // sampled values that are documents
	named bool              // in formats whose names are a program's, at least most
	what  string            // the format of most
}

// pathColumn is a path on its way to a field.
type pathColumn struct {
	column
	seenIn int // documents
	last   int // the document that it was seen in last
	in     string
}

// documents walks the sampled values of a field.
func (c *Catalogue) documents(f *fieldState) documentSet {
	d := documentSet{in: map[string]string{}}
	if f.field.Kind == "bool" || f.field.Kind == "bit" {
		return d
	}
	leaves, formats := f.column.leaves()
	if len(formats) == 0 {
		return d
	}
	known := c.knownNames(leaves)
	columns := map[string]*pathColumn{}
	for _, l := range leaves {
		path := l.Path
		if !known[path] {
			path = "*"
		}
		col := columns[path]
		if col == nil {
			if len(columns) >= 16*maxPaths {
				continue
			}
			col = &pathColumn{column: column{sample: newSample()}, last: -1, in: l.In}
			columns[path] = col
		}
		if col.last != l.document {
			col.last = l.document
			col.seenIn++
		}
		col.rows++
		if len(l.Value) > 0 {
			col.nonEmpty++
			col.sample.add(hashBytes(l.Value), l.Value)
		}
	}
	d.settle(formats)
	inside := &tableState{table: f.table.table, rows: int64(d.count), roles: f.table.roles}
	for _, name := range mostSeen(columns) {
		inside.fields = append(inside.fields, c.newPath(f, inside, name, columns[name]))
		d.in[f.field.Name+"."+name] = columns[name].in
	}
	inside.observe()
	d.paths = inside.fields
	return d
}

// settle says what most documents are.
func (d *documentSet) settle(formats map[container.Format]int) {
	named := 0
	for _, f := range slices.Sorted(maps.Keys(formats)) {
		n := formats[f]
		d.count += n
		if f.Named() {
			named += n
		}
		if d.what == "" || n > formats[container.Format(d.what)] {
			d.what = string(f)
		}
	}
	d.named = named*2 > d.count
}

// documentLeaf is a leaf and the number of its document.
type documentLeaf struct {
	container.Leaf
	document int
}

// leaves walks the sample of a column, and counts the documents by format.
func (col *column) leaves() (list []documentLeaf, formats map[container.Format]int) {
	w := container.Walker{Name: pathName, Most: 4 * maxPaths}
	formats = map[container.Format]int{}
	for i, e := range col.sample.entries {
		format, leaves := w.Walk(e.value, int(e.size) > len(e.value))
		if format == "" {
			continue
		}
		formats[format]++
		for _, l := range leaves {
			list = append(list, documentLeaf{l, i})
		}
	}
	return list, formats
}

// knownNames are the paths that may be called by their names. In formats in which anybody writes the names, these can be
// a person's: there, only those that are words of headers, or that many documents have.
func (c *Catalogue) knownNames(leaves []documentLeaf) map[string]bool {
	known, seenIn, last := map[string]bool{}, map[string]int{}, map[string]int{}
	documents := 0
	for i, l := range leaves {
		if i == 0 || leaves[i-1].document != l.document {
			documents++
		}
		if n, seen := last[l.Path]; !seen || n != l.document {
			last[l.Path] = l.document
			seenIn[l.Path]++
		}
		if l.Own.Named() {
			known[l.Path] = true
		}
	}
	for path, n := range seenIn {
		if known[path] || n >= 3 && n*10 >= documents {
			known[path] = true
			continue
		}
		known[path] = true
		for name := range strings.SplitSeq(path, ".") {
			h := c.lexicon.read(name, sharedEnds{})
			known[path] = known[path] && (name == "*" || len(h.concepts) > 0 && h.unknown == 0)
		}
	}
	return known
}

// mostSeen returns the names of the paths that most documents have, sorted.
func mostSeen(columns map[string]*pathColumn) []string {
	names := slices.Collect(maps.Keys(columns))
	slices.SortFunc(names, func(a, b string) int {
		if n, m := columns[a].seenIn, columns[b].seenIn; n != m {
			return m - n
		}
		return strings.Compare(a, b)
	})
	names = names[:min(len(names), maxPaths)]
	slices.Sort(names)
	return names
}

// newPath makes the field of a path. Its last two names are its header: email in customer.email, name in product.name.
func (c *Catalogue) newPath(f *fieldState, inside *tableState, path string, of *pathColumn) *fieldState {
	col, names := &of.column, strings.Split(f.field.Name+"."+path, ".")
	if strings.HasPrefix(of.in, string(container.HTML)) {
		names = append(names[:1], slices.DeleteFunc(names[1:], isLayout)...)
	}
	head := strings.Join(names[max(0, len(names)-2):], "_")
	if h := c.lexicon.read(names[len(names)-1], sharedEnds{}); len(h.concepts) > 0 && !h.weak() {
		head = names[len(names)-1]
	}
	field := Field{Name: f.field.Name + "." + path, Kind: "text"}
	if kindOf := scalarKind(col); kindOf != "" {
		field.Kind = kindOf
	}
	p := &fieldState{field: field, column: col, table: inside, tokens: c.lexicon.tokens(head),
		header: c.lexicon.read(head, sharedEnds{})}
	p.profile = c.newProfile(col, field)
	return p
}

// isLayout reports whether the name of an element of a page says how its text looks, and not what it is.
func isLayout(name string) bool {
	switch strings.ToLower(name) {
	case "html", "head", "body", "p", "div", "span", "br", "a", "b", "i", "u", "em", "strong", "small", "pre", "ul", "ol",
		"li", "table", "thead", "tbody", "tr", "td", "th", "h1", "h2", "h3", "h4", "h5", "h6", "img", "font", "center",
		"section", "article", "blockquote":
		return true
	}
	return false
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
	d := c.documents(f)
	if len(d.paths) == 0 {
		return nil
	}
	var verdicts []Verdict
	var holds []Category
	best := 0.0
	for _, p := range d.paths {
		c.judge(p, nil)
		v := p.verdict
		v.Path, v.SubjectKind, v.Inside = true, "", d.in[v.Field]
		if v.Personal() || isListed(v.Inside) {
			verdicts = append(verdicts, v)
		}
		if v.Personal() {
			best = max(best, min(v.Confidence, logistic(mostInside)))
			for _, cat := range append([]Category{v.Primary}, v.Also...) {
				if !slices.Contains(holds, cat) {
					holds = append(holds, cat)
				}
			}
		}
	}
	f.settleDocuments(d, holds, best)
	return verdicts
}

// mostInside is the most that what documents hold says of the field, in log-odds: as much as all of its values would.
const mostInside = prior + 12

// isListed reports whether paths that hold nothing are listed: where they are fields by themselves.
func isListed(in string) bool {
	return in == string(container.JSON) || in == string(container.XML) || in == string(container.HTML)
}

// settleDocuments gives a field of documents its verdict: free text with all that the paths hold. What was
// found for the field otherwise stays where documents are the lesser part of it, and where its header alone
// says what they are; where the paths of documents that a program wrote hold nothing, the field holds nothing.
func (f *fieldState) settleDocuments(d documentSet, holds []Category, confidence float64) {
	v := &f.verdict
	share, are := f.profile.share(d.count), of(d.count, f.profile.n)+" are documents ("+d.what+")"
	v.Inside = d.what
	if d.what == string(container.HTML) && v.Primary == None && f.hasWord() && slices.Equal(holds, []Category{FreeText}) {
		return // markup is how a text is written; whether it is about persons, the header and the table have said
	}
	switch {
	case len(holds) == 0:
		if share > 0.8 && d.named && len(f.header.concepts) == 0 && f.column.needles.found() == 0 {
			*v = Verdict{Field: v.Field, Primary: None, Class: NoClass, Confidence: 0.9, Rows: v.Rows,
				NonEmpty: v.NonEmpty, Distinct: v.Distinct, Inside: d.what,
				Terms: []Term{{Name: "documents", Detail: are + ", and no path holds anything", LogOdds: -2}}}
		}
		return
	case v.Personal() && (len(f.header.concepts) > 0 || share < 0.5):
		v.Also = union(v.Also, holds, v.Primary)
		if more := logOdds(confidence) - logOdds(v.Confidence); more > 0 { // documents never make it less
			v.Confidence = confidence
			v.Terms = append(v.Terms, Term{Name: "documents", LogOdds: more,
				Detail: fmt.Sprintf("%s with personal paths: %s in %s", are, joined(holds), d.what)})
		}
		return
	}
	if v.Personal() { // what the values say stands: documents never make it less
		confidence = max(confidence, v.Confidence)
		holds = union(holds, append([]Category{v.Primary}, v.Also...), FreeText)
	}
	v.Also = union(nil, holds, FreeText)
	v.Primary, v.Sub, v.Class, v.Company, v.Confidence, v.SubjectKind = FreeText, "", FreeText.Class(), false,
		confidence, ""
	v.Terms = []Term{{Name: "documents", LogOdds: 5,
		Detail: fmt.Sprintf("%s with personal paths: %s in %s", are, joined(holds), d.what)}}
}

// joined are categories in words.
func joined(list []Category) string {
	var b strings.Builder
	for i, c := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(c))
	}
	return b.String()
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
