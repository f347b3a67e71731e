package mysqldump_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/connectortest"
	"lethe/connectors/mysqldump"
)

var dialect = connectortest.Dialect{Quote: '`', Backslash: true}

const header = `/*M!999999\- enable the sandbox mode */
-- MariaDB dump 10.19  Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)
--
-- Host: localhost    Database: suite
-- ------------------------------------------------------
/*!40101 SET NAMES utf8mb4 */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
`

// layout is one of the ways in which dumps lay out their rows.
type layout struct {
	perStatement int    // rows
	between      string // rows
	behind       string // VALUES
}

var layouts = map[string]layout{
	"one line an INSERT":     {1 << 20, ",", " "},
	"one row a line":         {5, ",\n", "\n"},
	"one row a statement":    {1, ",", " "},
	"white space everywhere": {4, " ,\r\n\t", "\r\n "},
}

// dumpOf writes the suite's tables as mariadb-dump does: with the values of generated fields.
func dumpOf(tables []connectortest.Table, l layout) []byte {
	var b bytes.Buffer
	b.WriteString(header)
	for _, t := range tables {
		name := dialect.Name(t.Def.Name)
		fmt.Fprintf(&b, "\n--\n-- Table structure for table %s\n--\n\nDROP TABLE IF EXISTS %s;\n"+
			"%s ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;\n", name, name, dialect.Create(t))
		fmt.Fprintf(&b, "\nLOCK TABLES %s WRITE;\n/*!40000 ALTER TABLE %s DISABLE KEYS */;\n", name, name)
		for i, row := range t.Rows {
			if i%l.perStatement == 0 {
				fmt.Fprintf(&b, "INSERT INTO %s VALUES%s(", name, l.behind)
			}
			for f, v := range row {
				if f > 0 {
					b.WriteByte(',')
				}
				b.WriteString(literal(t.Def.Fields[f].Kind, v))
			}
			switch {
			case i == len(t.Rows)-1 || (i+1)%l.perStatement == 0:
				b.WriteString(");\n")
			default:
				b.WriteString(")" + l.between + "(")
			}
		}
		fmt.Fprintf(&b, "/*!40000 ALTER TABLE %s ENABLE KEYS */;\nUNLOCK TABLES;\n", name)
	}
	b.WriteString("/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;\n\n-- Dump completed on 2026-01-01  0:00:00\n")
	return b.Bytes()
}

func literal(kind connectors.Kind, v any) string {
	if s, ok := v.(string); ok && kind != connectors.Binary {
		return strings.NewReplacer("\n", `\n`, "\r", `\r`, "\x1a", `\Z`).Replace(dialect.Literal(kind, s))
	}
	if v != nil && len(v.(string)) > 1<<20 {
		return "_binary '" + strings.NewReplacer("\x00", `\0`, "'", `\'`, `\`, `\\`, "\n",
			`\n`).Replace(v.(string)) + "'"
	}
	return dialect.Literal(kind, v)
}

func TestSuite(t *testing.T) {
	for _, tc := range []struct{ layout, suffix string }{
		{"one line an INSERT", ".sql"}, {"one row a line", ".sql"}, {"one row a statement", ".sql"},
		{"white space everywhere", ".sql"},
		{"one row a line", ".sql.gz"}, {"one line an INSERT", ".sql.zst"},
	} {
		l, suffix := layouts[tc.layout], tc.suffix
		t.Run(tc.layout+suffix, func(t *testing.T) {
			t.Parallel()
			connectortest.Run(t,
				connectortest.Harness{Stream: true,
					New: func(t *testing.T, tables []connectortest.Table) connectortest.Store {
						path := filepath.Join(t.TempDir(), "suite"+suffix)
						require.NoError(t, os.WriteFile(path, connectortest.Pack(t, path, dumpOf(tables, l)), 0o640))
						return connectortest.Store{
							Path:  path,
							Bytes: func(t *testing.T) []byte { return connectortest.Unpack(t, path) },
							Open: func(t *testing.T) connectors.Source {
								src, err := mysqldump.Connector.Open(t.Context(),
									connectors.Options{Name: "suite", DSN: path, Rewrite: true})
								require.NoError(t, err)
								require.Implements(t, (*connectors.Rewriter)(nil), src)
								return src
							},
						}
					}})
		})
	}
}
