package mysql_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
)

// Keys of every type that can be one, as the server orders them.
var keyTypes = []struct {
	name, declared string
	values         []string // as SQL, in key order
	read           []string // as read; nil: the same
}{
	{"bigint unsigned", "bigint unsigned", []string{"0", "9", "10", "9223372036854775808", "18446744073709551615"},
		nil},
	{"tinyint", "tinyint", []string{"-128", "-1", "0", "5", "127"}, nil},
	{"zerofill", "int(5) zerofill", []string{"1", "20", "300"}, nil},
	{"year", "year", []string{"0000", "1999", "2024"}, []string{"0", "1999", "2024"}},
	{"decimal", "decimal(30,10)", []string{"-5.5", "0", "10000000000000000000.0000000001",
		"10000000000000000000.0000000002"},
		[]string{"-5.5000000000", "0.0000000000", "10000000000000000000.0000000001",
			"10000000000000000000.0000000002"}},
	{"bit", "bit(12)", []string{"b'0'", "b'1'", "b'100000000'", "b'100000000001'"},
		[]string{"000000000000", "000000000001", "000100000000", "100000000001"}},
	{"enum", "enum('zebra','apple','mango')", []string{"'zebra'", "'apple'", "'mango'"},
		[]string{"zebra", "apple", "mango"}},
	{"set", "set('z','a','m')", []string{"''", "'z'", "'a'", "'z,a'", "'m'"}, []string{"", "z", "a", "z,a", "m"}},
	{"date", "date", []string{"'0000-00-00'", "'1000-01-01'", "'2024-02-29'"},
		[]string{"0000-00-00", "1000-01-01", "2024-02-29"}},
	{"time", "time", []string{"'-100:00:00'", "'-00:00:01'", "'00:00:00'", "'09:00:00'", "'100:00:00'"},
		[]string{"-100:00:00", "-00:00:01", "00:00:00", "09:00:00", "100:00:00"}},
	{"datetime", "datetime(6)", []string{"'0000-00-00'", "'2024-03-31 02:30:00.000001'",
		"'2024-03-31 02:30:00.000002'"},
		[]string{"0000-00-00 00:00:00.000000", "2024-03-31 02:30:00.000001", "2024-03-31 02:30:00.000002"}},
	{"timestamp", "timestamp", []string{"'2024-03-31 01:30:00'", "'2024-10-27 00:30:00'", "'2024-10-27 01:30:00'"},
		[]string{"2024-03-31 01:30:00", "2024-10-27 00:30:00", "2024-10-27 01:30:00"}},
	{"latin1", "varchar(20) CHARACTER SET latin1", []string{"'a'", "'é'", "'it''s'", "'ÿ'"},
		[]string{"a", "é", "it's", "ÿ"}},
	{"latin1 bin", "varchar(20) CHARACTER SET latin1 COLLATE latin1_bin", []string{"'A'", "'a'", "'é'"},
		[]string{"A", "a", "é"}},
	{"utf8mb4 bin", "varchar(20) COLLATE utf8mb4_bin", []string{"'A'", "'a'", "'ß'", "'😀'"},
		[]string{"A", "a", "ß", "😀"}},
	{"nopad", "varchar(20) COLLATE utf8mb4_nopad_bin", []string{"'a'", "'a '", "'a  '"}, []string{"a", "a ", "a  "}},
	{"swedish", "varchar(20) CHARACTER SET utf8mb3 COLLATE utf8mb3_swedish_ci", []string{"'z'", "'å'", "'ä'", "'ö'"},
		[]string{"z", "å", "ä", "ö"}},
	{"ucs2", "varchar(20) CHARACTER SET ucs2", []string{"'a'", "'ж'", "'漢'"}, []string{"a", "ж", "漢"}},
	{"char", "char(5)", []string{"''", "'a'", "'b'"}, []string{"", "a", "b"}},
	{"binary", "binary(3)", []string{"x'000000'", "x'610000'", "x'fffe27'"},
		[]string{"\x00\x00\x00", "a\x00\x00", "\xff\xfe'"}},
	{"varbinary", "varbinary(9)", []string{"x''", "x'00'", "x'0000'", "x'5c'", "x'ff'"},
		[]string{"", "\x00", "\x00\x00", "\\", "\xff"}},
	{"uuid", "uuid", []string{"'00000000-0000-0000-0000-000000000001'", "'123e4567-e89b-12d3-a456-426655440000'"},
		[]string{"00000000-0000-0000-0000-000000000001", "123e4567-e89b-12d3-a456-426655440000"}},
	{"inet6", "inet6", []string{"'::'", "'10::1'", "'fe80::1'"}, []string{"::", "10::1", "fe80::1"}},
	{"text prefix", "text", []string{"'a'", "'b'", "'bb'"}, []string{"a", "b", "bb"}},
}

func TestEveryTypeOfKey(t *testing.T) {
	for _, composite := range []bool{false, true} {
		for _, c := range keyTypes {
			t.Run(fmt.Sprintf("%s composite=%t", c.name, composite), func(t *testing.T) {
				part := ""
				if c.declared == "text" {
					part = "(5)"
				}
				create := fmt.Sprintf("CREATE TABLE t (k %s NOT NULL, n int NOT NULL, PRIMARY KEY (k%s))", c.declared,
					part)
				values := c.values
				want := c.read
				if want == nil {
					want = c.values
				}
				rows := make([]string, len(values))
				for i := range values {
					rows[i] = fmt.Sprintf("(%s, 1)", values[i])
				}
				fields := []string{"k"}
				if composite {
					create = fmt.Sprintf("CREATE TABLE t (k %s NOT NULL, n int NOT NULL, PRIMARY KEY (n, k%s))",
						c.declared, part)
					fields = []string{"n", "k"}
					for i := range values {
						rows = append(rows, fmt.Sprintf("(%s, 2)", values[i]))
					}
					want = slices.Concat(want, want)
				}
				db := database(t, create, "INSERT INTO t VALUES "+strings.Join(rows, ", "))
				src := opened(t, db)

				for _, maxRows := range []int{0, 1, 2} {
					got, cursors := read(t, src, connectors.Query{Table: "t", Fields: []string{"k"}, MaxRows: maxRows})
					require.Equal(t, want, got, "pages of %d", maxRows)
					if maxRows == 1 {
						for i, cursor := range cursors {
							rest, _ := read(t, src, connectors.Query{Table: "t", Fields: []string{"k"}, After: cursor,
								MaxRows: 2})
							require.Equal(t, append([]string(nil), want[i+1:]...), rest)
						}
					}
				}
				tuple := func(i int) connectors.Key {
					if !composite {
						return connectors.MakeKey([]byte(want[i]))
					}
					return connectors.MakeKey([]byte{"12"[i/len(c.values)]}, []byte(want[i]))
				}
				all := &connectors.Keys{Fields: fields}
				for i := range want {
					all.Tuples = append(all.Tuples, tuple(i))
				}
				got, _ := read(t, src, connectors.Query{Table: "t", Fields: []string{"k"}, Keys: all})
				require.Equal(t, want, got, "all keys at once")
				for i := range want {
					q := connectors.Query{Table: "t", Fields: []string{"k"},
						Keys: &connectors.Keys{Fields: fields, Tuples: []connectors.Key{tuple(i)}}}
					got, _ := read(t, src, q)
					require.Equal(t, want[i:i+1], got)
					changed := q
					if composite { // the change is one of the key
						changed.Keys = &connectors.Keys{Fields: fields,
							Tuples: []connectors.Key{connectors.MakeKey(fmt.Append(nil, i+10), []byte(want[i]))}}
					}
					for _, step := range []struct {
						query connectors.Query
						edit  connectors.EditFunc
					}{{q, setAll("n", fmt.Sprint(i+10))}, {changed, deleteAll}} {
						outcomes, err := mutate(t, src, step.query, step.edit)
						require.NoError(t, err)
						require.Equal(t,
							[]connectors.Outcome{{Table: "t", Key: step.query.Keys.Tuples[0], Status: connectors.Done}},
							outcomes)
					}
					rest, _ := read(t, src, connectors.Query{Table: "t", Fields: []string{"k"}})
					require.Equal(t, append([]string(nil), want[i+1:]...), rest, "one row goes at a time")
				}
			})
		}
	}
}

// Two keys that the server holds equal may fall in different statements; the rows they both name must come
// once.
func TestRowsOfEqualKeysComeOnce(t *testing.T) {
	db := database(t,
		"CREATE TABLE word (w varchar(20) PRIMARY KEY)", "INSERT INTO word VALUES ('a'), ('b')",
		"CREATE TABLE used (id int PRIMARY KEY, w varchar(20) NOT NULL, FOREIGN KEY (w) REFERENCES word (w))",
		"INSERT INTO used VALUES (1, 'a'), (2, 'A'), (3, 'á'), (4, 'b')")
	src := opened(t, db)
	k := keys("w", "A", "a")
	for i := range 3000 {
		k.Tuples = append(k.Tuples, connectors.MakeKey(fmt.Appendf(nil, "N%d", i))) // between A and a
	}
	got, _ := read(t, src, connectors.Query{Table: "used", Fields: []string{"id"}, Keys: k, MaxRows: 1})
	require.ElementsMatch(t, []string{"1", "2", "3"}, got)
	outcomes, err := mutate(t, src, connectors.Query{Table: "used", Keys: k}, deleteAll)
	require.NoError(t, err)
	require.Len(t, outcomes, 3)
	require.Equal(t, "4\tb", db.Query(t, "SELECT * FROM used"))
	got, _ = read(t, src, connectors.Query{Table: "word", Keys: k, MaxRows: 1})
	require.Equal(t, []string{"a"}, got)
}

func TestKeyFieldsCanBeSet(t *testing.T) {
	db := database(t, "CREATE TABLE p (a int, b varchar(20), n int, PRIMARY KEY (a, b))",
		"INSERT INTO p VALUES (1, 'x', 0), (1, 'y', 0), (2, 'x', 0)")
	src := opened(t, db)
	k := &connectors.Keys{Fields: []string{"a", "b"},
		Tuples: []connectors.Key{connectors.MakeKey([]byte("1"), []byte("x")),
			connectors.MakeKey([]byte("1"), []byte("y"))}}
	_, err := mutate(t, src, connectors.Query{Table: "p", Keys: k}, func(connectors.Batch) (connectors.Edit, error) {
		var a, b, n connectors.Column
		for i := range 2 {
			a.Append(fmt.Appendf(nil, "%d", 10+i))
			b.Append(fmt.Appendf(nil, "new%d", i))
			n.Append(fmt.Appendf(nil, "%d", i))
		}
		both := []bool{true, true}
		return connectors.Edit{Ops: []connectors.Op{connectors.Update, connectors.Update}, Set: []connectors.Assignment{
			{Field: "a", Rows: both, Values: a.Array()}, {Field: "b", Rows: both, Values: b.Array()},
			{Field: "n", Rows: both, Values: n.Array()},
		}}, nil
	})
	require.NoError(t, err)
	require.Equal(t, "2\tx\t0\n10\tnew0\t0\n11\tnew1\t1", db.Query(t, "SELECT * FROM p ORDER BY a"))
}

func TestDamagedCursors(t *testing.T) {
	db := database(t, "CREATE TABLE p (id int PRIMARY KEY)", "INSERT INTO p VALUES (1), (2)")
	src := opened(t, db)
	for _, parts := range [][]string{{"0"}, {"x", "0", "1"}, {"0", "x", "1"}, {"0", "0", "1", "2"},
		{"0", "0", "1 OR 1=1"}, {"0", "0", ""}} {
		var values [][]byte
		for _, p := range parts {
			values = append(values, []byte(p))
		}
		require.Error(t,
			scanError(t, src, connectors.Query{Table: "p", After: connectors.Cursor(connectors.MakeKey(values...))}),
			"%q", parts)
	}
	require.Error(t, scanError(t, src, connectors.Query{Table: "p", After: "\xff\xff"}))
	require.ErrorIs(t, scanError(t, src, connectors.Query{Table: "p", Keys: keys("id", "1) OR (1=1")}),
		connectors.ErrConfig)
	require.Error(t,
		scanError(t, src,
			connectors.Query{Table: "p", Keys: &connectors.Keys{Fields: []string{"id"},
				Tuples: []connectors.Key{connectors.MakeKey([]byte("1"), []byte("2"))}}}))
}
