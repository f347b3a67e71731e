package mysqldump_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/connectortest"
)

// Scripts that people write, and those of Oracle, have functions where a value should stand.
const called = "CREATE TABLE t (id NUMBER(10) NOT NULL PRIMARY KEY, v VARCHAR2(20), born DATE, seen TIMESTAMP);\n" +
	"INSERT INTO t VALUES (1,'a',TO_DATE('03.02.1980','DD.MM.YYYY'),TO_TIMESTAMP('1980-02-03 07:08','YYYY-MM-DD HH24:MI'));\n" +
	"INSERT INTO t VALUES (2,'b',DATE '1980-02-03',STR_TO_DATE('3/2/1980','%d/%m/%Y'));\n" +
	"INSERT INTO t VALUES (3,CAST('c' AS CHAR(20)),NULL,SYSDATE);\n"

func TestFunctionsThatConvertAreRead(t *testing.T) {
	path := connectortest.WriteFile(t, "x.sql", []byte(called))
	got, err := connectortest.Read(t, open(t, path, connectors.Options{Unchecked: true}), connectors.Query{Table: "t"})
	require.NoError(t, err)
	require.Equal(t, []string{"1|a|1980-02-03|1980-02-03 07:08:00", "2|b|1980-02-03|1980-02-03", "3|c|~|~"}, got)
}

func TestFunctionsThatNobodyFollowsAreRefusedWithoutThat(t *testing.T) {
	path := connectortest.WriteFile(t, "x.sql", []byte(called+trailer))
	_, err := connectortest.Read(t, open(t, path, connectors.Options{}), connectors.Query{Table: "t"})
	require.ErrorIs(t, err, connectors.ErrDamaged)
	require.ErrorContains(t, err, "field seen of table t: an expression")
}

func TestRowsBesideFunctionsAreRewritten(t *testing.T) {
	unchecked := connectors.Options{Unchecked: true}
	path := connectortest.WriteFile(t, "x.sql", []byte(called))
	some := connectors.Query{Table: "t", Fields: []string{"id", "v", "born"}}
	for name, c := range map[string]change{
		"another day":                     {"1": "born=1980-01-01"},
		"another text in place of a call": {"3": "v=x"},
	} {
		_, err := rewrite(t, path, unchecked, c, some)
		require.ErrorIs(t, err, connectors.ErrRefused, name)
		requireOnly(t, path, called)
	}
	_, err := rewrite(t, path, unchecked, change{"1": "-"}, connectors.Query{Table: "t"})
	require.ErrorIs(t, err, connectors.ErrDamaged, "a row that cannot be read is not judged")
	requireOnly(t, path, called)

	_, err = rewrite(t, path, unchecked, change{"1": "-", "2": "v=x&born~"}, some)
	require.NoError(t, err)
	requireOnly(t, path, "CREATE TABLE t (id NUMBER(10) NOT NULL PRIMARY KEY, v VARCHAR2(20), born DATE, seen TIMESTAMP);\n"+
		"INSERT INTO t VALUES (2,'x',NULL,STR_TO_DATE('3/2/1980','%d/%m/%Y'));\n"+
		"INSERT INTO t VALUES (3,CAST('c' AS CHAR(20)),NULL,SYSDATE);\n")
}

func TestTablesThatAreCreatedElsewhere(t *testing.T) {
	path := connectortest.WriteFile(t, "x.sql", []byte("CREATE TABLE t (id int PRIMARY KEY, v text);\n"+
		"INSERT INTO t (v) VALUES ('a');\nINSERT INTO u (name, mail) VALUES ('x','y');\nINSERT INTO u (mail, age) VALUES ('z',7);\n"+
		"INSERT INTO w VALUES (1,2);\n"))
	src := open(t, path, connectors.Options{Unchecked: true})
	got, err := connectortest.Read(t, src, connectors.Query{Table: "t"})
	require.NoError(t, err)
	require.Equal(t, []string{"~|a"}, got)
	got, err = connectortest.Read(t, src, connectors.Query{Table: "u"})
	require.NoError(t, err)
	require.Equal(t, []string{"x|y|~", "~|z|7"}, got)
	_, err = connectortest.Read(t, src, connectors.Query{Table: "w"})
	require.ErrorContains(t, err, "what the fields of a table are")

	_, err = connectortest.Read(t, open(t, path, connectors.Options{}), connectors.Query{Table: "t"})
	require.Error(t, err)
}

// Where nobody checks a file, it may be a script of another database, which has other comments; such a file is not written anew.
func TestScriptsOfOtherDatabases(t *testing.T) {
	text := "---------------\n-- Create t\n---------------\nCREATE TABLE t (id CHAR(5) --t_000\n    CONSTRAINT t_nn NOT NULL,\n" +
		" v VARCHAR2(20));\nALTER TABLE t ADD (CONSTRAINT t_pk PRIMARY KEY (id), CONSTRAINT u UNIQUE (v));\nINSERT INTO t VALUES ('a', 'x--y');\nCOMMIT;\n"
	path := connectortest.WriteFile(t, "x.sql", []byte(text))
	got, err := connectortest.Read(t, open(t, path, connectors.Options{Unchecked: true}), connectors.Query{Table: "t"})
	require.NoError(t, err)
	require.Equal(t, []string{"a|x--y"}, got)
	tables, err := open(t, path, connectors.Options{Unchecked: true}).Tables(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"id"}, tables[0].Key)

	some := connectors.Query{Table: "t", Fields: []string{"id"}}
	_, err = rewrite(t, path, connectors.Options{Unchecked: true}, change{"a": "-"}, some)
	require.Error(t, err, "nothing is passed over where the file is written anew")
	requireOnly(t, path, text)
}
