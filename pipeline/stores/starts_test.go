package stores

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline/audit"
	"lethe/pipeline/judge"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/setup"
)

// survey looks at a table whose rows ended on some days.
func survey(t *testing.T, start policy.Start, field connectors.Field, days ...any) audit.Start {
	t.Helper()
	field.Name, field.Type, field.Kind = "over", "date", connectors.Date
	table := mem.Table{Def: connectors.Table{Name: "people", Key: []string{"id"},
		Fields: []connectors.Field{{Name: "id", Kind: connectors.Integer}, {Name: "email", Kind: connectors.Text}, field}}}
	for i, day := range days {
		table.Rows = append(table.Rows, mem.Row{fmt.Sprintf("%03d", i), "a@b.it", day})
	}
	rule := policy.Rule{Purpose: "p", Basis: policy.Contract, Start: start, At: "over", End: policy.Delete,
		Period: calendar.Period{Years: 1}, Because: "law", Owner: "anna", ReviewBy: "2027-01-01",
		Dates: map[string]string{"2015-12-31": "real"}}
	if start == policy.BirthPlusAge {
		rule.Age = 18
	}
	silo, err := policy.Compile(policy.Silo{Name: "s", Rules: []policy.Rule{rule}, Records: []policy.Records{
		{Source: "crm", Table: "people", Subject: map[string]string{"email": "email"}}}}, time.UTC, "IT")
	require.NoError(t, err)
	source := mem.New("crm", table)
	tables, err := source.Tables(t.Context())
	require.NoError(t, err)
	b, err := judge.Bind(setup.Source{Name: "crm"}, tables, silo, silo.Silo.Records[0], nil, time.UTC)
	require.NoError(t, err)
	spreads, err := SurveyStarts(t.Context(), source, b)
	require.NoError(t, err)
	since, err := calendar.ParseDate("2001-01-01")
	require.NoError(t, err)
	lines := StartsOf(b, spreads, since)
	require.Len(t, lines, 1)
	return lines[0]
}

// times is a day, some times.
func times(n int, day any, more ...any) []any {
	for range n {
		more = append(more, day)
	}
	return more
}

func TestSurveyStarts(t *testing.T) {
	free := connectors.Field{Nullable: true}
	line := survey(t, policy.RelationEnded, free, "2010-01-01", "2000-05-05", nil, "1970-01-01", "soon", "2010-01-01")
	require.Equal(t, audit.Start{Silo: "s", Source: "crm", Object: "people", Column: "over", Rule: "p/contract",
		Start: "relation_ended", Rows: 3, Oldest: "2000-05-05", Newest: "2010-01-01", Most: "2010-01-01", MostRows: 2,
		Open: 1, Unknown: 2, BeforeSince: 1}, line)
	require.Equal(t, "terms of p/contract count from people.over: 3 rows have a day, from 2000-05-05 to 2010-01-01, "+
		"most of them (2) 2010-01-01; 1 have none yet; of 2 it is not known (E_START_UNKNOWN); 1 lie before the "+
		"company's first day", line.Said())

	line = survey(t, policy.RelationEnded, free, times(20, "2007-06-05", "2010-01-01", "2011-01-01")...)
	require.Equal(t, "2007-06-05", line.Nothing, "a mass of ends")
	require.EqualValues(t, 2, line.Rows)
	require.EqualValues(t, 20, line.Unknown)

	require.Empty(t, survey(t, policy.RelationEnded, free, times(9, "2007-06-05")...).Nothing, "too few")
	require.Empty(t, survey(t, policy.RelationEnded, free, times(20, "2007-06-05", times(20, "2008-06-05")...)...).Nothing,
		"as many as others")
	require.Empty(t, survey(t, policy.RelationEnded, free, times(20, "2015-12-31")...).Nothing, "the policy says so")
	require.Empty(t, survey(t, policy.Collected, free, times(20, "2007-06-05")...).Nothing, "an import")
	require.Equal(t, "2007-01-01", survey(t, policy.Collected, free, times(20, "2007-01-01")...).Nothing)

	line = survey(t, policy.RelationEnded, connectors.Field{Default: "1999-12-31"}, "1999-12-31", "2010-01-01")
	require.Equal(t, "1999-12-31", line.Nothing, "what the schema fills in")
	require.EqualValues(t, 1, line.Unknown)
	require.Equal(t, "1999-12-31", survey(t, policy.RelationEnded, connectors.Field{Default: "1999-12-31", Nullable: true},
		"1999-12-31", "2010-01-01").Nothing, "also where it could be NULL")

	line = survey(t, policy.BirthPlusAge, free, "1950-03-04", "1990-03-04", "1990-03-04")
	require.Equal(t, []string{"1950", "1990", ""}, []string{line.Oldest, line.Newest, line.Most}, "no day of birth")
	require.Zero(t, line.BeforeSince)
	require.Equal(t, "terms of p/contract count from people.over: no row has a day",
		audit.Start{Rule: "p/contract", Object: "people", Column: "over"}.Said())
}

// TestFingerprint is what it was before fields had defaults and zones, so that plans outlive an exchange of the program.
func TestFingerprint(t *testing.T) {
	table := connectors.Table{Database: "shop", Name: "people", Key: []string{"id"}, Rows: 7,
		Fields:      []connectors.Field{{Name: "id", Type: "int", Kind: connectors.Integer}, {Name: "over", Length: 3}},
		ForeignKeys: []connectors.ForeignKey{{Name: "f", Fields: []string{"id"}, RefTable: "others"}}}
	touched := map[string]bool{"people": true}
	was := Fingerprint(connectors.Tables{table}, touched)
	require.Equal(t, "1c2deb60cd49603074deee531f4cf4b3729d321415c7d8f43b5d6652d53b4663", was)
	table.Rows, table.Fields[1].Default, table.Fields[1].Zoned = 9, "1970-01-01", true
	table.ForeignKeys[0].OnUpdate, table.Distinct = "CASCADE", []string{"over"}
	require.Equal(t, was, Fingerprint(connectors.Tables{table}, touched))
	table.Fields[1].Nullable = true
	require.NotEqual(t, was, Fingerprint(connectors.Tables{table}, touched))
}
