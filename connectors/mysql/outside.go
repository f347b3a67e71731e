package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"

	"lethe/connectors"
)

// referrersQuery asks for the foreign keys that lead into the connection's database from any, as far as the account
// has a right on the tables that they are of.
const referrersQuery = `SELECT TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, REFERENCED_TABLE_NAME, '', COLUMN_NAME,
	REFERENCED_COLUMN_NAME FROM information_schema.KEY_COLUMN_USAGE WHERE REFERENCED_TABLE_SCHEMA = DATABASE()
	ORDER BY TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION`

// engineQuery asks InnoDB for all of them, which takes PROCESS. %s is the name of its list on this server.
const engineQuery = `SELECT %[2]s, %[3]s, SUBSTRING(f.ID, LOCATE('/', f.ID) + 1), %[4]s,
	CASE WHEN f.TYPE & 1 THEN 'CASCADE' WHEN f.TYPE & 2 THEN 'SET NULL' ELSE 'RESTRICT' END, c.FOR_COL_NAME, c.REF_COL_NAME
	FROM information_schema.%[1]s f JOIN information_schema.%[1]s_COLS c ON c.ID = f.ID
	WHERE %[5]s = DATABASE() ORDER BY f.ID, c.POS`

// engineName is a part of a name of InnoDB's, which spells it as a file's name, or as it is.
func engineName(name, part string) string {
	raw := fmt.Sprintf("SUBSTRING_INDEX(%s, '/', %s)", name, part)
	plain := "CONVERT(CONVERT(CAST(" + raw + " AS BINARY) USING filename) USING utf8mb4)"
	return fmt.Sprintf("IF(CAST(CONVERT(%[2]s USING filename) AS BINARY) = CAST(%[1]s AS BINARY), %[2]s, %[1]s)", raw, plain)
}

// referrer is a foreign key that leads into the database.
type referrer struct {
	schema, table, name, parent string
	onDelete                    string // "" where it is not known
	fields, refFields           []string
}

func (r referrer) is(o referrer) bool {
	return strings.EqualFold(r.schema, o.schema) && strings.EqualFold(r.table, o.table) && strings.EqualFold(r.name, o.name)
}

// referrers returns the foreign keys that lead into the database, as far as this user sees them; all says that there
// are no others.
func referrers(ctx context.Context, conn *sql.Conn) (list []referrer, all bool, err error) {
	add := func(to *[]referrer) func(r []string) error {
		return func(r []string) error {
			of := referrer{schema: r[0], table: r[1], name: r[2], parent: r[3], onDelete: r[4]}
			if n := len(*to); n == 0 || !(*to)[n-1].is(of) {
				*to = append(*to, of)
			}
			last := &(*to)[len(*to)-1]
			last.fields, last.refFields = append(last.fields, r[5]), append(last.refFields, r[6])
			return nil
		}
	}
	if err := collect(ctx, conn, referrersQuery, add(&list)); err != nil {
		return nil, false, err
	}
	for _, name := range []string{"INNODB_SYS_FOREIGN", "INNODB_FOREIGN"} { // MariaDB and MySQL 5.7; MySQL 8
		var engine []referrer
		err := collect(ctx, conn, fmt.Sprintf(engineQuery, name, engineName("f.FOR_NAME", "1"), engineName("f.FOR_NAME", "-1"),
			engineName("f.REF_NAME", "-1"), engineName("f.REF_NAME", "1")), add(&engine))
		var server *mysql.MySQLError
		switch {
		case err == nil:
			return merged(list, engine), true, nil
		case !errors.As(err, &server):
			return nil, false, err
		}
	}
	rights, err := grantsOf(ctx, conn, "")
	return list, slices.ContainsFunc(rights["*.*"], func(right string) bool {
		return slices.Contains([]string{"SELECT", "ALL", "ALL PRIVILEGES"}, right)
	}), err
}

// merged adds what one list has and the other lacks.
func merged(list, more []referrer) []referrer {
	for _, r := range more {
		if i := slices.IndexFunc(list, r.is); i < 0 {
			list = append(list, r)
		} else if list[i].onDelete == "" {
			list[i].onDelete = r.onDelete
		}
	}
	return list
}

// addOutside notes at the tables which foreign keys lead to them from tables that are not in the catalog: those of
// other databases, and those that this user may not see and the user of apply_dsn, or the engine, tells of. Those whose
// rows it may read are returned beside the catalog, by database.table.
func (s *source) addOutside(ctx context.Context, conn *sql.Conn, tables map[string]*table) (all bool, err error) {
	list, all, err := referrers(ctx, conn)
	if err != nil {
		return false, err
	}
	eyes := []*sql.Conn{conn}
	if s.also != nil {
		other, err := s.also.db.Conn(ctx)
		if err != nil {
			return false, err
		}
		defer func() { _ = other.Close() }()
		more, known, err := referrers(ctx, other)
		if err != nil {
			return false, err
		}
		list, all, eyes = merged(list, more), all || known, append(eyes, other)
	}
	beside := map[string]*table{}
	for _, r := range list {
		parent := tables[r.parent]
		if t := tables[r.table]; parent == nil || strings.EqualFold(r.schema, s.database) && t != nil &&
			slices.ContainsFunc(t.ForeignKeys, func(fk connectors.ForeignKey) bool { return strings.EqualFold(fk.Name, r.name) }) {
			continue
		}
		child, err := outside(ctx, r, eyes)
		if err != nil {
			return false, err
		}
		key := child.ForeignKeys[0]
		_, taken := tables[child.Name]
		parent.Outside = append(parent.Outside, connectors.Outside{Table: child.Name, Fields: r.fields,
			RefFields: r.refFields, OnDelete: key.OnDelete, Hidden: len(child.Fields) == 0 || taken})
		if len(child.Fields) > 0 && !taken {
			beside[child.Name] = child
		}
	}
	for name, t := range beside {
		tables[name] = t
	}
	return all, nil
}

// outside reads what the first of the users may see of a table that refers into the database, with the foreign key:
// without fields, where it may not read those of the key. What the server would do is taken for a CASCADE where none
// may see it.
func outside(ctx context.Context, r referrer, eyes []*sql.Conn) (*table, error) {
	t := &table{Table: connectors.Table{Name: r.schema + "." + r.table, ForeignKeys: []connectors.ForeignKey{
		{Name: r.name, OnDelete: r.onDelete}}}, from: quoteName(r.schema) + "." + quoteName(r.table),
		bits: map[string]int{}, ordinal: map[string]bool{}}
	var server *mysql.MySQLError
	for _, conn := range eyes {
		if t.ForeignKeys[0].OnDelete != "" {
			break
		}
		err := readActions(ctx, conn, t)
		if err != nil && !errors.As(err, &server) && !errors.Is(err, connectors.ErrSchemaChanged) {
			return nil, err
		}
	}
	t.ForeignKeys[0].OnDelete = or(t.ForeignKeys[0].OnDelete, "CASCADE")
	quoted := make([]string, len(r.fields))
	for i, name := range r.fields {
		quoted[i] = quoteName(name)
	}
	err := collect(ctx, eyes[0], "EXPLAIN SELECT "+strings.Join(quoted, ", ")+" FROM "+t.from, func([]string) error { return nil })
	if errors.As(err, &server) {
		return t, nil
	}
	if err == nil {
		err = collect(ctx, eyes[0], fmt.Sprintf(columnsQuery, quoteText(r.schema)+" AND TABLE_NAME = "+quoteText(r.table)),
			func(row []string) error { return addColumn(t, row) })
	}
	return t, err
}

// foreseeOutside says of a table, of which rows are to be deleted, what refers to it from outside the catalog.
func (f *foresight) foreseeOutside(t *table) {
	for _, o := range t.Outside {
		does := "refers to it"
		if o.Acts() {
			does = "refers to it ON DELETE " + o.OnDelete
		}
		schema, name, _ := strings.Cut(o.Table, ".")
		switch {
		case !o.Hidden:
			f.say(connectors.Obstacle{Table: t.Name, Kind: connectors.ErrRefused, Doubt: true, What: "table " + o.Table +
				", which is not of this source, " + does + ": a row that one of it refers to is kept until that one is gone"})
		case o.Acts():
			f.say(connectors.Obstacle{Table: t.Name, Kind: connectors.ErrDenied, Doubt: true, What: "table " + o.Table +
				", whose rows may not be seen, " + does + ": no row is deleted, since the server would change those too",
				Mend: "GRANT SELECT ON " + quoteName(schema) + "." + quoteName(name) + " TO " + f.user.grantee})
		}
	}
}

// foreseeReferrers says what is known, and what is not, of what refers to tables of which rows are to be deleted.
func (f *foresight) foreseeReferrers(s *source, uses []connectors.Use) {
	deletes := false
	for _, u := range uses {
		if t := s.known(u.Table); t != nil && u.Delete {
			deletes = true
			f.foreseeOutside(t)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if deletes && !s.seesAll {
		f.foreseeUnseen()
	}
}

// foreseeUnseen says that it may not be seen what else refers to tables of which rows are to be deleted.
func (f *foresight) foreseeUnseen() {
	f.say(connectors.Obstacle{Kind: connectors.ErrDenied, Doubt: true, Referrers: true,
		What: "may not see whether tables that it has no right on refer to those of which rows are to be deleted, so that " +
			"the server would change their rows too, where they do so ON DELETE CASCADE or SET NULL",
		Mend: "GRANT PROCESS ON *.* TO " + f.user.grantee +
			", or have an administrator look at information_schema.REFERENTIAL_CONSTRAINTS"})
}
