package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/stretchr/testify/require"
)

// linked makes a file or folder a link to what is put elsewhere.
func (w *inside) linked(name, elsewhere string) {
	w.Helper()
	require.NoError(w, os.RemoveAll(w.path(name)))
	require.NoError(w, os.Symlink(w.path(elsewhere), w.path(name)))
}

// perhaps is harmless, and is named or not as processes happen to meet.
const perhaps = "perhaps"

// inPlaceOf are those who put something else where Lethe looks: links, folders, pipes, older parts of a whole.
func inPlaceOf() []insider {
	return []insider{
		{"leads the answers to a copy that lacks the last", func(w *inside) {
			require.NoError(w, copyFolder(w.path("var/reports/answers"), w.path("else/answers")))
			files := w.answerFiles()
			w.remove("else/answers/" + filepath.Base(files[len(files)-1]))
			w.linked("var/reports/answers", "else/answers")
		}, ""},
		{"makes the folder of answers a file", func(w *inside) {
			w.remove("var/reports/answers")
			w.write("var/reports/answers", "")
		}, ""},
		{"leads an approved plan to the folder of another", func(w *inside) {
			w.linked("var/state/plans/"+w.plan("approved"), "var/state/plans/"+w.plan("half"))
		}, ""},
		{"leads the newest report to an older one", func(w *inside) {
			nights := w.nights()
			newest, err := filepath.Rel(w.dir, nights[len(nights)-1])
			require.NoError(w, err)
			old, err := filepath.Rel(w.dir, nights[0])
			require.NoError(w, err)
			w.linked(newest, old)
		}, ""},
		{"leads the registry to an older copy", func(w *inside) { w.linked("var/registry.db", "old/first/registry.db") }, ""},
		{"leads the journal to an older copy", func(w *inside) { w.linked("var/state/journal.db", "old/first/journal.db") }, ""},
		{"puts a pipe among the backups", func(w *inside) {
			require.NoError(w, syscall.Mkfifo(w.path("backups/pipe.sql"), 0o600))
		}, ""},
		{"puts a file without an end among the backups", func(w *inside) {
			require.NoError(w, os.Symlink("/dev/zero", w.path("backups/zero.sql")))
		}, ""},
		{"puts a folder among the backups", func(w *inside) {
			require.NoError(w, os.MkdirAll(w.path("backups/folder.sql"), 0o700))
		}, ""},
		{"leads a backup in a circle", func(w *inside) {
			w.write("else/leads.sql", w.read("backups/leads.sql"))
			w.linked("backups/leads.sql", "backups/leads.sql")
		}, ""},
		{"leads a backup to the company's database", func(w *inside) { w.linked("backups/crm.sql", "crm.db") }, ""},
		{"writes what is no log into the journal's log", func(w *inside) {
			require.NoError(w, os.WriteFile(w.path("var/state/journal.db-wal"), []byte(strings.Repeat("x", 4096)), 0o600))
		}, harmless}, // SQLite takes no frames from it
		{"puts the log of nights of an older day back", func(w *inside) {
			found, err := filepath.Glob(w.path("var/reports/log/checkpoints/*"))
			require.NoError(w, err)
			require.Greater(w, len(found), 2)
			data, err := os.ReadFile(found[0])
			require.NoError(w, err)
			w.write("var/reports/log/checkpoint", string(data))
		}, ""},
		{"takes the log of nights away", func(w *inside) { w.remove("var/reports/log") }, ""},
		{"takes the texts of policies away, and edits the configuration", func(w *inside) {
			w.remove("var/state/policies", "var/reports/policies")
			w.edit("lethe.yaml", "max_age: P24M, grace: P30D, end: delete, because: \"leaflet\"",
				"max_age: P18M, grace: P30D, end: delete, because: \"leaflet\"")
		}, ""},
		{"lets everybody write to state and reports", func(w *inside) {
			for _, name := range []string{"var/state", "var/state/journal.db", "var/reports", "var/registry.db"} {
				require.NoError(w, os.Chmod(w.path(name), 0o777))
			}
		}, harmless}, // what they write is found
	}
}

// inTheEngine are those who let the registry's engine do otherwise than it is told.
func inTheEngine() []insider {
	registry := func(statement string) func(w *inside) { return func(w *inside) { w.registry(statement) } }
	ignore := func(name, when string) func(w *inside) {
		return registry("CREATE TRIGGER " + name + " BEFORE " + when + " BEGIN SELECT RAISE(IGNORE); END")
	}
	view := func(table, keeps string) func(w *inside) {
		return registry("ALTER TABLE " + table + " RENAME TO " + table + "_x; CREATE VIEW " + table + " AS SELECT * FROM " +
			table + "_x WHERE " + keeps)
	}
	return []insider{
		{"lets the registry ignore each event", ignore("deaf", "INSERT ON event"), ""},
		{"lets the registry ignore what events say", ignore("mute", "INSERT ON event_payload"), ""},
		{"lets the registry ignore where a chain ends", ignore("stuck", "UPDATE ON silo"), ""},
		{"shows a part of the references", func(w *inside) {
			view("subject_alias", "NOT ("+w.aliasOf("members", 9)+")")(w)
		}, ""},
		{"shows no hold", view("legal_hold", "0"), ""},
		{"shows no request for access", registry("ALTER TABLE request RENAME TO request_x; CREATE VIEW request AS SELECT * FROM request_x WHERE kind <> 'access'"), ""},
		{"lets the registry refuse each erasure that it is told", registry("CREATE TRIGGER no BEFORE INSERT ON tombstone " +
			"BEGIN SELECT RAISE(ABORT, 'no'); END"), ""},
		// Which day stands there is veiled; who turns one bit of it around makes it 35 years earlier, or later.
		{"lets the registry date each flag back as it is written", registry("CREATE TRIGGER back AFTER INSERT ON flag BEGIN " +
			"UPDATE flag SET since = (since | (1 << 50)) - (since & (1 << 50)) WHERE record_ref = NEW.record_ref; END"), ""},
		{"lets the registry end each tombstone as it is written", registry("CREATE TRIGGER over AFTER INSERT ON tombstone BEGIN " +
			"UPDATE tombstone SET drop_after = 1 WHERE record_ref = NEW.record_ref; END"), ""},
		{"lets the registry keep each flag that ends", ignore("kept", "DELETE ON flag"), ""},
		{"lets a trigger of Lethe's do something else", func(w *inside) {
			w.sql("var/registry.db", "DROP TRIGGER event_no_delete; CREATE TRIGGER event_no_delete AFTER INSERT ON flag BEGIN "+
				"UPDATE flag SET since = since & ~(1 << 50); END")
		}, ""},
		{"says that references are in another form", registry("UPDATE meta SET value = '99' WHERE name = 'identifiers'"), ""},
		{"says that references are in the oldest form", registry("UPDATE meta SET value = '1' WHERE name = 'identifiers'"), ""},
		{"takes away who wrote to the registry last", registry("DELETE FROM meta WHERE name = 'remembered_by'"),
			harmless}, // the journal knows
		{"takes away who wrote to the registry last, with the state folder", func(w *inside) {
			w.registry("DELETE FROM meta WHERE name = 'remembered_by'")
			w.remove("var/state", "var/reports", "var/keys/plan")
		}, ""},
		{"says that the registry is of a later build", registry("UPDATE meta SET value = '99' WHERE name = 'schema'"), ""},
		{"counts people from the beginning again", registry("UPDATE silo SET collections = 1 WHERE name = 'members'"), ""},
		{"puts off the review of a hold", registry("UPDATE legal_hold SET review_by = review_by + 315360000000000 " +
			"WHERE hold = 'case3'"), ""},
		{"puts off the answer to a request", registry("UPDATE request SET due_at = due_at + 315360000000000 WHERE " +
			"request = 'r4'"), ""},
		{"makes a restriction an access", registry("UPDATE request SET kind = 'access' WHERE request = 'r12'"), ""},
		{"carries references over to a key that is none", func(w *inside) {
			w.registry("UPDATE subject_alias SET key_version = 2 WHERE " + w.aliasOf("members", 9))
		}, harmless}, // a rotation takes none at its word
		{"takes an index of the registry away", registry("DROP INDEX event_idem; CREATE INDEX event_idem ON event (silo)"),
			harmless}, // an event is refused twice by more than the index
		{"hides an event from who looks for one person", registry("UPDATE event_payload SET block = 99 WHERE seq = 2 AND " +
			"silo = " + of("members")), ""},
		{"makes an event of somebody the whole silo's", registry("UPDATE event_payload SET block = 0 WHERE seq = 2 AND " +
			"silo = " + of("members")), ""},
		{"says that the registry is of before anything was veiled", registry("UPDATE meta SET value = '4' WHERE name = 'schema'"),
			""},
		{"moves what stands of one silo to another", registry("UPDATE flag SET silo = " + of("news") + " WHERE silo = " +
			of("leads")), ""},
	}
}

// inTheJournal change what the journal has of its own.
func inTheJournal() []insider {
	journal := func(statement string) func(w *inside) { return func(w *inside) { w.journal(statement) } }
	return []insider{
		{"forgets which rows were refused", journal("DELETE FROM refusal"), ""},
		{"forgets the last answer that it recorded", journal("DELETE FROM answered"), ""},
		{"forgets the log of nights", journal("DELETE FROM leaf"), ""},
		{"forgets all runs", journal("PRAGMA foreign_keys = off; DELETE FROM run"), ""},
		{"says that a run of long ago is the newest", journal("UPDATE run SET started_at = '2026-12-21T12:00:00.000000000Z', " +
			"as_of = '2026-12-21T12:00:00.000000000Z' WHERE started_at = (SELECT min(started_at) FROM run)"), ""},
		{"says that tonight's run is done", func(w *inside) {
			w.journal("INSERT INTO run SELECT 'x', replace(run_key, '2026-12-21', '2026-12-22'), apply, '" +
				"2026-12-22T00:10:00.000000000Z', '2026-12-22T00:10:00.000000000Z', '2026-12-22T00:11:00.000000000Z', 0, facts, " +
				"manifest, seal FROM run WHERE started_at = (SELECT max(started_at) FROM run WHERE apply = 1)")
		}, ""},
		{"shows a part of the answers", journal("ALTER TABLE answer RENAME TO answer_x; CREATE VIEW answer AS SELECT * FROM " +
			"answer_x WHERE seq < (SELECT max(seq) FROM answer_x)"), ""},
		{"shows plans in another state", func(w *inside) {
			w.journal("ALTER TABLE plan RENAME TO plan_x; CREATE VIEW plan AS SELECT * FROM plan_x WHERE plan_id <> '" +
				w.plan("approved") + "'")
		}, ""},
	}
}

// inBetween change the configuration where no policy is, keys that nobody looks at, and do things at the same time.
func inBetween() []insider {
	return []insider{
		{"has evidence end sooner", func(w *inside) {
			w.edit("lethe.yaml", "breakers:", "evidence: {keep: P1Y, row_level: P30D}\nbreakers:")
		}, ""},
		{"gives an application a copy", func(w *inside) {
			w.edit("lethe.yaml", "breakers:", "sync:\n  mailer: {source: crm, grants: {members: [club]}, table: true}\nbreakers:")
		}, ""},
		{"lets a pause of years be usual", func(w *inside) {
			w.edit("lethe.yaml", "breakers: {", "breakers: {pause_days: 4000, ")
		}, ""},
		{"calls the company's store a backup", func(w *inside) {
			w.edit("lethe.yaml", "environment: production", "environment: backup")
		}, ""},
		{"waits for a source a second only", func(w *inside) {
			w.edit("lethe.yaml", "apply_dsn: crm.db,", "apply_dsn: crm.db, answer_within: 1s, statement_within: 1s,")
		}, ""},
		{"writes the orders in another order", func(w *inside) {
			line := "  - {silo: members, reasons: [D_CONSENT_WITHDRAWN], max_rows: 20, max_percent: 40, until: 2027-05-01}\n"
			w.edit("lethe.yaml", line, "")
			w.edit("lethe.yaml", "breakers:", line+"breakers:")
		}, harmless},
		{"writes an order twice", func(w *inside) {
			line := "  - {silo: members, reasons: [D_CONSENT_WITHDRAWN], max_rows: 20, max_percent: 40, until: 2027-05-01}\n"
			w.edit("lethe.yaml", line, line+line)
		}, harmless}, // it covers no more than once
		{"gives a person back a role that was taken", func(w *inside) {
			w.line("dora", "roles: [dpo, custodian]")
			w.lethe("approve", w.plan("half"), "--as", "dora", "--key", "dora.key")
		}, ""},
		{"makes up a later version of a silo's key", func(w *inside) {
			key := w.one("var/keys/silo/leads*")
			data, err := os.ReadFile(key)
			require.NoError(w, err)
			require.NoError(w, os.WriteFile(strings.Replace(key, "leads", "leads@2", 1), data, 0o600))
		}, ""},
		{"removes the keys of the audit's epochs", func(w *inside) { w.remove("var/keys/audit") }, ""},
		{"says that a silo's key was destroyed", func(w *inside) {
			found, err := filepath.Glob(w.path("var/keys/destroyed/plan/*.json"))
			require.NoError(w, err)
			require.NotEmpty(w, found)
			data, err := os.ReadFile(found[0])
			require.NoError(w, err)
			w.write("var/keys/destroyed/silo/leads-1.json", string(data))
		}, ""},
		{"runs nights at the same time", func(w *inside) {
			var all sync.WaitGroup
			for range 3 {
				all.Go(func() { _, _ = lethe(w.dir, []string{clockVariable + "=" + w.at}, "run", "--apply") })
			}
			all.Wait()
		}, harmless},
		{"runs nights at the same time and takes the lock away", func(w *inside) {
			var all sync.WaitGroup
			for range 3 {
				all.Go(func() { _, _ = lethe(w.dir, []string{clockVariable + "=" + w.at}, "run", "--apply", "--again") })
			}
			done := make(chan struct{})
			go func() { all.Wait(); close(done) }()
			for {
				select {
				case <-done:
					return
				default:
					_ = os.Remove(w.path("var/state/lock"))
				}
			}
		}, perhaps},
		{"runs a night again and again", func(w *inside) {
			for i := range 4 {
				w.at = fmt.Sprintf("2026-12-21T2%d:00:00Z", i)
				w.lethe("run", "--apply", "--again")
			}
			w.at = measured
		}, harmless},
		{"answers for others with a key that ended", func(w *inside) {
			w.line("bo", "roles: [custodian], until: 2026-12-01")
			w.lethe("approve", w.plan("half"), "--as", "bo", "--key", "bo.key")
		}, ""},
	}
}
