package sqlite

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"lethe/connectors"
)

// loadTriggers reads the triggers of the tables.
func loadTriggers(c *sqlite3.Conn, tables []*table) error {
	called := func(name string) *table {
		i := slices.IndexFunc(tables, func(t *table) bool { return strings.EqualFold(t.Name, name) })
		if i < 0 {
			return nil
		}
		return tables[i]
	}
	return rows(c, "SELECT name, tbl_name, sql FROM main.sqlite_schema WHERE type = 'trigger' ORDER BY name",
		func(s *sqlite3.Stmt) {
			t := called(s.ColumnText(1))
			if t == nil { // of a view
				return
			}
			text := s.ColumnText(2)
			sum := sha256.Sum256([]byte(text))
			trigger := connectors.Trigger{Name: s.ColumnText(0), Digest: hex.EncodeToString(sum[:])}
			trigger.Event, trigger.Writes = readTrigger(text)
			for i := range trigger.Writes {
				if to := called(trigger.Writes[i].Table); to != nil {
					trigger.Writes[i].Table = to.Name
				}
			}
			trigger.Writes = connectors.SortWrites(trigger.Writes)
			t.Triggers = append(t.Triggers, trigger)
		})
}

// word is a word or a name of a trigger's text, or one of its other characters.
type word struct {
	text   string
	quoted bool
}

func (w word) is(words ...string) bool {
	return !w.quoted && slices.ContainsFunc(words, func(s string) bool { return strings.EqualFold(s, w.text) })
}

// readTrigger finds the event of CREATE TRIGGER and the tables that its statements change. SQLite knows few forms:
// INSERT [OR x] INTO t, REPLACE INTO t, UPDATE [OR x] t, DELETE FROM t.
func readTrigger(sql string) (event string, writes []connectors.Written) {
	words := wordsOf(sql)
	at := func(i int) word {
		if i < len(words) {
			return words[i]
		}
		return word{}
	}
	i := slices.IndexFunc(words, func(w word) bool { return w.is("TRIGGER") }) + 2 // behind its name
	for ; i < len(words) && !words[i].is("BEGIN"); i++ {
		if event == "" && words[i].is("INSERT", "UPDATE", "DELETE") {
			event = strings.ToUpper(words[i].text)
		}
	}
	into := connectors.Written{} // of the INSERT at hand
	for ; i < len(words); i++ {
		first := words[i]
		if !first.is("INSERT", "REPLACE", "UPDATE", "DELETE") {
			continue
		}
		other := ""
		next := i + 1
		if at(next).is("OR") {
			other = at(next + 1).text
			next += 2
		}
		if at(next).is("INTO", "FROM") {
			next++
		} else if !first.is("UPDATE") { // the function replace, or a word beside
			continue
		}
		if first.is("UPDATE") && at(next).is("SET") { // INSERT ... ON CONFLICT DO UPDATE SET
			if into.Table != "" {
				writes = append(writes, connectors.Written{Table: into.Table, Event: "UPDATE"})
			}
			continue
		}
		to := connectors.Written{Table: at(next).text, Event: strings.ToUpper(first.text)}
		if first.is("INSERT", "REPLACE") {
			to.Event, into = "INSERT", to
		}
		if first.is("REPLACE") || strings.EqualFold(other, "REPLACE") {
			writes = append(writes, connectors.Written{Table: to.Table, Event: "DELETE"})
		}
		writes = append(writes, to)
		i = next
	}
	return event, writes
}

// wordsOf takes SQL apart, without comments and texts.
func wordsOf(sql string) (words []word) {
	for len(sql) > 0 {
		n := 1
		switch c := sql[0]; {
		case strings.HasPrefix(sql, "--"):
			n = until(sql, "\n", 2)
		case strings.HasPrefix(sql, "/*"):
			n = until(sql, "*/", 2)
		case c == '\'' || c == '"' || c == '`':
			n = until(sql, sql[:1], 1)
			for n < len(sql) && sql[n] == c { // a doubled one is part of it
				n += until(sql[n:], sql[:1], 1)
			}
			name := strings.TrimSuffix(sql[1:n], sql[:1])
			words = append(words, word{strings.ReplaceAll(name, string([]byte{c, c}), string([]byte{c})), true})
		case c == '[':
			n = until(sql, "]", 1)
			words = append(words, word{strings.TrimSuffix(sql[1:n], "]"), true})
		case letter(c):
			for n < len(sql) && letter(sql[n]) {
				n++
			}
			words = append(words, word{sql[:n], false})
		case c > ' ':
			words = append(words, word{sql[:1], false})
		}
		sql = sql[n:]
	}
	return words
}

// until is how far it is behind an end that is looked for from a place on, or to the end of all.
func until(sql, end string, from int) int {
	if i := strings.Index(sql[from:], end); i >= 0 {
		return from + i + len(end)
	}
	return len(sql)
}

func letter(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}
