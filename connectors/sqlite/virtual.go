package sqlite

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"lethe/connectors"
)

// modulesOfSQLite are SQLite's own modules, with the ends of the names of the tables in which they keep what their virtual
// tables show.
var modulesOfSQLite = map[string][]string{
	"fts3":      {"_content", "_segments", "_segdir"},
	"fts4":      {"_content", "_segments", "_segdir", "_docsize", "_stat"},
	"fts5":      {"_data", "_idx", "_content", "_docsize", "_config"},
	"rtree":     {"_node", "_parent", "_rowid"},
	"rtree_i32": {"_node", "_parent", "_rowid"},
	"geopoly":   {"_node", "_parent", "_rowid"},
}

// shadows names the tables that the module makes behind the table. What it does without by the options given (section
// 4.4 of https://sqlite.org/fts5.html, 6 of https://sqlite.org/fts3.html) is a table of the application's, if there is
// one of that name, though SQLite's own list calls it a shadow too.
func (v *virtual) shadows() (names []string) {
	without := map[string]bool{}
	switch v.module {
	case "fts5":
		without["_content"] = v.external() && v.option["contentless_unindexed"] != "1"
		without["_docsize"] = v.option["columnsize"] == "0"
	case "fts4":
		without["_content"] = v.external()
		without["_docsize"] = strings.EqualFold(v.option["matchinfo"], "fts3")
		without["_stat"] = without["_docsize"]
	}
	for _, suffix := range modulesOfSQLite[v.module] {
		if !without[suffix] {
			names = append(names, v.name+suffix)
		}
	}
	return names
}

// virtual is a virtual table: https://sqlite.org/vtab.html.
type virtual struct {
	name   string
	module string            // in lower case
	option map[string]string // of the arguments, those that are options
	fields []string          // the others
	here   bool              // this build has the module
	copies []copied
}

// copied is a table of whose rows a virtual table holds a copy, by its own word or as triggers write it.
type copied struct {
	of     string
	writes bool            // triggers write the copy
	alike  bool            // only the names of the fields say so
	events map[string]bool // DELETE, UPDATE: a trigger takes out what was there before
}

// isText says whether the table is a full-text index, and not one of places or of something else.
func (v *virtual) isText() bool {
	return strings.HasPrefix(v.module, "fts") && modulesOfSQLite[v.module] != nil
}

// external says whether the texts of an index stand elsewhere, or nowhere: sections 4.4.1 and 4.4.3 of
// https://sqlite.org/fts5.html.
func (v *virtual) external() bool { _, given := v.option["content"]; return given }

// tied says whether anything but the names of fields makes the table a copy.
func (v *virtual) tied() bool {
	return slices.ContainsFunc(v.copies, func(of copied) bool { return !of.alike })
}

// readable says whether the rows are the table's alone, and the build can read them.
func (v *virtual) readable() bool {
	return v.here && !v.tied() && modulesOfSQLite[v.module] != nil && !v.external()
}

// text names the table behind a full-text index of a module that the build lacks, in which its texts are; "" none.
func (v *virtual) text() string {
	if v.here || !v.isText() || v.external() || v.tied() || v.option["compress"] != "" {
		return ""
	}
	return v.name + "_content"
}

// loadVirtual reads the virtual tables of the schema.
func loadVirtual(c *sqlite3.Conn) ([]virtual, error) {
	modules := map[string]bool{}
	err := rows(c, `SELECT name FROM pragma_module_list`, func(s *sqlite3.Stmt) {
		modules[strings.ToLower(s.ColumnText(0))] = true
	})
	var list []virtual
	if err == nil {
		err = rows(c, `SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL TABLE%' `+
			`ORDER BY name`, func(s *sqlite3.Stmt) {
			v := virtual{name: s.ColumnText(0)}
			v.module, v.fields, v.option = moduleOf(s.ColumnText(1))
			v.here = modules[v.module]
			list = append(list, v)
		})
	}
	if err != nil {
		return nil, err
	}
	shadows := shadowNames(list)
	for i := range list {
		if err := list[i].lookUp(c, shadows); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// lookUp finds the tables that a virtual table is a copy of: the one that it names, and those whose triggers write it.
func (v *virtual) lookUp(c *sqlite3.Conn, shadows map[string]bool) error {
	if content := v.option["content"]; content != "" {
		err := rows(c, `SELECT name FROM sqlite_schema WHERE type = 'table' AND name = ? COLLATE NOCASE`,
			func(s *sqlite3.Stmt) { v.copyOf(s.ColumnText(0)) }, content)
		if err != nil {
			return err
		}
	}
	name := named(v.name)
	err := rows(c, `SELECT t.name, g.sql FROM sqlite_schema g JOIN sqlite_schema t ON t.type = 'table' AND `+
		`t.name = g.tbl_name COLLATE NOCASE WHERE g.type = 'trigger' ORDER BY g.name`, func(s *sqlite3.Stmt) {
		sql := s.ColumnText(1)
		m := triggerEvent.FindStringSubmatch(sql)
		if m == nil || !name.MatchString(sql) {
			return
		}
		of := v.copyOf(s.ColumnText(0))
		of.writes = true
		if v.removes(strings.ToUpper(m[1]), sql) && v.covered(m[3]) {
			of.events[strings.ToUpper(m[2])] = true
		}
	})
	if err != nil || len(v.copies) > 0 || !v.isText() || v.option["content"] != "" {
		return err
	}
	return v.findAlike(c, shadows)
}

// findAlike finds the tables that have all fields of a full-text index which nothing ties to a table.
func (v *virtual) findAlike(c *sqlite3.Conn, shadows map[string]bool) error {
	fields := map[string]map[string]bool{}
	err := rows(c, `SELECT t.name, lower(f.name) FROM pragma_table_list t, pragma_table_xinfo(t.name, 'main') f `+
		`WHERE t.schema = 'main' AND t.type IN ('table', 'shadow') ORDER BY t.name`, func(s *sqlite3.Stmt) {
		table := s.ColumnText(0)
		if fields[table] == nil {
			fields[table] = map[string]bool{}
		}
		fields[table][s.ColumnText(1)] = true
	})
	for _, table := range slices.Sorted(maps.Keys(fields)) {
		if shadows[strings.ToLower(table)] {
			continue
		}
		lacks := func(f string) bool { return !fields[table][strings.ToLower(f)] }
		if len(v.fields) > 0 && !strings.HasPrefix(table, "sqlite_") && !slices.ContainsFunc(v.fields, lacks) {
			v.copyOf(table).alike = true
		}
	}
	return err
}

// copyOf is what is known of the table as a copy of another.
func (v *virtual) copyOf(table string) *copied {
	i := slices.IndexFunc(v.copies, func(of copied) bool { return of.of == table })
	if i < 0 {
		i = len(v.copies)
		v.copies = append(v.copies, copied{of: table, events: map[string]bool{}})
	}
	return &v.copies[i]
}

// findTexts says whether a table is that of the texts of an index whose module the build lacks.
func (t *table) findTexts(c *sqlite3.Conn) error {
	if !strings.HasSuffix(t.Name, "_content") {
		return nil
	}
	virtuals, err := loadVirtual(c)
	t.texts = slices.ContainsFunc(virtuals, func(v virtual) bool { return v.text() == t.Name })
	return err
}

// triggerEvent finds when a trigger fires, and what for.
var triggerEvent = regexp.MustCompile(`(?is)(?:\b(BEFORE|AFTER)\s+)?\b(DELETE|INSERT|UPDATE)\b(?:\s+OF\s(.+?))?\s+ON\b`)

// named finds a name in SQL, quoted or not.
func named(name string) *regexp.Regexp {
	return regexp.MustCompile(`(?i)(^|[^\w$])` + regexp.QuoteMeta(name) + `($|[^\w$])`)
}

// removes says whether a trigger takes the words of a row out of the table. One whose texts stand elsewhere has to be told
// them, or must be asked before they change there.
func (v *virtual) removes(when, sql string) bool {
	sql = strings.ToLower(sql)
	if !v.isText() {
		return true
	}
	if strings.Contains(sql, "'delete'") {
		return true
	}
	if v.external() && v.option["contentless_delete"] != "1" && when != "BEFORE" {
		return false
	}
	return strings.Contains(sql, "delete from") || strings.Contains(sql, "update ") || strings.Contains(sql, "replace")
}

// covered says whether a trigger fires for every field of an index: one that names fields (UPDATE OF) need not.
func (v *virtual) covered(of string) bool {
	if of == "" || !v.isText() {
		return true
	}
	named := tokens(strings.ToLower(of))
	return !slices.ContainsFunc(v.fields, func(f string) bool { return !slices.Contains(named, strings.ToLower(f)) })
}

// renewable says whether an index can be built anew from the table whose texts it indexes.
func (v *virtual) renewable() bool {
	return v.here && v.module == "fts5" && v.option["content"] != "" && v.tied()
}

// kind is what the table is, in words.
func (v *virtual) kind() string {
	switch {
	case v.isText():
		return "a full-text index (" + v.module + ")"
	case modulesOfSQLite[v.module] != nil:
		return "an index of places (" + v.module + ")"
	}
	return "a virtual table of the module " + v.module
}

// unread says why a virtual table is not in the catalog, once for each table that it copies.
func (v *virtual) unread(anew bool) (list []connectors.Unread) {
	for i := range v.copies {
		u := v.unreadCopy(&v.copies[i])
		if anew && u.Stays && v.renewable() {
			u.Stays, u.Reason = false, v.kind()+" of "+u.Of+", which is built anew when rows of it are changed"
		}
		list = append(list, u)
	}
	if list != nil && v.text() == "" || v.readable() {
		return list
	}
	u := connectors.Unread{Name: v.name, Unknown: true}
	switch {
	case v.text() != "":
		u.Unknown = false
		u.Reason = fmt.Sprintf("%s, whose module this build lacks: its texts are read as %s", v.kind(), v.text())
	case v.external() && v.option["content"] == "":
		u.Reason = v.kind() + " that keeps the words of texts, but not the texts"
	case v.external():
		u.Reason = v.kind() + " of something that is no table of this database"
	case !v.here:
		u.Reason = v.kind() + ", which this build lacks"
	default:
		u.Reason = v.kind() + ", which shows what other tables hold"
	}
	return append(list, u)
}

// unreadCopy says what becomes of a copy when rows of its table are erased.
func (v *virtual) unreadCopy(of *copied) connectors.Unread {
	u := connectors.Unread{Name: v.name, Of: of.of, Stays: true}
	u.Reason = v.kind() + " of " + of.of
	switch {
	case of.alike:
		if u.Read = v.readable(); v.text() != "" {
			u.Name, u.Read = v.text(), true
		}
		u.Reason = fmt.Sprintf("%s with fields of %s, of which it may hold a copy: nothing takes out of it a row that is "+
			"deleted or changed", v.kind(), of.of)
		return u
	case of.writes && !v.here:
		u.Reason += fmt.Sprintf(", whose triggers write it: this build lacks the module, so that they fail, and no row "+
			"of %s can be changed here", of.of)
		return u
	case of.events["DELETE"] && of.events["UPDATE"]:
		u.Stays = false
		u.Reason += ", which its triggers keep in step"
		return u
	case of.events["DELETE"]:
		u.Reason += ": no trigger takes out of it what a row held that is changed, so that it stays"
	case of.events["UPDATE"]:
		u.Reason += ": no trigger takes out of it a row that is deleted, so that it stays"
	default:
		u.Reason += ": no trigger takes out of it a row that is deleted or changed, so that it stays"
	}
	if v.isText() && v.option["content"] != "" {
		u.Reason += fmt.Sprintf("; INSERT INTO %[1]s(%[1]s) VALUES('rebuild') renews it", v.name)
	}
	return u
}

// Unread returns the virtual tables that are not in the catalog, and what ANALYZE keeps of values.
func (s *source) Unread(ctx context.Context) ([]connectors.Unread, error) {
	c, err := s.acquire(ctx)
	if err != nil {
		return nil, s.fail(ctx, "catalog", "", err)
	}
	list, err := unread(c, s.database, s.anew)
	s.release(c, err == nil)
	if err != nil {
		return nil, s.fail(ctx, "catalog", "", err)
	}
	return list, nil
}

func unread(c *sqlite3.Conn, database string, anew bool) ([]connectors.Unread, error) {
	virtuals, err := loadVirtual(c)
	if err != nil {
		return nil, err
	}
	var list []connectors.Unread
	for i := range virtuals {
		v := &virtuals[i]
		list = append(list, v.unread(anew)...)
		if !v.readable() {
			continue
		}
		if _, err := loadTable(c, database, v.name); err != nil {
			list = append(list, connectors.Unread{Name: v.name, Unknown: true,
				Reason: v.kind() + " that cannot be opened: a tokenizer of the application, or damage"})
		}
	}
	err = rows(c, `SELECT name FROM sqlite_schema WHERE name IN ('sqlite_stat3', 'sqlite_stat4')`,
		func(s *sqlite3.Stmt) {
			if anew { // it forgets them
				return
			}
			list = append(list, connectors.Unread{Name: s.ColumnText(0), Unknown: true,
				Reason: "values of indexes that ANALYZE took as samples: run ANALYZE again when rows were erased"})
		})
	slices.SortFunc(list, func(a, b connectors.Unread) int { return strings.Compare(a.Name, b.Name) })
	return list, err
}

// moduleOf reads the module and its arguments off what SQLite keeps of CREATE VIRTUAL TABLE. An option is an argument
// "name = value", as the full-text modules take them; of the others the first word counts, which is a field.
func moduleOf(sql string) (module string, fields []string, options map[string]string) {
	options = map[string]string{}
	var argument []string
	depth, state := 0, 0 // 0: before USING, 1: the module follows, 2: its arguments
	end := func() {
		if len(argument) > 1 && argument[1] == "=" {
			options[strings.ToLower(argument[0])] = strings.Join(argument[2:], "")
		} else if len(argument) > 0 {
			fields = append(fields, argument[0])
		}
		argument = argument[:0]
	}
	for i, t := range tokens(strings.TrimSpace(sql)) {
		switch {
		case state == 0:
			if i > 3 && strings.EqualFold(t, "USING") { // behind CREATE VIRTUAL TABLE and the name
				state = 1
			}
		case state == 1:
			module, state = strings.ToLower(t), 2
		case t == "(":
			depth++
		case t == ")":
			if depth--; depth == 0 {
				end()
			}
		case t == "," && depth == 1:
			end()
		default:
			argument = append(argument, t)
		}
	}
	return module, fields, options
}

var (
	sqlToken = regexp.MustCompile(`(?s)--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|"(?:[^"]|"")*"|` + "`(?:[^`]|``)*`" +
		`|\[[^\]]*\]|[\w$\x80-\x{10ffff}]+|\S`)
	sqlComment = regexp.MustCompile(`^(--|/\*)`)
)

// tokens splits SQL into words and signs, without quotes and comments.
func tokens(sql string) []string {
	list := lexemes(sql)
	for i := range list {
		list[i] = unquoted(list[i])
	}
	return list
}

// lexemes are the words and signs of SQL, with their quotes.
func lexemes(sql string) []string {
	return slices.DeleteFunc(sqlToken.FindAllString(sql, -1), sqlComment.MatchString)
}

func unquoted(t string) string {
	n := len(t)
	switch {
	case n < 2 || strings.IndexByte("'\"`[", t[0]) < 0:
		return t
	case t[0] == '[':
		return t[1 : n-1]
	}
	return strings.ReplaceAll(t[1:n-1], t[:1]+t[:1], t[:1])
}
