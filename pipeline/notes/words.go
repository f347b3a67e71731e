package notes

import (
	"strings"

	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry/event"
)

// What a table's consents lack. They are recorded, decide as D_CONSENT_UNPROVEN, and are reported each night.
const (
	ConsentStated  event.Reason = "E_CONSENT_STATED"
	ConsentDefault event.Reason = "E_CONSENT_DEFAULT"
	ConsentAhead   event.Reason = "E_CONSENT_AHEAD"
)

// takenWords are the words of what a table's consents lack.
var takenWords = map[event.Reason]string{
	ConsentStated: "It is said that people consented, without a proof of it. " +
		"It is recorded, and does not count as consent (Art. 7(1)).",
	ConsentAhead: "Consents or withdrawals are said to lie in the future. " +
		"A consent is never relied on, a withdrawal counts from when it was recorded: " +
		"say the zone, or correct the dates.",
	ConsentDefault: "An application's consents come from a default that no person set: " +
		"no date of the choice, or that of the row. They are recorded, and do not count (Art. 4(11)).",
}

// IntakeCode keeps what is refused of a table's consents apart from what is found of its rows.
func IntakeCode(r event.Reason) string {
	if reason.Code(r).Words() != "" {
		return "E_CONSENT_" + strings.TrimPrefix(string(r), "E_")
	}
	return string(r)
}

// takenWordsOf says what a code of an exception means that comes from taking consents in.
func takenWordsOf(code string) string {
	if words, ok := takenWords[event.Reason(code)]; ok {
		return words
	}
	of := event.Reason("E_" + strings.TrimPrefix(code, "E_CONSENT_"))
	for _, reason := range []event.Reason{event.Reason(code), of} {
		if words := reason.Words(); words != "" {
			return "A table's rows say of consents what the registry refuses: " + words + "."
		}
	}
	return ""
}

// NoKey says of a table why none of its rows can be named, and what to do.
const NoKey = "no primary key names its rows, nor a unique constraint of fields that are NOT NULL; one of rounded " +
	"numbers (float, double precision) names none: give it a primary key of whole numbers or of text"

// CodeNoKey is the exception of rows that cannot be addressed.
const CodeNoKey = "E_NO_KEY"

// CodeReadOnly is the exception of rows that would have to change in a source that can only be read.
const CodeReadOnly = "E_READ_ONLY"

// CodeCannotChange is the exception of rows that would have to change in a table that cannot be changed as it is.
const CodeCannotChange = "E_CANNOT_CHANGE"

// CodeRefused is the exception of rows that would have to change and that are set aside, as the database refused
// that a while ago.
const CodeRefused = "E_REFUSED"

// WordsOf are the words of a code of decisions and exceptions; "" for one that is none.
func WordsOf(code string) string {
	if code == CodeNoKey {
		return "The row has no usable primary key, nor a unique constraint in its place, so it cannot be addressed " +
			"and is never changed."
	}
	if code == CodeReadOnly {
		return "The row would have to change, but its source can only be read: " +
			"give the source an apply_dsn, or have its application change the row."
	}
	if code == CodeCannotChange {
		return "The row would have to change, but its table cannot be changed as it is: the finding F_CANNOT_CHANGE " +
			"of the table says why, and what to do."
	}
	if code == CodeRefused {
		return "The row would have to change, but the database refused that (a constraint or trigger): it is set " +
			"aside until its next try, of which `lethe status` has the date and the cause."
	}
	if words := reason.Code(code).Words(); words != "" {
		return words
	}
	return takenWordsOf(code)
}
