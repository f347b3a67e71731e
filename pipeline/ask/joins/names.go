package joins

import (
	"slices"
	"strings"
	"unicode"

	"lethe/connectors"
)

// sense is how plainly a field's name says that it refers to a table.
type sense uint8

const (
	none sense = iota
	somewhat
	plainly
)

// names knows the words of the tables of a source.
type names struct {
	tables map[string][]string // the words of each, without what all have in common, each in the singular
}

// generic are words that only say that a field is a reference, or a key.
var generic = []string{"id", "ids", "fk", "ref", "no", "nr", "num", "number", "key", "code", "cod", "codigo", "codice",
	"uuid", "guid", "idx", "rowid", "numero", "nummer"}

// roles are words by which a field names somebody who uses the application.
var roles = []string{"by", "owner", "author", "creator", "editor", "assignee", "assigned", "manager", "approver",
	"reviewer", "user", "valid", "creat", "modif"}

// users are words of tables that hold such people.
var users = []string{"user", "employee", "staff", "member", "account", "operator", "utente", "usuario", "benutzer",
	"utilisateur"}

func namesOf(tables connectors.Tables) names {
	n := names{tables: map[string][]string{}}
	for _, t := range tables {
		n.tables[t.Name] = words(t.Name)
	}
	for n.begin() {
	}
	for _, w := range n.tables {
		for i := range w {
			w[i] = singular(w[i])
		}
	}
	return n
}

// begin takes away the word with which many tables begin, as those of one application do, and reports whether there was
// one.
func (n names) begin() bool {
	first := map[string]int{}
	for _, w := range n.tables {
		if len(w) > 1 {
			first[w[0]]++
		}
	}
	cut := false
	for name, w := range n.tables {
		if len(w) > 1 && first[w[0]] >= fewTables && commonShare*first[w[0]] > len(n.tables) {
			n.tables[name], cut = w[1:], true
		}
	}
	return cut
}

// What begins at least so many tables, and more than one in so many, is the name of the application, or of a part.
const (
	fewTables   = 8
	commonShare = 6
)

// words are those of a name in snake_case, camelCase or with other signs between, in lower case.
func words(name string) (list []string) {
	var word strings.Builder
	end := func() {
		if word.Len() > 0 {
			list = append(list, word.String())
			word.Reset()
		}
	}
	was := rune(0)
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			end()
		default:
			if unicode.IsUpper(r) && unicode.IsLower(was) || unicode.IsDigit(r) != unicode.IsDigit(was) && was != 0 {
				end()
			}
			word.WriteRune(unicode.ToLower(r))
		}
		was = r
	}
	end()
	return list
}

// singular is an English word, roughly, without the ending of the plural.
func singular(word string) string {
	n := len(word)
	switch {
	case word == "people":
		return "person"
	case word == "children":
		return "child"
	case n > 4 && strings.HasSuffix(word, "ies"):
		return word[:n-3] + "y"
	case n > 4 && slices.ContainsFunc([]string{"sses", "xes", "ches"}, func(end string) bool {
		return strings.HasSuffix(word, end)
	}):
		return word[:n-2]
	case n > 3 && strings.HasSuffix(word, "s") && !strings.HasSuffix(word, "ss"):
		return word[:n-1]
	}
	return word
}

// says is how plainly the name of a field of one table says that it refers to another, and to no third table more
// plainly, nor by more words.
func (n names) says(t connectors.Table, field string, to connectors.Table) sense {
	if own, _ := n.said(field, t.Name); own == plainly && slices.Contains(t.Key, field) {
		return none
	}
	key := to.Key[0]
	of, by := n.said(field, to.Name)
	if of < plainly && strings.EqualFold(field, key) && !slices.Contains(generic, strings.ToLower(key)) {
		of, by = plainly, 0
	}
	for name := range n.tables {
		if name == to.Name || name == t.Name {
			continue
		}
		if more, words := n.said(field, name); more > of || more == of && words > by {
			return none
		}
	}
	return of
}

// said is says by the names alone, and by how many words.
func (n names) said(field, table string) (says sense, by int) {
	of, to := bare(field), n.tables[table]
	if len(of) == 0 || len(to) == 0 {
		return none, 0
	}
	last := of[len(of)-1]
	switch more := len(of) - len(to); {
	case more >= 0 && slices.EqualFunc(of[more:], to, same), strings.Join(of, "") == strings.Join(to, ""):
		return plainly, len(to)
	case more < 0 && slices.EqualFunc(of, to[:len(of)], same): // customer_id, of customer_entity
		return somewhat, 1
	case more == 1 && last != "by" && slices.Contains(roles, last) && slices.EqualFunc(of[:len(to)], to, same):
		return somewhat, len(to) // fk_user_author
	case len(of) == 1 && len(to) == 1 && cut(of[0], to[0]):
		return somewhat, 1
	case slices.Contains(users, to[len(to)-1]) && slices.Contains(roles, last):
		return somewhat, 1
	}
	return none, 0
}

// bare is the words of a field's name that say what it refers to: of customerid and idcliente too.
func bare(field string) (of []string) {
	all := words(field)
	for _, w := range all {
		if !slices.Contains(generic, w) {
			of = append(of, singular(w))
		}
	}
	if len(all) != 1 || len(of) == 0 {
		return of
	}
	of[0] = strings.TrimPrefix(of[0], "id")
	for _, g := range generic {
		if cut, ok := strings.CutSuffix(of[0], g); ok && len(cut) > 3 {
			return []string{cut}
		}
	}
	return of
}

// same reports whether two words are one but for its ending: cliente and clienti, kunde and kunden.
func same(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	n := 0
	for n < len(a) && a[n] == b[n] {
		n++
	}
	return a == b || n >= 4 && len(a)-n <= 1 && len(b)-n <= 2
}

// cut reports whether one word is the beginning of the other: soc and societe.
func cut(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	return len(a) >= 3 && len(b) > 4 && strings.HasPrefix(b, a)
}
