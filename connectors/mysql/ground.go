package mysql

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"

	"lethe/connectors"
	"lethe/connectors/conformance"
	"lethe/connectors/conformance/require"
)

// scratch begins the names of databases in which the engine is tried.
const scratch = "lethe_prove_"

// loadSession is how the suite's tables are filled, in any order.
const loadSession = "SET SESSION time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO', " +
	"foreign_key_checks = 0, autocommit = 1"

// looseCollation is one under which texts of other bytes are one key, on every server.
const looseCollation = "utf8mb4_unicode_ci"

// ground makes databases on a server and drops them.
type ground struct {
	o     connectors.Options
	admin *source
	run   string // begins the names of this run's databases
	made  atomic.Int64
}

// Ground makes a ground of the server that o.DSN leads to. Its user needs all rights on databases whose names begin with
// lethe_prove_, some right on the one that the DSN names, and PROCESS, as a user of dsn does:
//
//	GRANT ALL ON `lethe\_prove\_%`.* TO 'lethe_prove'@'10.0.0.5' REQUIRE SSL;
//	GRANT PROCESS ON *.* TO 'lethe_prove'@'10.0.0.5';
func Ground(ctx context.Context, o connectors.Options) (*conformance.Ground, error) {
	random := make([]byte, 4)
	if _, err := rand.Read(random); err != nil {
		return nil, err
	}
	admin, err := connect(ctx, o, o.DSN, []string{loadSession})
	if err != nil {
		return nil, err
	}
	g := &ground{o: o, admin: admin, run: scratch + hex.EncodeToString(random) + "_"}
	out := &conformance.Ground{Close: admin.db.Close}
	if out.Engine, err = admin.Engine(ctx); err == nil {
		out.Left, err = g.left(ctx)
	}
	if err != nil {
		_ = admin.db.Close()
		return nil, err
	}
	ways := []string{out.Engine.Collation, looseCollation}
	if !strings.HasPrefix(ways[0], "utf8mb4_") {
		out.Not = append(out.Not, fmt.Sprintf("the collation %s of the database that the DSN names, which cannot hold all "+
			"texts of the suite", ways[0]))
		ways = ways[1:]
	} else if ways[0] == ways[1] {
		ways = ways[1:]
	}
	for _, collation := range ways {
		out.Ways = append(out.Ways, conformance.Way{Name: collation, Harness: conformance.Harness{
			New: func(t conformance.T, tables []conformance.Table) conformance.Store {
				return g.store(t, collation, tables)
			},
			SameKey: g.asker(ctx, collation),
		}})
	}
	return out, nil
}

// left are databases that an earlier run did not drop.
func (g *ground) left(ctx context.Context) (names []string, err error) {
	rows, err := g.admin.db.QueryContext(ctx, "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE "+
		`'lethe\_prove\_%' ORDER BY 1`)
	if err != nil {
		return nil, g.admin.fail("open", "", because(ctx, err))
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, g.admin.fail("open", "", because(ctx, err))
		}
		names = append(names, name)
	}
	return names, rows.Err()
}

// asker asks the server whether two texts are one key.
func (g *ground) asker(ctx context.Context, collation string) func(a, b string) bool {
	known := map[[2]string]bool{}
	return func(a, b string) bool {
		same, asked := known[[2]string{a, b}]
		if !asked {
			literal := func(s string) string { return "_utf8mb4 x'" + hex.EncodeToString([]byte(s)) + "'" }
			err := g.admin.db.QueryRowContext(ctx, "SELECT "+literal(a)+" = "+literal(b)+" COLLATE "+collation).Scan(&same)
			if err != nil {
				return a == b // the case that asks meets the same error
			}
			known[[2]string{a, b}] = same
		}
		return same
	}
}

// store makes a database that holds the tables. One that exists already is never touched: to make it fails then.
func (g *ground) store(t conformance.T, collation string, tables []conformance.Table) conformance.Store {
	t.Helper()
	name := fmt.Sprintf("%s%d", g.run, g.made.Add(1))
	_, err := g.admin.db.ExecContext(t.Context(), "CREATE DATABASE "+quoteName(name)+" COLLATE "+collation)
	require.NoError(t, g.denied(t.Context(), err))
	t.Cleanup(func() {
		ctx, cancel := conformance.After(t)
		defer cancel()
		_, err := g.admin.db.ExecContext(ctx, "DROP DATABASE "+quoteName(name))
		require.NoError(t, g.denied(ctx, err), "database %s, which is left", name)
	})
	o := g.o
	o.DSN = inDatabase(o.DSN, name)
	o.ApplyDSN = o.DSN
	fill, err := connect(t.Context(), o, o.DSN, []string{loadSession})
	require.NoError(t, err)
	defer func() { _ = fill.db.Close() }()
	d := conformance.Dialect{Quote: '`', Backslash: true}
	for _, table := range tables {
		for _, statement := range append([]string{d.Create(table)}, d.Inserts(table, table.PerStatement())...) {
			_, err := fill.db.ExecContext(t.Context(), statement)
			require.NoError(t, g.denied(t.Context(), err), "table %s", table.Def.Name)
		}
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

// denied is an error of a statement, with the way out where a right is missing.
func (g *ground) denied(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	failed := g.admin.fail("prove", "", because(ctx, err))
	if strings.Contains(failed.Error(), "missing right") {
		return fmt.Errorf("%w: GRANT ALL ON `lethe\\_prove\\_%%`.* and GRANT PROCESS ON *.* to the user of the DSN", failed)
	}
	return failed
}

// readView reads a view as an application does, whose session is in another zone.
func readView(t conformance.T, o connectors.Options, view string) (fields []string, values [][]any) {
	app, err := connect(t.Context(), o, o.DSN, []string{"SET SESSION time_zone = '+13:00'"})
	require.NoError(t, err)
	defer func() { _ = app.db.Close() }()
	rows, err := app.db.QueryContext(t.Context(), "SELECT * FROM "+quoteName(view))
	require.NoError(t, err)
	defer func() { _ = rows.Close() }()
	fields, err = rows.Columns()
	require.NoError(t, err)
	for rows.Next() {
		raw, into, row := make([]sql.NullString, len(fields)), make([]any, len(fields)), make([]any, len(fields))
		for i := range raw {
			into[i] = &raw[i]
		}
		require.NoError(t, rows.Scan(into...))
		for i, v := range raw {
			if v.Valid {
				row[i] = v.String
			}
		}
		values = append(values, row)
	}
	require.NoError(t, rows.Err())
	return fields, values
}

// inDatabase is a DSN, of either form, with another database.
func inDatabase(dsn, name string) string {
	if strings.Contains(dsn, "://") {
		if u, err := url.Parse(dsn); err == nil {
			u.Path = "/" + name
			return u.String()
		}
	}
	at := strings.LastIndexByte(dsn, '/') + 1
	_, params, more := strings.Cut(dsn[at:], "?")
	if more {
		return dsn[:at] + name + "?" + params
	}
	return dsn[:at] + name
}
