package sqlserver

import (
	"context"
	"crypto/rand"
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

// loose is a collation under which texts of other bytes are one key, on every server.
const loose = "Latin1_General_100_CI_AI_SC"

// types are those of the suite, as this engine calls them.
var types = map[string]string{"double": "float", "datetime": "datetime2(0)", "longblob": "varbinary(max)", "time": "time(0)",
	"timestamp": "datetimeoffset(0)", "bigint unsigned": "decimal(20,0)"}

// ground makes databases on a server and drops them.
type ground struct {
	o     connectors.Options
	admin *source
	run   string // begins the names of this run's databases
	made  atomic.Int64
}

// Ground makes a ground of the server that o.DSN leads to. Its login needs to make databases:
//
//	ALTER SERVER ROLE dbcreator ADD MEMBER lethe_prove;
func Ground(ctx context.Context, o connectors.Options) (*conformance.Ground, error) {
	random := make([]byte, 4)
	if _, err := rand.Read(random); err != nil {
		return nil, err
	}
	admin, err := connect(ctx, o, o.DSN, applySession)
	if err != nil {
		return nil, err
	}
	g := &ground{o: o, admin: admin, run: scratch + hex.EncodeToString(random) + "_"}
	out := &conformance.Ground{Close: admin.Close}
	if out.Engine, err = admin.Engine(ctx); err == nil {
		err = collect(ctx, admin.db, "SELECT name FROM sys.databases WHERE name LIKE 'lethe[_]prove[_]%' ORDER BY name", nil,
			func(values [][]byte) error {
				out.Left = append(out.Left, string(values[0]))
				return nil
			})
	}
	if err != nil {
		_ = admin.Close()
		return nil, admin.fail("prove", "", err)
	}
	out.Not = []string{"rows that sessions of other isolation see: the databases of the suite allow snapshots"}
	ways := []string{out.Engine.Collation, loose}
	if ways[0] == loose {
		ways = ways[1:]
	}
	for _, collation := range ways {
		out.Ways = append(out.Ways, conformance.Way{Name: collation, Harness: conformance.Harness{
			New: func(t conformance.T, tables []conformance.Table) conformance.Store {
				return g.store(t, collation, tables)
			},
			Lacks: []conformance.Feature{conformance.Bit, conformance.JSON, conformance.Generated, conformance.AutoUpdate,
				conformance.ZeroDate},
			SameKey: g.asker(ctx, collation),
		}})
	}
	return out, nil
}

// asker asks the server whether two texts are one key.
func (g *ground) asker(ctx context.Context, collation string) func(a, b string) bool {
	known := map[[2]string]bool{}
	return func(a, b string) bool {
		same, asked := known[[2]string{a, b}]
		if !asked {
			row, err := g.admin.ask(ctx, "prove", "SELECT CASE WHEN @p1 COLLATE "+collation+" = @p2 THEN '1' ELSE '0' END", a, b)
			if err != nil {
				return a == b // the case that asks meets the same error
			}
			same = row[0] == "1"
			known[[2]string{a, b}] = same
		}
		return same
	}
}

// store makes a database that holds the tables. One that exists already is never touched: to make it fails then.
func (g *ground) store(t conformance.T, collation string, tables []conformance.Table) conformance.Store {
	t.Helper()
	name := fmt.Sprintf("%s%d", g.run, g.made.Add(1))
	require.NoError(t, g.exec(t.Context(), g.admin, "CREATE DATABASE "+quoteName(name)+" COLLATE "+collation))
	t.Cleanup(func() {
		ctx, cancel := conformance.After(t)
		defer cancel()
		require.NoError(t, g.exec(ctx, g.admin, "ALTER DATABASE "+quoteName(name)+" SET SINGLE_USER WITH ROLLBACK IMMEDIATE; "+
			"DROP DATABASE "+quoteName(name)), "database %s, which is left", name)
	})
	require.NoError(t, g.exec(t.Context(), g.admin, "ALTER DATABASE "+quoteName(name)+" SET ALLOW_SNAPSHOT_ISOLATION ON"))
	o := g.o
	o.DSN = inDatabase(o.DSN, name)
	o.ApplyDSN = o.DSN
	fill, err := connect(t.Context(), o, o.DSN, applySession)
	require.NoError(t, err)
	defer func() { _ = fill.Close() }()
	for _, statement := range statements(tables) {
		require.NoError(t, g.exec(t.Context(), fill, statement))
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

// readView reads a view as its readers do.
func readView(t conformance.T, o connectors.Options, view string) (fields []string, rows [][]any) {
	app, err := connect(t.Context(), o, o.DSN, applySession)
	require.NoError(t, err)
	defer func() { _ = app.Close() }()
	var columns []*column
	err = collect(t.Context(), app.db, "SELECT name, TYPE_NAME(system_type_id) FROM sys.columns WHERE object_id = OBJECT_ID(@p1) "+
		"ORDER BY column_id", []any{inDBO(view)}, func(values [][]byte) error {
		c := &column{base: string(values[1]), field: connectors.Field{Name: string(values[0]), Kind: connectors.Text}}
		if kind, ok := kinds[c.base]; ok {
			c.field.Kind = kind
		}
		fields, columns = append(fields, c.field.Name), append(columns, c)
		return nil
	})
	require.NoError(t, err)
	require.NotEmpty(t, columns)
	outputs := make([]string, len(columns))
	for i, c := range columns {
		outputs[i] = c.output()
	}
	err = collect(t.Context(), app.db, "SELECT "+strings.Join(outputs, ", ")+" FROM "+inDBO(view)+" t", nil, func(values [][]byte) error {
		row := make([]any, len(columns))
		for i, c := range columns {
			if values[i] != nil {
				v, _, err := c.Canonical(values[i], nil)
				if err != nil {
					return err
				}
				row[i] = string(v)
			}
		}
		rows = append(rows, row)
		return nil
	})
	require.NoError(t, err)
	return fields, rows
}

// exec runs a statement of its own, outside any transaction.
func (g *ground) exec(ctx context.Context, s *source, statement string) error {
	_, err := s.db.ExecContext(ctx, statement)
	if err == nil {
		return nil
	}
	err = s.fail("prove", "", because(ctx, err))
	if strings.Contains(err.Error(), "missing right") {
		return fmt.Errorf("%w: ALTER SERVER ROLE dbcreator ADD MEMBER of the login of the DSN", err)
	}
	return err
}

// statements make and fill the tables; foreign keys come last, so that their order does not count. RESTRICT is what the
// server does where nothing is said.
func statements(tables []conformance.Table) (list []string) {
	var keys []string
	names := func(names []string) string {
		quoted := make([]string, len(names))
		for i, n := range names {
			quoted[i] = quoteName(n)
		}
		return "(" + strings.Join(quoted, ", ") + ")"
	}
	for _, t := range tables {
		var parts []string
		for _, f := range t.Def.Fields {
			typ := f.Type
			if known, ok := types[typ]; ok {
				typ = known
			}
			if strings.HasPrefix(typ, "varchar") {
				typ = "n" + typ
			}
			null := " NULL"
			if !f.Nullable {
				null = " NOT NULL"
			}
			parts = append(parts, quoteName(f.Name)+" "+typ+null)
		}
		if len(t.Def.Key) > 0 {
			parts = append(parts, t.Keyword()+names(t.Def.Key))
		}
		list = append(list, "CREATE TABLE "+quoteName(t.Def.Name)+" ("+strings.Join(parts, ", ")+")")
		for _, u := range t.Def.Unique { // a UNIQUE constraint would take one NULL alone
			list = append(list, "CREATE UNIQUE INDEX "+quoteName("u_"+t.Def.Name)+" ON "+quoteName(t.Def.Name)+" "+names(u)+
				" WHERE "+quoteName(u[0])+" IS NOT NULL")
		}
		for start := 0; start < len(t.Rows); start += min(t.PerStatement(), 500) {
			var rows []string
			for _, row := range t.Rows[start:min(start+min(t.PerStatement(), 500), len(t.Rows))] {
				values := make([]string, len(row))
				for i, v := range row {
					values[i] = literal(t.Def.Fields[i].Kind, v)
				}
				rows = append(rows, "("+strings.Join(values, ", ")+")")
			}
			list = append(list, "INSERT INTO "+quoteName(t.Def.Name)+" VALUES "+strings.Join(rows, ", "))
		}
		for _, fk := range t.Def.ForeignKeys {
			action := ""
			if fk.OnUpdate == "CASCADE" || fk.OnUpdate == "SET NULL" {
				action = " ON UPDATE " + fk.OnUpdate
			}
			keys = append(keys, "ALTER TABLE "+quoteName(t.Def.Name)+" ADD FOREIGN KEY "+names(fk.Fields)+" REFERENCES "+
				quoteName(fk.RefTable)+" "+names(fk.RefFields)+action)
		}
	}
	return append(list, keys...)
}

// literal writes a value of the suite. A backslash at the end of a line would continue it.
func literal(kind connectors.Kind, v any) string {
	s, ok := v.(string)
	switch {
	case !ok:
		return "NULL"
	case kind == connectors.Integer, kind == connectors.Decimal, kind == connectors.Float:
		return s
	case kind == connectors.Binary:
		return "0x" + hex.EncodeToString([]byte(s))
	}
	return "N'" + strings.ReplaceAll(strings.ReplaceAll(s, "'", "''"), "\\\n", "\\'+N'\n") + "'"
}

// inDatabase is a DSN with another database.
func inDatabase(dsn, name string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		return dsn
	}
	q := u.Query()
	for key := range q {
		if strings.EqualFold(key, "database") {
			q.Del(key)
		}
	}
	q.Set("database", name)
	u.RawQuery = q.Encode()
	return u.String()
}
