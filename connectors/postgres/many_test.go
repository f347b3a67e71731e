package postgres_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
)

// numbers are the keys of rows.
func numbers(field string, from, to, step int) *connectors.Keys {
	k := &connectors.Keys{Fields: []string{field}}
	for i := from; i < to; i += step {
		k.Tuples = append(k.Tuples, connectors.MakeKey(strconv.AppendInt(nil, int64(i), 10)))
	}
	return k
}

// Rows by keys are found by their keys, whatever the server thinks of a table that nobody has counted yet.
func TestManyKeysInATableWithoutStatistics(t *testing.T) {
	t.Parallel()
	db := database(t, "CREATE TABLE c (id int PRIMARY KEY, p int NOT NULL, line text) WITH (autovacuum_enabled = false)",
		"CREATE INDEX ON c (p)", "INSERT INTO c SELECT i, i / 2, 'what was said' FROM generate_series(0, 199999) i")
	src := opened(t, db)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // page by page through all keys it took minutes
	defer cancel()
	rows := 0
	keys := numbers("p", 50_000, 66_000, 4)
	for b, err := range src.Scan(ctx, connectors.Query{Table: "c", Fields: []string{"p"}, Keys: keys}) {
		require.NoError(t, err)
		rows += int(b.Rows.NumRows())
	}
	require.Equal(t, 8_000, rows)
}

// Of many rows that are deleted none is left, also where the transaction itself has changed it before, and no other goes.
func TestManyDeleted(t *testing.T) {
	t.Parallel()
	tables := []string{"CREATE TABLE p (id int PRIMARY KEY, n int, up int)", "CREATE TABLE c (id text PRIMARY KEY, p int REFERENCES p)",
		"INSERT INTO p SELECT i, 0, (i + 1) % 1000 FROM generate_series(0, 999) i",
		"INSERT INTO c SELECT 'c' || i, i FROM generate_series(0, 999) i WHERE i % 4 = 0"}
	children := &connectors.Keys{Fields: []string{"id"}}
	for i := 0; i < 1000; i += 4 {
		children.Tuples = append(children.Tuples, connectors.MakeKey(strconv.AppendInt([]byte("c"), int64(i), 10)))
	}
	for name, more := range map[string][]string{
		"of a table":     nil,
		"which moved":    {"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN UPDATE public.p SET n = n + 1; RETURN OLD; END $f$", "CREATE TRIGGER t AFTER DELETE ON c EXECUTE FUNCTION f()"},
		"with what goes": {"CREATE TABLE goes (p int REFERENCES p ON DELETE CASCADE)", "INSERT INTO goes SELECT id FROM p"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := database(t, append(tables[:len(tables):len(tables)], more...)...)
			src := opened(t, db)
			_, err := src.(connectors.Mutator).Mutate(t.Context(), []connectors.Query{{Table: "p", Keys: numbers("id", 0, 1000, 4)},
				{Table: "c", Keys: children}, {Table: "p", Fields: []string{"id"}, Keys: numbers("id", 0, 1000, 8)}},
				func(b connectors.Batch) (connectors.Edit, error) {
					if b.Rows.NumRows() == 125 { // emptied first
						return setAll("up", "0")(b)
					}
					return deleteAll(b)
				}, confirmed)
			require.NoError(t, err)
			require.Equal(t, "750\t0\t0", db.Query(t, "SELECT count(*), count(*) FILTER (WHERE id % 4 = 0), (SELECT count(*) FROM c) FROM p"))
		})
	}
}

// Many rows that something puts back are not told as gone, whichever table it hangs on.
func TestManyDeletedAndPutBack(t *testing.T) {
	t.Parallel()
	function := "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN INSERT INTO public.p SELECT i, NULL FROM generate_series(0, 999) i " +
		"ON CONFLICT DO NOTHING; RETURN OLD; END $f$"
	for name, setup := range map[string][]string{
		"by a trigger":                            {"CREATE TRIGGER t AFTER DELETE ON p EXECUTE FUNCTION f()"},
		"by a trigger for every session":          {"CREATE TRIGGER t AFTER DELETE ON p EXECUTE FUNCTION f()", "ALTER TABLE p ENABLE ALWAYS TRIGGER t"},
		"by one of what goes with them":           {"CREATE TABLE c (p int REFERENCES p ON DELETE CASCADE)", "INSERT INTO c SELECT id FROM p", "CREATE CONSTRAINT TRIGGER t AFTER DELETE ON c DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION f()"},
		"by one of what goes with that":           {"CREATE TABLE c (p int UNIQUE REFERENCES p ON DELETE CASCADE)", "CREATE TABLE d (p int REFERENCES c (p) ON DELETE CASCADE)", "INSERT INTO c SELECT id FROM p", "INSERT INTO d SELECT p FROM c", "CREATE CONSTRAINT TRIGGER t AFTER DELETE ON d DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION f()"},
		"by one of a partition":                   {"CREATE TABLE c (p int REFERENCES p ON DELETE CASCADE) PARTITION BY HASH (p)", "CREATE TABLE c1 PARTITION OF c FOR VALUES WITH (MODULUS 1, REMAINDER 0)", "INSERT INTO c SELECT id FROM p", "CREATE CONSTRAINT TRIGGER t AFTER DELETE ON c1 DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION f()"},
		"by one of a partition of theirs":         {"DROP TABLE p", "CREATE TABLE p (id int PRIMARY KEY, name text) PARTITION BY HASH (id)", "CREATE TABLE p1 PARTITION OF p FOR VALUES WITH (MODULUS 1, REMAINDER 0)", "INSERT INTO p SELECT i, 'SECRET' FROM generate_series(0, 999) i", "CREATE CONSTRAINT TRIGGER t AFTER DELETE ON p1 DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION f()"},
		"by a rule":                               {"CREATE RULE r AS ON DELETE TO p DO ALSO INSERT INTO p SELECT OLD.id, NULL WHERE OLD.id < 0", "CREATE RULE s AS ON INSERT TO p DO INSTEAD NOTHING"},
		"by a trigger that only replicas are for": {"CREATE TRIGGER t AFTER DELETE ON p EXECUTE FUNCTION f()", "ALTER TABLE p ENABLE REPLICA TRIGGER t"},
		"by a trigger that does not act":          {"CREATE TRIGGER t AFTER DELETE ON p EXECUTE FUNCTION f()", "ALTER TABLE p DISABLE TRIGGER t"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := database(t, append([]string{"CREATE TABLE p (id int PRIMARY KEY, name text)",
				"INSERT INTO p SELECT i, 'SECRET' FROM generate_series(0, 999) i", function}, setup...)...)
			_, err := mutate(t, opened(t, db), connectors.Query{Table: "p", Keys: numbers("id", 0, 400, 1)}, deleteAll)
			left := db.Query(t, "SELECT count(*) FROM p")
			switch name {
			case "by a rule", "by a trigger that only replicas are for", "by a trigger that does not act":
				require.NoError(t, err)
				require.Equal(t, "600", left)
			default:
				var refused *connectors.RefusedError
				require.ErrorAs(t, err, &refused)
				require.ErrorContains(t, err, "still there")
				require.Equal(t, "1000", left)
			}
		})
	}
}
