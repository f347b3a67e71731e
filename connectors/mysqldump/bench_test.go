package mysqldump_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/connectortest"
	"lethe/connectors/mysqldump"
)

// benchDump writes people and their orders, four orders a person, in MariaDB's layout (a row a line) or
// MySQL's (an INSERT a line).
func benchDump(people int, newline string) []byte {
	var b bytes.Buffer
	b.WriteString(header)
	b.WriteString("CREATE TABLE `people` (`id` int NOT NULL, `first_name` varchar(60) NOT NULL, `last_name` " +
		"varchar(60), `email` varchar(80), `phone` varchar(80), `street` varchar(80),\n" +
		"`city` varchar(40), `born` date, `created` datetime, `balance` decimal(10,2), `active` tinyint(1), `note` " +
		"text, PRIMARY KEY (`id`));\n")
	rows(&b, "people", people, newline, func(i int) {
		fmt.Fprintf(&b, "(%d,'Marie%d','O\\'Neill','marie.oneill%d@example.com','+39 02 555 %05d','Via Garibaldi "+
			"%d','Milano','19%02d-05-17','2024-03-%02d 10:11:12',%d.50,1,"+
			"'A longer note about person %d; it has (parentheses), commas and \\\"quotes\\\".')", i, i, i, i%100000,
			i%300, i%100, i%28+1, i%1000, i)
	})
	b.WriteString("CREATE TABLE `orders` (`id` int NOT NULL, `person_id` int NOT NULL, `placed` datetime, `total` " +
		"decimal(10,2), `status` varchar(20), PRIMARY KEY (`id`),\n" +
		"CONSTRAINT `o1` FOREIGN KEY (`person_id`) REFERENCES `people` (`id`));\n")
	rows(&b, "orders", 4*people, newline, func(i int) {
		fmt.Fprintf(&b, "(%d,%d,'2024-05-%02d 01:02:03',%d.99,'delivered')", i, i/4, i%28+1, i%500)
	})
	b.WriteString("-- Dump completed on 2026-01-01  0:00:00\n")
	return b.Bytes()
}

func rows(b *bytes.Buffer, table string, n int, newline string, row func(i int)) {
	for i := range n {
		switch {
		case i%5000 == 0 && i > 0:
			b.WriteString(";\nINSERT INTO `" + table + "` VALUES" + newline)
		case i == 0:
			b.WriteString("INSERT INTO `" + table + "` VALUES" + newline)
		default:
			b.WriteString("," + newline)
		}
		row(i)
	}
	b.WriteString(";\n")
}

func benchFile(b *testing.B, name, newline string) (path string, size int) {
	text := benchDump(100_000, newline)
	path = filepath.Join(b.TempDir(), name)
	require.NoError(b, os.WriteFile(path, connectortest.Pack(b, path, text), 0o600))
	return path, len(text)
}

func BenchmarkScan(b *testing.B) {
	for _, bc := range []struct{ name, newline string }{{"rows.sql", "\n"}, {"lines.sql", " "}, {"rows.sql.gz", "\n"},
		{"rows.sql.zst", "\n"}} {
		path, size := benchFile(b, bc.name, bc.newline)
		src, err := mysqldump.Open(b.Context(), connectors.Options{DSN: path})
		require.NoError(b, err)
		_, err = src.Tables(b.Context())
		require.NoError(b, err)
		for name, queries := range map[string][]connectors.Query{
			"all": {{Table: "people"}, {Table: "orders"}},
			"keys": {{Table: "people", Fields: []string{"id"}},
				{Table: "orders", Fields: []string{"id", "person_id"}}},
			"people": {{Table: "people"}},
		} {
			b.Run(bc.name+"/"+name, func(b *testing.B) {
				connectortest.PerCPU(b, size, nil, func() {
					for _, err := range src.Scan(b.Context(), queries...) {
						require.NoError(b, err)
					}
				})
			})
		}
	}
}

func BenchmarkTables(b *testing.B) {
	path, size := benchFile(b, "rows.sql", "\n")
	connectortest.PerCPU(b, size, nil, func() {
		src, err := mysqldump.Open(b.Context(), connectors.Options{DSN: path})
		require.NoError(b, err)
		_, err = src.Tables(b.Context())
		require.NoError(b, err)
	})
}

// BenchmarkRewrite drops 30 % of the people with their orders and replaces four fields of the others by
// keyed hashes. The figure includes the reading back and the checksums; the catalog is known from the scan
// that decides.
func BenchmarkRewrite(b *testing.B) {
	for _, name := range []string{"rows.sql", "rows.sql.gz", "rows.sql.zst"} {
		path, size := benchFile(b, name, "\n")
		original, err := os.ReadFile(path)
		require.NoError(b, err)
		b.Run(name, func(b *testing.B) {
			var src connectors.Source
			connectortest.PerCPU(b, size, func() {
				require.NoError(b, os.WriteFile(path, original, 0o600))
				src, err = mysqldump.Open(context.Background(), connectors.Options{DSN: path, Rewrite: true})
				require.NoError(b, err)
				_, err = src.Tables(context.Background())
				require.NoError(b, err)
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

func hashPeople() connectors.EditFunc {
	mac := hmac.New(sha256.New, []byte("key"))
	columns := make([]connectors.Column, 4)
	return func(batch connectors.Batch) (connectors.Edit, error) {
		n := int(batch.Rows.NumRows())
		edit := connectors.Edit{Ops: make([]connectors.Op, n)}
		id := batch.Rows.Column(0).(*array.Binary)
		update := make([]bool, n)
		for i := range n {
			v := id.Value(i)
			switch {
			case v[len(v)-1]%10 < 3:
				edit.Ops[i] = connectors.Delete
			case batch.Table == "people":
				edit.Ops[i], update[i] = connectors.Update, true
			}
		}
		if batch.Table != "people" {
			return edit, nil
		}
		var sum [32]byte
		var text [64]byte
		for c := range columns {
			columns[c].Reset()
			col := batch.Rows.Column(c + 1).(*array.Binary)
			for i := range n {
				if !update[i] {
					columns[c].AppendNull()
					continue
				}
				mac.Reset()
				mac.Write(col.Value(i))
				hex.Encode(text[:], mac.Sum(sum[:0]))
				columns[c].Append(text[:24])
			}
			edit.Set = append(edit.Set, connectors.Assignment{Field: batch.Rows.ColumnName(c + 1), Rows: update,
				Values: columns[c].Array()})
		}
		return edit, nil
	}
}

// BenchmarkYardstick looks at every byte once, through a table: what the machine can do at the moment.
func BenchmarkYardstick(b *testing.B) {
	text := benchDump(20_000, "\n")
	var class [256]byte
	class['\''], class['('], class[')'], class[','], class[';'] = 1, 1, 1, 1, 1
	found := 0
	connectortest.PerCPU(b, len(text), nil, func() {
		for _, c := range text {
			found += int(class[c])
		}
	})
	require.Positive(b, found)
}
