package picture

import (
	"slices"
	"strings"

	"lethe/pipeline/audit"
)

// Of draws a source from the rows of its inventory; nil where there is nothing personal in it, and for a backup, which
// looks like what it is of.
func Of(source string, rows []audit.Inventory) *Picture {
	var tables []Table
	by := map[string]int{}
	for _, i := range rows {
		switch {
		case i.Change == "gone" || i.Environment == "backup":
		case i.Column == "" && i.Object != "":
			by[i.Object] = len(tables)
			tables = append(tables, Table{Name: i.Object, Rows: i.Rows, Silo: strings.ReplaceAll(i.Silo, ";", ", "),
				Subject: i.Subject})
		case i.Column != "":
			if at, ok := by[i.Object]; ok {
				tables[at].field(i)
			}
		}
	}
	return Draw(source, tables)
}

// field adds what a field holds and refers to.
func (t *Table) field(i audit.Inventory) {
	if at := strings.LastIndexByte(i.RefersTo, '.'); at > 0 {
		t.Refers = append(t.Refers, Reference{Field: i.Column, Table: i.RefersTo[:at]})
	}
	if i.Category == "" || i.Category == "none" || i.Category == "company_only" || i.Company {
		return
	}
	words := strings.TrimSuffix(strings.ReplaceAll(i.Category, "_", " "), " possible pii") // which all of it is
	k := Kind{Words: words, Direct: i.Class == "direct_identifier",
		Special: slices.Contains([]string{"special", "criminal", "child", "credential"}, i.Class)}
	if !slices.Contains(t.Kinds, k) {
		t.Kinds = append(t.Kinds, k)
	}
}
