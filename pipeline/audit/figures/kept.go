package figures

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/audit"
)

// Conclude puts into a run's facts what later runs need of it: what it ended, what it keeps of the run before it, the
// first of those before, and the night in numbers. totals are what the run settled, day is its civil date.
func Conclude(f *audit.Facts, before []audit.Facts, totals Totals, day string) {
	f.Ended = nil
	for at, n := range totals {
		if at.Done() && at.Ends() {
			f.Ended = append(f.Ended, audit.Ended{Silo: at.Silo, Source: at.Source, Object: at.Object,
				Change: at.Change, Reason: at.Reason, Rows: n.Rows})
		}
	}
	slices.SortFunc(f.Ended, func(a, b audit.Ended) int {
		return cmp.Or(cmp.Compare(a.Silo, b.Silo), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Object, b.Object),
			cmp.Compare(a.Change, b.Change), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Rows, b.Rows))
	})
	f.Kept, f.Nights = nil, nil
	var nights []audit.Figures
	if len(before) > 0 {
		last := goneOn(before)
		keep(f, &last)
		nights = before[0].Nights
	}
	f.Nights = Follow(nights, Night(*f, totals, day))
}

// goneOn is the last of the runs, the newest first, each with its own alone; of one that only applied, with what its
// night read and decided, less what was ended since.
func goneOn(runs []audit.Facts) audit.Facts {
	last := runs[0]
	if last.Run.Night == "" {
		return last
	}
	ended := slices.Clone(last.Ended)
	for _, r := range runs[1:] {
		switch {
		case r.Run.RunID == last.Run.Night:
			last.Run.AsOf, last.Summary, last.Inventory = r.Run.AsOf, r.Summary, r.Inventory
			last.Ended = append(ended, r.Ended...)
			return last
		case r.Run.Night == last.Run.Night:
			ended = append(ended, r.Ended...)
		}
	}
	return last
}

// keeping gathers what is kept, source by source.
type keeping struct {
	day    string
	at     map[string]*audit.Kept
	order  []string
	failed map[string]bool // sources
	// undecided and unread say that the run decided nothing, and that it read nothing.
	undecided, unread bool
}

func (k *keeping) of(source string) *audit.Kept {
	if k.at[source] == nil {
		k.at[source] = &audit.Kept{Source: source, Day: k.day}
		k.order = append(k.order, source)
	}
	return k.at[source]
}

func (k *keeping) decisions(source string) bool { return k.undecided || k.failed[source] }
func (k *keeping) tables(source string) bool    { return k.unread || k.failed[source] }

// keep puts into a run's facts what the run before it said of what this one did not look at: decisions where it
// decided nothing, tables where it read none, and all of the sources that failed.
func keep(f *audit.Facts, before *audit.Facts) {
	k := keeping{day: before.Run.AsOf.In(Zone(*before)).Format(time.DateOnly), at: map[string]*audit.Kept{},
		failed: map[string]bool{}, undecided: len(f.Summary) == 0, unread: true}
	for _, i := range f.Inventory {
		if i.Object == "" && i.State == "failed" {
			k.failed[i.Source] = true
		} else if i.State == "scanned" {
			k.unread = false
		}
	}
	k.decided(before)
	k.read(f, before)
	for _, old := range before.Kept { // which that run had not looked at either
		if (k.decisions(old.Source) || k.tables(old.Source)) && k.at[old.Source] == nil {
			kept := old
			k.at[old.Source] = &kept
			k.order = append(k.order, old.Source)
		}
	}
	for _, source := range k.order {
		kept := *k.at[source]
		kept.Summary = less(kept.Summary, before.Ended)
		f.Kept = append(f.Kept, kept)
	}
}

// decided keeps what was decided.
func (k *keeping) decided(before *audit.Facts) {
	for _, s := range before.Summary {
		if k.decisions(s.Source) {
			k.of(s.Source).Summary = append(k.of(s.Source).Summary, s)
		}
	}
	for _, e := range before.Exceptions {
		if k.decisions(e.Source) {
			k.of(e.Source).Exceptions = append(k.of(e.Source).Exceptions, e)
		}
	}
}

// read keeps what was read.
func (k *keeping) read(f, before *audit.Facts) {
	for _, i := range before.Inventory {
		if (i.Column == "" || special[i.Class]) && i.Object != "" && i.Change != "gone" && k.tables(i.Source) {
			k.of(i.Source).Inventory = append(k.of(i.Source).Inventory, i)
		}
	}
	for _, x := range before.Findings {
		known := slices.ContainsFunc(f.Findings, func(found audit.Finding) bool {
			return found.FindingID == x.FindingID
		})
		if k.tables(x.Source) && x.Kind != "F_SOURCE_FAILED" && !known {
			k.of(x.Source).Findings = append(k.of(x.Source).Findings, x)
		}
	}
	for _, b := range before.Backups {
		if k.tables(b.Source) {
			k.of(b.Source).Backups = append(k.of(b.Source).Backups, b)
		}
	}
}

// less are lines of a summary without the rows that were ended.
func less(lines []audit.Summary, ended []audit.Ended) []audit.Summary {
	lines = slices.Clone(lines)
	for i := range lines {
		s := &lines[i]
		for _, e := range ended {
			if e.Silo == s.Silo && e.Source == s.Source && e.Object == s.Object && e.Change == s.Change &&
				e.Reason == s.Reason {
				s.Rows = max(s.Rows-e.Rows, 0)
			}
		}
	}
	return slices.DeleteFunc(lines, func(s audit.Summary) bool { return s.Rows == 0 && s.Change == "delete" })
}

// With is a run's facts with what is kept of the sources that it did not read, and from which day that is, by source.
func With(f audit.Facts) (audit.Facts, map[string]string) {
	days := map[string]string{}
	if len(f.Kept) == 0 {
		return f, days
	}
	f.Summary, f.Inventory = slices.Clone(f.Summary), slices.Clone(f.Inventory)
	f.Exceptions = slices.Clone(f.Exceptions)
	f.Findings, f.Backups = slices.Clone(f.Findings), slices.Clone(f.Backups)
	answered := func(a audit.Approval) bool { return slices.Contains([]string{"adopt", "order", "revoke"}, a.Decision) }
	adopted := slices.ContainsFunc(f.Approvals, answered)
	for _, k := range f.Kept {
		days[k.Source] = k.Day
		f.Summary = append(f.Summary, k.Summary...)
		f.Inventory = append(f.Inventory, k.Inventory...)
		f.Exceptions = append(f.Exceptions, k.Exceptions...)
		for _, old := range k.Findings {
			if !adopted || !strings.HasPrefix(old.Kind, "F_ORDER") && old.Kind != "F_POLICY_UNADOPTED" {
				f.Findings = append(f.Findings, old)
			}
		}
		for _, old := range k.Backups {
			known := func(x audit.Backup) bool { return x.Path == old.Path }
			if !slices.ContainsFunc(f.Backups, known) {
				f.Backups = append(f.Backups, old)
			}
		}
	}
	return f, days
}
