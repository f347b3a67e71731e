package postgres_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/conformance"
	"lethe/connectors/connectortest"
	"lethe/connectors/postgres"
	"lethe/fixtures/servers"
)

var dialect = connectortest.Dialect{Quote: '"'}

func TestConformance(t *testing.T) {
	t.Parallel()
	src := opened(t, database(t))
	for _, promised := range []any{(*connectors.Mutator)(nil), (*connectors.CopyKeeper)(nil), (*connectors.Foreseer)(nil),
		(*connectors.Placed)(nil), (*connectors.Viewer)(nil), (*connectors.Partial)(nil), (*connectors.Clocked)(nil), (*connectors.Zoner)(nil)} {
		require.Implements(t, promised, src)
	}
	connectortest.RunGround(t, "postgres", func(t *testing.T) *conformance.Ground {
		g, err := postgres.Ground(t.Context(), connectors.Options{Name: "crm", DSN: servers.Postgres(t).DSN("postgres")})
		require.NoError(t, err)
		return g
	})
}

// readView reads a view as an application does, whose session is in another zone.
func readView(t *testing.T, dsn, name string) (fields []string, values [][]any) {
	conn, err := pgconn.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(t.Context())) }()
	require.NoError(t, conn.Exec(t.Context(), "SET timezone = 'Pacific/Auckland'").Close())
	rows := conn.ExecParams(t.Context(), "SELECT * FROM "+dialect.Name(name), nil, nil, nil, nil)
	for rows.NextRow() {
		row := make([]any, len(rows.Values()))
		for i, v := range rows.Values() {
			if v != nil {
				row[i] = string(v)
			}
		}
		values = append(values, row)
	}
	for _, f := range rows.FieldDescriptions() {
		fields = append(fields, f.Name)
	}
	_, err = rows.Close()
	require.NoError(t, err)
	return fields, values
}

// database makes a database and runs statements in it.
func database(t testing.TB, statements ...string) *servers.Database {
	db := servers.Postgres(t).Database(t)
	db.Exec(t, strings.Join(statements, ";\n")+";")
	return db
}

func open(t testing.TB, dsn, applyDSN string) connectors.Source {
	src, err := postgres.Connector.Open(t.Context(), connectors.Options{Name: "crm", DSN: dsn, ApplyDSN: applyDSN})
	require.NoError(t, err)
	return src
}

// opened is open, with both rights, for the length of the test.
func opened(t testing.TB, db *servers.Database) connectors.Source {
	src := open(t, db.DSN(), db.DSN())
	t.Cleanup(func() { require.NoError(t, src.Close()) })
	return src
}

func catalog(t *testing.T, src connectors.Source) map[string]connectors.Table {
	tables, err := src.Tables(t.Context())
	require.NoError(t, err)
	byName := map[string]connectors.Table{}
	for _, table := range tables {
		byName[table.Name] = table
	}
	return byName
}

// read scans and returns the rows, values joined by '|' and NULL as '-', with the cursor of each batch. It fails on a scan
// that does not end.
func read(t *testing.T, src connectors.Source, q connectors.Query) (rows []string, cursors []connectors.Cursor) {
	for b, err := range src.Scan(t.Context(), q) {
		require.NoError(t, err)
		rows = append(rows, texts(b)...)
		cursors = append(cursors, b.Next)
		require.Less(t, len(cursors), 10_000)
	}
	return rows, cursors
}

func texts(b connectors.Batch) []string {
	var rows []string
	for r := range int(b.Rows.NumRows()) {
		var values []string
		for c := range int(b.Rows.NumCols()) {
			if col := b.Rows.Column(c).(*array.Binary); col.IsNull(r) {
				values = append(values, "-")
			} else {
				values = append(values, string(col.Value(r)))
			}
		}
		rows = append(rows, strings.Join(values, "|"))
	}
	return rows
}

func scanError(t *testing.T, src connectors.Source, q connectors.Query) error {
	for _, err := range src.Scan(t.Context(), q) {
		if err != nil {
			return err
		}
	}
	return nil
}

func keys(field string, values ...string) *connectors.Keys {
	k := &connectors.Keys{Fields: []string{field}}
	for _, v := range values {
		k.Tuples = append(k.Tuples, connectors.MakeKey([]byte(v)))
	}
	return k
}

func deleteAll(b connectors.Batch) (connectors.Edit, error) {
	return connectors.Edit{Ops: slices.Repeat([]connectors.Op{connectors.Delete}, int(b.Rows.NumRows()))}, nil
}

// setAll sets one field of all rows to a value.
func setAll(field, value string) connectors.EditFunc {
	return func(b connectors.Batch) (connectors.Edit, error) {
		n := int(b.Rows.NumRows())
		var col connectors.Column
		for range n {
			col.Append([]byte(value))
		}
		return connectors.Edit{
			Ops: slices.Repeat([]connectors.Op{connectors.Update}, n),
			Set: []connectors.Assignment{{Field: field, Rows: slices.Repeat([]bool{true}, n), Values: col.Array()}},
		}, nil
	}
}

func confirmed() error { return nil }

func mutate(t *testing.T, src connectors.Source, q connectors.Query, edit connectors.EditFunc) ([]connectors.Outcome, error) {
	return src.(connectors.Mutator).Mutate(t.Context(), []connectors.Query{q}, edit, confirmed)
}

func atoi(t *testing.T, s string) int {
	n, err := strconv.Atoi(s)
	require.NoError(t, err)
	return n
}
