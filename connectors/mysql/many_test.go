package mysql_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
)

// numbers are the keys of rows.
func numbers(from, to, step int) *connectors.Keys {
	k := &connectors.Keys{Fields: []string{"id"}}
	for i := from; i < to; i += step {
		k.Tuples = append(k.Tuples, connectors.MakeKey(strconv.AppendInt(nil, int64(i), 10)))
	}
	return k
}

const many = "CREATE TABLE p (id int PRIMARY KEY, name varchar(20));CREATE TABLE c (id int PRIMARY KEY, p int);" +
	"INSERT INTO p SELECT seq, 'SECRET' FROM seq_0_to_999; INSERT INTO c SELECT id, id FROM p; INSERT INTO c VALUES (5000, NULL);"

// Of many rows that are deleted none is left, and no other goes, whatever triggers of the table do beside.
func TestManyDeleted(t *testing.T) {
	t.Parallel()
	for name, setup := range map[string]string{
		"no trigger": "CREATE TABLE log (id int)",
		"one that notes": "CREATE TABLE log (id int) ENGINE = MyISAM; CREATE TRIGGER t AFTER DELETE ON p FOR EACH ROW INSERT INTO log " +
			"VALUES (OLD.id)",
		"what goes along": "CREATE TABLE log (id int, FOREIGN KEY (id) REFERENCES p (id) ON DELETE CASCADE); INSERT INTO log SELECT id FROM p",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := database(t, many, setup)
			src := opened(t, db)
			queries := []connectors.Query{{Table: "p", Keys: numbers(100, 400, 1)}, {Table: "c", Keys: numbers(100, 400, 1)}}
			outcomes, err := src.(connectors.Mutator).Mutate(t.Context(), queries, deleteAll, confirmed)
			require.NoError(t, err)
			for _, o := range outcomes {
				require.Equal(t, connectors.Done, o.Status)
			}
			require.Equal(t, "700\t0\t701", db.Query(t, "SELECT (SELECT COUNT(*) FROM p), (SELECT COUNT(*) FROM p WHERE id BETWEEN 100 AND 399), "+
				"(SELECT COUNT(*) FROM c)"))
		})
	}
}

// Many rows that a trigger puts back are not told as gone, however it does, and whatever rights the user has.
func TestManyDeletedAndPutBack(t *testing.T) {
	t.Parallel()
	for name, does := range map[string]string{
		"inserts": "INSERT INTO c VALUES (OLD.id, OLD.id)",
		"updates": "UPDATE c SET id = OLD.id WHERE id = 5000",
		"writes":  "REPLACE INTO c VALUES (OLD.id, OLD.id)",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := database(t, many, "CREATE TRIGGER t AFTER DELETE ON p FOR EACH ROW "+does)
			dsn := user(t, db, "SELECT, UPDATE, DELETE")
			src := open(t, dsn, dsn)
			defer func() { require.NoError(t, src.Close()) }()
			queries := []connectors.Query{{Table: "p", Keys: numbers(100, 400, 1)}, {Table: "c", Keys: numbers(100, 400, 1)}}
			_, err := src.(connectors.Mutator).Mutate(t.Context(), queries, deleteAll, func() error { t.Error("it was confirmed"); return nil })
			var refused *connectors.RefusedError
			require.ErrorAs(t, err, &refused)
			require.ErrorContains(t, err, "mutate crm table c: a row to delete is still there")
			require.Equal(t, "1000\t1001", db.Query(t, "SELECT (SELECT COUNT(*) FROM p), (SELECT COUNT(*) FROM c)"))
		})
	}
}

// What is read by keys that follow each other are those rows alone.
func TestKeysThatFollowEachOther(t *testing.T) {
	t.Parallel()
	db := database(t, "CREATE TABLE n (id bigint PRIMARY KEY)", "INSERT INTO n SELECT seq FROM seq_0_to_100; INSERT INTO n SELECT -seq FROM seq_1_to_9",
		"INSERT INTO n VALUES (9223372036854775806), (9223372036854775807), (-9223372036854775808), (-9223372036854775807)")
	src := opened(t, db)
	k := &connectors.Keys{Fields: []string{"id"}}
	asked := []string{"9223372036854775807", "9223372036854775806", "-9223372036854775808", "-3", "-2", "-1", "0", "1", "7", "20", "21", "22", "23",
		"25", "26", "40", "98", "99", "100", "101", "102"}
	for _, id := range asked {
		k.Tuples = append(k.Tuples, connectors.MakeKey([]byte(id)))
	}
	rows, _ := read(t, src, connectors.Query{Table: "n", Keys: k})
	require.ElementsMatch(t, asked[:len(asked)-2], rows)
}
