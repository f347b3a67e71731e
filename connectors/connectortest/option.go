package connectortest

import (
	"maps"
	"slices"
	"testing"

	"filippo.io/age"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
)

// OptionValues are values that an option takes, and values that it does not.
type OptionValues struct{ Good, Bad []string }

// RunOptions holds a connector to the options that it declares: o opens a source, and values has some for
// each option.
func RunOptions(t *testing.T, c connectors.Connector, o connectors.Options, values map[string]OptionValues) {
	var names []string
	for _, spec := range c.Options {
		require.NotEmpty(t, spec.About, spec.Name)
		require.NotNil(t, spec.Check, spec.Name)
		require.NotContains(t, names, spec.Name)
		names = append(names, spec.Name)
	}
	require.ElementsMatch(t, names, slices.Collect(maps.Keys(values)),
		"a test has values for each option, and for no other")
	refuse := func(extra map[string]string, want ...string) {
		o.Extra = extra
		_, err := c.Open(t.Context(), o)
		require.ErrorIs(t, err, connectors.ErrConfig)
		for _, text := range append(want, names...) {
			require.ErrorContains(t, err, text)
		}
	}
	refuse(map[string]string{"no_such_option": "x"}, "no_such_option")
	for _, spec := range c.Options {
		for _, value := range values[spec.Name].Good {
			require.NoError(t, spec.Check(value), value)
			o.Extra = map[string]string{spec.Name: value}
			src, err := c.Open(t.Context(), o)
			require.NoError(t, err, "%s: %s", spec.Name, value)
			require.NoError(t, src.Close())
		}
		for _, value := range values[spec.Name].Bad {
			refuse(map[string]string{spec.Name: value}, spec.Name, spec.About)
		}
	}
}

// Packed are values for the options of dumps that may be packed, and those of more.
func Packed(t testing.TB, more map[string]OptionValues) map[string]OptionValues {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	to := id.Recipient().String()
	list := map[string]OptionValues{
		"member":     {Good: []string{"x.sql", "var/x.sql.gz"}, Bad: []string{"", "../x.sql", "/x.sql"}},
		"identity":   {Good: []string{"file:" + WriteFile(t, "key.txt", []byte(id.String()+"\n"))}, Bad: []string{"", "file:", id.String()}},
		"recipients": {Good: []string{to, to + " " + to}, Bad: []string{"age1", "x"}},
	}
	maps.Copy(list, more)
	return list
}
