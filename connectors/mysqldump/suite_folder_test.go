package mysqldump_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/connectortest"
	"lethe/connectors/mysqldump"
)

const mydumperHeader = "/*!40101 SET NAMES binary*/;\n/*!40014 SET FOREIGN_KEY_CHECKS=0*/;\n" +
	"/*!40103 SET TIME_ZONE='+00:00' */;\n"

// textOf writes rows as mysqldump --tab does, and mydumper for LOAD DATA.
func textOf(t connectortest.Table, rows [][]any) []byte {
	var b bytes.Buffer
	for _, row := range rows {
		for f, v := range row {
			if f > 0 {
				b.WriteByte('\t')
			}
			if v == nil {
				b.WriteString(`\N`)
				continue
			}
			text := v.(string)
			if t.Def.Fields[f].Kind == connectors.Bit {
				for len(text)%8 > 0 {
					text = "0" + text
				}
				var octets []byte
				for i := range text {
					if i%8 == 0 {
						octets = append(octets, 0)
					}
					octets[i/8] = octets[i/8]<<1 | (text[i] - '0')
				}
				text = string(octets)
			}
			b.WriteString(strings.NewReplacer("\x00", `\0`, "\t", "\\\t", "\n", "\\\n", `\`, `\\`).Replace(text))
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// folderOf writes the suite's tables as a folder of files.
func folderOf(t testing.TB, path, form string, tables []connectortest.Table) {
	require.NoError(t, os.Mkdir(path, 0o750))
	put := func(name string, content []byte) {
		at := filepath.Join(path, name)
		require.NoError(t, os.WriteFile(at, connectortest.Pack(t, at, content), 0o640))
	}
	if form == "tab" {
		for _, table := range tables {
			name := strings.ReplaceAll(table.Def.Name, "/", "@002f")
			put(name+".sql", []byte(header+dialect.Create(table)+" ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;\n\n-- Dump completed\n"))
			put(name+".txt", textOf(table, table.Rows))
		}
		return
	}
	put("crm-schema-create.sql", []byte("CREATE DATABASE `crm`;\n"))
	meta := "# Started dump at: 2026-01-01 00:00:00\n[config]\nquote-character = BACKTICK\n"
	for i, table := range tables {
		file, packed := fmt.Sprintf("crm.mydumper_%d", i), ""
		if form == "mydumper.gz" {
			packed = ".gz"
		}
		name := dialect.Name(table.Def.Name)
		put(file+"-schema.sql"+packed, []byte(mydumperHeader+dialect.Create(table)+" ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;\n"))
		meta += fmt.Sprintf("\n[`crm`.`mydumper_%d`]\nreal_table_name=%s\nrows = %d\ndata_checksum = 77\n", i, table.Def.Name,
			len(table.Rows))
		chunk := 0
		for rows := range slices.Chunk(table.Rows, 25) {
			part := fmt.Sprintf("%s.%05d", file, chunk)
			chunk += 2 // there may be gaps
			if form == "mydumper load" {
				put(part+".dat", textOf(table, rows))
				put(part+".sql", []byte(mydumperHeader+"LOAD DATA LOCAL INFILE '"+part+".dat' INTO TABLE "+name+
					" CHARACTER SET binary FIELDS TERMINATED BY '\\t' ENCLOSED BY '' ESCAPED BY '\\\\' LINES STARTING BY '' "+
					"TERMINATED BY '\\n';\n"))
				continue
			}
			var b bytes.Buffer
			b.WriteString(mydumperHeader)
			for i, row := range rows {
				b.WriteString([]string{"INSERT INTO " + name + " VALUES\n(", ",\n("}[min(i%5, 1)])
				for f, v := range row {
					if f > 0 {
						b.WriteByte(',')
					}
					b.WriteString(literal(table.Def.Fields[f].Kind, v))
				}
				b.WriteString(")")
				if i == len(rows)-1 || i%5 == 4 {
					b.WriteString(";\n")
				}
			}
			put(part+".sql"+packed, b.Bytes())
		}
	}
	put("metadata", []byte(meta+"# Finished dump at: 2026-01-01 00:00:01\n"))
}

// The suite holds folders to what it holds files to.
func TestSuiteFolders(t *testing.T) {
	for _, form := range []string{"tab", "mydumper.gz", "mydumper load"} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			connectortest.Run(t, connectortest.Harness{Stream: true,
				New: func(t *testing.T, tables []connectortest.Table) connectortest.Store {
					path := filepath.Join(t.TempDir(), "suite")
					folderOf(t, path, form, tables)
					return connectortest.Store{
						Path: path,
						Bytes: func(t *testing.T) (all []byte) {
							entries, err := os.ReadDir(path)
							require.NoError(t, err)
							for _, e := range entries {
								if e.Name() == "metadata" { // says how many rows there are
									continue
								}
								all = append(all, connectortest.Unpack(t, filepath.Join(path, e.Name()))...)
							}
							return all
						},
						Open: func(t *testing.T) connectors.Source {
							src, err := mysqldump.Connector.Open(t.Context(),
								connectors.Options{Name: "suite", DSN: path, Rewrite: true})
							require.NoError(t, err)
							require.Implements(t, (*connectors.Rewriter)(nil), src)
							require.Implements(t, (*connectors.Foreseer)(nil), src)
							return src
						},
					}
				}})
		})
	}
}
