// Package queries has the SQL behind the numbers of a night's page. Its noun is Query: a code, such as q1, that stands
// beside numbers on the page, what it asks in a few words, and its SQL for DuckDB over the tables of a reports folder.
package queries

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Query is what yields the numbers beside which its code stands.
type Query struct {
	Code  string // q1; a code keeps its meaning for ever
	Title string // what it asks, in English, without a full stop
	SQL   string // one statement, over views of the tables and the variable night
}

//go:embed queries.sql
var catalogue string

var (
	head = regexp.MustCompile(`(?m)^-- (q[0-9]+): (.+)$`)
	from = regexp.MustCompile(`\b(?:FROM|JOIN) ([a-z_]+)\b`)
	with = regexp.MustCompile(`\bRECURSIVE ([a-z_]+) AS\b`)
)

// All returns the queries in the order of their codes.
func All() []Query {
	places := head.FindAllStringSubmatchIndex(catalogue, -1)
	list := make([]Query, len(places))
	for i, at := range places {
		end := len(catalogue)
		if i+1 < len(places) {
			end = places[i+1][0]
		}
		list[i] = Query{Code: catalogue[at[2]:at[3]], Title: catalogue[at[4]:at[5]],
			SQL: strings.TrimSpace(catalogue[at[1]:end])}
	}
	return list
}

// Find returns the query with a code.
func Find(code string) (Query, bool) {
	all := All()
	i := slices.IndexFunc(all, func(q Query) bool { return q.Code == code })
	if i < 0 {
		return Query{}, false
	}
	return all[i], true
}

// Tables are those that the query reads, each once.
func (q Query) Tables() (names []string) {
	for _, m := range from.FindAllStringSubmatch(q.SQL, -1) {
		if own := with.FindStringSubmatch(q.SQL); own != nil && own[1] == m[1] {
			continue // the query makes it itself
		}
		if !slices.Contains(names, m[1]) {
			names = append(names, m[1])
		}
	}
	return names
}

// Prelude is what a query needs to have been said before: the night, a civil date YYYY-MM-DD, and a view of each table
// that it reads in the reports folder. Of a day with several runs the views keep what the last left that decided or
// applied something, as it goes on from those before; of actions all, each of which only the run has that settled it,
// and of decisions, whose lists go on from each other.
func (q Query) Prelude(reports, night string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "SET VARIABLE night = DATE %s;\n", quoted(night))
	fmt.Fprintf(&b, "CREATE VIEW nights AS SELECT max(run_id) AS run FROM %s\n"+
		"  WHERE phases IN ('night', 'plan', 'apply') GROUP BY date;\n", parquet(reports, "runs"))
	for _, table := range q.Tables() {
		only := " WHERE run IN (FROM nights)"
		if table == "actions" || table == "decisions" || table == "runs" {
			only = ""
		}
		fmt.Fprintf(&b, "CREATE VIEW %s AS FROM %s%s;\n", table, parquet(reports, table), only)
	}
	return b.String()
}

// parquet reads all nights of a table. What an earlier version wrote may lack columns.
func parquet(reports, table string) string {
	return "read_parquet(" + quoted(reports+"/table="+table+"/**/*.parquet") +
		",\n  hive_partitioning = true, union_by_name = true)"
}

// quoted is a text in SQL.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
