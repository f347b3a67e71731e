package mysql_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/fixtures/servers"
)

// beside makes a second database on the server, whose tables refer to people of the first.
func beside(t *testing.T) (db, other *servers.Database) {
	db = database(t, "CREATE TABLE people (id int PRIMARY KEY, code varchar(9) UNIQUE, boss int)",
		"CREATE TABLE seen (id int PRIMARY KEY, who int, CONSTRAINT s FOREIGN KEY (who) REFERENCES people (id) ON DELETE CASCADE)",
		"CREATE TABLE `un-seen é` (id int PRIMARY KEY, who int, CONSTRAINT `ü x` FOREIGN KEY (who) REFERENCES people (id) "+
			"ON DELETE SET NULL)", "INSERT INTO people VALUES (1, 'a', 1), (2, 'b', 1), (3, 'c', 1)")
	other = database(t, "CREATE TABLE orders (id int PRIMARY KEY, buyer varchar(9), CONSTRAINT o FOREIGN KEY (buyer) REFERENCES `"+
		db.Name+"`.people (code) ON DELETE CASCADE)", "INSERT INTO orders VALUES (7, 'b')",
		"CREATE TABLE notes (id int PRIMARY KEY, who int, CONSTRAINT n FOREIGN KEY (who) REFERENCES `"+db.Name+"`.people (id))")
	return db, other
}

// outside is what a source knows of the foreign keys that lead to people from outside the catalog.
func outside(t *testing.T, db, other *servers.Database, dsn, applyDSN string) map[string]connectors.Outside {
	src := open(t, dsn, applyDSN)
	defer func() { require.NoError(t, src.Close()) }()
	tables, err := src.Tables(t.Context())
	require.NoError(t, err)
	found := map[string]connectors.Outside{}
	for _, table := range tables {
		require.NotContains(t, table.Name, other.Name, "it is no table of this source")
		for _, o := range table.Outside {
			require.Equal(t, "people", table.Name)
			name := strings.NewReplacer(db.Name+".", "here ", other.Name+".", "there ").Replace(o.Table)
			o.Table = ""
			found[name] = o
		}
	}
	return found
}

func TestWhatRefersFromOutside(t *testing.T) {
	db, other := beside(t)
	orders := connectors.Outside{Fields: []string{"buyer"}, RefFields: []string{"code"}, OnDelete: "CASCADE"}
	notes := connectors.Outside{Fields: []string{"who"}, RefFields: []string{"id"}, OnDelete: "RESTRICT"}
	unseen := connectors.Outside{Fields: []string{"who"}, RefFields: []string{"id"}, OnDelete: "SET NULL", Hidden: true}
	seen := connectors.Outside{Fields: []string{"who"}, RefFields: []string{"id"}, OnDelete: "CASCADE", Hidden: true}
	hidden := func(o connectors.Outside) connectors.Outside { o.Hidden = true; return o }
	const here, there = "SELECT ON %s.*", "SELECT ON $other.*"
	type known = map[string]connectors.Outside
	for name, c := range map[string]struct {
		reads, apply []string
		want         known
	}{
		"one who sees nothing else": {[]string{here}, []string{here}, known{}},
		"one who reads there":       {[]string{here, there}, []string{here}, known{"there orders": orders, "there notes": notes}},
		"one who applies and reads there": {[]string{here}, []string{here, there},
			known{"there orders": hidden(orders), "there notes": hidden(notes)}},
		"one who may do something there, and not read": {[]string{here, "INSERT ON $other.*"}, []string{here},
			known{"there orders": hidden(orders), "there notes": hidden(notes)}},
		"PROCESS": {[]string{here, "PROCESS ON *.*"}, []string{here},
			known{"there orders": hidden(orders), "there notes": hidden(notes)}},
		"PROCESS of who applies, and tables of its own": {[]string{"SELECT ON %s.people"}, []string{here, "PROCESS ON *.*"},
			known{"there orders": hidden(orders), "there notes": hidden(notes), "here un-seen é": unseen, "here seen": seen}},
		"fields only": {[]string{"SELECT ON %s.people", "SELECT (id) ON %s.seen", "PROCESS ON *.*"}, []string{here},
			known{"there orders": hidden(orders), "there notes": hidden(notes), "here un-seen é": unseen, "here seen": seen}},
		"all rights": {[]string{here, "SELECT ON *.*"}, []string{here}, known{"there orders": orders, "there notes": notes}},
	} {
		t.Run(name, func(t *testing.T) {
			with := func(rights []string) (list []string) {
				for _, r := range rights {
					list = append(list, strings.ReplaceAll(r, "$other", "`"+other.Name+"`"))
				}
				return list
			}
			reads, _ := account(t, db, "r", with(c.reads)...)
			apply, _ := account(t, db, "a", with(c.apply)...)
			require.Equal(t, c.want, outside(t, db, other, reads, apply))
		})
	}
}

// The rows that refer from another database are answered by the keys that they refer to.
func TestRowsOfAnotherDatabase(t *testing.T) {
	db, other := beside(t)
	src := opened(t, db)
	q := connectors.Query{Table: other.Name + ".orders", Fields: []string{"buyer"}, Keys: keys("buyer", "x", "b")}
	q.Keys.Of = &connectors.Referred{Table: "people", Fields: []string{"code"}}
	var rows []string
	for b, err := range src.Scan(t.Context(), q) {
		require.NoError(t, err)
		rows = append(rows, texts(b)...)
		require.Equal(t, []int{1}, b.Tuples)
	}
	require.Equal(t, []string{"b"}, rows)
}

func TestForeseeReferrers(t *testing.T) {
	db, other := beside(t)
	use := connectors.Use{Table: "people", Delete: true}
	said := func(t *testing.T, rights ...string) (found []connectors.Obstacle, said string) {
		dsn, _ := account(t, db, "a", append(rights, "SELECT, UPDATE, DELETE, TRIGGER ON %s.*")...)
		found, said = foresee(t, db, dsn, dsn, use)
		for _, o := range found {
			require.True(t, o.Doubt)
		}
		return found, strings.ReplaceAll(said, other.Name, "OTHER")
	}
	t.Run("nothing is seen", func(t *testing.T) {
		found, text := said(t)
		require.Len(t, found, 1)
		require.True(t, found[0].Referrers)
		require.Contains(t, text, "GRANT PROCESS ON *.* TO 'a'@'%'")
	})
	t.Run("rows are not seen", func(t *testing.T) {
		_, text := said(t, "PROCESS ON *.*")
		require.Equal(t, "table people: dsn: table OTHER.orders, whose rows may not be seen, refers to it ON DELETE CASCADE: no row "+
			"is deleted, since the server would change those too: GRANT SELECT ON `OTHER`.`orders` TO 'a'@'%'\n", text)
	})
	t.Run("rows are seen", func(t *testing.T) {
		_, text := said(t, "SELECT ON *.*")
		require.Equal(t, "table people: dsn: table OTHER.notes, which is not of this source, refers to it: a row that one of it "+
			"refers to is kept until that one is gone\ntable people: dsn: table OTHER.orders, which is not of this source, refers "+
			"to it ON DELETE CASCADE: a row that one of it refers to is kept until that one is gone\n", text)
	})
	_, text := foresee(t, db, db.DSN(), db.DSN(), connectors.Use{Table: "people", Lock: true})
	require.Empty(t, text, "nothing is deleted")
}

// A trigger that cannot run refuses the row; a right that the account itself lacks does not.
func TestATriggerThatCannotRunRefuses(t *testing.T) {
	for name, c := range map[string]struct{ trigger, after string }{
		"definer":           {"INSERT INTO log VALUES (OLD.id)", "DROP USER $definer"},
		"definer's TRIGGER": {"INSERT INTO log VALUES (OLD.id)", "REVOKE TRIGGER ON $db.* FROM $definer"},
		"definer's INSERT":  {"INSERT INTO log VALUES (OLD.id)", "REVOKE INSERT ON $db.* FROM $definer"},
		"table":             {"INSERT INTO log VALUES (OLD.id)", "DROP TABLE log"},
		"field":             {"INSERT INTO log (n) VALUES (OLD.id)", "ALTER TABLE log RENAME COLUMN n TO m"},
		"function":          {"SET @x = fold(OLD.id)", "DROP FUNCTION fold"},
		"EXECUTE":           {"SET @x = fold(OLD.id)", "REVOKE EXECUTE ON $db.* FROM $definer"},
	} {
		t.Run(name, func(t *testing.T) {
			db := database(t, "CREATE TABLE people (id int PRIMARY KEY)", "INSERT INTO people VALUES (1)", "CREATE TABLE log (n int)",
				"CREATE FUNCTION fold(x int) RETURNS int RETURN x")
			definer := "'" + db.Name + "_d'@'%'"
			sql := strings.NewReplacer("$definer", definer, "$db", "`"+db.Name+"`")
			db.Exec(t, sql.Replace("CREATE USER $definer; GRANT SELECT, INSERT, TRIGGER, EXECUTE ON $db.* TO $definer; "+
				"CREATE DEFINER = $definer TRIGGER t BEFORE DELETE ON people FOR EACH ROW "+c.trigger+"; "+c.after+";"))
			t.Cleanup(func() { db.Exec(t, "DROP USER IF EXISTS "+definer+";") })
			dsn, _ := account(t, db, "a", "SELECT, UPDATE, DELETE ON %s.*")
			src := open(t, dsn, dsn)
			defer func() { require.NoError(t, src.Close()) }()
			_, err := mutate(t, src, connectors.Query{Table: "people", Keys: keys("id", "1")}, deleteAll)
			var refused *connectors.RefusedError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, connectors.RefusedError{Class: connectors.RefusedTrigger, By: "people"}, *refused)
			require.Equal(t, "1", db.Query(t, "SELECT COUNT(*) FROM people"))
		})
	}
	db := database(t, "CREATE TABLE people (id int PRIMARY KEY)", "INSERT INTO people VALUES (1)")
	dsn, _ := account(t, db, "a", "SELECT, UPDATE, LOCK TABLES ON %s.*")
	src := open(t, dsn, dsn)
	defer func() { require.NoError(t, src.Close()) }()
	_, err := mutate(t, src, connectors.Query{Table: "people", Keys: keys("id", "1")}, deleteAll)
	require.ErrorIs(t, err, connectors.ErrDenied)
}
