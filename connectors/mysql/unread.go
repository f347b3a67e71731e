package mysql

import (
	"context"
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
	rights, err := grantsOf(ctx, conn, "")
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
	if rights != nil && !rights.has("SELECT", s.database, "") {
		list = append(list, connectors.Unread{Unknown: true, Reason: "tables that the account may not see: it has no right " +
			"to read the whole database (GRANT SELECT ON " + s.database + ".*)"})
	}
	slices.SortFunc(list, func(a, b connectors.Unread) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}
