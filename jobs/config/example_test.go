package config

import (
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// What the example says of standing orders is how they come to count.
func TestExampleSaysHowOrdersCount(t *testing.T) {
	require.Contains(t, Example, "it lets nothing go until an owner of the silo and a\n# custodian have signed it")
}

// The example says that it has everything that can stand in a configuration.
func TestExampleHasEveryKey(t *testing.T) {
	example, err := os.ReadFile("example.yaml")
	require.NoError(t, err)
	keys := slices.Sorted(maps.Keys(placesOf(reflect.TypeFor[Config]())))
	require.Subset(t, keys, []string{"controller", "link_scope", "valid_from", "fk"})
	for _, key := range keys {
		if !regexp.MustCompile(`\b` + key + `:`).Match(example) {
			t.Errorf("%s is not in the example", key)
		}
	}
}
