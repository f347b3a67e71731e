package apply

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline/change"
	"lethe/pipeline/dependents/edges"
	"lethe/pipeline/judge"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/setup"
	"lethe/pipeline/stores"
)

// A row follows another by the word of the records of a row that goes with it, and of no other unit's.
func TestReasonsAreThoseOfTheUnit(t *testing.T) {
	field := func(name string) connectors.Field { return connectors.Field{Name: name, Kind: connectors.Text} }
	of := connectors.Field{Name: "of", Kind: connectors.Text, Nullable: true}
	refers := connectors.ForeignKey{Fields: []string{"of"}, RefTable: "people", RefFields: []string{"id"},
		OnDelete: "RESTRICT"}
	store := func(does string) *stores.Store {
		silo, err := policy.Compile(policy.Silo{Name: "s",
			Rules: []policy.Rule{{Purpose: "news", Basis: policy.Consent, End: policy.Delete,
				MaxAge: calendar.Period{Years: 2}, Because: "a form", Owner: "anna", ReviewBy: "2027-06-01"}},
			Records: []policy.Records{{Source: "crm", Table: "people", Subject: map[string]string{"email": "email"},
				Dependents: []policy.Dependent{{Table: "orders", FK: []string{"of"}, Do: does}}}}}, time.UTC, "IT")
		require.NoError(t, err)
		s := stores.NewStore(setup.Source{Name: "crm"})
		s.Conn = mem.New("crm")
		s.Tables = connectors.Tables{
			{Name: "people", Key: []string{"id"}, Fields: []connectors.Field{field("id"), field("email")}},
			{Name: "orders", Key: []string{"id"}, Fields: []connectors.Field{field("id"), of},
				ForeignKeys: []connectors.ForeignKey{refers}}}
		b, err := judge.Bind(s.Source, s.Tables, silo, silo.Silo.Records[0], nil, time.UTC)
		require.NoError(t, err)
		s.Judges = append(s.Judges, judge.NewJudge(b))
		s.Governed = map[string][]*judge.Judge{"people": s.Judges}
		return s
	}
	unit := func(number int64, from int, kind change.Kind) []change.Change {
		return []change.Change{
			{Unit: number, Kind: change.Dependent, Silo: "s", Table: "orders", Op: judge.Delete, Level: 1,
				Refs: []change.Ref{{Row: from + 1, Does: change.Follows}}},
			{Unit: number, Kind: kind, Silo: "s", Table: "people", Op: judge.Delete}}
	}
	said := func(s *stores.Store, kind change.Kind) error {
		set := change.SetOf(edges.Of(s).Edges(), append(unit(1, 0, change.Root), unit(2, 2, kind)...)...)
		a := &application{store: s, set: set}
		return a.sameMeaning()
	}
	require.NoError(t, said(store("delete"), change.Root))
	require.ErrorIs(t, said(store("delete"), change.Dependent), setup.ErrExpired, "nobody's records say that it goes")
	require.ErrorIs(t, said(store("set_null"), change.Root), setup.ErrExpired)
}
