package schedule

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

const (
	aDay = 24 * time.Hour
	// early is how long before its time a job may be started for the window of that time.
	early = time.Hour
	// tonight is the longest window that a start without a schedule has beyond midnight: an hour that is further
	// away was rather meant for the night before.
	tonight = aDay / 2
)

// Window says until when a night works that starts now, and has to end at a time of day (15:04). Of a job of the
// schedule it is the window of its last start, which may go over midnight: who starts late, after that window is
// over, is not given the next. A start at most an hour early belongs to the next. Where the job has no start of the
// last day, the end is that of today; if it has passed, that of tomorrow, if it is less than twelve hours away.
// The error says that the window is over.
func Window(jobs []Job, name, until, zone string, now time.Time) (closes time.Time, err error) {
	end, err := time.Parse("15:04", until)
	if err != nil {
		return closes, fmt.Errorf("%q: write a time of day as 15:04", until)
	}
	var job Job
	if i := slices.IndexFunc(jobs, func(j Job) bool { return j.Name == name }); i >= 0 {
		job = jobs[i]
	}
	location, err := time.LoadLocation(cmp.Or(job.Zone, zone))
	if err != nil {
		return closes, err
	}
	s := civil{nil, location}
	if job.Name != "" {
		if s, err = job.times(zone); err != nil {
			return closes, err
		}
		if start := s.last(now); !start.IsZero() {
			return s.ofStart(start, end, now)
		}
	}
	closes = s.closes(now, end)
	if closes.In(location).YearDay() == now.In(location).YearDay() || closes.Sub(now) < tonight {
		return closes, nil
	}
	return closes, &OverError{Closed: s.closes(now.Add(-aDay), end).In(location)}
}

// ofStart is the window of a start, or of the next one if it is about to come.
func (s civil) ofStart(start, end, now time.Time) (time.Time, error) {
	closes := s.closes(start, end)
	if now.Before(closes) {
		return closes, nil
	}
	if next := s.Next(now); next.Sub(now) <= early {
		return s.closes(next, end), nil
	}
	return closes, &OverError{Due: start.In(s.zone), Closed: closes.In(s.zone)}
}

// last is the last start of the last day; zero where there is none.
func (s civil) last(now time.Time) (at time.Time) {
	for next := s.Next(now.Add(-aDay)); !next.IsZero() && !next.After(now); next = s.Next(next) {
		at = next
	}
	return at
}

// OverError says that a window is over before the start.
type OverError struct {
	Due    time.Time // when the job was due; zero without a schedule
	Closed time.Time
}

func (e *OverError) Error() string {
	due := ""
	if !e.Due.IsZero() {
		due = ", of the start that was due at " + e.Due.Format("2006-01-02 15:04") + ","
	}
	return "the window" + due + " closed at " + e.Closed.Format("2006-01-02 15:04") +
		": nothing was done; the next start goes on, or name a later end"
}
