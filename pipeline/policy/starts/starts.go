// Package starts reads the days from which terms count, and tells those that are none. A Field is a column with
// such days: how they are written, and which of them stand for no day. A Spread is what all of a column's days
// look like from afar: the oldest, the newest, a mass at one day.
package starts

import (
	"slices"
	"time"

	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/instant"
)

// Field is a column from which a rule's term starts.
type Field struct {
	Name    string
	Column  int
	Kind    string // the name of its connectors.Kind
	Writing instant.Writing
	End     bool           // its days are ends: none lies before the beginning
	Zone    *time.Location // the controller's, in which days are counted
	// Means are the days of which the policy says what they mean: open, unknown or real.
	Means map[calendar.Date]string
	// Nothing are the days that the column's default, or their mass, shows to stand for none: the caller knows.
	Nothing []calendar.Date
}

// The meanings that a policy can give to a day.
const (
	Open    = "open"    // the relation has not ended, as NULL says it
	Unknown = "unknown" // nobody knows the day
	Real    = "real"    // that very day, though many rows have it, or systems write it for none
)

// Read returns the day of a value: zero where it says that there is none yet, calendar.Unreadable where it is
// no day, or one that stands for none. An instant's day is the one on which it falls in the controller's zone;
// of two instants it is the later one, so that no term ends early.
func (f *Field) Read(value []byte) calendar.Date {
	d, written, none := f.day(value)
	if !d.Known() {
		return calendar.Unreadable
	}
	for _, day := range [...]calendar.Date{written, d} {
		switch f.Means[day] {
		case Real:
			return d
		case Open:
			return 0
		case Unknown:
			return calendar.Unreadable
		}
	}
	if none || slices.Contains(f.Nothing, written) || slices.Contains(f.Nothing, d) {
		return calendar.Unreadable
	}
	return d
}

// day reads a value: its day in the controller's zone, the day as it is written, and whether it stands for none.
// The year of an integer stands for its last day, so that no term starts too early.
func (f *Field) day(value []byte) (d, written calendar.Date, none bool) {
	switch f.Kind {
	case "integer", "decimal":
		if year, ok := yearOf(value); ok {
			first, _ := calendar.Civil(year, time.January, 1)
			d, _ = calendar.Civil(year, time.December, 31)
			return d, d, instant.NoDay(first)
		}
	case "date", "timestamp", "text", "float":
	default:
		return calendar.Unreadable, calendar.Unreadable, false
	}
	r, err := f.Writing.Read(value)
	switch {
	case err != nil:
		return calendar.Unreadable, calendar.Unreadable, false
	case r.Whole:
		return r.Date, r.Date, r.None()
	}
	return calendar.DateOf(r.Last, f.Zone), r.Date, r.None()
}

// yearOf reads four digits.
func yearOf(value []byte) (year int, ok bool) {
	if len(value) != 4 {
		return 0, false
	}
	for _, c := range value {
		if c < '0' || c > '9' {
			return 0, false
		}
		year = year*10 + int(c-'0')
	}
	return year, year > 0
}

// Written is the day that a value has, as it is written, whatever it stands for; zero for none.
func (f *Field) Written(value []byte) calendar.Date {
	_, written, _ := f.day(value)
	return max(written, 0)
}

// Default takes a column's default for a day that stands for none.
func (f *Field) Default(value []byte) {
	if d := f.Written(value); d.Known() {
		f.Nothing = append(f.Nothing, d)
	}
}

// AfterBeginnings takes the ends among a row's days for unknown that lie before it began: before that day, zero for
// none, or another of its days that is no end. What the policy says of a day counts.
func AfterBeginnings(fields []*Field, days []calendar.Date, begun calendar.Date) {
	for i, f := range fields {
		if f != nil && !f.End {
			begun = max(begun, days[i])
		}
	}
	for i, f := range fields {
		if f != nil && f.End && days[i].Known() && days[i] < begun && !f.Settled(days[i]) {
			days[i] = calendar.Unreadable
		}
	}
}

// Settled reports whether the policy says what a day means.
func (f *Field) Settled(d calendar.Date) bool { return f.Means[d] != "" }

// maxDays bounds how many days a Spread tells apart: 179 years.
const maxDays = 1 << 16

// Spread gathers the days of a column.
type Spread struct {
	Open    int64 // rows that have none: NULL, or a day that means so
	Unknown int64 // rows with what is no day, or stands for none
	Days    map[calendar.Date]int64
}

// Add takes in what Read returned.
func (s *Spread) Add(d calendar.Date) {
	switch {
	case d == 0:
		s.Open++
		return
	case !d.Known():
		s.Unknown++
		return
	case s.Days == nil:
		s.Days = map[calendar.Date]int64{}
	}
	if _, seen := s.Days[d]; seen || len(s.Days) < maxDays {
		s.Days[d]++
	}
}

// Dated is how many rows have a day.
func (s *Spread) Dated() (n int64) {
	for _, rows := range s.Days {
		n += rows
	}
	return n
}

// Span returns the oldest day and the newest; zero where there is none.
func (s *Spread) Span() (oldest, newest calendar.Date) {
	for d := range s.Days {
		if oldest == 0 || d < oldest {
			oldest = d
		}
		newest = max(newest, d)
	}
	return oldest, newest
}

// Before is how many rows have a day before another.
func (s *Spread) Before(since calendar.Date) (n int64) {
	for d, rows := range s.Days {
		if d < since {
			n += rows
		}
	}
	return n
}

// Most is the day that the most rows have, the earliest of several.
func (s *Spread) Most() (day calendar.Date, rows int64) {
	for d, n := range s.Days {
		if n > rows || n == rows && d < day {
			day, rows = d, n
		}
	}
	return day, rows
}

// massRows is how many rows with one day are a mass at least: of fewer, chance may make most of a table.
const massRows = 10

// Mass is the day of a mass of rows, as hardly any real end has: of at least ten rows that are more than half of
// those with a day, or a quarter of them and ten times as many as have any other day. Zero where there is none.
func (s *Spread) Mass() calendar.Date {
	day, rows := s.Most()
	dated := s.Dated()
	if rows < massRows || 4*rows < dated {
		return 0
	}
	for d, n := range s.Days {
		if d != day && 2*rows <= dated && rows < 10*n {
			return 0
		}
	}
	return day
}
