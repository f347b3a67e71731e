package main_test

import (
	"strings"

	"github.com/stretchr/testify/require"
)

// evening runs a night with another configuration, which is put back before anybody looks.
func (w *inside) evening(edits ...string) {
	w.Helper()
	as := w.read("lethe.yaml")
	for i := 0; i < len(edits); i += 2 {
		w.edit("lethe.yaml", edits[i], edits[i+1])
	}
	w.at = "2026-12-21T20:00:00Z"
	w.Logf("the evening ended with %d: %s", w.lethe("run", "--apply", "--again"), w.last)
	w.write("lethe.yaml", as)
	w.at = measured
}

// inTheEvening have a night run by a policy that nobody adopted, for what it writes for good. That night says so itself;
// the one after it is as if it had not been.
func inTheEvening() []insider {
	evening := func(edits ...string) func(w *inside) { return func(w *inside) { w.evening(edits...) } }
	const members, given = "purpose: club, basis: consent, max_age: P24M", `given: {when: {opt_in: "1"}, at: opt_in_at}`
	return []insider{
		{"shortens a term for an evening", evening("purpose: offers, basis: consent, max_age: P24M",
			"purpose: offers, basis: consent, max_age: P18M"), harmless},
		{"shortens all terms for an evening", func(w *inside) {
			as := w.read("lethe.yaml")
			w.write("lethe.yaml", strings.ReplaceAll(as, "max_age: P24M", "max_age: P1D"))
			w.evening()
			w.write("lethe.yaml", as)
			w.at = measured
		}, harmless},
		{"reads consents as withdrawals for an evening", evening(given, given+`
        withdrawn: {when: {opt_in: "1"}, at: opt_in_at}`), harmless},
		{"imports consents as withdrawals for an evening", func(w *inside) {
			as := w.read("lethe.yaml")
			w.edit("lethe.yaml", given, given+"\n        withdrawn: {when: {opt_in: \"1\"}, at: opt_in_at}")
			w.must(2, "consent", "import", "--silo", "shop", "--from", "crm.shoppers")
			require.Contains(w, w.last, "reads its consents otherwise than people adopted")
			w.write("lethe.yaml", as)
		}, harmless},
		{"reads consents as of long ago for an evening", evening(given, `given: {when: {opt_in: "1"}, at: created_at}`), harmless},
		{"has the registry forget for an evening", evening("subject: {email: email}\n        collected: created_at\n        block",
			"subject: {email: email}\n        where: {blocked: \"7\"}\n        collected: created_at\n        block", members,
			"purpose: club, basis: consent, max_age: P24M", "  members:\n", "  members:\n    proof_retention: P1D\n"), harmless},
		{"has no flag for an evening", evening("{source: crm, table: leads, subject: {email: email}, collected: created_at}",
			`{source: crm, table: leads, subject: {email: email}, collected: created_at, where: {id: "4"}}`), harmless},
	}
}
