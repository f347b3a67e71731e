package audit

import (
	"fmt"
	"strings"
)

// Said says in one sentence what the days look like from which terms count.
func (s Start) Said() string {
	var b strings.Builder
	fmt.Fprintf(&b, "terms of %s count from %s.%s: ", s.Rule, s.Object, s.Column)
	if s.Rows == 0 {
		b.WriteString("no row has a day")
	} else {
		fmt.Fprintf(&b, "%d rows have a day, from %s to %s", s.Rows, s.Oldest, s.Newest)
		if s.MostRows > 1 {
			fmt.Fprintf(&b, ", most of them (%d) %s", s.MostRows, s.Most)
		}
	}
	if s.Open > 0 {
		fmt.Fprintf(&b, "; %d have none yet", s.Open)
	}
	if s.Unknown > 0 {
		fmt.Fprintf(&b, "; of %d it is not known (E_START_UNKNOWN)", s.Unknown)
	}
	if s.Nothing != "" {
		fmt.Fprintf(&b, "; taken for none, as a mass of rows or the column's default shows: %s "+
			"(dates of the rule says what is meant)", strings.ReplaceAll(s.Nothing, ";", ", "))
	}
	if s.BeforeSince > 0 {
		fmt.Fprintf(&b, "; %d lie before the company's first day", s.BeforeSince)
	}
	return b.String()
}
