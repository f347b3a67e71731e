package pipeline_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline/ask"
	"lethe/pipeline/policy"
	"lethe/pipeline/setup"
)

// asked is a source that notes what it is asked about, and answers as told.
type asked struct {
	*mem.Store
	uses  []connectors.Use
	found []connectors.Obstacle
	err   error
}

func (a *asked) Foresee(_ context.Context, uses []connectors.Use) ([]connectors.Obstacle, error) {
	a.uses = uses
	return a.found, a.err
}

// strict is a source whose engine minds foreign keys at once.
type strict struct{ *asked }

func (strict) DefersForeignKeys() bool { return false }

// used writes down what a source is asked about: a table a line, with what is read, locked, set and deleted.
func used(uses []connectors.Use) (lines []string) {
	for _, u := range uses {
		line := u.Table + " " + strings.Join(u.Fields, ",")
		if u.Lock {
			line += " lock"
		}
		if len(u.Update) > 0 {
			line += " set " + strings.Join(u.Update, ",")
		}
		if u.Delete {
			line += " delete"
		}
		lines = append(lines, line)
	}
	return lines
}

func TestASourceIsAskedForExactlyWhatNightsCanDo(t *testing.T) {
	plain := func(name string, fks ...connectors.ForeignKey) mem.Table {
		fields := []connectors.Field{id}
		for _, fk := range fks {
			fields = append(fields, field(fk.Fields[0], connectors.Integer, true))
		}
		return table(name, fields, fks)
	}
	deletes, forgets := func(table string) policy.Dependent {
		return policy.Dependent{Table: table, FK: []string{"person"}, Do: "delete"}
	}, func(table string) policy.Dependent {
		return policy.Dependent{Table: table, FK: []string{"person"}, Do: "set_null"}
	}
	person := fk("people", "person")
	for _, c := range []struct {
		name   string
		silo   func(*policy.Silo)
		tables []mem.Table
		skip   map[string]string
		strict bool
		want   []string
	}{
		{"one table", nil, []mem.Table{people()}, nil, false, []string{"people id,email,name,status,created lock delete"}},
		{"a table of nobody's", nil, []mem.Table{people(), plain("other")}, nil, false,
			[]string{"other id", "people id,email,name,status,created lock delete"}},
		{"what is left out is not read", nil, []mem.Table{people(), plain("other"), plain("more", fk("other", "x"))},
			map[string]string{"other": "no", "more.x": "no"}, false,
			[]string{"more id", "people id,email,name,status,created lock delete"}},
		{"fields that are set", func(s *policy.Silo) {
			s.Records[0].Block = &policy.Block{Set: map[string]string{"status": "off"}, Unset: map[string]string{"status": "active"}}
			s.Rules[0].Else, s.Anonymize = policy.Anonymize, map[string]*string{"name": nil}
		}, []mem.Table{people()}, nil, false, []string{"people id,email,name,status,created lock set name,status delete"}},
		{"a technique that no rule asks for", func(s *policy.Silo) { s.Anonymize = map[string]*string{"name": nil} },
			[]mem.Table{people()}, nil, false, []string{"people id,email,name,status,created lock delete"}},
		{"dependents", depends(deletes("orders"), forgets("notes")),
			[]mem.Table{people(), plain("orders", person), plain("notes", person), plain("visits", person),
				plain("items", fk("orders", "o"))}, nil, false,
			[]string{"items id,o lock", "notes id,person lock set person", "orders id,person lock delete",
				"people id,email,name,status,created lock delete", "visits id,person lock"}},
		{"a parent that is owned", func(s *policy.Silo) {
			s.Records[0].Owns = []policy.Owned{{Table: "addresses", FK: []string{"address"}}}
		}, []mem.Table{people(field("address", connectors.Integer, true)), plain("addresses"),
			plain("firms", fk("addresses", "seat"))}, nil, false,
			[]string{"addresses id lock delete", "firms id,seat lock",
				"people id,email,name,status,created,address lock delete"}},
		{"a circle, where the engine looks when all is done", depends(deletes("orders")),
			[]mem.Table{table("people", append(people().Def.Fields, field("last", connectors.Integer, true)),
				[]connectors.ForeignKey{fk("orders", "last")}), plain("orders", person)}, nil, false,
			[]string{"orders id,person lock delete", "people id,email,name,status,created,last lock delete"}},
		{"a circle, where it minds at once", depends(deletes("orders")),
			[]mem.Table{table("people", append(people().Def.Fields, field("last", connectors.Integer, true)),
				[]connectors.ForeignKey{fk("orders", "last")}), plain("orders", person)}, nil, true,
			[]string{"orders id,person lock set person delete",
				"people id,email,name,status,created,last lock set last delete"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, news(c.silo), c.tables...)
			w.UsualEvents()
			spy := &asked{Store: w.Live}
			w.Setup.Sources[0].Skip = c.skip
			w.Setup.Sources[0].Open = func(context.Context) (connectors.Source, error) {
				if c.strict {
					return strict{spy}, nil
				}
				return spy, nil
			}
			_, err := ask.Check(t.Context(), w.Setup)
			require.NoError(t, err)
			require.Equal(t, c.want, used(spy.uses))
		})
	}
}

func TestCheckSaysWhatStandsInTheWay(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	spy := &asked{Store: w.Live, found: []connectors.Obstacle{
		{Table: "people", Kind: connectors.ErrDenied, DSN: "apply_dsn", User: "user a@h", What: "lacks DELETE", Mend: "GRANT it"},
		{Kind: connectors.ErrRefused, DSN: "apply_dsn", What: "may not see triggers", Doubt: true}}}
	w.Setup.Sources[0].Open = func(context.Context) (connectors.Source, error) { return spy, nil }
	lines, err := ask.Check(t.Context(), w.Setup)
	require.ErrorIs(t, err, connectors.ErrDenied)
	require.ErrorContains(t, err, "source crm: table people: apply_dsn (user a@h): lacks DELETE: GRANT it")
	require.Equal(t, 3, setup.ExitCode(err))
	require.NotContains(t, fmt.Sprint(err), "triggers")
	require.Contains(t, lines, "source crm: apply_dsn: may not see triggers")

	spy.found = spy.found[1:]
	_, err = ask.Check(t.Context(), w.Setup)
	require.NoError(t, err, "doubt is no fault")
	spy.err = connectors.ErrTransient
	_, err = ask.Check(t.Context(), w.Setup)
	require.ErrorIs(t, err, connectors.ErrTransient)
}
