package findings

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"lethe/pipeline/audit"
	"lethe/pipeline/scan"
	"lethe/pipeline/setup"
)

// InspectRemnants finds the fields in which people stand who should be gone: a line of the table for each silo, and a
// finding for each field. Where a live source was not read to its end nobody knows whom it holds: then it is said that
// nothing was looked for.
func (in *Inspector) InspectRemnants() {
	if unsure := in.Scanner.Unsure(); len(unsure) > 0 {
		if len(in.Scanner.Whole()) > 0 {
			in.Notes.Find(audit.Finding{Kind: "F_REMNANT_UNKNOWN", Severity: "low", Source: unsure[0],
				Article: "Art. 5(2)", Count: int64(len(unsure)),
				Words: "Nobody looked tonight for people who should be gone where no silo governs, as it is not " +
					"known whom " + strings.Join(unsure, ", ") + " may hold: the source was not read to its end."})
		}
		return
	}
	left := in.Scanner.Left()
	for i := range left {
		left[i].FirstSeen = in.firstLeft(left[i])
		if in.saysWho(left[i]) || len(in.Setup.Readers[left[i].Silo]) > 0 { // a row of theirs is for them alone
			left[i].Example = 0
		}
	}
	in.Notes.Facts.Remnants = left

	var fields []*leftIn
	for _, line := range left {
		set, backup := in.setOf(line.Source)
		i := slices.IndexFunc(fields, func(f *leftIn) bool {
			return f.Source == set && f.Object == line.Object && f.Column == line.Column
		})
		if i < 0 {
			i = len(fields)
			of := audit.Remnant{Source: set, Object: line.Object, Column: line.Column}
			fields = append(fields, &leftIn{Remnant: of, backup: backup, silos: map[string]audit.Remnant{}})
		}
		fields[i].add(line)
	}
	for _, f := range fields {
		in.Notes.Find(f.finding())
	}
}

// leftIn is who is left in one field, of a live source or of a set of backups, whose files repeat each other.
type leftIn struct {
	audit.Remnant
	backup bool
	files  []string
	silos  map[string]audit.Remnant // the most of one file
}

// add takes a line of the field up.
func (f *leftIn) add(line audit.Remnant) {
	if !slices.Contains(f.files, line.Source) {
		f.files = append(f.files, line.Source)
	}
	if was, ok := f.silos[line.Silo]; !ok || line.People > was.People {
		f.silos[line.Silo] = line
	}
	if line.Since != "" && (f.Since == "" || line.Since < f.Since) {
		f.Since = line.Since
	}
	if f.Example == 0 && !f.backup {
		f.Example = line.Example
	}
	f.More = f.More || line.More
}

// finding is the field as something to look at. It names no silo: people of several are counted in each.
func (f *leftIn) finding() audit.Finding {
	for _, line := range f.silos {
		f.People, f.Erased, f.Rows = f.People+line.People, f.Erased+line.Erased, f.Rows+line.Rows
	}
	found := audit.Finding{Kind: "F_REMNANT", Severity: "high", Source: f.Source, Object: f.Object, Column: f.Column,
		Count: f.People, Article: "Art. 17(1)"}
	least := ""
	if f.More {
		least = "at least "
	}
	var b strings.Builder
	fmt.Fprintf(&b, "People who should be gone stand in this field, which no silo governs: %s%d (%d erased, %d out of "+
		"consent), in %d rows", least, f.People, f.Erased, f.People-f.Erased, f.Rows)
	if f.Since != "" {
		fmt.Fprintf(&b, ", the first since %s", f.Since)
	}
	if len(f.silos) > 1 {
		b.WriteString("; who is gone from several silos counts in each")
	}
	if f.Example != 0 {
		fmt.Fprintf(&b, ". Look at the row with the key %d", f.Example)
	}
	switch {
	case f.backup:
		found.Severity = "medium"
		fmt.Fprintf(&b, ". So it is in %d of these backups, which end by `keep`.", len(f.files))
	default:
		b.WriteString(". Erase it there too, or let a silo govern the table.")
	}
	found.Words = b.String()
	return found
}

// saysWho reports whether the key of a table's rows was found to say something of people: it is not shown.
func (in *Inspector) saysWho(r audit.Remnant) bool {
	s := in.Scanner.Of(r.Source)
	if s == nil { // it was read as far as it could be
		return true
	}
	t, _ := s.Tables.Find(r.Object)
	return slices.ContainsFunc(in.Notes.Facts.Inventory, func(i audit.Inventory) bool {
		return i.Source == r.Source && i.Object == r.Object && scan.Personal(i) && slices.Contains(t.Key, i.Column)
	})
}

// setOf is the set of backups that a source belongs to, or itself, and whether it is a backup.
func (in *Inspector) setOf(source string) (set string, backup bool) {
	i := slices.IndexFunc(in.Setup.Sources, func(s setup.Source) bool { return s.Name == source })
	if i < 0 {
		return source, false
	}
	s := in.Setup.Sources[i]
	return cmp.Or(s.Set, s.Name), s.Backup()
}

// firstLeft is the day of the first of the last nights that found people of a silo in a field.
func (in *Inspector) firstLeft(r audit.Remnant) string {
	first := in.Tonight.Today.String()
	for _, night := range in.Notes.History {
		for _, old := range night.Remnants {
			same := old.Silo == r.Silo && old.Source == r.Source && old.Object == r.Object && old.Column == r.Column
			if same && old.FirstSeen < first {
				first = old.FirstSeen
			}
		}
	}
	return first
}
