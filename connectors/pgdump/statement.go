package pgdump

import (
	"bytes"
	"slices"
	"strings"

	"lethe/connectors"
	"lethe/connectors/internal/dumpfile"
)

// command reads a line for psql: \connect, \restrict and so on.
func (w *walker) command() error {
	end := bytes.IndexByte(w.Rest(), '\n')
	for ; end < 0 && !w.EOF(); end = bytes.IndexByte(w.Rest(), '\n') {
		if err := w.extend(); err != nil {
			return err
		}
	}
	if end < 0 {
		end = len(w.Rest())
	}
	line := strings.TrimSpace(string(w.Rest()[:end]))
	name, args, _ := strings.Cut(line, " ")
	switch name {
	case `\unrestrict`: // may follow the trailer
	case `\connect`, `\c`:
		if err := w.flush(); err != nil {
			return err
		}
		w.complete = false
		if to := connectTo(args); to != "" {
			w.database = to
		}
		w.path, w.dialect.conform, w.lastText = "public", true, nil
	case `\encoding`:
		if err := w.flush(); err != nil {
			return err
		}
		if err := w.encoding(strings.TrimSpace(args)); err != nil {
			return err
		}
	case `\i`, `\ir`, `\include`, `\include_relative`, `\copy`:
		if !w.unchecked {
			return w.At(0, "the file reads another, which cannot be followed: %w", connectors.ErrDamaged)
		}
	}
	return w.pass(end)
}

// connectTo returns the database that \connect names: shop, "my shop" or -reuse-previous=on "dbname='my shop'".
func connectTo(args string) string {
	args = strings.Trim(args, " \t;")
	if rest, ok := strings.CutPrefix(args, "-reuse-previous=on "); ok {
		args = strings.TrimSpace(rest)
	}
	if strings.HasPrefix(args, `"`) {
		args = strings.ReplaceAll(strings.Trim(args, `"`), `""`, `"`)
	} else if i := strings.IndexByte(args, ' '); i >= 0 {
		args = args[:i]
	}
	if name, ok := strings.CutPrefix(args, "dbname='"); ok {
		args = strings.NewReplacer(`\'`, `'`, `\\`, `\`).Replace(strings.TrimSuffix(name, "'"))
	}
	if args == "-" {
		return ""
	}
	return args
}

// gather makes the statement at hand whole and returns it.
func (w *walker) gather() ([]byte, error) {
	for {
		if n := statementEnd(w.Rest(), w.dialect.conform, w.EOF()); n >= 0 {
			return w.Rest()[:n], nil
		}
		if err := w.extend(); err != nil {
			return nil, err
		}
	}
}

// other reads a statement that is no INSERT with rows.
func (w *walker) other() error {
	text, err := w.gather()
	if err != nil {
		return err
	}
	w.lastText = nil
	p := parser{schema: w.schema, l: lexer{b: text[:len(text)-1], conform: w.dialect.conform, eof: true}}
	p.advance()
	keyword := strings.ToUpper(p.t.text)
	if keyword == "COPY" {
		return w.copy(&p, len(text))
	}
	if err := w.flush(); err != nil {
		return err
	}
	if err = w.define(&p, keyword); err == nil && p.err != nil {
		err = w.At(0, "%w", p.err)
	}
	if err != nil {
		return err
	}
	if w.taken {
		w.taken = false
		w.Drop(len(text))
		return nil
	}
	return w.pass(len(text))
}

// define follows a statement for what it defines or sets.
func (w *walker) define(p *parser, keyword string) error {
	p.advance()
	switch keyword {
	case "CREATE":
		return w.create(p)
	case "ALTER":
		if p.accept("TYPE") {
			p.alterType()
		} else if p.accept("TABLE") {
			if changed := p.alterTable(); changed != nil {
				return w.untold(changed.ID)
			}
		}
	case "SET":
		return w.set(p)
	case "SELECT":
		if p.accept("pg_catalog"); p.t.kind == '.' {
			p.advance()
		}
		if p.t.is("lo_create") {
			w.large("large objects", "large objects: what the file holds of them is not read, and never changed")
		}
		if p.t.kind == '*' && bytes.Contains(p.l.b[:min(len(p.l.b), 200)], []byte(attributeStatistics)) {
			w.statistics = true
			w.large(plannerStatistics, "statistics of the planner (pg_dump --statistics): values of rows "+
				"stand in them, which are not read; the file is not rewritten")
		}
		if p.accept("set_config") && p.t.kind == '(' {
			p.advance()
			if p.string() == "search_path" {
				p.advance()
				p.advance()
				w.setPath(p.string())
			}
		}
	case "INSERT":
		return w.insertDefaults(p)
	case "UPDATE", "DELETE", "TRUNCATE", "MERGE", "WITH":
		return w.mentions(p)
	}
	return nil
}

// attributeStatistics is the function by which a dump brings what the server knows of the values of a column.
const attributeStatistics = "pg_restore_attribute_stats"

// plannerStatistics is what that is called among what is not read.
const plannerStatistics = "statistics of the planner"

// large notes that a database of the file has something that is no table.
func (w *walker) large(what, why string) {
	id := dumpfile.TableID{Database: w.database, Schema: "public", Name: what}
	if !w.others[id] {
		w.others[id] = true
		w.absent = append(w.absent, &table{Entry: dumpfile.Entry{ID: id, Created: true, Absent: why}})
	}
}

// insertDefaults reads an INSERT of DEFAULT VALUES, which is all that a table without fields can hold.
func (w *walker) insertDefaults(p *parser) error {
	p.accept("INTO")
	if t := w.tables[p.id()]; t != nil && len(t.Fields) == 0 && t.Created && p.accept("DEFAULT", "VALUES") {
		t.Seen++
		if g := w.targets[t.ID]; g != nil {
			w.taken = true
			return w.onRow(g, row{end: w.Rest()[:len(p.l.b)+1]})
		}
		return nil
	}
	if p.err == nil {
		p.l.i = 0
		p.advance()
	}
	return w.mentions(p)
}

// string is the text of the token, without its quotes where it has some.
func (p *parser) string() string {
	if p.t.kind != literal {
		return p.t.text
	}
	return strings.Trim(string(p.l.b[p.t.start:p.t.end]), "eE'")
}

// mentions refuses the rows of tables that a statement names.
func (w *walker) mentions(p *parser) error {
	for ; p.t.kind != endOfText; p.advance() {
		name, ok := p.t.name()
		if !ok {
			continue
		}
		name = w.decoded(name)
		for id := range w.tables {
			if id.Name == name {
				if err := w.untold(id); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// create reads what follows CREATE.
func (w *walker) create(p *parser) error {
	p.accept("OR", "REPLACE")
	_ = p.accept("GLOBAL") || p.accept("LOCAL")
	temporary := p.accept("TEMPORARY") || p.accept("TEMP")
	foreign := !p.accept("UNLOGGED") && p.accept("FOREIGN")
	switch {
	case p.accept("TABLE"):
		p.createTable()
		t := p.out
		if p.err != nil || !t.Created {
			return nil
		}
		if foreign {
			t.Absent = "a foreign table: another server has its rows, and the dump does not"
		}
		if temporary {
			w.others[t.ID] = true
		}
		if known := w.tables[t.ID]; known == nil {
			w.add(t)
		} else if !slices.Equal(known.Fields, t.Fields) && !w.unchecked {
			return w.At(0, "table %s is created a second time, with other fields: %w", t.ID.Name, connectors.ErrDamaged)
		}
	case p.accept("UNIQUE", "INDEX"):
		p.createUniqueIndex()
	case p.accept("DOMAIN"):
		p.createDomain()
	case p.accept("TYPE"):
		p.createType()
	case p.accept("DATABASE"):
		w.database = p.name()
	case p.accept("COLLATION"):
		p.createCollation()
	case p.t.is("VIEW"), p.t.is("MATERIALIZED"):
		materialized := p.accept("MATERIALIZED")
		p.advance()
		p.accept("IF", "NOT", "EXISTS")
		id := p.id()
		if w.others[id] = true; materialized && p.err == nil && w.tables[id] == nil {
			w.absent = append(w.absent, &table{Entry: dumpfile.Entry{ID: id, Created: true,
				Absent: "a materialized view: the dump does not hold its rows, which it takes from tables"}})
		}
	case p.t.is("RULE"): // a table with the rule _RETURN is a view
		p.advance()
		if p.name() == "_RETURN" && p.accept("AS", "ON", "SELECT", "TO") {
			w.others[p.id()] = true
		}
	}
	return nil
}

// createCollation notes whether a collation holds texts that differ to be equal.
func (p *parser) createCollation() {
	id := p.id()
	for p.err == nil && p.t.kind != endOfText {
		if p.accept("deterministic") {
			p.advance()
			p.unlike[id] = strings.EqualFold(p.string(), "false")
		}
		p.advance()
	}
}

// set follows the settings that change how the rest is to be read.
func (w *walker) set(p *parser) error {
	_ = p.accept("SESSION") || p.accept("LOCAL")
	name := strings.ToLower(p.t.text)
	if p.advance(); p.t.kind != '=' && !p.t.is("TO") {
		if name == "names" {
			return w.encoding(p.string())
		}
		return nil
	}
	p.advance()
	switch name {
	case "standard_conforming_strings":
		w.dialect.conform = slices.Contains([]string{"on", "true", "yes", "1"}, strings.ToLower(p.string()))
	case "client_encoding":
		return w.encoding(p.string())
	case "search_path":
		w.setPath(p.string())
	}
	return nil
}

func (w *walker) setPath(first string) {
	first, _, _ = strings.Cut(first, ",")
	w.path = "public"
	if first = strings.Trim(strings.TrimSpace(first), `"`); first != "" && first != "pg_catalog" && first != "$user" {
		w.path = first
	}
}

func (w *walker) encoding(name string) error {
	set, ok := charsetNamed(name)
	if !ok {
		return w.At(0, "%w: %w", errCharset, connectors.ErrDamaged)
	}
	w.dialect.charset, w.dialect.unsaid = set, canonicalName(name) == "SQLASCII"
	w.schema.charset = set
	return nil
}

// decoded is a name of the file in UTF-8.
func (s *schema) decoded(name string) string {
	if s.charset == nil || ascii([]byte(name)) {
		return name
	}
	text, err := s.charset.NewDecoder().String(name)
	if err != nil {
		return name
	}
	return text
}
