package calendar

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// Period is an ISO 8601 duration in calendar units: P2Y, P24M, P1Y6M, P4W, P30D. The zero value is P0D.
type Period struct {
	Years, Months, Weeks, Days int
}

const maxUnits = 1_000_000

// ParsePeriod reads P, then any of nY nM nW nD in this order, at least one of them. Times of day, fractions
// and signs are errors.
func ParsePeriod(s string) (Period, error) {
	var p Period
	rest, ok := strings.CutPrefix(s, "P")
	if !ok || rest == "" {
		return Period{}, errPeriod
	}
	for _, unit := range []struct {
		letter string
		n      *int
	}{{"Y", &p.Years}, {"M", &p.Months}, {"W", &p.Weeks}, {"D", &p.Days}} {
		digits, after, found := strings.Cut(rest, unit.letter)
		if !found {
			continue
		}
		if _, ok := number([]byte(digits)); !ok || digits == "" || len(digits) > 7 {
			return Period{}, errPeriod
		}
		n, err := strconv.Atoi(digits)
		if err != nil || n > maxUnits {
			return Period{}, errPeriod
		}
		*unit.n, rest = n, after
	}
	if rest != "" {
		return Period{}, errPeriod
	}
	return p, nil
}

var errPeriod = errors.New("not a period: write it as P2Y, P24M, P4W or P30D (ISO 8601, calendar units only)")

// UnmarshalText reads the period as ParsePeriod does.
func (p *Period) UnmarshalText(text []byte) error {
	parsed, err := ParsePeriod(string(text))
	if err != nil {
		return err
	}
	*p = parsed
	return nil
}

// MarshalText writes the period as String does.
func (p Period) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// IsZero reports whether the period has no length.
func (p Period) IsZero() bool { return p == Period{} }

// String writes the period in ISO 8601, in the units it was given in.
func (p Period) String() string {
	if p.IsZero() {
		return "P0D"
	}
	var b strings.Builder
	b.WriteByte('P')
	for _, unit := range []struct {
		letter byte
		n      int
	}{{'Y', p.Years}, {'M', p.Months}, {'W', p.Weeks}, {'D', p.Days}} {
		if unit.n != 0 {
			b.WriteString(strconv.Itoa(unit.n))
			b.WriteByte(unit.letter)
		}
	}
	return b.String()
}

// Longest is the most days the period can have.
func (p Period) Longest() int { return 366*p.Years + 31*p.Months + 7*p.Weeks + p.Days }

// EndOf returns the last day of a period that starts with an event on the day start, by Regulation (EEC,
// Euratom) No 1182/71, art. 3: the day of the event is not counted (1), a period in months or years ends
// with the last hour of the day of the same date, and where that day is missing, of the month's last day
// (2)(c). What lasts for the period is alive through that day and ends at 00:00 of the day after, in the
// zone the dates were counted in. Years and months are added first, then weeks and days. A start that is
// not known gives no end; ends beyond 9999-12-31 stop there.
//
// time.AddDate is no substitute: a month from 31 January gives 3 March with it, and a year from 29 February
// 1 March. Art. 3(4), which moves an end on a holiday to the next working day, is for acts that somebody
// has to do in time, not for retention.
func EndOf(start Date, p Period) Date {
	if !start.Known() {
		return start
	}
	end := start
	if p.Years != 0 || p.Months != 0 {
		y, m, d := start.YMD()
		months := y*12 + int(m) - 1 + p.Years*12 + p.Months
		y, m = months/12, time.Month(months%12+1)
		if y > 9999 {
			return MaxDate
		}
		end = civil(y, m, min(d, daysIn(y, m)))
	}
	return Date(min(int64(end)+int64(p.Weeks)*7+int64(p.Days), int64(MaxDate)))
}
