package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/answers"
	"lethe/pipeline/orders"
)

// refusal is an answer, or a configuration, that must not count: what somebody does, the command that must be refused
// then, with which exit code, and what it says: the place and the next step.
type refusal struct {
	name    string
	does    func(w *inside)
	command []string
	code    int
	says    []string
}

// digestOf is the digest of a plan as the journal has it.
func (w *inside) digestOf(plan string) string {
	w.Helper()
	return w.ask("var/state/journal.db", "SELECT digest FROM plan WHERE plan_id = '"+w.plan(plan)+"'")
}

// state brings a plan into a state, as who can open the keystore does, so that the row holds.
func (w *inside) state(plan, to string) {
	w.Helper()
	j := w.sealedJournal()
	defer j.Close()
	require.NoError(w, j.SetPlanState(w.Context(), w.plan(plan), to, ""))
}

// approveForged puts an approval of the first plan into the chain, over a digest.
func (w *inside) approveForged(digest, actor, key string) {
	w.Helper()
	w.forge(answers.Answer{Act: answers.Approve, About: answers.AboutPlan(w.plan("first")), Digest: digest, Actor: actor}, key)
}

// line replaces what a person's line of the configuration says after the key.
func (w *inside) line(person, roles string) {
	w.Helper()
	_, old, ok := strings.Cut(w.read("lethe.yaml"), "  "+person+": {key: ")
	require.True(w, ok)
	old, _, _ = strings.Cut(old, "}")
	key, _, _ := strings.Cut(old, ", ")
	w.edit("lethe.yaml", "  "+person+": {key: "+old+"}", "  "+person+": {key: "+key+", "+roles+"}")
}

// publicOf is the public key of a person in the configuration, in its quotes.
func (w *inside) publicOf(person string) string {
	w.Helper()
	_, key, _ := strings.Cut(w.read("lethe.yaml"), "  "+person+": {key: ")
	key, _, _ = strings.Cut(key, ", ")
	return key
}

// refusals are what is played. In each a plan of the first night waits, named first; the first time that the chain of
// answers is read it has the signatures under the orders, no more.
func refusals() []refusal {
	approve := func(who, key string, more ...string) []string {
		return append([]string{"approve", "first", "--as", who, "--key", key + ".key"}, more...)
	}
	both := func(w *inside) { w.approve(w.plan("first"), "anna", "bo") }
	apply := []string{"apply"}
	earlier := func(w *inside) { w.at = "2026-11-19T08:00:00Z" }
	setBack := []string{"was signed at 2026-11-20T09:00:00Z: set the clock right"}
	const revoke = "lethe keys new"
	nobody := []string{"lacks a custodian", "lethe approve", "lethe plan discard"}
	return []refusal{
		{"signatures over another digest", func(w *inside) {
			w.approveForged(strings.Repeat("0", 64), "anna", "anna.key")
			w.approveForged(strings.Repeat("0", 64), "bo", "bo.key")
			w.state("first", "approved")
		}, apply, 12, []string{"the approve of bo does not count: it is over another digest", "lethe plan discard"}},
		{"an approval by who owns another silo", func(w *inside) {
			w.edit("lethe.yaml", "  bo:", "  emil: {key: \""+w.stranger()+"\", roles: [\"owner:leads\"]}\n  bo:")
		}, []string{"approve", "first", "--as", "emil", "--key", "own.key"}, 2,
			[]string{"takes an owner of one of its silos (members, ", "the data protection officer may object"}},
		{"a signature under an order by who owns another silo", func(w *inside) {
			w.edit("lethe.yaml", "  bo:", "  emil: {key: \""+w.stranger()+"\", roles: [\"owner:news\"]}\n  bo:")
			w.edit("lethe.yaml", "max_rows: 20", "max_rows: 30")
		}, []string{"order", "sign", "1", "--as", "emil", "--key", "own.key"}, 2,
			[]string{"of silo members", "takes an owner of the silo or a custodian"}},
		{"a document of one silo under the digest of another", func(w *inside) {
			w.journal(`UPDATE answer SET body = CAST(replace(CAST(body AS TEXT), '\"silo\":\"leads\"', '\"silo\":\"members\"') ` +
				`AS BLOB) WHERE about = 'order:leads'`)
			for _, file := range w.answerFiles() {
				require.NoError(w, os.Remove(file))
			}
		}, approve("anna", "anna"), 12, []string{"is not signed by the key that it names", "lethe audit acknowledge"}},
		{"a hold of one silo approved as one of another", func(w *inside) {
			w.must(0, "hold", "place", "--silo", "members", "--case", "1", "--as", "anna", "--key", "anna.key", "--id", "h1")
		}, []string{"hold", "approve", "h1", "--silo", "leads", "--as", "bo", "--key", "bo.key"}, 2,
			[]string{"silo leads has no hold h1", "lethe hold list"}},
		{"a key that has ended", func(w *inside) { w.line("bo", "roles: [custodian], until: 2026-11-20") },
			approve("bo", "bo"), 2, []string{"the key of bo has ended", revoke}},
		{"a key that has ended since", func(w *inside) {
			both(w)
			w.line("bo", "roles: [custodian], until: 2026-11-20")
		}, apply, 12, append(nobody, "the approve of bo does not count: the key has ended")},
		{"a key that was revoked", func(w *inside) {
			w.must(0, "keys", "revoke", "bo", "--as", "bo", "--key", "bo.key", "--comment", "lost")
		}, approve("bo", "bo"), 2, []string{"the key of bo was revoked", revoke}},
		{"a key that was revoked since", func(w *inside) {
			both(w)
			w.must(0, "keys", "revoke", "bo", "--as", "bo", "--key", "bo.key", "--comment", "lost")
		}, apply, 12, append(nobody, "the approve of bo does not count: the key was revoked")},
		{"a key that was revoked, under an order", func(w *inside) {
			w.edit("lethe.yaml", "max_rows: 20", "max_rows: 30")
			w.must(0, "keys", "revoke", "anna", "--as", "bo", "--key", "bo.key", "--as", "dora", "--key", "dora.key", "--comment",
				"lost")
		}, []string{"order", "sign", "1", "--as", "anna", "--key", "anna.key"}, 2, []string{"the key of anna was revoked", revoke}},
		{"a colleague's key revoked by one person twice", func(w *inside) {
			w.must(0, "keys", "revoke", "anna", "--as", "bo", "--key", "bo.key", "--comment", "lost")
		}, []string{"keys", "revoke", "anna", "--as", "bo", "--key", "bo.key", "--comment", "lost"}, 2,
			[]string{"bo has signed it already: another person has to"}},
		{"a colleague's key revoked by one person in two names", func(*inside) {}, []string{"keys", "revoke", "anna", "--as",
			"bo", "--key", "bo.key", "--as", "dora", "--key", "bo.key", "--comment", "lost"}, 2,
			[]string{"the signing key is not dora's"}},
		{"one person under two names", func(w *inside) {
			w.edit("lethe.yaml", "  bo:", "  eve: {key: "+w.publicOf("anna")+", roles: [custodian]}\n  bo:")
		}, approve("eve", "anna"), 2, []string{"people.eve has the key of anna", "every person has a key of their own"}},
		{"one key for two names", func(*inside) {}, approve("bo", "anna"), 2, []string{"the signing key is not bo's",
			"the one under people"}},
		{"one person twice", func(w *inside) { w.approve(w.plan("first"), "anna") }, approve("anna", "anna"), 2,
			[]string{"anna has answered plan", "another person has to"}},
		{"one key in two names, past the command", func(w *inside) {
			w.approve(w.plan("first"), "anna")
			w.approveForged(w.digestOf("first"), "bo", "anna.key")
			w.state("first", "approved")
		}, apply, 12, append(nobody, "the approve of bo does not count: it is signed by another key than the one under people")},
		{"one person who discards twice", func(*inside) {}, []string{"plan", "discard", "first", "--as", "anna", "--key",
			"anna.key", "--as", "bo", "--key", "anna.key", "--comment", "no"}, 2, []string{"the signing key is not bo's"}},
		{"a role taken away after signing", func(w *inside) { both(w); w.line("bo", "roles: [dpo]") }, apply, 12,
			append(nobody, "the approve of bo does not count: there is no role for it (any more)")},
		{"a name taken away after signing", func(w *inside) {
			both(w)
			w.edit("lethe.yaml", "  bo: {", "  bob: {")
		}, apply, 12, append(nobody, "the approve of bo does not count: the name is not among people")},
		{"a role that nobody adopted", func(w *inside) {
			both(w)
			w.must(0, "apply")
			w.at = "2026-12-01T00:15:00Z"
			w.tell("members", "club", "withdrawn m9 2026-11-30")
			w.edit("lethe.yaml", "max_rows: 20", "max_rows: 30") // so that it waits
			w.must(0, "run", "--apply")
			w.waiting("first")
			w.line("dora", "roles: [custodian]")
		}, approve("dora", "dora"), 2, []string{"takes an owner of one of its silos", "or a custodian"}},
		{"a clock set back before the plan", func(w *inside) { w.at = "2026-11-20T18:00:00Z" }, approve("anna", "anna"), 2,
			[]string{"was sealed at 2026-11-21T00:15:00Z: set the clock right"}},
		{"a clock set back before an answer", func(w *inside) {
			w.approve(w.plan("first"), "anna")
			w.at = "2026-11-21T07:00:00Z"
		}, approve("bo", "bo"), 2, []string{"was signed at 2026-11-21T08:00:00Z: set the clock right"}},
		{"a clock set back before an order", func(w *inside) {
			w.edit("lethe.yaml", "max_rows: 20", "max_rows: 30")
			w.at = "2026-11-19T08:00:00Z"
		}, []string{"order", "sign", "1", "--as", "anna", "--key", "anna.key"}, 2,
			[]string{"answer 6 was signed at 2026-11-20T09:00:00Z: set the clock right"}},
		{"a clock set back before a hold", earlier, []string{"hold", "place", "--silo", "members", "--case", "1", "--id", "h1",
			"--as", "anna", "--key", "anna.key"}, 2, setBack},
		{"a clock set back before a policy is adopted", func(w *inside) {
			w.edit("lethe.yaml", "max_percent: 40", "max_percent: 30")
			earlier(w)
		}, []string{"policy", "adopt", "--as", "anna", "--key", "anna.key"}, 2, setBack},
		{"a clock set back before a key is revoked", earlier, []string{"keys", "revoke", "bo", "--as", "bo", "--key", "bo.key",
			"--comment", "lost"}, 2, setBack},
		{"a clock set back before a plan is discarded", earlier, []string{"plan", "discard", "first", "--as", "anna", "--key",
			"anna.key", "--as", "bo", "--key", "bo.key", "--comment", "no"}, 2, []string{"set the clock right"}},
		{"an order for longer than six months, with the clock set on", func(w *inside) {
			w.edit("lethe.yaml", "until: 2027-05-01", "until: 2027-06-01")
		}, []string{"order", "sign", "1", "--as", "anna", "--key", "anna.key"}, 2,
			[]string{"an order is signed for six months at most: write a day up to 2027-05-21"}},
		{"an answer repeated from an old plan", func(w *inside) {
			w.approve(w.plan("first"), "bo")
			old := w.answer("first", "approve")
			w.must(0, "plan", "discard", w.plan("first"), "--as", "anna", "--key", "anna.key", "--as", "bo", "--key", "bo.key",
				"--comment", "anew")
			w.at = "2026-11-22T00:15:00Z"
			w.must(0, "run", "--apply")
			w.waiting("first")
			w.journal("INSERT INTO answer (seq, about, body) SELECT (SELECT max(seq) + 1 FROM answer), 'plan:" +
				w.plan("first") + "', body FROM answer WHERE seq = " + old)
		}, approve("anna", "anna"), 12, []string{"does not follow the one before it", "lethe audit acknowledge"}},
		{"an answer to an old plan, said of a new one", func(w *inside) {
			old := w.digestOf("first")
			w.must(0, "plan", "discard", w.plan("first"), "--as", "anna", "--key", "anna.key", "--as", "bo", "--key", "bo.key",
				"--comment", "anew")
			w.at = "2026-11-22T00:15:00Z"
			w.must(0, "run", "--apply")
			w.waiting("first")
			w.approveForged(old, "anna", "anna.key")
			w.approveForged(old, "bo", "bo.key")
			w.state("first", "approved")
		}, apply, 12, []string{"the approve of bo does not count: it is over another digest"}},
		{"a chain that was cut off after a night saw it", func(w *inside) {
			both(w)
			w.must(0, "run")
			last := w.ask("var/state/journal.db", "SELECT max(seq) FROM answer")
			w.journal("DELETE FROM answer WHERE seq = " + last)
			files := w.answerFiles()
			require.NoError(w, os.Remove(files[len(files)-1]))
		}, apply, 12, []string{"answers are there of", "back from a copy", "lethe audit acknowledge"}},
		{"a chain that lacks one in its middle", func(w *inside) {
			both(w)
			w.journal("DELETE FROM answer WHERE seq = 3")
			w.remove("var/reports/answers/000003.json")
		}, approve("dora", "dora", "--object"), 12, []string{"answer 3 is missing", "lethe audit acknowledge"}},
		{"a configuration that names an unknown person as owner of a rule", func(w *inside) {
			w.edit("lethe.yaml", "owner: anna", "owner: eve")
		}, apply, 2, []string{`silo members: owner "eve" is not among people`}},
		{"one that names an unknown operator", func(w *inside) {
			w.edit("lethe.yaml", "sources:", "operator: {name: eve, key: anna.key}\nsources:")
		}, apply, 2, []string{"operator: name somebody with the role operator under people"}},
		{"somebody unknown", func(*inside) {}, approve("eve", "anna"), 2, []string{`"eve" is not among people`, "public key"}},
		{"a key file that others can read", func(w *inside) { require.NoError(w, os.Chmod(w.path("bo.key"), 0o644)) },
			approve("bo", "bo"), 2, []string{"bo.key has mode 0644", "chmod 600 bo.key"}},
		{"an identity that others can read", func(w *inside) { require.NoError(w, os.Chmod(w.path("var/lethe.age"), 0o644)) },
			apply, 2, []string{"var/lethe.age has mode 0644", "chmod 600"}},
		{"a key file that is none", func(w *inside) { w.write("bo.key", "x") }, approve("bo", "bo"), 2, []string{"bo.key"}},
		{"an order that others signed otherwise", func(w *inside) {
			w.forgeOrder(answers.Order, wider, "bo", "bo.key")
			w.edit("lethe.yaml", "max_rows: 20", "max_rows: 30")
		}, []string{"order", "revoke", "1", "--as", "anna", "--key", "anna.key", "--comment", "no"}, 2,
			[]string{"is not signed: there is nothing to revoke"}},
		{"an order under the digest of another", func(w *inside) {
			w.journal("UPDATE answer SET body = CAST(replace(CAST(body AS TEXT), '" + orders.Digest(signed) + "', '" +
				orders.Digest(wider) + "') AS BLOB) WHERE about = 'order:members'")
			for _, file := range w.answerFiles() {
				require.NoError(w, os.Remove(file))
			}
		}, []string{"order", "list"}, 12, []string{"is not signed by the key that it names", "lethe audit acknowledge"}},
	}
}

// TestWhatDoesNotCountIsRefused plays each end to end: the command is refused with 12 or 2, names the place and what
// leads on, and no row and no answer is another one than before.
func TestWhatDoesNotCountIsRefused(t *testing.T) {
	t.Parallel()
	ready := filepath.Join(t.TempDir(), "ready")
	firstNight(t, ready)
	names := map[string]bool{}
	for _, r := range refusals() {
		require.False(t, names[r.name], "%s: named twice", r.name)
		names[r.name] = true
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			w := &inside{TB: t, dir: filepath.Join(t.TempDir(), "company"), at: "2026-11-21T08:00:00Z"}
			require.NoError(t, copyFolder(ready, w.dir))
			w.waiting("first")
			r.does(w)
			before, said := contents(t, w.dir), w.chain()
			command := strings.Fields(strings.ReplaceAll(strings.Join(r.command, " "), " first ", " "+w.plan("first")+" "))
			w.must(r.code, command...)
			for _, words := range r.says {
				require.Contains(t, w.last, words)
			}
			require.Equal(t, before, contents(t, w.dir), "no row is another one")
			require.Equal(t, said, w.chain(), "no answer is another one")
			require.Contains(t, []int{2, 12}, r.code)
		})
	}
}

// chain is what the journal and the reports hold of answers.
func (w *inside) chain() string {
	w.Helper()
	all := strings.Join(w.list("var/state/journal.db", "SELECT seq, hex(body) FROM answer ORDER BY seq"), "\n")
	files, err := filepath.Glob(w.path("var/reports/answers/*"))
	require.NoError(w, err)
	for _, f := range files {
		text, err := os.ReadFile(f)
		require.NoError(w, err)
		all += fmt.Sprintf("\n%s %s", filepath.Base(f), text)
	}
	return all
}
