package mssqldump

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lethe/connectors"
	"lethe/connectors/internal/dumpfile"
)

// table is a table of the script.
type table struct {
	dumpfile.Entry
	info  []typeInfo // of each field
	arity int        // the most values of a row, where nobody names the fields
}

// index finds a field by its name, which a server mostly takes in any case.
func (t *table) index(name string) int {
	if i := t.Index(name); i >= 0 {
		return i
	}
	return slices.IndexFunc(t.Fields, func(f connectors.Field) bool { return strings.EqualFold(f.Name, name) })
}

// filled are the fields that an INSERT without a list of fields fills: neither computed nor of type rowversion.
func (t *table) filled() (places []int) {
	for i, f := range t.Fields {
		if !f.Generated && !t.info[i].identity {
			places = append(places, i)
		}
	}
	return places
}

var errNotUnderstood = fmt.Errorf("it cannot be understood: %w", connectors.ErrDamaged)

// parser reads a statement.
type parser struct {
	*schema
	l     lexer
	t     token
	begun bool
	err   error
}

func (p *parser) advance() {
	if p.begun && p.t.kind == endOfText { // nothing waits for more
		p.fail()
		return
	}
	p.begun = true
	if p.t = p.l.next(); p.t.kind == endOfText && p.l.short && p.err == nil {
		p.err = errNotUnderstood
	}
}

// accept passes key words if they all stand there in this order.
func (p *parser) accept(keywords ...string) bool {
	was, t := p.l, p.t
	for _, k := range keywords {
		if !p.t.is(k) {
			p.l, p.t = was, t
			return false
		}
		p.advance()
	}
	return true
}

func (p *parser) sign(kind byte) bool {
	if p.t.kind != kind {
		return false
	}
	p.advance()
	return true
}

func (p *parser) fail() {
	if p.err == nil {
		p.err = errNotUnderstood
	}
}

func (p *parser) name() string {
	if !p.t.name() {
		p.fail()
		return ""
	}
	s := p.t.text
	p.advance()
	return s
}

// id reads a name of up to three parts: [database].[schema].[table].
func (p *parser) id() dumpfile.TableID {
	parts := []string{p.name()}
	for p.err == nil && p.t.kind == '.' {
		p.advance()
		if p.t.kind == '.' { // database..table
			parts = append(parts, "")
			continue
		}
		parts = append(parts, p.name())
	}
	id := dumpfile.TableID{Database: p.database, Schema: "dbo", Name: parts[len(parts)-1]}
	if len(parts) > 1 && parts[len(parts)-2] != "" {
		id.Schema = parts[len(parts)-2]
	}
	if len(parts) > 2 {
		id.Database = parts[len(parts)-3]
	}
	return p.spelled(id)
}

// names reads a list of names in parentheses; ASC and DESC behind one are passed.
func (p *parser) names() (list []string) {
	if !p.sign('(') {
		p.fail()
	}
	for p.err == nil {
		list = append(list, p.name())
		_ = p.accept("ASC") || p.accept("DESC")
		if p.sign(')') {
			return list
		}
		if !p.sign(',') {
			p.fail()
		}
	}
	return nil
}

// parenthesis passes what stands in parentheses.
func (p *parser) parenthesis() {
	depth := 0
	for p.err == nil {
		switch p.t.kind {
		case '(':
			depth++
		case ')':
			depth--
		case endOfText:
			p.fail()
			return
		}
		p.advance()
		if depth <= 0 {
			return
		}
	}
}

// typ reads a type: [nvarchar](50), decimal(18, 2), [dbo].[Name].
func (p *parser) typ() (t typeInfo) {
	name := p.name()
	schema := ""
	if p.sign('.') {
		schema, name = name, p.name()
	}
	t.base = strings.ToLower(name)
	if t.base == "national" || t.base == "double" {
		t.base = map[string]string{"national": "nvarchar", "double": "float"}[t.base]
		p.advance()
	}
	if p.accept("VARYING") && t.base == "character" {
		t.base = "varchar"
	}
	if p.sign('(') {
		for p.err == nil && !p.sign(')') {
			switch {
			case p.t.kind == number:
				n, _ := strconv.Atoi(string(p.l.b[p.t.start:p.t.end]))
				t.args = append(t.args, n)
			case p.t.is("MAX"):
				t.args = append(t.args, -1)
			case p.t.kind != ',' && !p.t.name() && p.t.kind != '.':
				p.fail()
			}
			p.advance()
		}
	}
	if own, ok := p.types[strings.ToLower(name)]; ok && (schema != "" || kinds[t.base] == "") {
		return own
	}
	t.finish()
	return t
}

// createTable reads what stands behind CREATE TABLE; nil where it is none of its own fields.
func (p *parser) createTable() *table {
	t := &table{Entry: dumpfile.Entry{ID: p.id(), Created: true}}
	if p.t.kind != '(' {
		return nil // AS FILETABLE, AS NODE
	}
	p.advance()
	for p.err == nil && !p.sign(')') {
		if !p.constraint(t) {
			p.column(t)
		}
		if p.t.kind != ')' && !p.sign(',') && !p.startsConstraint() {
			p.fail()
		}
	}
	p.settle(t)
	return t
}

// settle makes the key NOT NULL, as the server does.
func (p *parser) settle(t *table) {
	for i := range t.Fields {
		if slices.Contains(t.Key, t.Fields[i].Name) {
			t.Fields[i].Nullable = false
		}
	}
}

func (p *parser) startsConstraint() bool {
	return p.t.isOne("CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "CHECK", "PERIOD", "INDEX", "CONNECTION")
}

// column reads a field of a table.
func (p *parser) column(t *table) {
	f := connectors.Field{Name: p.name(), Nullable: true}
	var info typeInfo
	if p.accept("AS") { // computed
		f.Generated, f.Type, f.Kind = true, "computed", connectors.Text
		info.kind = connectors.Text
		p.parenthesis()
	} else if p.t.name() {
		info = p.typ()
		f.Type, f.Kind, f.Length = info.written(), info.kind, max(0, info.length())
		f.Generated = info.base == "timestamp"
		f.Zoned = info.base == "datetimeoffset"
	} else {
		p.fail()
		return
	}
	t.Fields, t.info = append(t.Fields, f), append(t.info, info)
	at := len(t.Fields) - 1
	for p.err == nil && p.t.kind != ',' && p.t.kind != ')' {
		p.property(t, at)
	}
}

// property reads one of what stands behind the type of a field.
func (p *parser) property(t *table, at int) {
	f := &t.Fields[at]
	switch {
	case p.accept("NOT", "NULL"):
		f.Nullable = false
	case p.accept("NULL"), p.accept("NOT", "FOR", "REPLICATION"), p.accept("PERSISTED"):
	case p.accept("COLLATE"):
		t.info[at].exact = isExact(p.name())
	case p.accept("IDENTITY"):
		t.info[at].identity, f.Nullable = true, false
		if p.t.kind == '(' {
			p.parenthesis()
		}
	case p.accept("CONSTRAINT"):
		p.name()
	case p.accept("PRIMARY", "KEY"):
		t.Key = []string{f.Name}
		p.index()
	case p.accept("UNIQUE"):
		t.Unique = append(t.Unique, []string{f.Name})
		p.index()
	case p.accept("FOREIGN", "KEY"):
	case p.accept("REFERENCES"):
		p.references(t, []string{f.Name})
	case p.accept("GENERATED", "ALWAYS", "AS"):
		f.Generated = true
		for p.t.isOne("ROW", "START", "END", "HIDDEN", "TRANSACTION_ID", "SEQUENCE_NUMBER") {
			p.advance()
		}
	case p.accept("CHECK"), p.accept("WITH"), p.accept("ENCRYPTED", "WITH"), p.accept("MASKED", "WITH"):
		_ = p.accept("NOT", "FOR", "REPLICATION")
		p.parenthesis()
	case p.accept("DEFAULT"):
		p.expression()
	case p.t.kind == '(':
		p.parenthesis()
	default: // ROWGUIDCOL, SPARSE, FILESTREAM, CLUSTERED, ON [PRIMARY], WITH FILLFACTOR = 90
		p.advance()
	}
}

// isExact reports whether a collation compares bytes.
func isExact(collation string) bool {
	upper := strings.ToUpper(collation)
	return strings.HasSuffix(upper, "_BIN") || strings.HasSuffix(upper, "_BIN2") || strings.Contains(upper, "_BIN2_")
}

// expression passes a default: a literal, perhaps with a sign, a function with its parentheses, or parentheses.
func (p *parser) expression() {
	for p.t.kind == '-' || p.t.kind == '+' {
		p.advance()
	}
	if p.t.kind == '(' {
		p.parenthesis()
		return
	}
	p.advance()
	for p.err == nil && p.t.kind == '.' {
		p.advance()
		p.advance()
	}
	if p.t.kind == '(' {
		p.parenthesis()
	}
}

// index passes what stands behind PRIMARY KEY or UNIQUE up to a list of fields, if there is one.
func (p *parser) index() {
	for p.t.isOne("CLUSTERED", "NONCLUSTERED", "HASH", "NOT", "ENFORCED") && p.err == nil {
		if p.t.is("NOT") { // NULL, or ENFORCED
			was, t := p.l, p.t
			if p.advance(); !p.t.is("ENFORCED") {
				p.l, p.t = was, t
				return
			}
		}
		p.advance()
	}
}

// constraint reads one of the table; false where a field stands there.
func (p *parser) constraint(t *table) bool {
	if !p.startsConstraint() {
		return false
	}
	name := ""
	if p.accept("CONSTRAINT") {
		name = p.name()
	}
	switch {
	case p.accept("PRIMARY", "KEY"):
		p.index()
		t.Key = t.own(p.names())
	case p.accept("UNIQUE"):
		p.index()
		t.Unique = append(t.Unique, t.own(p.names()))
	case p.accept("FOREIGN", "KEY"):
		fields := t.own(p.names())
		if !p.accept("REFERENCES") {
			p.fail()
		}
		p.references(t, fields)
		t.ForeignKeys[len(t.ForeignKeys)-1].Name = name
	case p.accept("DEFAULT"):
		p.expression()
	case p.accept("CHECK"):
		_ = p.accept("NOT", "FOR", "REPLICATION")
		p.parenthesis()
	default: // PERIOD FOR SYSTEM_TIME, INDEX, CONNECTION
		p.advance()
	}
	for p.err == nil && p.t.kind != ',' && p.t.kind != ')' && p.t.kind != endOfText && !p.startsConstraint() {
		if p.t.kind == '(' {
			p.parenthesis()
		} else {
			p.advance()
		}
	}
	return true
}

// own are the names of fields as the table has them.
func (t *table) own(names []string) []string {
	for n, name := range names {
		if i := t.index(name); i >= 0 {
			names[n] = t.Fields[i].Name
		}
	}
	return names
}

// references reads what stands behind REFERENCES. Where it names no fields it is the key of the other table.
func (p *parser) references(t *table, fields []string) {
	ref := p.id()
	fk := connectors.ForeignKey{Fields: fields, RefTable: ref.Name, OnDelete: "NO ACTION", OnUpdate: "NO ACTION"}
	if p.t.kind == '(' {
		fk.RefFields = p.names()
	}
	for p.err == nil && p.t.is("ON") {
		was, at := p.l, p.t
		p.advance()
		to := &fk.OnDelete
		switch {
		case p.accept("UPDATE"):
			to = &fk.OnUpdate
		case p.accept("DELETE"):
		default: // ON [PRIMARY]
			p.l, p.t = was, at
			p.advance()
			continue
		}
		for _, action := range []string{"NO ACTION", "CASCADE", "SET NULL", "SET DEFAULT"} {
			if p.accept(strings.Fields(action)...) {
				*to = action
			}
		}
	}
	t.ForeignKeys, t.Refs = append(t.ForeignKeys, fk), append(t.Refs, ref)
}

// alterTable follows ALTER TABLE; changed says that it changes rows or fields in a way that is not followed.
func (p *parser) alterTable() (id dumpfile.TableID, changed bool) {
	id = p.id()
	_ = p.accept("WITH", "CHECK") || p.accept("WITH", "NOCHECK")
	t := p.tables[id]
	switch {
	case t == nil, p.err != nil:
		return id, false
	case p.accept("ADD"):
		for p.err == nil {
			if !p.constraint(t) && !p.accept("DEFAULT") {
				return id, true // a field
			}
			for p.err == nil && p.t.kind != ',' && p.t.kind != endOfText && p.t.kind != ';' { // FOR [field] WITH VALUES
				if p.t.kind == '(' {
					p.parenthesis()
				} else {
					p.advance()
				}
			}
			if !p.sign(',') {
				break
			}
		}
		p.settle(t)
		return id, false
	case p.accept("CHECK"), p.accept("NOCHECK"), p.accept("ENABLE"), p.accept("DISABLE"), p.accept("SET"):
		return id, false
	case p.accept("DROP", "CONSTRAINT"):
		return id, false
	}
	return id, true
}

// createUnique follows CREATE UNIQUE INDEX: one without a condition is a constraint.
func (p *parser) createUnique() {
	p.name()
	if !p.accept("ON") {
		return
	}
	t := p.tables[p.id()]
	if t == nil || p.t.kind != '(' {
		return
	}
	fields := t.own(p.names())
	for p.err == nil && p.t.kind != endOfText && p.t.kind != ';' {
		if p.t.is("WHERE") {
			return
		}
		p.advance()
	}
	t.Unique = append(t.Unique, fields)
}

// createType follows CREATE TYPE name FROM type.
func (p *parser) createType() {
	name := p.name()
	if p.sign('.') {
		name = p.name()
	}
	if p.accept("FROM") && p.err == nil {
		p.types[strings.ToLower(name)] = p.typ()
	}
}

// complete gives foreign keys that name no fields the key of what they refer to. Of keys in tables that are not in the
// script nothing is known.
func (s *schema) complete() {
	for _, t := range s.order {
		for i, ref := range t.Refs {
			to := s.tables[ref]
			if to == nil {
				continue
			}
			if t.ForeignKeys[i].RefFields == nil {
				t.ForeignKeys[i].RefFields = slices.Clone(to.Key)
			}
			t.ForeignKeys[i].RefFields = to.own(t.ForeignKeys[i].RefFields)
		}
	}
}

var errRows = errors.New("a statement fills or changes it in a way that is not followed")
