package postgres

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgconn"

	"lethe/connectors"
	"lethe/connectors/conformance"
	"lethe/connectors/conformance/require"
)

// scratch begins the names of databases in which the engine is tried.
const scratch = "lethe_prove_"

// loadSession is how the suite's tables are filled.
const loadSession = "SET search_path = public; SET timezone = 'UTC'; SET standard_conforming_strings = on; " +
	"SET client_min_messages = error"

// loose is a collation under which texts of other bytes are one key: letters alone count, neither case nor accents.
const loose = "und-u-ks-level1"

// types are those of the suite, as this engine calls them.
var types = map[string]string{"double": "double precision", "datetime": "timestamp", "longblob": "bytea",
	"bigint unsigned": "bigint", "timestamp": "timestamptz"}

var (
	binary      = regexp.MustCompile(`^(var)?binary\(\d+\)$`)
	hexLiterals = regexp.MustCompile(`([(,])x'([0-9a-f]*)'`)
)

// ground makes databases on a server and drops them.
type ground struct {
	o     connectors.Options
	admin *source
	run   string // begins the names of this run's databases
	made  atomic.Int64
	locus string // how its databases are to compare texts
}

// Ground makes a ground of the server that o.DSN leads to. Its user needs to make databases:
//
//	ALTER ROLE lethe_prove CREATEDB;
func Ground(ctx context.Context, o connectors.Options) (*conformance.Ground, error) {
	random := make([]byte, 4)
	if _, err := rand.Read(random); err != nil {
		return nil, err
	}
	admin, err := connect(ctx, o, o.DSN, loadSession)
	if err != nil {
		return nil, err
	}
	g := &ground{o: o, admin: admin, run: scratch + hex.EncodeToString(random) + "_"}
	out := &conformance.Ground{Close: admin.Close}
	err = g.look(ctx, out)
	if err != nil {
		_ = admin.Close()
		return nil, err
	}
	return out, nil
}

// look asks the server what it is, how it compares texts, and what an earlier run left.
func (g *ground) look(ctx context.Context, out *conformance.Ground) (err error) {
	if out.Engine, err = g.admin.Engine(ctx); err != nil {
		return err
	}
	row, err := g.admin.ask(ctx, "prove", "SELECT pg_catalog.pg_encoding_to_char(encoding), datcollate, datctype, "+
		"(SELECT pg_catalog.count(*) FROM pg_catalog.pg_collation WHERE collprovider = 'i'), "+
		"coalesce((SELECT pg_catalog.string_agg(datname, ' ' ORDER BY datname) FROM pg_catalog.pg_database WHERE "+
		`datname LIKE 'lethe\_prove\_%'), '') `+
		"FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()")
	if err != nil {
		return err
	}
	out.Left = strings.Fields(row[4])
	way := row[1]
	if row[0] != "UTF8" {
		out.Not = append(out.Not, fmt.Sprintf("a database in the character set %s, which cannot hold all texts of the suite: "+
			"UTF8 was tried", row[0]))
		row[1], row[2], way = "C", "C", "C"
	}
	g.locus = " ENCODING 'UTF8' LC_COLLATE " + quoteText(row[1]) + " LC_CTYPE " + quoteText(row[2])
	out.Ways = []conformance.Way{g.way(ctx, way, "varchar(40)", "")}
	if row[3] == "0" {
		out.Not = append(out.Not, "texts of other bytes that are one key: the server was built without ICU")
	} else {
		out.Ways = append(out.Ways, g.way(ctx, loose, "varchar(40) COLLATE public.loose",
			"CREATE COLLATION public.loose (provider = icu, locale = '"+loose+"', deterministic = false)"))
	}
	return nil
}

// way is one in which words are compared: how their field is declared, and what that takes.
func (g *ground) way(ctx context.Context, name, words, first string) conformance.Way {
	h := conformance.Harness{
		Lacks: []conformance.Feature{conformance.AutoUpdate, conformance.ZeroDate},
		New: func(t conformance.T, tables []conformance.Table) conformance.Store {
			return g.store(t, words, first, tables)
		},
	}
	if first != "" {
		h.SameKey = g.asker(ctx, first)
	}
	return conformance.Way{Name: name, Harness: h}
}

// asker asks the server whether two texts are one key under the loose collation, in a database of its own where that is
// made for the question. Where it cannot be asked the cases that need it meet the same error.
func (g *ground) asker(ctx context.Context, first string) func(a, b string) bool {
	known := map[[2]string]bool{}
	return func(a, b string) bool {
		same, asked := known[[2]string{a, b}]
		if asked || a == b {
			return same || a == b
		}
		var row []string
		conn, err := g.admin.db.Conn(ctx)
		if err != nil {
			return false
		}
		defer func() { _ = conn.Close() }()
		if _, _, err := exec(ctx, conn, "BEGIN", nil); err != nil {
			return false
		}
		defer rollBack(ctx, conn)
		_, _, err = exec(ctx, conn, strings.Replace(first, "public.loose", "pg_temp.loose", 1), nil)
		if err == nil {
			err = collect(ctx, conn, "SELECT $1::text COLLATE pg_temp.loose = $2::text", [][]byte{[]byte(a), []byte(b)},
				func(r []string) error {
					row = append(row, r...)
					return nil
				})
		}
		if err != nil {
			return false
		}
		known[[2]string{a, b}] = row[0] == "t"
		return row[0] == "t"
	}
}

// translated is a table of the suite in this engine's words. words is how the key of the table of collations is declared.
func translated(t conformance.Table, words string) conformance.Table {
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

// store makes a database that holds the tables. One that exists already is never touched: to make it fails then.
func (g *ground) store(t conformance.T, words, first string, tables []conformance.Table) conformance.Store {
	t.Helper()
	name := fmt.Sprintf("%s%d", g.run, g.made.Add(1))
	require.NoError(t, g.exec(t.Context(), "CREATE DATABASE "+quoteName(name)+" TEMPLATE template0"+g.locus))
	t.Cleanup(func() {
		ctx, cancel := conformance.After(t)
		defer cancel()
		require.NoError(t, g.exec(ctx, "DROP DATABASE "+quoteName(name)), "database %s, which is left", name)
	})
	o := g.o
	o.DSN = inDatabase(o.DSN, name)
	o.ApplyDSN = o.DSN
	fill, err := connect(t.Context(), o, o.DSN, loadSession)
	require.NoError(t, err)
	defer func() { _ = fill.Close() }()
	conn, err := fill.db.Conn(t.Context())
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	for _, statement := range statements(words, first, tables) {
		_, _, err := exec(t.Context(), conn, statement, nil)
		require.NoError(t, fill.failed(err))
	}
	return conformance.Store{
		Open: func(t conformance.T) connectors.Source {
			src, err := open(t.Context(), o)
			require.NoError(t, err)
			return src
		},
		View: func(t conformance.T, view string) ([]string, [][]any) { return readView(t, o, view) },
	}
}

// failed is an error of a statement, in words; nil is none.
func (s *source) failed(err error) error {
	if err == nil {
		return nil
	}
	return s.fail("prove", "", err)
}

// exec runs a statement of its own on the server, outside any transaction.
func (g *ground) exec(ctx context.Context, statement string) error {
	conn, err := g.admin.db.Conn(ctx)
	if err == nil {
		defer func() { _ = conn.Close() }()
		_, _, err = exec(ctx, conn, statement, nil)
	}
	err = g.admin.failed(because(ctx, err))
	if err != nil && strings.Contains(err.Error(), "missing right") {
		return fmt.Errorf("%w: ALTER ROLE ... CREATEDB for the user of the DSN", err)
	}
	return err
}

// statements make and fill the tables; foreign keys come last, so that their order does not count.
func statements(words, first string, tables []conformance.Table) (list []string) {
	dialect := conformance.Dialect{Quote: '"'}
	if first != "" {
		list = append(list, first)
	}
	var keys []string
	for _, table := range tables {
		table = translated(table, words)
		create := table
		create.Def.ForeignKeys = nil
		list = append(list, dialect.Create(create))
		for _, statement := range dialect.Inserts(table, table.PerStatement()) {
			list = append(list, hexLiterals.ReplaceAllString(statement, `$1'\x$2'`))
		}
		for _, fk := range table.Def.ForeignKeys {
			only := table
			only.Def.ForeignKeys, only.Def.Fields, only.Def.Key, only.Def.Unique = []connectors.ForeignKey{fk}, nil, nil, nil
			_, clause, _ := strings.Cut(dialect.Create(only), "(")
			keys = append(keys, fmt.Sprintf("ALTER TABLE %s ADD %s", dialect.Name(table.Def.Name),
				clause[:strings.LastIndex(clause, ")")]))
		}
	}
	return append(list, keys...)
}

// readView reads a view as an application does, whose session is in another zone.
func readView(t conformance.T, o connectors.Options, view string) (fields []string, values [][]any) {
	cfg, err := parseDSN(o.DSN, o.Plaintext)
	require.NoError(t, err)
	conn, err := pgconn.ConnectConfig(t.Context(), &cfg.Config)
	require.NoError(t, err)
	defer func() { _ = conn.Close(t.Context()) }()
	require.NoError(t, conn.Exec(t.Context(), "SET timezone = 'Pacific/Auckland'; SET search_path = public").Close())
	rows := conn.ExecParams(t.Context(), "SELECT * FROM "+quoteName(view), nil, nil, nil, nil)
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

// inDatabase is a DSN, of either form, with another database.
func inDatabase(dsn, name string) string {
	if strings.Contains(dsn, "://") {
		if u, err := url.Parse(dsn); err == nil {
			q := u.Query()
			q.Del("dbname")
			q.Del("database")
			u.Path, u.RawQuery = "/"+name, q.Encode()
			return u.String()
		}
	}
	return dsn + " dbname=" + name
}
