package figures

import (
	"slices"
	"time"

	"lethe/pipeline/audit"
)

// daily is for how many days each night keeps a line of its own, and monthly for how many months before that one line
// stands for each.
const (
	daily   = 45
	monthly = 14
)

// Night is a night in numbers.
func Night(f audit.Facts, totals Totals, day string) audit.Figures {
	whole, days := With(f)
	n := audit.Figures{Day: day, Nights: 1}
	copies := Copies(whole)
	silos := Silos(whole, totals, days)
	if len(silos) > 0 {
		n.People, n.PeopleUnground, n.ErasedPeople = People(silos)
	}
	for _, s := range silos {
		n.Rows, n.Grace, n.Waiting = n.Rows+s.Rows, n.Grace+s.Grace, n.Waiting+s.Waiting
		n.Unknown, n.InUse = n.Unknown+s.Unknown, n.InUse+s.InUse
	}
	for _, b := range whole.Backups {
		n.Pending += b.Pending
	}
	for at, c := range totals {
		if !at.Ends() || at.Along || copies[at.Source] {
			continue
		}
		n.Planned += c.Rows
		switch {
		case !at.Done():
		case at.Change == "delete":
			n.Deleted += c.Rows
		default:
			n.Anonymized += c.Rows
		}
	}
	for _, r := range f.Requests {
		switch {
		case r.Status != "closed":
			n.Open++
			if r.OverdueDays == 0 {
				n.OpenInTerm++
			}
		case r.ClosedAt.In(Zone(f)).Format(time.DateOnly) == day:
			n.Closed++
			if r.OverdueDays > 0 {
				n.ClosedLate++
			}
		}
	}
	return n
}

// Zone is the controller's.
func Zone(f audit.Facts) *time.Location {
	if zone, err := time.LoadLocation(f.Run.Zone); err == nil {
		return zone
	}
	return time.UTC
}

// Follow puts a night behind those before it. Nights that are long ago become one line a month; of several runs of a
// day the last one stands, with what all of them did.
func Follow(before []audit.Figures, night audit.Figures) []audit.Figures {
	list := slices.Clone(before)
	if i := len(list) - 1; i >= 0 && list[i].Day == night.Day {
		night = together(list[i], night)
		night.Nights = 1
		list = list[:i]
	}
	list = append(list, night)
	last, err := time.Parse(time.DateOnly, night.Day)
	if err != nil {
		return list
	}
	long := last.AddDate(0, 0, -daily).Format(time.DateOnly)
	forgotten := last.AddDate(0, -monthly, 0).Format(time.DateOnly)
	var out []audit.Figures
	for _, n := range list {
		i := len(out) - 1
		switch {
		case n.Day < forgotten:
		case i >= 0 && n.Day < long && out[i].Day[:7] == n.Day[:7]:
			out[i] = together(out[i], n)
		default:
			out = append(out, n)
		}
	}
	return out
}

// together is two nights in one line: what is at the end of the later, and what both did.
func together(a, b audit.Figures) audit.Figures {
	b.Nights += a.Nights
	b.Planned, b.Deleted, b.Anonymized = a.Planned+b.Planned, a.Deleted+b.Deleted, a.Anonymized+b.Anonymized
	b.Closed, b.ClosedLate = max(a.Closed, b.Closed), max(a.ClosedLate, b.ClosedLate)
	if a.Day != b.Day {
		b.Closed, b.ClosedLate = a.Closed+b.Closed, a.ClosedLate+b.ClosedLate
	}
	return b
}
