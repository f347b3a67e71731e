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

// The example says that it has everything that can stand in a configuration.
// Nobody signs a standing order: it stands in the configuration, and holds for as long as that does.
func TestExampleCallsNothingSignedThatIsNot(t *testing.T) {
	require.NotRegexp(t, `(?i)orders?:? [^\n]*signed by`, Example)
	require.Contains(t, Example, "in whose names they stand")
}

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
