package findings

import (
	"cmp"
	"slices"

	"lethe/pipeline/audit"
	"lethe/pipeline/scan"
)

// InspectKeeping finds sources with personal data that are not encrypted at rest, or do not log who read and changed
// what, as who configured them says; and those of which nobody said it (Art. 32(1)). A set of backups is one source.
func (in *Inspector) InspectKeeping(inventory []audit.Inventory) {
	fields := map[string][]audit.Inventory{}
	for _, i := range inventory {
		if scan.Personal(i) {
			fields[i.Source] = append(fields[i.Source], i)
		}
	}
	type kept struct {
		name, encrypted, logged string
		fields                  []audit.Inventory
	}
	var sources []*kept
	for _, s := range in.Setup.Sources {
		if len(fields[s.Name]) == 0 {
			continue
		}
		name := cmp.Or(s.Set, s.Name)
		at := slices.IndexFunc(sources, func(k *kept) bool { return k.name == name })
		if at < 0 {
			sources, at = append(sources, &kept{name: name, encrypted: s.Encrypted, logged: s.AuditLog}), len(sources)
		}
		sources[at].fields = append(sources[at].fields, fields[s.Name]...)
	}
	for _, s := range sources {
		in.keeping(s.name, "F_UNENCRYPTED", s.encrypted, s.fields, keeping{"is not encrypted at rest",
			"is encrypted at rest", "encrypted", "encrypt the disk, the database or the file"})
		in.keeping(s.name, "F_NO_AUDIT_LOG", s.logged, s.fields, keeping{"does not log who read and changed what",
			"logs who read and changed what", "audit_log",
			"turn the log on, where it can be kept apart from who is logged"})
	}
}

// keeping is how a measure is said: that it is not taken, and that it is; its key in the configuration; the way out.
type keeping struct{ lacks, has, key, way string }

// keeping finds that a measure is not taken for personal data, or that nobody said whether it is.
func (in *Inspector) keeping(source, kind, said string, fields []audit.Inventory, k keeping) {
	f := audit.Finding{Kind: kind, Source: source, Article: "Art. 32(1)"}
	tables := map[[2]string]bool{}
	for _, i := range fields {
		if at := [2]string{i.Source, i.Object}; !tables[at] {
			tables[at] = true
			f.Count += i.Rows
		}
	}
	switch said {
	case "yes":
		return
	case "no":
		f.Severity = "medium"
		if len(grave(fields)) > 0 {
			f.Severity = "high"
		}
		f.Words = "The source holds personal data and " + k.lacks + ", as the configuration says: " + k.way +
			", then write `" + k.key + ": true`."
	default:
		f.Severity = "low"
		f.Words = "The source holds personal data, and nobody said whether it " + k.has + ": find out, and write `" +
			k.key + ": true` or `false` for the source."
	}
	in.Notes.Find(f)
}
