package tables

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"lethe/pipeline/registry/internal/database"
)

// between asks, by engine, what stands between a statement and the tables OURS: names, and the text of what may be one
// of Lethe's own triggers.
var between = map[string]string{
	"sqlite": `SELECT name, CASE type WHEN 'trigger' THEN sql ELSE '' END FROM sqlite_schema WHERE type = 'trigger' AND
		tbl_name IN (OURS) OR type = 'view' AND name IN (OURS)`,
	"postgres": `SELECT t.tgname, '' FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relname IN (OURS) AND NOT t.tgisinternal
		AND (t.tgtype & 4 <> 0 OR t.tgname || ' ' || c.relname NOT IN ('event_append_only event',
			'event_payload_append_only event_payload'))
		UNION ALL SELECT r.rulename, '' FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relname IN (OURS)`,
	"mysql": `SELECT trigger_name, '' FROM information_schema.triggers WHERE event_object_schema = DATABASE() AND
		event_object_table IN (OURS) AND CONCAT(trigger_name, ' ', event_object_table, ' ', event_manipulation) NOT IN (
			'event_no_update event UPDATE', 'event_no_delete event DELETE',
			'event_payload_no_update event_payload UPDATE')
		UNION ALL SELECT table_name, '' FROM information_schema.tables WHERE table_schema = DATABASE() AND
		table_type <> 'BASE TABLE' AND table_name IN (OURS)`,
}

var tableRE = regexp.MustCompile(`^CREATE TABLE (\w+)`)

// Foreign names what stands between a statement of Lethe's and its tables and is not Lethe's: triggers, rules, and
// views in the place of a table. Each may write something else than it is told. Of a trigger of MySQL and MariaDB the
// server tells who has the right TRIGGER only.
func Foreign(ctx context.Context, h database.Handle) (names []string, err error) {
	var ours []string
	for _, s := range Schema {
		if name := tableRE.FindStringSubmatch(s); name != nil {
			ours = append(ours, "'"+name[1]+"'")
		}
	}
	rows, err := h.Query(ctx, strings.ReplaceAll(between[h.Name], "OURS", strings.Join(ours, ", ")))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			return nil, h.Failed(err)
		}
		if text == "" || !slices.Contains(h.Guards, text) {
			names = append(names, name)
		}
	}
	return names, h.Failed(rows.Err())
}
