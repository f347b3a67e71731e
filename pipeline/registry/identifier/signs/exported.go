package signs

import (
	"bytes"
	"regexp"
)

// Exported is a number or a name without what spreadsheets put around one to keep its zeros ('0042, ="0042"), and
// without quotes, brackets, commas and semicolons around it.
func Exported(value []byte) []byte {
	for len(value) > 0 {
		first, last := value[0], value[len(value)-1]
		switch {
		case last == ',' || last == ';' || last == ' ':
			value = value[:len(value)-1]
		case first == ',' || first == ';' || first == ' ' || first == '\'' && last != first:
			value = value[1:]
		case len(value) > 1 && (first == last && (first == '"' || first == '\'') || first == '<' && last == '>'):
			value = value[1 : len(value)-1]
		case len(value) > 2 && first == '=' && value[1] == '"' && last == '"':
			value = value[2 : len(value)-1]
		default:
			return value
		}
	}
	return value
}

var (
	// rounded is a number that a program shortened.
	rounded = regexp.MustCompile(`^[+-]?[0-9]+([.,][0-9]+[eE][+-]?|[eE][+-])[0-9]+$`)
	// fraction is a whole number that a program took for a fraction.
	fraction = regexp.MustCompile(`^[0-9]+[.,]00?$`)
)

// exactDigits is how many decimal digits a fraction of 64 bits keeps (IEEE 754).
const exactDigits = 15

// Whole is a number without the .0 of a program that took it for a fraction. One that lost digits is a fault, as is one
// that no such program writes: with zeros in front, or two behind.
func Whole(value []byte) ([]byte, Fault) {
	if !mayBeFloat(value) {
		return value, ""
	}
	switch integer := value[:max(0, len(value)-len(".0"))]; {
	case rounded.Match(value):
		return nil, Float
	case !fraction.Match(value):
		return value, ""
	case bytes.ContainsAny(integer, ".,"), len(integer) > exactDigits, integer[0] == '0' && len(integer) > 1:
		return nil, Float
	default:
		return integer, ""
	}
}

// mayBeFloat looks for the signs of a fraction, so that nothing is spent on what is none.
func mayBeFloat(value []byte) bool {
	n := len(value)
	return n > 2 && value[0] <= '9' && value[n-1]-'0' <= 9 && bytes.IndexAny(value, ".,eE") > 0
}
