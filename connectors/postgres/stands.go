package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"lethe/connectors"
)

// apartQuery finds what is there of some numbers and is not the table's: neither the table of that name nor a partition of
// it.
const apartQuery = `WITH RECURSIVE now AS (
		SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relname = $2
		UNION ALL SELECT i.inhrelid FROM now JOIN pg_catalog.pg_inherits i ON i.inhparent = now.oid
		JOIN pg_catalog.pg_class p ON p.oid = i.inhrelid AND p.relispartition WHERE NOT COALESCE(` + pending + `, false))
	SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
	WHERE c.oid = ANY ($3::oid[]) AND c.oid NOT IN (SELECT oid FROM now) AND c.relkind IN ('r', 'p', 'f') ORDER BY 1, 2`

// Apart returns the tables, as they are called now, in which rows of a table stood, and which are not its own any more.
func (s *source) Apart(ctx context.Context, name string, stood []string) ([]string, error) {
	schema, own := public, name
	if c, err := s.known(ctx); err != nil {
		return nil, s.fail("catalog", name, because(ctx, err))
	} else if t := c.tables[name]; t != nil {
		schema, own = t.schema, t.name
	} else if before, after, ok := strings.Cut(name, "."); ok {
		schema, own = before, after
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return nil, s.fail("catalog", name, because(ctx, err))
	}
	defer func() { _ = conn.Close() }()
	found, err := apart(ctx, conn, schema, own, stood)
	if err != nil {
		return nil, s.fail("catalog", name, err)
	}
	return found, nil
}

func apart(ctx context.Context, conn *sql.Conn, schema, name string, stood []string) (found []string, err error) {
	if len(stood) == 0 {
		return nil, nil
	}
	params := [][]byte{[]byte(schema), []byte(name), []byte("{" + strings.Join(stood, ",") + "}")}
	err = collect(ctx, conn, apartQuery, params, func(r []string) error {
		found = append(found, nameOf(r[0], r[1]))
		return nil
	})
	return found, err
}

// together refuses rows of tables of which others stand apart by now: they were not found, and are not gone. What was read
// under lock keeps its partitions from being detached until the transaction ends.
func (m *mutable) together(ctx context.Context, conn *sql.Conn, parts []*part) error {
	s := m.apply
	m.mu.Lock()
	read := m.catalog // by which rows were read, and decided
	m.mu.Unlock()
	var asked []*table
	for _, p := range parts {
		t := p.reader.table
		if slices.Contains(asked, t) {
			continue
		}
		asked = append(asked, t)
		stood := t.Stands
		if read != nil && read.tables[t.Name] != nil {
			stood = slices.Concat(stood, read.tables[t.Name].Stands)
		}
		found, err := apart(ctx, conn, t.schema, t.name, stood)
		if err != nil {
			return s.fail("mutate", t.Name, err)
		}
		if len(found) > 0 {
			s.forget()
			m.source.forget()
			return s.fail("mutate", t.Name, &connectors.Error{Err: fmt.Errorf("%w, in %s: %w", connectors.ErrApart,
				strings.Join(found, ", "), connectors.ErrSchemaChanged), Hint: attach})
		}
	}
	return nil
}

// attach is what to do about rows that stand apart.
const attach = "attach it again, or have the policy govern it by its own name: its rows were not looked at"
