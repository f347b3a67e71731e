package mysql

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"

	"lethe/connectors"
)

// Foresee has the server EXPLAIN what reading takes, which asks for the same rights and runs nothing.
func (s *source) Foresee(ctx context.Context, uses []connectors.Use) ([]connectors.Obstacle, error) {
	f, err := s.foresee(ctx, "dsn", onlyRead(uses))
	if err != nil {
		return nil, err
	}
	return f.found, nil
}

// Foresee also has the server EXPLAIN what changes take, as the user of apply_dsn, and looks into the triggers
// that would run: no statement but a change of a row tells whether they can, and a change that is rolled back
// leaves traces where a trigger wrote to a table without transactions or took an AUTO_INCREMENT.
func (m *mutable) Foresee(ctx context.Context, uses []connectors.Use) ([]connectors.Obstacle, error) {
	reads, err := m.source.foresee(ctx, "dsn", onlyRead(uses))
	if err != nil {
		return nil, err
	}
	uses = slices.DeleteFunc(slices.Clone(uses), func(u connectors.Use) bool { return !u.Changes() })
	changes, err := m.apply.foresee(ctx, "apply_dsn", uses)
	if err != nil {
		return nil, err
	}
	for _, u := range uses {
		reads.differing(m.source.known(u.Table), m.apply.known(u.Table))
	}
	reads.foreseeReferrers(m.source, uses)
	triggered, err := m.foreseeTriggers(ctx, changes.user, uses)
	if err != nil {
		return nil, m.fail("check", "", err)
	}
	return slices.Concat(reads.found, changes.found, triggered), nil
}

func onlyRead(uses []connectors.Use) []connectors.Use {
	reads := make([]connectors.Use, len(uses))
	for i, u := range uses {
		reads[i] = connectors.Use{Table: u.Table, Fields: u.Fields}
	}
	return reads
}

// differing says which fields of a table are seen by the user of apply_dsn and not by that of dsn, who reads.
func (f *foresight) differing(reads, changes *table) {
	if reads == nil || changes == nil {
		return
	}
	for _, field := range changes.Fields {
		if _, ok := reads.Field(field.Name); !ok {
			f.say(connectors.Obstacle{Table: reads.Name, Kind: connectors.ErrDenied, Doubt: true,
				What: "does not see field " + field.Name + ", which the user of apply_dsn sees, so that nobody looks at it",
				Mend: "GRANT SELECT (" + quoteName(field.Name) + ") ON " + f.user.table(reads.Name) + " TO " + f.user.grantee})
		}
	}
}

// known returns a catalog entry that was loaded already.
func (s *source) known(name string) *table {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.catalog[name]
}

// foresight asks the server as one user.
type foresight struct {
	conn  *sql.Conn
	dsn   string
	user  account
	found []connectors.Obstacle
}

// account is a user as the server sees it.
type account struct {
	login    string // USER(): who came, and from where
	grantee  string // CURRENT_USER(), quoted as in GRANT: the account whose rights it has
	database string
}

func (a account) String() string { return "user " + a.login + ", account " + a.grantee }

// table is a table's name as in GRANT.
func (a account) table(name string) string { return quoteName(a.database) + "." + quoteName(name) }

// quoteAccount quotes user@host, of which the user may hold an @.
func quoteAccount(account string) string {
	at := max(strings.LastIndexByte(account, '@'), 0)
	return quoteText(account[:at]) + "@" + quoteText(strings.TrimPrefix(account[at:], "@"))
}

func (s *source) foresee(ctx context.Context, dsn string, uses []connectors.Use) (*foresight, error) {
	tables, err := s.Tables(ctx)
	if err != nil {
		return nil, err
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return nil, s.fail("check", "", err)
	}
	defer func() { _ = conn.Close() }()
	f := &foresight{conn: conn, dsn: dsn}
	err = collect(ctx, conn, "SELECT USER(), CURRENT_USER()", func(r []string) error {
		f.user = account{login: r[0], grantee: quoteAccount(r[1]), database: s.database}
		return nil
	})
	if err != nil {
		return nil, s.fail("check", "", err)
	}
	for _, u := range uses {
		wrong := connectors.Tables(tables).CheckUse(u, dsn)
		for _, o := range wrong {
			f.say(o)
		}
		if t := s.known(u.Table); t != nil && len(wrong) == 0 {
			if err := f.ask(ctx, t, u); err != nil {
				return nil, s.fail("check", u.Table, err)
			}
		}
	}
	return f, nil
}

func (f *foresight) say(o connectors.Obstacle) {
	o.DSN, o.User = f.dsn, f.user.String()
	f.found = append(f.found, o)
}

// ask asks for all that a use takes.
func (f *foresight) ask(ctx context.Context, t *table, u connectors.Use) error {
	unfit := func(what, mend string) {
		f.say(connectors.Obstacle{Table: t.Name, Kind: errors.ErrUnsupported, What: what, Mend: mend})
	}
	switch {
	case u.Changes() && !t.transactional:
		unfit("the table's storage engine has no transactions, so that a change could not be taken back",
			"ALTER TABLE "+f.user.table(t.Name)+" ENGINE = InnoDB")
	case u.Changes() && t.versioned:
		unfit("the server keeps the old versions of its rows (system versioning), so that nothing would be erased",
			"ALTER TABLE "+f.user.table(t.Name)+" DROP SYSTEM VERSIONING")
	}
	fields := u.Fields
	if fields == nil {
		for _, field := range t.Fields {
			fields = append(fields, field.Name)
		}
	}
	from := " FROM " + quoteName(t.Name)
	lacks, err := f.lacking(ctx, t, "SELECT", fields,
		func(names []string) string { return "SELECT " + strings.Join(names, ", ") + from })
	if err != nil || lacks {
		return err // without SELECT nothing else can be asked
	}
	if u.Lock || u.Delete || len(u.Update) > 0 {
		if lacks, err = f.lacks(ctx, "SELECT 1"+from+" FOR UPDATE"); err != nil {
			return err
		}
		if lacks {
			f.say(connectors.Obstacle{Table: t.Name, Kind: connectors.ErrDenied, What: "may not lock its rows",
				Mend: "GRANT LOCK TABLES ON " + quoteName(f.user.database) + ".* TO " + f.user.grantee})
		}
	}
	if len(u.Update) > 0 {
		_, err = f.lacking(ctx, t, "UPDATE", u.Update, func(names []string) string {
			set := make([]string, len(names))
			for i, name := range names {
				set[i] = name + " = " + name
			}
			return "UPDATE " + quoteName(t.Name) + " SET " + strings.Join(set, ", ")
		})
	}
	if err == nil && u.Delete {
		_, err = f.lacking(ctx, t, "DELETE", nil, func([]string) string { return "DELETE" + from })
	}
	return err
}

// lacking says whether the user lacks a right, on which of the fields, and how it is granted.
func (f *foresight) lacking(ctx context.Context, t *table, right string, fields []string,
	statement func(quoted []string) string) (bool, error) {
	quoted := make([]string, len(fields))
	for i, name := range fields {
		quoted[i] = quoteName(name)
	}
	lacks, err := f.lacks(ctx, statement(quoted))
	if err != nil || !lacks {
		return false, err
	}
	var missing, missingQuoted []string
	for i, name := range fields {
		lacks, err := f.lacks(ctx, statement(quoted[i:i+1]))
		if err != nil {
			return false, err
		}
		if lacks {
			missing, missingQuoted = append(missing, name), append(missingQuoted, quoted[i])
		}
	}
	what, granted := right, right
	if len(missing) > 0 && (right != "SELECT" || len(missing) < len(t.Fields)) {
		what = right + " on " + strings.Join(missing, ", ")
		granted = right + " (" + strings.Join(missingQuoted, ", ") + ")"
	}
	f.say(connectors.Obstacle{Table: t.Name, Kind: connectors.ErrDenied, What: "lacks " + what,
		Mend: "GRANT " + granted + " ON " + f.user.table(t.Name) + " TO " + f.user.grantee})
	return true, nil
}

// lacks has the server explain a statement, and reports whether it does not for want of a right. Other reasons
// are no matter of rights: a view or a field that is gone is the catalog's to tell.
func (f *foresight) lacks(ctx context.Context, statement string) (bool, error) {
	err := collect(ctx, f.conn, "EXPLAIN "+statement, func([]string) error { return nil })
	var server *mysql.MySQLError
	if errors.As(err, &server) && slices.Contains([]uint16{1044, 1142, 1143}, server.Number) {
		return true, nil
	}
	return false, err
}
