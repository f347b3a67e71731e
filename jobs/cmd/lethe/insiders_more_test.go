package main_test

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/stretchr/testify/require"
)

// harmless is what nobody has to name, since the night is as it would have been.
const harmless = "unseen"

// inTheDark change what the journal keeps beside plans and answers, and what the registry keeps of nights.
func inTheDark() []insider {
	journal := func(statement string) func(w *inside) { return func(w *inside) { w.journal(statement) } }
	return []insider{
		{"says that a night began later", journal("UPDATE run SET started_at = '2026-12-21T23:00:00.000000000Z' " +
			"WHERE started_at = (SELECT max(started_at) FROM run)"), ""},
		{"says that the last night failed", journal("UPDATE run SET exit_code = 3 WHERE started_at = (SELECT " +
			"max(started_at) FROM run)"), ""},
		{"takes away what the last night found", journal("UPDATE run SET facts = NULL WHERE started_at = (SELECT " +
			"max(started_at) FROM run)"), ""},
		{"takes the seals of the journal away", journal("DELETE FROM seals"), ""},
		{"takes the seals of the journal away and writes into it", func(w *inside) {
			w.journal("DROP TABLE seals; ALTER TABLE plan DROP COLUMN seal; UPDATE plan SET state = 'approved' WHERE " +
				"plan_id = '" + w.plan("half") + "'")
		}, ""},
		{"lets the journal forget each chunk as it is written", journal("CREATE TRIGGER forget AFTER INSERT ON chunk " +
			"BEGIN DELETE FROM chunk WHERE id = NEW.id; END"), ""},
		{"lets the journal refuse each row by itself", journal("CREATE TRIGGER refuse AFTER UPDATE OF outcome ON chunk " +
			"BEGIN UPDATE refusal SET next_try = '9999-01-01T00:00:00.000000000Z'; END"), ""},
		{"calls the journal by another name", journal("UPDATE self SET id = 'other'"), ""},
		{"ends what a plan would do and says it was settled", func(w *inside) {
			w.journal("INSERT INTO chunk (run_id, plan_id, grp, first, rows, intent_at, outcome, settled_at, seal) SELECT run_id, '" +
				w.plan("approved") + "', grp, first, rows, intent_at, outcome, settled_at, seal FROM chunk ORDER BY id LIMIT 1")
		}, ""},
		{"takes away every answer that no night saw", func(w *inside) {
			last := w.answer("approved", "approve")
			w.journal("DELETE FROM answer WHERE seq >= " + last)
			for _, name := range w.answerFiles() {
				if number := strings.TrimLeft(strings.TrimSuffix(filepath.Base(name), ".json"), "0"); len(number) > len(last) ||
					len(number) == len(last) && number >= last {
					require.NoError(w, os.Remove(name))
				}
			}
		}, ""},
		{"takes an answer that no night saw away, and what the journal says of it", func(w *inside) {
			last := w.answer("approved", "approve")
			w.journal("DELETE FROM answer WHERE seq >= " + last + "; UPDATE answered SET seq = " + last + " - 1")
			for _, name := range w.answerFiles() {
				if number := strings.TrimLeft(strings.TrimSuffix(filepath.Base(name), ".json"), "0"); len(number) > len(last) ||
					len(number) == len(last) && number >= last {
					require.NoError(w, os.Remove(name))
				}
			}
		}, ""},
		{"puts journal and reports back as they were the day before", func(w *inside) {
			w.restore("first", "journal.db")
			for _, night := range w.nights()[1:] {
				run := strings.TrimPrefix(filepath.Base(night), "run=")
				found, err := filepath.Glob(w.path("var/reports/*/date=*/run=" + run))
				require.NoError(w, err)
				for _, path := range found {
					require.NoError(w, os.RemoveAll(path))
				}
			}
		}, ""},
		{"lets the registry say that another journal remembers", func(w *inside) {
			w.registry("UPDATE meta SET value = 'other' WHERE name = 'remembered_by'")
		}, ""},
		{"begins with new state and reports, and lets the registry know them", func(w *inside) {
			w.remove("var/state", "var/reports", "var/keys/plan")
			w.lethe("status")
			w.lethe("run")
			w.registry("UPDATE meta SET value = '" + w.ask("var/state/journal.db", "SELECT id FROM self") +
				"' WHERE name = 'remembered_by'")
		}, ""},
		{"lets the registry be one of an earlier build", func(w *inside) {
			w.registry("UPDATE meta SET value = '3' WHERE name = 'schema'")
		}, ""},
		{"lets the registry forget each refusal that it is told", func(w *inside) {
			w.registry("CREATE TRIGGER lose AFTER INSERT ON flag BEGIN DELETE FROM flag WHERE record_ref = NEW.record_ref; END")
		}, ""},
	}
}

// inArguments change how the night is called: a crontab, an environment.
func inArguments() []insider {
	with := func(args ...string) func(w *inside) { return func(w *inside) { w.with = args } }
	env := func(env ...string) func(w *inside) { return func(w *inside) { w.env = env } }
	return []insider{
		{"lets the night change nothing", with("--apply=false"), ""},
		{"ends the night's window before it begins", with("--until", "00:01"), ""},
		{"lets the night be of a day long ago", with("--as-of", "2026-11-25"), ""},
		{"lets the night be of a day to come", with("--as-of", "2027-09-20"), ""},
		{"lets the night have another configuration", func(w *inside) {
			w.write("other.yaml", strings.Replace(w.read("lethe.yaml"), "max_rows: 20", "max_rows: 1", 1))
			w.with = []string{"--config", "other.yaml"}
		}, ""},
		{"moves the machine to another zone", env("TZ=Pacific/Kiritimati"), harmless},
		{"moves the home and temporary folders", func(w *inside) {
			w.write("tmp/x", "")
			w.env = []string{"HOME=" + w.path("tmp"), "TMPDIR=" + w.path("tmp"), "XDG_CACHE_HOME=" + w.path("tmp")}
		}, harmless},
	}
}

// inFiles change files and folders by what the system lets root do with them.
func inFiles() []insider {
	return []insider{
		{"leads a backup to a copy elsewhere", func(w *inside) {
			w.write("else/leads.sql", w.read("backups/leads.sql"))
			w.remove("backups/leads.sql")
			require.NoError(w, os.Symlink(w.path("else/leads.sql"), w.path("backups/leads.sql")))
		}, harmless}, // the copy is what is rewritten
		{"keeps a second name of a backup", func(w *inside) {
			require.NoError(w, os.MkdirAll(w.path("else"), 0o700))
			require.NoError(w, os.Link(w.path("backups/leads.sql"), w.path("else/leads.sql")))
		}, ""},
		{"moves a backup into a folder below", func(w *inside) {
			require.NoError(w, os.MkdirAll(w.path("backups/below"), 0o700))
			require.NoError(w, os.Rename(w.path("backups/leads.sql"), w.path("backups/below/leads.sql")))
		}, ""},
		{"moves the folder of backups away", func(w *inside) {
			require.NoError(w, os.Rename(w.path("backups"), w.path("else")))
		}, ""},
		{"moves a backup away and puts another in its place", func(w *inside) {
			w.write("else/leads.sql", w.read("backups/leads.sql"))
			require.NoError(w, os.Rename(w.path("backups/leads.sql"), w.path("backups/leads-2026-12-20.sql")))
			w.write("backups/leads-2026-12-20.sql", strings.Replace(w.read("else/leads.sql"), "(1,'l1@example.org'", "(1,'z1@example.org'", 1))
		}, ""},
		{"puts an empty backup in the place of one", func(w *inside) {
			config := w.read("backups/leads.sql")
			from := strings.Index(config, "INSERT INTO")
			w.write("else/leads.sql", config)
			w.write("backups/leads.sql", config[:from]+"-- Dump completed on 2026-11-19  3:00:00\n")
		}, ""},
		{"packs a backup so that nothing matches it", func(w *inside) {
			w.write("backups/leads.sql.old", w.read("backups/leads.sql"))
			w.remove("backups/leads.sql")
		}, ""},
		{"calls backups old", func(w *inside) {
			old := "2024-01-01T03:00:00Z"
			require.NoError(w, os.Rename(w.path("backups/leads.sql"), w.path("backups/leads-"+old[:10]+".sql")))
		}, ""},
		{"lets others read the identity of the keystore", func(w *inside) {
			require.NoError(w, os.Chmod(w.path("var/lethe.age"), 0o644))
		}, ""},
		{"lets others read the keys of silos", func(w *inside) {
			require.NoError(w, os.Chmod(w.one("var/keys/silo/leads*"), 0o644))
		}, ""},
		{"puts the key of a plan that ended back", func(w *inside) {
			found, err := filepath.Glob(w.path("var/keys/destroyed/plan/*.json"))
			require.NoError(w, err)
			require.NotEmpty(w, found)
			id := strings.TrimSuffix(filepath.Base(found[0]), ".json")
			w.write("var/keys/plan/"+id+".age", w.read("var/keys/plan/"+w.plan("approved")+".age"))
		}, harmless}, // what the folder destroyed says is gone is destroyed again
		{"makes the state folder a link to another place", func(w *inside) {
			require.NoError(w, os.Rename(w.path("var/state"), w.path("moved")))
			require.NoError(w, os.Symlink(w.path("moved"), w.path("var/state")))
		}, harmless},
		{"edits a sealed plan", func(w *inside) {
			w.edit("var/state/plans/"+w.plan("approved")+"/plan.json", `"part": "destructive"`, `"part": "reversible"`)
		}, ""},
		{"edits the policy that people adopted", func(w *inside) {
			found, err := filepath.Glob(w.path("var/state/policies/*"))
			require.NoError(w, err)
			require.NotEmpty(w, found)
			text, err := os.ReadFile(found[0])
			require.NoError(w, err)
			require.NoError(w, os.WriteFile(found[0], []byte(strings.Replace(string(text), "P24M", "P18M", 1)), 0o600))
		}, harmless}, // a text is believed under its digest alone
		{"edits the policy that people adopted, and the configuration", func(w *inside) {
			for _, pattern := range []string{"var/state/policies/*", "var/reports/policies/*"} {
				found, err := filepath.Glob(w.path(pattern))
				require.NoError(w, err)
				require.NotEmpty(w, found)
				for _, name := range found {
					text, err := os.ReadFile(name)
					require.NoError(w, err)
					require.NoError(w, os.WriteFile(name, []byte(strings.ReplaceAll(string(text), "P24M", "P18M")), 0o600))
				}
			}
			w.write("lethe.yaml", strings.ReplaceAll(w.read("lethe.yaml"), "P24M", "P18M"))
		}, ""},
		{"takes the texts of adopted policies away", func(w *inside) {
			w.remove("var/state/policies", "var/reports/policies")
		}, ""},
		{"takes the signature of a report away", func(w *inside) {
			night := w.nights()[1]
			found, err := filepath.Glob(filepath.Join(night, "manifest*sig*"))
			require.NoError(w, err)
			require.NotEmpty(w, found)
			require.NoError(w, os.Remove(found[0]))
		}, ""},
		{"puts an answer of his own into the folder", func(w *inside) {
			w.write("var/reports/answers/000099.json", "{}")
		}, ""},
		{"writes the page that people look at", func(w *inside) {
			w.write("var/reports/report.html", "<p>All is well.</p>")
		}, harmless}, // the night writes it anew
	}
}
