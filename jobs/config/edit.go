package config

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"lethe/pipeline/setup"
)

// WithReviews returns the text of the configuration with answers under `reviews:`, each in the place of an earlier one
// of the same field or behind the last, and how many of them were not there yet. All else stands as it was written,
// with its comments. An answer that is there already is left as it is, with who gave it and when.
func (c *Config) WithReviews(answers []Review, today string) (text []byte, fresh int, err error) {
	want := slices.Clone(c.Reviews)
	var replaced, added []int
	for _, a := range answers {
		at := slices.IndexFunc(want, func(r Review) bool { return r.Source == a.Source && r.Field == a.Field })
		switch {
		case at < 0:
			added, want = append(added, len(want)), append(want, a)
		case !says(want[at], a, today):
			want[at] = a
			if at < len(c.Reviews) && !slices.Contains(replaced, at) {
				replaced = append(replaced, at)
			}
		}
	}
	if fresh = len(replaced) + len(added); fresh == 0 {
		return c.text, 0, nil
	}
	e, err := c.openReviews()
	if err != nil {
		return nil, 0, err
	}
	for _, at := range replaced {
		if err := e.replace(at, line(want[at])); err != nil {
			return nil, 0, err
		}
	}
	var lines []string
	for _, at := range added {
		lines = append(lines, line(want[at]))
	}
	e.add(lines)
	text = e.apply()

	after, err := read(c.path, text)
	if err != nil {
		return nil, 0, byHand(c.path, "", "it would not be read again")
	}
	if !reflect.DeepEqual(after.Reviews, want) || !c.sameBut(after) {
		return nil, 0, byHand(c.path, "", "other keys would change with it")
	}
	return text, fresh, nil
}

// says reports whether a review says what an answer says, and still holds.
func says(r, answer Review, today string) bool {
	return r.Category == answer.Category && r.Until >= today && reflect.DeepEqual(r.Saw, answer.Saw) &&
		(r.Because == answer.Because || answer.Because == "")
}

// sameBut reports whether two configurations say the same but for their reviews.
func (c *Config) sameBut(o *Config) bool {
	a, b := reflect.ValueOf(c).Elem(), reflect.ValueOf(o).Elem()
	for i := range a.NumField() {
		f := a.Type().Field(i)
		if f.IsExported() && f.Name != "Reviews" && !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			return false
		}
	}
	return slices.Equal(c.sourceOrder, o.sourceOrder)
}

// byHand says that the file cannot be written in, where, and what to do.
func byHand(path, place, why string) error {
	return fmt.Errorf("%w: %s%s: cannot write under reviews (%s): write the answers there by hand: `lethe review --csv` "+
		"prints what is asked", setup.ErrConfig, path, place, why)
}

// editor changes a text in places that are told apart, and leaves the rest.
type editor struct {
	path  string
	text  []byte
	lines []int // where each begins
	end   string
	edits []edit
	file  *ast.File
	key   *token.Token // reviews; nil where there is none
	list  *ast.SequenceNode
	null  *token.Token // the key has no value, or this one
}

type edit struct {
	from, to int
	text     string
}

// openReviews finds where reviews are written.
func (c *Config) openReviews() (*editor, error) {
	e := &editor{path: c.path, text: c.text, end: "\n", lines: []int{0}}
	if bytes.Contains(c.text, []byte("\r\n")) {
		e.end = "\r\n"
	}
	for i, b := range c.text {
		if b == '\n' {
			e.lines = append(e.lines, i+1)
		}
	}
	var err error
	if e.file, err = parser.ParseBytes(c.text, parser.ParseComments); err != nil || len(e.file.Docs) != 1 {
		return nil, byHand(c.path, "", "it is not one document")
	}
	top, ok := e.file.Docs[0].Body.(ast.MapNode)
	if m, flow := e.file.Docs[0].Body.(*ast.MappingNode); !ok || flow && m.IsFlowStyle {
		return nil, byHand(c.path, "", "it stands in braces")
	}
	for pairs := top.MapRange(); pairs.Next(); {
		if pairs.Key().GetToken().Value != "reviews" {
			continue
		}
		e.key = pairs.Key().GetToken()
		switch v := pairs.Value().(type) {
		case *ast.SequenceNode:
			e.list = v
		case *ast.NullNode:
			e.null = v.GetToken()
		default:
			return nil, byHand(c.path, placeOfToken(e.key), "they are no list")
		}
	}
	return e, nil
}

func placeOfToken(t *token.Token) string {
	return fmt.Sprintf(" [%d:%d]", t.Position.Line, t.Position.Column)
}

// offset is where a token stands in the text; -1 where another sign is there.
func (e *editor) offset(t *token.Token) int {
	if t.Position.Line < 1 || t.Position.Line > len(e.lines) {
		return -1
	}
	at := e.lines[t.Position.Line-1]
	for range t.Position.Column - 1 {
		_, size := utf8.DecodeRune(e.text[at:])
		at += size
	}
	if at >= len(e.text) || !strings.HasPrefix(strings.TrimLeft(t.Origin, " \t\r\n"), string(e.text[at:at+1])) {
		return -1
	}
	return at
}

// replace puts an entry in the place of one that is there.
func (e *editor) replace(at int, entry string) error {
	token := e.list.Values[at].GetToken()
	entryNode, ok := e.list.Values[at].(*ast.MappingNode)
	if !ok {
		return byHand(e.path, placeOfToken(token), "the entry is an anchor or an alias")
	}
	if entryNode.IsFlowStyle {
		from, to := e.offset(entryNode.Start), -1
		if entryNode.End != nil {
			to = e.offset(entryNode.End)
		}
		if from < 0 || to < from {
			return byHand(e.path, placeOfToken(token), "its end is not clear")
		}
		e.edits = append(e.edits, edit{from, to + 1, entry})
		return nil
	}
	from := e.offset(entryNode.Values[0].Key.GetToken())
	if from < 0 || e.list.IsFlowStyle {
		return byHand(e.path, placeOfToken(token), "its beginning is not clear")
	}
	first := entryNode.Values[0].Key.GetToken().Position.Line
	last := e.lastLine(first, e.boundary(at))
	e.edits = append(e.edits, edit{from, e.endOfLine(last), entry})
	dash := e.list.Entries[at].Start.Position
	for _, comment := range e.commentsIn(first, last) { // they move above the entry
		e.edits = append(e.edits, edit{e.lines[dash.Line-1], e.lines[dash.Line-1],
			strings.Repeat(" ", dash.Column-1) + "#" + comment + e.end})
	}
	return nil
}

// commentsIn are the comments in some lines.
func (e *editor) commentsIn(first, last int) (comments []string) {
	for _, t := range lexer.Tokenize(string(e.text)) {
		if t.Type == token.CommentType && t.Position.Line >= first && t.Position.Line <= last {
			comments = append(comments, strings.TrimRight(t.Value, "\r"))
		}
	}
	return comments
}

// boundary is the line of what comes behind an entry of a list that is written line by line: the next entry, or the next
// key.
func (e *editor) boundary(at int) int {
	if at+1 < len(e.list.Entries) {
		return e.list.Entries[at+1].Start.Position.Line
	}
	dash := e.list.Entries[at].Start.Position
	for n := dash.Line + 1; n <= len(e.lines); n++ {
		text := e.line(n)
		indent := len(text) - len(bytes.TrimLeft(text, " "))
		if !isComment(text) && indent < dash.Column {
			return n
		}
	}
	return len(e.lines) + 1
}

// lastLine is the last line with something in it before a boundary.
func (e *editor) lastLine(first, boundary int) int {
	for n := boundary - 1; n > first; n-- {
		if !isComment(e.line(n)) {
			return n
		}
	}
	return first
}

// line is a line's text, without its end. The first is 1.
func (e *editor) line(n int) []byte { return e.text[e.lines[n-1]:e.endOfLine(n)] }

func (e *editor) endOfLine(n int) int {
	to := len(e.text)
	if n < len(e.lines) {
		to = e.lines[n] - 1
	}
	if to > e.lines[n-1] && e.text[to-1] == '\r' {
		to--
	}
	return to
}

// isComment reports whether nothing but white space and a comment is in a line.
func isComment(line []byte) bool {
	line = bytes.TrimSpace(line)
	return len(line) == 0 || line[0] == '#'
}

// add puts entries behind the last, or where the list would be.
func (e *editor) add(entries []string) {
	if len(entries) == 0 {
		return
	}
	written := func(indent string) string {
		return indent + "- " + strings.Join(entries, e.end+indent+"- ")
	}
	switch {
	case e.key == nil:
		head := e.end + "# What people said of fields. `lethe review` writes here too." + e.end + "reviews:" + e.end
		if len(e.text) > 0 && e.text[len(e.text)-1] != '\n' {
			head = e.end + head
		}
		e.edits = append(e.edits, edit{len(e.text), len(e.text), head + written("  ") + e.end})
	case e.list == nil || len(e.list.Values) == 0:
		if e.list != nil {
			e.edits = append(e.edits, edit{e.offset(e.list.Start), e.offset(e.list.End) + 1, ""})
		} else if from := e.offset(e.null); from >= 0 {
			e.edits = append(e.edits, edit{from, from + len(e.null.Value), ""})
		}
		at := e.endOfLine(e.key.Position.Line)
		e.edits = append(e.edits, edit{at, at, e.end + written("  ")})
	case e.list.IsFlowStyle:
		at := e.offset(e.list.End)
		e.edits = append(e.edits, edit{at, at, "," + e.end + "  " + strings.Join(entries, ","+e.end+"  ")})
	default:
		at := len(e.list.Values) - 1
		dash := e.list.Entries[at].Start.Position
		end := e.endOfLine(e.lastLine(dash.Line, e.boundary(at)))
		e.edits = append(e.edits, edit{end, end, e.end + written(strings.Repeat(" ", dash.Column-1))})
	}
}

// apply is the text with all changes.
func (e *editor) apply() []byte {
	slices.SortStableFunc(e.edits, func(a, b edit) int { return cmp.Or(a.from-b.from, a.to-b.to) })
	var b bytes.Buffer
	at := 0
	for _, x := range e.edits {
		if x.from < at || x.to < x.from { // the check of what comes out says that it cannot be written
			continue
		}
		b.Write(e.text[at:x.from])
		b.WriteString(x.text)
		at = x.to
	}
	b.Write(e.text[at:])
	return b.Bytes()
}

// line is a review as it is written, in one line.
func line(r Review) string {
	parts := []string{"source: " + scalar(r.Source), "field: " + scalar(r.Field), "category: " + scalar(r.Category),
		"by: " + scalar(r.By)}
	if r.On != "" {
		parts = append(parts, "on: "+r.On)
	}
	parts = append(parts, "because: "+quoted(r.Because), "until: "+r.Until)
	if r.Saw != nil {
		parts = append(parts, "saw: {type: "+scalar(r.Saw.Type)+", category: "+scalar(r.Saw.Category)+"}")
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// plain is a text that YAML takes for a text without quotes.
var plain = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*([.-][A-Za-z0-9_]+)*$`)

func scalar(text string) string {
	switch strings.ToLower(text) {
	case "null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf":
		return quoted(text)
	}
	if plain.MatchString(text) {
		return text
	}
	return quoted(text)
}

// quoted is a text in double quotes; JSON's are YAML's.
func quoted(text string) string {
	var b strings.Builder
	w := json.NewEncoder(&b)
	w.SetEscapeHTML(false)
	if err := w.Encode(text); err != nil {
		return `""`
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// Replace writes the configuration anew. It refuses to where the file is not as it was read.
func (c *Config) Replace(text []byte) (err error) {
	path, err := filepath.EvalSymlinks(c.path)
	if err != nil {
		return fmt.Errorf("%w: %w", setup.ErrConfig, err)
	}
	now, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("%w: %w", setup.ErrConfig, err)
	}
	if !bytes.Equal(now, c.text) {
		return fmt.Errorf("%w: %s was changed in the meantime, and is left as it is: answer again", setup.ErrConfig, c.path)
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("%w: %w", setup.ErrConfig, err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("%w: cannot write beside %s: %w", setup.ErrConfig, c.path, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("%w: %s is left as it was: %w", setup.ErrConfig, c.path, err), os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(info.Mode().Perm()), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
