package main_test

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestInsidersOfAServer plays those who change the registry where it lies on a server: PostgreSQL, MariaDB. The company
// is that of TestInsiders, whose registry is moved there.
func TestInsidersOfAServer(t *testing.T) {
	t.Parallel()
	ready := filepath.Join(t.TempDir(), "ready")
	insiderWorld(t, ready)
	before := contents(t, ready)
	for _, e := range registryEngines() {
		if e.server == nil {
			continue
		}
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			twin := play(t, ready, func(w *inside) { w.moved(&e) })
			require.Equal(t, [2]int{}, twin.codes, "the untouched night is in order: %v", twin.said)
			require.Contains(t, twin.verdict(before, aftermath{rows: before}), "erases")
			names := map[string]bool{}
			for _, i := range onServers(&e) {
				require.False(t, names[i.name], "%s: named twice", i.name)
				names[i.name] = true
				t.Run(i.name, func(t *testing.T) {
					t.Parallel()
					got := play(t, ready, func(w *inside) { i.does(w.moved(&e)) })
					t.Logf("exit codes %v\nerased beside: %v\nsaved: %v\nsaid: %v", got.codes,
						without(twin.rows, got.rows), without(got.rows, twin.rows), without(got.said, twin.said))
					require.Empty(t, got.verdict(before, twin), "what does not hold of an insider who %s", i.name)
				})
			}
			for _, i := range slices.Concat(byCommand(), inTheEvening()) { // whatever the registry is on
				require.False(t, names[i.name], "%s: named twice", i.name)
				names[i.name] = true
				t.Run(i.name, func(t *testing.T) {
					t.Parallel()
					got := play(t, ready, func(w *inside) { i.does(w.moved(&e).inside) })
					t.Logf("exit codes %v\nsaid: %v", got.codes, without(got.said, twin.said))
					require.Equal(t, i.today, got.verdict(before, twin), "what does not hold of an insider who %s", i.name)
				})
			}
		})
	}
}

// served is a company whose registry is on a server, and its superuser at work there.
type served struct {
	*inside
	engine *registryEngine
	conn   *sql.Conn
}

// insiderOfServer is an insider of a registry that is on a server.
type insiderOfServer struct {
	name string
	does func(w *served)
}

// registryTables are those of a registry, each after those that it refers to.
var registryTables = []string{"meta", "silo", "silo_key", "subject_alias", "event", "event_payload", "record_link",
	"legal_hold", "request", "tombstone", "flag", "sync_delivery", "expiry_pass"}

// moved moves the company's registry to a server.
func (w *inside) moved(e *registryEngine) *served {
	w.Helper()
	w.served = true
	database := e.server(w).Database(w)
	dsn := database.DSN()
	w.write("registry.dsn", dsn)
	w.edit("lethe.yaml", "registry: {dsn: var/registry.db}", fmt.Sprintf("registry: {driver: %s, dsn: %q}", e.name,
		"file:registry.dsn"))
	w.must(0, "registry", "init")
	if e.name == "mysql" { // the driver's own form; a socket needs no TLS
		dsn = fmt.Sprintf("%s:%s@unix(%s)/%s", database.Server.User, database.Server.Password, database.Server.Socket,
			database.Name)
	}
	db, err := sql.Open(e.driver, dsn)
	require.NoError(w, err)
	conn, err := db.Conn(context.Background())
	require.NoError(w, err)
	w.Cleanup(func() { require.NoError(w, errors.Join(conn.Close(), db.Close())) })
	s := &served{w, e, conn}
	held := s.guards()
	for _, statement := range e.disarm {
		s.do(statement)
	}
	s.pour("var/registry.db", registryTables...)
	for _, guard := range held {
		s.do(guard)
	}
	return s
}

// guards are the triggers that disarm takes away: on MariaDB, where they cannot be let be.
func (w *served) guards() (list []string) {
	if w.engine.name != "mysql" {
		return nil
	}
	for _, row := range w.rows("SELECT trigger_name, action_timing, event_manipulation, event_object_table, " +
		"action_statement FROM information_schema.triggers WHERE trigger_schema = DATABASE()") {
		list = append(list, fmt.Sprintf("CREATE TRIGGER %s %s %s ON %s FOR EACH ROW %s", row...))
	}
	require.NotEmpty(w, list)
	return list
}

var markRE = regexp.MustCompile(`\?`)

// words puts the marks of parameters as the engine has them.
func (w *served) words(statement string) string {
	if w.engine.name != "postgres" {
		return statement
	}
	n := 0
	return markRE.ReplaceAllStringFunc(statement, func(string) string { n++; return "$" + strconv.Itoa(n) })
}

// do runs a statement and returns how many rows it changed.
func (w *served) do(statement string, args ...any) int64 {
	w.Helper()
	done, err := w.conn.ExecContext(w.Context(), w.words(statement), args...)
	require.NoError(w, err, statement)
	n, err := done.RowsAffected()
	require.NoError(w, err)
	return n
}

// change runs a statement, past what guards the log; one that touches nothing tests nothing.
func (w *served) change(statement string, args ...any) {
	w.Helper()
	held := w.guards()
	for _, s := range w.engine.disarm {
		w.do(s)
	}
	require.Positive(w, w.do(statement, args...), statement)
	for _, guard := range held {
		w.do(guard)
	}
}

// rows reads rows; texts and blobs are both bytes on MariaDB.
func (w *served) rows(query string, args ...any) [][]any {
	w.Helper()
	rows, err := w.conn.QueryContext(w.Context(), w.words(query), args...)
	require.NoError(w, err, query)
	defer rows.Close()
	columns, err := rows.Columns()
	require.NoError(w, err)
	list := [][]any{}
	for rows.Next() {
		row := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		require.NoError(w, rows.Scan(into...))
		list = append(list, row)
	}
	require.NoError(w, rows.Err())
	return list
}

// row is the first row of a query, which finds one.
func (w *served) row(query string, args ...any) []any {
	w.Helper()
	rows := w.rows(query, args...)
	require.NotEmpty(w, rows, query)
	return rows[0]
}

// pour puts the rows of tables as a file has them in the place of those that are there.
func (w *served) pour(file string, tables ...string) {
	w.Helper()
	from, err := sql.Open("sqlite3", "file:"+w.path(file))
	require.NoError(w, err)
	defer from.Close()
	for _, table := range slices.Backward(tables) {
		w.do("DELETE FROM " + table)
	}
	for _, table := range tables {
		rows, err := from.QueryContext(w.Context(), "SELECT * FROM "+table)
		require.NoError(w, err)
		columns, err := rows.Columns()
		require.NoError(w, err)
		for i, c := range columns {
			if columns[i] = c; c == "system" {
				columns[i] = map[string]string{"postgres": `"system"`, "mysql": "`system`"}[w.engine.name]
			}
		}
		insert := "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES (?" +
			strings.Repeat(", ?", len(columns)-1) + ")"
		for rows.Next() {
			row, into := make([]any, len(columns)), make([]any, len(columns))
			for i := range row {
				into[i] = &row[i]
			}
			require.NoError(w, rows.Scan(into...))
			w.do(insert, row...)
		}
		require.NoError(w, errors.Join(rows.Err(), rows.Close()))
	}
}

// older puts the rows of tables back as an older copy of the registry has them.
func (w *served) older(copy string, tables ...string) {
	w.Helper()
	var now, then []string
	for _, table := range tables {
		now = append(now, w.list("var/registry.db", "SELECT * FROM "+table)...)
		then = append(then, w.list("old/"+copy+"/registry.db", "SELECT * FROM "+table)...)
	}
	require.NotEqual(w, now, then, "it puts something else in its place")
	held := w.guards()
	for _, s := range w.engine.disarm {
		w.do(s)
	}
	w.pour("old/"+copy+"/registry.db", tables...)
	for _, guard := range held {
		w.do(guard)
	}
}

// silo is the number of a silo; moving the registry leaves it as it was.
func (w *served) silo(name string) any {
	w.Helper()
	return w.row("SELECT silo FROM silo WHERE name = ?", name)[0]
}

var hexRE = regexp.MustCompile(`x'([0-9A-F]+)'`)

// ref is the first reference of a collection.
func (w *served) ref(silo string, collection int64) []byte {
	w.Helper()
	ref, err := hex.DecodeString(hexRE.FindStringSubmatch(w.aliasOf(silo, collection))[1])
	require.NoError(w, err)
	return ref
}

// event is the position of the event of a type of a collection.
func (w *served) event(silo, typ string, collection int64) any {
	w.Helper()
	return w.row("SELECT seq FROM event WHERE silo = ? AND type = ? AND seq IN ("+w.eventsOf(silo, collection)+")",
		w.silo(silo), typ)[0]
}

// swap gives two rows of a table each other's columns.
func (w *served) swap(table, columns, where string, one, other []any) {
	w.Helper()
	names := strings.Split(columns, ", ")
	a, b := w.row("SELECT "+columns+" FROM "+table+" WHERE "+where, one...), w.row("SELECT "+columns+" FROM "+table+
		" WHERE "+where, other...)
	require.NotEqual(w, a, b)
	set := "UPDATE " + table + " SET " + strings.Join(names, " = ?, ") + " = ? WHERE " + where
	w.change(set, append(slices.Clone(b), one...)...)
	w.change(set, append(slices.Clone(a), other...)...)
}

// instead is what an engine's superuser says to have something else done than an INSERT into a table.
func (w *served) instead(table string) {
	w.Helper()
	if w.engine.name == "mysql" {
		w.do("CREATE TRIGGER lose BEFORE INSERT ON " + table + " FOR EACH ROW SET NEW.drop_after = 1")
		return
	}
	w.do("CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
	w.do("CREATE TRIGGER lose BEFORE INSERT ON " + table + " FOR EACH ROW EXECUTE FUNCTION lose()")
}

// onServers are those who change a registry that is on a server. Of members, the number of a collection is that of the
// row.
func onServers(e *registryEngine) []insiderOfServer {
	view := func(table, keeps string) func(w *served) {
		return func(w *served) {
			w.do("ALTER TABLE " + table + " RENAME TO " + table + "_x")
			w.do("CREATE VIEW " + table + " AS SELECT * FROM " + table + "_x WHERE " + keeps)
		}
	}
	list := []insiderOfServer{
		{"points a member's reference to one who withdrew", func(w *served) {
			of := w.row("SELECT collection, seal FROM subject_alias WHERE alias_ref = ?", w.ref("members", 9))
			w.change("UPDATE subject_alias SET collection = ?, seal = ? WHERE alias_ref = ?", of[0], of[1],
				w.ref("members", 2))
		}},
		{"swaps the references of two members", func(w *served) {
			w.swap("subject_alias", "collection, seal", "alias_ref = ?", []any{w.ref("members", 2)},
				[]any{w.ref("members", 9)})
		}},
		{"removes the reference of one who withdrew", func(w *served) {
			w.change("DELETE FROM subject_alias WHERE alias_ref = ?", w.ref("members", 9))
		}},
		{"adds the reference of a member to one who withdrew", func(w *served) {
			of := w.row("SELECT silo, collection, kind, key_version, seal FROM subject_alias WHERE alias_ref = ?",
				w.ref("members", 9))
			w.change("INSERT INTO subject_alias (alias_ref, silo, collection, kind, key_version, seal) VALUES "+
				"(?, ?, ?, ?, ?, ?)", append([]any{w.ref("members", 2)}, of...)...)
		}},
		{"makes a withdrawal somebody else's", func(w *served) {
			seq := fmt.Sprint(w.event("members", "withdrawn", 9))
			stored, err := strconv.ParseInt(w.stored("members", seq, 2), 10, 64)
			require.NoError(w, err)
			w.change("UPDATE event_payload SET collection = ? WHERE silo = ? AND seq = "+seq, stored, w.silo("members"))
		}},
		{"swaps what two events say, with their seals", func(w *served) {
			w.swap("event_payload", "collection, flags, details, refs, content, salt, evidence, evidence_salt, seal, block",
				"silo = ? AND seq = ?", []any{w.silo("members"), w.event("members", "withdrawn", 9)},
				[]any{w.silo("members"), w.event("members", "given", 2)})
		}},
		{"removes a withdrawal", func(w *served) {
			w.change("DELETE FROM event WHERE silo = ? AND seq = ?", w.silo("members"), w.event("members", "withdrawn", 9))
		}},
		{"removes what a withdrawal says", func(w *served) {
			w.change("DELETE FROM event_payload WHERE silo = ? AND seq = ?", w.silo("members"),
				w.event("members", "withdrawn", 9))
		}},
		{"dates a consent back", func(w *served) {
			w.change("UPDATE event SET effective_from = effective_from - 94608000000000 WHERE silo = ? AND seq = ?",
				w.silo("members"), w.event("members", "given", 2))
		}},
		{"turns a withdrawal into a renewal", func(w *served) {
			w.change("UPDATE event SET type = 'renewed', notice = 'v3' WHERE silo = ? AND seq = ?", w.silo("members"),
				w.event("members", "withdrawn", 9))
		}},
		{"takes the proof of a consent away", func(w *served) {
			w.change("UPDATE event_payload SET evidence = NULL, evidence_salt = NULL WHERE silo = ? AND seq IN ("+
				w.eventsOf("leads", 4)+")", w.silo("leads"))
		}},
		{"swaps the names of two silos", func(w *served) {
			w.change("UPDATE silo SET name = 'x' WHERE name = 'leads'")
			w.change("UPDATE silo SET name = 'leads' WHERE name = 'news'")
			w.change("UPDATE silo SET name = 'news' WHERE name = 'x'")
		}},
		{"cuts a silo's chain and says where it ends now", func(w *served) {
			id := w.silo("members")
			w.change("DELETE FROM event_payload WHERE silo = ? AND seq >= ?", id, w.event("members", "withdrawn", 9))
			w.change("DELETE FROM event WHERE silo = ? AND seq >= ?", id, w.event("members", "withdrawn", 9))
			end := w.row("SELECT seq, hash FROM event WHERE silo = ? ORDER BY seq DESC", id)
			w.change("UPDATE silo SET head_seq = ?, head_hash = ? WHERE silo = ?", end[0], end[1], id)
		}},
		{"puts the registry back from an older copy", func(w *served) { w.older("first", registryTables...) }},
		{"puts the registry back as it was the day before", func(w *served) { w.older("asked", registryTables...) }},
		{"puts the holds back from an older copy", func(w *served) { w.older("first", "legal_hold") }},
		{"puts the requests back from an older copy", func(w *served) { w.older("first", "request") }},
		{"puts the flags back from an older copy", func(w *served) { w.older("first", "flag") }},
		{"puts the references back from an older copy", func(w *served) { w.older("first", "subject_alias") }},
		{"puts the heads of silos back from an older copy", func(w *served) { w.older("first", "silo") }},
		{"puts the marks of expiry back from an older copy", func(w *served) { w.older("first", "expiry_pass") }},
		{"empties the list of those who said no", func(w *served) {
			w.change("DELETE FROM subject_alias WHERE silo = ?", w.silo("suppression"))
		}},
		{"removes the list of those who said no", func(w *served) {
			id := w.silo("suppression")
			for _, table := range []string{"subject_alias", "event_payload", "event", "silo_key", "silo"} {
				w.change("DELETE FROM "+table+" WHERE silo = ?", id)
			}
		}},
		{"releases a hold", func(w *served) {
			w.change("UPDATE legal_hold SET released_by = 'anna', release_approved_by = 'bo', released_at = placed_at " +
				"WHERE hold = 'case3'")
		}},
		{"removes a hold", func(w *served) { w.change("DELETE FROM legal_hold WHERE hold = 'case3'") }},
		{"swaps what two holds say", func(w *served) {
			w.swap("legal_hold", "case_ref, released_by, release_approved_by, released_at, seal", "hold = ?",
				[]any{"case3"}, []any{"case10"})
		}},
		{"puts a released hold in force again", func(w *served) {
			w.change("UPDATE legal_hold SET released_by = '', release_approved_by = '', released_at = 0 WHERE hold = 'case10'")
		}},
		{"closes a request for access", func(w *served) {
			w.change("UPDATE request SET closed_at = received_at, outcome = 'completed' WHERE request = 'r4'")
		}},
		{"removes a request for erasure", func(w *served) { w.change("DELETE FROM request WHERE request = 'r8'") }},
		{"dates a flag back", func(w *served) {
			w.change("UPDATE flag SET since = since - 2592000000000 WHERE silo = ?", w.silo("leads"))
		}},
		{"dates a flag on", func(w *served) {
			w.change("UPDATE flag SET since = since + 2592000000000 WHERE silo = ?", w.silo("leads"))
		}},
		{"removes the flags", func(w *served) {
			w.change("DELETE FROM flag WHERE silo = ?", w.silo("leads"))
		}},
		{"swaps two flags", func(w *served) {
			rows := w.rows("SELECT record_ref FROM flag WHERE silo = ?", w.silo("leads"))
			require.Greater(w, len(rows), 1)
			w.swap("flag", "since, seal", "silo = ? AND record_ref = ?", []any{w.silo("leads"), rows[0][0]},
				[]any{w.silo("leads"), rows[1][0]})
		}},
		{"removes the tombstones", func(w *served) { w.change("DELETE FROM tombstone") }},
		{"ends a tombstone", func(w *served) { w.change("UPDATE tombstone SET drop_after = 1") }},
		{"moves a tombstone to another row", func(w *served) {
			ref := w.row("SELECT record_ref FROM tombstone")[0]
			w.change("UPDATE tombstone SET record_ref = ? WHERE record_ref = ?", w.ref("members", 2), ref)
		}},
		{"says that expiry was looked at until long after", func(w *served) {
			w.change("UPDATE expiry_pass SET since_through = 4102444800000000")
		}},
		{"removes the marks of expiry", func(w *served) { w.change("DELETE FROM expiry_pass") }},
		{"says that a silo was heard of today", func(w *served) {
			w.change("UPDATE silo SET heard_at = heard_at + 864000000000 WHERE name = 'members'")
		}},
		{"destroys the key of a silo on paper", func(w *served) {
			w.change("UPDATE silo_key SET state = 'destroyed', active = NULL, destroyed_at = created_at, evidence = ? "+
				"WHERE silo = ?", []byte{0}, w.silo("leads"))
		}},
		{"leads a row to one who withdrew", func(w *served) {
			w.change("INSERT INTO record_link VALUES (?, ?, 1, 'crm', 'leads', 1, ?)", w.silo("leads"),
				w.row("SELECT record_ref FROM flag WHERE silo = ?", w.silo("leads"))[0], []byte{0})
		}},
		{"says that references are in the oldest form", func(w *served) {
			w.change("UPDATE meta SET value = '1' WHERE name = 'identifiers'")
		}},
		{"lets the registry lose each erasure that it is told", func(w *served) { w.instead("tombstone") }},
		{"shows no hold", view("legal_hold", "1 = 0")},
		{"shows no reference of one who withdrew", func(w *served) {
			name := map[string]string{"postgres": `'\x%x'`, "mysql": "x'%x'"}[e.name]
			view("subject_alias", "alias_ref <> "+fmt.Sprintf(name, w.ref("members", 9)))(w)
		}},
		{"shows no request for access", view("request", "kind <> 'access'")},
		{"counts people from the beginning again", func(w *served) {
			w.change("UPDATE silo SET collections = 1 WHERE name = 'members'")
		}},
		{"puts off the review of a hold", func(w *served) {
			w.change("UPDATE legal_hold SET review_by = review_by + 315360000000000 WHERE hold = 'case3'")
		}},
		{"puts off the answer to a request", func(w *served) {
			w.change("UPDATE request SET due_at = due_at + 315360000000000 WHERE request = 'r8'")
		}},
		{"makes a restriction an access", func(w *served) {
			w.change("UPDATE request SET kind = 'access' WHERE request = 'r12'")
		}},
		{"hides an event from who looks for one person", func(w *served) {
			w.change("UPDATE event_payload SET block = 99 WHERE seq = 2 AND silo = ?", w.silo("members"))
		}},
		{"makes an event of somebody the whole silo's", func(w *served) {
			w.change("UPDATE event_payload SET block = 0 WHERE seq = 2 AND silo = ?", w.silo("members"))
		}},
		{"moves what stands of one silo to another", func(w *served) {
			w.change("UPDATE flag SET silo = ? WHERE silo = ?", w.silo("news"), w.silo("leads"))
		}},
	}
	if e.name == "postgres" {
		list = append(list,
			insiderOfServer{"lets the registry be read where an older copy stands", func(w *served) {
				w.do("CREATE SCHEMA past")
				for _, table := range registryTables {
					w.do("CREATE TABLE past." + table + " (LIKE public." + table + " INCLUDING ALL)")
				}
				w.do("SET search_path = past")
				w.older("asked", registryTables...)
				name := w.row("SELECT current_database()")[0]
				w.do(fmt.Sprintf("ALTER DATABASE %q SET search_path = past", name))
			}},
			insiderOfServer{"lets the registry ignore each event", func(w *served) { w.instead("event") }},
			insiderOfServer{"lets the registry ignore where a chain ends", func(w *served) {
				w.do("CREATE RULE stuck AS ON UPDATE TO silo DO INSTEAD NOTHING")
			}})
	}
	return list
}
