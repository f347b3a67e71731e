package postgres_test

import (
	"context"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/connectortest"
	"lethe/connectors/postgres"
	"lethe/fixtures/servers"
)

// role makes a role that may log in, with some statements about it, and returns its DSN. %s in them is its name.
func role(t *testing.T, db *servers.Database, name string, statements ...string) string {
	quoted := dialect.Name(db.Name + "_" + name)
	db.Exec(t, "CREATE ROLE "+quoted+" LOGIN PASSWORD 'secret';")
	t.Cleanup(func() { db.Exec(t, "DROP OWNED BY "+quoted+"; DROP ROLE "+quoted) })
	for _, s := range statements {
		db.Exec(t, strings.ReplaceAll(s, "%s", quoted))
	}
	return db.DSNAs(db.Name+"_"+name, "secret")
}

func TestUserWithDocumentedRightsCanApply(t *testing.T) {
	db := database(t, "CREATE SCHEMA s", "CREATE TABLE s.p (id int PRIMARY KEY, name varchar(20))",
		"INSERT INTO s.p VALUES (1, 'a'), (2, 'b')")
	reads := role(t, db, "r", "GRANT USAGE ON SCHEMA public, s TO %s", "GRANT SELECT ON ALL TABLES IN SCHEMA public, s TO %s")
	changes := role(t, db, "a", "GRANT USAGE ON SCHEMA public, s TO %s",
		"GRANT SELECT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public, s TO %s")
	src := open(t, reads, changes)
	defer func() { require.NoError(t, src.Close()) }()
	found, err := src.(connectors.Foreseer).Foresee(t.Context(), []connectors.Use{{Table: "s.p", Lock: true, Update: []string{"name"}, Delete: true}})
	require.NoError(t, err)
	require.Empty(t, found)
	_, err = mutate(t, src, connectors.Query{Table: "s.p", Keys: keys("id", "1")}, deleteAll)
	require.NoError(t, err)
	_, err = mutate(t, src, connectors.Query{Table: "s.p", Keys: keys("id", "2")}, setAll("name", "c"))
	require.NoError(t, err)
	require.Equal(t, "2\tc", db.Query(t, "SELECT * FROM s.p"))

	readOnly := open(t, reads, reads)
	defer func() { require.NoError(t, readOnly.Close()) }()
	_, err = mutate(t, readOnly, connectors.Query{Table: "s.p", Keys: keys("id", "2")}, deleteAll)
	require.ErrorIs(t, err, connectors.ErrDenied)
	require.ErrorContains(t, err, "mutate crm table s.p")
	found, err = readOnly.(connectors.Foreseer).Foresee(t.Context(), []connectors.Use{{Table: "s.p", Lock: true, Delete: true}})
	require.NoError(t, err)
	require.Len(t, found, 2)
	for _, o := range found {
		require.ErrorIs(t, o.Kind, connectors.ErrDenied)
		require.Equal(t, "apply_dsn", o.DSN)
		db.Exec(t, o.Mend)
	}
	_, err = mutate(t, readOnly, connectors.Query{Table: "s.p", Keys: keys("id", "2")}, deleteAll)
	require.NoError(t, err, "with what it was told to grant")
}

// What a user may not read is not in the catalog, and is named; what refers to a table from there is known.
func TestWhatMayNotBeRead(t *testing.T) {
	db := database(t, "CREATE SCHEMA hidden", "CREATE TABLE p (id int PRIMARY KEY, name text, secret text)",
		"CREATE TABLE closed (id int PRIMARY KEY, p int REFERENCES p ON DELETE CASCADE)",
		"CREATE TABLE hidden.h (id int PRIMARY KEY, p int REFERENCES p ON DELETE SET NULL)",
		"CREATE TABLE half (id int PRIMARY KEY, p int REFERENCES p ON DELETE CASCADE)", "GRANT SELECT ON hidden.h TO PUBLIC",
		"SELECT lo_create(0)")
	reads := role(t, db, "r", "GRANT USAGE ON SCHEMA public TO %s", "GRANT SELECT (id, name) ON p TO %s", "GRANT SELECT (id) ON half TO %s")
	src := open(t, reads, "")
	defer func() { require.NoError(t, src.Close()) }()
	tables := catalog(t, src)
	require.Len(t, tables, 2)
	require.Len(t, tables["p"].Fields, 2)
	require.ElementsMatch(t, []connectors.Outside{
		{Table: "public.closed", Fields: []string{"p"}, RefFields: []string{"id"}, OnDelete: "CASCADE", Hidden: true},
		{Table: "hidden.h", Fields: []string{"p"}, RefFields: []string{"id"}, OnDelete: "SET NULL", Hidden: true},
		{Table: "public.half", Fields: []string{"p"}, RefFields: []string{"id"}, OnDelete: "CASCADE", Hidden: true},
	}, tables["p"].Outside)
	list, err := src.(connectors.Partial).Unread(t.Context())
	require.NoError(t, err)
	var names []string
	for _, u := range list {
		require.True(t, u.Unknown)
		names = append(names, u.Name)
	}
	require.Equal(t, []string{"closed", "half.p", "hidden.h", "p.secret", "pg_largeobject"}, names)
	require.ErrorIs(t, scanError(t, src, connectors.Query{Table: "closed"}), connectors.ErrSchemaChanged)
}

// A role of which a policy would hide rows reads and changes none of the table, whenever the policy came.
func TestRowLevelSecurityIsNoShortRead(t *testing.T) {
	db := database(t, "CREATE TABLE p (id int PRIMARY KEY, name text)", "INSERT INTO p VALUES (1, 'a'), (2, 'b')")
	rights := []string{"GRANT USAGE ON SCHEMA public TO %s", "GRANT SELECT, UPDATE, DELETE ON p TO %s"}
	reads, changes := role(t, db, "r", rights...), role(t, db, "a", rights...)
	src := open(t, reads, changes)
	defer func() { require.NoError(t, src.Close()) }()
	rows, _ := read(t, src, connectors.Query{Table: "p"})
	require.Len(t, rows, 2)

	db.Exec(t, "CREATE POLICY own ON p USING (id = 1); ALTER TABLE p ENABLE ROW LEVEL SECURITY")
	for _, known := range []string{"the catalog of before", "a catalog of now"} {
		err := scanError(t, src, connectors.Query{Table: "p"})
		require.ErrorIs(t, err, connectors.ErrDenied, known)
		require.ErrorContains(t, err, "BYPASSRLS", known)
		_, err = mutate(t, src, connectors.Query{Table: "p", Keys: keys("id", "1", "2")}, deleteAll)
		require.ErrorIs(t, err, connectors.ErrDenied, known)
		require.Equal(t, "2", db.Query(t, "SELECT count(*) FROM p"))
		found, err := src.(connectors.Foreseer).Foresee(t.Context(), []connectors.Use{{Table: "p", Delete: true}})
		require.NoError(t, err)
		require.Len(t, found, 2)
		require.Contains(t, found[0].String(), "row level security may hide rows of it: ALTER ROLE")
	}
	for _, name := range []string{"r", "a"} {
		db.Exec(t, "ALTER ROLE "+dialect.Name(db.Name+"_"+name)+" BYPASSRLS")
	}
	again := open(t, reads, changes)
	defer func() { require.NoError(t, again.Close()) }()
	rows, _ = read(t, again, connectors.Query{Table: "p"})
	require.Len(t, rows, 2)
	_, err := mutate(t, again, connectors.Query{Table: "p", Keys: keys("id", "2")}, deleteAll)
	require.NoError(t, err)
}

func TestOpenErrors(t *testing.T) {
	db := database(t)
	s := db.Server
	const password = "pAss%w0rd/@:?#"
	inURL := url.UserPassword("postgres", password).String()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	closed := free.Addr().String()
	require.NoError(t, free.Close())
	ca := "sslmode=verify-full&sslrootcert=" + url.QueryEscape(s.CA)
	host, port, err := net.SplitHostPort(s.Address)
	require.NoError(t, err)
	for _, c := range []struct {
		name, dsn string
		want      error
		hint      string
	}{
		{"wrong password", "postgres://" + inURL + "@" + s.Address + "/" + db.Name + "?" + ca, connectors.ErrDenied, "password"},
		{"wrong password in the other form", "host=" + host + " port=" + port + " user=postgres password='" + password + "' dbname=" +
			db.Name + " sslmode=verify-full sslrootcert='" + s.CA + "'", connectors.ErrDenied, "password"},
		{"unknown database", strings.Replace(db.DSN(), db.Name, "nowhere", 1), connectors.ErrConfig, "database"},
		{"no database", "postgres://" + inURL + "@" + s.Address + "/", connectors.ErrConfig, "no database"},
		{"nobody listens", "postgres://" + inURL + "@" + closed + "/x?" + ca, connectors.ErrUnreachable, "check host"},
		{"unknown host", "postgres://" + inURL + "@nowhere.invalid/x", connectors.ErrUnreachable, "host"},
		{"untrusted certificate", "postgres://" + inURL + "@" + s.Address + "/x", connectors.ErrConfig, "sslrootcert"},
		{"another host's certificate", "host=other.invalid hostaddr=" + host + " port=" + port + " user=x password='" + password +
			"' dbname=x", connectors.ErrUnreachable, "host"},
		{"plaintext", "postgres://" + inURL + "@" + s.Address + "/x?sslmode=disable", connectors.ErrPlaintext, "waive"},
		{"preferred", "postgres://" + inURL + "@" + s.Address + "/x?sslmode=prefer", connectors.ErrPlaintext, "waive"},
		{"allowed", "postgres://" + inURL + "@" + s.Address + "/x?sslmode=allow", connectors.ErrPlaintext, "waive"},
		{"unknown mode", "postgres://" + inURL + "@" + s.Address + "/x?sslmode=maybe", connectors.ErrConfig, "want postgres://"},
		{"no such ca", "postgres://" + inURL + "@" + s.Address + "/x?sslmode=verify-full&sslrootcert=/nowhere", connectors.ErrConfig,
			"sslrootcert"},
		{"other scheme", "mysql://" + inURL + "@" + s.Address + "/x", connectors.ErrConfig, "want postgres://"},
		{"no URL", "postgres://root:" + password + "@[:/x", connectors.ErrConfig, "want postgres://"},
		{"a word", "pAss", connectors.ErrConfig, "want postgres://"},
		{"empty", "", connectors.ErrConfig, "want postgres://"},
	} {
		t.Run(c.name, func(t *testing.T) {
			src, err := postgres.Connector.Open(t.Context(), connectors.Options{Name: "crm", DSN: c.dsn})
			require.ErrorIs(t, err, c.want)
			require.Nil(t, src)
			require.Contains(t, err.Error(), "open crm: ")
			require.Contains(t, err.Error(), c.hint)
			for _, secret := range []string{password, inURL, url.QueryEscape(password), "pAss", "w0rd", s.Password} {
				require.NotContains(t, err.Error(), secret)
			}
		})
	}
	connectortest.RunOptions(t, postgres.Connector, connectors.Options{Name: "crm", DSN: db.DSN()},
		map[string]connectortest.OptionValues{"vacuum": {Good: []string{"never", "after"}, Bad: []string{"", "full", "After"}}})
	_, err = postgres.Connector.Open(t.Context(), connectors.Options{Name: "crm", DSN: db.DSN(), ApplyDSN: s.DSN("postgres")})
	require.ErrorIs(t, err, connectors.ErrConfig)
	require.Contains(t, err.Error(), "different databases")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = postgres.Connector.Open(ctx, connectors.Options{Name: "crm", DSN: db.DSN()})
	require.ErrorIs(t, err, context.Canceled)

	db.Exec(t, "ALTER DATABASE "+dialect.Name(db.Name)+" SET session_replication_role = replica")
	_, err = postgres.Connector.Open(t.Context(), connectors.Options{Name: "crm", DSN: db.DSN()})
	require.ErrorIs(t, err, connectors.ErrConfig)
	require.ErrorContains(t, err, "would check no foreign key")
}

// A server without TLS answers N to who asks for it.
// https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL
func TestServerWithoutTLS(t *testing.T) {
	address, _ := servers.Mute(t, "N")
	_, err := postgres.Connector.Open(t.Context(), connectors.Options{Name: "crm", DSN: "postgres://u:secret@" + address + "/x"})
	require.ErrorIs(t, err, connectors.ErrPlaintext)
	require.ErrorContains(t, err, "turn TLS on")
	require.NotContains(t, err.Error(), "secret")
}

func TestWaysToConnect(t *testing.T) {
	db := database(t, "CREATE TABLE p (id int PRIMARY KEY)", "INSERT INTO p VALUES (1)")
	s := db.Server
	host, port, err := net.SplitHostPort(s.Address)
	require.NoError(t, err)
	words := "host=" + host + " port=" + port + " user=postgres password=" + s.Password + " dbname=" + db.Name
	for _, c := range []struct {
		name, dsn string
		plaintext bool
	}{
		{"url", db.DSN(), false},
		{"postgresql url", strings.Replace(db.DSN(), "postgres://", "postgresql://", 1), false},
		{"words", words + " sslrootcert=" + s.CA, false},
		{"a search path of its own", db.DSN() + "&search_path=nowhere&DateStyle=German&timezone=Asia%2FTokyo", false},
		{"without verification, by name", words + " sslmode=require", false},
		{"socket", "postgres:///" + db.Name + "?host=" + url.QueryEscape(s.Socket[:strings.LastIndexByte(s.Socket, '/')]) +
			"&port=" + port + "&user=postgres&password=" + s.Password, false},
		{"waiver", words, true},
		{"waiver and no TLS", words + " sslmode=disable", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			src, err := postgres.Connector.Open(t.Context(), connectors.Options{Name: "crm", DSN: c.dsn, Plaintext: c.plaintext})
			require.NoError(t, err)
			rows, _ := read(t, src, connectors.Query{Table: "p"})
			require.Equal(t, []string{"1"}, rows)
			require.NoError(t, src.Close())
		})
	}
	require.Equal(t, db.Name, postgres.Connector.Database(db.DSN()))
	require.Equal(t, "shop", postgres.Connector.Database("host=x dbname=shop"))
	require.Empty(t, postgres.Connector.Database("postgres://x"))
}

func TestClockAndZone(t *testing.T) {
	db := database(t)
	src := opened(t, db)
	at, err := src.(connectors.Clocked).Clock(t.Context())
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), at, time.Minute)
	zone, err := src.(connectors.Zoner).Zone(t.Context())
	require.NoError(t, err)
	require.Equal(t, "Europe/Rome", zone, "the server's own, whatever this session's")
	db.Exec(t, "ALTER DATABASE "+dialect.Name(db.Name)+" SET timezone = 'Etc/UTC'")
	zone, err = opened(t, db).(connectors.Zoner).Zone(t.Context())
	require.NoError(t, err)
	require.Equal(t, "UTC", zone)
	plain := open(t, role(t, db, "r"), "")
	defer func() { require.NoError(t, plain.Close()) }()
	here, err := src.(connectors.Placed).Place(t.Context())
	require.NoError(t, err)
	there, err := plain.(connectors.Placed).Place(t.Context())
	require.NoError(t, err)
	require.Equal(t, here, there, "whoever asks")

	db.Exec(t, "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
	both := open(t, db.DSN(), role(t, db, "a"))
	defer func() { require.NoError(t, both.Close()) }()
	there, err = plain.(connectors.Placed).Place(t.Context())
	require.NoError(t, err)
	require.NotEqual(t, here, there)
}
