package sqlserver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lethe/connectors"
)

// table is a catalog entry with what only this connector needs.
type table struct {
	connectors.Table
	id, schema, name string
	fixed            string             // why its rows cannot be changed in place; "" they can
	memory           bool               // memory-optimised
	guard            string             // the field of type rowversion that a change names; "" none
	columns          map[string]*column // by field
}

// from is the table in statements.
func (t *table) from() string { return quoteName(t.schema) + "." + quoteName(t.name) }

// nameOf is how a table is called in the catalog, as in scripts.
func nameOf(schema, name string) string {
	if schema == "dbo" {
		return name
	}
	return schema + "." + name
}

// The catalog's queries.
const (
	tablesQuery = `SELECT t.object_id, s.name, t.name, COALESCE((SELECT SUM(p.rows) FROM sys.partitions p WHERE p.object_id = ` +
		`t.object_id AND p.index_id IN (0, 1)), -1), t.temporal_type, t.is_memory_optimized, t.is_external, t.is_filetable, ` +
		`COALESCE(t.history_table_id, 0), COALESCE(OBJECTPROPERTYEX(t.object_id, 'IsNode'), 0), ` +
		`COALESCE(OBJECTPROPERTYEX(t.object_id, 'IsEdge'), 0), COALESCE(OBJECTPROPERTYEX(t.object_id, 'TableIsLedger'), 0), ` +
		`HAS_PERMS_BY_NAME(QUOTENAME(s.name) + '.' + QUOTENAME(t.name), 'OBJECT', 'SELECT') FROM sys.tables t JOIN sys.schemas s ` +
		`ON s.schema_id = t.schema_id WHERE t.is_ms_shipped = 0 ORDER BY t.object_id`
	columnsQuery = `SELECT c.object_id, c.name, TYPE_NAME(c.system_type_id), c.max_length, c.precision, c.scale, ` +
		`COALESCE(c.collation_name, ''), c.is_nullable, c.is_identity, CASE WHEN c.is_computed = 1 OR c.generated_always_type > 0 ` +
		`THEN 1 ELSE 0 END, COALESCE(d.definition, ''), COALESCE(y.name, ''), c.is_masked, ` +
		`CASE WHEN c.encryption_type IS NULL THEN 0 ELSE 1 END FROM sys.columns c JOIN sys.tables t ON t.object_id = c.object_id ` +
		`LEFT JOIN sys.default_constraints d ON d.object_id = c.default_object_id LEFT JOIN sys.assembly_types y ON ` +
		`y.user_type_id = c.user_type_id WHERE t.is_ms_shipped = 0 ORDER BY c.object_id, c.column_id`
	indexesQuery = `SELECT i.object_id, i.index_id, i.is_primary_key, i.has_filter, c.name FROM sys.indexes i JOIN sys.tables t ` +
		`ON t.object_id = i.object_id JOIN sys.index_columns k ON k.object_id = i.object_id AND k.index_id = i.index_id JOIN ` +
		`sys.columns c ON c.object_id = k.object_id AND c.column_id = k.column_id WHERE i.is_unique = 1 AND ` +
		`k.is_included_column = 0 AND k.key_ordinal > 0 AND i.is_disabled = 0 ORDER BY i.object_id, i.index_id, k.key_ordinal`
	foreignKeysQuery = `SELECT k.parent_object_id, k.object_id, k.name, k.referenced_object_id, k.delete_referential_action_desc, ` +
		`k.update_referential_action_desc, c.name, r.name, k.is_disabled FROM sys.foreign_keys k JOIN sys.foreign_key_columns f ON ` +
		`f.constraint_object_id = k.object_id JOIN sys.columns c ON c.object_id = f.parent_object_id AND c.column_id = ` +
		`f.parent_column_id JOIN sys.columns r ON r.object_id = f.referenced_object_id AND r.column_id = f.referenced_column_id ` +
		`ORDER BY k.parent_object_id, k.name, k.object_id, f.constraint_column_id`
	triggersQuery = `SELECT g.parent_id, g.name, e.type_desc, g.is_disabled, g.is_instead_of_trigger, COALESCE(m.definition, '') ` +
		`FROM sys.triggers g JOIN sys.trigger_events e ON e.object_id = g.object_id LEFT JOIN sys.sql_modules m ON m.object_id = ` +
		`g.object_id WHERE g.parent_class = 1 ORDER BY g.parent_id, g.name, e.type_desc`
)

// loader puts the catalog together.
type loader struct {
	database string
	byID     map[string]*table
	tables   map[string]*table
	unread   []connectors.Unread
	history  map[string]string // of a history, the table that it is of
	hidden   map[string]string
	index    string
	key      string
	acting   map[string]bool // tables of which rows are changed along with others
}

// load reads the catalog of the database.
func (s *source) load(ctx context.Context) (map[string]*table, []connectors.Unread, error) {
	l := &loader{database: s.database, byID: map[string]*table{}, tables: map[string]*table{}, history: map[string]string{},
		hidden: map[string]string{}, acting: map[string]bool{}}
	for _, step := range []struct {
		query string
		row   func([]string) error
	}{{tablesQuery, l.addTable}, {columnsQuery, l.addColumn}, {indexesQuery, l.addIndex}, {foreignKeysQuery, l.addForeignKey},
		{triggersQuery, l.addTrigger}} {
		err := collect(ctx, s.db, step.query, nil, func(values [][]byte) error {
			row := make([]string, len(values))
			for i, v := range values {
				row[i] = string(v)
			}
			return step.row(row)
		})
		if err != nil {
			return nil, nil, err
		}
	}
	l.finish()
	return l.tables, l.unread, nil
}

// yes reports whether a bit, or a number, is set: drivers write them in several ways.
func yes(s string) bool { return s == "1" || s == "true" }

func (l *loader) addTable(r []string) error {
	rows, err := strconv.ParseInt(r[3], 10, 64)
	if err != nil {
		return fmt.Errorf("row estimate of table %s: %w", r[2], err)
	}
	name := nameOf(r[1], r[2])
	if !yes(r[12]) {
		l.hidden[r[0]] = name
		l.unread = append(l.unread, connectors.Unread{Name: name, Unknown: true,
			Reason: "a table that the user may not read: GRANT SELECT on it"})
		return nil
	}
	if l.tables[name] != nil {
		return fmt.Errorf("two tables are called %s: %w", name, connectors.ErrConfig)
	}
	t := &table{Table: connectors.Table{Database: l.database, Name: name, Rows: rows}, id: r[0], schema: r[1], name: r[2],
		columns: map[string]*column{}}
	switch {
	case r[4] == "1":
		t.fixed = "it is the history of another table, which only the server writes"
	case r[4] == "2":
		t.fixed = "it is kept with its history (system-versioned), in which a row that is deleted or changed stays: " +
			"ALTER TABLE ... SET (SYSTEM_VERSIONING = OFF) while rows are erased in both"
		l.history[r[8]] = r[0]
	case yes(r[5]):
		t.memory = true
		t.fixed = "it is memory-optimised, and its rows cannot be locked while they are decided anew"
	case yes(r[6]):
		t.fixed = "it is external: another server has its rows"
	case yes(r[7]):
		t.fixed = "it is a FileTable, of whose rows files are made"
	case yes(r[9]), yes(r[10]):
		t.fixed = "it is a node or an edge of a graph, which is named by numbers that the server gives"
	case yes(r[11]):
		t.fixed = "it is a ledger, from which nothing is ever erased"
	}
	l.byID[r[0]], l.tables[name] = t, t
	return nil
}

func (l *loader) addColumn(r []string) error {
	t := l.byID[r[0]]
	if t == nil {
		return nil
	}
	var numbers [3]int
	for i := range numbers {
		n, err := strconv.Atoi(r[3+i])
		if err != nil {
			return fmt.Errorf("field %s of table %s: %w", r[1], t.Name, err)
		}
		numbers[i] = n
	}
	c := &column{base: r[2], length: numbers[0], precision: numbers[1], scale: numbers[2], collation: r[6], identity: yes(r[8])}
	if r[11] != "" { // hierarchyid, geometry, geography
		c.base = r[11]
	} else if c.base == "numeric" { // another word for it, as in scripts
		c.base = "decimal"
	}
	c.incomparable = incomparable[c.base]
	c.field = connectors.Field{Name: r[1], Type: c.declared(), Kind: connectors.Text, Nullable: yes(r[7]),
		Generated: yes(r[9]) || c.base == "timestamp", Zoned: c.base == "datetimeoffset",
		Default: connectors.ConstantDefault(r[10])}
	if kind, ok := kinds[c.base]; ok {
		c.field.Kind = kind
	}
	switch c.base {
	case "char", "varchar", "binary", "varbinary":
		c.field.Length = max(0, c.length)
	case "nchar", "nvarchar":
		c.field.Length = max(0, c.length/2)
	case "timestamp":
		t.guard = r[1]
	}
	if yes(r[12]) || yes(r[13]) { // what is read is not what is there
		t.Unreadable = fmt.Errorf("field %s is masked or encrypted by the client's key: let the user see it (UNMASK), or leave "+
			"the table out by `skip:`: %w", r[1], connectors.ErrDenied)
	}
	t.columns[r[1]] = c
	t.Fields = append(t.Fields, c.field)
	return nil
}

// declared is the type as it is declared.
func (c *column) declared() string {
	length := func(n int) string {
		if n < 0 {
			return "max"
		}
		return strconv.Itoa(n)
	}
	switch c.base {
	case "char", "varchar", "binary", "varbinary":
		return c.base + "(" + length(c.length) + ")"
	case "nchar", "nvarchar":
		if c.length > 0 {
			return c.base + "(" + length(c.length/2) + ")"
		}
		return c.base + "(max)"
	case "decimal", "numeric":
		return fmt.Sprintf("%s(%d,%d)", c.base, c.precision, c.scale)
	case "time", "datetime2", "datetimeoffset":
		return fmt.Sprintf("%s(%d)", c.base, c.scale)
	}
	return c.base
}

// addIndex collects the fields of the primary key in Key and those of each unique index in Unique; of one with a
// condition (WHERE) they are among those on which uniqueness hangs.
func (l *loader) addIndex(r []string) error {
	t := l.byID[r[0]]
	switch {
	case t == nil:
	case yes(r[2]):
		t.Key = append(t.Key, r[4])
	case yes(r[3]):
		t.Distinct = append(t.Distinct, r[4])
	case l.index == r[0]+"/"+r[1]:
		t.Unique[len(t.Unique)-1] = append(t.Unique[len(t.Unique)-1], r[4])
	default:
		t.Unique = append(t.Unique, []string{r[4]})
	}
	l.index = r[0] + "/" + r[1]
	return nil
}

func (l *loader) addForeignKey(r []string) error {
	from, to := l.byID[r[0]], l.byID[r[3]]
	action := func(s string) string { return strings.ReplaceAll(s, "_", " ") }
	if yes(r[8]) {
		return nil // it is not looked after
	}
	if r[4] != "NO_ACTION" || r[5] != "NO_ACTION" {
		l.acting[r[0]], l.acting[r[3]] = true, true
	}
	if from == nil && to != nil {
		name := l.hidden[r[0]]
		if l.key != r[1] {
			to.Outside = append(to.Outside, connectors.Outside{Table: name, OnDelete: "CASCADE", Hidden: true})
		}
		o := &to.Outside[len(to.Outside)-1]
		o.Fields, o.RefFields = append(o.Fields, r[6]), append(o.RefFields, r[7])
	}
	if from != nil && to != nil {
		if l.key != r[1] {
			from.ForeignKeys = append(from.ForeignKeys, connectors.ForeignKey{Name: r[2], RefTable: to.Name,
				OnDelete: action(r[4]), OnUpdate: action(r[5])})
		}
		fk := &from.ForeignKeys[len(from.ForeignKeys)-1]
		fk.Fields, fk.RefFields = append(fk.Fields, r[6]), append(fk.RefFields, r[7])
	}
	l.key = r[1]
	return nil
}

func (l *loader) addTrigger(r []string) error {
	t := l.byID[r[0]]
	if t == nil || yes(r[3]) {
		return nil
	}
	sum := sha256.Sum256([]byte(strings.Join(r[4:], "\x00")))
	trigger := connectors.Trigger{Name: r[1], Event: r[2], Digest: hex.EncodeToString(sum[:])}
	text := strings.ToLower(r[5])
	for _, other := range l.tables { // by name alone: what it does to them nobody says
		if strings.Contains(text, strings.ToLower(other.name)) && other != t {
			for _, event := range []string{"INSERT", "UPDATE", "DELETE"} {
				if strings.Contains(text, strings.ToLower(event)) {
					trigger.Writes = append(trigger.Writes, connectors.Written{Table: other.Name, Event: event})
				}
			}
		}
	}
	trigger.Writes = connectors.SortWrites(trigger.Writes)
	t.Triggers = append(t.Triggers, trigger)
	return nil
}

// finish says what follows from the whole: keys that name nothing, guards, histories.
func (l *loader) finish() {
	for id, t := range l.byID {
		t.NameRows(nil)
		if l.acting[id] || len(t.Triggers) > 0 {
			t.guard = ""
		}
		if of := l.history[id]; of != "" && l.byID[of] != nil {
			l.unread = append(l.unread, connectors.Unread{Name: t.Name, Of: l.byID[of].Name, Read: true, Stays: true,
				Reason: "the history of a table: what is deleted or changed there stays here"})
		}
	}
	slices.SortFunc(l.unread, func(a, b connectors.Unread) int { return strings.Compare(a.Name, b.Name) })
}

// known returns the catalog, which is read once.
func (s *source) known(ctx context.Context) (map[string]*table, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.catalog != nil {
		return s.catalog, nil
	}
	tables, unread, err := s.load(ctx)
	if err != nil {
		return nil, err
	}
	s.catalog, s.unread = tables, unread
	return tables, nil
}

// table finds one table; ErrSchemaChanged if there is none.
func (s *source) table(ctx context.Context, name string) (*table, error) {
	tables, err := s.known(ctx)
	if err != nil {
		return nil, err
	}
	t := tables[name]
	if t == nil {
		return nil, fmt.Errorf("no such table: %w", connectors.ErrSchemaChanged)
	}
	return t, nil
}

// Tables reads the catalog anew.
func (s *source) Tables(ctx context.Context) ([]connectors.Table, error) {
	s.mu.Lock()
	s.catalog = nil
	s.mu.Unlock()
	tables, err := s.known(ctx)
	if err != nil {
		return nil, s.fail("catalog", "", err)
	}
	list := make([]connectors.Table, 0, len(tables))
	for _, t := range tables {
		list = append(list, t.Table)
	}
	slices.SortFunc(list, func(a, b connectors.Table) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// Unread names the histories of tables, and tables that the user may not read.
func (s *source) Unread(ctx context.Context) ([]connectors.Unread, error) {
	if _, err := s.known(ctx); err != nil {
		return nil, s.fail("catalog", "", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.unread), nil
}
