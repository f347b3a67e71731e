package mysql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"lethe/connectors"
)

// table is a catalog entry with what only this connector needs.
type table struct {
	connectors.Table
	transactional bool           // the engine can roll back
	versioned     bool           // the server keeps deleted rows (MariaDB: WITH SYSTEM VERSIONING)
	copied        bool           // made by EnsureCopy
	bits          map[string]int // declared length of the BIT fields
	ordinal       map[string]bool
	keyIndex      string // the index with the key's fields
	from          string // of a table outside the database: how statements name it
}

// primary is the name that the server gives the index of every primary key.
const primary = "PRIMARY"

// catalogQueries read information_schema for the connection's database. A user with SELECT alone sees all
// of this; REFERENTIAL_CONSTRAINTS and TABLE_CONSTRAINTS show such a user nothing, so that what a foreign
// key does on delete comes from SHOW CREATE TABLE.
const (
	tablesQuery = `SELECT t.TABLE_NAME, t.TABLE_TYPE, COALESCE(t.TABLE_ROWS, -1), COALESCE(e.TRANSACTIONS, 'NO'),
		t.TABLE_COMMENT
		FROM information_schema.TABLES t LEFT JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE
		WHERE t.TABLE_SCHEMA = DATABASE() AND t.TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')`
	columnsQuery = `SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, IS_NULLABLE,
		COALESCE(CHARACTER_MAXIMUM_LENGTH, 0), EXTRA, COALESCE(GENERATION_EXPRESSION, ''),
		COALESCE(COLUMN_DEFAULT, '')
		FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s ORDER BY TABLE_NAME, ORDINAL_POSITION`
	indexesQuery = `SELECT TABLE_NAME, INDEX_NAME, COLUMN_NAME
		FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() AND NON_UNIQUE = 0 ORDER BY TABLE_NAME,
			INDEX_NAME, SEQ_IN_INDEX`
	foreignKeysQuery = `SELECT TABLE_NAME, CONSTRAINT_NAME, COLUMN_NAME, REFERENCED_TABLE_SCHEMA,
		REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME, DATABASE()
		FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA = DATABASE() AND REFERENCED_TABLE_NAME IS NOT NULL
		ORDER BY TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION`
	mariaJSONQuery = `SELECT TABLE_NAME, CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS WHERE ` +
		`CONSTRAINT_SCHEMA = DATABASE()`
)

// kinds are the logical types of the servers' DATA_TYPEs; all others are text.
func kindOf(dataType string) connectors.Kind {
	switch dataType {
	case "tinyint", "smallint", "mediumint", "int", "bigint", "year":
		return connectors.Integer
	case "decimal":
		return connectors.Decimal
	case "float", "double":
		return connectors.Float
	case "date":
		return connectors.Date
	case "time":
		return connectors.Time
	case "datetime", "timestamp":
		return connectors.Timestamp
	case "bit":
		return connectors.Bit
	case "json":
		return connectors.JSON
	case "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "vector",
		"geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon",
		"geometrycollection", "geomcollection":
		return connectors.Binary
	}
	return connectors.Text
}

// load reads the catalog of the connection's database.
func (s *source) load(ctx context.Context) (map[string]*table, error) {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	tables := map[string]*table{}
	steps := []struct {
		query string
		row   func([]string) error
	}{
		{tablesQuery, func(r []string) error {
			rows, err := strconv.ParseInt(r[2], 10, 64)
			if err != nil {
				return fmt.Errorf("row estimate of table %s: %w", r[0], err)
			}
			tables[r[0]] = &table{
				Table:         connectors.Table{Database: s.database, Name: r[0], Rows: rows},
				transactional: r[3] == "YES", versioned: r[1] == "SYSTEM VERSIONED", copied: isCopy(r[4]),
				bits: map[string]int{}, ordinal: map[string]bool{}, keyIndex: primary,
			}
			return nil
		}},
		{fmt.Sprintf(columnsQuery, "DATABASE()"), func(r []string) error { return addColumn(tables[r[0]], r) }},
		{indexesQuery, func(r []string) error { addIndex(tables[r[0]], r); return nil }},
		{foreignKeysQuery, func(r []string) error { addForeignKey(tables[r[0]], r); return nil }},
	}
	for _, step := range steps {
		if err := collect(ctx, conn, step.query, step.row); err != nil {
			return nil, err
		}
	}
	if err := markJSON(ctx, conn, tables); err != nil {
		return nil, err
	}
	for _, t := range tables {
		t.finish()
		if err := readActions(ctx, conn, t); err != nil {
			return nil, err
		}
	}
	all, err := s.addOutside(ctx, conn, tables)
	s.mu.Lock()
	s.seesAll = all
	s.mu.Unlock()
	return tables, err
}

// quoted is the table's name in statements.
func (t *table) quoted() string { return or(t.from, quoteName(t.Name)) }

// collect runs a query of the catalog and hands over each row as text; NULL is "".
func collect(ctx context.Context, conn *sql.Conn, query string, row func([]string) error) error {
	var texts []string
	return stream(ctx, conn, query, func(values []driver.Value) error {
		texts = texts[:0]
		for _, v := range values {
			texts = append(texts, string(appendText(nil, v)))
		}
		return row(texts)
	})
}

func addColumn(t *table, r []string) error {
	if t == nil { // a view, or a table made a moment ago
		return nil
	}
	name, dataType, extra := r[1], strings.ToLower(r[2]), strings.ToLower(r[6])
	length, err := strconv.ParseUint(r[5], 10, 64)
	if err != nil {
		return fmt.Errorf("length of field %s of table %s: %w", name, t.Name, err)
	}
	f := connectors.Field{
		Name: name, Type: r[3], Kind: kindOf(dataType), Nullable: r[4] == "YES",
		Generated: r[7] != "" || strings.Contains(extra, "virtual generated") ||
			strings.Contains(extra, "stored generated") || strings.Contains(extra, "persistent"),
		AutoUpdate: strings.Contains(extra, "on update"),
		Zoned:      dataType == "timestamp", Default: connectors.ConstantDefault(r[8]),
	}
	switch dataType {
	case "enum", "set":
		t.ordinal[name] = true
	case "bit":
		bits, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(strings.ToLower(f.Type), "bit("), ")"))
		if err != nil {
			return fmt.Errorf("length of field %s of table %s: %w", name, t.Name, err)
		}
		t.bits[name] = bits
	default:
		if length <= math.MaxInt32 { // LONGTEXT: as good as no limit
			f.Length = int(length)
		}
	}
	t.Fields = append(t.Fields, f)
	return nil
}

// addIndex collects the fields of the primary key in Key and those of each unique index, after its name, in
// Unique.
func addIndex(t *table, r []string) {
	switch name, column := r[1], r[2]; {
	case t == nil:
	case name == primary:
		if _, ok := t.Field(column); ok { // the key of a versioned table ends with a hidden field
			t.Key = append(t.Key, column)
		}
	case len(t.Unique) > 0 && t.Unique[len(t.Unique)-1][0] == name:
		t.Unique[len(t.Unique)-1] = append(t.Unique[len(t.Unique)-1], column)
	default:
		t.Unique = append(t.Unique, []string{name, column})
	}
}

func addForeignKey(t *table, r []string) {
	if t == nil {
		return
	}
	name, refTable := r[1], r[4]
	if r[3] != r[6] {
		refTable = r[3] + "." + refTable
	}
	if n := len(t.ForeignKeys); n == 0 || t.ForeignKeys[n-1].Name != name {
		t.ForeignKeys = append(t.ForeignKeys, connectors.ForeignKey{Name: name, RefTable: refTable,
			OnDelete: "RESTRICT", OnUpdate: "RESTRICT"})
	}
	fk := &t.ForeignKeys[len(t.ForeignKeys)-1]
	fk.Fields, fk.RefFields = append(fk.Fields, r[2]), append(fk.RefFields, r[5])
}

// finish takes index names off, drops unique indexes on expressions, and a key that holds a float, whose text is none:
// a unique index then stands for it, if one can. Fields of TEXT and BLOB, whose index holds a beginning or a digest
// alone, would be put in order anew for each page.
func (t *table) finish() {
	var unique [][]string
	names := map[string]string{}
	for _, u := range t.Unique {
		name, fields := u[0], u[1:]
		known := func(field string) bool { _, ok := t.Field(field); return ok }
		if last := len(fields) - 1; t.versioned && !known(fields[last]) { // as the primary key, of the rows of now
			fields = fields[:last]
		}
		if len(fields) > 0 && !slices.ContainsFunc(fields, func(field string) bool { return !known(field) }) {
			unique, names[strings.Join(fields, "\x00")] = append(unique, fields), name
		}
	}
	t.Unique = unique
	for _, name := range t.Key {
		if f, _ := t.Field(name); f.Kind == connectors.Float {
			t.Key = nil
			break
		}
	}
	if len(t.Key) == 0 {
		t.NameRows(func(fields []string) bool {
			return !slices.ContainsFunc(fields, func(name string) bool {
				f, _ := t.Field(name)
				base, _, _ := strings.Cut(f.Type, "(")
				return strings.HasSuffix(base, "text") || strings.HasSuffix(base, "blob")
			})
		})
		t.keyIndex = names[strings.Join(t.Key, "\x00")]
	}
}

var jsonValid = regexp.MustCompile("(?i)^\\(?json_valid\\(`((?:[^`]|``)+)`\\)\\)?$")

// markJSON finds MariaDB's JSON fields: longtext with a check json_valid. MySQL has a type of its own.
func markJSON(ctx context.Context, conn *sql.Conn, tables map[string]*table) error {
	maria := false
	if err := collect(ctx, conn, "SELECT VERSION()", func(r []string) error {
		maria = strings.Contains(r[0], "MariaDB")
		return nil
	}); err != nil || !maria {
		return err
	}
	return collect(ctx, conn, mariaJSONQuery, func(r []string) error {
		m := jsonValid.FindStringSubmatch(r[1])
		if m == nil || tables[r[0]] == nil {
			return nil
		}
		for i, f := range tables[r[0]].Fields {
			if f.Name == strings.ReplaceAll(m[1], "``", "`") && f.Kind == connectors.Text {
				tables[r[0]].Fields[i].Kind = connectors.JSON
			}
		}
		return nil
	})
}

const action = "(RESTRICT|CASCADE|SET NULL|NO ACTION|SET DEFAULT)"

var constraintLine = regexp.MustCompile("(?m)^\\s*CONSTRAINT `(.+?)` FOREIGN KEY \\(.*?(?: ON DELETE " + action +
	")?(?: ON UPDATE " + action + ")?,?$")

func readActions(ctx context.Context, conn *sql.Conn, t *table) error {
	if len(t.ForeignKeys) == 0 {
		return nil
	}
	actions := map[string][]string{}
	err := collect(ctx, conn, "SHOW CREATE TABLE "+t.quoted(), func(r []string) error {
		for _, m := range constraintLine.FindAllStringSubmatch(r[1], -1) {
			actions[m[1]] = []string{or(m[2], "RESTRICT"), or(m[3], "RESTRICT")}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, fk := range t.ForeignKeys {
		on, ok := actions[strings.ReplaceAll(fk.Name, "`", "``")]
		if !ok { // some servers print the name of a constraint as it is
			on, ok = actions[fk.Name]
		}
		if !ok {
			return fmt.Errorf("table %s: SHOW CREATE TABLE does not tell foreign key %s: %w", t.Name, fk.Name,
				connectors.ErrSchemaChanged)
		}
		t.ForeignKeys[i].OnDelete, t.ForeignKeys[i].OnUpdate = on[0], on[1]
	}
	return nil
}

// Tables reads the catalog anew: the base tables of the DSN's database that its user may see.
func (s *source) Tables(ctx context.Context) ([]connectors.Table, error) {
	loaded, err := s.load(ctx)
	if err != nil {
		return nil, s.fail("catalog", "", err)
	}
	s.mu.Lock()
	s.catalog = loaded
	s.mu.Unlock()
	tables := make([]connectors.Table, 0, len(loaded))
	for _, name := range slices.Sorted(maps.Keys(loaded)) {
		if loaded[name].from == "" {
			tables = append(tables, loaded[name].Table)
		}
	}
	return tables, s.addTriggers(ctx, tables)
}

// Tables also has the triggers that the user may see who changes.
func (m *mutable) Tables(ctx context.Context) ([]connectors.Table, error) {
	tables, err := m.source.Tables(ctx)
	if err == nil {
		err = m.apply.addTriggers(ctx, tables)
	}
	return tables, err
}

// table returns a catalog entry; one that is not known yet is looked for once more.
func (s *source) table(ctx context.Context, name string) (*table, error) {
	s.mu.Lock()
	t := s.catalog[name]
	s.mu.Unlock()
	if t != nil {
		return t, nil
	}
	loaded, err := s.load(ctx)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.catalog = loaded
	s.mu.Unlock()
	if t = loaded[name]; t == nil {
		return nil, fmt.Errorf("no such table: %w", connectors.ErrSchemaChanged)
	}
	return t, nil
}
