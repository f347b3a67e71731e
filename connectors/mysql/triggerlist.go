package mysql

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"lethe/connectors"
)

const allTriggersQuery = `SELECT EVENT_OBJECT_TABLE, TRIGGER_NAME, EVENT_MANIPULATION, ACTION_STATEMENT, SQL_MODE, DEFINER,
	ACTION_TIMING, ACTION_ORDER FROM information_schema.TRIGGERS
	WHERE TRIGGER_SCHEMA = DATABASE() AND EVENT_OBJECT_SCHEMA = DATABASE()`

// addTriggers adds to the catalog the triggers that the user of a source may see. Only who has TRIGGER is shown any.
func (s *source) addTriggers(ctx context.Context, tables []connectors.Table) error {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return s.fail("catalog", "", because(ctx, err))
	}
	defer func() { _ = conn.Close() }()
	found := map[string]map[string]connectors.Trigger{}
	functions := map[string]bool{}
	err = collect(ctx, conn, "SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_TYPE = 'FUNCTION' AND "+
		"ROUTINE_SCHEMA = DATABASE()", func(r []string) error { functions[strings.ToLower(r[0])] = true; return nil })
	if err != nil {
		return s.fail("catalog", "", because(ctx, err))
	}
	err = collect(ctx, conn, allTriggersQuery, func(r []string) error {
		if found[r[0]] == nil {
			found[r[0]] = map[string]connectors.Trigger{}
		}
		found[r[0]][r[1]] = readTrigger(r, s.database, functions)
		return nil
	})
	if err != nil {
		return s.fail("catalog", "", because(ctx, err))
	}
	for i := range tables {
		all := found[tables[i].Name]
		if len(all) == 0 {
			continue
		}
		for _, t := range tables[i].Triggers {
			all[t.Name] = t
		}
		tables[i].Triggers = nil
		for _, name := range slices.Sorted(maps.Keys(all)) {
			t := all[name]
			for w := range t.Writes {
				t.Writes[w].Table = named(tables, t.Writes[w].Table)
			}
			t.Writes = connectors.SortWrites(t.Writes)
			tables[i].Triggers = append(tables[i].Triggers, t)
		}
	}
	return nil
}

// named is the name of a table in the catalog, which a trigger may spell otherwise on some servers.
func named(tables connectors.Tables, name string) string {
	if _, exact := tables.Find(name); !exact {
		for _, t := range tables {
			if strings.EqualFold(t.Name, name) {
				return t.Name
			}
		}
	}
	return name
}

// readTrigger says what a trigger is. Of names that a bracket follows only those of functions of the database, or of
// another one, are called: the others are the server's own.
func readTrigger(r []string, database string, functions map[string]bool) connectors.Trigger {
	sum := sha256.Sum256([]byte(strings.Join(r[2:], "\x00")))
	t := connectors.Trigger{Name: r[1], Event: r[2], Digest: hex.EncodeToString(sum[:])}
	for _, ref := range references(r[3], strings.Contains(r[4], "ANSI_QUOTES")) {
		name := ref.name
		if ref.database != "" && !strings.EqualFold(ref.database, database) {
			name = ref.database + "." + name
		}
		if ref.procedure || !ref.table && (ref.database != "" || functions[strings.ToLower(ref.name)]) {
			t.Calls = append(t.Calls, name)
		}
		for _, event := range ref.events {
			t.Writes = append(t.Writes, connectors.Written{Table: name, Event: event})
		}
		if ref.may != "" {
			t.Writes = append(t.Writes, connectors.Written{Table: name, Event: ref.may})
		}
	}
	t.Writes = connectors.SortWrites(t.Writes)
	return t
}
