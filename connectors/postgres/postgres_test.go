package postgres_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"lethe/connectors"
	"lethe/connectors/connectortest"
	"lethe/connectors/postgres"
	"lethe/fixtures/servers"
)

var dialect = connectortest.Dialect{Quote: '"'}

// types are those of the suite, as this engine calls them.
var types = map[string]string{"double": "double precision", "datetime": "timestamp", "longblob": "bytea",
	"bigint unsigned": "bigint", "timestamp": "timestamptz"}

var binary = regexp.MustCompile(`^(var)?binary\(\d+\)$`)

// translated is a table of the suite in this engine's words. words is how the key of the table of collations is declared.
func translated(t connectortest.Table, words string) connectortest.Table {
	t.Def.Fields = slices.Clone(t.Def.Fields)
	for i, f := range t.Def.Fields {
		if known, ok := types[f.Type]; ok {
			t.Def.Fields[i].Type = known
		}
		if binary.MatchString(f.Type) {
			t.Def.Fields[i].Type = "bytea"
		}
		if t.Def.Name == "collated" && f.Name == "word" {
			t.Def.Fields[i].Type = words
		}
	}
	return t
}

// harness keeps the suite's tables in databases of the test's server.
func harness(words string, sameKey func(a, b string) bool) connectortest.Harness {
	return connectortest.Harness{
		SameKey: sameKey,
		Lacks:   []connectortest.Feature{connectortest.AutoUpdate, connectortest.ZeroDate},
		New: func(t *testing.T, tables []connectortest.Table) connectortest.Store {
			var b strings.Builder
			b.WriteString("CREATE COLLATION public.loose (provider = icu, locale = 'und-u-ks-level1', deterministic = false);\n")
			b.WriteString("CREATE EXTENSION citext SCHEMA public;\n")
			b.WriteString("SET timezone = 'UTC'; SET session_replication_role = replica;\n")
			var keys strings.Builder
			for _, table := range tables {
				table = translated(table, words)
				create := table
				create.Def.ForeignKeys = nil
				b.WriteString(dialect.Create(create) + ";\n")
				for _, statement := range dialect.Inserts(table, 500) {
					b.WriteString(regexp.MustCompile(`([(,])x'([0-9a-f]*)'`).ReplaceAllString(statement, `$1'\x$2'`) + ";\n")
				}
				for _, fk := range table.Def.ForeignKeys {
					only := table
					only.Def.ForeignKeys, only.Def.Fields, only.Def.Key, only.Def.Unique = []connectors.ForeignKey{fk}, nil, nil, nil
					_, clause, _ := strings.Cut(dialect.Create(only), "(")
					fmt.Fprintf(&keys, "ALTER TABLE %s ADD %s;\n", dialect.Name(table.Def.Name), clause[:strings.LastIndex(clause, ")")])
				}
			}
			db := database(t, b.String()+keys.String())
			return connectortest.Store{
				Open: func(t *testing.T) connectors.Source { return open(t, db.DSN(), db.DSN()) },
				View: func(t *testing.T, name string) ([]string, [][]any) { return readView(t, db.DSN(), name) },
			}
		},
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	src := opened(t, database(t))
	for _, promised := range []any{(*connectors.Mutator)(nil), (*connectors.CopyKeeper)(nil), (*connectors.Foreseer)(nil),
		(*connectors.Placed)(nil), (*connectors.Viewer)(nil), (*connectors.Partial)(nil), (*connectors.Clocked)(nil), (*connectors.Zoner)(nil)} {
		require.Implements(t, promised, src)
	}
	connectortest.Run(t, harness("varchar(40)", nil))
}

// The suite again, where texts of other bytes are one key.
func TestConformanceOfLooseKeys(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, harness("varchar(40) COLLATE public.loose", func(a, b string) bool {
		fold := func(s string) string {
			var out []rune
			for _, r := range norm.NFD.String(cases.Fold().String(s)) {
				if r < 0x300 || r > 0x36f {
					out = append(out, r)
				}
			}
			return string(out)
		}
		return fold(a) == fold(b)
	}))
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
