package details

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// days says a time in seconds in whole days.
func days(seconds int64) string {
	n := seconds / 86400
	return number(n) + " " + plural(n, "day", "days")
}

func (p *page) instant(t time.Time) string {
	if t.IsZero() {
		return "not known"
	}
	return t.In(p.zone).Format("2 January 2006, 15:04")
}

func (p *page) date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(p.zone).Format("2 Jan 2006")
}

func longDate(date string) string { return reformat(date, "2 January 2006") }

func shortDate(date string) string { return reformat(date, "2 Jan 2006") }

func reformat(date, layout string) string {
	t, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return date
	}
	return t.Format(layout)
}

func span(oldest, newest string) string {
	if oldest == "" || newest == "" || oldest == newest {
		return shortDate(cmp.Or(oldest, newest))
	}
	return shortDate(oldest) + " to " + shortDate(newest)
}

// number writes 1204 as 1,204.
func number(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func plural(n int64, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// entries takes "a;b" apart.
func entries(joined string) []string {
	return strings.FieldsFunc(joined, func(r rune) bool { return r == ';' })
}

// list turns "a;b" into "a, b".
func list(joined string) string {
	return strings.Join(entries(joined), ", ")
}

// word looks a code up, and is the code itself when there is no word for it.
func word(words map[string]string, code string) string { return cmp.Or(words[code], code) }

func place(source, object, column string) string {
	parts := slices.DeleteFunc([]string{source, object, column}, func(s string) bool { return s == "" })
	return strings.Join(parts, ".")
}

func upperFirst(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return string(s[0]-'a'+'A') + s[1:]
}
