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
	err = collect(ctx, conn, allTriggersQuery, func(r []string) error {
		if found[r[0]] == nil {
			found[r[0]] = map[string]connectors.Trigger{}
		}
		found[r[0]][r[1]] = readTrigger(r, s.database)
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
			tables[i].Triggers = append(tables[i].Triggers, all[name])
		}
	}
	return nil
}

func readTrigger(r []string, database string) connectors.Trigger {
	sum := sha256.Sum256([]byte(strings.Join(r[2:], "\x00")))
	t := connectors.Trigger{Name: r[1], Event: r[2], Digest: hex.EncodeToString(sum[:])}
	for _, ref := range references(r[3], strings.Contains(r[4], "ANSI_QUOTES")) {
		name := ref.name
		if ref.database != "" && ref.database != database {
			name = ref.database + "." + name
		}
		if ref.procedure {
			t.Calls = append(t.Calls, name)
		}
		for _, event := range ref.events {
			t.Writes = append(t.Writes, connectors.Written{Table: name, Event: event})
		}
	}
	t.Writes = connectors.SortWrites(t.Writes)
	return t
}
