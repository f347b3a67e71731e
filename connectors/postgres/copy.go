package postgres

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/jackc/pgx/v5/pgconn"

	"lethe/connectors"
)

// longestName is how many bytes of a name the server keeps: it cuts the rest off.
const longestName = 63

// copyComment begins the comment of a copy's table, by which it is told from the application's own; the name of the table
// that it is of follows. viewComment begins that of a view: the copy's name and a digest of what the view says follow.
const (
	copyComment = "kept by lethe: copy of "
	viewComment = "kept by lethe: view of copy "
)

// object is a table, a view or anything else with a name among tables, in the schema public.
type object struct {
	kind, comment string
	own           bool // the user's
}

func (o object) viewOf(name string) bool {
	return o.kind == "v" && strings.HasPrefix(o.comment, viewComment+digest(name)+" ")
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])[:24]
}

const objectsQuery = `SELECT c.relname, c.relkind, COALESCE(pg_catalog.obj_description(c.oid, 'pg_class'), ''),
	pg_catalog.pg_has_role(c.relowner, 'USAGE') FROM pg_catalog.pg_class c
	JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
	WHERE n.nspname = 'public' AND pg_catalog.left(c.relname, pg_catalog.length($1)) = $1`

// objects returns what stands under names that begin with that of a copy.
func objects(ctx context.Context, conn *sql.Conn, name string) (map[string]object, error) {
	found := map[string]object{}
	err := collect(ctx, conn, objectsQuery, [][]byte{[]byte(name)}, func(r []string) error {
		found[r[0]] = object{kind: r[1], comment: r[2], own: r[3] == "t"}
		return nil
	})
	return found, err
}

// definition is how a field of a copy is declared.
type definition struct {
	name, declared, collation string
	nullable                  bool
}

func (d definition) sql() string {
	s := quoteName(d.name) + " " + d.declared
	if d.collation != "" {
		s += " COLLATE " + d.collation
	}
	if !d.nullable {
		s += " NOT NULL"
	}
	return s
}

func (t *table) definitions(names []string) (fields []definition) {
	for _, name := range names {
		c := t.columns[name]
		fields = append(fields, definition{name: name, declared: c.field.Type, collation: c.collation, nullable: c.field.Nullable})
	}
	return fields
}

// bytewise is the collation in which texts that differ are never equal.
const bytewise = `pg_catalog."C"`

// EnsureCopy makes the copy's table and views in the schema public, in one transaction. Table and views have comments that
// say what they are, and what each view is made of. A view reads with the rights of the user of apply_dsn, who owns it. A
// table or view in use is waited for no longer than the session's lock_timeout, as others wait behind: then the error
// wraps ErrTransient. While a view reads a field of the application's table, the server lets nobody drop that field.
func (m *mutable) EnsureCopy(ctx context.Context, c connectors.Copy) (connectors.Table, error) {
	s := m.apply
	ensure := func() error {
		return s.transact(ctx, "copy", c.Name, func(conn *sql.Conn) error {
			i, err := s.intend(ctx, conn, c)
			if err == nil {
				err = i.make(ctx, conn)
			}
			if err != nil {
				return s.fail("copy", c.Name, err)
			}
			return nil
		})
	}
	err := ensure()
	if errors.Is(err, errMade) {
		err = ensure()
	}
	if err != nil {
		return connectors.Table{}, err
	}
	m.source.forget()
	s.forget()
	t, err := s.table(ctx, c.Name)
	if err != nil {
		return connectors.Table{}, s.fail("copy", c.Name, because(ctx, err))
	}
	return t.Table, nil
}

var errMade = fmt.Errorf("another session has just made the copy: %w", connectors.ErrTransient)

// CheckCopy looks at the names, at what stands under them, and at the rights of the user of apply_dsn.
func (m *mutable) CheckCopy(ctx context.Context, c connectors.Copy) error {
	s := m.apply
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return s.fail("copy", c.Name, because(ctx, err))
	}
	defer func() { _ = conn.Close() }()
	i, err := s.intend(ctx, conn, c)
	if err == nil {
		err = i.rights(ctx, conn)
	}
	if err != nil {
		return s.fail("copy", c.Name, err)
	}
	return nil
}

// intended is a copy as it is to be, and what stands under names that begin like its own.
type intended struct {
	connectors.Copy
	of     *table
	fields []definition
	key    []string
	there  map[string]object
}

// intend refuses, before anything is made, a copy that cannot be, and one that would take the place of something else.
func (s *source) intend(ctx context.Context, conn *sql.Conn, c connectors.Copy) (i intended, err error) {
	i.Copy = c
	if err := c.Check(); err != nil {
		return i, err
	}
	names := []string{c.Name}
	for _, v := range c.Views {
		names = append(names, v.Name)
	}
	for _, name := range names {
		if len(name) > longestName {
			return i, fmt.Errorf("the name %s has %d bytes, and the server allows %d: %w", name, len(name), longestName,
				connectors.ErrConfig)
		}
	}
	if i.there, err = objects(ctx, conn, c.Name); err != nil {
		return i, err
	}
	for _, v := range c.Views {
		if o, ok := i.there[v.Name]; ok && !o.viewOf(c.Name) {
			return i, connectors.NotThisCopy("what has the name of view " + v.Name + " was not made for this copy")
		}
	}
	if i.of, err = s.table(ctx, c.Of.Name); err != nil {
		return i, err
	}
	if !slices.Equal(i.of.Key, c.Of.Key) {
		return i, fmt.Errorf("table %s has another key by now: %w", c.Of.Name, connectors.ErrSchemaChanged)
	}
	i.fields, i.key = i.of.definitions(c.Of.Key), slices.Concat(c.Of.Key, c.Key)
	for _, f := range c.Fields {
		d := definition{name: f.Name, declared: "date", nullable: f.Nullable}
		switch f.Kind {
		case connectors.Timestamp:
			d.declared = "timestamp without time zone"
		case connectors.Text:
			d.declared, d.collation = fmt.Sprintf("character varying(%d)", f.Length), bytewise
		}
		i.fields = append(i.fields, d)
	}
	if _, exists := i.there[c.Name]; exists {
		err = s.holds(ctx, i)
	}
	if err == nil {
		err = i.owned()
	}
	return i, err
}

// owned says of what is there that it is another user's, who alone may change it.
func (i intended) owned() error {
	var lacks []string
	for _, name := range slices.Sorted(maps.Keys(i.there)) {
		ours := name == i.Name || slices.ContainsFunc(i.Views, func(v connectors.CopyView) bool { return v.Name == name })
		if ours && !i.there[name].own {
			lacks = append(lacks, name)
		}
	}
	if len(lacks) == 0 {
		return nil
	}
	return &connectors.Error{Hint: "keep the user, or GRANT the role that owns them to it",
		Err: fmt.Errorf("the user of apply_dsn does not own %s: %w", strings.Join(lacks, ", "), connectors.ErrDenied)}
}

// holds holds the table that is there to what it should be.
func (s *source) holds(ctx context.Context, i intended) error {
	if o := i.there[i.Name]; o.kind != "r" || o.comment != copyComment+i.Of.Name {
		return connectors.NotThisCopy("what has the name is no copy of table " + i.Of.Name)
	}
	if err := i.owned(); err != nil {
		return err
	}
	s.forget()
	t, err := s.table(ctx, i.Name)
	if err != nil {
		return err
	}
	if !slices.Equal(i.key, t.Key) {
		return connectors.OutdatedCopy("the copy there has another primary key: " + strings.Join(t.Key, ", "))
	}
	var names []string
	for _, f := range t.Fields {
		names = append(names, f.Name)
	}
	if what := differs(i.fields, t.definitions(names)); what != "" {
		return connectors.OutdatedCopy("the copy there has other fields: " + what)
	}
	return nil
}

// differs says how a table differs from the definitions; "" not at all.
func differs(want, have []definition) string {
	for i, w := range want {
		switch {
		case i == len(have):
			return "it has no field " + w.name
		case have[i] != w:
			return "field " + have[i].name + " is declared " + have[i].sql() + ", and is to be " + w.sql()
		}
	}
	if len(have) > len(want) {
		return "field " + have[len(want)].name + " is not among those of a copy"
	}
	return ""
}

// inPublic is the name of a copy's table or view in statements.
func inPublic(name string) string { return quoteName(public) + "." + quoteName(name) }

// make makes what is missing or other than it should be.
func (i intended) make(ctx context.Context, conn *sql.Conn) error {
	run := func(statements ...string) error {
		for _, statement := range statements {
			if _, _, err := exec(ctx, conn, statement, nil); err != nil {
				return err
			}
		}
		return nil
	}
	if _, exists := i.there[i.Name]; !exists {
		// of two that make it at once the second waits here, and finds it made
		if err := run("SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext(" + quoteText(i.Name) + "))"); err != nil {
			return err
		}
		now, err := objects(ctx, conn, i.Name)
		if err != nil {
			return err
		}
		if _, made := now[i.Name]; made {
			return errMade
		}
		var lines, key []string
		for _, d := range i.fields {
			lines = append(lines, d.sql())
		}
		for _, name := range i.key {
			key = append(key, quoteName(name))
		}
		lines = append(lines, "PRIMARY KEY ("+strings.Join(key, ", ")+")")
		err = run("CREATE TABLE "+inPublic(i.Name)+" (\n\t"+strings.Join(lines, ",\n\t")+"\n)",
			"COMMENT ON TABLE "+inPublic(i.Name)+" IS "+quoteText(copyComment+i.Of.Name))
		if err != nil {
			return err
		}
	}
	wanted := map[string]bool{}
	for _, v := range i.Views {
		wanted[v.Name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(i.there)) {
		if i.there[name].viewOf(i.Name) && !wanted[name] {
			if err := run("DROP VIEW " + inPublic(name)); err != nil {
				return err
			}
		}
	}
	for _, v := range i.Views {
		shows := i.viewSelect(v)
		comment := viewComment + digest(i.Name) + " " + digest(shows)
		if o, made := i.there[v.Name]; made && o.comment == comment {
			continue
		} else if made {
			grants, err := grantsOn(ctx, conn, v.Name)
			if err == nil {
				err = run("DROP VIEW "+inPublic(v.Name), "CREATE VIEW "+inPublic(v.Name)+" AS "+shows)
			}
			if err == nil {
				err = run(grants...)
			}
			if err != nil {
				return err
			}
		} else if err := run("CREATE VIEW " + inPublic(v.Name) + " AS " + shows); err != nil {
			return err
		}
		if err := run("COMMENT ON VIEW " + inPublic(v.Name) + " IS " + quoteText(comment)); err != nil {
			return err
		}
	}
	return nil
}

// grantsOn are the statements that give others the rights on a view that they have: it is made anew.
func grantsOn(ctx context.Context, conn *sql.Conn, view string) (statements []string, err error) {
	err = collect(ctx, conn, `SELECT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END,
		a.privilege_type, a.is_grantable FROM pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) a
		WHERE c.oid = `+quoteText(inPublic(view))+`::regclass AND a.grantee <> c.relowner`, nil, func(r []string) error {
		statement := "GRANT " + r[1] + " ON " + inPublic(view) + " TO " + r[0]
		if r[2] == "t" {
			statement += " WITH GRANT OPTION"
		}
		statements = append(statements, statement)
		return nil
	})
	return statements, err
}

// viewSelect writes what a view shows. The copy stands on the left of each comparison.
func (i intended) viewSelect(v connectors.CopyView) string {
	var shown, where []string
	for _, name := range v.Fields {
		shown = append(shown, "t."+quoteName(name))
	}
	for _, name := range i.Of.Key {
		where = append(where, "c."+quoteName(name)+" "+i.of.columns[name].operator("=")+" t."+quoteName(name))
	}
	for _, name := range slices.Sorted(maps.Keys(v.Where)) {
		where = append(where, "c."+quoteName(name)+" ="+quoteText(v.Where[name]))
	}
	if v.Until != "" {
		until := "c." + quoteName(v.Until)
		where = append(where, "("+until+" IS NULL OR "+until+" > (pg_catalog.statement_timestamp() AT TIME ZONE 'UTC'))")
	}
	return "SELECT " + strings.Join(shown, ", ") + " FROM " + i.of.from() + " t WHERE EXISTS (SELECT FROM ONLY " +
		inPublic(i.Name) + " c WHERE " + strings.Join(where, " AND ") + ")"
}

// rights says what the user may not do that keeping the copy takes.
func (i intended) rights(ctx context.Context, conn *sql.Conn) error {
	may := false
	err := collect(ctx, conn, "SELECT pg_catalog.has_schema_privilege('public', 'CREATE')", nil, func(r []string) error {
		may = r[0] == "t"
		return nil
	})
	var server *pgconn.PgError
	if errors.As(err, &server) && server.Code == "3F000" {
		return fmt.Errorf("there is no schema public, in which copies stand: %w", connectors.ErrConfig)
	}
	if err != nil || may {
		return err
	}
	return &connectors.Error{Hint: rights,
		Err: fmt.Errorf("the user of apply_dsn lacks CREATE on schema public: %w", connectors.ErrDenied)}
}

// WriteCopy runs one READ COMMITTED transaction of INSERT ... ON CONFLICT DO UPDATE, then DELETE.
func (m *mutable) WriteCopy(ctx context.Context, copied connectors.Table, rows arrow.Record, gone []connectors.Key) error {
	s := m.apply
	statements, err := s.copyStatements(ctx, copied.Name, rows, gone)
	if err != nil {
		return s.fail("copy", copied.Name, because(ctx, err))
	}
	return s.transact(ctx, "copy", copied.Name, func(conn *sql.Conn) error {
		for _, st := range statements {
			if _, _, err := exec(ctx, conn, st.text, st.params); err != nil {
				return s.fail("copy", copied.Name, err)
			}
		}
		return nil
	})
}

func (s *source) copyStatements(ctx context.Context, name string, rows arrow.Record, gone []connectors.Key) ([]statement, error) {
	s.forget()
	t, err := s.table(ctx, name)
	if err != nil {
		return nil, err
	}
	if t.copied == "" {
		return nil, connectors.NotThisCopy("the table is no copy")
	}
	columns, err := t.Columns(rows)
	if err != nil {
		return nil, err
	}
	var statements []statement
	if columns != nil {
		statements = t.upserts(columns, int(rows.NumRows()))
	}
	var by []comparison
	for _, field := range t.Key {
		by = append(by, t.columns[field].compared(t.columns[field]))
	}
	pieces, err := cut(&connectors.Keys{Fields: t.Key, Tuples: gone}, by)
	if err != nil {
		return nil, err
	}
	for piece := range pieces.Len() {
		joined, condition, params := joined(by, pieces.Of(piece), 1)
		statements = append(statements, statement{params: params,
			text: "DELETE FROM " + t.from() + " t USING " + joined + " WHERE " + condition})
	}
	return statements, nil
}

// upserts writes the rows as INSERT statements. A row takes the place of one with the same key whole, also where the key's
// own spelling is another; of rows of one key in a statement the last stands.
func (t *table) upserts(columns []*array.Binary, rows int) (statements []statement) {
	var names, set, types, key, chosen []string
	for i, f := range t.Fields {
		c, name, from := t.columns[f.Name], quoteName(f.Name), "k.c"+strconv.Itoa(i+1)
		names, types = append(names, name), append(types, c.typ)
		set = append(set, name+" = EXCLUDED."+name)
		chosen = append(chosen, from)
		if slices.Contains(t.Key, f.Name) {
			if c.collation != "" {
				from = "(" + from + " COLLATE " + c.collation + ")"
			}
			key = append(key, from)
		}
	}
	var keyNames []string
	for _, name := range t.Key {
		keyNames = append(keyNames, quoteName(name))
	}
	distinct := strings.Join(key, ", ")
	text := "INSERT INTO " + quoteName(t.schema) + "." + quoteName(t.name) + " (" + strings.Join(names, ", ") +
		") SELECT DISTINCT ON (" + distinct + ") " + strings.Join(chosen, ", ") + " FROM " + unnested("k", types, 1) +
		" ORDER BY " + distinct + ", k.n DESC ON CONFLICT (" + strings.Join(keyNames, ", ") + ") DO UPDATE SET " +
		strings.Join(set, ", ")
	for start := 0; start < rows; {
		lists, end, size := make([]list, len(columns)), start, 0
		for ; end < rows && end-start < keysAtOnce && size < bytesAtOnce; end++ {
			for i, f := range t.Fields {
				if columns[i].IsNull(end) {
					lists[i].addNull()
					continue
				}
				v := columns[i].Value(end)
				size += len(v)
				lists[i].add(t.columns[f.Name].input(v))
			}
		}
		statements = append(statements, statement{text: text, params: texts(lists)})
		start = end
	}
	return statements
}

// DropCopy drops the views, then the table.
func (m *mutable) DropCopy(ctx context.Context, name string) error {
	s := m.apply
	err := s.transact(ctx, "copy", name, func(conn *sql.Conn) error {
		there, err := objects(ctx, conn, name)
		o, exists := there[name]
		if err == nil && exists && (o.kind != "r" || !strings.HasPrefix(o.comment, copyComment)) {
			err = connectors.NotThisCopy("what has the name is no copy")
		}
		for _, view := range slices.Sorted(maps.Keys(there)) {
			if err == nil && there[view].viewOf(name) {
				_, _, err = exec(ctx, conn, "DROP VIEW "+inPublic(view), nil)
			}
		}
		if err == nil && exists {
			_, _, err = exec(ctx, conn, "DROP TABLE "+inPublic(name), nil)
		}
		if err != nil {
			return s.fail("copy", name, err)
		}
		return nil
	})
	m.source.forget()
	s.forget()
	return err
}
