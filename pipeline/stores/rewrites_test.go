package stores

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline/judge"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/setup"
)

// TestCarriedAlong finds the rows that the engine would change with a field, whatever the field's name leads to.
func TestCarriedAlong(t *testing.T) {
	people := connectors.Table{Name: "people", Distinct: []string{"nick"}, Fields: []connectors.Field{{Name: "id"},
		{Name: "email"}, {Name: "nick"}, {Name: "slug", Generated: true}, {Name: "boss"}}}
	fk := func(action, from, table string, to ...string) connectors.Table {
		return connectors.Table{Name: "notes", ForeignKeys: []connectors.ForeignKey{
			{Fields: []string{from}, RefTable: table, RefFields: to, OnDelete: "CASCADE", OnUpdate: action}}}
	}
	for name, c := range map[string]struct {
		notes   connectors.Table
		written string
		unknown bool // of what fields are computed
		moves   bool
	}{
		"cascade":            {notes: fk("CASCADE", "author", "people", "email"), written: "email", moves: true},
		"set null":           {notes: fk("SET NULL", "author", "people", "email"), written: "email", moves: true},
		"set default":        {notes: fk("SET DEFAULT", "author", "people", "email"), written: "email", moves: true},
		"of several fields":  {notes: fk("CASCADE", "author", "people", "id", "email"), written: "email", moves: true},
		"in another case":    {notes: fk("CASCADE", "author", "people", "EMAIL"), written: "email", moves: true},
		"of a computed one":  {notes: fk("CASCADE", "author", "people", "slug"), written: "nick", moves: true},
		"computed of what":   {notes: fk("CASCADE", "author", "people", "slug"), written: "boss", unknown: true, moves: true},
		"computed of others": {notes: fk("CASCADE", "author", "people", "slug"), written: "boss"},
		"restrict":           {notes: fk("RESTRICT", "author", "people", "email"), written: "email"},
		"no action":          {notes: fk("NO ACTION", "author", "people", "email"), written: "email"},
		"another field":      {notes: fk("CASCADE", "author", "people", "id"), written: "email"},
		"another table":      {notes: fk("CASCADE", "author", "staff", "email"), written: "email"},
	} {
		of := people
		if c.unknown {
			of.Distinct = nil
		}
		said := carriedAlong(connectors.Tables{c.notes, of}, "people", []string{c.written})
		if !c.moves {
			require.Empty(t, said, name)
			continue
		}
		require.Len(t, said, 1, name)
		require.Contains(t, said[0], "field "+c.written+" is changed, and table notes refers to it by author", name)
	}
	self := people
	self.ForeignKeys = fk("CASCADE", "boss", "people", "email").ForeignKeys
	require.Len(t, carriedAlong(connectors.Tables{self}, "people", []string{"nick", "email"}), 1, "rows of the table itself")
}

// TestRewrites asks of what a policy changes only where it is changed: in a live store that may be, and in a backup
// that is rewritten and has none.
func TestRewrites(t *testing.T) {
	field := func(name string) connectors.Field {
		return connectors.Field{Name: name, Type: "text", Kind: connectors.Text, Nullable: name != "id"}
	}
	tables := []mem.Table{{Def: connectors.Table{Name: "people", Key: []string{"id"}, Unique: [][]string{{"email"}},
		Fields: []connectors.Field{field("id"), field("email")}}}, {Def: connectors.Table{Name: "notes",
		Key: []string{"id"}, Fields: []connectors.Field{field("id"), field("author")}, Unique: [][]string{{"author"}},
		ForeignKeys: []connectors.ForeignKey{{Fields: []string{"author"}, RefTable: "people", RefFields: []string{"email"},
			OnUpdate: "CASCADE"}}}}, {Def: connectors.Table{Name: "stars", Key: []string{"id"},
		Fields: []connectors.Field{field("id"), field("of")}, ForeignKeys: []connectors.ForeignKey{{Fields: []string{"of"},
			RefTable: "notes", RefFields: []string{"author"}, OnUpdate: "SET NULL"}}}}}
	compiled := func(end policy.Action, dependents ...policy.Dependent) *policy.Compiled {
		silo, err := policy.Compile(policy.Silo{Name: "s", Anonymize: map[string]*string{"email": nil},
			Rules: []policy.Rule{{Purpose: "news", Basis: policy.Consent, End: end, Fields: []string{"id", "email"},
				MaxAge: calendar.Period{Years: 2}, Because: "a form", Owner: "anna", ReviewBy: "2027-06-01"}},
			Records: []policy.Records{{Source: "crm", Table: "people", Subject: map[string]string{"email": "email"},
				Dependents: dependents}}}, time.UTC, "IT")
		require.NoError(t, err)
		return silo
	}
	asked := func(silo *policy.Compiled, sources ...setup.Source) (err error) {
		set := &Set{}
		for _, src := range sources {
			s := NewStore(src)
			s.Conn = mem.New("crm", tables...)
			for _, table := range tables {
				s.Tables = append(s.Tables, table.Def)
			}
			b, bad := judge.Bind(src, s.Tables, silo, silo.Silo.Records[0], nil, time.UTC)
			require.NoError(t, bad)
			s.Judges = append(s.Judges, judge.NewJudge(b))
			set.List = append(set.List, s)
			err = set.rewrites(s)
		}
		return err
	}
	live, backup := setup.Source{Name: "crm"}, setup.Source{Name: "dump", Of: "crm", Environment: "backup"}
	rewritten := backup
	rewritten.Rewrite = &setup.RewriteTerms{}
	readOnly := live
	readOnly.ReadOnly = true

	err := asked(compiled(policy.Anonymize), live)
	require.ErrorIs(t, err, setup.ErrConfig)
	require.ErrorContains(t, err, "silo s: source crm table people: field email is changed, and table notes refers to it")
	require.ErrorContains(t, asked(compiled(policy.Anonymize), rewritten), "source dump table people")
	require.ErrorContains(t, asked(compiled(policy.Anonymize), readOnly, rewritten), "source dump table people")
	require.NoError(t, asked(compiled(policy.Anonymize), backup))
	require.NoError(t, asked(compiled(policy.Anonymize), live, rewritten), "the live source is asked")
	require.NoError(t, asked(compiled(policy.Delete), live))
	err = asked(compiled(policy.Delete, policy.Dependent{Table: "notes", FK: []string{"author"}, Do: "set_null"}), live)
	require.ErrorContains(t, err, "table notes: field author is changed, and table stars refers to it by of with ON UPDATE SET NULL")
}
