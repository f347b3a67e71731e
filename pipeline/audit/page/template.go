package page

import (
	"bytes"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"text/template/parse"
)

// template is a page to be filled in, in the language of html/template, of which it knows what the page
// uses: fields, if, with and range. (html/template itself calls methods by names that it reads, so that
// the linker has to keep every exported method of the program: five megabytes.) Values stand in text and
// in quoted attributes only, never in a script, a style or an address: there one way to escape does for
// all. The tests hold each page against the one that html/template makes.
type template struct{ root *parse.ListNode }

// escaper makes text of what a value holds.
func escaper() *strings.Replacer {
	return strings.NewReplacer("\x00", "\uFFFD", `"`, "&#34;", "&", "&amp;", "'", "&#39;", "+", "&#43;", "<", "&lt;",
		">", "&gt;")
}

func parseTemplate(source string) (template, error) {
	trees, err := parse.Parse("page", source, "", "")
	if err != nil {
		return template{}, fmt.Errorf("page template: %w", err)
	}
	return template{trees["page"].Root}, nil
}

// execute fills the template in with the fields of a struct.
func (t template) execute(data any) ([]byte, error) {
	f := &filler{escape: escaper()}
	if err := f.list(t.root, reflect.ValueOf(data)); err != nil {
		return nil, fmt.Errorf("page template: %w", err)
	}
	return f.out.Bytes(), nil
}

// filler writes a page.
type filler struct {
	out    bytes.Buffer
	escape *strings.Replacer
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
	case v.Kind() == reflect.String:
		_, err := f.escape.WriteString(&f.out, v.String())
		return err
	case v.CanInt():
		f.out.WriteString(strconv.FormatInt(v.Int(), 10))
		return nil
	}
	return fmt.Errorf("a %s is no text", v.Type())
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
