package conformance

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"lethe/connectors"
)

// Dialect writes the suite's tables as SQL, for the harness of an engine that reads it.
type Dialect struct {
	Quote     byte // around names: ` or "
	Backslash bool // a backslash escapes in string literals
}

// Name quotes a name.
func (d Dialect) Name(s string) string {
	q := string(d.Quote)
	return q + strings.ReplaceAll(s, q, q+q) + q
}

func (d Dialect) names(names []string) string {
	var quoted []string
	for _, n := range names {
		quoted = append(quoted, d.Name(n))
	}
	return "(" + strings.Join(quoted, ", ") + ")"
}

// Create returns the CREATE TABLE statement, without a semicolon. A field that the engine sets itself is
// declared as MySQL does.
func (d Dialect) Create(t Table) string {
	var parts []string
	for _, f := range t.Def.Fields {
		s := d.Name(f.Name) + " " + f.Type
		switch {
		case f.Generated:
			s += " GENERATED ALWAYS AS (" + t.Computed[f.Name] + ") STORED"
		case f.AutoUpdate:
			s += " NULL DEFAULT NULL ON UPDATE CURRENT_TIMESTAMP"
		case !f.Nullable:
			s += " NOT NULL"
		}
		parts = append(parts, s)
	}
	if len(t.Def.Key) > 0 {
		parts = append(parts, t.Keyword()+d.names(t.Def.Key))
	}
	for _, u := range t.Def.Unique {
		parts = append(parts, "UNIQUE "+d.names(u))
	}
	for _, fk := range t.Def.ForeignKeys {
		s := fmt.Sprintf("FOREIGN KEY %s REFERENCES %s %s ON DELETE %s", d.names(fk.Fields), d.Name(fk.RefTable),
			d.names(fk.RefFields), fk.OnDelete)
		if fk.OnUpdate != "" {
			s += " ON UPDATE " + fk.OnUpdate
		}
		parts = append(parts, s)
	}
	return "CREATE TABLE " + d.Name(t.Def.Name) + " (\n  " + strings.Join(parts, ",\n  ") + "\n)"
}

// Keyword declares the key.
func (t Table) Keyword() string {
	if t.Def.Alternate {
		return "UNIQUE "
	}
	return "PRIMARY KEY "
}

// Inserts returns INSERT statements of at most perStatement rows each, without semicolons. Generated fields
// are left out.
func (d Dialect) Inserts(t Table, perStatement int) []string {
	var cols []string
	for _, f := range t.Def.Fields {
		if !f.Generated {
			cols = append(cols, f.Name)
		}
	}
	var statements []string
	for chunk := range slices.Chunk(t.Rows, perStatement) {
		var tuples []string
		for _, row := range chunk {
			var values []string
			for i, f := range t.Def.Fields {
				if !f.Generated {
					values = append(values, d.Literal(f.Kind, row[i]))
				}
			}
			tuples = append(tuples, "("+strings.Join(values, ",")+")")
		}
		statements = append(statements, "INSERT INTO "+d.Name(t.Def.Name)+" "+d.names(cols)+" VALUES "+
			strings.Join(tuples, ","))
	}
	return statements
}

// PerStatement is how many rows of a table one INSERT may hold: the largest ones one, so that no usual limit is met.
func (t Table) PerStatement() int {
	for _, row := range t.Rows {
		for _, v := range row {
			if s, ok := v.(string); ok && len(s) > 1<<20 {
				return 1
			}
		}
	}
	return 500
}

// Literal writes a value of the suite.
func (d Dialect) Literal(kind connectors.Kind, v any) string {
	if v == nil {
		return "NULL"
	}
	s := v.(string)
	switch kind {
	case connectors.Integer, connectors.Decimal, connectors.Float:
		return s
	case connectors.Binary:
		return "x'" + hex.EncodeToString([]byte(s)) + "'"
	case connectors.Bit:
		return "b'" + s + "'"
	}
	if d.Backslash {
		s = strings.ReplaceAll(s, `\`, `\\`)
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}
