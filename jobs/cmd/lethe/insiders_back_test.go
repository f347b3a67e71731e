package main_test

import (
	"strings"

	"github.com/stretchr/testify/require"
)

// putBack has the company's store be one that was put back from a copy: member 32, who was erased, stands there again
// and has agreed anew. The untouched night keeps the row.
func (w *inside) putBack() {
	w.Helper()
	w.at = "2026-12-21T19:00:00Z"
	w.write("told.csv", "email,purpose,type,occurred_at,notice,method,evidence,id\n"+
		"m32@example.org,club,given,2026-12-21T10:00:00Z,v3,form,again,again-m32\n")
	w.must(0, "consent", "import", "--silo", "members", "--source", "crm", "told.csv")
	w.store("INSERT INTO members VALUES (32, 'Ada Rossi', 'm32@example.org', 0, '2023-05-01 09:00:00'); " +
		"INSERT INTO orders VALUES (32, 32, 12)")
}

// reapply ends once more what was ended, as who starts it after a restore.
func (w *inside) reapply() int {
	w.Helper()
	w.at = "2026-12-21T20:00:00Z"
	code := w.lethe("backup", "reapply", "crm")
	w.Logf("reapply ended with %d: %s", code, w.last)
	return code
}

// insidersOfACopy come after a store was put back from a copy, and end once more what was ended.
func insidersOfACopy() []insider {
	then := func(does func(w *inside)) func(w *inside) {
		return func(w *inside) { does(w); w.reapply(); w.at = measured }
	}
	return []insider{
		{"ends once more what was ended", then(func(*inside) {}), harmless},
		{"shortens a term and ends once more what was ended", then(func(w *inside) {
			w.edit("lethe.yaml", "purpose: club, basis: consent, max_age: P24M", "purpose: club, basis: consent, max_age: P1D")
		}), ""},
		{"shortens a term", func(w *inside) {
			w.edit("lethe.yaml", "purpose: club, basis: consent, max_age: P24M", "purpose: club, basis: consent, max_age: P1D")
		}, ""},
		{"calls a purpose otherwise and ends once more what was ended", then(func(w *inside) {
			w.write("lethe.yaml", strings.ReplaceAll(w.read("lethe.yaml"), "purpose: club", "purpose: clubs"))
		}), ""},
		{"sets the clock on and ends once more what was ended", func(w *inside) {
			w.at = "2029-06-20T20:00:00Z"
			w.Logf("%d %s", w.lethe("backup", "reapply", "crm"), w.last)
			w.at = measured
		}, ""},
		{"sets the clock on", func(w *inside) { w.at = "2029-06-20T20:00:00Z" }, ""},
		{"moves a tombstone to a member and ends once more what was ended", then(func(w *inside) {
			require.Contains(w, w.read("lethe.yaml"), "members")
			w.registry("UPDATE tombstone SET subject_ref = (SELECT alias_ref FROM subject_alias WHERE " +
				w.aliasOf("members", 2) + ")")
		}), ""},
		{"plants a tombstone and ends once more what was ended", then(func(w *inside) {
			w.registry("INSERT INTO tombstone SELECT silo, randomblob(32), subject_ref, \"system\", object, action, " +
				"plan_digest, erased_at, drop_after, seal FROM tombstone LIMIT 1")
		}), ""},
		{"removes the tombstones and ends once more what was ended", then(func(w *inside) {
			w.registry("DELETE FROM tombstone")
		}), ""},
	}
}

// aged has people adopt how old what is known may be. The last backup and what was heard of some silos are older, so
// that the untouched night erases nothing.
func (w *inside) aged() {
	w.Helper()
	w.at = "2026-12-21T18:30:00Z"
	w.edit("lethe.yaml", "registry: {dsn: var/registry.db}", "registry: {dsn: var/registry.db, max_age: P7D}")
	w.edit("lethe.yaml", "apply_dsn: crm.db,", "apply_dsn: crm.db, max_backup_age: P7D,")
	w.must(0, "policy", "adopt", "--as", "anna", "--key", "anna.key")
}

// insidersOfWhatIsOld have it be believed.
func insidersOfWhatIsOld() []insider {
	edits := func(old, new string) func(w *inside) {
		return func(w *inside) { w.edit("lethe.yaml", old, new) }
	}
	return []insider{
		{"destroys without a backup", edits(" max_backup_age: P7D,", ""), ""},
		{"destroys with a backup of last year", edits("max_backup_age: P7D", "max_backup_age: P1Y"), ""},
		{"believes a registry that nobody feeds", edits(", max_age: P7D", ""), ""},
		{"believes a registry of last year", edits(", max_age: P7D", ", max_age: P1Y"), ""},
		{"believes all that is old", func(w *inside) {
			edits(" max_backup_age: P7D,", "")(w)
			edits(", max_age: P7D", "")(w)
		}, ""},
	}
}
