// Package tonight is what the blocks of a night's page are written from. Its nouns: the Night (a run's facts, summed
// up, with the words of a language), and the Outcome of what was to end.
package tonight

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/figures"
	"lethe/pipeline/audit/page/lang"
)

// Night is a run's facts, summed up.
type Night struct {
	*lang.Words
	Facts   audit.Facts // with what is kept of sources that were not read
	Run     audit.Run
	Own     audit.Facts
	Totals  figures.Totals    // of the run
	OfDay   figures.Totals    // and of those on which it goes on, of its civil day
	OfRead  figures.Totals    // of all that was read, and settled then
	Days    map[string]string // of figures that are not of tonight, by source
	Silos   []figures.Silo
	Copies  map[string]bool
	Today   time.Time // civil day, at 0:00 UTC
	Zone    *time.Location
	Nights  []audit.Figures // this and those before it, without months of long ago
	Figures audit.Figures   // this
	Done    Outcome         // of live rows that were to end
	Broken  bool            // the evidence does not hold
}

// Outcome counts live rows of which it was decided that they end, by what became of them, and those that went along.
type Outcome struct{ Planned, Deleted, Anonymized, Again, Drift, Refused, Failed, Along int64 }

// Ended are the rows that ended.
func (o Outcome) Ended() int64 { return o.Deleted + o.Anonymized }

// New sums a run up. date is its civil date.
func New(f audit.Facts, totals figures.Totals, date string, words *lang.Words) *Night {
	n := &Night{Words: words, Own: f, Run: f.Run, Totals: totals, Zone: figures.Zone(f)}
	n.Facts, n.Days = figures.With(f)
	n.Silos, n.Copies = figures.Silos(n.Facts, totals, n.Days), figures.Copies(n.Facts)
	n.Today = Day(date)
	n.Nights = f.Nights
	if len(n.Nights) == 0 {
		n.Nights = []audit.Figures{figures.Night(f, totals, date)}
	}
	n.Figures = n.Nights[len(n.Nights)-1]
	n.Nights = n.Nights[max(0, len(n.Nights)-30):]
	for len(n.Nights) > 1 && n.Nights[0].Nights > 1 {
		n.Nights = n.Nights[1:]
	}
	n.Broken = n.Run.ExitCode == 12
	n.OfDay, n.OfRead = totals.OfDay(f, date), totals.OfWhatWasRead(f)
	for at, c := range n.OfDay {
		if !at.Ends() || n.Copies[at.Source] {
			continue
		}
		if at.Along {
			if at.Done() {
				n.Done.Along += c.Rows
			}
			continue
		}
		n.Done.Planned += c.Rows
		switch {
		case at.Done() && at.Change == "delete":
			n.Done.Deleted, n.Done.Again = n.Done.Deleted+c.Rows, n.Done.Again+min(c.Verified, c.Rows)
		case at.Done():
			n.Done.Anonymized, n.Done.Again = n.Done.Anonymized+c.Rows, n.Done.Again+min(c.Verified, c.Rows)
		case at.Status == "skipped_drift":
			n.Done.Drift += c.Rows
		case at.Status == "refused":
			n.Done.Refused += c.Rows
		default:
			n.Done.Failed += c.Rows
		}
	}
	return n
}

// Part says that the run was only a part of a night.
func (n *Night) Part() bool {
	return n.Run.Phases == "apply" || n.Run.Phases == "sync"
}

// Day is a civil date; the zero time where there is none.
func Day(date string) time.Time {
	t, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return time.Time{}
	}
	return t
}

// Civil is the civil day of an instant in the controller's zone.
func (n *Night) Civil(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return Day(t.In(n.Zone).Format(time.DateOnly))
}

// Within is how many days a day is away from the night's.
func (n *Night) Within(t time.Time) int { return int(t.Sub(n.Today).Hours() / 24) }

// When says a day: with its weekday within two weeks, with its year where that is another.
func (n *Night) When(t time.Time) string {
	switch d := n.Within(t); {
	case t.IsZero():
		return "–"
	case d > -14 && d < 14:
		return n.Weekday(t)
	case t.Year() == n.Today.Year():
		return n.Day(t)
	}
	return n.DayYear(t)
}

// Clock is an instant of a day in the controller's zone.
func (n *Night) Clock(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.In(n.Zone).Format("15:04")
}

// Count is a number of a silo's rows; one that could single out a person of a sensitive silo is not shown.
func (n *Night) Count(silo string, rows int64) string {
	if n.Few(silo, rows) {
		return "<5"
	}
	return n.Number(rows)
}

// Told is the same to be put into a message, which says one form of a noun by how many there are.
func (n *Night) Told(silo string, rows int64) any {
	if n.Few(silo, rows) {
		return "<5"
	}
	return rows
}

// Few says that a count of a silo is not shown.
func (n *Night) Few(silo string, rows int64) bool {
	return rows > 0 && rows < 5 &&
		slices.ContainsFunc(n.Silos, func(s figures.Silo) bool { return s.Name == silo && s.Sensitive })
}

// SiloName is a silo's name, or that there is none.
func (n *Night) SiloName(name string) string { return lang.Short(cmp.Or(name, n.Say("no.silo")), 40) }

// Unread are the sources that this run was to read and did not.
func (n *Night) Unread() (names []audit.Inventory) {
	for _, i := range n.Own.Inventory {
		if i.Object == "" && i.State == "failed" {
			names = append(names, i)
		}
	}
	return names
}

// OpenHints are the hints of an incident that nobody has assessed, the first first.
func (n *Night) OpenHints() []audit.Hint {
	return slices.DeleteFunc(slices.Clone(n.Facts.Hints), func(h audit.Hint) bool { return !h.ClosedAt.IsZero() })
}

// Series are the nights' values of one figure.
func (n *Night) Series(of func(audit.Figures) int64) []int64 {
	list := make([]int64, len(n.Nights))
	for i, f := range n.Nights {
		list[i] = of(f)
	}
	return list
}

// Unground are the rows without a ground.
func Unground(f audit.Figures) int64 { return f.Grace + f.Waiting + f.Unknown }

// Undecided says that nothing was decided, tonight or before.
func (n *Night) Undecided() bool { return len(n.Silos) == 0 }

// Holding are the backups that hold what should be gone, and the day on which the last of them goes.
func (n *Night) Holding() (files int64) {
	for _, b := range n.Facts.Backups {
		if n.still(b) > 0 {
			files++
		}
	}
	return files
}

// People says that what is still in backups is said of people, whose rows a night ended: of rows where nobody counted
// people, or where rows are due that no night ended yet.
func (n *Night) People() bool {
	return n.Figures.ErasedPeople > 0 || n.Figures.ErasedPeople == 0 && n.Figures.Pending == 0
}

// still is what is in a backup and should not be.
func (n *Night) still(b audit.Backup) int64 {
	if n.People() {
		return b.ErasedPeople
	}
	return b.Pending
}

// LastCopy is the day on which the last backup goes that holds what should be gone; zero where that is not known.
func (n *Night) LastCopy() (last time.Time) {
	for _, b := range n.Facts.Backups {
		if n.still(b) == 0 {
			continue
		}
		end := Day(b.GoesOn)
		if end.IsZero() {
			end = n.Civil(b.ExpiresAt)
		}
		if end.IsZero() {
			return time.Time{}
		}
		if end.After(last) {
			last = end
		}
	}
	return last
}

// Requests counts those that are open, in term, due within a week, and those closed in 90 days, in term.
func (n *Night) Requests() (open, inTerm, week, closed, closedInTerm int64) {
	for _, r := range n.Facts.Requests {
		by := Day(cmp.Or(r.ExtendedTo, r.DueOn))
		switch {
		case r.Status == "closed":
			if n.Within(n.Civil(r.ClosedAt)) > -90 {
				if closed++; r.OverdueDays == 0 {
					closedInTerm++
				}
			}
		default:
			if open++; r.OverdueDays == 0 {
				inTerm++
				if r.Status != "paused" && !by.IsZero() && n.Within(by) <= 7 {
					week++
				}
			}
		}
	}
	return open, inTerm, week, closed, closedInTerm
}

// Dagger says that a silo's figures are marked as those of another day. Those of the night that `lethe apply` follows
// are not: the page is that night's, made again.
func (n *Night) Dagger(s figures.Silo) bool {
	if s.Day == "" {
		return false
	}
	for _, other := range n.Silos {
		if other.Day == "" || other.Day > s.Day {
			return true
		}
	}
	return !n.Part()
}

// Owner is who answers for a silo, as far as it is known.
func (n *Night) Owner(silo string) string {
	for _, s := range n.Silos {
		if s.Name == silo {
			return s.Owner
		}
	}
	return ""
}

// RequestKind is the kind of a request in words.
func (n *Night) RequestKind(kind string) string {
	if key := "request." + kind; n.Has(key) {
		return n.Say(key)
	}
	return lang.Name(kind)
}

// Reason says in a few words why rows stand or go.
// NoRegistry says that the consent registry, or a part of it, was missing, empty or too old.
func (n *Night) NoRegistry() bool { return n.Run.ExitCode == 10 }

func (n *Night) Reason(code string) string {
	if key := "reason." + code; n.Has(key) {
		return n.Say(key)
	}
	return lang.Name(code)
}

// Point is a sentence with the queries behind its numbers.
type Point struct {
	Text    string
	Queries []string
}

// Joined joins texts that are not empty.
func Joined(by string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), by)
}

// Lower makes the first letter small.
func Lower(s string) string {
	for i, r := range s {
		return strings.ToLower(string(r)) + s[i+len(string(r)):]
	}
	return s
}
