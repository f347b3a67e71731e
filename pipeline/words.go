package pipeline

import (
	"lethe/pipeline/policy"
)

// codeNoKey is the exception of rows that cannot be addressed.
const codeNoKey = "E_NO_KEY"

// codeReadOnly is the exception of rows that would have to change in a source that can only be read.
const codeReadOnly = "E_READ_ONLY"

func wordsOf(code string) string {
	if code == codeNoKey {
		return "The row has no usable primary key, so it cannot be addressed and is never changed."
	}
	if code == codeReadOnly {
		return "The row would have to change, but its source can only be read: " +
			"give the source an apply_dsn, or have its application change the row."
	}
	if words := policy.Code(code).Words(); words != "" {
		return words
	}
	return takenWordsOf(code)
}
