package connectors

import (
	"errors"
	"slices"
	"strings"
)

// The sentinels that a connector's errors wrap. An error is permanent unless it wraps ErrTransient. What a
// source cannot do at all is errors.ErrUnsupported.
var (
	// the DSN, path or options cannot work; opening again will not help
	ErrConfig        = errors.New("configuration")
	ErrUnreachable   = errors.New("unreachable")            // no answer, or no such file
	ErrDenied        = errors.New("access denied")          // wrong password or missing right
	ErrPlaintext     = errors.New("connection without TLS") // refused unless the source waives it by name
	ErrSchemaChanged = errors.New("schema changed")         // a table or field asked for does not exist
	// a file is truncated, corrupt or holds what cannot be read for sure
	ErrDamaged = errors.New("damaged or incomplete")
	ErrRefused = errors.New("refused by the database") // a constraint or a trigger refused a change
	// somebody else held rows for longer than the engine waits; comes with ErrTransient
	ErrLocked    = errors.New("locked by another session")
	ErrTransient = errors.New("transient") // worth another try: deadlock, lock timeout, lost connection
)

// RefusedError says what of the database refused a change. It wraps ErrRefused.
type RefusedError struct {
	Class RefusedClass
	By    string // the constraint, field or table as the engine names it; "" where it does not; never a value
}

// RefusedClass is the kind of what refused a change.
type RefusedClass string

// The classes of a RefusedError.
const (
	RefusedForeignKey RefusedClass = "FOREIGN_KEY"
	RefusedCheck      RefusedClass = "CHECK"
	RefusedNotNull    RefusedClass = "NOT_NULL"
	RefusedUnique     RefusedClass = "UNIQUE"
	RefusedTrigger    RefusedClass = "TRIGGER"
	RefusedOther      RefusedClass = "OTHER"
)

var refusedWords = map[RefusedClass]string{RefusedForeignKey: "foreign key", RefusedCheck: "check constraint",
	RefusedNotNull: "not null", RefusedUnique: "unique constraint", RefusedTrigger: "trigger"}

func (e *RefusedError) Error() string {
	text := ErrRefused.Error()
	if words := refusedWords[e.Class]; words != "" {
		text += ": " + words
	}
	if e.By != "" {
		text += " (" + e.By + ")"
	}
	return text
}

func (e *RefusedError) Unwrap() error { return ErrRefused }

// Error gives an error its place. It never holds a value of a record: Err must not either.
type Error struct {
	Op     string // "scan", "mutate", "rewrite", "open", "catalog", "copy"
	Source string // the name given in the configuration, or the file
	Table  string // "" where it does not matter
	Err    error
	Hint   string // what to do next, "" where that is plain

	// Alone says that only this table cannot be read, as it is a file of its own, whatever Err wraps: the queries
	// of the Scan before it were answered, and those behind it can be asked again.
	Alone bool
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op + " " + e.Source)
	if e.Table != "" {
		b.WriteString(" table " + e.Table)
	}
	b.WriteString(": " + e.Err.Error())
	if e.Hint != "" {
		b.WriteString(" (" + e.Hint + ")")
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// Alone reports whether every error that is joined in err is of one table alone.
func Alone(err error) bool {
	if list, ok := err.(interface{ Unwrap() []error }); ok {
		return !slices.ContainsFunc(list.Unwrap(), func(err error) bool { return !Alone(err) })
	}
	var at *Error
	return errors.As(err, &at) && at.Alone
}
