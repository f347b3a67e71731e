package mysql

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	driver "github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/connectors"
	"lethe/connectors/wire"
	"lethe/fixtures/servers"
)

// FuzzDSN looks for panics, for errors that repeat the password, and for plaintext that nobody allowed.
func FuzzDSN(f *testing.F) {
	for _, s := range []string{
		"u:%s@tcp(h:1)/d?tls=true", "mysql://u:%s@h:1/d", "u:%s@unix(/s)/d", "u:%s@/d?strict=1",
		"mysql://u:%s@[::1]/d?socket=/s", "u:%s@tcp(h)/d?tls=preferred",
		"u:%s@tcp(h)/d?charset=latin1&collation=x&loc=%%2F", "mariadb://u:%s@h/d%%2F?ssl-ca=/x",
		"u:%s@/d?allowFallbackToPlaintext=1", "%s", "u:p@tcp(h)/d?ssl-ca=%s", "u:p@/d?tls=%s", "u:p@/d?%s=1",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, form string) {
		const password = "Zephyrine17"
		cfg, err := parseDSN(strings.ReplaceAll(form, "%s", password), false)
		if err != nil {
			require.NotContains(t, err.Error(), password)
			return
		}
		require.NotEmpty(t, cfg.DBName)
		if cfg.Net != "unix" {
			connector, err := driver.NewConnector(cfg)
			if err == nil {
				require.NotNil(t, connector)
				require.True(t, cfg.TLS != nil || cfg.TLSConfig == "true", "plaintext")
				require.False(t, cfg.AllowFallbackToPlaintext)
			}
		}
	})
}

// FuzzLiteral holds literals to what a careful reader of SQL makes of them: one token, that gives the value
// back.
func FuzzLiteral(f *testing.F) {
	kinds := []connectors.Kind{connectors.Text, connectors.Integer, connectors.Decimal, connectors.Float,
		connectors.Bit, connectors.Binary, connectors.Date, connectors.JSON}
	for _, v := range []string{"", "-12", "1.50", "1e5", "0101", "it's", `\`, `\'`, "\x00\xff", "--1", "1 OR 1", "0x1F",
		"NaN", "inf", "1_000", ".5", "-", "1."} {
		for i := range kinds {
			f.Add(byte(i), []byte(v))
		}
	}
	f.Fuzz(func(t *testing.T, k byte, v []byte) {
		kind := kinds[int(k)%len(kinds)]
		text, err := literal(kind, v)
		if err != nil {
			require.ErrorIs(t, err, connectors.ErrConfig)
			return
		}
		switch kind {
		case connectors.Integer, connectors.Decimal, connectors.Float, connectors.Bit:
			require.Regexp(t, `^[-+]?[0-9.]+([eE][-+]?[0-9]+)?$`, text)
		case connectors.Binary:
			require.Equal(t, fmt.Sprintf("x'%x'", v), text)
		default:
			require.Equal(t, string(v), unquote(t, text))
		}
	})
}

// unquote reads a string literal as the servers do.
func unquote(t *testing.T, s string) string {
	require.True(t, len(s) >= 2 && s[0] == '\'' && s[len(s)-1] == '\'')
	s = s[1 : len(s)-1]
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' || s[i] == '\'' {
			require.Less(t, i+1, len(s))
			require.Equal(t, s[i], s[i+1])
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func TestKeySetEndsPiecesBySize(t *testing.T) {
	keys := &connectors.Keys{Fields: []string{"k"}}
	for i := range 2000 {
		keys.Tuples = append(keys.Tuples, connectors.MakeKey(fmt.Appendf(nil, "%04d%s", i, strings.Repeat("x", 3000))))
	}
	k, err := newKeySet(keys, []connectors.Kind{connectors.Binary})
	require.NoError(t, err)
	for chunk := range k.chunks() {
		require.LessOrEqual(t, len(k.where(chunk, []string{"`k`"}, false)), 3<<20,
			"below the smallest usual max_allowed_packet, 4 MB")
	}
}

// The server's words never get into an error; its number decides the sentinel.
func TestServerErrors(t *testing.T) {
	s := &source{name: "crm", dialer: wire.NewDialer(t.Context(), wire.Limits{})}
	for _, c := range []struct {
		number uint16
		state  string
		want   error
	}{
		{1045, "28000", connectors.ErrDenied}, {1698, "28000", connectors.ErrDenied},
		{1142, "42000", connectors.ErrDenied}, {1862, "HY000", connectors.ErrDenied},
		{1049, "42000", connectors.ErrConfig}, {1665, "HY000", connectors.ErrConfig},
		{1290, "HY000", connectors.ErrConfig}, {3159, "HY000", connectors.ErrPlaintext},
		{1146, "42S02", connectors.ErrSchemaChanged}, {1054, "42S22", connectors.ErrSchemaChanged},
		{1205, "HY000", connectors.ErrTransient}, {1213, "40001", connectors.ErrTransient},
		{1040, "08004", connectors.ErrTransient}, {1927, "70100", connectors.ErrTransient},
		{1969, "70100", connectors.ErrTransient},
		{1451, "23000", connectors.ErrRefused}, {1452, "23000", connectors.ErrRefused},
		{1062, "23000", connectors.ErrRefused}, {4025, "23000", connectors.ErrRefused},
		{3819, "HY000", connectors.ErrRefused},
		{1048, "23000", connectors.ErrRefused}, {1406, "22001", connectors.ErrRefused},
		{1366, "22007", connectors.ErrRefused}, {1644, "45000", connectors.ErrRefused},
		{3105, "HY000", connectors.ErrRefused},
		{9999, "45999", connectors.ErrRefused}, {9999, "23999", connectors.ErrRefused},
		{9999, "22999", connectors.ErrRefused},
		{9999, "HY000", nil},
	} {
		e := &driver.MySQLError{Number: c.number, Message: "Zephyrine@example.com"}
		copy(e.SQLState[:], c.state)
		err := s.fail("scan", "t", fmt.Errorf("wrapped: %w", e))
		require.NotContains(t, err.Error(), "Zephyrine", "%d", c.number)
		require.Contains(t, err.Error(), fmt.Sprint(c.number))
		for _, sentinel := range []error{connectors.ErrConfig, connectors.ErrUnreachable, connectors.ErrDenied,
			connectors.ErrPlaintext, connectors.ErrSchemaChanged, connectors.ErrRefused, connectors.ErrTransient} {
			if sentinel == c.want {
				require.ErrorIs(t, err, sentinel, "%d", c.number)
			} else {
				require.NotErrorIs(t, err, sentinel, "%d", c.number)
			}
		}
	}
}

func TestBitText(t *testing.T) {
	for _, c := range []struct {
		raw  string
		bits int
		want string
	}{{"\x05", 3, "101"}, {"\x01\x00", 9, "100000000"}, {"\x80\x00\x00\x00\x00\x00\x00\x01", 64,
		"1" + strings.Repeat("0", 62) + "1"}, {"", 2, "00"}} {
		col := column{kind: connectors.Bit, bits: c.bits}
		require.Equal(t, c.want, string(col.appendValue(nil, []byte(c.raw))))
	}
}

// Whatever the server's defaults are, a session reads alike, and one for reading cannot write.
func TestSessions(t *testing.T) {
	db := servers.MariaDB(t).Database(t)
	db.Exec(t, "CREATE TABLE p (id int PRIMARY KEY); INSERT INTO p VALUES (1);")
	src, err := Connector.Open(t.Context(),
		connectors.Options{Name: "crm", DSN: db.DSN() + "&sql_mode=%27ANSI_QUOTES%27&foreign_key_checks=0",
			ApplyDSN: db.DSN()})
	require.NoError(t, err)
	defer func() { require.NoError(t, src.Close()) }()
	m := src.(*mutable)
	for _, s := range []*source{m.source, m.apply} {
		var zone, mode, charset string
		var checks, writeTimeout int
		require.NoError(t,
			s.db.QueryRow("SELECT @@time_zone, @@sql_mode, @@character_set_results, @@foreign_key_checks, "+
				"@@net_write_timeout").Scan(&zone, &mode, &charset, &checks, &writeTimeout))
		require.Equal(t, "+00:00", zone)
		require.Equal(t, "NO_AUTO_VALUE_ON_ZERO,STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION",
			mode)
		require.Equal(t, "utf8mb4", charset)
		require.Equal(t, 1, checks)
		require.Equal(t, 3600, writeTimeout)
	}
	for _, statement := range []string{"DELETE FROM p", "INSERT INTO p VALUES (2)", "DROP TABLE p",
		"CREATE TEMPORARY TABLE q (id int)"} {
		_, err := m.db.Exec(statement)
		var refused *driver.MySQLError
		require.ErrorAs(t, err, &refused, statement)
		require.EqualValues(t, 1792, refused.Number, "cannot execute in a read only transaction")
	}
	var isolation string
	var lockWait int
	require.NoError(t, m.apply.db.QueryRow("SELECT @@tx_isolation, @@innodb_lock_wait_timeout").Scan(&isolation,
		&lockWait))
	require.Equal(t, "READ-COMMITTED", isolation)
	require.Equal(t, 5, lockWait)
}

// Whatever integers are asked for, what is written names each of them and no other.
func TestRangesHoldWhatIsAskedFor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := &connectors.Keys{Fields: []string{"k"}}
		want := map[int64]bool{}
		for _, n := range rapid.SliceOfN(rapid.Int64Range(-40, 40), 1, 60).Draw(t, "numbers") {
			want[n] = true
			keys.Tuples = append(keys.Tuples, connectors.MakeKey(strconv.AppendInt(nil, n, 10)))
		}
		k, err := newKeySet(keys, []connectors.Kind{connectors.Integer})
		require.NoError(t, err)
		named := map[int64]bool{}
		read := func(text string) int64 {
			n, err := strconv.ParseInt(text, 10, 64)
			require.NoError(t, err)
			return n
		}
		text := k.where(0, []string{"k"}, false)
		for _, term := range strings.Split(text[1:len(text)-1], " OR ") {
			if list, ok := strings.CutPrefix(term, "k IN ("); ok {
				for _, n := range strings.Split(strings.TrimSuffix(list, ")"), ",") {
					named[read(n)] = true
				}
				continue
			}
			from, to, ok := strings.Cut(strings.TrimPrefix(term, "k BETWEEN "), " AND ")
			require.True(t, ok)
			for n := read(from); n <= read(to); n++ {
				named[n] = true
			}
		}
		require.Equal(t, want, named)
		require.NotContains(t, k.where(0, []string{"k"}, true), "BETWEEN")
	})
}
