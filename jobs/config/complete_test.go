package config

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/registry/keystore"
)

// The complete configuration of the design must build as it stands, once its secrets and keystore are there.
func TestCompleteConfigurationBuilds(t *testing.T) {
	dir := t.TempDir()
	text, err := os.ReadFile(filepath.Join("testdata", "complete.yaml"))
	require.NoError(t, err)
	secrets := filepath.Join(dir, "credentials")
	require.NoError(t, os.Mkdir(secrets, 0o700))
	for _, name := range []string{"crm", "crm-apply"} {
		require.NoError(t, os.WriteFile(filepath.Join(secrets, name), []byte("lethe:secret@tcp(db:3306)/crm"), 0o600))
	}
	path := filepath.Join(dir, "lethe.yaml")
	require.NoError(t, os.WriteFile(path, bytes.ReplaceAll(text, []byte("/run/credentials/"), []byte(secrets+"/")),
		0o600))
	require.NoError(t, keystore.Create(filepath.Join(dir, "var", "keys"), filepath.Join(dir, "lethe.age")))
	config, err := Load(path)
	require.NoError(t, err)
	p, err := config.Build(t.Context(), slog.New(slog.NewTextHandler(io.Discard, nil)))
	require.NoError(t, err)
	require.Len(t, p.Silos, 2)
	require.Equal(t, []string{"owner:newsletter", "owner:customers"}, p.People["anna"].Roles)
}
