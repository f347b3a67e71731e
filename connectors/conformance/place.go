package conformance

import (
	"lethe/connectors"
	"lethe/connectors/conformance/require"
)

func placedTests() []subtest { return []subtest{{"a database has one place", testPlace}} }

func testPlace(t T, h Harness) {
	place := func(s Store) string {
		t.Helper()
		src := s.Open(t)
		defer func() { require.NoError(t, src.Close()) }()
		found, err := src.(connectors.Placed).Place(t.Context())
		require.NoError(t, err)
		require.NotEmpty(t, found)
		return found
	}
	one, other := h.New(t, h.tables("empty")), h.New(t, h.tables("empty"))
	require.Equal(t, place(one), place(one))
	require.NotEqual(t, place(one), place(other))
}
