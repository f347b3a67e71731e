package postgres_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/connectortest"
	"lethe/connectors/postgres"
	"lethe/fixtures/servers"
)

const benchRows = 200_000

// benchDatabase holds a table of people with 12 fields, 3 of them numbers.
func benchDatabase(b *testing.B) *servers.Database {
	return database(b, fmt.Sprintf(`CREATE TABLE person (id int PRIMARY KEY, email varchar(80), first varchar(40),
			last varchar(40), street varchar(80), city varchar(40),
		postcode varchar(10), phone varchar(20), born date, created timestamp, logins int, balance decimal(12,2));
		INSERT INTO person SELECT seq, 'person' || seq || '@example.com', (ARRAY['Ann', 'Zoë',
			'Bartłomiej', 'Giuseppe'])[1 + seq %% 4], 'Surname' || seq %% 5000, seq %% 200 || ' Long Street of the City',
		(ARRAY['Roma', 'Kraków', 'Göteborg'])[1 + seq %% 3], lpad((seq %% 100000)::text, 5, '0'), '+39 06 ' || lpad(seq::text, 8,
			'0'), date '1950-01-01' + seq %% 20000, '2024-02-29 12:34:56', seq %% 1000, seq / 7.0
		FROM generate_series(1, %d) seq; VACUUM ANALYZE person`, benchRows))
}

// perCPU runs a reader that returns the rows and bytes it read, and reports them per second of this process's own
// processor time; the server's is not in it.
func perCPU(b *testing.B, read func() (rows, bytes int)) {
	var rows, bytes int
	b.ReportAllocs()
	start := connectortest.CPU(b)
	for b.Loop() {
		r, n := read()
		require.Equal(b, benchRows, r)
		rows, bytes = rows+r, bytes+n
	}
	used := (connectortest.CPU(b) - start).Seconds()
	b.ReportMetric(float64(rows)/used, "rows/cpu-s")
	b.ReportMetric(float64(bytes)/1e6/used, "MB/cpu-s")
}

// BenchmarkRead compares a scan with the bare driver, pgx with the values as the server sends them and pgconn with texts.
func BenchmarkRead(b *testing.B) {
	db := benchDatabase(b)
	b.Run("scan", func(b *testing.B) {
		src := opened(b, db)
		perCPU(b, func() (rows, bytes int) {
			for batch, err := range src.Scan(b.Context(), connectors.Query{Table: "person"}) {
				require.NoError(b, err)
				rows += int(batch.Rows.NumRows())
				for _, c := range batch.Rows.Columns() {
					bytes += c.Data().Buffers()[2].Len()
				}
			}
			return rows, bytes
		})
	})
	b.Run("pgx", func(b *testing.B) {
		conn, err := pgx.Connect(b.Context(), db.DSN())
		require.NoError(b, err)
		defer func() { require.NoError(b, conn.Close(b.Context())) }()
		perCPU(b, func() (rows, bytes int) {
			found, err := conn.Query(b.Context(), "SELECT * FROM person ORDER BY id")
			require.NoError(b, err)
			for found.Next() {
				rows++
				for _, v := range found.RawValues() {
					bytes += len(v)
				}
			}
			require.NoError(b, found.Err())
			return rows, bytes
		})
	})
	b.Run("pgconn", func(b *testing.B) {
		conn, err := pgconn.Connect(b.Context(), db.DSN())
		require.NoError(b, err)
		defer func() { require.NoError(b, conn.Close(b.Context())) }()
		perCPU(b, func() (rows, bytes int) {
			found := conn.ExecParams(b.Context(), "SELECT * FROM person ORDER BY id", nil, nil, nil, nil)
			for found.NextRow() {
				rows++
				for _, v := range found.Values() {
					bytes += len(v)
				}
			}
			_, err := found.Close()
			require.NoError(b, err)
			return rows, bytes
		})
	})
}

// BenchmarkDelete deletes three of ten rows, in transactions of 10,000 that are asked for, beside one DELETE. The ratio is
// that of the processor time of client and server together to the server's for the one.
func BenchmarkDelete(b *testing.B) {
	var one, all time.Duration
	b.Run("one DELETE", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			db := benchDatabase(b)
			db.Exec(b, "CHECKPOINT")
			before := db.Server.CPU(b)
			b.StartTimer()
			db.Exec(b, "DELETE FROM person WHERE id % 10 < 3")
			b.StopTimer()
			one = db.Server.CPU(b) - before
			b.ReportMetric(one.Seconds(), "cpu-s")
			b.StartTimer()
		}
	})
	b.Run("mutate", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			db := benchDatabase(b)
			db.Exec(b, "CHECKPOINT")
			src, err := postgres.Connector.Open(b.Context(), connectors.Options{Name: "crm", DSN: db.DSN(), ApplyDSN: db.DSN()})
			require.NoError(b, err)
			start, before := connectortest.CPU(b), db.Server.CPU(b)
			b.StartTimer()
			for first := 1; first <= benchRows; first += 10_000 {
				k := &connectors.Keys{Fields: []string{"id"}}
				for id := first; id < first+10_000; id++ {
					if id%10 < 3 {
						k.Tuples = append(k.Tuples, connectors.MakeKey(strconv.AppendInt(nil, int64(id), 10)))
					}
				}
				_, err := src.(connectors.Mutator).Mutate(b.Context(), []connectors.Query{{Table: "person", Keys: k}}, deleteAll, confirmed)
				require.NoError(b, err)
			}
			b.StopTimer()
			client := connectortest.CPU(b) - start
			require.NoError(b, src.Close())
			all = client + db.Server.CPU(b) - before
			b.ReportMetric(client.Seconds(), "client-cpu-s")
			b.ReportMetric(all.Seconds(), "cpu-s")
			b.ReportMetric(all.Seconds()/one.Seconds(), "of-one-DELETE")
			b.StartTimer()
		}
	})
}
