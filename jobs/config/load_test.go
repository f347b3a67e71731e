package config

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/setup"
)

// load reads a configuration with a text that cannot be decoded.
func load(t *testing.T, text string) error {
	path := filepath.Join(t.TempDir(), "lethe.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	_, err := Load(path)
	require.ErrorIs(t, err, setup.ErrConfig)
	return err
}

func TestUnknownKeys(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"statee: x", `[1:1] unknown field "statee": did you mean state?`},
		{"zzzzzzzz: x", `[1:1] unknown field "zzzzzzzz"`},
		{"fields: [a]", `[1:1] unknown field "fields" here: it belongs under silos.NAME.rules`},
		{"registry: {state: x}", `[1:12] unknown field "state" here: it belongs at the top of the file`},
		{"sources: {crm: {rules: []}}", `[1:17] unknown field "rules" here: it belongs under silos.NAME`},
	} {
		require.ErrorContains(t, load(t, c.text), c.want)
	}
	require.NotContains(t, load(t, "fields: [a]").Error(), "did you mean")
}

func TestValuesAreNeverQuoted(t *testing.T) {
	err := load(t, "registry: {dsn: [s3cret]}")
	require.ErrorContains(t, err, "dsn wants a text")
	require.NotContains(t, err.Error(), "s3cret")
}
