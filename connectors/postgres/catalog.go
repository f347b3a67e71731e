package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"lethe/connectors"
)

// catalog is what one user sees of the database.
type catalog struct {
	tables   map[string]*table
	byOID    map[string]*table // also by the numbers of their partitions
	hidden   []unseen
	leaving  []string // partitions whose rows are no table's, as they are being detached
	routines []routine
	major    int // the server's version
}

// unseen is a table, or a field of one, that the user may not read.
type unseen struct{ table, field string }

// table is a catalog entry with what only this connector needs.
type table struct {
	connectors.Table
	oid, schema, name string
	partitioned       bool
	foreign           bool // a partition of it is on another server
	policies          bool // row level security hides rows from this user
	copied            string
	columns           map[string]*column // by field
	sure              [][]string         // of Unique: those that hold for all rows, at any moment
}

// column is what must be known of a field to read, write and compare its values.
type column struct {
	field        connectors.Field
	typ          string // the type without its length, domains resolved, as in a cast
	base         string // its name in pg_catalog, or ""
	class        byte   // typcategory
	collation    string // quoted, "" where it has none
	loose        bool   // the collation is not deterministic
	incomparable bool   // the type has no equality, or one that is not that of values
	number       string
	identity     bool   // GENERATED ALWAYS AS IDENTITY
	operators    string // the schema of the operators by which the type is ordered, quoted: no search path finds them
}

// from is the table in statements: a partitioned table has no rows of its own, any other has those of ONLY it.
func (t *table) from() string {
	name := quoteName(t.schema) + "." + quoteName(t.name)
	if t.partitioned {
		return name
	}
	return "ONLY " + name
}

// public is the schema whose tables go by their own names.
const public = "public"

// nameOf is how a table is called in the catalog, as in files of pg_dump.
func nameOf(schema, name string) string {
	if schema == public {
		return name
	}
	return schema + "." + name
}

// own leaves out what is the server's.
const own = ` AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' AND c.relpersistence <> 't'`

// pending says of a row i of pg_inherits that the partition is being detached (DETACH PARTITION ... CONCURRENTLY) or was
// when that was cut off: queries of the root read no rows of it. PostgreSQL 13 has no such field.
const pending = `(pg_catalog.to_jsonb(i) ->> 'inhdetachpending')::boolean`

// The catalog's queries. A partition is no table: its rows are those of the root. Which fields a user may read is asked
// with them.
const (
	tablesQuery = `SELECT c.oid, n.nspname, c.relname, c.relkind, c.reltuples::bigint, c.relispartition,
		CASE WHEN c.relkind IN ('r', 'p') THEN pg_catalog.row_security_active(c.oid) END,
		pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_any_column_privilege(c.oid, 'SELECT'),
		COALESCE(pg_catalog.obj_description(c.oid, 'pg_class'), ''), COALESCE(i.inhparent, 0), COALESCE(` + pending + `, false)
		FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		LEFT JOIN pg_catalog.pg_inherits i ON i.inhrelid = c.oid AND c.relispartition
		WHERE (c.relkind IN ('r', 'p') OR c.relkind = 'f' AND c.relispartition)` + own + ` ORDER BY c.oid`
	columnsQuery = `WITH RECURSIVE base AS (
			SELECT t.oid, t.oid AS base, 0 AS deep, t.typtypmod AS mod FROM pg_catalog.pg_type t
			UNION ALL SELECT b.oid, t.typbasetype, b.deep + 1, CASE WHEN b.mod >= 0 THEN b.mod ELSE t.typtypmod END
			FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.base AND t.typtype = 'd'),
		root AS (SELECT DISTINCT ON (oid) oid, base, mod FROM base ORDER BY oid, deep DESC)
		SELECT a.attrelid, a.attname, a.attnum, pg_catalog.format_type(a.atttypid, a.atttypmod),
		pg_catalog.format_type(root.base, -1),
		CASE WHEN t.typnamespace = 'pg_catalog'::regnamespace THEN t.typname ELSE '' END, t.typname, t.typcategory, NOT a.attnotnull,
		a.attgenerated <> '', a.attidentity = 'a', CASE WHEN a.atttypmod >= 0 THEN a.atttypmod ELSE root.mod END,
		CASE WHEN a.attgenerated = '' THEN COALESCE(pg_catalog.pg_get_expr(d.adbin, d.adrelid), '') ELSE '' END,
		CASE WHEN l.oid IS NULL THEN '' ELSE pg_catalog.quote_ident(ln.nspname) || '.' || pg_catalog.quote_ident(l.collname) END,
		COALESCE(NOT l.collisdeterministic, false), pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT'),
		CASE WHEN t.typtype <> 'b' OR t.typcategory = 'A' OR t.typnamespace = 'pg_catalog'::regnamespace THEN 'pg_catalog'
		ELSE (SELECT pg_catalog.quote_ident(on_.nspname) FROM pg_catalog.pg_opclass oc JOIN pg_catalog.pg_am m ON m.oid = oc.opcmethod
			JOIN pg_catalog.pg_amop ao ON ao.amopfamily = oc.opcfamily AND ao.amoplefttype = oc.opcintype
			AND ao.amoprighttype = oc.opcintype AND ao.amopstrategy = 3 JOIN pg_catalog.pg_operator o ON o.oid = ao.amopopr
			JOIN pg_catalog.pg_namespace on_ ON on_.oid = o.oprnamespace
			WHERE m.amname = 'btree' AND oc.opcdefault AND oc.opcintype = t.oid) END
		FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
		JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		JOIN root ON root.oid = a.atttypid JOIN pg_catalog.pg_type t ON t.oid = root.base
		LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
		LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
		LEFT JOIN pg_catalog.pg_namespace ln ON ln.oid = l.collnamespace
		WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped` + own + `
		ORDER BY a.attrelid, a.attnum`
	indexesQuery = `SELECT i.indrelid, i.indisprimary, i.indexrelid, a.attname, i.indisvalid AND i.indimmediate
		FROM pg_catalog.pg_index i
		JOIN pg_catalog.pg_class c ON c.oid = i.indrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY k (num, at)
		JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.num
		WHERE i.indisunique AND i.indexprs IS NULL AND i.indpred IS NULL AND k.at <= i.indnkeyatts
		AND NOT c.relispartition` + own + ` ORDER BY i.indrelid, i.indexrelid, k.at`
	// fields that an expression, a condition or an exclusion hangs on, and what generated fields are computed of
	hangQuery = `SELECT c.oid, a.attname, '' FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
		JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = i.indexrelid
		AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid > 0
		JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
		WHERE (i.indisunique AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL) OR i.indisunique AND c.relispartition)` + own + `
		UNION SELECT c.oid, a.attname, '' FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
		JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = k.conindid
		AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = c.oid AND d.refobjsubid > 0
		JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid WHERE k.contype = 'x'` + own + `
		UNION SELECT c.oid, a.attname, g.attname FROM pg_catalog.pg_attribute g JOIN pg_catalog.pg_class c ON c.oid = g.attrelid
		JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		JOIN pg_catalog.pg_attrdef e ON e.adrelid = c.oid AND e.adnum = g.attnum
		JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_attrdef'::regclass AND d.objid = e.oid
		AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = c.oid AND d.refobjsubid <> g.attnum
		JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
		WHERE g.attgenerated <> '' AND NOT c.relispartition` + own + ` ORDER BY 1, 2, 3`
	// keys of partitions that they have from their roots (conparentid) are those of the roots
	foreignKeysQuery = `SELECT k.conrelid, k.conname, k.confrelid, k.confdeltype, k.confupdtype, a.attname, r.attname, k.oid,
		COALESCE(dn.nspname, ''), COALESCE(dc.relname, '')
		FROM pg_catalog.pg_constraint k CROSS JOIN LATERAL
		unnest(k.conkey, k.confkey) WITH ORDINALITY u (num, ref, at)
		JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.num
		JOIN pg_catalog.pg_attribute r ON r.attrelid = k.confrelid AND r.attnum = u.ref
		JOIN pg_catalog.pg_class dc ON dc.oid = k.conrelid JOIN pg_catalog.pg_namespace dn ON dn.oid = dc.relnamespace
		WHERE k.contype = 'f' AND k.conparentid = 0 ORDER BY dn.nspname, dc.relname, k.conname, k.oid, u.at`
)

// kinds are the logical types of those of pg_catalog, as package pgdump reads them from a dump; all others are text.
var kinds = map[string]connectors.Kind{
	"int2": connectors.Integer, "int4": connectors.Integer, "int8": connectors.Integer, "oid": connectors.Integer,
	"numeric": connectors.Decimal, "float4": connectors.Float, "float8": connectors.Float, "bool": connectors.Bool,
	"bytea": connectors.Binary, "json": connectors.JSON, "jsonb": connectors.JSON, "bit": connectors.Bit,
	"varbit": connectors.Bit, "date": connectors.Date, "time": connectors.Time, "timestamp": connectors.Timestamp,
	"timestamptz": connectors.Timestamp,
}

// incomparable are types without an equality, and those whose equality is not that of their values (of areas, lengths).
var incomparable = []string{"json", "xml", "point", "line", "lseg", "box", "path", "polygon", "circle", "txid_snapshot",
	"pg_snapshot", "aclitem"}

var actions = map[string]string{"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}

// load reads the catalog of the database.
func (s *source) load(ctx context.Context) (*catalog, error) {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	l := &loader{database: s.database, catalog: &catalog{tables: map[string]*table{}, byOID: map[string]*table{}},
		parents: map[string]string{}, unseen: map[string]string{}}
	for _, step := range []struct {
		query string
		row   func([]string) error
	}{
		{tablesQuery, l.addTable}, {columnsQuery, l.addColumn}, {indexesQuery, l.addIndex}, {hangQuery, l.addHanging},
		{foreignKeysQuery, l.addForeignKey},
	} {
		if err := collect(ctx, conn, step.query, nil, step.row); err != nil {
			return nil, err
		}
		if l.after(step.query); l.err != nil {
			return nil, l.err
		}
	}
	l.finish()
	return l.catalog, l.addTriggers(ctx, conn)
}

// loader puts the catalog together.
type loader struct {
	*catalog
	database string
	all      []tableRow
	parents  map[string]string // of partitions, their parents
	unseen   map[string]string // tables that the user may not read
	index    string            // the last unique index
	keys     []foreignKey
	err      error
}

type tableRow struct {
	oid, schema, name, kind string
	rows                    int64
	partition               bool
}

type foreignKey struct {
	from, to, oid string
	schema, table string
	connectors.ForeignKey
}

func (l *loader) addTable(r []string) error {
	rows, err := strconv.ParseInt(r[4], 10, 64)
	if err != nil {
		return fmt.Errorf("row estimate of table %s: %w", r[2], err)
	}
	l.all = append(l.all, tableRow{oid: r[0], schema: r[1], name: r[2], kind: r[3], rows: rows, partition: r[5] == "t"})
	switch {
	case r[10] == "t":
		l.leaving = append(l.leaving, nameOf(r[1], r[2]))
		return nil
	case r[5] == "t":
		l.parents[r[0]] = r[9]
		return nil
	}
	name := nameOf(r[1], r[2])
	if r[7] != "t" {
		l.unseen[r[0]] = name
		l.hidden = append(l.hidden, unseen{table: name})
		return nil
	}
	if l.tables[name] != nil {
		return fmt.Errorf("two tables are called %s: %w", name, connectors.ErrConfig)
	}
	t := &table{Table: connectors.Table{Database: l.database, Name: name, Rows: rows}, oid: r[0], schema: r[1], name: r[2],
		partitioned: r[3] == "p", policies: r[6] == "t", columns: map[string]*column{}}
	if of, ok := strings.CutPrefix(r[8], copyComment); ok {
		t.copied = of
	}
	if t.partitioned {
		t.Rows = 0
	} else {
		t.Stands = []string{r[0]}
	}
	l.tables[name], l.byOID[r[0]] = t, t
	return nil
}

// after brings together what a query said.
func (l *loader) after(query string) {
	if query != tablesQuery {
		return
	}
	for _, p := range l.all {
		if !p.partition || l.parents[p.oid] == "" { // which is being detached
			continue
		}
		root := p.oid
		for l.parents[root] != "" {
			root = l.parents[root]
		}
		t := l.byOID[root]
		if name := l.unseen[root]; name != "" {
			l.unseen[p.oid] = name
		}
		if t == nil {
			continue
		}
		l.byOID[p.oid] = t
		if p.kind != "p" {
			t.Stands = append(t.Stands, p.oid)
		}
		t.foreign = t.foreign || p.kind == "f"
		switch {
		case p.kind == "p":
		case p.rows < 0:
			t.Rows = -1
		case t.Rows >= 0:
			t.Rows += p.rows
		}
	}
}

func (l *loader) addColumn(r []string) error {
	t := l.byOID[r[0]]
	if t == nil {
		return nil
	}
	if r[15] != "t" {
		l.hidden = append(l.hidden, unseen{t.Name, r[1]})
		return nil
	}
	length, err := strconv.Atoi(r[11])
	if err != nil {
		return fmt.Errorf("length of field %s of table %s: %w", r[1], t.Name, err)
	}
	c := &column{typ: r[4], base: r[5], class: r[7][0], collation: r[13], loose: r[14] == "t", number: r[2],
		identity: r[10] == "t", operators: r[16], incomparable: r[16] == "" || slices.Contains(incomparable, r[5])}
	c.field = connectors.Field{Name: r[1], Type: r[3], Kind: connectors.Text, Nullable: r[8] == "t", Generated: r[9] == "t",
		Default: connectors.ConstantDefault(r[12]), Zoned: r[5] == "timestamptz"}
	if kind, ok := kinds[r[5]]; ok {
		c.field.Kind = kind
	}
	if r[5] == "varchar" || r[5] == "bpchar" {
		c.field.Length = max(0, length-4)
	}
	if r[6] == "citext" {
		c.loose = true
	}
	t.columns[r[1]] = c
	t.Fields = append(t.Fields, c.field)
	return nil
}

// addIndex collects the fields of the primary key in Key and those of each unique index in Unique.
func (l *loader) addIndex(r []string) error {
	t := l.byOID[r[0]]
	switch {
	case t == nil:
	case r[1] == "t":
		t.Key = append(t.Key, r[3])
	default:
		next := l.index != r[2]
		t.Unique = extend(t.Unique, r[3], next)
		if r[4] == "t" {
			t.sure = extend(t.sure, r[3], next)
		}
	}
	l.index = r[2]
	return nil
}

// extend adds a field to the last index of a list, or as the first of the next one.
func extend(list [][]string, field string, next bool) [][]string {
	if next {
		return append(list, []string{field})
	}
	list[len(list)-1] = append(list[len(list)-1], field)
	return list
}

// addHanging notes fields on which a unique constraint hangs. Of a generated field those that it is computed of do,
// where it takes part in one.
func (l *loader) addHanging(r []string) error {
	t := l.byOID[r[0]]
	if t != nil && (r[2] == "" || slices.Contains(t.Key, r[2]) || t.TakesPart(r[2])) && !slices.Contains(t.Distinct, r[1]) {
		t.Distinct = append(t.Distinct, r[1])
	}
	return nil
}

func (l *loader) addForeignKey(r []string) error {
	if n := len(l.keys); n == 0 || l.keys[n-1].oid != r[7] {
		l.keys = append(l.keys, foreignKey{from: r[0], to: r[2], oid: r[7], schema: r[8], table: r[9],
			ForeignKey: connectors.ForeignKey{Name: r[1], OnDelete: actions[r[3]], OnUpdate: actions[r[4]]}})
	}
	fk := &l.keys[len(l.keys)-1]
	fk.Fields, fk.RefFields = append(fk.Fields, r[5]), append(fk.RefFields, r[6])
	return nil
}

// finish gives the tables their foreign keys, and takes away keys that cannot be one, such as one with a field that the
// user may not read. A unique index then names the rows, if one can.
func (l *loader) finish() {
	for _, fk := range l.keys {
		from, to := l.byOID[fk.from], l.byOID[fk.to]
		if to != nil {
			fk.RefTable = to.Name
		} else {
			fk.RefTable = l.unseen[fk.to]
		}
		switch {
		case from != nil && fk.RefTable != "":
			if !slices.ContainsFunc(from.ForeignKeys, fk.is) {
				from.ForeignKeys = append(from.ForeignKeys, fk.ForeignKey)
			}
		case from == nil && to != nil:
			to.Outside = append(to.Outside, connectors.Outside{Table: fk.schema + "." + fk.table, Fields: fk.Fields,
				RefFields: fk.RefFields, OnDelete: fk.OnDelete, Hidden: true})
		}
	}
	for _, t := range l.tables {
		readable := func(names []string) bool {
			return !slices.ContainsFunc(names, func(name string) bool { return t.columns[name] == nil })
		}
		t.Unique = slices.DeleteFunc(t.Unique, func(names []string) bool { return !readable(names) })
		t.Distinct = slices.DeleteFunc(t.Distinct, func(name string) bool { return t.columns[name] == nil })
		t.ForeignKeys = slices.DeleteFunc(t.ForeignKeys, func(fk connectors.ForeignKey) bool {
			if to := l.tables[fk.RefTable]; !readable(fk.Fields) && to != nil { // its rows may be there, and not be seen
				to.Outside = append(to.Outside, connectors.Outside{Table: t.schema + "." + t.name, Fields: fk.Fields,
					RefFields: fk.RefFields, OnDelete: fk.OnDelete, Hidden: true})
			}
			return !readable(fk.Fields)
		})
		if !readable(t.Key) || slices.ContainsFunc(t.Key, func(name string) bool { return t.columns[name].incomparable }) {
			t.Key = nil
		}
		t.NameRows(func(fields []string) bool {
			return !slices.ContainsFunc(fields, func(name string) bool {
				return t.columns[name].incomparable || t.columns[name].loose // an index may tell what the field does not
			}) && slices.ContainsFunc(t.sure, func(u []string) bool { return slices.Equal(u, fields) })
		})
	}
}

// is says whether a key of a partition is one that another has, too.
func (fk foreignKey) is(o connectors.ForeignKey) bool {
	return fk.RefTable == o.RefTable && fk.OnDelete == o.OnDelete && fk.OnUpdate == o.OnUpdate &&
		slices.Equal(fk.Fields, o.Fields) && slices.Equal(fk.RefFields, o.RefFields)
}

// version asks for that of the server.
func (l *loader) version(ctx context.Context, conn *sql.Conn) error {
	return collect(ctx, conn, "SELECT pg_catalog.current_setting('server_version_num')", nil, func(r []string) error {
		l.major = number(r[0]) / 10_000
		return nil
	})
}

// Tables reads the catalog anew: the tables of all schemas of which the user may read some field. A partition is no
// table of its own.
func (s *source) Tables(ctx context.Context) ([]connectors.Table, error) {
	c, err := s.reload(ctx)
	if err != nil {
		return nil, s.fail("catalog", "", err)
	}
	tables := make([]connectors.Table, 0, len(c.tables))
	for _, name := range slices.Sorted(maps.Keys(c.tables)) {
		tables = append(tables, c.tables[name].Table)
	}
	return tables, nil
}

func (s *source) reload(ctx context.Context) (*catalog, error) {
	c, err := s.load(ctx)
	if err != nil {
		return nil, because(ctx, err)
	}
	s.mu.Lock()
	s.catalog = c
	s.mu.Unlock()
	return c, nil
}

// known returns the catalog that was loaded already, or loads it.
func (s *source) known(ctx context.Context) (*catalog, error) {
	s.mu.Lock()
	c := s.catalog
	s.mu.Unlock()
	if c != nil {
		return c, nil
	}
	return s.reload(ctx)
}

// forget makes the next look at a table read the catalog anew.
func (s *source) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catalog = nil
}

// table returns a catalog entry; one that is not known yet is looked for once more.
func (s *source) table(ctx context.Context, name string) (*table, error) {
	c, err := s.known(ctx)
	if err != nil {
		return nil, err
	}
	if c.tables[name] == nil {
		if c, err = s.reload(ctx); err != nil {
			return nil, err
		}
	}
	t := c.tables[name]
	switch {
	case t == nil:
		return nil, fmt.Errorf("no such table, or none that the user may read: %w", connectors.ErrSchemaChanged)
	case t.policies:
		return nil, &connectors.Error{Err: fmt.Errorf("row level security may hide rows of it: %w", connectors.ErrDenied),
			Hint: "give the user BYPASSRLS (ALTER ROLE ... BYPASSRLS), or one that owns the table"}
	}
	return t, nil
}
