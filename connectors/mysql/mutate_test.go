package mysql_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
)

func TestRefusals(t *testing.T) {
	const planted = "Zephyrine.Quux@example.com"
	db := database(t,
		"CREATE TABLE a (id int PRIMARY KEY, b_id int NOT NULL)",
		"CREATE TABLE b (id int PRIMARY KEY, a_id int NOT NULL, FOREIGN KEY (a_id) REFERENCES a (id))",
		"ALTER TABLE a ADD FOREIGN KEY (b_id) REFERENCES b (id)", "INSERT INTO a VALUES (1, 1)",
		"INSERT INTO b VALUES (1, 1)",
		"CREATE TABLE p (id int PRIMARY KEY, email varchar(40) NOT NULL UNIQUE, age int CHECK (age < 200), kind "+
			"enum('x'), short varchar(3), j json, d date, a_id int, FOREIGN KEY (a_id) REFERENCES a (id))",
		"INSERT INTO p VALUES (1, '"+planted+"', 1, 'x', 'abc', '{}', '2024-01-01', 1), (2, 'two', 2, 'x', 'abc', "+
			"'{}', '2024-01-01', 1)",
		"CREATE TABLE guarded (id int PRIMARY KEY, email varchar(40))", "INSERT INTO guarded VALUES (1, '"+planted+"')",
		"CREATE TRIGGER g BEFORE DELETE ON guarded FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '"+planted+
			" must stay'",
		"CREATE TRIGGER h BEFORE UPDATE ON guarded FOR EACH ROW SIGNAL SQLSTATE '45123' SET MYSQL_ERRNO = 31999, "+
			"MESSAGE_TEXT = '"+planted+" must stay'",
		"CREATE TABLE kept (id int PRIMARY KEY, email varchar(40))", "INSERT INTO kept VALUES (1, '"+planted+"')",
		"CREATE TRIGGER k BEFORE UPDATE ON kept FOR EACH ROW SET NEW.email = COALESCE(NEW.email, OLD.email)")
	src := opened(t, db)
	null := func(field string) connectors.EditFunc {
		return func(b connectors.Batch) (connectors.Edit, error) {
			var col connectors.Column
			col.AppendNull()
			return connectors.Edit{Ops: []connectors.Op{connectors.Update},
				Set: []connectors.Assignment{{Field: field, Rows: []bool{true}, Values: col.Array()}}}, nil
		}
	}
	for _, c := range []struct {
		name, table, id string
		edit            connectors.EditFunc
		says            string
	}{
		{"foreign key cycle", "a", "1", deleteAll, "foreign key"},
		{"missing parent", "p", "2", setAll("a_id", "77"), "foreign key"},
		{"duplicate", "p", "2", setAll("email", planted), "unique constraint"},
		{"check", "p", "2", setAll("age", "500"), "check constraint"},
		{"json check", "p", "2", setAll("j", "{"), "check constraint"},
		{"not null", "p", "2", null("email"), "not null"},
		{"too long", "p", "2", setAll("short", planted), "does not fit"},
		{"out of range", "p", "2", setAll("age", "99999999999"), "does not fit"},
		{"not in enum", "p", "2", setAll("kind", "y"), "does not fit"},
		{"no date", "p", "2", setAll("d", planted), "not of the field's type"},
		{"trigger", "guarded", "1", deleteAll, "trigger"},
		{"trigger that puts back", "kept", "1", null("email"), "trigger"},
		{"trigger with an error number of its own", "guarded", "1", setAll("email", "x"), "trigger"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := db.Query(t, "SELECT * FROM a; SELECT * FROM b; SELECT * FROM p; SELECT * FROM guarded; SELECT * FROM kept")
			_, err := mutate(t, src, connectors.Query{Table: c.table, Keys: keys("id", c.id)}, c.edit)
			require.ErrorIs(t, err, connectors.ErrRefused)
			require.NotErrorIs(t, err, connectors.ErrTransient)
			require.Contains(t, err.Error(), "mutate crm table "+c.table)
			require.Contains(t, err.Error(), c.says)
			require.NotContains(t, err.Error(), planted)
			require.Equal(t, before,
				db.Query(t, "SELECT * FROM a; SELECT * FROM b; SELECT * FROM p; SELECT * FROM guarded; SELECT * FROM kept"))
		})
	}
	_, err := mutate(t, src, connectors.Query{Table: "p", Keys: keys("id", "2")}, setAll("age", planted))
	require.ErrorIs(t, err, connectors.ErrConfig)
	require.NotContains(t, err.Error(), planted)
}

// Two mutations lock two rows in opposite order: the server ends one of them.
func TestDeadlockIsTransient(t *testing.T) {
	db := database(t, "CREATE TABLE p (id int PRIMARY KEY, n int)", "INSERT INTO p VALUES (1, 0), (2, 0)")
	src := opened(t, db)
	var meet [2]chan struct{}
	meet[0], meet[1] = make(chan struct{}), make(chan struct{})
	errs := make(chan error, 2)
	for me, order := range [][2]string{{"1", "2"}, {"2", "1"}} {
		go func() {
			locked := false
			_, err := src.(connectors.Mutator).Mutate(t.Context(),
				[]connectors.Query{{Table: "p", Keys: keys("id", order[0])}, {Table: "p", Keys: keys("id", order[1])}},
				func(b connectors.Batch) (connectors.Edit, error) {
					if !locked {
						locked = true
						close(meet[me])
						<-meet[1-me]
					}
					return setAll("n", fmt.Sprint(me+1))(b)
				}, confirmed)
			errs <- err
		}()
	}
	first, second := <-errs, <-errs
	if first == nil {
		first, second = second, first
	}
	require.ErrorIs(t, first, connectors.ErrTransient)
	require.NoError(t, second)
	n := db.Query(t, "SELECT DISTINCT n FROM p")
	require.True(t, n == "1" || n == "2", "one transaction did all, the other nothing")
}

func TestLockTimeoutIsTransient(t *testing.T) {
	t.Parallel()
	db := database(t, "CREATE TABLE p (id int PRIMARY KEY, n int)", "INSERT INTO p VALUES (1, 0)")
	src := opened(t, db)
	_, err := mutate(t, src, connectors.Query{Table: "p", Keys: keys("id", "1")},
		func(b connectors.Batch) (connectors.Edit, error) {
			_, inner := mutate(t, src, connectors.Query{Table: "p", Keys: keys("id", "1")}, deleteAll)
			require.ErrorIs(t, inner, connectors.ErrTransient)
			require.Contains(t, inner.Error(), "lock timeout")
			return deleteAll(b)
		})
	require.NoError(t, err)
	require.Empty(t, db.Query(t, "SELECT * FROM p"))
}

func TestKilledConnectionIsTransient(t *testing.T) {
	db := database(t, "CREATE TABLE p (id int PRIMARY KEY)", "INSERT INTO p VALUES (1)")
	src := opened(t, db)
	_, err := mutate(t, src, connectors.Query{Table: "p", Keys: keys("id", "1")},
		func(b connectors.Batch) (connectors.Edit, error) {
			for _, id := range strings.Fields(db.Query(t, "SELECT id FROM information_schema.processlist WHERE db = "+
				"DATABASE() AND id <> connection_id()")) {
				db.Exec(t, "KILL "+id)
			}
			return deleteAll(b)
		})
	require.ErrorIs(t, err, connectors.ErrTransient)
	require.Equal(t, "1", db.Query(t, "SELECT * FROM p"))
	_, err = mutate(t, src, connectors.Query{Table: "p", Keys: keys("id", "1")}, deleteAll)
	require.NoError(t, err)
}

func TestPanicInEditRollsBack(t *testing.T) {
	db := database(t, "CREATE TABLE p (id int PRIMARY KEY)", "INSERT INTO p VALUES (1)")
	src := opened(t, db)
	require.Panics(t, func() {
		_, _ = mutate(t, src, connectors.Query{Table: "p", Keys: keys("id", "1")},
			func(connectors.Batch) (connectors.Edit, error) { panic("edit") })
	})
	_, err := mutate(t, src, connectors.Query{Table: "p", Keys: keys("id", "1")}, deleteAll)
	require.NoError(t, err, "the row is not locked any more")
}

func TestTablesThatCannotBeRolledBackAreUnsupported(t *testing.T) {
	db := database(t, "CREATE TABLE m (id int PRIMARY KEY) ENGINE = MyISAM",
		"CREATE TABLE v (id int PRIMARY KEY) WITH SYSTEM VERSIONING", "INSERT INTO m VALUES (1)",
		"INSERT INTO v VALUES (1)")
	src := opened(t, db)
	for _, table := range []string{"m", "v"} {
		require.Equal(t, []string{"id"}, catalog(t, src)[table].Key)
		rows, _ := read(t, src, connectors.Query{Table: table})
		require.Equal(t, []string{"1"}, rows)
		_, err := mutate(t, src, connectors.Query{Table: table, Keys: keys("id", "1")}, deleteAll)
		require.ErrorIs(t, err, errors.ErrUnsupported)
		rows, _ = read(t, src, connectors.Query{Table: table})
		require.Equal(t, []string{"1"}, rows)
	}
}

func TestCascadeAmongNamedRows(t *testing.T) {
	db := database(t, "CREATE TABLE tree (id int PRIMARY KEY, up int, FOREIGN KEY (up) REFERENCES tree (id) ON "+
		"DELETE CASCADE)", "INSERT INTO tree VALUES (1, NULL), (2, 1), (3, 2), (4, 4), (5, NULL)")
	src := opened(t, db)
	outcomes, err := mutate(t, src, connectors.Query{Table: "tree", Keys: keys("id", "1", "2", "3", "4")}, deleteAll)
	require.NoError(t, err)
	for _, o := range outcomes {
		require.Equal(t, connectors.Done, o.Status)
	}
	require.Equal(t, "5", db.Query(t, "SELECT id FROM tree"))
}

// The catalog that a source knows may be older than the table.
func TestTableChangedMeanwhile(t *testing.T) {
	db := database(t, "CREATE TABLE p (id int PRIMARY KEY, n int)", "INSERT INTO p VALUES (1, 0)")
	src := opened(t, db)
	catalog(t, src)
	db.Exec(t, "ALTER TABLE p DROP n")
	require.ErrorIs(t, scanError(t, src, connectors.Query{Table: "p"}), connectors.ErrSchemaChanged)
	db.Exec(t, "DROP TABLE p")
	require.ErrorIs(t, scanError(t, src, connectors.Query{Table: "p", Fields: []string{"id"}}),
		connectors.ErrSchemaChanged)
	db.Exec(t, "CREATE TABLE q (id int PRIMARY KEY)")
	require.NoError(t, scanError(t, src, connectors.Query{Table: "q"}), "a table made after the catalog was read")
}
