package postgres_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/postgres"
)

func foreseen(t *testing.T, src connectors.Source, uses ...connectors.Use) (said []string) {
	found, err := src.(connectors.Foreseer).Foresee(t.Context(), uses)
	require.NoError(t, err)
	for _, o := range found {
		said = append(said, o.String())
	}
	return said
}

// A partitioned table is one, read, locked and changed by its root, whatever its partitions are called and how deep
// they stand.
func TestPartitions(t *testing.T) {
	db := database(t, "CREATE SCHEMA parts", "CREATE TABLE customer (id int PRIMARY KEY)", "INSERT INTO customer VALUES (1), (2)",
		"CREATE TABLE log (at date, id int, customer int REFERENCES customer ON DELETE CASCADE, line text, "+
			"PRIMARY KEY (at, id)) PARTITION BY RANGE (at)",
		"CREATE TABLE parts.\"log 2023\" PARTITION OF log FOR VALUES FROM ('2023-01-01') TO ('2024-01-01') PARTITION BY HASH (id)",
		"CREATE TABLE parts.a PARTITION OF parts.\"log 2023\" FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
		"CREATE TABLE parts.b PARTITION OF parts.\"log 2023\" FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
		"CREATE TABLE log_2024 PARTITION OF log FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')",
		"CREATE TABLE log_rest PARTITION OF log DEFAULT",
		"CREATE TABLE note (id int PRIMARY KEY, at date, log int, FOREIGN KEY (at, log) REFERENCES log ON DELETE CASCADE)",
		"INSERT INTO log SELECT date '2022-06-01' + i * 20, i, i % 2 + 1, 'l' || i FROM generate_series(1, 60) i",
		"INSERT INTO note SELECT id, at, id FROM log", "ANALYZE")
	src := opened(t, db)
	tables := catalog(t, src)
	require.Len(t, tables, 3)
	require.Equal(t, []string{"at", "id"}, tables["log"].Key)
	require.EqualValues(t, 60, tables["log"].Rows)
	require.Len(t, tables["log"].ForeignKeys, 1, "and not again for each partition")
	require.Len(t, tables["note"].ForeignKeys, 1)
	require.Equal(t, "log", tables["note"].ForeignKeys[0].RefTable)
	require.Empty(t, tables["customer"].Outside)

	rows, _ := read(t, src, connectors.Query{Table: "log", MaxRows: 7})
	require.Len(t, rows, 60)
	require.IsIncreasing(t, rows)
	tuple := func(at, id string) connectors.Key { return connectors.MakeKey([]byte(at), []byte(id)) }
	key := &connectors.Keys{Fields: []string{"at", "id"}, Tuples: []connectors.Key{tuple("2022-06-21", "1"), tuple("2024-05-21", "36"),
		tuple("2023-05-07", "17"), tuple("2023-05-07", "18")}}
	outcomes, err := mutate(t, src, connectors.Query{Table: "log", Keys: key}, deleteAll)
	require.NoError(t, err)
	require.Equal(t, connectors.Gone, outcomes[3].Status)
	require.Equal(t, "57\t57", db.Query(t, "SELECT (SELECT count(*) FROM log), (SELECT count(*) FROM note)"))
	// a row moves to another partition with its key
	_, err = mutate(t, src, connectors.Query{Table: "note", Keys: &connectors.Keys{Fields: []string{"id"},
		Tuples: []connectors.Key{connectors.MakeKey([]byte("60"))}}}, deleteAll)
	require.NoError(t, err)
	key.Tuples = []connectors.Key{tuple("2025-09-13", "60")}
	_, err = mutate(t, src, connectors.Query{Table: "log", Keys: key}, setAll("at", "2023-01-01"))
	require.NoError(t, err)
	require.Equal(t, "1", db.Query(t, "SELECT count(*) FROM parts.\"log 2023\" WHERE id = 60"))

	// one that is detached is a table of its own
	db.Exec(t, "ALTER TABLE note DROP CONSTRAINT note_at_log_fkey; ALTER TABLE log DETACH PARTITION log_2024")
	require.Contains(t, catalog(t, src), "log_2024")
	whole, _ := read(t, src, connectors.Query{Table: "log"})
	apart, _ := read(t, src, connectors.Query{Table: "log_2024"})
	require.Equal(t, 57, len(whole)+len(apart))
}

// Of tables that inherit each is one of its own, with its own rows.
func TestInheritance(t *testing.T) {
	db := database(t, "CREATE TABLE person (id int PRIMARY KEY, name text)", "CREATE TABLE staff (pay int, PRIMARY KEY (id)) INHERITS (person)",
		"INSERT INTO person VALUES (1, 'a'), (2, 'b')", "INSERT INTO staff VALUES (1, 'c', 7), (3, 'd', 8)")
	src := opened(t, db)
	rows, _ := read(t, src, connectors.Query{Table: "person"})
	require.Equal(t, []string{"1|a", "2|b"}, rows)
	_, err := mutate(t, src, connectors.Query{Table: "person", Keys: keys("id", "1", "3")}, deleteAll)
	require.NoError(t, err)
	_, err = mutate(t, src, connectors.Query{Table: "person", Keys: keys("id", "2", "3")}, setAll("name", "x"))
	require.NoError(t, err)
	require.Equal(t, "1\tc\t7\n3\td\t8", db.Query(t, "SELECT * FROM staff ORDER BY id"))
	require.Equal(t, "2\tx", db.Query(t, "SELECT * FROM ONLY person"))
}

// What a trigger or a rule does to a change is seen before the transaction is confirmed.
func TestTriggersAndRulesThatRefuse(t *testing.T) {
	function := func(body string) string {
		return "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN " + body + " END $f$"
	}
	trigger := "CREATE TRIGGER t BEFORE UPDATE OR DELETE ON p FOR EACH ROW EXECUTE FUNCTION f()"
	for name, setup := range map[string][]string{
		"raises":               {function("RAISE EXCEPTION 'value %', OLD.name;"), trigger},
		"raises its own code":  {function("RAISE EXCEPTION USING ERRCODE = 'LE001', MESSAGE = OLD.name;"), trigger},
		"raises another's":     {function("RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = OLD.name;"), trigger},
		"ignores":              {function("RETURN NULL;"), trigger},
		"names what is gone":   {function("INSERT INTO nowhere VALUES (OLD.id); RETURN OLD;"), trigger},
		"puts back, deferred":  {function("INSERT INTO p SELECT OLD.* ON CONFLICT (id) DO UPDATE SET name = OLD.name; RETURN NULL;"), "CREATE CONSTRAINT TRIGGER t AFTER UPDATE OR DELETE ON p DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION f()"},
		"a rule instead of it": {"CREATE RULE d AS ON DELETE TO p DO INSTEAD NOTHING", "CREATE RULE u AS ON UPDATE TO p DO INSTEAD NOTHING"},
		"refuses, deferred": {function("RAISE EXCEPTION 'value %', OLD.name;"),
			"CREATE CONSTRAINT TRIGGER t AFTER UPDATE OR DELETE ON p DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION f()"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := database(t, append([]string{"CREATE TABLE p (id int PRIMARY KEY, name text)", "INSERT INTO p VALUES (1, 'SECRET'), (2, 'SECRET')"},
				setup...)...)
			src := opened(t, db)
			require.NotEmpty(t, catalog(t, src)["p"].Triggers)
			for _, edit := range []connectors.EditFunc{deleteAll, setAll("name", "x")} {
				_, err := src.(connectors.Mutator).Mutate(t.Context(), []connectors.Query{{Table: "p", Keys: keys("id", "1", "2")}}, edit,
					func() error { t.Error("it was confirmed"); return nil })
				var refused *connectors.RefusedError
				require.ErrorAs(t, err, &refused)
				require.Equal(t, connectors.RefusedTrigger, refused.Class, "%v", err)
				require.NotContains(t, err.Error(), "SECRET")
				require.Equal(t, "1\tSECRET\n2\tSECRET", db.Query(t, "SELECT * FROM p ORDER BY id"))
			}
		})
	}
}

// Constraints that the server checks at the end of a transaction are checked before it is confirmed.
func TestDeferredConstraints(t *testing.T) {
	db := database(t, "CREATE TABLE p (id int PRIMARY KEY, u int UNIQUE DEFERRABLE INITIALLY DEFERRED)",
		"CREATE TABLE c (id int PRIMARY KEY, p int CONSTRAINT \"c refers\" REFERENCES p DEFERRABLE INITIALLY DEFERRED)",
		"INSERT INTO p VALUES (1, 1), (2, 2)", "INSERT INTO c VALUES (1, 1)")
	src := opened(t, db)
	for class, q := range map[connectors.RefusedClass]connectors.EditFunc{connectors.RefusedForeignKey: deleteAll,
		connectors.RefusedUnique: setAll("u", "7")} {
		_, err := src.(connectors.Mutator).Mutate(t.Context(), []connectors.Query{{Table: "p", Keys: keys("id", "1", "2")}}, q,
			func() error { t.Error("it was confirmed"); return nil })
		var refused *connectors.RefusedError
		require.ErrorAs(t, err, &refused)
		require.Equal(t, class, refused.Class)
		require.Equal(t, map[connectors.RefusedClass]string{connectors.RefusedForeignKey: "c refers", connectors.RefusedUnique: "p_u_key"}[class],
			refused.By)
	}
	// children named first are fine where the server waits
	_, err := src.(connectors.Mutator).Mutate(t.Context(), []connectors.Query{{Table: "c", Keys: keys("id", "1")},
		{Table: "p", Keys: keys("id", "1")}}, deleteAll, confirmed)
	require.NoError(t, err)
}

// Rows that another session holds are left for another night, by their table.
func TestLockedRows(t *testing.T) {
	t.Parallel()
	db := database(t, "CREATE TABLE p (id int PRIMARY KEY)", "INSERT INTO p VALUES (1), (2)")
	src, other := opened(t, db), opened(t, db)
	query := []connectors.Query{{Table: "p", Keys: keys("id", "1")}}
	_, err := other.(connectors.Mutator).Mutate(t.Context(), query, func(connectors.Batch) (connectors.Edit, error) {
		_, err := src.(connectors.Mutator).Mutate(t.Context(), query, deleteAll, confirmed)
		require.ErrorIs(t, err, connectors.ErrLocked)
		require.ErrorIs(t, err, connectors.ErrTransient)
		require.ErrorContains(t, err, "mutate crm table p")
		_, err = mutate(t, src, connectors.Query{Table: "p", Keys: keys("id", "2")}, deleteAll)
		require.NoError(t, err)
		return connectors.Edit{}, nil
	}, confirmed)
	require.NoError(t, err)
}

// What triggers and rules write to and call stands in the catalog, with a digest of all that decides what they do.
func TestTriggersInTheCatalog(t *testing.T) {
	db := database(t, "CREATE SCHEMA s", "CREATE TABLE p (id int PRIMARY KEY, name text)", "CREATE TABLE s.audit (what text)",
		"CREATE TABLE \"Odd. one\" (id int)", "CREATE FUNCTION helper() RETURNS void LANGUAGE sql AS 'SELECT'",
		`CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN -- DELETE FROM "Odd. one"
			INSERT INTO s.audit VALUES ('UPDATE p SET x'); IF lower(NEW.name) = 'x' THEN PERFORM helper(); END IF;
			UPDATE ONLY "Odd. one" SET id = 1; EXECUTE 'DELETE FROM ' || quote_ident('p'); RETURN NEW; END $f$`,
		"CREATE TRIGGER t BEFORE INSERT OR UPDATE OF name ON p FOR EACH ROW EXECUTE FUNCTION f()",
		"CREATE TRIGGER off BEFORE UPDATE ON p FOR EACH ROW EXECUTE FUNCTION f()", "ALTER TABLE p DISABLE TRIGGER off",
		"CREATE RULE log AS ON DELETE TO p DO ALSO INSERT INTO s.audit VALUES (old.name)")
	src := opened(t, db)
	found := catalog(t, src)["p"].Triggers
	require.Len(t, found, 3)
	require.Equal(t, "log", found[0].Name)
	require.Equal(t, "DELETE", found[0].Event)
	require.Equal(t, []connectors.Written{{Table: "s.audit", Event: "INSERT"}}, found[0].Writes)
	for i, event := range []string{"INSERT", "UPDATE"} {
		require.Equal(t, event, found[i+1].Event)
		require.Equal(t, []connectors.Written{{Table: "Odd. one", Event: "UPDATE"}, {Table: "s.audit", Event: "INSERT"}}, found[i+1].Writes)
		require.Equal(t, []string{"EXECUTE of a text", "helper"}, found[i+1].Calls)
	}
	before := found[1].Digest
	db.Exec(t, "ALTER FUNCTION f() SECURITY DEFINER")
	require.NotEqual(t, before, catalog(t, src)["p"].Triggers[1].Digest)
}

// Triggers have the rights of who changes: what they lack is known before.
func TestForeseesTheRightsOfTriggers(t *testing.T) {
	db := database(t, "CREATE TABLE p (id int PRIMARY KEY, name text)", "INSERT INTO p VALUES (1, 'a'), (2, 'b')", "CREATE TABLE audit (id int)",
		"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $f$ BEGIN INSERT INTO audit VALUES (OLD.id); RETURN OLD; END $f$",
		"CREATE TRIGGER t BEFORE DELETE ON p FOR EACH ROW EXECUTE FUNCTION f()")
	changes := role(t, db, "a", "GRANT SELECT, UPDATE, DELETE ON p TO %s", "GRANT SELECT ON audit TO %s")
	src := open(t, changes, changes)
	defer func() { require.NoError(t, src.Close()) }()
	require.Empty(t, foreseen(t, src, connectors.Use{Table: "p", Update: []string{"name"}}))
	said := foreseen(t, src, connectors.Use{Table: "p", Delete: true})
	require.Len(t, said, 1)
	require.Contains(t, said[0], "trigger t (at DELETE) runs as ")
	require.Contains(t, said[0], "who lacks INSERT on table audit: GRANT INSERT ON \"public\".\"audit\" TO ")
	_, err := mutate(t, src, connectors.Query{Table: "p", Keys: keys("id", "1")}, deleteAll)
	var refused *connectors.RefusedError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, connectors.RefusedTrigger, refused.Class)

	db.Exec(t, "ALTER FUNCTION f() SECURITY DEFINER")
	require.Empty(t, foreseen(t, src, connectors.Use{Table: "p", Delete: true}))
	_, err = mutate(t, src, connectors.Query{Table: "p", Keys: keys("id", "1")}, deleteAll)
	require.NoError(t, err)
	db.Exec(t, "CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN DELETE FROM nowhere; RETURN OLD; END $f$")
	said = foreseen(t, src, connectors.Use{Table: "p", Delete: true})
	require.Len(t, said, 1)
	require.Contains(t, said[0], "writes to nowhere, which is not there")
}

// A table that changes while the connector knows it as it was.
func TestTableChangesBetween(t *testing.T) {
	db := database(t, "CREATE TABLE p (id int PRIMARY KEY, name varchar(9), n int)", "INSERT INTO p VALUES (1, 'a', 1), (2, 'b', 2)")
	src := opened(t, db)
	rows, _ := read(t, src, connectors.Query{Table: "p", Fields: []string{"id", "name"}})
	require.Len(t, rows, 2)
	db.Exec(t, "ALTER TABLE p ADD COLUMN more text; ALTER TABLE p ALTER COLUMN n TYPE text; ALTER TABLE p ALTER COLUMN name TYPE varchar(30)")
	_, err := mutate(t, src, connectors.Query{Table: "p", Fields: []string{"id", "name"}, Keys: keys("id", "1")}, setAll("name", "longer than it was"))
	require.NoError(t, err)
	db.Exec(t, "ALTER TABLE p DROP COLUMN name")
	_, err = mutate(t, src, connectors.Query{Table: "p", Fields: []string{"id", "name"}, Keys: keys("id", "1")}, deleteAll)
	require.ErrorIs(t, err, connectors.ErrSchemaChanged)
	require.ErrorIs(t, scanError(t, src, connectors.Query{Table: "p", Fields: []string{"name"}}), connectors.ErrSchemaChanged)
	db.Exec(t, "ALTER TABLE p RENAME TO q")
	require.ErrorIs(t, scanError(t, src, connectors.Query{Table: "p", Fields: []string{"id"}}), connectors.ErrSchemaChanged)
	require.Equal(t, "2", db.Query(t, "SELECT count(*) FROM q"))
}

// Foreign keys that are declared only, between fields of types that the server would not bring together.
func TestDeclaredReferencesOfOtherTypes(t *testing.T) {
	db := database(t, "CREATE EXTENSION citext", "CREATE TABLE p (id int PRIMARY KEY, u uuid UNIQUE, code citext UNIQUE, padded char(4) UNIQUE, at date UNIQUE)",
		"INSERT INTO p VALUES (7, '123e4567-e89b-12d3-a456-426614174000', 'Ab', 'x', '2024-02-29'), (8, NULL, 'C', NULL, NULL)",
		"CREATE TABLE c (id int PRIMARY KEY, i text, b bigint, n numeric, u varchar(40), code text, padded text, at timestamp, more citext)",
		"INSERT INTO c VALUES (1, '7', 7, 7.0, '123e4567-e89b-12d3-a456-426614174000', 'aB', 'x', '2024-02-29', 'AB'), (2, 'SECRET', 70, 7.5, 'SECRET', 'b', 'x ', "+
			"'2024-02-29 01:00', 'b')")
	src := opened(t, db)
	for field, of := range map[string]struct{ field, value, want string }{
		"i": {"id", "7", "1"}, "b": {"id", "7", "1"}, "n": {"id", "7", "1"}, "u": {"u", "123e4567-e89b-12d3-a456-426614174000", "1"},
		"code": {"code", "Ab", "1"}, "padded": {"padded", "x   ", "12"}, "at": {"at", "2024-02-29", "1"}, "more": {"code", "Ab", "1"},
	} {
		k := keys(field, of.value)
		k.Of = &connectors.Referred{Table: "p", Fields: []string{of.field}}
		rows, _ := read(t, src, connectors.Query{Table: "c", Fields: []string{"id"}, Keys: k})
		require.Equal(t, of.want, strings.Join(rows, ""), field)
	}
}

// A row refers by the collation of what it refers to, and not by its own: as the server's foreign keys do.
func TestReferencesOfOtherCollations(t *testing.T) {
	db := database(t, "CREATE COLLATION ignoring (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
		"CREATE TABLE p (id int PRIMARY KEY, loose text COLLATE ignoring UNIQUE, strict text UNIQUE)", "INSERT INTO p VALUES (1, 'Ab', 'Ab')",
		"CREATE TABLE c (id int PRIMARY KEY, strict text REFERENCES p (loose), loose text COLLATE ignoring)",
		"INSERT INTO c VALUES (1, 'aB', 'Ab'), (2, NULL, 'aB'), (3, 'AB', NULL)")
	src := opened(t, db)
	for field, want := range map[string]string{"strict": "13", "loose": "1"} { // each refers to one of the other kind
		k := keys(field, "Ab")
		k.Of = &connectors.Referred{Table: "p", Fields: []string{map[string]string{"strict": "loose", "loose": "strict"}[field]}}
		rows, _ := read(t, src, connectors.Query{Table: "c", Fields: []string{"id"}, Keys: k})
		slices.Sort(rows)
		require.Equal(t, want, strings.Join(rows, ""), field)
	}
}

func TestTableWithoutAKeyIsNeverChanged(t *testing.T) {
	db := database(t, "CREATE TABLE k (a int, b float8 PRIMARY KEY)", "INSERT INTO k VALUES (1, 1.5)", "CREATE TABLE i (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v text)",
		"INSERT INTO i (v) VALUES ('x')")
	src := opened(t, db)
	require.Empty(t, catalog(t, src)["k"].Key, "the text of a float is no key")
	_, err := mutate(t, src, connectors.Query{Table: "k", Keys: keys("a", "1")}, deleteAll)
	require.ErrorIs(t, err, errors.ErrUnsupported)
	require.Equal(t, "1", db.Query(t, "SELECT count(*) FROM k"))
	_, err = mutate(t, src, connectors.Query{Table: "i", Keys: keys("id", "1")}, setAll("id", "5"))
	require.ErrorIs(t, err, connectors.ErrConfig)
	require.Len(t, foreseen(t, src, connectors.Use{Table: "i", Update: []string{"id"}}), 1)
	_, err = mutate(t, src, connectors.Query{Table: "i", Keys: keys("id", "1")}, setAll("v", "y"))
	require.NoError(t, err)
}

// With vacuum: after, dead rows are gone from the tables of which rows were changed, once the source is closed.
func TestVacuumAfter(t *testing.T) {
	for _, vacuum := range []string{"never", "after"} {
		db := database(t, "CREATE TABLE p (id int PRIMARY KEY, name text) WITH (autovacuum_enabled = off)", "INSERT INTO p VALUES (1, 'SECRET7'), (2, 'b')",
			"CREATE EXTENSION pageinspect")
		src, err := postgres.Connector.Open(t.Context(), connectors.Options{Name: "crm", DSN: db.DSN(), ApplyDSN: db.DSN(),
			Extra: map[string]string{"vacuum": vacuum}})
		require.NoError(t, err)
		_, err = mutate(t, src, connectors.Query{Table: "p", Keys: keys("id", "1")}, deleteAll)
		require.NoError(t, err)
		require.NoError(t, src.Close())
		dead := db.Query(t, "SELECT count(*) FROM heap_page_items(get_raw_page('p', 0)) WHERE t_data IS NOT NULL")
		require.Equal(t, map[string]string{"never": "2", "after": "1"}[vacuum], dead)
	}
	db := database(t, "CREATE TABLE p (id int PRIMARY KEY)")
	changes := role(t, db, "a", "GRANT SELECT, UPDATE, DELETE ON p TO %s")
	src, err := postgres.Connector.Open(t.Context(), connectors.Options{Name: "crm", DSN: db.DSN(), ApplyDSN: changes,
		Extra: map[string]string{"vacuum": "after"}})
	require.NoError(t, err)
	defer func() { require.NoError(t, src.Close()) }()
	said := foreseen(t, src, connectors.Use{Table: "p", Delete: true})
	require.Len(t, said, 1)
	require.Contains(t, said[0], "does not own it, so that the server would not vacuum it (vacuum: after): GRANT postgres TO ")
}

// Views say which tables they read, through others too; what keeps rows is named as a copy.
func TestViewsAndWhatKeepsRows(t *testing.T) {
	db := database(t, "CREATE SCHEMA s", "CREATE TABLE p (id int PRIMARY KEY, name text)", "CREATE TABLE s.q (id int)", "INSERT INTO p VALUES (1, 'a')",
		"CREATE VIEW v AS SELECT id FROM p", "CREATE VIEW s.w AS SELECT v.id FROM v JOIN s.q USING (id)", "CREATE MATERIALIZED VIEW s.m AS SELECT * FROM s.w",
		"CREATE MATERIALIZED VIEW none AS SELECT 1 AS one", "CREATE VIEW over AS SELECT * FROM s.m")
	src := opened(t, db)
	views, err := src.(connectors.Viewer).Views(t.Context())
	require.NoError(t, err)
	require.Equal(t, []connectors.View{{Name: "over", Tables: []string{"p", "s.q"}}, {Name: "s.w", Tables: []string{"p", "s.q"}},
		{Name: "v", Tables: []string{"p"}}}, views)
	list, err := src.(connectors.Partial).Unread(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 3)
	require.Equal(t, "none", list[0].Name)
	require.True(t, list[0].Unknown)
	require.Equal(t, []string{"p", "s.q"}, []string{list[1].Of, list[2].Of})
	require.True(t, list[1].Stays)
	require.Contains(t, list[1].Reason, `REFRESH MATERIALIZED VIEW "s"."m"`)
}

// Who may read a view goes on to, when it is made anew.
func TestRightsOnAViewStay(t *testing.T) {
	db := database(t, "CREATE TABLE p (id int PRIMARY KEY, name text)", "INSERT INTO p VALUES (1, 'a')")
	reader := role(t, db, "app")
	src := opened(t, db)
	c := connectors.Copy{Name: "lethe_p", Of: catalog(t, src)["p"], Key: []string{"purpose"},
		Fields: []connectors.Field{{Name: "purpose", Kind: connectors.Text, Length: 10}},
		Views:  []connectors.CopyView{{Name: "lethe_p_mail", Fields: []string{"id", "name"}, Where: map[string]string{"purpose": "mail"}}}}
	keeper := src.(connectors.CopyKeeper)
	made, err := keeper.EnsureCopy(t.Context(), c)
	require.NoError(t, err)
	db.Exec(t, "GRANT SELECT ON lethe_p_mail TO "+dialect.Name(db.Name+"_app"))
	c.Views[0].Fields = []string{"name"}
	_, err = keeper.EnsureCopy(t.Context(), c)
	require.NoError(t, err)
	builder, err := connectors.NewBuilder(made, nil)
	require.NoError(t, err)
	builder.Append(0, []byte("1"))
	builder.Append(1, []byte("mail"))
	builder.EndRow()
	require.NoError(t, keeper.WriteCopy(t.Context(), made, builder.Batch("").Rows, nil))
	fields, rows := readView(t, reader, "lethe_p_mail")
	require.Equal(t, []string{"name"}, fields)
	require.Equal(t, [][]any{{"a"}}, rows, "without a right on the tables")

	long := c
	long.Name, long.Views = strings.Repeat("ü", 32), nil
	require.ErrorIs(t, keeper.CheckCopy(t.Context(), long), connectors.ErrConfig, "64 bytes")
	poor := open(t, db.DSN(), role(t, db, "a", "GRANT SELECT ON p TO %s"))
	defer func() { require.NoError(t, poor.Close()) }()
	err = poor.(connectors.CopyKeeper).CheckCopy(t.Context(), c)
	require.ErrorIs(t, err, connectors.ErrDenied)
	require.ErrorContains(t, err, "does not own lethe_p, lethe_p_mail")
	c.Name, c.Views = "lethe_other", nil
	err = poor.(connectors.CopyKeeper).CheckCopy(t.Context(), c)
	require.ErrorIs(t, err, connectors.ErrDenied)
	require.ErrorContains(t, err, "lacks CREATE on schema public")
}
