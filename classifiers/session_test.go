package classifiers_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/classifiers"
)

// TestKeysOfSessionsAreSecrets: who has the key of a session is who logged in, whatever the key is called; counters are none,
// and so are the same keys in a table of things.
func TestKeysOfSessionsAreSecrets(t *testing.T) {
	var keys, counters, at []string
	for i := range 40 {
		keys = append(keys, fmt.Sprintf("%08xk%015x", i*2654435761, i*40503*65537*48271))
		counters, at = append(counters, fmt.Sprint(i+1)), append(at, "2021-03-02 17:31:00")
	}
	for _, row := range []struct {
		table, field string
		values       []string
		want         classifiers.Category
	}{
		{"sessions", "id", keys, classifiers.Secret}, {"app_session", "sid", keys, classifiers.Secret},
		{"sessions", "session_id", keys, classifiers.Secret}, {"sessions", "id", counters, classifiers.None},
		{"products", "id", keys, classifiers.None},
	} {
		v := classify(catalogue(t), row.table, []classifiers.Field{{Name: row.field, Kind: "text"},
			{Name: "updated_at", Kind: "timestamp"}}, row.values, at)
		require.Equal(t, row.want, v.Fields[0].Primary, "%s.%s: %v", row.table, row.field, v.Fields[0].Terms)
	}
}

// TestMeasuresInTablesOfHealth: weight and height mean health beside vital signs, and nothing beside prices.
func TestMeasuresInTablesOfHealth(t *testing.T) {
	numbers := cycle(40, "61.5", "80.2", "74.0", "58.9", "102.3")
	fields := func(beside string) []classifiers.Field {
		return []classifiers.Field{{Name: "id", Kind: "integer", Key: true}, {Name: beside, Kind: "text"},
			{Name: "weight", Kind: "decimal"}, {Name: "height", Kind: "decimal"}}
	}
	c := catalogue(t)
	vitals := classify(c, "patient_vitals", fields("blood_pressure"), cycle(40, "1", "2", "3"),
		cycle(40, "120/80", "135/90", "110/70"), numbers, numbers)
	goods := classify(c, "products", fields("sku"), cycle(40, "1", "2", "3"), cycle(40, "AB-1", "AB-2", "CD-7"), numbers, numbers)
	for i := 2; i < 4; i++ {
		require.Equal(t, classifiers.Health, vitals.Fields[i].Primary, vitals.Fields[i].Terms)
		require.Equal(t, classifiers.None, goods.Fields[i].Primary, goods.Fields[i].Terms)
	}
}
