// Package instant reads what a text says of time. A Writing says how a store or a delivery writes it, where
// a text alone leaves it open; a Reading is what one text means, a Fault why another one is not read. It is
// the one reader of instants: deliveries, databases, dumps and folders of CSV files pass through it.
//
// Read are the forms of ISO 8601-1 for a day and for a day with a time (2026-03-01, 20260301,
// 2026-03-01T10:00:00.5+01:00, 20260301T100000Z), with a space for the T, with - / or . between the numbers of
// a day that begins with its year, and with one digit where two are usual; days with the month in English
// (1 March 2026, Mar 1, 2026), as RFC 5322, RFC 9110 and C's asctime write them; 01/03/2026 where the Writing
// says which number is the day; times with AM or PM; offsets as Z, +01, +0100, +01:00, with a space before
// them or not, UTC, GMT, UTC+1, or the abbreviation that the Writing's own zone has at that time; and counts
// since 1970, told apart by their digits: 9 or 10 are seconds, 13 milliseconds, 16 microseconds, 19 nanoseconds.
//
// Refused is what means two things, or nothing: years of two digits, days whose order nobody said, weeks and
// numbered days, serial numbers of spreadsheets, other abbreviations of zones (IST, CST), counts of 12 digits
// (milliseconds, or 202603011000).
//
// 23:59:60 is the second before it, and 24:00 the first moment of the next day. A civil time that a change of
// the clocks skips or repeats is two instants, First and Last: who grants something by it takes the first,
// who takes away, or counts a term from it, the last, so that no doubt mails somebody or erases anything.
package instant

import (
	"time"

	"lethe/pipeline/policy/calendar"
)

// Order says which number of 01/02/2026 is the day.
type Order string

// The orders. Days that begin with the year are read in any of them.
const (
	DayFirst   Order = "dmy" // 01/02/2026 is the first of February
	MonthFirst Order = "mdy" // 01/02/2026 is the second of January
)

// Known reports whether o is an order, or says nothing.
func (o Order) Known() bool { return o == "" || o == DayFirst || o == MonthFirst }

// Writing is how a store or a delivery writes time.
type Writing struct {
	Zone  *time.Location // of civil times without an offset; nil: UTC
	Order Order          // of days that do not begin with the year; "": they are refused
}

// FixedZone is the zone of an offset, as +02:00 or Z; false for what is none.
func FixedZone(offset string) (*time.Location, bool) {
	at, err := time.Parse("Z07:00", offset)
	if err != nil {
		return nil, false
	}
	_, east := at.Zone()
	if east == 0 {
		return time.UTC, true
	}
	return time.FixedZone(offset, east), east >= -12*3600 && east <= 14*3600
}

// Reading is what a text means. Its instants are to the microsecond, and equal but for a civil time that the
// clocks skip or repeat.
type Reading struct {
	First, Last time.Time
	Date        calendar.Date // as it is written
	Whole       bool          // a day without a time; the instants are its first moment
	Midnight    bool          // a civil time without an offset that is 00:00:00, as fields for instants hold a day
	Skipped     bool          // a civil time that the clocks skip
	Zone        string        // the offset that the text has, or else the name of the Writing's zone
}

// Fault says why a text is not read, and what to do about it. It holds nothing of the text.
type Fault string

// Error is the fault in words.
func (f Fault) Error() string { return string(f) }

// The faults.
const (
	NoInstant    Fault = "no instant in a form that is read, as 2026-03-01 10:00 or 2026-03-01T10:00:00Z"
	NoSuchDay    Fault = "there is no such day or time"
	ShortYear    Fault = "a year of two digits: write four"
	Undecided    Fault = "which number is the day, and which the month? Say dmy or mdy"
	OtherOrder   Fault = "no month has that number: is the order of day and month the other one?"
	WrongDay     Fault = "the day of the week is not that of the date"
	WeekOrDay    Fault = "a week, or a day by its number in the year: write 2026-03-01"
	Serial       Fault = "a serial number of a spreadsheet: give the column the format of a date, and export it again"
	Rounded      Fault = "a number that was rounded: give the column the format of a date, and export it again"
	TwelveDigits Fault = "twelve digits are milliseconds, or a day with hours and minutes: write 2026-03-01T10:00"
	UnknownZone  Fault = "an abbreviation of a zone that several have, or none: write an offset, or say the zone " +
		"and leave the abbreviation out"
	Contradiction Fault = "the zone and the offset contradict each other"
)

// Read says what a text means; its error is a Fault.
func (w Writing) Read(text []byte) (Reading, error) {
	if w.Zone == nil {
		w.Zone = time.UTC
	}
	var buf [maxText]byte
	clean, ok := tidy(buf[:0], text)
	if !ok {
		return Reading{}, NoInstant
	}
	if whole, fraction, ok := countOf(clean); ok {
		return w.count(whole, fraction)
	}
	if scientific(clean) {
		return Reading{}, Rounded
	}
	s := scanner{rest: clean}
	if err := s.all(w.Order); err != nil {
		return Reading{}, err
	}
	return w.resolve(&s)
}

// resolve makes instants of what was found.
func (w Writing) resolve(s *scanner) (Reading, error) {
	date, ok := calendar.Civil(s.year, time.Month(s.month), s.day)
	if !ok {
		return Reading{}, NoSuchDay
	}
	if s.weekday > 0 && (int(date)+6)%7 != s.weekday-1 {
		return Reading{}, WrongDay
	}
	r := Reading{Date: date, Zone: w.Zone.String()}
	if !s.timed {
		r.First, r.Whole = date.Start(w.Zone), true
		r.Last = r.First
		return r, nil
	}
	wall := date.Unix() + int64(s.seconds)
	switch {
	case s.offset != noOffset:
		r.First = time.Unix(wall-int64(s.offset), int64(s.nanos)).UTC()
		r.Last = r.First
		r.Zone = r.First.In(time.FixedZone("", s.offset)).Format("Z07:00")
	case s.abbreviated > 0:
		first, last := civil(wall, s.nanos, w.Zone)
		named := func(t time.Time) bool { name, _ := t.Zone(); return name == string(s.abbreviation[:s.abbreviated]) }
		switch {
		case named(first):
			r.First, r.Last = first, first
		case named(last):
			r.First, r.Last = last, last
		default:
			return Reading{}, UnknownZone
		}
	default:
		r.First, r.Last = civil(wall, s.nanos, w.Zone)
		r.Midnight = s.seconds == 0 && s.nanos == 0
		_, offset := r.First.Zone()
		r.Skipped = r.First.Unix()+int64(offset) != wall
	}
	return r.rounded(), nil
}

// End is the last moment that the text can mean: of a day alone, or its midnight, that of the day.
func (r Reading) End() time.Time {
	if !r.Whole && !r.Midnight {
		return r.Last
	}
	return (r.Date + 1).Start(r.First.Location()).Add(-time.Microsecond)
}

// rounded leaves out what is finer than a microsecond, which no registry keeps.
func (r Reading) rounded() Reading {
	r.First, r.Last = r.First.Truncate(time.Microsecond), r.Last.Truncate(time.Microsecond)
	return r
}

// civil returns the instants at which the clocks of a zone show a time, given as if it were UTC: twice the
// same, but where they are put back (the first and the second time) or forward (what the time would be before
// and after the change).
func civil(wall int64, nanos int, zone *time.Location) (first, last time.Time) {
	const around = 16 * 3600 // no zone is further from UTC
	at := func(by int64) (t time.Time, right bool) {
		_, offset := time.Unix(by, 0).In(zone).Zone()
		t = time.Unix(wall-int64(offset), int64(nanos)).In(zone)
		_, then := t.Zone()
		return t, then == offset
	}
	before, wasRight := at(wall - around)
	after, isRight := at(wall + around)
	switch {
	case wasRight && !isRight:
		return before, before
	case isRight && !wasRight:
		return after, after
	case after.Before(before):
		return after, before
	}
	return before, after
}

// count reads a number: a compact form of a day, or what was counted since 1970, perhaps with a fraction.
func (w Writing) count(digits, fraction []byte) (Reading, error) {
	unit := int64(0) // in nanoseconds
	switch len(digits) {
	case 9, 10:
		unit = 1e9
	case 13:
		unit = 1e6
	case 16:
		unit = 1e3
	case 19:
		unit = 1
	case 8, 14:
		return w.basic(digits, fraction)
	case 12:
		return Reading{}, TwelveDigits
	case 5:
		return Reading{}, Serial
	case 7:
		return Reading{}, WeekOrDay
	}
	if unit == 0 || digits[0] == '0' {
		return Reading{}, NoInstant
	}
	n := int64(0)
	for _, c := range digits {
		n = n*10 + int64(c-'0')
	}
	if n < 0 { // more than 19 digits hold
		return Reading{}, NoInstant
	}
	per := int64(1e9) / unit
	part := n % per * unit
	for scale := unit / 10; len(fraction) > 0 && scale > 0; scale /= 10 {
		part += int64(fraction[0]-'0') * scale
		fraction = fraction[1:]
	}
	at := time.Unix(n/per, part).UTC()
	r := Reading{First: at, Last: at, Date: calendar.DateOf(at, time.UTC), Zone: "Z"}
	return r.rounded(), nil
}

// basic reads 20260301 and 20260301100000.
func (w Writing) basic(digits, fraction []byte) (Reading, error) {
	if fraction != nil {
		return Reading{}, NoInstant
	}
	s := scanner{offset: noOffset}
	if s.basicDate(digits[:8]); len(digits) > 8 && !s.basicClock(digits[8:]) {
		return Reading{}, NoSuchDay
	}
	return w.resolve(&s)
}

// None reports whether the day stands for none, as defaults of schemas and programs write it: 1970-01-01,
// 1900-01-01, 0001-01-01, 9999-12-31 and their like, as it is written or in UTC.
func (r Reading) None() bool {
	return NoDay(r.Date) || !r.Whole && NoDay(calendar.DateOf(r.First, time.UTC))
}

// NoDay reports whether a day stands for none: one on which nothing of anybody alive can have ended, an end of
// what a type can hold, or a beginning from which systems count.
func NoDay(d calendar.Date) bool {
	year, month, day := d.YMD()
	switch n := year*10_000 + int(month)*100 + day; n {
	case 1904_01_01, // day 0 of spreadsheets of the Macintosh
		1969_12_31, 1970_01_01, // second 0, west and east of Greenwich
		2038_01_19, // the last second of 32 bits
		2079_06_06, // the last smalldatetime
		2106_02_07, // the last second of 32 bits without a sign
		2262_04_11, // the last nanosecond of 64 bits
		4501_01_01: // no date, in Outlook
		return true
	default: // the first days of spreadsheets, of 32 bits, of calendars and of nearly everything; and the last ones
		return year < 1902 || year == 9999
	}
}
