// Package figures sums a night up for its page. Its nouns: a Silo in numbers, as it is at the end of the night; a
// night's Figures, which later nights draw as lines; and what is Kept of sources that a run did not read, so that no
// part that nobody looked at becomes 0.
package figures

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/audit"
)

// Silo is one silo in numbers, at the end of the night. Rows are live; copies are rows in backups.
type Silo struct {
	Name      string
	Day       string // civil date of the figures; "" this night
	Sensitive bool   // it holds data of a special kind
	Owner     string // names joined by ';'; "" not known
	Nameless  bool   // its rows name nobody, so that there are no people to count

	People         int64 // -1 not known, or its rows name nobody
	PeopleUnground int64 // -1 not known
	ErasedPeople   int64 // in backups; -1 not known

	Rows, Copies            int64
	Ground, Blocked, Doubt  int64 // rows that stand on a ground, are kept blocked, or in doubt
	Grace, Waiting, Unknown int64 // rows without a ground
	InUse                   int64 // of Waiting: past their end and not blocked
	Ended                   int64 // live rows, tonight
	Pending                 int64 // copies that should be gone
}

// People are the people of silos together: all, those without a ground, those erased and in backups. They are -1 where
// they are not known of a silo, or where the rows of all silos name nobody; one whose rows name nobody adds none.
func People(silos []Silo) (all, unground, erased int64) {
	counted := false
	for _, s := range silos {
		switch {
		case s.Nameless:
		case s.People < 0:
			return -1, -1, -1
		default:
			counted = true
			all, unground, erased = all+s.People, unground+s.PeopleUnground, erased+s.ErasedPeople
		}
	}
	if !counted {
		return -1, -1, -1
	}
	return all, unground, erased
}

// Unground are the rows without a ground.
func (s Silo) Unground() int64 { return s.Grace + s.Waiting + s.Unknown }

// Kind says what lets rows of a line stand.
type Kind int

// The kinds of a line of the summary.
const (
	Ground Kind = iota
	Blocked
	Doubt
	Grace
	Waiting
	Unknown
)

// HeldWords end the words of a line whose rows are due, and stay as others that stay refer to them.
const HeldWords = " It stays, as another record that stays refers to it."

// KindOf tells the kind of a line.
func KindOf(s audit.Summary) Kind {
	switch {
	case s.Action == "delete", s.Action == "anonymize", strings.HasSuffix(s.Words, HeldWords):
		return Waiting
	case strings.HasPrefix(s.Reason, "E_"), s.Reason == "X_NOT_YET_EFFECTIVE":
		return Doubt
	case strings.HasPrefix(s.Reason, "X_"):
		return Unknown
	case strings.HasPrefix(s.Reason, "D_"):
		return Grace
	case s.Use == "blocked":
		return Blocked
	}
	return Ground
}

// InUsePast counts the rows of a line that should have ended, of which so many are left, and that an application may
// go on using.
func InUsePast(s audit.Summary, left int64) int64 {
	switch {
	case KindOf(s) != Waiting:
		return 0
	case s.Use != "blocked":
		return left
	}
	return min(s.InUse, left)
}

// Copies tells the sources whose rows are copies: backups.
func Copies(f audit.Facts) map[string]bool {
	copies := map[string]bool{}
	for _, b := range f.Backups {
		copies[b.Source] = true
	}
	for _, i := range f.Inventory {
		if i.Environment == "backup" {
			copies[i.Source] = true
		}
	}
	return copies
}

// Silos sums silos up. The facts are those that With gives; totals those of the run.
func Silos(f audit.Facts, totals Totals, days map[string]string) []Silo {
	totals = totals.OfWhatWasRead(f)
	if len(f.Silos) > 0 {
		return counted(f, totals)
	}
	copies, silos := Copies(f), map[string]*Silo{}
	of := func(name string) *Silo {
		if silos[name] == nil {
			silos[name] = &Silo{Name: name, People: -1, PeopleUnground: -1, ErasedPeople: -1}
		}
		return silos[name]
	}
	for _, s := range f.Summary {
		of(s.Silo).add(s, Ended(s, totals), copies[s.Source])
		day, at := days[s.Source], &silos[s.Silo].Day
		if day != "" && !copies[s.Source] && (*at == "" || day < *at) {
			*at = day
		}
	}
	for at, n := range totals {
		if at.Done() && at.Ends() && !copies[at.Source] && silos[at.Silo] != nil {
			silos[at.Silo].Ended += n.Rows
		}
	}
	for _, e := range f.Exceptions {
		if s := silos[e.Silo]; s != nil && s.Owner == "" {
			s.Owner = e.Owner
		}
	}
	for name := range Sensitive(f) {
		if s := silos[name]; s != nil {
			s.Sensitive = true
		}
	}
	var list []Silo
	for _, name := range slices.Sorted(maps.Keys(silos)) {
		list = append(list, *silos[name])
	}
	slices.SortStableFunc(list, func(a, b Silo) int { return cmp.Compare(b.Rows, a.Rows) })
	return list
}

// counted are the silos as the table of them has them: people are counted, not only rows. A silo of which nothing was
// ever read is not among them.
func counted(f audit.Facts, totals Totals) (list []Silo) {
	today, copies := f.Run.AsOf.In(Zone(f)).Format(time.DateOnly), Copies(f)
	owners, sensitive, inUse := map[string]string{}, Sensitive(f), map[string]int64{}
	for _, e := range f.Exceptions {
		owners[e.Silo] = cmp.Or(owners[e.Silo], e.Owner)
	}
	for _, s := range f.Summary {
		if !copies[s.Source] {
			inUse[s.Silo] += InUsePast(s, max(s.Rows-Ended(s, totals), 0))
		}
	}
	for _, s := range f.Silos {
		if s.ReadOn == "" && s.Rows == 0 {
			continue
		}
		silo := Silo{Name: s.Silo, Sensitive: sensitive[s.Silo], Owner: cmp.Or(s.Owner, owners[s.Silo]),
			People:         s.People,
			PeopleUnground: s.PeopleWithoutGround, ErasedPeople: s.ErasedPeople, Rows: s.Rows, Copies: s.Copies,
			Ground: s.WithGround, Blocked: s.KeptBlocked, Doubt: s.InDoubt, Grace: s.InGrace,
			Waiting: s.Waiting + s.NotDone, Unknown: s.Unknown, InUse: inUse[s.Silo], Ended: s.RowsEnded}
		if silo.Nameless = s.Nameless; s.Nameless {
			silo.People, silo.PeopleUnground, silo.ErasedPeople = -1, -1, -1
		}
		if s.ReadOn != today {
			silo.Day = s.ReadOn
		}
		list = append(list, silo)
	}
	slices.SortStableFunc(list, func(a, b Silo) int { return cmp.Compare(b.Rows, a.Rows) })
	return list
}

// add counts a line, of whose rows so many were ended.
func (s *Silo) add(line audit.Summary, ended int64, isCopy bool) {
	left := max(line.Rows-ended, 0)
	if isCopy {
		s.Copies += left
		if kind := KindOf(line); kind == Waiting {
			s.Pending += left
		}
		return
	}
	if line.Change == "delete" {
		s.Rows += left
	} else {
		s.Rows += line.Rows
	}
	switch KindOf(line) {
	case Ground:
		s.Ground += line.Rows
	case Blocked:
		s.Blocked += line.Rows
	case Doubt:
		s.Doubt += line.Rows
	case Grace:
		s.Grace += line.Rows
	case Unknown:
		s.Unknown += line.Rows
	case Waiting:
		s.Waiting += left
		if line.Change == "anonymize" {
			s.Ground += line.Rows - left // what is anonymous may stay
		}
		s.InUse += InUsePast(line, left)
	}
}

// Ended counts the rows of a line that were deleted or anonymized.
func Ended(s audit.Summary, totals Totals) (rows int64) {
	if s.Change != "delete" && s.Change != "anonymize" {
		return 0
	}
	for _, status := range []string{"done", "recovered"} {
		for at, n := range totals {
			if at.Silo == s.Silo && at.Source == s.Source && at.Object == s.Object && at.Change == s.Change &&
				at.Reason == s.Reason && at.Status == status {
				rows += n.Rows
			}
		}
	}
	return min(rows, s.Rows)
}

// special are the classes of data of which small counts are not shown.
var special = map[string]bool{"special": true, "criminal": true, "child": true}

// Sensitive are the silos that hold data of a special kind, of crimes or of children.
func Sensitive(f audit.Facts) map[string]bool {
	silos := map[string]bool{}
	for _, i := range f.Inventory {
		if special[i.Class] {
			for silo := range strings.SplitSeq(i.Silo, ";") {
				if silo != "" {
					silos[silo] = true
				}
			}
		}
	}
	return silos
}
