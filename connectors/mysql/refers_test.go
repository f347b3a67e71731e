package mysql_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
)

// The server says which key a row answers: by the collation, type and scale of the field.
func TestTuplesAreTheServersOwn(t *testing.T) {
	db := database(t, "CREATE TABLE t (id int PRIMARY KEY, s varchar(20) COLLATE utf8mb4_general_ci, l varchar(20) "+
		"CHARACTER SET latin1 COLLATE latin1_bin, d decimal(9,2), ts datetime(3), z int(6) zerofill, KEY (s), KEY (l, d))",
		"INSERT INTO t VALUES (1, 'KeY06', 'né', 1.5, '2024-01-01 10:00:00', 7), "+
			"(2, 'key06 ', 'NÉ', 1, '2024-01-01', 70), (3, 'other', 'né', 2, NULL, 700)")
	src := opened(t, db)
	ask := func(fields []string, tuples ...[]string) map[string]int {
		keys := &connectors.Keys{Fields: fields}
		for _, values := range tuples {
			var key [][]byte
			for _, v := range values {
				key = append(key, []byte(v))
			}
			keys.Tuples = append(keys.Tuples, connectors.MakeKey(key...))
		}
		answers := map[string]int{}
		for b, err := range src.Scan(t.Context(), connectors.Query{Table: "t", Fields: []string{"id"}, Keys: keys}) {
			require.NoError(t, err)
			for i, id := range texts(b) {
				answers[id] = b.Tuples[i]
			}
		}
		return answers
	}
	require.Equal(t, map[string]int{"1": 1, "2": 1}, ask([]string{"s"}, []string{"x"}, []string{"kéy06"}))
	require.Equal(t, map[string]int{"1": 1, "3": 0},
		ask([]string{"l", "d"}, []string{"né", "2.0"}, []string{"né", "1.500"}))
	require.Equal(t, map[string]int{"1": 1, "2": 0}, ask([]string{"ts"}, []string{"2024-01-01 00:00:00"},
		[]string{"2024-01-01 10:00:00.0"}))
	require.Equal(t, map[string]int{"1": 2, "3": 1}, ask([]string{"z"}, []string{"8"}, []string{"700"}, []string{"007"}))
}

// A value that no value of the referring field is equal to has no rows that refer to it.
func TestReferredOfAnotherType(t *testing.T) {
	db := database(t, "CREATE TABLE parent (k varchar(20) PRIMARY KEY)", "CREATE TABLE child (id int PRIMARY KEY, r int)",
		"INSERT INTO parent VALUES ('7'), ('x')", "INSERT INTO child VALUES (1, 7), (2, 0)")
	src := opened(t, db)
	q := connectors.Query{Table: "child", Keys: keys("r", "x", "7")}
	require.ErrorIs(t, scanError(t, src, q), connectors.ErrConfig)
	q.Keys.Of = &connectors.Referred{Table: "parent", Fields: []string{"k"}}
	for b, err := range src.Scan(t.Context(), q) {
		require.NoError(t, err)
		require.Equal(t, []string{"1|7"}, texts(b))
		require.Equal(t, []int{1}, b.Tuples)
	}
}

// What refused is named by its constraint; a message that quotes values is not read.
func TestWhatRefused(t *testing.T) {
	db := database(t, "CREATE TABLE p (id int PRIMARY KEY, name varchar(20) NOT NULL, u int UNIQUE, "+
		"CONSTRAINT `not ``too`` long` CHECK (char_length(name) < 5))",
		"CREATE TABLE c (id int PRIMARY KEY, p int, CONSTRAINT child_of FOREIGN KEY (p) REFERENCES p (id))",
		"INSERT INTO p VALUES (1, 'Ann', 1), (2, 'Bea', 2)", "INSERT INTO c VALUES (1, 1)",
		"CREATE TRIGGER kept BEFORE DELETE ON c FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = "+
			"'CONSTRAINT `Ann` is kept'")
	src := opened(t, db)
	for name, c := range map[string]struct {
		table string
		edit  connectors.EditFunc
		want  connectors.RefusedError
	}{
		"parent": {"p", deleteAll, connectors.RefusedError{Class: connectors.RefusedForeignKey, By: "child_of"}},
		"child":  {"c", setAll("p", "9"), connectors.RefusedError{Class: connectors.RefusedForeignKey, By: "child_of"}},
		"check": {"p", setAll("name", "Anna Maria"), connectors.RefusedError{Class: connectors.RefusedCheck,
			By: "not `too` long"}},
		"unique":   {"p", setAll("u", "2"), connectors.RefusedError{Class: connectors.RefusedUnique}},
		"too long": {"p", setAll("u", "99999999999"), connectors.RefusedError{Class: connectors.RefusedOther}},
		"trigger":  {"c", deleteAll, connectors.RefusedError{Class: connectors.RefusedTrigger}},
	} {
		_, err := mutate(t, src, connectors.Query{Table: c.table, Keys: keys("id", "1")}, c.edit)
		var refused *connectors.RefusedError
		require.ErrorAs(t, err, &refused, name)
		require.Equal(t, c.want, *refused, name)
		require.False(t, slices.Contains([]string{"Ann", "99999999999"}, refused.By))
		require.NotContains(t, err.Error(), "Ann", name)
	}
}
