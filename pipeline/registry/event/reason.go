package event

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strconv"
)

// ErrRefused: an event, hold or request cannot be recorded as it is. The error may be a *RefusedError.
var ErrRefused = errors.New("refused")

// Reason says why an event was refused.
type Reason string

// The reasons.
const (
	BadLine       Reason = "E_LINE"   // the line cannot be read
	UnknownColumn Reason = "E_COLUMN" // a name that is no column of an import
	OpenQuote     Reason = "E_QUOTE"  // a quote is opened and not closed in its line
	BadType       Reason = "E_TYPE"   // no such event type, or not one that a source may deliver
	// missing or unreadable instant, an end before the beginning, or a consent before it was given
	BadTime        Reason = "E_TIME"
	BadTermination Reason = "E_TERMINATION"    // the end of a consent in words that nobody can compute with
	BadText        Reason = "E_TEXT"           // control characters, or too long
	BadFlag        Reason = "E_FLAG"           // not yes or no
	NoIdentifier   Reason = "E_NO_IDENTIFIER"  // the event names nobody
	BadIdentifier  Reason = "E_ID_UNPARSEABLE" // an identifier is not one of its kind
	// it cannot be told whose an identifier is
	AmbiguousIdentifier Reason = "E_ID_AMBIGUOUS"
	// the identifiers lead to different collections, or a grant to several
	IdentityConflict Reason = "E_ID_CONFLICT"
	// a grant under identifiers that other rows have too
	SharedIdentifier Reason = "E_ID_SHARED"
	NoPurpose        Reason = "E_NO_PURPOSE"        // the type needs a purpose
	UnknownPurpose   Reason = "E_PURPOSE"           // not a purpose of the silo
	NoNotice         Reason = "E_NO_NOTICE"         // given and renewed need a notice
	ImpliedConsent   Reason = "E_IMPLIED_CONSENT"   // no affirmative act: Art. 4(11), recital 32
	UnknownMethod    Reason = "E_METHOD"            // not a known affirmative act
	DuplicateDiffers Reason = "E_DUPLICATE_DIFFERS" // the id was recorded with other content
	BadRecord        Reason = "E_RECORD"            // not a row of a table that the silo governs
	// a consent to marketing of somebody who said no, and who did not provably say yes since
	Suppressed Reason = "E_SUPPRESSED"
)

// RefusedError says why an event was refused and which column is the cause, never a value.
type RefusedError struct {
	Reason Reason
	Column string // "" when the cause is no single column
	Why    string // more than the reason's own words say, without any value; "" nothing
}

// Error names the reason, the column and what the reason means.
func (e *RefusedError) Error() string {
	words := cmp.Or(e.Why, reasonWords[e.Reason])
	if e.Column == "" {
		return string(e.Reason) + ": " + words
	}
	return string(e.Reason) + ": column " + strconv.Quote(e.Column) + ": " + words
}

// Is makes errors.Is(err, ErrRefused) true.
func (e *RefusedError) Is(target error) bool { return target == ErrRefused }

var reasonWords = map[Reason]string{
	BadLine:       "the line cannot be read: more or fewer columns than named, a stray quote, or not JSON",
	BadRecord:     "not a row of a table that the silo governs: write it as source.table:key",
	UnknownColumn: "not a column of an import: say what it is, or that it is to be ignored, with --column",
	OpenQuote: "a quote opens here and is not closed: this line and those that follow it, up to the next " +
		"quote or the end of the file, were not read",
	BadType:        "not an event type that a source may deliver",
	BadTime:        "missing or unreadable instant, an end before the beginning, or a consent before it was given",
	BadTermination: "no date or period; a person must say when this consent ends",
	BadText:        "control characters, invalid UTF-8 or too long",
	BadFlag:        "neither yes nor no",
	NoIdentifier:   "the event names nobody",
	BadIdentifier:  "not an identifier of its kind",
	AmbiguousIdentifier: "it cannot be told whose it is: letters of two alphabets, or that look like others; a sign " +
		"that was lost; an extension, a remark or another number beside it; a number that a program rounded; or two " +
		"people in one field",
	IdentityConflict: "the identifiers lead to different collections; name one in the column collection",
	SharedIdentifier: "other rows have the identifiers too, so it is not known who agreed",
	NoPurpose:        "the type needs a purpose",
	UnknownPurpose:   "not a purpose of the silo",
	NoNotice:         "given and renewed need the notice that was shown",
	ImpliedConsent:   "there was no affirmative act, so there is no consent",
	UnknownMethod:    "not a known affirmative act",
	DuplicateDiffers: "this id was recorded with other content",
	Suppressed:       "the person is on the suppression list, and no consent of a later day with evidence is shown",
}

// Words says in a few words what the reason means.
func (r Reason) Words() string { return reasonWords[r] }

// Reasons lists the reasons for which an event is refused, sorted.
func Reasons() []Reason { return slices.Sorted(maps.Keys(reasonWords)) }

// Refuse is the error for a reason and the column that is the cause, "" for none.
func Refuse(reason Reason, column string) error { return &RefusedError{Reason: reason, Column: column} }
