package main_test

import (
	"os"
	"strings"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/answers"
	"lethe/pipeline/journal"
	"lethe/pipeline/orders"
	"lethe/pipeline/registry/keystore"
)

// orderOf adds a reason to the standing order of a silo.
func (w *inside) orderOf(silo, reason string) {
	w.Helper()
	w.edit("lethe.yaml", "{silo: "+silo+", reasons: [", "{silo: "+silo+", reasons: ["+reason+", ")
}

// forge puts an answer into the chain past all that the commands refuse: its place, its signature and its seal hold, of
// one who reads the identity of the keystore.
func (w *inside) forge(a answers.Answer, keyFile string) {
	w.Helper()
	signer, err := keystore.LoadPerson(w.path(keyFile))
	require.NoError(w, err)
	j := w.sealedJournal()
	defer j.Close()
	b, err := answers.Open(w.Context(), j, w.path("var/reports"))
	require.NoError(w, err)
	_, err = b.Sign(w.Context(), a, signer, b.All()[len(b.All())-1].Answer.SignedAt, nil)
	require.NoError(w, err)
}

// sealedJournal opens the journal as who can open the keystore: what they write holds.
func (w *inside) sealedJournal() *journal.Journal {
	w.Helper()
	keys, err := keystore.Open(w.Context(), w.path("var/keys"), w.path("var/lethe.age"))
	require.NoError(w, err)
	sealer, err := keys.Journal()
	require.NoError(w, err)
	j, err := journal.Open(w.Context(), w.path("var/state"), sealer)
	require.NoError(w, err)
	return j
}

// forgeOrder puts a signature under a document into the chain.
func (w *inside) forgeOrder(act answers.Act, document, actor, keyFile string) {
	w.Helper()
	w.forge(answers.Answer{Act: act, About: orders.About("members"), Digest: orders.Digest(document), Document: document,
		Actor: actor}, keyFile)
}

// signed is the order of members as people signed it, wider with a reason more.
const (
	wider = `{"silo":"members","reasons":["D_CONSENT_WITHDRAWN","D_ERASURE_REQUEST"],"max_rows":20,"max_percent":40,` +
		`"valid_until":"2027-05-01"}`
	signed = `{"silo":"members","reasons":["D_CONSENT_WITHDRAWN"],"max_rows":20,"max_percent":40,` +
		`"valid_until":"2027-05-01"}`
)

// inOrders change what stands in other people's names.
func inOrders() []insider {
	const members = "  - {silo: members, reasons: [D_CONSENT_WITHDRAWN], max_rows: 20, max_percent: 40, until: 2027-05-01}\n"
	widen := func(w *inside) { w.orderOf("members", "D_ERASURE_REQUEST") }
	return []insider{
		{"adds reasons to an order", func(w *inside) { w.orderOf("members", "D_CONSENT_EXPIRED, D_ERASURE_REQUEST") }, ""},
		{"makes up an order", func(w *inside) {
			w.edit("lethe.yaml", "orders:\n", "orders:\n  - {silo: members, reasons: [D_CONSENT_EXPIRED], max_rows: 20, "+
				"max_percent: 40, until: 2027-05-01}\n")
		}, ""},
		{"takes an order away", func(w *inside) { w.edit("lethe.yaml", members, "") }, ""},
		{"lets an order end", func(w *inside) { w.edit("lethe.yaml", "until: 2027-05-01", "until: 2026-12-01") }, ""},
		{"lets an order run on", func(w *inside) { w.edit("lethe.yaml", "until: 2027-05-01", "until: 2027-05-20") }, ""},
		{"lets an order allow nothing", func(w *inside) { w.edit("lethe.yaml", "max_rows: 20", "max_rows: 1") }, ""},
		{"lets an order allow everything", func(w *inside) {
			w.edit("lethe.yaml", "max_rows: 20, max_percent: 40", "max_rows: 9999, max_percent: 100")
		}, ""},
		{"makes an order one of another silo", func(w *inside) { w.edit("lethe.yaml", "{silo: leads, r", "{silo: members, r") }, ""},
		{"signs a wider order alone", func(w *inside) {
			widen(w)
			w.must(0, "order", "sign", "1", "--as", "anna", "--key", "anna.key")
		}, ""},
		{"signs a wider order in a colleague's name", func(w *inside) {
			widen(w)
			w.must(0, "order", "sign", "1", "--as", "anna", "--key", "anna.key")
			w.must(2, "order", "sign", "1", "--as", "bo", "--key", "anna.key")
			w.forgeOrder(answers.Order, wider, "bo", "anna.key")
		}, ""},
		{"signs a wider order with a key of their own", func(w *inside) {
			widen(w)
			w.stranger()
			w.forgeOrder(answers.Order, wider, "anna", "anna.key")
			w.forgeOrder(answers.Order, wider, "bo", "own.key")
		}, ""},
		{"signs a wider order as somebody made up", func(w *inside) {
			widen(w)
			w.edit("lethe.yaml", "  bo:", `  eve: {key: "`+w.stranger()+"\", roles: [custodian]}\n  bo:")
			w.forgeOrder(answers.Order, wider, "anna", "anna.key")
			w.forgeOrder(answers.Order, wider, "eve", "own.key")
		}, ""},
		{"puts a signature over one order under another one", func(w *inside) {
			widen(w)
			w.must(0, "order", "sign", "1", "--as", "anna", "--key", "anna.key")
			seq := w.ask("var/state/journal.db", `SELECT seq FROM answer WHERE CAST(body AS TEXT) LIKE `+
				`'%"act":"order"%"actor":"bo"%' ORDER BY seq LIMIT 1`)
			w.journal("INSERT INTO answer (seq, about, body) SELECT (SELECT max(seq) + 1 FROM answer), about, " +
				"replace(body, '" + orders.Digest(signed) + "', '" + orders.Digest(wider) + "') FROM answer WHERE seq = " + seq)
		}, ""},
		{"signs an order for years", func(w *inside) {
			w.edit("lethe.yaml", "until: 2027-05-01", "until: 2029-05-01")
			w.must(2, "order", "sign", "1", "--as", "anna", "--key", "anna.key")
		}, ""},
		{"revokes an order", func(w *inside) {
			w.must(0, "order", "revoke", "1", "--as", "anna", "--key", "anna.key", "--comment", "no")
		}, ""},
		{"revokes an order with a key of their own", func(w *inside) {
			w.stranger()
			w.forgeOrder(answers.Revoke, signed, "bo", "own.key")
		}, ""},
		{"takes the signatures under an order away", func(w *inside) {
			w.journal(`DELETE FROM answer WHERE about = 'order:members'`)
		}, ""},
		{"takes the signatures under an order away wherever they stand", func(w *inside) {
			for _, file := range w.answerFiles() {
				text, err := os.ReadFile(file)
				require.NoError(w, err)
				if strings.Contains(string(text), `"about":"order:members"`) {
					require.NoError(w, os.Remove(file))
				}
			}
			w.journal(`DELETE FROM answer WHERE about = 'order:members'`)
		}, ""},
		{"takes a signer out of the configuration", func(w *inside) {
			_, bo, _ := strings.Cut(w.read("lethe.yaml"), "\n  bo:")
			bo, _, _ = strings.Cut(bo, "\n")
			w.edit("lethe.yaml", "\n  bo:"+bo, "")
		}, ""},
	}
}

// inRoles use the keys that lie on the machine, and one's own, for more than they are for.
func inRoles() []insider {
	return []insider{
		{"revokes their own key", func(w *inside) {
			w.must(0, "keys", "revoke", "anna", "--as", "anna", "--key", "anna.key", "--comment", "no")
		}, ""},
		{"revokes a colleague's key alone", func(w *inside) {
			w.must(0, "keys", "revoke", "bo", "--as", "anna", "--key", "anna.key", "--comment", "no")
		}, ""},
		{"revokes everybody's keys alone, twice each", func(w *inside) {
			for _, name := range []string{"bo", "dora"} {
				w.must(0, "keys", "revoke", name, "--as", "anna", "--key", "anna.key", "--comment", "no")
				w.forge(answers.Answer{Act: answers.Revoke, About: answers.AboutKey(strings.Trim(w.publicOf(name), `"`)),
					Actor: "anna"}, "anna.key")
				w.forge(answers.Answer{Act: answers.Revoke, About: answers.AboutKey(strings.Trim(w.publicOf(name), `"`)),
					Actor: "bo"}, "anna.key")
			}
		}, ""},
		{"revokes a colleague's key with a key of their own", func(w *inside) {
			public := w.stranger()
			w.forge(answers.Answer{Act: answers.Revoke, About: answers.AboutKey(strings.Trim(w.publicOf("bo"), `"`)),
				Actor: "bo"}, "own.key")
			w.forge(answers.Answer{Act: answers.Revoke, About: answers.AboutKey(public), Actor: "bo"}, "own.key")
		}, ""},
		{"gives themselves the role of an operator", func(w *inside) {
			w.line("anna", `roles: ["owner:members", "owner:leads", "owner:news", "owner:shop", "owner:staff", operator]`)
		}, ""},
		{"has a plan discarded by a name that nobody has", func(w *inside) {
			w.stranger()
			w.must(0, "plan", "discard", w.plan("approved"), "--as", "anna", "--key", "anna.key", "--comment", "no")
			w.forge(answers.Answer{Act: answers.Discard, About: answers.AboutPlan(w.plan("approved")),
				Digest: w.digestOf("approved"), Actor: "bo"}, "own.key")
		}, ""},
		{"has a plan discarded alone, twice", func(w *inside) {
			w.must(0, "plan", "discard", w.plan("approved"), "--as", "anna", "--key", "anna.key", "--comment", "no")
			w.forge(answers.Answer{Act: answers.Discard, About: answers.AboutPlan(w.plan("approved")),
				Digest: w.digestOf("approved"), Actor: "anna"}, "anna.key")
			w.state("approved", "rejected")
		}, ""},
	}
}
