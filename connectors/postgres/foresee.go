package postgres

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"lethe/connectors"
)

// Foresee asks the server for the rights that reading takes.
func (s *source) Foresee(ctx context.Context, uses []connectors.Use) ([]connectors.Obstacle, error) {
	f, err := s.foresee(ctx, "dsn", onlyRead(uses))
	if err != nil {
		return nil, err
	}
	return f.found, nil
}

// Foresee also asks for the rights that changes take, as the user of apply_dsn, and for those of the triggers that would
// run: they have the rights of that user unless their function is SECURITY DEFINER.
func (m *mutable) Foresee(ctx context.Context, uses []connectors.Use) ([]connectors.Obstacle, error) {
	reads, err := m.source.foresee(ctx, "dsn", onlyRead(uses))
	if err != nil {
		return nil, err
	}
	changing := slices.DeleteFunc(slices.Clone(uses), func(u connectors.Use) bool { return !u.Changes() })
	changes, err := m.apply.foresee(ctx, "apply_dsn", changing)
	if err != nil {
		return nil, err
	}
	if err := m.foreseeVacuum(ctx, changes, changing); err != nil {
		return nil, err
	}
	for _, u := range uses {
		reads.differing(reads.catalog.tables[u.Table], changes.catalog.tables[u.Table])
		if t := reads.catalog.tables[u.Table]; t != nil && u.Delete {
			reads.foreseeOutside(t)
		}
	}
	return slices.Concat(reads.found, changes.found), nil
}

// foreseeVacuum says which tables the server would pass over, as the user does not own them.
func (m *mutable) foreseeVacuum(ctx context.Context, f *foresight, uses []connectors.Use) error {
	if !m.vacuum {
		return nil
	}
	conn, err := m.apply.db.Conn(ctx)
	if err != nil {
		return m.apply.fail("check", "", because(ctx, err))
	}
	defer func() { _ = conn.Close() }()
	for _, u := range uses {
		t := f.catalog.tables[u.Table]
		if t == nil {
			continue
		}
		err := collect(ctx, conn, "SELECT pg_catalog.pg_has_role(relowner, 'USAGE'), pg_catalog.quote_ident("+
			"pg_catalog.pg_get_userbyid(relowner)) FROM pg_catalog.pg_class WHERE oid = $1::oid", [][]byte{[]byte(t.oid)},
			func(r []string) error {
				if r[0] != "t" {
					f.say(connectors.Obstacle{Table: t.Name, Kind: connectors.ErrDenied, Doubt: true,
						What: "does not own it, so that the server would not vacuum it (vacuum: after)",
						Mend: "GRANT " + r[1] + " TO " + quoteName(f.user) + ", or leave it to autovacuum"})
				}
				return nil
			})
		if err != nil {
			return m.apply.fail("check", u.Table, err)
		}
	}
	return nil
}

func onlyRead(uses []connectors.Use) []connectors.Use {
	reads := make([]connectors.Use, len(uses))
	for i, u := range uses {
		reads[i] = connectors.Use{Table: u.Table, Fields: u.Fields}
	}
	return reads
}

// foresight asks the server as one user.
type foresight struct {
	conn    *sql.Conn
	catalog *catalog
	dsn     string
	user    string
	found   []connectors.Obstacle
	seen    map[connectors.Written]bool // tables with events whose triggers were looked at
}

func (s *source) foresee(ctx context.Context, dsn string, uses []connectors.Use) (*foresight, error) {
	tables, err := s.Tables(ctx)
	if err != nil {
		return nil, err
	}
	c, err := s.known(ctx)
	if err != nil {
		return nil, s.fail("check", "", because(ctx, err))
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return nil, s.fail("check", "", because(ctx, err))
	}
	defer func() { _ = conn.Close() }()
	f := &foresight{conn: conn, catalog: c, dsn: dsn, seen: map[connectors.Written]bool{}}
	standby := ""
	err = collect(ctx, conn, "SELECT current_user, pg_catalog.pg_is_in_recovery()", nil, func(r []string) error {
		f.user, standby = r[0], r[1]
		return nil
	})
	if err != nil {
		return nil, s.fail("check", "", err)
	}
	if standby == "t" && len(uses) > 0 && slices.ContainsFunc(uses, connectors.Use.Changes) {
		f.say(connectors.Obstacle{Kind: connectors.ErrConfig, What: "the server is a standby, on which nothing can be changed",
			Mend: "name the primary"})
	}
	for _, u := range uses {
		wrong := connectors.Tables(tables).CheckUse(u, dsn)
		for _, o := range wrong {
			f.say(o)
		}
		if t := c.tables[u.Table]; t != nil && len(wrong) == 0 {
			if err := f.ask(ctx, t, u); err != nil {
				return nil, s.fail("check", u.Table, err)
			}
		}
	}
	return f, nil
}

func (f *foresight) say(o connectors.Obstacle) {
	o.DSN, o.User = f.dsn, "user "+f.user
	f.found = append(f.found, o)
}

// quoted is a table's name in a GRANT.
func (t *table) quoted() string { return quoteName(t.schema) + "." + quoteName(t.name) }

// ask asks for all that a use takes.
func (f *foresight) ask(ctx context.Context, t *table, u connectors.Use) error {
	if t.policies {
		f.say(connectors.Obstacle{Table: t.Name, Kind: connectors.ErrDenied, What: "row level security may hide rows of it",
			Mend: "ALTER ROLE " + quoteName(f.user) + " BYPASSRLS"})
		return nil
	}
	fields := u.Fields
	if fields == nil {
		for _, field := range t.Fields {
			fields = append(fields, field.Name)
		}
	}
	if lacks, err := f.lacking(ctx, t, "SELECT", fields); err != nil || lacks {
		return err
	}
	if !u.Changes() {
		return nil
	}
	if t.foreign {
		f.say(connectors.Obstacle{Table: t.Name, Kind: errors.ErrUnsupported,
			What: "a partition of it is on another server, so that its rows cannot be changed", Mend: "make that server a source"})
	}
	for _, name := range u.Update {
		if t.columns[name].identity {
			f.say(connectors.Obstacle{Table: t.Name, Kind: connectors.ErrConfig,
				What: "field " + name + " is GENERATED ALWAYS AS IDENTITY and cannot be set"})
		}
	}
	lacks, err := f.lacking(ctx, t, "UPDATE", u.Update)
	if err == nil && !lacks && len(u.Update) == 0 { // to lock rows takes UPDATE on some field
		var some bool
		if some, err = f.holds(ctx, "pg_catalog.has_any_column_privilege($1::oid, 'UPDATE')", t.oid); err == nil && !some {
			f.say(connectors.Obstacle{Table: t.Name, Kind: connectors.ErrDenied,
				What: "lacks UPDATE, without which rows cannot be locked",
				Mend: "GRANT UPDATE ON " + t.quoted() + " TO " + quoteName(f.user)})
		}
	}
	if err == nil && u.Delete {
		err = f.lacks(ctx, t, "DELETE")
	}
	if err == nil && len(u.Update) > 0 {
		err = f.triggers(ctx, connectors.Written{Table: t.Name, Event: "UPDATE"})
	}
	if err == nil && u.Delete {
		err = f.triggers(ctx, connectors.Written{Table: t.Name, Event: "DELETE"})
	}
	return err
}

// holds asks one question of rights.
func (f *foresight) holds(ctx context.Context, question string, params ...string) (yes bool, err error) {
	values := make([][]byte, len(params))
	for i, p := range params {
		values[i] = []byte(p)
	}
	err = collect(ctx, f.conn, "SELECT "+question, values, func(r []string) error {
		yes = r[0] == "t"
		return nil
	})
	return yes, err
}

// lacks says whether a right on the table is missing.
func (f *foresight) lacks(ctx context.Context, t *table, right string) error {
	has, err := f.holds(ctx, "pg_catalog.has_table_privilege($1::oid, $2)", t.oid, right)
	if err == nil && !has {
		f.say(connectors.Obstacle{Table: t.Name, Kind: connectors.ErrDenied, What: "lacks " + right,
			Mend: "GRANT " + right + " ON " + t.quoted() + " TO " + quoteName(f.user)})
	}
	return err
}

// lacking says whether a right is missing on some of the fields, and how it is granted.
func (f *foresight) lacking(ctx context.Context, t *table, right string, fields []string) (bool, error) {
	var missing, quoted []string
	for _, name := range fields {
		has, err := f.holds(ctx, "pg_catalog.has_column_privilege($1::oid, $2::int2, $3)", t.oid, t.columns[name].number, right)
		if err != nil {
			return false, err
		}
		if !has {
			missing, quoted = append(missing, name), append(quoted, quoteName(name))
		}
	}
	if len(missing) == 0 {
		return false, nil
	}
	f.say(connectors.Obstacle{Table: t.Name, Kind: connectors.ErrDenied, What: "lacks " + right + " on " + strings.Join(missing, ", "),
		Mend: "GRANT " + right + " (" + strings.Join(quoted, ", ") + ") ON " + t.quoted() + " TO " + quoteName(f.user)})
	return true, nil
}

// differing says which fields of a table are seen by the user of apply_dsn and not by that of dsn, who reads.
func (f *foresight) differing(reads, changes *table) {
	if reads == nil || changes == nil {
		return
	}
	for _, field := range changes.Fields {
		if reads.columns[field.Name] == nil {
			f.say(connectors.Obstacle{Table: reads.Name, Kind: connectors.ErrDenied, Doubt: true,
				What: "does not see field " + field.Name + ", which the user of apply_dsn sees, so that nobody looks at it",
				Mend: "GRANT SELECT (" + quoteName(field.Name) + ") ON " + reads.quoted() + " TO " + quoteName(f.user)})
		}
	}
}

// foreseeOutside says of a table, of which rows are to be deleted, what refers to it from tables that may not be read.
func (f *foresight) foreseeOutside(t *table) {
	for _, o := range t.Outside {
		if !o.Acts() {
			continue
		}
		schema, name, _ := strings.Cut(o.Table, ".")
		f.say(connectors.Obstacle{Table: t.Name, Kind: connectors.ErrDenied, Doubt: true, What: "table " + o.Table +
			", whose rows may not be seen, refers to it ON DELETE " + o.OnDelete +
			": no row is deleted, since the server would change those too",
			Mend: "GRANT SELECT ON " + quoteName(schema) + "." + quoteName(name) + " TO " + quoteName(f.user)})
	}
}

// triggers looks at the triggers that a change runs, and at those that these run: at the rights of who runs them, and at
// what they name.
func (f *foresight) triggers(ctx context.Context, change connectors.Written) error {
	if f.seen[change] {
		return nil
	}
	f.seen[change] = true
	for _, r := range f.catalog.routines {
		if r.table.Name != change.Table || r.Event != change.Event {
			continue
		}
		called := "trigger " + r.Name + " (at " + r.Event + ")"
		if !r.runs {
			f.say(connectors.Obstacle{Table: r.table.Name, Kind: connectors.ErrRefused, Doubt: true,
				What: called + " calls a function that the user may not call itself"})
		}
		for _, ref := range r.names {
			if err := f.trigger(ctx, r, called, ref); err != nil {
				return err
			}
		}
		for _, w := range r.Writes {
			if err := f.triggers(ctx, w); err != nil {
				return err
			}
		}
	}
	return nil
}

// trigger looks at one thing that a trigger writes to. What may be a temporary table, or the name of something else, is
// left out.
func (f *foresight) trigger(ctx context.Context, r routine, called string, ref reference) error {
	if ref.event == "" || r.definer {
		return nil
	}
	var here []*table
	for _, t := range f.catalog.tables {
		if t.name == ref.name && (ref.schema == "" || ref.schema == t.schema) {
			here = append(here, t)
		}
	}
	if len(here) != 1 {
		return f.unknown(ctx, r, called, ref, len(here))
	}
	question := "pg_catalog.has_table_privilege($1::oid, $2) OR $2 <> 'DELETE' AND pg_catalog.has_any_column_privilege($1::oid, $2)"
	has, err := f.holds(ctx, question, here[0].oid, ref.event)
	if err == nil && !has {
		f.say(connectors.Obstacle{Table: r.table.Name, Kind: connectors.ErrRefused, What: called + " runs as " + f.user +
			", who lacks " + ref.event + " on table " + here[0].Name,
			Mend: "GRANT " + ref.event + " ON " + here[0].quoted() + " TO " + quoteName(f.user) +
				", or make its function SECURITY DEFINER"})
	}
	return err
}

// unknown says of a table that a trigger writes to that the user may not read it, or that nobody has it.
func (f *foresight) unknown(ctx context.Context, r routine, called string, ref reference, found int) error {
	if found > 1 {
		return nil
	}
	condition := "c.relname = $1"
	params := []string{ref.name}
	if ref.schema != "" {
		condition, params = condition+" AND n.nspname = $2", append(params, ref.schema)
	}
	there, err := f.holds(ctx, "EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON "+
		"n.oid = c.relnamespace WHERE "+condition+")", params...)
	if err != nil {
		return err
	}
	o := connectors.Obstacle{Table: r.table.Name, Kind: connectors.ErrRefused, Doubt: true,
		What: called + " writes to " + ref.String() + ", which is not there", Mend: "have whoever made it mend or drop the trigger"}
	if there {
		name := quoteName(ref.name)
		if ref.schema != "" {
			name = quoteName(ref.schema) + "." + name
		}
		o.What = called + " runs as " + f.user + ", who may not read " + ref.String() + ", to which it writes"
		o.Mend = "GRANT SELECT, " + ref.event + " ON " + name + " TO " + quoteName(f.user) +
			", or make its function SECURITY DEFINER"
	}
	f.say(o)
	return nil
}
