package classifiers_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/classifiers"
)

func cycle(n int, values ...string) []string {
	var list []string
	for i := range n {
		list = append(list, values[i%len(values)])
	}
	return list
}

// TestWhatDescribesAPersonIsPersonal asks the same words of two tables: what stands beside names and births describes a
// person, what stands beside prices does not.
func TestWhatDescribesAPersonIsPersonal(t *testing.T) {
	c := catalogue(t)
	kinds := cycle(40, "moved away", "graduated", "other school", "not yet")
	v := classify(c, "pupils", []classifiers.Field{{Name: "id", Kind: "integer", Key: true},
		{Name: "first_name", Kind: "text"}, {Name: "last_name", Kind: "text"}, {Name: "birth_date", Kind: "date"},
		{Name: "leaving_reason", Kind: "text"}, {Name: "created_at", Kind: "timestamp"}},
		cycle(40, "1", "2", "3", "4", "5"), cycle(40, "Anna", "Marek", "Jürgen"),
		cycle(40, "Rossi", "Kowalski", "Schröder"), cycle(40, "2009-04-01", "2010-11-30", "2008-02-17"), kinds,
		cycle(40, "2021-03-02 17:31:00", "2021-03-03 18:02:11"))
	reason := v.Fields[4]
	require.Contains(t, []classifiers.Category{classifiers.OtherPersonal, classifiers.FreeText}, reason.Primary, reason.Terms)
	require.Equal(t, classifiers.None, v.Fields[5].Primary, "a technical field is none")

	sum, weighed := 0.0, false
	for _, term := range reason.Terms {
		sum += term.LogOdds
		weighed = weighed || term.Name == "weights"
	}
	require.True(t, weighed, "the weights are explained")
	require.InDelta(t, reason.Confidence, 1/(1+math.Exp(-sum)), 0.02, "the terms add up to the confidence")

	v = classify(c, "products", []classifiers.Field{{Name: "id", Kind: "integer", Key: true}, {Name: "sku", Kind: "text"},
		{Name: "price", Kind: "decimal"}, {Name: "leaving_reason", Kind: "text"}},
		cycle(40, "1", "2", "3", "4", "5"), cycle(40, "AB-1", "AB-2", "CD-7"), cycle(40, "12.50", "7.99", "100.00"), kinds)
	require.Equal(t, classifiers.None, v.Fields[3].Primary, v.Fields[3].Terms)
}

// TestOpaqueHeadersAreNotWeighed sees that only a header with a word in it is asked about.
func TestOpaqueHeadersAreNotWeighed(t *testing.T) {
	v := classify(catalogue(t), "persons", []classifiers.Field{{Name: "first_name", Kind: "text"},
		{Name: "last_name", Kind: "text"}, {Name: "c1", Kind: "text"}},
		cycle(40, "Anna", "Marek", "Jürgen"), cycle(40, "Rossi", "Kowalski", "Schröder"), cycle(40, "a", "b", "c"))
	require.Equal(t, classifiers.None, v.Fields[2].Primary, v.Fields[2].Terms)
}
