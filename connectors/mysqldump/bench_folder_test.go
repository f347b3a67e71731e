package mysqldump_test

import (
	"bytes"
	"context"
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

// benchFolder writes the people of benchDump and their orders as a folder, and says how long the texts of its rows are.
func benchFolder(b *testing.B, form string) (path string, size int) {
	path = filepath.Join(b.TempDir(), "dump")
	require.NoError(b, os.Mkdir(path, 0o700))
	put := func(name string, text []byte) {
		require.NoError(b, os.WriteFile(filepath.Join(path, name), connectortest.Pack(b, name, text), 0o600))
	}
	whole := string(benchDump(100_000, "\n"))
	packed := map[string]string{"mydumper.gz": ".gz", "mydumper.zst": ".zst"}[form]
	if form != "tab" {
		put("crm-schema-create.sql"+packed, []byte("CREATE DATABASE `crm`;\n"))
		put("metadata", []byte("# Started dump at: 2026-01-01 00:00:00\n# Finished dump at: 2026-01-01 00:00:01\n"))
	}
	for _, table := range []string{"people", "orders"} {
		from := strings.Index(whole, "CREATE TABLE `"+table)
		create, rest, _ := strings.Cut(whole[from:], ";\n")
		rows := rest
		if end := strings.Index(rest, "CREATE TABLE"); end > 0 {
			rows = rest[:end]
		}
		rows, _, _ = strings.Cut(rows, "-- Dump completed")
		if form != "tab" {
			put("crm."+table+"-schema.sql"+packed, []byte(mydumperHeader+create+";\n"))
			for i, chunk := range strings.SplitAfter(rows, ";\n") {
				if chunk != "" {
					put(fmt.Sprintf("crm.%s.%05d.sql%s", table, i, packed), []byte(mydumperHeader+chunk))
					size += len(chunk)
				}
			}
			continue
		}
		var text bytes.Buffer
		for line := range strings.Lines(rows) {
			if tuple, ok := strings.CutPrefix(line, "("); ok {
				tuple = tuple[:strings.LastIndexByte(tuple, ')')]
				tuple = strings.NewReplacer("','", "\t", ",'", "\t", "',", "\t", `\'`, "'", `\"`, `"`, "'", "").Replace(tuple)
				if table == "orders" {
					tuple = strings.Replace(tuple, ",", "\t", 1)
				} else { // between the balance and the mark
					at := strings.LastIndex(tuple[:strings.LastIndexByte(tuple, '\t')], ",")
					tuple = tuple[:at] + "\t" + tuple[at+1:]
				}
				text.WriteString(tuple + "\n")
			}
		}
		put(table+".sql", []byte(header+create+";\n-- Dump completed\n"))
		put(table+".txt", text.Bytes())
		size += text.Len()
	}
	return path, size
}

// BenchmarkFolder scans and rewrites folders as BenchmarkScan and BenchmarkRewrite do files.
func BenchmarkFolder(b *testing.B) {
	for _, form := range []string{"tab", "mydumper", "mydumper.gz", "mydumper.zst"} {
		path, size := benchFolder(b, form)
		open := func() connectors.Source {
			src, err := mysqldump.Open(context.Background(), connectors.Options{DSN: path, Rewrite: true})
			require.NoError(b, err)
			_, err = src.Tables(context.Background())
			require.NoError(b, err)
			return src
		}
		b.Run(form+"/scan", func(b *testing.B) {
			src := open()
			connectortest.PerCPU(b, size, nil, func() {
				for _, err := range src.Scan(b.Context(), connectors.Query{Table: "people"}, connectors.Query{Table: "orders"}) {
					require.NoError(b, err)
				}
			})
		})
		b.Run(form+"/rewrite", func(b *testing.B) {
			original := b.TempDir()
			require.NoError(b, os.CopyFS(original, os.DirFS(path)))
			var src connectors.Source
			connectortest.PerCPU(b, size, func() {
				require.NoError(b, os.RemoveAll(path))
				require.NoError(b, os.CopyFS(path, os.DirFS(original)))
				src = open()
			}, func() {
				_, err := src.(connectors.Rewriter).Rewrite(context.Background(), []connectors.Query{
					{Table: "people", Fields: []string{"id", "first_name", "last_name", "email", "phone"}},
					{Table: "orders", Fields: []string{"person_id"}},
				}, hashPeople(), func(connectors.Source) error { return nil })
				require.NoError(b, err)
			})
		})
	}
}
