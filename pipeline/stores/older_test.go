package stores

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/pipeline/policy"
	"lethe/pipeline/setup"
)

// TestOlder governs a backup of another day's schema by what it has: each table a string of its fields, those of the
// live source first.
func TestOlder(t *testing.T) {
	tables := func(fks bool, has ...[]string) (ts connectors.Tables) {
		for _, names := range has {
			table := connectors.Table{Name: names[0]}
			for _, name := range names[1:] {
				table.Fields = append(table.Fields, connectors.Field{Name: name})
			}
			if fks && names[0] == "lines" {
				table.ForeignKeys = []connectors.ForeignKey{{Fields: []string{"nr"}, RefTable: "orders", RefFields: []string{"nr"}}}
			}
			ts = append(ts, table)
		}
		return ts
	}
	people, orders := []string{"people", "id", "blocked", "place"}, []string{"orders", "nr", "who"}
	lines, places := []string{"lines", "id", "nr"}, []string{"places", "id"}
	live := NewStore(setup.Source{Name: "crm"})
	live.Tables = tables(true, people, orders, lines, places)
	set := &Set{List: []*Store{live}}
	r := policy.Records{Source: "crm", Table: "people", Owns: []policy.Owned{{Table: "places", FK: []string{"place"}}},
		Block: &policy.Block{Set: map[string]string{"blocked": "1"}, Unset: map[string]string{"blocked": "0"}},
		Dependents: []policy.Dependent{{Table: "orders", FK: []string{"who"}, Do: "delete"},
			{Table: "lines", FK: []string{"nr"}, Do: "delete"}}}

	for name, c := range map[string]struct {
		has        connectors.Tables
		dependents []string
		lacks      string // "" where nothing is said
		owns       bool
		blocks     bool
	}{
		"whole":               {tables(false, people, orders, lines, places), []string{"orders", "lines"}, "", true, true},
		"no table":            {tables(false, people, places), nil, "", true, true},
		"no table between":    {tables(false, people, lines, places), nil, "", true, true},
		"no field that says":  {tables(false, people, []string{"orders", "nr"}, lines), []string{"lines"}, "table orders has no field who here", false, true},
		"no table of its own": {tables(false, []string{"people", "id", "place"}, orders), []string{"orders"}, "", false, false},
		"no field of its own": {tables(false, []string{"people", "id"}, orders, places), []string{"orders"}, "", false, false},
	} {
		backup := NewStore(setup.Source{Name: "dump", Of: "crm", Environment: "backup"})
		backup.Tables = c.has
		got, lacks := set.older(backup, r)
		var dependents []string
		for _, d := range got.Dependents {
			dependents = append(dependents, d.Table)
			require.Equal(t, map[string]string{"orders": "", "lines": "orders"}[d.Table], d.References,
				"%s: the foreign key of the live source says what is referred to, not that of the records", name)
		}
		require.Equal(t, c.dependents, dependents, name)
		require.Equal(t, c.owns, len(got.Owns) > 0, name)
		require.Equal(t, c.blocks, got.Block != nil, name)
		if c.lacks == "" {
			require.Empty(t, lacks, name)
			continue
		}
		require.Len(t, lacks, 1, name)
		require.Contains(t, lacks[0], c.lacks, name)
		require.Len(t, r.Dependents, 2, "those of the live source are as they were")
	}
}

// TestUnlike takes the key from a table of a backup whose rows are named by other fields than those of its live source.
func TestUnlike(t *testing.T) {
	table := func(key ...string) connectors.Table {
		return connectors.Table{Name: "people", Key: key, Fields: []connectors.Field{{Name: "id"}, {Name: "number"}, {Name: "site"}}}
	}
	for name, c := range map[string]struct {
		live, backup connectors.Table
		stays        bool
	}{
		"alike":                {table("id"), table("id"), true},
		"another":              {table("id"), table("number"), false},
		"in another order":     {table("id", "site"), table("site", "id"), false},
		"that grew":            {table("site", "id"), table("id"), true},
		"that shrank":          {table("id"), table("site", "id"), false},
		"none live":            {table(), table("id"), true},
		"of a field not there": {connectors.Table{Name: "people", Key: []string{"new"}}, table("id"), true},
		"of a table not there": {connectors.Table{Name: "others", Key: []string{"id"}}, table("number"), true},
	} {
		t.Run(name, func(t *testing.T) {
			live := NewStore(setup.Source{Name: "crm"})
			live.Tables = connectors.Tables{c.live}
			set := &Set{List: []*Store{live}}
			backup, tables := NewStore(setup.Source{Name: "dump", Of: "crm", Environment: "backup"}), connectors.Tables{c.backup}
			set.unlike(backup, tables)
			backup.Tables = tables
			r, lacks := set.older(backup, policy.Records{Source: "crm", Table: "orders",
				Owns: []policy.Owned{{Table: "people", FK: nil}}, Dependents: []policy.Dependent{{Table: "people", FK: []string{"id"}}}})
			require.Equal(t, c.stays, len(tables[0].Key) > 0)
			require.Equal(t, c.stays, len(lacks) == 0, lacks)
			if !c.stays {
				require.Empty(t, r.Owns, "what it refers to is not known")
			}
		})
	}
}
