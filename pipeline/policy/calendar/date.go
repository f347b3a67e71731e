// Package calendar counts days as the law does: a Date is a day without a zone, a Period a number of years,
// months, weeks and days, and EndOf the last day of a period (Regulation 1182/71).
package calendar

import (
	"errors"
	"fmt"
	"time"
)

// Date is a civil date of the proleptic Gregorian calendar, as days since 31 December of year 0, so that
// dates compare with < and ==. It has no zone: whoever makes one says in which zone the day was counted.
// Zero says nothing: no date is known.
type Date int32

// Unreadable stands for a field that holds something which is no date ('0000-00-00', free text). Unlike
// zero (NULL: the row does not say), it never leaves a relation open: the start is unknown.
const Unreadable Date = -1

const (
	epoch   Date = 719163  // 1970-01-01
	MaxDate Date = 3652059 // 9999-12-31
)

// Civil returns the date of a year (1 to 9999), month and day; false when there is no such day.
func Civil(year int, month time.Month, day int) (Date, bool) {
	if year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return 0, false
	}
	return civil(year, month, day), true
}

// civil counts days in years that begin in March, so that the leap day is the last (Howard Hinnant,
// "chrono-Compatible Low-Level Date Algorithms", days_from_civil).
func civil(year int, month time.Month, day int) Date {
	y, m := year, int(month)
	if m <= 2 {
		y--
		m += 12
	}
	return Date(365*y + y/4 - y/100 + y/400 + (153*(m-3)+2)/5 + day - 307 + 1)
}

// DateOf returns the civil date on which t falls in zone. The zero time gives zero, a year outside 1 to
// 9999 gives Unreadable.
func DateOf(t time.Time, zone *time.Location) Date {
	if t.IsZero() {
		return 0
	}
	_, offset := t.In(zone).Zone()
	return dateOfSeconds(t.Unix() + int64(offset))
}

func dateOfSeconds(s int64) Date {
	days := s / 86400
	if s%86400 < 0 {
		days--
	}
	days += int64(epoch)
	if days < 1 || days > int64(MaxDate) {
		return Unreadable
	}
	return Date(days)
}

// LastDay returns the last civil day of the half-open time that ends at t: an end at 00:00 belongs to the
// day before.
func LastDay(t time.Time, zone *time.Location) Date {
	if t.IsZero() {
		return 0
	}
	return DateOf(t.Add(-1), zone)
}

// Known reports whether d is a date.
func (d Date) Known() bool { return d > 0 }

// YMD returns the year, month and day of a known date, and zeros otherwise (days_to_civil of the same source).
func (d Date) YMD() (year int, month time.Month, day int) {
	if d <= 0 {
		return 0, 0, 0
	}
	z := int(d) - 1 + 306
	era := z / 146097
	doe := z - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	year, month, day = yoe+era*400, time.Month(mp+3), doy-(153*mp+2)/5+1
	if month > 12 {
		month -= 12
		year++
	}
	return year, month, day
}

// Start returns the first instant of the day in zone: 00:00, or where the clocks skip midnight the first
// moment that exists.
func (d Date) Start(zone *time.Location) time.Time {
	if !d.Known() {
		return time.Time{}
	}
	y, m, day := d.YMD()
	t := time.Date(y, m, day, 0, 0, 0, 0, zone)
	if DateOf(t, zone) < d {
		_, before := t.Zone()
		_, after := t.Add(24 * time.Hour).Zone()
		t = t.Add(time.Duration(after-before) * time.Second)
	}
	return t
}

// Unix is the first second of the day in UTC, since 1970.
func (d Date) Unix() int64 { return int64(d-epoch) * 86400 }

// String returns the date as 2006-01-02, "" when none is known.
func (d Date) String() string {
	if d <= 0 {
		return ""
	}
	y, m, day := d.YMD()
	if y < 1000 || y > 9999 {
		return fmt.Sprintf("%04d-%02d-%02d", y, int(m), day)
	}
	digit := func(n int) byte { return '0' + byte(n%10) } // a night writes millions of days
	return string([]byte{digit(y / 1000), digit(y / 100), digit(y / 10), digit(y), '-',
		digit(int(m) / 10), digit(int(m)), '-', digit(day / 10), digit(day)})
}

// ParseDate reads a date as the configuration writes it: 2006-01-02.
func ParseDate(s string) (Date, error) {
	if len(s) == 10 {
		if d, ok := isoDate([]byte(s)); ok {
			return d, nil
		}
	}
	return 0, errors.New("not a date: write it as 2006-01-02")
}

// isoDate reads the ten first bytes.
func isoDate(b []byte) (Date, bool) {
	if len(b) < 10 || b[4] != '-' || b[7] != '-' {
		return 0, false
	}
	y, yes := number(b[:4])
	m, mes := number(b[5:7])
	d, des := number(b[8:10])
	if !yes || !mes || !des {
		return 0, false
	}
	return Civil(y, time.Month(m), d)
}

func number(b []byte) (int, bool) {
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

func daysIn(year int, month time.Month) int {
	switch month {
	case time.April, time.June, time.September, time.November:
		return 30
	case time.February:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}
