package mysqldump_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/fixtures/servers"
)

// folderSQL is what a folder of files finds hard: names, character sets, generated fields, octets, texts like the signs
// that the rows are written with.
const folderSQL = `
CREATE TABLE people (id int PRIMARY KEY, email varchar(80), name varchar(40) CHARACTER SET latin1, kana varchar(40)
  CHARACTER SET cp1251, note text, b blob, bits bit(9), d decimal(8,2), dt datetime(3), j json,
  g varchar(90) GENERATED ALWAYS AS (concat(email, 'x')) STORED) DEFAULT CHARSET=utf8mb4;
INSERT INTO people (id, email, name, kana, note, b, bits, d, dt, j) VALUES
  (1, 'a@example.org', 'Müller €', 'Жук', 'tab\there\nline \\ back "q" ''s'' , ; 😀\r\n\0\Z', x'00ff0a0d1a5c2709222c3b', b'101010101',
    -1.50, '2024-02-29 01:02:03.5', '{"a": "b"}'),
  (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), (3, '', '', '', 'NULL', '', b'0', 0, '0000-00-00', '[]'),
  (4, '\\N', 'N', '\\', '\\\\', '\\N', b'1', 99.99, '2024-01-01', 'null'), (5, 'ann@example.org', 'Ann', '', '', '', b'0', 1, NULL, '1');
CREATE TABLE ` + "`odd.ta ble`" + ` (` + "`k,ey`" + ` varchar(10) PRIMARY KEY, v int, h int INVISIBLE DEFAULT 3);
INSERT INTO ` + "`odd.ta ble`" + ` VALUES ('a', 1), ('b', NULL);
CREATE TABLE empty_one (a int);
CREATE VIEW vw AS SELECT id FROM people;
CREATE TRIGGER tr BEFORE DELETE ON people FOR EACH ROW INSERT INTO empty_one VALUES (1);
CREATE TABLE hist (id int PRIMARY KEY, email varchar(20)) WITH SYSTEM VERSIONING;
INSERT INTO hist VALUES (1, 'old@example.org');
UPDATE hist SET email = 'new@example.org';
CREATE TABLE many (id int PRIMARY KEY, txt varchar(100));
INSERT INTO many SELECT seq, concat('row ', seq, ' it''s ''quoted'' \\', repeat('x', seq % 50)) FROM seq_1_to_3000;
`

// tabOf makes a folder of mariadb-dump --tab.
func tabOf(t *testing.T, db *servers.Database, args ...string) string {
	path := filepath.Join(t.TempDir(), "tab")
	require.NoError(t, os.Mkdir(path, 0o700))
	db.Dump(t, append([]string{"--tab=" + path}, args...)...)
	return path
}

// restoreTab loads a folder of --tab as mariadb-import does.
func restoreTab(t *testing.T, path string, into *servers.Database, how string) {
	texts, err := filepath.Glob(filepath.Join(path, "*.sql"))
	require.NoError(t, err)
	for _, name := range texts {
		sql, err := os.ReadFile(name)
		require.NoError(t, err)
		head, _, _ := strings.Cut(string(sql), "-- Dump completed") // before the triggers
		into.Exec(t, head)
		table, how := "?", how
		for line := range strings.Lines(head) {
			if rest, ok := strings.CutPrefix(line, "CREATE TABLE "); ok {
				table, _, _ = strings.Cut(rest, " (\n")
			}
		}
		if text := strings.TrimSuffix(name, ".sql") + ".txt"; table != "?" && fileExists(text) {
			if strings.Contains(head, "INVISIBLE") {
				how += " (`k,ey`, v, h)" // of which mariadb-import would not know
			}
			into.Exec(t, "SET sql_mode = ''; LOAD DATA INFILE '"+text+"' INTO TABLE "+table+" "+how)
		}
	}
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// changeFolder deletes, changes and leaves rows of a folder.
func changeFolder(t *testing.T, src connectors.Source) connectors.RewriteReport {
	report, err := src.(connectors.Rewriter).Rewrite(t.Context(), []connectors.Query{
		{Table: "people", Fields: []string{"id"}}, {Table: "many", Fields: []string{"id"}}},
		func(b connectors.Batch) (connectors.Edit, error) {
			n := int(b.Rows.NumRows())
			edit := connectors.Edit{Ops: make([]connectors.Op, n)}
			update := make([]bool, n)
			var email, note, octets, none, bits connectors.Column
			for i := range n {
				id := string(valueAt(b, 0, i))
				switch {
				case b.Table == "many" && len(id)%2 == 0, b.Table == "people" && (id == "2" || id == "5"):
					edit.Ops[i] = connectors.Delete
				case b.Table == "people" && (id == "1" || id == "4"):
					edit.Ops[i], update[i] = connectors.Update, true
				}
				email.Append([]byte("gone-" + id))
				note.Append([]byte("new \t\"x\" 'y' , ; \\ \n\r\n\x00 😀"))
				octets.Append([]byte{0, 255, '\\', '"', '\t', '\n', ','})
				bits.Append([]byte("000000011"))
				none.AppendNull()
			}
			if b.Table == "people" {
				edit.Set = []connectors.Assignment{{Field: "email", Rows: update, Values: email.Array()},
					{Field: "note", Rows: update, Values: note.Array()}, {Field: "b", Rows: update, Values: octets.Array()},
					{Field: "bits", Rows: update, Values: bits.Array()}, {Field: "kana", Rows: update, Values: none.Array()}}
			}
			return edit, nil
		}, func(written connectors.Source) error {
			found := contents(t, written, []connectors.Table{{Name: "people"}, {Name: "many"}})
			require.Len(t, found["people"], 3)
			return nil
		})
	require.NoError(t, err)
	require.Equal(t, []connectors.RewriteCount{{Table: "many", Read: 3000, Left: 909, Deleted: 2091},
		{Table: "people", Read: 5, Left: 1, Updated: 2, Deleted: 2}}, report.Tables)
	return report
}

// hashes are the bytes of the files of a folder.
func hashes(t *testing.T, path string) map[string]string {
	entries, err := os.ReadDir(path)
	require.NoError(t, err)
	found := map[string]string{}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(path, e.Name()))
		require.NoError(t, err)
		found[e.Name()] = string(b)
	}
	return found
}

// TestTab reads, rewrites and restores folders of --tab.
func TestTab(t *testing.T) {
	server := servers.MariaDB(t)
	db := server.Database(t)
	db.Exec(t, "SET sql_mode = '';"+folderSQL)
	source, catalog := live(t, db)
	want := contents(t, source, catalog)
	for _, tc := range []struct {
		args  []string
		how   string // LOAD DATA must be told
		extra map[string]string
	}{
		{args: []string{"--default-character-set=binary"}, how: "CHARACTER SET binary"},
		{args: []string{"--default-character-set=binary", "--fields-terminated-by=,", `--fields-enclosed-by="`,
			`--lines-terminated-by=\r\n`}, how: `CHARACTER SET binary FIELDS TERMINATED BY ',' ENCLOSED BY '"' LINES ` +
			`TERMINATED BY '\r\n'`, extra: map[string]string{"fields_terminated_by": ",", "fields_enclosed_by": `"`,
			"lines_terminated_by": `\r\n`}},
		{args: []string{"--default-character-set=binary", "--fields-terminated-by=;", `--fields-optionally-enclosed-by='`,
			`--fields-escaped-by=#`}, how: `CHARACTER SET binary FIELDS TERMINATED BY ';' OPTIONALLY ENCLOSED BY '\'' ` +
			`ESCAPED BY '#'`, extra: map[string]string{"fields_terminated_by": ";", "fields_enclosed_by": `'`,
			"fields_escaped_by": "#"}},
		{args: []string{"--default-character-set=binary", "--fields-terminated-by=||", `--lines-terminated-by=END\n`},
			how:   `CHARACTER SET binary FIELDS TERMINATED BY '||' LINES TERMINATED BY 'END\n'`,
			extra: map[string]string{"fields_terminated_by": "||", "lines_terminated_by": `END\n`}},
		{args: []string{"--default-character-set=binary", "--header"}}, // of which no BIT can be loaded
	} {
		t.Run(strings.Join(tc.args[1:], " "), func(t *testing.T) {
			path := tabOf(t, db, tc.args...)
			before := hashes(t, path)
			src := open(t, path, connectors.Options{Rewrite: true, Extra: tc.extra})
			tables, err := src.Tables(t.Context())
			require.NoError(t, err)
			requireSameCatalog(t, catalog, tables, true)
			require.Equal(t, want, contents(t, src, tables))

			report := changeFolder(t, src)
			require.NotEqual(t, report.Before, report.After)
			after := hashes(t, path)
			for name := range before {
				if name != "people.txt" && name != "many.txt" {
					require.Equal(t, before[name], after[name], name)
				}
			}
			require.Contains(t, after["many.txt"], "row 1 it")
			read := contents(t, src, tables)
			require.Contains(t, strings.Join(read["people"], "\n"), `bits="000000011"`)
			require.NotContains(t, fmt.Sprint(after), "ann@example.org")
			if tc.how == "" {
				return
			}
			restored := server.Database(t)
			restoreTab(t, path, restored, tc.how)
			again, catalog := live(t, restored)
			found := contents(t, again, catalog)
			for _, row := range found["people"] {
				if strings.Contains(row, `id="1"`) {
					require.Contains(t, row, `g="gone-1x"`)
					require.Contains(t, row, `note="new \t\"x\" 'y' , ; \\ \n\r\n\x00 😀"`)
					require.Contains(t, row, `b="\x00\xff\\\"\t\n,"`)
					require.Contains(t, row, `bits="000000011"`)
				}
			}
			require.Equal(t, generatedAside(read), generatedAside(found))
		})
	}
}

// generatedAside leaves out what the server computes anew.
func generatedAside(rows map[string][]string) map[string][]string {
	for i, row := range rows["people"] {
		rows["people"][i], _, _ = strings.Cut(row, " g=")
	}
	return rows
}

// withInvisible adds what SELECT * leaves out.
func withInvisible(t *testing.T, rows map[string][]string) map[string][]string {
	for i, row := range rows["odd.ta ble"] {
		rows["odd.ta ble"][i] = strings.Replace(row, "h=NULL", `h="3"`, 1)
	}
	return rows
}

// mydumperOf makes a folder of mydumper.
func mydumperOf(t *testing.T, db *servers.Database, args ...string) string {
	path := filepath.Join(t.TempDir(), "dump")
	tool(t, db, mydumperPath("mydumper"), append([]string{"--database=" + db.Name, "--outputdir=" + path}, args...)...)
	return path
}

// mydumperPath is a program of mydumper: those of Debian, or those of another version in the folder LETHE_TEST_MYDUMPER.
// Further options are tried then: LETHE_TEST_MYDUMPER_MORE has them, with a bar between.
func mydumperPath(name string) string { return filepath.Join(os.Getenv("LETHE_TEST_MYDUMPER"), name) }

// tool runs mydumper or myloader on a server.
func tool(t *testing.T, db *servers.Database, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, append([]string{"--host=localhost", "--socket=" + db.Server.Socket, "--user=" + db.Server.User,
		"--password=" + db.Server.Password}, args...)...)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// TestMydumper reads, rewrites and restores folders of mydumper.
func TestMydumper(t *testing.T) {
	server := servers.MariaDB(t)
	db := server.Database(t)
	db.Exec(t, "SET sql_mode = '';"+folderSQL)
	source, catalog := live(t, db)
	want := contents(t, source, catalog)
	for _, args := range [][]string{{"-G"}, {"-c"}, {"-r", "500", "--complete-insert"}, {"-F", "1"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			requireMydumper(t, server, db, want, catalog, args...)
		})
	}
	for args := range strings.SplitSeq(os.Getenv("LETHE_TEST_MYDUMPER_MORE"), "|") {
		t.Run(args, func(t *testing.T) { requireMydumper(t, server, db, want, catalog, strings.Fields(args)...) })
	}
}

func requireMydumper(t *testing.T, server *servers.Server, db *servers.Database, want map[string][]string,
	catalog []connectors.Table, args ...string) {
	path := mydumperOf(t, db, args...)
	src := open(t, path, connectors.Options{Rewrite: true})
	tables, err := src.Tables(t.Context())
	require.NoError(t, err)
	requireSameCatalog(t, catalog, tables, true)
	require.Equal(t, generatedAside(cloned(want)), generatedAside(withInvisible(t, contents(t, src, tables))))

	before := hashes(t, path)
	changeFolder(t, src)
	after := hashes(t, path)
	for name := range before {
		if !strings.Contains(name, ".people.") && !strings.Contains(name, ".many.") && name != "metadata" {
			require.Equal(t, before[name], after[name], name)
		}
	}
	read := contents(t, src, tables)
	restored := server.Database(t)
	// several threads may lock rows so that one of them is thrown out
	tool(t, restored, mydumperPath("myloader"), "--threads=1", "--directory="+path, "--database="+restored.Name)
	again, catalog := live(t, restored)
	found := contents(t, again, catalog)
	require.Contains(t, strings.Join(found["people"], "\n"), `g="gone-1x"`)
	require.Equal(t, generatedAside(withInvisible(t, read)), generatedAside(found))
}

func cloned(rows map[string][]string) map[string][]string {
	out := map[string][]string{}
	for name, list := range rows {
		out[name] = slices.Clone(list)
	}
	return out
}

func valueAt(b connectors.Batch, col, row int) []byte {
	return b.Rows.Column(col).(*array.Binary).Value(row)
}
