package pgdump

import (
	"fmt"
	"slices"
	"strings"

	"lethe/connectors"
	"lethe/connectors/internal/dumpfile"
)

// table is a table as the file describes it.
type table struct {
	dumpfile.Entry
	info   []typeInfo        // of each field
	arity  int               // of the rows, where the file does not name their fields
	parent *dumpfile.TableID // whose partition it is
	sure   [][]string        // of Unique: those that hold at any moment
}

// parser reads one statement that defines something.
type parser struct {
	*schema
	l   lexer
	t   token
	err error
	out *table
}

func (p *parser) advance() { p.t = p.l.next() }

// accept passes the key words if they stand here one after another.
func (p *parser) accept(keywords ...string) bool {
	l, t := p.l, p.t
	for _, k := range keywords {
		if !p.t.is(k) {
			l.short = p.l.short
			p.l, p.t = l, t
			return false
		}
		p.advance()
	}
	return true
}

func (p *parser) fail(wanted string) {
	if p.err == nil {
		where := ""
		if p.out != nil {
			where = "table " + p.out.ID.Name + ": "
		}
		p.err = fmt.Errorf("%s%s expected at byte %d of the statement: %w", where, wanted, p.t.start,
			connectors.ErrDamaged)
	}
	p.t = token{}
}

func (p *parser) name() string {
	name, ok := p.t.name()
	if !ok {
		p.fail("a name")
		return ""
	}
	p.advance()
	if p.schema != nil {
		name = p.decoded(name)
	}
	return name
}

// id reads the name of a table or a type, with the schema before it or not.
func (p *parser) id() dumpfile.TableID {
	id := dumpfile.TableID{Database: p.database, Schema: p.path, Name: p.name()}
	if p.t.kind == '.' {
		p.advance()
		id.Schema, id.Name = id.Name, p.name()
	}
	return id
}

// names reads a list of fields in parentheses. Parts of an index that are no fields give an empty list.
func (p *parser) names() []string {
	if p.t.kind != '(' {
		p.fail("an opening parenthesis")
		return nil
	}
	p.advance()
	var list []string
	expression := false
	for p.err == nil && p.t.kind != ')' {
		if p.t.kind == '(' {
			expression = true
			p.parens()
		} else {
			p.passPeriod()
			list = append(list, p.name())
		}
		// an order, a collation, an operator class; or what makes it a function
		for p.err == nil && p.t.kind != ',' && p.t.kind != ')' {
			expression = expression || p.t.kind == '('
			p.pass()
		}
		if p.t.kind == ',' {
			p.advance()
		}
	}
	p.advance()
	if expression {
		return nil
	}
	return list
}

// passPeriod passes the word before the last field of a temporal foreign key.
func (p *parser) passPeriod() {
	if l, t := p.l, p.t; p.accept("PERIOD") && (p.t.kind == ',' || p.t.kind == ')') { // a field of that name
		p.l, p.t = l, t
	}
}

// parens passes a text in parentheses and returns it.
func (p *parser) parens() string {
	start, depth := p.t.end, 0
	for {
		switch p.t.kind {
		case '(':
			depth++
		case ')':
			depth--
		case endOfText:
			p.fail("a closing parenthesis")
			return ""
		}
		end := p.t.start
		p.advance()
		if depth == 0 {
			return string(p.l.b[start:end])
		}
	}
}

// pass goes one step on, over all of a parenthesis.
func (p *parser) pass() {
	switch p.t.kind {
	case '(':
		p.parens()
	case endOfText:
		p.fail("a closing parenthesis")
	default:
		p.advance()
	}
}

// skip goes to the comma or the parenthesis that ends the element, or to the end.
func (p *parser) skip() {
	for p.err == nil && p.t.kind != ',' && p.t.kind != ')' && p.t.kind != endOfText {
		p.pass()
	}
}

// createTable reads what follows CREATE TABLE.
func (p *parser) createTable() {
	p.accept("IF", "NOT", "EXISTS")
	p.out = &table{Entry: dumpfile.Entry{Created: true}}
	p.out.ID = p.id()
	if p.accept("PARTITION", "OF") {
		parent := p.id()
		p.out.parent = &parent
		p.inherit(parent)
		return
	}
	if p.accept("OF") {
		p.id()
		p.out.Created = false // the fields are those of a type
		return
	}
	if p.t.kind != '(' { // AS SELECT
		p.out.Created = false
		return
	}
	p.advance()
	for p.err == nil && p.t.kind != ')' {
		p.element()
		switch p.t.kind {
		case ',':
			p.advance()
		case ')':
		default:
			p.fail("a closing parenthesis")
		}
	}
	p.advance()
	if p.accept("INHERITS") {
		own := p.out.Table.Fields
		info := p.out.info
		p.out.Table.Fields, p.out.info = nil, nil
		for p.t.kind == '(' || p.t.kind == ',' {
			p.advance()
			p.inherit(p.id())
		}
		for i, f := range own {
			p.add(f, info[i])
		}
	}
}

// inherit takes over the fields of another table.
func (p *parser) inherit(parent dumpfile.TableID) {
	from := p.tables[parent]
	if from == nil {
		return
	}
	for i, f := range from.Fields {
		p.add(f, from.info[i])
	}
}

// add appends a field, or lets it take the place of the one of that name, which it was merged with.
func (p *parser) add(f connectors.Field, info typeInfo) {
	if i := p.out.Index(f.Name); i >= 0 {
		f.Nullable = f.Nullable && p.out.Fields[i].Nullable
		p.out.Fields[i], p.out.info[i] = f, info
		return
	}
	p.out.Fields = append(p.out.Fields, f)
	p.out.info = append(p.out.info, info)
}

// element reads a column or a constraint of a table.
func (p *parser) element() {
	constraint := ""
	if p.accept("CONSTRAINT") {
		constraint = p.name()
	}
	switch {
	case p.accept("PRIMARY", "KEY"):
		if p.t.kind == '(' {
			p.out.setKey(p.names())
		}
	case p.accept("UNIQUE"):
		p.accept("NULLS", "NOT", "DISTINCT")
		p.accept("NULLS", "DISTINCT")
		if p.t.kind == '(' {
			p.unique(p.names())
		}
	case p.accept("FOREIGN", "KEY"):
		p.references(constraint, p.names())
	case p.accept("NOT", "NULL"):
		p.out.setNullable(p.name(), false)
	case p.t.is("CHECK"), p.accept("EXCLUDE", "USING"):
	case p.accept("LIKE"):
		p.inherit(p.id())
	default:
		p.column()
	}
	p.skip()
}

func (t *table) setKey(fields []string) {
	t.Key = fields
	for _, f := range fields {
		t.setNullable(f, false)
	}
}

// unique notes a unique constraint. One that is checked later than at once (DEFERRABLE) names no row, as in the server.
func (p *parser) unique(fields []string) {
	for p.accept("INCLUDE") || p.accept("WITH") {
		if p.t.kind == '(' {
			p.parens()
		}
	}
	later := p.accept("DEFERRABLE")
	if p.out.addUnique(fields); !later {
		p.out.sure = append(p.out.sure, fields)
	}
}

func (t *table) addUnique(fields []string) {
	if len(fields) > 0 && !slices.ContainsFunc(t.Unique, func(u []string) bool { return slices.Equal(u, fields) }) {
		t.Unique = append(t.Unique, fields)
	}
}

// names reports whether such fields can name the rows, which a unique constraint says: an index may tell apart what a
// field does not.
func (t *table) names(fields []string) bool {
	return slices.ContainsFunc(t.sure, func(u []string) bool { return slices.Equal(u, fields) }) &&
		!slices.ContainsFunc(fields, func(name string) bool { return t.info[t.Index(name)].loose == collated })
}

func (t *table) setNullable(field string, nullable bool) {
	if i := t.Index(field); i >= 0 {
		t.Fields[i].Nullable = nullable
	}
}

// references reads REFERENCES and what follows.
func (p *parser) references(name string, fields []string) {
	if !p.accept("REFERENCES") {
		p.fail("REFERENCES")
		return
	}
	ref := p.id()
	fk := connectors.ForeignKey{Name: name, Fields: fields, RefTable: ref.Name, OnDelete: "NO ACTION",
		OnUpdate: "NO ACTION"}
	if p.t.kind == '(' {
		fk.RefFields = p.names()
	} else if to := p.tables[ref]; to != nil {
		fk.RefFields = to.Key
	} else if ref == p.out.ID {
		fk.RefFields = p.out.Key
	}
	for p.err == nil {
		switch {
		case p.accept("ON", "DELETE"):
			fk.OnDelete = p.action()
		case p.accept("ON", "UPDATE"):
			fk.OnUpdate = p.action()
		case p.accept("MATCH"):
			p.advance()
		default:
			if len(fk.RefFields) == len(fields) {
				p.out.ForeignKeys = append(p.out.ForeignKeys, fk)
				p.out.Refs = append(p.out.Refs, ref)
			}
			return
		}
	}
}

func (p *parser) action() string {
	for _, a := range [][]string{{"SET", "NULL"}, {"SET", "DEFAULT"}, {"NO", "ACTION"}, {"CASCADE"}, {"RESTRICT"}} {
		if p.accept(a...) {
			if p.t.kind == '(' {
				p.parens() // SET NULL (some of the fields)
			}
			return strings.Join(a, " ")
		}
	}
	p.fail("what happens ON DELETE")
	return ""
}

// column reads a column and its own constraints.
func (p *parser) column() {
	f := connectors.Field{Name: p.name(), Nullable: true}
	var info typeInfo
	f.Type, info = p.typ()
	f.Kind, f.Length = info.kind, info.length
	base := strings.ToLower(f.Type)
	f.Zoned = f.Kind == connectors.Timestamp && (strings.Contains(base, "with time zone") || base == "timestamptz" ||
		strings.HasPrefix(base, "timestamptz("))
	if strings.HasSuffix(base, "serial") {
		f.Nullable = false
	}
	at := len(p.out.Fields)
	p.add(f, info)
	if i := p.out.Index(f.Name); i >= 0 {
		at = i
	}
	for p.err == nil && p.t.kind != ',' && p.t.kind != ')' && p.t.kind != endOfText {
		switch {
		case p.accept("CONSTRAINT"):
			p.name()
		case p.accept("NOT", "NULL"):
			p.out.Fields[at].Nullable = false
		case p.accept("DEFAULT"):
			p.out.Fields[at].Default = connectors.ConstantDefault(string(p.l.b[p.t.start:]))
		case p.accept("PRIMARY", "KEY"):
			p.out.setKey([]string{f.Name})
		case p.accept("UNIQUE"):
			p.unique([]string{f.Name})
		case p.accept("COLLATE"):
			if p.unlike[p.id()] {
				p.out.info[at].loose = collated
			}
		case p.t.is("REFERENCES"):
			p.references("", []string{f.Name})
		case p.accept("GENERATED", "ALWAYS", "AS"):
			p.out.Fields[at].Generated = p.t.kind == '('
		default:
			p.pass()
		}
	}
}

// createDomain reads what follows CREATE DOMAIN.
func (p *parser) createDomain() {
	id := p.id()
	p.accept("AS")
	_, info := p.typ()
	if p.accept("COLLATE") && p.unlike[p.id()] {
		info.loose = collated
	}
	for p.err == nil && p.t.kind != endOfText {
		if p.accept("NOT", "NULL") {
			info.notNull = true
			continue
		}
		p.pass()
	}
	if p.err == nil {
		p.domains[id] = info
	}
}

// createType reads what follows CREATE TYPE, for the texts that an enumeration takes.
func (p *parser) createType() {
	id := p.id()
	if !p.accept("AS", "ENUM") || p.t.kind != '(' {
		return
	}
	labels := []string{}
	for p.advance(); p.t.kind == literal; p.advance() {
		labels = append(labels, p.text())
		if p.advance(); p.t.kind != ',' {
			break
		}
	}
	if p.t.kind == ')' {
		p.enums[id] = labels
	}
}

// alterType reads what follows ALTER TYPE: dumps of pg_upgrade add the texts of an enumeration one by one.
func (p *parser) alterType() {
	id := p.id()
	if labels := p.enums[id]; labels != nil && p.accept("ADD", "VALUE") {
		p.enums[id] = append(slices.Clip(labels), p.text())
	}
}

// text is what the literal at hand means.
func (p *parser) text() string {
	v, _, _, err := dialect{conform: p.l.conform}.literal(p.l.b[p.t.start:p.t.end], nil)
	if err != nil {
		p.fail("a text")
	}
	return string(v)
}

// createUniqueIndex reads what follows CREATE UNIQUE INDEX; one on plain fields is a constraint in all but
// name.
func (p *parser) createUniqueIndex() {
	p.accept("CONCURRENTLY")
	p.accept("IF", "NOT", "EXISTS")
	if !p.t.is("ON") {
		p.id()
	}
	if !p.accept("ON") {
		return
	}
	p.accept("ONLY")
	t := p.tables[p.id()]
	if p.accept("USING") {
		p.name()
	}
	if t == nil || p.t.kind != '(' {
		return
	}
	fields := p.names()
	for p.t.kind != endOfText && !p.t.is("WHERE") {
		p.pass()
	}
	known := func(f string) bool { return t.Index(f) >= 0 }
	if p.err == nil && !p.t.is("WHERE") && !slices.ContainsFunc(fields, func(f string) bool { return !known(f) }) {
		t.addUnique(fields)
		t.sure = append(t.sure, fields)
	}
}

// alterTable reads what follows ALTER TABLE. It returns the table if its fields change in a way that cannot
// be followed.
func (p *parser) alterTable() (changed *table) {
	p.accept("IF", "EXISTS")
	p.accept("ONLY")
	if p.out = p.tables[p.id()]; p.out == nil {
		return nil
	}
	for p.err == nil && p.t.kind != endOfText {
		switch {
		case p.t.is("DISABLE"), p.t.is("ENABLE"), p.t.is("OWNER"):
		case p.accept("ATTACH", "PARTITION"):
			parent := p.out.ID
			if part := p.tables[p.id()]; part != nil && part.Seen == 0 && p.root(parent) != part.ID {
				part.parent = &parent
			} else if part != nil {
				changed = p.out // its rows stand before that
			}
		case p.accept("DETACH"):
			changed = p.out
		case p.accept("ADD"):
			p.accept("COLUMN")
			p.accept("IF", "NOT", "EXISTS")
			p.element()
		case p.accept("ALTER"):
			p.accept("COLUMN")
			field := p.name()
			switch {
			case p.accept("SET", "NOT", "NULL"):
				p.out.setNullable(field, false)
			case p.accept("DROP", "NOT", "NULL"):
				p.out.setNullable(field, true)
			case p.t.is("TYPE"), p.accept("SET", "DATA"):
				changed = p.out
			}
		case p.accept("RENAME"):
			if !p.t.is("CONSTRAINT") {
				changed = p.out
			}
		case p.accept("DROP"):
			if !p.t.is("CONSTRAINT") {
				changed = p.out
			}
		case p.accept("SET", "SCHEMA"):
			changed = p.out
		}
		p.skip()
		if p.t.kind == ')' {
			p.fail("a comma")
		} else if p.t.kind == ',' {
			p.advance()
		}
	}
	return changed
}
