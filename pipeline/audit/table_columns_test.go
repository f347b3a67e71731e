package audit_test

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/audit"
)

var update = flag.Bool("update", false, "write the page of the tables anew")

// reserved are the words that DuckDB 1.5 (duckdb_keywords()) and PostgreSQL 17 (pg_get_keywords()) do not take for the
// name of a column, or only in quotes.
var reserved = strings.Fields(`all analyse analyze and anti any array as asc asof asymmetric at authorization between
bigint binary bit boolean both by case cast char character check coalesce collate collation column columns concurrently
constraint create cross current_catalog current_date current_role current_schema current_time current_timestamp
current_user dec decimal default deferrable desc describe distinct do else end except exists extract false fetch float
for foreign freeze from full generated glob grant group grouping grouping_id having ilike in initially inner inout int
integer intersect interval into is isnull join lambda lateral leading left like limit localtime localtimestamp map
national natural nchar none not notnull null nullif numeric offset on only or order out outer overlaps overlay pivot
pivot_longer pivot_wider placing position positional precision primary qualify real references returning right row
select semi session_user setof show similar smallint some struct substring summarize symmetric system_user table
tablesample then time timestamp to trailing treat trim true try_cast union unique unpack unpivot use user using values
varchar variadic verbose when where window with xmlattributes`)

// TestColumnsNeedNoQuotes and each is documented once, beside its field.
func TestColumnsNeedNoQuotes(t *testing.T) {
	plain := regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	for _, table := range audit.Tables() {
		t.Run(table.Name, func(t *testing.T) {
			require.Regexp(t, plain, table.Name)
			require.NotEmpty(t, table.Means())
			var names []string
			for _, c := range table.Columns() {
				require.Regexp(t, plain, c.Name)
				require.NotContains(t, reserved, c.Name)
				require.NotContains(t, names, c.Name)
				require.NotEmpty(t, c.Means, c.Name)
				require.NotContains(t, c.Means, "joined by", c.Name)
				names = append(names, c.Name)
			}
		})
	}
}

// TestMeaningsAreTheComments of the Go types, as the parser of Go finds them.
func TestMeaningsAreTheComments(t *testing.T) {
	found := map[string]*ast.StructType{}
	docs := map[string]string{}
	var decls []ast.Decl
	for _, name := range []string{"tables.go", "log.go", "proof.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		require.NoError(t, err)
		decls = append(decls, file.Decls...)
	}
	for _, d := range decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.TYPE {
			spec := g.Specs[0].(*ast.TypeSpec)
			if s, ok := spec.Type.(*ast.StructType); ok {
				found[spec.Name.Name], docs[spec.Name.Name] = s, strings.Join(strings.Fields(g.Doc.Text()), " ")
			}
		}
	}
	for _, table := range audit.Tables() {
		s := found[table.Row.Name()]
		require.NotNil(t, s, table.Name)
		require.Equal(t, strings.ReplaceAll(docs[table.Row.Name()], `""`, "NULL"), table.Means())
		columns := table.Columns()
		require.Len(t, columns, len(s.Fields.List))
		for i, f := range s.Fields.List {
			first := strings.Fields(f.Comment.Text())[0] // the words that follow are of rows; here NULL stands for ""
			if first != `""` && first != "joined" {
				require.Equal(t, first, strings.Fields(columns[i].Means)[0], f.Names[0].Name)
			}
		}
	}
}

// TestKindsOfColumns are those of the tags.
func TestKindsOfColumns(t *testing.T) {
	type row struct {
		Use   string  `col:"usage"`
		Due   string  `col:",date"`
		Notes string  `col:"remarks,list"`
		Seen  int64   `col:",null"`
		Rows  int64   //
		Part  float64 `col:",decimal2"`
		Ref   audit.Ref
	}
	var said []string
	for _, c := range audit.Columns(reflect.TypeFor[row]()) {
		null := ""
		if !c.Nullable {
			null = " NOT NULL"
		}
		said = append(said, c.Name+" "+c.Type()+null)
	}
	require.Equal(t, []string{"usage VARCHAR", "due DATE", "remarks VARCHAR[] NOT NULL", "seen BIGINT",
		"rows BIGINT NOT NULL", "part DECIMAL(18,2) NOT NULL", "ref BLOB NOT NULL"}, said)
	require.Panics(t, func() {
		audit.Columns(reflect.TypeFor[struct {
			A string `col:",day"`
		}]())
	})
}

func TestDaysAreNumbered(t *testing.T) {
	for day, want := range map[string]int32{"1970-01-01": 0, "1969-12-31": -1, "2026-11-23": 20780, "0000-01-01": -719528,
		"9999-12-31": 2932896} {
		n, err := audit.DayNumber(day)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	for _, none := range []string{"", "2026-02-30", "1950", "2026-11-23 01:00", "10000-01-01"} {
		_, err := audit.DayNumber(none)
		require.Error(t, err, none)
	}
}

// TestThePageOfTheTables is as the types are: `go test ./pipeline/audit -run TestThePage -update` writes it.
func TestThePageOfTheTables(t *testing.T) {
	want := audit.SchemaPage()
	if *update {
		require.NoError(t, os.WriteFile("tables.md", []byte(want), 0o644))
	}
	is, err := os.ReadFile("tables.md")
	require.NoError(t, err)
	require.Equal(t, want, string(is))
}
