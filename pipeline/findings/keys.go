package findings

import (
	"slices"

	"lethe/pipeline/audit"
	"lethe/pipeline/journal"
	"lethe/pipeline/setup"
)

// keyDays is for how long after its term what is left of a plan's key is looked for.
const keyDays = 30

// InspectKeys finds keys that were destroyed and of which what is left cannot be read, and plans that ended of which
// neither the key is there nor that it was destroyed. Only what needs one of them fails. Made are the silos whose key
// for references in this quarter's reports was not there, and is made anew.
func (in *Inspector) InspectKeys(plans []journal.Plan, made []string) {
	in.remade(made)
	if unread := in.Setup.Keys.Unread(); len(unread) > 0 {
		in.Notes.Find(audit.Finding{Kind: "F_KEY_EVIDENCE_UNREAD", Severity: "medium", Object: unread[0],
			Count: int64(len(unread)), Article: "Art. 5(2)",
			Words: "The keystore's evidence that keys were destroyed (its folder destroyed) cannot be read any more; " +
				"the first is named. They stay destroyed, and all else goes on. Put the files back from a copy."})
	}
	there := in.Setup.Keys.Names("plan/")
	gone := slices.DeleteFunc(slices.Clone(plans), func(p journal.Plan) bool {
		return p.State == journal.Waiting || p.State == journal.Approved ||
			p.ValidUntil.AddDate(0, 0, keyDays).Before(in.Tonight.AsOf) ||
			slices.Contains(there, "plan/"+p.ID) || in.Setup.Keys.Destroyed("plan/"+p.ID)
	})
	if len(gone) > 0 {
		in.Notes.Find(audit.Finding{Kind: "F_KEY_EVIDENCE_GONE", Severity: "medium", Object: gone[0].ID,
			Count: int64(len(gone)), Article: "Art. 5(2)",
			Words: "Of plans that ended the keystore (its folder destroyed) does not say any more that their keys " +
				"were destroyed; the first is named. Put the files back from a copy, and look who can write there."})
	}
}

// remade finds silos whose references in reports are made with another key than earlier in the quarter.
func (in *Inspector) remade(made []string) {
	for _, silo := range made {
		if slices.ContainsFunc(in.Notes.History, func(f audit.Facts) bool {
			night := setup.Asking(in.Setup, f.Run.AsOf).Written()
			return night.Epoch == in.Tonight.Epoch && slices.ContainsFunc(f.Summary, func(s audit.Summary) bool {
				return s.Silo == silo
			})
		}) {
			in.Notes.Find(audit.Finding{Kind: "F_AUDIT_KEY_GONE", Severity: "medium", Object: silo, Count: 1,
				Article: "Art. 5(2)", Words: "The key that makes a silo's references in this quarter's reports was " +
					"gone, and was made anew: a record has another reference from this night on. Put the keystore's " +
					"folder audit back from a copy, and look who can write there."})
		}
	}
}
