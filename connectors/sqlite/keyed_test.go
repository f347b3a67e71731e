package sqlite

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
)

// TestKeysAreSoughtOnce: each page of a query with keys seeks all of them anew, so it is as large as a batch may be.
func TestKeysAreSoughtOnce(t *testing.T) {
	path := makeFile(t, `CREATE TABLE p (id INTEGER PRIMARY KEY)`,
		`CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p, text TEXT)`, `CREATE INDEX of ON c (p)`,
		`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) INSERT INTO p SELECT i FROM n`,
		`INSERT INTO c SELECT id, id, hex(zeroblob(200)) FROM p`)
	src := openFile(t, path, false)
	defer src.Close()
	keys := &connectors.Keys{Fields: []string{"p"}, Of: &connectors.Referred{Table: "p", Fields: []string{"id"}}}
	for i := range 25_000 {
		keys.Tuples = append(keys.Tuples, connectors.MakeKey([]byte(strconv.Itoa(i+1))))
	}
	pages := func(fields ...string) (list []int64) {
		for b, err := range src.Scan(t.Context(), connectors.Query{Table: "c", Fields: fields, Keys: keys}) {
			require.NoError(t, err)
			list = append(list, b.Rows.NumRows())
		}
		return list
	}
	require.Equal(t, []int64{25_000}, pages("id", "p"))
	long := pages("id", "p", "text")
	require.Len(t, long, 2, "8 MB of values end a batch")
	require.EqualValues(t, 25_000, long[0]+long[1])
}
