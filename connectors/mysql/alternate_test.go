package mysql_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestUniqueIndexNamesRows(t *testing.T) {
	db := database(t,
		"CREATE TABLE good (mail varchar(90) NOT NULL, n int NOT NULL, UNIQUE `by ``mail` (mail), UNIQUE (n))",
		"CREATE TABLE begins (mail varchar(90) NOT NULL, UNIQUE (mail(5)))",
		"CREATE TABLE long_text (mail text NOT NULL, UNIQUE (mail))",
		"CREATE TABLE text_begins (mail text NOT NULL, UNIQUE (mail(9)))",
		"CREATE TABLE nulls (n int, UNIQUE (n))", "CREATE TABLE rounded (n double NOT NULL, UNIQUE (n))",
		"CREATE TABLE beside (n double PRIMARY KEY, code enum('text','b') NOT NULL UNIQUE)",
		"CREATE TABLE states (n int NOT NULL UNIQUE) WITH SYSTEM VERSIONING",
		"INSERT INTO good VALUES ('a', 2), ('b', 1)", "INSERT INTO begins VALUES ('abcde'), ('ABCDx')",
		"INSERT INTO beside VALUES (1.5, 'b'), (2.5, 'text')",
	)
	src := opened(t, db)
	tables := catalog(t, src)
	keys := map[string][]string{}
	for name, table := range tables {
		keys[name] = table.Key
	}
	require.Equal(t, map[string][]string{"good": {"n"}, "begins": {"mail"}, "long_text": nil, "text_begins": nil,
		"nulls": nil, "rounded": nil, "beside": {"code"}, "states": {"n"}}, keys)
	require.Equal(t, [][]string{{"mail"}}, tables["good"].Unique)
}
