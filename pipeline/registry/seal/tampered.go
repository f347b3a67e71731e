package seal

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/internal/tables"
)

// ErrTampered: a chain is broken, a head that was seen before is no longer in it, or a row beside it is not as it
// was written. The error is a *TamperedError.
var ErrTampered = errors.New("registry was tampered with")

// TamperedError names what of a silo is not as it was written: the first event of its chain, or a table with rows
// beside it.
type TamperedError struct {
	Silo  string // "" it is about the whole registry
	Seq   int64  // of the event, one past the end when events are missing there; 0: it is about a table
	Table string // "" it is about an event
	What  string // in words, no values
}

// Error names the place, and what to do.
func (e *TamperedError) Error() string {
	if e.Silo == "" {
		return fmt.Sprintf("registry, %s: %s, and ask `lethe consent verify`; what was written since is to be doubted",
			e.Table, e.What)
	}
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

// Undisturbed says what stands between Lethe and its tables, so that something else would be written, or read, than is
// meant: ErrTampered.
func Undisturbed(ctx context.Context, h database.Handle) error {
	names, err := tables.Foreign(ctx, h)
	if err != nil || len(names) == 0 {
		return err
	}
	return &TamperedError{Table: strings.Join(names, ", "), What: "a trigger, rule or view that is not Lethe's, " +
		"which may write and show something else than there is: look who can make one, drop it"}
}

// Commit makes a transaction last that nothing of somebody else's stood in the way of. A registry of before has other
// guards than this version's, and is not asked.
func Commit(ctx context.Context, tx *database.Txn, is tables.Before) error {
	if is == tables.Current {
		if err := Undisturbed(ctx, tx.Handle); err != nil {
			return err
		}
	}
	return tx.Commit()
}
