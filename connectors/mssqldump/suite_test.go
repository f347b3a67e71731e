package mssqldump_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"lethe/connectors"
	"lethe/connectors/connectortest"
	"lethe/connectors/mssqldump"
)

// layout is one of the ways in which scripts lay out rows.
type layout struct {
	wide         bool // UTF-16 with its mark
	crlf         bool
	batches      bool // GO behind each INSERT
	perStatement int
	name         string
}

var layouts = map[string]layout{
	"management studio":  {wide: true, crlf: true, batches: true, perStatement: 1},
	"utf-8, one batch":   {perStatement: 1},
	"several a insert":   {perStatement: 4, batches: true},
	"packed by gzip":     {perStatement: 3, name: "x.sql.gz"},
	"packed, and utf-16": {wide: true, perStatement: 3, name: "x.sql.zst"},
}

var types = map[string]string{"double": "[float]", "datetime": "[datetime2](0)", "longblob": "[varbinary](max)",
	"timestamp": "[datetimeoffset](7)", "json": "[json]", "bigint": "[bigint]", "date": "[date]", "time": "[time](0)"}

func (l layout) newline() string {
	if l.crlf {
		return "\r\n"
	}
	return "\n"
}

func name(s string) string { return "[" + strings.ReplaceAll(s, "]", "]]") + "]" }

func names(list []string) string {
	var quoted []string
	for _, n := range list {
		quoted = append(quoted, name(n))
	}
	return strings.Join(quoted, ", ")
}

func constant(f connectors.Field, v any) string {
	if v == nil {
		return "NULL"
	}
	s := v.(string)
	switch f.Kind {
	case connectors.Integer, connectors.Float:
		return s
	case connectors.Decimal:
		return "CAST(" + s + " AS Decimal(20, 4))"
	case connectors.Binary:
		return "0x" + strings.ToUpper(hex.EncodeToString([]byte(s)))
	case connectors.Date:
		return "CAST(N'" + s + "' AS Date)"
	case connectors.Time:
		return "CAST(N'" + s + "' AS Time)"
	case connectors.Timestamp:
		typ := "DateTime2"
		if f.Zoned {
			typ = "DateTimeOffset"
		}
		return "CAST(N'" + strings.Replace(s, " ", "T", 1) + "' AS " + typ + ")"
	}
	return "N'" + strings.NewReplacer("'", "''", "\n", "\x00").Replace(s) + "'" // which script makes a newline again
}

// script writes the suite's tables as Management Studio does: keys in CREATE TABLE, references last.
func script(tables []connectortest.Table, l layout) []byte {
	var b, references strings.Builder
	b.WriteString("USE [shop]\nGO\n")
	for _, t := range tables {
		fmt.Fprintf(&b, "/****** Object:  Table [dbo].%s    Script Date: 29/11/2026 10:00:00 ******/\nSET ANSI_NULLS ON\nGO\n"+
			"SET QUOTED_IDENTIFIER ON\nGO\nCREATE TABLE [dbo].%s(\n", strings.ReplaceAll(name(t.Def.Name), "*/", ""),
			name(t.Def.Name))
		var parts, filled []string
		for _, f := range t.Def.Fields {
			typ, known := types[f.Type]
			if !known {
				typ = "[" + strings.Replace(f.Type, "(", "](", 1)
				if !strings.Contains(typ, "]") {
					typ += "]"
				}
			}
			typ = strings.Replace(typ, "varchar]", "nvarchar]", 1)
			null := " NULL"
			if !f.Nullable {
				null = " NOT NULL"
			}
			parts, filled = append(parts, "\t"+name(f.Name)+" "+typ+null), append(filled, f.Name)
		}
		if len(t.Def.Key) > 0 {
			parts = append(parts, " CONSTRAINT [PK] "+t.Keyword()+"CLUSTERED \n(\n\t"+strings.ReplaceAll(names(t.Def.Key), ", ", " ASC,\n\t")+
				" ASC\n)WITH (PAD_INDEX = OFF, IGNORE_DUP_KEY = OFF) ON [PRIMARY]")
		}
		b.WriteString(strings.Join(parts, ",\n") + "\n) ON [PRIMARY]\nGO\n")
		for _, u := range t.Def.Unique {
			fmt.Fprintf(&references, "CREATE UNIQUE NONCLUSTERED INDEX [u] ON [dbo].%s\n(\n\t%s ASC\n)WITH (PAD_INDEX = OFF)\nGO\n",
				name(t.Def.Name), names(u))
		}
		for i, row := range t.Rows {
			var values []string
			for n, f := range t.Def.Fields {
				values = append(values, constant(f, row[n]))
			}
			tuple := "(" + strings.Join(values, ", ") + ")"
			if i%l.perStatement == 0 {
				fmt.Fprintf(&b, "INSERT [dbo].%s (%s) VALUES %s", name(t.Def.Name), names(filled), tuple)
			} else {
				b.WriteString(",\n\t" + tuple)
			}
			if i == len(t.Rows)-1 || (i+1)%l.perStatement == 0 {
				b.WriteString("\n")
				if l.batches {
					b.WriteString("GO\n")
				}
			}
		}
		for _, fk := range t.Def.ForeignKeys {
			fmt.Fprintf(&references, "ALTER TABLE [dbo].%s  WITH CHECK ADD  CONSTRAINT [FK] FOREIGN KEY(%s)\nREFERENCES [dbo].%s (%s)\n",
				name(t.Def.Name), names(fk.Fields), name(fk.RefTable), names(fk.RefFields))
			if fk.OnUpdate == "CASCADE" || fk.OnUpdate == "SET NULL" {
				fmt.Fprintf(&references, "ON UPDATE %s\n", fk.OnUpdate)
			}
			fmt.Fprintf(&references, "GO\nALTER TABLE [dbo].%s CHECK CONSTRAINT [FK]\nGO\n", name(t.Def.Name))
		}
	}
	b.WriteString(references.String() + "USE [master]\nGO\nALTER DATABASE [shop] SET  READ_WRITE \nGO\n")
	return encode(strings.NewReplacer("\n", l.newline(), "\x00", "\n").Replace(b.String()), l.wide)
}

// encode writes a text in UTF-16 with its mark, or as it is.
func encode(text string, wide bool) []byte {
	if !wide {
		return []byte(text)
	}
	b := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(text)) {
		b = append(b, byte(unit), byte(unit>>8))
	}
	return b
}

// decode is the text of a script of the tests.
func decode(b []byte) []byte {
	if !bytes.HasPrefix(b, []byte{0xff, 0xfe}) {
		return b
	}
	var units []uint16
	for i := 2; i+1 < len(b); i += 2 {
		units = append(units, uint16(b[i])|uint16(b[i+1])<<8)
	}
	return []byte(string(utf16.Decode(units)))
}

func TestConformance(t *testing.T) {
	for what, l := range layouts {
		t.Run(what, func(t *testing.T) {
			if l.name == "" {
				l.name = "x.sql"
			}
			connectortest.Run(t, connectortest.Harness{
				Stream: true,
				Lacks: []connectortest.Feature{connectortest.Bit, connectortest.Generated, connectortest.AutoUpdate,
					connectortest.ZeroDate},
				SameKey: sameKey,
				New: func(t *testing.T, tables []connectortest.Table) connectortest.Store {
					path := connectortest.WriteFile(t, l.name, connectortest.Pack(t, l.name, script(tables, l)))
					return connectortest.Store{
						Path: path,
						Open: func(t *testing.T) connectors.Source {
							src, err := mssqldump.Open(t.Context(), connectors.Options{DSN: path, Rewrite: true})
							require.NoError(t, err)
							require.Implements(t, (*connectors.Rewriter)(nil), src)
							return src
						},
						Bytes: func(t *testing.T) []byte { return decode(connectortest.Unpack(t, path)) },
					}
				},
			})
		})
	}
}

// sameKey folds as no server does more coarsely: letters and digits alone count, without case and accents.
func sameKey(a, b string) bool {
	fold := func(s string) string {
		return strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				return r
			}
			return -1
		}, cases.Fold().String(norm.NFKD.String(s)))
	}
	return fold(a) == fold(b)
}
