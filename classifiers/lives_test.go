package classifiers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/classifiers"
)

// The days of a life are about a person as the birth is, and a birth may be written in parts, with 0 for what is not known.
func TestDaysOfALife(t *testing.T) {
	for _, row := range []struct {
		field  classifiers.Field
		values []string
		want   classifiers.Category
	}{
		{classifiers.Field{Name: "sterbetag", Kind: "date"}, []string{"2018-11-03", "2020-04-18"}, classifiers.OtherPersonal},
		{classifiers.Field{Name: "data_ślubu", Kind: "timestamp"}, []string{"1998-06-20 00:00:00"},
			classifiers.OtherPersonal},
		{classifiers.Field{Name: "eintritt", Kind: "date"}, []string{"2018-11-03", "2020-04-18"}, classifiers.None},
		{classifiers.Field{Name: "nationality", Kind: "date"}, []string{"2018-11-03", "2020-04-18"}, classifiers.None},
		{classifiers.Field{Name: "birth_day", Kind: "integer"}, []string{"0", "3", "28"}, classifiers.DateOfBirth},
		{classifiers.Field{Name: "birth_year", Kind: "integer"}, []string{"0", "1957", "2001"}, classifiers.DateOfBirth},
		{classifiers.Field{Name: "geboorte_datum", Kind: "integer"}, []string{"0", "19690000", "19570301"},
			classifiers.DateOfBirth},
		{classifiers.Field{Name: "birth_day", Kind: "integer"}, []string{"0", "3", "280"}, classifiers.None},
	} {
		fields := []classifiers.Field{{Name: "last_name", Kind: "text"}, row.field}
		names := make([]string, len(row.values))
		for i := range names {
			names[i] = []string{"Hübner", "Pfaff", "Celle"}[i%3]
		}
		f := classify(catalogue(t), "members", fields, names, row.values).Fields[1]
		require.Equal(t, row.want, f.Primary, "%s: %v", f.Field, f.Terms)
	}
}
