package mysql

import (
	"context"
	"database/sql"
	"regexp"
	"slices"
	"strings"

	"lethe/connectors"
)

// othersQuery asks for what stands among the tables and is none: sequences of MariaDB.
const othersQuery = `SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND ` +
	`TABLE_TYPE NOT IN ('BASE TABLE', 'SYSTEM VERSIONED', 'VIEW', 'SYSTEM VIEW', 'TEMPORARY')`

// Unread returns the sequences, and says where the account may not see all tables: the server then leaves them out of
// its own list.
func (s *source) Unread(ctx context.Context) ([]connectors.Unread, error) {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return nil, s.fail("catalog", "", err)
	}
	defer func() { _ = conn.Close() }()
	var list []connectors.Unread
	whole, err := seesAll(ctx, conn, s.database)
	if err == nil {
		err = collect(ctx, conn, othersQuery, func(r []string) error {
			u := connectors.Unread{Name: r[0], Reason: "a " + strings.ToLower(r[1]) + ", which is no table", Unknown: true}
			if r[1] == "SEQUENCE" {
				u.Reason, u.Unknown = "a sequence: it counts, and has no rows", false
			}
			list = append(list, u)
			return nil
		})
	}
	if err != nil {
		return nil, s.fail("catalog", "", err)
	}
	if !whole {
		list = append(list, connectors.Unread{Unknown: true, Reason: "tables that the account may not see: it has no right " +
			"to read the whole database (GRANT SELECT ON " + s.database + ".*)"})
	}
	slices.SortFunc(list, func(a, b connectors.Unread) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// grantLine reads the rights and the database off a line of SHOW GRANTS.
var grantLine = regexp.MustCompile("(?i)^GRANT (.+?) ON (\\*|`(?:[^`]|``)+`|\"(?:[^\"]|\"\")+\"|[^ .]+)\\.\\* TO ")

// seesAll says whether the account may read every table of the database, as far as SHOW GRANTS tells.
func seesAll(ctx context.Context, conn *sql.Conn, database string) (bool, error) {
	whole := false
	err := collect(ctx, conn, "SHOW GRANTS", func(r []string) error {
		m := grantLine.FindStringSubmatch(r[0])
		if m == nil {
			return nil
		}
		reads := slices.ContainsFunc(strings.Split(strings.ToUpper(m[1]), ","), func(right string) bool {
			right = strings.TrimSpace(right)
			return right == "SELECT" || strings.HasPrefix(right, "ALL PRIVILEGES")
		})
		whole = whole || reads && (m[2] == "*" || likeName(unquoteName(m[2]), database))
		return nil
	})
	return whole, err
}

// unquoteName takes the quotes off a name.
func unquoteName(name string) string {
	if n := len(name); n > 1 && (name[0] == '`' || name[0] == '"') {
		return strings.ReplaceAll(name[1:n-1], name[:1]+name[:1], name[:1])
	}
	return name
}

// likeName compares a name with the pattern that a grant on a database is: '%' stands for anything, '_' for one letter.
func likeName(pattern, name string) bool {
	var b strings.Builder
	b.WriteString("(?is)^")
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '%':
			b.WriteString(".*")
		case c == '_':
			b.WriteString(".")
		case c == '\\' && i+1 < len(pattern):
			i++
			b.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		default:
			b.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		}
	}
	b.WriteString("$")
	like, err := regexp.MatchString(b.String(), name)
	return err == nil && like
}
