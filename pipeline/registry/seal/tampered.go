package seal

import (
	"errors"
	"fmt"
)

// ErrTampered: a chain is broken, a head that was seen before is no longer in it, or a row beside it is not as it
// was written. The error is a *TamperedError.
var ErrTampered = errors.New("registry was tampered with")

// TamperedError names what of a silo is not as it was written: the first event of its chain, or a table with rows
// beside it.
type TamperedError struct {
	Silo  string
	Seq   int64  // of the event, one past the end when events are missing there; 0: it is about a table
	Table string // "" it is about an event
	What  string // in words, no values
}

// Error names the place, and what to do.
func (e *TamperedError) Error() string {
	if e.Table != "" {
		return fmt.Sprintf("registry, silo %q, table %s: %s; restore the registry from a copy and import again what "+
			"came since; where there is none, two people go on with `lethe registry reseal`", e.Silo, e.Table, e.What)
	}
	return fmt.Sprintf("registry, silo %q, event %d: %s; restore the registry from a copy and import again what "+
		"came since; where there is none, make a new one with `lethe registry init`, import all that the applications "+
		"know, and let two people go on with `lethe state rebuild --older-registry`", e.Silo, e.Seq, e.What)
}

// Is makes errors.Is(err, ErrTampered) true.
func (e *TamperedError) Is(target error) bool { return target == ErrTampered }
