package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"lethe/connectors"
)

const (
	viewsQuery = `SELECT c.oid, n.nspname, c.relname, c.relkind FROM pg_catalog.pg_class c
		JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('v', 'm')` + own + ` ORDER BY 2, 3`
	// what a view reads, by the dependencies of its rule
	readsQuery = `SELECT DISTINCT r.ev_class, d.refobjid FROM pg_catalog.pg_rewrite r
		JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = r.oid
		AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid <> r.ev_class WHERE r.ev_type = '1'`
	// what holds rows and is no table of the catalog: tables of other servers, and large objects
	othersQuery = `SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'f' AND NOT c.relispartition` + own + ` ORDER BY 1, 2`
	largeQuery = `SELECT pg_catalog.count(*) FROM pg_catalog.pg_largeobject_metadata`
)

// view is a view, and what it reads at once.
type view struct {
	name         string
	materialized bool
	reads        []string // numbers of tables and views
}

// views returns the views of the database by their numbers.
func (s *source) views(ctx context.Context) (*catalog, map[string]*view, error) {
	c, err := s.reload(ctx)
	if err != nil {
		return nil, nil, err
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = conn.Close() }()
	views := map[string]*view{}
	err = collect(ctx, conn, viewsQuery, nil, func(r []string) error {
		views[r[0]] = &view{name: nameOf(r[1], r[2]), materialized: r[3] == "m"}
		return nil
	})
	if err == nil {
		err = collect(ctx, conn, readsQuery, nil, func(r []string) error {
			if v := views[r[0]]; v != nil {
				v.reads = append(v.reads, r[1])
			}
			return nil
		})
	}
	return c, views, err
}

// tables are those of the catalog that a view reads, itself or through others.
func (v *view) tables(c *catalog, views map[string]*view) []string {
	found, seen := map[string]bool{}, map[*view]bool{}
	var follow func(v *view)
	follow = func(v *view) {
		if seen[v] {
			return
		}
		seen[v] = true
		for _, oid := range v.reads {
			if t := c.byOID[oid]; t != nil {
				found[t.Name] = true
			} else if other := views[oid]; other != nil {
				follow(other)
			}
		}
	}
	follow(v)
	return append([]string{}, slices.Sorted(maps.Keys(found))...)
}

// Views returns the views of the database with the tables that they read, of which the server keeps book. Materialised
// ones, which keep rows, are what Unread returns.
func (s *source) Views(ctx context.Context) ([]connectors.View, error) {
	c, views, err := s.views(ctx)
	if err != nil {
		return nil, s.fail("catalog", "", because(ctx, err))
	}
	var list []connectors.View
	for _, v := range views {
		if !v.materialized {
			list = append(list, connectors.View{Name: v.name, Tables: v.tables(c, views)})
		}
	}
	slices.SortFunc(list, func(a, b connectors.View) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// Unread returns what holds rows beside the catalog: materialised views, tables of other servers, large objects, and
// tables and fields that the user may not read.
func (s *source) Unread(ctx context.Context) ([]connectors.Unread, error) {
	c, views, err := s.views(ctx)
	if err != nil {
		return nil, s.fail("catalog", "", because(ctx, err))
	}
	var list []connectors.Unread
	for _, v := range views {
		if !v.materialized {
			continue
		}
		of := v.tables(c, views)
		if len(of) == 0 {
			of = []string{""}
		}
		for _, table := range of {
			list = append(list, connectors.Unread{Name: v.name, Of: table, Stays: table != "", Unknown: table == "",
				Reason: "a materialised view: what is erased stays in it until REFRESH MATERIALIZED VIEW " + v.quoted()})
		}
	}
	for _, u := range c.hidden {
		name, what := u.table, "a table that the user of dsn may not read: it lacks USAGE on its schema, or SELECT"
		if u.field != "" {
			name, what = u.table+"."+u.field, "a field that the user of dsn may not read: it lacks SELECT on it"
		}
		list = append(list, connectors.Unread{Name: name, Unknown: true, Reason: what})
	}
	for _, name := range c.leaving {
		list = append(list, connectors.Unread{Name: name, Unknown: true, Reason: "a partition that is being detached, or " +
			"whose detaching was cut off: its rows are read with none; ALTER TABLE ... DETACH PARTITION ... FINALIZE ends it"})
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return nil, s.fail("catalog", "", because(ctx, err))
	}
	defer func() { _ = conn.Close() }()
	err = collect(ctx, conn, othersQuery, nil, func(r []string) error {
		list = append(list, connectors.Unread{Name: nameOf(r[0], r[1]), Unknown: true,
			Reason: "a foreign table: its rows are on another server; make that a source"})
		return nil
	})
	if err == nil {
		err = collect(ctx, conn, largeQuery, nil, func(r []string) error {
			if r[0] != "0" {
				list = append(list, connectors.Unread{Name: "pg_largeobject", Unknown: true, Reason: fmt.Sprintf("%s large "+
					"objects: they belong to no row, and are neither read nor removed (lo_unlink, or vacuumlo for those that no "+
					"row names)", r[0])})
			}
			return nil
		})
	}
	if err != nil {
		return nil, s.fail("catalog", "", err)
	}
	slices.SortStableFunc(list, func(a, b connectors.Unread) int {
		return strings.Compare(a.Name+"\x00"+a.Of, b.Name+"\x00"+b.Of)
	})
	return list, nil
}

// quoted is the view's name in statements, as nearly as its name in the catalog tells.
func (v *view) quoted() string {
	if schema, name, ok := strings.Cut(v.name, "."); ok {
		return quoteName(schema) + "." + quoteName(name)
	}
	return quoteName(v.name)
}
