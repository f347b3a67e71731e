package pgdump_test

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/connectortest"
	"lethe/connectors/pgdump"
)

var dialect = connectortest.Dialect{Quote: '"'}

const (
	header = `--
-- PostgreSQL database dump
--

\restrict x1

-- Dumped from database version 15.18

SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);

`
	trailer = "--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict x1\n\n"
)

// layout is one of the ways in which pg_dump lays out rows.
type layout struct {
	copying      bool
	columns      bool
	perStatement int
}

var layouts = map[string]layout{
	"copy":             {copying: true, columns: true},
	"inserts":          {perStatement: 1},
	"column inserts":   {perStatement: 1, columns: true},
	"several a insert": {perStatement: 5},
}

var types = map[string]string{"double": "double precision", "datetime": "timestamp without time zone",
	"varbinary(100)": "bytea", "longblob": "bytea", "varchar(60)": "character varying(60)"}

// dumpOf writes the suite's tables as pg_dump does: keys and references behind the rows, the latter last.
func dumpOf(tables []connectortest.Table, l layout) []byte {
	var b, keys, references bytes.Buffer
	b.WriteString(header)
	for _, t := range tables {
		name := "public." + dialect.Name(t.Def.Name)
		var columns, quoted []string
		for _, f := range t.Def.Fields {
			typ := f.Type
			if known, ok := types[typ]; ok {
				typ = known
			}
			column := "    " + dialect.Name(f.Name) + " " + typ
			if !f.Nullable {
				column += " NOT NULL"
			}
			columns, quoted = append(columns, column), append(quoted, dialect.Name(f.Name))
		}
		fmt.Fprintf(&b, "--\n-- Name: %s; Type: TABLE\n--\n\nCREATE TABLE %s (\n%s\n);\n\n"+
			"ALTER TABLE %s OWNER TO postgres;\n\n", t.Def.Name, name, strings.Join(columns, ",\n"), name)
		list := " (" + strings.Join(quoted, ", ") + ")"
		if l.copying {
			fmt.Fprintf(&b, "COPY %s%s FROM stdin;\n", name, list)
			for _, row := range t.Rows {
				b.WriteString(copyLine(t.Def.Fields, row) + "\n")
			}
			b.WriteString("\\.\n\n\n")
		} else {
			if !l.columns {
				list = ""
			}
			for i, row := range t.Rows {
				switch {
				case i%l.perStatement == 0 && l.perStatement == 1:
					fmt.Fprintf(&b, "INSERT INTO %s%s VALUES ", name, list)
				case i%l.perStatement == 0:
					fmt.Fprintf(&b, "INSERT INTO %s%s VALUES\n\t", name, list)
				default:
					b.WriteString(",\n\t")
				}
				b.WriteString(tuple(t.Def.Fields, row))
				if i == len(t.Rows)-1 || (i+1)%l.perStatement == 0 {
					b.WriteString(";\n")
				}
			}
		}
		quote := func(names []string) string {
			var list []string
			for _, n := range names {
				list = append(list, dialect.Name(n))
			}
			return strings.Join(list, ", ")
		}
		if len(t.Def.Key) > 0 {
			fmt.Fprintf(&keys, "ALTER TABLE ONLY %s\n    ADD CONSTRAINT pkey %s(%s);\n\n", name, t.Keyword(),
				quote(t.Def.Key))
		}
		for _, u := range t.Def.Unique {
			fmt.Fprintf(&keys, "ALTER TABLE ONLY %s\n    ADD CONSTRAINT u UNIQUE (%s);\n\n", name, quote(u))
		}
		for _, fk := range t.Def.ForeignKeys {
			fmt.Fprintf(&references, "ALTER TABLE ONLY %s\n    ADD CONSTRAINT f FOREIGN KEY (%s) REFERENCES "+
				"public.%s(%s) ON DELETE %s ON UPDATE %s;\n\n", name, quote(fk.Fields), dialect.Name(fk.RefTable),
				quote(fk.RefFields), fk.OnDelete, cmp.Or(fk.OnUpdate, "NO ACTION"))
		}
	}
	keys.WriteTo(&b)
	references.WriteTo(&b)
	b.WriteString(trailer)
	return b.Bytes()
}

var copyEscapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\b", `\b`, "\f", `\f`, "\v", `\v`)

func copyLine(fields []connectors.Field, row []any) string {
	var values []string
	for i, v := range row {
		switch {
		case v == nil:
			values = append(values, `\N`)
		case fields[i].Kind == connectors.Binary:
			values = append(values, `\\x`+hex.EncodeToString([]byte(v.(string))))
		default:
			values = append(values, copyEscapes.Replace(v.(string)))
		}
	}
	return strings.Join(values, "\t")
}

func tuple(fields []connectors.Field, row []any) string {
	var values []string
	for i, v := range row {
		s, _ := v.(string)
		switch {
		case v == nil:
			values = append(values, "NULL")
		case fields[i].Kind == connectors.Binary:
			values = append(values, `'\x`+hex.EncodeToString([]byte(s))+"'")
		case fields[i].Kind == connectors.Bit:
			values = append(values, "B'"+s+"'")
		default:
			values = append(values, dialect.Literal(fields[i].Kind, v))
		}
	}
	return "(" + strings.Join(values, ", ") + ")"
}

func TestSuite(t *testing.T) {
	for _, tc := range []struct{ layout, suffix string }{
		{"copy", ".sql"}, {"inserts", ".sql"}, {"column inserts", ".sql"}, {"several a insert", ".sql"},
		{"copy", ".sql.gz"}, {"inserts", ".sql.zst"},
	} {
		l, suffix := layouts[tc.layout], tc.suffix
		t.Run(tc.layout+suffix, func(t *testing.T) {
			t.Parallel()
			connectortest.Run(t, connectortest.Harness{
				Stream: true,
				// pg_dump leaves generated values out
				Lacks: []connectortest.Feature{connectortest.Generated, connectortest.AutoUpdate,
					connectortest.ZeroDate},
				New: func(t *testing.T, tables []connectortest.Table) connectortest.Store {
					path := connectortest.WriteFile(t, "suite"+suffix, connectortest.Pack(t, suffix, dumpOf(tables, l)))
					return connectortest.Store{
						Path:  path,
						Bytes: func(t *testing.T) []byte { return connectortest.Unpack(t, path) },
						Open: func(t *testing.T) connectors.Source {
							src, err := pgdump.Connector.Open(t.Context(),
								connectors.Options{Name: "suite", DSN: path, Rewrite: true})
							require.NoError(t, err)
							require.Implements(t, (*connectors.Rewriter)(nil), src)
							require.Implements(t, (*connectors.Foreseer)(nil), src)
							return src
						},
					}
				},
			})
		})
	}
}
