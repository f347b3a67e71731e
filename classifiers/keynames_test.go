package classifiers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/classifiers"
)

// TestKeysOfOneNameAreReferences sees that a key which only one table has as its own leads to that table, where no foreign key is
// declared: measures of somebody are health. A name that every key has leads nowhere.
func TestKeysOfOneNameAreReferences(t *testing.T) {
	c := catalogue(t)
	persons := func(key string) *classifiers.Scan {
		s := c.Scan(classifiers.Table{Database: "db", Name: "pat_master", Fields: []classifiers.Field{
			{Name: key, Kind: "integer", Key: true}, {Name: "first_name", Kind: "text"}, {Name: "last_name", Kind: "text"},
			{Name: "birth_date", Kind: "date"}}})
		s.Observe(record(cycle(40, "7", "8", "9"), cycle(40, "Anna", "Luca", "Marta"), cycle(40, "Rossi", "Bianchi", "Greco"),
			cycle(40, "1980-01-02", "1991-03-04", "1975-12-30")))
		return s
	}
	measures := func(key string) *classifiers.Scan {
		s := c.Scan(classifiers.Table{Database: "db", Name: "readings", Fields: []classifiers.Field{
			{Name: "row_no", Kind: "integer", Key: true}, {Name: "taken_at", Kind: "timestamp"}, {Name: key, Kind: "integer"},
			{Name: "bps", Kind: "integer"}, {Name: "pulse", Kind: "integer"}}})
		s.Observe(record(cycle(40, "1", "2", "3"), cycle(40, "2024-06-19 11:28:25"), cycle(40, "7", "8", "9"),
			cycle(40, "120", "131", "142", "118", "125"), cycle(40, "61", "72", "83", "66", "90")))
		return s
	}
	for key, want := range map[string]classifiers.Category{"pid": classifiers.Health, "nr": classifiers.None} {
		f := c.Verdicts(persons(key), measures(key))[1].Fields[3]
		require.Equal(t, want, f.Primary, "%s by %s: %v", f.Field, key, f.Terms)
	}
}
