package mysqldump

import (
	"slices"
	"strings"

	"lethe/connectors"
	"lethe/connectors/internal/keyset"
)

// options reads what stands behind the fields of a table. A field that says nothing of its texts has them as the table.
func (c *creator) options() {
	c.set, c.collation = "", ""
	for c.t.kind != endOfText {
		switch {
		case c.t.is("CHARACTER"), c.t.is("CHARSET"), c.t.is("COLLATE"):
			c.charset()
		default:
			c.out.versioned = c.out.versioned || c.t.is("VERSIONING")
			c.out.sequence = c.out.sequence || c.t.is("SEQUENCE")
			c.advance()
		}
	}
	for i, own := range c.out.collations {
		if own == asTable {
			c.out.collations[i], c.out.charsets[i] = c.collation, setOf(c.set, c.collation)
		}
	}
}

// asTable stands for the collation of the table, until that is read.
const asTable = "*"

// charset parses CHARACTER SET x, CHARSET x and COLLATE x. The set `binary` makes a text binary.
func (c *creator) charset() {
	collate := c.t.is("COLLATE")
	c.advance()
	for c.t.is("SET") || c.t.kind == '=' {
		c.advance()
	}
	name := strings.ToLower(c.t.text)
	if collate {
		c.collation = name
	} else {
		c.set = name
	}
	if name == "binary" { // its only collation has the same name
		c.set, c.collation = name, name
	}
	c.advance()
}

// collation is that of a field, "" where the file does not say it.
func (t *table) collation(field int) string {
	if field < 0 || field >= len(t.collations) {
		return ""
	}
	return t.collations[field]
}

// alike says which keys may be equal though their bytes differ: texts, by the coarsest of their collations and of those
// of what they refer to. A row's own name is compared by its bytes, unless it refers to another.
func (t *table) alike(of *connectors.Referred) func(keyed []int) keyset.Fold {
	return func(keyed []int) keyset.Fold {
		text := slices.ContainsFunc(keyed, func(i int) bool { return t.Fields[i].Kind == connectors.Text })
		own := of == nil && slices.EqualFunc(keyed, t.Key, func(i int, name string) bool { return t.Fields[i].Name == name })
		if !text || own {
			return nil
		}
		var collations []string
		for _, i := range keyed {
			if t.Fields[i].Kind == connectors.Text {
				collations = append(collations, t.collation(i))
			}
		}
		if of != nil {
			collations = append(collations, t.referred(of)...)
		}
		return foldOf(collations)
	}
}

// referred are the collations of fields of another table, "" of what is not in the file.
func (t *table) referred(of *connectors.Referred) (list []string) {
	at := slices.IndexFunc(t.beside, func(o *table) bool { return o.Name == of.Table })
	if at < 0 {
		return []string{""}
	}
	for _, name := range of.Fields {
		if i := t.beside[at].Index(name); i < 0 || t.beside[at].Fields[i].Kind == connectors.Text {
			list = append(list, t.beside[at].collation(i))
		}
	}
	return list
}

// foldOf is what may be equal by the coarsest of some collations. Those by code point leave trailing spaces, the others
// that tell case and accents apart also what has no weight, and characters that are written in several ways.
func foldOf(collations []string) keyset.Fold {
	by := spaces
	for _, c := range collations {
		switch {
		case strings.HasSuffix(c, "_bin"), c == "binary":
		case strings.Contains(c, "_as_cs"):
			by = connectors.FoldCased
		default:
			return folded(connectors.Fold)
		}
	}
	return folded(by)
}

func spaces(s string) string { return strings.TrimRight(s, " ") }

func folded(by func(string) string) keyset.Fold {
	return func(values [][]byte) (string, error) {
		parts := make([][]byte, len(values))
		for i, v := range values {
			parts[i] = []byte(by(string(v)))
		}
		return string(connectors.MakeKey(parts...)), nil
	}
}
