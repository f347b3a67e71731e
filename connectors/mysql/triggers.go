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

// foreseeTriggers looks at the triggers that the changes would run, and at those that these run. Who may not see
// triggers is shown none.
func (m *mutable) foreseeTriggers(ctx context.Context, user account,
	uses []connectors.Use) ([]connectors.Obstacle, error) {
	l := &lookout{database: m.database, user: user, seen: map[string]bool{}, accounts: map[string]grants{},
		unseen: map[string]bool{}}
	for _, s := range []*source{m.apply, m.source} {
		conn, err := s.db.Conn(ctx)
		if err != nil {
			return nil, err
		}
		defer func() { _ = conn.Close() }()
		g, err := grantsOf(ctx, conn, "")
		if err != nil {
			return nil, err
		}
		l.eyes = append(l.eyes, eye{conn, g})
	}
	for _, u := range uses {
		if len(u.Update) > 0 {
			l.follow(ctx, u.Table, "UPDATE")
		}
		if u.Delete {
			l.follow(ctx, u.Table, "DELETE")
		}
	}
	if len(l.unseen) > 0 {
		l.doubt("", "may not see triggers, so that it is not known whether those of the tables to be changed can run",
			fmt.Sprintf("GRANT TRIGGER ON %s.* TO %s, or have an administrator look at SHOW TRIGGERS FROM %s",
				quoteName(l.database), user.grantee, quoteName(l.database)))
	}
	if len(l.hidden) > 0 {
		l.doubt("", "may not see whether what triggers take is there: "+strings.Join(l.hidden, ", "),
			"have an administrator look for it")
	}
	return l.found, l.err
}

// lookout looks at the triggers of a database.
type lookout struct {
	database string
	user     account
	eyes     []eye
	seen     map[string]bool   // tables with events, and what was said
	unseen   map[string]bool   // tables whose triggers nobody may see
	accounts map[string]grants // of definers; nil of those whose rights may not be seen
	hidden   []string          // what triggers take and nobody may see
	found    []connectors.Obstacle
	err      error
}

// eye is a connection, with the rights of its user.
type eye struct {
	conn   *sql.Conn
	grants grants
}

func (l *lookout) first(what string) bool {
	was := l.seen[what]
	l.seen[what] = true
	return !was
}

func (l *lookout) say(table, what, mend string) {
	l.found = append(l.found, connectors.Obstacle{Table: table, Kind: connectors.ErrRefused, DSN: "apply_dsn",
		User: l.user.String(), What: what, Mend: mend})
}

func (l *lookout) doubt(table, what, mend string) {
	if l.first(what) {
		l.say(table, what, mend)
		l.found[len(l.found)-1].Doubt = true
	}
}

const triggersQuery = `SELECT TRIGGER_NAME, DEFINER, SQL_MODE, ACTION_STATEMENT FROM information_schema.TRIGGERS ` +
	`WHERE TRIGGER_SCHEMA = DATABASE() AND EVENT_OBJECT_TABLE = %s AND EVENT_MANIPULATION = %s ORDER BY TRIGGER_NAME`

// trigger is a trigger of a table.
type trigger struct {
	table, event, name, definer string
	refs                        []triggerRef
}

// follow looks at the triggers of a table for one kind of change.
func (l *lookout) follow(ctx context.Context, table, event string) {
	if l.err != nil || !l.first(event+" "+table) {
		return
	}
	at := slices.IndexFunc(l.eyes, func(e eye) bool { return e.grants.has("TRIGGER", l.database, table) })
	if at < 0 {
		l.unseen[table] = true
		return
	}
	var list []trigger
	l.err = collect(ctx, l.eyes[at].conn, fmt.Sprintf(triggersQuery, quoteText(table), quoteText(event)),
		func(r []string) error {
			ansi := strings.Contains(r[2], "ANSI_QUOTES")
			list = append(list, trigger{table, event, r[0], quoteAccount(r[1]), references(r[3], ansi)})
			return nil
		})
	for _, t := range list {
		if l.err == nil {
			l.err = l.look(ctx, t)
		}
	}
}

// look looks at one trigger: at who runs it, and at what it names.
func (l *lookout) look(ctx context.Context, t trigger) error {
	called := fmt.Sprintf("trigger %s (at %s)", t.name, t.event)
	known, err := l.definer(ctx, t, called)
	if err != nil || !known {
		return err
	}
	for _, r := range t.refs {
		if r.doubt {
			continue
		}
		gone, err := l.gone(ctx, r)
		switch {
		case err != nil:
			return err
		case gone != "":
			l.say(t.table, called+" takes "+gone, "have whoever made it mend or drop the trigger")
			continue
		}
		if !r.table || r.database != "" && r.database != l.database {
			continue
		}
		for _, event := range r.events {
			if g := l.accounts[t.definer]; g != nil && !g.has(event, l.database, r.name) {
				l.say(t.table, fmt.Sprintf("%s runs as %s, who lacks %s on table %s", called, t.definer, event, r.name),
					fmt.Sprintf("GRANT %s ON %s TO %s", event, l.user.table(r.name), t.definer))
			}
			l.follow(ctx, r.name, event)
		}
	}
	return nil
}

// definer says what is wrong with the account that a trigger runs as; false if there is none such.
func (l *lookout) definer(ctx context.Context, t trigger, called string) (known bool, err error) {
	if _, asked := l.accounts[t.definer]; !asked {
		if err := l.account(ctx, t.definer); err != nil {
			return false, err
		}
	}
	g, asked := l.accounts[t.definer]
	switch {
	case !asked:
		l.say(t.table, called+" runs as "+t.definer+", an account that the server does not have",
			"have an administrator make the account, or the trigger anew with another DEFINER")
		return false, nil
	case g == nil:
		l.doubt(t.table, "may not see whether there is the account "+t.definer+", as which triggers run, and its rights",
			"have an administrator look at SHOW GRANTS FOR "+t.definer)
	case !g.has("TRIGGER", l.database, t.table):
		l.say(t.table, called+" runs as "+t.definer+", who lacks TRIGGER",
			"GRANT TRIGGER ON "+l.user.table(t.table)+" TO "+t.definer)
		return false, nil
	}
	return true, nil
}

// account finds the rights of an account: nil where they may not be seen, and none noted where it is not there.
func (l *lookout) account(ctx context.Context, definer string) error {
	l.accounts[definer] = nil
	for _, e := range l.eyes {
		g, err := grantsOf(ctx, e.conn, definer)
		if err != nil {
			return err
		}
		if g != nil {
			l.accounts[definer] = g
			return nil
		}
	}
	for _, e := range l.eyes {
		there, looked := false, false
		err := collect(ctx, e.conn, "SELECT CONCAT(QUOTE(User), '@', QUOTE(Host)) = "+quoteText(definer)+" FROM mysql.user",
			func(r []string) error { there, looked = there || r[0] == "1", true; return nil })
		var server *mysql.MySQLError
		if err != nil && !errors.As(err, &server) {
			return err
		}
		if looked && !there {
			delete(l.accounts, definer)
			return nil
		}
	}
	return nil
}

// gone says what of a reference is not there, "" where it is there. Where no user may see it, that is noted.
func (l *lookout) gone(ctx context.Context, r triggerRef) (string, error) {
	name := quoteName(r.name)
	if r.database != "" {
		name = quoteName(r.database) + "." + name
	}
	for _, e := range l.eyes {
		answer, err := unseen, error(nil)
		switch {
		case r.table:
			answer, err = prepares(ctx, e.conn, "SELECT 1 FROM "+name)
		case r.procedure && r.database == "" && e.grants.has("EXECUTE", l.database, ""):
			answer, err = hasProcedure(ctx, e.conn, r.name)
		case r.procedure:
		case r.database == "": // a quoted name is never one of the server's own functions
			answer, err = prepares(ctx, e.conn, "SELECT "+r.name+"()")
		default:
			answer, err = prepares(ctx, e.conn, "SELECT "+name+"()")
		}
		switch {
		case err != nil || answer == there:
			return "", err
		case answer != unseen:
			return fmt.Sprintf(string(answer), r.name), nil
		}
	}
	hidden := strings.TrimPrefix(r.database+"."+r.name, ".")
	if l.first("hidden " + hidden) {
		l.hidden = append(l.hidden, hidden)
	}
	return "", nil
}

// answer is what the server says of something that is named: it is there, may not be seen, or what is wrong.
type answer string

const (
	there  answer = ""
	unseen answer = "?"
)

// prepares has the server prepare a statement, which runs nothing.
func prepares(ctx context.Context, conn *sql.Conn, statement string) (answer, error) {
	prepared, err := conn.PrepareContext(ctx, statement)
	if err == nil {
		return there, prepared.Close()
	}
	var server *mysql.MySQLError
	if !errors.As(err, &server) {
		return there, because(ctx, err)
	}
	switch server.Number {
	case 1044, 1142, 1143, 1370:
		return unseen, nil
	case 1146:
		return "table %s, which is not there", nil
	case 1356:
		return "view %s, which names what is not there", nil
	case 1305:
		return "function %s, which is not there", nil
	}
	return there, nil // it wants parameters, or is a word of the grammar
}

func hasProcedure(ctx context.Context, conn *sql.Conn, name string) (answer, error) {
	found := answer("procedure %s, which is not there")
	err := collect(ctx, conn, "SELECT 1 FROM information_schema.ROUTINES WHERE ROUTINE_TYPE = 'PROCEDURE' AND "+
		"ROUTINE_SCHEMA = DATABASE() AND ROUTINE_NAME = "+quoteText(name),
		func([]string) error { found = there; return nil })
	return found, err
}
