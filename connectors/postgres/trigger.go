package postgres

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"slices"
	"strings"

	"lethe/connectors"
)

// Triggers as the server fires them for a session like ours: those of partitions that the root has are the root's. Rules
// rewrite a change instead of following it, and do at least as much.
const (
	triggersQuery = `SELECT g.tgrelid, g.tgname, g.tgtype, pg_catalog.pg_get_triggerdef(g.oid), p.prosrc, l.lanname,
		p.prosecdef, COALESCE(p.proconfig::text, ''), pg_catalog.pg_get_userbyid(p.proowner),
		COALESCE(pg_catalog.pg_get_function_sqlbody(p.oid), ''), pg_catalog.has_function_privilege(p.oid, 'EXECUTE'), p.proname
		FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_proc p ON p.oid = g.tgfoid
		JOIN pg_catalog.pg_language l ON l.oid = p.prolang
		WHERE NOT g.tgisinternal AND g.tgenabled IN ('O', 'A') AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
		WHERE d.classid = 'pg_catalog.pg_trigger'::regclass AND d.refclassid = d.classid AND d.objid = g.oid)
		ORDER BY g.tgrelid, g.tgname`
	rulesQuery = `SELECT r.ev_class, r.rulename, r.ev_type, pg_catalog.pg_get_ruledef(r.oid) FROM pg_catalog.pg_rewrite r
		WHERE r.ev_type <> '1' AND r.ev_enabled IN ('O', 'A') ORDER BY r.ev_class, r.rulename`
	routinesQuery = `SELECT n.nspname, p.proname FROM pg_catalog.pg_proc p
		JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')`
)

// The bits of pg_trigger.tgtype.
const (
	onInsert = 1 << 2
	onDelete = 1 << 3
	onUpdate = 1 << 4
)

// routine is a trigger or a rule, with what decides what it does.
type routine struct {
	connectors.Trigger
	table   *table
	definer bool // it runs with the rights of its owner
	runs    bool // the user may run its function
	names   []reference
}

// addTriggers adds the triggers and rules to the tables.
func (l *loader) addTriggers(ctx context.Context, conn *sql.Conn) error {
	functions := map[string]bool{}
	add := func(r routine, events []string, digested ...string) {
		sum := sha256.Sum256([]byte(strings.Join(digested, "\x00")))
		r.Digest = hex.EncodeToString(sum[:])
		for _, ref := range r.names {
			if ref.event == "" {
				if functions[strings.ToLower(ref.name)] || ref.schema == "?" {
					r.Calls = append(r.Calls, ref.String())
				}
				continue
			}
			for _, name := range l.named(ref) {
				r.Writes = append(r.Writes, connectors.Written{Table: name, Event: ref.event})
			}
		}
		slices.Sort(r.Calls)
		r.Calls, r.Writes = slices.Compact(r.Calls), connectors.SortWrites(r.Writes)
		for _, event := range events {
			r.Event = event
			at := func(o connectors.Trigger) bool { return o.Name == r.Name && o.Event == event }
			if i := slices.IndexFunc(r.table.Triggers, at); i >= 0 { // of several partitions
				r.table.Triggers[i].Digest += r.Digest
				continue
			}
			r.table.Triggers = append(r.table.Triggers, r.Trigger)
			l.routines = append(l.routines, r)
		}
	}
	err := collect(ctx, conn, routinesQuery, nil, func(r []string) error {
		functions[strings.ToLower(r[1])] = true
		return nil
	})
	if err != nil {
		return err
	}
	queryOf := triggersQuery
	if err := l.version(ctx, conn); err != nil {
		return err
	}
	if l.major < 14 { // functions whose body is SQL and no text
		queryOf = strings.Replace(queryOf, "COALESCE(pg_catalog.pg_get_function_sqlbody(p.oid), '')", "''", 1)
	}
	err = collect(ctx, conn, queryOf, nil, func(r []string) error {
		t := l.byOID[r[0]]
		if t == nil {
			return nil
		}
		var events []string
		for bit, event := range map[int]string{onInsert: "INSERT", onUpdate: "UPDATE", onDelete: "DELETE"} {
			if number(r[2])&bit != 0 {
				events = append(events, event)
			}
		}
		slices.Sort(events)
		made := routine{Trigger: connectors.Trigger{Name: r[1]}, table: t, definer: r[6] == "t", runs: r[10] == "t"}
		switch r[5] {
		case "plpgsql", "sql":
			made.names = references(r[4] + "\n" + r[9])
		default:
			made.names = []reference{{schema: "?", name: r[11], text: r[11] + " (" + r[5] + ")"}}
		}
		add(made, events, r[3:10]...)
		return nil
	})
	if err == nil {
		err = collect(ctx, conn, rulesQuery, nil, func(r []string) error {
			if t := l.byOID[r[0]]; t != nil {
				_, does, _ := strings.Cut(r[3], " DO ")
				add(routine{Trigger: connectors.Trigger{Name: r[1]}, table: t, definer: true, runs: true, names: references(does)},
					[]string{map[string]string{"2": "UPDATE", "3": "INSERT", "4": "DELETE"}[r[2]]}, r[3])
			}
			return nil
		})
	}
	for _, t := range l.tables {
		slices.SortFunc(t.Triggers, func(a, b connectors.Trigger) int {
			return strings.Compare(a.Name+"\x00"+a.Event, b.Name+"\x00"+b.Event)
		})
	}
	return err
}

func number(s string) (n int) {
	for _, c := range s {
		n = n*10 + int(c-'0')
	}
	return n
}

// named are the tables of the catalog that a reference may mean: without a schema those of any, as it depends on a
// search path; one that is not there goes by the name that is written.
func (l *loader) named(ref reference) (names []string) {
	for name, t := range l.tables {
		if t.name == ref.name && (ref.schema == "" || ref.schema == t.schema) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		names = append(names, ref.String())
	}
	return names
}

// reference is something that the text of a routine names: a table that it changes, or a function that it calls.
type reference struct {
	schema, name string
	event        string // INSERT, UPDATE or DELETE; "" for a function
	text         string // how it is said, where not by its name
}

func (r reference) String() string {
	switch {
	case r.text != "":
		return r.text
	case r.schema == "" || r.schema == public:
		return r.name
	}
	return r.schema + "." + r.name
}

// references finds what a text in SQL or PL/pgSQL changes, and what it calls. What is put together while it runs
// (EXECUTE) cannot be seen, and is said.
func references(text string) (refs []reference) {
	tokens := tokensOf(text)
	is := func(i int, words ...string) bool {
		return i >= 0 && i < len(tokens) && slices.ContainsFunc(words, func(w string) bool {
			return !tokens[i].quoted && strings.EqualFold(tokens[i].text, w)
		})
	}
	table := func(i int, event string) {
		for is(i, "INTO", "FROM", "ONLY", "TABLE") {
			i++
		}
		if r, ok := nameAt(tokens, i); ok {
			r.event = event
			refs = append(refs, r)
		}
	}
	for i := range tokens {
		switch {
		case is(i, "INSERT") && is(i+1, "INTO"):
			table(i+1, "INSERT")
		case is(i, "COPY") && !is(i-1, "."):
			table(i+1, "INSERT")
		case is(i, "MERGE") && is(i+1, "INTO"):
			for _, event := range []string{"INSERT", "UPDATE", "DELETE"} {
				table(i+1, event)
			}
		case is(i, "DELETE") && is(i+1, "FROM"):
			table(i+1, "DELETE")
		case is(i, "TRUNCATE"):
			table(i+1, "DELETE")
		case is(i, "DO") && is(i+1, "UPDATE"): // ON CONFLICT: of the INSERT before
			if at := slices.IndexFunc(refs, func(r reference) bool { return r.event == "INSERT" }); at >= 0 {
				last := refs[len(refs)-1]
				last.event = "UPDATE"
				refs = append(refs, last)
			}
		case is(i, "UPDATE") && !is(i-1, "FOR", "KEY", "DO", "BEFORE", "AFTER", "OR") && !is(i+1, "SET", "OF", "OR"):
			table(i+1, "UPDATE")
		case is(i, "EXECUTE") && !is(i+1, "FUNCTION", "PROCEDURE"):
			refs = append(refs, reference{schema: "?", text: "EXECUTE of a text"})
		case i+1 < len(tokens) && tokens[i].name && tokens[i+1].text == "(" && !tokens[i+1].quoted:
			r, _ := nameAt(tokens, i)
			if i >= 2 && tokens[i-1].text == "." && tokens[i-2].name {
				r.schema = tokens[i-2].text
			}
			r.name = tokens[i].text
			refs = append(refs, r)
		}
	}
	return refs
}

// nameAt reads a name, with the schema before it or not.
func nameAt(tokens []token, i int) (reference, bool) {
	if i >= len(tokens) || !tokens[i].name {
		return reference{}, false
	}
	if i+2 < len(tokens) && tokens[i+1].text == "." && tokens[i+2].name {
		return reference{schema: tokens[i].text, name: tokens[i+2].text}, true
	}
	return reference{name: tokens[i].text}, true
}

// token is a name, quoted or not, or a character of SQL. Texts are tokens without words.
type token struct {
	text         string
	name, quoted bool
}

// tokensOf takes SQL apart, without comments. What stands between dollars is read, too: a text there is mostly SQL.
func tokensOf(text string) (out []token) {
	for i := 0; i < len(text); {
		from := i
		switch c := text[i]; {
		case strings.HasPrefix(text[i:], "--"):
			i += lengthTo(text[i:], "\n")
		case strings.HasPrefix(text[i:], "/*"):
			i += lengthTo(text[i:], "*/")
		case c == '\'' || c == '"':
			escapes := c == '\'' && from > 0 && text[from-1]|0x20 == 'e' && len(out) > 0 && len(out[len(out)-1].text) == 1
			for i++; i < len(text); i++ {
				if escapes && text[i] == '\\' {
					i++
				} else if text[i] == c {
					if i+1 == len(text) || text[i+1] != c {
						break
					}
					i++
				}
			}
			i = min(i+1, len(text))
			if c == '\'' {
				out = append(out, token{quoted: true})
			} else {
				name := strings.ReplaceAll(strings.Trim(text[from:i], `"`), `""`, `"`)
				out = append(out, token{text: name, name: true, quoted: true})
			}
		case inName(c):
			for i < len(text) && inName(text[i]) {
				i++
			}
			out = append(out, token{text: strings.ToLower(text[from:i]), name: c < '0' || c > '9'})
		default:
			i++
			if c > ' ' {
				out = append(out, token{text: text[from:i]})
			}
		}
	}
	return out
}

func inName(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// lengthTo is how far it is behind an end, or to the end of all.
func lengthTo(text, end string) int {
	if i := strings.Index(text, end); i >= 0 {
		return i + len(end)
	}
	return len(text)
}
