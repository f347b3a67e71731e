package config

import (
	"os"
	"reflect"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// The example says that it has everything that can stand in a configuration.
func TestExampleHasEveryKey(t *testing.T) {
	example, err := os.ReadFile("example.yaml")
	require.NoError(t, err)
	keys := keysOf(reflect.TypeFor[Config]())
	require.Subset(t, keys, []string{"controller", "link_scope", "valid_from", "fk"})
	for _, key := range keys {
		if !regexp.MustCompile(`\b` + key + `:`).Match(example) {
			t.Errorf("%s is not in the example", key)
		}
	}
}
