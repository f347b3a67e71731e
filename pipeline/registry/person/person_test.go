package person

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/registry/keystore"
)

const passphrase = "viola sul davanzale"

func TestAKeyWithAPassphrase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "anna.key")
	public, err := New(path, passphrase)
	require.NoError(t, err)
	_, err = New(path, passphrase)
	require.ErrorContains(t, err, "anna.key exists already; name another file")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NotContains(t, string(text), "secret")
	require.Contains(t, string(text), "# public key: "+public)

	f, err := Read(path)
	require.NoError(t, err)
	require.True(t, f.Encrypted())
	require.Equal(t, public, f.Public)
	signer, err := f.Open(passphrase)
	require.NoError(t, err)
	require.Equal(t, public, signer.Public())
	for _, wrong := range []string{"", "Viola sul davanzale", passphrase + " "} {
		_, err = f.Open(wrong)
		require.ErrorIs(t, err, ErrPassphrase)
		require.NotErrorIs(t, err, keystore.ErrDamaged)
	}
	_, err = keystore.LoadPerson(path)
	require.ErrorIs(t, err, keystore.ErrDamaged)

	require.ErrorIs(t, f.Change(passphrase, "short"), ErrShort)
	require.ErrorIs(t, f.Change("another one", passphrase), ErrPassphrase)
	again, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, text, again, "what was refused changes nothing")

	require.NoError(t, f.Change(passphrase, "")) // none
	plain, err := Read(path)
	require.NoError(t, err)
	require.False(t, plain.Encrypted())
	signer, err = plain.Open("")
	require.NoError(t, err)
	require.Equal(t, public, signer.Public())
	require.NoError(t, plain.Change("", passphrase))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func TestAFileThatNoPassphraseOpens(t *testing.T) {
	dir := t.TempDir()
	path, other := filepath.Join(dir, "anna.key"), filepath.Join(dir, "bo.key")
	_, err := New(path, passphrase)
	require.NoError(t, err)
	public, err := New(other, "")
	require.NoError(t, err)
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	lines := strings.SplitAfter(string(whole), "\n")
	for name, text := range map[string]string{
		"cut":                    string(whole[:len(whole)/2]),
		"without its last line":  strings.Join(lines[:len(lines)-2], ""),
		"another's public key":   lines[0] + "# public key: " + public + "\n" + strings.Join(lines[2:], ""),
		"without its public key": lines[0] + strings.Join(lines[2:], ""),
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
			f, err := Read(path)
			require.NoError(t, err)
			_, err = f.Open(passphrase)
			require.ErrorIs(t, err, keystore.ErrDamaged)
		})
	}
	require.NoError(t, os.Chmod(path, 0o640))
	_, err = Read(path)
	require.ErrorIs(t, err, keystore.ErrReadable)
	_, err = Read(path + ".none")
	require.ErrorIs(t, err, keystore.ErrMissing)
}
