package mysql_test

import (
	"database/sql"
	"fmt"
	"strconv"
	"testing"
	"time"

	driver "github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/connectortest"
	"lethe/connectors/mysql"
	"lethe/fixtures/servers"
)

const benchRows = 200_000

// benchDatabase holds a table of people with 12 fields, 3 of them numbers.
func benchDatabase(b *testing.B) *servers.Database {
	db := servers.MariaDB(b).Database(b)
	db.Exec(b,
		fmt.Sprintf(
			`CREATE TABLE person (id int PRIMARY KEY AUTO_INCREMENT, email varchar(80), first varchar(40),
				last varchar(40), street varchar(80), city varchar(40),
		postcode varchar(10), phone varchar(20), born date, created datetime, logins int, balance decimal(12,2));
		INSERT INTO person SELECT seq, CONCAT('person', seq, '@example.com'), ELT(1 + seq %% 4, 'Ann', 'Zoë',
			'Bartłomiej', 'Giuseppe'), CONCAT('Surname', seq %% 5000), CONCAT(seq %% 200, ' Long Street of the City'),
		ELT(1 + seq %% 3, 'Roma', 'Kraków', 'Göteborg'), LPAD(seq %% 100000, 5, '0'), CONCAT('+39 06 ', LPAD(seq, 8,
			'0')), DATE_ADD('1950-01-01', INTERVAL seq %% 20000 DAY), '2024-02-29 12:34:56', seq %% 1000, seq / 7
		FROM seq_1_to_%d;`, benchRows))
	return db
}

// perCPU runs a reader that returns the rows and bytes it read, and reports them per second of this
// process's own processor time; the server's is not in it.
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

// BenchmarkRead compares a scan with the bare driver, both over a socket: database/sql with RawBytes, one
// statement.
func BenchmarkRead(b *testing.B) {
	db := benchDatabase(b)
	dsn := "root:" + db.Server.Password + "@unix(" + db.Server.Socket + ")/" + db.Name
	b.Run("scan", func(b *testing.B) {
		src, err := mysql.Connector.Open(b.Context(), connectors.Options{Name: "crm", DSN: dsn})
		require.NoError(b, err)
		defer func() { require.NoError(b, src.Close()) }()
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
	b.Run("driver", func(b *testing.B) {
		cfg, err := driver.ParseDSN(dsn)
		require.NoError(b, err)
		connector, err := driver.NewConnector(cfg)
		require.NoError(b, err)
		bare := sql.OpenDB(connector)
		defer func() { require.NoError(b, bare.Close()) }()
		perCPU(b, func() (rows, bytes int) {
			result, err := bare.QueryContext(b.Context(), "SELECT * FROM person")
			require.NoError(b, err)
			values, into := make([]sql.RawBytes, 12), make([]any, 12)
			for i := range values {
				into[i] = &values[i]
			}
			for result.Next() {
				if err := result.Scan(into...); err != nil {
					b.Fatal(err)
				}
				rows++
				for _, v := range values {
					bytes += len(v)
				}
			}
			require.NoError(b, result.Err())
			require.NoError(b, result.Close())
			return rows, bytes
		})
	})
}

// BenchmarkMutate deletes a third of the rows and changes a third to values of their own, in transactions
// of 1,000 rows.
func BenchmarkMutate(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		db := benchDatabase(b)
		src, err := mysql.Connector.Open(b.Context(), connectors.Options{Name: "crm", DSN: db.DSN(),
			ApplyDSN: db.DSN()})
		require.NoError(b, err)
		start := connectortest.CPU(b)
		b.StartTimer()
		for first := 1; first <= benchRows; first += 1000 {
			k := &connectors.Keys{Fields: []string{"id"}}
			for id := first; id < first+1000; id++ {
				k.Tuples = append(k.Tuples, connectors.MakeKey(strconv.AppendInt(nil, int64(id), 10)))
			}
			_, err := src.(connectors.Mutator).Mutate(b.Context(), []connectors.Query{{Table: "person", Keys: k}},
				thirds, confirmed)
			require.NoError(b, err)
		}
		b.StopTimer()
		b.ReportMetric(float64(benchRows)/(connectortest.CPU(b)-start).Seconds(), "rows/cpu-s")
		require.Equal(b, strconv.Itoa(benchRows-benchRows/1000*333), db.Query(b, "SELECT COUNT(*) FROM person"))
		require.NoError(b, src.Close())
		b.StartTimer()
	}
}

func thirds(batch connectors.Batch) (connectors.Edit, error) {
	n := int(batch.Rows.NumRows())
	edit := connectors.Edit{Ops: make([]connectors.Op, n),
		Set: []connectors.Assignment{{Field: "email", Rows: make([]bool, n)}, {Field: "street", Rows: make([]bool, n)}}}
	var email, street connectors.Column
	for i := range n {
		edit.Ops[i] = []connectors.Op{connectors.Leave, connectors.Update, connectors.Delete}[i%3]
		edit.Set[0].Rows[i], edit.Set[1].Rows[i] = i%3 == 1, i%3 == 1
		email.Append(strconv.AppendInt([]byte("hash"), int64(i), 10))
		street.AppendNull()
	}
	edit.Set[0].Values, edit.Set[1].Values = email.Array(), street.Array()
	return edit, nil
}

// BenchmarkWriteCopy adds 100,000 rows to a copy of a table, in transactions of 10,000, then changes them all.
func BenchmarkWriteCopy(b *testing.B) {
	const all, page = 100_000, 10_000
	db := servers.MariaDB(b).Database(b)
	db.Exec(b, "CREATE TABLE person (id bigint unsigned PRIMARY KEY AUTO_INCREMENT)")
	src, err := mysql.Connector.Open(b.Context(), connectors.Options{Name: "crm", DSN: db.DSN(), ApplyDSN: db.DSN()})
	require.NoError(b, err)
	defer func() { require.NoError(b, src.Close()) }()
	keeper := src.(connectors.CopyKeeper)
	tables, err := src.Tables(b.Context())
	require.NoError(b, err)
	var used time.Duration
	for b.Loop() {
		b.StopTimer()
		require.NoError(b, keeper.DropCopy(b.Context(), "lethe_crm_person"))
		made, err := keeper.EnsureCopy(b.Context(), connectortest.BenchCopy(tables[0]))
		require.NoError(b, err)
		start := connectortest.CPU(b)
		b.StartTimer()
		connectortest.FillCopy(b, keeper, made, all, page)
		b.StopTimer()
		used += connectortest.CPU(b) - start
		require.Equal(b, strconv.Itoa(all),
			db.Query(b, "SELECT COUNT(*) FROM lethe_crm_person WHERE status = 'blocked'"))
		b.StartTimer()
	}
	b.ReportMetric(float64(2*all*b.N)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(2*all*b.N)/used.Seconds(), "rows/cpu-s")
}
