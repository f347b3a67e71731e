package pgdump_test

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/connectortest"
	"lethe/connectors/pgdump"
)

const createT = "CREATE TABLE public.t (\n    id integer NOT NULL,\n    v text\n);\n\n" +
	"ALTER TABLE public.t OWNER TO x;\n\n"

func TestRead(t *testing.T) {
	for name, tc := range map[string]struct {
		text  string
		table string // "t" unless given
		want  []string
	}{
		"escapes of COPY": {
			text: createT + "COPY public.t (id, v) FROM stdin;\n1\ta\\tb\\nc\\rd\\\\e\\bf\\fg\\vh\n2\t\\N\n3\t\n" +
				"4\t\\\\N\n5\t\\\\.\n6\t\\101\\x42\\x4\\q\\60\n7\t\\.x\n\\.\n\n",
			want: []string{"1|a\tb\nc\rd\\e\bf\fg\vh", "2|~", "3|", "4|\\N", "5|\\.", "6|AB\x04q0", "7|.x"},
		},
		"functions that convert": {
			text: createT + "INSERT INTO t VALUES (1, to_date('3.2.1980', 'DD.MM.YYYY')), (2, TIMESTAMP '1980-02-03 04:05:06'), " +
				"(3, cast('x' as text)), (4, DATE '1980-02-03');\n",
			want: []string{"1|1980-02-03", "2|1980-02-03 04:05:06", "3|x", "4|1980-02-03"},
		},
		"COPY with Windows line ends": {
			text: strings.ReplaceAll(createT+"COPY public.t (id, v) FROM stdin;\n1\ta\n2\t\\N\n\\.\n", "\n", "\r\n"),
			want: []string{"1|a", "2|~"},
		},
		"COPY that looks like SQL": {
			text: createT + "COPY public.t (id, v) FROM stdin;\n1\tINSERT INTO public.t VALUES (2,'x');\n" +
				"2\t-- '$$\n\\.\n",
			want: []string{"1|INSERT INTO public.t VALUES (2,'x');", "2|-- '$$"},
		},
		"COPY in another order, without a field, twice, with none": {
			text: createT + "COPY public.t (v, id) FROM stdin;\na\t1\n\\.\nCOPY public.t (id) FROM stdin;\n2\n\\.\n" +
				"COPY t FROM STDIN;\n3\tc\n\\.\nCOPY public.t (id, v) FROM stdin;\n\\.\n",
			want: []string{"1|a", "2|~", "3|c"},
		},
		"strings of INSERT": {
			text: createT + `INSERT INTO public.t VALUES (1, 'it''s'), (2, 'back\slash\'), (3, ` +
				`E'a\'b\\c\n\x41\101\u00e9\U0001F600''d'),` + "\n\t(4, ''), (5, NULL), (6, 'two\n" +
				"lines'), (7, $$it's$$), (8, $x$a$$b$x$), (9, 'cast'::character varying(20)), (10, N'n');",
			want: []string{"1|it's", `2|back\slash\`, "3|a'b\\c\nAAé😀'd", "4|", "5|~", "6|two\nlines", "7|it's",
				"8|a$$b", "9|cast", "10|n"},
		},
		"strings before standard_conforming_strings": {
			text: "SET standard_conforming_strings = off;\n" + createT +
				`INSERT INTO t VALUES (1, 'it\'s \\ ''x'''); SET standard_conforming_strings = on; INSERT INTO t ` +
				`VALUES (2, '\'); SET standard_conforming_strings TO 'off'; INSERT INTO t VALUES (3, '\n');`,
			want: []string{`1|it's \ 'x'`, `2|\`, "3|\n"},
		},
		"text that looks like SQL": {
			text: createT + "INSERT INTO t VALUES (1, '); INSERT INTO t VALUES (2,'), (3, '-- /* $$'), (4, '(\"');",
			want: []string{"1|); INSERT INTO t VALUES (2,", "3|-- /* $$", `4|("`},
		},
		"forms of INSERT": {
			text: createT + "insert into T (V,id) values ('a', 1);\n" +
				"INSERT INTO public.t OVERRIDING SYSTEM VALUE VALUES (2, 'b');\n" +
				"INSERT INTO \"public\".\"t\" (\"id\") VALUES (3) ON CONFLICT DO NOTHING;\n" +
				"INSERT INTO public.t VALUES (4, DEFAULT), (-5, 'e') -- why\n, /* and /* how */ */ (6,'f')\n" +
				";INSERT /* x */ INTO t VALUES\n(7);",
			want: []string{"1|a", "2|b", "3|~", "4|~", "-5|e", "6|f", "7|~"},
		},
		"kinds of INSERT": {
			text: "CREATE TABLE t (b boolean, y bytea, z timestamptz, n numeric, f bit(3), d double precision);\n" +
				"INSERT INTO t VALUES (true, '\\x00ff', '2024-01-01 00:30:00+01', 12.50, B'101', 1e5), (FALSE, " +
				"'a\\\\b\\001', '2024-01-01 12:00:00-03:30', '-3', B'', 'NaN'),\n" +
				"('t', '\\x', '2024-01-01 00:00:00.25+00', NULL, NULL, '-Infinity'), ('no', E'\\\\x41', '1890-01-01 " +
				"00:49:56+00:49:56', .5, b'1', 0), (NULL, NULL, '0044-03-15 00:00:00+01 BC', NULL::numeric, NULL, " +
				"12::double precision);",
			want: []string{"t|\x00\xff|2023-12-31 23:30:00|12.50|101|1e5", "f|a\\b\x01|2024-01-01 15:30:00|-3||NaN",
				"t||2024-01-01 00:00:00.25|~|~|-Infinity", "f|A|1890-01-01 00:00:00|.5|1|0",
				"~|~|0044-03-15 00:00:00+01 BC|~|~|12"},
		},
		"bytea in the old format": {
			text: "CREATE TABLE t (b bytea);\nCOPY t (b) FROM stdin;\na\\\\\\\\b\\\\000\\\\377\n\\\\x4142\n\n" +
				"plain\n\\.\n",
			want: []string{"a\\b\x00\xff", "AB", "", "plain"},
		},
		"routines, rules and comments": {
			text: createT + "CREATE FUNCTION f() RETURNS trigger AS $_$ BEGIN INSERT INTO t VALUES (9,'no'); END; " +
				"$_$ LANGUAGE plpgsql;\nCREATE FUNCTION g() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN " +
				"true THEN 1 END; INSERT INTO t VALUES (8,'no'); END;\n" +
				"CREATE RULE r AS ON DELETE TO x DO ALSO (INSERT INTO t VALUES (7,'no'); NOTIFY y);\n" +
				"CREATE FUNCTION h() RETURNS text AS 'INSERT INTO t VALUES (6,''no'');' LANGUAGE sql;\n" +
				"/* INSERT INTO t VALUES (5,'no'); */ -- INSERT INTO t VALUES (4,'no');\nINSERT INTO t VALUES (1,'a');",
			want: []string{"1|a"},
		},
		"a search path, as in old dumps": {
			text: "SET search_path = shop, pg_catalog;\nCREATE TABLE t (id int, v text);\n" +
				"INSERT INTO t VALUES (1, 'a');\nSET search_path TO public;\nCREATE TABLE t (x int);\n" +
				"INSERT INTO t VALUES (2);\nSELECT pg_catalog.set_config('search_path', 'shop', false);\n" +
				"INSERT INTO t VALUES (3, 'c');",
			table: "shop.t",
			want:  []string{"1|a", "3|c"},
		},
		"character sets": {
			text: "SET client_encoding = 'LATIN1';\n" + createT + "COPY public.t (id, v) FROM stdin;\n1\tM\xfcller\n" +
				"\\.\nSET client_encoding = 'WIN1252';\nINSERT INTO t VALUES (2, '\x80');\n\\encoding KOI8R\n" +
				"INSERT INTO t VALUES (3, '\xed');\nSET NAMES 'UTF8';\nINSERT INTO t VALUES (4, 'ü');",
			want: []string{"1|Müller", "2|€", "3|М", "4|ü"},
		},
		"invalid UTF-8 passes as it is": {
			text: "SET client_encoding = 'SQL_ASCII';\n" + createT + "COPY t FROM stdin;\n1\t\xc3\x28\xff\n\\.\n",
			want: []string{"1|\xc3\x28\xff"},
		},
		"several databases": {
			text: "\\connect template1\n\\connect \"a b\"\n" + createT + "INSERT INTO t VALUES (1,'a');\n" +
				"\\connect -reuse-previous=on \"dbname='b'\"\n" + createT + "INSERT INTO t VALUES (2,'b');\n",
			table: "a b.t",
			want:  []string{"1|a"},
		},
		"tables that are none": {
			text: createT + "CREATE TABLE looks (id int);\nCREATE RULE \"_RETURN\" AS ON SELECT TO looks DO INSTEAD " +
				"SELECT 1;\nCREATE TEMPORARY TABLE tmp (a int);\nINSERT INTO tmp VALUES (1);\n" +
				"CREATE VIEW w AS SELECT 1;\nINSERT INTO t VALUES (1,'a');",
			want: []string{"1|a"},
		},
		"data without CREATE TABLE": {
			text: "COPY public.t (id, v) FROM stdin;\n1\ta\n\\.\n",
			want: []string{"1|a"},
		},
		"a statement that changes another table": {
			text: createT + "CREATE TABLE u (a int);\nUPDATE u SET a=1;\nINSERT INTO u SELECT 1;\n" +
				"INSERT INTO t VALUES (1,'a');",
			want: []string{"1|a"},
		},
		"a byte order mark": {
			text: "\xef\xbb\xbf" + createT + "INSERT INTO t VALUES (1,'a');",
			want: []string{"1|a"},
		},
		"odd names": {
			text: "CREATE TABLE public.\"se\"\"lect; (\" (\"a b\" int, \"key\" text DEFAULT 'x;" +
				"''('::text, \"C\" int);\nCOPY public.\"se\"\"lect; (\" (\"a b\", \"key\", \"C\") FROM stdin;\n" +
				"1\tx\t2\n\\.\n",
			table: `se"lect; (`,
			want:  []string{"1|x|2"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			src := open(t, connectortest.WriteFile(t, "x.sql", []byte(tc.text+"\n"+trailer)), connectors.Options{})
			q := connectors.Query{Table: "t"}
			if tc.table != "" {
				q.Table = tc.table
			}
			got, err := connectortest.Read(t, src, q)
			require.NoError(t, err)
			require.Equal(t, tc.want, got)
			tables, err := src.Tables(t.Context())
			require.NoError(t, err)
			for _, table := range tables {
				if table.Name == q.Table {
					require.EqualValues(t, len(tc.want), table.Rows)
				}
			}
		})
	}
}

func TestRefuse(t *testing.T) {
	// of these the file is read on, and the table is not
	alone := []string{"update", "delete", "truncate", "insert select", "default values", "drop column", "rename",
		"another type"}
	for name, tc := range map[string]struct {
		text    string
		want    string
		lenient bool // read where the file needs no proof
	}{
		"update":   {createT + "UPDATE t SET v=1;", "line 8: a statement changes table t", true},
		"delete":   {createT + "DELETE FROM ONLY public.t;", "line 8", true},
		"truncate": {createT + "TRUNCATE t;", "line 8", true},
		"insert select": {createT + "INSERT INTO t SELECT 1, 'a';",
			"line 8: a statement changes table t", true},
		"default values": {createT + "INSERT INTO t DEFAULT VALUES;", "line 8", true},
		"on conflict": {createT + "INSERT INTO t VALUES (1,'a') ON CONFLICT (id) DO UPDATE SET v='b';",
			"line 8", true},
		"drop column":  {createT + "ALTER TABLE t DROP COLUMN v;", "line 8", true},
		"rename":       {createT + "ALTER TABLE t RENAME TO u;", "line 8", true},
		"another type": {createT + "ALTER TABLE t ALTER COLUMN v TYPE int;", "line 8", true},
		"another file": {createT + "\\i more.sql\n", "reads another", true},
		"an expression": {createT + "INSERT INTO t VALUES (1, now());",
			"line 8: field v of table t: an expression", true},
		"two strings":            {createT + "INSERT INTO t VALUES (1, 'a' 'b');", "an expression", true},
		"copy from a file":       {createT + "COPY t FROM '/tmp/x';", "line 8", false},
		"copy of another format": {createT + "COPY t FROM stdin WITH CSV;\n1,2\n\\.\n", "line 8", false},
		"too few values of COPY": {createT + "COPY t (id, v) FROM stdin;\n1\ta\n2\n\\.\n",
			"line 10: a row of table t has 1 values instead of 2", false},
		"too many values of COPY": {createT + "COPY t (id, v) FROM stdin;\n1\ta\tb\n\\.\n",
			"line 9: a row of table t has 3 values", false},
		"a backslash at the end": {createT + "COPY t (id, v) FROM stdin;\n1\ta\n2\tb\\\n\\.\n",
			"line 10: field v of table t: a literal cannot be read", false},
		"too few values of INSERT": {createT + "INSERT INTO t (id, v) VALUES (1);", "has 1 values instead of 2",
			false},
		"too many values of INSERT": {createT + "INSERT INTO t VALUES (1,2,3);", "3 values instead of 2", false},
		"an unknown field": {createT + "INSERT INTO t (id, v, w) VALUES (1,2,3);",
			"field w that table t lacks", false},
		"a semicolon in a row": {createT + "INSERT INTO t VALUES (1;", "cannot be read", false},
		"no hexadecimal digits": {"CREATE TABLE t (b bytea);\nINSERT INTO t VALUES ('\\xzz');",
			"line 2: field b of table t: a literal", false},
		"no octal digits": {"CREATE TABLE t (b bytea);\nINSERT INTO t VALUES ('\\9');", "a literal",
			false},
		"an unknown character set":     {"SET client_encoding = 'SJIS';\n" + createT, "--encoding=UTF8", false},
		"other fields the second time": {createT + "CREATE TABLE t (a int);", "created a second time", true},
		"an open string":               {createT + "INSERT INTO t VALUES (1,'a", "ends within a statement", false},
		"an open comment":              {createT + "/* a", "ends within a comment", false},
		"an open COPY":                 {createT + "COPY t FROM stdin;\n1\ta\n", "ends within a statement", false},
		"a broken CREATE":              {"CREATE TABLE t (a int, 5);", "table t: a name expected", false},
		"a CREATE without a name":      {"CREATE TABLE ();", "a name expected", false},
		"a COPY with more on its line": {createT + "COPY t FROM stdin; SELECT 1;\n", "on its line", false},
	} {
		t.Run(name, func(t *testing.T) {
			path := connectortest.WriteFile(t, "x.sql", []byte(tc.text+"\n"+trailer))
			_, err := connectortest.Read(t, open(t, path, connectors.Options{Name: "old"}),
				connectors.Query{Table: "t"})
			want := connectors.ErrDamaged
			if slices.Contains(alone, name) {
				want = errors.ErrUnsupported
			}
			require.ErrorIs(t, err, want)
			require.ErrorContains(t, err, tc.want)
			require.ErrorContains(t, err, " old")
			_, err = connectortest.Read(t, open(t, path, connectors.Options{Unchecked: true}),
				connectors.Query{Table: "t"})
			if tc.lenient {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, connectors.ErrDamaged)
			}
		})
	}
}

func TestErrorsHoldNoValue(t *testing.T) {
	for _, text := range []string{
		"CREATE TABLE t (b bytea);\nCOPY t FROM stdin;\n\\\\xsecret\n\\.\n", createT + "COPY t FROM stdin;\n" +
			"secret\n\\.\n",
		createT + "INSERT INTO t VALUES (1, secret('secret'));", createT + "INSERT INTO t VALUES ('secret'",
	} {
		_, err := connectortest.Read(t, open(t, connectortest.WriteFile(t, "x.sql", []byte(text+"\n"+trailer)),
			connectors.Options{}), connectors.Query{Table: "t"})
		require.ErrorIs(t, err, connectors.ErrDamaged)
		require.NotContains(t, err.Error(), "secret")
	}
}

// The keys of temporal tables have a word before or behind their last field.
func TestCatalogOfTemporalTables(t *testing.T) {
	text := "CREATE TABLE t (id int, period int, at daterange, PRIMARY KEY (id, at WITHOUT OVERLAPS), FOREIGN " +
		"KEY (id, " +
		"period, PERIOD at) REFERENCES t (id, period, PERIOD at));\n"
	tables, err := open(t, connectortest.WriteFile(t, "x.sql", []byte(text+trailer)),
		connectors.Options{}).Tables(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"id", "at"}, tables[0].Key)
	require.Equal(t, []string{"id", "period", "at"}, tables[0].ForeignKeys[0].Fields)
	require.Equal(t, []string{"id", "period", "at"}, tables[0].ForeignKeys[0].RefFields)
}

func TestCatalog(t *testing.T) {
	text := "CREATE EXTENSION IF NOT EXISTS citext;\nCREATE DOMAIN public.mail AS public.citext;\n" +
		"CREATE TABLE public.p (\n    id serial,\n    code character varying(10) NOT NULL,\n    c5 char(5),\n    one " +
		"\"char\",\n    m public.mail COLLATE \"C\",\n    at timestamp(3) with time zone DEFAULT CURRENT_TIMESTAMP " +
		"NOT NULL,\n" +
		"    full_name text GENERATED ALWAYS AS ((code)::text || ', '::text) STORED,\n    no integer NOT NULL " +
		"GENERATED ALWAYS AS IDENTITY (START WITH 5),\n    tags character varying(9)[] DEFAULT '{}'::character " +
		"varying[],\n    amount numeric(10,2) DEFAULT 0.00,\n    j jsonb,\n" +
		"    named integer CONSTRAINT nn NOT NULL CONSTRAINT u UNIQUE,\n    CONSTRAINT c1 CHECK (((amount > " +
		"(0)::numeric) AND (code <> ','::text))),\n    CONSTRAINT nn2 NOT NULL j\n)\nPARTITION BY LIST (code);\n" +
		"CREATE TABLE public.p_a PARTITION OF public.p FOR VALUES IN ('a');\n" +
		"CREATE TABLE IF NOT EXISTS q (a int PRIMARY KEY, pa bigint REFERENCES p (id) ON DELETE SET NULL, FOREIGN " +
		"KEY (a) REFERENCES q);\nCREATE TABLE copyof (LIKE q INCLUDING ALL, more date DEFAULT '1970-01-01'::date " +
		"NOT NULL);\n" +
		"INSERT INTO q VALUES (1,2),(3,4);\n" +
		"ALTER TABLE ONLY public.p ALTER COLUMN id SET DEFAULT nextval('public.p_id_seq'::regclass);\n" +
		"ALTER TABLE public.p ALTER COLUMN no ADD GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME public.x START WITH 1);" +
		"\nALTER TABLE ONLY public.p\n    ADD CONSTRAINT p_pkey PRIMARY KEY (id, code),\n    ADD CONSTRAINT p_u " +
		"UNIQUE NULLS NOT DISTINCT (at, c5);\n" +
		"ALTER TABLE ONLY public.p ADD CONSTRAINT self FOREIGN KEY (id, code) REFERENCES public.p(id, code) MATCH " +
		"FULL ON UPDATE CASCADE ON DELETE RESTRICT DEFERRABLE;\nALTER TABLE p_a ADD COLUMN later text NOT NULL;\n" +
		"ALTER TABLE q ALTER pa SET NOT NULL;\n" +
		"CREATE UNIQUE INDEX i1 ON public.p USING btree (m, id DESC NULLS LAST);\n" +
		"CREATE UNIQUE INDEX i2 ON public.p USING btree (lower((m)::text));\n" +
		"CREATE UNIQUE INDEX i3 ON public.p (j) WHERE (amount > 0);\nCREATE INDEX i4 ON public.p (j);\n"
	src := open(t, connectortest.WriteFile(t, "shop-2026.sql", []byte(text+trailer)), connectors.Options{})
	tables, err := src.Tables(t.Context())
	require.NoError(t, err)
	p := []connectors.Field{
		{Name: "id", Type: "serial", Kind: connectors.Integer},
		{Name: "code", Type: "character varying(10)", Kind: connectors.Text, Length: 10},
		{Name: "c5", Type: "char(5)", Kind: connectors.Text, Nullable: true, Length: 5},
		{Name: "one", Type: `"char"`, Kind: connectors.Text, Nullable: true},
		{Name: "m", Type: "public.mail", Kind: connectors.Text, Nullable: true},
		{Name: "at", Type: "timestamp(3) with time zone", Kind: connectors.Timestamp, Zoned: true},
		{Name: "full_name", Type: "text", Kind: connectors.Text, Nullable: true, Generated: true},
		{Name: "no", Type: "integer", Kind: connectors.Integer},
		{Name: "tags", Type: "character varying(9)[]", Kind: connectors.Text, Nullable: true},
		{Name: "amount", Type: "numeric(10,2)", Kind: connectors.Decimal, Nullable: true},
		{Name: "j", Type: "jsonb", Kind: connectors.JSON},
		{Name: "named", Type: "integer", Kind: connectors.Integer},
	}
	q := []connectors.Field{{Name: "a", Type: "int", Kind: connectors.Integer},
		{Name: "pa", Type: "bigint", Kind: connectors.Integer, Nullable: true}}
	notNull := append([]connectors.Field{}, q...)
	notNull[1].Nullable = false
	require.Equal(t, []connectors.Table{
		{Database: "shop-2026", Name: "copyof", Fields: append(append([]connectors.Field{}, q...),
			connectors.Field{Name: "more", Type: "date", Kind: connectors.Date, Default: "1970-01-01"})},
		{
			Database: "shop-2026", Name: "p", Key: []string{"id", "code"}, Unique: [][]string{{"named"}, {"at", "c5"},
				{"m", "id"}}, Fields: p,
			ForeignKeys: []connectors.ForeignKey{{Name: "self", Fields: []string{"id", "code"}, RefTable: "p",
				RefFields: []string{"id", "code"}, OnDelete: "RESTRICT", OnUpdate: "CASCADE"}},
		},
		{
			Database: "shop-2026", Name: "q", Key: []string{"a"}, Rows: 2, Fields: notNull,
			ForeignKeys: []connectors.ForeignKey{
				{Fields: []string{"pa"}, RefTable: "p", RefFields: []string{"id"}, OnDelete: "SET NULL",
					OnUpdate: "NO ACTION"},
				{Fields: []string{"a"}, RefTable: "q", RefFields: []string{"a"}, OnDelete: "NO ACTION",
					OnUpdate: "NO ACTION"},
			},
		},
	}, tables)
}

// The database is the one that the file connects to, or creates, else the stem of the file.
func TestDatabase(t *testing.T) {
	for text, want := range map[string]string{
		"": "crm-2026",
		"CREATE DATABASE shop WITH TEMPLATE = template0;\n":                                 "shop",
		"CREATE DATABASE \"My Shop\";\n\\connect -reuse-previous=on \"dbname='My Shop'\"\n": "My Shop",
		"\\c shop;\n":               "shop",
		"\\connect shop postgres\n": "shop",
	} {
		tables, err := open(t, connectortest.WriteFile(t, "crm-2026.sql.gz",
			connectortest.Pack(t, ".gz", []byte(text+createT+trailer))), connectors.Options{}).Tables(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, tables[0].Database, text)
	}
}

// TestCut cuts a dump at every byte: no part of it is taken for whole.
func TestCut(t *testing.T) {
	text := header + createT + "CREATE FUNCTION f() RETURNS int AS $$ SELECT 1; $$ LANGUAGE sql;\n" +
		"COPY public.t (id, v) FROM stdin;\n1\ta\\\\b\n2\t\\N\n\\.\n\nINSERT INTO t VALUES (3, 'it''s');\n" + trailer
	for _, name := range []string{"x.sql", "x.sql.gz"} {
		connectortest.RequireCut(t, pgdump.Connector, name, []byte(text), "-- PostgreSQL database dump complete")
	}
}

// A text key under a collation that is not exact refuses what only the server can tell.
func TestLooseKeys(t *testing.T) {
	text := "CREATE COLLATION public.nocase (provider = icu, deterministic = false, locale = 'und');\n" +
		"CREATE TABLE t (c public.citext, p char(4), n text COLLATE public.nocase, x text, k numeric, s " +
		"numeric(9,2));\n" +
		"COPY t FROM stdin;\nAnn\tab  \tÉva\tAnn\t100.50\t7.00\n\\.\n"
	src := open(t, connectortest.WriteFile(t, "x.sql", []byte(text+trailer)), connectors.Options{})
	for _, tc := range []struct {
		field, key string
		rows       int
		refused    bool
	}{
		{"c", "Ann", 1, false}, {"c", "ann", 0, true}, {"c", "bob", 0, false}, {"p", "ab  ", 1, false},
		{"p", "ab", 0, true}, {"p", "AB", 0, false},
		{"n", "eva", 0, true}, {"n", "Éva", 1, false}, {"x", "ann", 0, false}, {"x", "Ann", 1, false},
		{"k", "100.50", 1, false}, {"k", "100.5", 0, true}, {"k", "100", 0, false}, {"k", "1", 0, false},
		{"s", "7", 0, false}, {"s", "7.00", 1, false},
	} {
		rows, err := connectortest.Read(t, src,
			connectors.Query{Table: "t", Keys: &connectors.Keys{Fields: []string{tc.field},
				Tuples: []connectors.Key{connectors.MakeKey([]byte(tc.key))}}})
		if tc.refused {
			require.ErrorIs(t, err, errors.ErrUnsupported, "%s %s", tc.field, tc.key)
			continue
		}
		require.NoError(t, err, "%s %s", tc.field, tc.key)
		require.Len(t, rows, tc.rows, "%s %s", tc.field, tc.key)
	}
}

func TestUnchecked(t *testing.T) {
	text := createT + "INSERT INTO t VALUES (1,'a');\nINSERT INTO elsewhere VALUES (1,'b'),(2,NULL);\n"
	path := connectortest.WriteFile(t, "x.sql", []byte(text))
	_, err := open(t, path, connectors.Options{}).Tables(t.Context())
	require.ErrorIs(t, err, connectors.ErrDamaged)
	require.ErrorContains(t, err, "complete: unchecked")
	require.NoError(t, os.WriteFile(path, []byte(text+trailer), 0o600))
	_, err = open(t, path, connectors.Options{}).Tables(t.Context())
	require.ErrorIs(t, err, connectors.ErrConfig)
	require.ErrorContains(t, err, "`schema:`")
	src := open(t, path, connectors.Options{Unchecked: true})
	got, err := connectortest.Read(t, src, connectors.Query{Table: "elsewhere", Fields: []string{"c2", "c1"}})
	require.NoError(t, err)
	require.Equal(t, []string{"b|1", "~|2"}, got)
}

// TestDatabases tells the database that a dump is the backup of from others in the same file.
func TestDatabases(t *testing.T) {
	path := connectortest.WriteFile(t, "x.sql", []byte("\\connect shop\n"+header+createT+"\\connect crm\n"+createT+
		"INSERT INTO t VALUES (2,'b');\n"+trailer))
	_, err := open(t, path, connectors.Options{Of: "live"}).Tables(t.Context())
	require.ErrorIs(t, err, connectors.ErrConfig)
	require.ErrorContains(t, err, "databases shop, crm")
	require.ErrorContains(t, err, "options: {database: NAME}")
	src := open(t, path, connectors.Options{Of: "live", Extra: map[string]string{"database": "crm"}})
	rows, err := connectortest.Read(t, src, connectors.Query{Table: "t"})
	require.NoError(t, err)
	require.Equal(t, []string{"2|b"}, rows)
	rows, err = connectortest.Read(t, src, connectors.Query{Table: "shop.t"})
	require.NoError(t, err)
	require.Empty(t, rows)
}

// A dump that names no database stands for that of the live source, whatever that is called.
func TestADumpThatNamesNoDatabase(t *testing.T) {
	path := connectortest.WriteFile(t, "x.sql", []byte(header+createT+"INSERT INTO t VALUES (1, 'a');\n"+trailer))
	rows, err := connectortest.Read(t, open(t, path, connectors.Options{Of: "live", Database: "shop"}),
		connectors.Query{Table: "t"})
	require.NoError(t, err)
	require.Equal(t, []string{"1|a"}, rows)
}

func TestOptions(t *testing.T) {
	connectortest.RunOptions(t, pgdump.Connector,
		connectors.Options{DSN: connectortest.WriteFile(t, "x.sql", []byte(header+trailer))},
		connectortest.Packed(t, map[string]connectortest.OptionValues{"database": {Good: []string{"shop"}, Bad: []string{""}}}))
}

func TestOpenRefuses(t *testing.T) {
	path := connectortest.WriteFile(t, "x.sql", []byte(header+trailer))
	for name, tc := range map[string]struct {
		o    connectors.Options
		is   error
		want string
	}{
		"no path":       {connectors.Options{}, connectors.ErrConfig, "no path"},
		"no file":       {connectors.Options{DSN: path + "x"}, connectors.ErrUnreachable, "no such file"},
		"a folder":      {connectors.Options{DSN: t.TempDir()}, connectors.ErrConfig, "regular"},
		"to be changed": {connectors.Options{DSN: path, ApplyDSN: path}, connectors.ErrConfig, "`rewrite:`"},
		"with options of files": {connectors.Options{DSN: path, Files: map[string]map[string]string{"a": nil}},
			connectors.ErrConfig, "leave out files"},
		"of MySQL": {
			connectors.Options{DSN: connectortest.WriteFile(t, "m.sql", []byte("-- MySQL dump 10.13\n"))},
			connectors.ErrDamaged, "mysqldump"},
		"an archive": {connectors.Options{DSN: connectortest.WriteFile(t, "a.sql", []byte("PGDMP\x01\x0e"))},
			connectors.ErrDamaged, "ends too early"},
		"a newer archive": {connectors.Options{DSN: connectortest.WriteFile(t, "a.sql",
			[]byte("PGDMP\x01\x11\x00\x04"))}, errors.ErrUnsupported, "it is of version 1.17 of the format"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := pgdump.Open(t.Context(), tc.o)
			require.ErrorIs(t, err, tc.is)
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestRecognises(t *testing.T) {
	for text, want := range map[string]bool{
		header:                  true,
		"-- MySQL dump 10.13":   false,
		"-- MariaDB dump 10.19": false,
		"/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump": false,
		"CREATE TABLE `t` (id int);":                                 false,
		"CREATE TABLE t (id int) ENGINE=InnoDB;":                     false,
		"CREATE TABLE t (id serial PRIMARY KEY, d timestamptz);":     true,
		"COPY t FROM stdin;\n1\n\\.\n":                               true,
		"INSERT INTO public.t VALUES (1);":                           true,
		"CREATE TABLE t (name character varying(15));":               true,
		"PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nPRAGMA x;":    false,
		"INSERT INTO t VALUES (1);":                                  false,
		"":                                                           false,
	} {
		require.Equal(t, want, pgdump.Recognises([]byte(text)), text)
	}
	for name, want := range map[string]bool{"x.sql": true, "x.sql.gz": true} {
		require.Equal(t, want,
			pgdump.Connector.Fits(connectortest.WriteFile(t, name, connectortest.Pack(t, name, []byte(header)))))
	}
	require.False(t, pgdump.Connector.Fits("nowhere.sql"))
}

// A file that changes is read anew.
func TestChangedFile(t *testing.T) {
	path := connectortest.WriteFile(t, "x.sql", []byte(createT+trailer))
	src := open(t, path, connectors.Options{})
	tables, err := src.Tables(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 0, tables[0].Rows)
	require.NoError(t,
		os.WriteFile(path,
			bytes.Join([][]byte{[]byte(createT), []byte("INSERT INTO t VALUES (1,'a');\n"), []byte(trailer)}, nil),
			0o600))
	tables, err = src.Tables(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, tables[0].Rows)
}

// TestRowsThatADumpDoesNotHold: of foreign tables and materialized views a dump has the definition alone.
func TestRowsThatADumpDoesNotHold(t *testing.T) {
	path := connectortest.WriteFile(t, "crm.sql", []byte("-- PostgreSQL database dump\n"+createT+
		"CREATE FOREIGN TABLE public.remote (\n    id integer\n)\nSERVER other;\n\n"+
		"CREATE MATERIALIZED VIEW public.kept AS\n SELECT t.v FROM public.t\n  WITH NO DATA;\n\n"+
		"CREATE VIEW public.seen AS\n SELECT t.v FROM public.t;\n\n"+
		"COPY public.t (id, v) FROM stdin;\n1\ta\n\\.\n\nREFRESH MATERIALIZED VIEW public.kept;\n\n"+
		"-- PostgreSQL database dump complete\n"))
	src := open(t, path, connectors.Options{Name: "crm"})
	tables, err := src.Tables(t.Context())
	require.NoError(t, err)
	require.Len(t, tables, 1)
	require.Equal(t, "t", tables[0].Name)
	list, err := src.(connectors.Partial).Unread(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Equal(t, "kept", list[0].Name)
	require.Contains(t, list[0].Reason, "materialized view")
	require.Equal(t, "remote", list[1].Name)
	require.Contains(t, list[1].Reason, "foreign table")
	for _, name := range []string{"kept", "remote"} {
		for _, err := range src.Scan(t.Context(), connectors.Query{Table: name}) {
			require.ErrorIs(t, err, connectors.ErrSchemaChanged)
		}
	}
}

// A unique constraint that is checked later than at once names no row, as in the server: it names those of the table by
// another, or not at all. Nor does a key of rounded numbers.
func TestWhatNamesRows(t *testing.T) {
	create := func(when string) string {
		return "CREATE TABLE t (a integer NOT NULL UNIQUE" + when + ", b integer NOT NULL, c real NOT NULL);\n"
	}
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"at once":      {create(" NOT DEFERRABLE"), []string{"a"}},
		"later":        {create(" DEFERRABLE INITIALLY DEFERRED"), nil},
		"of the table": {"CREATE TABLE t (a integer NOT NULL, CONSTRAINT u UNIQUE (a) DEFERRABLE);\n", nil},
		"with more": {"CREATE TABLE t (a integer NOT NULL, b text, UNIQUE (a) INCLUDE (b) WITH (fillfactor='70') " +
			"DEFERRABLE);\n", nil},
		"another":         {create(" DEFERRABLE") + "ALTER TABLE ONLY t ADD CONSTRAINT u UNIQUE (b);\n", []string{"b"}},
		"both":            {create(" DEFERRABLE") + "CREATE UNIQUE INDEX ON t USING btree (a);\n", []string{"a"}},
		"rounded numbers": {create("") + "ALTER TABLE ONLY t ADD CONSTRAINT p PRIMARY KEY (c);\n", []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			src := open(t, connectortest.WriteFile(t, "shop.sql", []byte(c.text+trailer)), connectors.Options{})
			tables, err := src.Tables(t.Context())
			require.NoError(t, err)
			require.Equal(t, c.want, tables[0].Key)
		})
	}
}
