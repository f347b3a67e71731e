// Package fill fills templates in. Its nouns: a Template, the filler that writes
// what a struct says in its places, and Texts (what stands in a page, for who judges it).
package fill

import (
	"bytes"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"text/template/parse"

	"lethe/pipeline/audit/page/chart"
	"lethe/pipeline/audit/page/lang"
)

// Template is a page to be filled in, in the language of html/template, of which it knows what the page uses: fields,
// if, with, range, and say "KEY", a message. Drawings stand as they are, and the marks of texts become bold and code.
// (html/template itself calls methods by names that it reads, so that the linker has to keep every exported method of
// the program: five megabytes.) Values stand in text and in quoted attributes only, never in a script, a style or an
// address: there one way to escape does for all. The tests hold each page against the one that html/template makes.
type Template struct{ tree *parse.Tree }

// escaper makes text of what a value holds, and bold and code of its marks where they mean something.
func escaper(marks bool) *strings.Replacer {
	signs := []string{"\x00", "\uFFFD", `"`, "&#34;", "&", "&amp;", "'", "&#39;", "+", "&#43;", "<", "&lt;",
		">", "&gt;"}
	if marks {
		signs = append(signs, string(lang.BoldOn), "<b>", string(lang.BoldOff), "</b>", string(lang.CodeOn), "<code>",
			string(lang.CodeOff), "</code>")
	}
	return strings.NewReplacer(signs...)
}

// Parse takes a template apart.
func Parse(source string) (Template, error) {
	trees, err := parse.Parse("page", source, "", "", map[string]any{"say": true})
	if err != nil {
		return Template{}, fmt.Errorf("page template: %w", err)
	}
	return Template{trees["page"]}, nil
}

// Execute fills the template in with the fields of a struct, and with messages: where there are some, the
// marks of texts mean something. say is nil where there are none.
func (t Template) Execute(data any, say func(key string, args ...any) string) ([]byte, error) {
	return t.fill(data, escaper(say != nil), say)
}

// Text is Execute for text that nothing marks up: values stand as they are, and marks are left out.
func (t Template) Text(data any, say func(key string, args ...any) string) ([]byte, error) {
	return t.fill(data, strings.NewReplacer("\x00", "\uFFFD", string(lang.BoldOn), "", string(lang.BoldOff), "",
		string(lang.CodeOn), "", string(lang.CodeOff), ""), say)
}

func (t Template) fill(data any, escape *strings.Replacer, say func(key string, args ...any) string) ([]byte, error) {
	f := &filler{escape: escape, say: say}
	if err := f.list(t.tree.Root, reflect.ValueOf(data)); err != nil {
		return nil, fmt.Errorf("page template: %w", err)
	}
	return f.out.Bytes(), nil
}

// filler writes a page.
type filler struct {
	out    bytes.Buffer
	escape *strings.Replacer
	say    func(key string, args ...any) string
}

// list writes nodes; dot is what their fields are of.
func (f *filler) list(nodes *parse.ListNode, dot reflect.Value) error {
	if nodes == nil {
		return nil
	}
	for _, n := range nodes.Nodes {
		if err := f.node(n, dot); err != nil {
			return err
		}
	}
	return nil
}

func (f *filler) node(n parse.Node, dot reflect.Value) error {
	switch n := n.(type) {
	case *parse.TextNode:
		f.out.Write(n.Text)
		return nil
	case *parse.ActionNode:
		if key, ok := message(n.Pipe); ok && f.say != nil {
			return f.text(reflect.ValueOf(f.say(key)))
		}
		v, err := value(n.Pipe, dot)
		if err != nil {
			return err
		}
		return f.text(v)
	case *parse.IfNode:
		return f.branch(&n.BranchNode, dot, func(reflect.Value) error { return f.list(n.List, dot) })
	case *parse.WithNode:
		return f.branch(&n.BranchNode, dot, func(v reflect.Value) error { return f.list(n.List, v) })
	case *parse.RangeNode:
		return f.branch(&n.BranchNode, dot, func(v reflect.Value) error {
			for i := range v.Len() {
				if err := f.list(n.List, v.Index(i)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return fmt.Errorf("%s is not in its language", n)
}

// branch takes one way where the value is empty, and the other where it is not.
func (f *filler) branch(n *parse.BranchNode, dot reflect.Value, full func(reflect.Value) error) error {
	v, err := value(n.Pipe, dot)
	if err != nil {
		return err
	}
	if v.Kind() == reflect.Slice && v.Len() == 0 || v.IsZero() {
		return f.list(n.ElseList, dot)
	}
	return full(v)
}

func (f *filler) text(v reflect.Value) error {
	switch {
	case v.Type() == reflect.TypeFor[chart.Drawing]():
		f.out.WriteString(v.String())
		return nil
	case v.Kind() == reflect.String:
		_, err := f.escape.WriteString(&f.out, v.String())
		return err
	case v.CanInt():
		f.out.WriteString(strconv.FormatInt(v.Int(), 10))
		return nil
	}
	return fmt.Errorf("a %s is no text", v.Type())
}

// message is the key of a message that is to be said.
func message(pipe *parse.PipeNode) (key string, ok bool) {
	if len(pipe.Decl) > 0 || len(pipe.Cmds) != 1 || len(pipe.Cmds[0].Args) != 2 {
		return "", false
	}
	say, ok := pipe.Cmds[0].Args[0].(*parse.IdentifierNode)
	text, quoted := pipe.Cmds[0].Args[1].(*parse.StringNode)
	if !ok || !quoted || say.Ident != "say" {
		return "", false
	}
	return text.Text, true
}

// value is the dot or a field below it.
func value(pipe *parse.PipeNode, dot reflect.Value) (reflect.Value, error) {
	if len(pipe.Decl) == 0 && len(pipe.Cmds) == 1 && len(pipe.Cmds[0].Args) == 1 {
		switch arg := pipe.Cmds[0].Args[0].(type) {
		case *parse.DotNode:
			return dot, nil
		case *parse.FieldNode:
			return field(dot, arg.Ident)
		}
	}
	return dot, fmt.Errorf("%s is not in its language", pipe)
}

func field(of reflect.Value, names []string) (reflect.Value, error) {
	for _, name := range names {
		of = reflect.Indirect(of)
		if of.Kind() != reflect.Struct || !of.FieldByName(name).IsValid() {
			return of, fmt.Errorf("a %s has no field %s", of.Type(), name)
		}
		of = of.FieldByName(name)
	}
	return of, nil
}
