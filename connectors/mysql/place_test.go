package mysql_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
)

func TestADatabaseHasOnePlaceWhoeverAsks(t *testing.T) {
	db, other := database(t, "CREATE TABLE t (id INT PRIMARY KEY)"), database(t, "CREATE TABLE t (id INT PRIMARY KEY)")
	place := func(dsn string) string {
		src := open(t, dsn, "")
		defer func() { require.NoError(t, src.Close()) }()
		found, err := src.(connectors.Placed).Place(t.Context())
		require.NoError(t, err)
		return found
	}
	want := place(db.DSN())
	require.Equal(t, want, place(user(t, db, "SELECT")), "who may only read")
	require.Equal(t, want, place(socket(db, "time_zone=%27%2B13:00%27")), "another way to the server")
	require.NotEqual(t, want, place(other.DSN()))
}
