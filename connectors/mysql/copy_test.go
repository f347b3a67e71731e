package mysql_test

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/fixtures/servers"
)

// copyOf says what the copies of these tests hold.
func copyOf(of connectors.Table, views ...connectors.CopyView) connectors.Copy {
	return connectors.Copy{Name: "lethe_crm_" + of.Name, Of: of, Key: []string{"purpose"}, Views: views,
		Fields: []connectors.Field{
			{Name: "purpose", Kind: connectors.Text, Length: 64}, {Name: "until", Kind: connectors.Timestamp,
				Nullable: true}}}
}

// permitted makes a row of such a copy for each key, for a purpose and for ever.
func permitted(t *testing.T, table connectors.Table, purpose string, keys ...connectors.Key) arrow.Record {
	b, err := connectors.NewBuilder(table, nil)
	require.NoError(t, err)
	for _, key := range keys {
		values, err := key.Values()
		require.NoError(t, err)
		for i, v := range append(values, []byte(purpose)) {
			b.Append(i, v)
		}
		b.AppendNull(len(values) + 1)
		b.EndRow()
	}
	return b.Batch("").Rows
}

func ensure(t *testing.T, src connectors.Source, c connectors.Copy) connectors.Table {
	t.Helper()
	table, err := src.(connectors.CopyKeeper).EnsureCopy(t.Context(), c)
	require.NoError(t, err)
	table.Rows = 0 // an estimate
	return table
}

// socket is the DSN of another session of the superuser, with parameters.
func socket(db *servers.Database, parameters string) string {
	return "root:" + db.Server.Password + "@unix(" + db.Server.Socket + ")/" + db.Name + "?" + parameters
}

// Keys of every type are declared in a copy as in the application's table, down to the collation, and
// without what the server puts in by itself.
func TestCopyOfEveryTypeOfKey(t *testing.T) {
	var statements []string
	for i, c := range append(keyTypes, keyTypes[0]) {
		part := ""
		if c.declared == "text" {
			part = "(5)"
		}
		extra := map[string]string{"timestamp": "DEFAULT current_timestamp() ON UPDATE current_timestamp()",
			"tinyint": "AUTO_INCREMENT"}[c.declared]
		create := fmt.Sprintf("CREATE TABLE t%d (n int, k %s NOT NULL %s, PRIMARY KEY (k%s)) COLLATE "+
			"utf8mb4_swedish_ci", i, c.declared, extra, part)
		statements = append(statements, create, fmt.Sprintf("INSERT INTO t%d VALUES (1, %s)", i,
			strings.Join(c.values, "), (1, ")))
	}
	db := database(t, statements...)
	src := opened(t, db)
	tables := catalog(t, src)
	for i, c := range keyTypes {
		name := fmt.Sprintf("t%d", i)
		cp := copyOf(tables[name])
		cp.Views = []connectors.CopyView{{Name: cp.Name + "_mail", Fields: []string{"k"},
			Where: map[string]string{"purpose": "mail"}, Until: "until"}}
		made := ensure(t, src, cp)
		require.False(t, made.Fields[0].AutoUpdate, c.name)
		declared := "SELECT COLUMN_TYPE, CHARACTER_SET_NAME, COLLATION_NAME FROM information_schema.COLUMNS WHERE " +
			"TABLE_SCHEMA = DATABASE() AND COLUMN_NAME = 'k' AND TABLE_NAME = "
		require.Equal(t, db.Query(t, declared+"'"+name+"'"), db.Query(t, declared+"'"+cp.Name+"'"), c.name)
		require.Equal(t, "",
			db.Query(t, "SELECT EXTRA FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND "+
				"COLUMN_NAME = 'k' AND TABLE_NAME = '"+cp.Name+"'"))

		want, _ := read(t, src, connectors.Query{Table: name, Fields: []string{"k"}})
		var keys []connectors.Key
		for _, v := range want {
			keys = append(keys, connectors.MakeKey([]byte(v)))
		}
		keeper := src.(connectors.CopyKeeper)
		for range 2 {
			require.NoError(t, keeper.WriteCopy(t.Context(), made, permitted(t, made, "mail", keys...), nil), c.name)
			require.Equal(t, made, ensure(t, src, cp), c.name)
		}
		got, _ := read(t, src, connectors.Query{Table: made.Name, Fields: []string{"k"}, MaxRows: 2})
		require.Equal(t, want, got, c.name)
		require.Equal(t, fmt.Sprint(len(want)), db.Query(t, "SELECT COUNT(*) FROM "+cp.Views[0].Name), c.name)
		for i := range keys {
			keys[i] += connectors.MakeKey([]byte("mail"))
		}
		require.NoError(t, keeper.WriteCopy(t.Context(), made, nil, keys[1:]), c.name)
		got, _ = read(t, src, connectors.Query{Table: made.Name, Fields: []string{"k"}})
		require.Equal(t, want[:1], got, c.name)
	}
}

// The rights that the package documentation lists are enough, and an application needs no more than to read
// the view.
func TestCopyRights(t *testing.T) {
	db := database(t, "CREATE TABLE p (id int PRIMARY KEY, mail varchar(20), secret varchar(20))",
		"INSERT INTO p VALUES (1, 'a', 'x'), (2, 'b', 'y')")
	grant := func(name, rights string, on ...string) string {
		user := fmt.Sprintf("'%s_%s'@'%%'", db.Name, name)
		db.Exec(t, "CREATE USER "+user+" IDENTIFIED BY 'secret' REQUIRE SSL")
		for _, o := range on {
			db.Exec(t, fmt.Sprintf("GRANT %s ON `%s`.%s TO %s", rights, db.Name, o, user))
		}
		t.Cleanup(func() { db.Exec(t, "DROP USER IF EXISTS "+user) })
		return db.DSNAs(db.Name+"_"+name, "secret")
	}
	lethe := grant("lethe", "SELECT, SHOW VIEW", "*")
	user := fmt.Sprintf("'%s_lethe'@'%%'", db.Name)
	db.Exec(t, fmt.Sprintf("GRANT CREATE, DROP, INSERT, UPDATE, DELETE ON `%s`.lethe_crm_p TO %s", db.Name, user))
	db.Exec(t, fmt.Sprintf("GRANT CREATE, CREATE VIEW, DROP ON `%s`.lethe_crm_p_mail TO %s", db.Name, user))
	src := open(t, lethe, lethe)
	defer func() { require.NoError(t, src.Close()) }()
	c := copyOf(catalog(t, src)["p"], connectors.CopyView{Name: "lethe_crm_p_mail", Fields: []string{"id", "mail"},
		Where: map[string]string{"purpose": "mail"}, Until: "until"})
	require.NoError(t, src.(connectors.CopyKeeper).CheckCopy(t.Context(), c))
	made := ensure(t, src, c)
	require.NoError(t, src.(connectors.CopyKeeper).CheckCopy(t.Context(), c))
	key := connectors.MakeKey([]byte("1"))
	require.NoError(t, src.(connectors.CopyKeeper).WriteCopy(t.Context(), made, permitted(t, made, "mail", key), nil))
	require.NoError(t, src.(connectors.CopyKeeper).WriteCopy(t.Context(), made, nil,
		[]connectors.Key{connectors.MakeKey([]byte("2"), []byte("mail"))}))

	application, err := sql.Open("mysql", strings.Replace(socket(db, ""), "root:"+db.Server.Password,
		db.Name+"_app:secret", 1))
	require.NoError(t, err)
	defer func() { require.NoError(t, application.Close()) }()
	grant("app", "SELECT", "lethe_crm_p_mail")
	db.Exec(t, fmt.Sprintf("ALTER USER '%s_app'@'%%' REQUIRE NONE", db.Name))
	var id, mail string
	require.NoError(t, application.QueryRow("SELECT * FROM lethe_crm_p_mail").Scan(&id, &mail))
	require.Equal(t, "1 a", id+" "+mail)
	for _, statement := range []string{"SELECT id FROM p", "SELECT id FROM lethe_crm_p",
		"UPDATE lethe_crm_p_mail SET mail = 'c'", "DELETE FROM lethe_crm_p_mail", "SHOW CREATE VIEW lethe_crm_p_mail"} {
		_, err := application.Exec(statement)
		require.ErrorContains(t, err, "denied", statement)
	}

	// Another user takes the views over, whose own the first one's rights were.
	other := open(t, db.DSN(), db.DSN())
	defer func() { require.NoError(t, other.Close()) }()
	require.Equal(t, made, ensure(t, other, c))
	db.Exec(t, fmt.Sprintf("DROP USER '%s_lethe'@'%%'", db.Name))
	require.NoError(t, application.QueryRow("SELECT * FROM lethe_crm_p_mail").Scan(&id, &mail))
	require.NoError(t, other.(connectors.CopyKeeper).DropCopy(t.Context(), c.Name))
}

func TestCopyWithoutRightsIsDenied(t *testing.T) {
	db := database(t, "CREATE TABLE p (id int PRIMARY KEY)")
	readOnly := user(t, db, "SELECT")
	poor := open(t, readOnly, readOnly)
	defer func() { require.NoError(t, poor.Close()) }()
	c := copyOf(catalog(t, poor)["p"], connectors.CopyView{Name: "lethe_crm_p_v", Fields: []string{"id"}})
	err := poor.(connectors.CopyKeeper).CheckCopy(t.Context(), c)
	require.ErrorIs(t, err, connectors.ErrDenied)
	require.ErrorContains(t, err, "the user of apply_dsn lacks CREATE, DROP, INSERT, UPDATE, DELETE on lethe_crm_p; "+
		"CREATE VIEW, DROP on lethe_crm_p_v; SHOW VIEW on p")
	_, err = poor.(connectors.CopyKeeper).EnsureCopy(t.Context(), c)
	require.ErrorIs(t, err, connectors.ErrDenied)
	ensure(t, opened(t, db), c)
	_, err = poor.(connectors.CopyKeeper).EnsureCopy(t.Context(), c)
	require.ErrorIs(t, err, connectors.ErrDenied)
	require.ErrorContains(t, err, "SHOW VIEW")
}

// What is as it should be is not made again, though the application reads it in an open transaction; what
// is not is waited for only so long.
func TestCopyOfABusyApplication(t *testing.T) {
	t.Parallel()
	db := database(t, "CREATE TABLE p (id int PRIMARY KEY, name varchar(9))", "INSERT INTO p VALUES (1, 'a')")
	src := opened(t, db)
	c := copyOf(catalog(t, src)["p"], connectors.CopyView{Name: "lethe_crm_p_v", Fields: []string{"id"},
		Where: map[string]string{"purpose": "ü😀'\\"}, Until: "until"})
	made := ensure(t, src, c)
	application, err := sql.Open("mysql", socket(db, ""))
	require.NoError(t, err)
	defer func() { require.NoError(t, application.Close()) }()
	tx, err := application.Begin()
	require.NoError(t, err)
	t.Cleanup(func() { _ = tx.Rollback() }) // or the database could not be dropped
	for _, statement := range []string{"DO (SELECT COUNT(*) FROM lethe_crm_p_v)", "UPDATE p SET name = 'b'",
		"INSERT INTO lethe_crm_p VALUES (1, 'mail', NULL)"} {
		_, err = tx.Exec(statement)
		require.NoError(t, err)
	}
	require.Equal(t, made, ensure(t, opened(t, db), c))

	t.Run("waiting", func(t *testing.T) {
		t.Run("for the row", func(t *testing.T) {
			t.Parallel()
			err := src.(connectors.CopyKeeper).WriteCopy(t.Context(), made,
				permitted(t, made, "mail", connectors.MakeKey([]byte("1"))), nil)
			require.ErrorIs(t, err, connectors.ErrTransient)
		})
		t.Run("for the view", func(t *testing.T) {
			t.Parallel()
			changed := c
			changed.Views = []connectors.CopyView{c.Views[0]}
			changed.Views[0].Fields = []string{"id", "name"}
			_, err := src.(connectors.CopyKeeper).EnsureCopy(t.Context(), changed)
			require.ErrorIs(t, err, connectors.ErrTransient)
		})
		t.Run("for the table", func(t *testing.T) {
			t.Parallel()
			require.ErrorIs(t, opened(t, db).(connectors.CopyKeeper).DropCopy(t.Context(), c.Name),
				connectors.ErrTransient)
		})
	})
	require.NoError(t, tx.Rollback())
	require.Equal(t, made, ensure(t, src, c))
}

// A view shows the same rows whatever the session that reads it is set to.
func TestCopyViewInAnySession(t *testing.T) {
	const purpose = `it's ü😀 \ "x"`
	db := database(t, "CREATE TABLE p (id int PRIMARY KEY)", "INSERT INTO p VALUES (1), (2)")
	src := opened(t, db)
	c := copyOf(catalog(t, src)["p"], connectors.CopyView{Name: "lethe_crm_p_v", Fields: []string{"id"},
		Where: map[string]string{"purpose": purpose}, Until: "until"})
	made := ensure(t, src, c)
	require.NoError(t, src.(connectors.CopyKeeper).WriteCopy(t.Context(), made,
		permitted(t, made, purpose, connectors.MakeKey([]byte("2"))), nil))
	for _, parameters := range []string{"", "charset=latin1",
		"sql_mode=%27ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT%27", "sql_mode=ORACLE", "sql_mode=%27%27"} {
		_, rows := readView(t, socket(db, parameters), "lethe_crm_p_v")
		require.Equal(t, [][]any{{"2"}}, rows, parameters)
	}
	for until, want := range map[time.Duration][][]any{time.Hour: {{"2"}}, -time.Second: nil} {
		db.Exec(t, "UPDATE lethe_crm_p SET until = '"+time.Now().UTC().Add(until).Format(time.DateTime)+"'")
		for _, zone := range []string{"-12:00", "%2B00:00", "%2B13:00", "SYSTEM"} {
			_, rows := readView(t, socket(db, "time_zone=%27"+zone+"%27"), "lethe_crm_p_v")
			require.Equal(t, want, rows, "%s, in a session of zone %s", until, zone)
		}
	}
}

func TestCopyLeavesWhatOthersMade(t *testing.T) {
	db := database(t, "CREATE TABLE p (id int PRIMARY KEY)", "CREATE VIEW lethe_crm_p_own AS SELECT id FROM p",
		"CREATE TABLE lethe_crm_q (id int NOT NULL, purpose varchar(64) COLLATE utf8mb4_bin NOT NULL, until date, "+
			"PRIMARY KEY (id, purpose))", "CREATE TABLE q (id int PRIMARY KEY)",
		"CREATE SEQUENCE lethe_crm_r", "CREATE TABLE r (id int PRIMARY KEY)")
	src := opened(t, db)
	tables := catalog(t, src)
	c := copyOf(tables["p"], connectors.CopyView{Name: "lethe_crm_p_v", Fields: []string{"id"}})
	ensure(t, src, c)
	db.Exec(t, "CREATE VIEW lethe_crm_p_mine AS SELECT id FROM lethe_crm_p")
	c.Views = nil
	ensure(t, src, c)
	require.Equal(t, "lethe_crm_p_mine\nlethe_crm_p_own",
		db.Query(t, "SELECT TABLE_NAME FROM information_schema.VIEWS WHERE TABLE_SCHEMA = DATABASE() ORDER BY 1"))
	c.Views = []connectors.CopyView{{Name: "lethe_crm_p_own", Fields: []string{"id"}}}
	for _, taken := range []connectors.Copy{c, copyOf(tables["q"]), copyOf(tables["r"])} {
		_, err := src.(connectors.CopyKeeper).EnsureCopy(t.Context(), taken)
		require.ErrorIs(t, err, connectors.ErrRefused, taken.Name)
	}
	db.Exec(t, "ALTER TABLE p MODIFY id bigint")
	c.Views = nil
	_, err := src.(connectors.CopyKeeper).EnsureCopy(t.Context(), c)
	require.ErrorIs(t, err, connectors.ErrRefused, "the key is another since")
	require.ErrorContains(t, err, "field id is declared `id` int(11) NOT NULL, and is to be `id` bigint(20) NOT NULL")
}

func TestCopyNamesAndKeysTooLong(t *testing.T) {
	db := database(t, "CREATE TABLE p (id int PRIMARY KEY)", "CREATE TABLE wide (id varchar(760) PRIMARY KEY)")
	src := opened(t, db)
	tables := catalog(t, src)
	for name, want := range map[string]error{
		strings.Repeat("x", 62): nil, strings.Repeat("x", 63): connectors.ErrConfig, strings.Repeat("漢", 40): nil,
		strings.Repeat("漢", 62): connectors.ErrConfig, "lethe😀": connectors.ErrConfig, "ends ": connectors.ErrConfig,
	} {
		c := copyOf(tables["p"])
		c.Name = name
		c.Views = []connectors.CopyView{{Name: name + "_v", Fields: []string{"id"}}}
		_, err := src.(connectors.CopyKeeper).EnsureCopy(t.Context(), c)
		if want == nil {
			require.NoError(t, err, name)
		} else {
			require.ErrorIs(t, err, want, name)
		}
	}
	require.Equal(t, "4",
		db.Query(t, "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = "+
			"'BASE TABLE'"), "nothing of what cannot be is made")
	_, err := src.(connectors.CopyKeeper).EnsureCopy(t.Context(), copyOf(tables["wide"]))
	require.ErrorIs(t, err, connectors.ErrConfig)
	var placed *connectors.Error
	require.True(t, errors.As(err, &placed))
	require.Equal(t, "lethe_crm_wide", placed.Table)
}
