package config

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPlaces tells servers and databases apart, and nothing else: who reads, with what password and by which
// certificate, is no other place.
func TestPlaces(t *testing.T) {
	for _, same := range [][2]string{
		{"mysql://a:b@DB.example.com:3306/crm?ssl-ca=x", "mysql://c:d%40e@db.example.com:3306/crm"},
		{"a:b@tcp(db:3306)/crm?tls=true", "c:d@e@tcp(db:3306)/crm"},
		{"host=db dbname=crm user=a password=b", "user=c dbname=crm host=db sslmode=verify-full"},
		{"sqlserver://a:b@db/?database=crm&encrypt=true", "sqlserver://c:d@db/?database=crm"},
	} {
		require.NotEmpty(t, places(same[0]), same)
		require.Equal(t, places(same[0]), places(same[1]), same)
	}
	for _, other := range [][2]string{
		{"mysql://a:b@db:3306/crm", "mysql://a:b@db:3306/crm2"},
		{"mysql://a:b@db:3306/crm", "mysql://a:b@db:3307/crm"},
		{"postgres://a:b@db/crm", "postgres://a:b@copy/crm"},
		{"postgres:///crm?host=/run/a", "postgres:///crm?host=/run/b"},
		{"a:b@tcp(db:3306)/crm", "a:b@tcp(db:3306)/copy"},
		{"host=db dbname=crm user=a", "host=db dbname=copy user=a"},
		{"sqlserver://a:b@db/?database=crm", "sqlserver://a:b@db/?database=copy"},
	} {
		require.NotEqual(t, places(other[0]), places(other[1]), other)
	}
	require.NotEqual(t, places("mysql://a:b@db/crm", "mysql://c:d@db/crm"), places("mysql://a:b@db/crm", "mysql://c:d@db/x"),
		"where it is changed")
	require.Equal(t, places("./app.sqlite", "app.sqlite"), places("app.sqlite", "app.sqlite"))
	require.NotEqual(t, places("copy.sqlite", "copy.sqlite"), places("app.sqlite", "app.sqlite"))
	c := Config{dir: t.TempDir()}
	require.Equal(t, "app.sqlite", c.standing(c.abs("app.sqlite")))
	require.Equal(t, "../app.sqlite", c.standing(c.abs("../app.sqlite")))
	require.Equal(t, "mysql://a@db/crm", c.standing("mysql://a@db/crm"))
}
