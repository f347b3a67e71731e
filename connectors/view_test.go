package connectors

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTablesRead(t *testing.T) {
	for sql, want := range map[string][]string{
		"select a from t": {"t"},
		"CREATE VIEW v AS SELECT * FROM a JOIN b ON a.x = b.y, c WHERE d > (SELECT " +
			"max(n) FROM e)": {"a", "b", "c", "e"},
		"select `db`.`cu st`.`id` AS `orders` from (`db`.`cu st` join `db`.`o``x` `c` on(`c`.`a` = 1)) where " +
			"`c`.`from` = 'from z'": {"cu st", "o`x"},
		`SELECT "x y".a FROM "x y", [odd one] LEFT OUTER JOIN main.t2 USING (p, q) ` +
			`ORDER BY f, g`: {"x y", "odd one", "t2"},
		"SELECT substring(name FROM 2), extract(YEAR FROM born), coalesce(a, b) FROM people -- FROM comment\n JOIN " +
			"/* FROM c2 */ pets": {"people", "pets"},
		"WITH recent AS (SELECT * FROM orders) SELECT * FROM recent UNION SELECT * FROM (SELECT 1 FROM archive) x, y " +
			"GROUP BY k, l": {"orders", "recent", "archive", "y"},
		"SELECT 1":                        nil,
		"SELECT * FROM json_each(doc), t": {"t"},
		"SELECT ') FROM x' FROM ":         nil,
	} {
		require.Equal(t, want, tablesRead(sql, false), sql)
	}
	require.Equal(t, []string{"t"}, tablesRead(`SELECT 'it\'s FROM x' FROM t`, true))
	require.Equal(t, []string{"t"}, tablesRead(`SELECT '\' FROM t`, false))
}

func TestResolveViews(t *testing.T) {
	views := ResolveViews(map[string]string{"Outer": "SELECT * FROM inner JOIN C", "inner": "SELECT * FROM a, nothing",
		"loop": "SELECT * FROM loop, b", "none": "SELECT 1", "hidden": ""}, []string{"a", "b", "c"}, false)
	require.Equal(t, []View{{"Outer", []string{"a", "c"}}, {"hidden", nil}, {"inner", []string{"a"}},
		{"loop", []string{"b"}}, {"none", []string{}}}, views)
}

func FuzzTablesRead(f *testing.F) {
	for _, s := range []string{"select a from t", "FROM (((", "'\\", "`", "/*", "--", "SELECT [x FROM ]]"} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, sql string, backslash bool) {
		for _, name := range tablesRead(sql, backslash) {
			require.LessOrEqual(t, len(name), len(sql))
		}
	})
}

func TestSpread(t *testing.T) {
	keys := []int64{-1 << 63, 5, 6, 7, 8, 1<<63 - 1}
	calls := 0
	starts, err := Spread(keys[0], keys[5], 50, func(n int64) (below, above int64, err error) {
		calls++
		for i := range keys[1:] {
			if keys[i] <= n && n < keys[i+1] {
				return keys[i], keys[i+1], nil
			}
		}
		return 0, 0, ErrTransient
	})
	require.NoError(t, err)
	require.Subset(t, keys, starts)
	require.Contains(t, starts, int64(5))
	require.Contains(t, starts, int64(1<<63-1))
	require.LessOrEqual(t, calls, 50)
}
