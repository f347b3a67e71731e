package schedule

import (
	"time"

	"github.com/robfig/cron/v3"
)

// civil is a schedule by the clocks of a zone. robfig/cron asked in the zone itself would lose a night that
// the clocks jump over, and fire twice in an hour that comes twice; here every time of day fires once on
// every day: one that does not exist fires directly after the jump, together with what else is due then.
type civil struct {
	cron.Schedule
	zone *time.Location
}

// Next is the first time after t.
func (s civil) Next(t time.Time) time.Time {
	t = t.In(s.zone)
	// What the clocks showed before now has fired: a time that they show twice fires the first time.
	clock := time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
	for {
		if clock = s.Schedule.Next(clock); clock.IsZero() {
			return clock
		}
		if at := s.at(clock); at.After(t) {
			return at
		}
	}
}

// at is the first instant at which the zone's clocks show what clock, in UTC, shows; or at which they have
// jumped over it.
func (s civil) at(clock time.Time) time.Time {
	at := time.Date(clock.Year(), clock.Month(), clock.Day(), clock.Hour(), clock.Minute(), clock.Second(), 0, s.zone)
	since, until := at.ZoneBounds()
	switch {
	case !shows(at, clock) && at.Format(time.DateTime) > clock.Format(time.DateTime):
		return since
	case !shows(at, clock):
		return until
	case !since.IsZero():
		_, before := since.Add(-time.Second).Zone()
		_, now := at.Zone()
		if earlier := at.Add(time.Duration(now-before) * time.Second); earlier.Before(since) {
			return earlier
		}
	}
	return at
}

func shows(t, clock time.Time) bool { return t.Format(time.DateTime) == clock.Format(time.DateTime) }

// again reports whether the clocks show once more what they show at an instant.
func again(at time.Time) bool {
	_, until := at.ZoneBounds()
	if until.IsZero() {
		return false
	}
	_, now := at.Zone()
	_, then := until.Zone()
	return !at.Add(time.Duration(now-then) * time.Second).Before(until)
}

// odd says, for the year after from, on which days a job that starts once a day has a time that the clocks
// jump over or show twice.
func (s civil) odd(from time.Time) (missing, twice []string) {
	from = from.In(s.zone)
	for day := range 366 {
		midnight := time.Date(from.Year(), from.Month(), from.Day()+day, 0, 0, 0, 0, time.UTC)
		clock := s.Schedule.Next(midnight.Add(-time.Second))
		if clock.IsZero() || !clock.Before(midnight.AddDate(0, 0, 1)) ||
			s.Schedule.Next(clock).Before(midnight.AddDate(0, 0, 1)) {
			continue // not on that day, or more than once: the night is not lost
		}
		switch at := s.at(clock); {
		case !shows(at, clock):
			missing = append(missing, midnight.Format(time.DateOnly))
		case again(at):
			twice = append(twice, midnight.Format(time.DateOnly))
		}
	}
	return missing, twice
}

// missed reports whether a job's last time before now passed without a run: it is made up for at once, if its
// window is not over. last is when it last ran; a job that never ran waits for its time.
func (s civil) missed(until string, last, now time.Time) (at time.Time, ok bool) {
	for next := s.Next(now.AddDate(0, 0, -8)); !next.IsZero() && !next.After(now); next = s.Next(next) {
		at = next
	}
	if at.IsZero() || last.IsZero() || !last.Before(at) {
		return at, false
	}
	end, err := time.Parse("15:04", until)
	if until == "" || err != nil {
		return at, true
	}
	return at, now.Before(s.closes(at, end))
}

// closes is the first instant after a start at which the clocks show an end, or have jumped over it.
func (s civil) closes(start, end time.Time) time.Time {
	day := start.In(s.zone)
	for {
		clock := time.Date(day.Year(), day.Month(), day.Day(), end.Hour(), end.Minute(), 0, 0, time.UTC)
		if at := s.at(clock); at.After(start) {
			return at
		}
		day = day.AddDate(0, 0, 1)
	}
}
