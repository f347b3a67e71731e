package mysqldump_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/connectors"
	"lethe/connectors/connectortest"
	"lethe/connectors/mysqldump"
)

// everything is a dump that has most of what dumps have.
const everything = header + createT + "LOCK TABLES `t` WRITE;\n/*!40000 ALTER TABLE `t` DISABLE KEYS */;\n" +
	"INSERT INTO `t` VALUES\n(1,'a\\'),(\\\\'),\n(2,NULL) , ( 3 , 'it''s' );\nUNLOCK TABLES;\n" +
	"CREATE TABLE `u` (`a` bit(3), `b` varbinary(9), `c` int AS (1), `d` decimal(3,1), UNIQUE KEY `x` (`b`)) " +
	"/*!50100 PARTITION BY HASH (a) */;\n" +
	"INSERT INTO `u` VALUES (b'101',0x00ff,1,-1.5),(5,_binary'\\0',1,NULL);insert ignore into u (d,a,b) values " +
	"(1,b'1','');REPLACE INTO `u` (`a`,b,`d`) VALUES (NULL,'x',0);\n" +
	"DELIMITER ;;\n/*!50003 CREATE*/ /*!50003 TRIGGER x BEFORE INSERT ON t FOR EACH ROW BEGIN -- don't\n INSERT INTO " +
	"t VALUES (9,'x'); # \"\n END */;;\nDELIMITER ;\n/*!50001 CREATE VIEW `w` AS SELECT 1 AS `a;`*/;\n" +
	"SET @x=@@SQL_MODE, SQL_MODE='NO_BACKSLASH_ESCAPES,ANSI_QUOTES';INSERT INTO \"t\" VALUES (4,'\\');" +
	"SET SQL_MODE=@x;\n/* ; ' */ # ' ;\nINSERT INTO t VALUES (5,\"-- /* \");\n" + trailer

// collect copies the rows that it is asked about, and leaves them.
func collect(into *[]string) connectors.EditFunc {
	return func(b connectors.Batch) (connectors.Edit, error) {
		for _, row := range connectortest.Texts(b) {
			*into = append(*into, b.Table+" "+row)
		}
		return connectors.Edit{}, nil
	}
}

// whole is a window that holds all of a test's text.
const whole = 1 << 20

// FuzzStream holds for every text: reading ends, without a panic; what can be read comes out byte for byte;
// and where the pieces of the text end makes no difference.
func FuzzStream(f *testing.F) {
	f.Add([]byte(everything))
	for part := range strings.SplitAfterSeq(everything, ";") {
		f.Add([]byte(part))
	}
	for _, s := range []string{"INSERT INTO t VALUES (", "/*!5", "/*M!9\\-*/", "--", "DELIMITER", "DELIMITER //\n//",
		"CREATE TABLE a (b int", "'", "SET @=", "INSERT", "x'", "\\"} {
		f.Add([]byte(s))
		f.Add([]byte(createT + s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var rows, again []string
		tables, out, err := mysqldump.Stream(context.Background(), text, whole, collect(&rows))
		tables2, out2, err2 := mysqldump.Stream(context.Background(), text, 1, collect(&again))
		require.Equal(t, err == nil, err2 == nil, "%v / %v", err, err2)
		if err != nil {
			return
		}
		require.True(t, bytes.Equal(text, out), "%q", out)
		require.True(t, bytes.Equal(text, out2), "%q", out2)
		require.Equal(t, tables, tables2)
		require.Equal(t, rows, again)
	})
}

// TestPieces reads the dump that has everything through a window of every size, so that its first piece
// ends at each of its bytes.
func TestPieces(t *testing.T) {
	var want []string
	_, out, err := mysqldump.Stream(t.Context(), []byte(everything), whole, collect(&want))
	require.NoError(t, err)
	require.Equal(t, everything, string(out))
	require.Len(t, want, 9)
	for window := 1; window < len(everything); window++ {
		var got []string
		_, out, err := mysqldump.Stream(t.Context(), []byte(everything), window, collect(&got))
		require.NoError(t, err, "window %d", window)
		require.Equal(t, everything, string(out), "window %d", window)
		require.Equal(t, want, got, "window %d", window)
	}
}

// TestValuesReturn writes any value into a field and reads it back.
func TestValuesReturn(t *testing.T) {
	modes := []string{"", "SET SQL_MODE='NO_BACKSLASH_ESCAPES';\n"}
	rapid.Check(t, func(r *rapid.T) {
		text := rapid.String().Draw(r, "text")
		raw := string(rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(r, "bytes"))
		bits := rapid.StringOfN(rapid.SampledFrom([]rune("01")), 9, 9, -1).Draw(r, "bits")
		old := rapid.SampledFrom([]string{"'a','x',b'1'", "NULL,NULL,NULL", "'a',_binary 'x','\\0\x01'",
			"_utf8mb4'a',0xff,3", "N'a',x'00',0x01"}).Draw(r, "old")
		dump := "CREATE TABLE t (id int, v text, b blob, f bit(9));\n" + rapid.SampledFrom(modes).Draw(r, "mode") +
			"INSERT INTO t VALUES (0,'before',NULL,NULL),\n(1," + old + "),(2,'behind',NULL,NULL);\n"
		_, out, err := mysqldump.Stream(context.Background(), []byte(dump), whole,
			func(b connectors.Batch) (connectors.Edit, error) {
				edit := connectors.Edit{Ops: []connectors.Op{connectors.Leave, connectors.Update, connectors.Leave}}
				for field, value := range map[string]string{"v": text, "b": raw, "f": bits} {
					var c connectors.Column
					for range 3 {
						c.Append([]byte(value))
					}
					edit.Set = append(edit.Set, connectors.Assignment{Field: field, Rows: []bool{false, true, false},
						Values: c.Array()})
				}
				return edit, nil
			})
		if err != nil {
			r.Fatal(err)
		}
		var rows []string
		if _, _, err = mysqldump.Stream(context.Background(), out, whole, collect(&rows)); err != nil {
			r.Fatal(err)
		}
		require.Equal(r, []string{"t 0|before|~|~", "t 1|" + text + "|" + raw + "|" + bits, "t 2|behind|~|~"}, rows)
	})
}
