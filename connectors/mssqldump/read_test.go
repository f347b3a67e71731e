package mssqldump_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/connectortest"
	"lethe/connectors/mssqldump"
)

// whole is the end by which a script of a whole database is known.
const whole = "\nUSE [master]\nGO\nALTER DATABASE [x] SET  READ_WRITE \nGO\n"

func open(t *testing.T, text string, extra map[string]string) connectors.Source {
	path := connectortest.WriteFile(t, "x.sql", []byte(text))
	src, err := mssqldump.Open(t.Context(), connectors.Options{DSN: path, Rewrite: true, Extra: extra})
	require.NoError(t, err)
	return src
}

func checked(t *testing.T, text string) connectors.Source { return open(t, text+whole, nil) }

func rows(t *testing.T, src connectors.Source, table string) []string {
	got, err := connectortest.Read(t, src, connectors.Query{Table: table})
	require.NoError(t, err)
	return got
}

// What values become, by their types and the forms in which scripts have them.
func TestValues(t *testing.T) {
	for _, c := range []struct{ typ, literal, want string }{
		{"int", "42", "42"}, {"int", "-42", "-42"}, {"int", "(-42)", "-42"}, {"int", "CAST(42 AS Int)", "42"},
		{"bit", "1", "1"}, {"bit", "0x01", "1"}, {"bigint", "9223372036854775807", "9223372036854775807"},
		{"decimal(9, 2)", "CAST(0.00 AS Decimal(9, 2))", "0.00"}, {"decimal(18,4)", "1.5", "1.5000"},
		{"numeric(5)", "7", "7"}, {"money", "$12.5", "12.5000"}, {"money", "-12.5000", "-12.5000"},
		{"decimal(4,2)", "-.001", "0.00"},
		{"float", "1.0000000000000000e+000", "1"}, {"real", "0.1", "0.1"}, {"float", "1e300", "1e+300"},
		{"nvarchar(max)", "N'it''s'", "it's"}, {"varchar(9)", "'plain'", "plain"}, {"nvarchar(9)", "N''", ""},
		{"nvarchar(9)", "N'a\\\nb'", "ab"}, // a backslash continues the line
		{"sysname", "N'a]b'", "a]b"}, {"text", "NULL", "~"}, {"ntext", "CAST(N'x' AS NText)", "x"},
		{"varchar(9)", "10248", "10248"},
		{"uniqueidentifier", "N'b84f78b1-4efe-4a0e-8cb7-70e9f112f886'", "B84F78B1-4EFE-4A0E-8CB7-70E9F112F886"},
		{"uniqueidentifier", "0xFF19966F868B11D0B42D00C04FC964FF", "6F9619FF-8B86-D011-B42D-00C04FC964FF"},
		{"varbinary(max)", "0xDEADBEEF", "\xde\xad\xbe\xef"}, {"binary(2)", "0xABC", "\x0a\xbc"}, {"image", "0x", ""},
		{"date", "CAST(N'2000-01-01' AS Date)", "2000-01-01"}, {"date", "CAST(0x5B950A00 AS Date)", "!form"},
		{"date", "CAST(0x5B950A AS Date)", "1900-01-01"},
		{"datetime", "CAST(N'1911-11-11T00:00:00.000' AS DateTime)", "1911-11-11 00:00:00"},
		{"datetime", "CAST(N'2020-01-24T09:45:42.253' AS DateTime)", "2020-01-24 09:45:42.253"},
		{"datetime", "CAST(0x0000A12300000000 AS DateTime)", "2012-12-10 00:00:00"},
		{"datetime", "CAST(0xFFFF2E4600000000 AS DateTime)", "1753-01-01 00:00:00"},
		{"datetime", "CAST(0x00000000018B81FF AS DateTime)", "1900-01-01 23:59:59.997"},
		{"datetime", "'20200131 13:14:15'", "2020-01-31 13:14:15"}, {"datetime", "'2009/1/2'", "2009-01-02 00:00:00"},
		{"datetime", "'Jul  1 1993 12:00AM'", "1993-07-01 00:00:00"}, {"datetime", "'1 July 1993 2:05PM'", "1993-07-01 14:05:00"},
		{"datetime", "'7/4/1996'", "!day or month"}, {"smalldatetime", "CAST(0x8EAC0348 AS SmallDateTime)", "2000-01-01 14:00:00"},
		{"datetime2(7)", "CAST(N'2016-10-09T17:36:21.1234567' AS DateTime2)", "2016-10-09 17:36:21.1234567"},
		{"datetime2(0)", "CAST(0x00AA46018E330B AS DateTime2)", "2010-11-19 23:13:46"},
		{"time(7)", "CAST(N'23:00:00' AS Time)", "23:00:00"}, {"time(0)", "CAST(0x00FFFFFF AS Time)", "!form"},
		{"time(3)", "CAST(0x0340771B00 AS Time)", "00:30:00"},
		{"datetimeoffset(7)", "CAST(N'2020-01-01T01:30:00.0000000+02:00' AS DateTimeOffset)", "2019-12-31 23:30:00"},
		{"int", "getdate()", "!expression"}, {"int", "@x", "!expression"}, {"int", "1 + 1", "!expression"},
		{"int", "N'x'", "!form"}, {"varbinary(9)", "N'x'", "!form"},
	} {
		t.Run(c.typ+" "+c.literal, func(t *testing.T) {
			src := checked(t, "CREATE TABLE [dbo].[t]([v] "+c.typ+" NULL)\nGO\nINSERT [dbo].[t] ([v]) VALUES ("+c.literal+")\nGO\n")
			got, err := connectortest.Read(t, src, connectors.Query{Table: "t"})
			if why, refused := strings.CutPrefix(c.want, "!"); refused {
				require.ErrorIs(t, err, connectors.ErrDamaged)
				require.ErrorContains(t, err, why)
				require.ErrorContains(t, err, "field v of table t")
				require.NotContains(t, err.Error(), c.literal, "no value")
				return
			}
			require.NoError(t, err)
			require.Equal(t, []string{c.want}, got)
		})
	}
	src := checked(t, "SET DATEFORMAT mdy\nGO\nCREATE TABLE t(v datetime NULL)\nGO\n"+
		"INSERT t VALUES ('7/4/1996'), ('06/12/91'), ('1-2-49')\nGO\n")
	require.Equal(t, []string{"1996-07-04 00:00:00", "1991-06-12 00:00:00", "2049-01-02 00:00:00"}, rows(t, src, "t"))
}

// What stands in a script beside the plain INSERTs of Management Studio.
func TestStatements(t *testing.T) {
	src := checked(t, `
/****** Object: INSERT [dbo].[nothing] VALUES (1) /* nested */ ******/
CREATE TYPE [dbo].[Name] FROM [nvarchar](50) NULL
GO
create table "people" (
  id int IDENTITY (1, 1) NOT NULL ,
  "full name" dbo.Name NOT NULL DEFAULT (N'x, y'),
  [stamp] [timestamp] NOT NULL, twice AS (id * 2) PERSISTED,
  age tinyint NULL CONSTRAINT [df] DEFAULT 3 CHECK (age > 0 and age < 150),
  boss int NULL REFERENCES people (id) ON DELETE NO ACTION,
  CONSTRAINT "pk" PRIMARY KEY NONCLUSTERED (id ASC) WITH (PAD_INDEX = OFF) ON [PRIMARY],
  CONSTRAINT [ck] CHECK NOT FOR REPLICATION (id > 0), UNIQUE ("full name")
)
GO
SET IDENTITY_INSERT people ON INSERT PEOPLE (ID, [FULL NAME], age) VALUES (1, N'Ann; INSERT people VALUES (9)', 30)
INSERT INTO dbo.People ([id], [full name], age) VALUES (2, N'line
GO
still in it', NULL), -- a comment with 'a quote
  (3, N'Cat', 5);
SET IDENTITY_INSERT people OFF
insert people ([full name], age) values (N'no number', 1)
go -- sent
CREATE TABLE [sales].[order]([id] [int] NOT NULL, [who] [int] NULL)
INSERT [sales].[order] VALUES (1, 2) INSERT [sales].[order] VALUES (2, 2)
GO 1
ALTER TABLE [sales].[order] ADD CONSTRAINT [pk_order] PRIMARY KEY CLUSTERED ([id] ASC) WITH (FILLFACTOR = 90)
ALTER TABLE [sales].[order]  WITH NOCHECK ADD  CONSTRAINT [fk] FOREIGN KEY([who])
REFERENCES [dbo].[people] ([ID])
ON UPDATE CASCADE
ON DELETE SET NULL
GO
CREATE PROCEDURE [dbo].[p] AS
INSERT [sales].[order] VALUES (99, 99)
UPDATE [sales].[order] SET who = NULL
GO
GRANT INSERT ON [sales].[order] TO [public]
GO`)
	tables, err := src.Tables(t.Context())
	require.NoError(t, err)
	require.Len(t, tables, 2)
	people, _ := connectors.Tables(tables).Find("people")
	require.Equal(t, []string{"id"}, people.Key)
	require.Equal(t, [][]string{{"full name"}}, people.Unique)
	require.EqualValues(t, 4, people.Rows)
	require.Equal(t, []connectors.Field{
		{Name: "id", Type: "int", Kind: connectors.Integer},
		{Name: "full name", Type: "nvarchar(50)", Kind: connectors.Text, Length: 50},
		{Name: "stamp", Type: "timestamp", Kind: connectors.Binary, Generated: true},
		{Name: "twice", Type: "computed", Kind: connectors.Text, Nullable: true, Generated: true},
		{Name: "age", Type: "tinyint", Kind: connectors.Integer, Nullable: true},
		{Name: "boss", Type: "int", Kind: connectors.Integer, Nullable: true},
	}, people.Fields)
	order, _ := connectors.Tables(tables).Find("sales.order")
	require.Equal(t, []string{"id"}, order.Key)
	require.Equal(t, []connectors.ForeignKey{{Name: "fk", Fields: []string{"who"}, RefTable: "people",
		RefFields: []string{"id"}, OnDelete: "SET NULL", OnUpdate: "CASCADE"}}, order.ForeignKeys)
	require.Equal(t, []string{"1|Ann; INSERT people VALUES (9)|~|~|30|~", "2|line\nGO\nstill in it|~|~|~|~", "3|Cat|~|~|5|~",
		"~|no number|~|~|1|~"}, rows(t, src, "people"))
	require.Equal(t, []string{"1|2", "2|2"}, rows(t, src, "sales.order"))
}

// A table that is filled or changed in a way that is not followed is refused alone.
func TestWhatIsNotFollowed(t *testing.T) {
	for _, statement := range []string{"UPDATE t SET a = 1", "DELETE t", "DELETE FROM dbo.t WHERE a = 1", "TRUNCATE TABLE [t]",
		"INSERT t SELECT 1", "INSERT INTO t (a) EXEC p", "INSERT t DEFAULT VALUES",
		"MERGE t USING u ON 1 = 1 WHEN MATCHED THEN DELETE;", "IF 1 = 1 INSERT t VALUES (1)",
		"IF NOT EXISTS (SELECT 1 FROM u)\nBEGIN\n  INSERT dbo.t VALUES (1)\nEND", "ALTER TABLE t ADD b int NULL",
		"ALTER TABLE t DROP COLUMN a", "BULK INSERT t FROM 'x.csv' WITH (FIELDTERMINATOR = ',')",
		"WITH x AS (SELECT 1 AS a) INSERT t SELECT a FROM x", "DECLARE @a int\nSET @a = 1\nINSERT t VALUES (@a)",
		"WHILE 1 = 0 DELETE t"} {
		t.Run(statement, func(t *testing.T) {
			src := checked(t, "CREATE TABLE t(a int NULL)\nCREATE TABLE u(a int NULL)\nGO\n"+statement+"\nGO\nINSERT u VALUES (7)\nGO\n")
			tables, err := src.Tables(t.Context())
			require.NoError(t, err)
			require.Len(t, tables, 2)
			_, err = connectortest.Read(t, src, connectors.Query{Table: "t"})
			require.ErrorContains(t, err, "table t")
			if !strings.Contains(statement, "MERGE") { // which names both
				require.Equal(t, []string{"7"}, rows(t, src, "u"), "no other table")
			}
		})
	}
}

func TestQuotes(t *testing.T) {
	src := checked(t, "CREATE TABLE t(a varchar(9) NULL)\nGO\nSET QUOTED_IDENTIFIER OFF\nGO\nINSERT t VALUES (\"it's\"), (\"a\"\"b\")\nGO\n")
	require.Equal(t, []string{"it's", `a"b`}, rows(t, src, "t"))
}

// rewrite sets fields of the rows of table t, in their order; nil leaves a field, NULL sets it so. The row of del goes.
func rewrite(t *testing.T, path, table string, del int, set map[string][]any) error {
	src, err := mssqldump.Open(t.Context(), connectors.Options{DSN: path, Rewrite: true})
	require.NoError(t, err)
	_, err = src.(connectors.Rewriter).Rewrite(t.Context(), []connectors.Query{{Table: table}},
		func(b connectors.Batch) (connectors.Edit, error) {
			edit := connectors.Edit{Ops: make([]connectors.Op, b.Rows.NumRows())}
			for row := range edit.Ops {
				edit.Ops[row] = connectors.Update
				if row == del {
					edit.Ops[row] = connectors.Delete
				}
			}
			for field, values := range set {
				var col connectors.Column
				given := make([]bool, len(values))
				for row, v := range values {
					s, ok := v.(string)
					if given[row] = ok; ok && s != "NULL" {
						col.Append([]byte(s))
					} else {
						col.AppendNull()
					}
				}
				edit.Set = append(edit.Set, connectors.Assignment{Field: field, Rows: given, Values: col.Array()})
			}
			return edit, nil
		}, func(connectors.Source) error { return nil })
	return err
}

// The bytes that no edit touches stay, of UTF-16 too, and what is written a server takes.
func TestRewrite(t *testing.T) {
	const insert = "INSERT [dbo].[p] ([id], [name], [code], [born], [at], [sum]) VALUES "
	text := strings.ReplaceAll("USE [x]\nGO\nCREATE TABLE [dbo].[p]([id] [int] NOT NULL, [name] [nvarchar](20) NULL, "+
		"[code] [varchar](9) NULL, [born] [date] NULL, [at] [datetime] NULL, [sum] [decimal](9, 2) NULL, "+
		"CONSTRAINT [k] PRIMARY KEY ([id]))\nGO\n"+
		insert+"(1, N'Ann 😀', N'a', CAST(N'2000-01-01' AS Date), CAST(N'2020-01-24T09:45:42.253' AS DateTime), "+
		"CAST(1.50 AS Decimal(9, 2)))\nGO\n"+insert+"(2, N'Bea', NULL, NULL, NULL, NULL)\nGO\n"+
		insert+"(3, N'Zoë', 'z', NULL, NULL, NULL)\nGO\n"+whole, "\n", "\r\n")
	want := strings.NewReplacer("N'Ann 😀'", "N'O''Hara'", "2000-01-01'", "1999-12-31'", "09:45:42.253'", "09:45:42.000'",
		"CAST(1.50", "CAST(-2.00", insert+"(2, N'Bea', NULL, NULL, NULL, NULL)\r\n", "",
		"'z', NULL, NULL", "NULL, NULL, CAST(N'2021-02-03T04:05:06.000' AS DateTime)").Replace(text)
	for _, wide := range []bool{false, true} {
		path := connectortest.WriteFile(t, "x.sql", encode(text, wide))
		require.NoError(t, rewrite(t, path, "p", 1, map[string][]any{"name": {"O'Hara", nil, nil}, "sum": {"-2.00", nil, nil},
			"born": {"1999-12-31", nil, nil}, "at": {"2020-01-24 09:45:42", nil, "2021-02-03 04:05:06"}, "code": {nil, nil, "NULL"}}))
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, want, string(decode(got)))
		require.Equal(t, encode(want, wide), got)
	}
}

// What the type might not take is not written, and the script stays as it was.
func TestRewriteRefuses(t *testing.T) {
	for _, c := range []struct{ typ, old, value string }{
		{"tinyint", "1", "256"}, {"bit", "1", "2"}, {"int", "1", "x"}, {"nvarchar(2)", "N'a'", "abc"}, {"varchar(9)", "'a'", "Zoë"},
		{"varchar(3)", "'a'", "abcd"}, {"decimal(3,1)", "1", "100.0"}, {"decimal(3,1)", "1", "1.25"},
		{"datetime", "NULL", "1700-01-01 00:00:00"}, {"smalldatetime", "NULL", "2000-01-01 00:00:30"}, {"date", "NULL", "2000-02-30"},
		{"uniqueidentifier", "NULL", "x"}, {"xml", "NULL", "<a/>"}, {"hierarchyid", "NULL", "x"}, {"varbinary(1)", "0x00", "ab"},
		{"nvarchar(9)", "N'a'", "a\\\nb"}, {"nvarchar(1)", "N'a'", "😀"}, {"int NOT", "1", "NULL"},
	} {
		t.Run(c.typ+" "+c.value, func(t *testing.T) {
			text := "CREATE TABLE t(v " + c.typ + " NULL)\nGO\nINSERT t VALUES (" + c.old + ")\nGO\n" + whole
			path := connectortest.WriteFile(t, "x.sql", []byte(text))
			err := rewrite(t, path, "t", -1, map[string][]any{"v": {c.value}})
			require.ErrorIs(t, err, connectors.ErrRefused)
			require.ErrorContains(t, err, "field v of table t")
			got, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, text, string(got))
		})
	}
}

// No part of a script is taken for the whole.
func TestCut(t *testing.T) {
	text := "CREATE TABLE t(v int NULL)\nGO\nINSERT t VALUES (1), (2)\nGO\n" + strings.TrimRight(whole, "\nGO ")
	connectortest.RequireCut(t, mssqldump.Connector, "x.sql", []byte(text), "READ_WRITE")
	connectortest.RequireCut(t, mssqldump.Connector, "x.sql.gz", []byte(text), "READ_WRITE")
	wide := encode(text, true)
	path := connectortest.WriteFile(t, "x.sql", wide)
	for n := 2; n < len(wide)-1; n++ {
		require.NoError(t, os.WriteFile(path, wide[:n], 0o600))
		src, err := mssqldump.Open(t.Context(), connectors.Options{DSN: path})
		if err == nil {
			_, err = src.Tables(t.Context())
		}
		require.ErrorIs(t, err, connectors.ErrDamaged, "cut at %d of %d", n, len(wide))
	}
}

// Characters: one byte each where the option says so, and never by guess.
func TestEncodings(t *testing.T) {
	text := "CREATE TABLE t(v varchar(9) NULL)\nGO\nINSERT t VALUES ('Zo\xeb')\nGO\n" + whole
	_, err := connectortest.Read(t, open(t, text, nil), connectors.Query{Table: "t"})
	require.ErrorIs(t, err, connectors.ErrDamaged)
	require.ErrorContains(t, err, "options: {encoding: windows-1252}")
	require.Equal(t, []string{"Zoë"}, rows(t, open(t, text, map[string]string{"encoding": "windows-1252"}), "t"))
	half := append(encode("INSERT t VALUES (N'", true), 0x3d, 0xd8, 'x', 0) // half of a pair
	half = append(half, encode("')"+whole, true)[2:]...)
	_, err = mssqldump.Open(t.Context(), connectors.Options{DSN: connectortest.WriteFile(t, "x.sql", half)})
	require.ErrorIs(t, err, connectors.ErrDamaged)
}

func TestRecognises(t *testing.T) {
	for text, want := range map[string]bool{
		"USE [x]\r\nGO\r\n": true, "INSERT [dbo].[t] ([a]) VALUES (1)": true, "create table t (a int)\ngo\n": true,
		"-- MySQL dump 10\nCREATE TABLE `t` (a int) ENGINE=InnoDB;\n": false, "-- PostgreSQL database dump\n": false,
		"INSERT INTO t VALUES (1);\n": false,
	} {
		require.Equal(t, want, mssqldump.Recognises([]byte(text)), text)
	}
	require.True(t, mssqldump.Connector.Fits(connectortest.WriteFile(t, "x.sql", encode("USE [x]\r\nGO\r\n", true))))
	_, err := mssqldump.Open(t.Context(), connectors.Options{DSN: connectortest.WriteFile(t, "x.sql", []byte("TAPE\x00\x00\x03"))})
	require.ErrorContains(t, err, "BACKUP DATABASE")
}

func TestOptions(t *testing.T) {
	path := connectortest.WriteFile(t, "x.sql", []byte(whole))
	connectortest.RunOptions(t, mssqldump.Connector, connectors.Options{DSN: path}, connectortest.Packed(t, map[string]connectortest.OptionValues{
		"database": {Good: []string{"x"}, Bad: []string{""}},
		"encoding": {Good: []string{"windows-1252", "iso-8859-1"}, Bad: []string{"", "utf-8", "klingon"}},
	}))
}

// FuzzScript looks for what does not end, breaks, or is not the same after a rewriting that leaves everything.
func FuzzScript(f *testing.F) {
	f.Add([]byte("CREATE TABLE [t]([a] [int] NULL)\nGO\nINSERT [t] ([a]) VALUES (1), (NULL)\nGO\n" + whole))
	f.Add(script(nil, layouts["management studio"]))
	f.Add([]byte("SET IDENTITY_INSERT t ON INSERT t VALUES (CAST(0x00 AS Date)) GO $(x) /* /* */"))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := connectortest.WriteFile(t, "x.sql", text)
		src, err := mssqldump.Open(t.Context(), connectors.Options{DSN: path, Rewrite: true, Unchecked: true})
		if err != nil {
			return
		}
		tables, err := src.Tables(t.Context())
		if err != nil {
			return
		}
		for _, table := range tables {
			_, err := src.(connectors.Rewriter).Rewrite(t.Context(), []connectors.Query{{Table: table.Name}},
				func(b connectors.Batch) (connectors.Edit, error) {
					return connectors.Edit{Ops: make([]connectors.Op, b.Rows.NumRows())}, nil
				}, func(connectors.Source) error { return nil })
			now, rerr := os.ReadFile(path)
			require.NoError(t, rerr)
			require.True(t, bytes.Equal(text, now), "%v", err)
		}
	})
}
