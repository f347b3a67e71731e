package fill

import (
	"fmt"
	"reflect"
	"strings"
	"text/template/parse"

	"lethe/pipeline/audit/page/chart"
)

// Check says whether the template can be filled in with a struct of the type of data, whatever its fields hold, and
// with the messages that has knows: a branch that no letter has taken yet is looked at, too. Its error says where.
func (t Template) Check(data any, has func(key string) bool) error {
	return (&checker{t.tree, has}).list(t.tree.Root, reflect.TypeOf(data))
}

type checker struct {
	tree *parse.Tree
	has  func(key string) bool
}

func (c *checker) list(nodes *parse.ListNode, dot reflect.Type) error {
	if nodes == nil {
		return nil
	}
	for _, n := range nodes.Nodes {
		if err := c.node(n, dot); err != nil {
			return err
		}
	}
	return nil
}

// at says where a node stands: line:column.
func (c *checker) at(n parse.Node, format string, args ...any) error {
	place, _ := c.tree.ErrorContext(n)
	return fmt.Errorf("%s: %s", strings.TrimPrefix(place, "page:"), fmt.Sprintf(format, args...))
}

func (c *checker) node(n parse.Node, dot reflect.Type) error {
	switch n := n.(type) {
	case *parse.TextNode:
		return nil
	case *parse.ActionNode:
		if key, ok := message(n.Pipe); ok {
			if !c.has(key) {
				return c.at(n, "there is no message %s", key)
			}
			return nil
		}
		is, err := c.value(n.Pipe, dot)
		if err == nil && is.Kind() != reflect.String && !(reflect.Int <= is.Kind() && is.Kind() <= reflect.Int64) &&
			is != reflect.TypeFor[chart.Drawing]() {
			err = c.at(n, "a %s is no text", is)
		}
		return err
	case *parse.IfNode:
		if _, err := c.value(n.Pipe, dot); err != nil {
			return err
		}
		return c.both(&n.BranchNode, dot, dot)
	case *parse.WithNode:
		is, err := c.value(n.Pipe, dot)
		if err != nil {
			return err
		}
		return c.both(&n.BranchNode, is, dot)
	case *parse.RangeNode:
		is, err := c.value(n.Pipe, dot)
		if err == nil && is.Kind() != reflect.Slice {
			err = c.at(n, "a %s is no list", is)
		}
		if err != nil {
			return err
		}
		return c.both(&n.BranchNode, is.Elem(), dot)
	}
	return c.at(n, "%s is not in its language", n)
}

// both looks at the two ways of a branch.
func (c *checker) both(n *parse.BranchNode, full, empty reflect.Type) error {
	if err := c.list(n.List, full); err != nil {
		return err
	}
	return c.list(n.ElseList, empty)
}

// value is the type of the dot or of a field below it.
func (c *checker) value(pipe *parse.PipeNode, dot reflect.Type) (reflect.Type, error) {
	if len(pipe.Decl) == 0 && len(pipe.Cmds) == 1 && len(pipe.Cmds[0].Args) == 1 {
		switch arg := pipe.Cmds[0].Args[0].(type) {
		case *parse.DotNode:
			return dot, nil
		case *parse.FieldNode:
			for _, name := range arg.Ident {
				if dot.Kind() == reflect.Pointer {
					dot = dot.Elem()
				}
				var f reflect.StructField
				ok := dot.Kind() == reflect.Struct
				if ok {
					f, ok = dot.FieldByName(name)
				}
				if !ok || !f.IsExported() {
					return dot, c.at(pipe, "a %s has no field %s", dot, name)
				}
				dot = f.Type
			}
			return dot, nil
		}
	}
	return dot, c.at(pipe, "%s is not in its language", pipe)
}
