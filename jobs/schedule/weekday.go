package schedule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// parseCron reads the five fields as crontab(5) does: 7 is Sunday as 0 is, also where a range ends; and where a
// field of days begins with a star, also as */2, a day must fit both fields. (robfig/cron refuses 7, and takes
// either field to be enough beside */2.)
func parseCron(expression string) (*cron.SpecSchedule, error) {
	fields := strings.Fields(expression)
	if len(fields) == 5 {
		var err error
		if fields[4], err = weekdays(fields[4]); err != nil {
			return nil, err
		}
	}
	parsed, err := cronParser.Parse(strings.Join(fields, " "))
	if err != nil {
		return nil, err
	}
	s := parsed.(*cron.SpecSchedule) // the parser reads no descriptors
	const star = 1 << 63             // as robfig/cron marks a field of days that is *
	given := strings.Fields(expression)
	if strings.HasPrefix(given[2], "*") {
		s.Dom |= star
	}
	if strings.HasPrefix(given[4], "*") {
		s.Dow |= star
	}
	return s, nil
}

// weekdays writes a field of days of the week with 0 for Sunday, as a list where it is not a star.
func weekdays(field string) (string, error) {
	if field == "*" || field == "?" {
		return field, nil
	}
	on := [8]bool{}
	for part := range strings.SplitSeq(field, ",") {
		from, to, step, ok := weekdayRange(part)
		switch {
		case !ok:
			return "", fmt.Errorf("day of week %s: write 0 to 7 (0 and 7 are Sunday), or sun to sat", part)
		case from > to:
			return "", fmt.Errorf("day of week %s ends before it begins: write the days as a list", part)
		}
		for d := from; d <= to; d += step {
			on[d] = true
		}
	}
	on[0] = on[0] || on[7]
	var days []string
	for d := range 7 {
		if on[d] {
			days = append(days, strconv.Itoa(d))
		}
	}
	return strings.Join(days, ","), nil
}

// weekdayRange reads one part of a list of days: a day, a range, or a star, and a step.
func weekdayRange(part string) (from, to, step int, ok bool) {
	days, every, stepped := strings.Cut(part, "/")
	step = 1
	if stepped {
		var err error
		if step, err = strconv.Atoi(every); err != nil || step < 1 {
			return 0, 0, 0, false
		}
	}
	first, last, ranged := strings.Cut(days, "-")
	switch {
	case days == "*" || days == "?":
		return 0, 6, step, true
	case ranged:
		if to, ok = weekday(last); !ok {
			return 0, 0, 0, false
		}
	}
	if from, ok = weekday(first); !ok {
		return 0, 0, 0, false
	}
	switch {
	case !ranged && stepped:
		to = max(from, 6) // as 1/2: from there to the end of the week
	case !ranged:
		to = from
	case to == 0 && from > 0:
		to = 7 // fri-sun
	}
	return from, to, step, true
}

// weekday reads a day: 0 to 7, or its first three letters.
func weekday(text string) (int, bool) {
	if d := slices.IndexFunc([]time.Weekday{0, 1, 2, 3, 4, 5, 6}, func(d time.Weekday) bool {
		return strings.EqualFold(d.String()[:3], text)
	}); d >= 0 {
		return d, true
	}
	if len(text) != 1 || text[0] < '0' || text[0] > '7' {
		return 0, false
	}
	return int(text[0] - '0'), true
}
