package mysqldump

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"lethe/connectors"
	"lethe/connectors/internal/dumpfile"
)

// table is a table as the file describes it.
type table struct {
	dumpfile.Entry
	hidden []bool // INVISIBLE fields: an INSERT without a list of columns has no value for them
	bits   []int  // declared length of BIT fields

	collations []string // of each field, as declared for it or for the table; "" where the file does not say
	charsets   []string // of each field, likewise
	sets       []charset
	beside     []*table // all of the file, with those that its texts refer to

	pieces []piece // where its rows stand in a folder
	arity  int     // values in a row of a text; 0: none was seen

	named     []connectors.Field   // as its INSERTs name them, where the file does not create it
	sequence  bool                 // MariaDB's, as SHOW CREATE TABLE has it
	versioned bool                 // WITH SYSTEM VERSIONING
	history   bool                 // its INSERTs give row_start and row_end, which CREATE TABLE may leave out
	stamps    map[string]bool      // fields AS ROW START and ROW END
	periods   map[string][2]string // PERIOD FOR: the fields in which it starts and ends
}

// The fields that a versioned table has if it names no others, as --dump-history gives them.
const (
	rowStart = "row_start"
	rowEnd   = "row_end"
)

// name notes fields that an INSERT names of a table that the file has not created.
func (t *table) name(columns []string) {
	for _, name := range columns {
		if !slices.ContainsFunc(t.named, func(f connectors.Field) bool { return strings.EqualFold(f.Name, name) }) {
			t.named = append(t.named, connectors.Field{Name: name, Type: "text", Kind: connectors.Text, Nullable: true})
		}
	}
}

// without is the table as it is when a file shows no trace of it.
func (t *table) without() *table {
	gone := *t
	gone.Seen = 0
	return &gone
}

// addHistory adds the fields that only --dump-history shows. The second ends the key, as it does in the server.
func (t *table) addHistory() {
	if t.index(rowEnd) >= 0 {
		return
	}
	t.hidden = slices.Grow(t.hidden, len(t.Fields)+2)[:len(t.Fields)+2]
	t.stamps = map[string]bool{rowStart: true, rowEnd: true}
	t.collations = slices.Grow(t.collations, len(t.Fields)+2)[:len(t.Fields)+2]
	t.Fields = slices.Clip(t.Fields)
	for _, name := range []string{rowStart, rowEnd} {
		t.hidden[len(t.Fields)] = true
		t.Fields = append(t.Fields, connectors.Field{Name: name, Type: "timestamp(6)", Kind: connectors.Timestamp,
			Generated: true, Zoned: true})
	}
	if len(t.Key) > 0 {
		t.Key = append(slices.Clip(t.Key), rowEnd)
	}
}

// systemDatabases hold no tables of an application.
var systemDatabases = []string{"mysql", "sys", "information_schema", "performance_schema"}

// kinds maps the declared types to kinds; a type that is missing here is text.
var kinds = map[string]connectors.Kind{
	"tinyint": connectors.Integer, "smallint": connectors.Integer, "mediumint": connectors.Integer,
	"int": connectors.Integer, "integer": connectors.Integer, "bigint": connectors.Integer,
	"year": connectors.Integer, "bool": connectors.Integer, "boolean": connectors.Integer,
	"decimal": connectors.Decimal, "numeric": connectors.Decimal, "dec": connectors.Decimal,
	"fixed": connectors.Decimal,
	"float": connectors.Float, "double": connectors.Float, "real": connectors.Float,
	"date":     connectors.Date,
	"time":     connectors.Time,
	"datetime": connectors.Timestamp, "timestamp": connectors.Timestamp,
	"binary": connectors.Binary, "varbinary": connectors.Binary, "tinyblob": connectors.Binary,
	"blob": connectors.Binary, "mediumblob": connectors.Binary, "longblob": connectors.Binary,
	"geometry": connectors.Binary, "point": connectors.Binary, "linestring": connectors.Binary,
	"polygon": connectors.Binary, "multipoint": connectors.Binary, "multilinestring": connectors.Binary,
	"multipolygon": connectors.Binary, "geometrycollection": connectors.Binary, "geomcollection": connectors.Binary,
	"vector": connectors.Binary,
	"bit":    connectors.Bit,
	"json":   connectors.JSON,
}

// lengths of the types that declare none, as information_schema gives them; those of LONGTEXT and LONGBLOB
// are as good as no limit.
var lengths = map[string]int{
	"tinytext": 255, "text": 65535, "mediumtext": 16777215,
	"tinyblob": 255, "blob": 65535, "mediumblob": 16777215,
}

// creator parses one CREATE TABLE or ALTER TABLE statement.
type creator struct {
	l     lexer
	t     token
	err   error
	out   *table
	alter bool // what ends an element may be the end of the statement
	utc   bool // the session is in UTC, so that a TIMESTAMP is written in it
	moved bool // an ALTER TABLE gave a column another place
	// set and collation of the column or table at hand, lower case; "" where it declares none
	set, collation string
	// json lists the fields that a check holds to be JSON: what MariaDB makes of the type of that name.
	json []string
}

// createTable parses a CREATE TABLE statement whose lexer stands behind the word TABLE. It returns nil,
// without an error, for a form that lists no columns (LIKE, SELECT). A table that cannot be parsed to its end
// is returned as far as it was, and says so as Unread.
func createTable(l lexer, database string, utc bool) (*table, error) {
	c := creator{l: l, utc: utc, out: &table{Entry: dumpfile.Entry{Created: true}}}
	c.advance()
	for c.t.is("IF") || c.t.is("NOT") || c.t.is("EXISTS") {
		c.advance()
	}
	c.out.ID = c.tableName(database)
	if c.t.kind != '(' || c.err != nil {
		return nil, c.err
	}
	c.advance()
	if c.t.is("LIKE") {
		return nil, nil
	}
	for c.err == nil {
		c.element()
		if c.t.kind != ',' {
			break
		}
		c.advance()
	}
	if c.err == nil && c.t.kind != ')' {
		c.fail("a closing parenthesis")
	}
	c.settle(c.out)
	if c.err != nil {
		c.out.Unread = c.err
		return c.out, nil
	}
	c.options()
	return c.out, nil
}

// settle gives the fields of a table what its keys and checks say of them.
func (c *creator) settle(t *table) {
	for _, name := range t.Key {
		if i := t.index(name); i >= 0 {
			t.Fields[i].Nullable = false
		}
	}
	for _, name := range c.json {
		if i := t.index(name); i >= 0 && t.Fields[i].Kind == connectors.Text {
			t.Fields[i].Kind = connectors.JSON
		}
	}
}

// names reports whether such fields can name the rows, which a unique constraint says: not several states of one row, as
// a table with its history has, nor by the long texts that a server's connector refuses as well.
func (t *table) names(fields []string) bool {
	return len(t.stamps) == 0 && !slices.ContainsFunc(fields, func(name string) bool {
		f, _ := t.Field(name)
		base, _, _ := strings.Cut(strings.ToLower(f.Type), "(")
		return strings.HasSuffix(base, "text") || strings.HasSuffix(base, "blob")
	})
}

func (t *table) index(field string) int {
	i := t.Index(field)
	if i < 0 {
		i = slices.IndexFunc(t.Fields, func(f connectors.Field) bool { return strings.EqualFold(f.Name, field) })
	}
	return i
}

func (c *creator) advance() { c.t = c.l.next() }

func (c *creator) fail(wanted string) {
	if c.err == nil {
		kind := errors.ErrUnsupported
		if c.out.ID.Name == "" {
			kind = connectors.ErrDamaged
		}
		c.err = fmt.Errorf("create table %s: %s expected at byte %d of the statement: %w", c.out.ID.Name, wanted,
			c.t.start, kind)
	}
	c.t = token{}
}

func (c *creator) name() string {
	t := c.l.asName(c.t)
	if !t.name() {
		c.fail("a name")
		return ""
	}
	c.advance()
	return t.text
}

func (c *creator) tableName(database string) dumpfile.TableID {
	id := dumpfile.TableID{Database: database, Name: c.name()}
	if c.t.kind == '.' {
		c.advance()
		id = dumpfile.TableID{Database: id.Name, Name: c.name()}
	}
	return id
}

// names parses a parenthesised list of column names; lengths and directions of key parts are skipped, and
// expressions give an empty list.
func (c *creator) names() []string {
	if c.t.kind != '(' {
		c.fail("an opening parenthesis")
		return nil
	}
	c.advance()
	var list []string
	expression := false
	for c.err == nil {
		if c.t.kind == '(' {
			expression = true
			c.parens()
		} else {
			list = append(list, c.part()...)
		}
		if c.t.kind == '(' {
			c.parens()
		}
		for c.t.is("ASC") || c.t.is("DESC") {
			c.advance()
		}
		if c.t.kind != ',' {
			break
		}
		c.advance()
	}
	if c.t.kind != ')' {
		c.fail("a closing parenthesis")
		return nil
	}
	c.advance()
	if expression {
		return nil
	}
	return list
}

// part parses the name of a key part. A period WITHOUT OVERLAPS stands for the two fields that bound it, in the
// order in which the server has them.
func (c *creator) part() []string {
	name := c.name()
	if !c.t.is("WITHOUT") {
		return []string{name}
	}
	c.advance()
	c.expect("OVERLAPS")
	period, ok := c.out.periods[strings.ToLower(name)]
	if !ok {
		c.fail("a period")
	}
	return []string{period[1], period[0]}
}

// period parses PERIOD FOR.
func (c *creator) period() {
	c.advance()
	c.expect("FOR")
	name := strings.ToLower(c.name())
	if bounds := c.names(); len(bounds) == 2 {
		if c.out.periods == nil {
			c.out.periods = map[string][2]string{}
		}
		c.out.periods[name] = [2]string(bounds)
	}
}

// ends reports whether an element ends here.
func (c *creator) ends() bool {
	return c.t.kind == ',' || c.t.kind == ')' || c.alter && c.t.kind == endOfText
}

// parens skips a parenthesised text and returns it.
func (c *creator) parens() string {
	start, depth := c.t.start, 0
	for {
		switch c.t.kind {
		case '(':
			depth++
		case ')':
			depth--
		case endOfText:
			c.fail("a closing parenthesis")
			return ""
		}
		end := c.t.end
		c.advance()
		if depth == 0 {
			return string(c.l.b[start:end])
		}
	}
}

// skip goes to the comma or parenthesis that ends the element.
func (c *creator) skip() {
	for c.err == nil && !c.ends() {
		switch c.t.kind {
		case '(':
			c.parens()
		case endOfText:
			c.fail("a closing parenthesis")
		default:
			c.advance()
		}
	}
}

// element parses a column, a key or a constraint.
func (c *creator) element() {
	if c.t.kind != word {
		c.column()
		return
	}
	var constraint string
	if c.t.is("CONSTRAINT") {
		c.advance()
		if c.t.kind != word || !isConstraint(c.t.text) {
			constraint = c.name()
		}
	}
	switch strings.ToUpper(c.t.text) {
	case "PRIMARY":
		c.advance()
		c.expect("KEY")
		c.indexType()
		c.out.Key = c.names()
		c.skip()
	case "UNIQUE":
		c.advance()
		if c.t.is("KEY") || c.t.is("INDEX") {
			c.advance()
		}
		if c.t.kind != '(' && !c.t.is("USING") {
			c.name()
		}
		c.indexType()
		if unique := c.names(); len(unique) > 0 {
			c.out.Unique = append(c.out.Unique, unique)
		}
		c.skip()
	case "FOREIGN":
		c.advance()
		c.expect("KEY")
		if c.t.kind != '(' {
			c.name()
		}
		c.references(constraint, c.names())
		c.skip()
	case "CHECK":
		c.advance()
		c.check()
		c.skip()
	case "PERIOD":
		c.period()
	case "KEY", "INDEX", "FULLTEXT", "SPATIAL":
		c.skip()
	default:
		c.column()
	}
}

var jsonValid = regexp.MustCompile("(?i)^\\(+json_valid\\(`?((?:[^`]|``)+?)`?\\)\\)+$")

// check reads the condition of a CHECK.
func (c *creator) check() {
	if c.t.kind != '(' {
		return
	}
	if m := jsonValid.FindStringSubmatch(c.parens()); m != nil {
		c.json = append(c.json, strings.ReplaceAll(m[1], "``", "`"))
	}
}

func isConstraint(s string) bool {
	return slices.Contains([]string{"PRIMARY", "UNIQUE", "FOREIGN", "CHECK"}, strings.ToUpper(s))
}

func (c *creator) expect(keyword string) {
	if !c.t.is(keyword) {
		c.fail(keyword)
		return
	}
	c.advance()
}

func (c *creator) indexType() {
	if c.t.is("USING") {
		c.advance()
		c.advance()
	}
}

func (c *creator) references(name string, fields []string) {
	c.expect("REFERENCES")
	ref := c.tableName(c.out.ID.Database)
	fk := connectors.ForeignKey{Name: name, Fields: fields, RefTable: ref.Name, RefFields: c.names(),
		OnDelete: "RESTRICT", OnUpdate: "RESTRICT"}
	for c.t.is("ON") || c.t.is("MATCH") {
		on := c.t.is("ON")
		c.advance()
		deletes, updates := c.t.is("DELETE"), c.t.is("UPDATE")
		c.advance()
		if !on {
			continue
		}
		action := strings.ToUpper(c.t.text)
		c.advance()
		if action == "SET" || action == "NO" {
			action += " " + strings.ToUpper(c.t.text)
			c.advance()
		}
		switch {
		case deletes:
			fk.OnDelete = action
		case updates:
			fk.OnUpdate = action
		}
	}
	c.out.ForeignKeys = append(c.out.ForeignKeys, fk)
	c.out.Refs = append(c.out.Refs, ref)
}

func (c *creator) column() {
	f := connectors.Field{Name: c.name(), Nullable: true}
	start, base := c.t.start, strings.ToLower(c.t.text)
	end := c.t.end
	if c.t.kind != word {
		c.fail("a type")
	}
	c.advance()
	if base == "double" && c.t.is("PRECISION") {
		end = c.t.end
		c.advance()
	}
	var args string
	if c.t.kind == '(' {
		if args = c.parens(); c.err != nil {
			return
		}
		end = start + strings.LastIndex(string(c.l.b[start:c.t.start]), ")") + 1
	}
	for c.t.is("UNSIGNED") || c.t.is("ZEROFILL") || c.t.is("SIGNED") {
		end = c.t.end
		c.advance()
	}
	if c.err != nil {
		return
	}
	f.Type = string(c.l.b[start:end])
	f.Kind = connectors.Text
	if k, ok := kinds[base]; ok {
		f.Kind = k
	}
	f.Length = declaredLength(base, args)
	f.Zoned = base == "timestamp" && c.utc
	c.set, c.collation = "", ""
	hidden := c.attributes(&f)
	if c.set == "" && c.collation == "" {
		c.collation = asTable
	}
	c.out.collations = append(c.out.collations, c.collation)
	c.out.charsets = append(c.out.charsets, setOf(c.set, c.collation))
	c.out.Fields = append(c.out.Fields, f)
	c.out.hidden = append(c.out.hidden, hidden)
}

// attributes parses what follows the type of a column, and reports whether it is INVISIBLE.
func (c *creator) attributes(f *connectors.Field) (hidden bool) {
	for c.err == nil && !c.ends() {
		t := c.t
		switch {
		case t.kind == endOfText:
			c.fail("a closing parenthesis")
		case t.kind == '(':
			c.parens()
		case t.is("NOT"):
			if c.follows("NULL") {
				f.Nullable = false
			}
		case t.is("DEFAULT"):
			if !c.follows("NULL") {
				f.Default = connectors.ConstantDefault(string(c.l.b[c.t.start:]))
			}
		case t.is("PRIMARY"):
			c.advance()
			c.expect("KEY")
			c.out.Key = []string{f.Name}
		case t.is("UNIQUE"):
			c.follows("KEY")
			c.out.Unique = append(c.out.Unique, []string{f.Name})
		case t.is("COMMENT"):
			c.advance()
			c.advance()
		case t.is("ON"):
			if c.follows("UPDATE") {
				f.AutoUpdate = true
			}
		case t.is("GENERATED"), t.is("AS"):
			f.Generated = true
			c.advance()
		case t.is("CHECK"):
			c.advance()
			c.check()
		case t.is("REFERENCES"):
			c.references("", []string{f.Name})
		case t.is("CHARACTER"), t.is("CHARSET"), t.is("COLLATE"):
			if c.charset(); c.set == "binary" && f.Kind == connectors.Text {
				f.Kind = connectors.Binary
			}
		default:
			hidden = hidden || t.is("INVISIBLE")
			c.place(f)
		}
	}
	return hidden
}

// place parses what says that a column is filled by the versioning of its table, and where it stands.
func (c *creator) place(f *connectors.Field) {
	t := c.t
	c.advance()
	switch {
	case t.is("ROW") && (c.t.is("START") || c.t.is("END")):
		if c.out.stamps == nil {
			c.out.stamps = map[string]bool{}
		}
		c.out.stamps[f.Name], f.Nullable = true, false
	case t.is("FIRST"), t.is("AFTER"):
		c.moved = true
	}
}

// follows passes the token at hand, and the keyword if that is next.
func (c *creator) follows(keyword string) bool {
	c.advance()
	found := c.t.is(keyword)
	if found {
		c.advance()
	}
	return found
}

// declaredLength returns the most characters or bytes that a type holds, counted as
// information_schema.columns.character_maximum_length does.
func declaredLength(base, args string) int {
	if n, ok := lengths[base]; ok {
		return n
	}
	switch base {
	case "char", "varchar", "nchar", "nvarchar", "character", "binary", "varbinary":
		if args == "" {
			return 1
		}
		n, err := strconv.Atoi(strings.Trim(args, "() "))
		if err != nil {
			return 0
		}
		return n
	}
	return 0
}

// bitLength is the number of bits of a BIT type as declared.
func bitLength(declared string) int {
	_, args, ok := strings.Cut(declared, "(")
	if !ok {
		return 1
	}
	n, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(args), ")")))
	if err != nil || n < 1 || n > 64 {
		return 64
	}
	return n
}
