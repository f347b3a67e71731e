package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/fixtures/servers"
)

// listName is the table of testdata/everything.sql that holds the customers, as Lethe names it.
const listName = `Sales. "Dept".Kunden. Liste, die dreiundsechzig Bytes lang ist, genau so viel`

// everythingPolicy governs that schema: what goes along by every ON DELETE action, what is owned, what inherits, and what is
// anonymised in fields of many types.
const everythingPolicy = `silos:
  customers:
    link_scope: silo
    records:
      - source: crm
        table: '` + listName + `'
        subject: {email: "E-Mail; (x"}
        collected: select
        block: {set: {restricted: "t"}, unset: {restricted: "f"}}
        dependents:
          - {table: orders, fk: [customer], do: delete}
          - {table: hr.calls, fk: [about], do: set_null}
          - {table: hr.cards, fk: [owner], do: delete}
        owns: [{table: hr.streets, fk: [street]}]
      - {source: crm, table: contacts, subject: {email: email}, collected: created_at}
      - {source: crm, table: vip_contacts, subject: {email: email}, collected: created_at}
    rules:
      - {purpose: club, basis: consent, max_age: P24M, end: delete, because: "membership form", owner: anna, review_by: 2027-06-01}
  staff:
    link_scope: silo
    records:
      - {source: crm, table: hr.staff, subject: {email: email}}
    rules:
      - {purpose: employment, basis: contract, start: relation_ended, period: P10Y, end: anonymize, because: "limitation period of claims", owner: anna, review_by: 2027-06-01}
    anonymize: {name: constant, email: null, iban: null, born: year, paid: null, home: null, photo: null, cv: null,
      tags: null, feel: null, spell: null, since: constant, level: constant, badge: null, shift: constant, span: null}
breakers: {max_percent: 20, no_match_percent: 20, new_source_runs: 0}
`

// everythingDumps are what pg_dump and pg_dumpall wrote the evening before, by their arguments.
var everythingDumps = map[string][]string{
	"copy.sql":    nil,
	"rows.sql":    {"--inserts"},
	"named.sql":   {"--column-inserts", "--rows-per-insert=7", "--quote-all-identifiers"},
	"root.sql.gz": {"-Z6", "--load-via-partition-root"},
	"custom.dump": {"-Fc"},
	"plain.dump":  {"-Fc", "-Z0", "--load-via-partition-root"},
	"rows.dump":   {"-Fc", "--inserts"},
	"four.tar":    {"-Ft"},
	"folder":      {"-Fd"},
	"folder-j4":   {"-Fd", "-j4", "--load-via-partition-root"},
}

// TestEverythingOnPostgres has a night over a schema of every kind of table, type, name and rule, and over its dumps in
// every format: each is restored, and what pg_dump says of it is what it says of the live database, all but the rows that
// triggers and rules of the live one write.
func TestEverythingOnPostgres(t *testing.T) {
	t.Parallel()
	own, second := servers.OwnPostgres(t), servers.OwnPostgres(t)
	schema, err := os.ReadFile("testdata/everything.sql")
	require.NoError(t, err)
	live := own.Server.Database(t)
	live.Exec(t, string(schema))
	dir := filepath.Join(t.TempDir(), "company")
	company(t, dir, 60)
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	write("crm.dsn", live.DSN())
	config, err := os.ReadFile(filepath.Join(dir, "lethe.yaml"))
	require.NoError(t, err)
	head, _, _ := strings.Cut(string(config), "silos:")
	head = strings.Replace(head, "connector: sqlite, dsn: crm.db, apply_dsn: crm.db",
		`connector: postgres, dsn: "file:crm.dsn", apply_dsn: "file:crm.dsn"`, 1)
	head = strings.Replace(head, "connector: mysqldump, path: \"backups/*.sql.gz\"", `connector: pgdump, path: "dumps/*"`, 1)
	write("lethe.yaml", head+everythingPolicy)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "dumps"), 0o700))
	lists := map[string]string{}
	for name, args := range everythingDumps {
		path := filepath.Join(dir, "dumps", name)
		live.Tool(t, "pg_dump", append([]string{"--dbname=DSN", "--file=" + path}, args...)...)
		if !strings.Contains(name, ".sql") {
			lists[name] = listed(t, live, path)
		}
	}
	write("pass", "*:*:*:*:"+own.Server.Password) // pg_dumpall does not hand the password of a URL on
	live.Tool(t, "pg_dumpall", "--dbname=DSN&passfile="+filepath.Join(dir, "pass"), "--file="+filepath.Join(dir, "dumps", "cluster.sql"))

	out, err := lethe(dir, nil, "check")
	require.NoError(t, err, out)
	for _, said := range []string{"source crm: 12 tables, 4 governed, may be changed", "60 large objects", "trigger guard on table contacts",
		`until REFRESH MATERIALIZED VIEW "kept"`, "trigger watch; it on table hr.calls", "trigger late on table hr.cards"} {
		require.Contains(t, out, said)
	}
	out, err = lethe(dir, nil, "run", "--apply")
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit, out)
	require.Equal(t, 5, exit.ExitCode(), out)
	approve(t, dir)
	out, err = lethe(dir, nil, "run", "--apply", "--again")
	require.NoError(t, err, out)
	for name := range everythingDumps {
		require.Contains(t, out, "crm-dumps/"+name)
	}
	finish(t, dir)

	require.Equal(t, "48", live.Query(t, "SELECT count(*) FROM people"))
	require.Equal(t, "IT\t\tanonymized\t1960-01-01\t0\t00:00:00", live.Query(t, "SELECT land, email, name, born, level, shift FROM "+
		"hr.staff WHERE num_nulls(iban, paid, home, photo, cv, tags, feel, spell, badge, span) = 10 AND since < '1971-01-01'"))
	want := withoutTrail(live.Dump(t))
	for name := range everythingDumps {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, "dumps", name)
			restored := second.Server.Database(t)
			if strings.Contains(name, ".sql") {
				text, err := os.ReadFile(path)
				require.NoError(t, err)
				if strings.HasSuffix(name, ".gz") {
					text = []byte(expand(t, text))
				}
				restored.Exec(t, string(text))
			} else {
				require.Equal(t, lists[name], listed(t, live, path))
				restored.Tool(t, "pg_restore", append([]string{"--dbname=DSN", "--exit-on-error", path}, jobsOf(path)...)...)
			}
			require.Equal(t, want, withoutTrail(restored.Dump(t)))
		})
	}
	t.Run("cluster.sql", func(t *testing.T) {
		text, err := os.ReadFile(filepath.Join(dir, "dumps", "cluster.sql"))
		require.NoError(t, err)
		second.Exec(t, strings.Replace(string(text), "CREATE ROLE postgres;", "", 1))
		restored := &servers.Database{Server: second.Server, Name: live.Name}
		require.Equal(t, want, withoutTrail(restored.Dump(t)))
	})
}

// listed is the table of contents of an archive, but for the time it was made.
func listed(t *testing.T, db *servers.Database, path string) string {
	return string(db.Tool(t, "pg_restore", "--list", path))
}

// withoutTrail is what pg_dump says of a database, but for the order of its rows, what is written by triggers, and the random
// words around it.
func withoutTrail(dump []byte) (lines []string) {
	skip := false
	for line := range strings.Lines(string(dump)) {
		if strings.HasPrefix(line, "COPY hr.trail ") || strings.Contains(line, "'hr.trail_id_seq'") {
			skip = true
		}
		if !skip && !strings.HasPrefix(line, `\restrict`) && !strings.HasPrefix(line, `\unrestrict`) {
			lines = append(lines, line)
		}
		skip = skip && line != "\\.\n" && !strings.HasSuffix(line, ";\n") || strings.HasPrefix(line, "COPY hr.trail ")
	}
	slices.Sort(lines)
	return lines
}
