package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/registry/keystore"
)

// of is the number of a silo in the registry.
func of(silo string) string { return "(SELECT silo FROM silo WHERE name = '" + silo + "')" }

// stranger makes a signing key of the insider's own, and returns its public half.
func (w *inside) stranger() string {
	w.Helper()
	public, err := keystore.NewPerson(w.path("own.key"))
	require.NoError(w, err)
	return public
}

// insiders are those who come after a quiet evening.
func insiders() []insider {
	var list []insider
	for _, some := range [][]insider{inState(), inAnswers(), inRegistry(), inMarks(), inConfiguration(), inOrders(),
		inRoles(), inClock(), inKeystore(), inReports(), inSources(), inTheDark(), inArguments(), inFiles(), inPlaceOf(),
		inTheEngine(), inTheJournal(), inBetween(), insidersOfTheZone(), inTheEvening(), byCommand()} {
		list = append(list, some...)
	}
	return list
}

// insidersOfACutNight come after a night that was killed between an intent and its change.
func insidersOfACutNight() []insider {
	return []insider{
		{"says that a chunk is done", func(w *inside) {
			w.journal("UPDATE chunk SET outcome = CAST('dd' AS BLOB), settled_at = intent_at WHERE outcome IS NULL")
		}, ""},
		{"says that the rows of a chunk were refused", func(w *inside) {
			w.journal("UPDATE chunk SET outcome = CAST('ff' AS BLOB), settled_at = intent_at WHERE outcome IS NULL")
		}, ""},
		{"says that the rows of a chunk moved", func(w *inside) {
			w.journal("UPDATE chunk SET outcome = CAST('ss' AS BLOB), settled_at = intent_at WHERE outcome IS NULL")
		}, ""},
	}
}

// inState change the journal and the folder of plans.
func inState() []insider {
	state := func(name, to string) func(w *inside) {
		return func(w *inside) {
			w.journal("UPDATE plan SET state = '" + to + "' WHERE plan_id = '" + w.plan(name) + "'")
		}
	}
	return []insider{
		{"calls a plan approved that one person approved", state("half", "approved"), ""},
		{"calls a plan approved that was objected to", state("objected", "approved"), ""},
		{"calls an approved plan rejected", state("approved", "rejected"), ""},
		{"calls an approved plan settled", state("approved", "settled"), ""},
		{"calls an approved plan withdrawn", state("approved", "withdrawn"), ""},
		{"calls an approved plan waiting", state("approved", "waiting"), ""},
		{"ends the term of an approved plan", func(w *inside) {
			w.journal("UPDATE plan SET valid_until = '2026-12-21T00:00:00.000000000Z' WHERE plan_id = '" +
				w.plan("approved") + "'")
		}, ""},
		{"removes an approved plan from the journal", func(w *inside) {
			w.journal("PRAGMA foreign_keys = off; DELETE FROM answer WHERE about = 'plan:" + w.plan("approved") +
				"'; DELETE FROM plan WHERE plan_id = '" + w.plan("approved") + "'")
		}, ""},
		{"removes the folder of an approved plan", func(w *inside) { w.remove("var/state/plans/" + w.plan("approved")) }, ""},
		{"puts the rows of another plan into one that is approved", func(w *inside) {
			from, to := w.one("var/state/plans/"+w.plan("half")), w.one("var/state/plans/"+w.plan("approved"))
			require.NoError(w, os.RemoveAll(to))
			require.NoError(w, copyFolder(from, to))
		}, ""},
		{"puts off the next try of a refused row", func(w *inside) {
			w.journal("UPDATE refusal SET next_try = '9999-01-01T00:00:00.000000000Z' WHERE next_try <> ''")
		}, ""},
		{"makes up that a row was refused", func(w *inside) {
			ref := w.ask("var/registry.db", "SELECT lower(hex(record_ref)) FROM flag WHERE silo = "+of("leads")+
				" ORDER BY since LIMIT 1")
			w.journal("INSERT INTO refusal SELECT plan_id, 7, 7, class, by_name, at, source, 'leads', '" + ref +
				"', 1, policy, '9999-01-01T00:00:00.000000000Z', seal FROM refusal WHERE next_try <> '' LIMIT 1")
		}, ""},
		{"says that a backup was rewritten just now", func(w *inside) {
			w.journal("INSERT INTO rewrite VALUES ('backups/leads.sql', '2026-12-21T09:00:00.000000000Z', '', x'00')")
		}, ""},
		{"puts the journal back as it was before people approved", func(w *inside) { w.restore("asked", "journal.db") }, ""},
		{"puts the journal back as it was after the first night", func(w *inside) { w.restore("first", "journal.db") }, ""},
		{"removes the state folder", func(w *inside) { w.remove("var/state") }, ""},
		{"takes the newest night out of journal and reports", func(w *inside) { w.withoutNewest() }, ""},
		{"takes the newest night out of journal, reports and log", func(w *inside) {
			w.withoutNewest()
			w.cutLog()
		}, ""},
		{"takes a night that was cosigned out of journal, reports and log", func(w *inside) {
			public, err := os.ReadFile(filepath.Join(w.nights()[0], "runner.pub"))
			require.NoError(w, err)
			w.must(0, "audit", "cosign", "var/reports", "--key", "dora.key", "--runner", strings.TrimSpace(string(public)),
				"--held", "of-dora")
			w.remove("of-dora")
			w.withoutNewest()
			w.cutLog()
		}, ""},
		{"removes state and reports", func(w *inside) { w.remove("var/state", "var/reports", "var/keys/plan") }, ""},
		{"removes state and reports, and puts the registry back from an older copy", func(w *inside) {
			w.remove("var/state", "var/reports", "var/keys/plan")
			w.restore("first", "registry.db")
		}, ""},
		{"leaves a stop file", func(w *inside) { w.write("var/state/stop", "") }, ""},
	}
}

// answer is the place of the first answer of an act to a plan.
func (w *inside) answer(plan, act string) string {
	w.Helper()
	return w.ask("var/state/journal.db", "SELECT seq FROM answer WHERE about = 'plan:"+w.plan(plan)+
		"' AND CAST(body AS TEXT) LIKE '%\"act\":\""+act+"\"%' ORDER BY seq LIMIT 1")
}

// answerFiles are the files of the answers, by their place.
func (w *inside) answerFiles() []string {
	w.Helper()
	found, err := filepath.Glob(w.path("var/reports/answers/*.json"))
	require.NoError(w, err)
	require.NotEmpty(w, found)
	return found
}

// inAnswers change what people said.
func inAnswers() []insider {
	return []insider{
		{"takes an objection away", func(w *inside) { w.journal("DELETE FROM " + w.answers("objected", "object")) }, ""},
		{"takes an objection away and calls the plan approved", func(w *inside) {
			w.journal("DELETE FROM " + w.answers("objected", "object"))
			w.journal("UPDATE plan SET state = 'approved' WHERE plan_id = '" + w.plan("objected") + "'")
		}, ""},
		{"takes an objection away wherever it stands", func(w *inside) {
			seq := w.ask("var/state/journal.db", "SELECT seq FROM "+w.answers("objected", "object"))
			w.journal("DELETE FROM " + w.answers("objected", "object"))
			n, err := strconv.Atoi(seq)
			require.NoError(w, err)
			w.remove(fmt.Sprintf("var/reports/answers/%06d.json", n))
		}, ""},
		{"takes an objection and all after it away", func(w *inside) {
			seq := w.answer("objected", "object")
			w.journal("DELETE FROM answer WHERE seq >= " + seq)
			for _, name := range w.answerFiles() {
				if number := strings.TrimLeft(strings.TrimSuffix(filepath.Base(name), ".json"), "0"); len(number) > len(seq) ||
					len(number) == len(seq) && number >= seq {
					require.NoError(w, os.Remove(name))
				}
			}
			w.journal("UPDATE plan SET state = 'approved' WHERE plan_id = '" + w.plan("objected") + "'")
		}, ""},
		{"takes the files of answers away", func(w *inside) {
			for _, name := range w.answerFiles() {
				require.NoError(w, os.Remove(name))
			}
		}, ""},
		{"takes away what people answered since the last report", func(w *inside) {
			last := w.answer("approved", "approve")
			w.journal("DELETE FROM answer WHERE seq >= " + last)
			for _, name := range w.answerFiles()[len(w.list("var/state/journal.db", "SELECT seq FROM answer")):] {
				require.NoError(w, os.Remove(name))
			}
		}, ""},
		{"takes an approval away", func(w *inside) { w.journal("DELETE FROM " + w.answers("approved", "approve")) }, ""},
		{"repeats answers under another plan", func(w *inside) {
			w.journal("INSERT INTO answer (seq, about, body) SELECT (SELECT max(seq) + 1 FROM answer), 'plan:" +
				w.plan("half") + "', body FROM " + w.answers("approved", "approve") + " LIMIT 1")
		}, ""},
		{"repeats answers under another plan and calls it approved", func(w *inside) {
			w.journal("INSERT INTO answer (seq, about, body) SELECT (SELECT max(seq) + 1 FROM answer), 'plan:" +
				w.plan("half") + "', replace(body, '" + w.plan("approved") + "', '" + w.plan("half") + "') FROM " +
				w.answers("approved", "approve") + " LIMIT 1")
			w.journal("UPDATE plan SET state = 'approved' WHERE plan_id = '" + w.plan("half") + "'")
		}, ""},
		{"turns an objection into an approval", func(w *inside) {
			rest := strings.TrimPrefix(w.answers("objected", "object"), "answer")
			w.journal("UPDATE answer SET body = CAST(replace(CAST(body AS TEXT), '\"object\"', '\"approve\"') AS BLOB)" + rest)
			w.journal("UPDATE plan SET state = 'approved' WHERE plan_id = '" + w.plan("objected") + "'")
		}, ""},
		{"replaces a person's key by an own one and approves", func(w *inside) {
			config := w.read("lethe.yaml")
			_, key, _ := strings.Cut(config, `bo: {key: "`)
			key, _, _ = strings.Cut(key, `"`)
			w.edit("lethe.yaml", key, w.stranger())
			w.lethe("approve", w.plan("half"), "--as", "bo", "--key", "own.key")
		}, ""},
		{"makes up a person and approves as them", func(w *inside) {
			w.edit("lethe.yaml", "  bo:", `  eve: {key: "`+w.stranger()+"\", roles: [custodian]}\n  bo:")
			w.lethe("approve", w.plan("half"), "--as", "eve", "--key", "own.key")
		}, ""},
		{"gives anna another role and lets her approve alone", func(w *inside) {
			w.edit("lethe.yaml", `"owner:members"`, `custodian, "owner:members"`)
			w.edit("lethe.yaml", "orders:\n", "approvals: 1\norders:\n")
			w.journal("UPDATE plan SET state = 'approved' WHERE plan_id = '" + w.plan("half") + "'")
		}, ""},
		{"asks for one approval only", func(w *inside) {
			w.edit("lethe.yaml", "orders:\n", "approvals: 1\norders:\n")
		}, ""},
		{"discards an approved plan alone", func(w *inside) {
			w.lethe("plan", "discard", w.plan("approved"), "--as", "anna", "--key", "anna.key", "--comment", "no")
		}, ""},
	}
}

// inRegistry change what the registry says of people.
func inRegistry() []insider {
	// Collections count the people of a silo as they came: of members, the number is that of the row. Whose a row of the
	// registry is stands veiled; these have seen it without.
	alias := func(from, to int64) func(w *inside) {
		return func(w *inside) {
			other := " FROM subject_alias WHERE " + w.aliasOf("members", to) + ")"
			w.registry("UPDATE subject_alias SET (collection, seal) = (SELECT collection, seal" + other + " WHERE " +
				w.aliasOf("members", from))
		}
	}
	last := "(SELECT max(seq) FROM event WHERE silo = " + of("members") + " AND type = 'withdrawn')"
	return []insider{
		{"points a member's reference to one who withdrew", alias(2, 9), ""},
		{"points the reference of one who withdrew to a member", alias(9, 2), ""},
		{"removes the reference of one who withdrew", func(w *inside) {
			w.registry("DELETE FROM subject_alias WHERE " + w.aliasOf("members", 9))
		}, ""},
		{"adds the reference of a member to one who withdrew", func(w *inside) {
			w.registry("INSERT INTO subject_alias SELECT silo, alias_ref, (SELECT collection FROM subject_alias WHERE " +
				w.aliasOf("members", 9) + "), kind, key_version, (SELECT seal FROM subject_alias WHERE " +
				w.aliasOf("members", 9) + ") FROM subject_alias WHERE " + w.aliasOf("members", 2))
		}, ""},
		{"makes a withdrawal somebody else's", func(w *inside) {
			seq := w.ask("var/registry.db", "SELECT seq FROM event WHERE type = 'withdrawn' AND silo = "+of("members")+
				" AND seq IN ("+w.eventsOf("members", 9)+")")
			w.registry("UPDATE event_payload SET collection = " + w.stored("members", seq, 2) + " WHERE silo = " +
				of("members") + " AND seq = " + seq)
		}, ""},
		{"removes a withdrawal", func(w *inside) {
			w.registry("DELETE FROM event WHERE silo = " + of("members") + " AND seq = " + last)
		}, ""},
		{"removes what a withdrawal says", func(w *inside) {
			w.registry("DELETE FROM event_payload WHERE silo = " + of("members") + " AND seq = " + last)
		}, ""},
		{"dates a consent back", func(w *inside) {
			w.registry("UPDATE event SET effective_from = effective_from - 94608000000000 WHERE silo = " + of("members") +
				" AND type = 'given' AND seq = 2")
		}, ""},
		{"turns a withdrawal into a renewal", func(w *inside) {
			w.registry("UPDATE event SET type = 'renewed', notice = 'v3' WHERE silo = " + of("members") + " AND seq = " + last)
		}, ""},
		{"takes the proof of a consent away", func(w *inside) {
			w.registry("UPDATE event_payload SET evidence = NULL, evidence_salt = NULL WHERE silo = " + of("leads") +
				" AND seq IN (" + w.eventsOf("leads", 4) + ")")
		}, ""},
		{"gives a consent a proof", func(w *inside) {
			w.registry("UPDATE event_payload SET evidence = x'00', evidence_salt = x'00' WHERE silo = " + of("leads") +
				" AND seq IN (" + w.eventsOf("leads", 1) + ")")
		}, ""},
		{"swaps the names of two silos", func(w *inside) {
			w.registry("UPDATE silo SET name = 'x' WHERE name = 'leads'; UPDATE silo SET name = 'leads' WHERE name = 'news'; " +
				"UPDATE silo SET name = 'news' WHERE name = 'x'")
		}, ""},
		{"cuts a silo's chain and says where it ends now", func(w *inside) {
			w.registry("DELETE FROM event WHERE silo = " + of("members") + " AND seq >= " + last +
				"; UPDATE silo SET head_seq = (SELECT max(seq) FROM event e WHERE e.silo = silo.silo), head_hash = " +
				"(SELECT hash FROM event e WHERE e.silo = silo.silo ORDER BY seq DESC LIMIT 1) WHERE name = 'members'")
		}, ""},
		{"puts the registry back from an older copy", func(w *inside) { w.restore("first", "registry.db") }, ""},
		{"puts the registry back as it was the day before", func(w *inside) { w.restore("asked", "registry.db") }, ""},
		{"empties the list of those who said no", func(w *inside) {
			w.registry("DELETE FROM subject_alias WHERE silo = " + of("suppression"))
		}, ""},
		{"removes the list of those who said no", func(w *inside) {
			for _, table := range []string{"subject_alias", "event_payload", "event", "silo_key", "silo"} {
				w.registry("DELETE FROM " + table + " WHERE silo = " + of("suppression"))
			}
		}, ""},
		{"lets the registry lose each erasure that it is told", func(w *inside) {
			w.registry("CREATE TRIGGER lose AFTER INSERT ON tombstone BEGIN DELETE FROM tombstone WHERE record_ref = " +
				"NEW.record_ref; END")
		}, ""},
	}
}

// inMarks change what stands in the registry beside the chains.
func inMarks() []insider {
	return []insider{
		{"releases a hold", func(w *inside) {
			w.registry("UPDATE legal_hold SET released_by = 'anna', release_approved_by = 'bo', released_at = placed_at " +
				"WHERE hold = 'case3'")
		}, ""},
		{"removes a hold", func(w *inside) { w.registry("DELETE FROM legal_hold WHERE hold = 'case3'") }, ""},
		{"puts a released hold in force again", func(w *inside) {
			w.registry("UPDATE legal_hold SET released_by = '', release_approved_by = '', released_at = 0 WHERE hold = 'case10'")
		}, ""},
		{"makes up a hold on a silo", func(w *inside) {
			w.registry("INSERT INTO legal_hold SELECT silo, 'case99', '99/2026', 'anna', placed_at, 'bo', review_by, '', '', 0, seal " +
				"FROM legal_hold WHERE hold = 'case3'")
		}, ""},
		{"approves a hold in a colleague's name", func(w *inside) {
			w.registry("UPDATE legal_hold SET approved_by = 'dora' WHERE hold = 'case3'")
		}, ""},
		{"places a hold in a colleague's name", func(w *inside) {
			w.lethe("hold", "place", "--silo", "members", "--case", "5/2026", "--as", "bo", "--key", "anna.key", "--id",
				"case5")
			w.registry("INSERT INTO legal_hold SELECT silo, 'case5', case_ref, 'bo', placed_at, 'anna', review_by, '', '', 0, seal " +
				"FROM legal_hold WHERE hold = 'case3'")
		}, ""},
		{"closes a request for access", func(w *inside) {
			w.registry("UPDATE request SET closed_at = received_at, outcome = 'completed' WHERE request = 'r4'")
		}, ""},
		{"removes a request for erasure", func(w *inside) { w.registry("DELETE FROM request WHERE request = 'r8'") }, ""},
		{"dates a flag back", func(w *inside) {
			w.registry("UPDATE flag SET since = since - 2592000000000 WHERE silo = " + of("leads"))
		}, ""},
		{"removes the flags", func(w *inside) {
			w.registry("DELETE FROM flag WHERE silo = " + of("leads") + " AND since = (SELECT min(since) FROM flag WHERE " +
				"silo = " + of("leads") + ")")
		}, ""},
		{"dates a flag on", func(w *inside) {
			w.registry("UPDATE flag SET since = since + 2592000000000 WHERE silo = " + of("leads"))
		}, ""},
		{"makes up a flag", func(w *inside) {
			w.registry("INSERT INTO flag SELECT silo, record_ref, 'D_CONSENT_INVALID', since, seal FROM flag WHERE silo = " +
				of("leads"))
		}, ""},
		{"removes the tombstones", func(w *inside) { w.registry("DELETE FROM tombstone") }, ""},
		{"ends a tombstone", func(w *inside) { w.registry("UPDATE tombstone SET drop_after = 1") }, ""},
		{"makes up a tombstone", func(w *inside) {
			w.registry("INSERT INTO tombstone SELECT silo, randomblob(32), subject_ref, \"system\", object, action, " +
				"plan_digest, erased_at, drop_after, seal FROM tombstone LIMIT 1")
		}, ""},
		{"says that expiry was looked at until long after", func(w *inside) {
			w.registry("UPDATE expiry_pass SET since_through = 4102444800000000")
		}, ""},
		{"removes the marks of expiry", func(w *inside) { w.registry("DELETE FROM expiry_pass") }, ""},
		{"says that a silo was heard of today", func(w *inside) {
			w.registry("UPDATE silo SET heard_at = heard_at + 864000000000 WHERE name = 'members'")
		}, ""},
		{"destroys the key of a silo on paper", func(w *inside) {
			w.registry("UPDATE silo_key SET state = 'destroyed', active = NULL, destroyed_at = created_at, evidence = x'00' " +
				"WHERE silo = " + of("leads"))
		}, ""},
		{"leads a row to one who withdrew", func(w *inside) {
			w.registry("INSERT INTO record_link SELECT silo, (SELECT record_ref FROM flag f WHERE f.silo = l.silo ORDER BY " +
				"since DESC LIMIT 1), 1, 'crm', 'leads', 1, x'00' FROM silo l WHERE name = 'leads'")
		}, ""},
	}
}

// inConfiguration change the configuration.
func inConfiguration() []insider {
	const club = "purpose: club, basis: consent, max_age: P24M"
	// Of the leads one agreed so long ago that a shorter term ends it.
	const offers, shorter = "purpose: offers, basis: consent, max_age: P24M", "purpose: offers, basis: consent, max_age: P18M"
	edits := func(edit ...string) func(w *inside) {
		return func(w *inside) { w.edit("lethe.yaml", edit[0], edit[1]) }
	}
	return []insider{
		{"shortens a term", edits(offers, shorter), ""},
		{"lengthens a term", edits(club, "purpose: club, basis: consent, max_age: P36M"), ""},
		{"takes a grace away", edits("max_age: P24M, grace: P30D", "max_age: P24M"), ""},
		{"makes a policy known by a dry run", func(w *inside) {
			w.edit("lethe.yaml", offers, shorter)
			w.at = "2026-12-21T20:00:00Z"
			w.lethe("run")
		}, ""},
		{"makes a policy known by a dry run of a later day", func(w *inside) {
			w.edit("lethe.yaml", offers, shorter)
			w.at = "2026-12-21T20:00:00Z"
			w.lethe("run", "--as-of", "2026-12-22")
		}, ""},
		{"makes a policy known by having its plan rejected", func(w *inside) {
			w.edit("lethe.yaml", offers, shorter)
			w.at = "2026-12-21T20:00:00Z"
			w.lethe("run", "--apply", "--again")
			w.lethe("approve", w.ask("var/state/journal.db", "SELECT plan_id FROM plan WHERE state = 'waiting' ORDER BY "+
				"created_at DESC"), "--as", "anna", "--key", "anna.key", "--reject")
			w.at = measured
		}, ""},
		{"makes a policy known and lets the next night be of the same day", func(w *inside) {
			w.edit("lethe.yaml", offers, shorter)
			w.at = "2026-12-21T20:00:00Z"
		}, ""},
		{"looks for people in another field", edits("table: members\n        subject: {email: email}",
			"table: members\n        subject: {email: name}"), ""},
		{"takes a silo out", func(w *inside) {
			config := w.read("lethe.yaml")
			from, to := strings.Index(config, "  leads:"), strings.Index(config, "  news:")
			w.edit("lethe.yaml", config[from:to], "")
		}, ""},
		{"reads a copy in place of the source", func(w *inside) {
			w.write("copy.db", w.read("crm.db"))
			w.edit("lethe.yaml", "dsn: crm.db, apply_dsn: crm.db", "dsn: copy.db, apply_dsn: copy.db")
		}, ""},
		{"changes a copy in place of the source", func(w *inside) {
			w.write("copy.db", w.read("crm.db"))
			w.edit("lethe.yaml", "apply_dsn: crm.db", "apply_dsn: copy.db")
		}, ""},
		{"takes the right to change the source away", edits(", apply_dsn: crm.db", ""), ""},
		{"looks for backups elsewhere", edits("backups/*.sql", "backups/*.dump"), ""},
		{"has no backup rewritten", edits(", rewrite: {at_most_every: P7D}", ""), ""},
		{"has a backup rewritten much later", edits("at_most_every: P7D", "after: P90D"), ""},
		{"lets a night change one row", edits("breakers: {", "breakers: {max_rows_a_night: 1, "), ""},
		{"lets a night change everything", edits("max_percent: 40, no_match_percent: 60",
			"max_percent: 100, no_match_percent: 100"), ""},
		{"begins with a new state folder", edits("state: var/state", "state: var/fresh"), ""},
		{"begins with new state and reports", func(w *inside) {
			w.edit("lethe.yaml", "state: var/state", "state: var/fresh")
			w.edit("lethe.yaml", "reports: var/reports", "reports: var/new")
		}, ""},
		{"takes an old copy of the registry for the registry", edits("dsn: var/registry.db", "dsn: old/first/registry.db"), ""},
		{"moves the company to where it is yesterday", edits("timezone: Europe/Rome", "timezone: Pacific/Honolulu"), ""},
		{"moves the company to where it is tomorrow", edits("timezone: Europe/Rome", "timezone: Pacific/Kiritimati"), ""},
		{"takes the list of those who said no out", func(w *inside) {
			config := w.read("lethe.yaml")
			from, to := strings.Index(config, "  suppression:"), strings.Index(config, "orders:")
			w.edit("lethe.yaml", config[from:to], "")
		}, ""},
		{"leaves a row by its kind", edits("{source: crm, table: leads, subject: {email: email}, collected: created_at}",
			"{source: crm, table: leads, subject: {email: email}, collected: created_at, where: {id: \"4\"}}"), ""},
	}
}

// inClock change what day it is.
func inClock() []insider {
	return []insider{
		{"sets the clock back a month", func(w *inside) { w.at = "2026-11-22T00:15:00Z" }, ""},
		{"sets the clock back a day", func(w *inside) { w.at = "2026-12-21T00:20:00Z" }, ""},
		{"sets the clock on by nine months", func(w *inside) { w.at = "2027-09-20T00:15:00Z" }, ""},
		{"sets the clock on by four months", func(w *inside) { w.at = "2027-04-20T00:15:00Z" }, ""},
		{"simulates the clock and a night of a later year", func(w *inside) {
			w.edit("lethe.yaml", "orders:\n", "clock: simulated\norders:\n")
			w.at = "2026-12-21T20:00:00Z"
			w.lethe("run", "--apply", "--as-of", "2027-09-20")
			w.at = measured
		}, ""},
		{"simulates the clock and a night of long ago", func(w *inside) {
			w.edit("lethe.yaml", "orders:\n", "clock: simulated\norders:\n")
			w.at = "2026-12-21T20:00:00Z"
			w.lethe("run", "--apply", "--as-of", "2026-11-25")
			w.at = measured
		}, ""},
		{"has a plan of a later day sealed", func(w *inside) {
			w.at = "2027-09-20T00:15:00Z"
			w.lethe("run")
			w.at = measured
		}, ""},
	}
}

// inKeystore change the keys.
func inKeystore() []insider {
	swap := func(a, b string) func(w *inside) {
		return func(w *inside) {
			x, y := w.one(a), w.one(b)
			require.NoError(w, os.Rename(x, x+".x"))
			require.NoError(w, os.Rename(y, x))
			require.NoError(w, os.Rename(x+".x", y))
		}
	}
	return []insider{
		{"swaps the keys of two silos", swap("var/keys/silo/leads*", "var/keys/silo/news*"), ""},
		{"makes a silo's key anew", func(w *inside) {
			w.remove("var/keys/silo/leads*")
			w.lethe("keys", "create")
		}, ""},
		{"removes a silo's key", func(w *inside) { w.remove("var/keys/silo/leads*") }, ""},
		{"makes the runner's key anew", func(w *inside) {
			w.remove("var/keys/runner.age")
			w.lethe("keys", "create")
		}, ""},
		{"removes the key of an approved plan", func(w *inside) { w.remove("var/keys/plan/" + w.plan("approved") + ".age") }, ""},
		{"swaps the keys of two plans", func(w *inside) {
			swap("var/keys/plan/"+w.plan("approved")+".age", "var/keys/plan/"+w.plan("half")+".age")(w)
		}, ""},
		{"edits the evidence of a key", func(w *inside) {
			found, err := filepath.Glob(w.path("var/keys/destroyed/plan/*.json"))
			require.NoError(w, err)
			require.NotEmpty(w, found)
			require.NoError(w, os.WriteFile(found[0], []byte("{}"), 0o600))
		}, ""},
		{"removes the evidence of a key", func(w *inside) {
			found, err := filepath.Glob(w.path("var/keys/destroyed/plan/*.json"))
			require.NoError(w, err)
			require.NotEmpty(w, found)
			require.NoError(w, os.Remove(found[0]))
		}, ""},
		{"locks the keystore with an own key", func(w *inside) {
			require.NoError(w, os.Chmod(w.path("var/lethe.age"), 0o600))
			w.write("var/lethe.age", strings.ToUpper(w.read("var/lethe.age"))[:40])
		}, ""},
	}
}

// withoutNewest takes the newest night out of the journal's runs and out of the reports.
func (w *inside) withoutNewest() {
	w.Helper()
	run := w.ask("var/state/journal.db", "SELECT run_id FROM run ORDER BY started_at DESC LIMIT 1")
	w.journal("DELETE FROM run WHERE run_id = '" + run + "'")
	found, err := filepath.Glob(w.path("var/reports/*/date=*/run=" + run))
	require.NoError(w, err)
	require.NotEmpty(w, found)
	for _, path := range found {
		require.NoError(w, os.RemoveAll(path))
	}
}

// cutLog takes the newest entry out of the log of nights, in journal and reports: the checkpoint before it is still there,
// signed, and hashes and entries are what anybody can cut.
func (w *inside) cutLog() {
	w.Helper()
	size, err := strconv.Atoi(w.ask("var/state/journal.db", "SELECT count(*) FROM leaf"))
	require.NoError(w, err)
	w.journal(fmt.Sprintf("DELETE FROM leaf WHERE place = %d", size-1))
	w.remove(fmt.Sprintf("var/reports/log/checkpoints/%06d", size))
	w.write("var/reports/log/checkpoint", w.read(fmt.Sprintf("var/reports/log/checkpoints/%06d", size-1)))
	for kind, keep := range map[string]func(body string) string{
		"0": func(body string) string { return body[:len(body)-32] },
		"entries": func(body string) string {
			last := 0
			for at := 0; at < len(body); at += 2 + int(body[at])<<8 + int(body[at+1]) {
				last = at
			}
			return body[:last]
		},
	} {
		name := "var/reports/log/tile/" + kind + "/000.p/"
		w.write(name+strconv.Itoa(size-1), keep(w.read(name+strconv.Itoa(size))))
		w.remove(name + strconv.Itoa(size))
	}
}

// nights are the runs of which reports stand, the oldest first.
func (w *inside) nights() []string {
	w.Helper()
	found, err := filepath.Glob(w.path("var/reports/manifests/date=*/run=*"))
	require.NoError(w, err)
	require.Greater(w, len(found), 3)
	return found
}

// inReports change the evidence.
func inReports() []insider {
	return []insider{
		{"removes the newest report", func(w *inside) {
			nights := w.nights()
			require.NoError(w, os.RemoveAll(nights[len(nights)-1]))
		}, ""},
		{"removes an old report", func(w *inside) { require.NoError(w, os.RemoveAll(w.nights()[1])) }, ""},
		{"removes all reports", func(w *inside) { w.remove("var/reports") }, ""},
		{"puts an old report in the place of the newest", func(w *inside) {
			nights := w.nights()
			newest := nights[len(nights)-1]
			require.NoError(w, os.RemoveAll(newest))
			require.NoError(w, copyFolder(nights[0], newest))
		}, ""},
		{"edits who approved in an old report", func(w *inside) {
			found, err := filepath.Glob(w.path("var/reports/table=approvals/date=*/run=*/*.parquet"))
			require.NoError(w, err)
			require.NotEmpty(w, found)
			data, err := os.ReadFile(found[0])
			require.NoError(w, err)
			data[len(data)/2] ^= 1 // its pages are compressed: no name stands in it to be replaced
			require.NoError(w, os.WriteFile(found[0], data, 0o600))
		}, ""},
		{"edits the page of an old night", func(w *inside) {
			page, err := filepath.Rel(w.dir, filepath.Join(w.nights()[0], "report.html"))
			require.NoError(w, err)
			w.edit(page, "anna", "dora")
		}, ""},
		{"adds a table to an old report", func(w *inside) {
			found, err := filepath.Glob(w.path("var/reports/table=actions/date=*/run=*/*.parquet"))
			require.NoError(w, err)
			data, err := os.ReadFile(found[0])
			require.NoError(w, err)
			require.NoError(w, os.WriteFile(filepath.Join(filepath.Dir(found[0]), "silo=more.parquet"), data, 0o600))
		}, ""},
	}
}

// inSources change the stores themselves, as far as that keeps Lethe from them.
func inSources() []insider {
	return []insider{
		{"calls a backup otherwise", func(w *inside) {
			require.NoError(w, os.Rename(w.path("backups/leads.sql"), w.path("backups/leads.sql.bak")))
		}, ""},
		{"calls a table of a backup otherwise", func(w *inside) {
			w.write("backups/leads.sql", strings.ReplaceAll(w.read("backups/leads.sql"), "`leads`", "`lodes`"))
		}, ""},
		{"breaks a backup", func(w *inside) { w.edit("backups/leads.sql", "INSERT INTO `leads` VALUES (1", "INSERT (1") }, ""},
		{"calls a field otherwise", func(w *inside) { w.store("ALTER TABLE leads RENAME COLUMN email TO mail") }, ""},
		{"calls a table otherwise", func(w *inside) { w.store("ALTER TABLE leads RENAME TO leads2") }, ""},
		{"lets a row be referred to", func(w *inside) {
			w.store("CREATE TABLE claims (id INTEGER PRIMARY KEY, member_id INTEGER NOT NULL REFERENCES members(id)); " +
				"INSERT INTO claims VALUES (1, 9)")
		}, ""},
		{"lets a row come back", func(w *inside) {
			w.store("CREATE TRIGGER back AFTER DELETE ON members BEGIN INSERT INTO members VALUES (OLD.id, OLD.name, " +
				"OLD.email, OLD.blocked, OLD.created_at); END")
		}, ""},
	}
}
