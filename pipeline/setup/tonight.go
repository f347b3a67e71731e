package setup

import (
	"fmt"
	"time"

	"lethe/pipeline/numbered"
	"lethe/pipeline/policy/calendar"
)

// Tonight is what holds of one run from its first moment to its last.
type Tonight struct {
	Options
	RunID string
	AsOf  time.Time // the instant of the decisions
	Today calendar.Date
	Epoch string         // of the audit keys: a quarter; "" where nothing is written down
	Room  *numbered.Room // where what there is very much of lies; nil: in memory
}

// inMemory is how many bytes a night keeps in memory of what there is very much of: people, rows that are due and what
// refers to them. What is more lies in a file of the state folder until its end.
const inMemory = 8 << 20

// within is how much a run keeps in memory. One that only applies makes no plan, which needs more than all else.
func within(phases Phases) int64 {
	if phases == ApplyOnly {
		return 8 * inMemory
	}
	return inMemory
}

// Begin fixes the instant of a run. It refuses to change data as of the past, or as of a future that is
// not simulated.
func Begin(p *Setup, o Options, runID string) (Tonight, error) {
	now := p.Now()
	t := Tonight{Options: o, RunID: runID, AsOf: o.AsOf}
	if t.AsOf.IsZero() {
		t.AsOf = now
	}
	if o.Apply && t.AsOf.Before(now) {
		if day := calendar.DateOf(t.AsOf, p.Zone); day != calendar.DateOf(now, p.Zone) {
			return t, fmt.Errorf("%w: --as-of %s lies in the past: what is changed is decided as of now, "+
				"or nobody's change of mind since would count; leave --as-of out, or --apply", ErrConfig, day)
		}
		t.AsOf = now
	}
	t.Room = numbered.NewRoom(p.State, within(o.Phases))
	t.Today = calendar.DateOf(t.AsOf, p.Zone)
	t.Epoch = epochOf(t.Today)
	if o.Apply && t.AsOf.After(now) && !p.Simulated {
		return t, fmt.Errorf("%w: --as-of %s lies in the future: "+
			"changing data then needs `clock: simulated` in the configuration", ErrConfig, t.Today)
	}
	return t, nil
}

// Asking is an instant at which somebody only asks: nothing that is decided is written down, so there is
// no epoch.
func Asking(p *Setup, asOf time.Time) Tonight {
	return Tonight{AsOf: asOf, Today: calendar.DateOf(asOf, p.Zone)}
}

// Written is the same instant for somebody who writes down what they are told.
func (t Tonight) Written() Tonight {
	t.Epoch = epochOf(t.Today)
	return t
}

// epochOf is the quarter of a day: 2026-Q4.
func epochOf(day calendar.Date) string {
	year, month, _ := day.YMD()
	return fmt.Sprintf("%04d-Q%d", year, (month+2)/3)
}
