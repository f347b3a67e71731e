package audit

import (
	"fmt"
	"strings"
)

// SchemaText says in plain text which columns tables have, with type and meaning.
func SchemaText(tables []Table) string {
	var b strings.Builder
	for i, t := range tables {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s: %s\n", t.Name, t.Means())
		name, kind := 0, 0
		for _, c := range t.Columns() {
			name, kind = max(name, len(c.Name)), max(kind, len(c.typed()))
		}
		for _, c := range t.Columns() {
			fmt.Fprintf(&b, "  %-*s  %-*s  %s\n", name, c.Name, kind, c.typed(), c.Means)
		}
	}
	return b.String()
}

// typed is the type, and whether a value can lack.
func (c Column) typed() string {
	if c.Nullable {
		return c.Type() + " NULL"
	}
	return c.Type()
}

// SchemaPage is the documentation of all tables, in Markdown.
func SchemaPage() string {
	var b strings.Builder
	b.WriteString(`# The tables of a night

Made from the Go types in [tables.go](tables.go), as ` + "`lethe report schema`" + ` prints it. Types are those of
DuckDB. ` + "`NULL`" + ` behind one says that a value may be unknown, or not apply; a text is never empty, and a list
without parts is one of length 0. Days are civil days in the controller's zone, instants in UTC, references 16 bytes.
`)
	cell := strings.NewReplacer("|", `\|`, "<", "&lt;")
	for _, t := range AllTables() {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| column | type | means |\n|---|---|---|\n", t.Name, cell.Replace(t.Means()))
		for _, c := range t.Columns() {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", c.Name, c.typed(), cell.Replace(c.Means))
		}
	}
	return b.String()
}
