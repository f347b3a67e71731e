package mysqldump_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/connectortest"
	"lethe/connectors/mysqldump"
)

const trailer = "-- Dump completed on 2026-01-01  0:00:00\n"

func open(t testing.TB, path string, o connectors.Options) connectors.Source {
	o.DSN = path
	src, err := mysqldump.Open(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, src.Close()) })
	return src
}

const createT = "CREATE TABLE `t` (\n  `id` int(11) NOT NULL,\n  `v` text DEFAULT NULL,\n  PRIMARY KEY (`id`)\n" +
	") ENGINE=InnoDB;\n"

func TestRead(t *testing.T) {
	for name, tc := range map[string]struct {
		text  string
		table string // "t" unless given
		want  []string
	}{
		"escapes": {
			text: createT + `INSERT INTO t VALUES (1,'\0|\'|\"|\b|\n|\r|\t|\Z|\\|\%|\_|\q'),(2,'it''s'),(3,'a\\'),` +
				`(4,''),(5,''''),(6,'\'),(7,\'x'),(8,"dou""ble 'x' \"y\""),(9,'trail\\\\');`,
			want: []string{"1|\x00|'|\"|\b|\n|\r|\t|\x1a|\\|\\%|\\_|q", "2|it's", "3|a\\", "4|", "5|'", "6|'),(7,'x",
				"8|dou\"ble 'x' \"y\"", "9|trail\\\\"},
		},
		"text that looks like SQL": {
			text: createT + "INSERT INTO `t` VALUES (1,'),(2,\\'x\\');\\nINSERT INTO `t` VALUES (3,'),(4,'-- ; # /* " +
				"*/ /*! */'),(5,'`\"(');",
			want: []string{"1|),(2,'x');\nINSERT INTO `t` VALUES (3,", "4|-- ; # /* */ /*! */", "5|`\"("},
		},
		"no backslash escapes": {
			text: createT + "SET @OLD=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO,NO_BACKSLASH_ESCAPES';\n" +
				"INSERT INTO t VALUES (1,'a\\'),(2,'\\n''');\nSET SQL_MODE=@OLD;\nINSERT INTO t VALUES (3,'\\n');",
			want: []string{`1|a\`, `2|\n'`, "3|\n"},
		},
		"a session variable": {
			text: createT + "SET @@session.sql_mode := \"no_backslash_escapes\";INSERT INTO t VALUES (1,'a\\');",
			want: []string{`1|a\`},
		},
		"literals": {
			text: "CREATE TABLE t (b blob, i bit(10), n text CHARACTER SET utf8mb3, f double, k tinyint(1));" +
				"INSERT INTO t VALUES (0x00ff41,b'101','plain',-1.5e-3,TRUE),(X'4142',0x205,N'nat',.5,FALSE)," +
				"(_binary'\\0\\'\xff',b'1111111111',_latin1'M\xfcller',1,1),(_binary 0x41,'\\0\x05',_utf8mb4 " +
				"'ü',0,0),('',0,'',0,007),(x'',517,0x41,0,-1),(NULL,null,Null,NULL,NULL),(b'0100000101000010'," +
				"0b11,'x',0,0),(0xf,x'2',n'y',0,0);",
			want: []string{"\x00\xffA|0000000101|plain|-1.5e-3|1", "AB|1000000101|nat|.5|0",
				"\x00'\xff|1111111111|Müller|1|1", "A|0000000101|ü|0|0", "|0000000000||0|7", "|1000000101|A|0|-1",
				"~|~|~|~|~",
				"AB|0000000011|x|0|0", "\x0f|0000000010|y|0|0"},
		},
		"invalid UTF-8 passes as it is": {
			text: createT + "INSERT INTO t VALUES (1,'\xc3\x28\xff');",
			want: []string{"1|\xc3\x28\xff"},
		},
		"forms of INSERT": {
			text: createT + "INSERT INTO `t` (`id`, `v`) VALUES (1,'a');insert ignore into t(v,id) values('b',2);" +
				"REPLACE INTO t VALUES (3,'c');INSERT LOW_PRIORITY IGNORE `t` VALUE (4,'d');" +
				"INSERT DELAYED INTO t VALUES\n( 5 , 'e' )\n,\n\t(6,'f')\n;REPLACE DELAYED t (V) VALUES ('g');" +
				"INSERT /* why */ INTO t -- so\n VALUES (8,'h');INSERT INTO t () VALUES (9,'i');",
			table: "t(v)",
			want:  []string{"a", "b", "c", "d", "e", "f", "g", "h", "i"},
		},
		"one header with and without a blank behind it": {
			text: createT + "INSERT INTO t VALUES(1,'a');\nINSERT INTO t VALUES (2,'b');\nINSERT INTO t VALUES(3,'c');",
			want: []string{"1|a", "2|b", "3|c"},
		},
		"text of routines, triggers, events and views": {
			text: createT + "INSERT INTO t VALUES (1,'a');\nDELIMITER ;;\n" +
				"/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`%`*/ /*!50003 TRIGGER x BEFORE INSERT ON t FOR EACH " +
				"ROW BEGIN\n" +
				"  -- don't\n  INSERT INTO t VALUES (2,'x'); /* nor ' */ UPDATE t SET v=';;';\n  # can't\nEND */;;\n" +
				"DELIMITER ;\n/*!50001 CREATE VIEW `w` AS SELECT 'INSERT INTO t VALUES (3,4);' AS `x`*/;\n" +
				"DELIMITER $$\nCREATE PROCEDURE p() BEGIN DELETE FROM t; END$$\nDELIMITER ;\n" +
				"INSERT INTO t VALUES (4,'b');",
			want: []string{"1|a", "4|b"},
		},
		"what surrounds the rows": {
			text: "/*M!999999\\- enable the sandbox mode */ \n-- MySQL dump 10.13\n#INSERT INTO t VALUES (0,'no');\n" +
				"--\n/* INSERT INTO t VALUES (0,'no'); */\nSET @@GLOBAL.GTID_PURGED=/*!80000 '+'*/ 'aaa:1-5';\n" +
				"CHANGE MASTER TO MASTER_LOG_FILE='x', MASTER_LOG_POS=4;\n" +
				"DROP TABLE IF EXISTS `t`;\n" + createT + "LOCK TABLES `t` WRITE;\n" +
				"/*!40000 ALTER TABLE `t` DISABLE KEYS */;\nset autocommit=0;\nINSERT INTO t VALUES (1,'a');\n" +
				"/*!40000 ALTER TABLE `t` ENABLE KEYS */;\nUNLOCK TABLES;\ncommit;\n",
			want: []string{"1|a"},
		},
		"placeholders of views in old dumps are no tables": {
			text: createT + "/*!50001 CREATE TABLE `looks` (\n  `id` tinyint NOT NULL\n) ENGINE=MyISAM */;\n" +
				"CREATE TEMPORARY TABLE tmp (a int);\nINSERT INTO tmp VALUES (1);\nINSERT INTO t VALUES (1,'a');",
			want: []string{"1|a"},
		},
		"ansi quotes": {
			text: "SET SQL_MODE='ANSI_QUOTES';\n" + strings.ReplaceAll(createT, "`", `"`) +
				`INSERT INTO "t" ("id","v") VALUES (1,'a "quoted" b');`,
			want: []string{`1|a "quoted" b`},
		},
		"ansi quotes without the mode": {
			text: strings.ReplaceAll(createT, "`", `"`) + `INSERT INTO "t" VALUES (1,'a');`,
			want: []string{"1|a"},
		},
		"generated fields that MySQL leaves out": {
			text: "CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 1) VIRTUAL, c int AS (a) STORED, d int);" +
				"INSERT INTO t (a, d) VALUES (1,2),(3,4);",
			want: []string{"1|~|~|2", "3|~|~|4"},
		},
		"generated fields that MariaDB writes": {
			text: "CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 1) VIRTUAL);INSERT INTO t VALUES " +
				"(1,2),(3,DEFAULT);",
			want: []string{"1|2", "3|~"},
		},
		"invisible fields": {
			text: "CREATE TABLE t (a int, b int INVISIBLE DEFAULT 1, c int /*!80023 INVISIBLE */);" +
				"INSERT INTO t (a,b,c) VALUES (1,2,3);",
			want: []string{"1|2|3"},
		},
		"latin1": {
			text: "/*!40101 SET NAMES latin1 */;\n" + createT + "INSERT INTO t VALUES (1,'M\xfcller \x80');",
			want: []string{"1|Müller €"},
		},
		"two databases": {
			text: "CREATE DATABASE /*!32312 IF NOT EXISTS*/ `a` /*!40100 DEFAULT CHARACTER SET utf8mb4 */;\n" +
				"USE `a`;\n" + createT + "INSERT INTO t VALUES (1,'a');\nCREATE DATABASE `b`;\nUSE `b`;\n" + createT +
				"INSERT INTO t VALUES (2,'b');\nINSERT INTO `a`.`t` VALUES (3,'c');",
			table: "a.t",
			want:  []string{"1|a", "3|c"},
		},
		"system databases hold no application's tables": {
			text: "USE `shop`;\n" + createT + "INSERT INTO t VALUES (1,'a');\nUSE `mysql`;\n" + createT +
				"INSERT INTO t VALUES (2,'b');INSERT INTO elsewhere VALUES (1);",
			want: []string{"1|a"},
		},
		"odd names": {
			text: "CREATE TABLE `select ``x``. y` (`a b` int, `key` text COMMENT 'it''s; (a) \\'comment\\', `b` " +
				"int', `c(` int DEFAULT (1 + (2)), UNIQUE KEY `u,x` (`key`(10) DESC,`a b`), KEY (`c(`));" +
				"INSERT INTO `select ``x``. y` VALUES (1,'x',2);",
			table: "select `x`. y",
			want:  []string{"1|x|2"},
		},
		"a statement that changes another table": {
			text: createT + "CREATE TABLE u (a int);UPDATE u SET a=1 WHERE b='t';INSERT INTO u SELECT 1;" +
				"LOAD DATA INFILE 'x' INTO TABLE u;INSERT INTO t VALUES (1,'a');",
			want: []string{"1|a"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			src := open(t, connectortest.WriteFile(t, "x.sql", []byte(tc.text+"\n"+trailer)), connectors.Options{})
			q := connectors.Query{Table: "t"}
			switch {
			case tc.table == "t(v)":
				q.Fields = []string{"v"}
			case tc.table != "":
				q.Table = tc.table
			}
			got, err := connectortest.Read(t, src, q)
			require.NoError(t, err)
			require.Equal(t, tc.want, got)
		})
	}
}

func TestRefuse(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want string
	}{
		"on duplicate key": {createT + "INSERT INTO t VALUES (1,'a') ON DUPLICATE KEY UPDATE v='b';",
			"line 6: what stands behind a row of table t"},
		"on duplicate key of another field": {createT + "INSERT INTO t VALUES (1,'a') ON DUPLICATE KEY UPDATE " +
			"v=VALUES(id);", "line 6: what stands behind a row of table t"},
		"a comma behind the last row": {createT + "INSERT INTO t VALUES (1,'a'), ON DUPLICATE KEY UPDATE " +
			"v=VALUES(v);", "line 6: what stands behind a row of table t"},
		"too few values": {createT + "INSERT INTO t VALUES (1);",
			"line 6: a row of table t has 1 values instead of 2"},
		"too many values": {createT + "INSERT INTO t VALUES (1,2,3);", "3 values instead of 2"},
		"an unknown field": {createT + "INSERT INTO t (id, v, w) VALUES (1,2,3);",
			"field w that table t lacks"},
		"a missing field": {createT + "INSERT INTO t (id) VALUES (1);", "no value for field v"},
		"an expression": {createT + "INSERT INTO t VALUES (1,concat('a','b'));",
			"field v of table t: an expression"},
		"two strings": {createT + "INSERT INTO t VALUES (1,'a' 'b');",
			"field v of table t: an expression"},
		"a comment in a row":    {createT + "INSERT INTO t VALUES (1,/* x */'b');", "cannot be read"},
		"a semicolon in a row":  {createT + "INSERT INTO t VALUES (1;", "cannot be read"},
		"no hexadecimal digits": {createT + "INSERT INTO t VALUES (1,0xzz);", "a literal cannot be read"},
		"an unknown character set": {"SET NAMES sjis;\n" + createT + "INSERT INTO t VALUES (1,'\x83\x5c');",
			"--default-character-set=utf8mb4"},
		"other fields the second time": {createT + "CREATE TABLE t (a int);",
			"created a second time"},
		"an open string":        {createT + "INSERT INTO t VALUES (1,'a", "ends within a statement"},
		"an open comment":       {createT + "/* a", "ends within a comment"},
		"a CREATE without name": {createT + "CREATE TABLE (a int);", "a name expected"},
	} {
		t.Run(name, func(t *testing.T) {
			text := tc.text + "\n" + trailer
			src := open(t, connectortest.WriteFile(t, "x.sql", []byte(text)), connectors.Options{Name: "old"})
			_, err := connectortest.Read(t, src, connectors.Query{Table: "t"})
			require.ErrorIs(t, err, connectors.ErrDamaged)
			require.ErrorContains(t, err, tc.want)
			require.ErrorContains(t, err, " old")
		})
	}
}

func TestCatalog(t *testing.T) {
	text := "CREATE TABLE `p` (\n  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,\n  `code` varchar(10) COLLATE " +
		"utf8mb4_bin UNIQUE,\n  `doc` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL CHECK " +
		"(json_valid(`doc`)),\n" +
		"  `raw` varchar(9) CHARACTER SET binary NOT NULL DEFAULT '\\0',\n  `at` timestamp(3) NOT NULL DEFAULT " +
		"current_timestamp(3) ON UPDATE current_timestamp(3) COMMENT 'a, b) ''c'' -- d',\n" +
		"  `full` varchar(40) GENERATED ALWAYS AS (concat(`code`,_utf8mb4', ',`id`)) STORED,\n  `e` " +
		"enum('x)','y,''z') NOT NULL,\n  `amount` decimal(10,2) unsigned zerofill DEFAULT 0.00,\n" +
		"  `flags` bit(3) DEFAULT b'101',\n  `j` json DEFAULT (json_object(_utf8mb4'a)',1)),\n  PRIMARY KEY " +
		"(`id`,`code`) USING BTREE,\n  UNIQUE KEY `u` (`e`,`amount`),\n  KEY `k` (`code`(3)),\n  FULLTEXT KEY `ft` " +
		"(`code`) /*!50100 WITH PARSER `ngram` */ ,\n" +
		"  CONSTRAINT `self` FOREIGN KEY (`id`) REFERENCES `p` (`id`) ON DELETE SET NULL ON UPDATE CASCADE,\n  " +
		"CONSTRAINT `c1` CHECK (`amount` > (1 + 2)) /*!80016 NOT ENFORCED */\n" +
		") ENGINE=InnoDB AUTO_INCREMENT=5 DEFAULT CHARSET=utf8mb4 COMMENT='it''s; (x)'\n" +
		"/*!50100 PARTITION BY RANGE (`id`)\n(PARTITION p0 VALUES LESS THAN (10) ENGINE = InnoDB) */;\n" +
		"CREATE TABLE IF NOT EXISTS q (a int PRIMARY KEY, pa bigint REFERENCES p (id), FOREIGN KEY (a) REFERENCES p " +
		"(code) ON DELETE NO ACTION);\nINSERT INTO q VALUES (1,2),(3,4);\n"
	src := open(t, connectortest.WriteFile(t, "shop-2026.sql", []byte(text+trailer)), connectors.Options{})
	tables, err := src.Tables(t.Context())
	require.NoError(t, err)
	require.Equal(t, []connectors.Table{
		{
			Database: "shop-2026", Name: "p", Key: []string{"id", "code"},
			Unique: [][]string{{"code"}, {"e", "amount"}},
			ForeignKeys: []connectors.ForeignKey{{Name: "self", Fields: []string{"id"}, RefTable: "p",
				RefFields: []string{"id"}, OnDelete: "SET NULL", OnUpdate: "CASCADE"}},
			Fields: []connectors.Field{
				{Name: "id", Type: "bigint(20) unsigned", Kind: connectors.Integer},
				{Name: "code", Type: "varchar(10)", Kind: connectors.Text, Length: 10},
				{Name: "doc", Type: "longtext", Kind: connectors.JSON, Nullable: true},
				{Name: "raw", Type: "varchar(9)", Kind: connectors.Binary, Length: 9},
				{Name: "at", Type: "timestamp(3)", Kind: connectors.Timestamp, AutoUpdate: true},
				{Name: "full", Type: "varchar(40)", Kind: connectors.Text, Nullable: true, Generated: true, Length: 40},
				{Name: "e", Type: "enum('x)','y,''z')", Kind: connectors.Text},
				{Name: "amount", Type: "decimal(10,2) unsigned zerofill", Kind: connectors.Decimal, Nullable: true},
				{Name: "flags", Type: "bit(3)", Kind: connectors.Bit, Nullable: true},
				{Name: "j", Type: "json", Kind: connectors.JSON, Nullable: true},
			},
		},
		{
			Database: "shop-2026", Name: "q", Key: []string{"a"}, Rows: 2,
			ForeignKeys: []connectors.ForeignKey{
				{Fields: []string{"pa"}, RefTable: "p", RefFields: []string{"id"}, OnDelete: "RESTRICT", OnUpdate: "RESTRICT"},
				{Fields: []string{"a"}, RefTable: "p", RefFields: []string{"code"}, OnDelete: "NO ACTION", OnUpdate: "RESTRICT"},
			},
			Fields: []connectors.Field{{Name: "a", Type: "int", Kind: connectors.Integer},
				{Name: "pa", Type: "bigint", Kind: connectors.Integer, Nullable: true}},
		},
	}, tables)
}

// TestCut cuts a dump at every byte: no part of it is taken for whole.
func TestCut(t *testing.T) {
	text := header + createT + "DELIMITER ;;\nCREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW SET @a='--';;\n" +
		"DELIMITER ;\nINSERT INTO `t` VALUES\n(1,'a\\'b'),\n(2,'c');\n" + trailer
	for _, name := range []string{"x.sql", "x.sql.gz", "x.sql.zst"} {
		connectortest.RequireCut(t, mysqldump.Connector, name, []byte(text), "-- Dump completed")
	}
}

// TestUnchecked accepts a dump without a trailer, but not one that is cut within a statement.
func TestUnchecked(t *testing.T) {
	text := createT + "INSERT INTO t VALUES (1,'a');"
	path := connectortest.WriteFile(t, "x.sql", []byte(text))
	_, err := open(t, path, connectors.Options{}).Tables(t.Context())
	require.ErrorIs(t, err, connectors.ErrDamaged)
	require.ErrorContains(t, err, "complete: unchecked")
	got, err := connectortest.Read(t, open(t, path, connectors.Options{Unchecked: true}), connectors.Query{Table: "t"})
	require.NoError(t, err)
	require.Equal(t, []string{"1|a"}, got)
	require.NoError(t, os.WriteFile(path, []byte(text[:len(text)-1]), 0o600))
	_, err = open(t, path, connectors.Options{Unchecked: true}).Tables(t.Context())
	require.ErrorIs(t, err, connectors.ErrDamaged)
}

func TestCompression(t *testing.T) {
	text := []byte(createT + "INSERT INTO t VALUES (1,'a');\n" + trailer)
	gz, zs := connectortest.Pack(t, "x.gz", text), connectortest.Pack(t, "x.zst", text)
	half := len(text) / 2
	skippable := append(binary.LittleEndian.AppendUint32([]byte{0x53, 0x2a, 0x4d, 0x18}, 3), "abc"...)
	short, err := zstd.NewWriter(nil)
	require.NoError(t, err)

	for name, tc := range map[string]struct {
		name    string
		content []byte
	}{
		"gzip": {"x.sql.gz", gz},
		"gzip members one after other": {
			"x.sql.gz", append(connectortest.Pack(t, "a.gz", text[:half]),
				connectortest.Pack(t, "a.gz", text[half:])...)},
		"gzip under another name": {"x.sql", gz},
		"zstd":                    {"x.sql.zst", zs},
		"zstd frames one after another": {
			"x.sql.zst", append(connectortest.Pack(t, "a.zst", text[:half]),
				connectortest.Pack(t, "a.zst", text[half:])...)},
		"zstd with a skippable frame": {"x.sql.zst", append(skippable, zs...)},
		"zstd in one block":           {"x.sql.zst", short.EncodeAll(text, nil)},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := connectortest.Read(t, open(t, connectortest.WriteFile(t, tc.name, tc.content),
				connectors.Options{}), connectors.Query{Table: "t"})
			require.NoError(t, err)
			require.Equal(t, []string{"1|a"}, got)
		})
	}

	flip := func(b []byte, i int) []byte {
		b = bytes.Clone(b)
		b[i] ^= 0x40
		return b
	}
	for name, tc := range map[string]struct {
		name    string
		content []byte
		want    string
	}{
		"not gzip":             {"x.sql.gz", text, "not gzip"},
		"not zstd":             {"x.sql.zst", text, "not zstd"},
		"bad checksum of gzip": {"x.sql.gz", flip(gz, len(gz)-6), "cannot be read"},
		"bad length of gzip":   {"x.sql.gz", flip(gz, len(gz)-2), "cannot be read"},
		"bad checksum of zstd": {"x.sql.zst", flip(zs, len(zs)-1), "cannot be read"},
		"garbage behind gzip":  {"x.sql.gz", append(bytes.Clone(gz), "garbage"...), "compressed data"},
		"xz":                   {"x.sql.xz", []byte("\xfd7zXZ\x00abc"), "xz"},
		"bzip2":                {"x.sql.bz2", []byte("BZh91AY"), "bzip2"},
		"age":                  {"x.sql.age", []byte("age-encryption.org/v1\n"), "age"},
		"openssl":              {"x.sql.enc", []byte("Salted__abc"), "openssl"},
		"PGP":                  {"x.sql.asc", []byte("-----BEGIN PGP MESSAGE-----"), "PGP"},
		"pg_dump":              {"x.sql", []byte("--\n-- PostgreSQL database dump\n--\n"), "PostgreSQL"},
		"pg_dump in gzip": {
			"x.sql.gz", connectortest.Pack(t, "x.gz", []byte("--\n-- PostgreSQL database dump\n--\n")), "PostgreSQL"},
		"XML":    {"x.sql", []byte("<?xml version=\"1.0\"?>"), "XML"},
		"UTF-16": {"x.sql", []byte("\xff\xfe-\x00-\x00"), "--result-file"},
		"empty":  {"x.sql", nil, "Dump completed"},
	} {
		t.Run(name, func(t *testing.T) {
			src, err := mysqldump.Open(t.Context(),
				connectors.Options{Name: "old", DSN: connectortest.WriteFile(t, tc.name, tc.content)})
			if err == nil {
				_, err = src.Tables(t.Context())
			}
			require.ErrorIs(t, err, connectors.ErrDamaged)
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestOpen(t *testing.T) {
	folder := t.TempDir()
	for name, tc := range map[string]struct {
		o    connectors.Options
		want error
	}{
		"no path":  {connectors.Options{}, connectors.ErrConfig},
		"no file":  {connectors.Options{DSN: filepath.Join(folder, "x.sql")}, connectors.ErrUnreachable},
		"a folder": {connectors.Options{DSN: folder}, connectors.ErrConfig},
	} {
		_, err := mysqldump.Open(t.Context(), tc.o)
		require.ErrorIs(t, err, tc.want, name)
	}
	src := open(t, connectortest.WriteFile(t, "x.sql", []byte(createT+trailer)), connectors.Options{})
	_, rewrites := src.(connectors.Rewriter)
	require.False(t, rewrites, "a source opened without Rewrite only reads")
	_, err := connectortest.Read(t, src, connectors.Query{Table: "t", After: "x"})
	require.ErrorIs(t, err, connectors.ErrConfig)
	for _, err := range src.Scan(t.Context(), connectors.Query{Table: "t"}, connectors.Query{Table: "t"}) {
		require.ErrorIs(t, err, connectors.ErrConfig)
	}
}

// TestChangedFile reads a file anew once it is another.
func TestChangedFile(t *testing.T) {
	path := connectortest.WriteFile(t, "x.sql", []byte(createT+trailer))
	src := open(t, path, connectors.Options{})
	tables, err := src.Tables(t.Context())
	require.NoError(t, err)
	require.Len(t, tables, 1)
	require.NoError(t, os.WriteFile(path, []byte(createT+"CREATE TABLE u (a int);\n"+trailer), 0o600))
	tables, err = src.Tables(t.Context())
	require.NoError(t, err)
	require.Len(t, tables, 2)
}

// TestFold refuses a file in which a text refers to a key in other letters only.
func TestFold(t *testing.T) {
	text := "CREATE TABLE p (code varchar(20) NOT NULL PRIMARY KEY);INSERT INTO p VALUES ('Straße'),('x');\n" +
		"CREATE TABLE c (id int, code varchar(20), FOREIGN KEY (code) REFERENCES p (code));\n" +
		"INSERT INTO c VALUES (1,%s),(2,NULL),(3,'y');\n" + trailer
	for child, same := range map[string]bool{"'Straße'": false, "'STRASSE'": true, "'strasse '": true,
		"'Straſſe'": true, "'Stráßë'": true, "'Strasze'": false, "'ｓtraße'": true, "NULL": false, "''": false} {
		src := open(t, connectortest.WriteFile(t, "x.sql", []byte(fmt.Sprintf(text, child))), connectors.Options{})
		keys := &connectors.Keys{Fields: []string{"code"},
			Tuples: []connectors.Key{connectors.MakeKey([]byte("Straße"))}}
		rows, err := connectortest.Read(t, src, connectors.Query{Table: "c", Keys: keys})
		if same {
			require.ErrorIs(t, err, errors.ErrUnsupported, child)
			require.ErrorContains(t, err, "table c", child)
			require.ErrorContains(t, err, "as what they refer to", "what to do")
			require.NotContains(t, strings.ToLower(err.Error()), "stra", "an error holds no value")
			continue
		}
		require.NoError(t, err, child)
		require.Equal(t, child == "'Straße'", len(rows) == 1)
		rows, err = connectortest.Read(t, src,
			connectors.Query{Table: "p", Keys: &connectors.Keys{Fields: []string{"code"},
				Tuples: []connectors.Key{connectors.MakeKey([]byte("STRASSE"))}}})
		require.NoError(t, err, "a primary key is compared by its bytes")
		require.Empty(t, rows)
	}
}

// TestFoldByCollation follows the collation that a file declares of the texts, wherever it stands, and only as far as it
// is known: what is coarser, or said nowhere, is refused.
func TestFoldByCollation(t *testing.T) {
	for name, c := range map[string]struct {
		parent, child string // behind the type of the fields
		options       string // of the table that refers
		later         string // statement behind both
		found         int    // rows for 'E'; -1: refused
	}{
		"_bin":                     {parent: "COLLATE utf8mb4_bin", child: "COLLATE utf8mb4_bin", found: 1},
		"_bin with its set":        {parent: "CHARACTER SET latin1 COLLATE latin1_bin", child: "CHARACTER SET latin1 COLLATE latin1_bin", found: 1},
		"_bin in capitals":         {parent: "COLLATE UTF8MB4_BIN", child: "collate UTF8MB4_BIN NOT NULL", found: 1},
		"of the table":             {parent: "COLLATE utf8mb4_bin", options: "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin", found: 1},
		"case and accents":         {parent: "COLLATE utf8mb4_0900_as_cs", child: "COLLATE utf8mb4_0900_as_cs", found: 1},
		"nothing said":             {found: -1},
		"a set alone":              {parent: "COLLATE utf8mb4_bin", child: "CHARACTER SET utf8mb4", options: "COLLATE=utf8mb4_bin", found: -1},
		"without case":             {parent: "COLLATE utf8mb4_general_ci", child: "COLLATE utf8mb4_general_ci", found: -1},
		"case, and no accents":     {parent: "COLLATE utf8mb4_uca1400_ai_cs", child: "COLLATE utf8mb4_uca1400_ai_cs", found: -1},
		"of a row's own name":      {parent: "COLLATE utf8mb4_general_ci", child: "COLLATE utf8mb4_general_ci NOT NULL UNIQUE", found: -1},
		"of its primary key":       {parent: "COLLATE utf8mb4_general_ci", child: "COLLATE utf8mb4_general_ci PRIMARY KEY", found: -1},
		"only of what refers":      {parent: "COLLATE utf8mb4_general_ci", child: "COLLATE utf8mb4_bin", found: -1},
		"only of what is meant":    {parent: "COLLATE utf8mb4_bin", child: "COLLATE utf8mb4_general_ci", found: -1},
		"changed behind the rows":  {parent: "COLLATE utf8mb4_bin", child: "COLLATE utf8mb4_bin", later: "ALTER TABLE c MODIFY code varchar(20) COLLATE utf8mb4_general_ci;", found: -1},
		"the comment of the table": {options: "COMMENT='COLLATE=utf8mb4_bin'", found: -1},
	} {
		text := fmt.Sprintf("CREATE TABLE p (code varchar(20) %s, PRIMARY KEY (code));INSERT INTO p VALUES ('e'),('E');\n"+
			"CREATE TABLE c (id int, code varchar(20) %s) %s;\nINSERT INTO c VALUES (1,'e'),(2,'E'),(3,'x');\n%s",
			c.parent, c.child, c.options, c.later) + trailer
		src := open(t, connectortest.WriteFile(t, "x.sql", []byte(text)), connectors.Options{})
		rows, err := connectortest.Read(t, src, connectors.Query{Table: "c", Keys: &connectors.Keys{
			Fields: []string{"code"}, Tuples: []connectors.Key{connectors.MakeKey([]byte("E"))},
			Of: &connectors.Referred{Table: "p", Fields: []string{"code"}}}})
		if c.found < 0 {
			require.ErrorIs(t, err, errors.ErrUnsupported, name)
			continue
		}
		require.NoError(t, err, name)
		require.Len(t, rows, c.found, name)
	}
	text := "CREATE TABLE c (id int, code varchar(20) COLLATE utf8mb4_bin);\nINSERT INTO c VALUES (1,'E ');\n" + trailer
	src := open(t, connectortest.WriteFile(t, "x.sql", []byte(text)), connectors.Options{})
	_, err := connectortest.Read(t, src, connectors.Query{Table: "c", Keys: &connectors.Keys{
		Fields: []string{"code"}, Tuples: []connectors.Key{connectors.MakeKey([]byte("E"))}}})
	require.ErrorIs(t, err, errors.ErrUnsupported, "a collation by code point leaves trailing spaces")
}

// A dump says at its end when it was completed, unless it was taken without.
func TestWhenADumpWasMade(t *testing.T) {
	for end, want := range map[string]connectors.Made{
		"-- Dump completed on 2026-11-20  1:15:02\n": {At: time.Date(2026, 11, 20, 1, 15, 2, 0, time.UTC), Civil: true},
		"-- Dump completed on 2026-11-20 13:15:02":   {At: time.Date(2026, 11, 20, 13, 15, 2, 0, time.UTC), Civil: true},
		"-- Dump completed\n":                        {},
		"-- Dump completed on a day\n":               {},
	} {
		path := filepath.Join(t.TempDir(), "crm.sql")
		text := "-- MySQL dump 10.13\nCREATE TABLE `t` (`id` int PRIMARY KEY);\nINSERT INTO `t` VALUES (1);\n" + end
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		src := open(t, path, connectors.Options{})
		_, err := src.Tables(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, src.(connectors.Dated).Made(), end)
	}
}
