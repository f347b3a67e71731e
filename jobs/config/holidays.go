package config

import (
	"errors"
	"time"

	"lethe/pipeline/policy/calendar"
)

// Holiday is a public holiday at the controller's seat, as its state designates them (Regulation 1182/71,
// art. 2(1)): a day of one year, or of every year. Holidays give more time for an answer; a list that nobody
// kept up to date only makes answers due earlier than they need be.
type Holiday struct {
	year  int // 0: every year
	month time.Month
	day   int
}

// UnmarshalText reads 2027-03-29, or 12-25 for every year.
func (h *Holiday) UnmarshalText(text []byte) error {
	s := string(text)
	every := len(s) == len("12-25")
	if every {
		s = "2028-" + s // a leap year, so that 02-29 is a day
	}
	day, err := calendar.ParseDate(s)
	if err != nil || len(s) != len("2006-01-02") {
		return errors.New("not a holiday: write a day as 2027-03-29, or as 12-25 where it is one every year")
	}
	h.year, h.month, h.day = day.YMD()
	if every {
		h.year = 0
	}
	return nil
}

// IsOn reports whether the holiday falls on a day.
func (h Holiday) IsOn(day calendar.Date) bool {
	year, month, date := day.YMD()
	return h.month == month && h.day == date && (h.year == 0 || h.year == year)
}
