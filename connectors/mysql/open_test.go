package mysql_test

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/connectortest"
	"lethe/connectors/mysql"
)

func TestUserWithDocumentedRightsCanApply(t *testing.T) {
	db := database(t, "CREATE TABLE p (id int PRIMARY KEY, name varchar(20))",
		"INSERT INTO p VALUES (1, 'a'), (2, 'b')")
	src := open(t, user(t, db, "SELECT"), user(t, db, "UPDATE, SELECT, DELETE"))
	defer func() { require.NoError(t, src.Close()) }()
	_, err := mutate(t, src, connectors.Query{Table: "p", Keys: keys("id", "1")}, deleteAll)
	require.NoError(t, err)
	_, err = mutate(t, src, connectors.Query{Table: "p", Keys: keys("id", "2")}, setAll("name", "c"))
	require.NoError(t, err)
	require.Equal(t, "2\tc", db.Query(t, "SELECT * FROM p"))
}

func TestUserWithoutRightsIsDenied(t *testing.T) {
	db := database(t, "CREATE TABLE p (id int PRIMARY KEY)", "INSERT INTO p VALUES (1)")
	read := user(t, db, "SELECT")
	src := open(t, read, read)
	defer func() { require.NoError(t, src.Close()) }()
	_, err := mutate(t, src, connectors.Query{Table: "p", Keys: keys("id", "1")}, deleteAll)
	require.ErrorIs(t, err, connectors.ErrDenied)
	require.Contains(t, err.Error(), "mutate crm table p")
}

func TestOpenErrors(t *testing.T) {
	db := database(t)
	s := db.Server
	const password = "pAss%w0rd/@:?#"
	inURL := url.UserPassword("root", password).String()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	closed := free.Addr().String()
	require.NoError(t, free.Close())
	ca := "ssl-ca=" + url.QueryEscape(s.CA)
	for _, c := range []struct {
		name, dsn string
		want      error
		hint      string
	}{
		{"wrong password", "mysql://" + inURL + "@" + s.Address + "/" + db.Name + "?" + ca, connectors.ErrDenied,
			"password"},
		{"wrong password in the driver's form", "root:" + password + "@tcp(" + s.Address + ")/" + db.Name + "?" + ca,
			connectors.ErrDenied, "password"},
		{"unknown database", strings.Replace(db.DSN(), db.Name, "nowhere", 1), connectors.ErrConfig, "database"},
		{"no database", "mysql://" + inURL + "@" + s.Address + "/", connectors.ErrConfig, "no database"},
		{"nobody listens", "mysql://" + inURL + "@" + closed + "/x?" + ca, connectors.ErrUnreachable, closed},
		{"unknown host", "mysql://" + inURL + "@nowhere.invalid/x", connectors.ErrUnreachable, "check host"},
		{"untrusted certificate", "mysql://" + inURL + "@" + s.Address + "/x", connectors.ErrConfig, "ssl-ca"},
		{"plaintext", "mysql://" + inURL + "@" + s.Address + "/x?tls=false", connectors.ErrPlaintext, "waive"},
		{"preferred", "mysql://" + inURL + "@" + s.Address + "/x?tls=preferred", connectors.ErrPlaintext, "waive"},
		{"fallback", "mysql://" + inURL + "@" + s.Address + "/x?allowFallbackToPlaintext=true", connectors.ErrPlaintext,
			"waive"},
		{"unknown tls", "mysql://" + inURL + "@" + s.Address + "/x?tls=maybe", connectors.ErrConfig, "want user"},
		{"ca and no verification", "mysql://" + inURL + "@" + s.Address + "/x?tls=skip-verify&" + ca,
			connectors.ErrConfig, "contradict"},
		{"no such ca", "mysql://" + inURL + "@" + s.Address + "/x?ssl-ca=/nowhere", connectors.ErrConfig, "ssl-ca"},
		{"ca without certificate", "mysql://" + inURL + "@" + s.Address + "/x?ssl-ca=mysql_test.go",
			connectors.ErrConfig, "no certificate"},
		{"other scheme", "postgres://" + inURL + "@" + s.Address + "/x", connectors.ErrConfig, "want user"},
		{"no URL", "mysql://root:" + password + "@[:/x", connectors.ErrConfig, "want user"},
		{"no slash", "root:" + "pw@tcp(" + s.Address + ")", connectors.ErrConfig, "want user"},
		{"strict", "mysql://" + inURL + "@" + s.Address + "/x?strict=true", connectors.ErrConfig, "strict"},
		{"unknown variable", db.DSN() + "&nonsense=1", connectors.ErrConfig, "variable"},
		{"empty", "", connectors.ErrConfig, "no database"},
	} {
		t.Run(c.name, func(t *testing.T) {
			src, err := mysql.Connector.Open(t.Context(), connectors.Options{Name: "crm", DSN: c.dsn})
			require.ErrorIs(t, err, c.want)
			require.Nil(t, src)
			require.Contains(t, err.Error(), "open crm: ")
			require.Contains(t, err.Error(), c.hint)
			for _, secret := range []string{password, inURL, url.QueryEscape(password), "pAss", "w0rd", s.Password} {
				require.NotContains(t, err.Error(), secret)
			}
		})
	}
	connectortest.RunOptions(t, mysql.Connector, connectors.Options{Name: "crm", DSN: db.DSN()}, nil)
	_, err = mysql.Connector.Open(t.Context(), connectors.Options{Name: "crm", DSN: db.DSN(), ApplyDSN: s.DSN("mysql")})
	require.ErrorIs(t, err, connectors.ErrConfig)
	require.Contains(t, err.Error(), "different databases")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = mysql.Connector.Open(ctx, connectors.Options{Name: "crm", DSN: db.DSN()})
	require.ErrorIs(t, err, context.Canceled)
}

// A server without TLS is imitated by the first packet of the protocol:
// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_handshake_v10.html
func TestServerWithoutTLS(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	served := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			const protocol41, pluginAuth = 0x0200, 0x0008 // no 0x0800, which is TLS
			packet := "\x0a5.7.0\x00" + "\x01\x00\x00\x00" + "12345678\x00" + string([]byte{0, protocol41 >> 8}) +
				"\x2d\x02\x00" + string([]byte{pluginAuth, 0}) + "\x15" +
				strings.Repeat("\x00", 10) + "123456789012\x00" + "mysql_native_password\x00"
			_, err = conn.Write(append([]byte{byte(len(packet)), 0, 0, 0}, packet...))
			err = errors.Join(err, conn.Close())
		}
		served <- err
	}()
	_, err = mysql.Connector.Open(t.Context(), connectors.Options{Name: "crm", DSN: "mysql://u:secret@" +
		l.Addr().String() + "/x"})
	require.ErrorIs(t, err, connectors.ErrPlaintext)
	require.Contains(t, err.Error(), "turn TLS on")
	require.NotContains(t, err.Error(), "secret")
	require.NoError(t, <-served)
}

func TestWaysToConnect(t *testing.T) {
	db := database(t, "CREATE TABLE p (id int PRIMARY KEY)", "INSERT INTO p VALUES (1)")
	s := db.Server
	for _, c := range []struct {
		name, dsn string
		plaintext bool
	}{
		{"url", db.DSN(), false},
		{"mariadb url", strings.Replace(db.DSN(), "mysql://", "mariadb://", 1), false},
		{"driver's form", "root:" + s.Password + "@tcp(" + s.Address + ")/" + db.Name + "?ssl-ca=" +
			url.QueryEscape(s.CA) + "&parseTime=true&loc=Local", false},
		{"without verification, by name", "root:" + s.Password + "@tcp(" + s.Address + ")/" + db.Name +
			"?tls=skip-verify", false},
		{"socket", "root:" + s.Password + "@unix(" + s.Socket + ")/" + db.Name, false},
		{"socket url", "mysql://root:" + s.Password + "@localhost/" + db.Name + "?socket=" + url.QueryEscape(s.Socket),
			false},
		{"waiver", "root:" + s.Password + "@tcp(" + s.Address + ")/" + db.Name, true},
		{"waiver and no TLS", "root:" + s.Password + "@tcp(" + s.Address + ")/" + db.Name + "?tls=false", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			src, err := mysql.Connector.Open(t.Context(), connectors.Options{Name: "crm", DSN: c.dsn,
				Plaintext: c.plaintext})
			require.NoError(t, err)
			rows, _ := read(t, src, connectors.Query{Table: "p"})
			require.Equal(t, []string{"1"}, rows)
			require.NoError(t, src.Close())
		})
	}
}
