package sqlite

import (
	"slices"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"lethe/connectors"
)

// loadDistinct finds the fields of which something unique is computed: an expression of an index, or a computed field.
// A name within an expression counts wherever it stands: too many, rather than too few.
func (t *table) loadDistinct(c *sqlite3.Conn) error {
	found := map[string]bool{}
	err := rows(c, `SELECT s.sql FROM pragma_index_list(?, 'main') l JOIN main.sqlite_schema s ON s.type = 'index' AND `+
		`s.name = l.name WHERE l."unique" AND NOT l.partial AND s.sql IS NOT NULL AND EXISTS (SELECT 1 FROM `+
		`pragma_index_info(l.name, 'main') WHERE cid = -2)`, func(s *sqlite3.Stmt) {
		words := lexemes(s.ColumnText(0))
		if on := slices.Index(words, "("); on >= 0 {
			t.namedIn(words[on:], found)
		}
	}, t.Name)
	if err != nil {
		return err
	}
	computed, err := t.computed(c)
	for more := true; more; { // computed of what is computed
		more = false
		for _, f := range t.Fields {
			if f.Generated && (found[f.Name] || t.TakesPart(f.Name)) {
				before := len(found)
				t.namedIn(computed[f.Name], found)
				more = more || len(found) > before
			}
		}
	}
	for _, f := range t.Fields {
		if found[f.Name] {
			t.Distinct = append(t.Distinct, f.Name)
		}
	}
	return err
}

// computed reads the definitions of the computed fields off the statement that made the table, which alone says them.
func (t *table) computed(c *sqlite3.Conn) (map[string][]string, error) {
	is := func(f connectors.Field) bool { return f.Generated }
	if !slices.ContainsFunc(t.Fields, is) {
		return nil, nil
	}
	found := map[string][]string{}
	err := rows(c, `SELECT sql FROM main.sqlite_schema WHERE type = 'table' AND name = ?`, func(s *sqlite3.Stmt) {
		for _, definition := range definitions(lexemes(s.ColumnText(0))) {
			for _, f := range t.Fields {
				if f.Generated && strings.EqualFold(f.Name, unquoted(definition[0])) {
					found[f.Name] = definition[1:]
				}
			}
		}
	}, t.Name)
	return found, err
}

// definitions splits what stands in the brackets of CREATE TABLE at its commas.
func definitions(words []string) (list [][]string) {
	depth, from := 0, 0
	for i, w := range words {
		if w == "(" {
			if depth++; depth == 1 {
				from = i + 1
			}
		}
		if depth == 1 && (w == ")" || w == ",") {
			if from < i {
				list = append(list, words[from:i])
			}
			from = i + 1
		}
		if w == ")" {
			depth--
		}
	}
	return list
}

// namedIn adds the fields of the table whose names are among words.
func (t *table) namedIn(words []string, found map[string]bool) {
	for _, w := range words {
		for _, f := range t.Fields {
			if strings.EqualFold(unquoted(w), f.Name) {
				found[f.Name] = true
			}
		}
	}
}
