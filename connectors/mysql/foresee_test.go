package mysql_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/fixtures/servers"
)

// account makes a user with rights that are granted one by one, and returns its DSN and its name as in GRANT.
// %s in a right is the database.
func account(t *testing.T, db *servers.Database, suffix string, rights ...string) (dsn, grantee string) {
	name := db.Name + "_" + suffix
	grantee = "'" + name + "'@'%'"
	db.Exec(t, "CREATE USER "+grantee+" IDENTIFIED BY 'secret' REQUIRE SSL;")
	t.Cleanup(func() { db.Exec(t, "DROP USER "+grantee+";") })
	for _, right := range rights {
		db.Exec(t, "GRANT "+strings.ReplaceAll(right, "%s", "`"+db.Name+"`")+" TO "+grantee+";")
	}
	return db.DSNAs(name, "secret"), grantee
}

// foresee asks a source what stands in the way, and returns it without database and users: a line each.
func foresee(t *testing.T, db *servers.Database, dsn, applyDSN string, uses ...connectors.Use) (found []connectors.Obstacle,
	said string) {
	t.Helper()
	src := open(t, dsn, applyDSN)
	found, err := src.(connectors.Foreseer).Foresee(t.Context(), uses)
	require.NoError(t, err)
	require.NoError(t, src.Close())
	for _, o := range found {
		o.User = ""
		said += strings.ReplaceAll(strings.ReplaceAll(o.String(), db.Name+"_", ""), "`"+db.Name+"`", "DB") + "\n"
		require.NotContains(t, said, "secret")
	}
	return found, said
}

const foreseen = "CREATE TABLE people (id int PRIMARY KEY, name varchar(20), email varchar(50), note text)"

var peopleUse = connectors.Use{Table: "people", Lock: true, Update: []string{"name", "email"}, Delete: true}

func TestForeseeRights(t *testing.T) {
	const blind = "apply_dsn: may not see triggers, so that it is not known whether those of the tables to be changed can " +
		"run: GRANT TRIGGER ON DB.* TO 'a'@'%', or have an administrator look at SHOW TRIGGERS FROM DB\n"
	for _, c := range []struct {
		name         string
		reads, apply []string
		use          connectors.Use
		want         string
	}{
		{"all that is documented", []string{"SELECT ON %s.*"}, []string{"SELECT, UPDATE, DELETE, TRIGGER ON %s.*"}, peopleUse, ""},
		{"exactly what is needed", []string{"SELECT ON %s.*"},
			[]string{"SELECT, DELETE, TRIGGER, UPDATE (name, email) ON %s.people"}, peopleUse, ""},
		{"no UPDATE of one field", []string{"SELECT ON %s.*"},
			[]string{"SELECT, DELETE, TRIGGER, UPDATE (name) ON %s.people"}, peopleUse,
			"table people: apply_dsn: lacks UPDATE on email: GRANT UPDATE (`email`) ON DB.`people` TO 'a'@'%'\n"},
		{"no DELETE and no UPDATE", []string{"SELECT ON %s.*"}, []string{"SELECT, TRIGGER, LOCK TABLES ON %s.*"}, peopleUse,
			"table people: apply_dsn: lacks UPDATE on name, email: GRANT UPDATE (`name`, `email`) ON DB.`people` TO 'a'@'%'\n" +
				"table people: apply_dsn: lacks DELETE: GRANT DELETE ON DB.`people` TO 'a'@'%'\n"},
		{"nothing but reading", []string{"SELECT ON %s.*"}, []string{"SELECT ON %s.*"},
			connectors.Use{Table: "people"}, ""},
		{"no SELECT of one field", []string{"SELECT ON %s.*"},
			[]string{"SELECT (id, name, email), UPDATE, DELETE, TRIGGER ON %s.people"}, peopleUse,
			"table people: apply_dsn: lacks SELECT on note: GRANT SELECT (`note`) ON DB.`people` TO 'a'@'%'\n"},
		{"no SELECT", []string{"INSERT ON %s.*"}, []string{"SELECT, UPDATE, DELETE, TRIGGER ON %s.*"}, peopleUse,
			"table people: dsn: lacks SELECT: GRANT SELECT ON DB.`people` TO 'r'@'%'\n"},
		{"a table that is not seen", []string{"SELECT ON %s.*"}, []string{"SELECT ON %s.other"}, peopleUse,
			"table people: apply_dsn: there is no such table, or none that may be seen\n" + blind},
		{"fields that only one sees", []string{"SELECT (id, name, email) ON %s.people"},
			[]string{"SELECT, UPDATE, DELETE, TRIGGER ON %s.*"}, peopleUse,
			"table people: dsn: does not see field note, which the user of apply_dsn sees, so that " +
				"nobody looks at it: GRANT SELECT (`note`) ON DB.`people` TO 'r'@'%'\n"},
		{"triggers that are not seen", []string{"SELECT ON %s.*"}, []string{"SELECT, UPDATE, DELETE ON %s.*"}, peopleUse,
			blind},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := database(t, foreseen, "CREATE TABLE other (id int PRIMARY KEY)", "INSERT INTO people (id) VALUES (1)")
			reads, _ := account(t, db, "r", append(c.reads, "PROCESS ON *.*")...)
			apply, _ := account(t, db, "a", c.apply...)
			found, said := foresee(t, db, reads, apply, c.use)
			require.Equal(t, c.want, said)
			for _, o := range found {
				suffix := "r"
				if o.DSN == "apply_dsn" {
					suffix = "a"
				}
				require.Equal(t, fmt.Sprintf("user %s_%s@127.0.0.1, account '%[1]s_%[2]s'@'%%'", db.Name, suffix), o.User)
			}
			require.Equal(t, "1", db.Query(t, "SELECT id FROM people"))
		})
	}
}

func TestForeseeARightOfARole(t *testing.T) {
	db := database(t, foreseen)
	role := db.Name + "_role"
	db.Exec(t, fmt.Sprintf("CREATE ROLE %s; GRANT UPDATE, DELETE, TRIGGER ON `%s`.* TO %[1]s;", role, db.Name))
	t.Cleanup(func() { db.Exec(t, "DROP ROLE "+role+";") })
	dsn, grantee := account(t, db, "a", "SELECT ON %s.*", "PROCESS ON *.*")
	db.Exec(t, fmt.Sprintf("GRANT %s TO %s; SET DEFAULT ROLE %[1]s FOR %[2]s;", role, grantee))
	_, said := foresee(t, db, dsn, dsn, peopleUse)
	require.Empty(t, said)
}

func TestForeseeTablesThatCannotBeChanged(t *testing.T) {
	db := database(t, foreseen, "ALTER TABLE people ENGINE = MyISAM",
		"CREATE TABLE kept (id int PRIMARY KEY) WITH SYSTEM VERSIONING", "CREATE TABLE keyless (id int)",
		"CREATE TABLE computed (id int PRIMARY KEY, low int AS (id + 1))")
	_, said := foresee(t, db, db.DSN(), db.DSN(), peopleUse, connectors.Use{Table: "kept", Delete: true},
		connectors.Use{Table: "keyless", Lock: true}, connectors.Use{Table: "computed", Update: []string{"low"}})
	require.Equal(t, "table people: apply_dsn: the table's storage engine has no transactions, so that a change could not be "+
		"taken back: ALTER TABLE DB.`people` ENGINE = InnoDB\n"+
		"table kept: apply_dsn: the server keeps the old versions of its rows (system versioning), so that nothing would be "+
		"erased: ALTER TABLE DB.`kept` DROP SYSTEM VERSIONING\n"+
		"table keyless: apply_dsn: rows of a table without a key cannot be changed in place: give it a primary key of "+
		"whole numbers or of text, or a unique constraint of fields that are NOT NULL: one of rounded numbers names no row\n"+
		"table computed: apply_dsn: field low is computed by the engine and cannot be set\n", said)
}

func TestForeseeTriggersThatCannotRun(t *testing.T) {
	archive := "CREATE TABLE archive (id int AUTO_INCREMENT PRIMARY KEY, who int)"
	insert := "INSERT INTO archive (who) VALUES (OLD.id)"
	for _, c := range []struct {
		name, setup, trigger, after string
		use                         connectors.Use
		want                        string
	}{
		{"all is there", archive, "BEFORE DELETE ON people FOR EACH ROW " + insert, "", peopleUse, ""},
		{"a table", archive, "BEFORE DELETE ON people FOR EACH ROW " + insert, "DROP TABLE archive", peopleUse,
			"table people: apply_dsn: trigger t (at DELETE) takes table archive, which is not there: have whoever made it mend " +
				"or drop the trigger\n"},
		{"a table of a trigger that does not run", archive, "BEFORE DELETE ON people FOR EACH ROW " + insert,
			"DROP TABLE archive", connectors.Use{Table: "people", Update: []string{"name"}}, ""},
		{"a view", archive + "; CREATE VIEW old AS SELECT * FROM archive", "AFTER UPDATE ON people FOR EACH ROW INSERT INTO old " +
			"(who) VALUES (1)", "DROP TABLE archive", peopleUse,
			"table people: apply_dsn: trigger t (at UPDATE) takes view old, which names what is not there: have whoever made it " +
				"mend or drop the trigger\n"},
		{"a function", "CREATE FUNCTION fold(x text) RETURNS text RETURN x", "BEFORE UPDATE ON people FOR EACH ROW SET " +
			"NEW.note = fold(CONCAT(NEW.name, UPPER(NEW.email)))", "DROP FUNCTION fold", peopleUse,
			"table people: apply_dsn: trigger t (at UPDATE) takes function fold, which is not there: have whoever made it mend " +
				"or drop the trigger\n"},
		{"a procedure", "CREATE PROCEDURE tell() SET @x = 1", "BEFORE UPDATE ON people FOR EACH ROW CALL tell()",
			"DROP PROCEDURE tell", peopleUse, "table people: apply_dsn: trigger t (at UPDATE) takes procedure tell, which is not " +
				"there: have whoever made it mend or drop the trigger\n"},
		{"a definer", archive, "BEFORE DELETE ON people FOR EACH ROW " + insert, "DROP USER $definer", peopleUse,
			"table people: apply_dsn: trigger t (at DELETE) runs as 'd'@'%', an account that the server does not have: have an " +
				"administrator make the account, or the trigger anew with another DEFINER\n"},
		{"a definer's TRIGGER", archive, "BEFORE DELETE ON people FOR EACH ROW " + insert,
			"REVOKE TRIGGER ON $db.* FROM $definer", peopleUse, "table people: apply_dsn: trigger t (at DELETE) runs as 'd'@'%', " +
				"who lacks TRIGGER: GRANT TRIGGER ON DB.`people` TO 'd'@'%'\n"},
		{"a definer's INSERT", archive, "BEFORE DELETE ON people FOR EACH ROW " + insert,
			"REVOKE INSERT ON $db.* FROM $definer", peopleUse, "table people: apply_dsn: trigger t (at DELETE) runs as 'd'@'%', " +
				"who lacks INSERT on table archive: GRANT INSERT ON DB.`archive` TO 'd'@'%'\n"},
		{"a trigger of the trigger's table", archive + "; CREATE TABLE gone (id int); CREATE TRIGGER deeper AFTER INSERT ON " +
			"archive FOR EACH ROW INSERT INTO gone VALUES (1)", "BEFORE DELETE ON people FOR EACH ROW " + insert,
			"DROP TABLE gone", peopleUse, "table archive: apply_dsn: trigger deeper (at INSERT) takes table gone, which is not " +
				"there: have whoever made it mend or drop the trigger\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := database(t, foreseen, "INSERT INTO people (id) VALUES (1)", c.setup)
			definer := "'" + db.Name + "_d'@'%'"
			db.Exec(t, fmt.Sprintf("CREATE USER %s; GRANT ALL ON `%s`.* TO %[1]s; CREATE DEFINER = %[1]s TRIGGER t %[3]s;", definer,
				db.Name, c.trigger))
			t.Cleanup(func() { db.Exec(t, "DROP USER IF EXISTS "+definer+";") })
			state := "SELECT AUTO_INCREMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'archive'"
			if c.after != "" {
				db.Exec(t, strings.NewReplacer("$definer", definer, "$db", "`"+db.Name+"`").Replace(c.after)+";")
			}
			before := db.Query(t, state)
			_, said := foresee(t, db, db.DSN(), db.DSN(), c.use)
			require.Equal(t, c.want, said)
			require.Equal(t, before, db.Query(t, state))
		})
	}
}

// A user who may see triggers, and not who there is, is in doubt and says so.
func TestForeseeWhoTriggersRunAs(t *testing.T) {
	db := database(t, foreseen, "CREATE TABLE archive (id int PRIMARY KEY)")
	db.Exec(t, "DELIMITER //\nCREATE TRIGGER t BEFORE DELETE ON people FOR EACH ROW BEGIN INSERT INTO archive VALUES "+
		"(fold(OLD.id)); INSERT INTO elsewhere.log VALUES (ABS(OLD.id)); CALL tell(); END//")
	dsn, _ := account(t, db, "a", "SELECT, UPDATE, DELETE, TRIGGER ON %s.*", "PROCESS ON *.*")
	found, said := foresee(t, db, dsn, dsn, peopleUse)
	require.Equal(t, "table people: apply_dsn: may not see whether there is the account 'root'@'%', as which triggers run, and "+
		"its rights: have an administrator look at SHOW GRANTS FOR 'root'@'%'\n"+
		"apply_dsn: may not see whether what triggers take is there: fold, elsewhere.log, tell: have an administrator look for "+
		"it\n", said)
	require.True(t, found[0].Doubt)
	require.True(t, found[1].Doubt)
}
