package mysql

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// grants are the rights of an account, with those of the role in force: by the object that they are on, as
// SHOW GRANTS names it.
type grants map[string][]string

// grantsOf reads SHOW GRANTS, for an account or, where none is named, of the session; nil if this user may not
// see them.
func grantsOf(ctx context.Context, conn *sql.Conn, account string) (grants, error) {
	query := "SHOW GRANTS"
	if account != "" {
		query += " FOR " + account
	}
	g := grants{}
	err := collect(ctx, conn, query, func(r []string) error {
		rights, on, ok := strings.Cut(strings.TrimPrefix(r[0], "GRANT "), " ON ")
		object, _, isGrant := strings.Cut(on, " TO ")
		if ok && isGrant {
			g[object] = append(g[object], strings.Split(rights, ", ")...)
		}
		return nil
	})
	var server *mysql.MySQLError
	if errors.As(err, &server) {
		return nil, nil
	}
	return g, err
}

// has reports whether a right is granted on a table, on its database or on all; or, which is all that is asked
// then, on some of its fields. No table asks for the whole database.
func (g grants) has(right, database, table string) bool {
	for _, object := range slices.Sorted(maps.Keys(g)) {
		level, whole := strings.CutSuffix(object, ".*")
		fits := whole && (level == "*" || like(unquoteName(level), database)) ||
			table != "" && object == quoteName(database)+"."+quoteName(table)
		if fits && slices.ContainsFunc(g[object], func(granted string) bool {
			return granted == right || granted == "ALL PRIVILEGES" || granted == "ALL" ||
				strings.HasPrefix(granted, right+" (")
		}) {
			return true
		}
	}
	return false
}

func unquoteName(name string) string {
	return strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(name, "`"), "`"), "``", "`")
}

// like matches a database's name with the pattern of a GRANT: % any text, _ any character, \\ before either.
func like(pattern, name string) bool {
	if pattern == "" {
		return name == ""
	}
	switch {
	case pattern[0] == '%':
		return like(pattern[1:], name) || name != "" && like(pattern, name[1:])
	case pattern[0] == '\\' && len(pattern) > 1:
		pattern = pattern[1:]
	case pattern[0] == '_' && name != "":
		return like(pattern[1:], name[1:])
	}
	return name != "" && pattern[0] == name[0] && like(pattern[1:], name[1:])
}
