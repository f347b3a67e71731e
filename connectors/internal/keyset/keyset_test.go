package keyset

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
)

func key(values ...string) []byte {
	var k []byte
	for _, v := range values {
		k = Append(k, []byte(v))
	}
	return k
}

func TestFind(t *testing.T) {
	lower := func(values [][]byte) (string, error) {
		return string(bytes.ToLower(bytes.Join(values, []byte{0}))), nil
	}
	for _, tc := range []struct {
		name  string
		fold  Fold
		key   []byte
		at    int
		alike bool
	}{
		{"the key", nil, key("Ada", "1"), 0, false},
		{"the key, folded", lower, key("Ada", "1"), 0, false},
		{"another case, exact", nil, key("ADA", "1"), -1, false},
		{"another case, folded", lower, key("ADA", "1"), -1, true},
		{"the second key", nil, key("Eve", "3"), 1, false},
		{"another key", lower, key("Ada", "2"), -1, false},
		{"other borders", lower, key("Ada1", ""), -1, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, err := New([]connectors.Key{connectors.MakeKey([]byte("Ada"), []byte("1")),
				connectors.MakeKey([]byte("Eve"), []byte("3"))}, tc.fold)
			require.NoError(t, err)
			found, alike, err := s.Find(tc.key)
			require.NoError(t, err)
			require.Equal(t, tc.at, found)
			require.Equal(t, tc.alike, alike)
		})
	}
}

func TestErrors(t *testing.T) {
	none := errors.New("no fold")
	fold := func([][]byte) (string, error) { return "", none }
	_, err := New([]connectors.Key{connectors.MakeKey([]byte("a"))}, fold)
	require.ErrorIs(t, err, none)
	_, err = New([]connectors.Key{"\x05a"}, fold)
	require.Error(t, err)
	require.NotErrorIs(t, err, none)
	s, err := New(nil, fold)
	require.NoError(t, err)
	_, _, err = s.Find(key("a"))
	require.ErrorIs(t, err, none)
}
