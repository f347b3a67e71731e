package main_test

// byCommand are those who use what the program offers to who reaches the keystore, or to an owner alone.
func byCommand() []insider {
	does := func(codes int, args ...string) func(w *inside) {
		return func(w *inside) {
			w.at = "2026-12-21T20:00:00Z"
			w.must(codes, args...)
			w.at = measured
		}
	}
	const agreed = "email,purpose,type,occurred_at,notice,method,evidence\n" +
		"m9@example.org,club,given,2026-12-21T19:00:00Z,v3,form,x\n"
	anna := []string{"--as", "anna", "--key", "anna.key"}
	return []insider{
		{"adopts a longer term alone", func(w *inside) {
			w.edit("lethe.yaml", "purpose: catalogue, basis: consent, marketing: true, max_age: P24M, grace: P30D",
				"purpose: catalogue, basis: consent, marketing: true, max_age: P60M, grace: P30D")
			does(0, append([]string{"policy", "adopt"}, anna...)...)(w)
		}, ""},
		{"asks for erasure in a member's name", does(0, "request", "open", "--silo", "members", "--kind", "erasure", "--subject",
			"email=m2@example.org"), ""},
		{"asks for erasure in a member's name, and fulfils it", func(w *inside) {
			does(0, "request", "open", "--silo", "members", "--kind", "erasure", "--subject", "email=m2@example.org",
				"--id", "planted")(w)
			w.lethe("request", "verify", "planted", "--silo", "members", "--by", "known_address")
			w.Logf("%d %s", w.lethe("request", "fulfil", "planted"), w.last)
		}, ""},
		{"refuses what a member asked", does(0, "request", "close", "r8", "--silo", "members", "--outcome", "refused",
			"--exception", "17(3)(e)"), ""},
		{"has a member's data restricted", does(0, "request", "open", "--silo", "members", "--kind", "restriction", "--subject",
			"email=m9@example.org"), ""},
		{"asks for the data of one who withdrew", does(0, "request", "open", "--silo", "members", "--kind", "access",
			"--subject", "email=m9@example.org"), ""},
		// What somebody delivers who may, is what is known, and is named; a role user:SILO closes the door, and then it
		// is signed.
		{"says that one who withdrew agreed", does(0, "consent", "record", "--silo", "members", "--subject", "email=m9@example.org",
			"--purpose", "club", "--type", "given", "--notice", "v3", "--method", "form", "--evidence", "x"), ""},
		{"says in a file that one who withdrew agreed", func(w *inside) {
			w.write("made-up.csv", agreed)
			does(0, "consent", "import", "--silo", "members", "--source", "till", "made-up.csv")(w)
		}, ""},
		{"delivers under a name of Lethe's own", func(w *inside) {
			w.write("made-up.csv", agreed)
			does(2, "consent", "import", "--silo", "members", "--source", "lethe", "made-up.csv")(w)
		}, harmless},
		{"places a hold alone", does(0, append([]string{"hold", "place", "--silo", "members", "--subject", "email=m9@example.org",
			"--case", "1", "--id", "h1"}, anna...)...), ""},
		{"gives a silo a new version of its key", does(0, "keys", "rotate", "--silo", "shop"), harmless},
	}
}
