package sqlite

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"lethe/connectors"
)

// table is an entry of the catalog with what reading and changing it takes.
type table struct {
	connectors.Table
	name    string // quoted
	virtual bool
	texts   bool // of a virtual table whose module the build lacks
	columns []column
	// the name by which the rowid can be addressed; "" in a WITHOUT ROWID table, or where columns have
	// taken all its names
	rowid   string
	indexes [][]string // fields of each whole index, the primary key's too
	// the unique indexes whose fields are compared as the table's are, by name
	alike    map[string][]string
	keyIndex string   // that of them which names the rows; "" where the primary key does
	broken   []string // tables named by foreign keys that SQLite cannot enforce
}

// field returns the place of a field, or -1.
func (t *table) field(name string) int {
	return slices.IndexFunc(t.Fields, func(f connectors.Field) bool { return f.Name == name })
}

// indexed says whether an index begins with these fields, in any order.
func (t *table) indexed(fields []string) bool {
	return slices.ContainsFunc(t.indexes, func(index []string) bool {
		if len(index) < len(fields) {
			return false
		}
		return !slices.ContainsFunc(fields, func(f string) bool { return !slices.Contains(index[:len(fields)], f) })
	})
}

// loadTables reads the whole catalog. Views, SQLite's own tables and those of other schemas are not in it. Of virtual
// tables it has those that hold rows of their own; of the tables behind them the one with the texts, where the build lacks
// the module. What that leaves out, Unread names.
func loadTables(c *sqlite3.Conn, database string) ([]*table, error) {
	virtuals, err := loadVirtual(c)
	if err != nil {
		return nil, err
	}
	var names []string
	err = rows(c, `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'shadow') AND name `+
		`NOT LIKE 'sqlite\_%' ESCAPE '\'`, func(s *sqlite3.Stmt) {
		names = append(names, s.ColumnText(0))
	})
	if err != nil {
		return nil, err
	}
	hidden, err := hiddenTables(c, virtuals)
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return hidden[strings.ToLower(name)] })
	var tables []*table
	for _, name := range names {
		t, err := loadTable(c, database, name)
		if err != nil {
			return nil, err
		}
		tables = append(tables, t)
	}
	for i := range virtuals {
		if !virtuals[i].readable() {
			continue
		}
		if t, err := loadTable(c, database, virtuals[i].name); err == nil { // else Unread names it
			tables = append(tables, t)
		}
	}
	slices.SortFunc(tables, func(a, b *table) int { return strings.Compare(a.Name, b.Name) })
	return tables, loadTriggers(c, tables)
}

// shadowNames returns the tables behind virtual ones, in lower case.
func shadowNames(virtuals []virtual) map[string]bool {
	shadows := map[string]bool{}
	for i := range virtuals {
		for _, name := range virtuals[i].shadows() {
			shadows[strings.ToLower(name)] = true
		}
	}
	return shadows
}

// hiddenTables returns those of the tables behind virtual ones that are not in the catalog, in lower case: not those in
// which there are texts that can be read in no other way, and none with a foreign key, which no module makes.
func hiddenTables(c *sqlite3.Conn, virtuals []virtual) (map[string]bool, error) {
	hidden := shadowNames(virtuals)
	for i := range virtuals {
		delete(hidden, strings.ToLower(virtuals[i].text()))
	}
	err := rows(c, `SELECT DISTINCT lower(t.name) FROM pragma_table_list t, pragma_foreign_key_list(t.name, 'main') `+
		`WHERE t.schema = 'main'`, func(s *sqlite3.Stmt) { delete(hidden, s.ColumnText(0)) })
	return hidden, err
}

// loadTable reads the catalog's entry of one table; ErrSchemaChanged if there is none.
func loadTable(c *sqlite3.Conn, database, name string) (*table, error) {
	t := &table{Table: connectors.Table{Database: database, Rows: -1}}
	var strict, withoutRowid bool
	err := rows(c, `SELECT name, wr, strict, type FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', `+
		`'shadow', 'virtual') AND name = ?`, func(s *sqlite3.Stmt) {
		t.Name, withoutRowid, strict = s.ColumnText(0), s.ColumnBool(1), s.ColumnBool(2)
		t.virtual = s.ColumnText(3) == "virtual"
	}, name)
	if err != nil {
		return nil, err
	}
	if t.Name == "" {
		return nil, fmt.Errorf("no such table: %w", connectors.ErrSchemaChanged)
	}
	t.name = sqlite3.QuoteIdentifier(t.Name)
	if !t.virtual {
		if err := t.findTexts(c); err != nil {
			return nil, err
		}
	}
	rowidAlias, err := t.loadFields(c, strict)
	if err != nil {
		return nil, err
	}
	if !withoutRowid {
		for _, rowid := range []string{"_rowid_", "rowid", "oid"} {
			if !slices.ContainsFunc(t.Fields, func(f connectors.Field) bool {
				return strings.EqualFold(f.Name, rowid)
			}) {
				t.rowid = rowid
				break
			}
		}
	}
	if err := t.loadIndexes(c); err != nil {
		return nil, err
	}
	if err := t.loadDistinct(c); err != nil {
		return nil, err
	}
	if err := t.loadForeignKeys(c); err != nil {
		return nil, err
	}
	if err := t.settleKey(c, withoutRowid || rowidAlias); err != nil {
		return nil, err
	}
	t.nameRows()
	if t.virtual || t.texts { // changed only through what stands before it
		t.Key = nil
	}
	return t, t.loadEstimate(c)
}

// loadFields reads the columns. It reports whether the key is another name of the rowid, which can never be
// NULL.
func (t *table) loadFields(c *sqlite3.Conn, strict bool) (rowidAlias bool, err error) {
	key := map[int]string{}
	err = rows(c, `SELECT name, type, "notnull", pk, hidden, dflt_value FROM pragma_table_xinfo(?, 'main') WHERE hidden <> 1 `+
		`ORDER BY cid`, func(s *sqlite3.Stmt) {
		f := connectors.Field{Name: s.ColumnText(0), Type: s.ColumnText(1), Nullable: !s.ColumnBool(2),
			Generated: s.ColumnInt(4) >= 2, Default: connectors.ConstantDefault(s.ColumnText(5))}
		f.Type = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(f.Type), "GENERATED ALWAYS"))
		f.Kind = kindOf(f.Type)
		if pk := s.ColumnInt(3); pk > 0 {
			key[pk] = f.Name
		}
		col := column{name: sqlite3.QuoteIdentifier(f.Name), affinity: affinityOf(f.Type, strict),
			binary: f.Kind == connectors.Binary}
		switch n := numbersOf(f.Type); {
		case f.Kind == connectors.Decimal && len(n) == 2:
			col.scale = n[1]
		case (f.Kind == connectors.Text || f.Kind == connectors.Binary) && len(n) == 1:
			f.Length = n[0] // SQLite lets more pass, but the application may not
		}
		t.Fields, t.columns = append(t.Fields, f), append(t.columns, col)
	}, t.Name)
	if err != nil {
		return false, err
	}
	for i := range t.columns {
		_, collation, _, _, _, err := c.TableColumnMetadata("main", t.Name, t.Fields[i].Name)
		if err != nil {
			return false, err
		}
		t.columns[i].collation = sqlite3.QuoteIdentifier(collation)
	}
	for i := 1; i <= len(key); i++ {
		t.Key = append(t.Key, key[i])
		t.columns[t.field(key[i])].key = true
	}
	if len(key) != 1 || !strings.EqualFold(t.Fields[t.field(key[1])].Type, "INTEGER") {
		return false, nil
	}
	rowidAlias = true // unless it has an index: x INTEGER PRIMARY KEY DESC, or PRIMARY KEY (x, x)
	err = rows(c, `SELECT 1 FROM pragma_index_list(?, 'main') WHERE origin = 'pk'`, func(*sqlite3.Stmt) {
		rowidAlias = false
	}, t.Name)
	return rowidAlias, err
}

func (t *table) loadIndexes(c *sqlite3.Conn) error {
	type index struct {
		name           string
		unique, origin string
		partial        bool
	}
	var list []index
	err := rows(c, `SELECT name, "unique", origin, partial FROM pragma_index_list(?, 'main')`, func(s *sqlite3.Stmt) {
		list = append(list, index{s.ColumnText(0), s.ColumnText(1), s.ColumnText(2), s.ColumnBool(3)})
	}, t.Name)
	if err != nil {
		return err
	}
	if len(t.Key) > 0 {
		t.indexes = append(t.indexes, t.Key)
	}
	for _, ix := range list {
		if ix.partial || ix.origin == "pk" {
			continue
		}
		var fields []string
		err := rows(c, `SELECT name FROM pragma_index_info(?, 'main') ORDER BY seqno`, func(s *sqlite3.Stmt) {
			fields = append(fields, s.ColumnText(0)) // "" for an expression
		}, ix.name)
		if err != nil {
			return err
		}
		t.indexes = append(t.indexes, fields)
		if ix.unique == "1" && !slices.Contains(fields, "") {
			t.Unique = append(t.Unique, fields)
			for _, f := range fields {
				t.columns[t.field(f)].key = true
			}
			if err := t.compare(c, ix.name, fields); err != nil {
				return err
			}
		}
	}
	return nil
}

// compare notes a unique index if its fields are compared in it as they are in the table: of one that tells a from A in
// a field that does not, two rows answer to one name.
func (t *table) compare(c *sqlite3.Conn, index string, fields []string) error {
	alike := true
	err := rows(c, `SELECT name, coll FROM pragma_index_xinfo(?, 'main') WHERE key`, func(s *sqlite3.Stmt) {
		i := t.field(s.ColumnText(0))
		alike = alike && strings.EqualFold(sqlite3.QuoteIdentifier(s.ColumnText(1)), t.columns[i].collation)
	}, index)
	if alike {
		if t.alike == nil {
			t.alike = map[string][]string{}
		}
		t.alike[index] = fields
	}
	return err
}

// nameRows gives a table without a primary key the unique index that names its rows as well.
func (t *table) nameRows() {
	if len(t.Key) > 0 {
		return
	}
	index := func(fields []string) string {
		for _, name := range slices.Sorted(maps.Keys(t.alike)) {
			if slices.Equal(t.alike[name], fields) {
				return name
			}
		}
		return ""
	}
	t.NameRows(func(fields []string) bool { return index(fields) != "" })
	if len(t.Key) > 0 {
		t.keyIndex = index(t.Key)
	}
}

func (t *table) loadForeignKeys(c *sqlite3.Conn) error {
	last := ""
	err := rows(c, `SELECT id, "table", "from", "to", on_delete, on_update FROM pragma_foreign_key_list(?, 'main') ORDER `+
		`BY id, seq`, func(s *sqlite3.Stmt) {
		if id := s.ColumnText(0); id != last || len(t.ForeignKeys) == 0 {
			last = id
			t.ForeignKeys = append(t.ForeignKeys, connectors.ForeignKey{Name: "fk" + id, RefTable: s.ColumnText(1),
				OnDelete: s.ColumnText(4), OnUpdate: s.ColumnText(5)})
		}
		fk := &t.ForeignKeys[len(t.ForeignKeys)-1]
		fk.Fields = append(fk.Fields, s.ColumnText(2))
		if to := s.ColumnText(3); to != "" {
			fk.RefFields = append(fk.RefFields, to)
		}
	}, t.Name)
	if err != nil {
		return err
	}
	known := t.ForeignKeys
	t.ForeignKeys = nil
	for i := range known {
		fk := &known[i]
		for j, name := range fk.Fields {
			c := slices.IndexFunc(t.Fields, func(f connectors.Field) bool { return strings.EqualFold(f.Name, name) })
			if c < 0 {
				return fmt.Errorf("foreign key on unknown field %s: %w", name, connectors.ErrDamaged)
			}
			fk.Fields[j] = t.Fields[c].Name
			t.columns[c].key = true
		}
		leads, enforced, err := resolve(c, fk)
		if err != nil {
			return err
		}
		if leads {
			t.ForeignKeys = append(t.ForeignKeys, *fk)
		}
		if !enforced {
			t.broken = append(t.broken, fk.RefTable)
		}
	}
	return nil
}

// resolve gives a foreign key the names of what it refers to: they stand in a REFERENCES clause as typed there,
// and the referenced fields may be left out. leads is false if there is no such table or field, and enforced if
// SQLite cannot hold the reference: for that, or since the fields are not unique.
func resolve(c *sqlite3.Conn, fk *connectors.ForeignKey) (leads, enforced bool, err error) {
	var fields, key []string
	err = rows(c, `SELECT name, pk FROM pragma_table_xinfo(?, 'main') ORDER BY pk`, func(s *sqlite3.Stmt) {
		fields = append(fields, s.ColumnText(0))
		if s.ColumnInt(1) > 0 {
			key = append(key, s.ColumnText(0))
		}
	}, fk.RefTable)
	if err != nil {
		return false, false, err
	}
	table := false
	err = rows(c, `SELECT name FROM sqlite_schema WHERE type = 'table' AND name = ? COLLATE NOCASE`,
		func(s *sqlite3.Stmt) {
			fk.RefTable, table = s.ColumnText(0), true
		}, fk.RefTable)
	if err != nil || !table {
		return false, false, err
	}
	for j, name := range fk.RefFields {
		k := slices.IndexFunc(fields, func(f string) bool { return strings.EqualFold(f, name) })
		if k < 0 {
			return false, false, nil
		}
		fk.RefFields[j] = fields[k]
	}
	if fk.RefFields == nil {
		fk.RefFields = key
	}
	if len(fk.RefFields) != len(fk.Fields) {
		return false, false, nil
	}
	if same(fk.RefFields, key) {
		return true, true, nil
	}
	unique := map[string][]string{}
	err = rows(c, `SELECT l.name, i.name FROM pragma_index_list(?, 'main') l, pragma_index_info(l.name, 'main') i `+
		`WHERE l."unique" AND NOT l.partial`, func(s *sqlite3.Stmt) {
		unique[s.ColumnText(0)] = append(unique[s.ColumnText(0)], s.ColumnText(1))
	}, fk.RefTable)
	for _, index := range unique {
		enforced = enforced || same(fk.RefFields, index)
	}
	return true, enforced, err
}

// same reports whether two lists hold the same fields, in any order.
func same(a, b []string) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(f string) bool { return !slices.Contains(b, f) })
}

// settleKey drops a key that does not name every row: SQLite allows NULL in the primary key of a table with
// rowids.
func (t *table) settleKey(c *sqlite3.Conn, neverNull bool) error {
	for _, name := range t.Key {
		f := &t.Fields[t.field(name)]
		hasNull := false
		if f.Nullable && !neverNull {
			err := rows(c, "SELECT 1 FROM main."+t.name+" WHERE "+t.columns[t.field(name)].name+" IS NULL LIMIT 1",
				func(*sqlite3.Stmt) { hasNull = true })
			if err != nil {
				return err
			}
		}
		if hasNull {
			t.Key = nil
			return nil
		}
	}
	for _, name := range t.Key {
		t.Fields[t.field(name)].Nullable = false
	}
	return nil
}

// loadEstimate takes the number of rows that the last ANALYZE found, if there was one.
func (t *table) loadEstimate(c *sqlite3.Conn) error {
	analyzed := false
	err := rows(c, `SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_stat1'`, func(*sqlite3.Stmt) { analyzed = true })
	if err != nil || !analyzed {
		return err
	}
	return rows(c, `SELECT stat FROM sqlite_stat1 WHERE tbl = ? AND stat IS NOT NULL LIMIT 1`, func(s *sqlite3.Stmt) {
		first, _, _ := strings.Cut(s.ColumnText(0), " ")
		if n, err := strconv.ParseInt(first, 10, 64); err == nil {
			t.Rows = n
		}
	}, t.Name)
}

// rows runs a statement with text parameters and hands each row to use.
func rows(c *sqlite3.Conn, sql string, use func(*sqlite3.Stmt), params ...string) error {
	stmt, _, err := c.Prepare(sql)
	if err != nil {
		return err
	}
	for i, p := range params {
		if err := stmt.BindText(i+1, p); err != nil {
			_ = stmt.Close()
			return err
		}
	}
	for stmt.Step() {
		use(stmt)
	}
	return finish(stmt)
}

// finish closes a statement and returns the error that ended it.
func finish(stmt *sqlite3.Stmt) error {
	err := stmt.Err()
	if closing := stmt.Close(); err == nil {
		err = closing
	}
	return err
}
