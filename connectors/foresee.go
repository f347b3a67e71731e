package connectors

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Foreseer is a Source that can tell beforehand what would keep it from what will be asked of it.
type Foreseer interface {
	// Foresee returns what stands in the way of the uses, those of a table together: a right that the user
	// lacks, a table that cannot be changed where it is, a trigger that the engine could not run. Uses that
	// change something are of a Mutator. It asks the engine and leaves everything as it is: no row, no number
	// that the engine gives out next, nothing in its logs. What cannot be seen is an Obstacle in doubt. An
	// error says that it could not be asked.
	Foresee(ctx context.Context, uses []Use) ([]Obstacle, error)
}

// Use is what will be done with a table. Every use reads it.
type Use struct {
	Table  string
	Fields []string // that are read; nil: all of the catalog
	Lock   bool     // rows are read under lock, by the one who changes
	Update []string // fields that are set
	Delete bool     // rows are deleted
}

// Changes reports whether the use takes a Mutator.
func (u Use) Changes() bool { return u.Lock || u.Delete || len(u.Update) > 0 }

// Obstacle is something that stands in the way of a use.
type Obstacle struct {
	Table string // "" where it stands in the way of the whole source
	// Kind is the sentinel that doing it would meet: ErrDenied, ErrRefused, ErrSchemaChanged, ErrConfig, or
	// errors.ErrUnsupported.
	Kind  error
	DSN   string // which way to the source: "dsn" or "apply_dsn"
	User  string // whom the engine takes it for, "" where it knows no users
	What  string // "lacks UPDATE on email, phone", "trigger t calls function f, which is not there"
	Mend  string // the statement or step that mends it, "" where What says it
	Doubt bool   // it could not be seen whether all is well, or rows of others decide it
	// Referrers says that what may not be seen is whether rows of others refer to those to be deleted.
	Referrers bool
}

func (o Obstacle) String() string {
	var b strings.Builder
	if o.Table != "" {
		b.WriteString("table " + o.Table + ": ")
	}
	b.WriteString(o.DSN)
	if o.User != "" {
		b.WriteString(" (" + o.User + ")")
	}
	b.WriteString(": " + o.What)
	if o.Mend != "" {
		b.WriteString(": " + o.Mend)
	}
	return b.String()
}

// CheckUse returns what stands in the way of a use by the catalog alone: a Foreseer asks it first, and the
// engine only where it returns nothing. dsn is the way by which the use is made.
func (ts Tables) CheckUse(u Use, dsn string) []Obstacle {
	wrong := func(kind error, format string, args ...any) []Obstacle {
		return []Obstacle{{Table: u.Table, Kind: kind, DSN: dsn, What: fmt.Sprintf(format, args...)}}
	}
	t, ok := ts.Find(u.Table)
	if !ok {
		return wrong(ErrSchemaChanged, "there is no such table, or none that may be seen")
	}
	for _, name := range slices.Concat(u.Fields, u.Update) {
		if _, ok := t.Field(name); !ok {
			return wrong(ErrSchemaChanged, "there is no field %s, or none that may be seen", name)
		}
	}
	if u.Changes() && len(t.Key) == 0 {
		list := wrong(errors.ErrUnsupported, "rows of a table without a key cannot be changed in place")
		list[0].Mend = "give it a primary key of whole numbers or of text, or a unique constraint of fields that are NOT NULL: " +
			"one of rounded numbers names no row"
		return list
	}
	for _, name := range u.Update {
		if f, _ := t.Field(name); f.Generated {
			return wrong(ErrConfig, "field %s is computed by the engine and cannot be set", name)
		}
	}
	return nil
}
