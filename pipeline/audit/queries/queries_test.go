package queries

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/audit"
)

// TestEveryQueryCanBeAsked of tables that there are, in one statement, under a code that no other has.
func TestEveryQueryCanBeAsked(t *testing.T) {
	last := 0
	for _, q := range All() {
		t.Run(q.Code, func(t *testing.T) {
			n, err := strconv.Atoi(strings.TrimPrefix(q.Code, "q"))
			require.NoError(t, err)
			require.Greater(t, n, last)
			last = n
			require.NotEmpty(t, q.Title)
			require.False(t, strings.HasSuffix(q.Title, "."))
			require.True(t, strings.HasPrefix(q.SQL, "SELECT "), q.SQL)
			require.Equal(t, len(q.SQL)-1, strings.Index(q.SQL, ";"), "one statement")
			require.NotEmpty(t, q.Tables())
			require.Subset(t, audit.TableNames(), q.Tables())
			found, ok := Find(q.Code)
			require.True(t, ok)
			require.Equal(t, q, found)
		})
	}
	require.NotZero(t, last)
	_, ok := Find("q")
	require.False(t, ok)
}

// TestEveryColumnIsThere holds the names in each query against the tables that it reads: every column of them is one that
// the table has, or one that the query makes itself. What a query yields is looked at in DuckDB (make readers).
func TestEveryColumnIsThere(t *testing.T) {
	columns := map[string][]string{}
	for _, table := range audit.AllTables() {
		columns[table.Name] = []string{"table", "date", "run"} // of the folders
		for _, c := range table.Columns() {
			columns[table.Name] = append(columns[table.Name], c.Name)
		}
	}
	quoted, called := regexp.MustCompile(`'[^']*'`), regexp.MustCompile(`[a-z_0-9]+\(`)
	made := regexp.MustCompile(`\bAS "?([a-z_0-9]+)|\bRECURSIVE ([a-z_0-9]+)`)
	read := regexp.MustCompile(`\b(?:FROM|JOIN) ([a-z_]+)(?: ([a-z]+)\b)?`)
	names := regexp.MustCompile(`(?:\b([a-z]+)\.)?"?\b([a-z_0-9]+)\b`)
	looked := 0
	for _, q := range All() {
		t.Run(q.Code, func(t *testing.T) {
			require.Equal(t, strings.Count(q.SQL, "("), strings.Count(q.SQL, ")"))
			require.Zero(t, strings.Count(q.SQL, "'")%2)
			sql := called.ReplaceAllString(quoted.ReplaceAllString(regexp.MustCompile(`--.*`).ReplaceAllString(q.SQL, ""), " "), "(")
			own, from := map[string]bool{}, map[string]string{}
			for _, m := range made.FindAllStringSubmatch(sql, -1) {
				own[m[1]+m[2]] = true
			}
			for _, m := range read.FindAllStringSubmatch(sql, -1) {
				from[m[1]], from[m[2]] = m[1], m[1]
			}
			for _, m := range names.FindAllStringSubmatch(sql, -1) {
				alias, name := m[1], m[2]
				switch {
				case regexp.MustCompile(`^[0-9]+$`).MatchString(name), alias == "" && (own[name] || from[name] != ""):
					continue
				case alias != "" && len(columns[from[alias]]) > 0:
					require.Contains(t, columns[from[alias]], name, "%s.%s", alias, name)
				case alias != "":
					require.True(t, own[from[alias]] || own[name], "%s.%s", alias, name)
				default:
					require.True(t, slices.ContainsFunc(q.Tables(), func(table string) bool {
						return slices.Contains(columns[table], name)
					}), "no table of %v has %s", q.Tables(), name)
				}
				looked++
			}
		})
	}
	require.Greater(t, looked, 300)
}

// TestAFolderIsQuoted whatever its name is.
func TestAFolderIsQuoted(t *testing.T) {
	q, _ := Find("q30")
	require.Contains(t, q.Prelude("o'neil/reports", "2026-11-23"),
		"read_parquet('o''neil/reports/table=runs/**/*.parquet'")
}
