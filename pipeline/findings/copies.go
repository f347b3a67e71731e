package findings

import (
	"lethe/pipeline/audit"
)

// InspectCopies finds applications that are given a copy of a silo's consents, or of another table, which no night of
// those that are remembered gave them. To whom a copy goes is no part of the policy that people adopt.
func (in *Inspector) InspectCopies() {
	type copied struct{ target, silo, source, object string }
	of := func(l *audit.ConsentSync) copied { return copied{l.Target, l.Silo, l.Source, l.Object} }
	known, nights := map[copied]bool{}, 0
	for _, f := range in.Notes.History {
		if f.Run.Phases != "night" || f.Run.Mode != "apply" {
			continue
		}
		nights++
		for _, l := range f.ConsentSync {
			known[of(l)] = true
		}
	}
	for _, l := range in.Notes.Facts.ConsentSync {
		if nights == 0 || known[of(l)] {
			continue
		}
		known[of(l)] = true
		in.Notes.Find(audit.Finding{Kind: "F_COPY_NEW", Severity: "medium", Source: l.Source, Object: l.Object,
			Column: l.Target, Count: 1, Article: "Art. 13(1)(e)", Words: "An application is given a copy of what " +
				"people of silo " + l.Silo + " agreed to, which no night before gave it. Who granted it under " +
				"`sync:` in the configuration?"})
	}
}
