package sqlite

import (
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/connectortest"
)

const benchRows = 200_000

// people makes a table of 12 fields, about 130 bytes a row.
func people(b *testing.B) string {
	path := b.TempDir() + "/people.db"
	c, err := sqlite3.Open(path)
	require.NoError(b, err)
	require.NoError(b,
		c.Exec(
			`CREATE TABLE people (id INTEGER PRIMARY KEY, first TEXT, last TEXT, email TEXT, phone TEXT,
				street TEXT, city TEXT, postcode TEXT, born DATE, created DATETIME, visits INT,
				balance NUMERIC(10,2));
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)
		INSERT INTO people SELECT i, 'First' || (i % 999), 'Lastname' || (i % 7919),
			'person' || i || '@example.com', '+39 02 ' || (1000000 + i), 'Via Garibaldi ' || (i % 300),
			'Milano', 20100 + i % 99, '1970-01-' || (10 + i % 20), '2024-03-01 12:00:' || (10 + i % 50), i % 40,
				i % 10000 / 100.0 FROM n`))
	require.NoError(b, c.Close())
	return path
}

// measure reports rows and megabytes of values per CPU-second of this process.
func measure(b *testing.B, read func() (rows, bytes int)) {
	before := connectortest.CPU(b)
	rows, bytes := 0, 0
	for b.Loop() {
		r, n := read()
		rows, bytes = rows+r, bytes+n
	}
	seconds := (connectortest.CPU(b) - before).Seconds()
	require.Equal(b, benchRows*b.N, rows)
	b.ReportMetric(float64(rows)/seconds, "rows/cpu-s")
	b.ReportMetric(float64(bytes)/1e6/seconds, "MB/cpu-s")
}

func BenchmarkScan(b *testing.B) {
	src, err := Open(b.Context(), connectors.Options{DSN: people(b)})
	require.NoError(b, err)
	defer src.Close()
	measure(b, func() (rows, bytes int) {
		for batch, err := range src.Scan(b.Context(), connectors.Query{Table: "people"}) {
			require.NoError(b, err)
			rows += int(batch.Rows.NumRows())
			for _, col := range batch.Rows.Columns() {
				bytes += len(col.Data().Buffers()[2].Bytes())
			}
		}
		return rows, bytes
	})
}

// BenchmarkDriver is the yardstick: the bare driver in one statement, each value as text.
func BenchmarkDriver(b *testing.B) {
	c, err := sqlite3.OpenFlags(people(b), sqlite3.OPEN_READONLY)
	require.NoError(b, err)
	defer c.Close()
	measure(b, func() (rows, bytes int) {
		stmt, _, err := c.Prepare("SELECT * FROM people")
		require.NoError(b, err)
		for n := stmt.ColumnCount(); stmt.Step(); rows++ {
			for i := range n {
				bytes += len(stmt.ColumnRawText(i))
			}
		}
		require.NoError(b, stmt.Close())
		return rows, bytes
	})
}

// BenchmarkWriteCopy adds 100,000 rows to a copy of a table, in transactions of 10,000, then changes them all.
func BenchmarkWriteCopy(b *testing.B) {
	const all, page = 100_000, 10_000
	path := people(b)
	src, err := Open(b.Context(), connectors.Options{DSN: path, ApplyDSN: path})
	require.NoError(b, err)
	defer src.Close()
	keeper := src.(connectors.CopyKeeper)
	tables, err := src.Tables(b.Context())
	require.NoError(b, err)
	c := connectortest.BenchCopy(tables[0])
	var used time.Duration
	for b.Loop() {
		b.StopTimer()
		require.NoError(b, keeper.DropCopy(b.Context(), c.Name))
		made, err := keeper.EnsureCopy(b.Context(), c)
		require.NoError(b, err)
		start := connectortest.CPU(b)
		b.StartTimer()
		connectortest.FillCopy(b, keeper, made, all, page)
		b.StopTimer()
		used += connectortest.CPU(b) - start
		b.StartTimer()
	}
	b.ReportMetric(float64(2*all*b.N)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(2*all*b.N)/used.Seconds(), "rows/cpu-s")
}
