package connectors

import (
	"maps"
	"slices"
	"strings"
)

// ResolveViews says which tables views read, given their definitions in SQL by name. A name that is a
// view's stands for the tables of that view; one that is neither a table's nor a view's is left out. An
// empty definition is one that may not be seen. backslash says whether it escapes in the engine's literals.
func ResolveViews(definitions map[string]string, tables []string, backslash bool) []View {
	fold := strings.ToLower
	isTable, isView := map[string]string{}, map[string]string{}
	for _, t := range tables {
		isTable[fold(t)] = t
	}
	for v := range definitions {
		isView[fold(v)] = v
	}
	var follow func(view string, seen map[string]bool, found map[string]bool)
	follow = func(view string, seen, found map[string]bool) {
		if seen[view] {
			return
		}
		seen[view] = true
		for _, name := range tablesRead(definitions[view], backslash) {
			if t, ok := isTable[fold(name)]; ok {
				found[t] = true
			} else if v, ok := isView[fold(name)]; ok {
				follow(v, seen, found)
			}
		}
	}
	var views []View
	for _, name := range slices.Sorted(maps.Keys(definitions)) {
		v := View{Name: name}
		if definitions[name] != "" {
			found := map[string]bool{}
			follow(name, map[string]bool{}, found)
			v.Tables = append([]string{}, slices.Sorted(maps.Keys(found))...)
		}
		views = append(views, v)
	}
	return views
}

// tablesRead returns the names that stand where a SELECT names tables: behind FROM, JOIN and the commas
// between them. A qualified name gives its last part. It reads tokens, not SQL: names of common table
// expressions are among the answer, and the caller keeps those it knows.
func tablesRead(sql string, backslash bool) []string {
	type level struct{ selects, from, expect bool }
	levels := []level{{}}
	var names []string
	tokens := sqlTokens(sql, backslash)
	for i := 0; i < len(tokens); i++ {
		at := &levels[len(levels)-1]
		t := tokens[i]
		if t.name && at.expect {
			for i+2 < len(tokens) && tokens[i+1].text == "." && tokens[i+2].name {
				i += 2
			}
			// a function that yields rows is no table
			if i+1 >= len(tokens) || tokens[i+1].text != "(" || tokens[i].quoted {
				names = append(names, tokens[i].text)
			}
			at.expect = false
			continue
		}
		switch strings.ToUpper(t.text) {
		case "(":
			levels = append(levels, level{selects: at.expect, from: at.expect, expect: at.expect})
			at.expect = false
		case ")":
			if len(levels) > 1 {
				levels = levels[:len(levels)-1]
			}
		case ",":
			at.expect = at.from
		case "SELECT":
			*at = level{selects: true}
		case "FROM":
			at.from, at.expect = at.selects, at.selects
		case "JOIN", "STRAIGHT_JOIN":
			at.expect = at.from
		case "WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "WINDOW", "UNION", "EXCEPT", "INTERSECT":
			at.from, at.expect = false, false
		}
	}
	return names
}

type sqlToken struct {
	text         string
	name, quoted bool
}

// keywords are the words that can stand where a table's name is awaited and are none.
var keywords = []string{"SELECT", "FROM", "JOIN", "STRAIGHT_JOIN", "LATERAL", "ONLY", "WHERE", "WITH", "VALUES"}

// sqlTokens splits SQL into names, quoted or not, and signs. Literals and comments are dropped.
func sqlTokens(sql string, backslash bool) []sqlToken {
	var tokens []sqlToken
	for i := 0; i < len(sql); {
		c := sql[i]
		switch {
		case c == '\'':
			i = pastQuote(sql, i, '\'', backslash)
		case c == '`' || c == '"' || c == '[':
			next := pastQuote(sql, i, closingQuote(c), false)
			tokens = append(tokens, sqlToken{unquote(sql[i:next]), true, true})
			i = next
		case strings.HasPrefix(sql[i:], "--") || c == '#':
			i = pastText(sql, i, "\n")
		case strings.HasPrefix(sql[i:], "/*"):
			i = pastText(sql, i, "*/")
		case inWord(c):
			from := i
			for i < len(sql) && inWord(sql[i]) {
				i++
			}
			text := sql[from:i]
			tokens = append(tokens, sqlToken{text: text, name: !slices.Contains(keywords, strings.ToUpper(text))})
		default:
			if c == '(' || c == ')' || c == ',' || c == '.' {
				tokens = append(tokens, sqlToken{text: string(c)})
			}
			i++
		}
	}
	return tokens
}

func inWord(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func closingQuote(c byte) byte {
	if c == '[' {
		return ']'
	}
	return c
}

// unquote returns the name in a quoted text, whose closing quote may be missing.
func unquote(s string) string {
	end := string(closingQuote(s[0]))
	return strings.ReplaceAll(strings.TrimSuffix(s[1:], end), end+end, end)
}

// pastQuote returns the place behind a quoted text; a doubled quote stands for itself.
func pastQuote(sql string, i int, quote byte, backslash bool) int {
	for i++; i < len(sql); i++ {
		switch {
		case sql[i] == '\\' && backslash:
			i++
		case sql[i] != quote:
		case i+1 < len(sql) && sql[i+1] == quote:
			i++
		default:
			return i + 1
		}
	}
	return len(sql)
}

func pastText(sql string, i int, end string) int {
	at := strings.Index(sql[i:], end)
	if at < 0 {
		return len(sql)
	}
	return i + at + len(end)
}
