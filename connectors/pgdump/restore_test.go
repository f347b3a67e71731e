package pgdump_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/connectortest"
	"lethe/fixtures/servers"
)

// edits are made in the file by a rewrite, and in the live database by SQL: by table, and the value of the first field.
var edits = map[string]change{
	"types": {"2": "-", "1": "v=new\t\\ 'q' ü&tz=2020-01-02 03:04:05&raw=\x00\xff&texts={a,\"b c\"}&docb={\"k\": " +
		"1}&b=f&n=1.5&" +
		"bits=000000000&feel=happy&u=00000000-0000-0000-0000-000000000001&mail~&more=1&ts=infinity"},
	"shop.customer": {"51": "-", "52": "email~", "53": "email=x@example.org&code=\\N", "500": "-"},
	"log":           {"2023-05-05 12:00:00": "-", "2024-05-05 23:30:00": "line=a\nb"},
	"latin":         {"2": "word=Ärger"},
	"child":         {"2": "-", "3": "extra=."},
}

const liveEdits = `SET session_replication_role = replica; SET timezone = 'UTC';
DELETE FROM types WHERE id = 2;
UPDATE types SET v = E'new\t\\ ''q'' ü', tz = '2020-01-02 03:04:05', raw = '\x00ff', texts = '{a,"b c"}',
  docb = '{"k": 1}',
  b = false, n = 1.5, bits = B'000000000', feel = 'happy', u = '00000000-0000-0000-0000-000000000001', mail = NULL,
  more = B'1', ts = 'infinity' WHERE id = 1;
DELETE FROM shop.customer WHERE "Id" IN (51, 500);
UPDATE shop.customer SET email = NULL WHERE "Id" = 52;
UPDATE shop.customer SET email = 'x@example.org', code = '\N' WHERE "Id" = 53;
DELETE FROM log WHERE line = 'old'; UPDATE log SET line = E'a\nb' WHERE line = 'new';
UPDATE latin SET word = 'Ärger' WHERE id = 2;
DELETE FROM ONLY child WHERE id = 2; UPDATE ONLY child SET extra = '.' WHERE id = 3;`

// editAll makes the edits, table by table.
func editAll(b connectors.Batch) (connectors.Edit, error) {
	if edits[b.Table] == nil {
		return connectors.Edit{}, nil
	}
	return edits[b.Table].edit(b)
}

// everyTable asks for all tables of a source.
func everyTable(t testing.TB, src connectors.Source) (queries []connectors.Query) {
	tables, err := src.Tables(t.Context())
	require.NoError(t, err)
	for _, table := range tables {
		queries = append(queries, connectors.Query{Table: table.Name})
	}
	return queries
}

// dumped is what pg_dump says of a database, but for the order of its rows.
func dumped(t testing.TB, db *servers.Database) (lines []string) {
	for line := range strings.Lines(string(db.Dump(t))) {
		if !strings.HasPrefix(line, `\restrict`) && !strings.HasPrefix(line, `\unrestrict`) {
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return lines
}

// A dump that was written anew is restored, and equal to the live database under the same edits.
func TestServerRestores(t *testing.T) {
	live := servers.Postgres(t).Database(t)
	live.Exec(t, schemaSQL)
	ways := []string{"", "--inserts", "--column-inserts", "--rows-per-insert=7", "--quote-all-identifiers " +
		"--disable-triggers",
		"--load-via-partition-root", "--rows-per-insert=3 --quote-all-identifiers --on-conflict-do-nothing"}
	texts := map[string][]byte{}
	for _, args := range ways {
		texts[args] = live.Dump(t, strings.Fields(args)...)
	}
	live.Exec(t, liveEdits)
	want := dumped(t, live)
	for _, args := range ways {
		t.Run(args, func(t *testing.T) {
			path := connectortest.WriteFile(t, "x.sql", texts[args])
			src := open(t, path, connectors.Options{Rewrite: true})
			report, err := src.(connectors.Rewriter).Rewrite(t.Context(), everyTable(t, src), editAll, fine)
			require.NoError(t, err)
			var deleted, updated int64
			for _, count := range report.Tables {
				deleted += count.Deleted
				updated += count.Updated
			}
			require.EqualValues(t, 5, deleted)
			require.EqualValues(t, 6, updated)
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			restored := servers.Postgres(t).Database(t)
			restored.Exec(t, string(text))
			require.Equal(t, want, dumped(t, restored))
			again := open(t, path, connectors.Options{Rewrite: true})
			report, err = again.(connectors.Rewriter).Rewrite(t.Context(), everyTable(t, again), editAll, fine)
			require.NoError(t, err)
			require.Equal(t, report.Before, report.After, "all is as the edits say")
		})
	}
}
