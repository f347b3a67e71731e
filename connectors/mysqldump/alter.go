package mysqldump

import (
	"slices"
	"strings"
)

// followed reports whether a statement, whose first word is keyword, does nothing to the rows that the file has
// of a table. What it says of the table's keys is noted.
func (w *walker) followed(keyword string, l lexer) bool {
	switch keyword {
	case "ALTER":
		return w.alter(l)
	case "TRUNCATE", "DELETE":
		return w.empties(l)
	}
	return false
}

// empties reports whether a TRUNCATE or DELETE of all rows stands before the first of them, as exports have it
// that fill a table anew.
func (w *walker) empties(l lexer) bool {
	c := creator{l: l, out: &table{}}
	for c.advance(); c.t.is("TABLE") || c.t.is("FROM"); {
		c.advance()
	}
	id := c.tableName(w.database)
	t := w.tables[id]
	return c.err == nil && c.t.kind == endOfText && (t == nil || t.Seen == 0)
}

// alter reports whether an ALTER is none of a table, or one that leaves the rows and the order of the fields as
// they are: exports add keys and AUTO_INCREMENT behind the rows, and switch the keys off and on.
func (w *walker) alter(l lexer) bool {
	c := creator{l: l, alter: true, utc: w.utc, out: &table{}}
	if c.advance(); !c.t.is("TABLE") {
		return true
	}
	for c.advance(); c.t.is("IF") || c.t.is("EXISTS"); {
		c.advance()
	}
	c.out.ID = c.tableName(w.database)
	known := w.tables[c.out.ID]
	if known != nil {
		c.out.periods = known.periods
	}
	for c.err == nil && c.t.kind != endOfText {
		if !c.clause(known) {
			return false
		}
		if c.t.kind == ',' {
			c.advance()
		}
	}
	if c.err != nil {
		return false
	}
	if known != nil {
		c.add(known)
	}
	return true
}

// constraints begin what ADD adds besides a column.
var constraints = []string{"CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "CHECK", "KEY", "INDEX", "FULLTEXT", "SPATIAL"}

// tableOptions say how a table is kept, and nothing of what is in it.
var tableOptions = []string{"AUTO_INCREMENT", "ENGINE", "COMMENT", "ROW_FORMAT", "DISABLE", "ENABLE", "CHECKSUM",
	"AVG_ROW_LENGTH", "MAX_ROWS", "MIN_ROWS", "STATS_PERSISTENT", "STATS_AUTO_RECALC", "STATS_SAMPLE_PAGES"}

// clause parses one clause of an ALTER TABLE, up to the comma behind it, and reports whether it is followed.
func (c *creator) clause(known *table) bool {
	keyword := strings.ToUpper(c.t.text)
	switch {
	case keyword == "ADD":
		if c.advance(); c.t.kind == '(' {
			return c.inBrackets()
		}
		if !c.constrains() {
			return false
		}
		c.element()
	case keyword == "MODIFY":
		if c.advance(); c.t.is("COLUMN") {
			c.advance()
		}
		c.column()
		return c.err == nil && !c.moved && c.same(known)
	case slices.Contains(tableOptions, keyword):
		c.skip()
	default:
		return false
	}
	return c.err == nil
}

// constrains reports whether a constraint or an index begins.
func (c *creator) constrains() bool {
	return c.t.kind == word && slices.Contains(constraints, strings.ToUpper(c.t.text))
}

// inBrackets parses what Oracle adds, a list of constraints in brackets, and reports whether there is nothing else in it.
func (c *creator) inBrackets() bool {
	for c.t.kind == '(' || c.t.kind == ',' {
		if c.advance(); !c.constrains() {
			return false
		}
		c.element()
	}
	if c.t.kind != ')' {
		return false
	}
	c.advance()
	return c.err == nil
}

// same reports whether the field that was declared last is as the table has it, but for what says how it is
// filled.
func (c *creator) same(known *table) bool {
	if known == nil || !known.Created {
		return true // the catalog says what the fields are
	}
	f := c.out.Fields[len(c.out.Fields)-1]
	i := known.index(f.Name)
	if i < 0 {
		return false
	}
	was := known.Fields[i]
	return strings.EqualFold(f.Type, was.Type) && f.Length == was.Length && f.Generated == was.Generated &&
		c.out.hidden[len(c.out.hidden)-1] == known.hidden[i]
}

// add gives a table the keys that an ALTER TABLE adds to it.
func (c *creator) add(t *table) {
	if len(c.out.Key) > 0 {
		t.Key = c.out.Key
	}
	for at, f := range c.out.Fields {
		if i := t.index(f.Name); i >= 0 {
			t.Fields[i].Nullable, t.Fields[i].AutoUpdate = f.Nullable, f.AutoUpdate
			if i < len(t.collations) && c.out.collations[at] != asTable {
				t.collations[i], t.charsets[i] = c.out.collations[at], c.out.charsets[at]
			}
		}
	}
	t.Unique = append(t.Unique, c.out.Unique...)
	t.ForeignKeys = append(t.ForeignKeys, c.out.ForeignKeys...)
	t.Refs = append(t.Refs, c.out.Refs...)
	c.settle(t)
}
