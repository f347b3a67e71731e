package pgdump_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/connectortest"
	"lethe/connectors/pgdump"
)

// benchDump writes people and their orders, four orders a person, with COPY or with INSERTs of so many rows.
func benchDump(people, perInsert int) []byte {
	var b bytes.Buffer
	b.WriteString(header + "CREATE TABLE public.people (id integer NOT NULL, first_name character varying(60) NOT " +
		"NULL, last_name character varying(60), email text, phone text, street text,\n" +
		"city text, born date, created timestamp without time zone, balance numeric(10,2), active boolean, " +
		"note text);\n" +
		"CREATE TABLE public.orders (id integer NOT NULL, person_id integer NOT NULL, placed timestamp with time " +
		"zone, total numeric(10,2), status character varying(20));\n")
	rows := func(table string, n int, copied, inserted func(i int)) {
		if perInsert == 0 {
			b.WriteString("COPY public." + table + " FROM stdin;\n")
		}
		for i := range n {
			switch {
			case perInsert == 0:
				copied(i)
				continue
			case i%perInsert == 0:
				b.WriteString("INSERT INTO public." + table + " VALUES ")
			}
			inserted(i)
			if (i+1)%perInsert == 0 || i == n-1 {
				b.WriteString(";\n")
			} else {
				b.WriteString(",\n\t")
			}
		}
		if perInsert == 0 {
			b.WriteString("\\.\n\n")
		}
	}
	rows("people", people, func(i int) {
		fmt.Fprintf(&b, "%d\tMarie%d\tO'Neill\tmarie.oneill%d@example.com\t+39 02 555 %05d\tVia Garibaldi "+
			"%d\tMilano\t19%02d-05-17\t2024-03-%02d 10:11:12\t%d.50\tt\tA longer note about person %d; it has "+
			"(parentheses), commas and \"quotes\".\n",
			i, i, i, i%100000, i%300, i%100, i%28+1, i%1000, i)
	}, func(i int) {
		fmt.Fprintf(&b, "(%d, 'Marie%d', 'O''Neill', 'marie.oneill%d@example.com', '+39 02 555 %05d', 'Via Garibaldi "+
			"%d', 'Milano', '19%02d-05-17', '2024-03-%02d 10:11:12', %d.50, true, 'A longer note about person %d; it "+
			"has (parentheses), commas and \"quotes\".')",
			i, i, i, i%100000, i%300, i%100, i%28+1, i%1000, i)
	})
	rows("orders", 4*people, func(i int) {
		fmt.Fprintf(&b, "%d\t%d\t2024-05-%02d 01:02:03+02\t%d.99\tdelivered\n", i, i/4, i%28+1, i%500)
	}, func(i int) {
		fmt.Fprintf(&b, "(%d, %d, '2024-05-%02d 01:02:03+02', %d.99, 'delivered')", i, i/4, i%28+1, i%500)
	})
	b.WriteString(trailer)
	return b.Bytes()
}

// archiveFormats are the formats of the archives among the benchmarks.
var archiveFormats = map[string]string{"custom.dump": "c", "folder": "d", "tar": "t"}

// BenchmarkRewrite deletes 30 % of the people with their orders and gives the others a new email. The figure includes
// the reading back and the checksums; the catalog is known from the scan that decides.
func BenchmarkRewrite(b *testing.B) {
	var emails connectors.Column
	edit := func(batch connectors.Batch) (connectors.Edit, error) {
		n := int(batch.Rows.NumRows())
		edit := connectors.Edit{Ops: make([]connectors.Op, n)}
		id, update := batch.Rows.Column(0).(*array.Binary), make([]bool, n)
		emails.Reset()
		for i := range n {
			v := id.Value(i)
			if v[len(v)-1]%10 < 3 {
				edit.Ops[i] = connectors.Delete
			} else if batch.Table == "people" {
				edit.Ops[i], update[i] = connectors.Update, true
			}
			emails.Append([]byte("someone@example.org"))
		}
		if batch.Table == "people" {
			edit.Set = []connectors.Assignment{{Field: "email", Rows: update, Values: emails.Array()}}
		}
		return edit, nil
	}
	for _, bc := range []struct {
		name      string
		perInsert int
	}{{"copy.sql", 0}, {"inserts.sql", 1}, {"rows.sql", 1000}, {"copy.sql.gz", 0}, {"copy.sql.zst", 0}, {"custom.dump", 0},
		{"folder", 0}, {"tar", 0}} {
		text := benchDump(100_000, bc.perInsert)
		path := filepath.Join(b.TempDir(), bc.name)
		packed := connectortest.Pack(b, path, text)
		b.Run(bc.name, func(b *testing.B) {
			var src connectors.Source
			connectortest.PerCPU(b, len(text), func() {
				var err error
				if format := archiveFormats[bc.name]; format != "" {
					put(b, path, string(text), format)
				} else {
					require.NoError(b, os.WriteFile(path, packed, 0o600))
				}
				src, err = pgdump.Open(b.Context(), connectors.Options{DSN: path, Rewrite: true})
				require.NoError(b, err)
				_, err = src.Tables(b.Context())
				require.NoError(b, err)
			}, func() {
				_, err := src.(connectors.Rewriter).Rewrite(b.Context(), []connectors.Query{
					{Table: "people", Fields: []string{"id"}}, {Table: "orders", Fields: []string{"person_id"}}},
					edit, fine)
				require.NoError(b, err)
			})
		})
	}
}

func BenchmarkScan(b *testing.B) {
	for _, bc := range []struct {
		name      string
		perInsert int
	}{{"copy.sql", 0}, {"inserts.sql", 1}, {"rows.sql", 1000}, {"copy.sql.gz", 0}, {"copy.sql.zst", 0}} {
		text := benchDump(100_000, bc.perInsert)
		path := filepath.Join(b.TempDir(), bc.name)
		require.NoError(b, os.WriteFile(path, connectortest.Pack(b, path, text), 0o600))
		src, err := pgdump.Open(b.Context(), connectors.Options{DSN: path})
		require.NoError(b, err)
		b.Run("catalog/"+bc.name, func(b *testing.B) {
			connectortest.PerCPU(b, len(text), nil, func() {
				fresh, err := pgdump.Open(b.Context(), connectors.Options{DSN: path})
				require.NoError(b, err)
				_, err = fresh.Tables(b.Context())
				require.NoError(b, err)
			})
		})
		_, err = src.Tables(b.Context())
		require.NoError(b, err)
		for name, queries := range map[string][]connectors.Query{
			"all": {{Table: "people"}, {Table: "orders"}},
			"keys": {{Table: "people", Fields: []string{"id"}},
				{Table: "orders", Fields: []string{"id", "person_id"}}},
			"people": {{Table: "people"}},
		} {
			b.Run(name+"/"+bc.name, func(b *testing.B) {
				connectortest.PerCPU(b, len(text), nil, func() {
					for _, err := range src.Scan(b.Context(), queries...) {
						require.NoError(b, err)
					}
				})
			})
		}
	}
}
